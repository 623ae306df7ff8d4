//! Selectors: which series, at which time, over which range.

use super::{Duration, Span};

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, fully anchored
    Regex,
    /// `!~`, fully anchored
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

/// One condition on a label. A missing label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMatcher {
    /// The label; `__name__` for the metric name.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// The value, or the regular expression (which has been checked to compile).
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

impl LabelMatcher {
    /// The condition ready to be tried on labels.
    ///
    /// # Errors
    /// `Invalid` when the regular expression is wrong or too large.
    pub fn compiled(&self) -> plimsoll_model::Result<plimsoll_model::Matcher> {
        plimsoll_model::Matcher::new(crate::eval::model_op(self.op), &self.name, &self.value)
    }
}

/// The time that `@` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// `start()`: the first instant of the query.
    Start,
    /// `end()`: the last instant of the query.
    End,
}

/// `@` and `offset`, in either order. `@` is applied first, the offset is then subtracted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Modifiers {
    /// The time that replaces the evaluation time.
    pub at: Option<At>,
    /// How far back from it; negative looks forward.
    pub offset: Option<Duration>,
}

/// How the ends of a range are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RangeModifier {
    /// `anchored`: the samples at or before the two ends are used as if they stood there.
    Anchored,
    /// `smoothed`: values at the two ends are interpolated.
    Smoothed,
}

impl RangeModifier {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            RangeModifier::Anchored => "anchored",
            RangeModifier::Smoothed => "smoothed",
        }
    }
}

/// An instant vector selector.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The metric name that stands before the braces. One that stands in them, quoted or as
    /// `__name__`, is a matcher only.
    pub name: Option<String>,
    /// Every condition, that of `name` included (last). At least one refuses the empty value,
    /// except in the second argument of `info`.
    pub matchers: Vec<LabelMatcher>,
    /// `@` and `offset`; of a matrix selector those behind its range.
    pub modifiers: Modifiers,
    /// `anchored` or `smoothed`.
    pub extended: Option<RangeModifier>,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// A range vector selector.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// Which series; its modifiers are those of the whole.
    pub vector: VectorSelector,
    /// Length of the range.
    pub range: Duration,
    /// Where it stands, modifiers included.
    pub span: Span,
}
