//! Selections that are kept and asked for again, over a store that changes in between: the same
//! series in the same order, with the same samples, as when they are selected anew.

use std::sync::Arc;

use plimsoll_model::{
    Hint, LabelScratch, Labels, MatchOp, Matcher, Prepared, ReadCx, Scope, Scoped, Scratch,
    Selection, SeriesSource, Snapshot, TimeRange,
};
use plimsoll_store::Config;
use proptest::prelude::*;

use super::model::{Run, cases, operation};
use super::{NOW, labels, open, submit};

const MINUTE: i64 = 60_000;

/// Labels and samples of what is selected, in its order.
type Seen = Vec<(Labels, Vec<(i64, u64)>)>;

fn seen(selection: &dyn Selection, range: TimeRange) -> Seen {
    let cx = ReadCx::unlimited();
    let (mut names, mut scratch) = (LabelScratch::default(), Scratch::new());
    let one = |i| {
        let labels = selection.shared_labels(i, &mut names);
        assert_eq!(
            (selection.fp(i), &labels),
            (labels.fp(), &selection.labels(i, &mut names).to_labels())
        );
        let columns = selection.read(i, range, &mut scratch, &cx).unwrap();
        let samples = columns.times.iter().zip(columns.floats).map(|(t, v)| (*t, v.to_bits()));
        (labels, samples.collect())
    };
    (0..selection.len()).map(one).collect()
}

/// Selects anew, and again by what was kept; both are the same. Returns what is kept now.
fn compare(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
    again: Option<&Prepared>,
    cx: &ReadCx,
) -> Option<Prepared> {
    let hint = Hint::range(range);
    let fresh = snapshot.select(matchers, &hint, cx).unwrap();
    assert!(fresh.prepared().is_none(), "nobody asked for it");
    let kept = snapshot.select(matchers, &Hint { again, keep: true, ..hint }, cx).unwrap();
    assert_eq!(seen(&*kept, range), seen(&*fresh, range), "{matchers:?} {range:?}");
    kept.prepared()
}

fn questions() -> Vec<Vec<Matcher>> {
    let m = |op, name, value| Matcher::new(op, name, value).unwrap();
    let name = || Matcher::equal("__name__", "m");
    vec![
        vec![name()],
        vec![name(), Matcher::equal("instance", "1")],
        vec![m(MatchOp::Regex, "instance", "1|2")],
        vec![Matcher::equal("job", "test"), m(MatchOp::NotEqual, "instance", "0")],
        vec![Matcher::equal("__name__", "gone")],
        vec![],
    ]
}

/// The last minutes, an hour, days back, everything.
fn ranges(now: i64) -> [TimeRange; 4] {
    let hour = 60 * MINUTE;
    [
        TimeRange::new(now - 5 * MINUTE, now + 10 * MINUTE),
        TimeRange::new(now - hour, now),
        TimeRange::new(now - 50 * hour, now - 20 * hour),
        TimeRange::ALL,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_kept_selection_is_a_fresh_one(operations in proptest::collection::vec(operation(), 1..30)) {
        let mut run = Run::new(None);
        let cx = ReadCx::unlimited();
        let questions = questions();
        let mut kept: Vec<Option<Prepared>> = vec![None; questions.len()];
        for (n, what) in operations.iter().enumerate() {
            let before = run.store.snapshot();
            run.step(what);
            let after = run.store.snapshot();
            let range = ranges(run.now())[n % 4];
            for (i, matchers) in questions.iter().enumerate() {
                let now = compare(&*after, matchers, range, kept[i].as_ref(), &cx);
                // What is kept of a later cut serves an earlier one, and of others none.
                compare(&*before, matchers, range, now.as_ref(), &cx);
                compare(&*after, &questions[(i + 1) % questions.len()], range, now.as_ref(), &cx);
                if now.is_some() {
                    kept[i] = now;
                }
            }
        }
    }
}

#[test]
fn it_is_used_again_until_a_series_that_passes_comes() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let cx = ReadCx::unlimited();
    let put = |name: &str, instance, at: i64| {
        submit(&store, &[(&labels(name, instance), &[(NOW + at, 1.0)])]).unwrap();
    };
    let range = TimeRange::new(NOW - 5 * MINUTE, NOW + 60 * MINUTE);
    let up = [Matcher::equal("__name__", "up")];
    let mut kept = None;
    let mut ask = |used: bool| {
        let before = store.stats().prepared;
        kept = compare(&*store.snapshot(), &up, range, kept.as_ref(), &cx);
        let after = store.stats().prepared;
        let expected = (before.0 + u64::from(used), before.1 + u64::from(!used));
        assert_eq!(after, expected);
    };
    put("up", 0, 0);
    ask(false);
    ask(true);
    put("down", 0, 0);
    put("up", 0, 1);
    ask(true);
    put("up", 1, 1);
    ask(false);
    ask(true);
    // A part that is not known; then one that is, a deletion in it, and a new generation.
    store.flush_now().unwrap();
    ask(false);
    store.delete(&[Matcher::equal("instance", "0")], TimeRange::new(NOW, NOW)).unwrap();
    ask(true);
    put("up", 1, 2);
    ask(true);
}

#[test]
fn what_one_reader_keeps_shows_another_nothing() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    for instance in 0..4 {
        submit(&store, &[(&labels("up", instance), &[(NOW, 1.0)])]).unwrap();
    }
    let snapshot: Arc<dyn Snapshot> = Arc::new(Scoped::new(store.snapshot()));
    let may_see = |instances: &[u32]| {
        let mut cx = ReadCx::unlimited();
        let one = |i: &u32| vec![Matcher::equal("instance", &i.to_string())];
        cx.scope = Scope { any_of: instances.iter().map(one).collect() };
        cx
    };
    let readers = [may_see(&[]), may_see(&[1]), may_see(&[2, 1]), may_see(&[3])];
    let up = [Matcher::equal("__name__", "up")];
    for a in &readers {
        let kept = compare(&*snapshot, &up, TimeRange::ALL, None, a);
        let before = store.stats().prepared;
        let again = compare(&*snapshot, &up, TimeRange::ALL, kept.as_ref(), a);
        assert_eq!(store.stats().prepared.1, before.1, "it holds for the same reader");
        for b in &readers {
            compare(&*snapshot, &up, TimeRange::ALL, again.as_ref(), b);
        }
    }
    // Another store has other series under the same matchers.
    let (world, _) = super::world();
    let other = open(&world, &Config::simulated());
    submit(&other, &[(&labels("up", 9), &[(NOW, 1.0)])]).unwrap();
    let kept = compare(&*store.snapshot(), &up, TimeRange::ALL, None, &readers[0]);
    compare(&*other.snapshot(), &up, TimeRange::ALL, kept.as_ref(), &readers[0]);
}
