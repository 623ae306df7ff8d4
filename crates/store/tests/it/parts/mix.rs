//! Bytes per sample of a day of a node-exporter-like host. Printed, with a generous bound.

use super::*;

const DAY_SAMPLES: i64 = 5760;

fn host(series: u64) -> Model {
    let mut model = Model::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let times: Vec<i64> =
        (0..DAY_SAMPLES).map(|i| 1_763_683_200_000 + 15_000 * i + (next() % 5) as i64).collect();
    for s in 0..series {
        let name = format!("node_metric_{s}_total");
        let labels =
            Labels::new([("__name__", name.as_str()), ("instance", "web-1"), ("job", "node")]);
        let mut total = (next() % 1_000_000) as f64;
        let mut samples = BTreeMap::new();
        for t in &times {
            let r = next();
            let v = match s % 50 {
                0..=20 => 17.0,
                21..=25 => {
                    total += if r % 40 == 0 { 1.0 } else { 0.0 };
                    total
                }
                26..=32 => {
                    total += (40_000 + r % 20_000) as f64;
                    total
                }
                33..=37 => {
                    total += (r % 30) as f64;
                    (total / 100.0 * 100.0).round() / 100.0
                }
                38..=42 => 4096.0 * (100_000 + r % 2_000) as f64,
                43..=46 => (r % 60) as f64,
                47..=48 => (r % 400) as f64 / 100.0,
                _ => (r % 100_000) as f64 / 99_991.0,
            };
            samples.insert(*t, v.to_bits());
        }
        model.insert(labels.unwrap(), samples);
    }
    model
}

#[test]
fn a_day_of_a_host_is_small() {
    let disk = SimDisk::new(1);
    let info = write(&disk, 1, &host(200), SeqRange::new(1, 1));
    let day = info.bytes as f64 / info.samples as f64;
    println!("day part: {} samples, {} bytes, {day:.3} bytes per sample", info.samples, info.bytes);
    assert!(day < 1.5, "{day}");
    let flushed: Model =
        host(200).into_iter().map(|(l, s)| (l, s.into_iter().take(120).collect())).collect();
    let info = write(&disk, 2, &flushed, SeqRange::new(1, 1));
    let flush = info.bytes as f64 / info.samples as f64;
    println!(
        "flush part of 120 samples a series: {flush:.3} bytes per sample, index and header included"
    );
}
