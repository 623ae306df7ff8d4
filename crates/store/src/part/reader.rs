//! Opens a part and finds its pieces: pages by pread through the cache, each checked against its sum
//! before its first use.
//!
//! Nothing is kept per series: an open part costs its footer, its sums (4 bytes per 64 KiB), and,
//! once used, its directories. Everything else lives in the shared [`PageCache`] and is bounded there.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use plimsoll_model::{LabelBuf, TimeRange};
use plimsoll_world::{Disk, DiskFile, Open};

use super::exemplars::Rows;
use super::layout::{
    BLOCK_SERIES, Footer, HEADER_BYTES, Kind, PAGE_BYTES, PartInfo, Section, TAIL_BYTES,
};
use super::series::{BlockLayout, BlockLimits, ChunkRef, SeriesBlock};
use super::terms::Name;
use crate::cache::{Cached, Key, PageCache, What};
use crate::codec::CHUNK_SAMPLES_MAX;
use crate::codec::varint::Cursor;
use crate::{Error, Result};

/// An open part. Cheap to share; every method may be called from any thread.
pub struct PartReader {
    pub(super) path: PathBuf,
    file: Box<dyn DiskFile>,
    pub(super) info: PartInfo,
    pub(super) footer: Footer,
    /// Which of the two sections of series it has, and where.
    layout: BlockLayout,
    index: Section,
    sums: Vec<u32>,
    pub(super) cache: Arc<PageCache>,
    pub(super) id: u64,
    columns: OnceLock<Vec<Column>>,
    start_columns: OnceLock<Vec<Column>>,
    pub(super) rows: OnceLock<Vec<Rows>>,
    blocks: OnceLock<Vec<(u64, u32)>>,
    pub(super) names: OnceLock<Vec<Name>>,
}

/// A timestamp column as its directory names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub offset: u64,
    pub len: u32,
    pub n: u32,
    pub range: TimeRange,
}

/// Where a reader was last. Who goes through a whole part keeps its pages to himself, so that they
/// do not drive out what queries use.
#[derive(Default)]
pub(super) struct Near {
    whole: bool,
    page: Option<(u64, Arc<[u8]>)>,
}

impl Near {
    /// Of who goes through a whole part.
    pub(super) const fn of_whole() -> Self {
        Self { whole: true, page: None }
    }
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
            start_columns: OnceLock::new(),
            rows: OnceLock::new(),
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

    pub(super) fn column_of(&self, chunk: &ChunkRef) -> Result<Column> {
        let column = self.columns()?.get(chunk.column as usize).copied();
        column.filter(|c| c.n == chunk.n).ok_or_else(|| {
            Error::corrupt(format!("timestamp column {} does not fit", chunk.column))
        })
    }

    pub(super) fn columns(&self) -> Result<&[Column]> {
        if let Some(c) = self.columns.get() {
            return Ok(c);
        }
        let bytes = self.section_bytes(Kind::TsCols)?;
        let data = self.footer.section(Kind::Data)?;
        let list = decode_columns(&bytes, data.offset + data.len)?;
        if list.len() as u64 != self.footer.columns {
            return Err(Error::corrupt(format!(
                "{} timestamp columns, footer says {}",
                list.len(),
                self.footer.columns
            )));
        }
        Ok(self.columns.get_or_init(|| list))
    }

    /// Reads all directories: what nothing can be found without.
    pub(crate) fn directories(&self) -> Result<()> {
        self.columns()?;
        self.start_columns()?;
        self.blocks().map(drop)
    }

    /// Columns of start timestamps; few parts have any.
    pub(super) fn start_columns(&self) -> Result<&[Column]> {
        if let Some(c) = self.start_columns.get() {
            return Ok(c);
        }
        let data = self.footer.section(Kind::Data)?;
        let list = match self.footer.section(Kind::StCols) {
            Ok(_) => decode_columns(&self.section_bytes(Kind::StCols)?, data.offset + data.len)?,
            Err(_) => Vec::new(),
        };
        Ok(self.start_columns.get_or_init(|| list))
    }

    pub(super) fn block_of(&self, ordinal: u32) -> Result<(Arc<SeriesBlock>, usize)> {
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
            start_columns: self.start_columns()?.len(),
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
    pub(super) fn with_bytes<T>(
        &self,
        offset: u64,
        len: usize,
        take: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        self.with_bytes_near(&mut Near::default(), offset, len, take)
    }

    /// As [`PartReader::with_bytes`], by somebody who remembers where he was.
    pub(super) fn with_bytes_near<T>(
        &self,
        near: &mut Near,
        offset: u64,
        len: usize,
        take: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let number = offset / PAGE_BYTES as u64;
        let start = (number * PAGE_BYTES as u64).max(HEADER_BYTES as u64);
        let end = self.footer.section(Kind::Sums)?.offset;
        if offset < start || offset > end || len as u64 > end - offset {
            return Err(Error::corrupt(format!(
                "{len} bytes at {offset} lie outside the sections"
            )));
        }
        let page = self.page_near(near, number)?;
        let from = (offset - start) as usize;
        if let Some(bytes) = page.get(from..from + len) {
            return take(bytes);
        }
        let mut bytes = Vec::with_capacity(len);
        let mut at = number;
        while bytes.len() < len {
            let page = self.page_near(near, at)?;
            let from = if at == number { from } else { 0 };
            let to = page.len().min(from + len - bytes.len());
            bytes.extend_from_slice(page.get(from..to).unwrap_or_default());
            at += 1;
        }
        take(&bytes)
    }

    fn page_near(&self, near: &mut Near, number: u64) -> Result<Arc<[u8]>> {
        match &near.page {
            Some((at, page)) if *at == number => Ok(page.clone()),
            _ => {
                let page = match near.whole {
                    true => self.load_page(number)?,
                    false => self.page(number)?,
                };
                near.page = Some((number, page.clone()));
                Ok(page)
            }
        }
    }

    fn page(&self, number: u64) -> Result<Arc<[u8]>> {
        let key = Key { part: self.id, what: What::Page, index: number };
        if let Some(Cached::Page(page)) = self.cache.get(key) {
            return Ok(page);
        }
        let page = self.load_page(number)?;
        self.cache.put(key, Cached::Page(page.clone()));
        Ok(page)
    }

    fn load_page(&self, number: u64) -> Result<Arc<[u8]>> {
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
        Ok(bytes.into())
    }

    pub(crate) fn named(&self, e: Error) -> Error {
        named(&self.path, e)
    }
}

fn decode_columns(bytes: &[u8], data_end: u64) -> Result<Vec<Column>> {
    let mut c = Cursor::new(bytes);
    let n = c.bounded("timestamp columns", bytes.len() / 21 + 1)?;
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
