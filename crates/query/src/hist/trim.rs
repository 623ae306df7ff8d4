//! `</` and `>/`: what lies below or above a value.
//!
//! A bucket that the value cuts is split by interpolation, linear in custom buckets and in the zero
//! bucket, else exponential; the sum is estimated anew from the middles of what is left. A bucket with
//! an infinite end, whose inside is unknown, mostly goes as a whole.

use super::{Hist, Range};

/// What a trim keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Observations below the value (`</`).
    Below,
    /// Observations above the value (`>/`).
    Above,
}

/// How a bucket is interpolated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Positive,
    Negative,
}

impl Hist {
    /// The observations on one side of `at`.
    #[must_use]
    pub fn trimmed(&self, at: f64, keep: Keep) -> Self {
        let mut out = self.clone();
        let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
        let mut take = |slot: &mut f64, (kept, middle): (f64, f64)| {
            count += kept;
            sum += middle * kept;
            if *slot != kept {
                *slot = kept;
                changed = true;
            }
        };
        let above = if self.is_custom() { Scale::Linear } else { Scale::Positive };
        for (i, slot) in out.positive.iter_mut().filter(|(_, c)| *c != 0.0) {
            let (lower, upper) = self.ends(*i);
            take(slot, part(Range { lower, upper, count: *slot }, at, keep, above));
        }
        for (i, slot) in out.negative.iter_mut().filter(|(_, c)| *c != 0.0) {
            let (lower, upper) = self.ends(*i);
            let bucket = Range { lower: -upper, upper: -lower, count: *slot };
            take(slot, part(bucket, at, keep, Scale::Negative));
        }
        if self.zero > 0.0 {
            let filled = |side: &[(i32, f64)]| side.iter().any(|(_, c)| *c != 0.0);
            let (negative, positive) = (filled(&self.negative), filled(&self.positive));
            let width = self.zero_threshold;
            let lower = if positive && !negative { 0.0 } else { -width };
            let upper = if negative && !positive { 0.0 } else { width };
            let bucket = Range { lower, upper, count: self.zero };
            take(&mut out.zero, part(bucket, at, keep, Scale::Linear));
        }
        if !changed {
            return out;
        }
        (out.count, out.sum) = (count, sum);
        out.compact()
    }
}

/// What is kept of a bucket and where its middle then is.
fn part(bucket: Range, at: f64, keep: Keep, scale: Scale) -> (f64, f64) {
    let Range { lower, upper, count } = bucket;
    let (below, above) = (at >= upper, at <= lower);
    match keep {
        Keep::Below if above || at.is_nan() => return (0.0, 0.0),
        Keep::Above if !above && (below || at.is_nan()) => return (0.0, 0.0),
        Keep::Below if below => return (count, middle(lower, upper, scale)),
        Keep::Above if above => return (count, middle(lower, upper, scale)),
        Keep::Below | Keep::Above => {}
    }
    if lower.is_infinite() || upper.is_infinite() {
        return part_of_endless(bucket, at, keep);
    }
    let under = count * share_below(bucket, at, scale);
    match keep {
        Keep::Below => (under, middle(lower, at, scale)),
        Keep::Above => (count - under, middle(at, upper, scale)),
    }
}

fn part_of_endless(Range { lower, upper, count }: Range, at: f64, keep: Keep) -> (f64, f64) {
    let split = lower == f64::NEG_INFINITY && upper.is_finite();
    match keep {
        // A bucket that ends above zero is taken to start at zero.
        Keep::Below if split && at > 0.0 && upper > 0.0 => (count * at / upper, at / 2.0),
        Keep::Below if split && upper <= 0.0 => (count, at),
        Keep::Above if split && at >= 0.0 => (count * (1.0 - at / upper), (at + upper) / 2.0),
        Keep::Above if upper == f64::INFINITY && lower != f64::NEG_INFINITY => (count, at),
        _ => (0.0, 0.0),
    }
}

fn share_below(Range { lower, upper, .. }: Range, at: f64, scale: Scale) -> f64 {
    let log = |v: f64| v.abs().log2();
    match scale {
        Scale::Linear => (at - lower) / (upper - lower),
        Scale::Positive => (log(at) - log(lower)) / (log(upper) - log(lower)),
        Scale::Negative => 1.0 - (log(at) - log(upper)) / (log(lower) - log(upper)),
    }
}

fn middle(lower: f64, upper: f64, scale: Scale) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) => match scale {
            Scale::Linear => f64::midpoint(lower, upper),
            Scale::Positive => (lower * upper).abs().sqrt(),
            Scale::Negative => -(lower * upper).abs().sqrt(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::custom;
    use super::*;

    #[test]
    fn custom_buckets_are_cut_linearly() {
        let mut h = custom(&[5.0, 10.0, 15.0, 20.0], &[1.0, 6.0, 4.0, 3.0, 1.0]);
        h.sum = 172.5;
        let below = h.trimmed(13.0, Keep::Below);
        assert!((below.count - 9.4).abs() < 1e-12 && (below.sum - 75.1).abs() < 1e-12);
        let above = h.trimmed(15.0, Keep::Above);
        assert_eq!((above.count, above.sum), (4.0, 72.5));
        assert_eq!(h.trimmed(f64::INFINITY, Keep::Below), h);
        assert_eq!(h.trimmed(f64::INFINITY, Keep::Above).count, 0.0);
        assert_eq!(h.trimmed(0.0, Keep::Above), h);
    }
}
