//! The rules of the house, as far as a program can check them.
//!
//! All problems are told at once. The ten longest files and functions are printed in any case, so
//! that growth is seen before it hurts.

mod code;
mod edges;
mod lengths;
mod minima;
mod outside;
mod text;

use crate::place::{Place, output};
use anyhow::{Context, Result, bail};
use std::fs;

/// A file of the checkout that git knows or would add.
pub struct Source {
    /// From the root of the checkout, with `/`.
    pub path: String,
    /// What it says; files that are not UTF-8 are left out.
    pub text: String,
}

impl Source {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is for tests, benchmarks or examples.
    pub fn is_for_tests(&self) -> bool {
        let folders = ["/tests/", "/benches/", "/examples/"];
        folders.iter().any(|folder| self.path.contains(folder)) || self.path.ends_with("/tests.rs")
    }
}

/// Checks everything; the report, or all problems as one error.
pub fn run(place: &Place) -> Result<String> {
    let sources = sources(place)?;
    let mut problems = edges::check(&place.root)?;
    problems.extend(text::check(&sources));
    problems.extend(outside::check(&sources));
    problems.extend(lengths::check(&sources));
    problems.extend(minima::check(place)?);
    if !place.root.join("ui/dist/index.html").is_file() {
        problems.push("ui/dist/index.html: missing; run cargo xtask gen and commit it".to_owned());
    }
    println!("{}", lengths::report(&sources));
    if problems.is_empty() {
        return Ok(format!("tidy: {} files, no problem", sources.len()));
    }
    problems.sort();
    bail!("{} problems\n{}", problems.len(), problems.join("\n"))
}

fn sources(place: &Place) -> Result<Vec<Source>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = output(place.command("git").args(list)).context("tidy works in a git checkout")?;
    let read = |path: &str| {
        let text = fs::read_to_string(place.root.join(path)).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    let mut sources: Vec<Source> =
        names.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}
