//! The operators on two numbers.

use crate::ast::BinaryOp;

/// The operator: the value of the element and whether a filter keeps it.
pub(super) fn operator(op: BinaryOp) -> fn(f64, f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => |a, b| (a + b, true),
        BinaryOp::Sub => |a, b| (a - b, true),
        BinaryOp::Mul => |a, b| (a * b, true),
        BinaryOp::Div => |a, b| (a / b, true),
        BinaryOp::Mod => |a, b| (a % b, true),
        BinaryOp::Pow => |a, b| (a.powf(b), true),
        BinaryOp::Atan2 => |a, b| (a.atan2(b), true),
        BinaryOp::Equal => |a, b| (a, a == b),
        BinaryOp::NotEqual => |a, b| (a, a != b),
        BinaryOp::Less => |a, b| (a, a < b),
        BinaryOp::LessEqual => |a, b| (a, a <= b),
        BinaryOp::Greater => |a, b| (a, a > b),
        BinaryOp::GreaterEqual => |a, b| (a, a >= b),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Unless
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => |a, _| (a, true),
    }
}
