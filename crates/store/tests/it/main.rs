//! The integration tests of the storage engine: one binary.

// In a test an error that was not expected is a failure.
#![allow(clippy::unwrap_used)]

mod engine;
mod parts;
