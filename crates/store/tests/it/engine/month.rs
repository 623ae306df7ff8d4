//! A simulated month: 200 series every five minutes, late samples, restarts, kills, steps of the
//! clock, day merges, tiers, retention; what is kept is compared bit by bit.

use std::time::Duration;

use plimsoll_store::Config;
use plimsoll_world::CrashKind;

use super::{Truth, contents, labels, open, submit};

const HOUR: i64 = 3_600_000;

#[test]
fn a_month_of_everything() {
    let days = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 30 } else { 8 };
    let (mut world, mut sim) = super::world();
    let retention = Duration::from_secs(20 * 86_400);
    let config = Config {
        retention,
        tier_retention: [retention; 2],
        wal_segment_bytes: 1 << 20,
        ..Config::simulated()
    };
    let mut store = open(&world, &config);
    let mut truth = Truth::new();
    let chance = world.chance.clone();
    for hour in 0..days * 24 {
        let now = world.clock.wall_ms();
        for series in 0..200u32 {
            let l = labels("m", series);
            let late = series % 40 == 7 && hour > 5;
            let from = if late { now - 4 * HOUR + 1 } else { now - HOUR };
            let samples: Vec<_> = (0..12)
                .map(|i| (from + i * 300_000, f64::from(series) + (hour * 12 + i) as f64 / 8.0))
                .collect();
            let told = submit(&store, &[(&l, &samples)]).unwrap();
            assert_eq!(told.refused, 0);
            for (t, v) in samples {
                truth.entry((l.clone(), t)).or_insert(v.to_bits());
            }
        }
        store.tick();
        // Steps of a few seconds are believed; a jump is not until somebody confirms it.
        sim.clock.advance(Duration::from_secs(3600));
        if chance.below(40) == 0 {
            let step = if chance.below(2) == 0 { 1_500 } else { -1_500 };
            sim.clock.set_wall_ms(world.clock.wall_ms() + step);
        }
        store.maintain().unwrap();
        match chance.below(60) {
            0 => {
                store.close().unwrap();
                store = open(&world, &config);
            }
            1 => {
                drop(store);
                world = sim.reboot(CrashKind::ProcessKill);
                store = open(&world, &config);
            }
            _ => {}
        }
        store.confirm_clock();
    }
    store.maintain().unwrap();
    let oldest = world.clock.wall_ms() - retention.as_millis() as i64;
    let found = contents(&store);
    for (key, bits) in &found {
        assert_eq!(truth.get(key), Some(bits), "{key:?}");
    }
    truth.retain(|key, _| key.1 >= oldest || found.contains_key(key));
    assert_eq!(found.len(), truth.len());
    let built = super::tiers::buckets_are_what_their_samples_say(&store);
    assert!(built > 200 * 288, "{built}");
    let stats = store.stats();
    assert!(stats.parts < 3 * days as usize + 60, "{stats:?}");
    assert!(days < 25 || stats.retired > 0, "{stats:?}");
}
