//! The operators on elements of which one at least is a native histogram.

use std::sync::Arc;

use crate::annotations::{HistNote, Operation};
use crate::ast::{BinaryOp, Span};
use crate::eval::{Element, Eval};
use crate::hist::{Hist, Keep};

/// What an operator makes of two elements.
pub(super) enum Made {
    /// Nothing, for which there is a reason.
    Nothing(Option<Remark>),
    /// A number or a histogram, and whether a filter keeps it.
    Element(Value, bool, Option<Remark>),
}

/// A value that was computed.
#[derive(Clone)]
pub(super) enum Value {
    Float(f64),
    Histogram(Arc<Hist>),
}

/// Why there is no value, or what is to be known about it.
#[derive(Clone, Copy)]
pub(super) enum Remark {
    /// The operator is not for these kinds.
    Types(&'static str, &'static str),
    /// Exponential and custom buckets do not go together.
    Layout,
    /// Something about histograms.
    Hist(HistNote),
}

impl Remark {
    /// Says it.
    pub fn tell(self, eval: &Eval<'_>, op: BinaryOp, span: Span) {
        let op = op.text();
        match self {
            Self::Types(lhs, rhs) => eval.notes.info(
                format!(
                    "incompatible sample types encountered for binary operator \"{op}\": \
                     {lhs} {op} {rhs}"
                ),
                span,
            ),
            Self::Layout => eval.notes.warn(
                format!("incompatible bucket layout encountered for binary operator {op}"),
                span,
            ),
            Self::Hist(note) => eval.notes.histogram(note, "", span),
        }
    }
}

/// Applies an operator; neither side is absent.
pub(super) fn apply(op: BinaryOp, lhs: Element<'_>, rhs: Element<'_>) -> Made {
    use BinaryOp::{Add, Div, Equal, Mul, NotEqual, Sub, TrimLower, TrimUpper};
    let histogram = |h: Hist| Made::Element(Value::Histogram(Arc::new(h)), true, None);
    let changed = |h: &Hist, change: &dyn Fn(&mut Hist)| {
        let mut h = h.clone();
        change(&mut h);
        histogram(h.compact())
    };
    match (lhs, rhs, op) {
        (Element::Absent, _, _) | (_, Element::Absent, _) => Made::Nothing(None),
        (Element::Float(a), Element::Float(b), _) => {
            if matches!(op, TrimUpper | TrimLower) {
                return Made::Nothing(Some(Remark::Types("float", "float")));
            }
            let (value, keep) = super::operator(op)(a, b);
            Made::Element(Value::Float(value), keep, None)
        }
        (Element::Float(v), Element::Histogram(h), Mul)
        | (Element::Histogram(h), Element::Float(v), Mul) => changed(h, &|h| h.mul(v)),
        (Element::Histogram(h), Element::Float(v), Div) => changed(h, &|h| h.div(v)),
        (Element::Histogram(h), Element::Float(v), TrimUpper) => {
            histogram(h.trimmed(v, Keep::Below))
        }
        (Element::Histogram(h), Element::Float(v), TrimLower) => {
            histogram(h.trimmed(v, Keep::Above))
        }
        (Element::Histogram(a), Element::Histogram(b), Add | Sub) => combined(op, a, b),
        (Element::Histogram(a), Element::Histogram(b), Equal | NotEqual) => {
            let keep = a.equals(b) == (op == Equal);
            Made::Element(Value::Histogram(Arc::clone(a)), keep, None)
        }
        (Element::Float(_), Element::Histogram(_), _) => {
            Made::Nothing(Some(Remark::Types("float", "histogram")))
        }
        (Element::Histogram(_), Element::Float(_), _) => {
            Made::Nothing(Some(Remark::Types("histogram", "float")))
        }
        (Element::Histogram(_), Element::Histogram(_), _) => {
            Made::Nothing(Some(Remark::Types("histogram", "histogram")))
        }
    }
}

fn combined(op: BinaryOp, a: &Hist, b: &Hist) -> Made {
    let mut out = a.clone();
    let (done, operation) = if op == BinaryOp::Add {
        (out.add(b), Operation::Addition)
    } else {
        (out.sub(b), Operation::Subtraction)
    };
    let Ok(outcome) = done else { return Made::Nothing(Some(Remark::Layout)) };
    if outcome.collision {
        return Made::Nothing(Some(Remark::Hist(HistNote::Collision(operation))));
    }
    if op == BinaryOp::Sub {
        out = out.with_hint(plimsoll_model::ResetHint::Gauge);
    }
    let remark = outcome.reconciled.then_some(Remark::Hist(HistNote::Reconciled(operation)));
    Made::Element(Value::Histogram(Arc::new(out.compact())), true, remark)
}
