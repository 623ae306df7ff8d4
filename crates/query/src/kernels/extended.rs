//! `anchored` and `smoothed` ranges: samples beyond the ends of a window stand in for its ends.
//!
//! `anchored` takes the newest sample at or before the start of the window as if it stood there;
//! `smoothed` draws straight lines to the neighbours beyond both ends. Nothing is extrapolated.

use super::{Cut, Kernel, Windows};
use crate::ast::RangeModifier;

/// The kernel of a range function under a modifier; `None` when they do not go together.
pub(crate) fn extended_kernel(name: &str, modifier: RangeModifier) -> Option<Kernel> {
    let all = match modifier {
        RangeModifier::Anchored => ANCHORED,
        RangeModifier::Smoothed => SMOOTHED,
    };
    all.iter().find(|(n, _)| *n == name).map(|(_, kernel)| *kernel)
}

/// The functions that a modifier goes with, as an error text lists them.
pub(crate) fn extended_functions(modifier: RangeModifier) -> String {
    let all = match modifier {
        RangeModifier::Anchored => ANCHORED,
        RangeModifier::Smoothed => SMOOTHED,
    };
    all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

static ANCHORED: &[(&str, Kernel)] = &[
    ("changes", Kernel::All(|w, out| count(w, |a, b| a != b && !(a.is_nan() && b.is_nan()), out))),
    ("delta", Kernel::All(|w, out| grow(w, &Edges { smoothed: false, counter: false }, 1.0, out))),
    (
        "increase",
        Kernel::All(|w, out| grow(w, &Edges { smoothed: false, counter: true }, 1.0, out)),
    ),
    (
        "rate",
        Kernel::All(|w, out| grow(w, &Edges { smoothed: false, counter: true }, seconds(w), out)),
    ),
    ("resets", Kernel::All(|w, out| count(w, |a, b| b < a, out))),
];

static SMOOTHED: &[(&str, Kernel)] = &[
    ("delta", Kernel::All(|w, out| grow(w, &Edges { smoothed: true, counter: false }, 1.0, out))),
    ("increase", Kernel::All(|w, out| grow(w, &Edges { smoothed: true, counter: true }, 1.0, out))),
    (
        "rate",
        Kernel::All(|w, out| grow(w, &Edges { smoothed: true, counter: true }, seconds(w), out)),
    ),
];

fn seconds(w: &Windows<'_>) -> f64 {
    w.range_ms as f64 / 1000.0
}

/// How the values at the ends of a window are found.
struct Edges {
    /// By a line between neighbours.
    smoothed: bool,
    /// A fall is a restart from zero.
    counter: bool,
}

/// A window with what stands in for its ends.
struct Extended<'a> {
    left: f64,
    right: f64,
    /// Samples strictly between the ends.
    inner: &'a [f64],
}

/// `None` when no sample lies behind the start of the window.
fn extend<'a>(w: &Windows<'a>, cut: Cut, edges: &Edges) -> Option<Extended<'a>> {
    let (times, floats) = (&w.times[cut.lo..cut.hi], &w.floats[cut.lo..cut.hi]);
    let (start, end) = (cut.end - w.range_ms, cut.end);
    let newest = times.len().checked_sub(1)?;
    let first = times[..newest].partition_point(|t| *t <= start).saturating_sub(1);
    let last = if edges.smoothed { times[..newest].partition_point(|t| *t < end) } else { newest };
    if times[last] <= start {
        return None;
    }
    let line = |i: usize, at: i64| {
        let fell = edges.counter && floats[i + 1] < floats[i];
        let from = if fell { 0.0 } else { floats[i] };
        let share = (at - times[i]) as f64 / (times[i + 1] - times[i]) as f64;
        from + (floats[i + 1] - from) * share
    };
    let left =
        if edges.smoothed && times[first] < start { line(first, start) } else { floats[first] };
    let right = if edges.smoothed && last > 0 && times[last] > end {
        line(last - 1, end)
    } else {
        floats[last]
    };
    let from = times.partition_point(|t| *t <= start);
    let to = times.partition_point(|t| *t < end);
    Some(Extended { left, right, inner: &floats[from..to.max(from)] })
}

fn grow(w: &Windows<'_>, edges: &Edges, divisor: f64, out: &mut [f64]) {
    for (cut, slot) in w.cuts.iter().zip(out) {
        let Some(e) = extend(w, *cut, edges) else { continue };
        let mut grown = e.right - e.left;
        if edges.counter {
            let mut before = e.left;
            for v in e.inner.iter().chain([&e.right]) {
                if *v < before {
                    grown += before;
                }
                before = *v;
            }
        }
        *slot = grown / divisor;
    }
}

fn count(w: &Windows<'_>, hit: fn(f64, f64) -> bool, out: &mut [f64]) {
    let edges = Edges { smoothed: false, counter: false };
    for (cut, slot) in w.cuts.iter().zip(out) {
        let Some(e) = extend(w, *cut, &edges) else { continue };
        let (mut before, mut hits) = (e.left, 0u32);
        for v in e.inner.iter().chain([&e.right]) {
            hits += u32::from(hit(before, *v));
            before = *v;
        }
        *slot = f64::from(hits);
    }
}
