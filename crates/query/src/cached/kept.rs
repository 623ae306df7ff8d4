//! One kept answer: the past part of a matrix and the versions of the data that it was made of.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{Grid, Labels, MatrixSeries, ReadCx, Timestamp};

use crate::engine::{Answer, QueryResult, Stats, Value};

/// How long before its end an answer may still be used when later data changed, ms: senders that lag
/// touch the last minutes, not the whole.
const CUTS_MS: [i64; 4] = [0, 600_000, 3_600_000, 6 * 3_600_000];
/// An answer is used when it has at least this part of the steps.
const SHARE: usize = 4;
/// Bytes of a point: a time and a value.
const POINT_BYTES: u64 = 16;

/// What may be taken from a kept answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usable {
    /// First time that is taken.
    pub from: i64,
    /// Last time that is taken.
    pub to: i64,
    /// Last time at which the kept answer holds.
    pub cut: i64,
}

/// The values of a query at the times `start..=end` of its grid.
pub(super) struct Kept {
    start: i64,
    /// Times up to which it holds as long as the data are of that version, falling.
    cuts: Vec<(i64, u64)>,
    series: Vec<MatrixSeries>,
    infos: Vec<String>,
    bytes: u64,
}

impl Kept {
    /// Keeps what lies at or before `past`; `None` when that is little, or when the data have no
    /// version. `version` is asked for the data of all values from one time to another.
    pub fn of(
        matrix: &[MatrixSeries],
        infos: &[String],
        grid: Grid,
        past: i64,
        version: impl Fn(i64, i64) -> Option<u64>,
    ) -> Option<Self> {
        let end = on_grid(grid, past)?;
        if end <= grid.start {
            return None;
        }
        let series = matrix.iter().filter_map(|s| slice(s, grid.start, end)).collect();
        Self::keep(series, infos.to_vec(), Grid { end, ..grid }, version)
    }

    /// Values at the times of a grid that lies in the past.
    fn keep(
        mut series: Vec<MatrixSeries>,
        infos: Vec<String>,
        grid: Grid,
        version: impl Fn(i64, i64) -> Option<u64>,
    ) -> Option<Self> {
        let mut cuts: Vec<(i64, u64)> = Vec::new();
        for before in CUTS_MS {
            let Some(cut) = on_grid(grid, grid.end - before) else { continue };
            if cuts.last().is_none_or(|(later, _)| cut < *later)
                && let Some(version) = version(grid.start, cut)
            {
                cuts.push((cut, version));
            }
        }
        let (end, _) = *cuts.first()?;
        if end < grid.end {
            series = series.iter().filter_map(|s| slice(s, grid.start, end)).collect();
        }
        let bytes = series.iter().map(bytes_of).sum();
        Some(Self { start: grid.start, cuts, series, infos, bytes })
    }

    /// This and a newer answer about other times together, around the newer one: who asks for windows
    /// that move to and fro finds all of them. At most twice as long as the newer one. `cut` is how far
    /// this one holds; both overlap.
    pub fn grown(
        &self,
        matrix: &[MatrixSeries],
        infos: &[String],
        grid: Grid,
        (past, cut): (i64, i64),
        version: impl Fn(i64, i64) -> Option<u64>,
    ) -> Option<Self> {
        let end = on_grid(grid, past)?;
        let half = (grid.len() as i64 / 2) * grid.step;
        let start = self.start.clamp(grid.start - half, grid.start);
        let until = cut.clamp(end, end + half);
        let mut joined = Joined::default();
        joined.notes(&[], infos);
        joined.notes(&[], &self.infos);
        let own = |from, to| self.series.iter().filter_map(move |s| slice(s, from, to));
        own(start, grid.start - grid.step).for_each(|s| joined.put(s));
        matrix.iter().filter_map(|s| slice(s, grid.start, end)).for_each(|s| joined.put(s));
        own(end + grid.step, until).for_each(|s| joined.put(s));
        joined.matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        let Joined { matrix, infos, .. } = joined;
        Self::keep(matrix, infos, Grid { start, end: until, step: grid.step }, version)
    }

    /// Bytes that it takes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The part of a grid whose values it has and may give; `None` when that is too little to be worth
    /// it.
    pub fn usable(&self, grid: Grid, version: impl Fn(i64, i64) -> Option<u64>) -> Option<Usable> {
        let valid = |(cut, then): &&(i64, u64)| version(self.start, *cut) == Some(*then);
        let (cut, _) = self.cuts.iter().find(valid)?;
        let (from, to) = (self.start.max(grid.start), on_grid(grid, *cut)?);
        let steps = Grid { start: from, end: to, step: grid.step };
        let enough = to >= from && steps.len() * SHARE >= grid.len();
        enough.then_some(Usable { from, to, cut: *cut })
    }

    /// The whole answer: what comes before, its own values in `from..=to`, what comes after.
    ///
    /// # Errors
    /// `Limit` when the points are more than the reader may hold.
    pub fn join(
        &self,
        Usable { from, to, .. }: Usable,
        before: Option<Answer>,
        after: Option<Answer>,
        cx: &ReadCx,
    ) -> QueryResult<Answer> {
        cx.budget.take(self.bytes)?;
        if before.is_none() && after.is_none() {
            cx.budget.release(self.bytes);
            let matrix: Vec<_> = self.series.iter().filter_map(|s| slice(s, from, to)).collect();
            let stats = Stats { series: matrix.len(), samples: cx.budget.samples() };
            let (value, infos) = (Value::Matrix(matrix), self.infos.clone());
            return Ok(Answer { value, warnings: Vec::new(), infos, stats });
        }
        let mut joined = Joined::default();
        let answer = |answer: Answer, joined: &mut Joined| {
            joined.notes(&answer.warnings, &answer.infos);
            if let Value::Matrix(matrix) = answer.value {
                matrix.into_iter().for_each(|s| joined.put(s));
            }
        };
        before.into_iter().for_each(|a| answer(a, &mut joined));
        joined.notes(&[], &self.infos);
        self.series.iter().filter_map(|s| slice(s, from, to)).for_each(|s| joined.put(s));
        after.into_iter().for_each(|a| answer(a, &mut joined));
        cx.budget.release(self.bytes);
        let Joined { mut matrix, warnings, infos, .. } = joined;
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        let stats = Stats { series: matrix.len(), samples: cx.budget.samples() };
        Ok(Answer { value: Value::Matrix(matrix), warnings, infos, stats })
    }
}

/// A matrix that grows in time.
#[derive(Default)]
struct Joined {
    matrix: Vec<MatrixSeries>,
    at: HashMap<Labels, usize>,
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl Joined {
    fn put(&mut self, s: MatrixSeries) {
        let Some(&i) = self.at.get(&s.labels) else {
            self.at.insert(s.labels.clone(), self.matrix.len());
            self.matrix.push(s);
            return;
        };
        let have = &mut self.matrix[i];
        have.times.extend(s.times);
        have.floats.extend(s.floats);
        have.histograms.extend(s.histograms);
    }

    fn notes(&mut self, warnings: &[String], infos: &[String]) {
        for (have, new) in [(&mut self.warnings, warnings), (&mut self.infos, infos)] {
            for text in new {
                if !have.contains(text) {
                    have.push(text.clone());
                }
            }
        }
    }
}

/// The last time of a grid that is not after `time`.
fn on_grid(grid: Grid, time: i64) -> Option<i64> {
    if time < grid.start {
        return None;
    }
    let steps = ((time - grid.start) / grid.step).min(grid.len() as i64 - 1);
    Some(grid.start + steps * grid.step)
}

/// The samples of a series in `from..=to`; `None` when there are none.
fn slice(s: &MatrixSeries, from: Timestamp, to: Timestamp) -> Option<MatrixSeries> {
    let (a, b) = (s.times.partition_point(|t| *t < from), s.times.partition_point(|t| *t <= to));
    let some = |t: &(Timestamp, Arc<plimsoll_model::Histogram>)| (from..=to).contains(&t.0);
    let part = MatrixSeries {
        labels: s.labels.clone(),
        times: s.times[a..b].to_vec(),
        floats: s.floats[a..b].to_vec(),
        histograms: s.histograms.iter().filter(|t| some(t)).cloned().collect(),
    };
    (!part.is_empty()).then_some(part)
}

/// Bytes of a series; a histogram is taken for as many points as it has buckets.
fn bytes_of(s: &MatrixSeries) -> u64 {
    let labels: usize = s.labels.iter().map(|(n, v)| n.len() + v.len() + 8).sum();
    let histograms: usize = s
        .histograms
        .iter()
        .map(|(_, h)| 16 + h.custom.len() + 2 * (h.positive_spans.len() + h.negative_spans.len()))
        .sum();
    let buckets: u64 = s.histograms.iter().map(|(_, h)| h.bucket_count() as u64).sum();
    (labels + size_of::<MatrixSeries>()) as u64
        + POINT_BYTES * (s.times.len() as u64 + buckets)
        + 8 * histograms as u64
}
