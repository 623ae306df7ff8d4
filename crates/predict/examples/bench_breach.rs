//! Days to breach on back-tests: `time_to_limit` beside `predict_linear` with windows of 1 h, 6 h and 1 d.
//!
//! `bench_breach [--seeds N] [--first SEED] [--csv DIR] [--rounds N] [--kind NAME] [--brief]`: generated series
//! of several kinds, and every `timestamp,value` file below DIR if one is given, each in N rounds of other questions. From rolling origins it is asked when the series first reaches limits that it reaches
//! within the horizon in some cases and not in others. Times are cut at the horizon, *none* counts as the horizon;
//! errors are shares of the horizon. The table has, per kind: cases, share that breach, mean error of ours, of
//! the best window and ratio, the same for cases that breach, false and missed breaches, and how often the truth lies
//! within the 90 % and the 80 % interval (in brackets: of the cases in which anything was at stake); then how often it was sooner than the middle, and the
//! mean pinball loss of the five quantiles beside that of the best line as all five.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/it/breaches.rs"]
mod breaches;
#[path = "../tests/it/generator.rs"]
mod generator;

use breaches::{KINDS, Series, Tally, cases, judge, series};
use std::time::Instant;

const HEADER: &str = "kind                 n breach | ours  best ratio | when breached: ours  best ratio | false missed | in 90 %       in 80 %       | before p50 | pinball ours best ratio";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| {
        args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).map(String::as_str)
    };
    let seeds: u64 = flag("--seeds").map_or(Ok(8), str::parse)?;
    let first: u64 = flag("--first").map_or(Ok(1), str::parse)?;
    let rounds: u64 = flag("--rounds").map_or(Ok(1), str::parse)?;
    let only = flag("--kind");
    let brief = args.iter().any(|arg| arg == "--brief");
    println!("{}", HEADER);
    let (mut all, mut own) = (Vec::new(), Vec::new());
    let began = Instant::now();
    let mut calls = 0;
    for kind in KINDS.iter().filter(|kind| seeds > 0 && only.is_none_or(|o| o == **kind)) {
        let mut tally = Tally::default();
        for seed in first..first + seeds {
            run(&series(kind, seed), seed, &mut tally);
        }
        if !brief {
            println!("{}", tally.line(kind));
        }
        calls += tally.cases();
        own.push(tally);
    }
    if !own.is_empty() {
        println!("{}", Tally::together(&own).line("GENERATED"));
    }
    all.append(&mut own);
    if let Some(dir) = flag("--csv") {
        let mut files = Vec::new();
        walk(std::path::Path::new(dir), &mut files)?;
        files.sort();
        let mut read = Vec::new();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if only.is_some_and(|o| o != name) {
                continue;
            }
            let mut tally = Tally::default();
            let text = std::fs::read_to_string(&file)?;
            match plimsoll_predict::read_csv(&text) {
                Ok((times, values)) => {
                    let series = Series { times, values };
                    (first..first + rounds).for_each(|seed| run(&series, seed, &mut tally));
                }
                Err(problem) => eprintln!("{name}: {problem}"),
            }
            if !brief {
                println!("{}", tally.line(&name));
            }
            calls += tally.cases();
            read.push(tally);
        }
        println!("{}", Tally::together(&read).line("FILES"));
    }
    let each = began.elapsed().as_secs_f64() * 1e3 / calls.max(1) as f64;
    println!("{calls} cases, {each:.2} ms each with everything");
    Ok(())
}

fn run(series: &Series, seed: u64, tally: &mut Tally) {
    for case in cases(series, seed) {
        tally.add(judge(series, &case));
    }
}

fn walk(dir: &std::path::Path, files: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "csv") {
            files.push(path);
        }
    }
    Ok(())
}
