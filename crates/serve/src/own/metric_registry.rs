//! `/api/plimsoll/v1/metrics/registry…`: what is known of metrics, their thresholds, and who says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::registry::{
    Direction, FOR_MS, KeptMetric, Line, Marks, Metric, MetricEdit, MetricError, Registry, Settings,
};
use plimsoll_model::{Metadata, Scoped, Snapshot, parse_duration_ms};
use plimsoll_query::format_duration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::prom::{ask, blocking};
use crate::reply::{Failure, json as answer, own};
use crate::routes::Call;

/// Metrics in one answer unless `limit` says otherwise, and at most.
const LIMIT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;

/// The metric registry, as the door shows and changes it. Implemented by the binary.
pub trait MetricShelf: Send + Sync {
    /// All entries.
    fn registry(&self) -> &Registry;
    /// The rules that read each metric.
    fn used_by(&self) -> BTreeMap<String, Vec<RuleName>>;
    /// Changes an entry and applies the rules that follow, or does nothing at all. Blocks.
    ///
    /// # Errors
    /// Why nothing was done.
    fn change(&self, edit: &MetricEdit) -> Result<KeptMetric, MetricError>;
}

/// Which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// Its file.
    pub file: String,
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
}

/// What is wished of an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    unit: Option<String>,
    help: Option<String>,
    owner: Option<String>,
    runbook: Option<String>,
    expr: Option<String>,
    #[serde(default)]
    thresholds: Thresholds,
    #[serde(default)]
    author: String,
    #[serde(default)]
    comment: String,
    expected_version: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    warning: Option<f64>,
    critical: Option<f64>,
    baseline: Option<f64>,
    direction: Option<Direction>,
    r#for: Option<String>,
}

impl Wish {
    fn settings(self) -> Result<Settings, Failure> {
        let Thresholds { warning, critical, baseline, direction, r#for } = self.thresholds;
        let for_ms = match r#for {
            None => None,
            Some(text) => Some(parse_duration_ms(&text).ok_or_else(|| {
                let message = format!("thresholds.for: {text:?} is not a duration (write 5m)");
                Failure::bad_data(message)
            })?),
        };
        let Self { unit, help, owner, runbook, expr, .. } = self;
        Ok(Settings {
            unit,
            help,
            owner,
            runbook,
            expr,
            warning,
            critical,
            baseline,
            direction,
            for_ms,
        })
    }
}

/// All metrics: those that have samples and metadata, and those that something is said of.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let part = call.params.get("match").unwrap_or_default().to_lowercase();
    let limit = match call.params.get("limit") {
        None => LIMIT,
        Some(text) => {
            let n = text.parse::<usize>().map_err(|e| Failure::parameter("limit", e))?;
            n.min(LIMIT_MAX)
        }
    };
    ask(&app, &call.params, move |app, cx| {
        let known = Scoped::new(app.source.snapshot()).metadata(None, 0, cx)?;
        let known: BTreeMap<&str, &Metadata> =
            known.iter().map(|m| (m.metric.as_str(), m)).collect();
        let used = app.metrics_kept.used_by();
        let metrics = app.metrics_kept.registry().metrics();
        let entries: BTreeMap<&str, &Metric> =
            metrics.iter().map(|m| (m.subject.id.as_str(), m)).collect();
        let ids: BTreeSet<&str> = known.keys().chain(entries.keys()).copied().collect();
        let mut found: Vec<&str> =
            ids.into_iter().filter(|id| id.to_lowercase().contains(&part)).collect();
        let truncated = found.len().saturating_sub(limit);
        found.truncate(limit);
        let docs: Vec<Value> =
            found.into_iter().map(|id| doc(id, entries.get(id).copied(), &known, &used)).collect();
        Ok(own(&json!({ "metrics": docs, "truncated": truncated })))
    })
    .await
}

/// One metric.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = id(&call)?;
    ask(&app, &call.params, move |app, cx| {
        let metrics = app.metrics_kept.registry().metrics();
        let entry = metrics.iter().find(|m| m.subject.id == id);
        let name = entry.map_or(id.as_str(), |m| m.subject.metric.as_str());
        let known = Scoped::new(app.source.snapshot()).metadata(Some(name), 0, cx)?;
        let known: BTreeMap<&str, &Metadata> =
            known.iter().map(|m| (m.metric.as_str(), m)).collect();
        if entry.is_none() && known.is_empty() {
            return Err(Failure::not_found(format!("nothing is known of a metric {id}")));
        }
        Ok(own(&doc(&id, entry, &known, &app.metrics_kept.used_by())))
    })
    .await
}

/// Sets what the API says of a metric.
pub async fn put(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let mut wish: Wish = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not an entry as JSON: {e}")))?;
    let (author, comment) = (std::mem::take(&mut wish.author), std::mem::take(&mut wish.comment));
    let expected = wish.expected_version;
    let settings = Some(wish.settings()?);
    change(app, MetricEdit { id: name(&call), settings, author, comment, expected }).await
}

/// Removes what the API says of a metric; its versions stay.
pub async fn remove(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let text = |key: &str| call.params.get(key).unwrap_or_default().to_owned();
    let expected = match call.params.get("expected_version") {
        None => None,
        Some(n) => Some(n.parse().map_err(|e| Failure::parameter("expected_version", e))?),
    };
    let (author, comment) = (text("author"), text("comment"));
    change(app, MetricEdit { id: name(&call), settings: None, author, comment, expected }).await
}

async fn change(app: Arc<App>, edit: MetricEdit) -> Result<Response, Failure> {
    Ok(match blocking(move || app.metrics_kept.change(&edit)).await? {
        Ok(kept) => own(&json!({ "id": kept.id, "version": kept.version })),
        Err(e) => refused(&e),
    })
}

/// The versions of what the API says of a metric.
pub async fn versions(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let name = name(&call);
    let versions = blocking(move || app.metrics_kept.registry().versions(&name)).await?;
    let doc = |k: &KeptMetric| {
        json!({
            "version": k.version,
            "author": k.author,
            "changed_at": rfc3339(k.changed_ms),
            "comment": k.comment,
            "removed": k.removed,
            "settings": k.settings,
        })
    };
    Ok(match versions {
        Ok(all) => own(&json!({ "versions": all.iter().map(doc).collect::<Vec<_>>() })),
        Err(e) => refused(&e),
    })
}

/// Threshold lines as the header of a frame shows them.
pub(super) fn lines(lines: &[Line]) -> Vec<Value> {
    let doc = |line: &Line| {
        json!({
            "metric": line.id,
            "warning": line.marks.warning,
            "critical": line.marks.critical,
            "baseline": line.marks.baseline,
            "direction": line.marks.direction,
            "source": line.marks.source.as_str(),
        })
    };
    lines.iter().map(doc).collect()
}

fn doc(
    id: &str,
    entry: Option<&Metric>,
    known: &BTreeMap<&str, &Metadata>,
    used: &BTreeMap<String, Vec<RuleName>>,
) -> Value {
    let name = entry.map_or(id, |m| m.subject.metric.as_str());
    let metadata = known.get(name);
    let kept = entry.and_then(|m| m.kept.as_ref());
    let said = |of: fn(&Metric) -> &Option<String>| entry.and_then(|m| of(m).clone());
    let unit = said(|m| &m.unit).or_else(|| metadata.map(|m| m.unit.clone()));
    let help = said(|m| &m.help).or_else(|| metadata.map(|m| m.help.clone()));
    let rules = used.get(name).map(Vec::as_slice).unwrap_or_default();
    let rule = |r: &RuleName| json!({ "file": r.file, "group": r.group, "name": r.name });
    let for_ms = entry.and_then(|m| m.for_ms).unwrap_or(FOR_MS);
    json!({
        "id": id,
        "name": name,
        "type": metadata.map_or("unknown", |m| m.kind.as_str()),
        "unit": unit.unwrap_or_default(),
        "help": help.unwrap_or_default(),
        "owner": said(|m| &m.owner),
        "runbook": said(|m| &m.runbook),
        "expr": entry.map_or(id, |m| m.compared.as_str()),
        "thresholds": entry.and_then(|m| m.marks.as_ref()).map(|m| thresholds(m, for_ms)),
        "version": kept.map(|k| k.version),
        "author": kept.map(|k| k.author.as_str()),
        "changed_at": kept.map(|k| rfc3339(k.changed_ms)),
        "used_by": { "rules": rules.iter().map(rule).collect::<Vec<_>>() },
    })
}

fn thresholds(marks: &Marks, for_ms: i64) -> Value {
    json!({
        "warning": marks.warning,
        "critical": marks.critical,
        "baseline": marks.baseline,
        "direction": marks.direction,
        "for": format_duration(for_ms),
        "source": marks.source.as_str(),
    })
}

fn name(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

/// The name in the path, in the way in which entries are named.
fn id(call: &Call) -> Result<String, Failure> {
    let name = name(call);
    let read = plimsoll_alert::registry::Subject::read(&name);
    read.map(|s| s.id)
        .map_err(|e| Failure::bad_data(format!("{name:?} does not name a metric: {e}")))
}

/// The answer when nothing was done: the usual error, with what programs need.
fn refused(error: &MetricError) -> Response {
    use MetricError as E;
    let message = error.to_string();
    let failure = match error {
        E::NotFound(_) => Failure::not_found(message),
        E::Records(_) => Failure::unavailable(message),
        E::Conflict { .. } => Failure { status: StatusCode::CONFLICT, kind: "conflict", message },
        E::Limit { .. } => {
            Failure { status: StatusCode::PAYLOAD_TOO_LARGE, kind: "bad_data", message }
        }
        E::Name(..) | E::Wrong(_) => Failure::bad_data(message),
    };
    let mut doc = json!({
        "status": "error", "errorType": failure.kind, "error": failure.message,
    });
    match error {
        E::Wrong(problems) => {
            let shown = |(key, message): &(&str, String)| json!({ "line": 0, "key": key, "message": message });
            doc["problems"] = problems.iter().map(shown).collect();
        }
        E::Conflict { found, .. } => doc["version"] = json!(found),
        _ => return failure.into_response(),
    }
    answer(failure.status, serde_json::to_vec(&doc).unwrap_or_default())
}
