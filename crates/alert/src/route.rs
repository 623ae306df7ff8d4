//! Who is told what, when.
//!
//! Alerts that agree on the route's `group_by` labels are one group and one message. A new group
//! waits `group_wait`; what joins later waits for the next tick of `group_interval`; a message that
//! would say nothing new is sent only after `repeat_interval`. Resolved alerts are told once; one that
//! was over before its group's first message is never told. Pure: the caller owns clock and sending.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::{Alert, AlertState, Transition};

pub mod payload;

/// Groups that may be open at once; at the bound a new alert goes into the group of all others.
const GROUPS_MAX: usize = 10_000;
/// The key of the group of all others.
const OTHERS: &str = "{}:{}";

/// Where alerts go and how they are gathered. Times in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The receiver's name.
    pub receiver: String,
    /// Labels by which alerts are gathered; `...` alone means by all.
    pub group_by: Vec<String>,
    /// How long a new group waits for more.
    pub group_wait_ms: i64,
    /// Time between messages of a group that changed.
    pub group_interval_ms: i64,
    /// Time after which an unchanged group is told again.
    pub repeat_interval_ms: i64,
}

/// What the router is told.
pub enum RouterEvent<'e> {
    /// An alert took a step.
    Moved(&'e Transition),
    /// An alert goes on firing; its value and annotations may have changed.
    StillFiring(&'e Alert),
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// To whom.
    pub receiver: String,
    /// The group: `{}:{alertname="X"}`.
    pub group_key: String,
    /// The labels that made the group.
    pub group_labels: BTreeMap<String, String>,
    /// Firing and newly resolved alerts, by labels.
    pub alerts: Vec<Alert>,
    /// Names this decision; the same over all attempts to deliver it.
    pub key: String,
}

/// The groups that are open.
#[derive(Debug)]
pub struct Router {
    route: Route,
    groups: BTreeMap<String, Group>,
    changed: BTreeSet<String>,
}

/// One group, as it is kept in records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    labels: BTreeMap<String, String>,
    alerts: BTreeMap<String, Alert>,
    next_at: Timestamp,
    told: Option<Told>,
}

/// What the last message said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    firing: BTreeSet<String>,
}

impl Router {
    /// A router without groups.
    pub fn new(route: Route) -> Self {
        Self { route, groups: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// Takes another route; alerts that it gathers otherwise change their groups, with what was told.
    pub fn set_route(&mut self, route: Route) {
        let regroup = self.route.group_by != route.group_by;
        self.route = route;
        if regroup {
            for (key, group) in std::mem::take(&mut self.groups) {
                self.restore(key, group);
            }
        }
    }

    /// Puts back a group that [`Router::take_changed`] gave before a restart. Under another route its
    /// alerts go where they would be looked for now: left behind, nothing would ever end them.
    pub fn restore(&mut self, key: String, group: Group) {
        let Group { alerts, next_at, told, .. } = group;
        for (name, alert) in alerts {
            let (to, labels) = self.group_of(&alert);
            let new = || Group { labels, alerts: BTreeMap::new(), next_at, told: None };
            let target = self.groups.entry(to.clone()).or_insert_with(new);
            target.next_at = target.next_at.min(next_at);
            if let Some(told) = &told {
                let none = || Told { at: told.at, firing: BTreeSet::new() };
                let known = target.told.get_or_insert_with(none);
                known.firing.extend(told.firing.get(&name).cloned());
            }
            target.alerts.insert(name, alert);
            if to != key {
                self.changed.extend([to, key.clone()]);
            }
        }
    }

    /// The groups that changed since the last call; `None` = closed. To be kept in records.
    pub fn take_changed(&mut self) -> Vec<(String, Option<Group>)> {
        let keys = std::mem::take(&mut self.changed);
        keys.into_iter().map(|k| (self.groups.get(&k).cloned(), k)).map(|(g, k)| (k, g)).collect()
    }

    /// Takes note of an alert.
    pub fn observe(&mut self, now: Timestamp, event: &RouterEvent<'_>) {
        match event {
            RouterEvent::Moved(t) if t.to == AlertState::Firing => self.fires(now, &t.alert),
            RouterEvent::Moved(t)
                if t.from == AlertState::Firing && t.to == AlertState::Inactive =>
            {
                self.resolved(&t.alert);
            }
            RouterEvent::Moved(_) => {}
            RouterEvent::StillFiring(alert) => self.refresh(now, alert),
        }
    }

    fn fires(&mut self, now: Timestamp, alert: &Alert) {
        let (key, labels) = self.group_of(alert);
        let waits = self.route.group_wait_ms;
        // An alert that began long ago has waited enough: a restart must not make it wait again.
        let waited = alert.fired_at.is_some_and(|at| now - at > waits);
        let next_at = if waited { now } else { now + waits };
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            labels,
            alerts: BTreeMap::new(),
            next_at,
            told: None,
        });
        group.alerts.insert(alert.key(), alert.clone());
        self.changed.insert(key);
    }

    fn resolved(&mut self, alert: &Alert) {
        let (key, _) = self.group_of(alert);
        let Some(group) = self.groups.get_mut(&key) else { return };
        let name = alert.key();
        let was_told = group.told.as_ref().is_some_and(|t| t.firing.contains(&name));
        if was_told {
            group.alerts.insert(name, alert.clone());
        } else {
            group.alerts.remove(&name);
        }
        self.changed.insert(key.clone());
        self.close_if_empty(&key);
    }

    /// Keeps texts fresh, and finds alerts that fire without a group (their group was lost).
    fn refresh(&mut self, now: Timestamp, alert: &Alert) {
        let (key, _) = self.group_of(alert);
        match self.groups.get_mut(&key).and_then(|g| g.alerts.get_mut(&alert.key())) {
            Some(known) if known.state == AlertState::Firing => *known = alert.clone(),
            _ => self.fires(now, alert),
        }
    }

    fn group_of(&self, alert: &Alert) -> (String, BTreeMap<String, String>) {
        let by = &self.route.group_by;
        let all = by.iter().any(|l| l == "...");
        let wanted = |name: &String| all || by.contains(name);
        let mut labels: BTreeMap<String, String> = alert
            .labels
            .iter()
            .filter(|(n, _)| wanted(n))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let mut key = format!("{{}}:{}", crate::state::labels_of(&labels));
        let known = |g: &Group| g.alerts.contains_key(&alert.key());
        let full = self.groups.len() >= GROUPS_MAX || self.groups.get(OTHERS).is_some_and(known);
        if full && !self.groups.contains_key(&key) {
            labels.clear();
            OTHERS.clone_into(&mut key);
        }
        (key, labels)
    }

    /// What is due, and when to ask again.
    pub fn due(&mut self, now: Timestamp) -> (Vec<Notification>, Option<Timestamp>) {
        // Later than any wait: the clock was set back, and people must not wait until it caught up.
        let latest = now + self.route.group_wait_ms.max(self.route.group_interval_ms);
        for group in self.groups.values_mut() {
            group.next_at = group.next_at.min(latest);
        }
        let keys: Vec<String> =
            self.groups.iter().filter(|(_, g)| g.next_at <= now).map(|(k, _)| k.clone()).collect();
        let mut messages = Vec::new();
        for key in keys {
            self.changed.insert(key.clone());
            if let Some(group) = self.groups.get_mut(&key) {
                messages.extend(flush(&self.route, &key, group, now));
            }
            self.close_if_empty(&key);
        }
        (messages, self.groups.values().map(|g| g.next_at).min())
    }

    fn close_if_empty(&mut self, key: &str) {
        if self.groups.get(key).is_some_and(|g| g.alerts.is_empty()) {
            self.groups.remove(key);
        }
    }
}

fn flush(route: &Route, key: &str, group: &mut Group, now: Timestamp) -> Option<Notification> {
    group.next_at = now + route.group_interval_ms;
    let firing: BTreeSet<String> = group
        .alerts
        .iter()
        .filter(|(_, a)| a.state == AlertState::Firing)
        .map(|(k, _)| k.clone())
        .collect();
    let resolved = group.alerts.len() - firing.len();
    let wanted = match &group.told {
        None => !firing.is_empty(),
        Some(told) => {
            let repeat = !firing.is_empty() && now - told.at >= route.repeat_interval_ms;
            resolved > 0 || repeat || firing.iter().any(|k| !told.firing.contains(k))
        }
    };
    if !wanted {
        return None;
    }
    let alerts: Vec<Alert> = group.alerts.values().cloned().collect();
    group.alerts.retain(|k, _| firing.contains(k));
    group.told = Some(Told { at: now, firing });
    let hash = xxhash_rust::xxh3::xxh3_128(
        format!("{}\n{key}\n{now}\n{alerts:?}", route.receiver).as_bytes(),
    );
    Some(Notification {
        receiver: route.receiver.clone(),
        group_key: key.to_owned(),
        group_labels: group.labels.clone(),
        alerts,
        key: format!("{hash:032x}"),
    })
}

#[cfg(test)]
mod tests;
