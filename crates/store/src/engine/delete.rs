//! Deleting: a tombstone now, the bytes with the next merge.
//!
//! A deletion first flushes the head, so that all that it means is in parts, and then names these
//! parts: what comes later, in whatever order of time, is not touched, and cannot be. Reads leave
//! out what is deleted at once; merges leave it behind; a tombstone whose parts are all rewritten
//! is gone.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use plimsoll_model::{Matcher, TimeRange};

use super::maintain::Maintenance;
use super::{Shared, tiers};
use crate::filenames::{DAY_MS, day_of};
use crate::manifest::{Edit, MATCHERS_MAX, TEXT_BYTES_MAX, Tombstone};
use crate::{Error, Result};

/// Tombstones at once. Every read of a part looks at those of the part.
const TOMBSTONES_MAX: usize = 1_000;

impl Shared {
    /// Deletes the samples in the range of all series that pass all matchers. Durable when it
    /// returns.
    pub(super) fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<()> {
        if matchers.iter().all(Matcher::matches_empty) {
            return Err(Error::Invalid(
                "delete: matchers that match every series; name at least one label".to_owned(),
            ));
        }
        if range.is_empty() {
            return Ok(());
        }
        let long = |m: &Matcher| m.name().len().max(m.value().len()) > TEXT_BYTES_MAX;
        if matchers.len() > MATCHERS_MAX || matchers.iter().any(long) {
            return Err(Error::Invalid(format!(
                "delete: {} matchers; at most {MATCHERS_MAX} of at most {TEXT_BYTES_MAX} bytes each",
                matchers.len()
            )));
        }
        self.flush_now()?;
        let _one_at_a_time = self.maintenance.lock();
        self.delete_in_parts(matchers, range)
    }

    /// Deletes what the parts of this moment have. The maintenance is locked by the caller.
    fn delete_in_parts(&self, matchers: &[Matcher], range: TimeRange) -> Result<()> {
        let parts = self.visible.lock().parts.clone();
        let mut pending = BTreeSet::new();
        for p in parts.parts.iter().filter(|p| p.entry.range.overlaps(range)) {
            if !p.reader.select(matchers)?.is_empty() {
                pending.insert(p.entry.id.clone());
            }
        }
        let touched: Vec<TimeRange> = parts
            .parts
            .iter()
            .filter(|p| pending.contains(&p.entry.id))
            .map(|p| {
                TimeRange::new(
                    p.entry.range.start.max(range.start),
                    p.entry.range.end.min(range.end),
                )
            })
            .filter(|r| !r.is_empty())
            .collect();
        for p in parts.tiers.iter().filter(|p| p.speaks_for.iter().any(|r| r.overlaps(range))) {
            if !p.reader.select(matchers)?.is_empty() {
                pending.insert(p.entry.id.clone());
            }
        }
        let mut manifest = self.manifest.lock();
        let state = manifest.state();
        // Of parts that cannot be read now it is not known what they hold.
        let unreadable = self.unreadable(state);
        let raw = state.parts.values().filter(|p| p.range.overlaps(range)).map(|p| &p.id);
        let all = raw.chain(state.tier_parts.keys()).filter(|id| unreadable.contains(*id));
        pending.extend(all.cloned());
        if pending.is_empty() {
            return Ok(());
        }
        if state.tombstones.len() >= TOMBSTONES_MAX {
            return Err(Error::Limit(format!(
                "delete: {TOMBSTONES_MAX} deletions wait for merges; clean tombstones first"
            )));
        }
        let id = state.tombstones.keys().next_back().map_or(1, |last| last + 1);
        // Days with raw samples are rolled up again without what is deleted.
        let mut edits = tiers::uncover(state, touched.into_iter());
        edits.push(Edit::Tombstone(Tombstone { id, matchers: matchers.to_vec(), range, pending }));
        manifest.commit(&edits)?;
        let mut visible = self.visible.lock();
        visible.show(manifest.state(), Vec::new());
        visible.versions.changed();
        self.counters.deletions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Deletes whole days of the series that are kept for a shorter time than others. Looks at each
    /// part once.
    pub(super) fn delete_overdue(&self, m: &mut Maintenance, wall: i64) -> Result<usize> {
        let mut days = 0;
        for (i, kept) in self.config.retention_overrides.iter().enumerate() {
            let oldest = wall.saturating_sub(crate::config::ms(kept.keep));
            let cutoff = day_of(oldest).saturating_mul(DAY_MS);
            let parts = self.visible.lock().parts.clone();
            let (mut found, mut looked) = (None::<TimeRange>, Vec::new());
            for p in parts.parts.iter().filter(|p| p.entry.range.end < cutoff) {
                let key = (i, p.entry.id.clone());
                if m.looked_at.contains(&key) {
                    continue;
                }
                if !p.reader.select(&kept.matchers)?.is_empty() {
                    found = Some(found.map_or(p.entry.range, |r| r.union(p.entry.range)));
                }
                looked.push(key);
            }
            if let Some(range) = found {
                self.delete_in_parts(&kept.matchers, range)?;
                days += 1;
            }
            m.looked_at.extend(looked);
        }
        // Names of parts that are gone are not looked up again.
        let state = self.manifest.lock().state().clone();
        m.looked_at.retain(|(_, id)| state.parts.values().any(|p| p.id == *id));
        Ok(days)
    }

    /// Rewrites every part that holds something deleted.
    pub(super) fn clean_tombstones(&self) -> Result<()> {
        let _one_at_a_time = self.maintenance.lock();
        loop {
            let state = self.manifest.lock().state().clone();
            let unreadable = self.unreadable(&state);
            let mut ids = state.tombstones.values().flat_map(|t| &t.pending);
            let Some(id) = ids.find(|id| !unreadable.contains(*id)).cloned() else {
                return Ok(());
            };
            if let Some(part) = state.parts.values().find(|p| p.id == id) {
                let day = state.parts.values().filter(|p| p.day == part.day);
                let all: Vec<_> = day.map(|p| p.id.clone()).collect();
                self.merge_day(part.day, &all)?;
            } else if let Some(part) = state.tier_parts.get(&id) {
                self.merge_tier(part.tier, std::slice::from_ref(&id))?;
            } else {
                // A part that is in no list is in no tombstone either; see `State::rewritten`.
                return Err(Error::corrupt(format!("tombstone names part {id}, which is unknown")));
            }
        }
    }
}
