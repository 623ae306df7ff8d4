//! `slack_configs`: one attachment, by an incoming webhook or by an app's token.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::channel::{
    Attempt, Channel, Making, Outcome, Outgoing, Tools, address, exchange, judge, post, said,
    secret,
};
use super::entry::{Entry, text_in};
use super::words::{Words, cut_chars, escaped, filled};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::PictureKind;
use crate::route::Notification;

/// Characters of a title, as Alertmanager cuts it.
const TITLE_CHARS_MAX: usize = 1024;
/// Characters of a text, Slack's own bound.
const TEXT_CHARS_MAX: usize = 40_000;
/// Characters of a field's value.
const FIELD_CHARS_MAX: usize = 3_000;
/// Bytes of a value that stands beside another one.
const SHORT_BYTES_MAX: usize = 40;
/// Where an app's messages go.
const APP_URL: &str = "https://slack.com/api/chat.postMessage";

/// The texts beside title and text, with their defaults; where they stand in the attachment.
const TEXTS: [(&str, &str); 8] = [
    ("title_link", r#"{{ template "slack.default.titlelink" . }}"#),
    ("pretext", r#"{{ template "slack.default.pretext" . }}"#),
    ("fallback", r#"{{ template "slack.default.fallback" . }}"#),
    ("callback_id", r#"{{ template "slack.default.callbackid" . }}"#),
    ("footer", r#"{{ template "slack.default.footer" . }}"#),
    ("color", r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#),
    ("image_url", ""),
    ("thumb_url", ""),
];
/// The texts of the message around it.
const AROUND: [(&str, &str); 4] = [
    ("channel", ""),
    ("username", r#"{{ template "slack.default.username" . }}"#),
    ("icon_emoji", r#"{{ template "slack.default.iconemoji" . }}"#),
    ("icon_url", r#"{{ template "slack.default.iconurl" . }}"#),
];

/// Who a message is sent as.
#[derive(Clone, Debug)]
enum To {
    /// The address is the secret.
    Webhook(SecretFrom),
    /// The address, and the token.
    App(String, SecretFrom),
}

/// A channel of Slack.
#[derive(Clone, Debug)]
pub struct Slack {
    to: To,
    http: HttpConfig,
    timeout: Duration,
    title: String,
    text: String,
    message_text: String,
    around: Vec<(&'static str, String)>,
    texts: Vec<(&'static str, String)>,
    fields: Vec<Map<String, Value>>,
    actions: Vec<Map<String, Value>>,
    mrkdwn_in: Vec<String>,
    link_names: bool,
    short_fields: bool,
}

impl Slack {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let own = entry.secret(["app_token", "app_token_file"], ["", ""]);
        let hook = entry.secret(["api_url", "api_url_file"], ["", ""]);
        if own.is_some() && hook.is_some() {
            entry.wrong("app_token", "at most one of api_url and app_token may be given");
        }
        let token = if hook.is_some() {
            None
        } else {
            own.or_else(|| entry.secret(["", ""], ["slack_app_token", "slack_app_token_file"]))
        };
        let to = match token {
            Some(token) => {
                let url = entry.text_or_global("app_url", "slack_app_url", APP_URL);
                entry.check_address("app_url", &url);
                To::App(url, token)
            }
            None => To::Webhook(entry.must_address(
                ["api_url", "api_url_file"],
                ["slack_api_url", "slack_api_url_file"],
            )),
        };
        let fields = entry.objects("fields");
        if fields.iter().any(|f| text_in(f, "title").is_empty() || text_in(f, "value").is_empty()) {
            entry.wrong("fields", "each field needs a title and a value");
        }
        let actions = entry.objects("actions");
        for action in &actions {
            let has = |key| !text_in(action, key).is_empty();
            if !has("type") || !has("text") || !(has("url") || has("name")) {
                entry.wrong("actions", "each action needs type, text, and one of url and name");
            }
        }
        let mut mrkdwn_in = entry.texts("mrkdwn_in");
        if mrkdwn_in.is_empty() {
            mrkdwn_in = ["fallback", "pretext", "text"].map(str::to_owned).to_vec();
        }
        Self {
            to,
            http: entry.http.clone(),
            timeout: entry.timeout(),
            title: entry.text("title", r#"{{ template "slack.default.title" . }}"#),
            text: entry.text("text", r#"{{ template "slack.default.text" . }}"#),
            message_text: entry.text("message_text", ""),
            around: AROUND.map(|(key, default)| (key, entry.text(key, default))).to_vec(),
            texts: TEXTS.map(|(key, default)| (key, entry.text(key, default))).to_vec(),
            fields,
            actions,
            mrkdwn_in,
            link_names: entry.bool("link_names").unwrap_or(false),
            short_fields: entry.bool("short_fields").unwrap_or(false),
        }
    }

    fn field(&self, field: &Map<String, Value>, words: &mut Words<'_>) -> Value {
        let short = field.get("short").and_then(Value::as_bool).unwrap_or(self.short_fields);
        let value = words.text(&text_in(field, "value"));
        json!({
            "title": words.text(&text_in(field, "title")),
            "value": cut_chars(&value, FIELD_CHARS_MAX),
            "short": short,
        })
    }
}

/// The evidence as fields; links in Slack's own marks.
fn evidence(making: &Making<'_>) -> Vec<Value> {
    let mut out: Vec<Value> = making
        .fields()
        .into_iter()
        .map(|(title, value)| {
            let is_short = value.len() <= SHORT_BYTES_MAX && !value.contains('\n');
            let value = cut_chars(&escaped(&value), FIELD_CHARS_MAX);
            json!({ "title": title, "value": value, "short": is_short })
        })
        .collect();
    let links = making.exhibit.map(|e| e.links.as_slice()).unwrap_or_default();
    let links: Vec<String> =
        links.iter().map(|l| format!("<{}|{}>", escaped(&l.url), escaped(&l.title))).collect();
    if !links.is_empty() {
        out.push(json!({ "title": "Links", "value": links.join(" · "), "short": false }));
    }
    out
}

/// An action with its texts shown.
fn action(action: &Map<String, Value>, words: &mut Words<'_>) -> Value {
    let mut text = |map: &Map<String, Value>, key| Value::String(words.text(&text_in(map, key)));
    let mut out = filled([
        ("type", text(action, "type")),
        ("url", text(action, "url")),
        ("style", text(action, "style")),
        ("name", text(action, "name")),
        ("value", text(action, "value")),
    ]);
    out.insert("text".into(), text(action, "text"));
    if let Some(Value::Object(confirm)) = action.get("confirm") {
        let mut shown = filled([
            ("title", text(confirm, "title")),
            ("ok_text", text(confirm, "ok_text")),
            ("dismiss_text", text(confirm, "dismiss_text")),
        ]);
        shown.insert("text".into(), text(confirm, "text"));
        out.insert("confirm".into(), Value::Object(shown));
    }
    Value::Object(out)
}

impl Channel for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let title = cut_chars(&words.title(&self.title), TITLE_CHARS_MAX);
        let mut out = Map::new();
        for (key, template) in &self.around {
            out.extend(filled([(*key, words.text(template).into())]));
        }
        out.extend(filled([("text", words.text(&self.message_text).into())]));
        if self.link_names {
            out.insert("link_names".into(), true.into());
        }
        let mut attachment = filled([("title", title.into())]);
        for (key, template) in &self.texts {
            let text = Value::String(words.text(template));
            if matches!(*key, "fallback" | "callback_id" | "footer") {
                attachment.insert((*key).into(), text);
            } else {
                attachment.extend(filled([(*key, text)]));
            }
        }
        if let Some(url) = making.chart(PictureKind::Png) {
            attachment.entry("image_url").or_insert(url.into());
        }
        let mut fields: Vec<Value> =
            self.fields.iter().map(|f| self.field(f, &mut words)).collect();
        fields.extend(evidence(making));
        let actions: Vec<Value> = self.actions.iter().map(|a| action(a, &mut words)).collect();
        attachment.extend(filled([
            ("fields", fields.into()),
            ("actions", actions.into()),
            ("mrkdwn_in", self.mrkdwn_in.clone().into()),
        ]));
        attachment.insert("text".into(), words.body(&self.text, TEXT_CHARS_MAX).into());
        out.insert("attachments".into(), json!([attachment]));
        Some(Value::Object(out))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let body = outgoing.message.to_string();
            let disk = &*tools.disk;
            let request = match &self.to {
                To::Webhook(url) => address(url, disk)
                    .and_then(|url| post(&url, body, &self.http, self.timeout, disk)),
                To::App(url, token) => secret(token, disk).and_then(|token| {
                    let mut request = post(url, body, &self.http, self.timeout, disk)?;
                    request.headers.retain(|(name, _)| name != "authorization");
                    request.headers.push(("authorization".into(), format!("Bearer {token}")));
                    Ok(request)
                }),
            };
            match exchange(request, tools).await {
                Ok(answer) if answer.is_success() => refused(&answer),
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}

/// Slack says 200 and means no: `{"ok": false, "error": …}`, or a text that is not `ok`.
fn refused(answer: &plimsoll_net::Answer) -> Outcome {
    let body = String::from_utf8_lossy(&answer.body);
    let is_json = answer.header("content-type").is_some_and(|t| t.starts_with("application/json"));
    let is_fine = if is_json || body.starts_with('{') {
        serde_json::from_str::<Value>(&body).is_ok_and(|v| v["ok"] == true)
    } else {
        body.is_empty() || body.trim() == "ok"
    };
    if is_fine {
        Outcome::Delivered
    } else if ["ratelimited", "fatal_error", "internal_error", "service_unavailable"]
        .iter()
        .any(|e| body.contains(e))
    {
        Outcome::Failed(said(answer))
    } else {
        Outcome::GivenUp(said(answer))
    }
}
