//! The fold of every window over one series in O(1) per window, for any associative operation.
//!
//! Two stacks make a queue: folds from the start of each window to the end of an older block, and one
//! running fold of what came since. Only starts of windows have a fold, so that a step of many samples
//! costs no more than reading them twice. Nothing is ever subtracted, so sums keep their compensation
//! and infinities do no harm.

use super::Windows;

/// An associative operation over samples in order.
pub(super) trait Fold: Copy {
    /// The fold of one sample.
    fn of(value: f64) -> Self;
    /// The fold of this run and the run behind it.
    fn join(self, later: Self) -> Self;
    /// The fold of a run that is not empty.
    fn of_run(first: f64, rest: &[f64]) -> Self {
        rest.iter().fold(Self::of(first), |so_far, v| so_far.join(Self::of(*v)))
    }
}

fn run_of<F: Fold>(values: &[f64]) -> Option<F> {
    values.split_first().map(|(first, rest)| F::of_run(*first, rest))
}

/// The fold of a run and of the one behind it, where they are not empty.
fn joined<F: Fold>(before: Option<F>, later: Option<F>) -> Option<F> {
    match (before, later) {
        (Some(before), Some(later)) => Some(before.join(later)),
        (some, None) | (None, some) => some,
    }
}

/// Calls `emit` with the number and the fold of every window that is not empty.
pub(super) fn slide<F: Fold>(w: &Windows<'_>, mut emit: impl FnMut(usize, F)) {
    let mut older: Vec<Option<F>> = Vec::new();
    let (mut base, mut mid, mut end) = (0, 0, 0);
    let mut since: Option<F> = None;
    for (i, cut) in w.cuts.iter().enumerate().filter(|(_, cut)| cut.lo < cut.hi) {
        if end < cut.lo {
            end = cut.lo;
            mid = end;
            since = None;
        }
        if cut.lo < mid {
            since = joined(since, run_of(&w.floats[end..cut.hi]));
            end = cut.hi;
        } else {
            end = cut.hi;
            from_starts(w, i, end, &mut older);
            (base, mid) = (i, end);
            since = None;
        }
        if let Some(fold) = joined(older[i - base], since) {
            emit(i, fold);
        }
    }
}

/// The fold from the start of each window from number `i` on to `end`, as long as they start before.
fn from_starts<F: Fold>(w: &Windows<'_>, i: usize, end: usize, out: &mut Vec<Option<F>>) {
    let windows = &w.cuts[i..];
    let n = windows.iter().take_while(|cut| cut.lo < end).count();
    out.clear();
    out.resize(n, None);
    let (mut later, mut to) = (None, end);
    for (cut, slot) in windows[..n].iter().zip(out).rev() {
        later = joined(run_of(&w.floats[cut.lo..to]), later);
        to = cut.lo;
        *slot = later;
    }
}
