//! Own metrics of the parts, brought into one registry.

use std::sync::Arc;

use plimsoll_alert::history::TallyRow;
use plimsoll_collect::own::Expose;
use plimsoll_model::MetricKind::{Counter, Gauge, Histogram, Summary};
use plimsoll_wire::text::TextWriter;

use super::Handles;

struct BuildInfo;
struct StoreMetrics(Arc<Handles>);
struct RowsOf(Arc<Handles>);
struct ResultMetrics(Arc<Handles>);
struct DoorMetrics(Arc<plimsoll_serve::Metrics>);

/// Registers all parts.
pub fn register(handles: &Arc<Handles>, door: &Arc<plimsoll_serve::Metrics>) {
    let registry = &handles.registry;
    registry.register(Arc::new(BuildInfo));
    registry.register(Arc::new(StoreMetrics(Arc::clone(handles))));
    registry.register(Arc::new(RowsOf(Arc::clone(handles))));
    registry.register(Arc::new(super::dashboards::Counted(Arc::clone(&handles.dashboards))));
    registry.register(Arc::new(ResultMetrics(Arc::clone(handles))));
    registry.register(Arc::new(super::findings::FindingsMetrics(Arc::clone(&handles.findings))));
    registry.register(Arc::new(DoorMetrics(Arc::clone(door))));
}

impl Expose for BuildInfo {
    fn expose(&self, out: &mut TextWriter) {
        let name = "plimsoll_build_info";
        out.family(name, Gauge, "The program that runs; always 1.");
        out.sample(name, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    }
}

impl Expose for DoorMetrics {
    fn expose(&self, out: &mut TextWriter) {
        self.0.expose(out);
    }
}

impl Expose for ResultMetrics {
    fn expose(&self, out: &mut TextWriter) {
        let s = self.0.results.stats();
        let name = "plimsoll_query_results_total";
        out.family(
            name,
            Counter,
            "Range queries: a part kept from before (hit), nothing of use kept (miss), the answer of an \
             equal query that ran already (shared), not of the kind that is kept (passed).",
        );
        let rows =
            [("hit", s.hits), ("miss", s.misses), ("shared", s.shared), ("passed", s.passed)];
        for (how, n) in rows {
            out.sample(name, &[("how", how)], n as f64);
        }
        let bytes = "Bytes of kept answers; query.result_cache bounds them.";
        out.single("plimsoll_query_result_cache_bytes", Gauge, bytes, s.bytes as f64);
        let kept = self.0.engine.kept_stats();
        let name = "plimsoll_query_kept_selections_total";
        out.family(
            name,
            Counter,
            "Selections of queries that are asked again and again: given to the store again (again), \
             kept anew (renewed), too large to be kept (refused).",
        );
        let rows = [("again", kept.again), ("renewed", kept.renewed), ("refused", kept.refused)];
        for (how, n) in rows {
            out.sample(name, &[("how", how)], n as f64);
        }
        let held = "Bytes of kept selections; at most 64 MiB.";
        out.single("plimsoll_query_kept_selections_bytes", Gauge, held, kept.bytes as f64);
        let held = "Selectors whose selection is kept.";
        out.single("plimsoll_query_kept_selections", Gauge, held, kept.selections as f64);
        let entries = "Answers kept.";
        out.single("plimsoll_query_result_cache_entries", Gauge, entries, s.entries as f64);
    }
}

impl Expose for RowsOf {
    fn expose(&self, out: &mut TextWriter) {
        let alert = self.0.alerting.metrics().rows();
        let insight = self.0.insight.metrics().rows();
        let asked = self.0.investigator.rows();
        for (name, help, kind, value) in alert.into_iter().chain(insight).chain(asked) {
            out.single(name, kind, help, value);
        }
        episodes(&self.0.alerting.metrics().episodes(), out);
        let files = self.0.config.read().kept_rules.texts.len();
        let help = "Rule files that the API keeps and that are in force; at most 1,000.";
        out.single("plimsoll_alert_rule_files", Gauge, help, files as f64);
        let help = "Metrics that the API says something of; at most 1,000.";
        let entries = self.0.metrics.len();
        out.single("plimsoll_alert_registry_entries", Gauge, help, entries as f64);
        let open = self.0.alerting.breakers().view().iter().filter(|b| b.is_open).count();
        let help = "Channels that are left alone because they failed too often.";
        out.single("plimsoll_alert_breakers_open", Gauge, help, open as f64);
        let name = "plimsoll_alert_delivery_seconds";
        let (buckets, all, sum) = self.0.alerting.metrics().latency.read();
        out.family(name, Histogram, "Time from the decision to the receiver's yes.");
        for (le, n) in buckets {
            let le = le.to_string();
            out.sample(&format!("{name}_bucket"), &[("le", &le)], n as f64);
        }
        out.sample(&format!("{name}_bucket"), &[("le", "+Inf")], all as f64);
        out.sample(&format!("{name}_sum"), &[], sum);
        out.sample(&format!("{name}_count"), &[], all as f64);
    }
}

/// What was counted of episodes of alerts, by rule.
fn episodes(rows: &[TallyRow], out: &mut TextWriter) {
    let name = "plimsoll_alert_episodes_total";
    out.family(name, Counter, "Episodes of alerts that began to fire, by rule.");
    for r in rows {
        out.sample(name, &[("group", &r.group), ("rule", &r.rule)], r.counts.episodes as f64);
    }
    let name = "plimsoll_alert_acknowledge_seconds";
    out.family(name, Summary, "Time from firing to an acknowledgement, by rule.");
    for r in rows {
        let labels: [(&str, &str); 2] = [("group", &r.group), ("rule", &r.rule)];
        out.sample(&format!("{name}_sum"), &labels, r.counts.acknowledge_ms as f64 / 1e3);
        out.sample(&format!("{name}_count"), &labels, r.counts.acknowledged as f64);
    }
    let name = "plimsoll_alert_resolve_seconds";
    out.family(name, Summary, "Time from firing to the end of an alert, by rule.");
    for r in rows {
        let labels: [(&str, &str); 2] = [("group", &r.group), ("rule", &r.rule)];
        out.sample(&format!("{name}_sum"), &labels, r.counts.resolve_ms as f64 / 1e3);
        out.sample(&format!("{name}_count"), &labels, r.counts.resolved as f64);
    }
}

impl Expose for StoreMetrics {
    fn expose(&self, out: &mut TextWriter) {
        let s = self.0.store.stats();
        let rows = [
            ("plimsoll_store_series", "Active series.", Gauge, s.series as f64),
            ("plimsoll_store_head_samples", "Samples in memory.", Gauge, s.head_samples as f64),
            (
                "plimsoll_store_head_bytes",
                "Bytes of samples in memory.",
                Gauge,
                s.head_bytes as f64,
            ),
            ("plimsoll_store_parts", "Parts on disk.", Gauge, s.parts as f64),
            ("plimsoll_store_part_samples", "Samples in parts.", Gauge, s.part_samples as f64),
            ("plimsoll_store_part_bytes", "Bytes of parts.", Gauge, s.part_bytes as f64),
            ("plimsoll_store_wal_bytes", "Bytes of the log.", Gauge, s.wal_bytes as f64),
            ("plimsoll_store_wal_segments", "Segments of the log.", Gauge, s.wal_segments as f64),
            (
                "plimsoll_store_wal_unsynced_bytes",
                "Bytes of the log that a power cut would cost.",
                Gauge,
                s.wal_unsynced_bytes as f64,
            ),
            ("plimsoll_store_samples_total", "Samples kept.", Counter, s.stored as f64),
            (
                "plimsoll_store_duplicate_samples_total",
                "Samples left out because another value is at their time.",
                Counter,
                s.duplicate as f64,
            ),
            (
                "plimsoll_store_queue_full_total",
                "Batches turned away because too much waits to be written.",
                Counter,
                s.queue_full as f64,
            ),
            ("plimsoll_store_wal_syncs_total", "Syncs of the log.", Counter, s.syncs.0 as f64),
            (
                "plimsoll_store_wal_sync_seconds_total",
                "Time spent in syncing the log.",
                Counter,
                s.syncs.1,
            ),
            ("plimsoll_store_flushes_total", "Heads written to parts.", Counter, s.flushes as f64),
            (
                "plimsoll_store_merges_total",
                "Days and partitions of tiers merged.",
                Counter,
                s.merges as f64,
            ),
            ("plimsoll_store_rolled_days_total", "Days rolled up.", Counter, s.rolled as f64),
            ("plimsoll_store_tier_bytes", "Bytes of roll-up tiers.", Gauge, s.tier_bytes as f64),
            ("plimsoll_store_deletions_total", "Deletions.", Counter, s.deletions as f64),
            (
                "plimsoll_store_prepared_hits_total",
                "Selections asked for again that had not changed.",
                Counter,
                s.prepared.0 as f64,
            ),
            (
                "plimsoll_store_prepared_misses_total",
                "Selections to be kept that were made anew.",
                Counter,
                s.prepared.1 as f64,
            ),
            (
                "plimsoll_store_parts_salvaged_total",
                "Damaged parts of which what is readable was saved.",
                Counter,
                s.salvaged as f64,
            ),
            (
                "plimsoll_store_parts_expired_total",
                "Parts removed by age.",
                Counter,
                s.retired as f64,
            ),
            (
                "plimsoll_store_parts_quarantined_total",
                "Damaged parts set aside.",
                Counter,
                s.quarantined as f64,
            ),
            (
                "plimsoll_store_refusing_writes",
                "1 while nothing can be written, for instance because the disk is full.",
                Gauge,
                f64::from(u8::from(s.refusing.is_some())),
            ),
            (
                "plimsoll_store_clock_in_doubt",
                "1 while the wall clock is not trusted: retention and day merges wait.",
                Gauge,
                f64::from(u8::from(s.clock_doubted)),
            ),
            ("plimsoll_store_cache_bytes", "Bytes of cached pages.", Gauge, s.cache.bytes as f64),
            ("plimsoll_store_cache_hits_total", "Pages found.", Counter, s.cache.hits as f64),
            ("plimsoll_store_cache_misses_total", "Pages read.", Counter, s.cache.misses as f64),
        ];
        for (name, help, kind, value) in rows {
            out.single(name, kind, help, value);
        }
        let name = "plimsoll_store_written_bytes_total";
        out.family(name, Counter, "Bytes written to files, by stage.");
        for (stage, n) in &s.written {
            out.sample(name, &[("stage", stage)], *n as f64);
        }
        let name = "plimsoll_store_limit";
        out.family(name, Gauge, "Limits of series; 0 = none.");
        for l in &s.limits {
            out.sample(name, &[("limit", l.limit)], l.max as f64);
        }
        let name = "plimsoll_store_limit_used";
        out.family(name, Gauge, "How much of each limit is used, where most.");
        for l in &s.limits {
            out.sample(name, &[("limit", l.limit)], l.used as f64);
        }
        let name = "plimsoll_store_refused_samples_total";
        out.family(name, Counter, "Samples refused, by reason.");
        for (reason, n) in &s.refused {
            out.sample(name, &[("reason", reason)], *n as f64);
        }
    }
}
