//! States of the rules of a group as records hold them: one document, or as many as they need.
//!
//! What is too large for one document is written without what the next evaluation gives anyway (texts, the
//! list of series written), and if that is not enough, split: a `for` that ran must not begin anew because
//! there are many alerts. The first part is the document of the group, the others are of a kind of their own.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use plimsoll_records::{BODY_BYTES_MAX, Change, Records};

use super::states::{RULE_STATE, put};
use crate::state::RuleState;

/// Kind of the documents that hold the other parts.
const RULE_STATE_PART: &str = "rule_state_part";
/// Room for what stands around the alerts of a part, bytes.
const AROUND_BYTES: usize = 4_096;

/// States by rule.
type States = BTreeMap<String, RuleState>;

/// Reads the states of a group, and in how many parts they are.
///
/// # Errors
/// The records cannot be read.
pub fn load(records: &dyn Records, group: &str) -> plimsoll_records::Result<(States, usize)> {
    let mut states = States::new();
    let mut parts = 0;
    while let Some(document) = records.document(kind(parts), &id(group, parts))? {
        parts += 1;
        match serde_json::from_str::<States>(&document.body) {
            Ok(part) => {
                for (rule, more) in part {
                    let state = states
                        .entry(rule)
                        .or_insert_with(|| RuleState { active: BTreeMap::new(), ..more.clone() });
                    state.active.extend(more.active);
                }
            }
            Err(e) => {
                tracing::warn!(group, error = %e, "rule states not readable; they start anew");
            }
        }
    }
    Ok((states, parts))
}

/// What writes the states of a group that is in `before` parts; and in how many it is then.
pub fn changes(
    states: &States,
    group: &str,
    before: usize,
    now: Timestamp,
) -> serde_json::Result<(Vec<Change>, usize)> {
    let bodies = bodies(states, BODY_BYTES_MAX)?;
    let after = bodies.len();
    let bodies = bodies.into_iter().enumerate();
    let mut changes: Vec<Change> =
        bodies.map(|(i, body)| put(kind(i).to_owned(), id(group, i), now, body)).collect();
    changes.extend((after..before).map(|i| remove(group, i)));
    Ok((changes, after))
}

/// What removes the states of a group that is in `parts` parts.
pub fn removal(group: &str, parts: usize) -> impl Iterator<Item = Change> {
    (0..parts.max(1)).map(move |i| remove(group, i))
}

fn remove(group: &str, part: usize) -> Change {
    Change::Remove { kind: kind(part).to_owned(), id: id(group, part) }
}

const fn kind(part: usize) -> &'static str {
    if part == 0 { RULE_STATE } else { RULE_STATE_PART }
}

fn id(group: &str, part: usize) -> String {
    if part == 0 { group.to_owned() } else { format!("{group};{part}") }
}

/// The parts as texts of at most `max` bytes, the first one first.
fn bodies(states: &States, max: usize) -> serde_json::Result<Vec<String>> {
    let whole = serde_json::to_string(states)?;
    if whole.len() <= max {
        return Ok(vec![whole]);
    }
    let mut less = states.clone();
    for state in less.values_mut() {
        state.written.clear();
        let alerts = state.active.values_mut().chain(state.masked.values_mut());
        alerts.for_each(|alert| alert.annotations.clear());
    }
    let whole = serde_json::to_string(&less)?;
    if whole.len() <= max {
        return Ok(vec![whole]);
    }
    let mut alerts = Vec::new();
    for (rule, state) in &mut less {
        alerts.extend(std::mem::take(&mut state.active).into_iter().map(|a| (rule.clone(), a)));
    }
    let mut parts = vec![less];
    let mut bytes = usize::MAX;
    for (rule, (name, alert)) in alerts {
        let size = serde_json::to_string(&alert)?.len() + 2 * name.len() + rule.len() + 256;
        if bytes.saturating_add(size) > max.saturating_sub(AROUND_BYTES) {
            parts.push(States::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.entry(rule).or_default().active.insert(name, alert);
        }
    }
    parts.iter().map(serde_json::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Alert;
    use plimsoll_records::SimRecords;

    fn states(n: usize) -> States {
        let alert = |i: usize| -> (String, Alert) {
            let text = serde_json::json!({
                "labels": {"alertname": "A", "i": i.to_string()}, "annotations": {"a": "x".repeat(50)},
                "state": "pending", "value": "1", "active_at": i, "fired_at": null,
                "resolved_at": null, "kept_since": null,
            });
            let alert: Alert = serde_json::from_value(text).unwrap();
            (alert.key(), alert)
        };
        let of = |from: usize| RuleState {
            active: (from..n).step_by(2).map(alert).collect(),
            last_at: Some(7),
            ..RuleState::default()
        };
        [("r;1".to_owned(), of(0)), ("s;2".to_owned(), of(1))].into()
    }

    #[test]
    fn what_is_too_large_loses_its_texts_first_and_no_alert_ever() {
        let full = states(100);
        let whole = serde_json::to_string(&full).unwrap().len();
        assert_eq!(bodies(&full, whole).unwrap().len(), 1);
        let lean = bodies(&full, whole - 1).unwrap();
        assert!(lean.len() == 1 && !lean[0].contains("xxx"));
        let split = bodies(&full, 12_000).unwrap();
        assert!(split.len() > 2 && split.iter().all(|b| b.len() <= 12_000), "{}", split.len());
    }

    #[test]
    fn parts_come_and_go_with_the_alerts() {
        let records = SimRecords::new();
        let many = states(40_000);
        let (changes_, parts) = changes(&many, "f;g", 0, 1).unwrap();
        assert!(parts > 2, "{parts}");
        records.apply(&changes_).unwrap();
        let (mut read, found) = load(&records, "f;g").unwrap();
        assert_eq!(found, parts);
        let mut expected = many.clone();
        for states in [&mut read, &mut expected] {
            for alert in states.values_mut().flat_map(|s| s.active.values_mut()) {
                alert.annotations.clear();
            }
        }
        assert_eq!(read, expected);
        let (changes_, fewer) = changes(&states(10), "f;g", parts, 2).unwrap();
        records.apply(&changes_).unwrap();
        assert_eq!((fewer, records.documents(RULE_STATE_PART).unwrap().len()), (1, 0));
        assert_eq!(load(&records, "f;g").unwrap(), (states(10), 1));
        records.apply(&removal("f;g", 1).collect::<Vec<_>>()).unwrap();
        assert_eq!(load(&records, "f;g").unwrap(), (States::new(), 0));
    }
}
