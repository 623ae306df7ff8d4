//! Detector state as bytes: round trips, bounds, and any bytes at all.

use crate::generator::{FIVE_MINUTES, Noise, daily_load};
use plimsoll_analyze::{Detector, DetectorConfig, STATE_BYTES_MAX};
use proptest::prelude::*;

fn trained(points: usize) -> Detector {
    let mut detector = Detector::new(DetectorConfig { step_ms: FIVE_MINUTES });
    for (time, value) in daily_load(42, points) {
        detector.observe(time, value);
    }
    detector
}

/// Whatever is accepted must be usable.
fn survives(bytes: &[u8]) {
    if let Ok(mut detector) = Detector::from_bytes(bytes) {
        for value in [0.0, 1.0, -5e35, f64::NAN, 5e35] {
            let score = detector.observe(i64::MAX, value).score;
            assert!((0.0..=1.0).contains(&score), "{score}");
        }
        assert!(detector.to_bytes().len() <= STATE_BYTES_MAX);
    }
}

#[test]
fn a_state_comes_back_as_it_was_and_goes_on_as_before() {
    for points in [0, 1, 31, 5000] {
        let mut kept = trained(points);
        let bytes = kept.to_bytes();
        assert!(bytes.len() <= STATE_BYTES_MAX, "{} bytes", bytes.len());
        let mut restored = Detector::from_bytes(&bytes).expect("own bytes");
        assert_eq!(kept, restored);
        for (time, value) in daily_load(43, 300) {
            assert_eq!(kept.observe(time, value), restored.observe(time, value));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn restarts_anywhere_change_no_score(
        seed in 0u64..1000,
        step in prop_oneof![Just(60_000i64), Just(FIVE_MINUTES), Just(3_600_000)],
        restarts in proptest::collection::btree_set(0usize..1500, 0..6),
        odd in proptest::collection::vec((0usize..1500, any::<f64>(), 0i64..300_000_000), 0..20),
    ) {
        let mut points: Vec<(i64, f64)> = daily_load(seed, 1500)
            .into_iter()
            .enumerate()
            .map(|(i, (_, value))| (i as i64 * step, value))
            .collect();
        for (at, value, later) in odd {
            points[at].1 = value;
            points[at..].iter_mut().for_each(|p| p.0 += later);
        }
        let mut whole = Detector::new(DetectorConfig { step_ms: step });
        let mut parts = whole.clone();
        for (i, &(time, value)) in points.iter().enumerate() {
            if restarts.contains(&i) {
                parts = Detector::from_bytes(&parts.to_bytes()).expect("own bytes");
            }
            prop_assert_eq!(whole.observe(time, value), parts.observe(time, value));
        }
        prop_assert_eq!(whole.to_bytes(), parts.to_bytes());
    }
}

#[test]
fn other_versions_and_lengths_are_refused() {
    let bytes = trained(100).to_bytes();
    let mut other = bytes.clone();
    other[0] = 0;
    assert!(Detector::from_bytes(&other).is_err());
    assert!(Detector::from_bytes(&[]).is_err());
    for length in 0..bytes.len() {
        assert!(Detector::from_bytes(&bytes[..length]).is_err());
    }
    let mut long = bytes;
    long.push(0);
    assert!(Detector::from_bytes(&long).is_err());
}

#[test]
fn any_bytes_give_a_usable_state_or_an_error() {
    let good = trained(2000).to_bytes();
    let mut noise = Noise(7);
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..=noise.bits() % 8 {
            let at = noise.bits() as usize % bytes.len();
            bytes[at] = noise.bits() as u8;
        }
        survives(&bytes);
    }
    for _ in 0..300 {
        let mut bytes: Vec<u8> = (0..good.len()).map(|_| noise.bits() as u8).collect();
        bytes[0] = good[0];
        survives(&bytes);
    }
}
