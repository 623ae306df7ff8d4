//! Goes through a part, series by series in canonical order, without troubling the page cache.

use std::sync::Arc;

use plimsoll_model::{LabelsRef, Run, TimeRange};

use super::layout::{BLOCK_SERIES, SeqRange};
use super::reader::{Near, PartReader};
use super::series::SeriesBlock;
use crate::{Error, Result};

/// Stands at a series of a part, or behind the last one.
pub(crate) struct Scan<'p> {
    part: &'p PartReader,
    near: Near,
    ordinal: u32,
    /// The block of the series; none behind the last one.
    block: Option<Arc<SeriesBlock>>,
}

impl<'p> Scan<'p> {
    /// At the first series.
    pub(crate) fn new(part: &'p PartReader) -> Result<Self> {
        Self::at(part, 0)
    }

    /// At a series.
    pub(crate) fn at(part: &'p PartReader, ordinal: u32) -> Result<Self> {
        let near = Near::of_whole();
        let block = Some(part.block_of(ordinal)?.0);
        Ok(Self { part, near, ordinal, block })
    }

    /// The first series of the block after that of `ordinal`.
    pub(crate) const fn next_block(ordinal: u32) -> u32 {
        (ordinal / BLOCK_SERIES as u32).saturating_add(1).saturating_mul(BLOCK_SERIES as u32)
    }

    /// The part.
    pub(crate) fn part(&self) -> &'p PartReader {
        self.part
    }

    /// The number of the series.
    pub(crate) fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Whether it stands at a series.
    pub(crate) fn more(&self) -> bool {
        self.block.is_some()
    }

    fn place(&self) -> usize {
        self.ordinal as usize % BLOCK_SERIES
    }

    /// Canonical labels of the series; nothing behind the last one.
    pub(crate) fn labels(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |b| b.labels(self.place()))
    }

    /// The same.
    pub(crate) fn labels_ref(&self) -> LabelsRef<'_> {
        LabelsRef::from_canonical(self.labels())
    }

    /// Number of its chunks.
    pub(crate) fn chunks(&self) -> usize {
        self.block.as_ref().map_or(0, |b| b.entry(self.place()).chunks.len())
    }

    /// As [`Scan::read`], of one chunk.
    pub(crate) fn read_chunk(
        &mut self,
        chunk: usize,
        range: TimeRange,
        out: &mut Run,
    ) -> Result<()> {
        let Some(block) = &self.block else { return Ok(()) };
        let entry = block.entry(self.ordinal as usize % BLOCK_SERIES);
        let Some(chunk) = entry.chunks.get(chunk) else { return Ok(()) };
        self.part.read_chunk(&mut self.near, chunk, range, out)
    }

    /// Commit numbers of the series.
    pub(crate) fn seq(&self) -> SeqRange {
        self.block.as_ref().map_or(SeqRange::new(0, 0), |b| b.entry(self.place()).seq)
    }

    /// Appends the samples of the series within `range`. After an error the columns may have grown.
    pub(crate) fn read(&mut self, range: TimeRange, out: &mut Run) -> Result<()> {
        let Some(block) = &self.block else { return Ok(()) };
        let entry = block.entry(self.ordinal as usize % BLOCK_SERIES);
        self.part.read_entry(&mut self.near, entry, range, out)
    }

    /// Goes to the next series.
    pub(crate) fn next(&mut self) -> Result<()> {
        let Some(old) = self.block.take() else { return Ok(()) };
        let before = self.place();
        self.ordinal += 1;
        if self.ordinal >= self.part.series() {
            return Ok(());
        }
        let block = match self.place() {
            0 => self.part.block_of(self.ordinal)?.0,
            _ => old.clone(),
        };
        if block.labels(self.place()) <= old.labels(before) {
            return Err(Error::corrupt(format!("series {} is out of order", self.ordinal)));
        }
        self.block = Some(block);
        Ok(())
    }
}
