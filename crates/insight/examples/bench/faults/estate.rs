//! An estate that works: hosts, services that call each other, databases, caches, queues. Load has seasons
//! and noise; what is slow makes slow what waits for it, a step later.

use plimsoll_model::Labels;

use super::chance::{Chance, Wander};
use super::events::{Event, Push};

/// Seconds of a step.
pub const STEP_S: f64 = 15.0;

const NAMES: [&str; 14] = [
    "web", "checkout", "cart", "catalog", "search", "login", "payment", "orders", "mailer",
    "stock", "pricing", "reviews", "shipping", "images",
];

pub struct Host {
    pub name: String,
    pub cores: f64,
    busy: f64,
    io: f64,
    wait_s: f64,
    quirk: f64,
}

pub struct Service {
    pub name: &'static str,
    base_load: f64,
    amplitude: f64,
    phase: f64,
    cost: f64,
    base_s: f64,
    queries: f64,
    pub db: usize,
    pub cache: usize,
    pub calls: Vec<(usize, f64)>,
    pub instances: Vec<usize>,
    wander: Wander,
    slow: Wander,
    load: f64,
    pub latency: f64,
    pub errors: f64,
}

pub struct Instance {
    pub service: usize,
    pub host: usize,
    pub address: String,
    load: f64,
    latency: f64,
    errors: f64,
    in_use: f64,
    pending: f64,
    gc: f64,
    heap: f64,
    fds: f64,
    started: f64,
    cpu: f64,
    fresh: f64,
}

pub struct Db {
    pub host: usize,
    pub name: String,
    queries: f64,
    latency: f64,
    cpu: f64,
    rows: f64,
    slow: f64,
}

pub struct Cache {
    pub name: String,
    warm: f64,
    hits: f64,
    misses: f64,
    evicted: f64,
}

pub struct Queue {
    pub host: usize,
    pub name: String,
    pub producer: usize,
    pub depth: f64,
    given: f64,
    taken: f64,
    capacity: f64,
}

pub struct Estate {
    pub hosts: Vec<Host>,
    pub services: Vec<Service>,
    pub instances: Vec<Instance>,
    pub dbs: Vec<Db>,
    pub caches: Vec<Cache>,
    pub queues: Vec<Queue>,
}

pub const APP_HOSTS: usize = 18;
const DBS: usize = 4;
const CACHES: usize = 3;
const QUEUES: usize = 4;

impl Estate {
    /// The estate of a seed: who runs where and calls whom.
    pub fn new(chance: &mut Chance) -> Self {
        let count = APP_HOSTS + DBS + CACHES + 2;
        let host = |i: usize, chance: &mut Chance| Host {
            name: match i {
                _ if i < APP_HOSTS => format!("app{:02}", i + 1),
                _ if i < APP_HOSTS + DBS => format!("db{}", i - APP_HOSTS + 1),
                _ if i < APP_HOSTS + DBS + CACHES => format!("cache{}", i - APP_HOSTS - DBS + 1),
                _ => format!("mq{}", i - APP_HOSTS - DBS - CACHES + 1),
            },
            cores: [4.0, 8.0, 8.0, 16.0][chance.below(4)],
            busy: 0.2,
            io: 0.1,
            wait_s: 0.002,
            quirk: chance.between(0.5, 1.5),
        };
        let hosts: Vec<Host> = (0..count).map(|i| host(i, chance)).collect();
        let mut services = Vec::new();
        let mut instances: Vec<Instance> = Vec::new();
        for (s, name) in NAMES.iter().enumerate() {
            let mut calls = Vec::new();
            for _ in 0..chance.below(3) {
                if s + 1 < NAMES.len() {
                    let callee = s + 1 + chance.below(NAMES.len() - s - 1);
                    calls.push((callee, chance.between(0.3, 0.8)));
                }
            }
            let mut own = Vec::new();
            for n in 0..3 {
                let host = chance.below(APP_HOSTS);
                own.push(instances.len());
                instances.push(Instance {
                    service: s,
                    host,
                    address: format!("app{:02}:80{:02}", host + 1, s * 3 + n),
                    load: 0.0,
                    latency: 0.0,
                    errors: 0.0,
                    in_use: 0.0,
                    pending: 0.0,
                    gc: 0.02,
                    heap: 0.4,
                    fds: 200.0,
                    started: 0.0,
                    cpu: 0.0,
                    fresh: 0.0,
                });
            }
            services.push(Service {
                name,
                base_load: chance.between(30.0, 120.0),
                amplitude: chance.between(0.2, 0.5),
                phase: chance.between(-0.2, 0.2),
                cost: chance.between(0.004, 0.012),
                base_s: chance.between(0.015, 0.06),
                queries: chance.between(1.0, 4.0),
                db: chance.below(DBS),
                cache: chance.below(CACHES),
                calls,
                instances: own,
                wander: Wander::default(),
                slow: Wander::default(),
                load: 50.0,
                latency: 0.05,
                errors: 0.001,
            });
        }
        let db = |d| Db {
            host: APP_HOSTS + d,
            name: format!("db{}:9187", d + 1),
            queries: 0.0,
            latency: 0.004,
            cpu: 0.3,
            rows: 0.0,
            slow: 0.0,
        };
        let cache = |c: usize| Cache {
            name: format!("cache{}:9121", c + 1),
            warm: 1.0,
            hits: 0.0,
            misses: 0.0,
            evicted: 0.0,
        };
        let queue = |q: usize, chance: &mut Chance| Queue {
            host: APP_HOSTS + DBS + CACHES + q % 2,
            name: ["mails", "invoices", "thumbnails", "events"][q].to_owned(),
            producer: chance.below(NAMES.len()),
            depth: 20.0,
            given: 0.0,
            taken: 0.0,
            capacity: 120.0,
        };
        Self {
            hosts,
            services,
            instances,
            dbs: (0..DBS).map(db).collect(),
            caches: (0..CACHES).map(cache).collect(),
            queues: (0..QUEUES).map(|q| queue(q, chance)).collect(),
        }
    }

    pub fn push_none(&self) -> Push {
        Push::none(self.hosts.len(), self.services.len(), self.instances.len(), QUEUES)
    }

    /// One step at a time of day (0 to 1).
    pub fn step(&mut self, day: f64, push: &Push, chance: &mut Chance) {
        self.load(day, push, chance);
        self.data(push);
        self.machines(push, chance);
        self.serve(push);
        for (q, queue) in self.queues.iter_mut().enumerate() {
            queue.given = self.services[queue.producer].load * 0.3;
            let wanted = queue.capacity.min(queue.depth / STEP_S + queue.given * 0.9);
            queue.taken = wanted * push.queue_taken[q];
            queue.depth = (queue.depth + (queue.given - queue.taken) * STEP_S).max(0.0);
        }
    }

    fn load(&mut self, day: f64, push: &Push, chance: &mut Chance) {
        let before: Vec<f64> = self.services.iter().map(|s| s.load).collect();
        let calls: Vec<Vec<(usize, f64)>> = self.services.iter().map(|s| s.calls.clone()).collect();
        for (s, service) in self.services.iter_mut().enumerate() {
            let wave = (std::f64::consts::TAU * (day + service.phase)).sin();
            let hourly = 0.08 * (std::f64::consts::TAU * day * 24.0).sin();
            let noise =
                0.05 * service.wander.next(0.8, chance) + 0.04 * service.slow.next(0.99, chance);
            let own = service.base_load * (1.0 + service.amplitude * wave + hourly + noise);
            service.load = own.max(1.0) * push.service_load[s];
        }
        for (s, called) in calls.iter().enumerate() {
            for (callee, share) in called {
                self.services[*callee].load += before[s].min(400.0) * share * 0.5;
            }
        }
        for (i, instance) in self.instances.iter_mut().enumerate() {
            instance.load = self.services[instance.service].load / 3.0 * push.instance_load[i];
        }
    }

    fn data(&mut self, push: &Push) {
        for (c, cache) in self.caches.iter_mut().enumerate() {
            cache.evicted = 0.5;
            if push.cache_flush[c] {
                cache.warm = 0.02;
                cache.evicted = 4_000.0;
            }
            cache.warm += (1.0 - cache.warm) * STEP_S / 700.0;
            (cache.hits, cache.misses) = (0.0, 0.0);
        }
        for db in &mut self.dbs {
            db.queries = 0.0;
        }
        for instance in &self.instances {
            let service = &self.services[instance.service];
            let asked = instance.load * service.queries;
            let hit = 0.85 * self.caches[service.cache].warm;
            self.caches[service.cache].hits += asked * hit;
            self.caches[service.cache].misses += asked * (1.0 - hit);
            self.dbs[service.db].queries += asked * (1.0 - hit) + instance.load * 0.4;
        }
        for (d, db) in self.dbs.iter_mut().enumerate() {
            let slow = push.db_slow[d];
            db.rows = db.queries * 12.0 + 60_000.0 * slow;
            db.slow = 0.05 + 1.5 * slow;
            db.cpu = (db.queries / 900.0 + 0.5 * slow).min(0.97);
            let host = &self.hosts[db.host];
            let lost = push.host_loss[db.host];
            let wanted =
                0.002 / (1.0 - db.cpu.min(0.94)) + 0.6 * host.wait_s + 0.03 * slow + 0.6 * lost;
            db.latency += 0.5 * (wanted - db.latency);
        }
    }

    fn machines(&mut self, push: &Push, chance: &mut Chance) {
        let mut cores = vec![0.0; self.hosts.len()];
        let mut io = vec![0.0; self.hosts.len()];
        for instance in &mut self.instances {
            let service = &self.services[instance.service];
            let cost = service.cost * (1.0 + 0.5 * push.service_bug[instance.service]);
            instance.cpu =
                instance.load * cost + 4.0 * (instance.gc - 0.02).max(0.0) + 0.5 * instance.fresh;
            cores[instance.host] += instance.cpu;
        }
        for db in &self.dbs {
            cores[db.host] += db.cpu * self.hosts[db.host].cores * 0.8;
            io[db.host] += db.queries / 3_000.0 + 0.1 * (db.rows / 100_000.0);
        }
        for (h, host) in self.hosts.iter_mut().enumerate() {
            let used = cores[h] + push.host_cores[h] + 0.1 * host.quirk * host.cores;
            host.busy = (used / host.cores).min(0.99);
            let demand =
                0.05 + 0.03 * host.quirk + io[h] + push.host_io[h] + 0.01 * chance.normal().abs();
            host.io = (demand * push.host_disk[h].sqrt() * 0.9).min(0.99);
            let wait = 0.0015 * push.host_disk[h] / (1.0 - host.io.min(0.95));
            host.wait_s += 0.6 * (wait - host.wait_s);
        }
    }

    fn serve(&mut self, push: &Push) {
        let below: Vec<f64> = self.services.iter().map(|s| s.latency).collect();
        let failing: Vec<f64> = self.services.iter().map(|s| s.errors).collect();
        for (i, instance) in self.instances.iter_mut().enumerate() {
            let service = &self.services[instance.service];
            let (host, db) = (&self.hosts[instance.host], &self.dbs[service.db]);
            let bug = push.service_bug[instance.service];
            if push.service_restarts[instance.service] {
                (instance.started, instance.heap, instance.fds) = (f64::NAN, 0.15, 60.0);
                instance.fresh = 1.0;
            }
            instance.fresh *= 0.85;
            instance.heap += 0.05 * (0.4 + 0.1 * (instance.load / 40.0).min(1.0) - instance.heap);
            let heap = (instance.heap + 0.58 * push.instance_heap[i]).min(0.99);
            instance.gc = 0.02 + 0.9 * ((heap - 0.8) / 0.2).max(0.0).powi(2);
            instance.fds += 0.2 * (120.0 + instance.load * 2.0 - instance.fds);
            let held = instance.load * service.queries * db.latency * 0.6 + push.instance_pool[i];
            instance.in_use = held.min(20.0);
            instance.pending = (held - 17.0).max(0.0) * 1.5;
            let crowd = 1.0 / (1.0 - host.busy.min(0.95)).powf(0.8);
            let called: f64 = service.calls.iter().map(|(c, share)| below[*c] * share).sum();
            let wanted = service.base_s * crowd * (1.0 + 1.5 * bug)
                + service.queries * db.latency
                + called
                + instance.pending * 0.02
                + 0.6 * (instance.gc - 0.02)
                + 1.2 * push.host_loss[instance.host];
            instance.latency += 0.45 * (wanted - instance.latency);
            let late = ((instance.latency / (service.base_s * 8.0 + 0.1)) - 1.0).clamp(0.0, 1.0);
            let full = (instance.fds + 850.0 * push.instance_fds[i] - 950.0).max(0.0) / 400.0;
            let refused = if push.host_clock[instance.host].abs() > 1.0 { 0.12 } else { 0.0 };
            let called: f64 = service.calls.iter().map(|(c, share)| failing[*c] * share).sum();
            instance.errors = (0.002
                + 0.08 * late
                + called * 0.5
                + 0.06 * bug
                + full.min(0.3)
                + refused
                + 0.5 * push.host_loss[instance.host])
                .min(1.0);
        }
        for service in &mut self.services {
            let own = service.instances.iter().map(|&i| &self.instances[i]);
            let (mut load, mut late, mut bad) = (0.0, 0.0, 0.0);
            for i in own {
                load += i.load;
                late += i.load * i.latency;
                bad += i.load * i.errors;
            }
            (service.latency, service.errors) = (late / load, bad / load);
        }
    }
}

/// Series as they are written: labels, values by step, and noise of their own.
pub struct Book {
    pub names: Vec<Labels>,
    pub floats: Vec<Vec<f64>>,
    totals: Vec<f64>,
    noise: Vec<Wander>,
    at: usize,
}

impl Book {
    pub fn new() -> Self {
        Self { names: vec![], floats: vec![], totals: vec![], noise: vec![], at: 0 }
    }

    pub fn turn(&mut self) {
        self.at = 0;
    }

    fn put(&mut self, name: &str, labels: &[(&str, &str)]) -> usize {
        if self.at == self.names.len() {
            let all = [("__name__", name)].into_iter().chain(labels.iter().copied());
            self.names.push(Labels::new(all).expect("good labels"));
            self.floats.push(Vec::new());
            // Counters have counted before.
            self.totals.push(1e4 * (self.at % 97) as f64);
            self.noise.push(Wander::default());
        }
        self.at += 1;
        self.at - 1
    }

    /// A gauge with noise of `share` of its value.
    pub fn gauge(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: f64,
        share: f64,
        c: &mut Chance,
    ) {
        let i = self.put(name, labels);
        let value = value * (1.0 + share * self.noise[i].next(0.5, c));
        self.floats[i].push(value);
    }

    /// A counter that grows by `rate` a second, with noise.
    pub fn count(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        rate: f64,
        share: f64,
        c: &mut Chance,
    ) {
        let i = self.put(name, labels);
        let rate = (rate * (1.0 + share * self.noise[i].next(0.5, c))).max(0.0);
        self.totals[i] += rate * STEP_S;
        let total = self.totals[i];
        self.floats[i].push(total);
    }
}

/// Applies events to a fresh push.
pub fn pushed(estate: &Estate, events: &mut [Event], step: usize, chance: &mut Chance) -> Push {
    let cores: Vec<f64> = estate.hosts.iter().map(|h| h.cores).collect();
    let mut push = estate.push_none();
    for event in events {
        let strength = event.strength(step, chance);
        push.add(event, strength, step, &cores);
    }
    push
}

#[path = "metrics.rs"]
pub mod metrics;
