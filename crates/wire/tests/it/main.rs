//! Integration tests of the protocol readers: conformance tables and damaged input.

mod mutations;
mod text;
