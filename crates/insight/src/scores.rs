//! All watched series: their places, what of their scores is written, and what is shown of them.
//!
//! A score is written at most once a minute, as the greatest since the one before, quantised to 0.01;
//! below 0.1 it counts as 0, and a 0 is written once. Times are those of the steps; only what is
//! news is written, a replay teaches the detectors alone.

use std::collections::HashMap;

use plimsoll_analyze::{ALARM_SCORE, STATE_BYTES_MAX};
use plimsoll_model::{Fp, Labels, METRIC_NAME, Timestamp};
use serde::{Deserialize, Serialize};

use crate::issue::Point;
use crate::watched::{Basis, SHOWN_MS, Watched};

/// The metric of the results.
pub(crate) const SCORE: &str = "plimsoll_anomaly_score";
/// Scores from here are shown as anomalies.
pub const WORTH_SHOWING: f64 = 0.3;
/// Anomalies shown at most.
const SHOWN_MAX: usize = 500;
/// Bytes of a watched series, labels and places in tables included.
pub(crate) const SERIES_BYTES: usize = STATE_BYTES_MAX + 768;

/// How much an anomaly asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnomalyLevel {
    /// A mark on a chart.
    Annotate,
    /// A message, because somebody chose the series.
    Notify,
    /// A page: the series is one of many of its group.
    Page,
}

/// A series that behaves unusually.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Anomaly {
    /// What: the name of the watched expression, `cpu_busy`, or the metric.
    pub series: String,
    /// Whose: the labels of the element without the metric's name, sorted by name.
    pub labels: Vec<(String, String)>,
    /// How unusual at most in the last five minutes, 0.3..=1.
    pub score: f64,
    /// The value at that time: of the expression, of a gauge, or the rate per second of a counter.
    pub value: f64,
    /// What was expected instead, where there was an expectation.
    pub expected: Option<f64>,
    /// When, ms since the epoch.
    pub at_ms: Timestamp,
    /// How much it asks for.
    pub level: AnomalyLevel,
    /// How soon it was looked at.
    pub basis: Basis,
}

/// All watched series.
#[derive(Default)]
pub(crate) struct Scores {
    /// Elements of named expressions, by expression and labels.
    pub(crate) named: HashMap<(&'static str, Labels), Box<Watched>>,
    /// Series of the store.
    pub(crate) raw: HashMap<Fp, Box<Watched>>,
}

impl Scores {
    /// Number of watched series.
    pub(crate) fn len(&self) -> usize {
        self.named.len() + self.raw.len()
    }

    /// Bytes that they take, about.
    pub(crate) fn bytes(&self) -> u64 {
        (self.len() * SERIES_BYTES) as u64
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Watched> {
        self.named.values().chain(self.raw.values()).map(|w| &**w)
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.named.values_mut().chain(self.raw.values_mut()).map(|w| &mut **w)
    }

    /// The scores to write now, the greatest first: they are served first when there is little room.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Point> {
        let of = |w: &mut Watched| {
            let value = w.due(now)?;
            Some(Point { labels: result(&w.labels, SCORE, w.name()), value })
        };
        let mut points: Vec<Point> = self.all_mut().filter_map(of).collect();
        points.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.labels.cmp(&b.labels)));
        points
    }

    /// What behaves unusually, worst first. `pages` says whether a series is of a group that does.
    pub(crate) fn anomalies(
        &self,
        now: Timestamp,
        pages: &impl Fn(&Watched) -> bool,
    ) -> Vec<Anomaly> {
        let shown = |w: &&Watched| {
            w.peak.score >= WORTH_SHOWING && now.saturating_sub(w.peak.at) <= SHOWN_MS + 60_000
        };
        let mut found: Vec<&Watched> = self.all().filter(shown).collect();
        found.sort_by(|a, b| {
            let by_name = || (a.name(), &a.labels).cmp(&(b.name(), &b.labels));
            b.peak.score.total_cmp(&a.peak.score).then_with(by_name)
        });
        found.truncate(SHOWN_MAX);
        found.iter().map(|w| anomaly(w, pages(w))).collect()
    }
}

fn anomaly(w: &Watched, pages: bool) -> Anomaly {
    let alarms = w.peak.score >= ALARM_SCORE;
    let level = match (alarms && pages, alarms && w.chosen) {
        (true, _) => AnomalyLevel::Page,
        (_, true) => AnomalyLevel::Notify,
        _ => AnomalyLevel::Annotate,
    };
    Anomaly {
        series: w.name().to_owned(),
        labels: pairs(&w.labels),
        score: (w.peak.score * 100.0).round() / 100.0,
        value: w.peak.value,
        expected: w.peak.expected,
        at_ms: w.peak.at,
        level,
        basis: w.basis,
    }
}

/// The labels of a result about a series.
pub(crate) fn result(labels: &Labels, metric: &str, series: &str) -> Labels {
    labels.with(METRIC_NAME, metric).with("series", series)
}

/// Labels as pairs without the metric's name, for documents.
pub(crate) fn pairs(labels: &Labels) -> Vec<(String, String)> {
    let others = labels.iter().filter(|(n, _)| *n != METRIC_NAME);
    others.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}
