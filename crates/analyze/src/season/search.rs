//! Which periods a series repeats with when nobody says which to look for.
//!
//! Candidates are the hills of the autocorrelation and the peaks of the periodogram (detrended, Hann-tapered) above
//! their surroundings, and those the caller names. A candidate of period P is tested on what is left after the moving
//! average over P: the correlation r of the series with itself P later, over as many independent points as the rest
//! without the repeated shape has (Bartlett 1946). So red noise, trends and shifts, which also have peaks, do
//! not pass. The strongest is taken; if a divisor of it explains nearly as much that is the period instead (two
//! days repeat as one does). It is removed and the search repeated, so that a week beside a day is found, and
//! multiples and harmonics of what was found are not.
//!
//! Limits: the last [`SEARCH_POINTS_MAX`] samples, evenly spaced; at least three cycles of named periods, four of
//! others; [`SEASONS_MAX`] seasons; periods of at least [`PERIOD_MIN`] samples. Gaps are bridged by lines; more than half
//! of gaps: nothing is found.

use super::{level_profile, remove_profile};
use crate::chance::normal_tail;
use crate::fourier::{autoproducts, periodogram};
use crate::gaps::bridged;
use crate::moments::{dot, line_through};
use crate::robust::{median, quantile, robust_deviation};

/// Samples looked at.
pub const SEARCH_POINTS_MAX: usize = 8_192;
/// Seasons found, at most.
pub const SEASONS_MAX: usize = 3;
/// Shortest period in samples: below, a season and an alternating noise look the same.
pub const PERIOD_MIN: usize = 4;

/// Cycles that must be there of a period that was named.
const CYCLES_MIN: usize = 3;
/// The same of one that was not: two shifts make a period of three cycles.
const UNNAMED_CYCLES_MIN: usize = 4;
/// Chance of one false season among all candidates.
const P_MAX: f64 = 1e-3;
/// Correlation from cycle to cycle below which a season is of no use.
const STRENGTH_MIN: f64 = 0.2;
/// A divisor is the period when its strength is this share of the multiple's.
const DIVISOR_SHARE: f64 = 0.6;
/// Share of the correlation from cycle to cycle that must be left after more of them.
const AGAIN: f64 = 0.6;
/// Share of the variance that a period that was named may explain less than its neighbour.
const NAMED_LOSS: f64 = 0.02;
/// Candidates tested in a round.
const CANDIDATES_MAX: usize = 24;
/// Robust deviations beyond which values are drawn in.
const WILD: f64 = 5.0;
/// Lags of the rest's autocorrelation, at most.
const MEMORY_LAGS_MAX: usize = 128;

/// A period found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Season {
    /// Samples.
    pub period: usize,
    /// Correlation of one cycle with the next, without shorter seasons and slower waves, 0..=1.
    pub strength: f64,
    /// Probability of as much repetition without a season, for this one candidate.
    pub p_value: f64,
}

/// The seasons of evenly spaced samples, shortest first. `hints`: periods in samples to test beside those that the
/// series suggests, such as [`crate::calendar_periods`].
pub fn find_seasons(values: &[f64], hints: &[usize]) -> Vec<Season> {
    let values = &values[values.len().saturating_sub(SEARCH_POINTS_MAX)..];
    let finite = values.iter().filter(|v| v.is_finite()).count();
    let longest = values.len() / CYCLES_MIN;
    if longest < PERIOD_MIN || 2 * finite < values.len() {
        return Vec::new();
    }
    let mut rest = values.to_vec();
    let mut found: Vec<Season> = Vec::new();
    while found.len() < SEASONS_MAX {
        let Some(calm) = calmed(&rest) else { break };
        let mut candidates = suggested(&calm, longest);
        candidates.retain(|period| period * UNNAMED_CYCLES_MIN <= values.len());
        candidates.extend(hints.iter().copied().filter(|p| (PERIOD_MIN..=longest).contains(p)));
        candidates.sort_unstable();
        candidates.dedup();
        let Some(season) = strongest(&calm, &candidates, hints) else { break };
        if found.iter().any(|known| known.period == season.period) {
            break;
        }
        let profile = level_profile(&rest, season.period);
        remove_profile(&mut rest, &profile);
        found.push(season);
    }
    found.sort_unstable_by_key(|season| season.period);
    found
}

/// Detrended, wild values drawn in, gaps bridged. `None` when nothing varies.
fn calmed(values: &[f64]) -> Option<Vec<f64>> {
    let line = line_through(values)?;
    let whole = bridged(values);
    let flat: Vec<f64> =
        whole.iter().zip(0..).map(|(v, i)| v - line.0 - line.1 * f64::from(i)).collect();
    let middle = median(&flat)?;
    let spread = match robust_deviation(&flat)? {
        spread if spread > 0.0 => spread,
        // Mostly equal: what the rarer values reach.
        _ => quantile(&flat, 0.95)? - quantile(&flat, 0.05)?,
    };
    let reach = if spread > 0.0 { WILD * spread } else { f64::INFINITY };
    let calm: Vec<f64> = flat.iter().map(|v| (v - middle).clamp(-reach, reach)).collect();
    let own = dot(&calm, &calm);
    (own.is_finite() && own > 1e-20 * middle * middle && own > 0.0).then_some(calm)
}

/// Hills of the autocorrelation and peaks of the periodogram, the clearest first.
fn suggested(calm: &[f64], longest: usize) -> Vec<usize> {
    let products = autoproducts(calm, longest + longest / 8 + 2);
    let share = |lag: usize| products[lag] / (calm.len() - lag) as f64;
    // A hill: the highest point within an eighth of its lag.
    let is_hill = |lag: usize| {
        let reach = (lag / 8).max(1);
        let to = (lag + reach).min(products.len() - 1);
        share(lag) > 0.0 && (lag - reach..=to).all(|near| share(near) <= share(lag))
    };
    let mut hills: Vec<usize> =
        (PERIOD_MIN..=longest.min(products.len() - 1)).filter(|&lag| is_hill(lag)).collect();
    let highest = hills.iter().map(|&lag| share(lag)).fold(0.0, f64::max);
    let clear = hills.iter().copied().filter(|&lag| share(lag) >= 0.5 * highest);
    let mut all: Vec<usize> = clear.take(CANDIDATES_MAX / 3).collect();
    hills.sort_by(|&a, &b| share(b).total_cmp(&share(a)));
    all.extend(hills.into_iter().take(CANDIDATES_MAX / 4));
    for period in peaks(calm, longest) {
        let reach = (period * period / calm.len()).max(1);
        let near = period.saturating_sub(reach).max(PERIOD_MIN)
            ..=(period + reach).min(longest).min(products.len() - 1);
        all.extend(near.max_by(|&a, &b| share(a).total_cmp(&share(b))));
    }
    all
}

/// Periods of the peaks of the periodogram that stand out most from their surroundings.
fn peaks(calm: &[f64], longest: usize) -> Vec<usize> {
    let power = periodogram(calm);
    let size = 2 * (power.len() - 1);
    let first = (size / longest).max(2);
    let mut found: Vec<(f64, usize)> = Vec::new();
    for k in first..power.len() - 1 {
        if power[k] < power[k - 1] || power[k] <= power[k + 1] {
            continue;
        }
        // Surroundings: an octave to either side, thinned to 64 points.
        let (from, to) = (k / 2, (2 * k).min(power.len() - 1));
        let around: Vec<f64> =
            (from..=to).step_by(((to - from) / 64).max(1)).map(|k| power[k]).collect();
        let usual = median(&around).unwrap_or(0.0).max(f64::MIN_POSITIVE);
        found.push((power[k] / usual, (size + k / 2) / k));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.retain(|&(height, period)| height > 6.0 && (PERIOD_MIN..=longest).contains(&period));
    found.truncate(CANDIDATES_MAX / 2);
    found.into_iter().map(|(_, period)| period).collect()
}

/// The candidate that explains most, or its shortest divisor that explains nearly as much; of those that the length
/// of the series hardly tells apart, the one that was named.
fn strongest(calm: &[f64], candidates: &[usize], hints: &[usize]) -> Option<Season> {
    let limit = P_MAX / candidates.len().max(1) as f64;
    let judge = |period: usize| {
        test(calm, period).filter(|(season, _)| {
            season.strength >= STRENGTH_MIN
                && season.p_value <= limit
                && season.period >= PERIOD_MIN
        })
    };
    // What was named stays what it is: neighbours of a long period explain as much, by chance more.
    let found = |&period: &usize| {
        let own = judge(period)?;
        Some(if hints.contains(&period) { own } else { sharpened(own, judge) })
    };
    let mut passing: Vec<(Season, f64)> = candidates.iter().filter_map(found).collect();
    passing.sort_by_key(|(season, _)| season.period);
    passing.dedup_by_key(|(season, _)| season.period);
    let (best, most) = passing.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let divides = |part: usize| {
        let times = (best.period as f64 / part as f64).round();
        times >= 2.0 && (times * part as f64 - best.period as f64).abs() <= 0.5 * times
    };
    let divisor = passing.iter().find(|(season, _)| {
        divides(season.period) && season.strength >= DIVISOR_SHARE * best.strength
    });
    let (chosen, explained) = divisor.copied().unwrap_or((*best, *most));
    let blur = (chosen.period * chosen.period / calm.len()).max(1);
    let named = passing.iter().filter(|(season, by)| {
        hints.contains(&season.period)
            && season.period.abs_diff(chosen.period) <= blur
            && *by >= explained - NAMED_LOSS
    });
    Some(named.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(chosen, |named| named.0))
}

/// The neighbour, at most four samples away, that explains most.
fn sharpened(
    mut best: (Season, f64),
    judge: impl Fn(usize) -> Option<(Season, f64)>,
) -> (Season, f64) {
    for _ in 0..4 {
        let period = best.0.period;
        let sides = [period - 1, period + 1].into_iter().filter_map(&judge);
        match sides.max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some(better) if better.1 > best.1 => best = better,
            _ => break,
        }
    }
    best
}

/// A candidate's season, and how much of the whole series it explains (0..=1).
fn test(calm: &[f64], period: usize) -> Option<(Season, f64)> {
    let mut rest = calm.to_vec();
    let season = level_profile(calm, period);
    if season.is_empty() {
        return None;
    }
    let level = super::moving_average(calm, period);
    let (from, to) = (level.first()?.0, level.last()?.0 + 1);
    for (at, level) in level {
        rest[at] -= level;
    }
    let mut rest = rest[from..to].to_vec();
    let own = dot(&rest, &rest);
    let pairs = rest.len().checked_sub(period)?;
    if pairs < period || own <= 0.0 {
        return None;
    }
    let (early, late) = (&rest[..pairs], &rest[period..]);
    let scale = (dot(early, early) * dot(late, late)).sqrt();
    let r = if scale > 0.0 { dot(early, late) / scale } else { 0.0 };
    let again = repeats_again(&rest, period, r);
    for (at, v) in rest.iter_mut().enumerate() {
        *v -= season[(from + at) % period];
    }
    let left = dot(&rest, &rest);
    let memory = 1.0 + 2.0 * shared(&rest, (period / 2).min(MEMORY_LAGS_MAX));
    let z = r * (pairs as f64 / memory).sqrt();
    let explained = (1.0 - left / own) * own / dot(calm, calm);
    // What a shape of as many parameters explains of noise.
    let cost = period as f64 / pairs as f64 * left / dot(calm, calm);
    let strength = if again { r.clamp(0.0, 1.0) } else { 0.0 };
    let season = Season { period, strength, p_value: normal_tail(z) };
    Some((season, explained - cost))
}

/// Whether cycles further apart (up to four) still look nearly as alike as neighbours: the teeth of a saw that come
/// when they come do not.
fn repeats_again(rest: &[f64], period: usize, r: f64) -> bool {
    let times = (rest.len() / period).saturating_sub(1).min(4);
    if times < 2 {
        return true;
    }
    let (early, late) = (&rest[..rest.len() - times * period], &rest[times * period..]);
    let scale = (dot(early, early) * dot(late, late)).sqrt();
    scale > 0.0 && dot(early, late) >= AGAIN * r * scale
}

/// Sum of the squared autocorrelations of lags 1..=`lag_max`.
fn shared(values: &[f64], lag_max: usize) -> f64 {
    let own = dot(values, values);
    if own <= 0.0 {
        return 0.0;
    }
    let share = |lag: usize| dot(&values[lag..], values) / own;
    (1..=lag_max.min(values.len())).map(|lag| share(lag) * share(lag)).sum()
}
