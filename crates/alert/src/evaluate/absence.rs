//! Series that were there and send nothing.
//!
//! Each evaluation looks at the time since the last one, `over` at least, and notes when each series
//! sent something last; a series whose last sample is older than `over` is an alert until it is
//! forgotten. The first evaluation, also after a restart, reads all of `remember`, in pieces. So the
//! result is the same whether what was seen is remembered or read again.

use std::collections::HashMap;

use plimsoll_model::{Labels, ReadCx, SECOND_MS, Timestamp};

use super::{Element, EvalError, Found, Scene, elements, shown, within};
use crate::rules::Rule;
use crate::rules::kinds::{Absence, REMEMBERED_MAX};
use crate::state::RuleState;

/// The alerts of series that are silent. The value is how long, in seconds; of a selector that nothing
/// is remembered of, how long series are remembered.
pub(super) fn find(
    rule: &Rule,
    absence: &Absence,
    limit: usize,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<Found, EvalError> {
    look(rule, absence, state, scene)?;
    let seen = &state.seen.last;
    let silent: Vec<Element> = if seen.is_empty() {
        let (labels, value) = (absence.labels.clone(), absence.remember_ms as f64 / 1e3);
        vec![Element { labels, value, histogram: None }]
    } else {
        let silent = seen.iter().filter(|(_, last)| scene.at - **last >= absence.over_ms);
        silent.map(|(labels, last)| element(labels, scene.at - last)).collect()
    };
    within(limit, silent.len())?;
    let mut found = Found::default();
    for element in &silent {
        found.put(shown(rule, element, None, scene))?;
    }
    Ok(found)
}

fn element(labels: &Labels, silent_ms: i64) -> Element {
    Element { labels: labels.clone(), value: silent_ms as f64 / 1e3, histogram: None }
}

/// Notes when series sent something last; forgets what is too old.
fn look(
    rule: &Rule,
    absence: &Absence,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<(), EvalError> {
    let at = scene.at;
    let oldest = at - absence.remember_ms;
    let since = state.seen.until.map_or(oldest, |until| until.min(at - absence.over_ms));
    let mut found = HashMap::new();
    if since >= at - absence.over_ms {
        note(elements(&absence.recent, scene)?, &mut found);
    } else {
        let mut to = at;
        while to > since.max(oldest) {
            // Each piece is a question of its own, with a budget of its own.
            let mut cx = ReadCx::with_budget(scene.engine.budget());
            (cx.lane, cx.cancel) = (scene.cx.lane, scene.cx.cancel.clone());
            let scene = Scene { at: to, cx: &cx, ..*scene };
            note(elements(&absence.earlier, &scene)?, &mut found);
            to -= absence.piece_ms;
        }
    }
    let seen = &mut state.seen;
    seen.last.retain(|_, last| *last > oldest);
    let new = found.keys().filter(|labels| !seen.last.contains_key(labels)).count();
    if seen.last.len() + new > REMEMBERED_MAX {
        return Err(EvalError::Result(format!(
            "{} series to remember, at most {REMEMBERED_MAX}; narrow the selector of {}",
            seen.last.len() + new,
            rule.name
        )));
    }
    for (labels, last) in found {
        let known = seen.last.entry(labels).or_insert(last);
        *known = last.max(*known);
    }
    seen.last.retain(|_, last| *last > oldest);
    seen.until = Some(at);
    Ok(())
}

fn note(elements: Vec<Element>, found: &mut HashMap<Labels, Timestamp>) {
    for Element { labels, value, .. } in elements {
        let last = (value * SECOND_MS as f64).round() as Timestamp;
        let known = found.entry(labels).or_insert(last);
        *known = last.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plimsoll_model::{MemorySource, SeriesSource, Snapshot};
    use plimsoll_query::{Engine, EngineConfig, Features};
    use plimsoll_world::Workers;

    use super::*;
    use crate::template::Surroundings;

    #[test]
    fn what_is_remembered_is_bounded() {
        let text = "groups:\n- name: g\n  rules:\n  - {absence: A, expr: m, over: 1m}\n";
        let groups = crate::read_rules("r.yml", text, 60_000, &Features::default()).unwrap();
        let rule = &groups[0].rules[0];
        let series = |i: usize| Labels::new([("i", i.to_string().as_str())]).unwrap();
        let memory = MemorySource::new();
        let new = series(REMEMBERED_MAX).with("__name__", "m");
        memory.append(&new, 99_000, 1.0);
        let mut state = RuleState::default();
        state.seen.last = (0..REMEMBERED_MAX).map(|i| (series(i), 99_000)).collect();
        state.seen.until = Some(95_000);
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let view: Arc<dyn Snapshot> = memory.snapshot();
        let (surroundings, cx) = (Surroundings::default(), ReadCx::unlimited());
        let ask = |at, state: &mut RuleState| {
            let (engine, view, surroundings) = (&engine, &view, &surroundings);
            let scene = Scene { engine, view, at, surroundings, cx: &cx };
            crate::evaluate(rule, 0, state, &scene).map(|done| done.transitions.len())
        };
        let error = ask(100_000, &mut state).unwrap_err().to_string();
        assert!(error.contains("200001 series to remember, at most 200000"), "{error}");
        // What is forgotten makes room.
        state.seen.last.insert(series(0), 99_000 - 86_400_000);
        assert_eq!(ask(100_000, &mut state).unwrap(), 0);
        assert_eq!(state.seen.last.len(), REMEMBERED_MAX);
    }
}
