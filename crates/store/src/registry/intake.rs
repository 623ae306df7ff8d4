//! From a batch to log records: who each row is, whether it is let in, and what is written.
//!
//! What is refused here is never logged: bad labels, columns of unequal length, times out of
//! bounds, new series above the limit. Duplicates are judged later, when the record is applied.
//! Invariant: within a generation every series is defined in the log before its first sample.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use parking_lot::RwLock;
use plimsoll_model::{
    Batch, Fp, LabelBuf, LabelsRef, Metadata, Reason, RowVerdict, Rows, SourceId,
};

use super::limits::{LimitStatus, Limiter, SeriesLimits};
use super::wire::{self, WireCache};
use super::{Backfill, Index};
use crate::head::{EXEMPLARS_MAX, SeriesMeta};
use crate::wal::record::{self, SampleBuf};

/// Bytes of definitions in one record, about.
const DEFS_BYTES: usize = 1 << 20;
/// Bytes of histograms in one record, about.
const HISTOGRAM_BYTES: usize = 8 << 20;

/// In place of the generation that defined a series: it is forgotten.
const FORGOTTEN: u32 = u32::MAX - 1;

/// What is let in at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Oldest time, ms.
    pub oldest: i64,
    /// Newest time, ms.
    pub newest: i64,
    /// Of new series.
    pub series: SeriesLimits,
    /// Now, wall clock in ms.
    pub now: i64,
    /// Metrics with metadata.
    pub max_metadata: usize,
    /// Whether native histograms, start timestamps and exemplars are let in.
    pub histograms: bool,
}

/// A batch as it goes to the log.
#[derive(Debug, Default)]
pub struct Encoded {
    /// Records, not numbered yet.
    pub bytes: Vec<u8>,
    /// For each row of the records of samples the row of the batch.
    pub rows: Vec<u32>,
    /// How many of those rows, from the end, hold histograms.
    pub histogram_rows: usize,
    /// Verdicts so far: what was refused here.
    pub verdicts: Vec<RowVerdict>,
}

/// The writers' side of the registry.
pub struct Intake {
    index: Arc<RwLock<Index>>,
    by_fp: HashTable<u32>,
    fps: Vec<Fp>,
    /// The generation that defined each (its lower half).
    defined: Vec<u32>,
    free: Vec<u32>,
    forgotten: Vec<u32>,
    series: usize,
    generation: u64,
    wire: WireCache,
    limiter: Limiter,
    /// Samples of the current generation that are for days long past.
    pub backfill: Backfill,
    metadata: HashMap<Box<str>, u64>,
    hasher: xxhash_rust::xxh3::Xxh3DefaultBuilder,
    labels: LabelBuf,
    samples: SampleBuf,
    histograms: Vec<SampleBuf>,
    histogram_rows: Vec<u32>,
    exemplars: Vec<(u32, u32)>,
    fresh: Vec<u32>,
}

impl Intake {
    /// The registry of a store that was opened: `known` are its series and the generation that
    /// defined each last.
    pub fn new<'k>(
        index: Arc<RwLock<Index>>,
        known: impl Iterator<Item = (&'k Arc<SeriesMeta>, u32)>,
        generation: u64,
    ) -> Self {
        let mut intake = Self {
            index,
            by_fp: HashTable::new(),
            fps: Vec::new(),
            defined: Vec::new(),
            free: Vec::new(),
            forgotten: Vec::new(),
            series: 0,
            generation,
            wire: WireCache::default(),
            limiter: Limiter::default(),
            backfill: Backfill::default(),
            metadata: HashMap::new(),
            hasher: xxhash_rust::xxh3::Xxh3DefaultBuilder::new(),
            labels: LabelBuf::new(),
            samples: SampleBuf::default(),
            histograms: Vec::new(),
            histogram_rows: Vec::new(),
            exemplars: Vec::new(),
            fresh: Vec::new(),
        };
        let before = SourceId::new("before the last start");
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(meta, _)| meta.sid);
        for (meta, defined) in known {
            intake.free.extend(intake.fps.len() as u32..meta.sid);
            intake.grow_to(meta.sid);
            intake.place(meta.sid, meta.fp);
            intake.limiter.add(meta.sid, meta.labels.as_ref(), &before);
            intake.defined[meta.sid as usize] = defined;
        }
        intake
    }

    /// Begins the next generation, in which every series has to be defined again. Returns the
    /// number of the one that ends.
    pub fn next_generation(&mut self) -> u64 {
        self.backfill.clear();
        self.generation += 1;
        self.generation - 1
    }

    /// Forgets series, which the index still has. Their numbers may be given to others after
    /// [`Intake::give_back`].
    pub fn forget(&mut self, sids: &[u32]) {
        let index = Arc::clone(&self.index);
        let index = index.read();
        for &sid in sids {
            let fp = self.fps[sid as usize];
            let fps = &self.fps;
            let hit = |i: &u32| *i == sid && fps[*i as usize] == fp;
            if let Ok(found) = self.by_fp.find_entry(fp.0 as u64, hit) {
                found.remove();
                self.series -= 1;
                self.forgotten.push(sid);
                self.defined[sid as usize] = FORGOTTEN;
                if let Some(meta) = index.meta(sid) {
                    self.limiter.remove(sid, meta.labels.as_ref());
                }
            }
        }
    }

    /// Makes the numbers of forgotten series free, and gives back the memory of all tables.
    pub fn give_back(&mut self) {
        // It may still mean forgotten series.
        self.wire.clear();
        self.free.append(&mut self.forgotten);
        // The lowest free number is given away first, so that the tables can end early.
        self.free.sort_unstable_by_key(|sid| std::cmp::Reverse(*sid));
        let gone = self.free.iter().enumerate();
        let gone = gone.take_while(|(i, sid)| **sid as usize + i + 1 == self.fps.len()).count();
        self.free.drain(..gone);
        self.forgotten = Vec::new();
        self.fps.truncate(self.fps.len() - gone);
        self.defined.truncate(self.fps.len());
        // Half empty: what is copied then is little beside what is given back.
        if self.fps.capacity() > 2 * self.fps.len() + 1024 {
            self.free.shrink_to_fit();
            self.fps.shrink_to_fit();
            self.defined.shrink_to_fit();
        }
        if self.by_fp.capacity() > 4 * self.series + 1024 {
            let fps = &self.fps;
            self.by_fp.shrink_to(2 * self.series, |i| fps[*i as usize].0 as u64);
        }
        self.limiter.shrink(self.fps.len());
    }

    /// How near the limits are.
    pub fn limits(&self, limits: SeriesLimits, now: i64) -> Vec<LimitStatus> {
        self.limiter.status(self.series, limits, now)
    }

    /// The sources with the most series, and the metrics of which most new series were refused.
    pub fn top(&self, n: usize) -> [Vec<(String, u64)>; 2] {
        [self.limiter.top_sources(n), self.limiter.top_refused(n)]
    }

    /// Whether nothing of a series was encoded since generation `since` began.
    pub fn is_idle(&self, sid: u32, since: u64) -> bool {
        self.defined.get(sid as usize).is_some_and(|g| *g < since as u32)
    }

    /// Turns a batch into records.
    pub fn encode(&mut self, batch: &Batch<'_>, limits: Limits) -> Encoded {
        let mut out =
            Encoded { verdicts: Vec::with_capacity(batch.rows.len()), ..Encoded::default() };
        self.samples.clear();
        self.histograms.clear();
        self.histogram_rows.clear();
        self.exemplars.clear();
        self.fresh.clear();
        let salt = batch.decode.salt();
        for (i, row) in batch.rows.iter().enumerate() {
            let verdict = self.row(batch, salt, i as u32, row, limits, &mut out.rows);
            out.verdicts.push(verdict);
        }
        self.put_defs(&mut out.bytes);
        self.put_metadata(batch.metadata, limits.max_metadata, &mut out.bytes);
        if !self.samples.sids.is_empty() {
            self.samples.encode(&mut out.bytes);
        }
        for buf in &self.histograms {
            buf.encode(&mut out.bytes);
        }
        out.histogram_rows = self.histogram_rows.len();
        out.rows.extend_from_slice(&self.histogram_rows);
        self.put_exemplars(batch.rows, &mut out.bytes);
        out
    }

    /// The verdict so far. Where something of the row is in a record of floats its number is
    /// appended to `rows`.
    fn row(
        &mut self,
        batch: &Batch<'_>,
        salt: u64,
        i: u32,
        row: &Rows<'_>,
        limits: Limits,
        rows: &mut Vec<u32>,
    ) -> RowVerdict {
        if let Err(reason) = check_shape(row, limits) {
            return refuse_row(row, reason);
        }
        if row.times.is_empty() {
            if !row.exemplars.is_empty() && limits.histograms {
                self.exemplars_alone(batch, salt, i, row);
            }
            return RowVerdict::default();
        }
        let inside = |t: &i64| limits.oldest <= *t && *t <= limits.newest;
        let kept = row.times.iter().filter(|t| inside(t)).count();
        if kept == 0 {
            return refuse_row(row, out_of_bounds(row.times[0], limits));
        }
        let sid = match self.resolve(batch, salt, row, limits) {
            Ok(sid) => sid,
            Err(reason) => return refuse_row(row, reason),
        };
        if self.defined[sid as usize] != self.generation as u32 {
            self.defined[sid as usize] = self.generation as u32;
            self.fresh.push(sid);
        }
        if !row.exemplars.is_empty() && limits.histograms {
            self.exemplars.push((sid, i));
        }
        if row.histograms.is_empty() {
            rows.push(i);
        } else {
            self.histogram_rows.push(i);
        }
        if kept == row.times.len() {
            self.push(sid, row, limits);
            return RowVerdict::default();
        }
        self.push_inside(sid, row, limits)
    }

    fn push(&mut self, sid: u32, row: &Rows<'_>, limits: Limits) {
        let starts = if limits.histograms { row.starts } else { &[] };
        if row.histograms.is_empty() {
            return self.samples.push(sid, row.times, starts, row.floats);
        }
        let full = |b: &SampleBuf| b.histogram_bytes() > HISTOGRAM_BYTES;
        if self.histograms.last().is_none_or(full) {
            self.histograms.push(SampleBuf::default());
        }
        if let Some(buf) = self.histograms.last_mut() {
            buf.push_histograms(sid, row.times, starts, row.histograms);
        }
    }

    /// A row of which some times are out of bounds.
    fn push_inside(&mut self, sid: u32, row: &Rows<'_>, limits: Limits) -> RowVerdict {
        let mut verdict = RowVerdict::default();
        let mut kept = Vec::new();
        for (i, &t) in row.times.iter().enumerate() {
            if limits.oldest <= t && t <= limits.newest {
                kept.push(i);
            } else {
                verdict.refused += 1;
                verdict.reason.get_or_insert_with(|| out_of_bounds(t, limits));
            }
        }
        let times: Vec<_> = kept.iter().map(|i| row.times[*i]).collect();
        let starts: Vec<_> = kept.iter().filter_map(|i| row.starts.get(*i).copied()).collect();
        let floats: Vec<_> = kept.iter().filter_map(|i| row.floats.get(*i).copied()).collect();
        let histograms: Vec<_> =
            kept.iter().filter_map(|i| row.histograms.get(*i).cloned()).collect();
        let some = Rows {
            times: &times,
            starts: &starts,
            floats: &floats,
            histograms: &histograms,
            ..*row
        };
        self.push(sid, &some, limits);
        verdict
    }

    /// Exemplars without samples are kept for series that are known and live.
    fn exemplars_alone(&mut self, batch: &Batch<'_>, salt: u64, i: u32, row: &Rows<'_>) {
        let known = row.fp.and_then(|fp| self.find(fp));
        let known = known.or_else(|| self.wire.get(wire::key(salt, row.raw)));
        let known = known.or_else(|| {
            batch.decode.decode(row.raw, &mut self.labels).ok()?;
            self.find(self.labels.as_ref().fp())
        });
        let live = |sid: &u32| self.defined[*sid as usize] == self.generation as u32;
        if let Some(sid) = known.filter(live) {
            self.exemplars.push((sid, i));
        }
    }

    fn put_exemplars(&self, rows: &[Rows<'_>], out: &mut Vec<u8>) {
        let all = self.exemplars.iter().flat_map(|(sid, i)| {
            let row = &rows[*i as usize];
            // More than a series keeps would only be overwritten.
            let from = row.exemplars.len().saturating_sub(EXEMPLARS_MAX);
            row.exemplars[from..].iter().map(move |e| (*sid, e))
        });
        let all: Vec<_> = all.collect();
        for some in all.chunks(1024) {
            record::put_exemplars(out, some);
        }
    }

    fn resolve(
        &mut self,
        batch: &Batch<'_>,
        salt: u64,
        row: &Rows<'_>,
        limits: Limits,
    ) -> Result<u32, Reason> {
        if let Some(sid) = row.fp.and_then(|fp| self.find(fp)) {
            return Ok(sid);
        }
        let key = wire::key(salt, row.raw);
        let known = self.wire.get(key).filter(|sid| self.defined[*sid as usize] != FORGOTTEN);
        if let Some(sid) = known {
            return Ok(sid);
        }
        let mut labels = std::mem::take(&mut self.labels);
        let decoded = batch.decode.decode(row.raw, &mut labels);
        let sid = match decoded {
            Ok(()) => self.sid_of(labels.as_ref(), batch.source, limits),
            Err(e) => Err(Reason::Labels(e.to_string())),
        };
        self.labels = labels;
        let sid = sid?;
        self.wire.put(key, sid, self.series);
        Ok(sid)
    }

    fn find(&self, fp: Fp) -> Option<u32> {
        self.by_fp.find(fp.0 as u64, |i| self.fps[*i as usize] == fp).copied()
    }

    fn sid_of(
        &mut self,
        labels: LabelsRef<'_>,
        source: &SourceId,
        limits: Limits,
    ) -> Result<u32, Reason> {
        let labels =
            LabelsRef::checked(labels.as_bytes()).map_err(|e| Reason::Labels(e.to_string()))?;
        if labels.is_empty() {
            return Err(Reason::Labels("a series needs at least one label".to_owned()));
        }
        let fp = labels.fp();
        if let Some(sid) = self.find(fp) {
            let index = self.index.read();
            let same = index.meta(sid).is_none_or(|m| m.labels.as_ref() == labels);
            return if same { Ok(sid) } else { Err(Reason::Labels(collision(labels))) };
        }
        let (series, now) = (self.series, limits.now);
        self.limiter.admit(labels, source, &self.index.read(), series, limits.series, now)?;
        let sid = self.free.pop().unwrap_or(self.fps.len() as u32);
        self.grow_to(sid);
        self.place(sid, fp);
        self.limiter.add(sid, labels, source);
        let meta = SeriesMeta { sid, fp, labels: labels.to_labels() };
        self.index.write().insert(Arc::new(meta));
        Ok(sid)
    }

    fn grow_to(&mut self, sid: u32) {
        if self.fps.len() <= sid as usize {
            self.fps.resize(sid as usize + 1, Fp(0));
            self.defined.resize(sid as usize + 1, u32::MAX);
        }
    }

    fn place(&mut self, sid: u32, fp: Fp) {
        self.fps[sid as usize] = fp;
        self.defined[sid as usize] = u32::MAX;
        let fps = &self.fps;
        self.by_fp.insert_unique(fp.0 as u64, sid, |i| fps[*i as usize].0 as u64);
        self.series += 1;
    }

    fn put_defs(&mut self, out: &mut Vec<u8>) {
        if self.fresh.is_empty() {
            return;
        }
        let index = self.index.read();
        let (mut defs, mut bytes) = (Vec::new(), 0);
        for sid in &self.fresh {
            let Some(meta) = index.meta(*sid) else { continue };
            bytes += meta.labels.as_ref().as_bytes().len();
            defs.push((*sid, meta.labels.as_ref()));
            if bytes > DEFS_BYTES {
                record::put_defs(out, &defs);
                defs.clear();
                bytes = 0;
            }
        }
        if !defs.is_empty() {
            record::put_defs(out, &defs);
        }
    }

    fn put_metadata(&mut self, all: &[Metadata], max: usize, out: &mut Vec<u8>) {
        let mut changed: Vec<&Metadata> = Vec::new();
        for m in all.iter().filter(|m| record::fits(m)) {
            let hash = self.hasher.hash_one((&m.metric, &m.unit, &m.help, m.kind));
            let full = self.metadata.len() >= max;
            match self.metadata.get_mut(m.metric.as_str()) {
                Some(known) if *known == hash => continue,
                Some(known) => *known = hash,
                None if full => continue,
                None => drop(self.metadata.insert(m.metric.as_str().into(), hash)),
            }
            changed.push(m);
        }
        for some in changed.chunks(1024) {
            record::put_metadata(out, some.iter().copied());
        }
    }
}

/// Whether the columns of a row fit each other and its histograms are whole.
fn check_shape(row: &Rows<'_>, limits: Limits) -> Result<(), Reason> {
    if !row.has_shape() && !row.times.is_empty() {
        let (t, v) = (row.times.len(), row.floats.len() + row.histograms.len());
        let why = if row.starts.is_empty() || row.starts.len() == t {
            format!("{t} times and {v} values; send as many of each")
        } else {
            format!("{t} times and {} start timestamps; send as many of each", row.starts.len())
        };
        return Err(Reason::Shape(why));
    }
    if !row.histograms.is_empty() && !limits.histograms {
        let why = "native histograms are not stored yet; send classic histograms";
        return Err(Reason::Shape(why.to_owned()));
    }
    row.histograms.iter().try_for_each(|h| h.check().map_err(|e| Reason::Shape(e.to_string())))
}

fn refuse_row(row: &Rows<'_>, reason: Reason) -> RowVerdict {
    let refused = u32::try_from(row.times.len()).unwrap_or(u32::MAX);
    RowVerdict { refused, reason: Some(reason), ..RowVerdict::default() }
}

fn out_of_bounds(t: i64, limits: Limits) -> Reason {
    if t < limits.oldest {
        Reason::TooOld { oldest: limits.oldest }
    } else {
        Reason::TooNew { newest: limits.newest }
    }
}

fn collision(labels: LabelsRef<'_>) -> String {
    format!("{labels} has the 128-bit fingerprint of another series; change a label")
}
