//! What is due: flushes, merges of closed days, removal of old parts. Pure: facts in, actions out.
//!
//! The clock guard stands before everything that depends on what day it is: after a jump of the
//! wall clock nothing is removed and no day is closed until the new time is confirmed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use plimsoll_model::{SourceId, Tier};

use crate::filenames::DAY_MS;
use crate::manifest::{PartEntry, State, TierEntry};
use crate::rollup::{TIERS, partition_days, tier_days};

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
/// Parts of one partition of a tier that are not worth a merge: each sample is then written about
/// twice a month.
const TIER_PARTS_MAX: usize = 8;
/// Late samples that are worth one: a twentieth of the day.
const LATE_SHARE: u64 = 20;

/// What the planner looks at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Wall time, ms.
    pub now: i64,
    /// Whether the wall time is believed.
    pub clock_ok: bool,
    /// What the manifest says.
    pub state: &'a State,
    /// Names of parts that cannot be opened: nothing can be made of their days.
    pub unreadable: &'a HashSet<String>,
    /// Days to which parts were added a moment ago.
    pub growing: &'a HashSet<i64>,
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
    /// Age of the oldest raw sample that is kept, ms.
    pub retention_ms: i64,
    /// Age of the oldest bucket that is kept, ms, of each tier in the order of `TIERS`.
    pub tier_retention_ms: [i64; TIERS.len()],
    /// Bytes of all parts; at more the oldest raw days go, then the oldest buckets. `u64::MAX` = no
    /// limit.
    pub size_max: u64,
    /// Nothing younger is removed for its size, ms.
    pub min_keep_ms: i64,
    /// A day is rolled up this long after its end, ms.
    pub roll_after_ms: i64,
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
    /// Build the tiers of this day.
    RollUp(i64),
    /// Join these parts of a partition of a tier.
    MergeTier(Tier, Vec<String>),
    /// Remove these tier parts.
    RemoveTiers(Vec<String>),
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
    let state = facts.state;
    let old = state.parts.values().filter(|p| p.range.end < oldest);
    let mut old: Vec<_> = old.map(|p| (p.day, p.id.clone())).collect();
    let mut old_tiers: Vec<_> = expired_tiers(facts).map(|p| p.id.clone()).collect();
    too_large(facts, &mut old, &mut old_tiers);
    let first = worth_rolling_first(facts, &old);
    old.retain(|(_, id)| {
        let days = state.parts.values().find(|p| p.id == *id).map(|p| tier_days(p.range));
        !days.is_some_and(|mut days| days.any(|day| first.contains(&day)))
    });
    due.extend(first.into_iter().map(Action::RollUp));
    if !old.is_empty() {
        due.push(Action::Remove(old.clone()));
    }
    if !old_tiers.is_empty() {
        due.push(Action::RemoveTiers(old_tiers.clone()));
    }
    let gone: HashSet<&String> = old.iter().map(|(_, id)| id).chain(&old_tiers).collect();
    due.extend(closed_days(facts, &gone).map(|(day, ids)| Action::Merge(day, ids)));
    due.extend(unrolled_days(facts, &gone).into_iter().map(Action::RollUp));
    for (tier, ids) in partitions(state) {
        let left: Vec<_> = ids.into_iter().filter(|id| !gone.contains(id)).collect();
        if left.len() > TIER_PARTS_MAX {
            due.push(Action::MergeTier(tier, left));
        }
    }
    due
}

/// Days of parts that are about to go and that no tier has yet, though one would keep them: they are
/// rolled up first, and their parts go in the next round.
fn worth_rolling_first(facts: &Facts<'_>, old: &[(i64, String)]) -> BTreeSet<i64> {
    let state = facts.state;
    let longest = facts.limits.tier_retention_ms.into_iter().max().unwrap_or(0);
    if longest <= facts.limits.retention_ms {
        return BTreeSet::new();
    }
    let kept_from = facts.now.saturating_sub(longest);
    let going: HashSet<&String> = old.iter().map(|(_, id)| id).collect();
    let parts = state.parts.values().filter(|p| going.contains(&p.id));
    let days: BTreeSet<i64> = parts.flat_map(|p| tier_days(p.range)).collect();
    let broken = state.parts.values().filter(|p| facts.unreadable.contains(&p.id));
    let broken: BTreeSet<i64> = broken.flat_map(|p| tier_days(p.range)).collect();
    let lacks = |day: &i64| TIERS.iter().any(|t| !state.cover.contains_key(&(*t, *day)));
    let whole = |day: &i64| state.raw_from.is_none_or(|from| day * DAY_MS + 1 >= from);
    days.difference(&broken)
        .copied()
        .filter(|day| lacks(day) && whole(day) && (day + 1) * DAY_MS >= kept_from)
        .collect()
}

/// Tier parts of which every day is older than the tier is kept.
fn expired_tiers<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f TierEntry> {
    let state = facts.state;
    state.tier_parts.values().filter(|p| {
        let at = TIERS.iter().position(|t| *t == p.tier).unwrap_or(0);
        let oldest = facts.now.saturating_sub(facts.limits.tier_retention_ms[at]);
        last_day(state, p).is_none_or(|day| (day + 1) * DAY_MS < oldest)
    })
}

/// The last day that a tier part speaks for; `None` when it was replaced on all of them.
fn last_day(state: &State, p: &TierEntry) -> Option<i64> {
    let mine = state.cover.iter().filter(|(_, id)| **id == p.id);
    mine.map(|((_, day), _)| *day).max()
}

/// Adds what has to go so that the rest fits: the oldest raw day first; when none may go, the
/// oldest part of the finest tier, and so on.
fn too_large(facts: &Facts<'_>, old: &mut Vec<(i64, String)>, old_tiers: &mut Vec<String>) {
    let state = facts.state;
    let limits = facts.limits;
    let mut bytes: u64 = state.parts.values().map(|p| p.bytes).sum();
    bytes += state.tier_parts.values().map(|p| p.bytes).sum::<u64>();
    let young = facts.now.saturating_sub(limits.min_keep_ms);
    let raw = state.parts.values().filter(|p| p.range.end < young);
    let mut candidates: Vec<(u8, i64, bool, &String, u64)> =
        raw.map(|p| (0, p.day, true, &p.id, p.bytes)).collect();
    for p in state.tier_parts.values() {
        let day = last_day(state, p).unwrap_or(i64::MIN);
        if day.saturating_mul(DAY_MS) < young {
            let finest = TIERS.iter().position(|t| *t == p.tier).unwrap_or(0) as u8;
            candidates.push((finest + 1, p.day, false, &p.id, p.bytes));
        }
    }
    candidates.sort_unstable();
    let gone: HashSet<String> =
        old.iter().map(|(_, id)| id.clone()).chain(old_tiers.iter().cloned()).collect();
    for (_, day, raw, id, size) in candidates {
        let already = gone.contains(id);
        if bytes <= limits.size_max && !already {
            continue;
        }
        bytes = bytes.saturating_sub(size);
        match (already, raw) {
            (true, _) => {}
            // The whole day: a rest of it would look as if nothing were missing.
            (false, true) => {
                let day_parts = state.parts.values().filter(|p| p.day == day && p.id != *id);
                for p in day_parts.filter(|p| !gone.contains(&p.id)) {
                    if !old.iter().any(|(_, o)| *o == p.id) {
                        bytes = bytes.saturating_sub(p.bytes);
                        old.push((day, p.id.clone()));
                    }
                }
                if !old.iter().any(|(_, o)| o == id) {
                    old.push((day, id.clone()));
                }
            }
            (false, false) => old_tiers.push(id.clone()),
        }
    }
}

/// Days whose raw samples settled and of which a tier has nothing yet.
fn unrolled_days(facts: &Facts<'_>, gone: &HashSet<&String>) -> Vec<i64> {
    let state = facts.state;
    let closed = facts.now.saturating_sub(facts.limits.roll_after_ms);
    let mut days: BTreeSet<i64> = BTreeSet::new();
    let mut blocked: BTreeSet<i64> = BTreeSet::new();
    for p in state.parts.values() {
        let mine = tier_days(p.range);
        let growing = facts.growing.contains(&p.day);
        if growing || facts.unreadable.contains(&p.id) || gone.contains(&p.id) {
            blocked.extend(mine);
        } else {
            days.extend(mine);
        }
    }
    let whole = |day: &i64| state.raw_from.is_none_or(|from| day * DAY_MS + 1 >= from);
    let lacks = |day: &i64| TIERS.iter().any(|t| !state.cover.contains_key(&(*t, *day)));
    days.difference(&blocked)
        .copied()
        .filter(|day| (day + 1) * DAY_MS <= closed && whole(day) && lacks(day))
        .collect()
}

/// The parts of each partition of each tier.
pub fn partitions(state: &State) -> Vec<(Tier, Vec<String>)> {
    let mut all: BTreeMap<(Tier, i64), Vec<String>> = BTreeMap::new();
    for p in state.tier_parts.values() {
        let partition = p.day.div_euclid(partition_days(p.tier));
        all.entry((p.tier, partition)).or_default().push(p.id.clone());
    }
    all.into_iter().map(|((tier, _), ids)| (tier, ids)).collect()
}

fn closed_days<'f>(
    facts: &'f Facts<'_>,
    gone: &HashSet<&String>,
) -> impl Iterator<Item = (i64, Vec<String>)> + use<'f> {
    let mut days: BTreeMap<i64, Vec<&PartEntry>> = BTreeMap::new();
    for p in facts.state.parts.values().filter(|p| !gone.contains(&p.id)) {
        days.entry(p.day).or_default().push(p);
    }
    let cut: HashSet<&String> = facts.state.tombstones.values().flat_map(|t| &t.pending).collect();
    let closed = facts.now.saturating_sub(facts.limits.merge_after_ms);
    days.into_iter()
        .filter(move |(day, parts)| {
            let due = worth_a_merge(parts) || parts.iter().any(|p| cut.contains(&p.id));
            (day + 1) * DAY_MS <= closed && due && !facts.growing.contains(day)
        })
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

    fn state(parts: &[PartEntry]) -> State {
        let keyed = parts.iter().map(|p| ((p.day, p.id.clone()), p.clone()));
        let mut state = State { parts: keyed.collect(), ..State::default() };
        for p in parts {
            for tier in TIERS {
                for day in tier_days(p.range) {
                    state.cover.insert((tier, day), String::new());
                }
            }
        }
        state
    }

    fn facts(state: &State, now: i64) -> Facts<'_> {
        static QUIET: std::sync::LazyLock<HashSet<i64>> = std::sync::LazyLock::new(HashSet::new);
        static NONE: std::sync::LazyLock<HashSet<String>> = std::sync::LazyLock::new(HashSet::new);
        Facts {
            now,
            clock_ok: true,
            state,
            unreadable: &NONE,
            growing: &QUIET,
            head_samples: 0,
            head_bytes: 0,
            head_age: Duration::ZERO,
            ended: false,
            wal_bytes: 0,
            full: false,
            limits: Limits {
                retention_ms: 35 * DAY_MS,
                tier_retention_ms: [365 * DAY_MS, 1825 * DAY_MS],
                size_max: u64::MAX,
                min_keep_ms: DAY_MS,
                roll_after_ms: 48 * HOUR,
                merge_after_ms: HOUR,
                flush_age: Duration::from_secs(1800),
                flush_bytes: 1000,
                wal_bytes: 1000,
            },
        }
    }

    #[test]
    fn a_day_is_merged_an_hour_after_its_end() {
        let parts = state(&[part(10, "a", 0, 5), part(10, "b", 0, 5)]);
        assert_eq!(plan(&facts(&parts, 11 * DAY_MS + HOUR - 1)), []);
        let merge = Action::Merge(10, vec!["a".into(), "b".into()]);
        assert_eq!(plan(&facts(&parts, 11 * DAY_MS + HOUR)), [merge]);
        let growing = HashSet::from([10]);
        let busy = Facts { growing: &growing, ..facts(&parts, 12 * DAY_MS) };
        assert_eq!(plan(&busy), []);
        let done = state(&[part(10, "c", 2, 100), part(10, "late", 0, 5)]);
        assert_eq!(plan(&facts(&done, 11 * DAY_MS + HOUR)), []);
        let late = state(&[part(10, "c", 2, 100), part(10, "late", 0, 6)]);
        assert_eq!(plan(&facts(&late, 11 * DAY_MS + HOUR)).len(), 1);
    }

    #[test]
    fn old_parts_go_unless_the_clock_is_doubted() {
        let parts = state(&[part(10, "a", 2, 5), part(60, "b", 0, 5)]);
        let now = 60 * DAY_MS;
        assert_eq!(plan(&facts(&parts, now)), [Action::Remove(vec![(10, "a".into())])]);
        assert_eq!(plan(&Facts { clock_ok: false, ..facts(&parts, now) }), []);
    }

    #[test]
    fn a_settled_day_is_rolled_up_once() {
        let mut state = state(&[part(10, "a", 2, 5)]);
        state.cover.clear();
        let after = 11 * DAY_MS + 48 * HOUR;
        assert_eq!(plan(&facts(&state, after - 1)), [Action::RollUp(9)]);
        // A sample at midnight belongs to the tier day before.
        assert_eq!(plan(&facts(&state, after)), [Action::RollUp(9), Action::RollUp(10)]);
        state.raw_from = Some(10 * DAY_MS);
        assert_eq!(plan(&facts(&state, after)), [Action::RollUp(10)]);
        let unreadable = HashSet::from(["a".to_owned()]);
        assert_eq!(plan(&Facts { unreadable: &unreadable, ..facts(&state, after) }), []);
    }

    #[test]
    fn by_size_the_oldest_of_the_finest_goes_first() {
        let mut state = state(&[part(10, "a", 2, 5), part(11, "b", 2, 5), part(13, "c", 2, 5)]);
        let tier = TierEntry {
            tier: TIERS[1],
            day: 2,
            id: "t".to_owned(),
            series: 1,
            samples: 1,
            bytes: 1,
            created: 0,
        };
        state.tier_parts.insert("t".to_owned(), tier);
        state.cover.insert((TIERS[1], 2), "t".to_owned());
        let now = 13 * DAY_MS + HOUR;
        let with = |size_max| {
            let quiet = facts(&state, now);
            plan(&Facts { limits: Limits { size_max, ..quiet.limits }, ..quiet })
        };
        let id = |day, id: &str| (day, id.to_owned());
        assert_eq!(with(4), []);
        assert_eq!(with(3), [Action::Remove(vec![id(10, "a")])]);
        let all = Action::Remove(vec![id(10, "a"), id(11, "b")]);
        // The last part is too young to go.
        assert_eq!(with(0), [all, Action::RemoveTiers(vec!["t".to_owned()])]);
    }

    #[test]
    fn a_generation_ends_by_age_size_log_or_need() {
        let none = State::default();
        let quiet = facts(&none, 0);
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
