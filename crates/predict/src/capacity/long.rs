//! Capacity from two days of history and more: roll-ups, seasons, and a watch on the last hour.
//!
//! Limits: at most [`STEPS_MAX`] steps ahead for the ensemble; beyond that only a line through the series less its season
//! may speak, and only when it is nearer in the back-test.

use super::{DAY_MS, LEVEL, Limit, Method, Outlook, State, crossing, line_outlook};
use crate::forecast::{ForecastOptions, forecast};
use plimsoll_analyze::{Trend, calendar_periods, deseasonalise, find_periods, last_regime, trend};

/// Steps the ensemble looks ahead: it was measured on horizons below this.
const STEPS_MAX: usize = 200;
/// Roll-ups worth forecasting from.
const POINTS_WANTED: i64 = 48;
const HOUR_MS: i64 = 3_600_000;
/// Roll-up steps, finest first.
const STEPS_MS: [i64; 5] = [HOUR_MS / 4, HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, DAY_MS];
/// The last hour must be faster than any before by this factor to override the long view.
const FASTER: f64 = 1.2;
/// Share of the roll-ups kept back to compare line and ensemble.
const TEST_SHARE: usize = 5;

pub(super) fn outlook(times: &[i64], values: &[f64], limit: Limit) -> Option<Outlook> {
    let hourly = Rollup::of(times, values, HOUR_MS);
    if let Some(sudden) = sudden(times, values, &hourly, limit) {
        return Some(sudden);
    }
    let rollup = Rollup::of(times, values, step_for(times, limit));
    let periods = find_periods(&rollup.values, &calendar_periods(rollup.step_ms));
    if line_is_nearer(&rollup, &periods) {
        return seasonal_line(&rollup, &periods, limit);
    }
    ensemble(&rollup, &periods, limit)
}

/// Means on an even grid; empty places are NaN.
struct Rollup {
    step_ms: i64,
    times: Vec<i64>,
    values: Vec<f64>,
}

impl Rollup {
    /// The newest place ends at the newest sample. At most 4096 places.
    fn of(times: &[i64], values: &[f64], step_ms: i64) -> Rollup {
        let end = times.last().copied().unwrap_or(0);
        let start = times.first().copied().unwrap_or(0);
        let places = (end.saturating_sub(start) / step_ms).clamp(0, 4095) as usize + 1;
        let mut cells = vec![(0.0, 0.0); places];
        for (time, value) in times.iter().zip(values) {
            let back = usize::try_from(end.saturating_sub(*time) / step_ms).unwrap_or(places);
            if let Some((sum, count)) = cells.iter_mut().rev().nth(back) {
                *sum += value;
                *count += 1.0;
            }
        }
        let middle =
            |at: usize| end.saturating_sub((places - 1 - at) as i64 * step_ms + step_ms / 2);
        Rollup {
            step_ms,
            times: (0..places).map(middle).collect(),
            values: cells.iter().map(|(sum, count)| sum / count).collect(),
        }
    }

    fn head(&self, count: usize) -> Rollup {
        Rollup {
            step_ms: self.step_ms,
            times: self.times[..count].to_vec(),
            values: self.values[..count].to_vec(),
        }
    }
}

/// The finest step that reaches the horizon in [`STEPS_MAX`], but no coarser than leaves points to learn from.
fn step_for(times: &[i64], limit: Limit) -> i64 {
    let span = times[times.len() - 1].saturating_sub(times[0]);
    let reaches = |step: i64| limit.horizon_ms / step <= STEPS_MAX as i64;
    let learns = |step: i64| span / step >= POINTS_WANTED - 1;
    let coarsest = STEPS_MS.iter().copied().filter(|&s| learns(s)).max().unwrap_or(HOUR_MS);
    STEPS_MS.iter().copied().find(|&s| reaches(s)).unwrap_or(DAY_MS).min(coarsest)
}

/// A rise in the last hour that no earlier hour had.
fn sudden(times: &[i64], values: &[f64], hourly: &Rollup, limit: Limit) -> Option<Outlook> {
    let end = times[times.len() - 1];
    let from = times.partition_point(|&t| t < end.saturating_sub(HOUR_MS));
    let line = line_outlook(&times[from..], &values[from..], limit)?;
    let earlier = &hourly.values[..hourly.values.len().saturating_sub(1)];
    let rises = earlier.windows(2).map(|w| w[1] - w[0]).filter(|rise| rise.is_finite());
    let fastest = rises.fold(0.0, f64::max);
    let per_hour = line.per_day / 24.0;
    (per_hour > FASTER * fastest).then_some(line)
}

/// A line through what the seasons leave, and the seasonal swing about it.
fn adjusted_line(rollup: &Rollup, periods: &[usize]) -> Option<(Trend, Vec<f64>)> {
    let mut rest = rollup.values.clone();
    for &period in periods.iter().filter(|&&period| rollup.values.len() >= 2 * period) {
        rest = deseasonalise(&rest, period);
    }
    let start_ms = last_regime(&rollup.times, &rest)?.start_ms;
    let from = rollup.times.partition_point(|&t| t < start_ms);
    let line = trend(&rollup.times[from..], &rest[from..], None)
        .or_else(|| trend(&rollup.times, &rest, None))?;
    Some((line, rest))
}

/// Compares both on the newest part, which neither has seen.
fn line_is_nearer(rollup: &Rollup, periods: &[usize]) -> bool {
    let n = rollup.values.len();
    let ahead = (n / TEST_SHARE).clamp(1, STEPS_MAX);
    let past = rollup.head(n - ahead);
    let Some((line, rest)) = adjusted_line(&past, periods) else { return false };
    let Ok(other) = forecast(&past.values, &options(ahead, periods)) else { return true };
    let (mut by_line, mut by_ensemble) = (0.0, 0.0);
    for k in 0..ahead {
        let (at, actual) = (n - ahead + k, rollup.values[n - ahead + k]);
        if actual.is_finite() {
            let season = longest_season(&past, &rest, periods, at);
            by_line += (line.at(rollup.times[at]) + season - actual).abs();
            by_ensemble += (other.mean[k] - actual).abs();
        }
    }
    by_line <= by_ensemble
}

/// What the seasons add at a later place: the difference they made one or more longest periods earlier.
fn longest_season(past: &Rollup, rest: &[f64], periods: &[usize], at: usize) -> f64 {
    let Some(period) = periods.iter().copied().max().filter(|&p| p <= rest.len()) else {
        return 0.0;
    };
    let mut place = at;
    while place >= rest.len() {
        place -= period;
    }
    let swing = past.values[place] - rest[place];
    if swing.is_finite() { swing } else { 0.0 }
}

/// The line crosses the limit when the season's peak on top of it does.
fn seasonal_line(rollup: &Rollup, periods: &[usize], limit: Limit) -> Option<Outlook> {
    let (line, rest) = adjusted_line(rollup, periods)?;
    if !line.significant(LEVEL) || line.slope_per_s <= 0.0 {
        return None;
    }
    let swings = rollup.values.iter().zip(&rest).map(|(v, r)| v - r).filter(|s| s.is_finite());
    let peak = swings.fold(0.0, f64::max);
    let from = rollup.times.partition_point(|&t| t < line.start_ms);
    let (times, rest): (Vec<i64>, Vec<f64>) = rollup.times[from..]
        .iter()
        .zip(&rest[from..])
        .filter(|(_, value)| value.is_finite())
        .unzip();
    let method = if periods.is_empty() { Method::Line } else { Method::SeasonalLine };
    let per_day = line.slope_per_s * 86_400.0;
    let below_peak = Limit { value: limit.value - peak, ..limit };
    let state = crossing(&line, &times, &rest, below_peak)?;
    Some(Outlook { state, method, per_day, since_ms: line.start_ms })
}

fn ensemble(rollup: &Rollup, periods: &[usize], limit: Limit) -> Option<Outlook> {
    let steps = (limit.horizon_ms / rollup.step_ms).clamp(1, STEPS_MAX as i64) as usize;
    let ahead = forecast(&rollup.values, &options(steps, periods)).ok()?;
    let days = |path: &[f64]| match path.iter().position(|v| *v >= limit.value) {
        Some(k) => (k as f64 + 0.5) * rollup.step_ms as f64 / DAY_MS as f64,
        None => f64::INFINITY,
    };
    let p10_days = days(&ahead.upper);
    let p50_days = days(&ahead.mean);
    if p50_days.is_infinite() {
        return None;
    }
    let (first, last) = (ahead.mean[0], ahead.mean[steps - 1]);
    let span_days = steps as f64 * rollup.step_ms as f64 / DAY_MS as f64;
    Some(Outlook {
        state: State::Breach { p10_days, p50_days, p90_days: days(&ahead.lower) },
        method: Method::Ensemble,
        per_day: (last - first) / span_days,
        since_ms: rollup.times[0],
    })
}

/// The 80 % interval: its ends are the 10 % and 90 % ends of the answer.
fn options(horizon: usize, periods: &[usize]) -> ForecastOptions {
    ForecastOptions { horizon, periods: periods.to_vec(), level: 0.8 }
}
