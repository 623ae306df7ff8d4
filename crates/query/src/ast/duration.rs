//! Lengths of time as they stand in a query: fixed, or an expression over `step()` and `range()`.
//!
//! An expression is behind the switch `promql-duration-expr`; it gets its value when the query's
//! step and range are known, before the evaluation starts.

use super::Span;
use crate::literal::DURATION_SECONDS_MAX;

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

impl DurationOp {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            DurationOp::Add => "+",
            DurationOp::Sub => "-",
            DurationOp::Mul => "*",
            DurationOp::Div => "/",
            DurationOp::Mod => "%",
            DurationOp::Pow => "^",
            DurationOp::Min => "min_of",
            DurationOp::Max => "max_of",
        }
    }
}

/// Why a duration expression has no value that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {problem}", span.start, span.end)]
pub struct DurationError {
    /// The bytes at fault.
    pub span: Span,
    /// What is wrong.
    pub problem: &'static str,
}

impl Duration {
    /// The length in milliseconds for a query of `step_ms` and, from its first to its last
    /// instant, `range_ms`.
    ///
    /// # Errors
    ///
    /// A division by zero, or a value that 64 bits of nanoseconds do not hold.
    pub fn resolve(&self, step_ms: i64, range_ms: i64) -> Result<i64, DurationError> {
        match self {
            Duration::Fixed(millis) => Ok(*millis),
            Duration::Expr(expr) => {
                let seconds = expr.seconds(step_ms as f64 / 1000.0, range_ms as f64 / 1000.0)?;
                if seconds.is_nan() || seconds.abs() > DURATION_SECONDS_MAX {
                    let problem = "duration is out of range";
                    return Err(DurationError { span: expr.span(), problem });
                }
                Ok((seconds * 1000.0) as i64)
            }
        }
    }

    /// As [`Duration::resolve`], for a range or a step, which must be greater than zero.
    ///
    /// # Errors
    ///
    /// Also a value of zero or less.
    pub fn resolve_positive(&self, step_ms: i64, range_ms: i64) -> Result<i64, DurationError> {
        let millis = self.resolve(step_ms, range_ms)?;
        match self {
            Duration::Expr(expr) if millis <= 0 => {
                let problem = "duration must be greater than 0";
                Err(DurationError { span: expr.span(), problem })
            }
            _ => Ok(millis),
        }
    }
}

impl DurationExpr {
    /// The value in seconds.
    fn seconds(&self, step: f64, range: f64) -> Result<f64, DurationError> {
        Ok(match self {
            DurationExpr::Number { value, .. } => *value,
            DurationExpr::Step(_) => step,
            DurationExpr::Range(_) => range,
            DurationExpr::Unary { negative, expr, .. } => {
                let value = expr.seconds(step, range)?;
                if *negative { -value } else { value }
            }
            DurationExpr::Paren(expr, _) => expr.seconds(step, range)?,
            DurationExpr::Binary { op, lhs, rhs, span } => {
                let (left, right) = (lhs.seconds(step, range)?, rhs.seconds(step, range)?);
                let fail = |problem| Err(DurationError { span: *span, problem });
                match op {
                    DurationOp::Add => left + right,
                    DurationOp::Sub => left - right,
                    DurationOp::Mul => left * right,
                    DurationOp::Div if right == 0.0 => return fail("division by zero"),
                    DurationOp::Div => left / right,
                    DurationOp::Mod if right == 0.0 => return fail("modulo by zero"),
                    DurationOp::Mod => left % right,
                    DurationOp::Pow => left.powf(right),
                    DurationOp::Min => left.min(right),
                    DurationOp::Max => left.max(right),
                }
            }
        })
    }

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
