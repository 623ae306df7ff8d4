//! The one error of this crate. Analyses answer `None` where there is nothing to say; only stored state can be wrong.

/// What a caller can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes that are no detector state: start the detector afresh.
    #[error("detector state: {what} at byte {at}; discard it and let the detector learn again")]
    Corrupt {
        /// What does not fit.
        what: &'static str,
        /// Offset of the offending bytes.
        at: usize,
    },
}
