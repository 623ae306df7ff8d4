//! What the values of an expression count, from the names of its metrics and what is done to them.
//!
//! A guess, as good as the names are: it only decides how numbers are written.

use plimsoll_model::Unit;
use plimsoll_query::{AggregateOp, BinaryOp, Expr, VectorSelector};

/// What a number counts, and whether per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measure {
    base: Unit,
    per_second: bool,
}

const NOTHING: Measure = Measure { base: Unit::Plain, per_second: false };

/// The unit of an expression's values.
pub fn unit_of(expr: &Expr) -> Unit {
    let found = measure(expr);
    match (found.base, found.per_second) {
        (Unit::Plain, true) => Unit::PerSecond,
        (Unit::Bytes, true) => Unit::BytesPerSecond,
        // Seconds a second, such as of a processor.
        (Unit::Seconds, true) => Unit::Ratio,
        (base, _) => base,
    }
}

fn measure(expr: &Expr) -> Measure {
    match expr {
        Expr::Number(_) | Expr::String(_) => NOTHING,
        Expr::Vector(selector) => named(selector),
        Expr::Matrix(matrix) => named(&matrix.vector),
        Expr::Subquery(subquery) => measure(&subquery.expr),
        Expr::Unary(unary) => measure(&unary.expr),
        Expr::Paren(paren) => measure(&paren.expr),
        Expr::Call(call) => called(call.function.name, &call.args),
        Expr::Aggregate(aggregate) => match aggregate.op {
            AggregateOp::Count | AggregateOp::CountValues | AggregateOp::Group => NOTHING,
            _ => measure(&aggregate.expr),
        },
        Expr::Binary(binary) => combined(binary.op, &binary.lhs, &binary.rhs),
    }
}

fn named(selector: &VectorSelector) -> Measure {
    let written = selector.matchers.iter().find(|m| m.name == "__name__").map(|m| m.value.as_str());
    let name = selector.name.as_deref().or(written).unwrap_or_default();
    let mut words = name.rsplit([':', '_']).skip_while(|w| {
        matches!(*w, "total" | "sum" | "bucket" | "max" | "min" | "avg" | "mean" | "created")
    });
    let base = match words.next().unwrap_or_default() {
        "bytes" => Unit::Bytes,
        "seconds" => Unit::Seconds,
        "ratio" => Unit::Ratio,
        "percent" | "percentage" => Unit::Percent,
        "celsius" => Unit::Celsius,
        // `instance:cpu:rate5m` and the like tell nothing; `…_seconds_count` counts.
        _ => Unit::Plain,
    };
    Measure { base, per_second: false }
}

fn called(name: &str, args: &[Expr]) -> Measure {
    let first = || args.first().map_or(NOTHING, measure);
    let last = || args.last().map_or(NOTHING, measure);
    match name {
        "rate" | "irate" | "deriv" => Measure { per_second: true, ..first() },
        "time" | "timestamp" => Measure { base: Unit::Seconds, per_second: false },
        // Buckets are counted by what they measure, whatever is done to the counts.
        "histogram_quantile" => Measure { per_second: false, ..last() },
        "quantile_over_time" => last(),
        "histogram_avg" | "histogram_sum" => Measure { per_second: false, ..first() },
        "count_over_time" | "changes" | "resets" | "absent" | "absent_over_time"
        | "present_over_time" | "histogram_count" | "sgn" | "stdvar_over_time" => NOTHING,
        _ => first(),
    }
}

fn combined(op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Measure {
    let (left, right) = (measure(lhs), measure(rhs));
    let number = |e: &Expr| match e.unwrap_paren() {
        Expr::Number(n) => Some(n.value),
        _ => None,
    };
    match op {
        BinaryOp::Div => divided(left, right, number(rhs).is_some()),
        BinaryOp::Mul => match (number(lhs), number(rhs)) {
            (Some(by), None) => multiplied(right, by),
            (None, Some(by)) => multiplied(left, by),
            _ if left.base == Unit::Plain => right,
            _ => left,
        },
        BinaryOp::Add | BinaryOp::Sub if left == NOTHING => right,
        BinaryOp::Pow | BinaryOp::Atan2 => NOTHING,
        _ => left,
    }
}

fn divided(left: Measure, right: Measure, by_number: bool) -> Measure {
    match (left.base, right.base) {
        (l, r) if l == r && !by_number && left.per_second == right.per_second => {
            Measure { base: Unit::Ratio, per_second: false }
        }
        // A number may turn bytes into megabytes: nobody knows.
        _ if by_number => NOTHING,
        (base, Unit::Plain) if left.per_second == right.per_second => {
            Measure { base, per_second: false }
        }
        (base, Unit::Plain) => Measure { base, ..left },
        // So many a second until something is full: a time.
        (l, r) if l == r && right.per_second => Measure { base: Unit::Seconds, per_second: false },
        _ => NOTHING,
    }
}

fn multiplied(what: Measure, by: f64) -> Measure {
    match what.base {
        Unit::Ratio if by == 100.0 => Measure { base: Unit::Percent, per_second: false },
        // The share of a processor's time.
        Unit::Seconds if by == 100.0 && what.per_second => {
            Measure { base: Unit::Percent, per_second: false }
        }
        _ if by == 1.0 || by == -1.0 => what,
        _ => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::{Features, parse};

    #[test]
    fn the_unit_follows_from_names_and_operations() {
        for (text, wanted) in [
            ("up", Unit::Plain),
            ("node_memory_free_bytes", Unit::Bytes),
            ("rate(net_bytes_total[5m])", Unit::BytesPerSecond),
            ("sum by (job) (rate(http_requests_total[5m]))", Unit::PerSecond),
            ("1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", Unit::Ratio),
            ("100 * (1 - avg(rate(node_cpu_seconds_total[5m])))", Unit::Percent),
            ("a_bytes / b_bytes", Unit::Ratio),
            ("(a_bytes / b_bytes) * 100 > 90", Unit::Percent),
            ("a_bytes / 1024", Unit::Plain),
            ("rate(e_total[5m]) / rate(r_total[5m])", Unit::Ratio),
            ("rate(h_seconds_sum[5m]) / rate(h_seconds_count[5m])", Unit::Seconds),
            ("histogram_quantile(0.9, sum by (le) (rate(h_seconds_bucket[5m])))", Unit::Seconds),
            ("count(up == 0)", Unit::Plain),
            ("time() - last_run_timestamp_seconds", Unit::Seconds),
            ("increase(errors_total[1h])", Unit::Plain),
            ("{__name__=\"temp_celsius\"}", Unit::Celsius),
            ("free_bytes / rate(used_bytes[1h])", Unit::Seconds),
            ("-x_ratio", Unit::Ratio),
            ("max_over_time(x_seconds[1h:1m])", Unit::Seconds),
        ] {
            let expr = parse(text, &Features::default()).unwrap();
            assert_eq!(unit_of(&expr), wanted, "{text}");
        }
    }
}
