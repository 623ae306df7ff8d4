//! The head: samples of the generations that are not in parts yet, as they were applied.
//!
//! Records are applied by [`Head::apply`], at commit and at replay alike, so that the verdicts a
//! client was told are those that a restart finds. A generation is shared with snapshots page by
//! page, and a page is copied on the first write after one: a snapshot is a cut between two records
//! and costs the writer the pages that it touches.
//! Bounds: series by `store.limits.series` (refused before they get here), bytes by the flush.

mod apply;
mod slot;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use plimsoll_model::{Fp, Labels, Metadata, TimeRange};

pub(crate) use apply::ApplyScratch;
pub use apply::{Lookup, Outcomes};
pub use slot::{EXEMPLARS_MAX, Slot};

use crate::part::SeqRange;

/// Series in one page of a generation: what a write after a snapshot copies pointers of.
const PAGE_SERIES: usize = 64;
/// Bytes counted for a series of a generation before its samples.
const SLOT_BYTES: u64 = 136;

/// What a series is called. Shared by index, head and readers.
#[derive(Debug, PartialEq, Eq)]
pub struct SeriesMeta {
    /// Its number in this process.
    pub sid: u32,
    /// Its fingerprint.
    pub fp: Fp,
    /// Its labels.
    pub labels: Labels,
}

/// Slots of [`PAGE_SERIES`] sids that follow each other. Shared with snapshots as a whole: series that
/// follow each other are mostly written together.
type Page = Vec<Option<Slot>>;

/// Samples between two swaps.
#[derive(Clone)]
pub struct Gen {
    /// Its number.
    pub id: u64,
    pages: Arc<Vec<Arc<Page>>>,
    /// Commit numbers of its samples, if it has any.
    pub seq: Option<SeqRange>,
    /// From the earliest to the latest sample; empty when there is none.
    pub range: TimeRange,
    /// Samples in it.
    pub samples: u64,
    /// Series in it.
    pub series: u64,
    /// Bytes it takes, about.
    pub bytes: u64,
    /// Exemplars in it.
    pub exemplars: usize,
    /// Number of the record after the swap that ended it.
    pub ended: Option<u64>,
}

impl Gen {
    fn new(id: u64) -> Self {
        Self {
            id,
            pages: Arc::default(),
            seq: None,
            range: TimeRange::new(i64::MAX, i64::MIN),
            samples: 0,
            series: 0,
            bytes: 0,
            exemplars: 0,
            ended: None,
        }
    }

    /// The samples of a series, if it has any here.
    pub fn slot(&self, sid: u32) -> Option<&Slot> {
        let at = sid as usize;
        self.pages.get(at / PAGE_SERIES)?.get(at % PAGE_SERIES)?.as_ref()
    }

    /// All series that have samples here.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.pages.iter().flat_map(|p| p.iter().flatten())
    }

    /// A page for writing, made when it is not there yet.
    fn page(pages: &mut Vec<Arc<Page>>, at: usize) -> &mut Page {
        if pages.len() <= at {
            pages.resize_with(at + 1, Arc::default);
        }
        Arc::make_mut(&mut pages[at])
    }

    /// The place of a series for writing, made (and counted) when it is not there yet.
    fn slot_in<'p>(
        page: &'p mut Page,
        at: usize,
        meta: &Arc<SeriesMeta>,
        series: &mut u64,
    ) -> &'p mut Slot {
        if page.len() <= at {
            page.resize_with(at + 1, || None);
        }
        page[at].get_or_insert_with(|| {
            *series += 1;
            Slot::new(Arc::clone(meta))
        })
    }
}

/// What the head knows of a series across generations.
#[derive(Clone)]
struct Known {
    meta: Arc<SeriesMeta>,
    /// No sample of this series is anywhere after this time: later ones need no search.
    bound: i64,
    /// The generation that defined it last (its lower half): its sid means this series only there.
    defined: u32,
    /// The last generation with a sample of it (its lower half).
    used: u32,
}

/// Everything applied and not flushed, and what is needed to apply more.
pub struct Head {
    gens: VecDeque<Gen>,
    known: Vec<Option<Known>>,
    metadata: Arc<BTreeMap<String, Metadata>>,
    metadata_max: usize,
    /// The number of the last record that was applied.
    pub applied: u64,
    /// Rows left out because their definition was lost.
    pub orphans: u64,
    exemplars: usize,
    exemplars_max: usize,
}

impl Head {
    /// An empty head whose first generation has this number.
    pub fn new(generation: u64, metadata_max: usize, exemplars_max: usize) -> Self {
        Self {
            gens: VecDeque::from([Gen::new(generation)]),
            known: Vec::new(),
            metadata: Arc::default(),
            metadata_max,
            applied: 0,
            orphans: 0,
            exemplars: 0,
            exemplars_max,
        }
    }

    /// The generation that is written.
    pub fn current(&self) -> &Gen {
        &self.gens[self.gens.len() - 1]
    }

    /// The oldest generation, when it has ended and can be flushed.
    pub fn ended(&self) -> Option<&Gen> {
        self.gens.front().filter(|g| g.ended.is_some())
    }

    /// All generations, oldest first, as they are now.
    pub fn generations(&self) -> Vec<Gen> {
        self.gens.iter().cloned().collect()
    }

    /// Forgets a generation that is in parts now.
    pub fn drop_ended(&mut self, id: u64) {
        if self.ended().is_some_and(|g| g.id == id) {
            let gone = self.gens.pop_front();
            self.exemplars -= gone.map_or(0, |g| g.exemplars);
        }
    }

    /// All metadata.
    pub fn metadata(&self) -> &Arc<BTreeMap<String, Metadata>> {
        &self.metadata
    }

    /// Bytes, samples and series of all generations together (a series counts in each).
    pub fn totals(&self) -> (u64, u64, u64) {
        self.gens.iter().fold((0, 0, 0), |t, g| (t.0 + g.bytes, t.1 + g.samples, t.2 + g.series))
    }

    /// Series that are known, with the generation that defined each last.
    pub fn known(&self) -> impl Iterator<Item = (&Arc<SeriesMeta>, u32)> {
        self.known.iter().flatten().map(|k| (&k.meta, k.defined))
    }

    /// Series without a sample in the last two generations: their numbers may be given away, once
    /// nobody reads a snapshot of those times.
    pub fn idle(&self) -> Vec<u32> {
        let known = self.known.iter().flatten();
        known.map(|k| k.meta.sid).filter(|sid| self.is_idle(*sid)).collect()
    }

    /// Whether that is so of one series.
    pub fn is_idle(&self, sid: u32) -> bool {
        let oldest = self.current().id.saturating_sub(1) as u32;
        let known = self.known.get(sid as usize).and_then(Option::as_ref);
        known.is_some_and(|k| k.used < oldest && k.defined < oldest)
            && self.gens.iter().all(|g| g.slot(sid).is_none())
    }

    /// Gives back memory that forgotten series held.
    pub fn shrink(&mut self) {
        let used = self.known.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
        self.known.truncate(used);
        if self.known.capacity() > 2 * used + 1024 {
            self.known.shrink_to_fit();
        }
    }

    /// Forgets series.
    pub fn forget(&mut self, sids: &[u32]) {
        for sid in sids {
            if let Some(known) = self.known.get_mut(*sid as usize) {
                *known = None;
            }
        }
    }
}
