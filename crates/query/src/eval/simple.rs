//! Functions of scalars, of the evaluation time, and limits of values.

use plimsoll_model::{Grid, Labels};

use super::{ABSENT, Eval, Series, Val, go_max, go_min, is_absent, math, merge_same};
use crate::ast::{Call, Expr};
use crate::engine::QueryResult as Result;

/// `time()`
pub(super) fn time(_: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    Ok(Val::Scalar((0..grid.len()).map(|i| grid.at(i) as f64 / 1000.0).collect()))
}

/// `pi()`
pub(super) fn pi(_: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    same(std::f64::consts::PI, grid)
}

/// `start()`
pub(super) fn start(eval: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    same(eval.query.start as f64 / 1000.0, grid)
}

/// `end()`
pub(super) fn end(eval: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    same(eval.query.end as f64 / 1000.0, grid)
}

/// `range()`
pub(super) fn range(eval: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    same((eval.query.end - eval.query.start) as f64 / 1000.0, grid)
}

/// `step()`
pub(super) fn step(eval: &Eval<'_>, _: &Call, grid: Grid) -> Result<Val> {
    same(eval.step_ms as f64 / 1000.0, grid)
}

fn same(value: f64, grid: Grid) -> Result<Val> {
    Ok(Val::Scalar(vec![value; grid.len()]))
}

/// `min_of(a, b)`
pub(super) fn min_of(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_two(eval, node, grid, go_min)
}

/// `max_of(a, b)`
pub(super) fn max_of(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_two(eval, node, grid, go_max)
}

fn of_two(eval: &Eval<'_>, node: &Call, grid: Grid, f: fn(f64, f64) -> f64) -> Result<Val> {
    let a = eval.scalar(&node.args[0], grid)?;
    let b = eval.scalar(&node.args[1], grid)?;
    Ok(Val::Scalar(a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()))
}

/// `scalar(v)`: the only element's value, NaN unless there is exactly one.
pub(super) fn scalar(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let mut out = vec![f64::NAN; grid.len()];
    let mut seen = vec![false; grid.len()];
    eval.stream(&node.args[0], grid, &mut |series| {
        for (i, v) in series.values.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
            out[i] = if seen[i] { f64::NAN } else { *v };
            seen[i] = true;
        }
        Ok(())
    })?;
    Ok(Val::Scalar(out))
}

/// `vector(s)`
pub(super) fn vector(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let column = eval.scalar(&node.args[0], grid)?;
    eval.given(vec![Series::new(Labels::empty(), column)], grid)
}

/// `timestamp(v)`: the samples' own times for a bare selector, else the evaluation time.
pub(super) fn timestamp(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let mut series = match node.args[0].unwrap_paren() {
        Expr::Vector(selector) => {
            eval.collect(grid, |sink| eval.each_sample_time(selector, grid, sink))?
        }
        other => {
            let mut series = eval.vector(other, grid)?;
            for s in &mut series {
                for i in (0..grid.len()).filter(|i| s.is_present(*i)).collect::<Vec<_>>() {
                    s.values[i] = grid.at(i) as f64 / 1000.0;
                }
                s.histograms = Vec::new();
            }
            series
        }
    };
    series.iter_mut().for_each(|s| eval.drop_name(s));
    merge_same(series).map(Val::Vector)
}

/// `clamp(v, min, max)`: nothing where the bounds are crossed.
pub(super) fn clamp(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let min = eval.scalar(&node.args[1], grid)?;
    let max = eval.scalar(&node.args[2], grid)?;
    per_step(eval, node, grid, |i, v| {
        if max[i] < min[i] { ABSENT } else { math::clamp(v, min[i], max[i]) }
    })
}

/// `clamp_min(v, min)`
pub(super) fn clamp_min(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let min = eval.scalar(&node.args[1], grid)?;
    per_step(eval, node, grid, |i, v| go_max(min[i], v))
}

/// `clamp_max(v, max)`
pub(super) fn clamp_max(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let max = eval.scalar(&node.args[1], grid)?;
    per_step(eval, node, grid, |i, v| go_min(max[i], v))
}

/// `round(v, to)`
pub(super) fn round(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let to = eval.scalar_or(node, 1, 1.0, grid)?;
    per_step(eval, node, grid, |i, v| math::round(v, to[i]))
}

/// Changes each value of the first argument by its time and value; the name goes.
fn per_step(
    eval: &Eval<'_>,
    node: &Call,
    grid: Grid,
    f: impl Fn(usize, f64) -> f64,
) -> Result<Val> {
    let mut series = eval.vector(&node.args[0], grid)?;
    for s in &mut series {
        s.histograms = Vec::new();
        for (i, v) in s.values.iter_mut().enumerate().filter(|(_, v)| !is_absent(**v)) {
            *v = f(i, *v);
        }
        eval.drop_name(s);
    }
    series.retain(Series::any_present);
    merge_same(series).map(Val::Vector)
}
