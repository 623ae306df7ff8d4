//! Prometheus' TSDB blocks: the index (format version 2) and chunk segments (version 1), for import.
//!
//! Pure functions over the bytes of whole files. Every offset and length is checked, every checksum
//! that covers what is read is compared (crc32c). Chunks of floats (XOR, after Pelkonen et al.,
//! "Gorilla", VLDB 2015) are decoded; chunks of native histograms are told apart and left to the
//! caller to count. Follows prometheus/tsdb/docs/format/{index,chunks}.md.

mod bits;

use plimsoll_model::Timestamp;

use crate::{Error, Result};
use bits::Bits;

const INDEX_MAGIC: u32 = 0xBAAA_D700;
const CHUNKS_MAGIC: u32 = 0x85BD_40DD;
/// Six offsets and a checksum.
const TOC_BYTES: usize = 52;
/// Labels of one series at most, before a set is built.
const LABELS_MAX: usize = 1024;
/// Chunks of one series at most.
const CHUNKS_MAX: usize = 1 << 24;

/// How a chunk is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Floats.
    Xor,
    /// Native histograms, or something of a later version.
    Other(u8),
}

/// Where a chunk of a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkMeta {
    /// Number of the segment file, from 0 (file `000001`).
    pub segment: u32,
    /// Place in it.
    pub offset: u32,
    /// First sample, ms.
    pub min: Timestamp,
    /// Last sample, ms.
    pub max: Timestamp,
}

/// One series of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSeries<'a> {
    /// Names and values, sorted by name.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Its chunks, rising in time.
    pub chunks: Vec<ChunkMeta>,
}

/// An index file.
#[derive(Debug)]
pub struct BlockIndex<'a> {
    bytes: &'a [u8],
    symbols: Vec<&'a str>,
    at: usize,
    end: usize,
}

fn invalid<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::invalid(why))
}

/// Reads bytes front to back.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(n) else {
            return invalid("block: a field is cut");
        };
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into().unwrap_or_default()))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.take(8)?.try_into().unwrap_or_default()))
    }

    fn uvarint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.take(1)?[0];
            value |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(value);
            }
        }
        invalid("block: a number is too long")
    }

    fn varint(&mut self) -> Result<i64> {
        let v = self.uvarint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    fn count(&mut self, what: &str, max: usize) -> Result<usize> {
        let n = self.uvarint()?;
        match usize::try_from(n) {
            Ok(n) if n <= max => Ok(n),
            _ => invalid(format!("block: {n} {what}, at most {max}")),
        }
    }
}

/// A section with its length before it and its checksum after it, at `at`.
fn section(bytes: &[u8], at: u64) -> Result<&[u8]> {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let mut r = Reader { rest: bytes.get(at..).unwrap_or_default() };
    let len = r.u32()? as usize;
    let body = r.take(len)?;
    let sum = r.u32()?;
    if crc32c::crc32c(body) != sum {
        return invalid(format!("block: wrong checksum of the section at byte {at}"));
    }
    Ok(body)
}

impl<'a> BlockIndex<'a> {
    /// Opens an index file.
    ///
    /// # Errors
    /// `Invalid` when it is none, of another version, or damaged.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader { rest: bytes };
        if r.u32()? != INDEX_MAGIC {
            return invalid("block: not an index file (wrong magic)");
        }
        let version = r.take(1)?[0];
        if version != 2 {
            return invalid(format!("block: index of version {version}; version 2 is read"));
        }
        let Some(toc) = bytes.len().checked_sub(TOC_BYTES).and_then(|at| bytes.get(at..)) else {
            return invalid("block: index is cut");
        };
        let (offsets, sum) = toc.split_at(TOC_BYTES - 4);
        if crc32c::crc32c(offsets).to_be_bytes() != sum {
            return invalid("block: wrong checksum of the table of contents");
        }
        let mut r = Reader { rest: offsets };
        let (symbols, series, label_indices) = (r.u64()?, r.u64()?, r.u64()?);
        let (_, postings) = (r.u64()?, r.u64()?);
        // The series end where the next section begins; versions differ in which one that is.
        let end = [label_indices, postings].into_iter().filter(|o| *o > series).min();
        let end = usize::try_from(end.unwrap_or(0)).unwrap_or(usize::MAX);
        if end > bytes.len() {
            return invalid("block: series lie outside the index");
        }
        let mut r = Reader { rest: section(bytes, symbols)? };
        let n = r.u32()? as usize;
        let mut list = Vec::with_capacity(n.min(bytes.len()));
        for _ in 0..n {
            let len = r.count("bytes of a symbol", bytes.len())?;
            let Ok(text) = std::str::from_utf8(r.take(len)?) else {
                return invalid("block: a symbol is not UTF-8");
            };
            list.push(text);
        }
        let at = usize::try_from(series).unwrap_or(usize::MAX);
        Ok(Self { bytes, symbols: list, at, end })
    }

    /// The next series; `None` at the end.
    ///
    /// # Errors
    /// `Invalid` for damage; the index must not be asked again.
    pub fn next_series(&mut self) -> Result<Option<BlockSeries<'a>>> {
        let at = self.at.next_multiple_of(16);
        if at >= self.end {
            return Ok(None);
        }
        let all = &self.bytes[at..self.end];
        // Zeroes fill up to the next section.
        if all.iter().take(16).all(|b| *b == 0) {
            return Ok(None);
        }
        let mut r = Reader { rest: all };
        let len = r.count("bytes of a series", all.len())?;
        let body = r.take(len)?;
        if crc32c::crc32c(body) != r.u32()? {
            return invalid(format!("block: wrong checksum of the series at byte {at}"));
        }
        self.at = at + (all.len() - r.rest.len());
        self.series(body).map(Some)
    }

    fn series(&self, body: &'a [u8]) -> Result<BlockSeries<'a>> {
        let mut r = Reader { rest: body };
        let n = r.count("labels", LABELS_MAX)?;
        let mut labels = Vec::with_capacity(n);
        for _ in 0..n {
            let name = r.count("symbols", self.symbols.len())?;
            let value = r.count("symbols", self.symbols.len())?;
            let (Some(name), Some(value)) = (self.symbols.get(name), self.symbols.get(value))
            else {
                return invalid("block: a label refers to no symbol");
            };
            labels.push((*name, *value));
        }
        let n = r.count("chunks", CHUNKS_MAX.min(body.len()))?;
        let mut chunks = Vec::with_capacity(n);
        let (mut reference, mut end) = (0i64, 0i64);
        for i in 0..n {
            let min = if i == 0 { r.varint()? } else { end.wrapping_add(r.uvarint()? as i64) };
            let max = min.wrapping_add(r.uvarint()? as i64);
            let delta = if i == 0 { r.uvarint()? as i64 } else { r.varint()? };
            (reference, end) = (reference.wrapping_add(delta), max);
            let (segment, offset) = ((reference as u64 >> 32) as u32, reference as u32);
            chunks.push(ChunkMeta { segment, offset, min, max });
        }
        Ok(BlockSeries { labels, chunks })
    }
}

/// The chunk at `offset` of a segment file: its encoding and its data.
///
/// # Errors
/// `Invalid` when the file is no segment or the chunk is damaged.
pub fn chunk(segment: &[u8], offset: u32) -> Result<(Encoding, &[u8])> {
    let mut r = Reader { rest: segment };
    if r.u32()? != CHUNKS_MAGIC || r.take(1)?[0] != 1 {
        return invalid("block: not a chunk segment of version 1");
    }
    let Some(rest) = segment.get(offset as usize..) else {
        return invalid(format!("block: chunk at byte {offset}, behind the end of its segment"));
    };
    let mut r = Reader { rest };
    let len = r.count("bytes of a chunk", rest.len())?;
    let body = r.take(len + 1)?;
    if crc32c::crc32c(body) != r.u32()? {
        return invalid(format!("block: wrong checksum of the chunk at byte {offset}"));
    }
    let encoding = if body[0] == 1 { Encoding::Xor } else { Encoding::Other(body[0]) };
    Ok((encoding, &body[1..]))
}

/// Appends the samples of a chunk of floats.
///
/// # Errors
/// `Invalid` when the data ends early or times do not rise; the columns are then as before.
pub fn decode_xor(data: &[u8], times: &mut Vec<Timestamp>, floats: &mut Vec<f64>) -> Result<()> {
    let before = (times.len(), floats.len());
    let done = xor(data, times, floats);
    if done.is_err() {
        times.truncate(before.0);
        floats.truncate(before.1);
    }
    done
}

fn xor(data: &[u8], times: &mut Vec<Timestamp>, floats: &mut Vec<f64>) -> Result<()> {
    let Some((head, rest)) = data.split_first_chunk::<2>() else {
        return invalid("block: an empty chunk");
    };
    let n = u16::from_be_bytes(*head);
    let mut bits = Bits::new(rest);
    let (mut t, mut delta, mut value) = (0i64, 0u64, 0u64);
    let (mut leading, mut trailing) = (0u32, 0u32);
    for i in 0..n {
        match i {
            0 => {
                t = bits.varint()?;
                value = bits.take(64)?;
            }
            1 => delta = bits.uvarint()?,
            _ => delta = delta.wrapping_add(bits.delta_of_delta()? as u64),
        }
        if i > 0 {
            let next = t.wrapping_add(delta as i64);
            if next <= t {
                return invalid("block: times of a chunk do not rise");
            }
            t = next;
            if bits.take(1)? == 1 {
                if bits.take(1)? == 1 {
                    leading = bits.take(5)? as u32;
                    let significant = match bits.take(6)? as u32 {
                        0 => 64,
                        some => some,
                    };
                    let Some(left) = 64u32.checked_sub(leading + significant) else {
                        return invalid("block: a value of more than 64 bits");
                    };
                    trailing = left;
                }
                value ^= bits.take(64 - leading - trailing)? << trailing;
            }
        }
        times.push(t);
        floats.push(f64::from_bits(value));
    }
    Ok(())
}

/// What a fuzzer calls.
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Ok(mut index) = BlockIndex::new(bytes) {
        while let Ok(Some(_)) = index.next_series() {}
    }
    let _refused = chunk(bytes, 8);
    let _refused = decode_xor(bytes, &mut Vec::new(), &mut Vec::new());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz(&bytes);
            let mut index = INDEX_MAGIC.to_be_bytes().to_vec();
            index.push(2);
            index.extend(&bytes);
            let crc = crc32c::crc32c(&index[index.len().saturating_sub(48)..]);
            index.extend(crc.to_be_bytes());
            fuzz(&index);
        }
    }
}
