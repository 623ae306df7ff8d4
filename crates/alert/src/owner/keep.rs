//! Changes that wait to be recorded.
//!
//! While records can be written this holds one tick's changes. While they cannot, it keeps the newest
//! state of each document and the newest events and deliveries, within bounds; what falls out is
//! history, never a page: messages were handed to the sender when they were decided.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use plimsoll_records::{BODY_BYTES_MAX, Change};

/// Events and deliveries that wait; the oldest fall out.
const WAITING_MAX: usize = 10_000;

/// Changes in the order decided; of several to one document only the newest.
#[derive(Default)]
pub struct Unsaved {
    documents: BTreeMap<(String, String), Change>,
    others: VecDeque<Change>,
    dropped: u64,
}

impl Unsaved {
    /// Adds a change.
    ///
    /// One that records would refuse for its size is left out: it would hold up all others for ever.
    pub fn change(&mut self, change: Change) {
        let bytes = body_bytes(&change);
        if bytes > BODY_BYTES_MAX {
            self.dropped += 1;
            tracing::error!(bytes, max = BODY_BYTES_MAX, "a decision is too large to be recorded");
            return;
        }
        match &change {
            Change::Put { kind, id, .. } | Change::Remove { kind, id } => {
                self.documents.insert((kind.clone(), id.clone()), change);
            }
            Change::Append(_) | Change::Enqueue(_) | Change::Update(_) => {
                self.others.push_back(change);
                if self.others.len() > WAITING_MAX {
                    self.others.pop_front();
                    self.dropped += 1;
                }
            }
        }
    }

    /// Adds several.
    pub fn changes(&mut self, changes: impl IntoIterator<Item = Change>) {
        changes.into_iter().for_each(|c| self.change(c));
    }

    /// All of them, as one transaction. What happened to messages recorded before comes first: it
    /// makes room in the outbox for those that follow.
    pub fn list(&self) -> Vec<Change> {
        let new: BTreeSet<&str> = self
            .others
            .iter()
            .filter_map(|c| if let Change::Enqueue(d) = c { Some(d.id.as_str()) } else { None })
            .collect();
        let is_old = |c: &&Change| matches!(c, Change::Update(d) if !new.contains(d.id.as_str()));
        let old = self.others.iter().filter(is_old);
        let rest = self.others.iter().filter(|c| !is_old(c));
        old.chain(self.documents.values()).chain(rest).cloned().collect()
    }

    /// Changes that were left out since the start.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Forgets them: they are recorded.
    pub fn clear(&mut self) {
        self.documents.clear();
        self.others.clear();
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.documents.len() + self.others.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn body_bytes(change: &Change) -> usize {
    match change {
        Change::Put { body, .. } => body.len(),
        Change::Append(e) => e.body.len(),
        Change::Enqueue(d) => d.body.len(),
        Change::Remove { .. } | Change::Update(_) => 0,
    }
}
