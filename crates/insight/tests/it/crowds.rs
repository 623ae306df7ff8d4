//! Many unusual series of a host are one insight, and so are series that stopped.

use std::sync::Arc;

use plimsoll_insight::findings::{Findings, InsightState, InsightType};
use plimsoll_insight::{AnomalyLevel, Config};

use crate::findings::{check_evidence, of, run};
use crate::scene::Scene;

fn config() -> Config {
    Config { step_ms: 30_000, ..Config::default() }
}

#[test]
fn a_host_that_is_unusual_as_a_whole_is_one_insight_that_may_page() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    let shape = |factor: f64, calm: f64| {
        move |s: &Scene, _: f64| {
            for i in 0..6 {
                let value = factor * 10.0 + 0.1 * s.noise();
                s.put("queue_length", &[("queue", &i.to_string())], value);
            }
            s.put("calm", &[], calm + 0.1 * s.noise());
        }
    };
    run(&scene, &findings, 240, shape(1.0, 1.0));
    assert!(of(&findings, InsightType::Anomaly).is_empty());
    run(&scene, &findings, 6, shape(3.0, 1.0));
    let live = |findings: &Findings| {
        let mut found = of(findings, InsightType::Anomaly);
        found.retain(|i| i.state == InsightState::New);
        found
    };
    let found = live(&findings);
    let subjects: Vec<&str> = found.iter().map(|i| i.subject.as_str()).collect();
    assert_eq!(subjects, ["group{instance=\"h\"}"], "one for the host, none for a series");
    let group = &found[0];
    assert_eq!(group.level, AnomalyLevel::Page);
    assert!(
        group.may_page() && group.title.contains("h: 6 series are unusual at once"),
        "{group:?}"
    );
    assert_eq!((group.impact.value, group.impact.unit.as_str()), (6.0, "series"));
    assert!(group.evidence.len() == 5 && group.description.contains("queue_length"), "{group:?}");
    check_evidence(&findings);
    let written = scene.read("plimsoll_insight_rank", &[("insight", &group.id)]);
    assert!(!written.is_empty(), "a rule can page on it");
    // One series alone is an insight, and never worth a page.
    run(&scene, &findings, 200, shape(3.0, 1.0));
    assert!(live(&findings).is_empty(), "{:?}", live(&findings));
    run(&scene, &findings, 6, shape(3.0, 9.0));
    let found = live(&findings);
    assert!(found.len() == 1 && found[0].subject.starts_with("calm"), "{found:?}");
    assert!(found[0].level < AnomalyLevel::Page && !found[0].may_page(), "{found:?}");
    check_evidence(&findings);
}

#[test]
fn series_that_stop_are_one_insight_of_their_target() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    let shape = |stopped: bool, down: bool| {
        move |s: &Scene, _: f64| {
            s.put("up", &[], f64::from(u8::from(!down)));
            if down {
                return;
            }
            s.put("alpha", &[], 1.0 + 0.1 * s.noise());
            if !stopped {
                s.put("beta", &[], 5.0 + 0.1 * s.noise());
                for i in 0..3 {
                    s.put("gamma", &[("device", &i.to_string())], 7.0 + 0.1 * s.noise());
                }
            }
        }
    };
    let told = |findings: &Findings| {
        let mut found = of(findings, InsightType::Anomaly);
        found.retain(|i| i.subject.starts_with("stopped ") && i.state == InsightState::New);
        found
    };
    run(&scene, &findings, 120, shape(false, false));
    assert!(told(&findings).is_empty());
    run(&scene, &findings, 40, shape(true, false));
    let found = told(&findings);
    assert_eq!(found.len(), 1, "{found:?}");
    let one = &found[0];
    assert!(one.title.starts_with("4 series of h stopped"), "{one:?}");
    assert_eq!((one.impact.value, one.level), (4.0, AnomalyLevel::Notify));
    let silent = &one.evidence[0];
    assert!((37.0 * 60.0..43.0 * 60.0).contains(&silent.value), "{silent:?}");
    assert!(one.description.contains("beta of h was") || one.description.contains("gamma"));
    check_evidence(&findings);
    let advice = findings.recommendations(None);
    let advice = advice.iter().find(|r| r.rule == "series_stopped").expect("what to do");
    assert!(advice.verify.holds(10.0) && !advice.verify.holds(silent.value));
    // It comes back, and is over.
    run(&scene, &findings, 70, shape(false, false));
    assert!(told(&findings).is_empty(), "{:?}", told(&findings));
    // A target that is down is told as that.
    run(&scene, &findings, 30, shape(false, true));
    assert!(told(&findings).is_empty());
    assert!(of(&findings, InsightType::Risk).iter().any(|i| i.subject.starts_with("up{")));
}
