//! Lengths of time in brackets and behind `offset`.

use super::Parser;
use crate::NESTING_MAX;
use crate::ast::{BinaryOp, Duration, DurationExpr, DurationOp, NumberLiteral, Span};
use crate::error::{Fault, Parsed};
use crate::lex::{Kind, Token};
use crate::literal::DURATION_SECONDS_MAX;

const LOWEST: u8 = 1;
const POWER: u8 = 3;

const fn operator(kind: Kind) -> Option<(DurationOp, u8)> {
    match kind {
        Kind::Op(BinaryOp::Add) => Some((DurationOp::Add, LOWEST)),
        Kind::Op(BinaryOp::Sub) => Some((DurationOp::Sub, LOWEST)),
        Kind::Op(BinaryOp::Mul) => Some((DurationOp::Mul, 2)),
        Kind::Op(BinaryOp::Div) => Some((DurationOp::Div, 2)),
        Kind::Op(BinaryOp::Mod) => Some((DurationOp::Mod, 2)),
        Kind::Op(BinaryOp::Pow) => Some((DurationOp::Pow, POWER)),
        _ => None,
    }
}

const fn is_sign(kind: Kind) -> bool {
    matches!(kind, Kind::Op(BinaryOp::Add | BinaryOp::Sub))
}

impl Parser<'_> {
    /// The length of a range or step: a literal must be greater than zero.
    pub(super) fn positive_duration(&mut self) -> Parsed<Duration> {
        let expr = self.duration_operators(LOWEST)?;
        if let DurationExpr::Number { value, span, .. } = &expr
            && (*value <= 0.0 || value.is_nan())
        {
            return Err(Fault::new(*span, "duration must be greater than 0"));
        }
        Ok(settle(expr))
    }

    /// The length behind `offset`. It ends where it could: `m offset 1m + 2` adds 2 to `m`, while
    /// `m offset (1m) + 2` is offset by the sum.
    pub(super) fn offset_duration(&mut self) -> Parsed<Duration> {
        let expr = match self.token.kind {
            Kind::LeftParen => self.duration_operators(LOWEST)?,
            kind if is_sign(kind) => self.signed_offset()?,
            _ => self.duration_operand()?,
        };
        Ok(settle(expr))
    }

    fn signed_offset(&mut self) -> Parsed<DurationExpr> {
        let sign = self.advance();
        if is_sign(self.token.kind) {
            let inner = self.duration_operators(POWER)?;
            let first = signed(sign, inner)?;
            return self.duration_tail(first, LOWEST);
        }
        let inner = self.duration_operand()?;
        if matches!(inner, DurationExpr::Number { .. } | DurationExpr::Paren(..)) {
            return signed(sign, inner);
        }
        let span = sign.span.to(inner.span());
        let negative = sign.kind == Kind::Op(BinaryOp::Sub);
        Ok(DurationExpr::Unary { negative, expr: Box::new(inner), span })
    }

    fn duration_operators(&mut self, weakest: u8) -> Parsed<DurationExpr> {
        self.nested(|parser| {
            let first = if is_sign(parser.token.kind) {
                let sign = parser.advance();
                let inner = parser.duration_operators(POWER)?;
                signed(sign, inner)?
            } else {
                parser.duration_operand()?
            };
            parser.duration_tail(first, weakest)
        })
    }

    /// Operators behind `lhs`. Their number is bounded, because each makes the tree higher.
    fn duration_tail(&mut self, mut lhs: DurationExpr, weakest: u8) -> Parsed<DurationExpr> {
        let outer_depth = self.depth;
        while let Some((op, strength)) = operator(self.token.kind)
            && strength >= weakest
        {
            let sign = self.advance();
            let next = strength + u8::from(op != DurationOp::Pow);
            let rhs = self.duration_operators(next)?;
            self.needs_duration_expr(lhs.span())?;
            let zero = matches!(rhs, DurationExpr::Number { value: 0.0, .. });
            match op {
                DurationOp::Div if zero => return Err(Fault::new(sign.span, "division by zero")),
                DurationOp::Mod if zero => return Err(Fault::new(sign.span, "modulo by zero")),
                _ => {}
            }
            let span = lhs.span().to(rhs.span());
            lhs = DurationExpr::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs), span };
            self.depth += 1;
            if self.depth > NESTING_MAX {
                return Err(super::too_deep(span, NESTING_MAX));
            }
        }
        self.depth = outer_depth;
        Ok(lhs)
    }

    fn needs_duration_expr(&self, span: Span) -> Parsed<()> {
        if self.features.duration_expr {
            return Ok(());
        }
        Err(Fault::new(span, "experimental duration expression is not enabled"))
    }

    fn duration_operand(&mut self) -> Parsed<DurationExpr> {
        match self.token.kind {
            Kind::Number | Kind::Duration => {
                let NumberLiteral { value, duration, span } = self.number_literal()?;
                in_range(value, span)?;
                Ok(DurationExpr::Number { value, duration, span })
            }
            Kind::Step | Kind::Range => {
                let name = self.advance();
                self.expect(Kind::LeftParen)?;
                let span = name.span.to(self.expect(Kind::RightParen)?.span);
                self.needs_duration_expr(span)?;
                Ok(if name.kind == Kind::Step {
                    DurationExpr::Step(span)
                } else {
                    DurationExpr::Range(span)
                })
            }
            Kind::MinOf | Kind::MaxOf => self.extreme(),
            Kind::LeftParen => {
                let open = self.advance().span;
                let inner = self.duration_operators(LOWEST)?;
                let span = open.to(self.expect(Kind::RightParen)?.span);
                self.needs_duration_expr(inner.span())?;
                Ok(DurationExpr::Paren(Box::new(inner), span))
            }
            _ => Err(self.unexpected_here()),
        }
    }

    fn extreme(&mut self) -> Parsed<DurationExpr> {
        let name = self.advance();
        let op = if name.kind == Kind::MinOf { DurationOp::Min } else { DurationOp::Max };
        self.expect(Kind::LeftParen)?;
        let lhs = Box::new(self.duration_operators(LOWEST)?);
        self.expect(Kind::Comma)?;
        let rhs = Box::new(self.duration_operators(LOWEST)?);
        let span = name.span.to(self.expect(Kind::RightParen)?.span);
        self.needs_duration_expr(span)?;
        Ok(DurationExpr::Binary { op, lhs, rhs, span })
    }
}

/// A sign and what it stands before. A number takes the sign in; a plus changes nothing.
fn signed(sign: Token, expr: DurationExpr) -> Parsed<DurationExpr> {
    let negative = sign.kind == Kind::Op(BinaryOp::Sub);
    let span = sign.span.to(expr.span());
    match expr {
        DurationExpr::Number { value, duration, .. } => {
            let value = if negative { -value } else { value };
            in_range(value, sign.span)?;
            Ok(DurationExpr::Number { value, duration, span })
        }
        expr if negative => Ok(DurationExpr::Unary { negative, expr: Box::new(expr), span }),
        expr => Ok(expr),
    }
}

fn in_range(seconds: f64, span: Span) -> Parsed<()> {
    if seconds.abs() > DURATION_SECONDS_MAX {
        return Err(Fault::new(span, "duration out of range"));
    }
    Ok(())
}

/// A number is known now, in whole milliseconds; anything else when the query runs.
fn settle(expr: DurationExpr) -> Duration {
    match expr {
        DurationExpr::Number { value, .. } => {
            Duration::Fixed((value * 1e9).round() as i64 / 1_000_000)
        }
        expr => Duration::Expr(Box::new(expr)),
    }
}
