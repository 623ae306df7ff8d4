//! Which times changed when: what a result cache asks before it gives an old answer.
//!
//! Every applied batch counts up and leaves its number on the slots of time that its samples touch;
//! what changes more than samples of one time (deletions, retention, damage) leaves it on everything.
//! The version of a range is the greatest number in it. At most [`SLOTS_MAX`] slots are told apart:
//! beyond, the older half shares one number, so that late data there make more answers old than they
//! must. Numbers start anew with the process, as caches do.

use std::collections::BTreeMap;

use plimsoll_model::TimeRange;

/// Width of a slot, ms.
const SLOT_MS: i64 = 300_000;
/// Slots told apart: about half a MiB, eight weeks of them.
const SLOTS_MAX: usize = 16_384;
/// Slots that one batch may touch one by one; a wider one touches everything.
const SPAN_MAX: i64 = 2_048;

/// Numbers of changes by slots of time.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// Of the last change.
    latest: u64,
    /// Of the last change of everything.
    everything: u64,
    /// Of the last change before the first slot that is told apart.
    older: u64,
    slots: BTreeMap<i64, u64>,
}

impl Versions {
    /// The number of the last change.
    pub const fn latest(&self) -> u64 {
        self.latest
    }

    /// Samples of these times came; nothing for an empty range.
    pub fn touched(&mut self, times: TimeRange) {
        if times.is_empty() {
            return;
        }
        let (first, last) = (times.start.div_euclid(SLOT_MS), times.end.div_euclid(SLOT_MS));
        if last - first >= SPAN_MAX {
            return self.changed();
        }
        self.latest += 1;
        for slot in first..=last {
            self.slots.insert(slot, self.latest);
        }
        if self.slots.len() > SLOTS_MAX {
            let middle = self.slots.keys().nth(SLOTS_MAX / 2).copied().unwrap_or(first);
            let kept = self.slots.split_off(&middle);
            let older = std::mem::replace(&mut self.slots, kept);
            self.older = older.into_values().fold(self.older, u64::max);
        }
    }

    /// Anything may have changed.
    pub fn changed(&mut self) {
        self.latest += 1;
        self.everything = self.latest;
    }

    /// The version of a range as it was when `latest` was the last change; `None` when it changed
    /// since.
    pub fn of(&self, range: TimeRange, latest: u64) -> Option<u64> {
        let slots = range.start.div_euclid(SLOT_MS)..=range.end.div_euclid(SLOT_MS);
        let before = self.slots.first_key_value().is_some_and(|(first, _)| slots.start() < first);
        let known = self.everything.max(if before { self.older } else { 0 });
        if range.is_empty() {
            return Some(self.everything).filter(|v| *v <= latest);
        }
        let version = self.slots.range(slots).map(|(_, v)| *v).fold(known, u64::max);
        Some(version).filter(|v| *v <= latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn hour(n: i64) -> TimeRange {
        TimeRange::new(n * HOUR, (n + 1) * HOUR - 1)
    }

    #[test]
    fn only_what_is_touched_gets_a_new_version() {
        let mut v = Versions::default();
        v.touched(hour(5));
        let before = v.of(hour(3), v.latest());
        v.touched(TimeRange::new(4 * HOUR, 4 * HOUR));
        assert_eq!(v.of(hour(3), v.latest()), before);
        v.touched(TimeRange::new(4 * HOUR - 1, 4 * HOUR - 1));
        assert_ne!(v.of(hour(3), v.latest()), before);
        assert_eq!(v.of(hour(5), v.latest()), Some(1));
        v.changed();
        assert_eq!(v.of(hour(5), v.latest()), Some(v.latest()));
    }

    #[test]
    fn a_cut_from_before_a_change_has_no_version_where_it_changed() {
        let mut v = Versions::default();
        v.touched(hour(5));
        let cut = v.latest();
        v.touched(hour(7));
        assert_eq!(v.of(hour(5), cut), Some(cut));
        assert_eq!(v.of(hour(7), cut), None);
        v.changed();
        assert_eq!(v.of(hour(5), cut), None);
    }

    #[test]
    fn many_slots_are_bounded_and_never_hide_a_change() {
        let mut v = Versions::default();
        let all = 3 * SLOTS_MAX as i64;
        for slot in 0..all {
            v.touched(TimeRange::new(slot * SLOT_MS, slot * SLOT_MS));
            assert!(v.slots.len() <= SLOTS_MAX);
        }
        let early = TimeRange::new(0, SLOT_MS);
        let before = v.of(early, v.latest()).unwrap();
        v.touched(early);
        assert!(v.of(early, v.latest()).unwrap() > before);
        let wide = TimeRange::new(0, SPAN_MAX * SLOT_MS);
        v.touched(wide);
        assert_eq!(v.of(hour(1_000_000), v.latest()), Some(v.latest()));
    }
}
