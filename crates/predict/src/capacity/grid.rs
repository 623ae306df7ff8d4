//! Samples on an even grid: a mean and a peak per cell, no gaps.
//!
//! Limits: at most [`CELLS_MAX`] cells; the newest cell ends at the newest sample.

use super::DAY_MS;

/// Cells of a grid: seven days by a quarter of an hour, four weeks by the hour.
const CELLS_MAX: i64 = 1024;
/// Emptier grids than this are not believed.
const FILLED_MIN: f64 = 0.5;
/// Widths of cells, each a divisor of a day.
const STEPS_MS: [i64; 14] = [
    1_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    10_800_000, 21_600_000, DAY_MS,
];

pub(super) struct Grid {
    pub step_ms: i64,
    /// Middle of each cell, ms.
    pub times: Vec<i64>,
    /// Mean of each cell; empty cells lie on the line between their neighbours.
    pub mean: Vec<f64>,
    /// Greatest value of each cell.
    pub peak: Vec<f64>,
}

impl Grid {
    /// `None` for samples that are too few or leave too many cells empty.
    pub fn of(times: &[i64], values: &[f64]) -> Option<Grid> {
        let (start, end) = (*times.first()?, *times.last()?);
        let span = end.saturating_sub(start);
        let step_ms = step_for(times, span)?;
        let places = usize::try_from(span / step_ms).ok()? + 1;
        let mut cells = vec![(0.0, 0.0, f64::NEG_INFINITY); places];
        for (time, value) in times.iter().zip(values) {
            let back = usize::try_from(end.saturating_sub(*time) / step_ms).ok()?;
            if let Some((sum, count, peak)) = cells.iter_mut().rev().nth(back) {
                *sum += value;
                *count += 1.0;
                *peak = peak.max(*value);
            }
        }
        let filled = cells.iter().filter(|cell| cell.1 > 0.0).count();
        if (filled as f64) < FILLED_MIN * places as f64 {
            return None;
        }
        let middle = |at: usize| end - (places - 1 - at) as i64 * step_ms - step_ms / 2;
        let mut grid = Grid {
            step_ms,
            times: (0..places).map(middle).collect(),
            mean: cells.iter().map(|cell| cell.0 / cell.1).collect(),
            peak: cells.iter().map(|cell| cell.2).collect(),
        };
        grid.bridge();
        Some(grid)
    }

    /// The same on the scale of logarithms, where every value is positive: growth by shares is a line there.
    pub fn logarithm(&self) -> Option<Grid> {
        let of = |values: &[f64]| values.iter().map(|v| v.ln()).collect::<Vec<f64>>();
        let logarithm = Grid {
            step_ms: self.step_ms,
            times: self.times.clone(),
            mean: of(&self.mean),
            peak: of(&self.peak),
        };
        logarithm.mean.iter().chain(&logarithm.peak).all(|v| v.is_finite()).then_some(logarithm)
    }

    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Cells in a time, at least one.
    pub fn cells(&self, ms: i64) -> usize {
        usize::try_from(ms / self.step_ms).unwrap_or(1).max(1)
    }

    /// Empty cells between others get values on a line. First and last are never empty.
    fn bridge(&mut self) {
        let mut last = 0;
        for at in 0..self.mean.len() {
            if !self.mean[at].is_finite() {
                continue;
            }
            let (from, to) = (self.mean[last], self.mean[at]);
            let apart = (at - last) as f64;
            for (i, empty) in (last + 1..at).enumerate() {
                self.mean[empty] = from + (to - from) * (i + 1) as f64 / apart;
                self.peak[empty] = self.mean[empty];
            }
            last = at;
        }
    }
}

/// The finest cell that holds a sample as a rule and of which there are not too many.
fn step_for(times: &[i64], span: i64) -> Option<i64> {
    let usual = span / i64::try_from(times.len()).ok()?.max(2).saturating_sub(1);
    let least = usual.max(span / (CELLS_MAX - 1));
    STEPS_MS
        .iter()
        .copied()
        .find(|&step| step >= least)
        .or_else(|| least.checked_add(DAY_MS).map(|wide| wide / DAY_MS * DAY_MS))
}

/// Greatest values over any range of cells in constant time.
pub(super) struct Peaks {
    /// `levels[k][i]` is the greatest of the 2^k values from i.
    levels: Vec<Vec<f64>>,
}

impl Peaks {
    pub fn of(values: &[f64]) -> Peaks {
        let mut levels = vec![values.to_vec()];
        let mut width = 1;
        while 2 * width <= values.len() {
            let below = &levels[levels.len() - 1];
            let next =
                (0..=values.len() - 2 * width).map(|i| below[i].max(below[i + width])).collect();
            levels.push(next);
            width *= 2;
        }
        Peaks { levels }
    }

    pub fn value(&self, at: usize) -> f64 {
        self.levels[0][at]
    }

    /// Greatest of `count` values from `from`; `count` is above 0 and the range inside.
    pub fn most(&self, from: usize, count: usize) -> f64 {
        let level = count.ilog2() as usize;
        let row = &self.levels[level];
        row[from].max(row[from + count - (1 << level)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_means_and_peaks_and_gaps_are_bridged() {
        let times = [0, 500, 1_000, 4_000, 5_000];
        let grid = Grid::of(&times, &[1.0, 3.0, 4.0, 7.0, 8.0]).expect("enough");
        assert_eq!(grid.step_ms, 5_000);
        assert_eq!((grid.mean[1], grid.peak[1]), (5.5, 8.0));
        let times: Vec<i64> = (0..100).filter(|i| i % 10 != 5).map(|i| i * 1_000).collect();
        let values: Vec<f64> = times.iter().map(|t| *t as f64).collect();
        let grid = Grid::of(&times, &values).expect("enough");
        assert!(grid.mean.iter().all(|v| v.is_finite()) && grid.len() <= 100);
    }

    #[test]
    fn ranges_know_their_greatest() {
        let values: Vec<f64> = (0..37).map(|i| f64::from(i * 7 % 37)).collect();
        let peaks = Peaks::of(&values);
        for from in 0..37 {
            for count in 1..=37 - from {
                let naive = values[from..from + count].iter().copied().fold(0.0, f64::max);
                assert_eq!(peaks.most(from, count), naive);
            }
        }
    }
}
