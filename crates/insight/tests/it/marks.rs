//! Marks that people set reach insights and assessments; a certificate is one risk and not two.

use std::sync::Arc;

use plimsoll_insight::Config;
use plimsoll_insight::findings::{Findings, Health, InsightType};

use crate::findings::{of, run};
use crate::scene::Scene;

fn scene() -> Scene {
    Scene::new(Config { step_ms: 30_000, ..Config::default() })
}

/// A disk that stays at 70 %.
fn still(scene: &Scene, _minute: f64) {
    let labels = [("device", "/dev/sda1"), ("fstype", "ext4"), ("mountpoint", "/")];
    scene.put("up", &[], 1.0);
    scene.put("node_filesystem_size_bytes", &labels, 1e11);
    scene.put("node_filesystem_avail_bytes", &labels, 3e10);
}

/// The worst health of the host that was judged.
fn worst(findings: &Findings) -> Health {
    let (all, _) = findings.assessments(Some("instance"), None, (0, i64::MAX), 1_000);
    all.iter().map(|(_, a)| a.state).max().expect("an assessment")
}

#[test]
fn marks_reach_insights_and_assessments() {
    let quiet = scene();
    let findings = Findings::new(Arc::clone(&quiet.insight), true, Vec::new());
    run(&quiet, &findings, 20, still);
    assert!(of(&findings, InsightType::Capacity).is_empty());
    assert_eq!(worst(&findings), Health::Normal);

    let marked = scene();
    marked.insight.mark_with(Arc::new(|resource| {
        if resource.kind == "disk" {
            (resource.warning, resource.critical, resource.defaults) = (0.5, 0.6, false);
        }
    }));
    let findings = Findings::new(Arc::clone(&marked.insight), true, Vec::new());
    run(&marked, &findings, 20, still);
    let resources = marked.insight.resources();
    let disk = resources.iter().find(|r| r.kind == "disk").expect("a disk");
    assert_eq!((disk.warning, disk.critical, disk.defaults), (0.5, 0.6, false));
    assert_eq!(of(&findings, InsightType::Capacity).len(), 1);
    assert_eq!(worst(&findings), Health::Bad);
}

#[test]
fn a_certificate_is_counted_once() {
    let scene = scene();
    let ends_s = scene.now() as f64 / 1e3 + 5.0 * 86_400.0;
    let findings = Findings::new(Arc::clone(&scene.insight), true, Vec::new());
    run(&scene, &findings, 20, |s, _| s.put("probe_ssl_earliest_cert_expiry", &[], ends_s));
    assert!(scene.insight.resources().iter().any(|r| r.kind == "certificate"));
    let risks = findings.risks();
    assert_eq!(risks.len(), 1, "{risks:?}");
    assert!(risks[0].resource.starts_with("certificate"), "{risks:?}");
    assert_eq!(of(&findings, InsightType::Risk).len(), 1);
}
