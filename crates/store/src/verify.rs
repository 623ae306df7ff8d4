//! Reads every file of a data directory and checks every checksum, without changing anything.
//!
//! Works beside a running server: parts never change, and one that went away meanwhile was merged or
//! removed. The log is read as a start would read it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_world::{Disk, DiskFile, Entry, LockGuard, Open, Space, World};

use crate::filenames::Names;
use crate::manifest::Manifest;
use crate::part::PartReader;
use crate::sealed::{SealKey, seal};
use crate::wal::replay;
use crate::{Error, PageCache, Result};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Series in parts; one in several parts counts in each.
    pub series: u64,
    /// Samples in raw parts.
    pub samples: u64,
    /// Records of the log.
    pub records: u64,
    /// What is damaged or missing, with the reason.
    pub problems: Vec<(PathBuf, String)>,
}

/// Checks the data directory `dir`, with its key where it is encrypted.
///
/// # Errors
/// `NotFound` when there is no manifest, `Invalid` for a wrong key, `Corrupt` when the manifest itself
/// cannot be read. Everything else is in the report.
pub fn verify(world: &World, dir: &Path, key: Option<&SealKey>) -> Result<VerifyReport> {
    let names = Names::new(dir);
    if !world.disk.exists(&names.manifest()) {
        return Err(Error::NotFound(format!(
            "{} is no data directory: no MANIFEST",
            dir.display()
        )));
    }
    let world = seal(world.clone(), &names, key)?;
    let state = Manifest::read(&*world.disk, &names)?;
    let mut report = VerifyReport::default();
    let cache = Arc::new(PageCache::new(4 << 20));
    let raw = state.parts.values().map(|p| (names.part(p.day, &p.id), true));
    let tiers = state.tier_parts.values().map(|p| (names.tier_part(p.tier, &p.id), false));
    for (path, is_raw) in raw.chain(tiers) {
        let checked = PartReader::open(&*world.disk, &path, Arc::clone(&cache))
            .and_then(|part| part.verify().map(|()| part.info().clone()));
        match checked {
            Ok(info) => {
                report.files += 1;
                report.bytes += info.bytes;
                report.series += info.series;
                report.samples += if is_raw { info.samples } else { 0 };
            }
            Err(e) if still_named(&world, &names, &path) => {
                report.problems.push((path, e.to_string()));
            }
            Err(_) => {}
        }
    }
    let disk = ReadOnly(Arc::clone(&world.disk));
    let replayed = replay::replay(&disk, &names, state.low_water, &mut |_| {})?;
    report.records = replayed.records;
    report.files += replayed.segments.len() as u64 + 1;
    report.bytes += replayed.segments.iter().map(|s| s.bytes).sum::<u64>();
    for path in replayed.damaged {
        report.problems.push((path, "damaged records; the others are readable".to_owned()));
    }
    if replayed.lost > 0 {
        let why = format!("{} records are missing", replayed.lost);
        report.problems.push((names.wal(), why));
    }
    Ok(report)
}

/// Whether the manifest still names a file: if not, a merge or retention took it meanwhile.
fn still_named(world: &World, names: &Names, path: &Path) -> bool {
    let Ok(state) = Manifest::read(&*world.disk, names) else { return true };
    state.parts.values().any(|p| names.part(p.day, &p.id) == path)
        || state.tier_parts.values().any(|p| names.tier_part(p.tier, &p.id) == path)
}

/// A disk on which nothing changes.
struct ReadOnly(Arc<dyn Disk>);

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "verify changes nothing"))
}

impl Disk for ReadOnly {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        if how == Open::Read { self.0.open(path, how) } else { refused() }
    }
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.0.list(path)
    }
    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        self.0.space(path)
    }
    fn lock(&self, _: &Path) -> io::Result<Box<dyn LockGuard>> {
        refused()
    }
}
