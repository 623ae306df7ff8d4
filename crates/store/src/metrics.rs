//! Counters of the store. They stand together so that `/metrics` and `stats` tell the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll_model::{Reason, RowVerdict};

/// Counted since the store was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Samples kept.
    pub stored: AtomicU64,
    /// Samples left out for another value at their time.
    pub duplicate: AtomicU64,
    /// Batches refused because too much waits to be written.
    pub queue_full: AtomicU64,
    /// Samples refused, by reason.
    pub refused: [AtomicU64; REASONS.len()],
    /// Syncs of the log.
    pub syncs: AtomicU64,
    /// Time that they took, in µs.
    pub sync_us: AtomicU64,
    /// Generations flushed.
    pub flushes: AtomicU64,
    /// Days and partitions of tiers merged.
    pub merges: AtomicU64,
    /// Days rolled up.
    pub rolled: AtomicU64,
    /// Parts removed by age or size.
    pub retired: AtomicU64,
    /// Bytes written, by stage, in the order of [`STAGES`].
    pub written: [AtomicU64; STAGES.len()],
    /// Parts of which what is readable was saved.
    pub salvaged: AtomicU64,
    /// Deletions.
    pub deletions: AtomicU64,
    /// Parts set aside.
    pub quarantined: AtomicU64,
    /// Selections that were asked for again and had not changed.
    pub prepared_hits: AtomicU64,
    /// Selections to be kept that were made anew.
    pub prepared_misses: AtomicU64,
}

/// Names of reasons, as [`Reason::name`] has them.
pub(crate) const REASONS: [&str; 5] = ["too_old", "too_new", "labels", "series_limit", "shape"];

/// Where bytes are written.
pub(crate) const STAGES: [&str; 4] = ["log", "flush", "merge", "tier"];

/// Index of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Log,
    Flush,
    Merge,
    Tier,
}

impl Counters {
    /// Counts bytes that went to the disk.
    pub fn wrote(&self, stage: Stage, bytes: u64) {
        self.written[stage as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts the samples that were refused before they were logged.
    pub fn refused_rows(&self, verdicts: &[RowVerdict]) {
        for v in verdicts.iter().filter(|v| v.refused > 0) {
            let name = v.reason.as_ref().map_or("shape", Reason::name);
            let at = REASONS.iter().position(|r| *r == name).unwrap_or(REASONS.len() - 1);
            self.refused[at].fetch_add(u64::from(v.refused), Ordering::Relaxed);
        }
    }

    /// Counts a sync.
    pub fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sync_us.fetch_add(us, Ordering::Relaxed);
    }
}
