//! A Prometheus configuration file, taken as it is: `global`, `scrape_configs` with static targets,
//! `rule_files`. What has no meaning here is listed, never an error; what is wrong is an error.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_collect::config::{Defaults, UNSUPPORTED};
use plimsoll_model::written::{Fields, Node, Problem, Problems, Value, parse};

use super::{Config, alerting, collect, external_labels, otlp, read, rules};

/// Top-level keys of Prometheus' file that are known and change nothing here.
const IGNORED: [&str; 6] =
    ["remote_write", "remote_read", "scrape_config_files", "storage", "tracing", "runtime"];
/// The same under `global`.
const IGNORED_GLOBAL: [&str; 15] = [
    "body_size_limit",
    "sample_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "target_limit",
    "keep_dropped_targets",
    "query_log_file",
    "scrape_failure_log_file",
    "scrape_protocols",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "scrape_native_histograms",
    "always_scrape_classic_histograms",
    "rule_query_offset",
];

/// Adds what the file says to `config`.
pub fn merge(path: &Path, config: &mut Config, found: &mut Vec<Problem>) {
    let file = path.display().to_string();
    let text = match read(path) {
        Ok(text) => text,
        Err(mut problems) => return found.append(&mut problems),
    };
    let root = match parse(&file, &text) {
        Ok(root) => root,
        Err(problem) => return found.push(problem),
    };
    if config.text.is_empty() {
        config.text.clone_from(&text);
    }
    let mut problems = Problems::new(file.clone());
    let mut reader = Reader { config, file: &file, base: path.parent().unwrap_or(Path::new("")) };
    reader.file(&root, &mut problems, found);
    found.append(&mut problems.found);
}

struct Reader<'r> {
    config: &'r mut Config,
    file: &'r str,
    base: &'r Path,
}

impl Reader<'_> {
    fn file(&mut self, root: &Node, problems: &mut Problems, found: &mut Vec<Problem>) {
        let mut fields = Fields::of(root, "", problems);
        for key in IGNORED {
            if let Some(node) = fields.take(key) {
                self.unsupported(node, key);
            }
        }
        let mut defaults = Defaults::PROMETHEUS;
        let mut interval_ms = 60_000;
        if let Some(node) = fields.take("global") {
            interval_ms = self.global(node, &mut defaults, problems);
        }
        if let Some(node) = fields.take("alerting") {
            let unsupported = &mut self.config.unsupported;
            self.config.alert.forward = alerting::read(node, unsupported, problems);
        }
        let patterns = fields.texts("rule_files", problems);
        for (i, node) in fields.list("scrape_configs", problems).iter().enumerate() {
            let path = format!("scrape_configs[{i}]");
            let node = self.supported(node, &path);
            let job = collect::job(&node, &path, defaults, problems);
            self.config.collect.scrape.extend(job);
        }
        if let Some(node) = fields.take("otlp") {
            let keep_delta = self.config.otlp.keep_delta;
            let mut settings = otlp::read(node, "otlp", problems);
            settings.keep_delta |= keep_delta;
            self.config.otlp = Arc::new(settings);
        }
        fields.finish(problems);
        collect::unique(&self.config.collect.scrape, root.line, "scrape_configs", problems);
        let features = self.config.query.features;
        let (groups, mut wrong) = rules::load_files(&patterns, self.base, interval_ms, &features);
        self.config.groups.extend(groups);
        found.append(&mut wrong);
    }

    fn global(&mut self, node: &Node, defaults: &mut Defaults, problems: &mut Problems) -> i64 {
        let mut fields = Fields::of(node, "global", problems);
        let positive = |ms: Option<i64>| ms.filter(|ms| *ms > 0);
        let duration = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        if let Some(ms) = positive(fields.duration_ms("scrape_interval", problems)) {
            defaults.interval = duration(ms);
            defaults.timeout = defaults.timeout.min(defaults.interval);
        }
        if let Some(ms) = positive(fields.duration_ms("scrape_timeout", problems)) {
            defaults.timeout = duration(ms);
        }
        let interval = positive(fields.duration_ms("evaluation_interval", problems));
        let labels = external_labels(&mut fields, problems);
        for (name, value) in labels.iter() {
            self.config.external_labels = self.config.external_labels.with(name, value);
        }
        for key in IGNORED_GLOBAL {
            if let Some(node) = fields.take(key) {
                self.unsupported(node, &format!("global.{key}"));
            }
        }
        fields.finish(problems);
        interval.unwrap_or(60_000)
    }

    /// The entry without the keys that are known and not supported, which are listed.
    fn supported(&mut self, node: &Node, path: &str) -> Node {
        let mut node = node.clone();
        if let Value::Map(entries) = &mut node.value {
            let (kept, left): (Vec<_>, Vec<_>) =
                entries.drain(..).partition(|(k, ..)| !UNSUPPORTED.contains(&k.as_str()));
            *entries = kept;
            for (key, _, node) in &left {
                self.unsupported(node, &format!("{path}.{key}"));
            }
        }
        node
    }

    fn unsupported(&mut self, node: &Node, key: &str) {
        let text = format!("{} line {}: {key} changes nothing here yet", self.file, node.line);
        self.config.unsupported.push(text);
    }
}
