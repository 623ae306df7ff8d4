//! Benchmarks: found where they lie, run in release.
//!
//! `crates/X/benches/NAME.rs` is run by `cargo bench`, `crates/X/examples/bench_NAME.rs` by
//! `cargo run --example`; `ui` is the browser application in Chromium, see [`crate::ui_bench`]. Their
//! seeds are fixed; a figure is quoted with machine, commit, command.

use crate::place::Place;
use anyhow::{Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The benchmark that is no Rust.
const UI: &str = "ui";

enum Kind {
    Bench,
    Example,
}

struct Found {
    name: String,
    package: String,
    kind: Kind,
}

/// Runs a benchmark, or lists them all.
pub fn run(place: &Place, name: Option<&str>, rest: &[String]) -> Result<ExitCode> {
    let all = find(&place.root.join("crates"))?;
    let Some(name) = name else {
        for found in &all {
            println!("{:<20} {}", found.name, found.package);
        }
        println!("{UI:<20} the browser application, in Chromium");
        return Ok(ExitCode::SUCCESS);
    };
    if name == UI {
        return crate::ui_bench::run(place, rest);
    }
    let Some(found) = all.iter().find(|found| found.name == name) else {
        let known: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
        bail!("no benchmark {name:?}; there are: {}, {UI}", known.join(", "));
    };
    crate::place::run(command(place, found).arg("--").args(rest))?;
    Ok(ExitCode::SUCCESS)
}

fn command(place: &Place, found: &Found) -> Command {
    match found.kind {
        Kind::Bench => place.cargo(&["bench", "-p", &found.package, "--bench", &found.name]),
        Kind::Example => {
            let example = format!("bench_{}", found.name);
            place.cargo(&["run", "--release", "-p", &found.package, "--example", &example])
        }
    }
}

fn find(crates: &Path) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    for dir in fs::read_dir(crates)? {
        let dir = dir?;
        let package = match dir.file_name().to_string_lossy().as_ref() {
            "plimsoll" => "plimsoll".to_owned(),
            name => format!("plimsoll-{name}"),
        };
        for name in stems(&dir.path().join("benches")) {
            all.push(Found { name, package: package.clone(), kind: Kind::Bench });
        }
        for name in stems(&dir.path().join("examples")) {
            if let Some(name) = name.strip_prefix("bench_") {
                let name = name.to_owned();
                all.push(Found { name, package: package.clone(), kind: Kind::Example });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Names of the Rust files in a directory, without their ending.
fn stems(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries
        .flatten()
        .filter_map(|entry| name(entry).strip_suffix(".rs").map(str::to_owned))
        .collect()
}
