//! Dense buckets of OpenTelemetry to sparse ones of native histograms.

use plimsoll_model::{
    CUSTOM_BUCKETS, Counts, Histogram, ResetHint, SCHEMA_MAX, SCHEMA_MIN, Span, stale_nan,
};

/// Empty buckets in a row that are written out rather than skipped by a new span.
const GAP_MAX: i64 = 2;
/// Width of the zero bucket where nothing is said, as Prometheus has it.
const ZERO_THRESHOLD: f64 = 1e-128;

/// One side of an exponential histogram.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    /// Number of the first bucket.
    pub offset: i64,
    /// How many observations each has.
    pub counts: Vec<u64>,
}

/// What a point of a histogram holds besides its buckets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub count: u64,
    pub sum: Option<f64>,
    /// There is no value: a staleness marker.
    pub is_stale: bool,
    /// Each value is of its own time.
    pub is_delta: bool,
}

/// An exponential histogram as a native one. Resolutions finer than 8 are made coarser.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn exponential(
    totals: Totals,
    scale: i64,
    zero: (u64, f64),
    positive: &Buckets,
    negative: &Buckets,
) -> Result<Histogram, String> {
    if scale < i64::from(SCHEMA_MIN) {
        return Err(format!(
            "cannot convert exponential to native histogram. Scale must be >= -4, was {scale}"
        ));
    }
    let schema = i8::try_from(scale).unwrap_or(i8::MAX).min(SCHEMA_MAX);
    let coarser = (scale - i64::from(schema)).min(62) as u32;
    // Bucket 0 is (1, base] there and bucket 1 is here.
    let side = |b: &Buckets| {
        let numbered = b.counts.iter().zip(b.offset..);
        sparse(numbered.map(|(count, number)| ((number >> coarser) + 1, *count)))
    };
    let (positive_spans, positive) = side(positive)?;
    let (negative_spans, negative) = side(negative)?;
    let zero_threshold = if zero.1 > 0.0 { zero.1 } else { ZERO_THRESHOLD };
    let counts = Counts::Integer { count: totals.count, zero: zero.0, positive, negative };
    let h = Histogram {
        schema,
        hint: totals.hint(),
        zero_threshold,
        sum: totals.sum.unwrap_or(0.0),
        positive_spans,
        negative_spans,
        custom: Vec::new(),
        counts,
    };
    Ok(totals.or_stale(h))
}

/// An explicit histogram as a native one of custom buckets.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn custom(totals: Totals, bounds: &[f64], counts: &[u64]) -> Result<Histogram, String> {
    let (positive_spans, positive) = sparse((0..).zip(counts.iter().copied()))?;
    let counts = Counts::Integer { count: totals.count, zero: 0, positive, negative: Vec::new() };
    let h = Histogram {
        schema: CUSTOM_BUCKETS,
        hint: totals.hint(),
        zero_threshold: 0.0,
        sum: totals.sum.unwrap_or(0.0),
        positive_spans,
        negative_spans: Vec::new(),
        custom: bounds.to_vec(),
        counts,
    };
    Ok(totals.or_stale(h))
}

impl Totals {
    const fn hint(self) -> ResetHint {
        if self.is_delta { ResetHint::Gauge } else { ResetHint::Unknown }
    }

    fn or_stale(self, h: Histogram) -> Histogram {
        if !self.is_stale {
            return h;
        }
        let counts =
            Counts::Integer { count: 0, zero: 0, positive: Vec::new(), negative: Vec::new() };
        Histogram {
            sum: stale_nan(),
            positive_spans: Vec::new(),
            negative_spans: Vec::new(),
            counts,
            ..h
        }
    }
}

/// Spans and counts of buckets whose numbers do not fall; equal ones are one bucket.
fn sparse(numbered: impl Iterator<Item = (i64, u64)>) -> Result<(Vec<Span>, Vec<u64>), String> {
    let (mut spans, mut counts) = (Vec::<Span>::new(), Vec::<u64>::new());
    let mut end = None;
    for (number, count) in numbered.filter(|(_, count)| *count > 0) {
        let gap = end.map(|end: i64| number - end);
        match (gap, spans.last_mut()) {
            (Some(-1), Some(_)) => {
                if let Some(last) = counts.last_mut() {
                    *last = last.saturating_add(count);
                }
                continue;
            }
            (Some(gap), Some(span)) if gap <= GAP_MAX => {
                counts.resize(counts.len() + gap.max(0) as usize, 0);
                span.length += gap.max(0) as u32 + 1;
            }
            _ => {
                let offset = i32::try_from(gap.unwrap_or(number))
                    .map_err(|_| format!("bucket {number} is out of range"))?;
                spans.push(Span { offset, length: 1 });
            }
        }
        counts.push(count);
        end = Some(number + 1);
    }
    Ok((spans, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(h: &Histogram) -> Vec<(i32, u32)> {
        h.positive_spans.iter().map(|s| (s.offset, s.length)).collect()
    }

    fn positive(h: &Histogram) -> Vec<u64> {
        match &h.counts {
            Counts::Integer { positive, .. } => positive.clone(),
            Counts::Float { .. } => Vec::new(),
        }
    }

    #[test]
    fn buckets_are_shifted_by_one_and_gaps_skipped() {
        let buckets = Buckets { offset: -2, counts: vec![1, 0, 0, 2, 0, 0, 0, 3, 0] };
        let totals = Totals { count: 6, sum: Some(4.5), ..Totals::default() };
        let h = exponential(totals, 2, (0, 0.0), &buckets, &Buckets::default()).unwrap();
        h.check().unwrap();
        assert_eq!((h.schema, h.sum, h.zero_threshold), (2, 4.5, 1e-128));
        assert_eq!((spans(&h), positive(&h)), (vec![(-1, 4), (3, 1)], vec![1, 0, 0, 2, 3]));
    }

    #[test]
    fn fine_resolutions_become_coarser() {
        let buckets = Buckets { offset: -3, counts: vec![1, 2, 3, 4, 5, 6] };
        let totals = Totals { count: 21, ..Totals::default() };
        let h = exponential(totals, 9, (0, 0.5), &buckets, &Buckets::default()).unwrap();
        h.check().unwrap();
        // Pairs of -4 to 3: (., 1), (2, 3), (4, 5), (6, .).
        assert_eq!((spans(&h), positive(&h)), (vec![(-1, 4)], vec![1, 5, 9, 6]));
        assert_eq!((h.schema, h.zero_threshold), (8, 0.5));
        assert!(exponential(totals, -5, (0, 0.0), &buckets, &buckets).unwrap_err().contains("-5"));
        let far = Buckets { offset: i64::from(i32::MAX), counts: vec![0, 1] };
        assert!(exponential(totals, 0, (0, 0.0), &far, &buckets).is_err());
    }

    #[test]
    fn explicit_buckets_keep_their_bounds() {
        let totals = Totals { count: 3, is_delta: true, ..Totals::default() };
        let h = custom(totals, &[0.5, 1.0], &[0, 1, 2]).unwrap();
        h.check().unwrap();
        assert_eq!((spans(&h), positive(&h)), (vec![(1, 2)], vec![1, 2]));
        assert_eq!((h.hint, h.custom), (ResetHint::Gauge, vec![0.5, 1.0]));
        let stale = custom(Totals { is_stale: true, ..totals }, &[0.5], &[0, 1]).unwrap();
        stale.check().unwrap();
        assert!(plimsoll_model::is_stale(stale.sum));
    }
}
