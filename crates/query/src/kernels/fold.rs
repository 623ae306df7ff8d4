//! Sums, means, extremes and counts of windows.
//!
//! Sums are compensated. Short windows are summed one sample after the other, as Prometheus does it;
//! longer ones by sliding, which differs from that in the last bit at most.

use plimsoll_model::Compensated;

use super::Windows;
use super::slide::{Fold, slide};

/// Windows of at most so many samples are summed anew each time.
const ANEW_MAX: usize = 32;

/// The sum.
pub(super) fn sum(w: &Windows<'_>, out: &mut [f64]) {
    sums(w, |_, sum| sum.value(), out);
}

/// The mean; where the sum would overflow it is carried on as a mean.
pub(super) fn avg(w: &Windows<'_>, out: &mut [f64]) {
    let mean = |i: usize, sum: Sum| {
        let cut = w.cuts[i];
        if !sum.sum.is_finite() {
            return mean(&w.floats[cut.lo..cut.hi]);
        }
        let count = (cut.hi - cut.lo) as f64;
        sum.sum / count + sum.lost / count
    };
    sums(w, mean, out);
}

fn sums(w: &Windows<'_>, value: impl Fn(usize, Sum) -> f64, out: &mut [f64]) {
    let longest = w.cuts.iter().map(|cut| cut.hi - cut.lo).max().unwrap_or(0);
    if longest > ANEW_MAX {
        slide(w.floats, w.cuts, |i, sum: Sum| out[i] = value(i, sum));
        return;
    }
    for (i, cut) in w.cuts.iter().enumerate().filter(|(_, cut)| cut.lo < cut.hi) {
        let mut sum = Compensated::default();
        w.floats[cut.lo..cut.hi].iter().for_each(|v| sum.add(*v));
        let (sum, lost) = sum.parts();
        out[i] = value(i, Sum { sum, lost });
    }
}

/// The mean of samples whose sum may overflow: a plain mean as long as it does not, then one that is
/// moved by each sample.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let mut sum = Compensated::default();
    for (i, v) in values.iter().enumerate() {
        let before = sum;
        sum.add(*v);
        if sum.parts().0.is_infinite() && i > 0 {
            return moved_mean(before, &values[i..], i as f64);
        }
    }
    let (sum, lost) = sum.parts();
    let count = values.len() as f64;
    sum / count + lost / count
}

fn moved_mean(sum: Compensated, rest: &[f64], before: f64) -> f64 {
    let (sum, lost) = sum.parts();
    let (mut mean, mut lost) = (sum / before, lost / before);
    for (i, v) in rest.iter().enumerate() {
        let count = before + (i + 1) as f64;
        let keep = (count - 1.0) / count;
        let moved = Sum { sum: keep * mean, lost: keep * lost }.plus(v / count);
        (mean, lost) = (moved.sum, moved.lost);
    }
    mean + lost
}

/// A compensated sum whose parts are at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    /// The sum.
    pub sum: f64,
    /// What it lost.
    pub lost: f64,
}

impl Sum {
    /// The sum with what it lost.
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }

    /// The sum and one more term.
    pub fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= term.abs() {
            self.lost + ((self.sum - sum) + term)
        } else {
            self.lost + ((term - sum) + self.sum)
        };
        Self { sum, lost }
    }
}

impl Fold for Sum {
    fn of(value: &f64) -> Self {
        Self { sum: *value, lost: 0.0 }
    }

    fn join(self, later: Self) -> Self {
        let joined = self.plus(later.sum);
        if joined.sum.is_infinite() {
            return joined;
        }
        Self { lost: joined.lost + later.lost, ..joined }
    }
}

/// The smallest; NaN only if all are.
pub(super) fn min(w: &Windows<'_>, out: &mut [f64]) {
    slide(w.floats, w.cuts, |i, Min(v)| out[i] = v);
}

/// The greatest; NaN only if all are.
pub(super) fn max(w: &Windows<'_>, out: &mut [f64]) {
    slide(w.floats, w.cuts, |i, Max(v)| out[i] = v);
}

/// The fold of a run as that of its four quarters, which do not wait for one another. Only for folds
/// that are the same however their samples are bracketed, and when a sample counts twice.
fn in_quarters<F: Fold>(first: &f64, rest: &[f64]) -> F {
    let head = F::of(first);
    let quarter = rest.len() / 4;
    let (a, behind) = rest.split_at(quarter);
    let (b, behind) = behind.split_at(quarter);
    let (c, d) = behind.split_at(quarter);
    let (Some(b0), Some(c0), Some(d0)) = (b.first(), c.first(), d.first()) else {
        return rest.iter().fold(head, |so_far, v| so_far.join(F::of(v)));
    };
    let (mut fa, mut fb, mut fc, mut fd) = (head, F::of(b0), F::of(c0), F::of(d0));
    for (((va, vb), vc), vd) in a.iter().zip(b).zip(c).zip(d) {
        fa = fa.join(F::of(va));
        fb = fb.join(F::of(vb));
        fc = fc.join(F::of(vc));
        fd = fd.join(F::of(vd));
    }
    let fd = d[quarter..].iter().fold(fd, |so_far, v| so_far.join(F::of(v)));
    fa.join(fb).join(fc).join(fd)
}

#[derive(Clone, Copy)]
struct Min(f64);

impl Fold for Min {
    fn of(value: &f64) -> Self {
        Self(*value)
    }

    fn join(self, later: Self) -> Self {
        if later.0 < self.0 || self.0.is_nan() { later } else { self }
    }

    fn of_run(first: &f64, rest: &[f64]) -> Self {
        in_quarters(first, rest)
    }
}

#[derive(Clone, Copy)]
struct Max(f64);

impl Fold for Max {
    fn of(value: &f64) -> Self {
        Self(*value)
    }

    fn join(self, later: Self) -> Self {
        if later.0 > self.0 || self.0.is_nan() { later } else { self }
    }

    fn of_run(first: &f64, rest: &[f64]) -> Self {
        in_quarters(first, rest)
    }
}

/// How many samples.
pub(super) fn count(w: &Windows<'_>, out: &mut [f64]) {
    for (cut, slot) in w.cuts.iter().zip(out).filter(|(cut, _)| cut.lo < cut.hi) {
        *slot = (cut.hi - cut.lo) as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Grid;

    #[test]
    fn means_whose_sums_overflow_either_way_are_means() {
        let floats: Vec<f64> = (0..80).map(|i| if i < 40 { f64::MAX } else { -f64::MAX }).collect();
        let times: Vec<i64> = (0..80).collect();
        let cuts: Vec<_> =
            (0..=16).map(|i| super::super::Cut { lo: i, hi: i + 64, end: 0 }).collect();
        let w = Windows {
            times: &times,
            floats: &floats,
            cuts: &cuts,
            range_ms: 64,
            grid: Grid::instant(0),
            args: &[],
        };
        let mut out = vec![0.0; cuts.len()];
        avg(&w, &mut out);
        for (cut, found) in cuts.iter().zip(&out) {
            assert_eq!(*found, mean(&floats[cut.lo..cut.hi]), "{cut:?}");
            assert!(found.is_finite(), "{cut:?}");
        }
    }
}
