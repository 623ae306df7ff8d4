//! One native histogram as bytes that decode alone: `docs/format/wal.md`, "Histogram". The log and
//! the head keep histograms in this form.

use plimsoll_model::{CUSTOM_BUCKETS, Counts, HISTOGRAM_BUCKETS_MAX, Histogram, ResetHint, Span};

use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

const FLOAT: u8 = 4;
const HINTS: [ResetHint; 4] =
    [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];

/// Appends the bytes of a histogram that passed [`Histogram::check`].
pub fn encode(h: &Histogram, out: &mut Vec<u8>) {
    let hint = HINTS.iter().position(|x| *x == h.hint).unwrap_or(0) as u8;
    let float = if matches!(h.counts, Counts::Float { .. }) { FLOAT } else { 0 };
    out.push(hint | float);
    out.push(h.schema as u8);
    put_f64(out, h.zero_threshold);
    put_f64(out, h.sum);
    put_spans(out, &h.positive_spans);
    put_spans(out, &h.negative_spans);
    if h.schema == CUSTOM_BUCKETS {
        put_u64(out, h.custom.len() as u64);
        h.custom.iter().for_each(|b| put_f64(out, *b));
    }
    match &h.counts {
        Counts::Integer { count, zero, positive, negative } => {
            put_u64(out, *count);
            put_u64(out, *zero);
            for side in [positive, negative] {
                let mut before = 0;
                for n in side {
                    put_i64(out, n.wrapping_sub(before) as i64);
                    before = *n;
                }
            }
        }
        Counts::Float { count, zero, positive, negative } => {
            put_f64(out, *count);
            put_f64(out, *zero);
            positive.iter().chain(negative).for_each(|n| put_f64(out, *n));
        }
    }
}

fn put_f64(out: &mut Vec<u8>, v: f64) {
    out.extend_from_slice(&v.to_bits().to_le_bytes());
}

fn put_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_u64(out, spans.len() as u64);
    for s in spans {
        put_i64(out, i64::from(s.offset));
        put_u64(out, u64::from(s.length));
    }
}

/// Reads one histogram. Survives any bytes.
///
/// # Errors
/// `Corrupt` when the bytes are not what [`encode`] wrote.
pub fn decode(c: &mut Cursor<'_>) -> Result<Histogram> {
    let flags = c.u8()?;
    if flags > 7 {
        return Err(Error::corrupt(format!("histogram flags {flags:#x}")));
    }
    let schema = c.u8()? as i8;
    let (zero_threshold, sum) = (take_f64(c)?, take_f64(c)?);
    let (positive_spans, positives) = take_spans(c)?;
    let (negative_spans, negatives) = take_spans(c)?;
    let mut custom = Vec::new();
    if schema == CUSTOM_BUCKETS {
        let n = c.bounded("custom bounds", HISTOGRAM_BUCKETS_MAX.min(c.left() / 8))?;
        custom = (0..n).map(|_| take_f64(c)).collect::<Result<_>>()?;
    }
    let counts = if flags & FLOAT == 0 {
        Counts::Integer {
            count: c.varint()?,
            zero: c.varint()?,
            positive: take_counts(c, positives)?,
            negative: take_counts(c, negatives)?,
        }
    } else {
        Counts::Float {
            count: take_f64(c)?,
            zero: take_f64(c)?,
            positive: (0..positives).map(|_| take_f64(c)).collect::<Result<_>>()?,
            negative: (0..negatives).map(|_| take_f64(c)).collect::<Result<_>>()?,
        }
    };
    let h = Histogram {
        schema,
        hint: HINTS[usize::from(flags & 3)],
        zero_threshold,
        sum,
        positive_spans,
        negative_spans,
        custom,
        counts,
    };
    h.check().map_err(|e| Error::corrupt(e.to_string()))?;
    Ok(h)
}

fn take_f64(c: &mut Cursor<'_>) -> Result<f64> {
    Ok(f64::from_bits(c.u64()?))
}

fn take_spans(c: &mut Cursor<'_>) -> Result<(Vec<Span>, usize)> {
    let n = c.bounded("spans", HISTOGRAM_BUCKETS_MAX.min(c.left() / 2))?;
    let (mut spans, mut buckets) = (Vec::with_capacity(n), 0);
    for _ in 0..n {
        let offset = i32::try_from(c.zigzag()?);
        let offset = offset.map_err(|_| Error::corrupt("span offset out of range"))?;
        // Every bucket takes a byte at least.
        let length =
            c.bounded("buckets", HISTOGRAM_BUCKETS_MAX.min(c.left()) - buckets.min(c.left()))?;
        buckets += length;
        spans.push(Span { offset, length: length as u32 });
    }
    if buckets > HISTOGRAM_BUCKETS_MAX {
        return Err(Error::corrupt(format!("histogram of {buckets} buckets")));
    }
    Ok((spans, buckets))
}

fn take_counts(c: &mut Cursor<'_>, n: usize) -> Result<Vec<u64>> {
    let (mut counts, mut before) = (Vec::with_capacity(n), 0u64);
    for _ in 0..n {
        before = before.wrapping_add(c.zigzag()? as u64);
        counts.push(before);
    }
    Ok(counts)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Histograms of several kinds.
    pub(crate) fn sample(n: u8) -> Histogram {
        let buckets = u64::from(n % 5);
        let spans = vec![Span { offset: i32::from(n) - 3, length: buckets as u32 }];
        let custom = n % 3 == 1;
        let counts = if n.is_multiple_of(2) {
            let positive: Vec<u64> = (0..buckets).map(|i| (i + 1) * u64::from(n)).collect();
            Counts::Integer { count: 1 << n.min(60), zero: 3, positive, negative: vec![] }
        } else {
            let positive = (0..buckets).map(|i| i as f64 + 0.5).collect();
            Counts::Float { count: 1.5, zero: 0.0, positive, negative: vec![] }
        };
        Histogram {
            schema: if custom { CUSTOM_BUCKETS } else { 3 },
            hint: HINTS[usize::from(n % 4)],
            zero_threshold: if custom { 0.0 } else { 1e-128 },
            sum: f64::from(n) * 1.1,
            positive_spans: spans,
            negative_spans: vec![],
            custom: if custom { vec![0.1, 1.0, f64::INFINITY] } else { vec![] },
            counts,
        }
    }

    #[test]
    fn every_kind_comes_back() {
        for n in 0..60 {
            let (h, mut bytes) = (sample(n), Vec::new());
            h.check().unwrap();
            encode(&h, &mut bytes);
            let mut c = Cursor::new(&bytes);
            assert!(decode(&mut c).unwrap().same(&h), "{n}");
            assert!(c.is_empty());
        }
    }

    #[test]
    fn both_signs_come_back() {
        let counts =
            Counts::Integer { count: 9, zero: 0, positive: vec![5, 1], negative: vec![u64::MAX] };
        let one = vec![Span { offset: -7, length: 1 }];
        let two = vec![Span { offset: 2, length: 1 }, Span { offset: 3, length: 1 }];
        let h = Histogram { positive_spans: two, negative_spans: one, counts, ..sample(0) };
        let mut bytes = Vec::new();
        encode(&h, &mut bytes);
        assert_eq!(decode(&mut Cursor::new(&bytes)).unwrap(), h);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 0u8..60, whole in any::<bool>(),
        ) {
            if whole {
                let at = bytes.len();
                encode(&sample(kind), &mut bytes);
                bytes.rotate_left(at);
            }
            drop(decode(&mut Cursor::new(&bytes)));
        }
    }
}
