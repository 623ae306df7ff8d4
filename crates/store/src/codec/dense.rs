//! Columns of integers, entropy-coded by `pco` in pages of 480 that share one set of tables.
//!
//! The tables cost some bytes and microseconds per chunk, so that only chunks of a page and more
//! come here, and only where they end up clearly smaller than bit-packed. What is read back is held to
//! what is written here: classic mode, at most two rounds of differences.

use std::cell::RefCell;

use ::pco::metadata::{DeltaEncoding, Mode};
use ::pco::wrapped::{ChunkDecompressor, FileCompressor, FileDecompressor};
use ::pco::{ChunkConfig, DecompressorScratch, DeltaSpec, FULL_BATCH_N, ModeSpec, PagingSpec};

use super::PAGE_SAMPLES;
use super::ints::put_directory;
use super::varint::put_u64;
use crate::{Error, Result};

/// Level of `pco`: from 4 to 8 the bytes shrink by 2 %, for two and a half times the time.
const LEVEL: usize = 4;
/// Bytes of the tables at most. The largest that level 4 makes is below 2 KiB.
const TABLES_BYTES_MAX: usize = 64 << 10;

/// Appends directory, tables and pages of `ints` after `order` rounds of differences. False, and
/// nothing appended, when the library refuses. `pages` is room.
pub(super) fn encode(ints: &[i64], order: usize, pages: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let done = try_encode(ints, order, pages, out).is_ok();
    if !done {
        out.truncate(start);
    }
    done
}

fn try_encode(
    ints: &[i64],
    order: usize,
    pages: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> ::pco::errors::PcoResult<()> {
    let lengths = ints.chunks(PAGE_SAMPLES).map(<[i64]>::len).collect();
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_mode_spec(ModeSpec::Classic)
        .with_delta_spec(DeltaSpec::TryConsecutive(order))
        .with_paging_spec(PagingSpec::Exact(lengths));
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(ints, &config)?;
    pages.clear();
    for (i, page) in ints.chunks(PAGE_SAMPLES).enumerate() {
        let from = pages.len();
        chunk.write_page(i, &mut *pages)?;
        if ints.len() > PAGE_SAMPLES {
            put_directory(page, pages.len() - from, out);
        }
    }
    let mut tables = Vec::with_capacity(chunk.meta_size_hint() + 8);
    file.write_header(&mut tables)?;
    chunk.write_meta(&mut tables)?;
    put_u64(out, tables.len() as u64);
    out.extend_from_slice(&tables);
    out.extend_from_slice(pages);
    Ok(())
}

thread_local! {
    /// Room of the decoder, 12 KiB, which holds nothing between two chunks.
    static ROOM: RefCell<Option<DecompressorScratch>> = const { RefCell::new(None) };
}

/// Tables of a chunk, ready to read its pages.
pub(super) struct Dense {
    chunk: ChunkDecompressor<i64>,
    /// Taken from the thread, and given back at the end.
    room: Option<DecompressorScratch>,
}

impl Drop for Dense {
    fn drop(&mut self) {
        ROOM.set(self.room.take());
    }
}

impl Dense {
    pub(super) fn open(tables: &[u8]) -> Result<Self> {
        if tables.len() > TABLES_BYTES_MAX {
            return Err(Error::corrupt(format!("coding tables of {} bytes", tables.len())));
        }
        let (file, rest) = FileDecompressor::new(tables).map_err(corrupt)?;
        let (chunk, rest) = file.chunk_decompressor::<i64, _>(rest).map_err(corrupt)?;
        let order = match chunk.meta().delta_encoding {
            DeltaEncoding::NoOp => 0,
            DeltaEncoding::Consecutive { order, .. } => order,
            _ => usize::MAX,
        };
        if !rest.is_empty() || !matches!(chunk.meta().mode, Mode::Classic) || order > 2 {
            return Err(Error::corrupt("coding tables of a kind that no writer makes"));
        }
        let room = Some(ROOM.take().unwrap_or_default());
        Ok(Self { chunk, room })
    }

    /// Fills `out` from a page of as many integers, or at least its first `upto`.
    pub(super) fn page(&mut self, bytes: &[u8], out: &mut [i64], upto: usize) -> Result<()> {
        let mut page = self
            .chunk
            .page_decompressor_with_scratch(bytes, out.len(), self.room.get_or_insert_default())
            .map_err(corrupt)?;
        let batches = upto.div_ceil(FULL_BATCH_N) * FULL_BATCH_N;
        if batches < out.len() {
            let progress = page.read(&mut out[..batches]).map_err(corrupt)?;
            return match progress.n_processed {
                n if n >= upto => Ok(()),
                _ => Err(Error::corrupt("a dense page is cut")),
            };
        }
        let progress = page.read(out).map_err(corrupt)?;
        if !progress.finished || progress.n_processed != out.len() || !page.into_src().is_empty() {
            return Err(Error::corrupt("a dense page is not as long as its integers"));
        }
        Ok(())
    }
}

fn corrupt(e: impl std::fmt::Display) -> Error {
    Error::corrupt(format!("dense page: {e}"))
}
