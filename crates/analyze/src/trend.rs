//! Monotone trend: Theil–Sen slope with Mann–Kendall significance (Sen 1968, Kendall 1975).
//!
//! Both look at pairs of points, so a third of the points may be wild without moving the answer. Variance is
//! corrected for ties, and inflated by (1+r)/(1-r) where r is the lag-1 autocorrelation of what the line leaves
//! over: telemetry is rarely independent, and the uncorrected test finds trends everywhere.
//!
//! Limits: [`TREND_POINTS_MAX`] points; longer series are thinned to medians of equal runs first.

use crate::chance::{normal_quantile, normal_tail};
use crate::moments::inflation;
use crate::robust::{quantile_in_place, thin, tie_groups};
use crate::season::deseasonalise;
use std::cmp::Ordering;

/// Points that enter the pairwise maths: 512 make 131,000 pairs, about two milliseconds.
pub const TREND_POINTS_MAX: usize = 512;

/// Level of the confidence interval of the slope.
const SLOPE_LEVEL: f64 = 0.95;

/// The straight line through a series and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change of the value per second.
    pub slope_per_s: f64,
    /// Lower end of the 95 % confidence interval of the slope.
    pub slope_low: f64,
    /// Upper end of the 95 % confidence interval of the slope.
    pub slope_high: f64,
    /// Value of the line at the first time of the input.
    pub intercept: f64,
    /// Two-sided probability of so much order in a series without trend.
    pub p_value: f64,
    /// Kendall's tau-b, -1..=1.
    pub tau: f64,
    /// Standard error of the slope as the interval implies it.
    pub slope_error: f64,
    /// First time of the input, milliseconds.
    pub start_ms: i64,
    /// Points that were used after thinning.
    pub points: usize,
}

impl Trend {
    /// Value of the line at a time.
    pub fn at(&self, time_ms: i64) -> f64 {
        self.intercept + self.slope_per_s * (time_ms.saturating_sub(self.start_ms)) as f64 / 1e3
    }

    /// Whether a trend is there at the given two-sided level, such as 0.01.
    pub fn significant(&self, level: f64) -> bool {
        self.p_value < level && self.slope_per_s != 0.0
    }
}

/// Trend of a series; times in milliseconds, ascending. `season`: period in samples to remove first (needs two
/// full cycles of evenly spaced samples, else it is left in).
///
/// `None` below 4 finite points or when all times are equal.
pub fn trend(times_ms: &[i64], values: &[f64], season: Option<usize>) -> Option<Trend> {
    let adjusted;
    let values = match season {
        Some(period) if period > 1 && values.len() >= 2 * period => {
            adjusted = deseasonalise(values, period);
            &adjusted
        }
        _ => values,
    };
    trend_of(times_ms, values, TREND_POINTS_MAX)
}

/// Trend of a series without season, on at most `points_max` points.
pub(crate) fn trend_of(times_ms: &[i64], values: &[f64], points_max: usize) -> Option<Trend> {
    let (times, values) = thin(times_ms, values, points_max);
    let start_ms = *times.first()?;
    if times.len() < 4 {
        return None;
    }
    let seconds: Vec<f64> =
        times.iter().map(|t| (t.saturating_sub(start_ms)) as f64 / 1e3).collect();
    let mut pairs = Pairs::of(&seconds, &values)?;
    let (slope, intercept) = pairs.line(&seconds, &values)?;
    let inflation = dependence(&seconds, &values, slope, intercept);
    let variance = kendall_variance(&values) * inflation;
    let half = normal_quantile(0.5 + SLOPE_LEVEL / 2.0);
    let (slope_low, slope_high) = pairs.interval(half * variance.sqrt());
    Some(Trend {
        slope_per_s: slope,
        slope_low,
        slope_high,
        intercept,
        p_value: significance(pairs.score, variance),
        tau: pairs.tau(&values),
        slope_error: (slope_high - slope_low) / (2.0 * half),
        start_ms,
        points: values.len(),
    })
}

/// All pairwise slopes and Kendall's score (rises minus falls). The middle slope is in its place, the lesser before
/// it, the greater behind it: no more order is needed, and sorting costs several times as much.
struct Pairs {
    slopes: Vec<f64>,
    score: f64,
}

impl Pairs {
    fn of(seconds: &[f64], values: &[f64]) -> Option<Pairs> {
        let n = values.len();
        let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
        let mut score = 0i64;
        for later in 1..n {
            for earlier in 0..later {
                let apart = seconds[later] - seconds[earlier];
                if apart <= 0.0 {
                    continue;
                }
                let rise = values[later] - values[earlier];
                if !rise.is_finite() {
                    return None;
                }
                score += i64::from(rise > 0.0) - i64::from(rise < 0.0);
                slopes.push(rise / apart);
            }
        }
        if slopes.is_empty() {
            return None;
        }
        let middle = slopes.len() / 2;
        slopes.select_nth_unstable_by(middle, f64::total_cmp);
        Some(Pairs { slopes, score: score as f64 })
    }

    fn line(&self, seconds: &[f64], values: &[f64]) -> Option<(f64, f64)> {
        let middle = self.slopes.len() / 2;
        let slope = if self.slopes.len() % 2 == 1 {
            self.slopes[middle]
        } else {
            let below = self.slopes[..middle].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            0.5 * (below + self.slopes[middle])
        };
        let mut rests: Vec<f64> = seconds.iter().zip(values).map(|(t, v)| v - slope * t).collect();
        Some((slope, quantile_in_place(&mut rests, 0.5)?))
    }

    /// Sen's interval: the slopes `spread`/2 ranks to either side of the middle, ranks rounded to the nearest.
    fn interval(&mut self, spread: f64) -> (f64, f64) {
        let last = self.slopes.len() - 1;
        let middle = self.slopes.len() as f64 / 2.0;
        let low = ((middle - spread / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
        let high = (middle + spread / 2.0).round_ties_even().max(0.0) as usize;
        (self.nth(low.min(last)), self.nth(high.min(last)))
    }

    fn nth(&mut self, at: usize) -> f64 {
        let middle = self.slopes.len() / 2;
        let (part, at) = match at.cmp(&middle) {
            Ordering::Less => (&mut self.slopes[..middle], at),
            Ordering::Equal => return self.slopes[middle],
            Ordering::Greater => (&mut self.slopes[middle + 1..], at - middle - 1),
        };
        *part.select_nth_unstable_by(at, f64::total_cmp).1
    }

    fn tau(&self, values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let all = n * (n - 1.0) / 2.0;
        let tied: f64 = tie_groups(values).iter().map(|g| g * (g - 1.0) / 2.0).sum();
        let scale = (all * (all - tied)).sqrt();
        if scale > 0.0 { (self.score / scale).clamp(-1.0, 1.0) } else { 0.0 }
    }
}

/// Variance of Kendall's score without trend, corrected for ties.
fn kendall_variance(values: &[f64]) -> f64 {
    let term = |k: f64| k * (k - 1.0) * (2.0 * k + 5.0);
    let ties: f64 = tie_groups(values).into_iter().map(term).sum();
    ((term(values.len() as f64) - ties) / 18.0).max(0.0)
}

/// (1+r)/(1-r), r the lag-1 autocorrelation of the residuals, at least 1 and at most a fifth of the points.
fn dependence(seconds: &[f64], values: &[f64], slope: f64, intercept: f64) -> f64 {
    let rests: Vec<f64> =
        seconds.iter().zip(values).map(|(t, v)| v - intercept - slope * t).collect();
    inflation(&rests)
}

fn significance(score: f64, variance: f64) -> f64 {
    if variance <= 0.0 || score == 0.0 {
        return 1.0;
    }
    let z = (score.abs() - 1.0) / variance.sqrt();
    (2.0 * normal_tail(z)).min(1.0)
}
