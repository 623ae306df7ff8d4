//! Insights, recommendations and risks of a host whose disk fills, whose load jumps, whose memory drifts.

use std::sync::Arc;

use plimsoll_insight::Config;
use plimsoll_insight::findings::{
    AnalyticsInsight, Findings, InsightState, InsightType, RecommendationState,
};

use crate::scene::Scene;

fn config() -> Config {
    Config { step_ms: 30_000, ..Config::default() }
}

/// A host over `minutes`, one sample each half minute; `shape` gives metrics of a minute.
pub fn run(scene: &Scene, findings: &Findings, minutes: usize, shape: impl Fn(&Scene, f64)) {
    for half in 0..minutes * 2 {
        shape(scene, half as f64 / 2.0);
        scene.insight.tick();
        if half % 2 == 1 {
            findings.tick();
        }
        scene.clock.advance(std::time::Duration::from_secs(30));
    }
}

fn put_disk(scene: &Scene, free: f64) {
    let labels = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];
    scene.put("node_filesystem_size_bytes", &labels, 1e11);
    scene.put("node_filesystem_avail_bytes", &labels, free);
}

fn all(findings: &Findings) -> Vec<AnalyticsInsight> {
    findings.insights(None, None, 1_000).0
}

pub fn of(findings: &Findings, kind: InsightType) -> Vec<AnalyticsInsight> {
    findings.insights(None, Some(kind), 1_000).0
}

/// Every number of every insight comes again when its query is asked again.
#[track_caller]
pub fn check_evidence(findings: &Findings) {
    for insight in all(findings) {
        assert!(!insight.evidence.is_empty(), "{insight:?}");
        let again = findings.again(&insight.evidence);
        for (evidence, again) in insight.evidence.iter().zip(again) {
            assert_eq!(again, Some(evidence.value), "{}: {evidence:?}", insight.title);
        }
        let impact = plimsoll_insight::findings::Evidence {
            query: insight.impact.query.clone(),
            from_ms: insight.impact.at_ms,
            to_ms: insight.impact.at_ms,
            step_ms: 0,
            value: insight.impact.value,
            text: String::new(),
        };
        let again = findings.again(std::slice::from_ref(&impact));
        assert_eq!(again, [Some(impact.value)], "{}: {impact:?}", insight.title);
    }
}

#[test]
fn nobody_is_told_of_tomorrow_after_minutes() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    // Full in a day: the load line says so at once, an insight when an hour was seen.
    let fills =
        |from: f64| move |s: &Scene, minute: f64| put_disk(s, 4e10 - (from + minute) * 2.8e7);
    run(&scene, &findings, 15, fills(0.0));
    assert!(
        scene.insight.resources()[0].forecast.days.is_some(),
        "{:?}",
        scene.insight.resources()
    );
    assert_eq!(of(&findings, InsightType::Capacity), []);
    run(&scene, &findings, 65, fills(15.0));
    assert_eq!(of(&findings, InsightType::Capacity).len(), 1);
}

#[test]
fn a_disk_that_fills_is_an_insight_a_risk_and_a_recommendation_that_is_verified() {
    let mut scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 60, |s, minute| put_disk(s, 4e10 - minute * 2e8));
    check_evidence(&findings);
    let found = of(&findings, InsightType::Capacity);
    assert_eq!(found.len(), 1, "{found:?}");
    let insight = &found[0];
    assert!(insight.count > 10 && insight.first_ms < insight.last_ms, "{insight:?}");
    assert!(insight.impact.unit == "seconds" && insight.impact.value > 3_600.0, "{insight:?}");
    let risks = findings.risks();
    assert_eq!(risks.len(), 1);
    assert!(risks[0].probability.day > 0.9 && risks[0].probability.hour < 0.5, "{risks:?}");
    assert!(!of(&findings, InsightType::Risk).is_empty());

    let advice = findings.recommendations(None);
    let disk = advice.iter().find(|r| r.rule == "disk_fills").expect("a recommendation");
    assert!(insight.recommendations.contains(&disk.id));
    let decide = |to| findings.decide(&disk.id, to, "ann", "");
    decide(RecommendationState::Accepted).expect("can be accepted");
    assert!(decide(RecommendationState::Verified).is_err(), "nothing was applied yet");
    decide(RecommendationState::Applied).expect("can be applied");
    // Room is made; an hour later the verify-query is asked by itself.
    run(&scene, &findings, 70, |s, _| put_disk(s, 8e10));
    let done = findings.recommendation(&disk.id).expect("kept");
    assert_eq!(done.state, RecommendationState::Verified, "{done:?}");
    let outcome = done.outcome.expect("measured");
    assert!(outcome.holds && outcome.after < 0.3 && outcome.before.is_some_and(|b| b > 0.7));
    assert_eq!(done.history.len(), 3);

    findings.checkpoint();
    let before = (all(&findings), findings.recommendations(None), findings.reliability());
    drop(findings);
    scene.restart(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    findings.tick();
    assert_eq!(findings.recommendations(None), before.1);
    assert_eq!(findings.reliability(), before.2);
    let ids = |all: &[AnalyticsInsight]| {
        let mut ids: Vec<_> = all.iter().map(|i| (i.id.clone(), i.first_ms)).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&all(&findings)), ids(&before.0), "nothing is new after a restart");
}

#[test]
fn steps_and_drifts_are_insights_whose_numbers_come_again() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    let shape = |s: &Scene, minute: f64| {
        let noise = |of: f64| of * s.noise();
        s.put("node_memory_MemTotal_bytes", &[], 1e10);
        s.put("node_memory_MemAvailable_bytes", &[], 8e9 - minute * 1e7 + noise(1e7));
        let jump = if minute > 140.0 { 4.0 } else { 0.0 };
        s.put("node_load1", &[], 1.0 + jump + noise(0.05));
        s.put("node_procs_running", &[], 2.0 + jump + noise(0.05));
        s.put("up", &[], if minute > 180.0 { 0.0 } else { 1.0 });
    };
    run(&scene, &findings, 200, shape);
    let kinds = |state| {
        let mut kinds: Vec<&str> =
            findings.insights(state, None, 1_000).0.iter().map(|i| i.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    check_evidence(&findings);
    let found = kinds(None);
    for kind in ["anomaly", "change_point", "correlation", "risk", "trend"] {
        assert!(found.contains(&kind), "{kind} is missing in {found:?}");
    }
    let anomaly = &of(&findings, InsightType::Anomaly)[0];
    assert!(anomaly.description.contains("median of the hour before"), "{anomaly:?}");

    // A person's word changes the confidence of the next one of its type.
    let before = anomaly.confidence;
    let after = findings.say(&anomaly.id, InsightState::Dismissed, "ann", "known").expect("taken");
    assert!(after.confidence < before && !after.may_page());
    assert!(findings.say(&anomaly.id, InsightState::Dismissed, "ann", "").is_err());
    assert!(findings.say("nobody", InsightState::Dismissed, "ann", "").is_err());
    assert!(findings.say(&anomaly.id, InsightState::Acknowledged, " ", "").is_err());
    let events = |kind| {
        let query = plimsoll_records::EventQuery { kind: Some(kind), ..Default::default() };
        plimsoll_records::Records::events(&*scene.records, &query).expect("readable")
    };
    let dismissed = |e: &plimsoll_records::Event| e.body.contains("\"to\":\"dismissed\"");
    assert!(events("insight").iter().any(|e| e.subject == anomaly.id && dismissed(e)));

    // All is over: what is not seen any more expires, but that the series stopped while their target is up.
    let calm = |s: &Scene, _: f64| s.put("up", &[], 1.0);
    run(&scene, &findings, 400, calm);
    let left = findings.insights(Some(InsightState::New), None, 10).0;
    assert!(left.len() == 1 && left[0].subject.starts_with("stopped "), "{left:?}");
}

#[test]
fn nothing_is_found_where_there_is_nothing_or_nobody_looks() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 30, |s, _| {
        s.put("node_load1", &[], f64::NAN);
        s.put("up", &[], 1.0);
        put_disk(s, 9e10);
    });
    assert!(all(&findings).is_empty(), "{:?}", all(&findings));
    let off = Findings::new(Arc::clone(&scene.insight), false, Vec::new());
    run(&scene, &off, 30, |s, minute| put_disk(s, 4e10 - minute * 1e9));
    assert!(all(&off).is_empty());
    let rows = off.rows();
    let looks = rows.iter().find(|r| r.0 == "plimsoll_findings_looks_total");
    assert_eq!(looks.map(|r| r.4), Some(0.0));
}

#[test]
fn a_full_disk_of_records_loses_nothing_that_was_said() {
    let scene = Scene::new(config());
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 30, |s, minute| put_disk(s, 4e10 - minute * 1e9));
    let id = of(&findings, InsightType::Capacity)[0].id.clone();
    scene.records.fail_after(Some(0));
    assert!(findings.say(&id, InsightState::Acknowledged, "ann", "").is_err());
    assert_eq!(findings.get(&id).expect("kept").state, InsightState::New, "nothing changed");
    scene.records.fail_after(None);
    findings.say(&id, InsightState::Acknowledged, "ann", "").expect("now it can be written");
    let document = plimsoll_records::Records::document(&*scene.records, "insight", &id);
    assert!(document.expect("readable").is_some_and(|d| d.body.contains("acknowledged")));
}
