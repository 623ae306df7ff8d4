//! Columns of values: every f64 comes back bit by bit.
//!
//! A chunk whose values are decimals of up to 12 places becomes integers (value = m / 10^e, one
//! correctly rounded division), less a base, divided by a common divisor, bit-packed. What no
//! mantissa gives back exactly (-0.0, NaN, staleness markers, infinities, long doubles) stands in a
//! short list of exceptions; chunks with many such are packed as ordered bit patterns.

use std::ops::Range;

use super::CHUNK_SAMPLES_MAX;
use super::ints::{self, Pages};
use super::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

const CONSTANT: u8 = 0;
const PROGRESSION: u8 = 1;
const PACKED: u8 = 2;
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

/// The mantissa that gives back the very bits of `v` with exponent `e`.
#[inline]
fn mantissa(v: f64, e: usize) -> Option<i64> {
    let m = (v * TEN[e]).round_ties_even() as i64;
    let fits = -MANTISSA_LIMIT < m && m < MANTISSA_LIMIT;
    (fits && (m as f64 / TEN[e]).to_bits() == v.to_bits()).then_some(m)
}

/// Order-preserving map between bit patterns of doubles and integers; its own inverse.
#[inline]
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

/// Appends the encoding of 1 to 8192 values.
pub fn encode(values: &[f64], out: &mut Vec<u8>) {
    debug_assert!(!values.is_empty() && values.len() <= CHUNK_SAMPLES_MAX);
    let first = values[0].to_bits();
    if values.iter().all(|v| v.to_bits() == first) {
        return encode_constant(values[0], out);
    }
    match decimals(values) {
        Some(decimals) => encode_decimals(values.len(), &decimals, out),
        None => encode_bits(values, out),
    }
}

fn encode_constant(v: f64, out: &mut Vec<u8>) {
    out.push(CONSTANT);
    match (0..=EXP_MAX).find_map(|e| mantissa(v, e).map(|m| (e, m))) {
        Some((e, m)) if m.unsigned_abs() < 1 << 48 => {
            out.push(e as u8);
            put_i64(out, m);
        }
        _ => {
            out.push(NO_MANTISSA);
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
    }
}

/// A chunk as mantissas.
struct Decimals {
    exp: usize,
    mantissas: Vec<i64>,
    exceptions: Vec<(usize, u64)>,
}

fn decimals(values: &[f64]) -> Option<Decimals> {
    let allowed = exceptions_max(values.len());
    let exp = choose_exponent(values, allowed)?;
    let mut mantissas = Vec::with_capacity(values.len());
    let mut exceptions = Vec::new();
    let mut previous = None;
    for (i, &v) in values.iter().enumerate() {
        let m = mantissa(v, exp);
        if m.is_none() {
            exceptions.push((i, v.to_bits()));
            if exceptions.len() > allowed {
                return None;
            }
        }
        previous = m.or(previous);
        mantissas.push(previous.unwrap_or(0));
    }
    let leading = (0..values.len()).find(|&i| mantissa(values[i], exp).is_some())?;
    let fill = mantissas[leading];
    mantissas[..leading].fill(fill);
    Some(Decimals { exp, mantissas, exceptions })
}

/// The exponent of least cost that leaves at most `allowed` values without a mantissa.
fn choose_exponent(values: &[f64], allowed: usize) -> Option<usize> {
    let mut needs = [0usize; EXP_MAX + 2];
    let mut guess = 0;
    for &v in values {
        // The neighbour's exponent is nearly always right; one below it must then fail.
        let direct =
            mantissa(v, guess).is_some() && (guess == 0 || mantissa(v, guess - 1).is_none());
        let e = if direct {
            guess
        } else {
            (0..=EXP_MAX).find(|&e| mantissa(v, e).is_some()).unwrap_or(EXP_MAX + 1)
        };
        needs[e] += 1;
        if needs[EXP_MAX + 1] > allowed {
            return None;
        }
        if e <= EXP_MAX {
            guess = e;
        }
    }
    let mut without = values.len();
    let mut best = None;
    for (e, need) in needs[..=EXP_MAX].iter().enumerate() {
        without -= need;
        let cost = without as f64 * EXCEPTION_COST + e as f64 * PLACE_COST * values.len() as f64;
        if without <= allowed && best.is_none_or(|(_, c)| cost < c) {
            best = Some((e, cost));
        }
    }
    best.map(|(e, _)| e)
}

fn encode_decimals(n: usize, d: &Decimals, out: &mut Vec<u8>) {
    let base = d.mantissas[0];
    let step = d.mantissas.get(1).map_or(0, |m| m - base);
    let steady = d.mantissas.windows(2).all(|w| w[1] - w[0] == step);
    if steady && d.exceptions.is_empty() && n > 1 {
        out.push(PROGRESSION);
        out.push(d.exp as u8);
        put_i64(out, base);
        return put_i64(out, step);
    }
    let divisor = d
        .mantissas
        .iter()
        .fold(0, |g, m| if g == 1 { 1 } else { gcd(g, (m - base).unsigned_abs()) })
        .max(1);
    let ints: Vec<i64> = if divisor == 1 {
        d.mantissas.iter().map(|m| m - base).collect()
    } else {
        d.mantissas.iter().map(|m| (m - base) / divisor as i64).collect()
    };
    let (order, _) = ints::best_order(&ints);
    let listed = if d.exceptions.is_empty() { 0 } else { FORM_EXCEPTIONS };
    put_packed_head(out, d.exp as u8 | (order as u8) << 4 | listed, divisor, base);
    if listed != 0 {
        put_exceptions(&d.exceptions, out);
    }
    ints::encode(&ints, order, out);
}

fn put_packed_head(out: &mut Vec<u8>, form: u8, divisor: u64, base: i64) {
    out.push(PACKED);
    out.push(form);
    put_u64(out, divisor);
    put_i64(out, base);
}

fn put_exceptions(exceptions: &[(usize, u64)], out: &mut Vec<u8>) {
    put_u64(out, exceptions.len() as u64);
    let mut previous = 0;
    for &(at, bits) in exceptions {
        put_u64(out, (at - previous) as u64);
        out.extend_from_slice(&bits.to_le_bytes());
        previous = at;
    }
}

fn encode_bits(values: &[f64], out: &mut Vec<u8>) {
    let ints: Vec<i64> = values.iter().map(|v| ordered(v.to_bits() as i64)).collect();
    let (order, _) = ints::best_order(&ints);
    let start = out.len();
    put_packed_head(out, BITS | (order as u8) << 4, 1, 0);
    ints::encode(&ints, order, out);
    if out.len() - start > 1 + 8 * values.len() {
        out.truncate(start);
        out.push(RAW);
        values.iter().for_each(|v| out.extend_from_slice(&v.to_bits().to_le_bytes()));
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
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
        PACKED => decode_packed(c, n, want, out),
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

fn decode_packed(
    mut c: Cursor<'_>,
    n: usize,
    want: Range<usize>,
    out: &mut Vec<f64>,
) -> Result<()> {
    let form = c.u8()?;
    let (exp, order) = (form & 0xf, usize::from(form >> 4 & 3));
    if form & 0x80 != 0 || order > 2 {
        return Err(Error::corrupt(format!("chunk of form {form:#x}")));
    }
    let (divisor, base) = (c.varint()? as i64, c.zigzag()?);
    let mut exceptions = Vec::new();
    if form & FORM_EXCEPTIONS != 0 {
        exceptions = read_exceptions(&mut c, n)?;
    }
    let start = out.len();
    let pages = Pages::open(c, n)?.want(want.clone());
    if exp == BITS {
        pages.decode(order, |_, ints| {
            let value = |k: &i64| {
                let m = base.wrapping_add(divisor.wrapping_mul(*k));
                f64::from_bits(ordered(m) as u64)
            };
            out.extend(ints.iter().map(value));
        })?;
    } else {
        let ten = read_exponent(exp)?;
        pages.decode(order, |_, ints| put_decimals(ints, base, divisor, ten, out))?;
    }
    for (at, bits) in exceptions.into_iter().filter(|(at, _)| want.contains(at)) {
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
    let mut times = Vec::new();
    if super::times::decode(rest, n, &mut times).is_ok() {
        assert_eq!(times.len(), n);
    }
}

#[cfg(test)]
mod tests;
