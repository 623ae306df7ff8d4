//! The control group that Plimsoll itself runs in: version 2, version 1, or both.
//!
//! The group's path in `/proc/self/cgroup` may not exist below the mount (a container sees its group
//! as the root), so the root of the hierarchy is tried after it. What is absent is not reported.

use super::files::Files;
use super::frame::Frame;
use super::text::{first_number, number, words};

/// Version 1 says "no limit" with a number near 2^63.
const NO_LIMIT: f64 = 9.0e18;

/// Directories of the own group, found once.
#[derive(Default)]
pub(super) struct Cgroup {
    found: Option<Dirs>,
}

#[derive(Default)]
struct Dirs {
    unified: Option<String>,
    memory: Option<String>,
    cpuacct: Option<String>,
    cpu: Option<String>,
}

impl Cgroup {
    pub(super) fn read(&mut self, files: &mut Files, out: &mut Frame) -> Option<()> {
        if self.found.is_none() {
            self.found = find(files);
        }
        let dirs = self.found.as_ref()?;
        cpu(dirs, files, out);
        memory(dirs, files, out);
        Some(())
    }
}

fn find(files: &mut Files) -> Option<Dirs> {
    let text = files.read("proc/self/cgroup")?.into_owned();
    let mut dirs = Dirs::default();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        if controllers.is_empty() {
            let probe = "cgroup.procs";
            dirs.unified = dir(files, "sys/fs/cgroup", path, probe)
                .or_else(|| dir(files, "sys/fs/cgroup/unified", path, probe));
            continue;
        }
        let mount = format!("sys/fs/cgroup/{controllers}");
        for controller in controllers.split(',') {
            let (slot, probe) = match controller {
                "memory" => (&mut dirs.memory, "memory.usage_in_bytes"),
                "cpuacct" => (&mut dirs.cpuacct, "cpuacct.usage"),
                "cpu" => (&mut dirs.cpu, "cpu.shares"),
                _ => continue,
            };
            *slot = dir(files, &mount, path, probe)
                .or_else(|| dir(files, &format!("sys/fs/cgroup/{controller}"), path, probe));
        }
    }
    Some(dirs)
}

/// The group's directory, or the root of its hierarchy, whichever has the file `probe`.
fn dir(files: &mut Files, mount: &str, path: &str, probe: &str) -> Option<String> {
    if !files.is_dir(mount) {
        return None;
    }
    let own = format!("{mount}{}", path.trim_end_matches('/'));
    [own, mount.to_owned()]
        .into_iter()
        .find(|d| files.read_once(std::path::Path::new(&format!("{d}/{probe}"))).is_some())
}

fn cpu(dirs: &Dirs, files: &mut Files, out: &mut Frame) {
    let usage_help = "CPU time of Plimsoll's control group, seconds.";
    let throttled_help = "Time in which Plimsoll's control group was held back, seconds.";
    let limit_help = "CPUs that Plimsoll's control group may use.";
    if let Some(text) = dirs.unified.as_ref().and_then(|d| files.read(&format!("{d}/cpu.stat"))) {
        let field = |name: &str| keyed(&text, name).map(|us| us / 1e6);
        if let Some(s) = field("usage_usec") {
            out.counter("plimsoll_cgroup_cpu_usage_seconds_total", usage_help, &[], s);
        }
        if let Some(s) = field("throttled_usec") {
            out.counter("plimsoll_cgroup_cpu_throttled_seconds_total", throttled_help, &[], s);
        }
    }
    if let Some(d) = &dirs.cpuacct
        && let Some(ns) = files.read(&format!("{d}/cpuacct.usage")).and_then(|t| first_number(&t))
    {
        out.counter("plimsoll_cgroup_cpu_usage_seconds_total", usage_help, &[], ns / 1e9);
    }
    let v2 = dirs.unified.as_ref().and_then(|d| {
        let text = files.read(&format!("{d}/cpu.max"))?;
        let mut w = words(&text).map(number);
        Some(w.next()?? / w.next()??)
    });
    let v1 = dirs.cpu.as_ref().and_then(|d| {
        let quota = files.read(&format!("{d}/cpu.cfs_quota_us")).and_then(|t| first_number(&t))?;
        let period =
            files.read(&format!("{d}/cpu.cfs_period_us")).and_then(|t| first_number(&t))?;
        (quota > 0.0 && period > 0.0).then_some(quota / period)
    });
    if let Some(cpus) = v2.or(v1) {
        out.gauge("plimsoll_cgroup_cpu_limit_cores", limit_help, &[], cpus);
    }
}

fn memory(dirs: &Dirs, files: &mut Files, out: &mut Frame) {
    let mut read = |v2: &str, v1: &str| {
        let new = dirs
            .unified
            .as_ref()
            .and_then(|d| files.read(&format!("{d}/{v2}")).and_then(|t| first_number(&t)));
        new.or_else(|| {
            let d = dirs.memory.as_ref()?;
            files.read(&format!("{d}/{v1}")).and_then(|t| first_number(&t))
        })
    };
    if let Some(bytes) = read("memory.current", "memory.usage_in_bytes") {
        let help = "Memory of Plimsoll's control group, bytes.";
        out.gauge("plimsoll_cgroup_memory_current_bytes", help, &[], bytes);
    }
    if let Some(bytes) = read("memory.max", "memory.limit_in_bytes").filter(|b| *b < NO_LIMIT) {
        let help = "Memory that Plimsoll's control group may use, bytes.";
        out.gauge("plimsoll_cgroup_memory_limit_bytes", help, &[], bytes);
    }
}

/// The number behind a key, one per line.
fn keyed(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|l| number(l.strip_prefix(key)?.strip_prefix(' ')?.trim()))
}
