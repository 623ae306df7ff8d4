//! What the ranking takes back: a series that another explains, and the third of a kind.
//!
//! Where a likelier series moved first and a series goes with that one, so that nothing of how it goes with
//! the symptom is left (partial correlation), it follows from the same driver and is lowered. Among the first
//! [`FIRST`] stand at most [`ALIKE_MAX`] of one metric on one host: ten disks of a host are one hint.

use plimsoll_analyze::{Focus, Scratch};

use super::candidates::host_of;
use super::nature::is_change;
use super::rank::{Finalist, LAG_MAX};
use super::related::Direction;

/// Likely series of which it is asked what they explain.
const DRIVERS: usize = 6;
/// Correlation with a driver below which it explains nothing.
const GOES_MIN: f64 = 0.6;
/// What is lost at most.
const LOST_MAX: f64 = 0.4;
/// The places that people read.
const FIRST: usize = 5;
/// Series of one metric and host among them.
const ALIKE_MAX: usize = 2;

/// Lowers what likelier series that moved first explain.
pub(super) fn explain_away(ranked: &mut [(Finalist, f64)]) {
    let has_shape = |f: &Finalist| {
        matches!(f.sight.direction, Direction::Up | Direction::Down)
            && !is_change(f.labels.metric())
    };
    let mut factors = vec![1.0_f64; ranked.len()];
    let mut scratch = Scratch::default();
    for (i, (driver, score)) in ranked.iter().enumerate().take(DRIVERS) {
        let Some(shape) = Some(driver).filter(|d| has_shape(d)) else { continue };
        let Some(focus) = Focus::new(&shape.changes, LAG_MAX) else { continue };
        for (j, (f, own)) in ranked.iter().enumerate().skip(i + 1) {
            if own > score || f.onset <= driver.onset || !has_shape(f) {
                continue;
            }
            let Some(both) = focus.correlate(&f.changes, &mut scratch) else { continue };
            let share = explained(f.correlation, both.r, driver.correlation);
            factors[j] = factors[j].min(1.0 - LOST_MAX * share);
        }
    }
    ranked.iter_mut().zip(factors).for_each(|((_, score), factor)| *score *= factor);
}

/// Which share of a correlation with the symptom is one with the driver: by the partial correlation.
fn explained(with_symptom: f64, with_driver: f64, drivers: f64) -> f64 {
    if with_driver.abs() < GOES_MIN || with_symptom == 0.0 {
        return 0.0;
    }
    let rest = ((1.0 - with_driver.powi(2)) * (1.0 - drivers.powi(2))).sqrt();
    let partial = (with_symptom - with_driver * drivers) / rest.max(1e-6);
    let share = 1.0 - partial.abs() / with_symptom.abs();
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// Lets others among the first where too many are alike; the order is otherwise kept.
pub(super) fn diversify<T>(ranked: &mut Vec<T>, kind: impl Fn(&T) -> (String, String)) {
    let kinds: Vec<(String, String)> = ranked.iter().map(kind).collect();
    let mut first: Vec<usize> = Vec::new();
    for (i, own) in kinds.iter().enumerate() {
        if first.len() == FIRST {
            break;
        }
        if first.iter().filter(|at| kinds[**at] == *own).count() < ALIKE_MAX {
            first.push(i);
        }
    }
    let is_first = |i: &usize| first.contains(i);
    let rest = (0..ranked.len()).filter(|i| !is_first(i));
    let order: Vec<usize> = first.iter().copied().chain(rest).collect();
    let mut slots: Vec<Option<T>> = ranked.drain(..).map(Some).collect();
    ranked.extend(order.into_iter().filter_map(|i| slots[i].take()));
}

/// Metric and host of a series.
pub(super) fn kind_of(f: &Finalist) -> (String, String) {
    let host = host_of(f.labels.as_ref()).unwrap_or_default();
    (f.labels.metric().to_owned(), host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_that_the_driver_makes_is_explained() {
        assert!(explained(0.81, 0.9, 0.9) > 0.95, "all of it is the driver's");
        assert_eq!(explained(0.9, 0.3, 0.9), 0.0, "it does not go with the driver");
        assert!(explained(0.9, 0.7, 0.5) < 0.2, "more is left than was taken");
        assert_eq!(explained(0.0, 0.9, 0.9), 0.0);
        for odd in [1.0, -1.0, f64::NAN] {
            assert!((0.0..=1.0).contains(&explained(odd, odd, odd)), "{odd}");
        }
    }

    #[test]
    fn the_third_of_a_kind_waits_until_five_are_told() {
        let order = |text: &str| {
            let mut all: Vec<char> = text.chars().collect();
            diversify(&mut all, |c| (c.to_ascii_lowercase().to_string(), String::new()));
            all.into_iter().collect::<String>()
        };
        assert_eq!(order("aaAabcde"), "aabcdAae");
        assert_eq!(order("abcde"), "abcde");
        assert_eq!(order("aaaa"), "aaaa");
        assert_eq!(order("aaabb"), "aabba");
        assert_eq!(order(""), "");
    }
}
