//! Operators, literals, brackets and calls.

use super::{Parser, Tree, height_above, suggest};
use crate::ast::{
    AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, NumberLiteral, Paren, Span,
    StringLiteral, Unary, UnaryOp, VectorMatching,
};
use crate::error::{Fault, Parsed};
use crate::lex::{Kind, Token};
use crate::literal::{duration, number, quote, unquote};

const LOWEST: u8 = 1;
const POWER: u8 = 6;

/// How tight an operator binds. A sign binds like `*`.
const fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => LOWEST,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => 5,
        BinaryOp::Pow => POWER,
        _ => 3,
    }
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Tree> {
        self.operators(LOWEST)
    }

    /// An expression of operators that bind at least as tight as `weakest`.
    fn operators(&mut self, weakest: u8) -> Parsed<Tree> {
        self.nested(|parser| {
            let mut tree = parser.operand()?;
            while let Kind::Op(op) = parser.token.kind
                && precedence(op) >= weakest
            {
                tree = parser.binary(op, tree)?;
            }
            Ok(tree)
        })
    }

    fn binary(&mut self, op: BinaryOp, (lhs, left_height): Tree) -> Parsed<Tree> {
        self.advance();
        let (matching, return_bool) = self.binary_modifiers()?;
        let weakest = precedence(op) + u8::from(op != BinaryOp::Pow);
        let (rhs, right_height) = self.operators(weakest)?;
        let span = lhs.span().to(rhs.span());
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if fills && !self.features.binop_fill_modifiers {
            let message = "binop fill modifiers are experimental and not enabled";
            return Err(Fault::new(span, message));
        }
        let height = height_above(left_height.max(right_height), span)?;
        let node = Binary { op, lhs, rhs, matching: Some(matching), return_bool, span };
        Ok((Expr::Binary(Box::new(node)), height))
    }

    /// `bool`, `on` or `ignoring`, `group_left` or `group_right`, `fill` and its like.
    fn binary_modifiers(&mut self) -> Parsed<(VectorMatching, bool)> {
        let return_bool = self.accept(Kind::Bool).is_some();
        let mut matching = VectorMatching::new(Cardinality::OneToOne);
        if matches!(self.token.kind, Kind::On | Kind::Ignoring) {
            matching.on = self.advance().kind == Kind::On;
            matching.labels = self.grouping_labels()?;
            let card = match self.token.kind {
                Kind::GroupLeft => Some(Cardinality::ManyToOne),
                Kind::GroupRight => Some(Cardinality::OneToMany),
                _ => None,
            };
            if let Some(card) = card {
                self.advance();
                matching.card = card;
                if self.token.kind == Kind::LeftParen {
                    matching.include = self.grouping_labels()?;
                }
            }
        }
        self.fill_modifiers(&mut matching)?;
        Ok((matching, return_bool))
    }

    fn fill_modifiers(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        if self.accept(Kind::Fill).is_some() {
            let value = self.fill_value()?;
            matching.fill_left = Some(value);
            matching.fill_right = Some(value);
            return Ok(());
        }
        for _ in 0..2 {
            match self.token.kind {
                Kind::FillLeft if matching.fill_left.is_none() => {
                    self.advance();
                    matching.fill_left = Some(self.fill_value()?);
                }
                Kind::FillRight if matching.fill_right.is_none() => {
                    self.advance();
                    matching.fill_right = Some(self.fill_value()?);
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect(Kind::LeftParen)?;
        let value = match self.signed_number()? {
            Some(value) => value,
            None => return Err(self.unexpected_here()),
        };
        self.expect(Kind::RightParen)?;
        Ok(value)
    }

    /// A number or duration with or without a sign; `None` if none stands here.
    pub(super) fn signed_number(&mut self) -> Parsed<Option<f64>> {
        let negative = match self.token.kind {
            Kind::Op(BinaryOp::Add | BinaryOp::Sub) => {
                self.advance().kind == Kind::Op(BinaryOp::Sub)
            }
            _ => false,
        };
        if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
            return Ok(None);
        }
        let literal = self.number_literal()?;
        Ok(Some(if negative { -literal.value } else { literal.value }))
    }

    /// Reads the current token, a number or a duration.
    pub(super) fn number_literal(&mut self) -> Parsed<NumberLiteral> {
        let Token { kind, span } = self.advance();
        let text = self.text_of(span);
        let is_duration = kind == Kind::Duration;
        let value = if is_duration {
            duration(text).map(|millis| millis as f64 / 1000.0)
        } else {
            number(text)
        };
        match value {
            Ok(value) => Ok(NumberLiteral { value, duration: is_duration, span }),
            Err(message) => Err(Fault::new(span, message)),
        }
    }

    fn operand(&mut self) -> Parsed<Tree> {
        let op = match self.token.kind {
            Kind::Op(BinaryOp::Add) => UnaryOp::Plus,
            Kind::Op(BinaryOp::Sub) => UnaryOp::Minus,
            _ => {
                let tree = self.primary()?;
                return self.postfix(tree);
            }
        };
        let sign = self.advance();
        let (expr, height) = self.operators(POWER)?;
        let span = sign.span.to(expr.span());
        if let Expr::Number(literal) = expr {
            let value = if op == UnaryOp::Minus { -literal.value } else { literal.value };
            return Ok((Expr::Number(NumberLiteral { value, span, ..literal }), height));
        }
        let height = height_above(height, span)?;
        Ok((Expr::Unary(Box::new(Unary { op, expr, span })), height))
    }

    fn primary(&mut self) -> Parsed<Tree> {
        let token = self.token;
        match token.kind {
            Kind::Number | Kind::Duration => Ok((Expr::Number(self.number_literal()?), 1)),
            Kind::String => {
                self.advance();
                Ok((Expr::String(self.string_literal(token.span)), 1))
            }
            Kind::LeftParen => self.paren(),
            Kind::LeftBrace => Ok((self.selector(None)?, 1)),
            Kind::Aggregate(op) => self.aggregate_or_selector(op),
            Kind::Identifier
            | Kind::Start
            | Kind::End
            | Kind::Step
            | Kind::Range
            | Kind::MinOf
            | Kind::MaxOf => {
                self.advance();
                if self.token.kind == Kind::LeftParen {
                    self.call(token.span)
                } else {
                    Ok((self.selector(Some(token.span))?, 1))
                }
            }
            Kind::MetricIdentifier
            | Kind::By
            | Kind::Without
            | Kind::Offset
            | Kind::Anchored
            | Kind::Smoothed
            | Kind::Op(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) => {
                self.advance();
                Ok((self.selector(Some(token.span))?, 1))
            }
            _ => Err(self.unexpected_here()),
        }
    }

    fn aggregate_or_selector(&mut self, op: AggregateOp) -> Parsed<Tree> {
        let name = self.advance().span;
        if matches!(self.token.kind, Kind::LeftParen | Kind::By | Kind::Without) {
            self.aggregate(op, name)
        } else {
            Ok((self.selector(Some(name))?, 1))
        }
    }

    pub(super) fn string_literal(&self, span: Span) -> StringLiteral {
        match String::from_utf8(unquote(self.text_of(span))) {
            Ok(value) => StringLiteral { value, bytes: None, span },
            Err(error) => {
                let bytes = error.into_bytes();
                let value = String::from_utf8_lossy(&bytes).into_owned();
                StringLiteral { value, bytes: Some(bytes.into()), span }
            }
        }
    }

    fn paren(&mut self) -> Parsed<Tree> {
        let open = self.advance();
        let (expr, height) = self.expression()?;
        let close = self.expect(Kind::RightParen)?;
        let span = open.span.to(close.span);
        let height = height_above(height, span)?;
        Ok((Expr::Paren(Box::new(Paren { expr, span })), height))
    }

    fn call(&mut self, name: Span) -> Parsed<Tree> {
        let (args, height) = self.arguments()?;
        let text = self.text_of(name);
        let Some(row) = self.features.function(text) else {
            let message = format!("unknown function with name {}", quote(text));
            let mut fault = Fault::new(name, message);
            fault.suggestion = suggest::nearest(text, self.features);
            return Err(fault);
        };
        if row.experimental && !self.features.experimental_functions {
            let message = format!("function {} is not enabled", quote(text));
            return Err(Fault::new(name, message));
        }
        let span = Span::new(name.start, self.last_end);
        let height = height_above(height, span)?;
        Ok((Expr::Call(Call { function: row, args, span }), height))
    }

    /// Arguments in parentheses, and the height of the highest.
    pub(super) fn arguments(&mut self) -> Parsed<(Vec<Expr>, usize)> {
        self.expect(Kind::LeftParen)?;
        let mut args = Vec::new();
        let mut height = 0;
        if self.accept(Kind::RightParen).is_some() {
            return Ok((args, height));
        }
        loop {
            let (arg, arg_height) = self.expression()?;
            args.push(arg);
            height = height.max(arg_height);
            let Some(comma) = self.accept(Kind::Comma) else { break };
            if !self.starts_expression() {
                let message = "trailing commas not allowed in function call args";
                return Err(Fault::new(comma.span, message));
            }
        }
        self.expect(Kind::RightParen)?;
        Ok((args, height))
    }

    /// Whether an expression may begin with the current token. A broken token counts, so that its
    /// own error is reported.
    fn starts_expression(&self) -> bool {
        match self.token.kind {
            Kind::Op(op) => matches!(
                op,
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless
            ),
            Kind::Eof
            | Kind::RightParen
            | Kind::RightBrace
            | Kind::LeftBracket
            | Kind::RightBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::Assign
            | Kind::EqualRegex
            | Kind::NotRegex
            | Kind::At
            | Kind::Bool
            | Kind::On
            | Kind::Ignoring
            | Kind::GroupLeft
            | Kind::GroupRight
            | Kind::Fill
            | Kind::FillLeft
            | Kind::FillRight => false,
            _ => true,
        }
    }
}
