//! Cost of the anomaly detector: nanoseconds per point and bytes per series, over many series in turn (as a server
//! sees them, every state cold) and over one alone. `cargo bench -p plimsoll-analyze`.
#![allow(clippy::print_stdout)]

use plimsoll_analyze::{Detector, DetectorConfig, STATE_BYTES_MAX};
use std::hint::black_box;
use std::time::Instant;

const SERIES: usize = 10_000;
const POINTS: usize = 600;
const STEP_MS: i64 = 300_000;

/// A daily wave with noise; different for every series.
fn value(series: usize, point: usize) -> f64 {
    let mut bits = (series as u64) << 32 | point as u64;
    bits = (bits ^ (bits >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (bits >> 11) as f64 / (1u64 << 53) as f64;
    50.0 + 20.0 * (point as f64 / 288.0 * std::f64::consts::TAU).sin() + 6.0 * noise
}

/// Nanoseconds per point; `reps` rounds of one point for every series, after a day to learn.
fn measure(series: usize, rounds: usize) -> (f64, usize) {
    let config = DetectorConfig { step_ms: STEP_MS };
    let mut detectors: Vec<Detector> = (0..series).map(|_| Detector::new(config)).collect();
    let mut spent = std::time::Duration::ZERO;
    let mut sum = 0.0;
    let mut values = vec![0.0; series];
    for point in 0..288 + rounds {
        values.iter_mut().enumerate().for_each(|(s, v)| *v = value(s, point));
        let start = Instant::now();
        for (detector, &value) in detectors.iter_mut().zip(&values) {
            sum += detector.observe(point as i64 * STEP_MS, value).score;
        }
        if point >= 288 {
            spent += start.elapsed();
        }
    }
    black_box(sum);
    let bytes = detectors.iter().map(|d| d.to_bytes().len()).max().unwrap_or(0);
    (spent.as_nanos() as f64 / (series * rounds) as f64, bytes)
}

fn main() {
    let (many, bytes) = measure(SERIES, POINTS);
    println!(
        "{SERIES} series in turn: {many:.0} ns per point; state {bytes} bytes, at most {STATE_BYTES_MAX}"
    );
    let (one, _) = measure(1, SERIES * POINTS / 10);
    println!("one series alone: {one:.0} ns per point");
}
