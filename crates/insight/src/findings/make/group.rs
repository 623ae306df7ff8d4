//! Insights about hosts and services of which many series are unusual at once: one each, in the place of
//! one for each series.
//!
//! Of a host and the service that runs there one is told: the service when its unusual series are on
//! [`HOSTS_MIN`] hosts or more, and then not these hosts, unless others of their series are unusual too;
//! otherwise the hosts, and not the service. Only such an insight is of the level that may page.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{HOUR_MS, Timestamp};

use super::super::insight::{Draft, Impact, InsightType};
use super::super::probe::{Probe, When, braces};
use super::series::{SCORE_MIN, unusual};
use super::{EACH_MAX, Seen, called, shown, subject, unit_of};
use crate::groups::{AnomalyGroup, GroupBy};
use crate::scores::{Anomaly, AnomalyLevel};

/// Hosts with unusual series of a service from which the service is told.
const HOSTS_MIN: usize = 3;
/// Unusual series that nobody else tells from which a group is told all the same.
const OWN_MIN: usize = 3;
/// Series of a group that are told with their values.
const SHOWN_MAX: usize = 3;
/// False alarms of a series and day on healthy systems: the bound that the detector is held to.
const FALSE_PER_DAY: f64 = 0.05;
/// Series go together, so chance is never as small as if they did not.
const CLAIMED_MAX: f64 = 0.95;

/// Groups that are worth a page, each with the evidence for it.
pub(super) fn groups(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let worth = |a: &&Anomaly| a.score >= SCORE_MIN && a.at_ms <= now;
    let unusual: Vec<&Anomaly> = seen.anomalies.iter().filter(worth).collect();
    let mut drafts = Vec::new();
    for (group, members) in told(&seen.groups, &unusual) {
        if drafts.len() < EACH_MAX {
            drafts.extend(one(seen, probe, group, &members, now));
        }
    }
    drafts
}

fn of(a: &Anomaly, by: GroupBy) -> Option<&str> {
    a.labels.iter().find(|(n, _)| n == by.label()).map(|(_, v)| v.as_str())
}

/// Which groups are told, with their unusual series, the worst first.
fn told<'a>(
    groups: &'a [AnomalyGroup],
    unusual: &[&'a Anomaly],
) -> Vec<(&'a AnomalyGroup, Vec<&'a Anomaly>)> {
    let members = |g: &AnomalyGroup| -> Vec<&'a Anomaly> {
        unusual.iter().copied().filter(|a| of(a, g.by) == Some(g.name.as_str())).collect()
    };
    let mut all: BTreeMap<GroupBy, Vec<(&AnomalyGroup, Vec<&Anomaly>)>> = BTreeMap::new();
    for g in groups.iter().filter(|g| g.since_ms.is_some()) {
        all.entry(g.by).or_default().push((g, members(g)));
    }
    let hosts = all.remove(&GroupBy::Instance).unwrap_or_default();
    let services = all.remove(&GroupBy::Job).unwrap_or_default();
    let key = |a: &Anomaly| (a.series.clone(), a.labels.clone());
    let spread = |members: &[&Anomaly]| {
        members.iter().filter_map(|a| of(a, GroupBy::Instance)).collect::<BTreeSet<_>>().len()
    };
    let (wide, narrow): (Vec<_>, Vec<_>) =
        services.into_iter().partition(|(_, members)| spread(members) >= HOSTS_MIN);
    let mut covered = BTreeSet::new();
    let mut out = Vec::new();
    for (i, (group, members)) in wide.into_iter().chain(hosts).chain(narrow).enumerate() {
        let own = members.iter().filter(|a| !covered.contains(&key(a))).count();
        if i == 0 || own >= OWN_MIN || (covered.is_empty() && !members.is_empty()) {
            covered.extend(members.iter().map(|a| key(a)));
            out.push((group, members));
        }
    }
    out.retain(|(_, members)| !members.is_empty());
    out
}

fn one(
    seen: &Seen,
    probe: &Probe<'_>,
    group: &AnomalyGroup,
    members: &[&Anomaly],
    now: Timestamp,
) -> Option<Draft> {
    let (by, name) = (group.by.label(), group.name.as_str());
    let whose = [(by.to_owned(), name.to_owned())];
    let count = probe.evidence(unusual(&whose), When::before(now, HOUR_MS), |n| {
        format!("{n:.0} of its series were unusual within ten minutes")
    })?;
    let rate = braces([("by", by), (by, name)]);
    let rate = format!("max_over_time(plimsoll_anomaly_rate{rate}[10m])");
    let rate = probe.evidence(rate, When::at(now), |v| {
        format!("that is {} of those that are watched", shown(v, "ratio"))
    });
    let worst = members.iter().take(SHOWN_MAX).filter_map(|a| {
        let (name, unit) = (called(&a.series, &a.labels), unit_of(&a.series));
        let query = seen.query_of(probe, &a.series, &a.labels);
        probe.evidence(query, When::before(a.at_ms, HOUR_MS), |v| {
            let expected = a.expected.map(|e| format!(", {} was expected", shown(e, unit)));
            format!("{name} was {}{}", shown(v, unit), expected.unwrap_or_default())
        })
    });
    let worst: Vec<_> = worst.collect();
    let since = group.since_ms.map_or_else(String::new, super::super::when);
    let share = rate.as_ref().map_or(group.rate, |r| r.value);
    let shares = rate.as_ref().map_or_else(String::new, |r| format!("; {}", r.text));
    let examples = worst.iter().map(|e| format!("; {}", e.text)).collect::<String>();
    Some(Draft {
        kind: InsightType::Anomaly,
        subject: subject("group", &whose),
        title: format!("{name}: {:.0} series are unusual at once", count.value),
        description: format!("since {since}: {}{shares}{examples}", count.text),
        labels: whose.to_vec(),
        claimed: claimed(group.series, group.anomalous),
        impact: Impact {
            text: count.text.clone(),
            value: count.value,
            unit: "series".to_owned(),
            query: count.query.clone(),
            at_ms: now,
            weight: (0.5 + share).min(1.0),
        },
        evidence: [Some(count), rate].into_iter().flatten().chain(worst).collect(),
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Page,
        covers: members.iter().map(|a| subject(&a.series, &a.labels)).collect(),
        check: None,
    })
}

/// How sure it is that so many of so many series do not have an alarm within the same five minutes by
/// chance: one less the tail of Poisson's distribution.
fn claimed(series: usize, anomalous: usize) -> f64 {
    let mean = series as f64 * FALSE_PER_DAY / 288.0;
    let (mut term, mut below) = ((-mean).exp(), 0.0);
    for k in 0..anomalous {
        below += term;
        term *= mean / (k + 1) as f64;
    }
    below.clamp(0.0, CLAIMED_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watched::Basis;

    fn anomaly(series: &str, instance: &str, job: &str) -> Anomaly {
        Anomaly {
            series: series.to_owned(),
            labels: vec![("instance".into(), instance.into()), ("job".into(), job.into())],
            score: 0.9,
            value: 1.0,
            expected: None,
            at_ms: 0,
            level: AnomalyLevel::Page,
            basis: Basis::RealTime,
        }
    }

    fn group(by: GroupBy, name: &str, since_ms: Option<i64>) -> AnomalyGroup {
        AnomalyGroup { by, name: name.into(), rate: 0.5, series: 10, anomalous: 5, since_ms }
    }

    #[track_caller]
    fn check(groups: &[AnomalyGroup], unusual: &[Anomaly], expected: &[(&str, usize)]) {
        let unusual: Vec<&Anomaly> = unusual.iter().collect();
        let told = told(groups, &unusual);
        let names: Vec<_> = told.iter().map(|(g, m)| (g.name.as_str(), m.len())).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn of_a_host_and_its_service_one_is_told() {
        use GroupBy::{Instance, Job};
        let on = |instance: &str| ["a", "b", "c"].map(|s| anomaly(s, instance, "web"));
        let both = [group(Instance, "h1", Some(1)), group(Job, "web", Some(1))];
        check(&both, &on("h1"), &[("h1", 3)]);
        // Each host has too few, the service has enough.
        let few = ["h1", "h2", "h3"].map(|h| anomaly("a", h, "web"));
        check(&[group(Job, "web", Some(1))], &few, &[("web", 3)]);
        // All hosts of the service: the service alone, and a host with more than that.
        let all: Vec<Anomaly> = ["h1", "h2", "h3"].iter().flat_map(|h| on(h)).collect();
        let groups = ["h1", "h2", "h3"].map(|h| group(Instance, h, Some(1)));
        let groups: Vec<_> = groups.into_iter().chain([group(Job, "web", Some(1))]).collect();
        check(&groups, &all, &[("web", 9)]);
        let more = ["x", "y", "z"].map(|s| anomaly(s, "h2", "node"));
        let all: Vec<Anomaly> = all.into_iter().chain(more).collect();
        check(&groups, &all, &[("web", 9), ("h2", 6)]);
        // Not worth a page, or without series.
        check(&[group(Instance, "h1", None)], &on("h1"), &[]);
        check(&both, &[], &[]);
    }

    #[test]
    fn more_at_once_is_surer() {
        assert!(claimed(10, 3) > 0.9 && claimed(10, 3) <= CLAIMED_MAX);
        assert!(claimed(100_000, 10) < 0.1, "so many have an alarm by chance");
        assert!(claimed(1_000, 5) > claimed(1_000, 1));
        assert_eq!(claimed(0, 0), 0.0);
        assert_eq!(claimed(usize::MAX, 3), 0.0);
    }
}
