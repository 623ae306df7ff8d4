//! Changes that wait to be recorded.
//!
//! While records can be written this holds one tick's changes. While they cannot, it keeps the newest
//! state of each document and the newest events and deliveries, within bounds; what falls out is
//! history, never a page: messages were handed to the sender when they were decided.

use std::collections::{BTreeMap, VecDeque};

use plimsoll_records::Change;

/// Events and deliveries that wait; the oldest fall out.
const WAITING_MAX: usize = 10_000;

/// Changes in the order decided; of several to one document only the newest.
#[derive(Default)]
pub struct Unsaved {
    documents: BTreeMap<(String, String), Change>,
    others: VecDeque<Change>,
}

impl Unsaved {
    /// Adds a change.
    pub fn change(&mut self, change: Change) {
        match &change {
            Change::Put { kind, id, .. } | Change::Remove { kind, id } => {
                self.documents.insert((kind.clone(), id.clone()), change);
            }
            Change::Append(_) | Change::Enqueue(_) | Change::Update(_) => {
                self.others.push_back(change);
                if self.others.len() > WAITING_MAX {
                    self.others.pop_front();
                }
            }
        }
    }

    /// Adds several.
    pub fn changes(&mut self, changes: impl IntoIterator<Item = Change>) {
        changes.into_iter().for_each(|c| self.change(c));
    }

    /// All of them, as one transaction.
    pub fn list(&self) -> Vec<Change> {
        self.documents.values().chain(&self.others).cloned().collect()
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
