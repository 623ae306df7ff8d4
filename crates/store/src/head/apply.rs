//! Applying records. Commit and replay both come here with the same records in the same order.
//!
//! The duplicate rule: the first value at a time stays, wherever it is, in any generation of the
//! head or in any part; the same value again is stored without effect. Samples newer than all that
//! is known of their series need no search; others are looked up, parts included. Where a part
//! cannot be read the sample counts as stored, and on reading the older value wins.

use std::collections::VecDeque;
use std::sync::Arc;

use plimsoll_model::{Fp, LabelsRef, Metadata, Run, TimeRange};

use super::stream::Value;
use super::{EXEMPLARS_MAX, Gen, Head, Known, PAGE_SERIES, SeriesMeta};
use crate::codec::varint::Cursor;
use crate::part::SeqRange;
use crate::wal::histogram;
use crate::wal::record::{self, Defs, ExemplarRow, Frame, Record, SampleBuf, Values};

/// Rows whose places are looked at together before they change.
const WARM: usize = 32;

/// What became of one row of a record of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowOutcome {
    /// Samples kept, or there already with the same value.
    pub stored: u32,
    /// Samples left out because another value is at their time.
    pub duplicate: u32,
    /// The time of the first of those.
    pub first_duplicate: Option<i64>,
}

/// What became of the rows of one batch.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// One per row of the records of samples, in their order.
    pub rows: Vec<RowOutcome>,
    /// Exemplars kept, or there already.
    pub exemplars: u64,
}

impl Outcomes {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.exemplars = 0;
    }
}

/// What the head has to ask others: samples in parts, and the shared names of series.
pub trait Lookup {
    /// The shared name of a series, registered when it is new.
    fn meta(&self, sid: u32, fp: Fp, labels: LabelsRef<'_>) -> Arc<SeriesMeta>;
    /// A time after which no part has a sample of this series; `i64::MIN` when there is no part.
    fn parts_end(&self, fp: Fp) -> i64;
    /// Appends the samples of a series in parts, rising in time.
    fn in_parts(&self, meta: &SeriesMeta, range: TimeRange, out: &mut Run);
}

/// Rooms that are kept between records.
#[derive(Default)]
pub(crate) struct ApplyScratch {
    buf: SampleBuf,
    existing: Run,
    more: Run,
    order: Vec<u32>,
}

/// One row of a record.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// The series of this row and the next ones, now and then.
    ahead: Option<&'a [u32]>,
    sid: u32,
    times: &'a [i64],
    /// As many as times, or none.
    starts: &'a [i64],
    values: Values<'a>,
}

impl<'a> Row<'a> {
    fn start(&self, i: usize) -> i64 {
        self.starts.get(i).copied().unwrap_or(0)
    }

    fn value(&self, i: usize) -> Value<'a> {
        match self.values {
            Values::Floats(v) => Value::Float(v[i]),
            Values::Histograms(all, ends) => {
                let from = if i == 0 { ends.0 } else { ends.1[i - 1] };
                Value::Histogram(&all[from as usize..ends.1[i] as usize])
            }
        }
    }
}

impl Head {
    /// Applies one record. For a record of samples one outcome per row is appended to `out`. A
    /// record that cannot be decoded has passed its checksum and is counted as orphaned rows.
    pub(crate) fn apply(
        &mut self,
        frame: Frame<'_>,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
        out: &mut Outcomes,
    ) {
        match record::decode(frame) {
            Ok(Record::Samples(bytes)) => {
                let mut buf = std::mem::take(&mut scratch.buf);
                match bytes.decode_into(&mut buf) {
                    Ok(()) => self.apply_samples(frame.seq, &buf, lookup, scratch, out),
                    Err(e) => self.undecodable(frame.seq, &e),
                }
                scratch.buf = buf;
            }
            Ok(Record::SeriesDef(defs)) => self.define(frame.seq, defs, lookup),
            Ok(Record::Exemplars(rows)) => {
                for row in rows {
                    match row {
                        Ok(row) => out.exemplars += self.exemplar(row),
                        Err(e) => self.undecodable(frame.seq, &e),
                    }
                }
            }
            Ok(Record::Metadata(all) | Record::Checkpoint(all)) => self.describe(all),
            Ok(Record::Swap(generation)) => self.swap(generation, frame.seq + 1),
            Ok(Record::Unknown(kind)) => {
                tracing::warn!(seq = frame.seq, kind, "log record of an unknown type is skipped");
            }
            Err(e) => self.undecodable(frame.seq, &e),
        }
        self.applied = frame.seq;
    }

    /// Takes note of a record that passed its checksum and cannot be decoded.
    pub(crate) fn undecodable(&mut self, seq: u64, e: &crate::Error) {
        self.applied = seq;
        self.orphans += 1;
        tracing::error!(seq, error = %e, "log record cannot be decoded and is skipped");
    }

    fn define(&mut self, seq: u64, defs: Defs<'_>, lookup: &dyn Lookup) {
        let generation = self.current().id as u32;
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
                    let bound = lookup.parts_end(fp);
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

    /// Applies the samples of a record that was decoded already.
    pub(crate) fn apply_samples(
        &mut self,
        seq: u64,
        buf: &SampleBuf,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
        out: &mut Outcomes,
    ) {
        self.applied = seq;
        let mut rows = buf.rows().enumerate().map(|(i, (sid, at))| Row {
            ahead: if i.is_multiple_of(WARM) { buf.sids[i..].chunks(WARM).next() } else { None },
            sid,
            times: &buf.times[at.clone()],
            starts: if buf.starts.is_empty() { &[] } else { &buf.starts[at.clone()] },
            values: buf.values_at(at),
        });
        while let Some(row) = self.append_newer(&mut rows, seq, &mut out.rows) {
            let outcome = self.row_with_search(row, seq, lookup, scratch);
            out.rows.push(outcome);
        }
    }

    /// Which series will have to be searched in which ranges of time when these samples are applied,
    /// of the ranges in which something is `there`.
    pub(crate) fn searches<'a>(
        &self,
        bufs: impl Iterator<Item = &'a SampleBuf>,
        there: &dyn Fn(TimeRange) -> bool,
    ) -> Vec<(Arc<SeriesMeta>, TimeRange)> {
        let mut all = Vec::new();
        for buf in bufs {
            for (sid, at) in buf.rows() {
                let times = &buf.times[at];
                let known = self.known.get(sid as usize).and_then(Option::as_ref);
                let Some(known) = known else { continue };
                if times.first().is_some_and(|t| *t > known.bound)
                    && times.is_sorted_by(|a, b| a < b)
                {
                    continue;
                }
                let bounds = times.iter().min().zip(times.iter().max());
                let range = bounds.map(|(from, to)| TimeRange::new(*from, *to));
                if let Some(range) = range.filter(|r| r.start <= known.bound && there(*r)) {
                    all.push((Arc::clone(&known.meta), range));
                }
            }
        }
        all
    }

    /// Appends rows as long as they are newer than all that is known of their series. Returns the
    /// first one that is not.
    fn append_newer<'a>(
        &mut self,
        rows: &mut impl Iterator<Item = Row<'a>>,
        seq: u64,
        out: &mut Vec<RowOutcome>,
    ) -> Option<Row<'a>> {
        let Self { gens, known, orphans, .. } = self;
        let current = current_mut(gens);
        let generation = current.id as u32;
        let pages = Arc::make_mut(&mut current.pages);
        let (mut samples, mut bytes, mut series) = (0, 0i64, 0);
        let mut range = current.range;
        let mut page_at = usize::MAX;
        let (mut none, mut none_again) = (Vec::new(), Vec::new());
        let mut page: &mut super::Page = &mut none;
        let mut rest = None;
        for row in rows {
            if let Some(sids) = row.ahead {
                (page_at, page) = (usize::MAX, &mut none_again);
                warm(pages, known, sids);
            }
            let at = row.sid as usize;
            let found = known.get_mut(at).and_then(Option::as_mut);
            let Some(k) = found.filter(|k| k.defined == generation) else {
                *orphans += 1;
                out.push(RowOutcome::default());
                continue;
            };
            let (Some(&first), Some(&last)) = (row.times.first(), row.times.last()) else {
                out.push(RowOutcome::default());
                continue;
            };
            k.used = generation;
            if first <= k.bound || !row.times.is_sorted_by(|a, b| a < b) {
                rest = Some(row);
                break;
            }
            k.bound = last;
            if page_at != at / PAGE_SERIES {
                page_at = at / PAGE_SERIES;
                page = Gen::page(pages, page_at);
            }
            let slot = Gen::slot_in(page, at % PAGE_SERIES, &k.meta, &mut series);
            let before = slot.bytes();
            slot.stamp(seq);
            match row.values {
                Values::Floats(values) if row.starts.is_empty() => {
                    for (&t, &v) in row.times.iter().zip(values) {
                        slot.insert(t, Value::Float(v), 0);
                    }
                }
                _ => {
                    for (i, &t) in row.times.iter().enumerate() {
                        slot.insert(t, row.value(i), row.start(i));
                    }
                }
            }
            bytes += slot.bytes() as i64 - before as i64;
            samples += row.times.len() as u64;
            range = range.union(TimeRange::new(first, last));
            out.push(RowOutcome { stored: row.times.len() as u32, ..RowOutcome::default() });
        }
        if samples > 0 {
            current.range = range;
            current.count(seq, samples, bytes, series);
        }
        rest
    }

    /// A row with times that may be there already: they are looked up once, together. The samples
    /// are taken in the order of their times; of two with the same time the first counts.
    fn row_with_search(
        &mut self,
        row: Row<'_>,
        seq: u64,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
    ) -> RowOutcome {
        let mut outcome = RowOutcome::default();
        let Some(Some(known)) = self.known.get(row.sid as usize) else { return outcome };
        let (meta, mut bound) = (Arc::clone(&known.meta), known.bound);
        let mut order = std::mem::take(&mut scratch.order);
        order.clear();
        order.extend(0..row.times.len() as u32);
        order.sort_by_key(|i| row.times[*i as usize]);
        let (from, to) = (order[0], order[order.len() - 1]);
        let range = TimeRange::new(row.times[from as usize], row.times[to as usize].min(bound));
        self.find_existing(&meta, range, lookup, scratch);
        let existing = &scratch.existing;
        let current = current_mut(&mut self.gens);
        let (mut kept, mut series) = (Vec::with_capacity(row.times.len()), 0);
        let mut at = 0;
        for &i in &order {
            let (i, t) = (i as usize, row.times[i as usize]);
            at += existing.times[at..].partition_point(|e| *e < t);
            let there = if existing.times.get(at) == Some(&t) {
                Some(same(existing, at, row.value(i)))
            } else {
                let before = kept.last().filter(|b: &&usize| row.times[**b] == t);
                before.map(|b| row.value(*b).same(row.value(i)))
            };
            match there {
                Some(true) => outcome.stored += 1,
                Some(false) => {
                    outcome.duplicate += 1;
                    outcome.first_duplicate.get_or_insert(t);
                }
                None => {
                    outcome.stored += 1;
                    bound = bound.max(t);
                    kept.push(i);
                }
            }
        }
        if let (Some(&first), Some(&last)) = (kept.first(), kept.last()) {
            let at = row.sid as usize;
            let page = Gen::page(Arc::make_mut(&mut current.pages), at / PAGE_SERIES);
            let slot = Gen::slot_in(page, at % PAGE_SERIES, &meta, &mut series);
            let before = slot.bytes();
            slot.stamp(seq);
            for &i in &kept {
                slot.insert(row.times[i], row.value(i), row.start(i));
            }
            let bytes = slot.bytes() as i64 - before as i64;
            let range = TimeRange::new(row.times[first], row.times[last]);
            current.range = current.range.union(range);
            current.count(seq, kept.len() as u64, bytes, series);
        }
        if let Some(Some(known)) = self.known.get_mut(row.sid as usize) {
            known.bound = bound;
        }
        scratch.order = order;
        outcome
    }

    fn find_existing(
        &self,
        meta: &SeriesMeta,
        range: TimeRange,
        lookup: &dyn Lookup,
        scratch: &mut ApplyScratch,
    ) {
        let ApplyScratch { existing, more, .. } = scratch;
        existing.clear();
        if range.is_empty() {
            return;
        }
        lookup.in_parts(meta, range, existing);
        for slot in self.gens.iter().filter_map(|g| g.slot(meta.sid)) {
            more.clear();
            // A slot decodes what it coded itself.
            if let Err(e) = slot.read(range, more) {
                tracing::error!(series = %meta.labels, error = %e, "head cannot be read");
            }
            existing.join(&more.columns());
        }
    }

    /// Keeps an exemplar. Those of series that have no sample in this generation are left out.
    fn exemplar(&mut self, row: ExemplarRow) -> u64 {
        let current = current_mut(&mut self.gens);
        let generation = current.id as u32;
        let at = row.sid as usize;
        let found = self.known.get(at).and_then(Option::as_ref);
        if found.is_none_or(|k| k.defined != generation) || current.slot(row.sid).is_none() {
            self.orphans += u64::from(found.is_none());
            return 0;
        }
        let Some(known) = found else { return 0 };
        let page = Gen::page(Arc::make_mut(&mut current.pages), at / PAGE_SERIES);
        let slot = Gen::slot_in(page, at % PAGE_SERIES, &known.meta, &mut 0);
        if self.exemplars >= self.exemplars_max && slot.exemplars().len() < EXEMPLARS_MAX {
            return 0;
        }
        let before = slot.bytes();
        let more = slot.insert_exemplar(row.exemplar);
        let bytes = slot.bytes() as i64 - before as i64;
        current.bytes = current.bytes.saturating_add_signed(bytes);
        current.exemplars += more;
        self.exemplars += more;
        1
    }
}

/// Looks at what the next rows will change, so that their cache misses overlap: the append itself
/// waits for each.
fn warm(pages: &[Arc<super::Page>], known: &[Option<Known>], sids: &[u32]) {
    let seen = sids.iter().fold(0i64, |sum, sid| {
        let at = *sid as usize;
        let bound = known.get(at).and_then(Option::as_ref).map_or(0, |k| k.bound);
        let page = pages.get(at / PAGE_SERIES);
        let slot = page.and_then(|p| p.get(at % PAGE_SERIES)).and_then(Option::as_ref);
        sum ^ bound ^ slot.map_or(0, |s| s.last().0 ^ s.range().start)
    });
    std::hint::black_box(seen);
}

/// The generation that is written: there always is one.
fn current_mut(gens: &mut VecDeque<Gen>) -> &mut Gen {
    let last = gens.len() - 1;
    &mut gens[last]
}

impl Gen {
    fn count(&mut self, seq: u64, samples: u64, bytes: i64, series: u64) {
        self.samples += samples;
        self.series += series;
        self.bytes = self.bytes.saturating_add_signed(bytes) + series * super::SLOT_BYTES;
        let one = SeqRange::new(seq, seq);
        self.seq = Some(self.seq.map_or(one, |s| s.union(one)));
    }
}

/// Whether sample `i` of a run has this value, bit by bit.
fn same(run: &Run, i: usize, value: Value<'_>) -> bool {
    match (value, run.histogram(i)) {
        (Value::Float(v), None) => v.to_bits() == run.floats[i].to_bits(),
        (Value::Histogram(bytes), Some(h)) => {
            histogram::decode(&mut Cursor::new(bytes)).is_ok_and(|d| d.same(h))
        }
        _ => false,
    }
}

impl Value<'_> {
    fn same(self, other: Value<'_>) -> bool {
        match (self, other) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Histogram(a), Value::Histogram(b)) => a == b,
            _ => false,
        }
    }
}
