//! Unit tests of rules: what passes, what fails, what cannot be read.

use plimsoll_alert::{fuzz_unit_tests, read_unit_tests};

use super::*;

const RULES: &str = include_str!("../../../../fixtures/rules/rules.yml");
const TESTS: &str = include_str!("../../../../fixtures/rules/tests.yml");

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
    assert_eq!(run(&late.replace("value: 90", "value: 1795219290")), [""; 0]);
    let h = "{expr: h, eval_time: 1m, exp_samples: [{labels: h, histogram: \
             '{{schema:0 count:5 sum:6 buckets:[2 2 1]}}'}]}\n";
    let more = TESTS.replace("- {expr: 'time()'", &format!("- {h}      - {{expr: 'time()'"));
    let series = "{series: h, values: \
                  '{{schema:0 count:4 sum:5 buckets:[1 2 1]}}+{{count:1 sum:1 buckets:[1]}}x4'}\n";
    let more = more.replace("- {series: c_total", &format!("- {series}      - {{series: c_total"));
    assert_eq!(run(&more), [""; 0]);
}

#[test]
fn neighbouring_numbers_are_equal_when_it_is_asked_for() {
    let near = TESTS.replace("value: 1.3333333333333333}", "value: 1.3333333333333335}");
    assert_eq!(run(&near).len(), 1);
    let fuzzy = near.replace("tests:\n", "fuzzy_compare: true\ntests:\n");
    assert_eq!(run(&fuzzy), [""; 0]);
}

#[test]
fn what_is_not_is_told_as_promtool_does() {
    let failing = TESTS
        .replace("{job: b}", "{job: c}")
        .replace("value: 7", "value: 8")
        .replace("value: 90", "value: 90.00000000000001");
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

                expr: "time()", time: 1m30s,
                    exp: {} 9.000000000000001E+01
                    got: {} 9E+01
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
