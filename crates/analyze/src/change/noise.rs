//! How rough a series is when nothing changes: the variance that it has anyway, and how many samples one
//! independent value stands for.
//!
//! Read from differences at growing lags (a variogram; Matheron 1963) by medians: a few shifts touch few
//! differences, so that they hardly count, while noise, its memory and short waves count in full. Reading the same
//! from the values would take every shift for noise.

use crate::robust::quantile_in_place;

/// Longest lag, as a share of the points.
const REACH: usize = 24;
/// Longest lag.
const LAG_MAX: usize = 96;

/// Roughness of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Noise {
    /// Variance about a level that stays.
    pub variance: f64,
    /// Samples that one independent value stands for, at least 1.
    pub inflation: f64,
}

impl Noise {
    /// Of finite values. `None` for fewer than 8 values or constant ones.
    pub(crate) fn of(values: &[f64]) -> Option<Noise> {
        if values.len() < 8 {
            return None;
        }
        let lags = lags((values.len() / REACH).clamp(2, LAG_MAX));
        let middle = |apart: &mut Vec<f64>| Some(1.4826 * quantile_in_place(apart, 0.5)?);
        let plain =
            |apart: &mut Vec<f64>| Some(apart.iter().sum::<f64>() / apart.len() as f64 / 0.798);
        let robust = variogram(values, &lags, middle)?;
        // Where most neighbours are equal, medians see nothing.
        let known = if robust[0] > 0.0 { robust } else { variogram(values, &lags, plain)? };
        let mut upper = known[known.len() * 2 / 3..].to_vec();
        let sill = quantile_in_place(&mut upper, 0.5)?;
        if sill <= 0.0 || !sill.is_finite() {
            return None;
        }
        Some(Noise { variance: sill, inflation: memory(&lags, &known, sill) })
    }
}

/// 1, 2, 3, 4, 6, 8, 12, ... up to the longest.
fn lags(longest: usize) -> Vec<usize> {
    let mut all = vec![1, 2];
    let mut pair = (3, 4);
    while pair.0 <= longest {
        all.push(pair.0);
        all.push(pair.1);
        pair = (2 * pair.0, 2 * pair.1);
    }
    all.retain(|&lag| lag <= longest);
    all
}

/// Half the squared typical difference at each lag, after what the differences have in common (a trend).
fn variogram(
    values: &[f64],
    lags: &[usize],
    typical: impl Fn(&mut Vec<f64>) -> Option<f64>,
) -> Option<Vec<f64>> {
    let mut apart = Vec::with_capacity(values.len());
    let mut one = |lag: usize| {
        apart.clear();
        apart.extend(values[lag..].iter().zip(values).map(|(later, earlier)| later - earlier));
        let common = quantile_in_place(&mut apart, 0.5)?;
        for v in &mut apart {
            *v = (*v - common).abs();
        }
        let size = typical(&mut apart)?;
        Some(0.5 * size * size)
    };
    lags.iter().map(|&lag| one(lag)).collect()
}

/// 1 + 2 sum of the autocorrelations that the variogram implies, until the first that is near 0.
fn memory(lags: &[usize], variances: &[f64], sill: f64) -> f64 {
    const NEAR: f64 = 0.1;
    let mut sum = 1.0;
    let (mut last_lag, mut last) = (0, 1.0);
    for (&lag, variance) in lags.iter().zip(variances) {
        let r = 1.0 - variance / sill;
        if r < NEAR {
            break;
        }
        // Twice the sum over the lags in between, on a straight line.
        sum += (lag - last_lag) as f64 * (r + last) + (r - last);
        (last_lag, last) = (lag, r);
    }
    sum.max(1.0)
}
