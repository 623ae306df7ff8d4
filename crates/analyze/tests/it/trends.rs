//! Trend, season and regime on series whose truth is known.

use crate::generator::{Noise, daily_load};
use plimsoll_analyze::{
    calendar_periods, deseasonalise, find_periods, is_seasonal, last_regime, trend,
};
use proptest::prelude::*;

fn seconds(count: usize) -> Vec<i64> {
    (0..count as i64).map(|i| i * 1000).collect()
}

#[test]
fn a_noisy_rise_is_measured_and_believed() {
    let mut noise = Noise(1);
    let values: Vec<f64> = (0..300).map(|i| 5.0 + 0.5 * i as f64 + 10.0 * noise.normal()).collect();
    let found = trend(&seconds(300), &values, None).expect("enough points");
    assert!((found.slope_per_s - 0.5).abs() < 0.05, "{found:?}");
    assert!(found.slope_low < 0.5 && 0.5 < found.slope_high, "{found:?}");
    assert!(found.significant(0.001) && found.tau > 0.7, "{found:?}");
    assert!((found.intercept - 5.0).abs() < 6.0, "{found:?}");
}

#[test]
fn a_third_of_wild_points_does_not_move_the_slope() {
    let mut noise = Noise(2);
    let value = |i: usize, noise: &mut Noise| {
        if noise.share() < 0.25 { 1e6 * noise.share() } else { 2.0 * i as f64 }
    };
    let values: Vec<f64> = (0..200).map(|i| value(i, &mut noise)).collect();
    let found = trend(&seconds(200), &values, None).expect("enough points");
    assert!((found.slope_per_s - 2.0).abs() < 0.3, "{found:?}");
}

#[test]
fn noise_is_rarely_called_a_trend() {
    let mut called = 0;
    for seed in 0..200 {
        let mut noise = Noise(seed);
        let mut level = 0.0;
        let values: Vec<f64> = (0..120)
            .map(|_| {
                level = 0.5 * level + noise.normal();
                level
            })
            .collect();
        let found = trend(&seconds(120), &values, None).expect("enough points");
        called += usize::from(found.significant(0.05));
    }
    assert!(called <= 20, "{called} of 200 at the 5 % level");
}

#[test]
fn ties_and_constants_have_no_trend() {
    let found = trend(&seconds(50), &[3.0; 50], None).expect("enough points");
    assert_eq!((found.slope_per_s, found.p_value, found.tau), (0.0, 1.0, 0.0));
    let steps: Vec<f64> = (0..100).map(|i| f64::from(i / 25)).collect();
    let found = trend(&seconds(100), &steps, None).expect("enough points");
    assert!(found.slope_per_s > 0.0 && found.tau <= 1.0);
}

#[test]
fn a_season_is_removed_before_the_slope() {
    let (times, values): (Vec<i64>, Vec<f64>) = daily_load(3, 288 * 3 + 144).into_iter().unzip();
    let raw = trend(&times, &values, None).expect("enough points");
    let clean = trend(&times, &values, Some(288)).expect("enough points");
    assert!(clean.slope_per_s.abs() < raw.slope_per_s.abs() / 3.0, "{raw:?} {clean:?}");
}

#[test]
fn too_little_says_nothing() {
    assert_eq!(trend(&[], &[], None), None);
    assert_eq!(trend(&[1, 2, 3], &[1.0, 2.0, 3.0], None), None);
    assert_eq!(trend(&[5; 9], &[1.0; 9], None), None);
    assert_eq!(trend(&seconds(9), &[f64::NAN; 9], Some(2)), None);
    assert_eq!(last_regime(&[], &[]), None);
    assert!(!is_seasonal(&[1.0; 100], 10));
    assert!(!is_seasonal(&[], 2));
}

#[test]
fn the_day_is_found_and_nothing_in_noise() {
    assert_eq!(calendar_periods(300_000), [12, 288, 2016]);
    assert_eq!(calendar_periods(604_800_000), [4, 52]);
    let values: Vec<f64> = daily_load(4, 288 * 8).into_iter().map(|p| p.1).collect();
    assert!(is_seasonal(&values, 288));
    let flat = deseasonalise(&values, 288);
    assert!(!is_seasonal(&flat, 288));
    let mut noise = Noise(8);
    let values: Vec<f64> = (0..2000).map(|_| noise.normal()).collect();
    assert!(find_periods(&values, &[24, 168, 288]).len() <= 1);
}

#[track_caller]
fn check_regime(values: &[f64], from: usize, to: usize) {
    let found = last_regime(&seconds(values.len()), values).expect("points").start_ms / 1000;
    assert!((from as i64..=to as i64).contains(&found), "regime starts at {found}");
}

#[test]
fn the_last_regime_begins_at_the_last_change() {
    let mut noise = Noise(6);
    let mut near = |v: f64| v + 0.2 * noise.normal();
    let line: Vec<f64> = (0..200).map(|i| near(0.1 * i as f64)).collect();
    check_regime(&line, 0, 0);
    let plateau: Vec<f64> =
        (0..200).map(|i| near(if i < 120 { 5.0 } else { 5.0 + 0.2 * (i - 120) as f64 })).collect();
    check_regime(&plateau, 110, 130);
    let jump: Vec<f64> = (0..200).map(|i| near(if i < 60 { 0.0 } else { 50.0 })).collect();
    check_regime(&jump, 58, 62);
    let teeth: Vec<f64> = (0..200).map(|i| near(0.05 * i as f64 + 0.3 * (i % 25) as f64)).collect();
    check_regime(&teeth, 0, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn slope_scales_and_ignores_shifts(seed in 0u64..500, shift in -1e3f64..1e3, scale in 0.1f64..10.0) {
        let mut noise = Noise(seed);
        let values: Vec<f64> = (0..80).map(|i| f64::from(i) + 20.0 * noise.normal()).collect();
        let moved: Vec<f64> = values.iter().map(|v| v * scale + shift).collect();
        let a = trend(&seconds(80), &values, None).expect("enough points");
        let b = trend(&seconds(80), &moved, None).expect("enough points");
        prop_assert!((a.slope_per_s * scale - b.slope_per_s).abs() < 1e-6);
        prop_assert!((a.p_value - b.p_value).abs() < 1e-6);
    }

    #[test]
    fn nothing_panics(
        points in proptest::collection::vec((any::<i64>(), any::<f64>()), 0..200),
        period in 0usize..60,
    ) {
        let (times, values): (Vec<i64>, Vec<f64>) = points.into_iter().unzip();
        let _ = trend(&times, &values, Some(period));
        let _ = last_regime(&times, &values);
        let _ = find_periods(&values, &[period, 7]);
        let _ = deseasonalise(&values, period);
    }
}
