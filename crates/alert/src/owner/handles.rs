//! What tests and replays of rules take from alerting: its rules, and what it reads, writes and asks.

use std::collections::BTreeMap;

use plimsoll_model::{SampleSink, SeriesSource};
use plimsoll_query::{Engine, LabelMatcher};
use plimsoll_world::Clock;

use super::Alerting;
use crate::rules::{Condition, Group, Rule, RuleKind};
use crate::template::Surroundings;

/// Series that a rule reads.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleInput {
    /// Which.
    pub matchers: Vec<LabelMatcher>,
    /// Whether a rule of the kind `anomaly` reads them.
    pub anomaly: bool,
}

impl Alerting {
    /// What the rules read, each selector once, in the order of its text. Waits for an evaluation that
    /// is going on.
    pub fn inputs(&self) -> Vec<RuleInput> {
        let rules = self.rules.lock();
        let mut found: BTreeMap<String, RuleInput> = BTreeMap::new();
        for rule in rules.groups.iter().flat_map(|g| &g.group.rules) {
            let anomaly = is_anomaly(rule);
            for selector in rule.query.expr().selectors() {
                let texts: Vec<String> =
                    selector.matchers.iter().map(ToString::to_string).collect();
                let input = found.entry(texts.join(",")).or_insert_with(|| RuleInput {
                    matchers: selector.matchers.clone(),
                    anomaly: false,
                });
                input.anomaly |= anomaly;
            }
        }
        found.into_values().collect()
    }

    /// The groups that are evaluated, in order.
    pub(crate) fn running_groups(&self) -> Vec<Group> {
        let mut groups: Vec<_> = self.rules.lock().groups.iter().map(|g| g.group.clone()).collect();
        for rule in groups.iter_mut().flat_map(|g| &mut g.rules) {
            rule.each_query(plimsoll_query::Query::once);
        }
        groups
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        self.surroundings.lock().clone()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.setup.engine
    }

    pub(crate) fn source(&self) -> &dyn SeriesSource {
        &*self.setup.source
    }

    pub(crate) fn sink(&self) -> &dyn SampleSink {
        &*self.setup.sink
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.setup.clock
    }
}

fn is_anomaly(rule: &Rule) -> bool {
    let RuleKind::Alert { condition, .. } = &rule.kind else { return false };
    matches!(condition, Condition::Levels(levels) if levels.kind == "anomaly")
}
