//! Seasons: which calendar periods a series repeats with, and what it looks like without them.
//!
//! A candidate counts when the autocorrelation at its lag exceeds what the shorter lags explain (the test the M4
//! competition used, 90 % one-sided). Candidates come from the calendar: hour, day, week, year; periods
//! that nobody named are found by [`find_seasons`].
//!
//! Limits: the last [`SEASON_POINTS_MAX`] samples; a period needs three cycles. Samples are evenly spaced.

mod search;

pub use search::{PERIOD_MIN, SEARCH_POINTS_MAX, SEASONS_MAX, Season, find_seasons};

use crate::moments::{dot, line_through, mean};
use crate::robust::quantile_in_place;

/// Samples looked at; bounds the O(samples x period) autocorrelations to a few milliseconds.
pub const SEASON_POINTS_MAX: usize = 4096;

/// Calendar periods worth a look for samples every `step_ms`, in samples, ascending, each at least 2: hour, day,
/// week, and for steps of a day or more also 30 days and a year of 52 weeks.
pub fn calendar_periods(step_ms: i64) -> Vec<usize> {
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const WEEK: i64 = 7 * DAY;
    let step_ms = step_ms.max(1);
    let long: &[i64] = if step_ms >= DAY { &[30 * DAY, 52 * WEEK] } else { &[] };
    let mut periods: Vec<usize> = [HOUR, DAY, WEEK]
        .iter()
        .chain(long)
        .map(|span| (span + step_ms / 2) / step_ms)
        .filter(|&samples| samples >= 2)
        .filter_map(|samples| usize::try_from(samples).ok())
        .collect();
    periods.dedup();
    periods
}

/// The candidates that pass [`is_seasonal`], in the given order.
pub fn find_periods(values: &[f64], candidates: &[usize]) -> Vec<usize> {
    candidates.iter().copied().filter(|&period| is_seasonal(values, period)).collect()
}

/// Whether the detrended series repeats every `period` samples.
pub fn is_seasonal(values: &[f64], period: usize) -> bool {
    let values = &values[values.len().saturating_sub(SEASON_POINTS_MAX)..];
    if period < 2 || values.len() < 3 * period {
        return false;
    }
    let Some(r) = autocorrelation(&detrended(values), period) else { return false };
    let shorter: f64 = r[1..period].iter().map(|r| r * r).sum();
    r[period] > 1.645 * ((1.0 + 2.0 * shorter) / values.len() as f64).sqrt()
}

/// Autocorrelations at lags 0..=`lag_max` (the first is 1); gaps count as the mean. `None` for a constant series or
/// when `lag_max` is not below the length.
pub fn autocorrelation(values: &[f64], lag_max: usize) -> Option<Vec<f64>> {
    if lag_max >= values.len() {
        return None;
    }
    let mean = mean(values)?;
    let d: Vec<f64> = values.iter().map(|v| if v.is_finite() { v - mean } else { 0.0 }).collect();
    let own = dot(&d, &d);
    if !own.is_finite() || own <= f64::EPSILON * mean * mean * d.len() as f64 {
        return None;
    }
    Some((0..=lag_max).map(|lag| dot(&d[lag..], &d) / own).collect())
}

/// The additive season: for each phase of `period` (phase 0 is the first sample) the mean of what is left above the
/// centred moving average; sums to 0. All zero when the series is shorter than two cycles.
pub fn seasonal_means(values: &[f64], period: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); period];
    if period >= 2 && values.len() >= 2 * period {
        for (at, level) in moving_average(values, period) {
            if values[at].is_finite() && level.is_finite() {
                let (sum, count) = &mut sums[at % period];
                *sum += values[at] - level;
                *count += 1.0;
            }
        }
    }
    let means: Vec<f64> =
        sums.iter().map(|&(sum, count)| if count > 0.0 { sum / count } else { 0.0 }).collect();
    let centre = means.iter().sum::<f64>() / means.len().max(1) as f64;
    means.iter().map(|m| m - centre).collect()
}

/// The series less its [`seasonal_means`].
pub fn deseasonalise(values: &[f64], period: usize) -> Vec<f64> {
    let season = seasonal_means(values, period);
    values
        .iter()
        .enumerate()
        .map(|(i, v)| v - season.get(i % period.max(1)).unwrap_or(&0.0))
        .collect()
}

/// Centred moving average over one period: (index, level) where the window fits. Gaps are left out of the window.
fn moving_average(values: &[f64], period: usize) -> Vec<(usize, f64)> {
    let half = period / 2;
    let mut prefix = Vec::with_capacity(values.len() + 1);
    prefix.push((0.0, 0.0));
    for value in values {
        let (sum, count): (f64, f64) = prefix[prefix.len() - 1];
        prefix.push(if value.is_finite() { (sum + value, count + 1.0) } else { (sum, count) });
    }
    let window =
        |from: usize, to: usize| (prefix[to].0 - prefix[from].0, prefix[to].1 - prefix[from].1);
    let level = |at: usize| {
        let from = at - half;
        let (mut sum, mut count) = window(from, from + period);
        if period.is_multiple_of(2) {
            let (shifted, more) = window(from + 1, from + 1 + period);
            sum += shifted;
            count += more;
        }
        sum / count
    };
    let last = values.len().saturating_sub(period - half);
    (half..last).map(|at| (at, level(at))).collect()
}

/// The series without its seasons, one period in samples after the other, by medians over the cycles: shifts and wild
/// cycles stay what they are. A period of which there are not three cycles is left in.
pub fn without_seasons(values: &[f64], periods: &[usize]) -> Vec<f64> {
    let mut rest = values.to_vec();
    for &period in periods {
        let profile = level_profile(&rest, period);
        remove_profile(&mut rest, &profile);
    }
    rest
}

/// The season of which shifts and wild cycles make no part: for each phase the median of what is left above the level;
/// sums to 0. Empty when the series is shorter than three cycles.
pub(crate) fn level_profile(values: &[f64], period: usize) -> Vec<f64> {
    if period < 2 || values.len() < 3 * period {
        return Vec::new();
    }
    let level = level_throughout(&moving_average(values, period), values.len(), period);
    let mut cells = Vec::with_capacity(values.len() / period + 1);
    let mut profile: Vec<f64> = (0..period)
        .map(|phase| {
            cells.clear();
            let own = values.iter().zip(&level).skip(phase).step_by(period);
            cells.extend(own.map(|(v, level)| v - level).filter(|v| v.is_finite()));
            quantile_in_place(&mut cells, 0.5).unwrap_or(0.0)
        })
        .collect();
    let centre = profile.iter().sum::<f64>() / period as f64;
    for v in &mut profile {
        *v -= centre;
    }
    profile
}

/// The moving average, and beyond its ends the lines that its first and last period make: all cycles then count alike.
fn level_throughout(inner: &[(usize, f64)], points: usize, period: usize) -> Vec<f64> {
    let (first, last) = (inner[0], inner[inner.len() - 1]);
    let reach = period.min(inner.len() - 1).max(1);
    let slope = |from: usize| {
        let rise = inner[from + reach].1 - inner[from].1;
        if rise.is_finite() { rise / reach as f64 } else { 0.0 }
    };
    let (before, after) = (slope(0), slope(inner.len() - 1 - reach));
    let head = (0..first.0).map(|at| first.1 - before * (first.0 - at) as f64);
    let tail = (last.0 + 1..points).map(|at| last.1 + after * (at - last.0) as f64);
    head.chain(inner.iter().map(|p| p.1)).chain(tail).collect()
}

/// Takes a profile out of a series that begins at its first phase; an empty one changes nothing.
pub(crate) fn remove_profile(values: &mut [f64], profile: &[f64]) {
    for (v, season) in values.iter_mut().zip(profile.iter().cycle()) {
        *v -= season;
    }
}

/// The series less its least-squares line; gaps stay gaps.
fn detrended(values: &[f64]) -> Vec<f64> {
    let (start, slope) = line_through(values).unwrap_or((0.0, 0.0));
    values.iter().enumerate().map(|(i, v)| v - start - slope * i as f64).collect()
}
