//! How much of the time targets were up, beside what was promised.
//!
//! Of each target: the share of its scrapes that succeeded. Time before its first sample does not count.

use plimsoll_model::{Unit, show_duration_ms};

use super::{ROWS, coarse, range, table};
use crate::figure::{Figure, Format, Kind, Mark, Severity, Trace};
use crate::report::ask::{Answers, Need, Series, What};
use crate::report::blocks::{Block, Fact, Picture, Value};
use crate::report::definition::Section;
use crate::report::panel;
use crate::report::period::Window;

/// What says whether a target is up: 1 or 0.
const UP: &str = "up";
/// Rows of the picture.
const STATES_MAX: usize = 30;

fn queries(section: &Section, window: &Window) -> [String; 3] {
    let expr = panel::times(section.expr.as_deref().unwrap_or(UP), window);
    let range = range(window);
    // A subquery, unless it is a plain selector.
    let is_plain = expr.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
        || (expr.ends_with('}') && expr.matches('{').count() == 1 && !expr.contains('('));
    let over = if is_plain { format!("{expr}[{range}]") } else { format!("({expr})[{range}:15s]") };
    [format!("avg_over_time({over})"), format!("count_over_time({over})"), expr]
}

/// What it asks.
pub fn needs(section: &Section, key: &str, window: &Window) -> Vec<Need> {
    let [share, count, up] = queries(section, window);
    let query = |name: &str, expr, from, step_ms| Need {
        key: format!("{key}/{name}"),
        what: What::Query { expr, from, until: window.until, step_ms, series_max: 1_000 },
    };
    vec![
        query("share", share, window.until, coarse(window)),
        query("count", count, window.until, coarse(window)),
        query("up", up, window.from, coarse(window)),
    ]
}

/// What it shows.
pub fn blocks(
    section: &Section,
    key: &str,
    answers: &Answers,
    window: &Window,
) -> Result<Vec<Block>, String> {
    let (shares, _) = answers.series(&format!("{key}/share"))?;
    let (counts, _) = answers.series(&format!("{key}/count"))?;
    let (states, _) = answers.series(&format!("{key}/up"))?;
    if shares.is_empty() {
        return Ok(vec![Block::Words("No target was watched in this time.".to_owned())]);
    }
    let [source, _, state_source] = queries(section, window);
    let plain = |s: &Series| -> Vec<(String, String)> {
        s.labels.iter().filter(|(n, _)| n != "__name__").cloned().collect()
    };
    let mut all: Vec<Target> = shares
        .iter()
        .filter_map(|s| {
            let labels = plain(s);
            let count = counts.iter().find(|c| plain(c) == labels).and_then(Series::last);
            let seen = states.iter().find(|c| plain(c) == labels);
            let first = seen.and_then(|s| s.points.first()).map_or(window.until, |(at, _)| *at);
            let share = s.last().filter(|v| v.is_finite())?;
            let watched_ms = (window.until - first + coarse(window)).clamp(0, window.span_ms());
            Some(Target { name: name(&labels), share, count: count.unwrap_or(0.0), watched_ms })
        })
        .collect();
    all.sort_by(|a, b| a.share.total_cmp(&b.share).then_with(|| a.name.cmp(&b.name)));
    let mut out = vec![facts(section, &all, &source)];
    out.extend(picture(states, window, &state_source));
    out.push(rows(section, &all, source));
    Ok(out)
}

/// A target and how it was.
struct Target {
    name: String,
    share: f64,
    count: f64,
    watched_ms: i64,
}

impl Target {
    fn down_ms(&self) -> f64 {
        (1.0 - self.share).max(0.0) * self.watched_ms as f64
    }
}

fn name(labels: &[(String, String)]) -> String {
    let of = |wanted: &str| labels.iter().find(|(n, _)| n == wanted).map(|(_, v)| v.as_str());
    match (of("job"), of("instance")) {
        (Some(job), Some(instance)) if labels.len() == 2 => format!("{job} on {instance}"),
        _ => panel::name("", labels, &[]),
    }
}

fn lasting(ms: f64) -> Value {
    Value { number: Some(ms / 1e3), text: show_duration_ms(ms.clamp(0.0, 9e15) as i64) }
}

fn facts(section: &Section, all: &[Target], source: &str) -> Block {
    let scrapes: f64 = all.iter().map(|t| t.count).sum();
    let good: f64 = all.iter().map(|t| t.count * t.share).sum();
    let overall = if scrapes > 0.0 { good / scrapes } else { f64::NAN };
    let fact =
        |label: &str, value: Value, source: String| Fact { label: label.to_owned(), value, source };
    let mut facts = vec![
        fact(
            "Availability of all",
            Value::share(overall),
            format!("mean over all looks of {source}"),
        ),
        fact("Targets", Value::count(all.len() as u64), source.to_owned()),
    ];
    if let Some(worst) = all.first() {
        facts.push(fact("Lowest", Value::share(worst.share), format!("min({source})")));
    }
    if let Some(target) = section.target {
        let kept = all.iter().filter(|t| t.share >= target).count();
        facts.push(fact("Promised", Value::share(target), "the report".to_owned()));
        let text = format!("{kept} of {}", all.len());
        facts.push(fact("Kept it", Value::text(text), format!("count({source} >= {target})")));
    }
    Block::Facts(facts)
}

fn picture(states: &[Series], window: &Window, source: &str) -> Option<Block> {
    let is_whole = |s: &Series| s.points.iter().all(|(_, v)| *v >= 1.0);
    // All well is said by the table; the room is for those that were down.
    let mut shown: Vec<&Series> = states.iter().filter(|s| !is_whole(s)).collect();
    shown.truncate(STATES_MAX);
    if shown.is_empty() {
        return None;
    }
    let traces = shown.iter().map(|s| {
        let labels: Vec<_> = s.labels.iter().filter(|(n, _)| n != "__name__").cloned().collect();
        Trace { name: name(&labels), points: s.points.clone(), ..Trace::default() }
    });
    let figure = Figure {
        title: "Targets that were down".to_owned(),
        description: source.to_owned(),
        kind: Kind::StateTimeline,
        format: Format::of(Unit::Plain),
        from: window.from,
        until: window.until,
        step_ms: coarse(window),
        zone: window.zone.clone(),
        traces: traces.collect(),
        marks: vec![
            Mark { at: None, is_part: false, severity: Severity::Critical, colour: None },
            Mark { at: Some(1.0), is_part: false, severity: Severity::Ok, colour: None },
        ],
        ..Figure::default()
    };
    let height = super::picture_height(&figure, 0.0);
    Some(Block::Picture(Box::new(Picture {
        figure,
        sources: vec![source.to_owned()],
        width: 1.0,
        height,
    })))
}

fn rows(section: &Section, all: &[Target], source: String) -> Block {
    let rows = all.iter().map(|t| {
        let mut row = vec![
            Value::text(t.name.clone()),
            Value::share(t.share),
            lasting(t.down_ms()),
            lasting(t.watched_ms as f64),
            Value::number(t.count, Unit::Plain),
            Value::number((t.count * (1.0 - t.share)).round().max(0.0), Unit::Plain),
        ];
        if let Some(target) = section.target {
            let allowed = (1.0 - target) * t.watched_ms as f64;
            row.push(lasting(allowed));
            row.push(Value::text(if t.share >= target { "kept" } else { "broken" }));
        }
        row
    });
    let mut columns = vec![
        ("Target", false),
        ("Availability", true),
        ("Down for", true),
        ("Watched for", true),
        ("Looks", true),
        ("Failed", true),
    ];
    if section.target.is_some() {
        columns.extend([("Allowed", true), ("Promise", false)]);
    }
    table("", &columns, rows.collect(), section.limit(ROWS), source)
}
