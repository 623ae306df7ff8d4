//! Figures of an evaluation for who asks to have it explained.

use std::time::Duration;

use plimsoll_model::{Grid, MatrixSeries, Tier, TimeRange};

use super::{Eval, Series, Val};
use crate::ast::{Expr, Span};
use crate::engine::QueryResult as Result;
use crate::explain::ExplainRead;

/// What was read for a selector.
pub(super) struct Reading {
    /// The times that were asked for.
    pub range: TimeRange,
    /// Series that were selected.
    pub series: usize,
    /// The tier that was asked for.
    pub tier: Option<Tier>,
    /// Series that buckets answered.
    pub by_tier: usize,
    /// Why nothing coarser was read; empty unless an explanation is wanted.
    pub why: String,
}

type Sink<'s> = &'s mut dyn FnMut(Series) -> Result<()>;

impl Eval<'_> {
    /// The value of an expression at this very place.
    pub(super) fn eval_told(&self, expr: &Expr, grid: Grid) -> Result<Val> {
        let plain =
            matches!(expr, Expr::Number(_) | Expr::String(_) | Expr::Paren(_) | Expr::Vector(_));
        let Some(trace) = self.trace.filter(|_| !plain) else { return self.eval_node(expr, grid) };
        let began = trace.now();
        let value = self.eval_node(expr, grid)?;
        let series = match &value {
            Val::Scalar(_) | Val::Text(_) => 1,
            Val::Vector(series) => series.len(),
        };
        trace.node(expr.span(), trace.now().saturating_sub(began), series);
        Ok(value)
    }

    /// Runs what hands out the series of a node.
    pub(super) fn told(
        &self,
        node: Span,
        sink: Sink<'_>,
        run: impl FnOnce(Sink<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(trace) = self.trace else { return run(sink) };
        let (began, mut elsewhere, mut series) = (trace.now(), Duration::ZERO, 0);
        run(&mut |s| {
            series += 1;
            let left = trace.now();
            let taken = sink(s);
            elsewhere += trace.now().saturating_sub(left);
            taken
        })?;
        let wall = trace.now().saturating_sub(began).saturating_sub(elsewhere);
        trace.node(node, wall, series);
        Ok(())
    }

    /// Runs what makes a range vector that is the whole query.
    pub(super) fn told_whole(
        &self,
        node: Span,
        run: impl FnOnce() -> Result<Vec<MatrixSeries>>,
    ) -> Result<Vec<MatrixSeries>> {
        let Some(trace) = self.trace else { return run() };
        let began = trace.now();
        let series = run()?;
        trace.node(node, trace.now().saturating_sub(began), series.len());
        Ok(series)
    }

    /// Runs what reads a selector.
    pub(super) fn told_reading(
        &self,
        selector: Span,
        sink: Sink<'_>,
        run: impl FnOnce(Sink<'_>) -> Result<Reading>,
    ) -> Result<()> {
        let Some(trace) = self.trace else { return run(sink).map(|_| ()) };
        let samples = self.cx.budget.samples();
        let (began, mut elsewhere, mut series) = (trace.now(), Duration::ZERO, 0);
        let read = run(&mut |s| {
            series += 1;
            let left = trace.now();
            let taken = sink(s);
            elsewhere += trace.now().saturating_sub(left);
            taken
        })?;
        let wall = trace.now().saturating_sub(began).saturating_sub(elsewhere);
        let read = ExplainRead {
            series: read.series as u64,
            samples: self.cx.budget.samples().saturating_sub(samples),
            range: read.range,
            tier: read.tier,
            by_tier: read.by_tier as u64,
            why: read.why,
        };
        trace.read(selector, wall, series, read);
        Ok(())
    }

    /// Whether figures are gathered.
    pub(super) const fn is_explained(&self) -> bool {
        self.trace.is_some()
    }

    /// Memory was taken.
    pub(super) fn tell_bytes(&self) {
        if let Some(trace) = self.trace {
            trace.holds(self.cx.budget.held());
        }
    }

    /// A text for an explanation, made only if one is wanted.
    pub(super) fn if_told(&self, text: impl FnOnce() -> String) -> String {
        self.trace.map_or_else(String::new, |_| text())
    }
}
