//! Anomaly scores: one detector per watched series, and what of its scores is written.
//!
//! A score is written at most once a minute, as the greatest since the one before, quantised to 0.01;
//! below [`WORTH_WRITING`] it counts as 0, and a 0 is written once. Detectors of series that are gone
//! for an hour are forgotten. Times are those of the points; only live points are written, those of a
//! replay teach the detectors alone.

use std::collections::HashMap;

use plimsoll_analyze::{Detector, DetectorConfig};
use plimsoll_model::{HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, MatrixSeries, Timestamp};
use serde::Serialize;

use crate::issue::Point;

/// The metric of the results.
const SCORE: &str = "plimsoll_anomaly_score";
/// Scores below this count as 0.
const WORTH_WRITING: f64 = 0.1;
/// Scores from here are shown as anomalies.
const WORTH_SHOWING: f64 = 0.3;
/// How long an anomaly is shown after its peak, ms.
const SHOWN_MS: i64 = 5 * MINUTE_MS;
/// Anomalies shown at most.
const SHOWN_MAX: usize = 20;

/// A series that behaves unusually.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Anomaly {
    /// What: the name of the watched expression, `cpu_busy`.
    pub series: String,
    /// Whose: the labels of the element, sorted by name.
    pub labels: Vec<(String, String)>,
    /// How unusual at most in the last five minutes, 0.3..=1.
    pub score: f64,
    /// The value at that time, in the unit of the expression.
    pub value: f64,
    /// What was expected instead, where there was an expectation.
    pub expected: Option<f64>,
    /// When, ms since the epoch.
    pub at_ms: Timestamp,
}

/// The state of one watched series.
pub(crate) struct Watched {
    pub(crate) detector: Detector,
    /// Greatest score since the last one written.
    pending: f64,
    written: f64,
    written_at: Timestamp,
    peak: Peak,
}

#[derive(Clone, Copy, Default)]
struct Peak {
    score: f64,
    value: f64,
    expected: Option<f64>,
    at: Timestamp,
}

impl Watched {
    pub(crate) fn new(detector: Detector) -> Self {
        let peak = Peak { at: i64::MIN, ..Peak::default() };
        Self { detector, pending: 0.0, written: 0.0, written_at: i64::MIN, peak }
    }

    fn observe(&mut self, at: Timestamp, value: f64) {
        let scored = self.detector.observe(at, value);
        self.pending = self.pending.max(scored.score);
        if scored.score >= self.peak.score || at.saturating_sub(self.peak.at) > SHOWN_MS {
            self.peak = Peak { score: scored.score, value, expected: scored.expected, at };
        }
    }

    /// The score to write now, if there is one.
    fn due(&mut self, now: Timestamp) -> Option<f64> {
        if now.saturating_sub(self.written_at) < MINUTE_MS {
            return None;
        }
        let rounded = (self.pending * 100.0).round() / 100.0;
        let score = if rounded < WORTH_WRITING { 0.0 } else { rounded };
        self.pending = 0.0;
        if score == 0.0 && self.written == 0.0 {
            return None;
        }
        self.written = score;
        self.written_at = now;
        Some(score)
    }
}

/// All watched series.
pub(crate) struct Scores {
    pub(crate) step_ms: i64,
    pub(crate) series: HashMap<(&'static str, Labels), Watched>,
    /// Series that found no place at the last step.
    pub(crate) left_out: usize,
}

impl Scores {
    pub(crate) fn new(step_ms: i64) -> Self {
        Self { step_ms, series: HashMap::new(), left_out: 0 }
    }

    /// Takes what an expression gave, points in order of time; gives the number of points.
    pub(crate) fn observe(
        &mut self,
        name: &'static str,
        matrix: &[MatrixSeries],
        most: usize,
    ) -> u64 {
        let mut points = 0;
        for given in matrix {
            let key = (name, given.labels.with(METRIC_NAME, ""));
            if !self.series.contains_key(&key) && self.series.len() >= most {
                self.left_out += 1;
                continue;
            }
            let config = DetectorConfig { step_ms: self.step_ms };
            let watched =
                self.series.entry(key).or_insert_with(|| Watched::new(Detector::new(config)));
            for (&at, &value) in given.times.iter().zip(&given.floats) {
                if watched.detector.points() == 0 || at > watched.detector.last_ms() {
                    watched.observe(at, value);
                    points += 1;
                }
            }
        }
        points
    }

    /// Forgets what is gone and what is too much.
    pub(crate) fn tidy(&mut self, now: Timestamp, most: usize) {
        let gone_ms = HOUR_MS.max(10 * self.step_ms);
        self.series.retain(|_, w| now.saturating_sub(w.detector.last_ms()) < gone_ms);
        if self.series.len() > most {
            let mut kept = 0;
            self.series.retain(|_, _| {
                kept += 1;
                kept <= most
            });
        }
    }

    /// After a replay: what was found then is no news.
    pub(crate) fn forget_pending(&mut self) {
        for watched in self.series.values_mut() {
            watched.pending = 0.0;
        }
    }

    /// The scores to write now, by name and labels.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Point> {
        let mut points: Vec<Point> = self
            .series
            .iter_mut()
            .filter_map(|((name, labels), watched)| {
                let value = watched.due(now)?;
                let labels = labels.with(METRIC_NAME, SCORE).with("series", name);
                Some(Point { labels, value })
            })
            .collect();
        points.sort_by(|a, b| a.labels.cmp(&b.labels));
        points
    }

    /// What behaves unusually, worst first.
    pub(crate) fn anomalies(&self, now: Timestamp) -> Vec<Anomaly> {
        let mut found: Vec<Anomaly> = self
            .series
            .iter()
            .filter(|(_, w)| w.peak.score >= WORTH_SHOWING)
            .filter(|(_, w)| now.saturating_sub(w.peak.at) <= SHOWN_MS)
            .map(|((name, labels), w)| Anomaly {
                series: (*name).to_owned(),
                labels: pairs(labels),
                score: (w.peak.score * 100.0).round() / 100.0,
                value: w.peak.value,
                expected: w.peak.expected,
                at_ms: w.peak.at,
            })
            .collect();
        found.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| (&a.series, &a.labels).cmp(&(&b.series, &b.labels)))
        });
        found.truncate(SHOWN_MAX);
        found
    }
}

/// Labels as pairs, for documents.
pub(crate) fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_written_once_a_minute_rounded_and_zero_once() {
        let mut watched = Watched::new(Detector::new(DetectorConfig { step_ms: 5_000 }));
        assert_eq!(watched.due(0), None);
        watched.pending = 0.456_7;
        assert_eq!(watched.due(5_000), Some(0.46));
        watched.pending = 0.9;
        assert_eq!(watched.due(30_000), None);
        assert_eq!(watched.due(65_000), Some(0.9), "the peak in between is not lost");
        watched.pending = 0.05;
        assert_eq!(watched.due(130_000), Some(0.0));
        assert_eq!(watched.due(300_000), None);
    }

    #[test]
    fn detectors_are_bounded_and_those_left_out_counted() {
        let mut scores = Scores::new(1_000);
        let matrix: Vec<MatrixSeries> = (0..5)
            .map(|i| {
                let labels = Labels::empty().with("device", &format!("d{i}"));
                MatrixSeries::new(labels, vec![1_000], vec![1.0])
            })
            .collect();
        assert_eq!(scores.observe("disk_busy", &matrix, 3), 3);
        assert_eq!((scores.series.len(), scores.left_out), (3, 2));
        scores.tidy(2 * HOUR_MS, 3);
        assert!(scores.series.is_empty());
        assert!(size_of::<Watched>() < 7 << 10, "{}", size_of::<Watched>());
    }
}
