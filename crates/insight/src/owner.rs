//! Who ticks: lets the fold go on, the resources be looked at, the trends be found, writes results,
//! keeps checkpoints.
//!
//! Points of watched series lie on the grid of `analysis.step`. Whatever was missed since the last one,
//! by a pause or a restart, is read from the store and taught to the detectors without being written
//! ([`crate::fold`]). A first start learns from what the store holds already.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use plimsoll_model::{Lane, ReadCx, SampleSink, SeriesSource, Snapshot, SourceId, Timestamp};
use plimsoll_query::Engine;
use plimsoll_records::Records;
use plimsoll_world::{Clock, Disk};

use crate::aside::Aside;
use crate::capacity::{Capacity, Resource};
use crate::checkpoint::files::Files;
use crate::config::Config;
use crate::findings::LabelledRow;
use crate::fold::{Env, Fold, grace_ms};
use crate::groups::{AnomalyGroup, Groups};
use crate::issue::{self, Issuer, Point};
use crate::metrics::{Metrics, count, set};
use crate::room::Bound;
use crate::scores::{Anomaly, SERIES_BYTES};
use crate::spend::{ASK_AGAIN, Part, Spend};
use crate::stopped::{Stopped, Stops};
use crate::trends::{self, SeriesTrend, Trends};
use crate::watch::named::Named;
use crate::watch::{Input, WatchSource};
use crate::watched::Basis;

/// Time between checkpoints: a replay of so much takes seconds.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2 * 3_600);
/// Longest time until the next call.
const IDLE: Duration = Duration::from_secs(60);
/// Time between looks while no resource was found.
const FIRST_LOOK: Duration = Duration::from_secs(3);
/// Time between looks for series that stopped.
const STOPPED_EVERY: Duration = Duration::from_secs(60);

/// Where checkpoints are.
#[derive(Clone)]
pub struct Place {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The data directory.
    pub data_dir: PathBuf,
}

/// What analysis works on.
#[derive(Clone)]
pub struct Setup {
    /// Evaluates the watched expressions.
    pub engine: Arc<Engine>,
    /// What they read.
    pub source: Arc<dyn SeriesSource>,
    /// Where results go.
    pub sink: Arc<dyn SampleSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where findings are kept.
    pub records: Option<Arc<dyn Records>>,
    /// Where checkpoints are; without it the store alone teaches after a restart.
    pub place: Option<Place>,
    /// Who reads series: rules, dashboards.
    pub readers: Vec<Arc<dyn WatchSource>>,
    /// Number of active series, for the bound on result series; asked once per writing tick.
    pub active_series: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Puts the marks that people set on a resource, if they set any.
pub type MarkOf = Arc<dyn Fn(&mut Resource) + Send + Sync>;

/// Watches, foresees, remembers. Share it; reading calls take a moment, [`Insight::tick`],
/// [`Insight::apply`] and [`Insight::checkpoint`] wait for each other.
pub struct Insight {
    setup: Setup,
    work: Mutex<Work>,
    /// What readers see; replaced after each tick.
    view: RwLock<Arc<View>>,
    marks: RwLock<Option<MarkOf>>,
    metrics: Arc<Metrics>,
    spend: Spend,
    source_id: SourceId,
}

/// How watching goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watching {
    /// Series with a detector.
    pub series: usize,
    /// As many as there may be now.
    pub max: usize,
    /// Bytes that they take, about.
    pub bytes: u64,
    /// Bytes that they may take.
    pub bytes_max: u64,
    /// Series that found no place at the last look.
    pub left_out: usize,
    /// Series whose samples come late.
    pub delayed: usize,
    /// Share of a core that watching takes, as `analysis.cpu_max` counts it.
    pub cpu_ratio: f64,
    /// How soon the newest step was looked at: historical while stored history is replayed.
    pub basis: Basis,
    /// The newest step that was looked at ends here, ms since the epoch.
    pub until_ms: Option<Timestamp>,
    /// Series that cannot be judged.
    pub set_aside: Vec<Aside>,
}

#[derive(Default)]
struct View {
    resources: Vec<Resource>,
    anomalies: Vec<Anomaly>,
    groups: Vec<AnomalyGroup>,
    stopped: Vec<Stopped>,
    trends: Vec<SeriesTrend>,
    watching: Watching,
}

struct Work {
    config: Config,
    fold: Fold,
    groups: Groups,
    stops: Stops,
    trends: Trends,
    capacity: Capacity,
    issuer: Issuer,
    files: Option<Files>,
    restored: bool,
    /// Nothing was kept yet: a restart could not tell where this run began.
    unkept: bool,
    next_capacity: Duration,
    next_trends: Duration,
    next_stopped: Duration,
    next_checkpoint: Duration,
}

impl Insight {
    /// Ready to tick; reads nothing yet.
    pub fn new(setup: Setup, config: Config) -> Self {
        let now = setup.clock.mono();
        let place = setup.place.as_ref();
        let work = Work {
            fold: Fold::new(&setup.engine, config.step_ms),
            groups: Groups::default(),
            stops: Stops::default(),
            trends: Trends::default(),
            capacity: Capacity::default(),
            issuer: Issuer::default(),
            files: place.map(|p| Files::new(Arc::clone(&p.disk), &p.data_dir)),
            restored: false,
            unkept: true,
            next_capacity: now,
            next_trends: now + after(trends::EVERY_MS),
            next_stopped: now,
            next_checkpoint: now + CHECKPOINT_EVERY,
            config,
        };
        let spend = Spend::new(work.config.cpu_max);
        Self {
            setup,
            work: Mutex::new(work),
            view: RwLock::default(),
            marks: RwLock::default(),
            metrics: Arc::default(),
            spend,
            source_id: SourceId::new("analysis"),
        }
    }

    /// Takes another configuration. Another step means that detectors learn anew from the store.
    pub fn apply(&self, config: Config) {
        let mut work = self.work.lock();
        if config.step_ms != work.config.step_ms {
            work.fold = Fold::new(&self.setup.engine, config.step_ms);
            (work.restored, work.unkept) = (false, true);
        }
        self.spend.allow(config.cpu_max);
        work.fold.look_soon = true;
        work.next_capacity = self.setup.clock.mono();
        if !config.enabled {
            *self.view.write() = Arc::default();
        }
        work.config = config;
    }

    /// Does what is due; gives the time until the next call. Belongs on a blocking thread.
    pub fn tick(&self) -> Duration {
        let clock = &self.setup.clock;
        let started = clock.mono();
        let now = clock.wall_ms();
        let mut work = self.work.lock();
        if !work.config.enabled {
            return IDLE;
        }
        let snapshot = self.setup.source.snapshot();
        let (mut points, done) =
            self.timed(Part::Watching, || self.watch(&mut work, &snapshot, now));
        if started >= work.next_capacity {
            points.extend(self.foresee(&mut work, &*snapshot, now, started));
        }
        if done && !self.spend.holds(Part::Drift, clock.mono()) {
            let found = self.timed(Part::Drift, || self.drift(&mut work, &snapshot, now));
            points.extend(found);
        }
        self.timed(Part::Watching, || {
            self.show(&work, now);
            self.issue(&mut work, points, now);
        });
        if started >= work.next_checkpoint || (work.unkept && work.fold.horizon.is_some()) {
            self.timed(Part::Checkpoints, || self.keep(&mut work, now));
        }
        let ended = clock.mono();
        let busy = ended.saturating_sub(started);
        set(&self.metrics.busy_us, (self.spend.seconds() * 1e6) as usize);
        set(&self.metrics.cpu_micro, (self.spend.share(ended) * 1e6) as usize);
        if !done {
            // A replay leaves as much time to others as it takes.
            return busy;
        }
        work.wait(clock.wall_ms(), clock.mono())
    }

    /// Does work of a part and notes how long it took.
    fn timed<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        let started = self.setup.clock.mono();
        let done = work();
        let ended = self.setup.clock.mono();
        self.spend.note(part, ended.saturating_sub(started), ended);
        done
    }

    /// What analysis costs, by part, findings included.
    pub fn spending(&self) -> Vec<LabelledRow> {
        self.spend.rows(self.setup.clock.mono())
    }

    /// The accounts, for findings.
    pub(crate) fn spend(&self) -> &Spend {
        &self.spend
    }

    /// Writes the state of the detectors; for a shutdown, and every two hours by itself.
    pub fn checkpoint(&self) {
        self.keep(&mut self.work.lock(), self.setup.clock.wall_ms());
    }

    /// Where the marks come from that people set: from now on all resources have them, and with them insights,
    /// assessments and what is shown. It is asked at each reading and must not call back.
    pub fn mark_with(&self, marks: MarkOf) {
        *self.marks.write() = Some(marks);
    }

    /// The bounded resources with their forecasts, as of the last tick; with the marks that people set.
    pub fn resources(&self) -> Vec<Resource> {
        let mut all = self.view.read().resources.clone();
        if let Some(mark) = self.marks.read().clone() {
            all.iter_mut().for_each(|r| mark(r));
        }
        all
    }

    /// What behaves unusually as of the last tick: scores of 0.3 and more, highest first, at most 500.
    pub fn anomalies(&self) -> Vec<Anomaly> {
        self.view.read().anomalies.clone()
    }

    /// The hosts and services of which something behaves unusually, those worth a page first.
    pub fn groups(&self) -> Vec<AnomalyGroup> {
        self.view.read().groups.clone()
    }

    /// Watched series without samples whose target is up, the newest first, at most 500.
    pub fn stopped(&self) -> Vec<Stopped> {
        self.view.read().stopped.clone()
    }

    /// The watched series that rise or fall, as of the last look.
    pub fn trends(&self) -> Vec<SeriesTrend> {
        self.view.read().trends.clone()
    }

    /// How watching goes.
    pub fn watching(&self) -> Watching {
        self.view.read().watching.clone()
    }

    /// Expressions that are watched, by name.
    pub(crate) fn expressions(&self) -> BTreeMap<String, String> {
        let text = |n: &Named| (n.name.to_owned(), n.query.text().to_owned());
        self.work.lock().fold.named.iter().map(text).collect()
    }

    /// Writes results of findings, within the same budget of series.
    pub(crate) fn issue_findings(&self, points: Vec<Point>, now: Timestamp) {
        self.issue(&mut self.work.lock(), points, now);
    }

    /// What analysis works on.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What analysis tells about itself.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Lets the fold go on; what is to be written, and whether it is done.
    fn watch(
        &self,
        work: &mut Work,
        snapshot: &Arc<dyn Snapshot>,
        now: Timestamp,
    ) -> (Vec<Point>, bool) {
        if !work.restored {
            work.restored = true;
            self.restore(work);
        }
        let behind = work.fold.behind(now);
        let Work { fold, config, .. } = &mut *work;
        let inputs = || self.inputs();
        let env = self.env(config, &inputs);
        let started = self.setup.clock.mono();
        let done = fold.advance(&env, snapshot, now);
        let took = self.setup.clock.mono().saturating_sub(started);
        if behind == 1 {
            let (step, watched) = (fold.step, fold.scores.len());
            if fold.room.note(took, step, watched, config) {
                let (most, _) = fold.room.most(config);
                fold.trim(most);
                fold.look_soon = true;
            }
        }
        let at = fold.horizon.unwrap_or(now);
        let mut points = fold.scores.due(now);
        points.extend(work.groups.look(&work.fold.scores, at, now));
        let mono = self.setup.clock.mono();
        if done && mono >= work.next_stopped {
            work.next_stopped = mono + STOPPED_EVERY;
            work.stops.look(&work.fold.scores, &**snapshot, work.fold.step, at);
        }
        self.tell(work, now);
        (points, done)
    }

    /// What is read by others.
    fn inputs(&self) -> Vec<Input> {
        self.setup.readers.iter().flat_map(|r| r.inputs()).collect()
    }

    /// Self-metrics of watching.
    fn tell(&self, work: &Work, now: Timestamp) {
        let (m, fold) = (&self.metrics, &work.fold);
        set(&m.watched, fold.scores.len());
        set(&m.watched_bytes, usize::try_from(fold.scores.bytes()).unwrap_or(usize::MAX));
        set(&m.watched_bytes_max, usize::try_from(work.config.memory).unwrap_or(usize::MAX));
        set(&m.set_aside, fold.asides.len());
        set(&m.set_aside_total, usize::try_from(fold.asides.total).unwrap_or(usize::MAX));
        let (_, bound) = fold.room.most(&work.config);
        let by_cost = if bound == Bound::Cost { fold.left_out() } else { 0 };
        set(&m.left_out_cost, by_cost);
        set(&m.left_out_memory, fold.left_out() - by_cost);
        let (groups, anomalous) = work.groups.counts();
        set(&m.groups, groups);
        set(&m.groups_anomalous, anomalous);
        set(&m.stopped, work.stops.len());
        set(&m.stopped_total, usize::try_from(work.stops.total).unwrap_or(usize::MAX));
        set(&m.targets_down, work.stops.down);
        set(&m.delayed, fold.scores.all().filter(|w| w.basis == Basis::Delayed).count());
        let lag = fold.horizon.map_or(0, |h| (now - h).max(0));
        set(&m.lag_ms, usize::try_from(lag).unwrap_or(0));
        set(&m.behind_steps, usize::try_from(fold.behind(now)).unwrap_or(0));
    }

    fn reader(&self) -> ReadCx {
        let mut cx = ReadCx::with_budget(self.setup.engine.budget());
        cx.lane = Lane::Background;
        cx
    }

    /// Looks at the resources, unless that has to wait.
    fn foresee(
        &self,
        work: &mut Work,
        snapshot: &dyn Snapshot,
        now: Timestamp,
        started: Duration,
    ) -> Vec<Point> {
        if self.spend.holds(Part::Resources, self.setup.clock.mono()) {
            work.next_capacity = started + ASK_AGAIN;
            return Vec::new();
        }
        work.next_capacity = started + after(work.config.capacity_interval_ms);
        let looked =
            self.timed(Part::Resources, || work.capacity.look(snapshot, now, &self.reader()));
        if work.capacity.len() == 0 {
            // Nothing was collected yet: the first load lines shall not wait a whole interval.
            work.next_capacity = started + FIRST_LOOK;
        }
        match looked {
            Ok(points) => {
                set(&self.metrics.resources, work.capacity.len());
                set(&self.metrics.resources_refused, work.capacity.left_out);
                points
            }
            Err(e) => {
                count(&self.metrics.read_failures, 1);
                tracing::warn!(error = %e, "bounded resources could not be read");
                Vec::new()
            }
        }
    }

    /// Goes on with the search for drift; what is to be written.
    fn drift(&self, work: &mut Work, snapshot: &Arc<dyn Snapshot>, now: Timestamp) -> Vec<Point> {
        let Work { fold, config, trends, next_trends, .. } = work;
        let env = self.env(config, &Vec::new);
        trends.slice(&env, fold, &**snapshot, now);
        let mono = self.setup.clock.mono();
        let mut points = Vec::new();
        if mono >= *next_trends
            && let Some(found) = trends.look(&env, fold, snapshot, now)
        {
            *next_trends = mono + after(trends::EVERY_MS);
            points = found;
        }
        set(&self.metrics.trends, trends.len());
        set(&self.metrics.trends_round_ms, usize::try_from(trends.round_ms).unwrap_or(0));
        points
    }

    fn env<'e>(&'e self, config: &'e Config, inputs: &'e dyn Fn() -> Vec<Input>) -> Env<'e> {
        Env {
            engine: &self.setup.engine,
            clock: &*self.setup.clock,
            metrics: &self.metrics,
            config,
            inputs,
        }
    }

    fn show(&self, work: &Work, now: Timestamp) {
        let fold = &work.fold;
        let (max, _) = fold.room.most(&work.config);
        let all = || fold.scores.all();
        let watching = Watching {
            series: fold.scores.len(),
            max,
            bytes: fold.scores.bytes(),
            bytes_max: work.config.memory.min((max * SERIES_BYTES) as u64),
            left_out: fold.left_out(),
            delayed: all().filter(|w| w.basis == Basis::Delayed).count(),
            cpu_ratio: fold.room.share(),
            basis: if fold.behind(now) > 0 { Basis::Historical } else { Basis::RealTime },
            until_ms: fold.horizon,
            set_aside: fold.asides.list(),
        };
        let view = View {
            resources: work.capacity.resources(now),
            anomalies: fold.scores.anomalies(now, &|w| work.groups.pages(w)),
            groups: work.groups.list().to_vec(),
            stopped: work.stops.list(),
            trends: work.trends.list(),
            watching,
        };
        *self.view.write() = Arc::new(view);
    }

    fn issue(&self, work: &mut Work, points: Vec<Point>, now: Timestamp) {
        if points.is_empty() {
            return;
        }
        let most = issue::allowed(work.config.series_max, (self.setup.active_series)());
        let points = work.issuer.admit(points, now, most, &self.metrics);
        issue::write(&*self.setup.sink, &self.source_id, &points, now, &self.metrics);
    }

    fn restore(&self, work: &mut Work) {
        let Some(files) = &work.files else { return };
        let (state, bad) = files.newest(work.fold.step);
        count(&self.metrics.checkpoint_failures, bad);
        if let Some(mut state) = state {
            work.groups.restore(std::mem::take(&mut state.groups));
            let series = state.series.len();
            work.fold.restore(state);
            work.unkept = false;
            tracing::info!(series, "detectors go on where a checkpoint left them");
        }
    }

    fn keep(&self, work: &mut Work, now: Timestamp) {
        work.next_checkpoint = self.setup.clock.mono() + CHECKPOINT_EVERY;
        work.unkept = false;
        let Some(files) = &work.files else { return };
        match files.write(&work.fold, &work.groups.kept(), now) {
            Ok(bytes) => {
                count(&self.metrics.checkpoints, u64::from(bytes > 0));
                set(&self.metrics.checkpoint_bytes, usize::try_from(bytes).unwrap_or(0));
            }
            Err(e) => {
                count(&self.metrics.checkpoint_failures, 1);
                tracing::warn!(error = %e, "the checkpoint of analysis was not written");
            }
        }
    }
}

impl Work {
    /// Time until something is due.
    fn wait(&self, wall: Timestamp, mono: Duration) -> Duration {
        let step = self.fold.step;
        let points = after(step - (wall - grace_ms(step)).rem_euclid(step));
        points.min(self.next_capacity.saturating_sub(mono)).min(IDLE)
    }
}

fn after(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
