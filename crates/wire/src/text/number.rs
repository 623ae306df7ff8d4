//! Numbers of the text formats, read and written as Go does it.

use plimsoll_model::Timestamp;

/// Reads a value. Whole numbers of up to 15 digits, the common case, take a short way.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    whole(text).map(|n| n as f64).or_else(|| float(text))
}

/// Reads a time in whole milliseconds.
pub(super) fn time_ms(text: &[u8]) -> Option<Timestamp> {
    whole(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// Reads a time in seconds, a finite float, to the nearest millisecond.
pub(super) fn time_seconds(text: &[u8]) -> Option<Timestamp> {
    let ms = (float(text)? * 1000.0).round();
    (ms.is_finite() && ms.abs() < 9.0e18).then_some(ms as Timestamp)
}

fn whole(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // "-0" must stay negative, so it takes the long way.
    if digits.is_empty() || digits.len() > 15 || (negative && digits[0] == b'0') {
        return None;
    }
    let mut n = 0i64;
    for d in digits {
        if !d.is_ascii_digit() {
            return None;
        }
        n = n * 10 + i64::from(d - b'0');
    }
    Some(if negative { -n } else { n })
}

fn float(text: &[u8]) -> Option<f64> {
    let s = std::str::from_utf8(text).ok()?;
    let n: f64 = s.parse().ok()?;
    let written_out = text.iter().any(u8::is_ascii_digit);
    let signed_nan = n.is_nan() && text.len() > 3;
    ((!written_out || n.is_finite()) && !signed_nan).then_some(n)
}

/// A float as Go's `%g` with the fewest digits writes it: `1e+06`, `0.1`, `+Inf`, `NaN`.
pub fn format_float(n: f64) -> String {
    if n.is_nan() {
        return "NaN".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{n:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // With the fewest digits, Go writes an exponent below -4 and from 6 on.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{n}")
}

/// The value of `le` or `quantile` in float form; `None` when it is no number.
pub fn normalise_bound(text: &str) -> Option<String> {
    let mut out = format_float(value(text.as_bytes())?);
    if !out.contains(['.', 'e', 'I', 'N']) {
        out.push_str(".0");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_prometheus_reads_them() {
        for (text, want) in [
            ("1", Some(1.0)),
            ("-2", Some(-2.0)),
            ("+3", Some(3.0)),
            ("1e3", Some(1000.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("Inf", Some(f64::INFINITY)),
            ("-Inf", Some(f64::NEG_INFINITY)),
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("5e-324", Some(5e-324)),
            ("1e400", None),
            ("0x10", None),
            ("1_000", None),
            ("", None),
            ("-", None),
            ("-nan", None),
            ("1\r", None),
        ] {
            assert_eq!(value(text.as_bytes()), want, "{text}");
        }
        assert!(value(b"nan").unwrap().is_nan());
        assert!(value(b"-0").unwrap().is_sign_negative());
    }

    #[test]
    fn times_are_whole_ms_or_float_seconds() {
        assert_eq!(time_ms(b"1700000000123"), Some(1_700_000_000_123));
        assert_eq!(time_ms(b"1.5"), None);
        assert_eq!(time_seconds(b"1700000000.123"), Some(1_700_000_000_123));
        assert_eq!(time_seconds(b"NaN"), None);
        assert_eq!(time_seconds(b"+Inf"), None);
    }

    #[test]
    fn bounds_take_float_form() {
        for (text, want) in [
            ("1", "1.0"),
            ("0.5", "0.5"),
            ("+Inf", "+Inf"),
            ("10", "10.0"),
            ("100000", "100000.0"),
            ("1000000", "1e+06"),
            ("2500000", "2.5e+06"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("123456789", "1.23456789e+08"),
        ] {
            assert_eq!(normalise_bound(text).as_deref(), Some(want), "{text}");
        }
        assert_eq!(normalise_bound("x"), None);
    }
}
