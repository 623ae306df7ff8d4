//! `rate`, `increase`, `delta`, `irate`, `idelta`.

use std::sync::Arc;

use plimsoll_model::ResetHint;

use super::{Column, MixedWindow, Point, Tell, add, sub};
use crate::annotations::HistNote;
use crate::hist::Hist;

/// What growth is asked for.
#[derive(Clone, Copy)]
pub(super) struct Growth {
    /// A fall is a restart from zero.
    pub counter: bool,
    /// Divided by the range.
    pub per_second: bool,
}

impl Growth {
    pub const RATE: Self = Self { counter: true, per_second: true };
    pub const INCREASE: Self = Self { counter: true, per_second: false };
    pub const DELTA: Self = Self { counter: false, per_second: false };
}

/// Growth over the samples of the window, extrapolated to its ends. The start time of the first sample,
/// where it lies in the window, stands for a sample of zero and leaves nothing to extrapolate there.
pub(super) fn extrapolated(w: &MixedWindow<'_>, growth: Growth, tell: Tell<'_>) -> Option<Point> {
    let hists = !w.hists.is_empty();
    if hists && !w.floats.is_empty() {
        tell(HistNote::MixedTypes);
        return None;
    }
    let times = if hists { w.hists.times } else { w.floats.times };
    let (&first, &last) = (times.first()?, times.last()?);
    let mut grown = match hists {
        true if times.len() == 1 => None,
        true => Some(Point::histogram(of_histograms(w.hists, growth.counter, tell)?)?),
        false => Some(Point::Float(of_floats(w.floats, growth.counter, tell))),
    };
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let (mut to_start, mut to_end) = (seconds(first - w.start), seconds(w.end - last));
    let mut sampled = seconds(last - first);
    let mean = if times.len() > 1 { sampled / (times.len() - 1) as f64 } else { 0.0 };
    let threshold = mean * 1.1;
    let start = if hists { w.hists.start(0) } else { w.floats.start(0) };
    if growth.counter && start != 0 && start > w.start && start < first {
        to_start = 0.0;
        sampled = seconds(last - start);
        grown = Some(match grown {
            Some(Point::Float(v)) => Point::Float(v + w.floats.values[0]),
            Some(Point::Histogram(h)) => {
                let mut h = Arc::unwrap_or_clone(h);
                add(&mut h, &w.hists.values[0], tell)?;
                Point::Histogram(Arc::new(h))
            }
            None => Point::Histogram(Arc::clone(&w.hists.values[0])),
        });
    } else if times.len() == 1 {
        return None;
    } else {
        if to_start >= threshold {
            to_start = mean / 2.0;
        }
        if growth.counter {
            to_start = to_start.min(to_zero(w, grown.as_ref(), sampled).unwrap_or(to_start));
        }
    }
    if to_end >= threshold {
        to_end = mean / 2.0;
    }
    let mut factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
    if growth.per_second {
        factor /= seconds(w.end - w.start);
    }
    Some(match grown? {
        Point::Float(v) => Point::Float(v * factor),
        Point::Histogram(h) => {
            let mut h = Arc::unwrap_or_clone(h);
            h.mul(factor);
            Point::Histogram(Arc::new(h))
        }
    })
}

/// How long before the first sample a steady counter was zero.
fn to_zero(w: &MixedWindow<'_>, grown: Option<&Point>, sampled: f64) -> Option<f64> {
    let (first, grown) = match grown? {
        Point::Float(grown) => (w.floats.values[0], *grown),
        Point::Histogram(h) => (w.hists.values[0].count, h.count),
    };
    (grown > 0.0 && first >= 0.0).then(|| sampled * (first / grown))
}

fn of_floats(floats: Column<'_, f64>, counter: bool, tell: Tell<'_>) -> f64 {
    let values = floats.values;
    let mut grown = values[values.len() - 1] - values[0];
    if !counter {
        return grown;
    }
    overlaps(floats, tell);
    for i in 1..values.len() {
        if values[i] < values[i - 1] || is_restart(floats, i) {
            grown += values[i - 1];
        }
    }
    grown
}

fn of_histograms(hists: Column<'_, Arc<Hist>>, counter: bool, tell: Tell<'_>) -> Option<Hist> {
    let all = hists.values;
    let (first, last) = (&all[0], &all[all.len() - 1]);
    let is_gauge = |h: &Arc<Hist>| h.hint == ResetHint::Gauge;
    let mut before = Arc::clone(first);
    let mut restarted_first = false;
    if counter {
        if all.iter().any(is_gauge) {
            tell(HistNote::NotCounter);
        }
        // What lies before a reset is not looked at, so its layout does not matter.
        restarted_first = is_restart(hists, 1) || hists.is_reset(1);
        if restarted_first {
            before = Arc::new(Hist::empty_like(&all[1]));
        }
    }
    let between = if counter { &all[1..all.len() - 1] } else { &[] };
    let custom = before.is_custom();
    if last.is_custom() != custom || between.iter().any(|h| h.is_custom() != custom) {
        tell(HistNote::MixedLayouts);
        return None;
    }
    let coarsest = between.iter().map(|h| h.schema).fold(last.schema.min(before.schema), i8::min);
    let mut grown = Hist::clone(last);
    grown.reduce(coarsest);
    sub(&mut grown, &before, tell)?;
    if counter {
        overlaps(hists, tell);
        for i in 1 + usize::from(restarted_first)..all.len() {
            if is_restart(hists, i) || hists.is_reset(i) {
                add(&mut grown, &all[i - 1], tell)?;
            }
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        tell(HistNote::NotGauge);
    }
    Some(grown.with_hint(ResetHint::Gauge).compact())
}

/// Growth between the last two samples; the last alone after a reset.
pub(super) fn of_last_two(w: &MixedWindow<'_>, rate: bool, tell: Tell<'_>) -> Option<Point> {
    let (floats, hists) = (w.floats, w.hists);
    let (n, m) = (floats.times.len(), hists.times.len());
    // How many of the last two samples are histograms.
    let newest_hist = match (floats.times.last(), hists.times.last()) {
        (Some(f), Some(h)) => h > f,
        (None, _) => true,
        (_, None) => false,
    };
    let (rest_f, rest_h) = if newest_hist { (n, m - 1) } else { (n - 1, m) };
    let before_hist = match (rest_f.checked_sub(1), rest_h.checked_sub(1)) {
        (Some(f), Some(h)) => hists.times[h] > floats.times[f],
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) => return None,
    };
    if newest_hist != before_hist {
        tell(HistNote::MixedTypes);
        return None;
    }
    if !newest_hist {
        let (before, last) = (floats.values[n - 2], floats.values[n - 1]);
        let ms = floats.times[n - 1] - floats.times[n - 2];
        let restart = rate && (last < before || is_restart(floats, n - 1));
        let grown = if restart { last } else { last - before };
        return Some(Point::Float(if rate { grown / (ms as f64 / 1000.0) } else { grown }));
    }
    let (before, last) = (&hists.values[m - 2], &hists.values[m - 1]);
    let ms = hists.times[m - 1] - hists.times[m - 2];
    let gauges = [before, last].map(|h| h.hint == ResetHint::Gauge);
    if rate && gauges.contains(&true) {
        tell(HistNote::NotCounter);
    }
    if !rate && gauges.contains(&false) {
        tell(HistNote::NotGauge);
    }
    let mut grown = Hist::clone(last);
    if !rate || !(is_restart(hists, m - 1) || hists.is_reset(m - 1)) {
        sub(&mut grown, before, tell)?;
    }
    grown = grown.with_hint(ResetHint::Gauge).compact();
    if rate {
        grown.div(ms as f64 / 1000.0);
    }
    Point::histogram(grown)
}

/// Whether the start time of sample `i` says that the counter began anew after the sample before it.
pub(super) fn is_restart<T>(column: Column<'_, T>, i: usize) -> bool {
    let (start, start_before) = (column.start(i), column.start(i - 1));
    restarted((column.times[i - 1], start_before), (column.times[i], start))
}

/// Likewise, of two samples with their start times. A start at the sample before is one only if the
/// start time of that is known: then each sample starts where the one before ended.
pub(super) const fn restarted((before, before_start): (i64, i64), (at, start): (i64, i64)) -> bool {
    if start == 0 || start >= at || start < before {
        return false;
    }
    start > before || (before_start <= before && before_start != 0 && before_start != before)
}

/// Tells of a sample that began before the one before it ended.
fn overlaps<T>(column: Column<'_, T>, tell: Tell<'_>) {
    let overlap = |i: usize| {
        let start = column.start(i);
        start != 0 && start < column.times[i - 1] && start != column.start(i - 1)
    };
    if !column.starts.is_empty() && (1..column.times.len()).any(overlap) {
        tell(HistNote::StartOverlap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_tell_of_restarts() {
        assert!(!restarted((10, 0), (20, 0)));
        assert!(restarted((10, 0), (20, 15)));
        assert!(!restarted((10, 5), (20, 5)));
        assert!(restarted((10, 5), (20, 10)));
        assert!(!restarted((10, 0), (20, 10)));
        assert!(!restarted((10, 10), (20, 10)));
        assert!(!restarted((10, 5), (20, 20)));
    }
}
