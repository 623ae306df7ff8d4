//! The owner of rules, router and outbox: decides, writes it down, then lets it be sent.
//!
//! Two loops call in. [`Alerting::evaluate`] evaluates the groups that are due, hands their alerts to the
//! router, and in the same `records` transaction writes rule states, transitions, alerts, groups and
//! outbox; then it appends result samples, which may be repeated. [`Alerting::settle`] asks the router
//! what else is due. When a transaction fails, its changes wait in memory (bounded) and its messages are
//! sent all the same. Evaluation times of a group never go back; a group that is late by more than an
//! interval skips. Locks are taken in the order rules, desk, views.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::{
    Batch, Cancel, Canonical, Overlay, ReadCx, Rows, SampleSink, SeriesSource, Snapshot, SourceId,
    Ticket, Timestamp, stale_nan,
};
use plimsoll_query::Engine;
use plimsoll_records::{BODY_BYTES_MAX, Change, Delivery, Event, Records};
use plimsoll_world::Clock;

use crate::config::Config;
use crate::evaluate::{Sample, Scene, evaluate};
use crate::forward::Alertmanager;
use crate::metrics::{Metrics, count};
use crate::notify::{Breakers, Outbox, Tools};
use crate::route::{Notice, Routing};
use crate::rules::{Group, RuleKind, SHADOW};
use crate::state::{Alert, AlertState, RuleState, Transition, labels_of};
use crate::template::Surroundings;

mod desk;
mod handles;
mod keep;
mod letters;
mod posted;
mod view;

pub use letters::Letter;
pub use posted::{PostError, Posted};
pub use view::{GroupView, RuleView};

use desk::Desk;

/// Least time that a group's queries are given together.
const EVALUATION_MIN: Duration = Duration::from_secs(10);
/// How long alerts of own rules are believed after a start, besides the time until their rules are
/// evaluated, ms.
const OWN_GRACE_MS: i64 = 15 * 60_000;
/// Kind of the documents that hold the states of a group's rules.
const RULE_STATE: &str = "rule_state";
/// Kind of the events that hold transitions.
const TRANSITION: &str = "alert_transition";
/// Kind of the events that hold transitions of rules in the shadow.
const SHADOW_TRANSITION: &str = "shadow_transition";

/// What alerting works on.
#[derive(Clone)]
pub struct Setup {
    /// Evaluates expressions.
    pub engine: Arc<Engine>,
    /// What they read.
    pub source: Arc<dyn SeriesSource>,
    /// Where results go.
    pub sink: Arc<dyn SampleSink>,
    /// What survives a restart.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Arms a timer that stops the queries of a group when they take longer than this.
    pub arm: Arc<dyn Fn(Duration, Cancel) + Send + Sync>,
}

/// A checked configuration with its rules, ready to be applied.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The section.
    pub config: Config,
    /// The rules of all files.
    pub groups: Vec<Group>,
}

/// When to call [`Alerting::tick`] again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// From now.
    pub after: Duration,
}

/// Evaluates rules, routes alerts, keeps the outbox. Share it; all calls take a moment at most,
/// except [`Alerting::evaluate`] and [`Alerting::settle`], which belong on a blocking thread.
pub struct Alerting {
    setup: Setup,
    /// Held by whoever evaluates or applies a configuration.
    rules: Mutex<Rules>,
    /// Held by whoever decides what is told.
    desk: Mutex<Desk>,
    /// What readers see; replaced after each group. Taken last, never held with work to do.
    views: Mutex<BTreeMap<String, GroupView>>,
    /// What templates of rules see beside their elements.
    surroundings: Mutex<Surroundings>,
    outbox: Outbox,
    /// Deliveries that ended an attempt and are not written down yet; at most those on their way.
    ended: Mutex<Vec<Ended>>,
    breakers: Breakers,
    /// What messages are sent with, once they are.
    tools: OnceLock<Tools>,
    /// The routes and receivers in force, for who must not wait for the desk.
    receivers: Mutex<Arc<Routing>>,
    metrics: Arc<Metrics>,
    source_id: SourceId,
    poke: tokio::sync::Notify,
    forward_poke: tokio::sync::Notify,
}

/// A delivery after an attempt, and what takes its place when it is given up.
struct Ended {
    delivery: Delivery,
    handed: Vec<Delivery>,
}

struct Rules {
    groups: Vec<Running>,
    /// What was appended last.
    appending: Option<Ticket>,
}

/// A step of an alert, and the expression of its rule.
struct Moved {
    transition: Transition,
    expr: String,
    interval_ms: i64,
    shadow: bool,
}

struct Running {
    group: Group,
    states: BTreeMap<String, RuleState>,
    /// What is in records, to write only what changed.
    kept: String,
    next_mono: Duration,
    last_at: Option<Timestamp>,
}

impl Alerting {
    /// Starts from what is in records.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn open(setup: Setup, prepared: Prepared) -> plimsoll_records::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let outbox = Outbox::open(&*setup.records, Arc::clone(&metrics))?;
        let (config, now) = (prepared.config.clone(), setup.clock.wall_ms());
        let desk = Desk::open(&*setup.records, config, grace_ms(&prepared.groups), now)?;
        let known: BTreeSet<String> = prepared.groups.iter().map(Group::key).collect();
        let mut orphans = Vec::new();
        for document in setup.records.documents(RULE_STATE)? {
            if !known.contains(&document.id) {
                orphans.extend(orphan(&document.id, &document.body));
            }
        }
        let alerting = Self {
            setup,
            rules: Mutex::new(Rules { groups: orphans, appending: None }),
            desk: Mutex::new(desk),
            views: Mutex::default(),
            surroundings: Mutex::default(),
            outbox,
            ended: Mutex::default(),
            breakers: Breakers::default(),
            tools: OnceLock::new(),
            receivers: Mutex::default(),
            metrics,
            source_id: SourceId::new("rules"),
            poke: tokio::sync::Notify::new(),
            forward_poke: tokio::sync::Notify::new(),
        };
        alerting.apply(prepared);
        Ok(alerting)
    }

    /// Takes another configuration. Rules that stay the same keep their states; alerts of rules that
    /// are gone end.
    pub fn apply(&self, mut prepared: Prepared) {
        *self.surroundings.lock() = Surroundings {
            external_labels: prepared.config.external_labels.clone(),
            external_url: prepared.config.external_url.as_str().into(),
        };
        // A file that two patterns name is read twice; its groups are evaluated once.
        let mut seen = BTreeSet::new();
        prepared.groups.retain(|g| seen.insert(g.key()));
        let mut rules = self.rules.lock();
        let rules = &mut *rules;
        let mut desk = self.desk.lock();
        let mut before: BTreeMap<String, Running> =
            rules.groups.drain(..).map(|g| (g.group.key(), g)).collect();
        let now = self.setup.clock.mono();
        let wall = self.setup.clock.wall_ms();
        *self.receivers.lock() = Arc::clone(&prepared.config.routing);
        desk.set_config(prepared.config, grace_ms(&prepared.groups), wall);
        let mut over = Vec::new();
        for group in prepared.groups {
            let old = before.remove(&group.key());
            let (running, gone) = self.running(group, old, now);
            over.extend(gone);
            rules.groups.push(running);
        }
        for (_, old) in before {
            over.extend(old.states);
            desk.unsaved
                .change(Change::Remove { kind: RULE_STATE.to_owned(), id: old.group.key() });
        }
        let stale = |labels| Sample::new(labels, wall, stale_nan());
        let samples: Vec<Sample> =
            over.iter().flat_map(|(_, s)| &s.written).map(|l| stale(labels_of(l))).collect();
        self.append(rules, &samples);
        for (key, state) in over {
            let shadow = key.starts_with(SHADOW);
            for alert in state.active.into_values() {
                let transition = end(alert, wall);
                desk.unsaved.change(event(&transition, shadow));
                if !shadow {
                    desk.moved(&transition, "", 0, wall);
                }
            }
        }
        drop(desk);
        let mut views = self.views.lock();
        let keys: Vec<String> = rules.groups.iter().map(|g| g.group.key()).collect();
        views.retain(|key, _| keys.contains(key));
        for running in &rules.groups {
            let known = views.remove(&running.group.key());
            let view = view::of(&running.group, &running.states, known);
            views.insert(running.group.key(), view);
        }
        self.poke.notify_one();
    }

    /// A group with the states that its rules had; and the states of rules that are gone, by key.
    fn running(
        &self,
        mut group: Group,
        old: Option<Running>,
        now: Duration,
    ) -> (Running, BTreeMap<String, RuleState>) {
        for rule in &mut group.rules {
            rule.query = self.setup.engine.keep(&rule.query);
        }
        let old = old.unwrap_or_else(|| Running {
            states: self.stored_states(&group.key()),
            group: group.clone(),
            kept: String::new(),
            next_mono: now,
            last_at: None,
        });
        let mut before = old.states;
        let mut states = BTreeMap::new();
        for key in group.rule_keys() {
            let state = before.remove(&key).unwrap_or_default();
            states.insert(key, state);
        }
        let last = states.values().filter_map(|s| s.last_at).max();
        let running = Running {
            next_mono: old.next_mono.min(now + Duration::from_millis(group.interval_ms as u64)),
            last_at: old.last_at.or(last),
            kept: old.kept,
            states,
            group,
        };
        (running, before)
    }

    fn stored_states(&self, key: &str) -> BTreeMap<String, RuleState> {
        match self.setup.records.document(RULE_STATE, key) {
            Ok(Some(document)) => serde_json::from_str(&document.body).unwrap_or_else(|e| {
                tracing::warn!(group = key, error = %e, "rule states not readable; they start anew");
                BTreeMap::new()
            }),
            Ok(None) => BTreeMap::new(),
            Err(e) => {
                tracing::error!(group = key, error = %e, "rule states cannot be read");
                BTreeMap::new()
            }
        }
    }

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
            changes.extend(rule_state_change(running, self.setup.clock.wall_ms()));
            evaluated.push(i);
        }
        if !evaluated.is_empty() {
            let wall = self.setup.clock.wall_ms();
            let mut desk = self.desk.lock();
            for step in moved.iter().filter(|m| !m.shadow) {
                desk.moved(&step.transition, &step.expr, step.interval_ms, wall);
            }
            for running in evaluated.into_iter().map(|i| &rules.groups[i]) {
                still_firing(&mut desk, running, wall);
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

    /// What is to be forwarded in one request, and to whom.
    pub(crate) fn forwards(&self) -> (Vec<Notice>, Vec<Alertmanager>) {
        let mut desk = self.desk.lock();
        let batch = desk.forwarder.take();
        (batch, desk.config.forward.alertmanagers.clone())
    }

    /// Where own alerts are forwarded to.
    pub fn alertmanagers(&self) -> Vec<String> {
        self.desk.lock().config.forward.alertmanagers.iter().map(|a| a.url.clone()).collect()
    }

    /// Waits until there is something to forward.
    pub(crate) async fn forward_poked(&self) {
        self.forward_poke.notified().await;
    }

    /// Waits until there is something to settle before its time.
    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
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
        for (rule, key) in running.group.rules.iter().zip(keys) {
            let state = running.states.entry(key).or_default();
            let began = self.setup.clock.mono();
            let mut cx = ReadCx::with_budget(self.setup.engine.budget());
            cx.lane = plimsoll_model::Lane::Rules;
            cx.cancel = cancel.clone();
            let scene =
                Scene { engine: &self.setup.engine, view: &view, at, surroundings: &seen, cx: &cx };
            let result = evaluate(rule, running.group.limit, state, &scene);
            count(&self.metrics.evaluations, 1);
            let error = match result {
                Ok(done) => {
                    for s in &done.samples {
                        match &s.histogram {
                            Some(h) => overlay.put_histogram(&s.labels, s.time, h),
                            None => overlay.put(&s.labels, s.time, s.value),
                        }
                    }
                    samples.extend(done.samples);
                    let interval_ms = running.group.interval_ms;
                    let expr = rule.query.text();
                    let step = |transition| Moved {
                        transition,
                        expr: expr.to_owned(),
                        interval_ms,
                        shadow: rule.shadow,
                    };
                    moved.extend(done.transitions.into_iter().map(step));
                    None
                }
                Err(e) => {
                    count(&self.metrics.evaluation_failures, 1);
                    tracing::warn!(rule = rule.name, error = %e, "rule not evaluated");
                    Some(e.to_string())
                }
            };
            outcomes.push(view::Outcome { error, took: self.setup.clock.mono() - began, at });
        }
        let took = self.setup.clock.mono() - started;
        count(&self.metrics.evaluation_us, u64::try_from(took.as_micros()).unwrap_or(0));
        let seen = view::after(&running.group, &running.states, outcomes, at, took);
        self.views.lock().insert(running.group.key(), seen);
    }

    /// Asks the router, and writes all that was decided in one transaction. What cannot be written
    /// waits; its messages go out, once: those decided now are handed over now. When to ask again.
    fn tell(&self, desk: &mut Desk, wall: Timestamp) -> Option<Timestamp> {
        self.note_ended(desk);
        let (fresh, next) = desk.decide(wall, &self.metrics);
        self.keep(desk, fresh);
        desk.count(wall, &self.metrics);
        next
    }

    fn note_ended(&self, desk: &mut Desk) {
        for Ended { delivery, handed } in std::mem::take(&mut *self.ended.lock()) {
            // What takes its place has its key, and tells the router.
            if handed.is_empty() {
                desk.went(&delivery, self.setup.clock.wall_ms());
            }
            desk.unsaved.changes(handed.into_iter().map(Change::Enqueue));
            desk.unsaved.change(Change::Update(delivery));
        }
    }

    fn keep(&self, desk: &mut Desk, fresh: Vec<Delivery>) {
        if !desk.unsaved.is_empty() {
            let changes = desk.unsaved.list();
            if let Err(e) = self.setup.records.apply(&changes) {
                count(&self.metrics.records_failures, 1);
                tracing::error!(error = %e, changes = changes.len(), "decisions not recorded; sent all the same");
            } else {
                desk.unsaved.clear();
            }
        }
        for dead in self.outbox.add(fresh.into_iter()) {
            desk.went(&dead, self.setup.clock.wall_ms());
            desk.unsaved.change(Change::Update(dead));
        }
        let relaxed = std::sync::atomic::Ordering::Relaxed;
        self.metrics.unsaved.store(desk.unsaved.len() as u64, relaxed);
        self.metrics.unsaved_dropped.store(desk.unsaved.dropped(), relaxed);
    }

    /// Hands result samples to the store and does not wait: a page never waits for a disk. What became
    /// of them is seen at the next tick.
    fn append(&self, rules: &mut Rules, samples: &[Sample]) {
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

    /// The groups as they were after their last evaluation, by file and name.
    pub fn groups(&self) -> Vec<GroupView> {
        self.views.lock().values().cloned().collect()
    }

    /// Whether decisions wait to be recorded because records cannot be written.
    pub fn is_behind(&self) -> bool {
        self.metrics.unsaved.load(std::sync::atomic::Ordering::Relaxed) > 0
    }

    /// The messages on their way.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What it tells about itself.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Takes note of how an attempt went. It is written down with what is decided next, which is soon.
    pub(crate) fn went(&self, delivery: Delivery, handed: Vec<Delivery>) {
        if !handed.is_empty() {
            count(&self.metrics.failed_over, 1);
        }
        self.ended.lock().push(Ended { delivery, handed: handed.clone() });
        let full = self.outbox.add(handed.into_iter());
        let mut ended = self.ended.lock();
        ended.extend(full.into_iter().map(|delivery| Ended { delivery, handed: Vec::new() }));
        drop(ended);
        self.poke.notify_one();
    }

    /// The channels that failed lately.
    pub const fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// Takes what messages are sent with.
    pub(crate) fn keep_tools(&self, tools: &Tools) {
        let _as_before = self.tools.set(tools.clone());
    }

    /// What messages are sent with; nothing before they are.
    pub(crate) fn tools(&self) -> Option<Tools> {
        self.tools.get().cloned()
    }

    /// Where people reach this server.
    pub(crate) fn external_url(&self) -> Arc<str> {
        Arc::clone(&self.surroundings.lock().external_url)
    }

    /// The routes and receivers in force; waits for nobody.
    pub(crate) fn receivers(&self) -> Arc<Routing> {
        Arc::clone(&self.receivers.lock())
    }

    /// Writes down what waits to be.
    pub(crate) fn write_down(&self) {
        let mut desk = self.desk.lock();
        self.note_ended(&mut desk);
        desk.note_changes(self.setup.clock.wall_ms());
        self.keep(&mut desk, Vec::new());
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.setup.clock.wall_ms()
    }
}

/// The time within which every rule is evaluated, with some to spare, ms.
fn grace_ms(groups: &[Group]) -> i64 {
    let longest = groups.iter().map(|g| g.interval_ms).max().unwrap_or(0);
    OWN_GRACE_MS + longest.saturating_mul(2)
}

/// Tells the router that alerts go on firing; their texts may have changed.
fn still_firing(desk: &mut Desk, running: &Running, wall: Timestamp) {
    let rules = running.group.rules.iter().zip(running.group.rule_keys());
    for (rule, key) in rules.filter(|(rule, _)| !rule.shadow) {
        let alerts = running.states.get(&key).into_iter().flat_map(|s| s.active.values());
        for alert in alerts.filter(|a| a.state == AlertState::Firing) {
            desk.fires(alert, rule.query.text(), running.group.interval_ms, wall);
        }
    }
}

fn bounded(after: Duration) -> Duration {
    after.clamp(Duration::from_millis(10), Duration::from_secs(1))
}

/// A group of which records know states and the configuration nothing: its alerts end at the start.
fn orphan(id: &str, body: &str) -> Option<Running> {
    let (file, name) = id.split_once(';')?;
    let group = Group {
        file: file.to_owned(),
        name: name.to_owned(),
        interval_ms: 1,
        limit: 0,
        offset_ms: 0,
        rules: Vec::new(),
    };
    let states = serde_json::from_str(body).unwrap_or_default();
    let (kept, next_mono) = (String::new(), Duration::ZERO);
    Some(Running { group, states, kept, next_mono, last_at: None })
}

fn end(mut alert: Alert, at: Timestamp) -> Transition {
    let from = std::mem::replace(&mut alert.state, AlertState::Inactive);
    alert.resolved_at = (from == AlertState::Firing).then_some(at);
    Transition { at, from, to: AlertState::Inactive, alert }
}

/// The next time on the group's grid; what lies behind is missed.
fn schedule(running: &mut Running, mono: Duration, metrics: &Metrics) {
    let step = Duration::from_millis(running.group.interval_ms.max(1).unsigned_abs());
    running.next_mono += step;
    if running.next_mono <= mono {
        let behind = (mono - running.next_mono).as_nanos() / step.as_nanos().max(1) + 1;
        count(&metrics.missed, u64::try_from(behind).unwrap_or(u64::MAX));
        running.next_mono = mono + step;
    }
}

/// Writes the states of a group when something in them changed that a restart must know: not values.
fn rule_state_change(running: &mut Running, now: Timestamp) -> Option<Change> {
    let essence: Vec<_> = running
        .states
        .iter()
        .map(|(key, s)| {
            let active: Vec<_> = s
                .active
                .iter()
                .map(|(k, a)| (k, a.state as u8, a.active_at, a.kept_since))
                .collect();
            (key, active, &s.written)
        })
        .collect();
    let essence = format!("{essence:?}");
    if essence == running.kept {
        return None;
    }
    let mut body = serde_json::to_string(&running.states).ok()?;
    if body.len() > BODY_BYTES_MAX {
        // The alerts matter; without the list a few recorded series end late after a restart.
        let mut states = running.states.clone();
        states.values_mut().for_each(|s| s.written.clear());
        body = serde_json::to_string(&states).ok()?;
    }
    running.kept = essence;
    Some(put(RULE_STATE.to_owned(), running.group.key(), now, body))
}

fn put(kind: String, id: String, time_ms: Timestamp, body: String) -> Change {
    Change::Put { kind, id, time_ms, author: "alerting".to_owned(), body, expected: None, keep: 1 }
}

fn event(transition: &Transition, shadow: bool) -> Change {
    Change::Append(Event {
        seq: 0,
        time_ms: transition.at,
        kind: if shadow { SHADOW_TRANSITION } else { TRANSITION }.to_owned(),
        subject: transition.alert.key(),
        body: serde_json::to_string(transition).unwrap_or_default(),
    })
}

/// Whether a rule gives alerts, for views.
pub(crate) const fn durations(kind: &RuleKind) -> (i64, i64) {
    match kind {
        RuleKind::Record => (0, 0),
        RuleKind::Alert { for_ms, keep_firing_for_ms, .. } => (*for_ms, *keep_firing_for_ms),
    }
}
