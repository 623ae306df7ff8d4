//! Configuration that is wrong: all of it is told, nothing starts, and a reload changes nothing.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::plimsoll::{Home, Plimsoll, run};
use crate::process::{free_port, wait_for};

/// A file with one mistake on each of the lines in [`MISTAKES`].
const BROKEN: &str = "\
store:
  retention: 5sec
  retentoin: 5d
colect:
  scrape: []
collect:
  scrape:
  - job_name: a
    scrape_interval: often
    static_configs:
    - targets: ['http://x/y']
alert:
  interval: 0s
  receivers:
  - name: hook
    webhook_configs:
    - url: ftp://nowhere
  route:
    receiver: hock
analysis:
  step: 1ms
";

/// Line, key and what must be said about it.
const MISTAKES: [(u32, &str); 9] = [
    (2, "retention"),
    (3, "retention"),
    (4, "collect"),
    (9, "often"),
    (11, "http://x/y"),
    (13, "interval"),
    (17, "http"),
    (19, "hook"),
    (21, "step"),
];

#[track_caller]
fn all_is_told(text: &str) {
    for (line, word) in MISTAKES {
        // Problems inside a scrape job may carry the line of the job or of the key.
        let found = text.lines().any(|l| l.contains(&format!("line {line}")) && l.contains(word));
        let in_job = matches!(line, 9 | 11) && text.lines().any(|l| l.contains(word));
        assert!(found || in_job, "line {line}, {word:?} is not told:\n{text}");
    }
}

#[test]
fn every_problem_is_told_and_nothing_starts() {
    let home = Home::new();
    let file = home.write("broken.yml", BROKEN);
    let file = file.to_str().unwrap();
    let refusal = home.refuse(&home.path("data"), free_port(), &["--config", file]);
    assert_eq!(refusal.code, Some(2), "{}", refusal.text);
    all_is_told(&refusal.text);
    assert!(!home.path("data").exists(), "a directory was made");
    let checked = run(&["check", file]);
    let told = [checked.stdout, checked.stderr].concat();
    all_is_told(&String::from_utf8_lossy(&told));
    assert_eq!(checked.status.code(), Some(2));
}

#[test]
fn what_is_no_configuration_at_all_is_told() {
    let home = Home::new();
    for (name, text) in [
        ("tabs.yml", "store:\n\tretention: 5d\n"),
        ("list.yml", "- a\n- b\n"),
        ("binary.yml", "\u{0}\u{1}\u{2}"),
        ("open.yml", "store: {retention: 5d\n"),
    ] {
        let file = home.write(name, text);
        let args = ["--config", file.to_str().unwrap()];
        let refusal = home.refuse(&home.path("data"), free_port(), &args);
        assert_eq!(refusal.code, Some(2), "{name}: {}", refusal.text);
        assert!(refusal.text.contains(name), "{name}: {}", refusal.text);
        assert!(!refusal.text.contains("panicked"), "{name}: {}", refusal.text);
    }
    let missing = home.path("missing.yml");
    let args = ["--config", missing.to_str().unwrap()];
    let refusal = home.refuse(&home.path("data"), free_port(), &args);
    assert!(matches!(refusal.code, Some(1 | 2)), "{}", refusal.text);
    assert!(refusal.text.contains("missing.yml"), "{}", refusal.text);
}

#[test]
fn a_rule_file_that_is_wrong_is_told_with_its_line() {
    let home = Home::new();
    let rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n  - alert: B\n    expr: '1'\n    for: soon\n";
    home.write("rules.yml", rules);
    let file = home.write("plimsoll.yml", "alert:\n  rule_files: [rules.yml]\n");
    let args = ["--config", file.to_str().unwrap()];
    let refusal = home.refuse(&home.path("data"), free_port(), &args);
    assert_eq!(refusal.code, Some(2), "{}", refusal.text);
    for line in ["line 5", "line 8"] {
        assert!(refusal.text.contains(line), "{line}: {}", refusal.text);
    }
}

fn rule(name: &str, expr: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - alert: {name}\n    expr: {expr}\n")
}

fn rule_names(server: &Plimsoll) -> Vec<String> {
    let data = server.data("/api/v1/rules");
    let groups = data["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|g| g["rules"].as_array().unwrap());
    rules.map(|r| r["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_bad_reload_keeps_the_old_and_a_good_one_applies() {
    let home = Home::new();
    home.write("rules.yml", &rule("First", "up == 0"));
    let good = "alert:\n  rule_files: [rules.yml]\n";
    let file = home.write("plimsoll.yml", good);
    let server = home.start(&["--bare", "--config", file.to_str().unwrap()]);
    assert_eq!(rule_names(&server), ["First"]);

    home.write("rules.yml", &rule("Second", "up =="));
    refused(&server, "rules.yml");
    home.write("rules.yml", &rule("Second", "up == 0"));
    home.write("plimsoll.yml", BROKEN);
    refused(&server, "often");
    assert_eq!(rule_names(&server), ["First"]);

    home.write("plimsoll.yml", good);
    let answer = server.post("/-/reload");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(rule_names(&server), ["Second"]);

    home.write("rules.yml", &rule("Third", "up == 0"));
    server.process.signal(Signal::HUP);
    let third =
        wait_for(Duration::from_secs(10), || (rule_names(&server) == ["Third"]).then_some(()));
    assert!(third.is_some(), "SIGHUP did not reload: {:?}", rule_names(&server));
    server.stop();
}

#[track_caller]
fn refused(server: &Plimsoll, told: &str) {
    let answer = server.post("/-/reload");
    assert!((400..600).contains(&answer.status), "{}", answer.status);
    assert!(answer.text().contains(told), "{told:?} is not in {}", answer.text());
    assert_eq!(rule_names(server), ["First"]);
    let ready: Value = server.get("/-/ready").status.into();
    assert_eq!(ready, 200);
}
