//! Range vectors: a selector or a subquery, cut into one window per time, and the function over it.

use std::collections::HashSet;

use plimsoll_model::{Grid, LabelScratch, Labels, MatrixSeries, Resolution, Scratch, TimeRange};

use super::rolled::Rolled;
use super::select::{ReadRoom, Shift};
use super::{ABSENT, Eval, Series, is_absent, merge_same};
use crate::ast::{Expr, MatchOp, MatrixSelector, RangeModifier, Subquery};
use crate::engine::{QueryResult as Result, execution};
use crate::kernels::{
    Cut, Kernel, Windows, cut_windows, extended_functions, extended_kernel, without_stale,
};

/// Most evaluation times of a subquery.
const SUBQUERY_POINTS_MAX: usize = 10_000_000;

/// A range function over windows.
#[derive(Clone, Copy)]
pub(super) struct OverWindows<'f> {
    /// The function.
    pub name: &'f str,
    /// Fills one slot per window.
    pub kernel: &'f (dyn Fn(&Windows<'_>, &mut [f64]) + Sync),
    /// Told of each series that has values: its labels as they were read, and the values.
    pub notice: &'f (dyn Fn(&Labels, &[f64]) + Sync),
    /// The metric name stays.
    pub keep_name: bool,
    /// The result depends on the evaluation time, not only on the window.
    pub timed: bool,
    /// Columns of the scalar arguments.
    pub args: &'f [Vec<f64>],
}

/// Where windows lie: their ends, their number and their length.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub ends: Grid,
    pub count: usize,
    pub range_ms: i64,
    pub grid: Grid,
    /// How far samples before the windows are looked at, ms.
    back_ms: i64,
    /// How far samples behind the windows are looked at, ms.
    ahead_ms: i64,
}

impl Layout {
    fn new(shift: Shift, range_ms: i64, grid: Grid, one: bool) -> Self {
        let (start, end) = shift.ends(grid);
        let step = if shift.at.is_some() { 0 } else { grid.step };
        let count = if one && shift.at.is_some() { 1 } else { grid.len() };
        let ends = Grid { start, end, step };
        Self { ends, count, range_ms, grid, back_ms: 0, ahead_ms: 0 }
    }

    #[cfg(test)]
    pub fn for_tests(ends: Grid, count: usize, range_ms: i64) -> Self {
        Self { ends, count, range_ms, grid: ends, back_ms: 0, ahead_ms: 0 }
    }

    /// What has to be read for all windows.
    pub fn reads(self) -> TimeRange {
        let back = self.range_ms.saturating_add(self.back_ms);
        let start = self.ends.start.saturating_sub(back).saturating_add(1);
        TimeRange::new(start, self.ends.end.saturating_add(self.ahead_ms))
    }
}

impl Eval<'_> {
    /// The result of a range function, series by series.
    pub(super) fn over_windows(
        &self,
        range: &Expr,
        grid: Grid,
        function: &OverWindows<'_>,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match range.unwrap_paren() {
            Expr::Matrix(matrix) => self.over_selector(matrix, grid, function, sink),
            Expr::Subquery(subquery) => self.over_subquery(subquery, grid, function, sink),
            _ => Err(execution("a range vector is needed here")),
        }
    }

    fn over_selector(
        &self,
        matrix: &MatrixSelector,
        grid: Grid,
        function: &OverWindows<'_>,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        if !function.keep_name && !self.delayed() && !names_one_metric(matrix) {
            let all =
                self.collect(grid, |sink| self.each_selected(matrix, grid, function, sink))?;
            let merged = merge_same(all)?;
            self.free(&merged);
            return merged.into_iter().try_for_each(sink);
        }
        self.each_selected(matrix, grid, function, sink)
    }

    fn each_selected(
        &self,
        matrix: &MatrixSelector,
        grid: Grid,
        function: &OverWindows<'_>,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        let shift = self.shift(&matrix.vector.modifiers)?;
        let range_ms = self.positive_duration(&matrix.range)?;
        let one = !function.timed && function.args.is_empty();
        let mut layout = Layout::new(shift, range_ms, grid, one);
        let mut function = function;
        let (extended, kernel, run);
        if let Some(modifier) = matrix.vector.extended {
            kernel = extended_function(function.name, modifier)?;
            run = move |w: &Windows<'_>, out: &mut [f64]| kernel.run(w, out);
            extended = OverWindows { kernel: &run, ..*function };
            function = &extended;
            layout.back_ms = self.config.lookback_ms;
            if modifier == RangeModifier::Smoothed {
                layout.ahead_ms = self.config.lookback_ms;
            }
        }
        let rolled = if matrix.vector.extended.is_none() {
            Rolled::plan(function.name, layout, self.snapshot)
        } else {
            None
        };
        let selection = self.select_at(
            &matrix.vector,
            layout.reads(),
            grid.step,
            rolled.map_or(Resolution::Auto, |r| Resolution::Tier(r.tier)),
        )?;
        let one = |i: usize, room: &mut ReadRoom| {
            let from_tier = rolled.map(|r| r.values(&*selection, i, room, self.cx)).transpose()?;
            let values = match from_tier.flatten() {
                Some(values) => values,
                None => {
                    let columns = selection.read(i, layout.reads(), &mut room.scratch, self.cx)?;
                    room.windows.run(columns.times, columns.floats, layout, function)
                }
            };
            let Some(values) = values else { return Ok(None) };
            let labels = selection.labels(i, &mut room.labels).to_labels();
            (function.notice)(&labels, &values);
            let mut series = Series::new(labels, values);
            if !function.keep_name {
                self.drop_name(&mut series);
            }
            Ok(Some(series))
        };
        self.each_series(selection.len(), grid, one, sink)
    }

    fn over_subquery(
        &self,
        subquery: &Subquery,
        grid: Grid,
        function: &OverWindows<'_>,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        let shift = self.shift(&subquery.modifiers)?;
        let range_ms = self.positive_duration(&subquery.range)?;
        let one = !function.timed && function.args.is_empty();
        let layout = Layout::new(shift, range_ms, grid, one);
        let inner = self.inner_series(subquery, layout)?;
        let mut room = Room::default();
        let mut out = Vec::new();
        self.free(&inner.series);
        for s in inner.series {
            self.cx.cancel.check()?;
            let Some(values) = room.run(&inner.times, &s.values, layout, function) else {
                continue;
            };
            (function.notice)(&s.labels, &values);
            let mut series = Series { values, ..s };
            if !function.keep_name {
                self.drop_name(&mut series);
            }
            out.push(series);
        }
        merge_same(out)?.into_iter().try_for_each(sink)
    }

    /// The inner expression of a subquery at all times that the windows need.
    fn inner_series(&self, subquery: &Subquery, layout: Layout) -> Result<Inner> {
        let inner = self.inner_grid(subquery, layout)?;
        if inner.is_empty() {
            return Ok(Inner { times: Vec::new(), series: Vec::new() });
        }
        if inner.len() > SUBQUERY_POINTS_MAX {
            return Err(execution(format!(
                "a subquery has {} points per series, more than {SUBQUERY_POINTS_MAX}; shorten its \
                 range or widen its step",
                inner.len()
            )));
        }
        self.cx.budget.count_samples(inner.len() as u64)?;
        let series = self.vector(&subquery.expr, inner)?;
        Ok(Inner { times: (0..inner.len()).map(|i| inner.at(i)).collect(), series })
    }

    /// The multiples of the step since the epoch that lie in any of the windows.
    fn inner_grid(&self, subquery: &Subquery, layout: Layout) -> Result<Grid> {
        let step = match &subquery.step {
            Some(step) => self.positive_duration(step)?,
            None => self.config.default_subquery_step_ms,
        };
        let before = layout.ends.start.saturating_sub(layout.range_ms);
        let start = before.div_euclid(step).saturating_add(1).saturating_mul(step);
        Ok(Grid { start, end: layout.ends.end, step })
    }

    /// The samples of a range vector that is the whole query.
    pub fn range_vector(&self, range: &Expr, at: i64) -> Result<Vec<MatrixSeries>> {
        let mut out = Vec::new();
        let grid = Grid::instant(at);
        match range.unwrap_paren() {
            Expr::Matrix(matrix) => {
                let range_ms = self.positive_duration(&matrix.range)?;
                let shift = self.shift(&matrix.vector.modifiers)?;
                let reads = Layout::new(shift, range_ms, grid, true).reads();
                let selection = self.select(&matrix.vector, reads, 0)?;
                let (mut scratch, mut labels) = (Scratch::new(), LabelScratch::default());
                for i in 0..selection.len() {
                    self.cx.cancel.check()?;
                    let columns = selection.read(i, reads, &mut scratch, self.cx)?;
                    self.cx.budget.take(16 * columns.len() as u64)?;
                    let labels = selection.labels(i, &mut labels).to_labels();
                    out.extend(present(labels, columns.times, columns.floats));
                }
            }
            Expr::Subquery(subquery) => {
                let range_ms = self.positive_duration(&subquery.range)?;
                let shift = self.shift(&subquery.modifiers)?;
                let inner =
                    self.inner_series(subquery, Layout::new(shift, range_ms, grid, true))?;
                for s in inner.series {
                    let labels =
                        if s.drop_name { super::without_metadata(&s.labels) } else { s.labels };
                    out.extend(present(labels, &inner.times, &s.values));
                }
            }
            _ => return Err(execution("a range vector is needed here")),
        }
        out.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(out)
    }
}

fn extended_function(name: &str, modifier: RangeModifier) -> Result<Kernel> {
    extended_kernel(name, modifier).ok_or_else(|| {
        execution(format!(
            "{} modifier can only be used with: {} - not with {name}",
            modifier.text(),
            extended_functions(modifier)
        ))
    })
}

/// A subquery's inner expression over its grid.
struct Inner {
    times: Vec<i64>,
    series: Vec<Series>,
}

/// Room that is used for one series after the other.
#[derive(Default)]
pub(super) struct Room {
    cuts: Vec<Cut>,
    samples: (Vec<i64>, Vec<f64>),
}

impl Room {
    /// The values of one series; `None` when there is none at any time.
    fn run(
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
        let Layout { ends, count, range_ms, grid, back_ms, ahead_ms } = layout;
        let far = Grid { start: ends.start.saturating_add(ahead_ms), ..ends };
        cut_windows(times, far, count, range_ms + back_ms + ahead_ms, &mut self.cuts);
        self.cuts.iter_mut().for_each(|cut| cut.end -= ahead_ms);
        let windows =
            Windows { times, floats, cuts: &self.cuts, range_ms, grid, args: function.args };
        let mut values = vec![ABSENT; count];
        (function.kernel)(&windows, &mut values);
        if values.iter().all(|v| is_absent(*v)) {
            return None;
        }
        values.resize(grid.len(), values[count - 1]);
        Some(values)
    }
}

fn present(labels: Labels, times: &[i64], floats: &[f64]) -> Option<MatrixSeries> {
    let mut room = (Vec::new(), Vec::new());
    let (times, floats) = without_stale(times, floats, &mut room);
    (!times.is_empty()).then(|| MatrixSeries {
        labels,
        times: times.to_vec(),
        floats: floats.to_vec(),
    })
}

/// Whether all series of the selector have the same metric name, so that dropping it makes no two
/// series equal.
fn names_one_metric(matrix: &MatrixSelector) -> bool {
    let fixed: HashSet<&str> = matrix
        .vector
        .matchers
        .iter()
        .filter(|m| m.op == MatchOp::Equal)
        .map(|m| m.name.as_str())
        .collect();
    fixed.contains(plimsoll_model::METRIC_NAME)
}
