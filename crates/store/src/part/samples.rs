//! Reads samples of a part: chunks decoded page by page, only where the range asks.

use std::ops::Range;
use std::sync::Arc;

use plimsoll_model::{Histogram, Last, Run, TimeRange};

use super::layout::SeriesInfo;
use super::reader::{Column, Near, PartReader};
use super::series::{ChunkKind, ChunkRef, Entry, Starts};
use crate::cache::{Cached, Key, What};
use crate::codec::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES, histograms, times, values};
use crate::{Error, Result};

/// Pages of a chunk at most, for the numbers of cached pages.
const CHUNK_PAGES_MAX: u64 = CHUNK_SAMPLES_MAX.div_ceil(PAGE_SAMPLES) as u64;

impl PartReader {
    /// What is known of a series without decoding it.
    ///
    /// # Errors
    /// As [`PartReader::labels`].
    pub fn series_info(&self, ordinal: u32) -> Result<SeriesInfo> {
        let (block, i) = self.block_of(ordinal)?;
        let entry = block.entry(i);
        let mut range = TimeRange { start: i64::MAX, end: i64::MIN };
        for c in &entry.chunks {
            range = range.union(self.column_of(c)?.range);
        }
        let samples = entry.chunks.iter().map(|c| u64::from(c.n)).sum();
        Ok(SeriesInfo { range, samples, seq: entry.seq, stats: entry.stats })
    }

    /// Appends the samples of a series within `range`, decoding only the pages that hold them.
    ///
    /// # Errors
    /// `Corrupt`, `Io`, `Invalid`; the columns are then as before.
    pub fn read(&self, ordinal: u32, range: TimeRange, out: &mut Run) -> Result<()> {
        let before = out.len();
        let done = self.read_near(&mut Near::default(), ordinal, range, out);
        if done.is_err() {
            out.truncate(before);
        }
        done.map_err(|e| self.named(e))
    }

    pub(super) fn read_near(
        &self,
        near: &mut Near,
        ordinal: u32,
        range: TimeRange,
        out: &mut Run,
    ) -> Result<()> {
        let (block, i) = self.block_of(ordinal)?;
        self.read_entry(near, block.entry(i), range, out)
    }

    /// As [`PartReader::read`], for who has the entry; after an error the columns may have grown.
    pub(super) fn read_entry(
        &self,
        near: &mut Near,
        entry: &Entry,
        range: TimeRange,
        out: &mut Run,
    ) -> Result<()> {
        let mut before = None;
        for chunk in &entry.chunks {
            let column = self.column_of(chunk)?;
            if before.is_some_and(|end| end >= column.range.start) {
                return Err(Error::corrupt("chunks of a series do not ascend"));
            }
            before = Some(column.range.end);
            self.read_chunk(near, chunk, range, out)?;
        }
        Ok(())
    }

    /// As [`PartReader::read_entry`], of one chunk.
    pub(super) fn read_chunk(
        &self,
        near: &mut Near,
        chunk: &ChunkRef,
        range: TimeRange,
        out: &mut Run,
    ) -> Result<()> {
        let column = self.column_of(chunk)?;
        if !range.overlaps(column.range) {
            return Ok(());
        }
        let from = out.times.len();
        let want = self.times_of(chunk.column, column, range, &mut out.times)?;
        if want.is_empty() {
            return Ok(());
        }
        match chunk.kind {
            ChunkKind::Floats => {
                self.values_of(near, chunk, want.clone(), &mut out.floats)?;
            }
            ChunkKind::Histograms => {
                out.histograms.resize(from, None);
                self.histograms_of(near, chunk, want.clone(), &mut out.histograms)?;
                out.floats.resize(out.times.len(), plimsoll_model::stale_nan());
            }
        }
        self.starts_of(near, chunk, column, want, from, out)?;
        out.level();
        Ok(())
    }

    /// Appends the start timestamps of the samples that stand in `out` from `from` on, unless none
    /// are known.
    fn starts_of(
        &self,
        near: &mut Near,
        chunk: &ChunkRef,
        column: Column,
        want: Range<usize>,
        from: usize,
        out: &mut Run,
    ) -> Result<()> {
        if chunk.starts == Starts::Absent {
            return Ok(());
        }
        let (starts, times) = (&mut out.starts, &out.times[from..]);
        starts.resize(from, 0);
        let first = column.range.start;
        match chunk.starts {
            Starts::Absent => {}
            Starts::Constant(before) => {
                starts.resize(from + want.len(), first.wrapping_sub(before));
            }
            Starts::Previous(before) => {
                starts.push(match want.start {
                    0 => first.wrapping_sub(before),
                    at => self.time_at(chunk.column, column, at - 1)?,
                });
                starts.extend_from_slice(&times[..times.len() - 1]);
            }
            Starts::Column(id) => {
                let c = self.start_columns()?.get(id as usize).copied();
                let c = c.filter(|c| c.n == chunk.n).ok_or_else(|| {
                    Error::corrupt(format!("column {id} of start timestamps does not fit"))
                })?;
                self.with_bytes_near(near, c.offset, c.len as usize, |bytes| {
                    times::decode_unordered(bytes, c.n as usize, want, starts)
                })?;
            }
        }
        Ok(())
    }

    /// The last sample of a series within `range`.
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn last(&self, ordinal: u32, range: TimeRange) -> Result<Option<Last>> {
        self.last_inner(ordinal, range).map_err(|e| self.named(e))
    }

    fn last_inner(&self, ordinal: u32, range: TimeRange) -> Result<Option<Last>> {
        let (block, i) = self.block_of(ordinal)?;
        for chunk in block.entry(i).chunks.iter().rev() {
            let column = self.column_of(chunk)?;
            if !range.overlaps(column.range) {
                continue;
            }
            let mut times = Vec::new();
            let want = self.times_of(chunk.column, column, range, &mut times)?;
            let (Some(at), Some(&time)) = (want.last(), times.last()) else { continue };
            let near = &mut Near::default();
            return match chunk.kind {
                ChunkKind::Floats => {
                    let mut value = Vec::with_capacity(1);
                    self.values_of(near, chunk, at..at + 1, &mut value)?;
                    Ok(value.first().map(|v| Last { time, float: *v, histogram: None }))
                }
                ChunkKind::Histograms => {
                    let mut value = Vec::with_capacity(1);
                    self.histograms_of(near, chunk, at..at + 1, &mut value)?;
                    Ok(Some(Last { time, float: 0.0, histogram: value.pop().flatten() }))
                }
            };
        }
        Ok(None)
    }

    fn values_of(
        &self,
        near: &mut Near,
        c: &ChunkRef,
        want: Range<usize>,
        out: &mut Vec<f64>,
    ) -> Result<()> {
        self.with_bytes_near(near, c.offset, c.len as usize, |bytes| {
            values::decode_range(bytes, c.n as usize, want, out)
        })
    }

    fn histograms_of(
        &self,
        near: &mut Near,
        c: &ChunkRef,
        want: Range<usize>,
        out: &mut Vec<Option<Arc<Histogram>>>,
    ) -> Result<()> {
        self.with_bytes_near(near, c.offset, c.len as usize, |bytes| {
            histograms::decode_range(bytes, c.n as usize, want, out)
        })
    }

    /// The time at a position of a column.
    fn time_at(&self, id: u32, column: Column, at: usize) -> Result<i64> {
        let page = at / PAGE_SAMPLES;
        let bounds = self.page_bounds(id, column)?;
        let times = self.times_page(id, column, page, page_range(bounds.as_ref(), column, page))?;
        let time = times.get(at % PAGE_SAMPLES).copied();
        time.ok_or_else(|| Error::corrupt(format!("no time {at} in column {id}")))
    }

    /// Appends the times of a column within `range`; the answer is where they stand in it.
    pub(super) fn times_of(
        &self,
        id: u32,
        column: Column,
        range: TimeRange,
        out: &mut Vec<i64>,
    ) -> Result<Range<usize>> {
        let n = column.n as usize;
        let bounds = self.page_bounds(id, column)?;
        let (mut want, start) = (n..0, out.len());
        for (page, from) in (0..n).step_by(PAGE_SAMPLES).enumerate() {
            let b = page_range(bounds.as_ref(), column, page);
            if !range.overlaps(b) {
                continue;
            }
            let times = self.times_page(id, column, page, b)?;
            let at = range.slice_of(&times);
            if at.is_empty() {
                continue;
            }
            if out[start..].last().is_some_and(|t| *t >= times[at.start]) {
                return Err(Error::corrupt(format!("times of column {id} do not ascend")));
            }
            want = want.start.min(from + at.start)..from + at.end;
            out.extend_from_slice(&times[at]);
        }
        Ok(if want.start < want.end { want } else { 0..0 })
    }

    /// Bounds of the pages of a column, two numbers each; nothing for a column of one page.
    pub(super) fn page_bounds(&self, id: u32, column: Column) -> Result<Option<Arc<[i64]>>> {
        let n = column.n as usize;
        if n <= PAGE_SAMPLES {
            return Ok(None);
        }
        let key = Key { part: self.id, what: What::Bounds, index: u64::from(id) };
        if let Some(Cached::Times(bounds)) = self.cache.get(key) {
            return Ok(Some(bounds));
        }
        let found = self
            .with_bytes(column.offset, column.len as usize, |bytes| times::page_bounds(bytes, n))?;
        let flat: Arc<[i64]> = found.into_iter().flat_map(|(low, high)| [low, high]).collect();
        if flat.len() != 2 * n.div_ceil(PAGE_SAMPLES) {
            return Err(Error::corrupt(format!("timestamp column {id} has no bounds")));
        }
        self.cache.put(key, Cached::Times(flat.clone()));
        Ok(Some(flat))
    }

    /// The times of a page of a column, whose bounds are known.
    pub(super) fn times_page(
        &self,
        id: u32,
        column: Column,
        page: usize,
        bounds: TimeRange,
    ) -> Result<Arc<[i64]>> {
        let index = u64::from(id) * CHUNK_PAGES_MAX + page as u64;
        let key = Key { part: self.id, what: What::Times, index };
        if let Some(Cached::Times(times)) = self.cache.get(key) {
            return Ok(times);
        }
        let n = column.n as usize;
        let from = page * PAGE_SAMPLES;
        let to = (from + PAGE_SAMPLES).min(n);
        let mut times = Vec::with_capacity(to - from);
        self.with_bytes(column.offset, column.len as usize, |bytes| {
            times::decode_range(bytes, n, from..to, &mut times)
        })?;
        let (first, last) = (times.first().copied(), times.last().copied());
        let fits = first.zip(last).is_some_and(|(first, last)| {
            bounds.start <= first
                && last <= bounds.end
                && (from > 0 || first == column.range.start)
                && (to < n || last == column.range.end)
        });
        if !fits {
            return Err(Error::corrupt(format!(
                "timestamp column {id} is not the one of its directory"
            )));
        }
        let times: Arc<[i64]> = times.into();
        self.cache.put(key, Cached::Times(times.clone()));
        Ok(times)
    }
}

/// Bounds of a page: those of the column when it has only one.
pub(super) fn page_range(bounds: Option<&Arc<[i64]>>, column: Column, page: usize) -> TimeRange {
    bounds.map_or(column.range, |b| TimeRange { start: b[2 * page], end: b[2 * page + 1] })
}
