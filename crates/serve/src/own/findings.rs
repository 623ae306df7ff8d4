//! `/api/plimsoll/v1/insights…`, `…/recommendations…`, `…/risks`: what follows from what analysis sees.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::payload::rfc3339;
use plimsoll_insight::findings::{
    AnalyticsInsight, BINS, Bin, Check, Evidence, Findings, InsightState, InsightType,
    Recommendation, RecommendationState, Reliability, Risk, WordError,
};
use serde_json::{Map, Value, json};

use super::alerts::{limit, who};
use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

pub(super) fn labels(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<_, _>>())
}

/// Evidence as it is shown; with what its query gives now, where that was asked.
fn evidence(e: &Evidence, again: Option<&Option<f64>>) -> Value {
    let mut doc = json!({
        "query": e.query, "from": rfc3339(e.from_ms), "to": rfc3339(e.to_ms),
        "step": e.step_ms as f64 / 1e3, "value": e.value, "text": e.text,
    });
    if let Some(again) = again {
        doc["again"] = json!(again);
    }
    doc
}

fn check(c: &Check) -> Value {
    json!({ "query": c.query, "condition": c.condition() })
}

fn insight(i: &AnalyticsInsight, again: Option<&[Option<f64>]>) -> Value {
    let evidence: Vec<Value> = i
        .evidence
        .iter()
        .enumerate()
        .map(|(at, e)| evidence(e, again.and_then(|all| all.get(at))))
        .collect();
    let word = i.word.as_ref();
    let word = word.map(|w| json!({ "by": w.by, "at": rfc3339(w.at_ms), "note": w.note }));
    let said = |state: InsightState| if i.state == state { word.clone() } else { None };
    json!({
        "id": i.id,
        "type": i.kind.as_str(),
        "state": i.state.as_str(),
        "title": i.title,
        "description": i.description,
        "confidence": i.confidence,
        "claimed": i.claimed,
        "level": i.level,
        "may_page": i.may_page(),
        "rank": i.rank(),
        "impact": {
            "text": i.impact.text, "value": i.impact.value, "unit": i.impact.unit,
            "query": i.impact.query, "at": rfc3339(i.impact.at_ms),
        },
        "evidence": evidence,
        "recommendations": i.recommendations,
        "labels": labels(&i.labels),
        "first_at": rfc3339(i.first_ms),
        "last_at": rfc3339(i.last_ms),
        "expires_at": rfc3339(i.expires_ms),
        "count": i.count,
        "acknowledged": said(InsightState::Acknowledged),
        "dismissed": said(InsightState::Dismissed),
    })
}

fn recommendation(r: &Recommendation) -> Value {
    let change = |c: &plimsoll_insight::findings::RecommendationChange| {
        json!({
            "at": rfc3339(c.at_ms), "by": c.by, "from": c.from.as_str(), "to": c.to.as_str(),
            "note": c.note,
        })
    };
    let outcome = r.outcome.as_ref().map(|o| {
        json!({ "at": rfc3339(o.at_ms), "before": o.before, "after": o.after, "holds": o.holds })
    });
    json!({
        "id": r.id,
        "rule": r.rule,
        "state": r.state.as_str(),
        "action": r.action,
        "insight": r.insight,
        "evidence": r.evidence.iter().map(|e| evidence(e, None)).collect::<Vec<_>>(),
        "look_at": r.look_at,
        "expected_effect": r.expected_effect,
        "confidence": r.confidence,
        "verify": check(&r.verify),
        "verify_at": r.verify_ms.map(rfc3339),
        "outcome": outcome,
        "at": rfc3339(r.at_ms),
        "history": r.history.iter().map(change).collect::<Vec<_>>(),
    })
}

fn risk(r: &Risk) -> Value {
    json!({
        "id": r.id, "resource": r.resource, "title": r.title, "labels": labels(&r.labels),
        "probability": r.probability, "impact": r.impact, "score": r.score, "text": r.text,
        "query": r.query, "value": r.value, "unit": r.unit,
    })
}

pub(super) fn findings(app: &App) -> Arc<Findings> {
    Arc::clone(&app.findings)
}

fn id(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

fn refused(error: &WordError) -> Failure {
    let message = error.to_string();
    match error {
        WordError::Unknown(_) => Failure::not_found(message),
        WordError::State { .. } => {
            Failure { status: StatusCode::CONFLICT, kind: "conflict", message }
        }
        WordError::Invalid(_) => Failure::bad_data(message),
        WordError::NotRecorded => Failure::unavailable(message),
    }
}

/// How often insights were right, by type: bins of claims that have votes.
fn reliability(table: &Reliability) -> Value {
    let bins = |bins: &[Bin]| -> Vec<Value> {
        let voted = bins.iter().filter(|b| b.right + b.wrong > 0);
        voted
            .map(|b| {
                let n = f64::from(b.right) + f64::from(b.wrong);
                json!({ "claimed": b.claimed / n, "right": b.right, "wrong": b.wrong })
            })
            .collect()
    };
    let of =
        |(kind, all): (&InsightType, &[Bin; BINS])| (kind.as_str().to_owned(), json!(bins(all)));
    Value::Object(table.types.iter().map(of).collect())
}

/// One of some names, or `all`.
fn choice<T: Copy>(call: &Call, name: &str, all: &[(&str, T)]) -> Result<Option<T>, Failure> {
    let Some(text) = call.params.get(name).filter(|t| *t != "all") else { return Ok(None) };
    let found = all.iter().find(|(n, _)| *n == text);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(n, _)| *n).collect();
        Failure::parameter(name, format!("{text:?} is none of all, {}", names.join(", ")))
    })
}

/// Insights, the most important first: `state` (`all`), `type`, `limit`.
pub async fn insights(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let states = [
        InsightState::New,
        InsightState::Acknowledged,
        InsightState::Dismissed,
        InsightState::Expired,
    ]
    .map(|s| (s.as_str(), s));
    let state = choice(&call, "state", &states)?;
    let kind = choice(&call, "type", &InsightType::ALL.map(|k| (k.as_str(), k)))?;
    let limit = limit(&call.params)?;
    let (found, truncated) = findings(&app).insights(state, kind, limit);
    let found: Vec<Value> = found.iter().map(|i| insight(i, None)).collect();
    let reliability = reliability(&findings(&app).reliability());
    Ok(own(&json!({ "insights": found, "truncated": truncated, "reliability": reliability })))
}

/// One insight; with `again=true` its queries are asked again and their values stand beside.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = id(&call);
    let all = findings(&app);
    let Some(found) = all.get(&id) else {
        return Err(Failure::not_found(format!("no insight has the id {id:?}")));
    };
    if !matches!(call.params.get("again"), Some("1" | "true")) {
        return Ok(own(&insight(&found, None)));
    }
    let asked = found.evidence.clone();
    let again = blocking(move || all.again(&asked)).await?;
    Ok(own(&insight(&found, Some(&again))))
}

async fn say(app: Arc<App>, call: Call, to: InsightState) -> Result<Response, Failure> {
    let (by, note) = who(&call, "note")?;
    let (all, id) = (findings(&app), id(&call));
    let done = blocking(move || all.say(&id, to, &by, &note)).await?;
    done.map(|i| own(&insight(&i, None))).map_err(|e| refused(&e))
}

/// Says (`by`, `note`) that an insight is right.
pub async fn acknowledge(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    say(app, call, InsightState::Acknowledged).await
}

/// Says (`by`, `note`) that an insight is wrong, or of no use.
pub async fn dismiss(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    say(app, call, InsightState::Dismissed).await
}

/// Recommendations: `state` (`all`), `limit`.
pub async fn recommendations(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let state = choice(&call, "state", &RecommendationState::ALL.map(|s| (s.as_str(), s)))?;
    let limit = limit(&call.params)?;
    let found = findings(&app).recommendations(state);
    let shown: Vec<Value> = found.iter().take(limit).map(recommendation).collect();
    Ok(own(&json!({ "recommendations": shown, "truncated": found.len() > limit })))
}

/// One recommendation.
pub async fn get_recommendation(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = id(&call);
    match findings(&app).recommendation(&id) {
        Some(found) => Ok(own(&recommendation(&found))),
        None => Err(Failure::not_found(format!("no recommendation has the id {id:?}"))),
    }
}

/// Moves a recommendation (`by`, `note`) to where the last segment of the path says.
pub async fn decide(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let to = match call.parts.uri.path().rsplit('/').next() {
        Some("accept") => RecommendationState::Accepted,
        Some("apply") => RecommendationState::Applied,
        Some("verify") => RecommendationState::Verified,
        Some("revert") => RecommendationState::Reverted,
        _ => RecommendationState::Dismissed,
    };
    let (by, note) = who(&call, "note")?;
    let (all, id) = (findings(&app), id(&call));
    let done = blocking(move || all.decide(&id, to, &by, &note)).await?;
    done.map(|r| own(&recommendation(&r))).map_err(|e| refused(&e))
}

/// The risk register: `limit`.
pub async fn risks(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = limit(&call.params)?;
    let found = findings(&app).risks();
    let shown: Vec<Value> = found.iter().take(limit).map(risk).collect();
    Ok(own(&json!({ "risks": shown, "truncated": found.len() > limit })))
}
