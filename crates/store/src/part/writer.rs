//! Writes a part front to back: chunks as the series come, then the sections, the header last.
//!
//! Memory: one page of 64 KiB, one entry per distinct timestamp column (about 80 bytes), and the
//! new index: compressed blocks of series, one entry of about 100 bytes per distinct label, and one
//! to two bytes per label of a series. Series come in canonical order; one that does not is refused
//! and the part can be dropped.

use std::path::Path;
use std::sync::Arc;

use plimsoll_model::{Columns, Exemplar, Histogram, LabelsRef, TimeRange, is_stale};
use plimsoll_world::{Disk, Open};

use super::exemplars::ExemplarsWriter;
use super::layout::{
    Bundle, Kind, Level, PartInfo, PartSpec, SERIES_CHUNKS_MAX, STATS_SAMPLES_MIN, SeqRange,
    SeriesIn, SeriesStats,
};
use super::paged::PagedFile;
use super::sections::{self, SeriesSection};
use super::series::{ChunkKind, ChunkRef, Flags, Starts};
use super::stats::flags_and_stats;
use super::terms::TermsWriter;
use crate::codec::values::{self, Packing};
use crate::codec::{CHUNK_SAMPLES, histograms};
use crate::{Error, Result};

/// Writes one part. Dropping it unfinished leaves a file without meaning.
pub struct PartWriter {
    file: PagedFile,
    spec: PartSpec,
    columns: sections::Columns,
    start_columns: sections::Columns,
    series: SeriesSection,
    exemplars: ExemplarsWriter,
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
            columns: sections::Columns::default(),
            start_columns: sections::Columns::default(),
            series: SeriesSection::default(),
            exemplars: ExemplarsWriter::default(),
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
        let samples = &s.samples;
        let ordinal = self.series.count as u32;
        self.chunks.clear();
        let mut at = 0;
        while at < samples.len() {
            let piece = samples.slice(at..at + piece_len(samples, at, s.labels)?);
            let chunk = self.add_chunk(&piece)?;
            self.chunks.push(chunk);
            at += piece.len();
        }
        let (flags, stats) = self.shape(samples);
        self.series.add(s.labels.as_bytes(), flags, s.seq, &self.chunks, stats.as_ref())?;
        self.terms.add(ordinal, s.labels)?;
        let times = samples.times;
        self.range = self.range.union(TimeRange::new(times[0], times[times.len() - 1]));
        self.seq = Some(self.seq.map_or(s.seq, |q| q.union(s.seq)));
        self.samples += samples.len() as u64;
        self.last_labels.clear();
        self.last_labels.extend_from_slice(s.labels.as_bytes());
        Ok(())
    }

    /// Writes samples that go into one chunk.
    fn add_chunk(&mut self, s: &Columns<'_>) -> Result<ChunkRef> {
        let column = self.columns.id_of(s.times, self.packing, &mut self.file)?;
        let starts = self.starts_of(s)?;
        self.scratch.clear();
        let kind = match s.histogram(0) {
            None => {
                self.encoder.encode(s.floats, self.packing, &mut self.scratch);
                ChunkKind::Floats
            }
            Some(_) => {
                let list: Vec<&Histogram> =
                    s.histograms.iter().flat_map(|h| h.iter().flatten().map(|h| &**h)).collect();
                histograms::encode(&list, &mut self.encoder, &mut self.scratch);
                ChunkKind::Histograms
            }
        };
        let offset = self.file.len;
        self.file.write(&self.scratch)?;
        let (n, len) = (s.len() as u32, self.scratch.len() as u32);
        Ok(ChunkRef { n, column, offset, len, kind, starts })
    }

    /// What the start timestamps of a chunk are; writes them when they are a column of their own.
    fn starts_of(&mut self, s: &Columns<'_>) -> Result<Starts> {
        let (Some(starts), first) = (s.starts, s.times[0]) else { return Ok(Starts::Absent) };
        let before = first.wrapping_sub(starts[0]);
        if starts.iter().all(|t| *t == starts[0]) {
            return Ok(if starts[0] == 0 { Starts::Absent } else { Starts::Constant(before) });
        }
        if starts[1..] == s.times[..s.times.len() - 1] {
            return Ok(Starts::Previous(before));
        }
        self.start_columns.id_of(starts, self.packing, &mut self.file).map(Starts::Column)
    }

    /// Flags of a series, and figures where they pay.
    fn shape(&self, s: &Columns<'_>) -> (Flags, Option<SeriesStats>) {
        let histograms = self.chunks.iter().any(|c| c.kind == ChunkKind::Histograms);
        let (mut flags, stats) = match histograms {
            false => flags_and_stats(s.floats, s.len() >= STATS_SAMPLES_MIN),
            true => (Flags::default(), None),
        };
        if histograms {
            let stale = |i| s.histogram(i).map_or(s.floats[i], |h| h.sum);
            flags.set(Flags::HAS_HISTOGRAMS, true);
            flags.set(Flags::HAS_STALE, (0..s.len()).any(|i| is_stale(stale(i))));
        }
        flags.set(Flags::HAS_STARTS, self.chunks.iter().any(|c| c.starts != Starts::Absent));
        (flags, stats)
    }

    /// Adds exemplars, rising in time, of the series that was added last. At most 65,536 a series.
    ///
    /// # Errors
    /// `Invalid` without a series, for times out of order, or a second time for one series; `Limit`.
    pub fn add_exemplars(&mut self, exemplars: &[Arc<Exemplar>]) -> Result<()> {
        let Some(ordinal) = self.series.count.checked_sub(1) else {
            return Err(Error::Invalid("part: exemplars before the first series".to_owned()));
        };
        self.exemplars.add(ordinal as u32, exemplars)
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
        let n = times.len();
        let as_many = s.samples.floats.len() == n
            && s.samples.starts.is_none_or(|t| t.len() == n)
            && s.samples.histograms.is_none_or(|h| h.len() == n);
        if n == 0 || !as_many {
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
        // A chunk of histograms may hold a single one.
        let most =
            s.samples.histograms.map_or(SERIES_CHUNKS_MAX * CHUNK_SAMPLES, |_| SERIES_CHUNKS_MAX);
        if n > most || self.series.count >= u64::from(u32::MAX) {
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
        if !self.start_columns.list.is_empty() {
            self.file.section(Kind::StCols, &self.start_columns.encode())?;
        }
        if let Some(rows) = self.exemplars.finish()? {
            self.file.section(Kind::Exemplars, &rows)?;
        }
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

/// How many samples from `at` on go into one chunk.
fn piece_len(s: &Columns<'_>, at: usize, labels: LabelsRef<'_>) -> Result<usize> {
    let left = s.len() - at;
    let Some(all) = s.histograms else { return Ok(left.min(CHUNK_SAMPLES)) };
    if all[at].is_none() {
        let floats = all[at..].iter().position(Option::is_some).unwrap_or(left);
        return Ok(floats.min(CHUNK_SAMPLES));
    }
    let next = all[at..].iter().take(histograms::HISTOGRAMS_MAX).map_while(Option::as_deref);
    histograms::chunk_len(&next.collect::<Vec<_>>())
        .map_err(|e| Error::Invalid(format!("part: series {labels}: {e}")))
}
