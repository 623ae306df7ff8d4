//! Writes a part front to back: chunks as the series come, then the sections, the header last.
//!
//! Memory: one page of 64 KiB, one entry per distinct timestamp column (about 80 bytes), and the
//! new index: compressed blocks of series, one entry of about 100 bytes per distinct label, and one
//! to two bytes per label of a series. Series come in canonical order; one that does not is refused
//! and the part can be dropped.

use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use plimsoll_model::{LabelsRef, TimeRange};
use plimsoll_world::{Disk, DiskFile, Open};
use xxhash_rust::xxh3::Xxh3;

use super::layout::{
    BLOCK_SERIES, Bundle, Footer, HEADER_BYTES, Kind, Level, PAGE_BYTES, PartInfo, PartSpec,
    SERIES_CHUNKS_MAX, STATS_SAMPLES_MIN, Section, SeqRange, SeriesIn, SeriesStats,
};
use super::series::{BlockWriter, ChunkRef, Flags};
use super::stats::Shape;
use super::terms::TermsWriter;
use crate::codec::values::{self, Packing};
use crate::codec::varint::{put_i64, put_u64};
use crate::codec::{CHUNK_SAMPLES, times};
use crate::{Error, Result};

/// Writes one part. Dropping it unfinished leaves a file without meaning.
pub struct PartWriter {
    file: PagedFile,
    spec: PartSpec,
    columns: Columns,
    series: SeriesSection,
    terms: TermsWriter,
    range: TimeRange,
    seq: Option<SeqRange>,
    samples: u64,
    last_labels: Vec<u8>,
    packing: Packing,
    encoder: values::Encoder,
    chunks: Vec<ChunkRef>,
    scratch: Vec<u8>,
}

impl PartWriter {
    /// Starts a part in a new file.
    ///
    /// # Errors
    /// `Io` when the file exists or cannot be made.
    pub fn create(disk: &dyn Disk, path: &Path, spec: PartSpec) -> Result<Self> {
        let file = disk
            .open(path, Open::CreateNew)
            .map_err(|e| Error::io(format!("create part {}", path.display()), e))?;
        let packing = match spec.level {
            Level::Flush => Packing::Quick,
            Level::Merged | Level::Day => Packing::Dense,
        };
        Ok(Self {
            file: PagedFile::new(file, path),
            spec,
            packing,
            encoder: values::Encoder::new(),
            chunks: Vec::new(),
            columns: Columns::default(),
            series: SeriesSection::default(),
            terms: TermsWriter::default(),
            range: TimeRange { start: i64::MAX, end: i64::MIN },
            seq: None,
            samples: 0,
            last_labels: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Packs chunks in another way than the level of the part suggests: flush parts are bit-packed,
    /// merged ones entropy-coded.
    #[must_use]
    pub fn with_packing(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// Number of series added.
    pub fn series(&self) -> u64 {
        self.series.count
    }

    /// Number of samples added.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Appends a series whose labels sort after those of the one before.
    ///
    /// # Errors
    /// `Invalid` for labels out of order, times that do not ascend, no samples; `Limit` for more
    /// samples than a series may have; `Io`. After an error the part must be dropped.
    pub fn add(&mut self, s: &SeriesIn<'_>) -> Result<()> {
        self.check(s)?;
        let (times, values) = (s.samples.times, s.samples.floats);
        let ordinal = self.series.count as u32;
        self.chunks.clear();
        for (t, v) in times.chunks(CHUNK_SAMPLES).zip(values.chunks(CHUNK_SAMPLES)) {
            let column = self.columns.id_of(t, self.packing, &mut self.file)?;
            self.scratch.clear();
            self.encoder.encode(v, self.packing, &mut self.scratch);
            let offset = self.file.len;
            self.file.write(&self.scratch)?;
            let len = self.scratch.len() as u32;
            let n = v.len() as u32;
            self.chunks.push(ChunkRef { n, column, offset, len, ..ChunkRef::default() });
        }
        let (flags, stats) = Shape::of(values, values.len() >= STATS_SAMPLES_MIN);
        self.series.add(s.labels.as_bytes(), flags, s.seq, &self.chunks, stats.as_ref())?;
        self.terms.add(ordinal, s.labels)?;
        self.range = self.range.union(TimeRange::new(times[0], times[times.len() - 1]));
        self.seq = Some(self.seq.map_or(s.seq, |q| q.union(s.seq)));
        self.samples += values.len() as u64;
        self.last_labels.clear();
        self.last_labels.extend_from_slice(s.labels.as_bytes());
        Ok(())
    }

    /// The id of a timestamp column of 1 to 8192 strictly ascending times, for [`Bundle`]s: written
    /// once, however many refer to it.
    ///
    /// # Errors
    /// `Io`.
    pub fn column(&mut self, times: &[i64]) -> Result<u32> {
        self.columns.id_of(times, self.packing, &mut self.file)
    }

    /// Appends a value chunk of 1 to 8192 values to `out`, packed as this part packs.
    pub fn encode(&mut self, values: &[f64], out: &mut Vec<u8>) {
        self.encoder.encode(values, self.packing, out);
    }

    /// Appends a series of a tier part, whose chunks are bundles that the tier encodes and decodes
    /// itself. `samples` is how many raw samples they stand for.
    ///
    /// # Errors
    /// As [`PartWriter::add`].
    pub fn add_bundles(
        &mut self,
        labels: LabelsRef<'_>,
        seq: SeqRange,
        bundles: &[Bundle<'_>],
        samples: u64,
    ) -> Result<()> {
        let invalid = |why: &str| Err(Error::Invalid(format!("tier part: series {labels}: {why}")));
        if self.spec.tier.is_none() || bundles.is_empty() {
            return invalid("no bundles, or a part that is not of a tier");
        }
        if self.series.count > 0 && labels.as_bytes() <= self.last_labels.as_slice() {
            return invalid("not after the series before it in canonical order");
        }
        let ordinal = self.series.count as u32;
        let mut chunks = std::mem::take(&mut self.chunks);
        chunks.clear();
        for b in bundles {
            let Some(column) = self.columns.list.get(b.column as usize) else {
                return invalid("a column that was not written");
            };
            self.range = self.range.union(TimeRange::new(column.first, column.last));
            let (offset, n) = (self.file.len, column.n);
            self.file.write(b.payload)?;
            let len = b.payload.len() as u32;
            chunks.push(ChunkRef { n, column: b.column, offset, len, ..ChunkRef::default() });
        }
        self.series.add(labels.as_bytes(), Flags::default(), seq, &chunks, None)?;
        self.chunks = chunks;
        self.terms.add(ordinal, labels)?;
        self.seq = Some(self.seq.map_or(seq, |q| q.union(seq)));
        self.samples += samples;
        self.last_labels.clear();
        self.last_labels.extend_from_slice(labels.as_bytes());
        Ok(())
    }

    fn check(&self, s: &SeriesIn<'_>) -> Result<()> {
        let invalid = |why: &str| Err(Error::Invalid(format!("part: series {}: {why}", s.labels)));
        let times = s.samples.times;
        if times.is_empty() || times.len() != s.samples.floats.len() {
            return invalid("no samples, or not as many times as values");
        }
        if !times.is_sorted_by(|a, b| a < b) {
            return invalid("times do not ascend");
        }
        if self.series.count > 0 && s.labels.as_bytes() <= self.last_labels.as_slice() {
            return invalid("not after the series before it in canonical order");
        }
        if s.seq.min > s.seq.max {
            return invalid("an empty range of commit numbers");
        }
        if times.len() > SERIES_CHUNKS_MAX * CHUNK_SAMPLES
            || self.series.count >= u64::from(u32::MAX)
        {
            return Err(Error::Limit(format!(
                "part: series {}: too many samples or series",
                s.labels
            )));
        }
        Ok(())
    }

    /// Writes the index, the footer and the header, and syncs the file. `None`, and no file, when
    /// no series was added.
    ///
    /// # Errors
    /// `Io`; the file is then a leftover.
    pub fn finish(mut self, disk: &dyn Disk) -> Result<Option<PartInfo>> {
        let Some(seq) = self.seq else {
            let path = self.file.path.clone();
            drop(self);
            let removed = disk.remove(&path);
            return removed
                .map(|()| None)
                .map_err(|e| Error::io(format!("remove empty part {}", path.display()), e));
        };
        self.file.end_section(Kind::Data);
        let columns = self.columns.list.len() as u64;
        self.file.section(Kind::TsCols, &self.columns.encode())?;
        let series = self.series.count;
        self.file.section(Kind::Compact, &self.series.finish()?)?;
        let (terms, postings) = self.terms.finish()?;
        self.file.section(Kind::Terms, &terms)?;
        self.file.section(Kind::Postings, &postings)?;
        let mut info = PartInfo {
            spec: self.spec,
            range: self.range,
            seq,
            series,
            samples: self.samples,
            bytes: 0,
        };
        info.bytes = self.file.finish(&info, columns)?;
        Ok(Some(info))
    }
}

/// The distinct timestamp columns written so far.
#[derive(Default)]
struct Columns {
    by_hash: HashMap<u128, u32>,
    list: Vec<ColumnOut>,
    /// Times of the column used last: series that are scraped together come together.
    last: Option<(u32, Vec<i64>)>,
    encoder: times::Encoder,
    scratch: Vec<u8>,
}

struct ColumnOut {
    offset: u64,
    len: u32,
    n: u32,
    first: i64,
    last: i64,
    hash: u128,
}

impl Columns {
    /// The id of the column with these times; writes it if it is new.
    fn id_of(&mut self, t: &[i64], packing: Packing, file: &mut PagedFile) -> Result<u32> {
        if let Some((id, last)) = &self.last
            && last == t
        {
            return Ok(*id);
        }
        let hash = times::content_hash(t);
        let id = match self.by_hash.get(&hash) {
            Some(id) => *id,
            None => self.write(t, hash, packing, file)?,
        };
        let mut kept = self.last.take().map(|(_, v)| v).unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(t);
        self.last = Some((id, kept));
        Ok(id)
    }

    fn write(
        &mut self,
        t: &[i64],
        hash: u128,
        packing: Packing,
        file: &mut PagedFile,
    ) -> Result<u32> {
        let scratch = &mut self.scratch;
        scratch.clear();
        self.encoder.encode(t, packing, scratch);
        let id = self.list.len() as u32;
        self.list.push(ColumnOut {
            offset: file.len,
            len: scratch.len() as u32,
            n: t.len() as u32,
            first: t[0],
            last: t[t.len() - 1],
            hash,
        });
        self.by_hash.insert(hash, id);
        file.write(scratch)?;
        Ok(id)
    }

    fn encode(&self) -> Vec<u8> {
        let mut b = Vec::with_capacity(32 * self.list.len() + 8);
        put_u64(&mut b, self.list.len() as u64);
        let (mut end, mut first) = (HEADER_BYTES as u64, 0i64);
        for c in &self.list {
            put_u64(&mut b, c.offset - end);
            put_u64(&mut b, u64::from(c.len));
            put_u64(&mut b, u64::from(c.n));
            put_i64(&mut b, c.first.wrapping_sub(first));
            put_u64(&mut b, c.last.wrapping_sub(c.first) as u64);
            b.extend_from_slice(&c.hash.to_le_bytes());
            (end, first) = (c.offset + u64::from(c.len), c.first);
        }
        b
    }
}

/// The Series section: compressed blocks of 64.
#[derive(Default)]
struct SeriesSection {
    count: u64,
    open: BlockWriter,
    lens: Vec<u32>,
    blocks: Vec<u8>,
    room: Vec<u8>,
}

impl SeriesSection {
    fn add(
        &mut self,
        labels: &[u8],
        flags: Flags,
        seq: SeqRange,
        chunks: &[ChunkRef],
        stats: Option<&SeriesStats>,
    ) -> Result<()> {
        self.open.add(labels, flags, seq, chunks, stats);
        self.count += 1;
        if self.open.len() == BLOCK_SERIES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let from = self.blocks.len();
        self.open.finish(&mut self.room, &mut self.blocks)?;
        self.lens.push((self.blocks.len() - from) as u32);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        if self.open.len() > 0 {
            self.end_block()?;
        }
        let mut out = Vec::with_capacity(self.blocks.len() + 4 * self.lens.len() + 20);
        put_u64(&mut out, self.count);
        put_u64(&mut out, self.lens.len() as u64);
        for len in &self.lens {
            put_u64(&mut out, u64::from(*len));
        }
        out.extend_from_slice(&self.blocks);
        Ok(out)
    }
}

/// A file written in pages, each with its checksum, in sections, each with its hash.
struct PagedFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// Bytes of the file so far, the header included.
    len: u64,
    page: Vec<u8>,
    sums: Vec<u8>,
    hash: Xxh3,
    sections: Vec<Section>,
    section_start: u64,
}

impl PagedFile {
    fn new(file: Box<dyn DiskFile>, path: &Path) -> Self {
        Self {
            file,
            path: path.to_owned(),
            len: HEADER_BYTES as u64,
            page: Vec::with_capacity(PAGE_BYTES),
            sums: Vec::new(),
            hash: Xxh3::new(),
            sections: Vec::new(),
            section_start: HEADER_BYTES as u64,
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        while !bytes.is_empty() {
            let room = PAGE_BYTES - (self.len as usize % PAGE_BYTES);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.page.extend_from_slice(now);
            self.len += now.len() as u64;
            bytes = later;
            if self.len.is_multiple_of(PAGE_BYTES as u64) {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        self.sums.extend_from_slice(&crc32c::crc32c(&self.page).to_le_bytes());
        let at = self.len - self.page.len() as u64;
        self.put(at, &self.page)?;
        self.page.clear();
        Ok(())
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, at)
            .map_err(|e| Error::io(format!("write part {} at {at}", self.path.display()), e))
    }

    fn section(&mut self, kind: Kind, bytes: &[u8]) -> Result<()> {
        self.write(bytes)?;
        self.end_section(kind);
        Ok(())
    }

    fn end_section(&mut self, kind: Kind) {
        self.sections.push(Section {
            kind: kind as u16,
            offset: self.section_start,
            len: self.len - self.section_start,
            hash: self.hash.digest(),
        });
        self.section_start = self.len;
        self.hash.reset();
    }

    /// Sums, footer, header, sync. Returns the length of the file.
    fn finish(mut self, info: &PartInfo, columns: u64) -> Result<u64> {
        if !self.page.is_empty() {
            self.end_page()?;
        }
        let sums = std::mem::take(&mut self.sums);
        self.put(self.len, &sums)?;
        self.hash.update(&sums);
        self.len += sums.len() as u64;
        self.end_section(Kind::Sums);
        let header = info.encode_header();
        let footer = Footer {
            sections: std::mem::take(&mut self.sections),
            series: info.series,
            samples: info.samples,
            columns,
            header_crc: crc32c::crc32c(&header),
        }
        .encode();
        self.put(self.len, &footer)?;
        self.put(0, &header)?;
        self.file.sync().map_err(|e| Error::io(format!("sync part {}", self.path.display()), e))?;
        Ok(self.len + footer.len() as u64)
    }
}
