//! From a text to a checked tree.
//!
//! A recursive-descent parser with precedence climbing for binary operators; the token that stands
//! next decides everything. The errors are those of Prometheus' grammar: what was expected depends
//! on the innermost construct that is open ([`Context`]), and types are checked when the whole text
//! has been read. Recursion is bounded by [`NESTING_MAX`], the height of the tree by [`TREE_HEIGHT_MAX`].

mod aggregate;
mod check;
mod duration;
mod expression;
mod pattern;
mod postfix;
mod selector;
mod suggest;

use crate::ast::{Expr, Span, VectorSelector};
use crate::error::{Fault, ParseError, Parsed};
use crate::features::Features;
use crate::lex::{Kind, Lexer, Token};
use crate::literal::quote;
use crate::{NESTING_MAX, QUERY_BYTES_MAX, TREE_HEIGHT_MAX};

/// Reads an expression and checks its types.
///
/// # Errors
///
/// The first error of the text, with its position: syntax, types, an unknown function, a part of
/// the language that `features` leaves off, or a text beyond the limits.
pub fn parse(text: &str, features: &Features) -> Result<Expr, ParseError> {
    let read = || {
        let mut parser = Parser::new(text, features)?;
        if parser.token.kind == Kind::Eof {
            return Err(Fault::new(Span::default(), "no expression found in input"));
        }
        let (mut expr, _) = parser.expression()?;
        parser.expect_end()?;
        check::check(&mut expr, text)?;
        Ok(expr)
    };
    read().map_err(|fault| ParseError::new(text, *fault))
}

/// Reads a selector without modifiers, as `match[]` parameters have it. A selector that matches
/// every series is not refused here.
///
/// # Errors
///
/// The first error of the text, with its position.
pub fn parse_selector(text: &str) -> Result<VectorSelector, ParseError> {
    let features = Features::default();
    let read = || {
        let mut parser = Parser::new(text, &features)?;
        let selector = parser.selector_only()?;
        parser.expect_end()?;
        Ok(selector)
    };
    read().map_err(|fault: Box<Fault>| ParseError::new(text, *fault))
}

/// What an unexpected token is found in, and what was expected there.
#[derive(Clone, Copy)]
struct Context {
    inside: &'static str,
    expected: &'static str,
}

const NO_CONTEXT: Context = Context { inside: "", expected: "" };

/// An expression and the height of its tree.
type Tree = (Expr, usize);

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    /// End of the token before.
    last_end: u32,
    context: Context,
    depth: usize,
    features: &'a Features,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, features: &'a Features) -> Parsed<Parser<'a>> {
        if text.len() > QUERY_BYTES_MAX {
            let message = format!(
                "query of {} bytes is longer than the limit of {QUERY_BYTES_MAX} bytes",
                text.len()
            );
            return Err(Fault::new(Span::default(), message));
        }
        let mut lexer = Lexer::new(text);
        let token = lexer.next();
        Ok(Parser { text, lexer, token, last_end: 0, context: NO_CONTEXT, depth: 0, features })
    }

    /// The current token; the next one takes its place.
    fn advance(&mut self) -> Token {
        let token =
            std::mem::replace(&mut self.token, Token { kind: Kind::Eof, span: Span::default() });
        self.last_end = token.span.end;
        self.token = self.lexer.next();
        token
    }

    fn accept(&mut self, kind: Kind) -> Option<Token> {
        (self.token.kind == kind).then(|| self.advance())
    }

    /// Takes a token of `kind`; anything else is unexpected in the current context.
    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        match self.accept(kind) {
            Some(token) => Ok(token),
            None => Err(self.unexpected_here()),
        }
    }

    fn expect_end(&mut self) -> Parsed<()> {
        if self.token.kind == Kind::Eof { Ok(()) } else { Err(self.unexpected_here()) }
    }

    fn text_of(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn unexpected_here(&self) -> Box<Fault> {
        self.unexpected(self.context.inside, self.context.expected)
    }

    fn unexpected(&self, inside: &str, expected: &str) -> Box<Fault> {
        if self.token.kind == Kind::Error {
            return Fault::new(self.token.span, self.lexer.error());
        }
        let mut message = format!("unexpected {}", self.describe(self.token));
        if !inside.is_empty() {
            message.push_str(" in ");
            message.push_str(inside);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        Fault::new(self.token.span, message)
    }

    fn describe(&self, token: Token) -> String {
        let text = self.text_of(token.span);
        let shortened = || match text.char_indices().nth(10) {
            Some((end, _)) if text.len() > 10 => format!("{}...", quote(&text[..end])),
            _ if text.len() > 10 => format!("{}...", quote(text)),
            _ => quote(text),
        };
        match token.kind {
            Kind::Eof => "end of input".into(),
            Kind::Identifier => format!("identifier {}", quote(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            Kind::Number => format!("number {}", shortened()),
            Kind::Duration => format!("duration {}", shortened()),
            Kind::String => format!("string {}", shortened()),
            Kind::Op(_) | Kind::At | Kind::EqualRegex | Kind::NotRegex => format!("<op:{text}>"),
            Kind::Aggregate(_) => format!("<aggr:{text}>"),
            Kind::Bool
            | Kind::By
            | Kind::Without
            | Kind::On
            | Kind::Ignoring
            | Kind::GroupLeft
            | Kind::GroupRight
            | Kind::Fill
            | Kind::FillLeft
            | Kind::FillRight
            | Kind::Offset
            | Kind::Anchored
            | Kind::Smoothed => format!("<{text}>"),
            _ => quote(text),
        }
    }

    /// Runs `read` one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return Err(too_deep(self.token.span, NESTING_MAX));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Runs `read` with another context.
    fn within<T>(
        &mut self,
        context: Context,
        read: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.context, context);
        let result = read(self);
        self.context = outer;
        result
    }
}

/// The height of a node above trees of the given heights.
fn height_above(below: usize, span: Span) -> Parsed<usize> {
    if below >= TREE_HEIGHT_MAX { Err(too_deep(span, TREE_HEIGHT_MAX)) } else { Ok(below + 1) }
}

fn too_deep(span: Span, limit: usize) -> Box<Fault> {
    Fault::new(span, format!("expression is nested deeper than the limit of {limit}"))
}
