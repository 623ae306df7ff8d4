//! `plimsoll rules test`: what `promtool test rules` does, with its output and exit codes.

use std::path::Path;
use std::process::ExitCode;

use plimsoll::config::{check_rule_file, matching_rule_files};
use plimsoll_alert::read_unit_tests;
use plimsoll_query::Features;

use super::{RulesTest, say};

/// Runs the tests of each file; 1 when something failed.
pub fn run(test: &RulesTest) -> ExitCode {
    let (features, run) = match (features(test), runs(test)) {
        (Ok(features), Ok(run)) => (features, run),
        (Err(e), _) | (_, Err(e)) => {
            super::say_wrong(&e);
            return ExitCode::FAILURE;
        }
    };
    let wanted = |name: &str| run.is_empty() || run.iter().any(|r| r.is_match(name));
    let mut failed = false;
    for file in &test.files {
        say(&format!("Unit Testing:  {}", file.display()));
        match one(file, &features, &wanted) {
            failures if failures.is_empty() => say("  SUCCESS"),
            failures => {
                complain("  FAILED:");
                for failure in failures {
                    complain(&failure);
                    say("");
                }
                failed = true;
            }
        }
        say("");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn features(test: &RulesTest) -> Result<Features, String> {
    let named = test.enable_feature.iter().flat_map(|f| f.split(',')).map(str::trim);
    let mut features = plimsoll::extensions::features().map_err(|e| e.to_string())?;
    for name in named.filter(|n| !n.is_empty()) {
        if !features.enable(name) {
            complain(&format!("  WARNING: the feature {name:?} is unknown or always on"));
        }
    }
    Ok(features)
}

fn runs(test: &RulesTest) -> Result<Vec<regex::Regex>, String> {
    let read = |text: &String| regex::Regex::new(text).map_err(|e| format!("--run {text:?}: {e}"));
    test.run.iter().map(read).collect()
}

fn one(file: &Path, features: &Features, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let name = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) => return vec![format!("open {name}: {e}")],
    };
    let shown = |problems: Vec<plimsoll_model::written::Problem>| -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    };
    let tests = match read_unit_tests(&name, &text) {
        Ok(tests) => tests,
        Err(problems) => return shown(problems),
    };
    let base = file.parent().unwrap_or(Path::new("."));
    let mut groups = Vec::new();
    for pattern in &tests.rule_files {
        let found = match matching_rule_files(base, pattern) {
            Ok(found) => found,
            Err(e) => return vec![e],
        };
        let found: Vec<_> = found.into_iter().filter(|f| f.exists()).collect();
        if found.is_empty() {
            complain(&format!("  WARNING: no file match pattern {}", base.join(pattern).display()));
        }
        for file in found {
            match check_rule_file(&file, tests.interval_ms, features) {
                Ok(read) => groups.extend(read),
                Err(problems) => return shown(problems),
            }
        }
    }
    tests.run(&groups, *features, wanted)
}

fn complain(text: &str) {
    use std::io::Write as _;
    let _read_or_not = writeln!(std::io::stderr().lock(), "{text}");
}
