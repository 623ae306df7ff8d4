//! From the alerts of a message to what is shown with it: asks the store and the past.
//!
//! An alert's expression is taken from its link, which own rules make and every Prometheus makes alike.
//! Queries are bounded in memory and stopped at the deadline; what fails is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{
    Budget, Cancel, Chart, DAY_MS, Grid, HOUR_MS, Labels, Level, Line, MatrixSeries, ReadCx, Role,
    Snapshot, Timestamp, Unit,
};
use plimsoll_query::{BinaryOp, Engine, Query, Value};
use plimsoll_records::Records;

use super::past::Past;
use super::subject::{Subject, narrowed};
use super::units::unit_of;
use super::{ALERTS_MAX, Asked, CAUSES_MAX, Evidence, Exhibit, Link, Reading, Shown, Symptom};
use crate::route::Notice;
use crate::route::payload::{decoded, in_query};

/// Points of a line.
const POINTS: i64 = 300;
/// Shortest window, ms.
const WINDOW_MS: i64 = 6 * HOUR_MS;
/// Longest window, ms.
const WINDOW_MS_MAX: i64 = 7 * DAY_MS;
/// Bytes that one query may hold.
const MEMORY_MAX: u64 = 64 << 20;
/// Samples that one query may read.
const SAMPLES_MAX: u64 = 5_000_000;
/// Series of an answer that are looked through for that of an alert.
const SERIES_MAX: usize = 10_000;
/// Labels that tell where an alert is, the best first.
const PLACES: [&str; 8] =
    ["instance", "host", "node", "pod", "service", "job", "device", "mountpoint"];

/// What is asked.
pub struct Inquiry<'i> {
    pub engine: &'i Engine,
    pub view: Arc<dyn Snapshot>,
    pub records: &'i dyn Records,
    pub past: &'i Past,
    pub evidence: Option<&'i dyn Evidence>,
    /// The rule of the first alert, when it is one of ours.
    pub rule: Option<OwnRule>,
    pub external_labels: &'i Labels,
    pub external_url: &'i str,
    pub now: Timestamp,
    pub cancel: Cancel,
    /// When causes have to be known, on the monotonic clock.
    pub until: Duration,
}

/// What matters of a rule of ours.
#[derive(Clone, Debug, Default)]
pub struct OwnRule {
    /// How long its condition holds before it fires, ms.
    pub for_ms: i64,
    /// The labels that it adds.
    pub labels: Vec<String>,
    /// Its thresholds with their severities, if it has several.
    pub thresholds: Vec<(String, f64)>,
}

/// The alerts of a message that are shown together: those of the rule of the first one that fires.
pub fn together(alerts: &[Notice]) -> Vec<Notice> {
    let Some(lead) = alerts.iter().find(|a| a.ends_at.is_none()).or(alerts.first()) else {
        return Vec::new();
    };
    let is_alike = |a: &&Notice| {
        a.generator_url == lead.generator_url
            && a.labels.get("alertname") == lead.labels.get("alertname")
    };
    let mut out: Vec<Notice> = alerts.iter().filter(is_alike).cloned().collect();
    out.sort_by_key(|a| a.ends_at.is_some());
    out.truncate(ALERTS_MAX);
    out
}

/// The expression of an alert's link; `None` when it has none.
pub fn expression(alert: &Notice) -> Option<String> {
    let (_, query) = alert.generator_url.split_once('?')?;
    let of = |part: &str| part.strip_prefix("expr=").or(part.strip_prefix("g0.expr=")).map(decoded);
    query.split('&').find_map(of).filter(|text| !text.is_empty())
}

impl Inquiry<'_> {
    /// What is to be shown of a message with these alerts.
    pub fn show(&self, all: &[Notice]) -> Shown {
        let alerts = together(all);
        let Some(lead) = alerts.first() else { return Shown::default() };
        let told = self.past.tell(self.records, lead, self.now);
        let names = names(&alerts);
        let mut exhibit = Exhibit {
            at: self.now,
            others: all.len() - alerts.len(),
            readings: alerts.iter().zip(&names).map(|(a, name)| reading(a, name)).collect(),
            fired_30d: told.fired,
            last: told.last,
            runbook: runbook(lead),
            ..Exhibit::default()
        };
        let chart = expression(lead)
            .and_then(|text| self.engine.parse(&text).ok())
            .and_then(|query| Subject::of(&query))
            .and_then(|subject| self.chart(&subject, &alerts, &mut exhibit));
        if let Some(evidence) = self.evidence {
            exhibit.findings = evidence.findings(&Asked {
                alerts: &alerts,
                symptom: self.symptom(lead),
                now: self.now,
                until: self.until,
                cancel: self.cancel.clone(),
                external_url: self.external_url,
            });
            exhibit.findings.causes.truncate(CAUSES_MAX);
        }
        self.link(&alerts, &mut exhibit);
        Shown { exhibit, chart }
    }

    /// What an alert looks at; `None` when its link has no expression, or that has no series.
    pub fn symptom(&self, alert: &Notice) -> Option<Symptom> {
        let query = self.engine.parse(&expression(alert)?).ok()?;
        let subject = Subject::of(&query)?;
        let labels = self.own_labels(alert);
        let owned = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Some(Symptom {
            expr: narrowed(&subject.query, &labels).expr().to_string(),
            labels: owned.collect(),
            since: alert.starts_at,
            until: alert.ends_at,
        })
    }

    fn chart(&self, subject: &Subject, alerts: &[Notice], exhibit: &mut Exhibit) -> Option<Chart> {
        let lead = alerts.first()?;
        let unit = unit_of(subject.query.expr());
        let grid = self.grid(alerts);
        let expr = subject.query.expr().to_string();
        let mut lines = Vec::new();
        for (alert, reading) in alerts.iter().zip(&mut exhibit.readings) {
            let labels = self.own_labels(alert);
            let query = narrowed(&subject.query, &labels);
            let points = self.points(&query, grid, alert);
            reading.value = newest(&points, grid);
            let before = |days: i64, role: Role, name: &str| {
                let back = days * DAY_MS;
                let earlier = if alerts.len() == 1 {
                    Grid { start: grid.start - back, end: grid.end - back, step: grid.step }
                } else {
                    Grid { start: grid.end - back, end: grid.end - back, step: grid.step }
                };
                let points = self.points(&query, earlier, alert);
                let points: Vec<_> = points.into_iter().map(|(at, v)| (at + back, v)).collect();
                (newest(&points, grid), Line { name: name.to_owned(), role, points })
            };
            let (day_ago, day) = before(1, Role::DayAgo, "a day ago");
            let (week_ago, week) = before(7, Role::WeekAgo, "a week ago");
            (reading.day_ago, reading.week_ago) = (day_ago, week_ago);
            let name = if alerts.len() == 1 { "now".to_owned() } else { reading.name.clone() };
            lines.push(Line { name, role: Role::Subject, points });
            if alerts.len() == 1 {
                lines.extend([day, week].into_iter().filter(|l| !l.points.is_empty()));
                lines.extend(self.limit(subject, &labels, grid, alert));
            }
        }
        let severity = lead.labels.get("severity").map(String::as_str);
        let (levels, condition) = self.levels(subject, unit, severity);
        exhibit.unit = unit;
        exhibit.condition = match (condition, &subject.limit) {
            (Some(condition), _) => condition,
            (None, Some((op, limit))) => format!("{} {}", op.text(), limit.expr()),
            (None, None) => String::new(),
        };
        let name = lead.labels.get("alertname").map_or("Alert", String::as_str);
        let title = match (alerts.len(), place(lead)) {
            (1, Some(place)) => format!("{name} · {place}"),
            (1, None) => name.to_owned(),
            (n, _) => format!("{name} · {n} alerts"),
        };
        let spans = alerts.iter().map(|a| (a.starts_at, a.ends_at.unwrap_or(self.now)));
        let chart = Chart {
            title,
            subtitle: expr,
            unit,
            from: grid.start,
            until: grid.end,
            step_ms: grid.step,
            lines,
            levels,
            spans: united(spans.collect()),
            is_alarming: alerts.iter().any(|a| a.ends_at.is_none()),
        };
        exhibit.caption = caption(&chart);
        (!chart.is_empty()).then_some(chart)
    }

    /// From before the beginning until now.
    fn grid(&self, alerts: &[Notice]) -> Grid {
        let first = alerts.iter().map(|a| a.starts_at).min().unwrap_or(self.now);
        let since = (self.now - first).clamp(0, WINDOW_MS_MAX);
        let for_ms = self.rule.as_ref().map_or(0, |r| r.for_ms).clamp(0, WINDOW_MS_MAX);
        let window = WINDOW_MS.max(3 * for_ms).max(since + since / 4).min(WINDOW_MS_MAX);
        let step = (window / POINTS).max(1_000);
        Grid { start: self.now - step * (window / step), end: self.now, step }
    }

    /// The labels of an alert that its series have: not those that rule and configuration add.
    fn own_labels<'a>(&self, alert: &'a Notice) -> Vec<(&'a str, &'a str)> {
        let added = |name: &str| {
            let rule = self.rule.as_ref().is_some_and(|r| r.labels.iter().any(|n| n == name));
            rule || name == "alertname" || name == "severity"
        };
        let outer = |n: &str, v: &str| self.external_labels.get(n) == Some(v);
        let all = alert.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        all.filter(|(n, v)| !added(n) && !outer(n, v)).collect()
    }

    /// The points of an alert's own series.
    fn points(&self, query: &Query, grid: Grid, alert: &Notice) -> Vec<(Timestamp, f64)> {
        let cx = self.cx();
        let answer = match self.engine.range(&self.view, query, grid, &cx) {
            Ok(answer) => answer,
            Err(e) => {
                tracing::debug!(query = query.text(), error = %e, "no chart for an alert");
                return Vec::new();
            }
        };
        let Value::Matrix(series) = answer.value else { return Vec::new() };
        let its = |s: &&MatrixSeries| {
            let agrees = |(n, v): (&str, &str)| {
                n == "__name__" || alert.labels.get(n).is_none_or(|have| have == v)
            };
            s.labels.iter().all(agrees)
        };
        let found = series.iter().take(SERIES_MAX).find(its);
        found.map_or_else(Vec::new, |s| {
            s.times.iter().copied().zip(s.floats.iter().copied()).collect()
        })
    }

    fn limit(
        &self,
        subject: &Subject,
        labels: &[(&str, &str)],
        grid: Grid,
        alert: &Notice,
    ) -> Option<Line> {
        let (op, limit) = subject.limit.as_ref()?;
        let points = self.points(&narrowed(limit, labels), grid, alert);
        let name = format!("alerts {}", op.text());
        (!points.is_empty()).then_some(Line { name, role: Role::Limit, points })
    }

    /// The levels that are drawn, and what the alert crossed.
    fn levels(
        &self,
        subject: &Subject,
        unit: Unit,
        severity: Option<&str>,
    ) -> (Vec<Level>, Option<String>) {
        let mut out: Vec<Level> = Vec::new();
        for (op, query) in &subject.levels {
            let value = match self.engine.instant(&self.view, query, self.now, &self.cx()) {
                Ok(answer) => answer.value,
                Err(_) => continue,
            };
            if let Value::Scalar(value) = value
                && value.is_finite()
            {
                out.push(Level { value, label: format!("{} {}", sign(*op), unit.show(value)) });
            }
        }
        let mut condition = out.first().map(|l| l.label.clone());
        // A rule with several severities has a line for each; its expression has the first of them.
        let op = subject.levels.first().map(|(op, _)| sign(*op)).unwrap_or_default();
        let known = self.rule.iter().flat_map(|r| &r.thresholds).filter(|(s, _)| !s.is_empty());
        for (name, value) in known {
            let short = format!("{op} {}", unit.show(*value)).trim_start().to_owned();
            if severity == Some(name) {
                condition = Some(short.clone());
            }
            let label = format!("{name} {short}");
            match out.iter_mut().find(|l| l.value == *value) {
                Some(same) => same.label = label,
                None => out.push(Level { value: *value, label }),
            }
        }
        (out, condition)
    }

    fn cx(&self) -> ReadCx {
        let mut cx = ReadCx::with_budget(Budget::new(MEMORY_MAX, SAMPLES_MAX));
        cx.cancel = self.cancel.clone();
        cx
    }

    fn link(&self, alerts: &[Notice], exhibit: &mut Exhibit) {
        let base = self.external_url;
        let mut links = Vec::new();
        if !exhibit.runbook.is_empty() {
            links.push(Link { title: "Runbook".to_owned(), url: exhibit.runbook.clone() });
        }
        let Some(lead) = alerts.first() else { return };
        let subject = expression(lead)
            .and_then(|text| self.engine.parse(&text).ok())
            .and_then(|query| Subject::of(&query));
        if let Some(subject) = subject {
            let grid = self.grid(alerts);
            let query = match alerts {
                [only] => narrowed(&subject.query, &self.own_labels(only)),
                _ => subject.query,
            };
            let expr = in_query(&query.expr().to_string());
            let url = format!("{base}/explore?expr={expr}&from={}&to={}", grid.start, grid.end);
            links.push(Link { title: "Chart".to_owned(), url });
        }
        let (title, url) = match alerts {
            [only] => ("Alert", format!("{base}/alerts/{:016x}", only.fingerprint())),
            _ => ("Alerts", format!("{base}/alerts")),
        };
        links.push(Link { title: title.to_owned(), url });
        if !lead.generator_url.is_empty() {
            links.push(Link { title: "Rule".to_owned(), url: lead.generator_url.clone() });
        }
        exhibit.links = links;
    }
}

/// A comparison as people write it.
const fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::GreaterEqual => "≥",
        BinaryOp::LessEqual => "≤",
        BinaryOp::Equal => "=",
        BinaryOp::NotEqual => "≠",
        BinaryOp::Less => "<",
        _ => ">",
    }
}

fn reading(alert: &Notice, name: &str) -> Reading {
    Reading {
        name: name.to_owned(),
        fingerprint: alert.fingerprint(),
        value: None,
        day_ago: None,
        week_ago: None,
        since: alert.starts_at,
        until: alert.ends_at,
    }
}

/// The value at the end of the window, if there is one about then.
fn newest(points: &[(Timestamp, f64)], grid: Grid) -> Option<f64> {
    let (at, value) = *points.last()?;
    (grid.end - at <= 2 * grid.step && value.is_finite()).then_some(value)
}

/// Where to read what to do.
fn runbook(alert: &Notice) -> String {
    let mut found = ["runbook_url", "runbook"].iter().filter_map(|n| alert.annotations.get(*n));
    let is_link = |text: &&String| text.starts_with("http://") || text.starts_with("https://");
    found.find(is_link).cloned().unwrap_or_default()
}

fn place(alert: &Notice) -> Option<String> {
    PLACES.iter().find_map(|n| alert.labels.get(*n)).cloned()
}

/// What tells each alert from the others: the values of labels in which they differ.
fn names(alerts: &[Notice]) -> Vec<String> {
    let all: BTreeSet<&String> = alerts.iter().flat_map(|a| a.labels.keys()).collect();
    let differ = |name: &&&String| {
        let values: BTreeSet<_> = alerts.iter().map(|a| a.labels.get(**name)).collect();
        values.len() > 1
    };
    let differing: Vec<&String> = all.iter().filter(|n| differ(n)).copied().collect();
    let one = |labels: &BTreeMap<String, String>| {
        let values: Vec<&str> =
            differing.iter().filter_map(|n| labels.get(*n)).map(String::as_str).collect();
        values.join(" ")
    };
    alerts.iter().map(|a| one(&a.labels)).collect()
}

/// Spans without overlaps.
fn united(mut spans: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut out: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in spans {
        match out.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = last.1.max(until),
            None => out.push((from, until)),
        }
    }
    out
}

fn caption(chart: &Chart) -> String {
    let mut out = format!("Chart of {} over ", chart.subtitle);
    out.push_str(&plimsoll_model::show_duration_ms(chart.until - chart.from));
    if let Some(value) = chart.newest() {
        out.push_str(&format!(", now {}", chart.unit.show(value)));
    }
    for level in &chart.levels {
        out.push_str(&format!(", alerts {}", level.label));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expression_is_in_the_link() {
        let of =
            |url: &str| expression(&Notice { generator_url: url.to_owned(), ..Notice::default() });
        assert_eq!(of("http://x/explore?expr=a%20%2B%20b"), Some("a + b".to_owned()));
        assert_eq!(of("http://p:9090/graph?g0.expr=a+%3E+1&g0.tab=1"), Some("a > 1".to_owned()));
        assert_eq!(of("http://x/graph"), None);
        assert_eq!(of(""), None);
        assert_eq!(of("http://x/?expr="), None);
        assert!(of("http://x/?expr=%zz%2").is_some());
    }

    #[test]
    fn alerts_are_called_by_what_differs() {
        let alert = |pairs: &[(&str, &str)]| Notice {
            labels: pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            ..Notice::default()
        };
        let all = [
            alert(&[("alertname", "A"), ("instance", "a"), ("job", "x")]),
            alert(&[("alertname", "A"), ("instance", "b"), ("job", "x"), ("device", "sda")]),
        ];
        assert_eq!(names(&all), ["a", "sda b"]);
        assert_eq!(names(&all[..1]), [""]);
    }

    #[test]
    fn overlapping_spans_are_one() {
        assert_eq!(united(vec![(5, 9), (1, 3), (2, 6), (20, 30)]), [(1, 9), (20, 30)]);
    }
}
