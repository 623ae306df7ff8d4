//! The history in virtual time: what is kept, what a restart changes, what incidents tell.

use std::collections::BTreeMap;

use super::*;
use crate::route::{Heard, Notification};

const SECOND: i64 = 1_000;

fn labels(i: &str) -> BTreeMap<String, String> {
    [("alertname", "Slow"), ("i", i), ("severity", "warning")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into()
}

fn fp(i: &str) -> u64 {
    crate::route::fingerprint(&labels(i))
}

fn origin() -> Origin {
    Origin {
        rule: RuleName { file: "r.yml".into(), group: "g".into(), name: "Slow".into() },
        key: 5,
        kind: "expression".into(),
        expr: "m > 5".into(),
    }
}

fn alert(i: &str, state: AlertState, active_at: i64, value: f64) -> Alert {
    let text = serde_json::json!({
        "labels": labels(i), "annotations": {"summary": format!("{i} is slow")}, "state": state,
        "value": value.to_string(), "active_at": active_at,
        "fired_at": null, "resolved_at": null, "kept_since": null,
    });
    serde_json::from_value(text).unwrap()
}

/// A history with what records would hold of it.
#[derive(Default)]
struct Bench {
    history: History,
    episodes: BTreeMap<String, String>,
    incidents: BTreeMap<String, String>,
}

impl Bench {
    fn step(&mut self, i: &str, from: AlertState, to: AlertState, at: i64, value: f64) {
        let active_at = match self.history.of(fp(i)).rev().find(|e| !e.stage.is_over()) {
            Some(e) => e.active_at,
            None => at * SECOND,
        };
        let alert = alert(i, to, active_at, value);
        let step = Transition { at: at * SECOND, from, to, alert };
        self.history.step(&origin(), &step, fp(i));
        self.settle(at);
    }

    fn fire(&mut self, i: &str, at: i64) {
        self.step(i, AlertState::Inactive, AlertState::Firing, at, 7.0);
    }

    fn end(&mut self, i: &str, at: i64) {
        self.step(i, AlertState::Firing, AlertState::Inactive, at, 1.0);
    }

    fn heard(&mut self, all: &[&str], at: i64) {
        let heard = Heard {
            group: "{}:{alertname=\"Slow\"}".into(),
            labels: [("alertname".to_owned(), "Slow".to_owned())].into(),
            receiver: "team".into(),
            alerts: all.iter().map(|i| fp(i)).collect(),
        };
        self.history.heard(&heard, at * SECOND);
        self.settle(at);
    }

    fn told(&mut self, i: &str, over: bool, at: i64, key: &str) {
        let notice =
            Notice { labels: labels(i), ends_at: over.then_some(at * SECOND), ..Notice::default() };
        self.history.notified(&Notification {
            receiver: "team".into(),
            integration: "webhook/0".into(),
            group_key: String::new(),
            group_id: "g".into(),
            group_labels: BTreeMap::new(),
            alerts: vec![notice],
            at: at * SECOND,
            key: key.into(),
            is_repeat: false,
        });
    }

    fn settle(&mut self, at: i64) {
        self.history.settle(at * SECOND);
        self.keep(at);
    }

    fn keep(&mut self, at: i64) {
        for kept in self.history.take_changed(at * SECOND) {
            match kept {
                KeptHistory::Episode(id, Some(e)) => {
                    _ = self.episodes.insert(id, serde_json::to_string(&e).unwrap());
                }
                KeptHistory::Incident(id, Some(i)) => {
                    _ = self.incidents.insert(id, serde_json::to_string(&i).unwrap());
                }
                KeptHistory::Episode(id, None) => _ = self.episodes.remove(&id),
                KeptHistory::Incident(id, None) => _ = self.incidents.remove(&id),
            }
        }
    }

    fn restart(&mut self, at: i64) {
        self.history = History::default();
        for text in self.episodes.values() {
            self.history.restore_episode(serde_json::from_str(text).unwrap(), at * SECOND);
        }
        let all = self.incidents.values().map(|text| serde_json::from_str(text).unwrap());
        self.history.restore_incidents(all.collect(), at * SECOND);
    }

    fn kept(&self, i: &str) -> Episode {
        let all = self.episodes.values().map(|t| serde_json::from_str::<Episode>(t).unwrap());
        all.rev().find(|e| e.fingerprint == fp(i)).unwrap()
    }
}

fn by(at: i64) -> Acknowledged {
    Acknowledged { at: at * SECOND, by: "me".into(), note: "on it".into() }
}

#[test]
fn an_episode_is_the_same_after_a_restart_at_any_step() {
    let run = |restart_at: Option<i64>| {
        let mut b = Bench::default();
        for at in 0..6 {
            match at {
                0 => b.step("a", AlertState::Inactive, AlertState::Pending, 0, 6.0),
                1 => b.step("a", AlertState::Pending, AlertState::Firing, 1, 7.0),
                2 => b.heard(&["a"], 2),
                3 => _ = b.history.acknowledge(&[fp("a")], Some(&by(3)), "me", 3 * SECOND),
                4 => b.end("a", 4),
                _ => b.told("a", true, 5, "k"),
            }
            b.keep(at);
            if restart_at == Some(at) {
                b.restart(at);
            }
        }
        b.keep(6);
        b
    };
    let whole = run(None);
    let e = whole.kept("a");
    let steps: Vec<_> = e.moments.iter().map(|m| (m.at / SECOND, m.to.as_str())).collect();
    assert_eq!(steps, [(0, "pending"), (1, "firing"), (3, "acknowledged"), (4, "resolved")]);
    assert_eq!((e.peak, e.notifications, e.title.as_str()), (Some(7.0), 1, "a is slow"));
    for at in 0..6 {
        let b = run(Some(at));
        assert_eq!(
            b.episodes.keys().collect::<Vec<_>>(),
            whole.episodes.keys().collect::<Vec<_>>()
        );
        assert_eq!(b.kept("a").moments, e.moments, "restart at {at}");
        let line = |b: &Bench| {
            let text = b.incidents.values().next().unwrap();
            serde_json::from_str::<Incident>(text).unwrap().timeline
        };
        assert_eq!(line(&b), line(&whole), "restart at {at}");
    }
}

#[test]
fn what_never_fired_is_an_episode_too() {
    let mut b = Bench::default();
    b.step("a", AlertState::Inactive, AlertState::Pending, 0, 6.0);
    b.step("a", AlertState::Pending, AlertState::Inactive, 1, 6.0);
    let e = b.kept("a");
    assert_eq!((e.stage, e.fired_at, e.ended_at), (Stage::Inactive, None, Some(SECOND)));
    assert_eq!(b.history.statistics(0, 10 * SECOND, 10 * SECOND).0, []);
    assert_eq!(b.history.find(&EpisodeQuery { limit: 9, ..Default::default() }).0, [e.id]);
}

#[test]
fn an_incident_goes_from_the_first_fire_to_the_last_end_and_may_open_again() {
    let mut b = Bench::default();
    b.fire("a", 1);
    b.heard(&["a"], 2);
    b.fire("b", 3);
    b.heard(&["a", "b"], 4);
    let id = b.history.incidents().next().unwrap().id.clone();
    assert_eq!(b.history.acknowledge(&[fp("a"), fp("b")], Some(&by(5)), "me", 5 * SECOND), 2);
    b.keep(5);
    b.restart(6);
    assert_eq!(b.history.incident(&id).unwrap().state, IncidentState::Acknowledged);
    b.end("a", 7);
    b.end("b", 8);
    let i = b.history.incident(&id).unwrap();
    assert_eq!((i.state, i.resolved_at), (IncidentState::Resolved, Some(8 * SECOND)));
    let what: Vec<&str> = i.timeline.iter().map(|e| e.what.as_str()).collect();
    let all = ["opened", "fired", "fired", "acknowledged", "resolved", "resolved", "closed"];
    assert_eq!(what, all);
    b.restart(9);
    b.fire("a", 10);
    b.heard(&["a"], 11);
    let i = b.history.incident(&id).unwrap();
    assert_eq!((i.state, i.alerts, i.firing.len()), (IncidentState::Open, 3, 1));
    assert_eq!(i.acknowledged_at, None, "who took care of the first has not seen this");
    b.end("a", 12);
    b.fire("a", 12 + 601);
    b.heard(&["a"], 12 + 601);
    let open: Vec<_> = b.history.incidents().filter(|i| i.is_open()).collect();
    assert!(open.len() == 1 && open[0].id != id, "too late to be the same");
    assert_eq!(b.incidents.len(), 2);
}

#[test]
fn receipts_say_what_became_of_messages_also_after_a_restart() {
    let mut b = Bench::default();
    b.fire("a", 1);
    b.heard(&["a"], 1);
    b.told("a", false, 2, "k1");
    b.told("a", false, 3, "k2");
    b.history.went("k1", true, 4 * SECOND);
    b.keep(4);
    b.restart(5);
    b.end("a", 6);
    b.told("a", true, 7, "k3");
    b.history.went("k2", false, 8 * SECOND);
    b.history.went("unknown", false, 8 * SECOND);
    b.keep(8);
    let e = b.kept("a");
    let all: Vec<_> = e.receipts.iter().map(|r| (r.key.as_str(), r.said, r.outcome)).collect();
    use episode::{Fate, Said};
    assert_eq!(
        all,
        [
            ("k1", Said::Firing, Fate::Delivered),
            ("k2", Said::Again, Fate::Dead),
            ("k3", Said::Resolved, Fate::Pending)
        ]
    );
    let (rules, _) = b.history.statistics(0, 60 * SECOND, 60 * SECOND);
    assert_eq!((rules[0].1.notifications, rules[0].1.pages), (3, 1));
    let incident = b.history.incidents().next().unwrap();
    let told = incident.timeline.iter().filter(|e| e.what == incident::What::Notified).count();
    assert_eq!(told, 3);
    assert_eq!(incident.timeline[2].text, "team (webhook/0): 1 firing, 0 resolved");
}

#[test]
fn alerts_of_others_begin_and_end() {
    let mut h = History::default();
    let notice = |ends: i64| Notice {
        labels: labels("x"),
        starts_at: 500,
        ends_at: Some(ends),
        ..Notice::default()
    };
    let first = notice(60 * SECOND);
    h.posted(Put::New, &first, SECOND);
    h.posted(Put::Same, &first, 2 * SECOND);
    assert_eq!(
        h.open().map(|e| (e.stage, e.active_at)).collect::<Vec<_>>(),
        [(Stage::Firing, 500)]
    );
    // Posted again: the end lies further ahead than it did.
    let later = notice(90 * SECOND);
    h.expire(60 * SECOND, |_| Some(&later));
    assert_eq!(h.open().count(), 1);
    h.expire(90 * SECOND, |_| Some(&later));
    let e = h.of(first.fingerprint()).next().unwrap();
    assert_eq!((e.stage, e.ended_at), (Stage::Resolved, Some(90 * SECOND)));
    h.posted(Put::New, &notice(200 * SECOND), 100 * SECOND);
    h.posted(Put::New, &notice(400 * SECOND), 300 * SECOND);
    let stages: Vec<_> = h.of(first.fingerprint()).map(|e| e.stage).collect();
    assert_eq!(stages, [Stage::Resolved, Stage::Resolved, Stage::Firing], "three episodes");
    h.expire(400 * SECOND, |_| None);
    assert_eq!(h.open().count(), 0);
    h.posted(Put::Changed, &notice(450 * SECOND), 500 * SECOND);
    assert_eq!(h.open().count(), 0, "what is over does not begin");
    // An end before the beginning: it is over now, and known for as long as any other.
    h.posted(Put::New, &notice(9_000 * SECOND), 8_000 * SECOND);
    let early = notice(SECOND);
    h.posted(Put::Changed, &early, 8_001 * SECOND);
    h.expire(8_001 * SECOND, |_| Some(&early));
    h.take_changed(8_001 * SECOND);
    let last = h.of(first.fingerprint()).next_back().unwrap();
    assert_eq!((last.stage, last.ended_at), (Stage::Resolved, Some(8_000 * SECOND)));
}

#[test]
fn notes_are_kept_also_of_incidents_that_are_over() {
    let mut b = Bench::default();
    b.fire("a", 1);
    b.heard(&["a"], 1);
    let id = b.history.incidents().next().unwrap().id.clone();
    b.history.note(&id, None, &by(2)).unwrap();
    b.end("a", 3);
    b.keep(10_000);
    assert_eq!(b.history.incident(&id), None, "not in memory any more");
    let kept: Incident = serde_json::from_str(&b.incidents[&id]).unwrap();
    assert_eq!(b.history.resolved().collect::<Vec<_>>(), [&id]);
    let noted = b.history.note(&id, Some(kept), &by(10_001)).unwrap();
    assert_eq!(noted.timeline.iter().filter(|e| e.what == incident::What::Note).count(), 2);
    assert!(b.history.note("x", None, &by(1)).is_err());
}

#[test]
fn silences_leave_a_trace_in_incidents() {
    let mut b = Bench::default();
    b.fire("a", 1);
    b.fire("b", 1);
    b.heard(&["a", "b"], 1);
    let mutes = |i: &'static str| move |e: &Episode| e.labels["i"] == i;
    b.history.silenced(mutes("a"), Some("me"), "planned", 2 * SECOND);
    b.history.silenced(mutes("a"), None, "", 3 * SECOND);
    b.history.silenced(mutes("none"), None, "", 4 * SECOND);
    let incident = b.history.incidents().next().unwrap();
    let all: Vec<_> = incident.timeline[3..].iter().map(|e| (e.what, e.text.as_str())).collect();
    use incident::What;
    assert_eq!(all, [(What::Silenced, "1 alert: planned"), (What::Unsilenced, "1 alert")]);
}

#[test]
fn resolved_incidents_are_bounded() {
    let mut b = Bench::default();
    for n in 0..INCIDENTS_MAX as i64 + 5 {
        let at = n * 700;
        b.fire("a", at);
        b.heard(&["a"], at);
        b.end("a", at + 1);
    }
    assert_eq!(b.incidents.len(), INCIDENTS_MAX);
    assert_eq!(b.history.resolved().count(), INCIDENTS_MAX);
    assert!(b.history.incidents().count() <= 1 && b.history.episodes.len() < 10);
    assert_eq!(b.episodes.len(), INCIDENTS_MAX + 5);
}

#[test]
fn receipts_of_many_alerts_are_written_bit_by_bit() {
    let mut b = Bench::default();
    let names: Vec<String> = (0..LATER_AT_ONCE + 10).map(|i| i.to_string()).collect();
    for name in &names {
        b.fire(name, 1);
    }
    for name in &names {
        b.told(name, false, 2, name);
    }
    assert_eq!(b.history.take_changed(2 * SECOND).len(), LATER_AT_ONCE);
    assert_eq!(b.history.take_changed(2 * SECOND).len(), 10);
    assert_eq!(b.history.take_changed(2 * SECOND).len(), 0);
}

#[test]
fn orphans_end_and_alerts_of_others_stay() {
    let mut b = Bench::default();
    b.fire("a", 1);
    b.fire("b", 1);
    let posted = Notice { labels: labels("x"), ends_at: Some(9_000), ..Notice::default() };
    b.history.posted(Put::New, &posted, SECOND);
    let name = alert("a", AlertState::Firing, 0, 0.0).key();
    b.history.retain_own(&[origin().alert_key(&name)].into(), 5 * SECOND);
    let open: Vec<_> = b.history.open().map(|e| e.labels["i"].as_str()).collect();
    assert_eq!(open.len(), 2);
    assert!(open.contains(&"a") && open.contains(&"x"));
}
