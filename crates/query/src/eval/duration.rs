//! Lengths of time of a query: fixed, or computed from the query's step and range.

use super::Eval;
use crate::ast::{Duration, DurationError};
use crate::engine::{QueryError, QueryResult as Result};

impl Eval<'_> {
    /// A length of time that may be negative, ms.
    pub(super) fn any_duration(&self, duration: &Duration) -> Result<i64> {
        duration.resolve(self.step_ms, self.range_ms()).map_err(|e| bad(&e))
    }

    /// A length of time above zero, ms.
    pub(super) fn positive_duration(&self, duration: &Duration) -> Result<i64> {
        let ms = duration.resolve_positive(self.step_ms, self.range_ms()).map_err(|e| bad(&e))?;
        if ms <= 0 {
            return Err(QueryError::BadData("duration must be greater than 0".to_owned()));
        }
        Ok(ms)
    }

    fn range_ms(&self) -> i64 {
        self.query.end.saturating_sub(self.query.start)
    }
}

fn bad(error: &DurationError) -> QueryError {
    QueryError::BadData(error.to_string())
}
