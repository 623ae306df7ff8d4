//! One rule at one time: the pure function that runs live, in replay and in tests.
//!
//! The life cycle is Prometheus': an element that appears is pending until it was there for `for`,
//! then fires; an element that goes away ends it, at once or `keep_firing_for` later. Alerting rules
//! write `ALERTS` and `ALERTS_FOR_STATE`; series that a rule wrote last time and not now get a
//! staleness marker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_model::{
    Counts, Histogram, Labels, METRIC_NAME, ReadCx, SECOND_MS, Snapshot, Timestamp, stale_nan,
};
use plimsoll_query::{Engine, QueryError, Value};

use crate::cycle::{Cycle, Holds};
use crate::rules::{Rule, RuleKind};
use crate::state::{Alert, AlertState, RuleState, Transition, labels_of, map_of};
use crate::template::{self, Queries, Surroundings, Template, Values};

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
/// `limit` is the group's limit of elements; 0 = any number.
///
/// # Errors
/// The query's, a result that is no vector or scalar, two elements with equal labels, too many.
pub fn evaluate(
    rule: &Rule,
    limit: usize,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<Evaluated, EvalError> {
    let at = scene.at;
    let elements = elements(rule, scene)?;
    if limit > 0 && elements.len() > limit {
        let text = format!("exceeded limit of {limit} with {} series", elements.len());
        return Err(EvalError::Result(text));
    }
    let mut out = match &rule.kind {
        RuleKind::Record => record(rule, elements, at)?,
        RuleKind::Alert { for_ms, keep_firing_for_ms, annotations } => {
            let times = Holds { at, for_ms: *for_ms, keep_ms: *keep_firing_for_ms };
            alert(rule, annotations, elements, times, state, scene)?
        }
    };
    mark_gone(&mut out.samples, at, state);
    state.last_at = Some(at);
    Ok(out)
}

fn elements(rule: &Rule, scene: &Scene<'_>) -> Result<Vec<Element>, EvalError> {
    match scene.engine.instant(scene.view, &rule.query, scene.at, scene.cx)?.value {
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
    Ok(Evaluated { transitions: Vec::new(), samples })
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

fn alert(
    rule: &Rule,
    annotations: &[(String, Template)],
    elements: Vec<Element>,
    holds: Holds,
    state: &mut RuleState,
    scene: &Scene<'_>,
) -> Result<Evaluated, EvalError> {
    let mut now: BTreeMap<String, Alert> = BTreeMap::new();
    for element in elements {
        let alert = shown(rule, annotations, &element, scene);
        if now.insert(alert.key(), alert).is_some() {
            let text = "vector contains metrics with the same labelset after applying alert labels";
            return Err(EvalError::Result(text.to_owned()));
        }
    }
    let mut out = Evaluated::default();
    let before = std::mem::take(&mut state.active);
    for (key, old) in before {
        let found = now.remove(&key);
        if let Some(alert) = step(old, found, holds, &mut out.transitions) {
            state.active.insert(key, alert);
        }
    }
    for (key, mut alert) in now {
        move_to(&mut alert, Cycle::begin(holds), holds.at, &mut out.transitions);
        state.active.insert(key, alert);
    }
    for alert in state.active.values() {
        own_series(alert, rule.shadow, holds.at, &mut out.samples);
    }
    Ok(out)
}

/// The alert that an element makes, as if it were new.
fn shown(
    rule: &Rule,
    annotations: &[(String, Template)],
    element: &Element,
    scene: &Scene<'_>,
) -> Alert {
    // An alert over a histogram has no number to show; Prometheus shows 0.
    let value = if element.histogram.is_some() { 0.0 } else { element.value };
    let values = Values {
        labels: &element.labels,
        value,
        at: scene.at,
        surroundings: scene.surroundings,
        queries: Some(scene),
    };
    let labels = alert_labels(rule, &values);
    Alert {
        labels: map_of(&labels),
        annotations: annotations
            .iter()
            .map(|(n, t)| (n.clone(), t.show(&rule.name, &values)))
            .collect(),
        state: AlertState::Inactive,
        value,
        active_at: scene.at,
        fired_at: None,
        resolved_at: None,
        kept_since: None,
    }
}

/// The labels of the alert that an element makes.
pub(crate) fn alert_labels(rule: &Rule, values: &Values<'_>) -> Labels {
    let mut labels = values.labels.with(METRIC_NAME, "");
    for (name, template) in &rule.labels {
        labels = labels.with(name, &template.show(&rule.name, values));
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
