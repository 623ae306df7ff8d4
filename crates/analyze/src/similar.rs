//! When did this shape happen before: the stretches of a long series that look most like a short one.
//!
//! The distance is Euclidean after both were shifted and scaled to mean 0 and deviation 1 (z-normalised), for all
//! positions at once by sliding products through Fourier transforms (MASS; Mueen et al. 2017). Matches do
//! not overlap each other. A constant stretch is like another constant one (distance 0), and as unlike anything else
//! as noise is.
//!
//! Limits: needles of [`NEEDLE_MIN`] to [`NEEDLE_MAX`] points (a longer one is refused), [`MATCHES_MAX`] matches; the
//! haystack may be of any length, O(n log m). Gaps are bridged by straight lines; windows with more than a tenth of
//! gaps match nothing.

use crate::fourier::Fourier;
use crate::gaps::bridged;
use crate::robust::quantile_in_place;

/// Points of the shortest shape.
pub const NEEDLE_MIN: usize = 4;
/// Points of the longest shape.
pub const NEEDLE_MAX: usize = 8_192;
/// Matches returned, at most.
pub const MATCHES_MAX: usize = 1_000;
/// Share of a window that may be gaps.
const GAPS: usize = 10;

/// Where a shape was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// First index in the haystack.
    pub index: usize,
    /// z-normalised Euclidean distance: 0 for the same shape, about sqrt(2 m) for unrelated ones of m points.
    pub distance: f64,
    /// 1 - distance^2 / (2 m): the correlation of both, -1..=1.
    pub correlation: f64,
}

/// The best `k` matches, nearest first, none overlapping another by more than half. Empty when the needle is too short,
/// too long, or has too many gaps.
pub fn similar(haystack: &[f64], needle: &[f64], k: usize) -> Vec<Match> {
    let m = needle.len();
    let profile = distance_profile(haystack, needle);
    let mut order: Vec<usize> = (0..profile.len()).filter(|&i| profile[i].is_finite()).collect();
    order.sort_unstable_by(|&a, &b| profile[a].total_cmp(&profile[b]));
    let mut taken = vec![false; haystack.len()];
    let mut found = Vec::new();
    for index in order {
        if found.len() == k.min(MATCHES_MAX) {
            break;
        }
        let (from, to) = (index + m / 4, index + m - m / 4);
        if taken[from] || taken[to - 1] {
            continue;
        }
        taken[from..to].fill(true);
        let distance = profile[index];
        let correlation = (1.0 - distance * distance / (2.0 * m as f64)).clamp(-1.0, 1.0);
        found.push(Match { index, distance, correlation });
    }
    found
}

/// The distance of the needle from each window of the haystack; infinite where the window has too many gaps. Empty
/// when there is no window, or the needle does not fit the limits.
pub fn distance_profile(haystack: &[f64], needle: &[f64]) -> Vec<f64> {
    let m = needle.len();
    if !(NEEDLE_MIN..=NEEDLE_MAX).contains(&m) || haystack.len() < m || gaps(needle) > m / GAPS {
        return Vec::new();
    }
    let Some(unit) = unit(&bridged(needle)) else { return Vec::new() };
    let mut missing = vec![0u32];
    let mut count = 0;
    missing.extend(haystack.iter().map(|v| {
        count += u32::from(!v.is_finite());
        count
    }));
    let hay = scaled(bridged(haystack));
    let (products, windows) = (sliding_products(&hay, &unit), Windows::of(&hay, m));
    let flat = unit.iter().all(|&v| v == 0.0);
    let size = m as f64;
    (0..products.len())
        .map(|i| {
            if (missing[i + m] - missing[i]) as usize > m / GAPS {
                return f64::INFINITY;
            }
            let deviation = windows.deviation(i);
            match (flat, deviation == 0.0) {
                (true, true) => 0.0,
                (true, false) | (false, true) => (2.0 * size).sqrt(),
                (false, false) => {
                    (2.0 * (size - products[i] / deviation).max(0.0)).min(4.0 * size).sqrt()
                }
            }
        })
        .collect()
}

fn gaps(values: &[f64]) -> usize {
    values.iter().filter(|v| !v.is_finite()).count()
}

/// About the median and divided by the largest distance from it, so that sums of squares keep their digits.
fn scaled(mut values: Vec<f64>) -> Vec<f64> {
    let middle = quantile_in_place(&mut values.clone(), 0.5).unwrap_or(0.0);
    let half = 0.5 * middle;
    let reach = values.iter().map(|v| (0.5 * v - half).abs()).fold(0.0, f64::max);
    let scale = if reach > 0.0 { reach.recip() } else { 0.0 };
    let scale = if scale.is_finite() { scale } else { 0.0 };
    for v in &mut values {
        *v = (0.5 * *v - half) * scale;
    }
    values
}

/// Mean 0 and deviation 1; all 0 for a constant shape. `None` for no values.
fn unit(values: &[f64]) -> Option<Vec<f64>> {
    let values = scaled(values.to_vec());
    let windows = Windows::of(&values, values.len());
    let (mean, deviation) = (*windows.means.first()?, windows.deviation(0));
    let scale = if deviation > 0.0 { deviation.recip() } else { 0.0 };
    Some(values.iter().map(|v| (v - mean) * scale).collect())
}

/// Means and variances of all windows of one length.
struct Windows {
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Windows {
    /// Running sums, taken anew every so often so that rounding does not pile up.
    fn of(values: &[f64], m: usize) -> Windows {
        let count = (values.len() + 1).saturating_sub(m);
        let (mut means, mut variances) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let size = m as f64;
        let (mut sum, mut square) = (0.0, 0.0);
        for i in 0..count {
            if i % 1_024 == 0 {
                let window = &values[i..i + m];
                sum = window.iter().sum();
                square = window.iter().map(|v| v * v).sum();
            } else {
                let (new, old) = (values[i + m - 1], values[i - 1]);
                sum += new - old;
                square += new * new - old * old;
            }
            let mean: f64 = sum / size;
            means.push(mean);
            variances.push((square / size - mean * mean).max(0.0));
        }
        Windows { means, variances }
    }

    /// 0 where rounding is all there is.
    fn deviation(&self, i: usize) -> f64 {
        let noise = 1e-13 * (1.0 + self.means[i] * self.means[i]);
        if self.variances[i] <= noise { 0.0 } else { self.variances[i].sqrt() }
    }
}

/// Sum of products of the needle with each window, in blocks of four needles (overlap-save).
fn sliding_products(hay: &[f64], needle: &[f64]) -> Vec<f64> {
    let m = needle.len();
    let count = hay.len() + 1 - m;
    let fourier = Fourier::new((4 * m).clamp(64, 4 * NEEDLE_MAX));
    let step = fourier.size() + 1 - m;
    let reversed: Vec<f64> = needle.iter().rev().copied().collect();
    let shape = fourier.real(&reversed);
    let mut all = Vec::with_capacity(count);
    let mut from = 0;
    while from < count {
        let block = &hay[from..hay.len().min(from + fourier.size())];
        let mut data = fourier.real(block);
        for (a, b) in data.iter_mut().zip(&shape) {
            *a = (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
        }
        let products = fourier.inverse_real(data);
        let good = step.min(count - from);
        all.extend_from_slice(&products[m - 1..m - 1 + good]);
        from += good;
    }
    all
}
