//! Time to a limit against the truth of generated fills.

use crate::generator::Noise;
use plimsoll_predict::{Limit, Method, Outlook, State, time_to_limit};
use proptest::prelude::*;

const DAY_MS: f64 = 86_400_000.0;
const DISK: f64 = 500e9;

fn month(value: f64) -> Limit {
    Limit { value, horizon_ms: 30 * DAY_MS as i64 }
}

/// Samples every `step_s` seconds of a function of the seconds since the start.
fn sampled(count: usize, step_s: i64, f: impl FnMut(f64) -> f64) -> (Vec<i64>, Vec<f64>) {
    let times: Vec<i64> =
        (0..count as i64).map(|i| 1_700_000_000_000 + i * step_s * 1000).collect();
    let values = (0..count).map(|i| (i as i64 * step_s) as f64).map(f).collect();
    (times, values)
}

#[track_caller]
fn check_days(series: &(Vec<i64>, Vec<f64>), limit: Limit, truth_days: f64) -> Outlook {
    let found = time_to_limit(&series.0, &series.1, limit);
    let State::Breach { p10_days, p50_days, p90_days } = found.state else {
        panic!("no breach found: {found:?}, truth {truth_days} days");
    };
    assert!((p50_days / truth_days - 1.0).abs() < 0.25, "{found:?}, truth {truth_days} days");
    assert!(p10_days <= p50_days && p50_days <= p90_days, "{found:?}");
    found
}

#[track_caller]
fn check_none(series: &(Vec<i64>, Vec<f64>), limit: Limit) {
    let found = time_to_limit(&series.0, &series.1, limit);
    assert_eq!(found.state, State::None, "{found:?}");
}

#[test]
fn five_minutes_of_a_clean_fill() {
    let rate = 20e6;
    let series = sampled(61, 5, |t| 300e9 + rate * t);
    let found = check_days(&series, month(DISK), (200e9 / rate - 300.0) / 86_400.0);
    assert_eq!(found.method, Method::Line);
}

#[test]
fn five_minutes_of_noisy_fills() {
    for seed in 0..200 {
        let mut noise = Noise(seed);
        let rate = 1e6 * (1.0 + 50.0 * noise.share());
        let rough = 0.1 * rate * 300.0;
        let series = sampled(61, 5, |t| 300e9 + rate * t + rough * noise.normal());
        check_days(&series, month(DISK), (200e9 / rate - 300.0) / 86_400.0);
    }
}

#[test]
fn a_fill_after_a_plateau() {
    for (seed, began) in (0..120).zip([60.0, 120.0, 150.0, 180.0, 200.0, 220.0].into_iter().cycle())
    {
        let mut noise = Noise(seed);
        let rate = 30e6;
        let rough = 0.01 * rate * 300.0;
        let series =
            sampled(61, 5, |t| 300e9 + rate * (t - began).max(0.0) + rough * noise.normal());
        let left = 200e9 - rate * (300.0 - began);
        check_days(&series, month(DISK), left / rate / 86_400.0);
    }
}

#[test]
fn a_fill_after_an_exact_plateau_with_late_and_missing_samples() {
    for seed in 0..60 {
        let mut noise = Noise(seed);
        let (began, rate) = (20.0 + 200.0 * noise.share(), 1e6 + 1e8 * noise.share());
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for i in 0..=66 {
            let t = f64::from(i) * 5.0 + 2.0 * noise.share();
            if noise.share() > 0.1 {
                times.push((t * 1000.0) as i64);
                values.push(300e9 + rate * (t - began).max(0.0));
            }
        }
        let last = times[times.len() - 1] as f64 / 1000.0;
        let left = 200e9 - rate * (last - began);
        check_days(&(times, values), month(DISK), left / rate / 86_400.0);
    }
}

#[test]
fn a_fill_with_a_saw() {
    for period in [20.0, 30.0, 45.0, 60.0] {
        let mut noise = Noise(period as u64);
        let rate = 20e6;
        let series = sampled(61, 5, |t| {
            300e9 + rate * t + 0.3 * rate * 300.0 * (t % period) / period + 1e6 * noise.normal()
        });
        check_days(&series, month(DISK), (200e9 / rate - 300.0) / 86_400.0);
    }
}

#[test]
fn a_fill_in_bursts() {
    let rate = 20e6;
    let series = sampled(61, 5, |t| 300e9 + rate * 30.0 * (t / 30.0).floor());
    check_days(&series, month(DISK), (200e9 / rate - 300.0) / 86_400.0);
}

#[test]
fn a_day_of_filling_and_a_week_of_filling() {
    let mut noise = Noise(3);
    let rate = 200e9 / (10.0 * 86_400.0);
    let day = sampled(17_280, 5, |t| 100e9 + rate * t + 1e8 * noise.normal());
    check_days(&day, month(DISK), 400e9 / rate / 86_400.0 - 1.0);
    let week = sampled(7 * 1440, 60, |t| 100e9 + rate * t + 1e9 * noise.normal());
    check_days(&week, month(DISK), 400e9 / rate / 86_400.0 - 7.0);
}

#[test]
fn a_fill_that_began_in_the_last_minutes_of_a_week() {
    let mut noise = Noise(4);
    let began = 7.0 * 86_400.0 - 900.0;
    let rate = 50e6;
    let series =
        sampled(7 * 1440, 60, |t| 300e9 + rate * (t - began).max(0.0) + 1e7 * noise.normal());
    check_days(&series, month(DISK), (200e9 - rate * 840.0) / rate / 86_400.0);
}

#[test]
fn a_growing_season_is_not_extrapolated_by_its_morning() {
    let mut noise = Noise(5);
    let mut load = |t: f64| {
        let days = t / 86_400.0;
        40.0 + days + 15.0 * (days * std::f64::consts::TAU).sin() + noise.normal()
    };
    let series = sampled(10 * 288 + 60, 300, &mut load);
    // 40 + d + 15 reaches 90 when d is 35: twenty-five days after ten.
    check_days(&series, month(90.0), 25.0);
    let mut noise = Noise(6);
    let flat = sampled(5 * 288 + 72, 300, |t| {
        40.0 + 15.0 * (t / 86_400.0 * std::f64::consts::TAU).sin() + noise.normal()
    });
    check_none(&flat, month(90.0));
}

#[test]
fn flat_falling_and_slow_series_have_no_breach() {
    let mut noise = Noise(7);
    check_none(&sampled(61, 5, |_| 300e9), month(DISK));
    check_none(&sampled(61, 5, |t| 300e9 - 1e6 * t), month(DISK));
    check_none(&sampled(61, 5, |t| 300e9 + 1e3 * t), month(DISK));
    check_none(&sampled(7 * 1440, 60, |_| 300e9 + 1e7 * noise.normal()), month(DISK));
    check_none(&sampled(61, 5, |t| 300e9 + 1e6 * t), Limit { value: f64::INFINITY, horizon_ms: 1 });
}

#[test]
fn noise_alone_is_rarely_a_breach() {
    let mut found = 0;
    for seed in 0..200 {
        let mut noise = Noise(seed);
        let series = sampled(61, 5, |_| 300e9 + 1e9 * noise.normal());
        found += usize::from(time_to_limit(&series.0, &series.1, month(DISK)).state != State::None);
    }
    assert!(found <= 8, "{found} of 200");
}

#[test]
fn little_data_is_learning_and_a_full_disk_is_full() {
    let series = sampled(31, 5, |t| 300e9 + 1e6 * t);
    let State::Learning { ratio } = time_to_limit(&series.0, &series.1, month(DISK)).state else {
        panic!("expected learning");
    };
    assert!((ratio - 0.5).abs() < 0.01, "{ratio}");
    assert_eq!(time_to_limit(&[], &[], month(1.0)).state, State::Learning { ratio: 0.0 });
    let full = time_to_limit(&[1, 2], &[5.0, 6.0], month(6.0)).state;
    assert_eq!(full, State::Breach { p10_days: 0.0, p50_days: 0.0, p90_days: 0.0 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn units_do_not_matter(seed in 0u64..300, power in -20i32..20) {
        let factor = 2f64.powi(power);
        let mut noise = Noise(seed);
        let (times, values) = sampled(61, 5, |t| 100.0 + 0.01 * t + 0.1 * noise.normal());
        let scaled: Vec<f64> = values.iter().map(|v| v * factor).collect();
        let a = time_to_limit(&times, &values, month(200.0));
        let b = time_to_limit(&times, &scaled, month(200.0 * factor));
        prop_assert_eq!(a.state, b.state);
    }

    #[test]
    fn nothing_panics(
        points in proptest::collection::vec((any::<i64>(), any::<f64>()), 0..120),
        value in any::<f64>(),
        horizon_ms in any::<i64>(),
    ) {
        let (mut times, values): (Vec<i64>, Vec<f64>) = points.into_iter().unzip();
        let _ = time_to_limit(&times, &values, Limit { value, horizon_ms });
        times.sort_unstable();
        let _ = time_to_limit(&times, &values, Limit { value, horizon_ms });
        let near: Vec<i64> = times.iter().map(|t| t % 1_000_000_000).collect();
        let _ = time_to_limit(&near, &values, Limit { value, horizon_ms });
    }
}
