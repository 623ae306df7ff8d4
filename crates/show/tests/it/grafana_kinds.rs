//! Dashboards of Grafana's: classes of what public ones are made of, each in a fixture of our own.

use plimsoll_query::Features;
use plimsoll_show::dashboard::{
    AnnotationKind, OverrideBy, Panel, PanelKind, QueryKind, ThresholdsMode, option_regex,
};
use plimsoll_show::grafana::{Imported, Outcome, export, import};
use serde_json::{Value, json};

fn made(name: &str) -> Imported {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/grafana");
    let text = std::fs::read_to_string(format!("{dir}/{name}.json")).unwrap();
    import(&serde_json::from_str(&text).unwrap(), &Features::default()).unwrap()
}

fn panel(made: &Imported, id: u64) -> &Panel {
    made.dashboard.panels.iter().find(|p| p.id == id).unwrap()
}

fn told(made: &Imported, id: u64) -> (Outcome, String) {
    let of = made.report.panels.iter().find(|p| p.id == id).unwrap();
    (of.outcome, of.notes.join("; "))
}

fn exprs(p: &Panel) -> Vec<&str> {
    p.queries.iter().map(|q| q.expr.as_str()).collect()
}

#[test]
fn what_metricsql_says_as_promql_does_is_asked() {
    let made = made("metricsql");
    assert_eq!(exprs(panel(&made, 1)), ["topk($top, sum by (queue) (queue_depth{kind=~\"a|b\"}))"]);
    assert_eq!(exprs(panel(&made, 2))[1], "increase( jobs_failed_total[$__rate_interval] )");
    assert_eq!(told(&made, 2).0, Outcome::Approximate);
    assert_eq!(told(&made, 3).0, Outcome::Approximate);
    let (outcome, note) = told(&made, 4);
    assert!(outcome == Outcome::Unsupported && note.contains("write it as PromQL"), "{note}");
    assert_eq!(told(&made, 5), (Outcome::Exact, String::new()));
}

fn made_of(doc: &Value) -> Imported {
    import(doc, &Features::default()).unwrap()
}

#[test]
fn what_grows_when_it_is_filled_in_has_a_bound() {
    let inputs: Vec<Value> = (0..25)
        .map(|i| json!({"type": "constant", "name": format!("A{i}"), "value": format!("${{A{0}}}${{A{0}}}${{A{0}}}${{A{0}}}", i + 1)}))
        .collect();
    let made = made_of(&json!({"__inputs": inputs, "title": "${A0} x", "panels": []}));
    assert_eq!(made.dashboard.title, "${A1}${A1}${A1}${A1} x");
    let model = json!({"type": "text", "options": {"content": "x".repeat(900_000)}});
    let named: Vec<Value> = (0..400).map(|_| json!({"libraryPanel": {"uid": "u"}})).collect();
    let made = made_of(&json!({"__elements": {"u": {"model": model}}, "panels": named}));
    assert_eq!(made.report.panels.len(), 400);
    let filled = made.report.panels.iter().filter(|p| p.outcome != Outcome::Unsupported).count();
    assert!((1..10).contains(&filled), "{filled} of 900 kB each");
    let target = |refid: &str, expr: String| json!({"refId": refid, "expr": expr});
    let computed = json!({
        "refId": "C", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "math", "expression": "$A".repeat(25_000),
    });
    let long = format!("{}1", "rate(".repeat(300_000));
    let panel = json!({"type": "timeseries", "targets": [target("A", format!("up{}", " + up".repeat(10_000))), target("B", long), computed]});
    let made = made_of(&json!({"panels": [panel]}));
    let notes = made.report.panels[0].notes.join("; ");
    assert!(
        notes.contains("query B has more than") && notes.contains("query C is computed"),
        "{notes}"
    );
    let open = made_of(&json!({"panels": [{"type": "timeseries", "title": "${".repeat(900_000)}]}));
    assert_eq!(open.report.panels.len(), 1);
}

#[test]
fn what_only_tables_do_is_told_of_other_panels() {
    let panel = |kind: &str| json!({"type": kind, "targets": [{"refId": "A", "expr": "up"}], "transformations": [{"id": "calculateField", "options": {}}]});
    let made = made_of(&json!({"panels": [panel("stat"), panel("table")]}));
    let told: Vec<bool> = made
        .report
        .panels
        .iter()
        .map(|p| p.notes.iter().any(|n| n.contains("in tables only")))
        .collect();
    assert_eq!(told, [true, false]);
}

#[test]
fn times_that_the_browser_does_not_know_are_told() {
    let told = |from: &str, to: &str| {
        let made = made_of(&json!({"panels": [], "time": {"from": from, "to": to}}));
        made.report.notes.iter().any(|n| n.contains("last hour"))
    };
    for (from, to) in
        [("now-6M", "now"), ("now-1y", "now"), ("now/d", "now"), ("now-1w/w", "now-1w/w")]
    {
        assert!(!told(from, to), "{from} {to}");
    }
    for (from, to) in [("now", "now+7d"), ("now-3Q", "now"), ("now-6h/h", "now")] {
        assert!(told(from, to), "{from} {to}");
    }
}

#[test]
fn marks_of_all_alerts_are_a_choice() {
    let all = made("timeseries").dashboard.annotations;
    let alerts = all.iter().find(|a| a.kind == AnnotationKind::Alerts).unwrap();
    assert_eq!((alerts.name.as_str(), alerts.enabled), ("Alerts", false));
}

#[test]
fn library_panels_are_taken_from_the_file() {
    let made = made("library");
    assert_eq!(
        (panel(&made, 1).kind, panel(&made, 1).title.as_str()),
        (PanelKind::Stat, "Age of backups")
    );
    for (id, title) in [(3, "Own title"), (4, "Beside it")] {
        let p = panel(&made, id);
        assert_eq!((p.title.as_str(), p.unit.as_str(), p.at.w), (title, "seconds", 8));
        assert_eq!(exprs(p), ["max(backup_age_seconds)"]);
    }
    let (outcome, note) = told(&made, 5);
    assert!(outcome == Outcome::Unsupported && note.contains("export the dashboard for sharing"));
}

#[test]
fn looks_that_public_dashboards_have() {
    let made = made("looks");
    let of = |id| panel(&made, id);
    let all = &of(1).overrides;
    let patterns: Vec<&str> = all.iter().map(|o| o.matching.value.as_str()).collect();
    assert_eq!(patterns, [".*", "^err.*$", "/slow/i"]);
    assert_eq!(all[0].set.colour.as_deref(), Some("#1f60c4"));
    assert_eq!((of(1).unit.as_str(), told(&made, 1).0), ("suffix: jobs/batch", Outcome::Exact));
    let back = export(&made.dashboard);
    let matchers = &back["panels"][0]["fieldConfig"]["overrides"];
    assert_eq!(
        (&matchers[1]["matcher"]["options"], &matchers[2]["matcher"]["options"]),
        (&json!("/^err.*$/"), &json!("/slow/i"))
    );
    assert_eq!((of(2).thresholds.len(), of(2).thresholds[0].colour.as_str()), (1, "#b877d9"));
    assert!(told(&made, 2).1.contains("none yet"));
    let sort = &of(3).transforms[0];
    assert_eq!(
        (sort.kind.as_str(), &sort.options["sort"]),
        ("sortBy", &json!([{"field": "Value", "desc": true}]))
    );
    assert_eq!((told(&made, 3).0, told(&made, 4).0), (Outcome::Exact, Outcome::Approximate));
    assert_eq!(told(&made, 5).0, Outcome::Approximate);
    assert_eq!(of(6).queries[0].legend, "{{queue}} on {{host}}");
    assert_eq!((of(7).queries[0].legend.as_str(), told(&made, 7).0), ("{{queue}}", Outcome::Exact));
    assert_eq!(told(&made, 8).0, Outcome::Approximate);
    assert!(of(8).overrides.is_empty());
    assert_eq!(of(9).transforms[0].options["regex"], "/^(.*)-x$/");
    assert_eq!(of(9).transforms[1].options["include"]["pattern"], "/^a/");
    for (id, label) in [(10, "{{version}}"), (11, "{{host}}")] {
        let shown = (of(id).queries[0].legend.as_str(), of(id).style.text.as_str());
        assert_eq!(shown, (label, "name"));
    }
    assert!(all.iter().all(|o| o.matching.by == OverrideBy::Regex));
}

#[test]
fn patterns_of_variables_say_what_they_say_in_a_browser() {
    let made = made("patterns");
    let of = |name: &str| made.dashboard.variables.iter().find(|v| v.name == name).unwrap();
    let first = |name: &str, text: &str| {
        let pattern = option_regex(&of(name).regex).unwrap();
        let found = pattern.captures(text)?;
        Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
    };
    assert_eq!(first("device", "eth0").as_deref(), Some("eth0"));
    assert_eq!(first("device", "veth12"), None);
    assert_eq!(of("host").regex, "/^([^:]*).*$/");
    assert_eq!(first("shard", "{shard=\"7\"} 1 2").as_deref(), Some("7"));
    assert_eq!(first("shard", "x{shard=\"7\"} 1 2"), None);
    assert_eq!(of("odd").regex, "");
    assert_eq!(
        (of("by_hand").query.as_str(), of("fixed").query.as_str()),
        ("label_values(up, job)", "a\\,b")
    );
    assert_eq!(told(&made, 1).0, Outcome::Exact);
}

#[test]
fn panels_of_other_sources_are_named() {
    let made = made("mixed");
    let note = made.report.notes.iter().find(|n| n.starts_with("panels that ask")).unwrap();
    assert!(note.contains("mysql (1)") && note.contains("loki (2)"), "{note}");
    assert_eq!(exprs(panel(&made, 1)), ["sum(rate(http_requests_total[5m]))"]);
    let outcomes: Vec<Outcome> = (1..=5).map(|id| told(&made, id).0).collect();
    use Outcome::{Approximate, Exact, Unsupported};
    assert_eq!(outcomes, [Approximate, Unsupported, Unsupported, Exact, Unsupported]);
    assert!(told(&made, 5).1.contains("is no PromQL"));
}

#[test]
fn a_dashboard_is_found_in_what_is_around_it() {
    assert_eq!(made("wrapped").dashboard.title, "Disk");
    let disk = made("wrapped");
    let p = &disk.dashboard.panels[0];
    assert_eq!(
        (p.at.w, p.min, p.style.width, p.style.axis.as_str()),
        (24, Some(0.0), Some(2.0), "")
    );
    assert_eq!(made("configmap").dashboard.title, "From a cluster");
    let operator =
        json!({"kind": "GrafanaDashboard", "spec": {"json": "{\"title\":\"O\",\"panels\":[]}"}});
    let found = import(&operator, &Features::default()).unwrap();
    assert_eq!(found.dashboard.title, "O");
    let nested: Value = json!({"a": {"b": {"c": {"d": {"e": {"panels": []}}}}}});
    assert!(import(&nested, &Features::default()).is_err());
}

#[test]
fn the_oldest_rows_are_read() {
    let made = made("rows-6");
    let load = panel(&made, 1);
    assert_eq!((load.unit.as_str(), load.style.legend.as_str()), ("short", "table"));
    assert_eq!(load.style.legend_values, ["last", "mean"]);
    let right = load.overrides.iter().find(|o| o.matching.value == "share").unwrap();
    assert_eq!(
        (right.set.axis.as_deref(), right.set.unit.as_deref()),
        (Some("right"), Some("percent"))
    );
    assert_eq!(panel(&made, 2).unit, "seconds");
    assert_eq!(made.report.count(Outcome::Exact), 2);
}

#[test]
fn looks_that_only_real_data_show() {
    let made = made("seen");
    let memory = panel(&made, 2);
    assert_eq!(memory.style.stack, "normal");
    assert_eq!(memory.overrides[0].set.stack.as_deref(), Some("none"), "a group of its own");
    let quota = panel(&made, 3);
    assert!(quota.thresholds.is_empty(), "cells are plain");
    let share = quota.overrides.iter().find(|o| o.matching.value == "Share").unwrap();
    assert_eq!(share.set.thresholds.as_ref().map(Vec::len), Some(2), "but for one column");
    assert_eq!(quota.queries[0].kind, QueryKind::Instant);
    assert!(panel(&made, 4).thresholds.is_empty(), "a colour for each series");
    let scale = panel(&made, 5);
    let at: Vec<Option<f64>> = scale.thresholds.iter().map(|t| t.at).collect();
    assert_eq!(
        (at, scale.thresholds_mode),
        (vec![None, Some(50.0), Some(80.0)], ThresholdsMode::Percent)
    );
    let kinds = |id| {
        let p = panel(&made, id);
        let kinds: Vec<&str> = p.transforms.iter().map(|t| t.kind.as_str()).collect();
        (kinds, p.queries[0].kind)
    };
    assert_eq!(kinds(6), (vec!["reduce"], QueryKind::Range));
    assert_eq!(kinds(7), (vec!["reduce", "organize"], QueryKind::Range));
    let reducers = &panel(&made, 7).transforms[0].options["reducers"];
    assert_eq!(reducers, &json!(["mean", "max", "lastNotNull"]));
    assert_eq!(panel(&made, 8).repeat, None);
    assert!(made.report.notes.iter().any(|n| n.contains("repeats by shard")));
    let names: Vec<&str> = made.dashboard.variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["job", "instance", "version"], "what is asked for first stands first");
    // The row is wider than it says, and what lies on it makes room.
    let y: Vec<u32> = made.dashboard.panels.iter().map(|p| p.at.y).collect();
    assert_eq!(y[..3], [0, 1, 1]);
}
