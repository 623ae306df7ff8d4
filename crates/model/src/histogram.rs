//! Native histograms: one sample that holds a whole distribution.
//!
//! The model is that of Prometheus: exponential buckets with base 2^(2^-schema) for schemas -4 to 8,
//! or custom upper bounds (schema -53); sparse, as spans of bucket numbers. Counts here are absolute,
//! not differences; integers stay integers, so that counters lose nothing.

use std::sync::Arc;

use crate::{Error, Labels, Result, Timestamp};

/// The schema of histograms whose bounds are listed.
pub const CUSTOM_BUCKETS: i8 = -53;
/// Finest exponential schema.
pub const SCHEMA_MAX: i8 = 8;
/// Coarsest exponential schema.
pub const SCHEMA_MIN: i8 = -4;
/// Buckets of one histogram, both signs together.
pub const HISTOGRAM_BUCKETS_MAX: usize = 16_384;

/// A run of buckets that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Buckets left out since the end of the span before; for the first span, its first bucket.
    pub offset: i32,
    /// Buckets in it.
    pub length: u32,
}

/// What the sender knows of counter resets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ResetHint {
    /// Compare with the sample before.
    #[default]
    Unknown,
    /// The counter was reset just before this sample.
    Reset,
    /// It was not.
    NotReset,
    /// Not a counter.
    Gauge,
}

/// How many observations each bucket holds: absolute, in the order of the spans.
#[derive(Clone, Debug, PartialEq)]
pub enum Counts {
    /// Whole numbers.
    Integer {
        /// All observations.
        count: u64,
        /// Those in the zero bucket.
        zero: u64,
        /// Those in the positive buckets.
        positive: Vec<u64>,
        /// Those in the negative buckets.
        negative: Vec<u64>,
    },
    /// Results of arithmetic, or of sampling.
    Float {
        /// All observations.
        count: f64,
        /// Those in the zero bucket.
        zero: f64,
        /// Those in the positive buckets.
        positive: Vec<f64>,
        /// Those in the negative buckets.
        negative: Vec<f64>,
    },
}

/// One histogram sample. A staleness marker is a histogram whose `sum` is the stale NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Resolution, or [`CUSTOM_BUCKETS`].
    pub schema: i8,
    /// What is known of resets.
    pub hint: ResetHint,
    /// Width of the zero bucket: values of at most this distance from 0.
    pub zero_threshold: f64,
    /// Sum of the observations.
    pub sum: f64,
    /// Where the positive buckets are.
    pub positive_spans: Vec<Span>,
    /// Where the negative buckets are.
    pub negative_spans: Vec<Span>,
    /// Upper bounds of custom buckets, rising; empty for other schemas.
    pub custom: Vec<f64>,
    /// The counts.
    pub counts: Counts,
}

impl Histogram {
    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// `Invalid` naming what does not fit; `Limit` for too many buckets.
    pub fn check(&self) -> Result<()> {
        let custom = self.schema == CUSTOM_BUCKETS;
        if !custom && !(SCHEMA_MIN..=SCHEMA_MAX).contains(&self.schema) {
            return invalid(format!(
                "histogram schema {} is unknown; -4 to 8 and -53 are",
                self.schema
            ));
        }
        if custom && (!self.negative_spans.is_empty() || self.zero_threshold != 0.0) {
            return invalid(
                "a histogram of custom buckets has no zero and no negative buckets".to_owned(),
            );
        }
        if !custom && !self.custom.is_empty() {
            return invalid("only histograms of schema -53 list bounds".to_owned());
        }
        if !self.custom.is_sorted_by(|a, b| a < b) || self.custom.iter().any(|b| b.is_nan()) {
            return invalid("custom bounds must rise".to_owned());
        }
        let (positive, negative) = match &self.counts {
            Counts::Integer { positive, negative, .. } => (positive.len(), negative.len()),
            Counts::Float { positive, negative, .. } => (positive.len(), negative.len()),
        };
        check_spans("positive", &self.positive_spans, positive)?;
        check_spans("negative", &self.negative_spans, negative)?;
        if positive + negative > HISTOGRAM_BUCKETS_MAX || self.custom.len() > HISTOGRAM_BUCKETS_MAX
        {
            return Err(Error::Limit {
                limit: "histogram buckets",
                max: HISTOGRAM_BUCKETS_MAX as u64,
                what: format!("{} buckets in one histogram", positive + negative),
            });
        }
        Ok(())
    }

    /// Buckets that are listed, the zero bucket left out.
    pub const fn bucket_count(&self) -> usize {
        match &self.counts {
            Counts::Integer { positive, negative, .. } => positive.len() + negative.len(),
            Counts::Float { positive, negative, .. } => positive.len() + negative.len(),
        }
    }

    /// All observations, as a float.
    pub const fn count(&self) -> f64 {
        match &self.counts {
            Counts::Integer { count, .. } => *count as f64,
            Counts::Float { count, .. } => *count,
        }
    }

    /// Whether both are the same bit by bit (a NaN equals itself), hints included.
    pub fn same(&self, other: &Self) -> bool {
        let floats = |a: &[f64], b: &[f64]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        };
        let counts = match (&self.counts, &other.counts) {
            (
                Counts::Float { count: a, zero: b, positive: c, negative: d },
                Counts::Float { count: w, zero: x, positive: y, negative: z },
            ) => floats(&[*a, *b], &[*w, *x]) && floats(c, y) && floats(d, z),
            (a, b) => a == b,
        };
        counts
            && self.schema == other.schema
            && self.hint == other.hint
            && floats(&[self.zero_threshold, self.sum], &[other.zero_threshold, other.sum])
            && floats(&self.custom, &other.custom)
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
    }
}

fn invalid(why: String) -> Result<()> {
    Err(Error::Invalid(why))
}

fn check_spans(which: &str, spans: &[Span], buckets: usize) -> Result<()> {
    let total: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if total != buckets as u64 {
        return invalid(format!(
            "{which} spans hold {total} buckets, but {buckets} counts are given"
        ));
    }
    if spans.iter().skip(1).any(|s| s.offset < 0) {
        return invalid(format!("{which} spans overlap: only the first offset may be negative"));
    }
    let end = spans.iter().try_fold(0i32, |at, s| {
        at.checked_add(s.offset)?.checked_add(i32::try_from(s.length).ok()?)
    });
    if end.is_none() {
        return invalid(format!("{which} spans reach beyond the bucket numbers"));
    }
    Ok(())
}

/// One observation that stands for a sample: where it came from, as labels (a trace, mostly).
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its labels, such as `trace_id`.
    pub labels: Labels,
    /// What was observed.
    pub value: f64,
    /// When, ms.
    pub time: Timestamp,
}

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// The series.
    pub labels: Labels,
    /// Its exemplars, rising in time.
    pub exemplars: Vec<Arc<Exemplar>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Histogram {
        Histogram {
            schema: 0,
            hint: ResetHint::Unknown,
            zero_threshold: 0.001,
            sum: 18.4,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            negative_spans: vec![],
            custom: vec![],
            counts: Counts::Integer {
                count: 5,
                zero: 1,
                positive: vec![1, 2, 1],
                negative: vec![],
            },
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        sample().check().unwrap();
        let wrong = [
            (Histogram { schema: 9, ..sample() }, "schema 9"),
            (Histogram { positive_spans: vec![], ..sample() }, "0 buckets, but 3"),
            (Histogram { custom: vec![1.0], ..sample() }, "-53"),
            (
                Histogram { negative_spans: vec![Span { offset: 1, length: 1 }], ..sample() },
                "negative",
            ),
        ];
        for (h, why) in wrong {
            let said = h.check().unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn equal_means_bit_by_bit() {
        let nan = Histogram { sum: f64::NAN, ..sample() };
        assert!(nan.same(&nan.clone()));
        assert!(!nan.same(&Histogram { sum: crate::stale_nan(), ..sample() }));
        assert!(!sample().same(&Histogram { hint: ResetHint::Gauge, ..sample() }));
    }
}
