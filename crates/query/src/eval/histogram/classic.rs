//! Quantiles and shares of classic histograms: cumulative counts by upper bound.

use crate::format::almost_equal;

/// Falls of the counts below this, relatively, are rounding errors.
const FALL_TOLERANCE: f64 = 1e-12;

/// A bucket: its upper bound and how many observations lie at or below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    /// The bound.
    pub bound: f64,
    /// The count.
    pub count: f64,
}

/// What lifting the counts touched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lift {
    /// Lowest bound of a lifted bucket.
    pub lowest: f64,
    /// Highest bound of a lifted bucket.
    pub highest: f64,
    /// Greatest fall.
    pub fall: f64,
}

/// Sorts, joins equal bounds, lifts what falls. `None` when there is no bucket without bound.
fn prepare(buckets: &mut Vec<Bucket>) -> Option<Option<Lift>> {
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    if buckets.last()?.bound != f64::INFINITY {
        return None;
    }
    buckets.dedup_by(|later, first| {
        let same = later.bound == first.bound;
        if same {
            first.count += later.count;
        }
        same
    });
    Some(lift(buckets))
}

fn lift(buckets: &mut [Bucket]) -> Option<Lift> {
    let mut found: Option<Lift> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if bucket.count == before {
            continue;
        }
        if almost_equal(before, bucket.count, FALL_TOLERANCE) {
            bucket.count = before;
            continue;
        }
        if bucket.count < before {
            let fall = before - bucket.count;
            let lift =
                found.get_or_insert(Lift { lowest: bucket.bound, highest: bucket.bound, fall });
            lift.lowest = lift.lowest.min(bucket.bound);
            lift.highest = lift.highest.max(bucket.bound);
            lift.fall = lift.fall.max(fall);
            bucket.count = before;
            continue;
        }
        before = bucket.count;
    }
    found
}

/// The quantile φ, linear within a bucket; the lowest bucket starts at 0 if its bound is above 0.
pub(super) fn quantile(phi: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Lift>) {
    if phi.is_nan() {
        return (f64::NAN, None);
    }
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    let Some(lifted) = prepare(buckets) else {
        return (f64::NAN, None);
    };
    if buckets.len() < 2 {
        return (f64::NAN, None);
    }
    let last = buckets.len() - 1;
    let all = buckets[last].count;
    if all == 0.0 {
        return (f64::NAN, None);
    }
    let mut rank = phi * all;
    let at =
        buckets[..last].partition_point(|b| b.count < rank || b.count.is_nan() || rank.is_nan());
    if at == last {
        return (buckets[last - 1].bound, lifted);
    }
    if at == 0 && buckets[0].bound <= 0.0 {
        return (buckets[0].bound, lifted);
    }
    let (mut start, mut count) = (0.0, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].bound;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    (start + (buckets[at].bound - start) * (rank / count), lifted)
}

/// The share of observations between two bounds, linear within a bucket; nothing of an endless
/// bucket counts.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Lift>) {
    let Some(lifted) = prepare(buckets) else {
        return (f64::NAN, None);
    };
    let all = buckets[buckets.len() - 1].count;
    if all == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, lifted);
    }
    if lower >= upper {
        return (0.0, lifted);
    }
    let below = |v: f64| rank_of(v, buckets).min(all);
    ((below(upper) - below(lower)) / all, lifted)
}

/// How many observations lie below `v`.
fn rank_of(v: f64, buckets: &[Bucket]) -> f64 {
    let mut rank = 0.0;
    let mut start = if buckets[0].bound > 0.0 { 0.0 } else { f64::NEG_INFINITY };
    for b in buckets {
        if start >= v {
            return rank;
        }
        if b.bound > v {
            if start == f64::NEG_INFINITY {
                return b.count;
            }
            return rank + (b.count - rank) * (v - start) / (b.bound - start);
        }
        rank = b.count;
        start = b.bound;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(given: &[(f64, f64)]) -> Vec<Bucket> {
        given.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count }).collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_of_classic_buckets() {
        let q = |phi, given: &[(f64, f64)]| quantile(phi, &mut buckets(given)).0;
        let plain = [(1.0, 1.0), (2.0, 3.0), (INF, 4.0)];
        assert_eq!(q(0.5, &plain), 1.5);
        assert_eq!(q(1.0, &plain), 2.0);
        assert!(q(0.5, &plain[..2]).is_nan());
        assert!(q(0.5, &[(1.0, 0.0), (INF, 0.0)]).is_nan());
        assert_eq!(q(0.1, &[(-1.0, 4.0), (INF, 4.0)]), -1.0);
        assert_eq!(q(-1.0, &plain), f64::NEG_INFINITY);
    }

    #[test]
    fn falling_counts_are_lifted_and_told() {
        let mut b = buckets(&[(1.0, 2.0), (2.0, 1.0), (INF, 4.0)]);
        let (_, lifted) = quantile(0.5, &mut b);
        assert_eq!(lifted, Some(Lift { lowest: 2.0, highest: 2.0, fall: 1.0 }));
    }

    #[test]
    fn shares_of_classic_buckets() {
        let f = |lo, up| fraction(lo, up, &mut buckets(&[(1.0, 1.0), (2.0, 3.0), (INF, 4.0)])).0;
        assert_eq!(f(0.0, 1.0), 0.25);
        assert_eq!(f(1.5, 2.0), 0.25);
        assert_eq!(f(f64::NEG_INFINITY, INF), 1.0);
        assert_eq!(f(5.0, 6.0), 0.0);
    }
}
