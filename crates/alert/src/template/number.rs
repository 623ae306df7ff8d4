//! Numbers as Go and Prometheus' template functions show them.

/// A number with as few digits as tell it from others, as Go's `%v` and `%g` print it.
pub(super) fn shortest(x: f64) -> String {
    if !x.is_finite() || x == 0.0 {
        return special(x);
    }
    let form = format!("{x:e}");
    let exponent = exponent(&form);
    if (-4..6).contains(&exponent) {
        return format!("{x}");
    }
    exponent_form(&form, 'e')
}

/// A number with `digits` significant digits, as Go's `%.Ng` prints it.
pub(super) fn significant(x: f64, digits: usize) -> String {
    if !x.is_finite() || x == 0.0 {
        return special(x);
    }
    let digits = digits.max(1);
    let rounded = format!("{:.*e}", digits - 1, x);
    let exponent = exponent(&rounded);
    if exponent < -4 || exponent >= i32::try_from(digits).unwrap_or(i32::MAX) {
        let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        return exponent_form(&format!("{}e{exponent}", trimmed(mantissa)), 'e');
    }
    let decimals = usize::try_from(digits as i64 - 1 - i64::from(exponent)).unwrap_or(0);
    trimmed(&format!("{x:.decimals$}")).to_owned()
}

/// A number as Go's `%e` prints it; `letter` is `e` or `E`.
pub(super) fn scientific(x: f64, decimals: usize, letter: char) -> String {
    if x.is_finite() { exponent_form(&format!("{x:.decimals$e}"), letter) } else { special(x) }
}

/// A number as Go's `%f` prints it.
pub(super) fn fixed(x: f64, decimals: usize) -> String {
    if x.is_finite() { format!("{x:.decimals$}") } else { special(x) }
}

fn special(x: f64) -> String {
    let text = match x {
        _ if x.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ if x.is_sign_negative() => "-0",
        _ => "0",
    };
    text.to_owned()
}

fn exponent(form: &str) -> i32 {
    form.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0)
}

/// `1.5e7` as Go writes it: `1.5e+07`.
fn exponent_form(text: &str, letter: char) -> String {
    let (mantissa, _) = text.split_once('e').unwrap_or((text, "0"));
    let exponent = exponent(text);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{letter}{sign}{:02}", exponent.unsigned_abs())
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Divides or multiplies `x` until it is at least 1 and below `step`; the prefix that says how often.
fn scaled(x: f64, step: f64, large: [&'static str; 8]) -> (f64, &'static str) {
    let (mut v, mut prefix) = (x, "");
    if x.abs() >= 1.0 {
        for p in large {
            if v.abs() < step {
                break;
            }
            (v, prefix) = (v / step, p);
        }
    } else {
        for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if v.abs() >= 1.0 {
                break;
            }
            (v, prefix) = (v * 1000.0, p);
        }
    }
    (v, prefix)
}

/// `1234567` → `1.235M`.
pub(super) fn humanize(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return significant(x, 4);
    }
    let (v, prefix) = scaled(x, 1000.0, ["k", "M", "G", "T", "P", "E", "Z", "Y"]);
    format!("{}{prefix}", significant(v, 4))
}

/// `1048576` → `1Mi`.
pub(super) fn humanize_1024(x: f64) -> String {
    if x.abs() <= 1.0 || !x.is_finite() {
        return significant(x, 4);
    }
    let (v, prefix) = scaled(x, 1024.0, ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]);
    format!("{}{prefix}", significant(v, 4))
}

/// `3661` → `1h 1m 1s`.
pub(super) fn humanize_duration(x: f64) -> String {
    if !x.is_finite() {
        return significant(x, 4);
    }
    if x == 0.0 {
        return format!("{}s", significant(x, 4));
    }
    if x.abs() >= 1.0 {
        let sign = if x < 0.0 { "-" } else { "" };
        let whole = x.abs() as i64;
        let (s, m, h, d) = (whole % 60, whole / 60 % 60, whole / 3_600 % 24, whole / 86_400);
        return match (d, h, m) {
            (1.., _, _) => format!("{sign}{d}d {h}h {m}m {s}s"),
            (_, 1.., _) => format!("{sign}{h}h {m}m {s}s"),
            (_, _, 1..) => format!("{sign}{m}m {s}s"),
            _ => format!("{sign}{}s", significant(x.abs(), 4)),
        };
    }
    let (v, prefix) = scaled(x, 1000.0, [""; 8]);
    format!("{}{prefix}s", significant(v, 4))
}

/// `0.1234` → `12.34%`.
pub(super) fn humanize_percentage(x: f64) -> String {
    format!("{}%", significant(x * 100.0, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_go_shows_them() {
        for (x, text) in [
            (1e21, "1e+21"),
            (1e-7, "1e-07"),
            (100.0, "100"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e6, "1e+06"),
            (0.000_1, "0.0001"),
            (0.000_01, "1e-05"),
            (-0.0, "-0"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
            (1e300, "1e+300"),
        ] {
            assert_eq!(shortest(x), text);
        }
        assert_eq!(significant(123_456.0, 4), "1.235e+05");
        assert_eq!(significant(0.000_012_3, 4), "1.23e-05");
        assert_eq!(significant(999_999.0, 4), "1e+06");
        assert_eq!(scientific(12_345.678, 2, 'E'), "1.23E+04");
    }

    #[test]
    fn people_read_them() {
        assert_eq!(humanize(0.0), "0");
        assert_eq!(humanize(0.001_5), "1.5m");
        assert_eq!(humanize(999.99), "1000");
        assert_eq!(humanize(1_234_567.0), "1.235M");
        assert_eq!(humanize_1024(1_048_576.0), "1Mi");
        assert_eq!(humanize_1024(0.5), "0.5");
        assert_eq!(humanize_duration(0.5), "500ms");
        assert_eq!(humanize_duration(899.99), "14m 59s");
        assert_eq!(humanize_duration(90_061.0), "1d 1h 1m 1s");
        assert_eq!(humanize_duration(-61.0), "-1m 1s");
        assert_eq!(humanize_duration(-1.5), "-1.5s");
        assert_eq!(humanize_percentage(0.123_4), "12.34%");
    }
}
