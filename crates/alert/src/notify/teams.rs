//! `msteams_configs` (message cards of connectors) and `msteamsv2_configs` (adaptive cards of workflows).

use std::time::Duration;

use serde_json::{Value, json};

use super::channel::{
    Attempt, Channel, Making, Outcome, Outgoing, Tools, address, exchange, judge, post, said,
};
use super::entry::Entry;
use super::words::{Words, cut_bytes};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::{Link, PictureKind};
use crate::route::Notification;

/// Bytes of a text: Teams takes messages of 28 KB.
const TEXT_BYTES_MAX: usize = 20_000;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 1024;

/// A channel of Microsoft Teams.
#[derive(Clone, Debug)]
pub struct Teams {
    is_v2: bool,
    url: SecretFrom,
    http: HttpConfig,
    timeout: Duration,
    title: String,
    summary: String,
    text: String,
}

impl Teams {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>, is_v2: bool) -> Self {
        let kind = if is_v2 { "msteamsv2" } else { "msteams" };
        let default = |part: &str| format!("{{{{ template \"{kind}.default.{part}\" . }}}}");
        Self {
            is_v2,
            url: entry.must_address(["webhook_url", "webhook_url_file"], ["", ""]),
            http: entry.http.clone(),
            timeout: entry.timeout(),
            title: entry.text("title", &default("title")),
            summary: if is_v2 { String::new() } else { entry.text("summary", &default("summary")) },
            text: entry.text("text", &default("text")),
        }
    }
}

/// The evidence of a message card; nothing when there is none.
fn section(making: &Making<'_>) -> Option<Value> {
    let exhibit = making.exhibit?;
    let facts: Vec<Value> = making
        .fields()
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value.replace('\n', "  \n") }))
        .collect();
    let links: Vec<String> =
        exhibit.links.iter().map(|l| format!("[{}]({})", l.title, l.url)).collect();
    let mut section = json!({ "facts": facts, "text": links.join(" · ") });
    if let Some(url) = making.chart(PictureKind::Png) {
        section["images"] = json!([{ "image": url, "title": exhibit.caption }]);
    }
    Some(section)
}

/// The evidence of an adaptive card: the chart, and the figures.
fn blocks(making: &Making<'_>) -> Vec<Value> {
    let Some(exhibit) = making.exhibit else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(url) = making.chart(PictureKind::Png) {
        out.push(json!({
            "type": "Image", "url": url, "altText": exhibit.caption, "size": "Stretch",
            "msTeams": { "allowExpand": true },
        }));
    }
    let facts =
        making.fields().into_iter().map(|(title, value)| json!({ "title": title, "value": value }));
    out.push(json!({ "type": "FactSet", "facts": facts.collect::<Vec<_>>() }));
    out
}

impl Channel for Teams {
    fn kind(&self) -> &'static str {
        if self.is_v2 { "msteamsv2" } else { "msteams" }
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let title = super::words::cut_chars(&words.title(&self.title), TITLE_CHARS_MAX);
        let summary = words.text(&self.summary);
        let text = cut_bytes(&words.body(&self.text, TEXT_BYTES_MAX), TEXT_BYTES_MAX);
        if !self.is_v2 {
            let mut card = json!({
                "@context": "http://schema.org/extensions",
                "@type": "MessageCard",
                "title": title,
                "summary": summary,
                "text": text,
                "themeColor": if n.is_firing() { "8C1A1A" } else { "2DC72D" },
            });
            if let Some(section) = section(making) {
                card["sections"] = json!([section]);
            }
            return Some(card);
        }
        let color = if n.is_firing() { "Attention" } else { "Good" };
        let mut card = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {
                            "type": "TextBlock", "text": title, "weight": "Bolder",
                            "size": "Medium", "wrap": true, "style": "heading", "color": color,
                        },
                        { "type": "TextBlock", "text": text, "wrap": true },
                    ],
                    "msteams": { "width": "full" },
                },
            }],
        });
        let content = &mut card["attachments"][0]["content"];
        if let Value::Array(body) = &mut content["body"] {
            body.extend(blocks(making));
        }
        if let Some(exhibit) = making.exhibit {
            let open =
                |l: &Link| json!({ "type": "Action.OpenUrl", "title": l.title, "url": l.url });
            content["actions"] = exhibit.links.iter().map(open).collect();
        }
        Some(card)
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let body = outgoing.message.to_string();
            let request = address(&self.url, &*tools.disk)
                .and_then(|url| post(&url, body, &self.http, self.timeout, &*tools.disk));
            match exchange(request, tools).await {
                Ok(answer) if answer.is_success() => {
                    // A connector says 200 and tells in the text that Teams did not take it.
                    let text = String::from_utf8_lossy(&answer.body);
                    if !text.contains("endpoint returned HTTP error") {
                        Outcome::Delivered
                    } else if text.contains("error 429") || text.contains("error 5") {
                        Outcome::Failed(said(&answer))
                    } else {
                        Outcome::GivenUp(said(&answer))
                    }
                }
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}
