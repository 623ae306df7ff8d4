//! A disk that fills, on a host of our own making: when it will be full is known after five
//! minutes, and the default rule says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::listener::Webhook;
use crate::load::Chance;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

/// Bytes of the disk, bytes free at the beginning, bytes a second it fills.
const SIZE: f64 = 100e9;
const FREE: f64 = 60e9;
const RATE: f64 = 3e6;

/// How long data is collected before the forecast is judged.
const LEARNING: Duration = Duration::from_secs(300);

const TREE: [(&str, &str); 9] = [
    ("proc/sys/kernel/hostname", "filling\n"),
    ("proc/sys/kernel/osrelease", "6.1.0\n"),
    (
        "proc/stat",
        "cpu  10 0 10 1000 0 0 0 0 0 0\ncpu0 10 0 10 1000 0 0 0 0 0 0\nbtime 1700000000\n",
    ),
    ("proc/loadavg", "0.10 0.10 0.10 1/100 4242\n"),
    ("proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 2000000 kB\nMemAvailable: 3000000 kB\n"),
    ("proc/1/mounts", "/dev/vda1 / ext4 rw,relatime 0 0\n"),
    ("proc/diskstats", " 254 0 vda 1 2 3 4000 5 6 7 8000 9 1000 2000\n"),
    ("proc/uptime", "1000.00 900.00\n"),
    ("proc/sys/fs/file-nr", "640\t0\t9000\n"),
];

/// Free bytes `seconds` after the beginning.
fn free_after(seconds: f64) -> f64 {
    FREE - RATE * seconds
}

#[test]
fn a_disk_that_fills_is_foretold_and_the_default_rule_fires() {
    if !peer::slow("a disk that fills (six minutes)") {
        return;
    }
    let hook = Webhook::start();
    let home = Arc::new(Home::new());
    for (path, text) in TREE {
        home.write(&format!("root/{path}"), text);
    }
    let begun = Instant::now();
    write_sizes(&home, &begun, 0.0);
    let config = format!(
        "collect:\n  host:\n    root: {}\n    filesystem_sizes: {}\nalert:\n  receivers:\n  \
         - name: hook\n    webhook_configs: [{{url: 'http://127.0.0.1:{}/'}}]\n",
        home.path("root").display(),
        home.path("sizes").display(),
        hook.port
    );
    let file = home.write("plimsoll.yml", &config);
    let server = home.start(&["--config", file.to_str().unwrap()]);
    let ended = Arc::new(AtomicBool::new(false));
    let filler = {
        let (home, ended) = (Arc::clone(&home), Arc::clone(&ended));
        std::thread::spawn(move || {
            let mut chance = Chance::new(11);
            while !ended.load(Ordering::Relaxed) {
                write_sizes(&home, &begun, chance.unit() - 0.5);
                std::thread::park_timeout(Duration::from_millis(500));
            }
        })
    };
    let _learned = wait_for(LEARNING, || None::<()>);
    judge(&server, &begun);
    let firing = "ALERTS{alertname=\"HostDiskFilling\",alertstate=\"firing\",mountpoint=\"/\"}";
    let fired = wait_for(Duration::from_secs(90), || server.query(firing).pop());
    assert!(fired.is_some(), "no alert: {}", server.data("/api/v1/alerts"));
    let told = wait_for(Duration::from_secs(90), || hook.states("HostDiskFilling").pop());
    assert_eq!(told.as_deref(), Some("firing"));
    ended.store(true, Ordering::Relaxed);
    filler.join().unwrap();
    server.stop();
}

/// The sizes as of now, with a few megabytes of noise.
fn write_sizes(home: &Home, begun: &Instant, noise: f64) {
    let free = free_after(begun.elapsed().as_secs_f64()) + noise * 4e6;
    home.write("sizes", &format!("/ {SIZE} {free:.0} {free:.0} 1000000 900000\n"));
}

/// The median within a quarter of the truth, as soon as it is there (the first look may be due).
#[track_caller]
fn judge(server: &Plimsoll, begun: &Instant) {
    let expr = "plimsoll_time_to_limit_seconds{resource=\"disk\",quantile=\"0.5\"}";
    let found = wait_for(Duration::from_secs(45), || server.query(expr).pop());
    let found = found.unwrap_or_else(|| panic!("no forecast: {}", overview(server)));
    let truth = free_after(begun.elapsed().as_secs_f64()) / RATE;
    let ratio = found.last() / truth;
    println!("time to full {:.0} s, in truth {truth:.0} s", found.last());
    assert!((0.75..=1.25).contains(&ratio), "{:.0} s, in truth {truth:.0} s", found.last());
}

fn overview(server: &Plimsoll) -> String {
    server.get("/api/plimsoll/v1/overview").text()
}
