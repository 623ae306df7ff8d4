//! Blocks of the Series section: 64 series, their labels front-coded, everything else in columns.

use super::layout::{BLOCK_SERIES, SERIES_CHUNKS_MAX, SeqRange, SeriesStats};
use crate::codec::CHUNK_SAMPLES_MAX;
use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

/// Bytes of labels that one block may hold: 64 sets of 64 KiB.
const BLOCK_LABEL_BYTES_MAX: usize = BLOCK_SERIES * (64 << 10);

/// What is known of a series at a glance; the bits of the format page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const CONSTANT: u8 = 1;
    pub(crate) const MONOTONE: u8 = 1 << 1;
    pub(crate) const HAS_STALE: u8 = 1 << 2;
    pub(crate) const ALL_INT: u8 = 1 << 3;
    pub(crate) const HAS_STATS: u8 = 1 << 4;
    const KNOWN: u8 = (1 << 5) - 1;

    pub(crate) fn set(&mut self, bit: u8, on: bool) {
        self.0 |= if on { bit } else { 0 };
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
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
}

/// A series of a block, its labels apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub flags: Flags,
    pub seq: SeqRange,
    pub chunks: Vec<ChunkRef>,
    pub stats: Option<SeriesStats>,
}

/// Collects a block. Chunk references stay in memory until the end: about 100 bytes a series.
#[derive(Default)]
pub(crate) struct BlockWriter {
    labels: Vec<u8>,
    previous: Vec<u8>,
    entries: Vec<Entry>,
}

impl BlockWriter {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn add(&mut self, labels: &[u8], entry: Entry) {
        put_front_coded(&self.previous, labels, &mut self.labels);
        self.previous.clear();
        self.previous.extend_from_slice(labels);
        self.entries.push(entry);
    }

    pub(crate) fn encode(&self, seq_min: u64) -> Vec<u8> {
        let mut b = self.labels.clone();
        b.extend(self.entries.iter().map(|e| e.flags.0));
        for e in &self.entries {
            put_u64(&mut b, e.seq.min - seq_min);
            put_u64(&mut b, e.seq.max - e.seq.min);
        }
        for e in &self.entries {
            put_u64(&mut b, e.chunks.len() as u64);
        }
        let mut column = 0;
        for c in self.entries.iter().flat_map(|e| &e.chunks) {
            put_u64(&mut b, u64::from(c.n));
            put_i64(&mut b, i64::from(c.column) - column);
            column = i64::from(c.column);
        }
        let mut end = 0;
        for c in self.entries.iter().flat_map(|e| &e.chunks) {
            put_u64(&mut b, c.offset - end);
            put_u64(&mut b, u64::from(c.len));
            end = c.offset + u64::from(c.len);
        }
        for s in self.entries.iter().filter_map(|e| e.stats.as_ref()) {
            put_u64(&mut b, s.count);
            for v in [s.min, s.max, s.first, s.last, s.sum, s.corr] {
                b.extend_from_slice(&v.to_bits().to_le_bytes());
            }
        }
        b
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

/// A decoded block.
#[derive(Debug)]
pub(crate) struct SeriesBlock {
    labels: Vec<u8>,
    ends: Vec<u32>,
    entries: Vec<Entry>,
}

impl SeriesBlock {
    /// Decodes the block of `n` series (at most 64) of a part whose lowest commit number is
    /// `seq_min`, whose Data ends at `data_end`, and which has `columns` timestamp columns.
    pub(crate) fn decode(
        bytes: &[u8],
        n: usize,
        seq_min: u64,
        data_end: u64,
        columns: usize,
    ) -> Result<Self> {
        let mut c = Cursor::new(bytes);
        let n = n.min(BLOCK_SERIES);
        let (labels, ends) = take_labels(&mut c, n)?;
        let mut entries = take_entries(&mut c, n, seq_min)?;
        take_chunks(&mut c, &mut entries, data_end, columns)?;
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

fn take_entries(c: &mut Cursor<'_>, n: usize, seq_min: u64) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(n);
    for &flags in c.take(n)? {
        if flags & !Flags::KNOWN != 0 {
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

fn take_chunks(
    c: &mut Cursor<'_>,
    entries: &mut [Entry],
    data_end: u64,
    columns: usize,
) -> Result<()> {
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
        r.column = u32::try_from(column)
            .ok()
            .filter(|id| (*id as usize) < columns)
            .ok_or_else(|| Error::corrupt(format!("timestamp column {column} of {columns}")))?;
    }
    let mut end = 0u64;
    for r in entries.iter_mut().flat_map(|e| &mut e.chunks) {
        let offset = end.checked_add(c.varint()?);
        r.len = c.bounded("chunk bytes", 16 * CHUNK_SAMPLES_MAX)? as u32;
        let stop = offset.and_then(|o| Some((o, o.checked_add(u64::from(r.len))?)));
        let Some((start, stop)) = stop.filter(|(_, stop)| *stop <= data_end) else {
            return Err(Error::corrupt("a chunk lies outside Data"));
        };
        (r.offset, end) = (start, stop);
    }
    Ok(())
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
