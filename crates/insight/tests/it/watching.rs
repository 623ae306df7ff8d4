//! Who is watched, what is told of groups and of series that stopped, and what watching may cost.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_insight::{AnomalyLevel, Config, GroupBy, Input, Reader, WatchSource};
use plimsoll_model::Labels;
use plimsoll_query::parse_selector;
use plimsoll_world::Clock;

use crate::scene::{EVERY, Scene};

fn config() -> Config {
    Config { step_ms: EVERY, ..Config::default() }
}

/// Rules that read these.
struct Rules(&'static [&'static str]);

impl WatchSource for Rules {
    fn inputs(&self) -> Vec<Input> {
        let input = |text: &&str| Input {
            reader: Reader::Rules,
            matchers: parse_selector(text).expect("a selector").matchers,
            chosen: false,
        };
        self.0.iter().map(input).collect()
    }
}

fn metric(scene: &Scene, name: &str) -> f64 {
    let rows = scene.insight.metrics().rows();
    rows.iter().find(|row| row.0 == name).map_or(f64::NAN, |row| row.3)
}

/// Services of a host, all of them busier at once.
fn run(scene: &Scene, steps: usize, factor: f64, totals: &mut [f64; 4]) {
    for _ in 0..steps {
        for (i, total) in totals.iter_mut().enumerate() {
            *total += 500.0 * factor + 5.0 * scene.noise();
            scene.put("app_requests_total", &[("service", &i.to_string())], *total);
        }
        scene.step();
    }
}

#[test]
fn counters_of_a_host_are_watched_as_rates_and_many_at_once_are_worth_a_page() {
    let scene = Scene::with(config(), vec![Arc::new(Rules(&["plimsoll_anomaly_score"]))], |c| c);
    let mut totals = [1e9; 4];
    run(&scene, 420, 1.0, &mut totals);
    assert_eq!(scene.insight.watching().series, 4);
    assert!(scene.insight.groups().iter().all(|g| g.since_ms.is_none()));
    let mut paged = false;
    for _ in 0..24 {
        run(&scene, 1, 3.0, &mut totals);
        let found = scene.insight.anomalies();
        paged |= found.iter().any(|a| a.level == AnomalyLevel::Page);
    }
    assert!(paged, "{:?}", scene.insight.anomalies());
    let groups = scene.insight.groups();
    let host = groups.iter().find(|g| g.by == GroupBy::Instance).expect("the host");
    assert!(host.anomalous >= 3 && host.since_ms.is_some(), "{host:?}");
    let worst = &scene.insight.anomalies()[0];
    assert_eq!(worst.series, "app_requests_total");
    assert!(worst.expected.is_some_and(|e| (e - 100.0).abs() < 10.0), "a rate: {worst:?}");
    let rates = scene.read("plimsoll_anomaly_rate", &[("by", "instance"), ("instance", "h")]);
    assert!(rates.iter().any(|(_, rate)| *rate >= 0.75), "{rates:?}");
    assert!(!scene.read("plimsoll_anomaly_score", &[("service", "0")]).is_empty());
}

#[test]
fn what_rules_read_is_watched_before_the_rest() {
    let readers: Vec<Arc<dyn WatchSource>> = vec![Arc::new(Rules(&["queue_length"]))];
    let scene = Scene::with(Config { watched_max: 2, ..config() }, readers, |c| c);
    let queue = Labels::new([("__name__", "queue_length"), ("job", "db")]).expect("labels");
    let other = queue.with("__name__", "other");
    for i in 0..150 {
        scene.put("aaa", &[], f64::from(i));
        scene.put("bbb", &[], f64::from(i));
        for labels in [&queue, &other] {
            scene.source.append(labels, scene.now(), f64::from(i % 5));
        }
        scene.step();
    }
    let watching = scene.insight.watching();
    assert_eq!((watching.series, watching.max, watching.left_out), (2, 2, 1));
    assert_eq!(metric(&scene, "plimsoll_analysis_unwatched_series"), 1.0);
    // A checkpoint says who: nothing else does.
    scene.insight.checkpoint();
    assert!(metric(&scene, "plimsoll_analysis_checkpoint_bytes") > 2_000.0);
}

#[test]
fn a_series_that_stops_is_told_once_unless_its_target_is_down() {
    let scene = Scene::new(Config { step_ms: 60_000, ..config() });
    let minute = |stopped: bool, down: bool| {
        if !down {
            scene.put("alpha", &[], 1.0 + scene.noise());
            if !stopped {
                scene.put("beta", &[], 5.0 + scene.noise());
            }
        }
        scene.insight.tick();
        scene.clock.advance(Duration::from_secs(60));
    };
    (0..100).for_each(|_| minute(false, false));
    assert!(scene.insight.stopped().is_empty());
    (0..20).for_each(|_| minute(true, false));
    let stopped = scene.insight.stopped();
    assert!(stopped.len() == 1 && stopped[0].series == "beta", "{stopped:?}");
    assert!(stopped[0].since_ms <= scene.now() - 20 * 60_000);
    assert_eq!(metric(&scene, "plimsoll_analysis_stopped_total"), 1.0);
    (0..40).for_each(|_| minute(true, true));
    assert!(scene.insight.stopped().is_empty(), "the target is down");
    assert_eq!(metric(&scene, "plimsoll_analysis_targets_down"), 1.0);
    (0..20).for_each(|_| minute(false, false));
    assert!(scene.insight.stopped().is_empty(), "it came back");
}

#[test]
fn a_series_of_no_numbers_is_set_aside_and_the_others_go_on() {
    let scene = Scene::new(config());
    for i in 0..150 {
        let odd = if i < 120 { 1.0 } else { f64::NAN };
        scene.put("poisonous", &[], odd);
        scene.put("sound", &[], scene.noise());
        scene.step();
    }
    let aside = scene.insight.watching().set_aside;
    assert!(aside.len() == 1 && aside[0].series == "poisonous", "{aside:?}");
    assert_eq!(metric(&scene, "plimsoll_analysis_set_aside_series"), 1.0);
    for _ in 0..10 {
        scene.put("poisonous", &[], 1.0);
        scene.step();
    }
    assert!(scene.insight.watching().set_aside.is_empty());
}

/// Each look at the monotonic clock takes a second.
struct Slow(Arc<dyn Clock>, std::sync::atomic::AtomicU64);

impl Clock for Slow {
    fn wall_ms(&self) -> i64 {
        self.0.wall_ms()
    }

    fn mono(&self) -> Duration {
        let looks = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.mono() + Duration::from_secs(looks)
    }
}

#[test]
fn when_watching_costs_too_much_fewer_are_watched() {
    let slow = |clock| -> Arc<dyn Clock> { Arc::new(Slow(clock, Default::default())) };
    let scene = Scene::with(config(), Vec::new(), slow);
    for _ in 0..120 {
        for i in 0..120 {
            scene.put("many", &[("i", &i.to_string())], scene.noise());
        }
        scene.step();
    }
    let watching = scene.insight.watching();
    assert!(watching.series < 120 && watching.series >= 50, "{}", watching.series);
    assert!(metric(&scene, "plimsoll_analysis_unwatched_by_cost_series") > 0.0);
    assert!(metric(&scene, "plimsoll_analysis_cpu_ratio") > 0.1);
}
