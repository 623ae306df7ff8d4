//! `exec_configs`, a kind of ours: a program that the configuration allows gets the payload of a webhook on
//! its standard input.
//!
//! No shell; its environment is empty but for `PATH`; what it prints is not read but for the first 200
//! bytes of its errors. Exit code 0 takes the message; 75 (`EX_TEMPFAIL`) and a signal ask for another
//! attempt; any other refuses it. When its time is over it is killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::channel::{Attempt, Channel, Making, Outcome, Outgoing, Tools};
use super::entry::Entry;
use crate::route::{Notification, payload};

/// Bytes of a program's errors that are read.
const ERROR_BYTES_MAX: u64 = 200;
/// `EX_TEMPFAIL` of sysexits.
const TRY_AGAIN: i32 = 75;

/// A program.
#[derive(Clone, Debug)]
pub struct Exec {
    program: PathBuf,
    args: Vec<String>,
    timeout: Duration,
}

impl Exec {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let program = PathBuf::from(entry.text("program", ""));
        if !program.is_absolute() {
            entry.wrong("program", "the path of a program from the root is wanted");
        } else if !entry.global.exec_allowed.contains(&program) {
            let message = format!(
                "{} is not allowed; add it to alert.exec_allowed in the configuration of Plimsoll",
                program.display()
            );
            entry.wrong("program", message);
        }
        Self { program, args: entry.texts("args"), timeout: entry.timeout() }
    }
}

impl Channel for Exec {
    fn kind(&self) -> &'static str {
        "exec"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut message = payload::webhook(n, making.external_url, 0);
        if let Some(exhibit) = making.exhibit {
            message["plimsoll"] = exhibit.json(making.external_url);
        }
        Some(message)
    }

    fn send<'a>(&'a self, outgoing: Outgoing, _: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let body = outgoing.message.to_string();
            let run = run(self, &outgoing.idempotency_key, body.as_bytes());
            tokio::time::timeout(self.timeout, run).await.unwrap_or_else(|_| {
                Outcome::Failed(format!("the program took longer than {:?}", self.timeout))
            })
        })
    }
}

async fn run(exec: &Exec, key: &str, body: &[u8]) -> Outcome {
    let mut command = Command::new(&exec.program);
    command
        .args(&exec.args)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("PLIMSOLL_IDEMPOTENCY_KEY", key)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Outcome::Failed(format!("{}: {e}", exec.program.display())),
    };
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A program may end without having read everything.
            let _read_or_not = stdin.write_all(body).await;
        }
    };
    let listen = async move {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let mut first = stderr.take(ERROR_BYTES_MAX);
            let _as_far_as_it_goes = first.read_to_end(&mut said).await;
            // The rest goes to nobody, but the program must be able to write it.
            let _to_nobody = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
        }
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    let ((), said, status) = tokio::join!(feed, listen, child.wait());
    match status {
        Ok(status) if status.success() => Outcome::Delivered,
        Ok(status) => {
            let why = format!("the program ended with {status}: {said}");
            match status.code() {
                Some(TRY_AGAIN) | None => Outcome::Failed(why),
                Some(_) => Outcome::GivenUp(why),
            }
        }
        Err(e) => Outcome::Failed(e.to_string()),
    }
}
