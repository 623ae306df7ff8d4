//! Merges parts into one: k-way in canonical order of the labels, per series by time.
//!
//! Where several parts hold the same (series, time) the sample of the lowest commit number stays
//! ([`Precedence`]). Memory is that of one series in all inputs, plus the new part's index.
//! Cancelled between two series; the unfinished file is then a leftover without meaning.
//! Damage in an input ends the merge: the inputs stay what they are, and the caller sets the
//! damaged one aside before it tries again.

use std::sync::Arc;

use plimsoll_model::{Cancel, LabelBuf, Matcher, Run, TimeRange};
use plimsoll_world::Disk;

use crate::part::{PartInfo, PartReader, PartWriter, SeqRange, SeriesIn};
use crate::{Error, Result};

/// Which of two samples of one series at one time counts: that of the lesser. Commit numbers
/// decide; creation time and uuid only where the ranges of two parts are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    seq: SeqRange,
    created: i64,
    uuid: u128,
}

impl Precedence {
    /// Of a series in a part.
    pub fn of(part: &PartInfo, series: SeqRange) -> Self {
        Self { seq: series, created: part.spec.created, uuid: part.spec.uuid }
    }
}

/// What was deleted: of the series that pass all matchers, the samples in the range.
pub type Cut = (Vec<Matcher>, TimeRange);

/// A part to be merged.
#[derive(Clone)]
pub struct Source {
    /// The part.
    pub part: Arc<PartReader>,
    /// What was deleted of it since it was written.
    pub cuts: Arc<[Cut]>,
}

impl From<Arc<PartReader>> for Source {
    fn from(part: Arc<PartReader>) -> Self {
        Self { part, cuts: Arc::from([]) }
    }
}

/// What a merge did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOutcome {
    /// The new part; `None` (and no file) when no sample was left to keep.
    pub part: Option<PartInfo>,
    /// Samples read from all inputs within the range that is kept.
    pub read: u64,
    /// Samples that lost against another one at the same time.
    pub duplicates: u64,
}

/// Merges `inputs` into `out`, which must be empty, keeping the samples within `keep`.
///
/// # Errors
/// `Corrupt`, `Io`; `Unavailable` when cancelled.
pub fn merge_parts(
    disk: &dyn Disk,
    inputs: &[Source],
    mut out: PartWriter,
    keep: TimeRange,
    cancel: &Cancel,
) -> Result<MergeOutcome> {
    let (read, duplicates) = for_each_series(inputs, keep, cancel, &mut |s| out.add(s))?;
    Ok(MergeOutcome { part: out.finish(disk)?, read, duplicates })
}

/// Calls `each` with every series of `inputs` that has samples within `keep`, in canonical order,
/// its samples joined. Returns samples read and samples that lost against another of their time.
///
/// # Errors
/// `Corrupt`, `Io`; `Unavailable` when cancelled; what `each` gives.
pub fn for_each_series(
    inputs: &[Source],
    keep: TimeRange,
    cancel: &Cancel,
    each: &mut dyn FnMut(&SeriesIn<'_>) -> Result<()>,
) -> Result<(u64, u64)> {
    let mut heads = inputs.iter().map(Head::open).collect::<Result<Vec<_>>>()?;
    let (mut read, mut duplicates) = (0, 0);
    let mut union = Union::default();
    let mut labels = LabelBuf::new();
    while let Some(least) = heads.iter().filter(|h| h.more()).map(Head::key).min() {
        cancel.check().map_err(|e| Error::Unavailable(format!("merge: {e}")))?;
        labels.set_canonical(least);
        let mut same: Vec<(Precedence, usize)> = Vec::new();
        for (i, h) in heads.iter().enumerate() {
            if h.more() && h.key() == labels.as_ref().as_bytes() {
                same.push((h.precedence()?, i));
            }
        }
        same.sort_unstable();
        let mut seq: Option<SeqRange> = None;
        union.clear();
        for (rank, i) in same {
            let added = union.add(&heads[i], keep)?;
            read += added.read;
            duplicates += added.duplicates;
            if added.read > 0 {
                seq = Some(seq.map_or(rank.seq, |s| s.union(rank.seq)));
            }
            heads[i].next()?;
        }
        if let Some(seq) = seq {
            each(&SeriesIn { labels: labels.as_ref(), samples: union.run.columns(), seq })?;
        }
    }
    Ok((read, duplicates))
}

/// Where one input stands.
struct Head {
    part: Arc<PartReader>,
    cuts: Arc<[Cut]>,
    ordinal: u32,
    labels: LabelBuf,
}

impl Head {
    fn open(source: &Source) -> Result<Self> {
        let (part, cuts) = (source.part.clone(), source.cuts.clone());
        let mut head = Self { part, cuts, ordinal: 0, labels: LabelBuf::new() };
        head.load()?;
        Ok(head)
    }

    fn more(&self) -> bool {
        self.ordinal < self.part.series()
    }

    fn key(&self) -> &[u8] {
        self.labels.as_ref().as_bytes()
    }

    fn precedence(&self) -> Result<Precedence> {
        let seq = self.part.series_info(self.ordinal)?.seq;
        Ok(Precedence::of(self.part.info(), seq))
    }

    fn next(&mut self) -> Result<()> {
        self.ordinal += 1;
        self.load()
    }

    fn load(&mut self) -> Result<()> {
        if !self.more() {
            return Ok(());
        }
        let mut next = LabelBuf::new();
        self.part.labels(self.ordinal, &mut next)?;
        if self.ordinal > 0 && next.as_ref().as_bytes() <= self.key() {
            let path = self.part.path().display();
            return Err(Error::corrupt(format!(
                "part {path}: series {} out of order",
                self.ordinal
            )));
        }
        self.labels = next;
        Ok(())
    }
}

/// The samples of one series, joined from its parts in order of precedence.
#[derive(Default)]
struct Union {
    run: Run,
    more: Run,
}

struct Added {
    read: u64,
    duplicates: u64,
}

impl Union {
    fn clear(&mut self) {
        self.run.clear();
    }

    fn add(&mut self, head: &Head, keep: TimeRange) -> Result<Added> {
        self.more.clear();
        head.part.read(head.ordinal, keep, &mut self.more)?;
        for (matchers, range) in head.cuts.iter() {
            if Matcher::all(matchers, head.labels.as_ref()) {
                self.more.remove(*range);
            }
        }
        let duplicates = self.run.join(&self.more.columns());
        Ok(Added { read: self.more.len() as u64, duplicates })
    }
}
