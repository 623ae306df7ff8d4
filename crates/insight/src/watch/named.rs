//! Named expressions over the metrics of a host: the readable ones. They are always watched first.
//!
//! `$w` stands for the window of rates. Each series that an expression gives is watched by itself and
//! known by the expression's name and its labels. No expression reads a result of analysis. A metric
//! that an expression shows as it is, or as its rate, is not watched a second time by its own name
//! ([`shows`]).

use plimsoll_model::{SECOND_MS, format_duration_ms};
use plimsoll_query::{Engine, Query};

/// Names and expressions, the most telling first: they win when not all can be watched.
const TABLE: &[(&str, &str)] = &[
    ("cpu_busy", r#"1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[$w]))"#),
    ("load1", "node_load1"),
    ("memory_used", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),
    ("swap_used", "1 - node_memory_SwapFree_bytes / (node_memory_SwapTotal_bytes > 0)"),
    ("pressure_cpu", "rate(node_pressure_cpu_waiting_seconds_total[$w])"),
    ("pressure_io", "rate(node_pressure_io_waiting_seconds_total[$w])"),
    ("pressure_memory", "rate(node_pressure_memory_waiting_seconds_total[$w])"),
    ("context_switches", "rate(node_context_switches_total[$w])"),
    ("tcp_retransmits", "rate(node_netstat_Tcp_RetransSegs[$w])"),
    ("processes_running", "node_procs_running"),
    (
        "disk_used",
        r#"1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"}
            / (node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} > 0)"#,
    ),
    ("disk_busy", r#"rate(node_disk_io_time_seconds_total{device!~"loop.*|ram.*|dm-.*"}[$w])"#),
    (
        "network_in",
        r#"rate(node_network_receive_bytes_total{device!~"lo|veth.*|docker.*|br-.*"}[$w])"#,
    ),
    (
        "network_out",
        r#"rate(node_network_transmit_bytes_total{device!~"lo|veth.*|docker.*|br-.*"}[$w])"#,
    ),
];

/// Metrics that an expression shows as they are or as their rates.
const SHOWN: [&str; 11] = [
    "node_load1",
    "node_memory_MemAvailable_bytes",
    "node_pressure_cpu_waiting_seconds_total",
    "node_pressure_io_waiting_seconds_total",
    "node_pressure_memory_waiting_seconds_total",
    "node_context_switches_total",
    "node_netstat_Tcp_RetransSegs",
    "node_procs_running",
    "node_disk_io_time_seconds_total",
    "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
];

/// An expression ready to be evaluated.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) query: Query,
}

/// The table for a step: rates look back two steps, at least 20 s and at most five minutes.
pub(crate) fn table(engine: &Engine, step_ms: i64) -> Vec<Named> {
    let window = format_duration_ms((2 * step_ms).clamp(20 * SECOND_MS, 300 * SECOND_MS));
    let ready =
        |&(name, text): &(&'static str, &str)| match engine.parse(&text.replace("$w", &window)) {
            Ok(query) => Some(Named { name, query: engine.keep(&query) }),
            Err(e) => {
                tracing::error!(error = %e, name, "a watched expression cannot be read");
                None
            }
        };
    TABLE.iter().filter_map(ready).collect()
}

/// The name as the table has it.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    TABLE.iter().map(|(n, _)| *n).find(|n| *n == name)
}

/// Whether an expression of the table stands for a metric.
pub(crate) fn shows(metric: &str) -> bool {
    SHOWN.contains(&metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::EngineConfig;
    use plimsoll_world::Workers;
    use std::sync::Arc;

    #[test]
    fn every_expression_is_read_and_none_watches_results() {
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        assert_eq!(table(&engine, 30_000).len(), TABLE.len());
        assert!(TABLE.iter().all(|(_, text)| !text.contains("plimsoll_")));
        assert!(SHOWN.iter().all(|m| TABLE.iter().any(|(_, text)| text.contains(m))));
        assert_eq!((known("load1"), known("load2")), (Some("load1"), None));
    }
}
