//! What a part says about itself: header, footer, the numbers of its sections, and the bounds that
//! a reader holds every length against. Pure: bytes to values and back.

use plimsoll_model::{Columns, HOUR_MS, LabelsRef, MINUTE_MS, Tier, TimeRange};

use crate::codec::varint::Cursor;
use crate::{Error, Result};

/// First bytes of the file.
const MAGIC: &[u8; 8] = b"PLMPART1";
/// Last bytes of the file.
const END_MAGIC: &[u8; 8] = b"PLMPEND1";
/// Version that this program writes, and the only one so far.
const VERSION: u32 = 1;
/// Header flag: made by a merge.
const FLAG_MERGED: u32 = 1;
/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Unit of checksums, reading and caching. Small enough that an instant query over few series
/// reads little, large enough that sums are 0.006 % of the file.
pub(crate) const PAGE_BYTES: usize = 64 << 10;
/// Bytes of a footer at most.
pub(crate) const FOOTER_BYTES_MAX: usize = 64 << 10;
/// Bytes at the very end from which the footer is found: crc, length, magic.
pub(crate) const TAIL_BYTES: usize = 16;
/// Series of one block of the Series section.
pub(crate) const BLOCK_SERIES: usize = 64;
/// Values of one block of a term table.
pub(crate) const BLOCK_TERMS: usize = 64;
/// Series from which statistics are kept: below, decoding the samples is as quick.
pub(crate) const STATS_SAMPLES_MIN: usize = 480;
/// Chunks of one series at most: 500 million samples.
pub(crate) const SERIES_CHUNKS_MAX: usize = 1 << 16;
/// Sections of a file at most.
const SECTIONS_MAX: usize = 64;
const WRITER_BYTES: usize = 32;

/// What kind of bytes a section holds; the numbers of the format page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Data = 1,
    TsCols = 2,
    StCols = 3,
    Exemplars = 5,
    Series = 6,
    Terms = 7,
    Postings = 8,
    Sums = 9,
    Compact = 11,
}

/// How a part came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A generation of the head, or late data.
    Flush,
    /// A merge of flush parts.
    Merged,
    /// The closed day.
    Day,
}

/// The range of commit numbers that samples came with, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeqRange {
    /// The lowest.
    pub min: u64,
    /// The highest; never below `min`.
    pub max: u64,
}

impl SeqRange {
    /// A range of one number or more.
    pub const fn new(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// The smallest range that holds both.
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// What the maker of a part knows before its first series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSpec {
    /// Name of the part, unique for all time.
    pub uuid: u128,
    /// Resolution: `None` raw, or the width of its buckets: 1 m, 5 m, 1 h.
    pub tier: Option<Tier>,
    /// How it came to be.
    pub level: Level,
    /// Now, in ms since the epoch.
    pub created: i64,
}

/// One series for the writer: at least one sample, times strictly ascending.
#[derive(Clone, Copy, Debug)]
pub struct SeriesIn<'a> {
    /// Its labels.
    pub labels: LabelsRef<'a>,
    /// Its samples; values are kept bit by bit.
    pub samples: Columns<'a>,
    /// Commit numbers of these samples.
    pub seq: SeqRange,
}

/// One chunk of a tier part: the times of the last samples of its buckets, as a column of the part,
/// and what the tier made of the rest.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// Id of the column.
    pub column: u32,
    /// At most 128 KiB.
    pub payload: &'a [u8],
}

/// What a part holds, as its header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// What the maker said.
    pub spec: PartSpec,
    /// From the earliest to the latest sample.
    pub range: TimeRange,
    /// Commit numbers of the samples inside.
    pub seq: SeqRange,
    /// Number of series.
    pub series: u64,
    /// Number of samples.
    pub samples: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}

/// What a part knows of one series without decoding it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesInfo {
    /// From its first to its last sample.
    pub range: TimeRange,
    /// Number of samples.
    pub samples: u64,
    /// Commit numbers.
    pub seq: SeqRange,
    /// Figures over all samples; only series of 480 samples and more have them.
    pub stats: Option<SeriesStats>,
}

/// Figures over the samples of a series, staleness markers left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesStats {
    /// Samples.
    pub count: u64,
    /// Least value; NaN only if all are.
    pub min: f64,
    /// Greatest value; NaN only if all are.
    pub max: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Compensated sum; NaN if any value is.
    pub sum: f64,
    /// Sum of the values before each fall, as counters reset.
    pub corr: f64,
}

/// A section as the footer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub kind: u16,
    pub offset: u64,
    pub len: u64,
    pub hash: u64,
}

/// The footer's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub sections: Vec<Section>,
    pub series: u64,
    pub samples: u64,
    pub columns: u64,
    pub header_crc: u32,
}

impl Footer {
    /// The section of a kind.
    pub(crate) fn section(&self, kind: Kind) -> Result<Section> {
        self.sections
            .iter()
            .find(|s| s.kind == kind as u16)
            .copied()
            .ok_or_else(|| Error::corrupt(format!("no section {kind:?}")))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut b = Vec::with_capacity(64 + 32 * self.sections.len());
        b.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        for s in &self.sections {
            b.extend_from_slice(&s.kind.to_le_bytes());
            b.extend_from_slice(&[0; 6]);
            for v in [s.offset, s.len, s.hash] {
                b.extend_from_slice(&v.to_le_bytes());
            }
        }
        for v in [self.series, self.samples, self.columns] {
            b.extend_from_slice(&v.to_le_bytes());
        }
        b.extend_from_slice(&self.header_crc.to_le_bytes());
        let crc = crc32c::crc32c(&b);
        b.extend_from_slice(&crc.to_le_bytes());
        b.extend_from_slice(&((b.len() + 12) as u32).to_le_bytes());
        b.extend_from_slice(END_MAGIC);
        b
    }

    /// Length of the footer, from the last [`TAIL_BYTES`] of the file.
    pub(crate) fn len_from_tail(tail: &[u8; TAIL_BYTES], file_len: u64) -> Result<usize> {
        if &tail[8..] != END_MAGIC {
            return Err(Error::corrupt("no end magic: the file is cut or not a part"));
        }
        let mut c = Cursor::new(&tail[4..8]);
        let len = c.u32()? as usize;
        if !(TAIL_BYTES..=FOOTER_BYTES_MAX).contains(&len) || (len + HEADER_BYTES) as u64 > file_len
        {
            return Err(Error::corrupt(format!("footer of {len} bytes")));
        }
        Ok(len)
    }

    /// Decodes the whole footer, which starts at `start` in the file.
    pub(crate) fn decode(bytes: &[u8], start: u64) -> Result<Self> {
        let body_len = bytes.len().saturating_sub(TAIL_BYTES);
        let (body, tail) = bytes.split_at(body_len);
        let crc = Cursor::new(tail).u32()?;
        let found = crc32c::crc32c(body);
        if crc != found {
            return Err(Error::corrupt(format!("footer: checksum {found:08x}, stored {crc:08x}")));
        }
        let mut c = Cursor::new(body);
        let n = c.u32()? as usize;
        if n > SECTIONS_MAX {
            return Err(Error::corrupt(format!("{n} sections, at most {SECTIONS_MAX}")));
        }
        let mut sections = Vec::with_capacity(n);
        let mut at = HEADER_BYTES as u64;
        for _ in 0..n {
            let kind = u16::from_le_bytes(c.array()?);
            c.take(6)?;
            let s = Section { kind, offset: c.u64()?, len: c.u64()?, hash: c.u64()? };
            if s.offset != at || s.len > start - at {
                return Err(Error::corrupt(format!("section {kind} lies outside its place")));
            }
            at += s.len;
            sections.push(s);
        }
        if at != start {
            return Err(Error::corrupt("a gap before the footer"));
        }
        let footer = Self {
            sections,
            series: c.u64()?,
            samples: c.u64()?,
            columns: c.u64()?,
            header_crc: c.u32()?,
        };
        if !c.is_empty() {
            return Err(Error::corrupt("footer longer than its content"));
        }
        Ok(footer)
    }
}

impl PartInfo {
    /// The header's 4096 bytes.
    pub(crate) fn encode_header(&self) -> Vec<u8> {
        let mut b = Vec::with_capacity(HEADER_BYTES);
        b.extend_from_slice(MAGIC);
        b.extend_from_slice(&VERSION.to_le_bytes());
        let flags = if self.spec.level == Level::Flush { 0 } else { FLAG_MERGED };
        b.extend_from_slice(&flags.to_le_bytes());
        b.extend_from_slice(&self.spec.uuid.to_le_bytes());
        b.push(tier_byte(self.spec.tier));
        b.push(self.spec.level as u8);
        b.extend_from_slice(&[0; 6]);
        b.extend_from_slice(&self.range.start.to_le_bytes());
        b.extend_from_slice(&self.range.end.to_le_bytes());
        for v in [self.seq.min, self.seq.max, self.series, self.samples] {
            b.extend_from_slice(&v.to_le_bytes());
        }
        b.extend_from_slice(&self.spec.created.to_le_bytes());
        let writer = concat!("plimsoll ", env!("CARGO_PKG_VERSION"));
        b.extend_from_slice(&writer.as_bytes()[..writer.len().min(WRITER_BYTES)]);
        b.resize(HEADER_BYTES - 4, 0);
        let crc = crc32c::crc32c(&b);
        b.extend_from_slice(&crc.to_le_bytes());
        b
    }

    /// Reads a header; `bytes` of the result is the length of the file.
    pub(crate) fn decode_header(header: &[u8; HEADER_BYTES], file_len: u64) -> Result<Self> {
        let mut c = Cursor::new(header);
        if &c.array::<8>()? != MAGIC {
            return Err(Error::corrupt("no magic: not a part, or one that was never finished"));
        }
        let stored = Cursor::new(&header[HEADER_BYTES - 4..]).u32()?;
        let found = crc32c::crc32c(&header[..HEADER_BYTES - 4]);
        if stored != found {
            return Err(Error::corrupt(format!(
                "header: checksum {found:08x}, stored {stored:08x}"
            )));
        }
        let (version, flags) = (c.u32()?, c.u32()?);
        if version != VERSION || flags & !FLAG_MERGED != 0 {
            return Err(Error::Invalid(format!(
                "part of version {version}, flags {flags:#x}: this program reads version {VERSION}; \
                 start the program that wrote it, or a later one"
            )));
        }
        let uuid = u128::from_le_bytes(c.array()?);
        let tier = tier_of(c.u8()?)?;
        let level = level_of(c.u8()?)?;
        c.take(6)?;
        let range = TimeRange { start: c.u64()? as i64, end: c.u64()? as i64 };
        let seq = SeqRange { min: c.u64()?, max: c.u64()? };
        let (series, samples, created) = (c.u64()?, c.u64()?, c.u64()? as i64);
        let counts = (1..=u64::from(u32::MAX)).contains(&series) && samples >= series;
        if range.is_empty() || seq.min > seq.max || !counts {
            return Err(Error::corrupt("header: an empty range or count"));
        }
        let spec = PartSpec { uuid, tier, level, created };
        Ok(Self { spec, range, seq, series, samples, bytes: file_len })
    }
}

fn level_of(b: u8) -> Result<Level> {
    match b {
        0 => Ok(Level::Flush),
        1 => Ok(Level::Merged),
        2 => Ok(Level::Day),
        _ => Err(Error::corrupt(format!("level {b}"))),
    }
}

/// Tiers in the order of their numbers in the header; 0 is raw.
const TIERS: [Tier; 3] = [Tier(MINUTE_MS), Tier(5 * MINUTE_MS), Tier(HOUR_MS)];

fn tier_byte(tier: Option<Tier>) -> u8 {
    TIERS.iter().position(|t| Some(*t) == tier).map_or(0, |i| i as u8 + 1)
}

fn tier_of(b: u8) -> Result<Option<Tier>> {
    match b {
        0 => Ok(None),
        b => match TIERS.get(usize::from(b) - 1) {
            Some(t) => Ok(Some(*t)),
            None => Err(Error::corrupt(format!("tier {b}"))),
        },
    }
}
