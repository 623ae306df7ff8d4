//! `/api/plimsoll/v1/reports…`: which reports there are, changing them, and writing one in a form.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::unified;
use plimsoll_model::Timestamp;
use plimsoll_show::dashboard::value_to_yaml;
use plimsoll_show::report::{
    self, About, Boards, Document, Kept, LibraryError, OutputFormat, REPORTS_MAX, Report,
    ReportEdit, ReportVersion, Window,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;

use super::dashboard_render::boards;
use super::report_data::gather;
use crate::app::App;
use crate::metrics::count;
use crate::params::{Params, time_ms};
use crate::prom::blocking;
use crate::reply::{Failure, json as answer, own};
use crate::routes::Call;

/// What a browser may do with a page or picture that it opens by itself: draw it.
const DRAW_ONLY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
/// A report of now is old at once.
const DO_NOT_KEEP: HeaderValue = HeaderValue::from_static("no-store");

/// What is wished of a report.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    report: Report,
    version: Option<u64>,
    #[serde(default)]
    author: String,
    /// Why.
    #[serde(default)]
    note: String,
}

/// Which version is to be the newest again.
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

/// A report that is not kept, to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    report: Report,
    #[serde(default)]
    format: Option<OutputFormat>,
    from: Option<Value>,
    to: Option<Value>,
}

/// All reports.
pub async fn list(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let all = shelved(&app, |app| app.reports.list()).await?;
    let now = app.now();
    let reports: Vec<Value> = all.iter().take(REPORTS_MAX * 2).map(|k| doc(k, now)).collect();
    let receivers = app.alerting.bulletin_receivers();
    Ok(own(&json!({ "reports": reports, "receivers": receivers, "truncated": false })))
}

/// One report, or a version of it.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let kept = match number(&call, "version")? {
        None => kept(&app, &call).await?,
        Some(version) => {
            let id = name(&call);
            shelved(&app, move |app| app.reports.version(&id, version)).await?
        }
    };
    Ok(own(&doc(&kept, app.now())))
}

/// The versions of a report, the newest first.
pub async fn versions(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = name(&call);
    let all = shelved(&app, move |app| app.reports.versions(&id)).await?;
    let doc = |v: &ReportVersion| {
        json!({
            "version": v.version,
            "author": v.author,
            "at": rfc3339(v.changed_ms),
            "note": v.note,
            "sections": v.sections,
        })
    };
    Ok(own(&json!({ "versions": all.iter().map(doc).collect::<Vec<_>>() })))
}

/// What differs between two versions; 0 is what is part of the program.
pub async fn diff(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = name(&call);
    let needed = |key: &str| {
        number(&call, key)?.ok_or_else(|| Failure::parameter(key, "write the number of a version"))
    };
    let (from, to) = (needed("from")?, needed("to")?);
    let diff = shelved(&app, move |app| {
        let text = |version: u64| {
            let kept = app.reports.version(&id, version)?;
            Ok::<_, LibraryError>(value_to_yaml(
                &serde_json::to_value(kept.report).unwrap_or_default(),
            ))
        };
        let named = |version: u64| format!("{id} version {version}");
        Ok(unified(&named(from), &text(from)?, &named(to), &text(to)?))
    });
    Ok(own(&json!({ "from": from, "to": to, "diff": diff.await? })))
}

/// Makes a version the newest again.
pub async fn restore(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Restore = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"version\": …}}: {e}")))?;
    let (id, now_ms) = (name(&call), app.now());
    let of = id.clone();
    let version = shelved(&app, move |app| {
        let Restore { version, expected, author, note } = wish;
        let report = app.reports.version(&of, version)?.report;
        let note = if note.is_empty() { format!("version {version} again") } else { note };
        app.reports.put(&ReportEdit { report, expected, author, note, now_ms })
    });
    Ok(own(&json!({ "id": id, "version": version.await? })))
}

/// Keeps a new report.
pub async fn post(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish = wish(&call)?;
    let id = wish.report.id.clone();
    let version = change(&app, wish, Some(0)).await?;
    let body = serde_json::to_vec(&json!({ "id": id, "version": version })).unwrap_or_default();
    Ok(answer(StatusCode::CREATED, body))
}

/// Changes a report.
pub async fn put(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let mut wish = wish(&call)?;
    let id = call.captured.first().cloned().unwrap_or_default();
    if !wish.report.id.is_empty() && wish.report.id != id {
        return Err(Failure::bad_data(format!(
            "report.id is {:?}, the path says {id:?}",
            wish.report.id
        )));
    }
    wish.report.id.clone_from(&id);
    let expected = wish.version;
    let version = change(&app, wish, expected).await?;
    Ok(own(&json!({ "id": id, "version": version })))
}

/// Removes a report.
pub async fn remove(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (id, version) = (name(&call), number(&call, "version")?);
    let of = id.clone();
    shelved(&app, move |app| app.reports.remove(&of, version)).await?;
    Ok(own(&json!({ "removed": id })))
}

/// A report in a form.
pub async fn render(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let kept = kept(&app, &call).await?;
    let format = format(&call.params, kept.report.format)?;
    let window = window(&app, &kept.report, call.params.get("from"), call.params.get("to"))?;
    written(&app, &kept.report, &window, format).await
}

/// A report that is not kept, in a form.
pub async fn render_draft(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let draft: Draft = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is no report to be written: {e}")))?;
    let mut report = draft.report;
    if report.id.is_empty() {
        report.id = "draft".to_owned();
    }
    let problems = report.problems();
    if !problems.is_empty() {
        return Err(failure(&LibraryError::Wrong(problems)));
    }
    let time = |value: &Option<Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let (from, to) = (time(&draft.from), time(&draft.to));
    let window = window(&app, &report, from.as_deref(), to.as_deref())?;
    let format = draft.format.unwrap_or(report.format);
    written(&app, &report, &window, format).await
}

/// The document of a report: asks what it needs, and builds it.
pub async fn document(
    app: &Arc<App>,
    report: &Report,
    window: &Window,
) -> Result<Document, Failure> {
    let boards = boards(app, report, window).await;
    document_of(app, report, window, boards).await
}

/// The document of a report whose dashboards are known, built on a blocking thread.
pub(super) async fn document_of(
    app: &Arc<App>,
    report: &Report,
    window: &Window,
    boards: Boards,
) -> Result<Document, Failure> {
    let needs = report::needs(report, window, &boards);
    let answers = gather(app, needs).await;
    let about = About {
        host: app.hostname.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: app.now(),
    };
    let (report, window) = (report.clone(), window.clone());
    blocking(move || report::build(&report, &window, &boards, &answers, &about)).await
}

/// A document in a form, on a blocking thread.
pub async fn rendered(
    app: &Arc<App>,
    document: Document,
    format: OutputFormat,
) -> Result<Vec<u8>, Failure> {
    let began = app.clock.mono();
    let result = blocking(move || report::render(&document, format)).await?;
    let took = app.clock.mono().saturating_sub(began);
    count(&app.metrics.report_us, u64::try_from(took.as_micros()).unwrap_or(0));
    let counter = if result.is_ok() { &app.metrics.reports } else { &app.metrics.reports_failed };
    count(counter, 1);
    result.map_err(|e| Failure::execution(format!("the report is not written: {e}")))
}

/// A place among the reports that are made at once.
pub(super) async fn place(app: &App) -> Result<SemaphorePermit<'_>, Failure> {
    let place = tokio::time::timeout(app.limits.report_timeout, app.gates.reports.acquire()).await;
    match place {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Failure::unavailable("too many reports are being made; try again later")),
    }
}

async fn written(
    app: &Arc<App>,
    report: &Report,
    window: &Window,
    format: OutputFormat,
) -> Result<Response, Failure> {
    let _place = place(app).await?;
    let document = document(app, report, window).await?;
    let name = file_name(report, window, format);
    let bytes = rendered(app, document, format).await?;
    Ok(file(bytes, format.media(), &name, format == OutputFormat::Csv))
}

/// The name of a file: `daily-2026-11-21.pdf`.
pub fn file_name(report: &Report, window: &Window, format: OutputFormat) -> String {
    let day = rfc3339(window.until);
    format!("{}-{}.{}", report.id, &day[..10.min(day.len())], format.extension())
}

/// A file to be looked at, or to be saved.
pub fn file(bytes: Vec<u8>, media: &'static str, name: &str, is_to_save: bool) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, DO_NOT_KEEP);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if media.starts_with("text/html") || media.starts_with("image/svg") {
        headers.insert(header::CONTENT_SECURITY_POLICY, DRAW_ONLY);
    }
    let how = if is_to_save { "attachment" } else { "inline" };
    if let Ok(value) = HeaderValue::from_str(&format!("{how}; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

pub(super) fn format(params: &Params, usual: OutputFormat) -> Result<OutputFormat, Failure> {
    match params.get("format") {
        None => Ok(usual),
        Some(word) => OutputFormat::read(word).ok_or_else(|| {
            let message = format!("{word:?} is none of pdf, html, png, csv, json, md");
            Failure::parameter("format", message)
        }),
    }
}

/// The window of a report: its period, or from and to.
pub fn window(
    app: &App,
    report: &Report,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Window, Failure> {
    let time = |name, text: Option<&str>| -> Result<Option<Timestamp>, Failure> {
        text.map(time_ms).transpose().map_err(|e| Failure::parameter(name, e))
    };
    let until = time("to", to)?;
    let now = until.unwrap_or_else(|| app.now());
    let made = match time("from", from)? {
        Some(from) => report.zone().and_then(|zone| Window::new(from, now, zone)),
        None => report.window(now),
    };
    made.map_err(Failure::bad_data)
}

/// The report that the path names.
fn name(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

fn number(call: &Call, key: &str) -> Result<Option<u64>, Failure> {
    let text = call.params.get(key);
    text.map(|t| t.parse().map_err(|e| Failure::parameter(key, e))).transpose()
}

async fn kept(app: &Arc<App>, call: &Call) -> Result<Kept, Failure> {
    let id = name(call);
    shelved(app, move |app| app.reports.get(&id)).await
}

/// Runs work on the library on a blocking thread.
pub async fn shelved<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, LibraryError> + Send + 'static,
) -> Result<T, Failure> {
    let app = Arc::clone(app);
    blocking(move || work(&app)).await?.map_err(|e| failure(&e))
}

async fn change(app: &Arc<App>, wish: Wish, expected: Option<u64>) -> Result<u64, Failure> {
    let Wish { report, author, note, .. } = wish;
    let edit = ReportEdit { report, expected, author, note, now_ms: app.now() };
    shelved(app, move |app| app.reports.put(&edit)).await
}

fn wish(call: &Call) -> Result<Wish, Failure> {
    serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is no report: {e}")))
}

fn failure(error: &LibraryError) -> Failure {
    let message = error.to_string();
    match error {
        LibraryError::NotFound(_) => Failure::not_found(message),
        LibraryError::Conflict { .. } | LibraryError::BuiltIn(_) => {
            Failure { status: StatusCode::CONFLICT, kind: "conflict", message }
        }
        LibraryError::Full => {
            Failure { status: StatusCode::PAYLOAD_TOO_LARGE, kind: "bad_data", message }
        }
        LibraryError::Wrong(_) => Failure::bad_data(message),
        LibraryError::Records(_) => Failure::unavailable(message),
    }
}

fn doc(kept: &Kept, now: Timestamp) -> Value {
    let mut out = serde_json::to_value(&kept.report).unwrap_or(Value::Null);
    out["version"] = kept.version.into();
    out["source"] = if kept.is_built_in { "built-in" } else { "api" }.into();
    out["author"] = json!(kept.author);
    out["changed_at"] = json!(kept.changed_ms.map(rfc3339));
    out["sent_for"] = json!(kept.sent_ms.map(rfc3339));
    out["next_at"] = json!(kept.report.due(now).map(rfc3339));
    out
}
