//! From samples to buckets.

use plimsoll_model::{Bucket, Columns, Compensated, Tier, is_stale};

use super::bucket_end;

/// Appends the buckets of these samples. Staleness markers are left out; a bucket of nothing else
/// is none. Values fold as PromQL's `*_over_time` and `increase` fold them: `sum` compensated and
/// NaN if one value is, `min` and `max` NaN only if all are, a reset wherever a value is below the
/// one before it in the bucket.
pub fn fold(samples: &Columns<'_>, tier: Tier, out: &mut Vec<Bucket>) {
    let mut i = 0;
    while i < samples.len() {
        let end = bucket_end(samples.times[i], tier);
        let n = samples.times[i..].partition_point(|t| *t <= end);
        out.extend(one(&samples.times[i..i + n], &samples.floats[i..i + n], end));
        i += n;
    }
}

fn one(times: &[i64], floats: &[f64], end: i64) -> Option<Bucket> {
    let mut all = times.iter().zip(floats).filter(|(_, v)| !is_stale(**v));
    let (&first_time, &first) = all.next()?;
    let mut b = Bucket {
        end,
        count: 1,
        resets: 0,
        first_time,
        last_time: first_time,
        first,
        last: first,
        min: first,
        max: first,
        sum: first,
        corr: 0.0,
        sum_squares: first * first,
    };
    let (mut sum, mut squares) = (Compensated::from(first), Compensated::from(first * first));
    let mut corr = Compensated::default();
    for (&t, &v) in all {
        if v < b.last {
            b.resets += 1;
            corr.add(b.last);
        }
        b.count += 1;
        (b.last_time, b.last) = (t, v);
        if v < b.min || b.min.is_nan() {
            b.min = v;
        }
        if v > b.max || b.max.is_nan() {
            b.max = v;
        }
        sum.add(v);
        squares.add(v * v);
    }
    (b.sum, b.sum_squares, b.corr) = (sum.value(), squares.value(), corr.value());
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_their_samples_say() {
        let times = [0, 1, 60_000, 300_000, 300_001, 600_001];
        let floats = [9.0, 1.0, 3.0, 2.0, 7.0, plimsoll_model::stale_nan()];
        let mut out = Vec::new();
        fold(&Columns::plain(&times, &floats), Tier(300_000), &mut out);
        assert_eq!(out.len(), 3);
        assert_eq!((out[0].end, out[0].count), (0, 1));
        let b = out[1];
        assert_eq!((b.end, b.count, b.first_time, b.last_time), (300_000, 3, 1, 300_000));
        assert_eq!((b.first, b.last, b.min, b.max, b.sum), (1.0, 2.0, 1.0, 3.0, 6.0));
        assert_eq!((b.resets, b.corr, b.sum_squares), (1, 3.0, 14.0));
        assert_eq!((out[2].end, out[2].first), (600_000, 7.0));
    }

    #[test]
    fn nan_is_skipped_by_bounds_and_kept_by_sums() {
        let mut out = Vec::new();
        let floats = [f64::NAN, 2.0, 1.0];
        fold(&Columns::plain(&[1, 2, 3], &floats), Tier(300_000), &mut out);
        assert_eq!((out[0].min, out[0].max), (1.0, 2.0));
        assert!(out[0].sum.is_nan());
    }
}
