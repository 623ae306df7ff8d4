//! `/api/v1/rules` and `/api/v1/alerts`.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::{Alert, GroupView, RuleView, payload::rfc3339};
use plimsoll_query::format_value;
use serde_json::{Value, json};

use crate::app::App;
use crate::reply::{Failure, document};
use crate::routes::Call;

/// All groups with their rules; `type=alert|record` and `rule_name[]`, `rule_group[]`, `file[]` filter.
pub async fn rules(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wanted = match call.params.get("type") {
        None => None,
        Some("alert") => Some(true),
        Some("record") => Some(false),
        Some(other) => {
            return Err(Failure::parameter("type", format!("not supported value {other:?}")));
        }
    };
    let list = |name| call.params.all(name).map(str::to_owned).collect::<Vec<_>>();
    let (names, groups, files) = (list("rule_name[]"), list("rule_group[]"), list("file[]"));
    let allowed = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    let mut out = Vec::new();
    for group in app.alerting.groups() {
        if !allowed(&groups, &group.name) || !allowed(&files, &group.file) {
            continue;
        }
        let rules: Vec<Value> = group
            .rules
            .iter()
            .filter(|r| wanted.is_none_or(|w| w == r.is_alert) && allowed(&names, &r.name))
            .map(rule)
            .collect();
        if rules.is_empty() && (wanted.is_some() || !names.is_empty()) {
            continue;
        }
        out.push(group_doc(&group, rules));
    }
    Ok(document(&json!({ "groups": out })))
}

fn group_doc(group: &GroupView, rules: Vec<Value>) -> Value {
    json!({
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": group.interval_ms as f64 / 1e3,
        "limit": group.limit,
        "evaluationTime": group.evaluation_time.as_secs_f64(),
        "lastEvaluation": time(group.last_evaluation),
    })
}

fn time(at: Option<i64>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339)
}

fn rule(rule: &RuleView) -> Value {
    let health = match (&rule.error, rule.last_evaluation) {
        (Some(_), _) => "err",
        (None, None) => "unknown",
        (None, Some(_)) => "ok",
    };
    let labels: serde_json::Map<String, Value> =
        rule.labels.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    let mut doc = json!({
        "name": rule.name,
        "query": rule.query,
        "labels": labels,
        "health": health,
        "evaluationTime": rule.evaluation_time.as_secs_f64(),
        "lastEvaluation": time(rule.last_evaluation),
        "type": if rule.is_alert { "alerting" } else { "recording" },
    });
    if let Some(error) = &rule.error {
        doc["lastError"] = json!(error);
    }
    if rule.is_alert {
        let annotations: serde_json::Map<String, Value> =
            rule.annotations.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        doc["state"] = json!(rule.state.as_str());
        doc["duration"] = json!(rule.for_ms as f64 / 1e3);
        doc["keepFiringFor"] = json!(rule.keep_firing_for_ms as f64 / 1e3);
        doc["annotations"] = Value::Object(annotations);
        doc["alerts"] = rule.alerts.iter().map(alert).collect();
    }
    doc
}

fn alert(alert: &Alert) -> Value {
    let mut doc = json!({
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": alert.state.as_str(),
        "activeAt": rfc3339(alert.active_at),
        "value": go_e(alert.value),
    });
    if let Some(since) = alert.kept_since {
        doc["keepFiringSince"] = json!(rfc3339(since));
    }
    doc
}

/// A number as Go's `%e` with the shortest mantissa, as Prometheus prints values of alerts.
fn go_e(value: f64) -> String {
    if !value.is_finite() {
        return format_value(value);
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Pending and firing alerts.
pub async fn alerts(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let groups = app.alerting.groups();
    let all: Vec<Value> =
        groups.iter().flat_map(|g| &g.rules).flat_map(|r| &r.alerts).map(alert).collect();
    Ok(document(&json!({ "alerts": all })))
}

#[cfg(test)]
mod tests {
    use super::go_e;

    #[test]
    fn values_of_alerts_are_printed_as_go_does() {
        assert_eq!(go_e(1.0), "1e+00");
        assert_eq!(go_e(0.93), "9.3e-01");
        assert_eq!(go_e(f64::NAN), "NaN");
    }
}
