//! Applying a batch: what has to be looked up in parts is read before the head is locked, so that
//! readers and snapshots never wait for a disk.
//!
//! Where the parts changed meanwhile the search is done again; after [`TRIES`] it is done under the
//! lock. Bound: [`PLACES_MAX`] remembered places of series in parts.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{Fp, LabelBuf, LabelsRef, Matcher, Run, TimeRange};

use super::commit::{Committer, Registered};
use super::{LivePart, PartSet, Shared};
use crate::Result;
use crate::head::{Lookup, SeriesMeta};
use crate::wal::record::{self, Frame, Record};

/// Searches before the lock is held for one.
const TRIES: usize = 3;
/// Places that are remembered, 50 bytes each.
const PLACES_MAX: usize = 100_000;

/// Where series stand in parts.
#[derive(Default)]
pub(super) struct Places {
    known: HashMap<(Fp, u128), Option<u32>>,
}

impl Places {
    fn of(&mut self, part: &LivePart, meta: &SeriesMeta) -> Result<Option<u32>> {
        let key = (meta.fp, part.reader.info().spec.uuid);
        if let Some(place) = self.known.get(&key) {
            return Ok(*place);
        }
        let wanted: Vec<Matcher> =
            meta.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let (mut labels, mut place) = (LabelBuf::new(), None);
        for ordinal in part.reader.select(&wanted)? {
            part.reader.labels(ordinal, &mut labels)?;
            if labels.as_ref() == meta.labels.as_ref() {
                place = Some(ordinal);
            }
        }
        if self.known.len() >= PLACES_MAX {
            self.known.clear();
        }
        self.known.insert(key, place);
        Ok(place)
    }

    /// The samples of a series in all parts, rising in time. What cannot be read is reported.
    fn samples(
        &mut self,
        parts: &PartSet,
        meta: &SeriesMeta,
        range: TimeRange,
        suspect: &dyn Fn(i64, &str),
    ) -> Run {
        let (mut all, mut one) = (Run::new(), Run::new());
        for part in parts.parts.iter().filter(|p| p.entry.range.overlaps(range)) {
            one.clear();
            let read = self.of(part, meta).and_then(|place| match place {
                Some(ordinal) => part.read(ordinal, meta.labels.as_ref(), range, &mut one),
                None => Ok(()),
            });
            match read {
                Ok(()) => drop(all.join(&one.columns())),
                Err(e) => {
                    tracing::error!(part = %part.entry.id, error = %e, "part cannot be read");
                    suspect(part.entry.day, &part.entry.id);
                }
            }
        }
        all
    }
}

/// What was found, by series: the range that was searched, and its samples.
type Found = HashMap<u32, Vec<(TimeRange, Run)>>;

/// Answers from what was found before; asks the parts for the rest.
struct Prepared<'s> {
    found: &'s Found,
    rest: Registered<'s>,
}

impl Lookup for Prepared<'_> {
    fn meta(&self, sid: u32, fp: Fp, labels: LabelsRef<'_>) -> Arc<SeriesMeta> {
        self.rest.meta(sid, fp, labels)
    }

    fn parts_end(&self, fp: Fp) -> i64 {
        self.rest.parts_end(fp)
    }

    fn in_parts(&self, meta: &SeriesMeta, range: TimeRange, out: &mut Run) {
        let searched = self.found.get(&meta.sid).into_iter().flatten();
        let mut covering = searched.filter(|(r, _)| r.start <= range.start && range.end <= r.end);
        match covering.next() {
            Some((_, run)) => out.extend(&run.columns(), range.slice_of(&run.times)),
            None => self.rest.in_parts(meta, range, out),
        }
    }
}

/// From the first to the last of these times.
fn span(times: &[i64]) -> TimeRange {
    let ends = times.iter().fold((i64::MAX, i64::MIN), |(a, b), t| (a.min(*t), b.max(*t)));
    TimeRange::new(ends.0, ends.1)
}

impl Shared {
    /// Applies the records of one batch. Its samples come under one lock: readers see all of them
    /// or none.
    pub(super) fn apply(&self, committer: &mut Committer, bytes: &[u8]) {
        committer.outcomes.clear();
        let frames: Vec<Frame<'_>> = record::own_frames(bytes).collect();
        let first = frames.iter().position(|f| record::is_samples(*f)).unwrap_or(frames.len());
        let suspect = |day: i64, id: &str| self.suspect(day, id);
        let Committer { scratch, outcomes, bufs, places, .. } = committer;
        let decoded: Vec<Option<Result<()>>> = {
            bufs.resize_with(bufs.len().max(frames.len() - first), Default::default);
            let one =
                |(frame, buf): (&Frame<'_>, &mut record::SampleBuf)| match record::decode(*frame) {
                    Ok(Record::Samples(bytes)) => Some(bytes.decode_into(buf)),
                    _ => None,
                };
            frames[first..].iter().zip(bufs.iter_mut()).map(one).collect()
        };
        let mut found = Found::new();
        let mut searched: Option<Arc<PartSet>> = None;
        for tries in 0.. {
            let mut guard = self.visible.lock();
            let visible = &mut *guard;
            let parts = Arc::clone(&visible.parts);
            let rest = Registered { index: &self.index, parts: &parts, suspect: &suspect };
            if tries == 0 {
                for frame in &frames[..first] {
                    visible.head.apply(*frame, &rest, scratch, outcomes);
                }
            }
            let wanted = match &searched {
                Some(before) if Arc::ptr_eq(before, &parts) => Vec::new(),
                _ if tries >= TRIES => Vec::new(),
                _ => {
                    let there =
                        |r: TimeRange| parts.parts.iter().any(|p| p.entry.range.overlaps(r));
                    let bufs = &bufs[..decoded.len()];
                    visible.head.searches(
                        bufs.iter()
                            .zip(&decoded)
                            .filter_map(|(buf, done)| matches!(done, Some(Ok(()))).then_some(buf)),
                        &there,
                    )
                }
            };
            if wanted.is_empty() {
                let lookup = Prepared { found: &found, rest };
                for (buf, done) in bufs.iter().zip(&decoded) {
                    if let Some(Ok(())) = done {
                        visible.versions.touched(span(&buf.times));
                    }
                }
                for ((frame, buf), done) in frames[first..].iter().zip(bufs).zip(decoded) {
                    match done {
                        Some(Ok(())) => {
                            visible.head.apply_samples(frame.seq, buf, &lookup, scratch, outcomes);
                        }
                        Some(Err(e)) => visible.head.undecodable(frame.seq, &e),
                        None => visible.head.apply(*frame, &lookup, scratch, outcomes),
                    }
                }
                return;
            }
            drop(guard);
            found.clear();
            for (meta, range) in wanted {
                let run = places.samples(&parts, &meta, range, &suspect);
                found.entry(meta.sid).or_default().push((range, run));
            }
            searched = Some(parts);
        }
    }
}
