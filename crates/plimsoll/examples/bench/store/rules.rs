//! Section about what is asked again and again: the expressions of 10,000 rules over 100,000 series.
//! CPU seconds of a round, as queries that keep nothing and as queries that keep their selections.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_alert::config::Config;
use plimsoll_alert::{Alerting, Prepared, Setup, read_rules};
use plimsoll_model::{Labels, ReadCx, Rows, SampleSink, SeriesSource, SourceId};
use plimsoll_query::{Engine, Features, KeptStats, Query, Value};
use plimsoll_records::SqliteRecords;
use plimsoll_store::Store;
use plimsoll_world::{Clock, SimClock};

use crate::proc;
use crate::rig::{self, line};

const METRICS: usize = 100;
const JOBS: usize = 10;
/// Of each job.
const INSTANCES: usize = 100;
const STEP_MS: i64 = 15_000;
/// Rules of a group; each group takes a snapshot of its own.
const GROUP: usize = 100;
const ROUNDS: usize = 6;

pub fn rules() {
    let dir = tempfile::tempdir().unwrap();
    let store = rig::open(dir.path(), rig::config());
    let series = series();
    let mut at = rig::settled() + rig::DAY;
    for _ in 0..40 {
        at += STEP_MS;
        scrape(&store, &series, at);
    }
    let engine = rig::engine();
    let mut most = KeptStats::default();
    for (kind, texts) in kinds() {
        let once: Vec<Query> = texts.iter().map(|t| engine.parse(t).unwrap()).collect();
        let kept: Vec<Query> = once.iter().map(|q| engine.keep(q)).collect();
        round(&engine, &store, &kept, at);
        let mut used = [0.0; 2];
        let mut elements = [0; 2];
        for _ in 0..ROUNDS {
            at += STEP_MS;
            scrape(&store, &series, at);
            for (i, queries) in [&once, &kept].into_iter().enumerate() {
                let before = proc::own_cpu_seconds();
                elements[i] = round(&engine, &store, queries, at);
                used[i] += proc::own_cpu_seconds() - before;
            }
        }
        assert_eq!(elements[0], elements[1]);
        let [once, again] = used.map(|s| s / ROUNDS as f64);
        let n = texts.len();
        line(&format!("{n} x {kind}"), format!("{once:.3} s, kept {again:.3}"), "");
        most = engine.kept_stats();
    }
    let all = kinds().pop().map(|k| k.1).unwrap_or_default();
    alerting(&store, &series, &all, at, dir.path());
    line("selections kept of all kinds", format!("{}", most.selections), "");
    line("    bytes", format!("{:.1} MB", most.bytes as f64 / 1e6), "64 MiB at most");
    let (hits, misses) = store.stats().prepared;
    line("    used again / made anew", format!("{hits} / {misses}"), "");
}

/// The same expressions as rules of an alerting that ticks: sums are recorded, the others alert.
fn alerting(store: &Store, series: &[Labels], texts: &[String], mut at: i64, dir: &Path) {
    let mut file = String::from("groups:\n");
    for (i, group) in texts.chunks(GROUP).enumerate() {
        writeln!(file, "- name: g{i}\n  rules:").unwrap();
        for (j, text) in group.iter().enumerate() {
            let kind = if text.starts_with("sum") { "record: r:" } else { "alert: A" };
            writeln!(file, "  - {kind}{i}_{j}\n    expr: '{text}'").unwrap();
        }
    }
    let groups = read_rules("rules.yml", &file, STEP_MS, &Features::default()).unwrap();
    let clock = Arc::new(SimClock::at(at));
    let store = Arc::new(store.clone());
    let setup = Setup {
        engine: Arc::new(rig::engine()),
        source: Arc::clone(&store) as Arc<dyn SeriesSource>,
        sink: Arc::clone(&store) as Arc<dyn SampleSink>,
        records: Arc::new(SqliteRecords::open(&dir.join("records.db")).unwrap()),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        arm: Arc::new(|_, _| {}),
    };
    let alerting = Alerting::open(setup, Prepared { config: Config::default(), groups }).unwrap();
    alerting.tick();
    let mut used = 0.0;
    for _ in 0..ROUNDS {
        at += STEP_MS;
        clock.advance(Duration::from_millis(STEP_MS as u64));
        scrape(&store, series, at);
        let before = proc::own_cpu_seconds();
        alerting.tick();
        used += proc::own_cpu_seconds() - before;
    }
    let n = texts.len();
    line(&format!("{n} rules, a tick of alerting"), format!("{:.3} s", used / ROUNDS as f64), "");
}

/// Evaluates everything once; the number of elements of all answers.
fn round(engine: &Engine, store: &Store, queries: &[Query], at: i64) -> usize {
    let mut elements = 0;
    for group in queries.chunks(GROUP) {
        let snapshot = store.snapshot();
        for query in group {
            let cx = ReadCx::with_budget(engine.budget());
            let answer = engine.instant(&snapshot, query, at, &cx).unwrap();
            let Value::Vector(found) = answer.value else { continue };
            elements += found.len();
        }
    }
    elements
}

/// The expressions, by kind.
fn kinds() -> Vec<(&'static str, Vec<String>)> {
    let each = |n: usize, text: fn(usize, usize) -> String| {
        (0..n).map(|i| text(i % METRICS, i / METRICS)).collect::<Vec<_>>()
    };
    let kinds = vec![
        (
            "rate(m{job, instance}[5m]) > k",
            each(7_000, |m, i| {
                let (job, host) = (i % JOBS, i * 7 % INSTANCES);
                format!(
                    "rate(metric_{m:03}_total{{job=\"job-{job}\",instance=\"host-{job}-{host:03}:9100\"}}[5m]) > 1e9"
                )
            }),
        ),
        ("m{job} == 0", each(1_000, |m, i| format!("metric_{m:03}_total{{job=\"job-{i}\"}} == 0"))),
        (
            "sum by (job) (rate(m{job}[5m]))",
            each(1_000, |m, i| {
                format!("sum by (job) (rate(metric_{m:03}_total{{job=\"job-{i}\"}}[5m]))")
            }),
        ),
        (
            "avg_over_time(m{job, instance=~}[5m]) > k",
            each(900, |m, i| {
                format!(
                    "avg_over_time(metric_{m:03}_total{{job=\"job-{i}\",instance=~\"host-{i}-0{i}.:.*\"}}[5m]) > 1e15"
                )
            }),
        ),
        (
            "sum by (job) (rate(m[5m]))",
            each(100, |m, _| format!("sum by (job) (rate(metric_{m:03}_total[5m]))")),
        ),
    ];
    let all = kinds.iter().flat_map(|k| k.1.clone()).collect();
    let whole = vec![
        ("{job=~\"job-.\"} == 0", vec!["{job=~\"job-.\"} == 0".to_owned()]),
        ("sum({job=~\"job-.\"})", vec!["sum({job=~\"job-.\"})".to_owned()]),
    ];
    [kinds, whole, vec![("of all kinds", all)]].concat()
}

fn series() -> Vec<Labels> {
    let mut all = Vec::new();
    for job in 0..JOBS {
        for host in 0..INSTANCES {
            for metric in 0..METRICS {
                let name = format!("metric_{metric:03}_total");
                let (job, instance) = (format!("job-{job}"), format!("host-{job}-{host:03}:9100"));
                let pairs = [
                    ("__name__", &*name),
                    ("datacenter", "eu-west-1"),
                    ("instance", &*instance),
                    ("job", &*job),
                ];
                all.push(Labels::new(pairs).unwrap());
            }
        }
    }
    all
}

/// One sample of every series.
fn scrape(store: &Store, series: &[Labels], at: i64) {
    let source = SourceId::new("bench");
    let time = [at];
    for (n, some) in series.chunks(METRICS).enumerate() {
        let values: Vec<[f64; 1]> = (0..some.len())
            .map(|i| [((at / 1000) as f64 * (1 + (n + i) % 50) as f64 / 10.0).floor()])
            .collect();
        let rows: Vec<Rows<'_>> = some
            .iter()
            .zip(&values)
            .map(|(l, v)| Rows { fp: Some(l.fp()), ..rig::row(l.as_ref().as_bytes(), &time, v) })
            .collect();
        rig::submit(store, &source, &rows);
    }
}
