//! A panel of a dashboard as a figure: which queries it asks, and what is drawn of the answers.
//!
//! The panel comes as the JSON that dashboards have; what is not known of it is passed over. A
//! transformation is not applied: the panel then shows its series as they are.

use plimsoll_model::{Timestamp, Unit};
use serde_json::Value;

use super::ask::{Answers, Need, Series, What};
use super::period::Window;
use crate::figure::{Draw, Figure, Format, Kind, Mark, Rows, Severity, Trace};

/// Queries of a panel.
const QUERIES_MAX: usize = 26;
/// Series of one query.
const SERIES_MAX: usize = 100;
/// Points over the width of a panel.
const STEPS: i64 = 380;
/// The least step, ms: how often this host is read.
const STEP_MS: i64 = 5_000;

/// The step of a window, ms: a multiple of [`STEP_MS`], about [`STEPS`] of them.
pub fn step_ms(window: &Window) -> i64 {
    (window.span_ms() / (STEPS * STEP_MS) + 1) * STEP_MS
}

/// The kind of figure that draws a kind of panel; `None` when none does.
pub fn kind_of(panel: &Value) -> Option<Kind> {
    Some(match text(panel, "kind") {
        "timeseries" => Kind::TimeSeries,
        "stat" => Kind::Stat,
        "gauge" => Kind::Gauge,
        "loadline" => Kind::LoadLine,
        "barlist" | "pie" | "histogram" => Kind::BarList,
        "table" => Kind::Table,
        "heatmap" => Kind::HeatMap,
        "state_timeline" | "status_grid" => Kind::StateTimeline,
        "text" => Kind::Text,
        _ => return None,
    })
}

/// Whether a figure of this kind shows what was over time.
const fn is_over_time(kind: Kind) -> bool {
    matches!(kind, Kind::TimeSeries | Kind::HeatMap | Kind::StateTimeline)
}

/// The words of the time that expressions and titles may have: `$__range`, `$__interval`, …
pub fn times(text: &str, window: &Window) -> String {
    if !text.contains("__") {
        return text.to_owned();
    }
    let (step, span) = (step_ms(window), window.span_ms());
    // Longest first, so that no word is taken for the beginning of another.
    let words = [
        ("__rate_interval", duration((step + 15_000).max(60_000))),
        ("__interval_ms", step.to_string()),
        ("__interval", duration(step)),
        ("__range_ms", span.to_string()),
        ("__range_s", (span / 1000).to_string()),
        ("__range", duration(span)),
        ("__from", window.from.to_string()),
        ("__to", window.until.to_string()),
    ];
    let mut out = text.to_owned();
    for (word, value) in words {
        out = out.replace(&format!("${{{word}}}"), &value);
        out = out.replace(&format!("[[{word}]]"), &value);
        out = out.replace(&format!("${word}"), &value);
    }
    out
}

fn duration(ms: i64) -> String {
    format!("{}s", (ms / 1000).max(1))
}

/// The questions of a panel; their keys begin with `key`.
pub fn needs(panel: &Value, key: &str, window: &Window) -> Vec<Need> {
    let Some(kind) = kind_of(panel) else { return Vec::new() };
    let mut out = Vec::new();
    for (i, query) in queries(panel).enumerate() {
        let instant = match text(query, "kind") {
            "instant" => true,
            "range" => false,
            _ => !is_over_time(kind),
        };
        let reduced = !matches!(text(panel, "reduce"), "" | "last");
        let from = if instant && !reduced { window.until } else { window.from };
        let what = What::Query {
            expr: times(text(query, "expr"), window),
            from,
            until: window.until,
            step_ms: step_ms(window),
            series_max: SERIES_MAX,
        };
        out.push(Need { key: format!("{key}/{i}"), what });
    }
    out
}

fn queries(panel: &Value) -> impl Iterator<Item = &Value> {
    let all = panel["queries"].as_array().into_iter().flatten();
    all.filter(|q| q["hidden"] != true && !text(q, "expr").trim().is_empty()).take(QUERIES_MAX)
}

/// The expressions that a panel asks, as they were asked.
pub fn sources(panel: &Value, window: &Window) -> Vec<String> {
    queries(panel).map(|q| times(text(q, "expr"), window)).collect()
}

/// The figure of a panel, with why parts of it are missing.
pub fn figure(
    panel: &Value,
    key: &str,
    answers: &Answers,
    window: &Window,
) -> (Figure, Vec<String>) {
    let kind = kind_of(panel).unwrap_or(Kind::Text);
    let mut missing = Vec::new();
    let mut found: Vec<(&Value, Series)> = Vec::new();
    for (i, query) in queries(panel).enumerate() {
        match answers.series(&format!("{key}/{i}")) {
            Ok((series, cut)) => {
                if cut > 0 {
                    missing.push(format!("{cut} series are left out"));
                }
                found.extend(series.iter().map(|s| (query, s.clone())));
            }
            Err(why) => missing.push(why),
        }
    }
    let shared = shared(&found);
    let reduce = text(panel, "reduce");
    let mut traces: Vec<Trace> = Vec::with_capacity(found.len());
    for (query, series) in &found {
        let name = name(text(query, "legend"), &series.labels, &shared);
        let mut points = series.points.clone();
        if !is_over_time(kind) {
            points = reduced(&points, reduce).into_iter().map(|v| (window.until, v)).collect();
        }
        traces.push(Trace { name, points, ..Trace::default() });
    }
    let style = &panel["style"];
    let mut figure = Figure {
        title: times(text(panel, "title"), window),
        description: sources(panel, window).join("; "),
        kind,
        format: format(panel),
        from: window.from,
        until: window.until,
        step_ms: step_ms(window),
        zone: window.zone.clone(),
        traces,
        min: panel["min"].as_f64(),
        max: panel["max"].as_f64(),
        draw: match text(style, "draw") {
            "bars" => Draw::Bars,
            "points" => Draw::Points,
            _ => Draw::Line,
        },
        fill: style["fill"].as_f64().filter(|f| f.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0),
        is_stacked: matches!(text(style, "stack"), "normal" | "percent"),
        bridges_gaps: text(style, "gaps") == "connect",
        text: text(panel, "text").to_owned(),
        empty: missing.first().cloned().unwrap_or_else(|| "no samples in this time".to_owned()),
        ..Figure::default()
    };
    figure.marks = marks(panel, &figure);
    if text(style, "stack") == "percent" {
        as_shares(&mut figure);
    }
    if kind == Kind::Table {
        figure.rows = rows(&found, &figure, &shared);
    }
    (figure, missing)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// How values are written. A unit that is not known is written behind them.
pub fn format(panel: &Value) -> Format {
    let decimals = panel["decimals"].as_u64().and_then(|d| usize::try_from(d).ok());
    let (unit, suffix) = unit(text(panel, "unit"));
    Format { unit, decimals, suffix }
}

/// A unit by its name, and what is written behind a value when there is none of this name.
pub fn unit(name: &str) -> (Unit, String) {
    let unit = match name {
        "" | "short" | "none" | "count" => Unit::Plain,
        "bytes" | "decbytes" => Unit::Bytes,
        "bytes/s" | "Bps" | "binBps" => Unit::BytesPerSecond,
        "seconds" | "s" => Unit::Seconds,
        "ratio" | "percentunit" => Unit::Ratio,
        "percent" => Unit::Percent,
        "ops/s" | "ops" | "reqps" | "cps" => Unit::PerSecond,
        "celsius" => Unit::Celsius,
        other => return (Unit::Plain, other.chars().take(20).collect()),
    };
    (unit, String::new())
}

fn marks(panel: &Value, figure: &Figure) -> Vec<Mark> {
    let of_range = |at: f64| {
        let (low, high) = (figure.min.unwrap_or(0.0), figure.max.unwrap_or(100.0));
        low + at / 100.0 * (high - low)
    };
    let is_percent = text(panel, "thresholds_mode") == "percent";
    let all = panel["thresholds"].as_array().into_iter().flatten();
    let mut out: Vec<Mark> = all
        .map(|mark| Mark {
            at: mark["at"].as_f64().map(|at| if is_percent { of_range(at) } else { at }),
            severity: match (text(mark, "severity"), text(mark, "colour")) {
                ("critical", _) | (_, "red" | "dark-red" | "semi-dark-red") => Severity::Critical,
                ("warning", _) | (_, "orange" | "yellow") => Severity::Warning,
                ("info", _) | (_, "blue") => Severity::Info,
                _ => Severity::Ok,
            },
        })
        .collect();
    out.sort_by(|a, b| {
        let at = |m: &Mark| m.at.unwrap_or(f64::NEG_INFINITY);
        at(a).total_cmp(&at(b))
    });
    out
}

/// One number of many; those that are no finite numbers do not count.
fn reduced(points: &[(Timestamp, f64)], by: &str) -> Option<f64> {
    let mut values = points.iter().map(|(_, v)| *v).filter(|v| v.is_finite());
    let count = values.clone().count() as f64;
    match by {
        "first" => values.next(),
        "max" => values.reduce(f64::max),
        "min" => values.reduce(f64::min),
        "sum" => values.reduce(|a, b| a + b),
        "mean" => values.reduce(|a, b| a + b).map(|sum| sum / count),
        "count" => Some(count),
        "range" => {
            let (low, high) = values
                .clone()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
            values.next().map(|_| high - low)
        }
        _ => values.next_back(),
    }
}

/// Values as shares of the sum of all at their time.
fn as_shares(figure: &mut Figure) {
    let mut sums: std::collections::BTreeMap<Timestamp, f64> = Default::default();
    for (at, value) in figure.traces.iter().flat_map(|t| &t.points) {
        if value.is_finite() {
            *sums.entry(*at).or_default() += value.abs();
        }
    }
    for (at, value) in figure.traces.iter_mut().flat_map(|t| &mut t.points) {
        let sum = sums.get(at).copied().unwrap_or(0.0);
        *value = if sum > 0.0 { *value / sum } else { f64::NAN };
    }
    figure.format = Format::of(Unit::Ratio);
    (figure.min, figure.max) = (Some(0.0), Some(1.0));
}

/// Labels that all series have alike, when there are several.
fn shared(found: &[(&Value, Series)]) -> Vec<(String, String)> {
    let [(_, first), rest @ ..] = found else { return Vec::new() };
    if rest.is_empty() {
        return Vec::new();
    }
    let alike = |l: &&(String, String)| rest.iter().all(|(_, s)| s.labels.contains(l));
    first.labels.iter().filter(alike).cloned().collect()
}

/// What a series is called: by its legend, else by the labels that others do not have alike.
pub fn name(legend: &str, labels: &[(String, String)], shared: &[(String, String)]) -> String {
    if !legend.is_empty() {
        return filled(legend, labels);
    }
    let metric = labels.iter().find(|(n, _)| n == "__name__").map_or("", |(_, v)| v.as_str());
    let own = labels.iter().filter(|l| l.0 != "__name__" && !shared.contains(l));
    let own: Vec<&(String, String)> = own.collect();
    let metric_is_shared = shared.iter().any(|(n, _)| n == "__name__");
    match own[..] {
        [] => metric.to_owned(),
        [only] if metric.is_empty() || metric_is_shared => only.1.clone(),
        _ => {
            let pairs: Vec<String> = own.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
            let metric = if metric_is_shared { "" } else { metric };
            format!("{metric}{{{}}}", pairs.join(", "))
        }
    }
}

/// A legend with the values of labels in place of their names: `{{instance}}`.
fn filled(legend: &str, labels: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = legend;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            break;
        };
        let name = name.trim();
        out.push_str(labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str()));
        rest = after;
    }
    out + rest
}

/// A table: a column for each label that is not alike in all, and one for the value.
fn rows(found: &[(&Value, Series)], figure: &Figure, shared: &[(String, String)]) -> Rows {
    let mut names: Vec<&str> = Vec::new();
    for (n, _) in found.iter().flat_map(|(_, s)| &s.labels) {
        if !names.contains(&n.as_str()) && !shared.iter().any(|(s, _)| s == n) {
            names.push(n);
        }
    }
    names.truncate(8);
    let mut columns: Vec<(String, bool)> =
        names.iter().map(|n| (n.trim_matches('_').to_owned(), false)).collect();
    columns.push(("value".to_owned(), true));
    let rows = found.iter().zip(&figure.traces).map(|((_, series), trace)| {
        let labels = names.iter().map(|n| series.label(n).to_owned());
        let value = trace.last().map_or_else(|| "–".to_owned(), |v| figure.format.show(v));
        labels.chain([value]).collect()
    });
    Rows { columns, rows: rows.collect() }
}
