//! `/api/plimsoll/v1/receivers/{name}/test`, `/api/plimsoll/v1/receivers/test` and `/api/plimsoll/v1/notifications/…`: tests of receivers, what
//! arrived, what was given up, which channels do not work.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::Letter;
use plimsoll_alert::notify::{TrialError, Tried, trial, trial_of};
use plimsoll_alert::payload::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rule_files::refused;

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Letters in one answer unless `limit` says otherwise, and at most.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// Sends a test message by each integration of a receiver and tells how it went.
pub async fn test(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let name = call.captured.first().cloned().unwrap_or_default();
    let tried = trial(&app.alerting, &name).await.map_err(|e| untried(&e))?;
    Ok(told(&name, &tried))
}

/// A receiver that need not be kept: its name, and its text as it would be saved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    text: String,
}

/// The same for a receiver that is only written: checked as on saving, and not kept.
pub async fn test_draft(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let draft: Draft = serde_json::from_slice(&call.body).map_err(|e| {
        Failure::bad_data(format!("the body is not {{\"name\": …, \"text\": …}}: {e}"))
    })?;
    let (shelf, name) = (Arc::clone(&app.receivers), draft.name.clone());
    let receiver = match blocking(move || shelf.draft(&draft.name, &draft.text)).await? {
        Ok(receiver) => receiver,
        Err(e) => return Ok(refused(&e)),
    };
    let tried = trial_of(&app.alerting, &receiver).await.map_err(|e| untried(&e))?;
    Ok(told(&name, &tried))
}

fn untried(error: &TrialError) -> Failure {
    let message = error.to_string();
    match error {
        TrialError::Unknown(_) => Failure::not_found(message),
        TrialError::Busy => Failure::unavailable(message),
        TrialError::Broken => Failure::internal(message),
    }
}

fn told(name: &str, tried: &[Tried]) -> Response {
    let channels: Vec<Value> = tried
        .iter()
        .map(|t| {
            json!({
                "integration": t.integration,
                "delivered": t.error.is_none(),
                "error": t.error,
                "took_ms": t.took.as_secs_f64() * 1e3,
            })
        })
        .collect();
    own(&json!({ "receiver": name, "channels": channels }))
}

fn limit(call: &Call) -> Result<usize, Failure> {
    match call.params.get("limit").filter(|l| !l.is_empty()) {
        None => Ok(LIMIT),
        Some(text) => {
            let n = text.parse::<usize>().map_err(|e| Failure::parameter("limit", e))?;
            Ok(n.min(LIMIT_MAX))
        }
    }
}

fn shown(letter: &Letter) -> Value {
    json!({
        "id": letter.id,
        "receiver": letter.receiver,
        "integration": letter.integration,
        "decided_at": rfc3339(letter.decided_ms),
        "ended_at": rfc3339(letter.ended_ms),
        "latency_ms": letter.ended_ms.saturating_sub(letter.decided_ms),
        "attempts": letter.attempts,
        "error": letter.error,
        "test": letter.is_test,
        "message": letter.message,
    })
}

/// The newest messages that arrived, and tests, also those that did not.
pub async fn receipts(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = limit(&call)?;
    let found = blocking(move || app.alerting.receipts(limit)).await?;
    let found = found.map_err(|e| Failure::unavailable(e.to_string()))?;
    Ok(own(&json!({ "receipts": found.iter().map(shown).collect::<Vec<_>>() })))
}

/// The newest messages that were given up.
pub async fn dead(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = limit(&call)?;
    let found = blocking(move || app.alerting.dead_letters(limit)).await?;
    let found = found.map_err(|e| Failure::unavailable(e.to_string()))?;
    Ok(own(&json!({ "dead": found.iter().map(shown).collect::<Vec<_>>() })))
}

/// Sends the dead letter `id` again.
pub async fn retry(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = call.params.get("id").unwrap_or_default().to_owned();
    let wanted = id.clone();
    let done = blocking(move || app.alerting.retry_dead(&wanted)).await?;
    answer(done, &id, "retried")
}

/// Puts the dead letter `id` away.
pub async fn discard(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let id = call.params.get("id").unwrap_or_default().to_owned();
    let wanted = id.clone();
    let done = blocking(move || app.alerting.discard_dead(&wanted)).await?;
    answer(done, &id, "discarded")
}

fn answer(
    done: Result<bool, impl std::fmt::Display>,
    id: &str,
    what: &str,
) -> Result<Response, Failure> {
    match done {
        Ok(true) => Ok(own(&json!({ what: id }))),
        Ok(false) => Err(Failure::not_found(format!("no dead letter has the id {id:?}"))),
        Err(e) => Err(Failure::unavailable(e.to_string())),
    }
}

/// The channels that failed lately, with their circuit breakers.
pub async fn channels(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let failing: Vec<Value> = app
        .alerting
        .breakers()
        .view()
        .into_iter()
        .map(|b| {
            json!({
                "receiver": b.receiver,
                "integration": b.integration,
                "failures": b.failures,
                "open": b.is_open,
            })
        })
        .collect();
    Ok(own(&json!({ "failing": failing })))
}
