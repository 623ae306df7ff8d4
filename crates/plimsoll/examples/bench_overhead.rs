//! What it costs to watch this host: Plimsoll, and beside it Debian's node_exporter and Prometheus
//! scraping it and itself, all every 5 s in the same run: `cargo xtask bench overhead`.
//!
//! Prints the CPU of a window after a warm-up, in thousandths of one CPU, and memory as PSS and RSS.

#![allow(clippy::print_stdout)]

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
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use server::Server;

#[derive(Parser)]
struct Args {
    /// Seconds before the measurement begins.
    #[arg(long, default_value_t = 60)]
    warm: u64,
    /// Seconds it lasts.
    #[arg(long, default_value_t = 120)]
    secs: u64,
}

const CONFIG: &str = "\
global: {scrape_interval: 5s, scrape_timeout: 5s}
scrape_configs:
- {job_name: node, static_configs: [{targets: ['127.0.0.1:{node}']}]}
- {job_name: self, static_configs: [{targets: ['127.0.0.1:{port}']}]}
";

fn main() -> io::Result<()> {
    let args = Args::parse();
    let mut all: Vec<(&str, Server)> = vec![("plimsoll", server::start_plimsoll(&[])?)];
    if server::installed("prometheus-node-exporter") && server::installed("prometheus") {
        let exporter = Server::start("/", |_, port| {
            let mut command = Command::new("prometheus-node-exporter");
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            Ok(command)
        })?;
        let config = CONFIG.replace("{node}", &exporter.port.to_string());
        all.push(("node_exporter", exporter));
        all.push(("prometheus", server::start_prometheus(&config, &[])?));
    } else {
        println!("skipped: prometheus and prometheus-node-exporter are not both installed");
    }
    std::thread::sleep(Duration::from_secs(args.warm));
    let before: Vec<f64> = all.iter().map(|(_, s)| proc::cpu_seconds(s.pid())).collect();
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(args.secs));
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:<28}{:>16}{:>10}{:>10}", "", "CPU, 1/1000", "PSS MB", "RSS MB");
    let mut rows = Vec::new();
    for ((name, server), before) in all.iter().zip(before) {
        let cpu = (proc::cpu_seconds(server.pid()) - before) / seconds * 1e3;
        rows.push((*name, cpu, proc::pss_mb(server.pid()), proc::rss_mb(server.pid())));
    }
    if let [_, exporter, prometheus] = rows[..] {
        let (a, b) = (exporter, prometheus);
        rows.push(("node_exporter + prometheus", a.1 + b.1, a.2 + b.2, a.3 + b.3));
    }
    for (name, cpu, pss, rss) in rows {
        println!("{name:<28}{cpu:>16.2}{pss:>10.1}{rss:>10.1}");
    }
    Ok(())
}
