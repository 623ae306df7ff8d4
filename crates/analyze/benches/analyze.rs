//! CPU cost of a call of each kernel, on seeded series. Prints a table; `docs/bench/analysis.md` quotes it.
//!
//! `cargo xtask bench analyze`
#![allow(clippy::print_stdout)]

use plimsoll_analyze::*;
use std::hint::black_box;
use std::time::Instant;

/// SplitMix64, summed to something near normal.
fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut share = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| (0..12).map(|_| share()).sum::<f64>() - 6.0).collect()
}

fn row(name: &str, points: usize, mut call: impl FnMut(usize)) {
    let mut best = f64::INFINITY;
    let mut calls = 1;
    // Five rounds of at least 50 ms; the least is what the machine can do.
    for _ in 0..5 {
        loop {
            let start = Instant::now();
            (0..calls).for_each(&mut call);
            let spent = start.elapsed().as_secs_f64();
            if spent > 0.05 {
                best = best.min(spent / calls as f64);
                break;
            }
            calls *= 2;
        }
    }
    println!("| {name} | {points} | {:.1} |", best * 1e6);
}

fn main() {
    println!("| kernel | points | µs a call |\n|---|---:|---:|");
    for points in [240, 1_200] {
        let pool: Vec<Vec<f64>> = (0..64).map(|seed| noise(seed, points)).collect();
        let focus = Focus::new(&noise(99, points), 10).expect("it varies");
        let mut scratch = Scratch::default();
        row("correlate, 21 lags", points, |i| {
            black_box(focus.correlate(&pool[i % 64], &mut scratch));
        });
        row("compare, halves", points, |i| {
            let (a, b) = pool[i % 64].split_at(points / 2);
            black_box(compare(a, b));
        });
        row("onset", points, |i| {
            black_box(onset(&pool[i % 64], points / 2));
        });
    }
    let flat = noise(1, 2_016);
    let times: Vec<i64> = (0..16_000).map(|i| i * 60_000).collect();
    let step: Vec<f64> =
        flat.iter().enumerate().map(|(i, v)| v + if i > 900 { 4.0 } else { 0.0 }).collect();
    for points in [240, 1_000, 2_000] {
        row("change points, none there", points, |_| {
            black_box(change_points(&times, &flat[..points], &[]));
        });
    }
    row("change points, one shift", 2_000, |_| {
        black_box(change_points(&times, &step[..2_000], &[]));
    });
    let mut watch = ShiftWatch::new();
    row("shift watch, a value", 1, |i| {
        black_box(watch.feed(flat[i % flat.len()]));
    });
    let wave = |points: usize, period: f64| -> Vec<f64> {
        let turn = std::f64::consts::TAU / period;
        noise(5, points)
            .iter()
            .zip(0..)
            .map(|(v, i)| v + 5.0 * (turn * f64::from(i)).sin())
            .collect()
    };
    for points in [1_000, 2_016, 8_192] {
        let values = wave(points, 97.0);
        row("find seasons", points, |_| {
            black_box(find_seasons(&values, &[12, 288]));
        });
    }
    row("trend", 512, |_| {
        black_box(trend(&times, &flat[..512], None));
    });
    row("drift", 2_000, |_| {
        black_box(drift(&times, &flat[..2_000], &[]));
    });
    let jobs: Vec<f64> =
        noise(6, 10_000).iter().zip(0..).map(|(v, i)| v + f64::from(i % 60 < 4) * 20.0).collect();
    row("recurring", 10_000, |_| {
        black_box(recurring(&times, &jobs));
    });
    let long = wave(100_000, 288.0);
    row("similar, needle of 60", 100_000, |_| {
        black_box(similar(&long, &flat[..60], 5));
    });
    let many: Vec<f64> = noise(7, 10_000).iter().map(|v| (v / 10.0).abs().min(1.0)).collect();
    row("q-values", 10_000, |_| {
        black_box(q_values(&many));
    });
}
