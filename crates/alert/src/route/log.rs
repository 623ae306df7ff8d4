//! What a group told one integration last, and whether there is something new: Alertmanager's
//! notification log.

use std::collections::BTreeSet;

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

/// What was told last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// When, ms since the epoch.
    pub at: Timestamp,
    /// The key of that message.
    pub key: String,
    /// Alerts that fired in it.
    pub firing: BTreeSet<u64>,
    /// Alerts that were over in it.
    pub resolved: BTreeSet<u64>,
}

/// Whether an integration must hear of these alerts at `now`. Without `repeat_ms` nothing is said again.
pub fn is_news(
    told: Option<&Told>,
    firing: &BTreeSet<u64>,
    resolved: &BTreeSet<u64>,
    sends_resolved: bool,
    repeat_ms: Option<i64>,
    now: Timestamp,
) -> bool {
    let Some(told) = told else { return !firing.is_empty() };
    if !firing.is_subset(&told.firing) {
        return true;
    }
    if firing.is_empty() {
        // Also for those who do not hear of ends: what fires next is new to them.
        return !told.firing.is_empty();
    }
    if sends_resolved && !resolved.is_subset(&told.resolved) {
        return true;
    }
    // A clock that was set back must not keep repeats away until it catches up.
    repeat_ms.is_some_and(|ms| now < told.at || now - told.at >= ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_what_fires_anew_what_ends_and_what_was_long_ago() {
        let set = |list: &[u64]| list.iter().copied().collect::<BTreeSet<_>>();
        let told = Told { at: 100, firing: set(&[1, 2]), resolved: set(&[3]), ..Told::default() };
        let news = |firing: &[u64], resolved: &[u64], sends, now| {
            is_news(Some(&told), &set(firing), &set(resolved), sends, Some(50), now)
        };
        assert!(is_news(None, &set(&[1]), &set(&[]), true, Some(50), 0));
        assert!(
            !is_news(None, &set(&[]), &set(&[1]), true, Some(50), 0),
            "never told that it fired"
        );
        assert!(news(&[4], &[], true, 110));
        assert!(!news(&[1], &[3], true, 110));
        assert!(news(&[1], &[2], true, 110));
        assert!(!news(&[1], &[2], false, 110), "does not want to hear of ends");
        assert!(news(&[], &[1, 2], false, 110));
        assert!(!news(&[1, 2], &[], true, 149));
        assert!(news(&[1, 2], &[], true, 150));
        assert!(news(&[1, 2], &[], true, 99), "the clock was set back");
        assert!(!news(&[1, 2], &[], true, 100));
        let quiet = |firing: &[u64], resolved: &[u64], now| {
            is_news(Some(&told), &set(firing), &set(resolved), true, None, now)
        };
        assert!(!quiet(&[1, 2], &[], 9_000) && !quiet(&[1, 2], &[], 99));
        assert!(quiet(&[1, 4], &[], 101) && quiet(&[1], &[2], 101) && quiet(&[], &[1, 2], 101));
    }
}
