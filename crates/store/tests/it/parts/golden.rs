//! The golden parts of the format: read for ever.

use super::*;
use plimsoll_world::Open;

const V1: &[u8] = include_bytes!("../../../../../fixtures/part/v1.plm");

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
