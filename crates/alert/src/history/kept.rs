//! What of the history is written down, and how it comes back.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;

use super::episode::{Episode, Fate};
use super::incident::{Incident, REOPEN_MS};
use super::past::Past;
use super::{History, INCIDENTS_MAX, LATER_AT_ONCE, RECENT_MAX, RECENT_MS};

/// Something of the history that changed; `None` = it is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptHistory {
    /// An episode, by its id.
    Episode(String, Option<Box<Episode>>),
    /// An incident, by its id.
    Incident(String, Option<Box<Incident>>),
}

/// What changed since it was taken last.
#[derive(Debug, Default)]
pub struct Changed {
    episodes: BTreeSet<String>,
    /// The same where only receipts changed.
    later: BTreeSet<String>,
    incidents: BTreeSet<String>,
    gone: Vec<String>,
}

impl Changed {
    /// An episode changed.
    pub fn episode(&mut self, id: &str) {
        if !self.episodes.contains(id) {
            self.episodes.insert(id.to_owned());
        }
    }

    /// Something of an episode changed that can wait.
    pub fn later(&mut self, id: &str) {
        if !self.later.contains(id) {
            self.later.insert(id.to_owned());
        }
    }

    /// An incident changed.
    pub fn incident(&mut self, id: &str) {
        if !self.incidents.contains(id) {
            self.incidents.insert(id.to_owned());
        }
    }

    /// Episodes are not kept any more.
    pub fn forget(&mut self, ids: Vec<String>) {
        self.gone.extend(ids);
    }
}

impl History {
    /// What is to be written down at `now`.
    pub fn take_changed(&mut self, now: Timestamp) -> Vec<KeptHistory> {
        let mut out = Vec::new();
        let mut ids = std::mem::take(&mut self.changed.episodes);
        for id in &ids {
            self.changed.later.remove(id);
        }
        for _ in 0..LATER_AT_ONCE {
            let Some(id) = self.changed.later.pop_first() else { break };
            ids.insert(id);
        }
        ids.extend(self.let_go(now));
        let gone: BTreeSet<String> = std::mem::take(&mut self.changed.gone).into_iter().collect();
        for id in ids.into_iter().filter(|id| !gone.contains(id)) {
            if let Some(e) = self.episodes.get(&id) {
                out.push(KeptHistory::Episode(id, Some(Box::new(e.clone()))));
            }
        }
        self.remove_recent(now);
        out.extend(gone.into_iter().map(|id| KeptHistory::Episode(id, None)));
        for id in std::mem::take(&mut self.changed.incidents) {
            if let Some(i) = self.incidents.get(&id) {
                out.push(KeptHistory::Incident(id, Some(Box::new(i.clone()))));
            }
        }
        out.extend(
            self.forget_incidents(now).into_iter().map(|id| KeptHistory::Incident(id, None)),
        );
        out
    }

    /// Ids of episodes that leave memory now and have something that is not written yet.
    fn let_go(&self, now: Timestamp) -> Vec<String> {
        let leaving = self.leaving(now);
        let recent = self.recent.iter().take(leaving);
        recent.map(|(_, id)| id).filter(|id| self.changed.later.contains(*id)).cloned().collect()
    }

    fn leaving(&self, now: Timestamp) -> usize {
        let old = self.recent.iter().take_while(|(at, _)| *at < now - RECENT_MS).count();
        old.max(self.recent.len().saturating_sub(RECENT_MAX))
    }

    fn remove_recent(&mut self, now: Timestamp) {
        for _ in 0..self.leaving(now) {
            let Some((_, id)) = self.recent.pop_first() else { break };
            self.changed.later.remove(&id);
            if let Some(e) = self.episodes.remove(&id) {
                self.unname(e.fingerprint, &id);
            }
        }
    }

    /// Lets go of incidents that cannot open again; ids of those that are too many to be kept.
    fn forget_incidents(&mut self, now: Timestamp) -> Vec<String> {
        let over = |i: &Incident| i.resolved_at.is_some_and(|at| now - at > REOPEN_MS);
        let done: Vec<String> =
            self.incidents.values().filter(|i| over(i)).map(|i| i.id.clone()).collect();
        for id in done {
            if let Some(i) = self.incidents.remove(&id)
                && self.by_group.get(&i.group) == Some(&id)
            {
                self.by_group.remove(&i.group);
            }
        }
        let mut gone = Vec::new();
        while self.resolved.len() > INCIDENTS_MAX {
            let Some(id) = self.resolved.pop_first() else { break };
            if let Some(i) = self.incidents.remove(&id) {
                self.by_group.remove(&i.group);
            }
            gone.push(id);
        }
        gone
    }

    /// Puts an episode back.
    pub fn restore_episode(&mut self, mut e: Episode, now: Timestamp) {
        e.labels.retain(|name, _| !name.is_empty());
        let id = e.id.clone();
        if let Some(ended) = e.ended_at {
            let gone = self.pasts.put(Past::of(&e));
            self.changed.forget(gone);
            if now - ended > RECENT_MS {
                return;
            }
            self.recent.insert((ended, id.clone()));
        } else {
            self.open.insert(e.key, id.clone());
            if e.is_posted() {
                self.ends.insert((now, e.key));
            }
        }
        for receipt in e.receipts.iter().filter(|r| r.outcome == Fate::Pending) {
            let sent = self.sent.entry(receipt.key.clone()).or_default();
            sent.episodes.push(id.clone());
        }
        self.name(e.fingerprint, &id);
        self.episodes.insert(id, e);
    }

    /// Puts incidents back; the episodes must be back already.
    pub fn restore_incidents(&mut self, all: Vec<Incident>, now: Timestamp) {
        let mut firing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for e in self.episodes.values().filter(|e| e.stage.is_firing()) {
            if let Some(incident) = &e.incident {
                firing.entry(incident.clone()).or_default().push(e.id.clone());
            }
        }
        for incident in all {
            let mine = firing.remove(&incident.id).unwrap_or_default();
            self.restore_incident(incident, mine, now);
        }
    }

    fn restore_incident(&mut self, mut incident: Incident, mine: Vec<String>, now: Timestamp) {
        let id = incident.id.clone();
        // That an episode belongs to it may be written in one of both only.
        let named = if incident.is_open() { incident.episodes.clone() } else { Vec::new() };
        for episode in mine.into_iter().chain(named) {
            let Some(e) = self.episodes.get_mut(&episode) else { continue };
            if e.stage.is_firing() && e.incident.as_ref().is_none_or(|of| *of == id) {
                e.incident = Some(id.clone());
                incident.firing.insert(episode, e.acknowledged.is_some());
            }
        }
        if incident.is_open() && incident.firing.is_empty() {
            incident.judge(now);
            self.changed.incident(&id);
        }
        if !incident.is_open() {
            self.resolved.insert(id.clone());
            if incident.resolved_at.is_none_or(|at| now - at > REOPEN_MS) {
                return;
            }
        }
        self.by_group.insert(incident.group.clone(), id.clone());
        self.incidents.insert(id, incident);
    }
}
