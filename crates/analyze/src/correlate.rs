//! Which series move together: correlation at the best of several lags, with a significance that telemetry earns.
//!
//! One [`Focus`] is prepared once and met by many candidates with the same sampling; per candidate one sort and
//! 2 L + 1 inner products, without allocation ([`Scratch`]). Values further than [`CLIP`] robust deviations from
//! the median are drawn in, so that one coincident spike is no correlation. The p-value
//! - counts the points by Bartlett's formula (1946): n / (1 + 2 sum of the products of both autocorrelations),
//! - and is corrected for having tried 2 L + 1 lags (Šidák 1967).
//!
//! Seasons and trends that both share are for the caller to remove first ([`crate::deseasonalise`]): two loads of
//! the same days correlate truly, and uninterestingly. Gaps count as the mean.
//!
//! Limits: [`LAGS_MAX`] lags to a side; a series needs [`POINTS_MIN`] finite points and at least half of them.

use crate::chance::student_tail;
use crate::moments::{dot, mean};
use crate::robust::{Order, median_deviation_of_sorted, quantile_of_sorted};

/// Lags to either side, at most.
pub const LAGS_MAX: usize = 256;
/// Finite points that a series needs.
pub const POINTS_MIN: usize = 8;
/// Robust standard deviations (1.4826 times the median absolute deviation) beyond which a value is drawn in.
pub const CLIP: f64 = 6.0;
/// Lags of the autocorrelations that enter Bartlett's formula; also at most a quarter of the points.
const MEMORY_LAGS_MAX: usize = 64;

/// Pearson's correlation of the pairs that are finite. `None` below 3 pairs or when one side is constant.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = pairs(a, b);
    correlation(&a, &b)
}

/// Spearman's rank correlation of the pairs that are finite; ties share their mean rank. `None` as [`pearson`].
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = pairs(a, b);
    let mut order = Order::default();
    let (mut ranks_a, mut ranks_b) = (Vec::new(), Vec::new());
    order.rank(&a, &mut ranks_a);
    order.rank(&b, &mut ranks_b);
    correlation(&ranks_a, &ranks_b)
}

/// Cross-correlations of `a` at t with `b` at t + lag for lags -`lag_max`..=`lag_max`, over the common length, each
/// divided by the whole variance (so that long lags shrink). Gaps count as the mean. `None` when one is constant
/// or `lag_max` is not below the length.
pub fn cross_correlation(a: &[f64], b: &[f64], lag_max: usize) -> Option<Vec<f64>> {
    let n = a.len().min(b.len());
    if lag_max >= n {
        return None;
    }
    let (a, b) = (centred(&a[..n])?, centred(&b[..n])?);
    let scale = (dot(&a, &a) * dot(&b, &b)).sqrt();
    let reach = lag_max as isize;
    Some((-reach..=reach).map(|lag| dot_at(&a, &b, lag) / scale).collect())
}

/// How a candidate moves with the focus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Samples by which the candidate follows the focus; negative: it moved first.
    pub lag: isize,
    /// Pearson's correlation of the clipped series at that lag, -1..=1; the greatest in size of all lags.
    pub r: f64,
    /// The same without lag.
    pub r_at_zero: f64,
    /// Correlation of the ranks at that lag, -1..=1.
    pub rank_r: f64,
    /// Two-sided probability of a correlation as large at any of the lags between independent series with such
    /// autocorrelations.
    pub p_value: f64,
    /// Independent points that the pair is worth.
    pub n_effective: f64,
}

/// The series that others are compared with, prepared.
#[derive(Debug, Clone)]
pub struct Focus {
    whole: Standardised,
    /// Autocorrelations at lags 1.. as far as they differ from 0.
    memory: Vec<f64>,
    lag_max: usize,
}

/// Buffers that are used again for each candidate.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    whole: Standardised,
    order: Order,
    clipped: Vec<f64>,
}

impl Focus {
    /// Prepares a series for lags up to `lag_max` (at most [`LAGS_MAX`] and a quarter of the points). `None` when it
    /// is constant, too short or has too many gaps.
    pub fn new(values: &[f64], lag_max: usize) -> Option<Focus> {
        let mut scratch = Scratch::default();
        scratch.standardise(values, values.len())?;
        let whole = scratch.whole;
        let n = whole.z.len();
        let memory = memory(&whole.z, (n / 4).min(MEMORY_LAGS_MAX));
        Some(Focus { whole, memory, lag_max: lag_max.min(LAGS_MAX).min(n / 4) })
    }

    /// Points of the focus; a candidate has as many (what it lacks counts as gaps, what is more is ignored).
    pub fn points(&self) -> usize {
        self.whole.z.len()
    }

    /// The candidate beside the focus. `None` when the candidate is constant or has too few finite points.
    pub fn correlate(&self, candidate: &[f64], scratch: &mut Scratch) -> Option<Correlation> {
        scratch.standardise(candidate, self.points())?;
        let (own, other) = (&self.whole, &scratch.whole);
        let reach = self.lag_max as isize;
        let (mut lag, mut r) = (0, dot_at(&own.z, &other.z, 0));
        let r_at_zero = r;
        for distance in 1..=reach {
            for tried in [distance, -distance] {
                let found = dot_at(&own.z, &other.z, tried);
                if found.abs() > r.abs() {
                    (lag, r) = (tried, found);
                }
            }
        }
        let n_effective = self.worth(other);
        let once = significance(r, n_effective);
        let tries = 2.0 * self.lag_max as f64 + 1.0;
        Some(Correlation {
            lag,
            r: r.clamp(-1.0, 1.0),
            r_at_zero: r_at_zero.clamp(-1.0, 1.0),
            rank_r: dot_at(&own.ranks, &other.ranks, lag).clamp(-1.0, 1.0),
            p_value: -(tries * (-once).ln_1p()).exp_m1(),
            n_effective,
        })
    }

    /// Bartlett: the points over the inflation that the two memories give together.
    fn worth(&self, other: &Standardised) -> f64 {
        let n = self.points() as f64;
        let shared: f64 = self
            .memory
            .iter()
            .zip(1..)
            .map(|(own, lag)| own * dot(&other.z[lag..], &other.z))
            .sum();
        let points = self.whole.finite.min(other.finite) as f64;
        (points / (1.0 + 2.0 * shared).max(1.0)).clamp(3.0_f64.min(n), n)
    }
}

/// A clipped series and its ranks, each with mean 0 and sum of squares 1; gaps are 0.
#[derive(Debug, Clone, Default)]
struct Standardised {
    z: Vec<f64>,
    ranks: Vec<f64>,
    finite: usize,
}

impl Scratch {
    /// Standardises the first `points` of a series into `whole`.
    fn standardise(&mut self, values: &[f64], points: usize) -> Option<()> {
        let values = &values[..values.len().min(points)];
        self.order.rank(values, &mut self.whole.ranks);
        let sorted = self.order.sorted();
        let finite = sorted.len();
        if finite < POINTS_MIN || 2 * finite < points {
            return None;
        }
        let (low, high) = fence(sorted)?;
        self.clipped.clear();
        let clip = |v: &f64| if v.is_finite() { v.clamp(low, high) } else { f64::NAN };
        self.clipped.extend(values.iter().map(clip));
        self.whole.finite = finite;
        unit(&self.clipped, points, &mut self.whole.z)?;
        self.clipped.clone_from(&self.whole.ranks);
        unit(&self.clipped, points, &mut self.whole.ranks)
    }
}

/// Where values are drawn in to: [`CLIP`] robust deviations about the median; nowhere when more than half are equal.
/// `None` for a constant series.
fn fence(sorted: &[f64]) -> Option<(f64, f64)> {
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    if first == last || !(last - first).is_finite() {
        return None;
    }
    let median = quantile_of_sorted(sorted, 0.5)?;
    let reach = CLIP * 1.4826 * median_deviation_of_sorted(sorted)?;
    Some(if reach > 0.0 { (median - reach, median + reach) } else { (first, last) })
}

/// Mean 0 and sum of squares 1 over `points`, gaps and what is missing 0. `None` when nothing varies.
fn unit(values: &[f64], points: usize, into: &mut Vec<f64>) -> Option<()> {
    let mean = mean(values)?;
    into.clear();
    into.extend(values.iter().map(|v| if v.is_finite() { v - mean } else { 0.0 }));
    into.resize(points, 0.0);
    let own = dot(into, into);
    if !own.is_finite() || own <= f64::EPSILON * mean * mean {
        return None;
    }
    let scale = own.sqrt().recip();
    for v in into {
        *v *= scale;
    }
    Some(())
}

/// Autocorrelations from lag 1 until two in a row are no longer told from 0.
fn memory(z: &[f64], lag_max: usize) -> Vec<f64> {
    let noise = 2.0 / (z.len() as f64).sqrt();
    let mut found: Vec<f64> = Vec::new();
    for lag in 1..=lag_max {
        let r = dot(&z[lag..], z);
        if r.abs() < noise && found.last().is_none_or(|last| last.abs() < noise) {
            break;
        }
        found.push(r);
    }
    found
}

/// Two-sided p-value of one correlation of `n` independent pairs.
fn significance(r: f64, n: f64) -> f64 {
    let freedom = (n - 2.0).max(1.0);
    let rest = 1.0 - r * r;
    if rest <= 0.0 {
        return 0.0;
    }
    student_tail(r * (freedom / rest).sqrt(), freedom)
}

fn dot_at(a: &[f64], b: &[f64], lag: isize) -> f64 {
    let shift = lag.unsigned_abs().min(a.len()).min(b.len());
    if lag >= 0 { dot(a, &b[shift..]) } else { dot(&a[shift..], b) }
}

fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let mean = mean(values)?;
    let all: Vec<f64> = values.iter().map(|v| if v.is_finite() { v - mean } else { 0.0 }).collect();
    let own = dot(&all, &all);
    (own.is_finite() && own > f64::EPSILON * mean * mean).then_some(all)
}

fn pairs(a: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>) {
    a.iter().zip(b).filter(|(x, y)| x.is_finite() && y.is_finite()).unzip()
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 3 {
        return None;
    }
    let (a, b) = (centred(a)?, centred(b)?);
    Some((dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()).clamp(-1.0, 1.0))
}
