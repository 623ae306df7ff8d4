//! The router in virtual time: what happens, line by line, and what is sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::config::read_file;

fn notice(labels: &str, at: Timestamp, ends_at: Option<Timestamp>) -> Notice {
    let labels: BTreeMap<String, String> = labels
        .split(',')
        .filter_map(|l| l.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    Notice { labels, starts_at: at, ends_at, updated_at: at, ..Notice::default() }
}

struct Bench {
    router: Router,
    silence: u32,
    out: String,
    last: Option<Notification>,
}

/// A router with `extra` in its configuration; groups wait 1 s, then 60 s; repeats after 10 min.
fn bench(extra: &str) -> Bench {
    let text = format!(
        "receivers:\n- name: hook\n  webhook_configs: [{{url: 'http://h'}}]\n- name: other\n  \
         webhook_configs: [{{url: 'http://o', send_resolved: false}}]\nroute:\n  receiver: hook\n  \
         group_by: [alertname]\n  group_wait: 1s\n  group_interval: 1m\n  repeat_interval: \
         10m\n{extra}"
    );
    let loaded = read_file("am.yml", &text, &[]).unwrap();
    Bench { router: Router::new(loaded.routing), silence: 0, out: String::new(), last: None }
}

impl Bench {
    /// Lines of `seconds what labels`; messages that are due are printed.
    fn run(&mut self, spec: &str) {
        for line in spec.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let now = words[0].parse::<i64>().unwrap() * 1_000;
            match words[1] {
                "fire" => _ = self.router.put(notice(words[2], now, None), now),
                "until" => {
                    let end = words[3].parse::<i64>().unwrap() * 1_000;
                    self.router.put(notice(words[2], now, Some(end)), now);
                }
                "resolve" => {
                    let over = Notice { starts_at: 0, ..notice(words[2], now, Some(now)) };
                    self.router.put(over, now);
                }
                "silence" => {
                    let (name, value) = words[2].split_once('=').unwrap();
                    let matcher = SilenceMatcher {
                        name: name.into(),
                        value: value.into(),
                        is_regex: false,
                        is_equal: true,
                    };
                    let ends_at = words[3].parse::<i64>().unwrap() * 1_000;
                    let wish = Silence { matchers: vec![matcher], ends_at, ..Silence::default() };
                    self.silence += 1;
                    self.router.set_silence(wish, format!("s{}", self.silence), now).unwrap();
                }
                "restart" => self.restart(now),
                "refused" => {
                    let key = self.last.as_ref().unwrap().key.clone();
                    self.router.refused(&key, now);
                }
                "care" | "nobody" => {
                    let fp = notice(words[2], 0, None).fingerprint();
                    let by = acknowledge::Acknowledged { at: now, ..Default::default() };
                    let by = (words[1] == "care").then_some(by);
                    self.router.acknowledge(fp, by, now).unwrap();
                }
                "tick" => {}
                other => panic!("{other}"),
            }
            for n in self.router.due(now).0 {
                let one = |a: &Notice| {
                    let sign = if a.ends_at.is_some() { "-" } else { "+" };
                    let i = a.labels.get("i").map_or("?", String::as_str);
                    format!("{sign}{i}")
                };
                let list: Vec<String> = n.alerts.iter().map(one).collect();
                let repeat = if n.is_repeat { " again" } else { "" };
                let (to, group) = (&n.receiver, &n.group_key);
                writeln!(self.out, "{} {to} {group} {}{repeat}", words[0], list.join(" ")).unwrap();
                self.last = Some(n);
            }
        }
    }

    fn restart(&mut self, now: Timestamp) {
        let kept = self.router.take_changed();
        let mut router = Router::new(Arc::clone(self.router.routing()));
        let copy = |t: &str| t.to_owned();
        let mut groups = Vec::new();
        for one in kept {
            match one {
                Kept::Notice(_, Some(n)) => {
                    let text = serde_json::to_string(&n).unwrap();
                    router.restore_notice(serde_json::from_str(&text).unwrap(), 900_000, now);
                }
                Kept::Group(id, Some(g)) => {
                    groups.push((copy(&id), serde_json::to_string(&g).unwrap()))
                }
                Kept::Silence(_, Some(s)) => router.restore_silence(s).unwrap(),
                _ => {}
            }
        }
        for (id, text) in groups {
            router.restore_group(id, serde_json::from_str(&text).unwrap());
        }
        router.set_routing(Arc::clone(self.router.routing()), now);
        self.router = router;
    }
}

#[track_caller]
fn check_with(extra: &str, spec: &str, expected: &Expect) {
    let mut bench = bench(extra);
    bench.run(spec);
    expected.assert_eq(&bench.out);
}

#[track_caller]
fn check(spec: &str, expected: &Expect) {
    check_with("", spec, expected);
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
         660 tick
         661 tick
         700 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            61 hook {}:{alertname="A"} +1 +2
            661 hook {}:{alertname="A"} +1 +2 again
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
            11 hook {}:{alertname="B"} +1
            71 hook {}:{alertname="B"} -1
        "#]],
    );
}

#[test]
fn a_restart_tells_nothing_twice() {
    check(
        "0 fire alertname=A,i=1
         1 tick
         2 restart
         2 fire alertname=A,i=1
         30 tick
         61 tick
         62 resolve alertname=A,i=1
         121 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            121 hook {}:{alertname="A"} -1
        "#]],
    );
}

#[test]
fn a_restart_does_not_move_an_end_that_was_told_far_ahead() {
    check(
        "0 until alertname=A,i=1 28800
         1 tick
         25200 restart
         28700 tick
         28801 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            25200 hook {}:{alertname="A"} +1 again
            28700 hook {}:{alertname="A"} +1 again
            28801 hook {}:{alertname="A"} -1
        "#]],
    );
}

#[test]
fn who_raises_alerts_has_time_to_come_back_after_a_restart() {
    check(
        "0 until alertname=A,i=1 240
         1 tick
         500 restart
         500 tick
         561 tick
         740 tick
         740 tick
         810 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            740 hook {}:{alertname="A"} -1
        "#]],
    );
}

const INHIBIT: &str = "inhibit_rules:\n- source_matchers: [alertname=Down]\n  target_matchers: \
                       [alertname=Slow]\n  equal: [job]\n";

#[test]
fn what_is_inhibited_or_silenced_is_left_out_while_it_is() {
    check_with(
        INHIBIT,
        "0 fire alertname=Slow,i=1,job=j
         0 fire alertname=Slow,i=2,job=k
         0 fire alertname=Down,i=3,job=j
         1 tick
         61 tick
         62 resolve alertname=Down,i=3,job=j
         121 tick
         130 silence i=2 200
         140 resolve alertname=Slow,i=1,job=j
         181 tick
         241 tick",
        &expect![[r#"
            1 hook {}:{alertname="Down"} +3
            1 hook {}:{alertname="Slow"} +2
            121 hook {}:{alertname="Down"} -3
            121 hook {}:{alertname="Slow"} +1 +2
            181 hook {}:{alertname="Slow"} -1
            241 hook {}:{alertname="Slow"} +2
        "#]],
    );
}

#[test]
fn routes_lead_to_receivers_with_what_they_want() {
    check_with(
        "  routes:\n  - matchers: [t=x]\n    receiver: other\n    continue: true\n  - matchers: \
         [t=x]\n    group_by: ['...']\n    group_wait: 2s\n",
        "0 fire alertname=A,i=1,t=x
         0 fire alertname=A,i=2
         1 tick
         2 tick
         3 resolve alertname=A,i=1,t=x
         70 tick",
        &expect![[r#"
            1 other {}/{t="x"}:{alertname="A"} +1
            1 hook {}:{alertname="A"} +2
            2 hook {}/{t="x"}:{alertname="A", i="1", t="x"} +1
            70 hook {}/{t="x"}:{alertname="A", i="1", t="x"} -1
        "#]],
    );
}

#[test]
fn the_calendar_mutes_and_the_group_tells_afterwards() {
    // 1970-01-01 was a Thursday.
    check_with(
        "  routes:\n  - matchers: [t=x]\n    mute_time_intervals: [early]\n  - matchers: [t=y]\n    \
         active_time_intervals: [early]\ntime_intervals:\n- name: early\n  time_intervals: [{times: \
         [{start_time: '00:00', end_time: '00:02'}], weekdays: [thursday]}]\n",
        "0 fire alertname=A,i=1,t=x
         0 fire alertname=A,i=2,t=y
         1 tick
         61 tick
         121 tick
         122 resolve alertname=A,i=2,t=y
         181 tick",
        &expect![[r#"
            1 hook {}/{t="y"}:{alertname="A"} +2
            121 hook {}/{t="x"}:{alertname="A"} +1
        "#]],
    );
}

#[test]
fn what_was_refused_is_told_anew_at_the_next_look() {
    check(
        "0 fire alertname=A,i=1
         1 tick
         2 refused
         3 tick
         61 tick
         62 resolve alertname=A,i=1
         121 tick
         122 refused
         123 tick
         182 tick
         300 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            61 hook {}:{alertname="A"} +1
            121 hook {}:{alertname="A"} -1
            182 hook {}:{alertname="A"} -1
        "#]],
    );
}

#[test]
fn what_is_refused_after_a_restart_is_told_anew_too() {
    check(
        "0 fire alertname=A,i=1
         1 tick
         2 restart
         2 fire alertname=A,i=1
         3 refused
         4 tick
         61 tick
         122 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1
            61 hook {}:{alertname="A"} +1
        "#]],
    );
}

#[test]
fn another_configuration_keeps_what_was_told() {
    let mut bench = bench("");
    bench.run("0 fire alertname=A,i=1\n0 fire alertname=A,i=2\n1 tick");
    let text = "receivers: [{name: hook, webhook_configs: [{url: 'http://h'}]}]\nroute: {receiver: \
                hook, group_by: [i], group_wait: 1s, group_interval: 1m, repeat_interval: 10m}\n";
    bench.router.set_routing(read_file("am.yml", text, &[]).unwrap().routing, 5_000);
    bench.run("6 tick\n70 tick\n80 resolve alertname=A,i=1\n140 tick");
    expect![[r#"
        1 hook {}:{alertname="A"} +1 +2
        140 hook {}:{i="1"} -1
    "#]]
    .assert_eq(&bench.out);
}

#[test]
fn at_the_bound_alerts_share_a_group() {
    let mut bench = bench("");
    for i in 0..GROUPS_MAX + 3 {
        bench.router.put(notice(&format!("alertname=A{i},i={i}"), 0, None), 0);
    }
    assert_eq!(bench.router.groups.len(), GROUPS_MAX + 1);
    assert_eq!(bench.router.groups["{}:{}"].alerts.len(), 3);
    let (messages, _) = bench.router.due(1_000);
    assert_eq!(messages.len(), GROUPS_MAX + 1);
}

#[test]
fn a_clock_that_is_set_back_holds_up_nothing_for_long() {
    let mut bench = bench("");
    bench
        .run("1000 fire alertname=A,i=1\n1001 tick\n1002 resolve alertname=A,i=1\n5 tick\n65 tick");
    // What was told in the future is told once more; its repeats do not wait for that future.
    let told = "1001 hook {}:{alertname=\"A\"} +1\n65 hook {}:{alertname=\"A\"} +1 again\n";
    assert_eq!(bench.out, told);
    bench.run("1070 tick");
    assert!(bench.out.ends_with("1070 hook {}:{alertname=\"A\"} -1\n"), "{}", bench.out);
}

#[test]
fn what_somebody_takes_care_of_is_not_said_again() {
    check(
        "0 fire alertname=A,i=1
         0 fire alertname=A,i=2
         1 tick
         10 care alertname=A,i=1
         601 tick
         610 care alertname=A,i=2
         1201 tick
         1810 restart
         1810 fire alertname=A,i=1
         1810 fire alertname=A,i=2
         1861 tick
         1900 fire alertname=A,i=3
         1921 tick
         1930 care alertname=A,i=3
         1940 resolve alertname=A,i=1
         1981 tick
         4000 tick
         4001 nobody alertname=A,i=2
         4021 tick",
        &expect![[r#"
            1 hook {}:{alertname="A"} +1 +2
            601 hook {}:{alertname="A"} +1 +2 again
            1921 hook {}:{alertname="A"} +1 +2 +3
            1981 hook {}:{alertname="A"} -1 +2 +3
            4021 hook {}:{alertname="A"} +2 +3 again
        "#]],
    );
}

#[test]
fn care_ends_with_the_alert() {
    let mut bench = bench("");
    bench.run("0 fire alertname=A,i=1\n1 tick\n2 care alertname=A,i=1");
    let fp = notice("alertname=A,i=1", 0, None).fingerprint();
    bench.run("3 fire alertname=A,i=1");
    assert!(bench.router.notice(fp).unwrap().acknowledged.is_some(), "it goes on");
    bench.run("4 resolve alertname=A,i=1");
    assert!(bench.router.acknowledge(fp, None, 5_000).is_err(), "it is over");
    bench.run("5 fire alertname=A,i=1");
    assert_eq!(bench.router.notice(fp).unwrap().acknowledged, None);
    assert!(bench.router.acknowledge(1, None, 5_000).is_err(), "never known");
}

/// A receiver with two integrations, and a second route to another receiver.
fn two_integrations() -> Bench {
    let text = "receivers:\n- name: two\n  webhook_configs: [{url: 'http://a'}, {url: 'http://b'}]\n- \
                name: other\n  webhook_configs: [{url: 'http://o'}]\nroute:\n  receiver: two\n  \
                group_by: [alertname]\n  group_wait: 1s\n  group_interval: 1m\n  repeat_interval: \
                10m\n  routes:\n  - matchers: [t=x]\n    receiver: two\n    continue: true\n  - \
                matchers: [t=x]\n    receiver: other\n";
    let loaded = read_file("am.yml", text, &[]).unwrap();
    Bench { router: Router::new(loaded.routing), silence: 0, out: String::new(), last: None }
}

/// Lets what the first integration says last be refused, and counts who hears that alert 1 is over.
fn ends_after_a_refusal(others: &str) -> Vec<String> {
    let mut bench = two_integrations();
    let mut heard = Vec::new();
    bench.router.put(notice("alertname=A,i=1,t=x", 0, None), 0);
    if !others.is_empty() {
        bench.router.put(notice(others, 0, None), 0);
    }
    bench.router.due(1_000);
    let over = Notice { starts_at: 0, ..notice("alertname=A,i=1,t=x", 2_000, Some(2_000)) };
    bench.router.put(over, 2_000);
    for second in (61..1_200).step_by(60) {
        for n in bench.router.due(second * 1_000).0 {
            let is_over = n.alerts.iter().any(|a| a.ends_at.is_some());
            if is_over {
                heard.push(format!("{second} {} {}", n.receiver, n.integration));
            }
            if is_over && second == 61 && n.integration == "webhook/0" && n.receiver == "two" {
                bench.router.refused(&n.key, second * 1_000 + 1);
            } else {
                bench.router.delivered(&n.key);
            }
        }
    }
    heard
}

#[test]
fn only_who_refused_hears_again_that_an_alert_is_over() {
    let once = ["61 other webhook/0", "61 two webhook/0", "61 two webhook/1"];
    for others in ["", "alertname=A,i=2,t=x"] {
        let mut heard = ends_after_a_refusal(others);
        let again = heard.pop().unwrap();
        heard.sort();
        assert_eq!(heard, once, "{others}");
        assert!(again.ends_with(" two webhook/0"), "{others}: {again}");
    }
}

#[test]
fn an_alert_of_the_shared_group_stays_there_when_there_is_room() {
    let mut bench = bench("");
    for i in 0..=GROUPS_MAX {
        bench.router.put(notice(&format!("alertname=A{i},i={i}"), 0, None), 0);
    }
    let last = format!("alertname=A{GROUPS_MAX},i={GROUPS_MAX}");
    assert_eq!(bench.router.due(1_000).0.len(), GROUPS_MAX + 1);
    for i in 0..10 {
        let over = notice(&format!("alertname=A{i},i={i}"), 2_000, Some(2_000));
        bench.router.put(Notice { starts_at: 0, ..over }, 2_000);
    }
    bench.router.due(62_000);
    // It ends and fires again before its group is looked at.
    bench.router.put(Notice { starts_at: 0, ..notice(&last, 63_000, Some(63_000)) }, 63_000);
    bench.router.put(notice(&last, 64_000, None), 64_000);
    let routing = Arc::clone(bench.router.routing());
    bench.router.set_routing(Arc::new((*routing).clone()), 65_000);
    let told: Vec<_> = bench.router.due(130_000).0;
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(bench.router.groups["{}:{}"].alerts.len(), 1);
}

#[test]
fn texts_of_others_are_bounded_together() {
    let mut bench = bench("");
    let large = |i: usize, bytes: usize| Notice {
        annotations: [("a".to_owned(), "x".repeat(bytes))].into(),
        ..notice(&format!("alertname=A,i={i}"), 0, Some(1 << 40))
    };
    let each = 1 << 20;
    let mut taken = 0;
    while bench.router.post(large(taken, each), 0) == Put::New {
        taken += 1;
    }
    assert_eq!(taken, NOTICE_BYTES_MAX / each - 1, "the labels take room too");
    assert_eq!(bench.router.counts().refused, 1);
    assert_eq!(bench.router.post(large(0, each + each), 0), Put::Same, "old texts stay");
    assert_eq!(bench.router.put(large(taken, 10), 0), Put::New, "own alerts are taken");
    let fp = large(0, 0).fingerprint();
    bench.router.post(large(0, 1), 0);
    assert_eq!(bench.router.notice(fp).unwrap().annotations["a"], "x");
    assert_eq!(bench.router.post(large(taken + 1, each), 0), Put::New, "there is room again");
}
