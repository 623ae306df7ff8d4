//! Growth: rates and differences, extrapolated as Prometheus 3 does, and counts of changes.

use super::{Window, Windows};

/// Growth per second of a counter.
pub(super) fn rate(w: &Windows<'_>, out: &mut [f64]) {
    extrapolated(w, Growth { counter: true, per_second: true }, out);
}

/// Growth of a counter.
pub(super) fn increase(w: &Windows<'_>, out: &mut [f64]) {
    extrapolated(w, Growth { counter: true, per_second: false }, out);
}

/// Difference of the ends of a gauge.
pub(super) fn delta(w: &Windows<'_>, out: &mut [f64]) {
    extrapolated(w, Growth { counter: false, per_second: false }, out);
}

#[derive(Clone, Copy)]
struct Growth {
    /// A fall is a restart from zero, and no extrapolation goes below zero.
    counter: bool,
    /// Divide by the range.
    per_second: bool,
}

/// The samples at which a counter fell; the value before is what was lost.
fn falls(floats: &[f64]) -> Vec<usize> {
    (1..floats.len()).filter(|&i| floats[i] < floats[i - 1]).collect()
}

/// `rate` or `increase` of a window of which only the ends, the number of samples (2 or more) and the
/// growth between the ends, resets corrected, are known.
pub(crate) fn growth_of(
    span: (i64, i64, usize),
    first: f64,
    grown: f64,
    end: i64,
    range_ms: i64,
    per_second: bool,
) -> f64 {
    grown * extrapolation(span, first, grown, end, range_ms, Growth { counter: true, per_second })
}

fn extrapolated(w: &Windows<'_>, growth: Growth, out: &mut [f64]) {
    let falls = if growth.counter { falls(w.floats) } else { Vec::new() };
    let mut first_fall = 0;
    for (cut, slot) in w.cuts.iter().zip(out) {
        if cut.hi < cut.lo + 2 {
            continue;
        }
        let mut grown = w.floats[cut.hi - 1] - w.floats[cut.lo];
        while first_fall < falls.len() && falls[first_fall] <= cut.lo {
            first_fall += 1;
        }
        for &at in falls[first_fall..].iter().take_while(|at| **at < cut.hi) {
            grown += w.floats[at - 1];
        }
        let span = (w.times[cut.lo], w.times[cut.hi - 1], cut.hi - cut.lo);
        let factor = extrapolation(span, w.floats[cut.lo], grown, cut.end, w.range_ms, growth);
        *slot = grown * factor;
    }
}

/// By how much the growth between the first and the last sample is scaled to the whole window: up to
/// each end of it if the end is nearer than 1.1 mean distances of samples, else by half a distance;
/// for counters not before the time at which the line would have been zero.
fn extrapolation(
    (first_time, last_time, samples): (i64, i64, usize),
    first: f64,
    grown: f64,
    end: i64,
    range_ms: i64,
    growth: Growth,
) -> f64 {
    let mut to_start = (first_time - (end - range_ms)) as f64 / 1000.0;
    let mut to_end = (end - last_time) as f64 / 1000.0;
    let sampled = (last_time - first_time) as f64 / 1000.0;
    let mean = sampled / (samples - 1) as f64;
    let threshold = mean * 1.1;
    if to_start >= threshold {
        to_start = mean / 2.0;
    }
    if growth.counter && grown > 0.0 && first >= 0.0 {
        let to_zero = sampled * (first / grown);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= threshold {
        to_end = mean / 2.0;
    }
    let factor = (sampled + to_start + to_end) / sampled;
    if growth.per_second { factor / (range_ms as f64 / 1000.0) } else { factor }
}

/// Growth per second between the last two samples; the last value alone after a fall.
pub(super) fn irate(w: &Window<'_>) -> Option<f64> {
    let (before, last, ms) = last_two(w)?;
    let grown = if last < before { last } else { last - before };
    (ms != 0).then(|| grown / (ms as f64 / 1000.0))
}

/// Difference of the last two samples.
pub(super) fn idelta(w: &Window<'_>) -> Option<f64> {
    let (before, last, ms) = last_two(w)?;
    (ms != 0).then_some(last - before)
}

fn last_two(w: &Window<'_>) -> Option<(f64, f64, i64)> {
    let n = w.floats.len();
    (n >= 2).then(|| (w.floats[n - 2], w.floats[n - 1], w.times[n - 1] - w.times[n - 2]))
}

/// How often the value changed; NaN after NaN is no change.
pub(super) fn changes(w: &Windows<'_>, out: &mut [f64]) {
    count_pairs(w, |a, b| a != b && !(a.is_nan() && b.is_nan()), out);
}

/// How often the value fell.
pub(super) fn resets(w: &Windows<'_>, out: &mut [f64]) {
    count_pairs(w, |a, b| b < a, out);
}

/// Counts neighbours in each window by a running total over the series.
fn count_pairs(w: &Windows<'_>, hit: fn(f64, f64) -> bool, out: &mut [f64]) {
    let mut total = Vec::with_capacity(w.floats.len());
    let mut so_far = 0u64;
    for (i, v) in w.floats.iter().enumerate() {
        so_far += u64::from(i > 0 && hit(w.floats[i - 1], *v));
        total.push(so_far);
    }
    for (cut, slot) in w.cuts.iter().zip(out).filter(|(cut, _)| cut.lo < cut.hi) {
        *slot = (total[cut.hi - 1] - total[cut.lo]) as f64;
    }
}
