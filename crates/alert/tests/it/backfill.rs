//! Recording rules over the past write what they would have written live.

use std::collections::BTreeMap;

use plimsoll_alert::{BackfillAsk, BackfillError, BackfillReport};
use plimsoll_model::{
    Cancel, Hint, LabelScratch, ReadCx, Scratch, SeriesSource, TimeRange, is_stale,
};

use super::*;

const RULES: &str = "
groups:
  - name: g
    interval: 30s
    rules:
      - record: job:m:double
        expr: m * 2
        labels: {kind: made}
      - record: job:m:eight
        expr: job:m:double * 4
      - alert: never
        expr: m > 1e9
";

fn samples(memory: &MemorySource, name: &str) -> BTreeMap<i64, f64> {
    let cx = ReadCx::unlimited();
    let matchers = [plimsoll_model::Matcher::equal("__name__", name)];
    let found = memory.snapshot().select(&matchers, &Hint::default(), &cx).unwrap();
    let (mut scratch, mut names) = (Scratch::new(), LabelScratch::default());
    assert!(found.len() <= 1);
    let mut all = BTreeMap::new();
    for i in 0..found.len() {
        assert_eq!(found.labels(i, &mut names).get("kind"), Some("made"));
        let columns = found.read(i, TimeRange::ALL, &mut scratch, &cx).unwrap();
        all.extend(columns.times.iter().copied().zip(columns.floats.iter().copied()));
    }
    all
}

/// Bit by bit: markers are NaN.
fn same(a: &BTreeMap<i64, f64>, b: &BTreeMap<i64, f64>) {
    let bits =
        |m: &BTreeMap<i64, f64>| m.iter().map(|(t, v)| (*t, v.to_bits())).collect::<Vec<_>>();
    let (a, b) = (bits(a), bits(b));
    let differ = a.iter().zip(&b).find(|(a, b)| a != b);
    assert_eq!((differ, a.len()), (None, b.len()));
}

fn ask(start: i64, end: i64, time: Duration) -> BackfillAsk {
    BackfillAsk { group: None, rule: None, range: TimeRange::new(start, end), time }
}

fn bench() -> (Arc<SimClock>, Arc<MemorySource>, Alerting) {
    let clock = Arc::new(SimClock::at(1_000_000_000));
    let (memory, records) = (Arc::new(MemorySource::new()), Arc::new(SimRecords::default()));
    let m = Labels::new([("__name__", "m"), ("job", "a")]).unwrap();
    for i in 0..2_000 {
        // Gone for a while in the middle.
        if !(900..940).contains(&i) {
            memory.append(&m, i * 30_000, i as f64);
        }
    }
    let alerting = open(RULES, &clock, &memory, &records);
    (clock, memory, alerting)
}

#[test]
fn the_past_gets_what_live_rules_would_have_written() {
    let (_, memory, alerting) = bench();
    let report =
        alerting.backfill(&ask(10_000, 59_000_000, Duration::MAX), &Cancel::new()).unwrap();
    assert_eq!(report.next, None);
    let made = samples(&memory, "job:m:eight");
    assert_eq!(made.keys().next(), Some(&30_000));
    for (t, v) in &made {
        let i = t / 30_000;
        // A value is seen for five minutes less a moment.
        let newest = if (900..940).contains(&i) { 899 } else { i };
        if i - newest < 10 {
            assert_eq!(*v, newest as f64 * 8.0, "at {i}");
        } else {
            assert!(is_stale(*v) && i == 909, "at {i}: {v}");
        }
    }
    assert!(made.contains_key(&(909 * 30_000)) && !made.contains_key(&(920 * 30_000)));
    let [double, eight] = &report.rules[..] else { panic!("{report:?}") };
    assert_eq!((double.rule.as_str(), eight.rule.as_str()), ("job:m:double", "job:m:eight"));
    assert_eq!(eight.stored, made.len() as u64);
    let again = alerting.backfill(&ask(10_000, 59_000_000, Duration::MAX), &Cancel::new()).unwrap();
    same(&samples(&memory, "job:m:eight"), &made);
    assert_eq!((again.rules[1].duplicate, again.rules[1].refused), (0, 0), "{again:?}");
}

#[test]
fn a_backfill_goes_on_where_it_stopped() {
    let (_, memory, alerting) = bench();
    let (mut from, mut calls) = (0, 0);
    loop {
        let BackfillReport { next, .. } =
            alerting.backfill(&ask(from, 59_000_000, Duration::ZERO), &Cancel::new()).unwrap();
        calls += 1;
        let Some(next) = next else { break };
        from = next;
    }
    let pieces = samples(&memory, "job:m:double");
    let (_, memory, alerting) = bench();
    alerting.backfill(&ask(0, 59_000_000, Duration::MAX), &Cancel::new()).unwrap();
    same(&pieces, &samples(&memory, "job:m:double"));
    assert_eq!(calls, 4);
}

#[test]
fn what_is_not_there_and_what_fails_is_told() {
    let (_, _, alerting) = bench();
    let wrong = BackfillAsk { rule: Some("never".into()), ..ask(0, 1, Duration::MAX) };
    let said = alerting.backfill(&wrong, &Cancel::new()).unwrap_err();
    assert!(matches!(&said, BackfillError::Unknown(_)));
    assert!(said.to_string().contains("that records \"never\""), "{said}");
    let stopped = Cancel::new();
    stopped.stop(plimsoll_model::Stop::Client);
    let said = alerting.backfill(&ask(0, 100_000, Duration::MAX), &stopped).unwrap_err();
    assert!(said.to_string().starts_with("group \"g\", rule \"job:m:double\" at 0:"), "{said}");
}
