//! Templates of notifications: whether the texts of receivers can be shown.

use super::{Kept, Setting};
use crate::route::Routing;
use crate::template::TemplateError;

/// The texts of receivers that cannot be shown: the key under which each is, and why.
pub fn wrong_texts(routing: &Routing) -> Vec<(String, TemplateError)> {
    let mut wrong = Vec::new();
    for receiver in &routing.receivers {
        for kept in &receiver.kept {
            for (key, text) in texts(kept) {
                if let Err(e) = routing.named.check(text) {
                    let path = format!("{}_configs[{}].{key}", kept.kind, kept.index);
                    wrong.push((format!("receiver {:?}: {path}", receiver.name), e));
                }
            }
        }
    }
    wrong
}

/// The texts of an integration with their keys.
fn texts(kept: &Kept) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for (key, setting) in &kept.settings {
        match setting {
            Setting::Text(text) => found.push(((*key).to_owned(), text.as_str())),
            Setting::Texts(texts) => {
                found.extend(texts.iter().map(|text| ((*key).to_owned(), text.as_str())));
            }
            Setting::Pairs(pairs) => {
                found.extend(pairs.iter().map(|(n, text)| (format!("{key}.{n}"), text.as_str())));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::config::read_file;

    #[test]
    fn texts_that_cannot_be_shown_are_named() {
        let file = "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - api_url: http://s\n    \
                    channel: '#x'\n    title: '{{ .CommonLabels.job }}'\n    text: '{{ .Alert }}'\n  \
                    email_configs:\n  - to: a@b\n    from: c@d\n    smarthost: h:25\n    headers: {Subject: '{{ humanise 1 }}'}\n";
        let loaded = read_file("am.yml", file).unwrap();
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
