//! Snapshots hold what was acknowledged, open as data directories, and outlive what they were made
//! of; verify finds damage and changes nothing.

use std::path::Path;

use plimsoll_model::Matcher;
use plimsoll_store::{Config, SealKey, Store, restore, verify};

use super::{NOW, contents, labels, open, submit, world};

fn fill(store: &Store, from: i64) {
    for i in 0..40 {
        let samples: Vec<_> =
            (0..50).map(|k| (from - k * 600_000 * i % 70_000_000, (i * k) as f64)).collect();
        submit(store, &[(&labels("m", i as u32), &samples)]).unwrap();
    }
}

fn comes_back(config: &Config) {
    let (world, _) = world();
    let store = open(&world, config);
    fill(&store, NOW);
    store.flush_now().unwrap();
    fill(&store, NOW + 100_000);
    store.merge_now().unwrap();
    fill(&store, NOW + 200_000);
    let all = contents(&store);
    let snapshot = store.snapshot_now().unwrap();
    assert!(snapshot.starts_with("data/snapshots"));
    fill(&store, NOW + 300_000);
    store.delete(&[Matcher::equal("__name__", "m")], plimsoll_model::TimeRange::ALL).unwrap();
    store.clean_tombstones().unwrap();
    assert!(contents(&store).is_empty());
    drop(store);

    let (files, bytes) = restore(&world, &snapshot, Path::new("back/again")).unwrap();
    assert!(files >= 2 && bytes > 1000);
    let back = Store::open(world.clone(), Path::new("back/again"), config.clone()).unwrap();
    assert!(back.open_report().is_clean());
    assert_eq!(contents(&back), all);
    fill(&back, NOW + 400_000);
    assert!(contents(&back).len() > all.len());
    drop(back);
    let report = verify(&world, Path::new("back/again"), config.encryption.as_ref()).unwrap();
    assert!(report.problems.is_empty() && report.samples > 0 && report.records > 0, "{report:?}");
    let full = restore(&world, &snapshot, Path::new("back/again")).unwrap_err().to_string();
    assert!(full.contains("not empty"), "{full}");
    let none = restore(&world, Path::new("back"), Path::new("other")).unwrap_err().to_string();
    assert!(none.contains("no snapshot"), "{none}");
}

#[test]
fn a_snapshot_comes_back() {
    comes_back(&Config::simulated());
}

#[test]
fn an_encrypted_snapshot_comes_back() {
    let encryption = Some(SealKey::new([5; 32]));
    comes_back(&Config { encryption, ..Config::simulated() });
}

#[test]
fn verify_finds_damage_and_changes_nothing() {
    let (world, sim) = world();
    let store = open(&world, &Config::simulated());
    fill(&store, NOW);
    store.flush_now().unwrap();
    fill(&store, NOW + 100_000);
    drop(store);
    let dir = Path::new("data");
    let clean = verify(&world, dir, None).unwrap();
    assert!(clean.problems.is_empty(), "{clean:?}");
    let files = sim.disk.files();
    let is = |end: &str| files.iter().find(|f| f.0.to_string_lossy().ends_with(end)).unwrap();
    for (path, len) in [is(".plm"), is(".wal")] {
        let at = if path.extension().unwrap() == "wal" { 200 } else { len / 2 };
        sim.disk.flip(path, at, 0x10).unwrap();
        let found = verify(&world, dir, None).unwrap();
        assert_eq!(found.problems.len(), if at == 200 { 2 } else { 1 }, "{found:?}");
        assert!(found.problems.iter().any(|p| path.ends_with(&p.0)), "{found:?}");
        sim.disk.flip(path, at, 0x10).unwrap();
    }
    assert_eq!(verify(&world, dir, None).unwrap(), clean);
    assert_eq!(sim.disk.files(), files);
}
