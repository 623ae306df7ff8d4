//! Which series are fit to be watched, and how: decided by the metric's name and its type where that is
//! known.
//!
//! Never watched: what analysis and rules write themselves, buckets of histograms one by one, texts that
//! are numbers by accident (`_info`, times of starts). Counters are watched as rates.

use plimsoll_model::MetricKind;

/// What analysis and rules write: watching it would be watching oneself.
const RESULTS: [&str; 5] = [
    "plimsoll_trend_per_hour",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "SHADOW_ALERTS",
    "SHADOW_ALERTS_FOR_STATE",
];
/// Beginnings of names of results.
const RESULT_PREFIXES: [&str; 10] = [
    "plimsoll_anomaly_",
    "plimsoll_time_to_limit",
    "plimsoll_forecast_",
    "plimsoll_capacity_",
    "plimsoll_risk_",
    "plimsoll_insight_",
    "plimsoll_assessment_",
    "plimsoll_analysis_",
    "plimsoll_kpi_",
    "plimsoll_job_",
];
/// Ends of names whose values are no measure of anything that goes on.
const IDLE_ENDS: [&str; 6] = [
    "_info",
    "_created",
    "_timestamp_seconds",
    "_start_time_seconds",
    "_boot_time_seconds",
    "_build_date",
];
/// A clock; it rises by itself.
const CLOCK: &str = "node_time_seconds";
/// Ends of names of counters.
const COUNTER_ENDS: [&str; 3] = ["_total", "_count", "_sum"];

/// How a series is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The mean of its samples in a step.
    Gauge,
    /// Its rate per second in a step.
    Counter,
}

/// How to watch a metric of which the type is known or not; `None` = not at all.
pub(crate) fn kind_of(metric: &str, told: MetricKind) -> Option<Kind> {
    if !is_fit(metric) || matches!(told, MetricKind::Info | MetricKind::StateSet) {
        return None;
    }
    let by_name = || if counts(metric) { Kind::Counter } else { Kind::Gauge };
    Some(match told {
        MetricKind::Counter => Kind::Counter,
        MetricKind::Gauge | MetricKind::GaugeHistogram => Kind::Gauge,
        _ => by_name(),
    })
}

/// The names under which metadata may know a metric: its own, then its family's.
pub(crate) fn families(metric: &str) -> impl Iterator<Item = &str> {
    let family = COUNTER_ENDS.iter().find_map(|end| metric.strip_suffix(end));
    std::iter::once(metric).chain(family)
}

fn is_fit(metric: &str) -> bool {
    !metric.is_empty()
        && !RESULTS.contains(&metric)
        && !RESULT_PREFIXES.iter().any(|p| metric.starts_with(p))
        && !IDLE_ENDS.iter().any(|end| metric.ends_with(end))
        && !metric.ends_with("_bucket")
        && metric != CLOCK
}

/// Whether a name is that of a counter. The kernel's own tables have no types and no suffixes.
fn counts(metric: &str) -> bool {
    if let Some(field) = metric.strip_prefix("node_vmstat_") {
        return !field.starts_with("nr_");
    }
    if let Some(field) = metric.strip_prefix("node_netstat_") {
        return !field.ends_with("_CurrEstab");
    }
    COUNTER_ENDS.iter().any(|end| metric.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(metric: &str, told: MetricKind, expected: Option<Kind>) {
        assert_eq!(kind_of(metric, told), expected, "{metric}");
    }

    #[test]
    fn the_type_decides_and_else_the_name() {
        check("node_load5", MetricKind::Unknown, Some(Kind::Gauge));
        check("requests", MetricKind::Counter, Some(Kind::Counter));
        check("sessions_count", MetricKind::Gauge, Some(Kind::Gauge));
        check("http_requests_total", MetricKind::Unknown, Some(Kind::Counter));
        check("request_seconds_sum", MetricKind::Histogram, Some(Kind::Counter));
        check("node_vmstat_pgfault", MetricKind::Unknown, Some(Kind::Counter));
        check("node_vmstat_nr_dirty", MetricKind::Unknown, Some(Kind::Gauge));
    }

    #[test]
    fn results_buckets_and_texts_are_not_watched() {
        check("plimsoll_anomaly_score", MetricKind::Gauge, None);
        check("ALERTS", MetricKind::Unknown, None);
        check("request_seconds_bucket", MetricKind::Histogram, None);
        check("node_uname_info", MetricKind::Gauge, None);
        check("node_boot_time_seconds", MetricKind::Gauge, None);
        check("go_info", MetricKind::Info, None);
        check("", MetricKind::Gauge, None);
    }

    #[test]
    fn metadata_may_know_the_family() {
        let names: Vec<&str> = families("request_seconds_sum").collect();
        assert_eq!(names, ["request_seconds_sum", "request_seconds"]);
        assert_eq!(families("load1").count(), 1);
    }
}
