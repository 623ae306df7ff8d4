//! Growth: rates and differences, extrapolated as Prometheus 3 does, and counts of changes.

use super::{Cut, Window, Windows};

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
    let later = floats.get(1..).unwrap_or_default();
    // Most counters never fall, which is seen without a branch per sample.
    let falls = later.iter().zip(floats).fold(false, |fell, (now, before)| fell | (now < before));
    if !falls {
        return Vec::new();
    }
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
    let (first_time, last_time, samples) = span;
    let span = Span {
        to_start: (first_time - (end - range_ms)) as f64,
        sampled: (last_time - first_time) as f64,
        to_end: (end - last_time) as f64,
        gaps: (samples - 1) as f64,
        first,
        grown,
    };
    span.growth(range_ms as f64 / 1000.0, Growth { counter: true, per_second })
}

/// Windows that are computed together, without a branch between them.
const LANES: usize = 8;

/// What is known of so many windows: one number of each in each column.
#[derive(Default)]
struct Spans {
    /// From the start of the window to the first sample, ms.
    to_start: [f64; LANES],
    /// From the first sample to the last, ms.
    sampled: [f64; LANES],
    /// From the last sample to the end of the window, ms.
    to_end: [f64; LANES],
    /// Samples but one.
    gaps: [f64; LANES],
    /// Value of the first sample.
    first: [f64; LANES],
    /// Growth between first and last sample.
    grown: [f64; LANES],
}

impl Spans {
    fn set(
        &mut self,
        i: usize,
        (first_time, last_time, samples): (i64, i64, usize),
        first: f64,
        grown: f64,
        (start, end): (i64, i64),
    ) {
        self.to_start[i] = (first_time - start) as f64;
        self.sampled[i] = (last_time - first_time) as f64;
        self.to_end[i] = (end - last_time) as f64;
        self.gaps[i] = (samples - 1) as f64;
        self.first[i] = first;
        self.grown[i] = grown;
    }

    fn growth(&self, range_ms: i64, growth: Growth) -> [f64; LANES] {
        let mut out = [0.0; LANES];
        let range = range_ms as f64 / 1000.0;
        for (i, slot) in out.iter_mut().enumerate() {
            let span = Span {
                to_start: self.to_start[i],
                sampled: self.sampled[i],
                to_end: self.to_end[i],
                gaps: self.gaps[i],
                first: self.first[i],
                grown: self.grown[i],
            };
            *slot = span.growth(range, growth);
        }
        out
    }
}

/// One of them.
struct Span {
    to_start: f64,
    sampled: f64,
    to_end: f64,
    gaps: f64,
    first: f64,
    grown: f64,
}

impl Span {
    /// The growth between the first and the last sample scaled to the whole window of `range` seconds:
    /// up to each end of it if the end is nearer than 1.1 mean distances of samples, else by half a
    /// distance; for counters not before the time at which the line would have been zero.
    #[inline(always)]
    fn growth(&self, range: f64, growth: Growth) -> f64 {
        let Self { first, grown, gaps, .. } = *self;
        let to_start = self.to_start / 1000.0;
        let to_end = self.to_end / 1000.0;
        let sampled = self.sampled / 1000.0;
        let mean = sampled / gaps;
        let threshold = mean * 1.1;
        let to_start = if to_start >= threshold { mean / 2.0 } else { to_start };
        let to_end = if to_end >= threshold { mean / 2.0 } else { to_end };
        let to_zero = sampled * (first / grown);
        let stops = growth.counter & (grown > 0.0) & (first >= 0.0) & (to_zero < to_start);
        let to_start = if stops { to_zero } else { to_start };
        let factor = (sampled + to_start + to_end) / sampled;
        grown * if growth.per_second { factor / range } else { factor }
    }
}

fn extrapolated(w: &Windows<'_>, growth: Growth, out: &mut [f64]) {
    let falls = if growth.counter { falls(w.floats) } else { Vec::new() };
    let (mut first_fall, mut spans) = (0, Spans::default());
    for (cuts, slots) in w.cuts.chunks(LANES).zip(out.chunks_mut(LANES)) {
        for (i, cut) in cuts.iter().enumerate().filter(|(_, cut)| has_growth(cut)) {
            let (lo, last) = (cut.lo, cut.hi - 1);
            let mut grown = w.floats[last] - w.floats[lo];
            while first_fall < falls.len() && falls[first_fall] <= lo {
                first_fall += 1;
            }
            for &at in falls[first_fall..].iter().take_while(|at| **at <= last) {
                grown += w.floats[at - 1];
            }
            let span = (w.times[lo], w.times[last], cut.hi - lo);
            spans.set(i, span, w.floats[lo], grown, (cut.end - w.range_ms, cut.end));
        }
        let grown = spans.growth(w.range_ms, growth);
        for ((cut, slot), grown) in cuts.iter().zip(slots).zip(grown) {
            if has_growth(cut) {
                *slot = grown;
            }
        }
    }
}

/// Whether a window has the two samples that a growth takes.
const fn has_growth(cut: &Cut) -> bool {
    cut.hi >= cut.lo + 2
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
