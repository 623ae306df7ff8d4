//! Level shifts as they happen: Page's test (1954) in the form of Hinkley (1971), on a small state.
//!
//! Two sums of deviations from the level learned so far, each less a drift of [`DRIFT`] deviations a point; a sum
//! above [`LIMIT`] is a shift, which began where the sum was last 0. The deviation is learned, and stretched by the
//! first autocorrelation, so that slow noise is no shift. After a shift both are learned anew.
//!
//! For series without season: seasonal ones hand in what their prediction left over.

/// Lost per point, in deviations: half the least shift of interest.
const DRIFT: f64 = 0.5;
/// Sum at which a shift is certain, in deviations.
const LIMIT: f64 = 8.0;
/// Values until the level counts as known.
const LEARN: f64 = 30.0;
/// Values that level and deviation remember.
const MEMORY: f64 = 1_000.0;
/// Deviations that one value counts for at most.
const DEVIATION_MAX: f64 = 6.0;

/// A shift of the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// How many values ago the first value of the new level was fed; 0 is the present one.
    pub values_ago: u32,
    /// Mean of the new level so far, above the old one, in deviations (those above 6 count 6).
    pub size: f64,
}

/// The state of one series: feed it value by value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShiftWatch {
    seen: f64,
    level: f64,
    /// Mean distance from the level.
    distance: f64,
    last: f64,
    /// Means of the squared deviation and of the product of neighbours.
    own: f64,
    next: f64,
    up: Sum,
    down: Sum,
}

/// One side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sum {
    height: f64,
    values: u32,
    /// Sum of the deviations since it left 0.
    total: f64,
}

impl Sum {
    fn add(&mut self, deviation: f64, stretch: f64) -> Option<Shift> {
        self.height += deviation / stretch - DRIFT;
        if self.height <= 0.0 {
            *self = Sum::default();
            return None;
        }
        self.values = self.values.saturating_add(1);
        self.total += deviation;
        (self.height > LIMIT).then(|| Shift {
            values_ago: self.values - 1,
            size: self.total / f64::from(self.values),
        })
    }
}

impl ShiftWatch {
    /// A watch that knows nothing.
    pub fn new() -> ShiftWatch {
        ShiftWatch::default()
    }

    /// The next value; non-finite ones, and those whose differences would not be finite, are passed over.
    pub fn feed(&mut self, value: f64) -> Option<Shift> {
        if !value.is_finite() || value.abs() > f64::MAX / 4.0 {
            return None;
        }
        if self.seen == 0.0 {
            self.level = value;
        }
        self.seen = (self.seen + 1.0).min(MEMORY);
        let deviation = self.deviation(value);
        self.learn(value, deviation);
        if self.seen < LEARN {
            return None;
        }
        let stretch = self.stretch();
        let up = self.up.add(deviation, stretch);
        let down = self.down.add(-deviation, stretch).map(|s| Shift { size: -s.size, ..s });
        let found = up.or(down);
        if found.is_some() {
            *self = ShiftWatch { level: value, seen: 1.0, ..ShiftWatch::default() };
        }
        found
    }

    fn deviation(&self, value: f64) -> f64 {
        // 1.2533 times the mean distance is the deviation of normal noise.
        let scale = (1.2533 * self.distance).max(1e-9 * self.level.abs()).max(f64::MIN_POSITIVE);
        ((value - self.level) / scale).clamp(-DEVIATION_MAX, DEVIATION_MAX)
    }

    fn learn(&mut self, value: f64, deviation: f64) {
        let step = self.seen.recip();
        let settled = self.seen >= LEARN;
        // Once known, the level follows calm values only: it must not run after a shift.
        if !settled || deviation.abs() < 3.0 {
            self.level += step * (value - self.level);
        }
        let apart = (value - self.level).abs();
        let capped = if settled { apart.min(5.0 * self.distance) } else { apart };
        self.distance += step * (capped - self.distance);
        self.own += step * (deviation * deviation - self.own);
        self.next += step * (deviation * self.last - self.next);
        self.last = deviation;
    }

    fn stretch(&self) -> f64 {
        let r = if self.own > 0.0 { (self.next / self.own).clamp(0.0, 0.95) } else { 0.0 };
        ((1.0 + r) / (1.0 - r)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(values: impl IntoIterator<Item = f64>) -> Option<(usize, Shift)> {
        let mut watch = ShiftWatch::new();
        values.into_iter().enumerate().find_map(|(at, v)| Some((at, watch.feed(v)?)))
    }

    fn noise(i: u32) -> f64 {
        f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 65_536.0 - 0.5
    }

    #[test]
    fn a_step_is_noticed_soon_and_dated_back() {
        let step = |i: u32| noise(i) + if i >= 300 { 1.5 } else { 0.0 };
        let (at, shift) = first((0..600).map(step)).expect("a shift");
        assert!((300..310).contains(&at), "{at}");
        let began = at - shift.values_ago as usize;
        assert!((297..=301).contains(&began) && shift.size > 2.0, "{began} {shift:?}");
        let (_, down) = first((0..600).map(|i| -step(i))).expect("a shift");
        assert!(down.size < -2.0);
    }

    #[test]
    fn noise_constants_and_gaps_are_no_shift() {
        assert_eq!(first((0..5_000).map(noise)), None);
        assert_eq!(first([3.0; 500]), None);
        assert_eq!(first([f64::NAN, f64::INFINITY, 1.0]), None);
    }

    #[test]
    fn the_new_level_is_learned() {
        let mut watch = ShiftWatch::new();
        let steps = (0..2_000).map(|i| noise(i) + f64::from(i / 500) * 5.0);
        assert_eq!(steps.filter_map(|v| watch.feed(v)).count(), 3);
    }
}
