//! Columns of values: every f64 comes back bit by bit.
//!
//! A chunk whose values are decimals of up to 12 places becomes integers (value = m / 10^e, one
//! correctly rounded division), less a base, divided by a common divisor, bit-packed. What no
//! mantissa gives back exactly (-0.0, NaN, staleness markers, infinities, long doubles) stands in a
//! short list of exceptions; chunks with many such are packed as ordered bit patterns. Where it pays
//! the integers are entropy-coded instead.

use std::ops::Range;

use super::CHUNK_SAMPLES_MAX;
use super::ints::{Coding, Pages};
use super::varint::Cursor;
use crate::{Error, Result};

mod encode;
mod figures;

pub use encode::Encoder;
pub use figures::{PageFigures, page_figures};

const CONSTANT: u8 = 0;
const PROGRESSION: u8 = 1;
const PACKED: u8 = 2;
const DENSE: u8 = 3;
const RAW: u8 = 5;
/// Exponent that stands for ordered bit patterns instead of decimals.
const BITS: u8 = 15;
/// Exponent of a constant that is kept as its bits.
const NO_MANTISSA: u8 = 255;
const FORM_EXCEPTIONS: u8 = 1 << 6;
/// Decimal places at most.
const EXP_MAX: usize = 12;
/// Mantissas stay below this, so that their conversion to f64 is exact.
const MANTISSA_LIMIT: i64 = 1 << 53;
/// Bytes that one exception costs.
const EXCEPTION_COST: f64 = 9.0;
/// Bytes per sample that one more decimal place costs: log2(10) / 8.
const PLACE_COST: f64 = 0.415;
const TEN: [f64; EXP_MAX + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Exceptions that a chunk of `n` may hold.
fn exceptions_max(n: usize) -> usize {
    (n / 100).max(4)
}

/// Order-preserving map between bit patterns of doubles and integers; its own inverse.
#[inline]
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

/// How hard a writer tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Bit-packing only: for chunks that are written often or read soon.
    Quick,
    /// Entropy coding where it pays: for parts that stay.
    Dense,
}

/// Appends the encoding of 1 to 8192 values, bit-packed. Who encodes many chunks keeps an
/// [`Encoder`].
pub fn encode(values: &[f64], out: &mut Vec<u8>) {
    Encoder::new().encode(values, Packing::Quick, out);
}

/// Appends the `n` values of a chunk to `out`.
///
/// # Errors
/// `Corrupt` when the bytes are not a chunk of `n` values; `out` is then as before.
pub fn decode(bytes: &[u8], n: usize, out: &mut Vec<f64>) -> Result<()> {
    decode_range(bytes, n, 0..n, out)
}

/// Appends the values at the positions `want`, decoding only the pages that hold them.
///
/// # Errors
/// As [`decode`].
pub fn decode_range(bytes: &[u8], n: usize, want: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
    if n == 0 || n > CHUNK_SAMPLES_MAX {
        return Err(Error::corrupt(format!("chunk of {n} samples, of 1..={CHUNK_SAMPLES_MAX}")));
    }
    let start = out.len();
    let want = want.start.min(n)..want.end.min(n);
    let done = decode_into(bytes, n, want, out);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

fn decode_into(bytes: &[u8], n: usize, want: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
    let mut c = Cursor::new(bytes);
    match c.u8()? {
        CONSTANT => {
            let value = read_constant(&mut c)?;
            out.resize(out.len() + want.len(), value);
            end_of(c)
        }
        PROGRESSION => {
            let ten = read_exponent(c.u8()?)?;
            let (first, step) = (c.zigzag()?, c.zigzag()?);
            let at = |i: usize| first.wrapping_add((i as i64).wrapping_mul(step)) as f64 / ten;
            out.extend(want.map(at));
            end_of(c)
        }
        codec @ (PACKED | DENSE) => decode_packed(c, codec, n, want, out),
        RAW => {
            let raw = c.take(8 * n)?;
            end_of(c)?;
            out.extend(raw[8 * want.start..8 * want.end].chunks_exact(8).map(f64_of));
            Ok(())
        }
        codec => Err(Error::corrupt(format!("values of codec {codec}"))),
    }
}

fn f64_of(b: &[u8]) -> f64 {
    let mut a = [0; 8];
    a.copy_from_slice(b);
    f64::from_le_bytes(a)
}

fn end_of(c: Cursor<'_>) -> Result<()> {
    match c.left() {
        0 => Ok(()),
        n => Err(Error::corrupt(format!("{n} bytes after a chunk"))),
    }
}

fn read_exponent(e: u8) -> Result<f64> {
    TEN.get(usize::from(e)).copied().ok_or_else(|| Error::corrupt(format!("exponent {e}")))
}

fn read_constant(c: &mut Cursor<'_>) -> Result<f64> {
    match c.u8()? {
        NO_MANTISSA => Ok(f64::from_bits(c.u64()?)),
        e => Ok(c.zigzag()? as f64
            / TEN.get(usize::from(e)).copied().map_or_else(|| read_exponent(e), Ok)?),
    }
}

/// The head of a chunk of integers, and its pages.
struct Packed<'a> {
    exp: u8,
    divisor: i64,
    base: i64,
    exceptions: Vec<(usize, u64)>,
    pages: Pages<'a>,
}

impl<'a> Packed<'a> {
    fn open(mut c: Cursor<'a>, codec: u8, n: usize) -> Result<Self> {
        let form = c.u8()?;
        let (exp, order) = (form & 0xf, usize::from(form >> 4 & 3));
        if form & 0x80 != 0 || order > 2 || (codec == DENSE && order > 0) {
            return Err(Error::corrupt(format!("chunk of form {form:#x}")));
        }
        let (divisor, base) = (c.varint()? as i64, c.zigzag()?);
        let mut exceptions = Vec::new();
        if form & FORM_EXCEPTIONS != 0 {
            exceptions = read_exceptions(&mut c, n)?;
        }
        let coding = if codec == DENSE { Coding::Dense } else { Coding::Packed(order) };
        Ok(Self { exp, divisor, base, exceptions, pages: Pages::open(c, n, coding)? })
    }

    fn integer(&self, k: i64) -> i64 {
        self.base.wrapping_add(self.divisor.wrapping_mul(k))
    }
}

fn decode_packed(
    c: Cursor<'_>,
    codec: u8,
    n: usize,
    want: Range<usize>,
    out: &mut Vec<f64>,
) -> Result<()> {
    let mut chunk = Packed::open(c, codec, n)?;
    chunk.pages = chunk.pages.want(want.clone());
    let start = out.len();
    if chunk.exp == BITS {
        chunk.pages.decode(|_, ints| {
            out.extend(ints.iter().map(|k| f64::from_bits(ordered(chunk.integer(*k)) as u64)));
        })?;
    } else {
        let ten = read_exponent(chunk.exp)?;
        chunk.pages.decode(|_, ints| put_decimals(ints, chunk.base, chunk.divisor, ten, out))?;
    }
    for (at, bits) in chunk.exceptions.into_iter().filter(|(at, _)| want.contains(at)) {
        out[start + at - want.start] = f64::from_bits(bits);
    }
    Ok(())
}

fn put_decimals(ints: &[i64], base: i64, divisor: i64, ten: f64, out: &mut Vec<f64>) {
    let value = |k: &i64| base.wrapping_add(divisor.wrapping_mul(*k)) as f64;
    if ten == 1.0 {
        out.extend(ints.iter().map(value));
    } else {
        out.extend(ints.iter().map(|k| value(k) / ten));
    }
}

fn read_exceptions(c: &mut Cursor<'_>, n: usize) -> Result<Vec<(usize, u64)>> {
    let count = c.bounded("exceptions", exceptions_max(n))?;
    let mut list = Vec::with_capacity(count);
    let mut at = 0;
    for i in 0..count {
        let gap = c.bounded("exception position", n)?;
        at += gap;
        if (i > 0 && gap == 0) || at >= n {
            return Err(Error::corrupt(format!("exception at {at} of {n}")));
        }
        list.push((at, c.u64()?));
    }
    Ok(list)
}

/// Fuzz target: any bytes as a chunk of values and as a column of times. The first two bytes say
/// how many samples are asked for.
pub fn chunk_decode(bytes: &[u8]) {
    let [a, b, rest @ ..] = bytes else { return };
    let n = usize::from(u16::from_le_bytes([*a, *b])) % (CHUNK_SAMPLES_MAX + 2);
    let mut values = Vec::new();
    if decode(rest, n, &mut values).is_ok() {
        assert_eq!(values.len(), n);
    }
    let _figures = page_figures(rest, n);
    let mut times = Vec::new();
    if super::times::decode(rest, n, &mut times).is_ok() {
        assert_eq!(times.len(), n);
    }
}

#[cfg(test)]
mod tests;
