//! What people ask about alerts and do with them: acknowledge, look at history and incidents, write notes.
//! All of it blocks.

use std::cmp::Reverse;

use plimsoll_model::Timestamp;

use super::Alerting;
use super::desk::{Desk, EPISODE, INCIDENT};
use super::states::put;
use crate::history::incident::rank;
use crate::history::{
    Episode, EpisodeQuery, Incident, IncidentState, RuleName, RuleStatistics, Stage,
};
use crate::route::acknowledge::{AcknowledgeError, Acknowledged};
use crate::route::payload;

/// An open alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertView {
    /// What happened to it so far.
    pub episode: Episode,
    /// Where it is explained.
    pub generator_url: String,
    /// Who would hear of it.
    pub receivers: Vec<String>,
    /// Ids of the silences that mute it.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<u64>,
}

/// Which open alerts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertsAsked {
    /// Only those that have come so far; `None` = all.
    pub stage: Option<Stage>,
    /// At most so many, the first of the order.
    pub limit: usize,
    /// Which come first.
    pub order: AlertOrder,
}

/// Which alerts come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertOrder {
    /// Those that began last.
    #[default]
    Newest,
    /// Those that fire, then the acknowledged, the pending, the silenced; among these the worst, then those that
    /// fire for the shortest time.
    Urgent,
}

/// Open alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertsView {
    /// Those asked for, in the order asked for.
    pub alerts: Vec<AlertView>,
    /// How many there are of those asked for.
    pub total: usize,
    /// How many of all are pending, firing (not acknowledged), acknowledged, silenced.
    pub counts: [usize; 4],
}

/// An incident with its episodes.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentView {
    /// The incident.
    pub incident: Incident,
    /// Its episodes that are kept, the oldest first.
    pub episodes: Vec<Episode>,
}

impl Alerting {
    /// The open alerts of own rules and of others.
    pub fn alerts(&self, asked: AlertsAsked) -> AlertsView {
        let now = self.now();
        let desk = self.desk.lock();
        let mut counts = [0; 4];
        let mut wanted = Vec::new();
        for e in desk.history.open() {
            counts[match e.stage {
                Stage::Acknowledged => 2,
                Stage::Firing => 1,
                _ => 0,
            }] += 1;
            let is_silenced = desk.router.is_silenced(e.fingerprint, now);
            counts[3] += usize::from(is_silenced);
            if asked.stage.is_none_or(|stage| stage == e.stage) {
                wanted.push((e, is_silenced));
            }
        }
        wanted.reverse();
        if asked.order == AlertOrder::Urgent {
            wanted.sort_by_cached_key(|(e, is_silenced)| urgency(e, *is_silenced));
        }
        let total = wanted.len();
        let alerts = wanted.into_iter().take(asked.limit);
        AlertsView { alerts: alerts.map(|(e, _)| view(&desk, e, now)).collect(), total, counts }
    }

    /// One open alert.
    pub fn alert(&self, fingerprint: u64) -> Option<AlertView> {
        let now = self.now();
        let desk = self.desk.lock();
        let open = desk.history.of(fingerprint).rev().find(|e| !e.stage.is_over());
        open.map(|e| view(&desk, e, now))
    }

    /// Says that somebody takes care of an alert that fires. It is written down when this returns. The alert
    /// as it is then.
    ///
    /// # Errors
    /// The texts are wrong, there is no such alert, it does not fire, or it cannot be written down.
    pub fn acknowledge(
        &self,
        fingerprint: u64,
        by: &str,
        note: &str,
    ) -> Result<AlertView, AcknowledgeError> {
        let by = Acknowledged::new(self.now(), by, note)?;
        self.care(fingerprint, Some(&by), &by.by)
    }

    /// Says that nobody takes care of an alert any more; `who` may be empty. Written down when this returns.
    ///
    /// # Errors
    /// As [`Alerting::acknowledge`].
    pub fn unacknowledge(
        &self,
        fingerprint: u64,
        who: &str,
    ) -> Result<AlertView, AcknowledgeError> {
        let who = checked_who(self.now(), who)?;
        self.care(fingerprint, None, &who)
    }

    fn care(
        &self,
        fingerprint: u64,
        by: Option<&Acknowledged>,
        who: &str,
    ) -> Result<AlertView, AcknowledgeError> {
        let name = format!("alert {fingerprint:016x}");
        let now = self.now();
        let mut desk = self.desk.lock();
        desk.care(&name, &[fingerprint], by, who, now)?;
        self.record(&mut desk)?;
        let open = desk.history.of(fingerprint).rev().find(|e| !e.stage.is_over());
        let seen = open.map(|e| view(&desk, e, now));
        drop(desk);
        self.poke.notify_one();
        seen.ok_or(AcknowledgeError::NotFiring(name))
    }

    /// Writes down what waits to be.
    fn record(&self, desk: &mut Desk) -> Result<(), AcknowledgeError> {
        self.keep(desk, Vec::new());
        if desk.unsaved.is_empty() { Ok(()) } else { Err(AcknowledgeError::NotRecorded) }
    }

    /// Episodes, the newest first, and whether there are more.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn episodes(&self, query: &EpisodeQuery) -> plimsoll_records::Result<(Vec<Episode>, bool)> {
        let (ids, is_cut) = self.desk.lock().history.find(query);
        Ok((self.read_episodes(&ids)?, is_cut))
    }

    /// Episodes by id; those that are not kept any more are left out.
    fn read_episodes(&self, ids: &[String]) -> plimsoll_records::Result<Vec<Episode>> {
        let desk = self.desk.lock();
        let known: Vec<_> = ids.iter().map(|id| (id, desk.history.episode(id).cloned())).collect();
        drop(desk);
        let mut all = Vec::with_capacity(known.len());
        for (id, episode) in known {
            let episode = match episode {
                Some(episode) => Some(episode),
                None => {
                    let document = self.setup.records.document(EPISODE, id)?;
                    document.and_then(|d| serde_json::from_str(&d.body).ok())
                }
            };
            all.extend(episode);
        }
        Ok(all)
    }

    /// Statistics by rule between two times, the noisiest first, and over all. Times in ms since the epoch.
    pub fn statistics(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> (Vec<(RuleName, RuleStatistics)>, RuleStatistics) {
        self.desk.lock().history.statistics(from, to, self.now())
    }

    /// Incidents, the newest first: those that are open, or all that are kept; at most `limit`.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn incidents(
        &self,
        only_open: bool,
        limit: usize,
    ) -> plimsoll_records::Result<Vec<Incident>> {
        let desk = self.desk.lock();
        let open = desk.history.incidents().filter(|i| i.is_open() || !only_open);
        let mut all: Vec<Incident> = open.cloned().collect();
        let kept: Vec<String> = if only_open {
            Vec::new()
        } else {
            let kept = desk.history.resolved().filter(|id| desk.history.incident(id).is_none());
            kept.take(limit).cloned().collect()
        };
        drop(desk);
        for id in kept {
            all.extend(self.stored_incident(&id)?);
        }
        all.sort_by(|a, b| b.id.cmp(&a.id));
        all.truncate(limit);
        Ok(all)
    }

    fn stored_incident(&self, id: &str) -> plimsoll_records::Result<Option<Incident>> {
        let document = self.setup.records.document(INCIDENT, id)?;
        Ok(document.and_then(|d| serde_json::from_str(&d.body).ok()))
    }

    /// One incident with its episodes.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn incident(&self, id: &str) -> plimsoll_records::Result<Option<IncidentView>> {
        let known = self.desk.lock().history.incident(id).cloned();
        let found = match known {
            Some(incident) => Some(incident),
            None => self.stored_incident(id)?,
        };
        let Some(mut incident) = found else { return Ok(None) };
        incident.timeline.sort_by_key(|e| e.at);
        let episodes = self.read_episodes(&incident.episodes)?;
        Ok(Some(IncidentView { incident, episodes }))
    }

    /// Says that somebody takes care of all alerts of an incident that fire. Written down when this returns.
    ///
    /// # Errors
    /// The texts are wrong, there is no such incident, nothing of it fires, or it cannot be written down.
    pub fn acknowledge_incident(
        &self,
        id: &str,
        by: &str,
        note: &str,
    ) -> Result<(), AcknowledgeError> {
        let by = Acknowledged::new(self.now(), by, note)?;
        self.care_for_incident(id, Some(&by), &by.by)
    }

    /// Says that nobody takes care of an incident any more; `who` may be empty.
    ///
    /// # Errors
    /// As [`Alerting::acknowledge_incident`].
    pub fn unacknowledge_incident(&self, id: &str, who: &str) -> Result<(), AcknowledgeError> {
        let who = checked_who(self.now(), who)?;
        self.care_for_incident(id, None, &who)
    }

    fn care_for_incident(
        &self,
        id: &str,
        by: Option<&Acknowledged>,
        who: &str,
    ) -> Result<(), AcknowledgeError> {
        let name = format!("incident {id}");
        let mut desk = self.desk.lock();
        let known = desk.history.incident(id).filter(|i| i.state != IncidentState::Resolved);
        let Some(incident) = known else {
            let is_kept = desk.history.resolved().any(|known| known == id);
            return Err(if is_kept {
                AcknowledgeError::NotFiring(name)
            } else {
                AcknowledgeError::Unknown(name)
            });
        };
        let alerts = desk.history.firing_of(incident);
        desk.care(&name, &alerts, by, who, self.now())?;
        self.record(&mut desk)?;
        drop(desk);
        self.poke.notify_one();
        Ok(())
    }

    /// Writes a note into the time line of an incident, open or resolved. It is written down when this
    /// returns.
    ///
    /// # Errors
    /// The texts are wrong, there is no such incident, or it cannot be written down.
    pub fn note(&self, id: &str, by: &str, text: &str) -> Result<(), AcknowledgeError> {
        let note = Acknowledged::new(self.now(), by, text)?;
        if note.note.trim().is_empty() {
            return Err(AcknowledgeError::Invalid("text: a note needs words".to_owned()));
        }
        let is_known = self.desk.lock().history.incident(id).is_some();
        let kept = if is_known {
            None
        } else {
            self.stored_incident(id).map_err(|_| AcknowledgeError::NotRecorded)?
        };
        let mut desk = self.desk.lock();
        let incident = desk.history.note(id, kept, &note)?;
        if desk.history.incident(id).is_none() {
            let body = serde_json::to_string(&incident).unwrap_or_default();
            desk.unsaved.change(put(INCIDENT.to_owned(), id.to_owned(), note.at, body));
        }
        desk.note_changes(note.at);
        self.record(&mut desk)
    }
}

/// A name that may be empty, within its bound.
fn checked_who(now: Timestamp, who: &str) -> Result<String, AcknowledgeError> {
    if who.trim().is_empty() {
        return Ok(String::new());
    }
    Ok(Acknowledged::new(now, who, "")?.by)
}

/// The most urgent first: where it stands, how bad, since when.
fn urgency(e: &Episode, is_silenced: bool) -> (u8, Reverse<u8>, Reverse<Timestamp>) {
    let stands = match e.stage {
        Stage::Pending => 2,
        _ if is_silenced => 3,
        Stage::Acknowledged => 1,
        _ => 0,
    };
    (stands, Reverse(rank(e.severity())), Reverse(e.fired_at.unwrap_or(e.active_at)))
}

fn view(desk: &Desk, e: &Episode, now: Timestamp) -> AlertView {
    let seen = desk.router.view(e.fingerprint, &e.labels, now);
    let generator_url = match seen.notice.generator_url {
        url if url.is_empty() && !e.expr.is_empty() => {
            payload::link(&desk.config.external_url, &e.expr)
        }
        url => url,
    };
    AlertView {
        episode: e.clone(),
        generator_url,
        receivers: seen.receivers,
        silenced_by: seen.silenced_by,
        inhibited_by: seen.inhibited_by,
    }
}
