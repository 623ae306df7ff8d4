//! How fast chunks are written and read: `cargo run --release -p plimsoll-store --example decode_rate`.
//! Prints codec, bytes per sample and millions of samples per second for a few kinds of series, best of 5.

use std::io::Write;
use std::time::Instant;

use plimsoll_store::codec::CHUNK_SAMPLES;
use plimsoll_store::codec::values::{self, Packing};

/// Chunks per kind.
const CHUNKS: usize = 300;

/// Draws a number below its argument.
type Random<'r> = &'r mut dyn FnMut(u64) -> f64;

fn main() -> std::io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut total = 0.0;
    let mut random = |n: u64| (next() % n) as f64;
    let mut column = |f: &mut dyn FnMut(Random<'_>, usize) -> f64| -> Vec<f64> {
        (0..CHUNK_SAMPLES).map(|i| f(&mut random, i)).collect()
    };
    let kinds = [
        ("constant", column(&mut |_, _| 17.0)),
        (
            "int counter",
            column(&mut |r, _| {
                total += 40_000.0 + r(20_000);
                total
            }),
        ),
        ("cpu seconds", column(&mut |r, i| (15.0 * i as f64 + r(30)).round() / 100.0)),
        ("memory bytes", column(&mut |r, _| 4096.0 * (100_000.0 + r(2_000)))),
        ("small gauge", column(&mut |r, _| r(60))),
        ("long double", column(&mut |r, _| r(100_000) / 99_991.0)),
    ];
    let mut out = std::io::stdout();
    let packings = [("packed", Packing::Quick), ("dense", Packing::Dense)];
    for ((name, column), (how, packing)) in
        kinds.iter().flat_map(|k| packings.iter().map(move |p| (k, p)))
    {
        let (mut bytes, mut encoder) = (Vec::new(), values::Encoder::new());
        let mut encode = 0.0f64;
        for _ in 0..5 {
            let started = Instant::now();
            for _ in 0..CHUNKS {
                bytes.clear();
                encoder.encode(column, *packing, &mut bytes);
            }
            encode = encode.max(rate(column.len(), started));
        }
        let mut decode = 0.0f64;
        let mut got = Vec::with_capacity(column.len());
        for _ in 0..5 {
            let started = Instant::now();
            for _ in 0..CHUNKS {
                got.clear();
                if values::decode(&bytes, column.len(), &mut got).is_err() {
                    return Err(std::io::Error::other("a chunk does not decode"));
                }
            }
            decode = decode.max(rate(column.len(), started));
        }
        let size = bytes.len() as f64 / column.len() as f64;
        let codec = bytes[0];
        writeln!(
            out,
            "{name:13} {how:6} codec {codec} {size:6.3} B/sample  encode {encode:6.0} M/s  decode {decode:6.0} M/s"
        )?;
    }
    Ok(())
}

/// Millions of samples per second.
fn rate(samples: usize, started: Instant) -> f64 {
    (CHUNKS * samples) as f64 / started.elapsed().as_secs_f64() / 1e6
}
