//! A panel of a dashboard as a figure: which queries it asks, and what is drawn of the answers.
//!
//! The panel comes as the JSON that dashboards have; what is not known of it is passed over. Names, units, overrides,
//! mappings, thresholds and tables are as the browser has them: both are held to `fixtures/dashboards/panels.json`. Marks
//! on the time axis are not drawn.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use serde_json::{Map, Value};

use super::ask::{Answers, Need, Series, What};
use super::blocks::Block;
use super::board::BoardPanel;
use super::period::Window;
use crate::dashboard::interpolate::{Builtins, Target, interpolate};
use crate::figure::{
    Colour, Draw, Figure, Format, Kind, LineLook, Mark, Paint, Rows, Severity, Trace,
};

mod cells;
mod found;
mod look;
mod table;

pub use look::unit;
use look::{Mappings, bounds, colour, filled, judged, name_of, set_for};

/// Queries of a panel.
const QUERIES_MAX: usize = 50;
/// Series of one query, as the browser asks for; of a table.
const SERIES_MAX: usize = 100;
const TABLE_SERIES_MAX: usize = 1_000;
/// Points over the width of a panel that stands in no dashboard.
const STEPS: i64 = 380;
/// Ways to make one number of many.
const REDUCES: [&str; 8] = ["last", "mean", "max", "min", "sum", "count", "range", "first"];
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
        "barlist" | "pie" => Kind::BarList,
        "histogram" => Kind::Histogram,
        "table" | "alerts" | "insights" => Kind::Table,
        "heatmap" => Kind::HeatMap,
        "state_timeline" | "status_grid" => Kind::StateTimeline,
        "text" => Kind::Text,
        _ => return None,
    })
}

/// Whether a figure of this kind shows what was over time.
const fn is_over_time(kind: Kind) -> bool {
    matches!(kind, Kind::TimeSeries | Kind::HeatMap | Kind::StateTimeline | Kind::Histogram)
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
    /// Where it stands among all, which gives it its colour.
    place: usize,
}

/// The figure of a panel, with why parts of it are missing.
pub fn figure(p: &BoardPanel, key: &str, answers: &Answers) -> (Figure, Vec<String>) {
    let (panel, window) = (&p.panel, &p.window);
    let kind = kind_of(panel).unwrap_or_default();
    let mut missing = Vec::new();
    let items = items(p, key, answers, &mut missing);
    // That of the first series that is measured on the left.
    let left = items.iter().find(|i| i.set.get("axis").and_then(Value::as_str) != Some("right"));
    let unnamed = || look::format(panel, &Map::new(), "short");
    let format = left.or(items.first()).map_or_else(unnamed, |i| i.format.clone());
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
        draw: drawn_as(text(style, "draw")).unwrap_or_default(),
        log: match text(style, "axis") {
            "log2" => Some(2.0),
            "log10" => Some(10.0),
            _ => None,
        },
        is_unnamed: text(style, "legend") == "hidden",
        fill: style["fill"].as_f64().filter(|f| f.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0),
        is_stacked: matches!(text(style, "stack"), "normal" | "percent"),
        bridges_gaps: text(style, "gaps") == "connect",
        text: text(panel, "text").to_owned(),
        ..Figure::default()
    };
    figure.traces = traces(p, &items, &figure);
    match kind {
        Kind::HeatMap => figure.traces = cells::buckets(&items, figure.traces),
        Kind::StateTimeline => figure.states = cells::states(panel, &items, &mut figure.traces),
        Kind::LoadLine => figure.rows = load_lines(&items, &mut figure.traces),
        _ if text(panel, "kind") == "pie" => as_parts(&mut figure.traces),
        _ => {}
    }
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
        figure.rows = table::of(panel, &items).rows(&window.zone);
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
        table::of(&p.panel, &items).block(title, source, &p.window.zone)
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
    // What shares an axis has one unit, or none.
    let mut guesses: BTreeMap<&str, &str> = BTreeMap::new();
    for (query, series) in &found {
        let guess = || look::unit_of(text(query, "expr"), series.label("__name__"));
        guesses.entry(text(query, "ref")).or_insert_with(guess);
    }
    for query in queries(panel) {
        let guess = || look::unit_of(text(query, "expr"), "");
        guesses.entry(text(query, "ref")).or_insert_with(guess);
    }
    let differ = text(panel, "kind") == "timeseries"
        && guesses.values().any(|g| Some(g) != guesses.values().next());
    let count = panel["queries"].as_array().map_or(0, Vec::len);
    let made = found.into_iter().enumerate().map(|(place, (query, mut series))| {
        let (legend, expr) = (text(query, "legend"), text(query, "expr"));
        let expr = query["called"].as_str().unwrap_or(expr);
        // A legend of labels that are not there says nothing: as if there were none.
        let named = filled(legend, &series.labels);
        let name = match if named.trim().is_empty() { "" } else { legend } {
            "" | "__auto" if series.labels.is_empty() && count > 1 => expr.to_owned(),
            "" | "__auto" if series.labels.is_empty() => match text(panel, "title") {
                "" => expr.to_owned(),
                title => title.to_owned(),
            },
            "" | "__auto" => name("", &series.labels, &shared),
            _ => named,
        };
        let letter = text(query, "ref").to_owned();
        let set = set_for(panel, &name, &letter);
        let name = set.get("title").and_then(Value::as_str).map_or(name, ToOwned::to_owned);
        let is_right = set.get("axis").and_then(Value::as_str) == Some("right");
        let guess = guesses.get(text(query, "ref")).copied().unwrap_or("short");
        let guess = if differ && !is_right { "short" } else { guess };
        let format = look::format(panel, &set, guess);
        if set.get("negative") == Some(&true.into()) {
            series.points.iter_mut().for_each(|(_, v)| *v = -*v);
        }
        Item { letter, name, series, set, format, place }
    });
    let mut items = look::arranged(panel, made.collect());
    // A table hides columns, not the series that they are made of.
    if text(panel, "kind") != "table" {
        items.retain(|i| i.set.get("hidden") != Some(&true.into()));
    }
    items
}

/// Series as they are drawn: what is shown as one number is one.
fn traces(p: &BoardPanel, items: &[Item], figure: &Figure) -> Vec<Trace> {
    let panel = &p.panel;
    let by = text(panel, "reduce");
    let numbers: Vec<f64> =
        items.iter().map(|i| reduced(&i.series.points, by).unwrap_or(f64::NAN)).collect();
    let one = |(item, value): (&Item, &f64)| {
        let mut made = Trace {
            name: item.name.clone(),
            place: Some(item.place),
            colour: item.set.get("colour").and_then(Value::as_str).map(colour),
            is_dashed: item.set.get("dash") == Some(&true.into()),
            ..Trace::default()
        };
        if is_over_time(figure.kind) {
            made.points.clone_from(&item.series.points);
            made.line = line_look(panel, item);
            if figure.kind == Kind::TimeSeries {
                made.told = legend_values(panel, item);
                return made;
            }
            let own = (item.format != figure.format).then_some(&item.format);
            made.told = own.and_then(|f| Some(f.show(made.last()?)));
            return made;
        }
        made.points = vec![(p.window.until, *value)];
        let bounds = bounds(panel, &numbers, &item.set, &item.format);
        let said = Mappings::of(panel, &item.set).said(*value, &look::plain(*value));
        // Load lines are judged by their marks.
        if figure.kind != Kind::LoadLine {
            made.is_judged = true;
            made.paint = match &said {
                Some((_, Some(colour))) => Some(Paint::Colour(*colour)),
                _ => judged(panel, &item.set, *value, bounds),
            };
        }
        made.told = Some(said.map_or_else(|| item.format.show(*value), |(text, _)| text));
        let is_bounded = match figure.kind {
            Kind::BarList => panel["max"].is_number() || item.format.whole().is_some(),
            _ => true,
        };
        made.bounds = is_bounded.then_some(bounds);
        made
    };
    items.iter().zip(&numbers).map(one).collect()
}

fn drawn_as(word: &str) -> Option<Draw> {
    match word {
        "bars" => Some(Draw::Bars),
        "points" => Some(Draw::Points),
        "line" => Some(Draw::Line),
        _ => None,
    }
}

/// What overrides and style say of a line.
fn line_look(panel: &Value, item: &Item) -> LineLook {
    let own = |key: &str| item.set.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| {
        let own = item.set.get(key).and_then(Value::as_f64);
        own.or_else(|| panel["style"][key].as_f64()).filter(|n| n.is_finite())
    };
    LineLook {
        draw: drawn_as(own("draw")),
        fill: number("fill"),
        width: number("width"),
        right: (own("axis") == "right").then(|| item.format.clone()),
        is_apart: own("stack") == "none",
    }
}

/// What the legend tells of a series: the numbers that the panel names, else the newest.
fn legend_values(panel: &Value, item: &Item) -> Option<String> {
    let style = &panel["style"];
    let asked = style["legend_values"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut ways: Vec<&str> = asked.filter(|w| REDUCES.contains(w)).collect();
    if ways.is_empty() {
        ways = match text(style, "legend") {
            "table" => vec!["last", "min", "max", "mean"],
            _ => vec!["last"],
        };
    }
    let many = ways.len() > 1;
    let told = ways.into_iter().filter_map(|way| {
        let value = reduced(&item.series.points, way)?;
        let counts = Format::named("count");
        let text = if way == "count" { &counts } else { &item.format }.show(value);
        Some(if many { format!("{way} {text}") } else { text })
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("  "))
}

/// How full each is, and what of what; as rows.
fn load_lines(items: &[Item], traces: &mut [Trace]) -> Rows {
    let mut rows = Vec::with_capacity(items.len());
    for (item, trace) in items.iter().zip(traces) {
        let (low, high) = trace.bounds.unwrap_or((0.0, 1.0));
        let value = trace.last().unwrap_or(f64::NAN);
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        trace.told = trace.last().map(|_| Format::named("ratio").show(share));
        rows.push(vec![format!("{} of {}", item.format.show(value), item.format.show(high))]);
    }
    Rows { columns: vec![("Used".to_owned(), false)], rows }
}

/// Values as parts of their sum; what is none is left out.
fn as_parts(traces: &mut Vec<Trace>) {
    traces.retain(|t| t.last().is_some_and(|v| v > 0.0));
    let sum: f64 = traces.iter().filter_map(Trace::last).sum();
    for trace in traces {
        // A part has the colour of its series, however large it is.
        trace.paint = None;
        let (told, value) = (trace.told.take().unwrap_or_default(), trace.last().unwrap_or(0.0));
        trace.told = Some(format!("{told} · {}", Format::named("ratio").show(value / sum)));
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn marks(panel: &Value, figure: &Figure) -> Vec<Mark> {
    let unit = Format::named(text(panel, "unit"));
    let (low, high) = bounds(panel, &[], &Map::new(), &unit);
    // Each number has its own bounds; values over time share one axis.
    let is_part = look::is_percent(panel) && matches!(figure.kind, Kind::Gauge | Kind::LoadLine);
    let of_range = |at: f64| low + at / 100.0 * (high - low);
    let place = |at: f64| match look::is_percent(panel) {
        true if is_part => at / 100.0,
        true => of_range(at),
        false => at,
    };
    let all = panel["thresholds"].as_array().into_iter().flatten();
    let mut out: Vec<Mark> = all
        .map(|mark| Mark {
            at: mark["at"].as_f64().map(place),
            is_part,
            severity: look::severity(mark),
            colour: mark["colour"].as_str().filter(|c| !c.is_empty()).map(colour),
        })
        .collect();
    if figure.kind == Kind::LoadLine {
        for (severity, usual) in [(Severity::Warning, 0.8), (Severity::Critical, 0.9)] {
            if !out.iter().any(|m| m.at.is_some() && m.severity == severity) {
                out.push(Mark { at: Some(usual), is_part: true, severity, colour: None });
            }
        }
    }
    let first = figure.traces.iter().find_map(|t| t.bounds).unwrap_or((low, high));
    out.sort_by(|a, b| {
        let at = |m: &Mark| m.within(first).unwrap_or(f64::NEG_INFINITY);
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

/// Values as shares of the sum of all at their time; the legend tells what they were.
fn as_shares(figure: &mut Figure) {
    let format = &figure.format;
    for trace in &mut figure.traces {
        trace.told = trace.told.take().or_else(|| Some(format.show(trace.last()?)));
    }
    let mut sums: BTreeMap<Timestamp, f64> = Default::default();
    let on = |t: &&Trace| !t.line.is_apart;
    for (at, value) in figure.traces.iter().filter(on).flat_map(|t| &t.points) {
        if value.is_finite() {
            *sums.entry(*at).or_default() += value.abs();
        }
    }
    let on = figure.traces.iter_mut().filter(|t| !t.line.is_apart);
    for (at, value) in on.flat_map(|t| &mut t.points) {
        let sum = sums.get(at).copied().unwrap_or(0.0);
        *value = if sum > 0.0 { *value / sum } else { f64::NAN };
    }
    figure.format = Format::named("ratio");
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
