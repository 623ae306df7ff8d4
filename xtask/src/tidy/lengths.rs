//! How long files and functions are.

use super::{Source, code};
use std::fmt::Write;

/// Lines of a source file above which it must be cut.
const FILE_LINES_MAX: usize = 700;

/// How many of the longest are shown.
const SHOWN: usize = 10;

/// Endings of the files that people write and read.
const WRITTEN: &[&str] = &[".rs", ".ts", ".tsx", ".mjs", ".css"];

fn is_written(source: &Source) -> bool {
    let made = source.path.starts_with("ui/dist/") || source.path.contains("/fixtures/");
    !made && WRITTEN.iter().any(|ending| source.path.ends_with(ending))
}

/// Tells which files are too long.
pub fn check(sources: &[Source]) -> Vec<String> {
    let too_long = |s: &&Source| is_written(s) && s.text.lines().count() > FILE_LINES_MAX;
    let told = |s: &Source| {
        let lines = s.text.lines().count();
        format!(
            "{}: {lines} lines, at most {FILE_LINES_MAX}; cut it where the meaning changes",
            s.path
        )
    };
    sources.iter().filter(too_long).map(told).collect()
}

/// The longest files and functions.
pub fn report(sources: &[Source]) -> String {
    let mut files: Vec<(usize, String)> = sources
        .iter()
        .filter(|s| is_written(s))
        .map(|s| (s.text.lines().count(), s.path.clone()))
        .collect();
    let mut functions: Vec<(usize, String)> = Vec::new();
    for source in sources.iter().filter(|s| s.is_rust()) {
        for (name, line, lines) in code::functions(&code::bare(&source.text)) {
            functions.push((lines, format!("{}:{line} {name}", source.path)));
        }
    }
    let mut out = String::new();
    for (title, all) in [("files", &mut files), ("functions", &mut functions)] {
        all.sort_by(|a, b| b.cmp(a));
        let _infallible = writeln!(out, "longest {title} of {}:", all.len());
        for (lines, name) in all.iter().take(SHOWN) {
            let _infallible = writeln!(out, "  {lines:>5}  {name}");
        }
    }
    out
}
