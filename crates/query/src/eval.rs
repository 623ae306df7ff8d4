//! The evaluator: walks a tree once for a whole grid of times.
//!
//! An instant vector is a list of [`Series`], each a column with one value per time of the grid, and
//! a second column where elements are native histograms; an absent value is the staleness marker, which no calculation yields and no answer shows. A scalar is
//! one column. Each selector reads each of its series once for the whole grid, and one kernel computes
//! all times. Work of one series is independent of the others and is folded in the order of the
//! selection, so that results repeat to the bit. The memory of columns is charged to the reader.

mod absent;
mod call;
mod column;
mod date;
mod duration;
mod histogram;
mod implementations;
mod info;
mod kept;
mod label;
mod math;
mod native;
mod newest;
mod order;
mod range;
mod repeated;
mod rolled;
mod room;
mod select;
mod simple;
mod stats;
mod told;

use std::collections::HashSet;

use plimsoll_model::{Grid, ReadCx, Snapshot};
use plimsoll_world::Workers;

use crate::annotations::Notes;
use crate::ast::{Expr, Grouping, Span, StringLiteral, Unary, UnaryOp};
use crate::engine::{EngineConfig, QueryResult as Result, execution};
use crate::explain::Trace;
use crate::literal::quote_bytes;
use crate::prepared::KeptQuery;

pub(crate) use column::{
    ABSENT, Element, Series, Val, is_absent, is_metadata, merge_same, without_metadata,
};
pub(crate) use date::Civil;
pub(crate) use math::{go_max, go_min};
pub(crate) use repeated::Repeated;
pub(crate) use select::model_op;

/// One evaluation of one query.
pub(crate) struct Eval<'q> {
    /// What is read.
    pub snapshot: &'q dyn Snapshot,
    /// Who reads.
    pub cx: &'q ReadCx,
    /// The settings of the engine.
    pub config: &'q EngineConfig,
    /// Threads that it may use.
    pub workers: &'q Workers,
    /// The times of the whole query.
    pub query: Grid,
    /// Step of the query in ms, 0 for an instant query.
    pub step_ms: i64,
    /// What it has to say.
    pub notes: Notes,
    /// Selectors of whose histograms only count and sum are looked at.
    stats: HashSet<Span>,
    /// What is kept from the evaluation before.
    kept: Option<&'q KeptQuery>,
    /// Subexpressions that are evaluated once for several places.
    pub repeated: Option<Repeated<'q>>,
    /// Who wants to have it explained.
    trace: Option<&'q Trace<'q>>,
    /// Bytes taken from the reader's budget.
    held: std::sync::atomic::AtomicU64,
}

impl<'q> Eval<'q> {
    /// An evaluation of an expression over these times.
    pub fn new(
        (expr, kept): (&'q Expr, Option<&'q KeptQuery>),
        snapshot: &'q dyn Snapshot,
        cx: &'q ReadCx,
        (config, workers): (&'q EngineConfig, &'q Workers),
        (query, step_ms): (Grid, i64),
        trace: Option<&'q Trace<'q>>,
    ) -> Self {
        let held = std::sync::atomic::AtomicU64::new(0);
        let (notes, stats) = (Notes::default(), stats::selectors(expr));
        let repeated = Repeated::of(expr, &stats);
        Self {
            snapshot,
            cx,
            config,
            workers,
            query,
            step_ms,
            notes,
            stats,
            kept,
            repeated,
            trace,
            held,
        }
    }

    /// Whether metric names are dropped at the end of the evaluation only.
    pub const fn delayed(&self) -> bool {
        self.config.features.delayed_name_removal
    }

    /// The value of a whole query, names dropped.
    pub fn finish(&self, expr: &Expr, grid: Grid) -> Result<Val> {
        let value = self.eval(expr, grid)?;
        let Val::Vector(mut series) = value else { return Ok(value) };
        let mut dropped = false;
        for s in series.iter_mut().filter(|s| s.drop_name) {
            s.labels = without_metadata(&s.labels);
            s.drop_name = false;
            dropped = true;
        }
        if dropped {
            series = merge_same(series)?;
        }
        Ok(Val::Vector(series))
    }

    /// Whether only count and sum of a selector's histograms are looked at.
    fn needs_only_stats(&self, selector: Span) -> bool {
        self.stats.contains(&selector)
    }

    /// The value of an expression at the times of a grid.
    pub fn eval(&self, expr: &Expr, grid: Grid) -> Result<Val> {
        self.cx.cancel.check()?;
        if let Some(repeated) = &self.repeated
            && let Some(class) = repeated.class(expr)
        {
            return self.eval_repeated(class, expr, grid);
        }
        self.eval_told(expr, grid)
    }

    fn eval_node(&self, expr: &Expr, grid: Grid) -> Result<Val> {
        match expr {
            Expr::Number(number) => Ok(Val::Scalar(vec![number.value; grid.len()])),
            Expr::String(text) => Ok(Val::Text(text.value.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, grid),
            Expr::Vector(selector) => self.instant_selector(selector, grid).map(Val::Vector),
            Expr::Call(node) => self.call(node, grid),
            Expr::Aggregate(node) => crate::aggregate::eval(self, node, grid).map(Val::Vector),
            Expr::Binary(node) => crate::binary::eval(self, node, grid),
            Expr::Unary(node) => self.unary(node, grid),
            Expr::Matrix(_) | Expr::Subquery(_) => {
                Err(execution("a range vector stands where a value at one time is needed"))
            }
        }
    }

    /// The value of an expression of the type instant vector.
    pub fn vector(&self, expr: &Expr, grid: Grid) -> Result<Vec<Series>> {
        match self.eval(expr, grid)? {
            Val::Vector(series) => Ok(series),
            _ => Err(execution("an instant vector is needed here")),
        }
    }

    /// The value of an expression of the type scalar, one number per time.
    pub fn scalar(&self, expr: &Expr, grid: Grid) -> Result<Vec<f64>> {
        match self.eval(expr, grid)? {
            Val::Scalar(column) => Ok(column),
            _ => Err(execution("a scalar is needed here")),
        }
    }

    /// The value of an expression of the type string.
    pub fn text(&self, expr: &Expr) -> Result<String> {
        match self.eval(expr, self.query)? {
            Val::Text(text) => Ok(text),
            _ => Err(execution("a string is needed here")),
        }
    }

    /// The value of an expression that names a label; refused when it is empty or no UTF-8, in the
    /// words that `invalid` makes of the quoted and of the bare name.
    pub fn label_name(
        &self,
        expr: &Expr,
        invalid: impl Fn(&str, &str) -> String,
    ) -> Result<String> {
        let name = self.text(expr)?;
        let quoted = match expr.unwrap_paren() {
            Expr::String(StringLiteral { bytes: Some(bytes), .. }) => quote_bytes(bytes),
            _ if name.is_empty() => quote_bytes(b""),
            _ => return Ok(name),
        };
        Err(execution(invalid(&quoted, &name)))
    }

    /// Hands out the series of an instant vector one by one where it can be computed so: an
    /// aggregation then never holds its input.
    pub fn stream(
        &self,
        expr: &Expr,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match expr {
            Expr::Paren(paren) => self.stream(&paren.expr, grid, sink),
            Expr::Vector(_) | Expr::Call(_) => {
                if let Some(repeated) = &self.repeated
                    && let Some(class) = repeated.class(expr)
                {
                    return self.stream_repeated(class, expr, grid, sink);
                }
                self.stream_told(expr, grid, sink)
            }
            _ => {
                let series = self.vector(expr, grid)?;
                self.free(&series);
                series.into_iter().try_for_each(sink)
            }
        }
    }

    /// As [`Eval::stream`], for who groups the series and looks at no other labels: where the grouping
    /// does not see the name, the name is not taken off.
    pub fn stream_for(
        &self,
        grouping: &Grouping,
        expr: &Expr,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        let blind = |names: &[String]| !names.iter().any(|n| is_metadata(n));
        match (expr, grouping) {
            (Expr::Paren(paren), _) => self.stream_for(grouping, &paren.expr, grid, sink),
            (Expr::Call(node), Grouping::By(names))
                if blind(names)
                    && self.repeated.as_ref().is_none_or(|r| r.class(expr).is_none()) =>
            {
                self.told(node.span, sink, |sink| self.stream_named(node, grid, sink))
            }
            _ => self.stream(expr, grid, sink),
        }
    }

    /// The series of a selector or a call at this very place.
    fn stream_told(
        &self,
        expr: &Expr,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match expr {
            Expr::Vector(selector) => self.each_instant(selector, grid, sink),
            Expr::Call(node) => {
                self.told(node.span, sink, |sink| self.stream_call(node, grid, sink))
            }
            _ => Err(execution("an instant vector is needed here")),
        }
    }

    fn unary(&self, node: &Unary, grid: Grid) -> Result<Val> {
        let value = self.eval(&node.expr, grid)?;
        if node.op == UnaryOp::Plus {
            return Ok(value);
        }
        match value {
            Val::Scalar(column) => Ok(Val::Scalar(column.into_iter().map(|v| -v).collect())),
            Val::Vector(mut series) => {
                for s in &mut series {
                    s.values.iter_mut().filter(|v| !is_absent(**v)).for_each(|v| *v = -*v);
                    s.map_histograms(|h| {
                        let mut h = h.clone();
                        h.mul(-1.0);
                        h
                    });
                    self.drop_name(s);
                }
                merge_same(series).map(Val::Vector)
            }
            text @ Val::Text(_) => Ok(text),
        }
    }

    /// Drops the name of a series now, or marks it to be dropped at the end.
    pub fn drop_name(&self, series: &mut Series) {
        if self.delayed() {
            series.drop_name = true;
        } else {
            series.labels = without_metadata(&series.labels);
        }
    }

    /// Takes memory for `series` columns over a grid.
    pub fn charge(&self, columns: usize, grid: Grid) -> Result<()> {
        self.charge_bytes((columns * grid.len() * size_of::<f64>()) as u64)
    }

    /// Takes memory.
    pub fn charge_bytes(&self, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.cx.budget.take(bytes)?;
        self.held.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        self.tell_bytes();
        Ok(())
    }

    /// Gives back the memory of columns that are about to be dropped.
    pub fn free(&self, series: &[Series]) {
        let bytes = |s: &Series| (s.values.len() * size_of::<f64>()) as u64 + s.histogram_bytes();
        self.free_bytes(series.iter().map(bytes).sum());
    }

    /// Gives back memory that was taken.
    pub fn free_bytes(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let held = &self.held;
        let bytes = bytes.min(held.load(std::sync::atomic::Ordering::Relaxed));
        held.fetch_sub(bytes, std::sync::atomic::Ordering::Relaxed);
        self.cx.budget.release(bytes);
    }
}

impl Drop for Eval<'_> {
    fn drop(&mut self) {
        self.cx.budget.release(*self.held.get_mut());
    }
}
