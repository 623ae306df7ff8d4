//! `anchored` and `smoothed` growth of histograms.

use std::sync::Arc;

use plimsoll_model::ResetHint;

use super::growth::Growth;
use super::{Column, MixedWindow, Point, Tell, add, interpolated, sub};
use crate::annotations::HistNote;
use crate::hist::Hist;

/// Growth between the ends of the window, for which the samples beyond them stand in.
pub(super) fn growth(
    w: &MixedWindow<'_>,
    growth: Growth,
    smoothed: bool,
    tell: Tell<'_>,
) -> Option<Point> {
    if !w.floats.is_empty() {
        tell(HistNote::MixedTypes);
        return None;
    }
    let Column { times, values, .. } = w.hists;
    let newest = times.len().checked_sub(1)?;
    let first = times[..newest].partition_point(|t| *t <= w.start).saturating_sub(1);
    let last = if smoothed { times[..newest].partition_point(|t| *t < w.end) } else { newest };
    if times[last] <= w.start || (smoothed && times[first] > w.end) {
        return None;
    }
    let used = &values[first..=last];
    if used.iter().any(|h| h.is_custom() != used[0].is_custom()) {
        tell(HistNote::MixedLayouts);
        return None;
    }
    if growth.counter && used.iter().any(|h| h.hint == ResetHint::Gauge) {
        tell(HistNote::NotCounter);
    }
    let mut line = |i: usize, at: i64| {
        let (from, to) = ((times[i], &*values[i]), (times[i + 1], &*values[i + 1]));
        interpolated(from, to, at, growth.counter, tell)
    };
    let left = if smoothed && times[first] < w.start {
        line(first, w.start)?
    } else {
        Hist::clone(&values[first])
    };
    let right = if smoothed && last > 0 && times[last] > w.end {
        line(last - 1, w.end)?
    } else {
        Hist::clone(&values[last])
    };
    if !growth.counter && (left.hint != ResetHint::Gauge || right.hint != ResetHint::Gauge) {
        tell(HistNote::NotGauge);
    }
    let mut grown = right.clone();
    sub(&mut grown, &left, tell)?;
    if growth.counter {
        // A reset that the line at the left end spans is in that end already.
        let spans_reset =
            smoothed && times[first] < w.start && values[first + 1].is_reset_since(&values[first]);
        let from = first + 1 + usize::from(spans_reset);
        let mut before: &Hist = if spans_reset { &values[first + 1] } else { &left };
        if from <= last {
            let inner = values[from..last].iter().map(Arc::as_ref);
            for h in inner.chain([&right]) {
                if h.is_reset_since(before) {
                    add(&mut grown, before, tell)?;
                }
                before = h;
            }
        }
    }
    if growth.per_second {
        grown.div((w.end - w.start) as f64 / 1000.0);
    }
    Point::histogram(grown.with_hint(ResetHint::Gauge).compact())
}
