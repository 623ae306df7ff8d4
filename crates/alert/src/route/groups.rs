//! Groups of alerts: when each is due, and what it tells to whom then.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::log::{Told, is_news};
use super::matching::labels_shown;
use super::notices::{Notice, message_order};
use super::tree::Route;
use crate::config::receivers::Receiver;

/// A group, as it is kept in records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The name of its route.
    pub route: String,
    /// Its receiver; with another one it is another group.
    pub receiver: String,
    /// The labels that made it.
    pub labels: BTreeMap<String, String>,
    /// Its alerts, by fingerprint.
    pub alerts: BTreeSet<u64>,
    /// When it is looked at next, ms since the epoch.
    pub next_at: Timestamp,
    /// Whether it was looked at before.
    pub begun: bool,
    /// What it told last, by integration.
    pub told: BTreeMap<String, Told>,
    /// Whether it gathers alerts of its route for which there was no room for a group of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub collects: bool,
}

/// A message that is due for one integration.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// To whom.
    pub receiver: String,
    /// By which of the receiver's integrations: `webhook/0`.
    pub integration: String,
    /// The group: `{}:{alertname="X"}`.
    pub group_key: String,
    /// The name of the group in the router.
    pub group_id: String,
    /// The labels that made the group.
    pub group_labels: BTreeMap<String, String>,
    /// Firing alerts and those that are over, in Alertmanager's order. Those that are over have
    /// `ends_at` at or before `at`; the others have none.
    pub alerts: Vec<Notice>,
    /// When it was decided, ms since the epoch.
    pub at: Timestamp,
    /// Names this decision; the same over all attempts to deliver it.
    pub key: String,
    /// Since when the alerts that fire were told, if they were: this message says it again.
    pub is_repeat: bool,
}

impl Notification {
    /// Whether any of its alerts fires.
    pub fn is_firing(&self) -> bool {
        self.alerts.iter().any(|a| a.ends_at.is_none())
    }
}

/// The name of a group.
pub fn group_id(route: &Route, labels: &BTreeMap<String, String>) -> String {
    format!("{}:{}", route.id, labels_shown(labels))
}

/// What one look at a group gave.
pub struct Looked {
    /// Messages, one for each integration that has to hear something.
    pub messages: Vec<Notification>,
    /// What each of those had been told before, by the key of the message.
    pub before: Vec<(String, Option<Told>)>,
}

impl Group {
    /// Decides what to tell of `alerts`, which nothing mutes, and takes note of it.
    pub fn tell(
        &mut self,
        id: &str,
        route: &Route,
        receiver: &Receiver,
        mut alerts: Vec<Notice>,
        now: Timestamp,
    ) -> Looked {
        let mut looked = Looked { messages: Vec::new(), before: Vec::new() };
        if alerts.is_empty() {
            return looked;
        }
        for alert in alerts.iter_mut().filter(|a| !a.is_resolved(now)) {
            // What fires has no end in a message, so that none comes while time goes on.
            alert.ends_at = None;
        }
        alerts.sort_by(message_order);
        let of = |over: bool| -> BTreeSet<u64> {
            alerts.iter().filter(|a| a.ends_at.is_some() == over).map(Notice::fingerprint).collect()
        };
        let (firing, resolved) = (of(false), of(true));
        // Somebody takes care of all that fires: it is not said again and again.
        let is_cared_for = alerts.iter().all(|a| a.ends_at.is_some() || a.acknowledged.is_some());
        let repeat = (!is_cared_for).then_some(route.repeat_interval_ms);
        for integration in &receiver.integrations {
            let name = integration.name();
            let told = self.told.get(&name);
            let sends = integration.send_resolved;
            if !is_news(told, &firing, &resolved, sends, repeat, now) {
                continue;
            }
            let is_repeat = told.is_some_and(|t| t.firing == firing && !firing.is_empty());
            let key = key(id, &name, &alerts, now);
            let new = Told {
                at: now,
                key: key.clone(),
                firing: firing.clone(),
                resolved: resolved.clone(),
            };
            let before = self.told.insert(name.clone(), new);
            let heard: Vec<Notice> =
                alerts.iter().filter(|a| sends || a.ends_at.is_none()).cloned().collect();
            if heard.is_empty() {
                continue;
            }
            looked.before.push((key.clone(), before));
            looked.messages.push(Notification {
                receiver: receiver.name.clone(),
                integration: name,
                group_key: format!("{}:{}", route.key, labels_shown(&self.labels)),
                group_id: id.to_owned(),
                group_labels: self.labels.clone(),
                alerts: heard,
                at: now,
                key,
                is_repeat,
            });
        }
        looked
    }

    /// Forgets an alert that is over.
    pub fn remove(&mut self, fp: u64) {
        self.alerts.remove(&fp);
        for told in self.told.values_mut() {
            told.firing.remove(&fp);
            told.resolved.remove(&fp);
        }
    }
}

fn key(id: &str, integration: &str, alerts: &[Notice], now: Timestamp) -> String {
    let mut text = format!("{id}\n{integration}\n{now}\n");
    for alert in alerts {
        text.push_str(&format!("{:016x} {:?}\n", alert.fingerprint(), alert.ends_at));
    }
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
}
