//! The router beside its peers: Debian's `amtool` drives silences and alerts, Debian's Prometheus sends its
//! alerts here, and own alerts reach Debian's Alertmanager. The API is also asked by hand, always.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::listener::Webhook;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::{Process, free_port, wait_for};

fn config(hook: &Webhook) -> String {
    format!(
        "route:\n  receiver: hook\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n\
         receivers:\n- name: hook\n  webhook_configs: [{{url: 'http://127.0.0.1:{}/hook'}}]\n",
        hook.port
    )
}

fn start(home: &Home, file: &Path) -> Plimsoll {
    home.start(&["--bare", "--alertmanager-config", file.to_str().unwrap()])
}

fn ask(port: u16, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let headers: &[(&str, &str)] =
        if body.is_some() { &[("content-type", "application/json")] } else { &[] };
    let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
    Client::new(port).request(method, path, headers, &bytes).unwrap()
}

fn list(port: u16, path: &str) -> Vec<Value> {
    let answer = ask(port, "GET", path, None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    serde_json::from_slice::<Value>(&answer.body).unwrap().as_array().unwrap().clone()
}

#[track_caller]
fn told(hook: &Webhook, alert: &str, states: &[&str]) {
    let got = wait_for(Duration::from_secs(30), || (hook.states(alert) == states).then_some(()));
    assert!(got.is_some(), "wanted {states:?}, got {:#?}", hook.taken());
}

#[test]
fn alerts_are_posted_silenced_and_told_across_a_restart() {
    let hook = Webhook::start();
    let home = Home::new();
    let file = home.write("am.yml", &config(&hook));
    let server = start(&home, &file);
    let silence = json!({
        "matchers": [{ "name": "node", "value": "b", "isRegex": false }],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "me", "comment": "why",
    });
    let answer = ask(server.port, "POST", "/api/v2/silences", Some(&silence));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = serde_json::from_slice::<Value>(&answer.body).unwrap()["silenceID"].clone();
    let id = id.as_str().unwrap().to_owned();
    let alerts = json!([
        { "labels": { "alertname": "A", "node": "a" }, "annotations": { "x": "y" } },
        { "labels": { "alertname": "A", "node": "b" } },
    ]);
    assert_eq!(ask(server.port, "POST", "/api/v2/alerts", Some(&alerts)).status, 200);
    told(&hook, "A", &["firing"]);
    assert_eq!(hook.taken()[0].1["alerts"][0]["labels"]["node"], "a");
    let preview = ask(server.port, "POST", "/api/plimsoll/v1/silences/preview", Some(&silence));
    assert!(
        preview.text().contains("\"node\":\"b\"") && !preview.text().contains("\"node\":\"a\"")
    );

    server.stop();
    let server = start(&home, &file);
    let known = list(server.port, "/api/v2/alerts?active=false");
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["status"]["silencedBy"], json!([id]));
    assert_eq!(ask(server.port, "POST", "/api/v2/alerts", Some(&alerts)).status, 200);
    let path = format!("/api/v2/silence/{id}");
    assert_eq!(ask(server.port, "DELETE", &path, None).status, 200);
    // Both are told now; the first one was not told again before.
    told(&hook, "A", &["firing", "firing", "firing"]);

    home.write("am.yml", "route: {}\n");
    let refused = server.post("/-/reload");
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("the root route needs a receiver"), "{}", refused.text());
    home.write(
        "am.yml",
        &config(&hook).replace("name: hook", "name: two").replace(": hook", ": two"),
    );
    server.process.signal(Signal::HUP);
    let applied = wait_for(Duration::from_secs(20), || {
        (list(server.port, "/api/v2/receivers") == [json!({ "name": "two" })]).then_some(())
    });
    assert!(applied.is_some(), "{}", server.process.log());
    server.stop();
}

#[test]
fn what_is_wrong_is_answered_as_alertmanager_does() {
    let hook = Webhook::start();
    let home = Home::new();
    let server = start(&home, &home.write("am.yml", &config(&hook)));
    let post = |path: &str, text: &str| {
        let kind = [("content-type", "application/json")];
        let answer = Client::new(server.port).post(path, &kind, text.as_bytes()).unwrap();
        format!("{} {}", answer.status, answer.text())
    };
    let alerts = |text: &str| post("/api/v2/alerts", text);
    assert_eq!(alerts("[]"), "200 ");
    assert_eq!(alerts("[{\"labels\":{}}]"), "400 \"at least one label pair required\"");
    let required = r#"422 {"code":602,"message":"0.labels in body is required"}"#;
    assert_eq!(alerts("[{}]"), required);
    let eof = r#"400 {"code":400,"message":"parsing alerts body from \"\" failed, because unexpected EOF"}"#;
    assert_eq!(alerts("{"), eof);
    assert!(alerts("[{\"labels\":{\"a\":1}}]").contains("cannot unmarshal number into Go struct"));
    let silences = |text: &str| post("/api/v2/silences", text);
    let windows = |list: &str| {
        silences(&format!(
            "{{\"matchers\":[{{\"name\":\"a\",\"value\":\"b\",\"isRegex\":false}}],\"createdBy\":\"\",\
             \"comment\":\"\",\"startsAt\":\"2020-01-01T00:00:00Z\",\"endsAt\":\"2100-01-01T00:00:00Z\",\
             \"windows\":{list}}}"
        ))
    };
    assert!(windows("[{\"weekdays\":[\"monday:friday\"]}]").starts_with("200 "));
    let kept = list(server.port, "/api/v2/silences");
    assert_eq!(kept[0]["windows"], json!([{ "weekdays": ["monday:friday"] }]));
    assert!(windows("[{\"weekdays\":[\"x\"]}]").contains("invalid window 0"));
    assert!(windows("[{\"weekday\":[]}]").starts_with("400 "));
    let required = r#"422 {"code":602,"message":"comment in body is required"}"#;
    assert_eq!(silences("{}"), required);
    let get = |path: &str| {
        let answer = ask(server.port, "GET", path, None);
        format!("{} {}", answer.status, answer.text())
    };
    assert_eq!(get("/api/v2/alerts?filter=%7B%7B"), "400 \"bad matcher format: {{\"");
    let uuid = r#"422 {"code":601,"message":"silenceID in path must be of type uuid: \"x\""}"#;
    assert_eq!(get("/api/v2/silence/x"), uuid);
    assert_eq!(get("/api/v2/silence/00000000-0000-0000-0000-000000000000"), "404 ");
    assert_eq!(get("/api/v2/x"), r#"404 {"code":404,"message":"path /api/v2/x was not found"}"#);
    let method = r#"405 {"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}"#;
    let put = ask(server.port, "PUT", "/api/v2/alerts", Some(&json!([])));
    assert_eq!(format!("{} {}", put.status, put.text()), method);
    server.stop();
}

#[test]
fn amtool_drives_silences_and_alerts() {
    if !peer::slow("amtool") {
        return;
    }
    let Some(program) = peer::program("amtool") else { return };
    let hook = Webhook::start();
    let home = Home::new();
    let server = start(&home, &home.write("am.yml", &config(&hook)));
    let amtool = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.arg(format!("--alertmanager.url=http://127.0.0.1:{}", server.port)).args(args);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {text} {output:?}");
        text
    };
    amtool(&["alert", "add", "alertname=A", "node=a", "--annotation=summary=it broke"]);
    told(&hook, "A", &["firing"]);
    assert!(amtool(&["alert", "query", "node=a"]).contains("it broke"));
    let id = amtool(&["silence", "add", "node=a", "-c", "why", "-a", "me", "-d", "1h"]);
    let id = id.trim();
    assert!(!amtool(&["alert", "query"]).contains("it broke"));
    assert!(amtool(&["alert", "query", "-s"]).contains("suppressed"));
    amtool(&["silence", "update", "-d", "2h", "-c", "longer", id]);
    assert!(amtool(&["silence", "query"]).contains("longer"));
    amtool(&["silence", "expire", id]);
    assert!(!amtool(&["silence", "query"]).contains(id));
    assert!(amtool(&["silence", "query", "--expired"]).contains(id));
    assert!(amtool(&["config", "routes", "show"]).contains("receiver: hook"));
    assert_eq!(amtool(&["config", "routes", "test", "a=b"]).trim(), "hook");
    amtool(&["cluster", "show"]);
    server.stop();
}

#[test]
fn a_prometheus_sends_its_alerts_here() {
    if !peer::slow("alerts of a Prometheus") {
        return;
    }
    let Some(program) = peer::program("prometheus") else { return };
    let hook = Webhook::start();
    let home = Home::new();
    let server = start(&home, &home.write("am.yml", &config(&hook)));
    home.write("rules.yml", "groups: [{name: g, rules: [{alert: Theirs, expr: vector(1) > 0}]}]\n");
    let file = home.write(
        "prometheus.yml",
        &format!(
            "global: {{evaluation_interval: 1s, external_labels: {{site: x}}}}\nrule_files: \
             [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: \
             ['127.0.0.1:{}']}}]}}]}}\n",
            server.port
        ),
    );
    let port = free_port();
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", home.path("prometheus").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    // It knows its Alertmanagers a few seconds after it evaluated first.
    command.arg("--rules.alert.resend-delay=1s");
    let prometheus = Process::start(&mut command, &home.path("prometheus.log"));
    told(&hook, "Theirs", &["firing"]);
    let known = list(server.port, "/api/v2/alerts");
    assert_eq!(known[0]["labels"], json!({ "alertname": "Theirs", "site": "x" }));
    assert!(known[0]["generatorURL"].as_str().unwrap().contains("/graph?"), "{known:?}");
    home.write("rules.yml", "groups: [{name: g, rules: [{alert: Theirs, expr: vector(1) > 1}]}]\n");
    prometheus.signal(Signal::HUP);
    told(&hook, "Theirs", &["firing", "resolved"]);
    assert_eq!(prometheus.stop(Duration::from_secs(30)).code(), Some(0));
    server.stop();
}

#[test]
fn own_alerts_reach_an_alertmanager_of_others() {
    if !peer::slow("alerts forwarded") {
        return;
    }
    let Some(program) = peer::program("prometheus-alertmanager") else { return };
    let hook = Webhook::start();
    let home = Home::new();
    let port = free_port();
    let file = home.write("am.yml", &config(&hook));
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display())).arg("--cluster.listen-address=");
    command.arg(format!("--storage.path={}", home.path("am").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let alertmanager = Process::start(&mut command, &home.path("am.log"));
    peer::listens(port);
    home.write("rules.yml", "groups: [{name: g, rules: [{alert: Ours, expr: vector(1) > 0}]}]\n");
    let file = home.write(
        "prometheus.yml",
        &format!(
            "global: {{evaluation_interval: 1s, external_labels: {{site: x, replica: r}}}}\n\
             rule_files: [rules.yml]\nalerting:\n  alert_relabel_configs: [{{regex: replica, action: \
             labeldrop}}]\n  alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
        ),
    );
    let server = home.start(&["--bare", "--prometheus-config", file.to_str().unwrap()]);
    told(&hook, "Ours", &["firing"]);
    let known = list(port, "/api/v2/alerts");
    assert_eq!(known[0]["labels"], json!({ "alertname": "Ours", "site": "x" }), "{known:?}");
    let active = server.data("/api/v1/alertmanagers");
    let url = format!("http://127.0.0.1:{port}/api/v2/alerts");
    assert_eq!(active["activeAlertmanagers"], json!([{ "url": url }]));
    home.write("rules.yml", "groups: []\n");
    assert_eq!(server.post("/-/reload").status, 200);
    told(&hook, "Ours", &["firing", "resolved"]);
    server.stop();
    alertmanager.stop(Duration::from_secs(30));
}
