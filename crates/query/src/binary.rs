//! Binary operations between scalars and vectors.
//!
//! Vectors are matched once per query: every series gets the number of its match group, and groups of
//! one series on each side (nearly all) are computed column by column. Which elements collide is still
//! decided time by time, as Prometheus does.

mod element;
mod matching;
mod pairs;
mod set;

use plimsoll_model::Grid;

use crate::ast::{Binary, BinaryOp};
use crate::engine::{QueryResult as Result, execution};
use crate::eval::{ABSENT, Eval, Series, Val, is_absent, merge_same};

use element::operator;

/// The value of a binary operation.
pub(crate) fn eval(eval: &Eval<'_>, node: &Binary, grid: Grid) -> Result<Val> {
    if matches!(node.op, BinaryOp::TrimUpper | BinaryOp::TrimLower) {
        return Err(execution(format!(
            "the operator {} is not implemented yet: it needs native histograms",
            node.op.text()
        )));
    }
    let lhs = eval.eval(&node.lhs, grid)?;
    let rhs = eval.eval(&node.rhs, grid)?;
    match (lhs, rhs) {
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

/// Whether results lose the metric name.
fn drops_name(node: &Binary) -> bool {
    node.return_bool || !(node.op.is_comparison() || node.op.is_set())
}
