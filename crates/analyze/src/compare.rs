//! Two samples beside each other: has the level moved, has the spread, is it another distribution.
//!
//! [`compare`] is for telemetry: its p-values count each sample as the number of independent values that it is
//! worth ([`crate::effective_size`]). The tests alone ([`mann_whitney`] and the others) take values as independent,
//! as the textbooks and SciPy do. Everywhere `b` is what is looked at and `a` what it is compared with, so that
//! positive means that `b` lies higher. Non-finite values are left out. O(n log n).

use crate::chance::{fisher_tail, kolmogorov_tail, normal_tail, student_tail};
use crate::moments::{effective_size, mean_variance};
use crate::robust::{quantile_of_sorted, sorted_finite};

/// Finite values that each sample needs before [`compare`] says anything.
pub const SAMPLE_MIN: usize = 4;

/// A statistic and the two-sided probability of one as large when both samples come from the same source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic; its scale is that of the test.
    pub statistic: f64,
    /// 0..=1.
    pub p_value: f64,
}

impl Test {
    /// Nothing was found because nothing could be tested.
    pub(crate) const NOTHING: Test = Test { statistic: 0.0, p_value: 1.0 };
}

/// What one sample looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Finite values.
    pub n: usize,
    /// Independent values that these are worth, 2..=n.
    pub n_effective: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Middle value.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Standard deviation (n - 1).
    pub deviation: f64,
}

/// Two samples compared; p-values are corrected for dependence within the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The one compared with.
    pub a: Sample,
    /// The one looked at.
    pub b: Sample,
    /// Cliff's delta, -1..=1: how much more often a value of `b` exceeds one of `a` than the reverse.
    pub delta: f64,
    /// Any difference of distribution: Kolmogorov–Smirnov, the statistic is D.
    pub distribution: Test,
    /// Difference of level by ranks: Mann–Whitney, the statistic is U of `b`.
    pub level: Test,
    /// Difference of means: Welch's t.
    pub mean: Test,
    /// Difference of spread: Brown–Forsythe's F.
    pub spread: Test,
}

/// Compares `b` with `a`. `None` when one has fewer than [`SAMPLE_MIN`] finite values, or when their squares leave
/// the range of floats.
pub fn compare(a: &[f64], b: &[f64]) -> Option<Comparison> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    if a.sorted.len().min(b.sorted.len()) < SAMPLE_MIN {
        return None;
    }
    let worth = (effective_size(&a.ordered), effective_size(&b.ordered));
    let level = level_test(&a, &b, worth);
    let pairs = a.sorted.len() as f64 * b.sorted.len() as f64;
    Some(Comparison {
        a: a.sample(worth.0)?,
        b: b.sample(worth.1)?,
        delta: (2.0 * level.statistic / pairs - 1.0).clamp(-1.0, 1.0),
        distribution: distribution_test(&a, &b, worth),
        level,
        mean: mean_test(&a, &b, worth)?,
        spread: spread_test(&a, &b, worth)?,
    })
}

/// Tests of level (Mann–Whitney) and spread (Brown–Forsythe) of finite samples in which one independent value stands
/// for at least `inflation` values.
pub(crate) fn level_and_spread(a: &[f64], b: &[f64], inflation: f64) -> Option<(Test, Test)> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    let worth = |side: &Side| {
        let n = side.ordered.len() as f64;
        effective_size(&side.ordered).min(n / inflation).clamp(n.min(2.0), n)
    };
    let worth = (worth(&a), worth(&b));
    Some((level_test(&a, &b, worth), spread_test(&a, &b, worth)?))
}

/// Two-sample Kolmogorov–Smirnov: D and its asymptotic p-value (Kolmogorov 1933, Smirnov 1939). `None` when a
/// sample is empty.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Option<Test> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    Some(distribution_test(&a, &b, a.size_with(&b)))
}

/// Mann–Whitney: U of `b` (pairs in which `b` is greater, ties half), normal approximation with correction for ties
/// and continuity. `None` when a sample is empty.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<Test> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    Some(level_test(&a, &b, a.size_with(&b)))
}

/// Cliff's delta (1993), -1..=1. `None` when a sample is empty.
pub fn cliffs_delta(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    let u = level_test(&a, &b, a.size_with(&b)).statistic;
    Some((2.0 * u / (a.sorted.len() as f64 * b.sorted.len() as f64) - 1.0).clamp(-1.0, 1.0))
}

/// Welch's t (1947) for means under unequal variances; positive when `b` is higher. `None` when a sample has fewer
/// than two values.
pub fn welch(a: &[f64], b: &[f64]) -> Option<Test> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    mean_test(&a, &b, a.size_with(&b))
}

/// Brown and Forsythe's test (1974) of equal spread: Levene's with deviations from the medians. `None` when a sample
/// has fewer than two values.
pub fn brown_forsythe(a: &[f64], b: &[f64]) -> Option<Test> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    spread_test(&a, &b, a.size_with(&b))
}

/// The finite values of a sample, in their order and sorted.
struct Side {
    ordered: Vec<f64>,
    sorted: Vec<f64>,
}

impl Side {
    fn of(values: &[f64]) -> Option<Side> {
        let ordered: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let sorted = sorted_finite(&ordered);
        (!sorted.is_empty()).then_some(Side { ordered, sorted })
    }

    fn size_with(&self, other: &Side) -> (f64, f64) {
        (self.sorted.len() as f64, other.sorted.len() as f64)
    }

    fn sample(&self, n_effective: f64) -> Option<Sample> {
        let (mean, variance) = mean_variance(&self.sorted)?;
        Some(Sample {
            n: self.sorted.len(),
            n_effective,
            mean,
            median: quantile_of_sorted(&self.sorted, 0.5)?,
            p95: quantile_of_sorted(&self.sorted, 0.95)?,
            deviation: variance.sqrt(),
        })
    }

    fn deviations(&self) -> Option<Vec<f64>> {
        let median = quantile_of_sorted(&self.sorted, 0.5)?;
        Some(self.sorted.iter().map(|v| (v - median).abs()).collect())
    }
}

fn distribution_test(a: &Side, b: &Side, worth: (f64, f64)) -> Test {
    let mut most = 0.0_f64;
    walk(a, b, |before, _| {
        let apart =
            before.0 as f64 / a.sorted.len() as f64 - before.1 as f64 / b.sorted.len() as f64;
        most = most.max(apart.abs());
    });
    let size = worth.0 * worth.1 / (worth.0 + worth.1);
    Test { statistic: most, p_value: kolmogorov_tail(size.sqrt() * most) }
}

fn level_test(a: &Side, b: &Side, worth: (f64, f64)) -> Test {
    let (m, n) = (a.sorted.len() as f64, b.sorted.len() as f64);
    let (mut u, mut ties) = (0.0, 0.0);
    let mut below = 0.0;
    walk(a, b, |_, (of_a, of_b)| {
        let (of_a, of_b) = (of_a as f64, of_b as f64);
        u += of_b * (below + 0.5 * of_a);
        below += of_a;
        let tied = of_a + of_b;
        ties += tied * tied * tied - tied;
    });
    let all = m + n;
    let variance = m * n / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)).max(1.0));
    let inflation = (1.0 / worth.0 + 1.0 / worth.1) / (1.0 / m + 1.0 / n);
    let apart = ((u - 0.5 * m * n).abs() - 0.5).max(0.0);
    let p_value = if variance > 0.0 {
        (2.0 * normal_tail(apart / (variance * inflation).sqrt())).min(1.0)
    } else {
        1.0
    };
    Test { statistic: u, p_value }
}

/// Goes through the values of both in ascending order; for each distinct value tells how many values lie at or
/// below it, and how many equal it, in `a` and `b`.
fn walk(a: &Side, b: &Side, mut tell: impl FnMut((usize, usize), (usize, usize))) {
    let (mut i, mut j) = (0, 0);
    let run = |sorted: &[f64], from: usize, value: f64| {
        sorted[from..].iter().take_while(|&&v| v == value).count()
    };
    while i < a.sorted.len() || j < b.sorted.len() {
        let value = match (a.sorted.get(i), b.sorted.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => return,
        };
        let equal = (run(&a.sorted, i, value), run(&b.sorted, j, value));
        i += equal.0;
        j += equal.1;
        tell((i, j), equal);
    }
}

fn mean_test(a: &Side, b: &Side, worth: (f64, f64)) -> Option<Test> {
    if a.sorted.len() < 2 || b.sorted.len() < 2 {
        return None;
    }
    let ((mean_a, var_a), (mean_b, var_b)) = (mean_variance(&a.sorted)?, mean_variance(&b.sorted)?);
    let (share_a, share_b) = (var_a / worth.0, var_b / worth.1);
    let error = (share_a + share_b).sqrt();
    let apart = mean_b - mean_a;
    if error <= f64::EPSILON * mean_a.abs().max(mean_b.abs()) {
        return Some(certain(apart));
    }
    // As shares of one, because their squares may be below the least float.
    let part = share_a / (share_a + share_b);
    let rest = 1.0 - part;
    let freedom =
        (part * part / (worth.0 - 1.0).max(1.0) + rest * rest / (worth.1 - 1.0).max(1.0)).recip();
    let t = apart / error;
    Some(Test { statistic: t, p_value: student_tail(t, freedom) })
}

fn spread_test(a: &Side, b: &Side, worth: (f64, f64)) -> Option<Test> {
    if a.sorted.len() < 2 || b.sorted.len() < 2 {
        return None;
    }
    let (m, n) = (a.sorted.len() as f64, b.sorted.len() as f64);
    let ((mean_a, var_a), (mean_b, var_b)) =
        (mean_variance(&a.deviations()?)?, mean_variance(&b.deviations()?)?);
    // With two groups the F of Levene's test is the square of a pooled t.
    let within = (var_a * (m - 1.0) + var_b * (n - 1.0)) / (m + n - 2.0);
    let apart = mean_b - mean_a;
    if within.sqrt() <= f64::EPSILON * mean_a.max(mean_b) {
        return Some(certain(apart.abs()));
    }
    let f = apart * apart / (within * (1.0 / worth.0 + 1.0 / worth.1));
    Some(Test { statistic: f, p_value: fisher_tail(f, 1.0, (worth.0 + worth.1 - 2.0).max(1.0)) })
}

/// The answer without any variance: equal or not, and no doubt.
fn certain(apart: f64) -> Test {
    if apart == 0.0 {
        Test { statistic: 0.0, p_value: 1.0 }
    } else {
        Test { statistic: f64::INFINITY.copysign(apart), p_value: 0.0 }
    }
}
