//! Servers under measurement: Plimsoll and its peers, each on a free port in a directory that is
//! gone afterwards.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Client;

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    pub port: u16,
    pub dir: tempfile::TempDir,
}

impl Server {
    /// Starts what `command` gives for a directory and a port, and waits until `ready` answers 200.
    pub fn start(
        ready: &str,
        command: impl FnOnce(&Path, u16) -> io::Result<Command>,
    ) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = command(dir.path(), port)?;
        let log = std::fs::File::create(dir.path().join("log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|e| io::Error::other(format!("start {command:?}: {e}")))?;
        let mut server = Self { child, port, dir };
        let begun = Instant::now();
        while !Client::new(port).get(ready).is_ok_and(|a| a.status == 200) {
            if server.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(server.dir.path().join("log"))?;
                return Err(io::Error::other(format!("{command:?} is not ready: {log}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The release binary: `PLIMSOLL_BIN`, else beside the directory of this example.
pub fn plimsoll() -> io::Result<PathBuf> {
    if let Some(given) = std::env::var_os("PLIMSOLL_BIN") {
        return Ok(given.into());
    }
    let here = std::env::current_exe()?;
    let found = here.ancestors().nth(2).map(|d| d.join("plimsoll")).filter(|p| p.is_file());
    found.ok_or_else(|| {
        io::Error::other("no binary: run cargo build --release -p plimsoll, or set PLIMSOLL_BIN")
    })
}

/// Plimsoll with these arguments.
pub fn start_plimsoll(args: &[&str]) -> io::Result<Server> {
    Server::start("/-/ready", |dir, port| {
        let mut command = Command::new(plimsoll()?);
        command.arg("serve").args(args).arg("--data-dir").arg(dir.join("data"));
        command.arg("--listen").arg(format!("127.0.0.1:{port}"));
        Ok(command)
    })
}

/// Debian's Prometheus with this configuration, in which `{port}` is its own port.
pub fn start_prometheus(config: &str, args: &[&str]) -> io::Result<Server> {
    Server::start("/-/ready", |dir, port| {
        let file = dir.join("prometheus.yml");
        std::fs::write(&file, config.replace("{port}", &port.to_string()))?;
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", dir.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.args(args);
        Ok(command)
    })
}

/// Whether a program is installed.
pub fn installed(program: &str) -> bool {
    ["/usr/bin", "/usr/local/bin"].iter().any(|d| Path::new(d).join(program).is_file())
}
