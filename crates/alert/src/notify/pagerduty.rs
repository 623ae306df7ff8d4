//! `pagerduty_configs`: events of version 2 (`routing_key`), or of version 1 (`service_key`).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::channel::{
    Attempt, Channel, Making, Outcome, Outgoing, Tools, exchange, judge, post, said, secret,
};
use super::entry::{Entry, json_of, text_in};
use super::words::{Words, cut_chars, filled, group_hash};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::evidence::PictureKind;
use crate::route::Notification;

/// Characters of a summary.
const SUMMARY_CHARS_MAX: usize = 1024;
/// Bytes of an event; a larger one loses its details.
const EVENT_BYTES_MAX: usize = 512_000;
/// Where events of version 2 go.
const URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// Where events of version 1 go.
const URL_V1: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
/// Details that are always there.
const DETAILS: [(&str, &str); 4] = [
    ("firing", r#"{{ template "pagerduty.default.instances" .Alerts.Firing }}"#),
    ("resolved", r#"{{ template "pagerduty.default.instances" .Alerts.Resolved }}"#),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

/// A service of PagerDuty.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    is_v1: bool,
    key: SecretFrom,
    url: String,
    http: HttpConfig,
    timeout: Duration,
    description: String,
    client: String,
    client_url: String,
    source: String,
    severity: String,
    class: String,
    component: String,
    group: String,
    details: Map<String, Value>,
    images: Vec<Map<String, Value>>,
    links: Vec<Map<String, Value>>,
}

impl PagerDuty {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let v1 = entry.secret(["service_key", "service_key_file"], ["", ""]);
        let v2 = entry.secret(["routing_key", "routing_key_file"], ["", ""]);
        match (&v1, &v2) {
            (None, None) => entry.wrong("", "missing service or routing key in PagerDuty config"),
            (Some(_), Some(_)) => {
                entry.wrong(
                    "service_key",
                    "at most one of routing_key and service_key may be given",
                );
            }
            _ => {}
        }
        let is_v1 = v1.is_some();
        let default = if is_v1 { URL_V1 } else { URL };
        let url = match entry.text("url", "") {
            url if !url.is_empty() => url,
            _ if is_v1 => default.to_owned(),
            _ => entry.text_or_global("url", "pagerduty_url", default),
        };
        entry.check_address("url", &url);
        let mut details: Map<String, Value> =
            DETAILS.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        match entry.any("details").map(json_of) {
            Some(Value::Object(own)) => details.extend(own),
            None | Some(Value::Null) => {}
            Some(_) => entry.wrong("details", "a mapping is wanted"),
        }
        let client = entry.text("client", r#"{{ template "pagerduty.default.client" . }}"#);
        Self {
            is_v1,
            key: v1.or(v2).unwrap_or_else(|| SecretFrom::Text(plimsoll_model::Secret::default())),
            url,
            http: entry.http.clone(),
            timeout: entry.timeout(),
            description: entry
                .text("description", r#"{{ template "pagerduty.default.description" .}}"#),
            client_url: entry
                .text("client_url", r#"{{ template "pagerduty.default.clientURL" . }}"#),
            source: entry.text("source", &client),
            client,
            severity: entry.text("severity", "error"),
            class: entry.text("class", ""),
            component: entry.text("component", ""),
            group: entry.text("group", ""),
            details,
            images: entry.objects("images"),
            links: entry.objects("links"),
        }
    }

    fn v1(&self, n: &Notification, mut words: Words<'_>, making: &Making<'_>) -> Value {
        let details = detailed(words.value(&Value::Object(self.details.clone())), making);
        let client = words.text(&self.client);
        let client_url = words.text(&self.client_url);
        let mut out = filled([("details", details)]);
        if n.is_firing() {
            out.extend(filled([("client", client.into()), ("client_url", client_url.into())]));
        }
        out.insert("event_type".into(), kind_of(n).into());
        out.insert("incident_key".into(), group_hash(&n.group_key).into());
        let description = words.body(&self.description, SUMMARY_CHARS_MAX);
        out.insert("description".into(), description.into());
        Value::Object(out)
    }

    fn v2(&self, n: &Notification, mut words: Words<'_>, making: &Making<'_>) -> Value {
        let details = detailed(words.value(&Value::Object(self.details.clone())), making);
        let severity = match words.text(&self.severity) {
            text if text.is_empty() => "error".to_owned(),
            text => text,
        };
        let mut payload = filled([
            ("class", words.text(&self.class).into()),
            ("component", words.text(&self.component).into()),
            ("group", words.text(&self.group).into()),
            ("custom_details", details),
        ]);
        payload.insert("source".into(), words.text(&self.source).into());
        payload.insert("severity".into(), severity.into());
        let mut out = filled([
            ("client", words.text(&self.client).into()),
            ("client_url", words.text(&self.client_url).into()),
        ]);
        out.insert("event_action".into(), kind_of(n).into());
        out.insert("dedup_key".into(), group_hash(&n.group_key).into());
        let images = listed(&self.images, ["src", "alt", "href"], "src", &mut words);
        let links = listed(&self.links, ["href", "text", ""], "href", &mut words);
        let (images, links) = (with_chart(images, making), with_links(links, making));
        out.extend(filled([("images", images), ("links", links)]));
        let summary = words.body(&self.description, SUMMARY_CHARS_MAX);
        payload.insert("summary".into(), cut_chars(&summary, SUMMARY_CHARS_MAX).into());
        out.insert("payload".into(), Value::Object(payload));
        let mut out = Value::Object(out);
        if out.to_string().len() > EVENT_BYTES_MAX {
            let error = "Custom details have been removed because the original event exceeds the \
                         maximum size of 512KB";
            out["payload"]["custom_details"] = json!({ "error": error });
        }
        out
    }
}

/// Details with the figures of the evidence; what people wrote comes first.
fn detailed(mut details: Value, making: &Making<'_>) -> Value {
    if let Value::Object(map) = &mut details {
        for (name, value) in making.fields() {
            let name = name.to_lowercase().replace(' ', "_");
            map.entry(name).or_insert(value.into());
        }
    }
    details
}

fn with_chart(images: Value, making: &Making<'_>) -> Value {
    let Value::Array(mut all) = images else { return images };
    if let (Some(src), Some(exhibit)) = (making.chart(PictureKind::Png), making.exhibit) {
        let href = exhibit.links.iter().find(|l| l.title == "Chart").map(|l| l.url.as_str());
        all.push(json!({ "src": src, "alt": exhibit.caption, "href": href.unwrap_or(&src) }));
    }
    Value::Array(all)
}

fn with_links(links: Value, making: &Making<'_>) -> Value {
    let Value::Array(mut all) = links else { return links };
    let more = making.exhibit.map(|e| e.links.as_slice()).unwrap_or_default();
    all.extend(more.iter().map(|l| json!({ "href": l.url, "text": l.title })));
    Value::Array(all)
}

fn kind_of(n: &Notification) -> &'static str {
    if n.is_firing() { "trigger" } else { "resolve" }
}

/// Entries with their texts shown; those without `must` are left out.
fn listed(all: &[Map<String, Value>], keys: [&str; 3], must: &str, words: &mut Words<'_>) -> Value {
    let mut out = Vec::new();
    for one in all {
        let shown = keys.map(|key| (key, Value::String(words.text(&text_in(one, key)))));
        let shown = filled(shown);
        if shown.contains_key(must) {
            out.push(Value::Object(shown));
        }
    }
    Value::Array(out)
}

impl Channel for PagerDuty {
    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let words = Words::new(n, making);
        Some(if self.is_v1 { self.v1(n, words, making) } else { self.v2(n, words, making) })
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let mut message = outgoing.message;
            let request = secret(&self.key, &*tools.disk).and_then(|key| {
                let name = if self.is_v1 { "service_key" } else { "routing_key" };
                message[name] = key.into();
                post(&self.url, message.to_string(), &self.http, self.timeout, &*tools.disk)
            });
            match exchange(request, tools).await {
                // Version 1 says that there are too many events by 403.
                Ok(answer) if self.is_v1 && answer.status == 403 => Outcome::Failed(said(&answer)),
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}
