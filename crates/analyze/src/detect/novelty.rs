//! Has this local pattern been seen before? Values are rounded on three grids over the range so far; pairs and
//! triples of consecutive cells are counted in small hashed sketches.
//!
//! Limits: six sketches of 128 saturating bytes. Collisions make a pattern look more familiar, never less.

use super::predictors::Ewma;

/// Cells of the grids over the range so far.
const GRIDS: [f64; 3] = [4.5, 9.0, 18.0];
pub(super) const SLOTS: usize = 128;
pub(super) const SKETCHES: usize = 6;
/// Short average of novelty, in points.
const SHORT: f64 = 12.0;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Novelty {
    pub sketches: [[u8; SLOTS]; SKETCHES],
    /// Cells of the last two points per grid, newest first.
    pub before: [[u8; 2]; 3],
    pub short: Ewma,
    pub long: Ewma,
    pub low: f64,
    pub high: f64,
}

impl Default for Novelty {
    fn default() -> Self {
        Novelty {
            sketches: [[0; SLOTS]; SKETCHES],
            before: [[0; 2]; 3],
            short: Ewma::default(),
            long: Ewma::default(),
            low: f64::MAX,
            high: f64::MIN,
        }
    }
}

impl Novelty {
    /// Recent novelty relative to the usual, `None` while all values are equal; then counts the pattern that ends
    /// here.
    pub fn observe(&mut self, value: f64, stretch: f64, long_points: f64) -> Option<f64> {
        self.widen(value);
        let range = self.high - self.low;
        let place = if range > 0.0 { ((value - self.low) / range).clamp(0.0, 1.0) } else { 0.0 };
        let mut fresh = 0.0;
        for (grid, cells) in GRIDS.iter().enumerate() {
            let here = (place * cells) as u8;
            let [one, two] = self.before[grid];
            fresh += count(&mut self.sketches[2 * grid], slot(here, one, u8::MAX));
            fresh += count(&mut self.sketches[2 * grid + 1], slot(here, one, two));
            self.before[grid] = [here, one];
        }
        let fresh = fresh / SKETCHES as f64;
        let short = self.short.push_over(fresh, SHORT * stretch);
        let long = self.long.push_over(fresh, long_points);
        (range > 0.0).then(|| short / (long + 0.01) * fresh.max(0.02).sqrt())
    }

    /// Takes the value into the range. A point at most doubles it on its side, so that one wild value does not
    /// squeeze all others into one cell for ever.
    fn widen(&mut self, value: f64) {
        let range = self.high - self.low;
        let step = if range > 0.0 { range } else { f64::INFINITY };
        self.low = self.low.min(value.max(self.low - step));
        self.high = self.high.max(value.min(self.high + step));
    }
}

/// 1/(1+seen before), then counts.
fn count(sketch: &mut [u8; SLOTS], slot: usize) -> f64 {
    let fresh = 1.0 / (1.0 + f64::from(sketch[slot]));
    sketch[slot] = sketch[slot].saturating_add(1);
    fresh
}

fn slot(a: u8, b: u8, c: u8) -> usize {
    let packed = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
    (packed.wrapping_mul(0x9E37_79B1) >> (u32::BITS - SLOTS.ilog2())) as usize
}
