//! The one error of the crate. A variant is what a caller can act on; the text says what was
//! tried, on what, what was expected, and what now. Nothing here holds sample values or labels
//! longer than a message needs.

use std::io;

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be served as it is asked: a bad matcher, labels out of order, a value
    /// out of its range. Asking again unchanged fails again.
    #[error("{0}")]
    Invalid(String),
    /// A bound was reached; the text names it.
    #[error("{0}")]
    Limit(String),
    /// A file, part or series that is named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// Another writer or another instance holds what was asked for.
    #[error("{0}")]
    Conflict(String),
    /// Not now: stopping, cancelled, full or failing disk. Trying later may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// Stored bytes are not what was written. Says where; the piece must be set aside.
    #[error("{0}")]
    Corrupt(String),
    /// The disk refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, on which file.
        what: String,
        /// What the disk said.
        source: io::Error,
    },
}

impl Error {
    /// An error about stored bytes.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// An error of the disk, with what was tried.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        // What a sealing disk says of bytes that no key opens.
        if source.kind() == io::ErrorKind::InvalidData {
            return Self::Corrupt(format!("{}: {source}", what.into()));
        }
        Self::Io { what: what.into(), source }
    }

    /// True where the bytes on disk are at fault, so that the piece must be quarantined.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt(_))
    }
}

impl From<Error> for plimsoll_model::Error {
    fn from(e: Error) -> Self {
        match e {
            Error::Invalid(text) | Error::Conflict(text) => Self::Invalid(text),
            Error::Limit(what) => Self::Unavailable(what),
            Error::NotFound(what) => Self::NotFound(what),
            Error::Unavailable(why) => Self::Unavailable(why),
            Error::Corrupt(what) => Self::Corrupt(what),
            Error::Io { what, source } => Self::io(what, source),
        }
    }
}
