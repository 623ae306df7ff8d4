//! Numbers as people read them: a value with its unit, three significant digits.
//!
//! Deterministic and without locale, so that charts and messages can be compared byte by byte. The
//! browser application writes numbers the same way.

use crate::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nothing that is known: thousands get a letter.
    #[default]
    Plain,
    /// Bytes, shown in powers of 1024.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Seconds, shown from nanoseconds to days.
    Seconds,
    /// A share of 1, shown in per cent.
    Ratio,
    /// Hundredths.
    Percent,
    /// So many a second.
    PerSecond,
    /// Degrees Celsius.
    Celsius,
}

const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: [&str; 6] = ["", "k", "M", "G", "T", "P"];

impl Unit {
    /// The word of the API and of metadata; empty for [`Unit::Plain`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::Seconds => "seconds",
            Self::Ratio => "ratio",
            Self::Percent => "percent",
            Self::PerSecond => "ops/s",
            Self::Celsius => "celsius",
        }
    }

    /// A value with its unit: `1.5 GiB`, `97.3 %`, `12 ms`; `–` for not a number.
    pub fn show(self, value: f64) -> String {
        if value.is_nan() {
            return "–".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "+∞" } else { "−∞" }.to_owned();
        }
        match self {
            Self::Plain => spaced(scaled(value, 1000.0, &SI)),
            Self::Bytes => spaced(scaled(value, 1024.0, &IEC)),
            Self::BytesPerSecond => spaced(scaled(value, 1024.0, &IEC)) + "/s",
            Self::Seconds => seconds(value),
            // What is left over from subtracting from 1 is noise, not a share.
            Self::Ratio if value.abs() < 1e-6 => "0 %".to_owned(),
            Self::Ratio => format!("{} %", compact(value * 100.0)),
            Self::Percent => format!("{} %", compact(value)),
            Self::PerSecond => spaced(scaled(value, 1000.0, &SI)) + "/s",
            Self::Celsius => format!("{} °C", compact(value)),
        }
    }
}

fn spaced((number, unit): (String, &str)) -> String {
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// Three significant digits, but never fewer than the whole part.
fn compact(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        0.0 => return "0".to_owned(),
        _ if size < 0.001 => return minus(format!("{value:.1e}")),
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let text = match text.split_once('.') {
        Some((whole, part)) => match part.trim_end_matches('0') {
            "" => whole.to_owned(),
            part => format!("{whole}.{part}"),
        },
        None => grouped(&text),
    };
    minus(text)
}

/// A true minus sign, as wide as a plus sign.
fn minus(text: String) -> String {
    text.strip_prefix('-').map(|rest| format!("−{rest}")).unwrap_or(text)
}

/// Thousands apart by commas.
fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let mut out = sign.to_owned();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn scaled(value: f64, base: f64, names: &'static [&'static str]) -> (String, &'static str) {
    let (mut size, mut i) = (value, 0);
    // 999.5 and up would be written as 1,000 of the smaller unit.
    while size.abs() >= base - base * 0.0005 && i + 1 < names.len() {
        size /= base;
        i += 1;
    }
    (compact(size), names[i])
}

fn seconds(value: f64) -> String {
    let size = value.abs();
    let (times, unit) = match size {
        0.0 => return "0 s".to_owned(),
        _ if size < 1e-6 => (1e9, "ns"),
        _ if size < 1e-3 => (1e6, "µs"),
        _ if size < 1.0 => (1e3, "ms"),
        _ if size < 120.0 => (1.0, "s"),
        _ => {
            let sign = if value < 0.0 { "−" } else { "" };
            return format!("{sign}{}", show_duration_ms((size * 1e3).min(9e15) as i64));
        }
    };
    format!("{} {unit}", compact(value * times))
}

/// A length of time in at most two parts: `2 d 3 h`, `4 m 5 s`, `900 ms`. Negative ones count as 0.
pub fn show_duration_ms(ms: i64) -> String {
    const PARTS: [(i64, &str); 4] =
        [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s")];
    let Some(at) = PARTS.iter().position(|(size, _)| ms >= *size) else {
        return if ms > 0 { format!("{ms} ms") } else { "0 s".to_owned() };
    };
    let (size, name) = PARTS[at];
    let whole = ms / size;
    match PARTS.get(at + 1).map(|(next, name)| ((ms - whole * size) / next, name)) {
        Some((rest, next)) if rest > 0 && whole < 10 => format!("{whole} {name} {rest} {next}"),
        _ => format!("{whole} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_and_their_unit() {
        for (unit, value, wanted) in [
            (Unit::Plain, 0.0, "0"),
            (Unit::Plain, -0.0, "0"),
            (Unit::Plain, 12.0, "12"),
            (Unit::Plain, -12.345, "−12.3"),
            (Unit::Plain, 1234.0, "1.23 k"),
            (Unit::Plain, 999.6, "1 k"),
            (Unit::Plain, 0.000_01, "1.0e-5"),
            (Unit::Plain, 9.999, "10"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::Bytes, 8e18, "6.94 EiB"),
            (Unit::Bytes, 8e21, "6,939 EiB"),
            (Unit::BytesPerSecond, 1e6, "977 KiB/s"),
            (Unit::Seconds, 0.0123, "12.3 ms"),
            (Unit::Seconds, 300.0, "5 m"),
            (Unit::Seconds, -90_000.0, "−1 d 1 h"),
            (Unit::Ratio, 0.973, "97.3 %"),
            (Unit::Ratio, 1e-9, "0 %"),
            (Unit::Percent, 97.34, "97.3 %"),
            (Unit::PerSecond, 1234.0, "1.23 k/s"),
            (Unit::Celsius, 71.25, "71.2 °C"),
            (Unit::Plain, f64::NAN, "–"),
            (Unit::Bytes, f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(unit.show(value), wanted, "{unit:?} {value}");
        }
    }

    #[test]
    fn lengths_of_time_have_two_parts() {
        for (ms, wanted) in [
            (-5, "0 s"),
            (0, "0 s"),
            (900, "900 ms"),
            (61_000, "1 m 1 s"),
            (20 * HOUR_MS + MINUTE_MS, "20 h"),
            (2 * DAY_MS + 3 * HOUR_MS, "2 d 3 h"),
        ] {
            assert_eq!(show_duration_ms(ms), wanted);
        }
    }
}
