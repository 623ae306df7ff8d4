//! Trends of the watched series over the last hours, where there is one beyond chance.
//!
//! Written as `plimsoll_trend_per_hour` every ten minutes; a staleness marker when it is over. A trend
//! counts when Mann–Kendall is sure of it and the change over the window is at least a hundredth of the
//! level: smaller ones are nobody's concern.

use std::collections::BTreeMap;

use plimsoll_analyze::{median, trend};
use plimsoll_model::{HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, MatrixSeries, stale_nan};
use serde::Serialize;

use crate::issue::Point;
use crate::scores::pairs;

/// The metric of the results.
const TREND: &str = "plimsoll_trend_per_hour";
/// How far back, ms.
pub(crate) const WINDOW_MS: i64 = 6 * HOUR_MS;
/// Distance of points, ms.
pub(crate) const STEP_MS: i64 = 5 * MINUTE_MS;
/// Time between two looks, ms.
pub(crate) const EVERY_MS: i64 = 10 * MINUTE_MS;
/// Points from which a trend is believed: two hours.
const POINTS_MIN: usize = 24;
/// Two-sided level of significance.
const LEVEL: f64 = 0.001;
/// Least change over the window, as share of the level.
const CHANGE_MIN: f64 = 0.01;

/// A series that rises or falls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesTrend {
    /// What: the name of the watched expression.
    pub series: String,
    /// Whose: the labels of the element, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Change per hour, in the unit of the expression.
    pub per_hour: f64,
    /// Ends of the 95 % confidence interval of the change per hour.
    pub interval: (f64, f64),
    /// First time looked at, ms since the epoch.
    pub since_ms: i64,
}

/// The trends of the last look.
#[derive(Default)]
pub(crate) struct Trends {
    pub(crate) found: BTreeMap<Labels, SeriesTrend>,
}

/// The trend of one series, if it has one.
pub(crate) fn look(name: &str, given: &MatrixSeries) -> Option<(Labels, SeriesTrend)> {
    if given.times.len() < POINTS_MIN {
        return None;
    }
    let line = trend(&given.times, &given.floats, None)?;
    let span_s = given.times.last()?.saturating_sub(line.start_ms) as f64 / 1e3;
    let level = median(&given.floats)?.abs();
    if !line.significant(LEVEL) || (line.slope_per_s * span_s).abs() < CHANGE_MIN * level {
        return None;
    }
    let bare = given.labels.with(METRIC_NAME, "");
    let found = SeriesTrend {
        series: name.to_owned(),
        labels: pairs(&bare),
        per_hour: line.slope_per_s * 3_600.0,
        interval: (line.slope_low * 3_600.0, line.slope_high * 3_600.0),
        since_ms: line.start_ms,
    };
    Some((bare.with(METRIC_NAME, TREND).with("series", name), found))
}

impl Trends {
    /// Takes the trends of a new look; gives what is to be written.
    pub(crate) fn replace(&mut self, found: BTreeMap<Labels, SeriesTrend>) -> Vec<Point> {
        let gone = self.found.keys().filter(|l| !found.contains_key(*l));
        let mut points: Vec<Point> =
            gone.map(|l| Point { labels: l.clone(), value: stale_nan() }).collect();
        points.extend(found.iter().map(|(l, t)| Point { labels: l.clone(), value: t.per_hour }));
        self.found = found;
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_found_and_its_end_is_marked() {
        let times: Vec<i64> = (0..72).map(|i| i * STEP_MS).collect();
        let rising = (0..72).map(|i| f64::from(i) / 12.0 + f64::from(i * 7 % 5) * 0.1).collect();
        let labels = Labels::empty().with("instance", "a");
        let series = MatrixSeries::new(labels, times, rising);
        let (key, found) = look("load1", &series).unwrap();
        assert!((found.per_hour - 1.0).abs() < 0.05, "{found:?}");
        assert_eq!(key.metric(), TREND);
        let mut trends = Trends::default();
        assert_eq!(trends.replace([(key, found)].into()).len(), 1);
        let ended = trends.replace(BTreeMap::new());
        assert!(plimsoll_model::is_stale(ended[0].value));
        let flat = MatrixSeries { floats: vec![3.0; 72], ..series };
        assert!(look("load1", &flat).is_none());
    }
}
