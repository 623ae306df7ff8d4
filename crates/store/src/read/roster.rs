//! Rosters: which series matchers choose, apart from when they have samples.
//!
//! A roster that is kept for the next time ([`Kept`]) has all series of the head's index that pass,
//! whether they have samples or not, and those of the parts that were in the range. It is used again
//! as long as the index still selects the same ([`Index::holds`]) and it knows every part in the range;
//! anything else makes a new one. Which of its series have samples in the range is looked up each
//! time, in the same order as without it. It holds labels and numbers, never samples or files.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::{Arc, Weak};

use plimsoll_model::{Fp, LabelBuf, Labels, Matcher, Prepared, TimeRange};
use roaring::RoaringBitmap;

use crate::engine::{LivePart, Shared};
use crate::head::{Gen, SeriesMeta, Slot};
use crate::part::PartReader;
use crate::registry::{Index, Mark};

/// The parts of the places of a roster, in their order; `None`: not of this selection.
pub(super) type PartsOf = Vec<Option<Arc<LivePart>>>;

const NONE: u32 = u32::MAX;

/// A series that passes.
pub(super) struct Series {
    pub fp: Fp,
    /// Its number in the head; [`NONE`] when it is in parts only.
    sid: u32,
    pub labels: Labels,
    /// The first and the last of its places in parts, a chain in the order of the parts.
    chain: (u32, u32),
}

/// A series in a part.
struct Place {
    series: u32,
    part: u32,
    ordinal: u32,
    next: u32,
}

/// Series that pass, and where in parts they are.
#[derive(Default)]
pub(super) struct Roster {
    pub series: Vec<Series>,
    /// Part by part, in each rising by ordinal.
    places: Vec<Place>,
    /// Where the places of each part end.
    part_ends: Vec<usize>,
    /// Bytes of the labels of series that are in parts only.
    label_bytes: usize,
}

impl Series {
    /// The samples in the head that may lie in the range, oldest generation first.
    pub fn slots<'g>(
        &self,
        gens: &'g [Gen],
        range: TimeRange,
    ) -> impl Iterator<Item = &'g Slot> + use<'g> {
        let (sid, fp) = (self.sid, self.fp);
        gens.iter()
            .filter(move |g| g.range.overlaps(range))
            .filter_map(move |g| g.slot(sid))
            .filter(move |s| s.meta.fp == fp && s.touches(range))
    }
}

impl Roster {
    /// The places of a series: number of the part and ordinal, in the order of the parts.
    pub fn places(&self, i: usize) -> impl Iterator<Item = (usize, u32)> {
        let mut at = self.series[i].chain.0;
        std::iter::from_fn(move || {
            let place = self.places.get(at as usize)?;
            at = place.next;
            Some((place.part as usize, place.ordinal))
        })
    }

    /// The series with samples in the range: those of the head, then others in the order in which
    /// parts name them. `None` when these are all, in their own order.
    pub fn live(
        &self,
        gens: &[Gen],
        parts: &[Option<Arc<LivePart>>],
        range: TimeRange,
    ) -> Option<Vec<u32>> {
        let mut live = Vec::with_capacity(self.series.len());
        let in_head = |s: &&(u32, &Series)| s.1.slots(gens, range).next().is_some();
        live.extend((0..).zip(&self.series).filter(|s| in_head(&s)).map(|(i, _)| i));
        if !self.places.is_empty() && parts.iter().any(Option::is_some) {
            let mut seen = vec![false; self.series.len()];
            live.iter().for_each(|i| seen[*i as usize] = true);
            let mut from = 0;
            for (part, end) in parts.iter().zip(&self.part_ends) {
                let places = &self.places[std::mem::replace(&mut from, *end)..*end];
                for place in places.iter().filter(|_| part.is_some()) {
                    if !std::mem::replace(&mut seen[place.series as usize], true) {
                        live.push(place.series);
                    }
                }
            }
        }
        let all = live.len() == self.series.len() && live.is_sorted();
        (!all).then_some(live)
    }

    /// Bytes that it takes, about; labels that the registry has are not its own.
    fn bytes(&self) -> usize {
        self.series.capacity() * size_of::<Series>()
            + self.places.capacity() * size_of::<Place>()
            + self.label_bytes
    }
}

/// Collects a roster.
#[derive(Default)]
pub(super) struct Builder {
    roster: Roster,
    by_fp: HashMap<Fp, u32>,
    /// Series of which `by_fp` knows.
    mapped: usize,
}

impl Builder {
    /// Adds a series of the head. No series twice.
    pub fn add_head(&mut self, meta: &SeriesMeta) {
        self.push(meta.sid, meta.fp, meta.labels.clone());
    }

    /// Adds the series of the next part that pass.
    pub fn add_part(&mut self, part: &LivePart, matchers: &[Matcher]) -> crate::Result<()> {
        let added = self.places_of(part, matchers);
        self.roster.part_ends.push(self.roster.places.len());
        added
    }

    fn places_of(&mut self, part: &LivePart, matchers: &[Matcher]) -> crate::Result<()> {
        let at = self.roster.part_ends.len() as u32;
        let found = part.reader.select(matchers)?;
        let mut labels = LabelBuf::new();
        for ordinal in found {
            part.reader.labels(ordinal, &mut labels)?;
            let series = self.add_named(&labels);
            let next = self.roster.places.len() as u32;
            self.roster.places.push(Place { series, part: at, ordinal, next: NONE });
            let chain = &mut self.roster.series[series as usize].chain;
            match chain.1 {
                NONE => chain.0 = next,
                last => self.roster.places[last as usize].next = next,
            }
            chain.1 = next;
        }
        Ok(())
    }

    /// The number of a series that is in a part, added when it is not there yet.
    pub fn add_named(&mut self, labels: &LabelBuf) -> u32 {
        if let Some(known) = self.find(labels.as_ref().fp()) {
            return known;
        }
        let labels = labels.to_labels();
        self.roster.label_bytes += labels.as_ref().as_bytes().len() + 16;
        self.push(NONE, labels.fp(), labels)
    }

    /// The number of a series that is there.
    pub fn find(&mut self, fp: Fp) -> Option<u32> {
        let new = self.mapped..self.roster.series.len();
        self.mapped = new.end;
        self.by_fp.reserve(new.len());
        for (i, series) in (new.start as u32..).zip(&self.roster.series[new]) {
            match self.by_fp.entry(series.fp) {
                MapEntry::Vacant(e) => drop(e.insert(i)),
                MapEntry::Occupied(_) => {}
            }
        }
        self.by_fp.get(&fp).copied()
    }

    fn push(&mut self, sid: u32, fp: Fp, labels: Labels) -> u32 {
        self.roster.series.push(Series { fp, sid, labels, chain: (NONE, NONE) });
        self.roster.series.len() as u32 - 1
    }

    pub fn finish(self) -> Roster {
        self.roster
    }
}

/// A roster for the next time.
pub(super) struct Kept {
    store: Weak<Shared>,
    matchers: Vec<Matcher>,
    mark: Mark,
    /// The parts that its places are in.
    parts: Vec<Weak<PartReader>>,
    roster: Arc<Roster>,
}

impl Kept {
    /// Keeps a roster of these matchers and parts.
    pub fn new(
        shared: &Arc<Shared>,
        matchers: &[Matcher],
        mark: Mark,
        parts: &[Arc<LivePart>],
        roster: Arc<Roster>,
    ) -> Self {
        let parts = parts.iter().map(|p| Arc::downgrade(&p.reader)).collect();
        Self { store: Arc::downgrade(shared), matchers: matchers.to_vec(), mark, parts, roster }
    }

    /// The roster with the parts of its places, those beyond the given ones left out; if it is what
    /// these matchers choose in these parts of this store now.
    pub fn roster(
        &self,
        shared: &Arc<Shared>,
        matchers: &[Matcher],
        mut parts: &[Arc<LivePart>],
        index: &Index,
    ) -> Option<(Arc<Roster>, PartsOf)> {
        let holds = std::ptr::eq(self.store.as_ptr(), Arc::as_ptr(shared))
            && self.matchers == matchers
            && index.holds(&self.mark, matchers);
        if !holds {
            return None;
        }
        // Parts keep their order among each other.
        let mut of_places = Vec::with_capacity(self.parts.len());
        for known in &self.parts {
            let here = parts.split_first().filter(|(part, _)| is_same(known, part));
            of_places.push(here.map(|(part, _)| Arc::clone(part)));
            parts = here.map_or(parts, |(_, rest)| rest);
        }
        parts.is_empty().then(|| (Arc::clone(&self.roster), of_places))
    }

    /// Whether it knows a part.
    pub fn knows(&self, part: &LivePart) -> bool {
        self.parts.iter().any(|known| is_same(known, part))
    }

    /// As readers keep it.
    pub fn prepared(self) -> Prepared {
        let matchers = self.matchers.iter().map(|m| m.name().len() + m.value().len() + 96);
        let own = size_of::<Self>() + self.parts.len() * 8;
        let bytes = (own + matchers.sum::<usize>() + self.roster.bytes()) as u64;
        Prepared { epoch: self.mark.epoch(), bytes, body: Arc::new(self) }
    }
}

fn is_same(known: &Weak<PartReader>, part: &LivePart) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(&part.reader))
}

/// Adds the series of the head that pass and have samples in the range; all of them if `range` is
/// `None`.
pub(super) fn from_head(
    builder: &mut Builder,
    index: &Index,
    found: &RoaringBitmap,
    gens: &[Gen],
    range: Option<TimeRange>,
) {
    let seen = |meta: &SeriesMeta, range: TimeRange| {
        let gens = gens.iter().filter(|g| g.range.overlaps(range));
        let mut slots = gens.filter_map(|g| g.slot(meta.sid));
        slots.any(|s| s.meta.fp == meta.fp && s.touches(range))
    };
    for meta in found.iter().filter_map(|sid| index.meta(sid)) {
        if range.is_none_or(|range| seen(meta, range)) {
            builder.add_head(meta);
        }
    }
}
