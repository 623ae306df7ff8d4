//! Tiers say what their samples say, wherever they speak; where raw samples are gone, true samples
//! of them stand in.

use std::time::Duration;

use plimsoll_model::{
    Bucket, Hint, Kept, LabelScratch, ReadCx, Resolution, Scratch, SeriesSource, Tier, TimeRange,
    is_stale, stale_nan,
};
use plimsoll_store::{Config, Store};

use super::{NOW, contents, labels, open, submit, world};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The bucket of these samples, counted naively.
fn naive(end: i64, samples: &[(i64, f64)]) -> Option<Bucket> {
    let all: Vec<_> = samples.iter().filter(|s| !is_stale(s.1)).copied().collect();
    let (first, last) = (all.first()?, all.last()?);
    let numbers = || all.iter().map(|s| s.1).filter(|v| !v.is_nan());
    let falls = || all.windows(2).filter(|w| w[1].1 < w[0].1);
    Some(Bucket {
        end,
        count: all.len() as u32,
        resets: falls().count() as u32,
        first_time: first.0,
        last_time: last.0,
        first: first.1,
        last: last.1,
        min: numbers().fold(f64::NAN, f64::min),
        max: numbers().fold(f64::NAN, f64::max),
        sum: all.iter().map(|s| s.1).sum(),
        corr: falls().map(|w| w[0].1).sum(),
        sum_squares: all.iter().map(|s| s.1 * s.1).sum(),
    })
}

fn close(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * b.abs()
}

#[track_caller]
fn assert_same(found: &Bucket, wanted: &Bucket, kept: Kept) {
    let times = |b: &Bucket| (b.end, b.count, b.last_time);
    assert_eq!(times(found), times(wanted), "{found:?} {wanted:?}");
    let exact = [
        (Kept::FIRST, found.first, wanted.first),
        (Kept::LAST, found.last, wanted.last),
        (Kept::MIN, found.min, wanted.min),
        (Kept::MAX, found.max, wanted.max),
        (Kept::RESETS, f64::from(found.resets), f64::from(wanted.resets)),
    ];
    for (which, a, b) in exact.into_iter().filter(|(which, ..)| kept.has(*which)) {
        let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || a == b;
        assert!(same, "{which:?}: {a} {b} in {found:?}");
    }
    for (which, a, b) in [
        (Kept::SUM, found.sum, wanted.sum),
        (Kept::RESETS, found.corr, wanted.corr),
        (Kept::SQUARES, found.sum_squares, wanted.sum_squares),
    ] {
        assert!(!kept.has(which) || close(a, b), "{which:?}: {a} {b} in {found:?}");
    }
    if kept.has(Kept::FIRST) {
        assert_eq!(found.first_time, wanted.first_time);
    }
}

/// Compares every bucket of every tier with the samples of its time. Returns how many there are.
pub(super) fn buckets_are_what_their_samples_say(store: &Store) -> usize {
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let mut seen = 0;
    for tier in snapshot.tiers(TimeRange::ALL) {
        let hint = Hint { resolution: Resolution::Tier(tier), ..Hint::range(TimeRange::ALL) };
        let selection = snapshot.select(&[], &hint, &cx).unwrap();
        let mut scratch = Scratch::new();
        let mut names = LabelScratch::default();
        for i in 0..selection.len() {
            let name = selection.labels(i, &mut names).to_labels();
            let read = selection.buckets(i, tier, Kept::ALL, TimeRange::ALL, &mut scratch, &cx);
            let found = read.unwrap().unwrap();
            let (covered, kept) = (found.covered.clone(), found.kept);
            let buckets = found.buckets.to_vec();
            assert!(buckets.is_sorted_by(|a, b| a.end < b.end));
            let mut at = 0;
            for range in covered {
                assert!(range.start.rem_euclid(tier.0) == 1 && range.end % tier.0 == 0);
                if range.start < snapshot.raw_from() {
                    at += buckets[at..].partition_point(|b| b.end <= range.end);
                    continue;
                }
                let columns = selection.read(i, range, &mut scratch, &cx).unwrap();
                let samples: Vec<_> =
                    columns.times.iter().copied().zip(columns.floats.iter().copied()).collect();
                let ends = |t: i64| (t + tier.0 - 1).div_euclid(tier.0) * tier.0;
                for some in samples.chunk_by(|a, b| ends(a.0) == ends(b.0)) {
                    let Some(wanted) = naive(ends(some[0].0), some) else { continue };
                    assert!(at < buckets.len(), "{name}: no bucket for {wanted:?}");
                    assert_same(&buckets[at], &wanted, kept);
                    at += 1;
                }
            }
            seen += at;
            assert_eq!(at, buckets.len(), "{name}: a bucket without samples");
        }
    }
    seen
}

fn config() -> Config {
    let retention = Duration::from_secs(10 * 86_400);
    Config { retention, ..Config::simulated() }
}

/// Four days of a counter with resets, a gauge with odd values and a gap, a constant; samples on
/// the borders of buckets and days.
fn fill(store: &Store, from: i64) {
    let mut total = 0.0;
    let counter: Vec<_> = (0..4 * 5760)
        .map(|i| {
            total = if i % 3001 == 3000 { 3.0 } else { total + f64::from(i as u32 % 7) };
            (from + i * 15_000, total)
        })
        .collect();
    let gauge: Vec<_> = (0..4 * 1440)
        .filter(|i| !(2000..2100).contains(i))
        .map(|i| {
            let v = match i % 997 {
                3 => f64::NAN,
                5 => stale_nan(),
                7 => f64::INFINITY,
                _ => (i as f64 * 0.37).sin() * 100.0,
            };
            (from + i * 60_000 + 7, v)
        })
        .collect();
    let constant: Vec<_> = (0..4 * 288).map(|i| (from + i * 300_000, 4096.0)).collect();
    for samples in [&counter, &gauge, &constant] {
        let name = labels("m", samples.len() as u32);
        for some in samples.chunks(4000) {
            assert_eq!(submit(store, &[(&name, some)]).unwrap().refused, 0);
        }
    }
}

#[test]
fn closed_days_get_buckets_and_late_samples_take_them_away_until_they_are_built_anew() {
    let (world, sim) = world();
    let store = open(&world, &config());
    let day = NOW - NOW.rem_euclid(DAY);
    fill(&store, day - 6 * DAY);
    store.merge_now().unwrap();
    store.flush_now().unwrap();
    store.merge_now().unwrap();
    let built = buckets_are_what_their_samples_say(&store);
    assert!(built > 3 * (2 * 288 + 24), "{built}");
    assert_eq!(store.snapshot().tiers(TimeRange::ALL), [Tier(300_000), Tier(HOUR)]);

    // In the head first, in a part beside then, in the tiers at last.
    let late = [(day - 5 * DAY, 77.0), (day - 5 * DAY + 3, 78.0)];
    submit(&store, &[(&labels("m", 4 * 5760), &late[1..])]).unwrap();
    assert!(buckets_are_what_their_samples_say(&store) < built);
    submit(&store, &[(&labels("late", 1), &late)]).unwrap();
    store.flush_now().unwrap();
    let fewer = buckets_are_what_their_samples_say(&store);
    assert!(fewer < built, "{fewer}");
    sim.clock.advance(Duration::from_secs(60));
    store.maintain().unwrap();
    assert!(buckets_are_what_their_samples_say(&store) > built);
    drop(store);
    let store = open(&world, &config());
    assert!(store.open_report().is_clean());
    assert!(buckets_are_what_their_samples_say(&store) > built);
}

#[test]
fn where_raw_samples_are_gone_true_samples_stand_in() {
    let (world, sim) = world();
    let store = open(&world, &config());
    let day = NOW - NOW.rem_euclid(DAY);
    fill(&store, day - 8 * DAY);
    store.flush_now().unwrap();
    store.merge_now().unwrap();
    let before = contents(&store);
    sim.clock.advance(Duration::from_secs(4 * 86_400));
    store.confirm_clock();
    store.maintain().unwrap();
    store.confirm_clock();
    store.maintain().unwrap();
    assert!(store.snapshot().raw_from() > day - 7 * DAY);
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let old = TimeRange::new(day - 8 * DAY + 1, day - 7 * DAY);
    let selection = snapshot.select(&[], &Hint::range(old), &cx).unwrap();
    assert_eq!(selection.len(), 3);
    let after = super::contents_in(&store, old);
    assert!(after.len() > 3 * 250, "{}", after.len());
    for (key, bits) in &after {
        assert_eq!(before.get(key), Some(bits), "{key:?}");
    }
    let mut scratch = Scratch::new();
    selection.read(0, old, &mut scratch, &cx).unwrap();
    assert!(cx.warnings.take()[0].starts_with("rolled-up 5m"));
}

#[test]
fn what_is_deleted_stays_away() {
    use plimsoll_model::Matcher;
    let (world, mut sim) = world();
    let store = open(&world, &config());
    let day = NOW - NOW.rem_euclid(DAY);
    fill(&store, day - 6 * DAY);
    store.flush_now().unwrap();
    store.merge_now().unwrap();
    let (gone, name) = (TimeRange::new(day - 5 * DAY + 1000, day - 4 * DAY), labels("m", 4 * 5760));
    let matcher = [Matcher::equal("instance", &(4 * 5760).to_string())];
    let mut truth = contents(&store);
    truth.retain(|(l, t), _| *l != name || !gone.contains(*t));
    store.delete(&matcher, gone).unwrap();
    assert_eq!(contents(&store), truth);
    // The same time again is a new sample.
    submit(&store, &[(&name, &[(gone.start, 5.0)])]).unwrap();
    truth.insert((name.clone(), gone.start), 5f64.to_bits());
    assert_eq!(contents(&store), truth);
    buckets_are_what_their_samples_say(&store);
    drop(store);
    let world = sim.reboot(plimsoll_world::CrashKind::ProcessKill);
    let store = open(&world, &config());
    assert_eq!(contents(&store), truth);
    store.clean_tombstones().unwrap();
    store.maintain().unwrap();
    assert_eq!(contents(&store), truth);
    buckets_are_what_their_samples_say(&store);
    let all = store.delete(&[Matcher::equal("instance", "")], TimeRange::ALL).unwrap_err();
    assert!(all.to_string().contains("name at least one label"), "{all}");
}

#[test]
fn what_is_too_old_at_the_first_look_is_rolled_up_before_it_goes() {
    let (world, sim) = world();
    let wide = Config { retention: Duration::from_secs(100 * 86_400), ..config() };
    let store = open(&world, &wide);
    let day = NOW - NOW.rem_euclid(DAY);
    fill(&store, day - 40 * DAY);
    store.flush_now().unwrap();
    drop(store);
    sim.clock.advance(Duration::from_secs(60));
    let store = open(&world, &config());
    store.confirm_clock();
    store.maintain().unwrap();
    store.maintain().unwrap();
    let snapshot = store.snapshot();
    assert!(snapshot.raw_from() > day - 37 * DAY);
    let old = TimeRange::new(day - 40 * DAY + 1, day - 37 * DAY);
    assert_eq!(snapshot.tiers(old), [Tier(300_000), Tier(HOUR)]);
    assert!(super::contents_in(&store, old).len() > 1_000);
}
