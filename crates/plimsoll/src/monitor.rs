//! The façade for programs that embed Plimsoll: monitoring as one value, with handles whose methods
//! have the names that people who plan such systems use. They are thin: the parts do the work.

use std::net::SocketAddr;
use std::sync::Arc;

use plimsoll_alert::{Alert, GroupView};
use plimsoll_collect::Status as Collecting;
use plimsoll_insight::{Anomaly, Resource, SeriesTrend};
use plimsoll_model::{
    Batch, Canonical, Labels, ReadCx, Rows, SampleSink, SeriesSource, SourceId, Timestamp,
};
use plimsoll_query::{Answer, Query};

use crate::config::{Options, load};
use crate::error::Error;
use crate::run::{Handles, Running, runtime, start};

/// Monitoring that runs in this process, with a runtime of its own.
pub struct PerformanceMonitor {
    running: Running,
    runtime: tokio::runtime::Runtime,
}

/// How it is at this moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where the browser application and the API are.
    pub address: SocketAddr,
    /// Active series.
    pub series: u64,
    /// How collecting goes.
    pub collecting: Collecting,
    /// Pending and firing alerts.
    pub alerts: Vec<Alert>,
    /// Bounded resources with their forecasts.
    pub resources: Vec<Resource>,
}

impl PerformanceMonitor {
    /// Starts everything; ready when it returns. Must not be called inside an async task.
    ///
    /// # Errors
    /// A wrong configuration, a taken address, a data directory that cannot be used.
    pub fn start_monitoring(options: Options) -> Result<Self, Error> {
        let config = load(&options).map_err(Error::Configuration)?;
        let runtime = runtime().map_err(|e| Error::Unavailable(e.to_string()))?;
        let running = runtime.block_on(start(options, config))?;
        Ok(Self { running, runtime })
    }

    /// Stops everything and waits until it is written.
    ///
    /// # Errors
    /// What could not be written.
    pub fn stop_monitoring(self) -> Result<(), Error> {
        self.runtime.block_on(self.running.stop())
    }

    /// Whether everything is fine, and what is not.
    pub fn get_current_status(&self) -> Status {
        let handles = &self.running.handles;
        Status {
            address: self.running.address,
            series: handles.store.stats().series,
            collecting: handles.collector.status(),
            alerts: active(&handles.alerting.groups()),
            resources: handles.resources(),
        }
    }

    /// Takes another configuration while running, as a whole or not at all.
    ///
    /// # Errors
    /// Every problem, or the keys that need a restart; the old configuration stays.
    pub fn configure_monitoring(&self, options: Options) -> Result<(), Error> {
        self.running.handles.load_and_apply(&options)?;
        *self.running.handles.options.lock() = options;
        Ok(())
    }

    /// Gets samples in.
    pub fn metrics_collector(&self) -> MetricsCollector {
        MetricsCollector { handles: Arc::clone(&self.running.handles) }
    }

    /// Keeps samples and answers queries.
    pub fn data_aggregator(&self) -> DataAggregator {
        DataAggregator { handles: Arc::clone(&self.running.handles) }
    }

    /// Finds what is unusual.
    pub fn analytics_agent(&self) -> AnalyticsAgent {
        AnalyticsAgent { handles: Arc::clone(&self.running.handles) }
    }

    /// Foresees what is full when.
    pub fn prediction_intelligence(&self) -> PredictionIntelligence {
        PredictionIntelligence { handles: Arc::clone(&self.running.handles) }
    }

    /// Knows the alerts.
    pub fn alert_router(&self) -> AlertRouter {
        AlertRouter { handles: Arc::clone(&self.running.handles) }
    }

    /// Shows it to people.
    pub fn performance_dashboard(&self) -> PerformanceDashboard {
        PerformanceDashboard { address: self.running.address }
    }
}

fn active(groups: &[GroupView]) -> Vec<Alert> {
    let rules = groups.iter().flat_map(|g| &g.rules).filter(|r| !r.shadow);
    rules.flat_map(|r| r.alerts.clone()).collect()
}

/// Gets samples in.
pub struct MetricsCollector {
    handles: Arc<Handles>,
}

impl MetricsCollector {
    /// How the host, the own metrics and the targets are read.
    pub fn sources(&self) -> Collecting {
        self.handles.collector.status()
    }

    /// Keeps samples of a program's own metric; durable to the promised level when it returns.
    ///
    /// # Errors
    /// Labels or samples that are refused, a store that cannot write now.
    pub fn collect_custom_metrics(
        &self,
        labels: &Labels,
        samples: &[(Timestamp, f64)],
    ) -> Result<(), Error> {
        let times: Vec<Timestamp> = samples.iter().map(|s| s.0).collect();
        let floats: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let rows = [Rows {
            fp: Some(labels.fp()),
            raw: labels.as_ref().as_bytes(),
            times: &times,
            floats: &floats,
            ..Rows::default()
        }];
        let source = SourceId::new("embedded");
        let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
        let appended = self
            .handles
            .store
            .submit(batch)
            .wait()
            .map_err(|e| Error::Unavailable(e.to_string()))?;
        match appended.first_reason() {
            None => Ok(()),
            Some((_, reason)) => Err(Error::Unavailable(reason.to_string())),
        }
    }
}

/// Keeps samples and answers queries.
pub struct DataAggregator {
    handles: Arc<Handles>,
}

impl DataAggregator {
    /// Evaluates PromQL at a time, ms since the epoch; `None` = now.
    ///
    /// # Errors
    /// A wrong expression, a limit.
    pub fn query_metrics(&self, promql: &str, at: Option<Timestamp>) -> Result<Answer, Error> {
        let failed = |e: plimsoll_query::QueryError| Error::Query(e.to_string());
        let engine = &self.handles.engine;
        let query = Query::parse(promql, &engine.config().features)
            .map_err(|e| Error::Query(e.to_string()))?;
        let at = at.unwrap_or_else(|| self.handles.world.clock.wall_ms());
        let cx = ReadCx::with_budget(engine.budget());
        engine.instant(&self.handles.store.snapshot(), &query, at, &cx).map_err(failed)
    }

    /// Removes what is older than retention, and merges what is due, without waiting for the
    /// background.
    ///
    /// # Errors
    /// What went wrong.
    pub fn cleanup_old_data(&self) -> Result<(), Error> {
        self.handles.store.maintain().map_err(|e| Error::Unavailable(e.to_string()))?;
        Ok(())
    }
}

/// Finds what is unusual.
pub struct AnalyticsAgent {
    handles: Arc<Handles>,
}

impl AnalyticsAgent {
    /// What behaves unusually, the worst first.
    pub fn detect_anomalies(&self) -> Vec<Anomaly> {
        self.handles.insight.anomalies()
    }

    /// What rises or falls.
    pub fn analyze_trends(&self) -> Vec<SeriesTrend> {
        self.handles.insight.trends()
    }
}

/// Foresees what is full when.
pub struct PredictionIntelligence {
    handles: Arc<Handles>,
}

impl PredictionIntelligence {
    /// Bounded resources, each with the time when it is full.
    pub fn predict_capacity_needs(&self) -> Vec<Resource> {
        self.handles.resources()
    }
}

/// Knows the alerts.
pub struct AlertRouter {
    handles: Arc<Handles>,
}

impl AlertRouter {
    /// Pending and firing alerts.
    pub fn alerts(&self) -> Vec<Alert> {
        active(&self.handles.alerting.groups())
    }

    /// Rules with their states.
    pub fn rules(&self) -> Vec<GroupView> {
        self.handles.alerting.groups()
    }
}

/// Shows it to people.
pub struct PerformanceDashboard {
    address: SocketAddr,
}

impl PerformanceDashboard {
    /// Where to look.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}
