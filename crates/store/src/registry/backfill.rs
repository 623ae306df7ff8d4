//! What comes for days long past: how much of it the current generation holds, and for which days.
//!
//! Live samples are flushed every half hour, a backfill sooner, so that neither its bytes nor its
//! days pile up. Bound: days per source by `Config::backfill_days`, one batch may go beyond it;
//! [`SOURCES_MAX`] sources, more are counted as one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use plimsoll_model::{Batch, SourceId};

use crate::filenames::{DAY_MS, day_of};

/// Sources whose days are told apart.
const SOURCES_MAX: usize = 1_000;
/// Bytes that a sample takes in the head, about.
const SAMPLE_BYTES: u64 = 4;

/// Old samples of the current generation.
#[derive(Debug, Default)]
pub struct Backfill {
    samples: u64,
    since: Option<i64>,
    days: HashMap<Arc<str>, BTreeSet<i64>>,
}

impl Backfill {
    /// Forgets everything: a generation begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of old samples, about.
    pub fn bytes(&self) -> u64 {
        self.samples * SAMPLE_BYTES
    }

    /// When the first of them came, wall clock in ms.
    pub fn since(&self) -> Option<i64> {
        self.since
    }

    fn key(&self, source: &SourceId) -> Arc<str> {
        let known = self.days.contains_key(&source.0) || self.days.len() < SOURCES_MAX;
        if known { Arc::clone(&source.0) } else { Arc::from("") }
    }

    /// Whether a source has as many days open as it may.
    pub fn is_full(&self, source: &SourceId, max: usize) -> bool {
        self.days.get(&self.key(source)).is_some_and(|days| days.len() >= max)
    }

    /// Takes note of the rows of a batch that were let in.
    pub fn note(&mut self, batch: &Batch<'_>, rows: &[u32], now: i64) {
        let oldest_live = now.saturating_sub(DAY_MS);
        let mut last = None;
        for row in rows.iter().filter_map(|i| batch.rows.get(*i as usize)) {
            // Only the ends are looked at where both are on one day: columns mostly rise.
            let (Some(&first), Some(&end)) = (row.times.first(), row.times.last()) else {
                continue;
            };
            if first >= oldest_live && end >= oldest_live {
                continue;
            }
            self.since.get_or_insert(now);
            self.samples += row.times.len() as u64;
            let ends = [day_of(first), day_of(end)];
            if ends[0] == ends[1] && last == Some(ends[0]) {
                continue;
            }
            last = Some(ends[1]);
            let key = self.key(batch.source);
            let days = self.days.entry(key).or_default();
            if ends[0].abs_diff(ends[1]) <= 1 {
                days.extend(ends);
            } else {
                days.extend(row.times.iter().map(|t| day_of(*t)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Canonical, Rows};

    #[test]
    fn only_what_is_old_counts() {
        let (mut b, now) = (Backfill::default(), 100 * DAY_MS);
        let source = SourceId::new("s");
        let mut note = |times: &[i64]| {
            let rows = [Rows { times, ..Rows::default() }];
            let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
            b.note(&batch, &[0], now);
            (b.bytes(), b.is_full(&source, 3), b.since())
        };
        assert_eq!(note(&[now, now + 1]), (0, false, None));
        assert_eq!(note(&[DAY_MS, DAY_MS + 1]), (8, false, Some(now)));
        assert_eq!(note(&[DAY_MS + 5]), (12, false, Some(now)));
        assert_eq!(note(&[3 * DAY_MS, now]), (20, true, Some(now)));
        b.clear();
        assert_eq!((b.bytes(), b.since()), (0, None));
    }
}
