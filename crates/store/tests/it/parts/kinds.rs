//! Native histograms, start timestamps and exemplars in parts: bit by bit, in any mix, through merges.

use super::*;
use plimsoll_model::{Counts, Exemplar, Histogram, ResetHint, Span};

fn histogram(seed: u64) -> Arc<Histogram> {
    let n = (seed % 5) as usize;
    let list: Vec<u64> = (0..n as u64).map(|i| seed / (i + 1)).collect();
    let floats = seed % 7 == 3;
    Arc::new(Histogram {
        schema: (seed % 3) as i8,
        hint: [ResetHint::Unknown, ResetHint::Gauge, ResetHint::Reset][(seed % 3) as usize],
        zero_threshold: 1e-128,
        sum: if seed.is_multiple_of(11) { stale_nan() } else { seed as f64 / 3.0 },
        positive_spans: vec![Span { offset: (seed % 4) as i32 - 2, length: n as u32 }],
        negative_spans: Vec::new(),
        custom: Vec::new(),
        counts: match floats {
            true => Counts::Float {
                count: seed as f64,
                zero: 0.5,
                positive: list.iter().map(|v| *v as f64 / 2.0).collect(),
                negative: Vec::new(),
            },
            false => Counts::Integer { count: seed, zero: 1, positive: list, negative: Vec::new() },
        },
    })
}

/// How the start timestamps of a series look.
#[derive(Clone, Copy, Debug)]
enum StartsKind {
    None,
    Constant,
    Previous,
    Any,
}

#[derive(Clone, Debug)]
pub(super) struct Given {
    pub labels: Labels,
    pub run: Run,
}

/// Series of every kind: 130 of them, so that there are three blocks, in about 150 KiB.
pub(super) fn example() -> Vec<Given> {
    let given = |s: i64| {
        let mut run = Run::new();
        for i in 0..(60 + 80 * (s % 7)) {
            let time = 15_000 * i + s % 5 + i * i % 3;
            let start = [0, 77, run.times.last().copied().unwrap_or(5), i * i % 13][s as usize % 4];
            let noise = (i * 7919 + s * 104_729) % 65_521;
            match s % 10 {
                0 => run.push_histogram(time, histogram((noise % 50) as u64), start),
                1 if i > 100 => run.push_histogram(time, histogram(i as u64), start),
                2 => run.push(time, (noise as f64).sqrt(), start),
                3 if i == 17 => run.push(time, stale_nan(), start),
                4 | 6 => {
                    run.push(time, if noise % 40 == 0 { 1e6 } else { (noise % 7) as f64 }, start)
                }
                _ => run.push(time, noise as f64 / 100.0, start),
            }
        }
        let name = format!("m{}", s + 100);
        Given { labels: Labels::new([("__name__", name.as_str()), ("job", "j")]).unwrap(), run }
    };
    (0..130).map(given).collect()
}

fn any_series() -> impl Strategy<Value = Given> {
    let pieces = proptest::collection::vec((any::<bool>(), 1usize..400), 1..4);
    let kind = prop_oneof![
        Just(StartsKind::None),
        Just(StartsKind::Constant),
        Just(StartsKind::Previous),
        Just(StartsKind::Any)
    ];
    ("[a-d]{1,3}", pieces, kind, 0i64..1000).prop_map(|(name, pieces, kind, from)| {
        let mut run = Run::new();
        let mut i = 0i64;
        for (is_histogram, n) in pieces {
            for _ in 0..n {
                let time = from + 15_000 * i + i % 3;
                let start = match kind {
                    StartsKind::None => 0,
                    StartsKind::Constant => 77,
                    StartsKind::Previous => run.times.last().copied().unwrap_or(5),
                    StartsKind::Any => i * i % 13 * 1000,
                };
                if is_histogram {
                    run.push_histogram(time, histogram((i * i % 50) as u64), start);
                } else {
                    run.push(time, (i * i % 97) as f64 / 10.0, start);
                }
                i += 1;
            }
        }
        Given { labels: Labels::new([("__name__", name.as_str())]).unwrap(), run }
    })
}

fn any_part() -> impl Strategy<Value = Vec<Given>> {
    proptest::collection::vec(any_series(), 1..6).prop_map(|mut list| {
        list.sort_by(|a, b| a.labels.as_ref().as_bytes().cmp(b.labels.as_ref().as_bytes()));
        list.dedup_by(|a, b| a.labels == b.labels);
        list
    })
}

pub(super) fn exemplars(seed: i64, n: i64) -> Vec<Arc<Exemplar>> {
    let labels = |i: i64| Labels::new([("trace_id", format!("{seed}-{i}").as_str())]).unwrap();
    (0..n)
        .map(|i| Arc::new(Exemplar { labels: labels(i), value: i as f64 / 3.0, time: 700 * i }))
        .collect()
}

pub(super) fn write_given(disk: &SimDisk, uuid: u128, list: &[Given], level: Level) {
    let spec = PartSpec { level, ..spec(uuid) };
    let mut writer = PartWriter::create(disk, &path(uuid), spec).unwrap();
    let seq = SeqRange::new(uuid as u64, uuid as u64);
    for (i, g) in list.iter().enumerate() {
        let (labels, samples) = (g.labels.as_ref(), g.run.columns());
        writer.add(&SeriesIn { labels, samples, seq }).unwrap();
        writer.add_exemplars(&exemplars(i as i64, (i as i64 % 3) * 400)).unwrap();
    }
    writer.finish(disk).unwrap().unwrap();
}

#[track_caller]
pub(super) fn same(got: &Run, wanted: &Run) {
    assert_eq!(got.times, wanted.times);
    for i in 0..wanted.len() {
        assert_eq!(got.start(i), wanted.start(i), "start of {i}");
        match (got.histogram(i), wanted.histogram(i)) {
            (Some(a), Some(b)) => assert!(a.same(b), "{a:?} is not {b:?}"),
            (None, None) => assert_eq!(got.floats[i].to_bits(), wanted.floats[i].to_bits()),
            other => panic!("{other:?} at {i}"),
        }
    }
}

#[track_caller]
fn check(part: &PartReader, list: &[Given], range: TimeRange) {
    part.verify().unwrap();
    for (ordinal, g) in list.iter().enumerate() {
        let ordinal = ordinal as u32;
        assert_eq!(labels_of(part, ordinal).unwrap(), g.labels);
        for range in [TimeRange::ALL, range] {
            let (mut got, mut wanted) = (Run::new(), g.run.clone());
            got.push(-1, 2.0, 0);
            part.read(ordinal, range, &mut got).unwrap();
            got.remove(TimeRange::new(-1, -1));
            wanted.trim(0, range);
            same(&got, &wanted);
            check_pages(part, ordinal, &g.run, range);
            let last = part.last(ordinal, range).unwrap();
            assert_eq!(last.as_ref().map(|l| l.time), wanted.times.last().copied());
            let is = |i: usize| wanted.histogram(i).is_some();
            let histogram = wanted.len().checked_sub(1).is_some_and(is);
            assert_eq!(last.is_some_and(|l| l.histogram.is_some()), histogram);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_comes_back(list in any_part(), a in 2i64..10_000_000, len in 0i64..5_000_000, day in any::<bool>()) {
        let disk = SimDisk::new(1);
        write_given(&disk, 7, &list, if day { Level::Day } else { Level::Flush });
        let part = open(&disk, &path(7)).unwrap();
        check(&part, &list, TimeRange::new(a, a + len));
    }

    #[test]
    fn a_merge_joins_any_mix(a in any_part(), b in any_part()) {
        let disk = SimDisk::new(1);
        write_given(&disk, 1, &a, Level::Flush);
        write_given(&disk, 2, &b, Level::Flush);
        let mut wanted = a.clone();
        for g in &b {
            match wanted.iter_mut().find(|w| w.labels == g.labels) {
                Some(w) => drop(w.run.join(&g.run.columns())),
                None => wanted.push(g.clone()),
            }
        }
        wanted.sort_by(|a, b| a.labels.as_ref().as_bytes().cmp(b.labels.as_ref().as_bytes()));
        let parts = [1u128, 2].map(|i| Arc::new(open(&disk, &path(i)).unwrap()).into());
        let spec = PartSpec { level: Level::Day, ..spec(9) };
        let out = PartWriter::create(&disk, &path(9), spec).unwrap();
        merge_parts(&disk, &parts, out, TimeRange::ALL, &Cancel::new()).unwrap();
        let part = open(&disk, &path(9)).unwrap();
        check(&part, &wanted, TimeRange::new(1, 1_000_000));
        for (ordinal, g) in wanted.iter().enumerate() {
            let of = |list: &[Given]| {
                list.iter().position(|x| x.labels == g.labels).map(|i| exemplars(i as i64, (i as i64 % 3) * 400))
            };
            let mut all: Vec<_> = of(&a).into_iter().chain(of(&b)).flatten().collect();
            all.sort_by_key(|e| e.time);
            all.dedup();
            let mut got = Vec::new();
            part.exemplars(ordinal as u32, TimeRange::ALL, &mut got).unwrap();
            let key = |e: &Arc<Exemplar>| (e.time, e.labels.clone());
            got.sort_by_key(key);
            all.sort_by_key(key);
            all.dedup();
            prop_assert_eq!(got, all);
        }
    }
}

/// What pages say must be so; together with what is marked as cut they hold every sample.
#[track_caller]
fn check_pages(part: &PartReader, ordinal: u32, run: &Run, range: TimeRange) {
    let mut pages = Vec::new();
    part.pages(ordinal, range, &mut pages).unwrap();
    let mut seen = 0;
    for (i, p) in pages.iter().enumerate() {
        assert!(i == 0 || pages[i - 1].range.end < p.range.start);
        let at: Vec<usize> = (0..run.len()).filter(|i| p.range.contains(run.times[*i])).collect();
        seen += at.iter().filter(|i| range.contains(run.times[**i])).count();
        if p.cut {
            continue;
        }
        assert!(range.contains(p.range.start) && range.contains(p.range.end));
        let values: Vec<f64> = at.iter().map(|i| run.floats[*i]).collect();
        assert_eq!(p.count as usize, values.len());
        assert_eq!(p.min, values.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(p.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let sum: f64 = values.iter().sum();
        assert!(p.sum.is_nan() || (p.sum - sum).abs() < 1e-9 * sum.abs());
        assert!(p.first.is_nan() || p.first == values[0]);
        assert!(p.last.is_nan() || p.last == values[values.len() - 1]);
    }
    assert_eq!(seen, run.times.iter().filter(|t| range.contains(**t)).count());
}

#[test]
fn what_is_the_same_for_all_costs_nothing() {
    let disk = SimDisk::new(1);
    let series = |name: String, start: i64| {
        let mut run = Run::new();
        (0..500).for_each(|i| run.push(15_000 * i + 100_000, i as f64, start));
        Given { labels: Labels::new([("__name__", name.as_str())]).unwrap(), run }
    };
    let list = |start| (100..200).map(|i| series(format!("m{i}"), start)).collect::<Vec<_>>();
    write_given(&disk, 1, &list(0), Level::Day);
    write_given(&disk, 2, &list(90_000), Level::Day);
    let len = |i| disk.contents(&path(i)).unwrap().len();
    assert!(len(2) < len(1) + 200, "{} {}", len(2), len(1));
}

#[test]
fn exemplars_out_of_place_are_refused() {
    let disk = SimDisk::new(1);
    let mut writer = PartWriter::create(&disk, &path(1), spec(1)).unwrap();
    assert!(writer.add_exemplars(&exemplars(1, 2)).is_err());
    let labels = Labels::new([("a", "b")]).unwrap();
    let samples = Columns::plain(&[1], &[1.0]);
    let seq = SeqRange::new(1, 1);
    writer.add(&SeriesIn { labels: labels.as_ref(), samples, seq }).unwrap();
    let mut wrong = exemplars(1, 3);
    wrong.reverse();
    assert!(writer.add_exemplars(&wrong).is_err());
    writer.add_exemplars(&exemplars(1, 3)).unwrap();
    assert!(writer.add_exemplars(&exemplars(1, 3)).is_err());
}
