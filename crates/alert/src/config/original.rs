//! A configuration as YAML without secrets, for those who look at it.
//!
//! Values of keys that hold secrets print as `<secret>`; of addresses only scheme and host are shown,
//! since what follows often is a token.

use plimsoll_model::format_duration_ms;
use plimsoll_model::written::{Node, Value};

use crate::route::{GroupBy, Routing};

/// Ends of keys that hold secrets.
const SECRET_ENDS: [&str; 9] = [
    "password",
    "credentials",
    "bearer_token",
    "secret",
    "service_key",
    "routing_key",
    "api_key",
    "user_key",
    "token",
];

/// The text.
pub fn shown(root: &Node) -> String {
    let mut out = String::new();
    block(root, 0, "", &mut out);
    out
}

/// Alertmanager's keys.
const KEYS: [&str; 7] = [
    "global",
    "route",
    "inhibit_rules",
    "time_intervals",
    "mute_time_intervals",
    "receivers",
    "templates",
];

/// Of our section `alert` what an Alertmanager would have to be told for the same routes, our defaults
/// written out; nothing without receivers.
pub fn of_section(section: &Node, routing: &Routing) -> String {
    if routing.receivers.is_empty() {
        return String::new();
    }
    let Value::Map(entries) = &section.value else { return String::new() };
    let mut kept: Vec<_> =
        entries.iter().filter(|(k, ..)| KEYS.contains(&k.as_str())).cloned().collect();
    if !kept.iter().any(|(k, ..)| k == "route") {
        kept.insert(0, ("route".to_owned(), 0, Node::new(0, Value::Map(Vec::new()))));
    }
    for (_, _, route) in kept.iter_mut().filter(|(k, ..)| k == "route") {
        if route.value == Value::Null {
            route.value = Value::Map(Vec::new());
        }
        let Value::Map(keys) = &mut route.value else { continue };
        for (key, value) in defaults(routing) {
            if !keys.iter().any(|(k, ..)| k == key) {
                keys.push((key.to_owned(), 0, value));
            }
        }
    }
    shown(&Node::new(0, Value::Map(kept)))
}

/// What holds for the root route.
fn defaults(routing: &Routing) -> [(&'static str, Node); 5] {
    let text = |t: String| Node::new(0, Value::Text(t));
    let duration = |ms| text(format_duration_ms(ms));
    let root = &routing.routes[0];
    let by = match &root.group_by {
        GroupBy::All => vec![text("...".to_owned())],
        GroupBy::Labels(labels) => labels.iter().cloned().map(text).collect(),
    };
    [
        ("receiver", text(root.receiver.clone())),
        ("group_by", Node::new(0, Value::List(by))),
        ("group_wait", duration(root.group_wait_ms)),
        ("group_interval", duration(root.group_interval_ms)),
        ("repeat_interval", duration(root.repeat_interval_ms)),
    ]
}

fn block(node: &Node, indent: usize, key: &str, out: &mut String) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            for (i, (name, _, value)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&format!("{}:", scalar_text(name)));
                // Headers often carry tokens, whatever they are called.
                let secret = key == "secrets" || name == "http_headers";
                below(value, indent, if secret { "secrets" } else { name }, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str("- ");
                block(item, indent + 2, key, out);
            }
        }
        _ => {
            out.push_str(&scalar(node, key));
            out.push('\n');
        }
    }
}

/// What stands behind a key.
fn below(node: &Node, indent: usize, key: &str, out: &mut String) {
    let nested = match &node.value {
        Value::Map(entries) => !entries.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        out.push_str(&" ".repeat(indent + 2));
        block(node, indent + 2, key, out);
    } else {
        out.push(' ');
        out.push_str(&scalar(node, key));
        out.push('\n');
    }
}

fn scalar(node: &Node, key: &str) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Map(_) => "{}".to_owned(),
        Value::List(_) => "[]".to_owned(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => node.text().unwrap_or_default(),
        Value::Text(text) if is_secret(key) && !text.is_empty() => "<secret>".to_owned(),
        Value::Text(text) => scalar_text(&without_path(key, text)),
    }
}

fn is_secret(key: &str) -> bool {
    key == "secrets" || SECRET_ENDS.iter().any(|end| key.ends_with(end))
}

/// Scheme and host of an address; other texts as they are.
fn without_path(key: &str, text: &str) -> String {
    let is_address = key.ends_with("url") || text.contains("://");
    let Some((scheme, rest)) = text.split_once("://").filter(|_| is_address) else {
        return text.to_owned();
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if path.is_empty() {
        format!("{scheme}://{host}/")
    } else {
        format!("{scheme}://{host}/<secret>")
    }
}

/// A text in quotes where it needs them: JSON's are YAML's.
fn scalar_text(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_/<>.".contains(c))
        && text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '<')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    #[test]
    fn what_is_shown_reads_the_same_and_holds_no_secret() {
        let text = r#"
route: {receiver: a, group_by: ['...'], routes: [{matchers: ['a="b"'], group_wait: 1s}]}
receivers:
- name: a
  webhook_configs:
  - url: http://user:hidden@host:9/hidden?x=hidden
    http_config: {authorization: {credentials: hidden}, http_headers: {x: {values: [hidden]}}}
    max_alerts: 3
  slack_configs: [{api_url: 'https://slack.example/hidden', title: "a\nb: c"}]
- name: yes
  pagerduty_configs: []
templates: [x/*.tmpl]
"#;
        let shown = shown(&parse("a", text).unwrap());
        assert!(!shown.contains("hidden") && !shown.contains("user:"), "{shown}");
        assert!(shown.contains("url: \"http://host:9/<secret>\""), "{shown}");
        let again = super::shown(&parse("b", &shown).unwrap());
        assert_eq!(again, shown);
    }
}
