//! Every type of insight is produced by data that show it, and all its numbers come again.

use std::sync::Arc;

use plimsoll_insight::Config;
use plimsoll_insight::findings::jobs::read_text;
use plimsoll_insight::findings::{DataBasis, Findings, InsightType, replay};
use plimsoll_model::{Labels, SeriesSource};
use plimsoll_query::{Engine, EngineConfig, Features};
use plimsoll_world::Workers;

use crate::findings::{check_evidence, of, run};
use crate::scene::Scene;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A sample of the past.
fn past(scene: &Scene, metric: &str, labels: &[(&str, &str)], at: i64, value: f64) {
    let all = [("__name__", metric), ("job", "host"), ("instance", "h")];
    let labels = Labels::new(all.into_iter().chain(labels.iter().copied())).expect("good labels");
    scene.source.append(&labels, at, value);
}

#[test]
fn an_idle_host_with_a_daily_wave_and_a_full_limit() {
    let scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let start = scene.now();
    // Fifteen days, a sample each two and a half minutes.
    let mut idle = 0.0;
    for i in 0..15 * 576 {
        let at = start - 15 * DAY + i * 150_000;
        idle += 140.0;
        for cpu in ["0", "1"] {
            past(&scene, "node_cpu_seconds_total", &[("cpu", cpu), ("mode", "idle")], at, idle);
        }
        let day = (at.rem_euclid(DAY)) as f64 / DAY as f64;
        let wave = 0.05 * (day * std::f64::consts::TAU).sin();
        past(&scene, "node_memory_MemTotal_bytes", &[], at, 1e10);
        past(&scene, "node_memory_MemAvailable_bytes", &[], at, 1e10 * (0.9 - wave));
    }
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 15, |s, _| {
        s.put("plimsoll_store_limit", &[("limit", "max_series")], 1_000.0);
        s.put("plimsoll_store_limit_used", &[("limit", "max_series")], 900.0);
        s.put("probe_ssl_earliest_cert_expiry", &[], (start + 3 * DAY) as f64 / 1e3);
    });
    for (kind, n) in [
        (InsightType::Waste, 2),
        (InsightType::Budget, 1),
        (InsightType::Seasonality, 1),
        (InsightType::Risk, 1),
    ] {
        let found = of(&findings, kind);
        assert!(found.len() >= n, "{kind:?}: {found:?}");
    }
    check_evidence(&findings);
    let waste = of(&findings, InsightType::Waste);
    let cores = waste.iter().find(|i| i.impact.unit == "cores").expect("of the CPUs");
    assert!((cores.impact.value - 1.87).abs() < 0.05, "{cores:?}");
    let rules: Vec<String> =
        findings.recommendations(None).iter().map(|r| r.rule.clone()).collect();
    for rule in ["right_size", "limit_near", "certificate_ends"] {
        assert!(rules.iter().any(|r| r == rule), "{rule} is missing in {rules:?}");
    }
    assert!(findings.risks().iter().any(|r| r.probability.week == 1.0 && r.probability.day == 0.0));
}

#[test]
fn a_rate_of_waiting_that_stays_high_is_a_regression() {
    let scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    let total = std::cell::Cell::new(0.0);
    run(&scene, &findings, 300, |s, minute| {
        let rate = if minute > 240.0 { 0.5 } else { 0.05 };
        total.set(total.get() + 30.0 * (rate + 0.005 * s.noise()).max(0.0));
        s.put("node_pressure_cpu_waiting_seconds_total", &[], total.get());
    });
    let found = of(&findings, InsightType::Regression);
    assert!(!found.is_empty(), "{:?}", findings.insights(None, None, 100).0);
    assert!((found[0].impact.value - 0.45).abs() < 0.03, "{found:?}");
    check_evidence(&findings);
}

const JOBS: &str = r#"
jobs:
  - {name: level, metrics: [queue], interval: 1m, what: compare, over: 1h, against: 2h, alerts: [{above: 1.3}]}
  - {name: slope, metrics: [queue], interval: 1m, what: trend, over: 3h}
  - {name: odd, metrics: [queue], interval: 1m, what: anomaly}
  - {name: soon, metrics: [disk], interval: 1m, what: forecast, horizon: 1h, alerts: [{above: 120}]}
  - {name: worse, metrics: [poison, disk], interval: 1m, what: trend, over: 1h}
  - {name: none, metrics: [nothing]}
"#;

#[test]
fn jobs_find_say_how_fresh_and_set_poison_aside() {
    let jobs = read_text("jobs", JOBS, &Features::default()).expect("good jobs");
    let scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let findings = Findings::new(Arc::clone(&scene.insight), true, jobs.clone());
    let shape = |s: &Scene, minute: f64| {
        s.put("queue", &[], 10.0 + if minute > 200.0 { 5.0 } else { 0.0 } + 0.1 * s.noise());
        s.put("disk", &[], 0.4 * minute + 0.1 * s.noise());
        s.put("poison", &[], if minute > 100.0 { f64::INFINITY } else { 1.0 });
    };
    run(&scene, &findings, 300, shape);
    let status = |name: &str| findings.jobs().into_iter().find(|j| j.name == name).expect("a job");
    assert_eq!((status("level").state, status("level").basis), ("ok", Some(DataBasis::RealTime)));
    assert_eq!(status("level").findings, 1, "{:?}", status("level"));
    assert_eq!(status("worse").set_aside.len(), 1, "{:?}", status("worse"));
    assert!(status("worse").set_aside[0].reason.contains("infinite"));
    assert_eq!(status("worse").series, 1, "the other series is analysed");
    assert_eq!(status("none").state, "no data");
    let found = of(&findings, InsightType::ChangePoint);
    assert!(found.iter().any(|i| i.title.contains("level")), "{found:?}");
    assert!(of(&findings, InsightType::Risk).iter().any(|i| i.title.contains("soon")));
    check_evidence(&findings);
    let written = scene.read("plimsoll_job_result", &[("analysis_job", "level")]);
    assert!(written.last().is_some_and(|(_, ratio)| (ratio - 1.5).abs() < 0.05), "{written:?}");

    // Graded: forecasts of the job have met the truth.
    let scored = findings.forecasts();
    let hour = scored.iter().find(|s| s.series.starts_with("soon")).expect("a book");
    assert!(hour.horizons[0].n >= 2 && hour.horizons[0].error.is_some_and(|e| e < 0.5), "{hour:?}");

    // Over history: the same code finds the same.
    let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
    let source = Arc::clone(&scene.source) as Arc<dyn SeriesSource>;
    let range = (scene.now() - 2 * HOUR, scene.now());
    let level = replay(&jobs[0], &engine, &source, range, &|| true);
    assert_eq!((level.looks, level.episodes_total), (120, 1), "{level:?}");
    assert!(level.episodes[0].from_ms > scene.now() - 100 * 60_000);
    assert!(!replay(&jobs[0], &engine, &source, range, &|| false).complete);

    // No news for half an hour, for hours, for weeks.
    let wait = |minutes: u64| {
        scene.clock.advance(std::time::Duration::from_secs(minutes * 60));
        findings.tick();
        status("level").basis
    };
    assert_eq!(wait(30), Some(DataBasis::Delayed));
    assert_eq!(wait(300), Some(DataBasis::Historical));
    assert_eq!(wait(20_000), None);
}

const PLACED: &str = r#"
jobs:
  - {name: work, metrics: [load], interval: 1m, what: trend, over: 3h, calendar: {hours: '15:00-17:00'}}
  - {name: always, metrics: [load], interval: 1m, what: trend, over: 3h, alerts: [{above: 1}]}
  - {name: versions, metrics: [app_info], interval: 1m, aggregation: distinct, label: version, what: compare, over: 30m, against: 1h}
  - {name: values, metrics: [app_info], interval: 1m, aggregation: distinct, what: trend, over: 1h}
  - {name: top, metrics: [queue], interval: 1m, aggregation: top-k, k: 2, what: trend, over: 1h, alerts: [{above: -1}]}
"#;

#[test]
fn calendars_distinct_values_and_the_greatest_series() {
    let jobs = read_text("jobs", PLACED, &Features::default()).expect("good jobs");
    let scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let findings = Findings::new(Arc::clone(&scene.insight), true, jobs.clone());
    let shape = |s: &Scene, from: f64, minute: f64| {
        // The clock begins at 15:06 on a Sunday, in UTC; from 17:00 on the load climbs.
        let minute = from + minute;
        s.put("load", &[], 5.0 + (minute - 114.0).max(0.0) + 0.1 * s.noise());
        let versions = if minute > 170.0 { 4 } else { 2 };
        for i in 0..6 {
            let version = (i % versions).to_string();
            s.put("app_info", &[("i", &i.to_string()), ("version", &version)], 1.0);
            s.put("queue", &[("queue", &i.to_string())], f64::from(i) + 0.1 * s.noise());
        }
    };
    let status = |name: &str| findings.jobs().into_iter().find(|j| j.name == name).expect("a job");
    run(&scene, &findings, 110, |s, minute| shape(s, 0.0, minute));
    assert_eq!((status("work").state, status("work").findings), ("ok", 0));
    run(&scene, &findings, 100, |s, minute| shape(s, 110.0, minute));
    let work = status("work");
    assert_eq!((work.state, work.series, work.problem), ("resting", 0, None));
    assert_eq!(status("always").findings, 1, "{:?}", status("always"));
    assert_eq!(status("versions").findings, 1, "{:?}", status("versions"));
    assert_eq!((status("values").series, status("values").findings), (1, 0));
    assert_eq!((status("top").series, status("top").left_out), (2, 0));
    let told = of(&findings, InsightType::Trend);
    let top = |queue: &str| {
        let pair = ("queue".to_owned(), queue.to_owned());
        told.iter().any(|i| i.title.starts_with("top") && i.labels.contains(&pair))
    };
    assert!(top("5") && top("4") && !top("3"), "{told:?}");
    check_evidence(&findings);
    let written = scene.read("plimsoll_job_result", &[("analysis_job", "versions")]);
    assert!(written.last().is_some_and(|(_, ratio)| *ratio == 2.0), "{written:?}");
    // Over history the same: what the calendar leaves out is not looked at.
    let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
    let source = Arc::clone(&scene.source) as Arc<dyn SeriesSource>;
    let range = (scene.now() - 2 * HOUR, scene.now());
    let work = replay(&jobs[0], &engine, &source, range, &|| true);
    assert!(work.rested > 80 && work.looks + work.rested >= 120, "{work:?}");
    assert_eq!(work.episodes_total, 0, "{work:?}");
}

#[test]
fn a_gap_is_no_zero() {
    let text =
        "jobs: [{name: g, metrics: [queue], interval: 1m, what: compare, over: 1h, against: 2h}]";
    let jobs = read_text("jobs", text, &Features::default()).expect("a good job");
    let scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let findings = Findings::new(Arc::clone(&scene.insight), true, jobs);
    run(&scene, &findings, 240, |s, minute| {
        // Half of each ten minutes is missing.
        if minute % 10.0 < 5.0 {
            s.put("queue", &[], 10.0 + 0.1 * s.noise());
        }
    });
    let written = scene.read("plimsoll_job_result", &[("analysis_job", "g")]);
    assert!(written.last().is_some_and(|(_, ratio)| (ratio - 1.0).abs() < 0.02), "{written:?}");
    assert!(of(&findings, InsightType::ChangePoint).is_empty());
}

#[test]
fn key_figures_and_states_are_series() {
    let mut scene = Scene::new(Config { step_ms: 30_000, ..Config::default() });
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 20, |s, _| {
        s.put("up", &[], 1.0);
        s.put("up", &[("instance2", "b")], 0.0);
    });
    let success = scene.read("plimsoll_kpi_collection_success_ratio", &[]);
    assert!(success.last().is_some_and(|(_, share)| *share == 0.5), "{success:?}");
    let states = scene.read("plimsoll_assessment_state", &[("by", "job")]);
    assert!(states.len() >= 3 && states.iter().all(|(_, state)| *state == 1.0), "{states:?}");
    let (before, _) = findings.assessments(Some("job"), None, (0, i64::MAX), 100);
    assert!(!before.is_empty());
    findings.checkpoint();
    scene.restart(Config { step_ms: 30_000, ..Config::default() });
    let again = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    again.tick();
    let (after, _) = again.assessments(Some("job"), None, (0, i64::MAX), 100);
    assert!(after.len() >= before.len());
    assert_eq!(after.last(), before.last());
}
