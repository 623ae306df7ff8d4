//! The one error of this crate.

/// What a caller can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An option or an input that cannot be used; the text names field, value and remedy.
    #[error("{0}")]
    Invalid(String),
    /// More than is allowed; the text names the limit.
    #[error("{0}")]
    Limit(String),
}
