//! `discord_configs`: one embed.

use std::time::Duration;

use serde_json::{Value, json};

use super::channel::{Attempt, Channel, Making, Outgoing, Tools, address, exchange, judge, post};
use super::entry::Entry;
use super::words::{Words, cut_chars, filled};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::PictureKind;
use crate::route::Notification;

/// Characters of a title, a description and the text around.
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const CONTENT_CHARS_MAX: usize = 2000;
/// Characters of a field.
const FIELD_CHARS_MAX: usize = 1024;
/// Bytes of a value that stands beside others.
const SHORT_BYTES_MAX: usize = 40;
const COLOR_FIRING: u32 = 0x0099_2D22;
const COLOR_RESOLVED: u32 = 0x002E_CC71;

/// A channel of Discord.
#[derive(Clone, Debug)]
pub struct Discord {
    url: SecretFrom,
    http: HttpConfig,
    timeout: Duration,
    title: String,
    message: String,
    content: String,
    username: String,
    avatar_url: String,
}

impl Discord {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        Self {
            url: entry.must_address(["webhook_url", "webhook_url_file"], ["", ""]),
            http: entry.http.clone(),
            timeout: entry.timeout(),
            title: entry.text("title", r#"{{ template "discord.default.title" . }}"#),
            message: entry.text("message", r#"{{ template "discord.default.message" . }}"#),
            content: entry.text("content", r#"{{ template "discord.default.content" . }}"#),
            username: entry.text("username", ""),
            avatar_url: entry.text("avatar_url", ""),
        }
    }
}

/// The links of the evidence as one field.
fn links(making: &Making<'_>) -> Option<Value> {
    let links = making.exhibit.map(|e| e.links.as_slice()).filter(|l| !l.is_empty())?;
    let mut text = String::new();
    for link in links {
        let one = format!("[{}]({}) ", link.title, link.url);
        // Half a link is none.
        if text.chars().count() + one.chars().count() <= FIELD_CHARS_MAX {
            text.push_str(&one);
        }
    }
    let text = text.trim_end();
    (!text.is_empty()).then(|| json!({ "name": "Links", "value": text, "inline": false }))
}

impl Channel for Discord {
    fn kind(&self) -> &'static str {
        "discord"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let title = cut_chars(&words.title(&self.title), TITLE_CHARS_MAX);
        let content = cut_chars(&words.text(&self.content), CONTENT_CHARS_MAX);
        let mut out = filled([
            ("username", words.text(&self.username).into()),
            ("avatar_url", words.text(&self.avatar_url).into()),
        ]);
        let description = words.body(&self.message, DESCRIPTION_CHARS_MAX);
        let color = if n.is_firing() { COLOR_FIRING } else { COLOR_RESOLVED };
        out.insert("content".into(), content.into());
        let mut embed = json!({ "title": title, "description": description, "color": color });
        if let Some(url) = making.chart(PictureKind::Png) {
            embed["image"] = json!({ "url": url });
        }
        let fields: Vec<Value> = making
            .fields()
            .into_iter()
            .map(|(name, value)| {
                let is_short = value.len() <= SHORT_BYTES_MAX && !value.contains('\n');
                let value = cut_chars(&value, FIELD_CHARS_MAX);
                json!({ "name": name, "value": value, "inline": is_short })
            })
            .chain(links(making))
            .collect();
        if !fields.is_empty() {
            embed["fields"] = fields.into();
        }
        out.insert("embeds".into(), json!([embed]));
        Some(Value::Object(out))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let body = outgoing.message.to_string();
            let request = address(&self.url, &*tools.disk)
                .and_then(|url| post(&url, body, &self.http, self.timeout, &*tools.disk));
            match exchange(request, tools).await {
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}
