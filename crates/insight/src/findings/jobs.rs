//! Analysis jobs: what people want analysed, as configuration (`analysis.jobs`).
//!
//! A job names metrics (selectors or expressions), how samples become points (aggregation over a
//! window), how often, and what is looked for. [`read`] checks all of it: every problem with line, key,
//! what was found and what is allowed. [`run::evaluate`] is one look at one time, the same when it runs
//! and when it is replayed over history ([`replay`]).
//!
//! Limits: [`JOBS_MAX`] jobs, [`METRICS_MAX`] metrics of each.

pub(crate) mod calendar;
pub(crate) mod replay;
pub(crate) mod run;

use std::collections::BTreeSet;

use plimsoll_model::written::{Fields, Node, Problems, Value, parse};
use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_duration_ms};
use plimsoll_query::{Expr, Features, Query, ValueType};

pub use calendar::Calendar;

/// Jobs of one configuration.
pub const JOBS_MAX: usize = 200;
/// Metrics of one job.
pub const METRICS_MAX: usize = 20;
/// Points that a job may ask for of each series.
pub(crate) const POINTS_MAX: i64 = 5_000;

/// How the samples of a window become one point.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregation {
    /// Mean.
    Avg,
    /// Sum.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// How many samples.
    Count,
    /// The newest sample.
    Last,
    /// The value at the beginning of the window.
    First,
    /// Standard deviation.
    Stddev,
    /// A quantile.
    Quantile(f64),
    /// Increase per second of a counter.
    Rate,
    /// Increase of a counter.
    Increase,
    /// How many different values the series of a metric have; of a label, where one is named.
    Distinct(Option<String>),
    /// Mean, of the series with the greatest means over the time that is looked at only: so many.
    TopK(usize),
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Change per hour.
    Trend,
    /// How unusual the newest point is, 0..=1.
    Anomaly,
    /// The value at the horizon.
    Forecast,
    /// The level now by the level some time ago.
    Compare,
    /// How strongly it repeats, 0..=1.
    Season,
}

impl What {
    const ALL: [Self; 5] =
        [Self::Trend, Self::Anomaly, Self::Forecast, Self::Compare, Self::Season];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Anomaly => "anomaly",
            Self::Forecast => "forecast",
            Self::Compare => "compare",
            Self::Season => "season",
        }
    }
}

/// A bound on the result of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Found when above the bound; otherwise when below.
    pub above: bool,
    /// The bound.
    pub value: f64,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name, unique.
    pub name: String,
    /// What it reads, as written.
    pub metrics: Vec<String>,
    /// The queries that give its points, one a metric.
    pub queries: Vec<String>,
    /// Time between two looks, ms; also the distance of points.
    pub interval_ms: i64,
    /// What is looked for.
    pub what: What,
    /// How far back, ms.
    pub over_ms: i64,
    /// How far ahead a forecast looks, ms.
    pub horizon_ms: i64,
    /// How long ago the other period of a comparison was, ms.
    pub against_ms: i64,
    /// Results outside of these are findings.
    pub alerts: Vec<Bound>,
    /// Of so many series with the greatest means only.
    pub top: Option<usize>,
    /// How much time a point covers, ms.
    pub window_ms: i64,
    /// When its samples count; always without one.
    pub calendar: Option<Calendar>,
}

const AGGREGATIONS: [&str; 13] = [
    "avg", "sum", "min", "max", "count", "last", "first", "stddev", "quantile", "rate", "increase",
    "distinct", "top-k",
];

/// Reads a text that has `jobs`, or `analysis.jobs` in a whole configuration.
///
/// # Errors
/// Every problem.
pub fn read_text(
    file: &str,
    text: &str,
    features: &Features,
) -> Result<Vec<Job>, Vec<plimsoll_model::written::Problem>> {
    let root = parse(file, text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let find = |node: &Node, key: &str| match &node.value {
        Value::Map(entries) => entries.iter().find(|(k, ..)| k == key).map(|(.., n)| n.clone()),
        _ => None,
    };
    let jobs = match find(&root, "jobs") {
        Some(_) => {
            let mut fields = Fields::of(&root, "", &mut problems);
            let node = fields.take("jobs").cloned();
            fields.finish(&mut problems);
            node.map_or_else(Vec::new, |n| read(&n, "jobs", features, &mut problems))
        }
        None => match find(&root, "analysis").and_then(|a| find(&a, "jobs")) {
            Some(node) => read(&node, "analysis.jobs", features, &mut problems),
            None => {
                problems.add(root.line, "", "neither jobs nor analysis.jobs is there");
                Vec::new()
            }
        },
    };
    problems.into_result(jobs)
}

/// Reads the list of jobs; what is wrong is noted in `problems`.
pub fn read(node: &Node, path: &str, features: &Features, problems: &mut Problems) -> Vec<Job> {
    let nodes = match &node.value {
        Value::Null => return Vec::new(),
        Value::List(nodes) => nodes,
        _ => {
            problems.add(node.line, path, format!("{} where a list is wanted", node.kind()));
            return Vec::new();
        }
    };
    if nodes.len() > JOBS_MAX {
        problems.add(node.line, path, format!("{} jobs; at most {JOBS_MAX} are run", nodes.len()));
    }
    let (mut jobs, mut names) = (Vec::new(), BTreeSet::new());
    for (i, node) in nodes.iter().take(JOBS_MAX).enumerate() {
        let path = format!("{path}[{i}]");
        if let Some(job) = one(node, &path, features, problems) {
            if !names.insert(job.name.clone()) {
                let message = format!("{:?} is the name of another job", job.name);
                problems.add(node.line, format!("{path}.name"), message);
            }
            jobs.push(job);
        }
    }
    jobs
}

fn one(node: &Node, path: &str, features: &Features, problems: &mut Problems) -> Option<Job> {
    let before = problems.found.len();
    let mut fields = Fields::of(node, path, problems);
    let name = fields.text("name", problems).unwrap_or_default();
    if name.is_empty() || name.len() > 200 {
        problems.add(node.line, fields.path("name"), "a name of 1 to 200 bytes is wanted");
    }
    let length = |fields: &mut Fields<'_>, key, default, most: i64, problems: &mut Problems| {
        let line = fields.line();
        let ms = fields.duration_ms(key, problems).unwrap_or(default);
        if !(SECOND_MS..=most).contains(&ms) {
            let most = format_duration_ms(most);
            problems.add(line, fields.path(key), format!("must be between 1s and {most}"));
        }
        ms
    };
    let interval_ms = length(&mut fields, "interval", 5 * MINUTE_MS, DAY_MS, problems);
    let window_ms = length(&mut fields, "window", interval_ms, 90 * DAY_MS, problems);
    let what = fields.read("what", problems, |n| {
        let text = n.text().unwrap_or_default();
        What::ALL.into_iter().find(|w| w.as_str() == text).ok_or_else(|| {
            let names = What::ALL.map(What::as_str).join(", ");
            format!("{text:?} is unknown; there are {names}")
        })
    });
    let what = what.unwrap_or(What::Anomaly);
    let usual = match what {
        What::Trend => 6 * HOUR_MS,
        What::Compare => HOUR_MS,
        What::Anomaly | What::Forecast => (1_000 * interval_ms).min(14 * DAY_MS),
        What::Season => 21 * DAY_MS,
    };
    let over_ms = length(&mut fields, "over", usual, 365 * DAY_MS, problems);
    let horizon_ms = length(&mut fields, "horizon", DAY_MS, 365 * DAY_MS, problems);
    let against_ms = length(&mut fields, "against", 7 * DAY_MS, 365 * DAY_MS, problems);
    let step_ms = step_of(interval_ms, what);
    if over_ms / step_ms.max(1) > POINTS_MAX {
        let message = format!(
            "{} are {} points; at most {POINTS_MAX} are looked at: take a longer interval",
            format_duration_ms(over_ms),
            over_ms / step_ms.max(1)
        );
        problems.add(node.line, fields.path("over"), message);
    }
    let aggregation = aggregation(&mut fields, problems);
    let top = match aggregation {
        Aggregation::TopK(k) => Some(k),
        _ => None,
    };
    let metrics = fields.texts("metrics", problems);
    if metrics.is_empty() || metrics.len() > METRICS_MAX {
        let message = format!("{} metrics; 1 to {METRICS_MAX} are wanted", metrics.len());
        problems.add(node.line, fields.path("metrics"), message);
    }
    let mut queries = Vec::new();
    for (i, metric) in metrics.iter().enumerate() {
        match points_of(metric, &aggregation, window_ms, features) {
            Ok(query) => queries.push(query),
            Err(message) => {
                problems.add(node.line, format!("{path}.metrics[{i}]"), message);
            }
        }
    }
    let mut alerts = Vec::new();
    for (i, node) in fields.list("alerts", problems).iter().enumerate() {
        alerts.extend(bound(node, &format!("{path}.alerts[{i}]"), problems));
    }
    let calendar = fields
        .take("calendar")
        .map(|node| Calendar::read(node, &fields.path("calendar"), problems));
    if let Some(calendar) = &calendar {
        let key = fields.path("calendar");
        if matches!(what, What::Forecast | What::Season) {
            let message = format!("not with what: {}, which needs all hours", what.as_str());
            problems.add(node.line, key.clone(), message);
        }
        if window_ms > calendar.stretch_ms() {
            let stretch = format_duration_ms(calendar.stretch_ms());
            problems.add(node.line, key, format!("its hours last {stretch}, the window is longer"));
        }
    }
    fields.finish(problems);
    (problems.found.len() == before).then_some(Job {
        name,
        metrics,
        queries,
        interval_ms,
        what,
        over_ms,
        horizon_ms,
        against_ms,
        alerts,
        top,
        window_ms,
        calendar,
    })
}

/// Distance of the points of a job: seasons of days do not need each minute.
pub(crate) fn step_of(interval_ms: i64, what: What) -> i64 {
    if what == What::Season { interval_ms.max(HOUR_MS) } else { interval_ms }
}

fn aggregation(fields: &mut Fields<'_>, problems: &mut Problems) -> Aggregation {
    let line = fields.line();
    let key = fields.path("quantile");
    let quantile = fields.read("quantile", problems, |n| {
        let text = n.text().unwrap_or_default();
        let q = text.parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q));
        q.ok_or_else(|| format!("{text:?} is not a number from 0 to 1"))
    });
    let name = fields.read("aggregation", problems, |n| {
        let text = n.text().unwrap_or_default();
        let found = AGGREGATIONS.into_iter().find(|a| *a == text);
        found.ok_or_else(|| format!("{text:?} is unknown; there are {}", AGGREGATIONS.join(", ")))
    });
    if quantile.is_some() && name != Some("quantile") {
        problems.add(line, key.clone(), "stands only with aggregation: quantile");
    }
    let (k, label) = (fields.int("k", 1..=100, problems), fields.text("label", problems));
    if k.is_some() && name != Some("top-k") {
        problems.add(line, fields.path("k"), "stands only with aggregation: top-k");
    }
    if label.is_some() && name != Some("distinct") {
        problems.add(line, fields.path("label"), "stands only with aggregation: distinct");
    }
    let is_word = |l: &String| {
        let word = l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        word && l.bytes().next().is_some_and(|b| !b.is_ascii_digit())
    };
    if let Some(label) = label.as_ref().filter(|l| !is_word(l)) {
        problems.add(line, fields.path("label"), format!("{label:?} is no name of a label"));
    }
    match name.unwrap_or("avg") {
        "sum" => Aggregation::Sum,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "count" => Aggregation::Count,
        "last" => Aggregation::Last,
        "first" => Aggregation::First,
        "stddev" => Aggregation::Stddev,
        "rate" => Aggregation::Rate,
        "increase" => Aggregation::Increase,
        "distinct" => Aggregation::Distinct(label.filter(is_word)),
        "top-k" => {
            if k.is_none() {
                let message = "is wanted with aggregation: top-k: how many series";
                problems.add(line, fields.path("k"), message);
            }
            Aggregation::TopK(k.map_or(1, |k| usize::try_from(k).unwrap_or(1)))
        }
        "quantile" => {
            if quantile.is_none() {
                problems.add(line, key, "is wanted with aggregation: quantile, such as 0.95");
            }
            Aggregation::Quantile(quantile.unwrap_or(0.5))
        }
        _ => Aggregation::Avg,
    }
}

fn bound(node: &Node, path: &str, problems: &mut Problems) -> Option<Bound> {
    let mut fields = Fields::of(node, path, problems);
    let mut number = |key, problems: &mut Problems| {
        fields.read(key, problems, |n| {
            let text = n.text().unwrap_or_default();
            let x = text.parse::<f64>().ok().filter(|x| x.is_finite());
            x.ok_or_else(|| format!("{text:?} is not a finite number"))
        })
    };
    let (above, below) = (number("above", problems), number("below", problems));
    fields.finish(problems);
    match (above, below) {
        (Some(value), None) => Some(Bound { above: true, value }),
        (None, Some(value)) => Some(Bound { above: false, value }),
        (Some(_), Some(_)) => {
            problems.add(node.line, path, "has above and below; write two entries");
            None
        }
        (None, None) => {
            problems.add(node.line, path, "above or below is wanted");
            None
        }
    }
}

/// The query that gives the points of a metric.
fn points_of(
    metric: &str,
    aggregation: &Aggregation,
    window_ms: i64,
    features: &Features,
) -> Result<String, String> {
    let parsed = Query::parse(metric, features).map_err(|e| e.to_string())?;
    if parsed.expr().value_type() != ValueType::InstantVector {
        let kind = parsed.expr().value_type().name();
        return Err(format!("a {kind} where an instant vector is wanted"));
    }
    let window = format_duration_ms(window_ms);
    let plain = match parsed.expr().unwrap_paren() {
        Expr::Vector(s) => s.modifiers.at.is_none() && s.modifiers.offset.is_none(),
        _ => false,
    };
    let range = if plain {
        format!("{metric}[{window}]")
    } else {
        let step = format_duration_ms((window_ms / 20).clamp(SECOND_MS, HOUR_MS));
        format!("({metric})[{window}:{step}]")
    };
    let over = |function: &str| format!("{function}_over_time({range})");
    let query = match aggregation {
        Aggregation::Avg | Aggregation::TopK(_) => over("avg"),
        Aggregation::Distinct(None) => format!("count(count_values(\"value\", {}))", over("last")),
        Aggregation::Distinct(Some(label)) => {
            format!("count(count by ({label}) ({}))", over("last"))
        }
        Aggregation::Sum => over("sum"),
        Aggregation::Min => over("min"),
        Aggregation::Max => over("max"),
        Aggregation::Count => over("count"),
        Aggregation::Last => over("last"),
        Aggregation::Stddev => over("stddev"),
        Aggregation::Quantile(q) => format!("quantile_over_time({q}, {range})"),
        // Of the language without switches: the newest value at the beginning of the window.
        Aggregation::First if plain => format!("{metric} offset {window}"),
        Aggregation::First => format!("last_over_time(({metric})[1m:1m] offset {window})"),
        Aggregation::Rate | Aggregation::Increase if !plain => {
            return Err("rate and increase want a selector, not an expression".to_owned());
        }
        Aggregation::Rate => format!("rate({range})"),
        Aggregation::Increase => format!("increase({range})"),
    };
    Query::parse(&query, features).map_err(|e| e.to_string())?;
    Ok(query)
}

/// A target of fuzzing: any bytes are jobs or problems, never a panic.
pub fn fuzz_jobs(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_text("fuzz", text, &Features::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match read_text("j.yml", text, &Features::default()) {
            Ok(_) => Vec::new(),
            Err(all) => all.iter().map(ToString::to_string).collect(),
        }
    }

    const GOOD: &str = "jobs:\n  - name: load\n    metrics: [node_load1, 'sum by (job) (up)']\n    \
        interval: 1m\n    window: 5m\n    aggregation: quantile\n    quantile: 0.9\n    what: trend\n    \
        over: 3h\n    calendar:\n      time_zone: UTC\n      hours: 08:00-18:00\n    alerts:\n      - above: 2\n      - below: -2\n";

    #[test]
    fn a_job_is_read_and_its_queries_are_promql() {
        let jobs = read_text("j.yml", GOOD, &Features::default()).unwrap();
        assert_eq!(jobs[0].queries[0], "quantile_over_time(0.9, node_load1[5m])");
        assert_eq!(jobs[0].queries[1], "quantile_over_time(0.9, (sum by (job) (up))[5m:15s])");
        assert_eq!((jobs[0].what, jobs[0].over_ms), (What::Trend, 3 * HOUR_MS));
        assert_eq!(jobs[0].alerts.len(), 2);
        let whole = format!("analysis:\n  {}", GOOD.replace('\n', "\n  "));
        assert_eq!(read_text("p.yml", &whole, &Features::default()).unwrap(), jobs);
        for name in AGGREGATIONS {
            let text = format!(
                "jobs:\n  - name: x\n    metrics: ['a{{b=\"c\"}}']\n    aggregation: {name}\n{}",
                match name {
                    "quantile" => "    quantile: 0.5\n",
                    "top-k" => "    k: 5\n",
                    _ => "",
                }
            );
            assert_eq!(problems(&text), [] as [&str; 0], "{name}");
        }
    }

    #[test]
    fn distinct_top_and_calendars_are_read() {
        let text = "jobs:\n  - {name: a, metrics: [app_info], aggregation: distinct, label: version}\n  \
            - {name: b, metrics: ['rate(x[5m])'], aggregation: top-k, k: 3, calendar: {hours: 09:00-17:00}}\n  \
            - {name: c, metrics: [y], aggregation: distinct, window: 1m}\n";
        let jobs = read_text("j.yml", text, &Features::default()).unwrap();
        assert_eq!(jobs[0].queries, ["count(count by (version) (last_over_time(app_info[5m])))"]);
        assert_eq!((jobs[1].top, jobs[1].calendar.is_some()), (Some(3), true));
        assert_eq!(jobs[2].queries, ["count(count_values(\"value\", last_over_time(y[1m])))"]);
        let wrong = "jobs:\n  - {name: a, metrics: [x], aggregation: distinct, label: 'a b', k: 3}\n  \
            - {name: b, metrics: [x], aggregation: top-k, label: z}\n  \
            - {name: c, metrics: [x], aggregation: top-k, k: 0}\n  \
            - {name: d, metrics: [x], what: season, calendar: {days: [mon]}}\n  \
            - {name: e, metrics: [x], window: 9h, calendar: {hours: 09:00-17:00, days: [monday]}}\n";
        let found = problems(wrong);
        let has =
            |part: &str| assert!(found.iter().any(|p| p.contains(part)), "{part}: {found:#?}");
        has("jobs[0].label: \"a b\" is no name of a label");
        has("jobs[0].k: stands only with aggregation: top-k");
        has("jobs[1].label: stands only with aggregation: distinct");
        has("jobs[1].k: is wanted with aggregation: top-k");
        has("jobs[2].k: 0 is not a whole number from 1 to 100");
        has("jobs[3].calendar: not with what: season");
        has("jobs[4].calendar: its hours last 8h, the window is longer");
        has("jobs[4].calendar.days[0]: \"monday\" is neither a day nor a range of days");
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let text = "jobs:\n  - name: a\n    metrics: ['up{', '\"text\"', up]\n    what: magic\n    \
            interval: 0s\n    aggregation: median\n    alert: []\n  - name: a\n    metrics: ['sum(up)']\n    \
            aggregation: rate\n    alerts: [{above: x}, {}, {above: 1, below: 2}]\n    quantile: 3\n    \
            over: 300d\n  - metrics: []\n  - 7\n";
        let found = problems(text);
        let has =
            |part: &str| assert!(found.iter().any(|p| p.contains(part)), "{part}: {found:#?}");
        has("j.yml line 2: jobs[0].metrics[0]: ");
        has("jobs[0].metrics[1]: a string where an instant vector is wanted");
        has(
            "jobs[0].what: \"magic\" is unknown; there are trend, anomaly, forecast, compare, season",
        );
        has("jobs[0].interval: must be between 1s and 1d");
        has("jobs[0].aggregation: \"median\" is unknown; there are avg");
        has("jobs[0].alert: unknown key; did you mean alerts?");
        has("jobs[1].metrics[0]: rate and increase want a selector");
        has("jobs[1].alerts[0].above: \"x\" is not a finite number");
        has("jobs[1].alerts[1]: above or below is wanted");
        has("jobs[1].alerts[2]: has above and below");
        has("jobs[1].quantile: \"3\" is not a number from 0 to 1");
        has("jobs[1].over: ");
        has("jobs[2].name: a name of 1 to 200 bytes");
        has("jobs[2].metrics: 0 metrics; 1 to 20 are wanted");
        has("jobs[3]: a number where a mapping is wanted");
        let twice = "jobs:\n  - {name: a, metrics: [up]}\n  - {name: a, metrics: [up]}\n";
        assert!(problems(twice)[0].contains("\"a\" is the name of another job"));
        assert!(problems("job: []\n")[0].contains("neither jobs nor analysis.jobs"));
        assert!(problems("jobs: 7\n")[0].contains("a number where a list is wanted"));
        assert_eq!(problems("jobs:\n"), [] as [&str; 0]);
    }

    #[test]
    fn any_bytes_are_jobs_or_problems() {
        let mut seed = 7_u64;
        let mut next = |n: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        for _ in 0..2_000 {
            let mut bytes = GOOD.as_bytes().to_vec();
            for _ in 0..1 + next(6) {
                let at = next(bytes.len());
                match next(3) {
                    0 => bytes[at] = next(256) as u8,
                    1 => drop(bytes.drain(at..(at + next(9)).min(bytes.len()))),
                    _ => bytes.insert(at, b"[]{}:'\"\n -0"[next(11)]),
                }
                if bytes.is_empty() {
                    bytes.push(b'a');
                }
            }
            fuzz_jobs(&bytes);
        }
    }
}
