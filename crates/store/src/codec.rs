//! Encodings of columns: integers, timestamps, values. Pure functions over bytes.

pub mod varint;
