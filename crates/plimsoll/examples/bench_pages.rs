//! How long a page takes from the sample to the webhook: `cargo xtask bench pages`.
//!
//! Breaches happen one by one at even distances while other samples come in by remote write; each makes an
//! alert of its own, told in a message of its own. The time runs from the moment before the request that
//! brings the sample is sent to the moment at which the webhook has read the message. Plimsoll and
//! Debian's prometheus with prometheus-alertmanager take turns, both with rules every second and without
//! waiting for more alerts of a group; `--alone` leaves the peers out.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/it/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "../tests/it/listener.rs"]
#[allow(dead_code)]
mod listener;
#[path = "../tests/it/load.rs"]
#[allow(dead_code)]
mod load;
#[path = "bench/proc.rs"]
#[allow(dead_code)]
mod proc;
#[path = "bench/server.rs"]
#[allow(dead_code)]
mod server;

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use http::Client;
use listener::Webhook;
use load::{Chance, labels, now_ms};
use plimsoll_wire::remote_write::Encoder;
use server::Server;

/// Requests a second that bring the other samples.
const REQUESTS: u64 = 10;
/// How long to wait for the last pages.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two times that all levels are sent again, lest they become stale.
const AGAIN: Duration = Duration::from_secs(20);

const RULES: &str = "groups:\n- name: pages\n  interval: 1s\n  rules:\n  - alert: LevelHigh\n    expr: page_level > 0.5\n    labels: {severity: page}\n    annotations: {summary: 'level of {{ $labels.breach }} is {{ $value }}'}\n";

#[derive(Parser)]
struct Args {
    /// Breaches of each server.
    #[arg(long, default_value_t = 1_000)]
    breaches: usize,
    /// Breaches a second.
    #[arg(long, default_value_t = 10)]
    rate: usize,
    /// Turns into which they are divided.
    #[arg(long, default_value_t = 4)]
    turns: usize,
    /// Other samples a second.
    #[arg(long, default_value_t = 25_000)]
    samples: u64,
    /// Without the peers.
    #[arg(long)]
    alone: bool,
}

/// A server, or two that belong together, and who hears of its alerts.
struct Subject {
    name: &'static str,
    servers: Vec<Server>,
    hook: Webhook,
    chance: Chance,
    /// The levels as they are.
    levels: Vec<f64>,
    /// When the breaches were sent.
    sent: Vec<Instant>,
    sent_again: Instant,
    cpu_s: f64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let mut subjects = vec![plimsoll(args.breaches)?];
    if !args.alone {
        subjects.push(peers(args.breaches)?);
    }
    for subject in &mut subjects {
        subject.send_levels()?;
    }
    std::thread::sleep(Duration::from_secs(5));
    let share = args.breaches.div_ceil(args.turns.max(1));
    for turn in 0..args.turns {
        for subject in &mut subjects {
            let to = ((turn + 1) * share).min(args.breaches);
            take_turn(subject, to, &args)?;
        }
    }
    println!(
        "{} breaches each, {} a second, while {} samples a second come in",
        args.breaches, args.rate, args.samples
    );
    println!(
        "{:<28}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>9}",
        "", "told", "p50 ms", "p90 ms", "p99 ms", "max ms", "twice", "CPU s"
    );
    subjects.iter().for_each(Subject::print);
    Ok(())
}

fn plimsoll(breaches: usize) -> io::Result<Subject> {
    let hook = Webhook::start();
    let files = tempfile::tempdir()?;
    std::fs::write(files.path().join("rules.yml"), RULES)?;
    let config = format!(
        "alert:\n  rule_files: [rules.yml]\n  receivers:\n  - name: hook\n    webhook_configs:\n    - url: http://127.0.0.1:{}/\n  route: {{group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n",
        hook.port
    );
    let file = files.path().join("plimsoll.yml");
    std::fs::write(&file, config)?;
    let file = file.to_string_lossy().into_owned();
    let server = server::start_plimsoll(&["--bare", "--log-level=warn", "--config", &file])?;
    Ok(Subject::new("plimsoll", vec![server], hook, breaches))
}

fn peers(breaches: usize) -> io::Result<Subject> {
    let hook = Webhook::start();
    let router = Server::start("/-/ready", |dir, port| {
        let file = dir.join("alertmanager.yml");
        let config = format!(
            "route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s}}\nreceivers:\n- name: hook\n  webhook_configs:\n  - url: http://127.0.0.1:{}/\n",
            hook.port
        );
        std::fs::write(&file, config)?;
        let mut command = Command::new("prometheus-alertmanager");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.path={}", dir.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.args(["--cluster.listen-address=", "--log.level=warn"]);
        Ok(command)
    })?;
    let files = tempfile::tempdir()?.keep();
    let rules = files.join("rules.yml");
    std::fs::write(&rules, RULES)?;
    let config = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: ['{}']\nalerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['127.0.0.1:{}']}}]\n",
        rules.display(),
        router.port
    );
    let args = ["--web.enable-remote-write-receiver", "--log.level=warn"];
    let server = server::start_prometheus(&config, &args)?;
    std::fs::remove_dir_all(files)?;
    Ok(Subject::new("prometheus + alertmanager", vec![server, router], hook, breaches))
}

/// Breaches up to number `to`, under load, and waits until they are told.
fn take_turn(subject: &mut Subject, to: usize, args: &Args) -> io::Result<()> {
    let port = subject.servers[0].port;
    let (ended, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (end, count) = (Arc::clone(&ended), Arc::clone(&late));
    let samples = args.samples;
    let other = std::thread::spawn(move || other_samples(port, samples, &end, &count));
    std::thread::sleep(Duration::from_secs(2));
    let before = subject.cpu();
    let pause = Duration::from_secs(1) / u32::try_from(args.rate.max(1)).unwrap_or(1);
    let mut next = Instant::now();
    while subject.sent.len() < to {
        // Not in step with the rules: somewhere within the pause.
        next += pause;
        let early = pause.mul_f64(0.9 * subject.chance.unit());
        std::thread::sleep(next.saturating_duration_since(Instant::now()).saturating_sub(early));
        subject.breach()?;
        if subject.sent_again.elapsed() > AGAIN {
            subject.send_levels()?;
        }
    }
    let begun = Instant::now();
    while subject.told().iter().flatten().count() < to && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
    }
    subject.cpu_s += subject.cpu() - before;
    ended.store(true, Ordering::Relaxed);
    other.join().expect("it does not panic")?;
    if late.load(Ordering::Relaxed) > 0 {
        println!(
            "{}: {} requests of other samples came late",
            subject.name,
            late.load(Ordering::Relaxed)
        );
    }
    Ok(())
}

/// Sends other samples at an even pace until it is told to end.
fn other_samples(port: u16, samples: u64, end: &AtomicBool, late: &AtomicUsize) -> io::Result<()> {
    let mut client = Client::new(port);
    let mut chance = Chance::new(3);
    let share = samples / REQUESTS;
    let pause = Duration::from_secs(1) / u32::try_from(REQUESTS).unwrap_or(1);
    let mut next = Instant::now();
    let mut round = 0;
    while !end.load(Ordering::Relaxed) {
        let mut encoder = Encoder::new();
        let at = now_ms();
        for i in 0..share {
            let number = round * share + i;
            let (host, metric) = ((number / 100).to_string(), format!("load_{}", number % 100));
            let pairs = [("__name__", metric.as_str()), ("instance", &host), ("job", "load")];
            encoder.series(labels(&pairs).as_ref(), &[at], &[chance.unit()]);
        }
        send(&mut client, &encoder.finish())?;
        round = (round + 1) % REQUESTS;
        next += pause;
        match next.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            None => {
                late.fetch_add(1, Ordering::Relaxed);
                next = Instant::now();
            }
        }
    }
    Ok(())
}

fn send(client: &mut Client, body: &[u8]) -> io::Result<()> {
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    let answer = client.post("/api/v1/write", &headers, body)?;
    if answer.status >= 300 {
        return Err(io::Error::other(format!("answered {}: {}", answer.status, answer.text())));
    }
    Ok(())
}

impl Subject {
    fn new(name: &'static str, servers: Vec<Server>, hook: Webhook, breaches: usize) -> Self {
        Self {
            name,
            servers,
            hook,
            chance: Chance::new(7),
            levels: vec![0.0; breaches],
            sent: Vec::new(),
            sent_again: Instant::now(),
            cpu_s: 0.0,
        }
    }

    fn cpu(&self) -> f64 {
        self.servers.iter().map(|s| proc::cpu_seconds(s.pid())).sum()
    }

    /// Raises the next level, and notes when.
    fn breach(&mut self) -> io::Result<()> {
        let number = self.sent.len();
        self.levels[number] = 1.0;
        let body = body(&[(number, 1.0)]);
        let mut client = Client::new(self.servers[0].port);
        self.sent.push(Instant::now());
        send(&mut client, &body)
    }

    /// Sends all levels.
    fn send_levels(&mut self) -> io::Result<()> {
        let all: Vec<_> = self.levels.iter().copied().enumerate().collect();
        self.sent_again = Instant::now();
        send(&mut Client::new(self.servers[0].port), &body(&all))
    }

    /// When each breach was told first.
    fn told(&self) -> Vec<Option<Instant>> {
        let mut told = vec![None; self.levels.len()];
        for (at, number) in self.messages() {
            let first = told[number].get_or_insert(at);
            *first = at.min(*first);
        }
        told
    }

    /// Every message about a breach: when it came, and the breach.
    fn messages(&self) -> Vec<(Instant, usize)> {
        let mut all = Vec::new();
        for (at, body) in self.hook.taken() {
            for alert in body["alerts"].as_array().into_iter().flatten() {
                let number = alert["labels"]["breach"].as_str().and_then(|n| n.parse().ok());
                all.extend(number.filter(|n| *n < self.levels.len()).map(|n: usize| (at, n)));
            }
        }
        all
    }

    fn print(&self) {
        let told = self.told();
        let took = |(sent, told): (&Instant, &Option<Instant>)| {
            told.map(|at| at.saturating_duration_since(*sent).as_secs_f64() * 1e3)
        };
        let mut all: Vec<f64> = self.sent.iter().zip(&told).filter_map(took).collect();
        all.sort_by(f64::total_cmp);
        let rank = |q: f64| {
            let i = (q * all.len() as f64).ceil() as usize;
            all.get(i.saturating_sub(1)).copied().unwrap_or(f64::NAN)
        };
        println!(
            "{:<28}{:>9}{:>9.0}{:>9.0}{:>9.0}{:>9.0}{:>8}{:>9.2}",
            self.name,
            format!("{}/{}", all.len(), self.sent.len()),
            rank(0.5),
            rank(0.9),
            rank(0.99),
            rank(1.0),
            self.messages().len() - all.len(),
            self.cpu_s,
        );
    }
}

/// A request with these levels, now.
fn body(levels: &[(usize, f64)]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let at = now_ms();
    for (number, level) in levels {
        let number = number.to_string();
        let pairs = [("__name__", "page_level"), ("breach", &number)];
        encoder.series(labels(&pairs).as_ref(), &[at], &[*level]);
    }
    encoder.finish()
}
