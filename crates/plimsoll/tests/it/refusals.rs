//! What is refused, and that it is said why: bodies, queries, starts.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::load::{body, now_ms};
use crate::plimsoll::{Home, Refusal, escape};
use crate::process::free_port;

/// A protobuf field of the wire type "length-delimited".
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = content.len();
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(content);
    out
}

/// A request with one series whose labels stand as given, right or wrong.
fn raw(labels: &[(&[u8], &[u8])], samples: &[(f64, i64)]) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in labels {
        series.extend(field(1, &[field(1, name), field(2, value)].concat()));
    }
    for (value, time) in samples {
        let mut sample = vec![0x09];
        sample.extend_from_slice(&value.to_le_bytes());
        sample.push(0x10);
        let mut time = *time as u64;
        while time >= 0x80 {
            sample.push((time & 0x7f) as u8 | 0x80);
            time >>= 7;
        }
        sample.push(time as u8);
        series.extend(field(2, &sample));
    }
    field(1, &series)
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

#[test]
fn malformed_writes_are_refused_with_the_reason() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    let name: (&[u8], &[u8]) = (b"__name__", b"m");
    let long = vec![b'x'; 200 << 10];
    let cases: [(&str, Vec<u8>); 9] = [
        ("not snappy", b"not snappy at all".to_vec()),
        ("empty", Vec::new()),
        ("snappy of garbage", snappy(&[0xff; 64])),
        ("cut short", {
            let whole = snappy(&raw(&[name, (b"a", b"bbbbbbbbbbbbbbbbbbbb")], &[(1.0, now)]));
            whole[..whole.len() - 4].to_vec()
        }),
        ("no metric name", snappy(&raw(&[(b"a", b"b")], &[(1.0, now)]))),
        ("a label twice", snappy(&raw(&[name, (b"a", b"b"), (b"a", b"c")], &[(1.0, now)]))),
        ("not UTF-8", snappy(&raw(&[name, (b"a", b"\xff\xfe")], &[(1.0, now)]))),
        ("a label too long", snappy(&raw(&[name, (b"a", &long)], &[(1.0, now)]))),
        ("far ahead", snappy(&raw(&[name], &[(1.0, now + 3_600_000)]))),
    ];
    for (what, bytes) in cases {
        let answer = server.write(&bytes);
        if what == "empty" {
            // Nothing is in it: Prometheus refuses an empty body, an empty request is fine.
            assert!(matches!(answer.status, 200..=204 | 400), "{what}: {}", answer.text());
            continue;
        }
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        let reason = answer.text();
        assert!(reason.len() > 10 && reason.len() < 2_000, "{what}: {reason:?}");
    }
    assert_eq!(server.query("{__name__=~\".+\"}"), []);
    server.stop();
}

#[test]
fn an_oversized_write_is_refused_before_it_is_unpacked() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    // Snappy's length comes first: this one claims 4 GiB and holds ten bytes.
    let mut claim = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    claim.extend_from_slice(&[0; 10]);
    let answer = server.write(&claim);
    assert!(matches!(answer.status, 400 | 413), "{}: {}", answer.status, answer.text());
    // 64 MiB of zeros: 3 MB on the wire.
    let answer = server.write(&snappy(&vec![0; 64 << 20]));
    assert!(matches!(answer.status, 400 | 413), "{}: {}", answer.status, answer.text());
    // And a body that is large as it is.
    let answer = server.client().post("/api/v1/write", &[], &vec![7; 80 << 20]);
    if let Ok(answer) = answer {
        assert!(matches!(answer.status, 400 | 413), "{}: {}", answer.status, answer.text());
    }
    assert_eq!(server.get("/-/ready").status, 200);
    server.stop();
}

#[test]
fn unsorted_labels_are_sorted_and_one_bad_series_costs_only_itself() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    let unsorted: [(&[u8], &[u8]); 3] = [(b"z", b"1"), (b"__name__", b"mixed"), (b"a", b"2")];
    let answer = server.write(&snappy(&raw(&unsorted, &[(1.5, now)])));
    assert!(matches!(answer.status, 200..=204), "{}", answer.text());
    let sorted = body(&[("__name__", "mixed"), ("a", "2"), ("z", "1")], &[now + 1], &[2.5]);
    assert!(matches!(server.write(&sorted).status, 200..=204));
    let found = server.query_at("mixed[1m]", now + 1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].points, [(now, 1.5), (now + 1, 2.5)]);
    let mut both = raw(&[(b"no", b"name")], &[(1.0, now)]);
    both.extend(raw(&[(b"__name__", b"beside")], &[(3.0, now)]));
    let answer = server.write(&snappy(&both));
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(server.query_at("beside", now)[0].last(), 3.0);
    server.stop();
}

#[test]
fn another_value_at_a_time_is_told_and_the_first_stays() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let now = now_ms();
    let send = |value: f64| server.write(&body(&[("__name__", "d")], &[now], &[value]));
    assert!(matches!(send(1.0).status, 200..=204));
    assert!(matches!(send(1.0).status, 200..=204), "the same again is fine");
    let answer = send(2.0);
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("duplicate"), "{}", answer.text());
    assert_eq!(server.query_at("d[1m]", now)[0].points, [(now, 1.0)]);
    server.stop();
}

#[test]
fn bad_queries_are_refused_with_the_place() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    for (expr, place) in [
        ("sum(rate(x[5m]", "1:15"),
        ("up{job=~\"(\"}", "("),
        ("x + ", "1:5"),
        ("no_such_function(x)", "no_such_function"),
        ("rate(x)", "1:6"),
    ] {
        for path in ["query", "query_range"] {
            let range = if path == "query" { "" } else { "&start=0&end=60&step=15" };
            let answer = server.get(&format!("/api/v1/{path}?query={}{range}", escape(expr)));
            let json: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((answer.status, &json["errorType"]), (400, &Value::from("bad_data")));
            let error = json["error"].as_str().unwrap();
            assert!(error.contains(place), "{expr}: {error}");
        }
    }
    for path in [
        "query_range?query=up&start=0&end=60&step=0",
        "query_range?query=up&start=60&end=0&step=15",
        "query_range?query=up&start=0&end=100000000&step=1",
        "query_range?query=up&start=x&end=60&step=15",
        "query?query=up&time=yesterday",
        "query",
        "series",
        "label/__name__/values?start=x",
    ] {
        let answer = server.get(&format!("/api/v1/{path}"));
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &json["errorType"]), (400, &Value::from("bad_data")), "{path}");
    }
    server.stop();
}

#[track_caller]
fn one_clear_line(refusal: &Refusal, told: &[&str]) {
    assert_eq!(refusal.code, Some(1), "{refusal:?}");
    let lines: Vec<&str> = refusal.text.lines().filter(|l| !l.trim().is_empty()).collect();
    let last = lines.last().copied().unwrap_or("");
    for word in told {
        assert!(last.contains(word), "{word:?} is not in the last line: {refusal:?}");
    }
    let errors = lines.iter().filter(|l| l.to_ascii_lowercase().contains("error")).count();
    assert!(errors <= 1, "more than one line: {}", refusal.text);
    assert!(!refusal.text.contains("panicked"), "{}", refusal.text);
}

#[test]
fn a_port_that_is_taken_stops_the_start() {
    let home = Home::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let refusal = home.refuse(&home.path("data"), port, &["--bare"]);
    one_clear_line(&refusal, &[&port.to_string()]);
}

#[test]
fn a_directory_of_another_instance_is_left_alone() {
    let home = Home::new();
    let server = home.start(&["--bare"]);
    let refusal = home.refuse(&home.path("data"), free_port(), &["--bare"]);
    one_clear_line(&refusal, &["data"]);
    assert_eq!(server.get("/-/ready").status, 200);
    server.stop();
}

#[test]
fn a_directory_that_cannot_be_used_stops_the_start() {
    let home = Home::new();
    home.write("file", "not a directory");
    let refusal = home.refuse(&home.path("file"), free_port(), &["--bare"]);
    one_clear_line(&refusal, &["file"]);
    let refusal = home.refuse(Path::new("/proc/nowhere/data"), free_port(), &["--bare"]);
    one_clear_line(&refusal, &["/proc/nowhere"]);
    let closed = home.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&closed).is_ok() {
        println!("skipped: permissions do not hold for root");
    } else {
        let refusal = home.refuse(&closed.join("data"), free_port(), &["--bare"]);
        one_clear_line(&refusal, &["closed"]);
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn listening_elsewhere_without_users_is_refused_with_the_way_out() {
    let home = Home::new();
    let mut command = std::process::Command::new(crate::plimsoll::binary());
    command.args(["serve", "--bare", "--listen", "0.0.0.0:0", "--data-dir"]);
    let out = command.arg(home.path("data")).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(matches!(out.status.code(), Some(1 | 2)), "{told}");
    assert!(told.contains("serve.allow_anonymous"), "{told}");
    assert!(!home.path("data").join("wal").exists());
}
