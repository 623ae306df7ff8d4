//! Parts against a naive model: whatever is written is found, selected, read and merged bit by bit.

mod damage;
mod golden;
mod kinds;
mod mix;
mod salvage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::{
    Cancel, Columns, LabelBuf, Labels, MatchOp, Matcher, Run, TimeRange, stale_nan,
};
use plimsoll_store::PageCache;
use plimsoll_store::merge::merge_parts;
use plimsoll_store::part::{Level, PartInfo, PartReader, PartSpec, PartWriter, SeqRange, SeriesIn};
use plimsoll_world::{Disk, SimDisk};
use proptest::prelude::*;

/// Bits of the value by time by series.
pub(super) type Model = BTreeMap<Labels, BTreeMap<i64, u64>>;

pub(super) fn spec(uuid: u128) -> PartSpec {
    PartSpec { uuid, tier: None, level: Level::Flush, created: 1_763_683_200_000 }
}

pub(super) fn path(uuid: u128) -> PathBuf {
    PathBuf::from(format!("/{uuid}.plm"))
}

pub(super) fn write(disk: &dyn Disk, uuid: u128, model: &Model, seq: SeqRange) -> PartInfo {
    let mut series: Vec<_> = model.iter().filter(|(_, s)| !s.is_empty()).collect();
    series.sort_by(|a, b| a.0.as_ref().as_bytes().cmp(b.0.as_ref().as_bytes()));
    let mut writer = PartWriter::create(disk, &path(uuid), spec(uuid)).unwrap();
    for (labels, samples) in series {
        let times: Vec<i64> = samples.keys().copied().collect();
        let values: Vec<f64> = samples.values().map(|b| f64::from_bits(*b)).collect();
        let labels = labels.as_ref();
        let samples = Columns::plain(&times, &values);
        writer.add(&SeriesIn { labels, samples, seq }).unwrap();
    }
    writer.finish(disk).unwrap().unwrap()
}

pub(super) fn open(disk: &dyn Disk, path: &Path) -> plimsoll_store::Result<PartReader> {
    PartReader::open(disk, path, Arc::new(PageCache::new(4 << 20)))
}

pub(super) fn labels_of(part: &PartReader, ordinal: u32) -> plimsoll_store::Result<Labels> {
    let mut buf = LabelBuf::new();
    part.labels(ordinal, &mut buf)?;
    Ok(buf.to_labels())
}

pub(super) fn read(
    part: &PartReader,
    ordinal: u32,
    range: TimeRange,
) -> plimsoll_store::Result<Vec<(i64, u64)>> {
    let mut run = Run::new();
    part.read(ordinal, range, &mut run)?;
    Ok(run.times.into_iter().zip(run.floats.into_iter().map(f64::to_bits)).collect())
}

pub(super) fn within(samples: &BTreeMap<i64, u64>, range: TimeRange) -> Vec<(i64, u64)> {
    samples.iter().filter(|(t, _)| range.contains(**t)).map(|(t, b)| (*t, *b)).collect()
}

#[track_caller]
fn check_all(part: &PartReader, model: &Model, range: TimeRange) {
    part.verify().unwrap();
    assert_eq!(part.series() as usize, model.len());
    for ordinal in 0..part.series() {
        let labels = labels_of(part, ordinal).unwrap();
        let samples = &model[&labels];
        assert_eq!(read(part, ordinal, TimeRange::ALL).unwrap(), within(samples, TimeRange::ALL));
        let wanted = within(samples, range);
        assert_eq!(read(part, ordinal, range).unwrap(), wanted);
        let last = part.last(ordinal, range).unwrap().map(|l| (l.time, l.float.to_bits()));
        assert_eq!(last, wanted.last().copied());
        let info = part.series_info(ordinal).unwrap();
        assert_eq!(info.samples as usize, samples.len());
        assert_eq!(Some(info.range.start), samples.keys().next().copied());
        assert_eq!(Some(info.range.end), samples.keys().next_back().copied());
        assert_eq!(info.stats.is_some(), samples.len() >= 480);
    }
}

#[track_caller]
fn check_select(part: &PartReader, model: &Model, matchers: &[Matcher]) {
    let mut found: Vec<Labels> =
        part.select(matchers).unwrap().iter().map(|o| labels_of(part, o).unwrap()).collect();
    found.sort();
    let wanted: Vec<Labels> =
        model.keys().filter(|l| Matcher::all(matchers, l.as_ref())).cloned().collect();
    assert_eq!(found, wanted, "{matchers:?}");
}

fn any_labels() -> impl Strategy<Value = Labels> {
    let value = prop_oneof![
        Just(String::new()),
        "[ab]{1,3}",
        (0u32..200).prop_map(|i| format!("host-{i}")),
        Just("a\nb".to_owned()),
    ];
    ("[ab]{1,2}", value.clone(), value).prop_map(|(name, x, y)| {
        Labels::new([("__name__", name.as_str()), ("x", x.as_str()), ("y", y.as_str())]).unwrap()
    })
}

fn any_samples() -> impl Strategy<Value = BTreeMap<i64, u64>> {
    let value = prop_oneof![
        6 => (0u32..100_000).prop_map(|v| f64::from(v) / 10.0),
        1 => Just(stale_nan()),
        1 => Just(-0.0),
        1 => any::<u64>().prop_map(f64::from_bits),
    ];
    let scattered = proptest::collection::vec((0i64..100, value.clone()), 1..40);
    let steady = (0i64..5, proptest::collection::vec(value, 1..1200));
    prop_oneof![
        3 => scattered.prop_map(|v| v.into_iter().map(|(t, x)| (t * 15_000, x.to_bits())).collect()),
        1 => steady.prop_map(|(from, v)| {
            v.into_iter().enumerate().map(|(i, x)| ((from + i as i64) * 15_000, x.to_bits())).collect()
        }),
    ]
}

fn any_model(series: usize) -> impl Strategy<Value = Model> {
    proptest::collection::btree_map(any_labels(), any_samples(), 1..series)
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let op = prop_oneof![
        Just(MatchOp::Equal),
        Just(MatchOp::NotEqual),
        Just(MatchOp::Regex),
        Just(MatchOp::NotRegex)
    ];
    let name = prop_oneof![Just("__name__"), Just("x"), Just("y"), Just("none")];
    let value = prop_oneof![
        Just(""),
        Just("a"),
        Just("ab"),
        Just("host-7"),
        Just("a.*"),
        Just(".*"),
        Just(".+"),
        Just("a|b"),
        Just("(ab|ba|host-1)"),
        Just("host-1.*"),
        Just("host-1?"),
        Just("a|"),
        Just("a.b"),
        Just("(?i)AB"),
        Just("host-(1|2).?"),
        Just("[ab]+"),
        Just("a{2}"),
    ];
    (op, name, value).prop_map(|(op, name, value)| Matcher::new(op, name, value).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_part_gives_back_what_was_written(model in any_model(150), a in 0i64..1_500_000, len in 0i64..500_000) {
        let disk = SimDisk::new(1);
        let info = write(&disk, 7, &model, SeqRange::new(5, 9));
        let part = open(&disk, &path(7)).unwrap();
        prop_assert_eq!(part.info(), &info);
        prop_assert_eq!(info.bytes, disk.contents(&path(7)).unwrap().len() as u64);
        check_all(&part, &model, TimeRange::new(a, a + len));
    }

    #[test]
    fn selecting_is_filtering(model in any_model(150), matchers in proptest::collection::vec(any_matcher(), 0..4)) {
        let disk = SimDisk::new(1);
        write(&disk, 7, &model, SeqRange::new(1, 1));
        let part = open(&disk, &path(7)).unwrap();
        check_select(&part, &model, &matchers);
        let mut values: Vec<String> = model.keys().filter_map(|l| l.get("x")).map(str::to_owned).collect();
        values.sort();
        values.dedup();
        let mut found = Vec::new();
        part.label_values("x", &mut found).unwrap();
        prop_assert_eq!(found, values);
        prop_assert!(part.label_names().unwrap().contains(&"__name__".to_owned()));
        let mut found = Vec::new();
        part.label_values("none", &mut found).unwrap();
        prop_assert!(found.is_empty());
    }

    #[test]
    fn a_merge_keeps_the_first_commit(models in proptest::collection::vec(any_model(40), 1..5), cut in any::<bool>()) {
        let disk = SimDisk::new(1);
        let keep = if cut { TimeRange::new(300_000, 6_000_000) } else { TimeRange::ALL };
        let mut wanted = Model::new();
        let mut parts = Vec::new();
        for (i, model) in models.iter().enumerate() {
            let seq = 10 * i as u64;
            write(&disk, i as u128, model, SeqRange::new(seq, seq + 9));
            // The order of the inputs means nothing.
            parts.insert(0, Arc::new(open(&disk, &path(i as u128)).unwrap()));
            for (labels, samples) in model {
                for (t, bits) in within(samples, keep) {
                    wanted.entry(labels.clone()).or_default().entry(t).or_insert(bits);
                }
            }
        }
        let out = PartWriter::create(&disk, &path(99), PartSpec { level: Level::Day, ..spec(99) }).unwrap();
        let sources: Vec<_> = parts.into_iter().map(Into::into).collect();
        let done = merge_parts(&disk, &sources, out, keep, &Cancel::new()).unwrap();
        prop_assert_eq!(done.part.is_some(), !wanted.is_empty());
        if let Some(info) = done.part {
            prop_assert_eq!(info.samples, done.read - done.duplicates);
            check_all(&open(&disk, &path(99)).unwrap(), &wanted, keep);
        } else {
            prop_assert!(!disk.exists(&path(99)));
        }
    }
}

#[test]
fn what_is_out_of_order_is_refused() {
    let disk = SimDisk::new(1);
    let mut writer = PartWriter::create(&disk, &path(1), spec(1)).unwrap();
    let labels = Labels::new([("a", "b")]).unwrap();
    let seq = SeqRange::new(1, 1);
    let one = |times: &'static [i64], values: &'static [f64]| (times, values);
    let mut add = |(times, values): (&[i64], &[f64])| {
        let samples = Columns::plain(times, values);
        writer.add(&SeriesIn { labels: labels.as_ref(), samples, seq })
    };
    assert!(add(one(&[2, 1], &[1.0, 1.0])).is_err());
    assert!(add(one(&[1], &[])).is_err());
    assert!(add(one(&[], &[])).is_err());
    assert!(add(one(&[1], &[1.0])).is_ok());
    assert!(add(one(&[2], &[1.0])).is_err());
}

#[test]
fn a_merge_stops_when_it_is_told_to() {
    let disk = SimDisk::new(1);
    let model = Model::from([(Labels::new([("a", "b")]).unwrap(), BTreeMap::from([(1, 2)]))]);
    write(&disk, 1, &model, SeqRange::new(1, 1));
    let part = Arc::new(open(&disk, &path(1)).unwrap());
    let cancel = Cancel::new();
    cancel.stop(plimsoll_model::Stop::Shutdown);
    let out = PartWriter::create(&disk, &path(2), spec(2)).unwrap();
    let done = merge_parts(&disk, &[part.into()], out, TimeRange::ALL, &cancel);
    assert!(matches!(done, Err(plimsoll_store::Error::Unavailable(_))));
    assert!(open(&disk, &path(2)).is_err());
}
