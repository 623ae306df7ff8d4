//! Pools by their names: two metrics that differ in one word, of which one says *max*, *limit* or *capacity*.
//!
//! `hikaricp_connections_max` with `hikaricp_connections_active`, `jvm_memory_max_bytes` with `jvm_memory_used_bytes`,
//! `go_sql_max_open_connections` with `go_sql_open_connections`. Not: times, temperatures and frequencies, whose greatest
//! value is no limit; parts of histograms; counters.
//!
//! Limits: [`PAIRS_MAX`] pairs, first by name.

use std::collections::BTreeSet;

/// Pairs at most.
pub(super) const PAIRS_MAX: usize = 32;
/// Words that say how much there is.
const LIMITS: &[&str] = &["max", "maximum", "limit", "capacity", "hard"];
/// Words that say how much is in use, in order of preference.
const USES: &[&str] =
    &["in_use", "used", "active", "busy", "open", "current", "usage", "size", "length", "entries"];
/// Words of what has no limit by its greatest value.
const NEVER: &[&str] = &[
    "seconds",
    "milliseconds",
    "duration",
    "latency",
    "time",
    "timestamp",
    "age",
    "celsius",
    "hertz",
    "volts",
    "amps",
    "watts",
    "rpm",
    "total",
    "bucket",
    "sum",
    "count",
    "ratio",
    "percent",
    "min",
    "avg",
    "plimsoll",
];

/// Limit and use, by name.
pub(super) type Pair = (String, String);

/// The pairs among these names but for those that are known.
pub(super) fn pairs(names: &BTreeSet<String>, known: &dyn Fn(&str) -> bool) -> Vec<Pair> {
    let mut found = Vec::new();
    for name in names.iter().filter(|name| !known(name)) {
        if found.len() == PAIRS_MAX {
            break;
        }
        if let Some(used) = partner(name, names) {
            found.push((name.clone(), used));
        }
    }
    found
}

fn partner(name: &str, names: &BTreeSet<String>) -> Option<String> {
    let words: Vec<&str> = name.split('_').collect();
    if words.iter().any(|word| NEVER.contains(word)) {
        return None;
    }
    let at = words.iter().position(|word| LIMITS.contains(word))?;
    let with = |word: Option<&str>| {
        let rest = words[at + 1..].iter().copied();
        let all: Vec<&str> = words[..at].iter().copied().chain(word).chain(rest).collect();
        all.join("_")
    };
    USES.iter()
        .map(|word| Some(*word))
        .chain([None])
        .map(with)
        .find(|other| !other.is_empty() && names.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_known_by_their_names() {
        let names: BTreeSet<String> = [
            "hikaricp_connections_max",
            "hikaricp_connections_active",
            "hikaricp_connections",
            "jvm_memory_max_bytes",
            "jvm_memory_used_bytes",
            "go_sql_max_open_connections",
            "go_sql_open_connections",
            "queue_capacity",
            "queue_size",
            "http_request_seconds_max",
            "http_request_seconds",
            "node_hwmon_temp_max_celsius",
            "node_hwmon_temp_celsius",
            "node_cpu_frequency_max_hertz",
            "node_cpu_frequency_hertz",
            "lonely_max",
            "max",
            "",
        ]
        .map(str::to_owned)
        .into();
        let found = pairs(&names, &|name| name.starts_with("jvm"));
        let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (&a[..], &b[..])).collect();
        assert_eq!(
            found,
            [
                ("go_sql_max_open_connections", "go_sql_open_connections"),
                ("hikaricp_connections_max", "hikaricp_connections_active"),
                ("queue_capacity", "queue_size"),
            ]
        );
    }

    #[test]
    fn pairs_are_bounded() {
        let names: BTreeSet<String> =
            (0..100).flat_map(|i| [format!("p{i}_max"), format!("p{i}_used")]).collect();
        assert_eq!(pairs(&names, &|_| false).len(), PAIRS_MAX);
    }
}
