//! What the door counts.

use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::MetricKind;
use plimsoll_wire::text::TextWriter;

/// Classes of answers, by the first digit of their status.
const CLASSES: [&str; 6] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters; any thread may count.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: [AtomicU64; 6],
    request_us: AtomicU64,
    pub(crate) refused_connections: AtomicU64,
    pub(crate) queries: AtomicU64,
    pub(crate) queries_at_once: AtomicU64,
    pub(crate) query_us: AtomicU64,
    pub(crate) queries_refused: AtomicU64,
    pub(crate) written_samples: AtomicU64,
    pub(crate) refused_samples: AtomicU64,
    pub(crate) skipped_histograms: AtomicU64,
    pub(crate) skipped_exemplars: AtomicU64,
    pub(crate) live_connections: AtomicU64,
    pub(crate) live_frames: AtomicU64,
    pub(crate) live_frames_dropped: AtomicU64,
    pub(crate) reports: AtomicU64,
    pub(crate) reports_failed: AtomicU64,
    pub(crate) report_us: AtomicU64,
    pub(crate) reports_sent: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Metrics {
    pub(crate) fn answered(&self, status: u16, us: u64) {
        let class = usize::from(status / 100).min(CLASSES.len() - 1);
        count(&self.requests[class], 1);
        count(&self.request_us, us);
    }

    /// Writes all of them.
    pub fn expose(&self, out: &mut TextWriter) {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed) as f64;
        let name = "plimsoll_serve_requests_total";
        out.family(name, MetricKind::Counter, "Requests answered, by class of status.");
        for (class, counter) in CLASSES.iter().zip(&self.requests).skip(1) {
            out.sample(name, &[("class", class)], get(counter));
        }
        let rows: [(&str, &str, MetricKind, f64); 17] = [
            (
                "plimsoll_serve_reports_total",
                "Reports and pictures of panels that were made.",
                MetricKind::Counter,
                get(&self.reports),
            ),
            (
                "plimsoll_serve_reports_failed_total",
                "Reports that were not made or not sent.",
                MetricKind::Counter,
                get(&self.reports_failed),
            ),
            (
                "plimsoll_serve_report_seconds_total",
                "Time spent in making reports.",
                MetricKind::Counter,
                get(&self.report_us) / 1e6,
            ),
            (
                "plimsoll_serve_reports_sent_total",
                "Messages with a report that were put into the outbox.",
                MetricKind::Counter,
                get(&self.reports_sent),
            ),
            (
                "plimsoll_serve_request_seconds_total",
                "Time spent in answering requests.",
                MetricKind::Counter,
                get(&self.request_us) / 1e6,
            ),
            (
                "plimsoll_serve_refused_connections_total",
                "Connections turned away because there were too many.",
                MetricKind::Counter,
                get(&self.refused_connections),
            ),
            (
                "plimsoll_serve_queries_total",
                "Queries evaluated.",
                MetricKind::Counter,
                get(&self.queries),
            ),
            (
                "plimsoll_serve_queries_at_once_total",
                "Queries evaluated without being handed to another thread.",
                MetricKind::Counter,
                get(&self.queries_at_once),
            ),
            (
                "plimsoll_serve_query_seconds_total",
                "Time spent in evaluating queries.",
                MetricKind::Counter,
                get(&self.query_us) / 1e6,
            ),
            (
                "plimsoll_serve_queries_refused_total",
                "Queries turned away because too many waited.",
                MetricKind::Counter,
                get(&self.queries_refused),
            ),
            (
                "plimsoll_serve_written_samples_total",
                "Samples taken through remote write.",
                MetricKind::Counter,
                get(&self.written_samples),
            ),
            (
                "plimsoll_serve_refused_samples_total",
                "Samples of remote writes that were not kept.",
                MetricKind::Counter,
                get(&self.refused_samples),
            ),
            (
                "plimsoll_serve_skipped_histograms_total",
                "Native histograms of remote writes that were left out.",
                MetricKind::Counter,
                get(&self.skipped_histograms),
            ),
            (
                "plimsoll_serve_skipped_exemplars_total",
                "Exemplars of remote writes that were left out.",
                MetricKind::Counter,
                get(&self.skipped_exemplars),
            ),
            (
                "plimsoll_serve_live_connections",
                "Open live connections.",
                MetricKind::Gauge,
                get(&self.live_connections),
            ),
            (
                "plimsoll_serve_live_frames_total",
                "Frames sent over live connections.",
                MetricKind::Counter,
                get(&self.live_frames),
            ),
            (
                "plimsoll_serve_live_frames_dropped_total",
                "Frames left out because a client read too slowly.",
                MetricKind::Counter,
                get(&self.live_frames_dropped),
            ),
        ];
        for (name, help, kind, value) in rows {
            out.single(name, kind, help, value);
        }
    }
}
