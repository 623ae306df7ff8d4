//! The PromQL of the kinds, as texts. Expressions are printed from their trees, so that a comment or a
//! line break of the file does no harm.

use plimsoll_model::{Labels, METRIC_NAME};
use plimsoll_query::{
    Expr, Grouping, MatchOp, ValueType, VectorSelector, format_duration, format_value,
};

/// Points of a subquery over which an expression is looked at: as many as a robust slope or a forecast
/// needs; the analysis thins more than that anyway.
const POINTS: i64 = 360;
/// The finest step of such a subquery, ms.
const STEP_MIN_MS: i64 = 15_000;
/// Pieces in which the past of a rule of the kind absence is read after a start, so that no query reads
/// all of it at once.
const PIECES: i64 = 32;

/// An expression where an operand may stand.
pub fn operand(expr: &Expr) -> String {
    match expr {
        Expr::Binary(_) | Expr::Unary(_) | Expr::Number(_) => format!("({expr})"),
        other => other.to_string(),
    }
}

/// An expression as a vector where an operand may stand.
pub fn vector(expr: &Expr) -> String {
    match expr.value_type() {
        ValueType::Scalar => format!("vector({expr})"),
        _ => operand(expr),
    }
}

/// The values of an expression over a length of time; a range stays as it is.
pub fn range(expr: &Expr, over_ms: i64) -> String {
    let over = format_duration(over_ms);
    match expr {
        Expr::Matrix(_) | Expr::Subquery(_) => expr.to_string(),
        Expr::Vector(v) if v.modifiers.at.is_none() && v.modifiers.offset.is_none() => {
            format!("{v}[{over}]")
        }
        other => format!("{}[{over}:{}]", vector(other), format_duration(step_ms(over_ms))),
    }
}

/// The step of a subquery over this length of time: a whole number of seconds.
fn step_ms(over_ms: i64) -> i64 {
    let step = (over_ms / POINTS).max(STEP_MIN_MS);
    (step + 999) / 1_000 * 1_000
}

/// A comparison with a number.
pub fn compared(value: &str, above: bool, number: f64) -> String {
    format!("{value} {} {}", if above { '>' } else { '<' }, format_value(number))
}

/// A filter by the least traffic, as well as PromQL can say it: where the labels of the minimum are
/// known, elements are matched on them.
pub fn with_minimum(text: &str, minimum: &Expr, above: f64) -> String {
    let is_plain = |name: &String| {
        name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let on = match minimum.unwrap_paren() {
        _ if minimum.value_type() == ValueType::Scalar => " on ()".to_owned(),
        Expr::Aggregate(a) => match &a.grouping {
            Grouping::By(labels) if labels.iter().all(is_plain) => {
                format!(" on ({})", labels.join(", "))
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    format!("{text} and{on} {}", compared(&vector(minimum), true, above))
}

/// Seconds until a limit is reached. `rising` says from which side; what is past the limit then is
/// there at once.
pub fn time_to(expr: &Expr, over_ms: i64, limit: &To<'_>, rising: Option<bool>) -> String {
    let (expr_text, number) = match limit {
        To::Number(x) => (None, *x),
        To::Expr(limit) => (Some(format!("{} - {}", vector(expr), operand(limit))), 0.0),
    };
    let text = match &expr_text {
        None => range(expr, over_ms),
        Some(text) => {
            format!("({text})[{}:{}]", format_duration(over_ms), format_duration(step_ms(over_ms)))
        }
    };
    let foreseen = format!("time_to_breach({text}, {})", format_value(number));
    let Some(rising) = rising else { return foreseen };
    let now = match &expr_text {
        Some(text) => format!("({text})"),
        None if expr.value_type() == ValueType::RangeVector => format!("last_over_time({expr})"),
        None => vector(expr),
    };
    let op = if rising { ">=" } else { "<=" };
    format!("(({now} {op} {}) * 0 or {foreseen})", format_value(number))
}

/// A limit.
pub enum To<'e> {
    Number(f64),
    Expr(&'e Expr),
}

/// When each series of a selector sent something last, seconds.
pub fn last_times(selector: &VectorSelector, within_ms: i64) -> String {
    format!("ts_of_last_over_time({selector}[{}])", format_duration(within_ms))
}

/// The pieces in which `remember` is read after a start, ms.
pub fn piece_ms(over_ms: i64, remember_ms: i64) -> i64 {
    over_ms.max((remember_ms + PIECES - 1) / PIECES)
}

/// Series of a selector that were there in `remember` and are not in `over`, or their absence.
pub fn absent(selector: &VectorSelector, over_ms: i64, remember_ms: i64) -> String {
    let (over, remember) = (format_duration(over_ms), format_duration(remember_ms));
    format!(
        "(last_over_time({selector}[{remember}]) unless present_over_time({selector}[{over}])) or \
         absent_over_time({selector}[{remember}])"
    )
}

/// The labels that `absent()` gives: those that are asked for by equality, once.
pub fn absent_labels(selector: &VectorSelector) -> Labels {
    let mut labels = Labels::empty();
    let all = &selector.matchers;
    for matcher in all.iter().filter(|m| m.op == MatchOp::Equal && m.name != METRIC_NAME) {
        if all.iter().filter(|m| m.name == matcher.name).count() == 1 {
            labels = labels.with(&matcher.name, &matcher.value);
        }
    }
    labels
}
