//! Matchers as Alertmanager's configuration and API write them, in both syntaxes.
//!
//! The classic syntax (`foo=bar`, `foo=~"a|b"`, names of letters, digits, `_` and `:`) and the newer one,
//! in which names may be any UTF-8 text in quotes (`"a b"="c"`, `{foo="bar",}`). A text that both read
//! differently, or that only the classic one reads, has the classic meaning; one that neither reads is
//! refused in the words of the classic one. Whatever bytes come, reading ends.

use std::collections::BTreeMap;

use plimsoll_model::{MatchOp, Matcher};

/// Matchers in one text; more is refused.
const MATCHERS_MAX: usize = 1_000;
/// Bytes that the compiled regex of a matcher may take: some 10,000 characters of alternatives.
pub const REGEX_BYTES_MAX: usize = 512 << 10;

/// Reads a list of matchers: `{a="b", c!~"d"}`, braces optional.
///
/// # Errors
/// What is wrong, in Alertmanager's words.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    chosen(utf8(text), classic_list(text))
}

/// Reads one matcher.
///
/// # Errors
/// What is wrong, in Alertmanager's words.
pub fn parse_matcher(text: &str) -> Result<Matcher, String> {
    let newer = utf8(text).and_then(|list| match <[Matcher; 1]>::try_from(list) {
        Ok([one]) => Ok(one),
        Err(list) => Err(format!("expected 1 matcher, found {}", list.len())),
    });
    chosen(newer, classic(text))
}

fn chosen<T: PartialEq>(newer: Result<T, String>, classic: Result<T, String>) -> Result<T, String> {
    match (newer, classic) {
        (_, Ok(classic)) => Ok(classic),
        (Ok(newer), Err(_)) => Ok(newer),
        (Err(_), Err(why)) => Err(why),
    }
}

/// Whether all matchers pass; an absent label has the empty value.
pub fn all_match(matchers: &[Matcher], labels: &BTreeMap<String, String>) -> bool {
    matchers.iter().all(|m| m.matches(labels.get(m.name()).map_or("", String::as_str)))
}

/// A set of matchers as Alertmanager prints it in group keys: `{a="b",c=~"d"}`.
pub fn shown(matchers: &[Matcher]) -> String {
    let each: Vec<String> = matchers.iter().map(one_shown).collect();
    format!("{{{}}}", each.join(","))
}

/// One matcher, `a="b"`.
pub fn one_shown(m: &Matcher) -> String {
    let value = m.value().replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
    let name = if is_classic_name(m.name()) { m.name().to_owned() } else { quoted(m.name()) };
    format!("{name}{}\"{value}\"", m.op().as_str())
}

/// A text in double quotes as Go's `%q` prints it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A label set as Alertmanager prints it: `{a="b", c="d"}`.
pub fn labels_shown(labels: &BTreeMap<String, String>) -> String {
    let each: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={}", quoted(v))).collect();
    format!("{{{}}}", each.join(", "))
}

fn is_classic_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.chars().next().is_some_and(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

const OPERATORS: [(&str, MatchOp); 4] = [
    ("=~", MatchOp::Regex),
    ("!~", MatchOp::NotRegex),
    ("!=", MatchOp::NotEqual),
    ("=", MatchOp::Equal),
];

fn operator(text: &str) -> Option<(MatchOp, &str)> {
    OPERATORS.iter().find_map(|(sign, op)| Some((*op, text.strip_prefix(sign)?)))
}

fn matcher(op: MatchOp, name: &str, value: &str) -> Result<Matcher, String> {
    Matcher::with_limit(op, name, value, REGEX_BYTES_MAX).map_err(|e| {
        let text = e.to_string();
        let why = text.rsplit_once(": ").map_or(text.as_str(), |(_, why)| why);
        format!("error parsing regexp: {why}: `{value}`")
    })
}

fn classic_list(text: &str) -> Result<Vec<Matcher>, String> {
    let inner = text.trim();
    let inner = inner.strip_prefix('{').unwrap_or(inner);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    let mut parts = Vec::new();
    for (i, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&inner[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        parts.push(&inner[start..]);
    }
    if parts.len() > MATCHERS_MAX {
        return Err(format!("more than {MATCHERS_MAX} matchers"));
    }
    parts.into_iter().map(classic).collect()
}

fn classic(text: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher format: {text}");
    let rest = text.trim();
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .ok_or_else(bad)?;
    let name = &rest[..end];
    if !is_classic_name(name) {
        return Err(bad());
    }
    let (op, raw) = operator(rest[end..].trim_start()).ok_or_else(bad)?;
    matcher(op, name, &classic_value(raw.trim())?)
}

fn classic_value(raw: &str) -> Result<String, String> {
    let unescaped = || format!("matcher value contains unescaped double quote: {raw}");
    let (inner, mut wants_quote) = match raw.strip_prefix('"') {
        Some(inner) => (inner, true),
        None => (raw, false),
    };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for (i, c) in inner.char_indices() {
        let last = i + c.len_utf8() == inner.len();
        if escaped {
            escaped = false;
            match c {
                'n' => out.push('\n'),
                '"' | '\\' => out.push(c),
                _ => out.extend(['\\', c]),
            }
            continue;
        }
        match c {
            '\\' if !last => escaped = true,
            '"' if !wants_quote || !last => return Err(unescaped()),
            '"' => wants_quote = false,
            c => out.push(c),
        }
    }
    if wants_quote { Err(unescaped()) } else { Ok(out) }
}

/// The newer syntax.
fn utf8(text: &str) -> Result<Vec<Matcher>, String> {
    let mut rest = text.trim_start();
    let braced = rest.starts_with('{');
    if braced {
        rest = rest[1..].trim_start();
    }
    let mut out = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('}') {
            break;
        }
        let (name, after) = word(rest)?;
        let (op, after) = operator(after.trim_start()).ok_or("expected an operator")?;
        let (value, after) = word(after.trim_start())?;
        out.push(matcher(op, &name, &value)?);
        if out.len() > MATCHERS_MAX {
            return Err(format!("more than {MATCHERS_MAX} matchers"));
        }
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    rest = rest.trim();
    let closed = if braced { rest == "}" } else { rest.is_empty() };
    if closed { Ok(out) } else { Err(format!("unexpected {rest:?}")) }
}

/// A text in quotes, or one without the characters that mean something.
fn word(text: &str) -> Result<(String, &str), String> {
    if !text.starts_with('"') {
        let special = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
        let end = text.find(special).unwrap_or(text.len());
        if end == 0 {
            return Err("expected a name or value".to_owned());
        }
        return Ok((text[..end].to_owned(), &text[end..]));
    }
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[i + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, c @ ('"' | '\\'))) => out.push(c),
                _ => return Err("unknown escape".to_owned()),
            },
            c => out.push(c),
        }
    }
    Err("missing end quote".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = parse_matchers(text).map_or_else(|e| e, |list| shown(&list));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn both_syntaxes_are_read() {
        check("foo=bar", r#"{foo="bar"}"#);
        check(r#"{foo="bar", baz!~"a|b"}"#, r#"{foo="bar",baz!~"a|b"}"#);
        check(r#"a = "x,y" , b=~.+"#, r#"{a="x,y",b=~".+"}"#);
        check("a=", r#"{a=""}"#);
        check(r#""a b"="c\"d""#, r#"{"a b"="c\"d"}"#);
        check("bö=ü", r#"{"bö"="ü"}"#);
        check("a=b,", r#"{a="b"}"#);
        check("", "{}");
        check("{}", "{}");
        check("{{{", "bad matcher format: {{");
        check("a", "bad matcher format: a");
        check(r#"a="b"c"#, "matcher value contains unescaped double quote: \"b\"c");
        check("a=~(", "error parsing regexp: unclosed group: `(`");
        check("a=\\d", r#"{a="\\d"}"#);
    }

    #[test]
    fn one_matcher_is_one() {
        assert_eq!(parse_matcher("{{{").unwrap_err(), "bad matcher format: {{{");
        assert_eq!(one_shown(&parse_matcher("a!=b").unwrap()), r#"a!="b""#);
        assert_eq!(one_shown(&parse_matcher("a=b,c").unwrap()), r#"a="b,c""#);
    }

    #[test]
    fn labels_are_printed_as_go_does() {
        let labels = [("a".to_owned(), "x\"\u{1}ü".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(labels_shown(&labels.into()), "{a=\"x\\\"\\x01ü\", b=\"\"}");
    }

    #[test]
    fn any_bytes_are_survived() {
        let seed = br#"{"a b"=~"c\"|d", e!="f\\", g = h,}"#;
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut bytes = seed.to_vec();
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 24) as u8;
            }
            let text = String::from_utf8_lossy(&bytes);
            let _either = parse_matchers(&text);
            let _or = parse_matcher(&text);
        }
    }
}
