//! What an alert's chart shows: the left side of its expression's comparison, for the alert's own series.
//!
//! `a > 0.9` becomes `a` with a line at 0.9. Labels of the alert are pushed into the selectors wherever
//! that does not change what the expression gives for this alert, so that a chart reads few series;
//! what comes back is compared with the labels once more by who asks.

use plimsoll_query::{
    Binary, BinaryOp, Call, Cardinality, Expr, Grouping, LabelMatcher, MatchOp, Query, Span,
    ValueType, VectorMatching, VectorSelector,
};

/// Levels of one expression.
const LEVELS_MAX: usize = 4;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The series.
    pub query: Query,
    /// What they are compared with: the operator as it stands with the series on its left, and a scalar.
    pub levels: Vec<(BinaryOp, Query)>,
    /// What they are compared with, where that is a series too.
    pub limit: Option<(BinaryOp, Query)>,
}

impl Subject {
    /// Of an alert's expression; `None` when it has no series.
    pub fn of(query: &Query) -> Option<Self> {
        let mut levels = Vec::new();
        let mut limit = None;
        let shown = left_side(query.expr(), &mut levels, &mut limit);
        if shown.value_type() != ValueType::InstantVector {
            return None;
        }
        let part = |expr: &Expr| Query::new(query.text(), expr.clone());
        levels.truncate(LEVELS_MAX);
        Some(Self {
            query: part(shown),
            levels: levels.into_iter().map(|(op, e)| (op, part(e))).collect(),
            limit: limit.map(|(op, e)| (op, part(e))),
        })
    }
}

type Compared<'e> = (BinaryOp, &'e Expr);

fn left_side<'e>(
    expr: &'e Expr,
    levels: &mut Vec<Compared<'e>>,
    limit: &mut Option<Compared<'e>>,
) -> &'e Expr {
    let expr = expr.unwrap_paren();
    match expr {
        Expr::Binary(binary) if binary.op.is_set() => left_side(&binary.lhs, levels, limit),
        Expr::Binary(binary) if binary.op.is_comparison() => {
            let is_scalar = |e: &Expr| e.value_type() == ValueType::Scalar;
            match (is_scalar(&binary.lhs), is_scalar(&binary.rhs)) {
                (true, false) => {
                    levels.push((flipped(binary.op), &binary.lhs));
                    left_side(&binary.rhs, levels, limit)
                }
                (false, true) => {
                    levels.push((binary.op, &binary.rhs));
                    left_side(&binary.lhs, levels, limit)
                }
                _ => {
                    *limit = Some((binary.op, &binary.rhs));
                    left_side(&binary.lhs, levels, limit)
                }
            }
        }
        // There is nothing to see of what is not there, but its past.
        Expr::Call(Call { function, args, .. }) if function.name == "absent" => {
            args.first().map_or(expr, |inner| inner.unwrap_paren())
        }
        _ => expr,
    }
}

const fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

/// The query for elements that have these labels.
pub fn narrowed(query: &Query, labels: &[(&str, &str)]) -> Query {
    let mut expr = query.expr().clone();
    narrow(&mut expr, labels);
    Query::new(query.text(), expr)
}

type Pairs<'l> = [(&'l str, &'l str)];

fn narrow(expr: &mut Expr, labels: &Pairs<'_>) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Vector(selector) => select(selector, labels),
        Expr::Matrix(matrix) => select(&mut matrix.vector, labels),
        Expr::Subquery(subquery) => narrow(&mut subquery.expr, labels),
        Expr::Unary(unary) => narrow(&mut unary.expr, labels),
        Expr::Paren(paren) => narrow(&mut paren.expr, labels),
        Expr::Call(call) => narrow_call(call, labels),
        Expr::Aggregate(aggregate) => {
            let mut kept = match &aggregate.grouping {
                Grouping::By(names) => only(labels, |n| names.iter().any(|m| m == n)),
                Grouping::Without(names) => only(labels, |n| !names.iter().any(|m| m == n)),
            };
            // `count_values` makes a label.
            if let Some(Expr::String(made)) = aggregate.param.as_ref().map(Expr::unwrap_paren) {
                kept.retain(|(n, _)| *n != made.value);
            }
            narrow(&mut aggregate.expr, &kept);
        }
        Expr::Binary(binary) => narrow_binary(binary, labels),
    }
}

fn only<'l>(labels: &Pairs<'l>, keep: impl Fn(&str) -> bool) -> Vec<(&'l str, &'l str)> {
    labels.iter().filter(|(n, _)| keep(n)).copied().collect()
}

fn select(selector: &mut VectorSelector, labels: &Pairs<'_>) {
    for (name, value) in labels {
        let matcher = LabelMatcher {
            name: (*name).to_owned(),
            op: MatchOp::Equal,
            value: (*value).to_owned(),
            span: Span::default(),
        };
        selector.matchers.insert(0, matcher);
    }
}

fn narrow_call(call: &mut Call, labels: &Pairs<'_>) {
    let kept = match call.function.name {
        // What they give has other labels than what they read, or none.
        "absent" | "absent_over_time" | "scalar" | "vector" | "info" => return,
        "label_replace" | "label_join" => match call.args.get(1).map(Expr::unwrap_paren) {
            Some(Expr::String(made)) => only(labels, |n| n != made.value),
            _ => return,
        },
        "histogram_quantile" | "histogram_fraction" => only(labels, |n| n != "le"),
        _ => labels.to_vec(),
    };
    for arg in &mut call.args {
        narrow(arg, &kept);
    }
}

fn narrow_binary(binary: &mut Binary, labels: &Pairs<'_>) {
    let Some(VectorMatching { card, on, labels: names, include, .. }) = &binary.matching else {
        // One side at most has series.
        narrow(&mut binary.lhs, labels);
        narrow(&mut binary.rhs, labels);
        return;
    };
    let shared = |n: &str| names.iter().any(|m| m == n) == *on;
    let copied = |n: &str| include.iter().any(|m| m == n);
    let one = only(labels, |n| shared(n) || copied(n));
    let many = only(labels, |n| !copied(n));
    let (left, right) = match (card, binary.op) {
        (Cardinality::ManyToOne, _) => (many, one),
        (Cardinality::OneToMany, _) => (one, many),
        (_, BinaryOp::Or) => (labels.to_vec(), labels.to_vec()),
        (_, op) if op.is_set() => (labels.to_vec(), only(labels, shared)),
        _ => (only(labels, shared), only(labels, shared)),
    };
    narrow(&mut binary.lhs, &left);
    narrow(&mut binary.rhs, &right);
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::Features;

    fn query(text: &str) -> Query {
        Query::parse(text, &Features::default()).unwrap()
    }

    fn shown(text: &str) -> String {
        let Some(subject) = Subject::of(&query(text)) else { return "nothing".to_owned() };
        let mut out = subject.query.expr().to_string();
        for (op, level) in subject.levels {
            out.push_str(&format!(" | {} {}", op.text(), level.expr()));
        }
        if let Some((op, limit)) = subject.limit {
            out.push_str(&format!(" | {} {}", op.text(), limit.expr()));
        }
        out
    }

    #[test]
    fn the_left_side_is_drawn_and_the_right_side_is_a_line() {
        for (text, wanted) in [
            ("a > 0.9", "a | > 0.9"),
            ("(a / b) > 0.9 * 2", "a / b | > 0.9 * 2"),
            ("0.1 >= a", "a | <= 0.1"),
            ("(a > 5) < 10", "a | < 10 | > 5"),
            ("a > 5 and on (x) b < 3", "a | > 5"),
            ("a > 5 unless b", "a | > 5"),
            ("a > bool 5", "a | > 5"),
            ("up == 0", "up | == 0"),
            ("a > b", "a | > b"),
            ("absent(up{job=\"x\"})", "up{job=\"x\"}"),
            ("rate(x[5m])", "rate(x[5m])"),
            ("count(up == 0) > scalar(c)", "count(up == 0) | > scalar(c)"),
            ("1 > bool 2", "nothing"),
            ("vector(1)", "vector(1)"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn labels_are_pushed_where_they_change_nothing() {
        let labels = [("i", "1"), ("job", "j")];
        for (text, wanted) in [
            ("a", "a{i=\"1\",job=\"j\"}"),
            ("rate(a{x=\"y\"}[5m])", "rate(a{i=\"1\",job=\"j\",x=\"y\"}[5m])"),
            ("sum by (job) (a)", "sum by (job) (a{job=\"j\"})"),
            ("sum without (i) (a)", "sum without (i) (a{job=\"j\"})"),
            ("sum(a)", "sum(a)"),
            ("a / on (job) b", "a{job=\"j\"} / on (job) b{job=\"j\"}"),
            (
                "a / ignoring (i) group_left () b",
                "a{i=\"1\",job=\"j\"} / ignoring (i) group_left () b{job=\"j\"}",
            ),
            (
                "a * on (job) group_left (i) b",
                "a{job=\"j\"} * on (job) group_left (i) b{i=\"1\",job=\"j\"}",
            ),
            ("a unless on (job) b", "a{i=\"1\",job=\"j\"} unless on (job) b{job=\"j\"}"),
            (
                "label_replace(a, \"i\", \"$1\", \"z\", \"(.*)\")",
                "label_replace(a{job=\"j\"}, \"i\", \"$1\", \"z\", \"(.*)\")",
            ),
            ("a - scalar(b)", "a{i=\"1\",job=\"j\"} - scalar(b)"),
            ("1 - (a + b)", "1 - (a{i=\"1\",job=\"j\"} + b{i=\"1\",job=\"j\"})"),
            (
                "max_over_time(sum by (i) (a)[1h:1m])",
                "max_over_time(sum by (i) (a{i=\"1\"})[1h:1m])",
            ),
            ("absent(a)", "absent(a)"),
        ] {
            let mut got: Vec<char> =
                narrowed(&query(text), &labels).expr().to_string().chars().collect();
            let mut wanted: Vec<char> = wanted.chars().collect();
            // Conditions may stand in any order.
            got.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(got.iter().collect::<String>(), wanted.iter().collect::<String>(), "{text}");
        }
    }
}
