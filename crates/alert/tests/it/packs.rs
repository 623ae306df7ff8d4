//! The default rules: each fires when it should and is quiet when values are near, and each metric that
//! they read is one that somebody writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_alert::{Group, PACKS, Pack, default_rules, read_unit_tests};

use super::*;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn tests_of(pack: &Pack) -> plimsoll_alert::UnitTests {
    let file = format!("packs/tests/{}.yml", pack.name);
    let text = std::fs::read_to_string(here(&file)).unwrap();
    let tests = read_unit_tests(&file, &text).unwrap();
    assert_eq!(tests.rule_files, [format!("../{}.yml", pack.name)]);
    tests
}

fn groups_of(pack: &Pack) -> Vec<Group> {
    default_rules(&[pack.name], 15_000).unwrap()
}

/// The metrics that each rule reads.
fn metrics_of(groups: &[Group]) -> BTreeMap<String, BTreeSet<String>> {
    let rules = groups.iter().flat_map(|g| &g.rules);
    rules
        .map(|rule| {
            let expr = parse(rule.query.text(), &Features::default()).unwrap();
            let names = expr.selectors().iter().filter_map(|s| s.name.clone()).collect();
            (rule.name.clone(), names)
        })
        .collect()
}

#[test]
fn the_tests_of_the_packs_pass() {
    for pack in PACKS {
        let failures = tests_of(&pack).run(&groups_of(&pack), Features::default(), &|_| true);
        assert_eq!(failures, [""; 0], "{}", pack.name);
    }
}

/// What a pack's tests lack.
fn lacking(pack: &Pack, tests: &plimsoll_alert::UnitTests) -> Vec<String> {
    let mut lacking = Vec::new();
    for (alert, metrics) in metrics_of(&groups_of(pack)) {
        for fires in [true, false] {
            // What always fires has no quiet side.
            if metrics.is_empty() && !fires {
                continue;
            }
            // A test of a rule that lacks a metric is quiet without saying anything.
            let found = tests.tests.iter().any(|t| {
                metrics.is_subset(&t.metrics())
                    && t.looks_at().any(|l| l == (alert.as_str(), fires))
            });
            if !found {
                let kind = if fires { "firing" } else { "quiet" };
                lacking.push(format!("{alert} has no {kind} test with all its metrics"));
            }
        }
    }
    lacking
}

#[test]
fn each_alert_has_a_firing_and_a_quiet_test() {
    for pack in PACKS {
        assert_eq!(lacking(&pack, &tests_of(&pack)), [""; 0], "{}", pack.name);
    }
}

#[test]
fn a_test_that_lacks_is_noticed() {
    let pack = *Pack::named("targets").unwrap();
    let text = std::fs::read_to_string(here("packs/tests/targets.yml")).unwrap();
    let without = |from: &str, to: &str| {
        assert!(text.contains(from));
        lacking(&pack, &read_unit_tests("t.yml", &text.replace(from, to)).unwrap())
    };
    assert_eq!(
        without("alertname: JobVanished", "alertname: JobDown"),
        [
            "JobVanished has no firing test with all its metrics",
            "JobVanished has no quiet test with all its metrics"
        ]
    );
    assert_eq!(
        without("probe_success{", "prob_success{"),
        [
            "ProbeFailed has no firing test with all its metrics",
            "ProbeFailed has no quiet test with all its metrics"
        ]
    );
}

/// Names of metrics that Plimsoll writes, as they stand in the sources, and those of the kernel of a real
/// machine that are made of fields of `/proc`.
fn written() -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        include_str!("host_metrics.txt").lines().map(str::to_owned).collect();
    let sources = [
        "../collect/src",
        "src/metrics.rs",
        "../insight/src",
        "../serve/src/metrics.rs",
        "../plimsoll/src/run/exposed.rs",
    ];
    let mut left: Vec<PathBuf> = sources.iter().map(|s| here(s)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let quoted = text.split('"').skip(1).step_by(2);
        let is_name =
            |t: &&str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        names.extend(quoted.filter(is_name).map(str::to_owned));
    }
    names
}

#[test]
fn each_metric_is_one_that_somebody_writes() {
    let written = written();
    // What exporters write cannot be looked up here.
    let foreign = ["probe_success"];
    for name in ["host", "targets", "plimsoll"] {
        let pack = Pack::named(name).unwrap();
        for (alert, metrics) in metrics_of(&groups_of(pack)) {
            for metric in metrics.iter().filter(|m| !foreign.contains(&m.as_str())) {
                assert!(written.contains(metric), "{alert} reads {metric}, which nobody writes");
            }
        }
    }
    assert!(!written.contains("node_filesystem_avail"));
}
