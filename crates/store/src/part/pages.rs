//! What a part knows of a series without decoding its values.

use plimsoll_model::{Page, TimeRange};

use super::layout::SeriesStats;
use super::reader::PartReader;
use super::samples::page_range;
use super::series::{ChunkKind, ChunkRef};
use crate::codec::PAGE_SAMPLES;
use crate::codec::values::{self, PageFigures};
use crate::{Error, Result};

impl PartReader {
    /// Appends the pieces of a series that overlap `range`, in rising time, each with what is known
    /// of it: the whole series where `range` holds it and it has figures, else its pages. A piece
    /// that `range` cuts, or of which nothing is known, is marked as cut: it must be read. Figures
    /// that are not known are NaN.
    ///
    /// # Errors
    /// As [`PartReader::read`]; the list may then have grown.
    pub fn pages(&self, ordinal: u32, range: TimeRange, out: &mut Vec<Page>) -> Result<()> {
        self.pages_inner(ordinal, range, out).map_err(|e| self.named(e))
    }

    fn pages_inner(&self, ordinal: u32, range: TimeRange, out: &mut Vec<Page>) -> Result<()> {
        let (block, i) = self.block_of(ordinal)?;
        let entry = block.entry(i);
        if let (Some(stats), [first, .., last] | [first @ last]) = (entry.stats, &*entry.chunks) {
            let (first, last) = (self.column_of(first)?.range, self.column_of(last)?.range);
            if range.contains(first.start) && range.contains(last.end) {
                out.push(of_series(first.union(last), &stats));
                return Ok(());
            }
        }
        for chunk in &entry.chunks {
            if range.overlaps(self.column_of(chunk)?.range) {
                self.pages_of(chunk, range, out)?;
            }
        }
        Ok(())
    }

    fn pages_of(&self, chunk: &ChunkRef, range: TimeRange, out: &mut Vec<Page>) -> Result<()> {
        let column = self.column_of(chunk)?;
        if chunk.kind == ChunkKind::Histograms {
            out.push(Page::cut(column.range));
            return Ok(());
        }
        let figures = self.with_bytes(chunk.offset, chunk.len as usize, |bytes| {
            values::page_figures(bytes, chunk.n as usize)
        })?;
        if figures.len() != (chunk.n as usize).div_ceil(PAGE_SAMPLES) {
            return Err(Error::corrupt("not as many pages as samples want"));
        }
        let bounds = self.page_bounds(chunk.column, column)?;
        for (page, known) in figures.iter().enumerate() {
            let bounds = page_range(bounds.as_ref(), column, page);
            if !range.overlaps(bounds) {
                continue;
            }
            let times = self.times_page(chunk.column, column, page, bounds)?;
            let (Some(&start), Some(&end)) = (times.first(), times.last()) else { continue };
            let exact = TimeRange { start, end };
            match known {
                Some(f) if range.contains(start) && range.contains(end) => {
                    out.push(of_page(exact, f));
                }
                _ if range.overlaps(exact) => out.push(Page::cut(exact)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn of_series(range: TimeRange, s: &SeriesStats) -> Page {
    Page {
        range,
        cut: false,
        count: u32::try_from(s.count).unwrap_or(u32::MAX),
        min: s.min,
        max: s.max,
        first: s.first,
        last: s.last,
        sum: s.sum,
        corr: s.corr,
    }
}

fn of_page(range: TimeRange, f: &PageFigures) -> Page {
    let sum = f64::NAN;
    let (min, max, first, last, corr) = (f.min, f.max, f.first, f.last, f.corr);
    Page { range, cut: false, count: f.count, min, max, first, last, sum, corr }
}
