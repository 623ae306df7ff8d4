//! What can be set. Checked values: the configuration layer above has validated units and ranges;
//! [`Config::check`] holds the rules between fields.

use std::time::Duration;

use plimsoll_model::Matcher;

use crate::{Error, Result, SealKey};

/// When a record of the write-ahead log must have reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WalSync {
    /// Acknowledged after write(2); synced within [`Config::wal_sync_every`]. `kill -9` loses nothing, a power cut at most
    /// that span.
    #[default]
    Os,
    /// Acknowledged after fdatasync. A power cut loses nothing.
    Fsync,
    /// Never synced by us. For tests and throw-away data.
    Never,
}

/// Who commits and maintains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Threads of the store: a committer, a syncer, a maintainer.
    #[default]
    Threads,
    /// The caller: `submit` commits before it returns, `tick` and `maintain` do the rest. The same
    /// code without threads, so that a simulation is deterministic.
    Inline,
}

/// Series that are kept for a shorter time than others.
#[derive(Clone, Debug)]
pub struct RetentionOverride {
    /// Which: all matchers pass.
    pub matchers: Vec<Matcher>,
    /// For how long, in whole UTC days: a day goes when all of it is older.
    pub keep: Duration,
}

/// How a store behaves. Sizes in bytes.
#[derive(Clone, Debug)]
pub struct Config {
    /// `store.wal.sync`.
    pub wal_sync: WalSync,
    /// How often un-synced records are synced under [`WalSync::Os`]. 200 ms: what a power cut may
    /// cost.
    pub wal_sync_every: Duration,
    /// A segment ends at this size. 64 MiB: small enough to rewrite in a second.
    pub wal_segment_bytes: u64,
    /// Space reserved ahead in a segment, in steps of this. 1 MiB: fdatasync then seldom has to
    /// write the file's length. 0 reserves nothing.
    pub wal_allocate_bytes: u64,
    /// Records that were not written yet. At this many bytes `submit` answers `Unavailable`.
    pub wal_queue_bytes: usize,
    /// A flush starts when the log is this large.
    pub wal_flush_bytes: u64,
    /// `store.retention`: older samples are refused and their parts removed. Default 35 days.
    pub retention: Duration,
    /// `store.retention_overrides`: series that are kept for a shorter time, raw and in tiers.
    pub retention_overrides: Vec<RetentionOverride>,
    /// `store.tiers`: age of the oldest bucket that is kept, of each tier, the finest first: five
    /// minutes for a year, an hour for five.
    pub tier_retention: [Duration; 2],
    /// `store.retention_size`: bytes of all parts. At more the oldest raw days go first, then the
    /// oldest buckets. `u64::MAX` = no limit.
    pub retention_bytes: u64,
    /// `store.min_keep`: nothing younger is removed for its size. A day.
    pub min_keep: Duration,
    /// A day is rolled up this long after its end. 48 h: late samples have come by then.
    pub roll_after: Duration,
    /// Samples further ahead of the wall clock are refused. 10 minutes.
    pub future: Duration,
    /// `store.limits.series`: active series; only new ones are refused.
    pub max_series: usize,
    /// `store.limits.series_per_metric`: active series of one metric name; 0 = unlimited.
    pub max_series_per_metric: usize,
    /// `store.limits.series_per_source`: active series that one source brought; 0 = unlimited.
    pub max_series_per_source: usize,
    /// `store.limits.label_values`: distinct values of one label of one metric; 0 = unlimited.
    pub max_label_values: usize,
    /// Metrics of which metadata is kept; more are not remembered.
    pub max_metadata: usize,
    /// Whether native histograms, start timestamps and exemplars are let in; if not, rows of
    /// histograms are refused and the others are left out.
    pub histograms: bool,
    /// Exemplars in the head, of all series together; more are left out.
    pub max_exemplars: usize,
    /// A flush starts when the current generation is this old.
    pub flush_age: Duration,
    /// A flush starts when the head holds this many bytes.
    pub flush_bytes: u64,
    /// A flush starts when the head holds about this many bytes of samples older than a day.
    pub backfill_bytes: u64,
    /// A flush starts when the first sample older than a day is in the head for so long.
    pub backfill_age: Duration,
    /// Days older than yesterday that one source may have open in the head; more have to wait for a
    /// flush.
    pub backfill_days: usize,
    /// A closed day is merged this long after its end.
    pub merge_after: Duration,
    /// Page cache of parts.
    pub cache_bytes: usize,
    /// `store.reserve`: space that is given up when the disk is full. `None` = the larger of 256 MiB
    /// and 1 % of the disk, but at most 1 GiB and a twentieth of what is free.
    pub reserve_bytes: Option<u64>,
    /// `store.encryption`: seals every file with keys that this one wraps. A directory is encrypted
    /// from its first file on, or not at all.
    pub encryption: Option<SealKey>,
    /// How often the maintainer looks whether something is due.
    pub maintain_every: Duration,
    /// Threads or inline.
    pub mode: Mode,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            wal_sync: WalSync::Os,
            wal_sync_every: Duration::from_millis(200),
            wal_segment_bytes: 64 << 20,
            wal_allocate_bytes: 1 << 20,
            wal_queue_bytes: 64 << 20,
            wal_flush_bytes: 2 << 30,
            retention: Duration::from_secs(35 * 86_400),
            retention_overrides: Vec::new(),
            tier_retention: [
                Duration::from_secs(365 * 86_400),
                Duration::from_secs(1_825 * 86_400),
            ],
            retention_bytes: u64::MAX,
            min_keep: Duration::from_secs(86_400),
            roll_after: Duration::from_secs(48 * 3_600),
            future: Duration::from_secs(600),
            max_series: 2_000_000,
            max_series_per_metric: 1_000_000,
            max_series_per_source: 0,
            max_label_values: 0,
            max_metadata: 50_000,
            histograms: true,
            max_exemplars: 100_000,
            flush_age: Duration::from_secs(30 * 60),
            flush_bytes: 48 << 20,
            backfill_bytes: 64 << 20,
            backfill_age: Duration::from_secs(5 * 60),
            backfill_days: 64,
            merge_after: Duration::from_secs(3_600),
            cache_bytes: 32 << 20,
            reserve_bytes: None,
            encryption: None,
            maintain_every: Duration::from_secs(1),
            mode: Mode::Threads,
        }
    }
}

impl Config {
    /// Small limits, no threads, no reserve: for tests and simulations.
    pub fn simulated() -> Self {
        Self {
            wal_segment_bytes: 64 << 10,
            wal_allocate_bytes: 0,
            cache_bytes: 4 << 20,
            reserve_bytes: Some(0),
            mode: Mode::Inline,
            ..Self::default()
        }
    }

    /// Checks the fields.
    ///
    /// # Errors
    /// `Invalid` naming field, value and remedy.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::Invalid(text));
        if self.retention < Duration::from_secs(3_600) {
            return wrong(format!(
                "store.retention: {:?} is shorter than an hour; set 1h or more",
                self.retention
            ));
        }
        if self.max_series == 0 || self.max_series > u32::MAX as usize / 2 {
            return wrong(format!(
                "store.limits.series: {} is out of range; set 1 to 2147483647",
                self.max_series
            ));
        }
        if self.wal_segment_bytes < 4 << 10 {
            return wrong(format!(
                "store.wal.segment: {} bytes is too small; set 4KiB or more",
                self.wal_segment_bytes
            ));
        }
        Ok(())
    }

    /// The limits of new series.
    pub(crate) fn series_limits(&self) -> crate::registry::SeriesLimits {
        crate::registry::SeriesLimits {
            series: self.max_series,
            per_metric: self.max_series_per_metric,
            per_source: self.max_series_per_source,
            label_values: self.max_label_values,
        }
    }

    /// Retention in ms.
    pub fn retention_ms(&self) -> i64 {
        ms(self.retention)
    }

    /// Retention of the tiers in ms.
    pub fn tier_retention_ms(&self) -> [i64; 2] {
        self.tier_retention.map(ms)
    }

    /// How far ahead samples may be, in ms.
    pub fn future_ms(&self) -> i64 {
        ms(self.future)
    }
}

/// A duration in whole ms, at most `i64::MAX`.
pub(crate) fn ms(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_mistakes_are_named() {
        Config::default().check().unwrap();
        Config::simulated().check().unwrap();
        let short = Config { retention: Duration::from_secs(1), ..Config::default() };
        assert!(short.check().unwrap_err().to_string().contains("store.retention"));
        let none = Config { max_series: 0, ..Config::default() };
        assert!(none.check().unwrap_err().to_string().contains("store.limits.series"));
    }
}
