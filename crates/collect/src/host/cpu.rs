//! CPU time, load, pressure, and the counters of `/proc/stat`.

use super::files::Files;
use super::frame::Frame;
use super::text::{first_number, number, words};

/// Ticks per second of `/proc`: fixed for user space on all Linux architectures.
const TICKS: f64 = 100.0;
/// Kernels let idle and iowait run back by a little; beyond this many seconds it is a reset.
const BACK_MAX: f64 = 3.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// CPU times of the last collection, so that no counter runs back by rounding.
#[derive(Default)]
pub(super) struct Cpu {
    last: Vec<(String, [f64; 10])>,
}

impl Cpu {
    pub(super) fn stat(&mut self, files: &mut Files, out: &mut Frame) -> Option<()> {
        let text = files.read("proc/stat")?;
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(' ') else { continue };
            match key.strip_prefix("cpu") {
                Some("") => continue,
                Some(cpu) => self.one(cpu, rest, out),
                None => counters(key, rest, out),
            }
        }
        Some(())
    }

    fn one(&mut self, cpu: &str, rest: &str, out: &mut Frame) {
        let mut now = [0.0; 10];
        for (slot, word) in now.iter_mut().zip(words(rest)) {
            *slot = number(word).unwrap_or(0.0) / TICKS;
        }
        let at = match self.last.iter().position(|(c, _)| c == cpu) {
            Some(at) => at,
            None => {
                self.last.push((cpu.to_owned(), now));
                self.last.len() - 1
            }
        };
        for (last, now) in self.last[at].1.iter_mut().zip(now) {
            if now >= *last || *last - now > BACK_MAX {
                *last = now;
            }
        }
        let seconds = self.last[at].1;
        for (mode, value) in MODES.iter().zip(seconds) {
            let labels = [("cpu", cpu), ("mode", *mode)];
            out.counter("node_cpu_seconds_total", "CPU time by mode, seconds.", &labels, value);
        }
        for (mode, value) in ["user", "nice"].iter().zip(&seconds[8..]) {
            out.counter(
                "node_cpu_guest_seconds_total",
                "CPU time spent for guest systems, seconds.",
                &[("cpu", cpu), ("mode", mode)],
                *value,
            );
        }
    }
}

fn counters(key: &str, rest: &str, out: &mut Frame) {
    let Some(value) = first_number(rest) else { return };
    match key {
        "intr" => out.counter("node_intr_total", "Interrupts served.", &[], value),
        "ctxt" => out.counter("node_context_switches_total", "Context switches.", &[], value),
        "processes" => out.counter("node_forks_total", "Processes and threads begun.", &[], value),
        "btime" => out.gauge(
            "node_boot_time_seconds",
            "When the system started, seconds since 1970.",
            &[],
            value,
        ),
        "procs_running" => {
            out.gauge("node_procs_running", "Processes that can run now.", &[], value);
        }
        "procs_blocked" => {
            out.gauge("node_procs_blocked", "Processes that wait for I/O.", &[], value);
        }
        _ => {}
    }
}

pub(super) fn load(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/loadavg")?;
    for (name, word) in ["node_load1", "node_load5", "node_load15"].iter().zip(words(&text)) {
        let help = match *name {
            "node_load1" => "Load average over one minute.",
            "node_load5" => "Load average over five minutes.",
            _ => "Load average over fifteen minutes.",
        };
        out.gauge(name, help, &[], number(word)?);
    }
    Some(())
}

/// Pressure stall information; absent on kernels without it.
pub(super) fn pressure(files: &mut Files, out: &mut Frame) -> Option<()> {
    const METRICS: [(&str, &str, &str); 5] = [
        ("cpu", "some", "node_pressure_cpu_waiting_seconds_total"),
        ("io", "some", "node_pressure_io_waiting_seconds_total"),
        ("io", "full", "node_pressure_io_stalled_seconds_total"),
        ("memory", "some", "node_pressure_memory_waiting_seconds_total"),
        ("memory", "full", "node_pressure_memory_stalled_seconds_total"),
    ];
    let mut found = None;
    for (resource, line, metric) in METRICS {
        let path = match resource {
            "cpu" => "proc/pressure/cpu",
            "io" => "proc/pressure/io",
            _ => "proc/pressure/memory",
        };
        let Some(text) = files.read(path) else { continue };
        let total = text
            .lines()
            .find_map(|l| l.strip_prefix(line)?.rsplit_once("total=").map(|(_, n)| n))
            .and_then(number);
        if let Some(us) = total {
            let help = "Time in which some or all tasks waited for the resource, seconds.";
            out.counter(metric, help, &[], us / 1e6);
            found = Some(());
        }
    }
    found
}
