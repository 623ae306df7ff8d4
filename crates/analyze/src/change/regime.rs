//! Where the present regime began: the last point at which a straight line stopped fitting.
//!
//! Off-line and greedy: the best split into two lines is accepted when it lowers the squared error by more than
//! chance explains (an F test whose degrees of freedom are reduced by the autocorrelation of the residuals, so that
//! waves and staircases are not cut at every tooth); then the later part is searched again. A fall between two
//! similar rises is a tooth of a saw (log rotation, garbage collection) and not a change.
//!
//! Limits: [`POINTS_MAX`] points after thinning, [`SPLITS_MAX`] splits; O(points) per split after prefix sums.

use super::sums::{Line, Sums, centred};
use crate::moments::inflation;
use crate::robust::thin;

/// Points searched; longer series are thinned to medians of equal runs.
const POINTS_MAX: usize = 512;
/// Regimes looked for; the later ones matter.
const SPLITS_MAX: usize = 6;
/// Shortest part a line is fitted to.
const PART_MIN: usize = 8;
/// F statistic asked for, beyond the tabulated 1 % point because the best of many splits is tested.
const F_MIN: f64 = 12.0;

/// The latest stretch that one straight line describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regime {
    /// First time of the stretch, milliseconds.
    pub start_ms: i64,
    /// Changes that were found before it.
    pub changes: usize,
}

/// Finds the last regime; times ascending. `None` without finite points.
pub fn last_regime(times_ms: &[i64], values: &[f64]) -> Option<Regime> {
    let (times, values) = thin(times_ms, values, POINTS_MAX);
    let first = *times.first()?;
    let points: Vec<(f64, f64)> = times
        .iter()
        .zip(&values)
        .map(|(t, v)| ((t.saturating_sub(first)) as f64 / 1e3, *v))
        .collect();
    let (mut from, mut changes) = (0, 0);
    while changes < SPLITS_MAX {
        let Some(split) = best_split(&points[from..]) else { break };
        from += split;
        changes += 1;
    }
    Some(Regime { start_ms: times[from], changes })
}

/// Index of the accepted split of a stretch, if any.
fn best_split(points: &[(f64, f64)]) -> Option<usize> {
    let n = points.len();
    if n < 2 * PART_MIN {
        return None;
    }
    let points = &centred(points);
    let sums = Sums::prefix(points);
    let whole = sums[n].line();
    let (mut least, mut at) = (f64::INFINITY, 0);
    for split in PART_MIN..=n - PART_MIN {
        let error = sums[split].line().error + sums[n].minus(&sums[split]).line().error;
        if error < least {
            (least, at) = (error, split);
        }
    }
    let (before, after) = (sums[at].line(), sums[n].minus(&sums[at]).line());
    let rests: Vec<f64> = points
        .iter()
        .enumerate()
        .map(|(i, &(t, v))| v - if i < at { before.at(t) } else { after.at(t) })
        .collect();
    let free = (n as f64 / inflation(&rests) - 4.0).max(1.0);
    let floor = 1e-18 * sums[n].square.max(f64::MIN_POSITIVE);
    let f = (whole.error - least) / 2.0 / ((least + floor) / free);
    let split_time = 0.5 * (points[at - 1].0 + points[at].0);
    (f > F_MIN && !is_tooth(before, after, split_time)).then_some(at)
}

/// A fall between two rises of like slope.
fn is_tooth(before: Line, after: Line, time: f64) -> bool {
    let falls = after.at(time) < before.at(time);
    let (slow, fast) = (before.slope.min(after.slope), before.slope.max(after.slope));
    falls && slow > 0.0 && slow > 0.5 * fast
}
