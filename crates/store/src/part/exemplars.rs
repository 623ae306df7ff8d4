//! Exemplars of a part: rows in compressed blocks, found by the number of their series.

use std::sync::Arc;

use plimsoll_model::{Exemplar, LABEL_SET_BYTES_MAX, LabelsRef, TimeRange};

use super::layout::{Kind, Section};
use super::reader::PartReader;
use super::squeeze;
use crate::cache::{Cached, Key, What};
use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

/// A block is closed when it is longer than this before compression.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes of a block before compression at most.
const BLOCK_BYTES_MAX: usize = 16 << 20;
/// Exemplars of one series.
const SERIES_EXEMPLARS_MAX: usize = 1 << 16;

/// Collects the section while series are added.
#[derive(Default)]
pub(super) struct ExemplarsWriter {
    /// First series and length of each block.
    directory: Vec<(u32, u32)>,
    blocks: Vec<u8>,
    open: Vec<u8>,
    first: u32,
    /// The series after the last one that has exemplars.
    next: u32,
}

impl ExemplarsWriter {
    pub(super) fn add(&mut self, ordinal: u32, list: &[Arc<Exemplar>]) -> Result<()> {
        if list.is_empty() {
            return Ok(());
        }
        if ordinal < self.next || !list.is_sorted_by(|a, b| a.time <= b.time) {
            return Err(Error::Invalid("part: exemplars out of order".to_owned()));
        }
        let bytes: usize = list.iter().map(|e| 40 + e.labels.as_ref().as_bytes().len()).sum();
        if list.len() > SERIES_EXEMPLARS_MAX || bytes > BLOCK_BYTES_MAX - BLOCK_BYTES - 64 {
            return Err(Error::Limit(format!("part: {} exemplars of one series", list.len())));
        }
        if self.open.is_empty() {
            (self.first, self.next) = (ordinal, ordinal);
        }
        put_u64(&mut self.open, u64::from(ordinal - self.next));
        put_u64(&mut self.open, list.len() as u64);
        let mut time = 0;
        for e in list {
            put_i64(&mut self.open, e.time.wrapping_sub(time));
            time = e.time;
            self.open.extend_from_slice(&e.value.to_bits().to_le_bytes());
            let labels = e.labels.as_ref().as_bytes();
            put_u64(&mut self.open, labels.len() as u64);
            self.open.extend_from_slice(labels);
        }
        self.next = ordinal + 1;
        if self.open.len() >= BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let from = self.blocks.len();
        squeeze::put(&self.open, &mut self.blocks)?;
        self.open.clear();
        self.directory.push((self.first, (self.blocks.len() - from) as u32));
        Ok(())
    }

    /// The section, if there is anything in it.
    pub(super) fn finish(&mut self) -> Result<Option<Vec<u8>>> {
        if !self.open.is_empty() {
            self.end_block()?;
        }
        if self.directory.is_empty() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(self.blocks.len() + 10 * self.directory.len());
        put_u64(&mut out, self.directory.len() as u64);
        for (first, len) in &self.directory {
            put_u64(&mut out, u64::from(*first));
            put_u64(&mut out, u64::from(*len));
        }
        out.extend_from_slice(&self.blocks);
        Ok(Some(out))
    }
}

/// A block as the directory names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    first: u32,
    offset: u64,
    len: u32,
}

impl PartReader {
    /// Appends the exemplars of a series within `range`, rising in time.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; the list is then as before.
    pub fn exemplars(
        &self,
        ordinal: u32,
        range: TimeRange,
        out: &mut Vec<Arc<Exemplar>>,
    ) -> Result<()> {
        let before = out.len();
        let done = self.exemplars_inner(ordinal, range, out);
        if done.is_err() {
            out.truncate(before);
        }
        done.map_err(|e| self.named(e))
    }

    fn exemplars_inner(
        &self,
        ordinal: u32,
        range: TimeRange,
        out: &mut Vec<Arc<Exemplar>>,
    ) -> Result<()> {
        let blocks = self.exemplar_blocks()?;
        let at = blocks.partition_point(|b| b.first <= ordinal);
        let Some(at) = at.checked_sub(1) else { return Ok(()) };
        let (block, plain) = (blocks[at], self.rows_of(at, blocks[at])?);
        let mut c = Cursor::new(&plain);
        let mut at = u64::from(block.first);
        while !c.is_empty() {
            at = at.saturating_add(c.varint()?);
            let count = c.bounded("exemplars", SERIES_EXEMPLARS_MAX)?;
            let mut time = 0i64;
            for _ in 0..count {
                time = time.wrapping_add(c.zigzag()?);
                let value = f64::from_bits(c.u64()?);
                let len = c.bounded("labels of an exemplar", LABEL_SET_BYTES_MAX)?;
                let labels = c.take(len)?;
                if at == u64::from(ordinal) && range.contains(time) {
                    let labels = LabelsRef::checked(labels)
                        .map_err(|e| Error::corrupt(e.to_string()))?
                        .to_labels();
                    out.push(Arc::new(Exemplar { labels, value, time }));
                }
            }
            if at >= u64::from(ordinal) {
                break;
            }
            at += 1;
        }
        Ok(())
    }

    /// The plain rows of a block.
    fn rows_of(&self, at: usize, block: Rows) -> Result<Arc<[u8]>> {
        let key = Key { part: self.id, what: What::Rows, index: at as u64 };
        if let Some(Cached::Page(plain)) = self.cache.get(key) {
            return Ok(plain);
        }
        let plain: Arc<[u8]> = self
            .with_bytes(block.offset, block.len as usize, |bytes| {
                squeeze::take(bytes, BLOCK_BYTES_MAX)
            })?
            .into();
        self.cache.put(key, Cached::Page(plain.clone()));
        Ok(plain)
    }

    /// Whether any series has exemplars.
    pub fn has_exemplars(&self) -> bool {
        self.section(Kind::Exemplars).is_ok()
    }

    fn exemplar_blocks(&self) -> Result<&[Rows]> {
        if let Some(blocks) = self.rows.get() {
            return Ok(blocks);
        }
        let blocks = match self.section(Kind::Exemplars) {
            Ok(s) => self.with_bytes(s.offset, s.len as usize, |bytes| decode_blocks(bytes, s))?,
            Err(_) => Vec::new(),
        };
        Ok(self.rows.get_or_init(|| blocks))
    }
}

fn decode_blocks(bytes: &[u8], s: Section) -> Result<Vec<Rows>> {
    let mut c = Cursor::new(bytes);
    let n = c.bounded("blocks of exemplars", bytes.len() / 2)?;
    let mut list: Vec<Rows> = Vec::with_capacity(n);
    for _ in 0..n {
        let first = c.bounded("series of exemplars", u32::MAX as usize)? as u32;
        let len = c.bounded("block bytes", bytes.len())? as u32;
        if list.last().is_some_and(|b| b.first >= first) {
            return Err(Error::corrupt("blocks of exemplars do not ascend"));
        }
        list.push(Rows { first, offset: 0, len });
    }
    let mut at = s.offset + (bytes.len() - c.left()) as u64;
    for b in &mut list {
        b.offset = at;
        at += u64::from(b.len);
    }
    if at != s.offset + s.len {
        return Err(Error::corrupt("blocks of exemplars do not fill the section"));
    }
    Ok(list)
}
