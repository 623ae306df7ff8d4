//! Reading: a snapshot is the head's generations and the list of parts at one moment; a selection
//! joins both by fingerprint.
//!
//! Where several hold a sample of the same time, the oldest source wins, as it did when the sample
//! was judged. A part that cannot be read is left out with a warning and reported for quarantine.

mod buckets;
mod selection;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use plimsoll_model::{
    Caps, Exemplar, Hint, LabelBuf, Labels, Matcher, Metadata, ReadCx, Resolution, Selection,
    SeriesExemplars, Snapshot, Tier, TimeRange, Timestamp,
};
use roaring::RoaringBitmap;

use crate::engine::{LivePart, LiveTier, PartSet, Shared};
use crate::head::{Gen, SharedSlot};

/// How far the time of an exemplar may lie before that of the sample it came with: what a sender
/// keeps between two scrapes.
const EXEMPLAR_LATE_MS: i64 = 3_600_000;

type SeamResult<T> = plimsoll_model::Result<T>;

/// A consistent cut: what was applied when it was taken, batch by batch.
pub(crate) struct StoreSnapshot {
    shared: Arc<Shared>,
    gens: Vec<Gen>,
    parts: Arc<PartSet>,
    metadata: Arc<BTreeMap<String, Metadata>>,
    generation: u64,
    /// Number of the last change that it shows.
    latest: u64,
}

impl StoreSnapshot {
    /// A cut of now.
    pub fn take(shared: &Arc<Shared>) -> Self {
        let visible = shared.visible.lock();
        let generation = visible.head.current().id;
        *shared.readers.lock().entry(generation).or_default() += 1;
        Self {
            shared: Arc::clone(shared),
            gens: visible.head.generations(),
            parts: Arc::clone(&visible.parts),
            metadata: Arc::clone(visible.head.metadata()),
            generation,
            latest: visible.versions.latest(),
        }
    }

    /// The slots of a series here that may have samples in the range, oldest first.
    fn slots(&self, sid: u32, range: TimeRange) -> impl Iterator<Item = SharedSlot> {
        self.gens
            .iter()
            .filter(move |g| g.range.overlaps(range))
            .filter(move |g| g.slot(sid).is_some_and(|s| s.touches(range)))
            .filter_map(move |g| g.shared_slot(sid))
    }

    /// Series in the head that pass one of the sets and have samples in the range.
    fn head_series(&self, sets: &[&[Matcher]], range: TimeRange) -> RoaringBitmap {
        if !self.gens.iter().any(|g| g.range.overlaps(range)) {
            return RoaringBitmap::new();
        }
        let index = self.shared.index.read();
        let found = sets.iter().fold(RoaringBitmap::new(), |all, m| all | index.select(m));
        let seen = |sid: &u32| {
            let meta = index.meta(*sid);
            let gens = self.gens.iter().filter(|g| g.range.overlaps(range));
            let mut slots = gens.filter_map(|g| g.slot(*sid)).filter(|s| s.touches(range));
            slots.any(|s| meta.is_some_and(|m| m.fp == s.meta.fp))
        };
        found.iter().filter(seen).collect()
    }

    /// Times in the range of which only tiers know.
    fn gone(&self, range: TimeRange) -> Vec<TimeRange> {
        if range.start >= self.parts.raw_from {
            return Vec::new();
        }
        let raw: Vec<_> = self.parts_in(range).map(|p| p.entry.range).collect();
        let all = self.parts.covered.values();
        let mut gone: Vec<_> =
            all.flat_map(|c| buckets::without_raw(&raw, self.parts.raw_from, c, range)).collect();
        gone.sort_unstable_by_key(|g| g.start);
        gone.dedup();
        gone
    }

    fn parts_in(&self, range: TimeRange) -> impl Iterator<Item = &Arc<LivePart>> {
        self.parts.parts.iter().filter(move |p| p.entry.range.overlaps(range))
    }

    /// Runs `read` on a part; an error becomes a warning.
    fn try_part<T>(
        &self,
        part: &LivePart,
        cx: &ReadCx,
        read: impl FnOnce() -> crate::Result<T>,
    ) -> SeamResult<Option<T>> {
        cx.cancel.check()?;
        let (id, day) = (&part.entry.id, part.entry.day);
        Ok(read().map_err(|e| selection::left_out(&self.shared, id, day, &e, cx)).ok())
    }

    /// Calls `each` with the labels of the part's series that pass one of the sets.
    fn part_labels(
        part: &LivePart,
        sets: &[&[Matcher]],
        each: &mut dyn FnMut(&LabelBuf),
    ) -> crate::Result<()> {
        let mut found = RoaringBitmap::new();
        for m in sets {
            found |= part.reader.select(m)?;
        }
        let mut labels = LabelBuf::new();
        for ordinal in found {
            part.reader.labels(ordinal, &mut labels)?;
            each(&labels);
        }
        Ok(())
    }
}

impl Drop for StoreSnapshot {
    fn drop(&mut self) {
        let mut readers = self.shared.readers.lock();
        if let Some(n) = readers.get_mut(&self.generation) {
            *n -= 1;
            if *n == 0 {
                readers.remove(&self.generation);
            }
        }
    }
}

/// No set of matchers means everything.
fn sets_or_all<'m>(any_of: &'m [&'m [Matcher]]) -> &'m [&'m [Matcher]] {
    if any_of.is_empty() { &[&[]] } else { any_of }
}

fn limited<T: Ord>(all: BTreeSet<T>, limit: usize) -> Vec<T> {
    all.into_iter().take(if limit == 0 { usize::MAX } else { limit }).collect()
}

impl Snapshot for StoreSnapshot {
    fn caps(&self) -> Caps {
        Caps { tiers: true, pushdown: false }
    }

    fn tiers(&self, range: TimeRange) -> Vec<Tier> {
        let all = self.parts.covered.iter();
        all.filter(|(_, c)| c.iter().any(|c| c.overlaps(range))).map(|(tier, _)| *tier).collect()
    }

    fn raw_from(&self) -> Timestamp {
        self.parts.raw_from
    }

    fn version(&self, range: TimeRange) -> Option<u64> {
        self.shared.visible.lock().versions.of(range, self.latest)
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> SeamResult<Box<dyn Selection>> {
        cx.cancel.check()?;
        let range = hint.range_or_all();
        let mut builder = selection::Builder::new(&self.shared);
        let gone = self.gone(range);
        let lost = !gone.is_empty();
        builder.gone(gone);
        let tier = match hint.resolution {
            Resolution::Tier(tier) => Some(tier),
            Resolution::Auto | Resolution::Raw => None,
        };
        if let Some(tier) = tier {
            let covered = self.parts.covered.get(&tier);
            builder.tier(tier, covered.map_or(&[], Vec::as_slice));
        }
        for (n, sid) in self.head_series(&[matchers], range).iter().enumerate() {
            if n % 1024 == 0 {
                cx.cancel.check()?;
            }
            builder.add_head(self.slots(sid, range));
        }
        for part in self.parts_in(range) {
            cx.cancel.check()?;
            if let Err(e) = builder.add_part(part, matchers) {
                selection::left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx);
            }
        }
        let wanted = |p: &&Arc<LiveTier>| lost || Some(p.entry.tier) == tier;
        let within = |p: &&Arc<LiveTier>| p.speaks_for.iter().any(|r| r.overlaps(range));
        for part in self.parts.tiers.iter().filter(wanted).filter(within) {
            cx.cancel.check()?;
            if let Err(e) = builder.add_tier(part, matchers) {
                builder.not_covered(&part.speaks_for);
                selection::left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx);
            }
        }
        Ok(Box::new(builder.finish()))
    }

    fn series(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> SeamResult<Vec<Labels>> {
        cx.cancel.check()?;
        let (range, sets) = (hint.range_or_all(), sets_or_all(any_of));
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let found = self.head_series(sets, range);
        for slot in found.iter().filter_map(|sid| self.slots(sid, range).next()) {
            seen.insert(slot.meta.fp);
            all.push(slot.meta.labels.clone());
        }
        for part in self.parts_in(range) {
            self.try_part(part, cx, || {
                Self::part_labels(part, sets, &mut |l| {
                    if seen.insert(l.as_ref().fp()) {
                        all.push(l.to_labels());
                    }
                })
            })?;
        }
        // Runs that are sorted already, one for each part.
        all.sort();
        all.truncate(if hint.limit == 0 { usize::MAX } else { hint.limit });
        Ok(all)
    }

    fn label_names(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> SeamResult<Vec<String>> {
        cx.cancel.check()?;
        let range = hint.range_or_all();
        let found = self.head_series(sets_or_all(any_of), range);
        let mut all: BTreeSet<String> = {
            let index = self.shared.index.read();
            let here = index.names().filter(|(_, series)| !series.is_disjoint(&found));
            here.map(|(name, _)| name.to_owned()).collect()
        };
        for part in self.parts_in(range) {
            self.try_part(part, cx, || {
                if any_of.is_empty() {
                    all.extend(part.reader.label_names()?);
                    return Ok(());
                }
                Self::part_labels(part, any_of, &mut |l| {
                    for (name, _) in l.as_ref().iter() {
                        if !all.contains(name) {
                            all.insert(name.to_owned());
                        }
                    }
                })
            })?;
        }
        Ok(limited(all, hint.limit))
    }

    fn label_values(
        &self,
        name: &str,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> SeamResult<Vec<String>> {
        cx.cancel.check()?;
        let range = hint.range_or_all();
        let found = self.head_series(sets_or_all(any_of), range);
        let (mut all, mut runs): (Vec<String>, _) = if found.is_empty() {
            (Vec::new(), 0)
        } else {
            let index = self.shared.index.read();
            let here = index.values(name).filter(|(_, series)| !series.is_disjoint(&found));
            (here.map(|(value, _)| value.to_owned()).collect(), 1)
        };
        for part in self.parts_in(range) {
            self.try_part(part, cx, || {
                if any_of.is_empty() {
                    runs += 1;
                    return part.reader.label_values(name, &mut all);
                }
                runs += 2;
                let mut some = HashSet::new();
                Self::part_labels(part, any_of, &mut |l| {
                    if let Some(value) = l.as_ref().get(name)
                        && !some.contains(value)
                    {
                        some.insert(value.to_owned());
                    }
                })?;
                all.extend(some);
                Ok(())
            })?;
        }
        // Runs that are sorted already, one for each part.
        if runs > 1 {
            all.sort();
            all.dedup();
        }
        all.truncate(if hint.limit == 0 { usize::MAX } else { hint.limit });
        Ok(all)
    }

    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> SeamResult<Vec<SeriesExemplars>> {
        cx.cancel.check()?;
        let (range, sets) = (hint.range_or_all(), sets_or_all(any_of));
        let mut found: BTreeMap<Labels, Vec<Arc<Exemplar>>> = BTreeMap::new();
        // Parts first: they are older.
        for part in
            self.parts_in(TimeRange::new(range.start.saturating_sub(EXEMPLAR_LATE_MS), i64::MAX))
        {
            self.try_part(part, cx, || {
                let mut series = RoaringBitmap::new();
                for m in sets {
                    series |= part.reader.select(m)?;
                }
                let (mut labels, mut some) = (LabelBuf::new(), Vec::new());
                for ordinal in series {
                    some.clear();
                    part.reader.exemplars(ordinal, range, &mut some)?;
                    if !some.is_empty() {
                        part.reader.labels(ordinal, &mut labels)?;
                        found.entry(labels.to_labels()).or_default().append(&mut some);
                    }
                }
                Ok(())
            })?;
        }
        {
            let index = self.shared.index.read();
            let all = sets.iter().fold(RoaringBitmap::new(), |all, m| all | index.select(m));
            for slot in all.iter().flat_map(|sid| self.gens.iter().filter_map(move |g| g.slot(sid)))
            {
                let known = index.meta(slot.meta.sid).is_some_and(|m| m.fp == slot.meta.fp);
                let some = slot.exemplars().iter().filter(|e| range.contains(e.time));
                if known && slot.exemplars().iter().any(|e| range.contains(e.time)) {
                    found.entry(slot.meta.labels.clone()).or_default().extend(some.cloned());
                }
            }
        }
        let mut left = if hint.limit == 0 { usize::MAX } else { hint.limit };
        let mut out = Vec::new();
        for (labels, mut exemplars) in found {
            exemplars.sort_by_key(|e| e.time);
            exemplars.dedup();
            exemplars.truncate(left);
            left -= exemplars.len();
            if !exemplars.is_empty() {
                out.push(SeriesExemplars { labels, exemplars });
            }
        }
        Ok(out)
    }

    fn metadata(
        &self,
        metric: Option<&str>,
        limit: usize,
        cx: &ReadCx,
    ) -> SeamResult<Vec<Metadata>> {
        cx.cancel.check()?;
        let limit = if limit == 0 { usize::MAX } else { limit };
        if let Some(name) = metric {
            return Ok(self.metadata.get(name).cloned().into_iter().take(limit).collect());
        }
        Ok(self.metadata.values().take(limit).cloned().collect())
    }
}
