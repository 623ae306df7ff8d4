//! What the router works with: the tree of routes, inhibition rules, time intervals, receivers. Checked.
//!
//! An alert goes down the tree: of the children that it passes, the first takes it, and the next ones too
//! while each before has `continue`; a node without a child that takes it takes it itself.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{Matcher, Timestamp};

use super::calendar::TimeInterval;
use super::inhibition::InhibitRule;
use super::matching::{all_match, shown};
use crate::config::receivers::Receiver;
use crate::template::Templates;

/// A checked Alertmanager configuration, from a file of its own or from our section `alert`.
#[derive(Clone, Debug)]
pub struct Routing {
    /// How long an alert that was posted without an end goes on, ms.
    pub resolve_timeout_ms: i64,
    /// The tree in pre-order; the first is the root. Never empty.
    pub routes: Vec<Route>,
    /// Which alerts mute which.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Parts of the calendar by name; one of them must fit.
    pub intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// Who can be told.
    pub receivers: Vec<Receiver>,
    /// Patterns of template files.
    pub templates: Vec<String>,
    /// The named templates: the standard ones and those of the files.
    pub named: Templates,
    /// The configuration as YAML without secrets.
    pub original: String,
}

/// A node of the tree. Times in ms.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its path of matchers, `{}/{team="a"}`, as group keys show it.
    pub key: String,
    /// The key, made unique among nodes with the same one.
    pub id: String,
    /// What an alert must pass.
    pub matchers: Vec<Matcher>,
    /// The receiver's name.
    pub receiver: String,
    /// By what alerts are gathered.
    pub group_by: GroupBy,
    /// How long a new group waits for more.
    pub group_wait_ms: i64,
    /// Time between messages of a group that changed.
    pub group_interval_ms: i64,
    /// Time after which an unchanged group is told again.
    pub repeat_interval_ms: i64,
    /// Intervals in which nothing is told.
    pub mute: Vec<String>,
    /// Intervals outside of which nothing is told, if there are any.
    pub active: Vec<String>,
    /// Whether the siblings that follow are asked too.
    pub goes_on: bool,
    /// Places of the children.
    pub children: Vec<usize>,
}

/// By what alerts are gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// All labels: each alert is a group.
    All,
    /// These labels.
    Labels(BTreeSet<String>),
}

impl Default for Routing {
    /// One route to nobody.
    fn default() -> Self {
        let root = Route {
            key: "{}".to_owned(),
            id: "{}".to_owned(),
            matchers: Vec::new(),
            receiver: String::new(),
            group_by: GroupBy::Labels(["alertname".to_owned()].into()),
            group_wait_ms: 1_000,
            group_interval_ms: 60_000,
            repeat_interval_ms: 4 * 3_600_000,
            mute: Vec::new(),
            active: Vec::new(),
            goes_on: false,
            children: Vec::new(),
        };
        Self {
            resolve_timeout_ms: 5 * 60_000,
            routes: vec![root],
            inhibit_rules: Vec::new(),
            intervals: BTreeMap::new(),
            receivers: Vec::new(),
            templates: Vec::new(),
            named: Templates::standard(),
            original: String::new(),
        }
    }
}

impl Routing {
    /// The places of the routes that take an alert with these labels, in order.
    pub fn matching(&self, labels: &BTreeMap<String, String>) -> Vec<usize> {
        let mut found = Vec::new();
        self.descend(0, labels, &mut found);
        found
    }

    fn descend(
        &self,
        at: usize,
        labels: &BTreeMap<String, String>,
        found: &mut Vec<usize>,
    ) -> bool {
        let route = &self.routes[at];
        if !all_match(&route.matchers, labels) {
            return false;
        }
        let before = found.len();
        for child in &route.children {
            if self.descend(*child, labels, found) && !self.routes[*child].goes_on {
                break;
            }
        }
        if found.len() == before {
            found.push(at);
        }
        true
    }

    /// Whether a route tells nothing at `at`, and the names of the intervals that say so: those that mute,
    /// or the active ones, when it is outside of all of them.
    pub fn muted_by_calendar(&self, route: &Route, at: Timestamp) -> Option<Vec<String>> {
        let fits = |name: &&String| {
            self.intervals.get(*name).is_some_and(|list| list.iter().any(|i| i.contains(at)))
        };
        let mut saying: Vec<String> = route.mute.iter().filter(fits).cloned().collect();
        if !route.active.iter().any(|n| fits(&n)) {
            saying.extend(route.active.iter().cloned());
        }
        (!saying.is_empty()).then_some(saying)
    }

    /// The receiver of this name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|r| r.name == name)
    }

    /// Gives every route its key and a name of its own. To be called when the tree is complete.
    pub fn name_routes(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut left = vec![(0, String::new())];
        while let Some((at, above)) = left.pop() {
            let key = match above.as_str() {
                "" => shown(&self.routes[at].matchers),
                above => format!("{above}/{}", shown(&self.routes[at].matchers)),
            };
            let nth = seen.entry(key.clone()).or_default();
            *nth += 1;
            let route = &mut self.routes[at];
            route.id = if *nth == 1 { key.clone() } else { format!("{key}#{nth}") };
            route.key.clone_from(&key);
            left.extend(route.children.iter().rev().map(|c| (*c, key.clone())));
        }
    }
}

impl Route {
    /// The labels by which an alert is gathered here.
    pub fn group_labels(&self, labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        match &self.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(by) => labels
                .iter()
                .filter(|(name, _)| by.contains(*name))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect(),
        }
    }
}
