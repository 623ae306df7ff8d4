//! The two loops' work: evaluates groups that are due, and decides what is told.
//!
//! Evaluation times of a group never go back; a group that is late by more than an interval skips.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll_model::{
    Batch, Cancel, Canonical, Overlay, ReadCx, Rows, Snapshot, Ticket, Timestamp,
};

use super::desk::Desk;
use super::states::{event, origin, rule_state_changes};
use super::{Alerting, Moved, Rules, Running, Wake, outcome, view};
use crate::evaluate::{Sample, Scene, evaluate};
use crate::metrics::{Metrics, count};

/// Least time that a group's queries are given together.
const EVALUATION_MIN: Duration = Duration::from_secs(10);

impl Alerting {
    /// Evaluates what is due and decides what to tell. Blocks while it does.
    pub fn tick(&self) -> Wake {
        let rules = self.evaluate();
        let told = self.settle();
        Wake { after: rules.after.min(told.after) }
    }

    /// Evaluates the groups that are due and hands their alerts on. Blocks while it does.
    pub fn evaluate(&self) -> Wake {
        let mut rules = self.rules.lock();
        let rules = &mut *rules;
        let mono = self.setup.clock.mono();
        let (mut samples, mut moved, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        let mut evaluated = Vec::new();
        for (i, running) in rules.groups.iter_mut().enumerate() {
            if running.next_mono > mono {
                continue;
            }
            self.evaluate_group(running, &mut samples, &mut moved);
            schedule(running, mono, &self.metrics);
            changes.extend(rule_state_changes(running, self.setup.clock.wall_ms()));
            evaluated.push(i);
        }
        if !evaluated.is_empty() {
            let wall = self.setup.clock.wall_ms();
            let mut desk = self.desk.lock();
            for step in moved.iter().filter(|m| !m.shadow) {
                desk.moved(&step.origin, &step.transition, step.interval_ms, wall);
            }
            for running in evaluated.into_iter().map(|i| &rules.groups[i]) {
                still_there(&mut desk, running, wall);
            }
            desk.unsaved.changes(changes);
            desk.unsaved.changes(moved.iter().map(|m| event(&m.transition, m.shadow)));
            self.tell(&mut desk, wall);
            drop(desk);
            self.poke.notify_one();
            self.forward_poke.notify_one();
        }
        self.append(rules, &samples);
        let now = self.setup.clock.mono();
        let next = rules.groups.iter().map(|g| g.next_mono.saturating_sub(now)).min();
        Wake { after: bounded(next.unwrap_or(Duration::from_secs(1))) }
    }

    /// Decides what to tell of the alerts that are known. Blocks while it is written down.
    pub fn settle(&self) -> Wake {
        let mut desk = self.desk.lock();
        let wall = self.setup.clock.wall_ms();
        let next = self.tell(&mut desk, wall);
        let after = next.map_or(1_000, |at| at.saturating_sub(wall).max(0));
        Wake { after: bounded(Duration::from_millis(after.unsigned_abs())) }
    }

    fn evaluate_group(
        &self,
        running: &mut Running,
        samples: &mut Vec<Sample>,
        moved: &mut Vec<Moved>,
    ) {
        let started = self.setup.clock.mono();
        let wall = running.group.evaluation_time(self.setup.clock.wall_ms());
        let at = running.last_at.map_or(wall, |last| wall.max(last + 1));
        running.last_at = Some(at);
        let overlay = Arc::new(Overlay::new(self.setup.source.snapshot()));
        let view: Arc<dyn Snapshot> = Arc::clone(&overlay) as Arc<dyn Snapshot>;
        let cancel = Cancel::new();
        let interval = Duration::from_millis(running.group.interval_ms.max(1).unsigned_abs());
        (self.setup.arm)(interval.max(EVALUATION_MIN), cancel.clone());
        let mut outcomes = Vec::with_capacity(running.group.rules.len());
        let keys = running.group.rule_keys();
        let seen = self.surroundings.lock().clone();
        let alerts_max = self.alerts_max.load(std::sync::atomic::Ordering::Relaxed);
        for (rule, key) in running.group.rules.iter().zip(keys) {
            let origin = || Arc::new(origin(&running.group, rule, &key));
            let state = running.states.entry(key.clone()).or_default();
            let began = self.setup.clock.mono();
            let mut cx = ReadCx::with_budget(self.setup.engine.budget());
            cx.lane = plimsoll_model::Lane::Rules;
            cx.cancel = cancel.clone();
            let scene =
                Scene { engine: &self.setup.engine, view: &view, at, surroundings: &seen, cx: &cx };
            let (limit, is_ours) = outcome::limit_of(rule, running.group.limit, alerts_max);
            let result = evaluate(rule, limit, state, &scene);
            count(&self.metrics.evaluations, 1);
            let (health, error) = self.outcome(rule, &result, is_ours);
            if let Ok(done) = result {
                for s in &done.samples {
                    match &s.histogram {
                        Some(h) => overlay.put_histogram(&s.labels, s.time, h),
                        None => overlay.put(&s.labels, s.time, s.value),
                    }
                }
                samples.extend(done.samples);
                let interval_ms = running.group.interval_ms;
                if !done.transitions.is_empty() {
                    let (origin, shadow) = (origin(), rule.shadow);
                    moved.extend(done.transitions.into_iter().map(|transition| Moved {
                        transition,
                        origin: Arc::clone(&origin),
                        interval_ms,
                        shadow,
                    }));
                }
            }
            let took = self.setup.clock.mono() - began;
            outcomes.push(view::Outcome { health, error, took, at });
        }
        let took = self.setup.clock.mono() - started;
        count(&self.metrics.evaluation_us, u64::try_from(took.as_micros()).unwrap_or(0));
        let seen = view::after(&running.group, &running.states, outcomes, at, took);
        self.views.lock().insert(running.group.key(), seen);
    }

    /// Hands result samples to the store and does not wait: a page never waits for a disk. What became
    /// of them is seen at the next tick.
    pub(super) fn append(&self, rules: &mut Rules, samples: &[Sample]) {
        self.look_after(rules.appending.take());
        if samples.is_empty() {
            return;
        }
        let times: Vec<i64> = samples.iter().map(|s| s.time).collect();
        let floats: Vec<f64> = samples.iter().map(|s| s.value).collect();
        let rows: Vec<Rows<'_>> = samples
            .iter()
            .enumerate()
            .map(|(i, s)| {
                let histograms = s.histogram.as_deref().map_or(&[][..], std::slice::from_ref);
                let floats = if histograms.is_empty() { &floats[i..=i] } else { &[] };
                Rows {
                    fp: Some(s.labels.fp()),
                    raw: s.labels.as_ref().as_bytes(),
                    times: &times[i..=i],
                    floats,
                    histograms,
                    ..Rows::default()
                }
            })
            .collect();
        let batch =
            Batch { source: &self.source_id, decode: &Canonical, rows: &rows, metadata: &[] };
        rules.appending = Some(self.setup.sink.submit(batch));
    }

    fn look_after(&self, ticket: Option<Ticket>) {
        let Some(mut ticket) = ticket else { return };
        let mut cx = Context::from_waker(Waker::noop());
        let why = match Pin::new(&mut ticket).poll(&mut cx) {
            Poll::Ready(Ok(_)) => return,
            Poll::Ready(Err(e)) => e.to_string(),
            Poll::Pending => "the store has not answered since the last tick".to_owned(),
        };
        count(&self.metrics.sink_failures, 1);
        tracing::warn!(error = why, "results of rules not stored");
    }
}

/// Takes note of alerts that are still there; their texts may have changed.
fn still_there(desk: &mut Desk, running: &Running, wall: Timestamp) {
    let rules = running.group.rules.iter().zip(running.group.rule_keys());
    for (rule, key) in rules.filter(|(rule, _)| !rule.shadow) {
        let Some(state) = running.states.get(&key).filter(|s| !s.active.is_empty()) else {
            continue;
        };
        let origin = origin(&running.group, rule, &key);
        for (name, alert) in &state.active {
            desk.seen(&origin, name, alert, running.group.interval_ms, wall);
        }
    }
}

fn bounded(after: Duration) -> Duration {
    after.clamp(Duration::from_millis(10), Duration::from_secs(1))
}

/// The next time on the group's grid; what lies behind is missed.
fn schedule(running: &mut Running, mono: Duration, metrics: &Metrics) {
    let step = Duration::from_millis(running.group.interval_ms.max(1).unsigned_abs());
    running.next_mono += step;
    if running.next_mono <= mono {
        let behind = (mono - running.next_mono).as_nanos() / step.as_nanos().max(1) + 1;
        let missed = u64::try_from(behind).unwrap_or(u64::MAX);
        count(&metrics.missed, missed);
        tracing::warn!(
            group = running.group.name,
            file = running.group.file,
            missed,
            "evaluations left out: the group came too late"
        );
        running.next_mono = mono + step;
    }
}
