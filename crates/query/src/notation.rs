//! The notation of series in unit tests and evaluation scripts: `name{l="v"}` and `1 2+3x5 _ stale`.
//!
//! Values stand apart by blanks: a number; `_` for none; `stale` for the staleness marker; `axN` for
//! N + 1 times a (also `0x60`); `a+bxN` and `a-bxN` for N + 1 values; `_xN` for N times none;
//! `{{schema:0 count:4 sum:5 buckets:[1 2 1]}}` for a native histogram, which may be repeated and added
//! to likewise. At most [`VALUES_MAX`] values.

use plimsoll_model::{Histogram, Labels, stale_nan};

use crate::ast::MatchOp;
use crate::parse_selector;

mod histogram;

/// Values of one series.
pub const VALUES_MAX: usize = 1_000_000;

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesValue {
    /// Nothing.
    Missing,
    /// A number or the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram(Histogram),
}

/// What a text says that is no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotationError(String);

type Result<T> = std::result::Result<T, NotationError>;

fn wrong<T>(text: impl Into<String>) -> Result<T> {
    Err(NotationError(text.into()))
}

/// Reads `name{l="v"}`.
///
/// # Errors
/// The parser's, and conditions other than `=`.
pub fn parse_series_labels(text: &str) -> Result<Labels> {
    let text = text.trim();
    if text.is_empty() {
        return wrong("a series needs a name or labels");
    }
    let selector = parse_selector(text).map_err(|e| NotationError(e.to_string()))?;
    if selector.matchers.iter().any(|m| m.op != MatchOp::Equal) {
        return wrong(format!("{text:?}: a series has labels by = only"));
    }
    let pairs = selector.matchers.iter().map(|m| (m.name.as_str(), m.value.as_str()));
    Labels::new(pairs).map_err(|e| NotationError(e.to_string()))
}

/// Reads `name{l="v"} 1 2 3`.
///
/// # Errors
/// Those of [`parse_series_labels`] and [`parse_series_values`].
pub fn parse_series(text: &str) -> Result<(Labels, Vec<SeriesValue>)> {
    let text = text.trim();
    let end = labels_end(text);
    Ok((parse_series_labels(&text[..end])?, parse_series_values(&text[end..])?))
}

/// Where name and labels end.
fn labels_end(text: &str) -> usize {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let name = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    let blank = text[name..].len() - text[name..].trim_start().len();
    let rest = &text[name + blank..];
    if !rest.starts_with('{') || rest.starts_with("{{") {
        return name;
    }
    let (mut quote, mut escaped) = (None, false);
    for (i, c) in rest.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(q) if c == '\\' && q != '`' => escaped = true,
            Some(q) if c == q => quote = None,
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '}' => return name + blank + i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Reads the values of a series.
///
/// # Errors
/// What is no value; too many.
pub fn parse_series_values(text: &str) -> Result<Vec<SeriesValue>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = item_end(rest);
        item(&rest[..end], &mut out)?;
        rest = rest[end..].trim_start();
    }
    Ok(out)
}

/// Where the first value ends: at a blank outside braces.
fn item_end(text: &str) -> usize {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            c if c.is_whitespace() && depth <= 0 => return i,
            _ => {}
        }
    }
    text.len()
}

fn item(text: &str, out: &mut Vec<SeriesValue>) -> Result<()> {
    let repeated = text.rsplit_once('x').filter(|(base, n)| {
        !base.is_empty() && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())
    });
    let (base, count) = match repeated {
        Some((base, n)) => {
            let n = n.parse::<usize>().unwrap_or(usize::MAX);
            (base, if base == "_" { n } else { n.saturating_add(1) })
        }
        None => (text, 1),
    };
    if count > VALUES_MAX.saturating_sub(out.len()) {
        return wrong(format!("{text:?}: a series has at most {VALUES_MAX} values"));
    }
    if base == "_" {
        out.extend(std::iter::repeat_n(SeriesValue::Missing, count));
    } else if base == "stale" {
        out.extend(std::iter::repeat_n(SeriesValue::Float(stale_nan()), count));
    } else if base.starts_with("{{") {
        histogram::read(base, count, out)?;
    } else {
        let (first, step) = first_and_step(base)?;
        let mut value = first;
        for _ in 0..count {
            out.push(SeriesValue::Float(value));
            value += step;
        }
    }
    Ok(())
}

/// `a+b`, `a-b` or `a`; a sign behind `e` belongs to the exponent.
fn first_and_step(text: &str) -> Result<(f64, f64)> {
    if let Ok(value) = number(text) {
        return Ok((value, 0.0));
    }
    let bytes = text.as_bytes();
    let is_sign =
        |i: &usize| matches!(bytes[*i], b'+' | b'-') && !matches!(bytes[*i - 1], b'e' | b'E');
    match (1..bytes.len()).find(is_sign) {
        Some(at) => Ok((number(&text[..at])?, number(&text[at..])?)),
        None => wrong(format!("{text:?} is no value (write 5, 1+2x10, _, stale or {{{{…}}}})")),
    }
}

/// A number, or a duration in seconds.
pub(crate) fn number(text: &str) -> Result<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    if plain.starts_with(['+', '-']) {
        return wrong(format!("{text:?} is no number"));
    }
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        let value = u64::from_str_radix(hex, 16);
        return value.map(|v| sign * v as f64).map_err(|e| NotationError(format!("{text:?}: {e}")));
    }
    if let Ok(v) = plain.replace('_', "").parse::<f64>() {
        return Ok(sign * v);
    }
    match plimsoll_model::parse_duration_ms(plain) {
        Some(ms) => Ok(sign * ms as f64 / 1000.0),
        None => wrong(format!("{text:?} is no number")),
    }
}

/// Any bytes as a series: for fuzzing.
pub fn fuzz_series(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = parse_series(&text);
    let _ = parse_series_values(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Vec<String> {
        let show = |v: &SeriesValue| match v {
            SeriesValue::Missing => "_".to_owned(),
            SeriesValue::Float(f) if plimsoll_model::is_stale(*f) => "stale".to_owned(),
            SeriesValue::Float(f) => f.to_string(),
            SeriesValue::Histogram(h) => format!("h{}", h.count()),
        };
        parse_series_values(text).unwrap().iter().map(show).collect()
    }

    #[test]
    fn values_are_read() {
        assert_eq!(
            floats("1 2x2 3+2x2 5-1.5x2"),
            ["1", "2", "2", "2", "3", "5", "7", "5", "3.5", "2"]
        );
        assert_eq!(
            floats("_ stale _x2 -1e-3 0x1f Inf"),
            ["_", "stale", "_", "_", "-0.001", "31", "inf"]
        );
        assert_eq!(floats("{{count:2 sum:3}}+{{count:1}}x2"), ["h2", "h3", "h4"]);
        for bad in ["1+", "x3", "1x99999999999", "{{count:1", "abc", "{{sum:a}}", "1x2y", "--1"] {
            assert!(parse_series_values(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn series_are_read() {
        let (labels, values) = parse_series("m{a=\"x} 1\", b='y'} 1 2").unwrap();
        assert_eq!(labels.to_string(), "m{a=\"x} 1\", b=\"y\"}");
        assert_eq!(values.len(), 2);
        assert_eq!(parse_series("{a=\"x\"} {{count:1}}").unwrap().1.len(), 1);
        assert!(parse_series_labels("m{a!=\"x\"}").is_err());
    }

    #[test]
    fn any_bytes_are_survived() {
        let seed = b"m{a=\"x\"} 1+2x3 _x2 stale {{schema:1 count:4 sum:5 buckets:[1 2 1] offset:1}}-{{count:1}}x2";
        let mut random = 88_172_645_463_325_252u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..20_000 {
            let mut bytes = seed.to_vec();
            for _ in 0..1 + next() % 6 {
                let at = (next() % bytes.len() as u64) as usize;
                match next() % 3 {
                    0 => bytes[at] = next() as u8,
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, seed[(next() % seed.len() as u64) as usize]),
                }
            }
            fuzz_series(&bytes);
        }
    }
}
