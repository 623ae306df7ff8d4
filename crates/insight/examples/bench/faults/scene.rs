//! A scene: an estate with a fault of known cause, at least three bystanders, and the alert that fired.
//!
//! The estate lives through the same hours a week ago, a day ago and now. The symptom is an alert that fires
//! with the fault and does not without it, all chance being the same. Bystanders are events of the same kinds
//! elsewhere, about the same time; what the fault does downstream comes on top by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::{Batch, Canonical, Labels, MemorySource, Rows, SampleSink, SourceId};

use super::chance::Chance;
use super::estate::{APP_HOSTS, Book, Estate, metrics, pushed};
use super::events::{Event, Kind};

/// The last sample of all scenes is near this, ms: a working day at 11:00.
const NOON: i64 = 1_763_636_400_000;
const STEP_MS: i64 = 15_000;
const DAY_MS: i64 = 86_400_000;
/// Steps of a segment: three hours.
const STEPS: usize = 720;
/// Steps before anything is written.
const WARM: usize = 60;
/// The fault begins at about this step.
const FAULT: usize = 600;

const FAULTS: [Kind; 13] = [
    Kind::CpuHog,
    Kind::MemoryLeak,
    Kind::DiskSlow,
    Kind::PacketLoss,
    Kind::Deploy,
    Kind::PoolLeak,
    Kind::CacheFlush,
    Kind::NoisyNeighbour,
    Kind::SlowQuery,
    Kind::ClockStep,
    Kind::ConsumerStall,
    Kind::FdLeak,
    Kind::Traffic,
];

/// A scene ready to be looked at.
pub struct Scene {
    pub kind: Kind,
    pub source: Arc<MemorySource>,
    pub series: usize,
    /// The alert's expression without its threshold, and its labels.
    pub query: String,
    pub labels: BTreeMap<String, String>,
    /// When the fault began and when the alert fired, ms.
    pub fault_at: i64,
    pub alert_at: i64,
    /// Series that are the cause.
    pub causes: Vec<Labels>,
    pub bystanders: Vec<Kind>,
}

/// What an alert looks at.
#[derive(Clone, Copy)]
enum Symptom {
    Latency(usize),
    Errors(usize),
    Depth(usize),
}

struct Plan {
    estate_seed: u64,
    fault: Event,
    symptom: Symptom,
    bystanders: Vec<Event>,
    daily: Event,
}

/// The scene of a seed.
pub fn scene(seed: u64) -> Scene {
    let kind = FAULTS[(seed % 13) as usize];
    for attempt in 0..24 {
        let mut chance = Chance::new(seed.wrapping_mul(1_000_003) + attempt);
        let size = [0.8, 1.0, 1.3, 1.7][chance.below(4)] * (1.0 + attempt as f64 / 4.0);
        let plan = plan(kind, seed, attempt, size, &mut chance);
        let (source, fired) = live(&plan, seed);
        if let Some((book_causes, alert_at, series)) = fired {
            return told(plan, source, book_causes, alert_at, series);
        }
    }
    panic!("no scene for seed {seed}: its fault never shows");
}

fn plan(kind: Kind, seed: u64, attempt: u64, size: f64, chance: &mut Chance) -> Plan {
    let estate_seed = seed.wrapping_mul(7_919) + attempt;
    let estate = Estate::new(&mut Chance::new(estate_seed));
    let s = chance.below(estate.services.len());
    let service = &estate.services[s];
    let own = service.instances[chance.below(3)];
    let host = estate.instances[own].host;
    let begin = FAULT + chance.below(40);
    let (target, symptom) = match kind {
        Kind::CpuHog => (host, Symptom::Latency(s)),
        Kind::MemoryLeak | Kind::PoolLeak => (own, Symptom::Latency(s)),
        Kind::DiskSlow => (estate.dbs[service.db].host, Symptom::Latency(s)),
        Kind::PacketLoss => (host, Symptom::Errors(s)),
        Kind::Deploy => (s, Symptom::Errors(s)),
        Kind::CacheFlush => (service.cache, Symptom::Latency(s)),
        Kind::SlowQuery => (service.db, Symptom::Latency(s)),
        Kind::ClockStep => (host, Symptom::Errors(s)),
        Kind::FdLeak => (own, Symptom::Errors(s)),
        Kind::ConsumerStall => {
            let q = chance.below(estate.queues.len());
            (q, Symptom::Depth(q))
        }
        Kind::NoisyNeighbour => {
            let is_neighbour =
                |i: &usize| estate.instances[*i].host == host && estate.instances[*i].service != s;
            let all: Vec<usize> = (0..estate.instances.len()).filter(is_neighbour).collect();
            (all.get(chance.below(all.len().max(1))).copied().unwrap_or(own), Symptom::Latency(s))
        }
        // A service that it calls.
        _ => (service.calls.first().map_or(s, |c| c.0), Symptom::Latency(s)),
    };
    let begin = match kind {
        Kind::MemoryLeak => begin - 100,
        Kind::FdLeak => begin - 50,
        _ => begin,
    };
    let size = if kind == Kind::Traffic { 2.5 * size } else { size };
    let fault = Event::new(kind, target, begin, size);
    // Elsewhere: not on its hosts, not its databases, not what it calls.
    let is_apart = |other: usize| {
        let o = &estate.services[other];
        other != s
            && o.db != service.db
            && service.calls.iter().all(|c| c.0 != other)
            && o.calls.iter().all(|c| c.0 != s)
    };
    let apart: Vec<usize> = (0..estate.services.len()).filter(|o| is_apart(*o)).collect();
    let hosts: Vec<usize> = (0..APP_HOSTS)
        .filter(|h| service.instances.iter().all(|&i| estate.instances[i].host != *h))
        .collect();
    let about = |chance: &mut Chance| FAULT + chance.below(40) + chance.below(30) - 12;
    let mut bystanders = Vec::new();
    let wave = about(chance);
    for _ in 0..3 {
        let on = apart[chance.below(apart.len())];
        let size = chance.between(0.4, 1.2);
        bystanders.push(Event::new(Kind::Traffic, on, wave, size));
    }
    let on = hosts[chance.below(hosts.len())];
    bystanders.push(Event::new(Kind::Batch, on, about(chance), chance.between(0.7, 1.3)));
    let mut deploy = Event::new(Kind::Deploy, apart[chance.below(apart.len())], about(chance), 0.0);
    deploy.ramp = 1;
    bystanders.push(deploy);
    let on = APP_HOSTS + (service.db + 1 + chance.below(3)) % 4;
    bystanders.push(Event::new(Kind::Backup, on, about(chance), chance.between(0.7, 1.3)));
    let extra =
        [Kind::CacheFlush, Kind::SlowQuery, Kind::ClockStep, Kind::PacketLoss][chance.below(4)];
    let target = match extra {
        Kind::CacheFlush => (service.cache + 1 + chance.below(2)) % 3,
        Kind::SlowQuery => (service.db + 1 + chance.below(3)) % 4,
        _ => hosts[chance.below(hosts.len())],
    };
    bystanders.push(Event::new(extra, target, about(chance), chance.between(0.6, 1.2)));
    // Every day at this time, on a host of the service itself: a batch job that harms nobody.
    let daily = Event::new(Kind::Batch, host, about(chance), 0.45).lasting(60);
    Plan { estate_seed, fault, symptom, bystanders, daily }
}

type Fired = (Vec<Labels>, i64, usize);

/// Lives through the three segments; `None` when the alert does not fire, or does without the fault.
fn live(plan: &Plan, seed: u64) -> (Arc<MemorySource>, Option<Fired>) {
    let source = Arc::new(MemorySource::new());
    let end_of = |days: i64| NOON - days * DAY_MS;
    let now_seed = seed.wrapping_mul(31) + 3;
    let mut events = plan.bystanders.clone();
    let calm = run(plan, &mut events, now_seed, end_of(0), None);
    let mut events = plan.bystanders.clone();
    events.push(plan.fault.clone());
    let (levels, book, _) = run(plan, &mut events, now_seed, end_of(0), Some(STEPS));
    let Some(fired) = fires(&levels, plan.fault.from) else { return (source, None) };
    if fires(&calm.0, plan.fault.from.saturating_sub(60)).is_some_and(|at| at <= fired + 20) {
        return (source, None);
    }
    let fired_after = fired - plan.fault.from;
    if fired_after > 160 || fired + 2 >= STEPS {
        return (source, None);
    }
    let alert = fired + 2;
    let names = book.names.clone();
    write(&source, &book, end_of(0), alert + 1);
    for days in [1, 7] {
        let (_, book, _) = run(plan, &mut [], now_seed + days as u64, end_of(days), Some(STEPS));
        write(&source, &book, end_of(days), STEPS);
    }
    let at = at_of(end_of(0), alert);
    (source, Some((causes(plan, &names), at, names.len())))
}

fn at_of(end: i64, step: usize) -> i64 {
    end - STEP_MS * (STEPS as i64 - 1 - step as i64)
}

type Lived = (Vec<f64>, Book, ());

/// One segment: the symptom's level at every step, and what was written.
fn run(plan: &Plan, events: &mut [Event], seed: u64, end: i64, written: Option<usize>) -> Lived {
    let mut estate = Estate::new(&mut Chance::new(plan.estate_seed));
    let (mut world, mut told) = (Chance::new(seed), Chance::new(seed ^ 0x5555));
    let mut daily = [plan.daily.clone()];
    let mut book = Book::new();
    let (mut levels, mut level) = (Vec::with_capacity(STEPS), f64::NAN);
    for step in 0..STEPS + WARM {
        let at = at_of(end, 0) + (step as i64 - WARM as i64) * STEP_MS;
        let day = at.rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
        let own = step.wrapping_sub(WARM);
        // The fault draws chance of its own: without it all else is the same.
        let mut shaken = Chance::new(seed ^ (step as u64) << 8);
        let mut all: Vec<Event> = daily.iter().cloned().chain(events.iter().cloned()).collect();
        let push = pushed(&estate, &mut all, if step < WARM { 0 } else { own }, &mut shaken);
        for (event, new) in daily.iter_mut().chain(events.iter_mut()).zip(all) {
            *event = new;
        }
        estate.step(day, &push, &mut world);
        if step < WARM {
            continue;
        }
        let now = match plan.symptom {
            Symptom::Latency(s) => estate.services[s].latency,
            Symptom::Errors(s) => estate.services[s].errors,
            Symptom::Depth(q) => estate.queues[q].depth,
        };
        level = if level.is_nan() { now } else { level + 0.4 * (now - level) };
        levels.push(level);
        if written.is_some() {
            metrics::tell(&estate, &push, at as f64 / 1e3, day, &mut book, &mut told);
        }
    }
    (levels, book, ())
}

/// When an alert on a level would fire: two minutes above what it was in the first two hours.
fn fires(levels: &[f64], from: usize) -> Option<usize> {
    let calm = &levels[60..460];
    let mean = calm.iter().sum::<f64>() / calm.len() as f64;
    let spread = (calm.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / calm.len() as f64).sqrt();
    let limit = (mean + 6.0 * spread).max(1.35 * mean);
    (from.max(468)..levels.len()).find(|&i| levels[i - 7..=i].iter().all(|v| *v > limit))
}

fn write(source: &MemorySource, book: &Book, end: i64, steps: usize) {
    let id = SourceId::new("bed");
    for (name, floats) in book.names.iter().zip(&book.floats) {
        let (times, floats): (Vec<i64>, Vec<f64>) = floats[..steps]
            .iter()
            .enumerate()
            .filter(|(_, v)| v.is_finite())
            .map(|(i, v)| (at_of(end, i), *v))
            .unzip();
        if times.is_empty() {
            continue;
        }
        let rows = [Rows {
            fp: Some(name.fp()),
            raw: name.as_ref().as_bytes(),
            times: &times,
            floats: &floats,
            ..Rows::default()
        }];
        let batch = Batch { source: &id, decode: &Canonical, rows: &rows, metadata: &[] };
        source.submit(batch).wait().expect("memory takes everything");
    }
}

/// The series that are the fault itself, before anything follows from it.
fn causes(plan: &Plan, names: &[Labels]) -> Vec<Labels> {
    let estate = Estate::new(&mut Chance::new(plan.estate_seed));
    let at = plan.fault.target;
    let node = |h: usize| format!("{}:9100", estate.hosts[h].name);
    let of = |metrics: &[&str], label: &str, value: &str, more: &[(&str, &str)]| -> Vec<Labels> {
        let fits = |l: &&Labels| {
            metrics.contains(&l.metric())
                && l.get(label) == Some(value)
                && more.iter().all(|(n, v)| l.get(n) == Some(*v))
        };
        names.iter().filter(fits).cloned().collect()
    };
    match plan.fault.kind {
        Kind::CpuHog => {
            let host = node(at);
            let group = [("groupname", "batch")];
            let mut all =
                of(&["namedprocess_namegroup_cpu_seconds_total"], "instance", &host, &group);
            all.extend(of(&["node_cpu_seconds_total"], "instance", &host, &[("mode", "user")]));
            all.extend(of(&["node_cpu_seconds_total"], "instance", &host, &[("mode", "idle")]));
            all
        }
        Kind::MemoryLeak => {
            let metrics = ["process_resident_memory_bytes", "runtime_heap_used_bytes"];
            of(&metrics, "instance", &estate.instances[at].address, &[])
        }
        Kind::DiskSlow => {
            let metrics = ["node_disk_io_time_seconds_total", "node_disk_read_time_seconds_total"];
            of(&metrics, "instance", &node(at), &[("device", "sda")])
        }
        Kind::PacketLoss => of(&["node_netstat_Tcp_RetransSegs"], "instance", &node(at), &[]),
        Kind::Deploy => {
            let service = estate.services[at].name;
            let mut all =
                of(&["app_build_info", "process_start_time_seconds"], "service", service, &[]);
            all.sort();
            all
        }
        Kind::PoolLeak => {
            of(&["pool_connections_in_use"], "instance", &estate.instances[at].address, &[])
        }
        Kind::CacheFlush => {
            let metrics = ["redis_keys", "redis_evicted_keys_total", "redis_memory_used_bytes"];
            of(&metrics, "instance", &estate.caches[at].name, &[])
        }
        Kind::NoisyNeighbour => {
            let metrics = [
                "http_requests_total",
                "http_request_duration_seconds_count",
                "process_cpu_seconds_total",
            ];
            let address = &estate.instances[at].address;
            let mut all = of(&metrics, "instance", address, &[]);
            all.retain(|l| l.get("code") != Some("500"));
            all
        }
        Kind::SlowQuery => {
            let metrics = ["pg_rows_read_total", "pg_slow_queries_total"];
            of(&metrics, "instance", &estate.dbs[at].name, &[])
        }
        Kind::ClockStep => of(&["node_timex_offset_seconds"], "instance", &node(at), &[]),
        Kind::ConsumerStall => {
            of(&["queue_delivered_total"], "queue", &estate.queues[at].name, &[])
        }
        Kind::FdLeak => of(&["process_open_fds"], "instance", &estate.instances[at].address, &[]),
        _ => {
            let metrics =
                ["http_requests_total", "http_request_duration_seconds_count", "lb_requests_total"];
            let mut all = of(&metrics, "service", estate.services[at].name, &[]);
            all.retain(|l| l.get("code") != Some("500"));
            all
        }
    }
}

fn told(
    plan: Plan,
    source: Arc<MemorySource>,
    causes: Vec<Labels>,
    alert_at: i64,
    series: usize,
) -> Scene {
    let estate = Estate::new(&mut Chance::new(plan.estate_seed));
    let name = |s: usize| estate.services[s].name;
    let by = |s: usize, metric: &str, more: &str| {
        format!("sum by (service) (rate({metric}{{service=\"{}\"{more}}}[1m]))", name(s))
    };
    let (query, label, value) = match plan.symptom {
        Symptom::Latency(s) => {
            let sum = by(s, "http_request_duration_seconds_sum", "");
            let count = by(s, "http_request_duration_seconds_count", "");
            (format!("{sum} / {count}"), "service", name(s).to_owned())
        }
        Symptom::Errors(s) => {
            let bad = by(s, "http_requests_total", ",code=\"500\"");
            let all = by(s, "http_requests_total", "");
            (format!("{bad} / {all}"), "service", name(s).to_owned())
        }
        Symptom::Depth(q) => {
            let queue = &estate.queues[q].name;
            (format!("queue_depth{{queue=\"{queue}\"}}"), "queue", queue.clone())
        }
    };
    let labels =
        [("alertname", "Symptom".to_owned()), ("severity", "page".to_owned()), (label, value)];
    Scene {
        kind: plan.fault.kind,
        source,
        series,
        query,
        labels: labels.into_iter().map(|(n, v)| (n.to_owned(), v)).collect(),
        fault_at: at_of(NOON, plan.fault.from),
        alert_at,
        causes,
        bystanders: plan.bystanders.iter().map(|e| e.kind).collect(),
    }
}
