//! Numbers as Prometheus' template functions show them.

/// A number as Go's `%v` prints it.
pub fn print_value(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let exponent = if x == 0.0 { 0 } else { x.abs().log10().floor() as i32 };
    if (-4..21).contains(&exponent) {
        return format!("{x}");
    }
    exponent_form(&format!("{x:e}"))
}

/// A number with `digits` significant digits, as Go's `%.Ng` prints it.
pub fn significant(x: f64, digits: usize) -> String {
    if !x.is_finite() || x == 0.0 {
        return print_value(x);
    }
    let digits = digits.max(1);
    let rounded = format!("{:.*e}", digits - 1, x);
    let (_, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= i32::try_from(digits).unwrap_or(i32::MAX) {
        return exponent_form(&rounded);
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    trimmed(&format!("{x:.decimals$}")).to_owned()
}

/// `1.5e7` as Go writes it: `1.5e+07`.
fn exponent_form(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `1234567` → `1.235M`.
pub fn humanize(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return significant(x, 4);
    }
    let (mut v, mut prefix) = (x, "");
    if x.abs() >= 1.0 {
        for p in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if v.abs() < 1000.0 {
                break;
            }
            (v, prefix) = (v / 1000.0, p);
        }
    } else {
        for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if v.abs() >= 1.0 {
                break;
            }
            (v, prefix) = (v * 1000.0, p);
        }
    }
    format!("{}{prefix}", significant(v, 4))
}

/// `1048576` → `1Mi`.
pub fn humanize_1024(x: f64) -> String {
    if x.abs() <= 1.0 || !x.is_finite() {
        return significant(x, 4);
    }
    let (mut v, mut prefix) = (x, "");
    for p in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
        if v.abs() < 1024.0 {
            break;
        }
        (v, prefix) = (v / 1024.0, p);
    }
    format!("{}{prefix}", significant(v, 4))
}

/// `3661` → `1h 1m 1s`.
pub fn humanize_duration(x: f64) -> String {
    if !x.is_finite() {
        return significant(x, 4);
    }
    if x == 0.0 {
        return "0s".to_owned();
    }
    if x.abs() >= 1.0 {
        let sign = if x < 0.0 { "-" } else { "" };
        let whole = x.abs() as u64;
        let (s, m, h, d) = (whole % 60, whole / 60 % 60, whole / 3_600 % 24, whole / 86_400);
        return match (d, h, m) {
            (1.., _, _) => format!("{sign}{d}d {h}h {m}m {s}s"),
            (0, 1.., _) => format!("{sign}{h}h {m}m {s}s"),
            (0, 0, 1..) => format!("{sign}{m}m {s}s"),
            _ => format!("{}s", significant(x, 4)),
        };
    }
    let (mut v, mut prefix) = (x, "");
    for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if v.abs() >= 1.0 {
            break;
        }
        (v, prefix) = (v * 1000.0, p);
    }
    format!("{}{prefix}s", significant(v, 4))
}

/// `0.1234` → `12.34%`.
pub fn humanize_percentage(x: f64) -> String {
    format!("{}%", significant(x * 100.0, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_go_shows_them() {
        assert_eq!(print_value(1e21), "1e+21");
        assert_eq!(print_value(1e-7), "1e-07");
        assert_eq!(print_value(100.0), "100");
        assert_eq!(print_value(f64::INFINITY), "+Inf");
        assert_eq!(significant(123_456.0, 4), "1.235e+05");
        assert_eq!(significant(0.000_012_3, 4), "1.23e-05");
        assert_eq!(humanize(0.0), "0");
        assert_eq!(humanize(0.001_5), "1.5m");
        assert_eq!(humanize_duration(0.5), "500ms");
        assert_eq!(humanize_duration(90_061.0), "1d 1h 1m 1s");
        assert_eq!(humanize_duration(-61.0), "-1m 1s");
    }
}
