//! When a series left its baseline: the first point of the excursion, and how sure.
//!
//! Two cumulative sums (Page 1954), one for each side, of robust deviations from the baseline: the median is the
//! centre, 1.4826 times the median absolute deviation the scale, single values count [`DEVIATION_MAX`] at most.
//! Dependence within the baseline stretches the scale. The start of the sum that first reaches the limit is the
//! onset. The p-value is Siegmund's approximation (1985) of how often a series that stays makes as high a sum.
//!
//! Seasons are for the caller to remove first. Gaps are skipped. O(n log n).

use crate::moments::effective_size;
use crate::robust::{median, robust_deviation};

/// Finite values that a baseline needs.
pub const BASELINE_MIN: usize = 8;
/// Deviations that a single value counts for at most: an onset takes three values at least.
const DEVIATION_MAX: f64 = 4.0;
/// What a sum loses per point, in deviations: half of the smallest shift that matters.
const DRIFT: f64 = 0.5;
/// The sum at which a series has left, in deviations.
const LIMIT: f64 = 8.0;

/// A departure from the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// Index of the first value that belongs to it.
    pub index: usize,
    /// Index at which there was no doubt any more.
    pub noticed: usize,
    /// Median of what follows, above the baseline's, in robust deviations of the baseline (at most 1e9 to either
    /// side); negative when it fell.
    pub shift: f64,
    /// Probability of an excursion as high in as many values without any change.
    pub p_value: f64,
}

/// Finds the first departure after `baseline_end` (an index). `None` when there is none, or when the baseline has
/// fewer than [`BASELINE_MIN`] finite values.
pub fn onset(values: &[f64], baseline_end: usize) -> Option<Onset> {
    let baseline = Baseline::of(&values[..baseline_end.min(values.len())])?;
    let after: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .skip(baseline_end)
        .filter(|(_, v)| v.is_finite())
        .map(|(at, &v)| (at, baseline.deviation(v)))
        .collect();
    let excursion = excursion(&after, &baseline)?;
    let found = first_of(&after[excursion.from..=excursion.noticed], excursion.side);
    let from = excursion.from + found;
    let later: Vec<f64> = after[from..].iter().map(|&(at, _)| values[at]).collect();
    let tries = 2.0 * after.len() as f64 / baseline.inflation;
    Some(Onset {
        index: after[from].0,
        noticed: after[excursion.noticed].0,
        shift: ((median(&later)? - baseline.centre) / baseline.scale).clamp(-1e9, 1e9),
        p_value: -(-tries / run_length(excursion.peak)).exp_m1(),
    })
}

struct Baseline {
    centre: f64,
    scale: f64,
    /// Values that one independent value stands for.
    inflation: f64,
    /// [`DRIFT`] and what the centre may be wrong by.
    drift: f64,
}

impl Baseline {
    fn of(values: &[f64]) -> Option<Baseline> {
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        if finite.len() < BASELINE_MIN {
            return None;
        }
        let n = finite.len() as f64;
        let centre = median(&finite)?;
        // More than half alike: the usual distance of the others, spread over all.
        let apart = |v: &f64| (v - centre).abs().min(f64::MAX / n);
        let scale = robust_deviation(&finite)?
            .max(finite.iter().map(apart).sum::<f64>() / n)
            .max(1e-9 * centre.abs())
            .clamp(f64::MIN_POSITIVE, f64::MAX);
        let mut baseline =
            Baseline { centre, scale, inflation: 1.0, drift: DRIFT + n.sqrt().recip() };
        let rests: Vec<f64> = finite.iter().map(|&v| baseline.deviation(v)).collect();
        baseline.inflation = n / effective_size(&rests);
        Some(baseline)
    }

    fn deviation(&self, value: f64) -> f64 {
        ((value - self.centre) / self.scale).clamp(-DEVIATION_MAX, DEVIATION_MAX)
    }
}

/// The first cumulative sum to reach the limit; indexes are into the points after the baseline.
struct Excursion {
    from: usize,
    noticed: usize,
    /// The greatest sum before it came back to 0.
    peak: f64,
    /// 1 for up, -1 for down.
    side: f64,
}

fn excursion(after: &[(usize, f64)], baseline: &Baseline) -> Option<Excursion> {
    let stretch = baseline.inflation.sqrt();
    let run = |side: f64| {
        let (mut sum, mut from, mut found) = (0.0_f64, 0, None::<Excursion>);
        for (at, &(_, deviation)) in after.iter().enumerate() {
            if sum == 0.0 {
                from = at;
            }
            sum = (sum + side * deviation / stretch - baseline.drift).max(0.0);
            match &mut found {
                Some(_) if sum == 0.0 => break,
                Some(known) => known.peak = known.peak.max(sum),
                None if sum > LIMIT => {
                    found = Some(Excursion { from, noticed: at, peak: sum, side });
                }
                None => {}
            }
        }
        found
    };
    match (run(1.0), run(-1.0)) {
        (Some(up), Some(down)) if down.noticed < up.noticed => Some(down),
        (up, down) => up.or(down),
    }
}

/// Where the excursion proper begins: after the values that noise had put before it. The best start of a sum of
/// what exceeds a quarter of the height that it had when it was noticed.
fn first_of(points: &[(usize, f64)], side: f64) -> usize {
    let last = &points[points.len().saturating_sub(3)..];
    let height = last.iter().map(|p| side * p.1).sum::<f64>() / last.len() as f64;
    let floor = (height / 4.0).max(DRIFT);
    let (mut sum, mut most, mut best) = (0.0, f64::NEG_INFINITY, 0);
    for (at, point) in points.iter().enumerate().rev() {
        sum += side * point.1 - floor;
        if sum >= most {
            (most, best) = (sum, at);
        }
    }
    best
}

/// Mean number of independent values until a one-sided sum with drift [`DRIFT`] reaches `height` by chance.
fn run_length(height: f64) -> f64 {
    let reach = 2.0 * DRIFT * (height + 1.166);
    (reach.exp() - reach - 1.0) / (2.0 * DRIFT * DRIFT)
}
