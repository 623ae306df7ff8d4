//! Plimsoll as a process of its own: the real binary on a free port in a directory of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use serde_json::Value;

use crate::http::{Answer, Client};
use crate::process::{Process, free_port, wait_for};

/// How long a start and a stop may take. Both take well under a second on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("PLIMSOLL_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_plimsoll")), PathBuf::from)
}

/// A directory in which Plimsoll runs, again and again.
pub struct Home {
    dir: tempfile::TempDir,
}

/// A running Plimsoll.
pub struct Plimsoll {
    pub process: Process,
    pub port: u16,
}

/// One element of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    /// Times in ms, values.
    pub points: Vec<(i64, f64)>,
}

impl Series {
    /// The value of a label; empty when it has none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The newest value.
    pub fn last(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |p| p.1)
    }
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file as a whole: a reader sees the one before or this one.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let new = file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
        file
    }

    /// `plimsoll serve` on a port, without its having been started.
    pub fn serve(&self, data: &Path, port: u16, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--data-dir").arg(data);
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).args(args);
        command.current_dir(self.dir.path());
        command
    }

    /// Starts it in `data/` and waits until it is ready.
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> Plimsoll {
        self.start_in(&self.path("data"), args)
    }

    /// Starts it in a directory and waits until it is ready.
    #[track_caller]
    pub fn start_in(&self, data: &Path, args: &[&str]) -> Plimsoll {
        let port = free_port();
        let mut process = Process::start(&mut self.serve(data, port, args), &self.path("log"));
        let ready = wait_for(PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("plimsoll {args:?} ended with {status}: {}", process.log());
            }
            let answer = Client::new(port).get("/-/ready").ok()?;
            (answer.status == 200).then_some(())
        });
        assert!(ready.is_some(), "not ready within {PATIENCE:?}: {}", process.log());
        Plimsoll { process, port }
    }

    /// Runs `plimsoll serve` that must end by itself, and soon.
    #[track_caller]
    pub fn refuse(&self, data: &Path, port: u16, args: &[&str]) -> Refusal {
        let mut command = self.serve(data, port, args);
        let out = self.path("refusal");
        let _fresh = std::fs::remove_file(&out);
        let mut process = Process::start(&mut command, &out);
        let status = wait_for(PATIENCE, || process.ended());
        let text = process.log();
        let status = status.unwrap_or_else(|| panic!("still running after {PATIENCE:?}: {text}"));
        Refusal { code: status.code(), text }
    }
}

/// How a start that was refused ended.
#[derive(Debug)]
pub struct Refusal {
    pub code: Option<i32>,
    pub text: String,
}

/// Runs another command of the binary to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(binary()).args(args).output().unwrap()
}

impl Plimsoll {
    /// A connection of its own.
    pub fn client(&self) -> Client {
        Client::new(self.port)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let answer = self.client().get(path);
        answer.unwrap_or_else(|e| panic!("GET {path}: {e}: {}", self.process.log()))
    }

    #[track_caller]
    pub fn post(&self, path: &str) -> Answer {
        let answer = self.client().post(path, &[], &[]);
        answer.unwrap_or_else(|e| panic!("POST {path}: {e}: {}", self.process.log()))
    }

    /// Sends a remote-write body.
    #[track_caller]
    pub fn write(&self, body: &[u8]) -> Answer {
        let answer = send(&mut self.client(), body);
        answer.unwrap_or_else(|e| panic!("remote write: {e}: {}", self.process.log()))
    }

    /// The data of a JSON answer with status `success`.
    #[track_caller]
    pub fn data(&self, path: &str) -> Value {
        let answer = self.get(path);
        let mut json: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
        assert_eq!((answer.status, &json["status"]), (200, &Value::from("success")), "{json}");
        json["data"].take()
    }

    /// The answer of an instant query.
    #[track_caller]
    pub fn query(&self, expr: &str) -> Vec<Series> {
        series(&self.data(&format!("/api/v1/query?query={}", escape(expr)))["result"])
    }

    /// The answer of an instant query at a time in ms.
    #[track_caller]
    pub fn query_at(&self, expr: &str, at: i64) -> Vec<Series> {
        let (s, ms) = (at / 1000, at % 1000);
        let path = format!("/api/v1/query?query={}&time={s}.{ms:03}", escape(expr));
        series(&self.data(&path)["result"])
    }

    /// Stops it as an administrator would; it must end well.
    #[track_caller]
    pub fn stop(self) {
        let Self { process, .. } = self;
        let log = process.log();
        let status: ExitStatus = process.stop(PATIENCE);
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

/// Sends a remote-write body over a connection.
pub fn send(client: &mut Client, body: &[u8]) -> std::io::Result<Answer> {
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    client.post("/api/v1/write", &headers, body)
}

/// Reads the `result` of a query: a vector or a matrix.
pub fn series(result: &Value) -> Vec<Series> {
    let elements = result.as_array().unwrap_or_else(|| panic!("no list: {result}"));
    elements
        .iter()
        .map(|e| {
            let labels = e["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()));
            let one = e.get("value").map(|p| vec![point(p)]);
            let many = || e["values"].as_array().unwrap().iter().map(point).collect();
            Series { labels: labels.collect(), points: one.unwrap_or_else(many) }
        })
        .collect()
}

fn point(pair: &Value) -> (i64, f64) {
    let time = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
    (time, pair[1].as_str().unwrap().parse().unwrap())
}

/// Percent-encodes what a query string cannot hold.
pub fn escape(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(b).to_string()
        }
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}
