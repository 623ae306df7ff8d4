//! `/api/v2/silences`, `/api/v2/silence/{id}`, and the preview of a silence.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{Silence, SilenceError, SilenceMatcher, Window, silence_matchers};
use plimsoll_model::Matcher;
use serde::Serialize;
use serde_json::{Value, json};

use super::{AlertDoc, MatcherDoc, bare, body, document, malformed, refused, required};
use super::{Wrong, filters, go_kind, text_of, time_of, unreadable};
use crate::app::App;
use crate::prom::blocking;
use crate::reply::Failure;
use crate::routes::Call;

#[derive(Serialize)]
struct State {
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SilenceDoc {
    id: String,
    status: State,
    updated_at: String,
    comment: String,
    created_by: String,
    ends_at: String,
    matchers: Vec<MatcherDoc>,
    starts_at: String,
    /// Ours; absent when it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<Window>,
}

impl SilenceDoc {
    fn new(silence: Silence, now: i64) -> Self {
        Self {
            status: State { state: silence.state(now).as_str() },
            id: silence.id,
            updated_at: rfc3339(silence.updated_at),
            comment: silence.comment,
            created_by: silence.created_by,
            ends_at: rfc3339(silence.ends_at),
            matchers: silence.matchers.into_iter().map(MatcherDoc::from).collect(),
            starts_at: rfc3339(silence.starts_at),
            windows: silence.windows,
        }
    }
}

/// All silences; each `filter` must be one of a silence's own matchers.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let now = app.now();
    let read = move || filters(&call.params).map(|filters| (filters, app.alerting.silences()));
    let (filters, all) = match blocking(read).await? {
        Ok(read) => read,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let has = |s: &Silence, f: &Matcher| {
        let same =
            |m: &SilenceMatcher| m.name == f.name() && m.value == f.value() && m.op() == f.op();
        s.matchers.iter().any(same)
    };
    let docs: Vec<SilenceDoc> = all
        .into_iter()
        .filter(|s| filters.iter().all(|f| has(s, f)))
        .map(|s| SilenceDoc::new(s, now))
        .collect();
    Ok(document(&docs))
}

/// One silence.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = match id_of(&call) {
        Ok(id) => id,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let now = app.now();
    let found = blocking(move || app.alerting.silence(&id)).await?;
    Ok(match found {
        Some(silence) => document(&SilenceDoc::new(silence, now)),
        None => bare(StatusCode::NOT_FOUND),
    })
}

/// Ends a silence.
pub async fn expire(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = match id_of(&call) {
        Ok(id) => id,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let done = blocking(move || app.alerting.expire_silence(&id)).await?;
    Ok(match done {
        Ok(()) => bare(StatusCode::OK),
        Err(SilenceError::NotFound) => bare(StatusCode::NOT_FOUND),
        Err(e) => refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    })
}

/// The id in the path, when it is a UUID.
fn id_of(call: &Call) -> Result<String, Wrong> {
    let id = call.captured.first().cloned().unwrap_or_default().to_lowercase();
    let hyphens = [8, 13, 18, 23];
    let fits = |(i, b): (usize, u8)| {
        if hyphens.contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() }
    };
    if id.len() == 36 && id.bytes().enumerate().all(fits) {
        return Ok(id);
    }
    let message = format!("silenceID in path must be of type uuid: {id:?}");
    Err(malformed(StatusCode::UNPROCESSABLE_ENTITY, 601, message))
}

/// Makes or changes a silence.
pub async fn post(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish = match wish(&call) {
        Ok(wish) => wish,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let now = app.now();
    if wish.0.starts_at >= wish.0.ends_at {
        let why = "Failed to create silence: start time must be before end time";
        return Ok(refused(StatusCode::BAD_REQUEST, why).into_response());
    }
    if wish.0.ends_at < now {
        let why = "Failed to create silence: end time can't be in the past";
        return Ok(refused(StatusCode::BAD_REQUEST, why).into_response());
    }
    let (mut wish, windows) = wish;
    let set = move || {
        // Clients that do not know of windows leave them as they are.
        let known = || app.alerting.silence(&wish.id).map(|old| old.windows);
        wish.windows = windows.or_else(known).unwrap_or_default();
        app.alerting.set_silence(wish)
    };
    let done = blocking(set).await?;
    Ok(match done {
        Ok(id) => document(&json!({ "silenceID": id })),
        Err(e @ SilenceError::NotFound) => {
            refused(StatusCode::NOT_FOUND, e.to_string()).into_response()
        }
        Err(e) => refused(StatusCode::BAD_REQUEST, e.to_string()).into_response(),
    })
}

/// The wish, and its windows when it says something of them.
fn wish(call: &Call) -> Result<(Silence, Option<Vec<Window>>), Wrong> {
    let value = body(call, "silence", "models.PostableSilence", false)?;
    let text = |key: &str, go: &str| {
        text_of(&value, key, go, "silence").map(|text| text.map(str::to_owned))
    };
    let missing = |key: &str| required(&format!("{key} in body"));
    let id = text("id", "PostableSilence")?.unwrap_or_default();
    let comment = text("comment", "Silence")?.ok_or_else(|| missing("comment"))?;
    let created_by = text("createdBy", "Silence")?.ok_or_else(|| missing("createdBy"))?;
    let ends_at =
        time_of(&value, "endsAt", "Silence", "silence")?.ok_or_else(|| missing("endsAt"))?;
    let matchers = matchers(&value)?;
    let starts_at =
        time_of(&value, "startsAt", "Silence", "silence")?.ok_or_else(|| missing("startsAt"))?;
    let windows = match &value["windows"] {
        Value::Null => None,
        list => Some(
            serde_json::from_value(list.clone())
                .map_err(|e| unreadable("silence", &format!("windows: {e}")))?,
        ),
    };
    let times = Silence { starts_at, ends_at, ..Silence::default() };
    Ok((Silence { id, matchers, created_by, comment, ..times }, windows))
}

fn matchers(value: &Value) -> Result<Vec<SilenceMatcher>, Wrong> {
    let list = match &value["matchers"] {
        Value::Null => return Err(required("matchers in body")),
        Value::Array(list) if list.is_empty() => {
            let message = "matchers in body should have at least 1 items";
            return Err(malformed(StatusCode::UNPROCESSABLE_ENTITY, 612, message));
        }
        Value::Array(list) => list,
        other => {
            let found = go_kind(other);
            let why = format!(
                "json: cannot unmarshal {found} into Go struct field Silence.matchers of type \
                 models.Matchers"
            );
            return Err(unreadable("silence", &why));
        }
    };
    let mut out = Vec::with_capacity(list.len());
    for (i, m) in list.iter().enumerate() {
        let text = |key: &str| {
            text_of(m, key, "Matcher", "silence")?
                .map(str::to_owned)
                .ok_or_else(|| required(&format!("matchers.{i}.{key} in body")))
        };
        let is_regex = m["isRegex"].as_bool();
        out.push(SilenceMatcher {
            is_regex: is_regex.ok_or_else(|| required(&format!("matchers.{i}.isRegex in body")))?,
            is_equal: m["isEqual"].as_bool().unwrap_or(true),
            name: text("name")?,
            value: text("value")?,
        });
    }
    Ok(out)
}

/// `POST /api/plimsoll/v1/silences/preview`: the alerts that a silence with the `matchers` of the body
/// would mute now.
pub async fn preview(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let read = body(&call, "silence", "models.PostableSilence", false).and_then(|v| matchers(&v));
    let wanted = match read {
        Ok(wanted) => wanted,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let now = app.now();
    let find = move || silence_matchers(wanted).map(|m| app.alerting.would_mute(&m));
    let found = match blocking(find).await? {
        Ok(found) => found,
        Err(e) => return Ok(refused(StatusCode::BAD_REQUEST, e.to_string()).into_response()),
    };
    let docs: Vec<AlertDoc> = found.into_iter().map(|v| AlertDoc::new(v, now)).collect();
    Ok(document(&json!({ "alerts": docs })))
}
