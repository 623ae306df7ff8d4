//! What kind of thing a series tells of, from its name and labels: a change on purpose, a symptom, or what
//! may cause one.
//!
//! Exporters name things alike. That a latency or an error rate rose says that something suffers, wherever it
//! is; a disk, a process, a pool, a cache, a clock or a version says why. A load average and a number of
//! waiting threads follow from something else that is told too.

use plimsoll_model::LabelsRef;

/// What a series tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// That something was changed: a version, a start.
    Change,
    /// That something suffers: latency, errors.
    Symptom,
    /// A measure of how crowded it is.
    Crowd,
    /// Anything else: what may be a cause.
    Plain,
}

const SYMPTOMS: [&str; 18] = [
    "latency",
    "duration",
    "response_time",
    "call_seconds",
    "query_seconds",
    "error",
    "fail",
    "retries",
    "timeout",
    "exception",
    "rollback",
    "rejected",
    "pending",
    "queue_depth",
    "sessions",
    "locks_waiting",
    "lag_seconds",
    "unavailable",
];
const CROWDS: [&str; 12] = [
    "node_load",
    "procs_",
    "pressure",
    "context_switches",
    "intr_total",
    "_temp",
    "threads",
    "goroutines",
    "connections",
    "CurrEstab",
    "client_calls",
    "gc_",
];

/// What a series of these labels tells of.
pub(crate) fn nature(labels: LabelsRef<'_>) -> Nature {
    let name = labels.metric();
    let has = |all: &[&str]| all.iter().any(|part| name.contains(part));
    let is_bad = |n: &str, bad: &[&str]| {
        labels
            .get(n)
            .is_some_and(|v| bad.iter().any(|b| v.eq_ignore_ascii_case(b) || v.starts_with(b)))
    };
    if is_change(name) {
        Nature::Change
    } else if has(&SYMPTOMS)
        || is_bad("code", &["5"])
        || is_bad("status", &["5", "error", "fail"])
        || is_bad("level", &["error", "fatal", "warn"])
    {
        Nature::Symptom
    } else if has(&CROWDS) {
        Nature::Crowd
    } else {
        Nature::Plain
    }
}

/// Whether a metric tells of versions or starts.
pub(crate) fn is_change(name: &str) -> bool {
    name.ends_with("_info") || name.contains("start_time_seconds") || name.contains("boot_time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;

    #[test]
    fn names_and_labels_say_what_a_series_tells_of() {
        let of = |name: &str, label: (&str, &str)| {
            nature(Labels::new([("__name__", name), label]).unwrap().as_ref())
        };
        let none = ("a", "b");
        assert_eq!(of("app_build_info", none), Nature::Change);
        assert_eq!(of("process_start_time_seconds", none), Nature::Change);
        assert_eq!(of("http_request_duration_seconds_sum", none), Nature::Symptom);
        assert_eq!(of("http_requests_total", ("code", "503")), Nature::Symptom);
        assert_eq!(of("http_requests_total", ("code", "200")), Nature::Plain);
        assert_eq!(of("node_load1", none), Nature::Crowd);
        assert_eq!(of("node_disk_io_time_seconds_total", none), Nature::Plain);
    }
}
