//! Warnings and remarks of an evaluation, with the place in the query that they speak of.
//!
//! Each distinct text is kept once, with the last place that it speaks of; an answer shows the first ten of each kind and a count of the rest.
//! At most [`NOTES_MAX`] are kept.

use parking_lot::Mutex;

use crate::ast::Span;

/// Notes of each kind that an evaluation keeps.
const NOTES_MAX: usize = 1_000;
/// Notes of each kind that an answer shows.
const SHOWN_MAX: usize = 10;

/// What an evaluation has to say beside its value. Shared by its threads.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    warnings: Vec<(String, Span)>,
    infos: Vec<(String, Span)>,
    lifted: Vec<(Lifted, Span)>,
}

/// Counts of a classic histogram that had to be lifted so that they never fall.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lifted {
    /// The function.
    pub function: &'static str,
    /// Name of the histogram, empty when it is not known.
    pub metric: String,
    /// Evaluation time of the first and of the last, ms.
    pub from_ms: i64,
    /// See `from_ms`.
    pub to_ms: i64,
    /// Lowest and highest bucket bound that was touched.
    pub lowest: f64,
    /// See `lowest`.
    pub highest: f64,
    /// Greatest fall.
    pub fall: f64,
    /// How many histograms.
    pub samples: u64,
}

/// What was done with histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Two were added.
    Addition,
    /// One was subtracted from another.
    Subtraction,
    /// Many were summed up or averaged.
    Aggregation,
}

impl Operation {
    const fn text(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// Something about native histograms of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HistNote {
    /// Numbers and histograms where only one kind can be.
    MixedTypes,
    /// Exponential and custom buckets together.
    MixedLayouts,
    /// Histograms stood among numbers and were left out.
    Ignored,
    /// Growth of a gauge was asked for.
    NotCounter,
    /// The difference of counters was asked for.
    NotGauge,
    /// Custom bounds differed.
    Reconciled(Operation),
    /// Some say that they were reset, some that they were not.
    Collision(Operation),
    /// A sample starts before the sample before it ended.
    StartOverlap,
}

impl Notes {
    /// Something about the histograms of a metric.
    pub fn histogram(&self, note: HistNote, metric: &str, span: Span) {
        match note {
            HistNote::MixedTypes => {
                let text = "encountered a mix of histograms and floats for metric name";
                self.warn(format!("{text} {metric:?}"), span);
            }
            HistNote::MixedLayouts => {
                let text = "vector contains a mix of histograms with exponential and custom \
                            buckets schemas for metric name";
                self.warn(format!("{text} {metric:?}"), span);
            }
            HistNote::Ignored => {
                let text = "ignored histograms in a range containing both floats and histograms \
                            for metric name";
                self.info(format!("{text} {metric:?}"), span);
            }
            HistNote::NotCounter => {
                let text = "this native histogram metric is not a counter:";
                self.warn(format!("{text} {metric:?}"), span);
            }
            HistNote::NotGauge => {
                let text = "this native histogram metric is not a gauge:";
                self.warn(format!("{text} {metric:?}"), span);
            }
            HistNote::Reconciled(operation) => {
                let text = "mismatched custom buckets were reconciled during";
                self.info(format!("{text} {}", operation.text()), span);
            }
            HistNote::Collision(operation) => {
                let text = "conflicting counter resets during histogram";
                self.warn(format!("{text} {}", operation.text()), span);
            }
            HistNote::StartOverlap => {
                let text = "sample has start time that overlaps with previous sample timestamp \
                            for metric";
                self.warn(format!("{text} {metric:?}"), span);
            }
        }
    }

    /// Something is wrong with the data or the query.
    pub fn warn(&self, text: impl Into<String>, span: Span) {
        push(&mut self.inner.lock().warnings, text.into(), span);
    }

    /// Something may surprise.
    pub fn info(&self, text: impl Into<String>, span: Span) {
        push(&mut self.inner.lock().infos, text.into(), span);
    }

    /// A histogram was lifted; remarks on one metric are joined.
    pub fn lifted(&self, new: Lifted, span: Span) {
        let lifted = &mut self.inner.lock().lifted;
        let same =
            |(l, _): &&mut (Lifted, Span)| l.metric == new.metric && l.function == new.function;
        if let Some((have, place)) = lifted.iter_mut().find(same) {
            *place = span;
            have.from_ms = have.from_ms.min(new.from_ms);
            have.to_ms = have.to_ms.max(new.to_ms);
            have.lowest = have.lowest.min(new.lowest);
            have.highest = have.highest.max(new.highest);
            have.fall = have.fall.max(new.fall);
            have.samples = have.samples.saturating_add(new.samples);
        } else if lifted.len() < NOTES_MAX {
            lifted.push((new, span));
        }
    }

    /// Exchanges what was said for what was said elsewhere.
    pub fn swap(&self, other: &Self) {
        std::mem::swap(&mut *self.inner.lock(), &mut *other.inner.lock());
    }

    /// Says what others said, in their order and of their places.
    pub fn tell_again(&self, others: &Self) {
        let others = others.inner.lock();
        for (text, span) in &others.warnings {
            self.warn(text.as_str(), *span);
        }
        for (text, span) in &others.infos {
            self.info(text.as_str(), *span);
        }
        for (lifted, span) in &others.lifted {
            self.lifted(lifted.clone(), *span);
        }
    }

    /// The texts for an answer: warnings and infos.
    pub fn texts(&self, query: &str) -> (Vec<String>, Vec<String>) {
        let inner = self.inner.lock();
        let mut infos = inner.infos.clone();
        infos.extend(inner.lifted.iter().map(|(l, span)| (l.text(), *span)));
        (shown(&inner.warnings, "warning", query), shown(&infos, "info", query))
    }
}

fn push(notes: &mut Vec<(String, Span)>, text: String, span: Span) {
    // The same text again speaks of its last place, as in Prometheus.
    if let Some((_, place)) = notes.iter_mut().find(|(t, _)| *t == text) {
        *place = span;
    } else if notes.len() < NOTES_MAX {
        notes.push((text, span));
    }
}

fn shown(notes: &[(String, Span)], kind: &str, query: &str) -> Vec<String> {
    let mut out: Vec<String> = notes
        .iter()
        .take(SHOWN_MAX)
        .map(|(text, span)| format!("PromQL {kind}: {text} ({})", place(query, *span)))
        .collect();
    if notes.len() > SHOWN_MAX {
        out.push(format!("{} more {kind} annotations omitted", notes.len() - SHOWN_MAX));
    }
    out
}

/// `line:column` of the start of a span, both counted from 1, the column in bytes.
fn place(query: &str, span: Span) -> String {
    let start = (span.start as usize).min(query.len());
    let before = &query.as_bytes()[..start];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let column = start - before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1) + 1;
    format!("{line}:{column}")
}

impl Lifted {
    fn text(&self) -> String {
        let of = if self.metric.is_empty() {
            String::new()
        } else {
            format!(" for metric name \"{}\"", self.metric)
        };
        format!(
            "input to {} needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)\
             {of}, from buckets {} to {}, with a max diff of {}, over {} samples \
             from {} to {}",
            self.function,
            crate::format::go_g(self.lowest),
            crate::format::go_g(self.highest),
            crate::format::go_g(self.fall),
            self.samples,
            crate::format::rfc3339_seconds(self.from_ms),
            crate::format::rfc3339_seconds(self.to_ms),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_is_counted() {
        let notes = Notes::default();
        for i in 0..12 {
            notes.warn(format!("w{i}"), Span::new(3, 4));
            notes.warn("w0", Span::new(0, 1));
        }
        notes.warn("w0", Span::new(3, 4));
        let (warnings, infos) = notes.texts("a\n bc");
        assert_eq!(warnings.len(), 11);
        assert_eq!(warnings[0], "PromQL warning: w0 (2:2)");
        assert_eq!(warnings[10], "2 more warning annotations omitted");
        assert!(infos.is_empty());
    }
}
