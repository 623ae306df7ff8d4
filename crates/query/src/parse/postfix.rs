//! What stands behind an expression: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`.

use super::{Context, Parser, Tree, height_above};
use crate::ast::{
    At, Duration, Expr, MatrixSelector, Modifiers, RangeModifier, Span, Subquery, VectorSelector,
};
use crate::error::{Fault, Parsed};
use crate::lex::Kind;

const RANGE: Context = Context {
    inside: "subquery or range selector",
    expected: "number, duration, step(), or range()",
};
const STEP: Context = Context {
    inside: "subquery selector",
    expected: "number, duration, step(), range(), or \"]\"",
};
const OFFSET: Context =
    Context { inside: "offset", expected: "number, duration, step(), or range()" };
const AT: Context = Context { inside: "@", expected: "timestamp" };

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut tree: Tree) -> Parsed<Tree> {
        loop {
            match self.token.kind {
                Kind::LeftBracket => tree = self.brackets(tree)?,
                Kind::Offset => self.offset(&mut tree.0)?,
                Kind::At => self.at(&mut tree.0)?,
                Kind::Anchored => self.extended(&mut tree.0, RangeModifier::Anchored)?,
                Kind::Smoothed => self.extended(&mut tree.0, RangeModifier::Smoothed)?,
                _ => return Ok(tree),
            }
        }
    }

    fn brackets(&mut self, (expr, height): Tree) -> Parsed<Tree> {
        let open = self.advance().span;
        let range = self.within(RANGE, Parser::positive_duration)?;
        match self.token.kind {
            Kind::Colon => {
                self.advance();
                let step = self.step()?;
                let span = Span::new(expr.span().start, self.last_end);
                let height = height_above(height, span)?;
                let modifiers = Modifiers::default();
                Ok((
                    Expr::Subquery(Box::new(Subquery { expr, range, step, modifiers, span })),
                    height,
                ))
            }
            Kind::RightBracket => {
                let close = self.advance().span;
                let matrix = matrix_selector(expr, range, open.to(close))?;
                Ok((Expr::Matrix(Box::new(matrix)), height))
            }
            _ => Err(self.unexpected("subquery or range", "\":\" or \"]\"")),
        }
    }

    /// The step of a subquery and the closing bracket.
    fn step(&mut self) -> Parsed<Option<Duration>> {
        if self.accept(Kind::RightBracket).is_some() {
            return Ok(None);
        }
        let step = self.within(STEP, Parser::positive_duration)?;
        if self.accept(Kind::RightBracket).is_none() {
            return Err(self.unexpected("subquery selector", "\"]\""));
        }
        Ok(Some(step))
    }

    fn offset(&mut self, expr: &mut Expr) -> Parsed<()> {
        self.advance();
        let offset = self.within(OFFSET, Parser::offset_duration)?;
        let span = expr.span();
        let Some((modifiers, end)) = modifiers_of(expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or \
                           range vector selector or a subquery";
            return Err(Fault::new(span, message));
        };
        if modifiers.offset.is_some() {
            return Err(Fault::new(span, "offset may not be set multiple times"));
        }
        modifiers.offset = (offset != Duration::Fixed(0)).then_some(offset);
        *end = self.last_end;
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Parsed<()> {
        self.advance();
        let at = self.within(AT, Parser::at_time)?;
        let span = expr.span();
        let at = match at {
            AtTime::Seconds(seconds) => At::Timestamp(timestamp(seconds, span)?),
            AtTime::Named(at) => at,
        };
        let Some((modifiers, end)) = modifiers_of(expr) else {
            let message = "@ modifier must be preceded by an instant vector selector or range \
                           vector selector or a subquery";
            return Err(Fault::new(span, message));
        };
        if modifiers.at.is_some() {
            return Err(Fault::new(span, "@ <timestamp> may not be set multiple times"));
        }
        modifiers.at = Some(at);
        *end = self.last_end;
        Ok(())
    }

    fn at_time(&mut self) -> Parsed<AtTime> {
        let at = match self.token.kind {
            Kind::Start => At::Start,
            Kind::End => At::End,
            _ => {
                return match self.signed_number()? {
                    Some(seconds) => Ok(AtTime::Seconds(seconds)),
                    None => Err(self.unexpected_here()),
                };
            }
        };
        self.advance();
        self.expect(Kind::LeftParen)?;
        self.expect(Kind::RightParen)?;
        Ok(AtTime::Named(at))
    }

    fn extended(&mut self, expr: &mut Expr, modifier: RangeModifier) -> Parsed<()> {
        let word = self.advance().span;
        let span = expr.span();
        let name = modifier.text();
        let fail = |message: String| Err(Fault::new(span, message));
        if !self.features.extended_range_selectors {
            return fail(format!("{name} modifier is experimental and not enabled"));
        }
        let (selector, end): (&mut VectorSelector, _) = match expr {
            Expr::Vector(vector) => (vector, None),
            Expr::Matrix(matrix) => (&mut matrix.vector, Some(&mut matrix.span.end)),
            Expr::Subquery(_) => {
                return fail(format!("{name} modifier is not supported for subqueries"));
            }
            _ => return fail(format!("{name} modifier not implemented")),
        };
        if selector.extended.is_some_and(|other| other != modifier) {
            return fail("anchored and smoothed modifiers cannot be used together".into());
        }
        selector.extended = Some(modifier);
        *end.unwrap_or(&mut selector.span.end) = word.end;
        Ok(())
    }
}

enum AtTime {
    Seconds(f64),
    Named(At),
}

fn timestamp(seconds: f64, span: Span) -> Parsed<i64> {
    let limit = i64::MAX as f64;
    if seconds.is_finite() && seconds < limit && seconds > -limit {
        return Ok((seconds * 1000.0).round() as i64);
    }
    let shown = match seconds {
        _ if seconds == f64::INFINITY => "+Inf".into(),
        _ if seconds == f64::NEG_INFINITY => "-Inf".into(),
        _ if seconds.is_nan() => "NaN".into(),
        _ => format!("{seconds:.6}"),
    };
    Err(Fault::new(span, format!("timestamp out of bounds for @ modifier: {shown}")))
}

fn matrix_selector(expr: Expr, range: Duration, brackets: Span) -> Parsed<MatrixSelector> {
    let Expr::Vector(vector) = expr else {
        return Err(Fault::new(brackets, "ranges only allowed for vector selectors"));
    };
    if matches!(vector.modifiers.offset, Some(Duration::Fixed(_))) {
        return Err(Fault::new(brackets, "no offset modifiers allowed before range"));
    }
    if matches!(vector.modifiers.at, Some(At::Timestamp(_))) {
        return Err(Fault::new(brackets, "no @ modifiers allowed before range"));
    }
    let span = vector.span.to(brackets);
    Ok(MatrixSelector { vector: *vector, range, span })
}

/// The modifiers of a selector or subquery, and the end of its span.
fn modifiers_of(expr: &mut Expr) -> Option<(&mut Modifiers, &mut u32)> {
    match expr {
        Expr::Vector(vector) => Some((&mut vector.modifiers, &mut vector.span.end)),
        Expr::Matrix(matrix) => Some((&mut matrix.vector.modifiers, &mut matrix.span.end)),
        Expr::Subquery(subquery) => Some((&mut subquery.modifiers, &mut subquery.span.end)),
        _ => None,
    }
}
