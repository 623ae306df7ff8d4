//! This host: `/proc`, `/sys` and the own control group, as node_exporter names things.
//!
//! A [`Host`] reads everything below a root directory, so that tests bring trees of their own.
//! Each source stands alone: what is absent on this kernel or in this container is not reported and
//! harms nothing else; `node_scrape_collector_success` tells. Kernel files stay open and are read
//! into one buffer, labels are encoded once per series (see `frame`): a collection of a small
//! machine takes well under 3 ms of CPU.
//!
//! Beyond node_exporter's names: `plimsoll_cgroup_*` and `plimsoll_process_*`.

mod cgroup;
mod cpu;
mod disk;
mod files;
mod filesystem;
mod frame;
mod memory;
mod network;
mod process;
mod system;
mod text;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{SampleSink, SourceId, Ticket};
use plimsoll_world::Clock;

use files::Files;
use frame::Frame;

pub use filesystem::{FsSize, KernelFs, StatFs, WrittenFs};

/// The job label of host metrics.
pub const JOB: &str = "host";

/// How the host is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Where `proc` and `sys` are; `/` outside containers.
    pub root: PathBuf,
    /// A file with filesystem sizes (see [`WrittenFs`]) instead of the kernel's answers.
    pub filesystem_sizes: Option<PathBuf>,
    /// The `instance` label; the host's name when empty.
    pub instance: String,
    /// Time between two collections. 5 s: fine enough for live panels.
    pub interval: Duration,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            root: PathBuf::from("/"),
            filesystem_sizes: None,
            instance: String::new(),
            interval: Duration::from_secs(5),
        }
    }
}

/// Reads the host, again and again.
pub struct Host {
    clock: Arc<dyn Clock>,
    source: SourceId,
    instance: String,
    files: Files,
    out: Frame,
    cpu: cpu::Cpu,
    filesystems: filesystem::Filesystems,
    sensors: system::Sensors,
    cgroup: cgroup::Cgroup,
    processes: process::Processes,
}

/// What one collection gave.
pub struct Collected {
    /// The receipt for its samples.
    pub ticket: Ticket,
    /// Samples submitted.
    pub samples: usize,
    /// Samples left out at the limit of series.
    pub left_out: u64,
    /// How long reading took.
    pub took: Duration,
    /// Sources that gave nothing.
    pub absent: Vec<&'static str>,
}

/// A source: its name as in node_exporter, and who reads it.
type Source = (&'static str, fn(&mut Host) -> Option<()>);

const SOURCES: [Source; 15] = [
    ("cpu", |h| h.cpu.stat(&mut h.files, &mut h.out)),
    ("loadavg", |h| cpu::load(&mut h.files, &mut h.out)),
    ("pressure", |h| cpu::pressure(&mut h.files, &mut h.out)),
    ("meminfo", |h| memory::meminfo(&mut h.files, &mut h.out)),
    ("vmstat", |h| memory::vmstat(&mut h.files, &mut h.out)),
    ("diskstats", |h| disk::diskstats(&mut h.files, &mut h.out)),
    ("filesystem", |h| h.filesystems.read(&mut h.files, &mut h.out)),
    ("netdev", |h| network::devices(&mut h.files, &mut h.out)),
    ("netstat", |h| network::netstat(&mut h.files, &mut h.out)),
    ("sockstat", |h| network::sockets(&mut h.files, &mut h.out)),
    ("filefd", |h| system::descriptors(&mut h.files, &mut h.out)),
    ("uname", |h| system::name(&mut h.files, &mut h.out)),
    ("hwmon", |h| h.sensors.read(&mut h.files, &mut h.out)),
    ("cgroup", |h| h.cgroup.read(&mut h.files, &mut h.out)),
    ("processes", |h| h.processes.read(&mut h.files, &mut h.out)),
];

impl Host {
    /// A reader for the configured root.
    pub fn new(config: &HostConfig, clock: Arc<dyn Clock>) -> Self {
        let stat: Arc<dyn StatFs> = match &config.filesystem_sizes {
            Some(file) => Arc::new(WrittenFs { file: file.clone() }),
            None => Arc::new(KernelFs { root: config.root.clone() }),
        };
        Self::with_filesystems(config, clock, stat)
    }

    /// A reader that asks `stat` for the sizes of filesystems.
    pub fn with_filesystems(
        config: &HostConfig,
        clock: Arc<dyn Clock>,
        stat: Arc<dyn StatFs>,
    ) -> Self {
        let mut files = Files::new(config.root.clone());
        let instance = match config.instance.as_str() {
            "" => host_name(&mut files),
            given => given.to_owned(),
        };
        let base =
            vec![("job".to_owned(), JOB.to_owned()), ("instance".to_owned(), instance.clone())];
        Self {
            clock,
            source: SourceId::new(JOB),
            instance,
            files,
            out: Frame::new(base),
            cpu: cpu::Cpu::default(),
            filesystems: filesystem::Filesystems::new(stat),
            sensors: system::Sensors::default(),
            cgroup: cgroup::Cgroup::default(),
            processes: process::Processes::default(),
        }
    }

    /// The `instance` label.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Reads everything once and submits it with the time of the beginning.
    pub fn collect(&mut self, sink: &dyn SampleSink) -> Collected {
        let now = self.clock.wall_ms();
        let began = self.clock.mono();
        let mut absent = Vec::new();
        for (name, read) in SOURCES {
            let success = read(self).is_some();
            if !success {
                absent.push(name);
            }
            let help = "1 when the source gave something.";
            let value = f64::from(u8::from(success));
            let labels = [("collector", name)];
            self.out.gauge("node_scrape_collector_success", help, &labels, value);
        }
        system::time(now, &mut self.out);
        let took = self.clock.mono().saturating_sub(began);
        let help = "1 when the last scrape succeeded.";
        self.out.gauge("up", help, &[], 1.0);
        let help = "Duration of the scrape, seconds.";
        self.out.gauge("scrape_duration_seconds", help, &[], took.as_secs_f64());
        let (ticket, counted) = self.out.submit(now, &self.source, sink);
        Collected { ticket, samples: counted.samples, left_out: counted.left_out, took, absent }
    }
}

fn host_name(files: &mut Files) -> String {
    let name = files.read("proc/sys/kernel/hostname").map(|t| t.trim().to_owned());
    name.filter(|n| !n.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}
