//! How much of a host or a service behaves unusually at once: the share of its watched series with an
//! alarm within five minutes.
//!
//! One series of many is odd by chance every day; a share of a group is not. So a page without being
//! asked comes from a group alone: three of its series or more, and a hundredth of them or more. The
//! share is written as `plimsoll_anomaly_rate{by="instance",instance="…"}` (or `by="job"`), quantised to
//! 0.01, and the number as `plimsoll_anomaly_series`, once a minute, and a 0 once. Groups of fewer than
//! three series are none. Since when a group is worth a page survives a restart.

use std::collections::{BTreeMap, HashMap, HashSet};

use plimsoll_model::{Labels, METRIC_NAME, MINUTE_MS, Timestamp};
use serde::Serialize;

use crate::issue::Point;
use crate::scores::Scores;
use crate::watched::Watched;

/// The metrics of the results: the share, and the number.
const RATE: &str = "plimsoll_anomaly_rate";
const NUMBER: &str = "plimsoll_anomaly_series";
/// Series that make a group.
const SERIES_MIN: usize = 3;
/// Series with an alarm from which a group is anomalous, and the share of its series.
const ANOMALOUS_MIN: usize = 3;
const ANOMALOUS_SHARE: f64 = 0.01;
/// Groups at most; the largest are kept.
const GROUPS_MAX: usize = 5_000;
/// A series counts as long as its newest value is at most so old, ms.
const ACTIVE_MS: i64 = 15 * MINUTE_MS;

/// What a group has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The label `instance`: a host.
    Instance,
    /// The label `job`: a service.
    Job,
}

impl GroupBy {
    const ALL: [Self; 2] = [Self::Instance, Self::Job];

    /// The label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Job => "job",
        }
    }
}

/// A host or a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnomalyGroup {
    /// What its series have in common.
    pub by: GroupBy,
    /// The value of that label.
    pub name: String,
    /// Share of its series with an alarm within five minutes, 0..=1.
    pub rate: f64,
    /// Its watched series.
    pub series: usize,
    /// Those with an alarm within five minutes.
    pub anomalous: usize,
    /// Since when so many are that it is worth a page, ms since the epoch.
    pub since_ms: Option<Timestamp>,
}

/// A group that is worth a page, and since when.
pub(crate) type Paging = (GroupBy, String, Timestamp);

#[derive(Default)]
struct Known {
    since: Option<Timestamp>,
    written: u8,
    written_at: Timestamp,
}

/// The groups as of the last pass.
#[derive(Default)]
pub(crate) struct Groups {
    known: HashMap<(GroupBy, String), Known>,
    /// Those with an alarm, the highest rate first.
    list: Vec<AnomalyGroup>,
    paging: HashSet<(GroupBy, String)>,
    total: usize,
}

impl Groups {
    /// Counts anew; gives what is to be written.
    pub(crate) fn look(&mut self, scores: &Scores, at: Timestamp, now: Timestamp) -> Vec<Point> {
        let mut counts: BTreeMap<(GroupBy, &str), (usize, usize)> = BTreeMap::new();
        for w in scores.all().filter(|w| w.last().is_some_and(|last| last > at - ACTIVE_MS)) {
            for by in GroupBy::ALL {
                let Some(name) = w.labels.get(by.label()) else { continue };
                let (series, anomalous) = counts.entry((by, name)).or_default();
                *series += 1;
                *anomalous += usize::from(w.alarms(at));
            }
        }
        counts.retain(|_, (series, _)| *series >= SERIES_MIN);
        while counts.len() > GROUPS_MAX {
            counts.pop_last();
        }
        self.total = counts.len();
        let mut points = Vec::new();
        self.list.clear();
        self.paging.clear();
        self.known.retain(|(by, name), _| counts.contains_key(&(*by, name.as_str())));
        for ((by, name), (series, anomalous)) in counts {
            let key = (by, name.to_owned());
            let known = self
                .known
                .entry(key.clone())
                .or_insert_with(|| Known { written_at: i64::MIN, ..Known::default() });
            let least = ANOMALOUS_MIN.max((series as f64 * ANOMALOUS_SHARE).ceil() as usize);
            known.since = (anomalous >= least).then(|| known.since.unwrap_or(at));
            let rate = anomalous as f64 / series as f64;
            if let Some(rate) = known.due(rate, now) {
                points.push(point(RATE, by, name, rate));
                points.push(point(NUMBER, by, name, anomalous as f64));
            }
            if known.since.is_some() {
                self.paging.insert(key);
            }
            if anomalous > 0 {
                let (name, since_ms) = (name.to_owned(), known.since);
                self.list.push(AnomalyGroup { by, name, rate, series, anomalous, since_ms });
            }
        }
        self.list.sort_by(|a, b| {
            let by_name = || (a.by, &a.name).cmp(&(b.by, &b.name));
            b.since_ms
                .is_some()
                .cmp(&a.since_ms.is_some())
                .then(b.rate.total_cmp(&a.rate))
                .then_with(by_name)
        });
        points
    }

    /// Whether a series is of a group that is worth a page.
    pub(crate) fn pages(&self, w: &Watched) -> bool {
        !self.paging.is_empty()
            && GroupBy::ALL.iter().any(|by| {
                let name = w.labels.get(by.label());
                name.is_some_and(|name| self.paging.contains(&(*by, name.to_owned())))
            })
    }

    /// The groups that are worth a page and since when, in order.
    pub(crate) fn kept(&self) -> Vec<Paging> {
        let of = |((by, name), known): (&(GroupBy, String), &Known)| {
            known.since.map(|since| (*by, name.clone(), since))
        };
        let mut all: Vec<Paging> = self.known.iter().filter_map(of).collect();
        all.sort();
        all
    }

    /// Takes what was kept; the next look says which of them still are.
    pub(crate) fn restore(&mut self, kept: Vec<Paging>) {
        for (by, name, since) in kept.into_iter().take(GROUPS_MAX) {
            let known = Known { since: Some(since), written_at: i64::MIN, ..Known::default() };
            self.known.insert((by, name), known);
        }
    }

    /// Groups in which something is unusual, those worth a page first, then the highest rate.
    pub(crate) fn list(&self) -> &[AnomalyGroup] {
        &self.list
    }

    /// How many groups there are, and how many are worth a page.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.total, self.paging.len())
    }
}

impl Known {
    fn due(&mut self, rate: f64, now: Timestamp) -> Option<f64> {
        let rounded = (rate * 100.0).round().clamp(0.0, 100.0) as u8;
        // One alarm in a large group is no zero.
        let rounded = if rate > 0.0 { rounded.max(1) } else { 0 };
        let wait = now.saturating_sub(self.written_at) < MINUTE_MS;
        if wait || (rounded == 0 && self.written == 0) {
            return None;
        }
        (self.written, self.written_at) = (rounded, now);
        Some(f64::from(rounded) / 100.0)
    }
}

fn point(metric: &str, by: GroupBy, name: &str, value: f64) -> Point {
    let labels = Labels::empty().with(METRIC_NAME, metric).with("by", by.label());
    Point { labels: labels.with(by.label(), name), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::Reduced;
    use crate::watch::names::Kind;
    use crate::watched::Origin;

    fn scores(series: usize, anomalous: usize) -> Scores {
        let mut scores = Scores::default();
        for i in 0..series {
            let device = i.to_string();
            let pairs = [("__name__", "m"), ("instance", "a"), ("job", "db"), ("device", &device)];
            let labels = Labels::new(pairs).unwrap();
            let mut w = Watched::new(Origin::Raw(Kind::Gauge), labels.clone(), 60_000, 0);
            w.fold(MINUTE_MS, Reduced::Value(1.0), true);
            if i < anomalous {
                w.alarm_at = MINUTE_MS;
            }
            scores.raw.insert(labels.fp(), Box::new(w));
        }
        scores
    }

    #[test]
    fn a_group_is_worth_a_page_from_three_series_and_a_hundredth_on() {
        let mut groups = Groups::default();
        let points = groups.look(&scores(10, 2), MINUTE_MS, 0);
        assert_eq!((groups.counts(), points.len()), ((2, 0), 4));
        assert_eq!((groups.list()[0].rate, groups.list()[0].since_ms), (0.2, None));
        groups.look(&scores(10, 3), MINUTE_MS, 0);
        assert_eq!(groups.list()[0].since_ms, Some(MINUTE_MS));
        let mut again = Groups::default();
        again.restore(groups.kept());
        again.look(&scores(10, 3), 2 * MINUTE_MS, 0);
        assert_eq!(again.list()[0].since_ms, Some(MINUTE_MS), "since when survives");
        again.look(&scores(10, 0), 2 * MINUTE_MS, 0);
        assert!(again.kept().is_empty() && groups.kept().len() == 2);
        assert!(groups.pages(scores(10, 3).all().next().unwrap()));
        groups.look(&scores(400, 3), MINUTE_MS, 0);
        assert_eq!(groups.counts(), (2, 0), "four would be a hundredth");
        groups.look(&scores(2, 2), MINUTE_MS, 0);
        assert_eq!(groups.counts(), (0, 0), "two are no group");
    }

    #[test]
    fn the_rate_is_written_once_a_minute_and_zero_once() {
        let mut groups = Groups::default();
        assert!(groups.look(&scores(5, 0), MINUTE_MS, 0).is_empty());
        let points = groups.look(&scores(5, 1), MINUTE_MS, 0);
        let text = points[0].labels.to_string();
        assert_eq!(text, "plimsoll_anomaly_rate{by=\"instance\", instance=\"a\"}");
        assert_eq!(points[0].value, 0.2);
        let text = points[1].labels.to_string();
        assert_eq!(text, "plimsoll_anomaly_series{by=\"instance\", instance=\"a\"}");
        assert_eq!(points[1].value, 1.0);
        assert!(groups.look(&scores(5, 2), MINUTE_MS, 30_000).is_empty());
        assert_eq!(groups.look(&scores(5, 0), MINUTE_MS, 60_000)[0].value, 0.0);
        assert!(groups.look(&scores(5, 0), MINUTE_MS, 120_000).is_empty());
    }
}
