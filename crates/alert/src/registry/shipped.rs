//! Thresholds that we ship, used where nobody set others.
//!
//! Most metrics mean something only as a share of something else, so an entry says what is compared. Shares of
//! resources have the marks of the load line. The numbers are our choice: where a host that is well never is, and one
//! that is in trouble soon will be. They draw lines; they make no rules (the default rules do).

use std::collections::BTreeMap;

use super::{Direction, Settings};

/// Metric, expression, unit, warning, critical, side, what is compared.
type Row =
    (&'static str, &'static str, &'static str, Option<f64>, Option<f64>, Direction, &'static str);

use Direction::{Above, Below};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("node_cpu_seconds_total",
     r#"1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[5m]))"#,
     "ratio", Some(0.85), Some(0.95), Above, "Share of time in which CPUs were busy."),
    ("node_load1",
     r#"node_load1 / on (instance, job) count by (instance, job) (node_cpu_seconds_total{mode="idle"})"#,
     "", Some(1.5), Some(3.0), Above, "Load of the last minute for each CPU."),
    ("node_load5",
     r#"node_load5 / on (instance, job) count by (instance, job) (node_cpu_seconds_total{mode="idle"})"#,
     "", Some(1.5), Some(3.0), Above, "Load of the last five minutes for each CPU."),
    ("node_memory_MemAvailable_bytes",
     "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
     "ratio", Some(0.8), Some(0.9), Above, "Share of memory in use."),
    ("node_memory_SwapFree_bytes",
     "1 - node_memory_SwapFree_bytes / (node_memory_SwapTotal_bytes > 0)",
     "ratio", Some(0.8), Some(0.9), Above, "Share of swap in use."),
    ("node_filesystem_avail_bytes",
     r#"1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} / (node_filesystem_size_bytes > 0)"#,
     "ratio", Some(0.8), Some(0.9), Above, "Share of a file system in use."),
    ("node_filesystem_files_free",
     r#"1 - node_filesystem_files_free{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} / (node_filesystem_files > 0)"#,
     "ratio", Some(0.8), Some(0.9), Above, "Share of a file system's inodes in use."),
    ("node_filefd_allocated",
     "node_filefd_allocated / node_filefd_maximum",
     "ratio", Some(0.8), Some(0.9), Above, "Share of file descriptors in use."),
    ("node_pressure_cpu_waiting_seconds_total",
     "rate(node_pressure_cpu_waiting_seconds_total[5m])",
     "ratio", Some(0.2), Some(0.5), Above, "Share of time in which something waited for a CPU."),
    ("node_pressure_memory_waiting_seconds_total",
     "rate(node_pressure_memory_waiting_seconds_total[5m])",
     "ratio", Some(0.1), Some(0.3), Above, "Share of time in which something waited for memory."),
    ("node_pressure_io_waiting_seconds_total",
     "rate(node_pressure_io_waiting_seconds_total[5m])",
     "ratio", Some(0.2), Some(0.5), Above, "Share of time in which something waited for a disk."),
    ("plimsoll_cgroup_memory_current_bytes",
     "plimsoll_cgroup_memory_current_bytes / (plimsoll_cgroup_memory_limit_bytes > 0)",
     "ratio", Some(0.8), Some(0.9), Above, "Share of a cgroup's memory in use."),
    ("probe_ssl_earliest_cert_expiry",
     "probe_ssl_earliest_cert_expiry - time()",
     "seconds", Some(1_209_600.0), Some(259_200.0), Below, "Time until a certificate expires."),
    ("up",
     "up", "", None, Some(1.0), Below, "Whether a target could be read."),
    ("scrape_duration_seconds",
     "scrape_duration_seconds",
     "seconds", Some(5.0), Some(9.0), Above, "How long reading a target took."),
    ("plimsoll_store_limit_used",
     "plimsoll_store_limit_used / (plimsoll_store_limit > 0)",
     "ratio", Some(0.8), Some(0.95), Above, "Share of a limit of the store in use."),
    ("plimsoll_store_queue_full_total",
     "rate(plimsoll_store_queue_full_total[5m])",
     "", None, Some(0.0), Above, "Writes a second that found the store's queue full."),
    ("plimsoll_store_refusing_writes",
     "plimsoll_store_refusing_writes",
     "", None, Some(0.0), Above, "Whether the store cannot write, for want of disk or by an error."),
    ("plimsoll_alert_outbox_messages",
     "plimsoll_alert_outbox_messages",
     "", Some(100.0), Some(5_000.0), Above, "Messages that wait to be delivered; 10,000 have room."),
    ("plimsoll_alert_unsaved_changes",
     "plimsoll_alert_unsaved_changes",
     "", Some(0.0), None, Above, "Changes of alerts that wait to be recorded."),
];

/// All of them, by metric.
pub fn shipped() -> BTreeMap<String, Settings> {
    let settings = |(metric, expr, unit, warning, critical, direction, help): &Row| {
        let settings = Settings {
            unit: Some((*unit).to_owned()),
            help: Some((*help).to_owned()),
            expr: Some((*expr).to_owned()),
            warning: *warning,
            critical: *critical,
            direction: Some(*direction),
            ..Settings::default()
        };
        ((*metric).to_owned(), settings)
    };
    ROWS.iter().map(settings).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::{Features, parse};

    #[test]
    fn what_we_ship_can_be_evaluated_and_speaks_of_its_metric() {
        let features = Features::default();
        let all = shipped();
        assert_eq!(all.len(), ROWS.len(), "none occurs twice");
        for (metric, settings) in &all {
            assert_eq!(settings.problems(&features), [], "{metric}");
            let expr = parse(settings.expr.as_ref().unwrap(), &features).unwrap();
            let names = expr.selectors().into_iter().map(|s| s.name.as_ref());
            assert_eq!(names.filter(|n| *n == Some(metric)).count(), 1, "{metric}");
        }
    }
}
