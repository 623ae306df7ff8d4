//! What alerting rules watch: elements of an expression as in Prometheus, or one of the kinds of ours,
//! and what becomes of a rule that fails or finds nothing to look at.
//!
//! `threshold`, `trend`, `anomaly` and `prediction` are all a value per series that crosses numbers
//! ([`Levels`]); they differ in the PromQL that they are compiled to. `absence` remembers series
//! ([`Absence`]). Invariant: `Rule::query` of a kind is PromQL that anybody can ask, and where
//! [`Levels::is_plain`], exactly what the rule fires for.

use plimsoll_model::Labels;
use plimsoll_query::Query;

pub(super) mod compile;
pub(super) mod grades;
pub(super) mod read;

/// Severities of one rule.
pub const LEVELS_MAX: usize = 10;
/// Series that a rule of the kind absence remembers; more is an error of the rule.
pub const REMEMBERED_MAX: usize = 200_000;

/// What an alerting rule watches.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Each element of the expression's result is an alert: Prometheus' `alert`.
    Elements {
        /// The number with which the expression compares, if it compares with one.
        threshold: Option<f64>,
        /// What is compared, to tell "nothing passes" from "there is nothing".
        data: Option<Query>,
    },
    /// A value per series crosses a number.
    Levels(Box<Levels>),
    /// A series that was there sends nothing.
    Absence(Box<Absence>),
}

/// A value per series, and the numbers that it may cross.
#[derive(Clone, Debug)]
pub struct Levels {
    /// `threshold`, `trend`, `anomaly` or `prediction`.
    pub kind: &'static str,
    /// The value of each series.
    pub value: Query,
    /// Whether values above the numbers are bad; otherwise those below.
    pub above: bool,
    /// At least one, at most [`LEVELS_MAX`], the least severe first: each is farther out than the last.
    pub levels: Vec<Level>,
    /// How much must be going on for the value to mean something.
    pub minimum: Option<Minimum>,
}

/// A number that a value may cross.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The value of the label `severity`; empty = the rule does not set it.
    pub severity: String,
    /// The number; finite.
    pub threshold: f64,
    /// An alert that fires goes away only when its value is past this number, which lies on the quiet
    /// side of the threshold.
    pub clear: Option<f64>,
}

/// The least traffic.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// How much there is.
    pub query: Query,
    /// There is enough when it is greater than this.
    pub above: f64,
}

/// Series that should go on sending.
#[derive(Clone, Debug)]
pub struct Absence {
    /// When each series that sent something within `over` did so last, seconds.
    pub recent: Query,
    /// The same within `piece`, to look farther back piece by piece.
    pub earlier: Query,
    /// How long a series may be silent, ms.
    pub over_ms: i64,
    /// How far `earlier` looks, ms.
    pub piece_ms: i64,
    /// How long a series is remembered, ms, above `over_ms`.
    pub remember_ms: i64,
    /// Labels of the alert when nothing is remembered, as `absent()` would give them.
    pub labels: Labels,
}

/// What becomes of the alerts of a rule that cannot be evaluated or has nothing to look at. The
/// defaults are Prometheus'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When the rule cannot be evaluated.
    pub on_error: OnError,
    /// When the expression gives nothing at all.
    pub on_no_data: OnNoData,
}

/// What an evaluation that fails does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Alerts stay as they are.
    #[default]
    Keep,
    /// As `Keep`, and an alert with `health="error"` becomes active.
    Fire,
}

/// What an evaluation without anything to look at does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNoData {
    /// Alerts are over.
    #[default]
    Ok,
    /// Alerts stay as they are.
    Keep,
    /// Alerts are over, and one with `health="no_data"` becomes active.
    Fire,
}

impl Condition {
    /// The kind as the API names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Elements { .. } => "expression",
            Self::Levels(levels) => levels.kind,
            Self::Absence(_) => "absence",
        }
    }

    /// Queries beside `Rule::query` that are asked at evaluations.
    pub(crate) fn queries(&self) -> Vec<&Query> {
        match self {
            Self::Elements { data, .. } => data.iter().collect(),
            Self::Levels(l) => {
                std::iter::once(&l.value).chain(l.minimum.iter().map(|m| &m.query)).collect()
            }
            Self::Absence(a) => vec![&a.recent, &a.earlier],
        }
    }

    /// As [`Condition::queries`], to change them.
    pub(super) fn queries_mut(&mut self) -> Vec<&mut Query> {
        match self {
            Self::Elements { data, .. } => data.iter_mut().collect(),
            Self::Levels(l) => {
                let minimum = l.minimum.as_mut().map(|m| &mut m.query);
                std::iter::once(&mut l.value).chain(minimum).collect()
            }
            Self::Absence(a) => vec![&mut a.recent, &mut a.earlier],
        }
    }

    /// Severities with their numbers, the least severe first; nothing where there are none.
    pub fn thresholds(&self) -> Vec<(String, f64)> {
        match self {
            Self::Elements { threshold, .. } => {
                threshold.iter().map(|t| (String::new(), *t)).collect()
            }
            Self::Levels(l) => l.levels.iter().map(|l| (l.severity.clone(), l.threshold)).collect(),
            Self::Absence(_) => Vec::new(),
        }
    }
}

impl Levels {
    /// Whether a value crosses the number.
    pub fn passes(&self, value: f64, level: &Level) -> bool {
        if self.above { value > level.threshold } else { value < level.threshold }
    }

    /// Whether an alert that fires goes on with a value that does not cross the number any more.
    pub fn lingers(&self, value: f64, level: &Level) -> bool {
        level.clear.is_some_and(|clear| if self.above { value >= clear } else { value <= clear })
    }

    /// Whether it is a comparison and nothing else: what fires depends on one evaluation only.
    pub fn is_plain(&self) -> bool {
        self.minimum.is_none() && matches!(&self.levels[..], [level] if level.clear.is_none())
    }
}

/// The step that alerts of a rule without grades reach.
pub(crate) fn only(levels: &[Level]) -> Option<&Level> {
    if let [level] = levels { Some(level) } else { None }
}
