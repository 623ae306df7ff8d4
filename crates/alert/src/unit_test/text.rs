//! What promtool prints of alerts and samples.

use std::fmt::Write as _;

use super::{Expected, Pairs};

/// Labels and annotations of an alert.
pub type Told = (Pairs, Pairs);

/// A text whose lines but the first are moved to the right.
pub fn indented(text: &str, by: &str) -> String {
    text.replace('\n', &format!("\n{by}"))
}

pub fn told_text(all: &[Told]) -> String {
    if all.is_empty() {
        return "[]".to_owned();
    }
    let mut out = "[".to_owned();
    for (i, (labels, annotations)) in all.iter().enumerate() {
        let one =
            format!("\nLabels:{}\nAnnotations:{}", pairs_text(labels), pairs_text(annotations));
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\n{i}:{}", indented(&one, "  "));
    }
    out.push_str("\n]");
    out
}

pub fn sample_text(all: &[Expected]) -> String {
    if all.is_empty() {
        return "nil".to_owned();
    }
    let one = |s: &Expected| {
        let labels = s.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let value = s.histogram.clone().unwrap_or_else(|| float_text(s.value));
        format!("{} {value}", pairs_text(&labels))
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn pairs_text(pairs: &Pairs) -> String {
    let all: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={}", quoted(v))).collect();
    format!("{{{}}}", all.join(", "))
}

/// A text in quotes, as Go's `%q`.
pub fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A number as Go's `%E` with the shortest mantissa.
fn float_text(value: f64) -> String {
    if !value.is_finite() {
        return plimsoll_query::format_value(value);
    }
    let text = format!("{value:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

/// A length of time as Go prints it: `1h0m30s`, `500ms`, `0s`.
pub fn go_duration(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let rest = ms.unsigned_abs();
    if rest == 0 {
        return "0s".to_owned();
    }
    if rest < 1_000 {
        return format!("{sign}{rest}ms");
    }
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let seconds = (rest % 60_000) as f64 / 1e3;
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_gos() {
        assert_eq!(float_text(0.0), "0E+00");
        assert_eq!(float_text(-12_345.6), "-1.23456E+04");
        assert_eq!(float_text(f64::INFINITY), "+Inf");
        assert_eq!(go_duration(3_600_000), "1h0m0s");
        assert_eq!(go_duration(90_500), "1m30.5s");
        assert_eq!(quoted("a\"\u{1}ä"), "\"a\\\"\\x01ä\"");
    }
}
