//! Values of expressions as columns: one number or histogram per time of the grid.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{Grid, Histogram, Labels, METRIC_NAME, MatrixSeries, is_stale, stale_nan};

use crate::engine::{QueryResult as Result, execution};
use crate::hist::Hist;

/// The mark of a time at which a series has no value.
pub(crate) const ABSENT: f64 = stale_nan();

/// Whether a series has no value here.
pub(crate) const fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// The value of an expression over a grid.
#[derive(Debug, Clone)]
pub(crate) enum Val {
    /// One number per time.
    Scalar(Vec<f64>),
    /// A string.
    Text(String),
    /// Series in an order that matters to instant queries only.
    Vector(Vec<Series>),
}

/// Native histograms of a series: as many as values, or none at all.
pub(crate) type HistColumn = Vec<Option<Arc<Hist>>>;

/// One series of an instant vector over a grid.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its labels.
    pub labels: Labels,
    /// The metric name goes at the end of the evaluation.
    pub drop_name: bool,
    /// One value per time; [`ABSENT`] where there is none or where it is a histogram.
    pub values: Vec<f64>,
    /// Histograms where the element is one; empty for a series of numbers.
    pub histograms: HistColumn,
}

impl Series {
    /// A series of numbers that keeps its name.
    pub const fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, drop_name: false, values, histograms: Vec::new() }
    }

    /// A series of numbers.
    pub const fn floats(labels: Labels, drop_name: bool, values: Vec<f64>) -> Self {
        Self { labels, drop_name, values, histograms: Vec::new() }
    }

    /// Whether there is a value or a histogram at time number `i`.
    pub fn is_present(&self, i: usize) -> bool {
        !is_absent(self.values[i]) || self.histogram(i).is_some()
    }

    /// Whether there is a value or a histogram at any time.
    pub fn any_present(&self) -> bool {
        self.values.iter().any(|v| !is_absent(*v)) || self.histograms.iter().any(Option::is_some)
    }

    /// The histogram that the element at time number `i` is, if it is one.
    pub fn histogram(&self, i: usize) -> Option<&Arc<Hist>> {
        self.histograms.get(i)?.as_ref()
    }

    /// The element at time number `i`.
    pub fn element(&self, i: usize) -> Element<'_> {
        match self.histogram(i) {
            Some(h) => Element::Histogram(h),
            None if is_absent(self.values[i]) => Element::Absent,
            None => Element::Float(self.values[i]),
        }
    }

    /// Puts a histogram at time number `i`.
    pub fn set_histogram(&mut self, i: usize, h: Arc<Hist>) {
        self.histograms.resize(self.values.len(), None);
        self.histograms[i] = Some(h);
    }

    /// Leaves nothing at time number `i`.
    pub fn clear(&mut self, i: usize) {
        self.values[i] = ABSENT;
        if let Some(slot) = self.histograms.get_mut(i) {
            *slot = None;
        }
    }

    /// Changes every value. Histograms go: a function of numbers has nothing to say of them.
    pub fn map(&mut self, f: impl Fn(f64) -> f64) {
        self.histograms = Vec::new();
        for v in self.values.iter_mut().filter(|v| !is_absent(**v)) {
            *v = f(*v);
        }
    }

    /// Changes every histogram.
    pub fn map_histograms(&mut self, f: impl Fn(&Hist) -> Hist) {
        for h in self.histograms.iter_mut().flatten() {
            *h = Arc::new(f(h));
        }
    }

    /// Bytes of its histograms.
    pub fn histogram_bytes(&self) -> u64 {
        let mut before: Option<&Arc<Hist>> = None;
        let mut bytes = (self.histograms.len() * size_of::<Option<Arc<Hist>>>()) as u64;
        for h in self.histograms.iter().flatten() {
            if !before.is_some_and(|before| Arc::ptr_eq(before, h)) {
                bytes += h.bytes();
            }
            before = Some(h);
        }
        bytes
    }

    /// The series with its times, as an answer has it.
    pub fn into_matrix(self, grid: Grid) -> MatrixSeries {
        let present = || self.values.iter().enumerate().filter(|(_, v)| !is_absent(**v));
        let times = present().map(|(i, _)| grid.at(i)).collect();
        let floats = present().map(|(_, v)| *v).collect();
        let mut histograms: Vec<(i64, Arc<Histogram>)> = Vec::new();
        let mut before: Option<&Arc<Hist>> = None;
        for (i, h) in self.histograms.iter().enumerate() {
            let Some(h) = h else { continue };
            let same = histograms.last().filter(|_| before.is_some_and(|b| Arc::ptr_eq(b, h)));
            let model = same.map_or_else(|| Arc::new(h.to_model()), |(_, h)| Arc::clone(h));
            histograms.push((grid.at(i), model));
            before = Some(h);
        }
        MatrixSeries { labels: self.labels, times, floats, histograms }
    }
}

/// What a series has at one time.
#[derive(Clone, Copy)]
pub(crate) enum Element<'s> {
    /// Nothing.
    Absent,
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(&'s Arc<Hist>),
}

/// The labels without the metric name and without the labels of type and unit.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.without(is_metadata)
}

/// Whether a label goes when the metric name goes.
pub(crate) fn is_metadata(name: &str) -> bool {
    name == METRIC_NAME || name == "__type__" || name == "__unit__"
}

/// Joins series of equal labels that never have a value at the same time.
///
/// # Errors
/// `Execution` when two have one at the same time.
pub(crate) fn merge_same(series: Vec<Series>) -> Result<Vec<Series>> {
    let mut at: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut out: Vec<Series> = Vec::with_capacity(series.len());
    for s in series {
        if let Some(&i) = at.get(&s.labels) {
            join(&mut out[i], s)?;
        } else {
            at.insert(s.labels.clone(), out.len());
            out.push(s);
        }
    }
    Ok(out)
}

/// Takes the elements of a series with the same labels.
fn join(into: &mut Series, from: Series) -> Result<()> {
    if !into.histograms.is_empty() || !from.histograms.is_empty() {
        for i in 0..into.values.len() {
            match (into.is_present(i), from.is_present(i)) {
                (_, false) => {}
                (false, true) => match from.histogram(i) {
                    Some(h) => into.set_histogram(i, Arc::clone(h)),
                    None => into.values[i] = from.values[i],
                },
                (true, true) => return Err(same_labelset()),
            }
        }
        return Ok(());
    }
    for (have, new) in into.values.iter_mut().zip(&from.values) {
        match (is_absent(*have), is_absent(*new)) {
            (_, true) => {}
            (true, false) => *have = *new,
            (false, false) => return Err(same_labelset()),
        }
    }
    Ok(())
}

/// The error of two elements with equal labels in one vector.
pub(crate) fn same_labelset() -> crate::engine::QueryError {
    execution("vector cannot contain metrics with the same labelset")
}
