//! Templates of notifications: whether the texts of receivers can be shown.

use plimsoll_model::written::{Node, Value};

use super::{Kept, Setting};
use crate::route::Routing;
use crate::template::TemplateError;

/// The texts of receivers that cannot be shown: the key under which each is, and why.
pub fn wrong_texts(routing: &Routing) -> Vec<(String, TemplateError)> {
    let mut wrong = Vec::new();
    for receiver in &routing.receivers {
        for (key, text) in &receiver.texts {
            if let Err(e) = routing.named.check(text) {
                wrong.push((format!("receiver {:?}: {key}", receiver.name), e));
            }
        }
    }
    wrong
}

/// The texts of an integration that are templates, with their keys.
pub(super) fn texts(kept: &Kept) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, setting) in &kept.settings {
        let mut note = |more: &str, text: &str| {
            if text.contains("{{") {
                let path = format!("{}_configs[{}].{key}{more}", kept.kind, kept.index);
                found.push((path, text.to_owned()));
            }
        };
        match setting {
            Setting::Text(text) => note("", text),
            Setting::Texts(texts) => texts.iter().for_each(|text| note("", text)),
            Setting::Pairs(pairs) => pairs.iter().for_each(|(n, t)| note(&format!(".{n}"), t)),
            Setting::Any(node) => within(node, "", &mut note),
            Setting::Secret(_) | Setting::Bool(_) | Setting::Int(_) | Setting::DurationMs(_) => {}
        }
    }
    found
}

fn within(node: &Node, path: &str, note: &mut impl FnMut(&str, &str)) {
    match &node.value {
        Value::Text(text) => note(path, text),
        Value::List(all) => {
            let each = all.iter().enumerate();
            each.for_each(|(i, n)| within(n, &format!("{path}[{i}]"), note));
        }
        Value::Map(all) => {
            all.iter().for_each(|(k, _, n)| within(n, &format!("{path}.{k}"), note));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::config::read_file;

    #[test]
    fn texts_that_cannot_be_shown_are_named() {
        let file = "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - api_url: http://s\n    \
                    channel: '#x'\n    title: '{{ .CommonLabels.job }}'\n    text: '{{ .Alert }}'\n  \
                    email_configs:\n  - to: a@b\n    from: c@d\n    smarthost: h:25\n    headers: {Subject: '{{ humanise 1 }}'}\n";
        let loaded = read_file("am.yml", file, &[]).unwrap();
        let wrong = super::wrong_texts(&loaded.routing);
        let mut shown: Vec<String> = wrong.iter().map(|(k, e)| format!("{k}: {e}")).collect();
        shown.sort();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(
            shown[0].starts_with("receiver \"a\": email_configs[0].headers.Subject: template: ")
        );
        assert!(
            shown[1].contains("slack_configs[0].text") && shown[1].contains("did you mean Alerts?")
        );
    }
}
