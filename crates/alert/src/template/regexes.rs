//! Regular expressions as Go writes them.
//!
//! What Go and this crate's engine read differently is rewritten: `\d \w \s \b` are ASCII in Go, `[`
//! and `&&` mean nothing special inside a class, and `\Q…\E` quotes. Compiled size is bounded.

use regex::{Regex, RegexBuilder};

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 4_096;
/// Bytes that a compiled pattern may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Compiles a pattern.
///
/// # Errors
/// What is wrong with it.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("regular expression above {PATTERN_BYTES_MAX} bytes, the limit"));
    }
    let built = RegexBuilder::new(&rewritten(pattern))
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .nest_limit(100)
        .build();
    built.map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => {
            format!("regular expression {pattern:?} is above {COMPILED_BYTES_MAX} bytes, the limit")
        }
        e => {
            let text = e.to_string();
            let why = text.lines().last().unwrap_or("not readable").trim_start_matches("error: ");
            let why = match why {
                "unclosed group" => "missing closing )",
                "unopened group" => "unexpected )",
                "unclosed character class" => "missing closing ]",
                why => why,
            };
            format!("error parsing regexp: {why}: `{pattern}`")
        }
    })
}

fn rewritten(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut class = Class::Outside;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => {
                let Some(next) = chars.next() else {
                    out.push('\\');
                    break;
                };
                if next == 'Q' {
                    quoted(&mut chars, &mut out);
                } else {
                    escape(next, class, &mut out);
                }
                class = class.after();
            }
            ('[', Class::Outside) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Class::Begins;
            }
            ('[', _) if chars.peek() == Some(&':') => {
                out.push('[');
                class = Class::Named;
            }
            ('[' | '&' | '~', Class::Begins | Class::Inside) => {
                out.push('\\');
                out.push(c);
                class = Class::Inside;
            }
            (']', Class::Begins) => {
                out.push_str("\\]");
                class = Class::Inside;
            }
            (']', Class::Named) => {
                out.push(']');
                class = Class::Inside;
            }
            (']', Class::Inside) => {
                out.push(']');
                class = Class::Outside;
            }
            (c, _) => {
                out.push(c);
                class = class.after();
            }
        }
    }
    out
}

/// Where in a pattern we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    /// Just behind `[` or `[^`.
    Begins,
    Inside,
    /// In `[:name:]`.
    Named,
}

impl Class {
    const fn after(self) -> Self {
        match self {
            Self::Begins => Self::Inside,
            other => other,
        }
    }
}

fn escape(c: char, class: Class, out: &mut String) {
    let ascii = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        'D' => "^0-9",
        'W' => "^0-9A-Za-z_",
        'S' => "^\\t\\n\\f\\r ",
        'b' if class == Class::Outside => return out.push_str("(?-u:\\b)"),
        c => {
            out.push('\\');
            return out.push(c);
        }
    };
    let brackets = class == Class::Outside || c.is_ascii_uppercase();
    out.push_str(if brackets { "[" } else { "" });
    out.push_str(ascii);
    out.push_str(if brackets { "]" } else { "" });
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut literal = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            break;
        }
        literal.push(c);
    }
    out.push_str(&regex::escape(&literal));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, matches) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^[\d.]+$", "1.2", true),
            (r"^[^\W]+$", "a_b", true),
            (r"^\w+$", "é", false),
            (r"[[]", "[", true),
            (r"^[[:alpha:]_]+$", "ab_", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[]a]+$", "]a", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"\bab\b", "x ab y", true),
            (r"^(?P<n>a)(?i:B)$", "ab", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(compile(&"a".repeat(5_000)).unwrap_err().contains("limit"));
        assert!(compile("(((a{100}){100}){100})").unwrap_err().contains("limit"));
        assert!(compile("a(").unwrap_err().contains("error parsing regexp"));
    }
}
