//! Records in memory, with failures on demand: the simulated twin for exhaustive tests of those who
//! decide and then send.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::change::{
    BODY_BYTES_MAX, Change, DEAD_MAX, Delivery, DeliveryState, Document, EVENTS_MAX, Event,
    EventQuery, PENDING_MAX, Records,
};
use crate::{Error, Result};

/// Records in memory. What was applied survives as long as the value; [`SimRecords::fail_after`]
/// makes later changes fail as a full disk would.
#[derive(Default)]
pub struct SimRecords {
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    documents: BTreeMap<(String, String), Vec<Document>>,
    events: Vec<Event>,
    seq: u64,
    deliveries: BTreeMap<String, Delivery>,
    applied: u64,
    fail_after: Option<u64>,
}

impl SimRecords {
    /// Empty records that never fail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next `n` calls of `apply` succeed and all after them fail; `None` ends the failing.
    pub fn fail_after(&self, n: Option<u64>) {
        let mut state = self.state.lock();
        state.fail_after = n.map(|n| state.applied + n);
    }

    /// Calls of `apply` that succeeded.
    pub fn applied(&self) -> u64 {
        self.state.lock().applied
    }
}

impl State {
    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Put { kind, id, time_ms, author, body, expected, keep } => {
                let key = (kind.clone(), id.clone());
                let versions = self.documents.entry(key).or_default();
                let found = versions.last().map_or(0, |d| d.version);
                if let Some(expected) = *expected
                    && expected != found
                {
                    let (kind, id) = (kind.clone(), id.clone());
                    return Err(Error::Conflict { kind, id, found, expected });
                }
                versions.push(Document {
                    kind: kind.clone(),
                    id: id.clone(),
                    version: found + 1,
                    time_ms: *time_ms,
                    author: author.clone(),
                    body: body.clone(),
                });
                let keep = (*keep).max(1) as usize;
                versions.drain(..versions.len().saturating_sub(keep));
            }
            Change::Remove { kind, id } => {
                self.documents.remove(&(kind.clone(), id.clone()));
            }
            Change::Append(event) => {
                self.seq += 1;
                self.events.push(Event { seq: self.seq, ..event.clone() });
                let over = self.events.len().saturating_sub(EVENTS_MAX as usize);
                self.events.drain(..over);
            }
            Change::Enqueue(delivery) => {
                let waiting =
                    self.deliveries.values().filter(|d| d.state == DeliveryState::Pending).count();
                if waiting as u64 >= PENDING_MAX {
                    return Err(Error::Limit { what: "messages in the outbox", max: PENDING_MAX });
                }
                self.deliveries.entry(delivery.id.clone()).or_insert_with(|| delivery.clone());
            }
            Change::Update(delivery) => {
                if let Some(d) = self.deliveries.get_mut(&delivery.id) {
                    d.next_ms = delivery.next_ms;
                    d.attempts = delivery.attempts;
                    d.state = delivery.state;
                    d.error.clone_from(&delivery.error);
                    if delivery.body.len() <= BODY_BYTES_MAX {
                        d.body.clone_from(&delivery.body);
                    }
                }
            }
        }
        Ok(())
    }

    fn trim(&mut self) {
        for state in [DeliveryState::Delivered, DeliveryState::Dead] {
            let mut letters: Vec<_> = self
                .deliveries
                .values()
                .filter(|d| d.state == state)
                .map(|d| (std::cmp::Reverse(d.next_ms), d.id.clone()))
                .collect();
            letters.sort();
            for (_, id) in letters.into_iter().skip(DEAD_MAX as usize) {
                self.deliveries.remove(&id);
            }
        }
    }
}

impl Records for SimRecords {
    fn apply(&self, changes: &[Change]) -> Result<()> {
        let mut state = self.state.lock();
        if state.fail_after.is_some_and(|n| state.applied >= n) {
            return Err(Error::Io { what: "commit", error: "database or disk is full".into() });
        }
        let mut next = state.clone();
        for change in changes {
            next.apply(change)?;
        }
        next.trim();
        next.applied += 1;
        *state = next;
        Ok(())
    }

    fn document(&self, kind: &str, id: &str) -> Result<Option<Document>> {
        let key = (kind.to_owned(), id.to_owned());
        Ok(self.state.lock().documents.get(&key).and_then(|v| v.last().cloned()))
    }

    fn documents(&self, kind: &str) -> Result<Vec<Document>> {
        let state = self.state.lock();
        let all = state.documents.iter().filter(|((k, _), _)| k == kind);
        Ok(all.filter_map(|(_, v)| v.last().cloned()).collect())
    }

    fn history(&self, kind: &str, id: &str) -> Result<Vec<Document>> {
        let key = (kind.to_owned(), id.to_owned());
        let versions = self.state.lock().documents.get(&key).cloned().unwrap_or_default();
        Ok(versions.into_iter().rev().collect())
    }

    fn events(&self, query: &EventQuery<'_>) -> Result<Vec<Event>> {
        let limit = if query.limit == 0 { 1_000 } else { query.limit };
        let state = self.state.lock();
        let wanted = |e: &&Event| {
            query.kind.is_none_or(|k| e.kind == k)
                && query.subject.is_none_or(|s| e.subject == s)
                && e.seq > query.after_seq
        };
        Ok(state.events.iter().rev().filter(wanted).take(limit).cloned().collect())
    }

    fn deliveries(&self, state: DeliveryState, limit: usize) -> Result<Vec<Delivery>> {
        let all = self.state.lock();
        let mut found: Vec<_> =
            all.deliveries.values().filter(|d| d.state == state).cloned().collect();
        found.sort_by(|a, b| {
            (a.next_ms, a.created_ms, &a.id).cmp(&(b.next_ms, b.created_ms, &b.id))
        });
        found.truncate(limit);
        Ok(found)
    }
}
