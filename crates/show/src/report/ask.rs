//! What has to be asked for a report, and what came of it.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use serde_json::Value;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The name under which its answer is looked for.
    pub key: String,
    /// What is asked.
    pub what: What,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A document of the program's own API: path and query string.
    Route(String),
    /// An expression of PromQL.
    Query {
        /// The expression.
        expr: String,
        /// The first time, ms since the epoch; the only one where it is `until`.
        from: Timestamp,
        /// The last time.
        until: Timestamp,
        /// From one time to the next, ms.
        step_ms: i64,
        /// Series at most; more are cut off.
        series_max: usize,
    },
}

/// A series of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels, in the order of their names.
    pub labels: Vec<(String, String)>,
    /// Times in rising order and values.
    pub points: Vec<(Timestamp, f64)>,
}

impl Series {
    /// The value of a label; empty when there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// The newest value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|(_, v)| *v)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a route.
    Json(Value),
    /// Of a query; how many series were cut off.
    Series(Vec<Series>, usize),
    /// There is none, and why.
    Failed(String),
}

/// All answers by their keys.
#[derive(Clone, Debug, Default)]
pub struct Answers(pub BTreeMap<String, Answer>);

impl Answers {
    /// The document of a route.
    ///
    /// # Errors
    /// Why there is none.
    pub fn json(&self, key: &str) -> Result<&Value, String> {
        match self.0.get(key) {
            Some(Answer::Json(value)) => Ok(value),
            Some(Answer::Failed(why)) => Err(why.clone()),
            _ => Err("it was not asked".to_owned()),
        }
    }

    /// The series of a query, and how many were cut off.
    ///
    /// # Errors
    /// Why there are none.
    pub fn series(&self, key: &str) -> Result<(&[Series], usize), String> {
        match self.0.get(key) {
            Some(Answer::Series(series, cut)) => Ok((series, *cut)),
            Some(Answer::Failed(why)) => Err(why.clone()),
            _ => Err("it was not asked".to_owned()),
        }
    }
}
