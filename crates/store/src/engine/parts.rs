//! The parts that are visible, raw and of tiers: a list that is replaced, never changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::{LabelsRef, Last, Matcher, Run, Tier, TimeRange};

use crate::head::SeriesMeta;
use crate::manifest::{PartEntry, State, TierEntry};
use crate::merge::{Cut, Source};
use crate::part::PartReader;
use crate::rollup::tier_day;

/// A raw part, what the manifest says of it, and what was deleted of it.
pub(crate) struct LivePart {
    pub entry: PartEntry,
    pub reader: Arc<PartReader>,
    pub cuts: Arc<[Cut]>,
}

/// A tier part likewise, with the times that it speaks for.
pub(crate) struct LiveTier {
    pub entry: TierEntry,
    pub reader: Arc<PartReader>,
    pub cuts: Arc<[Cut]>,
    /// Whole tier days, ascending, apart.
    pub speaks_for: Vec<TimeRange>,
}

/// All parts; raw ones in the order in which their samples count: the first to hold a time wins.
#[derive(Default)]
pub(crate) struct PartSet {
    pub parts: Vec<Arc<LivePart>>,
    pub tiers: Vec<Arc<LiveTier>>,
    /// Days that a tier covers, joined to ranges.
    pub covered: BTreeMap<Tier, Vec<TimeRange>>,
    /// The latest time in any raw part; `i64::MIN` when there is none.
    pub end: i64,
    /// Raw samples before this time were removed by retention; `i64::MIN` when none were.
    pub raw_from: i64,
}

impl LivePart {
    /// Appends the samples of a series in the range to `out`, which is empty.
    pub fn read(
        &self,
        ordinal: u32,
        labels: LabelsRef<'_>,
        range: TimeRange,
        out: &mut Run,
    ) -> crate::Result<()> {
        self.reader.read(ordinal, range, out)?;
        for (matchers, gone) in self.cuts.iter() {
            if Matcher::all(matchers, labels) {
                out.remove(*gone);
            }
        }
        Ok(())
    }

    /// The last sample of a series in the range; `scratch` is overwritten.
    pub fn last(
        &self,
        ordinal: u32,
        labels: LabelsRef<'_>,
        range: TimeRange,
        scratch: &mut Run,
    ) -> crate::Result<Option<Last>> {
        if !self.cuts.iter().any(|(m, _)| Matcher::all(m, labels)) {
            return self.reader.last(ordinal, range);
        }
        scratch.clear();
        self.read(ordinal, labels, range, scratch)?;
        let last = scratch.times.last().zip(scratch.floats.last());
        let histogram = scratch.histograms.last().cloned().flatten();
        Ok(last.map(|(&time, &float)| Last { time, float, histogram }))
    }

    /// As an input of a merge.
    pub fn source(&self) -> Source {
        Source { part: Arc::clone(&self.reader), cuts: Arc::clone(&self.cuts) }
    }
}

impl PartSet {
    /// What the manifest says, of those parts that could be opened.
    pub fn new(state: &State, readers: &BTreeMap<String, Arc<PartReader>>) -> Self {
        let mut parts: Vec<_> = state
            .parts
            .values()
            .filter_map(|entry| {
                let reader = Arc::clone(readers.get(&entry.id)?);
                let cuts = state.cuts(&entry.id);
                Some(Arc::new(LivePart { entry: entry.clone(), reader, cuts }))
            })
            .collect();
        parts.sort_by(|a, b| {
            let key = |p: &LivePart| (p.entry.seq, p.reader.info().spec.created);
            key(a).cmp(&key(b)).then_with(|| a.entry.id.cmp(&b.entry.id))
        });
        let end = parts.iter().map(|p| p.entry.range.end).max().unwrap_or(i64::MIN);
        let (mut covered, mut by_part): (BTreeMap<_, Vec<_>>, BTreeMap<&str, Vec<_>>) =
            Default::default();
        for ((tier, day), id) in &state.cover {
            // A part that cannot be opened speaks for nothing: its days are read raw.
            if id.is_empty() || readers.contains_key(id) {
                join(covered.entry(*tier).or_default(), tier_day(*day));
                join(by_part.entry(id).or_default(), tier_day(*day));
            }
        }
        let tiers = state
            .tier_parts
            .values()
            .filter_map(|entry| {
                let reader = Arc::clone(readers.get(&entry.id)?);
                let (cuts, entry) = (state.cuts(&entry.id), entry.clone());
                let speaks_for = by_part.remove(entry.id.as_str()).unwrap_or_default();
                Some(Arc::new(LiveTier { entry, reader, cuts, speaks_for }))
            })
            .collect();
        Self { parts, tiers, covered, end, raw_from: state.raw_from.unwrap_or(i64::MIN) }
    }

    /// The open parts by name.
    pub fn readers(&self) -> BTreeMap<String, Arc<PartReader>> {
        let raw = self.parts.iter().map(|p| (p.entry.id.clone(), Arc::clone(&p.reader)));
        let tiers = self.tiers.iter().map(|p| (p.entry.id.clone(), Arc::clone(&p.reader)));
        raw.chain(tiers).collect()
    }

    /// Appends the samples of one series, rising in time. What cannot be read is left out and
    /// reported to `suspect`.
    pub fn samples_of(
        &self,
        meta: &SeriesMeta,
        range: TimeRange,
        out: &mut Run,
        suspect: &mut dyn FnMut(&LivePart, &crate::Error),
    ) {
        let wanted: Vec<Matcher> =
            meta.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let mut labels = plimsoll_model::LabelBuf::new();
        let mut one = Run::new();
        for part in self.parts.iter().filter(|p| p.entry.range.overlaps(range)) {
            one.clear();
            let mut read = || -> crate::Result<()> {
                for ordinal in part.reader.select(&wanted)? {
                    part.reader.labels(ordinal, &mut labels)?;
                    if labels.as_ref() == meta.labels.as_ref() {
                        part.read(ordinal, labels.as_ref(), range, &mut one)?;
                    }
                }
                Ok(())
            };
            match read() {
                Ok(()) => drop(out.join(&one.columns())),
                Err(e) => suspect(part, &e),
            }
        }
    }
}

/// Adds a range after those that are there; neighbours become one.
fn join(ranges: &mut Vec<TimeRange>, next: TimeRange) {
    match ranges.last_mut() {
        Some(last) if last.end + 1 == next.start => last.end = next.end,
        _ => ranges.push(next),
    }
}
