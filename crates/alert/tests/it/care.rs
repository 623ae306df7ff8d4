//! Acknowledgement, history and incidents in virtual time, across restarts and failing records.

use plimsoll_alert::history::{EpisodeQuery, IncidentState, Stage};
use plimsoll_alert::{AcknowledgeError, AlertOrder, AlertsAsked, Posted, Silence, SilenceMatcher};
use plimsoll_records::{EventQuery, Records};

use super::{Bench, SLOW};

const ALL: AlertsAsked = AlertsAsked { stage: None, limit: 100, order: AlertOrder::Newest };

fn fingerprint(bench: &Bench, i: &str) -> u64 {
    let all = bench.alerting.alerts(ALL).alerts;
    let found = all.iter().find(|a| a.episode.labels.get("i").is_some_and(|v| v == i));
    found.unwrap_or_else(|| panic!("no alert {i}: {all:?}")).episode.fingerprint
}

fn everything() -> EpisodeQuery {
    EpisodeQuery { limit: 1_000, ..EpisodeQuery::default() }
}

/// Steps of all episodes, by alert: second and stage.
fn steps(bench: &Bench) -> Vec<String> {
    let (all, _) = bench.alerting.episodes(&everything()).unwrap();
    let one = |e: &plimsoll_alert::history::Episode| {
        let steps = e.moments.iter().map(|m| format!("{} {}", m.at / 1_000, m.to.as_str()));
        format!("{}: {}", e.labels["i"], steps.collect::<Vec<_>>().join(", "))
    };
    let mut lines: Vec<String> = all.iter().map(one).collect();
    lines.sort();
    lines
}

#[test]
fn a_pending_alert_cannot_be_acknowledged_and_one_that_fires_can() {
    let mut bench = Bench::new(SLOW);
    bench.pass(8, &[("a", 9.0)]);
    let fp = fingerprint(&bench, "a");
    let not = bench.alerting.acknowledge(fp, "me", "").unwrap_err();
    assert!(matches!(not, AcknowledgeError::NotFiring(_)), "{not}");
    let not = bench.alerting.acknowledge(1, "me", "").unwrap_err();
    assert!(matches!(not, AcknowledgeError::Unknown(_)), "{not}");
    bench.pass(10, &[("a", 9.0)]);
    let seen = bench.alerting.acknowledge(fp, "me", "on it").unwrap();
    assert_eq!(seen.episode.stage, Stage::Acknowledged);
    assert_eq!(
        (seen.receivers, seen.episode.annotations["summary"].as_str()),
        (vec!["hook".to_owned()], "a is at 9")
    );
    assert_eq!(bench.value("ALERTS{alertstate=\"firing\"}"), [1.0], "as Prometheus writes it");
    bench.restart();
    bench.pass(5, &[("a", 9.0)]);
    let view = bench.alerting.alerts(ALL);
    assert_eq!(view.counts, [0, 0, 1, 0]);
    assert_eq!(view.alerts[0].episode.acknowledged.as_ref().unwrap().note, "on it");
    bench.alerting.unacknowledge(fp, "").unwrap();
    assert_eq!(bench.alerting.alerts(ALL).counts, [0, 1, 0, 0]);
    let query = EventQuery { kind: Some("alert_acknowledgement"), ..EventQuery::default() };
    let events = bench.records.events(&query).unwrap();
    assert_eq!(events.len(), 2);
    assert!(events[1].body.contains("\"by\":\"me\"") && events[1].body.contains("on it"));
}

#[test]
fn the_most_urgent_come_first_and_are_left_when_there_is_room_for_few() {
    let bench = Bench::new("groups: []");
    let post = |i: &str, severity: &str| {
        let labels = [("alertname", "X"), ("i", i), ("severity", severity)];
        let labels = labels.map(|(n, v)| (n.into(), v.into())).into();
        let posted = Posted { labels, ends_at: Some(1_000_000), ..Posted::default() };
        bench.alerting.post(vec![posted]).unwrap();
        bench.clock.advance(std::time::Duration::from_secs(1));
    };
    let matcher =
        SilenceMatcher { name: "i".into(), value: "q".into(), is_regex: false, is_equal: true };
    let silence = Silence { matchers: vec![matcher], ends_at: 1_000_000, ..Silence::default() };
    bench.alerting.set_silence(silence).unwrap();
    let all = [("q", "critical"), ("w1", "warning"), ("c", "critical"), ("a", "critical")];
    for (i, severity) in [&all[..], &[("n", "info"), ("w2", "warning")]].concat() {
        post(i, severity);
    }
    bench.alerting.acknowledge(fingerprint(&bench, "a"), "me", "").unwrap();
    let told = |order, limit| -> Vec<String> {
        let found = bench.alerting.alerts(AlertsAsked { stage: None, limit, order });
        assert_eq!(found.total, 6);
        found.alerts.iter().map(|a| a.episode.labels["i"].clone()).collect()
    };
    assert_eq!(told(AlertOrder::Newest, 100), ["w2", "n", "a", "c", "w1", "q"]);
    assert_eq!(told(AlertOrder::Urgent, 100), ["c", "w2", "w1", "n", "a", "q"]);
    assert_eq!(told(AlertOrder::Urgent, 2), ["c", "w2"]);
}

#[test]
fn an_acknowledged_alert_is_not_repeated_across_restarts_and_its_end_is_told() {
    // Repeats come every four hours.
    let run = |acknowledge: bool| {
        let mut bench = Bench::new("groups: []");
        let post = |bench: &Bench, ends_at: Option<i64>| {
            let labels = [("alertname", "X"), ("i", "a")].map(|(n, v)| (n.into(), v.into()));
            let posted = Posted { labels: labels.into(), ends_at, ..Posted::default() };
            bench.alerting.post(vec![posted]).unwrap();
        };
        post(&bench, Some(100_000_000));
        bench.pass(5, &[]);
        if acknowledge {
            bench.alerting.acknowledge(fingerprint(&bench, "a"), "me", "").unwrap();
        }
        bench.restart();
        bench.clock.advance(std::time::Duration::from_secs(4 * 3_600));
        bench.pass(70, &[]);
        let now = plimsoll_world::Clock::wall_ms(&*bench.clock);
        post(&bench, Some(now));
        bench.pass(70, &[]);
        bench.told().lines().map(|l| l.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(run(false), ["\"firing\"", "\"firing\"", "\"resolved\""]);
    assert_eq!(run(true), ["\"firing\"", "\"resolved\""]);
}

#[test]
fn episodes_are_kept_with_their_steps_and_receipts() {
    let mut bench = Bench::new(SLOW);
    bench.pass(20, &[("a", 9.0), ("b", 6.0)]);
    bench.alerting.acknowledge(fingerprint(&bench, "a"), "me", "").unwrap();
    bench.pass(10, &[("a", 30.0), ("b", 1.0)]);
    bench.restart();
    bench.pass(120, &[("a", 1.0), ("b", 1.0)]);
    assert_eq!(
        steps(&bench),
        [
            "a: 1 pending, 15 firing, 20 acknowledged, 45 resolved",
            "b: 1 pending, 15 firing, 35 resolved"
        ]
    );
    let (all, truncated) = bench.alerting.episodes(&everything()).unwrap();
    assert!(!truncated);
    let a = all.iter().find(|e| e.labels["i"] == "a").unwrap();
    assert_eq!((a.peak, a.notifications, a.rule.group.as_str()), (Some(30.0), 2, "g"));
    let (rules, total) = bench.alerting.statistics(0, 151_000);
    assert_eq!((rules.len(), total.episodes, total.pages), (1, 2, 1));
    assert_eq!(total.to_acknowledge_ms, Some(5_000.0));
    assert_eq!(total.firing_ms, 50_000);
    let row = &bench.alerting.metrics().episodes()[0];
    assert_eq!((row.rule.as_str(), row.counts.resolved), ("Slow", 2), "since the restart");
    let one = EpisodeQuery { limit: 1, ..EpisodeQuery::default() };
    assert!(bench.alerting.episodes(&one).unwrap().1, "there is another");
}

#[test]
fn an_incident_is_acknowledged_noted_and_closed_across_restarts() {
    let mut bench = Bench::new(SLOW);
    bench.pass(20, &[("a", 9.0), ("b", 9.0)]);
    let open = bench.alerting.incidents(true, 10).unwrap();
    assert_eq!((open.len(), open[0].alerts, open[0].title.as_str()), (1, 2, "Slow"));
    let id = open[0].id.clone();
    bench.alerting.acknowledge_incident(&id, "me", "I look").unwrap();
    assert_eq!(bench.alerting.alerts(ALL).counts, [0, 0, 2, 0]);
    bench.alerting.note(&id, "me", "the disk is slow").unwrap();
    bench.restart();
    bench.pass(5, &[("a", 9.0), ("b", 9.0)]);
    let seen = bench.alerting.incident(&id).unwrap().unwrap();
    assert_eq!(seen.incident.state, IncidentState::Acknowledged);
    assert_eq!(seen.episodes.len(), 2);
    bench.pass(90, &[("a", 1.0), ("b", 1.0)]);
    bench.restart();
    assert!(bench.alerting.incidents(true, 10).unwrap().is_empty());
    let seen = bench.alerting.incident(&id).unwrap().unwrap();
    let mut line: Vec<String> = seen
        .incident
        .timeline
        .iter()
        .map(|e| format!("{} {} {}", e.at / 1_000, e.what.as_str(), e.text))
        .collect();
    // Both fired at one time; either may come first.
    line[..2].sort();
    let expected = [
        "15 fired a is at 9",
        "15 fired b is at 9",
        "16 opened Slow",
        "16 notified hook (webhook/0): 2 firing, 0 resolved",
        "20 acknowledged I look",
        "20 note the disk is slow",
    ];
    assert_eq!(line[..6], expected, "{line:#?}");
    assert!(line.last().unwrap().contains("notified"), "{line:#?}");
    assert!(line.iter().any(|l| l.contains("closed")));
    let not = bench.alerting.acknowledge_incident(&id, "me", "").unwrap_err();
    assert!(matches!(not, AcknowledgeError::NotFiring(_)), "{not}");
    bench.alerting.note(&id, "me", "it was the disk").unwrap();
    assert!(bench.alerting.note("x", "me", "?").is_err());
}

#[test]
fn what_cannot_be_written_down_is_said_and_holds() {
    let mut bench = Bench::new(SLOW);
    bench.pass(20, &[("a", 9.0)]);
    let fp = fingerprint(&bench, "a");
    bench.records.fail_after(Some(0));
    let not = bench.alerting.acknowledge(fp, "me", "").unwrap_err();
    assert_eq!(not, AcknowledgeError::NotRecorded);
    assert_eq!(bench.alerting.alerts(ALL).counts, [0, 0, 1, 0]);
    bench.records.fail_after(None);
    bench.pass(1, &[("a", 9.0)]);
    bench.restart();
    assert_eq!(bench.alerting.alerts(ALL).counts, [0, 0, 1, 0], "written when it could be");
}

#[test]
fn a_crash_between_any_two_records_leaves_whole_episodes() {
    let run = |bench: &mut Bench, from: usize, crash: Option<u64>| {
        if let Some(after) = crash {
            bench.records.fail_after(Some(after));
        }
        for phase in from..3 {
            match phase {
                0 => bench.pass(20, &[("a", 9.0)]),
                1 => {
                    let _may_fail = bench.alerting.acknowledge(fingerprint(bench, "a"), "me", "");
                }
                _ => bench.pass(100, &[("a", 1.0)]),
            }
        }
    };
    let whole = {
        let mut bench = Bench::new(SLOW);
        run(&mut bench, 0, None);
        bench.records.applied()
    };
    for after in 0..whole {
        let mut bench = Bench::new(SLOW);
        run(&mut bench, 0, Some(after));
        bench.records.fail_after(None);
        bench.restart();
        bench.pass(100, &[("a", 1.0)]);
        let all = steps(&bench);
        assert!(all.len() <= 1, "crash after {after} of {whole}: {all:?}");
        let open = bench.alerting.alerts(ALL);
        assert_eq!(open.total, 0, "crash after {after} of {whole}");
        assert!(bench.alerting.incidents(true, 9).unwrap().is_empty(), "crash after {after}");
    }
}

#[test]
fn a_message_too_large_for_a_record_is_kept_without_its_texts() {
    let bench = Bench::new("groups: []");
    let posted = |i: usize| Posted {
        labels: [("alertname", "X".to_owned()), ("i", i.to_string())]
            .map(|(n, v)| (n.to_owned(), v))
            .into(),
        annotations: [("text".to_owned(), "x".repeat(50_000))].into(),
        ends_at: Some(100_000_000),
        ..Posted::default()
    };
    bench.alerting.post((0..100).map(posted).collect()).unwrap();
    bench.pass(3, &[]);
    let now = plimsoll_world::Clock::wall_ms(&*bench.clock);
    let whole = bench.alerting.outbox().take_due(now);
    assert!(whole.len() == 1 && whole[0].body.len() > plimsoll_records::BODY_BYTES_MAX);
    let told = bench.told();
    assert_eq!(told.matches(":\"firing\"").count(), 100, "all of them, without texts");
    assert!(!bench.alerting.is_behind());
}
