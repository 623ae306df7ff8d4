//! A span of time that is looked at for a trend, and what counts as one.
//!
//! What the clock explains is taken out: of a short window what the same hours of yesterday explain, of a
//! long one the daily season. Yesterday is asked for only where the window by itself has a trend, which
//! few have.

use plimsoll_analyze::{Trend, median, trend};
use plimsoll_model::{DAY_MS, Grid, HOUR_MS, MINUTE_MS, TimeRange, Timestamp};

/// Points from which a trend is believed.
const POINTS_MIN: usize = 24;
/// Two-sided level of significance.
const LEVEL: f64 = 0.001;
/// Least change over the window, as share of the level.
const CHANGE_MIN: f64 = 0.01;

/// A span of time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    span: i64,
    pub(super) step: i64,
    /// Whether it is held against the same hours of the day before.
    yesterday: bool,
}

pub(super) const SHORT: Window = Window { span: 6 * HOUR_MS, step: 5 * MINUTE_MS, yesterday: true };
pub(super) const LONG: Window = Window { span: 7 * DAY_MS, step: 2 * HOUR_MS, yesterday: false };

/// A trend that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) line: Trend,
    pub(super) since_ms: Timestamp,
    /// Change over the window as share of the level, -1..=1.
    pub(super) share: f64,
}

impl Window {
    /// The steps that are looked at.
    pub(super) fn grid(self, now: Timestamp) -> Grid {
        let end = now.div_euclid(self.step) * self.step;
        Grid { start: end - self.span + self.step, end, step: self.step }
    }

    /// The same steps a day before, where they are of use.
    pub(super) fn grid_before(self, now: Timestamp) -> Option<Grid> {
        let Grid { start, end, step } = self.grid(now);
        self.yesterday.then_some(Grid { start: start - DAY_MS, end: end - DAY_MS, step })
    }

    /// The trend of values on the grid, if there is one; NaN = none. `before` gives the values of the
    /// day before, and is asked where they matter.
    pub(super) fn look(
        self,
        values: &[f64],
        grid: Grid,
        before: impl FnOnce() -> Option<Vec<f64>>,
    ) -> Option<Found> {
        if values.iter().filter(|v| v.is_finite()).count() < POINTS_MIN {
            return None;
        }
        let sizes: Vec<f64> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
        let level = median(&sizes)?;
        let change = |line: &Trend| line.slope_per_s * (self.span - self.step) as f64 / 1e3;
        let counts = |line: &Trend| {
            let change = change(line);
            line.significant(LEVEL) && change.abs() >= CHANGE_MIN * level && change != 0.0
        };
        let times: Vec<i64> = (0..values.len()).map(|i| grid.at(i)).collect();
        let day = usize::try_from(DAY_MS / self.step).ok()?;
        let mut line = trend(&times, values, (!self.yesterday).then_some(day))?;
        // The line that is believed in the end is at most as steep, and as sure.
        if !counts(&line) {
            return None;
        }
        if self.yesterday
            && let Some(before) = before()
            && let Some(without) = less_yesterday(values, &before, day)
        {
            line = steadier(line, trend(&times, &without, None)?)?;
        }
        let found = change(&line);
        counts(&line).then(|| Found {
            line,
            since_ms: grid.start,
            share: found / level.max(found.abs()),
        })
    }
}

/// The times of whose samples the steps of a grid are made.
pub(super) fn range(grid: Grid) -> TimeRange {
    TimeRange::new(grid.start - grid.step + 1, grid.end)
}

/// Puts a value where its time belongs.
pub(super) fn place(values: &mut [f64], grid: Grid, at: Timestamp, value: f64) {
    let i = usize::try_from((at - grid.start).div_euclid(grid.step));
    if let Ok(i) = i
        && let Some(place) = values.get_mut(i)
    {
        *place = value;
    }
}

/// The flatter of two lines when both are sure and of one direction. A season is no trend of the one, a
/// step that is hours ago none of the other.
fn steadier(a: Trend, b: Trend) -> Option<Trend> {
    let agree = a.significant(LEVEL) && b.significant(LEVEL) && a.slope_per_s * b.slope_per_s > 0.0;
    agree.then(|| if a.slope_per_s.abs() < b.slope_per_s.abs() { a } else { b })
}

/// The values less the season of the day before, where that leaves less to be explained: less the values
/// of that day, raised by what a day (of so many steps) makes in between.
fn less_yesterday(values: &[f64], before: &[f64], day: usize) -> Option<Vec<f64>> {
    let less: Vec<f64> = values.iter().zip(before).map(|(v, b)| v - b).collect();
    let both: Vec<usize> = (0..less.len()).filter(|i| less[*i].is_finite()).collect();
    let all = values.iter().filter(|v| v.is_finite()).count();
    if both.len() < POINTS_MIN || 4 * both.len() < 3 * all {
        return None;
    }
    let spread = |of: &dyn Fn(usize) -> f64| {
        let mean = both.iter().map(|i| of(*i)).sum::<f64>() / both.len() as f64;
        both.iter().map(|i| (of(*i) - mean).powi(2)).sum::<f64>()
    };
    if spread(&|i| less[i]) >= spread(&|i| values[i]) {
        return None;
    }
    let per_step = median(&both.iter().map(|i| less[*i]).collect::<Vec<f64>>())? / day as f64;
    Some(less.iter().enumerate().map(|(i, v)| v + per_step * i as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_750_000_200_000;

    fn found(window: Window, of: impl Fn(f64) -> f64) -> Option<Found> {
        let end = window.grid(NOW).end;
        let values = |grid: Grid| -> Vec<f64> {
            let hours = |i: usize| (grid.at(i) - end) as f64 / HOUR_MS as f64;
            let wobble = |i: usize| (i * 7 % 5) as f64 * 0.1;
            (0..grid.len()).map(|i| of(hours(i)) + wobble(i)).collect()
        };
        let grid = window.grid(NOW);
        window.look(&values(grid), grid, || window.grid_before(NOW).map(values))
    }

    /// A day's season of size 10.
    fn season(hours: f64) -> f64 {
        20.0 + 10.0 * (hours / 24.0 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn a_rise_is_found_and_a_season_is_none() {
        let per_hour = |found: Found| found.line.slope_per_s * 3_600.0;
        let rise = found(SHORT, |h| 30.0 + h.max(-6.0)).unwrap();
        assert!((per_hour(rise) - 1.0).abs() < 0.1, "{rise:?}");
        assert!(rise.share > 0.1 && rise.share < 0.5, "{rise:?}");
        assert!(found(SHORT, season).is_none(), "yesterday was the same");
        assert!(found(LONG, season).is_none());
        let drift = found(LONG, |h| season(h) + h / 24.0).unwrap();
        assert!((per_hour(drift) * 24.0 - 1.0).abs() < 0.2, "{drift:?}");
        assert!(found(SHORT, |_| 3.0).is_none());
        assert!(found(SHORT, |h| if h > -10.0 { 30.0 } else { 10.0 }).is_none(), "a step");
        let leak = found(SHORT, |h| 100.0 + 2.0 * h).unwrap();
        assert!((per_hour(leak) - 2.0).abs() < 0.2, "yesterday rose as well: {leak:?}");
        let none = found(SHORT, |h| if h < -1.0 { f64::NAN } else { h });
        assert!(none.is_none(), "too few points");
        let whole = found(SHORT, |h| (h + 3.0) * 100.0).unwrap();
        assert_eq!(whole.share, 1.0, "a change larger than the level");
    }

    #[test]
    fn yesterday_is_asked_for_only_where_there_is_a_trend_today() {
        let grid = SHORT.grid(NOW);
        let flat = vec![3.0; grid.len()];
        assert!(SHORT.look(&flat, grid, || unreachable!("flat")).is_none());
        let rises: Vec<f64> = (0..grid.len()).map(|i| 10.0 + i as f64).collect();
        let mut asked = false;
        let found = SHORT.look(&rises, grid, || {
            asked = true;
            None
        });
        assert!(asked && found.is_some(), "without a day before the line stands for itself");
        assert!(LONG.grid_before(NOW).is_none());
    }
}
