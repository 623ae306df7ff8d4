//! Results on their way to the store, within a budget of series.
//!
//! A result series counts from its first sample until an hour after its last. New ones beyond the
//! budget are refused and counted; those that are there go on. Scores that are not worth showing get
//! half of the places at most.

use std::collections::HashMap;

use plimsoll_model::{
    Batch, Canonical, HOUR_MS, Labels, Rows, SampleSink, SourceId, Timestamp, is_stale,
};

use crate::metrics::{Metrics, count, set};
use crate::scores::{SCORE, WORTH_SHOWING};

/// Result series that are always allowed, however few series there are to watch: enough for the
/// scores, trends and forecasts of one host.
pub const SERIES_FLOOR: usize = 500;

/// A result sample; its time is the time of issue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
}

/// Which result series are there.
#[derive(Default)]
pub(crate) struct Issuer {
    written: HashMap<Labels, Timestamp>,
}

/// Series allowed: the setting or a tenth of the active series, but not fewer than the floor unless
/// the setting says so.
pub(crate) fn allowed(series_max: usize, active: u64) -> usize {
    let tenth = usize::try_from(active / 10).unwrap_or(usize::MAX);
    series_max.min(tenth.max(SERIES_FLOOR))
}

impl Issuer {
    /// Keeps what the budget allows of `points`, in their order.
    pub(crate) fn admit(
        &mut self,
        mut points: Vec<Point>,
        now: Timestamp,
        most: usize,
        metrics: &Metrics,
    ) -> Vec<Point> {
        self.written.retain(|_, at| now.saturating_sub(*at) < HOUR_MS);
        points.retain(|point| {
            if is_stale(point.value) {
                return self.written.remove(&point.labels).is_some();
            }
            let known = self.written.contains_key(&point.labels);
            // A small score may not take the place of what matters more.
            let open = if is_small(point) { most / 2 } else { most };
            if known || self.written.len() < open {
                self.written.insert(point.labels.clone(), now);
                return true;
            }
            count(&metrics.series_refused, 1);
            false
        });
        set(&metrics.series, self.written.len());
        set(&metrics.series_max, most);
        points
    }
}

/// Whether a result is a score that is not worth showing.
fn is_small(point: &Point) -> bool {
    point.value < WORTH_SHOWING && point.labels.metric() == SCORE
}

/// Hands results to the store and waits until they are kept.
pub(crate) fn write(
    sink: &dyn SampleSink,
    source: &SourceId,
    points: &[Point],
    now: Timestamp,
    metrics: &Metrics,
) {
    if points.is_empty() {
        return;
    }
    let times = [now];
    let rows: Vec<Rows<'_>> = points
        .iter()
        .map(|p| Rows {
            fp: Some(p.labels.fp()),
            raw: p.labels.as_ref().as_bytes(),
            times: &times,
            floats: std::slice::from_ref(&p.value),
            ..Rows::default()
        })
        .collect();
    let batch = Batch { source, decode: &Canonical, rows: &rows, metadata: &[] };
    match sink.submit(batch).wait() {
        Ok(appended) => count(&metrics.samples, appended.stored),
        Err(e) => {
            count(&metrics.sink_failures, 1);
            tracing::warn!(error = %e, samples = points.len(), "results of analysis not stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::stale_nan;

    fn point(i: usize, value: f64) -> Point {
        Point { labels: Labels::empty().with("i", &i.to_string()), value }
    }

    #[test]
    fn series_beyond_the_budget_are_refused_until_others_end() {
        assert_eq!(allowed(20_000, 400), SERIES_FLOOR);
        assert_eq!(allowed(20_000, 50_000), 5_000);
        assert_eq!(allowed(20_000, 5_000_000), 20_000);
        assert_eq!(allowed(7, 5_000_000), 7);
        let (mut issuer, metrics) = (Issuer::default(), Metrics::default());
        let mut admit = |points, now| issuer.admit(points, now, 2, &metrics).len();
        assert_eq!(admit((0..5).map(|i| point(i, 1.0)).collect(), 0), 2);
        assert_eq!(admit(vec![point(0, stale_nan()), point(9, stale_nan())], 1), 1);
        assert_eq!(admit((0..5).map(|i| point(i, 1.0)).collect(), 2), 2);
        assert_eq!(admit(vec![point(4, 1.0)], HOUR_MS), 0);
        assert_eq!(admit(vec![point(4, 1.0)], 2 * HOUR_MS), 1);
    }
}
