//! A panel of a dashboard as a figure: which queries it asks, and what is drawn of the answers.
//!
//! The panel comes as the JSON that dashboards have; what is not known of it is passed over. Names, units, overrides,
//! mappings and tables are as the browser has them; a second axis, a logarithmic one and marks on the time axis are not
//! drawn.

use plimsoll_model::{Timestamp, Unit};
use serde_json::{Map, Value};

use super::ask::{Answers, Need, Series, What};
use super::blocks::Block;
use super::board::BoardPanel;
use super::period::Window;
use crate::dashboard::interpolate::{Builtins, Target, interpolate};
use crate::figure::{Colour, Draw, Figure, Format, Kind, Mark, Severity, Trace};

mod found;
mod look;
mod table;

pub use look::unit;
use look::{colour, filled, mapped, name_of, set_for};

/// Queries of a panel.
const QUERIES_MAX: usize = 50;
/// Series of one query, as the browser asks for; of a table.
const SERIES_MAX: usize = 100;
const TABLE_SERIES_MAX: usize = 1_000;
/// Points over the width of a panel that stands in no dashboard.
const STEPS: i64 = 380;
/// The least step, ms: how often this host is read.
const STEP_MS: i64 = 5_000;
/// How often sources are asked, when nobody says.
const SCRAPE_MS: i64 = 15_000;

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
        "table" | "alerts" | "insights" => Kind::Table,
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

/// A text with the words of the time that expressions and titles may have: `$__range`, `$__interval`, …
pub fn times(text: &str, window: &Window) -> String {
    let builtins = Builtins {
        from_ms: window.from,
        to_ms: window.until,
        step_ms: step_ms(window),
        scrape_ms: SCRAPE_MS,
        ..Builtins::default()
    };
    interpolate(text, Target::Expr, &|name: &str| builtins.value(name))
}

/// The questions of a panel; their keys begin with `key`.
pub fn needs(p: &BoardPanel, key: &str) -> Vec<Need> {
    if let Some(what) = found::need(&p.panel) {
        return vec![Need { key: format!("{key}/found"), what }];
    }
    let Some(kind) = kind_of(&p.panel) else { return Vec::new() };
    let series_max = if kind == Kind::Table { TABLE_SERIES_MAX } else { SERIES_MAX };
    let asked = queries(&p.panel).enumerate().map(|(i, query)| {
        let is_instant = text(query, "kind") == "instant";
        let what = What::Query {
            expr: text(query, "expr").to_owned(),
            from: if is_instant { p.window.until } else { p.window.from },
            until: p.window.until,
            step_ms: query["step_ms"].as_i64().unwrap_or(p.step_ms),
            series_max,
        };
        Need { key: format!("{key}/{i}"), what }
    });
    asked.collect()
}

fn queries(panel: &Value) -> impl Iterator<Item = &Value> {
    let all = panel["queries"].as_array().into_iter().flatten();
    all.filter(|q| q["hidden"] != true && !text(q, "expr").trim().is_empty()).take(QUERIES_MAX)
}

/// What a panel asks, as it was asked: expressions, or a route.
pub fn sources(p: &BoardPanel) -> Vec<String> {
    match found::need(&p.panel) {
        Some(What::Route(path)) => vec![format!("GET {path}")],
        _ => queries(&p.panel).map(|q| text(q, "expr").to_owned()).collect(),
    }
}

/// A series that a panel shows.
struct Item {
    letter: String,
    name: String,
    series: Series,
    /// What the overrides say of it.
    set: Map<String, Value>,
    format: Format,
}

/// The figure of a panel, with why parts of it are missing.
pub fn figure(p: &BoardPanel, key: &str, answers: &Answers) -> (Figure, Vec<String>) {
    let (panel, window) = (&p.panel, &p.window);
    let kind = kind_of(panel).unwrap_or_default();
    let mut missing = Vec::new();
    let items = items(p, key, answers, &mut missing);
    let format = items.first().map_or_else(|| look::format(panel, None, ""), |i| i.format.clone());
    let style = &panel["style"];
    let mut figure = Figure {
        title: text(panel, "title").to_owned(),
        description: sources(p).join("; "),
        kind,
        format,
        from: window.from,
        until: window.until,
        step_ms: widest_step(p),
        zone: window.zone.clone(),
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
        ..Figure::default()
    };
    figure.traces = items.iter().map(|i| trace(p, i, &figure)).collect();
    figure.marks = marks(panel, &figure);
    if text(style, "stack") == "percent" {
        as_shares(&mut figure);
    }
    if found::need(panel).is_some() {
        match found::rows(panel, &format!("{key}/found"), answers, window) {
            Ok(rows) => figure.rows = rows,
            Err(why) => missing.push(why),
        }
        figure.empty = "there are none".to_owned();
    } else if kind == Kind::Table {
        figure.rows = table::of(panel, &items).rows();
    }
    match kind_of(panel) {
        None => {
            let kind = text(panel, "kind");
            figure.empty = format!("panels of kind {kind} are not part of reports");
        }
        Some(_) if missing.is_empty() => {}
        Some(_) => figure.empty.clone_from(&missing[0]),
    }
    (figure, missing)
}

/// The rows of a panel that is a table, with why parts of it are missing; `None` for other panels.
pub fn rows(p: &BoardPanel, key: &str, answers: &Answers) -> Option<(Block, Vec<String>)> {
    if kind_of(&p.panel) != Some(Kind::Table) {
        return None;
    }
    let (title, source) = (text(&p.panel, "title"), sources(p).join("; "));
    let mut missing = Vec::new();
    let block = if found::need(&p.panel).is_some() {
        match found::rows(&p.panel, &format!("{key}/found"), answers, &p.window) {
            Ok(rows) => found::block(rows, title, source),
            Err(why) => Block::Missing(format!("{title}: {why}")),
        }
    } else {
        let items = items(p, key, answers, &mut missing);
        table::of(&p.panel, &items).block(title, source)
    };
    Some((block, missing))
}

/// The greatest distance of points, ms: a greater one is a gap.
fn widest_step(p: &BoardPanel) -> i64 {
    let steps = queries(&p.panel).filter_map(|q| q["step_ms"].as_i64());
    steps.max().unwrap_or(p.step_ms)
}

/// The series of all answers with names, units and what overrides say of them.
fn items(p: &BoardPanel, key: &str, answers: &Answers, missing: &mut Vec<String>) -> Vec<Item> {
    let panel = &p.panel;
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
    let count = panel["queries"].as_array().map_or(0, Vec::len);
    let made = found.into_iter().map(|(query, series)| {
        let (legend, expr) = (text(query, "legend"), text(query, "expr"));
        let name = match legend {
            "" | "__auto" if series.labels.is_empty() && count > 1 => expr.to_owned(),
            "" | "__auto" if series.labels.is_empty() => match text(panel, "title") {
                "" => expr.to_owned(),
                title => title.to_owned(),
            },
            "" | "__auto" => name("", &series.labels, &shared),
            legend => filled(legend, &series.labels),
        };
        let letter = text(query, "ref").to_owned();
        let set = set_for(panel, &name, &letter);
        let name = set.get("title").and_then(Value::as_str).map_or(name, ToOwned::to_owned);
        let format = look::format(panel, Some(&set), expr);
        Item { letter, name, series, set, format }
    });
    look::arranged(panel, made.filter(|i| i.set.get("hidden") != Some(&true.into())).collect())
}

/// A series as it is drawn: what is shown as one number is one.
fn trace(p: &BoardPanel, item: &Item, figure: &Figure) -> Trace {
    let panel = &p.panel;
    let is = |key: &str| item.set.get(key) == Some(&true.into());
    let mut points = item.series.points.clone();
    if is("negative") {
        points.iter_mut().for_each(|(_, v)| *v = -*v);
    }
    if !is_over_time(figure.kind) {
        let value = reduced(&points, text(panel, "reduce"));
        points = value.into_iter().map(|v| (p.window.until, v)).collect();
    }
    let mut made = Trace {
        name: item.name.clone(),
        points,
        colour: item.set.get("colour").and_then(Value::as_str).and_then(colour),
        is_dashed: is("dash"),
        told: None,
    };
    let said = made.last().and_then(|v| match figure.kind {
        Kind::TimeSeries => None,
        _ => mapped(panel, &item.set, v),
    });
    let own = (item.format != figure.format).then_some(&item.format);
    made.told = said.or_else(|| Some(own?.show(made.last()?)));
    made
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
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
    figure.traces.iter_mut().for_each(|t| t.told = None);
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
    if legend.is_empty() { name_of(labels, shared) } else { filled(legend, labels) }
}

#[cfg(test)]
mod tests;
