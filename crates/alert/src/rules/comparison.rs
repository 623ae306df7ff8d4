//! Expressions that compare with a number: their threshold is known, and can be moved.

use plimsoll_query::{BinaryOp, Expr, Query, UnaryOp};

/// An expression that is compared with a number.
pub struct Comparison {
    /// What is compared, on the left of the operator.
    pub left: Query,
    pub op: BinaryOp,
    pub number: f64,
}

impl Comparison {
    /// `a > 5` or `5 < a`, if that is what the rule asks.
    pub fn of(query: &Query) -> Option<Self> {
        let Expr::Binary(binary) = query.expr().unwrap_paren() else { return None };
        if binary.return_bool {
            return None;
        }
        let flipped = match binary.op {
            BinaryOp::Greater => BinaryOp::Less,
            BinaryOp::GreaterEqual => BinaryOp::LessEqual,
            BinaryOp::Less => BinaryOp::Greater,
            BinaryOp::LessEqual => BinaryOp::GreaterEqual,
            _ => return None,
        };
        let (left, op, number) = match (number(&binary.lhs), number(&binary.rhs)) {
            (None, Some(n)) => (&binary.lhs, binary.op, n),
            (Some(n), None) => (&binary.rhs, flipped, n),
            _ => return None,
        };
        if left.value_type() != plimsoll_query::ValueType::InstantVector || number.is_nan() {
            return None;
        }
        Some(Self { left: Query::new(query.text(), left.clone()), op, number })
    }

    /// Whether large values make it hold.
    pub const fn is_upper(&self) -> bool {
        matches!(self.op, BinaryOp::Greater | BinaryOp::GreaterEqual)
    }

    /// Whether a value passes another threshold.
    pub fn passes(&self, value: f64, threshold: f64) -> bool {
        match self.op {
            BinaryOp::Greater => value > threshold,
            BinaryOp::GreaterEqual => value >= threshold,
            BinaryOp::Less => value < threshold,
            _ => value <= threshold,
        }
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match expr.unwrap_paren() {
        Expr::Number(n) => Some(n.value),
        Expr::Unary(u) => {
            let inner = number(&u.expr)?;
            Some(if u.op == UnaryOp::Minus { -inner } else { inner })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::Features;

    fn query(text: &str) -> Query {
        Query::parse(text, &Features::default()).unwrap()
    }

    #[test]
    fn comparisons_with_a_number_are_found() {
        let found = |text: &str| Comparison::of(&query(text)).map(|c| (c.op.text(), c.number));
        assert_eq!(found("rate(m[5m]) > 5"), Some((">", 5.0)));
        assert_eq!(found("(-(0.5) >= m)"), Some(("<=", -0.5)));
        assert_eq!(found("m > bool 5"), None);
        assert_eq!(found("m > n"), None);
        assert_eq!(found("m == 5"), None);
        assert_eq!(found("m > 5 and n < 3"), None);
    }
}
