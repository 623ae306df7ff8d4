//! Panels of reports: what a panel of a dashboard becomes, figure, table or words.

use super::look::guessed;
use super::*;
use crate::figure::Theme;
use crate::report::ask::Answer;
use jiff::tz::TimeZone;
use serde_json::json;

fn window() -> Window {
    Window::new(0, 3_600_000, TimeZone::UTC).unwrap()
}

fn series(labels: &[(&str, &str)], values: &[f64]) -> Series {
    let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let at = |i: usize| i as i64 * 10_000;
    Series { labels, points: values.iter().enumerate().map(|(i, v)| (at(i), *v)).collect() }
}

fn answers(all: Vec<(&str, Vec<Series>)>) -> Answers {
    let all = all.into_iter().map(|(key, series)| (key.to_owned(), Answer::Series(series, 0)));
    Answers(all.collect())
}

fn drawn(panel: Value, all: Vec<(&str, Vec<Series>)>) -> Figure {
    let (figure, missing) =
        super::figure(&BoardPanel::alone(&panel, &window()), "k", &answers(all));
    assert_eq!(missing, [] as [&str; 0]);
    figure
}

fn told(figure: &Figure) -> Vec<(String, String)> {
    let one = |t: &Trace| (t.name.clone(), figure.told(t).unwrap_or_default());
    figure.traces.iter().map(one).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn a_panel_asks_what_the_browser_asks() {
    let panel = json!({
        "kind": "stat", "queries": [
            {"ref": "A", "expr": "rate(x[$__rate_interval])"}, {"ref": "B", "expr": "y", "kind": "instant"},
            {"ref": "C", "expr": "hidden", "hidden": true}, {"ref": "D", "expr": " "},
        ],
    });
    let asked = needs(&BoardPanel::alone(&panel, &window()), "k");
    let query = |key: &str, expr: &str, from| Need {
        key: key.to_owned(),
        what: What::Query {
            expr: expr.to_owned(),
            from,
            until: 3_600_000,
            step_ms: 10_000,
            series_max: SERIES_MAX,
        },
    };
    assert_eq!(asked, [query("k/0", "rate(x[1m])", 0), query("k/1", "y", 3_600_000)]);
    let alerts = needs(&BoardPanel::alone(&json!({"kind": "alerts"}), &window()), "k");
    assert!(
        matches!(&alerts[0].what, What::Route(path) if path.contains("/alerts?")),
        "{alerts:?}"
    );
}

#[test]
fn series_are_called_as_on_the_screen() {
    let two = || {
        vec![(
            "k/0",
            vec![
                series(&[("__name__", "up"), ("h", "a"), ("j", "x")], &[1.0]),
                series(&[("__name__", "up"), ("h", "b"), ("j", "x")], &[0.0]),
            ],
        )]
    };
    let query = json!([{"ref": "A", "expr": "up"}]);
    let names =
        |panel: Value| told(&drawn(panel, two())).into_iter().map(|(n, _)| n).collect::<Vec<_>>();
    assert_eq!(names(json!({"kind": "stat", "queries": query})), ["a", "b"]);
    let legend = json!([{"ref": "A", "expr": "up", "legend": "{{ h }} of {{j}}{{k}}"}]);
    assert_eq!(names(json!({"kind": "stat", "queries": legend})), ["a of x", "b of x"]);
    let bare = vec![("k/0", vec![series(&[], &[1.0])])];
    let panel = json!({"kind": "stat", "title": "All", "queries": query});
    assert_eq!(told(&drawn(panel, bare)), pairs(&[("All", "1")]));
}

#[test]
fn overrides_and_mappings_say_how_values_are_read() {
    let panel = json!({
        "kind": "stat", "unit": "bytes", "queries": [{"ref": "A", "expr": "x", "legend": "{{h}}"}],
        "mappings": [{"kind": "value", "value": "0", "text": "none"}, {"kind": "range", "from": 5, "to": 6, "text": "five"}],
        "overrides": [
            {"match": {"by": "name", "value": "b"}, "set": {"unit": "ratio", "title": "B", "negative": true}},
            {"match": {"by": "regex", "value": "/^C$/i"}, "set": {"hidden": true}},
            {"match": {"by": "query", "value": "A"}, "set": {"colour": "dark-red"}},
        ],
    });
    let one = |h: &str, v: f64| series(&[("h", h)], &[v, f64::NAN]);
    let all = vec![one("a", 1024.0), one("b", 0.5), one("c", 1.0), one("d", 0.0), one("e", 5.5)];
    let figure = drawn(panel, vec![("k/0", all)]);
    assert_eq!(
        told(&figure),
        pairs(&[("a", "1 KiB"), ("B", "−50 %"), ("d", "none"), ("e", "five")])
    );
    assert!(figure.traces.iter().all(|t| t.colour == Some(Colour(0xe0_52_52))));
    assert_eq!(figure.traces.iter().map(|t| t.place).collect::<Vec<_>>(), [0, 1, 3, 4].map(Some));
}

#[test]
fn one_number_of_many_is_what_the_panel_says() {
    let value = |reduce: &str| {
        let panel =
            json!({"kind": "gauge", "reduce": reduce, "queries": [{"ref": "A", "expr": "x"}]});
        told(&drawn(panel, vec![("k/0", vec![series(&[], &[4.0, 1.0, f64::NAN, 2.0])])]))[0]
            .1
            .clone()
    };
    let found: Vec<String> =
        ["last", "", "first", "max", "min", "sum", "count", "range"].map(value).to_vec();
    assert_eq!(found, ["2", "2", "4", "4", "1", "7", "3", "3"]);
    assert_eq!(value("mean"), "2.33");
}

#[test]
fn units_are_guessed_as_the_browser_does() {
    let units = include_str!("../../../../../fixtures/dashboards/units.json");
    let cases: Vec<(String, String)> = serde_json::from_str(units).unwrap();
    for (expr, wanted) in cases {
        assert_eq!(guessed(&expr), wanted, "{expr}");
    }
}

#[test]
fn open_alerts_are_a_table_the_worst_first() {
    let panel =
        json!({"kind": "alerts", "title": "Alerts", "match": "job=~\"a.*\",alertstate=\"firing\""});
    let alert = |name: &str, severity: &str, state: &str, job: &str| {
        json!({
            "state": state, "severity": severity, "labels": {"alertname": name, "job": job},
            "annotations": {"summary": format!("about {name}")}, "active_at": "1970-01-01T00:10:00Z", "fired_at": null,
        })
    };
    let all = json!({"alerts": [
        alert("Slow", "warning", "firing", "api"), alert("Down", "critical", "firing", "api"),
        alert("Soon", "critical", "pending", "api"), alert("Old", "critical", "resolved", "api"), alert("Other", "critical", "firing", "db"),
    ]});
    let p = BoardPanel::alone(&panel, &window());
    let answers = Answers([("k/found".to_owned(), Answer::Json(all))].into());
    let (figure, missing) = super::figure(&p, "k", &answers);
    assert_eq!(missing, [] as [&str; 0]);
    assert_eq!(
        figure.rows.rows,
        [
            ["critical", "Down", "about Down", "firing since 1 Jan 00:10"],
            ["warning", "Slow", "about Slow", "firing since 1 Jan 00:10"]
        ]
    );
    let (block, _) = rows(&p, "k", &answers).unwrap();
    assert!(matches!(block, Block::Table { rows, .. } if rows.len() == 2));
    let none = Answers([("k/found".to_owned(), Answer::Failed("not now".to_owned()))].into());
    assert_eq!(super::figure(&p, "k", &none).0.empty, "not now");
}

#[test]
fn what_is_no_panel_is_passed_over() {
    for panel in [
        json!(null),
        json!([1]),
        json!({"kind": 3, "queries": [1, null, {"expr": 5}]}),
        json!({"kind": "unsupported"}),
    ] {
        let p = BoardPanel::alone(&panel, &window());
        assert_eq!(needs(&p, "k"), []);
        let (figure, _) = super::figure(&p, "k", &Answers::default());
        assert!(figure.empty.contains("not part of reports"), "{panel}");
    }
}

#[test]
fn series_that_are_left_out_are_told() {
    let panel = json!({"kind": "stat", "queries": [{"ref": "A", "expr": "x"}]});
    let all = vec![series(&[("h", "a")], &[1.0]), series(&[("h", "b")], &[2.0])];
    let answers = Answers([("k/0".to_owned(), Answer::Series(all, 3))].into());
    let (figure, missing) = super::figure(&BoardPanel::alone(&panel, &window()), "k", &answers);
    assert_eq!((figure.traces.len(), &missing[..]), (2, &["3 series are left out".to_owned()][..]));
    let asks = |kind: &str| {
        let panel = json!({"kind": kind, "queries": [{"ref": "A", "expr": "x"}]});
        match &needs(&BoardPanel::alone(&panel, &window()), "k")[0].what {
            What::Query { series_max, .. } => *series_max,
            What::Route(path) => panic!("{path}"),
        }
    };
    assert_eq!((asks("timeseries"), asks("table")), (SERIES_MAX, TABLE_SERIES_MAX));
}

/// The cases that the browser is held to as well.
const CASES: &str = include_str!("../../../../../fixtures/dashboards/panels.json");

/// The answers of a case: every minute a value, or none.
fn answered(case: &Value) -> Answers {
    let mut all = Vec::new();
    for (i, query) in case["panel"]["queries"].as_array().unwrap().iter().enumerate() {
        let found = case["answers"][text(query, "ref")].as_array().unwrap();
        let one = |series: &Value| {
            let labels = series[0].as_object().unwrap().iter();
            let values = series[1].as_array().unwrap().iter().enumerate();
            Series {
                labels: labels.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect(),
                points: values
                    .filter_map(|(i, v)| Some((i as i64 * 60_000, v.as_f64()?)))
                    .collect(),
            }
        };
        let series = found.iter().map(one).collect();
        all.push((format!("k/{i}"), Answer::Series(series, 0)));
    }
    Answers(all.into_iter().collect())
}

#[test]
fn panels_show_what_the_fixture_says() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let name = text(case, "name");
        let p = BoardPanel::alone(&case["panel"], &window());
        let (figure, missing) = super::figure(&p, "k", &answered(case));
        assert_eq!(missing, [] as [&str; 0], "{name}");
        if case["table"].is_array() {
            let Rows { columns, rows } = figure.rows;
            let head = columns.into_iter().map(|(name, _)| name).collect();
            let found: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
            assert_eq!(plain(json!(found)), case["table"], "{name}");
            continue;
        }
        assert_eq!(plain(json!(told(&figure))), case["told"], "{name}");
        let colours = figure.traces.iter().map(|t| figure.paint(t, Theme::Light));
        let colours: Vec<_> = colours.map(|c| c.map(|c| c.to_string())).collect();
        if case["colours"].is_array() {
            assert_eq!(json!(colours), case["colours"], "{name}");
        }
        if case["bounds"].is_array() {
            let bounds: Vec<_> = figure.traces.iter().map(|t| t.bounds).collect();
            let wanted: Vec<Option<(f64, f64)>> =
                serde_json::from_value(case["bounds"].clone()).unwrap();
            assert_eq!(bounds, wanted, "{name}");
        }
    }
}

/// With the minus sign of the browser.
fn plain(found: Value) -> Value {
    serde_json::from_str(&found.to_string().replace('−', "-")).unwrap()
}

#[test]
fn buckets_of_a_heat_map_hold_what_the_one_below_does_not() {
    let panel =
        json!({"kind": "heatmap", "unit": "seconds", "queries": [{"ref": "A", "expr": "x"}]});
    let one = |le: &str, pod: &str, v: f64| series(&[("le", le), ("pod", pod)], &[v]);
    let all = vec![
        one("+Inf", "a", 9.0),
        one("0.5", "a", 2.0),
        one("0.5", "b", 1.0),
        one("1", "a", 7.0),
        one("1", "b", 1.0),
    ];
    let figure = drawn(panel, vec![("k/0", all)]);
    let rows: Vec<(&str, f64)> =
        figure.traces.iter().map(|t| (t.name.as_str(), t.points[0].1)).collect();
    assert_eq!(rows, [("> 1 s", 1.0), ("≤ 1 s", 5.0), ("≤ 500 ms", 3.0)]);
}

#[test]
fn states_have_words_and_colours_in_the_order_in_which_they_come() {
    let panel = json!({
        "kind": "state_timeline", "queries": [{"ref": "A", "expr": "x", "legend": "{{h}}"}],
        "mappings": [{"kind": "value", "value": "1", "text": "up", "colour": "green"}, {"kind": "value", "value": "0", "text": "down"}],
    });
    let all = vec![series(&[("h", "a")], &[1.0, 0.0, 1.0]), series(&[("h", "b")], &[3.0])];
    let figure = drawn(panel, vec![("k/0", all)]);
    let names: Vec<&str> = figure.states.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["up", "down", "3"]);
    assert_eq!(figure.states[0].1, Colour(0x2a_93_60));
    assert_eq!(figure.traces[0].states, [0, 1, 0]);
    assert_eq!(told(&figure), pairs(&[("a", "up"), ("b", "3")]));
}

#[test]
fn parts_of_a_whole_are_told_and_load_lines_say_of_what() {
    let query = json!([{"ref": "A", "expr": "x", "legend": "{{h}}"}]);
    let all = || {
        vec![(
            "k/0",
            vec![
                series(&[("h", "a")], &[1.0]),
                series(&[("h", "b")], &[3.0]),
                series(&[("h", "c")], &[0.0]),
            ],
        )]
    };
    let pie = drawn(json!({"kind": "pie", "queries": query}), all());
    assert_eq!(told(&pie), pairs(&[("a", "1 · 25 %"), ("b", "3 · 75 %")]));
    let lines = drawn(json!({"kind": "loadline", "max": 4, "queries": query}), all());
    assert_eq!(told(&lines), pairs(&[("a", "25 %"), ("b", "75 %"), ("c", "0 %")]));
    assert_eq!(lines.rows.rows[1], ["3 of 4"]);
    let marks = |f: &super::Figure, bounds| -> Vec<Option<f64>> {
        f.marks.iter().map(|m| m.within(bounds)).collect()
    };
    assert_eq!(marks(&lines, (0.0, 4.0)), [Some(3.2), Some(3.6)]);
    // Of the greatest of them where nothing is said.
    let lines = drawn(json!({"kind": "loadline", "unit": "bytes", "queries": query}), all());
    let paints: Vec<_> = lines.traces.iter().map(|t| lines.paint(t, Theme::Light)).collect();
    let red = Some(Theme::Light.severity(Severity::Critical));
    assert_eq!(paints, [None, red, None]);
    let places = marks(&lines, lines.traces[0].bounds.unwrap());
    let near = |at: Option<f64>, wanted: f64| at.is_some_and(|at| (at - wanted).abs() < 1e-9);
    assert!(near(places[0], 2.4) && near(places[1], 2.7), "{places:?}");
}

#[test]
fn what_is_judged_alone_is_not_coloured_by_the_marks_of_all() {
    let query = json!([{"ref": "A", "expr": "x", "legend": "{{h}}"}]);
    let all = |v: f64, w: f64| {
        vec![("k/0", vec![series(&[("h", "a")], &[v]), series(&[("h", "b")], &[w])])]
    };
    let paints = |f: &super::Figure| -> Vec<_> {
        f.traces.iter().map(|t| f.paint(t, Theme::Light)).collect()
    };
    let own = drawn(
        json!({
            "kind": "stat", "queries": query, "thresholds": [{"at": 3, "colour": "blue"}, {"at": 20, "colour": "red"}],
            "overrides": [{"match": {"by": "name", "value": "b"}, "set": {"thresholds": [{"at": 50, "colour": "orange"}]}}],
        }),
        all(30.0, 30.0),
    );
    assert_eq!(paints(&own), [Some(look::colour("red")), None]);
    let parts = json!({
        "kind": "gauge", "queries": query, "thresholds_mode": "percent",
        "thresholds": [{"at": 50, "severity": "warning"}, {"at": 80, "severity": "critical"}],
    });
    let parts = drawn(parts, all(5.0, 100.0));
    assert_eq!(paints(&parts), [None, Some(Theme::Light.severity(Severity::Critical))]);
    let places: Vec<_> = parts.marks.iter().map(|m| m.within((0.0, 100.0))).collect();
    assert_eq!(places, [Some(50.0), Some(80.0)]);
}

#[test]
fn tables_of_many_queries_have_all_their_columns() {
    let queries: Vec<Value> =
        ["A", "B", "C"].iter().map(|l| json!({"ref": l, "expr": "x", "kind": "instant"})).collect();
    let panel = json!({"kind": "table", "queries": queries});
    let all = |v: f64| (0..900).map(|i| series(&[("pod", &i.to_string())], &[v])).collect();
    let figure = drawn(panel, vec![("k/0", all(1.0)), ("k/1", all(2.0)), ("k/2", all(3.0))]);
    assert_eq!(figure.rows.rows.len(), 900);
    assert!(figure.rows.rows.iter().all(|row| row[1..] == ["1", "2", "3"]));
}

#[test]
fn shares_of_a_stack_are_those_of_what_stands_on_it() {
    let panel = json!({
        "kind": "timeseries", "style": {"stack": "percent"}, "queries": [{"ref": "A", "expr": "x", "legend": "{{h}}"}],
        "overrides": [{"match": {"by": "name", "value": "total"}, "set": {"stack": "none"}}],
    });
    let of = |h: &str, v: f64| series(&[("h", h)], &[v]);
    let figure =
        drawn(panel, vec![("k/0", vec![of("used", 60.0), of("free", 40.0), of("total", 100.0)])]);
    let shares: Vec<f64> = figure.traces.iter().map(|t| t.points[0].1).collect();
    assert_eq!(shares[..2], [0.6, 0.4]);
}
