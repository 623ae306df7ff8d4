//! What analysis tells about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::MetricKind;

/// Counters and gauges; any thread may count.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) points: AtomicU64,
    pub(crate) watched: AtomicU64,
    pub(crate) left_out_memory: AtomicU64,
    pub(crate) left_out_cost: AtomicU64,
    pub(crate) watched_bytes: AtomicU64,
    pub(crate) watched_bytes_max: AtomicU64,
    pub(crate) set_aside: AtomicU64,
    pub(crate) set_aside_total: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) groups_anomalous: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) stopped_total: AtomicU64,
    pub(crate) targets_down: AtomicU64,
    pub(crate) delayed: AtomicU64,
    pub(crate) lag_ms: AtomicU64,
    pub(crate) behind_steps: AtomicU64,
    pub(crate) cpu_micro: AtomicU64,
    pub(crate) trends: AtomicU64,
    pub(crate) trends_round_ms: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) checkpoint_bytes: AtomicU64,
    pub(crate) checkpoint_failures: AtomicU64,
    pub(crate) resources: AtomicU64,
    pub(crate) resources_refused: AtomicU64,
    pub(crate) series: AtomicU64,
    pub(crate) series_max: AtomicU64,
    pub(crate) series_refused: AtomicU64,
    pub(crate) samples: AtomicU64,
    pub(crate) sink_failures: AtomicU64,
    pub(crate) read_failures: AtomicU64,
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
                "Series that found no place at the last look, for want of memory or by analysis.watched_max.",
                gauge,
                get(&self.left_out_memory),
            ),
            (
                "plimsoll_analysis_unwatched_by_cost_series",
                "Series that found no place at the last look because watching more would exceed analysis.cpu_max.",
                gauge,
                get(&self.left_out_cost),
            ),
            (
                "plimsoll_analysis_watched_bytes",
                "Bytes of watched series, about.",
                gauge,
                get(&self.watched_bytes),
            ),
            (
                "plimsoll_analysis_watched_bytes_max",
                "Bytes that watched series may take (analysis.memory).",
                gauge,
                get(&self.watched_bytes_max),
            ),
            (
                "plimsoll_analysis_cpu_ratio",
                "Share of one core that all of analysis took of late.",
                gauge,
                get(&self.cpu_micro) / 1e6,
            ),
            (
                "plimsoll_analysis_lag_seconds",
                "How far analysis is behind the clock.",
                gauge,
                get(&self.lag_ms) / 1e3,
            ),
            (
                "plimsoll_analysis_behind_steps",
                "Steps that wait to be gone through: above 0 while stored history is being replayed.",
                gauge,
                get(&self.behind_steps),
            ),
            (
                "plimsoll_analysis_delayed_series",
                "Watched series whose samples come late, so that they are looked at late.",
                gauge,
                get(&self.delayed),
            ),
            (
                "plimsoll_analysis_set_aside_series",
                "Watched series that cannot be judged: unreadable, or no numbers.",
                gauge,
                get(&self.set_aside),
            ),
            (
                "plimsoll_analysis_set_aside_total",
                "Series that were set aside.",
                counter,
                get(&self.set_aside_total),
            ),
            (
                "plimsoll_analysis_groups",
                "Hosts and services of at least three watched series.",
                gauge,
                get(&self.groups),
            ),
            (
                "plimsoll_analysis_groups_anomalous",
                "Of these, those of which so many series have an alarm that it is worth a page.",
                gauge,
                get(&self.groups_anomalous),
            ),
            (
                "plimsoll_analysis_stopped_series",
                "Watched series without samples whose target is up.",
                gauge,
                get(&self.stopped),
            ),
            (
                "plimsoll_analysis_stopped_total",
                "Watched series that stopped while their target was up.",
                counter,
                get(&self.stopped_total),
            ),
            (
                "plimsoll_analysis_targets_down",
                "Targets of watched series that are down.",
                gauge,
                get(&self.targets_down),
            ),
            (
                "plimsoll_analysis_trends",
                "Watched series that rise or fall.",
                gauge,
                get(&self.trends),
            ),
            (
                "plimsoll_analysis_trends_round_seconds",
                "How long the last search for drift took to come round all watched series.",
                gauge,
                get(&self.trends_round_ms) / 1e3,
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
                "plimsoll_analysis_checkpoints_total",
                "Checkpoints written.",
                counter,
                get(&self.checkpoints),
            ),
            (
                "plimsoll_analysis_checkpoint_bytes",
                "Bytes of the last checkpoint.",
                gauge,
                get(&self.checkpoint_bytes),
            ),
            (
                "plimsoll_analysis_checkpoint_failures_total",
                "Checkpoints that could not be written or read.",
                counter,
                get(&self.checkpoint_failures),
            ),
            (
                "plimsoll_analysis_seconds_total",
                "Time spent in all of analysis.",
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
