//! From samples to buckets.

use plimsoll_model::{Bucket, Columns, Tier};

use super::bucket_end;

/// Appends the buckets of these samples, each as [`Bucket::of`] folds it.
pub fn fold(samples: &Columns<'_>, tier: Tier, out: &mut Vec<Bucket>) {
    let mut i = 0;
    while i < samples.len() {
        let end = bucket_end(samples.times[i], tier);
        let n = samples.times[i..].partition_point(|t| *t <= end);
        out.extend(Bucket::of(&samples.times[i..i + n], &samples.floats[i..i + n], end));
        i += n;
    }
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
