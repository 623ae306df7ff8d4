//! Who is told what, when: Alertmanager's router in virtual time.
//!
//! Alerts are put in; the tree of routes says to which groups they belong; each group is looked at after
//! `group_wait`, then every `group_interval`; what nothing mutes (inhibition, the calendar, silences) and
//! what is news for an integration becomes a [`Notification`]. The router knows no clock: its owner asks
//! [`Router::due`]. What a restart must know is given out by [`Router::take_changed`] and taken back by
//! the `restore_…` calls; nothing is told twice and no time is lost. Bounds: [`GROUPS_MAX`] groups (a new
//! alert then joins the group of all others of its route), [`NOTICES_MAX`] alerts, [`SILENCES_MAX`]
//! silences.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_model::Timestamp;

pub mod acknowledge;
pub mod calendar;
mod groups;
mod inhibition;
mod kept;
mod log;
pub mod matching;
mod notices;
pub mod packed;
pub mod payload;
mod refusal;
mod silences;
mod tree;
mod view;

pub use groups::{Group, Notification};
pub use inhibition::InhibitRule;
pub use kept::Kept;
pub use log::Told;
pub use notices::{NOTICES_MAX, Notice, Put, fingerprint};
pub use silences::{
    RETENTION_MS, SILENCES_MAX, Silence, SilenceError, SilenceMatcher, SilenceState,
    silence_matchers,
};
pub use tree::{GroupBy, Route, Routing};
pub use view::{GroupedView, NoticeView};

use groups::group_id;
use inhibition::Inhibitor;
use notices::Notices;
use refusal::Undo;
use silences::Silences;

/// Groups that may be open at once.
pub const GROUPS_MAX: usize = 10_000;
/// Bytes of the texts of all alerts together. At the bound others can post no new alert and no longer
/// texts; own alerts are taken all the same.
pub const NOTICE_BYTES_MAX: usize = 64 << 20;

/// The groups that are open, the alerts in them, and what mutes them.
#[derive(Debug)]
pub struct Router {
    routing: Arc<Routing>,
    notices: Notices,
    groups: BTreeMap<String, Group>,
    /// In which groups an alert is.
    homes: BTreeMap<u64, Vec<String>>,
    inhibitor: Inhibitor,
    silences: Silences,
    undo: BTreeMap<String, Undo>,
    heard: Vec<Heard>,
    changed: Changed,
    looked: Counts,
}

/// A group that was looked at, and its alerts that fire while nothing mutes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The name of the group.
    pub group: String,
    /// The labels that made it.
    pub labels: BTreeMap<String, String>,
    /// Its receiver.
    pub receiver: String,
    /// The alerts, by fingerprint; at least one.
    pub alerts: Vec<u64>,
}

/// What the router counts; since the start, except where it says now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Alerts that were refused because there are too many.
    pub refused: u64,
    /// Alerts that inhibition kept from being told, per look at a group.
    pub inhibited: u64,
    /// The same for silences.
    pub silenced: u64,
    /// Looks at groups that the calendar kept from telling.
    pub out_of_hours: u64,
}

#[derive(Debug, Default)]
struct Changed {
    notices: BTreeSet<u64>,
    groups: BTreeSet<String>,
    silences: BTreeSet<String>,
}

impl Router {
    /// A router without alerts.
    pub fn new(routing: Arc<Routing>) -> Self {
        let notices = Notices::default();
        Self {
            inhibitor: Inhibitor::new(&routing.inhibit_rules, &notices),
            routing,
            notices,
            groups: BTreeMap::new(),
            homes: BTreeMap::new(),
            silences: Silences::default(),
            undo: BTreeMap::new(),
            heard: Vec::new(),
            changed: Changed::default(),
            looked: Counts::default(),
        }
    }

    /// The configuration in force.
    pub const fn routing(&self) -> &Arc<Routing> {
        &self.routing
    }

    /// Takes another configuration. Groups that it has too go on as they are; alerts that it gathers
    /// otherwise change their groups, with what their receiver was told of them.
    pub fn set_routing(&mut self, routing: Arc<Routing>, now: Timestamp) {
        self.routing = routing;
        self.inhibitor = Inhibitor::new(&self.routing.inhibit_rules, &self.notices);
        let old = std::mem::take(&mut self.groups);
        self.homes.clear();
        self.changed.groups.extend(old.keys().cloned());
        let fps: Vec<u64> = self.notices.iter().map(|(fp, _)| fp).collect();
        for fp in fps {
            self.assign(fp, now, &old);
        }
        self.inherit(&old);
        let receivers = &self.routing.receivers;
        for group in self.groups.values_mut() {
            let known = receivers.iter().find(|r| r.name == group.receiver);
            let has =
                |name: &str| known.is_some_and(|r| r.integrations.iter().any(|i| i.name() == name));
            group.told.retain(|name, _| has(name));
        }
    }

    /// Tells new groups what their receivers heard through groups that are gone.
    fn inherit(&mut self, old: &BTreeMap<String, Group>) {
        let mut heard: BTreeMap<(&str, &str), Vec<&Told>> = BTreeMap::new();
        for (id, group) in old {
            if self.groups.get(id).is_some_and(|g| g.receiver == group.receiver) {
                continue;
            }
            for (name, told) in &group.told {
                heard.entry((&group.receiver, name)).or_default().push(told);
            }
        }
        for ((receiver, name), all) in heard {
            let new = self.groups.values_mut().filter(|g| g.receiver == receiver && !g.begun);
            for group in new {
                for told in &all {
                    let mine = |set: &BTreeSet<u64>| {
                        set.intersection(&group.alerts).copied().collect::<BTreeSet<u64>>()
                    };
                    let (firing, resolved) = (mine(&told.firing), mine(&told.resolved));
                    if firing.is_empty() && resolved.is_empty() {
                        continue;
                    }
                    let known = group.told.entry(name.to_owned()).or_default();
                    known.at = known.at.max(told.at);
                    known.firing.extend(firing);
                    known.resolved.extend(resolved);
                }
            }
        }
    }

    /// Takes note of an alert at `now`. One that is over and was never known is not news.
    pub fn put(&mut self, notice: Notice, now: Timestamp) -> Put {
        let fp = notice.fingerprint();
        let known = self.notices.get(fp).is_some();
        if !known && notice.is_resolved(now) {
            return Put::Same;
        }
        let put = self.notices.put(fp, notice, now);
        match put {
            Put::Refused => {
                self.looked.refused += 1;
                if self.looked.refused == 1 {
                    tracing::error!(limit = NOTICES_MAX, "too many alerts; new ones are refused");
                }
            }
            Put::New => {
                self.changed.notices.insert(fp);
                if let Some(notice) = self.notices.get(fp) {
                    self.inhibitor.put(fp, notice);
                }
                self.assign(fp, now, &BTreeMap::new());
            }
            Put::Changed => {
                self.changed.notices.insert(fp);
            }
            Put::Same => {}
        }
        if matches!(put, Put::Changed | Put::Same) {
            self.hasten(fp, now);
        }
        put
    }

    /// Takes note of an alert of others at `now`, within [`NOTICE_BYTES_MAX`].
    pub fn post(&mut self, mut notice: Notice, now: Timestamp) -> Put {
        let known = self.notices.get(notice.fingerprint());
        let (size, before) = (notice.bytes(), known.map_or(0, Notice::bytes));
        if size > before && self.notices.bytes() + size - before > NOTICE_BYTES_MAX {
            let Some(known) = known else {
                self.looked.refused += 1;
                return Put::Refused;
            };
            notice.annotations.clone_from(&known.annotations);
            notice.generator_url.clone_from(&known.generator_url);
        }
        self.put(notice, now)
    }

    /// An alert that began long ago has waited enough.
    fn hasten(&mut self, fp: u64, now: Timestamp) {
        let Some(notice) = self.notices.get(fp) else { return };
        for id in self.homes.get(&fp).into_iter().flatten() {
            let Some(group) = self.groups.get_mut(id).filter(|g| !g.begun) else { continue };
            let route = self.routing.routes.iter().find(|r| r.id == group.route);
            if route.is_some_and(|r| notice.starts_at + r.group_wait_ms < now)
                && group.next_at > now
            {
                group.next_at = now;
            }
        }
    }

    /// Puts an alert into the groups of all routes that take it. A group that is in `old` goes on.
    fn assign(&mut self, fp: u64, now: Timestamp, old: &BTreeMap<String, Group>) {
        let Some(notice) = self.notices.get(fp) else { return };
        let mut homes = Vec::new();
        let none = BTreeMap::new();
        for at in self.routing.matching(&notice.labels) {
            let route = &self.routing.routes[at];
            let mut labels = route.group_labels(&notice.labels);
            let mut id = group_id(route, &labels);
            let mut known = self.groups.contains_key(&id);
            let collecting = group_id(route, &none);
            let is_in =
                |g: &Group| g.collects && g.receiver == route.receiver && g.alerts.contains(&fp);
            // Where it was told it stays, also when there is room for a group of its own again.
            let is_collected = self.groups.get(&collecting).is_some_and(is_in)
                || old.get(&collecting).is_some_and(is_in);
            let collects = is_collected || (!known && self.groups.len() >= GROUPS_MAX);
            if collects {
                labels.clear();
                id = collecting;
                known = self.groups.contains_key(&id);
            }
            if !known {
                let goes_on = old.get(&id).filter(|g| g.receiver == route.receiver);
                let group = goes_on.map_or_else(
                    || Group {
                        route: route.id.clone(),
                        receiver: route.receiver.clone(),
                        labels,
                        alerts: BTreeSet::new(),
                        next_at: now + route.group_wait_ms,
                        begun: false,
                        told: BTreeMap::new(),
                        collects,
                    },
                    |g| Group { alerts: BTreeSet::new(), ..g.clone() },
                );
                self.groups.insert(id.clone(), group);
            }
            if let Some(group) = self.groups.get_mut(&id) {
                if !group.begun && notice.starts_at + route.group_wait_ms < now {
                    group.next_at = group.next_at.min(now);
                }
                if group.alerts.insert(fp) || !known {
                    self.changed.groups.insert(id.clone());
                }
            }
            homes.push(id);
        }
        self.homes.insert(fp, homes);
    }

    /// What is due, and when to ask again.
    pub fn due(&mut self, now: Timestamp) -> (Vec<Notification>, Option<Timestamp>) {
        self.changed.silences.extend(self.silences.collect(now));
        self.heard.clear();
        let mut messages = Vec::new();
        let routing = Arc::clone(&self.routing);
        let routes: BTreeMap<&str, &Route> =
            routing.routes.iter().map(|r| (r.id.as_str(), r)).collect();
        let mut due = Vec::new();
        for (id, group) in &mut self.groups {
            let route = routes.get(group.route.as_str());
            let longest = route.map_or(0, |r| r.group_wait_ms.max(r.group_interval_ms));
            // Later than any wait: the clock was set back, and people must not wait until it caught up.
            group.next_at = group.next_at.min(now + longest);
            if group.next_at <= now {
                due.push(id.clone());
            }
        }
        for id in due {
            let route = self.groups.get(&id).and_then(|g| routes.get(g.route.as_str()).copied());
            match route {
                Some(route) => self.look(&id, route, now, &mut messages),
                None => _ = self.groups.remove(&id),
            }
            self.changed.groups.insert(id);
        }
        (messages, self.groups.values().map(|g| g.next_at).min())
    }

    /// Looks at a group: tells what is news, and lets go of what is over.
    fn look(&mut self, id: &str, route: &Route, now: Timestamp, out: &mut Vec<Notification>) {
        let Some(mut group) = self.groups.remove(id) else { return };
        group.begun = true;
        // The first time of its rhythm that lies ahead.
        let interval = route.group_interval_ms.max(1);
        group.next_at += ((now - group.next_at) / interval + 1) * interval;
        let all: Vec<u64> = group.alerts.iter().copied().collect();
        let over: Vec<u64> = all
            .iter()
            .copied()
            .filter(|fp| self.notices.get(*fp).is_none_or(|n| n.is_resolved(now)))
            .collect();
        let audible = self.audible(&all, route, now);
        self.hear(id, &group, &audible, now);
        if let Some(receiver) = self.routing.receiver(&route.receiver) {
            let mut looked = group.tell(id, route, receiver, audible, now);
            for ((key, before), message) in looked.before.into_iter().zip(&looked.messages) {
                self.remember(key, message, before, &group);
            }
            out.append(&mut looked.messages);
        }
        for fp in over {
            group.remove(fp);
            self.leave(fp, id);
        }
        if !group.alerts.is_empty() {
            self.groups.insert(id.to_owned(), group);
        }
    }

    /// Takes note of the alerts that fire and that nothing mutes.
    fn hear(&mut self, id: &str, group: &Group, audible: &[Notice], now: Timestamp) {
        let firing = audible.iter().filter(|n| !n.is_resolved(now));
        let alerts: Vec<u64> = firing.map(Notice::fingerprint).collect();
        if !alerts.is_empty() {
            self.heard.push(Heard {
                group: id.to_owned(),
                labels: group.labels.clone(),
                receiver: group.receiver.clone(),
                alerts,
            });
        }
    }

    /// What fires in the groups that the last [`Router::due`] looked at.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// The alerts that nothing mutes.
    fn audible(&mut self, all: &[u64], route: &Route, now: Timestamp) -> Vec<Notice> {
        if self.routing.muted_by_calendar(route, now).is_some() {
            self.looked.out_of_hours += 1;
            return Vec::new();
        }
        let mut audible = Vec::new();
        for notice in all.iter().filter_map(|fp| self.notices.get(*fp)) {
            if self.inhibitor.muted_by(&notice.labels, &self.notices, now).is_some() {
                self.looked.inhibited += 1;
            } else if self.silences.mutes(&notice.labels, now) {
                self.looked.silenced += 1;
            } else {
                audible.push(notice.clone());
            }
        }
        audible
    }

    /// An alert leaves a group; in none it is forgotten.
    fn leave(&mut self, fp: u64, id: &str) {
        let Some(homes) = self.homes.get_mut(&fp) else { return };
        homes.retain(|home| home != id);
        if homes.is_empty() {
            self.homes.remove(&fp);
            if let Some(notice) = self.notices.remove(fp) {
                self.inhibitor.remove(fp, &notice);
            }
            self.changed.notices.insert(fp);
        }
    }

    /// Makes or changes a silence; see [`Silence`]. Its id.
    ///
    /// # Errors
    /// Nothing has changed, and why.
    pub fn set_silence(
        &mut self,
        wish: Silence,
        new_id: String,
        now: Timestamp,
    ) -> Result<String, SilenceError> {
        let changed = self.silences.set(wish, new_id, now)?;
        let id = changed.last().cloned().unwrap_or_default();
        self.changed.silences.extend(changed);
        Ok(id)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// There is none, or it is over.
    pub fn expire_silence(&mut self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        self.silences.expire(id, now)?;
        self.changed.silences.insert(id.to_owned());
        Ok(())
    }

    /// What was counted.
    pub const fn counts(&self) -> Counts {
        self.looked
    }
}

#[cfg(test)]
mod tests;
