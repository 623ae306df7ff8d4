//! Unit tests of rules: what passes, what fails, what cannot be read.

use plimsoll_alert::{fuzz_unit_tests, read_unit_tests};

use super::*;

const RULES: &str = r#"
groups:
  - name: one
    rules:
      - record: job:m:sum
        expr: sum by (job) (m)
      - alert: High
        expr: job:m:sum > 10
        for: 2m
        labels: {severity: page, region: "{{ $externalLabels.region }}"}
        annotations: {summary: "{{ $labels.job }} at {{ $value }} of {{ $externalURL }}"}
      - alert: Gone
        expr: absent(m{job="b"})
        keep_firing_for: 3m
"#;

const TESTS: &str = r#"
rule_files: [rules.yml]
evaluation_interval: 1m
group_eval_order: [one]
fuzzy_compare: true
tests:
  - interval: 1m
    name: first
    external_labels: {region: eu}
    external_url: http://x.y
    input_series:
      - series: 'm{job="a", instance="1"}'
        values: '1+2x10 _x3 stale'
      - series: 'm{job="b"}'
        values: '1 1 stale _x2 1x10'
      - series: h
        values: '{{schema:0 count:4 sum:5 buckets:[1 2 1]}}+{{count:1 sum:1 buckets:[1]}}x4'
    alert_rule_test:
      - {eval_time: 6m, alertname: High}
      - eval_time: 7m30s
        alertname: High
        exp_alerts:
          - exp_labels: {job: a, severity: page, region: eu}
            exp_annotations: {summary: "a at 15 of http://x.y"}
      - {eval_time: 4m, alertname: Gone, exp_alerts: [{exp_labels: {job: b}}]}
    promql_expr_test:
      - expr: job:m:sum
        eval_time: 3m
        exp_samples: [{labels: 'job:m:sum{job="a"}', value: 7}]
      - expr: time() / 3
        eval_time: 100s
        exp_samples: [{value: 33.33333333333333}]
      - expr: h
        eval_time: 1m
        exp_samples: [{labels: h, histogram: '{{schema:0 count:5 sum:6 buckets:[2 2 1]}}'}]
"#;

fn run(tests: &str) -> Vec<String> {
    let tests = read_unit_tests("t.yml", tests).unwrap();
    let groups = read_rules("rules.yml", RULES, 60_000, &Features::default()).unwrap();
    tests.run(&groups, Features::default(), &|name| name == "first")
}

#[test]
fn what_is_as_expected_passes() {
    assert_eq!(run(TESTS), [""; 0]);
    assert_eq!(run(&TESTS.replace("name: first", "name: other").replace("eu", "us")), [""; 0]);
    let late =
        TESTS.replace("name: first", "name: first\n    start_timestamp: 2026-11-21T00:00:00Z");
    let at = "1795219300";
    assert_eq!(
        run(&late.replace("33.33333333333333", &format!("{at}.0")).replace("/ 3", "/ 1")),
        [""; 0]
    );
}

#[test]
fn what_is_not_is_told_as_promtool_does() {
    let failing = TESTS
        .replace("{job: b}", "{job: c}")
        .replace("value: 7", "value: 8")
        .replace("fuzzy_compare: true", "fuzzy_compare: false");
    check(
        &format!("failures:\n{}\n", run(&failing).join("\n\n")),
        &expect![[r#"
            failures:
                name: first,
                alertname: Gone, time: 4m, 
                    exp:[
                        0:
                          Labels:{alertname="Gone", job="c"}
                          Annotations:{}
                        ], 
                    got:[
                        0:
                          Labels:{alertname="Gone", job="b"}
                          Annotations:{}
                        ]

                expr: "job:m:sum", time: 3m,
                    exp: {__name__="job:m:sum", job="a"} 8E+00
                    got: {__name__="job:m:sum", job="a"} 7E+00

                expr: "time() / 3", time: 1m40s,
                    exp: {} 3.333333333333333E+01
                    got: {} 3.3333333333333336E+01
        "#]],
    );
}

#[test]
fn problems_are_told_with_line_and_key() {
    let text = "group_eval_order: [a, a]\nfuzzi_compare: true\ntests:\n- input_series:\n  - {series: 'm{', values: '1x5'}\n  - {series: n, values: '1+x'}\n  alert_rule_test:\n  - {eval_time: 10m}\n  promql_expr_test:\n  - {expr: m, exp_samples: [{labels: m, value: many}]}\n";
    let found = read_unit_tests("t.yml", text).unwrap_err();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    check(
        &lines.join("\n"),
        &expect![[r#"
        t.yml line 1: group_eval_order: group name repeated in evaluation order: a
        t.yml line 2: fuzzi_compare: unknown key; did you mean fuzzy_compare?
        t.yml line 5: tests[0].input_series[0].series: 1:3: parse error: unexpected end of input inside braces
        t.yml line 6: tests[0].input_series[1].values: "+x" is no number
        t.yml line 8: tests[0].alert_rule_test[0].alertname: an item under alert_rule_test misses required attribute alertname at eval_time 10m
        t.yml line 10: tests[0].promql_expr_test[0].exp_samples[0].value: "many" is not a number"#]],
    );
}

#[test]
fn any_bytes_are_survived_as_tests() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..300 {
        let mut bytes = TESTS.as_bytes().to_vec();
        for _ in 0..1 + next() % 8 {
            let at = (next() % bytes.len() as u64) as usize;
            match next() % 3 {
                0 => bytes[at] = next() as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, TESTS.as_bytes()[(next() % TESTS.len() as u64) as usize]),
            }
        }
        fuzz_unit_tests(&bytes);
    }
}
