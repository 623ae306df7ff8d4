//! Rules as code uses them; [`read_rules`] makes them from a Prometheus rule file, in which kinds of
//! ours may stand beside `record` and `alert`.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use plimsoll_query::Query;

use crate::Template;

mod comparison;
mod file;
pub mod kinds;

pub use comparison::Comparison;
pub use file::{fuzz_rules, read_rules};
pub use kinds::{Condition, Level, OnError, OnNoData, Policy};

/// What the keys of rules in the shadow begin with.
pub(crate) const SHADOW: &str = "shadow;";

/// Rules that are evaluated one after the other at the same time.
#[derive(Clone, Debug)]
pub struct Group {
    /// The file it was read from.
    pub file: String,
    /// Its name, unique in its file.
    pub name: String,
    /// Time between evaluations, ms, above 0.
    pub interval_ms: i64,
    /// Alerts or series that one rule may give; more is an error of that rule. 0 = any number.
    pub limit: usize,
    /// How far back the evaluation looks: rules are evaluated at `now - offset`, ms.
    pub offset_ms: i64,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The alert's name, or the name of the recorded series.
    pub name: String,
    /// The expression, read; of a kind of ours the PromQL that stands for it.
    pub query: Query,
    /// The line where the rule begins.
    pub line: u64,
    /// Labels that are added; values of alerts' labels are templates.
    pub labels: Vec<(String, Template)>,
    /// Whether it only records what it would do: it notifies nobody, and its series are
    /// `SHADOW_ALERTS` and `SHADOW_ALERTS_FOR_STATE`. Never true of a recording rule.
    pub shadow: bool,
    /// What it does.
    pub kind: RuleKind,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum RuleKind {
    /// Writes the expression's result as a series.
    Record,
    /// Fires for each element of the expression's result, or what a kind of ours finds.
    Alert {
        /// How long an element must be there before it fires, ms.
        for_ms: i64,
        /// How long it keeps firing after its element went away, ms.
        keep_firing_for_ms: i64,
        /// Texts for people.
        annotations: Vec<(String, Template)>,
        /// What it watches.
        condition: Condition,
        /// What becomes of its alerts when it cannot be evaluated or finds nothing to look at.
        policy: Policy,
    },
}

impl Group {
    /// The name that is unique over all files.
    pub fn key(&self) -> String {
        format!("{};{}", self.file, self.name)
    }

    /// The names under which the states of its rules are kept, in the order of the rules: stable
    /// while name, expression and mode are, wherever the rule stands; equal rules are counted. A rule
    /// that leaves the shadow starts anew: what it found before was told to nobody.
    pub fn rule_keys(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let key = |rule: &Rule| {
            let key = rule.key();
            let nth = seen.entry(key.clone()).or_default();
            *nth += 1;
            if *nth == 1 { key } else { format!("{key};{nth}") }
        };
        self.rules.iter().map(key).collect()
    }

    /// The time for which rules are evaluated at `now`.
    pub const fn evaluation_time(&self, now: Timestamp) -> Timestamp {
        now - self.offset_ms
    }
}

impl Rule {
    fn key(&self) -> String {
        let hash = xxhash_rust::xxh3::xxh3_64(self.query.text().as_bytes());
        let mode = if self.shadow { SHADOW } else { "" };
        format!("{mode}{};{hash:016x}", self.name)
    }

    /// What it watches, if it is an alerting rule.
    pub const fn condition(&self) -> Option<&Condition> {
        match &self.kind {
            RuleKind::Record => None,
            RuleKind::Alert { condition, .. } => Some(condition),
        }
    }

    /// Its kind as the API names it: `recording`, `expression` (Prometheus' `alert`), or one of ours.
    pub const fn kind_name(&self) -> &'static str {
        match self.condition() {
            None => "recording",
            Some(condition) => condition.kind(),
        }
    }

    /// All queries that it may ask.
    pub(crate) fn queries(&self) -> Vec<&Query> {
        let more = self.condition().map(Condition::queries).unwrap_or_default();
        std::iter::once(&self.query).chain(more).collect()
    }

    /// Changes all queries that it may ask.
    pub(crate) fn each_query(&mut self, change: impl Fn(&Query) -> Query) {
        self.query = change(&self.query);
        if let RuleKind::Alert { condition, .. } = &mut self.kind {
            for query in condition.queries_mut() {
                *query = change(query);
            }
        }
    }

    /// Whether it is an alerting rule.
    pub const fn is_alert(&self) -> bool {
        matches!(self.kind, RuleKind::Alert { .. })
    }
}
