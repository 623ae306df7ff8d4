//! A dashboard as a report, its panels as pictures: with the numbers that the browser is told.

use serde_json::{Value, json};

use crate::dashboards::{DASHBOARDS, ask};
use crate::load::{body, now_ms};
use crate::plimsoll::{Home, Plimsoll};

const STEP: i64 = 15_000;

/// Load of three hosts over an hour, and a counter.
fn history(server: &Plimsoll) -> i64 {
    let now = now_ms() / 60_000 * 60_000;
    let times: Vec<i64> = (0..=240).map(|i| now - (240 - i) * STEP).collect();
    for (k, host) in ["a.example.org", "b", "c"].iter().enumerate() {
        let load = |i: usize| 0.4 + 0.1 * k as f64 + 0.3 * (i as f64 / 9.0).sin();
        let values: Vec<f64> = (0..times.len()).map(load).collect();
        let pairs = [("__name__", "load_ratio"), ("instance", *host), ("job", "node")];
        assert!(server.write(&body(&pairs, &times, &values)).status < 300);
        let values: Vec<f64> = (0..times.len()).map(|i| (i * (k + 1)) as f64 * 3.0).collect();
        let pairs = [("__name__", "done_total"), ("instance", *host), ("job", "node")];
        assert!(server.write(&body(&pairs, &times, &values)).status < 300);
    }
    now
}

fn board() -> Value {
    let at = |x: u32, y: u32, w: u32, h: u32| json!({"x": x, "y": y, "w": w, "h": h});
    json!({
        "id": "shop", "title": "The shop of $host", "time": {"from": "now-30m", "to": "now"},
        "variables": [
            {"name": "host", "kind": "query", "query": "label_values(load_ratio, instance)", "multi": true, "include_all": true, "current": ["$__all"], "sort": "text"},
            {"name": "filter", "kind": "adhoc"},
        ],
        "panels": [
            {"id": 1, "kind": "stat", "title": "Greatest load", "at": at(0, 0, 4, 4), "unit": "ratio",
             "queries": [{"ref": "A", "expr": "max(load_ratio{instance=~\"$host\"})"}]},
            {"id": 2, "kind": "stat", "title": "Hosts", "at": at(4, 0, 4, 4), "queries": [{"ref": "A", "expr": "count(load_ratio{instance=~\"$host\"})", "kind": "instant"}]},
            {"id": 3, "kind": "timeseries", "title": "Done", "at": at(0, 4, 12, 8), "unit": "ops/s",
             "queries": [{"ref": "A", "expr": "sum by (instance) (rate(done_total{instance=~\"$host\"}[$__rate_interval]))", "legend": "{{instance}}"}]},
            {"id": 4, "kind": "text", "title": "Words", "at": at(12, 4, 12, 8), "text": "About **$host**."},
            {"id": 5, "kind": "row", "title": "Each host", "at": at(0, 12, 24, 1), "collapsed": true},
            {"id": 6, "kind": "gauge", "title": "Load of $host", "at": at(0, 13, 8, 6), "unit": "ratio", "repeat": {"by": "host"},
             "queries": [{"ref": "A", "expr": "load_ratio{instance=~\"$host\"}", "kind": "instant", "legend": "{{instance}}"}]},
            {"id": 7, "kind": "row", "title": "More", "at": at(0, 19, 24, 1)},
            {"id": 8, "kind": "table", "title": "All", "at": at(0, 20, 24, 6), "unit": "ratio",
             "queries": [{"ref": "A", "expr": "load_ratio{instance=~\"$host\"}", "kind": "instant"}],
             "transforms": [{"kind": "organize", "options": {"excludeByName": {"__name__": true, "job": true}, "renameByName": {"Value": "Load"}}}]},
            {"id": 9, "kind": "alerts", "title": "Alerts", "at": at(0, 26, 24, 4)},
            {"id": 10, "kind": "stat", "title": "Wrong", "at": at(0, 30, 8, 4), "queries": [{"ref": "A", "expr": "sum("}]},
        ],
    })
}

fn started() -> (Home, Plimsoll, i64) {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = history(&server);
    let (status, made) = ask(&server, "POST", DASHBOARDS, &json!({"dashboard": board()}));
    assert_eq!(status, 201, "{made}");
    (home, server, now)
}

fn document(server: &Plimsoll, query: &str) -> Value {
    let (status, doc) =
        ask(server, "GET", &format!("{DASHBOARDS}/shop/render?format=json&{query}"), &Value::Null);
    assert_eq!(status, 200, "{doc}");
    doc
}

/// All blocks of a document with the heading that they stand under.
fn blocks(doc: &Value) -> Vec<(&str, &Value)> {
    let of = |part: &'_ Value| part["blocks"].as_array().unwrap().len();
    let parts = doc["sections"].as_array().unwrap();
    assert!(parts.iter().map(of).sum::<usize>() > 0, "{doc}");
    let blocks = parts.iter().flat_map(|part| {
        let title = part["title"].as_str().unwrap();
        part["blocks"].as_array().unwrap().iter().map(move |block| (title, block))
    });
    blocks.collect()
}

fn titled<'d>(doc: &'d Value, title: &str) -> &'d Value {
    let found = blocks(doc).into_iter().find(|(_, block)| block["title"] == title);
    found.unwrap_or_else(|| panic!("no {title}: {doc}")).1
}

/// What the browser is told of a query: statistics of its series by their labels.
fn on_screen(server: &Plimsoll, query: &Value, from: i64, to: i64) -> Vec<(Value, Value)> {
    let asked = json!({"range": {"from": from, "to": to}, "width_px": 600, "queries": [query]});
    let headers = [("content-type", "application/json")];
    let bytes = asked.to_string().into_bytes();
    let answer = server.client().post("/api/plimsoll/v1/panels/query", &headers, &bytes).unwrap();
    let len = u32::from_le_bytes(answer.body[4..8].try_into().unwrap()) as usize;
    let head: Value = serde_json::from_slice(&answer.body[8..8 + len]).unwrap();
    let all = head["series"].as_array().unwrap().iter();
    all.map(|s| (s["labels"].clone(), s["stats"]["last"].clone())).collect()
}

#[test]
fn a_dashboard_is_a_report_with_the_numbers_of_the_screen() {
    let (_home, server, now) = started();
    let from = now - 3_600_000;
    let doc = document(&server, &format!("from={from}&to={now}&var-host=b&var-host=c"));
    assert_eq!((&doc["title"], &doc["id"]), (&json!("The shop of b + c"), &json!("shop")));
    assert_eq!((&doc["from"], &doc["to"]), (&json!(from), &json!(now)));
    let headings: Vec<(&str, &str)> = blocks(&doc)
        .into_iter()
        .map(|(heading, block)| (heading, block["title"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        headings,
        [
            ("", "Greatest load"),
            ("", "Hosts"),
            ("", "Done"),
            ("", ""),
            ("Each host", "Load of b"),
            ("Each host", "Load of c"),
            ("More", "All"),
            ("More", ""),
            ("More", "Wrong"),
            ("More", ""),
        ],
        "{doc}"
    );
    let greatest = json!({"id": "a", "expr": "max(load_ratio{instance=~\"(b|c)\"})", "max_series": 100, "step_ms": 10_000});
    let [(_, value)] = &on_screen(&server, &greatest, from, now)[..] else { panic!("one series") };
    assert_eq!(titled(&doc, "Greatest load")["series"][0]["last"]["value"], *value);
    assert_eq!(titled(&doc, "Hosts")["series"][0]["last"]["text"], "2");
    // Half of the screen's width, 600 px: an hour has steps of 5 s.
    let done = json!({"id": "a", "expr": "sum by (instance) (rate(done_total{instance=~\"(b|c)\"}[1m]))", "max_series": 100, "step_ms": 5_000});
    let told = on_screen(&server, &done, from, now);
    let series = titled(&doc, "Done")["series"].as_array().unwrap();
    assert_eq!((told.len(), series.len()), (2, 2), "{doc}");
    for ((labels, value), drawn) in told.iter().zip(series) {
        assert_eq!((&drawn["name"], &drawn["last"]["value"]), (&labels["instance"], value));
        assert!(drawn["points"].as_array().unwrap().len() > 600, "{drawn}");
    }
    let table = titled(&doc, "All");
    assert_eq!(table["columns"], json!(["instance", "Load"]));
    let load = json!({"id": "a", "expr": "load_ratio{instance=~\"(b|c)\"}", "kind": "instant"});
    let mut rows: Vec<(String, Value)> = table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r[0]["text"].as_str().unwrap().to_owned(), r[1]["value"].clone()))
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut told: Vec<(String, Value)> = on_screen(&server, &load, from, now)
        .into_iter()
        .map(|(labels, value)| (labels["instance"].as_str().unwrap().to_owned(), value))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(rows, told);
    let texts: Vec<&str> =
        blocks(&doc).iter().filter_map(|(_, block)| block["text"].as_str()).collect();
    let has = |part: &str| assert!(texts.iter().any(|t| t.contains(part)), "{part}: {texts:?}");
    has("About **b + c**.");
    has("There are none.");
    has("unclosed left parenthesis");
    let filtered = document(&server, "var-filter=instance%3D%22c%22");
    assert_eq!(titled(&filtered, "Hosts")["series"][0]["last"]["text"], "1", "{filtered}");
    for (format, begin) in [
        ("pdf", "%PDF-"),
        ("png", "\u{fffd}PNG"),
        ("html", "<!doctype html>"),
        ("csv", "section,block"),
        ("md", "# The shop of All"),
    ] {
        let answer = server.get(&format!("{DASHBOARDS}/shop/render?format={format}"));
        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        assert!(String::from_utf8_lossy(&answer.body).starts_with(begin), "{format}");
    }
    server.stop();
}

#[test]
fn a_panel_is_a_picture_of_the_size_and_theme_that_is_asked_for() {
    let (_home, server, now) = started();
    let at = |rest: &str| format!("{DASHBOARDS}/shop/panels/{rest}");
    let svg =
        server.get(&at(&format!("3.svg?width=500&height=300&theme=dark&to={now}&var-host=b")));
    let text = svg.text();
    assert_eq!(svg.status, 200, "{text}");
    assert!(text.contains("width=\"500\" height=\"300\"") && text.contains("#121a21"), "{text}");
    assert!(text.contains("<title>Done</title>") && text.contains(">b  0.4/s<"), "{text}");
    let copy = server.get(&at("6~c.svg")).text();
    assert!(copy.contains("<title>Load of c</title>") && copy.contains("width=\"400\""), "{copy}");
    assert!(server.get(&at("6.svg")).text().contains("<title>Load of a.example.org</title>"));
    assert!(server.get(&at("10.svg")).text().contains("parse error"), "why there is nothing");
    assert!(server.get(&at("9.svg")).text().contains("there are none"));
    let png = server.get(&at("3.png?width=500&height=300"));
    assert!(png.body.starts_with(b"\x89PNG"), "{}", png.text());
    let side = |at: usize| u32::from_be_bytes(png.body[at..at + 4].try_into().unwrap());
    assert_eq!((side(16), side(20)), (1_000, 600));
    server.stop();
}

#[test]
fn what_is_wrong_is_told_with_field_value_and_remedy() {
    let (_home, server, _) = started();
    for (path, status, parts) in [
        ("nothing/render", 404, &["nothing"][..]),
        ("shop/render?format=doc", 400, &["\"format\"", "\"doc\"", "pdf"]),
        ("shop/render?tz=Nowhere", 400, &["\"tz\"", "Nowhere", "Europe/Berlin"]),
        ("shop/render?from=yesterday", 400, &["\"from\"", "yesterday", "now-6h"]),
        ("shop/render?from=now-1h&to=now-2h", 400, &["\"from\"", "a minute or more"]),
        ("shop/render?var-hosts=b", 400, &["var-hosts", "it has host, filter"]),
        ("shop/render?fromm=now-1h", 400, &["\"fromm\"", "var-NAME"]),
        ("shop/panels/3", 404, &["\"3\"", ".svg"]),
        ("shop/panels/3.gif", 404, &["\"3.gif\"", ".png"]),
        ("shop/panels/99.svg", 404, &["\"99\"", "it has 1, 2, 3"]),
        ("shop/panels/5.svg", 400, &["\"5\"", "is a row"]),
        ("shop/panels/6~x.svg", 404, &["\"6~x\""]),
        ("shop/panels/3.svg?width=79", 400, &["\"width\"", "\"79\"", "80 to 4000"]),
        ("shop/panels/3.svg?height=4001", 400, &["\"height\"", "\"4001\""]),
        ("shop/panels/3.png?width=4000&height=4000", 400, &["\"width\"", "4000000", ".svg"]),
        ("shop/panels/3.svg?theme=blue", 400, &["\"theme\"", "\"blue\"", "light or dark"]),
    ] {
        let (found, answer) = ask(&server, "GET", &format!("{DASHBOARDS}/{path}"), &Value::Null);
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(found, status, "{path}: {answer}");
        parts.iter().for_each(|part| assert!(error.contains(part), "{path}: {part}: {error}"));
    }
    server.stop();
}

#[test]
fn a_report_has_dashboards_and_their_panels_as_sections() {
    let (_home, server, now) = started();
    let report = json!({
        "id": "both", "title": "Both", "period": "1h", "sections": [
            {"kind": "text", "text": "First."},
            {"kind": "dashboard", "dashboard": "shop", "variables": {"host": ["b", "c"]}},
            {"kind": "panel", "dashboard": "shop", "panel": 2, "variables": {"host": "b"}, "title": "One"},
            {"kind": "dashboard", "dashboard": "nothing"},
            {"kind": "panel", "dashboard": "shop", "panel": 77},
        ],
    });
    let body = json!({"report": report, "format": "json", "to": now / 1000});
    let (status, doc) = ask(&server, "POST", "/api/plimsoll/v1/reports/render", &body);
    assert_eq!(status, 200, "{doc}");
    let found: Vec<(&str, bool, usize)> = doc["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            let blocks = s["blocks"].as_array().unwrap().len();
            (s["title"].as_str().unwrap(), s["within"] == true, blocks)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("", false, 1),
            ("The shop of b + c", false, 4),
            ("Each host", true, 2),
            ("More", true, 4),
            ("One", false, 1),
            ("Dashboard", false, 1),
            ("Panel", false, 1),
        ]
    );
    assert_eq!(doc["sections"][4]["blocks"][0]["series"][0]["last"]["text"], "1");
    let missing = |i: usize| doc["sections"][i]["blocks"][0]["text"].as_str().unwrap().to_owned();
    assert!(missing(5).contains("\"nothing\""), "{}", missing(5));
    assert!(missing(6).contains("no panel 77 in dashboard \"shop\""), "{}", missing(6));
    let wrong = json!({"report": {"id": "x", "title": "x", "sections": [
        {"kind": "dashboard", "dashboard": "shop", "variables": {"host": {"a": 1}}}]}});
    let (status, answer) = ask(&server, "POST", "/api/plimsoll/v1/reports", &wrong);
    let error = answer["error"].as_str().unwrap();
    assert!(
        status == 400 && error.contains("sections[0].variables") && error.contains("host"),
        "{error}"
    );
    server.stop();
}
