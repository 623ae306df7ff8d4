//! What `/proc` tells about another process.

/// Clock ticks a second in `/proc/PID/stat`; 100 on every Linux that Rust supports.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, of a process and its threads.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or("");
    let field = |n: usize| after.split_whitespace().nth(n).and_then(|w| w.parse::<f64>().ok());
    (field(11).unwrap_or(0.0) + field(12).unwrap_or(0.0)) / TICKS
}

/// CPU seconds of the threads of this process that live, counted by the scheduler.
pub fn own_cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(nanos).sum::<f64>() / 1e9
}

/// A number in kB of `/proc/PID/FILE`, in MB.
fn megabytes(pid: u32, file: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with(name)).unwrap_or("");
    let kb = line.split_whitespace().nth(1).and_then(|w| w.parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) * 1024.0 / 1e6
}

/// Resident memory at its highest, MB.
pub fn peak_rss_mb(pid: u32) -> f64 {
    megabytes(pid, "status", "VmHWM:")
}

/// Resident memory, MB.
pub fn rss_mb(pid: u32) -> f64 {
    megabytes(pid, "status", "VmRSS:")
}

/// Memory with shared pages counted by share, MB.
pub fn pss_mb(pid: u32) -> f64 {
    megabytes(pid, "smaps_rollup", "Pss:")
}
