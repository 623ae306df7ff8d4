//! Receivers through the API: added, tested, told beside those of the configuration, there after a restart.

use std::time::Duration;

use serde_json::{Value, json};

use crate::listener::Webhook;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

const API: &str = "/api/plimsoll/v1";

/// Status and document of a request.
#[track_caller]
fn ask(server: &Plimsoll, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [("content-type", "application/json")];
    let path = format!("{API}{path}");
    let answer = server.client().request(method, &path, &headers, &bytes).unwrap();
    let document = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
    (answer.status, document)
}

fn hook(port: u16, more: &str) -> Value {
    json!({ "text": format!("webhook_configs:\n- url: http://127.0.0.1:{port}/x\n{more}"), "author": "ann" })
}

fn fire(server: &Plimsoll, name: &str, severity: &str) {
    let alerts = json!([{ "labels": { "alertname": name, "severity": severity } }]).to_string();
    let headers = [("content-type", "application/json")];
    let path = "/api/v2/alerts";
    let answer = server.client().request("POST", path, &headers, alerts.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let seen = wait_for(Duration::from_secs(30), || is().then_some(()));
    assert!(seen.is_some(), "waited for: {what}");
}

/// The receivers that an alert would go to.
#[track_caller]
fn way(server: &Plimsoll, labels: &Value) -> Vec<String> {
    let (status, doc) = ask(server, "POST", "/notifications/route", &json!({ "labels": labels }));
    assert_eq!(status, 200, "{doc}");
    let routes = doc["routes"].as_array().unwrap().iter();
    routes.map(|r| r["receiver"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_receiver_is_added_tested_told_kept_and_removed() {
    let (own, configured) = (Webhook::start(), Webhook::start());
    let home = Home::new();
    let am = home.write(
        "am.yml",
        &format!(
            "route: {{receiver: ops, group_wait: 0s, group_by: ['...']}}\nreceivers:\n- name: ops\n  webhook_configs: [{{url: \
             'http://127.0.0.1:{}/ops'}}]\n",
            configured.port
        ),
    );
    let args = ["--bare", "--alertmanager-config", am.to_str().unwrap()];
    let server = home.start(&args);
    let (_, none) = ask(&server, "GET", "/receivers", &Value::Null);
    assert_eq!(none["receivers"][0]["source"], "configuration", "{none}");

    // What is wrong is told, and changes nothing.
    let (status, done) =
        ask(&server, "PUT", "/receivers/pager", &json!({ "text": "webhook_configs: [{}]" }));
    assert_eq!(status, 400, "{done}");
    assert_eq!(done["problems"][0]["line"], 1, "{done}");
    let (status, done) = ask(&server, "PUT", "/receivers/ops", &hook(own.port, ""));
    assert_eq!(status, 409, "{done}");

    // Added: tested at once, and told beside the one of the configuration.
    let text = hook(own.port, "matchers: ['severity=\"critical\"']\n");
    let (status, done) = ask(&server, "PUT", "/receivers/pager", &text);
    assert_eq!((status, &done["version"]), (200, &json!(1)), "{done}");
    let (status, tried) = ask(&server, "POST", "/receivers/pager/test", &Value::Null);
    assert_eq!((status, &tried["channels"][0]["delivered"]), (200, &json!(true)), "{tried}");
    assert_eq!(way(&server, &json!({ "severity": "critical" })), ["pager", "ops"]);
    assert_eq!(way(&server, &json!({ "severity": "info" })), ["ops"]);
    fire(&server, "Loud", "critical");
    fire(&server, "Quiet", "info");
    until("both hear of the critical alert", || {
        own.states("Loud") == ["firing"] && configured.states("Loud") == ["firing"]
    });
    until("one hears of the other", || configured.states("Quiet") == ["firing"]);
    let (_, all) = ask(&server, "GET", "/receivers", &Value::Null);
    let pager = &all["receivers"][1];
    assert_eq!((&pager["source"], &pager["in_force"]), (&json!("api"), &json!(true)), "{all}");
    assert_eq!(pager["matchers"], json!(["severity=\"critical\""]));
    assert!(!all.to_string().contains(&own.port.to_string()), "addresses are secrets: {all}");

    // There after a restart, and what was told is not told again.
    server.stop();
    let server = home.start(&args);
    assert_eq!(way(&server, &json!({ "severity": "critical" })), ["pager", "ops"]);
    fire(&server, "Later", "critical");
    until("it hears after a restart", || own.states("Later") == ["firing"]);
    assert_eq!(own.states("Loud"), ["firing"]);
    assert_eq!(own.states("Quiet"), Vec::<String>::new());

    let (_, versions) = ask(&server, "GET", "/receivers/pager/versions", &Value::Null);
    assert_eq!(versions["versions"][0]["author"], "ann", "{versions}");
    let (status, done) = ask(&server, "DELETE", "/receivers/pager?author=bob", &Value::Null);
    assert_eq!(status, 200, "{done}");
    assert_eq!(way(&server, &json!({ "severity": "critical" })), ["ops"]);
    assert_eq!(ask(&server, "POST", "/receivers/pager/test", &Value::Null).0, 404);
}

#[test]
fn without_a_configuration_an_added_receiver_hears_of_everything() {
    let own = Webhook::start();
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let (status, done) = ask(&server, "PUT", "/receivers/mine", &hook(own.port, ""));
    assert_eq!(status, 200, "{done}");
    fire(&server, "First", "info");
    until("it hears", || own.states("First") == ["firing"]);
    let (status, doc) = ask(&server, "POST", "/notifications/route", &json!({ "label": {} }));
    assert_eq!(status, 400, "{doc}");
}

#[test]
fn a_receiver_is_tested_before_it_is_saved() {
    let own = Webhook::start();
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let draft = |name: &str, text: &str| {
        ask(&server, "POST", "/receivers/test", &json!({ "name": name, "text": text }))
    };
    let text = format!("webhook_configs:\n- url: http://127.0.0.1:{}/x\n", own.port);
    let (status, tried) = draft("pager", &text);
    assert_eq!((status, &tried["channels"][0]["delivered"]), (200, &json!(true)), "{tried}");
    assert_eq!(own.states("PlimsollTest"), ["firing"]);
    let (_, all) = ask(&server, "GET", "/receivers", &Value::Null);
    assert!(!all.to_string().contains("pager"), "nothing is kept: {all}");
    assert_eq!(ask(&server, "POST", "/receivers/pager/test", &Value::Null).0, 404);

    // How it went stands among the receipts, marked; one that failed says why and is not sent again.
    let (status, tried) = draft("nobody", "webhook_configs: [{url: 'http://127.0.0.1:1/x'}]\n");
    assert_eq!((status, &tried["channels"][0]["delivered"]), (200, &json!(false)), "{tried}");
    let (_, kept) = ask(&server, "GET", "/notifications/receipts", &Value::Null);
    let (failed, came) = (&kept["receipts"][0], &kept["receipts"][1]);
    assert_eq!((&failed["receiver"], &failed["test"]), (&json!("nobody"), &json!(true)), "{kept}");
    assert!(failed["error"].as_str().is_some_and(|e| !e.is_empty()), "{failed}");
    assert_eq!((&came["receiver"], &came["error"]), (&json!("pager"), &json!("")), "{kept}");
    let (_, dead) = ask(&server, "GET", "/notifications/dead", &Value::Null);
    assert_eq!(dead["dead"], json!([]), "{dead}");

    // Checked as on saving: text, name, size.
    let (status, wrong) = draft("pager", "webhook_configs: [{}]");
    assert_eq!((status, &wrong["problems"][0]["line"]), (400, &json!(1)), "{wrong}");
    assert_eq!(draft("No Name", &text).0, 400);
    let large = format!("{text}#{}", "x".repeat(1 << 20));
    assert_eq!(draft("pager", &large).0, 413);
    let (status, wrong) = ask(&server, "POST", "/receivers/test", &json!({ "text": text }));
    assert_eq!(status, 400, "{wrong}");
}
