//! States of rules between evaluations and across restarts: how they come back, and what of them is written.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_model::Timestamp;
use plimsoll_records::{BODY_BYTES_MAX, Change, Event};

use super::{Alerting, Running};
use crate::rules::Group;
use crate::state::{Alert, AlertState, RuleState, Transition};

/// Kind of the documents that hold the states of a group's rules.
pub const RULE_STATE: &str = "rule_state";
/// Kind of the events that hold transitions.
const TRANSITION: &str = "alert_transition";
/// Kind of the events that hold transitions of rules in the shadow.
const SHADOW_TRANSITION: &str = "shadow_transition";

impl Alerting {
    /// A group with the states that its rules had; and the states of rules that are gone, by key.
    pub(super) fn running(
        &self,
        mut group: Group,
        old: Option<Running>,
        now: Duration,
    ) -> (Running, BTreeMap<String, RuleState>) {
        for rule in &mut group.rules {
            rule.each_query(|query| self.setup.engine.keep(query));
        }
        let old = old.unwrap_or_else(|| Running {
            states: self.stored_states(&group.key()),
            group: group.clone(),
            kept: String::new(),
            next_mono: now,
            last_at: None,
        });
        let mut before = old.states;
        let mut states = BTreeMap::new();
        for key in group.rule_keys() {
            let state = before.remove(&key).unwrap_or_default();
            states.insert(key, state);
        }
        let last = states.values().filter_map(|s| s.last_at).max();
        let running = Running {
            next_mono: old.next_mono.min(now + Duration::from_millis(group.interval_ms as u64)),
            last_at: old.last_at.or(last),
            kept: old.kept,
            states,
            group,
        };
        (running, before)
    }

    fn stored_states(&self, key: &str) -> BTreeMap<String, RuleState> {
        match self.setup.records.document(RULE_STATE, key) {
            Ok(Some(document)) => serde_json::from_str(&document.body).unwrap_or_else(|e| {
                tracing::warn!(group = key, error = %e, "rule states not readable; they start anew");
                BTreeMap::new()
            }),
            Ok(None) => BTreeMap::new(),
            Err(e) => {
                tracing::error!(group = key, error = %e, "rule states cannot be read");
                BTreeMap::new()
            }
        }
    }
}

/// A group of which records know states and the configuration nothing: its alerts end at the start.
pub fn orphan(id: &str, body: &str) -> Option<Running> {
    let (file, name) = id.split_once(';')?;
    let group = Group {
        file: file.to_owned(),
        name: name.to_owned(),
        interval_ms: 1,
        limit: 0,
        offset_ms: 0,
        rules: Vec::new(),
    };
    let states = serde_json::from_str(body).unwrap_or_default();
    let (kept, next_mono) = (String::new(), Duration::ZERO);
    Some(Running { group, states, kept, next_mono, last_at: None })
}

pub fn end(mut alert: Alert, at: Timestamp) -> Transition {
    let from = std::mem::replace(&mut alert.state, AlertState::Inactive);
    alert.resolved_at = (from == AlertState::Firing).then_some(at);
    Transition { at, from, to: AlertState::Inactive, alert }
}

/// Writes the states of a group when something in them changed that a restart must know: not values.
pub fn rule_state_change(running: &mut Running, now: Timestamp) -> Option<Change> {
    let essence: Vec<_> = running
        .states
        .iter()
        .map(|(key, s)| {
            let active: Vec<_> = s
                .active
                .iter()
                .map(|(k, a)| (k, a.state as u8, a.active_at, a.kept_since))
                .collect();
            let masked: Vec<_> = s.masked.iter().map(|(k, a)| (k, a.kept_since)).collect();
            (key, active, masked, &s.written)
        })
        .collect();
    let essence = format!("{essence:?}");
    if essence == running.kept {
        return None;
    }
    let mut body = serde_json::to_string(&running.states).ok()?;
    if body.len() > BODY_BYTES_MAX {
        // The alerts matter; without the list a few recorded series end late after a restart.
        let mut states = running.states.clone();
        states.values_mut().for_each(|s| s.written.clear());
        body = serde_json::to_string(&states).ok()?;
    }
    running.kept = essence;
    Some(put(RULE_STATE.to_owned(), running.group.key(), now, body))
}

pub fn put(kind: String, id: String, time_ms: Timestamp, body: String) -> Change {
    Change::Put { kind, id, time_ms, author: "alerting".to_owned(), body, expected: None, keep: 1 }
}

pub fn event(transition: &Transition, shadow: bool) -> Change {
    Change::Append(Event {
        seq: 0,
        time_ms: transition.at,
        kind: if shadow { SHADOW_TRANSITION } else { TRANSITION }.to_owned(),
        subject: transition.alert.key(),
        body: serde_json::to_string(transition).unwrap_or_default(),
    })
}
