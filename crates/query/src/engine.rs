//! The engine: evaluates a query over a snapshot, at one moment or over a grid of times.
//!
//! It keeps no state between queries and reads no clock: the caller says when, over which cut of the
//! data, within which limits ([`ReadCx`]) and arms the timer that stops it. The scope of the reader is
//! applied here to every read. A range query answers series in order of their labels; an instant query
//! keeps the order that `sort` or `topk` made. At most 11,001 steps per query.

mod error;

use std::sync::Arc;

use plimsoll_model::{
    Budget, Grid, Histogram, Labels, Matrix, MatrixSeries, ReadCx, Scoped, Snapshot,
};

use plimsoll_world::{Clock, Workers};

use crate::ast::{Expr, ValueType};
use crate::eval::{Eval, Val};
use crate::explain::{EXPLAIN_NODES_MAX, ExplainNode, Explained, Times, Trace};
use crate::features::Features;
use crate::parse::parse;
use crate::prepared::{KeptQuery, KeptSelections, KeptStats};

pub(crate) use error::execution;
pub use error::{QueryError, QueryResult};

/// Most evaluation times of a range query: 11,000 steps have 11,001 ends.
pub const STEPS_MAX: usize = 11_001;

/// What holds for all queries of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// How far an instant selector looks back, ms.
    pub lookback_ms: i64,
    /// Step of a subquery that names none, ms.
    pub default_subquery_step_ms: i64,
    /// Samples that a query may read.
    pub max_samples: u64,
    /// Bytes that a query may hold.
    pub query_memory: u64,
    /// Bytes that all queries which are asked again and again may keep of what their selectors
    /// chose; see [`Engine::keep`]. 0 = nothing is kept.
    pub kept_selections: u64,
    /// Which experimental parts are on.
    pub features: Features,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            lookback_ms: 5 * 60_000,
            default_subquery_step_ms: 60_000,
            max_samples: 50_000_000,
            query_memory: 1 << 30,
            kept_selections: 64 << 20,
            features: Features::default(),
        }
    }
}

/// A text and its tree.
#[derive(Clone, Debug)]
pub struct Query {
    text: Arc<str>,
    expr: Arc<Expr>,
    kept: Option<Arc<KeptQuery>>,
}

impl Query {
    /// A tree and the text that it was read from; the spans of the tree point into the text.
    pub fn new(text: &str, expr: Expr) -> Self {
        Self { text: text.into(), expr: Arc::new(expr), kept: None }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// `Parse`.
    pub fn parse(text: &str, features: &Features) -> QueryResult<Self> {
        Ok(Self::new(text, parse(text, features)?))
    }

    /// The query as one that keeps nothing; see [`Engine::keep`].
    #[must_use]
    pub fn once(&self) -> Self {
        Self { kept: None, ..self.clone() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value; the staleness marker when it is a histogram.
    pub value: f64,
    /// The native histogram that it is, if it is one.
    pub histogram: Option<Arc<Histogram>>,
}

/// What a query evaluates to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// One string.
    String(String),
    /// One sample per series, all at the time of the query.
    Vector(Vec<Sample>),
    /// Several samples per series.
    Matrix(Matrix),
}

/// How much work a query was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series of the answer.
    pub series: usize,
    /// Samples read; of all queries that share the reader's budget.
    pub samples: u64,
}

/// The answer to a query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Warnings of the evaluation and of the source, each text once, at most ten and a count.
    pub warnings: Vec<String>,
    /// Remarks of the evaluation, bounded alike.
    pub infos: Vec<String>,
    /// How much work it was.
    pub stats: Stats,
}

/// Evaluates queries. Cheap to share; any number of threads may ask at once.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    workers: Arc<Workers>,
    kept: Arc<KeptSelections>,
}

impl Engine {
    /// An engine with these settings, whose queries share these threads.
    pub fn new(config: EngineConfig, workers: Arc<Workers>) -> Self {
        let kept = Arc::new(KeptSelections::new(config.kept_selections));
        Self { config, workers, kept }
    }

    /// Its settings.
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Reads a text with the features of this engine.
    ///
    /// # Errors
    /// `Parse`.
    pub fn parse(&self, text: &str) -> QueryResult<Query> {
        Query::parse(text, &self.config.features)
    }

    /// The query as one that is asked again and again, as rules and live panels are: it keeps its
    /// compiled matchers and what its selectors chose, as long as the source says that this still
    /// holds, within [`EngineConfig::kept_selections`]. Clones share what is kept; the last one that
    /// is dropped gives it back. Answers are the same.
    pub fn keep(&self, query: &Query) -> Query {
        let kept = KeptQuery::new(&query.expr, &self.kept).map(Arc::new);
        Query { kept, ..query.clone() }
    }

    /// What queries keep between evaluations.
    pub fn kept_stats(&self) -> KeptStats {
        self.kept.stats()
    }

    /// What one query may use by the settings; for the reader's [`ReadCx`].
    pub const fn budget(&self) -> Budget {
        Budget::new(self.config.query_memory, self.config.max_samples)
    }

    /// Evaluates at one moment, `at_ms` since the epoch.
    ///
    /// # Errors
    /// Every [`QueryError`].
    pub fn instant(
        &self,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        at_ms: i64,
        cx: &ReadCx,
    ) -> QueryResult<Answer> {
        Ok(self.run(snapshot, query, (Grid::instant(at_ms), 0), cx, None)?.0)
    }

    /// Evaluates at every time of the grid.
    ///
    /// # Errors
    /// Every [`QueryError`]; `BadData` for a query that is a string or a range vector, for a step of 0
    /// or less, for an end before the start and for more than [`STEPS_MAX`] steps.
    pub fn range(
        &self,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        grid: Grid,
        cx: &ReadCx,
    ) -> QueryResult<Answer> {
        check_grid(query, grid)?;
        Ok(self.run(snapshot, query, (grid, grid.step), cx, None)?.0)
    }

    /// Evaluates as [`Engine::instant`] or [`Engine::range`] does, and tells what was read and where
    /// the time went, on this clock. The reader's budget must be its own.
    ///
    /// # Errors
    /// Those of [`Engine::instant`] and [`Engine::range`]; `BadData` for an expression of more than
    /// [`EXPLAIN_NODES_MAX`] nodes.
    pub fn explain(
        &self,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        times: Times,
        cx: &ReadCx,
        clock: &dyn Clock,
    ) -> QueryResult<Explained> {
        let mut nodes = 0;
        query.expr.walk(&mut |_| nodes += 1);
        if nodes > EXPLAIN_NODES_MAX {
            return Err(QueryError::BadData(format!(
                "invalid parameter \"query\": an expression of {nodes} nodes is not explained, at \
                 most one of {EXPLAIN_NODES_MAX}"
            )));
        }
        let times = match times {
            Times::At(at_ms) => (Grid::instant(at_ms), 0),
            Times::Over(grid) => {
                check_grid(query, grid)?;
                (grid, grid.step)
            }
        };
        let trace = Trace::new(clock);
        let began = trace.now();
        let (answer, tree) = self.run(snapshot, query, times, cx, Some(&trace))?;
        let tree = tree.ok_or_else(|| execution("there is nothing to explain"))?;
        let wall = trace.now().saturating_sub(began);
        Ok(Explained { answer, tree, bytes_peak: trace.bytes_peak(), wall })
    }

    fn run(
        &self,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        (grid, step_ms): (Grid, i64),
        cx: &ReadCx,
        trace: Option<&Trace<'_>>,
    ) -> QueryResult<(Answer, Option<ExplainNode>)> {
        let scoped = Scoped::new(Arc::clone(snapshot));
        let eval = Eval::new(
            (&query.expr, query.kept.as_deref()),
            &scoped,
            cx,
            (&self.config, &self.workers),
            (grid, step_ms),
            trace,
        );
        let value = match (step_ms, query.expr.value_type()) {
            (0, ValueType::RangeVector) => {
                Value::Matrix(eval.range_vector(&query.expr, grid.start)?)
            }
            (0, _) => instant_value(eval.finish(&query.expr, grid)?),
            _ => matrix_value(eval.finish(&query.expr, grid)?, grid),
        };
        let (mut warnings, infos) = eval.notes.texts(&query.text);
        warnings.extend(cx.warnings.take());
        let series = match &value {
            Value::Scalar(_) | Value::String(_) => 1,
            Value::Vector(samples) => samples.len(),
            Value::Matrix(series) => series.len(),
        };
        let tree = trace.map(|trace| trace.tree(&query.expr, eval.repeated.as_ref()));
        let stats = Stats { series, samples: cx.budget.samples() };
        Ok((Answer { value, warnings, infos, stats }, tree))
    }
}

fn check_grid(query: &Query, grid: Grid) -> QueryResult<()> {
    let bad = |text: String| Err(QueryError::BadData(text));
    if grid.step <= 0 {
        return bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are \
                    not accepted. Try a positive integer"
                .to_owned(),
        );
    }
    if grid.end < grid.start {
        return bad(
            "invalid parameter \"end\": end timestamp must not be before start time".to_owned()
        );
    }
    if grid.len() > STEPS_MAX {
        return bad("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing \
                    the query resolution (?step=XX)"
            .to_owned());
    }
    match query.expr.value_type() {
        ValueType::Scalar | ValueType::InstantVector => Ok(()),
        other => bad(format!(
            "invalid parameter \"query\": invalid expression type {:?} for range query, must be \
             Scalar or instant Vector",
            other.name()
        )),
    }
}

fn instant_value(value: Val) -> Value {
    match value {
        Val::Scalar(column) => Value::Scalar(column.first().copied().unwrap_or(f64::NAN)),
        Val::Text(text) => Value::String(text),
        Val::Vector(series) => Value::Vector(
            series
                .into_iter()
                .filter(|s| s.is_present(0))
                .map(|s| {
                    let histogram = s.histogram(0).map(|h| Arc::new(h.to_model()));
                    Sample { value: s.values[0], labels: s.labels, histogram }
                })
                .collect(),
        ),
    }
}

fn matrix_value(value: Val, grid: Grid) -> Value {
    let mut matrix: Matrix = match value {
        Val::Scalar(floats) => {
            let times = (0..floats.len()).map(|i| grid.at(i)).collect();
            vec![MatrixSeries::new(Labels::empty(), times, floats)]
        }
        Val::Text(_) => Vec::new(),
        Val::Vector(series) => {
            series.into_iter().map(|s| s.into_matrix(grid)).filter(|s| !s.is_empty()).collect()
        }
    };
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Value::Matrix(matrix)
}
