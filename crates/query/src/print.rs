//! From a tree to its canonical text, as Prometheus writes it. Reading the text gives the tree
//! again, spans aside.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::ast::{
    Aggregate, At, Binary, Call, Cardinality, Duration, DurationExpr, DurationOp, Expr, Grouping,
    LabelMatcher, MatchOp, Modifiers, NumberLiteral, StringLiteral, Subquery, VectorMatching,
    VectorSelector,
};
use crate::literal::{duration_text, number_text, quote, quote_bytes};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(node) => node.fmt(f),
            Expr::String(node) => node.fmt(f),
            Expr::Vector(node) => {
                write_selector(f, node)?;
                write_modifiers(f, &node.modifiers)
            }
            Expr::Matrix(node) => {
                write_name_and_matchers(f, &node.vector)?;
                write!(f, "[{}]", node.range)?;
                write_extended(f, &node.vector)?;
                write_modifiers(f, &node.vector.modifiers)
            }
            Expr::Subquery(node) => node.fmt(f),
            Expr::Call(node) => node.fmt(f),
            Expr::Aggregate(node) => node.fmt(f),
            Expr::Binary(node) => node.fmt(f),
            Expr::Unary(node) => write!(f, "{}{}", node.op.text(), node.expr),
            Expr::Paren(node) => write!(f, "({})", node.expr),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&seconds_text(self.value, self.duration))
    }
}

fn seconds_text(value: f64, duration: bool) -> String {
    if duration { duration_text((value * 1000.0).round() as i64) } else { number_text(value) }
}

impl Display for StringLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_bytes(self.bytes.as_deref().unwrap_or(self.value.as_bytes())))
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_selector(f, self)?;
        write_modifiers(f, &self.modifiers)
    }
}

fn write_selector(f: &mut Formatter<'_>, node: &VectorSelector) -> fmt::Result {
    write_name_and_matchers(f, node)?;
    write_extended(f, node)
}

fn write_name_and_matchers(f: &mut Formatter<'_>, node: &VectorSelector) -> fmt::Result {
    let name = node.name.as_deref().unwrap_or_default();
    f.write_str(name)?;
    let is_name = |matcher: &&LabelMatcher| {
        let equal = matcher.op == MatchOp::Equal && !matcher.value.is_empty();
        equal && matcher.name == "__name__" && matcher.value == name
    };
    let mut separator = '{';
    for matcher in node.matchers.iter().filter(|matcher| !is_name(matcher)) {
        write!(f, "{separator}{matcher}")?;
        separator = ',';
    }
    match separator {
        ',' => f.write_char('}'),
        _ if name.is_empty() => f.write_str("{}"),
        _ => Ok(()),
    }
}

fn write_extended(f: &mut Formatter<'_>, node: &VectorSelector) -> fmt::Result {
    match node.extended {
        Some(modifier) => write!(f, " {}", modifier.text()),
        None => Ok(()),
    }
}

fn write_modifiers(f: &mut Formatter<'_>, modifiers: &Modifiers) -> fmt::Result {
    match modifiers.at {
        None => {}
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        Some(At::Timestamp(millis)) => {
            let sign = if millis < 0 { "-" } else { "" };
            let millis = millis.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", millis / 1000, millis % 1000)?;
        }
    }
    match &modifiers.offset {
        None => Ok(()),
        Some(offset) => write!(f, " offset {offset}"),
    }
}

impl Display for LabelMatcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_label(f, &self.name, "")?;
        write!(f, "{}{}", self.op.text(), quote(&self.value))
    }
}

/// A label as it is where it can be, else quoted. `more` are signs that may stand in it.
fn write_label(f: &mut Formatter<'_>, label: &str, more: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    let word = !matches!(&*label.to_ascii_lowercase(), "inf" | "nan") || more.is_empty();
    if word && label.chars().all(plain) && label.starts_with(|c: char| !c.is_ascii_digit()) {
        f.write_str(label)
    } else {
        f.write_str(&quote(label))
    }
}

impl Display for Subquery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}:", self.expr, self.range)?;
        if let Some(step) = &self.step {
            step.fmt(f)?;
        }
        f.write_char(']')?;
        write_modifiers(f, &self.modifiers)
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name)?;
        for (index, arg) in self.args.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{arg}")?;
        }
        f.write_char(')')
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.text())?;
        match &self.grouping {
            Grouping::By(labels) if labels.is_empty() => {}
            Grouping::By(labels) => write_labels(f, " by", labels, " ")?,
            Grouping::Without(labels) => write_labels(f, " without", labels, " ")?,
        }
        match &self.param {
            Some(param) => write!(f, "({param}, {})", self.expr),
            None => write!(f, "({})", self.expr),
        }
    }
}

fn write_labels(f: &mut Formatter<'_>, word: &str, labels: &[String], end: &str) -> fmt::Result {
    write!(f, "{word} (")?;
    for (index, label) in labels.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        write_label(f, label, ":")?;
    }
    write!(f, "){end}")
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lhs, self.op.text())?;
        if self.return_bool {
            f.write_str(" bool")?;
        }
        if let Some(matching) = &self.matching {
            write_matching(f, matching)?;
        }
        write!(f, " {}", self.rhs)
    }
}

fn write_matching(f: &mut Formatter<'_>, matching: &VectorMatching) -> fmt::Result {
    let group = match matching.card {
        Cardinality::ManyToOne => Some(" group_left"),
        Cardinality::OneToMany => Some(" group_right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        let word = if matching.on { " on" } else { " ignoring" };
        write_labels(f, word, &matching.labels, "")?;
    }
    if let Some(group) = group {
        write_labels(f, group, &matching.include, "")?;
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
            write!(f, " fill ({})", number_text(left))
        }
        (left, right) => {
            for (word, value) in [("left", left), ("right", right)] {
                if let Some(value) = value {
                    write!(f, " fill_{word} ({})", number_text(value))?;
                }
            }
            Ok(())
        }
    }
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Duration::Fixed(millis) => f.write_str(&duration_text(*millis)),
            Duration::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DurationExpr::Number { value, duration, .. } => {
                f.write_str(&seconds_text(*value, *duration))
            }
            DurationExpr::Step(_) => f.write_str("step()"),
            DurationExpr::Range(_) => f.write_str("range()"),
            DurationExpr::Unary { negative, expr, .. } => {
                write!(f, "{}{expr}", if *negative { "-" } else { "+" })
            }
            DurationExpr::Binary { op: DurationOp::Min, lhs, rhs, .. } => {
                write!(f, "min_of({lhs}, {rhs})")
            }
            DurationExpr::Binary { op: DurationOp::Max, lhs, rhs, .. } => {
                write!(f, "max_of({lhs}, {rhs})")
            }
            DurationExpr::Binary { op, lhs, rhs, .. } => write!(f, "{lhs} {} {rhs}", op.text()),
            DurationExpr::Paren(expr, _) => write!(f, "({expr})"),
        }
    }
}
