//! A disk that fails, fills up and rots under the store.

use std::path::{Path, PathBuf};

use plimsoll_model::Error;
use plimsoll_store::{Config, Store, WalSync};
use plimsoll_world::{CrashKind, Fault, FaultPlan, Op, Sim, World};

use super::{NOW, Truth, contents, labels, open, submit};

fn append(store: &Store, truth: &mut Truth, i: i64) -> bool {
    let l = labels("m", 1);
    match submit(store, &[(&l, &[(NOW - 1_000_000 + i, i as f64 / 3.0)])]) {
        Ok(told) => {
            assert_eq!(told.stored, 1);
            truth.insert((l, NOW - 1_000_000 + i), (i as f64 / 3.0).to_bits());
            true
        }
        Err(Error::Unavailable(_)) => false,
        Err(e) => panic!("{e}"),
    }
}

fn has_all(store: &Store, truth: &Truth) {
    let found = contents(store);
    for (key, bits) in truth {
        assert_eq!(found.get(key), Some(bits), "{key:?}");
    }
}

fn segments(sim: &Sim) -> Vec<PathBuf> {
    let wal = |p: &PathBuf| p.extension().is_some_and(|e| e == "wal");
    let all = sim.disk.files().into_iter().map(|f| f.0);
    all.filter(|p| wal(p) && !p.to_string_lossy().contains("quarantine")).collect()
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    let config = Config { reserve_bytes: Some(256 << 10), ..Config::simulated() };
    let (world, mut sim) = super::world();
    sim.disk.set_capacity(600 << 10);
    let store = open(&world, &config);
    let mut truth = Truth::new();
    let mut i = 0;
    while append(&store, &mut truth, i) {
        i += 1;
        assert!(i < 1_000_000, "the disk never fills up");
        if i % 64 == 0 {
            let filler = labels("filler", i as u32);
            let noise: Vec<_> = (0..200).map(|k| (NOW + k, ((i * 200 + k) as f64).sin())).collect();
            drop(submit(&store, &[(&filler, &noise)]));
        }
    }
    assert!(store.stats().refusing.is_some());
    has_all(&store, &truth);
    sim.disk.set_capacity(64 << 20);
    store.tick();
    assert_eq!(store.stats().refusing, None);
    assert!(append(&store, &mut truth, i + 1));
    has_all(&store, &truth);
    drop(store);
    has_all(&open(&sim.reboot(CrashKind::ProcessKill), &config), &truth);
}

#[test]
fn a_full_disk_flushes_into_its_reserve() {
    let config = Config { reserve_bytes: Some(512 << 10), ..Config::simulated() };
    let (world, sim) = super::world();
    sim.disk.set_capacity(1 << 20);
    let store = open(&world, &config);
    let mut truth = Truth::new();
    let mut i = 0;
    while append(&store, &mut truth, i) {
        i += 1;
        let filler = labels("filler", i as u32 % 10);
        let noise: Vec<_> =
            (0..50).map(|k| (NOW - 500_000 + i * 50 + k, 1.0 / (i + k) as f64)).collect();
        drop(submit(&store, &[(&filler, &noise)]));
    }
    store.tick();
    store.maintain().unwrap();
    store.tick();
    assert_eq!(store.stats().refusing, None, "{:?}", store.stats());
    assert!(append(&store, &mut truth, i + 1));
    has_all(&store, &truth);
}

#[test]
fn failing_writes_and_syncs_lose_nothing() {
    for (op, fault) in [
        (Op::Write, Fault::Io),
        (Op::Write, Fault::Short(7)),
        (Op::Sync, Fault::Io),
        (Op::Sync, Fault::Full),
    ] {
        for wal_sync in [WalSync::Os, WalSync::Fsync] {
            for nth in 1..12 {
                let config = Config { wal_sync, wal_segment_bytes: 4096, ..Config::simulated() };
                let (world, mut sim) = super::world();
                let store = open(&world, &config);
                sim.disk.fail(FaultPlan::new(op, nth, fault).only("wal").lasting());
                let mut truth = Truth::new();
                for i in 0..10 {
                    append(&store, &mut truth, i);
                    store.tick();
                }
                sim.disk.heal();
                store.tick();
                store.tick();
                assert_eq!(store.stats().refusing, None, "{op:?} {nth}");
                assert!(append(&store, &mut truth, 100));
                store.tick();
                has_all(&store, &truth);
                drop(store);
                let world = sim.reboot(CrashKind::PowerCut { seed: nth });
                has_all(&open(&world, &config), &truth);
            }
        }
    }
}

#[test]
fn a_flush_that_fails_is_tried_again() {
    for op in [Op::Write, Op::Sync, Op::Rename] {
        for nth in 1..8 {
            let (world, sim) = super::world();
            let store = open(&world, &Config::simulated());
            let mut truth = Truth::new();
            append(&store, &mut truth, 1);
            sim.disk.fail(FaultPlan::new(op, nth, Fault::Io));
            let first = store.flush_now();
            append(&store, &mut truth, 2);
            has_all(&store, &truth);
            sim.disk.heal();
            store.tick();
            store.flush_now().unwrap_or_else(|e| panic!("{op:?} {nth}: {e} after {first:?}"));
            has_all(&store, &truth);
            drop(store);
            has_all(&open(&sim.world(), &Config::simulated()), &truth);
        }
    }
}

/// A store with 30 batches of one series each, killed.
fn killed() -> (World, Sim, Truth) {
    let (world, mut sim) = super::world();
    let store = open(&world, &Config::simulated());
    let mut truth = Truth::new();
    for i in 0..30u32 {
        let l = labels("m", i);
        submit(&store, &[(&l, &[(NOW, f64::from(i) + 0.125)])]).unwrap();
        truth.insert((l, NOW), (f64::from(i) + 0.125).to_bits());
    }
    let world = sim.reboot(CrashKind::ProcessKill);
    (world, sim, truth)
}

#[test]
fn a_flipped_byte_in_the_log_costs_its_record_and_nothing_else() {
    let (_, sim, _) = killed();
    let (path, len) = (segments(&sim).remove(0), sim.disk.files());
    let len = len.into_iter().find(|f| f.0 == path).unwrap().1;
    let step = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 1 } else { 13 };
    for at in (0..len).step_by(step) {
        let (world, sim, truth) = killed();
        sim.disk.flip(&path, at, 1 << (at % 8)).unwrap();
        let store = open(&world, &Config::simulated());
        let found = contents(&store);
        assert!(found.iter().all(|(k, v)| truth.get(k) == Some(v)), "byte {at}: a wrong value");
        // Every batch has a record that defines its series and one with its sample.
        let lost = truth.len() - found.len();
        assert!(lost <= 1 || at < 64, "byte {at}: {lost} of {} lost", truth.len());
        let last = labels("m", 29);
        if lost > 0 && found.contains_key(&(last, NOW)) {
            let report = store.open_report();
            assert!(!report.segments_damaged.is_empty(), "byte {at}: {report:?}");
            assert!(sim.disk.files().iter().any(|f| f.0.starts_with("/data/quarantine")));
        }
        let more = labels("more", 0);
        submit(&store, &[(&more, &[(NOW, 1.0)])]).unwrap();
        store.close().unwrap();
        let again = contents(&open(&world, &Config::simulated()));
        assert_eq!(again.len(), found.len() + 1, "byte {at}");
    }
}

#[test]
fn a_damaged_part_is_set_aside_and_the_rest_is_served() {
    let (world, sim) = super::world();
    let store = open(&world, &Config::simulated());
    let (mut yesterday, mut today) = (Truth::new(), Truth::new());
    let l = labels("m", 1);
    submit(&store, &[(&l, &[(NOW - 86_400_000, 1.0), (NOW, 2.0)])]).unwrap();
    yesterday.insert((l.clone(), NOW - 86_400_000), 1f64.to_bits());
    today.insert((l, NOW), 2f64.to_bits());
    store.flush_now().unwrap();
    assert_eq!(contents(&store).len(), 2);
    store.close().unwrap();
    let part = |p: &PathBuf| p.to_string_lossy().contains("2026-11-20");
    let path = sim.disk.files().into_iter().map(|f| f.0).find(part).unwrap();
    sim.disk.flip(&path, 20, 1).unwrap();
    let store = open(&world, &Config::simulated());
    assert_eq!(store.open_report().parts_damaged.len(), 1);
    assert_eq!(contents(&store), today);
    assert!(!world.disk.exists(&path));
    assert!(!world.disk.list(Path::new("data/quarantine")).unwrap().is_empty());
    store.close().unwrap();
    assert!(open(&world, &Config::simulated()).open_report().is_clean());
}

#[test]
fn a_missing_part_is_reported_and_a_missing_manifest_stops_the_start() {
    let (world, sim) = super::world();
    let store = open(&world, &Config::simulated());
    let l = labels("m", 1);
    submit(&store, &[(&l, &[(NOW, 2.0)])]).unwrap();
    store.flush_now().unwrap();
    store.close().unwrap();
    let part = |p: &PathBuf| p.extension().is_some_and(|e| e == "plm");
    let path = sim.disk.files().into_iter().map(|f| f.0).find(part).unwrap();
    world.disk.rename(&path, Path::new("data/away")).unwrap();
    let store = open(&world, &Config::simulated());
    assert_eq!(store.open_report().parts_missing.len(), 1);
    assert!(contents(&store).is_empty());
    store.close().unwrap();
    world.disk.rename(Path::new("data/away"), &path).unwrap();
    world.disk.rename(Path::new("data/MANIFEST"), Path::new("data/away")).unwrap();
    let e = Store::open(world.clone(), Path::new("data"), Config::simulated()).err().unwrap();
    assert!(e.to_string().contains("MANIFEST is missing"), "{e}");
    assert!(world.disk.exists(&path), "nothing is removed");
}

#[test]
fn an_encrypted_directory_needs_its_key_and_a_plain_one_none() {
    use plimsoll_store::SealKey;
    let (world, sim) = super::world();
    let with =
        |byte: u8| Config { encryption: Some(SealKey::new([byte; 32])), ..Config::simulated() };
    let store = super::open(&world, &with(1));
    let secret = plimsoll_model::Labels::new([("__name__", "topsecret_total")]).unwrap();
    submit(&store, &[(&secret, &[(NOW, 42.0)])]).unwrap();
    store.flush_now().unwrap();
    submit(&store, &[(&secret, &[(NOW + 1, 43.0)])]).unwrap();
    let all = contents(&store);
    drop(store);
    let open = |config: &Config| Store::open(world.clone(), Path::new("data"), config.clone());
    let wrong = open(&with(2)).err().unwrap().to_string();
    assert!(wrong.contains("wrong key"), "{wrong}");
    let none = open(&Config::simulated()).err().unwrap().to_string();
    assert!(none.contains("is encrypted"), "{none}");
    let keys = Path::new("data/keys.log");
    let (a, b) = (SealKey::new([1; 32]), SealKey::new([2; 32]));
    plimsoll_store::rotate(&*world.disk, &*world.chance, keys, &a, &b).unwrap();
    assert!(open(&with(1)).is_err());
    assert_eq!(contents(&open(&with(2)).unwrap()), all);
    for (path, _) in sim.disk.files() {
        let bytes = sim.disk.contents(&path).unwrap();
        assert!(!bytes.windows(9).any(|w| w == b"topsecret"), "{}", path.display());
    }
    let (plain, _) = super::world();
    let store = super::open(&plain, &Config::simulated());
    drop(store);
    let late = Store::open(plain, Path::new("data"), with(1)).err().unwrap().to_string();
    assert!(late.contains("not encrypted"), "{late}");
}

#[test]
fn of_a_damaged_part_what_is_readable_is_saved() {
    let (world, sim) = super::world();
    let store = super::open(&world, &Config::simulated());
    let mut seed = 7u64;
    for series in 0..200 {
        let samples: Vec<_> = (0..400)
            .map(|i| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (NOW - i * 15_000, (seed >> 11) as f64 / 3.0)
            })
            .collect();
        submit(&store, &[(&labels("m", series), &samples)]).unwrap();
    }
    store.flush_now().unwrap();
    let truth = contents(&store);
    drop(store);
    let files = sim.disk.files();
    let (path, len) = files.iter().find(|f| f.0.to_string_lossy().ends_with(".plm")).unwrap();
    sim.disk.flip(path, len / 2, 1).unwrap();
    let store = super::open(&world, &Config::simulated());
    // Reading meets the damage, maintenance sets the part aside and saves the rest.
    let cx = plimsoll_model::ReadCx::unlimited();
    let snapshot = plimsoll_model::SeriesSource::snapshot(&store);
    let selection = snapshot.select(&[], &Default::default(), &cx).unwrap();
    let mut scratch = plimsoll_model::Scratch::new();
    for i in 0..selection.len() {
        let all = plimsoll_model::TimeRange::ALL;
        selection.read(i, all, &mut scratch, &cx).unwrap();
    }
    assert!(cx.warnings.take().iter().any(|w| w.contains("cannot be read")));
    drop((selection, snapshot));
    store.maintain().unwrap();
    let saved = contents(&store);
    assert!(saved.len() > truth.len() * 8 / 10, "{} of {}", saved.len(), truth.len());
    assert!(saved.iter().all(|(key, bits)| truth.get(key) == Some(bits)));
    let stats = store.stats();
    assert_eq!((stats.quarantined, stats.salvaged), (1, 1));
    drop(store);
    assert_eq!(contents(&super::open(&world, &Config::simulated())), saved);
}
