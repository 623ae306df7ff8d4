//! `absent` and `absent_over_time`: a series where there is none.

use plimsoll_model::{Grid, Labels, METRIC_NAME};

use super::range::OverWindows;
use super::{ABSENT, Eval, Series, Val, is_absent};
use crate::ast::{Call, Expr, MatchOp, VectorSelector};
use crate::engine::QueryResult as Result;
use crate::kernels::kernel;

/// 1 at the times at which the vector is empty.
pub(super) fn absent(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let mut out = vec![1.0; grid.len()];
    eval.stream(&node.args[0], grid, &mut |series| {
        hide(&mut out, &series);
        Ok(())
    })?;
    let labels = match node.args[0].unwrap_paren() {
        Expr::Vector(selector) => labels_of(selector)?,
        _ => Labels::empty(),
    };
    result(eval, labels, out, grid)
}

/// 1 at the times at which no series of the range vector has a sample.
pub(super) fn absent_over_time(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let mut out = vec![1.0; grid.len()];
    let over = OverWindows {
        name: "absent_over_time",
        kernel: &|windows, slots| {
            if let Some(kernel) = kernel("present_over_time") {
                kernel.run(windows, slots);
            }
        },
        notice: &|_, _| {},
        tell: &|_, _| {},
        keep_name: true,
        timed: false,
        args: &[],
        modifier: None,
    };
    eval.over_windows(&node.args[0], grid, &over, &mut |series| {
        hide(&mut out, &series);
        Ok(())
    })?;
    let labels = match node.args[0].unwrap_paren() {
        Expr::Matrix(matrix) => labels_of(&matrix.vector)?,
        _ => Labels::empty(),
    };
    result(eval, labels, out, grid)
}

fn hide(out: &mut [f64], series: &Series) {
    if !series.histograms.is_empty() {
        let present = (0..out.len()).filter(|i| series.is_present(*i));
        present.for_each(|i| out[i] = ABSENT);
        return;
    }
    for (slot, v) in out.iter_mut().zip(&series.values) {
        if !is_absent(*v) {
            *slot = ABSENT;
        }
    }
}

fn result(eval: &Eval<'_>, labels: Labels, values: Vec<f64>, grid: Grid) -> Result<Val> {
    let series = Series::new(labels, values);
    eval.given(if series.any_present() { vec![series] } else { Vec::new() }, grid)
}

/// The labels that equality matchers state, without those that are matched more than once.
fn labels_of(selector: &VectorSelector) -> Result<Labels> {
    let stated = |name: &str| selector.matchers.iter().filter(|m| m.name == name).count();
    let pairs = selector
        .matchers
        .iter()
        .filter(|m| m.op == MatchOp::Equal && m.name != METRIC_NAME && stated(&m.name) == 1)
        .map(|m| (m.name.as_str(), m.value.as_str()));
    Ok(Labels::new(pairs)?)
}
