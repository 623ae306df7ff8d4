//! Hosts and a service, as series that are made up as they are read: 250 for each host.

use plimsoll_model::{DAY_MS, Labels, Timestamp};

/// Series of a host.
pub const PER_HOST: usize = 250;

/// How a series goes.
#[derive(Clone, Copy)]
pub enum Shape {
    Constant(f64),
    /// Base, swing of a day, noise.
    Gauge(f64, f64, f64),
    /// Per second: base, swing of a day as share.
    Counter(f64, f64),
    /// At the start, change per day, noise.
    Moving(f64, f64, f64),
}

pub struct Series {
    pub labels: Labels,
    pub shape: Shape,
    salt: u64,
}

/// A number of 0..1 from two.
fn noise(salt: u64, t: Timestamp) -> f64 {
    let x = (salt ^ t as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// The sine of a day, and its integral in seconds, by steps of five minutes.
pub struct Day {
    sine: Vec<f64>,
    integral: Vec<f64>,
}

impl Day {
    const STEPS: usize = 288;

    pub fn new() -> Self {
        let at = |i: usize| i as f64 / Self::STEPS as f64 * std::f64::consts::TAU;
        let whole = DAY_MS as f64 / 1e3 / std::f64::consts::TAU;
        let sine = (0..Self::STEPS).map(|i| at(i).sin()).collect();
        let integral = (0..=Self::STEPS).map(|i| (1.0 - at(i).cos()) * whole).collect();
        Self { sine, integral }
    }
}

impl Series {
    pub fn value(&self, day: &Day, t: Timestamp) -> f64 {
        let of_day = t.rem_euclid(DAY_MS) as f64 / DAY_MS as f64 * Day::STEPS as f64;
        let (i, part) = (of_day as usize, of_day.fract());
        let noise = noise(self.salt, t);
        match self.shape {
            Shape::Constant(value) => value,
            Shape::Gauge(base, swing, spread) => {
                base + swing * day.sine[i] + spread * (noise - 0.5)
            }
            Shape::Counter(rate, swing) => {
                // Never falls: the noise is less than a sample's rise.
                let integral = day.integral[i] + part * (day.integral[i + 1] - day.integral[i]);
                rate * (t as f64 / 1e3 - 1.7e9 + swing * integral + 5.0 * noise)
            }
            Shape::Moving(start, per_day, spread) => {
                let days = (t - 1_750_000_000_000) as f64 / DAY_MS as f64;
                start + per_day * days + spread * (noise - 0.5)
            }
        }
    }
}

/// The series of so many hosts.
pub fn hosts(n: usize) -> Vec<Series> {
    (0..n).flat_map(host).collect()
}

fn host(n: usize) -> Vec<Series> {
    let mut all = Vec::with_capacity(PER_HOST);
    let instance = format!("h{n:03}");
    let mut put = |job: &str, metric: &str, labels: &[(&str, &str)], shape: Shape| {
        let own = [("__name__", metric), ("job", job), ("instance", &*instance)];
        let labels = Labels::new(own.into_iter().chain(labels.iter().copied())).expect("labels");
        let salt = (n * PER_HOST + all.len()) as u64;
        all.push(Series { labels, shape, salt: salt.wrapping_mul(0xa076_1d64_78bd_642f) });
    };
    let gauge = Shape::Gauge;
    for cpu in ["0", "1", "2", "3"] {
        for (mode, rate, swing) in [
            ("idle", 0.7, -0.2),
            ("user", 0.2, 0.5),
            ("system", 0.06, 0.5),
            ("iowait", 0.02, 0.1),
            ("nice", 0.0, 0.0),
            ("irq", 0.0, 0.0),
            ("softirq", 0.01, 0.2),
            ("steal", 0.01, 0.0),
        ] {
            let labels = [("cpu", cpu), ("mode", mode)];
            put("host", "node_cpu_seconds_total", &labels, Shape::Counter(rate, swing));
        }
    }
    for name in ["node_load1", "node_load5", "node_load15", "node_procs_running"] {
        put("host", name, &[], gauge(2.0, 0.8, 0.5));
    }
    put("host", "node_memory_MemTotal_bytes", &[], Shape::Constant(16e9));
    // One host of ten leaks.
    let leak = if n.is_multiple_of(10) { -4e8 } else { 0.0 };
    put("host", "node_memory_MemAvailable_bytes", &[], Shape::Moving(8e9, leak, 2e8));
    for name in ["Cached", "Buffers", "Dirty", "Slab", "AnonPages", "Mapped"] {
        put("host", &format!("node_memory_{name}_bytes"), &[], gauge(1e9, 1e8, 1e8));
    }
    put("host", "node_memory_SwapTotal_bytes", &[], Shape::Constant(4e9));
    put("host", "node_memory_SwapFree_bytes", &[], Shape::Constant(4e9));
    for (i, mountpoint) in ["/", "/var", "/home", "/srv"].into_iter().enumerate() {
        let device = format!("/dev/sda{i}");
        let labels = [("device", &*device), ("fstype", "ext4"), ("mountpoint", mountpoint)];
        let moves = |free: f64, per_day: f64| Shape::Moving(free, per_day, 1e-4 * free);
        put("host", "node_filesystem_size_bytes", &labels, Shape::Constant(1e11));
        put("host", "node_filesystem_avail_bytes", &labels, moves(5e10, -1e9 * i as f64));
        put("host", "node_filesystem_free_bytes", &labels, moves(6e10, -1e9 * i as f64));
        put("host", "node_filesystem_files", &labels, Shape::Constant(6e6));
        put("host", "node_filesystem_files_free", &labels, moves(5e6, -1e3));
    }
    for device in ["sda", "sdb", "sdc", "sdd"] {
        for name in ["io_time_seconds", "reads_completed", "writes_completed", "read_bytes"] {
            let metric = format!("node_disk_{name}_total");
            put("host", &metric, &[("device", device)], Shape::Counter(0.3, 0.4));
        }
    }
    for device in ["eth0", "eth1", "eth2", "eth3"] {
        for name in ["receive_bytes", "transmit_bytes", "receive_packets", "receive_errs"] {
            let metric = format!("node_network_{name}_total");
            put("host", &metric, &[("device", device)], Shape::Counter(1e5, 0.6));
        }
    }
    for name in [
        "node_pressure_cpu_waiting_seconds_total",
        "node_pressure_io_waiting_seconds_total",
        "node_pressure_memory_waiting_seconds_total",
        "node_context_switches_total",
        "node_netstat_Tcp_RetransSegs",
    ] {
        put("host", name, &[], Shape::Counter(0.05, 0.3));
    }
    put("host", "process_max_fds", &[], Shape::Constant(1_024.0));
    put("host", "process_open_fds", &[], gauge(100.0, 10.0, 5.0));
    put("host", "up", &[], Shape::Constant(1.0));
    put("shop", "up", &[], Shape::Constant(1.0));
    put("shop", "pool_connections_max", &[], Shape::Constant(50.0));
    put("shop", "pool_connections_active", &[], gauge(20.0, 8.0, 4.0));
    for handler in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        for (code, rate) in [("200", 50.0), ("404", 0.5), ("500", 0.05)] {
            let labels = [("handler", handler), ("code", code)];
            put("shop", "http_requests_total", &labels, Shape::Counter(rate, 0.6));
        }
        for name in ["queue_length", "latency_seconds", "sessions"] {
            put("shop", &format!("shop_{name}"), &[("handler", handler)], gauge(5.0, 2.0, 1.0));
        }
    }
    for i in 0.. {
        if all.len() == PER_HOST {
            break;
        }
        let mut put = |metric: &str, shape: Shape| {
            let own = [("__name__", metric), ("job", "host"), ("instance", &*instance)];
            let labels = Labels::new(own).expect("labels");
            let salt = (n * PER_HOST + all.len()) as u64;
            all.push(Series { labels, shape, salt: salt.wrapping_mul(0xa076_1d64_78bd_642f) });
        };
        if i % 2 == 0 {
            put(&format!("host_gauge_{i}"), gauge(f64::from(i), 3.0, 2.0));
        } else {
            put(&format!("host_{i}_total"), Shape::Counter(f64::from(i), 0.5));
        }
    }
    all
}
