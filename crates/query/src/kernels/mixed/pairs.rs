//! `resets` and `changes`: neighbours in time, whatever their kind.

use std::sync::Arc;

use super::growth::restarted;
use super::{MixedWindow, Point};
use crate::hist::Hist;

/// A sample of either kind.
struct Sample<'a> {
    time: i64,
    start: i64,
    float: f64,
    hist: Option<&'a Arc<Hist>>,
    /// Which histogram of the window it is.
    number: usize,
}

/// How often a counter was reset.
pub(super) fn resets(w: &MixedWindow<'_>, anchored: bool) -> Option<Point> {
    count(w, anchored, |before, now| {
        let restart = restarted((before.time, before.start), (now.time, now.start));
        match (before.hist, now.hist) {
            (None, None) => now.float < before.float || restart,
            (Some(_), Some(_)) => restart || w.hists.is_reset(now.number),
            _ => true,
        }
    })
}

/// How often the value changed.
pub(super) fn changes(w: &MixedWindow<'_>, anchored: bool) -> Option<Point> {
    count(w, anchored, |before, now| match (before.hist, now.hist) {
        (None, None) => now.float != before.float && !(now.float.is_nan() && before.float.is_nan()),
        (Some(before), Some(now)) => !now.equals(before),
        _ => true,
    })
}

fn count(
    w: &MixedWindow<'_>,
    anchored: bool,
    hit: impl Fn(&Sample<'_>, &Sample<'_>) -> bool,
) -> Option<Point> {
    let floats = w.floats.times.iter().enumerate().map(|(i, t)| Sample {
        time: *t,
        start: w.floats.start(i),
        float: w.floats.values[i],
        hist: None,
        number: 0,
    });
    let hists = w.hists.times.iter().enumerate().map(|(i, t)| Sample {
        time: *t,
        start: w.hists.start(i),
        float: 0.0,
        hist: Some(&w.hists.values[i]),
        number: i,
    });
    let mut all: Vec<Sample<'_>> = floats.chain(hists).collect();
    all.sort_by_key(|s| s.time);
    if anchored {
        // The newest sample at or before the start stands at the start.
        let inside = all.partition_point(|s| s.time <= w.start);
        if inside == all.len() {
            return None;
        }
        all.drain(..inside.saturating_sub(1));
    }
    let hits = all.windows(2).filter(|pair| hit(&pair[0], &pair[1])).count();
    (!all.is_empty()).then_some(Point::Float(hits as f64))
}
