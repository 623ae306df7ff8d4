//! Acknowledgement: somebody takes care of an alert.
//!
//! It goes on firing. Its group does not say again what fires while all of it is acknowledged
//! (`repeat_interval`); what fires anew and what ends is told as ever. It ends with the alert: when the
//! same alert fires again, nobody takes care of it yet.

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::Router;

/// Bytes of the name of who acknowledges.
pub const BY_BYTES_MAX: usize = 256;
/// Bytes of a note.
pub const NOTE_BYTES_MAX: usize = 4096;

/// Who takes care of an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Since when, ms since the epoch.
    pub at: Timestamp,
    /// Who; at most [`BY_BYTES_MAX`] bytes.
    pub by: String,
    /// What they say to it; at most [`NOTE_BYTES_MAX`] bytes, may be empty.
    #[serde(default)]
    pub note: String,
}

/// Why nothing was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgeError {
    /// There is no such alert, or no such incident.
    #[error("no {0} is known here; see the lists of alerts and incidents")]
    Unknown(String),
    /// It does not fire, or not any more.
    #[error("{0} does not fire; only what fires can be acknowledged")]
    NotFiring(String),
    /// A text is too long or missing.
    #[error("{0}")]
    Invalid(String),
    /// It holds, but a restart would forget it.
    #[error(
        "it holds now, but cannot be recorded, and a restart would forget it; try again when the \
         disk can be written"
    )]
    NotRecorded,
}

impl Acknowledged {
    /// Checks the texts.
    ///
    /// # Errors
    /// `by` is empty or too long, or the note is too long.
    pub fn new(at: Timestamp, by: &str, note: &str) -> Result<Self, AcknowledgeError> {
        let by = by.trim();
        if by.is_empty() {
            return Err(AcknowledgeError::Invalid("by: who acknowledges must be written".into()));
        }
        for (what, text, max) in [("by", by, BY_BYTES_MAX), ("note", note, NOTE_BYTES_MAX)] {
            if text.len() > max {
                let bytes = text.len();
                let why = format!("{what}: {bytes} bytes; at most {max}, write less");
                return Err(AcknowledgeError::Invalid(why));
            }
        }
        Ok(Self { at, by: by.to_owned(), note: note.to_owned() })
    }
}

impl Router {
    /// Says who takes care of an alert that fires at `now`, or with `None` that nobody does any more.
    ///
    /// # Errors
    /// It is not known, or is over.
    pub fn acknowledge(
        &mut self,
        fp: u64,
        by: Option<Acknowledged>,
        now: Timestamp,
    ) -> Result<(), AcknowledgeError> {
        let name = || format!("alert {fp:016x}");
        let known = self.notices.get(fp).ok_or_else(|| AcknowledgeError::Unknown(name()))?;
        if known.is_resolved(now) {
            return Err(AcknowledgeError::NotFiring(name()));
        }
        self.notices.acknowledge(fp, by);
        self.changed.notices.insert(fp);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked() {
        let ok = Acknowledged::new(7, " me ", "note").unwrap();
        assert_eq!((ok.at, ok.by.as_str(), ok.note.as_str()), (7, "me", "note"));
        let wrong = |by: &str, note: &str| Acknowledged::new(0, by, note).unwrap_err().to_string();
        assert_eq!(wrong("", ""), "by: who acknowledges must be written");
        assert_eq!(wrong(&"x".repeat(257), ""), "by: 257 bytes; at most 256, write less");
        assert_eq!(wrong("x", &"x".repeat(4097)), "note: 4097 bytes; at most 4096, write less");
    }
}
