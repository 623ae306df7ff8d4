//! `telegram_configs`: a message of a bot to a chat.

use std::time::Duration;

use serde_json::{Value, json};

use super::channel::{
    Attempt, Channel, Making, Outcome, Outgoing, Tools, exchange, judge, post, said, secret,
};
use super::entry::Entry;
use super::words::{Words, escaped, filled};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::PictureKind;
use crate::route::Notification;

/// Characters of a message.
const TEXT_CHARS_MAX: usize = 4096;
/// Characters of evidence in it.
const EVIDENCE_CHARS_MAX: usize = 1500;
/// Where the API is.
const URL: &str = "https://api.telegram.org";

/// A chat of Telegram.
#[derive(Clone, Debug)]
pub struct Telegram {
    token: SecretFrom,
    url: String,
    chat: Chat,
    http: HttpConfig,
    timeout: Duration,
    message: String,
    parse_mode: String,
    topic: Option<i64>,
    is_silent: bool,
}

#[derive(Clone, Debug)]
enum Chat {
    Id(i64),
    File(SecretFrom),
}

impl Telegram {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let global = ["telegram_bot_token", "telegram_bot_token_file"];
        let token = entry.must(["bot_token", "bot_token_file"], global);
        let url = entry.text_or_global("api_url", "telegram_api_url", URL);
        entry.check_address("api_url", &url);
        let id = entry.int("chat_id").filter(|id| *id != 0);
        let file = entry.text("chat_id_file", "");
        let chat = match (id, file.is_empty()) {
            (Some(id), true) => Chat::Id(id),
            (None, false) => Chat::File(SecretFrom::File(file.into())),
            (Some(_), false) => {
                entry.wrong("chat_id_file", "at most one of chat_id and chat_id_file may be given");
                Chat::Id(0)
            }
            (None, true) => {
                entry.wrong("", "one of chat_id and chat_id_file must be given");
                Chat::Id(0)
            }
        };
        let parse_mode = entry.text("parse_mode", "HTML");
        if !["", "Markdown", "MarkdownV2", "HTML"].contains(&parse_mode.as_str()) {
            let message = "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string";
            entry.wrong("parse_mode", message);
        }
        Self {
            token,
            url: url.trim_end_matches('/').to_owned(),
            chat,
            http: entry.http.clone(),
            timeout: entry.timeout(),
            message: entry.text("message", r#"{{ template "telegram.default.message" . }}"#),
            parse_mode,
            topic: entry.int("message_thread_id").filter(|id| *id != 0),
            is_silent: entry.bool("disable_notifications").unwrap_or(false),
        }
    }
}

/// The evidence in Telegram's HTML, at most [`EVIDENCE_CHARS_MAX`]; what does not fit is left out.
fn evidence(making: &Making<'_>) -> String {
    let Some(exhibit) = making.exhibit else { return String::new() };
    let mut out = String::new();
    let mut add = |line: String| {
        if out.chars().count() + line.chars().count() <= EVIDENCE_CHARS_MAX {
            out.push_str(&line);
        }
    };
    add("\n".to_owned());
    for (name, value) in making.fields() {
        add(format!("\n<b>{name}:</b> {}", escaped(&value)));
    }
    let links = exhibit.links.iter().map(|l| {
        let url = escaped(&l.url).replace('"', "&quot;");
        format!("<a href=\"{url}\">{}</a>", escaped(&l.title))
    });
    let links: Vec<String> = links.collect();
    if !links.is_empty() {
        add(format!("\n{}", links.join(" · ")));
    }
    out
}

impl Channel for Telegram {
    fn kind(&self) -> &'static str {
        "telegram"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let text = if self.parse_mode == "HTML" {
            let more = evidence(making);
            let room = TEXT_CHARS_MAX - more.chars().count();
            words.html(&self.message, room) + &more
        } else {
            words.body(&self.message, TEXT_CHARS_MAX)
        };
        let topic = self.topic.map_or(Value::Null, Value::from);
        let mut out = filled([
            ("parse_mode", self.parse_mode.clone().into()),
            ("message_thread_id", topic),
            ("disable_notification", self.is_silent.into()),
            ("disable_web_page_preview", true.into()),
        ]);
        if let Some(url) = making.chart(PictureKind::Png) {
            // Telegram fetches it and shows it below the text, when it can reach it.
            out.remove("disable_web_page_preview");
            let options = json!({ "url": url, "prefer_large_media": true });
            out.insert("link_preview_options".into(), options);
        }
        out.insert("text".into(), text.into());
        Some(Value::Object(out))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let mut message = outgoing.message;
            let disk = &*tools.disk;
            let chat = match &self.chat {
                Chat::Id(id) => Ok(json!(id)),
                Chat::File(from) => secret(from, disk)
                    .and_then(|t| t.parse::<i64>().map_err(|e| format!("chat_id_file: {e}")))
                    .map(Value::from),
            };
            let prepared = chat.and_then(|chat| Ok((chat, secret(&self.token, disk)?)));
            let (chat, token) = match prepared {
                Ok(found) => found,
                Err(why) => return Outcome::Failed(why),
            };
            message["chat_id"] = chat;
            let url = format!("{}/bot{token}/sendMessage", self.url);
            let request = post(&url, message.to_string(), &self.http, self.timeout, disk);
            let answer = match exchange(request, tools).await {
                Ok(answer) => answer,
                Err(outcome) => return outcome,
            };
            let is_unreadable = answer.status == 400
                && String::from_utf8_lossy(&answer.body).contains("can't parse entities");
            if !is_unreadable {
                return of(&answer);
            }
            // Marks that Telegram does not understand must not keep the message back.
            if let Value::Object(fields) = &mut message {
                fields.remove("parse_mode");
            }
            let request = post(&url, message.to_string(), &self.http, self.timeout, disk);
            match exchange(request, tools).await {
                Ok(answer) => of(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}

/// Telegram says in the body how long to wait.
fn of(answer: &plimsoll_net::Answer) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if answer.is_success() && body["ok"] != true {
        return Outcome::GivenUp(said(answer));
    }
    match (judge(answer), body["parameters"]["retry_after"].as_u64()) {
        (Outcome::Failed(why), Some(s)) => Outcome::Busy(why, Duration::from_secs(s.min(86_400))),
        (outcome, _) => outcome,
    }
}
