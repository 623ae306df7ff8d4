//! Calls: from a row of the function table to its implementation.

use plimsoll_model::{Grid, Labels};

use super::implementations::{IMPLEMENTATIONS, Implementation};
use super::range::{OverWindows, names_one_metric};
use super::{ABSENT, Eval, Series, Val, is_absent, merge_same};
use crate::ast::{Call, Expr, Span, ValueType};
use crate::engine::{QueryResult as Result, execution};
use crate::extension::{Extension, ExtensionWindow};
use crate::kernels::{Windows, kernel};

impl Eval<'_> {
    /// The value of a call.
    pub(super) fn call(&self, node: &Call, grid: Grid) -> Result<Val> {
        match self.implementation(node)? {
            Implementation::Special(f) => f(self, node, grid),
            Implementation::Range { .. } | Implementation::Map(_) => {
                let all = self.collect(grid, |sink| self.stream_call(node, grid, sink))?;
                let mapped = matches!(self.implementation(node)?, Implementation::Map(_));
                Ok(Val::Vector(if mapped { merge_same(all)? } else { all }))
            }
        }
    }

    /// The series of a call one by one, as far as its function allows that.
    pub(super) fn stream_call(
        &self,
        node: &Call,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match self.implementation(node)? {
            Implementation::Range { keep_name, timed } => {
                self.range_call(node, grid, keep_name, timed, sink)
            }
            Implementation::Map(f) if self.delayed() => {
                self.stream(&node.args[0], grid, &mut |mut series| {
                    let mixed = !series.histograms.is_empty();
                    series.map(f);
                    if mixed && !series.any_present() {
                        return Ok(());
                    }
                    self.drop_name(&mut series);
                    sink(series)
                })
            }
            Implementation::Map(f) => {
                let mut all = self.vector(&node.args[0], grid)?;
                self.free(&all);
                for series in &mut all {
                    series.map(f);
                    self.drop_name(series);
                }
                all.retain(Series::any_present);
                merge_same(all)?.into_iter().try_for_each(sink)
            }
            Implementation::Special(f) => match f(self, node, grid)? {
                Val::Vector(series) => {
                    self.free(&series);
                    series.into_iter().try_for_each(sink)
                }
                _ => Err(execution("an instant vector is needed here")),
            },
        }
    }

    /// As [`Eval::stream_call`], but a name that would go may stay where no two series can become
    /// one without it.
    pub(super) fn stream_named(
        &self,
        node: &Call,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match self.implementation(node)? {
            Implementation::Range { keep_name: false, timed }
                if !self.delayed() && is_of_one_metric(node) =>
            {
                self.range_call(node, grid, true, timed, &mut |mut series| {
                    // Remarks about histograms say the name.
                    if !series.histograms.is_empty() {
                        self.drop_name(&mut series);
                    }
                    sink(series)
                })
            }
            _ => self.stream_call(node, grid, sink),
        }
    }

    fn range_call(
        &self,
        node: &Call,
        grid: Grid,
        keep_name: bool,
        timed: bool,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        let name = node.function.name;
        let extension = self.config.features.extensions.find(name);
        let kernel = kernel(name);
        let run = |windows: &Windows<'_>, out: &mut [f64]| match (kernel, extension) {
            (Some(kernel), _) => kernel.run(windows, out),
            (None, Some(extension)) => self.run_extension(extension, windows, out),
            (None, None) => {}
        };
        let mut args = Vec::new();
        let mut range = None;
        for arg in &node.args {
            if arg.value_type() == ValueType::RangeVector {
                range = Some(arg);
            } else {
                args.push(self.scalar(arg, grid)?);
            }
        }
        let range = range.ok_or_else(|| execution("a range vector is needed here"))?;
        check_arguments(name, &args)?;
        let over = OverWindows {
            name,
            kernel: &run,
            notice: &|labels, values| self.remark(node, range, labels, values, &args),
            tell: &|labels, note| {
                let span = node.args[0].unwrap_paren().span();
                self.notes.histogram(note, labels.metric(), span);
            },
            keep_name,
            timed,
            args: &args,
            modifier: None,
        };
        self.over_windows(range, grid, &over, sink)?;
        // An extension that was stopped has left windows out.
        extension.map_or(Ok(()), |_| Ok(self.cx.cancel.check()?))
    }

    /// One window after the other, until the query is cancelled: a window may take milliseconds.
    fn run_extension(&self, extension: &Extension, windows: &Windows<'_>, out: &mut [f64]) {
        for (i, slot) in out.iter_mut().enumerate() {
            if self.cx.cancel.check().is_err() {
                return;
            }
            let Some(w) = windows.get(i) else { continue };
            let (times, floats) = (w.times, w.floats);
            let window = ExtensionWindow { times, floats, at_ms: w.at, args: w.args };
            *slot = extension.value(&window).unwrap_or(ABSENT);
        }
    }

    fn implementation(&self, node: &Call) -> Result<Implementation> {
        let name = node.function.name;
        if let Ok(i) = IMPLEMENTATIONS.binary_search_by(|(n, _)| (*n).cmp(name)) {
            return Ok(IMPLEMENTATIONS[i].1);
        }
        if self.config.features.extensions.find(name).is_some() {
            return Ok(Implementation::Range { keep_name: false, timed: true });
        }
        Err(execution(format!("function {name} is known, and has nothing that evaluates it")))
    }

    /// What a range function has to say about a series that it has values for.
    fn remark(
        &self,
        node: &Call,
        range: &Expr,
        labels: &Labels,
        values: &[f64],
        args: &[Vec<f64>],
    ) {
        match node.function.name {
            "quantile_over_time" => {
                let given = values.iter().zip(&args[0]).filter(|(v, _)| !is_absent(**v));
                for (_, phi) in given {
                    self.check_quantile(*phi, node.args[0].span());
                }
            }
            "rate" | "increase" => {
                let name = labels.metric();
                if name.is_empty() {
                    return;
                }
                if self.config.features.type_and_unit_labels {
                    let kind = labels.get("__type__").unwrap_or("");
                    if kind != "counter" && kind != "histogram" {
                        let text = format!("{NOT_TYPED_COUNTER}, got {kind:?}: {name:?}");
                        self.notes.info(text, range.span());
                    }
                    return;
                }
                let counter = ["_total", "_sum", "_count", "_bucket"];
                if !counter.iter().any(|end| name.ends_with(end)) {
                    self.notes.info(format!("{NOT_A_COUNTER}: \"{name}\""), range.span());
                }
            }
            _ => {}
        }
    }

    /// The argument number `i` as a column, or the number `or` when there is none.
    pub(super) fn scalar_or(&self, node: &Call, i: usize, or: f64, grid: Grid) -> Result<Vec<f64>> {
        node.args.get(i).map_or_else(|| Ok(vec![or; grid.len()]), |arg| self.scalar(arg, grid))
    }

    /// A vector argument, charged to nobody any more.
    pub(super) fn taken(&self, expr: &Expr, grid: Grid) -> Result<Vec<Series>> {
        let series = self.vector(expr, grid)?;
        self.free(&series);
        Ok(series)
    }

    /// A vector result, charged to the reader.
    pub(super) fn given(&self, series: Vec<Series>, grid: Grid) -> Result<Val> {
        self.charge(series.len(), grid)?;
        self.charge_bytes(series.iter().map(Series::histogram_bytes).sum())?;
        Ok(Val::Vector(series))
    }

    /// Warns of a quantile outside 0 to 1.
    pub(crate) fn check_quantile(&self, phi: f64, span: Span) {
        if phi.is_nan() || !(0.0..=1.0).contains(&phi) {
            self.notes.warn(
                format!(
                    "quantile value should be between 0 and 1, got {}",
                    crate::format::go_g(phi)
                ),
                span,
            );
        }
    }
}

/// Whether all series of its range vector have one name.
fn is_of_one_metric(node: &Call) -> bool {
    let range = node.args.iter().map(Expr::unwrap_paren).find_map(|arg| match arg {
        Expr::Matrix(matrix) => Some(matrix),
        _ => None,
    });
    range.is_some_and(|matrix| names_one_metric(matrix))
}

fn check_arguments(name: &str, args: &[Vec<f64>]) -> Result<()> {
    if name != "double_exponential_smoothing" {
        return Ok(());
    }
    for (column, (what, short)) in args.iter().zip([("smoothing", "sf"), ("trend", "tf")]) {
        if let Some(wrong) = column.iter().find(|v| **v <= 0.0 || **v >= 1.0) {
            return Err(execution(format!(
                "invalid {what} factor. Expected: 0 < {short} < 1, got: {}",
                crate::format::go_f(*wrong)
            )));
        }
    }
    Ok(())
}

const NOT_TYPED_COUNTER: &str =
    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\"";
const NOT_A_COUNTER: &str =
    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket";
