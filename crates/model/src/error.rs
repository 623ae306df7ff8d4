//! What can go wrong on either side of the seam, by what a caller can do about it.

use crate::read::Stop;

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The name of a limit as the configuration spells it, for messages and metrics.
pub type LimitName = &'static str;

/// An error of a source, a sink or a wrapper.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The input is wrong; sending it again will not help.
    #[error("{0}")]
    Invalid(String),
    /// A limit was reached. `limit` names the setting to change.
    #[error("{what}: limit {limit} = {max} reached; raise {limit} or ask for less")]
    Limit {
        /// The setting that holds the limit.
        limit: LimitName,
        /// Its value.
        max: u64,
        /// What ran into it.
        what: String,
    },
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(String),
    /// Not now: trying again later may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Stored bytes are damaged.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The operating system said no.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// What the system answered.
        error: std::sync::Arc<std::io::Error>,
    },
    /// The reader was told to stop.
    #[error("{0}")]
    Stopped(Stop),
}

impl Error {
    /// An [`Error::Io`] that says what was tried.
    pub fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io { what: what.into(), error: std::sync::Arc::new(error) }
    }
}
