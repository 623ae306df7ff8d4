//! Ridge autoregression on chosen lags: weighted normal equations, Cholesky, iterated forecast.
//!
//! Limits: [`LAGS_MAX`] lags; predictions stay within six standard deviations of the mean.

/// Lags of one model; bounds the normal equations.
pub(super) const LAGS_MAX: usize = 16;
/// Added to the diagonal; the series is standardised.
const RIDGE: f64 = 1.0;
/// Iterated steps are held within so many standard deviations.
const CLAMP: f64 = 6.0;

/// The next `h` values by an autoregression on `lags`, or `None` when there are too few rows to fit it.
pub(super) fn autoregress(values: &[f64], lags: &[usize], h: usize) -> Option<Vec<f64>> {
    let longest = *lags.iter().max()?;
    let unknowns = lags.len() + 1;
    if lags.len() > LAGS_MAX || values.len() < longest + 2 * unknowns {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    if !(spread > 1e-12 * mean.abs() && spread.is_finite()) {
        return Some(vec![mean; h]);
    }
    let mut path: Vec<f64> = values.iter().map(|v| (v - mean) / spread).collect();
    let factors = fit(&path, lags, longest)?;
    for _ in 0..h {
        let now = path.len();
        let next = factors[lags.len()]
            + lags.iter().zip(&factors).map(|(lag, f)| f * path[now - lag]).sum::<f64>();
        path.push(if next.is_finite() { next.clamp(-CLAMP, CLAMP) } else { 0.0 });
    }
    Some(path[values.len()..].iter().map(|v| v * spread + mean).collect())
}

/// The factors on the standardised series, for comparison with others.
#[cfg(test)]
pub(super) fn factors(values: &[f64], lags: &[usize]) -> Option<Vec<f64>> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let standard: Vec<f64> = values.iter().map(|v| (v - mean) / spread).collect();
    fit(&standard, lags, *lags.iter().max()?)
}

/// One factor per lag and the constant; recent rows weigh up to four times as much as the oldest.
fn fit(values: &[f64], lags: &[usize], longest: usize) -> Option<Vec<f64>> {
    let p = lags.len() + 1;
    let n = values.len();
    let decay = (0.5_f64).powf(2.0 / n as f64);
    let mut weight = decay.powf((n - longest) as f64);
    let mut square = vec![0.0; p * p];
    let mut right = vec![0.0; p];
    let mut row = vec![1.0; p];
    for t in longest..n {
        for (slot, lag) in row.iter_mut().zip(lags) {
            *slot = values[t - lag];
        }
        for i in 0..p {
            let scaled = weight * row[i];
            right[i] += scaled * values[t];
            for j in 0..=i {
                square[i * p + j] += scaled * row[j];
            }
        }
        weight /= decay;
    }
    for i in 0..p {
        square[i * p + i] += RIDGE;
    }
    solve(square, right, p)
}

/// Cholesky on the lower triangle of a symmetric positive definite matrix.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>, p: usize) -> Option<Vec<f64>> {
    for i in 0..p {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| a[i * p + k] * a[j * p + k]).sum();
            let rest = a[i * p + j] - known;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                a[i * p + i] = rest.sqrt();
            } else {
                a[i * p + j] = rest / a[j * p + j];
            }
        }
    }
    for i in 0..p {
        let known: f64 = (0..i).map(|k| a[i * p + k] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * p + i];
    }
    for i in (0..p).rev() {
        let known: f64 = (i + 1..p).map(|k| a[k * p + i] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * p + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_period_is_continued() {
        let values: Vec<f64> = (0..240).map(|i| f64::from(i % 24)).collect();
        let path = autoregress(&values, &[1, 2, 3, 23, 24, 25], 24).expect("enough rows");
        for (k, v) in path.iter().enumerate() {
            assert!((v - k as f64).abs() < 1.5, "step {k}: {v}");
        }
    }

    #[test]
    fn too_few_rows_give_no_model() {
        assert_eq!(autoregress(&[1.0, 2.0, 1.0], &[1, 2, 3], 2), None);
    }

    #[test]
    fn linear_equations_are_solved() {
        let x = solve(vec![4.0, 0.0, 2.0, 3.0], vec![8.0, 7.0], 2).expect("positive definite");
        assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
    }
}
