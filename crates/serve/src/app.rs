//! What the door opens to: the parts, as handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_alert::Alerting;
use plimsoll_collect::Status;
use plimsoll_guard::{Hosts, Identity};
use plimsoll_insight::investigate::Investigator;
use plimsoll_insight::{Anomaly, AnomalyGroup, Findings, SeriesTrend, Stopped, Watching};
use plimsoll_model::{Labels, Matcher, SampleSink, SeriesSource, TimeRange};
use plimsoll_query::{Engine, ResultCache};
use plimsoll_show::dashboard::Library;
use plimsoll_show::report::Library as ReportLibrary;
use plimsoll_world::{Clock, Disk, Workers};
use tokio::sync::{Semaphore, watch};

use crate::habits::Habits;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::own::capacity::CapacityDoc;
use crate::own::metric_registry::MetricShelf;
use crate::own::overview::{AnomalyDoc, ProcessDoc, ResourceDoc};
use crate::own::receivers::ReceiverShelf;
use crate::own::rule_files::RuleShelf;

/// What the operator can ask for. Implemented by the binary; calls may block.
pub trait Control: Send + Sync {
    /// Reads the configuration again; the old one stays when the new one is wrong.
    ///
    /// # Errors
    /// Every problem of the new configuration.
    fn reload(&self) -> Result<(), Vec<String>>;
    /// Brings everything in memory into files.
    ///
    /// # Errors
    /// What went wrong.
    fn flush(&self) -> Result<(), String>;
    /// Merges everything that can be merged.
    ///
    /// # Errors
    /// What went wrong.
    fn merge(&self) -> Result<(), String>;
    /// Makes a snapshot of the store; its name under the data directory's `snapshots/`.
    ///
    /// # Errors
    /// What went wrong.
    fn snapshot(&self) -> Result<String, String>;
    /// Deletes the samples in the range of the series that pass all matchers.
    ///
    /// # Errors
    /// What went wrong, or what is wrong with the matchers.
    fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), String>;
    /// Rewrites what holds something deleted.
    ///
    /// # Errors
    /// What went wrong.
    fn clean_tombstones(&self) -> Result<(), String>;
    /// The labels of this server, which go with what other servers get of it.
    fn external_labels(&self) -> Labels;
    /// How OpenTelemetry metrics are taken in.
    fn otlp(&self) -> Arc<plimsoll_wire::otlp::Settings>;
    /// The configuration in force, as YAML, without secrets.
    fn configuration(&self) -> String;
    /// How collecting goes.
    fn collecting(&self) -> Status;
    /// Own metrics in Prometheus' text format.
    fn exposition(&self) -> String;
    /// Series that are kept now, and samples stored since the start.
    fn store_size(&self) -> (u64, u64);
    /// What is wrong with the program itself, for people; empty when nothing is.
    fn troubles(&self) -> Vec<String>;
    /// What the store says of its series: Prometheus' `status/tsdb` document.
    fn tsdb(&self) -> serde_json::Value;
}

/// What analysis knows at this moment. Implemented by the binary; cheap to call.
pub trait Outlook: Send + Sync {
    /// Bounded resources with their load lines.
    fn resources(&self) -> Vec<ResourceDoc>;
    /// All bounded resources, and what so many times the load would do to them.
    fn capacity(&self, load: Option<f64>) -> Vec<CapacityDoc>;
    /// Series that behave unusually.
    fn anomalies(&self) -> Vec<AnomalyDoc>;
    /// The same with all that is known of them, the worst first.
    fn unusual(&self) -> Vec<Anomaly>;
    /// The hosts and services of which something behaves unusually.
    fn groups(&self) -> Vec<AnomalyGroup>;
    /// Series without samples whose target is up.
    fn stopped(&self) -> Vec<Stopped>;
    /// What rises or falls, the most important first.
    fn trends(&self) -> Vec<SeriesTrend>;
    /// How watching goes.
    fn watching(&self) -> Watching;
    /// The busiest processes.
    fn processes(&self) -> Vec<ProcessDoc>;
}

/// Everything that a request may touch.
pub struct App {
    /// Evaluates.
    pub engine: Arc<Engine>,
    /// Answers that are kept for the next time.
    pub results: Arc<ResultCache>,
    /// Threads that queries share.
    pub workers: Arc<Workers>,
    /// What is read.
    pub source: Arc<dyn SeriesSource>,
    /// Where samples go.
    pub sink: Arc<dyn SampleSink>,
    /// Rules and alerts.
    pub alerting: Arc<Alerting>,
    /// What the operator can ask for.
    pub control: Arc<dyn Control>,
    /// What analysis knows.
    pub outlook: Arc<dyn Outlook>,
    /// What follows from what analysis sees.
    pub findings: Arc<Findings>,
    /// Answers questions about the past.
    pub investigator: Investigator,
    /// What is known of metrics.
    pub metrics_kept: Arc<dyn MetricShelf>,
    /// Dashboards.
    pub dashboards: Arc<Library>,
    /// Reports that are kept.
    pub reports: Arc<ReportLibrary>,
    /// Rule files that can be changed here, and others.
    pub rule_files: Arc<dyn RuleShelf>,
    /// Receivers that are added here.
    pub receivers: Arc<dyn ReceiverShelf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the process started, ms since the epoch.
    pub started_ms: i64,
    /// The name of this host.
    pub hostname: String,
    /// Things that a visitor should know, such as that no login is needed.
    pub notes: Vec<String>,
    /// Where its files are, when they are served from a directory.
    pub disk: Arc<dyn Disk>,
    /// Serve the browser application from this directory instead of the embedded one.
    pub ui_dir: Option<std::path::PathBuf>,
    /// The names that requests may call this server by.
    pub hosts: Hosts,
    /// Bounds.
    pub limits: Limits,
    /// What the door counts.
    pub metrics: Arc<Metrics>,
    /// Turns true when the process stops.
    pub stop: watch::Receiver<bool>,
    /// How many may come in at once.
    pub gates: Gates,
}

/// Counts who is inside; made from [`Limits`].
pub struct Gates {
    ready: AtomicBool,
    queries: Semaphore,
    waiting: Semaphore,
    pub(crate) writes: Semaphore,
    pub(crate) live: Arc<Semaphore>,
    pub(crate) reports: Semaphore,
    pub(crate) habits: Habits,
}

/// Why a query was not let in.
pub(crate) struct Crowded;

impl Gates {
    /// Open gates of this width.
    pub fn new(limits: &Limits) -> Self {
        Self {
            ready: AtomicBool::new(false),
            queries: Semaphore::new(limits.queries_at_once),
            waiting: Semaphore::new(limits.queries_waiting + limits.queries_at_once),
            writes: Semaphore::new(limits.writes_at_once),
            live: Arc::new(Semaphore::new(limits.live_connections)),
            reports: Semaphore::new(limits.reports_at_once),
            habits: Habits::default(),
        }
    }

    /// Says that everything is started.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Whether everything is started.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// A place among the queries, when one is free.
    pub(crate) fn free_query(&self) -> Option<Permit<'_>> {
        self.queries.try_acquire().ok()
    }

    /// Waits for a place among the queries; `Crowded` when too many wait already.
    pub(crate) async fn query(&self) -> Result<(Permit<'_>, Permit<'_>), Crowded> {
        let waiting = self.waiting.try_acquire().map_err(|_| Crowded)?;
        let place = self.queries.acquire().await.map_err(|_| Crowded)?;
        Ok((waiting, place))
    }
}

type Permit<'g> = tokio::sync::SemaphorePermit<'g>;

impl App {
    /// Who asks. Until users exist everybody is the same.
    pub(crate) fn identify(&self) -> Identity {
        Identity::anonymous()
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.wall_ms()
    }
}
