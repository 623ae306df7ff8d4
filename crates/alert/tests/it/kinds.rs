//! Kinds of rules of our own: their life, their files, and that a replay has the episodes of live
//! evaluation, restarts included.

use plimsoll_alert::{
    AlertState, Health, RuleState, Scene, Surroundings, evaluate, fuzz_rules, read_unit_tests,
};
use plimsoll_model::{ReadCx, is_stale};
use plimsoll_query::{Extension, ExtensionWindow, Extensions};

use super::backtest::{Random, alerting, ask, episodes, live, replay, restarted, same, stream};
use super::*;

/// Stand-ins for the functions that the program brings: the slope from the first sample to the last.
static OURS: [Extension; 3] = [
    Extension::new("trend", 0, "slope per second", slope),
    Extension::new("anomaly_score", 0, "how far from the mean", |w| {
        let mean = w.floats.iter().sum::<f64>() / w.floats.len() as f64;
        let off = (w.floats.last()? - mean).abs();
        Some(off / (off + 2.0))
    }),
    Extension::new("time_to_breach", 1, "seconds to a limit", |w| {
        let (slope, left) = (slope(w)?, w.args[0] - w.floats.last()?);
        Some(if slope * left > 0.0 { left / slope } else { f64::INFINITY })
    }),
];

fn slope(w: &ExtensionWindow<'_>) -> Option<f64> {
    let seconds = (w.times.last()? - w.times.first()?) as f64 / 1e3;
    (seconds > 0.0).then(|| (w.floats.last().unwrap() - w.floats[0]) / seconds)
}

pub fn features() -> Features {
    Features { extensions: Extensions::new(&OURS).unwrap(), ..Features::default() }
}

fn file(rules: &str) -> String {
    format!("groups:\n- name: g\n  interval: 10s\n  rules:\n{rules}")
}

/// Values of a series at each evaluation, every 10 s: numbers, `_` for none.
type Line<'a> = (&'a str, &'a str);

/// What happens to the alerts of the first rule.
fn timeline(rules: &str, lines: &[Line<'_>]) -> String {
    let groups = read_rules("r.yml", &file(rules), 10_000, &features()).unwrap();
    let (group, rule) = (&groups[0], &groups[0].rules[0]);
    let (memory, engine) = (MemorySource::new(), engine());
    let mut state = RuleState::default();
    let (mut out, mut health) = (String::new(), Health::Ok);
    let steps = lines.iter().map(|(_, v)| v.split_whitespace().count()).max().unwrap();
    for i in 0..steps {
        let at = (i as i64 + 1) * 10_000;
        for (series, values) in lines {
            let labels = plimsoll_query::parse_series_labels(series).unwrap();
            if let Some(value) = values.split_whitespace().nth(i).and_then(|v| v.parse().ok()) {
                memory.append(&labels, at - 1_000, value);
            } else {
                memory.append(&labels, at - 1_000, stale_marker());
            }
        }
        let view = memory.snapshot();
        let (cx, surroundings) = (ReadCx::unlimited(), Surroundings::default());
        let scene =
            Scene { engine: &engine, view: &view, at, surroundings: &surroundings, cx: &cx };
        let (found, steps) = match evaluate(rule, group.limit, &mut state, &scene) {
            Ok(done) => (done.health, done.transitions),
            Err(e) => {
                writeln!(out, "{}s {e}", at / 1000).unwrap();
                (Health::Error, Vec::new())
            }
        };
        if found != health {
            health = found;
            writeln!(out, "{}s is {}", at / 1000, health.as_str()).unwrap();
        }
        for step in steps {
            let mut labels = step.alert.labels.clone();
            labels.remove("alertname");
            let labels: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let threshold = step.alert.threshold.map_or(String::new(), |t| format!(" of {t}"));
            writeln!(
                out,
                "{}s {} {} -> {} at {}{threshold}",
                at / 1000,
                labels.join(","),
                step.from.as_str(),
                step.to.as_str(),
                step.alert.value
            )
            .unwrap();
        }
        // Of one element fires one alert at most.
        let firing = state.active.values().filter(|a| a.state == AlertState::Firing);
        let firing = firing.filter(|a| !a.labels.contains_key("health"));
        let mut elements: Vec<_> = firing.map(|a| a.labels.get("i").cloned()).collect();
        elements.sort();
        assert!(elements.windows(2).all(|w| w[0] != w[1]), "{elements:?} at {at}");
    }
    out
}

fn stale_marker() -> f64 {
    let marker = plimsoll_model::stale_nan();
    assert!(is_stale(marker));
    marker
}

#[track_caller]
fn happens(rules: &str, lines: &[Line<'_>], expected: &Expect) {
    expected.assert_eq(&timeline(rules, lines));
}

#[test]
fn an_alert_goes_away_only_when_its_value_is_past_clear() {
    let rule = "  - {threshold: A, expr: m, above: 8, clear: 5, for: 10s}\n";
    // Between the numbers a pending alert goes away and a firing one stays.
    happens(
        rule,
        &[("m", "9 6 9 9 6 5 4 6 9 9 _ 6")],
        &expect![[r#"
        10s  inactive -> pending at 9 of 8
        20s  pending -> inactive at 9 of 8
        30s  inactive -> pending at 9 of 8
        40s  pending -> firing at 9 of 8
        70s  firing -> inactive at 5 of 8
        90s  inactive -> pending at 9 of 8
        100s  pending -> firing at 9 of 8
        110s is no_data
        110s  firing -> inactive at 9 of 8
        120s is ok
    "#]],
    );
    let rule = "  - {threshold: A, expr: m, below: 2, clear: 3, keep_firing_for: 10s}\n";
    happens(
        rule,
        &[("m", "1 3 4 3 3 1 4 1 4 4")],
        &expect![[r#"
        10s  inactive -> firing at 1 of 2
        40s  firing -> inactive at 3 of 2
        60s  inactive -> firing at 1 of 2
        100s  firing -> inactive at 1 of 2
    "#]],
    );
}

#[test]
fn the_highest_severity_that_waited_for_its_time_fires() {
    let rule = "  - {threshold: A, expr: m, above: {critical: 8, warning: 5}, for: 20s}\n";
    happens(
        rule,
        &[("m{i=\"a\"}", "6 6 6 9 9 9 9 6 6 4 4")],
        &expect![[r#"
        10s i=a,severity=warning inactive -> pending at 6 of 5
        30s i=a,severity=warning pending -> firing at 6 of 5
        40s i=a,severity=critical inactive -> pending at 9 of 8
        60s i=a,severity=critical pending -> firing at 9 of 8
        60s i=a,severity=warning firing -> inactive at 9 of 5
        80s i=a,severity=critical firing -> inactive at 9 of 8
        80s i=a,severity=warning inactive -> firing at 6 of 5
        100s i=a,severity=warning firing -> inactive at 6 of 5
    "#]],
    );
    // From nothing to critical at once, and to nothing.
    happens(
        rule,
        &[("m{i=\"a\"}", "9 9 9 9 1 1")],
        &expect![[r#"
        10s i=a,severity=critical inactive -> pending at 9 of 8
        10s i=a,severity=warning inactive -> pending at 9 of 5
        30s i=a,severity=critical pending -> firing at 9 of 8
        30s i=a,severity=warning pending -> inactive at 9 of 5
        50s i=a,severity=critical firing -> inactive at 9 of 8
    "#]],
    );
    // A short spike above the higher number pages nobody anew.
    happens(
        rule,
        &[("m{i=\"a\"}", "6 6 6 9 6 6")],
        &expect![[r#"
        10s i=a,severity=warning inactive -> pending at 6 of 5
        30s i=a,severity=warning pending -> firing at 6 of 5
        40s i=a,severity=critical inactive -> pending at 9 of 8
        50s i=a,severity=critical pending -> inactive at 9 of 8
    "#]],
    );
    let rule = "  - {threshold: A, expr: m, above: {critical: 8, warning: 5}, clear: {critical: 6, warning: 3}}\n";
    happens(
        rule,
        &[("m{i=\"a\"}", "9 7 5 4 2"), ("m{i=\"b\"}", "1 7 9 4 1")],
        &expect![[r#"
        10s i=a,severity=critical inactive -> firing at 9 of 8
        20s i=b,severity=warning inactive -> firing at 7 of 5
        30s i=a,severity=critical firing -> inactive at 7 of 8
        30s i=a,severity=warning inactive -> firing at 5 of 5
        30s i=b,severity=critical inactive -> firing at 9 of 8
        30s i=b,severity=warning firing -> inactive at 9 of 5
        40s i=b,severity=critical firing -> inactive at 9 of 8
        40s i=b,severity=warning inactive -> firing at 4 of 5
        50s i=a,severity=warning firing -> inactive at 4 of 5
        50s i=b,severity=warning firing -> inactive at 4 of 5
    "#]],
    );
}

#[test]
fn too_little_traffic_is_no_alert() {
    let rule =
        "  - {threshold: A, expr: errors, above: 0.5, minimum: {expr: requests, above: 10}}\n";
    happens(
        rule,
        &[
            ("errors{i=\"a\",code=\"5\"}", "1 1 1"),
            ("errors{i=\"b\",code=\"5\"}", "1 1 1"),
            ("errors{i=\"c\",code=\"5\"}", "1 1 1"),
            ("requests{i=\"a\",zone=\"x\"}", "50 50 1"),
            ("requests{i=\"b\",zone=\"x\"}", "5 50 _"),
        ],
        &expect![[r#"
            10s code=5,i=a inactive -> firing at 1 of 0.5
            20s code=5,i=b inactive -> firing at 1 of 0.5
            30s code=5,i=a firing -> inactive at 1 of 0.5
            30s code=5,i=b firing -> inactive at 1 of 0.5
        "#]],
    );
    let rule = "  - {threshold: A, expr: m, above: 0, minimum: {expr: sum(n), above: 10}}\n";
    happens(
        rule,
        &[("m{i=\"a\"}", "1 1"), ("n{i=\"z\"}", "9 11")],
        &expect![[r#"
        20s i=a inactive -> firing at 1 of 0
    "#]],
    );
}

#[test]
fn a_series_that_falls_silent_is_told_until_it_is_forgotten() {
    let rule = "  - {absence: A, expr: 'm{job=\"x\"}', over: 20s, remember: 50s}\n";
    happens(
        rule,
        &[
            ("m{i=\"a\",job=\"x\"}", "1 1 1 1 1 _ _ _ _ _ _ _"),
            ("m{i=\"b\",job=\"x\"}", "1 _ _ 1 1 _ _ _ _ _ _ 1"),
        ],
        &expect![[r#"
            30s i=b,job=x inactive -> firing at 21
            40s i=b,job=x firing -> inactive at 21
            70s i=a,job=x inactive -> firing at 21
            70s i=b,job=x inactive -> firing at 21
            100s i=a,job=x firing -> inactive at 41
            100s i=b,job=x firing -> inactive at 41
            100s job=x inactive -> firing at 50
            120s job=x firing -> inactive at 50
        "#]],
    );
    happens(
        rule,
        &[("n", "1 1")],
        &expect![[r#"
        10s job=x inactive -> firing at 50
    "#]],
    );
}

#[test]
fn a_rule_may_fire_when_it_fails_or_finds_nothing() {
    let rule = "  - {alert: A, expr: m > 5, on_no_data: fire, for: 10s}\n";
    happens(
        rule,
        &[("m", "1 _ _ 9 9 1")],
        &expect![[r#"
        20s is no_data
        20s health=no_data inactive -> pending at NaN
        30s health=no_data pending -> firing at NaN
        40s is ok
        40s health=no_data firing -> inactive at NaN
        40s  inactive -> pending at 9 of 5
        50s  pending -> firing at 9 of 5
        60s  firing -> inactive at 9 of 5
    "#]],
    );
    let rule = "  - {threshold: A, expr: m, above: 5, on_no_data: keep}\n";
    happens(
        rule,
        &[("m", "9 _ _ 1 _ 9")],
        &expect![[r#"
        10s  inactive -> firing at 9 of 5
        20s is no_data
        40s is ok
        40s  firing -> inactive at 9 of 5
        50s is no_data
        60s is ok
        60s  inactive -> firing at 9 of 5
    "#]],
    );
    let rule = "  - {threshold: A, expr: m / on () n, above: {low: 5, high: 7}, on_error: fire, labels: {team: t}}\n";
    let lines = [("m", "9 9 9 1"), ("n{i=\"a\"}", "1 1 1 1"), ("n{i=\"b\"}", "_ 1 1 _")];
    happens(
        rule,
        &lines,
        &expect![[r#"
        10s severity=high,team=t inactive -> firing at 9 of 7
        20s is error
        20s health=error,severity=high,team=t inactive -> firing at NaN
        40s is ok
        40s health=error,severity=high,team=t firing -> inactive at NaN
        40s severity=high,team=t firing -> inactive at 9 of 7
    "#]],
    );
    // Prometheus' way: alerts stay as they are.
    happens(
        &rule.replace("on_error: fire, ", ""),
        &lines,
        &expect![[r#"
        10s severity=high,team=t inactive -> firing at 9 of 7
        20s found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="n", i="b"}, {__name__="n", i="a"}];many-to-many matching not allowed: matching labels must be unique on one side
        20s is error
        30s found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="n", i="b"}, {__name__="n", i="a"}];many-to-many matching not allowed: matching labels must be unique on one side
        40s is ok
        40s severity=high,team=t firing -> inactive at 9 of 7
    "#]],
    );
}

#[test]
fn the_texts_of_a_failing_rule_say_so() {
    let rules = "  - threshold: A\n    expr: m / on () n\n    above: 5\n    on_error: fire\n    on_no_data: fire\n    annotations: {summary: '{{ $labels.i }} is bad', runbook: http://r, more: 'of {{ $threshold }}'}\n";
    let bench = Bench::new(&file(rules));
    bench.pass(10, &[("a", 1.0)]);
    let view = |bench: &Bench| {
        let rule = bench.alerting.groups()[0].rules[0].clone();
        let texts = rule.alerts.iter().map(|a| format!("{:?}", a.annotations)).collect::<Vec<_>>();
        format!("{} {} {:?} {}", rule.kind, rule.health.as_str(), rule.error, texts.join("; "))
    };
    expect![[r#"threshold no_data None {"runbook": "http://r", "summary": "A has nothing to look at: there is no data"}"#]].assert_eq(&view(&bench));
    let n = |i: &str| Labels::new([("__name__", "n"), ("i", i)]).unwrap();
    let now = plimsoll_world::Clock::wall_ms(&*bench.clock);
    bench.memory.append(&n("a"), now, 1.0);
    bench.memory.append(&n("b"), now, 1.0);
    bench.pass(10, &[("a", 1.0)]);
    expect![[r#"threshold error Some("found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\"n\", i=\"b\"}, {__name__=\"n\", i=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one side") {"runbook": "http://r", "summary": "A cannot be evaluated: found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\"n\", i=\"b\"}, {__name__=\"n\", i=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one side"}; {"runbook": "http://r", "summary": "A has nothing to look at: there is no data"}"#]].assert_eq(&view(&bench));
}

#[test]
fn raising_the_severity_ends_one_message_and_begins_another() {
    let bench = Bench::new(&file(
        "  - {threshold: A, expr: m, above: {warning: 5, critical: 8}, annotations: {s: '{{ $value }} is above {{ $threshold }}, {{ $severity }}'}}\n",
    ));
    bench.pass(10, &[("a", 6.0)]);
    bench.pass(70, &[("a", 9.0)]);
    bench.pass(70, &[("a", 6.0)]);
    bench.pass(70, &[("a", 1.0)]);
    expect![[r#"
        2 "firing" a:"firing"
        62 "firing" a:"firing" a:"resolved"
        122 "firing" a:"resolved" a:"firing"
        182 "resolved" a:"resolved"
    "#]]
    .assert_eq(&bench.told());
}

#[test]
fn a_rule_that_matches_too_much_is_an_error_that_is_seen() {
    let clock = Arc::new(SimClock::at(0));
    let memory = Arc::new(MemorySource::new());
    let bounded = |rules: &str| {
        let groups = read_rules("r.yml", &file(rules), 5_000, &features()).unwrap();
        let alerting = open("groups: []", &clock, &memory, &Arc::new(SimRecords::new()));
        let config = Config { max_alerts_per_rule: 3, ..config() };
        alerting.apply(Prepared { config, groups });
        alerting
    };
    let series = |i: i32| Labels::new([("__name__", "m"), ("i", &i.to_string())]).unwrap();
    (0..5).for_each(|i| {
        memory.append(&series(i), 0, if i < 3 { 9.0 } else { 1.0 });
    });
    let rules = "  - {threshold: A, expr: m, above: {low: 5, high: 7}}\n  - {alert: B, expr: m}\n  - {record: c, expr: m}\n";
    let alerting = bounded(rules);
    alerting.tick();
    let rules = &alerting.groups()[0].rules;
    assert_eq!((rules[0].alerts.len(), &rules[0].error), (3, &None));
    let error = rules[1].error.as_deref().unwrap();
    assert_eq!(
        error,
        "exceeded limit of 3 with 5 series; narrow the rule or raise alert.max_alerts_per_rule"
    );
    assert_eq!((rules[1].health, rules[1].alerts.len()), (Health::Error, 0));
    assert_eq!(rules[2].error, None);
    let counted = alerting.metrics().rows();
    let row = counted.iter().find(|r| r.0 == "plimsoll_alert_rule_over_limit_total").unwrap();
    assert_eq!(row.3, 1.0);
}

/// Rules, and the method of their replay.
const CASES: [(&str, &str); 17] = [
    ("threshold: A, expr: m, above: 6, for: 30s", "columns"),
    ("threshold: A, expr: -m, below: {critical: -7}, keep_firing_for: 25s", "columns"),
    ("threshold: A, expr: m, above: 7, clear: 4, for: 20s, keep_firing_for: 15s", HAS),
    ("threshold: A, expr: m, above: {w: 5, c: 8}, clear: {w: 3, c: 6}, for: 20s", HAS),
    ("threshold: A, expr: m, above: {w: 5, c: 8}", HAS),
    ("threshold: A, expr: m, below: {w: 4, c: 2, d: 1}, keep_firing_for: 30s, for: 10s", HAS),
    ("threshold: A, expr: m, above: 5, minimum: {expr: \"n\", above: 3}, for: 10s", HAS),
    ("trend: A, expr: m, over: 2m, rising_by: {amount: 1.5, per: 1m}, for: 10s", "columns"),
    ("trend: A, expr: sum by (i) (m), over: 3m, falling_by: {amount: 30, per: 1h}", "columns"),
    ("anomaly: A, expr: m, over: 3m, for: 10s", "columns"),
    ("prediction: A, expr: m, over: 1m, limit: 10, within: 30s, direction: rising", "columns"),
    ("prediction: A, expr: sum by (i) (m), over: 2m, limit: sum by (i) (n), within: 1m", "columns"),
    (
        "absence: A, expr: 'm{i=~\"a|b|c\"}', over: 1m, remember: 5m, for: 10s",
        "steps: a rule remembers series",
    ),
    ("absence: A, expr: 'm{i=\"z\"}', over: 1m", "steps: a rule remembers series"),
    ("alert: A, expr: 'm{i=\"a\"} > 5', on_no_data: fire, for: 20s", FIRES),
    ("threshold: A, expr: 'm{i=\"a\"}', above: 5, on_no_data: keep, for: 20s", FIRES),
    ("threshold: A, expr: m, above: {w: 6, c: 8}, on_error: fire, for: 20s", FIRES),
];
const HAS: &str = "steps: a rule has severities, hysteresis or least traffic";
const FIRES: &str = "steps: a rule fires when it fails or finds no data";

#[test]
fn a_replay_of_every_kind_has_the_episodes_that_live_evaluation_had() {
    let end = 4_000_000;
    let mut random = Random(77);
    for round in 0..2 {
        let stream = stream(&mut random, 4_000);
        let memory = Arc::new(MemorySource::new());
        stream.iter().for_each(|(l, t, v)| {
            memory.append(l, *t, *v);
        });
        let alerting = alerting(&memory);
        for (rule, method) in CASES {
            let limit = if rule.contains("on_error") { "  limit: 2\n" } else { "" };
            let texts = if rule.starts_with("absence") || rule.starts_with("alert") {
                "'{{ $labels.i }} at {{ $value }}'"
            } else {
                "'{{ $labels.i }} at {{ $value }} of {{ $threshold }}{{ $severity }}'"
            };
            let text = format!(
                "groups:\n- name: g\n  interval: 10s\n{limit}  rules:\n  - {{{rule}, annotations: {{summary: \
                 {texts}}}}}\n"
            );
            let groups = read_rules("r.yml", &text, 5_000, &features()).unwrap();
            let expected = live(&groups[0], &stream, end, &mut random);
            let fired = expected[0].iter().filter(|e| e.2.is_some()).count();
            let least = if rule.contains("\"z\"") { 1 } else { 4 };
            assert!(fired >= least, "{rule}: {fired} episodes fired in round {round}");
            let mut ask = ask(groups, 9_999, end);
            let report = replay(&alerting, &ask);
            assert_eq!(report.method, method, "{rule}");
            same(&episodes(&report), &expected, rule);
            assert_eq!(report.rules[0].pages.fired, fired as u64, "{rule}");
            ask.by_steps = true;
            same(&episodes(&replay(&alerting, &ask)), &expected, rule);
        }
    }
}

#[test]
fn a_restart_changes_nothing() {
    restarted(
        "  - {threshold: A, expr: m, above: {w: 5, c: 8}, clear: {w: 3, c: 6}, for: 20s}\n",
        20,
    );
    restarted("  - {absence: A, expr: m, over: 1m, remember: 4m, for: 10s}\n", 10);
    restarted("  - {threshold: A, expr: 'm{i=\"a\"}', above: 5, on_no_data: fire}\n", 10);
}

#[test]
fn unit_tests_know_the_kinds() {
    let rules = file(
        "  - {threshold: Full, expr: disk, above: {warning: 80, critical: 95}, clear: {warning: 70}, annotations: {s: '{{ $value }} of {{ $threshold }}'}}\n  - {absence: Silent, expr: disk, over: 2m, labels: {team: t}}\n  - {prediction: Soon, expr: disk, over: 5m, limit: 100, within: 5m, direction: rising}\n  - {trend: Growing, expr: disk, over: 5m, rising_by: {amount: 60, per: 1h}}\n  - {anomaly: Odd, expr: disk, over: 5m}\n",
    );
    let tests = r#"
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'disk{d="a"}', values: '60 70 81 85 96 75 75 _x5'}
  alert_rule_test:
  - eval_time: 3m
    alertname: Full
    exp_alerts: [{exp_labels: {d: a, severity: warning}, exp_annotations: {s: 85 of 80}}]
  - eval_time: 4m
    alertname: Full
    exp_alerts: [{exp_labels: {d: a, severity: critical}, exp_annotations: {s: 96 of 95}}]
  - eval_time: 6m
    alertname: Full
    exp_alerts: [{exp_labels: {d: a, severity: warning}, exp_annotations: {s: 75 of 80}}]
  - {eval_time: 3m, alertname: Soon, exp_alerts: [{exp_labels: {d: a}}]}
  - {eval_time: 3m, alertname: Growing, exp_alerts: [{exp_labels: {d: a}}]}
  - {eval_time: 4m, alertname: Odd, exp_alerts: [{exp_labels: {d: a}}]}
  - {eval_time: 7m, alertname: Silent, exp_alerts: []}
  - {eval_time: 8m, alertname: Silent, exp_alerts: [{exp_labels: {d: a, team: t}}]}
"#;
    let groups = read_rules("r.yml", &rules, 60_000, &features()).unwrap();
    let tests = read_unit_tests("t.yml", tests).unwrap();
    assert_eq!(tests.run(&groups, features(), &|_| true), [""; 0]);
}

#[track_caller]
fn problems(rules: &str, expected: &Expect) {
    let found = read_rules("r.yml", &file(rules), 60_000, &features()).unwrap_err();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn every_problem_of_a_kind_is_told_with_line_and_key() {
    problems(
        "  - threshold: A\n    expr: m[5m]\n    abov: 5\n  - threshold: B\n    expr: m\n    above: {warning: x, critical: 9}\n    below: 3\n  - threshold: C\n    expr: m +\n    above: {w: 5, c: 5}\n    clear: {w: 6, x: 1}\n  - {threshold: D, expr: m, above: 5, clear: {w: 6}, minimum: {expr: n, abve: 3}}\n",
        &expect![[r#"
            r.yml line 5: groups[0].rules[0].threshold: a threshold needs above or below
            r.yml line 6: groups[0].rules[0].expr: range vector where a value per series is wanted
            r.yml line 7: groups[0].rules[0].abov: unknown key; did you mean above?
            r.yml line 10: groups[0].rules[1].above.warning: "x" is not a number (write 0.95, or one by severity: {warning: 0.8})
            r.yml line 13: groups[0].rules[2].expr: 1:4: parse error: unexpected end of input
            r.yml line 14: groups[0].rules[2].above: w and c have the same number; one would never be seen
            r.yml line 15: groups[0].rules[2].clear.w: 6 lies above 5, where the alert fires; it must lie on the quiet side
            r.yml line 15: groups[0].rules[2].clear.x: above has no severity "x"
            r.yml line 16: groups[0].rules[3].clear: write one number, as above has
            r.yml line 16: groups[0].rules[3].minimum.above: how much there must be is missing or wrong (write above: 10)
            r.yml line 16: groups[0].rules[3].minimum.abve: unknown key; did you mean above?"#]],
    );
    problems(
        "  - {threshold: A, alert: B, expr: m, above: 5}\n  - {trend: C, expr: m, over: 1h, rising_by: 5}\n  - {trend: D, expr: 'm[5m]', over: 1h, falling_by: {amount: -1}}\n  - {anomaly: E, expr: m, over: 1h, score: 3}\n  - {prediction: F, expr: m, over: 1h, direction: up}\n  - {absence: G, expr: 'rate(m[5m])'}\n  - {absence: H, expr: m, over: 2h, remember: 1h, on_no_data: fire}\n  - {alert: I, expr: m, on_no_data: fire, on_error: maybe}\n  - {record: j, expr: m, on_error: fire}\n  - {threshold: K, expr: m, above: {w: 5}, labels: {severity: page, x: '{{ $threshold }}'}}\n",
        &expect![[r#"
            r.yml line 5: groups[0].rules[0]: a rule has either record or alert; alert and threshold found
            r.yml line 6: groups[0].rules[1].rising_by: a number where {amount: 0.1, per: 1h} is wanted
            r.yml line 7: groups[0].rules[2].falling_by.amount: must be above 0
            r.yml line 7: groups[0].rules[2].falling_by.per: the time is missing (write per: 1h)
            r.yml line 7: groups[0].rules[2].over: the expression has a range already; leave one out
            r.yml line 8: groups[0].rules[3].score: 3 is no score; they lie between 0 and 1
            r.yml line 9: groups[0].rules[4].direction: there are rising and falling
            r.yml line 9: groups[0].rules[4].limit: the limit is missing (a number, or an expression that gives it)
            r.yml line 9: groups[0].rules[4].within: how soon is too soon is missing (write within: 24h)
            r.yml line 10: groups[0].rules[5].expr: an absence is of a selector, like up{job="api"}; for others write alert with absent()
            r.yml line 10: groups[0].rules[5].over: how long a series may be silent is missing (write over: 10m)
            r.yml line 11: groups[0].rules[6].remember: must be longer than over, 2h
            r.yml line 12: groups[0].rules[7].on_error: there are keep (alerts stay as they are) and fire
            r.yml line 12: groups[0].rules[7].on_no_data: whether there is data can be told of a comparison with a number only (or write a threshold)
            r.yml line 13: groups[0].rules[8]: for, keep_firing_for, annotations and mode belong to alerts only; so do on_error and on_no_data
            r.yml line 14: groups[0].rules[9].labels.severity: the severity comes from the numbers; leave this label out
            r.yml line 14: groups[0].rules[9].labels.x: template: line 1, column 4: undefined variable "$threshold""#]],
    );
}

#[test]
fn a_kind_without_the_functions_of_the_program_says_so() {
    let rules = file("  - {trend: A, expr: m, over: 1h, rising_by: {amount: 1, per: 1h}}\n");
    let found = read_rules("r.yml", &rules, 60_000, &Features::default()).unwrap_err();
    assert!(found[0].to_string().contains("unknown function with name \"trend\""), "{found:?}");
}

#[test]
fn the_promql_of_each_kind_is_shown() {
    let shown = |rule: &str| {
        let groups = read_rules("r.yml", &file(&format!("  - {{{rule}}}\n")), 60_000, &features());
        let rule = &groups.unwrap()[0].rules[0];
        assert!(parse(rule.query.text(), &features()).is_ok());
        format!("{}: {}", rule.kind_name(), rule.query.text())
    };
    let rules = [
        "alert: A, expr: m > 5",
        "threshold: A, expr: m / n, above: {w: 0.8, c: 0.95}",
        "threshold: A, expr: scalar(m), below: -1",
        "threshold: A, expr: m, above: 1, minimum: {expr: 'sum by (job) (rate(n[5m]))', above: 10}",
        "threshold: A, expr: m, above: 1, minimum: {expr: 'scalar(n)', above: 10}",
        "trend: A, expr: m, over: 6h, rising_by: {amount: 0.1, per: 1h}",
        "trend: A, expr: 'rate(m[5m])[6h:1m]', falling_by: {amount: 2, per: 1s}",
        "anomaly: A, expr: 'rate(m[5m])', over: 1d",
        "prediction: A, expr: m, over: 6h, limit: 0, within: 1d, direction: falling",
        "prediction: A, expr: m, over: 6h, limit: 'n{x=\"y\"}', within: {page: 4h, ticket: 1d}",
        "absence: A, expr: 'up{job=\"x\"}', over: 10m",
    ];
    expect![[r#"
        expression: m > 5
        threshold: (m / n) > 0.8
        threshold: vector(scalar(m)) < -1
        threshold: m > 1 and on (job) sum by (job) (rate(n[5m])) > 10
        threshold: m > 1 and on () vector(scalar(n)) > 10
        trend: trend(m[6h]) * 3600 > 0.1
        trend: trend(rate(m[5m])[6h:1m]) < -2
        anomaly: anomaly_score(rate(m[5m])[1d:4m]) > 0.5
        prediction: ((m <= 0) * 0 or time_to_breach(m[6h], 0)) < 86400
        prediction: time_to_breach((m - n{x="y"})[6h:1m], 0) < 86400
        absence: (last_over_time(up{job="x"}[1d]) unless present_over_time(up{job="x"}[10m])) or absent_over_time(up{job="x"}[1d])"#]].assert_eq(&rules.map(shown).join("\n"));
}

#[test]
fn any_bytes_are_survived_as_rules() {
    let mut random = Random(3);
    let text = file(&CASES.map(|(rule, _)| format!("  - {{{rule}}}\n")).concat());
    for _ in 0..400 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.splice(at..(at + 8).min(bytes.len()), [])),
                _ => bytes.insert(at, text.as_bytes()[random.below(text.len() as u64) as usize]),
            }
        }
        fuzz_rules(&bytes);
    }
}
