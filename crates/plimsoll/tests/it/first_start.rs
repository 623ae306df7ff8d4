//! The first start with nothing configured, and the second.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

/// What a first look needs of this host.
const WANTED: [&str; 8] = [
    "node_cpu_seconds_total",
    "node_load1",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_avail_bytes",
    "node_network_receive_bytes_total",
    "node_disk_read_bytes_total",
    "node_filefd_allocated",
    "node_boot_time_seconds",
];

fn names(server: &Plimsoll) -> BTreeSet<String> {
    let data = server.data("/api/v1/label/__name__/values");
    data.as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_first_start_shows_this_host_within_ten_seconds() {
    let home = Home::new();
    let server = home.start(&[]);
    let up = wait_for(Duration::from_secs(10), || {
        server.query("up").iter().any(|s| s.last() == 1.0 && s.label("job") == "host").then_some(())
    });
    assert!(up.is_some(), "no host after 10 s: {:?}", server.query("up"));
    let known = names(&server);
    // A container may lack disks of its own; everything else is everywhere.
    let has_disks = std::fs::read_to_string("/proc/diskstats").is_ok_and(|t| !t.trim().is_empty());
    for name in WANTED.iter().filter(|n| has_disks || !n.starts_with("node_disk")) {
        assert!(known.contains(*name), "{name} is missing");
    }
    the_page_is_served(&server);
    own_metrics_are_told(&server);
    server.stop();
}

#[track_caller]
fn the_page_is_served(server: &Plimsoll) {
    let page = server.get("/");
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    assert!(text.to_ascii_lowercase().contains("<!doctype html>"), "{text}");
    let script = text.split('"').find(|p| p.ends_with(".js")).expect("a script in the page");
    let script = script.trim_start_matches('.');
    let path = if script.starts_with('/') { script.to_owned() } else { format!("/{script}") };
    let answer = server.get(&path);
    assert_eq!(answer.status, 200, "{path}");
    assert!(answer.body.len() > 1_000, "{path} holds {} bytes", answer.body.len());
    let unknown = server.get("/api/v1/no_such_thing");
    assert_eq!(unknown.status, 404, "{}", unknown.text());
}

/// Reads `/metrics` as a scraper would: each line a comment or a name and a number.
#[track_caller]
fn own_metrics_are_told(server: &Plimsoll) {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200);
    let mut samples = 0;
    for line in answer.text().lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let end = line.rfind('}').map_or(0, |i| i + 1);
        let mut words = line[end..].split_whitespace();
        let name = if end == 0 { words.next().unwrap_or("") } else { &line[..end] };
        let value = words.next().map(str::parse::<f64>);
        assert!(matches!(value, Some(Ok(_))), "{name}: no number in {line:?}");
        assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "{line:?}");
        samples += 1;
    }
    assert!(samples > 20, "only {samples} metrics of its own");
    assert!(answer.text().contains("plimsoll_"), "{}", answer.text());
}

#[test]
fn a_restart_finds_what_was_there() {
    let home = Home::new();
    let server = home.start(&[]);
    let count = |server: &Plimsoll| -> f64 {
        server.query("max(count_over_time(node_load1[1h]))").first().map_or(0.0, |s| s.last())
    };
    let before = wait_for(Duration::from_secs(30), || Some(count(&server)).filter(|n| *n >= 2.0));
    let before = before.expect("two collections within 30 s");
    let first = server.query("node_load1[1h]").remove(0);
    server.stop();
    let server = home.start(&[]);
    assert!(count(&server) >= before);
    let again = server.query("node_load1[1h]").remove(0);
    assert_eq!(again.labels, first.labels);
    assert_eq!(again.points[..first.points.len()], first.points[..]);
    server.stop();
}

#[test]
fn bare_has_nothing_of_its_own() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    assert_eq!(server.data("/api/v1/label/__name__/values"), serde_json::json!([]));
    assert_eq!(server.data("/api/v1/rules")["groups"], serde_json::json!([]));
    assert_eq!(server.data("/api/v1/targets")["activeTargets"], serde_json::json!([]));
    for path in ["/-/healthy", "/-/ready", "/api/v1/status/buildinfo"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    server.stop();
}
