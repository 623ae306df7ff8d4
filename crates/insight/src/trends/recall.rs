//! How often the search finds a slow drift, and how often it finds one where there is none: generated
//! series of nine kinds, each once as it is and once with a rise over two days.
//!
//! The generator is our own; a rise is as large as the series' usual range (or three times that), as a
//! fault that nobody notices in time.

use plimsoll_model::{DAY_MS, Grid, HOUR_MS, MINUTE_MS, Timestamp};
use plimsoll_world::{Chance, SeededChance};

use super::window::{SHORT, Window};

const START: Timestamp = 1_750_032_000_000;
const EVERY: i64 = 5 * MINUTE_MS;
const DAYS: i64 = 14;
const KINDS: [&str; 9] =
    ["day", "week", "poisson", "rare", "log-normal", "saw", "bursts", "memory", "steps"];

struct Dice(SeededChance);

impl Dice {
    fn uniform(&self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn poisson(&self, mean: f64) -> f64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (least, mut product, mut n) = ((-mean).exp(), self.uniform(), 0.0);
        while product > least {
            product *= self.uniform();
            n += 1.0;
        }
        n
    }
}

/// Two weeks of a kind, a value every five minutes.
fn series(kind: &str, seed: u64) -> Vec<f64> {
    let dice = Dice(SeededChance::new(seed));
    let n = (DAYS * DAY_MS / EVERY) as usize;
    let (phase, swing) = (dice.uniform() * std::f64::consts::TAU, 0.2 + 0.5 * dice.uniform());
    let base = 10_f64.powf(3.0 * dice.uniform());
    let (mut slow, mut held, mut level) = (0.0, 0.4, 1.0);
    let fills = 0.002 + 0.008 * dice.uniform();
    let of = |i: usize| {
        let days = (i as i64 * EVERY) as f64 / DAY_MS as f64;
        let day = 1.0 + swing * (days * std::f64::consts::TAU + phase).sin();
        let weekend = if days as i64 % 7 >= 5 { 0.5 } else { 1.0 };
        slow = 0.9 * slow + 0.44 * dice.normal();
        let noisy = 1.0 + 0.03 * slow + 0.03 * dice.normal();
        match kind {
            "day" => base * day * noisy,
            "week" => base * day * weekend * noisy,
            "poisson" => dice.poisson(200.0 * day),
            "rare" => dice.poisson(1.5 * day),
            "log-normal" => base * (0.3 * dice.normal() + 0.15 * slow).exp(),
            "saw" => {
                held += fills * (1.0 + 0.3 * dice.normal()).max(0.0);
                if held > 0.85 {
                    held = 0.3;
                }
                100.0 * held
            }
            "bursts" => {
                level =
                    0.7 * level + if dice.uniform() < 0.02 { 20.0 * dice.uniform() } else { 0.0 };
                dice.poisson(level + 0.3)
            }
            "memory" => base * (1.0 + 0.1 * slow),
            _ => {
                if dice.uniform() < 1.0 / 2_016.0 {
                    level *= 0.8 + 0.4 * dice.uniform();
                }
                base * level * day * noisy
            }
        }
    };
    (0..n).map(of).collect()
}

/// From the 5th to the 95th of a hundred values, in order.
fn range_of(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
    (at(0.95) - at(0.05)).max(0.05 * at(0.5).abs())
}

/// With a rise of `times` its range within two days from the eighth on.
fn drifting(values: &[f64], times: f64) -> Vec<f64> {
    let (from, len) = ((8 * DAY_MS / EVERY) as usize, (2 * DAY_MS / EVERY) as usize);
    let rise = times * range_of(values);
    let share = |i: usize| (i.saturating_sub(from) as f64 / len as f64).min(1.0);
    // It is over after two days.
    let of = |(i, v): (usize, &f64)| if i < from + len { v + rise * share(i) } else { *v };
    values.iter().enumerate().map(of).collect()
}

/// Means of the steps of a grid.
fn on(values: &[f64], grid: Grid) -> Vec<f64> {
    let of = |end: Timestamp| {
        let i = |at: Timestamp| ((at - START) / EVERY).clamp(0, values.len() as i64) as usize;
        let some = &values[i(end - grid.step)..i(end)];
        some.iter().sum::<f64>() / some.len() as f64
    };
    (0..grid.len()).map(|i| of(grid.at(i))).collect()
}

/// Hours after the beginning of the rise until a look finds a trend upwards, and how many looks of
/// those at the days before found one.
fn looks(window: Window, values: &[f64], every: i64) -> (Option<i64>, [usize; 2]) {
    let found = |at: Timestamp| {
        let grid = window.grid(at);
        let found =
            window.look(&on(values, grid), grid, || window.grid_before(at).map(|g| on(values, g)));
        found.map(|f| f.line.slope_per_s > 0.0)
    };
    let begins = START + 8 * DAY_MS;
    let times = |from: i64, to: i64| (from..to).step_by(every as usize);
    let healthy: Vec<_> = times(START + 7 * DAY_MS, begins).map(found).collect();
    let false_ones = healthy.iter().filter(|f| f.is_some()).count();
    let hit = times(begins, begins + 2 * DAY_MS).find(|at| found(*at) == Some(true));
    (hit.map(|at| (at - begins) / HOUR_MS), [false_ones, healthy.len()])
}

/// Figures stand in `docs/bench/watch.md`.
#[test]
fn a_slow_drift_is_found_before_it_ends() {
    let (mut hits, mut looked, mut all) = (Vec::new(), [0, 0], 0);
    for kind in KINDS {
        for seed in 0..3 {
            let (hit, n) = looks(SHORT, &drifting(&series(kind, seed), 3.0), HOUR_MS);
            hits.extend(hit);
            looked = [looked[0] + n[0], looked[1] + n[1]];
            all += 1;
        }
    }
    hits.sort_unstable();
    let middle = hits[hits.len() / 2];
    assert!(5 * hits.len() >= 4 * all && middle <= 12, "{} of {all}, {middle} h", hits.len());
    assert!(5 * looked[0] <= looked[1], "found where there is none: {looked:?}");
}
