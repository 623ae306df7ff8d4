//! What happens to an estate: the same kinds of events are faults here and bystanders there.

use super::chance::{Chance, Wander};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process keeps cores of a host busy.
    CpuHog,
    /// An instance holds more and more memory.
    MemoryLeak,
    /// A disk answers slower and slower.
    DiskSlow,
    /// A host loses packets.
    PacketLoss,
    /// A new version of a service, with a bug or without (size 0).
    Deploy,
    /// Connections of an instance are not given back.
    PoolLeak,
    /// A cache forgets all.
    CacheFlush,
    /// One instance gets many times its requests.
    NoisyNeighbour,
    /// Somebody reads whole tables of a database.
    SlowQuery,
    /// The clock of a host is wrong.
    ClockStep,
    /// Nobody takes from a queue.
    ConsumerStall,
    /// An instance does not close its files.
    FdLeak,
    /// A service gets many times its requests.
    Traffic,
    /// A batch job: cores and disk of a host.
    Batch,
    /// A backup: disk and network of a host.
    Backup,
}

/// One event. Steps count from the beginning of the segment.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: Kind,
    /// A host, an instance, a service, a database, a cache, a queue: as the kind needs.
    pub target: usize,
    pub from: usize,
    pub until: usize,
    /// How bad; 1 is usual.
    pub size: f64,
    /// Steps until it is at its worst.
    pub ramp: usize,
    /// Its ups and downs.
    pub wander: Wander,
}

impl Event {
    pub fn new(kind: Kind, target: usize, from: usize, size: f64) -> Self {
        let ramp = match kind {
            Kind::MemoryLeak => 160,
            Kind::FdLeak => 100,
            Kind::PoolLeak => 40,
            Kind::Traffic | Kind::NoisyNeighbour => 8,
            Kind::DiskSlow | Kind::SlowQuery => 6,
            _ => 1,
        };
        Self { kind, target, from, until: usize::MAX, size, ramp, wander: Wander::default() }
    }

    pub fn lasting(mut self, steps: usize) -> Self {
        self.until = self.from + steps;
        self
    }

    /// Its strength at a step; draws the same chance whether it goes on or not.
    pub fn strength(&mut self, step: usize, chance: &mut Chance) -> f64 {
        let shaken = 1.0 + 0.2 * self.wander.next(0.9, chance);
        if step < self.from || step >= self.until {
            return 0.0;
        }
        let grown = ((step - self.from + 1) as f64 / self.ramp as f64).min(1.0);
        let steady = matches!(self.kind, Kind::MemoryLeak | Kind::FdLeak | Kind::ClockStep);
        self.size * grown * if steady { 1.0 } else { shaken.max(0.3) }
    }
}

/// What events do to the parts at one step.
#[derive(Clone, Default)]
pub struct Push {
    pub host_cores: Vec<f64>,
    pub host_batch: Vec<f64>,
    pub host_io: Vec<f64>,
    pub host_net: Vec<f64>,
    pub host_loss: Vec<f64>,
    pub host_disk: Vec<f64>,
    pub host_clock: Vec<f64>,
    pub service_load: Vec<f64>,
    pub service_bug: Vec<f64>,
    pub service_version: Vec<u32>,
    pub service_restarts: Vec<bool>,
    pub instance_load: Vec<f64>,
    pub instance_heap: Vec<f64>,
    pub instance_pool: Vec<f64>,
    pub instance_fds: Vec<f64>,
    pub cache_flush: Vec<bool>,
    pub db_slow: Vec<f64>,
    pub queue_taken: Vec<f64>,
}

impl Push {
    pub fn none(hosts: usize, services: usize, instances: usize, others: usize) -> Self {
        let zero = |n: usize| vec![0.0; n];
        Self {
            host_cores: zero(hosts),
            host_batch: zero(hosts),
            host_io: zero(hosts),
            host_net: zero(hosts),
            host_loss: zero(hosts),
            host_disk: vec![1.0; hosts],
            host_clock: zero(hosts),
            service_load: vec![1.0; services],
            service_bug: zero(services),
            service_version: vec![1; services],
            service_restarts: vec![false; services],
            instance_load: vec![1.0; instances],
            instance_heap: zero(instances),
            instance_pool: zero(instances),
            instance_fds: zero(instances),
            cache_flush: vec![false; others],
            db_slow: zero(others),
            queue_taken: vec![1.0; others],
        }
    }

    pub fn add(&mut self, event: &Event, strength: f64, step: usize, cores: &[f64]) {
        let at = event.target;
        if event.kind == Kind::Deploy && step >= event.from {
            self.service_version[at] = 2;
            self.service_restarts[at] |= step == event.from;
            self.service_bug[at] += strength;
        }
        if strength == 0.0 {
            return;
        }
        match event.kind {
            Kind::CpuHog => {
                self.host_cores[at] += strength * cores[at] * 0.7;
                self.host_batch[at] += strength * cores[at] * 0.7;
            }
            Kind::MemoryLeak => self.instance_heap[at] += strength,
            Kind::DiskSlow => self.host_disk[at] *= 1.0 + 7.0 * strength,
            Kind::PacketLoss => self.host_loss[at] += 0.04 * strength,
            Kind::Deploy => {}
            Kind::PoolLeak => self.instance_pool[at] += 16.0 * strength,
            Kind::CacheFlush => self.cache_flush[at] |= step == event.from,
            Kind::NoisyNeighbour => self.instance_load[at] *= 1.0 + 5.0 * strength,
            Kind::SlowQuery => self.db_slow[at] += strength,
            Kind::ClockStep => self.host_clock[at] += 4.0 * strength,
            Kind::ConsumerStall => self.queue_taken[at] *= (1.0 - 0.95 * strength).max(0.02),
            Kind::FdLeak => self.instance_fds[at] += strength,
            Kind::Traffic => self.service_load[at] *= 1.0 + 1.5 * strength,
            Kind::Batch => {
                self.host_cores[at] += strength * cores[at] * 0.3;
                self.host_batch[at] += strength * cores[at] * 0.3;
                self.host_io[at] += 0.4 * strength;
            }
            Kind::Backup => {
                self.host_io[at] += 0.35 * strength;
                self.host_net[at] += 4e7 * strength;
            }
        }
    }
}
