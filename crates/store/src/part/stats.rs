//! Figures and flags of a column of values.

use plimsoll_model::{Compensated, is_stale};

use super::layout::SeriesStats;
use super::series::Flags;

/// Adding and taking away this rounds a double below [`ROUND_LIMIT`] to a whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;
const ROUND_LIMIT: f64 = 2_251_799_813_685_248.0;

impl SeriesStats {
    /// The figures of a column.
    pub fn of(values: &[f64]) -> Self {
        Self::of_shape(values, Shape::of(values))
    }

    fn of_shape(values: &[f64], shape: Shape) -> Self {
        if shape.nan {
            return Self::slow(values);
        }
        let stats = quick(values);
        if stats.sum.is_finite() { stats } else { Self::slow(values) }
    }

    /// With numbers that are none, or too large.
    fn slow(values: &[f64]) -> Self {
        let mut s = Self::nothing();
        let mut sum = Compensated::default();
        for &v in values.iter().filter(|v| !is_stale(**v)) {
            if s.count == 0 {
                s.first = v;
            } else if v < s.last {
                s.corr += s.last;
            }
            s.count += 1;
            s.last = v;
            if !v.is_nan() {
                s.min = s.min.min(v);
                s.max = s.max.max(v);
            }
            sum.add(v);
        }
        s.sum = sum.value();
        s
    }

    const fn nothing() -> Self {
        let nan = f64::NAN;
        Self { count: 0, min: nan, max: nan, first: nan, last: nan, sum: 0.0, corr: 0.0 }
    }
}

/// What is seen of a column at a glance.
#[derive(Clone, Copy)]
struct Shape {
    nan: bool,
    falls: bool,
    whole: bool,
}

impl Shape {
    fn of(values: &[f64]) -> Self {
        let (mut nan, mut whole, mut large, mut falls) = (false, true, false, false);
        for &v in values {
            nan |= v.is_nan();
            whole &= (v + ROUND) - ROUND == v;
            large |= v.abs() >= ROUND_LIMIT;
        }
        for (a, b) in values.iter().zip(values.iter().skip(1)) {
            falls |= b < a;
        }
        if large {
            whole = values.iter().all(|v| v.fract() == 0.0);
        }
        Self { nan, falls, whole }
    }
}

/// Figures of a column without NaN.
fn quick(values: &[f64]) -> SeriesStats {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return SeriesStats::nothing();
    };
    let (mut min, mut max, mut before) = (first, first, first);
    let (mut sum, mut lost, mut corr) = (0.0f64, 0.0f64, 0.0f64);
    for &v in values {
        min = if v < min { v } else { min };
        max = if v > max { v } else { max };
        // No branch: whether a gauge falls is a coin that nobody predicts.
        let fell = u64::from(v < before).wrapping_neg();
        corr += f64::from_bits(before.to_bits() & fell);
        before = v;
        // The error of an addition, whichever term is larger (Knuth): what Neumaier's sum keeps.
        let total = sum + v;
        let part = total - sum;
        lost += (sum - (total - part)) + (v - part);
        sum = total;
    }
    let count = values.len() as u64;
    SeriesStats { count, min, max, first, last, sum: sum + lost, corr }
}

/// Flags of a column of floats, and its figures if they are wanted.
pub(super) fn flags_and_stats(values: &[f64], wanted: bool) -> (Flags, Option<SeriesStats>) {
    let shape = Shape::of(values);
    let first = values.first().map_or(0, |v| v.to_bits());
    let mut f = Flags::default();
    f.set(Flags::HAS_STATS, wanted);
    f.set(Flags::CONSTANT, values.iter().all(|v| v.to_bits() == first));
    if shape.nan {
        f.set(Flags::MONOTONE, values.is_sorted_by(|a, b| a <= b));
        f.set(Flags::HAS_STALE, values.iter().any(|v| is_stale(*v)));
        f.set(Flags::ALL_INT, values.iter().all(|v| v.is_nan() || v.fract() == 0.0));
    } else {
        f.set(Flags::MONOTONE, !shape.falls);
        f.set(Flags::ALL_INT, shape.whole);
    }
    (f, wanted.then(|| SeriesStats::of_shape(values, shape)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quick_figures_are_those_of_the_slow_way(
            values in proptest::collection::vec(prop_oneof![
                8 => -1e9f64..1e9,
                4 => (-50i64..50).prop_map(|v| v as f64),
                1 => any::<f64>(),
            ], 1..300),
        ) {
            let (quick, slow) = (SeriesStats::of(&values), SeriesStats::slow(&values));
            prop_assert_eq!(format!("{quick:?}").replace("-0.0", "0.0"), format!("{slow:?}").replace("-0.0", "0.0"));
            let (f, _) = flags_and_stats(&values, false);
            prop_assert_eq!(f.has(Flags::MONOTONE), values.is_sorted_by(|a, b| a <= b));
            let whole = values.iter().all(|v| v.is_nan() || v.fract() == 0.0);
            prop_assert_eq!(f.has(Flags::ALL_INT), whole);
        }
    }

    #[test]
    fn staleness_markers_are_left_out() {
        let s = SeriesStats::of(&[3.0, plimsoll_model::stale_nan(), 1.0, f64::NAN]);
        assert_eq!((s.count, s.min, s.max, s.first, s.corr), (3, 1.0, 3.0, 3.0, 3.0));
        assert!(s.last.is_nan() && s.sum.is_nan());
    }
}
