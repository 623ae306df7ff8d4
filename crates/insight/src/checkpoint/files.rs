//! Checkpoints as files: `DATA/analysis/<horizon>.state`, the newest two kept.
//!
//! A new one is written under another name, synced, and renamed; so a crash at any moment leaves those
//! that were there. One that cannot be read is renamed to `….bad` and the one before it is used: the
//! replay is longer then, and the result the same. The disk may be one that seals.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::Timestamp;
use plimsoll_world::{Disk, Open};

use super::{State, read, write};
use crate::fold::Fold;
use crate::groups::Paging;

/// The directory below the data directory.
const DIR: &str = "analysis";
const ENDING: &str = ".state";
const BAD: &str = ".bad";
const TEMPORARY: &str = "new.tmp";
/// Checkpoints kept.
const KEPT: usize = 2;
/// Bytes of a file that is read; more is refused.
const FILE_BYTES_MAX: u64 = 8 << 30;

/// The directory with the checkpoints.
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Files {
    /// Below a data directory; nothing is made yet.
    pub(crate) fn new(disk: Arc<dyn Disk>, data_dir: &Path) -> Self {
        Self { disk, dir: data_dir.join(DIR) }
    }

    /// Writes one, and removes those that are not kept. Bytes written.
    ///
    /// # Errors
    /// The disk's; the ones before are still there.
    pub(crate) fn write(&self, fold: &Fold, groups: &[Paging], now: Timestamp) -> io::Result<u64> {
        let Some(horizon) = fold.horizon else { return Ok(0) };
        if !self.disk.exists(&self.dir) {
            self.disk.create_dir_all(&self.dir)?;
            if let Some(parent) = self.dir.parent() {
                self.disk.sync_dir(parent)?;
            }
        }
        let temporary = self.dir.join(TEMPORARY);
        if self.disk.exists(&temporary) {
            self.disk.remove(&temporary)?;
        }
        let file = self.disk.open(&temporary, Open::CreateNew)?;
        let mut at = 0;
        let written = write(fold, groups, now, |piece| {
            file.write_all_at(piece, at)?;
            at += piece.len() as u64;
            Ok::<_, io::Error>(())
        });
        if let Err(e) = written.and_then(|()| file.sync()) {
            drop(file);
            let _left = self.disk.remove(&temporary);
            return Err(e);
        }
        drop(file);
        self.disk.rename(&temporary, &self.dir.join(name(horizon)))?;
        self.disk.sync_dir(&self.dir)?;
        self.tidy();
        Ok(at)
    }

    /// The newest that can be read and is of this step, and how many could not be read.
    pub(crate) fn newest(&self, step_ms: i64) -> (Option<State>, u64) {
        let mut bad = 0;
        for name in self.names().into_iter().rev() {
            let path = self.dir.join(&name);
            match self.bytes(&path).map(|bytes| read(&bytes)) {
                Ok(Ok(state)) if state.step_ms == step_ms => return (Some(state), bad),
                Ok(Ok(_)) => {}
                Ok(Err(damage)) => {
                    bad += 1;
                    tracing::warn!(file = %path.display(), at = damage.at, why = damage.what,
                        "a checkpoint of analysis is damaged and set aside");
                    let aside = self.dir.join(format!("{name}{BAD}"));
                    if let Err(e) = self.disk.rename(&path, &aside) {
                        tracing::warn!(error = %e, "it could not be renamed");
                    }
                }
                Err(e) => {
                    bad += 1;
                    tracing::warn!(file = %path.display(), error = %e,
                        "a checkpoint of analysis cannot be read");
                }
            }
        }
        (None, bad)
    }

    /// Names of checkpoints, the oldest first.
    fn names(&self) -> Vec<String> {
        let mut all = self.entries(ENDING);
        all.sort();
        all
    }

    fn entries(&self, ending: &str) -> Vec<String> {
        let all = self.disk.list(&self.dir).unwrap_or_default();
        all.into_iter().map(|e| e.name).filter(|n| n.ends_with(ending)).collect()
    }

    fn tidy(&self) {
        for ending in [ENDING, BAD] {
            let mut all = self.entries(ending);
            all.sort();
            for name in all.iter().rev().skip(KEPT) {
                if let Err(e) = self.disk.remove(&self.dir.join(name)) {
                    tracing::warn!(error = %e, name, "an old checkpoint could not be removed");
                }
            }
        }
    }

    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.disk.open(path, Open::Read)?;
        let len = file.len()?;
        if len > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too large"));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// Names sort as times do.
fn name(horizon: Timestamp) -> String {
    format!("{:016}{ENDING}", horizon.max(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{paging, taught};
    use super::*;
    use plimsoll_world::SimDisk;

    fn damage(disk: &dyn Disk, name: &str) {
        let file = disk.open(&Path::new("d/analysis").join(name), Open::Write).unwrap();
        file.write_all_at(&[0xff; 8], 100).unwrap();
    }

    #[test]
    fn the_newest_two_are_kept_and_a_damaged_one_is_set_aside() {
        let disk = Arc::new(SimDisk::new(1));
        disk.create_dir_all(Path::new("d")).unwrap();
        let files = Files::new(Arc::clone(&disk) as Arc<dyn Disk>, Path::new("d"));
        assert!(files.newest(60_000).0.is_none());
        let mut fold = taught();
        for i in 1..=4 {
            fold.horizon = Some(i * 60_000);
            assert!(files.write(&fold, &paging(), 0).unwrap() > 5_000);
        }
        assert_eq!(files.names(), ["0000000000180000.state", "0000000000240000.state"]);
        assert_eq!(files.newest(60_000).0.map(|s| s.horizon), Some(240_000));
        assert!(files.newest(30_000).0.is_none(), "of another step");
        damage(&*disk, "0000000000240000.state");
        let (state, bad) = files.newest(60_000);
        assert_eq!((state.map(|s| s.horizon), bad), (Some(180_000), 1));
        assert_eq!(files.entries(BAD), ["0000000000240000.state.bad"]);
    }
}
