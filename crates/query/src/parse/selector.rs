//! Vector selectors: a name, conditions in braces, or both.

use super::{Parser, pattern};
use crate::ast::{BinaryOp, Expr, LabelMatcher, MatchOp, Modifiers, Span, VectorSelector};
use crate::error::{Fault, Parsed};
use crate::lex::{Kind, Token};

const NAME: &str = "__name__";

impl Parser<'_> {
    /// Reads a selector whose name, if it has one, has been taken.
    pub(super) fn selector(&mut self, name: Option<Span>) -> Parsed<Expr> {
        let selector = self.selector_of(name)?;
        Ok(Expr::Vector(Box::new(selector)))
    }

    /// Reads a whole selector and nothing else.
    pub(super) fn selector_only(&mut self) -> Parsed<VectorSelector> {
        match self.token.kind {
            Kind::LeftBrace => self.selector_of(None),
            Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Aggregate(_)
            | Kind::By
            | Kind::Without
            | Kind::Offset
            | Kind::Anchored
            | Kind::Smoothed
            | Kind::Start
            | Kind::End
            | Kind::Step
            | Kind::Range
            | Kind::MinOf
            | Kind::MaxOf
            | Kind::Op(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) => {
                let name = self.advance().span;
                self.selector_of(Some(name))
            }
            _ => Err(self.unexpected_here()),
        }
    }

    fn selector_of(&mut self, name: Option<Span>) -> Parsed<VectorSelector> {
        let start = name.unwrap_or(self.token.span).start;
        let mut matchers = Vec::new();
        if self.token.kind == Kind::LeftBrace {
            matchers = self.matchers()?;
        }
        if let Some(span) = name {
            let value = self.text_of(span).to_owned();
            matchers.push(LabelMatcher { name: NAME.into(), op: MatchOp::Equal, value, span });
        }
        Ok(VectorSelector {
            name: name.map(|span| self.text_of(span).to_owned()),
            matchers,
            modifiers: Modifiers::default(),
            extended: None,
            span: Span::new(start, self.last_end),
        })
    }

    fn matchers(&mut self) -> Parsed<Vec<LabelMatcher>> {
        self.advance();
        let mut matchers = Vec::new();
        while self.accept(Kind::RightBrace).is_none() {
            matchers.push(self.matcher()?);
            match self.token.kind {
                Kind::Comma => {
                    self.advance();
                }
                Kind::RightBrace => {}
                _ => return Err(self.unexpected("label matching", "\",\" or \"}\"")),
            }
        }
        Ok(matchers)
    }

    fn matcher(&mut self) -> Parsed<LabelMatcher> {
        let label = self.token;
        if !matches!(label.kind, Kind::Identifier | Kind::String) {
            return Err(self.unexpected("label matching", "identifier or \"}\""));
        }
        self.advance();
        let Some(op) = match_op(self.token.kind) else {
            return self.name_matcher(label);
        };
        self.advance();
        let value = self.token.span;
        if self.accept(Kind::String).is_none() {
            return Err(self.unexpected("label matching", "string"));
        }
        let span = label.span.to(value);
        let name = match label.kind {
            Kind::String => self.string_literal(label.span).value,
            _ => self.text_of(label.span).to_owned(),
        };
        let value = self.string_literal(value).value;
        if matches!(op, MatchOp::Regex | MatchOp::NotRegex)
            && let Err(message) = pattern::check(&value)
        {
            return Err(Fault::new(span, message));
        }
        Ok(LabelMatcher { name, op, value, span })
    }

    /// A quoted string alone is the metric name.
    fn name_matcher(&self, label: Token) -> Parsed<LabelMatcher> {
        if label.kind != Kind::String {
            return Err(self.unexpected("label matching", "label matching operator"));
        }
        let value = self.string_literal(label.span).value;
        Ok(LabelMatcher { name: NAME.into(), op: MatchOp::Equal, value, span: label.span })
    }
}

const fn match_op(kind: Kind) -> Option<MatchOp> {
    match kind {
        Kind::Assign => Some(MatchOp::Equal),
        Kind::Op(BinaryOp::NotEqual) => Some(MatchOp::NotEqual),
        Kind::EqualRegex => Some(MatchOp::Regex),
        Kind::NotRegex => Some(MatchOp::NotRegex),
        _ => None,
    }
}
