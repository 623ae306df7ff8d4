//! Anomaly scores of a host whose CPU load is steady and then is not.

use plimsoll_insight::Config;

use crate::scene::Scene;

const CORES: usize = 2;

fn config() -> Config {
    Config { step_ms: 5_000, ..Config::default() }
}

/// Counters of a machine, advanced by a busy share.
#[derive(Default)]
struct Cpu {
    idle: [f64; CORES],
    user: [f64; CORES],
}

impl Cpu {
    fn run(&mut self, scene: &Scene, busy: f64, steps: usize, mut after: impl FnMut(&Scene)) {
        for _ in 0..steps {
            for core in 0..CORES {
                let share = (busy + 0.02 * scene.noise()).clamp(0.0, 1.0);
                self.user[core] += 5.0 * share;
                self.idle[core] += 5.0 * (1.0 - share);
                let name = core.to_string();
                let put = |mode, value: f64| {
                    scene.put("node_cpu_seconds_total", &[("cpu", &name), ("mode", mode)], value);
                };
                put("idle", (self.idle[core] * 100.0).round() / 100.0);
                put("user", (self.user[core] * 100.0).round() / 100.0);
            }
            scene.put("node_load1", &[], busy * 2.0 + 0.05 * scene.noise());
            scene.step();
            after(scene);
        }
    }
}

#[test]
fn a_step_of_cpu_load_raises_its_score_and_steady_load_does_not() {
    let scene = Scene::new(config());
    let mut cpu = Cpu::default();
    cpu.run(&scene, 0.2, 35 * 12, |scene| {
        let found = scene.insight.anomalies();
        assert!(found.iter().all(|a| a.score < 0.5), "no alarm while steady: {found:?}");
    });
    let mut greatest: f64 = 0.0;
    cpu.run(&scene, 0.85, 18, |scene| {
        let found = scene.insight.anomalies();
        let of_cpu = found.iter().find(|a| a.series == "cpu_busy");
        greatest = greatest.max(of_cpu.map_or(0.0, |a| a.score));
    });
    assert!(greatest >= 0.5, "{greatest}");
    cpu.run(&scene, 0.85, 12, |_| {});
    let written = scene.read("plimsoll_anomaly_score", &[("series", "cpu_busy")]);
    assert!(written.iter().any(|(_, score)| *score >= 0.5), "{written:?}");
    assert!(written.windows(2).all(|w| w[1].0 - w[0].0 >= 60_000), "once a minute: {written:?}");
    let anomaly = &scene.insight.anomalies()[0];
    assert!(anomaly.labels.contains(&("instance".to_owned(), "h".to_owned())));
}

#[test]
fn a_restart_is_no_warm_up() {
    let mut scene = Scene::new(config());
    let mut cpu = Cpu::default();
    cpu.run(&scene, 0.2, 35 * 12, |_| {});
    scene.insight.checkpoint();
    // Nothing but the checkpoint is left.
    scene.source = Default::default();
    scene.restart(config());
    cpu.run(&scene, 0.2, 24, |_| {});
    cpu.run(&scene, 0.85, 18, |_| {});
    let found = scene.insight.anomalies();
    assert!(found.iter().any(|a| a.series == "cpu_busy" && a.score >= 0.5), "{found:?}");
}

#[test]
fn what_is_watched_and_written_is_bounded() {
    let scene = Scene::new(Config { watched_max: 3, series_max: 2, ..config() });
    for i in 0..200 {
        for disk in 0..10 {
            let busy = f64::from(i) * 5.0 * f64::from(disk) / 10.0;
            let name = format!("sd{disk}");
            scene.put("node_disk_io_time_seconds_total", &[("device", &name)], busy);
        }
        scene.step();
    }
    let value = |name| {
        let rows = scene.insight.metrics().rows();
        rows.iter().find(|row| row.0 == name).map_or(f64::NAN, |row| row.3)
    };
    assert_eq!(value("plimsoll_analysis_watched_series"), 3.0);
    assert_eq!(value("plimsoll_analysis_unwatched_series"), 7.0);
    assert!(value("plimsoll_analysis_result_series") <= 2.0);
}

#[test]
fn nothing_is_done_when_switched_off() {
    let scene = Scene::new(Config { enabled: false, ..config() });
    Cpu::default().run(&scene, 0.2, 100, |_| {});
    assert!(scene.insight.resources().is_empty());
    assert_eq!(scene.insight.metrics().rows()[0].3, 0.0);
    assert_eq!(scene.insight.watching().series, 0);
}
