//! The contract suite of the seam: what every [`SeriesSource`] must do, as tests.
//!
//! [`source_contract!`](crate::source_contract) makes a test of each check. It is given an
//! expression of type `fn(&[Given]) -> Arc<dyn SeriesSource>` that builds a source with these
//! samples in it (keep what must live, such as temporary files, inside the source).

use std::sync::Arc;

use crate::{
    Hint, LabelScratch, Labels, MatchOp, Matcher, ReadCx, Scope, Scratch, SeriesSource, Snapshot,
    Stop, TimeRange, Timestamp, stale_nan,
};

/// One series to put into a source: labels, and samples in rising time.
pub type Given = (Labels, Vec<(Timestamp, f64)>);

/// Builds a source that holds the given series.
pub type Build = fn(&[Given]) -> Arc<dyn SeriesSource>;

/// The series of the suite: two metrics over three instances, one of them late, stale marks, odd
/// values.
pub fn given() -> Vec<Given> {
    let labels = |name: &str, instance: &str| {
        Labels::new([("__name__", name), ("instance", instance), ("job", "node")])
            .expect("the labels of the suite are valid")
    };
    let every = |from: i64, n: i64, value: fn(i64) -> f64| {
        (0..n).map(|i| (from + i * 15_000, value(i))).collect::<Vec<_>>()
    };
    let mut odd = every(0, 5, |i| [0.0, -0.0, f64::INFINITY, f64::NAN, 1e-300][i as usize]);
    odd.push((75_000, stale_nan()));
    vec![
        (labels("cpu", "a"), every(0, 200, |i| i as f64 * 0.25)),
        (labels("cpu", "b"), every(7, 1_000, |i| (i * i) as f64)),
        (labels("mem", "a"), every(0, 100, |_| 4096.0)),
        (labels("mem", "b"), every(600_000, 10, |i| 1.0 / (i + 1) as f64)),
        (labels("odd", "a"), odd),
        (labels("", "nameless"), every(0, 3, |i| i as f64)),
    ]
}

fn selected(snapshot: &dyn Snapshot, matchers: &[Matcher], cx: &ReadCx) -> Vec<Labels> {
    let selection = snapshot.select(matchers, &Hint::default(), cx).expect("select");
    let mut scratch = LabelScratch::default();
    let mut all: Vec<_> =
        (0..selection.len()).map(|i| selection.labels(i, &mut scratch).to_labels()).collect();
    all.sort();
    all
}

fn expected(given: &[Given], matchers: &[Matcher]) -> Vec<Labels> {
    let pass = given.iter().filter(|(l, _)| Matcher::all(matchers, l.as_ref()));
    let mut all: Vec<_> = pass.map(|(l, _)| l.clone()).collect();
    all.sort();
    all
}

/// Every kind of matcher selects what a scan would.
pub fn matchers_select_what_a_scan_would(build: Build) {
    let given = given();
    let source = build(&given);
    let snapshot = source.snapshot();
    let cx = ReadCx::unlimited();
    let m = |op, name, value| Matcher::new(op, name, value).expect("matcher");
    let cases = [
        vec![],
        vec![m(MatchOp::Equal, "__name__", "cpu")],
        vec![m(MatchOp::NotEqual, "__name__", "cpu")],
        vec![m(MatchOp::Regex, "__name__", "cpu|mem")],
        vec![m(MatchOp::Regex, "instance", "a.*"), m(MatchOp::Equal, "__name__", "mem")],
        vec![m(MatchOp::NotRegex, "instance", "a|b")],
        vec![m(MatchOp::Equal, "__name__", "")],
        vec![m(MatchOp::Equal, "gone", "")],
        vec![m(MatchOp::Regex, "gone", ".+")],
        vec![m(MatchOp::Regex, "gone", ".*")],
        vec![m(MatchOp::Equal, "__name__", "nothing")],
    ];
    for matchers in cases {
        let found = selected(&*snapshot, &matchers, &cx);
        assert_eq!(found, expected(&given, &matchers), "{matchers:?}");
    }
}

/// Reads give every sample of the range, bit by bit, both ends included, in any order of indices.
pub fn reads_give_the_range_bit_by_bit(build: Build) {
    let given = given();
    let source = build(&given);
    let snapshot = source.snapshot();
    let cx = ReadCx::unlimited();
    let selection = snapshot.select(&[], &Hint::default(), &cx).expect("select");
    let (mut names, mut scratch) = (LabelScratch::default(), Scratch::new());
    let ranges = [(i64::MIN, i64::MAX), (0, 15_000), (7, 7), (1, 6), (100_000, 700_000), (5, 4)];
    for i in (0..selection.len()).rev() {
        let labels = selection.labels(i, &mut names).to_labels();
        assert_eq!(selection.fp(i), labels.fp());
        let samples = &given.iter().find(|(l, _)| *l == labels).expect("a given series").1;
        for (start, end) in ranges {
            let range = TimeRange::new(start, end);
            let columns = selection.read(i, range, &mut scratch, &cx).expect("read");
            let found: Vec<_> =
                columns.times.iter().zip(columns.floats).map(|(t, v)| (*t, v.to_bits())).collect();
            let inside = samples.iter().filter(|(t, _)| range.contains(*t));
            let wanted: Vec<_> = inside.map(|(t, v)| (*t, v.to_bits())).collect();
            assert_eq!(found, wanted, "{labels} {range:?}");
            let last = selection.last(i, range, &mut scratch, &cx).expect("last");
            assert_eq!(last.map(|l| (l.time, l.float.to_bits())), wanted.last().copied());
        }
    }
}

/// A hint of a range leaves no series out that has samples in it.
pub fn a_hint_hides_nothing(build: Build) {
    let given = given();
    let source = build(&given);
    let cx = ReadCx::unlimited();
    for range in [TimeRange::new(0, 1_000), TimeRange::new(660_000, 700_000)] {
        let snapshot = source.snapshot();
        let selection = snapshot.select(&[], &Hint::range(range), &cx).expect("select");
        let found: Vec<_> = (0..selection.len()).map(|i| selection.fp(i)).collect();
        for (labels, samples) in &given {
            let inside = samples.iter().any(|(t, _)| range.contains(*t));
            assert!(!inside || found.contains(&labels.fp()), "{labels} {range:?}");
        }
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "a fingerprint occurs twice");
    }
}

/// Names, values and label sets agree with the series.
pub fn names_and_values_agree(build: Build) {
    let source = build(&given());
    let snapshot = source.snapshot();
    let cx = ReadCx::unlimited();
    let all = Hint::default();
    let names = snapshot.label_names(&[], &all, &cx).expect("names");
    assert_eq!(names, ["__name__", "instance", "job"]);
    let values = snapshot.label_values("__name__", &[], &all, &cx).expect("values");
    assert_eq!(values, ["cpu", "mem", "odd"]);
    let cpu = [Matcher::equal("__name__", "cpu")];
    let b = [Matcher::equal("instance", "b")];
    let values = snapshot.label_values("instance", &[&cpu], &all, &cx).expect("values");
    assert_eq!(values, ["a", "b"]);
    let series = snapshot.series(&[&cpu, &b], &all, &cx).expect("series");
    assert_eq!(series.len(), 3);
    assert!(series.is_sorted());
    let limit = Hint { limit: 2, ..all };
    assert_eq!(snapshot.label_values("__name__", &[], &limit, &cx).expect("values").len(), 2);
    assert!(snapshot.label_values("gone", &[], &all, &cx).expect("values").is_empty());
}

/// Under a scope only what it grants is seen, through every call.
pub fn a_scope_hides_the_rest(build: Build) {
    let source = build(&given());
    let snapshot = crate::Scoped::new(source.snapshot());
    let mut cx = ReadCx::unlimited();
    cx.scope = Scope {
        any_of: vec![
            vec![Matcher::equal("instance", "a"), Matcher::equal("__name__", "mem")],
            vec![Matcher::equal("__name__", "mem")],
        ],
    };
    assert_eq!(selected(&snapshot, &[], &cx).len(), 2);
    assert_eq!(selected(&snapshot, &[Matcher::equal("__name__", "cpu")], &cx), []);
    let all = Hint::default();
    assert_eq!(snapshot.label_values("__name__", &[], &all, &cx).expect("values"), ["mem"]);
    assert_eq!(snapshot.series(&[], &all, &cx).expect("series").len(), 2);
}

/// A reader that was told to stop gets an error, and a spent budget is a limit.
pub fn a_stopped_reader_stops(build: Build) {
    let source = build(&given());
    let snapshot = source.snapshot();
    let cx = ReadCx::with_budget(crate::Budget::new(u64::MAX, 10));
    let cpu = [Matcher::equal("__name__", "cpu")];
    let selection = snapshot.select(&cpu, &Hint::default(), &cx).expect("select");
    let mut scratch = Scratch::new();
    let spent = selection.read(0, TimeRange::ALL, &mut scratch, &cx);
    assert!(matches!(spent, Err(crate::Error::Limit { .. })), "samples are counted");
    cx.cancel.stop(Stop::Client);
    let stopped = selection.read(0, TimeRange::ALL, &mut scratch, &cx);
    assert!(matches!(stopped, Err(crate::Error::Stopped(Stop::Client))));
}

/// What a source keeps of a selection changes no answer: not to the same question, not to another
/// one, not to a reader of another scope.
pub fn what_is_kept_changes_nothing(build: Build) {
    let source = build(&given());
    let questions = [
        vec![],
        vec![Matcher::equal("__name__", "cpu")],
        vec![Matcher::equal("instance", "a")],
        vec![Matcher::equal("__name__", "nothing")],
    ];
    let narrow = || {
        let mut cx = ReadCx::unlimited();
        cx.scope = Scope { any_of: vec![vec![Matcher::equal("__name__", "mem")]] };
        cx
    };
    let fps = |matchers: &[Matcher], hint: &Hint<'_>, cx: &ReadCx| {
        let snapshot = crate::Scoped::new(source.snapshot());
        let selection = snapshot.select(matchers, hint, cx).expect("select");
        let fps: Vec<_> = (0..selection.len()).map(|i| selection.fp(i)).collect();
        (fps, selection.prepared())
    };
    for kept_for in &questions {
        for keeper in [ReadCx::unlimited(), narrow()] {
            let keep = Hint { keep: true, ..Hint::default() };
            let (_, kept) = fps(kept_for, &keep, &keeper);
            let again = Hint { again: kept.as_ref(), keep: true, ..Hint::default() };
            for asked in &questions {
                for cx in [ReadCx::unlimited(), narrow()] {
                    let (fresh, _) = fps(asked, &Hint::default(), &cx);
                    assert_eq!(fps(asked, &again, &cx).0, fresh, "{asked:?} by {kept_for:?}");
                }
            }
        }
    }
}

/// A selection is read from several threads at once.
pub fn threads_read_together(build: Build) {
    let source = build(&given());
    let snapshot = source.snapshot();
    let cx = ReadCx::unlimited();
    let selection = snapshot.select(&[], &Hint::default(), &cx).expect("select");
    let sum = |_| {
        let mut scratch = Scratch::new();
        let read = |i| {
            let c = selection.read(i, TimeRange::ALL, &mut scratch, &cx).expect("read");
            c.floats.iter().fold(0u64, |h, v| h.rotate_left(1) ^ v.to_bits())
        };
        (0..selection.len()).map(read).collect::<Vec<_>>()
    };
    let sums = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|i| scope.spawn(move || sum(i))).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(sums.windows(2).all(|w| w[0] == w[1]));
}

/// Makes a module of tests that hold a source to the contract.
///
/// ```ignore
/// plimsoll_model::source_contract!(store, |given| build_a_store_with(given));
/// ```
#[macro_export]
macro_rules! source_contract {
    ($name:ident, $build:expr) => {
        mod $name {
            use super::*;

            $crate::source_contract!(@checks $build;
                matchers_select_what_a_scan_would
                reads_give_the_range_bit_by_bit
                a_hint_hides_nothing
                names_and_values_agree
                a_scope_hides_the_rest
                a_stopped_reader_stops
                threads_read_together
                what_is_kept_changes_nothing
            );
        }
    };
    (@checks $build:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::contract::$check($build);
            }
        )*
    };
}
