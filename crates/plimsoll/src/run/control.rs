//! What the operator can ask for through the door.

use std::sync::Arc;

use plimsoll_collect::Status;
use plimsoll_model::{Labels, Matcher, TimeRange};
use plimsoll_serve::Control;
use serde_json::{Value, json};

use super::Handles;
use crate::error::Error;

/// Metrics and labels that `status/tsdb` lists, each.
const TOP: usize = 10;

/// The door's way to the parts.
pub struct Controls {
    handles: Arc<Handles>,
}

impl Controls {
    /// For these parts.
    pub fn new(handles: Arc<Handles>) -> Self {
        Self { handles }
    }
}

impl Control for Controls {
    fn reload(&self) -> Result<(), Vec<String>> {
        self.handles.reload().map_err(|e| {
            tracing::warn!(error = %e, "configuration not applied; the old one stays");
            match e {
                Error::Configuration(problems) => {
                    problems.iter().map(ToString::to_string).collect()
                }
                other => vec![other.to_string()],
            }
        })
    }

    fn flush(&self) -> Result<(), String> {
        self.handles.store.flush_now().map_err(|e| e.to_string())
    }

    fn merge(&self) -> Result<(), String> {
        self.handles.store.merge_now().map_err(|e| e.to_string())
    }

    fn snapshot(&self) -> Result<String, String> {
        let path = self.handles.store.snapshot_now().map_err(|e| e.to_string())?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        Ok(name.unwrap_or_default())
    }

    fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), String> {
        self.handles.store.delete(matchers, range).map_err(|e| e.to_string())
    }

    fn clean_tombstones(&self) -> Result<(), String> {
        self.handles.store.clean_tombstones().map_err(|e| e.to_string())
    }

    fn external_labels(&self) -> Labels {
        self.handles.config.read().external_labels.clone()
    }

    fn otlp(&self) -> Arc<plimsoll_wire::otlp::Settings> {
        Arc::clone(&self.handles.config.read().otlp)
    }

    fn configuration(&self) -> String {
        without_secrets(&self.handles.config.read().text)
    }

    fn collecting(&self) -> Status {
        self.handles.collector.status()
    }

    fn exposition(&self) -> String {
        self.handles.registry.text()
    }

    fn store_size(&self) -> (u64, u64) {
        let stats = self.handles.store.stats();
        (stats.series, stats.stored)
    }

    fn troubles(&self) -> Vec<String> {
        let stats = self.handles.store.stats();
        let mut troubles = Vec::new();
        if let Some(why) = stats.refusing {
            troubles.push(format!("nothing can be written: {why}"));
        }
        if stats.clock_doubted {
            troubles.push("the clock jumped; retention and merges wait".to_owned());
        }
        if self.handles.alerting.is_behind() {
            troubles
                .push("alert states cannot be recorded; pages are sent all the same".to_owned());
        }
        troubles
    }

    fn tsdb(&self) -> Value {
        let status = self.handles.store.status_tsdb(TOP);
        let rows = |list: &[(String, u64)]| {
            list.iter().map(|(n, v)| json!({ "name": n, "value": v })).collect::<Vec<_>>()
        };
        let (min, max) = status.range.unwrap_or((0, 0));
        let limits = status.limits.iter().map(|l| {
            json!({
                "limit": l.limit, "max": l.max, "used": l.used, "refused": l.refused, "near": l.near,
            })
        });
        let limits: Vec<_> = limits.collect();
        json!({
            "headStats": {
                "numSeries": status.series,
                "numLabelPairs": 0,
                "chunkCount": status.chunks,
                "minTime": min,
                "maxTime": max,
            },
            "seriesCountByMetricName": rows(&status.series_by_metric),
            "labelValueCountByLabelName": rows(&status.values_by_label),
            "memoryInBytesByLabelName": [],
            "seriesCountByLabelValuePair": [],
            "seriesCountBySource": rows(&status.series_by_source),
            "refusedSeriesByMetricName": rows(&status.refused_by_metric),
            "limits": limits,
        })
    }
}

/// The text without values of keys that hold secrets, their continuation lines included, and without
/// addresses that carry a password.
fn without_secrets(text: &str) -> String {
    let mut out = Vec::new();
    let mut hidden: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        if hidden.is_some_and(|of_key| indent > of_key || line.trim().is_empty()) {
            continue;
        }
        hidden = holds_secret(line).then_some(indent);
        out.push(match hidden {
            Some(_) => format!("{}: <secret>", line.split_once(':').map_or("", |(key, _)| key)),
            None => line.to_owned(),
        });
    }
    out.join("\n")
}

/// Whether one of the keys on a line is that of a secret, or an address on it has a password.
fn holds_secret(line: &str) -> bool {
    const ENDS: [&str; 8] =
        ["password", "credentials", "token", "secret", "url", "_key", "authorization", "cookie"];
    let line = line.to_lowercase();
    let mut keys: Vec<&str> = line.split(':').collect();
    keys.pop();
    let is_secret = |key: &&str| {
        let name = key.trim_end_matches([' ', '"', '\'']);
        ENDS.iter().any(|end| name.ends_with(end))
    };
    keys.iter().any(is_secret) || (line.contains("://") && line.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn a_configuration_is_shown_without_secrets() {
        let text = "a: 1\nreceivers:\n- name: x\n  webhook_configs:\n  - url: http://h/token\n  basic_auth: {username: u, password: p}";
        let shown = without_secrets(text);
        assert!(!shown.contains("token") && !shown.contains(" p}"), "{shown}");
        assert!(shown.contains("name: x"));
        let text = "- url: >-\n    http://h/hidden\n  send_resolved: true\nx: [{\"url\": http://hidden}]\nt: ['http://u:hidden@h']\nclient_secret: hidden";
        let shown = without_secrets(text);
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(shown.contains("send_resolved: true"), "{shown}");
    }
}
