//! `ntfy_configs`, a kind of ours: a message to a topic, as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::channel::{Attempt, Channel, Making, Outgoing, Tools, exchange, judge, post, secret};
use super::entry::Entry;
use super::words::{Words, cut_bytes, cut_chars, filled};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::{Link, PictureKind};
use crate::route::Notification;

/// Bytes of a message; more becomes an attachment at the server.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 250;
/// Buttons below a message.
const ACTIONS_MAX: usize = 3;
/// Where the public server is.
const URL: &str = "https://ntfy.sh";

/// A topic of ntfy.
#[derive(Clone, Debug)]
pub struct Ntfy {
    url: String,
    topic: String,
    token: Option<SecretFrom>,
    http: HttpConfig,
    timeout: Duration,
    title: String,
    message: String,
    priority: String,
    tags: String,
    click: String,
    icon: String,
}

impl Ntfy {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let url = entry.text("url", URL);
        entry.check_address("url", &url);
        let topic = entry.text("topic", "");
        if topic.is_empty() {
            entry.wrong("topic", "a topic must be given");
        }
        let firing = r#"{{ if eq .Status "firing" }}"#;
        Self {
            url,
            topic,
            token: entry.secret(["token", "token_file"], ["", ""]),
            http: entry.http.clone(),
            timeout: entry.timeout(),
            title: entry.text("title", r#"{{ template "ntfy.default.title" . }}"#),
            message: entry.text("message", r#"{{ template "ntfy.default.message" . }}"#),
            priority: entry
                .text("priority", &format!("{firing}high{{{{ else }}}}default{{{{ end }}}}")),
            tags: entry.text(
                "tags",
                &format!("{firing}rotating_light{{{{ else }}}}white_check_mark{{{{ end }}}}"),
            ),
            click: entry.text("click", r#"{{ template "__alertmanagerURL" . }}"#),
            icon: entry.text("icon", ""),
        }
    }
}

/// A priority as its number, 1 to 5; anything else is the default one.
fn priority(text: &str) -> u8 {
    match text.trim().to_lowercase().as_str() {
        "1" | "min" => 1,
        "2" | "low" => 2,
        "4" | "high" => 4,
        "5" | "max" | "urgent" => 5,
        _ => 3,
    }
}

impl Channel for Ntfy {
    fn kind(&self) -> &'static str {
        "ntfy"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let topic = words.text(&self.topic);
        let title = cut_chars(&words.title(&self.title), TITLE_CHARS_MAX);
        let tags = words.text(&self.tags);
        let tags: Vec<&str> = tags.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
        let mut out = filled([
            ("title", title.into()),
            ("tags", json!(tags)),
            ("click", words.text(&self.click).into()),
            ("icon", words.text(&self.icon).into()),
        ]);
        // A path alone is no address that a telephone could open.
        out.retain(|key, v| key != "click" || v.as_str().is_some_and(|v| v.contains("://")));
        out.insert("topic".into(), topic.into());
        out.insert("priority".into(), priority(&words.text(&self.priority)).into());
        let mut message = words.body(&self.message, MESSAGE_BYTES_MAX);
        if let Some(exhibit) = making.exhibit {
            for (name, value) in making.fields() {
                message.push_str(&format!("\n{name}: {value}"));
            }
            let open = |l: &Link| json!({ "action": "view", "label": l.title, "url": l.url });
            let actions: Vec<Value> = exhibit.links.iter().take(ACTIONS_MAX).map(open).collect();
            out.extend(filled([("actions", actions.into())]));
        }
        if let Some(url) = making.chart(PictureKind::Png) {
            out.insert("attach".into(), url.into());
            out.insert("filename".into(), "chart.png".into());
        }
        out.insert("message".into(), cut_bytes(&message, MESSAGE_BYTES_MAX).into());
        Some(Value::Object(out))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let disk = &*tools.disk;
            let token = self.token.as_ref().map(|token| secret(token, disk)).transpose();
            let request = token.and_then(|token| {
                let body = outgoing.message.to_string();
                let mut request = post(&self.url, body, &self.http, self.timeout, disk)?;
                if let Some(token) = token {
                    request.headers.push(("authorization".into(), format!("Bearer {token}")));
                }
                Ok(request)
            });
            match exchange(request, tools).await {
                // 507 says that the topic's store is full; 429 that the day's messages are used up.
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn priorities_have_names_and_numbers() {
        let all = ["min", "2", "default", "High", "urgent", "?"].map(super::priority);
        assert_eq!(all, [1, 2, 3, 4, 5, 3]);
    }
}
