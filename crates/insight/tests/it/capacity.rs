//! The load line of disks that fill at known rates, and of memory.

use plimsoll_insight::{Config, ForecastState, Resource};
use plimsoll_model::is_stale;

use crate::scene::Scene;

const SIZE: f64 = 250e9;
const ROOT: [(&str, &str); 3] = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];

fn fill(scene: &Scene, used: f64) {
    scene.put("node_filesystem_size_bytes", &ROOT, SIZE);
    // Filesystems count in blocks.
    scene.put("node_filesystem_avail_bytes", &ROOT, ((SIZE - used) / 4096.0).floor() * 4096.0);
}

fn disk(scene: &Scene) -> Resource {
    scene.insight.resources().into_iter().find(|r| r.id == "disk:/").expect("a disk")
}

/// Lets a disk with so much room fill linearly, noise included, for a bit more than five minutes.
fn after_five_minutes(room: f64, full_in_s: f64) -> (Scene, f64) {
    let scene = Scene::new(Config::default());
    let per_step = room / full_in_s * 5.0;
    let steps = 64;
    for i in 0..steps {
        let noise = 0.5 * per_step * scene.noise();
        fill(&scene, SIZE - room + per_step * f64::from(i) + noise);
        scene.step();
    }
    let left_s = full_in_s - 5.0 * f64::from(steps - 1);
    (scene, left_s)
}

#[test]
fn a_filling_disk_says_when_after_five_minutes() {
    let rates = [20.0 * 60.0, 3_600.0, 6.0 * 3_600.0, 86_400.0, 4.0 * 86_400.0, 10.0 * 86_400.0];
    for full_in_s in rates {
        let (scene, left_s) = after_five_minutes(0.4 * SIZE, full_in_s);
        let shown = disk(&scene);
        let days = shown.forecast.days.unwrap_or_else(|| panic!("{full_in_s}: {shown:?}"));
        let off = days.p50 * 86_400.0 / left_s - 1.0;
        assert!(off.abs() < 0.25, "{full_in_s} s: off by {off}, {shown:?}");
        assert!(shown.forecast.text.starts_with("full in "), "{shown:?}");
        let labels = [
            ("resource", "disk"),
            ("mountpoint", "/"),
            ("device", "/dev/sda1"),
            ("instance", "h"),
            ("quantile", "0.5"),
        ];
        let written = scene.read("plimsoll_time_to_limit_seconds", &labels);
        assert!(!written.is_empty(), "{full_in_s} s: first one as soon as it is known");
        let off = written[0].1 / (left_s + 15.0) - 1.0;
        assert!(off.abs() < 0.25, "{full_in_s} s: written off by {off}");
    }
}

#[test]
fn until_then_it_is_learning_and_a_still_disk_has_no_breach() {
    let scene = Scene::new(Config::default());
    for i in 0..70 {
        fill(&scene, 1e11);
        scene.step();
        if i == 30 {
            assert_eq!(disk(&scene).forecast.text, "learning: 2 m of 5 m");
        }
    }
    let shown = disk(&scene);
    assert_eq!(shown.forecast.state, ForecastState::None);
    assert_eq!(shown.forecast.text, "no breach in 90 d");
    assert!((shown.ratio - 0.4).abs() < 1e-6 && shown.title == "/ disk" && shown.unit == "bytes");
    assert!(scene.read("plimsoll_time_to_limit_seconds", &[]).is_empty());
}

#[test]
fn a_breach_that_goes_away_is_marked_stale_and_written_at_most_once_a_minute() {
    let (scene, _) = after_five_minutes(0.4 * SIZE, 3_600.0);
    let used = disk(&scene).used;
    for _ in 0..(40 * 12) {
        fill(&scene, used - 1e10);
        scene.step();
    }
    assert_eq!(disk(&scene).forecast.days, None, "{:?}", disk(&scene));
    let written = scene.read("plimsoll_time_to_limit_seconds", &[("quantile", "0.5")]);
    assert!(is_stale(written.last().unwrap().1));
    let values: Vec<i64> = written.iter().filter(|w| !is_stale(w.1)).map(|w| w.0).collect();
    assert!(values.windows(2).all(|w| w[1] - w[0] >= 60_000), "{values:?}");
}

#[test]
fn a_restart_knows_the_past_from_the_store() {
    let (mut scene, _) = after_five_minutes(0.4 * SIZE, 86_400.0);
    scene.restart(Config::default());
    scene.insight.tick();
    assert!(disk(&scene).forecast.days.is_some());
}

#[test]
fn all_kinds_are_found_and_what_cannot_fill_is_not() {
    let scene = Scene::new(Config::default());
    for _ in 0..3 {
        fill(&scene, 1e11);
        let other = |fstype, at| [("device", fstype), ("fstype", fstype), ("mountpoint", at)];
        for (fstype, at) in [("tmpfs", "/run"), ("squashfs", "/snap/x"), ("proc", "/proc")] {
            scene.put("node_filesystem_size_bytes", &other(fstype, at), 1e6);
            scene.put("node_filesystem_avail_bytes", &other(fstype, at), 0.0);
        }
        scene.put("node_filesystem_files", &ROOT, 1e6);
        scene.put("node_filesystem_files_free", &ROOT, 9e5);
        scene.put("node_memory_MemTotal_bytes", &[], 8e9);
        scene.put("node_memory_MemAvailable_bytes", &[], 6e9);
        scene.put("node_memory_SwapTotal_bytes", &[], 0.0);
        scene.put("node_memory_SwapFree_bytes", &[], 0.0);
        scene.put("node_filefd_maximum", &[], 1e5);
        scene.put("node_filefd_allocated", &[], 5e3);
        scene.step();
    }
    scene.clock.advance(std::time::Duration::from_secs(15));
    scene.insight.tick();
    let shown = scene.insight.resources();
    let percent = |r: &Resource| (r.ratio * 100.0).round();
    let ids: Vec<(&str, f64)> = shown.iter().map(|r| (r.id.as_str(), percent(r))).collect();
    assert_eq!(ids, [("disk:/", 40.0), ("memory", 25.0), ("inodes:/", 10.0), ("files", 5.0)]);
    scene.clock.advance(std::time::Duration::from_secs(600));
    scene.insight.tick();
    assert!(scene.insight.resources().is_empty(), "a silent host shows nothing");
}
