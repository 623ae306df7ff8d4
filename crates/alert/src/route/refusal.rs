//! What is taken back when a message is refused for good: its group's next look tells it anew, as
//! Alertmanager does. Only the integration that refused hears again what was over.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;

use super::Router;
use super::groups::{Group, Notification};
use super::log::Told;
use super::notices::Notice;

/// Messages that are on their way and whose failure is taken back.
const UNDO_MAX: usize = 10_000;

/// What to take back when a message cannot be delivered: its group was not told after all.
#[derive(Debug)]
pub struct Undo {
    id: String,
    /// The group as it is made anew when it is gone: without alerts.
    group: Group,
    integration: String,
    before: Option<Told>,
    resolved: Vec<Notice>,
}

impl Router {
    /// Keeps what a message of `group` takes back when it is refused; `before` is what was told before.
    pub(super) fn remember(
        &mut self,
        key: String,
        message: &Notification,
        before: Option<Told>,
        group: &Group,
    ) {
        if self.undo.len() >= UNDO_MAX {
            return;
        }
        let over = |n: &&Notice| n.ends_at.is_some();
        let group = Group {
            route: group.route.clone(),
            receiver: group.receiver.clone(),
            labels: group.labels.clone(),
            alerts: BTreeSet::new(),
            next_at: group.next_at,
            begun: true,
            told: BTreeMap::new(),
            collects: group.collects,
        };
        let undo = Undo {
            id: message.group_id.clone(),
            group,
            integration: message.integration.clone(),
            before,
            resolved: message.alerts.iter().filter(over).cloned().collect(),
        };
        self.undo.insert(key, undo);
    }

    /// A message has arrived.
    pub fn delivered(&mut self, key: &str) {
        self.undo.remove(key);
    }

    /// A message was refused for good. What was over comes back into its group.
    pub fn refused(&mut self, key: &str, now: Timestamp) {
        let Some(undo) = self.undo.remove(key) else { return self.unknown_refused(key) };
        let Undo { id, group, integration, before, resolved } = undo;
        for later in self.undo.values_mut() {
            let same = later.id == id && later.integration == integration;
            if same && later.before.as_ref().is_some_and(|t| t.key == key) {
                later.before.clone_from(&before);
            }
        }
        let was_told =
            |n: &Notice| before.as_ref().is_some_and(|t| t.firing.contains(&n.fingerprint()));
        let again: Vec<Notice> = resolved.into_iter().filter(was_told).collect();
        self.bring_back(&id, group, &integration, again, now);
        let Some(group) = self.groups.get_mut(&id) else { return };
        let current = group.told.get(&integration);
        if current.is_some_and(|t| t.key != key) {
            return;
        }
        match before {
            Some(before) => _ = group.told.insert(integration, before),
            None => _ = group.told.remove(&integration),
        }
        self.changed.groups.insert(id);
    }

    /// Puts alerts that are over back into the group `id` that one integration has to hear of again,
    /// opening it as `empty` when it is closed. Not into other groups: they told it.
    fn bring_back(
        &mut self,
        id: &str,
        empty: Group,
        integration: &str,
        alerts: Vec<Notice>,
        now: Timestamp,
    ) {
        let route = self.routing.routes.iter().find(|r| r.id == empty.route);
        let Some(route) = route.filter(|r| r.receiver == empty.receiver) else { return };
        // It goes on in its rhythm instead of trying again at once.
        let next_at = now + route.group_interval_ms;
        for notice in alerts {
            let fp = notice.fingerprint();
            match self.notices.get(fp) {
                // It fires again; its groups know.
                Some(known) if !known.is_resolved(now) => continue,
                Some(_) => {}
                None => {
                    self.inhibitor.put(fp, &notice);
                    self.notices.restore(notice);
                    self.changed.notices.insert(fp);
                }
            }
            let group = self
                .groups
                .entry(id.to_owned())
                .or_insert_with(|| Group { next_at, ..empty.clone() });
            if group.alerts.insert(fp) {
                self.homes.entry(fp).or_default().push(id.to_owned());
                let others = group.told.iter_mut().filter(|(name, _)| *name != integration);
                for (_, told) in others {
                    told.resolved.insert(fp);
                }
            }
            self.changed.groups.insert(id.to_owned());
        }
    }

    /// A message of before a restart was refused for good: its group has told nothing.
    fn unknown_refused(&mut self, key: &str) {
        for (id, group) in &mut self.groups {
            let before = group.told.len();
            group.told.retain(|_, told| told.key != key);
            if group.told.len() < before {
                self.changed.groups.insert(id.clone());
            }
        }
    }
}
