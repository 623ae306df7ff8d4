//! A host in memory whose metrics the tests make up, sample by sample.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_insight::{Config, Insight, Place, Setup, WatchSource};
use plimsoll_model::{
    Hint, LabelScratch, Labels, Matcher, MemorySource, ReadCx, SeriesSource, TimeRange,
};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_records::{Records, SimRecords};
use plimsoll_world::{Chance, Clock, Disk, SeededChance, SimClock, SimDisk, Workers};

/// Time of the first sample.
pub const START: i64 = 1_750_000_000_000;
/// Time between samples, ms.
pub const EVERY: i64 = 5_000;

/// A host and what watches it.
pub struct Scene {
    pub source: Arc<MemorySource>,
    pub clock: Arc<SimClock>,
    pub records: Arc<SimRecords>,
    pub disk: SimDisk,
    pub insight: Arc<Insight>,
    chance: SeededChance,
}

impl Scene {
    pub fn new(config: Config) -> Self {
        Self::with(config, Vec::new(), |clock| clock)
    }

    /// With readers of series, and with another clock over the one that is moved by hand.
    pub fn with(
        config: Config,
        readers: Vec<Arc<dyn WatchSource>>,
        over: impl Fn(Arc<dyn Clock>) -> Arc<dyn Clock>,
    ) -> Self {
        let source = Arc::new(MemorySource::new());
        let clock = Arc::new(SimClock::at(START));
        let records = Arc::new(SimRecords::new());
        let disk = SimDisk::new(1);
        disk.create_dir_all(Path::new("data")).expect("a directory");
        let over = over(Arc::clone(&clock) as Arc<dyn Clock>);
        let setup = setup(&source, over, &records, &disk);
        let insight = Arc::new(Insight::new(Setup { readers, ..setup }, config));
        Self { source, clock, records, disk, insight, chance: SeededChance::new(7) }
    }

    /// Another process on what this one left.
    pub fn restart(&mut self, config: Config) {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let setup = setup(&self.source, clock, &self.records, &self.disk);
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

fn setup(
    source: &Arc<MemorySource>,
    clock: Arc<dyn Clock>,
    records: &Arc<SimRecords>,
    disk: &SimDisk,
) -> Setup {
    let count = Arc::clone(source);
    Setup {
        engine: Arc::new(Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)))),
        source: Arc::clone(source) as Arc<dyn SeriesSource>,
        sink: Arc::clone(source) as _,
        clock,
        records: Some(Arc::clone(records) as Arc<dyn Records>),
        place: Some(Place { disk: Arc::new(disk.clone()), data_dir: "data".into() }),
        readers: Vec::new(),
        active_series: Arc::new(move || count.series_count() as u64),
    }
}
