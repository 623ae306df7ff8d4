//! How a series goes on: from samples at any times to a path on even steps. What `plimsoll forecast` and the API share.
//!
//! Samples are put on a grid that ends at the newest: the mean of those that fall on one place, a gap where there
//! are none. The seasons are those of the calendar that the series has, unless one is named.
//!
//! Limits: [`crate::POINTS_MAX`] places, [`crate::HORIZON_MAX`] steps ahead.

use crate::error::Error;
use crate::forecast::{Basis, Forecast, ForecastOptions, POINTS_MAX, forecast, periods_of_season};
use plimsoll_analyze::{calendar_periods, find_periods};

/// How far and how.
#[derive(Debug, Clone, PartialEq)]
pub struct AheadOptions {
    /// Steps ahead.
    pub horizon: usize,
    /// Distance of two steps, ms; `None`: the usual distance of the samples.
    pub step_ms: Option<i64>,
    /// Season in steps; `None`, 0 or 1: the calendar periods of the step are tried.
    pub season: Option<usize>,
    /// Share of future values the interval should hold, 0.5..=0.999.
    pub level: f64,
}

/// The path and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Ahead {
    /// Time of the newest sample, ms; the first step is one step later.
    pub last_ms: i64,
    /// Distance of two steps, ms.
    pub step_ms: i64,
    /// Samples that were neither gaps nor older than what is looked at, on places of their own.
    pub points: usize,
    /// What is expected.
    pub forecast: Forecast,
}

impl Ahead {
    /// Time of a step, counted from 0, ms.
    pub fn time_ms(&self, step: usize) -> i64 {
        let steps = i64::try_from(step).unwrap_or(i64::MAX).saturating_add(1);
        self.last_ms.saturating_add(self.step_ms.saturating_mul(steps))
    }

    /// Why the interval is not one of back-tests, for people; `None` when it is, or when nothing was to be learned.
    pub fn reason(&self) -> Option<String> {
        match self.forecast.basis {
            Basis::Backtested | Basis::Constant => None,
            Basis::Short => {
                let (needs, has) = (self.forecast.points_needed(), self.points);
                Some(format!(
                    "not enough data for a back-test: needs {needs} points, has {has}; the interval is that of a \
                     random walk"
                ))
            }
            Basis::Sparse => Some(
                "more than 40 % of the points are missing: the last value is carried forward"
                    .to_owned(),
            ),
        }
    }
}

/// Continues a series. Times in ms in any order; non-finite values are gaps.
///
/// # Errors
/// [`Error::Invalid`] without two different times or a finite value and for options out of range,
/// [`Error::Limit`] for a horizon too far.
pub fn ahead(times_ms: &[i64], values: &[f64], options: &AheadOptions) -> Result<Ahead, Error> {
    let Some(last_ms) = times_ms.iter().copied().max() else {
        return Err(Error::Invalid("input has no rows; give at least one timestamp,value".into()));
    };
    let step_ms = match options.step_ms {
        Some(step_ms) if step_ms > 0 => step_ms,
        Some(step_ms) => {
            return Err(Error::Invalid(format!("step is {step_ms} ms; it must be above 0")));
        }
        None => usual_step(times_ms).ok_or_else(|| {
            Error::Invalid("input has no two different timestamps; the step is unknown".into())
        })?,
    };
    let values = on_grid(times_ms, values, last_ms, step_ms);
    let periods = match options.season {
        Some(season) if season > 1 => periods_of_season(season),
        _ => find_periods(&values, &calendar_periods(step_ms)),
    };
    let points = values.iter().filter(|v| v.is_finite()).count();
    let wanted = ForecastOptions { horizon: options.horizon, periods, level: options.level };
    Ok(Ahead { last_ms, step_ms, points, forecast: forecast(&values, &wanted)? })
}

/// Median of the distances between neighbours in time.
fn usual_step(times_ms: &[i64]) -> Option<i64> {
    let sorted;
    let times = if times_ms.is_sorted() {
        times_ms
    } else {
        let mut copy = times_ms.to_vec();
        copy.sort_unstable();
        sorted = copy;
        &sorted
    };
    let mut steps: Vec<i64> =
        times.windows(2).map(|w| w[1].saturating_sub(w[0])).filter(|&d| d > 0).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = steps.len() / 2;
    Some(*steps.select_nth_unstable(middle).1)
}

/// The newest points on an even grid that ends at `last_ms`; missing places are NaN, doubles are averaged.
fn on_grid(times_ms: &[i64], values: &[f64], last_ms: i64, step_ms: i64) -> Vec<f64> {
    let mut cells = vec![(0.0, 0u32); POINTS_MAX];
    let mut used = 1;
    for (&time_ms, &value) in times_ms.iter().zip(values).filter(|(_, value)| value.is_finite()) {
        let back = last_ms.saturating_sub(time_ms).saturating_add(step_ms / 2) / step_ms;
        let Some(cell) = usize::try_from(back).ok().filter(|&back| back < POINTS_MAX) else {
            continue;
        };
        let (sum, count) = &mut cells[cell];
        *sum += value;
        *count += 1;
        used = used.max(cell + 1);
    }
    let mean =
        |&(sum, count): &(f64, u32)| if count > 0 { sum / f64::from(count) } else { f64::NAN };
    cells[..used].iter().rev().map(mean).collect()
}
