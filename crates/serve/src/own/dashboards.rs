//! `/api/plimsoll/v1/dashboards…`: dashboards that are made here, those of files, those that we ship; their versions.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::unified;
use plimsoll_model::{Hint, METRIC_NAME, Scoped, Snapshot as _, TimeRange};
use plimsoll_show::dashboard::{
    Dashboard, DashboardEdit, DashboardError, Entry, Level, Library, Origin, Problem, Version,
    check, check_value, from_yaml, lines_of, slug, to_yaml, value_to_yaml,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::prom::{ask, blocking};
use crate::reply::{Failure, json as answer, own};
use crate::routes::Call;

/// Dashboards in one answer.
const LIST_MAX: usize = 10_000;
/// A metric counts as there when it had samples in so many ms.
const THERE_MS: i64 = 3_600_000;

/// A dashboard that shall be kept or looked at, as JSON or YAML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    dashboard: Option<Value>,
    yaml: Option<String>,
    version: Option<u64>,
    #[serde(default)]
    author: String,
    #[serde(default)]
    note: String,
}

impl Wish {
    fn read(call: &Call) -> Result<Self, Failure> {
        serde_json::from_slice(&call.body)
            .map_err(|e| Failure::bad_data(format!("the body is not {{\"dashboard\": …}}: {e}")))
    }

    /// What is written, as JSON.
    fn value(&mut self) -> Result<Value, Failure> {
        match (self.dashboard.take(), self.yaml.take()) {
            (Some(value), None) => Ok(value),
            (None, Some(text)) => {
                from_yaml(&text).map_err(|e| Failure::bad_data(format!("yaml: {e}")))
            }
            _ => Err(Failure::bad_data("the body wants either dashboard or yaml")),
        }
    }
}

/// All dashboards.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    ask(&app, &call.params, move |app, cx| {
        let now = app.now();
        let hint = Hint::range(TimeRange::new(now.saturating_sub(THERE_MS), now));
        let names = Scoped::new(app.source.snapshot()).label_values(METRIC_NAME, &[], &hint, cx)?;
        let there: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
        let all = app.dashboards.list();
        let truncated = all.len().saturating_sub(LIST_MAX);
        let docs: Vec<Value> = all.iter().take(LIST_MAX).map(|e| listed(e, &there)).collect();
        Ok(own(&json!({ "dashboards": docs, "truncated": truncated })))
    })
    .await
}

fn listed(e: &Entry, there: &BTreeSet<&str>) -> Value {
    let missing: Vec<&str> =
        e.metrics.iter().map(String::as_str).filter(|m| !there.contains(m)).collect();
    json!({
        "id": e.id,
        "title": e.title,
        "description": e.description,
        "folder": e.folder,
        "tags": e.tags,
        "version": e.version,
        "source": e.origin.as_str(),
        "panels": e.panels,
        "changed_at": changed_at(e),
        "author": author(e),
        "available": e.metrics.is_empty() || missing.len() < e.metrics.len(),
        "metrics": e.metrics.len(),
        "missing": missing,
    })
}

fn changed_at(e: &Entry) -> Option<String> {
    (e.origin == Origin::Api).then(|| rfc3339(e.changed_ms))
}

fn author(e: &Entry) -> Option<&str> {
    (e.origin == Origin::Api).then_some(e.author.as_str())
}

/// One dashboard, or a version of it; as JSON, or as text.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = name(&call);
    let version = number(&call, "version")?;
    let format = call.params.get("format").unwrap_or("json").to_owned();
    let found = blocking(move || {
        let (dashboard, entry) = app.dashboards.get(&id, version)?;
        let problems = check(dashboard.clone(), app.dashboards.features()).problems;
        Ok::<_, DashboardError>((dashboard, entry, problems))
    })
    .await?;
    let (dashboard, entry, problems) = match found {
        Ok(found) => found,
        Err(e) => return Ok(refused(&e)),
    };
    match format.as_str() {
        "json" => Ok(own(&json!({
            "dashboard": dashboard,
            "version": entry.version,
            "source": entry.origin.as_str(),
            "editable": entry.origin == Origin::Api,
            "author": author(&entry),
            "changed_at": changed_at(&entry),
            "problems": shown(&problems),
        }))),
        "yaml" => Ok(download(to_yaml(&dashboard), "text/yaml; charset=utf-8", &entry.id, "yaml")),
        "grafana" => {
            let text = serde_json::to_string_pretty(&plimsoll_show::grafana::export(&dashboard));
            let text = text.map_err(|e| Failure::internal(e.to_string()))?;
            Ok(download(text, "application/json", &entry.id, "json"))
        }
        other => {
            let message = format!("{other:?}; write json, yaml or grafana");
            Err(Failure::parameter("format", message))
        }
    }
}

/// A text that a browser offers to keep as a file.
pub(super) fn download(body: String, kind: &'static str, id: &str, ending: &str) -> Response {
    let mut response = answer(StatusCode::OK, body.into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let named = format!("attachment; filename=\"{id}.{ending}\"");
    if let Ok(value) = HeaderValue::from_str(&named) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Makes a dashboard; without a name it gets one of its title.
pub async fn post(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let mut wish = Wish::read(&call)?;
    let value = wish.value()?;
    let made = blocking(move || {
        let dashboard = read(&value, &app.dashboards)?;
        let id = match dashboard.id.as_str() {
            "" => free_name(&app.dashboards, &dashboard.title),
            id => id.to_owned(),
        };
        keep(&app, id, dashboard, wish, Some(0))
    })
    .await?;
    Ok(match made {
        Ok(e) => {
            let body = json!({ "id": e.id, "version": e.version });
            answer(StatusCode::CREATED, serde_json::to_vec(&body).unwrap_or_default())
        }
        Err(e) => refused(&e),
    })
}

/// A name of a title that no dashboard has.
pub(super) fn free_name(library: &Library, title: &str) -> String {
    let all = library.list();
    let taken: BTreeSet<&str> = all.iter().map(|e| e.id.as_str()).collect();
    let name = slug(title);
    let more = (2_u32..).map(|n| format!("{name}-{n}"));
    let mut all = std::iter::once(name.clone()).chain(more);
    all.find(|n| !taken.contains(n.as_str())).unwrap_or(name)
}

/// Changes a dashboard, or makes it.
pub async fn put(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let mut wish = Wish::read(&call)?;
    let value = wish.value()?;
    let id = name(&call);
    let kept = blocking(move || {
        let dashboard = read(&value, &app.dashboards)?;
        let expected = wish.version;
        keep(&app, id, dashboard, wish, expected)
    })
    .await?;
    Ok(changed(kept))
}

fn keep(
    app: &App,
    id: String,
    dashboard: Dashboard,
    wish: Wish,
    expected: Option<u64>,
) -> Result<Entry, DashboardError> {
    let Wish { author, note, .. } = wish;
    let now_ms = app.now();
    let edit = DashboardEdit { id, dashboard: Some(dashboard), author, note, expected, now_ms };
    app.dashboards.change(edit)
}

fn read(value: &Value, library: &Library) -> Result<Dashboard, DashboardError> {
    let checked = check_value(value, library.features());
    checked.dashboard.ok_or(DashboardError::Wrong(checked.problems))
}

fn changed(kept: Result<Entry, DashboardError>) -> Response {
    match kept {
        Ok(e) => own(&json!({ "id": e.id, "version": e.version })),
        Err(e) => refused(&e),
    }
}

/// Removes a dashboard; its versions stay.
pub async fn remove(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let text = |key: &str| call.params.get(key).unwrap_or_default().to_owned();
    let edit = DashboardEdit {
        id: name(&call),
        dashboard: None,
        author: text("author"),
        note: text("note"),
        expected: number(&call, "version")?,
        now_ms: app.now(),
    };
    Ok(changed(blocking(move || app.dashboards.change(edit)).await?))
}

/// The versions of a dashboard.
pub async fn versions(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = name(&call);
    let doc = |v: &Version| {
        json!({
            "version": v.version,
            "author": v.author,
            "at": rfc3339(v.changed_ms),
            "note": v.note,
            "panels": v.panels,
            "removed": v.removed,
        })
    };
    Ok(match blocking(move || app.dashboards.versions(&id)).await? {
        Ok(all) => own(&json!({ "versions": all.iter().map(doc).collect::<Vec<_>>() })),
        Err(e) => refused(&e),
    })
}

/// What differs between two versions; 0 is what we ship or what a file says.
pub async fn diff(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = name(&call);
    let needed = |key: &str| {
        number(&call, key)?.ok_or_else(|| Failure::parameter(key, "write the number of a version"))
    };
    let (from, to) = (needed("from")?, needed("to")?);
    let found = blocking(move || {
        let text = |version: u64| {
            let (mut dashboard, _) = app.dashboards.get(&id, Some(version))?;
            dashboard.version = 0;
            Ok::<_, DashboardError>(to_yaml(&dashboard))
        };
        let named = |version: u64| format!("{id} version {version}");
        Ok(unified(&named(from), &text(from)?, &named(to), &text(to)?))
    })
    .await?;
    Ok(match found {
        Ok(diff) => own(&json!({ "from": from, "to": to, "diff": diff })),
        Err(e) => refused(&e),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    version: u64,
    expected: Option<u64>,
    #[serde(default)]
    author: String,
    #[serde(default)]
    note: String,
}

/// Makes a version the newest again.
pub async fn restore(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Restore = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"version\": …}}: {e}")))?;
    let id = name(&call);
    let kept = blocking(move || {
        let Restore { version, expected, author, note } = wish;
        let (dashboard, _) = app.dashboards.get(&id, Some(version))?;
        let note = if note.is_empty() { format!("version {version} again") } else { note };
        let now_ms = app.now();
        let edit = DashboardEdit { id, dashboard: Some(dashboard), author, note, expected, now_ms };
        app.dashboards.change(edit)
    })
    .await?;
    Ok(changed(kept))
}

/// What is wrong with a dashboard that is not kept, and how it is written as YAML. Problems of a YAML text have its lines.
pub async fn check_draft(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let mut wish = Wish::read(&call)?;
    let text = wish.yaml.clone();
    if let Some(yaml) = &wish.yaml
        && let Err(e) = from_yaml(yaml)
    {
        let problem = json!({
            "level": "error", "path": "", "value": "", "text": e, "remedy": "write YAML",
        });
        return Ok(own(&json!({ "ok": false, "problems": [problem], "dashboard": null })));
    }
    let value = wish.value()?;
    let (checked, value) =
        blocking(move || (check_value(&value, app.dashboards.features()), value)).await?;
    let mut problems = shown(&checked.problems);
    if let Some(text) = text {
        let lines = lines_of(&text, checked.problems.iter().map(|p| p.path.as_str()));
        for (problem, line) in problems.iter_mut().zip(lines) {
            problem["line"] = json!(line);
        }
    }
    Ok(own(&json!({
        "ok": checked.dashboard.is_some(),
        "problems": problems,
        "yaml": checked.dashboard.as_ref().map_or_else(|| value_to_yaml(&value), to_yaml),
        "dashboard": checked.dashboard,
    })))
}

pub(super) fn name(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

fn number(call: &Call, key: &str) -> Result<Option<u64>, Failure> {
    let read = |text: &str| text.parse().map_err(|e| Failure::parameter(key, e));
    call.params.get(key).map(read).transpose()
}

/// Problems as JSON.
pub(super) fn shown(problems: &[Problem]) -> Vec<Value> {
    let doc = |p: &Problem| {
        json!({
            "level": match p.level { Level::Error => "error", Level::Warning => "warning" },
            "path": p.path,
            "value": p.value,
            "text": p.text,
            "remedy": p.remedy,
        })
    };
    problems.iter().map(doc).collect()
}

/// Why nothing was done, as the usual error.
pub(super) fn failure(error: &DashboardError) -> Failure {
    use DashboardError as E;
    let message = error.to_string();
    match error {
        E::NotFound(_) => Failure::not_found(message),
        E::Records(_) => Failure::unavailable(message),
        E::Conflict { .. } | E::ReadOnly(_) => {
            Failure { status: StatusCode::CONFLICT, kind: "conflict", message }
        }
        E::Limit { .. } => {
            Failure { status: StatusCode::PAYLOAD_TOO_LARGE, kind: "bad_data", message }
        }
        E::Id(_) | E::Wrong(_) | E::Body(_) => Failure::bad_data(message),
    }
}

/// The answer when nothing was done: the usual error, with what programs need.
pub(super) fn refused(error: &DashboardError) -> Response {
    use DashboardError as E;
    let failure = failure(error);
    let mut doc = json!({
        "status": "error", "errorType": failure.kind, "error": failure.message,
    });
    match error {
        E::Wrong(problems) => doc["problems"] = json!(shown(problems)),
        E::Conflict { found, .. } => {
            doc["version"] = json!(found);
            doc["current"] = json!(found);
        }
        _ => return failure.into_response(),
    }
    answer(failure.status, serde_json::to_vec(&doc).unwrap_or_default())
}
