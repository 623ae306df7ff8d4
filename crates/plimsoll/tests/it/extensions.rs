//! PromQL functions of our own, asked of the real process: over the API, in rule files, from a data
//! directory.

use serde_json::Value;

use crate::load::{body, now_ms};
use crate::plimsoll::{Home, escape, run};

/// An hour of a line that rises by 0.25 per second from 100, a sample each 15 s.
fn line(now: i64) -> (Vec<i64>, Vec<f64>) {
    (0..=240).map(|i| (now - (240 - i) * 15_000, 100.0 + 3.75 * i as f64)).unzip()
}

#[test]
fn our_functions_answer_in_queries_rules_and_offline() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    let (times, values) = line(now);
    let sent = server.write(&body(&[("__name__", "m"), ("job", "j")], &times, &values));
    assert!(matches!(sent.status, 200..=204), "{}", sent.text());
    for (expr, wanted) in [
        ("trend(m[1h])", 0.25),
        ("time_to_breach(m[1h], 1000 + 900)", 3_600.0),
        ("forecast(m[1h], 600)", 1_150.0),
        ("seasonal_baseline(m[1h])", 550.0),
        ("min(forecast_upper(m[1h], 60) >= bool forecast_lower(m[1h], 60))", 1.0),
        ("count(anomaly_score(m[1h]) < 0.5)", 1.0),
    ] {
        let found = server.query_at(expr, now);
        assert_eq!(found.len(), 1, "{expr}");
        let value = found[0].last();
        assert!((value - wanted).abs() <= 0.02 * wanted, "{expr}: {value}, not {wanted}");
    }
    let (start, end) = ((now - 600_000) as f64 / 1e3, now as f64 / 1e3);
    let expr = escape("trend(m[30m])");
    let path = format!("/api/v1/query_range?query={expr}&start={start}&end={end}&step=60");
    let data = server.data(&path);
    assert_eq!(data["result"][0]["metric"], serde_json::json!({"job": "j"}));
    assert_eq!(data["result"][0]["values"].as_array().unwrap().len(), 11);
    let wrong = server.get(&format!("/api/v1/query?query={}", escape("1 + trend(m)")));
    let wrong: Value = serde_json::from_slice(&wrong.body).unwrap();
    let text = wrong["error"].as_str().unwrap();
    assert!(text.contains("1:11: parse error: expected type range vector"), "{text}");
    server.stop();

    let rules = home.write(
        "rules.yml",
        "groups:\n  - name: g\n    rules:\n      - record: job:m:trend\n        expr: trend(m[1h])\n",
    );
    let checked = run(&["check", rules.to_str().unwrap()]);
    assert!(checked.status.success(), "{checked:?}");
    let at = format!("{end}");
    let data = home.path("data");
    let offline =
        run(&["query", "--data-dir", data.to_str().unwrap(), "--at", &at, "trend(m[1h])"]);
    let told = String::from_utf8_lossy(&offline.stdout).into_owned();
    assert!(told.starts_with("{job=\"j\"} 0.25"), "{offline:?}");
}
