//! What a simulated machine finds on its disk when it starts again.

use super::bytes::Survival;
use super::state::{Dir, File, Ino, Node, ROOT, State};
use crate::chance::{Chance, SeededChance};
use std::collections::{BTreeMap, BTreeSet};

/// How the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// The power went: of what was not synced, a subset chosen by the seed survives, page by page
    /// and name by name, and the last write of a file may be torn at any byte. Some seeds keep
    /// nothing, some everything.
    PowerCut {
        /// Chooses what survives.
        seed: u64,
    },
    /// The process died and the kernel did not: everything written is there, still un-synced.
    ProcessKill,
}

impl State {
    /// The disk after a restart: no open files, no locks, no faults, a count of zero.
    pub(super) fn rebooted(&self, kind: CrashKind) -> State {
        let mut next = State::new(self.seed, self.capacity);
        next.next_ino = self.next_ino;
        next.next_seq = self.next_seq;
        next.nodes = self.nodes.clone();
        match kind {
            CrashKind::ProcessKill => {
                next.pending = self.pending.clone();
                next.stamps = self.stamps.clone();
            }
            CrashKind::PowerCut { seed } => {
                let chance = SeededChance::new(seed ^ self.seed.rotate_left(32));
                next.stamps = self.stamps.clone();
                next.lose(self, &chance);
                next.stamps.clear();
            }
        }
        next.recount();
        next
    }

    /// Keeps a part of what was not synced in `before`.
    fn lose(&mut self, before: &State, chance: &SeededChance) {
        let survival = match chance.below(8) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Some,
        };
        let mut dropped = BTreeSet::new();
        for change in &before.pending {
            let keep = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Some => !dropped.contains(&change.ino) && chance.below(2) == 0,
            };
            if keep {
                self.settle(change);
            } else {
                dropped.insert(change.ino);
            }
        }
        for node in self.nodes.values_mut() {
            match node {
                Node::File(file) => file.bytes = file.bytes.power_cut(survival, chance),
                Node::Dir(dir) => dir.live = dir.durable.clone(),
            }
        }
    }

    /// Counts names and space anew and closes every handle. Nodes that neither the live tree nor
    /// the durable one can reach stay only while changes are pending.
    fn recount(&mut self) {
        let mut links: BTreeMap<Ino, u32> = BTreeMap::new();
        let mut seen = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(at) = open.pop() {
            let Some(Node::Dir(Dir { live, .. })) = self.nodes.get(&at) else { continue };
            for ino in live.values() {
                *links.entry(*ino).or_default() += 1;
                if seen.insert(*ino) {
                    open.push(*ino);
                }
            }
        }
        if self.pending.is_empty() {
            self.nodes.retain(|ino, _| seen.contains(ino));
        }
        self.used_pages = 0;
        let mut unnamed = Vec::new();
        for (ino, node) in &mut self.nodes {
            let Node::File(File { bytes, links: count, opens }) = node else { continue };
            *count = links.get(ino).copied().unwrap_or(0);
            *opens = 0;
            self.used_pages += bytes.pages();
            if *count == 0 {
                unnamed.push(*ino);
            }
        }
        for ino in unnamed {
            self.release(Some(ino));
        }
    }
}
