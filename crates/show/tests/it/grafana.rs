//! Dashboards of Grafana's, our own of every kind: what becomes of them, and the way back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use plimsoll_query::Features;
use plimsoll_show::dashboard::{PanelKind, check, from_yaml, parsed, to_yaml};
use plimsoll_show::grafana::{Imported, Outcome, export, import};
use serde_json::{Value, json};

fn fixtures() -> BTreeMap<String, Value> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/grafana");
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            all.insert(name, serde_json::from_str(&text).unwrap());
        }
    }
    assert!(all.len() >= 25, "{}", all.len());
    all
}

fn imported(value: &Value) -> Imported {
    import(value, &Features::default()).unwrap()
}

#[test]
fn what_becomes_of_every_panel_is_told() {
    let mut told = String::new();
    let (mut works, mut all) = (0, 0);
    for (name, value) in fixtures() {
        let Imported { dashboard, report } = imported(&value);
        let _ = writeln!(
            told,
            "{name}: {} exact, {} approximate, {} unsupported",
            report.count(Outcome::Exact),
            report.count(Outcome::Approximate),
            report.count(Outcome::Unsupported)
        );
        for note in &report.notes {
            let _ = writeln!(told, "  {note}");
        }
        for v in report.variables.iter().filter(|v| !v.notes.is_empty()) {
            let _ = writeln!(told, "  ${} {}: {}", v.name, v.outcome.as_str(), v.notes.join("; "));
        }
        for p in &report.panels {
            let made = dashboard.panels.iter().find(|d| d.id == p.id).unwrap();
            let _ = writeln!(
                told,
                "  {} {:?} {} -> {:?} {}{}",
                p.id,
                p.title,
                p.kind,
                made.kind,
                p.outcome.as_str(),
                p.notes.iter().map(|n| format!("; {n}")).collect::<String>()
            );
            if !["foreign", "mixed", "odd"].contains(&name.as_str()) {
                all += 1;
                works += usize::from(p.outcome != Outcome::Unsupported);
            }
        }
    }
    assert!(works * 100 >= all * 97, "{works} of {all}");
    expect_file!["../../../../fixtures/grafana/report.txt"].assert_eq(&told);
}

#[test]
fn what_is_imported_is_a_dashboard_and_each_expression_is_read() {
    for (name, value) in fixtures() {
        let Imported { dashboard, report } = imported(&value);
        let checked = check(dashboard.clone(), &Features::default());
        assert!(checked.dashboard.is_some(), "{name}: {:?}", checked.problems);
        for p in &dashboard.panels {
            let told = report.panels.iter().find(|r| r.id == p.id);
            for q in &p.queries {
                let read = parsed(&dashboard, &q.expr, &Features::default());
                let noted =
                    told.is_some_and(|r| r.notes.iter().any(|n| n.contains("cannot be read")));
                assert!(read.is_ok() || noted, "{name} panel {}: {}: {read:?}", p.id, q.expr);
            }
            assert!(
                p.kind != PanelKind::Unsupported || p.grafana.is_some(),
                "{name} panel {}",
                p.id
            );
        }
        let again = check_yaml(&to_yaml(checked.dashboard.as_ref().unwrap()));
        assert_eq!(Some(&again), checked.dashboard.as_ref(), "{name}");
    }
}

fn check_yaml(yaml: &str) -> plimsoll_show::dashboard::Dashboard {
    let value = from_yaml(yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
    let checked = plimsoll_show::dashboard::check_value(&value, &Features::default());
    checked.dashboard.unwrap_or_else(|| panic!("{:?}", checked.problems))
}

#[test]
fn the_way_back_and_here_again_loses_nothing_that_is_shown() {
    for (name, value) in fixtures() {
        let there = imported(&value).dashboard;
        let back = imported(&export(&there)).dashboard;
        assert_eq!(there.variables.len(), back.variables.len(), "{name}");
        for (a, b) in there.variables.iter().zip(&back.variables) {
            assert_eq!(
                (&a.name, a.kind, &a.query, &a.regex),
                (&b.name, b.kind, &b.query, &b.regex),
                "{name}"
            );
        }
        assert_eq!(there.panels.len(), back.panels.len(), "{name}");
        for (a, b) in there.panels.iter().zip(&back.panels) {
            assert_eq!((a.id, a.kind, &a.title, a.at), (b.id, b.kind, &b.title, b.at), "{name}");
            let asked = |p: &plimsoll_show::dashboard::Panel| {
                p.queries
                    .iter()
                    .map(|q| (q.letter.clone(), q.expr.clone(), q.legend.clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(asked(a), asked(b), "{name} panel {}", a.id);
            assert_eq!(
                (&a.unit, &a.repeat, &a.time),
                (&b.unit, &b.repeat, &b.time),
                "{name} panel {}",
                a.id
            );
        }
    }
}

#[test]
fn unknown_keys_are_there_on_the_way_back() {
    let all = fixtures();
    let back = export(&imported(&all["graph-axes"]).dashboard);
    assert_eq!(back["graphTooltip"], 1);
    assert_eq!(back["panels"][0]["tooltip"]["value_type"], "individual");
    let foreign = export(&imported(&all["foreign"]).dashboard);
    let spiral = foreign["panels"].as_array().unwrap().iter().find(|p| p["id"] == 5).unwrap();
    assert_eq!(
        (&spiral["type"], &spiral["options"]["turns"]),
        (&json!("acme-spiral-panel"), &json!(3))
    );
    let news = foreign["panels"].as_array().unwrap().iter().find(|p| p["id"] == 8).unwrap();
    assert_eq!(news["options"]["feedUrl"], "https://x.example");
}

#[test]
fn what_is_no_dashboard_is_refused_in_words() {
    for (value, part) in [
        (json!(5), "JSON object"),
        (json!({}), "neither panels nor rows"),
        (json!({"elements": {}}), "layout"),
        (json!([]), "JSON object"),
    ] {
        let refused = import(&value, &Features::default()).map(|_| ()).unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
    let many: Vec<Value> = (0..700).map(|i| json!({"id": i + 1, "type": "text"})).collect();
    let made = imported(&json!({"title": "many", "panels": many}));
    assert_eq!(made.dashboard.panels.len(), 500);
    assert!(made.report.notes[0].starts_with("200 panels beyond 500"));
}

#[test]
fn bytes_of_all_kinds_are_imported_or_refused() {
    let all: Vec<Vec<u8>> = fixtures().values().map(|v| v.to_string().into_bytes()).collect();
    crate::mutate::run(&all, 1_500, plimsoll_show::grafana::fuzz_grafana);
}
