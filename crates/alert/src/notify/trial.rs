//! A test of a receiver: a marked message by each of its integrations, at once and past the outbox.

use std::sync::Arc;
use std::time::Duration;

use super::channel::{Making, Outcome, Outgoing};
use crate::config::Integration;
use crate::owner::Alerting;
use crate::route::{Notice, Notification};

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

/// Sends a test message by all integrations of a receiver; `None` when there is no such receiver.
/// Incidents that the test opens are closed again. Ends within three times the longest timeout.
pub async fn trial(alerting: &Arc<Alerting>, receiver: &str) -> Option<Vec<Tried>> {
    let routing = alerting.receivers();
    let all = routing.receiver(receiver)?.integrations.clone();
    let mut out = Vec::with_capacity(all.len());
    let mut sending = tokio::task::JoinSet::new();
    for (place, integration) in all.into_iter().enumerate() {
        let (alerting, receiver) = (Arc::clone(alerting), receiver.to_owned());
        sending.spawn(async move { (place, one(&alerting, &receiver, &integration).await) });
    }
    while let Some(done) = sending.join_next().await {
        match done {
            Ok(tried) => out.push(tried),
            Err(e) => tracing::error!(error = %e, "a test of a receiver failed"),
        }
    }
    out.sort_by_key(|(place, _)| *place);
    Some(out.into_iter().map(|(_, tried)| tried).collect())
}

async fn one(alerting: &Alerting, receiver: &str, integration: &Integration) -> Tried {
    let began = alerting.clock().mono();
    let now = alerting.now();
    let keeps_open = KEEP_OPEN.contains(&integration.channel.kind());
    let mut error = None;
    for ends_at in [None, Some(now)] {
        if ends_at.is_some() && !keeps_open {
            break;
        }
        let n = message(receiver, integration, now, ends_at);
        error = error.or(send(alerting, integration, &n).await);
    }
    let took = alerting.clock().mono().saturating_sub(began);
    Tried { integration: integration.name(), error, took }
}

async fn send(alerting: &Alerting, integration: &Integration, n: &Notification) -> Option<String> {
    let Some(tools) = alerting.tools() else {
        return Some("the server is not ready yet".to_owned());
    };
    let routing = alerting.receivers();
    let external_url = alerting.external_url();
    let making = Making { external_url: &external_url, templates: &routing.named, exhibit: None };
    let Some(message) = integration.channel.make(n, &making) else {
        return Some("it has nothing to say".to_owned());
    };
    let idempotency_key = format!("{}-{}", n.key, n.integration);
    match integration.channel.send(Outgoing { idempotency_key, message }, &tools).await {
        Outcome::Delivered => None,
        Outcome::Failed(why) | Outcome::Busy(why, _) | Outcome::GivenUp(why) => Some(why),
    }
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
