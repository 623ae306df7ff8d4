//! How far points usually are from their expectation, by hour of the day (UTC): a quiet night makes a small deviation
//! notable, a busy noon does not. The square root of the ratio is used: half way between one size for all hours and
//! one for each.
//!
//! Limits: 24 cells. A cell is trusted from two dozen points on.

use super::predictors::{Ewma, HOUR_MS, Phase};

pub(super) const HOURS: usize = 24;
/// Points of an hour of the day before it is trusted.
const TRUSTED: u8 = 24;
/// How far one hour of points moves its cell.
const VISIT: f64 = 0.12;
/// No hour counts as quieter than this share of the whole day.
const QUIETEST: f64 = 0.1;

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Hours {
    pub cells: [f32; HOURS],
    pub points: [u8; HOURS],
    /// The same over all hours.
    pub whole: Ewma,
}

impl Hours {
    /// By how much deviations at this time are larger than usual; the residual is divided by it.
    pub fn factor(&self, phase: Phase) -> f64 {
        let hour = phase.hour();
        if self.points[hour] < TRUSTED || self.whole.mean <= 0.0 {
            return 1.0;
        }
        (f64::from(self.cells[hour]) / self.whole.mean).max(QUIETEST).sqrt()
    }

    /// Takes the size of a residual, capped by the caller.
    pub fn learn(&mut self, phase: Phase, size: f64, step_ms: i64, long_points: f64) {
        let hour = phase.hour();
        self.points[hour] = self.points[hour].saturating_add(1);
        let step = VISIT / (HOUR_MS as f64 / step_ms as f64).max(1.0);
        let step = step.max(1.0 / f64::from(self.points[hour]));
        let mean = f64::from(self.cells[hour]);
        self.cells[hour] = (mean + step * (size - mean)) as f32;
        self.whole.push_over(size, long_points);
    }
}
