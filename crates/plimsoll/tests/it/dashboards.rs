//! Dashboards through the door: made, changed, compared, restored; templates; layouts; short links.

use serde_json::{Value, json};

use crate::plimsoll::{Home, Plimsoll};

pub const DASHBOARDS: &str = "/api/plimsoll/v1/dashboards";

/// Status and document of a request.
#[track_caller]
pub fn ask(server: &Plimsoll, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [("content-type", "application/json")];
    let answer = server.client().request(method, path, &headers, &bytes).unwrap();
    let document = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
    (answer.status, document)
}

fn board(title: &str) -> Value {
    json!({"title": title, "panels": [
        {"id": 1, "kind": "stat", "title": "up", "at": {"x": 0, "y": 0, "w": 6, "h": 4},
         "queries": [{"expr": "sum(up{job=~\"$job\"})"}]},
    ], "variables": [{"name": "job", "kind": "query", "query": "label_values(up, job)", "multi": true}]})
}

#[test]
fn a_dashboard_has_versions_that_are_compared_and_restored() {
    let home = Home::new();
    let mut server = home.start(&["--bare"]);
    let at = |rest: &str| format!("{DASHBOARDS}{rest}");
    let (status, made) =
        ask(&server, "POST", DASHBOARDS, &json!({"dashboard": board("My board"), "author": "ann"}));
    assert_eq!((status, &made), (201, &json!({"id": "my-board", "version": 1})));
    let (_, second) = ask(&server, "POST", DASHBOARDS, &json!({"dashboard": board("My board")}));
    assert_eq!(second["id"], "my-board-2");
    let (status, put) = ask(
        &server,
        "PUT",
        &at("/my-board"),
        &json!({
            "yaml": "title: Other\npanels: []\n", "version": 1, "author": "bob", "note": "emptied",
        }),
    );
    assert_eq!((status, &put["version"]), (200, &json!(2)), "{put}");
    let (status, late) =
        ask(&server, "PUT", &at("/my-board"), &json!({"dashboard": board("late"), "version": 1}));
    assert_eq!((status, &late["current"]), (409, &json!(2)), "{late}");
    let (_, versions) = ask(&server, "GET", &at("/my-board/versions"), &Value::Null);
    assert_eq!(versions["versions"][0]["author"], "bob");
    assert_eq!(versions["versions"][1]["panels"], 1);
    let (_, diff) = ask(&server, "GET", &at("/my-board/diff?from=1&to=2"), &Value::Null);
    assert!(diff["diff"].as_str().unwrap().contains("-title: My board\n+title: Other\n"), "{diff}");
    let (status, again) = ask(&server, "POST", &at("/my-board/restore"), &json!({"version": 1}));
    assert_eq!((status, &again["version"]), (200, &json!(3)));
    server.stop();
    server = home.start(&["--bare"]);
    let (_, got) = ask(&server, "GET", &at("/my-board"), &Value::Null);
    assert_eq!(got["dashboard"]["title"], "My board");
    assert_eq!((&got["version"], &got["editable"]), (&json!(3), &json!(true)));
    assert_eq!(got["dashboard"]["panels"][0]["queries"][0]["ref"], "A");
    let yaml = server.client().get(&at("/my-board?format=yaml")).unwrap();
    assert!(yaml.text().starts_with("id: my-board\ntitle: My board\n"), "{}", yaml.text());
    let (_, checked) = ask(&server, "POST", &at("/check"), &json!({"yaml": yaml.text()}));
    assert_eq!((&checked["ok"], &checked["problems"]), (&json!(true), &json!([])));
    let (status, _) = ask(&server, "DELETE", &at("/my-board?version=2"), &Value::Null);
    assert_eq!(status, 409);
    let (status, _) = ask(&server, "DELETE", &at("/my-board?version=3&author=ann"), &Value::Null);
    assert_eq!(status, 200);
    let (status, _) = ask(&server, "GET", &at("/my-board"), &Value::Null);
    assert_eq!(status, 404);
    let (_, listed) = ask(&server, "GET", DASHBOARDS, &Value::Null);
    let of =
        |id: &str| listed["dashboards"].as_array().unwrap().iter().find(|d| d["id"] == id).cloned();
    assert!(of("my-board").is_none() && of("my-board-2").is_some());
    assert_eq!(of("system").unwrap()["source"], "template");
    assert!(
        server
            .client()
            .get("/metrics")
            .unwrap()
            .text()
            .contains("plimsoll_dashboards{source=\"api\"} 1\n")
    );
}

#[test]
fn what_is_wrong_is_told_with_place_and_remedy() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let wrong = json!({"dashboard": {"title": "x", "pannels": [], "panels": [
        {"id": 1, "kind": "graph", "at": {"x": 20, "y": 0, "w": 8, "h": 4}},
    ]}});
    let (status, answer) = ask(&server, "POST", DASHBOARDS, &wrong);
    assert_eq!(status, 400);
    let problems = answer["problems"].as_array().unwrap();
    let of = |path: &str| {
        problems.iter().find(|p| p["path"] == path).unwrap_or_else(|| panic!("{path}: {answer}"))
    };
    assert_eq!(of("pannels")["remedy"], "did you mean panels?");
    assert!(of("panels[0].kind")["remedy"].as_str().unwrap().contains("timeseries"));
    let (status, _) = ask(&server, "POST", DASHBOARDS, &json!({"yaml": "a: ["}));
    assert_eq!(status, 400);
    let (status, answer) =
        ask(&server, "POST", &format!("{DASHBOARDS}/check"), &json!({"yaml": "a: ["}));
    assert_eq!((status, &answer["ok"]), (200, &json!(false)));
    let large =
        json!({"dashboard": {"title": "x", "panels": [], "description": "x".repeat(1 << 20)}});
    let (status, answer) = ask(&server, "POST", DASHBOARDS, &large);
    assert_eq!(status, 400, "{answer}");
    let (status, _) = ask(&server, "GET", &format!("{DASHBOARDS}/no-such"), &Value::Null);
    assert_eq!(status, 404);
}

#[test]
fn a_person_lays_a_dashboard_out_and_shortens_links() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let at = format!("{DASHBOARDS}/system/layouts/ann");
    let layout = json!({"layout": [{"id": 1, "at": {"x": 0, "y": 0, "w": 24, "h": 4}}], "variables": {"job": ["a"]}});
    assert_eq!(ask(&server, "PUT", &at, &layout).0, 200);
    assert_eq!(ask(&server, "GET", &at, &Value::Null).1, layout);
    assert_eq!(ask(&server, "DELETE", &at, &Value::Null).0, 200);
    assert_eq!(ask(&server, "GET", &at, &Value::Null).1, json!({"layout": []}));
    let link = json!({"url": "/dashboards/system?from=now-6h&v.job=a"});
    let (status, made) = ask(&server, "POST", "/api/plimsoll/v1/links", &link);
    assert_eq!(status, 201, "{made}");
    assert_eq!(ask(&server, "POST", "/api/plimsoll/v1/links", &link).1, made);
    let path = format!("/api/plimsoll/v1/links/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&server, "GET", &path, &Value::Null).1, link);
    let away = json!({"url": "https://elsewhere.example/"});
    assert_eq!(ask(&server, "POST", "/api/plimsoll/v1/links", &away).0, 400);
}
