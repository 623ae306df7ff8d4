//! Pages: how often somebody would have been called, and how sure that is.
//!
//! Alerts that agree on the labels of `group_by` are one group, as in a route. A page is the time from
//! when the first alert of a group fires until none does: what joins meanwhile is no page of its own.
//! The interval of the rate is the exact one for a Poisson count (Garwood 1936, "Fiducial limits for the
//! Poisson distribution"). It takes pages to be independent of each other; where trouble comes in
//! bursts the true interval is wider.

use std::collections::HashMap;

use plimsoll_model::{DAY_MS, Timestamp};
use serde::Serialize;

/// Above this many events the chi-squared quantiles are Wilson's and Hilferty's (1931).
const EXACT_MAX: u64 = 10_000;

/// Pages of a rule, and their rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pages {
    /// Episodes that fired.
    pub fired: u64,
    /// Pages.
    pub count: u64,
    /// Pages in seven days.
    pub per_week: f64,
    /// Lower end of the interval of `per_week`.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Probability of the interval.
    pub level: f64,
    /// Time that alerts fired, all added up, ms.
    pub firing_ms: i64,
}

/// Counts pages while time goes on.
#[derive(Clone, Debug, Default)]
pub struct PageCount {
    pub fired: u64,
    pub firing_ms: i64,
    count: u64,
    /// Alerts that fire, by group.
    firing: HashMap<u32, u32>,
    /// Of this window: time, whether it ends, group.
    events: Vec<(Timestamp, bool, u32)>,
}

impl PageCount {
    pub fn fire(&mut self, at: Timestamp, group: u32) {
        self.fired += 1;
        self.events.push((at, false, group));
    }

    pub fn resolve(&mut self, fired: Timestamp, at: Timestamp, group: u32) {
        self.firing_ms += at - fired;
        self.events.push((at, true, group));
    }

    /// The end of a window: nothing earlier follows.
    pub fn settle(&mut self) {
        // At one time what begins comes first: a group that changes hands goes on.
        self.events.sort_unstable();
        for (_, ends, group) in self.events.drain(..) {
            let firing = self.firing.entry(group).or_default();
            if ends {
                *firing = firing.saturating_sub(1);
                continue;
            }
            self.count += u64::from(*firing == 0);
            *firing += 1;
        }
        self.firing.retain(|_, n| *n > 0);
    }

    #[cfg(test)]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The rate over so many ms.
    pub fn told(&self, covered_ms: i64, level: f64) -> Pages {
        let weeks = covered_ms.max(1) as f64 / (7 * DAY_MS) as f64;
        let (low, high) = poisson_interval(self.count, level);
        Pages {
            fired: self.fired,
            count: self.count,
            per_week: self.count as f64 / weeks,
            low: low / weeks,
            high: high / weeks,
            level,
            firing_ms: self.firing_ms,
        }
    }
}

/// The exact interval of the mean of a Poisson count, of probability `level` (0 to 1).
pub fn poisson_interval(count: u64, level: f64) -> (f64, f64) {
    let tail = (1.0 - level) / 2.0;
    let n = count as f64;
    if count > EXACT_MAX {
        let z = normal_quantile(1.0 - tail);
        let near = |k: f64, z: f64| k * (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
        return (near(n, -z), near(n + 1.0, z));
    }
    // P(X >= n) = tail at the lower end, P(X <= n) = tail at the upper one.
    let low = if count == 0 { 0.0 } else { solve(n, |mean| at_most(count - 1, mean) > 1.0 - tail) };
    (low, solve(n, |mean| at_most(count, mean) > tail))
}

/// The mean at which `is_below` stops to hold.
fn solve(n: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, n + 60.0 * (n + 1.0).sqrt() + 60.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The probability of at most `n` events: terms are added from the largest down.
fn at_most(n: u64, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 1.0;
    }
    let top = (mean.floor() as u64).min(n);
    let log_factorial: f64 = (1..=top).map(|k| (k as f64).ln()).sum();
    let first = (top as f64 * mean.ln() - mean - log_factorial).exp();
    let (mut sum, mut term) = (first, first);
    for k in (1..=top).rev() {
        term *= k as f64 / mean;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    term = first;
    for k in top + 1..=n {
        term *= mean / k as f64;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum.min(1.0)
}

/// The quantile of the normal distribution (Abramowitz and Stegun 26.2.23, error below 4.5e-4).
fn normal_quantile(p: f64) -> f64 {
    let t = (-2.0 * (1.0 - p).ln()).sqrt();
    let above = 0.010_328f64.mul_add(t, 0.802_853).mul_add(t, 2.515_517);
    let below = 0.001_308f64.mul_add(t, 0.189_269).mul_add(t, 1.432_788).mul_add(t, 1.0);
    t - above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_garwoods() {
        // From tables of exact 95 % limits.
        for (n, low, high) in
            [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3640, 121.6272)]
        {
            let (l, h) = poisson_interval(n, 0.95);
            assert!((l - low).abs() < 1e-3 && (h - high).abs() < 1e-3, "{n}: {l} {h}");
        }
        let (l, h) = poisson_interval(10_000, 0.95);
        let (m, i) = poisson_interval(10_001, 0.95);
        assert!((l - m).abs() < 2.0 && (h - i).abs() < 2.0, "{l} {m} {h} {i}");
    }

    #[test]
    fn what_overlaps_is_one_page() {
        let mut pages = PageCount::default();
        pages.fire(10, 0);
        pages.fire(20, 0);
        pages.resolve(10, 30, 0);
        pages.settle();
        pages.resolve(20, 40, 0);
        pages.fire(40, 0);
        pages.fire(40, 1);
        pages.settle();
        pages.resolve(40, 50, 0);
        pages.fire(60, 0);
        pages.settle();
        assert_eq!((pages.count(), pages.fired, pages.firing_ms), (3, 5, 50));
    }
}
