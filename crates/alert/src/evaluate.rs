//! One rule at one time: the pure function that runs live, in replay and in tests.
//!
//! The life cycle is Prometheus': an element that appears is pending until it was there for `for`,
//! then fires; an element that goes away ends it, at once or `keep_firing_for` later. Alerting rules
//! write `ALERTS` and `ALERTS_FOR_STATE`; series that a rule wrote last time and not now get a
//! staleness marker. What the kinds of ours find goes through the same cycle: [`levels`] says which
//! elements crossed which number and [`ranks`] that one severity of an element fires, [`absence`] which
//! series are silent, [`health`] what a rule does that fails or has nothing to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_model::{
    Counts, Histogram, Labels, METRIC_NAME, ReadCx, SECOND_MS, Snapshot, Timestamp, stale_nan,
};
use plimsoll_query::{Engine, Query, QueryError, Value};

use crate::cycle::{Cycle, Holds};
use crate::rules::{Condition, OnError, OnNoData, Rule, RuleKind};
use crate::state::{Alert, AlertState, RuleState, Transition, labels_of, map_of};
use crate::template::{self, Queries, Reached, Surroundings, Template, Values};

mod absence;
mod health;
mod levels;
mod ranks;

pub use health::Health;

/// A sample that a rule writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its series.
    pub labels: Labels,
    /// Its time, ms.
    pub time: Timestamp,
    /// Its value; may be the staleness marker, and is when it is a histogram.
    pub value: f64,
    /// The native histogram that it is, if it is one.
    pub histogram: Option<Arc<Histogram>>,
}

impl Sample {
    /// A number.
    pub const fn new(labels: Labels, time: Timestamp, value: f64) -> Self {
        Self { labels, time, value, histogram: None }
    }
}

/// What an evaluation gave.
#[derive(Clone, Debug, Default)]
pub struct Evaluated {
    /// Steps of alerts.
    pub transitions: Vec<Transition>,
    /// Samples to write.
    pub samples: Vec<Sample>,
    /// How the rule is.
    pub health: Health,
    /// Why the rule could not be evaluated, when its policy is to fire then.
    pub failure: Option<Arc<EvalError>>,
}

/// Why a rule could not be evaluated. Its state is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The query failed.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The result cannot be what the rule wants.
    #[error("{0}")]
    Result(String),
    /// More elements than the limit.
    #[error("exceeded limit of {limit} with {found} series")]
    Limit {
        /// Elements that the rule may give.
        limit: usize,
        /// Elements that there are.
        found: usize,
    },
}

struct Element {
    labels: Labels,
    value: f64,
    histogram: Option<Arc<Histogram>>,
}

/// What a rule sees at one time.
pub struct Scene<'s> {
    /// Evaluates its expression, and the queries of its templates.
    pub engine: &'s Engine,
    /// What they read.
    pub view: &'s Arc<dyn Snapshot>,
    /// The time.
    pub at: Timestamp,
    /// What its templates see beside the element.
    pub surroundings: &'s Surroundings,
    /// What reading may use.
    pub cx: &'s ReadCx,
}

/// Evaluates a rule at the time of `scene`, moving its state on.
///
/// `limit` is how many elements it may give, or alerts; 0 = any number.
///
/// # Errors
/// The query's, a result that is no vector or scalar, two elements with equal labels, too many. A rule
/// with `on_error: fire` gives no error but an alert, and what failed beside it.
pub fn evaluate(
    rule: &Rule,
    limit: usize,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<Evaluated, EvalError> {
    let at = scene.at;
    let mut out = match &rule.kind {
        RuleKind::Record => {
            let elements = elements(&rule.query, scene)?;
            within(limit, elements.len())?;
            record(rule, elements, at)?
        }
        RuleKind::Alert { policy, .. } => match find(rule, limit, state, scene) {
            Ok(found) => act(rule, found, state, scene),
            Err(e) if policy.on_error == OnError::Fire => health::failed(rule, e, state, scene),
            Err(e) => return Err(e),
        },
    };
    mark_gone(&mut out.samples, at, state);
    state.last_at = Some(at);
    Ok(out)
}

fn within(limit: usize, found: usize) -> Result<(), EvalError> {
    if limit > 0 && found > limit { Err(EvalError::Limit { limit, found }) } else { Ok(()) }
}

fn elements(query: &Query, scene: &Scene<'_>) -> Result<Vec<Element>, EvalError> {
    match scene.engine.instant(scene.view, query, scene.at, scene.cx)?.value {
        Value::Vector(samples) => {
            let element = |s: plimsoll_query::Sample| Element {
                labels: s.labels,
                value: s.value,
                histogram: s.histogram,
            };
            Ok(samples.into_iter().map(element).collect())
        }
        Value::Scalar(value) => {
            Ok(vec![Element { labels: Labels::empty(), value, histogram: None }])
        }
        _ => Err(EvalError::Result("rule result is not a vector or scalar".to_owned())),
    }
}

fn record(rule: &Rule, elements: Vec<Element>, at: Timestamp) -> Result<Evaluated, EvalError> {
    let mut seen = BTreeSet::new();
    let mut samples = Vec::with_capacity(elements.len());
    for element in elements {
        let mut labels = element.labels.with(METRIC_NAME, &rule.name);
        for (name, value) in &rule.labels {
            labels = labels.with(name, &value.to_string());
        }
        if !seen.insert(labels.clone()) {
            let text = "vector contains metrics with the same labelset after applying rule labels";
            return Err(EvalError::Result(text.to_owned()));
        }
        if element.histogram.as_deref().is_some_and(is_negative) {
            return Err(EvalError::Result(format!(
                "the histogram of {labels} has a negative count and cannot be stored; record it \
                 before it is negated or subtracted from"
            )));
        }
        samples.push(Sample {
            labels,
            time: at,
            value: element.value,
            histogram: element.histogram,
        });
    }
    Ok(Evaluated { samples, ..Evaluated::default() })
}

/// Whether a histogram holds less than nothing somewhere, as differences may.
fn is_negative(h: &Histogram) -> bool {
    match &h.counts {
        Counts::Integer { .. } => false,
        Counts::Float { count, zero, positive, negative } => {
            [*count, *zero].iter().chain(positive).chain(negative).any(|c| *c < 0.0)
        }
    }
}

impl Queries for Scene<'_> {
    fn query(&self, text: &str) -> Result<Vec<template::Sample>, String> {
        let query = self.engine.parse(text).map_err(|e| e.to_string())?;
        let found = self.engine.instant(self.view, &query, self.at, self.cx);
        match found.map_err(|e| e.to_string())?.value {
            Value::Vector(samples) => {
                let sample = |s: plimsoll_query::Sample| template::Sample {
                    labels: s.labels,
                    value: if s.histogram.is_some() { 0.0 } else { s.value },
                };
                Ok(samples.into_iter().map(sample).collect())
            }
            Value::Scalar(value) => Ok(vec![template::Sample { labels: Labels::empty(), value }]),
            _ => Err("query result is not a vector or scalar".to_owned()),
        }
    }
}

/// The alerts that hold now, as if they were new.
#[derive(Default)]
struct Found {
    alerts: BTreeMap<String, Alert>,
    health: Health,
}

impl Found {
    fn put(&mut self, alert: Alert) -> Result<(), EvalError> {
        if self.alerts.insert(alert.key(), alert).is_some() {
            let text = "vector contains metrics with the same labelset after applying alert labels";
            return Err(EvalError::Result(text.to_owned()));
        }
        Ok(())
    }
}

/// What an alerting rule finds.
fn find(
    rule: &Rule,
    limit: usize,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<Found, EvalError> {
    let RuleKind::Alert { condition, policy, .. } = &rule.kind else {
        return Ok(Found::default());
    };
    match condition {
        Condition::Elements { threshold, data } => {
            let elements = elements(&rule.query, scene)?;
            within(limit, elements.len())?;
            let mut found = Found::default();
            let asks = elements.is_empty() && policy.on_no_data != OnNoData::Ok;
            if let Some(data) = data.as_ref().filter(|_| asks)
                && self::elements(data, scene)?.is_empty()
            {
                found.health = Health::NoData;
            }
            for element in elements {
                let mut alert = shown(rule, &element, None, scene);
                alert.threshold = *threshold;
                found.put(alert)?;
            }
            Ok(found)
        }
        Condition::Levels(levels) => levels::find(rule, levels, limit, state, scene),
        Condition::Absence(absence) => absence::find(rule, absence, limit, state, scene),
    }
}

/// Moves the alerts of a rule on.
fn act(rule: &Rule, mut found: Found, state: &mut RuleState, scene: &Scene<'_>) -> Evaluated {
    let RuleKind::Alert { for_ms, keep_firing_for_ms, condition, policy, .. } = &rule.kind else {
        return Evaluated::default();
    };
    let holds = Holds { at: scene.at, for_ms: *for_ms, keep_ms: *keep_firing_for_ms };
    let mut out = Evaluated { health: found.health, ..Evaluated::default() };
    match (found.health, policy.on_no_data) {
        (Health::NoData, OnNoData::Keep) => {}
        (health, on_no_data) => {
            if health == Health::NoData && on_no_data == OnNoData::Fire {
                let alert = health::alert(rule, health, "there is no data", scene);
                found.alerts.insert(alert.key(), alert);
            }
            match condition {
                Condition::Levels(levels) if levels.levels.len() > 1 => {
                    ranks::advance(found.alerts, holds, levels, state, &mut out.transitions);
                }
                _ => advance(found.alerts, holds, state, &mut out.transitions),
            }
        }
    }
    for alert in state.active.values() {
        own_series(alert, rule.shadow, holds.at, &mut out.samples);
    }
    out
}

/// Each alert by itself.
fn advance(
    mut now: BTreeMap<String, Alert>,
    holds: Holds,
    state: &mut RuleState,
    transitions: &mut Vec<Transition>,
) {
    state.masked.clear();
    let before = std::mem::take(&mut state.active);
    for (key, old) in before {
        let found = now.remove(&key);
        if let Some(alert) = step(old, found, holds, transitions) {
            state.active.insert(key, alert);
        }
    }
    for (key, mut alert) in now {
        move_to(&mut alert, Cycle::begin(holds), holds.at, transitions);
        state.active.insert(key, alert);
    }
}

/// The alert that an element makes, as if it were new.
fn shown(rule: &Rule, element: &Element, reached: Option<Reached<'_>>, scene: &Scene<'_>) -> Alert {
    // An alert over a histogram has no number to show; Prometheus shows 0.
    let value = if element.histogram.is_some() { 0.0 } else { element.value };
    let values = values_of(&element.labels, value, reached, scene);
    let labels = alert_labels(rule, &values);
    let annotations = match &rule.kind {
        RuleKind::Alert { annotations, .. } => &annotations[..],
        RuleKind::Record => &[],
    };
    let show = |(n, t): &(String, Template)| (n.clone(), t.show(&rule.name, &values));
    Alert {
        labels: map_of(&labels),
        annotations: annotations.iter().map(show).collect(),
        state: AlertState::Inactive,
        value,
        threshold: reached.map(|r| r.threshold),
        active_at: scene.at,
        fired_at: None,
        resolved_at: None,
        kept_since: None,
    }
}

/// What templates see.
fn values_of<'v>(
    labels: &'v Labels,
    value: f64,
    reached: Option<Reached<'v>>,
    scene: &'v Scene<'_>,
) -> Values<'v> {
    let (surroundings, queries) = (scene.surroundings, Some(scene as &dyn Queries));
    Values { labels, value, at: scene.at, surroundings, queries, reached }
}

/// The labels of the alert that an element makes.
pub(crate) fn alert_labels(rule: &Rule, values: &Values<'_>) -> Labels {
    let mut labels = values.labels.with(METRIC_NAME, "");
    for (name, template) in &rule.labels {
        labels = labels.with(name, &template.show(&rule.name, values));
    }
    if let Some(reached) = values.reached.filter(|r| !r.severity.is_empty()) {
        labels = labels.with("severity", reached.severity);
    }
    labels.with("alertname", &rule.name)
}

/// Moves an alert on; `None` when it is over.
fn step(
    mut alert: Alert,
    found: Option<Alert>,
    holds: Holds,
    transitions: &mut Vec<Transition>,
) -> Option<Alert> {
    let mut cycle = alert.cycle();
    match found {
        Some(found) => {
            alert.value = found.value;
            alert.threshold = found.threshold;
            alert.annotations = found.annotations;
            cycle.seen(holds);
        }
        None => cycle.missed(holds),
    }
    move_to(&mut alert, cycle, holds.at, transitions);
    (!cycle.is_over()).then_some(alert)
}

fn move_to(alert: &mut Alert, cycle: Cycle, at: Timestamp, transitions: &mut Vec<Transition>) {
    let from = alert.state;
    alert.set_cycle(cycle);
    if cycle.state != from {
        transitions.push(Transition { at, from, to: cycle.state, alert: alert.clone() });
    }
}

/// Rules in the shadow write under names of their own: nothing that counts `ALERTS` sees them.
fn own_series(alert: &Alert, shadow: bool, at: Timestamp, samples: &mut Vec<Sample>) {
    let (alerts, since) = if shadow {
        ("SHADOW_ALERTS", "SHADOW_ALERTS_FOR_STATE")
    } else {
        ("ALERTS", "ALERTS_FOR_STATE")
    };
    let labels = alert.label_set();
    let alerts = labels.with(METRIC_NAME, alerts).with("alertstate", alert.state.as_str());
    samples.push(Sample::new(alerts, at, 1.0));
    let seconds = (alert.active_at / SECOND_MS) as f64;
    let labels = labels.with(METRIC_NAME, since);
    samples.push(Sample::new(labels, at, seconds));
}

/// Ends the series that were written last time and not now.
fn mark_gone(samples: &mut Vec<Sample>, at: Timestamp, state: &mut RuleState) {
    let now: BTreeSet<&Labels> = samples.iter().map(|s| &s.labels).collect();
    let gone: Vec<Labels> =
        state.written.iter().map(labels_of).filter(|l| !now.contains(l)).collect();
    state.written = now.into_iter().map(map_of).collect();
    samples.extend(gone.into_iter().map(|labels| Sample::new(labels, at, stale_nan())));
}
