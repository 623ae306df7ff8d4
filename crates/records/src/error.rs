//! What can go wrong with records, by what a caller can do about it.

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the record keeper.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed the document since it was read.
    #[error("{kind} {id}: version {found} is stored, {expected} was expected; read it again")]
    Conflict {
        /// Kind of the document.
        kind: String,
        /// Its name.
        id: String,
        /// The version that is stored; 0 = none.
        found: u64,
        /// The version that the writer had read.
        expected: u64,
    },
    /// A bound was reached.
    #[error("{what}: limit {max} reached")]
    Limit {
        /// What ran into it.
        what: &'static str,
        /// The bound.
        max: u64,
    },
    /// The file cannot be written or read now: a full disk, a dead one, a lock.
    #[error("records: {what}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system or SQLite answered.
        error: String,
    },
    /// The file is not what it should be.
    #[error("records: {0}")]
    Corrupt(String),
}
