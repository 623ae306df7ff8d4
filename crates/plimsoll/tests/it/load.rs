//! Remote-write bodies as tests send them, and a seeded chance.

use std::time::{SystemTime, UNIX_EPOCH};

use plimsoll_model::LabelBuf;
use plimsoll_wire::remote_write::Encoder;

/// Numbers by chance, the same for the same seed (xorshift64*, Vigna 2016).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `n`, which is above 0.
    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Wall-clock time in ms.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A label set from pairs in any order.
pub fn labels(pairs: &[(&str, &str)]) -> LabelBuf {
    let mut buf = LabelBuf::new();
    buf.set(&mut pairs.to_vec()).unwrap();
    buf
}

/// A body with one series.
pub fn body(pairs: &[(&str, &str)], times: &[i64], floats: &[f64]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.series(labels(pairs).as_ref(), times, floats);
    encoder.finish()
}
