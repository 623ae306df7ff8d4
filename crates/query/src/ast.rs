//! The tree of a PromQL expression.
//!
//! Every node knows the bytes of the text that it was read from ([`Span`]), so that an error or a
//! warning can point at them. A tree that `parse` returns is well typed: arguments have
//! the types that the function table asks for, a [`Binary`] between two instant vectors has a
//! [`VectorMatching`] and no other has one, and no tree is higher than [`crate::TREE_HEIGHT_MAX`].
//! Times are milliseconds since 1970, lengths of time milliseconds; both may be negative where the
//! language allows it.

mod duration;
mod operator;
mod selector;

pub use duration::{Duration, DurationError, DurationExpr, DurationOp};
pub use operator::{AggregateOp, BinaryOp, Cardinality, Grouping, UnaryOp, VectorMatching};
pub use selector::{
    At, LabelMatcher, MatchOp, MatrixSelector, Modifiers, RangeModifier, VectorSelector,
};

use crate::functions::Function;

/// A half-open range of bytes of the query text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// From the start of this span to the end of `other`.
    pub const fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// What an expression evaluates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// One string.
    String,
    /// One sample for each of some series.
    InstantVector,
    /// A range of samples for each of some series.
    RangeVector,
}

impl ValueType {
    /// As error texts name it.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::String => "string",
            ValueType::InstantVector => "instant vector",
            ValueType::RangeVector => "range vector",
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `1.5`, `0x1f`, `Inf`, `5m`
    Number(NumberLiteral),
    /// `"text"`
    String(StringLiteral),
    /// `up{job="api"} offset 5m`
    Vector(Box<VectorSelector>),
    /// `up[5m]`
    Matrix(Box<MatrixSelector>),
    /// `rate(up[5m])[1h:1m]`
    Subquery(Box<Subquery>),
    /// `rate(up[5m])`
    Call(Call),
    /// `sum by (job) (up)`
    Aggregate(Box<Aggregate>),
    /// `a * on (job) b`
    Binary(Box<Binary>),
    /// `-a`
    Unary(Box<Unary>),
    /// `(a)`
    Paren(Box<Paren>),
}

impl Expr {
    /// What the expression evaluates to.
    pub fn value_type(&self) -> ValueType {
        match self {
            Expr::Number(_) => ValueType::Scalar,
            Expr::String(_) => ValueType::String,
            Expr::Vector(_) | Expr::Aggregate(_) => ValueType::InstantVector,
            Expr::Matrix(_) | Expr::Subquery(_) => ValueType::RangeVector,
            Expr::Call(call) => call.function.returns,
            Expr::Binary(binary) => binary.value_type(),
            Expr::Unary(unary) => unary.expr.value_type(),
            Expr::Paren(paren) => paren.expr.value_type(),
        }
    }

    /// The bytes that the expression was read from.
    pub fn span(&self) -> Span {
        match self {
            Expr::Number(node) => node.span,
            Expr::String(node) => node.span,
            Expr::Vector(node) => node.span,
            Expr::Matrix(node) => node.span,
            Expr::Subquery(node) => node.span,
            Expr::Call(node) => node.span,
            Expr::Aggregate(node) => node.span,
            Expr::Binary(node) => node.span,
            Expr::Unary(node) => node.span,
            Expr::Paren(node) => node.span,
        }
    }

    /// The expression inside any brackets around it.
    pub fn unwrap_paren(&self) -> &Expr {
        let mut expr = self;
        while let Expr::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }

    /// The expressions directly below this one, in the order of the text. A matrix selector has
    /// none: its vector selector is a part of it.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => Vec::new(),
            Expr::Subquery(node) => vec![&node.expr],
            Expr::Call(node) => node.args.iter().collect(),
            Expr::Aggregate(node) => node.param.iter().chain([&node.expr]).collect(),
            Expr::Binary(node) => vec![&node.lhs, &node.rhs],
            Expr::Unary(node) => vec![&node.expr],
            Expr::Paren(node) => vec![&node.expr],
        }
    }

    /// Calls `visit` for this expression and everything below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Every selector of the expression, also those inside range selectors.
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut found = Vec::new();
        self.walk(&mut |expr| match expr {
            Expr::Vector(selector) => found.push(&**selector),
            Expr::Matrix(matrix) => found.push(&matrix.vector),
            _ => {}
        });
        found
    }
}

/// A number, or a duration in the place of one (`5m` is 300).
#[derive(Debug, Clone, Copy)]
pub struct NumberLiteral {
    /// The number; seconds if it was written as a duration.
    pub value: f64,
    /// It was written as a duration and is printed as one.
    pub duration: bool,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for NumberLiteral {
    /// Compares bits, so that `NaN` equals itself and `-0` differs from `0`.
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits()
            && self.duration == other.duration
            && self.span == other.span
    }
}

/// A string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringLiteral {
    /// Its text, escapes resolved.
    pub value: String,
    /// Its bytes, if escapes make them something else than UTF-8; `value` then has replacement
    /// characters in their place.
    pub bytes: Option<Box<[u8]>>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// An expression evaluated over a grid of times: `expr[range:step] @ at offset offset`.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// The inner expression; an instant vector.
    pub expr: Expr,
    /// Length of the grid.
    pub range: Duration,
    /// Distance of its points; `None` is the global evaluation interval.
    pub step: Option<Duration>,
    /// `@` and `offset`.
    pub modifiers: Modifiers,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The row of the function table.
    pub function: &'static Function,
    /// The arguments, as many as the table allows and of its types.
    pub args: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What is computed for each group.
    pub op: AggregateOp,
    /// The instant vector.
    pub expr: Expr,
    /// `k` of `topk`, `φ` of `quantile`, the label of `count_values`.
    pub param: Option<Expr>,
    /// `by (…)` or `without (…)`; no clause is `By` with no labels.
    pub grouping: Grouping,
    /// Where it stands.
    pub span: Span,
}

/// A binary operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// The left side.
    pub lhs: Expr,
    /// The right side.
    pub rhs: Expr,
    /// How elements find each other: present exactly if both sides are instant vectors.
    pub matching: Option<VectorMatching>,
    /// `bool` was given: a comparison yields 0 or 1 instead of filtering.
    pub return_bool: bool,
    /// Where it stands.
    pub span: Span,
}

impl Binary {
    fn value_type(&self) -> ValueType {
        let scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        // A chain of operators is deep on its left side: look at the short side first.
        if scalar(&self.rhs) && scalar(&self.lhs) {
            ValueType::Scalar
        } else {
            ValueType::InstantVector
        }
    }
}

/// A sign before an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Unary {
    /// The sign.
    pub op: UnaryOp,
    /// A scalar or an instant vector.
    pub expr: Expr,
    /// Where it stands.
    pub span: Span,
}

/// An expression in brackets.
#[derive(Debug, Clone, PartialEq)]
pub struct Paren {
    /// What stands between them.
    pub expr: Expr,
    /// Where it stands, brackets included.
    pub span: Span,
}
