//! CSV text to CSV text: forms of timestamps, errors that name the line, and any bytes.

use crate::generator::Noise;
use plimsoll_predict::{ForecastRequest, detect_csv, forecast_csv};

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
    check_error("timestamp,value\nyesterday,1\n", "line 2: timestamp \"yesterday\"");
    check_error("timestamp,value\n\n1700000000,abc\n", "line 3: value \"abc\" is not a number");
    let one = forecast_csv("timestamp,value\n1700000000,1\n", &ASK).expect_err("no step");
    assert!(one.to_string().contains("step is unknown"));
    let none = forecast_csv("timestamp,value\n", &ASK).expect_err("no rows");
    assert!(none.to_string().contains("no rows"));
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
