//! The log as a whole: one writer, groups of records in order, a sync policy, and a way back after
//! the disk failed.
//!
//! Invariants: numbers rise by one; a segment is synced before the next one is begun; everything
//! since the last good sync is in memory; after a failure nothing is written until
//! [`Wal::recover`] has written all of that again, elsewhere.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_world::World;

use super::record;
use super::segment::{Segment, SyncFile};
use crate::filenames::Names;
use crate::{Config, Error, Result, WalSync};

/// Un-synced bytes kept in memory; at this many the writer syncs by itself.
const RETAINED_BYTES_MAX: usize = 64 << 20;

/// The log of an open store.
pub struct Wal {
    world: World,
    names: Names,
    policy: WalSync,
    segment_bytes: u64,
    allocate_step: u64,
    segment: Option<Segment>,
    older: Vec<Closed>,
    next_seq: u64,
    retained: VecDeque<Group>,
    retained_bytes: usize,
    failure: Option<String>,
    full: bool,
}

/// A segment that is not written any more.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Its name.
    pub path: PathBuf,
    /// The highest number in it; 0 when it has none.
    pub last_seq: u64,
    /// Its length.
    pub bytes: u64,
}

struct Group {
    first_seq: u64,
    next_seq: u64,
    bytes: Arc<Vec<u8>>,
}

/// A sync that runs without the log's lock.
pub struct SyncJob {
    file: Arc<SyncFile>,
    upto: u64,
}

impl SyncJob {
    /// Does it.
    pub fn run(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Wal {
    /// A log that goes on at `next_seq` after the segments in `older`.
    pub fn new(
        world: World,
        names: Names,
        config: &Config,
        next_seq: u64,
        older: Vec<Closed>,
    ) -> Self {
        Self {
            world,
            names,
            policy: config.wal_sync,
            segment_bytes: config.wal_segment_bytes,
            allocate_step: config.wal_allocate_bytes,
            segment: None,
            older,
            next_seq,
            retained: VecDeque::new(),
            retained_bytes: 0,
            failure: None,
            full: false,
        }
    }

    /// Why nothing can be written, if so.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether the last failure was a full disk.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes in all segments, and their number.
    pub fn size(&self) -> (u64, usize) {
        let open = self.segment.as_ref().map_or(0, |s| s.bytes);
        let n = self.older.len() + usize::from(self.segment.is_some());
        (open + self.older.iter().map(|s| s.bytes).sum::<u64>(), n)
    }

    /// Bytes that no sync covers yet.
    pub fn unsynced_bytes(&self) -> usize {
        self.retained_bytes
    }

    /// Numbers the records in `bytes` and keeps them, to be written by [`Wal::write_kept`].
    /// Returns them as they will stand in the log.
    pub fn keep(&mut self, mut bytes: Vec<u8>) -> Arc<Vec<u8>> {
        let first_seq = self.next_seq;
        self.next_seq = record::number(&mut bytes, first_seq);
        let bytes = Arc::new(bytes);
        self.retained_bytes += bytes.len();
        self.retained.push_back(Group {
            first_seq,
            next_seq: self.next_seq,
            bytes: Arc::clone(&bytes),
        });
        bytes
    }

    /// Writes the newest kept group, and syncs it where the policy says so.
    ///
    /// # Errors
    /// The log has failed, now or before; the group stays kept and [`Wal::recover`] writes it.
    pub fn write_kept(&mut self) -> Result<()> {
        if let Some(why) = &self.failure {
            return Err(Error::Unavailable(why.clone()));
        }
        let Some(group) = self.retained.back() else { return Ok(()) };
        let (first_seq, bytes) = (group.first_seq, Arc::clone(&group.bytes));
        let written = self.write(first_seq, &bytes).and_then(|()| self.after_write());
        written.map_err(|e| self.fail(&e))
    }

    fn write(&mut self, first_seq: u64, bytes: &[u8]) -> io::Result<()> {
        let end = self.segment.as_ref().map_or(0, |s| s.bytes) + bytes.len() as u64;
        if self.segment.as_ref().is_some_and(|s| s.first_seq < first_seq)
            && end > self.segment_bytes
        {
            self.close_segment(first_seq)?;
        }
        let segment = match &mut self.segment {
            Some(s) => s,
            none => none.insert(Segment::create(
                &*self.world.disk,
                &self.names,
                first_seq,
                self.world.clock.wall_ms(),
            )?),
        };
        segment.append(bytes, self.allocate_step)
    }

    fn after_write(&mut self) -> io::Result<()> {
        match self.policy {
            WalSync::Fsync => self.sync_now(),
            WalSync::Os if self.retained_bytes > RETAINED_BYTES_MAX => self.sync_now(),
            WalSync::Os => Ok(()),
            WalSync::Never => {
                self.forget_upto(u64::MAX);
                Ok(())
            }
        }
    }

    fn sync_now(&mut self) -> io::Result<()> {
        if let Some(s) = &self.segment {
            s.file.sync()?;
        }
        self.forget_upto(u64::MAX);
        Ok(())
    }

    /// Syncs and closes the open segment; records before `next_first` are in it or before it.
    fn close_segment(&mut self, next_first: u64) -> io::Result<()> {
        let Some(s) = &self.segment else { return Ok(()) };
        if self.policy != WalSync::Never {
            s.trim()?;
            s.file.sync()?;
            self.forget_upto(next_first);
        }
        if let Some(s) = self.segment.take() {
            self.older.push(Closed { path: s.path, last_seq: next_first - 1, bytes: s.bytes });
        }
        Ok(())
    }

    /// Ends the open segment, so that the next record begins a new one.
    ///
    /// # Errors
    /// As [`Wal::write_kept`].
    pub fn rotate(&mut self) -> Result<()> {
        if let Some(why) = &self.failure {
            return Err(Error::Unavailable(why.clone()));
        }
        let next = self.next_seq;
        self.close_segment(next).map_err(|e| self.fail(&e))
    }

    /// A sync of what is written, to be run without the lock; `None` when nothing needs one.
    pub fn begin_sync(&self) -> Option<SyncJob> {
        if self.retained.is_empty() || self.failure.is_some() {
            return None;
        }
        let file = Arc::clone(&self.segment.as_ref()?.file);
        Some(SyncJob { file, upto: self.next_seq })
    }

    /// Takes note of how a sync ended.
    pub fn end_sync(&mut self, job: &SyncJob, outcome: io::Result<()>) {
        let current = self.segment.as_ref().is_some_and(|s| Arc::ptr_eq(&s.file, &job.file));
        match outcome {
            Ok(()) if self.failure.is_none() => self.forget_upto(job.upto),
            Err(e) if current && self.failure.is_none() => drop(self.fail(&e)),
            _ => {}
        }
    }

    fn forget_upto(&mut self, seq: u64) {
        while let Some(group) = self.retained.front()
            && group.next_seq <= seq
        {
            self.retained_bytes -= group.bytes.len();
            self.retained.pop_front();
        }
    }

    fn fail(&mut self, e: &io::Error) -> Error {
        self.full |= e.kind() == io::ErrorKind::StorageFull;
        let why = format!("write-ahead log: {e}; nothing is accepted until it can be written");
        tracing::error!(error = %e, "write-ahead log failed; writes are refused");
        self.failure = Some(why.clone());
        Error::Unavailable(why)
    }

    /// After a failure: writes everything since the last good sync to a new segment and syncs it.
    /// True when the log works (again).
    pub fn recover(&mut self) -> bool {
        if self.failure.is_none() {
            return true;
        }
        match self.rewrite() {
            Ok(()) => {
                tracing::info!("write-ahead log works again");
                self.failure = None;
                self.full = false;
                true
            }
            Err(e) => {
                self.full |= e.kind() == io::ErrorKind::StorageFull;
                false
            }
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let first = self.retained.front().map_or(self.next_seq, |g| g.first_seq);
        let disk = &*self.world.disk;
        let mut fresh = Segment::create(disk, &self.names, first, self.world.clock.wall_ms())?;
        let written = self
            .retained
            .iter()
            .try_for_each(|g| fresh.append(&g.bytes, 0))
            .and_then(|()| fresh.file.sync());
        if let Err(e) = written {
            drop(disk.remove(&fresh.path));
            return Err(e);
        }
        if let Some(s) = self.segment.replace(fresh) {
            // It may hold numbers up to the newest; it goes when those are in parts.
            let last_seq = self.next_seq - 1;
            self.older.push(Closed { path: s.path, last_seq, bytes: s.bytes });
        }
        self.forget_upto(u64::MAX);
        Ok(())
    }

    /// Syncs what is written and ends the segment: the last act of a graceful stop.
    ///
    /// # Errors
    /// As [`Wal::write_kept`].
    pub fn close(&mut self) -> Result<()> {
        self.rotate()
    }

    /// Removes segments whose records are all below `low_water`. What cannot be removed is tried
    /// again next time.
    pub fn drop_below(&mut self, low_water: u64) {
        let disk = &*self.world.disk;
        self.older.retain(|s| {
            if s.last_seq >= low_water {
                return true;
            }
            match disk.remove(&s.path) {
                Ok(()) => false,
                Err(e) if e.kind() == io::ErrorKind::NotFound => false,
                Err(e) => {
                    tracing::warn!(segment = %s.path.display(), error = %e, "segment stays");
                    true
                }
            }
        });
    }
}
