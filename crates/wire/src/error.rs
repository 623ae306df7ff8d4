//! What can be wrong with bytes from outside.

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a protocol reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not what the protocol allows; sending them again will not help.
    #[error("{0}")]
    Invalid(String),
    /// The bytes are larger than a limit. `limit` names the setting to change.
    #[error("{what}: limit {limit} = {max} reached; raise {limit} or send less")]
    Limit {
        /// The setting that holds the limit.
        limit: &'static str,
        /// Its value.
        max: u64,
        /// What ran into it.
        what: String,
    },
}

impl Error {
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}

impl From<Error> for plimsoll_model::Error {
    fn from(e: Error) -> Self {
        match e {
            Error::Invalid(why) => Self::Invalid(why),
            Error::Limit { limit, max, what } => Self::Limit { limit, max, what },
        }
    }
}
