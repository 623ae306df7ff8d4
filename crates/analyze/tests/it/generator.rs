//! A small deterministic generator of noise and telemetry, for tests.

/// SplitMix64: 64 bits of state, the same numbers on every machine.
pub struct Noise(pub u64);

impl Noise {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Close to normal: twelve uniforms.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

pub const FIVE_MINUTES: i64 = 300_000;

/// A daily load with noise, five-minute points from a Monday midnight.
pub fn daily_load(seed: u64, points: usize) -> Vec<(i64, f64)> {
    let mut noise = Noise(seed);
    (0..points)
        .map(|i| {
            let phase = i as f64 / 288.0 * std::f64::consts::TAU;
            let value = 50.0 + 20.0 * phase.sin() + 2.0 * noise.normal();
            (1_704_067_200_000 + i as i64 * FIVE_MINUTES, value)
        })
        .collect()
}
