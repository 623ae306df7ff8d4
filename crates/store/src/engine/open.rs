//! Opening: lock, manifest, parts, leftovers, replay.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, RwLock};
use plimsoll_model::{Cancel, TimeRange};
use plimsoll_world::{Disk, World};

use super::again;
use super::commit::Registered;
use super::maintain::Maintenance;
use super::reserve::Reserve;
use super::versions::Versions;
use super::{PartSet, Shared, Visible};
use crate::filenames::{Names, part_file};
use crate::head::Head;
use crate::manifest::{Edit, Manifest, PartEntry, State, TierEntry};
use crate::part::{PartInfo, PartReader};
use crate::registry::{Index, Intake};
use crate::retention::ClockGuard;
use crate::rollup::{tier_day, tier_days};
use crate::sealed::seal;
use crate::wal::Wal;
use crate::{Config, Error, Mode, PageCache, Result};

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Log records replayed.
    pub records: u64,
    /// Log records that should be there and are not.
    pub records_lost: u64,
    /// Rows of the log left out because what they refer to was damaged.
    pub rows_lost: u64,
    /// Damaged log segments; copies are in `quarantine/`.
    pub segments_damaged: Vec<PathBuf>,
    /// Damaged parts, moved to `quarantine/`.
    pub parts_damaged: Vec<PathBuf>,
    /// Parts that the manifest names and that cannot be read; service goes on without them.
    pub parts_missing: Vec<PathBuf>,
    /// Files of an interrupted flush or merge, removed.
    pub leftovers: u64,
    /// Whether something in the manifest could not be read: the end of an edit that a crash cut
    /// off, or damage.
    pub manifest_damaged: bool,
    /// Parts that a damaged manifest did not name and that are the store's.
    pub parts_adopted: u64,
}

impl OpenReport {
    /// Whether nothing was lost or damaged. A torn end of the manifest is neither: its edit was
    /// never said to hold.
    pub fn is_clean(&self) -> bool {
        let none = Self {
            records: self.records,
            leftovers: self.leftovers,
            manifest_damaged: self.manifest_damaged,
            parts_adopted: self.parts_adopted,
            ..Self::default()
        };
        *self == none
    }
}

pub(super) fn open(world: World, dir: &Path, config: Config) -> Result<Shared> {
    config.check()?;
    let names = Names::new(dir);
    let disk = &*world.disk;
    let what = |verb: &str, path: &Path| format!("{verb} {}", path.display());
    create_dir(disk, dir).map_err(|e| Error::io(what("create data directory", dir), e))?;
    let lock = disk.lock(&names.lock()).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => Error::Conflict(format!(
            "data directory {} is locked by another instance; stop it or choose another directory",
            dir.display()
        )),
        _ => Error::io(what("lock", &names.lock()), e),
    })?;
    let world = seal(world, &names, config.encryption.as_ref())?;
    let disk = &*world.disk;
    for sub in [names.wal(), names.tmp(), names.parts()] {
        disk.create_dir_all(&sub).map_err(|e| Error::io(what("create", &sub), e))?;
    }
    for sub in [names.parts().parent().unwrap_or(dir), dir] {
        disk.sync_dir(sub).map_err(|e| Error::io(what("sync", sub), e))?;
    }
    let mut report = OpenReport::default();
    let mut manifest = open_manifest(&world, &names)?;
    if manifest.is_damaged() {
        adopt(&world, &names, &mut manifest, &mut report)?;
    }
    report.leftovers = remove_leftovers(&world, &names, &manifest)?;
    let cache = Arc::new(PageCache::new(config.cache_bytes));
    let readers = open_parts(&world, &names, &mut manifest, &cache, &mut report)?;
    let parts = Arc::new(PartSet::new(manifest.state(), &readers));
    let raw_from = parts.raw_from;

    let index = Arc::new(RwLock::new(Index::default()));
    let (low_water, generation) = (manifest.state().low_water, manifest.state().generation);
    let mut head = Head::new(generation, config.max_metadata, config.max_exemplars);
    let lookup = Registered { index: &index, parts: &parts, suspect: &|_, _| {} };
    let replayed = match config.mode {
        Mode::Inline => again::here(disk, &names, low_water, &mut head, &lookup)?,
        Mode::Threads => again::with_reader(disk, &names, low_water, &mut head, &lookup)?,
    };
    report.records = replayed.records;
    report.records_lost = replayed.lost;
    report.rows_lost = head.orphans;
    report.segments_damaged = replayed.damaged;

    let mut wal =
        Wal::new(world.clone(), names.clone(), &config, replayed.next_seq, replayed.segments);
    wal.drop_below(low_water);
    let generation = head.current().id;
    let intake = Intake::new(Arc::clone(&index), head.known(), generation);
    let (wall, mono) = (world.clock.wall_ms(), world.clock.mono());
    let guard = ClockGuard::new(manifest.state().wall_ms, wall, mono);
    let believed_ms = if guard.is_ok() { i64::MAX } else { guard.retention_now(wall) };
    let reserve = Reserve::new(&world, &names, config.reserve_bytes);
    if !report.is_clean() {
        tracing::error!(?report, "opening the store found damage; the rest is served");
    }
    Ok(Shared {
        maintenance: Mutex::new(Maintenance::new(guard, generation, mono, wall)),
        reserve: Mutex::new(reserve),
        world,
        names,
        config,
        counters: Default::default(),
        cache,
        index,
        intake: Mutex::new(intake),
        queue: Mutex::default(),
        queued: Condvar::new(),
        committer: Mutex::default(),
        wal: Mutex::new(wal),
        manifest: Mutex::new(manifest),
        visible: Mutex::new(Visible { head, parts, versions: Versions::default() }),
        readers: Mutex::default(),
        refusing: Mutex::default(),
        is_refusing: false.into(),
        believed_ms: believed_ms.into(),
        raw_from: raw_from.into(),
        flush_soon: false.into(),
        suspects: Mutex::default(),
        cancel: Cancel::new(),
        stopping: Mutex::new(false),
        stop_signal: Condvar::new(),
        report,
        lock: Mutex::new(Some(lock)),
    })
}

/// Makes the data directory; where it is new, its name and those of new parents are made durable.
fn create_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let missing: Vec<_> = dir
        .ancestors()
        .take_while(|p| !p.as_os_str().is_empty() && !disk.exists(p))
        .map(Path::to_owned)
        .collect();
    disk.create_dir_all(dir)?;
    for made in missing {
        let parent = made.parent().filter(|p| !p.as_os_str().is_empty());
        disk.sync_dir(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// The manifest; a new directory gets one at once, so that a missing one is noticed later.
fn open_manifest(world: &World, names: &Names) -> Result<Manifest> {
    let there = world.disk.exists(&names.manifest());
    let mut manifest = Manifest::open(world.clone(), names.clone())?;
    if there {
        return Ok(manifest);
    }
    if let Some(day) = list(world, &names.parts())?.first() {
        return Err(Error::corrupt(format!(
            "{} is missing, but {} exists; restore it from a backup, or move the parts away",
            names.manifest().display(),
            names.parts().join(day).display()
        )));
    }
    manifest.commit(&[Edit::Wall(world.clock.wall_ms())])?;
    Ok(manifest)
}

fn list(world: &World, dir: &Path) -> Result<Vec<String>> {
    let entries =
        world.disk.list(dir).map_err(|e| Error::io(format!("list {}", dir.display()), e))?;
    Ok(entries.into_iter().map(|e| e.name).collect())
}

/// After damage of the manifest: takes the parts that it does not name for the store's, if they are
/// whole, and forgets those that are not there. What a flush or a merge left behind is taken too:
/// its samples are in the log or in other parts, and the same sample twice is one. A tier part speaks
/// for the days of which no raw samples are left; the others are built anew.
fn adopt(
    world: &World,
    names: &Names,
    manifest: &mut Manifest,
    report: &mut OpenReport,
) -> Result<()> {
    report.manifest_damaged = true;
    let state = manifest.state().clone();
    let mut edits = Vec::new();
    for p in state.parts.values().filter(|p| !world.disk.exists(&names.part(p.day, &p.id))) {
        edits.push(Edit::Remove { day: p.day, id: p.id.clone() });
    }
    let is_there = |p: &&TierEntry| world.disk.exists(&names.tier_part(p.tier, &p.id));
    for p in state.tier_parts.values().filter(|p| !is_there(p)) {
        edits.push(Edit::RemoveTier { id: p.id.clone() });
    }
    let cache = Arc::new(PageCache::new(4 << 20));
    let mut adopted = Vec::new();
    for name in list(world, &names.parts())? {
        let dir = names.parts().join(&name);
        for file in list(world, &dir)? {
            let path = dir.join(&file);
            let Some(id) = file.strip_suffix(".plm") else { continue };
            if state.parts.values().any(|p| p.id == id) || manifest.was_removed(id) {
                continue;
            }
            let part = PartReader::open(&*world.disk, &path, Arc::clone(&cache));
            match part.and_then(|p| p.verify().map(|()| p.info().clone())) {
                Ok(info) => {
                    let day = crate::filenames::day_of(info.range.start);
                    adopted.push(info.range);
                    edits.push(Edit::Add(crate::flush::entry_of(day, &info)));
                    report.parts_adopted += 1;
                }
                Err(e) => {
                    tracing::error!(part = %path.display(), error = %e, "part is not adopted");
                    to_quarantine(world, names, &path, id)?;
                    report.parts_damaged.push(path);
                }
            }
        }
    }
    let tiers =
        if world.disk.exists(&names.tiers()) { list(world, &names.tiers())? } else { vec![] };
    let raw: Vec<TimeRange> =
        state.parts.values().map(|p| p.range).chain(adopted.iter().copied()).collect();
    let mut raw_from = state.raw_from;
    for tier in tiers {
        let tier = names.tiers().join(tier);
        for file in list(world, &tier)? {
            let id = file.strip_suffix(".plm").unwrap_or(&file);
            if state.tier_parts.contains_key(id) || manifest.was_removed(id) {
                continue;
            }
            let path = tier.join(&file);
            let part = PartReader::open(&*world.disk, &path, Arc::clone(&cache));
            match part.and_then(|p| p.verify().map(|()| p.info().clone())) {
                Ok(info) => adopt_tier(&state, &raw, &info, &mut edits, &mut raw_from),
                Err(_) => to_quarantine(world, names, &path, id)?,
            }
        }
    }
    edits.extend(super::tiers::uncover(&state, adopted.into_iter()));
    edits.extend(raw_from.map(Edit::RawFrom));
    tracing::error!(adopted = report.parts_adopted, "damaged manifest was written anew");
    edits.push(Edit::Wall(world.clock.wall_ms()));
    manifest.commit(&edits)
}

/// Adopts a tier part for the days that nothing else knows.
fn adopt_tier(
    state: &State,
    raw: &[TimeRange],
    info: &PartInfo,
    edits: &mut Vec<Edit>,
    raw_from: &mut Option<i64>,
) {
    let Some(tier) = info.spec.tier else { return };
    let id = crate::flush::id_of(&info.spec);
    let days = tier_days(info.range);
    edits.push(Edit::AddTier(TierEntry {
        tier,
        day: *days.start(),
        id: id.clone(),
        series: info.series,
        samples: info.samples,
        bytes: info.bytes,
        created: info.spec.created,
    }));
    for day in days {
        let times = tier_day(day);
        let known = raw.iter().any(|r| r.overlaps(times)) || state.cover.contains_key(&(tier, day));
        if !known {
            edits.push(Edit::Cover { tier, day, days: 1, id: id.clone() });
            *raw_from = (*raw_from).max(Some(times.end));
        }
    }
}

/// Removes what an interrupted flush or merge left behind.
fn remove_leftovers(world: &World, names: &Names, manifest: &Manifest) -> Result<u64> {
    let mut gone = 0;
    let mut remove = |path: &Path| {
        match world.disk.remove(path) {
            Ok(()) => gone += 1,
            Err(e) => tracing::warn!(file = %path.display(), error = %e, "leftover stays"),
        };
    };
    for name in list(world, &names.tmp())? {
        remove(&names.tmp().join(name));
    }
    let known = manifest.state().parts.values();
    let known: HashSet<_> = known.map(|p| names.part(p.day, &p.id)).collect();
    for day in list(world, &names.parts())? {
        let day = names.parts().join(day);
        for file in list(world, &day)? {
            let path = day.join(file);
            if !known.contains(&path) {
                remove(&path);
            }
        }
    }
    let known = manifest.state().tier_parts.values();
    let known: HashSet<_> = known.map(|p| names.tier_part(p.tier, &p.id)).collect();
    let tiers =
        if world.disk.exists(&names.tiers()) { list(world, &names.tiers())? } else { vec![] };
    for tier in tiers {
        let tier = names.tiers().join(tier);
        for file in list(world, &tier)? {
            let path = tier.join(file);
            if !known.contains(&path) {
                remove(&path);
            }
        }
    }
    Ok(gone)
}

fn open_parts(
    world: &World,
    names: &Names,
    manifest: &mut Manifest,
    cache: &Arc<PageCache>,
    report: &mut OpenReport,
) -> Result<BTreeMap<String, Arc<PartReader>>> {
    let entries: Vec<PartEntry> = manifest.state().parts.values().cloned().collect();
    let mut readers = BTreeMap::new();
    for entry in entries {
        let path = names.part(entry.day, &entry.id);
        match PartReader::open(&*world.disk, &path, Arc::clone(cache)) {
            Ok(reader) => drop(readers.insert(entry.id, Arc::new(reader))),
            Err(e) if e.is_corrupt() => {
                set_aside(world, names, manifest, &entry)?;
                report.parts_damaged.push(path);
            }
            Err(e) => {
                tracing::error!(part = %path.display(), error = %e, "part cannot be read");
                report.parts_missing.push(path);
            }
        }
    }
    let entries: Vec<TierEntry> = manifest.state().tier_parts.values().cloned().collect();
    for entry in entries {
        let path = names.tier_part(entry.tier, &entry.id);
        match PartReader::open(&*world.disk, &path, Arc::clone(cache)) {
            Ok(reader) => drop(readers.insert(entry.id, Arc::new(reader))),
            Err(e) if e.is_corrupt() => {
                set_tier_aside(world, names, manifest, &entry)?;
                report.parts_damaged.push(path);
            }
            Err(e) => {
                tracing::error!(part = %path.display(), error = %e, "tier part cannot be read");
                report.parts_missing.push(path);
            }
        }
    }
    Ok(readers)
}

/// Moves a damaged part to quarantine and takes it out of the manifest.
pub(super) fn set_aside(
    world: &World,
    names: &Names,
    manifest: &mut Manifest,
    entry: &PartEntry,
) -> Result<()> {
    let path = names.part(entry.day, &entry.id);
    to_quarantine(world, names, &path, &entry.id)?;
    manifest.commit(&[Edit::Remove { day: entry.day, id: entry.id.clone() }])
}

/// Moves a damaged tier part to quarantine; its days are built again where raw samples are left.
pub(super) fn set_tier_aside(
    world: &World,
    names: &Names,
    manifest: &mut Manifest,
    entry: &TierEntry,
) -> Result<()> {
    to_quarantine(world, names, &names.tier_part(entry.tier, &entry.id), &entry.id)?;
    manifest.commit(&[Edit::RemoveTier { id: entry.id.clone() }])
}

pub(super) fn to_quarantine(world: &World, names: &Names, path: &Path, id: &str) -> Result<()> {
    let kept = names.quarantine().join(part_file(id));
    let moved = world
        .disk
        .create_dir_all(&names.quarantine())
        .and_then(|()| world.disk.rename(path, &kept))
        .and_then(|()| world.disk.sync_dir(&names.quarantine()));
    moved.map_err(|e| Error::io(format!("quarantine {}", path.display()), e))?;
    tracing::error!(part = %path.display(), "damaged part moved to quarantine/");
    Ok(())
}
