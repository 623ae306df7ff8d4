//! Nobody outside `world` reads the clock, opens a file or draws a random number, and nobody
//! outside the command line prints.
//!
//! Tests, benchmarks, examples and build scripts are free to.

use super::{Source, code};

/// What is refused, as a path prefix, and what it touches.
const REFUSED: &[(&str, &str)] = &[
    ("std::fs", FILES),
    ("tokio::fs", FILES),
    ("std::time::Instant", CLOCK),
    ("std::time::SystemTime", CLOCK),
    ("rand", CHANCE),
    ("getrandom", CHANCE),
    ("rustix::rand", CHANCE),
    ("fastrand", CHANCE),
    ("uuid", CHANCE),
];

const FILES: &str = "files";
const CLOCK: &str = "the clock";
const CHANCE: &str = "chance";

/// Macros that print.
const PRINTS: &[&str] = &["println!", "print!", "eprintln!", "eprint!", "dbg!"];

/// Where something is allowed all the same, what, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("crates/world/", FILES, "it is the outside"),
    ("crates/world/", CLOCK, "it is the outside"),
    ("crates/world/", CHANCE, "it is the outside"),
    ("crates/records/", FILES, "SQLite keeps its own files"),
    ("crates/collect/", FILES, "readers of /proc and /sys take their root as a parameter"),
    ("crates/plimsoll/", FILES, "it reads the configuration file"),
    ("crates/plimsoll/", PRINTING, "the command line answers on standard output"),
    ("xtask/", FILES, "it works on the checkout"),
    ("xtask/", CLOCK, "it times its steps"),
    ("xtask/", PRINTING, "it reports to a person"),
];

const PRINTING: &str = "printing";

/// Tells every place where the outside is touched without leave.
pub fn check(sources: &[Source]) -> Vec<String> {
    let watched = |s: &&Source| s.is_rust() && !s.is_for_tests() && !s.path.ends_with("build.rs");
    sources.iter().filter(watched).flat_map(problems).collect()
}

fn problems(source: &Source) -> Vec<String> {
    let bare = code::without_tests(&code::bare(&source.text));
    let mut found: Vec<(usize, String, &str)> = Vec::new();
    for (line, path) in code::uses(&bare) {
        let starts = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
        for (prefix, what) in REFUSED.iter().filter(|(prefix, _)| starts(prefix)) {
            found.push((line, (*prefix).to_owned(), what));
        }
    }
    for (i, line) in bare.lines().enumerate() {
        let import = ["use ", "pub use ", "pub(crate) use "];
        if import.iter().any(|word| line.trim_start().starts_with(word)) {
            continue;
        }
        for (prefix, what) in
            REFUSED.iter().filter(|(prefix, _)| names(line, &format!("{prefix}::")))
        {
            found.push((i + 1, (*prefix).to_owned(), what));
        }
        for print in PRINTS.iter().filter(|print| names(line, print)) {
            found.push((i + 1, (*print).to_owned(), PRINTING));
        }
    }
    let allowed = |what: &str| {
        EXCEPTIONS
            .iter()
            .any(|(path, excepted, _)| source.path.starts_with(path) && *excepted == what)
    };
    found
        .into_iter()
        .filter(|(.., what)| !allowed(what))
        .map(|(line, name, what)| format!("{}:{line}: {name}: {}", source.path, remedy(what)))
        .collect()
}

/// Whether a line names a path, as a whole word and not as the tail of another path.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|c| code::is_word(c) || c == ':')
    })
}

fn remedy(what: &str) -> String {
    match what {
        PRINTING => "only the command line prints; use tracing".to_owned(),
        _ => format!("only world touches {what}; take it from a World"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&[Source { path: path.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn the_outside_is_seen_in_imports_and_in_full_paths() {
        let text = "use std::{fmt, time::{Duration, Instant}};\nfn f() { std::fs::read(x); }\n\
                    fn g() { rand::random(); operand::x(); println!(); }\n";
        let found = found("crates/store/src/a.rs", text);
        let lines: Vec<&str> = found.iter().filter_map(|p| p.split(':').nth(1)).collect();
        assert_eq!(lines, ["1", "2", "3", "3"], "{found:?}");
    }

    #[test]
    fn tests_comments_exceptions_and_our_own_names_pass() {
        let text =
            "// std::fs::read\nuse crate::time::Instant;\n#[cfg(test)]\nmod t { use std::fs; }\n";
        assert!(found("crates/store/src/a.rs", text).is_empty());
        let text = "use std::fs;\nuse std::time::Instant;\n";
        assert!(found("crates/store/tests/it/a.rs", text).is_empty());
        assert!(found("crates/world/src/a.rs", text).is_empty());
        assert_eq!(found("crates/collect/src/a.rs", text).len(), 1);
    }
}
