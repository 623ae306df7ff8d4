//! Acknowledgement, history and incidents through the API of the real binary, across a stop and a kill.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::listener::Webhook;
use crate::plimsoll::Home;
use crate::process::wait_for;

const API: &str = "/api/plimsoll/v1";

fn ask(port: u16, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let headers: &[(&str, &str)] =
        if body.is_some() { &[("content-type", "application/json")] } else { &[] };
    let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
    Client::new(port).request(method, path, headers, &bytes).unwrap()
}

#[track_caller]
fn got(port: u16, path: &str) -> Value {
    let answer = ask(port, "GET", &format!("{API}{path}"), None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[track_caller]
fn did(port: u16, method: &str, path: &str, body: &Value) -> Value {
    let answer = ask(port, method, &format!("{API}{path}"), Some(body));
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn post(port: u16, ends_at: &str) {
    let one = |node: &str| {
        json!({
            "labels": { "alertname": "A", "node": node, "severity": "critical" },
            "annotations": { "summary": format!("{node} is down") },
            "endsAt": ends_at,
        })
    };
    let alerts = json!([one("a"), one("b")]);
    assert_eq!(ask(port, "POST", "/api/v2/alerts", Some(&alerts)).status, 200);
}

#[test]
fn people_take_care_of_alerts_and_incidents() {
    let hook = Webhook::start();
    let home = Home::new();
    let file = home.write(
        "am.yml",
        &format!(
            "route:\n  receiver: hook\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: \
             1s\n  repeat_interval: 2s\nreceivers:\n- name: hook\n  webhook_configs: [{{url: \
             'http://127.0.0.1:{}/hook'}}]\n",
            hook.port
        ),
    );
    let args = ["--bare", "--alertmanager-config", file.to_str().unwrap()];
    let server = home.start(&args);
    let port = server.port;
    post(port, "2100-01-01T00:00:00Z");
    let opened = wait_for(Duration::from_secs(20), || {
        let all = got(port, "/incidents");
        all["incidents"].as_array().unwrap().first().cloned()
    });
    let incident = opened.unwrap();
    assert_eq!(incident["severity"], "critical");
    assert_eq!((&incident["alerts"], &incident["firing"]), (&json!(2), &json!(2)));
    let id = incident["id"].as_str().unwrap().to_owned();

    let all = got(port, "/alerts?state=firing");
    assert_eq!((&all["total"], &all["counts"]["firing"]), (&json!(2), &json!(2)));
    let alert = all["alerts"].as_array().unwrap().iter().find(|a| a["labels"]["node"] == "a");
    let alert = alert.unwrap();
    assert_eq!((&alert["kind"], &alert["rule"]), (&json!("posted"), &Value::Null));
    assert_eq!((&alert["title"], &alert["incident"]), (&json!("a is down"), &json!(id)));
    let one = format!("/alerts/{}/acknowledge", alert["fingerprint"].as_str().unwrap());

    let status = |method: &str, path: &str, body: &Value| {
        ask(port, method, &format!("{API}{path}"), Some(body)).status
    };
    assert_eq!(status("POST", "/alerts/0000000000000001/acknowledge", &json!({"by": "me"})), 404);
    assert_eq!(status("POST", "/alerts/xyz/acknowledge", &json!({"by": "me"})), 400);
    assert_eq!(status("POST", &one, &json!({"note": "nobody"})), 400);
    assert_eq!(status("POST", &one, &json!(["me"])), 400);
    assert_eq!(status("POST", &format!("/incidents/{id}/notes"), &json!({"by": "me"})), 400);
    assert_eq!(status("POST", "/incidents/x/acknowledge", &json!({"by": "me"})), 404);

    // The same line by line: the counts, then an alert a line.
    let in_lines = ask(port, "GET", &format!("{API}/alerts?format=lines&order=urgent"), None);
    assert_eq!(in_lines.header("content-type"), "application/x-ndjson");
    let documents: Vec<Value> =
        in_lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&documents[0]["total"], documents.len()), (&json!(2), 3));
    assert_eq!(documents[0]["counts"], all["counts"]);
    let listed = all["alerts"].as_array().unwrap();
    assert!(documents[1..].iter().all(|d| listed.contains(d)), "{documents:?}");
    for wrong in ["format=xml", "order=oldest"] {
        assert_eq!(ask(port, "GET", &format!("{API}/alerts?{wrong}"), None).status, 400, "{wrong}");
    }

    let seen = did(port, "POST", &one, &json!({ "by": "me", "note": "on it" }));
    assert_eq!(
        (&seen["state"], &seen["acknowledged"]["by"]),
        (&json!("acknowledged"), &json!("me"))
    );
    assert_eq!(got(port, "/incidents")["incidents"][0]["state"], "open");
    // It is written down: a kill does not lose it.
    server.process.kill();
    let server = home.start(&args);
    let port = server.port;
    let counts = &got(port, "/alerts")["counts"];
    assert_eq!((&counts["acknowledged"], &counts["firing"]), (&json!(1), &json!(1)));
    let whole = did(
        port,
        "POST",
        &format!("/incidents/{id}/acknowledge"),
        &json!({ "by": "you", "note": "both are mine" }),
    );
    assert_eq!(whole["state"], "acknowledged");
    let note = json!({ "by": "you", "text": "the switch is dead" });
    let whole = did(port, "POST", &format!("/incidents/{id}/notes"), &note);
    let told = hook.states("A").len();

    server.stop();
    let server = home.start(&args);
    let port = server.port;
    let what = |doc: &Value| -> Vec<String> {
        let line = doc["timeline"].as_array().unwrap().iter();
        line.map(|e| e["what"].as_str().unwrap().to_owned()).collect()
    };
    let after = got(port, &format!("/incidents/{id}"));
    assert_eq!(what(&after), what(&whole));
    assert_eq!(after["timeline"].as_array().unwrap().last().unwrap()["text"], "the switch is dead");
    // Several repeat intervals pass meanwhile; what is acknowledged is not said again.
    post(port, "2020-01-01T00:00:01Z");
    let closed = wait_for(Duration::from_secs(20), || {
        let doc = got(port, &format!("/incidents/{id}"));
        (doc["state"] == "resolved").then_some(doc)
    });
    let closed = closed.unwrap();
    assert_eq!(closed["alerts"].as_array().unwrap().len(), 2);
    assert!(what(&closed).contains(&"closed".to_owned()), "{closed:#}");
    let ended = wait_for(Duration::from_secs(20), || {
        (hook.states("A").last().map(String::as_str) == Some("resolved")).then_some(())
    });
    assert!(ended.is_some(), "{:?}", hook.states("A"));
    // One message may have been on its way, and one tells the end; each is about two alerts.
    assert!(hook.states("A").len() <= told + 4, "{:?}", hook.states("A"));
    assert_eq!(ask(port, "POST", &format!("{API}{one}"), Some(&json!({"by": "me"}))).status, 409);
    assert!(got(port, "/incidents")["incidents"].as_array().unwrap().is_empty());
    assert_eq!(got(port, "/incidents?state=all")["incidents"][0]["id"], json!(id));

    let history = got(port, "/alerts/history?rule=A&limit=1");
    assert_eq!(
        (&history["truncated"], history["episodes"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
    let episode = &got(port, "/alerts/history?rule=A")["episodes"][0];
    assert_eq!((&episode["state"], &episode["incident"]), (&json!("resolved"), &json!(id)));
    let delivered = wait_for(Duration::from_secs(20), || {
        let episode = got(port, "/alerts/history?rule=A")["episodes"][0].clone();
        let receipts = episode["receipts"].as_array().unwrap().clone();
        receipts.iter().any(|r| r["outcome"] == "delivered").then_some(())
    });
    assert!(delivered.is_some(), "{}", got(port, "/alerts/history?rule=A"));
    let statistics = got(port, "/alerts/statistics");
    assert_eq!(statistics["rules"][0]["rule"]["name"], "A");
    assert_eq!(statistics["totals"]["episodes"], 2);
    assert!(statistics["totals"]["mean_to_resolve_seconds"].is_number(), "{statistics:#}");
    assert_eq!(ask(port, "GET", &format!("{API}/alerts?limit=0"), None).status, 400);
    server.stop();
}
