//! What an instant selector sees at each time: the newest sample within the lookback, or the line
//! between the samples around it (`smoothed`).

use std::sync::Arc;

use plimsoll_model::{Columns, Grid, ResetHint, is_stale};

use super::column::HistColumn;
use crate::annotations::HistNote;
use crate::hist::Hist;
use crate::kernels::{Tell, interpolated, without_stale};

/// What is wanted of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// The newest sample.
    Values,
    /// The time of the newest sample, in seconds.
    Times,
    /// The time of the newest sample if it is a number, else the histogram.
    FloatTimes,
    /// The value of the line between the samples around each time; behind the last sample its value,
    /// before the first nothing.
    Lines,
}

impl Pick {
    /// What is picked of a number that is the newest sample; nothing of a staleness marker.
    pub fn of(self, time: i64, float: f64) -> Option<f64> {
        match self {
            _ if is_stale(float) => None,
            Self::Values | Self::Lines => Some(float),
            Self::Times | Self::FloatTimes => Some(time as f64 / 1000.0),
        }
    }
}

/// The times at which samples are looked for, and how far back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub grid: Grid,
    pub lookback: i64,
}

impl Newest {
    /// Fills a column from numbers.
    pub fn floats(self, times: &[i64], floats: &[f64], pick: Pick, out: &mut [f64]) {
        match pick {
            Pick::Values => self.newest(times, floats, out, |j| floats[j]),
            Pick::Times | Pick::FloatTimes => {
                self.newest(times, floats, out, |j| times[j] as f64 / 1000.0)
            }
            Pick::Lines => self.lines(times, floats, out),
        }
    }

    /// The newest sample in (t − lookback, t] for each time, unless it is a staleness marker.
    fn newest(self, times: &[i64], floats: &[f64], out: &mut [f64], value: impl Fn(usize) -> f64) {
        let mut next = 0;
        for (i, slot) in out.iter_mut().enumerate() {
            let t = self.grid.at(i);
            while next < times.len() && times[next] <= t {
                next += 1;
            }
            let oldest = t.saturating_sub(self.lookback);
            if next > 0 && times[next - 1] > oldest && !is_stale(floats[next - 1]) {
                *slot = value(next - 1);
            }
        }
    }

    fn lines(self, times: &[i64], floats: &[f64], out: &mut [f64]) {
        let mut room = (Vec::new(), Vec::new());
        let (times, floats) = without_stale(times, floats, &mut room);
        for (i, slot) in out.iter_mut().enumerate() {
            let t = self.grid.at(i);
            let next = times.partition_point(|time| *time <= t);
            if next == 0 || times[next - 1] <= t.saturating_sub(self.lookback) {
                continue;
            }
            let before = floats[next - 1];
            let near = times.get(next).filter(|time| **time <= t.saturating_add(self.lookback));
            *slot = near.map_or(before, |time| {
                let share = (t - times[next - 1]) as f64 / (time - times[next - 1]) as f64;
                before + (floats[next] - before) * share
            });
        }
    }

    /// Fills a column from samples of which some are histograms; returns those that are seen.
    pub fn mixed(
        self,
        columns: &Columns<'_>,
        pick: Pick,
        stats: bool,
        values: &mut [f64],
        tell: Tell<'_>,
    ) -> HistColumn {
        if pick == Pick::Lines {
            return self.mixed_lines(columns, values, tell);
        }
        let mut reader = HistReader::new(stats);
        let mut out: HistColumn = Vec::new();
        let mut newest: Option<Arc<Hist>> = None;
        let mut next = 0;
        for (i, slot) in values.iter_mut().enumerate() {
            let t = self.grid.at(i);
            while next < columns.len() && columns.times[next] <= t {
                newest = columns.histogram(next).and_then(|h| reader.read(h));
                next += 1;
            }
            let Some(j) = next.checked_sub(1) else { continue };
            let stale = newest.is_none() && is_stale(columns.floats[j]);
            if stale || columns.times[j] <= t.saturating_sub(self.lookback) {
                continue;
            }
            match (pick, &newest) {
                (Pick::Times, _) | (Pick::FloatTimes, None) => {
                    *slot = columns.times[j] as f64 / 1000.0
                }
                (_, None) => *slot = columns.floats[j],
                (_, Some(h)) => {
                    out.resize(i, None);
                    out.push(Some(Arc::clone(h)));
                }
            }
        }
        if !out.is_empty() {
            out.resize(values.len(), None);
        }
        out
    }

    fn mixed_lines(self, columns: &Columns<'_>, values: &mut [f64], tell: Tell<'_>) -> HistColumn {
        let mut reader = HistReader::new(false);
        let (mut times, mut hists) = (Vec::new(), Vec::new());
        for (j, t) in columns.times.iter().enumerate() {
            if let Some(h) = columns.histogram(j).and_then(|h| reader.read(h)) {
                times.push(*t);
                hists.push(h);
            }
        }
        if columns.floats.iter().any(|v| !is_stale(*v)) {
            if hists.is_empty() {
                self.lines(columns.times, columns.floats, values);
            } else {
                tell(HistNote::MixedTypes);
            }
            return Vec::new();
        }
        let mut out: HistColumn = vec![None; values.len()];
        for (i, slot) in out.iter_mut().enumerate() {
            let t = self.grid.at(i);
            let next = times.partition_point(|time| *time <= t);
            if next == 0 || times[next - 1] <= t.saturating_sub(self.lookback) {
                continue;
            }
            let from = (times[next - 1], &*hists[next - 1]);
            let near = times.get(next).filter(|time| **time <= t.saturating_add(self.lookback));
            *slot = match near {
                None => Some(Arc::clone(&hists[next - 1])),
                Some(time) => {
                    let counter = hists[next].hint != ResetHint::Gauge;
                    interpolated(from, (*time, &hists[next]), t, counter, tell).map(Arc::new)
                }
            };
        }
        if out.iter().all(Option::is_none) { Vec::new() } else { out }
    }
}

/// Reads stored histograms one after the other. What a sender says of resets is not trusted, except that
/// a gauge has none: they are looked for in the counts, as Prometheus does. Where only count and sum are
/// looked at, buckets are left out, and what they tell of resets goes into the hint.
pub(super) struct HistReader {
    stats: bool,
    before: Option<Hist>,
}

impl HistReader {
    /// A reader for one series; `stats`: only count and sum are looked at.
    pub const fn new(stats: bool) -> Self {
        Self { stats, before: None }
    }

    /// The histogram, unless it is a staleness marker.
    pub fn read(&mut self, h: &plimsoll_model::Histogram) -> Option<Arc<Hist>> {
        if is_stale(h.sum) {
            return None;
        }
        let mut h = Hist::of(h);
        if h.hint != ResetHint::Gauge {
            h.hint = ResetHint::Unknown;
        }
        if !self.stats {
            return Some(Arc::new(h));
        }
        let hint = match &self.before {
            _ if h.hint == ResetHint::Gauge => ResetHint::Gauge,
            None => ResetHint::Unknown,
            Some(before) if h.is_reset_since(before) => ResetHint::Reset,
            Some(_) => ResetHint::NotReset,
        };
        let out = h.without_buckets().with_hint(hint);
        self.before = Some(h);
        Some(Arc::new(out))
    }
}
