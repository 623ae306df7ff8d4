//! `/api/plimsoll/v1/incidents…`: alerts that fired together, with what happened on the way.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::history::{Entry, Incident, IncidentState, What};
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{AcknowledgeError, IncidentView};
use serde_json::{Value, json};

use super::alerts::{at, episode, hex, limit, refused, who};
use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

fn incident(i: &Incident) -> Value {
    let taken = i.timeline.iter().rev().find(|e| e.what == What::Acknowledged);
    let by = taken.filter(|_| i.state == IncidentState::Acknowledged).and_then(|e| e.by.as_ref());
    json!({
        "id": i.id,
        "title": i.title,
        "state": i.state.as_str(),
        "severity": i.severity,
        "group_labels": i.group_labels,
        "receivers": i.receivers,
        "opened_at": rfc3339(i.opened_at),
        "acknowledged_at": at(i.acknowledged_at),
        "acknowledged_by": by,
        "resolved_at": at(i.resolved_at),
        "alerts": i.alerts,
        "firing": i.firing.len(),
    })
}

/// Incidents, the newest first: `state` (`open`, the default, or `all`), `limit`.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let only_open = match call.params.get("state") {
        None | Some("open") => true,
        Some("all") => false,
        Some(other) => {
            let message = format!("{other:?} is neither open nor all");
            return Err(Failure::parameter("state", message));
        }
    };
    let limit = limit(&call.params)?;
    let found = blocking(move || app.alerting.incidents(only_open, limit)).await?;
    let found = found.map_err(|e| Failure::unavailable(e.to_string()))?;
    Ok(own(&json!({ "incidents": found.iter().map(incident).collect::<Vec<_>>() })))
}

fn entry(e: &Entry) -> Value {
    json!({
        "at": rfc3339(e.at), "what": e.what.as_str(), "text": e.text, "by": e.by,
        "fingerprint": e.fingerprint.map(hex),
    })
}

fn whole(view: &IncidentView) -> Value {
    let mut doc = incident(&view.incident);
    doc["alert_count"] = doc["alerts"].take();
    doc["alerts"] = view.episodes.iter().map(episode).collect();
    doc["timeline"] = view.incident.timeline.iter().map(entry).collect();
    doc["timeline_left_out"] = view.incident.left_out.into();
    doc
}

fn id(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

async fn answer(app: Arc<App>, id: String) -> Result<Response, Failure> {
    let wanted = id.clone();
    let found = blocking(move || app.alerting.incident(&wanted)).await?;
    match found.map_err(|e| Failure::unavailable(e.to_string()))? {
        Some(view) => Ok(own(&whole(&view))),
        None => Err(Failure::not_found(format!("no incident has the id {id:?}"))),
    }
}

/// One incident with its episodes and its time line.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    answer(app, id(&call)).await
}

/// Says that somebody (`by`, `note`) takes care of all its alerts.
pub async fn acknowledge(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (by, note) = who(&call, "note")?;
    let (alerting, wanted) = (Arc::clone(&app.alerting), id(&call));
    let done = blocking(move || alerting.acknowledge_incident(&wanted, &by, &note)).await?;
    finish(app, done, id(&call)).await
}

/// Says that nobody takes care of it any more.
pub async fn unacknowledge(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (by, _) = who(&call, "note")?;
    let (alerting, wanted) = (Arc::clone(&app.alerting), id(&call));
    let done = blocking(move || alerting.unacknowledge_incident(&wanted, &by)).await?;
    finish(app, done, id(&call)).await
}

/// Writes a note (`by`, `text`) into its time line.
pub async fn note(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (by, text) = who(&call, "text")?;
    let (alerting, wanted) = (Arc::clone(&app.alerting), id(&call));
    let done = blocking(move || alerting.note(&wanted, &by, &text)).await?;
    finish(app, done, id(&call)).await
}

async fn finish(
    app: Arc<App>,
    done: Result<(), AcknowledgeError>,
    id: String,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => answer(app, id).await,
        Err(e) => Err(refused(&e)),
    }
}
