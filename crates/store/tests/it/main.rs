//! The integration tests of the storage engine: one binary.

mod parts;
