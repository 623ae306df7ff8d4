//! The sections that are made of what the program knows: what each asks, and what it shows.
//!
//! Numbers come from the routes that the browser application asks, and from queries; each table and fact
//! says from which.

use plimsoll_model::{HOUR_MS, Unit, format_duration_ms, show_duration_ms};
use serde_json::Value as Json;

use super::ask::{Answers, Need, What};
use super::blocks::{Block, Cell, Column, Fact, Picture, TABLE_ROWS_MAX, Value};
use super::definition::{Section, SectionKind as K};
use super::panel::{self, step_ms};
use super::period::Window;
use crate::figure::{Figure, Format, Kind, Mark, Rows, Severity, Trace};

mod availability;
mod found;

/// Where our own API is.
const API: &str = "/api/plimsoll/v1";
/// Rows unless a section says otherwise.
const ROWS: usize = 50;
/// Load lines that are drawn.
const LINES_MAX: usize = 20;

/// What a section asks.
pub fn needs(section: &Section, key: &str, window: &Window) -> Vec<Need> {
    let mut out = Vec::new();
    let mut route = |name: &str, path: String| {
        out.push(Need { key: format!("{key}/{name}"), what: What::Route(format!("{API}{path}")) });
    };
    let (from, to) = (seconds(window.from), seconds(window.until));
    let limit = section.limit(ROWS);
    match section.kind {
        K::Summary => {
            route("overview", "/overview".to_owned());
            route("statistics", format!("/alerts/statistics?from={from}&to={to}"));
        }
        K::Health => {
            for by in ["instance", "job"] {
                route(by, format!("/assessments?by={by}&from={from}&to={to}&limit=1000"));
            }
        }
        K::Incidents => {
            route("incidents", "/incidents?state=all&limit=1000".to_owned());
            route("statistics", format!("/alerts/statistics?from={from}&to={to}"));
        }
        K::Capacity => route("capacity", "/capacity".to_owned()),
        K::Risks => route("risks", format!("/risks?limit={limit}")),
        K::Recommendations => route("recommendations", format!("/recommendations?limit={limit}")),
        K::Insights => route("insights", format!("/insights?state=all&limit={}", limit * 4)),
        K::Availability => return availability::needs(section, key, window),
        K::Top => {
            let what = What::Query {
                expr: panel::times(section.expr.as_deref().unwrap_or_default(), window),
                from: window.until,
                until: window.until,
                step_ms: step_ms(window),
                series_max: 1_000,
            };
            return vec![Need { key: format!("{key}/top"), what }];
        }
        K::Dashboard | K::Panel | K::Text => {}
    }
    out
}

/// A time as routes take it.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

/// What a section shows.
pub fn blocks(section: &Section, key: &str, answers: &Answers, window: &Window) -> Vec<Block> {
    let made = match section.kind {
        K::Summary => summary(key, answers, window),
        K::Health => found::health(key, answers, window, section.limit(ROWS)),
        K::Availability => availability::blocks(section, key, answers, window),
        K::Incidents => found::incidents(key, answers, window, section.limit(ROWS)),
        K::Capacity => capacity(key, answers, section.limit(ROWS)),
        K::Risks => found::risks(key, answers, section.limit(ROWS)),
        K::Recommendations => found::recommendations(key, answers, section.limit(ROWS)),
        K::Insights => found::insights(key, answers, window, section.limit(ROWS)),
        K::Top => top(section, key, answers, window),
        K::Text => Ok(vec![Block::Words(section.text.clone())]),
        K::Dashboard | K::Panel => Ok(Vec::new()),
    };
    made.unwrap_or_else(|why| vec![Block::Missing(why)])
}

/// The height of a figure that must show all its rows, or this one.
pub fn picture_height(figure: &Figure, wanted: f64) -> f64 {
    let rows = match figure.kind {
        Kind::BarList => figure.traces.len() as f64 * 22.0 + 60.0,
        Kind::LoadLine => figure.traces.len() as f64 * 30.0 + 60.0,
        Kind::Table => figure.rows.rows.len().min(40) as f64 * 20.0 + 90.0,
        Kind::StateTimeline => figure.traces.len().min(40) as f64 * 20.0 + 80.0,
        Kind::TimeSeries => wanted.max(220.0),
        _ => 0.0,
    };
    match figure.kind {
        Kind::BarList | Kind::LoadLine | Kind::Table | Kind::StateTimeline => rows.min(900.0),
        _ => wanted.max(rows),
    }
}

pub(super) fn text<'v>(value: &'v Json, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Json, key: &str) -> &'v [Json] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn column(name: &str, is_number: bool) -> Column {
    Column { name: name.to_owned(), is_number }
}

/// A table of at most so many rows; words when there are none.
fn table(
    title: &str,
    columns: &[(&str, bool)],
    mut rows: Vec<Vec<Cell>>,
    limit: usize,
    source: String,
) -> Block {
    let left_out = rows.len().saturating_sub(limit.min(TABLE_ROWS_MAX));
    rows.truncate(limit.min(TABLE_ROWS_MAX));
    let columns = columns.iter().map(|(name, is_number)| column(name, *is_number)).collect();
    Block::Table { title: title.to_owned(), columns, rows, left_out, source }
}

/// A time that a route wrote, ms since the epoch.
fn time(value: &Json) -> Option<i64> {
    if let Some(ms) = value.as_i64() {
        return Some(ms);
    }
    let at: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

fn told(window: &Window, value: &Json) -> Cell {
    Value::text(time(value).map_or_else(|| "–".to_owned(), |at| window.brief(at)))
}

fn duration(seconds: Option<f64>) -> Cell {
    match seconds {
        Some(s) if s.is_finite() => {
            Value { number: Some(s), text: show_duration_ms((s * 1e3).clamp(0.0, 9e15) as i64) }
        }
        _ => Value::text("–"),
    }
}

fn summary(key: &str, answers: &Answers, window: &Window) -> Result<Vec<Block>, String> {
    let overview = answers.json(&format!("{key}/overview"))?;
    let source = || format!("GET {API}/overview");
    let fact =
        |label: &str, value: Value| Fact { label: label.to_owned(), value, source: source() };
    let health = &overview["health"];
    let targets = list(overview, "targets");
    let up = targets.iter().filter(|t| t["up"] == true).count();
    let firing = list(overview, "alerts").iter().filter(|a| a["state"] == "firing").count();
    let mut facts = vec![
        fact("Health now", Value::text(text(health, "state"))),
        fact("Targets up", Value::text(format!("{up} of {}", targets.len()))),
        fact("Alerts firing now", Value::count(firing as u64)),
        fact("Series", Value::maybe(overview["series"].as_f64(), Unit::Plain)),
        fact(
            "Samples a second",
            Value::maybe(overview["samples_per_second"].as_f64(), Unit::Plain),
        ),
    ];
    let mut out = Vec::new();
    match answers.json(&format!("{key}/statistics")) {
        Ok(statistics) => {
            let totals = &statistics["totals"];
            let source = format!(
                "GET {API}/alerts/statistics?from={}&to={}",
                seconds(window.from),
                seconds(window.until)
            );
            let mut fact = |label: &str, value| {
                facts.push(Fact { label: label.to_owned(), value, source: source.clone() })
            };
            fact("Alerts in this time", Value::maybe(totals["episodes"].as_f64(), Unit::Plain));
            fact("Time firing", duration(totals["firing_seconds"].as_f64()));
            fact(
                "Mean time to acknowledge",
                duration(totals["mean_to_acknowledge_seconds"].as_f64()),
            );
            fact("Mean time to resolve", duration(totals["mean_to_resolve_seconds"].as_f64()));
            fact("Notifications", Value::maybe(totals["notifications"].as_f64(), Unit::Plain));
            fact("Pages", Value::maybe(totals["pages"].as_f64(), Unit::Plain));
        }
        Err(why) => out.push(Block::Missing(why)),
    }
    out.insert(0, Block::Facts(facts));
    let reasons: Vec<String> = list(health, "reasons")
        .iter()
        .take(20)
        .map(|r| format!("- {}: {}", text(r, "severity"), text(r, "text")))
        .collect();
    if !reasons.is_empty() {
        out.push(Block::Words(format!("## What is wrong now\n{}", reasons.join("\n"))));
    }
    Ok(out)
}

fn capacity(key: &str, answers: &Answers, limit: usize) -> Result<Vec<Block>, String> {
    let answer = answers.json(&format!("{key}/capacity"))?;
    let mut all: Vec<&Json> = list(answer, "resources").iter().collect();
    if all.is_empty() {
        return Ok(vec![Block::Words("No bounded resource is known yet.".to_owned())]);
    }
    let ratio = |r: &Json| r["ratio"].as_f64().unwrap_or(0.0);
    let days = |r: &Json| r["days"]["p50"].as_f64().unwrap_or(f64::INFINITY);
    // What is full first, then what is fullest.
    all.sort_by(|a, b| days(a).total_cmp(&days(b)).then_with(|| ratio(b).total_cmp(&ratio(a))));
    let source = format!("GET {API}/capacity");
    let rows = all.iter().map(|r| {
        let unit = panel::unit(text(r, "unit"));
        let days = |q: &str| {
            let days = r["days"][q].as_f64();
            duration(days.map(|d| d * 86_400.0))
        };
        vec![
            Value::text(text(r, "title")),
            Value::maybe(r["used"].as_f64(), unit),
            Value::maybe(r["limit"].as_f64(), unit),
            Value::maybe(r["ratio"].as_f64(), Unit::Ratio),
            Value::maybe(r["warning"].as_f64(), Unit::Ratio),
            Value::maybe(r["critical"].as_f64(), Unit::Ratio),
            days("p10"),
            days("p50"),
            days("p90"),
            Value::text(text(r, "text")),
        ]
    });
    let columns = [
        ("Resource", false),
        ("In use", true),
        ("Limit", true),
        ("Share", true),
        ("Warning", true),
        ("Critical", true),
        ("Full in (10 %)", true),
        ("Full in (50 %)", true),
        ("Full in (90 %)", true),
        ("Forecast", false),
    ];
    let rows = table("", &columns, rows.collect(), limit, source.clone());
    let mut pictures = vec![load_lines(&all, &source)];
    pictures.push(rows);
    Ok(pictures)
}

/// The load lines of resources. Their marks are those of most of them.
fn load_lines(all: &[&Json], source: &str) -> Block {
    let shown = &all[..all.len().min(LINES_MAX)];
    let mark = |key: &str| {
        let mut values: Vec<f64> = shown.iter().filter_map(|r| r[key].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let marks = [("warning", Severity::Warning), ("critical", Severity::Critical)];
    let traces = shown.iter().map(|r| Trace {
        name: text(r, "title").to_owned(),
        points: r["ratio"].as_f64().map(|v| (0, v)).into_iter().collect(),
        ..Trace::default()
    });
    let figure = Figure {
        title: "Load lines".to_owned(),
        description: source.to_owned(),
        kind: Kind::LoadLine,
        format: Format::of(Unit::Ratio),
        traces: traces.collect(),
        marks: marks
            .into_iter()
            .filter_map(|(key, severity)| {
                Some(Mark { at: Some(mark(key)?), is_part: false, severity, colour: None })
            })
            .collect(),
        max: Some(1.0),
        rows: Rows {
            columns: vec![("Forecast".to_owned(), false)],
            rows: shown.iter().map(|r| vec![text(r, "text").to_owned()]).collect(),
        },
        ..Figure::default()
    };
    let height = picture_height(&figure, 0.0);
    Block::Picture(Box::new(Picture {
        figure,
        sources: vec![source.to_owned()],
        width: 1.0,
        height,
    }))
}

fn top(
    section: &Section,
    key: &str,
    answers: &Answers,
    window: &Window,
) -> Result<Vec<Block>, String> {
    let (series, cut) = answers.series(&format!("{key}/top"))?;
    let format = Format::named(section.unit.as_deref().unwrap_or_default());
    let mut rows: Vec<(String, f64)> = series
        .iter()
        .filter_map(|s| {
            Some((panel::name("", &s.labels, &[]), s.last().filter(|v| v.is_finite())?))
        })
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let limit = section.limit(10);
    let left_out = rows.len().saturating_sub(limit) + cut;
    rows.truncate(limit);
    if rows.is_empty() {
        return Ok(vec![Block::Words("There is nothing of this in this time.".to_owned())]);
    }
    let source = panel::times(section.expr.as_deref().unwrap_or_default(), window);
    let cells = rows.iter().map(|(name, value)| {
        vec![Value::text(name.clone()), Value { number: Some(*value), text: format.show(*value) }]
    });
    let Block::Table { title, columns, rows, source, .. } =
        table("", &[("Series", false), ("Value", true)], cells.collect(), limit, source)
    else {
        return Ok(Vec::new());
    };
    Ok(vec![Block::Table { title, columns, rows, left_out, source }])
}

/// The range of a window as PromQL writes it.
fn range(window: &Window) -> String {
    format_duration_ms((window.span_ms() / 1000).max(1) * 1000)
}

/// A step for states over a window: about 240 of them.
fn coarse(window: &Window) -> i64 {
    (window.span_ms() / 240).clamp(15_000, 12 * HOUR_MS)
}
