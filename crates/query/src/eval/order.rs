//! `sort` and its kin: an order that only instant queries show.

use std::cmp::Ordering;

use plimsoll_model::Grid;

use super::{Eval, Series, Val};
use crate::ast::Call;
use crate::engine::QueryResult as Result;

/// Rising values, NaN last.
pub(super) fn sort(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    sorted(eval, node, grid, false, |a, b| by_value(a, b, |a, b| a.partial_cmp(&b)))
}

/// Falling values, NaN last.
pub(super) fn sort_desc(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    sorted(eval, node, grid, false, |a, b| by_value(a, b, |a, b| b.partial_cmp(&a)))
}

/// Rising values of labels in natural order.
pub(super) fn sort_by_label(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let names = names(eval, node)?;
    sorted(eval, node, grid, true, |a, b| {
        by_labels(&names, a, b).then_with(|| a.labels.cmp(&b.labels))
    })
}

/// Falling values of labels in natural order.
pub(super) fn sort_by_label_desc(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let names = names(eval, node)?;
    sorted(eval, node, grid, true, |a, b| {
        by_labels(&names, b, a).then_with(|| b.labels.cmp(&a.labels))
    })
}

fn names(eval: &Eval<'_>, node: &Call) -> Result<Vec<String>> {
    node.args.iter().skip(1).map(|arg| eval.text(arg)).collect()
}

/// Sorts an instant query's elements; without `histograms` those are left out.
fn sorted(
    eval: &Eval<'_>,
    node: &Call,
    grid: Grid,
    histograms: bool,
    order: impl Fn(&Series, &Series) -> Ordering,
) -> Result<Val> {
    let mut series = eval.vector(&node.args[0], grid)?;
    if !histograms && series.iter().any(|s| !s.histograms.is_empty()) {
        series.iter_mut().for_each(|s| s.histograms = Vec::new());
        series.retain(Series::any_present);
    }
    if eval.step_ms > 0 {
        eval.notes.warn(
            "sort is ineffective for range queries since results are always ordered by labels",
            node.span,
        );
    } else if grid.len() == 1 {
        series.sort_by(order);
    }
    Ok(Val::Vector(series))
}

fn by_value(a: &Series, b: &Series, order: fn(f64, f64) -> Option<Ordering>) -> Ordering {
    let (a, b) = (a.values[0], b.values[0]);
    order(a, b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn by_labels(names: &[String], a: &Series, b: &Series) -> Ordering {
    names
        .iter()
        .map(|n| natural(a.labels.get(n).unwrap_or(""), b.labels.get(n).unwrap_or("")))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Compares texts chunk by chunk, runs of digits by their number: `a2` before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let (chunk_a, rest_a) = chunk(a);
        let (chunk_b, rest_b) = chunk(b);
        let digits = |s: &str| s.as_bytes()[0].is_ascii_digit();
        let order = if digits(chunk_a) && digits(chunk_b) {
            let (x, y) = (chunk_a.trim_start_matches('0'), chunk_b.trim_start_matches('0'));
            x.len()
                .cmp(&y.len())
                .then_with(|| x.cmp(y))
                .then_with(|| chunk_a.len().cmp(&chunk_b.len()))
        } else {
            chunk_a.cmp(chunk_b)
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The leading run of digits or of anything else; the text is not empty.
fn chunk(text: &str) -> (&str, &str) {
    let digit = text.as_bytes()[0].is_ascii_digit();
    let end = text.bytes().position(|b| b.is_ascii_digit() != digit).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_are_numbers() {
        let mut texts = ["a10", "a2", "b", "a", "a02", "10", "9"];
        texts.sort_by(|a, b| natural(a, b));
        assert_eq!(texts, ["9", "10", "a", "a2", "a02", "a10", "b"]);
    }
}
