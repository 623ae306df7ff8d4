//! Our functions through the engine, on series whose answer is known.

use std::sync::Arc;

use plimsoll_model::{Grid, Labels, MemorySource, ReadCx, SeriesSource};
use plimsoll_query::{Engine, EngineConfig, Value};
use plimsoll_world::Workers;

const DAY_S: f64 = 86_400.0;
/// A midnight.
const START_MS: i64 = 1_700_006_400_000;

/// A series `m` with a value for each step, and when the last one was.
fn source(step_s: i64, values: impl IntoIterator<Item = f64>) -> (MemorySource, i64) {
    let source = MemorySource::new();
    let labels = Labels::new([("__name__", "m"), ("job", "j")]).unwrap();
    let mut at = START_MS;
    for (i, value) in values.into_iter().enumerate() {
        at = START_MS + i as i64 * step_s * 1000;
        source.append(&labels, at, value);
    }
    (source, at)
}

fn engine() -> Engine {
    let config = EngineConfig { features: super::features().unwrap(), ..EngineConfig::default() };
    Engine::new(config, Arc::new(Workers::new(1)))
}

/// The only value at a moment, if there is one.
fn ask(source: &MemorySource, at: i64, text: &str) -> Option<f64> {
    let engine = engine();
    let query = engine.parse(text).unwrap();
    let answer = engine.instant(&source.snapshot(), &query, at, &ReadCx::unlimited()).unwrap();
    let Value::Vector(found) = answer.value else { panic!("no vector") };
    assert!(found.len() <= 1 && found.iter().all(|s| s.labels.to_string() == "{job=\"j\"}"));
    found.first().map(|s| s.value)
}

/// The same numbers each time, evenly spread over -1 to 1.
fn noise() -> impl Iterator<Item = f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

fn line(count: usize, slope: f64, step_s: i64) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| 100.0 + slope * (i as i64 * step_s) as f64)
}

fn daily(count: usize, step_s: i64) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| sine((i as i64 * step_s) as f64))
}

fn sine(seconds: f64) -> f64 {
    100.0 + 50.0 * (seconds / DAY_S * std::f64::consts::TAU).sin()
}

#[track_caller]
fn near(found: Option<f64>, wanted: f64, share: f64) {
    let found = found.unwrap_or(f64::NAN);
    assert!((found - wanted).abs() <= share * wanted.abs(), "{found} is not near {wanted}");
}

#[test]
fn they_are_registered_and_never_prometheus_names() {
    let features = super::features().unwrap();
    let names: Vec<&str> = features.extensions.functions().map(|row| row.name).collect();
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted());
    let error = plimsoll_query::parse("anomalie_score(m[1h])", &features).unwrap_err();
    assert_eq!(error.suggestion(), Some("anomaly_score"));
}

#[test]
fn the_trend_of_a_line_is_its_slope() {
    let (source, at) = source(15, line(240, 0.25, 15));
    near(ask(&source, at, "trend(m[1h])"), 0.25, 1e-9);
    near(ask(&source, at, "trend((m * 2)[1h:1m])"), 0.5, 1e-9);
    near(ask(&source, at, "trend(m[1h] offset 5m)"), 0.25, 1e-9);
}

#[test]
fn a_fifth_of_wild_samples_does_not_move_the_trend() {
    let wild = line(240, 0.25, 15).enumerate().map(|(i, v)| if i % 5 == 0 { 1e6 } else { v });
    let (source, at) = source(15, wild);
    near(ask(&source, at, "trend(m[1h])"), 0.25, 0.05);
}

#[test]
fn a_line_reaches_its_limit_when_it_does() {
    // 100 at the start, 0.25 per second, an hour of samples.
    let (source, at) = source(15, line(241, 0.25, 15));
    near(ask(&source, at, "time_to_breach(m[1h], 100 + 0.25 * 10800)"), 7_200.0, 0.01);
    near(ask(&source, at + 60_000, "time_to_breach(m[1h], 2800)"), 7_140.0, 0.01);
    near(ask(&source, at, "time_to_breach((-m)[1h:15s], -2800)"), 7_200.0, 0.01);
    assert_eq!(ask(&source, at, "time_to_breach(m[1h], 0)"), Some(f64::INFINITY));
    assert_eq!(ask(&source, at, "time_to_breach(m[1h], 1e9)"), Some(f64::INFINITY));
    assert_eq!(ask(&source, at, "time_to_breach(m[1h], 1000)"), Some(0.0));
}

#[test]
fn a_level_reaches_nothing() {
    let (source, at) = source(15, noise().take(241));
    assert_eq!(ask(&source, at, "time_to_breach(m[1h], 10)"), Some(f64::INFINITY));
    assert_eq!(ask(&source, at, "time_to_breach(m[1h], -10)"), Some(f64::INFINITY));
}

#[test]
fn a_daily_sine_goes_on() {
    let (source, at) = source(300, daily(288 * 7, 300));
    let since = (at - START_MS) as f64 / 1e3;
    for hours in [1.0, 6.0, 13.5, 24.0] {
        let ask = |name: &str| ask(&source, at, &format!("{name}(m[1w], {hours} * 3600)"));
        let wanted = sine(since + hours * 3_600.0);
        near(ask("forecast"), wanted, 0.1);
        let (lower, upper) = (ask("forecast_lower").unwrap(), ask("forecast_upper").unwrap());
        assert!(lower <= wanted + 1.0 && wanted - 1.0 <= upper, "{lower} {wanted} {upper}");
    }
}

#[test]
fn two_weeks_of_fine_samples_are_thinned() {
    let (source, at) = source(60, daily(1_440 * 14, 60));
    let since = (at - START_MS) as f64 / 1e3;
    near(ask(&source, at, "forecast(m[2w], 43200)"), sine(since + 43_200.0), 0.1);
    near(ask(&source, at, "seasonal_baseline(m[2w])"), sine(since), 0.05);
}

#[test]
fn a_line_goes_on() {
    let (source, at) = source(15, line(481, 0.25, 15));
    near(ask(&source, at, "forecast(m[2h], 600)"), 100.0 + 0.25 * 7_800.0, 0.02);
    near(ask(&source, at, "forecast(m[2h], 0)"), 100.0 + 0.25 * 7_200.0, 1e-9);
    near(ask(&source, at + 7_000, "forecast(m[2h], 0)"), 100.0 + 0.25 * 7_207.0, 0.01);
}

#[test]
fn the_baseline_is_what_is_usual_now() {
    let days = daily(288 * 7, 300).zip(noise()).map(|(v, n)| v + 3.0 * n);
    let (source, at) = source(300, days);
    let since = (at - START_MS) as f64 / 1e3;
    near(ask(&source, at, "seasonal_baseline(m[1w])"), sine(since), 0.05);
    let (flat, at) = self::source(15, noise().take(240).map(|n| 10.0 + n));
    near(ask(&flat, at, "seasonal_baseline(m[1h])"), 10.0, 0.02);
}

#[test]
fn a_step_is_unusual_and_noise_is_not() {
    let mut values: Vec<f64> = noise().take(600).map(|n| 100.0 + n).collect();
    let (quiet, at) = source(60, values.clone());
    let engine = engine();
    let query = engine.parse("anomaly_score(m[9h])").unwrap();
    let grid = Grid { start: at - 30 * 60_000, end: at, step: 60_000 };
    let answer = engine.range(&quiet.snapshot(), &query, grid, &ReadCx::unlimited()).unwrap();
    let Value::Matrix(scores) = answer.value else { panic!("no matrix") };
    assert_eq!(scores[0].floats.len(), 31);
    // No alarm, and hardly a remark.
    let remarks = scores[0].floats.iter().filter(|s| **s >= 0.3).count();
    assert!(remarks <= 1 && scores[0].floats.iter().all(|s| *s < 0.5), "{:?}", scores[0].floats);
    assert!(ask(&quiet, at, "anomaly_score(m[10h])").unwrap() < 0.3);
    values.push(160.0);
    let (source, at) = source(60, values);
    let score = ask(&source, at, "anomaly_score(m[10h])").unwrap();
    assert!((0.5..=1.0).contains(&score), "{score}");
}

/// Every function over these samples; what has a value has a number.
fn all(step_s: i64, values: Vec<f64>) -> Vec<Option<f64>> {
    let (source, at) = source(step_s, values);
    ["", ", 600", ", -1", ", 0", ", NaN", ", Inf", ", 1e300"]
        .iter()
        .flat_map(|arg| {
            let of_range = ["anomaly_score", "trend", "seasonal_baseline"];
            let of_two = ["forecast", "forecast_lower", "forecast_upper", "time_to_breach"];
            let names = if arg.is_empty() { &of_range[..] } else { &of_two[..] };
            names
                .iter()
                .map(|name| ask(&source, at, &format!("{name}(m[10y]{arg})")))
                .collect::<Vec<_>>()
        })
        .inspect(|v| assert!(!v.is_some_and(f64::is_nan)))
        .collect()
}

#[test]
fn few_and_wild_samples_are_no_values_and_no_panics() {
    for values in [vec![1.0], vec![1.0, 2.0], vec![1.0, 2.0, 3.0], vec![f64::NAN; 40]] {
        let count = values.len();
        let found = all(15, values);
        assert!(found.iter().all(Option::is_none), "{count}: {found:?}");
    }
    let wild = [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN, 0.0, 5e-324];
    for step_s in [1, 3_600, 1_000_000] {
        all(step_s, wild.iter().copied().cycle().take(100).collect());
        all(step_s, vec![0.0; 50]);
    }
}

#[test]
fn irregular_samples_are_not_forecast() {
    // Two bursts of 20 s and a day between them.
    let source = MemorySource::new();
    let labels = Labels::new([("__name__", "m"), ("job", "j")]).unwrap();
    for i in 0..40 {
        let gap = if i < 20 { 0 } else { 86_400_000 };
        source.append(&labels, START_MS + i * 1000 + gap, i as f64);
    }
    let at = START_MS + 86_440_000;
    assert_eq!(ask(&source, at, "forecast(m[2d], 60)"), None);
    assert_eq!(ask(&source, at, "seasonal_baseline(m[2d])"), None);
}

#[test]
fn nothing_is_foreseen_too_far_ahead() {
    let (source, at) = source(15, line(241, 0.25, 15));
    assert!(ask(&source, at, "forecast(m[1h], 29 * 3600)").is_some());
    assert_eq!(ask(&source, at, "forecast(m[1h], 31 * 3600)"), None);
}

/// The first rule of a file over a series `m`; whether it fires at a moment, and with what value.
fn fires(rule: &str, source: &MemorySource, at: i64) -> Option<f64> {
    use plimsoll_alert::{RuleState, Scene, Surroundings, evaluate, read_rules};
    let text = format!("groups:\n- name: g\n  rules:\n  - {{{rule}}}\n");
    let groups = read_rules("r.yml", &text, 60_000, &super::features().unwrap()).unwrap();
    let (engine, view, cx) = (engine(), source.snapshot(), ReadCx::unlimited());
    let surroundings = Surroundings::default();
    let scene = Scene { engine: &engine, view: &view, at, surroundings: &surroundings, cx: &cx };
    let mut state = RuleState::default();
    evaluate(&groups[0].rules[0], 0, &mut state, &scene).unwrap();
    state.active.into_values().next().map(|alert| alert.value)
}

#[test]
fn rules_of_our_kinds_use_them() {
    // 100, and 0.01 more each second for six hours: 316 at the end.
    let (rising, at) = source(60, line(361, 0.01, 60));
    let near = |found: Option<f64>, wanted: f64| {
        assert!(found.is_some_and(|v| (v - wanted).abs() < wanted.abs() * 0.05), "{found:?}");
    };
    let trend = |by: &str| fires(&format!("trend: A, expr: m, over: 6h, {by}"), &rising, at);
    near(trend("rising_by: {amount: 30, per: 1h}"), 36.0);
    assert_eq!(trend("rising_by: {amount: 40, per: 1h}"), None);
    assert_eq!(trend("falling_by: {amount: 30, per: 1h}"), None);
    let prediction =
        |rest: &str| fires(&format!("prediction: A, expr: m, over: 6h, {rest}"), &rising, at);
    near(prediction("limit: 388, within: 3h"), 7_200.0);
    assert_eq!(prediction("limit: 388, within: 1h"), None);
    let limit = Labels::new([("__name__", "most"), ("job", "j")]).unwrap();
    (0..=360).for_each(|i| {
        rising.append(&limit, START_MS + i * 60_000, 388.0);
    });
    near(prediction("limit: most, within: 3h"), 7_200.0);
    // What is past the limit is told only with a direction.
    assert_eq!(prediction("limit: 200, within: 1h, direction: rising"), Some(0.0));
    assert_eq!(prediction("limit: 200, within: 1h"), None);
    let quiet = noise().take(360).chain([50.0]);
    let (odd, at) = source(60, quiet);
    assert!(fires("anomaly: A, expr: m, over: 6h", &odd, at).is_some_and(|score| score > 0.5));
    assert_eq!(fires("anomaly: A, expr: m, over: 6h", &odd, at - 60_000), None);
}

#[test]
fn the_rules_of_the_documentation_are_read() {
    let page = include_str!("../../../../docs/user/rule-kinds.md");
    let text = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let groups =
        plimsoll_alert::read_rules("doc.yml", text, 60_000, &super::features().unwrap()).unwrap();
    let kinds: Vec<&str> = groups[0].rules.iter().map(|r| r.kind_name()).collect();
    assert_eq!(kinds, ["threshold", "threshold", "trend", "anomaly", "prediction", "absence"]);
}
