//! Configuration of alerting: our section `alert`, and Alertmanager's file; from written to checked.

use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_model::Labels;
use plimsoll_model::written::{Fields, Node, Problems, Value};

use crate::defaults::{PACKS, Pack, usual_packs};
use crate::forward::Forward;
use crate::route::Routing;

mod added;
pub mod http;
pub mod kinds;
mod original;
pub mod receivers;
mod routes;
mod routing;
mod texts;

pub use added::{Added, read_added};
pub use receivers::{Integration, Kept, Receiver, Setting, Settings};
pub use routing::{Loaded, Style, read_file, unused};
pub use texts::wrong_texts;

/// Alerts of one rule, unless the configuration says otherwise: ten times what a rule that somebody reads
/// gives, and little enough that one that matches every series of a server does no harm.
const ALERTS_MAX: usize = 100_000;

/// What alerting works with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rule files, as written: paths, `*` allowed in the last part.
    pub rule_files: Vec<String>,
    /// Whether the rules that come with Plimsoll are evaluated too.
    pub default_rules: bool,
    /// Which packs of them; see [`crate::PACKS`].
    pub default_packs: Vec<&'static str>,
    /// Time between evaluations of groups that name none, ms.
    pub interval_ms: i64,
    /// Alerts that one rule may give; more is an error of the rule. Above 0.
    pub max_alerts_per_rule: usize,
    /// Who is told what.
    pub routing: Arc<Routing>,
    /// An Alertmanager configuration file that takes the place of `routing`, as written.
    pub alertmanager_config: Option<PathBuf>,
    /// Programs that `exec_configs` may run.
    pub exec_allowed: Vec<PathBuf>,
    /// Keys that change nothing yet.
    pub unsupported: Vec<String>,
    /// Where people reach this server, for links in messages; no slash at the end.
    pub external_url: String,
    /// Labels that this server adds to what it tells others; templates of rules see them.
    pub external_labels: Labels,
    /// Who else hears of own alerts.
    pub forward: Forward,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rule_files: Vec::new(),
            default_rules: true,
            default_packs: usual_packs(),
            // Every 5 s, as often as the host is read: a breach is seen at the next sample.
            interval_ms: 5_000,
            max_alerts_per_rule: ALERTS_MAX,
            routing: Arc::default(),
            alertmanager_config: None,
            exec_allowed: Vec::new(),
            unsupported: Vec::new(),
            external_url: String::new(),
            external_labels: Labels::empty(),
            forward: Forward::default(),
        }
    }
}

/// Reads the `alert` section; what is wrong is noted in `problems`.
pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Config {
    let mut config = Config::default();
    let mut fields = Fields::of(node, path, problems);
    config.rule_files = fields.texts("rule_files", problems);
    if let Some(node) = fields.take("default_rules") {
        let path = fields.path("default_rules");
        (config.default_rules, config.default_packs) = packs(node, &path, problems);
    }
    match fields.duration_ms("interval", problems) {
        Some(ms) if ms > 0 => config.interval_ms = ms,
        Some(_) => problems.add(node.line, fields.path("interval"), "must be above 0"),
        None => {}
    }
    if let Some(n) = fields.int("max_alerts_per_rule", 1..=10_000_000, problems) {
        config.max_alerts_per_rule = usize::try_from(n).unwrap_or(ALERTS_MAX);
    }
    if let Some(url) = fields.text("external_url", problems) {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let message = "the address must begin with http:// or https://";
            problems.add(node.line, fields.path("external_url"), message);
        }
        config.external_url = url.trim_end_matches('/').to_owned();
    }
    config.alertmanager_config =
        fields.text("alertmanager_config", problems).filter(|f| !f.is_empty()).map(PathBuf::from);
    config.exec_allowed =
        fields.texts("exec_allowed", problems).into_iter().map(PathBuf::from).collect();
    let loaded = routing::read(&mut fields, Style::Own, &config.exec_allowed, problems);
    if config.alertmanager_config.is_some() && !loaded.routing.receivers.is_empty() {
        let message = "receivers come from alertmanager_config; do not list any here";
        problems.add(node.line, fields.path("receivers"), message);
    }
    fields.finish(problems);
    config.routing = loaded.routing;
    let text = original::of_section(node, &config.routing);
    Arc::make_mut(&mut config.routing).original = text;
    config.unsupported = loaded.unsupported;
    config
}

/// `default_rules`: true, false, or a list of packs.
fn packs(node: &Node, path: &str, problems: &mut Problems) -> (bool, Vec<&'static str>) {
    let nodes = match &node.value {
        Value::Bool(is_on) => return (*is_on, usual_packs()),
        Value::Null => return (true, usual_packs()),
        Value::List(nodes) => nodes,
        _ => {
            let message = format!("{} where true, false or a list of packs is wanted", node.kind());
            problems.add(node.line, path, message);
            return (true, usual_packs());
        }
    };
    let mut packs = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let name = node.text().unwrap_or_default();
        match Pack::named(&name) {
            Some(pack) => packs.push(pack.name),
            None => {
                let known = PACKS.map(|p| p.name).join(", ");
                let message = format!("{name:?} is no pack of rules; there are {known}");
                problems.add(node.line, format!("{path}[{i}]"), message);
            }
        }
    }
    (!packs.is_empty(), packs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    #[test]
    fn packs_are_chosen_by_name() {
        let of = |text: &str| {
            let mut problems = Problems::new("p.yml");
            let config = read(&parse("p.yml", text).unwrap(), "alert", &mut problems);
            let problems: Vec<String> = problems.found.iter().map(ToString::to_string).collect();
            (config.default_rules, config.default_packs, problems)
        };
        let usual = usual_packs();
        assert_eq!(of("interval: 5s"), (true, usual.clone(), vec![]));
        assert_eq!(of("default_rules: true"), (true, usual.clone(), vec![]));
        assert!(!of("default_rules: off").0);
        assert!(!of("default_rules: []").0);
        let some = of("default_rules: [tls, watchdog]");
        assert_eq!(some, (true, vec!["tls", "watchdog"], vec![]));
        assert_eq!(
            of("default_rules:\n- host\n- hots\n").2,
            [
                "p.yml line 3: alert.default_rules[1]: \"hots\" is no pack of rules; there are host, \
              targets, plimsoll, tls, databases, watchdog"
            ]
        );
        assert_eq!(
            of("default_rules: host").2,
            [
                "p.yml line 1: alert.default_rules: a text where true, false or a list of packs is wanted"
            ]
        );
    }

    #[test]
    fn a_section_is_read_and_its_problems_are_told() {
        let text = "receivers:\n- name: hook\n  webhook_configs:\n  - url: http://127.0.0.1:1/x\nroute:\n  receiver: hock\n  group_wiat: 2s\n  repeat_interval: 0s\n";
        let mut problems = Problems::new("p.yml");
        let config = read(&parse("p.yml", text).unwrap(), "alert", &mut problems);
        assert_eq!(config.routing.receivers[0].integrations.len(), 1);
        let found: Vec<String> = problems.found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "p.yml line 6: alert.route.receiver: no receiver \"hock\"; configured: hook",
                "p.yml line 6: alert.route.repeat_interval: must be above 0",
                "p.yml line 7: alert.route.group_wiat: unknown key; did you mean group_wait?",
            ]
        );
        assert!(!format!("{config:?}").contains("127.0.0.1:1/x"), "addresses are secrets");
    }

    #[test]
    fn the_first_receiver_hears_of_everything_unless_it_is_said_otherwise() {
        let text = "rule_files: []\nreceivers: [{name: a}, {name: b}]\nroute: {group_wait: 0s}\n";
        let mut problems = Problems::new("p.yml");
        let config = read(&parse("p.yml", text).unwrap(), "alert", &mut problems);
        assert_eq!(problems.found, []);
        let root = &config.routing.routes[0];
        assert_eq!((root.receiver.as_str(), root.group_wait_ms), ("a", 0));
        assert_eq!(root.group_interval_ms, 60_000);
        assert_eq!(unused(&config.routing), ["b"]);
        let shown = read_file("shown", &config.routing.original, &[]).unwrap().routing;
        assert_eq!(shown.routes, config.routing.routes);
    }
}
