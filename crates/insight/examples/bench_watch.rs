//! What watching costs: ten thousand series (or as many as the first argument says) for a simulated day, all
//! in: selecting, reading, reducing, detecting, groups, trends, writing of scores, checkpoints.
//!
//!     cargo run --release -p plimsoll-insight --example bench_watch -- 10000
//!
//! Samples come every 15 s from a source that makes them up as they are read, so its cost is that of a
//! hash a sample; reading from the store is measured by the test `analysis` of `plimsoll`.

#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plimsoll_insight::{Config, Insight, Place, Setup};
use plimsoll_model::{
    Appended, Batch, Columns, DAY_MS, Fp, Hint, LabelScratch, Labels, LabelsRef, Matcher, Metadata,
    MetricKind, ReadCx, Result, SampleSink, Scratch, Selection, SeriesSource, Snapshot, Ticket,
    TimeRange, Timestamp,
};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_world::{Clock, Disk, SimClock, SimDisk, Workers};

const EVERY: i64 = 15_000;
const START: i64 = 1_750_000_200_000;

/// Series by number; the odd ones are counters.
struct Made {
    all: Vec<(Fp, Labels)>,
    by_name: HashMap<String, usize>,
}

#[derive(Clone)]
struct Source(Arc<Made>);

struct Chosen {
    of: Arc<Made>,
    some: Option<Vec<usize>>,
}

fn noise(i: usize, t: i64) -> f64 {
    let mut x = ((i as u64) << 40) ^ t as u64;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn value(i: usize, t: Timestamp) -> f64 {
    let day = (t as f64 / DAY_MS as f64 * std::f64::consts::TAU).sin();
    if i % 2 == 1 {
        t as f64 / 1e3 * 4.0 + noise(i, t) * 20.0
    } else {
        50.0 + 10.0 * day + noise(i, t)
    }
}

impl SeriesSource for Source {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(self.clone())
    }
}

impl Snapshot for Source {
    fn select(&self, matchers: &[Matcher], _: &Hint<'_>, _: &ReadCx) -> Result<Box<dyn Selection>> {
        let name = matchers.iter().find(|m| m.name() == "__name__");
        let some = name.map(|m| self.0.by_name.get(m.value()).copied().into_iter().collect());
        Ok(Box::new(Chosen { of: Arc::clone(&self.0), some }))
    }

    fn metadata(&self, metric: Option<&str>, _: usize, _: &ReadCx) -> Result<Vec<Metadata>> {
        let Some(i) = metric.and_then(|m| self.0.by_name.get(m)) else { return Ok(Vec::new()) };
        let kind = if i % 2 == 1 { MetricKind::Counter } else { MetricKind::Gauge };
        let metric = metric.unwrap_or_default().to_owned();
        Ok(vec![Metadata { metric, kind, ..Metadata::default() }])
    }
}

impl Chosen {
    fn at(&self, i: usize) -> usize {
        self.some.as_ref().map_or(i, |some| some[i])
    }
}

impl Selection for Chosen {
    fn len(&self) -> usize {
        self.some.as_ref().map_or(self.of.all.len(), Vec::len)
    }

    fn fp(&self, i: usize) -> Fp {
        self.of.all[self.at(i)].0
    }

    fn labels<'a>(&'a self, i: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.of.all[self.at(i)].1.as_ref()
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        _: &ReadCx,
    ) -> Result<Columns<'a>> {
        let i = self.at(i);
        scratch.clear();
        let mut t = (range.start + EVERY - 1).div_euclid(EVERY) * EVERY;
        while t <= range.end {
            scratch.run.times.push(t);
            scratch.run.floats.push(value(i, t));
            t += EVERY;
        }
        Ok(scratch.columns())
    }
}

#[derive(Default)]
struct Sink(AtomicU64);

impl SampleSink for Sink {
    fn submit(&self, batch: Batch<'_>) -> Ticket {
        self.0.fetch_add(batch.rows.len() as u64, Ordering::Relaxed);
        Ticket::ready(Ok(Appended::default()))
    }
}

fn main() {
    let series: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let labels = |i: usize| {
        let (metric, instance) = (format!("m{i}"), format!("i{}", i % 40));
        let pairs = [("__name__", &*metric), ("job", "host"), ("instance", &*instance)];
        Labels::new(pairs).expect("labels")
    };
    let all: Vec<(Fp, Labels)> = (0..series).map(labels).map(|l| (l.fp(), l)).collect();
    let by_name = (0..series).map(|i| (format!("m{i}"), i)).collect();
    let source = Source(Arc::new(Made { all, by_name }));
    let (sink, clock) = (Arc::new(Sink::default()), Arc::new(SimClock::at(START)));
    let disk = SimDisk::new(1);
    disk.create_dir_all(&PathBuf::from("data")).expect("a directory");
    let setup = Setup {
        engine: Arc::new(Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)))),
        source: Arc::new(source),
        sink: Arc::clone(&sink) as Arc<dyn SampleSink>,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        records: None,
        place: Some(Place { disk: Arc::new(disk), data_dir: "data".into() }),
        readers: Vec::new(),
        active_series: Arc::new(move || series as u64),
    };
    let config = Config { memory: 4 << 30, ..Config::default() };
    let insight = Insight::new(setup, config);
    let began = Instant::now();
    insight.tick();
    let learned = began.elapsed();
    let (mut worst, mut busy, mut alarms) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..1_440 {
        clock.advance(Duration::from_secs(60));
        let began = Instant::now();
        insight.tick();
        let took = began.elapsed();
        worst = worst.max(took);
        busy += took;
        alarms += insight.anomalies().iter().filter(|a| a.score >= 0.5).count();
    }
    let watching = insight.watching();
    let points = (watching.series * 1_440) as f64;
    let mut out = String::new();
    out += &format!("series watched            {}\n", watching.series);
    out += &format!("learning six hours        {:.2} s\n", learned.as_secs_f64());
    out +=
        &format!("per series and point      {:.2} us, all in\n", busy.as_secs_f64() * 1e6 / points);
    out += &format!("share of a core           {:.3} %\n", busy.as_secs_f64() / 864.0);
    out += &format!("longest tick              {:.0} ms\n", worst.as_secs_f64() * 1e3);
    out +=
        &format!("bytes per series (bound)  {}\n", watching.bytes / watching.series.max(1) as u64);
    out += &format!("samples written           {}\n", sink.0.load(Ordering::Relaxed));
    out += &format!("alarms shown, over ticks  {alarms}\n");
    print!("{out}");
}
