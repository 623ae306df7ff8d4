//! The pattern that options of a variable must have, as JavaScript writes it.
//!
//! Dashboards are written for a browser: `{` stands for itself where it counts nothing, `\_` is `_`, and what must not
//! follow is said with `(?!…)`. The first two are written anew; conditions at the beginning (`^(?!…)`, `^(?=…)`) become
//! patterns of their own. Conditions elsewhere are refused, since the time of a pattern with them has no bound.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Captures, Regex};

/// Bytes of a pattern of a variable.
const REGEX_BYTES_MAX: usize = 1_000;
/// Conditions at the beginning of a pattern.
const CONDITIONS_MAX: usize = 8;

/// A pattern with conditions for what it begins with.
#[derive(Debug)]
pub struct OptionPattern {
    body: Regex,
    /// Patterns that must be found, or must not.
    conditions: Vec<(Regex, bool)>,
}

impl OptionPattern {
    /// The groups of the first place that fits.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        let fits = self.conditions.iter().all(|(c, wanted)| c.is_match(text) == *wanted);
        if fits { self.body.captures(text) } else { None }
    }

    /// Whether any place fits.
    pub fn is_match(&self, text: &str) -> bool {
        self.captures(text).is_some()
    }
}

/// Reads a pattern: `abc`, `/abc/`, `/abc/i`.
///
/// # Errors
/// It is none.
pub fn option_regex(text: &str) -> Result<OptionPattern, String> {
    if text.len() > REGEX_BYTES_MAX {
        return Err(format!("a pattern of {} bytes; at most {REGEX_BYTES_MAX}", text.len()));
    }
    let inner = text.strip_prefix('/').and_then(|t| t.rsplit_once('/'));
    let (body, flags) = inner.unwrap_or((text, ""));
    let flags: String = flags.chars().filter(|c| "ims".contains(*c)).collect();
    let built = |pattern: &str| {
        let pattern = plain(pattern);
        let whole = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
        let built = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build();
        built.map_err(|e| {
            let text = e.to_string();
            format!("no pattern: {}", text.lines().last().unwrap_or_default().trim())
        })
    };
    let mut conditions = Vec::new();
    let mut rest = body.strip_prefix('^').unwrap_or(body);
    while let Some((inner, wanted, behind)) = condition(rest) {
        // Without `^` it would be asked at each place anew.
        if !body.starts_with('^') || conditions.len() >= CONDITIONS_MAX {
            return Err(
                "a condition such as (?!…) can only stand behind ^ at the beginning".to_owned()
            );
        }
        conditions.push((built(&format!("^(?:{inner})"))?, wanted));
        rest = behind;
    }
    let body = if conditions.is_empty() { built(body)? } else { built(&format!("^{rest}"))? };
    Ok(OptionPattern { body, conditions })
}

/// `(?!…)` or `(?=…)` at the beginning: what is in it, whether it is wanted, what stands behind it.
fn condition(text: &str) -> Option<(&str, bool, &str)> {
    let (inner, wanted) = match text.strip_prefix("(?!") {
        Some(inner) => (inner, false),
        None => (text.strip_prefix("(?=")?, true),
    };
    let (mut depth, mut class, mut escaped) = (1, false, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => class = false,
            '[' => class = true,
            '(' if !class => depth += 1,
            ')' if !class => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inner[..at], wanted, &inner[at + 1..]));
        }
    }
    None
}

/// A pattern of JavaScript's, as it is written here.
fn plain(body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 8);
    let mut chars = body.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out),
            '[' if class => out.push_str("\\["),
            '[' => {
                class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            // Two of them would be an operation on classes.
            '&' | '~' if class => out.extend(['\\', c]),
            '{' if !class && !counts(&chars) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

/// What stands behind a backslash: a letter that means nothing, `/` and `<` are themselves.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(c) = chars.next() else {
        out.push_str("\\\\");
        return;
    };
    let means = |c: char| "dDwWsSbBnrtfvxupPk".contains(c) || c.is_ascii_digit();
    if "pPxu".contains(c) && chars.peek() == Some(&'{') {
        out.extend(['\\', c]);
        for inner in chars.by_ref() {
            out.push(inner);
            if inner == '}' {
                return;
            }
        }
        return;
    }
    let is_itself = c == '/' || c == '<' || c == '>' || c == '_' || !c.is_ascii();
    if is_itself || (c.is_ascii_alphabetic() && !means(c)) {
        out.push(c);
    } else {
        out.extend(['\\', c]);
    }
}

/// Whether `{` begins a count: `{2}`, `{2,}`, `{2,5}`.
fn counts(behind: &Peekable<Chars<'_>>) -> bool {
    let inner: String = behind.clone().take_while(|c| *c != '}').take(20).collect();
    let closed = behind.clone().nth(inner.chars().count()) == Some('}');
    let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let (from, to) = inner.split_once(',').unwrap_or((&inner, ""));
    closed && number(from) && (to.is_empty() || number(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(pattern: &str, text: &str) -> Option<String> {
        let found = option_regex(pattern).unwrap();
        let groups = found.captures(text)?;
        groups.get(1).or_else(|| groups.get(0)).map(|m| m.as_str().to_owned())
    }

    #[test]
    fn patterns_of_browsers_are_read() {
        for (pattern, text, want) in [
            ("/^db-(.*)$/i", "DB-1", Some("1")),
            ("{shard=\"(?<value>.*)\"}", "{shard=\"7\"}", Some("7")),
            ("/x{2,3}y{z/", "axxy{z", Some("xxy{z")),
            ("/^[a-z[&&b]+$/", "a[&b", Some("a[&b")),
            (r"/a\/b\_\<c\é/", "a/b_<cé", Some("a/b_<cé")),
            (r"/\p{Lu}\x{62}\d{1}/", "Ab1", Some("Ab1")),
            ("/^(?!lo|veth)(.*)/", "eth0", Some("eth0")),
            ("/^(?!lo|veth)(.*)/", "lo", None),
            ("/^(?!.*(test))(?=a[)]).*$/", "a)b", Some("a)b")),
            ("/^(?!.*(test))(?=a[)]).*$/", "a)test", None),
            ("/^(?!.*(test))(?=a[)]).*$/", "b)", None),
        ] {
            assert_eq!(first(pattern, text).as_deref(), want, "{pattern} {text}");
        }
        for pattern in ["(", "/(?!x)y/", "/a(?=b)/", &"a".repeat(REGEX_BYTES_MAX + 1)] {
            assert!(option_regex(pattern).is_err(), "{pattern}");
        }
        assert!(option_regex("x\\").unwrap().is_match("x\\"));
    }
}
