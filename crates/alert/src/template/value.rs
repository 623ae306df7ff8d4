//! Values of templates and their types, with the names that Go gives them in messages.
//!
//! Values are cheap to copy: what is large is shared. Maps made by `args` hold other values, at most
//! [`ARGS_DEPTH_MAX`] deep.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Zoned;
use plimsoll_model::{Labels, Timestamp};

/// Maps of `args` inside each other.
pub(super) const ARGS_DEPTH_MAX: usize = 16;

/// What is known of a value before a template runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Type {
    /// Anything.
    Any,
    Nil,
    Bool,
    Int,
    Float,
    Byte,
    Text,
    Html,
    Url,
    Time,
    Duration,
    Month,
    Weekday,
    Texts,
    /// Labels in rules.
    Labels,
    /// Labels and annotations in notifications.
    Kv,
    Args,
    Samples,
    Sample,
    Rule,
    Data,
    Alerts,
    AlertList,
    Alert,
    Pairs,
    Pair,
}

impl Type {
    /// The name that Go gives it.
    pub const fn go_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Nil => "nil",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Byte => "uint8",
            Self::Text => "string",
            Self::Html => "template.HTML",
            Self::Url => "template.URL",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
            Self::Texts => "[]string",
            Self::Labels => "map[string]string",
            Self::Kv => "template.KV",
            Self::Args => "map[string]interface {}",
            Self::Samples => "template.queryResult",
            Self::Sample => "*template.sample",
            Self::Rule => {
                "struct { Labels map[string]string; ExternalLabels map[string]string; \
                 ExternalURL string; Value interface {} }"
            }
            Self::Data => "*template.Data",
            Self::Alerts => "template.Alerts",
            Self::AlertList => "[]template.Alert",
            Self::Alert => "template.Alert",
            Self::Pairs => "template.Pairs",
            Self::Pair => "template.Pair",
        }
    }

    /// What the elements of a list or the values of a map are.
    pub const fn element(self) -> Self {
        match self {
            Self::Texts | Self::Labels | Self::Kv => Self::Text,
            Self::Samples => Self::Sample,
            Self::Alerts | Self::AlertList => Self::Alert,
            Self::Pairs => Self::Pair,
            Self::Int => Self::Int,
            _ => Self::Any,
        }
    }

    /// What the keys of a range are.
    pub const fn key(self) -> Self {
        match self {
            Self::Labels | Self::Kv | Self::Args => Self::Text,
            Self::Any => Self::Any,
            _ => Self::Int,
        }
    }
}

/// A shared text.
pub(super) type Text = Arc<str>;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Byte(u8),
    Text(Text),
    /// A text that is HTML already.
    Html(Text),
    /// A text that is a safe URL.
    Url(Text),
    Time(Box<Zoned>),
    /// Nanoseconds.
    Duration(i64),
    /// From 1.
    Month(i8),
    /// From 0, Sunday.
    Weekday(i8),
    Texts(Arc<[Text]>),
    Map(TextMap),
    Args(Arc<Args>),
    Samples(Arc<[Sample]>),
    Sample(Sample),
    Rule(Arc<RuleData>),
    Data(Arc<Data>),
    /// All alerts of a notification, or some of them.
    Alerts(Arc<[Arc<AlertData>]>, Whole),
    Alert(Arc<AlertData>),
    Pairs(Arc<[Pair]>),
    Pair(Pair),
}

/// Whether a list of alerts is that of the notification, which has methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    No,
}

/// A map from text to text.
#[derive(Clone, Debug)]
pub(super) struct TextMap {
    pub kind: MapKind,
    pub entries: Entries,
}

/// Whose map it is: that decides which methods it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapKind {
    Labels,
    Kv,
}

/// Where the entries of a map are.
#[derive(Clone, Debug)]
pub(super) enum Entries {
    Set(Labels),
    Tree(Arc<BTreeMap<String, String>>),
}

/// A map made by `args`.
#[derive(Debug)]
pub(super) struct Args {
    pub entries: BTreeMap<String, Value>,
    pub depth: usize,
}

/// An element of a query's result.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its labels, the metric's name as `__name__`.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// A name and a value.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub name: Text,
    pub value: Text,
}

/// What a template of a rule sees as its dot.
#[derive(Debug)]
pub(super) struct RuleData {
    pub labels: Labels,
    pub external_labels: Labels,
    pub external_url: Text,
    pub value: f64,
}

/// What a template of a notification sees as its dot; names as in Alertmanager, in our spelling.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// Name of the receiver.
    pub receiver: String,
    /// `firing` while one alert fires, else `resolved`.
    pub status: String,
    /// The alerts.
    pub alerts: Vec<Arc<AlertData>>,
    /// Why it is sent, in Alertmanager's words; may be empty.
    pub notification_reason: String,
    /// Labels by which the alerts were grouped.
    pub group_labels: Arc<BTreeMap<String, String>>,
    /// Labels that all alerts have.
    pub common_labels: Arc<BTreeMap<String, String>>,
    /// Annotations that all alerts have.
    pub common_annotations: Arc<BTreeMap<String, String>>,
    /// Where people reach this server.
    pub external_url: String,
    /// Names the group.
    pub group_key: String,
    /// Alerts left out of `alerts`.
    pub truncated_alerts: u64,
    /// What is known of the alerts beside their words; empty when nothing is.
    pub evidence: Arc<BTreeMap<String, String>>,
}

/// An alert in a notification.
#[derive(Clone, Debug, Default)]
pub struct AlertData {
    /// `firing` or `resolved`.
    pub status: String,
    /// Its labels.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Its annotations.
    pub annotations: Arc<BTreeMap<String, String>>,
    /// Since when it fires, ms since the epoch.
    pub starts_at_ms: Timestamp,
    /// When it was over, ms since the epoch; `None` is Go's zero time.
    pub ends_at_ms: Option<Timestamp>,
    /// A link to what gave it.
    pub generator_url: String,
    /// Its fingerprint, hexadecimal.
    pub fingerprint: String,
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A map of a notification.
    pub fn kv(map: &Arc<BTreeMap<String, String>>) -> Self {
        Self::Map(TextMap { kind: MapKind::Kv, entries: Entries::Tree(Arc::clone(map)) })
    }

    /// What it is.
    pub const fn kind(&self) -> Type {
        match self {
            Self::Nil => Type::Nil,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::Byte(_) => Type::Byte,
            Self::Text(_) => Type::Text,
            Self::Html(_) => Type::Html,
            Self::Url(_) => Type::Url,
            Self::Time(_) => Type::Time,
            Self::Duration(_) => Type::Duration,
            Self::Month(_) => Type::Month,
            Self::Weekday(_) => Type::Weekday,
            Self::Texts(_) => Type::Texts,
            Self::Map(map) => match map.kind {
                MapKind::Labels => Type::Labels,
                MapKind::Kv => Type::Kv,
            },
            Self::Args(_) => Type::Args,
            Self::Samples(_) => Type::Samples,
            Self::Sample(_) => Type::Sample,
            Self::Rule(_) => Type::Rule,
            Self::Data(_) => Type::Data,
            Self::Alerts(_, Whole::Yes) => Type::Alerts,
            Self::Alerts(_, Whole::No) => Type::AlertList,
            Self::Alert(_) => Type::Alert,
            Self::Pairs(_) => Type::Pairs,
            Self::Pair(_) => Type::Pair,
        }
    }

    /// Whether `if` takes it for true: not zero, not empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) | Self::Duration(n) => *n != 0,
            Self::Float(x) => *x != 0.0,
            Self::Byte(b) => *b != 0,
            Self::Month(n) | Self::Weekday(n) => *n != 0,
            Self::Time(_) | Self::Sample(_) | Self::Rule(_) | Self::Data(_) => true,
            Self::Alert(_) | Self::Pair(_) => true,
            other => other.len().is_none_or(|n| n > 0),
        }
    }

    /// The length of a text in bytes, or of a list or map.
    pub fn len(&self) -> Option<usize> {
        match self {
            Self::Text(t) | Self::Html(t) | Self::Url(t) => Some(t.len()),
            Self::Texts(list) => Some(list.len()),
            Self::Map(map) => Some(map.len()),
            Self::Args(map) => Some(map.entries.len()),
            Self::Samples(list) => Some(list.len()),
            Self::Alerts(list, _) => Some(list.len()),
            Self::Pairs(list) => Some(list.len()),
            _ => None,
        }
    }

    /// An element of a list or a byte of a text.
    pub fn at(&self, i: usize) -> Option<Self> {
        match self {
            Self::Text(t) | Self::Html(t) | Self::Url(t) => {
                t.as_bytes().get(i).map(|b| Self::Byte(*b))
            }
            Self::Texts(list) => list.get(i).map(|t| Self::Text(Arc::clone(t))),
            Self::Samples(list) => list.get(i).map(|s| Self::Sample(s.clone())),
            Self::Alerts(list, _) => list.get(i).map(|a| Self::Alert(Arc::clone(a))),
            Self::Pairs(list) => list.get(i).map(|p| Self::Pair(p.clone())),
            _ => None,
        }
    }

    /// Part of a list or text; `None` when it has no parts. `from <= to <= len` holds.
    pub fn part(&self, from: usize, to: usize) -> Option<Self> {
        Some(match self {
            Self::Text(t) => {
                Self::text(&String::from_utf8_lossy(t.as_bytes().get(from..to).unwrap_or_default()))
            }
            Self::Texts(list) => Self::Texts(list[from..to].into()),
            Self::Samples(list) => Self::Samples(list[from..to].into()),
            Self::Alerts(list, whole) => Self::Alerts(list[from..to].into(), *whole),
            Self::Pairs(list) => Self::Pairs(list[from..to].into()),
            _ => return None,
        })
    }
}

impl TextMap {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        match &self.entries {
            Entries::Set(labels) => labels.get(name),
            Entries::Tree(tree) => tree.get(name).map(String::as_str),
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Set(labels) => labels.len(),
            Entries::Tree(tree) => tree.len(),
        }
    }

    /// The entries in order of their names.
    pub fn iter(&self) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
        match &self.entries {
            Entries::Set(labels) => Box::new(labels.iter()),
            Entries::Tree(tree) => Box::new(tree.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
        }
    }

    /// The entries as pairs, `alertname` first.
    pub fn sorted_pairs(&self) -> Arc<[Pair]> {
        let is_name = |name: &str| name == "alertname";
        let first = self.iter().filter(|(n, _)| is_name(n));
        let rest = self.iter().filter(|(n, _)| !is_name(n));
        first.chain(rest).map(|(n, v)| Pair { name: n.into(), value: v.into() }).collect()
    }
}
