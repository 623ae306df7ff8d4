//! Columns of integers: pages of 480, each of which decodes alone; in them blocks of 128, bit-packed
//! above their minimum after 0, 1 or 2 rounds of differences.
//!
//! Arithmetic wraps on both sides, so that every column of i64 comes back exactly.

use std::ops::Range;

use super::varint::{Cursor, put_i64, put_u64};
use super::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES};
use crate::{Error, Result};

/// Integers that share a width.
const BLOCK: usize = 128;
/// Bytes of a packed block of width 64.
const BLOCK_BYTES: usize = BLOCK * 8;
/// Bytes of a page at most: heads, and per block width, minimum and bits.
const PAGE_BYTES_MAX: usize = 32 + PAGE_SAMPLES.div_ceil(BLOCK) * (BLOCK_BYTES + 11);

/// Appends directory and pages of `ints` with delta order `order` (0..=2).
pub(crate) fn encode(ints: &[i64], order: usize, out: &mut Vec<u8>) {
    if ints.len() <= PAGE_SAMPLES {
        return encode_page(ints, order, out);
    }
    let mut pages = Vec::with_capacity(ints.len() * 2);
    for page in ints.chunks(PAGE_SAMPLES) {
        let from = pages.len();
        encode_page(page, order, &mut pages);
        let (min, max) = bounds(page);
        put_u64(out, (pages.len() - from) as u64);
        put_i64(out, min);
        put_u64(out, max.wrapping_sub(min) as u64);
    }
    out.extend_from_slice(&pages);
}

/// The delta order that takes the fewest bits, and about how many bytes it takes.
pub(crate) fn best_order(ints: &[i64]) -> (usize, usize) {
    let mut work = ints.to_vec();
    let mut best = (0, packed_bytes(&work));
    for order in 1..=2.min(ints.len().saturating_sub(1)) {
        for i in (order..work.len()).rev() {
            work[i] = work[i].wrapping_sub(work[i - 1]);
        }
        let bytes = packed_bytes(&work[order..]);
        if bytes < best.1 {
            best = (order, bytes);
        }
    }
    best
}

fn packed_bytes(ints: &[i64]) -> usize {
    ints.chunks(BLOCK).map(|b| 2 + (b.len() * width_of(b).1 as usize).div_ceil(8)).sum()
}

fn bounds(ints: &[i64]) -> (i64, i64) {
    ints.iter().fold((i64::MAX, i64::MIN), |(lo, hi), &v| (lo.min(v), hi.max(v)))
}

fn width_of(block: &[i64]) -> (i64, u32) {
    let (min, max) = bounds(block);
    (min, 64 - (max.wrapping_sub(min) as u64).leading_zeros())
}

fn encode_page(page: &[i64], order: usize, out: &mut Vec<u8>) {
    let mut work = [0i64; PAGE_SAMPLES];
    let work = &mut work[..page.len()];
    work.copy_from_slice(page);
    let heads = order.min(page.len());
    for round in 1..=heads {
        for i in (round..work.len()).rev() {
            work[i] = work[i].wrapping_sub(work[i - 1]);
        }
    }
    for &head in &work[..heads] {
        put_i64(out, head);
    }
    for block in work[heads..].chunks(BLOCK) {
        let (min, width) = width_of(block);
        out.push(width as u8);
        put_i64(out, min);
        pack(block, min, width, out);
    }
}

fn pack(block: &[i64], min: i64, width: u32, out: &mut Vec<u8>) {
    let mut acc = 0u128;
    let mut bits = 0;
    for &v in block {
        acc |= u128::from(v.wrapping_sub(min) as u64) << bits;
        bits += width;
        while bits >= 8 {
            out.push(acc as u8);
            acc >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(acc as u8);
    }
}

/// Reads the pages of a column of `n` integers as far as `want` needs them.
pub(crate) struct Pages<'a> {
    n: usize,
    want: Range<usize>,
    /// Bytes of each page.
    lens: Vec<usize>,
    bytes: &'a [u8],
}

impl<'a> Pages<'a> {
    /// `c` stands at the directory (or the only page) of a column of `n` integers.
    pub(crate) fn open(mut c: Cursor<'a>, n: usize) -> Result<Self> {
        if n > CHUNK_SAMPLES_MAX {
            return Err(Error::corrupt(format!(
                "chunk of {n} samples, at most {CHUNK_SAMPLES_MAX}"
            )));
        }
        let pages = n.div_ceil(PAGE_SAMPLES);
        let mut lens = Vec::with_capacity(pages);
        if pages > 1 {
            for _ in 0..pages {
                lens.push(c.bounded("page length", PAGE_BYTES_MAX)?);
                // Bounds of the integers: for whoever asks about pages without decoding them.
                let (_min, _span) = (c.zigzag()?, c.varint()?);
            }
        } else {
            lens.push(c.left());
        }
        let total: usize = lens.iter().sum();
        if total != c.left() {
            return Err(Error::corrupt(format!("pages of {total} bytes in {} bytes", c.left())));
        }
        Ok(Self { n, want: 0..n, lens, bytes: c.rest() })
    }

    /// Only these positions are wanted.
    pub(crate) fn want(mut self, want: Range<usize>) -> Self {
        self.want = want.start.min(self.n)..want.end.min(self.n);
        self
    }

    /// Calls `take(position of the first, integers)` per page that holds wanted positions, with the
    /// wanted ones only.
    pub(crate) fn decode(&self, order: usize, mut take: impl FnMut(usize, &[i64])) -> Result<()> {
        let mut page = [0i64; PAGE_SAMPLES];
        let mut at = 0;
        for (i, bytes) in self.lens.iter().enumerate() {
            let first = i * PAGE_SAMPLES;
            let len = PAGE_SAMPLES.min(self.n - first);
            let (from, to) = (self.want.start.max(first), self.want.end.min(first + len));
            if from < to {
                decode_page(&self.bytes[at..at + bytes], order, &mut page[..len])?;
                take(from, &page[from - first..to - first]);
            }
            at += bytes;
        }
        Ok(())
    }
}

fn decode_page(bytes: &[u8], order: usize, out: &mut [i64]) -> Result<()> {
    let mut c = Cursor::new(bytes);
    let heads = order.min(out.len());
    for head in &mut out[..heads] {
        *head = c.zigzag()?;
    }
    for block in out[heads..].chunks_mut(BLOCK) {
        let width = usize::from(c.u8()?);
        if width > 64 {
            return Err(Error::corrupt(format!("block of width {width}")));
        }
        let min = c.zigzag()?;
        unpack(c.take((block.len() * width).div_ceil(8))?, width, min, block);
    }
    if !c.is_empty() {
        return Err(Error::corrupt(format!("{} bytes after a page", c.left())));
    }
    for round in (1..=heads).rev() {
        let mut sum = out[round - 1];
        for v in &mut out[round..] {
            sum = sum.wrapping_add(*v);
            *v = sum;
        }
    }
    Ok(())
}

/// `bytes` are exactly those of the block.
fn unpack(bytes: &[u8], width: usize, min: i64, out: &mut [i64]) {
    if width == 0 {
        return out.fill(min);
    }
    let mut padded = [0u8; BLOCK_BYTES + 16];
    padded[..bytes.len()].copy_from_slice(bytes);
    let mask = u64::MAX >> (64 - width);
    let word = |at: usize| {
        let mut w = [0; 8];
        w.copy_from_slice(&padded[at..at + 8]);
        u64::from_le_bytes(w)
    };
    if width <= 56 {
        for (i, v) in out.iter_mut().enumerate() {
            let bit = i * width;
            *v = min.wrapping_add(((word(bit >> 3) >> (bit & 7)) & mask) as i64);
        }
        return;
    }
    for (i, v) in out.iter_mut().enumerate() {
        let (at, shift) = ((i * width) >> 3, (i * width) & 7);
        let both = (u128::from(padded[at + 8]) << 64) | u128::from(word(at));
        *v = min.wrapping_add(((both >> shift) as u64 & mask) as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(ints: &[i64], order: usize, want: Range<usize>) -> Vec<i64> {
        let mut bytes = Vec::new();
        encode(ints, order, &mut bytes);
        let mut got = Vec::new();
        let pages = Pages::open(Cursor::new(&bytes), ints.len()).unwrap().want(want);
        pages.decode(order, |_, v| got.extend_from_slice(v)).unwrap();
        got
    }

    #[test]
    fn every_width_comes_back() {
        for width in 0..=64u32 {
            let top = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            let ints: Vec<i64> =
                (0..200u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & top) as i64).collect();
            for order in 0..=2 {
                assert_eq!(back(&ints, order, 0..200), ints, "width {width} order {order}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_column_and_any_slice_of_it_comes_back(
            ints in proptest::collection::vec(prop_oneof![any::<i64>(), -50i64..50], 1..1500),
            order in 0usize..=2, a in 0usize..1500, b in 0usize..1500,
        ) {
            let (a, b) = (a.min(b).min(ints.len()), a.max(b).min(ints.len()));
            prop_assert_eq!(back(&ints, order, a..b), &ints[a..b]);
        }
    }
}
