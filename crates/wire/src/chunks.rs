//! Prometheus' chunks of samples, written: what remote read streams.
//!
//! Floats are packed as in "Gorilla" (Pelkonen et al., VLDB 2015), native histograms by the differences
//! of their buckets; follows prometheus/tsdb/docs/format/chunks.md. A chunk holds one kind of sample; a
//! chunk of histograms holds one layout (schema, zero threshold, spans, bounds) and no counter reset but
//! before its first sample. Reading floats back is [`crate::blocks::decode_xor`].

mod bits;
mod histogram;

use plimsoll_model::{Columns, Timestamp};

use bits::{BitWriter, Xor};

/// Samples of one chunk, as Prometheus cuts them.
pub const CHUNK_SAMPLES_MAX: usize = 120;

/// How a chunk is encoded, by Prometheus' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Floats.
    Xor = 1,
    /// Native histograms of whole counts.
    Histogram = 2,
    /// Native histograms of float counts.
    FloatHistogram = 3,
}

/// A chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// How it is encoded.
    pub kind: Kind,
    /// Its first time, ms.
    pub min: Timestamp,
    /// Its last time, ms.
    pub max: Timestamp,
    /// Its bytes, the number of samples first.
    pub data: Vec<u8>,
}

/// The chunk that begins with sample `from`, and the number of the sample behind it. Times must rise;
/// `None` when there is no such sample.
pub fn next(columns: &Columns<'_>, from: usize) -> Option<(Chunk, usize)> {
    let first = *columns.times.get(from)?;
    let until = columns.len().min(from + CHUNK_SAMPLES_MAX);
    let (kind, data, end) = if columns.histogram(from).is_none() {
        let floats = (from..until).take_while(|i| columns.histogram(*i).is_none()).count();
        let end = from + floats;
        (Kind::Xor, floats_of(&columns.times[from..end], &columns.floats[from..end]), end)
    } else {
        histogram::encode(columns, from, until)
    };
    Some((Chunk { kind, min: first, max: columns.times[end - 1], data }, end))
}

/// A chunk of floats.
fn floats_of(times: &[Timestamp], floats: &[f64]) -> Vec<u8> {
    let mut out = BitWriter::new(times.len(), None);
    let mut value = Xor::default();
    let (mut before, mut delta) = (0i64, 0i64);
    for (i, (&t, &v)) in times.iter().zip(floats).enumerate() {
        let d = t.wrapping_sub(before);
        match i {
            0 => {
                out.varint(t);
                value.raw(&mut out, v);
            }
            1 => out.uvarint(d as u64),
            _ => out.delta_of_delta(d.wrapping_sub(delta)),
        }
        if i > 0 {
            value.put(&mut out, v);
            delta = d;
        }
        before = t;
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plimsoll_model::{Counts, Histogram, ResetHint, Span, stale_nan};
    use proptest::prelude::*;

    use super::*;
    use crate::blocks::decode_xor;

    proptest! {
        #[test]
        fn floats_come_back(
            steps in proptest::collection::vec(1i64..100_000_000, 1..300),
            values in proptest::collection::vec(any::<f64>(), 300),
            start in -1_000_000_000_000i64..2_000_000_000_000,
        ) {
            let mut t = start;
            let times: Vec<i64> = steps.iter().map(|s| { t += s; t }).collect();
            let floats = &values[..times.len()];
            let columns = Columns::plain(&times, floats);
            let (mut at, mut found_times, mut found) = (0, Vec::new(), Vec::new());
            while let Some((chunk, end)) = next(&columns, at) {
                prop_assert!(end > at && end - at <= CHUNK_SAMPLES_MAX);
                prop_assert_eq!((chunk.min, chunk.max), (times[at], times[end - 1]));
                decode_xor(&chunk.data, &mut found_times, &mut found).unwrap();
                at = end;
            }
            prop_assert_eq!(&found_times, &times);
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(floats));
        }
    }

    fn histogram(counts: [u64; 2]) -> Histogram {
        Histogram {
            schema: 1,
            hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: 3.0,
            positive_spans: vec![Span { offset: 0, length: 2 }],
            negative_spans: Vec::new(),
            custom: Vec::new(),
            counts: Counts::Integer {
                count: counts[0] + counts[1],
                zero: 0,
                positive: counts.to_vec(),
                negative: Vec::new(),
            },
        }
    }

    #[test]
    fn chunks_end_where_the_kind_or_the_layout_changes() {
        let wider =
            Histogram { positive_spans: vec![Span { offset: 1, length: 2 }], ..histogram([5, 5]) };
        let stale = Histogram { sum: stale_nan(), ..histogram([0, 0]) };
        let all = [
            None,
            Some(histogram([1, 2])),
            Some(histogram([2, 2])),
            Some(histogram([3, 1])), // a bucket sinks: a counter reset
            Some(wider.clone()),
            Some(stale.clone()),
            Some(stale),
            Some(Histogram { hint: ResetHint::Gauge, ..wider.clone() }),
            Some(Histogram { hint: ResetHint::Reset, ..wider }),
        ];
        let histograms: Vec<_> = all.into_iter().map(|h| h.map(Arc::new)).collect();
        let times: Vec<i64> = (0..9).map(|i| i * 1000).collect();
        let floats = [1.0; 9];
        let mut columns = Columns::plain(&times, &floats);
        columns.histograms = Some(&histograms);
        let (mut at, mut found) = (0, Vec::new());
        while let Some((chunk, end)) = next(&columns, at) {
            let flags = if chunk.kind == Kind::Xor { 0 } else { chunk.data[2] };
            found.push((chunk.kind, end - at, flags));
            at = end;
        }
        let h = Kind::Histogram;
        let expected = [
            (Kind::Xor, 1, 0),
            (h, 2, 0),
            (h, 1, 0x80),
            (h, 1, 0),
            (h, 2, 0),
            (h, 1, 0xc0),
            (h, 1, 0x80),
        ];
        assert_eq!(found, expected);
    }
}
