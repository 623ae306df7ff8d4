//! `/api/plimsoll/v1/alerts…`: open alerts, who takes care of them, what happened to them, statistics.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::history::episode::Moment;
use plimsoll_alert::history::{Episode, EpisodeQuery, RuleName, RuleStatistics, Stage};
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{AcknowledgeError, AlertOrder, AlertView, AlertsAsked};
use serde_json::{Value, json};

use crate::app::App;
use crate::params::{Params, time_ms};
use crate::prom::blocking;
use crate::reply::{Failure, lines, own};
use crate::routes::Call;

/// Elements of an answer unless `limit` says otherwise.
const LIMIT: usize = 1_000;
/// The most that `limit` may ask for.
const LIMIT_MAX: usize = 10_000;
/// How far back statistics look unless `from` says otherwise, ms: four weeks.
const STATISTICS_MS: i64 = 28 * 24 * 60 * 60 * 1_000;

/// `limit`, from 1 to [`LIMIT_MAX`].
pub fn limit(params: &Params) -> Result<usize, Failure> {
    let Some(text) = params.get("limit") else { return Ok(LIMIT) };
    match text.parse::<usize>() {
        Ok(n) if (1..=LIMIT_MAX).contains(&n) => Ok(n),
        _ => Err(Failure::parameter("limit", format!("a number from 1 to {LIMIT_MAX} is wanted"))),
    }
}

fn time(params: &Params, name: &str) -> Result<Option<i64>, Failure> {
    let read = |text| time_ms(text).map_err(|e| Failure::parameter(name, e));
    params.get(name).map(read).transpose()
}

/// A fingerprint: 16 hexadecimal digits.
fn fingerprint(name: &str, text: &str) -> Result<u64, Failure> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let read = u64::from_str_radix(text, 16).ok().filter(|_| digits);
    read.ok_or_else(|| Failure::parameter(name, "16 hexadecimal digits are wanted"))
}

/// A fingerprint as it is shown.
pub fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// A time that there may be, as it is shown.
pub fn at(time: Option<i64>) -> Value {
    time.map_or(Value::Null, |ms| rfc3339(ms).into())
}

/// `by` and another text of a JSON body, or of the query string.
pub fn who(call: &Call, other: &str) -> Result<(String, String), Failure> {
    let body: Value = if call.body.is_empty() {
        Value::Null
    } else {
        let read = serde_json::from_slice(&call.body);
        read.map_err(|e| Failure::bad_data(format!("the body is not JSON: {e}")))?
    };
    if !(body.is_null() || body.is_object()) {
        return Err(Failure::bad_data("the body must be a JSON object with \"by\""));
    }
    let text = |key: &str| match &body[key] {
        Value::Null => Ok(call.params.get(key).unwrap_or_default().to_owned()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(Failure::bad_data(format!("{key}: a text is wanted"))),
    };
    Ok((text("by")?, text(other)?))
}

/// Why nothing was acknowledged or written.
pub fn refused(error: &AcknowledgeError) -> Failure {
    let message = error.to_string();
    match error {
        AcknowledgeError::Unknown(_) => Failure::not_found(message),
        AcknowledgeError::NotFiring(_) => {
            Failure { status: StatusCode::CONFLICT, kind: "conflict", message }
        }
        AcknowledgeError::Invalid(_) => Failure::bad_data(message),
        AcknowledgeError::NotRecorded => Failure::unavailable(message),
    }
}

fn rule(rule: &RuleName) -> Value {
    json!({ "file": rule.file, "group": rule.group, "name": rule.name })
}

fn alert(view: &AlertView) -> Value {
    let e = &view.episode;
    let care = e.acknowledged.as_ref();
    let care = care.map(|a| json!({ "by": a.by, "at": rfc3339(a.at), "note": a.note }));
    json!({
        "fingerprint": hex(e.fingerprint),
        "episode": e.id,
        "state": e.stage.as_str(),
        "title": e.title,
        "labels": e.labels,
        "annotations": e.annotations,
        "value": e.value,
        "peak": e.peak,
        "threshold": e.threshold,
        "severity": e.severity(),
        "kind": e.kind,
        "active_at": rfc3339(e.active_at),
        "fired_at": at(e.fired_at),
        "acknowledged": care,
        "notifications": e.notifications,
        "silenced_by": view.silenced_by,
        "inhibited_by": view.inhibited_by.iter().map(|fp| hex(*fp)).collect::<Vec<_>>(),
        "receivers": view.receivers,
        "rule": if e.is_posted() { Value::Null } else { rule(&e.rule) },
        "expr": e.expr,
        "generator_url": view.generator_url,
        "incident": e.incident,
    })
}

/// Open alerts: `state` (`pending`, `firing`, `acknowledged`; else all), `limit`, `order` (`newest`, `urgent`),
/// `format` (`json`, `lines`).
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let stage = match call.params.get("state") {
        None | Some("all") => None,
        Some("pending") => Some(Stage::Pending),
        Some("firing") => Some(Stage::Firing),
        Some("acknowledged") => Some(Stage::Acknowledged),
        Some(other) => {
            let message = format!("{other:?} is none of pending, firing, acknowledged, all");
            return Err(Failure::parameter("state", message));
        }
    };
    let order = match call.params.get("order") {
        None | Some("newest") => AlertOrder::Newest,
        Some("urgent") => AlertOrder::Urgent,
        Some(other) => {
            let message = format!("{other:?} is neither newest nor urgent");
            return Err(Failure::parameter("order", message));
        }
    };
    let in_lines = match call.params.get("format") {
        None | Some("json") => false,
        Some("lines") => true,
        Some(other) => {
            let message = format!("{other:?} is neither json nor lines");
            return Err(Failure::parameter("format", message));
        }
    };
    let asked = AlertsAsked { stage, limit: limit(&call.params)?, order };
    blocking(move || {
        let found = app.alerting.alerts(asked);
        let [pending, firing, acknowledged, silenced] = found.counts;
        let mut head = json!({
            "total": found.total,
            "counts": {
                "pending": pending, "firing": firing, "acknowledged": acknowledged,
                "silenced": silenced,
            },
        });
        if in_lines {
            return lines(&head, found.alerts.iter().map(alert));
        }
        head["alerts"] = found.alerts.iter().map(alert).collect();
        own(&head)
    })
    .await
}

/// Says that somebody (`by`, `note`) takes care of an alert.
pub async fn acknowledge(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let fp = of_path(&call)?;
    let (by, note) = who(&call, "note")?;
    let done = blocking(move || app.alerting.acknowledge(fp, &by, &note)).await?;
    done.map(|view| own(&alert(&view))).map_err(|e| refused(&e))
}

/// Says that nobody takes care of an alert any more.
pub async fn unacknowledge(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let fp = of_path(&call)?;
    let (by, _) = who(&call, "note")?;
    let done = blocking(move || app.alerting.unacknowledge(fp, &by)).await?;
    done.map(|view| own(&alert(&view))).map_err(|e| refused(&e))
}

fn of_path(call: &Call) -> Result<u64, Failure> {
    fingerprint("fingerprint", call.captured.first().map_or("", String::as_str))
}

fn moment(m: &Moment) -> Value {
    json!({
        "at": rfc3339(m.at), "from": m.from.as_str(), "to": m.to.as_str(), "value": m.value,
        "threshold": m.threshold,
    })
}

/// An episode, as lists show it.
pub fn episode(e: &Episode) -> Value {
    let receipts = e.receipts.iter().map(|r| {
        json!({
            "at": rfc3339(r.at), "receiver": r.receiver, "integration": r.integration,
            "said": r.said, "outcome": r.outcome, "ended_at": at(r.ended_at),
        })
    });
    let care = e.acknowledged.as_ref();
    json!({
        "episode": e.id,
        "fingerprint": hex(e.fingerprint),
        "state": e.stage.as_str(),
        "title": e.title,
        "rule": if e.is_posted() { Value::Null } else { rule(&e.rule) },
        "labels": e.labels,
        "severity": e.severity(),
        "kind": e.kind,
        "active_at": rfc3339(e.active_at),
        "fired_at": at(e.fired_at),
        "acknowledged_at": at(e.first_acknowledged_at()),
        "acknowledged_by": care.map(|a| &a.by),
        "resolved_at": at(e.ended_at),
        "peak": e.peak,
        "value": e.value,
        "threshold": e.threshold,
        "notifications": e.notifications,
        "receipts": receipts.collect::<Vec<_>>(),
        "transitions": e.moments.iter().map(moment).collect::<Vec<_>>(),
        "incident": e.incident,
    })
}

/// Episodes, the newest first: `rule`, `fingerprint`, `from`, `to`, `limit`.
pub async fn history(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let params = &call.params;
    let fp = params.get("fingerprint").map(|text| fingerprint("fingerprint", text));
    let query = EpisodeQuery {
        rule: params.get("rule").map(str::to_owned),
        fingerprint: fp.transpose()?,
        from: time(params, "from")?,
        to: time(params, "to")?,
        limit: limit(params)?,
    };
    let found = blocking(move || app.alerting.episodes(&query)).await?;
    let (episodes, truncated) = found.map_err(|e| Failure::unavailable(e.to_string()))?;
    let episodes: Vec<Value> = episodes.iter().map(episode).collect();
    Ok(own(&json!({ "episodes": episodes, "truncated": truncated })))
}

fn statistic(s: &RuleStatistics) -> Value {
    let seconds = |ms: Option<f64>| ms.map(|ms| ms / 1e3);
    json!({
        "episodes": s.episodes,
        "firing_seconds": s.firing_ms as f64 / 1e3,
        "mean_to_acknowledge_seconds": seconds(s.to_acknowledge_ms),
        "mean_to_resolve_seconds": seconds(s.to_resolve_ms),
        "notifications": s.notifications,
        "flapping": s.is_flapping,
        "pages": s.pages,
        "pages_per_week": s.pages_per_week,
    })
}

/// Statistics by rule, the noisiest first: `from` (four weeks ago), `to` (now).
pub async fn statistics(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let to = time(&call.params, "to")?.unwrap_or_else(|| app.now()).min(app.now());
    let from = time(&call.params, "from")?.unwrap_or(to - STATISTICS_MS);
    if from >= to {
        return Err(Failure::parameter("from", "must lie before \"to\", and not ahead"));
    }
    let (rules, totals) = blocking(move || app.alerting.statistics(from, to)).await?;
    let rules = rules.iter().map(|(name, s)| {
        let mut doc = statistic(s);
        doc["rule"] = rule(name);
        doc
    });
    Ok(own(&json!({
        "from": rfc3339(from),
        "to": rfc3339(to),
        "rules": rules.collect::<Vec<_>>(),
        "totals": statistic(&totals),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        let params = |text: &str| Params::read(Some(text), None);
        assert_eq!(limit(&params("")).unwrap(), LIMIT);
        assert_eq!(limit(&params("limit=7")).unwrap(), 7);
        for wrong in ["limit=0", "limit=10001", "limit=x"] {
            assert!(limit(&params(wrong)).unwrap_err().message.contains("from 1 to 10000"));
        }
        assert_eq!(fingerprint("f", "00000000000000ff").unwrap(), 255);
        for wrong in ["", "ff", "+0000000000000ff", "000000000000000g"] {
            assert!(fingerprint("f", wrong).is_err(), "{wrong}");
        }
    }
}
