//! Which messages told of which episodes, and what became of them.

use plimsoll_model::Timestamp;

use super::History;
use super::episode::{Fate, Receipt, Said};
use super::incident::What;
use super::past::Past;
use crate::route::Notification;

/// Messages on their way whose fate is noted.
const SENT_MAX: usize = 10_000;

/// What a message on its way told of.
#[derive(Debug, Default)]
pub struct Sent {
    /// Ids of episodes.
    pub episodes: Vec<String>,
    /// Ids of incidents.
    pub incidents: Vec<String>,
    to: String,
}

impl History {
    /// Takes note of a message that was decided.
    pub fn notified(&mut self, n: &Notification) {
        let group = xxhash_rust::xxh3::xxh3_64(n.group_id.as_bytes());
        let mut sent =
            Sent { to: format!("{} ({})", n.receiver, n.integration), ..Sent::default() };
        let (mut firing, mut over) = (0, 0);
        for alert in &n.alerts {
            let is_over = alert.ends_at.is_some();
            if is_over {
                over += 1
            } else {
                firing += 1
            }
            let said = match (is_over, n.is_repeat) {
                (true, _) => Said::Resolved,
                (false, true) => Said::Again,
                (false, false) => Said::Firing,
            };
            for id in self.told_of(alert.fingerprint(), is_over) {
                let Some(e) = self.episodes.get_mut(&id) else { continue };
                // A message that tells of others anew says the rest again.
                let is_known = e.receipts.iter().any(|r| {
                    r.said == Said::Firing
                        && (&r.receiver, &r.integration) == (&n.receiver, &n.integration)
                });
                let said = if said == Said::Firing && is_known { Said::Again } else { said };
                e.told(Receipt {
                    at: n.at,
                    receiver: n.receiver.clone(),
                    integration: n.integration.clone(),
                    key: n.key.clone(),
                    group,
                    said,
                    outcome: Fate::Pending,
                    ended_at: None,
                });
                if let Some(incident) = e.incident.as_ref().filter(|i| !sent.incidents.contains(i))
                {
                    sent.incidents.push(incident.clone());
                }
                self.noted(&id);
                sent.episodes.push(id);
            }
        }
        let text = format!("{}: {firing} firing, {over} resolved", sent.to);
        for id in &sent.incidents {
            self.tell_incident(id, n.at, What::Notified, &text);
        }
        if self.sent.len() < SENT_MAX && !sent.episodes.is_empty() {
            self.sent.insert(n.key.clone(), sent);
        }
    }

    /// The episodes that a word about an alert is about.
    fn told_of(&self, fingerprint: u64, is_over: bool) -> Vec<String> {
        if is_over {
            let last = self.of(fingerprint).rev().find(|e| e.ended_at.is_some());
            return last.map(|e| e.id.clone()).into_iter().collect();
        }
        let firing = self.of(fingerprint).filter(|e| e.stage.is_firing());
        firing.map(|e| e.id.clone()).collect()
    }

    /// Lets an episode be written whose receipts changed.
    fn noted(&mut self, id: &str) {
        self.changed.later(id);
        if let Some(e) = self.episodes.get(id).filter(|e| e.stage.is_over()) {
            let gone = self.pasts.put(Past::of(e));
            self.changed.forget(gone);
        }
    }

    /// Takes note of what became of a message.
    pub fn went(&mut self, key: &str, delivered: bool, now: Timestamp) {
        let Some(sent) = self.sent.remove(key) else { return };
        for id in &sent.episodes {
            let Some(e) = self.episodes.get_mut(id) else { continue };
            for receipt in e.receipts.iter_mut().filter(|r| r.key == key) {
                receipt.outcome = if delivered { Fate::Delivered } else { Fate::Dead };
                receipt.ended_at = Some(now);
            }
            self.changed.later(id);
        }
        if !delivered {
            let text = format!("{}: the message was given up", sent.to);
            for id in &sent.incidents {
                self.tell_incident(id, now, What::Failed, &text);
            }
        }
    }
}
