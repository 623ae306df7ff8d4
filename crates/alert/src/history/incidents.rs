//! Incidents among the rest: when they open and close, and what their time lines tell.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;

use super::History;
use super::episode::Episode;
use super::incident::{Incident, REOPEN_MS, What};
use crate::route::Heard;
use crate::route::acknowledge::{AcknowledgeError, Acknowledged};

impl History {
    /// Takes note of alerts that fire, unmuted, in a group that was looked at.
    pub fn heard(&mut self, heard: &Heard, now: Timestamp) {
        let mut joining = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for fp in &heard.alerts {
            for id in self.by_fingerprint.get(fp).into_iter().flatten() {
                let Some(e) = self.episodes.get(id).filter(|e| e.stage.is_firing()) else {
                    continue;
                };
                match &e.incident {
                    Some(incident) => _ = known.insert(incident.clone()),
                    None => joining.push(id.clone()),
                }
            }
        }
        for id in known {
            if let Some(i) = self.incidents.get_mut(&id)
                && !i.receivers.contains(&heard.receiver)
            {
                i.receivers.insert(heard.receiver.clone());
                self.changed.incident(&id);
            }
        }
        let Some(first) = joining.first().and_then(|id| self.episodes.get(id)) else { return };
        let open_again = self.by_group.get(&heard.group).filter(|id| {
            let i = self.incidents.get(*id);
            i.is_some_and(|i| i.resolved_at.is_none_or(|at| now - at <= REOPEN_MS))
        });
        let id = match open_again {
            Some(id) => id.clone(),
            None => {
                let new = Incident::open(heard, first, now);
                let id = new.id.clone();
                self.by_group.insert(heard.group.clone(), id.clone());
                self.incidents.insert(id.clone(), new);
                id
            }
        };
        for episode in &joining {
            if let Some(e) = self.episodes.get_mut(episode) {
                e.incident = Some(id.clone());
                self.changed.later(episode);
            }
        }
        let Some(incident) = self.incidents.get_mut(&id) else { return };
        let all: Vec<&Episode> = joining.iter().filter_map(|id| self.episodes.get(id)).collect();
        incident.receivers.insert(heard.receiver.clone());
        incident.join(&all, now);
        self.resolved.remove(&id);
        self.changed.incident(&id);
    }

    /// Brings the incidents of episodes that are over up to date.
    pub fn settle(&mut self, now: Timestamp) {
        let mut by_incident: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for id in std::mem::take(&mut self.ended) {
            if let Some(incident) = self.episodes.get(&id).and_then(|e| e.incident.clone()) {
                by_incident.entry(incident).or_default().push(id);
            }
        }
        for (id, ended) in by_incident {
            let Some(incident) = self.incidents.get_mut(&id) else { continue };
            let all: Vec<&Episode> = ended.iter().filter_map(|id| self.episodes.get(id)).collect();
            for e in &all {
                incident.firing.remove(&e.id);
            }
            incident.tell_each(What::Resolved, &all, now);
            incident.judge(now);
            if !incident.is_open() {
                self.resolved.insert(id.clone());
            }
            self.changed.incident(&id);
        }
    }

    /// Tells the incidents of episodes who takes care of them.
    pub(super) fn tell_care(
        &mut self,
        ids: &[String],
        by: Option<&Acknowledged>,
        who: &str,
        now: Timestamp,
    ) {
        let mut by_incident: BTreeMap<String, Vec<&Episode>> = BTreeMap::new();
        for e in ids.iter().filter_map(|id| self.episodes.get(id)) {
            if let Some(incident) = &e.incident {
                by_incident.entry(incident.clone()).or_default().push(e);
            }
        }
        for (id, all) in by_incident {
            let Some(incident) = self.incidents.get_mut(&id) else { continue };
            for e in &all {
                incident.firing.insert(e.id.clone(), by.is_some());
            }
            let one = (all.len() == 1).then(|| all.first().map(|e| e.fingerprint)).flatten();
            let what = if by.is_some() { What::Acknowledged } else { What::Unacknowledged };
            let note = by.map_or("", |by| by.note.as_str());
            let text = match (all.as_slice(), note) {
                (_, note) if !note.is_empty() => note.to_owned(),
                ([one], _) => one.title.clone(),
                (all, _) => format!("{} alerts", all.len()),
            };
            let who = Some(who.to_owned()).filter(|w| !w.is_empty());
            incident.tell(now, what, text, who, one);
            incident.judge(now);
            self.changed.incident(&id);
        }
    }

    /// Adds an entry to the time line of an incident.
    pub(super) fn tell_incident(&mut self, id: &str, at: Timestamp, what: What, text: &str) {
        if let Some(incident) = self.incidents.get_mut(id) {
            incident.tell(at, what, text.to_owned(), None, None);
            self.changed.incident(id);
        }
    }

    /// Takes note of which alerts of open incidents a silence mutes: `mutes` says so of an episode, `by` and
    /// `text` who did it and why.
    pub fn silenced(
        &mut self,
        mutes: impl Fn(&Episode) -> bool,
        by: Option<&str>,
        text: &str,
        now: Timestamp,
    ) {
        for incident in self.incidents.values_mut().filter(|i| i.is_open()) {
            let mut changed: [u64; 2] = [0, 0];
            for id in incident.firing.keys() {
                let Some(e) = self.episodes.get_mut(id) else { continue };
                let is_now = mutes(e);
                if is_now != e.is_silenced {
                    e.is_silenced = is_now;
                    changed[usize::from(is_now)] += 1;
                    self.changed.later(id);
                }
            }
            for (what, n) in [(What::Unsilenced, changed[0]), (What::Silenced, changed[1])] {
                if n > 0 {
                    let alerts = if n == 1 { "1 alert".to_owned() } else { format!("{n} alerts") };
                    let text = if text.is_empty() { alerts } else { format!("{alerts}: {text}") };
                    incident.tell(now, what, text, by.map(str::to_owned), None);
                    self.changed.incident(&incident.id);
                }
            }
        }
    }

    /// Writes something into the time line of an incident; of one that is not in memory give it as `kept`.
    ///
    /// # Errors
    /// There is none of this id.
    pub fn note(
        &mut self,
        id: &str,
        kept: Option<Incident>,
        by: &Acknowledged,
    ) -> Result<Incident, AcknowledgeError> {
        if let Some(incident) = self.incidents.get_mut(id) {
            incident.tell(by.at, What::Note, by.note.clone(), Some(by.by.clone()), None);
            self.changed.incident(id);
            return Ok(incident.clone());
        }
        let unknown = || AcknowledgeError::Unknown(format!("incident {id}"));
        let mut incident = kept.filter(|i| self.resolved.contains(&i.id)).ok_or_else(unknown)?;
        incident.tell(by.at, What::Note, by.note.clone(), Some(by.by.clone()), None);
        Ok(incident)
    }

    /// The incidents in memory: all that are open, and those that were lately.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// An incident, if it is in memory.
    pub fn incident(&self, id: &str) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// Ids of resolved incidents that are kept, the newest first.
    pub fn resolved(&self) -> impl Iterator<Item = &String> {
        self.resolved.iter().rev()
    }

    /// Fingerprints of the alerts of an incident that fire.
    pub fn firing_of(&self, incident: &Incident) -> Vec<u64> {
        let all = incident.firing.keys().filter_map(|id| self.episodes.get(id));
        all.map(|e| e.fingerprint).collect()
    }
}
