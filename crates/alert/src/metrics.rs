//! What alerting tells about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::MetricKind;

/// Counters and gauges; any thread may count.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) evaluations: AtomicU64,
    pub(crate) evaluation_failures: AtomicU64,
    pub(crate) evaluation_us: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) records_failures: AtomicU64,
    pub(crate) sink_failures: AtomicU64,
    pub(crate) notifications: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    pub(crate) delivery_failures: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) outbox: AtomicU64,
    pub(crate) unsaved: AtomicU64,
    pub(crate) unsaved_dropped: AtomicU64,
}

/// One value: name, help, kind, value.
pub type Row = (&'static str, &'static str, MetricKind, f64);

impl Metrics {
    /// All values, in a fixed order.
    pub fn rows(&self) -> Vec<Row> {
        let counter = MetricKind::Counter;
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed) as f64;
        vec![
            (
                "plimsoll_alert_rule_evaluations_total",
                "Rules evaluated.",
                counter,
                get(&self.evaluations),
            ),
            (
                "plimsoll_alert_rule_evaluation_failures_total",
                "Rules that could not be evaluated.",
                counter,
                get(&self.evaluation_failures),
            ),
            (
                "plimsoll_alert_rule_evaluation_seconds_total",
                "Time spent in evaluating rules.",
                counter,
                get(&self.evaluation_us) / 1e6,
            ),
            (
                "plimsoll_alert_group_iterations_missed_total",
                "Evaluations of groups that came too late and were left out.",
                counter,
                get(&self.missed),
            ),
            (
                "plimsoll_alert_records_failures_total",
                "Decisions that could not be recorded at once.",
                counter,
                get(&self.records_failures),
            ),
            (
                "plimsoll_alert_samples_failures_total",
                "Batches of result samples that the store did not take.",
                counter,
                get(&self.sink_failures),
            ),
            (
                "plimsoll_alert_notifications_total",
                "Notifications decided.",
                counter,
                get(&self.notifications),
            ),
            (
                "plimsoll_alert_deliveries_total",
                "Messages that a receiver took.",
                counter,
                get(&self.deliveries),
            ),
            (
                "plimsoll_alert_delivery_failures_total",
                "Attempts that failed.",
                counter,
                get(&self.delivery_failures),
            ),
            ("plimsoll_alert_dead_letters_total", "Messages given up.", counter, get(&self.dead)),
            (
                "plimsoll_alert_outbox_messages",
                "Messages waiting to be delivered.",
                MetricKind::Gauge,
                get(&self.outbox),
            ),
            (
                "plimsoll_alert_unsaved_changes",
                "Changes that wait to be recorded because the records cannot be written.",
                MetricKind::Gauge,
                get(&self.unsaved),
            ),
            (
                "plimsoll_alert_unsaved_changes_dropped_total",
                "Changes that will not be recorded: too many waited, or one was too large.",
                counter,
                get(&self.unsaved_dropped),
            ),
        ]
    }
}

pub(crate) fn count(a: &AtomicU64, n: u64) {
    a.fetch_add(n, Ordering::Relaxed);
}
