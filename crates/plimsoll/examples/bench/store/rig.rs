//! What the sections share: stores that are filled by the day, times, lines.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_model::{
    Batch, Canonical, Grid, Labels, ReadCx, Rows, SampleSink, SeriesSource, SourceId,
};
use plimsoll_query::{Answer, Engine, EngineConfig};
use plimsoll_store::{Config, Mode, Store};
use plimsoll_world::{Workers, World};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// Samples of a batch at most.
const BATCH: usize = 500_000;

/// A store that does only what it is told, and keeps everything.
pub fn config() -> Config {
    let long = Duration::from_secs(4_000 * 86_400);
    Config {
        retention: long,
        tier_retention: [long; 2],
        backfill_days: 10_000,
        reserve_bytes: Some(0),
        mode: Mode::Inline,
        ..Config::default()
    }
}

pub fn open(dir: &Path, config: Config) -> Store {
    Store::open(World::real(), dir, config).unwrap()
}

/// Midnight (UTC) three days ago: every day before it has settled.
pub fn settled() -> i64 {
    World::real().clock.wall_ms().div_euclid(DAY) * DAY - 3 * DAY
}

/// Series of one metric and where their values are.
pub struct Fleet {
    pub labels: Vec<Labels>,
    state: Vec<(u64, f64)>,
    counters: bool,
}

impl Fleet {
    pub fn new(metric: &str, series: usize, counters: bool) -> Self {
        let labels = (0..series).map(|i| {
            let (instance, job) = (format!("host-{i:05}:9100"), format!("job-{}", i % 4));
            let pairs = [("__name__", metric), ("instance", &*instance), ("job", &*job)];
            Labels::new(pairs).unwrap()
        });
        let seed = |i: usize| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let state = (0..series).map(|i| (seed(i), (i % 50) as f64)).collect();
        Self { labels: labels.collect(), state, counters }
    }

    /// The next value of a series: a gauge with two decimals that wanders around its mean, or a
    /// counter that follows the time.
    fn next(&mut self, i: usize, time: i64, step: i64) -> f64 {
        let (chance, value) = &mut self.state[i];
        *chance ^= *chance << 13;
        *chance ^= *chance >> 7;
        *chance ^= *chance << 17;
        let unit = (*chance >> 11) as f64 / (1u64 << 53) as f64;
        if self.counters {
            let rate = 10.0 + (i % 97) as f64;
            return (rate / 1e3 * (time as f64 + unit * 0.5 * step as f64)).floor();
        }
        let mean = (i % 50) as f64;
        let next = mean + 0.95 * (*value - mean) + unit - 0.5;
        *value = (next * 100.0).round() / 100.0;
        *value
    }

    /// One sample every `step` in `from..to` of every series.
    pub fn fill(&mut self, store: &Store, from: i64, to: i64, step: i64) {
        let times: Vec<i64> = (from..to).step_by(step as usize).collect();
        let source = SourceId::new("bench");
        let at_once = (BATCH / times.len().max(1)).max(1);
        for first in (0..self.labels.len()).step_by(at_once) {
            let some = first..(first + at_once).min(self.labels.len());
            let columns: Vec<Vec<f64>> = some
                .clone()
                .map(|i| times.iter().map(|t| self.next(i, *t, step)).collect())
                .collect();
            let rows: Vec<Rows<'_>> = self.labels[some]
                .iter()
                .zip(&columns)
                .map(|(l, floats)| row(l.as_ref().as_bytes(), &times, floats))
                .collect();
            submit(store, &source, &rows);
        }
    }
}

pub fn row<'a>(raw: &'a [u8], times: &'a [i64], floats: &'a [f64]) -> Rows<'a> {
    Rows { raw, times, floats, ..Rows::default() }
}

pub fn submit(store: &Store, source: &SourceId, rows: &[Rows<'_>]) {
    store.submit(Batch { source, decode: &Canonical, rows, metadata: &[] }).wait().unwrap();
}

/// Fills days in two halves, so that each has two parts, and merges them; then there are tiers.
pub fn fill_days(store: &Store, fleets: &mut [Fleet], from: i64, days: i64, step: i64) {
    for half in [0, DAY / 2] {
        for day in 0..days {
            let begin = from + day * DAY + half;
            fleets.iter_mut().for_each(|f| f.fill(store, begin, begin + DAY / 2, step));
        }
        store.flush_now().unwrap();
    }
    store.merge_now().unwrap();
    let report = store.maintain().unwrap();
    assert_eq!((report.merged, report.rolled), (0, 0), "everything is merged and rolled up");
}

/// An engine with two threads.
pub fn engine() -> Engine {
    Engine::new(EngineConfig::default(), Arc::new(Workers::new(2)))
}

pub fn instant(engine: &Engine, store: &Store, text: &str, at: i64) -> Answer {
    let cx = ReadCx::with_budget(engine.budget());
    engine.instant(&store.snapshot(), &engine.parse(text).unwrap(), at, &cx).unwrap()
}

pub fn range(engine: &Engine, store: &Store, text: &str, grid: Grid) -> Answer {
    let cx = ReadCx::with_budget(engine.budget());
    engine.range(&store.snapshot(), &engine.parse(text).unwrap(), grid, &cx).unwrap()
}

/// Bytes of the files under a directory.
pub fn bytes_under(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => bytes_under(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Seconds that something took.
pub fn seconds<T>(f: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let out = f();
    (begun.elapsed().as_secs_f64(), out)
}

pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Median of the seconds of so many runs.
pub fn median_of(runs: usize, mut f: impl FnMut()) -> f64 {
    median((0..runs).map(|_| seconds(&mut f).0).collect())
}

/// CPU seconds of this thread; they are counted by the scheduler, about every 4 ms.
pub fn thread_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|w| w.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

pub fn line(what: &str, figure: String, wanted: &str) {
    let wanted = if wanted.is_empty() { String::new() } else { format!("   wanted {wanted}") };
    println!("  {what:<52}{figure:>18}{wanted}");
}
