//! Native histograms, start timestamps and exemplars in the head, and after a restart.

use plimsoll_model::{
    Appended, Batch, Canonical, Counts, Exemplar, Hint, Histogram, Labels, ReadCx, Reason,
    ResetHint, Rows, Run, SampleSink, Scratch, SeriesSource, SourceId, Span, TimeRange,
};
use plimsoll_store::{Config, Store};

use super::{NOW, labels, open};

fn histogram(n: u64) -> Histogram {
    Histogram {
        schema: 2,
        hint: ResetHint::NotReset,
        zero_threshold: 1e-100,
        sum: n as f64 * 1.5,
        positive_spans: vec![Span { offset: -1, length: 2 }],
        negative_spans: vec![],
        custom: vec![],
        counts: Counts::Integer {
            count: 3 * n,
            zero: 0,
            positive: vec![n, 2 * n],
            negative: vec![],
        },
    }
}

fn exemplar(time: i64) -> Exemplar {
    Exemplar { labels: Labels::new([("trace_id", "a")]).unwrap(), value: 0.5, time }
}

fn config() -> Config {
    Config { histograms: true, ..Config::simulated() }
}

fn submit(store: &Store, row: Rows<'_>) -> Appended {
    let source = SourceId::new("test");
    let rows = [row];
    let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
    store.submit(batch).wait().unwrap()
}

fn read(store: &Store) -> Run {
    let cx = ReadCx::unlimited();
    let selection = store.snapshot().select(&[], &Hint::range(TimeRange::ALL), &cx).unwrap();
    assert_eq!(selection.len(), 1);
    let (mut scratch, mut run) = (Scratch::new(), Run::new());
    let found = selection.read(0, TimeRange::ALL, &mut scratch, &cx).unwrap();
    run.extend(&found, 0..found.len());
    run
}

#[test]
fn histograms_and_floats_of_one_series_come_back_after_a_crash() {
    let (world, _) = super::world();
    let l = labels("h", 1);
    let raw = l.as_ref().as_bytes();
    let store = open(&world, &config());
    let (times, starts) = ([NOW, NOW + 15_000], [NOW - 1000, NOW - 1000]);
    let all = [histogram(1), histogram(2)];
    let row = Rows { raw, times: &times, histograms: &all, starts: &starts, ..Rows::default() };
    let told = submit(&store, row);
    assert_eq!((told.stored, told.histograms), (2, 2));
    // The same again is fine, another one is not, nor is a float.
    assert_eq!(submit(&store, row).stored, 2);
    let other = [histogram(1), histogram(3)];
    let told = submit(&store, Rows { histograms: &other, ..row });
    assert_eq!((told.stored, told.duplicate, told.histograms), (1, 1, 1));
    let late = [NOW - 5, NOW];
    let told = submit(&store, Rows { raw, times: &late, floats: &[7.0, 0.0], ..Rows::default() });
    assert_eq!((told.stored, told.duplicate, told.histograms), (1, 1, 0));
    let check = |store: &Store| {
        let run = read(store);
        assert_eq!(run.times, [NOW - 5, NOW, NOW + 15_000]);
        assert_eq!(run.floats[0], 7.0);
        assert!(run.floats[1..].iter().all(|v| plimsoll_model::is_stale(*v)));
        assert_eq!([run.start(0), run.start(1), run.start(2)], [0, NOW - 1000, NOW - 1000]);
        assert!(run.histogram(0).is_none());
        assert!(run.histogram(1).unwrap().same(&all[0]));
        assert!(run.histogram(2).unwrap().same(&all[1]));
    };
    check(&store);
    drop(store);
    check(&open(&world, &config()));
}

#[test]
fn a_histogram_that_does_not_fit_is_refused_alone() {
    let (world, _) = super::world();
    let store = open(&world, &config());
    let l = labels("h", 1);
    let bad = [Histogram { positive_spans: vec![], ..histogram(1) }];
    let row =
        Rows { raw: l.as_ref().as_bytes(), times: &[NOW], histograms: &bad, ..Rows::default() };
    let told = submit(&store, row);
    assert!(matches!(&told.rows[0].reason, Some(Reason::Shape(why)) if why.contains("buckets")));
    let both = Rows { floats: &[1.0], ..row };
    assert_eq!(submit(&store, both).refused, 1);
    assert_eq!(store.stats().series, 0);
}

#[test]
fn exemplars_are_kept_for_series_that_live() {
    let (world, _) = super::world();
    let store = open(&world, &Config { max_exemplars: 3, ..config() });
    let l = labels("c", 1);
    let raw = l.as_ref().as_bytes();
    let all: Vec<_> = (0..6).map(|i| exemplar(NOW + i)).collect();
    let alone = Rows { raw, exemplars: &all, ..Rows::default() };
    assert_eq!(submit(&store, alone).exemplars, 0, "an unknown series");
    let with = Rows { times: &[NOW], floats: &[1.0], exemplars: &all[..1], ..alone };
    assert_eq!(submit(&store, with).exemplars, 1);
    assert_eq!(submit(&store, Rows { times: &[NOW + 1], ..with }).exemplars, 1, "again is fine");
    assert_eq!(submit(&store, alone).exemplars, 2, "three in all");
}

#[test]
fn without_the_setting_histograms_are_refused() {
    let (world, _) = super::world();
    let store = open(&world, &Config { histograms: false, ..Config::simulated() });
    let l = labels("h", 1);
    let all = [histogram(1)];
    let told = submit(
        &store,
        Rows { raw: l.as_ref().as_bytes(), times: &[NOW], histograms: &all, ..Rows::default() },
    );
    assert_eq!((told.stored, told.refused), (0, 1));
}

#[test]
fn histograms_survive_the_flush() {
    let (world, _) = super::world();
    let l = labels("h", 1);
    let store = open(&world, &config());
    let all = [histogram(1), histogram(2)];
    let exemplars = [exemplar(NOW)];
    let row = Rows {
        raw: l.as_ref().as_bytes(),
        times: &[NOW, NOW + 15_000],
        histograms: &all,
        starts: &[NOW - 1000, 0],
        exemplars: &exemplars,
        ..Rows::default()
    };
    submit(&store, row);
    store.flush_now().unwrap();
    assert_eq!(store.stats().head_samples, 0);
    let run = read(&store);
    assert_eq!((run.start(0), run.start(1)), (NOW - 1000, 0));
    assert!(run.histogram(0).unwrap().same(&all[0]) && run.histogram(1).unwrap().same(&all[1]));
    // The duplicate rule holds against parts too.
    assert_eq!(submit(&store, row).stored, 2);
    let other = [histogram(1), histogram(9)];
    let told = submit(&store, Rows { histograms: &other, ..row });
    assert_eq!((told.stored, told.duplicate), (1, 1));
}
