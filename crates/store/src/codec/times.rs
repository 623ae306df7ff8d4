//! Columns of timestamps: strictly ascending i64 milliseconds, as an arithmetic progression, as a
//! grid with small residuals, or as differences (of differences), whatever is shortest. A range of
//! time is found by the page directory, without decoding the other pages.

use std::ops::Range;

use super::ints::{self, Coding, Pages};
use super::values::Packing;
use super::varint::{Cursor, put_i64};
use super::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES, dense};
use crate::{Error, Result};

const PROGRESSION: u8 = 1;
const PACKED: u8 = 2;
const DENSE: u8 = 3;

/// The content hash by which equal columns are found: xxh3-128 of the times as i64 LE.
pub fn content_hash(times: &[i64]) -> u128 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    let mut bytes = [0u8; 8 * 64];
    for chunk in times.chunks(64) {
        for (t, b) in chunk.iter().zip(bytes.chunks_exact_mut(8)) {
            b.copy_from_slice(&t.to_le_bytes());
        }
        hasher.update(&bytes[..8 * chunk.len()]);
    }
    hasher.digest128()
}

/// Appends the encoding of `times`: 1 to 8192, strictly ascending (the caller's promise),
/// bit-packed. Who encodes many columns keeps an [`Encoder`].
pub fn encode(times: &[i64], out: &mut Vec<u8>) {
    Encoder::default().encode(times, Packing::Quick, out);
}

/// Encodes columns, and keeps its room between them.
#[derive(Default)]
pub struct Encoder {
    column: Vec<i64>,
    grid: Vec<i64>,
    pages: Vec<u8>,
    dense: Vec<u8>,
}

impl Encoder {
    /// Appends the encoding of 1 to 8192 strictly ascending times.
    pub fn encode(&mut self, times: &[i64], packing: Packing, out: &mut Vec<u8>) {
        debug_assert!(!times.is_empty() && times.len() <= CHUNK_SAMPLES_MAX);
        let first = times[0];
        let step = times.get(1).map_or(0, |t| t.wrapping_sub(first));
        if residuals(times, first, step).all(|r| r == 0) {
            out.push(PROGRESSION);
            put_i64(out, first);
            return put_i64(out, step);
        }
        let (order, step, packed_bytes) = self.fill(times, first);
        let head = |codec, form, out: &mut Vec<u8>| {
            out.extend_from_slice(&[codec, form]);
            put_i64(out, first);
            put_i64(out, step);
        };
        if packing == Packing::Dense && times.len() >= PAGE_SAMPLES {
            self.dense.clear();
            let done = dense::encode(&self.column, order, &mut self.pages, &mut self.dense);
            if done && self.dense.len() < packed_bytes {
                head(DENSE, 0, out);
                return out.extend_from_slice(&self.dense);
            }
        }
        head(PACKED, (order as u8) << 4, out);
        ints::encode(&self.column, order, &mut self.pages, out);
    }

    /// Fills the column with what takes least; its order, step and about its bytes.
    fn fill(&mut self, times: &[i64], first: i64) -> (usize, i64, usize) {
        self.column.clear();
        self.column.extend(residuals(times, first, 0));
        let (order, bytes) = ints::best_order(&self.column);
        let span = times[times.len() - 1].wrapping_sub(first);
        let mean = span / (times.len() as i64 - 1).max(1);
        self.grid.clear();
        self.grid.extend(residuals(times, first, mean));
        let (grid_order, grid_bytes) = ints::best_order(&self.grid);
        if grid_bytes < bytes {
            std::mem::swap(&mut self.column, &mut self.grid);
            return (grid_order, mean, grid_bytes);
        }
        (order, 0, bytes)
    }
}

fn residuals(times: &[i64], first: i64, step: i64) -> impl Iterator<Item = i64> {
    times
        .iter()
        .enumerate()
        .map(move |(i, t)| t.wrapping_sub(first).wrapping_sub((i as i64).wrapping_mul(step)))
}

/// Appends the `n` times of a column to `out`.
///
/// # Errors
/// `Corrupt` when the bytes are not a column of `n` ascending times; `out` is then as before.
pub fn decode(bytes: &[u8], n: usize, out: &mut Vec<i64>) -> Result<()> {
    decode_range(bytes, n, 0..n, out)
}

/// Appends the times at the positions `want`.
///
/// # Errors
/// As [`decode`].
pub fn decode_range(bytes: &[u8], n: usize, want: Range<usize>, out: &mut Vec<i64>) -> Result<()> {
    let start = out.len();
    let done = Column::open(bytes, n).and_then(|c| c.decode(want, out));
    let ascending = out[start..].windows(2).all(|w| w[0] < w[1]);
    match done {
        Ok(()) if ascending => Ok(()),
        done => {
            out.truncate(start);
            Err(done.err().unwrap_or_else(|| Error::corrupt("times do not ascend")))
        }
    }
}

/// Appends the numbers at the positions `want` of a column that need not ascend.
///
/// # Errors
/// As [`decode`].
pub fn decode_unordered(
    bytes: &[u8],
    n: usize,
    want: Range<usize>,
    out: &mut Vec<i64>,
) -> Result<()> {
    Column::open(bytes, n)?.decode(want, out)
}

/// Where the times of each page of 480 lie, without decoding them: at or after the first, at or
/// before the second. Empty for a bit-packed column of one page.
///
/// # Errors
/// As [`decode`].
pub fn page_bounds(bytes: &[u8], n: usize) -> Result<Vec<(i64, i64)>> {
    Ok(Column::open(bytes, n)?.page_bounds())
}

/// A column before its pages are decoded.
struct Column<'a> {
    n: usize,
    first: i64,
    step: i64,
    /// What is added to the steps; nothing in a progression.
    pages: Option<Pages<'a>>,
}

impl<'a> Column<'a> {
    fn open(bytes: &'a [u8], n: usize) -> Result<Self> {
        if n > CHUNK_SAMPLES_MAX {
            return Err(Error::corrupt(format!(
                "column of {n} times, at most {CHUNK_SAMPLES_MAX}"
            )));
        }
        let mut c = Cursor::new(bytes);
        let coding = match c.u8()? {
            PROGRESSION => None,
            codec @ (PACKED | DENSE) => {
                let form = c.u8()?;
                let order = usize::from(form >> 4);
                if order > 2 || form & 0xf != 0 || (codec == DENSE && form != 0) {
                    return Err(Error::corrupt(format!("times of form {form:#x}")));
                }
                Some(if codec == DENSE { Coding::Dense } else { Coding::Packed(order) })
            }
            codec => return Err(Error::corrupt(format!("times of codec {codec}"))),
        };
        let (first, step) = (c.zigzag()?, c.zigzag()?);
        if coding.is_none() && !c.is_empty() {
            return Err(Error::corrupt("bytes after a progression of times"));
        }
        let pages = coding.map(|coding| Pages::open(c, n, coding)).transpose()?;
        Ok(Self { n, first, step, pages })
    }

    fn on_grid(&self, i: usize) -> i64 {
        self.first.wrapping_add(self.step.wrapping_mul(i as i64))
    }

    fn decode(self, want: Range<usize>, out: &mut Vec<i64>) -> Result<()> {
        let want = want.start.min(self.n)..want.end.min(self.n);
        let Some(pages) = self.pages else {
            out.extend(want.map(|i| self.on_grid(i)));
            return Ok(());
        };
        let (first, step) = (self.first, self.step);
        pages.want(want).decode(|at, ints| {
            let base = first.wrapping_add(step.wrapping_mul(at as i64));
            let time = |(i, k): (usize, &i64)| {
                base.wrapping_add(step.wrapping_mul(i as i64)).wrapping_add(*k)
            };
            out.extend(ints.iter().enumerate().map(time));
        })
    }

    fn page_bounds(&self) -> Vec<(i64, i64)> {
        let ends = |page: usize| {
            let from = page * PAGE_SAMPLES;
            (self.on_grid(from), self.on_grid((from + PAGE_SAMPLES).min(self.n) - 1))
        };
        match &self.pages {
            None => (0..self.n.div_ceil(PAGE_SAMPLES)).map(ends).collect(),
            Some(pages) => pages
                .bounds()
                .enumerate()
                .map(|(page, b)| {
                    let (first, last) = ends(page);
                    (first.wrapping_add(b.min), last.wrapping_add(b.max))
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_steady_grid_takes_few_bytes() {
        let times: Vec<i64> = (0..7680).map(|i| 1_763_683_200_000 + 15_000 * i).collect();
        let mut bytes = Vec::new();
        encode(&times, &mut bytes);
        assert!(bytes.len() <= 12, "{}", bytes.len());
    }

    #[test]
    fn jitter_is_entropy_coded_and_pages_are_found_in_it() {
        let times: Vec<i64> = (0..5760).map(|i| 15_000 * i + i * i * 7919 % 9).collect();
        let mut bytes = Vec::new();
        Encoder::default().encode(&times, Packing::Dense, &mut bytes);
        assert!(bytes[0] == DENSE && bytes.len() < 5760 * 4 / 8, "{}", bytes.len());
        let bounds = page_bounds(&bytes, times.len()).unwrap();
        assert_eq!(bounds.len(), 12);
        assert!(bounds[3].0 <= times[3 * 480] && bounds[3].0 > times[3 * 480 - 1]);
        let mut got = Vec::new();
        decode_range(&bytes, times.len(), 1000..1500, &mut got).unwrap();
        assert_eq!(got, times[1000..1500]);
    }

    #[test]
    fn times_that_fall_are_refused() {
        let mut bytes = Vec::new();
        encode(&[10, 20], &mut bytes);
        *bytes.last_mut().unwrap() = 1;
        assert!(decode(&bytes, 2, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn ascending_times_come_back(
            first in any::<i32>(),
            steps in proptest::collection::vec(prop_oneof![Just(15_000i64), 14_990i64..15_010, 1i64..1_000_000_000_000], 0..1200),
        ) {
            let mut times = vec![i64::from(first)];
            for s in steps {
                times.push(times[times.len() - 1] + s);
            }
            for packing in [Packing::Quick, Packing::Dense] {
                let mut bytes = Vec::new();
                Encoder::default().encode(&times, packing, &mut bytes);
                let mut got = Vec::new();
                decode(&bytes, times.len(), &mut got).unwrap();
                prop_assert_eq!(&got, &times);
                let bounds = page_bounds(&bytes, times.len()).unwrap();
                for (page, (low, high)) in times.chunks(PAGE_SAMPLES).zip(bounds) {
                    prop_assert!(low <= page[0] && page[page.len() - 1] <= high);
                }
            }
        }
    }
}
