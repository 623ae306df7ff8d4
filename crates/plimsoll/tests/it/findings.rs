//! Insights of a server: found, asked again, acknowledged, kept over a restart; jobs checked and replayed.

use plimsoll_model::Labels;
use plimsoll_wire::remote_write::Encoder;
use serde_json::Value;

use crate::load::now_ms;
use crate::plimsoll::{Home, Plimsoll, run};
use crate::process::wait_for;

const CONFIG: &str = "collect:\n  own: false\n  host:\n    enabled: false\nalert:\n  default_rules: false\n\
    analysis:\n  jobs:\n    - {name: queue, metrics: [queue], interval: 1m, what: compare, over: 20m, \
    against: 30m, alerts: [{above: 1.5}]}\n";

fn json(server: &Plimsoll, path: &str) -> Value {
    let answer = server.get(&format!("/api/plimsoll/v1{path}"));
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()))
}

/// An hour of a disk that fills, up to now, and of a queue that jumped 20 minutes ago.
fn history(now: i64) -> Vec<u8> {
    let times: Vec<i64> = (0..240).map(|i| now - (239 - i) * 15_000).collect();
    let mut encoder = Encoder::new();
    let disk = [("instance", "h"), ("job", "node"), ("device", "/dev/sda1"), ("mountpoint", "/")];
    let mut put = |name: &str, labels: &[(&str, &str)], values: &[f64]| {
        let all = [("__name__", name)].into_iter().chain(labels.iter().copied());
        encoder.series(Labels::new(all).unwrap().as_ref(), &times, values);
    };
    let with = |value: &dyn Fn(usize) -> f64| (0..240).map(value).collect::<Vec<f64>>();
    put("node_filesystem_size_bytes", &disk, &with(&|_| 1e11));
    put("node_filesystem_avail_bytes", &disk, &with(&|i| 4e10 - i as f64 * 5e7));
    put(
        "queue",
        &[("job", "q")],
        &with(&|i| if i >= 160 { 9.0 } else { 3.0 } + (i % 3) as f64 * 0.1),
    );
    encoder.finish()
}

fn capacity(server: &Plimsoll) -> Option<Value> {
    let found = json(server, "/insights?type=capacity");
    found["insights"].as_array().and_then(|all| all.first()).cloned()
}

#[test]
fn a_server_finds_keeps_and_asks_again() {
    let home = Home::new();
    let config = home.write("p.yml", CONFIG).display().to_string();
    // The past is there before analysis begins.
    let server = home.start(&["--bare"]);
    assert_eq!(server.write(&history(now_ms())).status, 204);
    server.stop();
    let server = home.start(&["--config", &config]);
    let within = std::time::Duration::from_secs(90);
    let insight = wait_for(within, || capacity(&server)).expect("an insight");
    let id = insight["id"].as_str().unwrap().to_owned();
    let again = json(&server, &format!("/insights/{id}?again=true"));
    for evidence in again["evidence"].as_array().unwrap() {
        assert_eq!(evidence["again"], evidence["value"], "{again:#}");
    }
    assert!(json(&server, "/risks")["risks"][0]["probability"]["day"].as_f64().unwrap() > 0.5);
    let advice = json(&server, "/recommendations?state=proposed");
    assert_eq!(advice["recommendations"][0]["rule"], "disk_fills", "{advice:#}");
    let advice = advice["recommendations"][0]["id"].as_str().unwrap().to_owned();
    let accepted = server.post(&format!("/api/plimsoll/v1/recommendations/{advice}/accept?by=ann"));
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let word = format!("/api/plimsoll/v1/insights/{id}/acknowledge?by=ann&note=known");
    assert_eq!(server.post(&word).status, 200);
    assert_eq!(server.post(&word).status, 409);
    assert_eq!(server.post("/api/plimsoll/v1/insights/nobody/dismiss?by=ann").status, 404);
    assert_eq!(server.get("/api/plimsoll/v1/insights?type=magic").status, 400);
    let job = wait_for(within, || {
        let jobs = json(&server, "/analysis/jobs");
        (jobs["jobs"][0]["findings"] == 1).then(|| jobs["jobs"][0].clone())
    });
    assert_eq!(job.expect("the job found it")["basis"], "real-time");
    for path in ["/forecasts", "/assessments"] {
        assert_eq!(json(&server, path)["truncated"], false);
    }

    // What jobs would have found: of the server, and of its directory when it is stopped.
    let file = home.write("jobs.yml", CONFIG).display().to_string();
    let now = now_ms() / 1_000;
    let range = [(now - 1_200).to_string(), now.to_string()];
    let at = format!("http://127.0.0.1:{}", server.port);
    let args = ["backtest", &file, "--from", &range[0], "--to", &range[1]];
    let asked = run(&[&args[..], &["--server", &at]].concat());
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(asked.status.success() && said.contains("1 findings"), "{said}");
    server.stop();
    let data = home.path("data").display().to_string();
    let asked = run(&[&args[..], &["--data-dir", &data]].concat());
    assert_eq!(String::from_utf8_lossy(&asked.stdout), said, "the same either way");

    let server = home.start(&["--config", &config]);
    let kept = wait_for(within, || capacity(&server)).expect("kept");
    assert_eq!((kept["id"].as_str(), kept["state"].as_str()), (Some(&*id), Some("acknowledged")));
    assert_eq!(kept["acknowledged"]["by"], "ann");
    server.stop();
}

#[test]
fn jobs_are_checked() {
    let home = Home::new();
    let good = home.write("good.yml", "jobs: [{name: a, metrics: [up]}]\n").display().to_string();
    let told = run(&["check", &good]);
    assert!(told.status.success());
    assert!(String::from_utf8_lossy(&told.stdout).contains("1 analysis jobs"));
    let bad = CONFIG.replace("what: compare", "what: compere").replace("above: 1.5", "abov: 1.5");
    let bad = home.write("bad.yml", &bad).display().to_string();
    let told = run(&["check", &bad]);
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(2));
    for part in ["analysis.jobs[0].what: \"compere\" is unknown", "did you mean above?"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
