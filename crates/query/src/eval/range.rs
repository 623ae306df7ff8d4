//! Range vectors: a selector or a subquery, cut into one window per time, and the function over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_model::{
    Grid, LabelScratch, Labels, MatrixSeries, Resolution, Scratch, Selection, TimeRange, is_stale,
};

use super::rolled::{self, Rolled};
use super::room::Room;
use super::select::{ReadRoom, Shift, chunk_of};
use super::told::Reading;
use super::{Eval, Series, is_absent, merge_same};
use crate::annotations::HistNote;
use crate::ast::{Expr, MatchOp, MatrixSelector, RangeModifier, Subquery};
use crate::engine::{QueryResult as Result, execution};
use crate::hist::Hist;
use crate::kernels::{
    Kernel, Windows, extended_functions, extended_kernel, minds_starts, without_stale,
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
    /// Told of each series that has numbers: its labels as they were read, and the numbers.
    pub notice: &'f (dyn Fn(&Labels, &[f64]) + Sync),
    /// Told of what histograms of a series do.
    pub tell: &'f (dyn Fn(&Labels, HistNote) + Sync),
    /// The metric name stays.
    pub keep_name: bool,
    /// The result depends on the evaluation time, not only on the window.
    pub timed: bool,
    /// Columns of the scalar arguments.
    pub args: &'f [Vec<f64>],
    /// `anchored` or `smoothed`.
    pub modifier: Option<RangeModifier>,
}

/// Where windows lie: their ends, their number and their length.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub ends: Grid,
    pub count: usize,
    pub range_ms: i64,
    pub grid: Grid,
    /// How far samples before the windows are looked at, ms.
    pub back_ms: i64,
    /// How far samples behind the windows are looked at, ms.
    pub ahead_ms: i64,
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
        let range = range.unwrap_paren();
        self.told(range.span(), sink, |sink| match range {
            Expr::Matrix(matrix) => self.over_selector(matrix, grid, function, sink),
            Expr::Subquery(subquery) => self.over_subquery(subquery, grid, function, sink),
            _ => Err(execution("a range vector is needed here")),
        })
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
        self.told_reading(matrix.vector.span, sink, |sink| {
            self.read_selected(matrix, grid, function, sink)
        })
    }

    fn read_selected(
        &self,
        matrix: &MatrixSelector,
        grid: Grid,
        function: &OverWindows<'_>,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<Reading> {
        let shift = self.shift(&matrix.vector.modifiers)?;
        let range_ms = self.positive_duration(&matrix.range)?;
        let one = !function.timed && function.args.is_empty();
        let mut layout = Layout::new(shift, range_ms, grid, one);
        let mut function = function;
        let (extended, kernel, run);
        if let Some(modifier) = matrix.vector.extended {
            kernel = extended_function(function.name, modifier)?;
            run = move |w: &Windows<'_>, out: &mut [f64]| kernel.run(w, out);
            extended = OverWindows { kernel: &run, modifier: Some(modifier), ..*function };
            function = &extended;
            layout.back_ms = self.config.lookback_ms;
            if modifier == RangeModifier::Smoothed {
                layout.ahead_ms = self.config.lookback_ms;
            }
        }
        let starts = self.config.features.start_timestamps
            && matrix.vector.extended.is_none()
            && minds_starts(function.name);
        let stats = self.needs_only_stats(matrix.vector.span);
        let mut reads = layout.reads();
        if stats {
            // The sample before tells whether the first of a window was reset.
            reads.start = reads.start.saturating_sub(self.config.lookback_ms);
        }
        let rolled = if matrix.vector.extended.is_none() && !starts {
            Rolled::plan(function.name, layout, self.snapshot)
        } else {
            None
        };
        let selection = self.select_at(
            &matrix.vector,
            reads,
            grid.step,
            rolled.map_or(Resolution::Auto, |r| Resolution::Tier(r.tier)),
        )?;
        let by_tier = AtomicUsize::new(0);
        let one = |i: usize, room: &mut ReadRoom| {
            let from_tier = rolled.map(|r| r.values(&*selection, i, room, self.cx)).transpose()?;
            let found = match from_tier.flatten() {
                Some(values) => {
                    by_tier.fetch_add(1, Ordering::Relaxed);
                    values.map(|values| (values, Vec::new()))
                }
                None => {
                    let columns = selection.read(i, reads, &mut room.scratch, self.cx)?;
                    let starts =
                        starts && columns.starts.is_some_and(|s| s.iter().any(|s| *s != 0));
                    if columns.histograms.is_some() || starts {
                        let labels = selection.shared_labels(i, &mut room.labels);
                        let how = (stats, starts);
                        room.windows.run_columns(&columns, how, layout, function, &labels)
                    } else {
                        let (times, floats) = (columns.times, columns.floats);
                        let values = room.windows.run(times, floats, layout, function);
                        values.map(|values| (values, Vec::new()))
                    }
                }
            };
            let Some((values, histograms)) = found else { return Ok(None) };
            let labels = selection.shared_labels(i, &mut room.labels);
            notice(function, &labels, &values, &histograms);
            let mut series = Series { histograms, ..Series::new(labels, values) };
            if !function.keep_name {
                self.drop_name(&mut series);
            }
            Ok(Some(series))
        };
        let chunk = chunk_of(grid, reads);
        self.each_series(selection.len(), (grid, chunk), one, sink)?;
        let tier = rolled.map(|r| r.tier);
        let why = self.if_told(|| match matrix.vector.extended {
            Some(modifier) => format!("{} needs the samples around each end", modifier.text()),
            None if starts => "start timestamps of samples count".to_owned(),
            None => rolled::why(function.name, layout, self.snapshot, tier),
        });
        let by_tier = by_tier.into_inner();
        Ok(Reading { range: reads, series: selection.len(), tier, by_tier, why })
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
            let found = room.run_series(&inner.times, &s, layout, function);
            let Some((values, histograms)) = found else { continue };
            notice(function, &s.labels, &values, &histograms);
            let mut series = Series { values, histograms, ..s };
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
        let range = range.unwrap_paren();
        self.told_whole(range.span(), || self.whole_range(range, at))
    }

    fn whole_range(&self, range: &Expr, at: i64) -> Result<Vec<MatrixSeries>> {
        let mut out = Vec::new();
        let grid = Grid::instant(at);
        match range {
            Expr::Matrix(matrix) => {
                let range_ms = self.positive_duration(&matrix.range)?;
                let shift = self.shift(&matrix.vector.modifiers)?;
                let reads = Layout::new(shift, range_ms, grid, true).reads();
                let selection = self.select(&matrix.vector, reads, 0)?;
                let why = self.if_told(|| "the samples themselves are asked for".to_owned());
                let series = selection.len();
                self.told_reading(matrix.vector.span, &mut |_| Ok(()), |_| {
                    self.samples_of(&*selection, reads, &mut out)?;
                    Ok(Reading { range: reads, series, tier: None, by_tier: 0, why })
                })?;
            }
            Expr::Subquery(subquery) => {
                let range_ms = self.positive_duration(&subquery.range)?;
                let shift = self.shift(&subquery.modifiers)?;
                let inner =
                    self.inner_series(subquery, Layout::new(shift, range_ms, grid, true))?;
                for s in inner.series {
                    let labels =
                        if s.drop_name { super::without_metadata(&s.labels) } else { s.labels };
                    let mut series = present(labels, &inner.times, &s.values);
                    let at = inner.times.iter().zip(&s.histograms);
                    let found = at.filter_map(|(t, h)| h.as_ref().map(|h| (*t, h.to_model())));
                    series.histograms = found.map(|(t, h)| (t, Arc::new(h))).collect();
                    out.push(series);
                }
            }
            _ => return Err(execution("a range vector is needed here")),
        }
        out.retain(|s| !s.is_empty());
        out.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(out)
    }

    /// All samples of a selection, staleness markers left out.
    fn samples_of(
        &self,
        selection: &dyn Selection,
        reads: TimeRange,
        out: &mut Vec<MatrixSeries>,
    ) -> Result<()> {
        let (mut scratch, mut labels) = (Scratch::new(), LabelScratch::default());
        for i in 0..selection.len() {
            self.cx.cancel.check()?;
            let columns = selection.read(i, reads, &mut scratch, self.cx)?;
            self.cx.budget.take(16 * columns.len() as u64)?;
            self.tell_bytes();
            let labels = selection.shared_labels(i, &mut labels);
            let mut series = present(labels, columns.times, columns.floats);
            let at = columns.times.iter().zip(columns.histograms.unwrap_or_default());
            let found = at.filter_map(|(t, h)| h.as_ref().map(|h| (*t, Arc::clone(h))));
            series.histograms = found.filter(|(_, h)| !is_stale(h.sum)).collect();
            out.push(series);
        }
        Ok(())
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

/// Tells of a series with numbers; a series of histograms alone is not told of.
fn notice(
    function: &OverWindows<'_>,
    labels: &Labels,
    values: &[f64],
    histograms: &[Option<Arc<Hist>>],
) {
    if histograms.is_empty() || values.iter().any(|v| !is_absent(*v)) {
        (function.notice)(labels, values);
    }
}

fn present(labels: Labels, times: &[i64], floats: &[f64]) -> MatrixSeries {
    let mut room = (Vec::new(), Vec::new());
    let (times, floats) = without_stale(times, floats, &mut room);
    MatrixSeries::new(labels, times.to_vec(), floats.to_vec())
}

/// Whether all series of the selector have the same metric name, so that dropping it makes no two
/// series equal.
pub(super) fn names_one_metric(matrix: &MatrixSelector) -> bool {
    let name = plimsoll_model::METRIC_NAME;
    matrix.vector.matchers.iter().any(|m| m.op == MatchOp::Equal && m.name == name)
}
