//! The message of a webhook: Alertmanager's payload, version 4.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use serde_json::{Map, Value, json};

use super::Notification;
use crate::state::{Alert, AlertState};

/// The time of what has not ended, as Go's zero time prints it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The payload of a notification as JSON. `external_url` is where people reach this server;
/// `max_alerts` cuts the list (0 = all), `send_resolved` says whether resolved alerts are in it.
/// `None` when nothing is left to tell.
pub fn webhook(
    n: &Notification,
    external_url: &str,
    max_alerts: usize,
    send_resolved: bool,
) -> Option<Value> {
    let mut alerts: Vec<&Alert> =
        n.alerts.iter().filter(|a| send_resolved || a.state == AlertState::Firing).collect();
    if alerts.is_empty() {
        return None;
    }
    let firing = alerts.iter().any(|a| a.state == AlertState::Firing);
    let common_labels = common(alerts.iter().map(|a| &a.labels));
    let common_annotations = common(alerts.iter().map(|a| &a.annotations));
    let truncated = if max_alerts > 0 { alerts.len().saturating_sub(max_alerts) } else { 0 };
    alerts.truncate(alerts.len() - truncated);
    Some(json!({
        "version": "4",
        "groupKey": n.group_key,
        "truncatedAlerts": truncated,
        "status": if firing { "firing" } else { "resolved" },
        "receiver": n.receiver,
        "groupLabels": object(&n.group_labels),
        "commonLabels": object(&common_labels),
        "commonAnnotations": object(&common_annotations),
        "externalURL": external_url,
        "alerts": alerts.iter().map(|a| one(a, external_url)).collect::<Vec<_>>(),
    }))
}

fn one(alert: &Alert, external_url: &str) -> Value {
    let firing = alert.state == AlertState::Firing;
    let name = alert.labels.get("alertname").map_or("", String::as_str);
    let expr = format!("ALERTS{{alertname={name:?}}}");
    json!({
        "status": if firing { "firing" } else { "resolved" },
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "startsAt": rfc3339(alert.fired_at.unwrap_or(alert.active_at)),
        "endsAt": alert.resolved_at.filter(|_| !firing).map_or(NEVER.to_owned(), rfc3339),
        "generatorURL": format!("{external_url}/explore?expr={}", in_query(&expr)),
        "fingerprint": format!("{:016x}", alert.label_set().fp().0 as u64),
    })
}

/// A text as it stands in the query of a URL.
fn in_query(text: &str) -> String {
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

    fn alert(instance: &str, state: AlertState) -> Alert {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        Alert {
            labels: [pair("alertname", "Down"), pair("instance", instance)].into(),
            annotations: [pair("summary", "it is down")].into(),
            state,
            value: 0.0,
            active_at: 0,
            fired_at: Some(60_000),
            resolved_at: (state == AlertState::Inactive).then_some(120_500),
            kept_since: None,
        }
    }

    fn notification() -> Notification {
        Notification {
            receiver: "hook".into(),
            group_key: "{}:{alertname=\"Down\"}".into(),
            group_labels: [("alertname".to_owned(), "Down".to_owned())].into(),
            alerts: vec![alert("a", AlertState::Firing), alert("b", AlertState::Inactive)],
            key: "k".into(),
        }
    }

    #[test]
    fn the_payload_is_alertmanagers() {
        let body = webhook(&notification(), "http://x", 0, true).unwrap();
        assert_eq!(body["version"], "4");
        assert_eq!(body["status"], "firing");
        assert_eq!(body["commonLabels"], json!({"alertname": "Down"}));
        assert_eq!(body["commonAnnotations"], json!({"summary": "it is down"}));
        assert_eq!(body["alerts"][0]["startsAt"], "1970-01-01T00:01:00.000Z");
        assert_eq!(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
        assert_eq!(body["alerts"][1]["endsAt"], "1970-01-01T00:02:00.500Z");
        assert_eq!(body["alerts"][1]["status"], "resolved");
        let link = "http://x/explore?expr=ALERTS%7Balertname%3D%22Down%22%7D";
        assert_eq!(body["alerts"][0]["generatorURL"], link);
    }

    #[test]
    fn a_receiver_may_want_less() {
        let body = webhook(&notification(), "", 1, true).unwrap();
        assert_eq!(
            (&body["truncatedAlerts"], body["alerts"].as_array().unwrap().len()),
            (&json!(1), 1)
        );
        let mut n = notification();
        n.alerts.remove(0);
        assert_eq!(webhook(&n, "", 0, false), None);
    }
}
