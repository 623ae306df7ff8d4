//! What analysis tells about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::MetricKind;

/// Counters and gauges; any thread may count.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) points: AtomicU64,
    pub(crate) watched: AtomicU64,
    pub(crate) unwatched: AtomicU64,
    pub(crate) resources: AtomicU64,
    pub(crate) resources_refused: AtomicU64,
    pub(crate) series: AtomicU64,
    pub(crate) series_max: AtomicU64,
    pub(crate) series_refused: AtomicU64,
    pub(crate) samples: AtomicU64,
    pub(crate) sink_failures: AtomicU64,
    pub(crate) read_failures: AtomicU64,
    pub(crate) records_failures: AtomicU64,
    pub(crate) busy_us: AtomicU64,
}

/// One value: name, help, kind, value.
pub type Row = (&'static str, &'static str, MetricKind, f64);

impl Metrics {
    /// All values, in a fixed order.
    pub fn rows(&self) -> Vec<Row> {
        let (counter, gauge) = (MetricKind::Counter, MetricKind::Gauge);
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed) as f64;
        vec![
            ("plimsoll_analysis_points_total", "Points scored.", counter, get(&self.points)),
            (
                "plimsoll_analysis_watched_series",
                "Series with a detector.",
                gauge,
                get(&self.watched),
            ),
            (
                "plimsoll_analysis_unwatched_series",
                "Series that analysis.watched_max left out at the last step.",
                gauge,
                get(&self.unwatched),
            ),
            (
                "plimsoll_analysis_resources",
                "Bounded resources with a forecast.",
                gauge,
                get(&self.resources),
            ),
            (
                "plimsoll_analysis_resources_refused",
                "Bounded resources left out at the last look, beyond the most that are kept.",
                gauge,
                get(&self.resources_refused),
            ),
            (
                "plimsoll_analysis_result_series",
                "Result series written within the last hour.",
                gauge,
                get(&self.series),
            ),
            (
                "plimsoll_analysis_result_series_max",
                "Result series allowed now.",
                gauge,
                get(&self.series_max),
            ),
            (
                "plimsoll_analysis_result_series_refused_total",
                "Results not written because they would have been a series too many.",
                counter,
                get(&self.series_refused),
            ),
            (
                "plimsoll_analysis_samples_total",
                "Result samples written.",
                counter,
                get(&self.samples),
            ),
            (
                "plimsoll_analysis_samples_failures_total",
                "Batches of result samples that the store did not take.",
                counter,
                get(&self.sink_failures),
            ),
            (
                "plimsoll_analysis_read_failures_total",
                "Reads for analysis that failed.",
                counter,
                get(&self.read_failures),
            ),
            (
                "plimsoll_analysis_records_failures_total",
                "Checkpoints that could not be written or read.",
                counter,
                get(&self.records_failures),
            ),
            (
                "plimsoll_analysis_seconds_total",
                "Time spent in analysis.",
                counter,
                get(&self.busy_us) / 1e6,
            ),
        ]
    }
}

pub(crate) fn count(a: &AtomicU64, n: u64) {
    a.fetch_add(n, Ordering::Relaxed);
}

pub(crate) fn set(a: &AtomicU64, n: usize) {
    a.store(n as u64, Ordering::Relaxed);
}
