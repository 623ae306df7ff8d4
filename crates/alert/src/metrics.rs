//! What alerting tells about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use plimsoll_model::MetricKind;

use crate::history::TallyRow;

/// Counters and gauges; any thread may count.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) evaluations: AtomicU64,
    pub(crate) evaluation_failures: AtomicU64,
    pub(crate) evaluation_us: AtomicU64,
    pub(crate) over_limit: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) records_failures: AtomicU64,
    pub(crate) sink_failures: AtomicU64,
    pub(crate) notifications: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    pub(crate) delivery_failures: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) breakers_opened: AtomicU64,
    pub(crate) failed_over: AtomicU64,
    /// From decision to delivery.
    pub latency: Latency,
    pub(crate) outbox: AtomicU64,
    pub(crate) unsaved: AtomicU64,
    pub(crate) unsaved_dropped: AtomicU64,
    pub(crate) posted: AtomicU64,
    pub(crate) posted_invalid: AtomicU64,
    pub(crate) router_alerts: AtomicU64,
    pub(crate) router_groups: AtomicU64,
    pub(crate) silences_active: AtomicU64,
    pub(crate) refused_alerts: AtomicU64,
    pub(crate) inhibited: AtomicU64,
    pub(crate) silenced: AtomicU64,
    pub(crate) out_of_hours: AtomicU64,
    pub(crate) forwarded: AtomicU64,
    pub(crate) forward_failures: AtomicU64,
    pub(crate) forward_lost: AtomicU64,
    pub(crate) forward_waiting: AtomicU64,
    pub(crate) forward_dropped: AtomicU64,
    pub(crate) evidence_made: AtomicU64,
    pub(crate) evidence_late: AtomicU64,
    pub(crate) evidence_left_out: AtomicU64,
    pub(crate) evidence_us: AtomicU64,
    pub(crate) evidence_pictures: AtomicU64,
    pub(crate) evidence_bytes: AtomicU64,
    pub(crate) episodes_open: AtomicU64,
    pub(crate) episodes_kept: AtomicU64,
    pub(crate) episodes_forgotten: AtomicU64,
    pub(crate) episodes_missed: AtomicU64,
    pub(crate) incidents_open: AtomicU64,
    /// What was counted of episodes, by rule.
    pub(crate) tally: Mutex<Vec<TallyRow>>,
}

/// Upper bounds of the buckets of [`Latency`], ms; what is longer is in none.
pub const LATENCY_MS: [i64; 11] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 600_000];

/// How long messages took from decision to delivery.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; LATENCY_MS.len()],
    count: AtomicU64,
    sum_ms: AtomicU64,
}

impl Latency {
    /// Counts one message.
    pub(crate) fn note(&self, ms: i64) {
        let ms = ms.max(0);
        for (bucket, bound) in self.buckets.iter().zip(LATENCY_MS) {
            if ms <= bound {
                count(bucket, 1);
            }
        }
        count(&self.count, 1);
        count(&self.sum_ms, ms.unsigned_abs());
    }

    /// The cumulative buckets with their bounds in seconds, then all, then the sum in seconds.
    pub fn read(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed);
        let bounds = LATENCY_MS.iter().map(|ms| *ms as f64 / 1e3);
        let buckets = bounds.zip(&self.buckets).map(|(le, n)| (le, get(n))).collect();
        (buckets, get(&self.count), get(&self.sum_ms) as f64 / 1e3)
    }
}

/// One value: name, help, kind, value.
pub type Row = (&'static str, &'static str, MetricKind, f64);

impl Metrics {
    /// What was counted of episodes, by rule; at most [`crate::history::tally::RULES_MAX`] rules and one row
    /// for all others.
    pub fn episodes(&self) -> Vec<TallyRow> {
        self.tally.lock().clone()
    }

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
                "plimsoll_alert_rule_over_limit_total",
                "Evaluations of rules that gave more than the limit of their group or of the configuration.",
                counter,
                get(&self.over_limit),
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
            (
                "plimsoll_alert_breakers_opened_total",
                "Times that a channel was left alone because it failed too often.",
                counter,
                get(&self.breakers_opened),
            ),
            (
                "plimsoll_alert_failed_over_total",
                "Messages handed to the fallback of their receiver.",
                counter,
                get(&self.failed_over),
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
            (
                "plimsoll_alert_posted_total",
                "Alerts that others posted and that were taken.",
                counter,
                get(&self.posted),
            ),
            (
                "plimsoll_alert_posted_invalid_total",
                "Alerts that others posted and that were wrong.",
                counter,
                get(&self.posted_invalid),
            ),
            (
                "plimsoll_alert_refused_total",
                "Alerts that were not taken because too many are known.",
                counter,
                get(&self.refused_alerts),
            ),
            (
                "plimsoll_alert_router_alerts",
                "Alerts that the router knows.",
                MetricKind::Gauge,
                get(&self.router_alerts),
            ),
            (
                "plimsoll_alert_router_groups",
                "Groups of alerts that are open.",
                MetricKind::Gauge,
                get(&self.router_groups),
            ),
            (
                "plimsoll_alert_silences_active",
                "Silences that mute something now.",
                MetricKind::Gauge,
                get(&self.silences_active),
            ),
            (
                "plimsoll_alert_inhibited_total",
                "Alerts left out of a message because another one inhibits them.",
                counter,
                get(&self.inhibited),
            ),
            (
                "plimsoll_alert_silenced_total",
                "Alerts left out of a message because of a silence.",
                counter,
                get(&self.silenced),
            ),
            (
                "plimsoll_alert_out_of_hours_total",
                "Looks at groups that told nothing because of a time interval.",
                counter,
                get(&self.out_of_hours),
            ),
            (
                "plimsoll_alert_forwarded_total",
                "Alerts that an Alertmanager of others took.",
                counter,
                get(&self.forwarded),
            ),
            (
                "plimsoll_alert_forward_failures_total",
                "Requests to Alertmanagers of others that failed.",
                counter,
                get(&self.forward_failures),
            ),
            (
                "plimsoll_alert_forward_lost_total",
                "Alerts that no Alertmanager of others took.",
                counter,
                get(&self.forward_lost),
            ),
            (
                "plimsoll_alert_forward_waiting",
                "Alerts that wait to be forwarded.",
                MetricKind::Gauge,
                get(&self.forward_waiting),
            ),
            (
                "plimsoll_alert_forward_dropped_total",
                "Alerts that were not forwarded because too many waited.",
                counter,
                get(&self.forward_dropped),
            ),
            (
                "plimsoll_alert_evidence_total",
                "Messages that went out with their evidence.",
                counter,
                get(&self.evidence_made),
            ),
            (
                "plimsoll_alert_evidence_late_total",
                "Messages that went out without evidence because it took too long.",
                counter,
                get(&self.evidence_late),
            ),
            (
                "plimsoll_alert_evidence_left_out_total",
                "Messages that went out without evidence because too many waited for theirs.",
                counter,
                get(&self.evidence_left_out),
            ),
            (
                "plimsoll_alert_evidence_seconds_total",
                "Time spent in making evidence.",
                counter,
                get(&self.evidence_us) / 1e6,
            ),
            (
                "plimsoll_alert_evidence_pictures",
                "Charts of messages that are kept.",
                MetricKind::Gauge,
                get(&self.evidence_pictures),
            ),
            (
                "plimsoll_alert_evidence_picture_bytes",
                "Bytes of charts of messages that are kept.",
                MetricKind::Gauge,
                get(&self.evidence_bytes),
            ),
            (
                "plimsoll_alert_episodes_open",
                "Episodes of alerts that are pending or firing.",
                MetricKind::Gauge,
                get(&self.episodes_open),
            ),
            (
                "plimsoll_alert_episodes_kept",
                "Episodes that are over and kept.",
                MetricKind::Gauge,
                get(&self.episodes_kept),
            ),
            (
                "plimsoll_alert_episodes_forgotten_total",
                "Episodes that are not kept any more because newer ones are.",
                counter,
                get(&self.episodes_forgotten),
            ),
            (
                "plimsoll_alert_episodes_missed_total",
                "Episodes that were not kept because too many were open.",
                counter,
                get(&self.episodes_missed),
            ),
            (
                "plimsoll_alert_incidents_open",
                "Incidents that are open.",
                MetricKind::Gauge,
                get(&self.incidents_open),
            ),
        ]
    }
}

pub(crate) fn count(a: &AtomicU64, n: u64) {
    a.fetch_add(n, Ordering::Relaxed);
}
