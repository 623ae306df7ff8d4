//! What of the router survives a restart, and how it comes back.

use std::collections::BTreeMap;

use plimsoll_model::{HOUR_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::groups::Group;
use super::log::Told;
use super::notices::Notice;
use super::silences::{Silence, SilenceError};
use super::{Router, Routing};
use crate::state::{Alert, AlertState};

/// The longest time that an alert is given at a restart for its next word, ms: four times 15 minutes, as a
/// Prometheus gives alerts of a rule that is evaluated so seldom. Who tells an end further ahead means it.
const NEXT_WORD_MS_MAX: i64 = HOUR_MS;

/// Something of the router that changed; `None` = it is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// An alert, by its fingerprint in 16 hexadecimal digits.
    Notice(String, Option<Notice>),
    /// A group, by its name.
    Group(String, Option<Group>),
    /// A silence, by its id.
    Silence(String, Option<Silence>),
}

/// A group as it was kept before there were alerts of others: with its alerts in it.
#[derive(Deserialize)]
pub struct EarlierGroup {
    labels: BTreeMap<String, String>,
    alerts: BTreeMap<String, Alert>,
    next_at: Timestamp,
    told: Option<EarlierTold>,
}

#[derive(Serialize, Deserialize)]
struct EarlierTold {
    at: Timestamp,
    firing: std::collections::BTreeSet<String>,
}

impl Router {
    /// Everything that changed since the last call.
    pub fn take_changed(&mut self) -> Vec<Kept> {
        let changed = std::mem::take(&mut self.changed);
        let notices = changed
            .notices
            .into_iter()
            .map(|fp| Kept::Notice(format!("{fp:016x}"), self.notices.get(fp).cloned()));
        let groups = changed
            .groups
            .into_iter()
            .map(|id| Kept::Group(id.clone(), self.groups.get(&id).cloned()));
        let silences = changed
            .silences
            .into_iter()
            .map(|id| Kept::Silence(id.clone(), self.silences.get(&id).cloned()));
        notices.chain(groups).chain(silences).collect()
    }

    /// Puts an alert back. One that had not ended is given the time that it would have had from its last
    /// word, at most [`NEXT_WORD_MS_MAX`]: who raised it could not reach this server while it was down. One of an own rule has
    /// `grace_ms`: by then its rule is evaluated.
    pub fn restore_notice(&mut self, mut notice: Notice, grace_ms: i64, now: Timestamp) {
        match notice.ends_at {
            None => notice.ends_at = Some(now + grace_ms),
            Some(end) if end > notice.updated_at => {
                let given = end.saturating_sub(notice.updated_at).min(NEXT_WORD_MS_MAX);
                notice.ends_at = Some(end.max(now + given));
            }
            Some(_) => {}
        }
        let fp = notice.fingerprint();
        self.inhibitor.put(fp, &notice);
        self.notices.restore(notice);
    }

    /// Alerts of own rules are over after `grace_ms` unless their rules say again that they fire, in the
    /// same words: their labels may be others from now on.
    pub fn doubt_own(&mut self, grace_ms: i64, now: Timestamp) {
        self.notices.doubt_open(now + grace_ms);
    }

    /// Puts a group back; its alerts must be back already.
    pub fn restore_group(&mut self, id: String, mut group: Group) {
        group.alerts.retain(|fp| self.notices.get(*fp).is_some());
        for fp in &group.alerts {
            self.homes.entry(*fp).or_default().push(id.clone());
        }
        self.groups.insert(id, group);
    }

    /// Puts a silence back.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn restore_silence(&mut self, silence: Silence) -> Result<(), SilenceError> {
        self.silences.restore(silence)
    }

    /// Puts a group of an earlier version back, which had one route with one receiver.
    pub fn restore_earlier(
        &mut self,
        routing: &Routing,
        group: EarlierGroup,
        grace_ms: i64,
        now: Timestamp,
    ) {
        let route = &routing.routes[0];
        let mut told = BTreeMap::new();
        let mut alerts = std::collections::BTreeSet::new();
        for (name, alert) in &group.alerts {
            let notice = Notice {
                labels: alert.labels.clone(),
                annotations: alert.annotations.clone(),
                starts_at: alert.fired_at.unwrap_or(alert.active_at),
                ends_at: alert.resolved_at.filter(|_| alert.state != AlertState::Firing),
                updated_at: now,
                ..Notice::default()
            };
            let fp = notice.fingerprint();
            alerts.insert(fp);
            self.changed.notices.insert(fp);
            self.restore_notice(notice, grace_ms, now);
            let Some(heard) = group.told.as_ref().filter(|t| t.firing.contains(name)) else {
                continue;
            };
            for integration in
                routing.receiver(&route.receiver).into_iter().flat_map(|r| &r.integrations)
            {
                let entry: &mut Told = told.entry(integration.name()).or_default();
                entry.at = heard.at;
                entry.firing.insert(fp);
            }
        }
        let id = super::group_id(route, &group.labels);
        self.changed.groups.insert(id.clone());
        let group = Group {
            route: route.id.clone(),
            receiver: route.receiver.clone(),
            labels: group.labels,
            alerts,
            next_at: group.next_at,
            begun: group.told.is_some(),
            told,
            collects: false,
        };
        self.restore_group(id, group);
    }
}
