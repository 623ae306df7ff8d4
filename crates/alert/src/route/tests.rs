//! The router in virtual time: what happens, line by line, and what is sent.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

fn alert(labels: &str, state: AlertState, at: Timestamp) -> Alert {
    let labels: BTreeMap<String, String> = labels
        .split(',')
        .filter_map(|l| l.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    Alert {
        labels,
        annotations: BTreeMap::new(),
        state,
        value: 1.0,
        active_at: at,
        fired_at: Some(at),
        resolved_at: (state == AlertState::Inactive).then_some(at),
        kept_since: None,
    }
}

/// Lines of `seconds fire|resolve labels` or `seconds tick`; messages that are due are printed.
#[track_caller]
fn check(spec: &str, expected: &Expect) {
    let mut router = Router::new(Route {
        receiver: "hook".into(),
        group_by: vec!["alertname".into()],
        group_wait_ms: 1_000,
        group_interval_ms: 60_000,
        repeat_interval_ms: 600_000,
    });
    let mut out = String::new();
    for line in spec.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let now = words[0].parse::<i64>().unwrap() * 1_000;
        let (from, to) = match words[1] {
            "fire" => (AlertState::Pending, AlertState::Firing),
            _ => (AlertState::Firing, AlertState::Inactive),
        };
        match words[1] {
            "restart" => {
                let kept = router.take_changed();
                let text = serde_json::to_string(&kept).unwrap();
                router = Router::new(router.route.clone());
                let kept: Vec<(String, Option<Group>)> = serde_json::from_str(&text).unwrap();
                for (key, group) in kept {
                    router.restore(key, group.unwrap());
                }
            }
            "tick" => {}
            _ => {
                let alert = alert(words[2], to, now);
                let step = Transition { at: now, from, to, alert };
                router.observe(now, &RouterEvent::Moved(&step));
            }
        }
        for n in router.due(now).0 {
            let list: Vec<String> = n
                .alerts
                .iter()
                .map(|a| format!("{}{}", if a.resolved_at.is_some() { "-" } else { "+" }, a.key()))
                .collect();
            writeln!(out, "{} {} {}", words[0], n.group_key, list.join(" ")).unwrap();
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn a_group_waits_then_tells_what_joined_and_repeats() {
    check(
        "0 fire alertname=A,i=1
         1 tick
         2 fire alertname=A,i=2
         30 tick
         61 tick
         200 tick
         661 tick
         700 tick",
        &expect![[r#"
            1 {}:{alertname="A"} +{alertname="A", i="1"}
            61 {}:{alertname="A"} +{alertname="A", i="1"} +{alertname="A", i="2"}
            661 {}:{alertname="A"} +{alertname="A", i="1"} +{alertname="A", i="2"}
        "#]],
    );
}

#[test]
fn resolved_is_told_once_and_never_before_it_fired() {
    check(
        "0 fire alertname=A,i=1
         0 resolve alertname=A,i=1
         1 tick
         10 fire alertname=B,i=1
         11 tick
         20 resolve alertname=B,i=1
         21 tick
         71 tick
         140 tick",
        &expect![[r#"
            11 {}:{alertname="B"} +{alertname="B", i="1"}
            71 {}:{alertname="B"} -{alertname="B", i="1"}
        "#]],
    );
}

#[test]
fn a_restart_tells_nothing_twice() {
    check(
        "0 fire alertname=A,i=1
         1 tick
         2 restart
         30 tick
         61 tick
         62 resolve alertname=A,i=1
         121 tick",
        &expect![[r#"
            1 {}:{alertname="A"} +{alertname="A", i="1"}
            121 {}:{alertname="A"} -{alertname="A", i="1"}
        "#]],
    );
}
