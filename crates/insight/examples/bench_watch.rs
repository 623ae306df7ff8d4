//! What all of analysis costs: watching, drift, groups, resources and their forecasts, findings, grades,
//! assessments, jobs, checkpoints, over hosts and a service on each.
//!
//!     cargo xtask bench watch [-- SERIES [HOURS [SECONDS BETWEEN SAMPLES]]]
//!
//! Without arguments 2,500 series every 15 s (10,000 metrics a minute) for two hours. The hours are
//! simulated, the work in them is real: the clock goes on while somebody works, as a real one does, and
//! jumps to the next thing that is due. History of any length stands before: it is made up too.
//! Samples come from a source that makes them up as they are read, at about the cost of decoding.

#![allow(clippy::print_stdout, clippy::expect_used)]

#[path = "bench/watch/load.rs"]
mod load;
#[path = "bench/watch/source.rs"]
mod source;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use plimsoll_insight::findings::{Findings, LabelledRow, jobs};
use plimsoll_insight::{Config, Insight, Place, Setup};
use plimsoll_model::{Matcher, MemorySource, SampleSink, SeriesSource};
use plimsoll_query::{Engine, EngineConfig, Features};
use plimsoll_records::{Records, SimRecords};
use plimsoll_world::{Clock, Disk, SimDisk, Workers};

const START: i64 = 1_750_000_200_000;
const PARTS: [&str; 6] = ["watching", "drift", "jobs", "findings", "resources", "checkpoints"];
const JOBS: &str = "jobs:
  - {name: errors, metrics: ['sum by (instance) (rate(http_requests_total{code=\"500\"}[5m]))'], what: anomaly}
  - {name: latency, metrics: ['shop_latency_seconds{handler=\"a\"}'], what: compare, over: 1h, against: 1d}
  - {name: queue, metrics: ['shop_queue_length{handler=\"b\"}'], what: forecast, horizon: 1d, interval: 10m}
  - {name: sessions, metrics: ['sum by (instance) (shop_sessions)'], what: trend}
  - {name: rhythm, metrics: ['sum(rate(http_requests_total[5m]))'], what: season, interval: 1h}
";

/// Simulated time that real work adds to.
struct Both {
    began: Instant,
    ahead_ms: AtomicI64,
}

impl Both {
    fn skip(&self, wait: Duration) {
        let ms = i64::try_from(wait.as_millis()).unwrap_or(0).max(1);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Both {
    fn wall_ms(&self) -> i64 {
        START + i64::try_from(self.mono().as_millis()).unwrap_or(0)
    }

    fn mono(&self) -> Duration {
        let ahead = u64::try_from(self.ahead_ms.load(Ordering::Relaxed)).unwrap_or(0);
        self.began.elapsed() + Duration::from_millis(ahead)
    }
}

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = text.rsplit(')').next().unwrap_or_default();
    let ticks = |n: usize| rest.split_whitespace().nth(n).and_then(|t| t.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

struct Bench {
    clock: Arc<Both>,
    insight: Arc<Insight>,
    findings: Findings,
    longest: [Duration; 2],
    next: [Duration; 2],
}

impl Bench {
    fn new(hosts: usize, every: i64) -> Self {
        let clock = Arc::new(Both { began: Instant::now(), ahead_ms: AtomicI64::new(0) });
        let as_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let results = Arc::new(MemorySource::new());
        let all = load::hosts(hosts);
        let series = all.len() as u64;
        let source = source::Source::new(all, every, &results, Arc::clone(&as_clock));
        let disk = SimDisk::new(1);
        disk.create_dir_all(Path::new("data")).expect("a directory");
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let setup = Setup {
            engine: Arc::new(engine),
            source: Arc::new(source) as Arc<dyn SeriesSource>,
            sink: results as Arc<dyn SampleSink>,
            clock: as_clock,
            records: Some(Arc::new(SimRecords::new()) as Arc<dyn Records>),
            place: Some(Place { disk: Arc::new(disk), data_dir: "data".into() }),
            readers: Vec::new(),
            active_series: Arc::new(move || series),
        };
        let watch = vec![vec![Matcher::equal("job", "shop")]];
        let config = Config { memory: 1 << 30, watch, ..Config::default() };
        let insight = Arc::new(Insight::new(setup, config));
        let jobs = jobs::read_text("jobs", JOBS, &Features::default()).expect("jobs");
        let findings = Findings::new(Arc::clone(&insight), true, jobs);
        let (longest, next) = ([Duration::ZERO; 2], [Duration::ZERO; 2]);
        Self { clock, insight, findings, longest, next }
    }

    /// Lets both threads do what is due for so long; the calls of the two.
    fn run(&mut self, time: Duration) -> [u64; 2] {
        let end = self.clock.mono() + time;
        let mut calls = [0; 2];
        while self.clock.mono() < end {
            let now = self.clock.mono();
            for who in [0, 1] {
                if self.next[who] > now {
                    continue;
                }
                let began = self.clock.mono();
                let wait = if who == 0 { self.insight.tick() } else { self.findings.tick() };
                let ended = self.clock.mono();
                self.longest[who] = self.longest[who].max(ended - began);
                self.next[who] = ended + wait.max(Duration::from_millis(50));
                calls[who] += 1;
                if who == 0 {
                    // News of a tick.
                    self.next[1] = ended;
                }
            }
            let soonest = self.next[0].min(self.next[1]);
            let wait = soonest.saturating_sub(self.clock.mono());
            if wait > Duration::ZERO {
                self.clock.skip(wait);
            }
        }
        calls
    }

    fn seconds(&self, part: &str) -> Option<f64> {
        let rows: Vec<LabelledRow> = self.findings.rows();
        let name = "plimsoll_analysis_part_seconds_total";
        let is = |r: &&LabelledRow| r.0 == name && r.3.iter().any(|l| l.1 == part);
        rows.iter().find(is).map(|r| r.4)
    }

    fn metric(&self, name: &str) -> f64 {
        let rows = self.insight.metrics().rows();
        rows.iter().find(|r| r.0 == name).map_or(f64::NAN, |r| r.3)
    }
}

fn main() {
    let args: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let arg = |i: usize, or: f64| args.get(i).copied().unwrap_or(or);
    let (series, hours, every) = (arg(0, 2_500.0), arg(1, 2.0), arg(2, 15.0));
    let hosts = (series as usize).div_ceil(load::PER_HOST);
    let mut bench = Bench::new(hosts, (every * 1e3) as i64);
    let began = cpu();
    bench.run(Duration::from_secs(1_200));
    let learned = cpu() - began;
    let before = PARTS.map(|part| bench.seconds(part));
    let points = bench.metric("plimsoll_analysis_points_total");
    bench.longest = [Duration::ZERO; 2];
    let began = cpu();
    let calls = bench.run(Duration::from_secs_f64(hours * 3_600.0));
    let took = cpu() - began;
    let share = |seconds: f64| 100.0 * seconds / (hours * 3_600.0);
    let watching = bench.insight.watching();
    println!("series                     {}", hosts * load::PER_HOST);
    println!("samples a minute           {}", (hosts * load::PER_HOST) as f64 * 60.0 / every);
    println!("watched                    {}", watching.series);
    println!("resources                  {}", bench.insight.resources().len());
    println!("simulated hours            {hours}");
    println!("first 20 minutes           {learned:.2} CPU s, learning from six hours included");
    println!("CPU                        {took:.2} s, {:.3} % of a core", share(took));
    for (part, before) in PARTS.iter().zip(before) {
        let Some(now) = bench.seconds(part) else { continue };
        let spent = now - before.unwrap_or(0.0);
        println!("  {part:<24} {spent:.2} s, {:.3} %", share(spent));
    }
    let scored = bench.metric("plimsoll_analysis_points_total") - points;
    println!("points scored              {scored}");
    println!("calls                      {} of analysis, {} of findings", calls[0], calls[1]);
    let ms = bench.longest.map(|d| d.as_secs_f64() * 1e3);
    println!("longest call               {:.0} ms of analysis, {:.0} ms of findings", ms[0], ms[1]);
    let told = bench.metric("plimsoll_analysis_cpu_ratio") * 100.0;
    println!("as the series tells        {told:.3} % (average of the last minutes)");
    println!(
        "round of drift             {} s",
        bench.metric("plimsoll_analysis_trends_round_seconds")
    );
    println!("series that drift          {}", bench.insight.trends().len());
    println!("insights                   {}", bench.findings.insights(None, None, 1_000).0.len());
    println!("set aside                  {}", watching.set_aside.len());
    println!("MiB of detectors (bound)   {:.1}", watching.bytes as f64 / 1_048_576.0);
    println!("MiB resident               {:.0}", resident() / 1_048_576.0);
}
