//! `/api/v1/rules` and `/api/v1/alerts`.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::{Alert, GroupView, Health, RuleView, payload::rfc3339};
use plimsoll_model::Matcher;
use plimsoll_query::format_value;
use serde_json::{Value, json};

use super::labels::matchers_of;
use crate::app::App;
use crate::params::Params;
use crate::reply::{Failure, document};
use crate::routes::Call;

/// All groups with their rules; `type=alert|record`, `rule_name[]`, `rule_group[]`, `file[]` and
/// `match[]` (on the rules' labels) filter, `exclude_alerts` leaves the alerts out, `group_limit` and
/// `group_next_token` give one page after the other.
pub async fn rules(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let asked = Asked::read(&call.params)?;
    let groups = app.alerting.groups();
    let first = match &asked.from {
        None => 0,
        Some(token) => groups.iter().position(|g| token_of(g) == *token).ok_or_else(|| {
            let message = format!("invalid group_next_token '{token}'. were rule groups changed?");
            Failure::parameter("group_next_token", message)
        })?,
    };
    let (mut out, mut next) = (Vec::new(), None);
    for group in &groups[first..] {
        if !asked.wants_group(group) {
            continue;
        }
        let rules: Vec<Value> = group
            .rules
            .iter()
            .filter(|r| asked.wants(r))
            .map(|r| rule(r, asked.exclude_alerts))
            .collect();
        if rules.is_empty() && asked.filters_rules() {
            continue;
        }
        if asked.limit.is_some_and(|limit| out.len() >= limit) {
            next = Some(token_of(group));
            break;
        }
        out.push(group_doc(group, rules));
    }
    let mut doc = json!({ "groups": out });
    if let Some(next) = next {
        doc["groupNextToken"] = json!(next);
    }
    Ok(document(&doc))
}

/// Names a group for who comes back for the next page.
fn token_of(group: &GroupView) -> String {
    let name = format!("{};{}", group.file, group.name);
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(name.as_bytes()))
}

/// What is asked for.
struct Asked {
    alerts: Option<bool>,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    /// Alternatives of matchers of labels.
    matchers: Vec<Vec<Matcher>>,
    exclude_alerts: bool,
    limit: Option<usize>,
    from: Option<String>,
}

impl Asked {
    fn read(params: &Params) -> Result<Self, Failure> {
        let alerts = match params.get("type") {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                return Err(Failure::parameter("type", format!("not supported value {other:?}")));
            }
        };
        let exclude_alerts = match params.get("exclude_alerts") {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
            Some(other) => {
                let message =
                    format!("error converting exclude_alerts: {other:?} is not a boolean");
                return Err(Failure::parameter("exclude_alerts", message));
            }
        };
        let limit = match params.get("group_limit").map(str::parse::<usize>) {
            None => None,
            Some(Ok(n)) if n > 0 => Some(n),
            Some(_) => {
                let message = "group_limit needs to be a number above 0";
                return Err(Failure::parameter("group_limit", message));
            }
        };
        let from = params.get("group_next_token").map(str::to_owned);
        if from.is_some() && limit.is_none() {
            let message = "group_limit needs to be present in order to paginate over the groups";
            return Err(Failure::parameter("group_limit", message));
        }
        let list = |name| params.all(name).map(str::to_owned).collect::<Vec<_>>();
        let matchers = params.all("match[]").map(|text| matchers_of("match[]", text));
        Ok(Self {
            alerts,
            names: list("rule_name[]"),
            groups: list("rule_group[]"),
            files: list("file[]"),
            matchers: matchers.collect::<Result<_, _>>()?,
            exclude_alerts,
            limit,
            from,
        })
    }

    fn wants_group(&self, group: &GroupView) -> bool {
        let allowed = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        allowed(&self.groups, &group.name) && allowed(&self.files, &group.file)
    }

    fn wants(&self, rule: &RuleView) -> bool {
        let value = |m: &Matcher| {
            let found = rule.labels.iter().find(|(n, _)| n == m.name());
            m.matches(found.map_or("", |(_, v)| v))
        };
        let labelled = self.matchers.iter().any(|set| set.iter().all(value));
        self.alerts.is_none_or(|w| w == rule.is_alert)
            && (self.names.is_empty() || self.names.contains(&rule.name))
            && (self.matchers.is_empty() || labelled)
    }

    const fn filters_rules(&self) -> bool {
        self.alerts.is_some() || !self.names.is_empty() || !self.matchers.is_empty()
    }
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

fn rule(rule: &RuleView, exclude_alerts: bool) -> Value {
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
        if rule.shadow {
            doc["mode"] = json!("shadow");
        }
        // What Prometheus has is as Prometheus shows it, without keys of ours.
        if rule.kind != "expression" {
            doc["kind"] = json!(rule.kind);
        }
        if rule.health == Health::NoData {
            doc["noData"] = json!(true);
        }
        doc["state"] = json!(rule.state.as_str());
        doc["duration"] = json!(rule.for_ms as f64 / 1e3);
        doc["keepFiringFor"] = json!(rule.keep_firing_for_ms as f64 / 1e3);
        doc["annotations"] = Value::Object(annotations);
        if !exclude_alerts {
            doc["alerts"] = rule.alerts.iter().map(alert).collect();
        }
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

/// Pending and firing alerts; those of rules in the shadow only `/api/v1/rules` shows.
pub async fn alerts(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let groups = app.alerting.groups();
    let rules = groups.iter().flat_map(|g| &g.rules);
    let all: Vec<Value> = rules.filter(|r| !r.shadow).flat_map(|r| &r.alerts).map(alert).collect();
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
