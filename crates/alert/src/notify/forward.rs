//! Sends own alerts to Alertmanagers of others: one batch after the other, to all of them at once. A batch
//! that none takes is dropped and counted, as Prometheus does: alerts that go on are told again soon.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::channel::{Tools, post};
use crate::forward::Alertmanager;
use crate::metrics::count;
use crate::owner::Alerting;
use crate::route::Notice;
use crate::route::payload::rfc3339;

/// Sends until told to stop.
pub async fn run(alerting: Arc<Alerting>, tools: Tools, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let (batch, to) = alerting.forwards();
        if batch.is_empty() {
            tokio::select! {
                () = alerting.forward_poked() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stop.changed() => return,
            }
            continue;
        }
        tokio::select! {
            () = send(&alerting, &tools, &batch, &to) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn send(alerting: &Alerting, tools: &Tools, batch: &[Notice], to: &[Alertmanager]) {
    let body = Value::Array(batch.iter().map(one).collect()).to_string();
    let mut sending = tokio::task::JoinSet::new();
    for alertmanager in to {
        let (tools, body, to) = (tools.clone(), body.clone(), alertmanager.clone());
        sending.spawn(async move {
            let answer = match post(&to.url, body, &to.http, to.timeout, &*tools.disk) {
                Ok(request) => tools.client.send(request).await.map_err(|e| e.to_string()),
                Err(why) => Err(why),
            };
            match answer {
                Ok(answer) if answer.is_success() => None,
                Ok(answer) => Some(format!("{} answered {}", to.url, answer.status)),
                Err(why) => Some(why),
            }
        });
    }
    let mut taken = false;
    while let Some(done) = sending.join_next().await {
        match done {
            Ok(None) => taken = true,
            Ok(Some(error)) => {
                count(&alerting.metrics().forward_failures, 1);
                tracing::warn!(error, alerts = batch.len(), "alerts not forwarded");
            }
            Err(e) => tracing::error!(error = %e, "forwarding failed"),
        }
    }
    let counter =
        if taken { &alerting.metrics().forwarded } else { &alerting.metrics().forward_lost };
    count(counter, batch.len() as u64);
}

/// An alert as Prometheus posts it.
fn one(notice: &Notice) -> Value {
    json!({
        "labels": notice.labels,
        "annotations": notice.annotations,
        "startsAt": rfc3339(notice.starts_at),
        "endsAt": notice.ends_at.map(rfc3339),
        "generatorURL": notice.generator_url,
    })
}
