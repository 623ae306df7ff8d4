//! `plimsoll rules test` beside Debian's promtool, and `plimsoll rules backtest` against a server.

use std::path::Path;
use std::process::{Command, Output};

use plimsoll_model::Labels;
use plimsoll_wire::remote_write::Encoder;

use crate::load::now_ms;
use crate::peer;
use crate::plimsoll::{Home, binary};

const RULES: &str = include_str!("../../../../fixtures/rules/rules.yml");
const TESTS: &str = include_str!("../../../../fixtures/rules/tests.yml");

/// What fails, by what is written instead.
const CHANGES: [(&str, &str); 6] = [
    ("{job: b}", "{job: c}"),
    ("value: 7", "value: -8e-5"),
    ("sum(m)/3", "sum(m)/7"),
    ("'time()'", "'m[5m]'"),
    ("a at 15", "a \\\"at\\\" 16"),
    ("'time()'", "'sum('"),
];

fn run(program: &Path, args: &[&str], dir: &Path) -> Output {
    Command::new(program).args(args).arg("t.yml").current_dir(dir).output().unwrap()
}

#[test]
fn unit_tests_have_promtools_output() {
    let ours = &binary();
    let home = Home::new();
    home.write("rules.yml", RULES);
    let file = home.write("t.yml", TESTS);
    let dir = file.parent().unwrap();
    let passed = run(ours, &["rules", "test"], dir);
    let said = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert!(passed.status.success() && said.contains("  SUCCESS\n"), "{said}");
    let one = TESTS.replace(CHANGES[0].0, CHANGES[0].1);
    home.write("t.yml", &one);
    assert_eq!(run(ours, &["rules", "test"], dir).status.code(), Some(1));
    assert!(run(ours, &["rules", "test", "--run", "second"], dir).status.success());
    let Some(promtool) = peer::program("promtool") else { return };
    let mut all = vec![TESTS.to_owned()];
    all.extend(CHANGES.map(|(from, to)| TESTS.replace(from, to)));
    for text in all {
        home.write("t.yml", &text);
        let (a, b) = (run(ours, &["rules", "test"], dir), run(&promtool, &["test", "rules"], dir));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&a.stdout), text(&b.stdout));
        assert_eq!(text(&a.stderr), text(&b.stderr));
        assert_eq!(a.status.code(), b.status.code());
    }
}

#[test]
fn a_server_replays_a_file_of_rules() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let minute = 60_000;
    let now = now_ms() / minute * minute;
    let times: Vec<i64> = (0..60).map(|i| now - (60 - i) * minute).collect();
    let values: Vec<f64> = (0..60).map(|i| if (20..40).contains(&i) { 9.0 } else { 1.0 }).collect();
    let mut encoder = Encoder::new();
    encoder.series(Labels::new([("__name__", "m")]).unwrap().as_ref(), &times, &values);
    assert_eq!(server.write(&encoder.finish()).status, 204);
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: m > 5, for: 5m}\n";
    let file = home.write("rules.yml", rules);
    let url = format!("http://127.0.0.1:{}", server.port);
    let seconds = |ms: i64| (ms / 1000).to_string();
    let ask = |more: &[&str]| {
        Command::new(binary())
            .args(["rules", "backtest", "--server", &url])
            .args(["--start", &seconds(now - 60 * minute), "--end", &seconds(now - minute)])
            .args(more)
            .output()
            .unwrap()
    };
    let file = file.display().to_string();
    let out = ask(&[&file, "--json"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let episodes = answer["rules"][0]["episodes"].as_array().unwrap();
    assert_eq!(episodes.len(), 1, "{answer}");
    assert_eq!(episodes[0]["pending_since"], now - 40 * minute);
    assert_eq!(episodes[0]["firing_since"], now - 35 * minute);
    assert_eq!(episodes[0]["resolved_at"], now - 20 * minute);
    assert_eq!(answer["rules"][0]["pages"]["count"], 1);
    assert!(answer["rules"][0]["curve"]["cells"].as_array().unwrap().len() > 6, "{answer}");
    let out = ask(&[&file]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("1 pages") && said.contains("pages by threshold"), "{said}");
    let wrong =
        home.write("wrong.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: m >}\n");
    let out = ask(&[&wrong.display().to_string()]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success() && said.contains("line 4: groups[0].rules[0].expr"), "{said}");
    let out = ask(&["--rule", "nobody"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("no alerting rule"));
    server.stop();
}
