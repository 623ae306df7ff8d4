//! Reads the chunks of a tier part, which the tier decodes itself.

use plimsoll_model::TimeRange;

use super::reader::{Near, PartReader};
use crate::{Error, Result};

/// Takes times and payload of a bundle.
pub type EachBundle<'f> = dyn FnMut(&[i64], &[u8]) -> Result<()> + 'f;

impl PartReader {
    /// Calls `each` with times and payload of every bundle of a series of a tier part that has
    /// times within `range`, in rising time.
    ///
    /// # Errors
    /// As [`PartReader::read`], and what `each` gives.
    pub fn bundles(&self, ordinal: u32, range: TimeRange, each: &mut EachBundle<'_>) -> Result<()> {
        let mut inner = || {
            let (block, i) = self.block_of(ordinal)?;
            let (mut near, mut times) = (Near::default(), Vec::new());
            for chunk in &block.entry(i).chunks {
                let column = self.column_of(chunk)?;
                if range.overlaps(column.range) {
                    times.clear();
                    self.times_of(chunk.column, column, TimeRange::ALL, &mut times)?;
                    self.with_bytes_near(&mut near, chunk.offset, chunk.len as usize, |payload| {
                        each(&times, payload)
                    })?;
                }
            }
            Ok(())
        };
        inner().map_err(|e| self.named(e))
    }

    /// The times of a column by its id.
    ///
    /// # Errors
    /// `Corrupt` for a column that the part does not have, `Io`.
    pub fn column_times(&self, id: u32) -> Result<Vec<i64>> {
        let column = self.columns()?.get(id as usize).copied();
        let column = column
            .ok_or_else(|| self.named(Error::corrupt(format!("no timestamp column {id}"))))?;
        let mut times = Vec::with_capacity(column.n as usize);
        self.times_of(id, column, TimeRange::ALL, &mut times)?;
        Ok(times)
    }
}
