//! Durations and sizes as people write them: `1h30m`, `256MiB`.

use std::fmt;
use std::str::FromStr;

/// Units of Prometheus durations in falling order, with their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a Prometheus duration (`5s`, `1m30s`, `2h`, `7d`; units once each, in falling order).
/// `0` needs no unit. `None` when it is not one or does not fit in an i64 of ms.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let at = UNITS.iter().position(|(u, _)| *u == &rest[..letters])?;
        if at < next_unit {
            return None;
        }
        next_unit = at + 1;
        total = total.checked_add(n.checked_mul(UNITS[at].1)?)?;
        rest = &rest[letters..];
    }
    (next_unit > 0).then_some(total)
}

/// Writes a duration as Prometheus does: `1m30s`, `0s`.
pub fn format_duration_ms(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = if ms < 0 { "-".to_owned() } else { String::new() };
    let mut rest = ms.unsigned_abs();
    for (i, (unit, size)) in UNITS.iter().enumerate() {
        let size = size.unsigned_abs();
        // Years and weeks are written only when nothing is left below them, as Prometheus does.
        if i < 2 && !rest.is_multiple_of(size) {
            continue;
        }
        if rest / size > 0 {
            out.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    out
}

/// A duration of configuration, in ms, 0 or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationText(pub i64);

impl FromStr for DurationText {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        parse_duration_ms(s)
            .map(Self)
            .ok_or_else(|| format!("{s:?} is not a duration (write 5s, 1m30s, 2h)"))
    }
}

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_duration_ms(self.0))
    }
}

/// A number of bytes in configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const SIZES: [(&str, u64); 10] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        // Nothing has no unit.
        if s == "0" {
            return Ok(Self(0));
        }
        let wrong = || format!("{s:?} is not a size (write 512MiB, 10GB, 4096B)");
        let (unit, size) = SIZES.iter().find(|(u, _)| s.ends_with(u)).ok_or_else(wrong)?;
        let n: u64 = s[..s.len() - unit.len()].trim_end().parse().map_err(|_| wrong())?;
        n.checked_mul(*size).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in SIZES[..4].iter().rev() {
            if self.0 >= *size && self.0.is_multiple_of(*size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_prometheus_has_them() {
        for (text, ms) in [
            ("5s", 5_000),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("1d12h", 129_600_000),
            ("10ms", 10),
            ("1y", 31_536_000_000),
            ("2w", 1_209_600_000),
        ] {
            assert_eq!(parse_duration_ms(text), Some(ms), "{text}");
            assert_eq!(format_duration_ms(ms), text);
        }
        for text in ["", "5", "s", "5sec", "1s1m", "1m1m", "-1s", "99999999999999y", "1.5h"] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_read_and_print() {
        assert_eq!("256MiB".parse(), Ok(ByteSize(256 << 20)));
        assert_eq!("10GB".parse(), Ok(ByteSize(10_000_000_000)));
        assert_eq!("0".parse(), Ok(ByteSize(0)));
        assert_eq!(ByteSize(256 << 20).to_string(), "256MiB");
        assert_eq!(
            "10 pounds".parse::<ByteSize>().unwrap_err(),
            "\"10 pounds\" is not a size (write 512MiB, 10GB, 4096B)"
        );
    }
}
