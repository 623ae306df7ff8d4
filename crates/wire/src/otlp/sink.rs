//! Where points become rows: into a request as remote write has it, one row per sample.

use std::collections::HashSet;

use plimsoll_model::{Exemplar, Histogram, METRIC_NAME, Metadata, Timestamp};

use super::Outcome;
use super::attributes::Labels;
use crate::remote_write::{Limits, Raw, Request, Series, consistent, put_label};
use crate::{Error, Result};

/// When and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    /// Time, ms.
    pub time: Timestamp,
    /// Start timestamp, ms; 0 = unknown.
    pub start: Timestamp,
}

pub(super) struct Sink<'r> {
    out: &'r mut Request,
    limits: &'r Limits,
    outcome: Outcome,
    /// The label fields that all series of the point share.
    base: Vec<u8>,
    told: HashSet<String>,
    /// Number of the point, for its rows.
    point: u32,
}

impl<'r> Sink<'r> {
    pub fn new(out: &'r mut Request, limits: &'r Limits) -> Self {
        let (outcome, base, told) = (Outcome::default(), Vec::new(), HashSet::new());
        Self { out, limits, outcome, base, told, point: u32::MAX }
    }

    pub fn finish(self) -> Outcome {
        self.outcome
    }

    /// Counts a data point, whatever becomes of it.
    pub fn next_point(&mut self) -> Result<()> {
        if self.outcome.points >= self.limits.samples as u64 {
            return Err(self.too_many("data points of one request"));
        }
        self.point = u32::try_from(self.outcome.points).unwrap_or(u32::MAX);
        self.outcome.points += 1;
        Ok(())
    }

    /// What comes now is of no data point.
    pub fn no_point(&mut self) {
        self.point = u32::MAX;
    }

    /// Leaves the data point out.
    pub fn reject(&mut self, why: impl Into<String>) {
        self.outcome.rejected += 1;
        self.outcome.why.get_or_insert_with(|| why.into());
    }

    /// The labels of the series that come now, without `without`, which they have of their own.
    pub fn labels(&mut self, labels: &Labels<'_>, without: &str) {
        self.base.clear();
        for (name, value) in labels.iter().filter(|(n, v)| n != without && !v.is_empty()) {
            put_label(&mut self.base, name.as_bytes(), value.as_bytes());
        }
    }

    /// Adds a sample of a series with a label of its own, if there is one.
    pub fn float(
        &mut self,
        metric: &str,
        extra: Option<(&str, &str)>,
        at: At,
        value: f64,
        exemplars: &mut Vec<Exemplar>,
    ) -> Result<()> {
        self.out.has_room(self.limits)?;
        let first = self.first();
        self.out.times.push(at.time);
        self.out.floats.push(value);
        self.out.starts.push(at.start);
        self.series(metric, extra, first, exemplars)
    }

    /// Adds a native histogram.
    pub fn histogram(
        &mut self,
        metric: &str,
        at: At,
        histogram: Histogram,
        exemplars: &mut Vec<Exemplar>,
    ) -> Result<()> {
        self.out.has_room(self.limits)?;
        if let Err(why) = consistent(&histogram) {
            self.reject(format!("metric {metric:?}: {why}"));
            return Ok(());
        }
        let first = self.first();
        self.out.histogram_times.push(at.time);
        self.out.histogram_starts.push(at.start);
        self.out.histograms.push(histogram);
        self.series(metric, None, first, exemplars)
    }

    /// Tells what is known of a metric, once.
    pub fn metadata(&mut self, told: Metadata) -> Result<()> {
        if !self.told.insert(told.metric.clone()) {
            return Ok(());
        }
        self.out.told(told, self.limits)
    }

    fn first(&self) -> (usize, usize, usize) {
        (self.out.times.len(), self.out.histograms.len(), self.out.exemplars.len())
    }

    fn series(
        &mut self,
        metric: &str,
        extra: Option<(&str, &str)>,
        first: (usize, usize, usize),
        exemplars: &mut Vec<Exemplar>,
    ) -> Result<()> {
        let spill = &mut self.out.spill;
        let from = spill.len();
        put_label(spill, METRIC_NAME.as_bytes(), metric.as_bytes());
        spill.extend_from_slice(&self.base);
        if let Some((name, value)) = extra {
            put_label(spill, name.as_bytes(), value.as_bytes());
        }
        let raw = Raw::Spill(from..spill.len());
        if self.out.spill.len() > self.limits.body_bytes.saturating_mul(2) {
            return Err(Error::Limit {
                limit: "serve.remote_write.body_bytes",
                max: self.limits.body_bytes as u64,
                what: "labels of one request, written out".into(),
            });
        }
        for exemplar in exemplars.drain(..) {
            self.out.has_room(self.limits)?;
            self.out.exemplars.push(exemplar);
        }
        let (samples, histograms, exemplars) = self.first();
        self.out.series.push(Series {
            raw,
            samples: first.0..samples,
            histograms: first.1..histograms,
            exemplars: first.2..exemplars,
        });
        self.outcome.point_of.push(self.point);
        Ok(())
    }

    fn too_many(&self, what: &str) -> Error {
        crate::remote_write::too_many(what, self.limits)
    }
}
