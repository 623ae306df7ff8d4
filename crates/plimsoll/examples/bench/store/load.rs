//! Sections about load: series that come and go, a steady stream, sealed files, a log left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_model::{
    Grid, Hint, LabelBuf, ReadCx, Rows, Scratch, SeriesSource, SourceId, TimeRange,
};
use plimsoll_store::{Config, Mode, SealKey, Store};
use plimsoll_world::{RealDisk, SimClock, SystemChance, World};

use crate::proc;
use crate::rig::{self, DAY, Fleet, line};

fn rss() -> f64 {
    proc::rss_mb(std::process::id())
}

fn cpu() -> f64 {
    proc::cpu_seconds(std::process::id())
}

/// New series of a simulated minute.
const A_MINUTE: usize = 100_000;

pub fn churn() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::at(World::real().clock.wall_ms()));
    let world =
        World { clock: clock.clone(), disk: Arc::new(RealDisk), chance: Arc::new(SystemChance) };
    let config = Config { mode: Mode::Inline, reserve_bytes: Some(0), ..Config::default() };
    let store = Store::open(world.clone(), dir.path(), config).unwrap();
    let mut steady = Fleet::new("steady", 1_000, false);
    let mut twelve_seconds = |minute: Option<usize>| {
        clock.advance(Duration::from_secs(12));
        let now = world.clock.wall_ms();
        steady.fill(&store, now, now + 1, 1);
        if let Some(minute) = minute {
            pods(&store, minute * A_MINUTE..(minute + 1) * A_MINUTE, now);
        }
        store.tick();
    };
    let flush = || {
        store.flush_now().unwrap();
        store.maintain().unwrap();
    };
    let figure = |what: &str, wanted: &str| {
        let (rss, stats) = (rss(), store.stats());
        line(what, format!("{rss:.0} MB"), wanted);
        let (head, cache) = (stats.head_bytes as f64 / 1e6, stats.cache.bytes as f64 / 1e6);
        let (series, parts) = (stats.series, stats.parts);
        let figure = format!("{series} / {head:.0} MB / {cache:.0} MB / {parts}");
        line("    series / head / page cache / parts", figure, "");
        rss
    };
    (0..10).for_each(|_| twelve_seconds(None));
    flush();
    let base = figure("base: 1,000 steady series, one flush", "");
    let mut peak = base;
    let begun = cpu();
    for minute in 0..10 {
        (0..5).for_each(|_| twelve_seconds(Some(minute)));
        peak = peak.max(rss());
        if minute % 2 == 1 {
            figure(&format!("minute {}, before its flush", minute + 1), "");
            flush();
            peak = peak.max(figure(&format!("minute {}, after its flush", minute + 1), ""));
        }
    }
    let used = cpu() - begun;
    line("peak", format!("{peak:.0} MB"), "");
    line(
        "peak as the system saw it",
        format!("{:.0} MB", proc::peak_rss_mb(std::process::id())),
        "",
    );
    line("CPU per new series", format!("{:.1} us", used / 10.0 / A_MINUTE as f64 * 1e6), "");
    let mut last = base;
    for n in 1..=4 {
        (0..10).for_each(|_| twelve_seconds(None));
        flush();
        std::thread::sleep(Duration::from_millis(200));
        last = figure(&format!("{n} flushes later"), if n == 2 { "near base" } else { "" });
    }
    line("over base at the end", format!("{:+.0} MB", last - base), "");
    let refused: u64 = store.stats().refused.iter().map(|r| r.1).sum();
    line("refused samples", refused.to_string(), "0");
}

/// A sample of each of these series, which live for a minute.
fn pods(store: &Store, numbers: std::ops::Range<usize>, now: i64) {
    let source = SourceId::new("pods");
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(10_000) {
        let labels: Vec<LabelBuf> = some
            .iter()
            .map(|n| {
                let pod = format!(
                    "web-{:07x}-{:05}",
                    n.wrapping_mul(2_654_435_761) % (1 << 28),
                    n % 100_000
                );
                let mut buf = LabelBuf::new();
                let mut pairs = vec![
                    ("__name__", "container_cpu_usage_seconds_total"),
                    ("namespace", "production"),
                    ("node", "worker-07"),
                    ("pod", &pod),
                ];
                buf.set(&mut pairs).unwrap();
                buf
            })
            .collect();
        let values: Vec<[f64; 1]> = some.iter().map(|n| [*n as f64 * 0.01]).collect();
        let time = [now];
        let rows: Vec<Rows<'_>> = labels
            .iter()
            .zip(&values)
            .map(|(l, v)| rig::row(l.as_ref().as_bytes(), &time, v))
            .collect();
        rig::submit(store, &source, &rows);
    }
}

pub fn seeds() {
    for (name, series, batches) in
        [("2,500 series at 10 Hz", 2_500, 1), ("25,000 series at 1 Hz", 25_000, 10)]
    {
        let dir = tempfile::tempdir().unwrap();
        let store = rig::open(dir.path(), Config::default());
        let mut parts: Vec<Fleet> =
            (0..batches).map(|b| Fleet::new(&format!("m{b}"), series / batches, false)).collect();
        // By the plan, not by the clock: who is late and catches up must not send a time twice.
        let first = World::real().clock.wall_ms();
        let mut send = |tick: usize| {
            let now = first + 100 * tick as i64;
            parts[tick % batches].fill(&store, now, now + 1, 1);
        };
        (0..10).for_each(&mut send);
        let (before, begun) = (cpu(), Instant::now());
        let mut memory: f64 = 0.0;
        for tick in 1..=300 {
            let due = Duration::from_millis(tick * 100);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            send(9 + tick as usize);
            memory = memory.max(rss());
        }
        let (used, took) = (cpu() - before, begun.elapsed().as_secs_f64());
        assert_eq!(store.stats().stored, 310 * 2_500, "all that was sent");
        let load = format!("{:.2} %", used / took * 100.0);
        line(&format!("{name}, CPU, sender included"), load, "<= 5 %");
        line(&format!("{name}, RSS at most"), format!("{memory:.0} MB"), "<= 200 MB");
        let before = cpu();
        store.flush_now().unwrap();
        let flush = (cpu() - before) / took * 100.0;
        line(&format!("{name}, CPU of a flush of it all"), format!("{flush:.2} %"), "");
        line(&format!("{name}, RSS after it"), format!("{:.0} MB", rss()), "<= 200 MB");
    }
}

pub fn encryption() {
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (sealed, all) in all.iter_mut().enumerate() {
            all.push(whole_life((sealed == 1).then(|| SealKey::new([7; 32]))));
        }
    }
    let stages = ["ingest", "flush", "merge", "scan", "cold query", "all"];
    for (i, stage) in stages.iter().enumerate() {
        let [off, on] =
            all.each_ref().map(|runs| rig::median(runs.iter().map(|r: &[f64; 6]| r[i]).collect()));
        let figure = format!("{off:.3} / {on:.3} s");
        line(&format!("{stage}, CPU off / on, median of 3"), figure, "");
        let wanted = if *stage == "all" { "<= 1.10" } else { "" };
        line(&format!("{stage}, ratio"), format!("{:.3}", on / off), wanted);
    }
}

/// Cold queries of a store's life.
const QUERIES: usize = 5;

/// CPU seconds of ingest, flushes, merge, scan of 6 M samples, queries over them by a store that was
/// just opened, and of all.
fn whole_life(encryption: Option<SealKey>) -> [f64; 6] {
    let dir = tempfile::tempdir().unwrap();
    let sealed = encryption.is_some();
    let config = Config { encryption, ..rig::config() };
    let store = rig::open(dir.path(), config.clone());
    assert_eq!(dir.path().join("keys.log").exists(), sealed, "sealed or not, as asked");
    let mut fleet = Fleet::new("m", 2_000, false);
    let from = rig::settled() - DAY;
    let (mut marks, mut spent) = (rig::thread_cpu(), [0.0; 6]);
    let mut mark = |stage: usize| {
        let now = rig::thread_cpu();
        spent[stage] += now - marks;
        spent[5] += now - marks;
        marks = now;
    };
    for round in 0..300 {
        let begin = from + round * 150_000;
        fleet.fill(&store, begin, begin + 150_000, 15_000);
        if round % 150 == 149 {
            mark(0);
            store.flush_now().unwrap();
            mark(1);
        }
    }
    store.merge_now().unwrap();
    mark(2);
    let cx = ReadCx::unlimited();
    let selection = store.snapshot().select(&[], &Hint::range(TimeRange::ALL), &cx).unwrap();
    let mut scratch = Scratch::new();
    let mut samples = 0;
    for i in 0..selection.len() {
        samples += selection.read(i, TimeRange::ALL, &mut scratch, &cx).unwrap().times.len();
    }
    assert_eq!(samples, 6_000_000);
    mark(3);
    drop((selection, store));
    let engine = rig::engine();
    let grid = Grid { start: from, end: from + 300 * 150_000, step: 60_000 };
    for _ in 0..QUERIES {
        let store = rig::open(dir.path(), config.clone());
        let before = cpu();
        let answer = rig::range(&engine, &store, "sum by (job) (rate(m[5m]))", grid);
        let used = cpu() - before;
        assert!(answer.stats.samples >= 6_000_000);
        spent[4] += used;
        spent[5] += used;
    }
    spent
}

pub fn replay() {
    let dir = tempfile::tempdir().unwrap();
    let series = 10_000;
    let samples = {
        let store = rig::open(dir.path(), rig::config());
        let mut fleet = Fleet::new("m", series, false);
        let from = World::real().clock.wall_ms() - 1_000 * 15_000;
        let (took, ()) = rig::seconds(|| {
            (0..1_000)
                .for_each(|n| fleet.fill(&store, from + n * 15_000, from + n * 15_000 + 1, 1));
        });
        let stats = store.stats();
        let samples = stats.head_samples as f64;
        line("samples", format!("{:.1} M", samples / 1e6), "10 M");
        line("ingest, generator included", format!("{:.2} M/s", samples / took / 1e6), "");
        line("log", format!("{:.2} B/sample", stats.wal_bytes as f64 / samples), "");
        samples
    };
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let before = cpu();
        let (took, store) = rig::seconds(|| rig::open(dir.path(), rig::config()));
        cpus.push(cpu() - before);
        walls.push(took);
        assert_eq!(store.stats().head_samples as f64, samples);
    }
    let rate = samples / rig::median(walls) / 1e6;
    line("replay, of wall, median of 5", format!("{rate:.2} M/s"), "12 M/s");
    line("replay, of CPU", format!("{:.2} M/s", samples / rig::median(cpus) / 1e6), "");
}
