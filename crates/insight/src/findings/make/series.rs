//! Insights about single series: unusual ones, rising and falling ones. Unusual series of a host or service
//! that is unusual as a whole are told as one ([`super::group`]).

use std::collections::BTreeSet;

use plimsoll_analyze::normal_tail;
use plimsoll_model::{HOUR_MS, MINUTE_MS, Timestamp};

use super::super::insight::{Check, Draft, Impact, InsightType};
use super::super::probe::{Probe, When, braces, braces_of};
use super::{EACH_MAX, Seen, called, group, median_over, shown, subject, unit_of};
use crate::scores::{Anomaly, AnomalyLevel};
use crate::trends::SeriesTrend;

/// Scores from here are worth an insight: the shipped threshold of an alarm.
pub(super) const SCORE_MIN: f64 = 0.5;
/// Least change within a day, as a share of the level, that is worth an insight.
const DAY_CHANGE_MIN: f64 = 0.2;

/// What behaves unusually.
pub(super) fn anomalies(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let mut drafts = group::groups(seen, probe, now);
    let covered: BTreeSet<String> = drafts.iter().flat_map(|d| d.covers.iter().cloned()).collect();
    let is_alone = |a: &&Anomaly| !covered.contains(&subject(&a.series, &a.labels));
    let worth = seen.anomalies.iter().filter(|a| a.score >= SCORE_MIN && a.at_ms <= now);
    let singles = worth.filter(is_alone).take(EACH_MAX);
    drafts.extend(singles.filter_map(|a| anomaly(seen, probe, a, now)));
    drafts
}

fn anomaly(seen: &Seen, probe: &Probe<'_>, a: &Anomaly, now: Timestamp) -> Option<Draft> {
    let (name, unit) = (called(&a.series, &a.labels), unit_of(&a.series));
    let query = seen.query_of(probe, &a.series, &a.labels);
    let value = probe.evidence(query.clone(), When::before(a.at_ms, HOUR_MS), |v| {
        format!("{name} was {}", shown(v, unit))
    })?;
    // Up to a minute before: what was unusual shall not be part of what is usual.
    let usual = median_over(&query, HOUR_MS, MINUTE_MS);
    let usual = probe.evidence(usual, When::at(a.at_ms - MINUTE_MS), |v| {
        format!("the median of the hour before was {}", shown(v, unit))
    });
    let own = a.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let own = braces([("series", a.series.as_str())].into_iter().chain(own));
    let own = format!("max_over_time(plimsoll_anomaly_score{own}[10m])");
    let own = probe.evidence(own, When::at(now), |v| format!("its score was {v:.2} of 1"));
    let whose: Vec<(String, String)> =
        a.labels.iter().filter(|(n, _)| n == "instance").cloned().collect();
    let affected = unusual(&whose);
    let affected_by_value = format!("count({query})");
    let (query_of_impact, n, at) = match probe.number(&affected, now) {
        Some(n) => (affected, n, now),
        None => (affected_by_value.clone(), probe.number(&affected_by_value, a.at_ms)?, a.at_ms),
    };
    let expected =
        a.expected.map_or_else(String::new, |e| format!("; {} was expected", shown(e, unit)));
    let usual_text = usual.as_ref().map_or_else(String::new, |e| format!("; {}", e.text));
    Some(Draft {
        kind: InsightType::Anomaly,
        subject: subject(&a.series, &a.labels),
        title: format!("{name} is unusual"),
        description: format!("{}{expected}{usual_text}", value.text),
        labels: a.labels.clone(),
        claimed: a.score,
        impact: Impact {
            text: format!("{n:.0} watched series there unusual at this time"),
            value: n,
            unit: "series".to_owned(),
            query: query_of_impact,
            at_ms: at,
            weight: (0.2 + 0.1 * n).min(1.0),
        },
        evidence: [Some(value), usual, own].into_iter().flatten().collect(),
        lasts_ms: HOUR_MS,
        // One series of many is odd by chance each day.
        level: a.level.min(AnomalyLevel::Notify),
        covers: Vec::new(),
        check: None,
    })
}

/// How many watched series of these labels were unusual of late, as a query.
pub(super) fn unusual(whose: &[(String, String)]) -> String {
    let of = braces_of(whose);
    format!("count(max_over_time(plimsoll_anomaly_score{of}[10m]) >= {SCORE_MIN})")
}

/// What drifts.
pub(super) fn trends(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let mut drafts: Vec<Draft> =
        seen.trends.iter().filter_map(|t| trend(seen, probe, t, now)).collect();
    drafts.sort_by(|a, b| b.impact.weight.total_cmp(&a.impact.weight));
    drafts.truncate(EACH_MAX);
    drafts
}

fn trend(seen: &Seen, probe: &Probe<'_>, t: &SeriesTrend, now: Timestamp) -> Option<Draft> {
    let (name, unit) = (called(&t.series, &t.labels), unit_of(&t.series));
    let own = t.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let of = braces([("series", t.series.as_str())].into_iter().chain(own));
    let slope_query = format!("last_over_time(plimsoll_trend_per_hour{of}[20m])");
    let slope = probe.evidence(slope_query.clone(), When::at(now), |v| {
        format!("it changes by {} an hour", shown(v, unit))
    })?;
    let query = seen.query_of(probe, &t.series, &t.labels);
    let span = (now - t.since_ms).max(HOUR_MS);
    let value = probe.evidence(query.clone(), When::before(now, span), |v| {
        format!("{name} is {}", shown(v, unit))
    })?;
    let share = (24.0 * slope.value / value.value.abs().max(1e-9)).abs();
    if share < DAY_CHANGE_MIN {
        return None;
    }
    let day = format!("24 * {slope_query}");
    let change = probe.number(&day, now)?;
    let (word, verb) = if slope.value > 0.0 { ("rises", "more") } else { ("falls", "less") };
    let half = (t.interval.1 - t.interval.0).abs() / 2.0;
    let z = 1.96 * t.per_hour.abs() / half.max(1e-12);
    Some(Draft {
        kind: InsightType::Trend,
        subject: subject(&t.series, &t.labels),
        title: format!("{name} {word}"),
        description: format!(
            "{}; {}, since {} ({} to {} at 95 %)",
            value.text,
            slope.text,
            super::super::when(t.since_ms),
            shown(t.interval.0, unit),
            shown(t.interval.1, unit),
        ),
        labels: t.labels.clone(),
        claimed: (1.0 - 2.0 * normal_tail(z)).clamp(0.0, 0.999),
        impact: Impact {
            text: format!("{} {verb} in a day", shown(change.abs(), unit)),
            value: change,
            unit: unit.to_owned(),
            query: day,
            at_ms: now,
            weight: (0.4 * share).min(0.8),
        },
        check: Some(Check { query, above: slope.value > 0.0, bound: value.value }),
        evidence: vec![value, slope],
        lasts_ms: 2 * HOUR_MS,
        level: AnomalyLevel::Notify,
        covers: Vec::new(),
    })
}
