//! Asking the query engine on behalf of findings: every number that a finding tells comes from here,
//! with the query that gives it again.
//!
//! Limits: [`QUERIES_MAX`] queries per probe, in the background lane, each within the engine's budget.
//! What fails, is ambiguous or is no finite number is no evidence.

use std::cell::Cell;
use std::sync::Arc;

use plimsoll_model::{Grid, Labels, Lane, Matrix, ReadCx, Snapshot, Timestamp};
use plimsoll_query::{Binary, Engine, Expr, LabelMatcher, MatchOp, Query, Span, Value};
use serde::{Deserialize, Serialize};

/// Queries of one probe.
const QUERIES_MAX: u32 = 400;

/// A query, when to ask it, and the number that it gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// PromQL. Gives exactly one element at `to_ms`.
    pub query: String,
    /// Start of the range for a chart, ms; `to_ms` when the number stands for itself.
    pub from_ms: Timestamp,
    /// The time at which the query gives the value, ms.
    pub to_ms: Timestamp,
    /// Distance of points of the range, ms; 0 for one moment.
    pub step_ms: i64,
    /// What the query gives at `to_ms`; finite.
    #[serde(with = "super::kept::exact")]
    pub value: f64,
    /// What it says, for people.
    pub text: String,
}

/// When to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) step: i64,
}

impl When {
    pub(crate) const fn at(at: Timestamp) -> Self {
        Self { from: at, to: at, step: 0 }
    }

    /// The `back` before `to`, at about 120 points that end at `to`.
    pub(crate) fn before(to: Timestamp, back: i64) -> Self {
        let step = (back / 120 / 1_000).max(1) * 1_000;
        Self { from: to - back / step * step, to, step }
    }
}

/// Asks one snapshot.
pub(crate) struct Probe<'e> {
    engine: &'e Engine,
    snapshot: Arc<dyn Snapshot>,
    left: Cell<u32>,
}

impl<'e> Probe<'e> {
    pub(crate) fn new(engine: &'e Engine, snapshot: Arc<dyn Snapshot>) -> Self {
        Self { engine, snapshot, left: Cell::new(QUERIES_MAX) }
    }

    /// Queries asked so far.
    pub(crate) fn asked(&self) -> u32 {
        QUERIES_MAX - self.left.get()
    }

    fn ready(&self, query: &str) -> Option<(Query, ReadCx)> {
        let left = self.left.get().checked_sub(1)?;
        self.left.set(left);
        let parsed = match self.engine.parse(query) {
            Ok(parsed) => parsed,
            Err(e) => {
                tracing::warn!(error = %e, query, "a query of findings cannot be read");
                return None;
            }
        };
        let mut cx = ReadCx::with_budget(self.engine.budget());
        cx.lane = Lane::Background;
        Some((parsed, cx))
    }

    /// All finite elements at a time.
    pub(crate) fn vector(&self, query: &str, at: Timestamp) -> Vec<(Labels, f64)> {
        let Some((parsed, cx)) = self.ready(query) else { return Vec::new() };
        match self.engine.instant(&self.snapshot, &parsed, at, &cx).map(|a| a.value) {
            Ok(Value::Vector(all)) => all
                .into_iter()
                .filter(|s| s.histogram.is_none() && s.value.is_finite())
                .map(|s| (s.labels, s.value))
                .collect(),
            Ok(Value::Scalar(x)) if x.is_finite() => vec![(Labels::empty(), x)],
            Ok(_) => Vec::new(),
            Err(e) => {
                tracing::debug!(error = %e, query, "a query of findings failed");
                Vec::new()
            }
        }
    }

    /// The number, if the query gives exactly one.
    pub(crate) fn number(&self, query: &str, at: Timestamp) -> Option<f64> {
        match self.vector(query, at).as_slice() {
            [(_, value)] => Some(*value),
            _ => None,
        }
    }

    /// Series over a range.
    pub(crate) fn range(&self, query: &str, grid: Grid) -> Matrix {
        let Some((parsed, cx)) = self.ready(query) else { return Matrix::new() };
        match self.engine.range(&self.snapshot, &parsed, grid, &cx).map(|a| a.value) {
            Ok(Value::Matrix(matrix)) => matrix,
            Ok(_) => Matrix::new(),
            Err(e) => {
                tracing::debug!(error = %e, query, "a query of findings failed");
                Matrix::new()
            }
        }
    }

    /// Asks, and makes evidence of the answer.
    pub(crate) fn evidence(
        &self,
        query: String,
        when: When,
        text: impl FnOnce(f64) -> String,
    ) -> Option<Evidence> {
        let value = self.number(&query, when.to)?;
        let When { from, to, step } = when;
        let text = text(value);
        Some(Evidence { query, from_ms: from, to_ms: to, step_ms: step, value, text })
    }

    /// What the query of evidence gives now, at the time that it names.
    pub(crate) fn again(&self, evidence: &Evidence) -> Option<f64> {
        self.number(&evidence.query, evidence.to_ms)
    }

    /// `query`, each selector narrowed to these labels; itself when it cannot be read.
    pub(crate) fn narrowed(&self, query: &str, labels: &[(String, String)]) -> String {
        let Ok(parsed) = self.engine.parse(query) else { return query.to_owned() };
        let mut expr = parsed.expr().clone();
        narrow(&mut expr, labels);
        expr.to_string()
    }
}

/// A selector's matchers in braces: `{a="b",c="d"}`.
pub(crate) fn braces<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let pair = |(name, value): (&str, &str)| {
        let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        if is_plain(name) {
            format!("{name}=\"{value}\"")
        } else {
            format!("\"{name}\"=\"{value}\"")
        }
    };
    let all: Vec<String> = labels.into_iter().map(pair).collect();
    format!("{{{}}}", all.join(","))
}

fn is_plain(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.bytes().all(inner) && !name.bytes().next().is_none_or(|b| b.is_ascii_digit())
}

/// As [`braces`], of owned pairs.
pub(crate) fn braces_of(labels: &[(String, String)]) -> String {
    braces(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())))
}

fn narrow(expr: &mut Expr, labels: &[(String, String)]) {
    let add = |matchers: &mut Vec<LabelMatcher>| {
        for (name, value) in labels {
            if matchers.iter().any(|m| m.name == *name && m.op == MatchOp::Equal) {
                continue;
            }
            let (name, value) = (name.clone(), value.clone());
            // The condition of the name stays last.
            let span = Span::default();
            matchers.insert(0, LabelMatcher { name, op: MatchOp::Equal, value, span });
        }
    };
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Vector(selector) => add(&mut selector.matchers),
        Expr::Matrix(matrix) => add(&mut matrix.vector.matchers),
        Expr::Subquery(node) => narrow(&mut node.expr, labels),
        Expr::Call(call) => call.args.iter_mut().for_each(|arg| narrow(arg, labels)),
        Expr::Aggregate(node) => {
            narrow(&mut node.expr, labels);
            node.param.iter_mut().for_each(|param| narrow(param, labels));
        }
        Expr::Binary(node) => {
            let Binary { lhs, rhs, .. } = &mut **node;
            narrow(lhs, labels);
            narrow(rhs, labels);
        }
        Expr::Unary(node) => narrow(&mut node.expr, labels),
        Expr::Paren(node) => narrow(&mut node.expr, labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{MemorySource, SeriesSource};
    use plimsoll_query::EngineConfig;
    use plimsoll_world::Workers;

    #[test]
    fn a_query_is_narrowed_to_one_series_and_a_number_is_one_number() {
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let source = MemorySource::new();
        for (device, value) in [("a", 1.0), ("b\"c", 2.0)] {
            let labels = Labels::new([("__name__", "busy"), ("device", device)]).unwrap();
            source.append(&labels, 1_000, value);
            let of = Labels::new([("__name__", "all"), ("device", device)]).unwrap();
            source.append(&of, 1_000, 4.0);
        }
        let probe = Probe::new(&engine, source.snapshot());
        let wide = "1 - busy / (all > 0)";
        assert_eq!(probe.number(wide, 1_000), None, "two series are no number");
        let one = probe.narrowed(wide, &[("device".into(), "b\"c".into())]);
        assert_eq!(probe.number(&one, 1_000), Some(0.5), "{one}");
        let evidence = probe.evidence(one, When::at(1_000), |v| format!("{v}")).unwrap();
        assert_eq!(probe.again(&evidence), Some(evidence.value));
        assert_eq!(probe.number("busy", 1_000_000), None, "no sample is no number");
        assert_eq!(probe.number("busy{", 1_000), None);
        assert_eq!(braces([("a", "x\\\"\n"), ("b.c", "")]), "{a=\"x\\\\\\\"\\n\",\"b.c\"=\"\"}");
        for _ in 0..QUERIES_MAX {
            probe.number("all", 1_000);
        }
        assert_eq!((probe.number("sum(all)", 1_000), probe.asked()), (None, QUERIES_MAX));
    }

    #[test]
    fn a_range_ends_at_its_last_point() {
        let when = When::before(1_750_000_000_000, 3_600_000);
        assert_eq!((when.to - when.from) % when.step, 0);
        assert_eq!(when.step, 30_000);
    }
}
