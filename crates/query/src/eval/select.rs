//! Selectors: which series, at which times.

use plimsoll_model::{
    Bucket, Grid, Hint, LabelScratch, Matcher, Resolution, Scratch, Selection, TimeRange,
};

use super::newest::{Newest, Pick};
use super::room::Room;
use super::told::Reading;
use super::{ABSENT, Eval, Series, is_absent};
use crate::ast::{At, MatchOp, Modifiers, VectorSelector};
use crate::engine::{QueryError, QueryResult as Result};

/// Where `@` and `offset` move an evaluation time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// The time that replaces the evaluation time.
    pub at: Option<i64>,
    /// What is then subtracted, ms.
    pub offset_ms: i64,
}

impl Shift {
    /// The time that is read for the evaluation time `t`.
    pub fn time(self, t: i64) -> i64 {
        self.at.unwrap_or(t).saturating_sub(self.offset_ms)
    }

    /// The first and the last time that are read for a grid.
    pub fn ends(self, grid: Grid) -> (i64, i64) {
        (self.time(grid.start), self.time(grid.at(grid.len().saturating_sub(1))))
    }
}

impl Eval<'_> {
    /// What the modifiers of a selector or subquery mean in this query.
    pub(super) fn shift(&self, modifiers: &Modifiers) -> Result<Shift> {
        let at = modifiers.at.map(|at| match at {
            At::Timestamp(t) => t,
            At::Start => self.query.start,
            At::End => self.query.end,
        });
        let offset_ms = modifiers.offset.as_ref().map_or(Ok(0), |d| self.any_duration(d))?;
        Ok(Shift { at, offset_ms })
    }

    /// Selects the series that have samples in a range.
    pub(super) fn select(
        &self,
        selector: &VectorSelector,
        range: TimeRange,
        step: i64,
    ) -> Result<Box<dyn Selection>> {
        self.select_at(selector, range, step, Resolution::Auto)
    }

    /// Selects likewise, buckets of a tier included when that is the resolution.
    pub(super) fn select_at(
        &self,
        selector: &VectorSelector,
        range: TimeRange,
        step: i64,
        resolution: Resolution,
    ) -> Result<Box<dyn Selection>> {
        let hint = Hint { step, resolution, ..Hint::range(range) };
        if let Some(kept) = self.kept
            && let Some(known) = kept.selector(selector)
        {
            let slot = &known.slot;
            if slot.may_keep() {
                let again = slot.again();
                let hint = Hint { again: again.as_ref(), keep: true, ..hint };
                let selection = self.snapshot.select(&known.matchers, &hint, self.cx)?;
                slot.keep(selection.prepared());
                return Ok(selection);
            }
            return Ok(self.snapshot.select(&known.matchers, &hint, self.cx)?);
        }
        let mut matchers = Vec::with_capacity(selector.matchers.len());
        for m in &selector.matchers {
            matchers.push(Matcher::new(model_op(m.op), &m.name, &m.value)?);
        }
        Ok(self.snapshot.select(&matchers, &hint, self.cx)?)
    }

    /// All series of an instant selector.
    pub(super) fn instant_selector(
        &self,
        selector: &VectorSelector,
        grid: Grid,
    ) -> Result<Vec<Series>> {
        self.collect(grid, |sink| self.each_instant(selector, grid, sink))
    }

    /// Collects what a stream yields, charged to the reader.
    pub(super) fn collect(
        &self,
        grid: Grid,
        stream: impl FnOnce(&mut dyn FnMut(Series) -> Result<()>) -> Result<()>,
    ) -> Result<Vec<Series>> {
        let mut out = Vec::new();
        stream(&mut |series| {
            self.charge(1, grid)?;
            self.charge_bytes(series.histogram_bytes())?;
            out.push(series);
            Ok(())
        })?;
        Ok(out)
    }

    /// The series of an instant selector, one by one.
    pub(super) fn each_instant(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.each_newest(selector, grid, Pick::Values, sink)
    }

    /// As [`Eval::each_instant`], the values being the times of the samples in seconds.
    pub(super) fn each_sample_time(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.each_newest(selector, grid, Pick::Times, sink)
    }

    /// As [`Eval::each_sample_time`], for numbers only: histograms stay histograms.
    pub(super) fn each_float_time(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.each_newest(selector, grid, Pick::FloatTimes, sink)
    }

    fn each_newest(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        pick: Pick,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        self.told_reading(selector.span, sink, |sink| self.read_newest(selector, grid, pick, sink))
    }

    fn read_newest(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        pick: Pick,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<Reading> {
        let shift = self.shift(&selector.modifiers)?;
        let (first, last) = shift.ends(grid);
        let lookback = self.config.lookback_ms;
        let ahead = if selector.extended.is_some() { lookback } else { 0 };
        let pick = if selector.extended.is_some() { Pick::Lines } else { pick };
        let stats = self.needs_only_stats(selector.span);
        // The sample before tells whether the first that is seen was reset.
        let back = if stats { lookback.saturating_mul(2) } else { lookback };
        let range = TimeRange::new(
            first.saturating_sub(back).saturating_add(1),
            last.saturating_add(ahead),
        );
        let selection = self.select(selector, range, grid.step)?;
        let at = Newest { grid: Grid { start: first, end: last, step: grid.step }, lookback };
        // The newest sample alone answers for one time, unless it is a histogram.
        let alone = first == last && pick != Pick::Lines && !stats;
        let one = |i: usize, room: &mut ReadRoom| {
            if alone {
                let newest = selection.last(i, range, &mut room.scratch, self.cx)?;
                let Some(newest) = newest else { return Ok(None) };
                if newest.histogram.is_none() {
                    let value = pick.of(newest.time, newest.float);
                    return Ok(value.map(|value| {
                        let labels = selection.shared_labels(i, &mut room.labels);
                        Series::new(labels, vec![value; grid.len()])
                    }));
                }
            }
            let columns = selection.read(i, range, &mut room.scratch, self.cx)?;
            let mut values = vec![ABSENT; if shift.at.is_some() { 1 } else { grid.len() }];
            let mut histograms = Vec::new();
            if columns.histograms.is_some() {
                let labels = selection.shared_labels(i, &mut room.labels);
                let mut tell = |note| self.notes.histogram(note, labels.metric(), selector.span);
                histograms = at.mixed(&columns, pick, stats, &mut values, &mut tell);
            } else {
                at.floats(columns.times, columns.floats, pick, &mut values);
            }
            if values.iter().all(|v| is_absent(*v)) && histograms.is_empty() {
                return Ok(None);
            }
            values.resize(grid.len(), values[values.len() - 1]);
            if let Some(last) = histograms.last().cloned() {
                histograms.resize(grid.len(), last);
            }
            let labels = selection.shared_labels(i, &mut room.labels);
            Ok(Some(Series { histograms, ..Series::new(labels, values) }))
        };
        let chunk = chunk_of(grid, range);
        self.each_series(selection.len(), (grid, chunk), one, sink)?;
        let why = self.if_told(|| "a selector without a range needs single samples".to_owned());
        Ok(Reading { range, series: selection.len(), tier: None, by_tier: 0, why })
    }

    /// Computes series, `chunk` by a task, and hands them out in the order of their number. The memory
    /// of what is computed ahead is charged; that of histograms as soon as it is known.
    pub(super) fn each_series(
        &self,
        count: usize,
        (grid, chunk): (Grid, usize),
        one: impl Fn(usize, &mut ReadRoom) -> Result<Option<Series>> + Sync + Send,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        let ahead = chunk * self.workers.threads() * 2;
        for from in (0..count).step_by(ahead) {
            let batch = ahead.min(count - from);
            let bytes = (batch * grid.len() * size_of::<f64>()) as u64;
            self.cx.budget.take(bytes)?;
            self.tell_bytes();
            let compute = |range: std::ops::Range<usize>| {
                let mut room = ReadRoom::default();
                let mut out = Vec::with_capacity(range.len());
                for i in range {
                    self.cx.cancel.check()?;
                    let series = one(from + i, &mut room)?;
                    self.charge_bytes(series.as_ref().map_or(0, Series::histogram_bytes))?;
                    out.extend(series);
                }
                Ok::<_, QueryError>(out)
            };
            // The pool may have much to do for others first.
            let parts = if self.cx.may_wait {
                self.workers.in_ranges(batch, chunk, compute)
            } else {
                vec![compute(0..batch)]
            };
            self.cx.budget.release(bytes);
            for part in parts {
                for series in part? {
                    self.free_bytes(series.histogram_bytes());
                    sink(series)?;
                }
            }
        }
        Ok(())
    }
}

/// Series that one task computes.
const CHUNK: usize = 64;
/// The same, where a series is less work than waking a thread.
const LIGHT_CHUNK: usize = 512;
/// A range up to this long is little work for one evaluation time.
const LIGHT_RANGE_MS: i64 = 15 * 60_000;

/// How many series one task computes.
pub(super) const fn chunk_of(grid: Grid, reads: TimeRange) -> usize {
    let light = grid.start == grid.end && reads.end.saturating_sub(reads.start) <= LIGHT_RANGE_MS;
    if light { LIGHT_CHUNK } else { CHUNK }
}

/// Room that a task uses for one series after the other.
#[derive(Default)]
pub(super) struct ReadRoom {
    /// For samples.
    pub scratch: Scratch,
    /// For labels.
    pub labels: LabelScratch,
    /// For windows.
    pub windows: Room,
    /// For buckets.
    pub buckets: Vec<Bucket>,
}

/// The matcher's operator as the model names it.
pub(crate) const fn model_op(op: MatchOp) -> plimsoll_model::MatchOp {
    match op {
        MatchOp::Equal => plimsoll_model::MatchOp::Equal,
        MatchOp::NotEqual => plimsoll_model::MatchOp::NotEqual,
        MatchOp::Regex => plimsoll_model::MatchOp::Regex,
        MatchOp::NotRegex => plimsoll_model::MatchOp::NotRegex,
    }
}
