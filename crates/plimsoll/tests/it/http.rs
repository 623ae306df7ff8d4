//! A small blocking HTTP/1.1 client for tests and benchmarks: one connection, kept alive and opened
//! anew when the server closed it. Bodies are read whole; lengths and chunks are understood.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A connection to one server.
pub struct Client {
    addr: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The values of a header, joined; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        let all = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        all.collect::<Vec<_>>().join(", ")
    }
}

impl Client {
    /// A client of the loopback port; connects with the first request.
    pub fn new(port: u16) -> Self {
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port)), stream: None }
    }

    /// Asks for `path`, which begins with a slash and is encoded already.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.request("GET", path, &[], &[])
    }

    /// Posts `body` with headers besides the length.
    pub fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.request("POST", path, headers, body)
    }

    /// Sends any request.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.addr);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let outcome = self.exchange(head.as_bytes(), body);
        if outcome.is_err() {
            self.stream = None;
        }
        outcome
    }

    fn exchange(&mut self, head: &[u8], body: &[u8]) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                none.insert(BufReader::with_capacity(64 << 10, stream))
            }
        };
        let sent = stream.get_mut().write_all(head).and_then(|()| stream.get_mut().write_all(body));
        // A server that refuses a body early answers and closes: the answer counts.
        let (answer, close) = match (read_answer(stream), sent) {
            (Ok(answer), _) => answer,
            (Err(_), Err(e)) => return Err(e),
            (Err(e), Ok(())) => return Err(e),
        };
        if close {
            self.stream = None;
        }
        Ok(answer)
    }
}

/// Reads one answer and whether the connection ends with it.
fn read_answer(stream: &mut impl BufRead) -> io::Result<(Answer, bool)> {
    let line = read_line(stream)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| invalid(&format!("no status line: {line:?}")))?;
    let (mut length, mut chunked, mut close) = (None, false, false);
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            "connection" => close = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    match length {
        _ if chunked => read_chunks(stream, &mut body)?,
        _ if status == 204 || status == 304 => {}
        Some(length) => {
            if stream.take(length).read_to_end(&mut body)? as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        None => {
            stream.read_to_end(&mut body)?;
            close = true;
        }
    }
    Ok((Answer { status, headers, body }, close))
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(stream)?;
        let length = u64::from_str_radix(line.split(';').next().unwrap_or(""), 16);
        let length = length.map_err(|_| invalid(&format!("no chunk length: {line:?}")))?;
        if stream.take(length).read_to_end(body)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read_line(stream)?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
