//! Bytes to model and back: one module per protocol, no sockets, no clock.
//!
//! Promise: any bytes give a value or an [`Error`], never a panic, and memory stays within the
//! limits that the caller passes. Labels are parsed only for series that the caller does not know.
//! - [`remote_write`]: Prometheus remote write 1.0 and 2.0.
//! - [`remote_read`]: Prometheus remote read, samples and streamed [`chunks`].
//! - [`otlp`]: OpenTelemetry metrics in protobuf and JSON, to series as Prometheus names them.
//! - [`blocks`]: Prometheus' TSDB blocks, for import.
//! - [`csv`]: tables of samples.
//! - [`text`]: Prometheus text 0.0.4 and 1.0.0, OpenMetrics 1.0; reader and writer.
//! - [`fuzz`]: one entry point per parser for mutation tests and fuzzers.

#![forbid(unsafe_code)]

pub mod blocks;
pub mod chunks;
pub mod csv;
mod error;
pub mod fuzz;
pub mod otlp;
mod proto;
pub mod remote_read;
pub mod remote_write;
pub mod text;

pub use error::{Error, Result};
