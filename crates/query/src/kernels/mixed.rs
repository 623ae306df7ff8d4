//! Windows over native histograms, or over numbers and histograms, or over samples whose start times
//! count.
//!
//! These are looked at one by one: windows of plain numbers never come here. The rules are those of
//! the kernels for numbers; what numbers and histograms do together is told in notes.

mod extended;
mod growth;
mod pairs;

use std::sync::Arc;

use crate::annotations::{HistNote, Operation};
use crate::ast::RangeModifier;
use crate::hist::{Hist, Total};

use growth::Growth;

/// Samples of one kind, with their times and start times (0 = unknown; none at all when they do not
/// count).
#[derive(Debug)]
pub(crate) struct Column<'a, T> {
    /// Times, rising, ms.
    pub times: &'a [i64],
    /// The samples, as many.
    pub values: &'a [T],
    /// Start times, as many, or none.
    pub starts: &'a [i64],
    /// For histograms whose resets matter: whether each was reset since the one before it.
    pub fell: &'a [bool],
}

impl<T> Clone for Column<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<'_, T> {}

impl<T> Column<'_, T> {
    /// The samples with these indices.
    pub fn slice(&self, at: std::ops::Range<usize>) -> Self {
        Column {
            times: &self.times[at.clone()],
            values: &self.values[at.clone()],
            starts: if self.starts.is_empty() { &[] } else { &self.starts[at.clone()] },
            fell: if self.fell.is_empty() { &[] } else { &self.fell[at] },
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    fn start(&self, i: usize) -> i64 {
        self.starts.get(i).copied().unwrap_or(0)
    }
}

impl Column<'_, Arc<Hist>> {
    /// Whether sample `i` was reset since the one before it.
    fn is_reset(&self, i: usize) -> bool {
        let seen = self.fell.get(i).copied();
        seen.unwrap_or_else(|| self.values[i].is_reset_since(&self.values[i - 1]))
    }
}

/// Whether a function looks for resets between all neighbours of a window.
pub(crate) fn minds_resets(name: &str) -> bool {
    matches!(name, "rate" | "increase" | "resets")
}

/// One window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixedWindow<'a> {
    /// Numbers.
    pub floats: Column<'a, f64>,
    /// Histograms.
    pub hists: Column<'a, Arc<Hist>>,
    /// Before the window, ms: samples up to here are only there for `anchored` and `smoothed`.
    pub start: i64,
    /// End of the window, ms.
    pub end: i64,
}

/// What a window comes to.
#[derive(Clone, Debug)]
pub(crate) enum Point {
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(Arc<Hist>),
}

impl Point {
    fn histogram(h: Hist) -> Option<Self> {
        Some(Self::Histogram(Arc::new(h)))
    }
}

/// Takes remarks.
pub(crate) type Tell<'t> = &'t mut dyn FnMut(HistNote);

/// Computes a window that holds a histogram or start times.
pub(crate) type MixedKernel = fn(&MixedWindow<'_>, Tell<'_>) -> Option<Point>;

/// Whether start times matter to a function.
pub(crate) fn minds_starts(name: &str) -> bool {
    matches!(name, "rate" | "increase" | "irate" | "resets")
}

/// The kernel of a range function; `None` for one that only numbers have a meaning for.
pub(crate) fn mixed_kernel(name: &str, modifier: Option<RangeModifier>) -> Option<MixedKernel> {
    use RangeModifier::{Anchored, Smoothed};
    Some(match (name, modifier) {
        ("rate", None) => |w, tell| growth::extrapolated(w, Growth::RATE, tell),
        ("increase", None) => |w, tell| growth::extrapolated(w, Growth::INCREASE, tell),
        ("delta", None) => |w, tell| growth::extrapolated(w, Growth::DELTA, tell),
        ("rate", Some(Anchored)) => |w, tell| extended::growth(w, Growth::RATE, false, tell),
        ("increase", Some(Anchored)) => {
            |w, tell| extended::growth(w, Growth::INCREASE, false, tell)
        }
        ("delta", Some(Anchored)) => |w, tell| extended::growth(w, Growth::DELTA, false, tell),
        ("rate", Some(Smoothed)) => |w, tell| extended::growth(w, Growth::RATE, true, tell),
        ("increase", Some(Smoothed)) => |w, tell| extended::growth(w, Growth::INCREASE, true, tell),
        ("delta", Some(Smoothed)) => |w, tell| extended::growth(w, Growth::DELTA, true, tell),
        ("irate", None) => |w, tell| growth::of_last_two(w, true, tell),
        ("idelta", None) => |w, tell| growth::of_last_two(w, false, tell),
        ("resets", None) => |w, _| pairs::resets(w, false),
        ("resets", Some(Anchored)) => |w, _| pairs::resets(w, true),
        ("changes", None) => |w, _| pairs::changes(w, false),
        ("changes", Some(Anchored)) => |w, _| pairs::changes(w, true),
        ("sum_over_time", None) => |w, tell| total(w, Total::sum, tell),
        ("avg_over_time", None) => |w, tell| total(w, Total::mean, tell),
        ("count_over_time", None) => {
            |w, _| Some(Point::Float((w.floats.values.len() + w.hists.values.len()) as f64))
        }
        ("present_over_time" | "absent_over_time", None) => |_, _| Some(Point::Float(1.0)),
        ("first_over_time", None) => |w, _| end(w, true).map(|(_, point)| point),
        ("last_over_time", None) => |w, _| end(w, false).map(|(_, point)| point),
        ("ts_of_first_over_time", None) => |w, _| end(w, true).map(time),
        ("ts_of_last_over_time", None) => |w, _| end(w, false).map(time),
        _ => return None,
    })
}

fn time((ms, _): (i64, Point)) -> Point {
    Point::Float(ms as f64 / 1000.0)
}

/// The first or the last sample with its time.
fn end(w: &MixedWindow<'_>, first: bool) -> Option<(i64, Point)> {
    let at = |n: usize| if first { 0 } else { n.saturating_sub(1) };
    let (i, j) = (at(w.floats.times.len()), at(w.hists.times.len()));
    let float = w.floats.times.get(i).map(|t| (*t, Point::Float(w.floats.values[i])));
    let hist = w.hists.times.get(j);
    let hist = hist.map(|t| (*t, Point::Histogram(Arc::clone(&w.hists.values[j]))));
    match (float, hist) {
        (Some(f), Some(h)) => Some(if (f.0 < h.0) == first { f } else { h }),
        (f, h) => f.or(h),
    }
}

/// Sum or mean of a window of histograms.
fn total(w: &MixedWindow<'_>, start: fn(&Hist) -> Total, tell: Tell<'_>) -> Option<Point> {
    if !w.floats.is_empty() {
        tell(HistNote::MixedTypes);
        return None;
    }
    let (first, rest) = w.hists.values.split_first()?;
    let mut total = start(first);
    if rest.iter().any(|h| total.add(h).is_err()) {
        tell(HistNote::MixedLayouts);
        return None;
    }
    if total.collides() {
        tell(HistNote::Collision(Operation::Aggregation));
    }
    if total.reconciled {
        tell(HistNote::Reconciled(Operation::Aggregation));
    }
    Point::histogram(total.finish())
}

/// Adds a histogram to a result, or tells why not.
fn add(into: &mut Hist, other: &Hist, tell: Tell<'_>) -> Option<()> {
    noted(into.add(other), Operation::Addition, tell)
}

/// Subtracts a histogram from a result, or tells why not.
fn sub(from: &mut Hist, other: &Hist, tell: Tell<'_>) -> Option<()> {
    noted(from.sub(other), Operation::Subtraction, tell)
}

fn noted(
    done: Result<crate::hist::Outcome, crate::hist::Incompatible>,
    operation: Operation,
    tell: Tell<'_>,
) -> Option<()> {
    match done {
        Ok(outcome) => {
            if outcome.reconciled {
                tell(HistNote::Reconciled(operation));
            }
            Some(())
        }
        Err(_) => {
            tell(HistNote::MixedLayouts);
            None
        }
    }
}

/// The histogram on the line between two samples; after a reset the counter starts from nothing.
pub(crate) fn interpolated(
    (from_time, from): (i64, &Hist),
    (to_time, to): (i64, &Hist),
    at: i64,
    counter: bool,
    tell: Tell<'_>,
) -> Option<Hist> {
    if at == from_time {
        return Some(from.clone());
    }
    if at == to_time {
        return Some(to.clone());
    }
    if from.is_custom() != to.is_custom() {
        tell(HistNote::MixedLayouts);
        return None;
    }
    let share = (at - from_time) as f64 / (to_time - from_time) as f64;
    let mut out = to.clone();
    if counter && to.is_reset_since(from) {
        out.mul(share);
        return Some(out);
    }
    sub(&mut out, from, tell)?;
    out.mul(share);
    add(&mut out, from, tell)?;
    Some(out)
}
