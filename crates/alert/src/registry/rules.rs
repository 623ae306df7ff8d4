//! The rules that thresholds make: two alerts for each entry of which people set some.

use plimsoll_model::written::Problem;
use plimsoll_query::{Features, format_duration};
use serde_json::{Map, Value, json};

use super::{Direction, FOR_MS, Marks, Metric, Source};
use crate::rules::{Group, read_rules};

/// The name under which these rules appear as a file.
pub const REGISTRY_FILE: &str = "(metric registry)";

/// The rules of all entries whose thresholds people set, a group each, and what is wrong with those that have none.
pub fn groups(
    metrics: &[Metric],
    interval_ms: i64,
    features: &Features,
) -> (Vec<Group>, Vec<Problem>) {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for metric in metrics {
        let Some(text) = text(metric, metrics) else { continue };
        match read_rules(REGISTRY_FILE, &text, interval_ms, features) {
            Ok(group) => groups.extend(group),
            Err(mut wrong) => problems.append(&mut wrong),
        }
    }
    (groups, problems)
}

/// The rule file of an entry as JSON, which is YAML; `None` when it makes no rules.
pub fn text(metric: &Metric, all: &[Metric]) -> Option<String> {
    let marks = metric.marks.as_ref().filter(|m| m.source != Source::Default)?;
    let levels = [("critical", marks.critical), ("warning", marks.warning)];
    let rules: Vec<Value> = levels
        .into_iter()
        .filter_map(|(severity, mark)| Some(rule(metric, marks, severity, mark?, all)))
        .collect();
    if rules.is_empty() {
        return None;
    }
    let group = json!({ "name": metric.subject.id, "rules": rules });
    Some(json!({ "groups": [group] }).to_string())
}

fn rule(metric: &Metric, marks: &Marks, severity: &str, mark: f64, all: &[Metric]) -> Value {
    let compared = format!("({}) {} {mark}", metric.compared, marks.direction.operator());
    let mut labels = Map::from_iter([("severity".to_owned(), json!(severity))]);
    if let Some(owner) = &metric.owner {
        labels.insert("owner".to_owned(), json!(literal(owner)));
    }
    let side = match marks.direction {
        Direction::Above => "above",
        Direction::Below => "below",
    };
    let unit = metric.unit.as_deref().unwrap_or_default();
    let what = literal(&metric.subject.id);
    let mut annotations = Map::from_iter([
        (
            "summary".to_owned(),
            json!(format!(
                "{{{{ with $labels.instance }}}}{{{{ . }}}}: {{{{ end }}}}{what} is {}, {side} the {severity} threshold {}",
                value(unit),
                shown(mark, unit),
            )),
        ),
        ("threshold".to_owned(), json!(mark.to_string())),
        ("threshold_source".to_owned(), json!(marks.source.as_str())),
        ("metric".to_owned(), json!(what)),
    ]);
    for (name, text) in [("description", &metric.help), ("runbook_url", &metric.runbook)] {
        if let Some(text) = text.as_ref().filter(|t| !t.is_empty()) {
            annotations.insert(name.to_owned(), json!(literal(text)));
        }
    }
    if let Some(baseline) = marks.baseline {
        annotations.insert("baseline".to_owned(), json!(shown(baseline, unit)));
    }
    json!({
        "alert": format!("threshold:{}", metric.subject.metric),
        "expr": format!("{compared}{}", without_narrower(metric, all)),
        "for": format_duration(metric.for_ms.unwrap_or(FOR_MS)),
        "labels": labels,
        "annotations": annotations,
    })
}

/// What leaves out the series that an entry with matchers has thresholds of its own for.
fn without_narrower(metric: &Metric, all: &[Metric]) -> String {
    if !metric.subject.matchers.is_empty() {
        return String::new();
    }
    let narrower = all.iter().filter(|m| {
        let of_people = m.marks.as_ref().is_some_and(|m| m.source != Source::Default);
        of_people && m.is_narrower && m.subject.metric == metric.subject.metric
    });
    narrower.map(|m| format!(" unless ({})", m.compared)).collect()
}

/// A text that no template reads anything into.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

/// The value of an alert in a text for people.
fn value(unit: &str) -> &'static str {
    match unit {
        "ratio" => "{{ $value | humanizePercentage }}",
        "bytes" => "{{ $value | humanize1024 }}B",
        "seconds" => "{{ $value | humanizeDuration }}",
        _ => "{{ $value | humanize }}",
    }
}

/// A threshold in a text for people.
fn shown(mark: f64, unit: &str) -> String {
    match unit {
        "ratio" => format!("{{{{ {mark:?} | humanizePercentage }}}}"),
        "bytes" => format!("{{{{ {mark:?} | humanize1024 }}}}B"),
        "seconds" => format!("{{{{ {mark:?} | humanizeDuration }}}}"),
        _ => mark.to_string(),
    }
}
