//! The `alert` section of the configuration: from written to checked.

use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_model::{Labels, Secret};

use crate::Route;

/// Receivers that may be configured.
const RECEIVERS_MAX: usize = 1_000;

/// What alerting works with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rule files, as written: paths, `*` allowed in the last part.
    pub rule_files: Vec<String>,
    /// Whether the rules for this host are evaluated too.
    pub default_rules: bool,
    /// Time between evaluations of groups that name none, ms.
    pub interval_ms: i64,
    /// Where alerts go.
    pub route: Route,
    /// To whom messages can go.
    pub receivers: Vec<Receiver>,
    /// Where people reach this server, for links in messages; no slash at the end.
    pub external_url: String,
    /// Labels that this server adds to what it tells others; templates of rules see them.
    pub external_labels: Labels,
}

/// Who is told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Addresses that get a webhook.
    pub webhooks: Vec<Webhook>,
}

/// An address that gets Alertmanager's payload by POST.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// `http://` or `https://`; a secret, since it often carries a token.
    pub url: Secret,
    /// Whether it hears that alerts are over.
    pub send_resolved: bool,
    /// Alerts in one message; 0 = all.
    pub max_alerts: usize,
    /// How long an attempt may take, ms.
    pub timeout_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rule_files: Vec::new(),
            default_rules: true,
            // Every 5 s, as often as the host is read: a breach is seen at the next sample.
            interval_ms: 5_000,
            route: Route {
                receiver: String::new(),
                group_by: vec!["alertname".to_owned()],
                group_wait_ms: 1_000,
                group_interval_ms: 60_000,
                repeat_interval_ms: 4 * 3_600_000,
            },
            receivers: Vec::new(),
            external_url: String::new(),
            external_labels: Labels::empty(),
        }
    }
}

/// Reads the `alert` section; what is wrong is noted in `problems`.
pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Config {
    let mut config = Config::default();
    let mut fields = Fields::of(node, path, problems);
    config.rule_files = fields.texts("rule_files", problems);
    config.default_rules = fields.bool("default_rules", problems).unwrap_or(true);
    if let Some(ms) = positive(&mut fields, "interval", problems) {
        config.interval_ms = ms;
    }
    for (i, node) in fields.list("receivers", problems).iter().enumerate() {
        let receiver = receiver(node, &format!("{path}.receivers[{i}]"), problems);
        if config.receivers.iter().any(|r| r.name == receiver.name) {
            let message = format!("the name {:?} occurs twice", receiver.name);
            problems.add(node.line, format!("{path}.receivers[{i}].name"), message);
        }
        config.receivers.push(receiver);
    }
    if config.receivers.len() > RECEIVERS_MAX {
        problems.add(node.line, path, format!("more than {RECEIVERS_MAX} receivers"));
    }
    if let Some(receiver) = config.receivers.first() {
        config.route.receiver.clone_from(&receiver.name);
    }
    if let Some(node) = fields.take("route") {
        route(node, &format!("{path}.route"), &mut config, problems);
    }
    fields.finish(problems);
    config
}

fn positive(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems) -> Option<i64> {
    let ms = fields.duration_ms(key, problems)?;
    if ms <= 0 {
        problems.add(fields.line(), fields.path(key), "must be above 0");
        return None;
    }
    Some(ms)
}

fn route(node: &Node, path: &str, config: &mut Config, problems: &mut Problems) {
    let mut fields = Fields::of(node, path, problems);
    if let Some(name) = fields.text("receiver", problems) {
        if !config.receivers.iter().any(|r| r.name == name) {
            let known: Vec<&str> = config.receivers.iter().map(|r| r.name.as_str()).collect();
            let message = format!("no receiver {name:?}; configured: {}", known.join(", "));
            problems.add(fields.line(), fields.path("receiver"), message);
        }
        config.route.receiver = name;
    }
    let by = fields.texts("group_by", problems);
    if !by.is_empty() {
        config.route.group_by = by;
    }
    if let Some(ms) = fields.duration_ms("group_wait", problems) {
        config.route.group_wait_ms = ms;
    }
    if let Some(ms) = positive(&mut fields, "group_interval", problems) {
        config.route.group_interval_ms = ms;
    }
    if let Some(ms) = positive(&mut fields, "repeat_interval", problems) {
        config.route.repeat_interval_ms = ms;
    }
    fields.finish(problems);
}

fn receiver(node: &Node, path: &str, problems: &mut Problems) -> Receiver {
    let mut fields = Fields::of(node, path, problems);
    let name = fields.text("name", problems).unwrap_or_default();
    if name.is_empty() {
        problems.add(node.line, format!("{path}.name"), "a receiver needs a name");
    }
    let mut webhooks = Vec::new();
    for (i, node) in fields.list("webhook_configs", problems).iter().enumerate() {
        webhooks.extend(webhook(node, &format!("{path}.webhook_configs[{i}]"), problems));
    }
    fields.finish(problems);
    Receiver { name, webhooks }
}

fn webhook(node: &Node, path: &str, problems: &mut Problems) -> Option<Webhook> {
    let mut fields = Fields::of(node, path, problems);
    let url = fields.text("url", problems).unwrap_or_default();
    let send_resolved = fields.bool("send_resolved", problems).unwrap_or(true);
    let max_alerts = fields.int("max_alerts", 0..=1_000_000, problems).unwrap_or(0);
    let timeout_ms = positive(&mut fields, "timeout", problems).unwrap_or(10_000);
    fields.finish(problems);
    if !url.starts_with("http://") && !url.starts_with("https://") {
        let message = "the address must begin with http:// or https://";
        problems.add(node.line, format!("{path}.url"), message);
        return None;
    }
    let max_alerts = usize::try_from(max_alerts).unwrap_or(0);
    Some(Webhook { url: Secret::new(url), send_resolved, max_alerts, timeout_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    #[test]
    fn a_section_is_read_and_its_problems_are_told() {
        let text = "receivers:\n- name: hook\n  webhook_configs:\n  - url: http://127.0.0.1:1/x\nroute:\n  receiver: hock\n  group_wiat: 2s\n  repeat_interval: 0s\n";
        let mut problems = Problems::new("p.yml");
        let config = read(&parse("p.yml", text).unwrap(), "alert", &mut problems);
        assert_eq!(config.receivers[0].webhooks.len(), 1);
        let found: Vec<String> = problems.found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "p.yml line 6: alert.route.receiver: no receiver \"hock\"; configured: hook",
                "p.yml line 6: alert.route.repeat_interval: must be above 0",
                "p.yml line 7: alert.route.group_wiat: unknown key; did you mean group_wait?",
            ]
        );
        assert!(!format!("{config:?}").contains("127.0.0.1"), "addresses are secrets");
    }
}
