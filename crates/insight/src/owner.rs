//! Who ticks: reads what is due, lets it be judged, writes results, keeps checkpoints.
//!
//! Points of watched series lie on the grid of `analysis.step`. Whatever was missed since the last
//! one, by a pause or a restart, is read from the store and taught to the detectors without being
//! written; at most [`REPLAY_MS`] back. A first start learns from what the store holds already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use plimsoll_model::{
    Grid, HOUR_MS, Lane, Matrix, ReadCx, SampleSink, SeriesSource, Snapshot, SourceId, Timestamp,
};
use plimsoll_query::{Engine, Query, Value};
use plimsoll_records::Records;
use plimsoll_world::Clock;

use crate::capacity::{Capacity, Resource};
use crate::checkpoint;
use crate::config::Config;
use crate::issue::{self, Issuer, Point};
use crate::metrics::{Metrics, count, set};
use crate::scores::{Anomaly, Scores};
use crate::trends::{self, SeriesTrend, Trends};
use crate::watch::{Watch, table};

/// How far back a replay reads at most, ms.
const REPLAY_MS: i64 = 24 * HOUR_MS;
/// How far back a first start learns, ms.
const LEARN_MS: i64 = 6 * HOUR_MS;
/// Points that one replay reads at most.
const REPLAY_POINTS: i64 = 5_000;
/// Time between checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(3_600);
/// Longest time until the next call.
const IDLE: Duration = Duration::from_secs(60);
/// Time between looks while no resource was found.
const FIRST_LOOK: Duration = Duration::from_secs(3);

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
    /// What survives a restart; without it the store alone teaches.
    pub records: Option<Arc<dyn Records>>,
    /// Number of active series, for the bound on result series; asked once per writing tick.
    pub active_series: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Watches, foresees, remembers. Share it; reading calls take a moment, [`Insight::tick`],
/// [`Insight::apply`] and [`Insight::checkpoint`] wait for each other.
pub struct Insight {
    setup: Setup,
    work: Mutex<Work>,
    /// What readers see; replaced after each tick.
    view: RwLock<Arc<View>>,
    metrics: Arc<Metrics>,
    source_id: SourceId,
}

#[derive(Default)]
struct View {
    resources: Vec<Resource>,
    anomalies: Vec<Anomaly>,
    trends: Vec<SeriesTrend>,
}

struct Work {
    config: Config,
    watches: Vec<Watch>,
    scores: Scores,
    trends: Trends,
    capacity: Capacity,
    issuer: Issuer,
    /// The detectors have seen everything up to here.
    watermark: Option<Timestamp>,
    restored: bool,
    next_capacity: Duration,
    next_trends: Duration,
    next_checkpoint: Duration,
}

impl Insight {
    /// Ready to tick; reads nothing yet.
    pub fn new(setup: Setup, config: Config) -> Self {
        let now = setup.clock.mono();
        let work = Work {
            watches: table(&setup.engine, config.step_ms),
            scores: Scores::new(config.step_ms),
            trends: Trends::default(),
            capacity: Capacity::default(),
            issuer: Issuer::default(),
            watermark: None,
            restored: false,
            next_capacity: now,
            next_trends: now + after(trends::EVERY_MS),
            next_checkpoint: now + CHECKPOINT_EVERY,
            config,
        };
        Self {
            setup,
            work: Mutex::new(work),
            view: RwLock::default(),
            metrics: Arc::default(),
            source_id: SourceId::new("analysis"),
        }
    }

    /// Takes another configuration. Another step means that detectors learn anew from the store.
    pub fn apply(&self, config: Config) {
        let mut work = self.work.lock();
        if config.step_ms != work.config.step_ms {
            work.watches = table(&self.setup.engine, config.step_ms);
            work.scores = Scores::new(config.step_ms);
            work.watermark = None;
        }
        work.config = config;
        work.next_capacity = self.setup.clock.mono();
        if !config.enabled {
            *self.view.write() = Arc::default();
        }
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
        let mut points = self.detect(&mut work, &snapshot, now);
        if started >= work.next_capacity {
            work.next_capacity = started + after(work.config.capacity_interval_ms);
            points.extend(self.foresee(&mut work, &*snapshot, now));
            if work.capacity.len() == 0 {
                // Nothing was collected yet: the first load lines shall not wait a whole interval.
                work.next_capacity = started + FIRST_LOOK;
            }
        }
        if started >= work.next_trends {
            work.next_trends = started + after(trends::EVERY_MS);
            points.extend(self.find_trends(&mut work, &snapshot, now));
        }
        self.show(&work, now);
        self.issue(&mut work, points, now);
        if started >= work.next_checkpoint {
            self.keep(&mut work, now);
        }
        let busy = clock.mono().saturating_sub(started);
        count(&self.metrics.busy_us, u64::try_from(busy.as_micros()).unwrap_or(u64::MAX));
        work.wait(clock.wall_ms(), clock.mono())
    }

    /// Writes the state of the detectors into the records; for a shutdown, and hourly by itself.
    pub fn checkpoint(&self) {
        self.keep(&mut self.work.lock(), self.setup.clock.wall_ms());
    }

    /// The bounded resources with their forecasts, as of the last tick.
    pub fn resources(&self) -> Vec<Resource> {
        self.view.read().resources.clone()
    }

    /// What behaves unusually as of the last tick: scores of 0.3 and more, highest first, at most 20.
    pub fn anomalies(&self) -> Vec<Anomaly> {
        self.view.read().anomalies.clone()
    }

    /// The watched series that rise or fall, as of the last look, by labels.
    pub fn trends(&self) -> Vec<SeriesTrend> {
        self.view.read().trends.clone()
    }

    /// Expressions that are watched, by name.
    pub(crate) fn expressions(&self) -> BTreeMap<String, String> {
        let text = |w: &Watch| (w.name.to_owned(), w.query.text().to_owned());
        self.work.lock().watches.iter().map(text).collect()
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

    /// Teaches the detectors everything up to the last point of the grid.
    fn detect(&self, work: &mut Work, snapshot: &Arc<dyn Snapshot>, now: Timestamp) -> Vec<Point> {
        let step = work.config.step_ms;
        let end = now.div_euclid(step) * step;
        if !work.restored {
            work.restored = true;
            work.watermark = self.restore(work);
        }
        if work.watermark.is_some_and(|mark| mark > end.saturating_add(step)) {
            // The clock was set back: what was seen lies in the future now.
            work.scores = Scores::new(step);
            work.watermark = Some(end - step);
        }
        let back = |ms: i64| end - ms.min(REPLAY_POINTS * step);
        let since = work.watermark.unwrap_or_else(|| back(LEARN_MS)).max(back(REPLAY_MS));
        let start = since.div_euclid(step) * step + step;
        if start > end {
            return Vec::new();
        }
        // What came before the newest points is history: learned from, not reported.
        let old_end = end - step;
        if start <= old_end {
            self.teach(work, snapshot, Grid { start, end: old_end, step });
            work.scores.forget_pending();
        }
        work.scores.left_out = 0;
        self.teach(work, snapshot, Grid { start: end, end, step });
        work.watermark = Some(end);
        work.scores.tidy(now, work.config.watched_max);
        set(&self.metrics.watched, work.scores.series.len());
        set(&self.metrics.unwatched, work.scores.left_out);
        work.scores.due(now)
    }

    fn teach(&self, work: &mut Work, snapshot: &Arc<dyn Snapshot>, grid: Grid) {
        let most = work.config.watched_max;
        for watch in &work.watches {
            if let Some(matrix) = self.read(snapshot, &watch.query, grid) {
                let points = work.scores.observe(watch.name, &matrix, most);
                count(&self.metrics.points, points);
            }
        }
    }

    fn read(&self, snapshot: &Arc<dyn Snapshot>, query: &Query, grid: Grid) -> Option<Matrix> {
        match self.setup.engine.range(snapshot, query, grid, &self.reader()) {
            Ok(answer) => match answer.value {
                Value::Matrix(matrix) => Some(matrix),
                _ => None,
            },
            Err(e) => {
                count(&self.metrics.read_failures, 1);
                tracing::warn!(error = %e, query = query.text(), "a watched expression failed");
                None
            }
        }
    }

    fn reader(&self) -> ReadCx {
        let mut cx = ReadCx::with_budget(self.setup.engine.budget());
        cx.lane = Lane::Background;
        cx
    }

    fn foresee(&self, work: &mut Work, snapshot: &dyn Snapshot, now: Timestamp) -> Vec<Point> {
        match work.capacity.look(snapshot, now, &self.reader()) {
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

    fn find_trends(
        &self,
        work: &mut Work,
        snapshot: &Arc<dyn Snapshot>,
        now: Timestamp,
    ) -> Vec<Point> {
        let end = now.div_euclid(trends::STEP_MS) * trends::STEP_MS;
        let grid = Grid { start: end - trends::WINDOW_MS, end, step: trends::STEP_MS };
        let mut found = BTreeMap::new();
        for watch in &work.watches {
            let matrix = self.read(snapshot, &watch.query, grid).unwrap_or_default();
            let left = work.config.watched_max.saturating_sub(found.len());
            found.extend(matrix.iter().filter_map(|s| trends::look(watch.name, s)).take(left));
        }
        work.trends.replace(found)
    }

    fn show(&self, work: &Work, now: Timestamp) {
        let view = View {
            resources: work.capacity.resources(now),
            anomalies: work.scores.anomalies(now),
            trends: work.trends.found.values().cloned().collect(),
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

    fn restore(&self, work: &mut Work) -> Option<Timestamp> {
        let records = self.setup.records.as_ref()?;
        match records.documents(checkpoint::KIND) {
            Ok(documents) => {
                let (names, most) = (work.names(), work.config.watched_max);
                checkpoint::restore(&mut work.scores, &names, &documents, most)
            }
            Err(e) => {
                count(&self.metrics.records_failures, 1);
                tracing::warn!(error = %e, "checkpoints of analysis could not be read");
                None
            }
        }
    }

    fn keep(&self, work: &mut Work, now: Timestamp) {
        work.next_checkpoint = self.setup.clock.mono() + CHECKPOINT_EVERY;
        let (Some(records), Some(watermark)) = (&self.setup.records, work.watermark) else {
            return;
        };
        let changes = checkpoint::changes(&work.scores, &work.names(), watermark, now);
        if let Err(e) = records.apply(&changes) {
            count(&self.metrics.records_failures, 1);
            tracing::warn!(error = %e, "the checkpoint of analysis was not written");
        }
    }
}

impl Work {
    fn names(&self) -> Vec<&'static str> {
        self.watches.iter().map(|w| w.name).collect()
    }

    /// Time until something is due.
    fn wait(&self, wall: Timestamp, mono: Duration) -> Duration {
        let step = self.config.step_ms;
        let points = after(step - wall.rem_euclid(step));
        points.min(self.next_capacity.saturating_sub(mono)).min(IDLE)
    }
}

fn after(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
