//! What becomes of the dashboards of Grafana's in a directory: `cargo run -p plimsoll-show --example import_dashboards -- DIR`.
//!
//! One line for each file: panels, how many are exact, approximate, unsupported, and how many of those that ask in PromQL
//! work: their kind is drawn and each expression that is asked can be read. Then every reason with how often it occurs.
//! With `-v` each panel that is not exact, with its notes; with `-o DIR` each dashboard as ours, in a file of its own.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool on the command line prints, and fails loudly"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_query::Features;
use plimsoll_show::dashboard::{PanelKind, check, parsed};
use plimsoll_show::grafana::{Outcome, import};
use serde_json::Value;

/// Panels of a dashboard, counted.
#[derive(Clone, Copy, Default)]
struct Tally {
    exact: usize,
    approximate: usize,
    unsupported: usize,
    /// Panels that ask in PromQL.
    asking: usize,
    /// Of these, the ones that are drawn and of which every expression can be read.
    working: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.exact += other.exact;
        self.approximate += other.approximate;
        self.unsupported += other.unsupported;
        self.asking += other.asking;
        self.working += other.working;
    }
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.iter().any(|a| a == "-v");
    args.retain(|a| a != "-v");
    let out = args.iter().position(|a| a == "-o").map(|at| {
        args.remove(at);
        PathBuf::from(args.remove(at))
    });
    let mut files = Vec::new();
    args.iter().for_each(|dir| found(Path::new(dir), &mut files));
    files.sort();
    let (mut all, mut reasons, mut refused) = (Tally::default(), BTreeMap::new(), 0);
    println!("exact approximate unsupported working/asking schema file");
    for path in &files {
        match one(path, verbose, out.as_deref(), &mut reasons) {
            Ok((tally, schema)) => {
                all.add(tally);
                println!("{} {schema} {}", line(&tally), path.display());
            }
            Err(e) => {
                refused += 1;
                println!("refused: {e}: {}", path.display());
            }
        }
    }
    println!("{} of {} files, {refused} refused", line(&all), files.len());
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(text, n)| (std::cmp::Reverse(*n), text.clone()));
    for (text, n) in reasons {
        println!("{n:5} {text}");
    }
}

fn line(t: &Tally) -> String {
    format!("{} {} {} {}/{}", t.exact, t.approximate, t.unsupported, t.working, t.asking)
}

fn found(at: &Path, files: &mut Vec<PathBuf>) {
    if at.is_file() {
        files.push(at.to_owned());
        return;
    }
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "json") {
            found(&path, files);
        }
    }
}

fn one(
    path: &Path,
    verbose: bool,
    out: Option<&Path>,
    reasons: &mut BTreeMap<String, usize>,
) -> Result<(Tally, String), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| format!("no JSON: {e}"))?;
    let features = Features::default();
    let made = import(&value, &features)?;
    let checked = check(made.dashboard.clone(), &features);
    if checked.dashboard.is_none() {
        return Err(format!("is not a dashboard: {:?}", checked.problems));
    }
    if let Some(dir) = out {
        let text = serde_json::to_string_pretty(&made.dashboard).unwrap();
        std::fs::write(dir.join(format!("{}.json", made.dashboard.id)), text).unwrap();
    }
    let mut tally = Tally::default();
    let mut told =
        |kind: &str, text: &str| *reasons.entry(format!("{kind}: {text}")).or_default() += 1;
    made.report.notes.iter().for_each(|n| told("dashboard", n));
    for v in &made.report.variables {
        v.notes.iter().for_each(|n| told(&format!("variable {}", v.outcome.as_str()), n));
    }
    for p in &made.report.panels {
        match p.outcome {
            Outcome::Exact => tally.exact += 1,
            Outcome::Approximate => tally.approximate += 1,
            Outcome::Unsupported => tally.unsupported += 1,
        }
        p.notes.iter().for_each(|n| told(p.outcome.as_str(), n));
        let panel = made.dashboard.panels.iter().find(|d| d.id == p.id).unwrap();
        if verbose && p.outcome != Outcome::Exact {
            println!(
                "    {} {:?} {} {}: {}",
                p.id,
                p.title,
                p.kind,
                p.outcome.as_str(),
                p.notes.join("; ")
            );
        }
        if panel.queries.is_empty() {
            continue;
        }
        tally.asking += 1;
        let asked = panel.queries.iter().filter(|q| !q.hidden);
        let read = |expr: &str| parsed(&made.dashboard, expr, &features).is_ok();
        let works =
            panel.kind != PanelKind::Unsupported && asked.into_iter().all(|q| read(&q.expr));
        tally.working += usize::from(works);
    }
    Ok((tally, value["schemaVersion"].to_string()))
}
