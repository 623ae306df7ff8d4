//! The fold of every window over one series in O(1) per window, for any associative operation.
//!
//! Two stacks make a queue: suffix folds of an older block and one running fold of what came since.
//! Nothing is ever subtracted, so sums keep their compensation and infinities do no harm.

use super::Windows;

/// An associative operation over samples in order.
pub(super) trait Fold: Copy {
    /// The fold of one sample.
    fn of(value: f64) -> Self;
    /// The fold of this run and the run behind it.
    fn join(self, later: Self) -> Self;
}

/// Calls `emit` with the number and the fold of every window that is not empty.
pub(super) fn slide<F: Fold>(w: &Windows<'_>, mut emit: impl FnMut(usize, F)) {
    let mut older: Vec<F> = Vec::new();
    let (mut base, mut mid, mut end) = (0, 0, 0);
    let mut since: Option<F> = None;
    for (i, cut) in w.cuts.iter().enumerate().filter(|(_, cut)| cut.lo < cut.hi) {
        if end < cut.lo {
            end = cut.lo;
            (base, mid) = (end, end);
            since = None;
            older.clear();
        }
        for v in &w.floats[end..cut.hi] {
            let one = F::of(*v);
            since = Some(since.map_or(one, |s| s.join(one)));
        }
        end = cut.hi;
        if cut.lo >= mid {
            suffixes(&w.floats[cut.lo..end], &mut older);
            (base, mid) = (cut.lo, end);
            since = None;
        }
        let old = older[cut.lo - base];
        emit(i, since.map_or(old, |s| old.join(s)));
    }
}

/// The fold from each sample to the end of the block.
fn suffixes<F: Fold>(block: &[f64], out: &mut Vec<F>) {
    out.clear();
    for v in block.iter().rev() {
        let one = F::of(*v);
        out.push(out.last().map_or(one, |later| one.join(*later)));
    }
    out.reverse();
}
