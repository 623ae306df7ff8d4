//! Window kernels: what a range function makes of the samples of one series, for all times at once.
//!
//! A kernel sees the samples without staleness markers and, for each time, the window (start, end] as
//! a pair of indices; both ends of successive windows only move forward. Rates, folds and counts cost
//! O(1) per time and series; quantiles, deviations and regressions look at each window anew. A kernel
//! leaves out what it has no value for.

mod counter;
mod extended;
mod fold;
mod line;
mod mixed;
mod slide;
mod spread;

use plimsoll_model::Grid;

use crate::eval::{ABSENT, is_absent};

pub(crate) use counter::growth_of;
pub(crate) use extended::{extended_functions, extended_kernel};
pub(crate) use fold::Sum;
pub(crate) use mixed::{
    Column, MixedWindow, Point, Tell, interpolated, minds_resets, minds_starts, mixed_kernel,
};
pub(crate) use slide::{Fold, slide};
pub(crate) use spread::quantile;

/// The indices of the samples of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// First sample.
    pub lo: usize,
    /// Behind the last sample.
    pub hi: usize,
    /// End of the window, ms.
    pub end: i64,
}

/// The samples of one series and the windows over them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows<'a> {
    /// Times of the samples, rising, ms.
    pub times: &'a [i64],
    /// Values, as many.
    pub floats: &'a [f64],
    /// One window per time of the grid, or a single one that serves all.
    pub cuts: &'a [Cut],
    /// Length of the windows, ms.
    pub range_ms: i64,
    /// When each window is evaluated.
    pub grid: Grid,
    /// Columns of the scalar arguments, in order.
    pub args: &'a [Vec<f64>],
}

/// One window that holds at least one sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Times of its samples.
    pub times: &'a [i64],
    /// Their values.
    pub floats: &'a [f64],
    /// When it is evaluated, ms.
    pub at: i64,
    /// The scalar arguments of that time; NaN where there is none.
    pub args: [f64; 2],
}

/// What computes the value of windows.
#[derive(Clone, Copy)]
pub(crate) enum Kernel {
    /// One window after the other.
    Each(fn(&Window<'_>) -> Option<f64>),
    /// All windows of a series in one go. The slots are absent before.
    All(fn(&Windows<'_>, &mut [f64])),
}

impl<'a> Windows<'a> {
    /// Window number `i`, unless it is empty.
    pub fn get(&self, i: usize) -> Option<Window<'a>> {
        let cut = self.cuts[i];
        if cut.lo >= cut.hi {
            return None;
        }
        let arg = |k: usize| self.args.get(k).map_or(f64::NAN, |column| column[i]);
        Some(Window {
            times: &self.times[cut.lo..cut.hi],
            floats: &self.floats[cut.lo..cut.hi],
            at: self.grid.at(i),
            args: [arg(0), arg(1)],
        })
    }
}

impl Kernel {
    /// Fills one slot per window.
    pub fn run(self, windows: &Windows<'_>, out: &mut [f64]) {
        match self {
            Self::All(all) => all(windows, out),
            Self::Each(each) => {
                for (i, slot) in out.iter_mut().enumerate() {
                    *slot = windows.get(i).and_then(|w| each(&w)).unwrap_or(ABSENT);
                }
            }
        }
    }
}

/// The kernel of the range function called `name`.
pub(crate) fn kernel(name: &str) -> Option<Kernel> {
    KERNELS.iter().find(|(n, _)| *n == name).map(|(_, kernel)| *kernel)
}

/// Every range function that works on one series at a time.
pub(crate) static KERNELS: &[(&str, Kernel)] = &[
    ("avg_over_time", Kernel::All(fold::avg)),
    ("changes", Kernel::All(counter::changes)),
    ("count_over_time", Kernel::All(fold::count)),
    ("delta", Kernel::All(counter::delta)),
    ("deriv", Kernel::Each(line::deriv)),
    ("double_exponential_smoothing", Kernel::Each(line::smooth)),
    ("first_over_time", Kernel::Each(|w| w.floats.first().copied())),
    ("idelta", Kernel::Each(counter::idelta)),
    ("increase", Kernel::All(counter::increase)),
    ("irate", Kernel::Each(counter::irate)),
    ("last_over_time", Kernel::Each(|w| w.floats.last().copied())),
    ("mad_over_time", Kernel::Each(spread::mad)),
    ("max_over_time", Kernel::All(fold::max)),
    ("min_over_time", Kernel::All(fold::min)),
    ("predict_linear", Kernel::Each(line::predict)),
    ("present_over_time", Kernel::Each(|_| Some(1.0))),
    ("quantile_over_time", Kernel::Each(|w| Some(quantile(w.args[0], w.floats)))),
    ("rate", Kernel::All(counter::rate)),
    ("resets", Kernel::All(counter::resets)),
    ("stddev_over_time", Kernel::Each(|w| Some(spread::variance(w.floats).sqrt()))),
    ("stdvar_over_time", Kernel::Each(|w| Some(spread::variance(w.floats)))),
    ("sum_over_time", Kernel::All(fold::sum)),
    ("ts_of_first_over_time", Kernel::Each(|w| w.times.first().map(|t| *t as f64 / 1000.0))),
    ("ts_of_last_over_time", Kernel::Each(|w| w.times.last().map(|t| *t as f64 / 1000.0))),
    ("ts_of_max_over_time", Kernel::Each(|w| extreme_time(w, |new, best| new >= best))),
    ("ts_of_min_over_time", Kernel::Each(|w| extreme_time(w, |new, best| new <= best))),
];

/// Time of the last sample that is at least as extreme as all before; NaN gives way to any number.
fn extreme_time(w: &Window<'_>, beats: fn(f64, f64) -> bool) -> Option<f64> {
    let mut best = 0;
    for (i, &v) in w.floats.iter().enumerate() {
        if beats(v, w.floats[best]) || w.floats[best].is_nan() {
            best = i;
        }
    }
    w.times.get(best).map(|t| *t as f64 / 1000.0)
}

/// Cuts the windows (end − range, end] of a grid of ends out of sorted times.
pub(crate) fn cut_windows(
    times: &[i64],
    ends: Grid,
    count: usize,
    range_ms: i64,
    out: &mut Vec<Cut>,
) {
    out.clear();
    let (mut lo, mut hi) = (Border::default(), Border::default());
    for i in 0..count {
        let end = ends.at(i);
        let hi = hi.advance(times, end);
        let lo = lo.advance(&times[..hi], end.saturating_sub(range_ms));
        out.push(Cut { lo, hi, end });
    }
}

/// How many samples there are up to a time that only grows. Samples are mostly regular, so that the
/// border moves as far as the last time: that is tried first.
#[derive(Default)]
pub(crate) struct Border {
    at: usize,
    moved: usize,
}

impl Border {
    /// Moves on; `times` may have become longer, and `until` later.
    pub fn advance(&mut self, times: &[i64], until: i64) -> usize {
        self.advance_by(times, |t| *t, until)
    }

    /// The same over anything that has a time.
    pub fn advance_by<T>(&mut self, all: &[T], time: impl Fn(&T) -> i64, until: i64) -> usize {
        let guess = self.at + self.moved;
        let reached = guess == 0 || all.get(guess - 1).is_some_and(|t| time(t) <= until);
        if reached && all.get(guess).is_none_or(|t| time(t) > until) {
            self.at = guess;
            return guess;
        }
        let further = all[self.at..].iter().take_while(|t| time(t) <= until).count();
        self.moved = further;
        self.at += further;
        self.at
    }
}

/// The samples without staleness markers: borrowed when there is none.
pub(crate) fn without_stale<'a>(
    times: &'a [i64],
    floats: &'a [f64],
    room: &'a mut (Vec<i64>, Vec<f64>),
) -> (&'a [i64], &'a [f64]) {
    if !floats.iter().any(|v| is_absent(*v)) {
        return (times, floats);
    }
    room.0.clear();
    room.1.clear();
    for (t, v) in times.iter().zip(floats).filter(|(_, v)| !is_absent(**v)) {
        room.0.push(*t);
        room.1.push(*v);
    }
    (&room.0, &room.1)
}
