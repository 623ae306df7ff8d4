//! Types: what may stand where. Runs over a tree that has been read without errors.

use super::pattern;
use crate::ast::{
    Aggregate, Binary, Call, Cardinality, Expr, LabelMatcher, MatchOp, Span, ValueType,
    VectorSelector,
};
use crate::error::{Fault, Parsed};
use crate::literal::quote;

/// Checks the types of a tree, gives set operators their cardinality and takes the matching from
/// operators that have a scalar side.
pub(super) fn check(expr: &mut Expr, text: &str) -> Parsed<ValueType> {
    match expr {
        Expr::Number(_) => Ok(ValueType::Scalar),
        Expr::String(_) => Ok(ValueType::String),
        Expr::Vector(selector) => {
            vector(selector)?;
            Ok(ValueType::InstantVector)
        }
        Expr::Matrix(matrix) => {
            vector(&matrix.vector)?;
            Ok(ValueType::RangeVector)
        }
        Expr::Subquery(subquery) => {
            let found = check(&mut subquery.expr, text)?;
            if found != ValueType::InstantVector {
                let message = format!(
                    "subquery is only allowed on instant vector, got {} instead",
                    short_name(found)
                );
                return Err(Fault::new(subquery.span, message));
            }
            Ok(ValueType::RangeVector)
        }
        Expr::Call(node) => call(node, text),
        Expr::Aggregate(node) => aggregate(node, text),
        Expr::Binary(node) => binary(node, text),
        Expr::Unary(unary) => {
            let found = check(&mut unary.expr, text)?;
            if !is_number(found) {
                let message = format!(
                    "unary expression only allowed on expressions of type scalar or instant \
                     vector, got {}",
                    quote(found.name())
                );
                return Err(Fault::new(unary.span, message));
            }
            Ok(found)
        }
        Expr::Paren(paren) => check(&mut paren.expr, text),
    }
}

const fn is_number(found: ValueType) -> bool {
    matches!(found, ValueType::Scalar | ValueType::InstantVector)
}

const fn short_name(found: ValueType) -> &'static str {
    match found {
        ValueType::InstantVector => "vector",
        ValueType::RangeVector => "matrix",
        _ => found.name(),
    }
}

fn vector(selector: &VectorSelector) -> Parsed<()> {
    let fail = |message: String| Err(Fault::new(selector.span, message));
    if let Some(name) = &selector.name {
        let (_, others) = selector.matchers.split_last().unwrap_or((&EMPTY_MATCHER, &[]));
        return match others.iter().find(|matcher| matcher.name == "__name__") {
            None => Ok(()),
            Some(matcher) => {
                let (name, other) = (quote(name), quote(&matcher.value));
                fail(format!("metric name must not be set twice: {name} or {other}"))
            }
        };
    }
    if selector.matchers.iter().all(matches_empty) {
        return fail("vector selector must contain at least one non-empty matcher".into());
    }
    Ok(())
}

const EMPTY_MATCHER: LabelMatcher = LabelMatcher {
    name: String::new(),
    op: MatchOp::Equal,
    value: String::new(),
    span: Span::new(0, 0),
};

fn matches_empty(matcher: &LabelMatcher) -> bool {
    match matcher.op {
        MatchOp::Equal => matcher.value.is_empty(),
        MatchOp::NotEqual => !matcher.value.is_empty(),
        MatchOp::Regex => pattern::matches_empty(&matcher.value),
        MatchOp::NotRegex => !pattern::matches_empty(&matcher.value),
    }
}

fn aggregate(node: &mut Aggregate, text: &str) -> Parsed<ValueType> {
    expect(&mut node.expr, ValueType::InstantVector, "aggregation expression", text)?;
    if let (Some(param), Some(wanted)) = (&mut node.param, node.op.param_type()) {
        expect(param, wanted, "aggregation parameter", text)?;
    }
    Ok(ValueType::InstantVector)
}

fn expect(expr: &mut Expr, wanted: ValueType, place: &str, text: &str) -> Parsed<()> {
    let found = check(expr, text)?;
    mismatch(found, wanted, place, expr.span())
}

fn mismatch(found: ValueType, wanted: ValueType, place: &str, span: Span) -> Parsed<()> {
    if found == wanted {
        return Ok(());
    }
    let (found, wanted) = (found.name(), wanted.name());
    Err(Fault::new(span, format!("expected type {wanted} in {place}, got {found}")))
}

fn call(node: &mut Call, text: &str) -> Parsed<ValueType> {
    argument_count(node)?;
    let is_info = node.function.name == "info";
    if is_info && let Some(data) = node.args.get(1) {
        info_data(data, node.span)?;
    }
    let place = format!("call to function {}", quote(node.function.name));
    for (index, arg) in node.args.iter_mut().enumerate() {
        let Some(wanted) = node.function.arg_type(index) else { continue };
        // The labels that `info` is to add may be any.
        if is_info && index == 1 {
            continue;
        }
        expect(arg, wanted, &place, text)?;
    }
    Ok(node.function.returns)
}

fn argument_count(node: &Call) -> Parsed<()> {
    let row = node.function;
    let given = node.args.len();
    let (least, most) = (row.args_min(), row.args_max());
    let bound = match most {
        _ if Some(least) == most && given != least => format!("{least}"),
        _ if given < least => format!("at least {least}"),
        Some(most) if given > most => format!("at most {most}"),
        _ => return Ok(()),
    };
    let name = quote(row.name);
    let message = format!("expected {bound} argument(s) in call to {name}, got {given}");
    Err(Fault::new(node.span, message))
}

/// The second argument of `info` is a selector without a name.
fn info_data(data: &Expr, call: Span) -> Parsed<()> {
    mismatch(data.value_type(), ValueType::InstantVector, "call to function \"info\"", call)?;
    let message = match data {
        Expr::Vector(selector) if selector.name.is_none() => return Ok(()),
        Expr::Vector(_) => "expected label selectors only, got vector selector instead",
        _ => "expected label selectors only",
    };
    Err(Fault::new(data.span(), message))
}

fn binary(node: &mut Binary, text: &str) -> Parsed<ValueType> {
    let left = check(&mut node.lhs, text)?;
    let right = check(&mut node.rhs, text)?;
    let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    operator_modifiers(node, scalars, text)?;
    for (found, side) in [(left, &node.lhs), (right, &node.rhs)] {
        if !is_number(found) {
            let message = "binary expression must contain only scalar and instant vector types";
            return Err(Fault::new(side.span(), message));
        }
    }
    if left == ValueType::InstantVector && right == ValueType::InstantVector {
        set_operator(node)?;
        return Ok(ValueType::InstantVector);
    }
    scalar_side(node)?;
    Ok(if scalars { ValueType::Scalar } else { ValueType::InstantVector })
}

/// `bool`, and the labels of `on` and `group_left`.
fn operator_modifiers(node: &Binary, scalars: bool, text: &str) -> Parsed<()> {
    let fail = |message: String| Err(Fault::new(operator_span(node, text), message));
    if node.return_bool && !node.op.is_comparison() {
        return fail("bool modifier can only be used on comparison operators".into());
    }
    if node.op.is_comparison() && !node.return_bool && scalars {
        return fail("comparisons between scalars must use BOOL modifier".into());
    }
    let Some(matching) = node.matching.as_ref().filter(|matching| matching.on) else {
        return Ok(());
    };
    match matching.labels.iter().find(|label| matching.include.contains(label)) {
        None => Ok(()),
        Some(label) => {
            let label = quote(label);
            fail(format!("label {label} must not occur in ON and GROUP clause at once"))
        }
    }
}

/// From the operator to the right side, blanks excluded.
fn operator_span(node: &Binary, text: &str) -> Span {
    let (start, end) = (node.lhs.span().end, node.rhs.span().start);
    let between = text.get(start as usize..end as usize).unwrap_or_default();
    let blanks = between.len() - between.trim_ascii_start().len();
    Span::new(start + blanks as u32, start + between.trim_ascii_end().len() as u32)
}

/// Both sides are vectors.
fn set_operator(node: &mut Binary) -> Parsed<()> {
    let (op, span) = (node.op, node.span);
    let Some(matching) = node.matching.as_mut().filter(|_| op.is_set()) else {
        return Ok(());
    };
    if matching.card != Cardinality::OneToOne {
        let message = format!("no grouping allowed for {} operation", quote(op.text()));
        return Err(Fault::new(span, message));
    }
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        let message = "filling in missing series not allowed for set operators";
        return Err(Fault::new(span, message));
    }
    matching.card = Cardinality::ManyToMany;
    Ok(())
}

/// At least one side is a scalar.
fn scalar_side(node: &mut Binary) -> Parsed<()> {
    let fail = |message: String| Err(Fault::new(node.span, message));
    if let Some(matching) = node.matching.take() {
        if !matching.labels.is_empty() {
            return fail("vector matching only allowed between instant vectors".into());
        }
        if matching.fill_left.is_some() || matching.fill_right.is_some() {
            let message = "filling in missing series only allowed between instant vectors";
            return fail(message.into());
        }
    }
    if node.op.is_set() {
        let op = quote(node.op.text());
        return fail(format!("set operator {op} not allowed in binary scalar expression"));
    }
    Ok(())
}
