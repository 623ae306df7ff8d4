//! Label matchers with PromQL's meaning: regexes are anchored at both ends, `.` matches newlines,
//! and a label that is absent has the empty value.

use std::fmt;
use std::sync::Arc;

use crate::{Error, LabelsRef, Result};

/// Bytes that a compiled regex may take unless the caller sets a limit; a larger one is refused, not run.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator as PromQL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A test of one label.
#[derive(Clone)]
pub struct Matcher {
    name: Arc<str>,
    op: MatchOp,
    value: Arc<str>,
    regex: Option<Arc<regex::Regex>>,
}

impl Matcher {
    /// A matcher; a regex is compiled here.
    ///
    /// # Errors
    /// `Invalid` with the regex engine's reason when the pattern is wrong or too large.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self> {
        Self::with_limit(op, name, value, REGEX_BYTES_MAX)
    }

    /// A matcher whose regex takes at most `bytes_max` bytes when it is compiled, for places where many
    /// are kept: its program, and as much again for the cache that runs it.
    ///
    /// # Errors
    /// `Invalid` with the regex engine's reason when the pattern is wrong or too large.
    pub fn with_limit(op: MatchOp, name: &str, value: &str, bytes_max: usize) -> Result<Self> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Arc::new(compile(name, value, bytes_max)?)),
        };
        Ok(Self { name: name.into(), op, value: value.into(), regex })
    }

    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    /// The label that is tested.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or pattern as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label of this value passes; an absent label has the empty value.
    pub fn matches(&self, value: &str) -> bool {
        let hit = match &self.regex {
            None => *self.value == *value,
            Some(regex) => regex.is_match(value),
        };
        hit == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    /// Whether the series passes.
    pub fn matches_labels(&self, labels: LabelsRef<'_>) -> bool {
        self.matches(labels.get(&self.name).unwrap_or(""))
    }

    /// Whether series without the label pass.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// Whether all matchers pass.
    pub fn all(matchers: &[Self], labels: LabelsRef<'_>) -> bool {
        matchers.iter().all(|m| m.matches_labels(labels))
    }
}

/// Compiles a pattern as PromQL reads it: anchored, `.` matches newline.
fn compile(name: &str, pattern: &str, bytes_max: usize) -> Result<regex::Regex> {
    regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(bytes_max)
        .dfa_size_limit(bytes_max)
        .build()
        .map_err(|e| Error::Invalid(format!("label {name}: regex {pattern:?}: {}", reason(&e))))
}

fn reason(e: &regex::Error) -> String {
    let text = e.to_string();
    text.lines().last().unwrap_or("not a regex").trim_start_matches("error: ").to_owned()
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.name == other.name && self.value == other.value
    }
}
impl Eq for Matcher {}
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.op.as_str(), self.value)
    }
}
impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(op: MatchOp, pattern: &str, value: &str, hit: bool) {
        assert_eq!(Matcher::new(op, "l", pattern).unwrap().matches(value), hit);
    }

    #[test]
    fn regexes_are_anchored_and_see_newlines() {
        check(MatchOp::Regex, "a|b", "a", true);
        check(MatchOp::Regex, "a|b", "ab", false);
        check(MatchOp::Regex, "a.b", "a\nb", true);
        check(MatchOp::NotRegex, "a.*", "b", true);
        check(MatchOp::NotEqual, "x", "", true);
        check(MatchOp::Equal, "", "", true);
    }

    #[test]
    fn a_broken_regex_says_why() {
        let e = Matcher::new(MatchOp::Regex, "l", "a(").unwrap_err().to_string();
        assert!(e.starts_with("label l: regex \"a(\": "), "{e}");
        assert!(Matcher::new(MatchOp::Regex, "l", "((a{1000}){1000}){1000}").is_err());
    }

    #[test]
    fn a_limit_refuses_what_is_larger() {
        let of = |pattern: &str, max| Matcher::with_limit(MatchOp::Regex, "l", pattern, max);
        assert!(of("a{9000}", 4 << 20).is_ok());
        let e = of("a{9000}", 64 << 10).unwrap_err().to_string();
        assert!(e.contains("size limit"), "{e}");
        assert!(of("node-[0-9]+", 4 << 10).unwrap().matches("node-12"));
        assert!(Matcher::with_limit(MatchOp::Equal, "l", "x", 0).is_ok());
    }
}
