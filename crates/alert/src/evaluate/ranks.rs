//! One severity of an element fires: the highest.
//!
//! Each severity has a life of its own, with its own `for`. While a higher one fires, the lower ones are
//! *masked*: they live on unseen, write no series and are told to nobody. So when a value rises, the
//! lower alert goes on firing until the higher one has waited for its `for`, and ends in the evaluation
//! in which that fires; when the value falls below the higher number, the lower alert fires again in the
//! evaluation in which the higher one ends. At no evaluation in between does nothing fire.

use std::collections::BTreeMap;

use super::move_to;
use crate::cycle::{Cycle, Holds};
use crate::rules::kinds::Levels;
use crate::state::{Alert, AlertState, RuleState, Transition};

/// An alert, and what was seen of it before.
struct Life {
    alert: Alert,
    seen: AlertState,
    cycle: Cycle,
}

/// Moves the alerts of a rule with several severities on.
pub(super) fn advance(
    mut now: BTreeMap<String, Alert>,
    holds: Holds,
    levels: &Levels,
    state: &mut RuleState,
    transitions: &mut Vec<Transition>,
) {
    let active = std::mem::take(&mut state.active).into_iter().map(|(k, a)| (k, a.state, a));
    let masked = std::mem::take(&mut state.masked).into_iter();
    let before = active.chain(masked.map(|(k, a)| (k, AlertState::Inactive, a)));
    let mut lives: BTreeMap<String, Life> = BTreeMap::new();
    for (key, seen, mut alert) in before {
        let mut cycle = alert.cycle();
        match now.remove(&key) {
            Some(found) => {
                alert.value = found.value;
                alert.threshold = found.threshold;
                alert.annotations = found.annotations;
                cycle.seen(holds);
            }
            None => cycle.missed(holds),
        }
        lives.insert(key, Life { alert, seen, cycle });
    }
    for (key, alert) in now {
        let life = Life { seen: AlertState::Inactive, cycle: Cycle::begin(holds), alert };
        lives.insert(key, life);
    }
    let rank = |alert: &Alert| {
        let severity = alert.labels.get("severity")?;
        levels.levels.iter().position(|l| l.severity == *severity)
    };
    let mut highest: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for life in lives.values().filter(|l| l.cycle.state == AlertState::Firing) {
        let top = highest.entry(element(&life.alert)).or_default();
        *top = (*top).max(rank(&life.alert));
    }
    for (key, life) in lives {
        let Life { mut alert, seen, mut cycle } = life;
        let top = highest.get(&element(&alert)).copied().flatten();
        if cycle.state == AlertState::Firing && rank(&alert) < top {
            alert.set_cycle(cycle);
            if seen != AlertState::Inactive {
                transitions.push(hidden(&alert, seen, holds));
            }
            state.masked.insert(key, alert);
            continue;
        }
        if seen == AlertState::Inactive && cycle.state == AlertState::Firing {
            // Nobody heard of it before now.
            (cycle.active_at, cycle.fired_at) = (holds.at, Some(holds.at));
        }
        alert.state = seen;
        move_to(&mut alert, cycle, holds.at, transitions);
        if !cycle.is_over() {
            state.active.insert(key, alert);
        }
    }
}

/// The end of an alert as others see it.
fn hidden(alert: &Alert, from: AlertState, holds: Holds) -> Transition {
    let mut alert = alert.clone();
    alert.state = AlertState::Inactive;
    alert.resolved_at = (from == AlertState::Firing).then_some(holds.at);
    alert.fired_at = alert.fired_at.filter(|_| from == AlertState::Firing);
    Transition { at: holds.at, from, to: AlertState::Inactive, alert }
}

/// What alerts of one element have in common.
fn element(alert: &Alert) -> String {
    alert.label_set().with("severity", "").to_string()
}
