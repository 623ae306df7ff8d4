//! What a simulated disk consists of: inodes, names, the changes of names that are not durable
//! yet, space, locks, and the count of operations.
//!
//! A change of names (a create, a rename, a removal, a link) is atomic: after a power cut it
//! happened or it did not. It becomes durable when a directory that it touches is synced. A later
//! change of the same inode never survives an earlier one that did not; changes of different
//! inodes survive in any combination.

use super::bytes::{FileBytes, PAGE_BYTES};
use super::fault::{self, Fault, FaultPlan, Op};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

pub(super) type Ino = u64;

/// The directory that is always there.
pub(super) const ROOT: Ino = 0;

/// Removed inodes that may wait before they are swept.
const FREED_MAX: usize = 256;

#[derive(Clone)]
pub(super) struct File {
    pub(super) bytes: FileBytes,
    /// Names in the live tree.
    pub(super) links: u32,
    /// Open handles.
    pub(super) opens: u32,
}

#[derive(Clone, Default)]
pub(super) struct Dir {
    pub(super) live: BTreeMap<String, Ino>,
    pub(super) durable: BTreeMap<String, Ino>,
}

#[derive(Clone)]
pub(super) enum Node {
    File(File),
    Dir(Dir),
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) dir: Ino,
    pub(super) name: String,
}

/// An un-synced change of names, with what each name leads to afterwards.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) seq: u64,
    pub(super) ino: Ino,
    pub(super) effects: Vec<(Name, Option<Ino>)>,
}

pub(super) struct State {
    pub(super) seed: u64,
    pub(super) nodes: BTreeMap<Ino, Node>,
    pub(super) next_ino: Ino,
    pub(super) pending: Vec<Change>,
    pub(super) next_seq: u64,
    /// The change that a durable name stems from, where an earlier one is still pending.
    pub(super) stamps: BTreeMap<Name, u64>,
    freed: BTreeSet<Ino>,
    pub(super) locks: BTreeSet<Ino>,
    pub(super) capacity: u64,
    pub(super) used_pages: u64,
    pub(super) operations: u64,
    pub(super) crash_after: Option<u64>,
    pub(super) dead: bool,
    pub(super) faults: Vec<FaultPlan>,
}

impl State {
    pub(super) fn new(seed: u64, capacity: u64) -> Self {
        Self {
            seed,
            nodes: BTreeMap::from([(ROOT, Node::Dir(Dir::default()))]),
            next_ino: ROOT + 1,
            pending: Vec::new(),
            next_seq: 1,
            stamps: BTreeMap::new(),
            freed: BTreeSet::new(),
            locks: BTreeSet::new(),
            capacity,
            used_pages: 0,
            operations: 0,
            crash_after: None,
            dead: false,
            faults: Vec::new(),
        }
    }

    /// Lets an operation begin: fails when the machine is off, counts, and says which fault
    /// strikes. Faults other than short writes and lost pages are errors already.
    pub(super) fn begin(&mut self, op: Op, path: &Path) -> io::Result<Option<Fault>> {
        self.dead |= self.crash_after.is_some_and(|n| self.operations >= n);
        if self.dead {
            return Err(io::Error::other("the simulated machine is off"));
        }
        if op.changes() {
            self.operations += 1;
        }
        match fault::strike(&mut self.faults, op, path) {
            None => Ok(None),
            Some(Fault::Full) => Err(Errno::NOSPC.into()),
            Some(Fault::Short(n)) if op == Op::Write => Ok(Some(Fault::Short(n))),
            Some(Fault::LosePages) if op == Op::Sync => Ok(Some(Fault::LosePages)),
            Some(_) => Err(Errno::IO.into()),
        }
    }

    /// Pages that may still be taken.
    pub(super) fn room(&self) -> u64 {
        (self.capacity / PAGE_BYTES).saturating_sub(self.used_pages)
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Ino> {
        let mut at = ROOT;
        for name in names(path)? {
            at = *self.dir(at)?.live.get(name).ok_or(Errno::NOENT)?;
        }
        Ok(at)
    }

    /// The directory of a path and its last name. The root has neither.
    pub(super) fn place(&self, path: &Path) -> io::Result<Name> {
        let mut all = names(path)?;
        let name = all.pop().ok_or(Errno::BUSY)?.to_owned();
        let mut dir = ROOT;
        for step in all {
            dir = *self.dir(dir)?.live.get(step).ok_or(Errno::NOENT)?;
        }
        self.dir(dir)?;
        Ok(Name { dir, name })
    }

    pub(super) fn at(&self, place: &Name) -> Option<Ino> {
        self.dir(place.dir).ok()?.live.get(&place.name).copied()
    }

    pub(super) fn dir(&self, ino: Ino) -> io::Result<&Dir> {
        match self.nodes.get(&ino) {
            Some(Node::Dir(dir)) => Ok(dir),
            Some(Node::File(_)) => Err(Errno::NOTDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    pub(super) fn is_dir(&self, ino: Ino) -> bool {
        matches!(self.nodes.get(&ino), Some(Node::Dir(_)))
    }

    pub(super) fn file(&self, ino: Ino) -> io::Result<&File> {
        match self.nodes.get(&ino) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Dir(_)) => Err(Errno::ISDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    pub(super) fn file_mut(&mut self, ino: Ino) -> io::Result<&mut File> {
        match self.nodes.get_mut(&ino) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Dir(_)) => Err(Errno::ISDIR.into()),
            None => Err(Errno::NOENT.into()),
        }
    }

    /// Makes a node under a name that is free.
    pub(super) fn create(&mut self, place: Name, node: Node) -> Ino {
        let ino = self.next_ino;
        self.next_ino += 1;
        self.nodes.insert(ino, node);
        self.change(ino, vec![(place, Some(ino))]);
        ino
    }

    /// Changes names now, durably at the next sync of one of their directories.
    pub(super) fn change(&mut self, ino: Ino, effects: Vec<(Name, Option<Ino>)>) {
        for (place, to) in &effects {
            let Some(Node::Dir(dir)) = self.nodes.get_mut(&place.dir) else { continue };
            let before = match to {
                Some(to) => dir.live.insert(place.name.clone(), *to),
                None => dir.live.remove(&place.name),
            };
            if let Some(to) = to {
                self.count_link(*to, 1);
            }
            if let Some(before) = before {
                self.count_link(before, -1);
            }
        }
        for (_, ino) in &effects {
            self.release(*ino);
        }
        self.release(Some(ino));
        self.pending.push(Change { seq: self.next_seq, ino, effects });
        self.next_seq += 1;
    }

    fn count_link(&mut self, ino: Ino, by: i32) {
        match self.nodes.get_mut(&ino) {
            Some(Node::File(file)) => file.links = file.links.saturating_add_signed(by),
            Some(Node::Dir(_)) | None => {}
        }
        if by < 0 {
            self.release(Some(ino));
        }
    }

    /// Gives back the space of a file without names and handles.
    pub(super) fn release(&mut self, ino: Option<Ino>) {
        let Some(ino) = ino else { return };
        let Some(Node::File(file)) = self.nodes.get(&ino) else { return };
        if file.links == 0 && file.opens == 0 && self.freed.insert(ino) {
            self.used_pages -= file.bytes.pages();
        }
    }

    /// Makes every change durable that touches `dir`.
    pub(super) fn sync_dir(&mut self, dir: Ino) {
        let (done, rest): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|change| change.effects.iter().any(|(place, _)| place.dir == dir));
        self.pending = rest;
        for change in &done {
            self.settle(change);
        }
        if self.pending.is_empty() {
            self.stamps.clear();
        }
        if self.freed.len() > FREED_MAX {
            self.sweep();
        }
    }

    /// Applies a change to the durable names, unless a later one got there first.
    pub(super) fn settle(&mut self, change: &Change) {
        for (place, to) in &change.effects {
            if self.stamps.get(place).is_some_and(|seq| *seq > change.seq) {
                continue;
            }
            self.stamps.insert(place.clone(), change.seq);
            let Some(Node::Dir(dir)) = self.nodes.get_mut(&place.dir) else { continue };
            match to {
                Some(to) => dir.durable.insert(place.name.clone(), *to),
                None => dir.durable.remove(&place.name),
            };
        }
    }

    /// Forgets freed inodes that no crash can bring back.
    fn sweep(&mut self) {
        let mut needed: BTreeSet<Ino> = self.pending.iter().map(|change| change.ino).collect();
        for change in &self.pending {
            needed.extend(change.effects.iter().filter_map(|(_, to)| *to));
        }
        for node in self.nodes.values() {
            if let Node::Dir(dir) = node {
                needed.extend(dir.durable.values());
            }
        }
        let (keep, gone) = std::mem::take(&mut self.freed)
            .into_iter()
            .partition::<BTreeSet<Ino>, _>(|ino| needed.contains(ino));
        self.freed = keep;
        for ino in gone {
            self.nodes.remove(&ino);
        }
    }

    /// Every file by path, sorted.
    pub(super) fn files(&self) -> Vec<(PathBuf, Ino)> {
        let mut found = Vec::new();
        let mut open = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, ino)) = open.pop() {
            match self.nodes.get(&ino) {
                Some(Node::File(_)) => found.push((path, ino)),
                Some(Node::Dir(dir)) => {
                    open.extend(dir.live.iter().map(|(name, ino)| (path.join(name), *ino)));
                }
                None => {}
            }
        }
        found.sort();
        found
    }
}

/// The names along a path. Relative paths start at the root; `..` is not supported.
fn names(path: &Path) -> io::Result<Vec<&str>> {
    path.components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .map(|part| match part {
            Component::Normal(name) => name.to_str().ok_or_else(|| Errno::INVAL.into()),
            _ => Err(Errno::INVAL.into()),
        })
        .collect()
}
