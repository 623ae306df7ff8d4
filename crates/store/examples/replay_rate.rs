//! Measures how fast a start after `kill -9` replays the log: samples per second.
//!
//! `cargo run --release -p plimsoll-store --example replay_rate -- DIRECTORY`
//! The directory is a copy of the data directory of a process that was killed; it is opened, not
//! flushed, and closed.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use plimsoll_store::{Config, Store};
use plimsoll_world::World;

fn main() {
    let dir = std::env::args().nth(1).expect("name the directory");
    let world = World::real();
    let retention = Duration::from_secs(500 * 365 * 86_400);
    let config = Config { reserve_bytes: Some(0), retention, ..Config::default() };
    let began = world.clock.mono();
    let store = Store::open(world.clone(), Path::new(&dir), config).unwrap();
    let took = (world.clock.mono() - began).as_secs_f64();
    let (stats, samples) = (store.stats(), store.stats().head_samples as f64);
    println!("{} records, {samples} samples, {} series", store.open_report().records, stats.series);
    println!("replay: {:.2} M samples/s ({took:.2} s)", samples / took / 1e6);
    println!("log: {:.2} B/sample", stats.wal_bytes as f64 / samples);
    println!("head: {:.2} B/sample", stats.head_bytes as f64 / samples);
}
