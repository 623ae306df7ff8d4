//! Goes through a part, series by series in canonical order, without troubling the page cache.

use std::sync::Arc;

use plimsoll_model::{Run, TimeRange};

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
        let near = Near::of_whole();
        let block = Some(part.block_of(0)?.0);
        Ok(Self { part, near, ordinal: 0, block })
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

    fn at(&self) -> usize {
        self.ordinal as usize % BLOCK_SERIES
    }

    /// Canonical labels of the series; nothing behind the last one.
    pub(crate) fn labels(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |b| b.labels(self.at()))
    }

    /// Commit numbers of the series.
    pub(crate) fn seq(&self) -> SeqRange {
        self.block.as_ref().map_or(SeqRange::new(0, 0), |b| b.entry(self.at()).seq)
    }

    /// Appends the samples of the series within `range`. After an error the columns may have grown.
    pub(crate) fn read(&mut self, range: TimeRange, out: &mut Run) -> Result<()> {
        let Some(block) = &self.block else { return Ok(()) };
        let entry = block.entry(self.at());
        self.part.read_entry(&mut self.near, entry, range, out)
    }

    /// Goes to the next series.
    pub(crate) fn next(&mut self) -> Result<()> {
        let Some(old) = self.block.take() else { return Ok(()) };
        let before = self.at();
        self.ordinal += 1;
        if self.ordinal >= self.part.series() {
            return Ok(());
        }
        let block = match self.at() {
            0 => self.part.block_of(self.ordinal)?.0,
            _ => old.clone(),
        };
        if block.labels(self.at()) <= old.labels(before) {
            return Err(Error::corrupt(format!("series {} is out of order", self.ordinal)));
        }
        self.block = Some(block);
        Ok(())
    }
}
