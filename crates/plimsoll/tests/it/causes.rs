//! A page names what caused it: an estate is written by remote write, a rule fires, and the webhook's
//! message has the causing series, what changed and what to do first; the API answers the same questions.

use std::time::Duration;

use plimsoll_wire::remote_write::Encoder;
use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::listener::Webhook;
use crate::load::{Chance, labels, now_ms};
use crate::plimsoll::{Home, send};
use crate::process::wait_for;

const RULES: &str = "\
groups:
- name: shop
  interval: 200ms
  rules:
  - alert: ShopSlow
    expr: shop_latency_seconds > 0.22
    labels: {severity: page}
";
const STEP: i64 = 15_000;
const MINUTE: i64 = 60_000;

/// Two and a half hours of a disk that gets busy, a database and a shop that get slow after it, a restart,
/// a host elsewhere, and what has nothing to do with it.
fn estate(now: i64) -> Vec<u8> {
    let mut chance = Chance::new(11);
    let mut encoder = Encoder::new();
    let times: Vec<i64> = (0..600).rev().map(|i| now - i * STEP).collect();
    let mut write = |pairs: &[(&str, &str)], value: &mut dyn FnMut(i64, f64) -> f64| {
        let mut noise = || (0..12).map(|_| chance.unit()).sum::<f64>() - 6.0;
        let floats: Vec<f64> = times.iter().map(|t| value(now - t, noise())).collect();
        encoder.series(labels(pairs).as_ref(), &times, &floats);
    };
    let since = |minutes: i64, back: i64| f64::from(back <= minutes * MINUTE);
    let mut busy = 0.0;
    let disk = [
        ("__name__", "node_disk_io_time_seconds_total"),
        ("device", "sda"),
        ("instance", "db1:9100"),
    ];
    write(&disk, &mut |back, noise| {
        busy += 15.0 * (0.3 + 0.04 * noise + 0.6 * since(9, back)).clamp(0.0, 1.0);
        busy
    });
    let pg = [("__name__", "pg_latency_seconds"), ("instance", "db1:9187"), ("service", "shop")];
    write(&pg, &mut |back, noise| 0.005 + 0.0005 * noise + 0.02 * since(8, back));
    let shop = [("__name__", "shop_latency_seconds"), ("instance", "web1:80"), ("service", "shop")];
    write(&shop, &mut |back, noise| 0.1 + 0.01 * noise + 0.25 * since(7, back));
    let start =
        [("__name__", "process_start_time_seconds"), ("instance", "web2:80"), ("service", "shop")];
    write(&start, &mut |back, _| {
        if back <= 20 * MINUTE { ((now - 20 * MINUTE) / 1_000) as f64 } else { 1.7e9 }
    });
    let other = [("__name__", "node_load1"), ("instance", "build7:9100")];
    write(&other, &mut |back, noise| 2.0 + 0.2 * noise + 9.0 * since(8, back));
    for i in 0..50 {
        let i = format!("n{i}:9100");
        write(&[("__name__", "node_load1"), ("instance", &i)], &mut |_, noise| 5.0 + 0.5 * noise);
    }
    encoder.finish()
}

fn asked(port: u16, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Client::new(port).request(method, &format!("/api/plimsoll/v1{path}"), &headers, &bytes).unwrap()
}

fn document(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// The configuration: nothing of its own but analysis.
fn configured(home: &Home, hook: &Webhook) -> String {
    home.write("rules.yml", RULES);
    let config = format!(
        "collect: {{own: false, host: {{enabled: false}}}}\nalert:\n  default_rules: false\n  \
         rule_files: [rules.yml]\n  receivers:\n  - name: hook\n    webhook_configs:\n    - url: \
         http://127.0.0.1:{}/hook\n  route: {{group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n",
        hook.port
    );
    home.write("plimsoll.yml", &config).to_str().unwrap().to_owned()
}

/// What the hook is told when the shop is slow.
fn page(hook: &Webhook) -> Value {
    let message = wait_for(Duration::from_secs(30), || {
        let all = hook.taken();
        let mut bodies = all.into_iter().map(|(_, body)| body);
        bodies.find(|b| b["alerts"][0]["labels"]["alertname"] == "ShopSlow")
    });
    message.expect("a page")
}

#[test]
fn with_analysis_switched_off_a_page_says_nothing_of_causes_and_people_may_ask() {
    let (hook, home) = (Webhook::start(), Home::new());
    let file = configured(&home, &hook);
    let server = home.start(&["--bare", "--config", &file]);
    assert_eq!(send(&mut server.client(), &estate(now_ms())).unwrap().status, 204);
    let message = page(&hook);
    let shown = &message["plimsoll"];
    for part in ["causes", "changes"] {
        assert!(shown[part].as_array().is_none_or(Vec::is_empty), "{part}: {shown:#}");
    }
    assert!(shown["recommendation"].is_null(), "{shown:#}");
    let fingerprint = message["alerts"][0]["fingerprint"].as_str().unwrap();
    let body = json!({ "alert": fingerprint });
    let answer = document(&asked(server.port, "POST", "/analysis/related", &body));
    assert!(answer["related"].as_array().unwrap().len() >= 2, "{answer:#}");
    server.stop();
}

#[test]
fn a_page_names_the_series_that_caused_it() {
    let (hook, home) = (Webhook::start(), Home::new());
    let file = configured(&home, &hook);
    let server = home.start(&["--config", &file]);
    let port = server.port;
    let now = now_ms();
    let sent = send(&mut server.client(), &estate(now)).unwrap();
    assert_eq!(sent.status, 204, "{}", sent.text());
    let message = page(&hook);
    let shown = &message["plimsoll"];
    let causes: Vec<&str> =
        shown["causes"].as_array().unwrap().iter().filter_map(|c| c["text"].as_str()).collect();
    let disk = |text: &&str| text.starts_with("node_disk_io_time (sda) on db1:9100 rose to 0.");
    assert!(causes.iter().take(2).any(disk), "{shown:#}");
    assert!(causes.iter().find(|t| disk(t)).unwrap().ends_with(" before"), "{causes:?}");
    assert!(shown["causes"][0]["url"].as_str().unwrap().contains("/explore?expr="));
    let changes = shown["changes"].to_string();
    assert!(changes.contains("shop on web2:80 restarted"), "{changes}");
    assert!(shown["recommendation"].is_string(), "{shown:#}");

    // The API, for the alert and for an expression.
    let fingerprint = message["alerts"][0]["fingerprint"].as_str().unwrap();
    let answer =
        document(&asked(port, "POST", "/analysis/related", &json!({ "alert": fingerprint })));
    assert!(answer["related"].as_array().unwrap().len() >= 2, "{answer:#}");
    assert_eq!((&answer["truncated"], &answer["left"]), (&json!(false), &json!(0)));
    let body = json!({
        "query": "shop_latency_seconds", "from": (now - 60 * MINUTE) / 1_000, "to": now / 1_000,
        "match": ["{instance=~\"db1.*\"}"], "limit": 5,
    });
    let answer = document(&asked(port, "POST", "/analysis/related", &body));
    assert_eq!(answer["looked_at"], 2, "{answer:#}");
    let first = &answer["related"][0];
    let rerun = first["query"].as_str().unwrap();
    let path = format!("/api/v1/query?query={}", form_urlencoded(rerun));
    let again = Client::new(port).request("GET", &path, &[], &[]).unwrap();
    assert!(again.text().contains("db1"), "the query of a finding shows it: {}", again.text());
    let span = |from: i64, to: i64| json!({ "from": (now - from * MINUTE) / 1_000, "to": (now - to * MINUTE) / 1_000 });
    let body = json!({ "a": span(60, 20), "b": span(6, 0) });
    let answer = document(&asked(port, "POST", "/analysis/compare", &body));
    let metrics: Vec<&str> = answer["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["metric"].as_str())
        .collect();
    assert!(metrics.contains(&"pg_latency_seconds") && metrics.len() <= 10, "{metrics:?}");
    let answer = document(&asked(port, "GET", "/analysis/changes", &Value::Null));
    assert!(answer["changes"].to_string().contains("restarted"), "{answer}");

    let refused = |path: &str, body: Value| {
        let answer = asked(port, "POST", path, &body);
        (answer.status, answer.text())
    };
    let (status, text) = refused("/analysis/related", json!({ "alert": "0123456789abcdef" }));
    assert!(status == 404 && text.contains("no alert"), "{text}");
    for (body, why) in [
        (json!({}), "either query or alert"),
        (json!({ "alert": "xyz" }), "hexadecimal"),
        (json!({ "query": "up{" }), "query"),
        (json!({ "query": "up", "from": 0, "to": 9e9 }), "seven days"),
        (json!({ "query": "up", "from": 9, "to": 8 }), "after from"),
        (json!({ "query": "up", "match": ["{"] }), "match"),
        (json!({ "query": "up", "limit": 0 }), "limit"),
        (json!({ "query": "up", "form": 1 }), "unknown field"),
    ] {
        let (status, text) = refused("/analysis/related", body);
        assert!(status == 400 && text.contains(why), "{why}: {status} {text}");
    }
    let (status, text) = refused(
        "/analysis/similar",
        json!({ "query": "shop_latency_seconds", "from": (now - 10 * MINUTE) / 1_000, "to": now / 1_000 }),
    );
    assert_eq!(status, 200, "{text}");
    let (status, text) = refused(
        "/analysis/seasons",
        json!({ "query": "shop_latency_seconds", "from": (now - 120 * MINUTE) / 1_000, "to": now / 1_000 }),
    );
    assert_eq!(status, 200, "{text}");
    server.stop();
}

fn form_urlencoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
