//! A Plimsoll of our own for a test: the release binary on a free port in a directory of its own.

use crate::place::Place;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take until it answers, and until it has stopped.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A running server. Dropping it kills it; [`Server::stop`] asks it to stop.
pub struct Server {
    child: Child,
    dir: PathBuf,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Server {
    /// Starts the release binary and waits until it is ready.
    pub fn start(place: &Place, name: &str) -> Result<Self> {
        let dir = place.scratch(name)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(dir.join("log"))?;
        let child = place
            .command(place.binary())
            .arg("serve")
            .arg("--data-dir")
            .arg(dir.join("data"))
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", place.binary().display()))?;
        let mut server = Self { child, dir, url: format!("http://127.0.0.1:{port}") };
        server.wait_until_ready(port)?;
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&mut self, port: u16) -> Result<()> {
        let begun = Instant::now();
        while !is_ready(port) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.log());
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server is not ready after {PATIENCE:?}: {}", self.log());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Asks the server to stop and waits for it; it must end by itself and well.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let _gone = Command::new("kill").args(["-TERM", &pid]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server stopped with {status}: {}", self.log()),
                None => std::thread::sleep(PAUSE),
            }
        }
        bail!("the server did not stop within {PATIENCE:?} of SIGTERM: {}", self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream
            .write_all(b"GET /-/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
