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

#[test]
fn a_forecast_and_the_capacity_are_served() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    let times: Vec<i64> = (0..=4_000).map(|i| now - (4_000 - i) * 300_000).collect();
    let day = |t: &i64| 100.0 + 40.0 * (*t as f64 / 86_400_000.0 * std::f64::consts::TAU).sin();
    let values: Vec<f64> = times.iter().map(day).collect();
    let sent = server.write(&body(&[("__name__", "m"), ("job", "j")], &times, &values));
    assert!(matches!(sent.status, 200..=204), "{}", sent.text());
    let ask = |question: &Value| {
        let path = "/api/plimsoll/v1/analysis/forecast";
        let json = [("content-type", "application/json")];
        server.client().post(path, &json, question.to_string().as_bytes()).unwrap()
    };
    let answer = ask(&serde_json::json!({ "query": "m", "horizon": "6h" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let one = &answer["series"][0];
    assert_eq!((&one["labels"]["job"], &one["basis"]), (&"j".into(), &"backtested".into()));
    assert_eq!(one["times"].as_array().unwrap().len(), 72);
    assert!(one["seasons"].as_array().unwrap().contains(&86_400.0.into()), "{}", one["seasons"]);
    let last = one["mean"][71].as_f64().unwrap();
    assert!((last - day(&(now + 6 * 3_600_000))).abs() < 5.0, "{last}");
    assert!(one["accuracy"]["coverage"].as_f64().unwrap() > 0.8, "{}", one["accuracy"]);
    let few = ask(&serde_json::json!({ "query": "m", "horizon": "6h", "history": "20m" }));
    let few: Value = serde_json::from_slice(&few.body).unwrap();
    assert!(few["series"][0]["reason"].as_str().unwrap().starts_with("needs 8 points"), "{few}");
    for (question, says) in [
        (serde_json::json!({ "query": "m[", "horizon": "6h" }), "parse error"),
        (serde_json::json!({ "query": "m", "horizon": "0s" }), "horizon"),
        (serde_json::json!({ "query": "m", "horizon": "1000d", "step": "1s" }), "at most 10000"),
        (serde_json::json!({ "query": "m", "horizon": "1h", "level": 2 }), "level"),
        (serde_json::json!({ "query": "m" }), "horizon"),
    ] {
        let refused = ask(&question);
        assert!(refused.status == 400 && refused.text().contains(says), "{}", refused.text());
    }
    let capacity = server.get("/api/plimsoll/v1/capacity?load=1.3");
    let capacity: Value = serde_json::from_slice(&capacity.body).unwrap();
    assert!(capacity["resources"].is_array(), "{capacity}");
    assert_eq!(server.get("/api/plimsoll/v1/capacity?load=nan").status, 400);
    server.stop();
}
