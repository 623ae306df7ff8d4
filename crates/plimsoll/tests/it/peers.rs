//! Debian's Prometheus remote-writes into Plimsoll, and the exposition of PyPI's prometheus-client
//! is scraped: both can be asked for, and what is there is what they have.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::http::Client;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, Series, escape, series};
use crate::process::{Process, free_port, wait_for};

/// An application as people write them with that library.
const APPLICATION: &str = r#"
import sys, time
from prometheus_client import Counter, Gauge, Histogram, Summary, Info, start_http_server
c = Counter("app_requests", "Requests.", ["path"])
c.labels('/a "quoted"\\ path\nwith a line').inc(3)
Gauge("app_level", "Level.").set(2.5)
h = Histogram("app_latency_seconds", "Latency.", buckets=(0.1, 0.5, 1))
for v in (0.05, 0.3, 0.3, 2): h.observe(v)
Summary("app_size_bytes", "Size.").observe(7)
Info("app_build", "Build.").info({"version": "1.2.3"})
start_http_server(int(sys.argv[1]), addr="127.0.0.1")
time.sleep(600)
"#;

fn ask(port: u16, expr: &str, at: f64) -> Vec<Series> {
    let path = format!("/api/v1/query?query={}&time={at}", escape(expr));
    let answer = Client::new(port).get(&path).unwrap();
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    series(&json["data"]["result"])
}

#[test]
fn prometheus_writes_into_plimsoll_and_they_hold_the_same() {
    if !peer::slow("Prometheus writes into Plimsoll") {
        return;
    }
    let Some(program) = peer::program("prometheus") else { return };
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let port = free_port();
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: self\n  static_configs: \
         [{{targets: ['127.0.0.1:{port}']}}]\nremote_write:\n- url: \
         http://127.0.0.1:{}/api/v1/write\n  queue_config: {{batch_send_deadline: 1s}}\n",
        server.port
    );
    let file = home.write("prometheus.yml", &config);
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", home.path("prometheus").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let prometheus = Process::start(&mut command, &home.path("prometheus.log"));
    peer::listens(port);
    let enough = wait_for(Duration::from_secs(60), || {
        let n = server.query("count_over_time(up{job=\"self\"}[5m])").first()?.last();
        (n >= 15.0).then_some(())
    });
    assert!(enough.is_some(), "nothing arrives: {}", prometheus.log());
    equal_samples(&server, port);
    let metadata = wait_for(Duration::from_secs(90), || {
        let data = server.data("/api/v1/metadata?metric=prometheus_build_info");
        data["prometheus_build_info"][0]["type"].as_str().map(str::to_owned)
    });
    assert_eq!(metadata.as_deref(), Some("gauge"));
    assert_eq!(prometheus.stop(Duration::from_secs(30)).code(), Some(0));
    server.stop();
}

/// Times and bits of values, by labels.
type Samples = BTreeMap<Vec<(String, String)>, Vec<(i64, u64)>>;

/// Compares what both hold of a window that Prometheus has sent already.
#[track_caller]
fn equal_samples(server: &Plimsoll, port: u16) {
    let newest = server.query("max(timestamp(up{job=\"self\"}))")[0].last();
    let at = (newest - 2.0).floor();
    let expr = "{job=\"self\"}[8s]";
    let by_labels = |all: Vec<Series>| -> Samples {
        let points = |s: &Series| s.points.iter().map(|p| (p.0, p.1.to_bits())).collect();
        all.iter().map(|s| (s.labels.clone().into_iter().collect(), points(s))).collect()
    };
    let theirs = by_labels(ask(port, expr, at));
    let ours = by_labels(ask(server.port, expr, at));
    assert!(theirs.len() > 300, "Prometheus has only {} series", theirs.len());
    assert_eq!(ours.len(), theirs.len(), "series");
    for (labels, points) in &theirs {
        assert_eq!(ours.get(labels), Some(points), "{labels:?}");
    }
    // And PromQL on it: the same numbers by two engines.
    for expr in [
        "sum by (handler) (rate(prometheus_http_requests_total[10s]))",
        "histogram_quantile(0.9, sum by (le) (prometheus_http_request_duration_seconds_bucket))",
        "topk(3, prometheus_tsdb_head_chunks)",
        "count({job=\"self\"})",
    ] {
        let sorted = |mut all: Vec<Series>| {
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
            all
        };
        let (ours, theirs) = (sorted(ask(server.port, expr, at)), sorted(ask(port, expr, at)));
        assert_eq!(ours.len(), theirs.len(), "{expr}: {ours:?} {theirs:?}");
        for (our, their) in ours.iter().zip(&theirs) {
            assert_eq!(our.labels, their.labels, "{expr}");
            let (we, they) = (our.last(), their.last());
            let same = (we.is_nan() && they.is_nan())
                || (we - they).abs() <= 1e-12 * they.abs().max(1e-300);
            assert!(same, "{expr}: {we} here, {they} there");
        }
    }
}

#[test]
fn an_application_with_prometheus_client_is_scraped() {
    if !peer::slow("an application with prometheus-client") {
        return;
    }
    let Some(python) = peer::python() else { return };
    let home = Home::new();
    let port = free_port();
    let script = home.write("app.py", APPLICATION);
    let mut command = Command::new(python);
    command.arg(script).arg(port.to_string());
    let app = Process::start(&mut command, &home.path("app.log"));
    peer::listens(port);
    let config = format!(
        "collect:\n  scrape:\n  - job_name: app\n    scrape_interval: 1s\n    static_configs:\n    \
         - targets: ['127.0.0.1:{port}']\n      labels: {{team: blue}}\n"
    );
    let file = home.write("plimsoll.yml", &config);
    let server = home.start(&["--bare", "--config", file.to_str().unwrap()]);
    let up = wait_for(Duration::from_secs(30), || {
        server.query("up{job=\"app\"} == 1").pop().map(|_| ())
    });
    assert!(up.is_some(), "{} {}", server.data("/api/v1/targets"), app.log());
    let requests = server.query("app_requests_total");
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].label("path"), "/a \"quoted\"\\ path\nwith a line");
    assert_eq!(requests[0].label("team"), "blue");
    assert_eq!(requests[0].label("instance"), format!("127.0.0.1:{port}"));
    for (expr, want) in [
        ("sum(app_requests_total)", 3.0),
        ("app_level", 2.5),
        ("app_latency_seconds_bucket{le=\"0.5\"}", 3.0),
        ("app_latency_seconds_count", 4.0),
        ("app_size_bytes_sum", 7.0),
        ("app_build_info{version=\"1.2.3\"}", 1.0),
        ("count(python_info)", 1.0),
        ("histogram_quantile(0.5, app_latency_seconds_bucket)", 0.3),
    ] {
        let found = server.query(expr);
        assert_eq!(found.len(), 1, "{expr}: {found:?}");
        assert!((found[0].last() - want).abs() < 1e-9, "{expr}: {found:?}");
    }
    let told = server.data("/api/v1/metadata?metric=app_level");
    assert_eq!(told["app_level"][0]["help"], "Level.", "{told}");
    server.stop();
}
