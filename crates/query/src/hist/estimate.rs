//! Quantiles, shares and variance, estimated from buckets.
//!
//! Within an exponential bucket observations are taken to be spread evenly on a logarithmic scale,
//! within the zero bucket and custom buckets on a linear one. A zero bucket beside buckets of one sign
//! only is taken to lie on their side. Observations of NaN count, but are in no bucket.

use super::{Hist, Range};
use crate::kernels::Sum;

/// What NaN among the observations did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanNote {
    /// The quantile falls among them.
    Result,
    /// They count as greatest.
    Skew,
    /// They are in no share.
    Left,
}

/// The quantile φ.
pub(crate) fn quantile(phi: f64, h: &Hist) -> (f64, Option<NanNote>) {
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    if h.count == 0.0 || phi.is_nan() {
        return (f64::NAN, None);
    }
    // The shorter way, except that NaN stands above everything.
    let forward = h.sum.is_nan() || phi < 0.5;
    let buckets: Vec<Range> =
        if forward { h.all_buckets().collect() } else { h.all_buckets().rev().collect() };
    let mut rank = if forward { phi * h.count } else { (1.0 - phi) * h.count };
    let mut bucket = Range { lower: 0.0, upper: 0.0, count: 0.0 };
    let (mut count, mut seen) = (0.0, 0);
    for b in &buckets {
        bucket = *b;
        seen += 1;
        if b.count != 0.0 {
            count += b.count;
            if count >= rank {
                break;
            }
        }
    }
    if h.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        bucket = one_sided(h, bucket);
    }
    count = count.min(h.count);
    if count < rank {
        if h.sum.is_nan() {
            return (f64::NAN, Some(NanNote::Result));
        }
        return (bucket.upper, None);
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    let rest: f64 = buckets[seen..].iter().map(|b| b.count).sum();
    let note = (h.sum.is_nan() && count + rest < h.count).then_some(NanNote::Skew);
    let share = rank / bucket.count;
    let Range { lower, upper, .. } = bucket;
    if h.is_custom() || (lower <= 0.0 && upper >= 0.0) {
        return (lower + (upper - lower) * share, note);
    }
    let (log_lower, log_upper) = (lower.abs().log2(), upper.abs().log2());
    let value = if lower > 0.0 {
        (log_lower + (log_upper - log_lower) * share).exp2()
    } else {
        -(log_upper + (log_lower - log_upper) * (1.0 - share)).exp2()
    };
    (value, note)
}

/// A bucket around zero, cut to the side on which the histogram has other buckets.
fn one_sided(h: &Hist, mut bucket: Range) -> Range {
    match (h.negative.is_empty(), h.positive.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
    bucket
}

/// The share of observations between two bounds.
pub(crate) fn fraction(lower: f64, upper: f64, h: &Hist) -> (f64, Option<NanNote>) {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, None);
    }
    if lower >= upper {
        return (0.0, None);
    }
    let in_buckets: f64 = h.all_buckets().map(|b| b.count).sum();
    let count = if h.sum.is_nan() { in_buckets } else { h.count };
    let below = |v: f64| rank_of(v, h).map_or(count, |rank| rank.min(count));
    let note = (h.sum.is_nan() && count < h.count).then_some(NanNote::Left);
    ((below(upper) - below(lower)) / h.count, note)
}

/// How many observations lie below `v`; `None` when `v` is behind all buckets.
fn rank_of(v: f64, h: &Hist) -> Option<f64> {
    let mut rank = 0.0;
    for mut b in h.all_buckets() {
        let zero = b.lower <= 0.0 && b.upper >= 0.0;
        if zero {
            b = one_sided(h, b);
        }
        if b.lower >= v {
            return Some(rank);
        }
        if b.upper > v {
            if !h.is_custom() && !zero {
                return Some(rank + b.count * share_below(v, b));
            }
            if b.lower == f64::NEG_INFINITY {
                return Some(b.count);
            }
            return Some(rank + b.count * (v - b.lower) / (b.upper - b.lower));
        }
        rank += b.count;
    }
    None
}

fn share_below(v: f64, b: Range) -> f64 {
    let (lower, upper, v_log) = (b.lower.abs().log2(), b.upper.abs().log2(), v.abs().log2());
    if v > 0.0 {
        (v_log - lower) / (upper - lower)
    } else {
        1.0 - (v_log - upper) / (lower - upper)
    }
}

/// The population variance, each bucket standing at its middle.
pub(crate) fn variance(h: &Hist) -> f64 {
    let mean = h.sum / h.count;
    let mut sum = Sum { sum: 0.0, lost: 0.0 };
    for b in h.all_buckets().filter(|b| b.count != 0.0) {
        let at = if h.is_custom() {
            f64::midpoint(b.lower, b.upper)
        } else if b.lower <= 0.0 && b.upper >= 0.0 {
            0.0
        } else {
            (b.lower * b.upper).sqrt().copysign(b.upper)
        };
        let off = at - mean;
        sum = sum.plus(b.count * off * off);
    }
    sum.value() / h.count
}

#[cfg(test)]
mod tests {
    use super::super::tests::{custom, plain};
    use super::*;

    #[test]
    fn quantiles_are_exponential_inside_and_shares_undo_them() {
        let h = plain(0, &[1.0, 2.0, 1.0]);
        assert!((quantile(0.5, &h).0 - 2f64.sqrt()).abs() < 1e-12);
        for phi in [0.1, 0.3, 0.5, 0.8] {
            let (v, _) = quantile(phi, &h);
            let (share, _) = fraction(f64::NEG_INFINITY, v, &h);
            assert!((share - phi).abs() < 1e-12, "{phi} {v} {share}");
        }
        let h = custom(&[5.0, 10.0], &[1.0, 2.0, 1.0]);
        assert_eq!(quantile(0.5, &h).0, 7.5);
        assert_eq!(fraction(5.0, 10.0, &h).0, 0.5);
        assert_eq!(quantile(1.0, &h).0, 10.0);
    }

    #[test]
    fn nan_among_observations_is_told() {
        let mut h = plain(0, &[4.0]);
        (h.count, h.sum) = (5.0, f64::NAN);
        assert_eq!(quantile(0.5, &h).1, Some(NanNote::Skew));
        assert_eq!(quantile(0.9, &h).1, Some(NanNote::Result));
        assert_eq!(fraction(0.0, 2.0, &h), (0.8, Some(NanNote::Left)));
    }

    #[test]
    fn the_variance_is_that_of_the_middles() {
        let h = plain(1, &[2.0]);
        let at = 2f64.sqrt();
        assert!((variance(&h) - (at - 1.0) * (at - 1.0)).abs() < 1e-12);
    }
}
