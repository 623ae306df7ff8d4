//! Alerts of others and silences in virtual time, across restarts and failing records.

use plimsoll_alert::{Posted, Silence, SilenceMatcher};
use plimsoll_records::{Change, DeliveryState, Records};

use super::{Bench, SLOW};

fn posted(i: &str, ends_at: Option<i64>) -> Posted {
    let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    Posted {
        labels: [pair("alertname", "Theirs"), pair("i", i)].into(),
        ends_at: ends_at.map(|s| s * 1_000),
        ..Posted::default()
    }
}

fn silence(i: &str, from: i64, to: i64) -> Silence {
    let matcher =
        SilenceMatcher { name: "i".into(), value: i.into(), is_regex: false, is_equal: true };
    Silence {
        matchers: vec![matcher],
        starts_at: from * 1_000,
        ends_at: to * 1_000,
        ..Silence::default()
    }
}

#[test]
fn alerts_of_others_are_told_once_across_restarts() {
    let mut bench = Bench::new("groups: []");
    bench.pass(10, &[]);
    bench.alerting.post(vec![posted("a", None), posted("b", Some(100))]).unwrap();
    bench.pass(10, &[]);
    bench.restart();
    bench.pass(100, &[]);
    bench.alerting.post(vec![posted("a", None)]).unwrap();
    bench.restart();
    bench.pass(30, &[]);
    assert_eq!(bench.alerting.routed().len(), 2, "b has its time again after the restart");
    bench.alerting.post(vec![posted("a", Some(150)), posted("b", Some(150))]).unwrap();
    bench.pass(100, &[]);
    let told = bench.told();
    assert_eq!(
        told,
        "11 \"firing\" a:\"firing\" b:\"firing\"\n191 \"resolved\" a:\"resolved\" b:\"resolved\"\n"
    );
    for kind in ["router_alert", "router_group"] {
        assert_eq!(bench.records.documents(kind).unwrap(), [], "{kind}");
    }
}

#[test]
fn silences_survive_a_restart_and_leave_a_trace() {
    let mut bench = Bench::new("groups: []");
    bench.pass(10, &[]);
    let id = bench.alerting.set_silence(silence("a", 10, 100)).unwrap();
    bench.alerting.post(vec![posted("a", Some(1_000)), posted("b", Some(1_000))]).unwrap();
    bench.restart();
    bench.pass(60, &[]);
    assert_eq!(bench.told(), "11 \"firing\" b:\"firing\"\n");
    assert_eq!(bench.alerting.silence(&id).unwrap().ends_at, 100_000);
    bench.pass(70, &[]);
    assert!(
        bench.told().ends_with("131 \"firing\" a:\"firing\" b:\"firing\"\n"),
        "{}",
        bench.told()
    );
    let again = bench.alerting.set_silence(Silence { id: id.clone(), ..silence("a", 140, 900) });
    let again = again.unwrap();
    assert_ne!(again, id, "what is over stays over");
    bench.alerting.expire_silence(&again).unwrap();
    bench.restart();
    let ends: Vec<i64> = bench.alerting.silences().iter().map(|s| s.ends_at / 1_000).collect();
    assert_eq!(ends, [140, 100]);
    let query = plimsoll_records::EventQuery { kind: Some("silence"), ..Default::default() };
    assert_eq!(bench.records.events(&query).unwrap().len(), 3, "made, made, ended");
}

#[test]
fn a_silence_for_which_there_is_no_room_stays_until_it_is_over() {
    let mut bench = Bench::new("groups: []");
    bench.pass(10, &[]);
    bench.alerting.set_silence(silence("a", 10, 100)).unwrap();
    // As a version with other bounds would have left it: a text that is too long.
    let large =
        Silence { id: "large".into(), comment: "x".repeat(70 << 10), ..silence("b", 10, 50) };
    bench
        .records
        .apply(&[Change::Put {
            kind: "silence".into(),
            id: large.id.clone(),
            time_ms: 10_000,
            author: "alerting".into(),
            body: serde_json::to_string(&large).unwrap(),
            expected: None,
            keep: 1,
        }])
        .unwrap();
    let kept = |bench: &Bench| -> Vec<usize> {
        vec![bench.alerting.silences().len(), bench.records.documents("silence").unwrap().len()]
    };
    bench.restart();
    bench.pass(60, &[]);
    assert_eq!(kept(&bench), [1, 2], "it mutes nothing and is not lost");
    bench.clock.advance(std::time::Duration::from_secs(5 * 86_400));
    bench.pass(60, &[]);
    assert_eq!(kept(&bench), [0, 1]);
    bench.restart();
    bench.pass(1, &[]);
    assert_eq!(kept(&bench), [0, 0], "it would have been forgotten by now");
}

#[test]
fn a_crash_between_any_two_records_tells_an_alert_of_others_once() {
    let run = |bench: &Bench| {
        bench.alerting.post(vec![posted("a", None)]).unwrap();
        bench.pass(20, &[]);
    };
    let whole = {
        let bench = Bench::new("groups: []");
        run(&bench);
        bench.records.applied()
    };
    assert!(whole >= 2, "{whole}");
    for after in 0..whole {
        let mut bench = Bench::new("groups: []");
        bench.records.fail_after(Some(after));
        run(&bench);
        bench.records.fail_after(None);
        bench.restart();
        run(&bench);
        let firing = bench.told().matches("a:\"firing\"").count();
        assert_eq!(firing, 1, "crash after {after} of {whole}: {}", bench.told());
    }
}

/// A group as versions before the router of alerts of others wrote it.
const EARLIER: &str = r#"{"labels":{"alertname":"Slow"},"alerts":{"{alertname=\"Slow\", i=\"a\"}":{
    "labels":{"alertname":"Slow","i":"a"},"annotations":{},"state":"firing","value":"9",
    "active_at":15000,"fired_at":25000,"resolved_at":null,"kept_since":null}},
    "next_at":86000,"told":{"at":26000,"firing":["{alertname=\"Slow\", i=\"a\"}"]}}"#;

#[test]
fn groups_of_an_earlier_version_go_on() {
    let mut bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    assert_eq!(bench.told(), "16 \"firing\" a:\"firing\"\n");
    // The same state as an earlier version would have left it.
    let gone = |kind: &str| {
        let all = bench.records.documents(kind).unwrap().into_iter();
        all.map(|d| Change::Remove { kind: d.kind, id: d.id }).collect::<Vec<_>>()
    };
    let mut changes = gone("router_alert");
    changes.extend(gone("router_group"));
    changes.push(Change::Put {
        kind: "alert_group".into(),
        id: "{}:{alertname=\"Slow\"}".into(),
        time_ms: 26_000,
        author: "alerting".into(),
        body: EARLIER.into(),
        expected: None,
        keep: 1,
    });
    bench.records.apply(&changes).unwrap();
    bench.restart();
    bench.pass(100, &[("a", 9.0)]);
    assert_eq!(bench.told().lines().count(), 1, "{}", bench.told());
    assert_eq!(bench.records.documents("alert_group").unwrap(), []);
    bench.pass(100, &[("a", 1.0)]);
    assert_eq!(bench.told().lines().count(), 2, "{}", bench.told());
    assert!(bench.records.deliveries(DeliveryState::Dead, 9).unwrap().is_empty());
}
