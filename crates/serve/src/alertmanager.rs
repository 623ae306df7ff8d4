//! Alertmanager's API v2 under `/api/v2/`: for `amtool`, for Prometheus servers that send their alerts
//! here, for dashboards that read them. Shapes, status codes and texts are Alertmanager's.
//!
//! Errors of what a request means are a text as JSON; errors of its form are `{"code", "message"}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp as Instant;
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{NoticeView, SilenceMatcher, parse_matcher};
use plimsoll_model::Matcher;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::params::Params;
use crate::prom::blocking;
use crate::reply::{self, Failure};
use crate::routes::Call;

pub mod alerts;
pub mod silences;

/// Where it is.
pub const PREFIX: &str = "/api/v2/";
/// The version of Alertmanager whose API this is: clients choose their calls by it.
const SPOKEN_VERSION: &str = "0.27.0";
/// Filters of one request.
const FILTERS_MAX: usize = 32;
/// Go's zero time, which counts as not given, ms.
const ZERO_MS: i64 = -62_135_596_800_000;

/// Why a request is not answered as it wishes.
struct Wrong {
    status: StatusCode,
    /// A status, or go-openapi's own number, when the form is wrong; `None` when its meaning is.
    code: Option<u16>,
    message: String,
}

impl Wrong {
    fn into_response(self) -> Response {
        let doc = match self.code {
            Some(code) => json!({ "code": code, "message": self.message }),
            None => Value::from(self.message),
        };
        reply::json(self.status, doc.to_string().into_bytes())
    }
}

/// What is wrong with the form of a request.
fn malformed(status: StatusCode, code: u16, message: impl Into<String>) -> Wrong {
    Wrong { status, code: Some(code), message: message.into() }
}

/// What is wrong with what a request means.
fn refused(status: StatusCode, message: impl Into<String>) -> Wrong {
    Wrong { status, code: None, message: message.into() }
}

/// The matchers of the parameters `filter`, at most [`FILTERS_MAX`]. Compiles: blocks.
fn filters(params: &Params) -> Result<Vec<Matcher>, Wrong> {
    let bad = |why: String| refused(StatusCode::BAD_REQUEST, why);
    if params.all("filter").nth(FILTERS_MAX).is_some() {
        return Err(bad(format!("more than {FILTERS_MAX} filters; ask with fewer")));
    }
    params.all("filter").map(|f| parse_matcher(f).map_err(bad)).collect()
}

/// Nothing but a status.
fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = status;
    response
}

/// A document; `Serialize` keeps Alertmanager's order of keys.
fn document(doc: &impl Serialize) -> Response {
    reply::own(doc)
}

/// No such path.
pub fn nothing(path: &str) -> Response {
    malformed(StatusCode::NOT_FOUND, 404, format!("path {path} was not found")).into_response()
}

/// A path that takes other methods.
pub fn wrong_method(method: &http::Method, allowed: &[&str]) -> Response {
    let list = allowed.join(",");
    let message = format!("method {method} is not allowed, but [{list}] are");
    let mut response = malformed(StatusCode::METHOD_NOT_ALLOWED, 405, message).into_response();
    if let Ok(value) = HeaderValue::from_str(&list) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The JSON of a body that is called `what` in messages; `into` is what Go would read it into.
fn body(call: &Call, what: &str, into: &str, is_list: bool) -> Result<Value, Wrong> {
    let kind = call.parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = kind.unwrap_or("application/octet-stream");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        let message =
            format!("unsupported media type {kind:?}, only [application/json] are allowed");
        return Err(malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, message));
    }
    if call.body.is_empty() {
        return Err(required(&format!("{what} in body")));
    }
    let value: Value = serde_json::from_slice(&call.body).map_err(|e| {
        let why = if e.is_eof() { "unexpected EOF".to_owned() } else { e.to_string() };
        unreadable(what, &why)
    })?;
    if value.is_array() != is_list || (!is_list && !value.is_object()) {
        let found = go_kind(&value);
        let why = format!("json: cannot unmarshal {found} into Go value of type {into}");
        return Err(unreadable(what, &why));
    }
    Ok(value)
}

fn unreadable(what: &str, why: &str) -> Wrong {
    let message = format!("parsing {what} body from \"\" failed, because {why}");
    malformed(StatusCode::BAD_REQUEST, 400, message)
}

fn required(what: &str) -> Wrong {
    malformed(StatusCode::UNPROCESSABLE_ENTITY, 602, format!("{what} is required"))
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A text of a mapping; nothing when it is absent or null.
fn text_of<'v>(
    value: &'v Value,
    key: &str,
    go: &str,
    what: &str,
) -> Result<Option<&'v str>, Wrong> {
    match &value[key] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => {
            let found = go_kind(other);
            let why = format!(
                "json: cannot unmarshal {found} into Go struct field {go}.{key} of type string"
            );
            Err(unreadable(what, &why))
        }
    }
}

/// A time of a mapping, ms since the epoch; nothing when it is absent or Go's zero time.
fn time_of(value: &Value, key: &str, go: &str, what: &str) -> Result<Option<i64>, Wrong> {
    let Some(text) = text_of(value, key, go, what)? else { return Ok(None) };
    match text.parse::<Instant>() {
        Ok(t) => Ok(Some(t.as_millisecond()).filter(|ms| *ms != ZERO_MS)),
        Err(_) if text.is_empty() => Ok(None),
        Err(_) => {
            let why = format!(
                "parsing time {text:?} as \"2006-01-02 15:04:05\": cannot parse {text:?} as \"2006\""
            );
            Err(unreadable(what, &why))
        }
    }
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDoc {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

/// An alert as Alertmanager shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertDoc {
    annotations: BTreeMap<String, String>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Named>,
    starts_at: String,
    status: StatusDoc,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    generator_url: String,
    labels: BTreeMap<String, String>,
}

impl AlertDoc {
    /// Of an alert; one whose rule says when it is over shows `until` as its end.
    fn new(view: NoticeView, until: i64) -> Self {
        let suppressed = is_suppressed(&view);
        let notice = view.notice;
        Self {
            annotations: notice.annotations,
            ends_at: rfc3339(notice.ends_at.unwrap_or(until)),
            fingerprint: format!("{:016x}", view.fingerprint),
            receivers: view.receivers.into_iter().map(|name| Named { name }).collect(),
            starts_at: rfc3339(notice.starts_at),
            status: StatusDoc {
                inhibited_by: view.inhibited_by.iter().map(|fp| format!("{fp:016x}")).collect(),
                muted_by: view.muted_by,
                silenced_by: view.silenced_by,
                state: if suppressed { "suppressed" } else { "active" },
            },
            updated_at: rfc3339(notice.updated_at),
            generator_url: notice.generator_url,
            labels: notice.labels,
        }
    }
}

/// Whether something mutes it now.
const fn is_suppressed(view: &NoticeView) -> bool {
    !view.silenced_by.is_empty() || !view.inhibited_by.is_empty() || !view.muted_by.is_empty()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatcherDoc {
    is_equal: bool,
    is_regex: bool,
    name: String,
    value: String,
}

impl From<SilenceMatcher> for MatcherDoc {
    fn from(m: SilenceMatcher) -> Self {
        let SilenceMatcher { name, value, is_regex, is_equal } = m;
        Self { is_equal, is_regex, name, value }
    }
}

/// `/api/v2/receivers`
pub async fn receivers(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let routing = blocking(move || app.alerting.routing()).await?;
    let list: Vec<Named> =
        routing.receivers.iter().map(|r| Named { name: r.name.clone() }).collect();
    Ok(document(&list))
}

/// `/api/v2/status`
pub async fn status(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let started = rfc3339(app.started_ms);
    let routing = blocking(move || app.alerting.routing()).await?;
    Ok(document(&json!({
        "cluster": { "peers": [], "status": "disabled" },
        "config": { "original": routing.original },
        "uptime": started,
        "versionInfo": {
            "branch": "main",
            "buildDate": "",
            "buildUser": "plimsoll",
            "goVersion": "",
            "revision": concat!("plimsoll-", env!("CARGO_PKG_VERSION")),
            "version": SPOKEN_VERSION,
        },
    })))
}
