//! What is not a time series: documents with versions, an append-only log of events, an outbox.
//!
//! A set of [`Change`]s is applied as a whole or not at all, and is durable when [`Records::apply`]
//! returns. The types stored belong to the crates that own them; here they are texts (JSON).
//! [`SqliteRecords`] keeps them in one SQLite file, [`SimRecords`] in memory, with failures on
//! demand. Limits: [`EVENTS_MAX`], [`PENDING_MAX`], [`DEAD_MAX`], [`BODY_BYTES_MAX`].
//! The tables are described in `docs/format/records.md`.

#![forbid(unsafe_code)]

mod change;
mod error;
mod simulated;
mod sqlite;

pub use change::{
    BODY_BYTES_MAX, Change, DEAD_MAX, Delivery, DeliveryState, Document, EVENTS_MAX, Event,
    EventQuery, PENDING_MAX, Records,
};
pub use error::{Error, Result};
pub use simulated::SimRecords;
pub use sqlite::SqliteRecords;
