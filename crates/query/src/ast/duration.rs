//! Lengths of time as they stand in a query: fixed, or an expression over `step()` and `range()`.
//!
//! An expression is behind the switch `promql-duration-expr`; it gets its value when the query's
//! step and range are known, before the evaluation starts.

use super::Span;

/// A length of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// Known from the text, in milliseconds.
    Fixed(i64),
    /// Known when the query runs.
    Expr(Box<DurationExpr>),
}

/// Arithmetic on lengths of time. Its unit is the second.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// A number of seconds; `duration` if it is printed as a duration.
    Number {
        /// Seconds.
        value: f64,
        /// It was written as a duration.
        duration: bool,
        /// Where it stands.
        span: Span,
    },
    /// `step()`: the step of the query, zero for an instant query.
    Step(Span),
    /// `range()`: end minus start of the query, zero for an instant query.
    Range(Span),
    /// A sign.
    Unary {
        /// It is a minus.
        negative: bool,
        /// What it stands before.
        expr: Box<DurationExpr>,
        /// Where it stands.
        span: Span,
    },
    /// An operator or `min_of`, `max_of`.
    Binary {
        /// The operator.
        op: DurationOp,
        /// The left side.
        lhs: Box<DurationExpr>,
        /// The right side.
        rhs: Box<DurationExpr>,
        /// Where it stands.
        span: Span,
    },
    /// Brackets.
    Paren(Box<DurationExpr>, Span),
}

/// An operator of duration arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `min_of(a, b)`
    Min,
    /// `max_of(a, b)`
    Max,
}

impl DurationExpr {
    /// The bytes that it was read from.
    pub fn span(&self) -> Span {
        match self {
            DurationExpr::Number { span, .. }
            | DurationExpr::Step(span)
            | DurationExpr::Range(span)
            | DurationExpr::Unary { span, .. }
            | DurationExpr::Binary { span, .. }
            | DurationExpr::Paren(_, span) => *span,
        }
    }
}
