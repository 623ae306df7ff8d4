//! `histogram_quantile` and its kin, over classic histograms (cumulative buckets in the label `le`) and
//! native ones side by side.

mod classic;

use std::collections::HashMap;

use plimsoll_model::{Grid, Labels, METRIC_NAME};

use super::column::HistColumn;
use super::{ABSENT, Eval, Series, Val, is_absent, merge_same};
use crate::annotations::Lifted;
use crate::ast::{Call, Span};
use crate::engine::QueryResult as Result;
use crate::hist::{self, Hist, NanNote};

use classic::{Bucket, Lift};

/// The label of a bucket's upper bound.
const BOUND: &str = "le";

/// One histogram over the grid.
struct Group {
    labels: Labels,
    drop_name: bool,
    parts: Vec<(f64, Vec<f64>)>,
    native: HistColumn,
}

/// A histogram at one time.
enum Input<'i> {
    Classic(&'i mut Vec<Bucket>),
    Native(&'i Hist),
}

/// `histogram_quantile(φ, v)`
pub(super) fn quantile(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let phi = eval.scalar(&node.args[0], grid)?;
    phi.iter().for_each(|phi| eval.check_quantile(*phi, node.args[0].span()));
    let span = node.args[1].unwrap_paren().span();
    each_group(eval, node, 1, grid, |group, i, input| {
        let nan_span = node.args[0].span();
        quantile_of(eval, group, (phi[i], grid.at(i)), input, (nan_span, span))
    })
}

/// The quantile φ of one histogram.
fn quantile_of(
    eval: &Eval<'_>,
    group: &Group,
    (phi, at): (f64, i64),
    input: Input<'_>,
    (nan_span, span): (Span, Span),
) -> f64 {
    match input {
        Input::Native(h) => {
            let (value, note) = hist::quantile(phi, h);
            tell_of_nan(eval, group, note, nan_span);
            value
        }
        Input::Classic(buckets) => {
            let (value, lifted) = classic::quantile(phi, buckets);
            tell_of_lift(eval, group, lifted, "histogram_quantile", at, span);
            value
        }
    }
}

/// `histogram_fraction(lower, upper, v)`
pub(super) fn fraction(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let lower = eval.scalar(&node.args[0], grid)?;
    let upper = eval.scalar(&node.args[1], grid)?;
    let span = node.args[2].unwrap_paren().span();
    each_group(eval, node, 2, grid, |group, i, input| match input {
        Input::Native(h) => {
            let (value, note) = hist::fraction(lower[i], upper[i], h);
            tell_of_nan(eval, group, note, node.args[0].span());
            value
        }
        Input::Classic(buckets) => {
            let (value, lifted) = classic::fraction(lower[i], upper[i], buckets);
            tell_of_lift(eval, group, lifted, "histogram_fraction", grid.at(i), span);
            value
        }
    })
}

/// `histogram_quantiles(v, "label", φ, …)`
pub(super) fn quantiles(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    let label = eval.label_name(&node.args[1], |_, name| {
        format!("invalid label name in histogram_quantiles(): {name}")
    })?;
    let mut columns = Vec::with_capacity(node.args.len().saturating_sub(2));
    for arg in node.args.iter().skip(2) {
        let phi = eval.scalar(arg, grid)?;
        phi.iter().for_each(|phi| eval.check_quantile(*phi, arg.span()));
        columns.push(phi);
    }
    let span = node.args[0].unwrap_paren().span();
    let groups = grouped(eval, eval.taken(&node.args[0], grid)?, span);
    let mut rows: HashMap<(usize, u64), usize> = HashMap::new();
    let mut out: Vec<Series> = Vec::new();
    let mut buckets = Vec::new();
    for phi in &columns {
        for (g, group) in groups.iter().enumerate() {
            eval.cx.cancel.check()?;
            for (i, phi) in phi.iter().enumerate() {
                let Some(input) = group.at(eval, i, &mut buckets, span) else { continue };
                let row = *rows.entry((g, phi.to_bits())).or_insert_with(|| {
                    let labels = group.labels.with(&label, &open_metrics(*phi));
                    let mut s = Series::floats(labels, group.drop_name, vec![ABSENT; grid.len()]);
                    eval.drop_name(&mut s);
                    out.push(s);
                    out.len() - 1
                });
                let value = quantile_of(eval, group, (*phi, grid.at(i)), input, (span, span));
                out[row].values[i] = value;
            }
        }
    }
    eval.given(merge_same(out)?, grid)
}

/// A number as OpenMetrics writes it in a label: always with a point or an exponent.
fn open_metrics(value: f64) -> String {
    let text = crate::format::go_g(value);
    let plain = value.is_finite() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { format!("{text}.0") } else { text }
}

fn each_group(
    eval: &Eval<'_>,
    node: &Call,
    arg: usize,
    grid: Grid,
    value: impl Fn(&Group, usize, Input<'_>) -> f64,
) -> Result<Val> {
    let series = eval.taken(&node.args[arg], grid)?;
    let span = node.args[arg].unwrap_paren().span();
    let groups = grouped(eval, series, span);
    let mut out = Vec::with_capacity(groups.len());
    let mut buckets = Vec::new();
    for group in groups {
        eval.cx.cancel.check()?;
        let mut values = vec![ABSENT; grid.len()];
        for (i, slot) in values.iter_mut().enumerate() {
            if let Some(input) = group.at(eval, i, &mut buckets, span) {
                *slot = value(&group, i, input);
            }
        }
        let mut s = Series::floats(group.labels, group.drop_name, values);
        eval.drop_name(&mut s);
        if s.any_present() {
            out.push(s);
        }
    }
    eval.given(merge_same(out)?, grid)
}

impl Group {
    /// The histogram at time number `i`; none where a classic and a native one meet.
    fn at<'i>(
        &'i self,
        eval: &Eval<'_>,
        i: usize,
        buckets: &'i mut Vec<Bucket>,
        span: Span,
    ) -> Option<Input<'i>> {
        buckets.clear();
        let present = self.parts.iter().filter(|(_, counts)| !is_absent(counts[i]));
        buckets.extend(present.map(|(bound, c)| Bucket { bound: *bound, count: c[i] }));
        let native = self.native.get(i).and_then(Option::as_ref);
        match native {
            None => (!buckets.is_empty()).then_some(Input::Classic(buckets)),
            Some(h) if buckets.is_empty() => Some(Input::Native(h)),
            Some(_) => {
                let of = of_metric(self.labels.metric());
                eval.notes.warn(
                    format!("vector contains a mix of classic and native histograms{of}"),
                    span,
                );
                None
            }
        }
    }

    /// The metric as notes on a result name it: only where results still have names.
    fn metric(&self, eval: &Eval<'_>) -> String {
        let name = if eval.delayed() { self.labels.metric() } else { "" };
        of_metric(name)
    }
}

fn of_metric(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") }
}

/// Buckets that differ in nothing but their bound belong together, and a native histogram that has
/// their labels.
fn grouped(eval: &Eval<'_>, series: Vec<Series>, span: Span) -> Vec<Group> {
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut group = |labels: Labels, drop_name: bool, groups: &mut Vec<Group>| {
        *at.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, drop_name, parts: Vec::new(), native: Vec::new() });
            groups.len() - 1
        })
    };
    for s in series {
        let floats = s.values.iter().any(|v| !is_absent(*v));
        let bound = s.labels.get(BOUND).unwrap_or("");
        if floats || s.histograms.is_empty() {
            match bound.parse::<f64>() {
                Ok(parsed) => {
                    let labels = s.labels.without(|n| n == BOUND);
                    let i = group(labels, s.drop_name, &mut groups);
                    groups[i].parts.push((parsed, s.values));
                }
                Err(_) => bad_bound(eval, s.labels.metric(), bound, span),
            }
        }
        if !s.histograms.is_empty() {
            let i = group(s.labels, s.drop_name, &mut groups);
            groups[i].native = s.histograms;
        }
    }
    groups
}

fn bad_bound(eval: &Eval<'_>, metric: &str, bound: &str, span: Span) {
    let of = of_metric(metric);
    let text =
        format!("bucket label \"{BOUND}\" is missing or has a malformed value of \"{bound}\"{of}");
    eval.notes.warn(text, span);
}

fn tell_of_nan(eval: &Eval<'_>, group: &Group, note: Option<NanNote>, span: Span) {
    let text = match note {
        None => return,
        Some(NanNote::Result) => "input to histogram_quantile has NaN observations, result is NaN",
        Some(NanNote::Skew) => {
            "input to histogram_quantile has NaN observations, result is skewed higher"
        }
        Some(NanNote::Left) => {
            "input to histogram_fraction has NaN observations, which are excluded from all fractions"
        }
    };
    eval.notes.info(format!("{text}{}", group.metric(eval)), span);
}

fn tell_of_lift(
    eval: &Eval<'_>,
    group: &Group,
    lift: Option<Lift>,
    function: &'static str,
    at: i64,
    span: Span,
) {
    let Some(Lift { lowest, highest, fall }) = lift else { return };
    let metric = group.labels.get(METRIC_NAME).unwrap_or("").to_owned();
    let lifted =
        Lifted { function, metric, from_ms: at, to_ms: at, lowest, highest, fall, samples: 1 };
    eval.notes.lifted(lifted, span);
}
