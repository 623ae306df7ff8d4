//! What a chunk of values tells without decoding its pages.

use super::{
    BITS, CONSTANT, DENSE, PACKED, PROGRESSION, Packed, end_of, ordered, read_constant,
    read_exponent,
};
use crate::codec::varint::Cursor;
use crate::codec::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES};
use crate::{Error, Result};

/// Figures over the samples of one page; NaN where a figure is not known. There is no NaN and no
/// staleness marker among the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageFigures {
    /// Samples.
    pub count: u32,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Sum of the values before each fall.
    pub corr: f64,
}

/// For each page of a chunk of `n` values its figures, or nothing where none are known.
///
/// # Errors
/// `Corrupt` when the bytes are not a chunk of `n` values.
pub fn page_figures(bytes: &[u8], n: usize) -> Result<Vec<Option<PageFigures>>> {
    if n == 0 || n > CHUNK_SAMPLES_MAX {
        return Err(Error::corrupt(format!("chunk of {n} samples, of 1..={CHUNK_SAMPLES_MAX}")));
    }
    let mut c = Cursor::new(bytes);
    let pages = n.div_ceil(PAGE_SAMPLES);
    match c.u8()? {
        CONSTANT => {
            let v = read_constant(&mut c)?;
            end_of(c)?;
            let page = |p| line(p, n, v, v);
            Ok((0..pages).map(page).collect())
        }
        PROGRESSION => {
            let ten = read_exponent(c.u8()?)?;
            let (first, step) = (c.zigzag()?, c.zigzag()?);
            end_of(c)?;
            let at = |i: usize| first.wrapping_add((i as i64).wrapping_mul(step)) as f64 / ten;
            let page = |p: usize| {
                line(p, n, at(p * PAGE_SAMPLES), at(((p + 1) * PAGE_SAMPLES).min(n) - 1))
            };
            Ok((0..pages).map(page).collect())
        }
        codec @ (PACKED | DENSE) => {
            let chunk = Packed::open(c, codec, n)?;
            let mut list = vec![None; pages];
            for (p, bounds) in chunk.pages.bounds().enumerate() {
                list[p] = packed(&chunk, p, n, bounds.min, bounds.max);
            }
            Ok(list)
        }
        _ => Ok(vec![None; pages]),
    }
}

fn count(page: usize, n: usize) -> u32 {
    PAGE_SAMPLES.min(n - page * PAGE_SAMPLES) as u32
}

/// A page whose values go straight from one to the other.
fn line(page: usize, n: usize, first: f64, last: f64) -> Option<PageFigures> {
    let known = !first.is_nan() && !last.is_nan();
    let corr = if last < first { f64::NAN } else { 0.0 };
    let (min, max) = (first.min(last), first.max(last));
    known.then_some(PageFigures { count: count(page, n), min, max, first, last, corr })
}

fn packed(chunk: &Packed<'_>, page: usize, n: usize, low: i64, high: i64) -> Option<PageFigures> {
    let from = page * PAGE_SAMPLES;
    let count = count(page, n);
    let inside = |at: &usize| (from..from + count as usize).contains(at);
    if chunk.exceptions.iter().any(|(at, _)| inside(at)) || chunk.divisor <= 0 {
        return None;
    }
    let value = |k: i64| {
        let m = chunk.base.checked_add(chunk.divisor.checked_mul(k)?)?;
        Some(match chunk.exp {
            BITS => f64::from_bits(ordered(m) as u64),
            e => m as f64 / read_exponent(e).ok()?,
        })
    };
    let (min, max) = (value(low)?, value(high)?);
    let nan = f64::NAN;
    let known = !min.is_nan() && !max.is_nan();
    known.then_some(PageFigures { count, min, max, first: nan, last: nan, corr: nan })
}
