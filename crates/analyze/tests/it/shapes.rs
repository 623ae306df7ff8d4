//! Shapes that come again, jobs that recur, and how far series drift.

use crate::generator::Noise;
use plimsoll_analyze::{NEEDLE_MAX, distance_profile, drift, recurring, similar};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// A Monday midnight.
const START: i64 = 1_704_067_200_000;

fn noisy(seed: u64, points: usize, shape: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut noise = Noise(seed);
    (0..points).map(|i| shape(i) + noise.normal()).collect()
}

fn minutes(count: usize, every: i64) -> Vec<i64> {
    (0..count as i64).map(|i| START + i * every * MINUTE).collect()
}

#[test]
fn the_same_shape_is_found_whatever_its_height() {
    let hump = |i: usize| (i as f64 / 50.0 * std::f64::consts::PI).sin() * 20.0;
    let places = [300, 1_111, 4_000];
    let values = noisy(1, 5_000, |i| {
        let inside = places.iter().position(|&p| (p..p + 50).contains(&i));
        inside.map_or(0.0, |which| {
            hump(i - places[which]) * (which + 1) as f64 + 100.0 * which as f64
        })
    });
    let needle: Vec<f64> = (0..50).map(|i| 7.0 * hump(i) - 3.0).collect();
    let found = similar(&values, &needle, 3);
    let mut at: Vec<usize> = found.iter().map(|m| m.index).collect();
    at.sort_unstable();
    assert!(at.iter().zip(places).all(|(a, b)| a.abs_diff(b) <= 3), "{found:?}");
    assert!(found.iter().all(|m| m.correlation > 0.9), "{found:?}");
    assert!(found.windows(2).all(|w| w[0].distance <= w[1].distance));
}

#[test]
fn constant_shapes_and_gaps_have_an_answer() {
    let mut values = noisy(2, 500, |_| 0.0);
    values[100..150].fill(4.0);
    let found = similar(&values, &[9.0; 40], 5);
    assert!(found[0].distance == 0.0 && (100..=110).contains(&found[0].index), "{found:?}");
    assert!(found[1].distance > 8.0, "{found:?}");
    values[300..320].fill(f64::NAN);
    let profile = distance_profile(&values, &values[400..440]);
    assert!(profile[290].is_infinite() && profile[399].is_finite() && profile[400] < 1e-3);
    assert!(similar(&values, &values[300..340], 3).is_empty(), "a needle of gaps");
    assert!(
        similar(&values, &[1.0; 3], 3).is_empty()
            && similar(&values[..9], &[1.0; 10], 3).is_empty()
    );
    assert!(similar(&[1.0; 9_000], &[1.0; NEEDLE_MAX + 1], 3).is_empty());
    assert!(
        similar(&[f64::MAX, f64::MIN, 0.0, 1.0, f64::MAX], &[1.0, 2.0, 4.0, 3.0], 3).len() <= 3
    );
}

#[test]
fn a_nightly_and_an_hourly_job_are_told_apart() {
    // Backup at 02:30 for 40 minutes, logs at 17 past each hour for 5.
    let values = noisy(3, 10 * 1_440, |i| {
        let (day, hour) = (i % 1_440, i % 60);
        f64::from((150..190).contains(&day)) * 30.0 + f64::from((17..22).contains(&hour)) * 12.0
    });
    let found = recurring(&minutes(values.len(), 1), &values);
    let hourly = found.iter().find(|j| j.period_ms == 60 * MINUTE).expect("the hourly job");
    assert!((hourly.phase_ms - 17 * MINUTE).abs() <= MINUTE, "{found:?}");
    assert!((hourly.duration_ms - 5 * MINUTE).abs() <= 2 * MINUTE, "{found:?}");
    let nightly = found.iter().find(|j| j.period_ms == DAY).expect("the nightly job");
    assert!((nightly.phase_ms - 150 * MINUTE).abs() <= MINUTE, "{found:?}");
    assert!((nightly.duration_ms - 40 * MINUTE).abs() <= 5 * MINUTE, "{found:?}");
    assert!(nightly.hits >= 9 && nightly.cycles == 10 && found.len() == 2, "{found:?}");
}

#[test]
fn a_period_of_no_clock_is_followed_exactly() {
    let values = noisy(4, 3_000, |i| if i % 47 < 3 { 15.0 } else { 0.0 });
    let found = recurring(&minutes(3_000, 1), &values);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].period_ms, 47 * MINUTE);
    assert!(found[0].hits >= 62, "{found:?}");
}

#[test]
fn random_bursts_are_no_job() {
    let mut jobs = 0;
    for seed in 0..40 {
        let mut noise = Noise(seed);
        let values: Vec<f64> = (0..3_000)
            .map(|_| noise.normal() + if noise.share() < 0.02 { 20.0 } else { 0.0 })
            .collect();
        jobs += recurring(&minutes(3_000, 1), &values).len();
    }
    assert!(jobs <= 2, "{jobs} jobs in 40 random series");
    assert!(recurring(&minutes(100, 1), &[5.0; 100]).is_empty());
    assert!(recurring(&[], &[]).is_empty() && recurring(&[5; 50], &[1.0; 50]).is_empty());
}

#[test]
fn drifts_are_ranked_by_what_the_series_are_used_to() {
    let times = minutes(600, 5);
    let calm = noisy(5, 600, |i| 0.01 * i as f64);
    let loud: Vec<f64> =
        noisy(6, 600, |i| 0.02 * i as f64 / 50.0).iter().map(|v| v * 50.0).collect();
    let still = noisy(7, 600, |_| 0.0);
    let rank = |values: &[f64]| drift(&times, values, &[]).expect("points").rank;
    assert!(rank(&calm) > 4.0 && rank(&calm) < 8.0, "{}", rank(&calm));
    assert!(rank(&loud).abs() < rank(&calm) && rank(&still) == 0.0);
    let daily = noisy(8, 2_016, |i| {
        30.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin() - 0.004 * i as f64
    });
    let found = drift(&minutes(2_016, 5), &daily, &[288]).expect("points");
    assert!((found.change + 8.0).abs() < 1.5 && found.rank < -4.0, "{found:?}");
    let disk: Vec<f64> = (0..600).map(|i| 1e6 + f64::from(i)).collect();
    assert!(rank(&disk) < 1.0, "a thousandth of the level is no drift");
    assert_eq!(drift(&[1, 2, 3], &[1.0; 3], &[]), None);
}

fn naive_distance(window: &[f64], needle: &[f64]) -> f64 {
    let unit = |s: &[f64]| -> Vec<f64> {
        let n = s.len() as f64;
        let mean = s.iter().sum::<f64>() / n;
        let deviation = (s.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        s.iter().map(|v| (v - mean) / deviation).collect()
    };
    let squares = unit(window).iter().zip(unit(needle)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    squares.sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_profile_agrees_with_the_definition(seed in 0u64..1000, m in 4usize..40, n in 40usize..400) {
        let values = noisy(seed, n, |i| (i as f64 / 9.0).sin() * 3.0 + 1e3);
        let needle = noisy(seed + 1, m, |i| (i as f64 / 9.0).sin());
        let profile = distance_profile(&values, &needle);
        prop_assert_eq!(profile.len(), n + 1 - m);
        for (i, found) in profile.iter().enumerate() {
            let wanted = naive_distance(&values[i..i + m], &needle);
            prop_assert!((found - wanted).abs() < 1e-6, "{i}: {found} {wanted}");
        }
    }

    #[test]
    fn anything_has_an_answer(
        values in proptest::collection::vec(any::<f64>(), 0..200),
        times in proptest::collection::vec(any::<i64>(), 0..200),
        from in 0usize..100,
    ) {
        let needle = &values[from.min(values.len())..];
        prop_assert!(similar(&values, needle, 5).iter().all(|m| m.distance >= 0.0));
        let mut times = times;
        times.sort_unstable();
        let _ = recurring(&times, &values);
        if let Some(found) = drift(&times, &values, &[from]) {
            prop_assert!(!found.rank.is_nan());
        }
    }
}
