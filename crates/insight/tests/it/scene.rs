//! A host in memory whose metrics the tests make up, sample by sample.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_insight::{Config, Insight, Setup};
use plimsoll_model::{
    Hint, LabelScratch, Labels, Matcher, MemorySource, ReadCx, SeriesSource, TimeRange,
};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_records::{Records, SimRecords};
use plimsoll_world::{Chance, Clock, SeededChance, SimClock, Workers};

/// Time of the first sample.
pub const START: i64 = 1_750_000_000_000;
/// Time between samples, ms.
pub const EVERY: i64 = 5_000;

/// A host and what watches it.
pub struct Scene {
    pub source: Arc<MemorySource>,
    pub clock: Arc<SimClock>,
    pub records: Arc<SimRecords>,
    pub insight: Arc<Insight>,
    chance: SeededChance,
}

impl Scene {
    pub fn new(config: Config) -> Self {
        let source = Arc::new(MemorySource::new());
        let clock = Arc::new(SimClock::at(START));
        let records = Arc::new(SimRecords::new());
        let insight = Arc::new(Insight::new(setup(&source, &clock, &records), config));
        Self { source, clock, records, insight, chance: SeededChance::new(7) }
    }

    /// Another process on what this one left.
    pub fn restart(&mut self, config: Config) {
        let setup = setup(&self.source, &self.clock, &self.records);
        self.insight = Arc::new(Insight::new(setup, config));
    }

    pub fn now(&self) -> i64 {
        self.clock.wall_ms()
    }

    /// A sample of now.
    pub fn put(&self, metric: &str, labels: &[(&str, &str)], value: f64) {
        let all = [("__name__", metric), ("job", "host"), ("instance", "h")];
        let labels =
            Labels::new(all.into_iter().chain(labels.iter().copied())).expect("good labels");
        self.source.append(&labels, self.now(), value);
    }

    /// Lets five seconds pass and what is due be done.
    pub fn step(&self) {
        self.insight.tick();
        self.clock.advance(Duration::from_millis(EVERY as u64));
    }

    /// Roughly normal, mean 0, deviation 1.
    pub fn noise(&self) -> f64 {
        let uniform = || (self.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    /// All samples of the series of a metric that have these labels.
    pub fn read(&self, metric: &str, labels: &[(&str, &str)]) -> Vec<(i64, f64)> {
        let mut matchers = vec![Matcher::equal("__name__", metric)];
        matchers.extend(labels.iter().map(|(n, v)| Matcher::equal(n, v)));
        let cx = ReadCx::unlimited();
        let snapshot = self.source.snapshot();
        let found = snapshot.select(&matchers, &Hint::default(), &cx).expect("readable");
        let (mut names, mut scratch) = (LabelScratch::default(), Default::default());
        let mut all = Vec::new();
        for i in 0..found.len() {
            let _ = found.labels(i, &mut names);
            let read = found.read(i, TimeRange::ALL, &mut scratch, &cx).expect("readable");
            all.extend(read.times.iter().copied().zip(read.floats.iter().copied()));
        }
        all
    }
}

fn setup(source: &Arc<MemorySource>, clock: &Arc<SimClock>, records: &Arc<SimRecords>) -> Setup {
    let count = Arc::clone(source);
    Setup {
        engine: Arc::new(Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)))),
        source: Arc::clone(source) as Arc<dyn SeriesSource>,
        sink: Arc::clone(source) as _,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        records: Some(Arc::clone(records) as Arc<dyn Records>),
        active_series: Arc::new(move || count.series_count() as u64),
    }
}
