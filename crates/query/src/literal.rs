//! Literals: their values, and the text that stands for a value.
//!
//! Numbers are read as Go reads them (`0x1f`, `0755` is octal, `1_000`), durations as Prometheus
//! does (`1h30m`, each unit once and from the greatest down), strings with Go's escapes.

use std::fmt::Write as _;

/// Longest duration, in seconds: what 64 bits of nanoseconds hold.
pub(crate) const DURATION_SECONDS_MAX: f64 = 9_223_372_036.854_776;

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The value of a number token. The error is a message.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let bytes = text.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) && (bytes[0] != b'0' || bytes.len() == 1) {
        if let Ok(value) = text.parse::<i64>() {
            return Ok(value as f64);
        }
    } else if let Some(value) = based_integer(text) {
        return Ok(value as f64);
    }
    let fault = |why: &str| {
        let found = quote(text);
        Err(format!("error parsing number: strconv.ParseFloat: parsing {found}: {why}"))
    };
    if !underscores_separate_digits(bytes) || bytes.starts_with(b"0x") || bytes.starts_with(b"0X") {
        return fault("invalid syntax");
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(value) if value.is_infinite() && bytes[0].is_ascii_digit() => {
            fault("value out of range")
        }
        Ok(value) => Ok(value),
        Err(_) => fault("invalid syntax"),
    }
}

/// An integer with a base prefix or underscores, or an octal one.
fn based_integer(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !underscores_separate_digits(bytes) {
        return None;
    }
    let digits = text.replace('_', "");
    match bytes {
        [b'0', b'x' | b'X', ..] => i64::from_str_radix(&digits[2..], 16).ok(),
        [b'0', _, ..] => i64::from_str_radix(&digits[1..], 8).ok(),
        _ => digits.parse().ok(),
    }
}

/// Every underscore stands between digits, or behind a base prefix.
fn underscores_separate_digits(bytes: &[u8]) -> bool {
    if !bytes.contains(&b'_') {
        return true;
    }
    let hex = bytes.starts_with(b"0x") || bytes.starts_with(b"0X");
    let mut before_digit = hex;
    let mut underscore = false;
    for byte in &bytes[if hex { 2 } else { 0 }..] {
        let digit = if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
        if *byte == b'_' {
            if !before_digit {
                return false;
            }
            (before_digit, underscore) = (false, true);
        } else if digit {
            (before_digit, underscore) = (true, false);
        } else if underscore {
            return false;
        } else {
            before_digit = false;
        }
    }
    !underscore
}

/// The value of a duration token in milliseconds. The error is a message.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("not a valid duration string: {}", quote(text));
    let mut rest = text;
    let mut total: i64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        let letters = rest[digits..].bytes().position(|b| b.is_ascii_digit());
        let end = letters.map_or(rest.len(), |letters| digits + letters);
        let unit = &rest[digits..end];
        let (_, millis) = units.by_ref().find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let count = &rest[..digits];
        total = count
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(*millis))
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= (DURATION_SECONDS_MAX * 1000.0) as i64)
            .ok_or("duration out of range")?;
        rest = &rest[end..];
    }
    Ok(total)
}

/// Milliseconds as Prometheus writes them: `1h30m`, `90d`, `0s`.
pub fn duration_text(millis: i64) -> String {
    if millis == 0 {
        return "0s".into();
    }
    let mut text = if millis < 0 { String::from("-") } else { String::new() };
    let mut rest = millis.unsigned_abs();
    for (unit, length) in UNITS {
        let length = length as u64;
        // Years, weeks and days are written only where nothing is left over.
        if rest >= length && (!matches!(unit, "y" | "w" | "d") || rest.is_multiple_of(length)) {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    text
}

/// A number in Go's shortest decimal form without an exponent.
pub(crate) fn number_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    format!("{value}")
}

/// The value of a string token, quotes included. The bytes are no UTF-8 if an escape says so.
pub(crate) fn unquote(raw: &str) -> Vec<u8> {
    let inner = &raw[1..raw.len() - 1];
    if raw.starts_with('`') || !inner.contains('\\') {
        return inner.as_bytes().to_vec();
    }
    let mut value = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        if next == '\\' {
            unescape(&mut chars, &mut value);
        } else {
            value.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    value
}

/// Appends what an escape stands for. The lexer has checked it.
fn unescape(chars: &mut std::str::Chars<'_>, value: &mut Vec<u8>) {
    let Some(kind) = chars.next() else { return };
    let mut digits = |count: usize, base: u32, first: u32| {
        chars.by_ref().take(count).fold(first, |sum, digit| {
            sum.wrapping_mul(base).wrapping_add(digit.to_digit(base).unwrap_or(0))
        })
    };
    match kind {
        'a' => value.push(7),
        'b' => value.push(8),
        'f' => value.push(12),
        'n' => value.push(b'\n'),
        'r' => value.push(b'\r'),
        't' => value.push(b'\t'),
        'v' => value.push(11),
        'x' => value.push(digits(2, 16, 0) as u8),
        '0'..='7' => value.push(digits(2, 8, kind.to_digit(8).unwrap_or(0)) as u8),
        'u' | 'U' => {
            let code = digits(if kind == 'u' { 4 } else { 8 }, 16, 0);
            let found = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            value.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
        }
        _ => value.extend_from_slice(kind.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// A text in double quotes, escaped as Go does.
pub(crate) fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

/// Bytes in double quotes; those that are no UTF-8 as `\xc5`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for found in chunk.valid().chars() {
            push_escaped(&mut quoted, found, '"');
        }
        for byte in chunk.invalid() {
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

/// A character in single quotes; the end of a text as Go shows it.
pub(crate) fn quote_char(found: Option<char>) -> String {
    let mut quoted = String::from("'");
    push_escaped(&mut quoted, found.unwrap_or(char::REPLACEMENT_CHARACTER), '\'');
    quoted.push('\'');
    quoted
}

fn push_escaped(text: &mut String, found: char, quote: char) {
    let _ = match found {
        '\\' => text.write_str("\\\\"),
        _ if found == quote => write!(text, "\\{found}"),
        '\x07' => text.write_str("\\a"),
        '\x08' => text.write_str("\\b"),
        '\x0c' => text.write_str("\\f"),
        '\n' => text.write_str("\\n"),
        '\r' => text.write_str("\\r"),
        '\t' => text.write_str("\\t"),
        '\x0b' => text.write_str("\\v"),
        _ if printable(found) => text.write_char(found),
        _ if (found as u32) < 0x80 => write!(text, "\\x{:02x}", found as u32),
        _ if (found as u32) < 0x1_0000 => write!(text, "\\u{:04x}", found as u32),
        _ => write!(text, "\\U{:08x}", found as u32),
    };
}

/// Whether Go prints a character as it is: no control, format, private or odd space character.
pub(crate) fn printable(found: char) -> bool {
    let hidden = matches!(found, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..);
    found == ' ' || !(found.is_control() || found.is_whitespace() || hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("12", 12.0),
            ("0755", 493.0),
            ("08", 8.0),
            ("0x1F", 31.0),
            ("0X_1f", 31.0),
            ("1_000", 1000.0),
            ("1_0.5_0e1_0", 10.5e10),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e-3", 0.001),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        assert_eq!(number("iNf"), Ok(f64::INFINITY));
        assert!(number("NaN").is_ok_and(f64::is_nan));
        assert!(number("1e999").is_err());
        assert!(number("0x").is_err());
    }

    #[test]
    fn durations_go_there_and_back() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1y", 31_536_000_000),
            ("36h", 129_600_000),
            ("1s500ms", 1500),
        ] {
            assert_eq!(duration(text), Ok(millis), "{text}");
            let canonical = duration_text(millis);
            assert_eq!(duration(&canonical), Ok(millis), "{canonical}");
        }
        assert_eq!(duration_text(129_600_000), "36h");
        assert_eq!(duration_text(-90_000), "-1m30s");
        assert_eq!(duration_text(0), "0s");
        assert!(duration("5m1h").is_err());
        assert!(duration("1m1m").is_err());
        assert_eq!(duration("300y"), Err("duration out of range".into()));
    }

    #[test]
    fn strings_go_there_and_back() {
        assert_eq!(unquote(r#""a\n\x41\101\u00e4\\\"""#), "a\nAA\u{e4}\\\"".as_bytes());
        assert_eq!(unquote(r"`a\d`"), br"a\d");
        assert_eq!(quote_bytes(b"a\xc5z\n"), r#""a\xc5z\n""#);
        assert_eq!(quote("ä\u{200b}\"'"), r#""ä\u200b\"'""#);
        assert_eq!(quote_char(Some('\'')), r"'\''");
    }
}
