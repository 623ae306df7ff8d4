//! How often the cause of a fault is found: `cargo xtask bench faults [-- FIRST [COUNT]] [-v]`.
//!
//! A synthetic estate of 2,000 noisy series, a fault of known cause per seed with at least three bystanders,
//! and the alert that it raises. Told are the place of the causing series in our ranking and in one by the
//! two-sample Kolmogorov–Smirnov statistic. Seeds 0 to 999 were used while it was built; figures are of
//! others: 1000 and on, unless said.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic)]

#[path = "bench/faults/chance.rs"]
mod chance;
#[path = "bench/faults/estate.rs"]
mod estate;
#[path = "bench/faults/events.rs"]
mod events;
#[path = "bench/faults/graded.rs"]
mod graded;
#[path = "bench/faults/scene.rs"]
mod scene;

use std::collections::BTreeMap;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_long = args.iter().any(|a| a == "-v");
    let numbers: Vec<u64> = args.iter().filter_map(|a| a.parse().ok()).collect();
    let first = numbers.first().copied().unwrap_or(1_000);
    let count = numbers.get(1).copied().unwrap_or(40);
    let (mut ours, mut baseline, mut took) = (Vec::new(), Vec::new(), 0);
    let mut kinds: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
    for seed in first..first + count {
        let scene = scene::scene(seed);
        let graded = graded::grade(&scene);
        let place = |p: Option<usize>| p.map_or("-".to_owned(), |p| p.to_string());
        let delay = (scene.alert_at - scene.fault_at) / 1_000;
        let lead = (graded.onset - scene.fault_at) / 1_000;
        println!(
            "seed {seed:>4} {:<15} ours {:>3}  KS {:>4}  {} series, {} causes, alert after {delay} s, onset {lead} s, \
             {} ms",
            format!("{:?}", scene.kind),
            place(graded.ours),
            place(graded.baseline),
            scene.series,
            scene.causes.len(),
            graded.took_ms,
        );
        if is_long {
            println!("   {} {:?} beside {:?}", scene.query, scene.causes.first(), scene.bystanders);
            for (i, r) in graded.told.iter().take(8).enumerate() {
                println!(
                    "   {:>2} {:.3} r={:.2} z p={:.0e} {}",
                    i + 1,
                    r.score,
                    r.correlation,
                    r.p_value,
                    r.text
                );
            }
            if let Some(r) = graded.ours.filter(|p| *p > 8).and_then(|p| graded.told.get(p - 1)) {
                println!(
                    "    * {:.3} r={:.2} p={:.0e} {}",
                    r.score, r.correlation, r.p_value, r.text
                );
            }
        }
        kinds.entry(format!("{:?}", scene.kind)).or_default().push(graded.ours);
        ours.push(graded.ours);
        baseline.push(graded.baseline);
        took += graded.took_ms;
    }
    for (kind, places) in &kinds {
        println!(
            "{kind:<16} first {}, in five {}, of {}",
            within(places, 1),
            within(places, 5),
            places.len()
        );
    }
    let share =
        |places: &[Option<usize>], n| 100.0 * within(places, n) as f64 / places.len() as f64;
    for (name, places) in [("ours", &ours), ("KS", &baseline)] {
        println!("{name:<5} first {:.1} %, in five {:.1} %", share(places, 1), share(places, 5));
    }
    println!("{:.0} ms a question", took as f64 / ours.len() as f64);
}

fn within(places: &[Option<usize>], most: usize) -> usize {
    places.iter().flatten().filter(|p| **p <= most).count()
}
