//! Series that stopped: their target is up and they have no samples any more.
//!
//! A series that comes and goes is given three times its longest gap before it counts as stopped. A
//! target is down when its `up` says so, or when none of its watched series has values any more; its
//! series are then not told one by one. Each is told once, with since when, until it comes back or is
//! forgotten.

use std::collections::{BTreeMap, HashMap, HashSet};

use plimsoll_model::{
    DAY_MS, HOUR_MS, LabelScratch, Labels, MINUTE_MS, Matcher, Scratch, Snapshot, TimeRange,
    Timestamp,
};
use serde::Serialize;

use crate::fold::{background, late_ms};
use crate::scores::{Scores, pairs};
use crate::watched::Watched;

/// Values that a series had before its end is worth a word.
const POINTS_MIN: u32 = 60;
/// Gaps of a series that comes and goes count up to here, ms.
const GAP_MAX: i64 = 6 * HOUR_MS;
/// A stop is told for so long, ms.
const TOLD_MS: i64 = DAY_MS;
/// Stopped series on the list; all are counted.
const TOLD_MAX: usize = 500;
/// Targets of which `up` is read.
const TARGETS_MAX: usize = 20_000;

/// A series that stopped while its target is up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stopped {
    /// What.
    pub series: String,
    /// Whose: its labels without the metric's name, sorted by name.
    pub labels: Vec<(String, String)>,
    /// When its last value was, ms since the epoch.
    pub since_ms: Timestamp,
}

/// What stopped, as of the last look.
#[derive(Default)]
pub(crate) struct Stops {
    told: BTreeMap<(String, Labels), Timestamp>,
    /// Series that stopped so far.
    pub(crate) total: u64,
    /// Targets that are down.
    pub(crate) down: usize,
}

type Target = (String, String);

impl Stops {
    /// Looks at all watched series.
    pub(crate) fn look(
        &mut self,
        scores: &Scores,
        snapshot: &dyn Snapshot,
        step: i64,
        at: Timestamp,
    ) {
        let fresh_ms = late_ms(step) + 5 * MINUTE_MS;
        let is_fresh = |w: &&Watched| w.last().is_some_and(|last| last > at - fresh_ms);
        let fresh: HashSet<Target> = scores.all().filter(is_fresh).map(target).collect();
        let ups = ups(snapshot, at, fresh_ms);
        let targets: HashSet<Target> = scores.all().map(target).collect();
        let is_up = |t: &Target| fresh.contains(t) && ups.get(t).is_none_or(|up| *up);
        self.down = targets.iter().filter(|t| !is_up(t)).count();
        let mut now_stopped = BTreeMap::new();
        for w in scores.all() {
            let Some(last) = w.last() else { continue };
            let wait = fresh_ms.max(3 * w.longest_gap.min(GAP_MAX));
            let silent = at - last;
            let counts = w.detector.points() >= POINTS_MIN && silent > wait && silent < TOLD_MS;
            if counts && is_up(&target(w)) {
                now_stopped.insert((w.name().to_owned(), w.labels.clone()), last);
            }
        }
        for ((series, labels), since) in &now_stopped {
            if !self.told.contains_key(&(series.clone(), labels.clone())) {
                self.total += 1;
                tracing::info!(series, %labels, since, "a series stopped while its target is up");
            }
        }
        self.told = now_stopped;
    }

    /// How many are told.
    pub(crate) fn len(&self) -> usize {
        self.told.len()
    }

    /// The list, the newest first.
    pub(crate) fn list(&self) -> Vec<Stopped> {
        let of = |((series, labels), since): (&(String, Labels), &Timestamp)| Stopped {
            series: series.clone(),
            labels: pairs(labels),
            since_ms: *since,
        };
        let mut all: Vec<Stopped> = self.told.iter().map(of).collect();
        all.sort_by_key(|s| std::cmp::Reverse(s.since_ms));
        all.truncate(TOLD_MAX);
        all
    }
}

fn target(w: &Watched) -> Target {
    target_of(&w.labels)
}

fn target_of(labels: &Labels) -> Target {
    let of = |name| labels.get(name).unwrap_or_default().to_owned();
    (of("job"), of("instance"))
}

/// What `up` says of targets.
fn ups(snapshot: &dyn Snapshot, at: Timestamp, fresh_ms: i64) -> HashMap<Target, bool> {
    let range = TimeRange::new(at - fresh_ms, at);
    let (hint, cx) = (plimsoll_model::Hint::range(range), background());
    let mut all = HashMap::new();
    let Ok(found) = snapshot.select(&[Matcher::equal("__name__", "up")], &hint, &cx) else {
        return all;
    };
    let (mut scratch, mut names) = (Scratch::new(), LabelScratch::default());
    for i in 0..found.len().min(TARGETS_MAX) {
        let labels = found.shared_labels(i, &mut names);
        if let Ok(Some(last)) = found.last(i, range, &mut scratch, &cx) {
            all.insert(target_of(&labels), last.float > 0.0);
        }
    }
    all
}
