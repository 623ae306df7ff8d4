//! What readers see of rules: the state after the last evaluation.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_model::Timestamp;

use super::durations;
use crate::evaluate::Health;
use crate::rules::{Condition, Group, Rule, RuleKind};
use crate::state::{Alert, AlertState, RuleState};

/// A group of rules, as the API shows it.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Time between evaluations, ms.
    pub interval_ms: i64,
    /// Its limit; 0 = none.
    pub limit: usize,
    /// Its rules.
    pub rules: Vec<RuleView>,
    /// When it was last evaluated, ms; `None` = not yet.
    pub last_evaluation: Option<Timestamp>,
    /// How long that took.
    pub evaluation_time: Duration,
}

/// A rule, as the API shows it.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// Name of the alert or the recorded series.
    pub name: String,
    /// The expression; of a kind of ours the PromQL that stands for it.
    pub query: String,
    /// `recording`, `expression` (Prometheus' `alert`), `threshold`, `trend`, `anomaly`, `prediction`
    /// or `absence`.
    pub kind: &'static str,
    /// Severities (empty where there is one number only) with their numbers, the least severe first.
    pub thresholds: Vec<(String, f64)>,
    /// Whether it is an alerting rule.
    pub is_alert: bool,
    /// Whether it notifies nobody.
    pub shadow: bool,
    /// Labels that it adds, as written.
    pub labels: Vec<(String, String)>,
    /// Annotations, as written.
    pub annotations: Vec<(String, String)>,
    /// `for`, ms.
    pub for_ms: i64,
    /// `keep_firing_for`, ms.
    pub keep_firing_for_ms: i64,
    /// The most advanced state among its alerts.
    pub state: AlertState,
    /// Pending and firing alerts.
    pub alerts: Vec<Alert>,
    /// How the last evaluation went.
    pub health: Health,
    /// Why the last evaluation failed.
    pub error: Option<String>,
    /// When it was last evaluated, ms; `None` = not yet.
    pub last_evaluation: Option<Timestamp>,
    /// How long that took.
    pub evaluation_time: Duration,
}

/// How the evaluation of one rule went.
pub(super) struct Outcome {
    pub health: Health,
    pub error: Option<String>,
    pub took: Duration,
    pub at: Timestamp,
}

/// A group before its first evaluation under a configuration; what is known of the one before stays.
pub(super) fn of(
    group: &Group,
    states: &BTreeMap<String, RuleState>,
    known: Option<GroupView>,
) -> GroupView {
    let mut view = after(group, states, Vec::new(), 0, Duration::ZERO);
    view.last_evaluation = None;
    let Some(known) = known else { return view };
    view.last_evaluation = known.last_evaluation;
    view.evaluation_time = known.evaluation_time;
    for rule in &mut view.rules {
        let same = known.rules.iter().find(|r| r.name == rule.name && r.query == rule.query);
        if let Some(same) = same {
            rule.error.clone_from(&same.error);
            rule.health = same.health;
            rule.last_evaluation = same.last_evaluation;
            rule.evaluation_time = same.evaluation_time;
        }
    }
    view
}

/// A group after an evaluation.
pub(super) fn after(
    group: &Group,
    states: &BTreeMap<String, RuleState>,
    outcomes: Vec<Outcome>,
    at: Timestamp,
    took: Duration,
) -> GroupView {
    let mut outcomes = outcomes.into_iter();
    let none = RuleState::default();
    let rules = group.rules.iter().zip(group.rule_keys()).map(|(rule, key)| {
        let state = states.get(&key).unwrap_or(&none);
        rule_view(rule, state, outcomes.next())
    });
    GroupView {
        name: group.name.clone(),
        file: group.file.clone(),
        interval_ms: group.interval_ms,
        limit: group.limit,
        rules: rules.collect(),
        last_evaluation: Some(at),
        evaluation_time: took,
    }
}

fn rule_view(rule: &Rule, state: &RuleState, outcome: Option<Outcome>) -> RuleView {
    let written = |pairs: &[(String, crate::Template)]| {
        pairs.iter().map(|(n, t)| (n.clone(), t.to_string())).collect()
    };
    let annotations = match &rule.kind {
        RuleKind::Record => Vec::new(),
        RuleKind::Alert { annotations, .. } => written(annotations),
    };
    let (for_ms, keep_firing_for_ms) = durations(&rule.kind);
    let any = |wanted| state.active.values().any(|a| a.state == wanted);
    RuleView {
        name: rule.name.clone(),
        query: rule.query.text().to_owned(),
        kind: rule.kind_name(),
        thresholds: rule.condition().map(Condition::thresholds).unwrap_or_default(),
        is_alert: rule.is_alert(),
        shadow: rule.shadow,
        labels: written(&rule.labels),
        annotations,
        for_ms,
        keep_firing_for_ms,
        state: match (any(AlertState::Firing), any(AlertState::Pending)) {
            (true, _) => AlertState::Firing,
            (false, true) => AlertState::Pending,
            (false, false) => AlertState::Inactive,
        },
        alerts: state.active.values().cloned().collect(),
        last_evaluation: outcome.as_ref().map(|o| o.at),
        evaluation_time: outcome.as_ref().map_or(Duration::ZERO, |o| o.took),
        health: outcome.as_ref().map_or(Health::Unknown, |o| o.health),
        error: outcome.and_then(|o| o.error),
    }
}
