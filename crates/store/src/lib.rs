//! The embedded time-series engine: samples in, ordered and numbered by one write-ahead log;
//! held in a head; flushed into immutable parts; merged into one part per closed day.
//!
//! Promises: what was acknowledged survives `kill -9`; a value read back is bit for bit the value
//! written; damaged bytes are an error of the piece they damage, never a wrong value and never a
//! panic. The formats are described in `docs/format/` (`part.md`, `wal.md`, `manifest.md`).
//! This crate knows nothing of queries; it meets them in `plimsoll_model::SeriesSource`.
#![forbid(unsafe_code)]

mod cache;
pub mod codec;
mod config;
mod engine;
mod error;
mod filenames;
mod flush;
mod head;
mod manifest;
pub mod merge;
mod metrics;
pub mod part;
mod read;
mod registry;
mod retention;
mod rollup;
mod sealed;
mod verify;
mod wal;

pub use cache::{CacheStats, PageCache};
pub use config::{Config, Mode, RetentionOverride, WalSync};
pub use engine::{OpenReport, Report, Stats, Store, TsdbStatus, restore};
pub use error::{Error, Result};
pub use manifest::fuzz_manifest;
pub use registry::LimitStatus;
pub use sealed::{SealKey, fuzz_sealed, rotate};
pub use verify::{VerifyReport, verify};
pub use wal::record::fuzz_wal_record;
