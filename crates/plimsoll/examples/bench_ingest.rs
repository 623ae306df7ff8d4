//! How fast samples come in by remote write, and what they cost: `cargo xtask bench ingest`.
//!
//! Generates a fleet of hosts as node_exporter shows them (see `bench/fleet.rs`; seeded, so every
//! server gets the same bytes), sends it flat out over four connections that stay within a few
//! minutes of data of each other, then asks for flush and merge. Prints samples per second and per
//! CPU second of the server, bytes per sample on disk and peak memory. `--peers` measures Debian's
//! prometheus and victoria-metrics beside it, where installed.
//!
//! The bodies are held in memory before the clock starts: about 25 bytes a sample.

#![allow(clippy::print_stdout)]

#[path = "bench/fleet.rs"]
mod fleet;
#[path = "../tests/it/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "bench/proc.rs"]
#[allow(dead_code)]
mod proc;
#[path = "bench/server.rs"]
#[allow(dead_code)]
mod server;

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use http::Client;
use server::Server;

/// Connections that send.
const CONNECTIONS: usize = 4;
/// Requests after which the connections wait for each other: five minutes of data at 15 s.
const LAP: usize = 20;

#[derive(Parser)]
struct Args {
    /// Hosts of 100 series each.
    #[arg(long, default_value_t = 100)]
    hosts: usize,
    /// Hours of data.
    #[arg(long, default_value_t = 2.0)]
    hours: f64,
    /// Seconds between two samples of a series.
    #[arg(long, default_value_t = 15)]
    step: i64,
    /// Another seed gives other values.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Debian's prometheus and victoria-metrics too.
    #[arg(long)]
    peers: bool,
}

/// What was measured of one server.
struct Figures {
    name: &'static str,
    load_s: f64,
    load_cpu_s: f64,
    /// With flush and merge.
    all_cpu_s: f64,
    slowest_ms: f64,
    peak_mb: f64,
    disk_bytes: u64,
}

/// A server and how to make it put everything in its final place.
struct Subject {
    name: &'static str,
    start: fn() -> io::Result<Server>,
    settle: &'static [(&'static str, &'static str)],
    /// Directory whose size counts after that.
    counted: &'static str,
}

const PLIMSOLL: Subject = Subject {
    name: "plimsoll",
    start: || server::start_plimsoll(&["--bare", "--retention=unlimited", "--log-level=warn"]),
    settle: &[
        ("POST", "/api/plimsoll/v1/storage/flush"),
        ("POST", "/api/plimsoll/v1/storage/merge"),
    ],
    counted: "data",
};

const PROMETHEUS: Subject = Subject {
    name: "prometheus",
    start: || {
        let config = "storage: {tsdb: {out_of_order_time_window: 30m}}\n";
        let args = [
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
            "--storage.tsdb.retention.time=10y",
            "--log.level=warn",
        ];
        server::start_prometheus(config, &args)
    },
    settle: &[("POST", "/api/v1/admin/tsdb/snapshot")],
    counted: "data/snapshots",
};

const VICTORIA: Subject = Subject {
    name: "victoria-metrics",
    start: || {
        Server::start("/health", |dir, port| {
            let mut command = Command::new("victoria-metrics");
            command.arg(format!("-storageDataPath={}", dir.join("data").display()));
            command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
            command.args(["-retentionPeriod=10y", "-loggerLevel=WARN"]);
            Ok(command)
        })
    },
    settle: &[("GET", "/internal/force_flush"), ("GET", "/internal/force_merge")],
    counted: "data",
};

fn main() -> io::Result<()> {
    let args = Args::parse();
    let step_ms = args.step.max(1) * 1000;
    let steps = (args.hours * 3_600_000.0 / step_ms as f64) as usize;
    let samples = (args.hosts * fleet::SERIES * steps) as u64;
    println!(
        "{} hosts x {} series, every {} s, {} h: {samples} samples, seed {}, {CONNECTIONS} connections",
        args.hosts,
        fleet::SERIES,
        args.step,
        args.hours,
        args.seed,
    );
    let work = generate(&args, steps, step_ms);
    let bytes: usize = work.iter().flatten().map(Vec::len).sum();
    println!("{:.1} MB on the wire, {:.1} bytes a sample", mb(bytes as u64), per(bytes, samples));
    let mut subjects = vec![PLIMSOLL];
    if args.peers {
        for peer in [PROMETHEUS, VICTORIA] {
            if server::installed(peer.name) {
                subjects.push(peer);
            } else {
                println!("skipped: {} is not installed", peer.name);
            }
        }
    }
    let mut all = Vec::new();
    for subject in &subjects {
        all.push(measure(subject, &work)?);
    }
    print(&all, samples);
    Ok(())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn per(bytes: usize, samples: u64) -> f64 {
    bytes as f64 / samples.max(1) as f64
}

/// The bodies of each connection, generated on as many threads.
fn generate(args: &Args, steps: usize, step_ms: i64) -> Vec<Vec<Vec<u8>>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let from = now_ms - (steps as i64 + 2) * step_ms;
    let share = args.hosts.div_ceil(CONNECTIONS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|i| {
                let hosts = (i * share).min(args.hosts)..((i + 1) * share).min(args.hosts);
                scope.spawn(move || fleet::bodies(hosts, steps, step_ms, from, args.seed))
            })
            .collect();
        let done = |t: std::thread::ScopedJoinHandle<'_, _>| t.join().expect("it does not panic");
        threads.into_iter().map(done).collect()
    })
}

fn measure(subject: &Subject, work: &[Vec<Vec<u8>>]) -> io::Result<Figures> {
    let server = (subject.start)()?;
    let cpu = proc::cpu_seconds(server.pid());
    let begun = Instant::now();
    let slowest = send_all(server.port, work)?;
    let load_s = begun.elapsed().as_secs_f64();
    let load_cpu_s = proc::cpu_seconds(server.pid()) - cpu;
    for (method, path) in subject.settle {
        let mut client = Client::new(server.port);
        let answer = match *method {
            "GET" => client.get(path)?,
            _ => client.post(path, &[], &[])?,
        };
        if answer.status >= 300 {
            println!("{}: {path} was answered {}: {}", subject.name, answer.status, answer.text());
        }
    }
    quiet(server.pid());
    Ok(Figures {
        name: subject.name,
        load_s,
        load_cpu_s,
        all_cpu_s: proc::cpu_seconds(server.pid()) - cpu,
        slowest_ms: slowest.as_secs_f64() * 1e3,
        peak_mb: proc::peak_rss_mb(server.pid()),
        disk_bytes: size_of(&server.dir.path().join(subject.counted)),
    })
}

/// Sends all work, a thread a connection; the time of the slowest request.
fn send_all(port: u16, work: &[Vec<Vec<u8>>]) -> io::Result<Duration> {
    let barrier = Barrier::new(work.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = work
            .iter()
            .map(|bodies| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut client = Client::new(port);
                    let mut outcome = Ok(Duration::ZERO);
                    for (i, body) in bodies.iter().enumerate() {
                        if i % LAP == 0 {
                            barrier.wait();
                        }
                        if let Ok(slowest) = outcome {
                            outcome = send(&mut client, body).map(|took| took.max(slowest));
                        }
                    }
                    outcome
                })
            })
            .collect();
        let mut slowest = Duration::ZERO;
        for thread in threads {
            slowest = slowest.max(thread.join().expect("it does not panic")?);
        }
        Ok(slowest)
    })
}

fn send(client: &mut Client, body: &[u8]) -> io::Result<Duration> {
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    let begun = Instant::now();
    let answer = client.post("/api/v1/write", &headers, body)?;
    if answer.status >= 300 {
        return Err(io::Error::other(format!("answered {}: {}", answer.status, answer.text())));
    }
    Ok(begun.elapsed())
}

/// Waits until the server does next to nothing for a second, at most a minute.
fn quiet(pid: u32) {
    for _ in 0..60 {
        let before = proc::cpu_seconds(pid);
        std::thread::sleep(Duration::from_secs(1));
        if proc::cpu_seconds(pid) - before < 0.05 {
            return;
        }
    }
}

/// Bytes of all files below a directory, without the space that Plimsoll keeps for a full disk.
fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(_) if entry.file_name() == "RESERVE" => 0,
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn print(all: &[Figures], samples: u64) {
    println!(
        "{:<18}{:>12}{:>16}{:>16}{:>12}{:>12}{:>10}",
        "", "samples/s", "per CPU s, load", "and settled", "bytes/smp", "peak MB", "slowest"
    );
    for f in all {
        println!(
            "{:<18}{:>12.0}{:>16.0}{:>16.0}{:>12.3}{:>12.1}{:>7.0} ms",
            f.name,
            samples as f64 / f.load_s,
            samples as f64 / f.load_cpu_s,
            samples as f64 / f.all_cpu_s,
            f.disk_bytes as f64 / samples as f64,
            f.peak_mb,
            f.slowest_ms,
        );
    }
}
