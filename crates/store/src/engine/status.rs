//! Figures about the store, for self-metrics and for `/api/v1/status/tsdb`.

use std::sync::atomic::Ordering;

use super::Shared;
use crate::CacheStats;
use crate::metrics::{REASONS, STAGES};
use crate::registry::LimitStatus;

/// Figures at one moment. Counters count since the store was opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Series that are known to the head.
    pub series: u64,
    /// Samples in the head.
    pub head_samples: u64,
    /// Bytes of the head, about.
    pub head_bytes: u64,
    /// Generations in memory.
    pub generations: usize,
    /// Parts.
    pub parts: usize,
    /// Samples in parts.
    pub part_samples: u64,
    /// Bytes of parts.
    pub part_bytes: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Segments of the log.
    pub wal_segments: usize,
    /// Bytes of the log that no sync covers yet.
    pub wal_unsynced_bytes: u64,
    /// The number of the last record that was applied.
    pub applied: u64,
    /// Samples kept.
    pub stored: u64,
    /// Samples left out for another value at their time.
    pub duplicate: u64,
    /// Samples refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Batches refused because too much waited.
    pub queue_full: u64,
    /// Syncs of the log, and the seconds that they took together.
    pub syncs: (u64, f64),
    /// Flushes.
    pub flushes: u64,
    /// Merges.
    pub merges: u64,
    /// Parts removed by age.
    pub retired: u64,
    /// Parts set aside since the start, those at opening included.
    pub quarantined: u64,
    /// Damaged parts of which what is readable was saved.
    pub salvaged: u64,
    /// Deletions.
    pub deletions: u64,
    /// Days rolled up.
    pub rolled: u64,
    /// Bytes written since the store was opened, by stage: log, flush, merge, tier.
    pub written: Vec<(&'static str, u64)>,
    /// Bytes of tier parts.
    pub tier_bytes: u64,
    /// Why batches are refused, if they are.
    pub refusing: Option<String>,
    /// Whether a jump of the wall clock holds back retention.
    pub clock_doubted: bool,
    /// Selections that were asked for again and had not changed; those that were made anew.
    pub prepared: (u64, u64),
    /// The page cache.
    pub cache: CacheStats,
    /// Earliest and latest sample, ms.
    pub range: Option<(i64, i64)>,
    /// How near the limits of new series are.
    pub limits: Vec<LimitStatus>,
}

/// What takes most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TsdbStatus {
    /// Series in the head.
    pub series: u64,
    /// Chunks, counted as series times generations.
    pub chunks: u64,
    /// Earliest and latest sample, ms.
    pub range: Option<(i64, i64)>,
    /// Metrics with the most series.
    pub series_by_metric: Vec<(String, u64)>,
    /// Labels with the most values, exactly.
    pub values_by_label: Vec<(String, u64)>,
    /// Sources that brought the most series.
    pub series_by_source: Vec<(String, u64)>,
    /// Metrics of which most new series were refused at a limit since the start: at most so many.
    pub refused_by_metric: Vec<(String, u64)>,
    /// How near the limits are.
    pub limits: Vec<LimitStatus>,
}

impl Shared {
    pub(super) fn stats(&self) -> Stats {
        let c = &self.counters;
        let get = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        let (wal_bytes, wal_segments, wal_unsynced) = {
            let wal = self.wal.lock();
            let (bytes, segments) = wal.size();
            (bytes, segments, wal.unsynced_bytes() as u64)
        };
        let limits = {
            let now = self.world.clock.wall_ms();
            self.intake.lock().limits(self.config.series_limits(), now)
        };
        let series = self.index.read().len();
        let visible = self.visible.lock();
        let (head_bytes, head_samples, _) = visible.head.totals();
        let parts = &visible.parts.parts;
        Stats {
            series,
            head_samples,
            head_bytes,
            generations: visible.head.generations().len(),
            parts: parts.len(),
            part_samples: parts.iter().map(|p| p.entry.samples).sum(),
            part_bytes: parts.iter().map(|p| p.entry.bytes).sum(),
            wal_bytes,
            wal_segments,
            wal_unsynced_bytes: wal_unsynced,
            applied: visible.head.applied,
            stored: get(&c.stored),
            duplicate: get(&c.duplicate),
            refused: REASONS.iter().zip(&c.refused).map(|(r, n)| (*r, get(n))).collect(),
            queue_full: get(&c.queue_full),
            syncs: (get(&c.syncs), get(&c.sync_us) as f64 / 1e6),
            flushes: get(&c.flushes),
            merges: get(&c.merges),
            retired: get(&c.retired),
            quarantined: get(&c.quarantined) + self.report.parts_damaged.len() as u64,
            salvaged: get(&c.salvaged),
            deletions: get(&c.deletions),
            prepared: (get(&c.prepared_hits), get(&c.prepared_misses)),
            rolled: get(&c.rolled),
            written: STAGES.iter().zip(&c.written).map(|(s, n)| (*s, get(n))).collect(),
            tier_bytes: visible.parts.tiers.iter().map(|p| p.entry.bytes).sum(),
            refusing: self.refusing.lock().clone(),
            clock_doubted: self.believed_ms.load(Ordering::Relaxed) != i64::MAX,
            cache: self.cache.stats(),
            range: range(&visible),
            limits,
        }
    }

    pub(super) fn status_tsdb(&self, top: usize) -> TsdbStatus {
        let (chunks, range) = {
            let visible = self.visible.lock();
            (visible.head.totals().2, range(&visible))
        };
        let now = self.world.clock.wall_ms();
        let ([series_by_source, refused_by_metric], limits) = {
            let intake = self.intake.lock();
            (intake.top(top), intake.limits(self.config.series_limits(), now))
        };
        let index = self.index.read();
        TsdbStatus {
            series: index.len(),
            chunks,
            range,
            series_by_metric: index.top_metrics(top),
            values_by_label: index.top_labels(top),
            series_by_source,
            refused_by_metric,
            limits,
        }
    }
}

fn range(visible: &super::Visible) -> Option<(i64, i64)> {
    let parts = visible.parts.parts.iter().map(|p| p.entry.range);
    let generations = visible.head.generations();
    let all = parts.chain(generations.iter().map(|g| g.range));
    let none = plimsoll_model::TimeRange::new(i64::MAX, i64::MIN);
    let range = all.fold(none, |a, b| a.union(b));
    (!range.is_empty()).then_some((range.start, range.end))
}
