//! An incident: the alerts of one notification group from when the first of them fires, unmuted, until the
//! last is over, with what happened on the way.
//!
//! An alert that several routes take belongs to the incident of the one that was looked at first; the
//! receivers of the others are added to it. When the group fires again within [`REOPEN_MS`] after the end,
//! the incident is open again. Bounds: [`ENTRIES_MAX`] entries of the time line, [`EPISODES_MAX`] named
//! episodes (all are counted).

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::episode::{Episode, cut, id};
use crate::route::Heard;

/// How long after its end an incident is open again when its group fires, ms.
pub const REOPEN_MS: i64 = 10 * MINUTE_MS;
/// Entries kept of a time line. Beyond that the oldest goes that nobody wrote by hand.
pub const ENTRIES_MAX: usize = 500;
/// Episodes that an incident names; all are counted.
pub const EPISODES_MAX: usize = 1_000;
/// Alerts that begin or end at one time are told one by one up to this number, together beyond it.
const ONE_BY_ONE: usize = 20;

/// What an entry of a time line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was opened.
    Opened,
    /// It was open again.
    Reopened,
    /// An alert fired, or several.
    Fired,
    /// An alert was over, or several.
    Resolved,
    /// A message was decided.
    Notified,
    /// A message was given up.
    Failed,
    /// Somebody takes care of it.
    Acknowledged,
    /// Nobody takes care of it any more.
    Unacknowledged,
    /// A silence mutes an alert of it.
    Silenced,
    /// A silence ended.
    Unsilenced,
    /// Somebody wrote something.
    Note,
    /// All its alerts are over.
    Closed,
}

impl What {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Fired => "fired",
            Self::Resolved => "resolved",
            Self::Notified => "notified",
            Self::Failed => "failed",
            Self::Acknowledged => "acknowledged",
            Self::Unacknowledged => "unacknowledged",
            Self::Silenced => "silenced",
            Self::Unsilenced => "unsilenced",
            Self::Note => "note",
            Self::Closed => "closed",
        }
    }

    /// Whether people did it: such entries are kept when there are too many.
    const fn is_by_hand(self) -> bool {
        matches!(self, Self::Opened | Self::Acknowledged | Self::Unacknowledged | Self::Note)
    }
}

/// An entry of a time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, ms since the epoch.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
    /// In words.
    pub text: String,
    /// Who did it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The alert, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<u64>,
}

/// How far an incident has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// Something fires that nobody takes care of.
    Open,
    /// Somebody takes care of all that fires.
    Acknowledged,
    /// Nothing fires any more.
    Resolved,
}

impl IncidentState {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Alerts that fired together. Times in ms since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id, 26 characters.
    pub id: String,
    /// The group of the router.
    pub group: String,
    /// One line for people.
    pub title: String,
    /// How far it has come.
    pub state: IncidentState,
    /// The highest severity of its alerts.
    pub severity: String,
    /// The labels that made the group.
    pub group_labels: BTreeMap<String, String>,
    /// Who hears of it.
    pub receivers: BTreeSet<String>,
    /// When its first alert fired unmuted.
    pub opened_at: Timestamp,
    /// Since when somebody takes care of all that fires.
    pub acknowledged_at: Option<Timestamp>,
    /// When its last alert was over.
    pub resolved_at: Option<Timestamp>,
    /// How many episodes it has had.
    pub alerts: u64,
    /// Their ids, the first [`EPISODES_MAX`].
    pub episodes: Vec<String>,
    /// What happened.
    pub timeline: Vec<Entry>,
    /// Entries of the time line that were left out.
    #[serde(default)]
    pub left_out: u64,
    /// Its episodes that fire: whether somebody takes care of each. Made anew after a restart.
    #[serde(skip)]
    pub firing: BTreeMap<String, bool>,
}

impl Incident {
    /// An incident that begins.
    pub fn open(heard: &Heard, first: &Episode, now: Timestamp) -> Self {
        let mut new = Self {
            id: id(now, &heard.group),
            group: heard.group.clone(),
            title: title(heard, first),
            state: IncidentState::Open,
            severity: String::new(),
            group_labels: heard.labels.clone(),
            receivers: BTreeSet::new(),
            opened_at: now,
            acknowledged_at: None,
            resolved_at: None,
            alerts: 0,
            episodes: Vec::new(),
            timeline: Vec::new(),
            left_out: 0,
            firing: BTreeMap::new(),
        };
        new.tell(now, What::Opened, new.title.clone(), None, None);
        new
    }

    /// Adds an entry to the time line.
    pub fn tell(
        &mut self,
        at: Timestamp,
        what: What,
        text: String,
        by: Option<String>,
        fingerprint: Option<u64>,
    ) {
        self.timeline.push(Entry { at, what, text, by, fingerprint });
        if self.timeline.len() > ENTRIES_MAX {
            let oldest = self.timeline.iter().position(|e| !e.what.is_by_hand());
            self.timeline.remove(oldest.unwrap_or(1));
            self.left_out += 1;
        }
    }

    /// Takes episodes that fire; those that it has are no news.
    pub fn join(&mut self, episodes: &[&Episode], now: Timestamp) {
        for e in episodes {
            self.firing.insert(e.id.clone(), e.acknowledged.is_some());
            self.alerts += 1;
            if self.episodes.len() < EPISODES_MAX {
                self.episodes.push(e.id.clone());
            }
            if rank(e.severity()) > rank(&self.severity) || self.severity.is_empty() {
                self.severity = cut(e.severity(), 64).to_owned();
            }
        }
        if self.resolved_at.take().is_some() {
            self.tell(now, What::Reopened, "it fires again".to_owned(), None, None);
        }
        self.tell_each(What::Fired, episodes, now);
        self.judge(now);
    }

    /// Tells of episodes one by one, or together when there are many.
    pub fn tell_each(&mut self, what: What, episodes: &[&Episode], now: Timestamp) {
        if episodes.len() > ONE_BY_ONE {
            let first = episodes.first().map_or("", |e| e.title.as_str());
            let text = format!("{} alerts, among them: {first}", episodes.len());
            self.tell(now, what, text, None, None);
            return;
        }
        for e in episodes {
            let at = match what {
                What::Fired => e.fired_at.unwrap_or(now),
                What::Resolved => e.ended_at.unwrap_or(now),
                _ => now,
            };
            self.tell(at, what, e.title.clone(), None, Some(e.fingerprint));
        }
    }

    /// Finds out how far it has come.
    pub fn judge(&mut self, now: Timestamp) {
        let before = self.state;
        self.state = if self.firing.is_empty() {
            IncidentState::Resolved
        } else if self.firing.values().all(|cared_for| *cared_for) {
            IncidentState::Acknowledged
        } else {
            IncidentState::Open
        };
        match self.state {
            IncidentState::Open => self.acknowledged_at = None,
            IncidentState::Acknowledged => _ = self.acknowledged_at.get_or_insert(now),
            IncidentState::Resolved if before != self.state => {
                self.resolved_at = Some(now);
                self.tell(now, What::Closed, "all its alerts are over".to_owned(), None, None);
            }
            IncidentState::Resolved => {}
        }
    }

    /// Whether something of it fires.
    pub fn is_open(&self) -> bool {
        self.state != IncidentState::Resolved
    }
}

/// How bad a severity is; what is not known counts as little more than nothing.
pub(crate) fn rank(severity: &str) -> u8 {
    match severity.to_ascii_lowercase().as_str() {
        "" | "none" => 0,
        "info" | "low" | "notice" => 2,
        "warning" | "warn" | "medium" => 3,
        "error" | "major" | "high" | "ticket" => 4,
        "critical" | "crit" | "page" | "fatal" | "emergency" => 5,
        _ => 1,
    }
}

/// The name of the alert that the group is about, and what else its alerts have in common.
fn title(heard: &Heard, first: &Episode) -> String {
    let name = heard.labels.get("alertname").unwrap_or(&first.rule.name);
    let others = heard.labels.iter().filter(|(n, v)| *n != "alertname" && !v.is_empty());
    let mut text = name.clone();
    for (name, value) in others {
        text.push_str(&format!(" {name}={value}"));
    }
    cut(&text, super::episode::TITLE_BYTES_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::episode::{Beginning, RuleName, Stage};
    use super::*;

    fn episode(i: u64, severity: &str) -> Episode {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let mut e = Episode::begin(Beginning {
            key: i,
            fingerprint: i,
            rule: RuleName { name: "A".into(), ..RuleName::default() },
            kind: "posted".into(),
            labels: [pair("severity", severity), pair("i", &i.to_string())].into(),
            active_at: 0,
        });
        e.step(Stage::Firing, 10);
        e
    }

    fn heard() -> Heard {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        Heard {
            group: "{}:{}".into(),
            labels: [pair("alertname", "A"), pair("job", "j")].into(),
            receiver: "r".into(),
            alerts: vec![1],
        }
    }

    #[test]
    fn an_incident_opens_is_acknowledged_closes_and_opens_again() {
        let (a, b) = (episode(1, "warning"), episode(2, "critical"));
        let mut i = Incident::open(&heard(), &a, 20);
        i.join(&[&a, &b], 20);
        assert_eq!((i.title.as_str(), i.severity.as_str(), i.alerts), ("A job=j", "critical", 2));
        i.firing.insert(a.id.clone(), true);
        i.judge(30);
        assert_eq!((i.state, i.acknowledged_at), (IncidentState::Open, None));
        i.firing.insert(b.id.clone(), true);
        i.judge(40);
        assert_eq!((i.state, i.acknowledged_at), (IncidentState::Acknowledged, Some(40)));
        let c = episode(3, "");
        i.join(&[&c], 50);
        assert_eq!((i.state, i.acknowledged_at), (IncidentState::Open, None), "c is new");
        i.firing.clear();
        i.judge(60);
        i.judge(70);
        assert_eq!((i.state, i.resolved_at), (IncidentState::Resolved, Some(60)));
        i.join(&[&c], 80);
        assert_eq!((i.state, i.resolved_at), (IncidentState::Open, None));
        let what: Vec<&str> = i.timeline.iter().map(|e| e.what.as_str()).collect();
        assert_eq!(what, ["opened", "fired", "fired", "fired", "closed", "reopened", "fired"]);
    }

    #[test]
    fn the_time_line_is_bounded_and_keeps_what_people_wrote() {
        let many: Vec<Episode> = (0..2_000).map(|i| episode(i, "")).collect();
        let many: Vec<&Episode> = many.iter().collect();
        let mut i = Incident::open(&heard(), many[0], 0);
        i.join(&many, 0);
        assert_eq!(i.timeline[1].text, "2000 alerts, among them: A");
        assert_eq!((i.alerts, i.episodes.len()), (2_000, EPISODES_MAX));
        i.tell(1, What::Note, "mine".into(), Some("me".into()), None);
        for at in 0..1_000 {
            i.tell(at, What::Notified, "told".into(), None, None);
        }
        assert_eq!(i.timeline.len(), ENTRIES_MAX);
        assert_eq!((i.timeline[0].what, i.timeline[1].text.as_str()), (What::Opened, "mine"));
        assert_eq!(i.left_out, 1_003 - ENTRIES_MAX as u64);
    }
}
