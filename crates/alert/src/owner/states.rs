//! States of rules between evaluations and across restarts: how they come back, and what of them is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Event};

use super::{Alerting, Running, parts};
use crate::history::{Origin, RuleName};
use crate::rules::{Group, Rule, SHADOW};
use crate::state::{Alert, AlertState, RuleState, Transition};

/// Kind of the documents that hold the states of a group's rules.
pub const RULE_STATE: &str = "rule_state";
/// Kind of the events that hold transitions.
const TRANSITION: &str = "alert_transition";
/// Kind of the events that hold transitions of rules in the shadow.
const SHADOW_TRANSITION: &str = "shadow_transition";

impl Alerting {
    /// Ends episodes of own rules whose alerts no rule knows any more: something was not written down.
    pub(super) fn end_orphans(&self) {
        let rules = self.rules.lock();
        let mut keys = BTreeSet::new();
        for running in &rules.groups {
            let group = running.group.key();
            for (key, state) in running.states.iter().filter(|(key, _)| !key.starts_with(SHADOW)) {
                let origin = Origin { key: origin_key(&group, key), ..Origin::default() };
                keys.extend(state.active.keys().map(|name| origin.alert_key(name)));
            }
        }
        self.desk.lock().history.retain_own(&keys, self.now());
    }

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
        let old = old.unwrap_or_else(|| {
            let (states, parts) = self.stored_states(&group.key());
            let (kept, group) = (String::new(), group.clone());
            Running { group, states, kept, parts, next_mono: now, last_at: None }
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
            parts: old.parts,
            states,
            group,
        };
        (running, before)
    }

    /// The states that records hold of a group, and in how many parts.
    fn stored_states(&self, key: &str) -> (BTreeMap<String, RuleState>, usize) {
        parts::load(&*self.setup.records, key).unwrap_or_else(|e| {
            tracing::error!(group = key, error = %e, "rule states cannot be read");
            (BTreeMap::new(), 0)
        })
    }
}

/// A group of which records know states and the configuration nothing: its alerts end at the start.
pub fn orphan(id: &str, states: BTreeMap<String, RuleState>, parts: usize) -> Option<Running> {
    let (file, name) = id.split_once(';')?;
    let group = Group {
        file: file.to_owned(),
        name: name.to_owned(),
        interval_ms: 1,
        limit: 0,
        offset_ms: 0,
        rules: Vec::new(),
    };
    let (kept, next_mono) = (String::new(), Duration::ZERO);
    Some(Running { group, states, kept, parts, next_mono, last_at: None })
}

pub fn end(mut alert: Alert, at: Timestamp) -> Transition {
    let from = std::mem::replace(&mut alert.state, AlertState::Inactive);
    alert.resolved_at = (from == AlertState::Firing).then_some(at);
    Transition { at, from, to: AlertState::Inactive, alert }
}

/// Writes the states of a group when something in them changed that a restart must know: not values.
pub fn rule_state_changes(running: &mut Running, now: Timestamp) -> Vec<Change> {
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
        return Vec::new();
    }
    let key = running.group.key();
    let Ok((changes, parts)) = parts::changes(&running.states, &key, running.parts, now) else {
        return Vec::new();
    };
    (running.kept, running.parts) = (essence, parts);
    changes
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

/// The name of a rule among all, now and after a restart.
fn origin_key(group: &str, rule: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(format!("{group}\n{rule}").as_bytes())
}

/// A rule as its alerts name it; `key` is its name in its group.
pub fn origin(group: &Group, rule: &Rule, key: &str) -> Origin {
    Origin {
        rule: RuleName {
            file: group.file.clone(),
            group: group.name.clone(),
            name: rule.name.clone(),
        },
        key: origin_key(&group.key(), key),
        kind: rule.kind_name().to_owned(),
        expr: rule.query.text().to_owned(),
    }
}

/// States of rules that are gone from a group, with as much as is known of those rules.
pub fn with_origins(
    group: &str,
    states: BTreeMap<String, RuleState>,
) -> impl Iterator<Item = (String, Origin, RuleState)> {
    states.into_iter().map(move |(key, state)| {
        let origin = Origin { key: origin_key(group, &key), ..Origin::default() };
        (key, origin, state)
    })
}
