//! Rules for the host that Plimsoll runs on, evaluated unless `alert.default_rules` is false.

use plimsoll_model::written::Problem;
use plimsoll_query::Features;

use crate::rules::{Group, read_rules};

/// The name under which the default rules appear as a file.
pub const DEFAULT_RULES_FILE: &str = "(default rules)";

/// In the language of rule files, so that people can read and copy them. `fstype` leaves out file
/// systems that are always full or live in memory.
const TEXT: &str = r#"
groups:
  - name: host
    rules:
      - alert: HostDiskFull
        expr: >-
          1 - node_filesystem_avail_bytes{job="host",fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"}
          / node_filesystem_size_bytes{job="host",fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"} > 0.9
        for: 1m
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.mountpoint }} on {{ $labels.instance }} is {{ $value | humanizePercentage }} full"
          description: "Free some space or grow the file system {{ $labels.device }}."
      - alert: HostDiskFilling
        expr: >-
          plimsoll_time_to_limit_seconds{resource="disk",quantile="0.5"} < 86400
        for: 30s
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.mountpoint }} on {{ $labels.instance }} will be full in {{ $value | humanizeDuration }}"
          description: "At the rate of the last minutes {{ $labels.device }} fills up within a day."
      - alert: HostMemoryPressure
        expr: >-
          1 - node_memory_MemAvailable_bytes{job="host"} / node_memory_MemTotal_bytes{job="host"} > 0.9
        for: 2m
        labels: {severity: warning}
        annotations:
          summary: "memory of {{ $labels.instance }} is {{ $value | humanizePercentage }} used"
          description: "When it runs out the kernel kills processes."
      - alert: HostCpuSaturated
        expr: >-
          1 - avg by (instance, job) (rate(node_cpu_seconds_total{job="host",mode="idle"}[1m])) > 0.95
        for: 5m
        labels: {severity: warning}
        annotations:
          summary: "CPUs of {{ $labels.instance }} are {{ $value | humanizePercentage }} busy"
          description: "For five minutes hardly any CPU time was idle."
      - alert: TargetDown
        expr: up == 0
        for: 1m
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.instance }} of {{ $labels.job }} cannot be read"
          description: "Nothing has been collected from it for a minute."
"#;

/// The default rules.
///
/// # Errors
/// Never for the rules as shipped; a test reads them.
pub fn default_rules(interval_ms: i64) -> Result<Vec<Group>, Vec<Problem>> {
    read_rules(DEFAULT_RULES_FILE, TEXT, interval_ms, &Features::default())
}

/// The text of a file of default rules, by the name under which it appears.
pub fn default_rules_text(file: &str) -> Option<&'static str> {
    (file == DEFAULT_RULES_FILE).then_some(TEXT)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_default_rules_are_rules() {
        let groups = super::default_rules(5_000).unwrap();
        assert_eq!(groups[0].rules.len(), 5);
        assert!(groups[0].rules.iter().all(super::super::rules::Rule::is_alert));
    }
}
