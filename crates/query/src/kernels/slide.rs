//! The fold of every window over one series in O(1) per window, for any associative operation.
//!
//! Two stacks make a queue: folds from the start of each window to the end of an older block, and one
//! running fold of what came since. Only starts of windows have a fold, so that a step of many samples
//! costs no more than reading them twice. Nothing is ever subtracted, so sums keep their compensation
//! and infinities do no harm.

use super::Cut;

/// An associative operation over things in order: samples, or buckets of samples.
pub(crate) trait Fold<T = f64>: Copy {
    /// The fold of one.
    fn of(one: &T) -> Self;
    /// The fold of this run and the run behind it.
    fn join(self, later: Self) -> Self;
    /// The fold of a run that is not empty.
    fn of_run(first: &T, rest: &[T]) -> Self {
        rest.iter().fold(Self::of(first), |so_far, one| so_far.join(Self::of(one)))
    }
}

fn run_of<T, F: Fold<T>>(run: &[T]) -> Option<F> {
    run.split_first().map(|(first, rest)| F::of_run(first, rest))
}

/// The fold of a run and of the one behind it, where they are not empty.
fn joined<T, F: Fold<T>>(before: Option<F>, later: Option<F>) -> Option<F> {
    match (before, later) {
        (Some(before), Some(later)) => Some(before.join(later)),
        (some, None) | (None, some) => some,
    }
}

/// Calls `emit` with the number and the fold of every window that is not empty.
pub(crate) fn slide<T, F: Fold<T>>(all: &[T], cuts: &[Cut], mut emit: impl FnMut(usize, F)) {
    let mut older: Vec<Option<F>> = Vec::new();
    let (mut base, mut mid, mut end) = (0, 0, 0);
    let mut since: Option<F> = None;
    for (i, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.lo < cut.hi) {
        if end < cut.lo {
            end = cut.lo;
            mid = end;
            since = None;
        }
        if cut.lo < mid {
            since = joined(since, run_of(&all[end..cut.hi]));
            end = cut.hi;
        } else {
            end = cut.hi;
            from_starts(all, &cuts[i..], end, &mut older);
            (base, mid) = (i, end);
            since = None;
        }
        if let Some(fold) = joined(older[i - base], since) {
            emit(i, fold);
        }
    }
}

/// The fold from the start of each window to `end`, as long as they start before.
fn from_starts<T, F: Fold<T>>(all: &[T], windows: &[Cut], end: usize, out: &mut Vec<Option<F>>) {
    let n = windows.iter().take_while(|cut| cut.lo < end).count();
    out.clear();
    out.resize(n, None);
    let (mut later, mut to) = (None, end);
    for (cut, slot) in windows[..n].iter().zip(out).rev() {
        later = joined(run_of(&all[cut.lo..to]), later);
        to = cut.lo;
        *slot = later;
    }
}
