//! The owner of rules, router and outbox: decides, writes it down, then lets it be sent.
//!
//! Two loops call in. [`Alerting::evaluate`] evaluates the groups that are due, hands their alerts to the
//! router, and in the same `records` transaction writes rule states, transitions, alerts, groups and
//! outbox; then it appends result samples, which may be repeated. [`Alerting::settle`] asks the router
//! what else is due. When a transaction fails, its changes wait in memory (bounded) and its messages are
//! sent all the same. Evaluation times of a group never go back; a group that is late by more than an
//! interval skips. Locks are taken in the order rules, desk, views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::{Cancel, SampleSink, SeriesSource, SourceId, Ticket, Timestamp, stale_nan};
use plimsoll_query::Engine;
use plimsoll_records::{Change, Delivery, Records};
use plimsoll_world::Clock;

use crate::config::Config;
use crate::evaluate::Sample;
use crate::evidence::{Jobs, Studio};
use crate::forward::Alertmanager;
use crate::history::Origin;
use crate::metrics::{Metrics, count};
use crate::notify::{Breakers, Outbox, TRIALS_MAX, Tools};
use crate::route::{Notice, Routing};
use crate::rules::{Group, RuleKind, SHADOW};
use crate::state::{RuleState, Transition, labels_of};
use crate::template::Surroundings;

mod bulletin;
mod chronicle;
mod desk;
mod evaluation;
mod evidence;
mod handles;
mod keep;
mod letters;
mod outcome;
mod parts;
mod posted;
mod states;
mod view;

pub(crate) use bulletin::without_files;
pub use bulletin::{Arrival, Bulletin, BulletinError, ENCLOSED_BYTES_MAX, Enclosed, Posting};
pub use chronicle::{AlertOrder, AlertView, AlertsAsked, AlertsView, IncidentView};
pub use handles::RuleInput;
pub use letters::Letter;
pub use posted::{PostError, Posted};
pub use view::{GroupView, RuleView};

use desk::Desk;
use states::{RULE_STATE, end, event, orphan, with_origins};

/// How long alerts of own rules are believed after a start, besides the time until their rules are
/// evaluated, ms.
const OWN_GRACE_MS: i64 = 15 * 60_000;

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
    /// Alerts that one rule may give.
    alerts_max: AtomicUsize,
    outbox: Outbox,
    /// Deliveries that ended an attempt and are not written down yet; at most those on their way.
    ended: Mutex<Vec<Ended>>,
    breakers: Breakers,
    /// Who makes evidence for messages, if anybody does.
    studio: OnceLock<Studio>,
    /// What messages are sent with, once they are.
    tools: OnceLock<Tools>,
    /// The routes and receivers in force, for who must not wait for the desk.
    receivers: Mutex<Arc<Routing>>,
    metrics: Arc<Metrics>,
    source_id: SourceId,
    poke: tokio::sync::Notify,
    forward_poke: tokio::sync::Notify,
    /// Places for tests of receivers.
    trials: Arc<tokio::sync::Semaphore>,
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

/// A step of an alert, and its rule.
struct Moved {
    transition: Transition,
    origin: Arc<Origin>,
    interval_ms: i64,
    shadow: bool,
}

struct Running {
    group: Group,
    states: BTreeMap<String, RuleState>,
    /// What is in records, to write only what changed.
    kept: String,
    /// In how many documents that is.
    parts: usize,
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
                let (states, parts) = parts::load(&*setup.records, &document.id)?;
                orphans.extend(orphan(&document.id, states, parts));
            }
        }
        let alerting = Self {
            setup,
            rules: Mutex::new(Rules { groups: orphans, appending: None }),
            desk: Mutex::new(desk),
            views: Mutex::default(),
            surroundings: Mutex::default(),
            alerts_max: AtomicUsize::default(),
            outbox,
            ended: Mutex::default(),
            breakers: Breakers::default(),
            studio: OnceLock::new(),
            tools: OnceLock::new(),
            receivers: Mutex::default(),
            metrics,
            source_id: SourceId::new("rules"),
            poke: tokio::sync::Notify::new(),
            forward_poke: tokio::sync::Notify::new(),
            trials: Arc::new(tokio::sync::Semaphore::new(TRIALS_MAX)),
        };
        alerting.apply(prepared);
        alerting.end_orphans();
        Ok(alerting)
    }

    /// Takes another configuration. Rules that stay the same keep their states; alerts of rules that
    /// are gone end.
    pub fn apply(&self, mut prepared: Prepared) {
        *self.surroundings.lock() = Surroundings {
            external_labels: prepared.config.external_labels.clone(),
            external_url: prepared.config.external_url.as_str().into(),
        };
        let alerts_max = prepared.config.max_alerts_per_rule;
        self.alerts_max.store(alerts_max, std::sync::atomic::Ordering::Relaxed);
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
            over.extend(with_origins(&running.group.key(), gone));
            rules.groups.push(running);
        }
        for (_, old) in before {
            over.extend(with_origins(&old.group.key(), old.states));
            desk.unsaved.changes(parts::removal(&old.group.key(), old.parts));
        }
        let stale = |labels| Sample::new(labels, wall, stale_nan());
        let samples: Vec<Sample> =
            over.iter().flat_map(|(_, _, s)| &s.written).map(|l| stale(labels_of(l))).collect();
        self.append(rules, &samples);
        for (key, origin, state) in over {
            let shadow = key.starts_with(SHADOW);
            for alert in state.active.into_values() {
                let transition = end(alert, wall);
                desk.unsaved.change(event(&transition, shadow));
                if !shadow {
                    desk.moved(&origin, &transition, 0, wall);
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

    /// Asks the router, and writes all that was decided in one transaction. What cannot be written
    /// waits; its messages go out, once: those decided now are handed over now. When to ask again.
    fn tell(&self, desk: &mut Desk, wall: Timestamp) -> Option<Timestamp> {
        self.note_ended(desk);
        let mut jobs = Jobs::default();
        let evidence = self.studio().map(|studio| (studio, self.evidence_until()));
        let (fresh, next) = desk.decide(wall, &self.metrics, evidence, &mut jobs);
        self.keep(desk, fresh);
        count(&self.metrics.evidence_left_out, jobs.left_out);
        if let Some(studio) = self.studio() {
            studio.put(jobs.all);
        }
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

    /// Places for tests of receivers.
    pub(crate) fn trials(&self) -> Arc<tokio::sync::Semaphore> {
        Arc::clone(&self.trials)
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

/// Whether a rule gives alerts, for views.
pub(crate) const fn durations(kind: &RuleKind) -> (i64, i64) {
    match kind {
        RuleKind::Record => (0, 0),
        RuleKind::Alert { for_ms, keep_firing_for_ms, .. } => (*for_ms, *keep_firing_for_ms),
    }
}
