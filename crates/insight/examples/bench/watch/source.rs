//! The load as a source. Reading a sample costs about what decoding one does. What is older than two days
//! is there in buckets of an hour too, as in the store.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::{
    Bucket, Buckets, Caps, Columns, DAY_MS, Fp, HOUR_MS, Hint, Kept, LabelScratch, LabelsRef,
    Matcher, MemorySource, Metadata, MetricKind, ReadCx, Resolution, Result, Scratch, Selection,
    SeriesSource, Snapshot, Tier, TimeRange, Timestamp,
};
use plimsoll_world::Clock;

use super::load::{Day, Series};

/// The load, its samples `every` ms apart, up to now; and what analysis wrote.
#[derive(Clone)]
pub struct Source {
    made: Arc<Made>,
    results: Arc<MemorySource>,
    clock: Arc<dyn Clock>,
}

struct Made {
    all: Vec<Series>,
    fps: Vec<Fp>,
    by_name: HashMap<String, Vec<usize>>,
    day: Day,
    every: i64,
}

struct Chosen {
    of: Arc<Made>,
    some: Vec<usize>,
    now: Timestamp,
    tier: bool,
}

impl Source {
    pub fn new(
        all: Vec<Series>,
        every: i64,
        results: &Arc<MemorySource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, series) in all.iter().enumerate() {
            by_name.entry(series.labels.metric().to_owned()).or_default().push(i);
        }
        let fps = all.iter().map(|s| s.labels.fp()).collect();
        let made = Arc::new(Made { all, fps, by_name, day: Day::new(), every });
        Self { made, results: Arc::clone(results), clock }
    }
}

impl SeriesSource for Source {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(self.clone())
    }
}

impl Snapshot for Source {
    fn caps(&self) -> Caps {
        Caps { tiers: true, pushdown: false }
    }

    fn tiers(&self, _: TimeRange) -> Vec<Tier> {
        vec![Tier(HOUR_MS)]
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>> {
        let of_results = |m: &Matcher| m.name() == "__name__" && m.value().starts_with("plimsoll_");
        if matchers.iter().any(of_results) {
            return self.results.snapshot().select(matchers, hint, cx);
        }
        let made = &self.made;
        let passes = |i: &usize| Matcher::all(matchers, made.all[*i].labels.as_ref());
        let named = |m: &&Matcher| m.name() == "__name__" && made.by_name.contains_key(m.value());
        let some = match matchers.iter().find(named) {
            Some(name) => made.by_name[name.value()].iter().copied().filter(passes).collect(),
            None => (0..made.all.len()).filter(passes).collect(),
        };
        let tier = hint.resolution == Resolution::Tier(Tier(HOUR_MS));
        Ok(Box::new(Chosen { of: Arc::clone(made), some, now: self.clock.wall_ms(), tier }))
    }

    fn metadata(&self, metric: Option<&str>, _: usize, _: &ReadCx) -> Result<Vec<Metadata>> {
        let Some(metric) = metric.filter(|m| self.made.by_name.contains_key(*m)) else {
            return Ok(Vec::new());
        };
        let is_counter = metric.ends_with("_total");
        let kind = if is_counter { MetricKind::Counter } else { MetricKind::Gauge };
        Ok(vec![Metadata { metric: metric.to_owned(), kind, ..Metadata::default() }])
    }
}

impl Selection for Chosen {
    fn len(&self) -> usize {
        self.some.len()
    }

    fn fp(&self, i: usize) -> Fp {
        self.of.fps[self.some[i]]
    }

    fn labels<'a>(&'a self, i: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.of.all[self.some[i]].labels.as_ref()
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        _: &ReadCx,
    ) -> Result<Columns<'a>> {
        let (series, every) = (&self.of.all[self.some[i]], self.of.every);
        scratch.clear();
        let mut t = (range.start + every - 1).div_euclid(every) * every;
        while t <= range.end.min(self.now) {
            scratch.run.times.push(t);
            scratch.run.floats.push(series.value(&self.of.day, t));
            t += every;
        }
        Ok(scratch.columns())
    }

    fn buckets<'a>(
        &'a self,
        i: usize,
        tier: Tier,
        _: Kept,
        range: TimeRange,
        scratch: &'a mut Scratch,
        _: &ReadCx,
    ) -> Result<Option<Buckets<'a>>> {
        if !self.tier || tier != Tier(HOUR_MS) {
            return Ok(None);
        }
        let (series, every) = (&self.of.all[self.some[i]], self.of.every);
        let end = (self.now - 2 * DAY_MS).div_euclid(DAY_MS) * DAY_MS;
        let from = (range.start - 1).div_euclid(HOUR_MS) * HOUR_MS;
        scratch.buckets.clear();
        let mut at = from + HOUR_MS;
        while at <= end.min(range.end) {
            let times = [at - HOUR_MS + every, at];
            let floats = times.map(|t| series.value(&self.of.day, t));
            let count = HOUR_MS / every;
            let two = Bucket::of(&times, &floats, at);
            scratch.buckets.extend(two.map(|b| Bucket {
                count: count as u32,
                sum: b.sum / 2.0 * count as f64,
                ..b
            }));
            at += HOUR_MS;
        }
        let covered = vec![TimeRange::new(from + 1, at - HOUR_MS)];
        Ok(Some(Buckets { covered, buckets: &scratch.buckets, kept: Kept::ALL }))
    }
}
