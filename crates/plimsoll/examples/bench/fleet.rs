//! The load: hosts as node_exporter shows them, 100 series each, generated from a seed.
//!
//! Per host 40 counters (16 CPU modes in hundredths of a second that add up to the wall clock, 12
//! byte and packet counters, a latency histogram of 10 buckets with count and sum), 40 gauges with
//! two or three decimals that wander around a daily season, 15 slow integers, 5 constants.

use plimsoll_model::LabelBuf;
use plimsoll_wire::remote_write::Encoder;

/// Series of a host.
pub const SERIES: usize = 100;

const MODES: [&str; 8] = ["idle", "user", "system", "iowait", "irq", "softirq", "steal", "nice"];
/// Shares of the busy time that the modes after `idle` take.
const SHARES: [f64; 7] = [0.62, 0.22, 0.08, 0.01, 0.04, 0.02, 0.01];
const FLOWS: [&str; 12] = [
    "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
    "node_network_receive_packets_total",
    "node_network_transmit_packets_total",
    "node_disk_read_bytes_total",
    "node_disk_written_bytes_total",
    "node_disk_reads_completed_total",
    "node_disk_writes_completed_total",
    "node_context_switches_total",
    "node_intr_total",
    "node_forks_total",
    "node_vmstat_pgfault",
];
const BUCKETS: [&str; 10] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];

/// Numbers by chance, the same for the same seed (xorshift64*, Vigna 2016).
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal: mean 0, deviation 1.
    fn normal(&mut self) -> f64 {
        (0..4).map(|_| self.unit()).sum::<f64>().mul_add(1.0, -2.0) * 1.732
    }
}

/// One host: its labels, and the state from which the next values come.
struct Host {
    chance: Chance,
    labels: Vec<LabelBuf>,
    values: Vec<f64>,
    /// Wanders around 0: how far the load is from its season.
    load: f64,
    /// Offset of its scrapes, ms.
    offset: i64,
}

impl Host {
    fn new(number: usize, seed: u64) -> Self {
        let mut chance = Chance((seed ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let instance = format!("host-{number:03}:9100");
        let zone = ["eu-1", "eu-2", "us-1"][number % 3];
        let mut labels = Vec::with_capacity(SERIES);
        let mut add = |metric: &str, more: &[(&str, &str)]| {
            let mut pairs =
                vec![("__name__", metric), ("instance", &instance), ("job", "node"), ("dc", zone)];
            pairs.extend_from_slice(more);
            let mut buf = LabelBuf::new();
            buf.set(&mut pairs).expect("names are unique and short");
            labels.push(buf);
        };
        for cpu in ["0", "1"] {
            MODES.iter().for_each(|m| add("node_cpu_seconds_total", &[("cpu", cpu), ("mode", m)]));
        }
        FLOWS.iter().for_each(|f| add(f, &[("device", "0")]));
        BUCKETS.iter().for_each(|le| add("http_request_duration_seconds_bucket", &[("le", le)]));
        add("http_request_duration_seconds_count", &[]);
        add("http_request_duration_seconds_sum", &[]);
        (0..40).for_each(|i| add(&format!("app_gauge_{i:02}"), &[("unit", "app.service")]));
        (0..15).for_each(|i| add(&format!("app_state_{i:02}"), &[("unit", "app.service")]));
        (0..5).for_each(|i| add(&format!("node_info_{i}"), &[]));
        let values = (0..SERIES).map(|i| start(i, &mut chance)).collect();
        let offset = (chance.unit() * 14_000.0) as i64;
        Self { chance, labels, values, load: 0.0, offset }
    }

    /// Moves all values one step on; `day` is the part of the day that is over.
    fn step(&mut self, seconds: f64, day: f64) {
        self.load = 0.98 * self.load + 0.03 * self.chance.normal();
        let season = 0.4 + 0.25 * (day * std::f64::consts::TAU).sin();
        let load = (season + self.load).clamp(0.02, 0.98);
        for cpu in 0..2 {
            let mut left = (seconds * 100.0).round();
            for (i, share) in SHARES.iter().enumerate() {
                let part = seconds * 100.0 * load * share * (0.7 + 0.6 * self.chance.unit());
                let part = part.round().min(left);
                left -= part;
                self.add_centiseconds(cpu * 8 + i + 1, part);
            }
            self.add_centiseconds(cpu * 8, left);
        }
        for i in 16..28 {
            let scale = [40_000.0, 25_000.0, 300.0, 200.0][i % 4];
            self.values[i] += (seconds * scale * load * (0.5 + self.chance.unit())).round();
        }
        let requests = (seconds * 20.0 * load * (0.5 + self.chance.unit())).round();
        for i in 0..10 {
            let share = 1.0 - 0.5_f64.powi(i as i32 + 1) * f64::from(u8::from(i < 9));
            self.values[28 + i] += (requests * share).round();
        }
        self.values[38] += requests;
        self.values[39] += requests * (0.02 + 0.02 * self.chance.unit());
        for i in 40..80 {
            let scale = if i % 2 == 0 { 100.0 } else { 1_000.0 };
            let mean = (i - 35) as f64 * (1.0 + 0.3 * load);
            let next = mean + 0.9 * (self.values[i] - mean) + 0.2 * self.chance.normal();
            self.values[i] = (next * scale).round() / scale;
        }
        for i in 80..95 {
            if self.chance.unit() < 0.05 {
                self.values[i] += if self.chance.unit() < 0.5 { -1.0 } else { 1.0 };
            }
        }
    }

    /// CPU time is kept in whole hundredths, as the kernel does.
    fn add_centiseconds(&mut self, i: usize, more: f64) {
        self.values[i] = ((self.values[i] * 100.0).round() + more) / 100.0;
    }
}

/// The value of a series at the beginning.
fn start(i: usize, chance: &mut Chance) -> f64 {
    match i {
        0..16 => (chance.unit() * 1e8).round() / 100.0,
        16..28 => (chance.unit() * 1e11).round(),
        28..40 => 0.0,
        40..80 => (i - 35) as f64,
        80..95 => (chance.unit() * 200.0).round(),
        _ => [1.0, 4_102_017_024.0, 2.0, 1_763_600_000.0, 1_048_576.0][i - 95],
    }
}

/// What one connection sends, in order: bodies of `hosts` at one step after the other.
pub fn bodies(
    hosts: std::ops::Range<usize>,
    steps: usize,
    step_ms: i64,
    from_ms: i64,
    seed: u64,
) -> Vec<Vec<u8>> {
    let mut hosts: Vec<Host> = hosts.map(|number| Host::new(number, seed)).collect();
    let mut encoder = Encoder::new();
    let day = |ms: i64| (ms.rem_euclid(86_400_000)) as f64 / 86_400_000.0;
    (0..steps)
        .map(|step| {
            let begin = from_ms + step as i64 * step_ms;
            for host in &mut hosts {
                host.step(step_ms as f64 / 1000.0, day(begin));
                let jitter = (host.chance.unit() * 9.0) as i64 - 4;
                let time = [begin + host.offset + jitter];
                for (labels, value) in host.labels.iter().zip(&host.values) {
                    encoder.series(labels.as_ref(), &time, &[*value]);
                }
            }
            encoder.finish()
        })
        .collect()
}
