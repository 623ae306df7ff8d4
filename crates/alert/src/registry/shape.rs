//! What an expression computes of which metrics, whatever series, ranges and groups are chosen: so that a chart of one
//! host's share of a file system shows the thresholds of all of them.

use std::fmt::Write as _;

use plimsoll_query::{BinaryOp, Expr, VectorSelector};

/// Nodes that are looked at; more have no shape.
const NODES_MAX: usize = 200;

/// The shape of an expression, and the number by which its value is larger than that of the shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Equal for expressions that compute the same.
    pub text: String,
    /// 100 for per cent of a share; 1 otherwise.
    pub factor: f64,
}

/// The shape of an expression; `None` when it is too large.
pub fn shape(expr: &Expr) -> Option<Shape> {
    let mut nodes = 0;
    expr.walk(&mut |_| nodes += 1);
    if nodes > NODES_MAX {
        return None;
    }
    let (inner, factor) = scaled(expr.unwrap_paren());
    let mut text = String::new();
    write(inner, &mut text);
    Some(Shape { text, factor })
}

/// What is multiplied by a number above 0, and that number.
fn scaled(expr: &Expr) -> (&Expr, f64) {
    let Expr::Binary(node) = expr else { return (expr, 1.0) };
    if node.op != BinaryOp::Mul {
        return (expr, 1.0);
    }
    match (node.lhs.unwrap_paren(), node.rhs.unwrap_paren()) {
        (Expr::Number(n), other) | (other, Expr::Number(n))
            if n.value > 0.0 && n.value.is_finite() =>
        {
            (other, n.value)
        }
        _ => (expr, 1.0),
    }
}

fn write(expr: &Expr, out: &mut String) {
    let all = |name: &str, args: &[&Expr], out: &mut String| {
        out.push_str(name);
        out.push('(');
        for arg in args {
            write(arg, out);
            out.push(',');
        }
        out.push(')');
    };
    match expr {
        Expr::Number(n) => {
            let _ = write!(out, "{}", n.value);
        }
        Expr::String(s) => {
            let _ = write!(out, "{:?}", s.value);
        }
        Expr::Vector(selector) => selected(selector, out),
        Expr::Matrix(matrix) => selected(&matrix.vector, out),
        Expr::Subquery(node) => write(&node.expr, out),
        Expr::Call(call) => all(call.function.name, &call.args.iter().collect::<Vec<_>>(), out),
        Expr::Aggregate(node) => {
            let args: Vec<&Expr> = node.param.iter().chain([&node.expr]).collect();
            all(node.op.text(), &args, out);
        }
        Expr::Binary(node) if is_guard(node) => write(&node.lhs, out),
        Expr::Binary(node) => all(node.op.text(), &[&node.lhs, &node.rhs], out),
        Expr::Unary(node) => all(node.op.text(), &[&node.expr], out),
        Expr::Paren(node) => write(&node.expr, out),
    }
}

/// Whether a comparison with a number only leaves elements out (`x > 0` below a fraction).
fn is_guard(node: &plimsoll_query::Binary) -> bool {
    let is_number = matches!(node.rhs.unwrap_paren(), Expr::Number(_));
    is_number && !node.return_bool && node.op.is_comparison()
}

fn selected(selector: &VectorSelector, out: &mut String) {
    let by_label = || {
        let name = selector.matchers.iter().find(|m| m.name == plimsoll_model::METRIC_NAME);
        name.map(|m| m.value.as_str())
    };
    out.push_str(selector.name.as_deref().or_else(by_label).unwrap_or("?"));
    // The mode is what a CPU's time is about: busy in user space is another thing than idle.
    let mode = selector.matchers.iter().find(|m| m.name == "mode");
    if let Some(mode) = mode {
        let _ = write!(out, "[{}{:?}]", mode.op.text(), mode.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::{Features, parse};

    fn of(text: &str) -> (String, f64) {
        let shape = shape(&parse(text, &Features::default()).unwrap()).unwrap();
        (shape.text, shape.factor)
    }

    #[test]
    fn what_computes_the_same_has_the_same_shape() {
        let same = [
            "1 - a / b",
            "1 - a{x=\"y\"} / b{x=\"y\"}",
            "(1 - (a / (b > 0)))",
            "1 - a / on (instance) b",
            "100 * (1 - a / b)",
            "(1 - a / b) * 100",
        ];
        for text in same {
            assert_eq!(of(text).0, of(same[0]).0, "{text}");
        }
        assert_eq!((of(same[0]).1, of(same[4]).1, of(same[5]).1), (1.0, 100.0, 100.0));
        assert_eq!(of("rate(a[1m])"), of("rate(a{x=\"y\"}[5m] offset 1h)"));
        assert_eq!(of("avg by (x) (a)"), of("avg(a)"));
    }

    #[test]
    fn what_computes_something_else_has_another_shape() {
        let others = [
            "a",
            "1 - a",
            "1 - b / a",
            "rate(a[5m])",
            "a / b",
            "avg(a)",
            "sum(a)",
            "-a",
            "a{mode=\"idle\"}",
        ];
        let shapes: std::collections::BTreeSet<String> = others.iter().map(|t| of(t).0).collect();
        assert_eq!(shapes.len(), others.len(), "{shapes:?}");
    }

    #[test]
    fn a_large_expression_has_none() {
        let text = vec!["a"; 300].join(" + ");
        assert_eq!(shape(&parse(&text, &Features::default()).unwrap()), None);
    }
}
