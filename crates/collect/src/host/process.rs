//! The programs that use most CPU and memory.
//!
//! Processes are counted together by name, because process ids come and go and each would be a
//! series: the name is the kernel's (15 bytes), workers of the kernel without what follows the `/`,
//! long runs of digits replaced by `N`. The CPU counter of a name adds up what its processes used
//! since they were first seen, so it never runs back when one ends. A process is known by its id
//! and start time.
//!
//! Reported are the [`TOP`] names by CPU since the last look and the [`TOP`] by memory, and for
//! [`STAY_ROUNDS`] rounds whatever was among them; never more than [`REPORTED_MAX`]. On machines
//! with many processes a look happens only every few collections: about [`PER_ROUND`] processes
//! are read per collection on average.

use std::collections::HashMap;
use std::path::PathBuf;

use super::files::Files;
use super::frame::Frame;
use super::text::number;

const TOP: usize = 10;
const REPORTED_MAX: usize = 40;
/// Five minutes at the default interval.
const STAY_ROUNDS: u64 = 60;
/// Bounds what one collection spends on reading processes.
const PER_ROUND: usize = 150;
/// Rounds between two looks at most.
const PAUSE_MAX: u64 = 24;
/// Processes read in one look.
const PROCESSES_MAX: usize = 20_000;
const TICKS: f64 = 100.0;

#[derive(Default)]
pub(super) struct Processes {
    round: u64,
    next_look: u64,
    /// CPU ticks of processes at the last look, by id and start time.
    ticks: HashMap<(u32, u64), f64>,
    names: HashMap<String, Name>,
}

/// What the processes of one name use together.
#[derive(Clone, Debug, Default, PartialEq)]
struct Name {
    /// CPU seconds since first seen.
    seconds: f64,
    /// CPU seconds since the look before.
    recent: f64,
    resident: f64,
    count: u32,
    /// Reported until this round.
    until: u64,
}

/// One process as the kernel tells it.
#[derive(Clone, Debug, PartialEq)]
struct Process {
    name: String,
    started: u64,
    ticks: f64,
    resident_pages: f64,
}

impl Processes {
    pub(super) fn read(&mut self, files: &mut Files, out: &mut Frame) -> Option<()> {
        if self.round >= self.next_look {
            let found = self.look(files);
            self.next_look = self.round + ((found / PER_ROUND) as u64 + 1).min(PAUSE_MAX);
            self.choose();
        }
        let round = self.round;
        for (name, n) in self.names.iter().filter(|(_, n)| n.until >= round) {
            let labels = [("name", name.as_str())];
            let help = "CPU time of all processes of this name since first seen, seconds.";
            out.counter("plimsoll_process_cpu_seconds_total", help, &labels, n.seconds);
            let help = "Resident memory of all processes of this name, bytes.";
            out.gauge("plimsoll_process_resident_memory_bytes", help, &labels, n.resident);
            let help = "Processes of this name.";
            out.gauge("plimsoll_process_count", help, &labels, f64::from(n.count));
        }
        self.round += 1;
        (!self.names.is_empty()).then_some(())
    }

    /// Reads all processes; their number.
    fn look(&mut self, files: &mut Files) -> usize {
        let page = rustix::param::page_size() as f64;
        let first = self.ticks.is_empty();
        for n in self.names.values_mut() {
            (n.recent, n.resident, n.count) = (0.0, 0.0, 0);
        }
        let mut ticks = HashMap::with_capacity(self.ticks.len());
        for pid in pids(files) {
            let path = PathBuf::from(format!("proc/{pid}/stat"));
            let Some(p) = files.read_once(&path).and_then(|t| parse(&t)) else { continue };
            let key = (pid, p.started);
            // What a process used before the first look of all is not charged to this look.
            let before = self.ticks.get(&key).copied().unwrap_or(if first { p.ticks } else { 0.0 });
            ticks.insert(key, p.ticks);
            let n = self.names.entry(p.name).or_default();
            let used = (p.ticks - before).max(0.0) / TICKS;
            n.seconds += used;
            n.recent += used;
            n.resident += p.resident_pages * page;
            n.count += 1;
        }
        let round = self.round;
        self.names.retain(|_, n| n.count > 0 || n.until >= round);
        self.ticks = ticks;
        self.ticks.len()
    }

    /// Decides which names are reported.
    fn choose(&mut self) {
        let until = self.round + STAY_ROUNDS;
        for by in [|n: &Name| n.recent, |n: &Name| n.resident] {
            let mut order: Vec<&mut Name> =
                self.names.values_mut().filter(|n| by(n) > 0.0).collect();
            order.sort_unstable_by(|a, b| by(b).total_cmp(&by(a)));
            for n in order.into_iter().take(TOP) {
                n.until = until;
            }
        }
        let round = self.round;
        let mut order: Vec<&mut Name> =
            self.names.values_mut().filter(|n| n.until >= round).collect();
        order.sort_unstable_by_key(|n| std::cmp::Reverse(n.until));
        for n in order.into_iter().skip(REPORTED_MAX) {
            n.until = 0;
        }
    }
}

fn pids(files: &Files) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(files.root().join("proc")) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .take(PROCESSES_MAX)
        .collect()
}

/// Reads `/proc/<pid>/stat`. The name stands in parentheses and may hold anything.
fn parse(text: &str) -> Option<Process> {
    let open = text.find('(')?;
    let close = text.rfind(')')?;
    let name = plain(text.get(open + 1..close)?);
    let mut fields = text.get(close + 1..)?.split_ascii_whitespace().skip(11);
    let mut next = || fields.next().and_then(number);
    let (user, system) = (next()?, next()?);
    let started = fields.nth(6)?.parse().ok()?;
    let resident_pages = number(fields.nth(1)?)?;
    Some(Process { name, started, ticks: user + system, resident_pages })
}

/// The name without what tells one instance from another.
fn plain(name: &str) -> String {
    let name = match name.split_once('/') {
        Some((worker, _)) if !worker.is_empty() => worker,
        _ => name,
    };
    let mut out = String::with_capacity(name.len());
    let mut digits = String::new();
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        out.push_str(if digits.len() >= 3 { "N" } else { &digits });
        digits.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    if out.is_empty() { "unnamed".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_even_with_parentheses_in_the_name() {
        let line = "42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 9000 1000000 77 18446744073709551615";
        let p = parse(line).unwrap();
        let want =
            Process { name: "a) b (c)".into(), started: 9000, ticks: 300.0, resident_pages: 77.0 };
        assert_eq!(p, want);
        for cut in 0..line.len() {
            let _any = parse(&line[..cut]);
        }
    }

    #[test]
    fn names_lose_what_tells_instances_apart() {
        for (name, want) in [
            ("kworker/0:1-events", "kworker"),
            ("java8", "java8"),
            ("runner-123456", "runner-N"),
            ("/odd", "/odd"),
            ("", "unnamed"),
        ] {
            assert_eq!(plain(name), want);
        }
    }

    #[test]
    fn the_number_of_names_reported_is_bounded() {
        let mut p = Processes::default();
        for round in 0..20 {
            p.round = round;
            for i in 0..20 {
                let n = p.names.entry(format!("p{round}-{i}")).or_default();
                (n.recent, n.resident, n.count) = (1.0, 1.0, 1);
            }
            p.choose();
            for n in p.names.values_mut() {
                (n.recent, n.resident) = (0.0, 0.0);
            }
            let reported = p.names.values().filter(|n| n.until >= round && n.until > 0).count();
            assert!(reported <= REPORTED_MAX, "{reported}");
        }
    }
}
