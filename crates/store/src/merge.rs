//! Merges parts into one: k-way in canonical order of the labels, per series by time.
//!
//! Where several parts hold the same (series, time) the sample of the lowest commit number stays
//! ([`Precedence`]). Memory is that of one series in all inputs, plus the new part's index.
//! Cancelled between two series; the unfinished file is then a leftover without meaning.
//! Damage in an input ends the merge: the inputs stay what they are, and the caller sets the
//! damaged one aside before it tries again.

mod salvage;

pub use salvage::{Salvaged, salvage};

use std::cmp::Ordering;
use std::sync::Arc;

use plimsoll_model::{Cancel, Exemplar, LabelBuf, LabelsRef, Matcher, Run, TimeRange};
use plimsoll_world::Disk;

use crate::part::{PartInfo, PartReader, PartWriter, Scan, SeqRange, SeriesIn};
use crate::{Error, Result};

/// Exemplars of one series that a merge keeps.
const SERIES_EXEMPLARS: usize = 4096;

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
    let (read, duplicates) = go_through(inputs, keep, cancel, &mut |s, places| {
        out.add(s)?;
        let exemplars = exemplars_of(inputs, places, keep, s.labels)?;
        if exemplars.is_empty() { Ok(()) } else { out.add_exemplars(&exemplars) }
    })?;
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
    go_through(inputs, keep, cancel, &mut |s, _| each(s))
}

/// Where a series is: input and ordinal.
type Place = (usize, u32);

fn go_through(
    inputs: &[Source],
    keep: TimeRange,
    cancel: &Cancel,
    each: &mut dyn FnMut(&SeriesIn<'_>, &[Place]) -> Result<()>,
) -> Result<(u64, u64)> {
    let mut heads = inputs.iter().map(|s| Scan::new(&s.part)).collect::<Result<Vec<_>>>()?;
    let (mut read, mut duplicates) = (0, 0);
    let (mut run, mut labels) = (Run::new(), LabelBuf::new());
    let mut same: Vec<(Precedence, usize)> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    while least(&heads, &mut labels, &mut same) {
        cancel.check().map_err(|e| Error::Unavailable(format!("merge: {e}")))?;
        same.sort_unstable();
        let mut seq: Option<SeqRange> = None;
        run.clear();
        places.clear();
        for (rank, i) in &same {
            let head = &mut heads[*i];
            places.push((*i, head.ordinal()));
            let before = run.len();
            head.read(keep, &mut run).map_err(|e| head.part().named(e))?;
            cut(&mut run, before, labels.as_ref(), &inputs[*i].cuts);
            if run.len() > before {
                read += (run.len() - before) as u64;
                seq = Some(seq.map_or(rank.seq, |s| s.union(rank.seq)));
                duplicates += put_in_order(&mut run, before);
            }
            head.next().map_err(|e| head.part().named(e))?;
        }
        if let Some(seq) = seq {
            let series = SeriesIn { labels: labels.as_ref(), samples: run.columns(), seq };
            each(&series, &places)?;
        }
    }
    Ok((read, duplicates))
}

/// The labels of the series that comes next, and the inputs that have it. False at the end.
fn least(heads: &[Scan<'_>], labels: &mut LabelBuf, same: &mut Vec<(Precedence, usize)>) -> bool {
    let mut found: Option<&[u8]> = None;
    same.clear();
    for (i, head) in heads.iter().enumerate().filter(|(_, h)| h.more()) {
        let order = found.map_or(Ordering::Less, |l| head.labels().cmp(l));
        if order == Ordering::Less {
            found = Some(head.labels());
            same.clear();
        }
        if order != Ordering::Greater {
            same.push((Precedence::of(head.part().info(), head.seq()), i));
        }
    }
    if let Some(found) = found {
        labels.set_canonical(found);
    }
    found.is_some()
}

/// Exemplars of a series that are kept, rising in time, each once; the newest where there are more
/// than a part takes.
fn exemplars_of(
    inputs: &[Source],
    places: &[Place],
    keep: TimeRange,
    labels: LabelsRef<'_>,
) -> Result<Vec<Arc<Exemplar>>> {
    let mut list: Vec<Arc<Exemplar>> = Vec::new();
    for (source, ordinal) in places.iter().map(|(i, ordinal)| (&inputs[*i], *ordinal)) {
        let from = list.len();
        source.part.exemplars(ordinal, keep, &mut list)?;
        for (_, range) in source.cuts.iter().filter(|(m, _)| Matcher::all(m, labels)) {
            let kept = list.split_off(from).into_iter().filter(|e| !range.contains(e.time));
            list.extend(kept);
        }
    }
    list.sort_by_key(|e| e.time);
    list.dedup_by(|a, b| {
        a.time == b.time && a.value.to_bits() == b.value.to_bits() && a.labels == b.labels
    });
    list.drain(..list.len().saturating_sub(SERIES_EXEMPLARS));
    Ok(list)
}

/// Takes what was deleted from the samples from `from` on.
fn cut(run: &mut Run, from: usize, labels: LabelsRef<'_>, cuts: &[Cut]) {
    for (_, range) in cuts.iter().filter(|(matchers, _)| Matcher::all(matchers, labels)) {
        let mut tail = run.split_off(from);
        tail.remove(*range);
        run.extend(&tail.columns(), 0..tail.len());
    }
}

/// Brings the samples from `from` on among those before, which win. Pieces mostly follow each
/// other, and then nothing is to be done. Returns how many lost.
fn put_in_order(run: &mut Run, from: usize) -> u64 {
    if from == 0 || run.times[from - 1] < run.times[from] {
        return 0;
    }
    let more = run.split_off(from);
    run.join(&more.columns())
}
