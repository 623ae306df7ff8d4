//! What happened to alerts: episodes, incidents, who was told, who took care.
//!
//! [`History`] takes note of what rules, router and people do, and gives out what of it is to be written
//! down ([`History::take_changed`]); it has no clock, reads and writes nothing. Open episodes and incidents
//! are in memory, those that are over for as long as their end is told; of the others only what statistics
//! need. Steps, acknowledgements, incidents are given out at once; receipts at most [`LATER_AT_ONCE`] at a
//! time, so that one message about 10,000 alerts does not hold up the next. Bounds: [`OPEN_MAX`] open
//! episodes (more are counted, not kept), [`past::FIRED_MAX`] and [`past::UNFIRED_MAX`] that are over,
//! [`INCIDENTS_MAX`] resolved incidents.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{HOUR_MS, MINUTE_MS, Timestamp};

pub mod episode;
pub mod incident;
mod incidents;
mod kept;
pub mod past;
mod receipts;
pub mod tally;

pub use episode::{Episode, RuleName, Stage};
pub use incident::{Entry, Incident, IncidentState, What};
pub use kept::KeptHistory;
pub use past::{EpisodeQuery, Past, RuleStatistics};
pub use tally::TallyRow;

use crate::route::acknowledge::Acknowledged;
use crate::route::{Notice, Put};
use crate::state::{Alert, AlertState, Transition};
use episode::Beginning;
use past::Pasts;
use receipts::Sent;
use tally::Tally;

/// Episodes that are open at once.
pub const OPEN_MAX: usize = 100_000;
/// Resolved incidents that are kept.
pub const INCIDENTS_MAX: usize = 1_000;
/// Episodes with new receipts that are written at once.
pub const LATER_AT_ONCE: usize = 500;
/// How long an episode that is over stays in memory, ms: its end may still be told.
const RECENT_MS: i64 = HOUR_MS;
/// Episodes that are over and in memory.
const RECENT_MAX: usize = 10_000;
/// How long an alert of others without an end of its own is left alone, ms.
const LOOK_AGAIN_MS: i64 = MINUTE_MS;

/// A rule as its alerts name it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Its name.
    pub rule: RuleName,
    /// Its own name, other than that of any other rule, now and after a restart.
    pub key: u64,
    /// What kind of rule it is; see [`Episode::kind`].
    pub kind: String,
    /// Its expression.
    pub expr: String,
}

impl Origin {
    /// The key of the episodes of one of its alerts, by the name that the alert has in its rule.
    pub fn alert_key(&self, alert: &str) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(alert.as_bytes(), self.key)
    }
}

/// What happened to alerts.
#[derive(Debug, Default)]
pub struct History {
    /// Those that are open, and those that were over lately.
    episodes: BTreeMap<String, Episode>,
    /// Ids of those that are open, by key.
    open: BTreeMap<u64, String>,
    /// Ids of those in memory, by fingerprint, in the order of their beginnings.
    by_fingerprint: BTreeMap<u64, Vec<String>>,
    /// When to look again whether alerts of others are over, with their keys.
    ends: BTreeSet<(Timestamp, u64)>,
    /// When those in memory that are over were, with their ids.
    recent: BTreeSet<(Timestamp, String)>,
    /// Those that are over since the incidents were settled last.
    ended: Vec<String>,
    pasts: Pasts,
    /// Open ones, and those that may open again.
    incidents: BTreeMap<String, Incident>,
    /// The latest incident of each group.
    by_group: BTreeMap<String, String>,
    /// All that are kept and resolved.
    resolved: BTreeSet<String>,
    /// Messages on their way.
    sent: BTreeMap<String, Sent>,
    changed: kept::Changed,
    tally: Tally,
    missed: u64,
}

impl History {
    /// Takes note of a step of an alert of an own rule. `fingerprint` is that of its labels as the router
    /// sees them.
    pub fn step(&mut self, origin: &Origin, step: &Transition, fingerprint: u64) {
        let key = origin.alert_key(&step.alert.key());
        let is_over = step.to == AlertState::Inactive;
        if is_over && !self.open.contains_key(&key) {
            return;
        }
        let Some(id) = self.known(origin, key, &step.alert, fingerprint) else { return };
        self.see(&id, origin, &step.alert, fingerprint);
        let fired = self.episodes.get(&id).is_some_and(|e| e.fired_at.is_some());
        let to = match step.to {
            AlertState::Pending => Stage::Pending,
            AlertState::Firing => Stage::Firing,
            AlertState::Inactive if fired => Stage::Resolved,
            AlertState::Inactive => Stage::Inactive,
        };
        self.move_to(&id, to, step.at);
    }

    /// Takes note that an alert of an own rule, which its rule calls `name`, is still there. An episode that
    /// is not known begins as far as the alert has come.
    pub fn seen(&mut self, origin: &Origin, name: &str, alert: &Alert, fingerprint: u64) {
        let key = origin.alert_key(name);
        let is_new = !self.open.contains_key(&key);
        let Some(id) = self.known(origin, key, alert, fingerprint) else { return };
        self.see(&id, origin, alert, fingerprint);
        if is_new {
            self.move_to(&id, Stage::Pending, alert.active_at);
            if let Some(at) = alert.fired_at {
                self.move_to(&id, Stage::Firing, at);
            }
        }
    }

    /// The id of an open episode, which begins if there is none; `None` when there are too many.
    fn known(&mut self, o: &Origin, key: u64, alert: &Alert, fingerprint: u64) -> Option<String> {
        if let Some(id) = self.open.get(&key) {
            return Some(id.clone());
        }
        self.begin(Beginning {
            key,
            fingerprint,
            rule: o.rule.clone(),
            kind: o.kind.clone(),
            labels: alert.labels.clone(),
            active_at: alert.active_at,
        })
    }

    fn begin(&mut self, beginning: Beginning) -> Option<String> {
        if self.open.len() >= OPEN_MAX {
            self.missed += 1;
            return None;
        }
        let (key, fingerprint) = (beginning.key, beginning.fingerprint);
        let episode = Episode::begin(beginning);
        let id = episode.id.clone();
        self.open.insert(key, id.clone());
        self.name(fingerprint, &id);
        self.episodes.insert(id.clone(), episode);
        Some(id)
    }

    fn name(&mut self, fingerprint: u64, id: &str) {
        let ids = self.by_fingerprint.entry(fingerprint).or_default();
        if let Err(place) = ids.binary_search_by(|known| known.as_str().cmp(id)) {
            ids.insert(place, id.to_owned());
        }
    }

    fn unname(&mut self, fingerprint: u64, id: &str) {
        if let Some(ids) = self.by_fingerprint.get_mut(&fingerprint) {
            ids.retain(|known| known != id);
            if ids.is_empty() {
                self.by_fingerprint.remove(&fingerprint);
            }
        }
    }

    fn see(&mut self, id: &str, origin: &Origin, alert: &Alert, fingerprint: u64) {
        let Some(e) = self.episodes.get_mut(id) else { return };
        e.seen(alert.value, alert.threshold, &alert.annotations);
        if e.expr != origin.expr {
            e.expr.clone_from(&origin.expr);
        }
        if e.fingerprint != fingerprint {
            // Its labels are others to the router since the configuration changed.
            let before = std::mem::replace(&mut e.fingerprint, fingerprint);
            self.unname(before, id);
            self.name(fingerprint, id);
            self.changed.episode(id);
        }
    }

    /// Takes note of an alert of others after the router took it; `notice` is what the router knows.
    pub fn posted(&mut self, put: Put, notice: &Notice, now: Timestamp) {
        let fingerprint = notice.fingerprint();
        let key = xxhash_rust::xxh3::xxh3_64_with_seed(b"posted", fingerprint);
        if put == Put::New
            && let Some(id) = self.open.get(&key).cloned()
        {
            self.move_to(&id, Stage::Resolved, now);
        }
        let id = match self.open.get(&key) {
            Some(id) => id.clone(),
            None if notice.is_resolved(now) => return,
            None => {
                let name = notice.labels.get("alertname").cloned().unwrap_or_default();
                let begun = self.begin(Beginning {
                    key,
                    fingerprint,
                    rule: RuleName { name, ..RuleName::default() },
                    kind: "posted".to_owned(),
                    labels: notice.labels.clone(),
                    active_at: now,
                });
                let Some(id) = begun else { return };
                if let Some(e) = self.episodes.get_mut(&id) {
                    // Whoever raised it knows better since when; its name stays that of when it came.
                    e.active_at = notice.starts_at.min(now);
                }
                self.move_to(&id, Stage::Firing, now);
                id
            }
        };
        if let Some(e) = self.episodes.get_mut(&id) {
            e.show(&notice.annotations);
        }
        self.ends.insert((notice.ends_at.unwrap_or(now + LOOK_AGAIN_MS), key));
    }

    /// Ends alerts of others that are over at `now`; `known` is what the router knows of one.
    pub fn expire<'n>(&mut self, now: Timestamp, known: impl Fn(u64) -> Option<&'n Notice>) {
        while self.ends.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, key)) = self.ends.pop_first() else { break };
            let Some(id) = self.open.get(&key).cloned() else { continue };
            let Some(e) = self.episodes.get(&id) else { continue };
            match known(e.fingerprint) {
                Some(n) if !n.is_resolved(now) => {
                    _ = self.ends.insert((n.ends_at.unwrap_or(now + LOOK_AGAIN_MS), key));
                }
                Some(n) => self.move_to(&id, Stage::Resolved, n.ends_at.unwrap_or(at)),
                None => self.move_to(&id, Stage::Resolved, at),
            }
        }
    }

    /// Ends episodes of own rules whose alerts are not among these.
    pub fn retain_own(&mut self, keys: &BTreeSet<u64>, now: Timestamp) {
        let gone: Vec<String> = self
            .open
            .iter()
            .filter(|(key, id)| {
                !keys.contains(key) && self.episodes.get(*id).is_some_and(|e| !e.is_posted())
            })
            .map(|(_, id)| id.clone())
            .collect();
        for id in gone {
            let fired = self.episodes.get(&id).is_some_and(|e| e.fired_at.is_some());
            self.move_to(&id, if fired { Stage::Resolved } else { Stage::Inactive }, now);
        }
    }

    fn move_to(&mut self, id: &str, to: Stage, at: Timestamp) {
        let Some(e) = self.episodes.get_mut(id) else { return };
        let fired_before = e.fired_at.is_some();
        e.step(to, at);
        if !fired_before && e.fired_at.is_some() {
            self.tally.of(&e.rule).episodes += 1;
        }
        self.changed.episode(id);
        if !to.is_over() {
            return;
        }
        // Not before the step before it, whatever end was posted.
        let at = e.ended_at.unwrap_or(at);
        if let Some(fired) = e.fired_at {
            let counts = self.tally.of(&e.rule);
            counts.resolved += 1;
            counts.resolve_ms += (at - fired).max(0);
        }
        self.open.remove(&e.key);
        self.recent.insert((at, id.to_owned()));
        self.ended.push(id.to_owned());
        let gone = self.pasts.put(Past::of(e));
        self.changed.forget(gone);
    }

    /// Says who takes care of alerts, or that nobody does. `who` did it; `now` in ms since the epoch. How
    /// many episodes it concerns.
    pub fn acknowledge(
        &mut self,
        fingerprints: &[u64],
        by: Option<&Acknowledged>,
        who: &str,
        now: Timestamp,
    ) -> usize {
        let mut ids = Vec::new();
        for id in fingerprints.iter().filter_map(|fp| self.by_fingerprint.get(fp)).flatten() {
            let Some(e) = self.episodes.get_mut(id).filter(|e| e.stage.is_firing()) else {
                continue;
            };
            let is_first = e.acknowledged.is_none();
            e.acknowledged = by.cloned();
            match (by, e.fired_at) {
                (Some(by), Some(fired)) if is_first => {
                    let counts = self.tally.of(&e.rule);
                    counts.acknowledged += 1;
                    counts.acknowledge_ms += (by.at - fired).max(0);
                }
                _ => {}
            }
            e.step(if by.is_some() { Stage::Acknowledged } else { Stage::Firing }, now);
            self.changed.episode(id);
            ids.push(id.clone());
        }
        self.tell_care(&ids, by, who, now);
        ids.len()
    }

    /// Who takes care of an open episode of an alert.
    pub fn acknowledged(&self, fingerprint: u64) -> Option<&Acknowledged> {
        self.of(fingerprint).find(|e| e.stage.is_firing())?.acknowledged.as_ref()
    }

    /// The name among all of an open alert of an own rule.
    pub fn fingerprint(&self, origin: &Origin, name: &str) -> Option<u64> {
        let id = self.open.get(&origin.alert_key(name))?;
        self.episodes.get(id).map(|e| e.fingerprint)
    }

    /// The episodes in memory of an alert, the oldest first.
    pub fn of(&self, fingerprint: u64) -> impl DoubleEndedIterator<Item = &Episode> {
        let ids = self.by_fingerprint.get(&fingerprint).into_iter().flatten();
        ids.filter_map(|id| self.episodes.get(id))
    }

    /// The open episodes, by id.
    pub fn open(&self) -> impl Iterator<Item = &Episode> {
        self.episodes.values().filter(|e| !e.stage.is_over())
    }

    /// An episode, if it is in memory.
    pub fn episode(&self, id: &str) -> Option<&Episode> {
        self.episodes.get(id)
    }

    /// Ids of the episodes that are wanted, the newest first, and whether there are more.
    pub fn find(&self, query: &EpisodeQuery) -> (Vec<String>, bool) {
        let open: Vec<Past> = self.open().map(Past::of).collect();
        let all = self.pasts.iter().chain(&open).filter(|p| query.wants(p));
        let mut ids: Vec<String> = all.map(|p| p.id.clone()).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        let is_cut = ids.len() > query.limit;
        ids.truncate(query.limit);
        (ids, is_cut)
    }

    /// Statistics by rule, the noisiest first, and over all.
    pub fn statistics(
        &self,
        from: Timestamp,
        to: Timestamp,
        now: Timestamp,
    ) -> (Vec<(RuleName, RuleStatistics)>, RuleStatistics) {
        let open: Vec<Past> = self.open().map(Past::of).collect();
        past::statistics(self.pasts.iter().chain(&open), from, to, now)
    }

    /// Episodes that are open; kept and over; forgotten since the start; not kept because there are too
    /// many. Then incidents that are open.
    pub fn sizes(&self) -> [u64; 5] {
        let (kept, forgotten) = self.pasts.counts();
        let incidents = self.incidents.values().filter(|i| i.is_open()).count();
        [self.open.len() as u64, kept as u64, forgotten, self.missed, incidents as u64]
    }

    /// Counts by rule, if there are new ones.
    pub fn tally(&mut self) -> Option<Vec<TallyRow>> {
        self.tally.news()
    }
}

#[cfg(test)]
mod tests;
