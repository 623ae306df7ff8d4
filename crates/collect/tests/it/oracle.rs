//! The host reader beside node_exporter on the same machine. Slow: only with `PLIMSOLL_SLOW=1`, and
//! only where `prometheus-node-exporter` is installed.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use plimsoll_collect::host::{Host, HostConfig};
use plimsoll_collect::scrape::{Cache, Terms};
use plimsoll_model::SourceId;
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_wire::text::Format;
use plimsoll_world::SystemClock;

use crate::sink::Remember;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Sources of node_exporter whose every series is expected here too.
const SAME: [&str; 12] = [
    "node_cpu_seconds_total",
    "node_cpu_guest_seconds_total",
    "node_load",
    "node_pressure_",
    "node_memory_",
    "node_vmstat_",
    "node_disk_",
    "node_filesystem_",
    "node_network_receive_",
    "node_netstat_",
    "node_sockstat_",
    "node_filefd_",
];
/// Counters whose values must agree.
const CLOSE: [&str; 6] = [
    "node_cpu_seconds_total",
    "node_memory_MemTotal_bytes",
    "node_disk_written_bytes_total",
    "node_network_receive_bytes_total",
    "node_filesystem_size_bytes",
    "node_boot_time_seconds",
];

#[tokio::test]
async fn node_exporter_and_the_host_reader_agree() {
    if std::env::var_os("PLIMSOLL_SLOW").is_none() {
        return;
    }
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let started = Command::new("prometheus-node-exporter")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = started else { return };
    let _running = Running(child);
    let client = HttpClient::new(HttpConfig::default());
    let url = format!("http://127.0.0.1:{port}/metrics");
    let theirs = loop {
        match client.send(Request::get(url.clone())).await {
            Ok(answer) => break answer,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    let ours = Remember::default();
    let config = HostConfig { instance: "x".into(), ..HostConfig::default() };
    Host::new(&config, Arc::new(SystemClock::default())).collect(&ours);
    let kept = Remember::default();
    let labels = vec![("instance".into(), "x".into()), ("job".into(), "host".into())];
    let terms = Terms { labels, samples_max: 100_000, ..Terms::default() };
    let mut cache = Cache::default();
    cache.absorb(&theirs.body, Format::Prometheus, 1, &terms).unwrap();
    cache.submit(1, &[], &SourceId::new("oracle"), &kept).wait().unwrap();
    let (ours, theirs) = (last(&ours), last(&kept));
    assert!(theirs.len() > 200, "{}", theirs.len());
    let missing: Vec<&String> = theirs
        .keys()
        .filter(|n| SAME.iter().any(|s| n.starts_with(s)) && !ours.contains_key(*n))
        .filter(|n| !n.starts_with("node_disk_info") && !n.contains("_nohandler_"))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    for (name, value) in theirs.iter().filter(|(n, _)| CLOSE.iter().any(|c| n.starts_with(c))) {
        let here = ours[name];
        assert!((here - value).abs() <= 0.02 * value.abs() + 1.0, "{name}: {here} {value}");
    }
}

fn last(sink: &Remember) -> BTreeMap<String, f64> {
    let series = sink.series.lock();
    series.iter().filter_map(|(n, s)| Some((n.clone(), s.last()?.1))).collect()
}
