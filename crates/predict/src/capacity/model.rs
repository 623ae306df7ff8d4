//! Ways in which a series may go on, made of pieces of its own past.
//!
//! A path is a chain of pieces of history on top of a level and, for one kind, a line. Kinds:
//! - *steps*: pieces from the same time of day, each set on the end of the one before, so that the series goes on
//!   rising (or not) as it did on past days; from all of the past or its last quarter only, or from the same time of
//!   the week;
//! - *likeness*: pieces that begin where value and direction were most like now, followed to the present;
//! - *line*: the robust line of the last regime with the uncertainty of its slope, and on it pieces of what it leaves.
//!
//! Deterministic: where something is drawn, a low-discrepancy sequence stands for chance.

use super::grid::{Grid, Peaks};
use super::{DAY_MS, HOUR_MS};
use plimsoll_analyze::{deseasonalise, last_regime, normal_quantile, thin, trend};

/// Kinds of models, in the order of weights.
pub(super) const KINDS: [Kind; 5] =
    [Kind::Steps, Kind::LateSteps, Kind::WeekSteps, Kind::Likeness, Kind::Line];
/// Starts that count as like now.
const NEIGHBOURS: usize = 32;
/// Starts of pieces at most.
const STARTS_MAX: usize = 96;
/// Slopes of a line that are tried, at the middles of so many equal shares of their distribution.
const SLOPES: usize = 8;
/// Points for a line: enough for its slope, and few enough for every back-test to have its own.
const LINE_POINTS: usize = 96;
/// A path is followed for so many lengths of the past; then it goes on at the rate it had.
const LENGTHS_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Steps,
    LateSteps,
    WeekSteps,
    Likeness,
    Line,
}

/// What all models of one series share.
pub(super) struct Past<'a> {
    pub grid: &'a Grid,
    pub peaks: Peaks,
    /// Mean of the last hour at each cell.
    pub anchor: Vec<f64>,
    /// Season in cells; 0 without.
    pub period: usize,
}

impl<'a> Past<'a> {
    pub fn of(grid: &'a Grid, period: usize) -> Past<'a> {
        let hour = grid.cells(HOUR_MS).min(grid.len() / 16).max(1);
        let mut sum = 0.0;
        let anchor = (0..grid.len())
            .map(|i| {
                sum += grid.mean[i];
                if i >= hour {
                    sum -= grid.mean[i - hour];
                }
                sum / hour.min(i + 1) as f64
            })
            .collect();
        Past { grid, peaks: Peaks::of(&grid.peak), anchor, period }
    }

    /// Length of a piece: a season, else a sixteenth of the past.
    fn piece(period: usize, end: usize) -> usize {
        match period {
            0 => (end / 16).clamp(4, 256),
            period => period,
        }
    }

    /// Starts of pieces at the phase of the end, within an hour; without season spread evenly.
    fn starts(&self, period: usize, from: usize, end: usize) -> Vec<usize> {
        let piece = Self::piece(period, end);
        let mut starts = Vec::new();
        if period > 0 {
            let loose = self.grid.cells(HOUR_MS).min(period / 12) as isize;
            let mut back = piece;
            while end > back + from && starts.len() < STARTS_MAX {
                let at = |by: isize| (end - 1 - back).checked_add_signed(by);
                let near = (-loose..=loose).filter_map(at);
                starts.extend(near.filter(|&at| at >= from && at + 2 < end));
                back += piece;
            }
            return starts;
        }
        let room = end.saturating_sub(from + piece + 1);
        let stride = (room / STARTS_MAX).max(1);
        starts.extend((from..from + room).step_by(stride));
        starts
    }
}

/// One way of going on, as seen from the cell before `end`.
pub(super) struct Model<'a> {
    peaks: Own<'a, Peaks>,
    anchor: &'a [f64],
    starts: Vec<usize>,
    /// So many of the starts are fit for the first piece.
    first: usize,
    piece: usize,
    end: usize,
    level: f64,
    slopes: Vec<f64>,
    /// Pieces are set on the end of the one before.
    chained: bool,
    /// What the line rises per cell, when it surely does.
    pub sure_slope: f64,
}

enum Own<'a, T> {
    Shared(&'a T),
    Own(T),
}

impl<T> Own<'_, T> {
    fn get(&self) -> &T {
        match self {
            Own::Shared(value) => value,
            Own::Own(value) => value,
        }
    }
}

impl<'a> Model<'a> {
    /// `None` when the past is too short for this kind.
    pub fn of(kind: Kind, past: &'a Past<'a>, end: usize) -> Option<Model<'a>> {
        let recent = |period| end - (end / 4).max(2 * Past::piece(period, end)).min(end);
        match kind {
            Kind::Steps => Model::steps(past, past.period, 0, end),
            Kind::LateSteps => Model::steps(past, past.period, recent(past.period), end),
            Kind::WeekSteps => {
                let week = past.grid.cells(7 * DAY_MS);
                if end < 2 * week || week < 14 || past.period == week {
                    return None;
                }
                Model::steps(past, week, 0, end)
            }
            Kind::Likeness => Model::likeness(past, end),
            Kind::Line => Model::line(past, end),
        }
    }

    fn steps(past: &'a Past<'a>, period: usize, from: usize, end: usize) -> Option<Model<'a>> {
        let starts = past.starts(period, from.max(1), end);
        if starts.len() < 4 && (period == 0 || starts.is_empty()) {
            return None;
        }
        Some(Model::chain(past, starts, Past::piece(period, end), end))
    }

    fn chain(past: &'a Past<'a>, starts: Vec<usize>, piece: usize, end: usize) -> Model<'a> {
        Model {
            peaks: Own::Shared(&past.peaks),
            anchor: &past.anchor,
            first: starts.len(),
            starts,
            piece,
            end,
            level: past.anchor[end - 1],
            slopes: vec![0.0],
            chained: true,
            sure_slope: 0.0,
        }
    }

    fn likeness(past: &'a Past<'a>, end: usize) -> Option<Model<'a>> {
        let back = past.grid.cells(HOUR_MS).clamp(1, (end / 16).max(1));
        let run = (end / 24).max(4);
        if end < 4 * run + back {
            return None;
        }
        let level = &past.anchor;
        let rise = |at: usize| level[at] - level[at - back];
        let candidates: Vec<usize> = (2 * back..end - run).collect();
        let spread = |f: &dyn Fn(usize) -> f64| {
            let mean = candidates.iter().map(|&s| f(s)).sum::<f64>() / candidates.len() as f64;
            let square = candidates.iter().map(|&s| (f(s) - mean).powi(2)).sum::<f64>();
            (square / candidates.len() as f64).sqrt().max(f64::MIN_POSITIVE)
        };
        let (of_level, of_rise) = (spread(&|s| level[s]), spread(&rise));
        let now = end - 1;
        let distance = |s: usize| {
            let phase = match past.period {
                0 => 0.0,
                period => {
                    let off = (now - s) % period;
                    off.min(period - off) as f64 / period as f64
                }
            };
            (level[s] - level[now]).abs() / of_level
                + 0.5 * (rise(s) - rise(now)).abs() / of_rise
                + 3.0 * phase
        };
        let mut near: Vec<(f64, usize)> = candidates.iter().map(|&s| (distance(s), s)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let starts: Vec<usize> = near.into_iter().take(NEIGHBOURS).map(|n| n.1).collect();
        if starts.len() < 4 {
            return None;
        }
        Some(Model::chain(past, starts, usize::MAX, end))
    }

    fn line(past: &'a Past<'a>, end: usize) -> Option<Model<'a>> {
        let grid = past.grid;
        let (times, mean) = (&grid.times[..end], &grid.mean[..end]);
        let adjusted = match past.period {
            period if period > 0 && end >= 2 * period => deseasonalise(mean, period),
            _ => mean.to_vec(),
        };
        let start_ms = last_regime(times, &adjusted)?.start_ms;
        let from = times.partition_point(|&t| t < start_ms).min(end.saturating_sub(8));
        let (t, v) = thin(&times[from..], &adjusted[from..], LINE_POINTS);
        let line = trend(&t, &v, None)?;
        let step_s = grid.step_ms as f64 / 1e3;
        let rest: Vec<f64> = (0..end).map(|i| grid.peak[i] - line.at(grid.times[i])).collect();
        let like = |at: usize| past.anchor[at] - line.at(grid.times[at]);
        let now = like(end - 1);
        let mut starts = past.starts(past.period, from, end);
        if starts.len() < 4 {
            starts = (from..end - 2).step_by(((end - from) / STARTS_MAX).max(1)).collect();
        }
        starts.sort_by(|&a, &b| (like(a) - now).abs().total_cmp(&(like(b) - now).abs()));
        if starts.is_empty() {
            return None;
        }
        let slope = |k: usize| {
            let z = normal_quantile((k as f64 + 0.5) / SLOPES as f64);
            (line.slope_per_s + z * line.slope_error) * step_s
        };
        let sure = line.significant(super::LEVEL);
        Some(Model {
            peaks: Own::Own(Peaks::of(&rest)),
            anchor: &past.anchor,
            first: starts.len().div_ceil(2),
            starts,
            piece: Past::piece(past.period, end),
            end,
            level: line.at(grid.times[end - 1]),
            slopes: (0..SLOPES).map(slope).collect(),
            chained: false,
            sure_slope: if sure { line.slope_per_s * step_s } else { 0.0 },
        })
    }

    /// Calls `visit(cells passed, length, base, slope, start)` for each piece of path `j` until it answers.
    fn follow<T>(&self, j: usize, mut visit: impl FnMut(&Piece) -> Option<T>) -> Option<T> {
        let slope = self.slopes[j % self.slopes.len()];
        let (mut level, mut passed) = (self.level, 0);
        for b in 0..usize::MAX {
            let of = if b == 0 { self.first } else { self.starts.len() };
            let start = self.starts[drawn(j, b, of)];
            let count = self.piece.min(self.end - 1 - start);
            let base = if self.chained { level - self.anchor[start] } else { level };
            let piece = Piece { passed, count, base, slope, start };
            if let Some(answer) = visit(&piece) {
                return Some(answer);
            }
            if self.chained {
                level = base + self.anchor[start + count];
            }
            passed += count;
            if passed >= LENGTHS_MAX * self.end {
                let rate = if self.chained { (level - self.level) / passed as f64 } else { slope };
                let reached = if self.chained { level } else { level + slope * passed as f64 };
                let last = Piece { passed, count: 0, base: reached, slope: rate, start };
                return visit(&last);
            }
        }
        None
    }

    /// Cells until path `j` reaches the limit, from `now`; infinite when it never does.
    pub fn passage(&self, j: usize, now: f64, limit: f64) -> f64 {
        let peaks = self.peaks.get();
        self.follow(j, |p| {
            let rise = |i: usize| p.slope * (p.passed + i) as f64;
            if p.count == 0 {
                let ahead = (limit - p.base) / p.slope;
                return Some(if p.slope > 0.0 {
                    p.passed as f64 + ahead.max(0.0)
                } else {
                    f64::INFINITY
                });
            }
            let most = p.base + rise(1).max(rise(p.count)) + peaks.most(p.start + 1, p.count);
            if most < limit {
                return None;
            }
            let at = |i: usize| p.base + rise(i) + peaks.value(p.start + i);
            let i = (1..=p.count).find(|&i| at(i) >= limit)?;
            let before = if p.passed + i == 1 { now } else { at(i - 1).min(limit) };
            let part = ((limit - before) / (at(i) - before)).clamp(0.0, 1.0);
            Some((p.passed + i - 1) as f64 + if part.is_finite() { part } else { 1.0 })
        })
        .unwrap_or(f64::INFINITY)
    }

    /// The greatest value of path `j` within each of the marks, which rise.
    pub fn tops(&self, j: usize, marks: &[usize]) -> Vec<f64> {
        let peaks = self.peaks.get();
        let mut tops = Vec::with_capacity(marks.len());
        let mut most = f64::NEG_INFINITY;
        self.follow(j, |p| {
            for i in 1..=p.count {
                most =
                    most.max(p.base + p.slope * (p.passed + i) as f64 + peaks.value(p.start + i));
                if marks.get(tops.len()) == Some(&(p.passed + i)) {
                    tops.push(most);
                }
            }
            (tops.len() == marks.len() || p.count == 0).then_some(())
        });
        tops
    }
}

/// A piece of history on a path.
struct Piece {
    /// Cells of the path before it.
    passed: usize,
    count: usize,
    base: f64,
    slope: f64,
    /// Cell of history before its first.
    start: usize,
}

/// The b-th draw of path j out of `of`, evenly spread over paths and over draws.
fn drawn(j: usize, b: usize, of: usize) -> usize {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    const PLASTIC: f64 = 0.754_877_666_246_692_7;
    let share =
        ((j as f64 + 0.5) * GOLDEN + b as f64 * PLASTIC + (j * b) as f64 * 0.414_213_562_373_095)
            .fract();
    ((share * of as f64) as usize).min(of - 1)
}

/// The longest season worth following: a week, else a day, of which there are three.
pub(super) fn season(grid: &Grid, found: &[usize]) -> usize {
    let fits = |period: usize| grid.len() >= 3 * period && period >= 4;
    let day = usize::try_from(DAY_MS / grid.step_ms).unwrap_or(0);
    let longest = found.iter().copied().filter(|&p| fits(p) && p >= day).max();
    longest.unwrap_or(0)
}
