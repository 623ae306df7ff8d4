//! The reserve: space that is taken before the disk is full, and given up when it is, so that what was
//! acknowledged can still be written out.

use plimsoll_world::{Open, World};

use super::Shared;
use crate::filenames::Names;

/// The reserve takes its space while less than this many times its size is free: looked at every
/// second, a disk would have to fill with three reserves a second to overtake it.
const AHEAD: u64 = 4;

impl Shared {
    /// Frees the reserve, so that log, flush and manifest can write. False when that failed.
    pub(super) fn give_up_reserve(&self) -> bool {
        let mut reserve = self.reserve.lock();
        if !reserve.given_up {
            tracing::error!("disk is full: the reserve is given up, writes are refused");
            reserve.given_up = true;
        }
        match self.world.disk.remove(&self.names.reserve()) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(error = %e, "reserve cannot be given up");
                false
            }
            _ => true,
        }
    }

    /// Takes the reserve again when there is space. True when nothing is given up.
    pub(super) fn take_reserve(&self) -> bool {
        let mut reserve = self.reserve.lock();
        if !reserve.given_up {
            return true;
        }
        let wanted = reserve.bytes.saturating_add(self.config.wal_segment_bytes);
        let space = self.world.disk.space(self.names.root());
        if space.is_ok_and(|s| s.free >= wanted) && reserve.create(&self.world, &self.names).is_ok()
        {
            reserve.given_up = false;
            tracing::info!("disk has space again; writes are accepted");
        }
        !reserve.given_up
    }
}

/// Space that is kept for the day when the disk is full.
pub(crate) struct Reserve {
    bytes: u64,
    /// Whether that day is today.
    pub given_up: bool,
    warned: bool,
}

impl Reserve {
    /// A reserve that takes its space when the disk gets full. A disk without room for it is only
    /// warned about.
    pub fn new(world: &World, names: &Names, bytes: Option<u64>) -> Self {
        let bytes = bytes.unwrap_or_else(|| default_bytes(world, names));
        let mut reserve = Self { bytes, given_up: false, warned: false };
        reserve.look(world, names);
        reserve
    }

    /// Takes the space while less than [`AHEAD`] times as much is free; a disk with more needs no
    /// file that waits. Gives it back when there is plenty again.
    pub fn look(&mut self, world: &World, names: &Names) {
        let Ok(space) = world.disk.space(names.root()) else { return };
        let there = world.disk.exists(&names.reserve());
        if self.bytes == 0 || self.given_up {
            return;
        }
        if there && space.free >= 2 * AHEAD * self.bytes {
            drop(world.disk.remove(&names.reserve()));
        }
        if there || space.free >= AHEAD * self.bytes {
            return;
        }
        match self.create(world, names) {
            Err(e) if !self.warned => {
                self.warned = true;
                let bytes = self.bytes;
                tracing::warn!(bytes, error = %e, "no reserve for a full disk (store.reserve)");
            }
            _ => {}
        }
    }

    fn create(&self, world: &World, names: &Names) -> std::io::Result<()> {
        if self.bytes == 0 || world.disk.exists(&names.reserve()) {
            return Ok(());
        }
        let file = world.disk.open(&names.reserve(), Open::CreateNew)?;
        let done = file.allocate(self.bytes);
        if done.is_err() {
            drop(world.disk.remove(&names.reserve()));
        }
        done
    }
}

fn default_bytes(world: &World, names: &Names) -> u64 {
    let Ok(space) = world.disk.space(names.root()) else { return 0 };
    (space.total / 100).clamp(256 << 20, 1 << 30).min(space.free / 20)
}
