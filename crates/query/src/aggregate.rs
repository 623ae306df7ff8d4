//! Aggregations: groups of series, folded time by time.
//!
//! Folds (`sum`, `avg`, …) take their input as a stream and hold one accumulator per group and time;
//! the others (`topk`, `quantile`, …) need all elements at once. Groups stand in the order in which
//! their first series came.

mod choose;
mod fold;
mod native;

use std::collections::HashMap;

use plimsoll_model::{Grid, LabelBuf, Labels, METRIC_NAME};

use crate::ast::{Aggregate, AggregateOp, Expr, Grouping};
use crate::engine::{QueryResult as Result, execution};
use crate::eval::{ABSENT, Element, Eval, Series, is_absent};

/// The value of an aggregation.
pub(crate) fn eval(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    match node.op {
        AggregateOp::Sum => fold::run::<fold::Sum>(eval, node, grid),
        AggregateOp::Avg => fold::run::<fold::Avg>(eval, node, grid),
        AggregateOp::Count => fold::run::<fold::Count>(eval, node, grid),
        AggregateOp::Min => fold::run::<fold::Min>(eval, node, grid),
        AggregateOp::Max => fold::run::<fold::Max>(eval, node, grid),
        AggregateOp::Group => fold::run::<fold::Group>(eval, node, grid),
        AggregateOp::Stddev => fold::run::<fold::Stddev>(eval, node, grid),
        AggregateOp::Stdvar => fold::run::<fold::Stdvar>(eval, node, grid),
        AggregateOp::Topk => choose::topk(eval, node, grid),
        AggregateOp::Bottomk => choose::bottomk(eval, node, grid),
        AggregateOp::Limitk => choose::limitk(eval, node, grid),
        AggregateOp::LimitRatio => choose::limit_ratio(eval, node, grid),
        AggregateOp::Quantile => quantile(eval, node, grid),
        AggregateOp::CountValues => count_values(eval, node, grid),
    }
}

/// Puts the labels of the group of a series.
fn group_labels(grouping: &Grouping, labels: &Labels, out: &mut LabelBuf) {
    match grouping {
        Grouping::By(names) if names.is_empty() => out.clear(),
        Grouping::By(names) => {
            out.set_without(labels.as_ref(), |n| !names.iter().any(|g| g == n));
        }
        Grouping::Without(names) => {
            out.set_without(labels.as_ref(), |n| n == METRIC_NAME || names.iter().any(|g| g == n));
        }
    }
}

/// Numbers groups by their labels, in order of appearance.
struct Groups<'n> {
    grouping: &'n Grouping,
    at: HashMap<LabelBuf, usize>,
    /// Labels of each group and whether its name goes at the end.
    found: Vec<(Labels, bool)>,
    /// Labels and number of the group that was looked for last: neighbours are often in one.
    last: (LabelBuf, usize),
    room: LabelBuf,
}

impl<'n> Groups<'n> {
    fn new(grouping: &'n Grouping) -> Self {
        let (at, found) = (HashMap::new(), Vec::new());
        let last = (LabelBuf::new(), usize::MAX);
        Self { grouping, at, found, last, room: LabelBuf::new() }
    }

    /// The number of the group of a series.
    fn of(&mut self, series: &Series) -> usize {
        group_labels(self.grouping, &series.labels, &mut self.room);
        if self.last.1 < self.found.len() && self.last.0 == self.room {
            return self.last.1;
        }
        let at = match self.at.get(&self.room) {
            Some(at) => *at,
            None => {
                let at = self.found.len();
                self.found.push((self.room.to_labels(), series.drop_name));
                self.at.insert(self.room.clone(), at);
                at
            }
        };
        std::mem::swap(&mut self.last.0, &mut self.room);
        self.last.1 = at;
        at
    }
}

/// All elements, with the number of the group of each.
fn gathered<'n>(
    eval: &Eval<'_>,
    node: &'n Aggregate,
    grid: Grid,
) -> Result<(Vec<Series>, Vec<usize>, Groups<'n>)> {
    let series = eval.vector(&node.expr, grid)?;
    let mut groups = Groups::new(&node.grouping);
    let of = series.iter().map(|s| groups.of(s)).collect();
    Ok((series, of, groups))
}

/// The parameter of an aggregation that has one.
fn param(node: &Aggregate) -> Result<&Expr> {
    node.param.as_ref().ok_or_else(|| execution(format!("{} needs a parameter", node.op.text())))
}

/// `quantile(φ, v)`
fn quantile(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    let param = param(node)?;
    let phi = eval.scalar(param, grid)?;
    warn_of_quantiles(eval, &phi, param);
    let (series, of, groups) = gathered(eval, node, grid)?;
    eval.free(&series);
    if series.iter().any(|s| !s.histograms.is_empty()) {
        tell_of_ignored(eval, node);
    }
    eval.charge(groups.found.len(), grid)?;
    let mut members = vec![Vec::new(); groups.found.len()];
    of.iter().enumerate().for_each(|(s, group)| members[*group].push(s));
    let mut out = Vec::with_capacity(members.len());
    let mut values = Vec::new();
    for ((labels, drop_name), members) in groups.found.into_iter().zip(members) {
        eval.cx.cancel.check()?;
        let mut column = vec![ABSENT; grid.len()];
        for (i, slot) in column.iter_mut().enumerate() {
            values.clear();
            values.extend(members.iter().map(|m| series[*m].values[i]).filter(|v| !is_absent(*v)));
            if !values.is_empty() {
                *slot = crate::kernels::quantile(phi[i], &values);
            }
        }
        out.push(Series::floats(labels, drop_name, column));
    }
    Ok(out)
}

/// Histograms have no place in this aggregation.
fn tell_of_ignored(eval: &Eval<'_>, node: &Aggregate) {
    let text = format!("ignored histogram in {} aggregation", node.op.text());
    eval.notes.info(text, node.expr.unwrap_paren().span());
}

/// Warns once each of a parameter that is no number, above 1, below 0.
fn warn_of_quantiles(eval: &Eval<'_>, phi: &[f64], param: &Expr) {
    if phi.iter().any(|p| p.is_nan()) {
        eval.check_quantile(f64::NAN, param.span());
    }
    let max = phi.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let min = phi.iter().copied().fold(f64::INFINITY, f64::min);
    if max > 1.0 {
        eval.check_quantile(max, param.span());
    }
    if min < 0.0 {
        eval.check_quantile(min, param.span());
    }
}

/// `count_values("label", v)`
fn count_values(eval: &Eval<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Series>> {
    let label = eval.label_name(param(node)?, |name, _| format!("invalid label name {name}"))?;
    // The value becomes a label before the grouping says which labels stay.
    let gone = match &node.grouping {
        Grouping::By(_) => false,
        Grouping::Without(names) => label == METRIC_NAME || names.contains(&label),
    };
    let (series, of, groups) = gathered(eval, node, grid)?;
    eval.free(&series);
    let mut at: HashMap<(usize, u64), usize> = HashMap::new();
    let mut same: HashMap<Labels, usize> = HashMap::new();
    let mut out: Vec<Series> = Vec::new();
    for (s, group) in series.iter().zip(of) {
        eval.cx.cancel.check()?;
        for i in 0..grid.len() {
            // Histograms are told apart by their text.
            let element = s.element(i);
            let known = match element {
                Element::Absent => continue,
                Element::Float(v) if v.is_nan() => Some(f64::NAN.to_bits()),
                Element::Float(v) => Some(v.to_bits()),
                Element::Histogram(_) => None,
            };
            let row = match known.and_then(|bits| at.get(&(group, bits))) {
                Some(row) => *row,
                None => {
                    let (labels, drop_name) = &groups.found[group];
                    let text = match element {
                        _ if gone => String::new(),
                        Element::Absent => continue,
                        Element::Float(v) => crate::format::format_plain(v),
                        Element::Histogram(h) => h.text(),
                    };
                    let labels = labels.with(&label, &text);
                    let row = *same.entry(labels.clone()).or_insert(out.len());
                    if row == out.len() {
                        eval.charge(1, grid)?;
                        let drop_name = *drop_name && label != METRIC_NAME;
                        out.push(Series::floats(labels, drop_name, vec![ABSENT; grid.len()]));
                    }
                    if let Some(bits) = known {
                        at.insert((group, bits), row);
                    }
                    row
                }
            };
            let slot = &mut out[row].values[i];
            *slot = if is_absent(*slot) { 1.0 } else { *slot + 1.0 };
        }
    }
    Ok(out)
}
