//! Plimsoll's own metrics: one registry, shown at `/metrics` and kept like any target's.
//!
//! Parts implement [`Expose`] and are registered once at start. The text goes through the same
//! reader as a scraped target, so what is stored is what a scrape would have given.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use plimsoll_model::{MetricKind, SampleSink, SourceId, Ticket, Timestamp};
use plimsoll_wire::text::{Format, TextWriter};

use crate::scrape::{Cache, Terms};

/// The job label of own metrics.
pub const JOB: &str = "plimsoll";
/// Samples of the own metrics; the largest part, HTTP routes, has a few hundred.
const SAMPLES_MAX: usize = 20_000;
/// Ticks per second and bytes per page of `/proc/self/stat`.
const TICKS: f64 = 100.0;

/// A part that has metrics.
pub trait Expose: Send + Sync {
    /// Writes its families. Called every few seconds; must not block.
    fn expose(&self, out: &mut TextWriter);
}

/// All parts that have metrics.
#[derive(Default)]
pub struct Registry {
    parts: RwLock<Vec<Arc<dyn Expose>>>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part. Its families must not be those of another part.
    pub fn register(&self, part: Arc<dyn Expose>) {
        self.parts.write().push(part);
    }

    /// Everything as text 0.0.4.
    pub fn text(&self) -> String {
        let mut out = TextWriter::new();
        for part in self.parts.read().iter() {
            part.expose(&mut out);
        }
        out.finish()
    }
}

/// How own metrics are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnConfig {
    /// The `instance` label, such as the listen address.
    pub instance: String,
    /// Time between two collections.
    pub interval: Duration,
}

impl OwnConfig {
    /// Every 15 s.
    pub fn new(instance: &str) -> Self {
        Self { instance: instance.to_owned(), interval: Duration::from_secs(15) }
    }
}

/// Submits own metrics, again and again.
pub struct Own {
    registry: Arc<Registry>,
    source: SourceId,
    terms: Terms,
    cache: Cache,
}

impl Own {
    /// For the parts of `registry`.
    pub fn new(registry: Arc<Registry>, config: &OwnConfig) -> Self {
        let labels = [("instance", config.instance.as_str()), ("job", JOB)];
        let labels = labels.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        let terms = Terms { labels, samples_max: SAMPLES_MAX, ..Terms::default() };
        Self { registry, source: SourceId::new(JOB), terms, cache: Cache::default() }
    }

    /// Submits what all parts expose now.
    ///
    /// # Errors
    /// What is wrong with the text of a part; nothing is submitted then.
    pub fn collect(&mut self, now: Timestamp, sink: &dyn SampleSink) -> Result<Ticket, String> {
        let text = self.registry.text();
        self.cache.absorb(text.as_bytes(), Format::Prometheus, now, &self.terms)?;
        Ok(self.cache.submit(now, &[], &self.source, sink))
    }
}

/// CPU, memory, descriptors and start of this process, under Prometheus' usual names.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessMetrics;

impl Expose for ProcessMetrics {
    fn expose(&self, out: &mut TextWriter) {
        use MetricKind::{Counter, Gauge};
        if let Some(stat) = Stat::read() {
            let help = "CPU time of this process, seconds.";
            out.single("process_cpu_seconds_total", Counter, help, stat.cpu_seconds);
            let help = "Resident memory of this process, bytes.";
            out.single("process_resident_memory_bytes", Gauge, help, stat.resident_bytes);
            let help = "Virtual memory of this process, bytes.";
            out.single("process_virtual_memory_bytes", Gauge, help, stat.virtual_bytes);
            let help = "Threads of this process.";
            out.single("process_threads", Gauge, help, stat.threads);
            let help = "When this process started, seconds since 1970.";
            out.single("process_start_time_seconds", Gauge, help, stat.started);
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            let help = "File descriptors of this process.";
            // One of them is the directory that is being read.
            let n = open.count().saturating_sub(1);
            out.single("process_open_fds", Gauge, help, n as f64);
        }
    }
}

struct Stat {
    cpu_seconds: f64,
    threads: f64,
    started: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        let after = text.get(text.rfind(')')? + 1..)?;
        let fields: Vec<f64> =
            after.split_ascii_whitespace().skip(1).map(|w| w.parse().unwrap_or(0.0)).collect();
        let boot = std::fs::read_to_string("/proc/stat").ok()?;
        let boot = boot.lines().find_map(|l| l.strip_prefix("btime "))?.trim();
        let at = |i: usize| fields.get(i).copied();
        Some(Self {
            cpu_seconds: (at(10)? + at(11)?) / TICKS,
            threads: at(16)?,
            started: boot.parse::<f64>().ok()? + at(18)? / TICKS,
            virtual_bytes: at(19)?,
            resident_bytes: at(20)? * rustix::param::page_size() as f64,
        })
    }
}
