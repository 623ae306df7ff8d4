//! What was found, in words and as an expression.

use plimsoll_model::{LabelsRef, METRIC_NAME, Unit, format_duration_ms, show_duration_ms};

use super::related::{Direction, Related};
use super::signal::Reading;

/// Labels that tell where a series is, the best first.
const PLACES: [&str; 10] =
    ["instance", "host", "node", "pod", "container", "service", "app", "deployment", "job", "name"];
/// Labels that tell which part of it.
const PARTS: [&str; 12] = [
    "device",
    "mountpoint",
    "interface",
    "mode",
    "name",
    "queue",
    "topic",
    "pool",
    "path",
    "version",
    "state",
    "code",
];

/// An expression that shows a series as it was read.
pub(crate) fn expression(labels: LabelsRef<'_>, reading: Reading, step_ms: i64) -> String {
    let metric = labels.metric();
    let window = format_duration_ms((4 * step_ms).max(60_000));
    match reading {
        Reading::Value => selector(labels, metric),
        Reading::Rate => format!("rate({}[{window}])", selector(labels, metric)),
        Reading::Mean => match metric.strip_suffix("_sum") {
            Some(family) => {
                let (sum, count) = (metric.to_owned(), format!("{family}_count"));
                let rate = |name: &str| format!("rate({}[{window}])", selector(labels, name));
                format!("{} / {}", rate(&sum), rate(&count))
            }
            None => format!("histogram_avg(rate({}[{window}]))", selector(labels, metric)),
        },
    }
}

/// A selector of exactly these labels.
fn selector(labels: LabelsRef<'_>, metric: &str) -> String {
    let quoted = |v: &str| {
        let mut out = String::with_capacity(v.len() + 2);
        out.push('"');
        for c in v.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    };
    let is_plain = |n: &str| {
        !n.is_empty()
            && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !n.as_bytes()[0].is_ascii_digit()
    };
    let mut parts = Vec::new();
    let in_front = metric.is_empty()
        || metric.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    if !in_front {
        parts.push(quoted(metric));
    }
    for (n, v) in labels.iter().filter(|(n, _)| *n != METRIC_NAME) {
        let name = if is_plain(n) { n.to_owned() } else { quoted(n) };
        parts.push(format!("{name}={}", quoted(v)));
    }
    let metric = if in_front { metric } else { "" };
    if parts.is_empty() { metric.to_owned() } else { format!("{metric}{{{}}}", parts.join(",")) }
}

/// What a series counts, from its name.
pub(crate) fn unit(metric: &str, reading: Reading) -> Unit {
    let base = ["_total", "_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end));
    let base = base.unwrap_or(metric);
    let is_rate = reading == Reading::Rate;
    let counts = metric.ends_with("_count");
    match base {
        _ if counts && is_rate => Unit::PerSecond,
        // Seconds per second are a share.
        b if b.ends_with("_seconds") && is_rate => Unit::Plain,
        b if b.ends_with("_seconds") => Unit::Seconds,
        b if b.ends_with("_bytes") && is_rate => Unit::BytesPerSecond,
        b if b.ends_with("_bytes") => Unit::Bytes,
        b if b.ends_with("_ratio") => Unit::Ratio,
        b if b.ends_with("_percent") => Unit::Percent,
        b if b.ends_with("_celsius") => Unit::Celsius,
        _ if is_rate => Unit::PerSecond,
        _ => Unit::Plain,
    }
}

/// A name for people: the metric, its part, its place: `node_disk_io_time (sda) on db1`.
pub(crate) fn name(metric: &str, labels: &[(String, String)]) -> String {
    let base = ["_seconds_total", "_bytes_total", "_total", "_seconds_sum", "_sum"];
    let short = base.iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
    let value = |n: &&str| labels.iter().find(|(name, _)| name == n).map(|(_, v)| v.as_str());
    let place_label = PLACES.iter().find(|n| value(n).is_some());
    let part = PARTS.iter().filter(|n| Some(*n) != place_label).find_map(value);
    let mut out = if short.is_empty() { "a series".to_owned() } else { short.to_owned() };
    if let Some(part) = part {
        out.push_str(&format!(" ({part})"));
    }
    if let Some(place) = place_label.and_then(value) {
        out.push_str(&format!(" on {place}"));
    }
    out
}

/// The sentence of a result: `node_disk_io_time (sda) on db1 rose to 0.97 (usually 0.2 to 0.4), 40 s before`.
pub(crate) fn sentence(related: &Related) -> String {
    let unit = unit(&related.metric, related.reading);
    let name = name(&related.metric, &related.labels);
    let change = match related.direction {
        Direction::Appeared => "appeared".to_owned(),
        Direction::Gone => "stopped".to_owned(),
        direction => {
            let verb = if direction == Direction::Up { "rose" } else { "fell" };
            let (low, high) = related.usual;
            let (a, b) = (unit.show(low), unit.show(high));
            let usual = if a == b { a } else { format!("{a} to {b}") };
            format!("{verb} to {} (usually {usual})", unit.show(related.now))
        }
    };
    format!("{name} {change}, {}", when(related.lag_ms))
}

/// `40 s before`, `at the same time`, `2 m after`.
pub(crate) fn when(lag_ms: i64) -> String {
    match lag_ms {
        0 => "at the same time".to_owned(),
        ms if ms < 0 => format!("{} before", show_duration_ms(-ms)),
        ms => format!("{} after", show_duration_ms(ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;

    #[test]
    fn expressions_choose_the_series_and_survive_odd_labels() {
        let labels = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied()).unwrap();
        let disk = labels(&[("__name__", "node_disk_io_time_seconds_total"), ("device", "a\"b")]);
        assert_eq!(
            expression(disk.as_ref(), Reading::Rate, 15_000),
            "rate(node_disk_io_time_seconds_total{device=\"a\\\"b\"}[1m])"
        );
        let sum = labels(&[("__name__", "x_sum"), ("a.b", "c")]);
        assert_eq!(
            expression(sum.as_ref(), Reading::Mean, 15_000),
            "rate(x_sum{\"a.b\"=\"c\"}[1m]) / rate(x_count{\"a.b\"=\"c\"}[1m])"
        );
        let odd = labels(&[("__name__", "with space")]);
        let text = expression(odd.as_ref(), Reading::Value, 15_000);
        assert_eq!(text, "{\"with space\"}");
        for text in [text, expression(sum.as_ref(), Reading::Mean, 15_000)] {
            let features = plimsoll_query::Features::default();
            assert!(plimsoll_query::parse(&text, &features).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_change_is_told_as_people_would() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let mut related = Related {
            labels: vec![pair("device", "sda"), pair("instance", "db1")],
            metric: "node_disk_io_time_seconds_total".to_owned(),
            reading: Reading::Rate,
            score: 0.9,
            p_value: 0.0,
            q_value: 0.0,
            effect: 1.0,
            direction: Direction::Up,
            onset: 0,
            lag_ms: -40_000,
            correlation: 0.9,
            usual: (0.2, 0.4),
            now: 0.97,
            text: String::new(),
            query: String::new(),
            range: plimsoll_model::TimeRange::new(0, 1),
        };
        assert_eq!(
            sentence(&related),
            "node_disk_io_time (sda) on db1 rose to 0.97 (usually 0.2 to 0.4), 40 s before"
        );
        related.direction = Direction::Appeared;
        related.lag_ms = 0;
        assert!(sentence(&related).ends_with("on db1 appeared, at the same time"));
        assert_eq!(unit("a_bytes_total", Reading::Rate), Unit::BytesPerSecond);
        assert_eq!(unit("a_seconds_sum", Reading::Mean), Unit::Seconds);
    }
}
