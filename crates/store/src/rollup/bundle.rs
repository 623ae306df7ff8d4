//! The payload of a tier chunk: one column per figure, those left out that follow from others.
//!
//! The finer tier is slim: counters keep first, last and resets (min and max follow while nothing
//! reset), gauges keep last, min, max and sum. What is left out is read from raw samples, or from
//! the coarser tier, which keeps everything. A series with histograms has an empty bundle: it is
//! read raw.

use plimsoll_model::{Bucket, HOUR_MS, Kept, Tier};

use super::bucket_end;
use crate::codec::CHUNK_SAMPLES_MAX;
use crate::codec::values;
use crate::codec::varint::{Cursor, put_u64};
use crate::part::{PartReader, PartWriter};
use crate::{Error, Result};

/// Columns in the order of the payload; the bit numbers of its mask.
const COUNT: u16 = 1;
const FIRST: u16 = 1 << 1;
const LAST: u16 = 1 << 2;
const MIN: u16 = 1 << 3;
const MAX: u16 = 1 << 4;
const SUM: u16 = 1 << 5;
const CORR: u16 = 1 << 6;
const RESETS: u16 = 1 << 7;
const SQUARES: u16 = 1 << 8;
/// Min is first and max is last.
const RISING: u16 = 1 << 9;
/// Corr and resets are 0.
const NO_RESETS: u16 = 1 << 10;
const KNOWN: u16 = (1 << 11) - 1;
/// Columns with values, in the order of their bits.
const VALUES: [u16; 9] = [COUNT, FIRST, LAST, MIN, MAX, SUM, CORR, RESETS, SQUARES];
/// Squares of decimals are no decimals of few places: they would cost as much as all other figures
/// together, and no function is computed from them yet.
const ALL_BUT_SQUARES: Kept = Kept::COUNT
    .with(Kept::FIRST)
    .with(Kept::LAST)
    .with(Kept::MIN)
    .with(Kept::MAX)
    .with(Kept::SUM)
    .with(Kept::RESETS);
/// Decimal places that a sum is tried with.
const SUM_PLACES: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// A sum of decimals differs from its decimal by rounding only; relative.
const SUM_ROUNDING: f64 = 4e-15;
/// Falls per sample up to which a series counts as a counter.
const COUNTER_FALLS: f64 = 0.01;

/// Which figures of fresh buckets the tier keeps.
pub fn worth_keeping(buckets: &[Bucket], tier: Tier) -> Kept {
    if tier.0 >= HOUR_MS {
        return ALL_BUT_SQUARES;
    }
    let falls: u64 = buckets.iter().map(|b| u64::from(b.resets)).sum();
    let samples: u64 = buckets.iter().map(|b| u64::from(b.count)).sum();
    let least = buckets.iter().map(|b| b.min).fold(f64::INFINITY, f64::min);
    let counter = falls as f64 <= COUNTER_FALLS * samples as f64 && least >= 0.0;
    let slim = Kept::COUNT.with(Kept::LAST).with(Kept::MIN).with(Kept::MAX);
    if counter { slim.with(Kept::FIRST).with(Kept::RESETS) } else { slim.with(Kept::SUM) }
}

/// The columns of a chunk that keeps these figures.
fn mask_of(buckets: &[Bucket], kept: Kept) -> u16 {
    let mut mask = COUNT | LAST;
    for (figure, bit) in [(Kept::FIRST, FIRST), (Kept::SUM, SUM), (Kept::SQUARES, SQUARES)] {
        if kept.has(figure) {
            mask |= bit;
        }
    }
    if kept.has(Kept::RESETS) {
        let none = buckets.iter().all(|b| b.resets == 0);
        mask |= if none { NO_RESETS } else { CORR | RESETS };
    }
    let rising = kept.has(Kept::FIRST)
        && buckets.iter().all(|b| same(b.min, b.first) && same(b.max, b.last));
    mask | if rising { RISING } else { MIN | MAX }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Encodes buckets (1 to 8192) that have the figures in `kept` as payload and the id of the column of their last times.
///
/// # Errors
/// `Io` from the part that takes the time columns.
pub fn encode(
    buckets: &[Bucket],
    kept: Kept,
    part: &mut PartWriter,
    out: &mut Vec<u8>,
) -> Result<u32> {
    let mask = mask_of(buckets, kept);
    let last_times: Vec<i64> = buckets.iter().map(|b| b.last_time).collect();
    let column = part.column(&last_times)?;
    out.extend_from_slice(&mask.to_le_bytes());
    if mask & FIRST != 0 {
        let first_times: Vec<i64> = buckets.iter().map(|b| b.first_time).collect();
        put_u64(out, u64::from(part.column(&first_times)?));
    }
    let (mut floats, mut bytes) = (Vec::with_capacity(buckets.len()), Vec::new());
    for bit in VALUES.into_iter().filter(|bit| mask & bit != 0) {
        floats.clear();
        floats.extend(buckets.iter().map(|b| figure(b, bit)));
        bytes.clear();
        part.encode(&floats, &mut bytes);
        put_u64(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
    Ok(column)
}

/// The payload of a series that the tier does not keep: no column at all.
pub fn encode_none(times: &[i64], part: &mut PartWriter, out: &mut Vec<u8>) -> Result<u32> {
    out.extend_from_slice(&0u16.to_le_bytes());
    part.column(times)
}

fn figure(b: &Bucket, bit: u16) -> f64 {
    match bit {
        COUNT => f64::from(b.count),
        FIRST => b.first,
        LAST => b.last,
        MIN => b.min,
        MAX => b.max,
        SUM => decimal(b.sum),
        CORR => decimal(b.corr),
        RESETS => f64::from(b.resets),
        _ => b.sum_squares,
    }
}

/// The sum of decimals as the decimal that it is, which packs; others as they are.
fn decimal(sum: f64) -> f64 {
    let near = |places: &f64| {
        let d = (sum * places).round() / places;
        (d - sum).abs() <= SUM_ROUNDING * sum.abs()
    };
    let places = SUM_PLACES.iter().find(|p| near(p));
    places.map_or(sum, |p| (sum * p).round() / p)
}

fn set_figure(b: &mut Bucket, bit: u16, v: f64) {
    match bit {
        COUNT => b.count = v as u32,
        FIRST => b.first = v,
        LAST => b.last = v,
        MIN => b.min = v,
        MAX => b.max = v,
        SUM => b.sum = v,
        CORR => b.corr = v,
        RESETS => b.resets = v as u32,
        _ => b.sum_squares = v,
    }
}

fn wanted_bits(want: Kept) -> u16 {
    [
        (Kept::COUNT, COUNT),
        (Kept::FIRST, FIRST),
        (Kept::LAST, LAST),
        (Kept::MIN, MIN),
        (Kept::MAX, MAX),
        (Kept::SUM, SUM),
        (Kept::RESETS, CORR | RESETS),
        (Kept::SQUARES, SQUARES),
    ]
    .into_iter()
    .filter(|(kept, _)| want.has(*kept))
    .fold(0, |all, (_, bits)| all | bits)
}

fn kept_of(mask: u16) -> Kept {
    let rising = mask & RISING != 0;
    [
        (Kept::COUNT, true),
        (Kept::FIRST, mask & FIRST != 0),
        (Kept::LAST, true),
        (Kept::MIN, rising || mask & MIN != 0),
        (Kept::MAX, rising || mask & MAX != 0),
        (Kept::SUM, mask & SUM != 0),
        (Kept::RESETS, mask & NO_RESETS != 0 || mask & (CORR | RESETS) == CORR | RESETS),
        (Kept::SQUARES, mask & SQUARES != 0),
    ]
    .into_iter()
    .filter(|(_, has)| *has)
    .fold(Kept::NOTHING, |all, (kept, _)| all.with(kept))
}

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Buckets with these figures were appended.
    Buckets(Kept),
    /// The tier does not keep this series: read raw samples.
    None,
}

/// Appends the buckets of a chunk with the figures in `want`, as far as it has them.
///
/// # Errors
/// `Corrupt` when the payload is not what [`encode`] wrote; `out` is then as before.
pub fn decode(
    part: &PartReader,
    tier: Tier,
    want: Kept,
    last_times: &[i64],
    payload: &[u8],
    out: &mut Vec<Bucket>,
) -> Result<Decoded> {
    let before = out.len();
    let done = decode_inner(part, tier, want, last_times, payload, out);
    if done.is_err() {
        out.truncate(before);
    }
    done
}

fn decode_inner(
    part: &PartReader,
    tier: Tier,
    want: Kept,
    last_times: &[i64],
    payload: &[u8],
    out: &mut Vec<Bucket>,
) -> Result<Decoded> {
    let mut c = Cursor::new(payload);
    let mask = u16::from_le_bytes(c.array()?);
    if mask & !KNOWN != 0 {
        return Err(Error::Invalid(format!(
            "tier chunk with figures {mask:#x}: written by a later program; start that one"
        )));
    }
    if mask == 0 {
        return Ok(Decoded::None);
    }
    let (at, n) = (out.len(), last_times.len());
    let blank = |t: &i64| Bucket {
        end: bucket_end(*t, tier),
        count: 0,
        resets: 0,
        first_time: 0,
        last_time: *t,
        first: f64::NAN,
        last: f64::NAN,
        min: f64::NAN,
        max: f64::NAN,
        sum: f64::NAN,
        corr: 0.0,
        sum_squares: f64::NAN,
    };
    out.extend(last_times.iter().map(blank));
    let mut bits = wanted_bits(want);
    if mask & RISING != 0 && bits & (MIN | MAX) != 0 {
        bits |= FIRST | LAST;
    }
    if mask & FIRST != 0 {
        let id = c.bounded("column", u32::MAX as usize)? as u32;
        if want.has(Kept::FIRST) {
            let times = part.column_times(id)?;
            if times.len() != n {
                return Err(Error::corrupt("first times of another length"));
            }
            for (b, t) in out[at..].iter_mut().zip(&*times) {
                b.first_time = *t;
            }
        }
    }
    let mut floats = Vec::new();
    for bit in VALUES.into_iter().filter(|bit| mask & bit != 0) {
        let len = c.bounded("column bytes", 16 * CHUNK_SAMPLES_MAX)?;
        let bytes = c.take(len)?;
        if bits & bit == 0 {
            continue;
        }
        floats.clear();
        values::decode(bytes, n, &mut floats)?;
        for (b, v) in out[at..].iter_mut().zip(&floats) {
            set_figure(b, bit, *v);
        }
    }
    if !c.is_empty() {
        return Err(Error::corrupt("bytes after the last column of a tier chunk"));
    }
    if mask & RISING != 0 {
        for b in &mut out[at..] {
            (b.min, b.max) = (b.first, b.last);
        }
    }
    Ok(Decoded::Buckets(kept_of(mask)))
}

/// Decodes everything; how many raw samples the chunk stands for.
///
/// # Errors
/// As [`decode`].
pub fn verify(part: &PartReader, last_times: &[i64], payload: &[u8]) -> Result<u64> {
    let tier = part.info().spec.tier.ok_or_else(|| Error::corrupt("not a tier part"))?;
    let mut out = Vec::new();
    decode(part, tier, Kept::ALL, last_times, payload, &mut out)?;
    if !out.is_sorted_by(|a, b| a.end < b.end) {
        return Err(Error::corrupt("buckets do not ascend"));
    }
    Ok(out.iter().map(|b| u64::from(b.count)).sum())
}
