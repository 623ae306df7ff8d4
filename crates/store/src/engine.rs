//! The store: owns log, head, parts and manifest, and coordinates them; each keeps its own promise.
//!
//! Locks, in the order in which they are taken: maintenance, committer, intake, queue, log,
//! manifest, head (with the parts that are visible), index. None is held while waiting for a
//! ticket.

mod again;
mod backup;
mod commit;
mod delete;
mod maintain;
mod open;
mod parts;
mod reserve;
mod search;
mod status;
mod tiers;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, RwLock};
use plimsoll_model::{
    Batch, Cancel, Error as SeamError, Matcher, SampleSink, SeriesSource, Snapshot, Stop, Ticket,
    TimeRange,
};
use plimsoll_world::{LockGuard, World};

pub use backup::restore;
pub use maintain::Report;
pub use open::OpenReport;
pub use status::{Stats, TsdbStatus};

pub(crate) use parts::{LivePart, LiveTier, PartSet};

use crate::filenames::Names;
use crate::head::Head;
use crate::manifest::{Manifest, State};
use crate::metrics::Counters;
use crate::part::PartReader;
use crate::read::StoreSnapshot;
use crate::registry::{Index, Intake};
use crate::wal::Wal;
use crate::wal::record::{ROWS_MAX, SAMPLES_MAX};
use crate::{Config, Mode, PageCache, Result};

/// An open store. Clones are handles of the same one; [`Store::close`] ends it for all.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Threads>,
}

/// What all threads of a store share.
pub(crate) struct Shared {
    pub world: World,
    pub names: Names,
    pub config: Config,
    pub counters: Counters,
    pub cache: Arc<PageCache>,
    pub index: Arc<RwLock<Index>>,
    pub intake: Mutex<Intake>,
    pub queue: Mutex<commit::Queue>,
    pub queued: Condvar,
    pub committer: Mutex<commit::Committer>,
    pub wal: Mutex<Wal>,
    pub manifest: Mutex<Manifest>,
    pub visible: Mutex<Visible>,
    pub maintenance: Mutex<maintain::Maintenance>,
    /// Snapshots that live, by the generation they were taken in.
    pub readers: Mutex<BTreeMap<u64, usize>>,
    /// Why batches are refused, if they are.
    pub refusing: Mutex<Option<String>>,
    /// Mirrors whether `refusing` holds something.
    pub is_refusing: AtomicBool,
    /// The latest wall time that refusal by age may count from.
    pub believed_ms: AtomicI64,
    /// Raw samples before this time were removed by retention, and are refused.
    pub raw_from: AtomicI64,
    /// A backfill waits for a flush.
    pub flush_soon: AtomicBool,
    /// Parts that gave a checksum error when they were read.
    pub suspects: Mutex<Vec<(i64, String)>>,
    /// Space for the day when the disk is full.
    pub reserve: Mutex<reserve::Reserve>,
    pub cancel: Cancel,
    pub stopping: Mutex<bool>,
    pub stop_signal: Condvar,
    pub report: OpenReport,
    lock: Mutex<Option<Box<dyn LockGuard>>>,
}

/// What a snapshot is taken of; one lock, so that a flush shows its parts and drops its generation
/// at once.
pub(crate) struct Visible {
    pub head: Head,
    pub parts: Arc<PartSet>,
    pub versions: versions::Versions,
}

impl Visible {
    /// Shows what the manifest says, with parts that were opened just now.
    pub fn show(&mut self, state: &State, opened: Vec<(String, Arc<PartReader>)>) {
        let mut readers = self.parts.readers();
        readers.extend(opened);
        self.parts = Arc::new(PartSet::new(state, &readers));
    }
}

struct Threads {
    shared: Arc<Shared>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Err(e) = stop(&self.shared, &mut self.handles.lock()) {
            tracing::error!(error = %e, "store did not close cleanly; the log has everything");
        }
    }
}

/// Ends the threads, writes what is queued, syncs the log, gives the lock back. Does nothing the
/// second time.
fn stop(shared: &Shared, handles: &mut Vec<JoinHandle<()>>) -> Result<()> {
    if std::mem::replace(&mut *shared.stopping.lock(), true) {
        return Ok(());
    }
    shared.cancel.stop(Stop::Shutdown);
    shared.stop_signal.notify_all();
    shared.queue.lock().closed = true;
    shared.queued.notify_all();
    for handle in handles.drain(..) {
        if handle.join().is_err() {
            tracing::error!("a thread of the store panicked");
        }
    }
    while shared.commit_once() {}
    let closed = shared.wal.lock().close();
    *shared.lock.lock() = None;
    closed
}

impl Store {
    /// Opens the store in `dir`, which is made when it is not there; replays the log.
    ///
    /// # Errors
    /// `Conflict` when another instance has the directory, `Invalid` for a bad configuration,
    /// `Corrupt` when the manifest cannot be read, `Io`. Damaged parts and log segments are set
    /// aside, not errors: see [`Store::open_report`].
    pub fn open(world: World, dir: &std::path::Path, config: Config) -> Result<Self> {
        let shared = Arc::new(open::open(world, dir, config)?);
        let threads = Threads { shared: Arc::clone(&shared), handles: Mutex::default() };
        if shared.config.mode == Mode::Threads {
            *threads.handles.lock() = commit::spawn(&shared)?;
        }
        Ok(Self { shared, threads: Arc::new(threads) })
    }

    /// The disk through which everything in the data directory is written: one that seals where
    /// the directory is encrypted. For those who keep files of their own beside the store's.
    pub fn disk(&self) -> Arc<dyn plimsoll_world::Disk> {
        Arc::clone(&self.shared.world.disk)
    }

    /// What opening found.
    pub fn open_report(&self) -> &OpenReport {
        &self.shared.report
    }

    /// Stops: nothing more is accepted, what was accepted is written and synced, the directory is
    /// free for another. Takes no longer than one write and one sync; the head is not flushed.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be synced. What was acknowledged was written before.
    pub fn close(&self) -> Result<()> {
        stop(&self.shared, &mut self.threads.handles.lock())
    }

    /// Does what is due of syncing and of recovering from a failed disk. The store's own thread
    /// calls it every [`Config::wal_sync_every`].
    pub fn tick(&self) {
        self.shared.tick();
    }

    /// Does what is due of flushes, merges and retention. The store's own thread calls it every
    /// [`Config::maintain_every`].
    ///
    /// # Errors
    /// The first thing that failed; it is tried again next time.
    pub fn maintain(&self) -> Result<Report> {
        self.shared.maintain()
    }

    /// Writes the whole head to parts.
    ///
    /// # Errors
    /// `Unavailable` while the log cannot be written, `Io`.
    pub fn flush_now(&self) -> Result<()> {
        self.shared.flush_now()
    }

    /// Merges the parts of every day with more than one, closed or not.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; days that were merged before stay merged.
    pub fn merge_now(&self) -> Result<()> {
        self.shared.merge_now()
    }

    /// Makes a snapshot of everything that was acknowledged before the call, as second names for the
    /// parts, under `snapshots/`; it opens as a data directory. Returns its path.
    ///
    /// # Errors
    /// `Unavailable` while the log cannot be written, `Io`; nothing is left behind then.
    pub fn snapshot_now(&self) -> Result<std::path::PathBuf> {
        self.shared.snapshot_now()
    }

    /// Deletes the samples in the range of all series that pass all matchers: gone for readers when
    /// it returns, durable; gone from the disk after the next merge of their days.
    ///
    /// # Errors
    /// `Invalid` when no matcher names anything, `Limit` for too many deletions at once,
    /// `Unavailable`, `Io`, `Corrupt`.
    pub fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<()> {
        self.shared.delete(matchers, range)
    }

    /// Rewrites every part that holds something deleted.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; parts that were rewritten before stay so.
    pub fn clean_tombstones(&self) -> Result<()> {
        self.shared.clean_tombstones()
    }

    /// An operator confirms the wall clock after a jump.
    pub fn confirm_clock(&self) {
        self.shared.confirm_clock();
    }

    /// Figures about everything.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// The metrics and labels that take most, at most `top` of each.
    pub fn status_tsdb(&self, top: usize) -> TsdbStatus {
        self.shared.status_tsdb(top)
    }
}

impl SeriesSource for Store {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(StoreSnapshot::take(&self.shared))
    }
}

impl SampleSink for Store {
    fn submit(&self, batch: Batch<'_>) -> Ticket {
        let samples: usize = batch.rows.iter().map(|r| r.times.len()).sum();
        if batch.rows.len() > ROWS_MAX || samples > SAMPLES_MAX {
            return Ticket::ready(Err(SeamError::Invalid(format!(
                "batch of {} series and {samples} samples; send at most {ROWS_MAX} of each at once",
                batch.rows.len()
            ))));
        }
        if self.shared.is_refusing.load(Ordering::Acquire)
            && let Some(why) = &*self.shared.refusing.lock()
        {
            return Ticket::ready(Err(SeamError::Unavailable(why.clone())));
        }
        let ticket = self.shared.enqueue(&batch);
        if self.shared.config.mode == Mode::Inline {
            while self.shared.commit_once() {}
        }
        ticket
    }
}
