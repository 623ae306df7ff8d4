//! Binary operations between scalars and vectors.
//!
//! Vectors are matched once per query: every series gets the number of its match group, and groups of
//! one series on each side (nearly all) are computed column by column. Which elements collide is still
//! decided time by time, as Prometheus does.

mod element;
mod matching;
mod native;
mod pairs;
mod set;

use plimsoll_model::Grid;

use crate::ast::{Binary, BinaryOp};
use crate::engine::{QueryResult as Result, execution};
use crate::eval::{ABSENT, Element, Eval, Series, Val, is_absent, merge_same};

use element::operator;
use native::{Made, Value, apply};

/// The value of a binary operation.
pub(crate) fn eval(eval: &Eval<'_>, node: &Binary, grid: Grid) -> Result<Val> {
    let lhs = eval.eval(&node.lhs, grid)?;
    let rhs = eval.eval(&node.rhs, grid)?;
    match (lhs, rhs) {
        (Val::Scalar(_), Val::Scalar(_)) if is_trim(node.op) => Err(execution(format!(
            "operator {:?} not allowed for Scalar operations",
            node.op.text()
        ))),
        (Val::Scalar(a), Val::Scalar(b)) => Ok(Val::Scalar(scalars(node.op, a, &b))),
        (Val::Vector(v), Val::Scalar(s)) => with_scalar(eval, node, v, &s, Side::Left),
        (Val::Scalar(s), Val::Vector(v)) => with_scalar(eval, node, v, &s, Side::Right),
        (Val::Vector(a), Val::Vector(b)) => {
            eval.free(&a);
            eval.free(&b);
            let series = if node.op.is_set() {
                set::eval(node, a, b, grid)?
            } else {
                pairs::eval(eval, node, a, b, grid)?
            };
            eval.charge(series.len(), grid)?;
            Ok(Val::Vector(series))
        }
        _ => Err(execution("an operator stands between a string and something")),
    }
}

fn scalars(op: BinaryOp, mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    let f = operator(op);
    for (a, b) in a.iter_mut().zip(b) {
        let (value, keep) = f(*a, *b);
        *a = if op.is_comparison() { f64::from(u8::from(keep)) } else { value };
    }
    a
}

/// On which side of the operator the vector stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn with_scalar(
    eval: &Eval<'_>,
    node: &Binary,
    mut vector: Vec<Series>,
    scalar: &[f64],
    side: Side,
) -> Result<Val> {
    let f = operator(node.op);
    let comparison = node.op.is_comparison();
    let drop = drops_name(node);
    for s in &mut vector {
        if !s.histograms.is_empty() || is_trim(node.op) {
            mixed_with_scalar(eval, node, s, scalar, side);
            if drop {
                eval.drop_name(s);
            }
            continue;
        }
        for (v, c) in s.values.iter_mut().zip(scalar).filter(|(v, _)| !is_absent(**v)) {
            let (value, keep) = if side == Side::Left { f(*v, *c) } else { f(*c, *v) };
            *v = match (comparison, node.return_bool, keep) {
                (false, ..) => value,
                (true, true, _) => f64::from(u8::from(keep)),
                (true, false, true) => *v,
                (true, false, false) => ABSENT,
            };
        }
        if drop {
            eval.drop_name(s);
        }
    }
    vector.retain(Series::any_present);
    if drop {
        vector = merge_same(vector)?;
    }
    Ok(Val::Vector(vector))
}

/// A series with histograms against a scalar; also trims, which numbers have no part in.
fn mixed_with_scalar(eval: &Eval<'_>, node: &Binary, s: &mut Series, scalar: &[f64], side: Side) {
    for (i, c) in scalar.iter().enumerate() {
        let (own, number) = (s.element(i), Element::Float(*c));
        let (lhs, rhs) = if side == Side::Left { (own, number) } else { (number, own) };
        match apply(node.op, lhs, rhs) {
            Made::Nothing(remark) => {
                if let Some(remark) = remark {
                    remark.tell(eval, node.op, node.span);
                }
                s.clear(i);
            }
            Made::Element(_, keep, _) if node.return_bool => {
                s.clear(i);
                s.values[i] = f64::from(u8::from(keep));
            }
            Made::Element(_, false, _) => s.clear(i),
            Made::Element(..) if node.op.is_comparison() => {}
            Made::Element(Value::Float(v), ..) => s.values[i] = v,
            Made::Element(Value::Histogram(h), ..) => s.set_histogram(i, h),
        }
    }
}

const fn is_trim(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
}

/// Whether results lose the metric name.
fn drops_name(node: &Binary) -> bool {
    let keeps = node.op.is_comparison() || node.op.is_set() || is_trim(node.op);
    node.return_bool || !keeps
}
