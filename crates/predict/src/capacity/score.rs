//! What back-tests of the paths tell: how much each model counts, how far the room to the limit has to be spread,
//! and how wide the distribution has to be.
//!
//! The place of each truth in the foretold distribution is a standard normal deviate when the width is right. Its
//! root mean square over the back-tests, drawn towards 1, is the factor by which levels are stretched: split-conformal
//! calibration by one parameter, because a series has few independent back-tests. Moving the middle as well was
//! measured and made it worse (docs/bench/breach.md).

use crate::standing::{Record, Rule, shares};
use plimsoll_analyze::{median, normal_quantile};

/// How models compete: errors of back-tests of the same origins, so that none is drawn to the mean.
const RULE: Rule = Rule { power: 2.0, kept_min: 0.1, shrink: 0.0 };
/// Spreads of the room that are tried, as deviations of its logarithm.
const SPREADS: [f64; 9] = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7];
/// Without back-tests.
const SPREAD_UNTESTED: f64 = 0.3;
/// Share of back-tests that shall lie between the ends.
const INSIDE: f64 = 0.94;
/// The ends, as shares of the paths.
const END: f64 = 0.05;
/// So many back-tests of the right width are added to those there are.
const WIDTH_PRIOR: f64 = 2.0;
/// Bounds of the width.
const WIDTHS: std::ops::RangeInclusive<f64> = 0.3..=1.5;
/// A truth beyond all paths lies at this share.
const BEYOND: f64 = 0.01;

/// What the models said at an earlier time of the greatest value within a while, and what came. All as rises above
/// the value at that time.
pub(super) struct Test {
    /// Per model the rises of its paths; empty when it could not speak.
    pub rises: Vec<Vec<f64>>,
    pub came: f64,
    pub weight: f64,
}

/// What follows for the paths of now.
pub(super) struct Score {
    /// Share of each model.
    pub weights: Vec<f64>,
    /// Deviation of the logarithm of the room.
    pub spread: f64,
    /// Factor on the deviates of levels; below 1 narrows.
    pub width: f64,
}

impl Score {
    /// `deviations`: where each path lies in the spread of the room.
    pub fn of(models: usize, tests: &[Test], deviations: &[f64]) -> Score {
        let weights = weights(models, tests);
        let spread = spread(&weights, tests, deviations);
        let width = width(&weights, tests, &factors(spread, deviations));
        Score { weights, spread, width }
    }
}

/// Shares of the models, by their errors. Who could not speak in a test has the worst error of it.
fn weights(count: usize, tests: &[Test]) -> Vec<f64> {
    let mut records = vec![Record { error: 0.0, scored: tests.len() as f64 }; count];
    for test in tests {
        let missed: Vec<Option<f64>> =
            test.rises.iter().map(|r| Some((median(r)? - test.came).abs())).collect();
        let worst = missed.iter().flatten().copied().fold(0.0, f64::max);
        for (record, error) in records.iter_mut().zip(&missed) {
            record.error += test.weight * error.unwrap_or(worst);
        }
    }
    shares(&records, RULE)
}

fn factors(spread: f64, deviations: &[f64]) -> Vec<f64> {
    deviations.iter().map(|z| (-spread * z).exp()).collect()
}

/// Shares of the paths of a test below and above what came.
fn sides(test: &Test, weights: &[f64], factors: &[f64]) -> Option<(f64, f64)> {
    let (mut below, mut above, mut all) = (0.0, 0.0, 0.0);
    for (rises, weight) in test.rises.iter().zip(weights) {
        let each = weight / rises.len().max(1) as f64;
        for (rise, factor) in rises.iter().zip(factors) {
            let rise = rise * factor;
            all += each;
            below += if rise < test.came { each } else { 0.0 };
            above += if rise > test.came { each } else { 0.0 };
        }
    }
    (all > 0.0).then(|| (below / all, above / all))
}

/// The least spread of the room with which enough of what came lies between the ends.
fn spread(weights: &[f64], tests: &[Test], deviations: &[f64]) -> f64 {
    if tests.is_empty() {
        return SPREAD_UNTESTED;
    }
    let inside = |spread: f64| {
        let factors = factors(spread, deviations);
        let holds =
            |test: &&Test| sides(test, weights, &factors).is_none_or(|s| s.0.max(s.1) <= 1.0 - END);
        tests.iter().filter(holds).count() as f64 / tests.len() as f64
    };
    let fits = |spread: &&f64| inside(**spread) >= INSIDE;
    SPREADS.iter().find(fits).copied().unwrap_or(SPREADS[SPREADS.len() - 1])
}

/// Root mean square of the deviates at which the truths of the tests lie.
fn width(weights: &[f64], tests: &[Test], factors: &[f64]) -> f64 {
    let (mut square, mut all) = (WIDTH_PRIOR, WIDTH_PRIOR);
    for test in tests {
        let Some((below, above)) = sides(test, weights, factors) else { continue };
        let place = (below + 0.5 * (1.0 - below - above)).clamp(BEYOND, 1.0 - BEYOND);
        square += test.weight * normal_quantile(place).powi(2);
        all += test.weight;
    }
    (square / all).sqrt().clamp(*WIDTHS.start(), *WIDTHS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One model whose paths rise by 0..=100, and tests in which `came` came.
    fn tests(came: &[f64]) -> Vec<Test> {
        let rises: Vec<f64> = (0..=100).map(f64::from).collect();
        came.iter().map(|&came| Test { rises: vec![rises.clone()], came, weight: 1.0 }).collect()
    }

    fn score(came: &[f64]) -> Score {
        Score::of(1, &tests(came), &vec![0.0; 101])
    }

    #[test]
    fn truths_near_the_middle_narrow_and_truths_at_the_ends_widen() {
        let narrow = score(&[50.0, 48.0, 53.0, 50.0, 51.0, 47.0, 50.0, 52.0]);
        assert!(narrow.width < 0.5, "{}", narrow.width);
        let even: Vec<f64> = (0..20).map(|i| 2.5 + 5.0 * f64::from(i)).collect();
        assert!((score(&even).width - 1.0).abs() < 0.1, "{}", score(&even).width);
        assert!(score(&[500.0, -500.0, 400.0, 300.0]).width > 1.4);
        assert_eq!(score(&[]).width, 1.0);
    }

    #[test]
    fn the_better_model_counts_and_the_bad_one_is_out() {
        let good: Vec<f64> = (0..20).map(|i| 10.0 + f64::from(i) / 10.0).collect();
        let bad = vec![90.0; 20];
        let test = |came| Test { rises: vec![good.clone(), bad.clone()], came, weight: 1.0 };
        let weights = weights(2, &[test(11.0), test(10.0), test(12.0)]);
        assert_eq!(weights, [1.0, 0.0]);
    }
}
