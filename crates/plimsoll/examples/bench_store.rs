//! The storage engine in figures, on the real disk and without HTTP: `cargo xtask bench store`.
//!
//! Names of sections after `--` choose some of them: `cargo xtask bench store year tiers`. All take
//! about five minutes and 2 GB under `TMPDIR`. Each runs in a process of its own, so that memory and
//! CPU are its own. A line is a figure and what is wanted of it.
//!
//! - `year`: a directory of 365 merged days, from opening to the first right answer.
//! - `tiers`: hourly averages and rates of a month, from tiers and from raw samples; bytes of tiers.
//! - `window`: what five minutes of one series cost beside an hour of data, and beside a month.
//! - `churn`: memory through a million series that live for a minute each.
//! - `seeds`: CPU and memory under 25,000 samples a second.
//! - `encryption`: CPU of everything with sealed files, over the same with plain ones.
//! - `replay`: samples a second from a log that was left behind.
//! - `rules`: the expressions of 10,000 rules over 100,000 series, asked again and again.
//! - `backtest`: 30 days of one rule over 1,000 series.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "bench/store/backtest.rs"]
mod backtest;
#[path = "bench/store/load.rs"]
mod load;
#[path = "bench/proc.rs"]
#[allow(dead_code)]
mod proc;
#[path = "bench/store/rig.rs"]
mod rig;
#[path = "bench/store/rules.rs"]
mod rules;
#[path = "bench/store/shape.rs"]
mod shape;

use std::process::Command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECTIONS: [(&str, fn()); 9] = [
    ("year", shape::year),
    ("tiers", shape::tiers),
    ("window", shape::window),
    ("churn", load::churn),
    ("seeds", load::seeds),
    ("encryption", load::encryption),
    ("replay", load::replay),
    ("rules", rules::rules),
    ("backtest", backtest::backtest),
];

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let section = |name: &str| SECTIONS.iter().find(|s| s.0 == name);
    if let Some(unknown) = names.iter().find(|n| section(n).is_none()) {
        let known = SECTIONS.map(|s| s.0).join(", ");
        println!("no section {unknown:?}; there are: {known}");
        std::process::exit(2);
    }
    if let [name] = &names[..] {
        println!("{name}: load average {}", load_average());
        return section(name).unwrap().1();
    }
    let here = std::env::current_exe().unwrap();
    for (name, _) in SECTIONS.iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.0))
    {
        let status = Command::new(&here).arg(name).status().unwrap();
        if !status.success() {
            println!("{name}: {status}");
        }
    }
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
