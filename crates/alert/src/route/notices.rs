//! Alerts as the router knows them, whoever raised them: own rules, or a Prometheus that posts them.
//!
//! One label set is one alert. What is posted again is merged as Alertmanager merges: the earliest start,
//! the latest texts, and an end that was told before one that was assumed. At [`NOTICES_MAX`] alerts a new
//! one is refused; those that are known go on.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::acknowledge::Acknowledged;

/// Alerts that are known at once.
pub const NOTICES_MAX: usize = 100_000;

/// An alert. Times in ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about; never empty, no empty values.
    pub labels: BTreeMap<String, String>,
    /// Texts for people.
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    pub starts_at: Timestamp,
    /// When it is over unless it is told again; `None` = when its rule says so.
    pub ends_at: Option<Timestamp>,
    /// When it was told last.
    pub updated_at: Timestamp,
    /// Whether `ends_at` was assumed because nobody told it.
    #[serde(default)]
    pub by_timeout: bool,
    /// Where the one who raised it explains it; may be empty.
    #[serde(default)]
    pub generator_url: String,
    /// Who takes care of it; ends with the alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
}

impl Notice {
    /// Bytes of its texts.
    pub fn bytes(&self) -> usize {
        let pairs = self.labels.iter().chain(&self.annotations);
        pairs.map(|(n, v)| n.len() + v.len()).sum::<usize>() + self.generator_url.len()
    }

    /// Whether it is over at `at`.
    pub fn is_resolved(&self, at: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= at)
    }

    /// Its name: Prometheus' fingerprint of its labels.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.labels)
    }

    /// The younger of two merged into the older, as Alertmanager does. `at` is now.
    fn merged(self, old: &Self, at: Timestamp) -> Self {
        let (old, mut new) = if self.updated_at < old.updated_at {
            (&self, old.clone())
        } else {
            (old, self.clone())
        };
        new.starts_at = new.starts_at.min(old.starts_at);
        if new.is_resolved(at) {
            if old.is_resolved(at) {
                new.ends_at = new.ends_at.max(old.ends_at);
            }
        } else if !old.by_timeout && is_later(old.ends_at, new.ends_at) {
            new.ends_at = old.ends_at;
        }
        new
    }

    /// Whether their times touch.
    fn overlaps(&self, old: &Self) -> bool {
        let before_end = |t: Timestamp| old.ends_at.is_none_or(|end| t < end);
        let end_inside = self.ends_at.is_some_and(|end| end > old.starts_at && before_end(end));
        end_inside || (self.starts_at > old.starts_at && before_end(self.starts_at))
    }
}

/// Whether an end comes after another; none is the latest.
fn is_later(a: Option<Timestamp>, b: Option<Timestamp>) -> bool {
    match (a, b) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(a), Some(b)) => a > b,
    }
}

/// Prometheus' fingerprint of a label set: FNV-1a over names and values, each followed by 0xff.
pub fn fingerprint(labels: &BTreeMap<String, String>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    hash
}

/// What putting an alert changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was not known, or it was over.
    New,
    /// It was known; something that a restart must know is different.
    Changed,
    /// It was known and goes on as before.
    Same,
    /// There are too many.
    Refused,
}

/// The alerts that are known.
#[derive(Debug, Default)]
pub struct Notices {
    known: BTreeMap<u64, Notice>,
    /// Of all of them together.
    bytes: usize,
}

impl Notices {
    /// Takes an alert as it is, from records.
    pub fn restore(&mut self, notice: Notice) {
        self.bytes += notice.bytes();
        if let Some(before) = self.known.insert(notice.fingerprint(), notice) {
            self.bytes -= before.bytes();
        }
    }

    /// Takes note of an alert at `at`.
    pub fn put(&mut self, fp: u64, notice: Notice, at: Timestamp) -> Put {
        let Some(old) = self.known.get_mut(&fp) else {
            if self.known.len() >= NOTICES_MAX {
                return Put::Refused;
            }
            self.bytes += notice.bytes();
            self.known.insert(fp, notice);
            return Put::New;
        };
        let mut merged = if notice.overlaps(old) { notice.merged(old, at) } else { notice };
        let put = match (old.is_resolved(at), merged.is_resolved(at)) {
            (true, false) => Put::New,
            (false, true) => Put::Changed,
            (true, true) if merged.ends_at != old.ends_at => Put::Changed,
            _ if merged.starts_at != old.starts_at
                || merged.annotations != old.annotations
                || merged.by_timeout != old.by_timeout
                || merged.ends_at.is_none() != old.ends_at.is_none() =>
            {
                Put::Changed
            }
            _ => Put::Same,
        };
        // Whoever raises an alert again says nothing about who takes care of it.
        merged.acknowledged = if put == Put::New { None } else { old.acknowledged.take() };
        self.bytes = self.bytes + merged.bytes() - old.bytes();
        *old = merged;
        put
    }

    /// Says who takes care of an alert, or that nobody does.
    pub fn acknowledge(&mut self, fp: u64, by: Option<Acknowledged>) {
        if let Some(notice) = self.known.get_mut(&fp) {
            notice.acknowledged = by;
        }
    }

    /// Bytes of the texts of all alerts.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// An alert.
    pub fn get(&self, fp: u64) -> Option<&Notice> {
        self.known.get(&fp)
    }

    /// Gives those without an end this one.
    pub fn doubt_open(&mut self, until: Timestamp) {
        for notice in self.known.values_mut() {
            notice.ends_at.get_or_insert(until);
        }
    }

    /// Forgets one.
    pub fn remove(&mut self, fp: u64) -> Option<Notice> {
        let gone = self.known.remove(&fp);
        self.bytes -= gone.as_ref().map_or(0, Notice::bytes);
        gone
    }

    /// All, by fingerprint.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Notice)> {
        self.known.iter().map(|(fp, n)| (*fp, n))
    }

    /// Number of alerts.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}

/// Alertmanager's order of alerts in a message: by `job`, by `instance`, then by all labels.
pub fn message_order(a: &Notice, b: &Notice) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for name in ["job", "instance"] {
        let order = match (a.labels.get(name), b.labels.get(name)) {
            (None, None) => Equal,
            (None, Some(_)) => Greater,
            (Some(_), None) => Less,
            (Some(a), Some(b)) => a.cmp(b),
        };
        if order != Equal {
            return order;
        }
    }
    let by_size = a.labels.len().cmp(&b.labels.len());
    by_size.then_with(|| labels_order(&a.labels, &b.labels))
}

/// Label sets of one size: the first name that only one of them has decides, or a value.
fn labels_order(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let order = match (a.get(name), b.get(name)) {
            (None, _) => Less,
            (_, None) => Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        if order != Equal {
            return order;
        }
    }
    Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(start: i64, end: Option<i64>, at: i64, text: &str) -> Notice {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        Notice {
            labels: [pair("alertname", "Down"), pair("job", "j")].into(),
            annotations: [pair("a", text)].into(),
            starts_at: start,
            ends_at: end,
            updated_at: at,
            by_timeout: end.is_none_or(|e| e > 100_000),
            ..Notice::default()
        }
    }

    #[test]
    fn the_fingerprint_is_prometheus_own() {
        assert_eq!(format!("{:016x}", notice(0, None, 0, "").fingerprint()), "2a5b35904ae30b8b");
    }

    #[test]
    fn what_overlaps_is_merged() {
        let mut known = Notices::default();
        let fp = 1;
        assert_eq!(known.put(fp, notice(1_100, Some(3_601_000), 1_000, "1"), 1_000), Put::New);
        // Begins earlier and ends later: no part of it lies inside, so it takes the place.
        assert_eq!(known.put(fp, notice(500, Some(3_601_300), 1_300, "2"), 1_300), Put::Changed);
        assert_eq!(known.put(fp, notice(1_400, Some(3_601_500), 1_500, "3"), 1_500), Put::Changed);
        let now = known.get(fp).unwrap();
        assert_eq!((now.starts_at, now.annotations["a"].as_str()), (500, "3"));
        assert_eq!(known.put(fp, notice(1_000, Some(2_400), 2_600, "3"), 2_600), Put::Changed);
        assert_eq!(known.put(fp, notice(1_000, Some(2_100), 2_600, "3"), 2_600), Put::Same);
        assert_eq!(known.get(fp).unwrap().ends_at, Some(2_400));
        assert_eq!(known.put(fp, notice(5_000, Some(3_600_000), 5_000, "3"), 5_000), Put::New);
        assert_eq!(known.get(fp).unwrap().starts_at, 5_000, "another episode");
    }

    #[test]
    fn an_end_that_was_told_stands_before_an_assumed_one() {
        let mut known = Notices::default();
        let told = Notice { by_timeout: false, ..notice(0, Some(90_000), 1, "") };
        known.put(1, told, 1);
        let assumed = Notice { by_timeout: true, ..notice(2, Some(60_000), 2, "") };
        known.put(1, assumed, 2);
        assert_eq!(known.get(1).unwrap().ends_at, Some(90_000));
        known.put(1, notice(3, None, 3, ""), 3);
        assert_eq!(known.get(1).unwrap().ends_at, None, "open beats both");
    }

    #[test]
    fn messages_list_alerts_by_job_and_instance_first() {
        let of = |pairs: &[(&str, &str)]| Notice {
            labels: pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            ..Notice::default()
        };
        let mut list = [
            of(&[("a", "9")]),
            of(&[("instance", "x"), ("job", "b")]),
            of(&[("z", "1"), ("job", "a"), ("instance", "y")]),
            of(&[("a", "1")]),
        ];
        list.sort_by(message_order);
        let first: Vec<&str> =
            list.iter().map(|n| n.labels.values().last().unwrap().as_str()).collect();
        assert_eq!(first, ["1", "b", "1", "9"]);
    }
}
