//! What a rule remembers between evaluations, and what changes in it.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::{Labels, Timestamp};
use serde::{Deserialize, Serialize};

/// How far an alert has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// There was one; it is over, or it went away before it fired.
    Inactive,
    /// The condition holds, but not yet for as long as the rule asks.
    Pending,
    /// It fires.
    Firing,
}

impl AlertState {
    /// The name in the API and in the `alertstate` label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert of a rule: one element of its expression's result. Times in ms since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Labels, `alertname` and the rule's included.
    pub labels: BTreeMap<String, String>,
    /// Texts for people, as last shown.
    pub annotations: BTreeMap<String, String>,
    /// How far it has come.
    pub state: AlertState,
    /// Value at the last evaluation at which it was there.
    #[serde(with = "float_text")]
    pub value: f64,
    /// The number that the value crossed, if its rule compares with one.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Since when its condition holds.
    pub active_at: Timestamp,
    /// Since when it fires.
    pub fired_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Since when it fires only because of `keep_firing_for`.
    pub kept_since: Option<Timestamp>,
}

/// What a rule remembers. Keyed by the alert's canonical labels printed as a text, so that it reads
/// the same in records, in tests and in the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    /// The alerts that are pending or firing.
    pub active: BTreeMap<String, Alert>,
    /// Alerts that hold too, and of which nothing is told or shown: one of a higher severity fires for
    /// the same element.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masked: BTreeMap<String, Alert>,
    /// Series that the last evaluation wrote: those missing in the next one get a staleness marker.
    pub written: Vec<BTreeMap<String, String>>,
    /// When the rule was last evaluated, ms; evaluation times never go back.
    pub last_at: Option<Timestamp>,
    /// What a rule of the kind absence saw. Not kept: after a restart it is read from the store anew.
    #[serde(skip)]
    pub seen: Seen,
}

/// When series sent something last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// By series, ms; at most [`REMEMBERED_MAX`](crate::kinds::REMEMBERED_MAX).
    pub(crate) last: HashMap<Labels, Timestamp>,
    /// Up to when was looked.
    pub(crate) until: Option<Timestamp>,
}

/// One step of one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When, ms since the epoch.
    pub at: Timestamp,
    /// From.
    pub from: AlertState,
    /// To.
    pub to: AlertState,
    /// The alert after the step.
    pub alert: Alert,
}

impl Alert {
    /// Its labels as a set.
    pub fn label_set(&self) -> Labels {
        labels_of(&self.labels)
    }

    /// The name under which it is kept.
    pub fn key(&self) -> String {
        self.label_set().to_string()
    }
}

/// A label set from a map. Labels that are too large are left out: they were admitted before.
pub(crate) fn labels_of(map: &BTreeMap<String, String>) -> Labels {
    Labels::new(map.iter().map(|(n, v)| (n.as_str(), v.as_str())))
        .unwrap_or_else(|_| Labels::empty())
}

/// A map from a label set.
pub(crate) fn map_of(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

/// JSON has no NaN and no infinity: values are kept as texts.
mod float_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&x.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is not a number")))
    }
}
