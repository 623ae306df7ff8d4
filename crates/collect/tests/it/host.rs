//! The host reader on small trees of its own, and once on the machine it runs on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_collect::host::{Host, HostConfig};
use plimsoll_world::{SimClock, SystemClock};

use crate::sink::Remember;

const TREE: [(&str, &str); 23] = [
    ("proc/sys/kernel/hostname", "box\n"),
    ("proc/sys/kernel/osrelease", "6.1.0\n"),
    ("proc/sys/kernel/ostype", "Linux\n"),
    (
        "proc/stat",
        "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 100 200 300 4000 50 6 7 8 9 10\nintr 99 1 2\nctxt 5\nbtime 1700000000\nprocesses 7\nprocs_running 2\nprocs_blocked 1\n",
    ),
    ("proc/loadavg", "0.50 1.25 2.00 1/100 4242\n"),
    (
        "proc/pressure/io",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
    ),
    ("proc/meminfo", "MemTotal:  1000 kB\nActive(anon):  10 kB\nHugePages_Total:  3\n"),
    ("proc/vmstat", "nr_free_pages 1\npgfault 12\npswpin 3\noom_kill 1\n"),
    (
        "proc/diskstats",
        " 254 0 vda 1 2 3 4000 5 6 7 8000 9 1000 2000\n 254 1 vda1 1 2 3 4 5 6 7 8 9 10 11\n",
    ),
    (
        "proc/1/mounts",
        "/dev/vda / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n/dev/vdb /mnt/a\\040b xfs ro 0 0\n",
    ),
    ("sizes", "/ 1000 600 500 64 32\n"),
    (
        "proc/net/dev",
        "Inter-|   Receive |  Transmit\n face |bytes packets\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    ),
    ("sys/class/net/eth0/operstate", "up\n"),
    ("sys/class/net/eth0/mtu", "1500\n"),
    ("sys/class/net/eth0/speed", "1000\n"),
    (
        "proc/net/snmp",
        "Tcp: RtoMin RetransSegs InErrs\nTcp: 200 17 1\nUdp: InDatagrams Odd\nUdp: 5 6\n",
    ),
    ("proc/net/sockstat", "sockets: used 17\nTCP: inuse 1 mem 2\n"),
    ("proc/sys/fs/file-nr", "640\t0\t9000\n"),
    ("proc/self/cgroup", "4:memory:/none\n0::/me\n"),
    ("sys/fs/cgroup/me/cgroup.procs", "1\n"),
    ("sys/fs/cgroup/me/cpu.stat", "usage_usec 2500000\nthrottled_usec 0\n"),
    ("sys/fs/cgroup/me/memory.current", "4096\n"),
    ("sys/class/hwmon/hwmon0/temp1_input", "45500\n"),
];

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in TREE {
        write(dir.path(), path, text);
    }
    process(dir.path(), 10, "server", 100, 50);
    process(dir.path(), 11, "server", 0, 25);
    dir
}

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn process(root: &Path, pid: u32, name: &str, ticks: u32, pages: u32) {
    let line = format!(
        "{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 {} 1000 {pages} 0\n",
        900 + pid
    );
    write(root, &format!("proc/{pid}/stat"), &line);
}

fn host(root: &Path, clock: &Arc<SimClock>) -> Host {
    let config = HostConfig {
        root: root.to_owned(),
        filesystem_sizes: Some(root.join("sizes")),
        ..HostConfig::default()
    };
    Host::new(&config, Arc::clone(clock) as Arc<dyn plimsoll_world::Clock>)
}

#[track_caller]
fn check(sink: &Remember, name: &str, want: &[&str]) {
    let want: Vec<String> = want
        .iter()
        .map(|w| {
            let base = "instance=\"box\", job=\"host\"";
            w.replace("{I", &format!("{{{base}")).replace(", I", &format!(", {base}"))
        })
        .collect();
    assert_eq!(sink.last(name), want, "{name}");
}

#[test]
fn a_fixture_root_gives_node_exporters_names() {
    let dir = tree();
    let clock = Arc::new(SimClock::at(1_700_000_100_000));
    let sink = Remember::default();
    let collected = host(dir.path(), &clock).collect(&sink);
    assert_eq!(collected.absent, Vec::<&str>::new());
    for (name, want) in [
        ("mode=\"idle\"", &["node_cpu_seconds_total{cpu=\"0\", I, mode=\"idle\"} 40"][..]),
        ("node_load5", &["node_load5{I} 1.25"]),
        ("node_pressure_io_s", &["node_pressure_io_stalled_seconds_total{I} 0.5"]),
        ("node_memory_Mem", &["node_memory_MemTotal_bytes{I} 1024000"]),
        ("node_memory_Act", &["node_memory_Active_anon_bytes{I} 10240"]),
        ("node_memory_Huge", &["node_memory_HugePages_Total{I} 3"]),
        ("node_vmstat_pg", &["node_vmstat_pgfault{I} 12"]),
        ("node_vmstat_nr", &[]),
        ("node_disk_read_bytes", &["node_disk_read_bytes_total{device=\"vda\", I} 1536"]),
        ("node_disk_io_time_seconds", &["node_disk_io_time_seconds_total{device=\"vda\", I} 1"]),
        (
            "node_filesystem_avail",
            &[
                "node_filesystem_avail_bytes{device=\"/dev/vda\", fstype=\"ext4\", I, mountpoint=\"/\"} 500",
            ],
        ),
        (
            "node_filesystem_device_error",
            &[
                "node_filesystem_device_error{device=\"/dev/vda\", fstype=\"ext4\", I, mountpoint=\"/\"} 0",
                "node_filesystem_device_error{device=\"/dev/vdb\", fstype=\"xfs\", I, mountpoint=\"/mnt/a b\"} 1",
            ],
        ),
        (
            "node_network_transmit_bytes",
            &["node_network_transmit_bytes_total{device=\"eth0\", I} 9"],
        ),
        ("node_network_speed", &["node_network_speed_bytes{device=\"eth0\", I} 125000000"]),
        ("node_netstat_Tcp_R", &["node_netstat_Tcp_RetransSegs{I} 17"]),
        ("node_netstat_Udp", &["node_netstat_Udp_InDatagrams{I} 5"]),
        ("node_sockstat_TCP_inuse", &["node_sockstat_TCP_inuse{I} 1"]),
        ("node_filefd", &["node_filefd_allocated{I} 640", "node_filefd_maximum{I} 9000"]),
        ("node_boot_time", &["node_boot_time_seconds{I} 1700000000"]),
        ("node_time_seconds", &["node_time_seconds{I} 1700000100"]),
        (
            "node_hwmon_temp",
            &["node_hwmon_temp_celsius{chip=\"hwmon0\", I, sensor=\"temp1\"} 45.5"],
        ),
        ("cgroup_cpu_usage", &["plimsoll_cgroup_cpu_usage_seconds_total{I} 2.5"]),
        ("cgroup_memory", &["plimsoll_cgroup_memory_current_bytes{I} 4096"]),
        ("process_count", &["plimsoll_process_count{I, name=\"server\"} 2"]),
        ("up{", &["node_network_up{device=\"eth0\", I} 1", "up{I} 1"]),
    ] {
        check(&sink, name, want);
    }
}

#[test]
fn what_vanishes_gets_a_staleness_marker_and_counters_of_names_never_run_back() {
    let dir = tree();
    let clock = Arc::new(SimClock::at(1_700_000_100_000));
    let sink = Remember::default();
    let mut host = host(dir.path(), &clock);
    host.collect(&sink);
    process(dir.path(), 10, "server", 350, 50);
    std::fs::remove_dir_all(dir.path().join("proc/11")).unwrap();
    std::fs::write(dir.path().join("proc/net/dev"), "a\nb\n").unwrap();
    std::fs::write(dir.path().join("sizes"), "/ 1000 100 50 64 32\n").unwrap();
    clock.advance(Duration::from_secs(5));
    host.collect(&sink);
    check(&sink, "process_cpu", &["plimsoll_process_cpu_seconds_total{I, name=\"server\"} 2.5"]);
    check(&sink, "process_count", &["plimsoll_process_count{I, name=\"server\"} 1"]);
    let gone = "node_network_transmit_bytes_total{device=\"eth0\", I} stale";
    check(&sink, "node_network_transmit_bytes", &[gone]);
    let filling =
        "node_filesystem_avail_bytes{device=\"/dev/vda\", fstype=\"ext4\", I, mountpoint=\"/\"} 50";
    check(&sink, "node_filesystem_avail", &[filling]);
}

#[test]
fn an_empty_root_gives_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::at(0));
    let sink = Remember::default();
    let mut host = host(dir.path(), &clock);
    let collected = host.collect(&sink);
    assert_eq!((host.instance(), collected.absent.len()), ("localhost", 15));
    assert_eq!(sink.last("up{"), ["up{instance=\"localhost\", job=\"host\"} 1"]);
}

#[test]
fn any_bytes_in_kernel_files_are_survived() {
    let dir = tree();
    let clock = Arc::new(SimClock::at(0));
    let mut seed = 7u64;
    for round in 0..60 {
        for (path, text) in TREE {
            let mut bytes = text.as_bytes().to_vec();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % bytes.len();
            match round % 3 {
                0 => bytes.truncate(at),
                1 => bytes[at] = (seed >> 20) as u8,
                _ => drop(bytes.splice(at..at, *b" \n:(9")),
            }
            std::fs::write(dir.path().join(path), bytes).unwrap();
        }
        host(dir.path(), &clock).collect(&Remember::default());
    }
}

#[test]
fn this_machine_is_read() {
    let sink = Remember::default();
    let mut host = Host::new(&HostConfig::default(), Arc::new(SystemClock::default()));
    let first = host.collect(&sink);
    assert!(first.samples > 50, "{}", first.samples);
    let n = 20;
    let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    for _ in 0..n {
        host.collect(&sink);
    }
    let after = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let us = (after.tv_sec - before.tv_sec) * 1_000_000 + (after.tv_nsec - before.tv_nsec) / 1000;
    println!("{} samples, {} us of CPU per collection", first.samples, us / n);
}
