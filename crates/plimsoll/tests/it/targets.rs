//! Targets that misbehave in every way: bounded, `up` 0, and the others never notice.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::listener::{answer, serve, take_request};
use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Memory that Plimsoll may hold with all of them at once, debug builds included.
const RSS_BYTES_MAX: u64 = 700 << 20;

fn good(stream: TcpStream) {
    if take_request(&stream).is_some() {
        answer(stream, "200 OK", TEXT, b"# TYPE fine gauge\nfine{a=\"b\"} 42\n");
    }
}

/// Takes the request and says nothing for as long as the other side waits.
fn hangs(mut stream: TcpStream) {
    let _request = take_request(&stream);
    let mut byte = [0];
    let _closed = std::io::Read::read(&mut stream, &mut byte);
}

fn not_http(mut stream: TcpStream) {
    let _request = take_request(&stream);
    let _gone = stream.write_all(&[0x16, 0x03, 0x00, 0xff, b'\n', 0xfe, b'\n', b'\n']);
}

fn garbage(stream: TcpStream) {
    let _request = take_request(&stream);
    answer(stream, "200 OK", TEXT, b"fine 1\n}{ \xff\xfe not a metric\n\x00\x01 2\n");
}

/// A body that never ends.
fn endless(mut stream: TcpStream) {
    let _request = take_request(&stream);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {TEXT}\r\nconnection: close\r\n\r\n");
    let line = "endless{x=\"0123456789\"} 1\n".repeat(1_000);
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = stream.write_all(line.as_bytes());
    }
}

fn a_million_series(stream: TcpStream) {
    let _request = take_request(&stream);
    let mut body = String::with_capacity(24 << 20);
    for i in 0..1_000_000 {
        body.push_str(&format!("m{{i=\"{i}\"}} 1\n"));
    }
    answer(stream, "200 OK", TEXT, body.as_bytes());
}

fn fails(stream: TcpStream) {
    let _request = take_request(&stream);
    answer(stream, "500 Internal Server Error", TEXT, b"no\n");
}

fn config(jobs: &[(&str, u16)]) -> String {
    let mut text = "collect:\n  scrape:\n".to_owned();
    for (job, port) in jobs {
        text.push_str(&format!(
            "  - job_name: {job}\n    scrape_interval: 5s\n    scrape_timeout: 2s\n    \
             static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        ));
    }
    text
}

fn up(server: &Plimsoll, job: &str) -> Option<f64> {
    server.query(&format!("up{{job={job:?}}}")).first().map(|s| s.last())
}

#[test]
fn bad_targets_are_down_and_harm_nobody() {
    let home = Home::new();
    let jobs = [
        ("good", serve(good)),
        ("hangs", serve(hangs)),
        ("not-http", serve(not_http)),
        ("garbage", serve(garbage)),
        ("endless", serve(endless)),
        ("million", serve(a_million_series)),
        ("fails", serve(fails)),
        ("nobody", crate::process::free_port()),
    ];
    let file = home.write("plimsoll.yml", &config(&jobs));
    let server = home.start(&["--bare", "--config", file.to_str().unwrap()]);
    for (job, _) in jobs {
        let want = f64::from(u8::from(job == "good"));
        let found = wait_for(Duration::from_secs(60), || up(&server, job).filter(|v| *v == want));
        assert_eq!(found, Some(want), "up of {job}: {:?}", up(&server, job));
    }
    // The good one was scraped on time all along.
    let fine = wait_for(Duration::from_secs(60), || {
        let n = server.query("count_over_time(fine{job=\"good\"}[5m])").first()?.last();
        (n >= 4.0).then_some(())
    });
    assert!(fine.is_some(), "{:?}", server.query("fine[5m]"));
    assert_eq!(server.query("min_over_time(up{job=\"good\"}[5m])")[0].last(), 1.0);
    assert_eq!(server.query("{job=\"million\",__name__=\"m\"}"), []);
    assert_eq!(server.query("fine{job=\"garbage\"}"), [], "half an exposition was stored");
    problems_are_told(&server);
    let rss = rss_bytes(server.process.pid());
    assert!(rss < RSS_BYTES_MAX, "{} MB", rss >> 20);
    server.stop();
}

#[track_caller]
fn problems_are_told(server: &Plimsoll) {
    let data = server.data("/api/v1/targets");
    let targets = data["activeTargets"].as_array().unwrap();
    assert_eq!(targets.len(), 8, "{data}");
    for target in targets {
        let good = target["labels"]["job"] == "good";
        assert_eq!(target["health"], if good { "up" } else { "down" }, "{target}");
        assert_eq!(target["lastError"].as_str().unwrap().is_empty(), good, "{target}");
    }
}

fn rss_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
