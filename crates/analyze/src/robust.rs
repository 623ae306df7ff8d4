//! Order statistics, thinning and the normal distribution: the robust arithmetic the analyses share.
//!
//! All functions ignore non-finite input and answer `None` when nothing is left.

/// Median of the finite values; the mean of the middle two for an even count.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Quantile `q` in 0..=1 of the finite values, linearly interpolated between neighbours.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    quantile_in_place(&mut finite, q)
}

/// As [`quantile`] on values known to be finite; reorders them.
pub(crate) fn quantile_in_place(values: &mut [f64], q: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let at = q.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let low = at.floor() as usize;
    let (_, &mut below, rest) = values.select_nth_unstable_by(low, f64::total_cmp);
    let share = at - low as f64;
    if share == 0.0 {
        return Some(below);
    }
    let above = rest.iter().copied().fold(f64::INFINITY, f64::min);
    Some(below + (above - below) * share)
}

/// At most `points_max` points that keep the shape: medians of time and value over runs of equal length.
///
/// Points whose value is not finite are dropped. Extra entries of the longer slice are ignored.
pub fn thin(times_ms: &[i64], values: &[f64], points_max: usize) -> (Vec<i64>, Vec<f64>) {
    let kept: Vec<(i64, f64)> = times_ms
        .iter()
        .copied()
        .zip(values.iter().copied())
        .filter(|(_, value)| value.is_finite())
        .collect();
    if kept.len() <= points_max.max(1) {
        return kept.into_iter().unzip();
    }
    let run = kept.len().div_ceil(points_max.max(1));
    kept.chunks(run)
        .filter_map(|chunk| {
            let mut values: Vec<f64> = chunk.iter().map(|point| point.1).collect();
            Some((chunk[chunk.len() / 2].0, quantile_in_place(&mut values, 0.5)?))
        })
        .unzip()
}

/// P(Z > z) of the standard normal distribution; relative error below 1.2e-7 (Chebyshev fit of erfc).
pub fn normal_tail(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    const TERMS: [f64; 9] = [
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let series = TERMS.iter().rev().fold(0.0, |sum, term| term + t * sum);
    let tail = 0.5 * t * (-x * x - 1.265_512_23 + t * series).exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// The z with P(Z < z) = `p`, for `p` inside 0..1 (clamped to 1e-12 from the ends); by bisection on [`normal_tail`].
pub fn normal_quantile(p: f64) -> f64 {
    let tail = 1.0 - p.clamp(1e-12, 1.0 - 1e-12);
    let (mut low, mut high) = (-8.0_f64, 8.0_f64);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if normal_tail(middle) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_skip_what_is_not_finite() {
        assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0, f64::INFINITY]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 3.0, 10.0]), Some(2.5));
        assert_eq!(quantile(&[0.0, 10.0], 0.9), Some(9.0));
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn the_normal_distribution_agrees_with_tables() {
        assert!((normal_tail(1.959_964) - 0.025).abs() < 1e-6);
        assert!((normal_tail(-1.0) - 0.841_344_7).abs() < 1e-6);
        assert!((normal_quantile(0.9) - 1.281_551_6).abs() < 1e-5);
        assert!(normal_tail(40.0) >= 0.0);
    }

    #[test]
    fn thinning_keeps_ends_close_and_the_count_bounded() {
        let times: Vec<i64> = (0..1000).collect();
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let (t, v) = thin(&times, &values, 100);
        assert_eq!((t.len(), v.len()), (100, 100));
        assert!(v[0] < 10.0 && v[99] > 990.0);
    }
}
