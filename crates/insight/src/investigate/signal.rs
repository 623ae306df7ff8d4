//! A series on an even grid: gauges as means, counters as rates, histograms as mean and rate.
//!
//! A cell covers `(start + i * step, start + (i + 1) * step]`. Where nothing was written for less than
//! [`CARRY_MS`] the value before goes on (a rate covers the time between its two samples); longer gaps,
//! staleness markers and values that are not finite are NaN. A counter that falls was reset: what it
//! counted before that sample is not known, so the pair counts the new value.

use plimsoll_model::{Columns, Counts, MINUTE_MS, MetricKind, TimeRange, Timestamp, is_stale};

/// How long a value goes on without a new sample, ms: PromQL's lookback.
pub(crate) const CARRY_MS: i64 = 5 * MINUTE_MS;

/// An even grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Where the first cell begins (exclusive), ms.
    pub start: Timestamp,
    /// Width of a cell, ms; above 0.
    pub step: i64,
    /// Number of cells.
    pub len: usize,
}

impl Frame {
    /// The grid of `step` that ends at `to` and begins at `from` or up to a step before it.
    pub fn covering(from: Timestamp, to: Timestamp, step: i64) -> Self {
        let len =
            to.saturating_sub(from).max(0).unsigned_abs().div_ceil(step.max(1).unsigned_abs());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Self { start: to - step * len as i64, step, len }
    }

    /// The time at which a cell ends.
    pub fn at(self, i: usize) -> Timestamp {
        self.start + self.step * (i as i64 + 1)
    }

    /// The cell of a time, clamped to the grid.
    pub fn cell(self, at: Timestamp) -> usize {
        let i = at.saturating_sub(self.start).saturating_sub(1).div_euclid(self.step);
        usize::try_from(i).unwrap_or(0).min(self.len.saturating_sub(1))
    }

    /// What has to be read for it.
    pub fn range(self) -> TimeRange {
        TimeRange::new(self.start - CARRY_MS, self.start + self.step * self.len as i64)
    }

    /// The same grid `ms` earlier.
    pub fn earlier(self, ms: i64) -> Self {
        Self { start: self.start - ms, ..self }
    }
}

/// How a series is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// Its values.
    Value,
    /// Its increase per second.
    Rate,
    /// Mean of what a histogram or summary observed: increase of the sum over that of the count.
    Mean,
}

impl Reading {
    /// How a metric of this name and type is read.
    pub(crate) fn of(name: &str, kind: Option<MetricKind>) -> Self {
        match kind {
            Some(MetricKind::Counter) => Self::Rate,
            Some(MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet) => Self::Value,
            _ if name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_sum") => {
                Self::Rate
            }
            _ => Self::Value,
        }
    }
}

/// The values of a gauge in each cell; NaN where there is none.
pub(crate) fn values(columns: &Columns<'_>, frame: Frame, out: &mut Vec<f64>) {
    out.clear();
    out.resize(frame.len, f64::NAN);
    let samples = columns.times.iter().copied().zip(columns.floats.iter().copied());
    let (mut cell, mut sum, mut n) = (0, 0.0, 0u32);
    let mut last: Option<(Timestamp, f64)> = None;
    for (at, value) in samples {
        let i = (at - frame.start - 1).div_euclid(frame.step);
        let ends = is_stale(value) || !value.is_finite();
        if i < 0 {
            last = (!ends).then_some((at, value));
            continue;
        }
        let i = i as usize;
        if i >= frame.len {
            break;
        }
        if i > cell {
            fill(frame, out, cell, i, (sum, n), last);
            (cell, sum, n) = (i, 0.0, 0);
        }
        if ends {
            last = None;
        } else {
            sum += value;
            n += 1;
            last = Some((at, value));
        }
    }
    fill(frame, out, cell, frame.len, (sum, n), last);
}

/// Writes the mean of a cell, and what went on until cell `to`.
fn fill(
    frame: Frame,
    out: &mut [f64],
    cell: usize,
    to: usize,
    (sum, n): (f64, u32),
    last: Option<(Timestamp, f64)>,
) {
    let mut from = cell;
    if n > 0 {
        out[cell] = sum / f64::from(n);
        from += 1;
    }
    if let Some((at, value)) = last {
        for (i, slot) in out.iter_mut().enumerate().take(to).skip(from) {
            if frame.at(i) - at > CARRY_MS {
                break;
            }
            *slot = value;
        }
    }
}

/// Increase per second of a counter in each cell; NaN where it is not known.
pub(crate) fn rates(times: &[Timestamp], floats: &[f64], frame: Frame, out: &mut Vec<f64>) {
    out.clear();
    out.resize(frame.len, 0.0);
    let mut covered = vec![0i64; frame.len];
    let mut last: Option<(Timestamp, f64)> = None;
    for (&at, &value) in times.iter().zip(floats) {
        if is_stale(value) || !value.is_finite() {
            last = None;
            continue;
        }
        if let Some((before, counted)) = last
            && at > before
            && at - before <= CARRY_MS
        {
            let increase = if value >= counted { value - counted } else { value.max(0.0) };
            spread(frame, (before, at), increase, out, &mut covered);
        }
        last = Some((at, value));
    }
    for (slot, covered) in out.iter_mut().zip(covered) {
        *slot = if covered > 0 { *slot / (covered as f64 / 1e3) } else { f64::NAN };
    }
}

/// Gives each cell its part of an increase between two times.
fn spread(
    frame: Frame,
    (from, to): (Timestamp, Timestamp),
    increase: f64,
    out: &mut [f64],
    covered: &mut [i64],
) {
    let first = (from - frame.start).div_euclid(frame.step).max(0);
    let last = (to - frame.start - 1).div_euclid(frame.step).min(frame.len as i64 - 1);
    for i in first..=last {
        let (begin, end) = (frame.start + i * frame.step, frame.start + (i + 1) * frame.step);
        let part = to.min(end) - from.max(begin);
        if part > 0 {
            out[i as usize] += increase * part as f64 / (to - from) as f64;
            covered[i as usize] += part;
        }
    }
}

/// Mean of what was observed in each cell: rate of the sum over rate of the count; NaN where nothing was.
pub(crate) fn means(sums: &[f64], counts: &[f64], out: &mut Vec<f64>) {
    out.clear();
    out.extend(sums.iter().zip(counts).map(|(s, c)| if *c > 0.0 { s / c } else { f64::NAN }));
}

/// Count and sum of native histograms as counters.
pub(crate) fn of_histograms(columns: &Columns<'_>) -> (Vec<Timestamp>, Vec<f64>, Vec<f64>) {
    let mut out = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..columns.len() {
        if let Some(histogram) = columns.histogram(i) {
            out.0.push(columns.times[i]);
            out.1.push(match histogram.counts {
                Counts::Integer { count, .. } => count as f64,
                Counts::Float { count, .. } => count,
            });
            out.2.push(histogram.sum);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::stale_nan;

    const FRAME: Frame = Frame { start: 0, step: 10_000, len: 6 };

    fn gauge(times: &[i64], floats: &[f64], frame: Frame) -> Vec<f64> {
        let mut out = Vec::new();
        values(&Columns::plain(times, floats), frame, &mut out);
        out
    }

    #[test]
    fn cells_have_means_and_short_gaps_go_on() {
        let got = gauge(&[5_000, 10_000, 31_000], &[1.0, 3.0, 7.0], FRAME);
        assert_eq!(got, [2.0, 3.0, 3.0, 7.0, 7.0, 7.0]);
        let got = gauge(&[-1_000, 25_000, 26_000], &[4.0, 5.0, stale_nan()], FRAME);
        assert_eq!(got[..3], [4.0, 4.0, 5.0]);
        assert!(got[3..].iter().all(|v| v.is_nan()), "{got:?}");
        let wide = Frame { start: 0, step: 200_000, len: 4 };
        let got = gauge(&[1], &[9.0], wide);
        assert_eq!(got[0], 9.0);
        assert!(got[2].is_nan(), "a long gap is a gap: {got:?}");
        assert!(gauge(&[], &[], FRAME).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn counters_are_rates_whatever_their_interval_and_their_resets() {
        let mut out = Vec::new();
        rates(&[0, 10_000, 20_000, 60_000], &[0.0, 10.0, 30.0, 70.0], FRAME, &mut out);
        assert_eq!(out, [1.0, 2.0, 1.0, 1.0, 1.0, 1.0]);
        rates(&[0, 10_000, 20_000], &[100.0, 110.0, 5.0], FRAME, &mut out);
        assert_eq!(out[..2], [1.0, 0.5]);
        assert!(out[2].is_nan());
        rates(&[0, 10_000], &[f64::NAN, 4.0], FRAME, &mut out);
        assert!(out.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_grid_covers_what_it_shall() {
        let frame = Frame::covering(1_000, 61_000, 10_000);
        assert_eq!((frame.start, frame.len, frame.at(5)), (1_000, 6, 61_000));
        assert_eq!((frame.cell(1_001), frame.cell(11_000), frame.cell(11_001)), (0, 0, 1));
        assert_eq!((frame.cell(i64::MIN), frame.cell(i64::MAX)), (0, 5));
        assert_eq!(Frame::covering(5, 5, 10).len, 0);
    }
}
