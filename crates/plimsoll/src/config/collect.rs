//! The `collect` section: this host, own metrics, scrape jobs in Prometheus' syntax.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_collect::CollectConfig;
use plimsoll_collect::config::{Defaults, ScrapeConfig, WrittenScrape};
use plimsoll_collect::host::HostConfig;
use plimsoll_collect::own::OwnConfig;
use plimsoll_model::written::{Fields, Node, Problems, Value};

pub fn read(node: &Node, path: &str, base: &Path, problems: &mut Problems) -> CollectConfig {
    let mut fields = Fields::of(node, path, problems);
    let host = match fields.take("host") {
        Some(node) => host(node, &format!("{path}.host"), base, problems),
        None => Some(HostConfig::default()),
    };
    let own = fields.bool("own", problems).unwrap_or(true);
    let mut scrape = Vec::new();
    for (i, node) in fields.list("scrape", problems).iter().enumerate() {
        scrape.extend(job(node, &format!("{path}.scrape[{i}]"), Defaults::default(), problems));
    }
    fields.finish(problems);
    unique(&scrape, node.line, path, problems);
    CollectConfig { host, own: own.then(|| OwnConfig::new("")), scrape }
}

fn host(node: &Node, path: &str, base: &Path, problems: &mut Problems) -> Option<HostConfig> {
    let mut config = HostConfig::default();
    let mut fields = Fields::of(node, path, problems);
    let enabled = fields.bool("enabled", problems).unwrap_or(true);
    if let Some(root) = fields.text("root", problems) {
        config.root = PathBuf::from(root);
    }
    if let Some(file) = fields.text("filesystem_sizes", problems) {
        config.filesystem_sizes = Some(base.join(file));
    }
    if let Some(instance) = fields.text("instance", problems) {
        config.instance = instance;
    }
    if let Some(ms) = fields.duration_ms("interval", problems) {
        if ms < 1_000 {
            problems.add(fields.line(), fields.path("interval"), "must be 1s or more");
        }
        config.interval = Duration::from_millis(ms.max(1_000).unsigned_abs());
    }
    fields.finish(problems);
    enabled.then_some(config)
}

/// Jobs must have names of their own.
pub fn unique(scrape: &[ScrapeConfig], line: u64, path: &str, problems: &mut Problems) {
    for (i, job) in scrape.iter().enumerate() {
        if scrape[..i].iter().any(|other| other.job == job.job) {
            let message = format!("the job {:?} occurs twice", job.job);
            problems.add(line, format!("{path}.scrape[{i}].job_name"), message);
        }
    }
}

/// One entry of `scrape_configs`.
pub fn job(
    node: &Node,
    path: &str,
    defaults: Defaults,
    problems: &mut Problems,
) -> Option<ScrapeConfig> {
    let before = problems.found.len();
    shapes(node, path, problems);
    if problems.found.len() > before {
        return None;
    }
    let written: WrittenScrape = match serde_json::from_value(json(node)) {
        Ok(written) => written,
        Err(e) => {
            problems.add(node.line, path, e.to_string());
            return None;
        }
    };
    match written.check(defaults, path) {
        Ok(config) => Some(config),
        Err(wrong) => {
            for p in wrong {
                let message = format!("{:?} is not allowed ({})", p.found, p.allowed);
                problems.add(line_of(node, &p.key, path), p.key, message);
            }
            None
        }
    }
}

/// Notes every key of an entry that is unknown or of the wrong kind. Each is read alone, and each
/// element of its list alone, so that all are found, with their own lines.
fn shapes(node: &Node, path: &str, problems: &mut Problems) {
    let Value::Map(entries) = &node.value else {
        return problems.add(node.line, path, format!("{} where a mapping is wanted", node.kind()));
    };
    let alone = |key: &str, value: Node| {
        let entry = Node::new(0, Value::Map(vec![(key.to_owned(), 0, value)]));
        serde_json::from_value::<WrittenScrape>(json(&entry)).err()
    };
    for (key, line, value) in entries {
        let Some(whole) = alone(key, value.clone()) else { continue };
        let before = problems.found.len();
        if let Value::List(nodes) = &value.value {
            for (i, node) in nodes.iter().enumerate() {
                let one = Node::new(node.line, Value::List(vec![node.clone()]));
                if let Some(e) = alone(key, one) {
                    problems.add(node.line, format!("{path}.{key}[{i}]"), e.to_string());
                }
            }
        }
        if problems.found.len() == before {
            problems.add(*line, format!("{path}.{key}"), whole.to_string());
        }
    }
}

/// The line of a key within an entry; the entry's own when it is not written there.
fn line_of(node: &Node, key: &str, path: &str) -> u64 {
    let first = key.strip_prefix(path).unwrap_or("").trim_start_matches('.');
    let first = first.split(['.', '[']).next().unwrap_or("");
    match &node.value {
        Value::Map(entries) => {
            entries.iter().find(|(k, ..)| k == first).map_or(node.line, |(_, line, _)| *line)
        }
        _ => node.line,
    }
}

/// Keys below which everything is text, as it is written: `replacement: 1`, `job_name: on`.
const TEXTS: [&str; 15] = [
    "job_name",
    "metrics_path",
    "scheme",
    "params",
    "username",
    "password",
    "credentials",
    "bearer_token",
    "targets",
    "labels",
    "source_labels",
    "separator",
    "regex",
    "target_label",
    "replacement",
];

/// A node as JSON. Prometheus takes numbers where texts are wanted; so do we.
pub fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Float(x) => Json::from(*x),
        Value::Text(s) => Json::from(s.as_str()),
        Value::List(nodes) => Json::Array(nodes.iter().map(json).collect()),
        Value::Map(entries) => {
            let pair = |(key, _, node): &(String, u64, Node)| {
                let texts = TEXTS.contains(&key.as_str());
                (key.clone(), if texts { text_values(node) } else { json(node) })
            };
            Json::Object(entries.iter().map(pair).collect())
        }
    }
}

fn text_values(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        Value::Null => Json::Null,
        Value::List(nodes) => Json::Array(nodes.iter().map(text_values).collect()),
        Value::Map(entries) => {
            let pair = |(key, _, node): &(String, u64, Node)| {
                let text = node.text().map_or_else(|| text_values(node), Json::from);
                (key.clone(), text)
            };
            Json::Object(entries.iter().map(pair).collect())
        }
        _ => node.text().map_or(Json::Null, Json::from),
    }
}
