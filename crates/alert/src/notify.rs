//! Delivery: what is in the outbox goes to its receiver, at least once, with a stable key.
//!
//! [`Outbox`] decides which message is due and what follows from an attempt, without clock or socket;
//! [`run`] is the async rim. A 2xx ends a message; 408, 429, 5xx and no answer at all are tried again
//! after 0.5 s, 0.75 s … up to 1 min, for a day; any other answer gives it up, and its group tells it
//! anew at its next look. A receiver that hangs holds up only its own messages. Messages of one group to
//! one integration keep their order, so that nobody hears of a fire after its end; a new one calls for
//! the old one at once. Each kind of integration is a [`Channel`] in a file of its own.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::Timestamp;
use plimsoll_records::Delivery;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::evidence::AT_ONCE;
use crate::metrics::count;
use crate::owner::{Alerting, without_files};
use crate::route::{Notification, Routing};

pub mod breaker;
pub mod channel;
mod discord;
mod email;
mod entry;
mod exec;
mod fallback;
mod forward;
mod ntfy;
mod opsgenie;
pub mod outbox;
mod pagerduty;
mod slack;
mod smtp;
mod teams;
mod telegram;
mod trial;
pub mod webhook;
mod words;

pub use breaker::{BreakerView, Breakers};
pub use channel::{Channel, Making, Outcome, Outgoing, Tools};
pub use entry::{Entry, build};
pub use outbox::Outbox;
pub use trial::{TRIALS_MAX, TrialError, Tried, trial, trial_of};
pub(crate) use words::escaped;

/// How long a stop waits for the messages on their way: cut off, they would be sent twice.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The message that a notification makes, ready for the outbox; `None` when its integration is gone or
/// has nothing to say.
pub fn compose(
    n: &Notification,
    routing: &Routing,
    making: &Making<'_>,
    now: Timestamp,
) -> Option<Delivery> {
    let receiver = routing.receiver(&n.receiver)?;
    let integration = receiver.integrations.iter().find(|i| i.name() == n.integration)?;
    let message = integration.channel.make(n, making)?;
    let group = xxhash_rust::xxh3::xxh3_64(n.group_id.as_bytes());
    let id = format!("{group:016x}-{}-{}", n.key, n.integration);
    let (kind, index) = (integration.channel.kind(), integration.index);
    let mut body = json!({ "integration": kind, "index": index, "payload": message });
    let others = fallback::messages(n, receiver, routing, making);
    if !others.is_empty() {
        body["fallback"] = others.into();
    }
    Some(Delivery::new(id, n.receiver.clone(), now, body.to_string()))
}

/// The key of the notification that a delivery carries.
pub(crate) fn key_of(delivery: &Delivery) -> &str {
    delivery.id.split('-').nth(1).unwrap_or_default()
}

/// Evaluates, tells, and delivers, until told to stop; messages on their way then have a moment to
/// arrive, and are tried again after the next start when they do not.
pub async fn run(alerting: Arc<Alerting>, tools: Tools, stop: watch::Receiver<bool>) {
    alerting.keep_tools(&tools);
    let evaluating = tokio::spawn(evaluate(Arc::clone(&alerting), stop.clone()));
    let forwarding = forward::run(Arc::clone(&alerting), tools.clone(), stop.clone());
    let forwarding = tokio::spawn(forwarding);
    let telling = tokio::spawn(tell(Arc::clone(&alerting), stop.clone()));
    for _ in 0..AT_ONCE {
        // Not waited for: a message goes out without what is not ready.
        tokio::spawn(illustrate(Arc::clone(&alerting), stop.clone()));
    }
    deliver(Arc::clone(&alerting), tools, stop).await;
    for task in [evaluating, forwarding, telling] {
        let _in_time = tokio::time::timeout(FINISH_WITHIN, task).await;
    }
    // What arrived in the last moment must not be sent again after the next start.
    if let Err(e) = tokio::task::spawn_blocking(move || alerting.write_down()).await {
        tracing::error!(error = %e, "the last deliveries were not recorded");
    }
}

/// Evaluates rules when they are due. Its own loop: an expression that takes long holds up no page of
/// others.
async fn evaluate(alerting: Arc<Alerting>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let at_work = Arc::clone(&alerting);
        let wake = match tokio::task::spawn_blocking(move || at_work.evaluate()).await {
            Ok(wake) => wake.after,
            Err(e) => {
                tracing::error!(error = %e, "an evaluation of rules failed");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wake) => {}
            _ = stop.changed() => break,
        }
    }
}

/// Looks at groups when they are due, and writes down what was decided and what arrived.
async fn tell(alerting: Arc<Alerting>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let at_work = Arc::clone(&alerting);
        let wake = match tokio::task::spawn_blocking(move || at_work.settle()).await {
            Ok(wake) => wake.after,
            Err(e) => {
                tracing::error!(error = %e, "a look at the groups of alerts failed");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wake) => {}
            () = alerting.poked() => {}
            _ = stop.changed() => break,
        }
    }
}

/// Makes evidence for messages that wait for it.
async fn illustrate(alerting: Arc<Alerting>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let at_work = Arc::clone(&alerting);
        match tokio::task::spawn_blocking(move || at_work.illustrate_one()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(e) => tracing::error!(error = %e, "evidence for a message was not made"),
        }
        tokio::select! {
            () = alerting.evidence_wanted() => {}
            _ = stop.changed() => break,
        }
    }
}

/// Sends messages when they are due. Its own loop: it waits for no disk.
async fn deliver(alerting: Arc<Alerting>, tools: Tools, mut stop: watch::Receiver<bool>) {
    let mut sending = tokio::task::JoinSet::new();
    while !*stop.borrow() {
        for delivery in alerting.outbox().take_due(alerting.now()) {
            let (tools, alerting) = (tools.clone(), Arc::clone(&alerting));
            sending.spawn(async move { deliver_one(&alerting, delivery, &tools).await });
        }
        while sending.try_join_next().is_some() {}
        let next = alerting.outbox().next_at().map_or(1_000, |at| at - alerting.now());
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(next.clamp(10, 1_000).unsigned_abs())) => {}
            () = alerting.outbox().changed() => {}
            _ = stop.changed() => break,
        }
    }
    let finished = async { while sending.join_next().await.is_some() {} };
    let _in_time = tokio::time::timeout(FINISH_WITHIN, finished).await;
    sending.shutdown().await;
}

/// Makes one attempt at a message that [`Outbox::take_due`] gave. What came of it is written down with
/// what is decided next.
pub async fn deliver_one(alerting: &Alerting, delivery: Delivery, tools: &Tools) {
    let outcome = guarded(alerting, &delivery, tools).await;
    if outcome != Outcome::Delivered {
        let (receiver, id) = (&delivery.receiver, &delivery.id);
        tracing::warn!(receiver, id, ?outcome, "notification not delivered");
    }
    let now = alerting.now();
    let mut done = alerting.outbox().done(delivery, &outcome, now);
    if done.state == plimsoll_records::DeliveryState::Delivered
        && let Some(body) = without_files(&done.body)
    {
        done.body = body;
    }
    let given_up = done.state == plimsoll_records::DeliveryState::Dead;
    let handed = if given_up { fallback::handed(&done, now) } else { Vec::new() };
    alerting.went(done, handed);
}

/// An attempt, unless the channel's breaker is open; with it open, a message that has a fallback is given
/// up here.
async fn guarded(alerting: &Alerting, delivery: &Delivery, tools: &Tools) -> Outcome {
    let (receiver, breakers) = (&delivery.receiver, alerting.breakers());
    let integration = integration_of(delivery);
    let (outcome, is_open) = match breakers.ask(receiver, &integration, alerting.now()) {
        Some(wait) => {
            let why = match delivery.error.is_empty() {
                true => {
                    "the channel failed too often lately; it is left alone for a while".to_owned()
                }
                false => delivery.error.clone(),
            };
            (Outcome::Busy(why, wait), true)
        }
        None => {
            let outcome = attempt(&alerting.receivers(), delivery, tools).await;
            let now = alerting.now();
            let (is_open, just_opened) = breakers.note(receiver, &integration, &outcome, now);
            if just_opened {
                count(&alerting.metrics().breakers_opened, 1);
                tracing::warn!(receiver, integration, "the circuit breaker of a channel opens");
            }
            (outcome, is_open)
        }
    };
    match outcome {
        Outcome::Failed(why) | Outcome::Busy(why, _) if is_open && fallback::has_one(delivery) => {
            Outcome::GivenUp(format!("handed to the fallback: {why}"))
        }
        outcome => outcome,
    }
}

/// Which integration of its receiver a message is for: `slack/0`.
fn integration_of(delivery: &Delivery) -> String {
    let last = delivery.id.rsplit_once('-').map_or("", |(_, last)| last);
    last.rsplit_once('.').map_or(last, |(_, last)| last).to_owned()
}

async fn attempt(routing: &Routing, delivery: &Delivery, tools: &Tools) -> Outcome {
    let mut body: Value = match serde_json::from_str(&delivery.body) {
        Ok(body) => body,
        Err(e) => return Outcome::GivenUp(format!("message not readable: {e}")),
    };
    let kind = body["integration"].as_str().unwrap_or("webhook").to_owned();
    let index = body["index"].as_u64().and_then(|i| usize::try_from(i).ok()).unwrap_or(0);
    let is_it = |i: &&crate::config::Integration| i.channel.kind() == kind && i.index == index;
    let found =
        routing.receiver(&delivery.receiver).and_then(|r| r.integrations.iter().find(is_it));
    let Some(integration) = found else {
        let receiver = &delivery.receiver;
        return Outcome::GivenUp(format!("receiver {receiver:?} is not configured any more"));
    };
    let outgoing =
        Outgoing { idempotency_key: delivery.id.clone(), message: body["payload"].take() };
    integration.channel.send(outgoing, tools).await
}
