//! What is kept, what can be changed, and the trait of those who keep it.

use crate::Result;

/// Events kept; the oldest go first.
pub const EVENTS_MAX: u64 = 100_000;
/// Deliveries that may wait in the outbox; more are refused, and the sender sends at once instead.
pub const PENDING_MAX: u64 = 10_000;
/// Dead and delivered letters kept, each; the oldest go first.
pub const DEAD_MAX: u64 = 1_000;
/// Bytes of one body. More is refused.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// A text with a name and a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is: `rule_state`, `dashboard`, …
    pub kind: String,
    /// Its name among its kind.
    pub id: String,
    /// Counts from 1.
    pub version: u64,
    /// When it was written, ms since the epoch.
    pub time_ms: i64,
    /// Who wrote it.
    pub author: String,
    /// The text.
    pub body: String,
}

/// Something that happened. Never changed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1, rising; 0 before it is stored.
    pub seq: u64,
    /// When it happened, ms since the epoch.
    pub time_ms: i64,
    /// What: `alert_transition`, `config_reload`, …
    pub kind: String,
    /// To whom: the fingerprint of an alert, a file name, …
    pub subject: String,
    /// The details.
    pub body: String,
}

/// Which events to read; newest first.
#[derive(Clone, Debug, Default)]
pub struct EventQuery<'q> {
    /// Only of this kind.
    pub kind: Option<&'q str>,
    /// Only about this subject.
    pub subject: Option<&'q str>,
    /// Only with a number above this.
    pub after_seq: u64,
    /// At most so many; 0 = 1,000.
    pub limit: usize,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be sent, at once or at its next attempt.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Dead,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The idempotency key: names the decision over all attempts; stored once.
    pub id: String,
    /// To which receiver.
    pub receiver: String,
    /// When it was decided, ms since the epoch.
    pub created_ms: i64,
    /// When to try next, ms since the epoch.
    pub next_ms: i64,
    /// Attempts made.
    pub attempts: u32,
    /// How far it has come.
    pub state: DeliveryState,
    /// Why the last attempt failed; empty when none did.
    pub error: String,
    /// The message.
    pub body: String,
}

impl Delivery {
    /// A new message, due at once.
    pub fn new(id: String, receiver: String, now_ms: i64, body: String) -> Self {
        Self {
            id,
            receiver,
            created_ms: now_ms,
            next_ms: now_ms,
            attempts: 0,
            state: DeliveryState::Pending,
            error: String::new(),
            body,
        }
    }
}

/// One change; several are applied as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Writes the next version of a document.
    Put {
        /// Kind of the document.
        kind: String,
        /// Its name.
        id: String,
        /// When, ms since the epoch.
        time_ms: i64,
        /// Who.
        author: String,
        /// The text.
        body: String,
        /// The version that must be stored now (0 = none); `None` = whatever it is.
        expected: Option<u64>,
        /// Versions to keep, this one included; at least 1.
        keep: u32,
    },
    /// Removes a document with all its versions. Nothing happens when there is none.
    Remove {
        /// Kind of the document.
        kind: String,
        /// Its name.
        id: String,
    },
    /// Appends an event; its `seq` is given here.
    Append(Event),
    /// Puts a message into the outbox; nothing happens when its id is known.
    Enqueue(Delivery),
    /// Replaces state, attempts, next attempt, error and body of a message that is in the outbox. A body
    /// above [`BODY_BYTES_MAX`] leaves the one that is stored.
    Update(Delivery),
}

/// Who keeps records. Calls block; async callers use a blocking thread.
pub trait Records: Send + Sync {
    /// Applies all changes in order, as a whole, durably; or none.
    ///
    /// # Errors
    /// `Conflict`, `Limit`, `Io`.
    fn apply(&self, changes: &[Change]) -> Result<()>;

    /// The newest version of a document.
    ///
    /// # Errors
    /// `Io`.
    fn document(&self, kind: &str, id: &str) -> Result<Option<Document>>;

    /// The newest versions of all documents of a kind, by name.
    ///
    /// # Errors
    /// `Io`.
    fn documents(&self, kind: &str) -> Result<Vec<Document>>;

    /// All kept versions of a document, newest first.
    ///
    /// # Errors
    /// `Io`.
    fn history(&self, kind: &str, id: &str) -> Result<Vec<Document>>;

    /// Events, newest first.
    ///
    /// # Errors
    /// `Io`.
    fn events(&self, query: &EventQuery<'_>) -> Result<Vec<Event>>;

    /// Messages in this state, the one with the earliest next attempt first; at most `limit`.
    ///
    /// # Errors
    /// `Io`.
    fn deliveries(&self, state: DeliveryState, limit: usize) -> Result<Vec<Delivery>>;
}
