//! How far back an expression reads.

use crate::ast::{Duration, Expr, Modifiers, RangeModifier};
use crate::engine::EngineConfig;

/// How far before an evaluation time samples are read at most, ms; `None` when that is not known from
/// the text, or when a value depends on more than the samples before its time.
pub(super) fn reach_of(expr: &Expr, config: &EngineConfig) -> Option<i64> {
    match expr {
        Expr::Number(_) => Some(0),
        Expr::String(_) => Some(0),
        Expr::Vector(selector) => {
            selector.extended.is_none().then_some(())?;
            config.lookback_ms.checked_add(back(&selector.modifiers)?)
        }
        Expr::Matrix(matrix) => {
            let beyond = match matrix.vector.extended {
                None => 0,
                Some(RangeModifier::Anchored) => config.lookback_ms,
                Some(RangeModifier::Smoothed) => return None,
            };
            fixed(&matrix.range)?.checked_add(back(&matrix.vector.modifiers)?)?.checked_add(beyond)
        }
        Expr::Subquery(node) => {
            if let Some(step) = &node.step {
                fixed(step)?;
            }
            fixed(&node.range)?
                .checked_add(back(&node.modifiers)?)?
                .checked_add(reach_of(&node.expr, config)?)
        }
        Expr::Call(node) if OF_THE_QUERY.contains(&node.function.name) => None,
        other => {
            let mut farthest = 0;
            for child in other.children() {
                farthest = farthest.max(reach_of(child, config)?);
            }
            // What `info` looks up is read at the times of its first argument.
            let own = if matches!(other, Expr::Call(node) if node.function.name == "info") {
                config.lookback_ms
            } else {
                0
            };
            farthest.checked_add(own)
        }
    }
}

/// Functions whose value is of the whole query.
const OF_THE_QUERY: [&str; 3] = ["start", "end", "range"];

fn back(modifiers: &Modifiers) -> Option<i64> {
    if modifiers.at.is_some() {
        return None;
    }
    modifiers.offset.as_ref().map_or(Some(0), fixed).filter(|offset| *offset >= 0)
}

fn fixed(duration: &Duration) -> Option<i64> {
    match duration {
        Duration::Fixed(ms) => Some(*ms),
        Duration::Expr(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, parse};

    #[test]
    fn reaches_are_the_sum_of_what_is_looked_back() {
        let config = EngineConfig::default();
        let minutes = |text: &str| {
            let expr = parse(text, &Features::PROMQLTEST).unwrap();
            reach_of(&expr, &config).map(|ms| ms as f64 / 60_000.0)
        };
        assert_eq!(minutes("1 + 1"), Some(0.0));
        assert_eq!(minutes("m"), Some(5.0));
        assert_eq!(minutes("m offset 1h"), Some(65.0));
        assert_eq!(minutes("sum(rate(m[10m] offset 5m)) / n"), Some(15.0));
        assert_eq!(minutes("max_over_time((a / b)[1h:1m] offset 1h)"), Some(125.0));
        assert_eq!(minutes("rate(m[10m] anchored)"), Some(15.0));
        assert_eq!(minutes("time() - timestamp(m)"), Some(5.0));
        assert_eq!(minutes("info(rate(m[2m]))"), Some(7.0));
        for text in [
            "m @ 100",
            "m @ start()",
            "m offset -1m",
            "rate(m[step() * 4])",
            "rate(m[10m] smoothed)",
            "range() * m",
            "end() - m",
            "max_over_time(m[1h:1m] @ end())",
        ] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }
}
