//! Why a text is no valid expression, and where.
//!
//! The text of an error is Prometheus': `1:5: parse error: unexpected end of input`. Only the first
//! error of a text is reported.

use std::fmt;

use crate::ast::Span;

/// A text that is no valid expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    span: Span,
    position: Option<(u32, u32)>,
    message: String,
    suggestion: Option<&'static str>,
}

impl ParseError {
    pub(crate) fn new(query: &str, fault: Fault) -> ParseError {
        let start = fault.span.start as usize;
        let position = (!query.is_empty()).then(|| {
            let before = &query.as_bytes()[..start.min(query.len())];
            let line = before.iter().filter(|byte| **byte == b'\n').count();
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            (line as u32 + 1, (before.len() - line_start) as u32 + 1)
        });
        let Fault { span, message, suggestion } = fault;
        ParseError { span, position, message, suggestion }
    }

    /// The bytes at fault.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Line of the first byte at fault, counted from 1; `None` for an empty text.
    pub fn line(&self) -> Option<u32> {
        self.position.map(|(line, _)| line)
    }

    /// Column of the first byte at fault in its line, in bytes, counted from 1.
    pub fn column(&self) -> Option<u32> {
        self.position.map(|(_, column)| column)
    }

    /// What is wrong, without the position.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The function that was probably meant, if an unknown one was called.
    pub fn suggestion(&self) -> Option<&'static str> {
        self.suggestion
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{line}:{column}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

/// An error before its position is counted in lines.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) suggestion: Option<&'static str>,
}

impl Fault {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Box<Fault> {
        Box::new(Fault { span, message: message.into(), suggestion: None })
    }
}

/// Boxed, because a parser returns it from every function.
pub(crate) type Parsed<T> = Result<T, Box<Fault>>;
