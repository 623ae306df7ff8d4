//! Selectors: which series, at which times, and the newest sample at each time of a grid.

use plimsoll_model::{Grid, Hint, Matcher, Scratch, Selection, TimeRange, is_stale};

use super::{ABSENT, Eval, Series, is_absent};
use crate::ast::{At, MatchOp, Modifiers, VectorSelector};
use crate::engine::{QueryResult as Result, execution};

/// Where `@` and `offset` move an evaluation time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// The time that replaces the evaluation time.
    pub at: Option<i64>,
    /// What is then subtracted, ms.
    pub offset_ms: i64,
}

impl Shift {
    /// The time that is read for the evaluation time `t`.
    pub fn time(self, t: i64) -> i64 {
        self.at.unwrap_or(t).saturating_sub(self.offset_ms)
    }

    /// The first and the last time that are read for a grid.
    pub fn ends(self, grid: Grid) -> (i64, i64) {
        (self.time(grid.start), self.time(grid.at(grid.len().saturating_sub(1))))
    }
}

impl Eval<'_> {
    /// What the modifiers of a selector or subquery mean in this query.
    pub(super) fn shift(&self, modifiers: &Modifiers) -> Result<Shift> {
        let at = modifiers.at.map(|at| match at {
            At::Timestamp(t) => t,
            At::Start => self.query.start,
            At::End => self.query.end,
        });
        let offset_ms = modifiers.offset.as_ref().map_or(Ok(0), |d| self.any_duration(d))?;
        Ok(Shift { at, offset_ms })
    }

    /// Selects the series that have samples in a range.
    pub(super) fn select(
        &self,
        selector: &VectorSelector,
        range: TimeRange,
        step: i64,
    ) -> Result<Box<dyn Selection>> {
        let mut matchers = Vec::with_capacity(selector.matchers.len());
        for m in &selector.matchers {
            matchers.push(Matcher::new(model_op(m.op), &m.name, &m.value)?);
        }
        let hint = Hint { step, ..Hint::range(range) };
        Ok(self.snapshot.select(&matchers, &hint, self.cx)?)
    }

    /// All series of an instant selector.
    pub(super) fn instant_selector(
        &self,
        selector: &VectorSelector,
        grid: Grid,
    ) -> Result<Vec<Series>> {
        self.collect(grid, |sink| self.each_instant(selector, grid, sink))
    }

    /// Collects what a stream yields, charged to the reader.
    pub(super) fn collect(
        &self,
        grid: Grid,
        stream: impl FnOnce(&mut dyn FnMut(Series) -> Result<()>) -> Result<()>,
    ) -> Result<Vec<Series>> {
        let mut out = Vec::new();
        stream(&mut |series| {
            self.charge(1, grid)?;
            out.push(series);
            Ok(())
        })?;
        Ok(out)
    }

    /// The series of an instant selector, one by one.
    pub(super) fn each_instant(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.each_newest(selector, grid, newest_values, sink)
    }

    /// As [`Eval::each_instant`], the values being the times of the samples in seconds.
    pub(super) fn each_sample_time(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.each_newest(selector, grid, newest_times, sink)
    }

    fn each_newest(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        pick: Pick,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        if let Some(modifier) = selector.extended {
            return Err(execution(format!(
                "the modifier {} is not implemented yet",
                modifier.text()
            )));
        }
        let shift = self.shift(&selector.modifiers)?;
        let (first, last) = shift.ends(grid);
        let lookback = self.config.lookback_ms;
        let range = TimeRange::new(first.saturating_sub(lookback).saturating_add(1), last);
        let selection = self.select(selector, range, grid.step)?;
        let mut scratch = Scratch::new();
        let mut labels = plimsoll_model::LabelScratch::default();
        let read_grid = Grid { start: first, end: last, step: grid.step };
        for i in 0..selection.len() {
            self.cx.cancel.check()?;
            let columns = selection.read(i, range, &mut scratch, self.cx)?;
            let mut values = vec![ABSENT; if shift.at.is_some() { 1 } else { grid.len() }];
            pick(columns.times, columns.floats, read_grid, lookback, &mut values);
            if values.iter().all(|v| is_absent(*v)) {
                continue;
            }
            values.resize(grid.len(), values[values.len() - 1]);
            sink(Series::new(selection.labels(i, &mut labels).to_labels(), values))?;
        }
        Ok(())
    }
}

/// Fills a column with something of the newest sample at each time.
type Pick = fn(&[i64], &[f64], Grid, i64, &mut [f64]);

fn newest_values(times: &[i64], floats: &[f64], grid: Grid, lookback: i64, out: &mut [f64]) {
    newest(times, floats, grid, lookback, out, |j| floats[j]);
}

fn newest_times(times: &[i64], floats: &[f64], grid: Grid, lookback: i64, out: &mut [f64]) {
    newest(times, floats, grid, lookback, out, |j| times[j] as f64 / 1000.0);
}

/// The newest sample in (t − lookback, t] for each time, unless it is a staleness marker.
fn newest(
    times: &[i64],
    floats: &[f64],
    grid: Grid,
    lookback: i64,
    out: &mut [f64],
    value: impl Fn(usize) -> f64,
) {
    let mut next = 0;
    for (i, slot) in out.iter_mut().enumerate() {
        let t = grid.at(i);
        while next < times.len() && times[next] <= t {
            next += 1;
        }
        if next > 0 && times[next - 1] > t.saturating_sub(lookback) && !is_stale(floats[next - 1]) {
            *slot = value(next - 1);
        }
    }
}

const fn model_op(op: MatchOp) -> plimsoll_model::MatchOp {
    match op {
        MatchOp::Equal => plimsoll_model::MatchOp::Equal,
        MatchOp::NotEqual => plimsoll_model::MatchOp::NotEqual,
        MatchOp::Regex => plimsoll_model::MatchOp::Regex,
        MatchOp::NotRegex => plimsoll_model::MatchOp::NotRegex,
    }
}
