//! Opens a part and reads from it: pages by pread through the cache, each checked against its sum
//! before its first use; chunks decoded page by page, only where the range asks.
//!
//! Nothing is kept per series: an open part costs its footer, its sums (4 bytes per 64 KiB), and,
//! once used, its directories. Everything else lives in the shared [`PageCache`] and is bounded there.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use plimsoll_model::{LabelBuf, Run, TimeRange};
use plimsoll_world::{Disk, DiskFile, Open};

use super::layout::{
    BLOCK_SERIES, Footer, HEADER_BYTES, Kind, PAGE_BYTES, PartInfo, Section, SeriesInfo, TAIL_BYTES,
};
use super::series::{BlockLayout, BlockLimits, ChunkRef, SeriesBlock};
use super::terms::Name;
use crate::cache::{Cached, Key, PageCache, What};
use crate::codec::varint::Cursor;
use crate::codec::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES, times, values};
use crate::{Error, Result};

/// Pages of a chunk at most, for the numbers of cached pages.
const CHUNK_PAGES_MAX: u64 = CHUNK_SAMPLES_MAX.div_ceil(PAGE_SAMPLES) as u64;

/// An open part. Cheap to share; every method may be called from any thread.
pub struct PartReader {
    pub(super) path: PathBuf,
    file: Box<dyn DiskFile>,
    info: PartInfo,
    footer: Footer,
    /// Which of the two sections of series it has, and where.
    layout: BlockLayout,
    index: Section,
    sums: Vec<u32>,
    cache: Arc<PageCache>,
    id: u64,
    columns: OnceLock<Vec<Column>>,
    blocks: OnceLock<Vec<(u64, u32)>>,
    pub(super) names: OnceLock<Vec<Name>>,
}

/// Takes times and payload of a bundle.
pub type EachBundle<'f> = dyn FnMut(&[i64], &[u8]) -> Result<()> + 'f;

/// A timestamp column as its directory names it.
#[derive(Clone, Copy, Debug)]
struct Column {
    offset: u64,
    len: u32,
    n: u32,
    range: TimeRange,
}

impl std::fmt::Debug for PartReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartReader").field("path", &self.path).field("info", &self.info).finish()
    }
}

impl Drop for PartReader {
    fn drop(&mut self) {
        self.cache.forget(self.id);
    }
}

impl PartReader {
    /// Opens a part: checks its header, footer and section table, and reads its sums.
    ///
    /// # Errors
    /// `Corrupt` when it must be set aside, `Invalid` when a later program wrote it, `Io`.
    pub fn open(disk: &dyn Disk, path: &Path, cache: Arc<PageCache>) -> Result<Self> {
        Self::open_inner(disk, path, cache).map_err(|e| named(path, e))
    }

    fn open_inner(disk: &dyn Disk, path: &Path, cache: Arc<PageCache>) -> Result<Self> {
        let file = disk.open(path, Open::Read).map_err(|e| Error::io("open", e))?;
        let len = file.len().map_err(|e| Error::io("length", e))?;
        if len < (HEADER_BYTES + TAIL_BYTES) as u64 {
            return Err(Error::corrupt(format!("{len} bytes: too short for a part")));
        }
        let mut header = [0; HEADER_BYTES];
        read_exact(&*file, &mut header, 0)?;
        let info = PartInfo::decode_header(&header, len)?;
        let mut tail = [0; TAIL_BYTES];
        read_exact(&*file, &mut tail, len - TAIL_BYTES as u64)?;
        let start = len - Footer::len_from_tail(&tail, len)? as u64;
        let mut bytes = vec![0; (len - start) as usize];
        read_exact(&*file, &mut bytes, start)?;
        let footer = Footer::decode(&bytes, start)?;
        let same = footer.header_crc == crc32c::crc32c(&header)
            && (footer.series, footer.samples) == (info.series, info.samples);
        if !same {
            return Err(Error::corrupt("header and footer are not of one part"));
        }
        let sums = read_sums(&*file, footer.section(Kind::Sums)?)?;
        for kind in [Kind::Data, Kind::TsCols, Kind::Terms, Kind::Postings] {
            footer.section(kind)?;
        }
        let (layout, index) = match footer.section(Kind::Compact) {
            Ok(s) => (BlockLayout::Compact, s),
            Err(_) => (BlockLayout::First, footer.section(Kind::Series)?),
        };
        let id = cache.new_part();
        Ok(Self {
            path: path.to_owned(),
            file,
            info,
            footer,
            layout,
            index,
            sums,
            cache,
            id,
            columns: OnceLock::new(),
            blocks: OnceLock::new(),
            names: OnceLock::new(),
        })
    }

    /// What the header says.
    pub fn info(&self) -> &PartInfo {
        &self.info
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of series: ordinals are below it.
    pub fn series(&self) -> u32 {
        self.info.series as u32
    }

    /// Puts the labels of a series into `out`.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; `Invalid` for an ordinal that the part does not have.
    pub fn labels(&self, ordinal: u32, out: &mut LabelBuf) -> Result<()> {
        let (block, i) = self.block_of(ordinal)?;
        out.set_canonical(block.labels(i));
        Ok(())
    }

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
        let done = self.read_inner(ordinal, range, out);
        if done.is_err() {
            out.truncate(before);
        }
        done.map_err(|e| self.named(e))
    }

    fn read_inner(&self, ordinal: u32, range: TimeRange, out: &mut Run) -> Result<()> {
        let (block, i) = self.block_of(ordinal)?;
        let mut before = None;
        for chunk in &block.entry(i).chunks {
            let column = self.column_of(chunk)?;
            if before.is_some_and(|end| end >= column.range.start) {
                return Err(Error::corrupt("chunks of a series do not ascend"));
            }
            before = Some(column.range.end);
            if !range.overlaps(column.range) {
                continue;
            }
            let want = self.times_of(chunk.column, column, range, &mut out.times)?;
            if !want.is_empty() {
                self.values_of(chunk, want, &mut out.floats)?;
            }
            out.level();
        }
        Ok(())
    }

    /// The last sample of a series within `range`.
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn last(&self, ordinal: u32, range: TimeRange) -> Result<Option<(i64, f64)>> {
        self.last_inner(ordinal, range).map_err(|e| self.named(e))
    }

    fn last_inner(&self, ordinal: u32, range: TimeRange) -> Result<Option<(i64, f64)>> {
        let (block, i) = self.block_of(ordinal)?;
        for chunk in block.entry(i).chunks.iter().rev() {
            let column = self.column_of(chunk)?;
            if !range.overlaps(column.range) {
                continue;
            }
            let mut times = Vec::new();
            let want = self.times_of(chunk.column, column, range, &mut times)?;
            if let (Some(at), Some(time)) = (want.last(), times.last()) {
                let mut value = Vec::with_capacity(1);
                self.values_of(chunk, at..at + 1, &mut value)?;
                return Ok(value.first().map(|v| (*time, *v)));
            }
        }
        Ok(None)
    }

    /// Calls `each` with times and payload of every bundle of a series of a tier part that has
    /// times within `range`, in rising time.
    ///
    /// # Errors
    /// As [`PartReader::read`], and what `each` gives.
    pub fn bundles(&self, ordinal: u32, range: TimeRange, each: &mut EachBundle<'_>) -> Result<()> {
        let mut inner = || {
            let (block, i) = self.block_of(ordinal)?;
            let (mut payload, mut times) = (Vec::new(), Vec::new());
            for chunk in &block.entry(i).chunks {
                let column = self.column_of(chunk)?;
                if range.overlaps(column.range) {
                    times.clear();
                    self.times_of(chunk.column, column, TimeRange::ALL, &mut times)?;
                    self.read_at(chunk.offset, chunk.len as usize, &mut payload)?;
                    each(&times, &payload)?;
                }
            }
            Ok(())
        };
        inner().map_err(|e| self.named(e))
    }

    /// The times of a column by its id.
    ///
    /// # Errors
    /// `Corrupt` for a column that the part does not have, `Io`.
    pub fn column_times(&self, id: u32) -> Result<Vec<i64>> {
        let column = self.columns()?.get(id as usize).copied();
        let column = column
            .ok_or_else(|| self.named(Error::corrupt(format!("no timestamp column {id}"))))?;
        let mut times = Vec::with_capacity(column.n as usize);
        self.times_of(id, column, TimeRange::ALL, &mut times)?;
        Ok(times)
    }

    fn values_of(&self, c: &ChunkRef, want: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
        self.with_bytes(c.offset, c.len as usize, |bytes| {
            values::decode_range(bytes, c.n as usize, want, out)
        })
    }

    /// Appends the times of a column within `range`; the answer is where they stand in it.
    fn times_of(
        &self,
        id: u32,
        column: Column,
        range: TimeRange,
        out: &mut Vec<i64>,
    ) -> Result<Range<usize>> {
        let n = column.n as usize;
        let bounds = self.page_bounds(id, column)?;
        let mut want = n..0;
        for (page, from) in (0..n).step_by(PAGE_SAMPLES).enumerate() {
            let b = bounds
                .as_ref()
                .map_or(column.range, |b| TimeRange { start: b[2 * page], end: b[2 * page + 1] });
            if !range.overlaps(b) {
                continue;
            }
            let times = self.times_page(id, column, page, b)?;
            let at = range.slice_of(&times);
            if at.is_empty() {
                continue;
            }
            if out.last().is_some_and(|t| *t >= times[at.start]) {
                return Err(Error::corrupt(format!("times of column {id} do not ascend")));
            }
            want = want.start.min(from + at.start)..from + at.end;
            out.extend_from_slice(&times[at]);
        }
        Ok(if want.start < want.end { want } else { 0..0 })
    }

    /// Bounds of the pages of a column, two numbers each; nothing for a column of one page.
    fn page_bounds(&self, id: u32, column: Column) -> Result<Option<Arc<[i64]>>> {
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
    fn times_page(
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

    fn column_of(&self, chunk: &ChunkRef) -> Result<Column> {
        let column = self.columns()?.get(chunk.column as usize).copied();
        column.filter(|c| c.n == chunk.n).ok_or_else(|| {
            Error::corrupt(format!("timestamp column {} does not fit", chunk.column))
        })
    }

    fn columns(&self) -> Result<&[Column]> {
        if let Some(c) = self.columns.get() {
            return Ok(c);
        }
        let bytes = self.section_bytes(Kind::TsCols)?;
        let data = self.footer.section(Kind::Data)?;
        let list = decode_columns(&bytes, data.offset + data.len, self.footer.columns)?;
        Ok(self.columns.get_or_init(|| list))
    }

    fn block_of(&self, ordinal: u32) -> Result<(Arc<SeriesBlock>, usize)> {
        if u64::from(ordinal) >= self.info.series {
            return Err(Error::Invalid(format!("series {ordinal} of {}", self.info.series)));
        }
        let (b, i) = (ordinal as usize / BLOCK_SERIES, ordinal as usize % BLOCK_SERIES);
        let key = Key { part: self.id, what: What::Block, index: b as u64 };
        if let Some(Cached::Block(block)) = self.cache.get(key) {
            return Ok((block, i));
        }
        let (offset, len) = self.blocks()?[b];
        let n = self.series() as usize - b * BLOCK_SERIES;
        let data = self.footer.section(Kind::Data)?;
        let limits = BlockLimits {
            seq_min: self.info.seq.min,
            data_end: data.offset + data.len,
            columns: self.footer.columns as usize,
            start_columns: 0,
        };
        let block = self.with_bytes(offset, len as usize, |bytes| {
            SeriesBlock::decode(bytes, n, self.layout, &limits)
        })?;
        let block = Arc::new(block);
        self.cache.put(key, Cached::Block(block.clone()));
        Ok((block, i))
    }

    /// Place and length of each block of the Series section.
    fn blocks(&self) -> Result<&[(u64, u32)]> {
        if let Some(b) = self.blocks.get() {
            return Ok(b);
        }
        let s = self.index;
        let n = (self.info.series as usize).div_ceil(BLOCK_SERIES);
        // The directory: two numbers, then at most ten bytes a block.
        let mut bytes = Vec::new();
        self.read_at(s.offset, (20 + 10 * n as u64).min(s.len) as usize, &mut bytes)?;
        let list = decode_blocks(&bytes, s, self.info.series, n)?;
        Ok(self.blocks.get_or_init(|| list))
    }

    pub(super) fn section(&self, kind: Kind) -> Result<Section> {
        self.footer.section(kind)
    }

    fn section_bytes(&self, kind: Kind) -> Result<Vec<u8>> {
        let s = self.footer.section(kind)?;
        let mut bytes = Vec::new();
        self.read_at(s.offset, s.len as usize, &mut bytes)?;
        Ok(bytes)
    }

    /// Replaces `out` by `len` verified bytes from `offset`, which must lie before Sums.
    pub(super) fn read_at(&self, offset: u64, len: usize, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let end = self.footer.section(Kind::Sums)?.offset;
        if offset < HEADER_BYTES as u64 || offset > end || len as u64 > end - offset {
            return Err(Error::corrupt(format!(
                "{len} bytes at {offset} lie outside the sections"
            )));
        }
        out.reserve(len);
        let (mut at, stop) = (offset, offset + len as u64);
        while at < stop {
            let number = at / PAGE_BYTES as u64;
            let page = self.page(number)?;
            let start = (number * PAGE_BYTES as u64).max(HEADER_BYTES as u64);
            let from = (at - start) as usize;
            let to = ((stop - start) as usize).min(page.len());
            out.extend_from_slice(&page[from..to]);
            at = start + to as u64;
        }
        Ok(())
    }

    /// Calls `take` with verified bytes, where they lie when they lie in one page.
    fn with_bytes<T>(
        &self,
        offset: u64,
        len: usize,
        take: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let number = offset / PAGE_BYTES as u64;
        let start = (number * PAGE_BYTES as u64).max(HEADER_BYTES as u64);
        let end = self.footer.section(Kind::Sums)?.offset;
        if offset >= start && offset <= end && len as u64 <= end - offset {
            let page = self.page(number)?;
            let from = (offset - start) as usize;
            if let Some(bytes) = page.get(from..from + len) {
                return take(bytes);
            }
        }
        let mut bytes = Vec::new();
        self.read_at(offset, len, &mut bytes)?;
        take(&bytes)
    }

    fn page(&self, number: u64) -> Result<Arc<[u8]>> {
        let key = Key { part: self.id, what: What::Page, index: number };
        if let Some(Cached::Page(page)) = self.cache.get(key) {
            return Ok(page);
        }
        let end = self.footer.section(Kind::Sums)?.offset;
        let start = (number * PAGE_BYTES as u64).max(HEADER_BYTES as u64);
        let stop = ((number + 1) * PAGE_BYTES as u64).min(end);
        let mut bytes = vec![0; (stop - start) as usize];
        read_exact(&*self.file, &mut bytes, start)?;
        let (found, stored) = (crc32c::crc32c(&bytes), self.sums[number as usize]);
        if found != stored {
            return Err(Error::corrupt(format!(
                "page at byte {start}: checksum {found:08x}, stored {stored:08x}"
            )));
        }
        let page: Arc<[u8]> = bytes.into();
        self.cache.put(key, Cached::Page(page.clone()));
        Ok(page)
    }

    pub(super) fn named(&self, e: Error) -> Error {
        named(&self.path, e)
    }

    /// Reads everything: every page against its sum, every section against its hash, every chunk.
    ///
    /// # Errors
    /// `Corrupt` with the first damage found, `Io`.
    pub fn verify(&self) -> Result<()> {
        self.verify_inner().map_err(|e| self.named(e))
    }

    fn verify_inner(&self) -> Result<()> {
        let mut bytes = Vec::new();
        for s in self.footer.sections.iter().filter(|s| s.kind != Kind::Sums as u16) {
            let mut hasher = xxhash_rust::xxh3::Xxh3::new();
            for at in (s.offset..s.offset + s.len).step_by(PAGE_BYTES) {
                let len = (s.offset + s.len - at).min(PAGE_BYTES as u64);
                self.read_at(at, len as usize, &mut bytes)?;
                hasher.update(&bytes);
            }
            if hasher.digest() != s.hash {
                return Err(Error::corrupt(format!("section {}: wrong hash", s.kind)));
            }
        }
        let (mut samples, mut run) = (0, Run::new());
        let (mut labels, mut before) = (LabelBuf::new(), Vec::new());
        for ordinal in 0..self.series() {
            run.clear();
            if self.info.spec.tier.is_none() {
                self.read_inner(ordinal, TimeRange::ALL, &mut run)?;
                samples += run.len() as u64;
            } else {
                self.bundles(ordinal, TimeRange::ALL, &mut |times, payload| {
                    samples += crate::rollup::verify(self, times, payload)?;
                    Ok(())
                })?;
            }
            self.labels(ordinal, &mut labels)?;
            if ordinal > 0 && labels.as_ref().as_bytes() <= before.as_slice() {
                return Err(Error::corrupt(format!("series {ordinal} is out of order")));
            }
            before.clear();
            before.extend_from_slice(labels.as_ref().as_bytes());
        }
        if samples != self.info.samples {
            return Err(Error::corrupt(format!(
                "{samples} samples, header says {}",
                self.info.samples
            )));
        }
        Ok(())
    }
}

fn decode_columns(bytes: &[u8], data_end: u64, columns: u64) -> Result<Vec<Column>> {
    let mut c = Cursor::new(bytes);
    let n = c.bounded("timestamp columns", bytes.len() / 21 + 1)?;
    if n as u64 != columns {
        return Err(Error::corrupt(format!("{n} timestamp columns, footer says {columns}")));
    }
    let mut list = Vec::with_capacity(n);
    let (mut end, mut first) = (HEADER_BYTES as u64, 0i64);
    for _ in 0..n {
        let gap = c.varint()?;
        let len = c.bounded("column bytes", 16 * CHUNK_SAMPLES_MAX)?;
        let n = c.bounded("times of a column", CHUNK_SAMPLES_MAX)?;
        first = first.wrapping_add(c.zigzag()?);
        let last = first.wrapping_add(c.varint()? as i64);
        c.take(16)?;
        let offset = end.checked_add(gap).filter(|o| *o <= data_end && len as u64 <= data_end - o);
        let offset =
            offset.ok_or_else(|| Error::corrupt("a timestamp column lies outside Data"))?;
        end = offset + len as u64;
        let range = TimeRange::new(first, last);
        list.push(Column { offset, len: len as u32, n: n as u32, range });
    }
    Ok(list)
}

fn decode_blocks(bytes: &[u8], s: Section, series: u64, n: usize) -> Result<Vec<(u64, u32)>> {
    let mut c = Cursor::new(bytes);
    if (c.varint()?, c.varint()?) != (series, n as u64) {
        return Err(Error::corrupt("Series: not as many series or blocks as the header says"));
    }
    let mut list = Vec::with_capacity(n.min(bytes.len()));
    for _ in 0..n {
        list.push((0u64, c.bounded("block bytes", u32::MAX as usize)? as u32));
    }
    let mut at = s.offset + (bytes.len() - c.left()) as u64;
    for (offset, len) in &mut list {
        *offset = at;
        at += u64::from(*len);
    }
    if at != s.offset + s.len {
        return Err(Error::corrupt("Series: blocks do not fill the section"));
    }
    Ok(list)
}

fn read_sums(file: &dyn DiskFile, s: Section) -> Result<Vec<u32>> {
    if s.len != 4 * s.offset.div_ceil(PAGE_BYTES as u64) {
        return Err(Error::corrupt(format!("Sums of {} bytes", s.len)));
    }
    let mut bytes = vec![0; s.len as usize];
    read_exact(file, &mut bytes, s.offset)?;
    if xxhash_rust::xxh3::xxh3_64(&bytes) != s.hash {
        return Err(Error::corrupt("Sums: wrong hash"));
    }
    let mut c = Cursor::new(&bytes);
    (0..bytes.len() / 4).map(|_| c.u32()).collect()
}

/// A read that ends early is damage: the file was longer when it was written.
fn read_exact(file: &dyn DiskFile, buf: &mut [u8], at: u64) -> Result<()> {
    let len = buf.len();
    file.read_exact_at(buf, at).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt(format!("cut off: no {len} bytes at {at}"))
        }
        _ => Error::io(format!("read {len} bytes at {at}"), e),
    })
}

fn named(path: &Path, e: Error) -> Error {
    let p = path.display();
    match e {
        Error::Corrupt(s) => Error::Corrupt(format!("part {p}: {s}")),
        Error::Invalid(s) => Error::Invalid(format!("part {p}: {s}")),
        Error::Io { what, source } => Error::Io { what: format!("part {p}: {what}"), source },
        e => e,
    }
}
