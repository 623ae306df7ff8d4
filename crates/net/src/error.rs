//! What can go wrong with a request. No message holds the URL: URLs carry tokens.

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request is wrong; sending it again will not help.
    #[error("{0}")]
    Invalid(String),
    /// The answer is larger than allowed. `limit` names the setting to change.
    #[error("body exceeds {max} bytes; raise {limit} or send less")]
    Limit {
        /// The setting that holds the limit.
        limit: &'static str,
        /// Its value, bytes.
        max: u64,
    },
    /// The address rule forbids the target.
    #[error("{0}")]
    Forbidden(String),
    /// No complete answer within the timeout.
    #[error("no complete answer within {after_ms} ms")]
    Timeout {
        /// The timeout, ms.
        after_ms: u64,
    },
    /// Not reachable, or it broke off.
    #[error("{0}")]
    Unavailable(String),
}
