//! Forecasts by a small ensemble, weighted by how well each member would have done lately.
//!
//! Members (see `members`): ridge autoregressions with seasonal lags, a seasonal-difference autoregression, seasonal
//! naive, Theta and naive, on the series and on its logarithm. Each is back-tested at up to three origins;
//! the weighted mean is the forecast and the errors that mean would have made give the interval.
//!
//! Limits: the last [`POINTS_MAX`] points; a period needs two and a half cycles; with more than 40 % gaps only the
//! last value is carried forward. Values are evenly spaced. A non-negative series gets a non-negative forecast.

mod interval;
mod members;
#[cfg(test)]
mod reference;
mod ridge;

use crate::error::Error;
use interval::Errors;

/// Points looked at, newest last: bounds the cost to a few milliseconds.
pub const POINTS_MAX: usize = 4096;
/// Points looked at unless a period is long.
const POINTS_USUAL: usize = 1500;
/// Cycles of the longest period looked at.
const CYCLES: usize = 8;
/// Steps ahead.
pub const HORIZON_MAX: usize = 10_000;
/// Back-test origins, one horizon apart.
const ORIGINS: usize = 3;
/// Points a back-test must leave to learn from, beyond the horizon.
const TRAINING_MIN: usize = 30;
/// Weight of a member: (least error / own error) to this power.
const POWER: i32 = 3;
/// Gaps up to this long are bridged by a line.
const LINE_GAP_MAX: usize = 3;
/// More gaps than this share: no model is fitted.
const GAP_SHARE_MAX: f64 = 0.4;

/// What to forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastOptions {
    /// Steps ahead, 1..=[`HORIZON_MAX`].
    pub horizon: usize,
    /// Candidate periods in samples; see [`periods_of_season`] and `analyze::calendar_periods`.
    pub periods: Vec<usize>,
    /// Share of future values the interval should hold, 0.5..=0.999.
    pub level: f64,
}

/// On what a forecast rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Members weighted by back-test.
    Backtested,
    /// Too short for a back-test: equal weights, interval from one-step changes.
    Short,
    /// More than 40 % gaps: the last value, widest interval.
    Sparse,
    /// All values are the same.
    Constant,
}

/// Future values, one per step.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Expected value.
    pub mean: Vec<f64>,
    /// Lower end of the interval.
    pub lower: Vec<f64>,
    /// Upper end of the interval.
    pub upper: Vec<f64>,
    /// On what it rests.
    pub basis: Basis,
    /// The periods that were used.
    pub periods: Vec<usize>,
    /// Mean absolute error of the combination in the back-tests, 0 without them.
    pub backtest_error: f64,
    /// How the combination did in the back-tests; `None` without them.
    pub accuracy: Option<Accuracy>,
}

/// How a forecast did on the past. The weights of the members know these back-tests, so that news may be a little worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Share of values within intervals that were made from the other back-tests; `None` with one back-test alone.
    pub coverage: Option<f64>,
    /// Mean absolute error in units of that of the seasonal naive guess one step ahead (Hyndman and Koehler 2006);
    /// infinite when that one never errs.
    pub mase: f64,
    /// Values that were foretold.
    pub points: usize,
}

impl Forecast {
    /// Points from which on there are back-tests of such a forecast.
    pub fn points_needed(&self) -> usize {
        2 * self.mean.len() + TRAINING_MIN
    }
}

/// Candidate periods for a stated season: itself, and for hours of a day also the week.
pub fn periods_of_season(season: usize) -> Vec<usize> {
    match season {
        0 | 1 => Vec::new(),
        24 => vec![24, 168],
        _ => vec![season],
    }
}

/// Forecasts an evenly spaced series.
///
/// # Errors
/// [`Error::Invalid`] when there is no finite value or an option is out of range, [`Error::Limit`] beyond
/// [`HORIZON_MAX`].
pub fn forecast(values: &[f64], options: &ForecastOptions) -> Result<Forecast, Error> {
    check(options)?;
    let longest = options.periods.iter().copied().max().unwrap_or(0);
    let wanted = longest.saturating_mul(CYCLES).clamp(POINTS_USUAL, POINTS_MAX);
    let first = values.iter().position(|v| v.is_finite()).ok_or_else(|| {
        Error::Invalid("series has no finite value; nothing can be forecast".into())
    })?;
    let values = &values[first.max(values.len().saturating_sub(wanted))..];
    let gaps = values.iter().filter(|v| !v.is_finite()).count();
    let (filled, scale) = prepared(values, longest);
    let raw = if gaps as f64 > GAP_SHARE_MAX * values.len() as f64 {
        carried_forward(&filled, options)
    } else if filled.iter().all(|v| *v == filled[0]) {
        constant(filled[0], options.horizon)
    } else {
        ensemble(&filled, options)
    };
    Ok(rescaled(raw, scale))
}

fn check(options: &ForecastOptions) -> Result<(), Error> {
    if options.horizon == 0 {
        return Err(Error::Invalid("horizon is 0; ask for at least 1 step".into()));
    }
    if options.horizon > HORIZON_MAX {
        let asked = options.horizon;
        return Err(Error::Limit(format!(
            "horizon is {asked} steps, at most {HORIZON_MAX} are allowed; use a coarser step"
        )));
    }
    if !(0.5..=0.999).contains(&options.level) {
        let level = options.level;
        return Err(Error::Invalid(format!("level is {level}; use a share between 0.5 and 0.999")));
    }
    Ok(())
}

/// Gaps filled, and the series divided by a power of two near its size so that squares cannot overflow.
fn prepared(values: &[f64], period: usize) -> (Vec<f64>, f64) {
    let size = values.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let scale = if size > 1e100 || (size < 1e-100 && size > 0.0) {
        size.log2().floor().clamp(-1000.0, 1000.0).exp2()
    } else {
        1.0
    };
    let mut filled: Vec<f64> = values.iter().map(|v| v / scale).collect();
    fill_gaps(&mut filled, period);
    (filled, scale)
}

fn rescaled(mut forecast: Forecast, scale: f64) -> Forecast {
    let limit = |v: f64| (v * scale).clamp(f64::MIN, f64::MAX);
    for path in [&mut forecast.mean, &mut forecast.lower, &mut forecast.upper] {
        path.iter_mut().for_each(|v| *v = limit(*v));
    }
    forecast.backtest_error *= scale;
    forecast
}

/// Short gaps by a line, long ones by the value one period before, else by the last value.
fn fill_gaps(values: &mut [f64], period: usize) {
    let mut at = 0;
    while at < values.len() {
        if values[at].is_finite() {
            at += 1;
            continue;
        }
        let end = (at..values.len()).find(|&i| values[i].is_finite()).unwrap_or(values.len());
        let before = if at > 0 { Some(values[at - 1]) } else { values.get(end).copied() };
        let before = before.unwrap_or(0.0);
        for i in at..end {
            values[i] = match values.get(end) {
                Some(after) if end - at <= LINE_GAP_MAX => {
                    before + (after - before) * (i + 1 - at) as f64 / (end + 1 - at) as f64
                }
                _ if period > 0 && i >= period => values[i - period],
                _ => before,
            };
        }
        at = end;
    }
}

fn constant(value: f64, horizon: usize) -> Forecast {
    let path = vec![value; horizon];
    Forecast {
        mean: path.clone(),
        lower: path.clone(),
        upper: path,
        basis: Basis::Constant,
        periods: Vec::new(),
        backtest_error: 0.0,
        accuracy: None,
    }
}

fn carried_forward(values: &[f64], options: &ForecastOptions) -> Forecast {
    let mean = vec![values[values.len() - 1]; options.horizon];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let widths: Vec<f64> = interval::random_walk(values, options)
        .into_iter()
        .map(|width| width.max(high - low))
        .collect();
    assembled(values, mean, &widths, Basis::Sparse)
}

fn ensemble(values: &[f64], options: &ForecastOptions) -> Forecast {
    let (n, h) = (values.len(), options.horizon);
    let periods = usable(&options.periods, n, h);
    let paths = members::paths(values, h, &periods);
    let tests = backtests(values, h, &periods);
    let weights = weights(&paths, &tests);
    let mean = combined(&paths, &weights, h).unwrap_or_else(|| vec![values[n - 1]; h]);
    let mut errors = Errors::default();
    for test in &tests {
        if let Some(path) = combined(&test.paths, &weights, h) {
            errors.add(&path, &test.actual);
        }
    }
    let (widths, basis) = match errors.widths(options) {
        Some(widths) => (widths, Basis::Backtested),
        None => (interval::random_walk(values, options), Basis::Short),
    };
    let mut forecast = assembled(values, mean, &widths, basis);
    forecast.backtest_error = errors.mean();
    forecast.accuracy = (!tests.is_empty()).then(|| Accuracy {
        coverage: errors.coverage(options),
        mase: errors.mean() / naive_error(values, periods.last().copied().unwrap_or(1)),
        points: tests.len() * h,
    });
    forecast.periods = periods;
    forecast
}

fn assembled(values: &[f64], mut mean: Vec<f64>, widths: &[f64], basis: Basis) -> Forecast {
    let floor = if values.iter().all(|v| *v >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
    mean.iter_mut().for_each(|m| *m = m.max(floor));
    Forecast {
        lower: mean.iter().zip(widths).map(|(m, w)| (m - w).max(floor)).collect(),
        upper: mean.iter().zip(widths).map(|(m, w)| m + w).collect(),
        mean,
        basis,
        periods: Vec::new(),
        backtest_error: 0.0,
        accuracy: None,
    }
}

/// Mean absolute difference of values a period apart.
fn naive_error(values: &[f64], period: usize) -> f64 {
    let apart = values.iter().skip(period).zip(values).map(|(new, old)| (new - old).abs());
    apart.sum::<f64>() / values.len().saturating_sub(period).max(1) as f64
}

/// Periods with enough cycles, ascending, without doubles.
fn usable(periods: &[usize], n: usize, h: usize) -> Vec<usize> {
    let enough = |m: usize| n as f64 >= 2.5 * m as f64 + h.min(m) as f64;
    let mut used: Vec<usize> = periods.iter().copied().filter(|&m| m > 1 && enough(m)).collect();
    used.sort_unstable();
    used.dedup();
    used.truncate(members::PERIODS_MAX);
    used
}

/// What the members would have said at an earlier time, and what came.
struct Backtest {
    paths: Vec<Option<Vec<f64>>>,
    actual: Vec<f64>,
}

fn backtests(values: &[f64], h: usize, periods: &[usize]) -> Vec<Backtest> {
    let n = values.len();
    (1..=ORIGINS)
        .filter_map(|back| n.checked_sub(back.checked_mul(h)?))
        .filter(|&origin| origin >= h + TRAINING_MIN && 2 * origin >= n)
        .map(|origin| Backtest {
            paths: members::paths(&values[..origin], h, periods),
            actual: values[origin..origin + h].to_vec(),
        })
        .collect()
}

/// Weights by mean absolute error over all back-tests; equal without back-tests; 0 for members that cannot speak.
fn weights(paths: &[Option<Vec<f64>>], tests: &[Backtest]) -> Vec<f64> {
    let errors: Vec<Option<f64>> = (0..paths.len())
        .map(|k| {
            paths[k].as_ref()?;
            let each: Vec<f64> = tests
                .iter()
                .filter_map(|test| Some(mean_error(test.paths[k].as_ref()?, &test.actual)))
                .collect();
            (each.len() == tests.len()).then(|| each.iter().sum::<f64>() / each.len().max(1) as f64)
        })
        .collect();
    let least = errors.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let weight = |error: f64| if error > least { (least / error).powi(POWER) } else { 1.0 };
    errors.iter().map(|error| error.map_or(0.0, weight)).collect()
}

fn mean_error(path: &[f64], actual: &[f64]) -> f64 {
    path.iter().zip(actual).map(|(p, a)| (p - a).abs()).sum::<f64>() / actual.len() as f64
}

fn combined(paths: &[Option<Vec<f64>>], weights: &[f64], h: usize) -> Option<Vec<f64>> {
    let mut sum = vec![0.0; h];
    let mut total = 0.0;
    for (path, weight) in paths.iter().zip(weights) {
        let Some(path) = path else { continue };
        total += weight;
        sum.iter_mut().zip(path).for_each(|(s, p)| *s += weight * p);
    }
    (total > 0.0).then(|| sum.into_iter().map(|s| s / total).collect())
}
