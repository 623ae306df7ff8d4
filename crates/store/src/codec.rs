//! Encodings of columns: bit-packed integers, timestamps, values. Pure functions over bytes.
//!
//! Bytes are those of `docs/format/part.md`. Everything that decodes takes any bytes and answers
//! with values or an error; memory is taken only for counts within [`CHUNK_SAMPLES_MAX`].

mod bits;
mod dense;
pub mod histograms;
pub(crate) mod ints;
pub mod times;
pub mod values;
pub mod varint;

/// Samples of one chunk at most; a decoder refuses more.
pub const CHUNK_SAMPLES_MAX: usize = 8192;
/// Samples of a page, the unit that is decoded: two hours at 15 s. A range read decodes the pages
/// that it touches and no others.
pub const PAGE_SAMPLES: usize = 480;
/// Where the writer cuts chunks: 16 whole pages.
pub const CHUNK_SAMPLES: usize = 16 * PAGE_SAMPLES;
