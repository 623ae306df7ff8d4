//! PromQL as Prometheus 3 speaks it.
//!
//! The language part reads a text into a tree with byte spans (`parse`), checks its types and
//! prints a tree back as Prometheus would ([`std::fmt::Display`] of [`Expr`]). Limits: a text has at
//! most [`QUERY_BYTES_MAX`] bytes, brackets are nested at most [`NESTING_MAX`] deep and a tree is at
//! most [`TREE_HEIGHT_MAX`] nodes high, so that everything that walks a tree may recurse.
//! Experimental syntax stands behind [`Features`], under
//! the names of Prometheus' feature flags.
//!
//! Not here: storage (series come through a trait of the model), HTTP, rules.

#![forbid(unsafe_code)]

mod aggregate;
mod annotations;
pub mod ast;
mod binary;
mod cached;
mod engine;
mod error;
mod eval;
mod explain;
mod extension;
mod features;
mod format;
pub mod functions;
mod hist;
mod kernels;
mod lex;
mod literal;
mod notation;
mod parse;
mod prepared;
mod print;

pub use ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Duration, DurationError,
    DurationExpr, DurationOp, Expr, Grouping, LabelMatcher, MatchOp, MatrixSelector, Modifiers,
    NumberLiteral, Paren, RangeModifier, Span, StringLiteral, Subquery, Unary, UnaryOp, ValueType,
    VectorMatching, VectorSelector,
};
pub use cached::{CacheStats, ResultCache};
pub use engine::{
    Answer, Engine, EngineConfig, Query, QueryError, QueryResult, STEPS_MAX, Sample, Stats, Value,
};
pub use error::ParseError;
pub use explain::{EXPLAIN_NODES_MAX, ExplainNode, ExplainRead, Explained, Times};
pub use extension::{
    Extension, ExtensionError, ExtensionWindow, Extensions, Run,
    SCALARS_MAX as EXTENSION_SCALARS_MAX,
};
pub use features::Features;
pub use format::{format_plain, format_time, format_value, write_time, write_value};
pub use functions::{FUNCTIONS, Function, Variadic, function};
pub use hist::{HistogramBucket, histogram_buckets, histogram_text};
pub use literal::duration_text as format_duration;
pub use notation::{
    NotationError, SeriesValue, VALUES_MAX, fuzz_series, parse_series, parse_series_labels,
    parse_series_values,
};
pub use parse::{parse, parse_selector};
pub use prepared::KeptStats;

/// Longest query text that is read, in bytes.
pub const QUERY_BYTES_MAX: usize = 1 << 20;

/// Greatest height of a tree in nodes; a chain of operators has as many nodes as operators.
pub const TREE_HEIGHT_MAX: usize = 500;

/// How deep brackets, calls and signs may be nested in a text.
pub const NESTING_MAX: usize = 200;
