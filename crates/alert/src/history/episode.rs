//! An episode: one alert from when its condition held first until it was over.
//!
//! Its id is derived, so that the same episode has the same id after a restart: 48 bits of time and 80
//! bits of a hash, printed as a ULID prints them; ids sort by the beginning. Bounds: [`MOMENTS_MAX`]
//! steps, [`RECEIPTS_MAX`] receipts, [`TITLE_BYTES_MAX`] of title, [`LABEL_BYTES_MAX`] of labels.

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::route::acknowledge::Acknowledged;

/// Steps kept of one episode; beyond that one in the middle is left out.
pub const MOMENTS_MAX: usize = 64;
/// Receipts kept of one episode: the first and the latest. All are counted.
pub const RECEIPTS_MAX: usize = 32;
/// Bytes of a title.
pub const TITLE_BYTES_MAX: usize = 512;
/// Bytes of labels that are kept; of larger sets only those that say what it is.
pub const LABEL_BYTES_MAX: usize = 16 << 10;
/// Labels that are kept of a set that is too large.
const LABELS_OF_LARGE: [&str; 5] = ["alertname", "severity", "job", "instance", "host"];

/// How far an episode has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Before the beginning, and after the end of what never fired.
    Inactive,
    /// The condition holds, not yet long enough.
    Pending,
    /// It fires.
    Firing,
    /// It fires, and somebody takes care of it.
    Acknowledged,
    /// It fired and is over.
    Resolved,
}

impl Stage {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Whether it fires, acknowledged or not.
    pub const fn is_firing(self) -> bool {
        matches!(self, Self::Firing | Self::Acknowledged)
    }

    /// Whether it is over.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Inactive | Self::Resolved)
    }
}

/// Which rule an alert came from. Of an alert of others only the name is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleName {
    /// Its file; empty for alerts of others.
    pub file: String,
    /// Its group; empty for alerts of others.
    pub group: String,
    /// The name of the alert.
    pub name: String,
}

/// One step of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When, ms since the epoch.
    pub at: Timestamp,
    /// From.
    pub from: Stage,
    /// To.
    pub to: Stage,
    /// The value then; nothing when there is none or it is no finite number.
    pub value: Option<f64>,
    /// With what it was compared then, if that is known.
    pub threshold: Option<f64>,
}

/// What a message was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// That it fires, for the first time or with others that are new.
    Firing,
    /// The same once more.
    Again,
    /// That it is over.
    Resolved,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is on its way.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Dead,
}

/// A message that told of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// When it was decided, ms since the epoch.
    pub at: Timestamp,
    /// To whom.
    pub receiver: String,
    /// By which integration: `slack/0`.
    pub integration: String,
    /// The key of the message.
    pub key: String,
    /// A hash of the group that it told of.
    pub group: u64,
    /// What it said of this alert.
    pub said: Said,
    /// What became of it.
    pub outcome: Fate,
    /// When it arrived or was given up, ms since the epoch.
    pub ended_at: Option<Timestamp>,
}

/// One alert from its beginning to its end. Times in ms since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its id, 26 characters.
    pub id: String,
    /// Names the alert that it is an episode of, whatever its labels look like to others.
    pub key: u64,
    /// Prometheus' fingerprint of its labels as the router sees them.
    pub fingerprint: u64,
    /// Where it came from.
    pub rule: RuleName,
    /// `threshold`, `trend`, `anomaly`, `prediction`, `absence`, `expression` or `posted`.
    pub kind: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// One line for people.
    pub title: String,
    /// How far it has come.
    pub stage: Stage,
    /// Since when its condition holds.
    pub active_at: Timestamp,
    /// Since when it fires, or fired.
    pub fired_at: Option<Timestamp>,
    /// Who takes care of it, or took.
    pub acknowledged: Option<Acknowledged>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The value that was seen last; nothing when there is none or it is no finite number.
    pub value: Option<f64>,
    /// The value farthest beyond the threshold; the greatest when there is no threshold.
    pub peak: Option<f64>,
    /// With what it was compared last, if that is known.
    pub threshold: Option<f64>,
    /// Its steps, the first one first.
    pub moments: Vec<Moment>,
    /// Messages that told of it.
    pub receipts: Vec<Receipt>,
    /// How many messages told of it.
    pub notifications: u64,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// Whether a silence mutes it.
    #[serde(default)]
    pub is_silenced: bool,
    /// Its texts, as last shown. Not kept over a restart.
    #[serde(skip)]
    pub annotations: BTreeMap<String, String>,
    /// The expression of its rule. Not kept over a restart.
    #[serde(skip)]
    pub expr: String,
}

/// What is known of an alert when its episode begins.
pub struct Beginning {
    /// See [`Episode::key`].
    pub key: u64,
    /// See [`Episode::fingerprint`].
    pub fingerprint: u64,
    /// See [`Episode::rule`].
    pub rule: RuleName,
    /// See [`Episode::kind`].
    pub kind: String,
    /// Its labels, of any size.
    pub labels: BTreeMap<String, String>,
    /// Since when its condition holds, ms since the epoch.
    pub active_at: Timestamp,
}

impl Episode {
    /// An episode before its first step.
    pub fn begin(new: Beginning) -> Self {
        let Beginning { key, fingerprint, rule, kind, labels, active_at } = new;
        Self {
            id: id(active_at, &format!("{key:016x} {active_at}")),
            key,
            fingerprint,
            title: rule.name.clone(),
            rule,
            kind,
            labels: bounded(labels),
            stage: Stage::Inactive,
            active_at,
            fired_at: None,
            acknowledged: None,
            ended_at: None,
            value: None,
            peak: None,
            threshold: None,
            moments: Vec::new(),
            receipts: Vec::new(),
            notifications: 0,
            incident: None,
            is_silenced: false,
            annotations: BTreeMap::new(),
            expr: String::new(),
        }
    }

    /// Whether it came from outside.
    pub fn is_posted(&self) -> bool {
        self.kind == "posted"
    }

    /// The severity that its labels name.
    pub fn severity(&self) -> &str {
        self.labels.get("severity").map_or("", String::as_str)
    }

    /// When somebody took care of it for the first time.
    pub fn first_acknowledged_at(&self) -> Option<Timestamp> {
        self.moments.iter().find(|m| m.to == Stage::Acknowledged).map(|m| m.at)
    }

    /// Takes note of what is seen of it.
    pub fn seen(
        &mut self,
        value: f64,
        threshold: Option<f64>,
        annotations: &BTreeMap<String, String>,
    ) {
        self.threshold = threshold.filter(|x| x.is_finite());
        self.value = Some(value).filter(|x| x.is_finite());
        if let Some(value) = self.value
            && self.peak.is_none_or(|peak| is_farther(value, peak, self.threshold))
        {
            self.peak = Some(value);
        }
        self.show(annotations);
    }

    /// Takes note of its texts.
    pub fn show(&mut self, annotations: &BTreeMap<String, String>) {
        if self.annotations == *annotations {
            return;
        }
        self.annotations.clone_from(annotations);
        let text = ["summary", "title", "description", "message"];
        let text = text.iter().find_map(|n| annotations.get(*n).filter(|t| !t.is_empty()));
        if let Some(text) = text {
            self.title = cut(text, TITLE_BYTES_MAX).to_owned();
        }
    }

    /// Takes a step; nothing when it is there already.
    pub fn step(&mut self, to: Stage, at: Timestamp) {
        if to == self.stage {
            return;
        }
        // Whoever posts an end may name one before the beginning.
        let at = self.moments.last().map_or(at, |m| at.max(m.at));
        let from = std::mem::replace(&mut self.stage, to);
        if to.is_firing() {
            self.fired_at.get_or_insert(at);
        }
        if to.is_over() {
            self.ended_at = Some(at);
        }
        let (value, threshold) = (self.value, self.threshold);
        self.moments.push(Moment { at, from, to, value, threshold });
        if self.moments.len() > MOMENTS_MAX {
            self.moments.remove(MOMENTS_MAX / 2);
        }
    }

    /// Takes note of a message.
    pub fn told(&mut self, receipt: Receipt) {
        self.notifications += 1;
        self.receipts.push(receipt);
        if self.receipts.len() > RECEIPTS_MAX {
            self.receipts.remove(RECEIPTS_MAX / 4);
        }
    }
}

/// Whether a value lies farther beyond the threshold than another, on the side where it is.
fn is_farther(value: f64, than: f64, threshold: Option<f64>) -> bool {
    threshold.map_or(value > than, |t| (value - t).abs() > (than - t).abs())
}

/// Labels within their bound.
fn bounded(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let bytes: usize = labels.iter().map(|(n, v)| n.len() + v.len()).sum();
    if bytes > LABEL_BYTES_MAX {
        labels.retain(|name, _| LABELS_OF_LARGE.contains(&name.as_str()));
        for value in labels.values_mut() {
            *value = cut(value, TITLE_BYTES_MAX).to_owned();
        }
    }
    labels
}

/// The beginning of a text, whole characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// A name that sorts by time: 26 characters of Crockford's base 32, as a ULID
/// (<https://github.com/ulid/spec>), its random part a hash of `seed`.
pub fn id(at: Timestamp, seed: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = u128::from(at.max(0).unsigned_abs() & ((1 << 48) - 1));
    let hash = xxhash_rust::xxh3::xxh3_128(seed.as_bytes()) & ((1 << 80) - 1);
    let all = (time << 80) | hash;
    let digit = |i: u32| DIGITS[((all >> (5 * (25 - i))) & 31) as usize];
    (0..26).map(|i| char::from(digit(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn episode() -> Episode {
        Episode::begin(Beginning {
            key: 7,
            fingerprint: 9,
            rule: RuleName { name: "A".into(), ..RuleName::default() },
            kind: "expression".into(),
            labels: [("alertname".to_owned(), "A".to_owned())].into(),
            active_at: 1_000,
        })
    }

    #[test]
    fn ids_are_ulids_that_sort_by_time_and_are_the_same_again() {
        // The time part of the specification's example.
        assert!(
            id(1_469_918_176_385, "x").starts_with("01ARYZ6S41"),
            "{}",
            id(1_469_918_176_385, "x")
        );
        assert_eq!(id(5, "x"), id(5, "x"));
        assert_ne!(id(5, "x"), id(5, "y"));
        assert!(id(5, "x") < id(6, "x") && id(5, "x").len() == 26);
        assert_eq!(&id(-5, "x")[..10], "0000000000");
    }

    #[test]
    fn steps_keep_value_and_threshold_and_the_peak_is_the_farthest() {
        let mut e = episode();
        let none = BTreeMap::new();
        e.seen(4.0, Some(5.0), &none);
        e.step(Stage::Pending, 1_000);
        e.seen(1.0, Some(5.0), &none);
        e.step(Stage::Firing, 2_000);
        e.step(Stage::Firing, 2_500);
        e.seen(3.0, Some(5.0), &none);
        e.step(Stage::Resolved, 3_000);
        let steps: Vec<_> = e.moments.iter().map(|m| (m.at, m.to.as_str(), m.value)).collect();
        assert_eq!(
            steps,
            [
                (1_000, "pending", Some(4.0)),
                (2_000, "firing", Some(1.0)),
                (3_000, "resolved", Some(3.0))
            ]
        );
        assert_eq!((e.peak, e.fired_at, e.ended_at), (Some(1.0), Some(2_000), Some(3_000)));
        e.seen(f64::NAN, None, &none);
        assert_eq!((e.value, e.peak), (None, Some(1.0)));
        e.step(Stage::Firing, 5);
        assert_eq!(e.moments[3].at, 3_000, "no step lies before the one before it");
    }

    #[test]
    fn everything_is_bounded() {
        let mut e = episode();
        for i in 0..200 {
            e.step(if i % 2 == 0 { Stage::Acknowledged } else { Stage::Firing }, i);
            e.told(Receipt {
                at: i,
                receiver: String::new(),
                integration: String::new(),
                key: String::new(),
                group: 0,
                said: Said::Again,
                outcome: Fate::Pending,
                ended_at: None,
            });
        }
        assert_eq!((e.moments.len(), e.receipts.len()), (MOMENTS_MAX, RECEIPTS_MAX));
        assert_eq!((e.notifications, e.receipts[0].at, e.receipts[31].at), (200, 0, 199));
        let long = "ä".repeat(10_000);
        let large = bounded([("a".to_owned(), long.clone()), ("job".to_owned(), long)].into());
        assert_eq!(large.keys().collect::<Vec<_>>(), ["job"]);
        assert_eq!(large["job"].len(), TITLE_BYTES_MAX);
        e.show(&[("summary".to_owned(), "é".repeat(400))].into());
        assert_eq!(e.title.len(), TITLE_BYTES_MAX);
    }
}
