//! Assessments: for each host (`instance`) and service (`job`) and interval of five minutes: normal,
//! degraded or bad, with reasons, each one query from the numbers.
//!
//! Inputs are a table ([`INPUTS`]) of queries and verdicts, and the load lines. They are asked at the end
//! of the interval (*real-time*). A host or service that is known but has no data there is judged at its
//! newest data of the last hour (*delayed*), else of the last day (*historical*), and is degraded at
//! least; after a day it is not assessed any more: no data is not a state. Kept are changes of state and
//! one assessment an hour.
//!
//! Limits: [`GROUPS_MAX`] hosts and services, [`ENTRIES_MAX`] assessments in all, [`REASONS_MAX`] reasons
//! each.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{DAY_MS, HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::make::{shown, use_of};
use super::probe::{Probe, braces};
use crate::capacity::Resource;
use crate::issue::Point;

/// Length of an interval, ms.
pub const INTERVAL_MS: i64 = 5 * MINUTE_MS;
/// Hosts and services that are assessed, at most.
pub const GROUPS_MAX: usize = 500;
/// Assessments kept of all together.
pub const ENTRIES_MAX: usize = 20_000;
/// Reasons of one assessment.
pub const REASONS_MAX: usize = 5;
/// Groups without data that are asked for one by one in an interval.
const LATE_MAX: usize = 20;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nothing speaks against it.
    Normal,
    /// Something is wrong.
    Degraded,
    /// It does not do what it is for.
    Bad,
}

impl Health {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Degraded => "degraded",
            Self::Bad => "bad",
        }
    }
}

/// How fresh the data behind a result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataBasis {
    /// Of the moment that was asked for.
    #[serde(rename = "real-time")]
    RealTime,
    /// The newest within an hour.
    Delayed,
    /// Older.
    Historical,
}

impl DataBasis {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RealTime => "real-time",
            Self::Delayed => "delayed",
            Self::Historical => "historical",
        }
    }
}

/// What speaks against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// For people.
    pub text: String,
    /// Gives `value` at `at_ms`.
    pub query: String,
    /// When it was asked, ms.
    pub at_ms: Timestamp,
    /// What it gave.
    #[serde(with = "super::kept::exact")]
    pub value: f64,
}

/// How a host or service was over some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Start of the first interval, ms.
    pub from_ms: Timestamp,
    /// End of the last interval, ms.
    pub to_ms: Timestamp,
    /// How it was.
    pub state: Health,
    /// Why, as of the last interval; none when it was normal.
    pub reasons: Vec<Reason>,
    /// How fresh the data were.
    pub basis: DataBasis,
}

/// A host or a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// `instance` or `job`.
    pub by: String,
    /// The value of that label.
    pub name: String,
}

/// What was asked of one input: the verdict on its value, if it is bad news.
type Verdict = fn(f64) -> Option<(Health, String)>;

struct Input {
    /// `$by` is the label, `$m` the matchers of one group, or nothing.
    instance: &'static str,
    job: &'static str,
    verdict: Verdict,
}

const CRITICAL: &str =
    "count by ($by) (ALERTS{alertstate=\"firing\",severity=~\"critical|page\"$m})";
const FIRING: &str =
    "count by ($by) (ALERTS{alertstate=\"firing\",severity!~\"critical|page|info|none\"$m})";
const UNUSUAL: &str =
    "count by ($by) (max_over_time(plimsoll_anomaly_score{series!=\"\"$m}[5m]) >= 0.5)";
const ERRORS: &str = "sum by ($by) (rate(http_requests_total{code=~\"5..\"$m}[5m])) \
     / (sum by ($by) (rate(http_requests_total{code!=\"\"$m}[5m])) > 0)";

const INPUTS: &[Input] = &[
    Input {
        instance: "min by ($by) (up{instance!=\"\"$m})",
        job: "avg by ($by) (up{job!=\"\"$m})",
        verdict: |v| match v {
            v if v >= 1.0 => None,
            v if v < 0.5 => {
                Some((Health::Bad, format!("{} of its targets answer", shown(v, "ratio"))))
            }
            v => Some((Health::Degraded, format!("{} of its targets answer", shown(v, "ratio")))),
        },
    },
    Input {
        instance: CRITICAL,
        job: CRITICAL,
        verdict: |v| Some((Health::Bad, firing(v, "critical "))),
    },
    Input { instance: FIRING, job: FIRING, verdict: |v| Some((Health::Degraded, firing(v, ""))) },
    Input {
        instance: UNUSUAL,
        job: UNUSUAL,
        verdict: |v| {
            (v >= 3.0).then(|| (Health::Degraded, format!("{v:.0} of its series are unusual")))
        },
    },
    Input {
        instance: ERRORS,
        job: ERRORS,
        verdict: |v| match v {
            v if v >= 0.05 => {
                Some((Health::Bad, format!("{} of requests fail", shown(v, "ratio"))))
            }
            v if v >= 0.01 => {
                Some((Health::Degraded, format!("{} of requests fail", shown(v, "ratio"))))
            }
            _ => None,
        },
    },
];

/// So many alerts, in words.
fn firing(n: f64, which: &str) -> String {
    if n == 1.0 { format!("one {which}alert fires") } else { format!("{n:.0} {which}alerts fire") }
}

impl Input {
    fn query(&self, by: &str, name: Option<&str>) -> String {
        let template = if by == "job" { self.job } else { self.instance };
        let matcher = name.map_or_else(String::new, |name| {
            let braced = braces([(by, name)]);
            format!(",{}", braced.trim_start_matches('{').trim_end_matches('}'))
        });
        template.replace("$by", by).replace("$m", &matcher)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    group: Group,
    seen_ms: Timestamp,
    entries: Vec<Assessment>,
}

/// All assessments.
#[derive(Default)]
pub(crate) struct Assessments {
    groups: BTreeMap<Group, Kept>,
    changed: BTreeSet<Group>,
    gone: Vec<Group>,
    /// End of the newest interval.
    done_ms: Option<Timestamp>,
    pub(crate) lag_ms: i64,
    pub(crate) left_out: u64,
    pub(crate) made: u64,
}

/// What speaks against a group, and how much.
#[derive(Default)]
struct Found {
    reasons: Vec<(Health, Reason)>,
}

/// What a look says of one group.
pub(crate) struct Judged {
    group: Group,
    found: Found,
    basis: DataBasis,
    /// The time of its data, ms.
    data_ms: Timestamp,
}

/// Judges all groups at the end of an interval; `known` ones also where they have no data then.
pub(crate) fn judge(
    known: &[Group],
    resources: &[Resource],
    probe: &Probe<'_>,
    end: Timestamp,
) -> Vec<Judged> {
    let mut found = present(resources, probe, end);
    for by in ["instance", "job"] {
        for input in INPUTS {
            for (labels, value) in probe.vector(&input.query(by, None), end) {
                let Some(name) = labels.get(by).filter(|n| !n.is_empty()) else { continue };
                let group = Group { by: by.to_owned(), name: name.to_owned() };
                let of_group = found.entry(group).or_default();
                if let Some((health, text)) = (input.verdict)(value) {
                    let query = input.query(by, Some(name));
                    of_group.reasons.push((health, Reason { text, query, at_ms: end, value }));
                }
            }
        }
    }
    let absent = known.iter().filter(|g| !found.contains_key(g)).take(LATE_MAX);
    let mut judged: Vec<Judged> = absent.filter_map(|g| late(g, probe, end)).collect();
    judged.extend(found.into_iter().map(|(group, found)| Judged {
        group,
        found,
        basis: DataBasis::RealTime,
        data_ms: end,
    }));
    judged
}

/// A group that has no data at the end of the interval, judged at its newest.
fn late(group: &Group, probe: &Probe<'_>, end: Timestamp) -> Option<Judged> {
    let braced = braces([(group.by.as_str(), group.name.as_str())]);
    for (basis, window) in [(DataBasis::Delayed, "1h:1m"), (DataBasis::Historical, "1d:5m")] {
        let newest = |metric| format!("max(max_over_time(timestamp({metric}{braced})[{window}]))");
        let query = format!("max({} or {})", newest("up"), newest("node_boot_time_seconds"));
        let Some(seconds) = probe.number(&query, end) else { continue };
        let data_ms = (seconds * 1e3) as i64;
        let mut found = Found::default();
        let age = format!("{} - {query}", end as f64 / 1e3);
        if let Some(value) = probe.number(&age, end) {
            let text = format!("no data for {}", super::make::lasting(value));
            let reason = Reason { text, query: age, at_ms: end, value };
            found.reasons.push((Health::Degraded, reason));
        }
        for input in INPUTS {
            let query = input.query(&group.by, Some(&group.name));
            if let Some(value) = probe.number(&query, data_ms)
                && let Some((health, text)) = (input.verdict)(value)
            {
                found.reasons.push((health, Reason { text, query, at_ms: data_ms, value }));
            }
        }
        return Some(Judged { group: group.clone(), found, basis, data_ms });
    }
    None
}

pub(crate) fn id_of(group: &Group) -> String {
    format!("{}/{}", group.by, group.name)
}

impl Assessments {
    /// How many groups are in a state now.
    pub(crate) fn in_state(&self, state: Health) -> usize {
        let newest = |k: &Kept| k.entries.last().map(|e| e.state);
        self.groups.values().filter(|k| newest(k) == Some(state)).count()
    }

    /// The end of the interval that is to be assessed now, if there is one.
    /// Samples of it may be on their way for `settled_ms`.
    pub(crate) fn due(&mut self, now: Timestamp, settled_ms: i64) -> Option<Timestamp> {
        let end = (now - settled_ms).div_euclid(INTERVAL_MS) * INTERVAL_MS;
        let done = |at: i64| at == end || (at > end && at - end < HOUR_MS);
        if self.done_ms.is_some_and(done) {
            return None;
        }
        self.done_ms = Some(end);
        self.lag_ms = now - end;
        Some(end)
    }

    /// Groups that were assessed before.
    pub(crate) fn known(&self) -> Vec<Group> {
        self.groups.keys().cloned().collect()
    }

    /// Takes what was judged of an interval; gives what is to be written as series.
    pub(crate) fn take_all(&mut self, judged: Vec<Judged>, end: Timestamp) -> Vec<Point> {
        for j in judged {
            self.take(j.group, j.found, j.basis, end, j.data_ms);
        }
        self.forget(end);
        self.points(end)
    }

    fn take(
        &mut self,
        group: Group,
        mut found: Found,
        basis: DataBasis,
        end: Timestamp,
        data_ms: Timestamp,
    ) {
        if !self.groups.contains_key(&group) && self.groups.len() >= GROUPS_MAX {
            self.left_out += 1;
            return;
        }
        found.reasons.sort_by_key(|r| std::cmp::Reverse(r.0));
        let state = found.reasons.first().map_or(Health::Normal, |r| r.0);
        let reasons: Vec<Reason> =
            found.reasons.into_iter().map(|r| r.1).take(REASONS_MAX).collect();
        let most = (ENTRIES_MAX / (self.groups.len() + 1)).clamp(24, 400);
        let empty = || Kept { group: group.clone(), seen_ms: data_ms, entries: Vec::new() };
        let kept = self.groups.entry(group.clone()).or_insert_with(empty);
        kept.seen_ms = kept.seen_ms.max(data_ms);
        self.made += 1;
        let from_ms = end - INTERVAL_MS;
        if let Some(last) = kept.entries.last_mut()
            && last.state == state
            && last.basis == basis
            && last.to_ms == from_ms
            && last.from_ms.div_euclid(HOUR_MS) == from_ms.div_euclid(HOUR_MS)
        {
            last.to_ms = end;
            last.reasons = reasons;
            return;
        }
        kept.entries.push(Assessment { from_ms, to_ms: end, state, reasons, basis });
        let over = kept.entries.len().saturating_sub(most);
        kept.entries.drain(..over);
        self.changed.insert(group);
    }

    /// Groups without data for a day are not assessed any more, and forgotten after a week.
    fn forget(&mut self, end: Timestamp) {
        let old = |k: &Kept| end.saturating_sub(k.seen_ms) > 7 * DAY_MS;
        let gone: Vec<Group> =
            self.groups.values().filter(|k| old(k)).map(|k| k.group.clone()).collect();
        for group in gone {
            self.groups.remove(&group);
            self.changed.remove(&group);
            self.gone.push(group);
        }
    }

    fn points(&self, end: Timestamp) -> Vec<Point> {
        let mut points = Vec::new();
        for kept in self.groups.values() {
            let Some(last) = kept.entries.last().filter(|e| e.to_ms == end) else { continue };
            let labels = Labels::empty()
                .with(METRIC_NAME, "plimsoll_assessment_state")
                .with("by", &kept.group.by)
                .with(&kept.group.by, &kept.group.name);
            let value = f64::from(last.state as u8);
            points.push(Point { labels, value });
        }
        points
    }

    /// Assessments that touch a range of times, the newest first, at most `limit`; and whether there are
    /// more.
    pub(crate) fn between(
        &self,
        by: Option<&str>,
        name: Option<&str>,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> (Vec<(Group, Assessment)>, bool) {
        let mut found: Vec<(&Group, &Assessment)> = Vec::new();
        for kept in self.groups.values() {
            let wanted =
                by.is_none_or(|b| kept.group.by == b) && name.is_none_or(|n| kept.group.name == n);
            if wanted {
                let touching = kept.entries.iter().filter(|e| e.to_ms > from && e.from_ms <= to);
                found.extend(touching.map(|e| (&kept.group, e)));
            }
        }
        found.sort_by(|a, b| b.1.from_ms.cmp(&a.1.from_ms).then_with(|| a.0.cmp(b.0)));
        let more = found.len() > limit;
        let chosen = found.into_iter().take(limit).map(|(g, e)| (g.clone(), e.clone()));
        (chosen.collect(), more)
    }

    pub(crate) fn take_changes(&mut self, everything: bool) -> (Vec<Kept>, Vec<Group>) {
        let changed = std::mem::take(&mut self.changed);
        let chosen = |g: &Group| everything || changed.contains(g);
        let kept = self.groups.values().filter(|k| chosen(&k.group)).cloned().collect();
        (kept, std::mem::take(&mut self.gone))
    }

    pub(crate) fn not_written(&mut self, changed: &[Kept], gone: Vec<Group>) {
        self.changed.extend(changed.iter().map(|k| k.group.clone()));
        self.gone.extend(gone);
    }

    pub(crate) fn restore(&mut self, kept: Kept) {
        if self.groups.len() < GROUPS_MAX {
            self.groups.insert(kept.group.clone(), kept);
        }
    }
}

impl Kept {
    pub(crate) fn id(&self) -> String {
        id_of(&self.group)
    }
}

/// Groups that have data at a time, and what their load lines say.
fn present(resources: &[Resource], probe: &Probe<'_>, at: Timestamp) -> BTreeMap<Group, Found> {
    let mut found: BTreeMap<Group, Found> = BTreeMap::new();
    for by in ["instance", "job"] {
        let query = format!("count by ({by}) ({{__name__=~\"up|node_boot_time_seconds\"}})");
        for (labels, _) in probe.vector(&query, at) {
            if let Some(name) = labels.get(by).filter(|n| !n.is_empty()) {
                found.entry(Group { by: by.to_owned(), name: name.to_owned() }).or_default();
            }
        }
    }
    for r in resources.iter().filter(|r| r.ratio >= r.warning) {
        let whose = r.labels.iter().find(|(n, _)| n == "instance");
        let (Some((_, name)), Some(query)) = (whose, use_of(r)) else { continue };
        let group = Group { by: "instance".to_owned(), name: name.clone() };
        let Some(value) = probe.number(&query, at) else { continue };
        let health = match value {
            v if v >= r.critical => Health::Bad,
            v if v >= r.warning => Health::Degraded,
            _ => continue,
        };
        let text = format!("{} is {} full", r.title, shown(value, "ratio"));
        let reason = Reason { text, query, at_ms: at, value };
        found.entry(group).or_default().reasons.push((health, reason));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{MemorySource, SeriesSource};
    use plimsoll_query::{Engine, EngineConfig};
    use plimsoll_world::Workers;
    use std::sync::Arc;

    const START: i64 = 1_750_000_200_000;

    struct Bed {
        source: MemorySource,
        engine: Engine,
        all: Assessments,
    }

    impl Bed {
        fn new() -> Self {
            let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
            Self { source: MemorySource::new(), engine, all: Assessments::default() }
        }

        fn put(&self, metric: &str, labels: &[(&str, &str)], at: i64, value: f64) {
            let all = [("__name__", metric)].into_iter().chain(labels.iter().copied());
            self.source.append(&Labels::new(all).unwrap(), at, value);
        }

        fn look(&mut self, at: i64) -> Vec<Point> {
            let probe = Probe::new(&self.engine, self.source.snapshot());
            let Some(end) = self.all.due(at, 0) else { return Vec::new() };
            let judged = judge(&self.all.known(), &[], &probe, end);
            self.all.take_all(judged, end)
        }

        fn newest(&self, by: &str, name: &str) -> Assessment {
            let (found, _) = self.all.between(Some(by), Some(name), (0, i64::MAX), 1);
            found[0].1.clone()
        }
    }

    #[test]
    fn one_alert_is_not_several() {
        assert_eq!(firing(1.0, "critical "), "one critical alert fires");
        assert_eq!(firing(2.0, ""), "2 alerts fire");
    }

    #[test]
    fn states_have_reasons_that_can_be_asked_again() {
        let mut bed = Bed::new();
        let end = START.div_euclid(INTERVAL_MS) * INTERVAL_MS;
        for (instance, up) in [("a", 1.0), ("b", 0.0), ("c", 1.0), ("d", 1.0)] {
            bed.put("up", &[("instance", instance), ("job", "web")], end - 1_000, up);
        }
        let firing = [
            ("alertname", "X"),
            ("alertstate", "firing"),
            ("severity", "warning"),
            ("instance", "c"),
        ];
        bed.put("ALERTS", &firing, end - 1_000, 1.0);
        let points = bed.look(end + 3_000);
        assert_eq!(points.len(), 5);
        assert_eq!(bed.all.lag_ms, 3_000);
        let states: Vec<Health> =
            ["a", "b", "c"].iter().map(|i| bed.newest("instance", i).state).collect();
        assert_eq!(states, [Health::Normal, Health::Bad, Health::Degraded]);
        let web = bed.newest("job", "web");
        assert_eq!((web.state, web.basis), (Health::Degraded, DataBasis::RealTime));
        let probe = Probe::new(&bed.engine, bed.source.snapshot());
        for (group, a) in bed.all.between(None, None, (0, i64::MAX), 100).0 {
            for reason in a.reasons {
                assert_eq!(
                    probe.number(&reason.query, reason.at_ms),
                    Some(reason.value),
                    "{group:?}"
                );
            }
        }
        assert!(bed.look(end + 4_000).is_empty(), "once an interval");
    }

    #[test]
    fn what_goes_silent_is_delayed_then_historical_then_nothing() {
        let mut bed = Bed::new();
        let end = START.div_euclid(INTERVAL_MS) * INTERVAL_MS;
        bed.put("up", &[("instance", "a"), ("job", "web")], end - 1_000, 1.0);
        bed.look(end);
        assert_eq!(bed.newest("instance", "a").state, Health::Normal);
        bed.look(end + 30 * MINUTE_MS);
        let late = bed.newest("instance", "a");
        assert_eq!((late.state, late.basis), (Health::Degraded, DataBasis::Delayed), "{late:?}");
        assert!(late.reasons[0].text.starts_with("no data for"), "{late:?}");
        bed.look(end + 3 * HOUR_MS);
        assert_eq!(bed.newest("instance", "a").basis, DataBasis::Historical);
        let before = bed.newest("instance", "a");
        bed.look(end + 30 * HOUR_MS);
        assert_eq!(bed.newest("instance", "a"), before, "no data for a day is no state");
        bed.look(end + 8 * DAY_MS);
        assert_eq!((bed.all.groups.len(), bed.all.take_changes(false).1.len()), (0, 2));
    }

    #[test]
    fn changes_and_one_an_hour_are_kept() {
        let mut bed = Bed::new();
        let start = START.div_euclid(HOUR_MS) * HOUR_MS;
        for i in 0..36 {
            let end = start + i * INTERVAL_MS;
            let up = if i == 20 { 0.0 } else { 1.0 };
            bed.put("up", &[("instance", "a"), ("job", "web")], end, up);
            bed.look(end);
        }
        let (all, more) = bed.all.between(Some("instance"), None, (0, i64::MAX), 3);
        assert!(more && all.len() == 3);
        let (all, _) = bed.all.between(Some("instance"), None, (0, i64::MAX), 100);
        assert_eq!(all.len(), 6, "four pieces of hours and two for the outage: {all:?}");
        assert!(all.windows(2).all(|w| w[0].1.from_ms == w[1].1.to_ms), "no holes");
        let (kept, _) = bed.all.take_changes(true);
        let text = serde_json::to_string(&kept[0]).unwrap();
        assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept[0]);
    }

    #[test]
    fn groups_are_bounded() {
        let mut bed = Bed::new();
        let end = START.div_euclid(INTERVAL_MS) * INTERVAL_MS;
        for i in 0..GROUPS_MAX + 10 {
            bed.put("up", &[("instance", &format!("i{i}")), ("job", "web")], end, 1.0);
        }
        bed.look(end);
        assert_eq!((bed.all.groups.len(), bed.all.left_out), (GROUPS_MAX, 11));
    }
}
