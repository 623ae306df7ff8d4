//! What parts cost: bytes by section, and time per sample of flush and merge, on three kinds of data.
//! `cargo run --release -p plimsoll-store --example part_sizes [fleet|month|churn]`.
//!
//! * fleet: hosts with 100 series each, a day at 15 s, flushed every half hour and merged
//! * month: 20 series a host, days flushed in three pieces and merged
//! * churn: pods that live for 40 samples, 100 series each, flushed once and merged
//!
//! Everything is drawn from a fixed seed and kept in a simulated disk, so that sizes repeat exactly.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{Cancel, Columns, Labels, TimeRange};
use plimsoll_store::PageCache;
use plimsoll_store::merge::merge_parts;
use plimsoll_store::part::{Level, PartReader, PartSpec, PartWriter, SeqRange, SeriesIn};
use plimsoll_world::{Disk, SimDisk};

const START_MS: i64 = 1_763_683_200_000;
const DAY_SAMPLES: usize = 5760;
/// How often a short window of all series is read.
const WINDOWS: u32 = 30;

/// CPU time of this thread: the machine may be busy with other work.
struct Cpu(u64);

impl Cpu {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Self(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Self::now().0 - self.0)
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About a standard normal.
    fn normal(&mut self) -> f64 {
        (0..4).map(|_| self.unit()).sum::<f64>().mul_add(1.732, -3.464)
    }
}

/// How values of a series come about.
#[derive(Clone, Copy)]
enum Kind {
    Counter { mean: f64, unit: f64 },
    Centi { mean: f64 },
    Gauge { mean: f64, sd: f64, scale: f64 },
    Slow { start: f64, p: f64, step: f64, unit: f64 },
    Sum,
    Constant,
}

impl Kind {
    fn column(self, n: usize, r: &mut Random) -> Vec<f64> {
        let spread = 0.5 + r.unit();
        let mut load = 0.5f64;
        let mut v = match self {
            Self::Counter { mean, unit } => (r.unit() * mean * 40_000.0 / unit).floor() * unit,
            Self::Centi { .. } => (r.unit() * 1e8).floor(),
            Self::Gauge { mean, .. } => mean * spread,
            Self::Slow { start, unit, .. } => (start * spread / unit).floor() * unit,
            Self::Sum => 0.0,
            Self::Constant => 2.0,
        };
        let mut step = || {
            load = (load + 0.04 * (0.5 - load) + 0.035 * r.normal()).clamp(0.03, 0.95);
            match self {
                Self::Counter { mean, unit } => {
                    let more = mean * spread * load * 1.6 * (0.35 * r.normal()).exp();
                    v += (more / unit + r.unit()).floor() * unit;
                    v
                }
                Self::Centi { mean } => {
                    v += (mean * load * (1.0 + 0.3 * r.normal()).max(0.0) + r.unit()).floor();
                    v / 100.0
                }
                Self::Gauge { mean, sd, scale } => {
                    let m = mean * spread * (1.0 + 0.5 * (load - 0.5));
                    v = m + 0.9 * (v - m) + sd * 0.45 * r.normal();
                    (v.max(0.0) * scale).round() / scale
                }
                Self::Slow { p, step, unit, .. } => {
                    if r.unit() < p {
                        v = (v + (step * r.normal() / unit).round() * unit).max(0.0);
                    }
                    v
                }
                Self::Sum => {
                    v += load * 11.0 * (1.0 + 0.1 * r.normal());
                    v
                }
                Self::Constant => v,
            }
        };
        (0..n).map(|_| step()).collect()
    }
}

fn host_kinds() -> Vec<(&'static str, usize, Kind)> {
    let gauge = |mean, sd, scale| Kind::Gauge { mean, sd, scale };
    let counter = |mean, unit| Kind::Counter { mean, unit };
    vec![
        ("node_cpu_seconds_total", 8, Kind::Centi { mean: 15.0 }),
        ("node_cpu_busy_seconds_total", 8, Kind::Centi { mean: 700.0 }),
        ("node_network_bytes_total", 4, counter(3.0e7, 1.0)),
        ("node_network_packets_total", 4, counter(36_000.0, 1.0)),
        ("node_disk_read_bytes_total", 2, counter(3.0e6, 512.0)),
        ("node_disk_written_bytes_total", 2, counter(9.0e6, 4096.0)),
        ("http_request_duration_seconds_bucket", 11, counter(120.0, 1.0)),
        ("http_request_duration_seconds_sum", 1, Kind::Sum),
        ("node_load", 3, gauge(1.0, 0.1, 100.0)),
        ("node_hwmon_temp_celsius", 14, gauge(52.0, 0.8, 100.0)),
        ("app_latency_ms", 12, gauge(38.0, 4.0, 1000.0)),
        ("node_power_watts", 6, gauge(95.0, 2.5, 100.0)),
        ("app_queue_wait_ms", 6, gauge(7.5, 1.1, 1000.0)),
        (
            "node_filesystem_avail_bytes",
            8,
            Kind::Slow { start: 8e10, p: 0.3, step: 2e6, unit: 4096.0 },
        ),
        ("node_sockets", 6, Kind::Slow { start: 240.0, p: 0.4, step: 4.0, unit: 1.0 }),
        ("node_memory_MemTotal_bytes", 5, Kind::Constant),
    ]
}

type Series = (Labels, Arc<Vec<i64>>, Vec<f64>);

fn sorted(mut all: Vec<Series>) -> Vec<Series> {
    all.sort_by(|a, b| a.0.as_ref().as_bytes().cmp(b.0.as_ref().as_bytes()));
    all
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("names are distinct and short")
}

fn times(n: usize, r: &mut Random) -> Arc<Vec<i64>> {
    let phase = (r.unit() * 14_000.0) as i64;
    Arc::new(
        (0..n as i64).map(|i| START_MS + 15_000 * i + phase + (r.unit() * 8.0) as i64).collect(),
    )
}

fn hosts(count: usize, take: usize, r: &mut Random) -> Vec<Series> {
    let mut all = Vec::new();
    for h in 0..count {
        let times = times(DAY_SAMPLES, r);
        let instance = format!("host-{h:03}:9100");
        let dc = format!("dc{}", h % 4);
        for (name, copies, kind) in host_kinds() {
            for i in 0..copies.div_ceil(take) {
                let device = format!("dev{i}");
                let l = [
                    ("__name__", name),
                    ("dc", &dc),
                    ("device", &device),
                    ("env", "prod"),
                    ("instance", &instance),
                    ("job", "node"),
                ];
                all.push((labels(&l), Arc::clone(&times), kind.column(DAY_SAMPLES, r)));
            }
        }
    }
    sorted(all)
}

fn pods(count: usize, r: &mut Random) -> Vec<Series> {
    let mut all = Vec::new();
    for p in 0..count {
        let times: Arc<Vec<i64>> =
            Arc::new(times(40, r).iter().map(|t| t + 15_000 * (p as i64 / 5)).collect());
        let dep = p % 40;
        let id = r.next();
        let pod = format!("app{dep:02}-{:08x}-{:05x}", (id >> 32) & 0xffff_f000, id & 0xf_ffff);
        let (container, namespace) = (format!("app{dep:02}"), format!("ns{}", dep % 8));
        let node = format!("k8s-{:02}", p % 20);
        for i in 0..100 {
            let (q, idx) = (i % 20, (i / 20).to_string());
            let (name, kind) = match q {
                0..=7 => (
                    format!("container_c{q}_total"),
                    Kind::Counter { mean: 900.0 * 7f64.powi(q % 4), unit: 1.0 },
                ),
                8..=15 => (
                    format!("container_g{q}"),
                    Kind::Gauge { mean: 40.0, sd: 3.0, scale: 10f64.powi(2 + q % 2) },
                ),
                16..=18 => (
                    format!("container_i{q}_bytes"),
                    Kind::Slow { start: 3e8, p: 0.4, step: 4e5, unit: 4096.0 },
                ),
                _ => ("container_spec_limit".to_owned(), Kind::Constant),
            };
            let l = [
                ("__name__", name.as_str()),
                ("container", &container),
                ("idx", &idx),
                ("job", "kubelet"),
                ("namespace", &namespace),
                ("node", &node),
                ("pod", &pod),
            ];
            all.push((labels(&l), Arc::clone(&times), kind.column(40, r)));
        }
    }
    sorted(all)
}

fn path(uuid: u128) -> PathBuf {
    PathBuf::from(format!("/{uuid}.plm"))
}

fn spec(uuid: u128, level: Level) -> PartSpec {
    PartSpec { uuid, tier: None, level, created: START_MS }
}

fn fail(e: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::other(e.to_string())
}

/// Bytes of each section, from the table at the end of the file.
fn sections(bytes: &[u8]) -> BTreeMap<&'static str, u64> {
    let number = |at: usize, len: usize| {
        let mut b = [0u8; 8];
        b[..len].copy_from_slice(&bytes[at..at + len]);
        u64::from_le_bytes(b)
    };
    let at = bytes.len() - number(bytes.len() - 12, 4) as usize;
    let name = |kind| match kind {
        1 => "Data",
        2 => "TsCols",
        3 => "StCols",
        4 => "Hist",
        5 => "Exm",
        6 | 11 => "Series",
        7 => "Terms",
        8 => "Postings",
        9 => "Sums",
        _ => "other",
    };
    (0..number(at, 4) as usize)
        .map(|i| at + 4 + 32 * i)
        .map(|at| (name(number(at, 2)), number(at + 16, 8)))
        .collect()
}

fn report(
    what: &str,
    disk: &SimDisk,
    at: &Path,
    samples: u64,
    took: Duration,
) -> std::io::Result<()> {
    let bytes = disk.contents(at).unwrap_or_default();
    let mut out = std::io::stdout();
    let per = bytes.len() as f64 / samples as f64;
    let ns = took.as_nanos() as f64 / samples as f64;
    write!(out, "{what:14} {per:6.3} B/sample {ns:6.1} ns/sample |")?;
    for (name, len) in sections(&bytes) {
        write!(out, " {name} {:.3}", len as f64 / samples as f64)?;
    }
    writeln!(out)
}

fn open(disk: &SimDisk, at: &Path) -> std::io::Result<Arc<PartReader>> {
    let cache = Arc::new(PageCache::new(256 << 20));
    PartReader::open(disk, at, cache).map(Arc::new).map_err(fail)
}

/// Flushes pieces of `piece` samples, merges them, reads all back.
fn run(what: &str, all: &[Series], piece: usize) -> std::io::Result<()> {
    let disk = SimDisk::new(1);
    let n = all.first().map_or(0, |s| s.2.len());
    let (mut inputs, mut took, mut samples) = (Vec::new(), Duration::ZERO, 0);
    for (i, from) in (0..n).step_by(piece).enumerate() {
        let at = path(i as u128);
        let started = Cpu::now();
        let mut writer =
            PartWriter::create(&disk, &at, spec(i as u128, Level::Flush)).map_err(fail)?;
        for (labels, times, values) in all {
            let cut = from..(from + piece).min(n);
            let samples = Columns::plain(&times[cut.clone()], &values[cut]);
            let seq = SeqRange::new(1000 * i as u64, 1000 * i as u64 + 900);
            writer.add(&SeriesIn { labels: labels.as_ref(), samples, seq }).map_err(fail)?;
        }
        let info = writer.finish(&disk).map_err(fail)?;
        took += started.elapsed();
        samples += info.map_or(0, |i| i.samples);
        inputs.push(open(&disk, &at)?.into());
    }
    let parts = inputs.len() as u64;
    report(&format!("{what} flush"), &disk, &path(0), samples / parts, took / parts as u32)?;
    let started = Cpu::now();
    let out = PartWriter::create(&disk, &path(99), spec(99, Level::Day)).map_err(fail)?;
    let done = merge_parts(&disk, &inputs, out, TimeRange::ALL, &Cancel::new()).map_err(fail)?;
    report(&format!("{what} merge"), &disk, &path(99), done.read, started.elapsed())?;
    let part = open(&disk, &path(99))?;
    let (mut run, mut read) = (plimsoll_model::Run::new(), 0);
    let started = Cpu::now();
    for ordinal in 0..part.series() {
        run.clear();
        part.read(ordinal, TimeRange::ALL, &mut run).map_err(fail)?;
        read += run.len();
    }
    let whole = started.elapsed().as_nanos() as f64 / read as f64;
    let window = TimeRange::new(START_MS + 43_200_000, START_MS + 43_500_000);
    let started = Cpu::now();
    for ordinal in (0..WINDOWS).flat_map(|_| 0..part.series()) {
        run.clear();
        part.read(ordinal, window, &mut run).map_err(fail)?;
    }
    let five = started.elapsed().as_nanos() as f64 / f64::from(WINDOWS * part.series());
    let mut out = std::io::stdout();
    writeln!(out, "{what:8} read {whole:.2} ns/sample; five minutes of a series {five:.0} ns")?;
    disk.remove(&path(99))
}

fn main() -> std::io::Result<()> {
    let which = std::env::args().nth(1).unwrap_or_default();
    let mut r = Random(42);
    let wanted = |name: &str| which.is_empty() || which == name;
    if wanted("fleet") {
        run("fleet", &hosts(12, 1, &mut r), 120)?;
    }
    if wanted("month") {
        run("month", &hosts(20, 6, &mut r), 1920)?;
    }
    if wanted("churn") {
        run("churn", &pods(1500, &mut r), 40)?;
    }
    Ok(())
}
