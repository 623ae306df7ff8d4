//! What is written down of one rule while it is replayed.

use std::collections::HashMap;

use plimsoll_model::Timestamp;
use serde::{Serialize, Serializer};

use super::LabelMap;
use super::pages::PageCount;
use crate::cycle::Cycle;

/// One life of one alert, from when its condition held to when it was over. Times in ms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Episode {
    /// The labels of the alert, its name included.
    pub labels: LabelMap,
    /// Texts for people, as when it fired; of one that did not, nothing.
    pub annotations: LabelMap,
    /// Since when its condition held; the start of the replay, if it held before.
    pub pending_since: Timestamp,
    /// Since when it fired; `None` = it went away before.
    pub firing_since: Option<Timestamp>,
    /// When it was over; `None` = it was not, at the end.
    pub resolved_at: Option<Timestamp>,
    /// The value when it began to fire.
    #[serde(serialize_with = "float")]
    pub value: Option<f64>,
    /// The greatest value that was seen.
    #[serde(serialize_with = "float")]
    pub max: Option<f64>,
    /// The least one.
    #[serde(serialize_with = "float")]
    pub min: Option<f64>,
}

/// JSON has no NaN and no infinity: such values are texts.
fn float<S: Serializer>(x: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
    match x {
        Some(x) if x.is_finite() => s.serialize_f64(*x),
        Some(x) => s.serialize_str(&plimsoll_query::format_value(*x)),
        None => s.serialize_none(),
    }
}

/// What an episode that goes on has shown.
#[derive(Clone, Debug)]
pub struct Open {
    pub annotations: LabelMap,
    pub value: Option<f64>,
    pub max: f64,
    pub min: f64,
}

impl Default for Open {
    fn default() -> Self {
        let (annotations, value) = (LabelMap::new(), None);
        Self { annotations, value, max: f64::NAN, min: f64::NAN }
    }
}

impl Open {
    /// NaN is no value to compare.
    pub fn see(&mut self, values: &[f64]) {
        for v in values {
            self.max = self.max.max(*v);
            self.min = self.min.min(*v);
        }
    }
}

/// Episodes and pages of one rule.
#[derive(Debug, Default)]
pub struct Ledger {
    pub episodes: Vec<Episode>,
    pub total: u64,
    pub pages: PageCount,
    pub until: Option<Timestamp>,
    pub evaluations: u64,
    pub failures: u64,
    pub failure: Option<(Timestamp, String)>,
    pub alerts: usize,
    max: usize,
    groups: HashMap<String, u32>,
}

impl Ledger {
    /// An empty one that keeps so many episodes.
    pub fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Whether another episode would be kept.
    pub fn has_room(&self) -> bool {
        self.episodes.len() < self.max
    }

    pub fn failed(&mut self, at: Timestamp, why: String) {
        self.failures += 1;
        self.failure.get_or_insert((at, why));
    }

    /// The group of an alert with these labels.
    pub fn group_of(&mut self, labels: &LabelMap, group_by: &[String]) -> u32 {
        let all = group_by.len() == 1 && group_by[0] == "...";
        let pairs = labels.iter().filter(|(n, _)| all || group_by.contains(n));
        let name = format!("{:?}", pairs.collect::<Vec<_>>());
        let next = self.groups.len() as u32;
        *self.groups.entry(name).or_insert(next)
    }

    /// An episode is over, or the replay is.
    pub fn close(&mut self, labels: &LabelMap, open: Open, cycle: Cycle, over: Option<Timestamp>) {
        self.total += 1;
        if !self.has_room() {
            return;
        }
        let seen = |v: f64| (!v.is_nan()).then_some(v);
        self.episodes.push(Episode {
            labels: labels.clone(),
            annotations: open.annotations,
            pending_since: cycle.active_at,
            firing_since: cycle.fired_at,
            resolved_at: over,
            value: open.value,
            max: seen(open.max),
            min: seen(open.min),
        });
    }
}
