//! Selectors of whose histograms only count and sum are looked at.
//!
//! Below `histogram_count`, `histogram_sum` and `histogram_avg` buckets matter to counter resets only,
//! which are then found when samples are read. Anything above that looks at buckets, and a subquery,
//! which reads samples more than once, speaks against it.

use std::collections::HashSet;

use crate::ast::{BinaryOp, Expr, Span};

/// Where these selectors stand.
pub(super) fn selectors(expr: &Expr) -> HashSet<Span> {
    let mut out = HashSet::new();
    walk(expr, false, &mut out);
    out
}

fn walk(expr: &Expr, stats: bool, out: &mut HashSet<Span>) {
    let stats = match expr {
        Expr::Subquery(_) => return,
        Expr::Binary(node) if matches!(node.op, BinaryOp::TrimUpper | BinaryOp::TrimLower) => {
            return;
        }
        Expr::Call(node) => match node.function.name {
            "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => return,
            "histogram_count" | "histogram_sum" | "histogram_avg" => true,
            _ => stats,
        },
        _ => stats,
    };
    match expr {
        Expr::Vector(selector) if stats => {
            out.insert(selector.span);
        }
        Expr::Matrix(matrix) if stats => {
            out.insert(matrix.vector.span);
        }
        other => other.children().into_iter().for_each(|child| walk(child, stats, out)),
    }
}
