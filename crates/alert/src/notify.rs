//! Delivery: what is in the outbox goes to its receiver, at least once, with a stable key.
//!
//! [`Outbox`] decides which message is due and what follows from an attempt, without clock or socket;
//! [`run`] is the async rim. A 2xx ends a message; 408, 429, 5xx
//! and no answer at all are tried again after 1 s, 2 s, 4 s … up to 5 min, for a day; any other
//! answer gives it up at once. A receiver that hangs
//! holds up only its own messages. Messages of one group to one address keep their order, so that
//! nobody hears of a fire after its end; a new one calls for the old one at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use plimsoll_net::{Answer, Client, Request};
use plimsoll_records::{Delivery, DeliveryState, PENDING_MAX, Records};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::config::{Config, Receiver, Webhook};
use crate::metrics::{Metrics, count};
use crate::owner::Alerting;
use crate::route::{Notification, payload};

/// Messages on their way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Longest time between attempts.
const RETRY_MS_MAX: i64 = 5 * MINUTE_MS;
/// A message older than this is given up.
const AGE_MS_MAX: i64 = DAY_MS;
/// How long a stop waits for the messages on their way: cut off, they would be sent twice.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The messages that wait, in memory; records hold the same, except while they cannot be written.
pub struct Outbox {
    waiting: Mutex<Waiting>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Waiting {
    by_id: BTreeMap<String, Delivery>,
    in_flight: BTreeSet<String>,
}

impl Outbox {
    /// Starts from what is in records.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn open(records: &dyn Records, metrics: Arc<Metrics>) -> plimsoll_records::Result<Self> {
        let outbox = Self { waiting: Mutex::default(), metrics };
        let pending = records.deliveries(DeliveryState::Pending, PENDING_MAX as usize)?;
        let _none_beyond_the_bound = outbox.add(pending.into_iter());
        Ok(outbox)
    }

    /// Adds messages; one that is known stays as it is. At the bound the oldest goes, counted as dead;
    /// those that went are given back, to be recorded.
    pub fn add(&self, deliveries: impl Iterator<Item = Delivery>) -> Vec<Delivery> {
        let mut waiting = self.waiting.lock();
        let mut dead = Vec::new();
        let new: Vec<Delivery> = deliveries.collect();
        let called: BTreeMap<_, i64> = new.iter().map(|d| (lane(d), d.next_ms)).collect();
        for older in waiting.by_id.values_mut() {
            if let Some(at) = called.get(&lane(older)).copied() {
                older.next_ms = older.next_ms.min(at);
            }
        }
        for delivery in new {
            waiting.by_id.entry(delivery.id.clone()).or_insert(delivery);
        }
        while waiting.by_id.len() as u64 > PENDING_MAX {
            let oldest = waiting.by_id.values().min_by_key(|d| d.created_ms).map(|d| d.id.clone());
            let Some(id) = oldest else { break };
            dead.extend(waiting.by_id.remove(&id));
            count(&self.metrics.dead, 1);
            tracing::error!(
                id,
                limit = PENDING_MAX,
                "outbox is full; the oldest message is dropped"
            );
        }
        self.metrics.outbox.store(waiting.by_id.len() as u64, Ordering::Relaxed);
        for delivery in &mut dead {
            delivery.state = DeliveryState::Dead;
            "the outbox was full".clone_into(&mut delivery.error);
        }
        dead
    }

    /// Number of messages that wait or are on their way.
    pub fn len(&self) -> usize {
        self.waiting.lock().by_id.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes messages that are due; each must be given to [`Outbox::done`].
    pub fn take_due(&self, now: Timestamp) -> Vec<Delivery> {
        let mut waiting = self.waiting.lock();
        let Waiting { by_id, in_flight } = &mut *waiting;
        let room = IN_FLIGHT_MAX.saturating_sub(in_flight.len());
        let is_due = |d: &Delivery| {
            // Farther away than any wait: the clock was set back.
            let now_or_never = d.next_ms <= now || d.next_ms - now > RETRY_MS_MAX;
            now_or_never && !in_flight.contains(&d.id)
        };
        let mut due: Vec<Delivery> =
            heads(by_id).into_iter().filter(|d| is_due(d)).cloned().collect();
        due.sort_by_key(|d| d.next_ms);
        due.truncate(room);
        in_flight.extend(due.iter().map(|d| d.id.clone()));
        due
    }

    /// When the next message is due; `None` when none waits.
    pub fn next_at(&self) -> Option<Timestamp> {
        let waiting = self.waiting.lock();
        let heads = heads(&waiting.by_id).into_iter();
        heads.filter(|d| !waiting.in_flight.contains(&d.id)).map(|d| d.next_ms).min()
    }

    /// Takes note of an attempt; the delivery as it is to be recorded.
    pub fn done(&self, mut delivery: Delivery, outcome: &Outcome, now: Timestamp) -> Delivery {
        delivery.attempts += 1;
        match outcome {
            Outcome::Delivered => {
                delivery.state = DeliveryState::Delivered;
                delivery.error.clear();
                count(&self.metrics.deliveries, 1);
            }
            Outcome::GivenUp(why) => {
                delivery.state = DeliveryState::Dead;
                delivery.error.clone_from(why);
            }
            Outcome::Failed(why) => {
                let doubled = SECOND_MS << delivery.attempts.saturating_sub(1).min(20);
                delivery.next_ms = now + doubled.min(RETRY_MS_MAX);
                delivery.error.clone_from(why);
                if now - delivery.created_ms > AGE_MS_MAX {
                    delivery.state = DeliveryState::Dead;
                }
            }
        }
        if *outcome != Outcome::Delivered {
            count(&self.metrics.delivery_failures, 1);
        }
        if delivery.state == DeliveryState::Dead {
            count(&self.metrics.dead, 1);
        }
        let mut waiting = self.waiting.lock();
        waiting.in_flight.remove(&delivery.id);
        if delivery.state == DeliveryState::Pending {
            waiting.by_id.insert(delivery.id.clone(), delivery.clone());
        } else {
            waiting.by_id.remove(&delivery.id);
        }
        self.metrics.outbox.store(waiting.by_id.len() as u64, Ordering::Relaxed);
        delivery
    }
}

/// Whose order is kept: receiver, group, address.
fn lane(delivery: &Delivery) -> (&str, &str, &str) {
    let id = &delivery.id;
    let group = id.split_once('-').map_or(id.as_str(), |(group, _)| group);
    (&delivery.receiver, group, id.rsplit_once('-').map_or("", |(_, address)| address))
}

/// The oldest message of each lane.
fn heads(by_id: &BTreeMap<String, Delivery>) -> Vec<&Delivery> {
    let mut heads: BTreeMap<(&str, &str, &str), &Delivery> = BTreeMap::new();
    for delivery in by_id.values() {
        let head = heads.entry(lane(delivery)).or_insert(delivery);
        if delivery.created_ms < head.created_ms {
            *head = delivery;
        }
    }
    heads.into_values().collect()
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// Trying again may help.
    Failed(String),
    /// Trying again will not help.
    GivenUp(String),
}

/// The messages that a notification makes: one for each address of its receiver.
pub fn compose(n: &Notification, config: &Config, now: Timestamp) -> Vec<Delivery> {
    let Some(receiver) = config.receivers.iter().find(|r| r.name == n.receiver) else {
        if !n.receiver.is_empty() {
            tracing::error!(receiver = n.receiver, "no such receiver; nobody is told");
        }
        return Vec::new();
    };
    let group = xxhash_rust::xxh3::xxh3_64(n.group_key.as_bytes());
    let mut out = Vec::new();
    for (i, webhook) in receiver.webhooks.iter().enumerate() {
        let url = &config.external_url;
        let Some(body) = payload::webhook(n, url, webhook.max_alerts, webhook.send_resolved) else {
            continue;
        };
        let body = json!({ "integration": "webhook", "index": i, "payload": body });
        let id = format!("{group:016x}-{}-{i}", n.key);
        out.push(Delivery::new(id, receiver.name.clone(), now, body.to_string()));
    }
    out
}

/// Ticks, and delivers, until told to stop; messages on their way then have a moment to arrive, and
/// are tried again after the next start when they do not.
pub async fn run(
    alerting: Arc<Alerting>,
    client: Arc<dyn Client>,
    mut stop: watch::Receiver<bool>,
) {
    let mut sending = tokio::task::JoinSet::new();
    loop {
        let at_work = Arc::clone(&alerting);
        let tick = move || (at_work.tick().after, at_work.receivers());
        let (wake, receivers) = match tokio::task::spawn_blocking(tick).await {
            Ok(done) => done,
            Err(e) => {
                tracing::error!(error = %e, "a tick of alerting failed");
                (Duration::from_secs(1), alerting.receivers())
            }
        };
        for delivery in alerting.outbox().take_due(alerting.now()) {
            let webhook = webhook_of(&receivers, &delivery);
            let (client, alerting) = (Arc::clone(&client), Arc::clone(&alerting));
            sending.spawn(async move {
                let outcome = match webhook {
                    Ok((webhook, body)) => attempt(&*client, &webhook, &delivery, body).await,
                    Err(why) => Outcome::GivenUp(why),
                };
                if outcome != Outcome::Delivered {
                    let (receiver, id) = (&delivery.receiver, &delivery.id);
                    tracing::warn!(receiver, id, ?outcome, "notification not delivered");
                }
                let record = move || {
                    let done = alerting.outbox().done(delivery, &outcome, alerting.now());
                    alerting.record_delivery(done);
                };
                if let Err(e) = tokio::task::spawn_blocking(record).await {
                    tracing::error!(error = %e, "a delivery was not recorded");
                }
            });
        }
        while sending.try_join_next().is_some() {}
        let next = alerting.outbox().next_at().map_or(wake, |at| {
            wake.min(Duration::from_millis((at - alerting.now()).clamp(10, 1_000).unsigned_abs()))
        });
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            _ = stop.changed() => break,
        }
    }
    let finished = async { while sending.join_next().await.is_some() {} };
    let _in_time = tokio::time::timeout(FINISH_WITHIN, finished).await;
    sending.shutdown().await;
}

fn webhook_of(receivers: &[Receiver], delivery: &Delivery) -> Result<(Webhook, String), String> {
    let mut body: Value =
        serde_json::from_str(&delivery.body).map_err(|e| format!("message not readable: {e}"))?;
    let index = body["index"].as_u64().and_then(|i| usize::try_from(i).ok()).unwrap_or(0);
    let webhook = receivers
        .iter()
        .find(|r| r.name == delivery.receiver)
        .and_then(|r| r.webhooks.get(index))
        .ok_or_else(|| format!("receiver {:?} is not configured any more", delivery.receiver))?;
    Ok((webhook.clone(), body["payload"].take().to_string()))
}

async fn attempt(
    client: &dyn Client,
    webhook: &Webhook,
    delivery: &Delivery,
    body: String,
) -> Outcome {
    let mut request = Request::post(webhook.url.reveal(), "application/json", body);
    request.timeout = Duration::from_millis(webhook.timeout_ms.unsigned_abs());
    request.headers.push(("idempotency-key".to_owned(), delivery.id.clone()));
    match client.send(request).await {
        Ok(answer) => judge(&answer),
        Err(e) => Outcome::Failed(e.to_string()),
    }
}

fn judge(answer: &Answer) -> Outcome {
    if answer.is_success() {
        return Outcome::Delivered;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let why = format!("the receiver answered {}: {:.200}", answer.status, text.trim());
    match answer.status {
        408 | 429 | 500.. => Outcome::Failed(why),
        _ => Outcome::GivenUp(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_records::SimRecords;

    fn outbox() -> Outbox {
        Outbox::open(&SimRecords::new(), Arc::new(Metrics::default())).unwrap()
    }

    #[test]
    fn attempts_are_farther_and_farther_apart() {
        let outbox = outbox();
        outbox.add([Delivery::new("a".into(), "r".into(), 0, "{}".into())].into_iter());
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..11 {
            let due = outbox.take_due(now);
            assert_eq!(due.len(), 1);
            assert!(outbox.take_due(now).is_empty(), "it is on its way");
            let failed = Outcome::Failed("no".into());
            let next = outbox.done(due.into_iter().next().unwrap(), &failed, now).next_ms;
            waits.push((next - now) / 1_000);
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn the_end_of_an_alert_is_not_told_before_its_beginning() {
        let outbox = outbox();
        let of = |id: &str, at| Delivery::new(id.into(), "r".into(), at, "{}".into());
        let ids = |due: &[Delivery]| due.iter().map(|d| d.id.clone()).collect::<Vec<_>>();
        outbox.add([of("g-firing-0", 0), of("h-other-0", 0)].into_iter());
        let failed = Outcome::Failed("down".into());
        for delivery in outbox.take_due(0) {
            outbox.done(delivery, &failed, 290_000);
        }
        outbox.add([of("g-resolved-0", 290_500)].into_iter());
        let due = outbox.take_due(290_500);
        assert_eq!(ids(&due), ["g-firing-0"], "called for at once, and first");
        assert_eq!(outbox.next_at(), Some(291_000), "that of the other group");
        outbox.done(due.into_iter().next().unwrap(), &Outcome::Delivered, 290_600);
        assert_eq!(ids(&outbox.take_due(290_600)), ["g-resolved-0"]);
    }

    #[test]
    fn an_answer_is_judged() {
        let of = |status| judge(&Answer { status, ..Answer::default() });
        assert_eq!(of(204), Outcome::Delivered);
        assert!(matches!(of(400), Outcome::GivenUp(_)));
        assert!(matches!(of(429), Outcome::Failed(_)));
        assert!(matches!(of(503), Outcome::Failed(_)));
    }

    #[test]
    fn a_message_is_given_up_after_a_day() {
        let outbox = outbox();
        let delivery = Delivery::new("a".into(), "r".into(), 0, "{}".into());
        let done = outbox.done(delivery, &Outcome::Failed("no".into()), AGE_MS_MAX + 1);
        assert_eq!(done.state, DeliveryState::Dead);
    }
}
