//! CSV text to CSV text: forms of timestamps, errors that name the line, and any bytes.

use crate::generator::Noise;
use plimsoll_predict::{ForecastRequest, Limit, detect_csv, forecast_csv, read_csv, time_to_limit};

const ASK: ForecastRequest = ForecastRequest { horizon: 3, season: None, level: 0.95 };

/// Whatever comes in: an answer or an error.
fn survives(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(answer) = detect_csv(&text) {
        assert!(answer.starts_with("timestamp,value,anomaly_score\n"));
    }
    let _ = forecast_csv(&text, &ASK);
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = detect_csv(text).expect_err("an error").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn scores_keep_rows_and_their_text() {
    let answer = detect_csv("timestamp,value\n2024-01-01 00:00:00,1.50\n2024-01-01 00:05:00,\n")
        .expect("scores");
    assert_eq!(
        answer,
        "timestamp,value,anomaly_score\n2024-01-01 00:00:00,1.50,0.000000000\n2024-01-01 00:05:00,,0.000000000\n"
    );
}

#[test]
fn forecasts_go_on_in_the_form_of_the_input() {
    let stamps = |rows: &str| {
        let answer = forecast_csv(&format!("value,timestamp\r\n{rows}"), &ASK).expect("forecast");
        answer
            .lines()
            .skip(1)
            .map(|l| l.split(',').next().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        stamps("1,2024-02-28 22:00:00\r\n2,2024-02-28 23:00:00\r\n"),
        ["2024-02-29 00:00:00", "2024-02-29 01:00:00", "2024-02-29 02:00:00"]
    );
    assert_eq!(
        stamps("1,2024-12-31T23:58:00Z\n2,2024-12-31T23:59:00Z\n"),
        ["2025-01-01T00:00:00Z", "2025-01-01T00:01:00Z", "2025-01-01T00:02:00Z"]
    );
    assert_eq!(stamps("1,1700000000\n2,1700000060\n"), ["1700000120", "1700000180", "1700000240"]);
    assert_eq!(stamps("1,1700000000000\n2,1700000000500\n")[0], "1700000001000");
}

#[test]
fn errors_name_line_field_value_and_remedy() {
    check_error("", "first line must be timestamp,value");
    check_error("time,value\n", "no column \"timestamp\"");
    check_error("timestamp,value\n2024-01-01 00:00:00\n", "line 2: column \"value\" is missing");
    check_error("timestamp,value\n2024-01-01 00:00:00\n", "leave a value empty for a gap");
    check_error("timestamp,value\nyesterday,1\n", "line 2: timestamp \"yesterday\"");
    check_error("timestamp,value\n\n1700000000,abc\n", "line 3: value \"abc\" is not a number");
    let one = forecast_csv("timestamp,value\n1700000000,1\n", &ASK).expect_err("no step");
    assert!(one.to_string().contains("step is unknown"));
    let none = forecast_csv("timestamp,value\n", &ASK).expect_err("no rows");
    assert!(none.to_string().contains("no rows"));
}

/// Mean, lower and upper of each step.
fn path(text: &str, ask: &ForecastRequest) -> Vec<[f64; 3]> {
    let answer = forecast_csv(text, ask).expect("a forecast");
    let row = |line: &str| {
        let numbers: Vec<f64> =
            line.split(',').skip(1).map(|v| v.parse().expect("a number")).collect();
        <[f64; 3]>::try_from(numbers).expect("three columns")
    };
    answer.lines().skip(1).map(row).collect()
}

fn hourly(values: impl Iterator<Item = f64>) -> String {
    let mut text = String::from("timestamp,value\n");
    for (i, value) in values.enumerate() {
        text.push_str(&format!("{},{value}\n", 1_700_006_400 + 3_600 * i));
    }
    text
}

/// Everything that is said to be survived, by name; `Err` is what a refusal of the forecast says.
fn bad_inputs() -> Vec<(&'static str, String, Result<(), &'static str>)> {
    let daily = |i: usize| 100.0 + 40.0 * (i as f64 / 24.0 * std::f64::consts::TAU).sin();
    let series = |f: &dyn Fn(usize) -> f64| hourly((0..500).map(f));
    let every = |n: usize, bad: f64| series(&|i| if i % n == 3 { bad } else { daily(i) });
    let day_long_gap =
        hourly((0..500).map(daily)).lines().enumerate().fold(String::new(), |text, (i, line)| {
            if (200..224).contains(&i) { text } else { text + line + "\n" }
        });
    let twice = series(&daily) + "1700006400,7\n1700006400,8\n1701802800,9\n";
    let reset = |i: usize| ((i % 120) * 30) as f64;
    vec![
        ("NaN", every(50, f64::NAN), Ok(())),
        ("infinity", every(50, f64::INFINITY), Ok(())),
        ("minus infinity last", every(496, f64::NEG_INFINITY), Ok(())),
        ("holes", series(&|i| if i % 7 < 2 { f64::NAN } else { daily(i) }), Ok(())),
        ("half missing", series(&|i| if i % 2 == 0 { f64::NAN } else { daily(i) }), Ok(())),
        ("a day missing", day_long_gap, Ok(())),
        ("duplicates", twice, Ok(())),
        ("constant", series(&|_| 7.5), Ok(())),
        ("zero", series(&|_| 0.0), Ok(())),
        ("counter with resets", series(&reset), Ok(())),
        (
            "counter that ends in a reset",
            series(&|i| if i > 497 { 0.0 } else { 5.0 * i as f64 }),
            Ok(()),
        ),
        ("wild outliers", every(97, 1e300), Ok(())),
        (
            "outliers of both signs",
            series(&|i| if i % 50 == 3 { 1e12 * (i as f64 - 250.0) } else { daily(i) }),
            Ok(()),
        ),
        ("the greatest numbers", hourly([1e308, -1e308, 1e308].into_iter()), Ok(())),
        ("the least numbers", series(&|i| 5e-324 * (i % 3) as f64), Ok(())),
        ("two points", hourly([1.0, 2.0].into_iter()), Ok(())),
        ("one point", hourly([1.0].into_iter()), Err("step is unknown")),
        ("no point", hourly(std::iter::empty()), Err("no rows")),
        ("nothing but NaN", series(&|_| f64::NAN), Err("no finite value")),
        ("one time", "timestamp,value\n5,1\n5,2\n5,3\n".into(), Err("step is unknown")),
        (
            "times from end to end",
            format!(
                "timestamp,value\n{},1\n0,2\n{},3\n",
                -8_000_000_000_000_i64, 8_000_000_000_000_i64
            ),
            Ok(()),
        ),
    ]
}

#[test]
fn bad_input_has_a_defined_answer() {
    for (name, text, wanted) in bad_inputs() {
        let scores = detect_csv(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(scores.lines().count(), text.lines().count(), "{name}");
        for line in scores.lines().skip(1) {
            let score: f64 = line.rsplit(',').next().and_then(|s| s.parse().ok()).expect("a score");
            assert!((0.0..=1.0).contains(&score), "{name}: {line}");
        }
        match (forecast_csv(&text, &ASK), wanted) {
            (Ok(_), Ok(())) => {
                for [mean, lower, upper] in path(&text, &ASK) {
                    let told = format!("{name}: {lower} {mean} {upper}");
                    assert!(lower.is_finite() && upper.is_finite(), "{told}");
                    assert!(lower <= mean && mean <= upper, "{told}");
                }
            }
            (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{name}: {error}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    assert_eq!(path(&hourly([7.5; 300].into_iter()), &ASK), [[7.5; 3]; 3]);
}

#[test]
fn bad_input_has_a_defined_time_to_a_limit() {
    for (name, text, _) in bad_inputs() {
        let (times, values) = read_csv(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        for value in [-1.0, 0.0, 150.0, 1e6, f64::MAX, f64::INFINITY, f64::NAN] {
            let limit = Limit { value, horizon_ms: 7 * 86_400_000 };
            let p = time_to_limit(&times, &values, limit).passage;
            let quantiles = [p.p05_days, p.p10_days, p.p50_days, p.p90_days, p.p95_days];
            let sane = quantiles.iter().all(|d| *d >= 0.0) && quantiles.is_sorted();
            assert!(sane, "{name}, limit {value}: {quantiles:?}");
            let chances = p.within.iter().all(|c| (0.0..=1.0).contains(c));
            assert!(chances && p.within.is_sorted(), "{name}, limit {value}: {:?}", p.within);
        }
    }
}

#[test]
fn order_of_rows_and_doubles_do_not_matter() {
    let sorted = hourly((0..300).map(|i| f64::from(i % 24)));
    let mut lines: Vec<&str> = sorted.lines().skip(1).collect();
    let mut noise = Noise(9);
    for at in (1..lines.len()).rev() {
        lines.swap(at, noise.bits() as usize % (at + 1));
    }
    let mixed = format!("timestamp,value\n{}\n", lines.join("\n"));
    assert_eq!(path(&mixed, &ASK), path(&sorted, &ASK));
    let doubled = format!("{sorted}{}\n", lines.join("\n"));
    assert_eq!(path(&doubled, &ASK), path(&sorted, &ASK));
    let (times, values) = read_csv(&doubled).expect("samples");
    assert!(times.len() == 300 && times.is_sorted() && values.iter().all(|v| v.is_finite()));
}

#[test]
fn horizons_and_levels_out_of_range_are_told() {
    let text = hourly((0..100).map(f64::from));
    let ask =
        |horizon, level| forecast_csv(&text, &ForecastRequest { horizon, season: None, level });
    for (horizon, level, says) in [
        (0, 0.95, "horizon is 0"),
        (10_001, 0.95, "at most 10000"),
        (usize::MAX, 0.95, "at most 10000"),
        (3, 0.0, "level is 0"),
        (3, f64::NAN, "level is NaN"),
    ] {
        let error = ask(horizon, level).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(ask(10_000, 0.95).expect("the farthest").lines().count(), 10_001);
    let beyond = ForecastRequest { horizon: 3, season: Some(usize::MAX), level: 0.95 };
    assert_eq!(path(&text, &beyond).len(), 3);
}

#[test]
fn ten_million_points_are_answered() {
    if std::env::var_os("PLIMSOLL_SLOW").is_none() {
        return;
    }
    let mut text = String::from("timestamp,value\n");
    for i in 0..10_000_000_u64 {
        text.push_str(&format!("{},{}\n", 1_500_000_000 + i, i % 60));
    }
    assert_eq!(path(&text, &ASK).len(), 3);
}

#[test]
fn any_bytes_are_survived() {
    let good = "timestamp,value\n2024-01-01T00:00:00Z,1\n1700000060,2.5\n1700000120000,NaN\n2024-01-01 00:00:00,-1e308\n";
    let mut noise = Noise(1);
    for _ in 0..5000 {
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..=noise.bits() % 6 {
            let at = noise.bits() as usize % bytes.len();
            match noise.bits() % 3 {
                0 => bytes[at] = noise.bits() as u8,
                1 => bytes.insert(at, b"0,.-:TZ\n9"[noise.bits() as usize % 9]),
                _ => drop(bytes.remove(at)),
            }
        }
        survives(&bytes);
    }
}
