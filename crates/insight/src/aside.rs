//! Series that are set aside: what cannot be read or is no number. The others go on.

use std::collections::HashMap;

use plimsoll_model::{Fp, HOUR_MS, Timestamp};
use serde::Serialize;

use crate::scores::pairs;
use crate::watched::Watched;

/// Series that are told of at most; more are counted.
const ASIDES_MAX: usize = 1_000;
/// How long a series stays on the list after it was last seen to be wrong, ms.
const KEPT_MS: i64 = HOUR_MS;

/// A watched series that is not judged at present.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aside {
    /// What.
    pub series: String,
    /// Whose: its labels without the metric's name, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Why, for people.
    pub reason: String,
    /// Since when, ms since the epoch.
    pub since_ms: Timestamp,
    #[serde(skip)]
    seen: Timestamp,
}

/// Why a series is set aside.
pub(crate) enum Why {
    NotANumber,
    Unreadable(String),
}

/// Those that are set aside.
#[derive(Default)]
pub(crate) struct Asides {
    of: HashMap<Fp, Aside>,
    /// Series that were set aside so far.
    pub(crate) total: u64,
}

impl Asides {
    /// Takes note of how a series is.
    pub(crate) fn note(&mut self, fp: Fp, watched: &Watched, why: Option<Why>, at: Timestamp) {
        let Some(why) = why else {
            if !self.of.is_empty() {
                self.of.remove(&fp);
            }
            return;
        };
        if let Some(known) = self.of.get_mut(&fp) {
            known.seen = at;
            return;
        }
        self.total += 1;
        if self.of.len() >= ASIDES_MAX {
            return;
        }
        let reason = match why {
            Why::NotANumber => "its samples are not numbers".to_owned(),
            Why::Unreadable(e) => format!("it cannot be read: {e}"),
        };
        tracing::warn!(series = %watched.labels, reason, "a watched series is set aside");
        let (series, labels) = (watched.name().to_owned(), pairs(&watched.labels));
        self.of.insert(fp, Aside { series, labels, reason, since_ms: at, seen: at });
    }

    /// Forgets those that are gone.
    pub(crate) fn forget(&mut self, at: Timestamp) {
        self.of.retain(|_, a| a.seen > at - KEPT_MS);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.of.len()
    }

    /// The list, longest first.
    pub(crate) fn list(&self) -> Vec<Aside> {
        let mut all: Vec<Aside> = self.of.values().cloned().collect();
        all.sort_by(|a, b| {
            (a.since_ms, &a.series, &a.labels).cmp(&(b.since_ms, &b.series, &b.labels))
        });
        all
    }
}
