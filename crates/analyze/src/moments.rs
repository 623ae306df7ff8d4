//! Sums: mean, variance, inner product, and how many independent points a dependent series is worth.
//!
//! Telemetry is seldom independent from one sample to the next; a test that believes it is finds differences
//! everywhere. Two estimates of the inflation of a variance are kept: [`inflation`] from the first autocorrelation
//! alone, for residuals of a fit, and [`effective_size`] that also sees slow waves below noise.

/// Mean of the finite values.
pub fn mean(values: &[f64]) -> Option<f64> {
    let (sum, count) = values
        .iter()
        .filter(|v| v.is_finite())
        .fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    (count > 0.0).then_some(sum / count)
}

/// Mean and unbiased variance of finite values; the variance of one value is 0. `None` without values, or when the
/// squares leave the range of floats.
pub(crate) fn mean_variance(values: &[f64]) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let variance = squares / (values.len() as f64 - 1.0).max(1.0);
    variance.is_finite().then_some((mean, variance))
}

/// Intercept and slope per sample of the least-squares line through the finite values of an evenly spaced series.
pub(crate) fn line_through(values: &[f64]) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let centre = (values.len() as f64 - 1.0) / 2.0;
    let (mut up, mut across) = (0.0, 0.0);
    for (i, v) in values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        let x = i as f64 - centre;
        up += x * (v - mean);
        across += x * x;
    }
    let slope = if across > 0.0 { up / across } else { 0.0 };
    Some((mean - slope * centre, slope))
}

/// Inner product over the shorter length; eight sums at once, so that the compiler can use wide registers.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (a[..n].chunks_exact(8), b[..n].chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 8];
    for (x, y) in a.zip(b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    rest + ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}

/// (1+r)/(1-r), r the lag-1 autocorrelation, at least 1 and at most a fifth of the points.
pub(crate) fn inflation(rests: &[f64]) -> f64 {
    let n = rests.len() as f64;
    let mean = rests.iter().sum::<f64>() / n;
    let own: f64 = rests.iter().map(|r| (r - mean).powi(2)).sum();
    let next: f64 = rests.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    if own <= 0.0 || !own.is_finite() {
        return 1.0;
    }
    let r = (next / own).clamp(0.0, 0.95);
    ((1.0 + r) / (1.0 - r)).clamp(1.0, (n / 5.0).max(1.0))
}

/// Lags that [`effective_size`] looks at, at most; also at most a quarter of the points.
const MEMORY_LAGS_MAX: usize = 64;

/// How many independent values a series is worth for its mean: n over 1 + 2 sum of autocorrelations, summed in
/// pairs while they stay positive (Geyer 1992, initial positive sequence), or by the first alone where that is
/// less. Between 2 (or n) and n. Non-finite values are left out.
pub fn effective_size(values: &[f64]) -> f64 {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = finite.len() as f64;
    let Some(mean) = mean(&finite) else { return 0.0 };
    let d: Vec<f64> = finite.iter().map(|v| v - mean).collect();
    let own = dot(&d, &d);
    if own <= f64::EPSILON * mean * mean * n || !own.is_finite() {
        return n;
    }
    let mut sum = -1.0;
    let mut lag = 0;
    while lag + 1 < (d.len() / 4).min(MEMORY_LAGS_MAX) {
        let pair = (dot(&d[lag..], &d) + dot(&d[lag + 1..], &d)) / own;
        if pair <= 0.0 {
            break;
        }
        sum += 2.0 * pair;
        lag += 2;
    }
    (n / sum.max(inflation(&finite))).clamp(n.min(2.0), n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_products_do_not_depend_on_the_remainder() {
        for n in 0..40 {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let plain: f64 = a.iter().map(|v| v * v).sum();
            assert_eq!(dot(&a, &a), plain);
        }
        assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
    }

    #[test]
    fn slow_waves_are_worth_few_points() {
        let wave: Vec<f64> = (0..400).map(|i| (f64::from(i) / 60.0).sin()).collect();
        assert!(effective_size(&wave) < 12.0);
        let teeth: Vec<f64> = (0..400).map(|i| f64::from(i * 7919 % 101)).collect();
        assert!(effective_size(&teeth) > 200.0);
        assert_eq!(effective_size(&[5.0; 9]), 9.0);
        assert_eq!(effective_size(&[f64::NAN]), 0.0);
        assert_eq!(effective_size(&[1.0, 2.0, f64::NAN]), 2.0);
    }
}
