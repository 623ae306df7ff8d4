//! What can go wrong with a query, by what the asker is told.
//!
//! `serve` maps the variants to Prometheus' status codes: [`QueryError::Parse`] and
//! [`QueryError::BadData`] 400,
//! [`QueryError::Execution`] 422, [`QueryError::Timeout`] 503, [`QueryError::Canceled`] 499,
//! [`QueryError::Unavailable`] 503.

use plimsoll_model::{Error, Stop};

use crate::error::ParseError;

/// Short for results of a query.
pub type QueryResult<T, E = QueryError> = std::result::Result<T, E>;

/// Why a query has no answer. The texts are Prometheus' where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is no valid expression (400 `bad_data`).
    #[error("{0}")]
    Parse(ParseError),
    /// The text or a parameter is wrong (400 `bad_data`).
    #[error("{0}")]
    BadData(String),
    /// The query is well formed and cannot be evaluated on this data, or runs into a limit
    /// (422 `execution`).
    #[error("{0}")]
    Execution(String),
    /// It took longer than it may (503 `timeout`).
    #[error("{0}")]
    Timeout(String),
    /// The asker went away or the server shuts down (499 `canceled`).
    #[error("{0}")]
    Canceled(String),
    /// A source cannot answer now (503 `unavailable`).
    #[error("{0}")]
    Unavailable(String),
}

impl From<ParseError> for QueryError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid(_) => Self::BadData(text),
            Error::Limit { .. } | Error::NotFound(_) | Error::Corrupt(_) => Self::Execution(text),
            Error::Unavailable(_) | Error::Io { .. } => Self::Unavailable(text),
            Error::Stopped(Stop::Deadline) => Self::Timeout(text),
            Error::Stopped(Stop::Client | Stop::Shutdown) => Self::Canceled(text),
        }
    }
}

/// An [`QueryError::Execution`] with this text.
pub(crate) fn execution(text: impl Into<String>) -> QueryError {
    QueryError::Execution(text.into())
}
