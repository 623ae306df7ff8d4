//! `info`: adds the labels of info series (`target_info` unless the call names others) to series with
//! the same `instance` and `job`.
//!
//! Info series are looked up at the time that the base expression reads. Of several info series of
//! one name the one with the newest sample counts. A base series that is an info series itself stays
//! as it is; one without a match stays too, unless a matcher asks for a label that it then lacks.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{Grid, Labels, METRIC_NAME, Matcher};

use super::select::{Shift, model_op};
use super::{ABSENT, Eval, Series, Val, merge_same};
use crate::ast::{At, Call, Duration, Expr, LabelMatcher, MatchOp, Modifiers, VectorSelector};
use crate::engine::{QueryResult as Result, execution};

/// The labels by which series and info series find each other.
const IDENTIFYING: [&str; 2] = ["instance", "job"];
/// The info metric that is meant when none is named.
const DEFAULT_METRIC: &str = "target_info";

/// What the second argument asks for.
struct Wanted {
    names: Vec<Matcher>,
    data: Vec<Matcher>,
}

/// `info(v, {matchers})`
pub(super) fn info(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let base = eval.taken(&node.args[0], grid)?;
    let selector = info_selector(eval, node)?;
    let wanted = Wanted::new(&selector)?;
    let infos = eval.collect(grid, |sink| eval.each_float_time(&selector, grid, sink))?;
    eval.free(&infos);
    if let Some(wrong) = infos.iter().find(|s| !s.histograms.is_empty()) {
        return Err(execution(format!(
            "this should be an info metric, with float samples: {}",
            wrong.labels
        )));
    }
    let mut of_key: HashMap<Labels, Vec<&Series>> = HashMap::new();
    for info in &infos {
        of_key.entry(identity(&info.labels)).or_default().push(info);
    }
    let mut out = Vec::new();
    for s in base {
        eval.cx.cancel.check()?;
        if wanted.names.iter().all(|m| m.matches(s.labels.metric())) {
            out.push(s);
            continue;
        }
        let found = of_key.get(&identity(&s.labels)).map_or(&[][..], Vec::as_slice);
        enrich(&s, found, &wanted, grid, &mut out)?;
    }
    eval.given(merge_same(out)?, grid)
}

impl Wanted {
    fn new(selector: &VectorSelector) -> Result<Self> {
        let (mut names, mut data) = (Vec::new(), Vec::new());
        for m in &selector.matchers {
            let to = if m.name == METRIC_NAME { &mut names } else { &mut data };
            to.push(Matcher::new(model_op(m.op), &m.name, &m.value)?);
        }
        Ok(Self { names, data })
    }

    /// Whether a label of an info series is to be added.
    fn adds(&self, name: &str) -> bool {
        name != METRIC_NAME
            && !IDENTIFYING.contains(&name)
            && (self.data.is_empty() || self.data.iter().any(|m| m.name() == name))
    }
}

fn identity(labels: &Labels) -> Labels {
    labels.without(|n| !IDENTIFYING.contains(&n))
}

/// One base series, split by the labels that it gets at different times.
fn enrich(
    base: &Series,
    infos: &[&Series],
    wanted: &Wanted,
    grid: Grid,
    out: &mut Vec<Series>,
) -> Result<()> {
    let mut rows: HashMap<Labels, usize> = HashMap::new();
    for i in (0..grid.len()).filter(|i| base.is_present(*i)) {
        let added = added_at(infos, wanted, i)?;
        if added.is_empty() && !wanted.data.iter().all(Matcher::matches_empty) {
            continue;
        }
        let mut labels = base.labels.clone();
        for (name, value) in added {
            if labels.get(name).is_none() {
                labels = labels.with(name, value);
            }
        }
        let row = *rows.entry(labels.clone()).or_insert_with(|| {
            out.push(Series::floats(labels, base.drop_name, vec![ABSENT; grid.len()]));
            out.len() - 1
        });
        match base.histogram(i) {
            Some(h) => out[row].set_histogram(i, Arc::clone(h)),
            None => out[row].values[i] = base.values[i],
        }
    }
    Ok(())
}

/// The labels that the info series add at one time.
fn added_at<'i>(
    infos: &[&'i Series],
    wanted: &Wanted,
    i: usize,
) -> Result<HashMap<&'i str, &'i str>> {
    let mut newest: HashMap<&str, &'i Series> = HashMap::new();
    for info in infos.iter().filter(|info| info.is_present(i)) {
        let have = newest.entry(info.labels.metric()).or_insert(info);
        if !std::ptr::eq(*have, *info) && have.values[i] == info.values[i] {
            return Err(execution(format!(
                "found duplicate series for info metric: existing {}, new {}",
                have.labels, info.labels
            )));
        }
        if info.values[i] > have.values[i] {
            *have = info;
        }
    }
    let mut added: HashMap<&str, &str> = HashMap::new();
    for info in newest.values() {
        for (name, value) in info.labels.iter().filter(|(name, _)| wanted.adds(name)) {
            if *added.entry(name).or_insert(value) != value {
                return Err(execution(format!("conflicting label: {name}")));
            }
        }
    }
    Ok(added)
}

/// The selector of the info series, moved to the time that the base expression reads.
fn info_selector(eval: &Eval<'_>, node: &Call) -> Result<VectorSelector> {
    let mut selector = match node.args.get(1).map(Expr::unwrap_paren) {
        Some(Expr::Vector(selector)) => (**selector).clone(),
        _ => VectorSelector {
            name: None,
            matchers: Vec::new(),
            modifiers: Modifiers::default(),
            extended: None,
            span: node.span,
        },
    };
    if !selector.matchers.iter().any(|m| m.name == METRIC_NAME) {
        selector.matchers.push(LabelMatcher {
            name: METRIC_NAME.to_owned(),
            op: MatchOp::Equal,
            value: DEFAULT_METRIC.to_owned(),
            span: node.span,
        });
    }
    let mut shifts = Vec::new();
    shifts_of(eval, &node.args[0], Shift { at: None, offset_ms: 0 }, &mut shifts)?;
    if let Some(shift) = shifts.first() {
        selector.modifiers = Modifiers {
            at: shift.at.map(At::Timestamp),
            offset: Some(Duration::Fixed(shift.offset_ms)),
        };
    }
    Ok(selector)
}

/// By how much each selector of an expression is moved in time, subqueries around it included.
fn shifts_of(eval: &Eval<'_>, expr: &Expr, outer: Shift, out: &mut Vec<Shift>) -> Result<()> {
    let moved = |modifiers: &Modifiers| -> Result<Shift> {
        let inner = eval.shift(modifiers)?;
        Ok(match inner.at {
            Some(_) => inner,
            None => Shift { at: outer.at, offset_ms: outer.offset_ms + inner.offset_ms },
        })
    };
    match expr {
        Expr::Vector(selector) => out.push(moved(&selector.modifiers)?),
        Expr::Matrix(matrix) => out.push(moved(&matrix.vector.modifiers)?),
        Expr::Subquery(subquery) => {
            shifts_of(eval, &subquery.expr, moved(&subquery.modifiers)?, out)?;
        }
        other => {
            for child in other.children() {
                shifts_of(eval, child, outer, out)?;
            }
        }
    }
    Ok(())
}
