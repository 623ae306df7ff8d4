//! What a forecast costs: 1,000 hourly points, 48 steps, with back-tests; and a time to limit from a week of quarters of an hour.
//! Prints processor time per call, best and mean of rounds.
#![allow(clippy::print_stdout)]

#[path = "../tests/it/generator.rs"]
mod generator;

use generator::Noise;
use plimsoll_predict::{ForecastOptions, Limit, forecast, time_to_limit};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 40;

fn main() {
    let mut noise = Noise(1);
    let mut day = |i: usize| {
        100.0 + 40.0 * (i as f64 / 24.0 * std::f64::consts::TAU).sin() + 3.0 * noise.normal()
    };
    let hourly: Vec<f64> = (0..1_000).map(&mut day).collect();
    for (name, periods) in [("seasons of a day and a week", vec![24, 168]), ("no season", vec![])] {
        let options = ForecastOptions { horizon: 48, periods, level: 0.95 };
        timed(&format!("forecast, {name}"), || {
            black_box(forecast(black_box(&hourly), &options)).is_ok()
        });
    }
    let times: Vec<i64> = (0..672).map(|i| 1_700_006_400_000 + i * 900_000).collect();
    let filling: Vec<f64> = (0..672).map(|i| 0.05 * i as f64 + 0.02 * day(i / 4)).collect();
    let limit = Limit { value: 100.0, horizon_ms: 90 * 86_400_000 };
    timed("time to limit, 672 points", || {
        black_box(time_to_limit(black_box(&times), &filling, limit)).per_day.is_finite()
    });
}

fn timed(name: &str, call: impl Fn() -> bool) {
    let mut each: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        assert!(call());
        each.push(began.elapsed().as_secs_f64() * 1e3);
    }
    each.sort_by(f64::total_cmp);
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    println!(
        "{name}: best {:.2} ms, median {:.2} ms, mean {mean:.2} ms",
        each[0],
        each[each.len() / 2]
    );
}
