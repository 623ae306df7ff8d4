//! What is promised of records, on SQLite and on its simulated twin.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use plimsoll_records::{
    BODY_BYTES_MAX, Change, Delivery, DeliveryState, Error, Event, EventQuery, Records, SimRecords,
    SqliteRecords,
};
use proptest::prelude::*;

fn put(id: &str, body: &str, expected: Option<u64>, keep: u32) -> Change {
    Change::Put {
        kind: "doc".into(),
        id: id.into(),
        time_ms: 1,
        author: "ana".into(),
        body: body.into(),
        expected,
        keep,
    }
}

fn event(subject: &str, time_ms: i64) -> Change {
    let (kind, subject) = ("e".to_owned(), subject.to_owned());
    Change::Append(Event { seq: 0, time_ms, kind, subject, body: "{}".into() })
}

fn on_both(check: impl Fn(&dyn Records)) {
    check(&SimRecords::new());
    check(&SqliteRecords::in_memory().unwrap());
}

#[test]
fn a_document_has_versions_and_a_conflict_is_told() {
    on_both(|r| {
        r.apply(&[put("a", "one", Some(0), 2)]).unwrap();
        r.apply(&[put("a", "two", Some(1), 2), put("b", "x", None, 1)]).unwrap();
        r.apply(&[put("a", "three", None, 2)]).unwrap();
        let e = r.apply(&[put("b", "lost", None, 1), put("a", "four", Some(2), 2)]).unwrap_err();
        assert!(matches!(e, Error::Conflict { found: 3, expected: 2, .. }), "{e}");
        let bodies = |ds: Vec<plimsoll_records::Document>| {
            ds.into_iter().map(|d| (d.version, d.body)).collect::<Vec<_>>()
        };
        assert_eq!(
            bodies(r.history("doc", "a").unwrap()),
            [(3, "three".into()), (2, "two".into())]
        );
        assert_eq!(bodies(r.documents("doc").unwrap()), [(3, "three".into()), (1, "x".into())]);
        r.apply(&[Change::Remove { kind: "doc".into(), id: "a".into() }]).unwrap();
        assert_eq!(r.document("doc", "a").unwrap(), None);
    });
}

#[test]
fn events_come_newest_first() {
    on_both(|r| {
        r.apply(&[event("x", 1), event("y", 2), event("x", 3)]).unwrap();
        let query = EventQuery { subject: Some("x"), ..EventQuery::default() };
        let found = r.events(&query).unwrap();
        assert_eq!(found.iter().map(|e| (e.seq, e.time_ms)).collect::<Vec<_>>(), [(3, 3), (1, 1)]);
        let query = EventQuery { after_seq: 2, ..EventQuery::default() };
        assert_eq!(r.events(&query).unwrap().len(), 1);
    });
}

#[test]
fn the_same_decision_is_stored_once() {
    on_both(|r| {
        let first = Delivery::new("key".into(), "hook".into(), 5, "page".into());
        r.apply(&[Change::Enqueue(first.clone())]).unwrap();
        let again = Delivery { next_ms: 99, body: "other".into(), ..first.clone() };
        r.apply(&[Change::Enqueue(again)]).unwrap();
        assert_eq!(r.deliveries(DeliveryState::Pending, 10).unwrap(), std::slice::from_ref(&first));
        let sent = Delivery { state: DeliveryState::Delivered, attempts: 1, ..first.clone() };
        r.apply(&[Change::Update(sent.clone())]).unwrap();
        r.apply(&[Change::Enqueue(first)]).unwrap();
        assert_eq!(r.deliveries(DeliveryState::Pending, 10).unwrap(), []);
        assert_eq!(r.deliveries(DeliveryState::Delivered, 10).unwrap(), [sent]);
    });
}

#[test]
fn a_message_that_grew_too_large_keeps_the_text_that_is_stored() {
    on_both(|r| {
        let first = Delivery::new("key".into(), "hook".into(), 5, "small".into());
        r.apply(&[Change::Enqueue(first.clone())]).unwrap();
        let large = "x".repeat(BODY_BYTES_MAX + 1);
        let tried = Delivery { attempts: 1, body: large, ..first.clone() };
        r.apply(&[Change::Update(tried)]).unwrap();
        let stored = Delivery { attempts: 1, ..first };
        assert_eq!(r.deliveries(DeliveryState::Pending, 10).unwrap(), [stored]);
    });
}

#[test]
fn a_file_keeps_what_was_applied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.db");
    SqliteRecords::open(&path).unwrap().apply(&[put("a", "kept", None, 1)]).unwrap();
    let again = SqliteRecords::open(&path).unwrap();
    assert_eq!(again.document("doc", "a").unwrap().unwrap().body, "kept");
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.db");
    std::fs::write(&path, b"this is not a database, it is a sentence about one").unwrap();
    assert!(SqliteRecords::open(&path).is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Remove(u8),
    Event(u8),
    Enqueue(u8, i64),
    Update(u8, i64, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3u8, 1..3u8).prop_map(|(id, keep)| Step::Put(id, keep)),
        (0..3u8).prop_map(Step::Remove),
        (0..3u8).prop_map(Step::Event),
        (0..5u8, 0..9i64).prop_map(|(id, at)| Step::Enqueue(id, at)),
        (0..5u8, 0..9i64, 0..3u8).prop_map(|(id, at, s)| Step::Update(id, at, s)),
    ]
}

fn change(step: &Step) -> Change {
    let delivery = |id: u8, at: i64| Delivery::new(format!("d{id}"), "r".into(), at, "b".into());
    match *step {
        Step::Put(id, keep) => put(&id.to_string(), "body", None, keep.into()),
        Step::Remove(id) => Change::Remove { kind: "doc".into(), id: id.to_string() },
        Step::Event(id) => event(&id.to_string(), 0),
        Step::Enqueue(id, at) => Change::Enqueue(delivery(id, at)),
        Step::Update(id, at, s) => {
            let states = [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead];
            Change::Update(Delivery { state: states[s as usize], attempts: 1, ..delivery(id, at) })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn both_keep_the_same(steps in proptest::collection::vec(step(), 1..40)) {
        let sqlite = SqliteRecords::in_memory().unwrap();
        let sim = SimRecords::new();
        for step in &steps {
            let change = [change(step)];
            prop_assert_eq!(sqlite.apply(&change).is_ok(), sim.apply(&change).is_ok());
        }
        prop_assert_eq!(sqlite.documents("doc").unwrap(), sim.documents("doc").unwrap());
        for id in 0..3 {
            let id = id.to_string();
            prop_assert_eq!(sqlite.history("doc", &id).unwrap(), sim.history("doc", &id).unwrap());
        }
        let all = EventQuery::default();
        prop_assert_eq!(sqlite.events(&all).unwrap(), sim.events(&all).unwrap());
        for state in [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead] {
            prop_assert_eq!(sqlite.deliveries(state, 9).unwrap(), sim.deliveries(state, 9).unwrap());
        }
    }
}
