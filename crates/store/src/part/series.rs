//! Blocks of the Series section: 64 series, their labels front-coded, everything else in columns.
//!
//! Two layouts: the first one stands plainly in section 6 and is only read; the compact one stands
//! compressed in section 11, has a commit number of its own to count from, and says of what kind
//! the chunks are.

use super::layout::{BLOCK_SERIES, SERIES_CHUNKS_MAX, SeqRange, SeriesStats};
use super::squeeze;
use crate::codec::CHUNK_SAMPLES_MAX;
use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

/// Bytes of labels that one block may hold: 64 sets of 64 KiB.
const BLOCK_LABEL_BYTES_MAX: usize = BLOCK_SERIES * (64 << 10);
/// Bytes of a block before compression: its labels, and 32 bytes for each of a million chunks.
const BLOCK_BYTES_MAX: usize = BLOCK_LABEL_BYTES_MAX + (32 << 20);

/// What is known of a series at a glance; the bits of the format page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const CONSTANT: u8 = 1;
    pub(crate) const MONOTONE: u8 = 1 << 1;
    pub(crate) const HAS_STALE: u8 = 1 << 2;
    pub(crate) const ALL_INT: u8 = 1 << 3;
    pub(crate) const HAS_STATS: u8 = 1 << 4;
    pub(crate) const HAS_STARTS: u8 = 1 << 5;
    pub(crate) const HAS_HISTOGRAMS: u8 = 1 << 6;
    const KNOWN_FIRST: u8 = (1 << 5) - 1;
    const KNOWN_COMPACT: u8 = (1 << 7) - 1;

    pub(crate) fn set(&mut self, bit: u8, on: bool) {
        self.0 |= if on { bit } else { 0 };
    }

    pub(crate) fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// What a chunk's samples are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChunkKind {
    #[default]
    Floats,
    Histograms,
}

/// What is known of the start timestamps of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Starts {
    #[default]
    Absent,
    /// Each is the time of the sample before; that of the first is so far before its own time.
    Previous(i64),
    /// All are the same, so far before the first time.
    Constant(i64),
    /// A column of their own.
    Column(u32),
}

/// Where a chunk lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkRef {
    /// Samples.
    pub n: u32,
    /// Id of the timestamp column.
    pub column: u32,
    /// From the start of the file.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    pub kind: ChunkKind,
    pub starts: Starts,
}

/// A series of a block, its labels apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub flags: Flags,
    pub seq: SeqRange,
    pub chunks: Vec<ChunkRef>,
    pub stats: Option<SeriesStats>,
}

/// Collects a block, column by column.
#[derive(Default)]
pub(crate) struct BlockWriter {
    len: usize,
    previous: Vec<u8>,
    labels: Vec<u8>,
    flags: Vec<u8>,
    seqs: Vec<SeqRange>,
    counts: Vec<u8>,
    columns: Vec<u8>,
    places: Vec<u8>,
    kinds: Vec<u8>,
    starts: Vec<u8>,
    stats: Vec<u8>,
    column: i64,
    end: u64,
}

impl BlockWriter {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn add(
        &mut self,
        labels: &[u8],
        flags: Flags,
        seq: SeqRange,
        chunks: &[ChunkRef],
        stats: Option<&SeriesStats>,
    ) {
        self.len += 1;
        put_front_coded(&self.previous, labels, &mut self.labels);
        self.previous.clear();
        self.previous.extend_from_slice(labels);
        self.flags.push(flags.0);
        self.seqs.push(seq);
        put_u64(&mut self.counts, chunks.len() as u64);
        for c in chunks {
            put_u64(&mut self.columns, u64::from(c.n));
            put_i64(&mut self.columns, i64::from(c.column) - self.column);
            self.column = i64::from(c.column);
            put_u64(&mut self.places, c.offset - self.end);
            put_u64(&mut self.places, u64::from(c.len));
            self.end = c.offset + u64::from(c.len);
            if flags.has(Flags::HAS_HISTOGRAMS) {
                self.kinds.push(c.kind as u8);
            }
            if flags.has(Flags::HAS_STARTS) {
                self.put_starts(c.starts);
            }
        }
        if let Some(s) = stats {
            put_u64(&mut self.stats, s.count);
            for v in [s.min, s.max, s.first, s.last, s.sum, s.corr] {
                self.stats.extend_from_slice(&v.to_bits().to_le_bytes());
            }
        }
    }

    fn put_starts(&mut self, starts: Starts) {
        let out = &mut self.starts;
        match starts {
            Starts::Absent => put_u64(out, 0),
            Starts::Previous(before) => {
                put_u64(out, 1);
                put_i64(out, before);
            }
            Starts::Constant(before) => {
                put_u64(out, 2);
                put_i64(out, before);
            }
            Starts::Column(id) => put_u64(out, 3 + u64::from(id)),
        }
    }

    /// Appends the compressed block and empties this one, which keeps its room.
    pub(crate) fn finish(&mut self, room: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
        room.clear();
        let base = self.seqs.iter().map(|s| s.min).min().unwrap_or(0);
        put_u64(room, base);
        room.extend_from_slice(&self.labels);
        room.extend_from_slice(&self.flags);
        for s in &self.seqs {
            put_u64(room, s.min - base);
            put_u64(room, s.max - s.min);
        }
        for column in
            [&self.counts, &self.columns, &self.places, &self.kinds, &self.starts, &self.stats]
        {
            room.extend_from_slice(column);
        }
        squeeze::put(room, out)?;
        self.seqs.clear();
        for column in [
            &mut self.previous,
            &mut self.labels,
            &mut self.flags,
            &mut self.counts,
            &mut self.columns,
            &mut self.places,
            &mut self.kinds,
            &mut self.starts,
            &mut self.stats,
        ] {
            column.clear();
        }
        (self.len, self.column, self.end) = (0, 0, 0);
        Ok(())
    }
}

/// Appends `bytes` less what it shares with the front of `previous`.
pub(crate) fn put_front_coded(previous: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
    let shared = previous.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    put_u64(out, shared as u64);
    put_u64(out, (bytes.len() - shared) as u64);
    out.extend_from_slice(&bytes[shared..]);
}

/// Turns `value` from the one before into the next one. It is at most `max` bytes.
pub(crate) fn take_front_coded(c: &mut Cursor<'_>, value: &mut Vec<u8>, max: usize) -> Result<()> {
    let shared = c.bounded("shared bytes", value.len())?;
    let rest = c.bounded("bytes", max - shared.min(max))?;
    value.truncate(shared);
    value.extend_from_slice(c.take(rest)?);
    Ok(())
}

/// How the blocks of a part are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockLayout {
    /// Plain; commit numbers count from that of the part.
    First,
    /// Compressed; with kinds and start timestamps.
    Compact,
}

/// What a block may refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockLimits {
    /// The lowest commit number of the part.
    pub seq_min: u64,
    /// Where Data ends.
    pub data_end: u64,
    /// Timestamp columns of the part.
    pub columns: usize,
    /// Columns of start timestamps.
    pub start_columns: usize,
}

/// A decoded block.
#[derive(Debug)]
pub(crate) struct SeriesBlock {
    labels: Vec<u8>,
    ends: Vec<u32>,
    entries: Vec<Entry>,
}

impl SeriesBlock {
    /// Decodes the block of `n` series (at most 64).
    pub(crate) fn decode(
        bytes: &[u8],
        n: usize,
        layout: BlockLayout,
        limits: &BlockLimits,
    ) -> Result<Self> {
        let n = n.min(BLOCK_SERIES);
        match layout {
            BlockLayout::First => Self::decode_plain(Cursor::new(bytes), n, layout, limits),
            BlockLayout::Compact => {
                let plain = squeeze::take(bytes, BLOCK_BYTES_MAX)?;
                Self::decode_plain(Cursor::new(&plain), n, layout, limits)
            }
        }
    }

    fn decode_plain(
        mut c: Cursor<'_>,
        n: usize,
        layout: BlockLayout,
        limits: &BlockLimits,
    ) -> Result<Self> {
        let (base, known) = match layout {
            BlockLayout::First => (limits.seq_min, Flags::KNOWN_FIRST),
            BlockLayout::Compact => (c.varint()?, Flags::KNOWN_COMPACT),
        };
        let (labels, ends) = take_labels(&mut c, n)?;
        let mut entries = take_entries(&mut c, n, base, known)?;
        take_chunks(&mut c, &mut entries, limits)?;
        for e in entries.iter_mut().filter(|e| e.flags.has(Flags::HAS_HISTOGRAMS)) {
            for r in &mut e.chunks {
                r.kind = take_kind(&mut c)?;
            }
        }
        for e in entries.iter_mut().filter(|e| e.flags.has(Flags::HAS_STARTS)) {
            for r in &mut e.chunks {
                r.starts = take_starts(&mut c, limits.start_columns)?;
            }
        }
        for e in entries.iter_mut().filter(|e| e.flags.has(Flags::HAS_STATS)) {
            e.stats = Some(take_stats(&mut c)?);
        }
        Ok(Self { labels, ends, entries })
    }

    /// Bytes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let chunks: usize = self.entries.iter().map(|e| e.chunks.len()).sum();
        self.labels.len()
            + self.entries.len() * (4 + size_of::<Entry>())
            + chunks * size_of::<ChunkRef>()
    }

    /// Canonical labels of the series at `i` of the block.
    pub(crate) fn labels(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.labels[start..self.ends[i] as usize]
    }

    /// The rest of it.
    pub(crate) fn entry(&self, i: usize) -> &Entry {
        &self.entries[i]
    }
}

fn take_labels(c: &mut Cursor<'_>, n: usize) -> Result<(Vec<u8>, Vec<u32>)> {
    let (mut labels, mut ends, mut value) = (Vec::new(), Vec::with_capacity(n), Vec::new());
    for _ in 0..n {
        take_front_coded(c, &mut value, plimsoll_model::LABEL_SET_BYTES_MAX)?;
        plimsoll_model::LabelsRef::checked(&value).map_err(|e| Error::corrupt(e.to_string()))?;
        labels.extend_from_slice(&value);
        ends.push(labels.len() as u32);
    }
    debug_assert!(labels.len() <= BLOCK_LABEL_BYTES_MAX);
    Ok((labels, ends))
}

fn take_entries(c: &mut Cursor<'_>, n: usize, seq_min: u64, known: u8) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(n);
    for &flags in c.take(n)? {
        if flags & !known != 0 {
            return Err(Error::Invalid(format!(
                "series with flags {flags:#x}: written by a later program; start that one"
            )));
        }
        let seq = SeqRange::new(0, 0);
        entries.push(Entry { flags: Flags(flags), seq, chunks: Vec::new(), stats: None });
    }
    for e in &mut entries {
        let min = seq_min.checked_add(c.varint()?);
        let max = c.varint()?;
        let range = min.and_then(|min| Some(SeqRange::new(min, min.checked_add(max)?)));
        e.seq = range.ok_or_else(|| Error::corrupt("commit numbers overflow"))?;
    }
    Ok(entries)
}

fn take_chunks(c: &mut Cursor<'_>, entries: &mut [Entry], limits: &BlockLimits) -> Result<()> {
    for e in entries.iter_mut() {
        let n = c.bounded("chunks", SERIES_CHUNKS_MAX)?;
        // Four bytes each at least: no memory for more than the block can hold.
        if n == 0 || n > c.left() / 4 {
            return Err(Error::corrupt(format!("series of {n} chunks")));
        }
        e.chunks = vec![ChunkRef::default(); n];
    }
    let mut column = 0i64;
    for r in entries.iter_mut().flat_map(|e| &mut e.chunks) {
        r.n = c.bounded("samples of a chunk", CHUNK_SAMPLES_MAX)? as u32;
        column = column.wrapping_add(c.zigzag()?);
        r.column =
            u32::try_from(column).ok().filter(|id| (*id as usize) < limits.columns).ok_or_else(
                || Error::corrupt(format!("timestamp column {column} of {}", limits.columns)),
            )?;
    }
    let mut end = 0u64;
    for r in entries.iter_mut().flat_map(|e| &mut e.chunks) {
        let offset = end.checked_add(c.varint()?);
        r.len = c.bounded("chunk bytes", u32::MAX as usize)? as u32;
        let stop = offset.and_then(|o| Some((o, o.checked_add(u64::from(r.len))?)));
        let Some((start, stop)) = stop.filter(|(_, stop)| *stop <= limits.data_end) else {
            return Err(Error::corrupt("a chunk lies outside Data"));
        };
        (r.offset, end) = (start, stop);
    }
    Ok(())
}

fn take_kind(c: &mut Cursor<'_>) -> Result<ChunkKind> {
    match c.u8()? {
        0 => Ok(ChunkKind::Floats),
        1 => Ok(ChunkKind::Histograms),
        kind => Err(Error::corrupt(format!("chunk of kind {kind}"))),
    }
}

fn take_starts(c: &mut Cursor<'_>, columns: usize) -> Result<Starts> {
    match c.varint()? {
        0 => Ok(Starts::Absent),
        1 => Ok(Starts::Previous(c.zigzag()?)),
        2 => Ok(Starts::Constant(c.zigzag()?)),
        id if id - 3 < columns as u64 => Ok(Starts::Column((id - 3) as u32)),
        id => Err(Error::corrupt(format!("column {id} of start timestamps, of {columns}"))),
    }
}

fn take_stats(c: &mut Cursor<'_>) -> Result<SeriesStats> {
    let count = c.varint()?;
    let mut f = [0.0; 6];
    for v in &mut f {
        *v = f64::from_bits(c.u64()?);
    }
    let [min, max, first, last, sum, corr] = f;
    Ok(SeriesStats { count, min, max, first, last, sum, corr })
}
