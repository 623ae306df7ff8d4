//! Arithmetic and comparisons between two vectors.

use std::collections::HashMap;

use plimsoll_model::{Grid, Labels};

use super::element::operator;
use super::matching::{MatchGroups, compared};
use super::native::{Made, Remark, Value, apply};
use super::{drops_name, is_trim};
use crate::ast::{Binary, Cardinality, VectorMatching};
use crate::engine::{QueryError, QueryResult as Result, execution};
use crate::eval::{ABSENT, Element, Eval, Series, is_absent, without_metadata};

/// The sides of an operation as matching sees them: `many` is the left side unless `group_right` is
/// given; at any time at most one element of a group may be on the `one` side.
struct Sides<'n> {
    node: &'n Binary,
    matching: &'n VectorMatching,
    many: Vec<Series>,
    one: Vec<Series>,
    swapped: bool,
    /// Value of a missing element of each side. As in Prometheus, the left fill is that of the `many`
    /// side also under `group_right`.
    fill_many: Option<f64>,
    fill_one: Option<f64>,
}

/// The result being built: one column per set of labels.
struct Output {
    at: HashMap<Labels, usize>,
    series: Vec<Series>,
    grid: Grid,
    /// Which pair of the operation is computed, in the order in which Prometheus would.
    order: usize,
    /// Of each time the remark on the last pair that had one: only that is told. Empty until there is
    /// one.
    remarks: Vec<Option<(usize, Remark)>>,
}

/// The value of an arithmetic operation or comparison.
pub(super) fn eval(
    eval: &Eval<'_>,
    node: &Binary,
    lhs: Vec<Series>,
    rhs: Vec<Series>,
    grid: Grid,
) -> Result<Vec<Series>> {
    let plain = VectorMatching::new(Cardinality::OneToOne);
    let matching = node.matching.as_ref().unwrap_or(&plain);
    let swapped = matching.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let (fill_many, fill_one) = (matching.fill_left, matching.fill_right);
    let sides = Sides { node, matching, many, one, swapped, fill_many, fill_one };
    sides.run(eval, grid)
}

impl Sides<'_> {
    fn run(&self, eval: &Eval<'_>, grid: Grid) -> Result<Vec<Series>> {
        let mut groups = MatchGroups::default();
        let many_of = groups.number(self.matching, &self.many);
        let one_of = groups.number(self.matching, &self.one);
        let mut of_group: Vec<(Vec<usize>, Vec<usize>)> = vec![Default::default(); groups.len()];
        many_of.iter().enumerate().for_each(|(s, g)| of_group[*g].0.push(s));
        one_of.iter().enumerate().for_each(|(s, g)| of_group[*g].1.push(s));
        self.check_one_side(&of_group, grid)?;
        let mut out =
            Output { at: HashMap::new(), series: Vec::new(), grid, order: 0, remarks: Vec::new() };
        for (many, one) in &of_group {
            eval.cx.cancel.check()?;
            self.join_group(eval, many, one, &mut out)?;
        }
        for (_, remark) in out.remarks.into_iter().flatten() {
            remark.tell(eval, self.node.op, self.node.span);
        }
        out.series.retain(Series::any_present);
        Ok(out.series)
    }

    /// Refuses two elements of a group on the `one` side at one time, naming the first that occurs.
    fn check_one_side(&self, groups: &[(Vec<usize>, Vec<usize>)], grid: Grid) -> Result<()> {
        if groups.iter().all(|(_, one)| one.len() < 2) {
            return Ok(());
        }
        let fills = self.fill_many.is_some() || self.fill_one.is_some();
        let mut first: Option<(usize, usize, usize)> = None;
        for (_, one) in groups.iter().filter(|(_, one)| one.len() > 1) {
            let found = (0..grid.len())
                .filter(|i| fills || self.many.iter().any(|s| s.is_present(*i)))
                .find_map(|i| {
                    let mut there = one.iter().copied().filter(|s| self.one[*s].is_present(i));
                    there.next().zip(there.next()).map(|(a, b)| (i, b, a))
                });
            first = match (first, found) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        first.map_or(Ok(()), |(_, second, first)| Err(self.duplicate(second, first)))
    }

    fn duplicate(&self, second: usize, first: usize) -> QueryError {
        let side = if self.swapped { "left" } else { "right" };
        let group = compared(self.matching, &self.one[first].labels);
        execution(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the \
             operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique \
             on one side",
            braced(&group),
            braced(&self.one[second].labels),
            braced(&self.one[first].labels)
        ))
    }

    fn join_group(
        &self,
        eval: &Eval<'_>,
        many: &[usize],
        one: &[usize],
        out: &mut Output,
    ) -> Result<()> {
        if one.is_empty() && self.fill_one.is_none() || many.is_empty() && self.fill_many.is_none()
        {
            return Ok(());
        }
        let one_to_one = self.matching.card == Cardinality::OneToOne;
        let mut matched =
            vec![false; if one_to_one && many.len() > 1 { out.grid.len() } else { 0 }];
        for m in many {
            let mut own = vec![false; out.grid.len()];
            for o in one {
                self.pair(eval, Some(*m), Some(*o), out, &mut own)?;
            }
            if self.fill_one.is_some() {
                self.unmatched(eval, *m, one, out, &mut own)?;
            }
            for (all, own) in matched.iter_mut().zip(own) {
                if *all && own {
                    return Err(execution(
                        "multiple matches for labels: many-to-one matching must be explicit \
                         (group_left/group_right)",
                    ));
                }
                *all |= own;
            }
        }
        if self.fill_many.is_some() {
            for o in one {
                self.lonely(eval, *o, many, out)?;
            }
        }
        Ok(())
    }

    /// One series of the `many` side where the `one` side has nothing.
    fn unmatched(
        &self,
        eval: &Eval<'_>,
        many: usize,
        one: &[usize],
        out: &mut Output,
        own: &mut [bool],
    ) -> Result<()> {
        let mut series = self.many[many].clone();
        for i in 0..series.values.len() {
            if one.iter().any(|o| self.one[*o].is_present(i)) {
                series.clear(i);
            }
        }
        out.order = many;
        self.columns(eval, Some(&series), None, out, own)
    }

    /// One series of the `one` side where the `many` side has nothing.
    fn lonely(&self, eval: &Eval<'_>, one: usize, many: &[usize], out: &mut Output) -> Result<()> {
        let mut series = self.one[one].clone();
        for i in 0..series.values.len() {
            if many.iter().any(|m| self.many[*m].is_present(i)) {
                series.clear(i);
            }
        }
        let mut own = vec![false; series.values.len()];
        out.order = self.many.len() + one;
        self.columns(eval, None, Some(&series), out, &mut own)
    }

    fn pair(
        &self,
        eval: &Eval<'_>,
        many: Option<usize>,
        one: Option<usize>,
        out: &mut Output,
        own: &mut [bool],
    ) -> Result<()> {
        out.order = many.unwrap_or(0);
        self.columns(eval, many.map(|m| &self.many[m]), one.map(|o| &self.one[o]), out, own)
    }

    /// Computes two columns; a missing one has its fill value wherever the other has a value.
    fn columns(
        &self,
        eval: &Eval<'_>,
        many: Option<&Series>,
        one: Option<&Series>,
        out: &mut Output,
        own: &mut [bool],
    ) -> Result<()> {
        let native = |s: Option<&Series>| s.is_some_and(|s| !s.histograms.is_empty());
        if native(many) || native(one) || is_trim(self.node.op) {
            return self.mixed_columns(eval, many, one, out, own);
        }
        let f = operator(self.node.op);
        let comparison = self.node.op.is_comparison();
        let (labels, drop_name) = self.result_labels(eval, many, one);
        let mut row = None;
        for (i, matched) in own.iter_mut().enumerate() {
            let at = |s: Option<&Series>, fill: Option<f64>| {
                s.map_or(fill.unwrap_or(ABSENT), |s| s.values[i])
            };
            let (m, o) = (at(many, self.fill_many), at(one, self.fill_one));
            if is_absent(m) || is_absent(o) {
                continue;
            }
            // Also what a comparison then leaves out.
            *matched = true;
            let (value, keep) = if self.swapped { f(o, m) } else { f(m, o) };
            let value = match (comparison, self.node.return_bool) {
                (true, true) => f64::from(u8::from(keep)),
                (true, false) if !keep => continue,
                _ => value,
            };
            let row = *row.get_or_insert_with(|| out.row(&labels, drop_name));
            if out.series[row].is_present(i) {
                return Err(self.collision());
            }
            out.series[row].values[i] = value;
        }
        Ok(())
    }

    /// As [`Sides::columns`], where elements may be histograms.
    fn mixed_columns(
        &self,
        eval: &Eval<'_>,
        many: Option<&Series>,
        one: Option<&Series>,
        out: &mut Output,
        own: &mut [bool],
    ) -> Result<()> {
        let op = self.node.op;
        let (labels, drop_name) = self.result_labels(eval, many, one);
        let mut row = None;
        for (i, matched) in own.iter_mut().enumerate() {
            let filled = |fill: Option<f64>| fill.map_or(Element::Absent, Element::Float);
            let m = many.map_or_else(|| filled(self.fill_many), |s| s.element(i));
            let o = one.map_or_else(|| filled(self.fill_one), |s| s.element(i));
            if matches!(m, Element::Absent) || matches!(o, Element::Absent) {
                continue;
            }
            let made = if self.swapped { apply(op, o, m) } else { apply(op, m, o) };
            let (value, keep, remark) = match made {
                Made::Nothing(remark) => {
                    out.remark(i, remark);
                    continue;
                }
                Made::Element(value, keep, remark) => (value, keep, remark),
            };
            out.remark(i, remark);
            *matched = true;
            let value = match (op.is_comparison(), self.node.return_bool) {
                (true, true) => Value::Float(f64::from(u8::from(keep))),
                (true, false) if !keep => continue,
                _ => value,
            };
            let row = *row.get_or_insert_with(|| out.row(&labels, drop_name));
            if out.series[row].is_present(i) {
                return Err(self.collision());
            }
            match value {
                Value::Float(v) => out.series[row].values[i] = v,
                Value::Histogram(h) => out.series[row].set_histogram(i, h),
            }
        }
        Ok(())
    }

    fn collision(&self) -> QueryError {
        if self.matching.card == Cardinality::OneToOne {
            return execution(
                "multiple matches for labels: many-to-one matching must be explicit \
                 (group_left/group_right)",
            );
        }
        execution("multiple matches for labels: grouping labels must ensure unique matches")
    }

    /// The labels of the result of two elements and whether its name goes at the end.
    fn result_labels(
        &self,
        eval: &Eval<'_>,
        many: Option<&Series>,
        one: Option<&Series>,
    ) -> (Labels, bool) {
        let drop = drops_name(self.node);
        let mut labels = match (many, one) {
            (Some(many), _) => many.labels.clone(),
            (None, Some(one)) => compared(self.matching, &one.labels),
            (None, None) => Labels::empty(),
        };
        if drop && !eval.delayed() {
            labels = without_metadata(&labels);
        }
        if self.matching.card == Cardinality::OneToOne {
            let named = |n: &str| self.matching.labels.iter().any(|l| l == n);
            labels = labels.without(|n| named(n) != self.matching.on);
        }
        for name in &self.matching.include {
            labels = labels.with(name, one.and_then(|s| s.labels.get(name)).unwrap_or(""));
        }
        let marked = many.is_some_and(|s| s.drop_name);
        (labels, (drop && eval.delayed()) || marked)
    }
}

impl Output {
    fn remark(&mut self, i: usize, remark: Option<Remark>) {
        let Some(remark) = remark else { return };
        self.remarks.resize(self.grid.len(), None);
        let slot = &mut self.remarks[i];
        if slot.is_none_or(|(order, _)| order <= self.order) {
            *slot = Some((self.order, remark));
        }
    }

    fn row(&mut self, labels: &Labels, drop_name: bool) -> usize {
        if let Some(row) = self.at.get(labels) {
            return *row;
        }
        let values = vec![ABSENT; self.grid.len()];
        self.series.push(Series::floats(labels.clone(), drop_name, values));
        self.at.insert(labels.clone(), self.series.len() - 1);
        self.series.len() - 1
    }
}

/// All labels in braces, the name like the others.
fn braced(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
