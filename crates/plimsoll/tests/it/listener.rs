//! Servers of our own for a test: one that takes webhooks, and targets that misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

/// Takes every body that is posted and answers 200.
pub struct Webhook {
    pub port: u16,
    taken: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Webhook {
    pub fn start() -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&taken);
        let port = serve(move |stream| {
            if let Some(body) = take_body(&stream) {
                shared.lock().unwrap().push((Instant::now(), body));
                answer(stream, "200 OK", "text/plain", b"ok");
            }
        });
        Self { port, taken }
    }

    /// What has arrived so far, in order.
    pub fn taken(&self) -> Vec<(Instant, Value)> {
        self.taken.lock().unwrap().clone()
    }

    /// The states told about an alert, in order.
    pub fn states(&self, alert: &str) -> Vec<String> {
        let mut states = Vec::new();
        for (_, body) in self.taken() {
            for told in body["alerts"].as_array().unwrap() {
                if told["labels"]["alertname"] == alert {
                    states.push(told["status"].as_str().unwrap().to_owned());
                }
            }
        }
        states
    }
}

/// Serves connections of a free port, each in a thread of its own, until the test ends.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(stream));
        }
    });
    port
}

/// Reads a request to its end, for servers that do not care what it is.
pub fn take_request(stream: &TcpStream) -> Option<Vec<u8>> {
    Some(take_message(stream, "")?.1)
}

/// Reads a request to its end: the value of a header, empty when there is none, and the body.
pub fn take_message(stream: &TcpStream, header: &str) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut length, mut wanted) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (name, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case(header) {
            wanted = value.trim().to_owned();
        }
        if name.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((wanted, body))
}

fn take_body(stream: &TcpStream) -> Option<Value> {
    serde_json::from_slice(&take_request(stream)?).ok()
}

/// Answers and closes. The other side may be gone: that is its business.
pub fn answer(mut stream: TcpStream, status: &str, kind: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
