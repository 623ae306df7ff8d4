//! The messages that wait: which is due, and what follows from an attempt. No clock, no socket.
//!
//! A lane is a receiver's integration and a group: its messages go one after the other, the oldest
//! first. Only the first of a lane can be due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use plimsoll_model::{DAY_MS, MINUTE_MS, Timestamp};
use plimsoll_records::{Delivery, DeliveryState, PENDING_MAX, Records};
use tokio::sync::oneshot;

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

/// First attempts that somebody waits for; further ones are not told.
const WATCHED_MAX: usize = 1_000;

/// The messages that wait, in memory; records hold the same, except while they cannot be written.
pub struct Outbox {
    waiting: Mutex<Waiting>,
    metrics: Arc<Metrics>,
    changed: tokio::sync::Notify,
}

/// When, and which: in this order messages are created or due.
type Moments = BTreeSet<(Timestamp, String)>;

#[derive(Default)]
struct Waiting {
    by_id: BTreeMap<String, Delivery>,
    /// All of them by when they were created.
    ages: Moments,
    /// The same, lane by lane.
    lanes: BTreeMap<String, Moments>,
    /// The first of each lane that is not on its way, by receiver and by when it is due.
    ready: BTreeMap<String, Moments>,
    /// Those on their way, with their receivers.
    in_flight: BTreeMap<String, String>,
    /// How many are on their way to a receiver.
    busy: BTreeMap<String, usize>,
    /// Who is told how the first attempt at a message went.
    watched: BTreeMap<String, oneshot::Sender<Outcome>>,
}

impl Waiting {
    fn insert(&mut self, delivery: Delivery) {
        let (id, created) = (delivery.id.clone(), delivery.created_ms);
        if self.by_id.contains_key(&id) {
            return;
        }
        let lane = lane(&delivery);
        self.unready(&lane);
        self.ages.insert((created, id.clone()));
        self.lanes.entry(lane.clone()).or_default().insert((created, id.clone()));
        let next_ms = delivery.next_ms;
        self.by_id.insert(id, delivery);
        // A new message calls for the one before it at once.
        if let Some(first) = self.first(&lane).cloned()
            && let Some(first) = self.by_id.get_mut(&first)
        {
            first.next_ms = first.next_ms.min(next_ms);
        }
        self.make_ready(&lane);
    }

    fn remove(&mut self, id: &str) -> Option<Delivery> {
        let created = self.by_id.get(id)?.created_ms;
        let lane = lane(self.by_id.get(id)?);
        self.unready(&lane);
        let key = (created, id.to_owned());
        self.ages.remove(&key);
        if let Some(all) = self.lanes.get_mut(&lane) {
            all.remove(&key);
            if all.is_empty() {
                self.lanes.remove(&lane);
            }
        }
        let removed = self.by_id.remove(id);
        self.make_ready(&lane);
        removed
    }

    fn first(&self, lane: &str) -> Option<&String> {
        self.lanes.get(lane)?.first().map(|(_, id)| id)
    }

    fn unready(&mut self, lane: &str) {
        let Some(first) = self.first(lane).and_then(|id| self.by_id.get(id)) else { return };
        let (key, receiver) = ((first.next_ms, first.id.clone()), first.receiver.clone());
        if let Some(ready) = self.ready.get_mut(&receiver) {
            ready.remove(&key);
            if ready.is_empty() {
                self.ready.remove(&receiver);
            }
        }
    }

    fn make_ready(&mut self, lane: &str) {
        let Some(first) = self.first(lane).and_then(|id| self.by_id.get(id)) else { return };
        if !self.in_flight.contains_key(&first.id) {
            let key = (first.next_ms, first.id.clone());
            self.ready.entry(first.receiver.clone()).or_default().insert(key);
        }
    }

    /// Ids of messages of a receiver that are due, at most `room`.
    fn due(ready: &Moments, now: Timestamp, room: usize) -> Vec<String> {
        // Farther away than any wait: the clock was set back.
        let far = (now + RETRY_MS_MAX + 1, String::new());
        let near = ready.iter().take_while(|(at, _)| *at <= now);
        near.chain(ready.range(far..)).take(room).map(|(_, id)| id.clone()).collect()
    }
}

impl Outbox {
    /// Starts from what is in records.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn open(records: &dyn Records, metrics: Arc<Metrics>) -> plimsoll_records::Result<Self> {
        let changed = tokio::sync::Notify::new();
        let outbox = Self { waiting: Mutex::default(), metrics, changed };
        let pending = records.deliveries(DeliveryState::Pending, PENDING_MAX as usize)?;
        let _none_beyond_the_bound = outbox.add(pending.into_iter());
        Ok(outbox)
    }

    /// Adds messages; one that is known stays as it is. At the bound the oldest goes, counted as dead;
    /// those that went are given back, to be recorded.
    pub fn add(&self, deliveries: impl Iterator<Item = Delivery>) -> Vec<Delivery> {
        let mut waiting = self.waiting.lock();
        deliveries.for_each(|delivery| waiting.insert(delivery));
        let mut dead = Vec::new();
        while waiting.by_id.len() as u64 > PENDING_MAX {
            let Some((_, id)) = waiting.ages.first().cloned() else { break };
            dead.extend(waiting.remove(&id));
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
        self.changed.notify_one();
        dead
    }

    /// Puts another body into a message that waits for its first attempt, and lets it go at once; `false`
    /// when it is on its way, or is not known.
    pub fn enrich(&self, delivery: Delivery, now: Timestamp) -> bool {
        let mut waiting = self.waiting.lock();
        let waits = |d: &&Delivery| d.attempts == 0 && !waiting.in_flight.contains_key(&d.id);
        if waiting.by_id.get(&delivery.id).filter(waits).is_none() {
            return false;
        }
        let lane = lane(&delivery);
        waiting.unready(&lane);
        if let Some(known) = waiting.by_id.get_mut(&delivery.id) {
            known.body = delivery.body;
            known.next_ms = known.next_ms.min(now);
        }
        waiting.make_ready(&lane);
        self.changed.notify_one();
        true
    }

    /// Tells how the first attempt at a message goes that is added next; nothing when too many wait for theirs.
    pub fn watch(&self, id: &str) -> Option<oneshot::Receiver<Outcome>> {
        let mut waiting = self.waiting.lock();
        if waiting.watched.len() >= WATCHED_MAX {
            waiting.watched.retain(|_, told| !told.is_closed());
        }
        if waiting.watched.len() >= WATCHED_MAX {
            return None;
        }
        let (told, heard) = oneshot::channel();
        waiting.watched.insert(id.to_owned(), told);
        Some(heard)
    }

    /// Waits until another message may be due.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Number of messages that wait or are on their way.
    pub fn len(&self) -> usize {
        self.waiting.lock().by_id.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes messages that are due, by receivers in turn; each must be given to [`Outbox::done`].
    pub fn take_due(&self, now: Timestamp) -> Vec<Delivery> {
        let mut waiting = self.waiting.lock();
        let waiting = &mut *waiting;
        let mut due = Vec::new();
        for (receiver, ready) in &waiting.ready {
            let busy = waiting.busy.get(receiver).copied().unwrap_or(0);
            due.extend(Waiting::due(ready, now, IN_FLIGHT_EACH.saturating_sub(busy)));
        }
        let by_due = |id: &String| waiting.by_id.get(id).map(|d| d.next_ms);
        due.sort_by_key(by_due);
        due.truncate(IN_FLIGHT_MAX.saturating_sub(waiting.in_flight.len()));
        let mut taken = Vec::with_capacity(due.len());
        for id in due {
            let Some(delivery) = waiting.by_id.get(&id).cloned() else { continue };
            waiting.unready(&lane(&delivery));
            *waiting.busy.entry(delivery.receiver.clone()).or_default() += 1;
            waiting.in_flight.insert(id, delivery.receiver.clone());
            taken.push(delivery);
        }
        taken
    }

    /// When the next message is due that there is room for; `None` when none is. After each
    /// [`Outbox::done`] the answer may be another.
    pub fn next_at(&self) -> Option<Timestamp> {
        let waiting = self.waiting.lock();
        if waiting.in_flight.len() >= IN_FLIGHT_MAX {
            return None;
        }
        let has_room =
            |receiver: &String| waiting.busy.get(receiver).copied().unwrap_or(0) < IN_FLIGHT_EACH;
        let ready = waiting.ready.iter().filter(|(receiver, _)| has_room(receiver));
        ready.filter_map(|(_, moments)| moments.first().map(|(at, _)| *at)).min()
    }

    /// Takes note of an attempt; the delivery as it is to be recorded.
    pub fn done(&self, mut delivery: Delivery, outcome: &Outcome, now: Timestamp) -> Delivery {
        delivery.attempts += 1;
        match outcome {
            Outcome::Delivered => {
                delivery.state = DeliveryState::Delivered;
                delivery.error.clear();
                delivery.next_ms = now;
                count(&self.metrics.deliveries, 1);
                self.metrics.latency.note(now - delivery.created_ms);
            }
            Outcome::GivenUp(why) => {
                delivery.state = DeliveryState::Dead;
                delivery.next_ms = now;
                delivery.error.clone_from(why);
            }
            Outcome::Failed(why) | Outcome::Busy(why, _) => {
                delivery.next_ms = now + wait_ms(delivery.attempts).max(asked_ms(outcome));
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
        if let Some(told) = waiting.watched.remove(&delivery.id) {
            // Who does not wait any more need not know.
            let _gone = told.send(outcome.clone());
        }
        if let Some(receiver) = waiting.in_flight.remove(&delivery.id)
            && let Some(busy) = waiting.busy.get_mut(&receiver)
        {
            *busy -= 1;
            if *busy == 0 {
                waiting.busy.remove(&receiver);
            }
        }
        waiting.remove(&delivery.id);
        if delivery.state == DeliveryState::Pending {
            waiting.insert(delivery.clone());
        }
        self.metrics.outbox.store(waiting.by_id.len() as u64, Ordering::Relaxed);
        self.changed.notify_one();
        delivery
    }
}

/// Time to the next attempt after this many.
fn wait_ms(attempts: u32) -> i64 {
    (1..attempts.min(20)).fold(RETRY_MS, |ms, _| (ms * 3 / 2).min(RETRY_MS_MAX))
}

/// How long the receiver asked to wait; not longer than between attempts anyway.
fn asked_ms(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Busy(_, wait) => {
            i64::try_from(wait.as_millis()).unwrap_or(RETRY_MS_MAX).min(RETRY_MS_MAX)
        }
        _ => 0,
    }
}

/// Whose order is kept: receiver, group, integration.
fn lane(delivery: &Delivery) -> String {
    let id = &delivery.id;
    let group = id.split_once('-').map_or(id.as_str(), |(group, _)| group);
    let integration = id.rsplit_once('-').map_or("", |(_, integration)| integration);
    format!("{}\n{group}\n{integration}", delivery.receiver)
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
    fn a_receiver_that_hangs_leaves_room_for_others() {
        let outbox = outbox();
        let of = |receiver: &str, i: usize| {
            Delivery::new(format!("{receiver}{i}-x-0"), receiver.into(), 0, "{}".into())
        };
        outbox.add((0..100).map(|i| of("hangs", i)).chain((0..3).map(|i| of("works", i))));
        let count = |due: &[Delivery], r: &str| due.iter().filter(|d| d.receiver == r).count();
        let due = outbox.take_due(0);
        assert_eq!((count(&due, "hangs"), count(&due, "works")), (16, 3));
        assert_eq!(outbox.next_at(), None, "nothing that there is room for");
        let one = due.into_iter().find(|d| d.receiver == "hangs").unwrap();
        outbox.done(one, &Outcome::Delivered, 5);
        assert_eq!(outbox.next_at(), Some(0));
        assert_eq!(outbox.take_due(5).len(), 1);
    }

    #[test]
    fn at_the_bound_the_oldest_goes() {
        let outbox = outbox();
        let of = |i: u64| Delivery::new(format!("{i:06}-x-0"), "r".into(), i as i64, "{}".into());
        assert!(outbox.add((0..PENDING_MAX).map(of)).is_empty());
        let dead = outbox.add([of(PENDING_MAX)].into_iter());
        assert_eq!(dead[0].id, "000000-x-0");
        assert_eq!((outbox.len() as u64, dead[0].state), (PENDING_MAX, DeliveryState::Dead));
    }

    #[test]
    fn a_message_that_waits_for_its_evidence_goes_when_it_is_there_or_time_is_over() {
        let outbox = outbox();
        let of = |id: &str, at| Delivery {
            next_ms: at + 2_000,
            ..Delivery::new(id.into(), "r".into(), at, "plain".into())
        };
        outbox.add([of("a-x-0", 0), of("b-x-0", 0)].into_iter());
        assert!(outbox.take_due(100).is_empty());
        let rich = Delivery::new("a-x-0".into(), "r".into(), 0, "rich".into());
        assert!(outbox.enrich(rich.clone(), 150));
        let due = outbox.take_due(150);
        assert_eq!((due.len(), due[0].body.as_str()), (1, "rich"));
        assert!(!outbox.enrich(rich.clone(), 160), "it is on its way");
        outbox.done(due.into_iter().next().unwrap(), &Outcome::Failed("no".into()), 170);
        assert!(!outbox.enrich(rich, 180), "it was tried as it was");
        assert_eq!(outbox.next_at(), Some(670));
        assert_eq!(outbox.take_due(2_000).last().unwrap().body, "plain");
        let unknown = Delivery::new("c-x-0".into(), "r".into(), 0, "rich".into());
        assert!(!outbox.enrich(unknown, 180));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_hold_up_a_message() {
        let outbox = outbox();
        outbox.add([Delivery::new("a-x-0".into(), "r".into(), 900_000, "{}".into())].into_iter());
        assert_eq!(outbox.take_due(899_999).len(), 0);
        assert_eq!(outbox.take_due(1_000).len(), 1);
    }

    #[test]
    fn the_first_attempt_is_told_to_who_waits_for_it() {
        let outbox = outbox();
        let mut heard = outbox.watch("a").unwrap();
        outbox.add([Delivery::new("a".into(), "r".into(), 0, "{}".into())].into_iter());
        assert!(heard.try_recv().is_err(), "it was not tried yet");
        let due = outbox.take_due(0).remove(0);
        let due = outbox.done(due, &Outcome::Failed("no".into()), 0);
        assert_eq!(heard.try_recv(), Ok(Outcome::Failed("no".into())));
        outbox.done(due, &Outcome::Delivered, 1);
        let all: Vec<_> = (0..WATCHED_MAX).map(|i| outbox.watch(&i.to_string())).collect();
        assert!(all.iter().all(Option::is_some) && outbox.watch("one more").is_none());
        drop(all);
        assert!(outbox.watch("those that went make room").is_some());
    }

    #[test]
    fn a_message_is_given_up_after_a_day() {
        let outbox = outbox();
        let delivery = Delivery::new("a".into(), "r".into(), 0, "{}".into());
        let done = outbox.done(delivery, &Outcome::Failed("no".into()), AGE_MS_MAX + 1);
        assert_eq!(done.state, DeliveryState::Dead);
    }
}
