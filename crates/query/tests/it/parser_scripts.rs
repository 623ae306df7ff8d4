//! Every expression of Prometheus' PromQL test scripts is read, or refused where its script says
//! so, and printing it and reading that again gives the same tree.
//!
//! The scripts are no part of the repository. They are looked for in the folder `promqltest` below
//! the one that `PLIMSOLL_SHARED` names; without them the test says that it was skipped.

use std::path::PathBuf;

use plimsoll_query::{Features, parse};

use crate::parser_roundtrip::same_tree;

fn scripts() -> Option<Vec<PathBuf>> {
    let shared = PathBuf::from(std::env::var_os("PLIMSOLL_SHARED").unwrap_or_default());
    let entries = std::fs::read_dir(shared.join("promqltest")).ok()?;
    let paths = entries.flatten().map(|entry| entry.path());
    Some(paths.filter(|path| path.extension().is_some_and(|end| end == "test")).collect())
}

/// An `eval` line: its expression, and whether the script expects a failure.
struct Case {
    expr: String,
    fails: bool,
}

fn cases(script: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [eval, kind, ..] if eval.starts_with("eval") => {
                // `eval instant [at T] EXPR`, `eval range from A to B step S EXPR`
                let skipped = if *kind == "range" { 8 } else { 4 };
                let expr = after_words(line, skipped);
                cases.push(Case { expr, fails: *eval == "eval_fail" });
            }
            ["expect", "fail", ..] => {
                if let Some(case) = cases.last_mut() {
                    case.fails = true;
                }
            }
            _ => {}
        }
    }
    cases
}

fn after_words(line: &str, count: usize) -> String {
    let mut rest = line.trim_start();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
    }
    rest.to_owned()
}

#[test]
fn every_expression_of_the_scripts_is_read() {
    let Some(paths) = scripts() else {
        println!("skipped: no promqltest folder (set PLIMSOLL_SHARED)");
        return;
    };
    let mut wrong = Vec::new();
    let mut read = 0;
    for path in paths {
        let script = std::fs::read_to_string(&path).expect("a script is text");
        for case in cases(&script) {
            read += 1;
            match parse(&case.expr, &Features::PROMQLTEST) {
                Ok(tree) => {
                    let text = tree.to_string();
                    match parse(&text, &Features::PROMQLTEST) {
                        Ok(again) if same_tree(&tree, &again) => {}
                        other => wrong.push(format!("{} -> {text}: {other:?}", case.expr)),
                    }
                }
                Err(_) if case.fails => {}
                Err(error) => wrong.push(format!("{}: {error}", case.expr)),
            }
        }
    }
    println!("{read} expressions");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(read > 0);
}
