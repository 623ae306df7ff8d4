//! Selected series of a snapshot: for each, its slots in the head and its places in parts.

use std::sync::Arc;

use plimsoll_model::{
    Buckets, Columns, Fp, Kept, LabelBuf, LabelScratch, Labels, LabelsRef, Last, Matcher, Page,
    Prepared, ReadCx, Run, Scratch, Selection, Tier, TimeRange,
};

use super::roster::{Builder, PartsOf, Roster, Series};
use super::{SeamResult, buckets};
use crate::engine::{LivePart, LiveTier, Shared};
use crate::head::{Gen, Slot};

/// Series of a snapshot, readable from any thread.
pub(super) struct StoreSelection {
    pub(super) shared: Arc<Shared>,
    roster: Arc<Roster>,
    /// Which of the roster are selected; `None` = all.
    live: Option<Vec<u32>>,
    gens: Arc<[Gen]>,
    /// The range for which it was selected.
    range: TimeRange,
    parts: PartsOf,
    pub(super) tiers: Tiers,
    kept: Option<Prepared>,
}

/// What tiers know of selected series.
#[derive(Default)]
pub(super) struct Tiers {
    parts: Vec<Arc<LiveTier>>,
    /// Series, part, ordinal; in the order of series once finished.
    places: Vec<(u32, u32, u32)>,
    /// The tier that was asked for, and what it covers.
    pub tier: Option<Tier>,
    pub covered: Vec<TimeRange>,
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

impl Tiers {
    /// The tier whose buckets may be asked for, and what it covers; times of which only tiers know.
    pub fn new(tier: Option<Tier>, covered: &[TimeRange], gone: Vec<TimeRange>) -> Self {
        Self { tier, covered: covered.to_vec(), gone, ..Self::default() }
    }

    /// A part of the tier cannot be read: what it speaks for is read raw.
    pub fn not_covered(&mut self, times: &[TimeRange]) {
        let Some(tier) = self.tier else { return };
        for gone in times {
            buckets::exclude(&mut self.covered, *gone, tier);
        }
    }

    /// Whether it says something about a range.
    pub const fn is_asked(&self) -> bool {
        self.tier.is_some() || !self.gone.is_empty()
    }

    /// Whether a part of this tier matters.
    pub fn wants(&self, tier: Tier) -> bool {
        !self.gone.is_empty() || Some(tier) == self.tier
    }

    /// Adds the series of a tier part that pass.
    pub fn add(
        &mut self,
        part: &Arc<LiveTier>,
        matchers: &[Matcher],
        builder: &mut Builder,
    ) -> crate::Result<()> {
        let found = part.reader.select(matchers)?;
        let at = self.parts.len() as u32;
        self.parts.push(Arc::clone(part));
        let mut labels = LabelBuf::new();
        for ordinal in found {
            part.reader.labels(ordinal, &mut labels)?;
            let i = match builder.find(labels.as_ref().fp()) {
                Some(known) => known,
                // Where raw samples are left, the series has none in the range.
                None if self.gone.is_empty() => continue,
                None => builder.add_named(&labels),
            };
            self.places.push((i, at, ordinal));
        }
        Ok(())
    }
}

impl StoreSelection {
    /// The series of a roster that have samples in the range; of these parts, which are those of its
    /// places.
    pub fn new(
        shared: &Arc<Shared>,
        (roster, live): (Arc<Roster>, Option<Vec<u32>>),
        gens: &Arc<[Gen]>,
        range: TimeRange,
        parts: PartsOf,
    ) -> Self {
        let (shared, gens) = (Arc::clone(shared), Arc::clone(gens));
        Self { shared, roster, live, gens, range, parts, tiers: Tiers::default(), kept: None }
    }

    /// With what tiers know.
    pub fn with_tiers(mut self, mut tiers: Tiers) -> Self {
        tiers.places.sort_unstable();
        self.tiers = tiers;
        self
    }

    /// With what is kept for the next time.
    pub fn with_kept(mut self, kept: Option<Prepared>) -> Self {
        self.kept = kept;
        self
    }

    fn at(&self, i: usize) -> usize {
        self.live.as_ref().map_or(i, |live| live[i] as usize)
    }

    fn series(&self, i: usize) -> &Series {
        &self.roster.series[self.at(i)]
    }

    fn places(&self, i: usize) -> impl Iterator<Item = (&LivePart, u32)> {
        let all = self.roster.places(self.at(i));
        all.filter_map(|(part, ordinal)| Some((self.parts[part].as_deref()?, ordinal)))
    }

    /// Where a series is in tier parts, those of the tier that was asked for.
    pub(super) fn tier_places(&self, i: usize) -> impl Iterator<Item = (&LiveTier, u32)> {
        self.all_tier_places(i).filter(|(part, _)| Some(part.entry.tier) == self.tiers.tier)
    }

    fn all_tier_places(&self, i: usize) -> impl Iterator<Item = (&LiveTier, u32)> {
        let i = self.at(i);
        let places = &self.tiers.places;
        let from = places.partition_point(|p| (p.0 as usize) < i);
        let mine = places[from..].iter().take_while(move |p| p.0 as usize == i);
        mine.map(|(_, part, ordinal)| (&*self.tiers.parts[*part as usize], *ordinal))
    }

    /// Puts samples of tiers where no raw ones are left.
    fn stand_in(&self, i: usize, range: TimeRange, run: &mut Run, cx: &ReadCx) {
        if self.tiers.gone.is_empty() {
            return;
        }
        let places: Vec<_> = self.all_tier_places(i).collect();
        let labels = self.label_bytes(i);
        let mut failed = |part: &LiveTier, e: &crate::Error| {
            left_out(&self.shared, &part.entry.id, part.entry.day, e, cx);
        };
        for tier in buckets::stand_ins(&places, labels, &self.tiers.gone, range, run, &mut failed) {
            let width = plimsoll_model::format_duration_ms(tier.0);
            cx.warnings.add(format!(
                "rolled-up {width}: raw samples of a part of the range are gone, the last (and, for \
                 counters, the first) of every {width} stand for them"
            ));
        }
    }

    /// Samples in the head that may lie in the range that was asked for and in this one.
    pub(super) fn slots(&self, i: usize, range: TimeRange) -> impl Iterator<Item = &Slot> {
        let asked = self.range;
        self.series(i).slots(&self.gens, range).filter(move |s| s.touches(asked))
    }

    fn head_error(&self, i: usize, e: &crate::Error, cx: &ReadCx) {
        let labels = self.label_bytes(i);
        tracing::error!(series = %labels, error = %e, "head cannot be read");
        cx.warnings.add(format!("samples of {labels} in memory cannot be read: {e}"));
    }

    pub(super) fn label_bytes(&self, i: usize) -> LabelsRef<'_> {
        self.series(i).labels.as_ref()
    }
}

impl Selection for StoreSelection {
    fn len(&self) -> usize {
        self.live.as_ref().map_or(self.roster.series.len(), Vec::len)
    }

    fn fp(&self, i: usize) -> Fp {
        self.series(i).fp
    }

    fn labels<'a>(&'a self, i: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.label_bytes(i)
    }

    fn shared_labels(&self, i: usize, _: &mut LabelScratch) -> Labels {
        self.series(i).labels.clone()
    }

    fn prepared(&self) -> Option<Prepared> {
        self.kept.clone()
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
        for slot in self.slots(i, range) {
            if run.is_empty() {
                if let Err(e) = slot.read(range, run) {
                    run.clear();
                    self.head_error(i, &e, cx);
                }
                continue;
            }
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
        for slot in self.slots(i, range) {
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
        if best.is_none() && !self.tiers.gone.is_empty() {
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
        let alone = more.is_none() && self.tiers.gone.is_empty();
        if let Some((part, ordinal)) = first.filter(|_| alone)
            && part.cuts.is_empty()
            && self.slots(i, range).next().is_none()
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
        if self.tiers.tier != Some(tier) {
            return Ok(None);
        }
        buckets::read(self, i, want, range, &mut scratch.buckets, cx)
    }
}
