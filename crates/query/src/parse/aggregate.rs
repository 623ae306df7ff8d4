//! Aggregations and lists of labels.

use super::{Context, Parser, Tree, height_above};
use crate::ast::{Aggregate, AggregateOp, Expr, Grouping, Span};
use crate::error::{Fault, Parsed};
use crate::lex::Kind;
use crate::literal::{quote, quote_bytes};

const AGGREGATION: Context = Context { inside: "aggregation", expected: "" };

impl Parser<'_> {
    /// Reads what follows the name of an aggregation.
    pub(super) fn aggregate(&mut self, op: AggregateOp, name: Span) -> Parsed<Tree> {
        let (grouping, args, height) = self.within(AGGREGATION, |parser| {
            let before = parser.grouping()?;
            let (args, height) = parser.arguments()?;
            let grouping = match before {
                Some(grouping) => Some(grouping),
                None => parser.grouping()?,
            };
            Ok((grouping.unwrap_or(Grouping::By(Vec::new())), args, height))
        })?;
        let span = Span::new(name.start, self.last_end);
        let (param, expr) = self.split_arguments(op, args, span)?;
        let height = height_above(height, span)?;
        Ok((Expr::Aggregate(Box::new(Aggregate { op, expr, param, grouping, span })), height))
    }

    fn split_arguments(
        &self,
        op: AggregateOp,
        args: Vec<Expr>,
        span: Span,
    ) -> Parsed<(Option<Expr>, Expr)> {
        let given = args.len();
        if given == 0 {
            return Err(Fault::new(span, "no arguments for aggregate expression provided"));
        }
        if op.is_experimental() && !self.features.experimental_functions {
            let name = op.text();
            let message = format!(
                "{name}() is experimental and must be enabled with \
                 --enable-feature=promql-experimental-functions"
            );
            return Err(Fault::new(span, message));
        }
        let wanted = if op.param_type().is_some() { 2 } else { 1 };
        let mut args = args.into_iter();
        match (wanted, args.next(), args.next(), args.next()) {
            (1, Some(expr), None, None) => Ok((None, expr)),
            (2, param, Some(expr), None) => Ok((param, expr)),
            _ => {
                let message = format!(
                    "wrong number of arguments for aggregate expression provided, \
                     expected {wanted}, got {given}"
                );
                Err(Fault::new(span, message))
            }
        }
    }

    /// `by (…)` or `without (…)`, if one of them stands here.
    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        match self.token.kind {
            Kind::By => {
                self.advance();
                Ok(Some(Grouping::By(self.grouping_labels()?)))
            }
            Kind::Without => {
                self.advance();
                Ok(Some(Grouping::Without(self.grouping_labels()?)))
            }
            _ => Ok(None),
        }
    }

    /// A list of labels in parentheses. The words of the language are labels here.
    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        let mut labels = Vec::new();
        if self.accept(Kind::LeftParen).is_none() {
            return Err(self.unexpected("grouping opts", "\"(\""));
        }
        while self.accept(Kind::RightParen).is_none() {
            labels.push(self.grouping_label()?);
            match self.token.kind {
                Kind::Comma => {
                    self.advance();
                }
                Kind::RightParen => {}
                _ => return Err(self.unexpected("grouping opts", "\",\" or \")\"")),
            }
        }
        Ok(labels)
    }

    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.token;
        let text = self.text_of(token.span);
        match token.kind {
            Kind::String => {
                self.advance();
                let label = self.string_literal(token.span);
                let invalid = label.bytes.as_deref().map(quote_bytes);
                match invalid.or_else(|| label.value.is_empty().then(|| quote(""))) {
                    None => Ok(label.value),
                    Some(name) => {
                        let message = format!("invalid label name for grouping: {name}");
                        Err(Fault::new(token.span, message))
                    }
                }
            }
            Kind::Number | Kind::Duration | Kind::Error => Err(self.no_label()),
            _ if text
                .starts_with(|first: char| first.is_ascii_alphabetic() || "_:".contains(first)) =>
            {
                self.advance();
                Ok(text.to_owned())
            }
            _ => Err(self.no_label()),
        }
    }

    fn no_label(&self) -> Box<Fault> {
        self.unexpected("grouping opts", "label")
    }
}
