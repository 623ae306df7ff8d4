//! How often a rule fired lately, and what was done: from the events of records.
//!
//! The newest [`EVENTS_READ`] transitions are read at most once in [`KEPT_MS`], so that a storm of pages
//! shares one reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_model::{DAY_MS, Matcher, Timestamp, show_duration_ms};
use plimsoll_records::{EventQuery, Records};
use serde::Deserialize;

use crate::route::matching::all_match;
use crate::route::{Notice, Silence, silence_matchers};
use crate::state::AlertState;

/// Transitions that are read.
const EVENTS_READ: usize = 5_000;
/// Changes of silences that are read.
const SILENCES_READ: usize = 200;
/// How long what was read is good, ms.
const KEPT_MS: i64 = 5_000;
/// How far back firings are counted, ms.
const COUNTED_MS: i64 = 30 * DAY_MS;
/// Things that happened, in one message.
pub const LAST_MAX: usize = 5;
/// Characters of a text of people.
const COMMENT_CHARS_MAX: usize = 120;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When, ms since the epoch.
    pub at: Timestamp,
    /// What, in a sentence.
    pub what: String,
}

/// A step of an alert, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Step {
    at: Timestamp,
    from: AlertState,
    to: AlertState,
    alert: StepAlert,
}

#[derive(Debug, Deserialize)]
struct StepAlert {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    fired_at: Option<Timestamp>,
}

/// What was read last, and when.
#[derive(Debug, Default)]
pub struct Past {
    read: Mutex<Option<(Timestamp, Arc<Lately>)>>,
}

/// Newest first.
#[derive(Debug, Default)]
struct Lately {
    steps: Vec<Step>,
    silences: Vec<Muted>,
}

/// A silence as it was written last.
#[derive(Debug)]
struct Muted {
    at: Timestamp,
    matchers: Vec<Matcher>,
    what: String,
}

/// What is known of a rule's past.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How often it fired in the last 30 days.
    pub fired: u64,
    /// What happened last to this alert, or to others of the rule; the newest first.
    pub last: Vec<Happened>,
}

impl Past {
    /// The past of an alert's rule before `now`.
    pub fn tell(&self, records: &dyn Records, alert: &Notice, now: Timestamp) -> Told {
        let lately = self.lately(records, now);
        let name = alert.labels.get("alertname");
        let of_rule = |s: &&Step| s.alert.labels.get("alertname") == name && s.at <= now;
        let steps: Vec<&Step> = lately.steps.iter().filter(of_rule).collect();
        let has_fired = |s: &&&Step| s.to == AlertState::Firing && now - s.at <= COUNTED_MS;
        let fired = steps.iter().filter(has_fired).count() as u64;
        let is_it = |s: &Step| s.alert.labels.iter().all(|(n, v)| alert.labels.get(n) == Some(v));
        let mut last: Vec<Happened> = Vec::new();
        // The step that this message is about is no news in it.
        let before = steps.iter().filter(|s| s.at < alert.starts_at);
        for step in before.take(LAST_MAX * 8) {
            last.extend(sentence(step, is_it(step)));
        }
        for muted in lately.silences.iter().filter(|m| m.at <= now) {
            if all_match(&muted.matchers, &alert.labels) {
                last.push(Happened { at: muted.at, what: muted.what.clone() });
            }
        }
        last.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.what.cmp(&b.what)));
        last.truncate(LAST_MAX);
        Told { fired, last }
    }

    fn lately(&self, records: &dyn Records, now: Timestamp) -> Arc<Lately> {
        let mut read = self.read.lock();
        if let Some((at, lately)) = &*read
            && (0..KEPT_MS).contains(&(now - at))
        {
            return Arc::clone(lately);
        }
        let events = |kind, limit| {
            let query = EventQuery { kind: Some(kind), limit, ..EventQuery::default() };
            records.events(&query).unwrap_or_else(|e| {
                tracing::warn!(error = %e, kind, "the past of an alert cannot be read");
                Vec::new()
            })
        };
        let steps = events("alert_transition", EVENTS_READ);
        let silences = events("silence", SILENCES_READ);
        let lately = Arc::new(Lately {
            steps: steps.iter().filter_map(|e| serde_json::from_str(&e.body).ok()).collect(),
            silences: muted(silences.iter().filter_map(|e| serde_json::from_str(&e.body).ok())),
        });
        *read = Some((now, Arc::clone(&lately)));
        lately
    }
}

fn sentence(step: &Step, is_it: bool) -> Option<Happened> {
    let ended = step.from == AlertState::Firing && step.to == AlertState::Inactive;
    if !ended {
        return None;
    }
    let fired_at = step.alert.fired_at?;
    let lasted = show_duration_ms(step.at - fired_at);
    let whose = if is_it { String::new() } else { format!(" on {}", place(&step.alert.labels)) };
    Some(Happened { at: fired_at, what: format!("fired{whose} for {lasted}") })
}

/// The label that says best where an alert is.
fn place(labels: &BTreeMap<String, String>) -> &str {
    const NAMES: [&str; 7] = ["instance", "host", "node", "pod", "service", "job", "cluster"];
    let found = NAMES.iter().find_map(|n| labels.get(*n));
    found.map_or("another series", String::as_str)
}

/// Each silence once, as its newest change has it.
fn muted(changes: impl Iterator<Item = Silence>) -> Vec<Muted> {
    let mut seen = BTreeSet::new();
    let newest = changes.filter(|s| seen.insert(s.id.clone()));
    let read = newest.filter_map(|s| {
        let comment: String = s.comment.chars().take(COMMENT_CHARS_MAX).collect();
        let what = format!("silenced by {}: {comment}", s.created_by);
        Some(Muted { at: s.starts_at, matchers: silence_matchers(s.matchers).ok()?, what })
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_records::{Change, Event, SimRecords};
    use serde_json::json;

    fn step(at: i64, from: &str, to: &str, instance: &str, fired_at: i64) -> Change {
        let body = json!({
            "at": at, "from": from, "to": to,
            "alert": {
                "labels": { "alertname": "A", "instance": instance }, "annotations": {},
                "state": to, "value": "1", "active_at": 0, "fired_at": fired_at,
                "resolved_at": null, "kept_since": null,
            },
        });
        let (kind, subject) = ("alert_transition".to_owned(), instance.to_owned());
        Change::Append(Event { seq: 0, time_ms: at, kind, subject, body: body.to_string() })
    }

    #[test]
    fn the_past_is_told_newest_first_and_read_once() {
        let records = SimRecords::new();
        let minute = 60_000;
        let silence = json!({
            "id": "s", "starts_at": 30 * minute, "ends_at": 40 * minute, "updated_at": 0,
            "created_by": "ann", "comment": "new disk ordered",
            "matchers": [{ "name": "instance", "value": "a", "is_regex": false, "is_equal": true }],
        });
        let silence = Event {
            seq: 0,
            time_ms: 30 * minute,
            kind: "silence".to_owned(),
            subject: "s".to_owned(),
            body: silence.to_string(),
        };
        let changes = [
            step(10 * minute, "pending", "firing", "a", 10 * minute),
            step(22 * minute, "firing", "inactive", "a", 10 * minute),
            step(50 * minute, "inactive", "firing", "b", 50 * minute),
            Change::Append(silence),
            step(51 * minute, "firing", "inactive", "b", 50 * minute),
            step(60 * minute, "pending", "firing", "a", 60 * minute),
        ];
        records.apply(&changes).unwrap();
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let alert = Notice {
            labels: [pair("alertname", "A"), pair("instance", "a"), pair("cluster", "x")].into(),
            starts_at: 60 * minute,
            ..Notice::default()
        };
        let past = Past::default();
        let told = past.tell(&records, &alert, 61 * minute);
        assert_eq!(told.fired, 3);
        let last: Vec<_> =
            told.last.iter().map(|h| format!("{} {}", h.at / minute, h.what)).collect();
        assert_eq!(
            last,
            ["50 fired on b for 1 m", "30 silenced by ann: new disk ordered", "10 fired for 12 m"]
        );
        records.apply(&[step(61 * minute, "pending", "firing", "c", 61 * minute)]).unwrap();
        assert_eq!(past.tell(&records, &alert, 61 * minute + KEPT_MS - 1).fired, 3, "read once");
        assert_eq!(past.tell(&records, &alert, 61 * minute + KEPT_MS).fired, 4);
    }
}
