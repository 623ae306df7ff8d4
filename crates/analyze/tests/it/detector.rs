//! The detector finds faults, is quiet on healthy series, never looks ahead, and bears any input.

use crate::generator::{FIVE_MINUTES, Noise, daily_load};
use plimsoll_analyze::{ALARM_SCORE, Detector, DetectorConfig, Score};
use proptest::prelude::*;

fn run(points: &[(i64, f64)], step_ms: i64) -> Vec<Score> {
    let mut detector = Detector::new(DetectorConfig { step_ms });
    points.iter().map(|&(time, value)| detector.observe(time, value)).collect()
}

fn alarms(scores: &[Score]) -> usize {
    scores.iter().filter(|s| s.score >= ALARM_SCORE).count()
}

/// Two weeks of healthy load, then a fault from `at` on for up to three days; the fault must raise an alarm within `within` points.
#[track_caller]
fn check_found(fault: impl Fn(usize, f64) -> f64, within: usize) {
    let mut points = daily_load(11, 288 * 17);
    let at = 288 * 14 + 40;
    for (i, point) in points.iter_mut().enumerate().skip(at) {
        point.1 = fault(i - at, point.1);
    }
    let scores = run(&points, FIVE_MINUTES);
    assert!(alarms(&scores[at..at + within]) > 0, "fault not found");
}

#[test]
fn a_spike_is_found_at_once() {
    check_found(|since, v| if since < 3 { v + 120.0 } else { v }, 3);
}

#[test]
fn a_level_shift_is_found_at_once() {
    check_found(|_, v| v + 60.0, 3);
}

#[test]
fn an_outage_is_found_at_once() {
    check_found(|_, _| 0.0, 3);
}

#[test]
fn a_flat_line_is_found_within_hours() {
    check_found(|_, _| 61.25, 96);
}

#[test]
fn healthy_load_is_quiet() {
    let mut episodes = 0;
    for seed in 1..=8 {
        episodes += alarms(&run(&daily_load(seed, 288 * 21), FIVE_MINUTES)[288 * 4..]);
    }
    assert!(episodes <= 2, "{episodes} alarms in 136 healthy series-days");
}

#[test]
fn a_nightly_job_is_no_news_but_the_same_load_at_noon_is() {
    let mut points = daily_load(21, 288 * 21);
    for (i, point) in points.iter_mut().enumerate() {
        let nightly = (24..30).contains(&(i % 288));
        let misplaced = (288 * 20 + 150..288 * 20 + 156).contains(&i);
        point.1 += if nightly || misplaced { 150.0 } else { 0.0 };
    }
    let scores = run(&points, FIVE_MINUTES);
    assert_eq!(alarms(&scores[288 * 10..288 * 20]), 0);
    assert!(alarms(&scores[288 * 20 + 150..288 * 20 + 156]) > 0);
}

#[test]
fn a_step_at_five_second_points_raises_the_score() {
    let mut noise = Noise(5);
    let series =
        |i: i64, noise: &mut Noise| 0.1 + 0.02 * noise.share() + if i < 360 { 0.0 } else { 0.8 };
    let points: Vec<(i64, f64)> = (0..420).map(|i| (i * 5000, series(i, &mut noise))).collect();
    let scores = run(&points, 5000);
    let before = scores[120..360].iter().map(|s| s.score).fold(0.0, f64::max);
    let after = scores[360..].iter().map(|s| s.score).fold(0.0, f64::max);
    assert!(after >= ALARM_SCORE && after > before + 0.1, "before {before}, after {after}");
}

#[test]
fn a_slow_drift_is_found_within_two_days() {
    check_found(|since, v| v + 0.2 * since as f64, 576);
}

#[test]
fn coarse_and_fine_points_of_a_load_are_quiet_as_well() {
    for (step_ms, keep) in [(60_000, 1), (3_600_000, 60)] {
        let mut noise = Noise(31);
        let points: Vec<(i64, f64)> = (0..1440 * 28)
            .map(|minute| {
                let phase = minute as f64 / 1440.0 * std::f64::consts::TAU;
                (minute as i64 * 60_000, 50.0 + 20.0 * phase.sin() + 2.0 * noise.normal())
            })
            .step_by(keep)
            .collect();
        let scores = run(&points, step_ms);
        assert!(alarms(&scores[scores.len() / 7..]) <= 1, "step {step_ms} ms");
    }
}

#[test]
fn a_quiet_hour_makes_a_small_deviation_notable() {
    let peak = |at: usize| {
        let mut noise = Noise(17);
        let mut points: Vec<(i64, f64)> = (0..288 * 15)
            .map(|i| {
                let spread = if i % 288 < 144 { 1.0 } else { 12.0 };
                (i as i64 * FIVE_MINUTES, 100.0 + spread * noise.normal())
            })
            .collect();
        for point in &mut points[at..at + 3] {
            point.1 = 116.0;
        }
        run(&points, FIVE_MINUTES)[at..at + 3].iter().map(|s| s.score).fold(0.0, f64::max)
    };
    let (quiet, busy) = (peak(288 * 14 + 72), peak(288 * 14 + 216));
    assert!(quiet > busy + 0.1, "quiet {quiet}, busy {busy}");
}

#[test]
fn the_first_points_do_not_hide_a_later_spike() {
    let pattern = |i: i64| 50.0 + (i * 37 % 11) as f64 + if i == 950 { 90.0 } else { 0.0 };
    let points: Vec<(i64, f64)> = (0..1000).map(|i| (i * 60_000, pattern(i))).collect();
    let scores = run(&points, 60_000);
    assert!(scores[950].score > ALARM_SCORE, "{:?}", scores[950]);
    assert_eq!(alarms(&scores[..950]), 0);
}

#[test]
fn two_points_score_nothing() {
    let scores = run(&[(0, 1.0), (FIVE_MINUTES, 1e9)], FIVE_MINUTES);
    assert!(scores.iter().all(|s| s.score == 0.0));
    assert_eq!(scores[1].expected, Some(1.0));
}

#[test]
fn a_counter_with_resets_and_doubled_times_has_an_answer() {
    let points: Vec<(i64, f64)> =
        (0..4000).map(|i| (i / 2 * FIVE_MINUTES, (i % 700) as f64 * 1e6)).collect();
    for score in run(&points, FIVE_MINUTES) {
        assert!((0.0..=1.0).contains(&score.score) && score.spread.is_finite());
    }
}

#[test]
fn faults_are_still_found_after_a_wild_outlier() {
    let mut points = daily_load(23, 288 * 22);
    points[288 * 7].1 = 1e30;
    let at = 288 * 21 + 30;
    points[at..at + 36].iter_mut().for_each(|p| p.1 = 0.0);
    let scores = run(&points, FIVE_MINUTES);
    assert!(scores[288 * 7].score > 0.8, "{:?}", scores[288 * 7]);
    assert!(alarms(&scores[at..at + 36]) > 0, "blind after an outlier");
}

/// Slow: `PLIMSOLL_SLOW=1`.
#[test]
fn two_million_points_later_it_still_works() {
    if std::env::var_os("PLIMSOLL_SLOW").is_none() {
        return;
    }
    let mut detector = Detector::new(DetectorConfig { step_ms: 1000 });
    let mut noise = Noise(3);
    let points = 2_000_000;
    for i in 0..points {
        detector.observe(i * 1000, 100.0 + noise.share());
    }
    assert_eq!(detector.points(), points as u32);
    assert!(detector.observe(points * 1000, 200.0).score >= ALARM_SCORE);
}

#[test]
fn a_constant_series_is_never_unusual_until_it_changes() {
    let mut points: Vec<(i64, f64)> = (0..1000).map(|i| (i * 60_000, 7.0)).collect();
    points.push((60_000_000, 9.0));
    let scores = run(&points, 60_000);
    assert!(scores[..1000].iter().all(|s| s.score == 0.0));
    assert!(scores[1000].score > 0.5, "{:?}", scores[1000]);
}

#[test]
fn gaps_score_nothing_and_change_nothing() {
    let points = daily_load(3, 400);
    let mut holed = Detector::new(DetectorConfig { step_ms: FIVE_MINUTES });
    let mut whole = holed.clone();
    for &(time, value) in &points {
        for gap in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(holed.observe(time, gap), Score::default());
        }
        assert_eq!(holed.observe(time, value), whole.observe(time, value));
    }
    assert_eq!(holed, whole);
}

#[test]
fn expectation_follows_the_day() {
    let points = daily_load(9, 288 * 10);
    let scores = run(&points, FIVE_MINUTES);
    let misses = points[288 * 8..].iter().zip(&scores[288 * 8..]);
    let mean = misses.map(|(p, s)| (p.1 - s.expected.expect("seen before")).abs()).sum::<f64>()
        / (288.0 * 2.0);
    assert!(mean < 3.0, "mean miss {mean} at noise 2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scores_of_a_prefix_do_not_depend_on_what_follows(seed in 0u64..1000, cut in 1usize..600) {
        let points = daily_load(seed, 700);
        let whole = run(&points, FIVE_MINUTES);
        let part = run(&points[..cut], FIVE_MINUTES);
        prop_assert_eq!(&whole[..cut], &part[..]);
    }

    #[test]
    fn scale_does_not_matter(seed in 0u64..1000, power in -30i32..30) {
        let points = daily_load(seed, 700);
        let scaled: Vec<(i64, f64)> =
            points.iter().map(|&(t, v)| (t, v * 2f64.powi(power))).collect();
        let (a, b) = (run(&points, FIVE_MINUTES), run(&scaled, FIVE_MINUTES));
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((a.score - b.score).abs() < 1e-9);
        }
    }

    #[test]
    fn whole_weeks_later_is_the_same(seed in 0u64..1000, weeks in -100i64..100) {
        let points = daily_load(seed, 500);
        let later: Vec<(i64, f64)> =
            points.iter().map(|&(t, v)| (t + weeks * 604_800_000, v)).collect();
        let (a, b) = (run(&points, FIVE_MINUTES), run(&later, FIVE_MINUTES));
        prop_assert_eq!(a, b);
    }

    #[test]
    fn anything_goes_in_and_a_share_comes_out(
        points in proptest::collection::vec((any::<i64>(), any::<f64>()), 0..300),
        step in any::<i64>(),
    ) {
        for score in run(&points, step) {
            prop_assert!((0.0..=1.0).contains(&score.score) && score.combined.is_finite());
        }
    }
}
