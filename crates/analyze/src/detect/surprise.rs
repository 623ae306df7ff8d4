//! How rare a size is among the sizes seen before: a histogram over quarter octaves with a Pareto kernel.
//!
//! Every past size is thought of as the start of a power-law tail with exponent [`TAIL`], so the rarity is smooth and
//! goes on beyond the record instead of stopping at one in N.
//!
//! Limits: sizes below a sixteenth of the scale or above 2^8 scales share the outermost bins.

/// Bins of a quarter octave, from 2^-4 to 2^8 times the scale.
pub(super) const BINS: usize = 48;
/// Bins per octave.
const PER_OCTAVE: f64 = 4.0;
/// Bin of a size equal to its scale.
const ORIGIN: f64 = 16.0;
/// Exponent of the tail.
const TAIL: f64 = 5.0;
/// What a size counts for another one bin above: 2^(-TAIL / PER_OCTAVE).
const PER_BIN: f64 = 0.420_448_207_626_857_3;
/// When a histogram holds this many points all counts are faded, so that habits of weeks ago are forgotten.
const POINTS_MAX: f32 = 4300.0;
/// Points that count as evidence of rarity: of a longer history the threshold asks for more, so that an old series
/// does not cry at a constant rate for ever.
const EVIDENCE: f64 = 2500.0;
const FADE: f32 = 0.9;

/// Bins summed side by side.
const LANES: usize = 8;
/// `BELOW[BINS - own + j]` is what bin j counts for a size in a higher bin `own`.
const BELOW: [f32; 2 * BINS] = below();
/// `ABOVE[BINS - own + j]` is 1 for the bins above `own`.
const ABOVE: [f32; 2 * BINS] = above();

const fn below() -> [f32; 2 * BINS] {
    let mut table = [0.0; 2 * BINS];
    let (mut at, mut share) = (BINS, 1.0);
    while at > 0 {
        at -= 1;
        share *= PER_BIN;
        table[at] = share as f32;
    }
    table
}

const fn above() -> [f32; 2 * BINS] {
    let mut table = [0.0; 2 * BINS];
    let mut at = BINS + 1;
    while at < 2 * BINS {
        table[at] = 1.0;
        at += 1;
    }
    table
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub bins: [f32; BINS],
    pub total: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { bins: [0.0; BINS], total: 0.0 }
    }
}

impl Histogram {
    /// Decimal orders of rarity of a size (in scales) among those before; then counts it.
    pub fn surprise_and_count(&mut self, size: f64, stretch: f64) -> f64 {
        let y = (PER_OCTAVE * size.log2() + ORIGIN).clamp(0.0, 6.0 * BINS as f64);
        let surprise = self.surprise(y, stretch);
        self.bins[(y as usize).min(BINS - 1)] += 1.0;
        self.total += 1.0;
        if f64::from(self.total) > f64::from(POINTS_MAX) * stretch {
            self.fade(FADE);
        }
        surprise
    }

    fn surprise(&self, y: f64, stretch: f64) -> f64 {
        let own = (y as usize).min(BINS - 1);
        let share = y - own as f64;
        let (below, above) = self.around(own);
        let below = below * tail(share - 0.5).min(1.0);
        let here = f64::from(self.bins[own]) * (1.0 - share.min(1.0) / 2.0);
        let prior = tail((y - ORIGIN - PER_OCTAVE).max(0.0));
        let rarity =
            (above + here + below + prior) / (f64::from(self.total).min(EVIDENCE * stretch) + 1.0);
        -rarity.clamp(1e-30, 1.0).log10()
    }

    /// What the bins below count for a size in bin `own`, and the count of the bins above.
    fn around(&self, own: usize) -> (f64, f64) {
        let near = BINS - own;
        let (below, above) = (&BELOW[near..near + BINS], &ABOVE[near..near + BINS]);
        let (mut low, mut high) = ([0f32; LANES], [0f32; LANES]);
        for ((bins, below), above) in self
            .bins
            .chunks_exact(LANES)
            .zip(below.chunks_exact(LANES))
            .zip(above.chunks_exact(LANES))
        {
            for lane in 0..LANES {
                low[lane] += bins[lane] * below[lane];
                high[lane] += bins[lane] * above[lane];
            }
        }
        (low.iter().map(|&s| f64::from(s)).sum(), high.iter().map(|&s| f64::from(s)).sum())
    }

    /// Multiplies all counts.
    pub fn fade(&mut self, factor: f32) {
        self.bins.iter_mut().for_each(|h| *h *= factor);
        self.total = self.bins.iter().sum();
    }
}

/// What a size counts for another so many bins above.
fn tail(bins: f64) -> f64 {
    (-TAIL / PER_OCTAVE * bins).exp2()
}
