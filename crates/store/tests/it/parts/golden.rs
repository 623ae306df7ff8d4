//! The golden parts of the format: read for ever. `PLIMSOLL_BLESS=1` writes the one of the present
//! writer anew; those before it are never touched.

use super::*;
use plimsoll_world::Open;

const V1: &[u8] = include_bytes!("../../../../../fixtures/part/v1.plm");
/// Compact index, dense chunks, histograms, start timestamps, exemplars.
const COMPACT: &[u8] = include_bytes!("../../../../../fixtures/part/compact.plm");

/// One series of each codec and kind, and one chunked.
fn example() -> Model {
    let mut model = Model::new();
    let mut add = |name: &str, n: i64, value: &dyn Fn(i64) -> f64| {
        let labels =
            Labels::new([("__name__", name), ("instance", "web-1:9100"), ("job", "node")]).unwrap();
        let start = 1_763_683_200_000;
        let samples = (0..n).map(|i| (start + 15_000 * i + i % 3, value(i).to_bits())).collect();
        model.insert(labels, samples);
    };
    add("constant", 500, &|_| 42.5);
    add("constant_nan", 3, &|_| f64::NAN);
    add("progression", 500, &|i| 15.0 * i as f64);
    add("decimals", 500, &|i| (i * i % 977) as f64 / 100.0);
    add("bytes", 500, &|i| 4096.0 * (i * 7 % 31) as f64);
    add("long", 500, &|i| (i as f64 + 1.0).sqrt());
    add("raw", 3, &|i| f64::from_bits(0x3ff0_0000_0000_0001u64.rotate_left(i as u32 * 21)));
    add("stale", 500, &|i| if i == 250 { stale_nan() } else { (i / 3) as f64 });
    add("minus_zero", 5, &|i| if i == 2 { -0.0 } else { i as f64 });
    add("chunked", 9000, &|i| (i % 10) as f64);
    model
}

#[test]
fn version_1_is_read_as_ever() {
    let disk = SimDisk::new(1);
    let file = disk.open(&path(2), Open::CreateNew).unwrap();
    file.write_all_at(V1, 0).unwrap();
    check_all(&open(&disk, &path(2)).unwrap(), &example(), TimeRange::new(0, i64::MAX));
}

/// Few series of every kind.
fn present() -> Vec<super::kinds::Given> {
    super::kinds::example().into_iter().take(12).collect()
}

/// What the writer makes may become better; what it once made is read.
#[test]
fn the_compact_layout_is_read_as_ever() {
    let disk = SimDisk::new(1);
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        super::kinds::write_given(&disk, 1, &present(), Level::Day);
        let to = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/part/compact.plm");
        std::fs::write(to, disk.contents(&path(1)).unwrap()).unwrap();
        return;
    }
    let file = disk.open(&path(2), Open::CreateNew).unwrap();
    file.write_all_at(COMPACT, 0).unwrap();
    let part = open(&disk, &path(2)).unwrap();
    part.verify().unwrap();
    for (ordinal, g) in present().iter().enumerate() {
        let mut run = Run::new();
        part.read(ordinal as u32, TimeRange::ALL, &mut run).unwrap();
        super::kinds::same(&run, &g.run);
        assert_eq!(labels_of(&part, ordinal as u32).unwrap(), g.labels);
        let mut list = Vec::new();
        part.exemplars(ordinal as u32, TimeRange::ALL, &mut list).unwrap();
        assert_eq!(list, super::kinds::exemplars(ordinal as i64, ordinal as i64 % 3 * 400));
    }
}
