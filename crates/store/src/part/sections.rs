//! Sections of a part that grow while its series are written: columns of times that many series
//! share, and the blocks of series.

use hashbrown::HashMap;

use super::layout::{BLOCK_SERIES, HEADER_BYTES, SeqRange, SeriesStats};
use super::paged::PagedFile;
use super::series::{BlockWriter, ChunkRef, Flags};
use crate::Result;
use crate::codec::times;
use crate::codec::values::Packing;
use crate::codec::varint::{put_i64, put_u64};

/// The distinct columns of times written so far.
#[derive(Default)]
pub(super) struct Columns {
    by_hash: HashMap<u128, u32>,
    pub list: Vec<ColumnOut>,
    /// Times of the column used last: series that are scraped together come together.
    last: Option<(u32, Vec<i64>)>,
    encoder: times::Encoder,
    scratch: Vec<u8>,
}

pub(super) struct ColumnOut {
    offset: u64,
    len: u32,
    pub n: u32,
    pub first: i64,
    pub last: i64,
    hash: u128,
}

impl Columns {
    /// The id of the column with these times; writes it if it is new.
    pub(super) fn id_of(
        &mut self,
        t: &[i64],
        packing: Packing,
        file: &mut PagedFile,
    ) -> Result<u32> {
        if let Some((id, last)) = &self.last
            && last == t
        {
            return Ok(*id);
        }
        let hash = times::content_hash(t);
        let id = match self.by_hash.get(&hash) {
            Some(id) => *id,
            None => self.write(t, hash, packing, file)?,
        };
        let mut kept = self.last.take().map(|(_, v)| v).unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(t);
        self.last = Some((id, kept));
        Ok(id)
    }

    fn write(
        &mut self,
        t: &[i64],
        hash: u128,
        packing: Packing,
        file: &mut PagedFile,
    ) -> Result<u32> {
        let scratch = &mut self.scratch;
        scratch.clear();
        self.encoder.encode(t, packing, scratch);
        let id = self.list.len() as u32;
        self.list.push(ColumnOut {
            offset: file.len,
            len: scratch.len() as u32,
            n: t.len() as u32,
            first: t[0],
            last: t[t.len() - 1],
            hash,
        });
        self.by_hash.insert(hash, id);
        file.write(scratch)?;
        Ok(id)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut b = Vec::with_capacity(32 * self.list.len() + 8);
        put_u64(&mut b, self.list.len() as u64);
        let (mut end, mut first) = (HEADER_BYTES as u64, 0i64);
        for c in &self.list {
            put_u64(&mut b, c.offset - end);
            put_u64(&mut b, u64::from(c.len));
            put_u64(&mut b, u64::from(c.n));
            put_i64(&mut b, c.first.wrapping_sub(first));
            put_u64(&mut b, c.last.wrapping_sub(c.first) as u64);
            b.extend_from_slice(&c.hash.to_le_bytes());
            (end, first) = (c.offset + u64::from(c.len), c.first);
        }
        b
    }
}

/// The Series section: compressed blocks of 64.
#[derive(Default)]
pub(super) struct SeriesSection {
    pub count: u64,
    open: BlockWriter,
    lens: Vec<u32>,
    blocks: Vec<u8>,
    room: Vec<u8>,
}

impl SeriesSection {
    pub(super) fn add(
        &mut self,
        labels: &[u8],
        flags: Flags,
        seq: SeqRange,
        chunks: &[ChunkRef],
        stats: Option<&SeriesStats>,
    ) -> Result<()> {
        self.open.add(labels, flags, seq, chunks, stats);
        self.count += 1;
        if self.open.len() == BLOCK_SERIES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let from = self.blocks.len();
        self.open.finish(&mut self.room, &mut self.blocks)?;
        self.lens.push((self.blocks.len() - from) as u32);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        if self.open.len() > 0 {
            self.end_block()?;
        }
        let mut out = Vec::with_capacity(self.blocks.len() + 4 * self.lens.len() + 20);
        put_u64(&mut out, self.count);
        put_u64(&mut out, self.lens.len() as u64);
        for len in &self.lens {
            put_u64(&mut out, u64::from(*len));
        }
        out.extend_from_slice(&self.blocks);
        Ok(out)
    }
}
