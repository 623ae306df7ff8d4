//! Native histograms as the evaluator computes with them: float counts, sparse buckets.
//!
//! The model is that of Prometheus: exponential buckets with base 2^(2^-schema), or listed upper
//! bounds (schema -53). A side is a list of bucket numbers and counts, rising in the number; a listed
//! bucket may be empty, which matters to equality only. Results of arithmetic are never rejected: a
//! count may be negative, infinite or NaN. A sum of many is kept with compensation ([`Summed`]).

mod add;
mod bounds;
mod estimate;
#[cfg(test)]
mod laws;
mod reset;
mod text;
mod total;
mod trim;

use plimsoll_model::{CUSTOM_BUCKETS, Counts, Histogram, ResetHint, SCHEMA_MAX, SCHEMA_MIN, Span};

use crate::kernels::Sum;
use bounds::bound;

pub(crate) use add::{Incompatible, Outcome};
pub(crate) use estimate::{NanNote, fraction, quantile, variance};
pub use text::{HistogramBucket, histogram_buckets, histogram_text};
pub(crate) use total::Total;
pub(crate) use trim::Keep;

/// A bucket number and what it holds.
pub(crate) type Buckets<C> = Vec<(i32, C)>;

/// A histogram, its counts of the type `C`: numbers, or sums that keep what they lose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hist<C = f64> {
    /// What is known of counter resets.
    pub hint: ResetHint,
    /// Resolution, or [`CUSTOM_BUCKETS`].
    pub schema: i8,
    /// Width of the zero bucket; never NaN.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero: C,
    /// All observations.
    pub count: C,
    /// Sum of the observations.
    pub sum: C,
    /// Buckets above zero; all buckets for custom bounds.
    pub positive: Buckets<C>,
    /// Buckets below zero.
    pub negative: Buckets<C>,
    /// Upper bounds of custom buckets.
    pub custom: Vec<f64>,
}

/// A histogram under summation, with compensation in every number.
pub(crate) type Summed = Hist<Sum>;

/// A number of a histogram.
pub(crate) trait Cell: Copy {
    /// A plain number.
    fn of(value: f64) -> Self;
    /// The number, what it lost left out.
    fn main(self) -> f64;
    /// The number with what it lost.
    fn value(self) -> f64;
    /// One more term.
    fn plus(self, term: f64) -> Self;
    /// All of another.
    fn join(self, other: Self) -> Self;
    /// Both parts changed alike.
    fn map(self, f: impl Fn(f64) -> f64) -> Self;
}

impl Cell for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn main(self) -> f64 {
        self
    }
    fn value(self) -> f64 {
        self
    }
    fn plus(self, term: f64) -> Self {
        self + term
    }
    fn join(self, other: Self) -> Self {
        self + other
    }
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        f(self)
    }
}

impl Cell for Sum {
    fn of(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }
    fn main(self) -> f64 {
        self.sum
    }
    fn value(self) -> f64 {
        Self::value(self)
    }
    fn plus(self, term: f64) -> Self {
        Self::plus(self, term)
    }
    fn join(self, other: Self) -> Self {
        Self::plus(Self::plus(self, other.sum), other.lost)
    }
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { sum: f(self.sum), lost: f(self.lost) }
    }
}

impl<C: Cell> Hist<C> {
    /// Whether its bounds are listed.
    pub const fn is_custom(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    /// The same with another type of numbers.
    fn cells<D: Cell>(&self, f: impl Fn(C) -> D) -> Hist<D> {
        let side = |buckets: &Buckets<C>| buckets.iter().map(|(i, c)| (*i, f(*c))).collect();
        Hist {
            hint: self.hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero: f(self.zero),
            count: f(self.count),
            sum: f(self.sum),
            positive: side(&self.positive),
            negative: side(&self.negative),
            custom: self.custom.clone(),
        }
    }

    fn for_all(&mut self, f: impl Fn(f64) -> f64) {
        self.zero = self.zero.map(&f);
        self.count = self.count.map(&f);
        self.sum = self.sum.map(&f);
        for (_, c) in self.positive.iter_mut().chain(&mut self.negative) {
            *c = c.map(&f);
        }
    }

    /// Multiplies every number. A negative factor makes a gauge of it.
    pub fn mul(&mut self, factor: f64) {
        self.for_all(|v| v * factor);
        if factor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// Divides every number. Division by zero leaves no buckets; a negative divisor makes a gauge.
    pub fn div(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        self.for_all(|v| v / divisor);
        if divisor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// Whether a number is infinite.
    pub fn overflows(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, c)| *c);
        [self.zero, self.count, self.sum].into_iter().chain(buckets).any(|c| c.main().is_infinite())
    }
}

impl Summed {
    /// The sum so far.
    pub fn finish(&self) -> Hist {
        self.cells(Cell::value)
    }

    /// The sum so far, every number divided before what it lost is added.
    pub fn finish_over(&self, divisor: f64) -> Hist {
        self.cells(|c: Sum| c.sum / divisor + c.lost / divisor)
    }
}

impl Hist {
    /// A histogram as it is stored.
    pub fn of(h: &Histogram) -> Self {
        let (count, zero, positive, negative) = match &h.counts {
            Counts::Integer { count, zero, positive, negative } => (
                *count as f64,
                *zero as f64,
                side(&h.positive_spans, positive.iter().map(|c| *c as f64)),
                side(&h.negative_spans, negative.iter().map(|c| *c as f64)),
            ),
            Counts::Float { count, zero, positive, negative } => (
                *count,
                *zero,
                side(&h.positive_spans, positive.iter().copied()),
                side(&h.negative_spans, negative.iter().copied()),
            ),
        };
        let known = h.schema == CUSTOM_BUCKETS || (SCHEMA_MIN..=SCHEMA_MAX).contains(&h.schema);
        let zero_threshold = if h.zero_threshold.is_nan() { 0.0 } else { h.zero_threshold };
        Self {
            hint: h.hint,
            schema: if known { h.schema } else { 0 },
            zero_threshold,
            zero,
            count,
            sum: h.sum,
            positive,
            negative,
            custom: h.custom.clone(),
        }
    }

    /// The histogram as it is answered and stored.
    pub fn to_model(&self) -> Histogram {
        let counts = |buckets: &Buckets<f64>| buckets.iter().map(|(_, c)| *c).collect();
        Histogram {
            schema: self.schema,
            hint: self.hint,
            zero_threshold: self.zero_threshold,
            sum: self.sum,
            positive_spans: spans(&self.positive),
            negative_spans: spans(&self.negative),
            custom: self.custom.clone(),
            counts: Counts::Float {
                count: self.count,
                zero: self.zero,
                positive: counts(&self.positive),
                negative: counts(&self.negative),
            },
        }
    }

    /// What remains where buckets are not looked at.
    pub fn without_buckets(&self) -> Self {
        Self {
            hint: self.hint,
            schema: 0,
            zero_threshold: 0.0,
            zero: 0.0,
            count: self.count,
            sum: self.sum,
            positive: Vec::new(),
            negative: Vec::new(),
            custom: Vec::new(),
        }
    }

    /// A histogram without observations in the same layout as another.
    pub fn empty_like(other: &Self) -> Self {
        let custom = other.custom.clone();
        Self { schema: other.schema, custom, count: 0.0, sum: 0.0, ..other.without_buckets() }
            .with_hint(ResetHint::Unknown)
    }

    /// The same with another hint.
    #[must_use]
    pub const fn with_hint(mut self, hint: ResetHint) -> Self {
        self.hint = hint;
        self
    }

    /// The start of a sum.
    pub fn summed(&self) -> Summed {
        self.cells(Sum::of)
    }

    /// Removes empty buckets.
    #[must_use]
    pub fn compact(mut self) -> Self {
        self.positive.retain(|(_, c)| *c != 0.0);
        self.negative.retain(|(_, c)| *c != 0.0);
        self
    }

    /// Whether layout and numbers are equal; hints do not count, listed empty buckets do.
    pub fn equals(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.count == other.count
            && self.sum == other.sum
            && (self.is_custom()
                || (self.zero_threshold == other.zero_threshold && self.zero == other.zero))
            && self.custom == other.custom
            && self.positive == other.positive
            && self.negative == other.negative
    }

    /// Bytes that it takes.
    pub const fn bytes(&self) -> u64 {
        let buckets = self.positive.len() + self.negative.len();
        (size_of::<Self>() + buckets * size_of::<(i32, f64)>() + self.custom.len() * 8) as u64
    }

    /// All buckets from the lowest to the highest, the zero bucket where it is not empty.
    pub fn all_buckets(&self) -> impl DoubleEndedIterator<Item = Range> + '_ {
        let negative = self.negative.iter().rev().map(|(i, count)| {
            let (lower, upper) = self.ends(*i);
            Range { lower: -upper, upper: (-lower).min(-self.zero_threshold), count: *count }
        });
        let width = self.zero_threshold;
        let zero =
            (self.zero > 0.0).then_some(Range { lower: -width, upper: width, count: self.zero });
        let positive = self.positive.iter().map(move |(i, count)| {
            let (lower, upper) = self.ends(*i);
            let lower = if self.is_custom() { lower } else { lower.max(width) };
            Range { lower, upper, count: *count }
        });
        negative.chain(zero).chain(positive)
    }

    /// The lower and the upper end of the positive bucket number `i`.
    fn ends(&self, i: i32) -> (f64, f64) {
        if !self.is_custom() {
            return (bound(self.schema, i.saturating_sub(1)), bound(self.schema, i));
        }
        let at = |i: i32| usize::try_from(i).ok().and_then(|i| self.custom.get(i)).copied();
        let lower = if i <= 0 { f64::NEG_INFINITY } else { at(i - 1).unwrap_or(f64::INFINITY) };
        (lower, at(i).unwrap_or(f64::INFINITY))
    }
}

/// A bucket with its ends. Ends below zero belong to it on the lower side, others on the upper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// What it holds.
    pub count: f64,
}

fn side(spans: &[Span], counts: impl Iterator<Item = f64>) -> Buckets<f64> {
    let mut next = 0i32;
    let numbers = spans.iter().flat_map(move |span| {
        let first = next.saturating_add(span.offset);
        next = first.saturating_add(i32::try_from(span.length).unwrap_or(i32::MAX));
        first..next
    });
    numbers.zip(counts).collect()
}

fn spans(buckets: &Buckets<f64>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut next = 0;
    for (i, _) in buckets {
        match out.last_mut() {
            Some(last) if *i == next => last.length += 1,
            _ => out.push(Span { offset: i.saturating_sub(next), length: 1 }),
        }
        next = i.saturating_add(1);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A histogram of schema 0 with these positive buckets from number `first` on.
    pub(crate) fn plain(first: i32, counts: &[f64]) -> Hist {
        let positive: Buckets<f64> = (first..).zip(counts.iter().copied()).collect();
        Hist {
            hint: ResetHint::Unknown,
            schema: 0,
            zero_threshold: 0.0,
            zero: 0.0,
            count: counts.iter().sum(),
            sum: counts.iter().sum(),
            positive,
            negative: Vec::new(),
            custom: Vec::new(),
        }
    }

    /// A histogram of these bounds and counts.
    pub(crate) fn custom(bounds: &[f64], counts: &[f64]) -> Hist {
        Hist { schema: CUSTOM_BUCKETS, custom: bounds.to_vec(), ..plain(0, counts) }
    }

    #[test]
    fn the_stored_form_comes_back() {
        let mut h = plain(-2, &[1.0, 0.0, 2.0]);
        h.negative = vec![(3, 4.0), (7, 1.0)];
        h.zero = 2.0;
        h.zero_threshold = 0.5;
        let model = h.to_model();
        model.check().unwrap();
        assert_eq!(model.negative_spans.len(), 2);
        assert_eq!(Hist::of(&model), h);
        assert_eq!(h.clone().compact().positive, [(-2, 1.0), (0, 2.0)]);
    }

    #[test]
    fn buckets_run_from_low_to_high() {
        let mut h = plain(1, &[1.0]);
        h.negative = vec![(0, 2.0), (1, 3.0)];
        (h.zero, h.zero_threshold) = (4.0, 0.25);
        let all: Vec<_> = h.all_buckets().map(|b| (b.lower, b.upper, b.count)).collect();
        assert_eq!(
            all,
            [(-2.0, -1.0, 3.0), (-1.0, -0.5, 2.0), (-0.25, 0.25, 4.0), (1.0, 2.0, 1.0)]
        );
        let all: Vec<_> =
            custom(&[5.0], &[1.0, 2.0]).all_buckets().map(|b| (b.lower, b.upper)).collect();
        assert_eq!(all, [(f64::NEG_INFINITY, 5.0), (5.0, f64::INFINITY)]);
    }

    #[test]
    fn division_by_zero_leaves_no_buckets() {
        let mut h = plain(0, &[1.0, 2.0]);
        h.div(0.0);
        assert!(h.positive.is_empty() && h.count.is_infinite());
        let mut h = plain(0, &[1.0]);
        h.mul(-2.0);
        assert_eq!((h.hint, h.positive[0].1), (ResetHint::Gauge, -2.0));
    }
}
