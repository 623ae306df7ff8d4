//! Reading: a snapshot is the head's generations and the list of parts at one moment; a selection
//! joins both by fingerprint.
//!
//! Where several hold a sample of the same time, the oldest source wins, as it did when the sample
//! was judged. A part that cannot be read is left out with a warning and reported for quarantine.

mod buckets;
mod roster;
mod selection;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use plimsoll_model::{
    Caps, Exemplar, Hint, LabelBuf, Labels, Matcher, Metadata, Prepared, ReadCx, Resolution,
    Selection, SeriesExemplars, Snapshot, Tier, TimeRange, Timestamp,
};
use roaring::RoaringBitmap;

use crate::engine::{LivePart, LiveTier, PartSet, Shared};
use crate::head::{Gen, Slot};
use roster::{PartsOf, Roster};
use selection::{StoreSelection, Tiers};

/// How far the time of an exemplar may lie before that of the sample it came with: what a sender
/// keeps between two scrapes.
const EXEMPLAR_LATE_MS: i64 = 3_600_000;

/// Parts beyond those in the range that a kept selection may know.
const KEPT_PARTS_MORE: usize = 8;

type SeamResult<T> = plimsoll_model::Result<T>;

/// A consistent cut: what was applied when it was taken, batch by batch.
pub(crate) struct StoreSnapshot {
    shared: Arc<Shared>,
    gens: Arc<[Gen]>,
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
            gens: visible.head.generations().into(),
            parts: Arc::clone(&visible.parts),
            metadata: Arc::clone(visible.head.metadata()),
            generation,
            latest: visible.versions.latest(),
        }
    }

    /// The slots of a series here that may have samples in the range, oldest first.
    fn slots(&self, sid: u32, range: TimeRange) -> impl Iterator<Item = &Slot> {
        let gens = self.gens.iter().filter(move |g| g.range.overlaps(range));
        gens.filter_map(move |g| g.slot(sid)).filter(move |s| s.touches(range))
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

    /// Selects raw samples by what was kept last time, if that still holds, and keeps it again.
    fn select_kept(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        again: Option<&Prepared>,
        cx: &ReadCx,
    ) -> SeamResult<StoreSelection> {
        let parts: Vec<_> = self.parts_in(range).cloned().collect();
        let before = again.and_then(|p| Some((p, p.body.downcast_ref::<roster::Kept>()?)));
        let known = before.and_then(|(prepared, kept)| {
            let index = self.shared.index.read();
            Some((prepared, kept.roster(&self.shared, matchers, &parts, &index)?))
        });
        let counters = &self.shared.counters;
        if let Some((prepared, (roster, parts))) = known {
            counters.prepared_hits.fetch_add(1, Ordering::Relaxed);
            return Ok(self.selected(roster, parts, range).with_kept(Some(prepared.clone())));
        }
        counters.prepared_misses.fetch_add(1, Ordering::Relaxed);
        let in_range = parts.len();
        let parts = self.parts_to_keep(parts, before.map(|(_, kept)| kept));
        let mut builder = roster::Builder::default();
        let mark = {
            let index = self.shared.index.read();
            let found = index.select(matchers);
            roster::from_head(&mut builder, &index, &found, &self.gens, None);
            index.mark(matchers)
        };
        let whole = self.add_parts(&mut builder, &parts, matchers, range, cx)?;
        let roster = Arc::new(builder.finish());
        // Where a part was left out that is said every time.
        let kept = whole.then(|| {
            let roster = Arc::clone(&roster);
            roster::Kept::new(&self.shared, matchers, mark, &parts, roster).prepared()
        });
        let all = parts.len() == in_range;
        let here = |p: &Arc<LivePart>| all || p.entry.range.overlaps(range);
        let parts = parts.into_iter().map(|p| Some(p).filter(here)).collect();
        Ok(self.selected(roster, parts, range).with_kept(kept))
    }

    fn selected(&self, roster: Arc<Roster>, parts: PartsOf, range: TimeRange) -> StoreSelection {
        let live = roster.live(&self.gens, &parts, range);
        StoreSelection::new(&self.shared, (roster, live), &self.gens, range, parts)
    }

    /// The parts in the range, and with them those that were known before, so that one selection
    /// serves questions about several ranges; not many more than are asked for.
    fn parts_to_keep(
        &self,
        in_range: Vec<Arc<LivePart>>,
        before: Option<&roster::Kept>,
    ) -> Vec<Arc<LivePart>> {
        let Some(before) = before else { return in_range };
        let asked = |p: &Arc<LivePart>| in_range.iter().any(|q| Arc::ptr_eq(p, q));
        let all = self.parts.parts.iter().filter(|p| asked(p) || before.knows(p));
        let all: Vec<_> = all.cloned().collect();
        if all.len() <= in_range.len() + KEPT_PARTS_MORE { all } else { in_range }
    }

    /// Adds the series of parts that pass; warns of those in the range that cannot be read. Returns
    /// whether none was left out.
    fn add_parts(
        &self,
        builder: &mut roster::Builder,
        parts: &[Arc<LivePart>],
        matchers: &[Matcher],
        range: TimeRange,
        cx: &ReadCx,
    ) -> SeamResult<bool> {
        let mut whole = true;
        for part in parts {
            cx.cancel.check()?;
            if let Err(e) = builder.add_part(part, matchers) {
                whole = false;
                if part.entry.range.overlaps(range) {
                    selection::left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx);
                }
            }
        }
        Ok(whole)
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
        let gone = self.gone(range);
        let tier = match hint.resolution {
            Resolution::Tier(tier) => Some(tier),
            Resolution::Auto | Resolution::Raw => None,
        };
        let covered = tier.and_then(|tier| self.parts.covered.get(&tier));
        let mut tiers = Tiers::new(tier, covered.map_or(&[], Vec::as_slice), gone);
        if hint.keep && !tiers.is_asked() {
            return Ok(Box::new(self.select_kept(matchers, range, hint.again, cx)?));
        }
        let mut builder = roster::Builder::default();
        {
            let index = self.shared.index.read();
            let found = index.select(matchers);
            roster::from_head(&mut builder, &index, &found, &self.gens, Some(range));
        }
        let parts: Vec<_> = self.parts_in(range).cloned().collect();
        self.add_parts(&mut builder, &parts, matchers, range, cx)?;
        let within = |p: &&Arc<LiveTier>| p.speaks_for.iter().any(|r| r.overlaps(range));
        for part in self.parts.tiers.iter().filter(within) {
            cx.cancel.check()?;
            if !tiers.wants(part.entry.tier) {
                continue;
            }
            if let Err(e) = tiers.add(part, matchers, &mut builder) {
                tiers.not_covered(&part.speaks_for);
                selection::left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx);
            }
        }
        let roster = (Arc::new(builder.finish()), None);
        let parts = parts.into_iter().map(Some).collect();
        let selection = StoreSelection::new(&self.shared, roster, &self.gens, range, parts);
        Ok(Box::new(selection.with_tiers(tiers)))
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
