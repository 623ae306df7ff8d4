//! The machine stops after each operation in turn, and starts again: it opens, and everything that
//! was acknowledged is there, as it was told.

use plimsoll_model::Labels;
use plimsoll_store::{Config, Store, WalSync};
use plimsoll_world::{CrashKind, Open, Sim, World};

use super::{NOW, Truth, contents, labels, submit};

/// Appends, duplicates, late data, flushes, a merge, a second start. Stops at the first failure.
/// Returns what was acknowledged.
fn workload(world: &World, config: &Config) -> Truth {
    let mut acked = Truth::new();
    if let Ok(store) = Store::open(world.clone(), "data".as_ref(), config.clone()) {
        let done = first_half(world, &store, &mut acked);
        drop(store);
        if done.is_some()
            && let Ok(store) = Store::open(world.clone(), "data".as_ref(), config.clone())
        {
            second_half(world, &store, &mut acked);
        }
    }
    acked
}

fn first_half(world: &World, store: &Store, acked: &mut Truth) -> Option<()> {
    for i in 0..3 {
        append(world, store, acked, i * 10_000, 0.5)?;
    }
    store.flush_now().ok()?;
    append(world, store, acked, 30_000, 0.5)?;
    append(world, store, acked, 10_000, 99.0)?;
    append(world, store, acked, -90_000_000, 0.25)?;
    store.tick();
    store.flush_now().ok()?;
    append(world, store, acked, 5_000, 1.0)
}

fn second_half(world: &World, store: &Store, acked: &mut Truth) -> Option<()> {
    append(world, store, acked, 40_000, 2.0)?;
    store.flush_now().ok()?;
    store.merge_now().ok()?;
    append(world, store, acked, 40_000, 77.0)?;
    append(world, store, acked, 50_000, 2.0)?;
    store.close().ok()
}

/// Appends to three series; remembers what was stored, and checks that what was told fits.
fn append(world: &World, store: &Store, acked: &mut Truth, after: i64, value: f64) -> Option<()> {
    let series: Vec<Labels> = (0..3).map(|i| labels("m", i)).collect();
    let samples = [(NOW + after, value), (NOW + after + 1, -value)];
    let rows: Vec<_> = series.iter().map(|l| (l, samples.as_slice())).collect();
    let told = submit(store, &rows).ok()?;
    for (l, verdict) in series.iter().zip(&told.rows) {
        for (t, v) in samples {
            let before = acked.get(&(l.clone(), t)).copied();
            if verdict.stored == 2 {
                let is_new = before.is_none_or(|b| b == v.to_bits());
                if !is_new && world.disk.open("data/MANIFEST".as_ref(), Open::Read).is_err() {
                    // The machine stopped between the log and the parts: nobody was told.
                    return None;
                }
                assert!(is_new);
                acked.insert((l.clone(), t), v.to_bits());
            } else {
                assert_eq!(verdict.duplicate, 2, "{verdict:?}");
                assert!(before.is_some_and(|b| b != v.to_bits()));
            }
        }
    }
    Some(())
}

/// Opens after the crash: nothing acknowledged is missing or different, and work goes on.
fn check(world: &World, sim: &Sim, config: &Config, acked: &Truth, at: &str) {
    let store = Store::open(world.clone(), "data".as_ref(), config.clone())
        .unwrap_or_else(|e| panic!("{at}: {e}"));
    let found = contents(&store);
    for (key, bits) in acked {
        assert_eq!(found.get(key), Some(bits), "{at}: {key:?}");
    }
    let one = labels("after", 1);
    let told = submit(&store, &[(&one, &[(NOW, 1.0)])]).unwrap_or_else(|e| panic!("{at}: {e}"));
    assert_eq!(told.stored, 1, "{at}");
    store.flush_now().unwrap_or_else(|e| panic!("{at}: {e}"));
    store.merge_now().unwrap_or_else(|e| panic!("{at}: {e}"));
    let mut expected = found;
    expected.insert((one, NOW), 1f64.to_bits());
    assert_eq!(contents(&store), expected, "{at}");
    drop(store);
    let again = Store::open(sim.world(), "data".as_ref(), config.clone()).unwrap();
    assert_eq!(contents(&again), expected, "{at}: opened again");
}

fn enumerate(config: &Config, kind: impl Fn(u64) -> CrashKind) {
    let (world, sim) = super::world();
    let whole = workload(&world, config);
    assert!(whole.len() > 40, "the workload runs to its end when nothing fails");
    let operations = sim.disk.operations();
    let slow = std::env::var_os("PLIMSOLL_SLOW").is_some();
    let seeds = if slow { 20 } else { 1 };
    for n in 0..=operations {
        for seed in 0..seeds {
            let (world, mut sim) = super::world();
            sim.disk.set_crash_after(n);
            let acked = workload(&world, config);
            let world = sim.reboot(kind(n * 1000 + seed));
            check(
                &world,
                &sim,
                config,
                &acked,
                &format!("crash after {n} of {operations}, seed {seed}"),
            );
        }
    }
}

#[test]
fn a_power_cut_anywhere_loses_nothing_under_fsync() {
    let config =
        Config { wal_sync: WalSync::Fsync, wal_segment_bytes: 4096, ..Config::simulated() };
    enumerate(&config, |seed| CrashKind::PowerCut { seed });
}

#[test]
fn a_kill_anywhere_loses_nothing() {
    enumerate(&Config::simulated(), |_| CrashKind::ProcessKill);
}

fn encrypted(config: Config) -> Config {
    Config { encryption: Some(plimsoll_store::SealKey::new([6; 32])), ..config }
}

#[test]
fn a_kill_anywhere_loses_nothing_of_an_encrypted_store() {
    enumerate(&encrypted(Config::simulated()), |_| CrashKind::ProcessKill);
}

#[test]
fn a_power_cut_anywhere_loses_nothing_of_an_encrypted_store_under_fsync() {
    let config =
        Config { wal_sync: WalSync::Fsync, wal_segment_bytes: 4096, ..Config::simulated() };
    enumerate(&encrypted(config), |seed| CrashKind::PowerCut { seed });
}

#[test]
fn a_power_cut_under_os_loses_only_what_no_sync_covered() {
    for seed in 0..50 {
        let (world, mut sim) = super::world();
        let store = super::open(&world, &Config::simulated());
        let mut acked = Truth::new();
        append(&world, &store, &mut acked, 0, 1.0).unwrap();
        store.tick();
        let mut later = acked.clone();
        append(&world, &store, &mut later, 10_000, 1.0).unwrap();
        let world = sim.reboot(CrashKind::PowerCut { seed });
        let found = contents(&super::open(&world, &Config::simulated()));
        assert!(acked.iter().all(|(k, v)| found.get(k) == Some(v)), "seed {seed}");
        assert!(found.iter().all(|(k, v)| later.get(k) == Some(v)), "seed {seed}");
    }
}
