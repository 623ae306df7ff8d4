//! The message of a webhook: Alertmanager's payload, version 4.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::Timestamp;
use serde_json::{Map, Value, json};

use super::{Notice, Notification};
use crate::template::{AlertData, Data};

/// The time of what has not ended, as Go's zero time prints it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The payload of a notification as JSON. `external_url` is where people reach this server;
/// `max_alerts` cuts the list (0 = all).
pub fn webhook(n: &Notification, external_url: &str, max_alerts: usize) -> Value {
    let truncated = if max_alerts > 0 { n.alerts.len().saturating_sub(max_alerts) } else { 0 };
    let shown = &n.alerts[..n.alerts.len() - truncated];
    let fires = shown.iter().any(|a| a.ends_at.is_none());
    json!({
        "version": "4",
        "groupKey": n.group_key,
        "truncatedAlerts": truncated,
        "status": if fires { "firing" } else { "resolved" },
        "receiver": n.receiver,
        "groupLabels": object(&n.group_labels),
        "commonLabels": object(&common(shown.iter().map(|a| &a.labels))),
        "commonAnnotations": object(&common(shown.iter().map(|a| &a.annotations))),
        "externalURL": external_url,
        "alerts": shown.iter().map(one).collect::<Vec<_>>(),
    })
}

fn one(alert: &Notice) -> Value {
    json!({
        "status": if alert.ends_at.is_none() { "firing" } else { "resolved" },
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": alert.ends_at.map_or(NEVER.to_owned(), rfc3339),
        "generatorURL": alert.generator_url,
        "fingerprint": format!("{:016x}", alert.fingerprint()),
    })
}

/// What templates of the notification see. `external_url` is where people reach this server;
/// `max_alerts` cuts the list (0 = all).
pub fn data(n: &Notification, external_url: &str, max_alerts: usize) -> Data {
    let truncated = if max_alerts > 0 { n.alerts.len().saturating_sub(max_alerts) } else { 0 };
    let shown = &n.alerts[..n.alerts.len() - truncated];
    let status = |fires: bool| if fires { "firing" } else { "resolved" }.to_owned();
    let alert = |a: &Notice| AlertData {
        status: status(a.ends_at.is_none()),
        labels: Arc::new(a.labels.clone()),
        annotations: Arc::new(a.annotations.clone()),
        starts_at_ms: a.starts_at,
        ends_at_ms: a.ends_at,
        generator_url: a.generator_url.clone(),
        fingerprint: format!("{:016x}", a.fingerprint()),
    };
    Data {
        receiver: n.receiver.clone(),
        status: status(shown.iter().any(|a| a.ends_at.is_none())),
        alerts: shown.iter().map(|a| Arc::new(alert(a))).collect(),
        notification_reason: String::new(),
        group_labels: Arc::new(n.group_labels.clone()),
        common_labels: Arc::new(common(shown.iter().map(|a| &a.labels))),
        common_annotations: Arc::new(common(shown.iter().map(|a| &a.annotations))),
        external_url: external_url.to_owned(),
        group_key: n.group_key.clone(),
        truncated_alerts: truncated as u64,
        evidence: Arc::default(),
    }
}

/// The link to an expression on this server.
pub fn link(external_url: &str, expr: &str) -> String {
    format!("{external_url}/explore?expr={}", in_query(expr))
}

/// A text as it stands in the query of a URL.
pub fn in_query(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A text of the query of a URL. What is no text is replaced.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = hex.filter(|_| *byte == b'%').and_then(|t| u8::from_str_radix(t, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 2;
            }
            None => out.push(if *byte == b'+' { b' ' } else { *byte }),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A time as RFC 3339 with milliseconds, UTC.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| NEVER.to_owned(), |t| format!("{t:.3}"))
}

fn object(map: &BTreeMap<String, String>) -> Value {
    Value::Object(map.iter().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<_, _>>())
}

fn common<'a>(
    mut maps: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut common = maps.next().cloned().unwrap_or_default();
    for map in maps {
        common.retain(|name, value| map.get(name) == Some(value));
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(instance: &str, ends_at: Option<Timestamp>) -> Notice {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        Notice {
            labels: [pair("alertname", "Down"), pair("instance", instance)].into(),
            annotations: [pair("summary", "it is down")].into(),
            starts_at: 60_000,
            ends_at,
            generator_url: link("http://x", "up == 0"),
            ..Notice::default()
        }
    }

    fn notification() -> Notification {
        Notification {
            receiver: "hook".into(),
            integration: "webhook/0".into(),
            group_key: "{}:{alertname=\"Down\"}".into(),
            group_id: "{}:{alertname=\"Down\"}".into(),
            group_labels: [("alertname".to_owned(), "Down".to_owned())].into(),
            alerts: vec![alert("a", None), alert("b", Some(120_500))],
            at: 130_000,
            key: "k".into(),
            is_repeat: false,
        }
    }

    #[test]
    fn templates_see_what_the_payload_holds() {
        let data = Arc::new(data(&notification(), "http://x", 0));
        let text = "{{ .Status }} {{ .CommonLabels }} {{ range .Alerts }}{{ .Labels.instance }} {{ .EndsAt.Unix }};{{ end }}";
        let templates = crate::template::Templates::standard();
        let shown = templates.expand(text, crate::template::Kind::Text, &data, 0).unwrap();
        assert!(shown.starts_with("firing alertname=Down a -62135596800;b "), "{shown}");
    }

    #[test]
    fn the_payload_is_alertmanagers() {
        let body = webhook(&notification(), "http://x", 0);
        assert_eq!(body["version"], "4");
        assert_eq!(body["status"], "firing");
        assert_eq!(body["commonLabels"], json!({"alertname": "Down"}));
        assert_eq!(body["commonAnnotations"], json!({"summary": "it is down"}));
        assert_eq!(body["alerts"][0]["startsAt"], "1970-01-01T00:01:00.000Z");
        assert_eq!(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
        assert_eq!(body["alerts"][1]["endsAt"], "1970-01-01T00:02:00.500Z");
        assert_eq!(body["alerts"][1]["status"], "resolved");
        let link = "http://x/explore?expr=up%20%3D%3D%200";
        assert_eq!(body["alerts"][0]["generatorURL"], link);
    }

    #[test]
    fn a_receiver_may_want_less() {
        let body = webhook(&notification(), "", 1);
        assert_eq!(
            (&body["truncatedAlerts"], body["alerts"].as_array().unwrap().len()),
            (&json!(1), 1)
        );
    }
}
