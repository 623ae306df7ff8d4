//! `alerting` of a Prometheus configuration file: to which Alertmanagers own alerts are forwarded, and
//! what becomes of their labels first.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_alert::config::http;
use plimsoll_alert::forward::{Alertmanager, Forward};
use plimsoll_collect::config::Defaults;
use plimsoll_collect::scrape::relabel::{LabelMap, apply};
use plimsoll_model::written::{Fields, Node, Problems, Value};

use super::collect;

/// Keys of an entry of `alertmanagers` that are known and change nothing here.
const UNSUPPORTED: [&str; 6] = [
    "relabel_configs",
    "alert_relabel_configs",
    "file_sd_configs",
    "dns_sd_configs",
    "http_sd_configs",
    "kubernetes_sd_configs",
];

/// Reads the section; keys without effect are added to `unsupported`.
pub fn read(node: &Node, unsupported: &mut Vec<String>, problems: &mut Problems) -> Forward {
    let mut forward = Forward::default();
    let mut fields = Fields::of(node, "alerting", problems);
    if let Some(node) = fields.take("alert_relabel_configs") {
        relabelling(node, &mut forward, problems);
    }
    for (i, node) in fields.list("alertmanagers", problems).iter().enumerate() {
        let path = format!("alerting.alertmanagers[{i}]");
        forward.alertmanagers.extend(one(node, &path, unsupported, problems));
    }
    fields.finish(problems);
    forward
}

/// Rules are read as those of a scrape job, whose syntax they share.
fn relabelling(node: &Node, forward: &mut Forward, problems: &mut Problems) {
    let text = |t: &str| Node::new(node.line, Value::Text(t.to_owned()));
    let entries = vec![
        ("job_name".to_owned(), node.line, text("alerts")),
        ("relabel_configs".to_owned(), node.line, node.clone()),
    ];
    let job = Node::new(node.line, Value::Map(entries));
    let before = problems.found.len();
    let read = collect::job(&job, "alerting", Defaults::PROMETHEUS, problems);
    for problem in &mut problems.found[before..] {
        problem.key = problem.key.replace(".relabel_configs", ".alert_relabel_configs");
    }
    let Some(rules) = read.map(|job| job.relabel).filter(|rules| !rules.is_empty()) else { return };
    forward.relabel = Some(Arc::new(move |labels| {
        let mut map = LabelMap(std::mem::take(labels));
        let kept = apply(&rules, &mut map);
        *labels = map.0;
        kept
    }));
}

fn one(
    node: &Node,
    path: &str,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Vec<Alertmanager> {
    let mut fields = Fields::of(node, path, problems);
    for key in UNSUPPORTED {
        if let Some(node) = fields.take(key) {
            let file = &problems.file;
            unsupported
                .push(format!("{file} line {}: {path}.{key} changes nothing here yet", node.line));
        }
    }
    let scheme = fields.text("scheme", problems).unwrap_or_else(|| "http".to_owned());
    if !matches!(scheme.as_str(), "http" | "https") {
        let message = format!("{scheme:?} is neither http nor https");
        problems.add(fields.line(), fields.path("scheme"), message);
    }
    let prefix = fields.text("path_prefix", problems).unwrap_or_default();
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    if let Some(version) = fields.text("api_version", problems)
        && version != "v2"
    {
        let message = format!("{version:?} is not spoken; only v2 is");
        problems.add(fields.line(), fields.path("api_version"), message);
    }
    let timeout = fields.duration_ms("timeout", problems).filter(|ms| *ms > 0).unwrap_or(10_000);
    let mut targets = Vec::new();
    for (i, node) in fields.list("static_configs", problems).iter().enumerate() {
        let mut group = Fields::of(node, &format!("{path}.static_configs[{i}]"), problems);
        for target in group.texts("targets", problems) {
            if target.is_empty() || target.contains('/') {
                let message = format!("{target:?} is not host:port");
                problems.add(group.line(), group.path("targets"), message);
            }
            targets.push(target);
        }
        _ = group.take("labels");
        group.finish(problems);
    }
    let http = http::of_fields(&mut fields, unsupported, problems);
    fields.finish(problems);
    let timeout = Duration::from_millis(timeout.unsigned_abs());
    let to = |target| Alertmanager {
        url: format!("{scheme}://{target}{prefix}/api/v2/alerts"),
        http: http.clone(),
        timeout,
    };
    targets.into_iter().map(to).collect()
}
