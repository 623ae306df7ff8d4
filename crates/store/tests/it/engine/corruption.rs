//! One byte of one file is flipped, a thousand times: the store opens or says why not, never serves
//! a value that was not stored, and serves all that is not in the piece that was hit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plimsoll_model::{Hint, LabelScratch, Labels, ReadCx, Scratch, SeriesSource, TimeRange};
use plimsoll_store::{Config, SealKey, Store};
use plimsoll_world::{CrashKind, Sim, World};

use super::{NOW, labels, open, submit};

const DAY: i64 = 86_400_000;
const SERIES: u32 = 12;
/// Samples of a series and day.
const SAMPLES: i64 = 100;

/// Samples by series, rising in time, values as bits.
type Served = BTreeMap<Labels, Vec<(i64, u64)>>;

/// Days of samples in parts, of a tier, and in the log.
fn fill(store: &Store) {
    for day in (0..6).rev() {
        for series in 0..SERIES {
            let from = NOW - day * DAY - 3_600_000;
            let samples: Vec<_> = (0..SAMPLES)
                .map(|i| (from + i * 15_000, f64::from(series) + (i % 17) as f64 * 0.25))
                .collect();
            submit(store, &[(&labels("m", series), &samples)]).unwrap();
        }
        if day > 0 {
            store.flush_now().unwrap();
        }
    }
    store.merge_now().unwrap();
}

/// What the store serves, warnings allowed.
fn served(store: &Store) -> Served {
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let Ok(selection) = snapshot.select(&[], &Hint::default(), &cx) else { return Served::new() };
    let (mut names, mut scratch, mut all) =
        (LabelScratch::default(), Scratch::new(), Served::new());
    for i in 0..selection.len() {
        let labels: Labels = selection.labels(i, &mut names).to_labels();
        let Ok(columns) = selection.read(i, TimeRange::ALL, &mut scratch, &cx) else { continue };
        let samples = columns.times.iter().zip(columns.floats).map(|(t, v)| (*t, v.to_bits()));
        all.insert(labels, samples.collect());
    }
    all
}

/// How many samples of the truth are missing; nothing else may be there.
#[track_caller]
fn missing(truth: &Served, found: &Served, what: &str) -> usize {
    let mut missing = 0;
    for (labels, samples) in truth {
        let there = found.get(labels).map_or(&[][..], Vec::as_slice);
        let mut at = 0;
        for sample in samples {
            if there.get(at) == Some(sample) {
                at += 1;
            } else {
                missing += 1;
            }
        }
        assert_eq!(at, there.len(), "{what}: {labels} has samples that were never stored");
    }
    assert!(found.keys().all(|l| truth.contains_key(l)), "{what}: an unknown series");
    missing
}

fn rounds(slow: u64) -> u64 {
    if std::env::var_os("PLIMSOLL_SLOW").is_some() { slow } else { 60 }
}

fn flip_everywhere(config: &Config, rounds: u64) {
    let (world, sim) = super::world();
    let store = open(&world, config);
    fill(&store);
    let truth = served(&store);
    let all = 6 * SERIES as usize * SAMPLES as usize;
    assert_eq!(truth.values().map(Vec::len).sum::<usize>(), all);
    drop(store);
    let files: Vec<_> = sim.disk.files().into_iter().filter(|(_, len)| *len > 0).collect();
    let kinds: BTreeSet<_> = files
        .iter()
        .map(|(p, _)| p.extension().unwrap_or_else(|| p.file_name().unwrap()).to_owned())
        .collect();
    assert!(kinds.len() >= 3, "{kinds:?}");
    let mut unopened = 0;
    for round in 0..rounds {
        // Every kind of file alike, however large.
        let kind = kinds.iter().nth(round as usize % kinds.len()).unwrap();
        let mine: Vec<_> = files
            .iter()
            .filter(|(p, _)| p.extension() == Some(kind) || p.file_name() == Some(kind))
            .collect();
        let (path, len) = mine[world.chance.below(mine.len() as u64) as usize];
        let (at, mask) = (world.chance.below(*len), 1 << world.chance.below(8));
        // A copy of the machine: a reboot of a disk on which everything is synced.
        let copy = Sim { disk: sim.disk.reboot(CrashKind::ProcessKill), ..sim.clone() };
        let machine: World = copy.world();
        copy.disk.flip(path, at, mask).unwrap();
        let what = || format!("byte {at} of {} ^ {mask:#x}", path.display());
        match Store::open(machine, Path::new("data"), config.clone()) {
            Err(e) => {
                assert!(!e.to_string().is_empty());
                unopened += 1;
                assert!(path.ends_with("keys.log"), "{}: {e}", what());
            }
            Ok(store) => {
                // At worst one day's part, or the log's one day.
                let lost = missing(&truth, &served(&store), &what());
                assert!(lost <= all / 6, "{}: {lost} samples are gone", what());
                let _later = store.maintain();
                missing(&truth, &served(&store), &what());
            }
        }
        copy.disk.heal();
    }
    assert!(unopened * 20 <= rounds, "{unopened} of {rounds} rounds did not open");
}

#[test]
fn no_flipped_byte_gives_a_wrong_value_or_takes_the_rest_away() {
    flip_everywhere(&Config::simulated(), rounds(1_000));
}

#[test]
fn nor_does_one_in_an_encrypted_directory() {
    let encryption = Some(SealKey::new([8; 32]));
    flip_everywhere(&Config { encryption, ..Config::simulated() }, rounds(300));
}
