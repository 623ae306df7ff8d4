//! How rare a size is among the sizes seen before: a histogram over quarter octaves with a Pareto kernel.
//!
//! Every past size is thought of as the start of a power-law tail with exponent [`TAIL`], so the rarity is smooth and
//! goes on beyond the record instead of stopping at one in N.

/// Quarter octaves from 2^-6 to 2^10 times the scale.
pub(super) const BINS: usize = 64;
/// Bin of a size equal to its scale.
const ORIGIN: f64 = 24.0;
/// Exponent of the tail.
const TAIL: f64 = 3.8;
/// When a histogram holds this many points all counts are faded, so that habits of weeks ago are forgotten.
const POINTS_MAX: f32 = 4300.0;
/// Points that count as evidence of rarity: of a longer history the threshold asks for more, so that an old series
/// does not cry at a constant rate for ever.
const EVIDENCE: f64 = 2500.0;
const FADE: f32 = 0.9;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub bins: Box<[f32; BINS]>,
    pub total: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { bins: Box::new([0.0; BINS]), total: 0.0 }
    }
}

impl Histogram {
    /// Decimal orders of rarity of a size (in scales) among those before; then counts it.
    pub fn surprise_and_count(&mut self, size: f64, stretch: f64) -> f64 {
        let y = (4.0 * size.log2() + ORIGIN).clamp(0.0, 4.0 * BINS as f64);
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
        let per_bin = (-TAIL / 4.0).exp2();
        let below = self.bins[..own].iter().fold(0.0, |sum, &h| (sum + f64::from(h)) * per_bin);
        let share = (y - own as f64).min(1.0);
        let below = below * (per_bin.powf((y - own as f64) - 0.5)).min(1.0);
        let above: f64 = self.bins[own + 1..].iter().map(|&h| f64::from(h)).sum();
        let here = f64::from(self.bins[own]) * (1.0 - share / 2.0);
        let prior = per_bin.powf((y - ORIGIN - 4.0).max(0.0));
        let rarity =
            (above + here + below + prior) / (f64::from(self.total).min(EVIDENCE * stretch) + 1.0);
        -rarity.clamp(1e-30, 1.0).log10()
    }

    /// Multiplies all counts.
    pub fn fade(&mut self, factor: f32) {
        self.bins.iter_mut().for_each(|h| *h *= factor);
        self.total = self.bins.iter().sum();
    }
}
