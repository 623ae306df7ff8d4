//! Applying records. Commit and replay both come here with the same records in the same order.
//!
//! The duplicate rule: the first value at a time stays, wherever it is, in any generation of the
//! head or in any part; the same value again is stored without effect. Samples newer than all that
//! is known of their series need no search; others are looked up, parts included. Where a part
//! cannot be read the sample counts as stored, and on reading the older value wins.

use std::sync::Arc;

use plimsoll_model::{Fp, LabelsRef, Metadata, Run, TimeRange};

use super::{Gen, Head, Known, SeriesMeta};
use crate::part::SeqRange;
use crate::wal::record::{self, Defs, Frame, Record, SampleBuf};

/// What became of one row of a Samples record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowOutcome {
    /// Samples kept, or there already with the same value.
    pub stored: u32,
    /// Samples left out because another value is at their time.
    pub duplicate: u32,
    /// The time of the first of those.
    pub first_duplicate: Option<i64>,
}

/// What the head has to ask others: samples in parts, and the shared names of series.
pub trait Lookup {
    /// The shared name of a series, registered when it is new.
    fn meta(&self, sid: u32, fp: Fp, labels: LabelsRef<'_>) -> Arc<SeriesMeta>;
    /// The latest time in any part; `i64::MIN` when there is none.
    fn parts_end(&self) -> i64;
    /// Appends the samples of a series in parts, rising in time.
    fn in_parts(&self, meta: &SeriesMeta, range: TimeRange, out: &mut Run);
}

/// Rooms that are kept between records.
#[derive(Default)]
pub(crate) struct ApplyScratch {
    buf: SampleBuf,
    existing: Vec<(i64, u64)>,
    run: Run,
}

impl Head {
    /// Applies one record. For a Samples record one outcome per row is appended to `out`. A record
    /// that cannot be decoded has passed its checksum and is counted as orphaned rows.
    pub(crate) fn apply(
        &mut self,
        frame: Frame<'_>,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
        out: &mut Vec<RowOutcome>,
    ) {
        self.applied = frame.seq;
        match record::decode(frame) {
            Ok(Record::Samples(bytes)) => {
                let mut buf = std::mem::take(&mut scratch.buf);
                match bytes.decode_into(&mut buf) {
                    Ok(()) => self.samples(frame.seq, &buf, lookup, scratch, out),
                    Err(e) => self.undecodable(frame.seq, &e),
                }
                scratch.buf = buf;
            }
            Ok(Record::SeriesDef(defs)) => self.define(frame.seq, defs, lookup),
            Ok(Record::Metadata(all) | Record::Checkpoint(all)) => self.describe(all),
            Ok(Record::Swap(generation)) => self.swap(generation, frame.seq + 1),
            Ok(Record::Unknown(kind)) => {
                tracing::warn!(seq = frame.seq, kind, "log record of an unknown type is skipped");
            }
            Err(e) => self.undecodable(frame.seq, &e),
        }
    }

    fn undecodable(&mut self, seq: u64, e: &crate::Error) {
        self.orphans += 1;
        tracing::error!(seq, error = %e, "log record cannot be decoded and is skipped");
    }

    fn define(&mut self, seq: u64, defs: Defs<'_>, lookup: &dyn Lookup) {
        let generation = self.current().id;
        for def in defs {
            let (sid, fp, labels) = match def {
                Ok(def) => def,
                Err(e) => return self.undecodable(seq, &e),
            };
            let at = sid as usize;
            if self.known.len() <= at {
                self.known.resize(at + 1, None);
            }
            match &mut self.known[at] {
                Some(known) if known.meta.fp == fp => known.defined = generation,
                place => {
                    let meta = lookup.meta(sid, fp, labels);
                    let bound = lookup.parts_end();
                    *place = Some(Known { meta, bound, defined: generation, used: 0 });
                }
            }
        }
    }

    fn describe(&mut self, all: Vec<Metadata>) {
        let table = Arc::make_mut(&mut self.metadata);
        for m in all {
            if table.len() < self.metadata_max || table.contains_key(&m.metric) {
                table.insert(m.metric.clone(), m);
            }
        }
    }

    fn swap(&mut self, generation: u64, next_seq: u64) {
        let last = self.gens.len() - 1;
        self.gens[last].ended = Some(next_seq);
        self.gens.push_back(Gen::new(generation + 1));
    }

    fn samples(
        &mut self,
        seq: u64,
        buf: &SampleBuf,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
        out: &mut Vec<RowOutcome>,
    ) {
        let mut at = 0;
        for (sid, count) in buf.sids.iter().zip(&buf.counts) {
            let rows = at..at + *count as usize;
            at = rows.end;
            let (times, values) = (&buf.times[rows.clone()], &buf.values[rows]);
            out.push(self.row(*sid, seq, times, values, lookup, scratch));
        }
    }

    fn row(
        &mut self,
        sid: u32,
        seq: u64,
        times: &[i64],
        values: &[f64],
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
    ) -> RowOutcome {
        let generation = self.current().id;
        let Some(Some(known)) = self.known.get_mut(sid as usize) else {
            self.orphans += 1;
            return RowOutcome::default();
        };
        if known.defined != generation {
            self.orphans += 1;
            return RowOutcome::default();
        }
        known.used = generation;
        if times.iter().is_sorted_by(|a, b| a < b)
            && times.first().is_some_and(|t| *t > known.bound)
        {
            known.bound = times[times.len() - 1];
            let meta = Arc::clone(&known.meta);
            self.append(&meta, seq, times.iter().copied().zip(values.iter().copied()));
            return RowOutcome { stored: times.len() as u32, ..RowOutcome::default() };
        }
        self.row_with_search(sid, seq, times, values, lookup, scratch)
    }

    fn append(
        &mut self,
        meta: &Arc<SeriesMeta>,
        seq: u64,
        samples: impl Iterator<Item = (i64, f64)>,
    ) {
        let last = self.gens.len() - 1;
        let current = &mut self.gens[last];
        let slot = current.slot_mut(meta);
        let (mut bytes, mut n) = (0, 0);
        for (t, v) in samples {
            bytes += slot.insert(t, v, seq);
            n += 1;
        }
        let range = slot.range;
        current.bytes = current.bytes.saturating_add_signed(bytes);
        current.samples += n;
        current.range = current.range.union(range);
        let one = SeqRange::new(seq, seq);
        current.seq = Some(current.seq.map_or(one, |s| s.union(one)));
    }

    /// A row with times that may be there already: they are looked up once, together.
    fn row_with_search(
        &mut self,
        sid: u32,
        seq: u64,
        times: &[i64],
        values: &[f64],
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
    ) -> RowOutcome {
        let mut outcome = RowOutcome::default();
        let Some(Some(known)) = self.known.get(sid as usize) else { return outcome };
        let (meta, mut bound) = (Arc::clone(&known.meta), known.bound);
        let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else {
            return outcome;
        };
        self.find_existing(&meta, TimeRange::new(*from, (*to).min(bound)), lookup, scratch);
        for (&t, &v) in times.iter().zip(values) {
            let bits = v.to_bits();
            match scratch.existing.binary_search_by_key(&t, |s| s.0) {
                Ok(i) if scratch.existing[i].1 == bits => outcome.stored += 1,
                Ok(_) => {
                    outcome.duplicate += 1;
                    outcome.first_duplicate.get_or_insert(t);
                }
                Err(i) => {
                    scratch.existing.insert(i, (t, bits));
                    outcome.stored += 1;
                    bound = bound.max(t);
                    self.append(&meta, seq, std::iter::once((t, v)));
                }
            }
        }
        if let Some(Some(known)) = self.known.get_mut(sid as usize) {
            known.bound = bound;
        }
        outcome
    }

    fn find_existing(
        &self,
        meta: &SeriesMeta,
        range: TimeRange,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
    ) {
        let ApplyScratch { existing, run, .. } = scratch;
        run.clear();
        existing.clear();
        if range.is_empty() {
            return;
        }
        lookup.in_parts(meta, range, run);
        for slot in self.gens.iter().filter_map(|g| g.slot(meta.sid)) {
            // A slot decodes what it coded itself.
            if let Err(e) = slot.read(range, run) {
                tracing::error!(series = %meta.labels, error = %e, "head cannot be read");
            }
        }
        existing.extend(run.times.iter().zip(&run.floats).map(|(t, v)| (*t, v.to_bits())));
        // Stable: of two with the same time the one of the older source comes first and stays.
        existing.sort_by_key(|s| s.0);
        existing.dedup_by_key(|s| s.0);
    }
}
