//! Damage: a flipped bit or a cut anywhere gives an error or the truth, never a panic or a wrong
//! value; a crash while a part is written leaves a whole part or none.

use super::*;
use plimsoll_model::Columns;
use plimsoll_world::{CrashKind, Open};

fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// About 200 KiB in four pages: progressions, decimals, long doubles, exceptions, many values.
fn example() -> Model {
    let mut next = numbers(0x9e37_79b9_7f4a_7c15);
    let mut model = Model::new();
    for s in 0..150 {
        let host = format!("host-{s}");
        let labels = Labels::new([("__name__", "m"), ("instance", &host), ("job", "j")]).unwrap();
        let mut samples = BTreeMap::new();
        for i in 0..600i64 {
            let v = match s % 3 {
                0 => (next() % 1000) as f64 / 10.0,
                1 => f64::from_bits(next()),
                _ => 3.0 * i as f64,
            };
            samples.insert(i * 15_000 + i64::from(s % 5), v.to_bits());
        }
        model.insert(labels, samples);
    }
    model
}

/// Everything that still answers must answer the truth.
fn check_truth(disk: &SimDisk, at: &Path, model: &Model) -> bool {
    let Ok(part) = open(disk, at) else { return false };
    let mut whole = part.verify().is_ok();
    for ordinal in (0..part.series()).step_by(7) {
        let (Ok(labels), Ok(samples)) =
            (labels_of(&part, ordinal), read(&part, ordinal, TimeRange::ALL))
        else {
            whole = false;
            continue;
        };
        assert_eq!(samples, within(&model[&labels], TimeRange::ALL));
    }
    match part.select(&[Matcher::equal("instance", "host-77")]) {
        Ok(found) => assert_eq!(found.len(), 1),
        Err(_) => whole = false,
    }
    whole
}

#[test]
fn one_flipped_bit_never_gives_a_wrong_value() {
    let disk = SimDisk::new(1);
    let model = example();
    write(&disk, 1, &model, SeqRange::new(1, 3));
    let len = disk.contents(&path(1)).unwrap().len() as u64;
    assert!(check_truth(&disk, &path(1), &model));
    let mut next = numbers(0x243f_6a88_85a3_08d3);
    let rounds = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 20_000 } else { 1000 };
    for _ in 0..rounds {
        let (at, mask) = (next() % len, 1u8 << (next() % 8));
        disk.flip(&path(1), at, mask).unwrap();
        assert!(!check_truth(&disk, &path(1), &model), "flip of {mask:#x} at {at} went unseen");
        disk.flip(&path(1), at, mask).unwrap();
    }
}

#[test]
fn a_part_that_is_cut_does_not_open() {
    let disk = SimDisk::new(1);
    write(&disk, 1, &example(), SeqRange::new(1, 3));
    let bytes = disk.contents(&path(1)).unwrap();
    let mut next = numbers(77);
    for i in 0..300u64 {
        let len = if i < 40 { bytes.len() as u64 - 1 - i } else { next() % bytes.len() as u64 };
        let file = disk.open(&path(3), Open::CreateNew).unwrap();
        file.write_all_at(&bytes[..len as usize], 0).unwrap();
        assert!(open(&disk, &path(3)).is_err(), "cut at {len}");
        disk.remove(&path(3)).unwrap();
    }
}

#[test]
fn mutated_files_never_panic() {
    let disk = SimDisk::new(1);
    let mut model = example();
    while model.len() > 12 {
        model.pop_last();
    }
    write(&disk, 1, &model, SeqRange::new(1, 3));
    let bytes = disk.contents(&path(1)).unwrap();
    let mut next = numbers(99);
    for _ in 0..300 {
        let mut bad = bytes.clone();
        for _ in 0..1 + next() % 8 {
            let at = next() as usize % bad.len();
            bad[at] = next() as u8;
        }
        plimsoll_store::part::part_open(&disk, &path(4), &bad);
    }
}

/// Damage that the sums cannot see, as if a writer had a bug: the decoders stand on their own.
#[test]
fn mutated_sections_with_right_sums_never_panic() {
    let disk = SimDisk::new(1);
    let mut model = example();
    while model.len() > 12 {
        model.pop_last();
    }
    write(&disk, 1, &model, SeqRange::new(1, 3));
    let bytes = disk.contents(&path(1)).unwrap();
    check_right_sums(&disk, &bytes, 600);
}

#[test]
fn mutated_sections_of_all_kinds_never_panic() {
    let disk = SimDisk::new(1);
    super::kinds::write_given(&disk, 1, &super::kinds::example(), Level::Day);
    let rounds = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 3000 } else { 60 };
    check_right_sums(&disk, &disk.contents(&path(1)).unwrap(), rounds);
}

/// Changes bytes of the index, and now and then of the data, and makes the sums right again.
fn check_right_sums(disk: &SimDisk, bytes: &[u8], rounds: usize) {
    let footer = bytes.len() - u32_at(bytes, bytes.len() - 12) as usize;
    let sections = u32_at(bytes, footer) as usize;
    let sums_entry = footer + 4 + 32 * (sections - 1);
    let sums = u64_at(bytes, sums_entry + 8) as usize;
    let index = u64_at(bytes, footer + 4 + 32 + 8) as usize;
    let mut next = numbers(4711);
    let mut opened = 0;
    for _ in 0..rounds {
        let mut bad = bytes.to_vec();
        for _ in 0..1 + next() % 4 {
            let from = if next().is_multiple_of(4) { 4096 } else { index };
            let at = from + next() as usize % (sums - from);
            bad[at] = next() as u8;
        }
        for (i, from) in (0..sums).step_by(65536).enumerate() {
            let sum = crc32c::crc32c(&bad[from.max(4096)..sums.min(from + 65536)]);
            bad[sums + 4 * i..][..4].copy_from_slice(&sum.to_le_bytes());
        }
        let hash = xxhash_rust::xxh3::xxh3_64(&bad[sums..footer]);
        bad[sums_entry + 24..][..8].copy_from_slice(&hash.to_le_bytes());
        let crc_at = bad.len() - 16;
        let crc = crc32c::crc32c(&bad[footer..crc_at]);
        bad[crc_at..][..4].copy_from_slice(&crc.to_le_bytes());
        opened += usize::from(opens(disk, &bad));
        plimsoll_store::part::part_open(disk, &path(4), &bad);
    }
    assert_eq!(opened, rounds, "the damage must reach the decoders");
}

fn opens(disk: &SimDisk, bytes: &[u8]) -> bool {
    disk.open(&path(5), Open::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
    let opened = open(disk, &path(5)).is_ok();
    disk.remove(&path(5)).unwrap();
    opened
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// What the owner of parts does: write under a temporary name, sync, rename, sync the directory.
fn install(disk: &SimDisk, model: &Model) -> plimsoll_store::Result<()> {
    let io = |e| plimsoll_store::Error::io("install", e);
    let dir = Path::new("/");
    let mut writer = PartWriter::create(disk, &path(1), spec(1))?;
    let mut series: Vec<_> = model.iter().collect();
    series.sort_by(|a, b| a.0.as_ref().as_bytes().cmp(b.0.as_ref().as_bytes()));
    for (labels, samples) in series {
        let times: Vec<i64> = samples.keys().copied().collect();
        let values: Vec<f64> = samples.values().map(|b| f64::from_bits(*b)).collect();
        let (labels, seq) = (labels.as_ref(), SeqRange::new(1, 3));
        let samples = Columns::plain(&times, &values);
        writer.add(&SeriesIn { labels, samples, seq })?;
    }
    writer.finish(disk)?;
    disk.rename(&path(1), &path(2)).map_err(io)?;
    disk.sync_dir(dir).map_err(io)
}

#[test]
fn a_crash_leaves_a_whole_part_or_none() {
    let model = example();
    let whole = SimDisk::new(3);
    install(&whole, &model).unwrap();
    for n in 0..=whole.operations() {
        for seed in 0..8 {
            let disk = SimDisk::new(3);
            disk.set_crash_after(n);
            let installed = install(&disk, &model);
            let after = disk.reboot(CrashKind::PowerCut { seed });
            if installed.is_ok() || after.exists(&path(2)) {
                assert!(check_truth(&after, &path(2), &model), "crash after {n}, seed {seed}");
            } else if after.exists(&path(1)) {
                check_truth(&after, &path(1), &model);
            }
        }
    }
}
