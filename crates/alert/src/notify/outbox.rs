//! The messages that wait: which is due, and what follows from an attempt. No clock, no socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use plimsoll_model::{DAY_MS, MINUTE_MS, Timestamp};
use plimsoll_records::{Delivery, DeliveryState, PENDING_MAX, Records};

use super::channel::Outcome;
use crate::metrics::{Metrics, count};

/// Messages on their way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Messages on their way to one receiver at once: one that hangs leaves room for the others.
const IN_FLIGHT_EACH: usize = 16;
/// Time before the first attempt is repeated, ms; each later wait is half as long again.
const RETRY_MS: i64 = 500;
/// Longest time between attempts.
const RETRY_MS_MAX: i64 = MINUTE_MS;
/// A message older than this is given up.
const AGE_MS_MAX: i64 = DAY_MS;

/// The messages that wait, in memory; records hold the same, except while they cannot be written.
pub struct Outbox {
    waiting: Mutex<Waiting>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Waiting {
    by_id: BTreeMap<String, Delivery>,
    in_flight: BTreeMap<String, String>,
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
        let mut busy: BTreeMap<String, usize> = BTreeMap::new();
        in_flight.values().for_each(|receiver| *busy.entry(receiver.clone()).or_default() += 1);
        let is_due = |d: &Delivery| {
            // Farther away than any wait: the clock was set back.
            let now_or_never = d.next_ms <= now || d.next_ms - now > RETRY_MS_MAX;
            now_or_never && !in_flight.contains_key(&d.id)
        };
        let mut due: Vec<Delivery> =
            heads(by_id).into_iter().filter(|d| is_due(d)).cloned().collect();
        due.sort_by_key(|d| d.next_ms);
        due.retain(|d| {
            let mine = busy.entry(d.receiver.clone()).or_default();
            *mine += 1;
            *mine <= IN_FLIGHT_EACH
        });
        due.truncate(room);
        in_flight.extend(due.iter().map(|d| (d.id.clone(), d.receiver.clone())));
        due
    }

    /// When the next message is due that there is room for; `None` when none is. After each
    /// [`Outbox::done`] the answer may be another.
    pub fn next_at(&self) -> Option<Timestamp> {
        let waiting = self.waiting.lock();
        let Waiting { by_id, in_flight } = &*waiting;
        if in_flight.len() >= IN_FLIGHT_MAX {
            return None;
        }
        let has_room = |d: &&Delivery| {
            !in_flight.contains_key(&d.id)
                && in_flight.values().filter(|r| **r == d.receiver).count() < IN_FLIGHT_EACH
        };
        heads(by_id).into_iter().filter(has_room).map(|d| d.next_ms).min()
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
                delivery.next_ms = now + wait_ms(delivery.attempts);
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

/// Time to the next attempt after this many.
fn wait_ms(attempts: u32) -> i64 {
    (1..attempts.min(20)).fold(RETRY_MS, |ms, _| (ms * 3 / 2).min(RETRY_MS_MAX))
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
        for _ in 0..13 {
            let due = outbox.take_due(now);
            assert_eq!(due.len(), 1);
            assert!(outbox.take_due(now).is_empty(), "it is on its way");
            let failed = Outcome::Failed("no".into());
            let next = outbox.done(due.into_iter().next().unwrap(), &failed, now).next_ms;
            waits.push(next - now);
            now = next;
        }
        assert_eq!(
            waits,
            [500, 750, 1125, 1687, 2530, 3795, 5692, 8538, 12807, 19210, 28815, 43222, 60000]
        );
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
        outbox.add([of("g-resolved-0", 290_100)].into_iter());
        let due = outbox.take_due(290_100);
        assert_eq!(ids(&due), ["g-firing-0"], "called for at once, and first");
        assert_eq!(outbox.next_at(), Some(290_500), "that of the other group");
        outbox.done(due.into_iter().next().unwrap(), &Outcome::Delivered, 290_200);
        assert_eq!(ids(&outbox.take_due(290_200)), ["g-resolved-0"]);
    }

    #[test]
    fn a_message_is_given_up_after_a_day() {
        let outbox = outbox();
        let delivery = Delivery::new("a".into(), "r".into(), 0, "{}".into());
        let done = outbox.done(delivery, &Outcome::Failed("no".into()), AGE_MS_MAX + 1);
        assert_eq!(done.state, DeliveryState::Dead);
    }
}
