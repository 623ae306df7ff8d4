//! Where the present regime began: the last point at which a straight line stopped fitting.
//!
//! Off-line and greedy: the best split into two lines is accepted when it lowers the squared error by more than
//! chance explains (an F test whose degrees of freedom are reduced by the autocorrelation of the residuals, so that
//! waves and staircases are not cut at every tooth); then the later part is searched again. A fall between two
//! similar rises is a tooth of a saw (log rotation, garbage collection) and not a change.
//!
//! Limits: [`POINTS_MAX`] points after thinning, [`SPLITS_MAX`] splits; O(points) per split after prefix sums.

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

/// Moves both means to 0: sums of squares then keep their digits.
fn centred(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = points.len() as f64;
    let t = points.iter().map(|p| p.0).sum::<f64>() / n;
    let v = points.iter().map(|p| p.1).sum::<f64>() / n;
    points.iter().map(|p| (p.0 - t, p.1 - v)).collect()
}

/// A fall between two rises of like slope.
fn is_tooth(before: Line, after: Line, time: f64) -> bool {
    let falls = after.at(time) < before.at(time);
    let (slow, fast) = (before.slope.min(after.slope), before.slope.max(after.slope));
    falls && slow > 0.0 && slow > 0.5 * fast
}

#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    middle: (f64, f64),
    error: f64,
}

impl Line {
    fn at(&self, t: f64) -> f64 {
        self.middle.1 + self.slope * (t - self.middle.0)
    }
}

/// Sums for least squares over points that are centred already.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    t: f64,
    v: f64,
    tt: f64,
    tv: f64,
    square: f64,
}

impl Sums {
    /// `prefix[k]` sums the first k points.
    fn prefix(points: &[(f64, f64)]) -> Vec<Sums> {
        let mut all = vec![Sums::default()];
        let mut sum = Sums::default();
        for &(t, v) in points {
            sum = Sums {
                n: sum.n + 1.0,
                t: sum.t + t,
                v: sum.v + v,
                tt: sum.tt + t * t,
                tv: sum.tv + t * v,
                square: sum.square + v * v,
            };
            all.push(sum);
        }
        all
    }

    fn minus(&self, other: &Sums) -> Sums {
        Sums {
            n: self.n - other.n,
            t: self.t - other.t,
            v: self.v - other.v,
            tt: self.tt - other.tt,
            tv: self.tv - other.tv,
            square: self.square - other.square,
        }
    }

    fn line(&self) -> Line {
        let across = self.tt - self.t * self.t / self.n;
        let joint = self.tv - self.t * self.v / self.n;
        let slope = if across > 0.0 { joint / across } else { 0.0 };
        let error = (self.square - self.v * self.v / self.n - slope * joint).max(0.0);
        Line { slope, middle: (self.t / self.n, self.v / self.n), error }
    }
}
