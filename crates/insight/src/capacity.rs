//! Bounded resources and when they are full.
//!
//! They are found by themselves: those of the table of `kinds`, and pairs of metrics whose names say so (`names`). Error
//! budgets are none yet: they come with objectives, as a row more. Each keeps a thinned history; its outlook comes from `predict` and is written as
//! `plimsoll_time_to_limit_seconds` with the quantiles 0.1, 0.5 and 0.9, at most once a minute, and
//! marked stale when the breach goes away.
//!
//! Limits: [`RESOURCES_MAX`] resources; when there are more, kinds later in the table give way. An outlook is made anew at each look in the first quarter of an
//! hour, then once a minute; one from days of history every ten minutes, sooner when the last hour
//! says that things got worse.

mod find;
mod history;
mod kinds;
mod names;
mod outlook;
mod safe;
mod text;
mod what_if;

use std::collections::BTreeMap;

use plimsoll_model::{
    DAY_MS, HOUR_MS, Hint, Labels, METRIC_NAME, MINUTE_MS, ReadCx, Snapshot, TimeRange, Timestamp,
    stale_nan,
};
use plimsoll_predict::{Outlook, Passage, State};
use serde::Serialize;

use crate::issue::Point;
pub use kinds::Driver;
pub use what_if::{LOAD_MAX, LOAD_MIN, WhatIf, what_if};

use find::Reading;
use history::History;
use kinds::Kind;
use names::Pair;

/// Resources kept at most; those beyond are counted.
pub const RESOURCES_MAX: usize = 200;
/// The metric of the results.
const TIME_TO_LIMIT: &str = "plimsoll_time_to_limit_seconds";
/// How far back the first look reads, ms.
const BACK_MS: i64 = 7 * DAY_MS;
/// Looks overlap by this, for samples that arrive late, ms.
const OVERLAP_MS: i64 = MINUTE_MS;
/// Time between two looks whether samples of the past were filled in, and how old those are at least, ms.
const REFILL_EVERY_MS: i64 = HOUR_MS;
const REFILL_AGE_MS: i64 = 15 * MINUTE_MS;
/// A resource without samples for so long is not shown any more, ms.
const SILENT_MS: i64 = 5 * MINUTE_MS;
/// Time between two searches for pairs of metrics that are named alike, ms.
const PAIRS_EVERY_MS: i64 = 10 * MINUTE_MS;
/// Names of metrics that are searched.
const NAMES_MAX: usize = 20_000;
/// Time between two samples of a result series, ms.
const ISSUE_MS: i64 = MINUTE_MS;

/// A bounded resource and its load line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resource {
    /// `disk:/`, `inodes:/`, `memory`, `swap`, `files`; with `@instance` when several hosts have it.
    pub id: String,
    /// For people: `/ disk`.
    pub title: String,
    /// `disk`, `memory`, …: the label `resource`.
    pub kind: &'static str,
    /// Unit of `used` and `limit`: `bytes`, `cpus`, `seconds`, or empty for a number of things.
    pub unit: &'static str,
    /// In use now.
    pub used: f64,
    /// What there is, above 0.
    pub limit: f64,
    /// Share in use, 0..=1.
    pub ratio: f64,
    /// Share from which to warn.
    pub warning: f64,
    /// Share from which it is critical.
    pub critical: f64,
    /// The load line: up to here it may be loaded. For CPUs where answers take twice as long as on an idle machine,
    /// else the share from which to warn; in units of `used`.
    pub safe_load: f64,
    /// What is left up to the load line; below 0 beyond it.
    pub headroom: f64,
    /// The least that was in use in all the time seen: what is there without load.
    pub base: f64,
    /// What its use follows.
    pub driver: Driver,
    /// Chances that it is full within an hour, a day, a week, thirty days; `None` while learning. From the
    /// distribution of which `forecast.days` are quantiles; what lies beyond the horizon counts as none.
    pub probability: Option<[f64; 4]>,
    /// PromQL that gives `used` and `limit`.
    pub queries: [String; 2],
    /// The marks are ours; nobody set them.
    pub defaults: bool,
    /// Labels of the result series but for the quantile, sorted by name.
    pub labels: Vec<(String, String)>,
    /// When it is full.
    pub forecast: Forecast,
    /// The span of history that the forecast rests on, ms.
    pub seen_ms: i64,
    /// Time of the newest sample, ms since the epoch.
    pub at_ms: Timestamp,
}

/// When a resource is full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// What is known.
    pub state: ForecastState,
    /// Share of the time needed to learn that has passed, 0..=1.
    pub learned_ratio: f64,
    /// When, if a breach is seen.
    pub days: Option<Days>,
    /// For people: `full in 11 d (8-16)`, `learning: 2 m of 5 m`, `no breach in 90 d`.
    pub text: String,
}

/// What is known of the future of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ForecastState {
    /// Too little was seen yet.
    Learning,
    /// A breach is foreseen.
    Ok,
    /// No breach is foreseen.
    None,
}

/// Days until a resource is full. `p05` to `p95` hold nine in ten chances, `p10` to `p90` eight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Days {
    /// One in twenty chances that it is sooner.
    pub p05: f64,
    /// One in ten chances that it is sooner.
    pub p10: f64,
    /// The estimate.
    pub p50: f64,
    /// One in ten chances that it is later; `None` when it may never be.
    pub p90: Option<f64>,
    /// One in twenty chances that it is later; `None` when it may never be.
    pub p95: Option<f64>,
}

impl Days {
    /// A certain time.
    pub(crate) const fn at(days: f64) -> Self {
        Self { p05: days, p10: days, p50: days, p90: Some(days), p95: Some(days) }
    }

    /// All of them so many times as long.
    pub(crate) fn times(&self, factor: f64) -> Self {
        Self {
            p05: self.p05 * factor,
            p10: self.p10 * factor,
            p50: self.p50 * factor,
            p90: self.p90.map(|d| d * factor),
            p95: self.p95.map(|d| d * factor),
        }
    }

    fn of(passage: &Passage) -> Self {
        let finite = |days: f64| Some(days).filter(|d| d.is_finite());
        Self {
            p05: passage.p05_days,
            p10: passage.p10_days,
            p50: passage.p50_days,
            p90: finite(passage.p90_days),
            p95: finite(passage.p95_days),
        }
    }
}

/// One resource with its past.
struct Tracked {
    kind: Kind,
    history: History,
    limit: f64,
    queries: [String; 2],
    outlook: Option<Outlook>,
    horizon_ms: i64,
    /// When the outlook was last made.
    made_at: Timestamp,
    /// When it was last made from all of a long history.
    long_at: Timestamp,
    issued_at: Option<Timestamp>,
}

/// All resources, by the labels of their results without quantile.
#[derive(Default)]
pub(crate) struct Capacity {
    tracked: BTreeMap<Labels, Tracked>,
    seen_to: Option<Timestamp>,
    /// When the past was looked at last, which it was, and its version.
    past: Option<(Timestamp, TimeRange, u64)>,
    pairs: Vec<Pair>,
    pairs_at: Option<Timestamp>,
    /// Looks that the budget refused.
    refused: u32,
    /// Resources that found no place at the last look.
    pub(crate) left_out: usize,
}

impl Capacity {
    pub(crate) fn len(&self) -> usize {
        self.tracked.len()
    }

    /// Looks at everything up to `now`; gives what is to be written.
    ///
    /// # Errors
    /// Those of reading; the next look reads the same times again, or half of them after a limit.
    pub(crate) fn look(
        &mut self,
        snapshot: &dyn Snapshot,
        now: Timestamp,
        cx: &ReadCx,
    ) -> plimsoll_model::Result<Vec<Point>> {
        if self.seen_to.is_some_and(|to| to > now.saturating_add(OVERLAP_MS)) {
            // The clock was set back: the past is of another time.
            *self = Self::default();
        }
        if self.is_filled_in(snapshot, now) {
            tracing::info!("samples of the past were filled in; resources read it again");
            self.seen_to = None;
            for tracked in self.tracked.values_mut() {
                tracked.history = History::default();
                (tracked.made_at, tracked.long_at) = (i64::MIN, i64::MIN);
            }
        }
        let back = BACK_MS >> self.refused.min(12);
        let from = self.seen_to.map_or(now - back, |to| to - OVERLAP_MS);
        self.find_pairs(snapshot, now, cx)?;
        let readings = find::read(snapshot, TimeRange::new(from, now), &self.pairs, cx);
        if matches!(readings, Err(plimsoll_model::Error::Limit { .. })) {
            // Too much for one look: the next first look asks for half the time.
            self.refused += 1;
            self.seen_to = None;
        }
        let readings = readings?;
        self.seen_to = Some(now);
        self.left_out = 0;
        for reading in readings {
            self.take(reading);
        }
        let mut points = Vec::new();
        for (labels, tracked) in &mut self.tracked {
            if !tracked.is_silent(now) {
                tracked.foresee(now);
            }
            tracked.issue(labels, now, &mut points);
        }
        self.tracked.retain(|_, t| now.saturating_sub(t.history.last_at()) < HOUR_MS);
        Ok(points)
    }

    /// Whether samples came that are older than they should be, since the last time that this was looked
    /// at. Histories are read forward, so what came late is not in them.
    fn is_filled_in(&mut self, snapshot: &dyn Snapshot, now: Timestamp) -> bool {
        let recent = |at: Timestamp| (0..REFILL_EVERY_MS).contains(&now.saturating_sub(at));
        if self.past.is_some_and(|(at, ..)| recent(at)) {
            return false;
        }
        let range = TimeRange::new(now - BACK_MS, now - REFILL_AGE_MS);
        let Some(version) = snapshot.version(range) else { return false };
        let before = self.past.replace((now, range, version));
        before.is_some_and(|(_, range, version)| snapshot.version(range) != Some(version))
    }

    /// Looks now and then which metrics are named like pools.
    fn find_pairs(
        &mut self,
        snapshot: &dyn Snapshot,
        now: Timestamp,
        cx: &ReadCx,
    ) -> plimsoll_model::Result<()> {
        if self.pairs_at.is_some_and(|at| now.saturating_sub(at) < PAIRS_EVERY_MS) {
            return Ok(());
        }
        let range = TimeRange::new(now - HOUR_MS, now);
        let hint = Hint { limit: NAMES_MAX, ..Hint::range(range) };
        let names = snapshot.label_values(METRIC_NAME, &[], &hint, cx)?;
        let known = |name: &str| Kind::known().any(|kind| kind.row().limit.0 == name);
        self.pairs = names::pairs(&names.into_iter().collect(), &known);
        self.pairs_at = Some(now);
        Ok(())
    }

    fn take(&mut self, reading: Reading) {
        let Reading { kind, labels, limit, used, queries } = reading;
        if !self.tracked.contains_key(&labels) && !self.has_place(kind) {
            self.left_out += 1;
            return;
        }
        let tracked = self.tracked.entry(labels).or_insert_with(|| Tracked::new(kind));
        tracked.limit = limit;
        tracked.queries = queries;
        for (at, value) in used {
            tracked.history.push(at, value);
        }
    }

    /// Whether there is a place for one more; if not, one of a later kind gives way.
    fn has_place(&mut self, kind: Kind) -> bool {
        if self.tracked.len() < RESOURCES_MAX {
            return true;
        }
        let last = self.tracked.iter().max_by_key(|(labels, t)| (t.kind, *labels));
        let Some(labels) = last.filter(|(_, t)| t.kind > kind).map(|(l, _)| l.clone()) else {
            return false;
        };
        self.left_out += 1;
        self.tracked.remove(&labels);
        true
    }

    /// What there is now, in the order of kinds and labels.
    pub(crate) fn resources(&self, now: Timestamp) -> Vec<Resource> {
        let alive = || self.tracked.iter().filter(|(_, t)| !t.is_silent(now));
        // The address of a program (Plimsoll's own, say) is no host that names would have to tell apart.
        let of_hosts = alive().filter(|(_, t)| t.kind.is_of_host());
        let mut hosts: Vec<&str> = of_hosts.filter_map(|(l, _)| l.get("instance")).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut all: Vec<(Kind, Resource)> =
            alive().map(|(labels, t)| (t.kind, t.show(labels, hosts.len() > 1))).collect();
        all.sort_by(|(a, x), (b, y)| (a, &x.id).cmp(&(b, &y.id)));
        all.into_iter().map(|(_, resource)| resource).collect()
    }
}

impl Tracked {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            history: History::default(),
            limit: 0.0,
            queries: [String::new(), String::new()],
            outlook: None,
            horizon_ms: 0,
            made_at: i64::MIN,
            long_at: i64::MIN,
            issued_at: None,
        }
    }

    fn is_silent(&self, now: Timestamp) -> bool {
        now.saturating_sub(self.history.last_at()) > SILENT_MS
    }

    fn breach(&self) -> Option<(f64, f64, f64)> {
        match self.outlook?.state {
            State::Breach { p10_days, p50_days, p90_days } => Some((p10_days, p50_days, p90_days)),
            _ => None,
        }
    }

    fn issue(&mut self, labels: &Labels, now: Timestamp, points: &mut Vec<Point>) {
        let result = |q: &str, value| Point {
            labels: labels.with(METRIC_NAME, TIME_TO_LIMIT).with("quantile", q),
            value,
        };
        let breach = self.breach().filter(|_| !self.is_silent(now));
        let Some((p10, p50, p90)) = breach else {
            if self.issued_at.take().is_some() {
                points.extend(["0.1", "0.5", "0.9"].map(|q| result(q, stale_nan())));
            }
            return;
        };
        if self.issued_at.is_some_and(|at| now.saturating_sub(at) < ISSUE_MS) {
            return;
        }
        self.issued_at = Some(now);
        let seconds = |days: f64| days * 86_400.0;
        points
            .extend([("0.1", p10), ("0.5", p50), ("0.9", p90)].map(|(q, d)| result(q, seconds(d))));
    }

    fn show(&self, labels: &Labels, several_hosts: bool) -> Resource {
        let used = self.history.last_value();
        let row = self.kind.row();
        let place = labels.get(row.place).unwrap_or_default();
        let mut id =
            if place.is_empty() { row.name.to_owned() } else { format!("{}:{place}", row.name) };
        let mut title = self.kind.title(place);
        if row.place != "instance"
            && let (true, Some(instance)) = (several_hosts, labels.get("instance"))
        {
            id = format!("{id}@{instance}");
            title = format!("{title} of {instance}");
        }
        let (safe, warning, critical) = self.kind.marks(self.limit);
        let outlook = self.outlook.as_ref();
        let learning = outlook.is_none_or(|o| matches!(o.state, State::Learning { .. }));
        Resource {
            id,
            title,
            kind: row.name,
            unit: row.unit,
            used,
            limit: self.limit,
            ratio: (used / self.limit).clamp(0.0, 1.0),
            warning,
            critical,
            safe_load: safe * self.limit,
            headroom: safe * self.limit - used,
            base: self.history.least().min(used),
            driver: row.driver,
            probability: outlook.filter(|_| !learning).map(|o| o.passage.within),
            queries: self.queries.clone(),
            defaults: true,
            labels: crate::scores::pairs(labels),
            forecast: text::forecast(outlook, self.horizon_ms),
            seen_ms: self.history.span_ms(),
            at_ms: self.history.last_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Matcher, MemorySource, Metadata, Result, Selection, SeriesSource};
    use std::sync::Arc;

    /// A snapshot that knows how often its past changed.
    struct Versioned(Arc<dyn Snapshot>, u64);

    impl Snapshot for Versioned {
        fn version(&self, _: TimeRange) -> Option<u64> {
            Some(self.1)
        }

        fn select(&self, m: &[Matcher], h: &Hint<'_>, cx: &ReadCx) -> Result<Box<dyn Selection>> {
            self.0.select(m, h, cx)
        }

        fn metadata(&self, metric: Option<&str>, n: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
            self.0.metadata(metric, n, cx)
        }
    }

    #[test]
    fn what_is_filled_in_later_is_read_within_an_hour() {
        let (source, start) = (MemorySource::new(), 1_750_000_000_000);
        let put = |at: i64| {
            for (metric, value) in [("process_max_fds", 1_024.0), ("process_open_fds", 100.0)] {
                let labels = Labels::new([("__name__", metric), ("instance", "h")]).unwrap();
                source.append(&labels, at, value);
            }
        };
        let mut capacity = Capacity::default();
        let mut look = |now: i64, version: u64| {
            put(now);
            let snapshot = Versioned(source.snapshot(), version);
            capacity.look(&snapshot, now, &ReadCx::unlimited()).unwrap();
            assert_eq!(capacity.tracked.len(), 1);
            capacity.tracked.values().map(|t| t.history.span_ms()).sum::<i64>()
        };
        assert_eq!(look(start, 1), 0);
        (1..60).for_each(|i| put(start - i * MINUTE_MS));
        assert!(look(start + MINUTE_MS, 2) < HOUR_MS / 4, "not looked at yet");
        assert!(look(start + HOUR_MS, 2) >= HOUR_MS + 59 * MINUTE_MS);
    }
}
