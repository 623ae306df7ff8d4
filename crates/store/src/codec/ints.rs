//! Columns of integers: pages of 480, each of which decodes alone; in them blocks of 128, bit-packed
//! above their minimum after 0, 1 or 2 rounds of differences, or all pages entropy-coded
//! ([`super::dense`]).
//!
//! Arithmetic wraps on both sides, so that every column of i64 comes back exactly.

use std::ops::Range;

use super::bits::{self, BLOCK};
use super::dense::Dense;
use super::varint::{Cursor, put_i64, put_u64};
use super::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES};
use crate::{Error, Result};

/// Bytes of a page at most: heads, and per block width, minimum and bits; dense pages are shorter.
const PAGE_BYTES_MAX: usize = 64 + PAGE_SAMPLES.div_ceil(BLOCK) * (BLOCK * 8 + 11);
/// Of a long column every fourth block is asked which order of differences suits it.
const SAMPLED_BLOCKS: usize = 4;
/// Columns of more integers than this count as long.
const LONG: usize = 8 * BLOCK;

/// Appends directory and pages of `ints` with delta order `order` (0..=2). `pages` is room.
pub(crate) fn encode(ints: &[i64], order: usize, pages: &mut Vec<u8>, out: &mut Vec<u8>) {
    if ints.len() <= PAGE_SAMPLES {
        return encode_page(ints, order, out);
    }
    pages.clear();
    for page in ints.chunks(PAGE_SAMPLES) {
        let from = pages.len();
        encode_page(page, order, pages);
        put_directory(page, pages.len() - from, out);
    }
    out.extend_from_slice(pages);
}

/// Appends the entry of a page in the directory: its bytes, and the bounds of its integers.
pub(super) fn put_directory(page: &[i64], bytes: usize, out: &mut Vec<u8>) {
    let (min, max) = bounds(page);
    put_u64(out, bytes as u64);
    put_i64(out, min);
    put_u64(out, max.wrapping_sub(min) as u64);
}

/// The delta order that takes the fewest bits, and about how many bytes it takes. Long columns are
/// judged by a sample of their blocks.
pub(crate) fn best_order(ints: &[i64]) -> (usize, usize) {
    let every = if ints.len() > LONG { SAMPLED_BLOCKS } else { 1 };
    let mut bytes = [0usize; 3];
    for from in (0..ints.len()).step_by(BLOCK * every) {
        let sums = packed_bytes(ints, from..(from + BLOCK).min(ints.len()));
        for (sum, more) in bytes.iter_mut().zip(sums) {
            *sum += more;
        }
    }
    let orders = ints.len().min(3);
    let best = (0..orders).min_by_key(|o| bytes[*o]).unwrap_or(0);
    (best, bytes[best] * every)
}

/// Bytes of the block at `at` after 0, 1 and 2 rounds of differences.
fn packed_bytes(ints: &[i64], at: Range<usize>) -> [usize; 3] {
    let (mut low, mut high) = ([i64::MAX; 3], [i64::MIN; 3]);
    let mut see = |order: usize, v: i64| {
        low[order] = low[order].min(v);
        high[order] = high[order].max(v);
    };
    let (mut v1, mut d1) = match at.start {
        0 => (0, 0),
        1 => (ints[0], 0),
        i => (ints[i - 1], ints[i - 1].wrapping_sub(ints[i - 2])),
    };
    for i in at.clone() {
        let v = ints[i];
        let d = v.wrapping_sub(v1);
        see(0, v);
        if i >= 2 {
            see(1, d);
            see(2, d.wrapping_sub(d1));
        } else if i == 1 {
            see(1, d);
        }
        (v1, d1) = (v, d);
    }
    let mut sums = [0; 3];
    for (order, sum) in sums.iter_mut().enumerate() {
        let heads = order.saturating_sub(at.start).min(at.len());
        let width = match low[order] <= high[order] {
            true => 64 - (high[order].wrapping_sub(low[order]) as u64).leading_zeros(),
            false => 0,
        };
        *sum = 2 + bits::packed_len(at.len() - heads, width as usize);
    }
    sums
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
    let heads = order.min(page.len());
    differences(page, heads, work);
    for &head in &work[..heads] {
        put_i64(out, head);
    }
    for block in work[heads..].chunks(BLOCK) {
        let (min, width) = width_of(block);
        out.push(width as u8);
        put_i64(out, min);
        bits::pack(block, min, width, out);
    }
}

/// `order` rounds of differences; the first ones of each round stay in front.
fn differences(page: &[i64], order: usize, out: &mut [i64]) {
    out.copy_from_slice(page);
    if order >= 1 {
        for (o, w) in out[1..].iter_mut().zip(page.windows(2)) {
            *o = w[1].wrapping_sub(w[0]);
        }
    }
    if order >= 2 {
        for (o, w) in out[2..].iter_mut().zip(page.windows(3)) {
            *o = w[2].wrapping_sub(w[1]).wrapping_sub(w[1].wrapping_sub(w[0]));
        }
    }
}

/// Bounds of the integers of a page, from the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageBounds {
    pub min: i64,
    pub max: i64,
}

/// How the pages of a column are coded.
pub(crate) enum Coding {
    /// Bit-packed after so many rounds of differences.
    Packed(usize),
    /// Entropy-coded.
    Dense,
}

/// Reads the pages of a column of `n` integers as far as `want` needs them.
pub(crate) struct Pages<'a> {
    n: usize,
    want: Range<usize>,
    /// Bytes of each page, and its bounds where there is a directory.
    pages: Vec<(usize, Option<PageBounds>)>,
    coding: Coding,
    /// What dense pages need to be read.
    meta: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Pages<'a> {
    /// `c` stands at the directory (or the only page) of a column of `n` integers.
    pub(crate) fn open(mut c: Cursor<'a>, n: usize, coding: Coding) -> Result<Self> {
        if n > CHUNK_SAMPLES_MAX {
            return Err(Error::corrupt(format!(
                "chunk of {n} samples, at most {CHUNK_SAMPLES_MAX}"
            )));
        }
        let count = n.div_ceil(PAGE_SAMPLES);
        let mut pages = Vec::with_capacity(count);
        if count > 1 {
            for _ in 0..count {
                let len = c.bounded("page length", PAGE_BYTES_MAX)?;
                let (min, span) = (c.zigzag()?, c.varint()?);
                pages.push((len, Some(PageBounds { min, max: min.wrapping_add(span as i64) })));
            }
        }
        let mut meta: &[u8] = &[];
        if let Coding::Dense = coding {
            let len = c.bounded("coding tables", c.left())?;
            meta = c.take(len)?;
        }
        if count <= 1 {
            pages.push((c.left(), None));
        }
        let total: usize = pages.iter().map(|p| p.0).sum();
        if total != c.left() {
            return Err(Error::corrupt(format!("pages of {total} bytes in {} bytes", c.left())));
        }
        Ok(Self { n, want: 0..n, pages, coding, meta, bytes: c.rest() })
    }

    /// Only these positions are wanted.
    pub(crate) fn want(mut self, want: Range<usize>) -> Self {
        self.want = want.start.min(self.n)..want.end.min(self.n);
        self
    }

    /// Bounds of each page; nothing where the column is a single one.
    pub(crate) fn bounds(&self) -> impl Iterator<Item = PageBounds> {
        self.pages.iter().filter_map(|p| p.1)
    }

    /// Calls `take(position of the first, integers)` per page that holds wanted positions, with the
    /// wanted ones only.
    pub(crate) fn decode(&self, mut take: impl FnMut(usize, &[i64])) -> Result<()> {
        let mut page = [0i64; PAGE_SAMPLES];
        let mut dense = match self.coding {
            Coding::Dense => Some(Dense::open(self.meta)?),
            Coding::Packed(_) => None,
        };
        let mut at = 0;
        for (i, (bytes, _)) in self.pages.iter().enumerate() {
            let first = i * PAGE_SAMPLES;
            let len = PAGE_SAMPLES.min(self.n - first);
            let (from, to) = (self.want.start.max(first), self.want.end.min(first + len));
            if from < to {
                let bytes = &self.bytes[at..at + bytes];
                match (&mut dense, &self.coding) {
                    (Some(dense), _) => dense.page(bytes, &mut page[..len], to - first)?,
                    (None, Coding::Packed(order)) => decode_page(bytes, *order, &mut page[..len])?,
                    (None, Coding::Dense) => {}
                }
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
        let rest = c.rest();
        c.take(bits::packed_len(block.len(), width))?;
        bits::unpack(rest, width, min, block);
    }
    if !c.is_empty() {
        return Err(Error::corrupt(format!("{} bytes after a page", c.left())));
    }
    sum_up(out, heads);
    Ok(())
}

/// Takes back `order` rounds of differences.
fn sum_up(out: &mut [i64], order: usize) {
    match order {
        0 => {}
        1 => {
            let mut v = out[0];
            for d in &mut out[1..] {
                v = v.wrapping_add(*d);
                *d = v;
            }
        }
        _ => {
            let mut d = out[1];
            let mut v = out[0].wrapping_add(d);
            out[1] = v;
            for dd in &mut out[2..] {
                d = d.wrapping_add(*dd);
                v = v.wrapping_add(d);
                *dd = v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(ints: &[i64], order: usize, want: Range<usize>) -> Vec<i64> {
        let mut bytes = Vec::new();
        encode(ints, order, &mut Vec::new(), &mut bytes);
        let mut got = Vec::new();
        let coding = Coding::Packed(order);
        let pages = Pages::open(Cursor::new(&bytes), ints.len(), coding).unwrap().want(want);
        pages.decode(|_, v| got.extend_from_slice(v)).unwrap();
        for (page, b) in ints.chunks(PAGE_SAMPLES).zip(pages.bounds()) {
            assert_eq!((b.min, b.max), bounds(page));
        }
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

    #[test]
    fn the_order_fits_the_shape() {
        let line: Vec<i64> = (0..300).map(|i| 1000 * i + i * 7919 % 5).collect();
        let square: Vec<i64> = (0..300).map(|i| i * i * 3000 + i * 7919 % 3).collect();
        let noise: Vec<i64> = (0..300).map(|i| i * i * 7919 % 1000).collect();
        for (ints, order) in [(line, 1), (square, 2), (noise, 0)] {
            assert_eq!(best_order(&ints).0, order);
        }
        assert_eq!(best_order(&[5]), (0, 2));
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
