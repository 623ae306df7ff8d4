//! In steady state an append to known series takes no memory per sample: what is allocated is per
//! request, and one block per some hundred bytes of coded samples. A binary of its own, because it
//! counts every allocation of its process.

#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::path::Path;

use plimsoll_model::{Batch, Canonical, Labels, Rows, SampleSink, SourceId};
use plimsoll_store::{Config, Store, WalSync};
use plimsoll_world::World;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NOW: i64 = 1_795_219_200_000;
const SERIES: usize = 2_000;
const ROUNDS: i64 = 100;

#[test]
fn an_append_allocates_per_request_not_per_sample() {
    let (world, sim) = World::simulated(7, NOW);
    let config = Config { wal_sync: WalSync::Never, ..Config::simulated() };
    let store = Store::open(world, Path::new("data"), config).unwrap();
    let labels: Vec<Labels> = (0..SERIES)
        .map(|i| Labels::new([("__name__", "m"), ("i", &i.to_string())]).unwrap())
        .collect();
    let source = SourceId::new("test");
    let mut values = vec![[0.0]; SERIES];
    let mut round = |n: i64| {
        let times = [NOW + n * 15_000 + n % 7];
        sim.clock.advance(std::time::Duration::from_secs(15));
        for (i, v) in values.iter_mut().enumerate() {
            v[0] += (i as i64 * n % 1000) as f64 * 0.25;
        }
        let rows: Vec<Rows<'_>> = labels
            .iter()
            .zip(&values)
            .map(|(l, v)| Rows {
                raw: l.as_ref().as_bytes(),
                times: &times,
                floats: v,
                ..Rows::default()
            })
            .collect();
        let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
        assert_eq!(store.submit(batch).wait().unwrap().stored, SERIES as u64);
    };
    // Until the first block of every series is full its buffer grows by doubling.
    (0..300).for_each(&mut round);
    let region = Region::new(ALLOCATOR);
    (300..300 + ROUNDS).for_each(&mut round);
    let change = region.change();
    let made = (change.allocations + change.reallocations) as f64;
    let per_sample = made / (SERIES as f64 * ROUNDS as f64);
    // Two allocations per block, about one block per 150 samples here, some fifty per request.
    assert!(per_sample < 0.06, "{per_sample} allocations per sample");
}
