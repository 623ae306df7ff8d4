//! What is refused, what is kept beyond samples, what goes with age.

use std::path::Path;
use std::time::Duration;

use plimsoll_model::{
    Batch, Canonical, Hint, Metadata, MetricKind, ReadCx, Reason, Rows, SampleSink, SeriesSource,
    SourceId,
};
use plimsoll_store::{Config, Store};

use super::{NOW, contents, labels, open, submit, submit_with};

#[test]
fn at_the_limit_only_new_series_are_refused() {
    let (world, _) = super::world();
    let store = open(&world, &Config { max_series: 2, ..Config::simulated() });
    let (a, b, c) = (labels("m", 1), labels("m", 2), labels("m", 3));
    let one = [(NOW, 1.0)];
    submit(&store, &[(&a, &one), (&b, &one)]).unwrap();
    let told = submit(&store, &[(&c, &one), (&a, &[(NOW + 1, 2.0)])]).unwrap();
    assert_eq!((told.stored, told.refused), (1, 1));
    let (row, reason) = told.first_reason().unwrap();
    assert_eq!(
        (row, reason.clone()),
        (0, Reason::SeriesLimit { limit: "store.limits.series", max: 2 })
    );
    assert!(store.stats().refused.contains(&("series_limit", 1)));
}

#[test]
fn times_out_of_bounds_are_refused_one_by_one() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let l = labels("m", 1);
    let old = NOW - 35 * 86_400_000 - 1;
    let samples =
        [(old, 1.0), (old + 1, 1.0), (NOW, 1.0), (NOW + 600_000, 1.0), (NOW + 600_001, 1.0)];
    let told = submit(&store, &[(&l, &samples)]).unwrap();
    assert_eq!((told.stored, told.refused), (3, 2));
    assert_eq!(told.rows[0].reason, Some(Reason::TooOld { oldest: old + 1 }));
    assert_eq!(contents(&store).len(), 3);
}

#[test]
fn a_bad_row_costs_only_itself() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let good = labels("m", 1);
    let row = |raw, times, floats| Rows { raw, times, floats, ..Rows::default() };
    let rows = [
        row(&[9, 9, 9][..], &[NOW][..], &[1.0][..]),
        row(good.as_ref().as_bytes(), &[NOW, NOW + 1], &[1.0]),
        row(&[], &[NOW], &[1.0]),
        row(good.as_ref().as_bytes(), &[NOW], &[1.0]),
    ];
    let source = SourceId::new("s");
    let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
    let told = store.submit(batch).wait().unwrap();
    let kept: Vec<_> = told.rows.iter().map(|r| r.stored).collect();
    assert_eq!(kept, [0, 0, 0, 1]);
    let names: Vec<_> = told.rows[..3].iter().map(|r| r.reason.as_ref().unwrap().name()).collect();
    assert_eq!(names, ["labels", "shape", "labels"]);
}

#[test]
fn a_directory_belongs_to_one_instance() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let e = Store::open(world.clone(), Path::new("data"), Config::simulated()).err().unwrap();
    assert!(e.to_string().contains("is locked by another instance"), "{e}");
    store.close().unwrap();
    let l = labels("m", 1);
    assert!(submit(&store, &[(&l, &[(NOW, 1.0)])]).is_err(), "closed");
    open(&world, &Config::simulated());
}

#[test]
fn metadata_survives_flushes_and_restarts() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let m = Metadata {
        metric: "m".into(),
        kind: MetricKind::Counter,
        unit: "seconds".into(),
        help: "time spent".into(),
    };
    let l = labels("m", 1);
    submit_with(&store, &[(&l, &[(NOW, 1.0)])], std::slice::from_ref(&m)).unwrap();
    store.flush_now().unwrap();
    submit(&store, &[(&l, &[(NOW + 1, 1.0)])]).unwrap();
    store.flush_now().unwrap();
    store.close().unwrap();
    let store = open(&world, &Config::simulated());
    let cx = ReadCx::unlimited();
    assert_eq!(store.snapshot().metadata(Some("m"), 0, &cx).unwrap(), [m]);
    assert!(store.snapshot().metadata(Some("x"), 0, &cx).unwrap().is_empty());
}

#[test]
fn a_snapshot_does_not_move() {
    let (world, _) = super::world();
    let store = open(&world, &Config::simulated());
    let (a, b) = (labels("m", 1), labels("m", 2));
    submit(&store, &[(&a, &[(NOW, 1.0)])]).unwrap();
    let snapshot = store.snapshot();
    submit(&store, &[(&a, &[(NOW + 1, 1.0), (NOW - 5, 1.0)]), (&b, &[(NOW, 1.0)])]).unwrap();
    store.flush_now().unwrap();
    store.merge_now().unwrap();
    let cx = ReadCx::unlimited();
    let selection = snapshot.select(&[], &Hint::default(), &cx).unwrap();
    assert_eq!(selection.len(), 1);
    let mut scratch = plimsoll_model::Scratch::new();
    let columns = selection.read(0, plimsoll_model::TimeRange::ALL, &mut scratch, &cx).unwrap();
    assert_eq!(columns.times, [NOW]);
    assert_eq!(snapshot.label_values("instance", &[], &Hint::default(), &cx).unwrap(), ["1"]);
    assert_eq!(contents(&store).len(), 4);
}

#[test]
fn series_that_ended_are_forgotten_after_two_generations() {
    let (world, sim) = super::world();
    let config = Config { max_series: 120, ..Config::simulated() };
    let store = open(&world, &config);
    for round in 0..5u32 {
        let series: Vec<_> = (0..30).map(|i| labels("churn", round * 30 + i)).collect();
        let t = world.clock.wall_ms();
        let rows: Vec<_> = series.iter().map(|l| (l, [(t, f64::from(round))])).collect();
        let rows: Vec<_> = rows.iter().map(|(l, s)| (*l, s.as_slice())).collect();
        assert_eq!(submit(&store, &rows).unwrap().stored, 30, "round {round}");
        store.flush_now().unwrap();
        sim.clock.advance(Duration::from_secs(60));
    }
    assert!(store.stats().series <= 90, "{}", store.stats().series);
    let found = contents(&store);
    assert_eq!(found.len(), 150);
    assert_eq!(found[&(labels("churn", 3), NOW)], 0f64.to_bits());
    store.close().unwrap();
    assert_eq!(contents(&open(&world, &config)), found);
}

#[test]
fn days_close_age_and_go() {
    let (world, sim) = super::world();
    let retention = Duration::from_secs(3 * 86_400);
    let config = Config { retention, tier_retention: [retention; 2], ..Config::simulated() };
    let store = open(&world, &config);
    let l = labels("m", 1);
    let mut most_parts = 0;
    for _ in 0..(6 * 24 * 2) {
        let t = world.clock.wall_ms();
        assert_eq!(submit(&store, &[(&l, &[(t, 1.0)])]).unwrap().stored, 1);
        sim.clock.advance(Duration::from_secs(1800));
        store.maintain().unwrap();
        most_parts = most_parts.max(store.stats().parts);
    }
    let stats = store.stats();
    assert!(stats.merges >= 5 && stats.retired >= 2, "{stats:?}");
    assert!(most_parts <= 60, "{most_parts}");
    let oldest = contents(&store).keys().map(|k| k.1).min().unwrap();
    let age = world.clock.wall_ms() - oldest;
    assert!((3 * 86_400_000..=4 * 86_400_000 + 3_600_000).contains(&age), "{age}");
    assert!(stats.wal_segments <= 3, "{stats:?}");
}

#[test]
fn a_jump_of_the_clock_removes_nothing_until_it_is_confirmed() {
    let (world, sim) = super::world();
    let plain = Config::simulated();
    let store = open(&world, &Config { tier_retention: [plain.retention; 2], ..plain });
    let l = labels("m", 1);
    submit(&store, &[(&l, &[(NOW, 1.0)])]).unwrap();
    store.flush_now().unwrap();
    store.maintain().unwrap();
    sim.clock.set_wall_ms(NOW + 400 * 86_400_000);
    store.maintain().unwrap();
    assert!(store.stats().clock_doubted);
    assert_eq!(contents(&store).len(), 1);
    store.confirm_clock();
    store.maintain().unwrap();
    assert!(contents(&store).is_empty());
}

#[test]
fn a_backfill_is_flushed_early_and_its_open_days_are_bounded() {
    const DAY: i64 = 86_400_000;
    let (world, sim) = super::world();
    let config = Config { backfill_days: 3, ..Config::simulated() };
    let store = open(&world, &config);
    let l = labels("m", 1);
    for day in 2..5 {
        submit(&store, &[(&l, &[(NOW - day * DAY, 1.0), (NOW - day * DAY + 1, 2.0)])]).unwrap();
    }
    let e = submit(&store, &[(&l, &[(NOW - 9 * DAY, 1.0)])]).unwrap_err();
    assert!(e.to_string().contains("store.backfill.days"), "{e}");
    store.maintain().unwrap();
    assert_eq!(store.stats().parts, 3);
    submit(&store, &[(&l, &[(NOW - 9 * DAY, 1.0)])]).unwrap();
    // What is in parts is found before the head is locked.
    let told = submit(&store, &[(&l, &[(NOW - 3 * DAY, 1.0), (NOW - 3 * DAY + 1, 9.0)])]).unwrap();
    assert_eq!((told.stored, told.duplicate), (1, 1));
    store.maintain().unwrap();
    assert_eq!(store.stats().parts, 3);
    sim.clock.advance(Duration::from_secs(5 * 60));
    store.maintain().unwrap();
    assert_eq!(store.stats().parts, 4);
    assert_eq!(contents(&store).len(), 7);
}

#[test]
fn some_series_are_kept_for_a_shorter_time() {
    let (world, sim) = super::world();
    let config = Config {
        retention_overrides: vec![plimsoll_store::RetentionOverride {
            matchers: vec![plimsoll_model::Matcher::equal("__name__", "debug")],
            keep: Duration::from_secs(2 * 86_400),
        }],
        ..Config::simulated()
    };
    let store = open(&world, &config);
    for _ in 0..6 * 24 {
        let t = world.clock.wall_ms();
        let (debug, kept) = (labels("debug", 1), labels("m", 1));
        submit(&store, &[(&debug, &[(t, 1.0)]), (&kept, &[(t, 1.0)])]).unwrap();
        sim.clock.advance(Duration::from_secs(3600));
        store.maintain().unwrap();
    }
    store.maintain().unwrap();
    let all = contents(&store);
    let of = |name: &str| all.keys().filter(|k| k.0 == labels(name, 1)).count();
    assert_eq!(of("m"), 6 * 24);
    assert!((2 * 24..=3 * 24 + 2).contains(&of("debug")), "{}", of("debug"));
    drop(store);
    assert_eq!(contents(&open(&world, &config)), all);
}
