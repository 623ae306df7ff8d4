//! Native histograms of remote write (`Histogram` of both versions, the same fields): integer and float counts, spans,
//! custom buckets. What does not fit together is left for the store to refuse, row by row.
//!
//! Memory: a bucket takes at least a byte on the wire; spans are not expanded.

use plimsoll_model::{CUSTOM_BUCKETS, Counts, Histogram, ResetHint, Span, Timestamp, is_stale};

use crate::proto::{Cursor, Value, mistyped};
use crate::{Error, Result};

/// The sides of a histogram as they are on the wire.
#[derive(Default)]
struct Sides {
    deltas: Vec<i64>,
    floats: Vec<f64>,
    spans: Vec<Span>,
}

/// Reads one message: when it was sampled, since when it counts (0 = unknown), and the histogram.
pub(super) fn read(message: &[u8]) -> Result<(Timestamp, Timestamp, Histogram)> {
    let (mut positive, mut negative) = (Sides::default(), Sides::default());
    let (mut count, mut zero) = ((0, 0.0), (0, 0.0));
    let mut float = false;
    let (mut sum, mut zero_threshold, mut schema, mut time, mut start) = (0.0, 0.0, 0i64, 0, 0);
    let (mut hint, mut custom) = (ResetHint::Unknown, Vec::new());
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Varint(n)) => count.0 = n,
            (2, Value::Fixed64(bits)) => (count.1, float) = (f64::from_bits(bits), true),
            (3, Value::Fixed64(bits)) => sum = f64::from_bits(bits),
            (4, Value::Varint(n)) => schema = unzigzag(n),
            (5, Value::Fixed64(bits)) => zero_threshold = f64::from_bits(bits),
            (6, Value::Varint(n)) => zero.0 = n,
            (7, Value::Fixed64(bits)) => (zero.1, float) = (f64::from_bits(bits), true),
            (8, Value::Bytes(m)) => negative.spans.push(span(m)?),
            (11, Value::Bytes(m)) => positive.spans.push(span(m)?),
            (9, v) => deltas(v, &mut negative.deltas)?,
            (12, v) => deltas(v, &mut positive.deltas)?,
            (10, v) => doubles(v, &mut negative.floats)?,
            (13, v) => doubles(v, &mut positive.floats)?,
            (14, Value::Varint(n)) => hint = hint_of(n),
            (15, Value::Varint(n)) => time = n as i64,
            (16, v) => doubles(v, &mut custom)?,
            (17, Value::Varint(n)) => start = n as i64,
            (1..=17, _) => return Err(mistyped("Histogram", field)),
            _ => {}
        }
    }
    // A schema that no histogram has is refused with its row.
    let schema = i8::try_from(schema).unwrap_or(i8::MIN);
    let counts = if float {
        Counts::Float {
            count: count.1,
            zero: zero.1,
            positive: positive.floats,
            negative: negative.floats,
        }
    } else {
        Counts::Integer {
            count: count.0,
            zero: zero.0,
            positive: absolute(&positive.deltas),
            negative: absolute(&negative.deltas),
        }
    };
    // Prometheus sends an unused zero threshold with custom buckets.
    let zero_threshold = if schema == CUSTOM_BUCKETS { 0.0 } else { zero_threshold };
    let (positive_spans, negative_spans) = (positive.spans, negative.spans);
    let h = Histogram {
        schema,
        hint,
        zero_threshold,
        sum,
        positive_spans,
        negative_spans,
        custom,
        counts,
    };
    Ok((time, start, h))
}

/// Whether the counts of a histogram agree, as far as Prometheus asks for it.
///
/// # Errors
/// What is wrong, in Prometheus' words.
pub(crate) fn consistent(h: &Histogram) -> Result<(), &'static str> {
    if is_stale(h.sum) {
        return Ok(());
    }
    match &h.counts {
        Counts::Integer { count, zero, positive, negative } => {
            let buckets = positive.iter().chain(negative).try_fold(*zero, |n, c| n.checked_add(*c));
            match buckets {
                Some(buckets) if buckets == *count => Ok(()),
                // Observations that are not a number are in no bucket.
                Some(buckets) if h.sum.is_nan() && buckets < *count => Ok(()),
                _ if h.sum.is_nan() => Err(
                    "histogram's observation count should be at least the number of observations \
                     found in the buckets",
                ),
                _ => Err("histogram's observation count should equal the number of observations \
                     found in the buckets (in absence of NaN)"),
            }
        }
        Counts::Float { count, zero, positive, negative } => {
            let mut buckets = positive.iter().chain(negative);
            if buckets.any(|c| *c < 0.0) {
                Err("histogram has a bucket whose observation count is negative")
            } else if *count < 0.0 || *zero < 0.0 {
                Err("histogram's observation count is negative")
            } else {
                Ok(())
            }
        }
    }
}

/// Counts from differences. A count below 0 ends them: then there are fewer counts than buckets, and
/// the row is refused.
fn absolute(deltas: &[i64]) -> Vec<u64> {
    let mut n = 0i64;
    deltas
        .iter()
        .map_while(|d| {
            n = n.checked_add(*d)?;
            u64::try_from(n).ok()
        })
        .collect()
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

fn hint_of(n: u64) -> ResetHint {
    match n {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

fn span(message: &[u8]) -> Result<Span> {
    let (mut offset, mut length) = (0i64, 0u64);
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Varint(n)) => offset = unzigzag(n),
            (2, Value::Varint(n)) => length = n,
            (1 | 2, _) => return Err(mistyped("BucketSpan", field)),
            _ => {}
        }
    }
    let wrong = |_| Error::Invalid(format!("bucket span of {length} at {offset} is out of range"));
    let offset = i32::try_from(offset).map_err(wrong)?;
    Ok(Span { offset, length: u32::try_from(length).map_err(wrong)? })
}

/// Packed, or one by one.
fn deltas(value: Value<'_>, out: &mut Vec<i64>) -> Result<()> {
    match value {
        Value::Varint(n) => out.push(unzigzag(n)),
        Value::Bytes(packed) => {
            let mut c = Cursor::new(packed);
            while c.at < packed.len() {
                out.push(unzigzag(c.varint()?));
            }
        }
        _ => return Err(mistyped("Histogram", 12)),
    }
    Ok(())
}

/// Packed, or one by one.
fn doubles(value: Value<'_>, out: &mut Vec<f64>) -> Result<()> {
    match value {
        Value::Fixed64(bits) => out.push(f64::from_bits(bits)),
        Value::Bytes(packed) if packed.len() % 8 == 0 => {
            let (all, _) = packed.as_chunks::<8>();
            out.extend(all.iter().map(|b| f64::from_le_bytes(*b)));
        }
        _ => return Err(mistyped("Histogram", 13)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::put;

    fn zigzag(n: i64) -> u64 {
        ((n << 1) ^ (n >> 63)) as u64
    }

    fn put_span(out: &mut Vec<u8>, field: u32, offset: i64, length: u64) {
        let mut m = Vec::new();
        put::uint(&mut m, 1, zigzag(offset));
        put::uint(&mut m, 2, length);
        put::bytes(out, field, &m);
    }

    fn put_deltas(out: &mut Vec<u8>, field: u32, all: &[i64]) {
        let mut packed = Vec::new();
        all.iter().for_each(|d| put::varint(&mut packed, zigzag(*d)));
        put::bytes(out, field, &packed);
    }

    #[test]
    fn integers_become_absolute() {
        let mut m = Vec::new();
        put::uint(&mut m, 1, 9);
        put::double(&mut m, 3, 18.5);
        put::uint(&mut m, 4, zigzag(-2));
        put::double(&mut m, 5, 1e-9);
        put::uint(&mut m, 6, 2);
        put_span(&mut m, 8, -3, 1);
        put_deltas(&mut m, 9, &[1]);
        put_span(&mut m, 11, 0, 2);
        put_span(&mut m, 11, 4, 1);
        put_deltas(&mut m, 12, &[3, -1, 0]);
        put::uint(&mut m, 14, 1);
        put::uint(&mut m, 15, 1234);
        let (time, _, h) = read(&m).unwrap();
        h.check().unwrap();
        assert_eq!((time, h.schema, h.hint, h.sum), (1234, -2, ResetHint::Reset, 18.5));
        assert_eq!(h.positive_spans[1], Span { offset: 4, length: 1 });
        let counts =
            Counts::Integer { count: 9, zero: 2, positive: vec![3, 2, 2], negative: vec![1] };
        assert_eq!(h.counts, counts);
    }

    #[test]
    fn floats_and_custom_buckets_come_through() {
        let mut m = Vec::new();
        put::double(&mut m, 2, 2.5);
        put::uint(&mut m, 4, zigzag(-53));
        put_span(&mut m, 11, 0, 2);
        let counts: Vec<u8> = [1.5f64, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        put::bytes(&mut m, 13, &counts);
        let bounds: Vec<u8> = [0.5f64, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        put::bytes(&mut m, 16, &bounds);
        let (.., h) = read(&m).unwrap();
        h.check().unwrap();
        assert_eq!(h.custom, [0.5, 2.0]);
        assert!(matches!(h.counts, Counts::Float { count: 2.5, .. }));
    }

    #[test]
    fn a_count_below_zero_does_not_fit() {
        let mut m = Vec::new();
        put_span(&mut m, 11, 0, 2);
        put_deltas(&mut m, 12, &[1, -2]);
        assert!(read(&m).unwrap().2.check().is_err());
    }

    #[test]
    fn counts_must_agree() {
        let of = |count: u64, sum: f64, deltas: &[i64]| {
            let mut m = Vec::new();
            put::uint(&mut m, 1, count);
            put::double(&mut m, 3, sum);
            put_span(&mut m, 11, 0, deltas.len() as u64);
            put_deltas(&mut m, 12, deltas);
            consistent(&read(&m).unwrap().2)
        };
        assert_eq!(of(3, 1.0, &[1, 1]), Ok(()));
        assert!(of(2, 1.0, &[1, 1]).unwrap_err().contains("should equal"));
        assert_eq!(of(4, f64::NAN, &[1, 1]), Ok(()));
        assert!(of(2, f64::NAN, &[1, 1]).unwrap_err().contains("at least"));
        assert_eq!(of(2, plimsoll_model::stale_nan(), &[1, 1]), Ok(()));
        assert!(of(0, 1.0, &[i64::MAX, 0, 0]).is_err());
        let mut m = Vec::new();
        put::double(&mut m, 2, 1.0);
        put_span(&mut m, 11, 0, 1);
        put::bytes(&mut m, 13, &(-1f64).to_le_bytes());
        assert!(consistent(&read(&m).unwrap().2).unwrap_err().contains("negative"));
    }

    #[test]
    fn wrong_types_are_errors() {
        let mut m = Vec::new();
        put::uint(&mut m, 3, 1);
        assert!(read(&m).is_err());
        let mut m = Vec::new();
        put::bytes(&mut m, 13, b"abc");
        assert!(read(&m).is_err());
    }
}
