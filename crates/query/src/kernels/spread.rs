//! Quantiles and deviations.

use std::cmp::Ordering;

use super::Window;
use super::fold::Sum;

/// The quantile φ of some values by linear interpolation between neighbours. NaN counts as smallest;
/// φ below 0 is −Inf, above 1 +Inf, NaN is NaN.
pub(crate) fn quantile(phi: f64, values: &[f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(nan_first);
    let rank = phi * (sorted.len() - 1) as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let lower = lower as usize;
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

fn nan_first(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Median of the distances to the median.
pub(super) fn mad(w: &Window<'_>) -> Option<f64> {
    let median = quantile(0.5, w.floats);
    let distances: Vec<f64> = w.floats.iter().map(|v| (v - median).abs()).collect();
    Some(quantile(0.5, &distances))
}

/// The population variance, by Welford's update with compensation.
pub(super) fn variance(values: &[f64]) -> f64 {
    let mut mean = Sum { sum: 0.0, lost: 0.0 };
    let mut squares = mean;
    let mut count = 0.0;
    for v in values {
        count += 1.0;
        let off = v - mean.value();
        mean = mean.plus(off / count);
        squares = squares.plus(off * (v - mean.value()));
    }
    squares.value() / count
}
