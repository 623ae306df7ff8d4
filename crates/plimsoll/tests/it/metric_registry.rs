//! The metric registry: thresholds from the configuration, the API and us; the rules and lines that they make.

use serde_json::{Value, json};

use crate::load::now_ms;
use crate::plimsoll::{Home, Plimsoll, escape};
use crate::process::wait_for;
use plimsoll_model::Labels;
use plimsoll_wire::remote_write::Encoder;

const REGISTRY: &str = "/api/plimsoll/v1/metrics/registry";

/// Status and document of a request.
#[track_caller]
fn ask(server: &Plimsoll, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [("content-type", "application/json")];
    let answer = server.client().request(method, path, &headers, &bytes).unwrap();
    let document = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
    (answer.status, document)
}

#[track_caller]
fn entry(server: &Plimsoll, name: &str) -> Value {
    let (status, entry) = ask(server, "GET", &format!("{REGISTRY}/{}", escape(name)), &Value::Null);
    assert_eq!(status, 200, "{entry}");
    entry
}

/// The header of the frame of a panel that shows `expr`.
fn panel(server: &Plimsoll, expr: &str) -> Value {
    let now = now_ms();
    let body =
        json!({"range": {"from": now - 60_000, "to": now}, "queries": [{"id": "a", "expr": expr}]});
    let headers = [("content-type", "application/json")];
    let bytes = body.to_string().into_bytes();
    let answer = server.client().post("/api/plimsoll/v1/panels/query", &headers, &bytes).unwrap();
    let len = u32::from_le_bytes(answer.body[4..8].try_into().unwrap()) as usize;
    serde_json::from_slice(&answer.body[8..8 + len]).unwrap()
}

fn write(server: &Plimsoll, value: f64) {
    let mut encoder = Encoder::new();
    let labels = Labels::new([("__name__", "queue_length"), ("instance", "a")]).unwrap();
    encoder.series(labels.as_ref(), &[now_ms()], &[value]);
    assert_eq!(server.write(&encoder.finish()).status, 204);
}

#[test]
fn thresholds_come_from_three_places_and_make_rules_and_lines() {
    let home = Home::new();
    let config = home.write(
        "p.yml",
        "metrics:\n  queue_length: {warning: 5, critical: 10, owner: ann, for: 0s}\n",
    );
    let args = ["--bare", "--config", config.to_str().unwrap()];
    let mut server = home.start(&args);
    write(&server, 7.0);
    let shipped = entry(&server, "node_load1");
    assert_eq!(shipped["thresholds"]["source"], "default");
    let own = entry(&server, "queue_length");
    assert_eq!(
        (&own["thresholds"]["critical"], &own["thresholds"]["source"]),
        (&json!(10.0), &json!("configuration"))
    );
    assert_eq!(own["used_by"]["rules"][0]["file"], "(metric registry)", "{own}");
    let fires = || {
        let data = server.data("/api/v1/alerts");
        let alerts = data["alerts"].as_array().unwrap().clone();
        (!alerts.is_empty()).then_some(alerts)
    };
    let alerts = wait_for(std::time::Duration::from_secs(30), fires).expect("an alert");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["labels"]["severity"], "warning");
    assert_eq!(alerts[0]["labels"]["owner"], "ann");
    assert_eq!(alerts[0]["annotations"]["threshold_source"], "configuration");
    assert_eq!(
        alerts[0]["annotations"]["summary"],
        "a: queue_length is 7, above the warning threshold 5"
    );
    let lines = panel(&server, "queue_length")["thresholds"].clone();
    assert_eq!(
        (&lines[0]["warning"], &lines[0]["source"]),
        (&json!(5.0), &json!("configuration")),
        "{lines}"
    );
    assert!(panel(&server, "rate(queue_length[1m])").get("thresholds").is_none());

    let path = format!("{REGISTRY}/queue_length");
    let wrong = json!({"thresholds": {"warning": 3, "critical": 1, "direction": "above"}});
    let (status, told) = ask(&server, "PUT", &path, &wrong);
    assert_eq!((status, &told["problems"][0]["key"]), (400, &json!("critical")), "{told}");
    let wish = json!({"thresholds": {"critical": 20}, "author": "bob", "comment": "quieter", "expected_version": 0});
    let (status, done) = ask(&server, "PUT", &path, &wish);
    assert_eq!((status, &done["version"]), (200, &json!(1)), "{done}");
    assert_eq!(ask(&server, "PUT", &path, &wish).0, 409);
    server.process.kill();
    server = home.start(&args);
    let own = entry(&server, "queue_length");
    assert_eq!(
        (&own["thresholds"]["critical"], &own["thresholds"]["warning"]),
        (&json!(20.0), &Value::Null)
    );
    assert_eq!(
        (&own["thresholds"]["source"], &own["author"], &own["owner"]),
        (&json!("api"), &json!("bob"), &json!("ann"))
    );
    let (_, list) = ask(&server, "GET", &format!("{REGISTRY}?match=queue_length"), &Value::Null);
    assert_eq!(list["metrics"].as_array().unwrap().len(), 1, "{list}");
    let data = server.data("/api/v1/rules");
    let group = &data["groups"][0];
    assert_eq!(
        (&group["file"], &group["name"]),
        (&json!("(metric registry)"), &json!("queue_length"))
    );
    assert_eq!(group["rules"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&server, "DELETE", &path, &Value::Null).0, 200);
    assert_eq!(entry(&server, "queue_length")["thresholds"]["source"], "configuration");
    let (_, versions) = ask(&server, "GET", &format!("{path}/versions"), &Value::Null);
    assert_eq!(
        (&versions["versions"][1]["comment"], &versions["versions"][0]["removed"]),
        (&json!("quieter"), &json!(true))
    );
    assert_eq!(ask(&server, "GET", &format!("{REGISTRY}/nothing_at_all"), &Value::Null).0, 404);
    server.stop();
}
