//! Measures the browser application: the release binary with seeded data, Debian's Prometheus and
//! VictoriaMetrics beside it where they are installed, and `ui/bench` in Chromium.
//!
//! `cargo xtask bench ui [first panels hundred switches viewers peers alerts answers]`. Exits with failure where a budget is not kept.

use crate::place::{Place, output, works};
use crate::server::Server;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long a peer may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the benchmarks that are named, or all.
pub fn run(place: &Place, wanted: &[String]) -> Result<ExitCode> {
    let build = ["build", "--release", "-p", "plimsoll"];
    crate::place::run(&mut place.cargo(&build))?;
    let server = Server::start(place, "bench-ui")?;
    let peers = [Peer::prometheus(place)?, Peer::victoria_metrics(place)?];
    let mut command = crate::ui::npm(place)?;
    command.args(["run", "bench", "--"]).args(wanted);
    command.env("PLIMSOLL_URL", &server.url).env("PLIMSOLL_PID", server.pid().to_string());
    for peer in peers.iter().flatten() {
        command.env(peer.variable, &peer.url);
    }
    if let Ok(path) = output(Command::new("sh").args(["-c", "command -v chromium"])) {
        command.env("PLIMSOLL_CHROMIUM", path.trim());
    }
    let commit = output(place.command("git").args(["rev-parse", "--short", "HEAD"]))?;
    println!("commit {}", commit.trim());
    let status = command.status().context("start npm")?;
    server.stop()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A program of others to be measured beside ours. Dropping it kills it.
struct Peer {
    child: Child,
    dir: PathBuf,
    /// The variable that tells the benchmarks where it is.
    variable: &'static str,
    url: String,
}

impl Peer {
    fn prometheus(place: &Place) -> Result<Option<Self>> {
        let (dir, port) = (place.scratch("bench-prometheus")?, free_port()?);
        let config = dir.join("prometheus.yml");
        fs::write(&config, "global: {}\n")?;
        let args = vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
        ];
        Self::start("prometheus", &args, "PROMETHEUS_URL", port, dir)
    }

    fn victoria_metrics(place: &Place) -> Result<Option<Self>> {
        let (dir, port) = (place.scratch("bench-victoria-metrics")?, free_port()?);
        let args = vec![
            format!("-storageDataPath={}", dir.join("data").display()),
            format!("-httpListenAddr=127.0.0.1:{port}"),
        ];
        Self::start("victoria-metrics", &args, "VICTORIA_URL", port, dir)
    }

    /// None where the program is not installed: it is then left out.
    fn start(
        program: &str,
        args: &[String],
        variable: &'static str,
        port: u16,
        dir: PathBuf,
    ) -> Result<Option<Self>> {
        if !works(Command::new("sh").args(["-c", &format!("command -v {program}")])) {
            println!("{program} is not installed and left out");
            let _gone = fs::remove_dir_all(&dir);
            return Ok(None);
        }
        let log = File::create(dir.join("log"))?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {program}"))?;
        let peer = Self { child, dir, variable, url: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while !answers(port) {
            if begun.elapsed() > PATIENCE {
                println!("{program} does not answer after {PATIENCE:?} and is left out");
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Some(peer))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(
            b"GET /-/healthy HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
