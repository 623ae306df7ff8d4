//! `/api/v2/alerts`, `/api/v2/alerts/groups`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::{GroupedView, NoticeView, PostError, Posted, REGEX_BYTES_MAX};
use plimsoll_model::{MatchOp, Matcher};
use serde::Serialize;
use serde_json::Value;

use super::{AlertDoc, Named, bare, body, document, go_kind, is_suppressed, malformed, refused};
use super::{Wrong, filters, required, text_of, time_of, unreadable};
use crate::app::App;
use crate::params::Params;
use crate::prom::blocking;
use crate::reply::Failure;
use crate::routes::Call;

/// How far ahead the end of an alert is shown whose rule says when it is over, ms.
const OPEN_END_MS: i64 = 5 * 60_000;

/// Takes alerts.
pub async fn post(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let alerts = match posted(&call) {
        Ok(alerts) => alerts,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let done = blocking(move || app.alerting.post(alerts)).await?;
    Ok(match done {
        Ok(()) => bare(StatusCode::OK),
        Err(e @ PostError::Invalid(_)) => {
            refused(StatusCode::BAD_REQUEST, e.to_string()).into_response()
        }
        Err(e @ PostError::TooMany(_)) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response()
        }
    })
}

fn posted(call: &Call) -> Result<Vec<Posted>, Wrong> {
    let Value::Array(list) = body(call, "alerts", "models.PostableAlerts", true)? else {
        return Ok(Vec::new());
    };
    list.iter().enumerate().map(|(i, value)| one(i, value)).collect()
}

fn one(i: usize, value: &Value) -> Result<Posted, Wrong> {
    if !value.is_object() {
        let found = go_kind(value);
        let why =
            format!("json: cannot unmarshal {found} into Go value of type models.PostableAlert");
        return Err(unreadable("alerts", &why));
    }
    let labels =
        pairs(value, "labels", "Alert")?.ok_or_else(|| required(&format!("{i}.labels in body")))?;
    let url = text_of(value, "generatorURL", "Alert", "alerts")?.unwrap_or_default();
    if !url.is_empty() && !is_uri(url) {
        let message = format!("{i}.generatorURL in body must be of type uri: {url:?}");
        return Err(malformed(StatusCode::UNPROCESSABLE_ENTITY, 601, message));
    }
    Ok(Posted {
        labels,
        annotations: pairs(value, "annotations", "PostableAlert")?.unwrap_or_default(),
        starts_at: time_of(value, "startsAt", "PostableAlert", "alerts")?,
        ends_at: time_of(value, "endsAt", "PostableAlert", "alerts")?,
        generator_url: url.to_owned(),
    })
}

/// Whether a text begins like an address or a path.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.starts_with('/')
        || (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits))
}

fn pairs(value: &Value, key: &str, go: &str) -> Result<Option<BTreeMap<String, String>>, Wrong> {
    let wrong = |found: &Value, into: &str| {
        let found = go_kind(found);
        let why = format!(
            "json: cannot unmarshal {found} into Go struct field {go}.{key} of type {into}"
        );
        unreadable("alerts", &why)
    };
    let map = match &value[key] {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        other => return Err(wrong(other, "models.LabelSet")),
    };
    let mut out = BTreeMap::new();
    for (name, value) in map {
        match value {
            Value::String(text) => _ = out.insert(name.clone(), text.clone()),
            Value::Null => _ = out.insert(name.clone(), String::new()),
            other => return Err(wrong(other, "string")),
        }
    }
    Ok(Some(out))
}

/// What is asked for.
struct Asked {
    active: bool,
    silenced: bool,
    inhibited: bool,
    muted: bool,
    receiver: Option<Matcher>,
    matchers: Vec<Matcher>,
}

impl Asked {
    fn read(params: &Params) -> Result<Self, Wrong> {
        let yes = |name: &str| {
            params.get(name).is_none_or(|text| {
                let text = text.to_lowercase();
                ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"]
                    .contains(&text.as_str())
            })
        };
        let bad = |why: String| refused(StatusCode::BAD_REQUEST, why);
        let receiver = params.get("receiver").map(|pattern| {
            let limit = REGEX_BYTES_MAX;
            Matcher::with_limit(MatchOp::Regex, "receiver", pattern, limit).map_err(|e| {
                let text = e.to_string();
                let why = text.rsplit_once(": ").map_or(text.as_str(), |(_, why)| why);
                bad(format!(
                    "failed to parse receiver param: error parsing regexp: {why}: `^(?:{pattern})$`"
                ))
            })
        });
        Ok(Self {
            active: yes("active"),
            silenced: yes("silenced"),
            inhibited: yes("inhibited"),
            muted: yes("muted"),
            receiver: receiver.transpose()?,
            matchers: filters(params)?,
        })
    }

    fn wants(&self, view: &NoticeView) -> bool {
        let value =
            |m: &Matcher| m.matches(view.notice.labels.get(m.name()).map_or("", String::as_str));
        (self.active || is_suppressed(view))
            && (self.silenced || view.silenced_by.is_empty())
            && (self.inhibited || view.inhibited_by.is_empty())
            && (self.muted || view.muted_by.is_empty())
            && self.matchers.iter().all(value)
    }

    fn wants_receiver(&self, name: &str) -> bool {
        self.receiver.as_ref().is_none_or(|m| m.matches(name))
    }
}

/// The alerts that are not over; `active`, `silenced`, `inhibited`, `muted`, `filter`, `receiver` choose.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let until = app.now() + OPEN_END_MS;
    let read = move || Asked::read(&call.params).map(|asked| (asked, app.alerting.routed()));
    let (asked, all) = match blocking(read).await? {
        Ok(read) => read,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let docs: Vec<AlertDoc> = all
        .into_iter()
        .filter(|v| asked.wants(v) && v.receivers.iter().any(|r| asked.wants_receiver(r)))
        .map(|v| AlertDoc::new(v, until))
        .collect();
    Ok(document(&docs))
}

#[derive(Serialize)]
struct GroupDoc {
    alerts: Vec<AlertDoc>,
    labels: BTreeMap<String, String>,
    receiver: Named,
}

/// The open groups with their alerts; the parameters of [`list`] choose.
pub async fn groups(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let until = app.now() + OPEN_END_MS;
    let read = move || Asked::read(&call.params).map(|asked| (asked, app.alerting.routed_groups()));
    let (asked, all) = match blocking(read).await? {
        Ok(read) => read,
        Err(wrong) => return Ok(wrong.into_response()),
    };
    let mut docs = Vec::new();
    for GroupedView { labels, receiver, alerts } in all {
        if !asked.wants_receiver(&receiver) {
            continue;
        }
        let wanted = alerts.into_iter().filter(|v| asked.wants(v));
        let alerts: Vec<AlertDoc> = wanted.map(|v| AlertDoc::new(v, until)).collect();
        if !alerts.is_empty() {
            docs.push(GroupDoc { alerts, labels, receiver: Named { name: receiver } });
        }
    }
    Ok(document(&docs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_what_raised_an_alert_is_checked() {
        assert!(is_uri("http://x/y") && is_uri("/graph") && is_uri("a:b"));
        assert!(!is_uri("::x") && !is_uri("x y:z") && !is_uri("graph"));
    }

    #[test]
    fn filters_are_bounded() {
        let query = |n: usize, f: &str| Params::read(Some(&vec![f; n].join("&")), None);
        assert_eq!(filters(&query(32, "filter=a=~b")).ok().unwrap().len(), 32);
        let wrong = filters(&query(2_500, "filter=a=~b")).err().unwrap();
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert_eq!(wrong.message, "more than 32 filters; ask with fewer");
        let wrong = filters(&query(1, "filter=a=~%22a{50000}%22")).err().unwrap();
        assert!(wrong.message.contains("size limit"), "{}", wrong.message);
    }

    #[test]
    fn any_values_are_survived() {
        for text in ["null", "1", "[]", "{\"labels\":[]}", "{\"labels\":{\"a\":null}}"] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(one(0, &value).is_ok(), text.contains("null}"), "{text}");
        }
    }
}
