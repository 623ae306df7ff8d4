//! What is watched, and in which order when not all can be: [`named`] expressions of a host, the inputs
//! of rules, those of dashboards, everything of hosts, the rest that the configuration wants.
//!
//! Whoever has readers of series (rules, dashboards) tells of them through a [`WatchSource`]. Which
//! series of these sets are fit to be watched, and whether as they are or as a rate, is decided by their
//! names in [`names`]: a result of analysis or of a rule's state never is.

pub(crate) mod named;
pub(crate) mod names;
mod sets;

use plimsoll_model::{Matcher, Result};
use plimsoll_query::LabelMatcher;

pub(crate) use sets::Sets;

/// Who reads a series. The order is that in which they are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// A rule.
    Rules,
    /// A dashboard.
    Dashboards,
}

/// Series that somebody reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Who.
    pub reader: Reader,
    /// Which.
    pub matchers: Vec<LabelMatcher>,
    /// Whether somebody asked to be told of anomalies in them.
    pub chosen: bool,
}

/// Tells which series are read. Asked every few steps, on the thread of analysis.
pub trait WatchSource: Send + Sync {
    /// What is read now, the most important first. Selectors beyond 2,000 of all sources together are
    /// not heeded.
    fn inputs(&self) -> Vec<Input>;
}

/// The order in which series are served when not all can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rank {
    /// A named expression.
    Named,
    Rules,
    Dashboards,
    /// A series of a host.
    Host,
    /// One that `analysis.watch` wants.
    Rest,
}

impl From<Reader> for Rank {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Rules => Self::Rules,
            Reader::Dashboards => Self::Dashboards,
        }
    }
}

/// The matchers of a selector, ready to be tried.
pub(crate) fn compiled(matchers: &[LabelMatcher]) -> Result<Vec<Matcher>> {
    matchers.iter().map(LabelMatcher::compiled).collect()
}
