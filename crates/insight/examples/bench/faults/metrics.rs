//! What an estate tells of itself: about 2,000 series, as exporters name them. No name and no label says
//! more than an exporter knows.

use super::super::chance::Chance;
use super::super::events::Push;
use super::{Book, Estate, STEP_S};

/// Series that have nothing to do with anything.
const OTHERS: usize = 130;

pub fn tell(estate: &Estate, push: &Push, at_s: f64, day: f64, book: &mut Book, c: &mut Chance) {
    book.turn();
    for h in 0..estate.hosts.len() {
        host(estate, push, h, at_s, book, c);
    }
    for i in 0..estate.instances.len() {
        instance(estate, push, i, at_s, book, c);
    }
    databases(estate, book, c);
    caches_and_queues(estate, book, c);
    for service in &estate.services {
        let l = [("service", service.name), ("instance", "lb1:9101"), ("job", "balancer")];
        let load: f64 = service.instances.iter().map(|&i| estate.instances[i].load).sum();
        book.count("lb_requests_total", &l, load, 0.02, c);
        book.count("lb_response_errors_total", &l, load * service.errors, 0.05, c);
        book.gauge("lb_sessions_current", &l, load * service.latency, 0.05, c);
        book.gauge("lb_backend_response_time_average_seconds", &l, service.latency, 0.04, c);
    }
    others(day, book, c);
}

fn host(estate: &Estate, push: &Push, h: usize, at_s: f64, book: &mut Book, c: &mut Chance) {
    let host = &estate.hosts[h];
    let instance = format!("{}:9100", host.name);
    let base = [("instance", instance.as_str()), ("job", "node")];
    let with = |n: &'static str, v: &'static str| [base[0], base[1], (n, v)];
    let (cores, busy) = (host.cores, host.busy);
    let wait = (host.io * 0.15).min(1.0 - busy);
    let cpu = [
        ("user", busy * 0.8),
        ("system", busy * 0.2),
        ("iowait", wait),
        ("idle", (1.0 - busy - wait).max(0.0)),
        ("steal", 0.002),
    ];
    for (mode, share) in cpu {
        book.count("node_cpu_seconds_total", &with("mode", mode), share * cores, 0.03, c);
    }
    let running = busy * cores / (1.0 - busy.min(0.93)).powf(0.4);
    book.gauge("node_load1", &base, running, 0.08, c);
    book.gauge("node_procs_running", &base, (1.0 + running).round(), 0.2, c);
    book.gauge("node_procs_blocked", &base, (host.io * 3.0).round(), 0.1, c);
    book.count(
        "node_pressure_cpu_waiting_seconds_total",
        &base,
        (busy - 0.6).max(0.01) * 0.8,
        0.1,
        c,
    );
    book.count("node_pressure_io_waiting_seconds_total", &base, host.io * 0.3, 0.1, c);
    book.count("node_context_switches_total", &base, 4_000.0 + 20_000.0 * busy * cores, 0.05, c);
    book.count("node_intr_total", &base, 2_000.0 + 9_000.0 * busy * cores, 0.05, c);
    book.count("node_forks_total", &base, 3.0 + 6.0 * host.quirk, 0.3, c);
    let batch = push.host_batch[h];
    for (group, used) in
        [("app", busy * cores - batch), ("system", 0.1 * cores), ("batch", batch + 0.01)]
    {
        let l = with("groupname", group);
        book.count("namedprocess_namegroup_cpu_seconds_total", &l, used.max(0.01), 0.05, c);
    }
    let on_it: f64 =
        estate.instances.iter().filter(|i| i.host == h).map(|i| i.heap).sum::<f64>() * 4e9;
    book.gauge("node_memory_MemAvailable_bytes", &base, (6e10 - on_it).max(1e9), 0.004, c);
    book.gauge("node_memory_Cached_bytes", &base, 8e9 * host.quirk, 0.01, c);
    book.gauge("node_memory_SwapFree_bytes", &base, 4e9, 0.0, c);
    let read = push.host_io[h] * 4e7 + host.io * 2e7;
    for (disk, part) in [("sda", 1.0), ("sdb", 0.05)] {
        let l = with("device", disk);
        let share = if disk == "sda" { host.io } else { 0.02 * host.quirk };
        book.count("node_disk_io_time_seconds_total", &l, share.min(1.0), 0.05, c);
        book.count("node_disk_read_bytes_total", &l, read * part, 0.2, c);
        book.count("node_disk_written_bytes_total", &l, (5e6 + host.io * 1e7) * part, 0.15, c);
        let reads = read / 60_000.0 * part;
        book.count("node_disk_reads_completed_total", &l, reads, 0.15, c);
        let slow = if disk == "sda" { host.wait_s } else { 0.002 };
        book.count("node_disk_read_time_seconds_total", &l, reads * slow, 0.1, c);
    }
    let load: f64 = estate.instances.iter().filter(|i| i.host == h).map(|i| i.load).sum();
    let traffic = 1e6 * host.quirk + load * 9_000.0;
    book.count("node_network_receive_bytes_total", &with("device", "eth0"), traffic, 0.06, c);
    let sent = traffic * 1.4 + push.host_net[h];
    book.count("node_network_transmit_bytes_total", &with("device", "eth0"), sent, 0.06, c);
    let lost = 0.4 + 0.002 * load + push.host_loss[h] * (60.0 + load * 3.0);
    book.count("node_netstat_Tcp_RetransSegs", &base, lost, 0.3, c);
    book.gauge("node_netstat_Tcp_CurrEstab", &base, 60.0 + load * 0.8, 0.05, c);
    let full = 6e11 - (at_s % 1e7) * 2e3 * host.quirk;
    book.gauge("node_filesystem_avail_bytes", &with("mountpoint", "/data"), full, 0.0005, c);
    book.gauge("node_timex_offset_seconds", &base, push.host_clock[h] + 2e-4, 0.3, c);
    book.gauge("node_hwmon_temp_celsius", &base, 38.0 + 25.0 * busy, 0.02, c);
    book.gauge("node_boot_time_seconds", &base, 1.7e9 + 1e5 * h as f64, 0.0, c);
}

fn instance(estate: &Estate, push: &Push, i: usize, at_s: f64, book: &mut Book, c: &mut Chance) {
    let it = &estate.instances[i];
    let service = &estate.services[it.service];
    let base =
        [("instance", it.address.as_str()), ("job", service.name), ("service", service.name)];
    let with = |n: &'static str, v: &'static str| [base[0], base[1], base[2], (n, v)];
    let bad = it.load * it.errors;
    book.count("http_requests_total", &with("code", "200"), it.load - bad, 0.03, c);
    book.count("http_requests_total", &with("code", "500"), bad, 0.1, c);
    book.count("http_request_duration_seconds_sum", &base, it.load * it.latency, 0.04, c);
    book.count("http_request_duration_seconds_count", &base, it.load, 0.03, c);
    book.count("process_cpu_seconds_total", &base, it.cpu, 0.04, c);
    let heap = (it.heap + 0.58 * push.instance_heap[i]).min(0.99);
    book.gauge("process_resident_memory_bytes", &base, 4e8 + heap * 4e9, 0.01, c);
    book.gauge("runtime_heap_used_bytes", &base, heap * 4e9, 0.04, c);
    book.count("runtime_gc_seconds_total", &base, it.gc, 0.1, c);
    book.gauge("runtime_threads", &base, (24.0 + it.load * it.latency * 2.0).round(), 0.02, c);
    book.gauge("process_open_fds", &base, it.fds + 850.0 * push.instance_fds[i], 0.02, c);
    book.gauge("pool_connections_in_use", &base, it.in_use, 0.08, c);
    book.gauge("pool_requests_pending", &base, it.pending, 0.2, c);
    let asked = it.load * 2.0;
    book.count("client_calls_total", &with("to", "db"), asked, 0.05, c);
    let slow = asked * estate.dbs[service.db].latency;
    book.count("client_call_seconds_total", &with("to", "db"), slow, 0.06, c);
    book.count("log_messages_total", &with("level", "error"), bad * 1.2 + 0.02, 0.2, c);
    book.count("log_messages_total", &with("level", "info"), it.load * 3.0, 0.05, c);
    // A version is a label: the old series ends, the new one begins.
    for (version, number) in [("1.8.2", 1), ("1.9.0", 2)] {
        let there = push.service_version[it.service] == number;
        let value = if there { 1.0 } else { f64::NAN };
        book.gauge("app_build_info", &with("version", version), value, 0.0, c);
    }
    let started = if it.started.is_nan() { at_s - it.started_for(at_s) } else { 1.6e9 + i as f64 };
    book.gauge("process_start_time_seconds", &base, started, 0.0, c);
}

impl super::Instance {
    /// Seconds since the restart; the fresh share decays by 0.85 a step.
    fn started_for(&self, _at_s: f64) -> f64 {
        let steps = (self.fresh.max(1e-9).ln() / 0.85f64.ln()).round();
        steps * STEP_S
    }
}

fn databases(estate: &Estate, book: &mut Book, c: &mut Chance) {
    for db in &estate.dbs {
        let base = [("instance", db.name.as_str()), ("job", "postgres")];
        book.gauge("pg_up", &base, 1.0, 0.0, c);
        book.count("pg_queries_total", &base, db.queries, 0.03, c);
        book.count("pg_query_seconds_total", &base, db.queries * db.latency, 0.04, c);
        book.count("pg_rows_read_total", &base, db.rows, 0.05, c);
        book.count("pg_slow_queries_total", &base, db.slow, 0.2, c);
        book.count("pg_rows_written_total", &base, db.queries * 0.4, 0.06, c);
        book.count("pg_commits_total", &base, db.queries * 0.3, 0.05, c);
        book.count("pg_rollbacks_total", &base, db.queries * 0.001, 0.4, c);
        book.gauge("pg_connections", &base, 30.0 + db.queries * db.latency * 2.0, 0.04, c);
        book.gauge("pg_locks_waiting", &base, (db.queries * db.latency * 0.2).round(), 0.3, c);
        book.gauge("pg_buffer_hit_ratio", &base, 0.99 - 0.000_000_8 * db.rows, 0.002, c);
        book.gauge("pg_replication_lag_seconds", &base, 0.2 + db.latency * 4.0, 0.3, c);
        book.count("pg_wal_bytes_total", &base, db.queries * 900.0, 0.08, c);
        book.count("pg_temp_bytes_total", &base, db.rows * 2.0, 0.3, c);
        book.count("pg_cpu_seconds_total", &base, db.cpu * 8.0, 0.04, c);
        book.gauge("pg_dead_rows", &base, 1e5, 0.02, c);
        book.count("pg_deadlocks_total", &base, 0.003, 0.5, c);
    }
}

fn caches_and_queues(estate: &Estate, book: &mut Book, c: &mut Chance) {
    for cache in &estate.caches {
        let base = [("instance", cache.name.as_str()), ("job", "redis")];
        book.count("redis_hits_total", &base, cache.hits, 0.03, c);
        book.count("redis_misses_total", &base, cache.misses, 0.03, c);
        book.count("redis_evicted_keys_total", &base, cache.evicted, 0.3, c);
        book.gauge("redis_keys", &base, 2e6 * cache.warm, 0.01, c);
        book.gauge("redis_memory_used_bytes", &base, 1e9 + 6e9 * cache.warm, 0.005, c);
        book.gauge("redis_connected_clients", &base, 240.0, 0.02, c);
        book.count("redis_commands_total", &base, cache.hits + cache.misses, 0.03, c);
    }
    for queue in &estate.queues {
        let instance = format!("{}:9419", estate.hosts[queue.host].name);
        let base =
            [("queue", queue.name.as_str()), ("instance", instance.as_str()), ("job", "rabbitmq")];
        book.gauge("queue_depth", &base, queue.depth, 0.05, c);
        book.count("queue_published_total", &base, queue.given, 0.04, c);
        book.count("queue_delivered_total", &base, queue.taken, 0.05, c);
        book.gauge("queue_consumers", &base, 6.0, 0.0, c);
        book.gauge("queue_memory_bytes", &base, 2e7 + queue.depth * 4e3, 0.03, c);
    }
}

/// Sensors, walks, seasons, bursts, constants.
fn others(day: f64, book: &mut Book, c: &mut Chance) {
    for i in 0..OTHERS {
        let n = format!("s{i:03}");
        let base = [("sensor", n.as_str()), ("job", "building")];
        let phase = i as f64 / 17.0;
        match i % 5 {
            0 => {
                let wave = (std::f64::consts::TAU * (day + phase)).sin();
                book.gauge("room_temperature_celsius", &base, 22.0 + 2.0 * wave, 0.01, c);
            }
            1 => book.gauge("room_humidity_percent", &base, 40.0 + phase, 0.05, c),
            2 => {
                let burst = if c.unit() < 0.01 { 40.0 } else { 0.2 };
                book.count("door_events_total", &base, burst, 0.5, c);
            }
            3 => book.gauge("meter_power_watts", &base, 900.0 + 200.0 * phase.sin(), 0.08, c),
            _ => book.gauge("lift_floor", &base, c.below(9) as f64, 0.0, c),
        }
    }
}
