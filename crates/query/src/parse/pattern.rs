//! Regular expressions of matchers: whether they are valid, and whether they match nothing at all.
//!
//! They are fully anchored, and `.` matches line breaks. The errors have the words of RE2 where
//! the cause is the same.

use regex_syntax::ast::{ErrorKind, Span as PatternSpan};
use regex_syntax::hir::Hir;

const PLAIN: &[u8] = b"_-/:,;=%@#!~\"'<>& ";

/// Checks a pattern. The error is a message.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    if is_simple(pattern) { Ok(()) } else { compile(pattern).map(drop) }
}

/// Whether a valid pattern matches the empty text.
pub(super) fn matches_empty(pattern: &str) -> bool {
    match pattern {
        ".*" => true,
        _ if is_simple(pattern) && !pattern.contains('*') => pattern.split('|').any(str::is_empty),
        _ => compile(pattern).is_ok_and(|hir| hir_matches_empty(pattern, &hir)),
    }
}

/// Most patterns of dashboards: letters, digits, signs that mean themselves, `.` and `|`, and `*`
/// or `+` behind one of the first or a dot. They are valid; the rest is read by a real parser.
fn is_simple(pattern: &str) -> bool {
    let mut repeatable = false;
    pattern.bytes().all(|byte| {
        let plain = byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) || byte == b'.';
        let repeat = repeatable && matches!(byte, b'*' | b'+');
        repeatable = plain;
        plain || repeat || byte == b'|'
    })
}

fn hir_matches_empty(pattern: &str, hir: &Hir) -> bool {
    let properties = hir.properties();
    if properties.minimum_len() != Some(0) {
        return false;
    }
    properties.look_set().is_empty()
        || regex::Regex::new(&format!("^(?s:{pattern})$")).is_ok_and(|regex| regex.is_match(""))
}

fn compile(pattern: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().dot_matches_new_line(true).build();
    parser.parse(pattern).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => {
            format!("error parsing regexp: {}", reason(pattern, error.kind(), error.span()))
        }
        regex_syntax::Error::Translate(error) => format!("error parsing regexp: {}", error.kind()),
        error => format!("error parsing regexp: {error}"),
    })
}

fn reason(pattern: &str, kind: &ErrorKind, span: &PatternSpan) -> String {
    let found = &pattern[span.start.offset..span.end.offset];
    let from = &pattern[span.start.offset..];
    match kind {
        ErrorKind::GroupUnclosed => format!("missing closing ): `^(?s:{pattern})$`"),
        ErrorKind::GroupUnopened => format!("unexpected ): `^(?s:{pattern})$`"),
        ErrorKind::ClassUnclosed => format!("missing closing ]: `{from})$`"),
        ErrorKind::RepetitionMissing => {
            // The span is empty and stands before the operator.
            let operator = from.get(..1).unwrap_or_default();
            format!("missing argument to repetition operator: `{operator}`")
        }
        ErrorKind::ClassRangeInvalid => format!("invalid character class range: `{found}`"),
        ErrorKind::EscapeUnrecognized => format!("invalid escape sequence: `{found}`"),
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression: ``".into(),
        ErrorKind::UnsupportedLookAround => {
            format!("invalid or unsupported Perl syntax: `{found}`")
        }
        kind => format!("{kind}: `{found}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_match_nothing_at_all() {
        for pattern in ["", ".*", "a*", "a|", "|a", "a||b", "(a|)", "^$", "()", "a?b*", "\\b|"] {
            assert!(matches_empty(pattern), "{pattern}");
        }
        for pattern in ["a", ".+", "5..", "a|b", "a+", "a*b", "\\b", "^a$", "a{2}"] {
            assert!(!matches_empty(pattern), "{pattern}");
        }
    }

    #[test]
    fn errors_have_the_words_of_re2() {
        let message = |pattern: &str| check(pattern).unwrap_err();
        assert_eq!(message("a("), "error parsing regexp: missing closing ): `^(?s:a()$`");
        assert_eq!(
            message("*"),
            "error parsing regexp: missing argument to repetition operator: `*`"
        );
        for pattern in ["+a", "a|*", "a**(", "[", "a\\"] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }
}
