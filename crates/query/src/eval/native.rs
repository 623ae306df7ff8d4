//! Functions of native histograms alone.

use plimsoll_model::{Grid, METRIC_NAME};

use super::{ABSENT, Eval, Series, Val, merge_same};
use crate::ast::Call;
use crate::engine::QueryResult as Result;
use crate::hist::{Hist, variance};

/// `histogram_count(v)`
pub(super) fn count(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    each(eval, node, grid, |h| h.count)
}

/// `histogram_sum(v)`
pub(super) fn sum(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    each(eval, node, grid, |h| h.sum)
}

/// `histogram_avg(v)`
pub(super) fn avg(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    each(eval, node, grid, |h| h.sum / h.count)
}

/// `histogram_stdvar(v)`
pub(super) fn stdvar(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    each(eval, node, grid, variance)
}

/// `histogram_stddev(v)`
pub(super) fn stddev(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    each(eval, node, grid, |h| variance(h).sqrt())
}

/// A number of each histogram; numbers are left out. Labels of type and unit stay.
fn each(eval: &Eval<'_>, node: &Call, grid: Grid, f: fn(&Hist) -> f64) -> Result<Val> {
    let series = eval.taken(&node.args[0], grid)?;
    let mut out = Vec::with_capacity(series.len());
    for s in series.into_iter().filter(|s| !s.histograms.is_empty()) {
        eval.cx.cancel.check()?;
        let values = s.histograms.iter().map(|h| h.as_ref().map_or(ABSENT, |h| f(h))).collect();
        let mut s = Series::floats(s.labels, s.drop_name, values);
        if eval.delayed() {
            s.drop_name = true;
        } else {
            s.labels = s.labels.without(|n| n == METRIC_NAME);
        }
        if s.any_present() {
            out.push(s);
        }
    }
    eval.given(merge_same(out)?, grid)
}
