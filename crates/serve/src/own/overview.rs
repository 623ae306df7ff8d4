//! The overview document: health at a glance, load lines, alerts, processes, targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::{AlertState, GroupView};
use plimsoll_collect::Status;
use plimsoll_collect::scrape;
use serde::Serialize;

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Alerts of the document.
const ALERTS_MAX: usize = 200;

/// A bounded resource with its load line.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceDoc {
    /// `disk:/`, `memory`, …
    pub id: String,
    /// For people.
    pub title: String,
    /// The unit of `used` and `limit`.
    pub unit: String,
    /// What is used now.
    pub used: f64,
    /// What there is.
    pub limit: f64,
    /// `used / limit`.
    pub ratio: f64,
    /// The mark from which it is a warning, as a ratio.
    pub warning: f64,
    /// The mark from which it is critical, as a ratio.
    pub critical: f64,
    /// Whether nobody set the marks.
    pub defaults: bool,
    /// When the limit is reached.
    pub forecast: ForecastDoc,
}

/// When a limit is reached.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastDoc {
    /// `learning`, `ok`, `none`.
    pub state: String,
    /// How much of the needed history there is, 0 to 1; while learning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_ratio: Option<f64>,
    /// When, with an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<DaysDoc>,
    /// For people.
    pub text: String,
}

/// Days until a limit is reached; `null` = beyond the horizon.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DaysDoc {
    /// Even odds.
    pub p50: Option<f64>,
    /// Sooner than this is unlikely.
    pub p10: Option<f64>,
    /// Later than this is unlikely.
    pub p90: Option<f64>,
}

/// A process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessDoc {
    /// Its number; 0 when it stands for several of one name.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// CPUs that it keeps busy.
    pub cpu_ratio: f64,
    /// Memory that it holds.
    pub rss_bytes: u64,
}

/// A series that behaves unusually.
#[derive(Clone, Debug, Serialize)]
pub struct AnomalyDoc {
    /// Its name.
    pub series: String,
    /// From 0 to 1; 0.5 is the threshold.
    pub score: f64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Reason {
    severity: &'static str,
    text: String,
    link: String,
    /// How many more of its kind there are that the document leaves out.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// How the host is.
#[derive(Serialize)]
pub struct Health {
    state: &'static str,
    reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct AlertDoc {
    name: String,
    state: &'static str,
    severity: String,
    since: i64,
    value: Option<f64>,
    summary: String,
    labels: BTreeMap<String, String>,
    /// How many more of its rule, severity and state there are that the document leaves out.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

#[derive(Serialize)]
struct TargetDoc {
    job: String,
    instance: String,
    up: Option<bool>,
    last_error: String,
    last_ms: f64,
    samples: u64,
}

/// The document.
#[derive(Serialize)]
pub struct Overview {
    now: i64,
    started_at: i64,
    version: &'static str,
    hostname: String,
    /// How the host is.
    pub health: Health,
    collected_ago_ms: Option<i64>,
    series: u64,
    samples_per_second: f64,
    resources: Vec<ResourceDoc>,
    processes: Vec<ProcessDoc>,
    alerts: Vec<AlertDoc>,
    anomalies: Vec<AnomalyDoc>,
    targets: Vec<TargetDoc>,
    notes: Vec<String>,
}

/// The document as it is now.
pub async fn overview(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(own(&build(&app).await?))
}

/// Gathers the document.
pub async fn build(app: &Arc<App>) -> Result<Overview, Failure> {
    let for_work = Arc::clone(app);
    blocking(move || gather(&for_work)).await
}

fn gather(app: &App) -> Overview {
    let now = app.now();
    let collecting = app.control.collecting();
    let resources = app.outlook.resources();
    let alerts = alerts(&app.alerting.groups());
    let (series, stored) = app.control.store_size();
    let up_s = ((now - app.started_ms).max(1)) as f64 / 1e3;
    let sources = collecting.sources.iter().map(|s| s.last_ms);
    let scraped = collecting.targets.iter().map(|t| t.last_scrape_ms);
    let collected = sources.chain(scraped).filter(|ms| *ms > 0).max();
    Overview {
        now,
        started_at: app.started_ms,
        version: env!("CARGO_PKG_VERSION"),
        hostname: app.hostname.clone(),
        health: health(&alerts, &resources, app.control.troubles()),
        collected_ago_ms: collected.map(|at| (now - at).max(0)),
        series,
        samples_per_second: stored as f64 / up_s,
        resources,
        processes: app.outlook.processes(),
        alerts,
        anomalies: app.outlook.anomalies(),
        targets: targets(&collecting, &app.hostname),
        notes: app.notes.clone(),
    }
}

fn targets(collecting: &Status, hostname: &str) -> Vec<TargetDoc> {
    let up = |health: scrape::Health| match health {
        scrape::Health::Up => Some(true),
        scrape::Health::Down => Some(false),
        scrape::Health::Unknown => None,
    };
    let sources = collecting.sources.iter().map(|s| TargetDoc {
        job: s.name.to_owned(),
        instance: hostname.to_owned(),
        up: up(s.health),
        last_error: s.last_error.clone(),
        last_ms: s.took.as_secs_f64() * 1e3,
        samples: s.samples,
    });
    let targets = collecting.targets.iter().map(|t| TargetDoc {
        job: t.pool.clone(),
        instance: t
            .labels
            .iter()
            .find(|(n, _)| n == "instance")
            .map_or_else(String::new, |(_, v)| v.clone()),
        up: up(t.health),
        last_error: t.last_error.clone(),
        last_ms: t.last_duration.as_secs_f64() * 1e3,
        samples: t.last_samples,
    });
    sources.chain(targets).collect()
}

fn alerts(groups: &[GroupView]) -> Vec<AlertDoc> {
    let rules = groups.iter().flat_map(|g| &g.rules).filter(|r| !r.shadow);
    let all = rules.flat_map(|r| r.alerts.iter().map(move |a| (r, a)));
    let mut docs: Vec<AlertDoc> = all
        .map(|(rule, a)| AlertDoc {
            name: rule.name.clone(),
            state: a.state.as_str(),
            severity: a.labels.get("severity").cloned().unwrap_or_else(|| "none".to_owned()),
            since: a.fired_at.unwrap_or(a.active_at),
            value: Some(a.value).filter(|v| v.is_finite()),
            summary: a.annotations.get("summary").cloned().unwrap_or_default(),
            labels: a.labels.clone(),
            more: 0,
        })
        .collect();
    let firing = |d: &AlertDoc| d.state != AlertState::Firing.as_str();
    docs.sort_by(|a, b| {
        (firing(a), rank(&a.severity), a.since).cmp(&(firing(b), rank(&b.severity), b.since))
    });
    bounded(docs, ALERTS_MAX)
}

/// At most so many, in their order: of each rule, severity and state the first one, which counts what is left out of
/// them. One rule that fires for thousands hides no other.
fn bounded(docs: Vec<AlertDoc>, most: usize) -> Vec<AlertDoc> {
    let key = |d: &AlertDoc| (d.name.clone(), d.severity.clone(), d.state);
    let kinds = docs.iter().map(key).collect::<BTreeSet<_>>().len();
    let mut room = most.saturating_sub(kinds);
    let mut first: BTreeMap<_, usize> = BTreeMap::new();
    let mut out: Vec<AlertDoc> = Vec::with_capacity(docs.len().min(most));
    for doc in docs {
        match first.get(&key(&doc)) {
            None if out.len() < most => {
                first.insert(key(&doc), out.len());
                out.push(doc);
            }
            None => {}
            Some(_) if room > 0 => {
                room -= 1;
                out.push(doc);
            }
            Some(i) => out[*i].more += 1,
        }
    }
    out
}

fn rank(severity: &str) -> u8 {
    match severity {
        "critical" | "page" => 0,
        "warning" => 1,
        _ => 2,
    }
}

fn health(alerts: &[AlertDoc], resources: &[ResourceDoc], troubles: Vec<String>) -> Health {
    let firing = alerts.iter().filter(|a| a.state == AlertState::Firing.as_str());
    let mut reasons: Vec<Reason> = firing
        .map(|a| Reason {
            severity: if rank(&a.severity) == 0 { "critical" } else { "warning" },
            text: if a.summary.is_empty() { a.name.clone() } else { a.summary.clone() },
            link: link(&format!("ALERTS{{alertname={:?}}}", a.name)),
            more: a.more,
        })
        .collect();
    let own = |text| Reason { severity: "critical", text, link: String::new(), more: 0 };
    reasons.extend(troubles.into_iter().map(own));
    for r in resources.iter().filter(|r| r.ratio >= r.warning) {
        let percent = r.ratio * 100.0;
        reasons.push(Reason {
            severity: if r.ratio >= r.critical { "critical" } else { "warning" },
            text: format!("{} is {percent:.0} % full", r.title),
            link: link(&format!("plimsoll_time_to_limit_seconds{{resource={:?}}}", kind(&r.id))),
            more: 0,
        });
    }
    let any = |severity| reasons.iter().any(|r| r.severity == severity);
    let state = match (any("critical"), any("warning")) {
        (true, _) => "critical",
        (false, true) => "warning",
        (false, false) if resources.is_empty() => "learning",
        (false, false) => "healthy",
    };
    Health { state, reasons }
}

/// `disk` of `disk:/`.
fn kind(id: &str) -> &str {
    id.split([':', '@']).next().unwrap_or(id)
}

fn link(expr: &str) -> String {
    let query: String = form_urlencoded::byte_serialize(expr.as_bytes()).collect();
    format!("/explore?expr={query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_one_rule_hides_no_other_and_is_counted() {
        let alert = |name: &str, severity: &str| AlertDoc {
            name: name.to_owned(),
            state: AlertState::Firing.as_str(),
            severity: severity.to_owned(),
            since: 0,
            value: None,
            summary: String::new(),
            labels: BTreeMap::new(),
            more: 0,
        };
        let storm = (0..1_000).map(|_| alert("Storm", "critical"));
        let all: Vec<AlertDoc> = storm.chain([alert("Other", "info")]).collect();
        let kept = bounded(all, 200);
        assert_eq!((kept.len(), kept[0].more, kept[199].more), (200, 1_000 - 199, 0));
        assert_eq!(kept[199].name, "Other");
        let health = health(&kept, &[], Vec::new());
        assert_eq!((health.state, health.reasons[0].more), ("critical", 801));
        let kinds: Vec<AlertDoc> = (0..300).map(|i| alert(&i.to_string(), "info")).collect();
        assert_eq!(bounded(kinds, 200).len(), 200);
    }
}
