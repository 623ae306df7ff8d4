//! Chunks of native histograms.

use plimsoll_model::{CUSTOM_BUCKETS, Columns, Counts, Histogram, ResetHint, Span, is_stale};

use super::Kind;
use super::bits::{BitWriter, Xor};

/// Flags of a chunk: what is known of counter resets before its first sample.
const RESET: u8 = 0b1000_0000;
const GAUGE: u8 = 0b1100_0000;

/// Encodes the histograms from `from` on that fit into one chunk; they end before `until`.
pub(super) fn encode(columns: &Columns<'_>, from: usize, until: usize) -> (Kind, Vec<u8>, usize) {
    let empty = stale();
    let Some(first) = columns.histogram(from) else { return (Kind::Histogram, Vec::new(), from) };
    let before = from.checked_sub(1).and_then(|i| columns.histogram(i));
    let was_reset = before.is_some_and(|b| !is_stale(b.sum) && is_reset(b, first));
    let flags = match first.hint {
        ResetHint::Gauge => GAUGE,
        ResetHint::Reset => RESET,
        _ if was_reset && !is_stale(first.sum) => RESET,
        _ => 0,
    };
    let first = if is_stale(first.sum) { &empty } else { &**first };
    let mut out = BitWriter::new(0, Some(flags));
    put_layout(&mut out, first);
    let mut chunk = match first.counts {
        Counts::Integer { .. } => Body::Integer(Whole::default()),
        Counts::Float { .. } => Body::Float(Floats::default()),
    };
    let kind = match chunk {
        Body::Integer(_) => Kind::Histogram,
        Body::Float(_) => Kind::FloatHistogram,
    };
    let mut times = Times::default();
    let (mut at, mut before) = (from, first);
    while at < until
        && let Some(h) = columns.histogram(at)
    {
        let h = if is_stale(h.sum) { &empty } else { &**h };
        if at > from && !follows(before, h) {
            break;
        }
        let n = at - from;
        times.put(&mut out, n, columns.times[at]);
        match &mut chunk {
            Body::Integer(body) => body.put(&mut out, n, h),
            Body::Float(body) => body.put(&mut out, n, h),
        }
        (at, before) = (at + 1, h);
    }
    out.set_samples(at - from);
    (kind, out.finish(), at)
}

/// A staleness marker: nothing of it but its sum is looked at.
fn stale() -> Histogram {
    Histogram {
        schema: 0,
        hint: ResetHint::Unknown,
        zero_threshold: 0.0,
        sum: plimsoll_model::stale_nan(),
        positive_spans: Vec::new(),
        negative_spans: Vec::new(),
        custom: Vec::new(),
        counts: Counts::Integer { count: 0, zero: 0, positive: Vec::new(), negative: Vec::new() },
    }
}

/// Whether two histograms may follow each other in a chunk.
fn follows(a: &Histogram, b: &Histogram) -> bool {
    if is_stale(a.sum) || is_stale(b.sum) {
        return is_stale(a.sum) && is_stale(b.sum);
    }
    let gauges = (a.hint == ResetHint::Gauge, b.hint == ResetHint::Gauge);
    let same = gauges.0 == gauges.1 && same_layout(a, b) && b.hint != ResetHint::Reset;
    same && (gauges.0 || !sinks(a, b))
}

fn same_layout(a: &Histogram, b: &Histogram) -> bool {
    let kind = |h: &Histogram| matches!(h.counts, Counts::Integer { .. });
    kind(a) == kind(b)
        && a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && a.custom == b.custom
}

/// Whether a counter was reset in between, as far as equal layouts tell.
fn is_reset(a: &Histogram, b: &Histogram) -> bool {
    b.hint != ResetHint::Gauge && (b.count() < a.count() || (same_layout(a, b) && sinks(a, b)))
}

/// Whether a count of `b` is below that of `a`, which has the same layout.
fn sinks(a: &Histogram, b: &Histogram) -> bool {
    match (&a.counts, &b.counts) {
        (
            Counts::Integer { count: a, zero: az, positive: ap, negative: an },
            Counts::Integer { count: b, zero: bz, positive: bp, negative: bn },
        ) => b < a || bz < az || below(ap, bp) || below(an, bn),
        (
            Counts::Float { count: a, zero: az, positive: ap, negative: an },
            Counts::Float { count: b, zero: bz, positive: bp, negative: bn },
        ) => b < a || bz < az || below(ap, bp) || below(an, bn),
        _ => false,
    }
}

fn below<T: PartialOrd>(a: &[T], b: &[T]) -> bool {
    a.iter().zip(b).any(|(a, b)| b < a)
}

fn put_layout(out: &mut BitWriter, h: &Histogram) {
    put_zero_threshold(out, h.zero_threshold);
    out.int(i64::from(h.schema));
    put_spans(out, &h.positive_spans);
    put_spans(out, &h.negative_spans);
    if h.schema == CUSTOM_BUCKETS {
        out.uint(h.custom.len() as u64);
        h.custom.iter().for_each(|bound| put_bound(out, *bound));
    }
}

fn put_spans(out: &mut BitWriter, spans: &[Span]) {
    out.uint(spans.len() as u64);
    for span in spans {
        out.uint(u64::from(span.length));
        out.int(i64::from(span.offset));
    }
}

/// One byte for 0 and for powers of two from 2^-243 to 2^10; else nine.
fn put_zero_threshold(out: &mut BitWriter, threshold: f64) {
    let bits = threshold.to_bits();
    let (mantissa, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i64 - 1023);
    if bits == 0 {
        out.put(0, 8);
    } else if mantissa == 0 && (-243..=10).contains(&exponent) {
        out.put((exponent + 244) as u64, 8);
    } else {
        out.put(255, 8);
        out.put(bits, 64);
    }
}

/// A bound of custom buckets: thousandths where it is a whole number of them, else its bits.
fn put_bound(out: &mut BitWriter, bound: f64) {
    let thousandths = bound * 1000.0;
    let whole = (0.0..=33_554_430.0).contains(&thousandths) && thousandths.fract() == 0.0;
    // What is read back must be the same bits.
    if whole && (thousandths / 1000.0).to_bits() == bound.to_bits() {
        out.uint(thousandths as u64 + 1);
    } else {
        out.put(0, 1);
        out.put(bound.to_bits(), 64);
    }
}

enum Body {
    Integer(Whole),
    Float(Floats),
}

/// Times: the first one, a distance, differences of distances.
#[derive(Default)]
struct Times(Double);

impl Times {
    fn put(&mut self, out: &mut BitWriter, n: usize, time: i64) {
        out.int(self.0.next(n, time));
    }
}

/// A number told by the difference of its differences.
#[derive(Clone, Copy, Default)]
struct Double {
    value: i64,
    delta: i64,
}

impl Double {
    fn next(&mut self, n: usize, value: i64) -> i64 {
        let delta = value.wrapping_sub(self.value);
        let told = match n {
            0 => value,
            1 => delta,
            _ => delta.wrapping_sub(self.delta),
        };
        *self = Self { value, delta: if n == 0 { 0 } else { delta } };
        told
    }
}

/// Samples of whole counts.
#[derive(Default)]
struct Whole {
    count: Double,
    zero: Double,
    sum: Xor,
    buckets: Vec<Double>,
}

impl Whole {
    fn put(&mut self, out: &mut BitWriter, n: usize, h: &Histogram) {
        let Counts::Integer { count, zero, positive, negative } = &h.counts else { return };
        let (count, zero) = (self.count.next(n, *count as i64), self.zero.next(n, *zero as i64));
        if n == 0 {
            out.uint(count as u64);
            out.uint(zero as u64);
            self.sum.raw(out, h.sum);
        } else {
            out.int(count);
            out.int(zero);
            self.sum.put(out, h.sum);
        }
        self.buckets.resize(positive.len() + negative.len(), Double::default());
        let differences = [positive, negative].into_iter().flat_map(|side| {
            let before = std::iter::once(0).chain(side.iter().map(|c| *c as i64));
            side.iter().map(|c| *c as i64).zip(before).map(|(c, b)| c.wrapping_sub(b))
        });
        for (bucket, difference) in self.buckets.iter_mut().zip(differences) {
            out.int(bucket.next(n, difference));
        }
    }
}

/// Samples of float counts.
#[derive(Default)]
struct Floats {
    count: Xor,
    zero: Xor,
    sum: Xor,
    buckets: Vec<Xor>,
}

impl Floats {
    fn put(&mut self, out: &mut BitWriter, n: usize, h: &Histogram) {
        let Counts::Float { count, zero, positive, negative } = &h.counts else { return };
        self.buckets.resize(positive.len() + negative.len(), Xor::default());
        let heads = [(&mut self.count, count), (&mut self.zero, zero), (&mut self.sum, &h.sum)];
        let buckets = self.buckets.iter_mut().zip(positive.iter().chain(negative));
        for (column, value) in heads.into_iter().chain(buckets) {
            if n == 0 {
                column.raw(out, *value);
            } else {
                column.put(out, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[track_caller]
    fn check(h: Histogram, expected_kind: Kind, expected: &str) {
        let times = [1_i64, 3];
        let all = [Some(Arc::new(h.clone())), Some(Arc::new(h))];
        let mut columns = Columns::plain(&times, &[0.0, 0.0]);
        columns.histograms = Some(&all);
        let (kind, data, end) = encode(&columns, 0, 2);
        assert_eq!((kind, end), (expected_kind, 2));
        let bits: String = data[3..].iter().map(|b| format!("{b:08b}")).collect();
        let expected = expected.replace([' ', '\n'], "");
        assert_eq!(bits.trim_end_matches('0'), expected.trim_end_matches('0'));
        assert_eq!(data[..2], [0, 2]);
    }

    #[test]
    fn the_layout_stands_before_the_samples() {
        let h = Histogram {
            schema: 3,
            zero_threshold: 2f64.powi(-128),
            sum: 0.0,
            positive_spans: vec![Span { offset: -1, length: 2 }],
            counts: Counts::Integer { count: 4, zero: 1, positive: vec![1, 2], negative: vec![] },
            ..stale()
        };
        let zeroes = "0".repeat(64);
        // Threshold 116; schema 3; one span of 2 at -1; no negative ones; then two samples.
        check(
            h,
            Kind::Histogram,
            &format!(
                "01110100 10011 10001 10010 10111 0 \
                 10001 10100 10001 {zeroes} 10001 10001  10010 0 0 0 0 0"
            ),
        );
    }

    #[test]
    fn custom_bounds_are_short_where_people_wrote_them() {
        let h = Histogram {
            schema: CUSTOM_BUCKETS,
            sum: 0.0,
            custom: vec![0.005, 0.1 + 0.2],
            counts: Counts::Float { count: 0.0, zero: 0.0, positive: vec![], negative: vec![] },
            ..stale()
        };
        let zeroes = "0".repeat(192);
        let odd = format!("0{:064b}", (0.1f64 + 0.2).to_bits());
        check(
            h,
            Kind::FloatHistogram,
            &format!("00000000 1110111001011 0 0 10010 10110 {odd} 10001 {zeroes} 10010 000"),
        );
    }
}
