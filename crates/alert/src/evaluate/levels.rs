//! A value per series that crosses numbers: which elements hold at which level.
//!
//! Hysteresis holds what *fires*: a pending alert needs the threshold itself, all the time, so that
//! `for` means what it says; and one that fires only because of `keep_firing_for` went away already.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::{Labels, METRIC_NAME};

use super::{
    Element, EvalError, Found, Health, Scene, alert_labels, elements, shown, values_of, within,
};
use crate::rules::Rule;
use crate::rules::kinds::{Level, Levels, Minimum};
use crate::state::{AlertState, RuleState};
use crate::template::Reached;

/// The alerts that hold, one for each level that an element crosses.
pub(super) fn find(
    rule: &Rule,
    levels: &Levels,
    limit: usize,
    state: &RuleState,
    scene: &Scene<'_>,
) -> Result<Found, EvalError> {
    let all = elements(&levels.value, scene)?;
    let mut found = Found::default();
    if all.is_empty() {
        found.health = Health::NoData;
        return Ok(found);
    }
    let mut traffic = match &levels.minimum {
        Some(minimum) => Some(Traffic::ask(minimum, scene)?),
        None => None,
    };
    let mut passing = Vec::new();
    let mut count = 0;
    for element in all.iter().filter(|e| e.histogram.is_none()) {
        let before = passing.len();
        for level in &levels.levels {
            let holds = levels.passes(element.value, level)
                || (levels.lingers(element.value, level)
                    && is_firing(rule, element, level, state, scene));
            if holds {
                passing.push((element, level));
            }
        }
        if passing.len() > before && traffic.as_mut().is_some_and(|t| !t.suffices(&element.labels))
        {
            passing.truncate(before);
        }
        count += usize::from(passing.len() > before);
    }
    within(limit, count)?;
    for (element, level) in passing {
        found.put(shown(rule, element, Some(Reached::of(level)), scene))?;
    }
    Ok(found)
}

/// Whether the alert of an element fires since its condition held.
fn is_firing(
    rule: &Rule,
    element: &Element,
    level: &Level,
    state: &RuleState,
    scene: &Scene<'_>,
) -> bool {
    if state.active.is_empty() && state.masked.is_empty() {
        return false;
    }
    let values = values_of(&element.labels, element.value, Some(Reached::of(level)), scene);
    let key = alert_labels(rule, &values).to_string();
    let alert = state.active.get(&key).or_else(|| state.masked.get(&key));
    alert.is_some_and(|a| a.state == AlertState::Firing && a.kept_since.is_none())
}

/// How much is going on, by labels. An element is matched by the labels that it and an element of the
/// minimum both have (all elements match where there are none); of several matches one suffices.
struct Traffic {
    above: f64,
    all: Vec<(Labels, f64)>,
    /// By names of an element's labels: for each set of common names, the greatest value by values.
    tables: BTreeMap<Vec<String>, Vec<Table>>,
}

struct Table {
    names: Vec<String>,
    greatest: HashMap<Vec<String>, f64>,
}

impl Traffic {
    fn ask(minimum: &Minimum, scene: &Scene<'_>) -> Result<Self, EvalError> {
        let found = elements(&minimum.query, scene)?;
        let all = found.into_iter().filter(|e| e.histogram.is_none());
        let all = all.map(|e| (e.labels, e.value)).collect();
        Ok(Self { above: minimum.above, all, tables: BTreeMap::new() })
    }

    fn suffices(&mut self, labels: &Labels) -> bool {
        let names: Vec<String> = labels
            .iter()
            .map(|(n, _)| n)
            .filter(|n| *n != METRIC_NAME)
            .map(str::to_owned)
            .collect();
        let all = &self.all;
        let tables = self.tables.entry(names).or_insert_with_key(|names| tables(all, names));
        tables.iter().any(|table| {
            let greatest = table.greatest.get(&values(labels, &table.names));
            greatest.is_some_and(|value| *value > self.above)
        })
    }
}

fn values(labels: &Labels, names: &[String]) -> Vec<String> {
    names.iter().map(|n| labels.get(n).unwrap_or_default().to_owned()).collect()
}

fn tables(all: &[(Labels, f64)], names: &[String]) -> Vec<Table> {
    let mut tables: BTreeMap<Vec<String>, HashMap<Vec<String>, f64>> = BTreeMap::new();
    for (labels, value) in all {
        let common: Vec<String> =
            names.iter().filter(|n| labels.get(n).is_some()).cloned().collect();
        let key = values(labels, &common);
        let greatest = tables.entry(common).or_default().entry(key).or_insert(f64::NEG_INFINITY);
        *greatest = greatest.max(*value);
    }
    tables.into_iter().map(|(names, greatest)| Table { names, greatest }).collect()
}
