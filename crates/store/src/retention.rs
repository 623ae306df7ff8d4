//! What is due: flushes, merges of closed days, removal of old parts. Pure: facts in, actions out.
//!
//! The clock guard stands before everything that depends on what day it is: after a jump of the
//! wall clock nothing is removed and no day is closed until the new time is confirmed.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use plimsoll_model::SourceId;

use crate::filenames::DAY_MS;
use crate::manifest::PartEntry;

/// A forward jump beyond this is not believed: an hour is more than any daylight mistake of a
/// running NTP, and far less than retention.
const JUMP_MS: i64 = 3_600_000;
/// Steps back within this are what NTP does every day.
const STEP_BACK_MS: i64 = 2_000;
/// Sources whose samples have to agree with the new time.
const SOURCES: usize = 3;
/// A clock that went on evenly for this long is believed without witnesses: a host alone has none.
const STEADY: Duration = Duration::from_secs(86_400);
/// The same after a start that found a later time than was noted: mostly the machine was off, and
/// one that runs for hours a day would never be believed otherwise.
const STEADY_AFTER_START: Duration = Duration::from_secs(3_600);
/// Late parts beside the day's part that are not worth a merge.
const LATE_PARTS_MAX: usize = 8;
/// Late samples that are worth one: a twentieth of the day.
const LATE_SHARE: u64 = 20;

/// What the planner looks at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Wall time, ms.
    pub now: i64,
    /// Whether the wall time is believed.
    pub clock_ok: bool,
    /// All parts.
    pub parts: &'a [PartEntry],
    /// Samples in the current generation.
    pub head_samples: u64,
    /// Bytes in the head.
    pub head_bytes: u64,
    /// How old the current generation is.
    pub head_age: Duration,
    /// Whether an ended generation waits.
    pub ended: bool,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Whether the disk is full.
    pub full: bool,
    /// Limits.
    pub limits: Limits,
}

/// When things are due.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Age of the oldest sample that is kept, ms.
    pub retention_ms: i64,
    /// A day is merged this long after its end, ms.
    pub merge_after_ms: i64,
    /// A generation ends at this age.
    pub flush_age: Duration,
    /// A generation ends at this size.
    pub flush_bytes: u64,
    /// A generation ends when the log has this size.
    pub wal_bytes: u64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the generation and write it to parts.
    Flush,
    /// Write the generation that ended already.
    FlushEnded,
    /// Remove these parts (day, name).
    Remove(Vec<(i64, String)>),
    /// Merge these parts of a day into its part.
    Merge(i64, Vec<String>),
}

/// What is due now, most urgent first.
pub fn plan(facts: &Facts<'_>) -> Vec<Action> {
    let mut due = Vec::new();
    let limits = facts.limits;
    let grown = facts.head_bytes >= limits.flush_bytes
        || facts.wal_bytes >= limits.wal_bytes
        || facts.head_age >= limits.flush_age
        || facts.full;
    if facts.head_samples > 0 && grown {
        due.push(Action::Flush);
    } else if facts.ended {
        due.push(Action::FlushEnded);
    }
    if !facts.clock_ok {
        return due;
    }
    let oldest = facts.now.saturating_sub(limits.retention_ms);
    let old = facts.parts.iter().filter(|p| p.range.end < oldest);
    let old: Vec<_> = old.map(|p| (p.day, p.id.clone())).collect();
    if !old.is_empty() {
        due.push(Action::Remove(old));
    }
    due.extend(closed_days(facts, oldest).map(|(day, ids)| Action::Merge(day, ids)));
    due
}

fn closed_days<'f>(
    facts: &'f Facts<'_>,
    oldest: i64,
) -> impl Iterator<Item = (i64, Vec<String>)> + use<'f> {
    let mut days: BTreeMap<i64, Vec<&PartEntry>> = BTreeMap::new();
    for p in facts.parts.iter().filter(|p| p.range.end >= oldest) {
        days.entry(p.day).or_default().push(p);
    }
    let closed = facts.now.saturating_sub(facts.limits.merge_after_ms);
    days.into_iter()
        .filter(move |(day, parts)| (day + 1) * DAY_MS <= closed && worth_a_merge(parts))
        .map(|(day, parts)| (day, parts.iter().map(|p| p.id.clone()).collect()))
}

fn worth_a_merge(parts: &[&PartEntry]) -> bool {
    let samples = |wanted: bool| -> u64 {
        parts.iter().filter(|p| (p.level == 2) == wanted).map(|p| p.samples).sum()
    };
    let (day, late) = (samples(true), samples(false));
    let late_parts = parts.iter().filter(|p| p.level != 2).count();
    let day_parts = parts.len() - late_parts;
    day_parts > 1
        || (late_parts > 0 && day_parts == 0)
        || late_parts > LATE_PARTS_MAX
        || late > day / LATE_SHARE && late_parts > 0
}

/// Watches the wall clock against the monotonic one.
#[derive(Debug)]
pub struct ClockGuard {
    wall_ms: i64,
    mono: Duration,
    suspended: Option<Suspension>,
}

#[derive(Debug)]
struct Suspension {
    /// The last wall time that was believed, ms.
    believed_ms: i64,
    since: Duration,
    /// How long the clock has to go on evenly.
    steady: Duration,
    witnesses: HashSet<SourceId>,
}

impl ClockGuard {
    /// A guard that starts now; `noted` is the wall time in the manifest.
    pub fn new(noted: Option<i64>, wall_ms: i64, mono: Duration) -> Self {
        let mut guard = Self { wall_ms, mono, suspended: None };
        if let Some(noted) = noted
            && (wall_ms > noted.saturating_add(JUMP_MS) || wall_ms < noted - STEP_BACK_MS)
        {
            guard.suspend(noted);
            if let Some(s) = &mut guard.suspended
                && wall_ms > noted
            {
                s.steady = STEADY_AFTER_START;
            }
        }
        guard
    }

    fn suspend(&mut self, believed_ms: i64) {
        if self.suspended.is_none() {
            tracing::warn!(
                believed_ms,
                now_ms = self.wall_ms,
                "wall clock jumped: retention waits"
            );
        }
        let believed_ms = self.suspended.as_ref().map_or(believed_ms, |s| s.believed_ms);
        self.suspended = Some(Suspension {
            believed_ms,
            since: self.mono,
            steady: STEADY,
            witnesses: HashSet::new(),
        });
    }

    /// Looks at both clocks.
    pub fn observe(&mut self, wall_ms: i64, mono: Duration) {
        let passed = crate::config::ms(mono.saturating_sub(self.mono));
        let before = self.wall_ms;
        let expected = before.saturating_add(passed);
        (self.wall_ms, self.mono) = (wall_ms, mono);
        if wall_ms > expected.saturating_add(JUMP_MS) || wall_ms < before - STEP_BACK_MS {
            self.suspend(before);
        } else if let Some(s) = &self.suspended
            && mono.saturating_sub(s.since) >= s.steady
        {
            self.confirm();
        }
    }

    /// A source sent a sample close to the present wall time.
    pub fn witness(&mut self, source: &SourceId) {
        if let Some(s) = &mut self.suspended {
            s.witnesses.insert(source.clone());
            if s.witnesses.len() >= SOURCES {
                self.confirm();
            }
        }
    }

    /// The time is right: an operator, or enough sources, say so.
    pub fn confirm(&mut self) {
        if self.suspended.take().is_some() {
            tracing::info!(now_ms = self.wall_ms, "wall clock confirmed: retention goes on");
        }
    }

    /// Whether retention and closing of days go on.
    pub fn is_ok(&self) -> bool {
        self.suspended.is_none()
    }

    /// The wall time that retention may count from: not beyond what was believed.
    pub fn retention_now(&self, wall_ms: i64) -> i64 {
        self.suspended.as_ref().map_or(wall_ms, |s| s.believed_ms.min(wall_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::SeqRange;
    use plimsoll_model::TimeRange;

    const HOUR: i64 = 3_600_000;

    fn part(day: i64, id: &str, level: u8, samples: u64) -> PartEntry {
        PartEntry {
            day,
            id: id.to_owned(),
            level,
            range: TimeRange::new(day * DAY_MS, day * DAY_MS + 1),
            seq: SeqRange::new(1, 1),
            series: 1,
            samples,
            bytes: 1,
        }
    }

    fn facts(parts: &[PartEntry], now: i64) -> Facts<'_> {
        Facts {
            now,
            clock_ok: true,
            parts,
            head_samples: 0,
            head_bytes: 0,
            head_age: Duration::ZERO,
            ended: false,
            wal_bytes: 0,
            full: false,
            limits: Limits {
                retention_ms: 35 * DAY_MS,
                merge_after_ms: HOUR,
                flush_age: Duration::from_secs(1800),
                flush_bytes: 1000,
                wal_bytes: 1000,
            },
        }
    }

    #[test]
    fn a_day_is_merged_an_hour_after_its_end() {
        let parts = [part(10, "a", 0, 5), part(10, "b", 0, 5)];
        assert_eq!(plan(&facts(&parts, 11 * DAY_MS + HOUR - 1)), []);
        let merge = Action::Merge(10, vec!["a".into(), "b".into()]);
        assert_eq!(plan(&facts(&parts, 11 * DAY_MS + HOUR)), [merge]);
        let done = [part(10, "c", 2, 100), part(10, "late", 0, 5)];
        assert_eq!(plan(&facts(&done, 11 * DAY_MS + HOUR)), []);
        let late = [part(10, "c", 2, 100), part(10, "late", 0, 6)];
        assert_eq!(plan(&facts(&late, 11 * DAY_MS + HOUR)).len(), 1);
    }

    #[test]
    fn old_parts_go_unless_the_clock_is_doubted() {
        let parts = [part(10, "a", 2, 5), part(60, "b", 0, 5)];
        let now = 60 * DAY_MS;
        assert_eq!(plan(&facts(&parts, now)), [Action::Remove(vec![(10, "a".into())])]);
        assert_eq!(plan(&Facts { clock_ok: false, ..facts(&parts, now) }), []);
    }

    #[test]
    fn a_generation_ends_by_age_size_log_or_need() {
        let quiet = facts(&[], 0);
        let busy = Facts { head_samples: 1, ..quiet.clone() };
        assert_eq!(plan(&busy), []);
        for due in [
            Facts { head_bytes: 1000, ..busy.clone() },
            Facts { wal_bytes: 1000, ..busy.clone() },
            Facts { head_age: Duration::from_secs(1800), ..busy.clone() },
            Facts { full: true, ..busy },
        ] {
            assert_eq!(plan(&due), [Action::Flush]);
        }
        assert_eq!(plan(&Facts { ended: true, ..quiet }), [Action::FlushEnded]);
    }

    #[test]
    fn the_guard_wants_witnesses_an_operator_or_a_steady_day() {
        let second = Duration::from_secs(1);
        let fresh = || {
            let mut g = ClockGuard::new(Some(0), 1000, second);
            assert!(g.is_ok());
            g.observe(1000 + JUMP_MS + 2000, 2 * second);
            assert!(!g.is_ok());
            assert_eq!(g.retention_now(i64::MAX), 1000);
            g
        };
        let mut g = fresh();
        for source in ["a", "b", "a", "c"] {
            assert!(!g.is_ok());
            g.witness(&SourceId::new(source));
        }
        assert!(g.is_ok());
        let mut g = fresh();
        g.confirm();
        assert!(g.is_ok());
        let mut g = fresh();
        g.observe(1000 + JUMP_MS + 2000 + DAY_MS, 2 * second + STEADY);
        assert!(g.is_ok());
        g.observe(5, 3 * second + STEADY);
        assert!(!g.is_ok());
        let mut g = ClockGuard::new(Some(0), JUMP_MS + 1, second);
        assert!(!g.is_ok());
        g.observe(2 * JUMP_MS + 1, second + STEADY_AFTER_START);
        assert!(g.is_ok());
    }
}
