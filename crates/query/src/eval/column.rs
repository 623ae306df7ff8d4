//! Values of expressions as columns: one number per time of the grid.

use std::collections::HashMap;

use plimsoll_model::{Grid, Labels, METRIC_NAME, MatrixSeries, is_stale, stale_nan};

use crate::engine::{QueryResult as Result, execution};

/// The mark of a time at which a series has no value.
pub(crate) const ABSENT: f64 = stale_nan();

/// Whether a series has no value here.
pub(crate) const fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// The value of an expression over a grid.
#[derive(Debug, Clone)]
pub(crate) enum Val {
    /// One number per time.
    Scalar(Vec<f64>),
    /// A string.
    Text(String),
    /// Series in an order that matters to instant queries only.
    Vector(Vec<Series>),
}

/// One series of an instant vector over a grid.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its labels.
    pub labels: Labels,
    /// The metric name goes at the end of the evaluation.
    pub drop_name: bool,
    /// One value per time; [`ABSENT`] where there is none.
    pub values: Vec<f64>,
}

impl Series {
    /// A series that keeps its name.
    pub const fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, drop_name: false, values }
    }

    /// Whether there is a value at time number `i`.
    pub fn is_present(&self, i: usize) -> bool {
        !is_absent(self.values[i])
    }

    /// Whether there is a value at any time.
    pub fn any_present(&self) -> bool {
        self.values.iter().any(|v| !is_absent(*v))
    }

    /// Changes every value.
    pub fn map(&mut self, f: impl Fn(f64) -> f64) {
        for v in self.values.iter_mut().filter(|v| !is_absent(**v)) {
            *v = f(*v);
        }
    }

    /// The series with its times, as an answer has it.
    pub fn into_matrix(self, grid: Grid) -> MatrixSeries {
        let present = || self.values.iter().enumerate().filter(|(_, v)| !is_absent(**v));
        let times = present().map(|(i, _)| grid.at(i)).collect();
        let floats = present().map(|(_, v)| *v).collect();
        MatrixSeries { labels: self.labels, times, floats }
    }
}

/// The labels without the metric name and without the labels of type and unit.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.without(|n| n == METRIC_NAME || n == "__type__" || n == "__unit__")
}

/// Joins series of equal labels that never have a value at the same time.
///
/// # Errors
/// `Execution` when two have one at the same time.
pub(crate) fn merge_same(series: Vec<Series>) -> Result<Vec<Series>> {
    let mut at: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut out: Vec<Series> = Vec::with_capacity(series.len());
    for s in series {
        if let Some(&i) = at.get(&s.labels) {
            for (have, new) in out[i].values.iter_mut().zip(&s.values) {
                match (is_absent(*have), is_absent(*new)) {
                    (_, true) => {}
                    (true, false) => *have = *new,
                    (false, false) => return Err(same_labelset()),
                }
            }
        } else {
            at.insert(s.labels.clone(), out.len());
            out.push(s);
        }
    }
    Ok(out)
}

/// The error of two elements with equal labels in one vector.
pub(crate) fn same_labelset() -> crate::engine::QueryError {
    execution("vector cannot contain metrics with the same labelset")
}
