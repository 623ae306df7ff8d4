//! The members of the ensemble. Each turns a past into `h` future values or declines.
//!
//! Order is fixed, so that the k-th path of every back-test comes from the same member. All but the last also run
//! on the logarithm when every value is positive, and are brought back by the exponential.

use super::ridge::autoregress;
use plimsoll_analyze::seasonal_means;

/// Periods used at once; with three lags each they fit the autoregression.
pub(super) const PERIODS_MAX: usize = 4;
/// Cycles the seasonal naive member averages, each weighing 0.6 of the next newer.
const CYCLES: usize = 4;
const CYCLE_WEIGHT: f64 = 0.6;
/// Logarithms are brought back at most this far above the largest value seen (e^2).
const LOG_ROOM: f64 = 2.0;

/// The paths of all members, in fixed order.
pub(super) fn paths(values: &[f64], h: usize, periods: &[usize]) -> Vec<Option<Vec<f64>>> {
    let mut all = on_scale(values, h, periods);
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    if logs.iter().all(|v| v.is_finite()) {
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max) + LOG_ROOM;
        let back = |path: Vec<f64>| path.into_iter().map(|v| v.min(top).exp()).collect();
        all.extend(on_scale(&logs, h, periods).into_iter().map(|path| path.map(back)));
    } else {
        all.extend((0..all.len()).map(|_| None::<Vec<f64>>).collect::<Vec<_>>());
    }
    all.push(values.last().map(|last| vec![*last; h]));
    let floor = if values.iter().all(|v| *v >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
    for path in all.iter_mut().flatten() {
        path.iter_mut().for_each(|v| *v = v.max(floor));
    }
    all.into_iter().map(|path| path.filter(|p| p.iter().all(|v| v.is_finite()))).collect()
}

fn on_scale(values: &[f64], h: usize, periods: &[usize]) -> Vec<Option<Vec<f64>>> {
    let mut all = vec![
        seasonal_autoregression(values, h, periods),
        seasonal_difference(values, h, periods),
        theta(values, h, periods),
    ];
    all.extend(periods.iter().map(|&m| seasonal_naive(values, h, m)));
    all
}

fn seasonal_autoregression(values: &[f64], h: usize, periods: &[usize]) -> Option<Vec<f64>> {
    let mut lags: Vec<usize> = vec![1, 2, 3];
    lags.extend(periods.iter().flat_map(|&m| [m - 1, m, m + 1]));
    if let [only] = periods
        && values.len() >= 4 * only
    {
        lags.push(2 * only);
    }
    lags.retain(|&lag| lag > 0);
    lags.sort_unstable();
    lags.dedup();
    autoregress(values, &lags, h)
}

fn seasonal_difference(values: &[f64], h: usize, periods: &[usize]) -> Option<Vec<f64>> {
    let (&shortest, &longest) = (periods.first()?, periods.last()?);
    let changes: Vec<f64> =
        values.get(longest..)?.iter().zip(values).map(|(new, old)| new - old).collect();
    let mut lags = vec![1, 2, 3, shortest, shortest + 1];
    lags.sort_unstable();
    lags.dedup();
    let ahead = autoregress(&changes, &lags, h)?;
    let mut path = values.to_vec();
    for change in ahead {
        path.push(path[path.len() - longest] + change);
    }
    Some(path.split_off(values.len()))
}

fn seasonal_naive(values: &[f64], h: usize, period: usize) -> Option<Vec<f64>> {
    let n = values.len();
    if n < period {
        return None;
    }
    let at = |k: usize| {
        let newest = n - period + k % period;
        let (mut sum, mut total, mut weight) = (0.0, 0.0, 1.0);
        for cycle in 0..CYCLES {
            let Some(value) = newest.checked_sub(cycle * period).map(|i| values[i]) else { break };
            sum += weight * value;
            total += weight;
            weight *= CYCLE_WEIGHT;
        }
        sum / total
    };
    Some((0..h).map(at).collect())
}

/// Theta with lines 0 and 2 (Assimakopoulos and Nikolopoulos 2000) on the series less its seasons.
pub(super) fn theta(values: &[f64], h: usize, periods: &[usize]) -> Option<Vec<f64>> {
    let n = values.len();
    if n < 4 {
        return None;
    }
    let mut rest = values.to_vec();
    let mut seasons = vec![0.0; h];
    for &m in periods.iter().filter(|&&m| n >= 2 * m) {
        let season = seasonal_means(&rest, m);
        rest.iter_mut().enumerate().for_each(|(i, v)| *v -= season[i % m]);
        seasons.iter_mut().enumerate().for_each(|(k, s)| *s += season[(n + k) % m]);
    }
    let (start, slope) = line(&rest);
    let bent: Vec<f64> =
        rest.iter().enumerate().map(|(i, v)| 2.0 * v - start - slope * i as f64).collect();
    let level = smoothed(&bent);
    let at = |k: usize| 0.5 * level + 0.5 * (start + slope * (n + k) as f64) + seasons[k];
    Some((0..h).map(at).collect())
}

/// Least-squares line over the index: value at 0, slope.
pub(super) fn line(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let centre = (n - 1.0) / 2.0;
    let up: f64 = values.iter().enumerate().map(|(i, v)| (i as f64 - centre) * (v - mean)).sum();
    let across: f64 = (0..values.len()).map(|i| (i as f64 - centre).powi(2)).sum();
    let slope = up / across;
    (mean - slope * centre, slope)
}

/// Sum of squared one-step errors and last level of a simple exponential smoothing that starts at the first value.
pub(super) fn smoothing(values: &[f64], alpha: f64) -> (f64, f64) {
    let (mut level, mut error) = (values[0], 0.0);
    for value in &values[1..] {
        let miss = value - level;
        error += miss * miss;
        level += alpha * miss;
    }
    (error, level)
}

/// Last level of the simple exponential smoothing whose one-step errors are smallest over a grid of 20 factors.
fn smoothed(values: &[f64]) -> f64 {
    (1..=20)
        .map(|k| smoothing(values, 0.05 * f64::from(k)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(values[0], |best| best.1)
}
