//! Comparison, correlation and onset on samples whose truth is known, and on what is no sample.

use crate::generator::Noise;
use plimsoll_analyze::{
    Focus, Scratch, brown_forsythe, cliffs_delta, compare, cross_correlation, false_discovery,
    kolmogorov_smirnov, mann_whitney, onset, pearson, q_values, spearman, welch,
};
use proptest::prelude::*;

/// First-order autoregressive noise of unit variance.
fn dependent(seed: u64, memory: f64, count: usize) -> Vec<f64> {
    let mut noise = Noise(seed);
    let mut level = noise.normal();
    let mut next = || {
        level = memory * level + (1.0 - memory * memory).sqrt() * noise.normal();
        level
    };
    (0..count).map(|_| next()).collect()
}

fn share(count: u64, test: impl Fn(u64) -> bool) -> f64 {
    (0..count).filter(|&seed| test(seed)).count() as f64 / count as f64
}

#[test]
fn a_shift_and_a_spread_are_told_apart() {
    let calm = dependent(1, 0.3, 200);
    let up: Vec<f64> = dependent(2, 0.3, 200).iter().map(|v| v + 1.5).collect();
    let wide: Vec<f64> = dependent(3, 0.3, 200).iter().map(|v| v * 3.0).collect();
    let moved = compare(&calm, &up).expect("enough");
    assert!(moved.delta > 0.6 && moved.level.p_value < 1e-6, "{moved:?}");
    assert!(moved.mean.statistic > 5.0 && moved.spread.p_value > 0.01, "{moved:?}");
    let spread = compare(&calm, &wide).expect("enough");
    assert!(spread.spread.p_value < 1e-6 && spread.level.p_value > 0.01, "{spread:?}");
    assert!(spread.distribution.p_value < 0.05 && spread.delta.abs() < 0.2, "{spread:?}");
    let back = compare(&up, &calm).expect("enough");
    assert_eq!((back.delta, back.level.p_value), (-moved.delta, moved.level.p_value));
}

/// Without the correction more than half of such samples differ "at the 5 % level".
#[test]
fn dependent_samples_of_one_source_seldom_differ() {
    for memory in [0.0, 0.5, 0.9] {
        let pair = |seed| (dependent(seed, memory, 240), dependent(seed + 10_000, memory, 240));
        let called = |pick: fn(&plimsoll_analyze::Comparison) -> f64| {
            share(300, |seed| {
                let (a, b) = pair(seed);
                pick(&compare(&a, &b).expect("enough")) < 0.05
            })
        };
        let shares = [
            called(|c| c.level.p_value),
            called(|c| c.distribution.p_value),
            called(|c| c.mean.p_value),
            called(|c| c.spread.p_value),
        ];
        println!("memory {memory}: {shares:?}");
        assert!(shares.iter().all(|&s| s < 0.12), "{memory}: {shares:?}");
    }
}

#[test]
fn the_one_who_follows_is_known_by_its_lag() {
    let driver = dependent(5, 0.6, 300);
    let mut noise = Noise(6);
    let follower: Vec<f64> = (0..300)
        .map(|i| if i < 7 { noise.normal() } else { driver[i - 7] + 0.5 * noise.normal() })
        .collect();
    let mut scratch = Scratch::default();
    let found = Focus::new(&driver, 10).expect("varies").correlate(&follower, &mut scratch);
    let found = found.expect("varies");
    assert_eq!(found.lag, 7);
    assert!(found.r > 0.75 && found.rank_r > 0.7 && found.p_value < 1e-9, "{found:?}");
    let found = Focus::new(&follower, 10).expect("varies").correlate(&driver, &mut scratch);
    assert_eq!(found.expect("varies").lag, -7);
}

#[test]
fn strangers_seldom_correlate() {
    for memory in [0.0, 0.6, 0.9, 0.98] {
        let called = share(300, |seed| {
            let focus = Focus::new(&dependent(seed, memory, 240), 10).expect("varies");
            let other = dependent(seed + 9_000, memory, 240);
            focus.correlate(&other, &mut Scratch::default()).expect("varies").p_value < 0.05
        });
        println!("memory {memory}: {called}");
        assert!(called < 0.15, "{memory}: {called}");
    }
}

#[test]
fn one_spike_at_the_same_time_is_no_correlation() {
    let (mut a, mut b) = (dependent(1, 0.0, 240), dependent(2, 0.0, 240));
    (a[100], b[100]) = (1e4, 1e4);
    let focus = Focus::new(&a, 0).expect("varies");
    assert!(focus.correlate(&b, &mut Scratch::default()).expect("varies").r < 0.3);
    assert!(pearson(&a, &b).expect("varies") > 0.99);
}

#[test]
fn the_onset_is_where_the_series_left() {
    let exact = share(100, |seed| {
        let mut values = dependent(seed, 0.5, 300);
        for value in &mut values[240..] {
            *value += 6.0;
        }
        let found = onset(&values, 200).expect("left");
        assert!(found.p_value < 0.05 && found.shift > 3.0, "seed {seed}: {found:?}");
        (238..=241).contains(&found.index)
    });
    let false_ones =
        share(300, |seed| onset(&dependent(seed, 0.5, 300), 200).is_some_and(|o| o.p_value < 0.01));
    println!("onset within 2 samples {exact}, false ones {false_ones}");
    assert!(exact >= 0.9 && false_ones <= 0.03, "{exact} {false_ones}");
    let fell: Vec<f64> = (0..60).map(|i| if i < 40 { 5.0 } else { 0.0 }).collect();
    let found = onset(&fell, 30).expect("left");
    assert!(found.index == 40 && found.shift < -1e6 && found.p_value < 1e-3, "{found:?}");
}

#[test]
fn one_wild_value_is_no_onset() {
    let mut values = dependent(3, 0.0, 100);
    values[80] = 1e9;
    assert_eq!(onset(&values, 60), None);
}

#[test]
fn too_little_is_said_to_be_too_little() {
    let line: Vec<f64> = (0..20).map(f64::from).collect();
    assert_eq!(compare(&[1.0; 3], &line), None);
    assert_eq!(compare(&line, &[f64::NAN; 30]), None);
    assert_eq!(welch(&[1.0], &line), None);
    assert_eq!(kolmogorov_smirnov(&[], &line), None);
    assert_eq!(pearson(&[1.0; 20], &line), None);
    assert_eq!(spearman(&line[..2], &line), None);
    assert_eq!(cross_correlation(&line, &line, 20), None);
    assert!(Focus::new(&[1.0; 100], 5).is_none());
    assert!(Focus::new(&line[..7], 5).is_none());
    let focus = Focus::new(&line, 5).expect("varies");
    assert_eq!(focus.correlate(&[3.0; 20], &mut Scratch::default()), None);
    assert_eq!(focus.correlate(&line[..9], &mut Scratch::default()), None);
    assert_eq!(onset(&line, 7), None);
    assert_eq!(onset(&[1.0; 50], 25), None);
}

#[test]
fn constants_differ_with_certainty_or_not_at_all() {
    let same = compare(&[5.0; 10], &[5.0; 10]).expect("enough");
    assert_eq!((same.delta, same.level.p_value, same.mean.p_value), (0.0, 1.0, 1.0));
    assert_eq!((same.distribution.p_value, same.spread.p_value), (1.0, 1.0));
    let moved = compare(&[5.0; 10], &[7.0; 10]).expect("enough");
    assert_eq!((moved.delta, moved.mean.p_value, moved.spread.p_value), (1.0, 0.0, 1.0));
    assert!(moved.level.p_value < 1e-3 && moved.distribution.p_value < 1e-3);
}

fn naive_delta(a: &[f64], b: &[f64]) -> f64 {
    let each = |y: f64| a.iter().map(|&x| f64::from(y > x) - f64::from(y < x)).sum::<f64>();
    b.iter().map(|&y| each(y)).sum::<f64>() / (a.len() * b.len()) as f64
}

fn naive_distance(a: &[f64], b: &[f64]) -> f64 {
    let below = |s: &[f64], at: f64| s.iter().filter(|&&v| v <= at).count() as f64 / s.len() as f64;
    a.iter().chain(b).map(|&at| (below(a, at) - below(b, at)).abs()).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn ranks_agree_with_counting(
        a in proptest::collection::vec((-8i32..8).prop_map(f64::from), 1..40),
        b in proptest::collection::vec((-8i32..8).prop_map(f64::from), 1..40),
    ) {
        prop_assert!((cliffs_delta(&a, &b).expect("values") - naive_delta(&a, &b)).abs() < 1e-12);
        let ks = kolmogorov_smirnov(&a, &b).expect("values");
        prop_assert!((ks.statistic - naive_distance(&a, &b)).abs() < 1e-12);
        let u = mann_whitney(&a, &b).expect("values").statistic;
        let back = mann_whitney(&b, &a).expect("values").statistic;
        prop_assert!((u + back - (a.len() * b.len()) as f64).abs() < 1e-9);
    }

    #[test]
    fn the_prepared_form_agrees_with_the_plain_one(seed in 0u64..1000, lag in 0usize..9) {
        let (a, b) = (dependent(seed, 0.5, 60), dependent(seed + 1, 0.5, 60));
        let all = cross_correlation(&a, &b, lag).expect("varies");
        let focus = Focus::new(&a, lag).expect("varies");
        let found = focus.correlate(&b, &mut Scratch::default()).expect("varies");
        let most = all.iter().copied().fold(0.0, |m: f64, r| if r.abs() > m.abs() { r } else { m });
        prop_assert!((found.r - most).abs() < 1e-9, "{found:?} {all:?}");
        prop_assert!((all[lag] - found.r_at_zero).abs() < 1e-9);
        prop_assert!((all[(found.lag + lag as isize) as usize] - found.r).abs() < 1e-9);
    }

    #[test]
    fn discoveries_are_those_of_the_step_up_rule(p in proptest::collection::vec(0.0f64..1.0, 0..60), rate in 0.01f64..0.5) {
        let mut sorted = p.clone();
        sorted.sort_by(f64::total_cmp);
        let holds = |k: usize| sorted[k - 1] <= rate * k as f64 / p.len() as f64;
        let cut = (1..=p.len()).rev().find(|&k| holds(k)).map_or(-1.0, |k| sorted[k - 1]);
        let found = false_discovery(&p, rate);
        prop_assert!(p.iter().zip(&found).all(|(p, &d)| d == (*p <= cut)));
        prop_assert!(q_values(&p).iter().zip(&p).all(|(q, p)| *q >= p - 1e-12));
    }

    #[test]
    fn anything_has_an_answer(
        a in proptest::collection::vec(any::<f64>(), 0..80),
        b in proptest::collection::vec(any::<f64>(), 0..80),
        at in 0usize..90,
    ) {
        for found in [compare(&a, &b), compare(&b, &b)].into_iter().flatten() {
            for test in [found.distribution, found.level, found.mean, found.spread] {
                prop_assert!((0.0..=1.0).contains(&test.p_value), "{found:?}");
            }
            prop_assert!((-1.0..=1.0).contains(&found.delta));
        }
        if let Some(focus) = Focus::new(&a, at)
            && let Some(found) = focus.correlate(&b, &mut Scratch::default())
        {
            prop_assert!((0.0..=1.0).contains(&found.p_value), "{found:?}");
            prop_assert!(found.r.abs() <= 1.0 && found.rank_r.abs() <= 1.0, "{found:?}");
        }
        if let Some(found) = onset(&a, at) {
            prop_assert!(found.index >= at && found.index <= found.noticed, "{found:?}");
            prop_assert!((0.0..=1.0).contains(&found.p_value), "{found:?}");
        }
        let _ = (brown_forsythe(&a, &b), welch(&a, &b), mann_whitney(&a, &b));
        let _ = (pearson(&a, &b), spearman(&a, &b), cross_correlation(&a, &b, at));
        let _ = (q_values(&a), kolmogorov_smirnov(&a, &b));
    }
}
