//! The write-ahead log: `docs/format/wal.md`.
//!
//! [`record`] encodes and decodes single records (`samples` those of samples) and [`histogram`] single histograms (pure), [`segment`] writes one file, [`log`] keeps
//! the promise (order, sync policy, rewriting after a failure), [`replay`] reads everything back.

pub mod histogram;
pub mod log;
pub mod record;
pub mod replay;
mod samples;
pub mod segment;

pub use log::Wal;
