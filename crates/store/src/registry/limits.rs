//! Limits of new series: in all, per metric, per source, and distinct values per label of a metric.
//!
//! Only new series are refused. At four fifths of a limit it is said once an hour. Who was refused
//! most is kept by SpaceSaving (Metwally, Agrawal, El Abbadi 2005): counts are upper bounds, the
//! most frequent are never missing.
//!
//! Memory: a number per series and per source; values are counted, by hash, only for metrics with
//! more series than an eighth of the limit of values; [`TOP`] offenders per kind.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{LabelsRef, METRIC_NAME, Reason, SourceId};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use super::Index;

/// Offenders that are counted.
const TOP: usize = 64;
/// A soft limit is said again after this long, ms.
const SAY_EVERY_MS: i64 = 3_600_000;
/// Sources that are told apart; more are counted together.
const SOURCES_MAX: usize = 10_000;

/// Names of the limits, as they are set.
pub const NAMES: [&str; 4] = [
    "store.limits.series",
    "store.limits.series_per_metric",
    "store.limits.series_per_source",
    "store.limits.label_values",
];

/// What is allowed; 0 is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesLimits {
    /// Series known at once.
    pub series: usize,
    /// Series of one metric name.
    pub per_metric: usize,
    /// Series that one source brought.
    pub per_source: usize,
    /// Distinct values of one label of one metric.
    pub label_values: usize,
}

/// How near to a limit the nearest one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitStatus {
    /// The setting.
    pub limit: &'static str,
    /// Its value; 0 is unlimited.
    pub max: u64,
    /// Of what comes nearest to it, as far as it was seen.
    pub used: u64,
    /// New series refused at it.
    pub refused: u64,
    /// Whether it is four fifths full, or was within the last hour.
    pub near: bool,
}

/// Distinct values per label of a metric, by hash: how many series have each.
type Values = HashMap<Box<str>, HashMap<u64, u32, Xxh3DefaultBuilder>>;

/// Counts, and decides.
pub struct Limiter {
    sources: HashMap<Arc<str>, u32>,
    by_source: Vec<(Arc<str>, usize)>,
    of: Vec<u32>,
    values: HashMap<Box<str>, Values>,
    used: [u64; 4],
    refused: [u64; 4],
    said: [i64; 4],
    offenders: SpaceSaving,
}

impl Default for Limiter {
    /// Number 0 is every source that is not told apart: those from before the start.
    fn default() -> Self {
        Self {
            sources: HashMap::new(),
            by_source: vec![("".into(), 0)],
            of: Vec::new(),
            values: HashMap::new(),
            used: [0; 4],
            refused: [0; 4],
            said: [i64::MIN; 4],
            offenders: SpaceSaving::default(),
        }
    }
}

impl Limiter {
    /// Whether a new series may come in; `series` are there.
    ///
    /// # Errors
    /// The reason, which names limit, value, and what reached it.
    pub fn admit(
        &mut self,
        labels: LabelsRef<'_>,
        source: &SourceId,
        index: &Index,
        series: usize,
        limits: SeriesLimits,
        now: i64,
    ) -> Result<(), Reason> {
        let metric = labels.get(METRIC_NAME).unwrap_or_default();
        let outcome = self.check(0, series, limits.series, now, String::new);
        let outcome = outcome.and_then(|()| {
            let n = index.series_of(metric) as usize;
            self.check(1, n, limits.per_metric, now, || format!("metric {metric:?}"))?;
            let n = self.source(source).map_or(0, |i| self.by_source[i as usize].1);
            self.check(2, n, limits.per_source, now, || format!("source {:?}", &*source.0))?;
            self.check_values(metric, labels, index, limits.label_values, now)
        });
        if outcome.is_err() {
            self.offenders.count(metric);
        }
        outcome
    }

    fn source(&self, source: &SourceId) -> Option<u32> {
        self.sources.get(&source.0).copied()
    }

    fn check(
        &mut self,
        which: usize,
        used: usize,
        max: usize,
        now: i64,
        of: impl FnOnce() -> String,
    ) -> Result<(), Reason> {
        if max == 0 {
            return Ok(());
        }
        self.used[which] = self.used[which].max(used as u64);
        if used >= max {
            self.refused[which] += 1;
        }
        if used >= max / 5 * 4 && now.saturating_sub(self.said[which]) >= SAY_EVERY_MS {
            self.said[which] = now;
            self.used[which] = used as u64;
            let (limit, of) = (NAMES[which], of());
            tracing::warn!(limit, max, used, of, "many series: at the limit new ones are refused");
            return if used >= max { Err(reason(which, max, of)) } else { Ok(()) };
        }
        if used >= max { Err(reason(which, max, of())) } else { Ok(()) }
    }

    fn check_values(
        &mut self,
        metric: &str,
        labels: LabelsRef<'_>,
        index: &Index,
        max: usize,
        now: i64,
    ) -> Result<(), Reason> {
        if max == 0 || (index.series_of(metric) as usize) < max / 8 {
            return Ok(());
        }
        if !self.values.contains_key(metric) {
            let mut values = Values::new();
            index.each_of(metric, |labels| count(&mut values, labels));
            self.values.insert(metric.into(), values);
        }
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            let seen = self.values.get(metric).and_then(|v| v.get(name));
            let Some(seen) = seen.filter(|s| !s.contains_key(&xxh3_64(value.as_bytes()))) else {
                continue;
            };
            let used = seen.len();
            let of = || format!("label {name:?} of metric {metric:?}");
            self.check(3, used, max, now, of)?;
        }
        Ok(())
    }

    /// Takes note of a series that came in.
    pub fn add(&mut self, sid: u32, labels: LabelsRef<'_>, source: &SourceId) {
        let number = match self.source(source) {
            Some(number) => number,
            None if self.sources.len() >= SOURCES_MAX => 0,
            None => {
                let number = self.by_source.len() as u32;
                self.by_source.push((Arc::clone(&source.0), 0));
                self.sources.insert(Arc::clone(&source.0), number);
                number
            }
        };
        self.by_source[number as usize].1 += 1;
        if self.of.len() <= sid as usize {
            self.of.resize(sid as usize + 1, 0);
        }
        self.of[sid as usize] = number;
        if let Some(values) = self.values.get_mut(labels.get(METRIC_NAME).unwrap_or_default()) {
            count(values, labels);
        }
    }

    /// Takes note of a series that is forgotten.
    pub fn remove(&mut self, sid: u32, labels: LabelsRef<'_>) {
        if let Some(number) = self.of.get_mut(sid as usize) {
            let n = &mut self.by_source[std::mem::take(number) as usize].1;
            *n = n.saturating_sub(1);
        }
        let metric = labels.get(METRIC_NAME).unwrap_or_default();
        let Some(values) = self.values.get_mut(metric) else { return };
        let mut left = false;
        for (name, value) in labels.iter() {
            let Some(seen) = values.get_mut(name) else { continue };
            let hash = xxh3_64(value.as_bytes());
            if let Some(n) = seen.get_mut(&hash) {
                *n -= 1;
                if *n == 0 {
                    seen.remove(&hash);
                }
            }
            left |= !seen.is_empty();
        }
        if !left {
            self.values.remove(metric);
        }
    }

    /// Gives back memory that series held which are gone; `sids` numbers are in use at most.
    pub fn shrink(&mut self, sids: usize) {
        self.of.truncate(sids);
        if self.of.capacity() > 2 * sids + 1024 {
            self.of.shrink_to_fit();
        }
        for seen in self.values.values_mut().flat_map(HashMap::values_mut) {
            if seen.capacity() > 4 * seen.len() + 1024 {
                seen.shrink_to(2 * seen.len());
            }
        }
    }

    /// How near the limits are.
    pub fn status(&self, series: usize, limits: SeriesLimits, now: i64) -> Vec<LimitStatus> {
        let max = [limits.series, limits.per_metric, limits.per_source, limits.label_values];
        let one = |i: usize| LimitStatus {
            limit: NAMES[i],
            max: max[i] as u64,
            used: if i == 0 { series as u64 } else { self.used[i] },
            refused: self.refused[i],
            near: max[i] > 0 && now.saturating_sub(self.said[i]) < SAY_EVERY_MS,
        };
        (0..NAMES.len()).map(one).collect()
    }

    /// The sources with the most series, most first.
    pub fn top_sources(&self, n: usize) -> Vec<(String, u64)> {
        let named = self.by_source.iter().filter(|s| s.1 > 0);
        let mut all: Vec<_> = named.map(|(s, n)| (s.to_string(), *n as u64)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(n);
        all
    }

    /// The metrics of which most new series were refused, most first.
    pub fn top_refused(&self, n: usize) -> Vec<(String, u64)> {
        let mut all = self.offenders.counts.clone();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(n);
        all
    }
}

fn count(values: &mut Values, labels: LabelsRef<'_>) {
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        if !values.contains_key(name) {
            values.insert(name.into(), HashMap::with_hasher(Xxh3DefaultBuilder::new()));
        }
        if let Some(seen) = values.get_mut(name) {
            *seen.entry(xxh3_64(value.as_bytes())).or_default() += 1;
        }
    }
}

fn reason(which: usize, max: usize, of: String) -> Reason {
    let (limit, max) = (NAMES[which], max as u64);
    if of.is_empty() {
        Reason::SeriesLimit { limit, max }
    } else {
        Reason::LimitOf { limit, max, of }
    }
}

/// The most frequent of many names in bounded memory.
#[derive(Default)]
struct SpaceSaving {
    counts: Vec<(String, u64)>,
}

impl SpaceSaving {
    fn count(&mut self, name: &str) {
        if let Some((_, n)) = self.counts.iter_mut().find(|(seen, _)| seen == name) {
            *n += 1;
        } else if self.counts.len() < TOP {
            self.counts.push((name.to_owned(), 1));
        } else if let Some(least) = self.counts.iter_mut().min_by_key(|(_, n)| *n) {
            *least = (name.to_owned(), least.1 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::SeriesMeta;
    use plimsoll_model::Labels;

    const NONE: SeriesLimits =
        SeriesLimits { series: 0, per_metric: 0, per_source: 0, label_values: 0 };

    fn push(
        index: &mut Index,
        limiter: &mut Limiter,
        labels: &Labels,
        source: &str,
        limits: SeriesLimits,
    ) -> Result<(), Reason> {
        let (source, sid) = (SourceId::new(source), index.len() as u32);
        limiter.admit(labels.as_ref(), &source, index, sid as usize, limits, 0)?;
        limiter.add(sid, labels.as_ref(), &source);
        index.insert(Arc::new(SeriesMeta { sid, fp: labels.fp(), labels: labels.clone() }));
        Ok(())
    }

    fn labels(metric: &str, a: u32, b: u32) -> Labels {
        let (a, b) = (a.to_string(), b.to_string());
        Labels::new([("__name__", metric), ("a", &a), ("b", &b)]).unwrap()
    }

    #[test]
    fn each_limit_names_what_reached_it() {
        let cases = [
            (SeriesLimits { series: 8, ..NONE }, 8, "store.limits.series = 8"),
            (SeriesLimits { per_metric: 8, ..NONE }, 8, "series_per_metric = 8"),
            (SeriesLimits { per_source: 8, ..NONE }, 8, "series_per_source = 8"),
            (SeriesLimits { label_values: 8, ..NONE }, 8, "label \"b\" of metric \"m\""),
        ];
        for (limits, max, wanted) in cases {
            let (mut index, mut limiter) = (Index::default(), Limiter::default());
            for i in 0..max {
                push(&mut index, &mut limiter, &labels("m", i % 3, i), "s", limits).unwrap();
            }
            let refused = push(&mut index, &mut limiter, &labels("m", 0, 99), "s", limits);
            let said = refused.unwrap_err().to_string();
            assert!(said.contains(wanted), "{said}");
            assert_eq!(limiter.top_refused(9), [("m".to_owned(), 1)]);
            let status = limiter.status(8, limits, 0);
            assert_eq!(status.iter().filter(|s| s.near && s.refused == 1).count(), 1);
        }
    }

    #[test]
    fn values_that_go_make_room_for_others() {
        let limits = SeriesLimits { label_values: 8, ..NONE };
        let (mut index, mut limiter) = (Index::default(), Limiter::default());
        for i in 0..8 {
            push(&mut index, &mut limiter, &labels("m", 0, i), "s", limits).unwrap();
        }
        push(&mut index, &mut limiter, &labels("m", 1, 7), "s", limits).unwrap();
        assert!(push(&mut index, &mut limiter, &labels("m", 0, 8), "s", limits).is_err());
        limiter.remove(0, labels("m", 0, 0).as_ref());
        push(&mut index, &mut limiter, &labels("m", 0, 8), "s", limits).unwrap();
        limiter.remove(8, labels("m", 1, 7).as_ref());
        assert!(push(&mut index, &mut limiter, &labels("m", 0, 9), "s", limits).is_err());
        assert_eq!(limiter.top_sources(1), [("s".to_owned(), 8)]);
    }

    #[test]
    fn the_most_frequent_are_never_missing() {
        let mut top = SpaceSaving::default();
        for i in 0..10_000 {
            top.count(&format!("m{}", if i % 3 == 0 { 0 } else { i }));
        }
        assert_eq!(top.counts.len(), TOP);
        let most = top.counts.iter().max_by_key(|c| c.1).unwrap();
        assert!(most.0 == "m0" && most.1 >= 3_334);
    }
}
