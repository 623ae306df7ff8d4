//! Measures the write path on the real disk: samples per second through `submit`, with the log on.
//!
//! `cargo run --release -p plimsoll-store --example ingest_rate -- DIRECTORY [SERIES] [ROUNDS]`
//! One sender, batches of 2,000 samples, counters that move; then a flush, then a second start.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;

use plimsoll_model::{Batch, Canonical, Labels, Rows, SampleSink, SourceId};
use plimsoll_store::{Config, Store};
use plimsoll_world::World;

const BATCH: usize = 2_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("name a directory that does not exist yet");
    let mut number = |default: u32| args.next().map_or(default, |a| a.parse().unwrap());
    let (series, rounds) = (number(20_000), number(100));
    let world = World::real();
    let config = Config { reserve_bytes: Some(0), ..Config::default() };
    let store = Store::open(world.clone(), Path::new(&dir), config.clone()).unwrap();
    let labels: Vec<Labels> = (0..series).map(labels_of).collect();
    let source = SourceId::new("bench");
    let from = world.clock.wall_ms() - i64::from(rounds) * 15_000;
    let began = world.clock.mono();
    let mut steady = began;
    for round in 0..rounds {
        if round == 1 {
            steady = world.clock.mono();
        }
        let times = [from + i64::from(round) * 15_000];
        let values: Vec<[f64; 1]> =
            (0..series).map(|i| [f64::from(round * (i % 97)) * 0.25]).collect();
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
        for rows in rows.chunks(BATCH) {
            let batch = Batch { source: &source, decode: &Canonical, rows, metadata: &[] };
            store.submit(batch).wait().unwrap();
        }
    }
    let took = (world.clock.mono() - steady).as_secs_f64();
    let samples = f64::from(series) * f64::from(rounds);
    let stats = store.stats();
    println!("steady: {:.0} samples/s", f64::from(series) * f64::from(rounds - 1) / took);
    println!("log: {:.2} B/sample", stats.wal_bytes as f64 / samples);
    println!("head: {:.2} B/sample", stats.head_bytes as f64 / samples);
    store.close().unwrap();
    drop(store);
    let began = world.clock.mono();
    let store = Store::open(world.clone(), Path::new(&dir), config).unwrap();
    let took = (world.clock.mono() - began).as_secs_f64();
    println!("replay: {:.0} samples/s", samples / took);
    let began = world.clock.mono();
    store.flush_now().unwrap();
    let took = (world.clock.mono() - began).as_secs_f64();
    let stats = store.stats();
    println!("flush: {:.0} samples/s", samples / took);
    println!("parts: {:.3} B/sample in {} parts", stats.part_bytes as f64 / samples, stats.parts);
}

fn labels_of(i: u32) -> Labels {
    let (instance, device) = (format!("host-{:05}:9100", i / 200), format!("dev{}", i % 200));
    Labels::new([
        ("__name__", "bench_transferred_bytes_total"),
        ("device", &device),
        ("env", "production"),
        ("instance", &instance),
        ("job", "node"),
        ("zone", "eu-1"),
    ])
    .unwrap()
}
