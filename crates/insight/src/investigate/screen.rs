//! How unusual a stretch of a series is, against what the series did before: fast enough for all of them.
//!
//! The mean over stretches of several lengths that end about the symptom is compared with the baseline's
//! median, in units of how much means over as many cells wander in the baseline. That a series wanders by
//! itself (a random walk, a daily batch in the baseline) makes its scale wide. Few independent stretches
//! make heavy tails: Student's t with as many degrees of freedom, told as a normal deviate (Wallace 1959).

use plimsoll_analyze::normal_tail;

/// Cells that a baseline needs.
pub(crate) const BASE_MIN: usize = 12;
/// Lengths of stretches, in cells.
const LENGTHS: [usize; 6] = [3, 6, 12, 24, 48, 96];
/// A change of less than this share of the level counts as little.
const SHARE_MIN: f64 = 0.01;
/// Deviates beyond this are all the same: very sure.
pub(crate) const Z_MAX: f64 = 40.0;

/// Where to look for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Cells before this are baseline.
    pub base: usize,
    /// A stretch ends in this cell at the earliest (exclusive end).
    pub from: usize,
    /// And in this one at the latest.
    pub to: usize,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// How unusual, as a normal deviate; its sign is the direction.
    pub z: f64,
    /// Probability of so much by chance, two-sided, corrected for the stretches tried.
    pub p: f64,
    /// Median of the baseline.
    pub level: f64,
    /// Robust standard deviation of cells in the baseline.
    pub noise: f64,
    /// Mean of the stretch.
    pub now: f64,
    /// First cell of the stretch.
    pub first: usize,
    /// Its end, exclusive.
    pub end: usize,
    /// Onset: the first cell of the run away from the level that leads into the stretch.
    pub onset: usize,
}

/// Room for one look; reused.
#[derive(Default)]
pub(crate) struct Desk {
    sums: Vec<(f64, u32)>,
    sorted: Vec<f64>,
}

impl Desk {
    /// The most unusual stretch; `None` without enough of a baseline or nothing after it.
    pub fn look(&mut self, y: &[f64], span: Span) -> Option<Found> {
        let base = span.base.min(y.len());
        self.sorted.clear();
        self.sorted.extend(y[..base].iter().copied().filter(|v| v.is_finite()));
        if self.sorted.len() < BASE_MIN {
            return None;
        }
        let level = middle(&mut self.sorted);
        self.sorted.iter_mut().for_each(|v| *v = (*v - level).abs());
        let noise = 1.4826 * middle(&mut self.sorted);
        if !(level.is_finite() && noise.is_finite()) {
            return None;
        }
        self.prefix(y);
        let to = span.to.min(y.len());
        let mut best: Option<(f64, f64, usize, usize)> = None;
        for length in LENGTHS {
            if length > to.saturating_sub(base) || length * 2 > base {
                break;
            }
            let stride = (length / 3).max(1);
            let wander = self.wander(length, base, stride, level);
            let floor = SHARE_MIN * level.abs();
            let scale = (wander.powi(2) + noise.powi(2) / length as f64 + floor.powi(2)).sqrt();
            let free = (base as f64 / length as f64).max(2.0);
            let mut end = to;
            while end >= span.from.max(base + length) {
                if let Some(mean) = self.mean(end - length, end) {
                    let t = if scale > 0.0 { (mean - level) / scale } else { change(mean, level) };
                    let z = deviate(t, free);
                    if best.is_none_or(|b| z.abs() > b.0.abs()) {
                        best = Some((z, mean, end - length, end));
                    }
                }
                if end < stride {
                    break;
                }
                end -= stride;
            }
        }
        let (z, now, first, end) = best?;
        let onset = onset(y, level, noise, now, first, end);
        let p = (2.0 * normal_tail(z.abs()) * LENGTHS.len() as f64).min(1.0);
        Some(Found { z, p, level, noise, now, first, end, onset })
    }

    fn prefix(&mut self, y: &[f64]) {
        self.sums.clear();
        let mut sum = (0.0, 0u32);
        self.sums.push(sum);
        for v in y {
            if v.is_finite() {
                sum = (sum.0 + v, sum.1 + 1);
            }
            self.sums.push(sum);
        }
    }

    /// Mean of the cells from..to; `None` when less than half of them have a value.
    fn mean(&self, from: usize, to: usize) -> Option<f64> {
        let (a, b) = (self.sums[from], self.sums[to]);
        let n = b.1 - a.1;
        (2 * n as usize >= to - from && n > 0).then(|| (b.0 - a.0) / f64::from(n))
    }

    /// Root mean square of how far means over `length` cells are from the level in the baseline.
    fn wander(&self, length: usize, base: usize, stride: usize, level: f64) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        let mut end = length;
        while end <= base {
            if let Some(mean) = self.mean(end - length, end) {
                sum += (mean - level).powi(2);
                n += 1.0;
            }
            end += stride;
        }
        if n > 0.0 { (sum / n).sqrt() } else { 0.0 }
    }
}

/// Student's t as a normal deviate.
fn deviate(t: f64, free: f64) -> f64 {
    if t.is_nan() {
        return 0.0;
    }
    let t = t.clamp(-1e9, 1e9);
    let z = (free * (t * t / free).ln_1p()).sqrt() * (8.0 * free + 1.0) / (8.0 * free + 3.0);
    z.min(Z_MAX).copysign(t)
}

/// A change of a series that never moved and lies at 0: there is no scale.
fn change(mean: f64, level: f64) -> f64 {
    if mean == level { 0.0 } else { (mean - level).signum() * 1e9 }
}

/// The median; reorders.
fn middle(values: &mut [f64]) -> f64 {
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Back from the stretch to where the series left its level: a third of the change, and two deviations.
fn onset(y: &[f64], level: f64, noise: f64, now: f64, first: usize, end: usize) -> usize {
    let change = now - level;
    let away = (change.abs() / 3.0).max((2.0 * noise).min(change.abs() / 2.0));
    let is_away = |i: usize| (y[i] - level) * change.signum() > away;
    let mut onset = match (first..end).find(|&i| is_away(i)) {
        Some(i) => i,
        None => return first,
    };
    let mut i = onset;
    // Two cells that are not away do not end a run.
    while i > 0 && onset - i <= 2 {
        i -= 1;
        if is_away(i) {
            onset = i;
        }
    }
    onset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<f64> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n).map(|_| (0..12).map(|_| next()).sum::<f64>() - 6.0).collect()
    }

    const SPAN: Span = Span { base: 240, from: 400, to: 480 };

    #[test]
    fn a_step_is_found_with_its_onset() {
        let y: Vec<f64> = noise(480)
            .iter()
            .enumerate()
            .map(|(i, v)| 10.0 + v + if i >= 430 { 5.0 } else { 0.0 })
            .collect();
        let found = Desk::default().look(&y, SPAN).unwrap();
        assert!(found.z > 6.0 && found.p < 1e-6, "{found:?}");
        assert!(found.onset.abs_diff(430) <= 2, "{found:?}");
        assert!((found.level - 10.0).abs() < 0.3 && (found.now - 15.0).abs() < 1.0);
    }

    #[test]
    fn noise_and_walks_are_nothing_special() {
        let found = Desk::default().look(&noise(480), SPAN).unwrap();
        assert!(found.z.abs() < 4.5, "{found:?}");
        let mut at = 0.0;
        let walk: Vec<f64> = noise(480)
            .into_iter()
            .map(|v| {
                at += v;
                at
            })
            .collect();
        let found = Desk::default().look(&walk, SPAN).unwrap();
        assert!(found.z.abs() < 4.5, "{found:?}");
    }

    #[test]
    fn odd_input_has_an_answer() {
        let mut desk = Desk::default();
        assert!(desk.look(&[], SPAN).is_none());
        assert!(desk.look(&[f64::NAN; 480], SPAN).is_none());
        assert_eq!(desk.look(&[7.0; 480], SPAN).unwrap().z, 0.0);
        let mut flat = vec![0.0; 480];
        flat[470..].fill(1.0);
        let found = desk.look(&flat, SPAN).unwrap();
        assert!(found.z > 5.0 && found.onset == 470, "{found:?}");
        let mut wild = noise(480);
        wild[100] = f64::INFINITY;
        wild[200] = 1e308;
        wild[201] = -1e308;
        let found = desk.look(&wild, SPAN).unwrap();
        assert!(found.z.is_finite() && (0.0..=1.0).contains(&found.p), "{found:?}");
        assert!(desk.look(&noise(480), Span { base: 470, from: 0, to: 9_999 }).is_some());
    }
}
