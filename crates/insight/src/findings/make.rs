//! Who makes insights: from what analysis sees, and from a few questions to the store.
//!
//! A maker gives drafts. A draft carries the queries of all its numbers; where a query gives no number
//! there is no insight. Limits: [`EACH_MAX`] drafts of a maker and look.

mod group;
mod level;
mod noisy;
mod resource;
mod series;
mod stopped;

use std::collections::BTreeMap;

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp, format_duration_ms};

use super::insight::Draft;
use super::probe::{Probe, braces};
use crate::capacity::Resource;
use crate::groups::AnomalyGroup;
use crate::scores::Anomaly;
use crate::stopped::Stopped;
use crate::trends::SeriesTrend;

pub(crate) use resource::use_of;

/// Drafts that one maker gives at a look.
pub(crate) const EACH_MAX: usize = 20;

/// What analysis sees at a look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) anomalies: Vec<Anomaly>,
    /// Hosts and services of which something is unusual, those worth a page first.
    pub(crate) groups: Vec<AnomalyGroup>,
    /// Series without samples whose target is up, the newest first.
    pub(crate) stopped: Vec<Stopped>,
    pub(crate) trends: Vec<SeriesTrend>,
    pub(crate) resources: Vec<Resource>,
    /// Series that were unusual within the last hours.
    pub(crate) lately: Vec<(String, Vec<(String, String)>)>,
    /// Expressions of watched series, by name.
    pub(crate) expressions: BTreeMap<String, String>,
}

/// One maker and how often it looks.
pub(crate) struct Maker {
    pub(crate) every_ms: i64,
    pub(crate) make: fn(&Seen, &Probe<'_>, Timestamp) -> Vec<Draft>,
}

/// All makers. What asks for days of history looks seldom.
pub(crate) const MAKERS: &[Maker] = &[
    Maker { every_ms: 0, make: series::anomalies },
    Maker { every_ms: 0, make: resource::capacity },
    Maker { every_ms: MINUTE_MS, make: stopped::stopped },
    Maker { every_ms: 5 * MINUTE_MS, make: series::trends },
    Maker { every_ms: 5 * MINUTE_MS, make: level::changes },
    Maker { every_ms: 5 * MINUTE_MS, make: level::correlations },
    Maker { every_ms: 5 * MINUTE_MS, make: resource::risks },
    Maker { every_ms: 5 * MINUTE_MS, make: resource::budgets },
    Maker { every_ms: HOUR_MS, make: noisy::noisy },
    Maker { every_ms: 6 * HOUR_MS, make: level::seasons },
    Maker { every_ms: DAY_MS, make: resource::waste },
];

impl Seen {
    /// The query that gives one watched series.
    pub(crate) fn query_of(
        &self,
        probe: &Probe<'_>,
        series: &str,
        labels: &[(String, String)],
    ) -> String {
        match self.expressions.get(series) {
            Some(text) => probe.narrowed(text, labels),
            None => {
                let all = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                let selector = braces([("__name__", series)].into_iter().chain(all));
                // Of a counter the rate is watched, of all else the mean of a step.
                let is_counter = ["_total", "_count", "_sum", "_bucket"];
                if is_counter.iter().any(|end| series.ends_with(end)) {
                    format!("rate({selector}[2m])")
                } else {
                    format!("avg_over_time({selector}[1m])")
                }
            }
        }
    }
}

/// What a series is called: `cpu_busy of h`, with the labels that tell it from others.
pub(crate) fn called(series: &str, labels: &[(String, String)]) -> String {
    let of = |name: &str| labels.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let rest: Vec<&str> = labels
        .iter()
        .filter(|(n, _)| !matches!(n.as_str(), "instance" | "job" | "__name__" | "fstype"))
        .map(|(_, v)| v.as_str())
        .take(3)
        .collect();
    let mut text = series.to_owned();
    if !rest.is_empty() {
        text = format!("{text} {}", rest.join(" "));
    }
    match of("instance").or_else(|| of("job")) {
        Some(whose) => format!("{text} of {whose}"),
        None => text,
    }
}

/// A subject: what and whose, as one text.
pub(crate) fn subject(what: &str, labels: &[(String, String)]) -> String {
    format!("{what}{}", super::probe::braces_of(labels))
}

/// The unit of a watched series, as far as its name tells.
pub(crate) fn unit_of(series: &str) -> &'static str {
    const SHARES: [&str; 8] = [
        "cpu_busy",
        "memory_used",
        "swap_used",
        "disk_used",
        "disk_busy",
        "pressure_cpu",
        "pressure_io",
        "pressure_memory",
    ];
    if SHARES.contains(&series) || series.ends_with("_ratio") {
        "ratio"
    } else if matches!(series, "network_in" | "network_out") {
        "bytes/s"
    } else if series.contains("_bytes") {
        "bytes"
    } else if series.contains("_seconds") {
        "seconds"
    } else {
        ""
    }
}

/// A value for people.
pub(crate) fn shown(value: f64, unit: &str) -> String {
    match unit {
        "ratio" => format!("{:.1} %", value * 100.0),
        "bytes" | "bytes/s" => {
            let per = if unit == "bytes/s" { "/s" } else { "" };
            let (mut rest, mut at) = (value, 0);
            const NAMES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
            while rest.abs() >= 1_024.0 && at + 1 < NAMES.len() {
                rest /= 1_024.0;
                at += 1;
            }
            format!("{rest:.1} {}{per}", NAMES[at])
        }
        "seconds" => lasting(value),
        _ => {
            let digits = if value.abs() >= 100.0 || value.fract() == 0.0 { 0 } else { 2 };
            format!("{value:.digits$}{}{unit}", if unit.is_empty() { "" } else { " " })
        }
    }
}

/// A length of time for people: `3 d 4 h`.
pub(crate) fn lasting(seconds: f64) -> String {
    let s = seconds.abs();
    if s >= 2.0 * 86_400.0 {
        format!("{:.1} d", seconds / 86_400.0)
    } else if s >= 2.0 * 3_600.0 {
        format!("{:.1} h", seconds / 3_600.0)
    } else if s >= 120.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{seconds:.1} s")
    }
}

/// The median of an expression over the `back` before a time, as a query.
pub(crate) fn median_over(expr: &str, back_ms: i64, step_ms: i64) -> String {
    let (back, step) = (format_duration_ms(back_ms), format_duration_ms(step_ms));
    format!("quantile_over_time(0.5, ({expr})[{back}:{step}])")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_for_people() {
        assert_eq!(shown(0.123_4, "ratio"), "12.3 %");
        assert_eq!(shown(3.0 * 1_048_576.0, "bytes"), "3.0 MiB");
        assert_eq!(shown(1e3, "bytes/s"), "1000.0 B/s");
        assert_eq!(shown(12.345, ""), "12.35");
        assert_eq!(shown(7.0, "series"), "7 series");
        assert_eq!(lasting(400_000.0), "4.6 d");
        assert_eq!(lasting(90.0), "90.0 s");
        let labels = [("device".to_owned(), "sda".to_owned()), ("instance".into(), "h".into())];
        assert_eq!(called("disk_busy", &labels), "disk_busy sda of h");
        assert_eq!(subject("x", &labels), "x{device=\"sda\",instance=\"h\"}");
    }
}
