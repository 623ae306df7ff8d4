//! Names and labels as the text formats write them.

use std::borrow::Cow;

use plimsoll_model::METRIC_NAME;

use super::{Bound, Format, normalise_bound};
use crate::{Error, Result};

/// A label: name and value.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Labels in one pair of braces; beyond this the line is refused before any set is built.
const LABELS_PER_LINE_MAX: usize = 256;

/// Whether `name` needs no quotes as a metric name.
pub fn is_legacy_metric_name(name: &str) -> bool {
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(is_metric_char)
}

/// Whether `name` needs no quotes as a label name.
pub fn is_legacy_label_name(name: &str) -> bool {
    is_legacy_metric_name(name) && !name.contains(':')
}

/// Reads the series part of a line: the name becomes `__name__`. Labels come in the order written,
/// empty values included.
///
/// # Errors
/// `Invalid` for what the format does not allow, a label that occurs twice, or no name.
pub fn parse_series(raw: &[u8], format: Format, bound: Bound) -> Result<Vec<Pair<'_>>> {
    let refused = |why: String| {
        let shown = String::from_utf8_lossy(&raw[..raw.len().min(80)]).into_owned();
        Error::Invalid(format!("series {shown:?}: {why}"))
    };
    let text = std::str::from_utf8(raw).map_err(|_| refused("it is not UTF-8".into()))?;
    let mut pairs = Vec::with_capacity(8);
    let name_end = text.bytes().position(|c| !is_metric_char(c)).unwrap_or(text.len());
    if name_end > 0 {
        if text.as_bytes()[0].is_ascii_digit() {
            return Err(refused("the name begins with a digit".into()));
        }
        pairs.push((Cow::Borrowed(METRIC_NAME), Cow::Borrowed(&text[..name_end])));
    }
    let rest = match format {
        Format::Prometheus => text[name_end..].trim_matches([' ', '\t']),
        Format::OpenMetrics => &text[name_end..],
    };
    if !rest.is_empty() {
        parse_braces(rest, format, bound, &mut pairs).map_err(refused)?;
    }
    if !pairs.iter().any(|(n, _)| n == METRIC_NAME) {
        return Err(refused("it has no metric name".into()));
    }
    Ok(pairs)
}

/// Reads `{…}`, to the last byte of `text`.
pub(super) fn parse_braces<'a>(
    text: &'a str,
    format: Format,
    bound: Bound,
    pairs: &mut Vec<Pair<'a>>,
) -> Result<(), String> {
    let mut p = Walk { text, at: 0, blanks: format == Format::Prometheus };
    p.expect(b'{')?;
    while p.peek() != Some(b'}') {
        let (name, value) = p.item()?;
        if pairs.iter().any(|(n, _)| *n == name) {
            return Err(format!("label {name:?} occurs twice"));
        }
        if pairs.len() >= LABELS_PER_LINE_MAX {
            return Err(format!("more than {LABELS_PER_LINE_MAX} labels"));
        }
        let normal = if name == bound.label() { normalise_bound(&value) } else { None };
        pairs.push((name, normal.map_or(value, Cow::Owned)));
        if p.peek() == Some(b',') {
            p.at += 1;
        } else if p.peek() != Some(b'}') {
            return Err("a comma or a closing brace is missing after a label".into());
        }
    }
    p.expect(b'}')?;
    if p.at == text.len() { Ok(()) } else { Err("more follows the closing brace".into()) }
}

/// The family's name at the start of `text`, and what follows.
pub(super) fn family_name(text: &[u8]) -> Result<(Cow<'_, str>, &[u8]), String> {
    let s = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.first() == Some(&b'"') {
        let mut p = Walk { text: s, at: 0, blanks: false };
        let name = p.quoted()?;
        return Ok((name, &text[p.at..]));
    }
    let end = text.iter().position(|c| !is_metric_char(*c)).unwrap_or(text.len());
    let blank = text.get(end).is_none_or(|c| matches!(c, b' ' | b'\t'));
    if !blank || !is_legacy_metric_name(&s[..end]) {
        return Err("a metric name is expected".into());
    }
    Ok((Cow::Borrowed(&s[..end]), &text[end..]))
}

/// Resolves `\\` and `\n` of help texts, in OpenMetrics `\"` too; other escapes stay as they are.
pub(super) fn unescape(text: &str, format: Format) -> Cow<'_, str> {
    resolve(text, format == Format::OpenMetrics)
}

#[inline]
pub(super) const fn is_metric_char(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b':'
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// Whether blanks may stand between parts.
    blanks: bool,
}

impl<'a> Walk<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while self.blanks && matches!(bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn expect(&mut self, c: u8) -> Result<(), String> {
        if self.peek() != Some(c) {
            return Err(format!("{:?} is expected at byte {}", char::from(c), self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// `name="value"`, `"name"="value"`, or the metric's name in quotes.
    fn item(&mut self) -> Result<Pair<'a>, String> {
        let name = if self.peek() == Some(b'"') {
            let name = self.quoted()?;
            if name.is_empty() {
                return Err("a name is empty".into());
            }
            if self.peek() != Some(b'=') {
                return Ok((Cow::Borrowed(METRIC_NAME), name));
            }
            name
        } else {
            Cow::Borrowed(self.label_name()?)
        };
        self.expect(b'=')?;
        self.peek();
        Ok((name, self.quoted()?))
    }

    fn label_name(&mut self) -> Result<&'a str, String> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|c| !is_metric_char(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        if !is_legacy_label_name(name) {
            return Err(format!("a label name is expected at byte {}", self.at));
        }
        self.at += end;
        Ok(name)
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, String> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return Err(format!("a quoted text is expected at byte {}", self.at));
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            match bytes.get(end) {
                None => return Err("a quote does not end".into()),
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        Ok(resolve(&self.text[start..end], true))
    }
}

fn resolve(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('\\') => out.push('\\'),
            Some('"') if quotes => out.push('"'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}
