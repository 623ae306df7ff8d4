//! A test of a receiver, in force or only written: a marked message by each of its integrations, at once and
//! past the outbox. How it went stands among the receipts. Limit: [`TRIALS_MAX`] tests at once.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_records::{Delivery, DeliveryState};
use serde_json::{Value, json};

use super::channel::{Making, Outcome, Outgoing};
use crate::config::{Integration, Receiver};
use crate::owner::Alerting;
use crate::route::{Notice, Notification};

/// Tests that go on at once: each may hold connections for as long as a channel waits.
pub const TRIALS_MAX: usize = 8;

/// Kinds that keep something open until they are told that it is over.
const KEEP_OPEN: [&str; 2] = ["pagerduty", "opsgenie"];

/// How a test of one integration went.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Which: `slack/0`.
    pub integration: String,
    /// Nothing when the message was taken, else why not.
    pub error: Option<String>,
    /// From the first byte to the answer.
    pub took: Duration,
}

/// Why nothing was tested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// There is no receiver of this name.
    #[error("no receiver is called {0:?}")]
    Unknown(String),
    /// [`TRIALS_MAX`] tests go on.
    #[error("{TRIALS_MAX} tests of receivers go on; try again when one of them is over")]
    Busy,
    /// It ended in a panic.
    #[error("the test failed inside the server; see its log")]
    Broken,
}

/// Sends a test message by all integrations of a receiver that is in force.
/// Incidents that the test opens are closed again, also when nobody waits for the answer any more. Ends within three
/// times the longest timeout.
///
/// # Errors
/// There is no such receiver; too many tests go on.
pub async fn trial(alerting: &Arc<Alerting>, receiver: &str) -> Result<Vec<Tried>, TrialError> {
    let routing = alerting.receivers();
    let found = routing.receiver(receiver).ok_or_else(|| TrialError::Unknown(receiver.into()))?;
    trial_of(alerting, found).await
}

/// The same for a receiver that need not be in force.
///
/// # Errors
/// Too many tests go on; one ended in a panic.
pub async fn trial_of(
    alerting: &Arc<Alerting>,
    receiver: &Receiver,
) -> Result<Vec<Tried>, TrialError> {
    let place = alerting.trials().try_acquire_owned().map_err(|_| TrialError::Busy)?;
    let (alerting, receiver) = (Arc::clone(alerting), receiver.clone());
    // A task of its own: who asked may go away between what opens an incident and what closes it.
    let whole = tokio::spawn(async move {
        let tried = all_of(&alerting, &receiver).await;
        drop(place);
        tried
    });
    whole.await.map_err(|e| {
        tracing::error!(error = %e, "a test of a receiver failed");
        TrialError::Broken
    })
}

/// Sends, and writes down how it went.
async fn all_of(alerting: &Arc<Alerting>, receiver: &Receiver) -> Vec<Tried> {
    let mut out = Vec::with_capacity(receiver.integrations.len());
    let mut sending = tokio::task::JoinSet::new();
    for (place, integration) in receiver.integrations.iter().cloned().enumerate() {
        let (alerting, receiver) = (Arc::clone(alerting), receiver.name.clone());
        sending.spawn(async move { (place, one(&alerting, &receiver, &integration).await) });
    }
    while let Some(done) = sending.join_next().await {
        match done {
            Ok(tried) => out.push(tried),
            Err(e) => tracing::error!(error = %e, "a test of a receiver failed"),
        }
    }
    out.sort_by_key(|(place, _)| *place);
    let (tried, letters): (_, Vec<Delivery>) = out.into_iter().map(|(_, one)| one).unzip();
    let keeper = Arc::clone(alerting);
    let kept = tokio::task::spawn_blocking(move || keeper.keep_trials(&letters)).await;
    match kept {
        Ok(Ok(())) => {}
        // The message was sent all the same; only its receipt is missing.
        Ok(Err(e)) => tracing::warn!(error = %e, "a test of a receiver is not written down"),
        Err(e) => tracing::error!(error = %e, "writing down a test of a receiver failed"),
    }
    tried
}

/// How an integration does, and the receipt of it.
async fn one(alerting: &Alerting, receiver: &str, integration: &Integration) -> (Tried, Delivery) {
    let began = alerting.clock().mono();
    let now = alerting.now();
    let keeps_open = KEEP_OPEN.contains(&integration.channel.kind());
    let (mut error, mut payload) = (None, Value::Null);
    for ends_at in [None, Some(now)] {
        if ends_at.is_some() && !keeps_open {
            break;
        }
        let n = message(receiver, integration, now, ends_at);
        let (sent, why) = send(alerting, integration, &n).await;
        error = error.or(why);
        if payload.is_null() {
            payload = sent;
        }
    }
    let took = alerting.clock().mono().saturating_sub(began);
    let tried = Tried { integration: integration.name(), error, took };
    let letter = receipt(receiver, integration, &tried, now, payload);
    (tried, letter)
}

/// The receipt of a test. One that did not arrive is none to be sent again: it is no dead letter.
fn receipt(
    receiver: &str,
    integration: &Integration,
    tried: &Tried,
    now: i64,
    payload: Value,
) -> Delivery {
    let body = json!({
        "integration": integration.channel.kind(),
        "index": integration.index,
        "test": true,
        "payload": payload,
    });
    let id = format!("test-{now}-{receiver}-{}", tried.integration);
    let mut letter = Delivery::new(id, receiver.to_owned(), now, body.to_string());
    letter.state = DeliveryState::Delivered;
    letter.attempts = 1;
    letter.error = tried.error.clone().unwrap_or_default();
    letter.next_ms = now.saturating_add(i64::try_from(tried.took.as_millis()).unwrap_or(i64::MAX));
    letter
}

/// The message, and why it did not arrive.
async fn send(
    alerting: &Alerting,
    integration: &Integration,
    n: &Notification,
) -> (Value, Option<String>) {
    let Some(tools) = alerting.tools() else {
        return (Value::Null, Some("the server is not ready yet".to_owned()));
    };
    let routing = alerting.receivers();
    let external_url = alerting.external_url();
    let making = Making { external_url: &external_url, templates: &routing.named, exhibit: None };
    let Some(message) = integration.channel.make(n, &making) else {
        return (Value::Null, Some("it has nothing to say".to_owned()));
    };
    let idempotency_key = format!("{}-{}", n.key, n.integration);
    let outgoing = Outgoing { idempotency_key, message: message.clone() };
    let why = match integration.channel.send(outgoing, &tools).await {
        Outcome::Delivered => None,
        Outcome::Failed(why) | Outcome::Busy(why, _) | Outcome::GivenUp(why) => Some(why),
    };
    (message, why)
}

fn message(
    receiver: &str,
    integration: &Integration,
    now: i64,
    ends_at: Option<i64>,
) -> Notification {
    let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    let alert = Notice {
        labels: [
            pair("alertname", "PlimsollTest"),
            pair("plimsoll_test", "true"),
            pair("severity", "info"),
        ]
        .into(),
        annotations: [
            pair(
                "summary",
                &format!("This is a test of the receiver {receiver}. Nothing is wrong."),
            ),
            pair("description", "Somebody asked Plimsoll to try whether messages arrive here."),
        ]
        .into(),
        starts_at: now,
        ends_at,
        updated_at: now,
        ..Notice::default()
    };
    let group = format!("{{}}:{{alertname=\"PlimsollTest\", at=\"{now}\"}}");
    Notification {
        receiver: receiver.to_owned(),
        integration: integration.name(),
        group_key: group.clone(),
        group_id: group,
        group_labels: [pair("alertname", "PlimsollTest")].into(),
        alerts: vec![alert],
        at: now,
        key: format!("test-{now}"),
        is_repeat: false,
    }
}
