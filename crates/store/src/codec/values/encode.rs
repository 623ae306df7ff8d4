//! The writing side of value chunks: which integers stand for the doubles, and how they are packed.

use super::{
    BITS, CONSTANT, DENSE, EXCEPTION_COST, EXP_MAX, FORM_EXCEPTIONS, MANTISSA_LIMIT, NO_MANTISSA,
    PACKED, PLACE_COST, PROGRESSION, Packing, RAW, TEN, exceptions_max, ordered,
};
use crate::codec::varint::{put_i64, put_u64};
use crate::codec::{CHUNK_SAMPLES_MAX, PAGE_SAMPLES, dense, ints};

/// Adding and taking away this rounds a double of less than 2^51 to the nearest integer, ties to
/// even, without a conversion; the low bits of the sum are that integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Below this in magnitude the rounding above is exact.
const ROUND_LIMIT: f64 = 2_251_799_813_685_248.0;
/// Entropy-coded pages are read at half the speed of bit-packed ones: they must be this much
/// smaller, as a fraction of the packed bytes. On a day of noisy hosts 10/11 is 1.8 % larger and
/// read 1.2 times as fast, 31/32 no smaller (`examples/part_sizes`).
const DENSE_GAIN: (usize, usize) = (20, 21);

/// Encodes chunks, and keeps its room between them.
#[derive(Default)]
pub struct Encoder {
    mantissas: Vec<i64>,
    exceptions: Vec<(usize, u64)>,
    pages: Vec<u8>,
    dense: Vec<u8>,
}

impl Encoder {
    /// With empty room.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the encoding of 1 to 8192 values.
    pub fn encode(&mut self, values: &[f64], packing: Packing, out: &mut Vec<u8>) {
        debug_assert!(!values.is_empty() && values.len() <= CHUNK_SAMPLES_MAX);
        let first = values[0].to_bits();
        if values.iter().all(|v| v.to_bits() == first) {
            return encode_constant(values[0], out);
        }
        match self.decimals(values) {
            Some(exp) => self.encode_decimals(exp, packing, out),
            None => self.encode_bits(values, packing, out),
        }
    }

    /// Fills mantissas and exceptions; the exponent, when there is one.
    fn decimals(&mut self, values: &[f64]) -> Option<usize> {
        self.exceptions.clear();
        let exp = sampled_exponent(values);
        if exp <= EXP_MAX && fill(values, exp, &mut self.mantissas) {
            let allowed = exceptions_max(values.len());
            if exp == 0 || misfits_exceed(values, exp - 1, allowed) {
                return Some(exp);
            }
        }
        let exp = choose_exponent(values, exceptions_max(values.len()))?;
        self.with_exceptions(values, exp).then_some(exp)
    }

    fn with_exceptions(&mut self, values: &[f64], exp: usize) -> bool {
        self.mantissas.clear();
        let mut previous = None;
        for (i, &v) in values.iter().enumerate() {
            let m = mantissa(v, exp);
            if m.is_none() {
                self.exceptions.push((i, v.to_bits()));
            }
            previous = m.or(previous);
            self.mantissas.push(previous.unwrap_or(0));
        }
        let leading = (0..values.len()).find(|&i| mantissa(values[i], exp).is_some());
        let Some(leading) =
            leading.filter(|_| self.exceptions.len() <= exceptions_max(values.len()))
        else {
            return false;
        };
        let fill = self.mantissas[leading];
        self.mantissas[..leading].fill(fill);
        true
    }

    fn encode_decimals(&mut self, exp: usize, packing: Packing, out: &mut Vec<u8>) {
        let base = self.mantissas[0];
        let step = self.mantissas.get(1).map_or(0, |m| m - base);
        let steady = || self.mantissas.windows(2).all(|w| w[1] - w[0] == step);
        if self.exceptions.is_empty() && self.mantissas.len() > 1 && steady() {
            out.push(PROGRESSION);
            out.push(exp as u8);
            put_i64(out, base);
            return put_i64(out, step);
        }
        let divisor = divide(&mut self.mantissas, base);
        self.encode_ints(exp as u8, divisor, base, packing, out);
    }

    fn encode_bits(&mut self, values: &[f64], packing: Packing, out: &mut Vec<u8>) {
        self.exceptions.clear();
        self.mantissas.clear();
        self.mantissas.extend(values.iter().map(|v| ordered(v.to_bits() as i64)));
        // Doubles that were floats of 32 bits once end in 29 zeroes.
        let first = self.mantissas[0];
        let seen = self.mantissas.iter().fold(0, |s, m| s | m.wrapping_sub(first));
        let (divisor, base) = match seen & 1 {
            0 => (divide(&mut self.mantissas, first), first),
            _ => (1, 0),
        };
        let start = out.len();
        self.encode_ints(BITS, divisor, base, packing, out);
        if out.len() - start > 1 + 8 * values.len() {
            out.truncate(start);
            out.push(RAW);
            values.iter().for_each(|v| out.extend_from_slice(&v.to_bits().to_le_bytes()));
        }
    }

    /// Appends codec, head and pages of the integers in `mantissas`.
    fn encode_ints(
        &mut self,
        exp: u8,
        divisor: u64,
        base: i64,
        packing: Packing,
        out: &mut Vec<u8>,
    ) {
        let (order, packed_bytes) = ints::best_order(&self.mantissas);
        let listed = if self.exceptions.is_empty() { 0 } else { FORM_EXCEPTIONS };
        let head = |codec, form, out: &mut Vec<u8>| {
            out.push(codec);
            out.push(form);
            put_u64(out, divisor);
            put_i64(out, base);
            if listed != 0 {
                put_exceptions(&self.exceptions, out);
            }
        };
        if packing == Packing::Dense && self.mantissas.len() >= PAGE_SAMPLES {
            let start = out.len();
            head(DENSE, exp | listed, out);
            self.dense.clear();
            let done = dense::encode(&self.mantissas, order, &mut self.pages, &mut self.dense);
            if done && self.dense.len() * DENSE_GAIN.1 <= packed_bytes * DENSE_GAIN.0 {
                return out.extend_from_slice(&self.dense);
            }
            out.truncate(start);
        }
        head(PACKED, exp | (order as u8) << 4 | listed, out);
        ints::encode(&self.mantissas, order, &mut self.pages, out);
    }
}

/// The mantissa that gives back the very bits of `v` with exponent `e`.
#[inline]
fn mantissa(v: f64, e: usize) -> Option<i64> {
    let (fits, m) = quick_mantissa(v, TEN[e]);
    if fits || (v * TEN[e]).abs() < ROUND_LIMIT {
        return fits.then_some(m);
    }
    let m = (v * TEN[e]).round_ties_even() as i64;
    let fits = -MANTISSA_LIMIT < m && m < MANTISSA_LIMIT;
    (fits && (m as f64 / TEN[e]).to_bits() == v.to_bits()).then_some(m)
}

/// The least exponent that fits a value, or one too many.
fn least_exponent(v: f64) -> usize {
    (0..=EXP_MAX).find(|&e| mantissa(v, e).is_some()).unwrap_or(EXP_MAX + 1)
}

/// The greatest of the least exponents of a few values.
fn sampled_exponent(values: &[f64]) -> usize {
    let every = (values.len() / 8).max(1);
    values.iter().step_by(every).map(|v| least_exponent(*v)).max().unwrap_or(0)
}

/// Whether the quick rounding gives a mantissa, and which.
#[inline(always)]
fn quick_mantissa(v: f64, ten: f64) -> (bool, i64) {
    let scaled = v * ten;
    let sum = scaled + ROUND;
    let back = (sum - ROUND) / ten;
    let fits = back.to_bits() == v.to_bits() && scaled.abs() < ROUND_LIMIT;
    (fits, (sum.to_bits() as i64).wrapping_sub(ROUND.to_bits() as i64))
}

/// Fills `out` with mantissas; false when a value has none.
fn fill(values: &[f64], exp: usize, out: &mut Vec<i64>) -> bool {
    out.clear();
    let ten = TEN[exp];
    for part in values.chunks(128) {
        let mut all = true;
        out.extend(part.iter().map(|v| {
            let (fits, m) = quick_mantissa(*v, ten);
            all &= fits;
            m
        }));
        if !all {
            return false;
        }
    }
    true
}

/// Whether more than `allowed` values have no mantissa with this exponent.
fn misfits_exceed(values: &[f64], exp: usize, allowed: usize) -> bool {
    let ten = TEN[exp];
    let mut misfits = 0;
    values.chunks(32).any(|part| {
        misfits += part.iter().filter(|v| !quick_mantissa(**v, ten).0).count();
        misfits > allowed
    })
}

/// The exponent of least cost that leaves at most `allowed` values without a mantissa.
fn choose_exponent(values: &[f64], allowed: usize) -> Option<usize> {
    let mut needs = [0usize; EXP_MAX + 2];
    let mut guess = 0;
    for &v in values {
        // The neighbour's exponent is nearly always right; one below it must then fail.
        let direct =
            mantissa(v, guess).is_some() && (guess == 0 || mantissa(v, guess - 1).is_none());
        let e = if direct { guess } else { least_exponent(v) };
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

/// Takes the base from all and divides by what they then have in common, which is the answer.
/// Arithmetic wraps, as that of the reader.
fn divide(ints: &mut [i64], base: i64) -> u64 {
    let mut seen = 0;
    for m in &mut *ints {
        *m = m.wrapping_sub(base);
        seen |= *m;
    }
    if seen == 0 {
        return 1;
    }
    let shift = seen.trailing_zeros();
    // What is left after the powers of two is mostly 1 within a few integers.
    let odd = ints
        .iter()
        .fold(0, |g, m| if g == 1 { 1 } else { gcd(g, m.unsigned_abs() >> shift) })
        .max(1);
    if odd > 1 {
        let divisor = (odd << shift) as i64;
        ints.iter_mut().for_each(|m| *m /= divisor);
    } else if shift > 0 {
        ints.iter_mut().for_each(|m| *m >>= shift);
    }
    odd << shift
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
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

fn put_exceptions(exceptions: &[(usize, u64)], out: &mut Vec<u8>) {
    put_u64(out, exceptions.len() as u64);
    let mut previous = 0;
    for &(at, bits) in exceptions {
        put_u64(out, (at - previous) as u64);
        out.extend_from_slice(&bits.to_le_bytes());
        previous = at;
    }
}
