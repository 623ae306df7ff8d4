//! How far a series has drifted, in a measure that series of all kinds share: the change over the window in units
//! of the spread that the series has anyway. For ranking many series; a trend that matters is then looked at with
//! [`crate::trend`].
//!
//! Limits: [`DRIFT_POINTS_MAX`] points enter the pairwise maths, a tenth of a millisecond.

use crate::robust::{median, robust_deviation};
use crate::season::without_seasons;
use crate::trend::{Trend, trend_of};

/// Points of the fast path: 128 make 8,128 pairs.
pub const DRIFT_POINTS_MAX: usize = 128;
/// Least spread, as a share of the level: what never moves would drift infinitely by its first step.
const SPREAD_MIN: f64 = 1e-3;

/// A drift and how much it stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The line through it.
    pub trend: Trend,
    /// Change from the first time to the last, by the line.
    pub change: f64,
    /// Spread about the line: robust standard deviation, at least a thousandth of the level.
    pub spread: f64,
    /// `change` / `spread`, signed, at most 1e6 in size; 0 unless the trend is significant at 1 %.
    pub rank: f64,
}

/// Drift of a series; times in milliseconds, ascending. `periods`: seasons in samples to remove first; each needs
/// three cycles of evenly spaced samples, else it is left in. `None` below 4 finite points or when all times are
/// equal.
pub fn drift(times_ms: &[i64], values: &[f64], periods: &[usize]) -> Option<Drift> {
    let n = times_ms.len().min(values.len());
    let flat = without_seasons(&values[..n], periods);
    let trend = trend_of(&times_ms[..n], &flat, DRIFT_POINTS_MAX)?;
    let rests: Vec<f64> = times_ms.iter().zip(&flat).map(|(&t, v)| v - trend.at(t)).collect();
    let level = median(&flat)?.abs();
    let spread = robust_deviation(&rests)?.max(SPREAD_MIN * level).max(f64::MIN_POSITIVE);
    let change = trend.at(times_ms[n - 1]) - trend.intercept;
    let share = (change / spread).clamp(-1e6, 1e6);
    let rank = if trend.significant(0.01) && !share.is_nan() { share } else { 0.0 };
    Some(Drift { trend, change, spread, rank })
}
