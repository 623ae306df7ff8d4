//! Snapshots of the whole store, and putting one back.
//!
//! Parts never change and are named once for all time, so that a snapshot is a directory of second
//! names for them, with a manifest of its own; a copy of it is a backup, and the next backup needs
//! to copy only new names. A snapshot opens as a data directory.

use std::io;
use std::path::{Path, PathBuf};

use plimsoll_world::{Disk, Open, World};

use super::Shared;
use crate::filenames::{Names, snapshot_name};
use crate::manifest::{Manifest, State};
use crate::{Error, Result};

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;
/// Files of a snapshot, at most; more is no snapshot.
const FILES_MAX: u64 = 10_000_000;

impl Shared {
    /// Makes a snapshot of everything that was acknowledged before the call. Returns its directory.
    pub(super) fn snapshot_now(&self) -> Result<PathBuf> {
        self.flush_now()?;
        let _one_at_a_time = self.maintenance.lock();
        let state = self.manifest.lock().state().clone();
        let name = snapshot_name(self.world.clock.wall_ms(), self.world.chance.next_u64());
        let dir = self.names.snapshots().join(name);
        let done = self.link_all(&Names::new(&dir), &state);
        if done.is_err() {
            remove_tree(&*self.world.disk, &dir);
        }
        done.map(|()| dir)
    }

    fn link_all(&self, to: &Names, state: &State) -> Result<()> {
        let disk = &*self.world.disk;
        let unreadable = self.unreadable(state);
        let raw = state.parts.values().filter(|p| !unreadable.contains(&p.id));
        let mut links: Vec<(PathBuf, PathBuf)> =
            raw.map(|p| (self.names.part(p.day, &p.id), to.part(p.day, &p.id))).collect();
        let tiers = state.tier_parts.values().filter(|p| !unreadable.contains(&p.id));
        links.extend(
            tiers.map(|p| (self.names.tier_part(p.tier, &p.id), to.tier_part(p.tier, &p.id))),
        );
        let io = |path: &Path, e| Error::io(format!("snapshot {}", path.display()), e);
        disk.create_dir_all(to.root()).map_err(|e| io(to.root(), e))?;
        let mut dirs = vec![to.root().to_owned()];
        for (from, to) in &links {
            let dir = to.parent().unwrap_or(to);
            if !dirs.iter().any(|d| d == dir) {
                disk.create_dir_all(dir).map_err(|e| io(dir, e))?;
                dirs.push(dir.to_owned());
            }
            disk.hard_link(from, to).map_err(|e| io(from, e))?;
        }
        let edits = state.edits();
        Manifest::open(self.world.clone(), to.clone())?.commit(&edits)?;
        // A copy, after the manifest has its key: the log of the store goes on being written.
        if disk.exists(&self.names.keys()) {
            copy(disk, &self.names.keys(), &to.keys()).map_err(|e| io(&to.keys(), e))?;
        }
        dirs.extend([to.parts(), to.tiers(), to.root().join("parts")]);
        for dir in dirs.iter().filter(|d| disk.exists(d)) {
            disk.sync_dir(dir).map_err(|e| io(dir, e))?;
        }
        disk.sync_dir(&self.names.snapshots()).map_err(|e| io(&self.names.snapshots(), e))
    }
}

fn remove_tree(disk: &dyn Disk, dir: &Path) {
    for entry in disk.list(dir).unwrap_or_default() {
        let path = dir.join(&entry.name);
        if entry.is_dir {
            remove_tree(disk, &path);
        } else {
            drop(disk.remove(&path));
        }
    }
    drop(disk.remove_dir(dir));
}

/// Copies a snapshot into a new data directory. Returns files and bytes.
///
/// # Errors
/// `NotFound` when `from` is no snapshot, `Conflict` when `to` is there and not empty, `Io`.
pub fn restore(world: &World, from: &Path, to: &Path) -> Result<(u64, u64)> {
    let disk = &*world.disk;
    let source = Names::new(from);
    if !disk.exists(&source.manifest()) {
        return Err(Error::NotFound(format!(
            "{} is no snapshot: it has no MANIFEST",
            from.display()
        )));
    }
    if disk.exists(to) && !disk.list(to).map_err(|e| Error::io("list", e))?.is_empty() {
        return Err(Error::Conflict(format!(
            "{} is not empty; restore into a new directory",
            to.display()
        )));
    }
    let mut done = (0, 0);
    copy_tree(disk, from, to, &mut done)?;
    if let Some(parent) = to.parent().filter(|p| !p.as_os_str().is_empty()) {
        disk.sync_dir(parent).map_err(|e| Error::io(format!("sync {}", parent.display()), e))?;
    }
    Ok(done)
}

fn copy_tree(disk: &dyn Disk, from: &Path, to: &Path, done: &mut (u64, u64)) -> Result<()> {
    let io = |path: &Path, e| Error::io(format!("restore {}", path.display()), e);
    disk.create_dir_all(to).map_err(|e| io(to, e))?;
    for entry in disk.list(from).map_err(|e| io(from, e))? {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        if entry.is_dir {
            copy_tree(disk, &from, &to, done)?;
            continue;
        }
        done.0 += 1;
        if done.0 > FILES_MAX {
            return Err(Error::Limit(format!("more than {FILES_MAX} files are no snapshot")));
        }
        done.1 += copy(disk, &from, &to).map_err(|e| io(&from, e))?;
    }
    disk.sync_dir(to).map_err(|e| io(to, e))
}

fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<u64> {
    let (source, target) = (disk.open(from, Open::Read)?, disk.open(to, Open::CreateNew)?);
    let (mut at, mut room) = (0, vec![0; COPY_BYTES]);
    loop {
        let n = source.read_at(&mut room, at)?;
        if n == 0 {
            break;
        }
        target.write_all_at(&room[..n], at)?;
        at += n as u64;
    }
    target.sync()?;
    Ok(at)
}
