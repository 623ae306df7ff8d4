//! What readers see of the router: alerts with their states, groups, silences.

use std::collections::BTreeMap;

use plimsoll_model::{Matcher, Timestamp};

use super::Router;
use super::matching::all_match;
use super::notices::Notice;
use super::silences::Silence;

/// An alert and what mutes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeView {
    /// Its fingerprint.
    pub fingerprint: u64,
    /// The alert.
    pub notice: Notice,
    /// Who would hear of it, by the routes that take it.
    pub receivers: Vec<String>,
    /// Ids of the silences that mute it.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<u64>,
    /// Names of the time intervals that mute all its groups.
    pub muted_by: Vec<String>,
}

/// A group with its alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupedView {
    /// The labels that made it.
    pub labels: BTreeMap<String, String>,
    /// Its receiver.
    pub receiver: String,
    /// Its alerts that are not over, by fingerprint.
    pub alerts: Vec<NoticeView>,
}

impl Router {
    /// The alert of a fingerprint, over or not.
    pub fn notice(&self, fingerprint: u64) -> Option<&Notice> {
        self.notices.get(fingerprint)
    }

    /// The alerts that are not over at `now`, by fingerprint.
    pub fn alerts(&self, now: Timestamp) -> Vec<NoticeView> {
        let open = self.notices.iter().filter(|(_, n)| !n.is_resolved(now));
        open.map(|(fp, n)| self.seen(fp, n, now)).collect()
    }

    /// The open groups by their labels, then by receiver; without alerts that are over.
    pub fn grouped(&self, now: Timestamp) -> Vec<GroupedView> {
        let mut all = Vec::new();
        for group in self.groups.values() {
            let open = group.alerts.iter().filter_map(|fp| {
                Some((*fp, self.notices.get(*fp).filter(|n| !n.is_resolved(now))?))
            });
            let alerts: Vec<NoticeView> = open.map(|(fp, n)| self.seen(fp, n, now)).collect();
            if !alerts.is_empty() {
                let (labels, receiver) = (group.labels.clone(), group.receiver.clone());
                all.push(GroupedView { labels, receiver, alerts });
            }
        }
        all.sort_by(|a, b| (&a.labels, &a.receiver).cmp(&(&b.labels, &b.receiver)));
        all
    }

    /// What it makes of an alert with these labels, known or not.
    pub fn view(&self, fp: u64, labels: &BTreeMap<String, String>, now: Timestamp) -> NoticeView {
        match self.notices.get(fp) {
            Some(notice) => self.seen(fp, notice, now),
            None => {
                let notice = Notice { labels: labels.clone(), ..Notice::default() };
                self.seen(fp, &notice, now)
            }
        }
    }

    /// Whether a silence mutes an alert that it knows.
    pub fn is_silenced(&self, fp: u64, now: Timestamp) -> bool {
        let notice = self.notices.get(fp);
        notice.is_some_and(|n| !self.silences.muting(&n.labels, now).is_empty())
    }

    fn seen(&self, fp: u64, notice: &Notice, now: Timestamp) -> NoticeView {
        let (mut receivers, mut muted_by, mut audible) = (Vec::new(), Vec::new(), false);
        for at in self.routing.matching(&notice.labels) {
            let route = &self.routing.routes[at];
            receivers.push(route.receiver.clone());
            match self.routing.muted_by_calendar(route, now) {
                Some(names) => muted_by.extend(names),
                None => audible = true,
            }
        }
        if audible {
            muted_by.clear();
        }
        receivers.sort();
        receivers.dedup();
        let inhibitor = self.inhibitor.muted_by(&notice.labels, &self.notices, now);
        NoticeView {
            fingerprint: fp,
            notice: notice.clone(),
            receivers,
            silenced_by: self.silences.muting(&notice.labels, now),
            inhibited_by: inhibitor.into_iter().collect(),
            muted_by,
        }
    }

    /// The alerts that a silence with these matchers would mute at `now`.
    pub fn would_mute(&self, matchers: &[Matcher], now: Timestamp) -> Vec<NoticeView> {
        self.notices
            .iter()
            .filter(|(_, n)| !n.is_resolved(now) && all_match(matchers, &n.labels))
            .map(|(fp, n)| self.seen(fp, n, now))
            .collect()
    }

    /// All silences in Alertmanager's order.
    pub fn silences(&self, now: Timestamp) -> Vec<Silence> {
        self.silences.list(now)
    }

    /// One silence.
    pub fn silence(&self, id: &str) -> Option<Silence> {
        self.silences.get(id).cloned()
    }

    /// Alerts, groups and active silences now.
    pub fn sizes(&self, now: Timestamp) -> [usize; 3] {
        [self.notices.len(), self.groups.len(), self.silences.active(now)]
    }
}
