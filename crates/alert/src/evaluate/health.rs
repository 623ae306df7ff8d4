//! What a rule does that cannot be evaluated, or has nothing to look at, when it is asked to fire.
//!
//! The alert has the labels of the rule, without those of any element, and `health="error"` or
//! `health="no_data"`. Its summary says what is wrong; annotations that depend on nothing (a runbook)
//! stay, others would only show gaps. It waits for `for` as any other: one evaluation that takes too
//! long pages nobody.

use std::sync::Arc;

use plimsoll_model::Labels;

use super::{Element, EvalError, Evaluated, Scene, own_series, shown, step};
use crate::cycle::{Cycle, Holds};
use crate::rules::{Condition, Rule, RuleKind};
use crate::state::{Alert, RuleState};
use crate::template::Reached;

/// How a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It was not evaluated yet.
    Unknown,
    /// It is evaluated.
    #[default]
    Ok,
    /// It could not be evaluated.
    Error,
    /// Its expression gives nothing at all. Only told of rules that ask for it, and of kinds of ours.
    NoData,
}

impl Health {
    /// The name in the API and in the label `health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::NoData => "no_data",
        }
    }
}

/// The alert that tells of a rule's health.
pub(super) fn alert(rule: &Rule, health: Health, why: &str, scene: &Scene<'_>) -> Alert {
    let worst = match rule.condition() {
        Some(Condition::Levels(levels)) => levels.levels.last().map(Reached::of),
        _ => None,
    };
    let nothing = Element { labels: Labels::empty(), value: f64::NAN, histogram: None };
    let mut alert = shown(rule, &nothing, worst, scene);
    alert.threshold = None;
    alert.labels.insert("health".to_owned(), health.as_str().to_owned());
    if let RuleKind::Alert { annotations, .. } = &rule.kind {
        for (name, _) in annotations.iter().filter(|(_, t)| t.to_string().contains("{{")) {
            alert.annotations.remove(name);
        }
    }
    let summary = match health {
        Health::NoData => format!("{} has nothing to look at: {why}", rule.name),
        _ => format!("{} cannot be evaluated: {why}", rule.name),
    };
    alert.annotations.insert("summary".to_owned(), summary);
    alert
}

/// A failed evaluation of a rule that fires then; its other alerts stay as they are.
pub(super) fn failed(
    rule: &Rule,
    error: EvalError,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Evaluated {
    let RuleKind::Alert { for_ms, keep_firing_for_ms, .. } = &rule.kind else {
        return Evaluated::default();
    };
    let holds = Holds { at: scene.at, for_ms: *for_ms, keep_ms: *keep_firing_for_ms };
    let found = alert(rule, Health::Error, &error.to_string(), scene);
    let mut out = Evaluated { health: Health::Error, ..Evaluated::default() };
    let key = found.key();
    let alert = match state.active.remove(&key) {
        Some(old) => step(old, Some(found), holds, &mut out.transitions),
        None => {
            let mut alert = found;
            super::move_to(&mut alert, Cycle::begin(holds), holds.at, &mut out.transitions);
            Some(alert)
        }
    };
    state.active.extend(alert.map(|alert| (key, alert)));
    for alert in state.active.values() {
        own_series(alert, rule.shadow, holds.at, &mut out.samples);
    }
    out.failure = Some(Arc::new(error));
    out
}
