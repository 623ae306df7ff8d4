//! Debian's node_exporter and Plimsoll's host collector beside it: over a minute they agree within
//! 2 %.
//!
//! node_exporter is asked several times a second and its values are interpolated to the moments at
//! which Plimsoll collected, so that what is compared is what was read and not when. A counter that
//! leaps between two of its readings (a second's worth of written pages goes out at once) cannot be
//! interpolated: there Plimsoll's increase must lie between those that the readings around allow.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::http::Client;
use crate::load::now_ms;
use crate::peer;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::{Process, free_port, wait_for};

const MINUTE: Duration = Duration::from_secs(66);
const TOLERANCE: f64 = 0.02;

/// For how long the kernel works in each round of exercise, and then a program: each about eight seconds in the minute.
const BUSY: Duration = Duration::from_millis(30);

/// What is compared: metric, labels that must be the same to be summed apart, and the increase
/// below which a difference of one reading is more than the tolerance.
const COUNTERS: [(&str, &str, f64); 5] = [
    ("node_cpu_seconds_total", "mode", 3.0),
    ("node_disk_read_bytes_total", "device", 4e6),
    ("node_disk_written_bytes_total", "device", 4e6),
    ("node_network_receive_bytes_total", "device", 2e5),
    ("node_network_transmit_bytes_total", "device", 2e5),
];

const GAUGES: [&str; 4] = [
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_Cached_bytes",
];

/// Readings over time by (metric, value of the telling label).
type Readings = BTreeMap<(String, String), Vec<(i64, f64)>>;

/// Reads one exposition: sums per metric and telling label.
fn note(text: &str, time: i64, out: &mut Readings) {
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let Some((left, value)) = line.rsplit_once(' ') else { continue };
        let (name, labels) = left.split_once('{').unwrap_or((left, ""));
        let by = COUNTERS.iter().find(|c| c.0 == name).map(|c| c.1);
        if by.is_none() && !GAUGES.contains(&name) {
            continue;
        }
        let told = by.and_then(|by| labels.split(&format!("{by}=\"")).nth(1));
        let told = told.and_then(|rest| rest.split('"').next()).unwrap_or("");
        *sums.entry((name.to_owned(), told.to_owned())).or_default() +=
            value.parse().unwrap_or(f64::NAN);
    }
    for (key, sum) in sums {
        out.entry(key).or_default().push((time, sum));
    }
}

/// Makes the disk, the network and the processor do something worth comparing, however fast the
/// machine and whatever else runs on it: the processor is kept busy for a time, not for a task.
fn exercise(home: &Home, round: u64) {
    let file = home.path("exercise");
    std::fs::write(&file, vec![round as u8; 1 << 20]).unwrap();
    let _synced = std::fs::File::open(&file).and_then(|f| f.sync_all());
    let mut zeros = std::fs::File::open("/dev/zero").unwrap();
    let mut block = vec![0; 1 << 20];
    let begun = Instant::now();
    while begun.elapsed() < BUSY {
        zeros.read_exact(&mut block).unwrap();
    }
    let begun = Instant::now();
    let mut sum = round;
    while begun.elapsed() < BUSY {
        for n in 0..10_000 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(n));
        }
    }
}

/// What Plimsoll collected, in the same form.
fn collected(server: &Plimsoll) -> Readings {
    let mut out = Readings::new();
    let by = COUNTERS.iter().map(|c| (c.0, c.1)).chain(GAUGES.iter().map(|g| (*g, "")));
    for (name, by) in by {
        let mut sums: BTreeMap<(String, i64), f64> = BTreeMap::new();
        for series in server.query(&format!("{name}{{job=\"host\"}}[5m]")) {
            for (time, value) in &series.points {
                *sums.entry((series.label(by).to_owned(), *time)).or_default() += value;
            }
        }
        for ((told, time), sum) in sums {
            out.entry((name.to_owned(), told)).or_default().push((time, sum));
        }
    }
    out
}

/// What node_exporter's readings say of a moment between two of them.
struct Around {
    before: f64,
    interpolated: f64,
    after: f64,
}

fn around(readings: &[(i64, f64)], time: i64) -> Option<Around> {
    let after = readings.partition_point(|r| r.0 < time);
    let (b, a) = (readings.get(after)?, readings.get(after.checked_sub(1)?)?);
    let share = (time - a.0) as f64 / (b.0 - a.0).max(1) as f64;
    Some(Around { before: a.1, interpolated: a.1 + (b.1 - a.1) * share, after: b.1 })
}

#[test]
fn node_exporter_and_plimsoll_agree() {
    if !peer::slow("agreement with node_exporter (a minute)") {
        return;
    }
    let Some(program) = peer::program("prometheus-node-exporter") else { return };
    let home = Home::new();
    let port = free_port();
    let mut command = Command::new(program);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let _exporter = Process::start(&mut command, &home.path("exporter.log"));
    peer::listens(port);
    let server = home.start(&[]);
    let mut client = Client::new(port);
    let mut theirs = Readings::new();
    let (begun, mut round) = (Instant::now(), 0);
    let _minute = wait_for(MINUTE, || {
        round += 1;
        if round % 4 == 1 {
            exercise(&home, round);
            let before = now_ms();
            let text = client.get("/metrics").unwrap().text();
            note(&text, before + (now_ms() - before) / 2, &mut theirs);
        }
        None::<()>
    });
    let ours = collected(&server);
    println!("{round} looks in {:.0} s", begun.elapsed().as_secs_f64());
    let mut compared = 0;
    for (name, _, floor) in COUNTERS {
        compared += counters_agree(name, floor, &ours, &theirs);
    }
    for name in GAUGES {
        gauge_agrees(name, &ours, &theirs);
    }
    assert!(compared >= 4, "only {compared} counters moved enough to compare");
    server.stop();
}

/// Compares the increase of each series between Plimsoll's first and last reading.
#[track_caller]
fn counters_agree(name: &str, floor: f64, ours: &Readings, theirs: &Readings) -> u32 {
    let mut compared = 0;
    for ((metric, told), our) in ours.iter().filter(|((metric, _), _)| metric == name) {
        let Some(their) = theirs.get(&(metric.clone(), told.clone())) else {
            println!("{name} {told}: only here");
            continue;
        };
        let inside: Vec<_> =
            our.iter().filter_map(|(t, v)| Some((*t, *v, around(their, *t)?))).collect();
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            panic!("{name} {told}: no reading between theirs: {our:?}");
        };
        assert!(last.0 - first.0 >= 45_000, "{name} {told}: only {} ms", last.0 - first.0);
        let we = last.1 - first.1;
        let they = last.2.interpolated - first.2.interpolated;
        let least = last.2.before - first.2.after;
        let most = last.2.after - first.2.before;
        let apart = (we - they).abs().min((least - we).max(we - most).max(0.0));
        let off = apart / they.max(floor);
        println!(
            "{name} {told}: {we:.2} here, {they:.2} ({least:.2} to {most:.2}) there: {:.2} %",
            off * 100.0
        );
        assert!(off < TOLERANCE, "{name} {told}: {we} here, {they} there");
        compared += u32::from(they >= floor);
    }
    compared
}

/// Compares the means over the minute.
#[track_caller]
fn gauge_agrees(name: &str, ours: &Readings, theirs: &Readings) {
    let key = (name.to_owned(), String::new());
    let (our, their) = (&ours[&key], &theirs[&key]);
    let pairs: Vec<_> =
        our.iter().filter_map(|(t, v)| Some((*v, around(their, *t)?.interpolated))).collect();
    assert!(pairs.len() >= 8, "{name}: only {} readings", pairs.len());
    let we: f64 = pairs.iter().map(|p| p.0).sum();
    let they: f64 = pairs.iter().map(|p| p.1).sum();
    println!("{name}: {:.2} % apart", (we - they).abs() / they * 100.0);
    assert!((we - they).abs() / they < TOLERANCE, "{name}: {we} here, {they} there");
}
