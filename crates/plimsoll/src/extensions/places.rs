//! A range on even places: what season and forecast want instead of samples at any time.
//!
//! The places are as far apart as the samples usually are, rounded up to a length that divides a day,
//! or farther so that there are at most [`PLACES_MAX`]. The last place is the newest sample's.

use plimsoll_analyze::median;

/// Most places, and most of them that a forecast looks ahead.
pub(super) const PLACES_MAX: i64 = 2_048;
/// Fewest places with a value.
const FILLED_MIN: usize = 8;
/// Share of the places that must have a value.
const FILLED_SHARE: f64 = 0.6;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Distances that divide a day, so that seasons are whole numbers of places.
const STEPS_MS: [i64; 29] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
];

/// Means of samples at even distances.
pub(super) struct Places {
    /// Time of the last place, ms.
    pub last_ms: i64,
    /// Distance of two places, ms.
    pub step_ms: i64,
    /// Oldest first; NaN where there is no sample. The first and the last have one.
    pub values: Vec<f64>,
}

impl Places {
    /// The places of samples, wide enough to look `ahead_ms` ahead; `None` for samples that are too
    /// few or too irregular.
    pub fn of(times: &[i64], floats: &[f64], ahead_ms: f64) -> Option<Self> {
        let (first, last) = ends(times, floats)?;
        let (span, usual) = (last.saturating_sub(first), usual_step(times)?);
        let widest = (span as f64).max(ahead_ms) / (PLACES_MAX - 1) as f64;
        let step_ms = even((usual - usual / 20).max(widest.ceil() as i64));
        let place =
            |t: i64| usize::try_from(last.saturating_sub(t).saturating_add(step_ms / 2) / step_ms);
        let count = place(first).ok()? + 1;
        let mut sums = vec![(0.0, 0.0); count];
        for (t, v) in times.iter().zip(floats).filter(|(_, v)| v.is_finite()) {
            let back = place(*t).ok()?;
            if let Some((sum, samples)) = sums.iter_mut().rev().nth(back) {
                *sum += v;
                *samples += 1.0;
            }
        }
        let filled = sums.iter().filter(|(_, samples)| *samples > 0.0).count();
        if filled < FILLED_MIN || (filled as f64) < FILLED_SHARE * count as f64 {
            return None;
        }
        let values = sums.iter().map(|(sum, samples)| sum / samples).collect();
        Some(Self { last_ms: last, step_ms, values })
    }
}

/// Times of the first and the last finite sample, if there are two.
pub(super) fn ends(times: &[i64], floats: &[f64]) -> Option<(i64, i64)> {
    let mut finite = times.iter().zip(floats).filter(|(_, v)| v.is_finite()).map(|(t, _)| *t);
    Some((finite.next()?, finite.next_back()?))
}

/// How far apart samples usually are, ms, at least 1.
pub(super) fn usual_step(times: &[i64]) -> Option<i64> {
    let steps: Vec<f64> =
        times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64).collect();
    Some((median(&steps)? as i64).max(1))
}

/// The shortest length of [`STEPS_MS`], or the fewest days, not below `step_ms`.
fn even(step_ms: i64) -> i64 {
    let found = STEPS_MS.iter().copied().find(|step| *step >= step_ms);
    found.unwrap_or_else(|| step_ms.div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
}
