//! When a series changed for good: its level, its slope or its spread.
//!
//! Off-line: seasons are removed, single wild points drawn in, the series cut by PELT ([`pelt`]) into levels and, if
//! that found any cut, into lines as well; the cheaper description counts, so that a steady rise is one line and
//! no staircase. Then every cut has to pass a test between the pieces beside it (Mann–Whitney for levels,
//! Brown–Forsythe for spreads, Fisher's F for lines), with as many independent points as the noise leaves
//! ([`noise`]). Lines have to beat a cubic, so that the turns of slow waves are no changes, and the teeth of a saw (log
//! rotation, garbage collection) are one shape. Seasons are then taken again from the levelled series, because a
//! shift smears over a season, and the search repeated.
//!
//! On-line: [`ShiftWatch`]. Of the last stretch only: [`last_regime`].
//!
//! Limits: [`CHANGE_POINTS_MAX`] points are searched, longer series are thinned to medians of equal runs; 50 ms for
//! that many without any change, less with some.

mod noise;
mod pelt;
mod regime;
mod shift;
mod sums;

pub use regime::{Regime, last_regime};
pub use shift::{Shift, ShiftWatch};

use crate::chance::fisher_tail;
use crate::compare::{Test, level_and_spread};
use crate::moments::dot;
use crate::robust::{median, quantile_in_place, robust_deviation};
use crate::season::{level_profile, remove_profile, without_seasons};
use noise::Noise;
use pelt::Shape;
use sums::{Line, Sums};

/// Points searched.
pub const CHANGE_POINTS_MAX: usize = 2_000;
/// p-value that a cut has to stay below.
const CUT_P_MAX: f64 = 1e-3;
/// Twice the gain in log-likelihood of two lines over a cubic that makes a turn a change.
const BEND_GAIN_MIN: f64 = 4.0;
/// Deviations of the noise from the running median beyond which a single point is drawn in.
const WILD: f64 = 4.0;
/// Points to either side of the running median.
const WILD_REACH: usize = 5;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The level.
    Level,
    /// The slope, without a jump.
    Slope,
    /// The spread about a level that stayed.
    Spread,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after it.
    pub index: usize,
    /// Time of that value, milliseconds.
    pub at_ms: i64,
    /// What changed.
    pub kind: ChangeKind,
    /// Before it: level, slope per second or robust standard deviation, by kind, without the season.
    pub before: f64,
    /// The same after it, up to the next change.
    pub after: f64,
    /// Height of a change of level in standard deviations of the noise, signed; for slopes what the change makes
    /// over the shorter piece beside it, likewise; for spreads the logarithm to base 2 of after / before.
    pub size: f64,
    /// Probability of such a difference without change.
    pub p_value: f64,
}

/// The changes of a series, ascending. Times in milliseconds, ascending; extra entries of the longer slice are
/// ignored, non-finite values are gaps. `periods`: seasons in samples, to be removed first; each needs two cycles of
/// evenly spaced samples, else it is left in.
pub fn change_points(times_ms: &[i64], values: &[f64], periods: &[usize]) -> Vec<ChangePoint> {
    let n = times_ms.len().min(values.len());
    let (times_ms, values) = (&times_ms[..n], &values[..n]);
    let mut flat = without_seasons(values, periods);
    let first = Search::new(times_ms, &flat).map_or_else(Vec::new, Search::run);
    if first.is_empty() || periods.is_empty() {
        return first;
    }
    let mut levelled = levelled(values, &flat, &first);
    flat.copy_from_slice(values);
    for &period in periods {
        let profile = level_profile(&levelled, period);
        remove_profile(&mut levelled, &profile);
        remove_profile(&mut flat, &profile);
    }
    Search::new(times_ms, &flat).map_or_else(Vec::new, Search::run)
}

/// The series with the level of each piece (of `flat`) taken out.
fn levelled(values: &[f64], flat: &[f64], changes: &[ChangePoint]) -> Vec<f64> {
    let mut all = values.to_vec();
    let starts = std::iter::once(0).chain(changes.iter().map(|c| c.index));
    let ends = changes.iter().map(|c| c.index).chain([values.len()]);
    for (from, to) in starts.zip(ends) {
        let level = median(&flat[from..to]).unwrap_or(0.0);
        for v in &mut all[from..to] {
            *v -= level;
        }
    }
    all
}

/// A series on its way through the search: finite, thinned, calmed.
struct Search<'a> {
    times_ms: &'a [i64],
    /// Index in the input and value of each finite point.
    kept: Vec<(usize, f64)>,
    /// Finite points that one searched point stands for.
    run: usize,
    /// Searched points.
    points: Vec<f64>,
    noise: Noise,
    sums: Vec<Sums>,
}

impl<'a> Search<'a> {
    fn new(times_ms: &'a [i64], values: &[f64]) -> Option<Search<'a>> {
        let kept: Vec<(usize, f64)> =
            values.iter().copied().enumerate().filter(|(_, v)| v.is_finite()).collect();
        let run = kept.len().div_ceil(CHANGE_POINTS_MAX).max(1);
        let thinned: Option<Vec<f64>> = kept.chunks(run).map(middle).collect();
        let thinned = thinned?;
        let noise = Noise::of(&thinned)?;
        let points = calmed(&thinned, WILD * noise.variance.sqrt());
        let places: Vec<(f64, f64)> =
            points.iter().enumerate().map(|(i, &v)| (i as f64, v)).collect();
        let sums = Sums::prefix(&sums::centred(&places));
        sums[points.len()].square.is_finite().then_some(Search {
            times_ms,
            kept,
            run,
            points,
            noise,
            sums,
        })
    }

    fn run(self) -> Vec<ChangePoint> {
        let levels = pelt::cut(&self.sums, Shape::Level, self.noise);
        if levels.cuts.is_empty() {
            return Vec::new();
        }
        let lines = pelt::cut(&self.sums, Shape::Line, self.noise);
        // A line has a parameter more than a level, in the first piece too.
        let dearer = self.noise.inflation * (self.points.len() as f64).ln();
        if lines.cost + dearer < levels.cost {
            self.confirmed(lines.cuts, Search::line_change)
        } else {
            self.confirmed(levels.cuts, Search::level_change)
        }
    }

    /// Takes the least believable cut away until all that are left are believed.
    fn confirmed(&self, mut cuts: Vec<usize>, test: Tester<'a>) -> Vec<ChangePoint> {
        loop {
            let changes: Vec<Judged> = (0..cuts.len())
                .map(|i| {
                    let from = if i == 0 { 0 } else { cuts[i - 1] };
                    let to = cuts.get(i + 1).copied().unwrap_or(self.points.len());
                    test(self, from, cuts[i], to)
                })
                .collect();
            let worst = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
            let p_values = changes.iter().map(|judged| judged.change.p_value).enumerate();
            match p_values.max_by(worst) {
                Some((at, p_value)) if p_value.is_nan() || p_value > CUT_P_MAX => {
                    cuts.remove(at);
                }
                _ => return without_teeth(changes),
            }
        }
    }

    /// The change of level or spread at a cut between two pieces.
    fn level_change(&self, from: usize, at: usize, to: usize) -> Judged {
        let (a, b) = (&self.points[from..at], &self.points[at..to]);
        let (level, spread) =
            level_and_spread(a, b, self.noise.inflation).unwrap_or((Test::NOTHING, Test::NOTHING));
        let (low, high) = (median(a).unwrap_or(0.0), median(b).unwrap_or(0.0));
        let p_value = (2.0 * level.p_value.min(spread.p_value)).min(1.0);
        let change = if level.p_value <= spread.p_value {
            let index = self.place(at, low, high);
            let size = (high - low) / self.noise.variance.sqrt();
            self.change(index, ChangeKind::Level, (low, high), size, p_value)
        } else {
            self.spread_change(at, a, b, p_value)
        };
        Judged { change, tooth: false }
    }

    /// The change of line at a cut between two pieces.
    fn line_change(&self, from: usize, at: usize, to: usize) -> Judged {
        let (before, after) = (self.between(from, at).line(), self.between(at, to).line());
        let rest = before.error + after.error;
        let free = ((to - from) as f64 / self.noise.inflation - 4.0).max(1.0);
        let whole = self.between(from, to).line().error;
        let f = (whole - rest).max(0.0) / 2.0 / ((rest + self.floor()) / free);
        let line_p = if self.is_bend(from, at, to) { fisher_tail(f, 2.0, free) } else { 1.0 };
        let (a, b) = (self.residuals(&before, from, at), self.residuals(&after, at, to));
        let spread_p = level_and_spread(&a, &b, self.noise.inflation)
            .map_or(1.0, |(_, spread)| spread.p_value);
        let p_value = (2.0 * line_p.min(spread_p)).min(1.0);
        if spread_p < line_p {
            return Judged { change: self.spread_change(at, &a, &b, p_value), tooth: false };
        }
        let deviation = self.noise.variance.sqrt();
        let time = self.time(at) - 0.5;
        let jump = after.at(time) - before.at(time);
        let bend = (after.slope - before.slope) * (at - from).min(to - at) as f64;
        let change = if jump.abs() >= bend.abs().max(2.0 * deviation) {
            let centre = self.points.iter().sum::<f64>() / self.points.len() as f64;
            let levels = (before.at(time) + centre, after.at(time) + centre);
            let index = self.place(at, levels.0, levels.1);
            self.change(index, ChangeKind::Level, levels, jump / deviation, p_value)
        } else {
            let step = self.step_s(from * self.run, to * self.run);
            let slopes = (before.slope / step, after.slope / step);
            let index = self.kept[at * self.run].0;
            self.change(index, ChangeKind::Slope, slopes, bend / deviation, p_value)
        };
        let left = before.slope * (at - from) as f64 / deviation;
        let right = after.slope * (to - at) as f64 / deviation;
        let back = jump / deviation;
        let tooth = left * right > 0.0
            && back * left < 0.0
            && left.abs().min(right.abs()).min(back.abs()) > 2.0;
        Judged { change, tooth }
    }

    /// Whether two lines describe the surroundings of a cut better than a smooth curve of as many parameters: the
    /// turns of a slow wave are no changes.
    fn is_bend(&self, from: usize, at: usize, to: usize) -> bool {
        let reach = (at - from).min(to - at);
        let (from, to) = (at - reach, at + reach);
        let lines = self.between(from, at).line().error + self.between(at, to).line().error;
        let curve = cubic_error(&self.points[from..to]);
        let worth = (to - from) as f64 / self.noise.inflation;
        worth * ((curve + self.floor()) / (lines + self.floor())).ln() >= BEND_GAIN_MIN
    }

    fn spread_change(&self, at: usize, a: &[f64], b: &[f64], p_value: f64) -> ChangePoint {
        let spread = |piece| robust_deviation(piece).unwrap_or(0.0);
        let (before, after) = (spread(a), spread(b));
        let floor = 1e-3 * self.noise.variance.sqrt();
        let size = ((after + floor) / (before + floor)).log2();
        let index = self.kept[at * self.run].0;
        self.change(index, ChangeKind::Spread, (before, after), size, p_value)
    }

    /// Sums over a stretch.
    fn between(&self, from: usize, to: usize) -> Sums {
        self.sums[to].minus(&self.sums[from])
    }

    /// Squared error below which there is rounding only.
    fn floor(&self) -> f64 {
        1e-12 * self.sums[self.points.len()].square.max(f64::MIN_POSITIVE)
    }

    /// Place of a point on the axis of the lines, on which the middle is 0.
    fn time(&self, at: usize) -> f64 {
        at as f64 - (self.points.len() as f64 - 1.0) / 2.0
    }

    fn residuals(&self, line: &Line, from: usize, to: usize) -> Vec<f64> {
        (from..to).map(|i| self.points[i] - line.at(self.time(i))).collect()
    }

    fn change(
        &self,
        index: usize,
        kind: ChangeKind,
        (before, after): (f64, f64),
        size: f64,
        p_value: f64,
    ) -> ChangePoint {
        ChangePoint { index, at_ms: self.times_ms[index], kind, before, after, size, p_value }
    }

    /// Where in the input a level changed, to the sample: within one searched point of the cut, the place that
    /// divides best what is nearer to the one level from what is nearer to the other.
    fn place(&self, at: usize, low: f64, high: f64) -> usize {
        let from = (at.saturating_sub(1)) * self.run;
        let to = ((at + 1) * self.run).min(self.kept.len());
        let (middle, reach) = (0.5 * (low + high), (high - low).abs());
        if !reach.is_finite() {
            return self.kept[at * self.run].0;
        }
        let side = (high - low).signum();
        let (mut sum, mut most, mut best) = (0.0, 0.0, to);
        for i in (from..to).rev() {
            sum += side * (self.kept[i].1 - middle).clamp(-reach, reach);
            if sum > most {
                (most, best) = (sum, i);
            }
        }
        self.kept[best.min(self.kept.len() - 1)].0
    }

    /// Mean distance in seconds of the searched points in a range of finite points; 1 where times stand still.
    fn step_s(&self, from: usize, to: usize) -> f64 {
        let last = (to - 1).min(self.kept.len() - 1);
        let span =
            self.times_ms[self.kept[last].0].saturating_sub(self.times_ms[self.kept[from].0]);
        let step = span as f64 / 1e3 / ((last - from).max(1) as f64 / self.run as f64);
        if step > 0.0 { step } else { 1.0 }
    }
}

type Tester<'a> = fn(&Search<'a>, usize, usize, usize) -> Judged;

/// A change and whether it looks like the tooth of a saw.
struct Judged {
    change: ChangePoint,
    tooth: bool,
}

/// Teeth come at least in pairs; a single fall within a rise is a change.
fn without_teeth(changes: Vec<Judged>) -> Vec<ChangePoint> {
    let teeth = changes.iter().filter(|judged| judged.tooth).count();
    changes
        .into_iter()
        .filter(|judged| !judged.tooth || teeth < 2)
        .map(|judged| judged.change)
        .collect()
}

/// Squared residuals of the best cubic through evenly spaced values.
fn cubic_error(values: &[f64]) -> f64 {
    let half = 0.5 * values.len() as f64;
    let mut rest = values.to_vec();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let take = |from: &mut [f64], part: &[f64]| {
        let share = dot(from, part);
        from.iter_mut().zip(part).for_each(|(v, p)| *v -= share * p);
    };
    for degree in 0..=3 {
        let power = |i: usize| ((i as f64 + 0.5) / half - 1.0).powi(degree);
        let mut own: Vec<f64> = (0..values.len()).map(power).collect();
        basis.iter().for_each(|part| take(&mut own, part));
        let size = dot(&own, &own).sqrt();
        own.iter_mut().for_each(|v| *v /= size);
        take(&mut rest, &own);
        basis.push(own);
    }
    dot(&rest, &rest)
}

fn middle(run: &[(usize, f64)]) -> Option<f64> {
    let mut values: Vec<f64> = run.iter().map(|p| p.1).collect();
    quantile_in_place(&mut values, 0.5)
}

/// Draws points in to `reach` about the running median.
fn calmed(points: &[f64], reach: f64) -> Vec<f64> {
    let mut window = Vec::with_capacity(2 * WILD_REACH + 1);
    let calm = |(at, &v): (usize, &f64)| {
        window.clear();
        let to = (at + WILD_REACH + 1).min(points.len());
        window.extend_from_slice(&points[at.saturating_sub(WILD_REACH)..to]);
        quantile_in_place(&mut window, 0.5).map_or(v, |m| v.clamp(m - reach, m + reach))
    };
    points.iter().enumerate().map(calm).collect()
}
