//! `label_replace` and `label_join`.

use std::collections::HashMap;

use plimsoll_model::{Grid, Labels, METRIC_NAME};

use super::{Eval, Val, column, merge_same};
use crate::ast::Call;
use crate::engine::{QueryResult as Result, execution};

/// Bytes that a compiled regex may take.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// Sets a label from a full match of a regex on another; an empty result removes it.
pub(super) fn label_replace(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let replacement = eval.text(&node.args[2])?;
    let from = eval.text(&node.args[3])?;
    let pattern = eval.text(&node.args[4])?;
    let regex = regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|_| {
            execution(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
    let to = destination(eval, node)?;
    relabel(eval, node, grid, &to, |labels| {
        let captures = regex.captures(labels.get(&from).unwrap_or(""))?;
        let mut value = String::new();
        captures.expand(&replacement, &mut value);
        Some(value)
    })
}

/// Joins the values of labels into one.
pub(super) fn label_join(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let to = destination(eval, node)?;
    let separator = eval.text(&node.args[2])?;
    let mut from = Vec::with_capacity(node.args.len().saturating_sub(3));
    for arg in node.args.iter().skip(3) {
        from.push(eval.label_name(arg, |_, name| {
            format!("invalid source label name in label_join(): {name}")
        })?);
    }
    relabel(eval, node, grid, &to, |labels| {
        let values: Vec<&str> = from.iter().map(|name| labels.get(name).unwrap_or("")).collect();
        Some(values.join(&separator))
    })
}

/// The label that is set.
fn destination(eval: &Eval<'_>, node: &Call) -> Result<String> {
    let function = node.function.name;
    eval.label_name(&node.args[1], |_, name| {
        format!("invalid destination label name in {function}(): {name}")
    })
}

/// Sets the label `to` of each series to what `value` says, if anything.
fn relabel(
    eval: &Eval<'_>,
    node: &Call,
    grid: Grid,
    to: &str,
    value: impl Fn(&Labels) -> Option<String>,
) -> Result<Val> {
    let mut series = eval.vector(&node.args[0], grid)?;
    for s in &mut series {
        if let Some(value) = value(&s.labels) {
            s.labels = s.labels.with(to, &value);
            if to == METRIC_NAME {
                s.drop_name = false;
            }
        }
    }
    let mut first: HashMap<&Labels, usize> = HashMap::new();
    for (i, s) in series.iter().enumerate() {
        if let Some(other) = first.insert(&s.labels, i) {
            let both = |i: usize| series[other].is_present(i) && s.is_present(i);
            if (0..s.values.len()).any(both) {
                return Err(column::same_labelset());
            }
        }
    }
    merge_same(series).map(Val::Vector)
}
