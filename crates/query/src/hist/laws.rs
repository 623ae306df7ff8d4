//! What holds for any histograms: nothing is lost in sums, and nothing breaks.

use std::collections::BTreeMap;

use plimsoll_model::{CUSTOM_BUCKETS, ResetHint};
use proptest::prelude::*;

use super::bounds::bound;
use super::{Buckets, Hist, Keep, Total, fraction, quantile, variance};

fn side() -> impl Strategy<Value = Buckets<f64>> {
    let bucket = (prop_oneof![9 => -40..40i32, 1 => any::<i32>()], 0..50u8);
    proptest::collection::vec(bucket, 0..12).prop_map(|found| {
        let found: BTreeMap<i32, u8> = found.into_iter().collect();
        found.into_iter().map(|(i, c)| (i, f64::from(c))).collect()
    })
}

fn total(h: &Hist) -> f64 {
    h.zero + h.positive.iter().chain(&h.negative).map(|(_, c)| c).sum::<f64>()
}

prop_compose! {
    fn exponential()(
        schema in -4..=8i8,
        width in prop_oneof![Just(0.0), Just(0.001), 0.0..3.0],
        zero in 0..9u8,
        positive in side(),
        negative in side(),
        sum in -100.0..100.0,
    ) -> Hist {
        let mut h = Hist {
            hint: ResetHint::Unknown, schema, zero_threshold: width, zero: f64::from(zero),
            count: 0.0, sum, positive, negative, custom: Vec::new(),
        };
        // No bucket lies within the zero bucket.
        h.positive.retain(|(i, _)| bound(schema, *i) > width);
        h.negative.retain(|(i, _)| bound(schema, *i) > width);
        h.count = total(&h);
        h
    }
}

prop_compose! {
    fn custom()(
        bounds in proptest::collection::btree_set(-9..9i32, 0..6),
        counts in proptest::collection::vec(0..50u8, 7),
    ) -> Hist {
        let custom: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let counts = counts.into_iter().take(custom.len() + 1);
        let positive: Buckets<f64> = (0..).zip(counts.map(f64::from)).collect();
        let count = positive.iter().map(|(_, c)| c).sum();
        Hist {
            hint: ResetHint::Unknown, schema: CUSTOM_BUCKETS, zero_threshold: 0.0, zero: 0.0,
            count, sum: count, positive, negative: Vec::new(), custom,
        }
    }
}

fn pair() -> impl Strategy<Value = (Hist, Hist)> {
    prop_oneof![(exponential(), exponential()), (custom(), custom())]
}

proptest! {
    #[test]
    fn sums_lose_no_observation((a, b) in pair()) {
        let mut sum = a.clone();
        sum.add(&b).unwrap();
        prop_assert_eq!(sum.count, a.count + b.count);
        // A bucket that reaches into the zero bucket of the other is taken whole, never split.
        prop_assert_eq!(total(&sum), total(&a) + total(&b));
        prop_assert!(sum.positive.is_sorted_by(|x, y| x.0 < y.0));
        prop_assert!(sum.negative.is_sorted_by(|x, y| x.0 < y.0));
        let mut other = b.clone();
        other.add(&a).unwrap();
        prop_assert_eq!(sum.clone().compact().positive, other.compact().positive);
        let mut both = Total::sum(&a);
        both.add(&b).unwrap();
        prop_assert_eq!(both.finish().compact(), sum.clone().compact());
        sum.sub(&b).unwrap();
        prop_assert_eq!((sum.count, total(&sum)), (a.count, total(&a)));
    }

    #[test]
    fn growth_is_no_reset((a, b) in pair()) {
        let mut sum = a.clone();
        sum.add(&b).unwrap();
        let narrower = sum.zero_threshold < a.zero_threshold;
        prop_assert!(!narrower && !sum.is_reset_since(&a), "{sum:?} {a:?}");
    }

    #[test]
    fn estimates_stay_within_bounds((a, _) in pair(), phi in 0.0..=1.0, at in -9.0..9.0) {
        let (value, _) = quantile(phi, &a);
        let (share, _) = fraction(f64::NEG_INFINITY, value, &a);
        prop_assert!(a.count == 0.0 || share.is_nan() || (0.0..=1.0 + 1e-9).contains(&share));
        prop_assert!(variance(&a).is_nan() || variance(&a) >= 0.0);
        let (below, above) = (a.trimmed(at, Keep::Below), a.trimmed(at, Keep::Above));
        prop_assert!(below.count <= a.count + 1e-9 && above.count <= a.count + 1e-9);
        let endless = a.is_custom();
        prop_assert!(endless || (below.count + above.count - a.count).abs() < 1e-6 * (1.0 + a.count));
    }

    #[test]
    fn the_stored_form_comes_back((a, b) in pair()) {
        for h in [a, b] {
            let far = h.positive.iter().chain(&h.negative).any(|(i, _)| i.unsigned_abs() > 1 << 29);
            let model = h.to_model();
            prop_assert!(far || model.check().is_ok(), "{:?}", model.check());
            prop_assert!(far || Hist::of(&model) == h);
        }
    }
}
