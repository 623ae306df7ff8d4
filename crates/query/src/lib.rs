//! PromQL as Prometheus 3 speaks it.
//!
//! The language part reads a text into a tree with byte spans (`parse`), checks its types and
//! prints a tree back as Prometheus would ([`std::fmt::Display`] of [`Expr`]). Limits: a text has at
//! most [`QUERY_BYTES_MAX`] bytes and its tree is at most [`TREE_HEIGHT_MAX`] nodes high, so that
//! everything that walks a tree may recurse. Experimental syntax stands behind [`Features`], under
//! the names of Prometheus' feature flags.
//!
//! Not here: storage (series come through a trait of the model), HTTP, rules.

#![forbid(unsafe_code)]

pub mod ast;
mod features;
pub mod functions;

pub use ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Duration, DurationExpr,
    DurationOp, Expr, Grouping, LabelMatcher, MatchOp, MatrixSelector, Modifiers, NumberLiteral,
    Paren, RangeModifier, Span, StringLiteral, Subquery, Unary, UnaryOp, ValueType, VectorMatching,
    VectorSelector,
};
pub use features::Features;
pub use functions::{Function, function};

/// Longest query text that is read, in bytes.
pub const QUERY_BYTES_MAX: usize = 1 << 20;

/// Greatest height of a tree in nodes, and of nested brackets in a text.
pub const TREE_HEIGHT_MAX: usize = 500;
