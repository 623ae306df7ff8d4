//! Whether a document is a dashboard: its shape, then its sense. All problems at once, each with its place.
//!
//! An *error* keeps a dashboard from being kept; a *warning* does not: an expression that cannot be read leaves one panel
//! without data. At most [`PROBLEMS_MAX`] are told.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::parse_duration_ms;
use plimsoll_query::Features;
use serde_json::Value;

use super::interpolate::names_in;
use super::{
    COLUMNS, DOCUMENT_BYTES_MAX, Dashboard, Panel, PanelKind, Variable, VariableKind, reads,
    schema, shape,
};

/// Problems that are told of one document; people read the first few.
const PROBLEMS_MAX: usize = 100;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It cannot be kept like this.
    Error,
    /// Something of it will not work.
    Warning,
}

/// Something that is wrong with a dashboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// Where: `panels[3].queries[0].expr`.
    pub path: String,
    /// What stands there, shortened.
    pub value: String,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// Bytes of the value that are shown.
    pub(super) const VALUE_BYTES_MAX: usize = 200;
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.text, self.remedy)
    }
}

/// Problems as they are found.
#[derive(Default)]
pub(super) struct Problems {
    pub found: Vec<Problem>,
    /// Errors that were found after the list was full.
    more: bool,
}

impl Problems {
    pub fn error(&mut self, path: &str, value: &Value, text: String, remedy: impl Into<String>) {
        self.add(Level::Error, path, value, text, remedy.into());
    }

    pub fn warn(&mut self, path: &str, value: &str, text: String, remedy: impl Into<String>) {
        self.add(Level::Warning, path, &Value::from(value), text, remedy.into());
    }

    fn wrong(
        &mut self,
        path: &str,
        value: &str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Level::Error, path, &Value::from(value), text.into(), remedy.into());
    }

    fn add(&mut self, level: Level, path: &str, value: &Value, text: String, remedy: String) {
        if self.found.len() >= PROBLEMS_MAX {
            self.more |= level == Level::Error;
            return;
        }
        let value = shape::shown(value);
        self.found.push(Problem { level, path: path.to_owned(), value, text, remedy });
    }

    fn failed(&self) -> bool {
        self.more || self.found.iter().any(|p| p.level == Level::Error)
    }
}

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// The dashboard; `None` when there is an error.
    pub dashboard: Option<Dashboard>,
    /// What is wrong, in the order of the document.
    pub problems: Vec<Problem>,
}

/// Checks a dashboard that is written as JSON.
pub fn check_value(value: &Value, features: &Features) -> Checked {
    let mut problems = Problems::default();
    if !value.is_object() {
        problems.error("", value, "a dashboard is a mapping".to_owned(), "write title and panels");
        return Checked { dashboard: None, problems: problems.found };
    }
    let bytes = serde_json::to_vec(value).map_or(0, |v| v.len());
    if bytes > DOCUMENT_BYTES_MAX {
        let text = format!("{bytes} bytes; at most {DOCUMENT_BYTES_MAX}");
        problems.error("", &Value::Null, text, "split it into several dashboards");
        return Checked { dashboard: None, problems: problems.found };
    }
    shape::compare(value, &schema::DASHBOARD, "", &mut problems);
    if problems.failed() {
        return Checked { dashboard: None, problems: problems.found };
    }
    match serde_json::from_value::<Dashboard>(without_nothing(value)) {
        Ok(dashboard) => checked(dashboard, problems, features),
        Err(e) => {
            problems.error("", &Value::Null, e.to_string(), "see docs/format/dashboard.md");
            Checked { dashboard: None, problems: problems.found }
        }
    }
}

/// Keys with nothing in them count as missing, but for those of imported documents.
fn without_nothing(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, v)| !v.is_null());
            let each = |(k, v): (&String, &Value)| {
                let as_is = matches!(k.as_str(), "extra" | "grafana" | "options");
                (k.clone(), if as_is { plain_numbers(v) } else { without_nothing(v) })
            };
            Value::Object(kept.map(each).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_nothing).collect()),
        other => other.clone(),
    }
}

/// Whole numbers without a point, as YAML has them: what is written then reads back the same.
fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(x) if n.is_f64() && x.fract() == 0.0 && x.abs() < 1e15 => Value::from(x as i64),
            _ => value.clone(),
        },
        Value::Array(list) => list.iter().map(plain_numbers).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), plain_numbers(v))).collect(),
        other => other.clone(),
    }
}

/// Checks the sense of a dashboard whose shape is right.
pub fn check(dashboard: Dashboard, features: &Features) -> Checked {
    match serde_json::to_value(&dashboard) {
        Ok(value) => check_value(&value, features),
        Err(_) => checked(dashboard, Problems::default(), features),
    }
}

fn checked(mut dashboard: Dashboard, mut problems: Problems, features: &Features) -> Checked {
    if dashboard.title.trim().is_empty() {
        problems.wrong("title", "", "is empty", "say what the dashboard shows");
    }
    if !dashboard.id.is_empty() && !super::is_dashboard_id(&dashboard.id) {
        let remedy = "use a to z, 0 to 9 and -, at most 100";
        problems.wrong("id", &dashboard.id, "is no name of a dashboard", remedy);
    }
    if dashboard.refresh.is_empty() {
        "off".clone_into(&mut dashboard.refresh);
    }
    let refresh = dashboard.refresh.as_str();
    if !matches!(refresh, "live" | "off") && parse_duration_ms(refresh).is_none_or(|ms| ms < 1_000)
    {
        problems.wrong(
            "refresh",
            refresh,
            "is not understood",
            "write live, off, or 1s and longer",
        );
    }
    for (key, text) in [("time.from", &dashboard.time.from), ("time.to", &dashboard.time.to)] {
        if !is_time(text) {
            let remedy = "write now-6h, now/d, an RFC 3339 time, or ms since the epoch";
            problems.wrong(key, text, "is no time", remedy);
        }
    }
    variables(&dashboard, &mut problems, features);
    panels(&mut dashboard, &mut problems, features);
    for (i, a) in dashboard.annotations.iter().enumerate() {
        if a.kind == super::AnnotationKind::Query {
            expression(
                &dashboard,
                &a.query,
                &format!("annotations[{i}].query"),
                features,
                &mut problems,
            );
        }
    }
    links(&dashboard.links, "links", &mut problems);
    let failed = problems.failed();
    Checked { dashboard: (!failed).then_some(dashboard), problems: problems.found }
}

/// Whether a time of a dashboard is understood: `now`, `now-6h`, `now-1d/d`, `now/w`, RFC 3339, ms since the epoch.
pub fn is_time(text: &str) -> bool {
    if text.parse::<i64>().is_ok() || text.parse::<jiff::Timestamp>().is_ok() {
        return true;
    }
    let Some(rest) = text.strip_prefix("now") else { return false };
    let (offset, unit) = rest.split_once('/').unwrap_or((rest, "d"));
    let is_unit =
        |u: &str| matches!(u, "s" | "m" | "h" | "d" | "w" | "M" | "y" | "Q" | "fQ" | "fy");
    let is_offset = offset.is_empty()
        || offset.strip_prefix(['-', '+']).is_some_and(|o| {
            let digits = o.trim_end_matches(|c: char| !c.is_ascii_digit());
            !digits.is_empty()
                && digits.len() <= 6
                && (is_unit(&o[digits.len()..]) || parse_duration_ms(o).is_some())
        });
    is_offset && is_unit(unit)
}

fn variables(dashboard: &Dashboard, problems: &mut Problems, features: &Features) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let after: BTreeMap<&str, usize> =
        dashboard.variables.iter().enumerate().map(|(i, v)| (v.name.as_str(), i)).collect();
    for (i, v) in dashboard.variables.iter().enumerate() {
        let at = |key: &str| format!("variables[{i}].{key}");
        let mut chars = v.name.chars();
        let named = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named || v.name.starts_with("__") {
            let remedy = "begin with a letter; use letters, digits and _";
            problems.wrong(&at("name"), &v.name, "cannot stand in an expression", remedy);
        }
        if !seen.insert(&v.name) {
            problems.wrong(&at("name"), &v.name, "occurs twice", "rename one");
        }
        for name in names_in(&v.query).into_iter().chain(names_in(&v.regex)) {
            if name == v.name {
                problems.wrong(&at("query"), &v.query, "depends on itself", "take it out");
            } else if after.get(name.as_str()).is_some_and(|j| *j > i) {
                let text = format!("depends on ${name}, which comes after it");
                problems.warn(&at("query"), &v.query, text, format!("move {name} before it"));
            }
        }
        if let Some(Err(e)) = (!v.regex.is_empty()).then(|| super::pattern::option_regex(&v.regex))
        {
            problems.warn(&at("regex"), &v.regex, e, "write a regular expression");
        }
        let sample = |expr: &str| reads::parsed(dashboard, expr, features).map(|_| ());
        if v.kind == VariableKind::Query
            && let Err(e) = reads::VariableQuery::read(&v.query).and_then(|q| q.check(&sample))
        {
            let remedy = "write label_values(metric, label), label_values(label), label_names(), metrics(regex) or query_result(expr)";
            problems.warn(&at("query"), &v.query, e, remedy);
        }
        intervals(v, &at("query"), problems);
    }
}

fn intervals(v: &Variable, path: &str, problems: &mut Problems) {
    if v.kind != VariableKind::Interval {
        return;
    }
    for part in v.query.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let known = part == "auto" || part.contains('$') || parse_duration_ms(part).is_some();
        if !known {
            problems.warn(path, part, "is no duration".to_owned(), "write 1m,5m,1h");
        }
    }
}

fn panels(dashboard: &mut Dashboard, problems: &mut Problems, features: &Features) {
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    let panels = std::mem::take(&mut dashboard.panels);
    let mut after = Vec::with_capacity(panels.len());
    for (i, mut p) in panels.into_iter().enumerate() {
        let path = format!("panels[{i}]");
        if !seen.insert(p.id) {
            let text = format!("two panels have the number {}", p.id);
            problems.wrong(&format!("{path}.id"), &p.id.to_string(), text, "give each its own");
        }
        if p.at.x + p.at.w > COLUMNS {
            let text = format!("ends at column {}; there are {COLUMNS}", p.at.x + p.at.w);
            problems.wrong(&format!("{path}.at"), &format!("{:?}", p.at), text, "make it narrower");
        }
        queries(dashboard, &mut p, &path, problems, features);
        if let Some(repeat) = &p.repeat
            && !dashboard.variables.iter().any(|v| v.name == repeat.by)
        {
            let text = "no variable has this name".to_owned();
            problems.warn(&format!("{path}.repeat.by"), &repeat.by, text, "name a variable");
        }
        if p.min.zip(p.max).is_some_and(|(min, max)| min > max) {
            problems.wrong(&format!("{path}.max"), "", "is below min", "exchange them");
        }
        let marks: Vec<f64> = p.thresholds.iter().filter_map(|t| t.at).collect();
        if marks.windows(2).any(|w| w[0] > w[1]) {
            let remedy = "write the lowest first";
            problems.wrong(&format!("{path}.thresholds"), "", "do not rise", remedy);
        }
        if !p.matching.is_empty()
            && plimsoll_query::parse_selector(&format!("{{{}}}", p.matching)).is_err()
        {
            let remedy = "write severity=\"critical\",job=~\"api.*\"";
            problems.wrong(&format!("{path}.match"), &p.matching, "is no label filter", remedy);
        }
        for (key, text) in p.time.iter().flat_map(|t| [("from", &t.from), ("shift", &t.shift)]) {
            let plain = text.strip_prefix("now-").unwrap_or(text);
            if !text.is_empty() && !text.contains('$') && !is_time(&format!("now-{plain}")) {
                problems.wrong(&format!("{path}.time.{key}"), text, "is no duration", "write 2h");
            }
        }
        links(&p.links, &format!("{path}.links"), problems);
        after.push(p);
    }
    dashboard.panels = after;
}

fn queries(
    dashboard: &Dashboard,
    p: &mut Panel,
    path: &str,
    problems: &mut Problems,
    features: &Features,
) {
    let mut letters: BTreeSet<String> = BTreeSet::new();
    for (j, q) in p.queries.iter_mut().enumerate() {
        let at = format!("{path}.queries[{j}]");
        if q.letter.is_empty() {
            q.letter = letter(&letters);
        }
        if !letters.insert(q.letter.clone()) {
            problems.wrong(&format!("{at}.ref"), &q.letter, "occurs twice", "give each its letter");
        }
        let steps = !q.step.is_empty() && !q.step.contains('$');
        if steps && parse_duration_ms(&q.step).is_none_or(|ms| ms <= 0) {
            problems.warn(&format!("{at}.step"), &q.step, "is no duration".to_owned(), "write 1m");
        }
        expression(dashboard, &q.expr, &format!("{at}.expr"), features, problems);
    }
    if p.kind.asks() && p.queries.is_empty() {
        let text = "asks nothing".to_owned();
        problems.warn(&format!("{path}.queries"), "", text, "write an expression");
    }
    if p.kind == PanelKind::Text && p.text.is_empty() {
        problems.warn(&format!("{path}.text"), "", "is empty".to_owned(), "write Markdown");
    }
}

/// The first letter that is not taken: A to Z, then Q27 and on.
pub(crate) fn letter(taken: &BTreeSet<String>) -> String {
    let single = ('A'..='Z').map(String::from);
    let more = (27..).map(|n| format!("Q{n}"));
    single.chain(more).find(|l| !taken.contains(l)).unwrap_or_default()
}

fn expression(
    dashboard: &Dashboard,
    expr: &str,
    path: &str,
    features: &Features,
    problems: &mut Problems,
) {
    if expr.trim().is_empty() {
        problems.warn(path, expr, "is empty".to_owned(), "write an expression");
    } else if let Err(e) = reads::parsed(dashboard, expr, features) {
        problems.warn(path, expr, format!("cannot be read: {e}"), "correct the expression");
    }
}

fn links(links: &[super::Link], path: &str, problems: &mut Problems) {
    for (i, link) in links.iter().enumerate() {
        let url = link.url.trim_start();
        let scheme = url.split(['/', '?', '#', '$', '[']).next().unwrap_or_default();
        let lower = scheme.to_ascii_lowercase();
        if scheme.contains(':') && !matches!(lower.as_str(), "http:" | "https:" | "mailto:") {
            let at = format!("{path}[{i}].url");
            problems.wrong(&at, url, "leads nowhere safe", "begin with /, https:// or http://");
        }
    }
}

/// For fuzzing: any bytes, as YAML or JSON, are a dashboard or told; what is one reads back as itself.
pub fn fuzz_dashboard(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(value) = super::from_yaml(text) else { return };
    let features = Features::default();
    let Some(dashboard) = check_value(&value, &features).dashboard else { return };
    let again = super::from_yaml(&super::to_yaml(&dashboard));
    let again = again.map(|value| check_value(&value, &features).dashboard);
    assert_eq!(again, Ok(Some(dashboard)));
}
