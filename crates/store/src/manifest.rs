//! The manifest: which parts there are and where replay begins (`docs/format/manifest.md`).
//!
//! Invariant: after an append failed nothing is appended to that file again; the next edit goes
//! into a checkpoint that replaces it.

mod edit;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;

use plimsoll_model::Tier;
use plimsoll_world::{Disk, DiskFile, Open, World};

pub use edit::{Edit, MATCHERS_MAX, PartEntry, TEXT_BYTES_MAX, TierEntry, Tombstone};

use crate::filenames::Names;
use crate::merge::Cut;
use crate::wal::replay::read_file;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"PLMMANI1";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
/// A file smaller than this is not worth a checkpoint.
const CHECKPOINT_BYTES_MIN: u64 = 256 << 10;

/// What the edits add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Parts by day and name.
    pub parts: BTreeMap<(i64, String), PartEntry>,
    /// Log records below this number are in parts.
    pub low_water: u64,
    /// The generation that begins there.
    pub generation: u64,
    /// The wall clock when it was noted last, ms.
    pub wall_ms: Option<i64>,
    /// Parts of tiers by name.
    pub tier_parts: BTreeMap<String, TierEntry>,
    /// The part that speaks for a day of a tier; an empty name: a day without samples.
    pub cover: BTreeMap<(Tier, i64), String>,
    /// Raw samples before this time, ms, were removed by retention.
    pub raw_from: Option<i64>,
    /// Deletions that parts still have to be rewritten for, by number.
    pub tombstones: BTreeMap<u64, Tombstone>,
}

impl State {
    fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Add(part) => {
                self.parts.insert((part.day, part.id.clone()), part.clone());
            }
            Edit::Remove { day, id } => {
                self.parts.remove(&(*day, id.clone()));
                self.rewritten(id);
            }
            Edit::LowWater { seq, generation } => {
                (self.low_water, self.generation) = (*seq, *generation);
            }
            Edit::Wall(ms) => self.wall_ms = Some(*ms),
            Edit::AddTier(part) => {
                self.tier_parts.insert(part.id.clone(), part.clone());
            }
            Edit::RemoveTier { id } => {
                self.tier_parts.remove(id);
                self.cover.retain(|_, by| by != id);
                self.rewritten(id);
            }
            Edit::Cover { tier, day, days, id } => {
                for d in *day..*day + *days as i64 {
                    self.cover.insert((*tier, d), id.clone());
                }
            }
            Edit::Uncover { tier, day, days } => {
                for d in *day..*day + *days as i64 {
                    self.cover.remove(&(*tier, d));
                }
            }
            Edit::RawFrom(ms) => self.raw_from = Some(*ms),
            Edit::Tombstone(t) if t.pending.is_empty() => {}
            Edit::Tombstone(t) => {
                self.tombstones.insert(t.id, t.clone());
            }
        }
    }

    /// A part is gone, and with it what was to be cut from it.
    fn rewritten(&mut self, id: &str) {
        for t in self.tombstones.values_mut() {
            t.pending.remove(id);
        }
        self.tombstones.retain(|_, t| !t.pending.is_empty());
    }

    /// What was deleted of a part.
    pub fn cuts(&self, id: &str) -> Arc<[Cut]> {
        let mine = self.tombstones.values().filter(|t| t.pending.contains(id));
        mine.map(|t| (t.matchers.clone(), t.range)).collect()
    }

    /// Operations that make this state of an empty one.
    pub fn edits(&self) -> Vec<Edit> {
        let mut all: Vec<_> = self.parts.values().cloned().map(Edit::Add).collect();
        all.push(Edit::LowWater { seq: self.low_water, generation: self.generation });
        all.extend(self.wall_ms.map(Edit::Wall));
        all.extend(self.tier_parts.values().cloned().map(Edit::AddTier));
        let mut cover: Vec<(Tier, i64, u64, &String)> = Vec::new();
        for ((tier, day), id) in &self.cover {
            match cover.last_mut() {
                Some((t, d, n, by)) if t == tier && *by == id && *d + *n as i64 == *day => *n += 1,
                _ => cover.push((*tier, *day, 1, id)),
            }
        }
        all.extend(cover.into_iter().map(|(tier, day, days, id)| Edit::Cover {
            tier,
            day,
            days,
            id: id.clone(),
        }));
        all.extend(self.raw_from.map(Edit::RawFrom));
        all.extend(self.tombstones.values().cloned().map(Edit::Tombstone));
        all
    }
}

/// The manifest of an open store.
pub struct Manifest {
    world: World,
    names: Names,
    state: State,
    file: Option<Box<dyn DiskFile>>,
    end: u64,
    base: u64,
    next_edit: u64,
    damaged: bool,
    /// Parts that were removed, as far as the file tells; kept only after damage.
    removed: HashSet<String>,
}

/// What reading a manifest found.
struct Found {
    /// Where the last readable edit ends.
    end: u64,
    /// Nothing stands behind it.
    whole: bool,
    /// Bytes that are no edit stand somewhere: a torn end, or damage.
    damaged: bool,
}

impl Manifest {
    /// Reads the manifest, or begins one where there is none.
    ///
    /// # Errors
    /// `Corrupt` for a bad header, `Invalid` for operations of a later version, `Io`.
    pub fn open(world: World, names: Names) -> Result<Self> {
        let empty = State { low_water: 1, generation: 1, ..State::default() };
        let mut manifest = Self {
            world,
            names,
            state: empty,
            file: None,
            end: 0,
            base: 0,
            next_edit: 1,
            damaged: false,
            removed: HashSet::new(),
        };
        let path = manifest.names.manifest();
        if !manifest.world.disk.exists(&path) {
            return Ok(manifest);
        }
        let disk = Arc::clone(&manifest.world.disk);
        let (state, next) = (&mut manifest.state, &mut manifest.next_edit);
        let mut removed = HashSet::new();
        let found = read_edits(&*disk, &manifest.names, &mut |number, op| {
            if let Edit::Remove { id, .. } | Edit::RemoveTier { id } = op {
                removed.insert(id.clone());
            }
            state.apply(op);
            *next = number + 1;
        })?;
        if found.damaged {
            manifest.removed = removed;
        }
        manifest.end = found.end;
        manifest.base = manifest.end;
        manifest.damaged = found.damaged;
        if found.whole {
            let file = manifest.world.disk.open(&path, Open::Write);
            manifest.file =
                Some(file.map_err(|e| Error::io(format!("open {}", path.display()), e))?);
        }
        Ok(manifest)
    }

    /// What the manifest on the disk says, without opening it for writing.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn read(disk: &dyn Disk, names: &Names) -> Result<State> {
        let mut state = State { low_water: 1, generation: 1, ..State::default() };
        read_edits(disk, names, &mut |_, op| state.apply(op))?;
        Ok(state)
    }

    /// Whether something in the file could not be read: edits may be missing, and parts that it does
    /// not name may be the store's.
    pub const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Whether a damaged file tells that this part was removed: what is left of it is no part of the
    /// store.
    pub fn was_removed(&self, id: &str) -> bool {
        self.removed.contains(id)
    }

    /// What holds now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes the edits durable, together, and applies them.
    ///
    /// # Errors
    /// `Io`: whether the edits hold after a restart is unknown; no file that the old or the new
    /// state names may be removed until a later commit succeeds.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<()> {
        let mut next = self.state.clone();
        for e in edits {
            next.apply(e);
        }
        let grown = self.end > CHECKPOINT_BYTES_MIN && self.end > 4 * self.base;
        let appended = match &self.file {
            Some(file) if !grown => {
                let bytes = edit::encode(self.next_edit, edits);
                let done = file.write_all_at(&bytes, self.end).and_then(|()| file.sync());
                done.map(|()| self.end += bytes.len() as u64).is_ok()
            }
            _ => false,
        };
        if !appended {
            self.file = None;
            let done = self.checkpoint(&next);
            done.map_err(|e| Error::io(format!("write {}", self.names.manifest().display()), e))?;
        }
        self.next_edit += 1;
        self.state = next;
        Ok(())
    }

    fn checkpoint(&mut self, state: &State) -> io::Result<()> {
        let disk = &*self.world.disk;
        let tmp = self.names.manifest_tmp();
        match disk.remove(&tmp) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut bytes = header();
        bytes.extend(edit::encode(self.next_edit, &state.edits()));
        let file = disk.open(&tmp, Open::CreateNew)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        disk.rename(&tmp, &self.names.manifest())?;
        disk.sync_dir(self.names.root())?;
        self.end = bytes.len() as u64;
        self.base = self.end;
        self.file = Some(file);
        Ok(())
    }
}

/// Hands the operations of a manifest on, each with the number of its edit. An edit that cannot be read
/// is left out, and so is a header: who opens the store looks what the parts themselves say.
fn read_edits(disk: &dyn Disk, names: &Names, each: &mut dyn FnMut(u64, &Edit)) -> Result<Found> {
    let path = names.manifest();
    let bytes = read_file(disk, &path)?;
    let mut damaged = false;
    if let Err(why) = check_header(&bytes) {
        if why.contains("later version") {
            return Err(Error::Invalid(format!(
                "{}: {why}; start the program that wrote it",
                path.display()
            )));
        }
        tracing::error!(file = %path.display(), why, "manifest is damaged");
        damaged = true;
    }
    let (mut at, mut last) = (HEADER_BYTES.min(bytes.len()), 0);
    loop {
        while let Some((number, ops, len)) = edit::take(&bytes[at..]) {
            for op in edit::decode(ops)? {
                each(number, &op);
            }
            (at, last) = (at + len, number);
        }
        let rest = &bytes[at..];
        if rest.iter().all(|b| *b == 0) {
            return Ok(Found { end: at as u64, whole: rest.is_empty() && !damaged, damaged });
        }
        damaged = true;
        let later = |i: &usize| edit::take(&rest[*i..]).is_some_and(|(n, ..)| n > last);
        match (1..rest.len()).find(later) {
            Some(skip) => at += skip,
            None => return Ok(Found { end: at as u64, whole: false, damaged }),
        }
    }
}

fn header() -> Vec<u8> {
    let mut h = MAGIC.to_vec();
    h.extend(VERSION.to_le_bytes());
    h.extend(crc32c::crc32c(&h).to_le_bytes());
    h
}

fn check_header(bytes: &[u8]) -> std::result::Result<(), String> {
    let Some(h) = bytes.get(..HEADER_BYTES) else {
        return Err(format!("manifest of {} bytes is cut", bytes.len()));
    };
    if h[..12] == header()[..12] && h[12..] == header()[12..] {
        return Ok(());
    }
    if h.starts_with(MAGIC) && h[12..] == crc32c::crc32c(&h[..12]).to_le_bytes() {
        return Err("manifest of a later version".to_owned());
    }
    Err("not a manifest, or damaged".to_owned())
}

/// What a fuzzer calls: reads `bytes` as the edits of a manifest. Never panics.
pub fn fuzz_manifest(bytes: &[u8]) {
    drop(edit::decode(bytes));
    let mut rest = bytes;
    while let Some((_, ops, len)) = edit::take(rest) {
        drop(edit::decode(ops));
        rest = &rest[len..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::SeqRange;
    use plimsoll_model::TimeRange;
    use plimsoll_world::{Fault, FaultPlan, Op};
    use std::path::Path;

    fn entry(id: &str) -> PartEntry {
        PartEntry {
            day: -3,
            id: id.to_owned(),
            level: 2,
            range: TimeRange::new(-5, 7),
            seq: SeqRange::new(1, 9),
            series: 3,
            samples: 4,
            bytes: 5,
        }
    }

    fn open(world: &World) -> Manifest {
        world.disk.create_dir_all(Path::new("d")).unwrap();
        Manifest::open(world.clone(), Names::new(Path::new("d"))).unwrap()
    }

    #[test]
    fn edits_come_back_after_appends_and_checkpoints() {
        let (world, sim) = World::simulated(1, 0);
        let mut m = open(&world);
        m.commit(&[Edit::Add(entry("a")), Edit::Add(entry("b"))]).unwrap();
        m.commit(&[
            Edit::Remove { day: -3, id: "a".to_owned() },
            Edit::LowWater { seq: 17, generation: 4 },
            Edit::Wall(99),
        ])
        .unwrap();
        assert_eq!(open(&world).state(), m.state());
        assert_eq!(m.state().parts.len(), 1);
        sim.disk.fail(FaultPlan::new(Op::Sync, 1, Fault::Io));
        m.commit(&[Edit::Wall(100)]).unwrap();
        assert_eq!(open(&world).state(), m.state());
    }

    #[test]
    fn a_torn_tail_is_no_edit() {
        let (world, _) = World::simulated(1, 0);
        let mut m = open(&world);
        m.commit(&[Edit::Wall(1)]).unwrap();
        let file = world.disk.open(Path::new("d/MANIFEST"), Open::Write).unwrap();
        let torn = edit::encode(7, &[Edit::Wall(2)]);
        file.write_all_at(&torn[..torn.len() - 1], file.len().unwrap()).unwrap();
        let mut again = open(&world);
        assert_eq!(again.state().wall_ms, Some(1));
        again.commit(&[Edit::Wall(3)]).unwrap();
        assert_eq!(open(&world).state().wall_ms, Some(3));
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut bytes = edit::encode(1, &[Edit::Add(entry("a")), Edit::Wall(5)]);
        for i in 0..bytes.len() * 8 {
            bytes[i / 8] ^= 1 << (i % 8);
            fuzz_manifest(&bytes);
            fuzz_manifest(&bytes[16..]);
            bytes[i / 8] ^= 1 << (i % 8);
        }
    }
}
