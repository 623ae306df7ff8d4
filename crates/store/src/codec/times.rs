//! Columns of timestamps: strictly ascending i64 milliseconds, as an arithmetic progression, as a
//! grid with small residuals, or as differences (of differences), whatever is shortest.

use std::ops::Range;

use super::CHUNK_SAMPLES_MAX;
use super::ints::{self, Pages};
use super::varint::{Cursor, put_i64};
use crate::{Error, Result};

const PROGRESSION: u8 = 1;
const PACKED: u8 = 2;

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

/// Appends the encoding of `times`: 1 to 8192, strictly ascending (the caller's promise).
pub fn encode(times: &[i64], out: &mut Vec<u8>) {
    debug_assert!(!times.is_empty() && times.len() <= CHUNK_SAMPLES_MAX);
    let first = times[0];
    let step = times.get(1).map_or(0, |t| t.wrapping_sub(first));
    if residuals(times, first, step).all(|r| r == 0) {
        out.push(PROGRESSION);
        put_i64(out, first);
        return put_i64(out, step);
    }
    let from_first: Vec<i64> = residuals(times, first, 0).collect();
    let (mut order, bytes) = ints::best_order(&from_first);
    let span = times[times.len() - 1].wrapping_sub(first);
    let mean = span / (times.len() as i64 - 1).max(1);
    let grid: Vec<i64> = residuals(times, first, mean).collect();
    let (grid_order, grid_bytes) = ints::best_order(&grid);
    let (mut step, mut column) = (0, from_first);
    if grid_bytes < bytes {
        (order, step, column) = (grid_order, mean, grid);
    }
    out.push(PACKED);
    out.push((order as u8) << 4);
    put_i64(out, first);
    put_i64(out, std::mem::take(&mut step));
    ints::encode(&column, order, out);
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
    if n > CHUNK_SAMPLES_MAX {
        return Err(Error::corrupt(format!("column of {n} times, at most {CHUNK_SAMPLES_MAX}")));
    }
    let start = out.len();
    let want = want.start.min(n)..want.end.min(n);
    let done = decode_into(bytes, n, want, out);
    let ascending = out[start..].windows(2).all(|w| w[0] < w[1]);
    match done {
        Ok(()) if ascending => Ok(()),
        done => {
            out.truncate(start);
            Err(done.err().unwrap_or_else(|| Error::corrupt("times do not ascend")))
        }
    }
}

fn decode_into(bytes: &[u8], n: usize, want: Range<usize>, out: &mut Vec<i64>) -> Result<()> {
    let mut c = Cursor::new(bytes);
    match c.u8()? {
        PROGRESSION => {
            let (first, step) = (c.zigzag()?, c.zigzag()?);
            if !c.is_empty() {
                return Err(Error::corrupt("bytes after a progression of times"));
            }
            out.extend(want.map(|i| first.wrapping_add((i as i64).wrapping_mul(step))));
            Ok(())
        }
        PACKED => {
            let form = c.u8()?;
            let order = usize::from(form >> 4);
            if order > 2 || form & 0xf != 0 {
                return Err(Error::corrupt(format!("times of form {form:#x}")));
            }
            let (base, step) = (c.zigzag()?, c.zigzag()?);
            Pages::open(c, n)?.want(want).decode(order, |at, ints| {
                out.extend(ints.iter().enumerate().map(|(i, k)| {
                    base.wrapping_add(step.wrapping_mul((at + i) as i64)).wrapping_add(*k)
                }));
            })
        }
        codec => Err(Error::corrupt(format!("times of codec {codec}"))),
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
            let mut bytes = Vec::new();
            encode(&times, &mut bytes);
            let mut got = Vec::new();
            decode(&bytes, times.len(), &mut got).unwrap();
            prop_assert_eq!(got, times);
        }
    }
}
