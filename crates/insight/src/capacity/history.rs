//! The past of a resource, thinned: ten minutes as they were read, an hour in means of 30 s, seven
//! days in means of 15 minutes.
//!
//! Bounds: 160, 122 and 674 points, 24 bytes each at most: below 25 KB.

use std::collections::VecDeque;

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

/// Newest samples kept as they were read.
const FINE_MAX: usize = 160;
const FINE_MS: i64 = 10 * MINUTE_MS;

/// Samples in means of ever wider cells, older ones wider.
pub(super) struct History {
    fine: VecDeque<(Timestamp, f64)>,
    middle: Cells,
    coarse: Cells,
    least: f64,
    greatest: f64,
    first_at: Timestamp,
}

/// Means over cells of equal width.
struct Cells {
    width_ms: i64,
    keep_ms: i64,
    cells: VecDeque<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    start: Timestamp,
    sum: f64,
    count: u32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            fine: VecDeque::new(),
            middle: Cells::new(30 * SECOND_MS, HOUR_MS),
            coarse: Cells::new(15 * MINUTE_MS, 7 * DAY_MS),
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            first_at: 0,
        }
    }
}

impl History {
    /// Takes a sample; one that is not newer than the last is known already.
    pub(super) fn push(&mut self, at: Timestamp, value: f64) {
        if self.fine.back().is_some_and(|last| at <= last.0) {
            return;
        }
        if self.fine.is_empty() {
            self.first_at = at;
        }
        self.fine.push_back((at, value));
        while self.fine.len() > FINE_MAX
            || self.fine.front().is_some_and(|first| at - first.0 > FINE_MS)
        {
            self.fine.pop_front();
        }
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        self.middle.push(at, value);
        self.coarse.push(at, value);
    }

    /// Time of the newest sample; the least time before the first.
    pub(super) fn last_at(&self) -> Timestamp {
        self.fine.back().map_or(i64::MIN, |last| last.0)
    }

    /// Time since the newest sample, ms.
    pub(super) fn age_ms(&self, now: Timestamp) -> i64 {
        now.saturating_sub(self.last_at()).max(0)
    }

    /// The newest sample; 0 before the first.
    pub(super) fn last_value(&self) -> f64 {
        self.fine.back().map_or(0.0, |last| last.1)
    }

    /// The least of all samples ever taken; infinite before the first.
    pub(super) fn least(&self) -> f64 {
        self.least
    }

    /// Whether all samples ever taken are alike.
    pub(super) fn is_flat(&self) -> bool {
        self.greatest <= self.least
    }

    /// Time from the first sample that is still known, at most seven days, to the newest, ms.
    pub(super) fn span_ms(&self) -> i64 {
        let oldest = self.coarse.cells.front().map_or(self.first_at, |c| c.start);
        self.last_at().saturating_sub(self.first_at.max(oldest)).max(0)
    }

    /// Times and values, rising in time, not older than `from`.
    pub(super) fn points(&self, from: Timestamp) -> (Vec<Timestamp>, Vec<f64>) {
        let fine_from = self.fine.front().map_or(i64::MAX, |first| first.0);
        let middle_from = self.middle.cells.front().map_or(i64::MAX, |c| c.start).min(fine_from);
        let coarse = self.coarse.means(middle_from);
        let middle = self.middle.means(fine_from);
        let all = coarse.chain(middle).chain(self.fine.iter().copied());
        all.filter(|point| point.0 >= from).unzip()
    }
}

impl Cells {
    const fn new(width_ms: i64, keep_ms: i64) -> Self {
        Self { width_ms, keep_ms, cells: VecDeque::new() }
    }

    fn push(&mut self, at: Timestamp, value: f64) {
        let start = at.div_euclid(self.width_ms) * self.width_ms;
        match self.cells.back_mut() {
            Some(cell) if cell.start == start => {
                cell.sum += value;
                cell.count += 1;
            }
            _ => self.cells.push_back(Cell { start, sum: value, count: 1 }),
        }
        while self.cells.front().is_some_and(|first| start - first.start > self.keep_ms) {
            self.cells.pop_front();
        }
    }

    /// Means, at the middle of their cells, of cells that end before `before`.
    fn means(&self, before: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
        let width = self.width_ms;
        self.cells
            .iter()
            .filter(move |c| c.start + width <= before)
            .map(move |c| (c.start + width / 2, c.sum / f64::from(c.count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_rise_in_time_and_are_bounded() {
        let mut history = History::default();
        for i in 0..(9 * DAY_MS / 5_000) {
            history.push(i * 5_000, i as f64);
        }
        history.push(3, 3.0);
        let (times, values) = history.points(i64::MIN);
        assert!(times.is_sorted_by(|a, b| a < b));
        assert!(times.len() < 160 + 122 + 674, "{}", times.len());
        // Values are times in units of five seconds: means lie where their cells do.
        assert!(times.iter().zip(&values).all(|(t, v)| (*t as f64 / 5e3 - v).abs() <= 1.0));
        assert!((7 * DAY_MS - history.span_ms()).abs() < HOUR_MS);
        assert!(!history.is_flat());
        assert!(history.points(history.last_at() - HOUR_MS).0.len() < 300);
        let cells = |c: &Cells| c.cells.capacity() * size_of::<Cell>();
        let bytes = history.fine.capacity() * 16 + cells(&history.middle) + cells(&history.coarse);
        assert!(bytes < 40 << 10, "{bytes}");
    }
}
