//! The kinds of resources that are found by themselves, what more load does, and where the bounds are.

use plimsoll_insight::{Config, Driver, RESOURCES_MAX, Resource, what_if};

use crate::scene::Scene;

const DAY_S: f64 = 86_400.0;

#[track_caller]
fn one<'r>(all: &'r [Resource], kind: &str) -> &'r Resource {
    let mut found = all.iter().filter(|r| r.kind == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind} in {all:?}"));
    assert!(found.next().is_none(), "more than one {kind}");
    first
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
}

/// A host, a database, a pool and a certificate for so many steps of five seconds.
fn scene(steps: u32) -> Scene {
    let scene = Scene::new(Config::default());
    for i in 0..steps {
        let idle = f64::from(i) * 5.0;
        for cpu in ["0", "1"] {
            let of = |mode| [("cpu", cpu), ("mode", mode)];
            scene.put("node_cpu_seconds_total", &of("idle"), 0.75 * idle);
            scene.put("node_cpu_seconds_total", &of("user"), 0.25 * idle);
        }
        scene.put("process_max_fds", &[], 1_024.0);
        scene.put("process_open_fds", &[], 100.0);
        scene.put("node_nf_conntrack_entries_limit", &[], 65_536.0);
        scene.put("node_nf_conntrack_entries", &[], 655.36);
        scene.put("pg_settings_max_connections", &[("server", "db:5432")], 100.0);
        for (name, open) in [("a", 20.0), ("b", 30.0)] {
            scene.put("pg_stat_database_numbackends", &[("datname", name)], open);
        }
        scene.put("hikaricp_connections_max", &[("pool", "orders")], 10.0);
        scene.put("hikaricp_connections_active", &[("pool", "orders")], 9.0);
        scene.put("container_spec_memory_limit_bytes", &[("container", "free")], 0.0);
        scene.put("container_memory_working_set_bytes", &[("container", "free")], 1e9);
        scene.put("go_gc_gomemlimit_bytes", &[], 9.223_372_036_854_776e18);
        scene.put("process_resident_memory_bytes", &[], 5e7);
        let quota = |kind| [("namespace", "shop"), ("resource", "pods"), ("type", kind)];
        scene.put("kube_resourcequota", &quota("hard"), 20.0);
        scene.put("kube_resourcequota", &quota("used"), 5.0);
        let ends_s = scene.now() as f64 / 1e3 + 9.0 * DAY_S;
        scene.put("probe_ssl_earliest_cert_expiry", &[], ends_s);
        scene.step();
    }
    scene
}

#[test]
fn resources_of_many_kinds_are_found_with_their_load_lines_and_queries() {
    let all = scene(75).insight.resources();
    let cpu = one(&all, "cpu");
    assert!(near(cpu.used, 0.5) && near(cpu.limit, 2.0), "{cpu:?}");
    assert!((0.65..0.75).contains(&(cpu.safe_load / 2.0)), "two CPUs wait twice as long: {cpu:?}");
    assert_eq!(
        cpu.queries[1],
        "count(node_cpu_seconds_total{instance=\"h\",job=\"host\",mode=\"idle\"})"
    );
    let files = one(&all, "process_files");
    assert!(near(files.ratio, 100.0 / 1_024.0) && near(files.headroom, 0.8 * 1_024.0 - 100.0));
    assert_eq!(files.queries[0], "process_open_fds{instance=\"h\",job=\"host\"}");
    assert!(near(one(&all, "conntrack").ratio, 0.01));
    assert!(near(one(&all, "postgres_connections").used, 50.0), "summed over databases");
    let pool = one(&all, "pool");
    assert_eq!((pool.title.as_str(), pool.ratio), ("hikaricp connections active", 0.9));
    assert!(pool.headroom < 0.0, "beyond the load line");
    assert!(near(one(&all, "quota").ratio, 0.25));
    let certificate = one(&all, "certificate");
    let days = certificate.forecast.days.expect("a date is known");
    assert!((days.p50 - 9.0).abs() < 0.01 && days.p10 == days.p50, "{certificate:?}");
    assert_eq!(certificate.probability, Some([0.0, 0.0, 0.0, 1.0]));
    assert!((certificate.ratio - 0.9).abs() < 1e-3);
    let kinds: Vec<&str> = all.iter().map(|r| r.kind).collect();
    assert!(!kinds.contains(&"container_memory") && !kinds.contains(&"go_memory"), "{kinds:?}");
}

#[test]
fn more_load_takes_room_and_time() {
    let all = scene(75).insight.resources();
    let cpu = Resource { base: 0.1, ..one(&all, "cpu").clone() };
    let more = what_if(&cpu, 1.5).expect("a good factor");
    assert!(near(more.used, 0.1 + 1.5 * 0.4) && more.days.is_none(), "{more:?}");
    let much = what_if(&cpu, 10.0).expect("a good factor");
    assert_eq!((much.ratio > 1.0, much.days.map(|d| d.p50)), (true, Some(0.0)));
    let certificate = one(&all, "certificate");
    let same = what_if(certificate, 2.0).expect("a good factor");
    assert_eq!(same.days, certificate.forecast.days);
    let disk = Resource { driver: Driver::Stock, ..certificate.clone() };
    let sooner = what_if(&disk, 1.5).expect("a good factor");
    assert!(near(sooner.days.expect("a date").p50 * 1.5, disk.forecast.days.unwrap().p50));
    assert!(near(sooner.ratio, disk.used / disk.limit));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(what_if(&cpu, wrong), None);
    }
}

#[test]
fn there_are_at_most_so_many_and_disks_come_before_pools() {
    let scene = Scene::new(Config::default());
    let put_pools = || {
        for i in 0..RESOURCES_MAX + 5 {
            let pool = format!("p{i:03}");
            scene.put("hikaricp_connections_max", &[("pool", &pool)], 10.0);
            scene.put("hikaricp_connections_active", &[("pool", &pool)], 1.0);
        }
    };
    put_pools();
    scene.step();
    scene.clock.advance(std::time::Duration::from_secs(15));
    put_pools();
    let disk = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];
    scene.put("node_filesystem_size_bytes", &disk, 1e9);
    scene.put("node_filesystem_avail_bytes", &disk, 5e8);
    scene.insight.tick();
    let all = scene.insight.resources();
    assert_eq!(all.len(), RESOURCES_MAX);
    assert_eq!(all[0].kind, "disk");
    let refused = scene.insight.metrics().rows();
    let row = refused.iter().find(|r| r.0 == "plimsoll_analysis_resources_refused").unwrap();
    assert!(row.3 >= 6.0, "{}", row.3);
}
