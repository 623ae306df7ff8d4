//! Room for the samples of one series after the other, and the windows that are cut out of them.

use std::sync::Arc;

use plimsoll_model::{Columns, Grid, Labels, is_stale};

use super::column::HistColumn;
use super::newest::HistReader;
use super::range::{Layout, OverWindows};
use super::{ABSENT, Series, is_absent};
use crate::annotations::HistNote;
use crate::hist::Hist;
use crate::kernels::{
    Column, Cut, MixedWindow, Point, Windows, cut_windows, minds_resets, mixed_kernel,
    without_stale,
};

/// Room that is used for one series after the other.
#[derive(Default)]
pub(super) struct Room {
    cuts: Vec<Cut>,
    samples: (Vec<i64>, Vec<f64>),
    floats: Kind<f64>,
    hists: Kind<Arc<Hist>>,
}

/// Samples of one kind with their windows.
struct Kind<T> {
    times: Vec<i64>,
    values: Vec<T>,
    starts: Vec<i64>,
    fell: Vec<bool>,
    cuts: Vec<Cut>,
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self {
            times: Vec::new(),
            values: Vec::new(),
            starts: Vec::new(),
            fell: Vec::new(),
            cuts: Vec::new(),
        }
    }
}

impl<T> Kind<T> {
    fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
        self.fell.clear();
    }

    fn push(&mut self, time: i64, value: T, start: Option<i64>) {
        self.times.push(time);
        self.values.push(value);
        self.starts.extend(start);
    }

    fn window(&self, i: usize) -> Column<'_, T> {
        let Cut { lo, hi, .. } = self.cuts[i];
        let Self { times, values, starts, fell, .. } = self;
        Column { times, values, starts, fell }.slice(lo..hi.max(lo))
    }
}

impl Room {
    /// The values of a series of numbers; `None` when there is none at any time.
    pub fn run(
        &mut self,
        times: &[i64],
        floats: &[f64],
        layout: Layout,
        function: &OverWindows<'_>,
    ) -> Option<Vec<f64>> {
        let (times, floats) = without_stale(times, floats, &mut self.samples);
        if times.is_empty() {
            return None;
        }
        cut(times, layout, &mut self.cuts);
        let mut values = floats_only((times, floats), &self.cuts, layout, function);
        if values.iter().all(|v| is_absent(*v)) {
            return None;
        }
        values.resize(layout.grid.len(), values[layout.count - 1]);
        Some(values)
    }

    /// The values of a series of which some samples are histograms, or have start times that count.
    pub fn run_columns(
        &mut self,
        columns: &Columns<'_>,
        (stats, starts): (bool, bool),
        layout: Layout,
        function: &OverWindows<'_>,
        labels: &Labels,
    ) -> Option<(Vec<f64>, HistColumn)> {
        self.floats.clear();
        self.hists.clear();
        let mut reader = HistReader::new(stats);
        let first = layout.reads().start;
        for (j, t) in columns.times.iter().enumerate() {
            let start = starts.then(|| columns.start(j));
            if let Some(h) = columns.histogram(j) {
                if let Some(h) = reader.read(h).filter(|_| *t >= first) {
                    self.hists.push(*t, h, start);
                }
            } else if *t >= first && !is_stale(columns.floats[j]) {
                self.floats.push(*t, columns.floats[j], start);
            }
        }
        self.run_mixed(layout, function, labels)
    }

    /// The values over a series of an inner expression.
    pub fn run_series(
        &mut self,
        times: &[i64],
        series: &Series,
        layout: Layout,
        function: &OverWindows<'_>,
    ) -> Option<(Vec<f64>, HistColumn)> {
        if series.histograms.is_empty() {
            let values = self.run(times, &series.values, layout, function)?;
            return Some((values, Vec::new()));
        }
        self.floats.clear();
        self.hists.clear();
        for (i, t) in times.iter().enumerate() {
            if let Some(h) = series.histogram(i) {
                self.hists.push(*t, Arc::clone(h), None);
            } else if !is_absent(series.values[i]) {
                self.floats.push(*t, series.values[i], None);
            }
        }
        self.run_mixed(layout, function, &series.labels)
    }

    fn run_mixed(
        &mut self,
        layout: Layout,
        function: &OverWindows<'_>,
        labels: &Labels,
    ) -> Option<(Vec<f64>, HistColumn)> {
        let Self { floats, hists, .. } = self;
        cut(&floats.times, layout, &mut floats.cuts);
        cut(&hists.times, layout, &mut hists.cuts);
        if minds_resets(function.name) {
            // Neighbours are compared once, not in each window that holds them.
            let pairs = hists.values.windows(2).map(|pair| pair[1].is_reset_since(&pair[0]));
            hists.fell.extend([false].into_iter().chain(pairs).take(hists.values.len()));
        }
        let mut values =
            floats_only((&floats.times, &floats.values), &floats.cuts, layout, function);
        let mut out: HistColumn = Vec::new();
        let kernel = mixed_kernel(function.name, function.modifier);
        for (i, slot) in values.iter_mut().enumerate() {
            let end = layout.ends.at(i);
            let start = end.saturating_sub(layout.range_ms);
            let window =
                MixedWindow { floats: floats.window(i), hists: hists.window(i), start, end };
            let plain = window.floats.starts.is_empty();
            if window.hists.is_empty() && (plain || window.floats.is_empty()) {
                continue;
            }
            let Some(kernel) = kernel else {
                if !window.hists.is_empty() && !window.floats.is_empty() {
                    (function.tell)(labels, HistNote::Ignored);
                }
                continue;
            };
            *slot = ABSENT;
            match kernel(&window, &mut |note| (function.tell)(labels, note)) {
                None => {}
                Some(Point::Float(v)) => *slot = v,
                Some(Point::Histogram(h)) => {
                    out.resize(i, None);
                    out.push(Some(h));
                }
            }
        }
        if out.is_empty() && values.iter().all(|v| is_absent(*v)) {
            return None;
        }
        let (count, len) = (layout.count, layout.grid.len());
        values.resize(len, values[count - 1]);
        if !out.is_empty() {
            out.resize(count, None);
            out.resize(len, out[count - 1].clone());
        }
        Some((values, out))
    }
}

fn cut(times: &[i64], layout: Layout, cuts: &mut Vec<Cut>) {
    let Layout { ends, count, range_ms, back_ms, ahead_ms, .. } = layout;
    let far = Grid { start: ends.start.saturating_add(ahead_ms), ..ends };
    cut_windows(times, far, count, range_ms + back_ms + ahead_ms, cuts);
    cuts.iter_mut().for_each(|cut| cut.end -= ahead_ms);
}

fn floats_only(
    (times, floats): (&[i64], &[f64]),
    cuts: &[Cut],
    layout: Layout,
    function: &OverWindows<'_>,
) -> Vec<f64> {
    let Layout { count, range_ms, grid, .. } = layout;
    let windows = Windows { times, floats, cuts, range_ms, grid, args: function.args };
    let mut values = vec![ABSENT; count];
    if !times.is_empty() {
        (function.kernel)(&windows, &mut values);
    }
    values
}
