//! `opsgenie_configs`: an alert is created under an alias, and closed under it.

use std::time::Duration;

use plimsoll_net::{Method, Request};
use serde_json::{Map, Value, json};

use super::channel::{
    Attempt, Channel, Making, Outcome, Outgoing, Tools, exchange, judge, post, secret,
};
use super::entry::{Entry, text_in};
use super::words::{Words, cut_chars, filled, group_hash};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::PictureKind;
use crate::route::Notification;

/// Characters of a message, a description and a note.
const MESSAGE_CHARS_MAX: usize = 130;
const DESCRIPTION_CHARS_MAX: usize = 15_000;
const NOTE_CHARS_MAX: usize = 25_000;
/// Where the API is.
const URL: &str = "https://api.opsgenie.com/";
/// Who can be told.
const RESPONDERS: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];

/// An integration of Opsgenie.
#[derive(Clone, Debug)]
pub struct Opsgenie {
    key: SecretFrom,
    url: String,
    http: HttpConfig,
    timeout: Duration,
    message: String,
    description: String,
    source: String,
    entity: String,
    actions: String,
    tags: String,
    note: String,
    priority: String,
    details: Vec<(String, String)>,
    responders: Vec<Map<String, Value>>,
    update_alerts: bool,
}

impl Opsgenie {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let keys = ["api_key", "api_key_file"];
        let key = entry.must(keys, ["opsgenie_api_key", "opsgenie_api_key_file"]);
        let url = entry.text_or_global("api_url", "opsgenie_api_url", URL);
        entry.check_address("api_url", &url);
        let responders = entry.objects("responders");
        for responder in &responders {
            let kind = text_in(responder, "type").to_lowercase();
            if ["id", "username", "name"].iter().all(|key| text_in(responder, key).is_empty()) {
                entry.wrong("responders", "each needs one of id, username and name");
            }
            if !kind.contains("{{") && !RESPONDERS.contains(&kind.as_str()) {
                let message = format!("the type {kind:?} is none of {}", RESPONDERS.join(", "));
                entry.wrong("responders", message);
            }
        }
        Self {
            key,
            url: url.trim_end_matches('/').to_owned(),
            http: entry.http.clone(),
            timeout: entry.timeout(),
            message: entry.text("message", r#"{{ template "opsgenie.default.message" . }}"#),
            description: entry
                .text("description", r#"{{ template "opsgenie.default.description" . }}"#),
            source: entry.text("source", r#"{{ template "opsgenie.default.source" . }}"#),
            entity: entry.text("entity", ""),
            actions: entry.text("actions", ""),
            tags: entry.text("tags", ""),
            note: entry.text("note", ""),
            priority: entry.text("priority", ""),
            details: entry.pairs("details"),
            responders,
            update_alerts: entry.bool("update_alerts").unwrap_or(false),
        }
    }

    fn responders(&self, words: &mut Words<'_>) -> Value {
        let mut out = Vec::new();
        for one in &self.responders {
            let kind = words.text(&text_in(one, "type")).to_lowercase();
            let [id, name, username] =
                ["id", "name", "username"].map(|key| words.text(&text_in(one, key)));
            if id.is_empty() && name.is_empty() && username.is_empty() {
                continue;
            }
            if kind == "teams" {
                out.extend(listed(&name).map(|team| json!({ "name": team, "type": "team" })));
                continue;
            }
            out.push(Value::Object(filled([
                ("id", id.into()),
                ("name", name.into()),
                ("username", username.into()),
                ("type", kind.into()),
            ])));
        }
        Value::Array(out)
    }
}

/// The parts of a text with commas.
fn listed(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty())
}

fn list(text: &str) -> Value {
    Value::Array(listed(text).map(Value::String).collect())
}

impl Channel for Opsgenie {
    fn kind(&self) -> &'static str {
        "opsgenie"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let alias = group_hash(&n.group_key);
        let source = words.text(&self.source);
        if !n.is_firing() {
            return Some(json!({ "close": alias, "body": filled([("source", source.into())]) }));
        }
        let mut details: Map<String, Value> =
            words.data().common_labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        for (key, template) in &self.details {
            details.insert(key.clone(), words.text(template).into());
        }
        for (name, value) in making.fields() {
            details.entry(name).or_insert(value.into());
        }
        let chart = making.chart(PictureKind::Png);
        let links = making.exhibit.map(|e| e.links.as_slice()).unwrap_or_default();
        let links = links.iter().map(|l| (format!("Link: {}", l.title), l.url.clone()));
        for (name, url) in links.chain(chart.map(|url| ("Picture".to_owned(), url))) {
            details.entry(name).or_insert(url.into());
        }
        let message = cut_chars(&words.title(&self.message), MESSAGE_CHARS_MAX);
        let note = cut_chars(&words.text(&self.note), NOTE_CHARS_MAX);
        let mut body = filled([
            ("alias", alias.into()),
            ("details", details.into()),
            ("source", source.into()),
            ("responders", self.responders(&mut words)),
            ("tags", list(&words.text(&self.tags))),
            ("note", note.into()),
            ("priority", words.text(&self.priority).into()),
            ("entity", words.text(&self.entity).into()),
            ("actions", list(&words.text(&self.actions))),
        ]);
        body.insert("message".into(), message.into());
        let description = words.body(&self.description, DESCRIPTION_CHARS_MAX);
        body.extend(filled([("description", description.into())]));
        Some(json!({ "body": body }))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let key = match secret(&self.key, &*tools.disk) {
                Ok(key) => key,
                Err(why) => return Outcome::Failed(why),
            };
            let ask = |method, path: &str, body: &Value| -> Result<Request, String> {
                let url = format!("{}/v2/alerts{path}", self.url);
                let disk = &*tools.disk;
                let mut request = post(&url, body.to_string(), &self.http, self.timeout, disk)?;
                request.method = method;
                request.headers.retain(|(name, _)| name != "authorization");
                request.headers.push(("authorization".into(), format!("GenieKey {key}")));
                Ok(request)
            };
            let body = &outgoing.message["body"];
            let mut requests = Vec::new();
            if let Some(alias) = outgoing.message["close"].as_str() {
                let path = format!("/{alias}/close?identifierType=alias");
                requests.push(ask(Method::Post, &path, body));
            } else {
                requests.push(ask(Method::Post, "", body));
                if self.update_alerts {
                    let alias = body["alias"].as_str().unwrap_or_default();
                    for part in ["message", "description"] {
                        let path = format!("/{alias}/{part}?identifierType=alias");
                        requests.push(ask(Method::Put, &path, &json!({ part: body[part] })));
                    }
                }
            }
            for request in requests {
                let outcome = match exchange(request, tools).await {
                    Ok(answer) => judge(&answer),
                    Err(outcome) => outcome,
                };
                if outcome != Outcome::Delivered {
                    return outcome;
                }
            }
            Outcome::Delivered
        })
    }
}
