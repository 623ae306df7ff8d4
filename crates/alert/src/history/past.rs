//! What is known of all episodes that are kept, in a few bytes each, and statistics over them.
//!
//! Kept are the [`FIRED_MAX`] newest that fired and the [`UNFIRED_MAX`] newest that did not.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{DAY_MS, HOUR_MS, Timestamp};

use super::episode::{Episode, RuleName, Said};

/// Episodes that fired and are over, and are kept.
pub const FIRED_MAX: usize = 10_000;
/// Episodes that were over before they fired, and are kept.
pub const UNFIRED_MAX: usize = 1_000;
/// So many episodes of one alert that begin to fire within [`FLAPPING_MS`] are flapping.
pub const FLAPPING: usize = 4;
/// See [`FLAPPING`].
pub const FLAPPING_MS: i64 = HOUR_MS;
/// Length of a week, ms.
const WEEK_MS: i64 = 7 * DAY_MS;
/// Rules in statistics; the least noisy are left out.
pub const RULES_MAX: usize = 1_000;

/// An episode that is over, without its texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Its id.
    pub id: String,
    /// Its alert.
    pub fingerprint: u64,
    /// Its rule.
    pub rule: RuleName,
    /// Since when its condition held.
    pub active_at: Timestamp,
    /// Since when it fired.
    pub fired_at: Option<Timestamp>,
    /// When somebody took care of it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was over; `None` while it is not.
    pub ended_at: Option<Timestamp>,
    /// Messages that told of it.
    pub notifications: u64,
    /// Messages that said for the first time that it fires: when, and which look at which group.
    pub pages: Vec<(Timestamp, u64)>,
}

impl Past {
    /// What matters of an episode.
    pub fn of(e: &Episode) -> Self {
        // One look at a group is one page, by however many integrations it is told.
        let page = |at: Timestamp, group: u64| {
            (at, xxhash_rust::xxh3::xxh3_64(format!("{at} {group}").as_bytes()))
        };
        let first = e.receipts.iter().filter(|r| r.said == Said::Firing);
        let mut pages: Vec<_> = first.map(|r| page(r.at, r.group)).collect();
        pages.dedup();
        Self {
            id: e.id.clone(),
            fingerprint: e.fingerprint,
            rule: e.rule.clone(),
            active_at: e.active_at,
            fired_at: e.fired_at,
            acknowledged_at: e.first_acknowledged_at(),
            ended_at: e.ended_at,
            notifications: e.notifications,
            pages,
        }
    }

    fn touches(&self, from: Timestamp, to: Timestamp) -> bool {
        self.active_at <= to && self.ended_at.is_none_or(|end| end >= from)
    }
}

/// Which episodes are wanted. Times in ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpisodeQuery {
    /// Only of rules of this name.
    pub rule: Option<String>,
    /// Only of this alert.
    pub fingerprint: Option<u64>,
    /// Only what was not over before.
    pub from: Option<Timestamp>,
    /// Only what had begun then.
    pub to: Option<Timestamp>,
    /// At most so many, the newest first.
    pub limit: usize,
}

impl EpisodeQuery {
    /// Whether an episode is wanted.
    pub fn wants(&self, p: &Past) -> bool {
        let (from, to) = (self.from.unwrap_or(i64::MIN), self.to.unwrap_or(i64::MAX));
        self.rule.as_ref().is_none_or(|name| *name == p.rule.name)
            && self.fingerprint.is_none_or(|fp| fp == p.fingerprint)
            && p.touches(from, to)
    }
}

/// All that are over and kept, by id.
#[derive(Debug, Default)]
pub struct Pasts {
    fired: BTreeMap<String, Past>,
    unfired: BTreeMap<String, Past>,
    forgotten: u64,
}

impl Pasts {
    /// Adds one, or what is new of it; ids of those that are too many now.
    pub fn put(&mut self, past: Past) -> Vec<String> {
        let (all, max) = match past.fired_at {
            Some(_) => (&mut self.fired, FIRED_MAX),
            None => (&mut self.unfired, UNFIRED_MAX),
        };
        all.insert(past.id.clone(), past);
        let mut gone = Vec::new();
        while all.len() > max {
            gone.extend(all.pop_first().map(|(id, _)| id));
        }
        self.forgotten += gone.len() as u64;
        gone
    }

    /// Whether one is kept.
    pub fn has(&self, id: &str) -> bool {
        self.fired.contains_key(id) || self.unfired.contains_key(id)
    }

    /// Number of those that are kept, and of those that were let go since the start.
    pub fn counts(&self) -> (usize, u64) {
        (self.fired.len() + self.unfired.len(), self.forgotten)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Past> {
        self.fired.values().chain(self.unfired.values())
    }
}

/// How noisy a rule is, and how quickly people see to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleStatistics {
    /// Episodes that began to fire in the time.
    pub episodes: u64,
    /// Time for which its alerts fired, together, ms; only the part within the time.
    pub firing_ms: i64,
    /// Of those that began in the time and were acknowledged: mean time from firing to that, ms.
    pub to_acknowledge_ms: Option<f64>,
    /// Of those that began in the time and are over: mean time from firing to the end, ms.
    pub to_resolve_ms: Option<f64>,
    /// Messages that told of episodes that began in the time. One that tells of several alerts counts for
    /// each.
    pub notifications: u64,
    /// Whether one of its alerts began to fire [`FLAPPING`] times within [`FLAPPING_MS`].
    pub is_flapping: bool,
    /// Looks at groups that told something new that fires, by however many integrations.
    pub pages: u64,
    /// The same per week.
    pub pages_per_week: f64,
}

/// Statistics by rule, the noisiest first (pages, then episodes, then time), and over all.
pub fn statistics<'p>(
    all: impl Iterator<Item = &'p Past>,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> (Vec<(RuleName, RuleStatistics)>, RuleStatistics) {
    let weeks = ((to - from).max(1)) as f64 / WEEK_MS as f64;
    let mut rules: BTreeMap<&RuleName, Sums> = BTreeMap::new();
    let mut total = Sums::default();
    for p in all.filter(|p| p.touches(from, to)) {
        rules.entry(&p.rule).or_default().add(p, from, to, now);
        total.add(p, from, to, now);
    }
    let mut list: Vec<(RuleName, RuleStatistics)> = rules
        .into_iter()
        .filter(|(_, s)| s.has_fired)
        .map(|(rule, s)| (rule.clone(), s.done(weeks)))
        .collect();
    list.sort_by(|(a, x), (b, y)| {
        let noise = |s: &RuleStatistics| (s.pages, s.episodes, s.firing_ms);
        noise(y).cmp(&noise(x)).then_with(|| a.cmp(b))
    });
    list.truncate(RULES_MAX);
    (list, total.done(weeks))
}

#[derive(Default)]
struct Sums {
    has_fired: bool,
    episodes: u64,
    firing_ms: i64,
    acknowledged: (u64, i64),
    resolved: (u64, i64),
    notifications: u64,
    pages: BTreeSet<u64>,
    starts: BTreeMap<u64, Vec<Timestamp>>,
}

impl Sums {
    fn add(&mut self, p: &Past, from: Timestamp, to: Timestamp, now: Timestamp) {
        let Some(fired) = p.fired_at else { return };
        self.has_fired = true;
        let end = p.ended_at.unwrap_or(now).min(to);
        self.firing_ms += (end - fired.max(from)).max(0);
        let in_time = |at: Timestamp| (from..=to).contains(&at);
        let pages = p.pages.iter().filter(|(at, _)| in_time(*at));
        self.pages.extend(pages.map(|(_, page)| page));
        if !in_time(fired) {
            return;
        }
        self.episodes += 1;
        self.notifications += p.notifications;
        self.starts.entry(p.fingerprint).or_default().push(fired);
        if let Some(at) = p.acknowledged_at {
            self.acknowledged.0 += 1;
            self.acknowledged.1 += (at - fired).max(0);
        }
        if let Some(at) = p.ended_at {
            self.resolved.0 += 1;
            self.resolved.1 += (at - fired).max(0);
        }
    }

    fn done(mut self, weeks: f64) -> RuleStatistics {
        let mean = |(n, sum): (u64, i64)| (n > 0).then(|| sum as f64 / n as f64);
        RuleStatistics {
            episodes: self.episodes,
            firing_ms: self.firing_ms,
            to_acknowledge_ms: mean(self.acknowledged),
            to_resolve_ms: mean(self.resolved),
            notifications: self.notifications,
            is_flapping: self.starts.values_mut().any(|starts| is_flapping(starts)),
            pages: self.pages.len() as u64,
            pages_per_week: self.pages.len() as f64 / weeks,
        }
    }
}

fn is_flapping(starts: &mut [Timestamp]) -> bool {
    starts.sort_unstable();
    starts.windows(FLAPPING).any(|w| w[FLAPPING - 1] - w[0] <= FLAPPING_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn past(rule: &str, fp: u64, fired: i64, ended: Option<i64>) -> Past {
        Past {
            id: super::super::episode::id(fired * MINUTE, &format!("{rule} {fp}")),
            fingerprint: fp,
            rule: RuleName { name: rule.into(), ..RuleName::default() },
            active_at: fired * MINUTE,
            fired_at: Some(fired * MINUTE),
            acknowledged_at: Some((fired + 1) * MINUTE).filter(|_| fp == 1),
            ended_at: ended.map(|m| m * MINUTE),
            notifications: 2,
            pages: vec![(fired * MINUTE, fired as u64)],
        }
    }

    #[test]
    fn statistics_are_of_the_time_that_is_asked_for() {
        let all = [
            past("Quiet", 9, 10, Some(20)),
            past("Loud", 1, 0, Some(10)),
            past("Loud", 1, 30, Some(40)),
            past("Loud", 2, 30, None),
            past("Loud", 1, 500, Some(501)),
        ];
        let (rules, total) = statistics(all.iter(), 5 * MINUTE, 60 * MINUTE, 100 * MINUTE);
        assert_eq!(rules.len(), 2);
        let (name, loud) = &rules[0];
        assert_eq!((name.name.as_str(), loud.episodes, loud.pages), ("Loud", 2, 1));
        // 5 min of the first, 10 of the second, 30 of the one that still fires.
        assert_eq!(loud.firing_ms, 45 * MINUTE);
        assert_eq!(loud.to_acknowledge_ms, Some(MINUTE as f64));
        assert_eq!(loud.to_resolve_ms, Some(10.0 * MINUTE as f64));
        assert_eq!((loud.notifications, loud.is_flapping), (4, false));
        assert!((loud.pages_per_week - 7.0 * 24.0 * 60.0 / 55.0).abs() < 1e-9);
        assert_eq!((total.episodes, total.pages), (3, 2));
        assert_eq!(rules[1].1.to_acknowledge_ms, None);
    }

    #[test]
    fn four_beginnings_within_an_hour_are_flapping() {
        let flaps = |minutes: [i64; 4], fps: [u64; 4]| {
            let all: Vec<Past> =
                minutes.iter().zip(fps).map(|(m, fp)| past("F", fp, *m, Some(m + 1))).collect();
            statistics(all.iter(), 0, 1_000 * MINUTE, 0).0[0].1.is_flapping
        };
        assert!(flaps([60, 0, 20, 40], [1; 4]));
        assert!(!flaps([0, 20, 40, 61], [1; 4]), "not within an hour");
        assert!(!flaps([0, 20, 40, 60], [1, 1, 2, 2]), "not one alert");
    }

    #[test]
    fn the_oldest_go_and_those_that_never_fired_push_out_no_other() {
        let mut pasts = Pasts::default();
        pasts.put(past("F", 1, 0, Some(1)));
        for i in 0..=UNFIRED_MAX as i64 {
            let gone = pasts.put(Past { fired_at: None, ..past("P", 1, i + 1, Some(i + 1)) });
            assert_eq!(gone.len(), usize::from(i == UNFIRED_MAX as i64));
        }
        assert_eq!(pasts.counts(), (UNFIRED_MAX + 1, 1));
        assert!(pasts.iter().any(|p| p.rule.name == "F"));
    }

    #[test]
    fn a_query_chooses_by_rule_alert_and_time() {
        let p = past("F", 7, 10, Some(20));
        let wants = |q: EpisodeQuery| q.wants(&p);
        assert!(wants(EpisodeQuery::default()));
        assert!(!wants(EpisodeQuery { rule: Some("G".into()), ..Default::default() }));
        assert!(!wants(EpisodeQuery { fingerprint: Some(8), ..Default::default() }));
        assert!(wants(EpisodeQuery { from: Some(20 * MINUTE), ..Default::default() }));
        assert!(!wants(EpisodeQuery { from: Some(20 * MINUTE + 1), ..Default::default() }));
        assert!(!wants(EpisodeQuery { to: Some(10 * MINUTE - 1), ..Default::default() }));
    }
}
