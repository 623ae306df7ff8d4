//! The ensemble on series whose continuation is known.

use crate::generator::Noise;
use plimsoll_predict::{Basis, Error, Forecast, ForecastOptions, forecast, periods_of_season};
use proptest::prelude::*;

fn ahead(values: &[f64], horizon: usize, periods: &[usize]) -> Forecast {
    let options = ForecastOptions { horizon, periods: periods.to_vec(), level: 0.95 };
    forecast(values, &options).expect("valid options")
}

fn hourly(seed: u64, points: usize) -> Vec<f64> {
    let mut noise = Noise(seed);
    (0..points)
        .map(|i| {
            let day = (i as f64 / 24.0 * std::f64::consts::TAU).sin();
            let weekend = if i / 24 % 7 >= 5 { 0.5 } else { 1.0 };
            (100.0 + 40.0 * day) * weekend + 3.0 * noise.normal()
        })
        .collect()
}

#[test]
fn days_and_weekends_are_continued() {
    let all = hourly(1, 24 * 42 + 48);
    let (past, future) = all.split_at(24 * 42);
    let path = ahead(past, 48, &periods_of_season(24));
    assert_eq!((path.basis, path.periods.as_slice()), (Basis::Backtested, &[24, 168][..]));
    let miss = path.mean.iter().zip(future).map(|(m, v)| (m - v).abs()).sum::<f64>() / 48.0;
    assert!(miss < 5.0, "mean miss {miss} at noise 3");
}

#[test]
fn the_interval_holds_what_it_promises() {
    let (mut inside, mut total) = (0, 0);
    for seed in 0..20 {
        let all = hourly(seed, 24 * 30 + 24);
        let (past, future) = all.split_at(24 * 30);
        let path = ahead(past, 24, &[24, 168]);
        for (k, v) in future.iter().enumerate() {
            assert!(path.lower[k] <= path.mean[k] && path.mean[k] <= path.upper[k]);
            inside += usize::from((path.lower[k]..=path.upper[k]).contains(v));
            total += 1;
        }
    }
    let share = f64::from(inside as u32) / f64::from(total);
    assert!((0.88..=1.0).contains(&share), "{share} inside at 0.95");
}

#[test]
fn little_or_odd_input_has_an_answer() {
    assert_eq!(ahead(&[5.0], 3, &[]).mean, [5.0; 3]);
    assert_eq!(ahead(&[7.0; 500], 3, &[24]).basis, Basis::Constant);
    assert_eq!(ahead(&[1.0, 2.0, 4.0], 3, &[24]).basis, Basis::Short);
    let mut holes = vec![f64::NAN; 100];
    holes.extend([3.0, f64::NAN, f64::NAN, 4.0, f64::NAN, f64::NAN, f64::NAN]);
    let path = ahead(&holes, 2, &[]);
    assert_eq!((path.basis, path.mean), (Basis::Sparse, vec![4.0; 2]));
    let mut load = hourly(4, 600);
    load[300..303].fill(f64::NAN);
    load[400..440].fill(f64::INFINITY);
    assert_eq!(ahead(&load, 24, &[24]).basis, Basis::Backtested);
}

#[test]
fn bad_options_are_named() {
    let ask = |values: &[f64], horizon, level| {
        forecast(values, &ForecastOptions { horizon, periods: vec![], level })
    };
    assert!(matches!(ask(&[], 1, 0.9), Err(Error::Invalid(_))));
    assert!(matches!(ask(&[f64::NAN], 1, 0.9), Err(Error::Invalid(_))));
    assert!(matches!(ask(&[1.0], 0, 0.9), Err(Error::Invalid(_))));
    assert!(matches!(ask(&[1.0], 1, 1.0), Err(Error::Invalid(_))));
    assert!(matches!(ask(&[1.0], 1, f64::NAN), Err(Error::Invalid(_))));
    assert!(matches!(ask(&[1.0], 20_000, 0.9), Err(Error::Limit(_))));
}

#[test]
fn non_negative_stays_non_negative() {
    let values: Vec<f64> = (0..200).map(|i| f64::from(200 - i) / 10.0).collect();
    let path = ahead(&values, 100, &[]);
    assert!(path.lower.iter().chain(&path.mean).all(|v| *v >= 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn scale_carries_through(seed in 0u64..500, power in -20i32..20) {
        let factor = 2f64.powi(power);
        let values = hourly(seed, 24 * 12);
        let scaled: Vec<f64> = values.iter().map(|v| v * factor).collect();
        let (a, b) = (ahead(&values, 24, &[24]), ahead(&scaled, 24, &[24]));
        for (a, b) in a.mean.iter().zip(&b.mean) {
            prop_assert!((a * factor - b).abs() < 1e-6 * factor * a.abs().max(1.0));
        }
    }

    #[test]
    fn anything_goes_in(
        values in proptest::collection::vec(any::<f64>(), 0..300),
        horizon in 1usize..60,
        periods in proptest::collection::vec(0usize..400, 0..4),
    ) {
        let options = ForecastOptions { horizon, periods, level: 0.9 };
        if let Ok(path) = forecast(&values, &options) {
            prop_assert_eq!(path.mean.len(), horizon);
            for k in 0..horizon {
                prop_assert!(path.mean[k].is_finite() && path.lower[k] <= path.upper[k]);
            }
        }
    }
}
