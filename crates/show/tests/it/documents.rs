//! Documents of all kinds are read or refused with a place; bounds hold.

use plimsoll_query::Features;
use plimsoll_show::dashboard::{
    Level, PANELS_MAX, VARIABLES_MAX, check_value, fuzz_dashboard, templates, to_yaml,
};
use serde_json::{Value, json};

fn problems(value: &Value) -> Vec<(Level, String)> {
    let all = check_value(value, &Features::default()).problems;
    all.into_iter().map(|p| (p.level, format!("{}: {}", p.path, p.text))).collect()
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let panel = |id: u64| json!({"id": id, "kind": "stat", "at": {"x": 0, "y": 0, "w": 6, "h": 4}, "queries": [{"expr": "x"}]});
    let doc = json!({
        "title": "t", "refresh": "5 s", "time": {"from": "now-6q", "to": "now"},
        "variables": [
            {"name": "a b", "kind": "text"}, {"name": "v", "kind": "query", "query": "label_values(x{y=\"$w\"}, z)"},
            {"name": "w", "kind": "query", "query": "label_values(x{y=\"$w\"}, z)"}, {"name": "i", "kind": "interval", "query": "1m,soon"},
        ],
        "panels": [
            panel(1), panel(1),
            {"id": 2, "kind": "timeseries", "at": {"x": 20, "y": 0, "w": 6, "h": 4}, "queries": [{"ref": "A", "expr": "sum("}, {"ref": "A", "expr": "y"}],
             "thresholds": [{"at": 5}, {"at": 1}], "min": 3, "max": 1, "repeat": {"by": "nobody"}, "match": "x", "links": [{"url": "javascript:x"}]},
        ],
    });
    let found = problems(&doc);
    let has = |level: Level, part: &str| {
        assert!(
            found.iter().any(|(l, t)| *l == level && t.starts_with(part)),
            "{part}: {found:#?}"
        );
    };
    use Level::{Error, Warning};
    has(Error, "refresh: is not understood");
    has(Error, "time.from: is no time");
    has(Error, "variables[0].name: cannot stand");
    has(Warning, "variables[1].query: depends on $w");
    has(Error, "variables[2].query: depends on itself");
    has(Warning, "variables[3].query: is no duration");
    has(Error, "panels[1].id: two panels");
    has(Error, "panels[2].at: ends at column 26");
    has(Warning, "panels[2].queries[0].expr: cannot be read");
    has(Error, "panels[2].queries[1].ref: occurs twice");
    has(Error, "panels[2].thresholds: do not rise");
    has(Error, "panels[2].max: is below min");
    has(Warning, "panels[2].repeat.by: no variable");
    has(Error, "panels[2].match: is no label filter");
    has(Error, "panels[2].links[0].url: leads nowhere safe");
}

#[test]
fn bounds_are_named() {
    let many = |key: &str, n: usize| {
        let mut doc = json!({"title": "t", "panels": []});
        doc[key] = Value::Array(vec![json!({}); n]);
        problems(&doc)
    };
    let said = format!("panels: {} entries; at most {PANELS_MAX}", PANELS_MAX + 1);
    assert!(many("panels", PANELS_MAX + 1).iter().any(|(_, t)| *t == said));
    let said = format!("variables: {} entries; at most {VARIABLES_MAX}", VARIABLES_MAX + 1);
    assert!(many("variables", VARIABLES_MAX + 1).iter().any(|(_, t)| *t == said));
    let large = json!({"title": "t", "panels": [], "extra": {"x": "y".repeat(1 << 20)}});
    assert!(problems(&large)[0].1.contains("at most 1048576"));
    assert!(many("panels", 400).len() <= 100, "problems are bounded");
}

#[test]
fn bytes_of_all_kinds_are_read_or_refused() {
    let good: Vec<Vec<u8>> =
        templates().iter().map(|t| to_yaml(&t.dashboard).into_bytes()).collect();
    crate::mutate::run(&good, 400, fuzz_dashboard);
    let json = |t: &plimsoll_show::dashboard::Template| serde_json::to_vec(&t.dashboard).unwrap();
    let good: Vec<Vec<u8>> = templates().iter().map(json).collect();
    crate::mutate::run(&good, 800, fuzz_dashboard);
}
