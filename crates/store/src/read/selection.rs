//! Selected series of a snapshot: for each, its slots in the head and its places in parts.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;

use plimsoll_model::{
    Buckets, Columns, Fp, Kept, LabelBuf, LabelScratch, LabelsRef, Last, Matcher, Page, ReadCx,
    Run, Scratch, Selection, Tier, TimeRange,
};

use super::{SeamResult, buckets};
use crate::engine::{LivePart, LiveTier, Shared};
use crate::head::SharedSlot;

const NONE: u32 = u32::MAX;

/// One selected series.
struct Series {
    fp: Fp,
    /// Its labels in the arena.
    labels: (usize, usize),
    /// Its slots, oldest first.
    slots: (u32, u32),
    /// The first and the last of its places in parts, a chain in the order of the parts.
    chain: (u32, u32),
}

/// A series in a part.
struct Place {
    part: u32,
    ordinal: u32,
    next: u32,
}

/// Collects a selection.
pub(super) struct Builder<'s> {
    selection: StoreSelection,
    by_fp: HashMap<Fp, u32>,
    shared: &'s Arc<Shared>,
}

/// Series of a snapshot, readable from any thread.
pub(super) struct StoreSelection {
    pub(super) shared: Arc<Shared>,
    series: Vec<Series>,
    labels: Vec<u8>,
    slots: Vec<SharedSlot>,
    parts: Vec<Arc<LivePart>>,
    places: Vec<Place>,
    tiers: Vec<Arc<LiveTier>>,
    /// Series, part, ordinal; in the order of series once finished.
    tier_places: Vec<(u32, u32, u32)>,
    /// The tier that was asked for, and what it covers.
    pub(super) tier: Option<Tier>,
    pub(super) covered: Vec<TimeRange>,
    /// Times of which only tiers know.
    gone: Vec<TimeRange>,
}

/// Warns that a part is missing from an answer, and reports it when its bytes are at fault.
pub(super) fn left_out(shared: &Shared, id: &str, day: i64, e: &crate::Error, cx: &ReadCx) {
    tracing::error!(part = %id, error = %e, "part cannot be read and is left out");
    cx.warnings.add(format!("part {id} cannot be read and is left out: {e}"));
    if e.is_corrupt() {
        shared.suspect(day, id);
    }
}

fn last_of(run: &Run) -> Option<Last> {
    let i = run.len().checked_sub(1)?;
    Some(Last { time: run.times[i], float: run.floats[i], histogram: run.histogram(i).cloned() })
}

impl<'s> Builder<'s> {
    pub fn new(shared: &'s Arc<Shared>) -> Self {
        let selection = StoreSelection {
            shared: Arc::clone(shared),
            series: Vec::new(),
            labels: Vec::new(),
            slots: Vec::new(),
            parts: Vec::new(),
            places: Vec::new(),
            tiers: Vec::new(),
            tier_places: Vec::new(),
            tier: None,
            covered: Vec::new(),
            gone: Vec::new(),
        };
        Self { selection, by_fp: HashMap::new(), shared }
    }

    /// Adds a series by its slots, oldest first.
    pub fn add_head(&mut self, slots: impl Iterator<Item = SharedSlot>) {
        let from = self.selection.slots.len() as u32;
        self.selection.slots.extend(slots);
        let Some(first) = self.selection.slots.get(from as usize) else { return };
        let meta = Arc::clone(&first.meta);
        let to = self.selection.slots.len() as u32;
        let i = self.selection.push(meta.fp, meta.labels.as_ref());
        self.selection.series[i as usize].slots = (from, to);
        self.by_fp.insert(meta.fp, i);
    }

    /// Adds the series of a part that pass.
    pub fn add_part(&mut self, part: &Arc<LivePart>, matchers: &[Matcher]) -> crate::Result<()> {
        debug_assert!(Arc::ptr_eq(self.shared, &self.selection.shared));
        let found = part.reader.select(matchers)?;
        let at = self.selection.parts.len() as u32;
        self.selection.parts.push(Arc::clone(part));
        let mut labels = LabelBuf::new();
        for ordinal in found {
            part.reader.labels(ordinal, &mut labels)?;
            let fp = labels.as_ref().fp();
            let i = match self.by_fp.entry(fp) {
                MapEntry::Occupied(e) => *e.get(),
                MapEntry::Vacant(e) => *e.insert(self.selection.push(fp, labels.as_ref())),
            };
            self.selection.link(i, Place { part: at, ordinal, next: NONE });
        }
        Ok(())
    }

    /// The tier whose buckets may be asked for, and what it covers.
    pub fn tier(&mut self, tier: Tier, covered: &[TimeRange]) {
        self.selection.tier = Some(tier);
        self.selection.covered = covered.to_vec();
    }

    /// A part of the tier cannot be read: what it speaks for is read raw.
    pub fn not_covered(&mut self, times: &[TimeRange]) {
        let Some(tier) = self.selection.tier else { return };
        for gone in times {
            buckets::exclude(&mut self.selection.covered, *gone, tier);
        }
    }

    /// Times of which only tiers know.
    pub fn gone(&mut self, gone: Vec<TimeRange>) {
        self.selection.gone = gone;
    }

    /// Adds the series of a tier part that pass.
    pub fn add_tier(&mut self, part: &Arc<LiveTier>, matchers: &[Matcher]) -> crate::Result<()> {
        let found = part.reader.select(matchers)?;
        let at = self.selection.tiers.len() as u32;
        self.selection.tiers.push(Arc::clone(part));
        let mut labels = LabelBuf::new();
        for ordinal in found {
            part.reader.labels(ordinal, &mut labels)?;
            let fp = labels.as_ref().fp();
            let i = match self.by_fp.entry(fp) {
                MapEntry::Occupied(e) => *e.get(),
                // Where raw samples are left, the series has none in the range.
                MapEntry::Vacant(_) if self.selection.gone.is_empty() => continue,
                MapEntry::Vacant(e) => *e.insert(self.selection.push(fp, labels.as_ref())),
            };
            self.selection.tier_places.push((i, at, ordinal));
        }
        Ok(())
    }

    pub fn finish(mut self) -> StoreSelection {
        self.selection.tier_places.sort_unstable();
        self.selection
    }
}

impl StoreSelection {
    fn push(&mut self, fp: Fp, labels: LabelsRef<'_>) -> u32 {
        let from = self.labels.len();
        self.labels.extend_from_slice(labels.as_bytes());
        let labels = (from, self.labels.len());
        self.series.push(Series { fp, labels, slots: (0, 0), chain: (NONE, NONE) });
        self.series.len() as u32 - 1
    }

    fn link(&mut self, series: u32, place: Place) {
        let at = self.places.len() as u32;
        self.places.push(place);
        let chain = &mut self.series[series as usize].chain;
        match chain.1 {
            NONE => chain.0 = at,
            last => self.places[last as usize].next = at,
        }
        chain.1 = at;
    }

    fn places(&self, i: usize) -> impl Iterator<Item = (&LivePart, u32)> {
        let mut at = self.series[i].chain.0;
        std::iter::from_fn(move || {
            let place = self.places.get(at as usize)?;
            at = place.next;
            Some((&*self.parts[place.part as usize], place.ordinal))
        })
    }

    /// Where a series is in tier parts, those of the tier that was asked for.
    pub(super) fn tier_places(&self, i: usize) -> impl Iterator<Item = (&LiveTier, u32)> {
        self.all_tier_places(i).filter(|(part, _)| Some(part.entry.tier) == self.tier)
    }

    fn all_tier_places(&self, i: usize) -> impl Iterator<Item = (&LiveTier, u32)> {
        let from = self.tier_places.partition_point(|p| (p.0 as usize) < i);
        let mine = self.tier_places[from..].iter().take_while(move |p| p.0 as usize == i);
        mine.map(|(_, part, ordinal)| (&*self.tiers[*part as usize], *ordinal))
    }

    /// Puts samples of tiers where no raw ones are left.
    fn stand_in(&self, i: usize, range: TimeRange, run: &mut Run, cx: &ReadCx) {
        if self.gone.is_empty() {
            return;
        }
        let places: Vec<_> = self.all_tier_places(i).collect();
        let labels = self.label_bytes(i);
        let mut failed = |part: &LiveTier, e: &crate::Error| {
            left_out(&self.shared, &part.entry.id, part.entry.day, e, cx);
        };
        for tier in buckets::stand_ins(&places, labels, &self.gone, range, run, &mut failed) {
            let width = plimsoll_model::format_duration_ms(tier.0);
            cx.warnings.add(format!(
                "rolled-up {width}: raw samples of a part of the range are gone, the last (and, for \
                 counters, the first) of every {width} stand for them"
            ));
        }
    }

    pub(super) fn slots(&self, i: usize) -> &[SharedSlot] {
        let (from, to) = self.series[i].slots;
        &self.slots[from as usize..to as usize]
    }

    fn head_error(&self, i: usize, e: &crate::Error, cx: &ReadCx) {
        let labels = self.label_bytes(i);
        tracing::error!(series = %labels, error = %e, "head cannot be read");
        cx.warnings.add(format!("samples of {labels} in memory cannot be read: {e}"));
    }

    pub(super) fn label_bytes(&self, i: usize) -> LabelsRef<'_> {
        let (from, to) = self.series[i].labels;
        LabelsRef::from_canonical(&self.labels[from..to])
    }
}

impl Selection for StoreSelection {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn fp(&self, i: usize) -> Fp {
        self.series[i].fp
    }

    fn labels<'a>(&'a self, i: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.label_bytes(i)
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> SeamResult<Columns<'a>> {
        cx.cancel.check()?;
        let (run, inner) = scratch.inner();
        run.clear();
        let more = &mut inner.0.run;
        for (part, ordinal) in self.places(i).filter(|(p, _)| p.entry.range.overlaps(range)) {
            more.clear();
            match part.read(ordinal, self.label_bytes(i), range, more) {
                Ok(()) => drop(run.join(&more.columns())),
                Err(e) => left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx),
            }
        }
        self.stand_in(i, range, run, cx);
        for slot in self.slots(i).iter().filter(|s| s.touches(range)) {
            more.clear();
            match slot.read(range, more) {
                Ok(()) => drop(run.join(&more.columns())),
                Err(e) => self.head_error(i, &e, cx),
            }
        }
        cx.budget.count_samples(run.len() as u64)?;
        Ok(run.columns())
    }

    fn last(
        &self,
        i: usize,
        range: TimeRange,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> SeamResult<Option<Last>> {
        cx.cancel.check()?;
        cx.budget.count_samples(1)?;
        let mut best: Option<Last> = None;
        for slot in self.slots(i).iter().filter(|s| s.touches(range)) {
            let last = match slot.last() {
                (time, Some(float)) if time <= range.end => {
                    Some(Last { time, float, histogram: None })
                }
                // Beyond the range, or a histogram.
                _ => {
                    scratch.clear();
                    if let Err(e) = slot.read(range, &mut scratch.run) {
                        self.head_error(i, &e, cx);
                    }
                    last_of(&scratch.run)
                }
            };
            let Some(last) = last.filter(|l| range.contains(l.time)) else { continue };
            if best.as_ref().is_none_or(|b| last.time > b.time) {
                best = Some(last);
            }
        }
        for (part, ordinal) in self.places(i).filter(|(p, _)| p.entry.range.overlaps(range)) {
            if best.as_ref().is_some_and(|b| b.time >= part.entry.range.end) {
                continue;
            }
            match part.last(ordinal, self.label_bytes(i), range, &mut scratch.run) {
                Ok(Some(last)) if best.as_ref().is_none_or(|b| last.time > b.time) => {
                    best = Some(last);
                }
                Ok(_) => {}
                Err(e) => left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx),
            }
        }
        if best.is_none() && !self.gone.is_empty() {
            scratch.clear();
            self.stand_in(i, range, &mut scratch.run, cx);
            best = last_of(&scratch.run);
        }
        Ok(best)
    }

    /// What a part knows, where nothing else holds samples of the series in the range.
    fn pages(
        &self,
        i: usize,
        range: TimeRange,
        out: &mut Vec<Page>,
        cx: &ReadCx,
    ) -> SeamResult<()> {
        cx.cancel.check()?;
        let mut places = self.places(i).filter(|(p, _)| p.entry.range.overlaps(range));
        let (first, more) = (places.next(), places.next());
        let alone = more.is_none() && self.gone.is_empty();
        if let Some((part, ordinal)) = first.filter(|_| alone)
            && part.cuts.is_empty()
            && !self.slots(i).iter().any(|s| s.touches(range))
        {
            let before = out.len();
            match part.reader.pages(ordinal, range, out) {
                Ok(()) => return Ok(()),
                Err(e) => {
                    out.truncate(before);
                    left_out(&self.shared, &part.entry.id, part.entry.day, &e, cx);
                }
            }
        }
        out.push(Page::cut(range));
        Ok(())
    }

    fn buckets<'a>(
        &'a self,
        i: usize,
        tier: Tier,
        want: Kept,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> SeamResult<Option<Buckets<'a>>> {
        if self.tier != Some(tier) {
            return Ok(None);
        }
        buckets::read(self, i, want, range, &mut scratch.buckets, cx)
    }
}
