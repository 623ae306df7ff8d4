//! The write-ahead log: `docs/format/wal.md`.
//!
//! [`record`] encodes and decodes single records (pure), [`segment`] writes one file, [`log`] keeps
//! the promise (order, sync policy, rewriting after a failure), [`replay`] reads everything back.

pub mod log;
pub mod record;
pub mod replay;
pub mod segment;

pub use log::Wal;
