//! Dashboards through the door: made, changed, compared, restored; templates; layouts; short links.

use serde_json::{Value, json};

use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

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

/// An expression with something for each variable.
fn filled(expr: &str) -> String {
    let mut out = expr.replace("$__rate_interval", "1m").replace("$objective", "0.999");
    for name in ["job", "instance", "device", "datname"] {
        out = out.replace(&format!("${name}"), ".*");
    }
    out
}

#[test]
fn templates_show_this_host_and_this_program() {
    let home = Home::new();
    let server = home.start(&[]);
    let shows = || {
        let (_, listed) = ask(&server, "GET", DASHBOARDS, &Value::Null);
        let of =
            |id: &str| listed["dashboards"].as_array()?.iter().find(|d| d["id"] == id).cloned();
        let all = ["system", "resources", "network", "plimsoll"].map(of);
        all.iter().all(|d| d.as_ref().is_some_and(|d| d["missing"] == json!([]))).then_some(())
    };
    wait_for(std::time::Duration::from_secs(60), shows).expect("metrics of the templates");
    let mut exprs = Vec::new();
    for id in ["system", "resources", "network", "plimsoll"] {
        let (_, got) = ask(&server, "GET", &format!("{DASHBOARDS}/{id}"), &Value::Null);
        assert_eq!(got["problems"], json!([]), "{id}");
        let panels = got["dashboard"]["panels"].as_array().unwrap().clone();
        let queries = panels.iter().flat_map(|p| p["queries"].as_array().into_iter().flatten());
        exprs.extend(queries.map(|q| filled(q["expr"].as_str().unwrap())));
    }
    assert!(exprs.len() > 90, "{}", exprs.len());
    let silent =
        || exprs.iter().filter(|e| server.query(e).is_empty()).cloned().collect::<Vec<_>>();
    // Rates want two samples. A host may have no swap, no disk that works at this moment, no second device.
    let few = || (silent().len() <= 8).then_some(());
    wait_for(std::time::Duration::from_secs(60), few).unwrap_or_else(|| panic!("{:#?}", silent()));
    let (_, listed) = ask(&server, "GET", DASHBOARDS, &Value::Null);
    let database =
        listed["dashboards"].as_array().unwrap().iter().find(|d| d["id"] == "database").unwrap();
    assert_eq!(database["available"], false);
    let (_, got) = ask(&server, "GET", &format!("{DASHBOARDS}/network"), &Value::Null);
    let wish = json!({"variables": got["dashboard"]["variables"], "values": {"device": ["lo"]}});
    let (status, made) = ask(&server, "POST", &format!("{DASHBOARDS}/variables"), &wish);
    assert_eq!(status, 200, "{made}");
    let of = |name: &str| {
        made["variables"].as_array().unwrap().iter().find(|v| v["name"] == name).unwrap()
    };
    assert_eq!(
        (&of("job")["current"], &of("device")["current"]),
        (&json!(["$__all"]), &json!(["lo"]))
    );
    assert!(!of("instance")["options"].as_array().unwrap().is_empty(), "{made}");
    let asked = json!({"from": 0, "variables": [
        {"name": "m", "kind": "query", "query": "metrics(node_load)"}, {"name": "n", "kind": "query", "query": "label_names(node_load1)"},
        {"name": "q", "kind": "query", "query": "query_result(count(up))"}, {"name": "s", "kind": "query", "query": "node_load1"},
        {"name": "bad", "kind": "query", "query": "label_values(sum(x), y)"},
    ]});
    let (_, made) = ask(&server, "POST", &format!("{DASHBOARDS}/variables"), &asked);
    let first = |i: usize| {
        made["variables"][i]["options"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!((first(0).as_str(), first(1).as_str()), ("node_load1", "__name__"));
    assert!(first(2).starts_with("{} ") && first(3).starts_with("node_load1{instance="), "{made}");
    assert!(made["variables"][4]["error"].is_string());
}

#[test]
fn a_dashboard_of_grafana_is_imported_kept_and_written_back() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/grafana");
    let text = std::fs::read_to_string(format!("{fixtures}/host.json")).unwrap();
    let grafana: Value = serde_json::from_str(&text).unwrap();
    let at = format!("{DASHBOARDS}/import");
    let (status, looked) = ask(&server, "POST", &at, &json!({"grafana": grafana}));
    assert_eq!((status, &looked["saved"]), (200, &Value::Null), "{looked}");
    assert_eq!(
        (&looked["report"]["unsupported"], &looked["report"]["exact"]),
        (&json!(0), &json!(7))
    );
    let wish = json!({"grafana": grafana, "id": "yard", "folder": "Imported", "save": true, "author": "ann"});
    let (status, kept) = ask(&server, "POST", &at, &wish);
    assert_eq!((status, &kept["saved"]), (200, &json!({"id": "yard", "version": 1})), "{kept}");
    let (_, got) = ask(&server, "GET", &format!("{DASHBOARDS}/yard"), &Value::Null);
    assert_eq!((&got["author"], &got["dashboard"]["folder"]), (&json!("ann"), &json!("Imported")));
    let (_, back) = ask(&server, "GET", &format!("{DASHBOARDS}/yard?format=grafana"), &Value::Null);
    assert_eq!(back["title"], "Hosts of the yard");
    assert_eq!(back["panels"].as_array().unwrap().len(), 8);
    let (status, refused) = ask(&server, "POST", &at, &json!({"grafana": {"a": 1}}));
    assert_eq!(status, 400, "{refused}");
}

#[test]
fn dashboards_come_from_files_and_are_read_again() {
    let home = Home::new();
    home.write("boards/mine.yaml", "title: Mine\npanels: []\n");
    let config = home.write("p.yml", "dashboards:\n  files: [boards/*.yaml]\n");
    let server = home.start(&["--bare", "--config", config.to_str().unwrap()]);
    let mine = || ask(&server, "GET", &format!("{DASHBOARDS}/mine"), &Value::Null).1;
    let first = mine();
    assert_eq!((&first["source"], &first["editable"]), (&json!("file"), &json!(false)), "{first}");
    home.write("boards/mine.yaml", "title: Changed\npanels: []\n");
    assert_eq!(server.post("/-/reload").status, 200);
    assert_eq!(mine()["dashboard"]["title"], "Changed");
    home.write("boards/mine.yaml", "title: Wrong\npannels: []\n");
    assert_ne!(server.post("/-/reload").status, 200);
    assert_eq!(mine()["dashboard"]["title"], "Changed");
    let put = json!({"dashboard": {"title": "By hand", "panels": []}, "version": 0});
    assert_eq!(ask(&server, "PUT", &format!("{DASHBOARDS}/mine"), &put).0, 200);
    assert_eq!(mine()["source"], "api");
    assert_eq!(ask(&server, "DELETE", &format!("{DASHBOARDS}/mine"), &Value::Null).0, 200);
    assert_eq!(mine()["source"], "file");
}
