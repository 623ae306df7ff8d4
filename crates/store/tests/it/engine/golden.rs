//! A segment of each format version, as it was written then, reads as it did then.

use std::path::Path;

use plimsoll_model::{Metadata, MetricKind};
use plimsoll_store::Config;
use plimsoll_world::{Open, World};

use super::{Truth, contents, labels, open, submit_with};

/// Version 1: a definition of two series, metadata, samples of every kind of value.
const V1: &str = include_str!("../../../../../fixtures/store/wal-v1.hex");
/// The same with samples as type 9, as they are written now.
const PACKED: &str = include_str!("../../../../../fixtures/store/wal-v1-packed.hex");
const AT: i64 = 1_000_000;

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |d: &[u8]| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn hex_of(bytes: &[u8]) -> String {
    let line = |l: &[u8]| l.iter().map(|b| format!("{b:02x}")).collect::<String>();
    bytes.chunks(32).map(|l| line(l) + "\n").collect()
}

fn samples() -> [(i64, f64); 5] {
    [
        (AT, 1.0),
        (AT + 1, 0.25),
        (AT + 2, -0.0),
        (AT + 3, 1e-7),
        (AT + 5, plimsoll_model::stale_nan()),
    ]
}

#[test]
fn the_writer_writes_packed_records() {
    let (world, sim) = World::simulated(1, AT);
    let store = open(&world, &Config::simulated());
    let m = Metadata {
        metric: "m".into(),
        kind: MetricKind::Gauge,
        unit: "volts".into(),
        help: "tension".into(),
    };
    let (a, b) = (labels("m", 1), labels("m", 2));
    submit_with(&store, &[(&a, &samples()), (&b, &[(AT, 7.0)])], &[m]).unwrap();
    let written = sim.disk.contents(Path::new("data/wal/00000000000000000001-0.wal")).unwrap();
    assert_eq!(hex_of(&written), PACKED);
}

#[test]
fn version_1_is_read() {
    [V1, PACKED].into_iter().for_each(is_read);
}

fn is_read(log: &str) {
    let (world, _) = World::simulated(1, AT);
    world.disk.create_dir_all(Path::new("data/wal")).unwrap();
    let path = Path::new("data/wal/00000000000000000001-0.wal");
    world.disk.open(path, Open::CreateNew).unwrap().write_all_at(&bytes_of(log), 0).unwrap();
    let store = open(&world, &Config::simulated());
    let mut truth: Truth =
        samples().iter().map(|(t, v)| ((labels("m", 1), *t), v.to_bits())).collect();
    truth.insert((labels("m", 2), AT), 7f64.to_bits());
    assert_eq!(contents(&store), truth);
    assert!(store.open_report().is_clean());
}
