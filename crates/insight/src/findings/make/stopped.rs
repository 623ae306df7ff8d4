//! Insights about series that stopped while their target is up: one for each target.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{HOUR_MS, METRIC_NAME, MINUTE_MS, Timestamp, format_duration_ms};

use super::super::insight::{Draft, Impact, InsightType};
use super::super::probe::{Evidence, Probe, When, braces, braces_of};
use super::{EACH_MAX, Seen, called, lasting, shown, unit_of};
use crate::scores::AnomalyLevel;
use crate::stopped::Stopped;

/// Series of a target that are told with their last values.
const SHOWN_MAX: usize = 3;
/// Metrics of a target that are counted.
const METRICS_MAX: usize = 50;
/// How far back a last value is looked for, ms: watching has steps, and samples are late.
const BACK_MS: i64 = 10 * MINUTE_MS;

/// What stopped, by target.
pub(super) fn stopped(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let mut targets: BTreeMap<Vec<(String, String)>, Vec<&Stopped>> = BTreeMap::new();
    for s in &seen.stopped {
        targets.entry(target(s)).or_default().push(s);
    }
    let mut drafts: Vec<Draft> =
        targets.iter().filter_map(|(whose, all)| one(seen, probe, whose, all, now)).collect();
    drafts.sort_by(|a, b| b.impact.weight.total_cmp(&a.impact.weight));
    drafts.truncate(EACH_MAX);
    drafts
}

/// The target of a series; all that has neither host nor service together.
fn target(s: &Stopped) -> Vec<(String, String)> {
    let named = |n: &str| matches!(n, "instance" | "job");
    s.labels.iter().filter(|(n, _)| named(n)).cloned().collect()
}

fn one(
    seen: &Seen,
    probe: &Probe<'_>,
    whose: &[(String, String)],
    all: &[&Stopped],
    now: Timestamp,
) -> Option<Draft> {
    let first = all.iter().map(|s| s.since_ms).min()?;
    let lead = all.first()?;
    let silent = silence(seen, probe, lead, now)?;
    let last = |s: &&Stopped| {
        let (name, unit) = (called(&s.series, &s.labels), unit_of(&s.series));
        let query = last_value(seen, probe, s);
        probe.evidence(query, When::before(s.since_ms, HOUR_MS), |v| {
            format!("{name} was {} last", shown(v, unit))
        })
    };
    let lasts: Vec<Evidence> = all.iter().take(SHOWN_MAX).filter_map(last).collect();
    let many = gone(seen, all, whose, now - first).and_then(|query| {
        probe.evidence(query, When::at(now), |n| format!("{n:.0} series that were there are gone"))
    });
    let name = called(&lead.series, &lead.labels);
    let host = whose.iter().find(|(n, _)| n == "instance").or(whose.first());
    let title = match (all.len(), host) {
        (1, _) => format!("{name} stopped"),
        (n, Some((_, host))) => format!("{n} series of {host} stopped, {name} among them"),
        (n, None) => format!("{n} series stopped, {name} among them"),
    };
    let counted = many.as_ref().unwrap_or(&silent);
    let texts = lasts.iter().chain(&many).map(|e| format!("; {}", e.text)).collect::<String>();
    Some(Draft {
        kind: InsightType::Anomaly,
        subject: format!("stopped {}", braces_of(whose)),
        title,
        description: format!(
            "{}, since {}; its target is up{texts}",
            silent.text,
            super::super::when(first)
        ),
        labels: whose.to_vec(),
        claimed: 0.9,
        impact: Impact {
            text: counted.text.clone(),
            value: counted.value,
            unit: if many.is_some() { "series" } else { "seconds" }.to_owned(),
            query: counted.query.clone(),
            at_ms: now,
            weight: (0.25 + 0.05 * all.len() as f64).min(0.7),
        },
        evidence: [silent].into_iter().chain(lasts).chain(many).collect(),
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Notify,
        covers: Vec::new(),
        check: None,
    })
}

/// The samples of a series, or its expression.
fn samples(seen: &Seen, probe: &Probe<'_>, s: &Stopped) -> (String, bool) {
    match seen.expressions.get(&s.series) {
        Some(text) => (format!("({})", probe.narrowed(text, &s.labels)), false),
        None => {
            let own = s.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            (braces([(METRIC_NAME, s.series.as_str())].into_iter().chain(own)), true)
        }
    }
}

fn last_value(seen: &Seen, probe: &Probe<'_>, s: &Stopped) -> String {
    let back = format_duration_ms(BACK_MS);
    match samples(seen, probe, s) {
        (selector, true) => format!("last_over_time({selector}[{back}])"),
        (expr, false) => format!("last_over_time({expr}[{back}:1m])"),
    }
}

/// For how long a series has had no sample.
fn silence(seen: &Seen, probe: &Probe<'_>, s: &Stopped, now: Timestamp) -> Option<Evidence> {
    let (samples, _) = samples(seen, probe, s);
    // Whole hours, so that the same insight asks the same query for a while.
    let back = ((now - s.since_ms + BACK_MS).max(0) / HOUR_MS + 1) * HOUR_MS;
    let back = format_duration_ms(back);
    let query = format!("time() - max_over_time(timestamp({samples})[{back}:1m])");
    let name = called(&s.series, &s.labels);
    probe.evidence(query, When::at(now), |v| format!("{name} has no samples for {}", lasting(v)))
}

/// How many series of these metrics were there when the first of them stopped and are not now.
fn gone(seen: &Seen, all: &[&Stopped], whose: &[(String, String)], ago_ms: i64) -> Option<String> {
    let raw = || all.iter().filter(|s| !seen.expressions.contains_key(&s.series));
    let metrics: BTreeSet<&str> = raw().map(|s| s.series.as_str()).take(METRICS_MAX).collect();
    if metrics.is_empty() {
        return None;
    }
    // Metric names in a pattern; the few of them that are not plain words stand for themselves.
    let one_of: Vec<String> = metrics.iter().map(|m| quoted(m)).collect();
    let mut names: BTreeSet<&str> = [METRIC_NAME].into();
    names.extend(raw().flat_map(|s| s.labels.iter().map(|(n, _)| n.as_str())));
    let plain = |n: &&&str| n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let on: Vec<&str> = names.iter().filter(plain).copied().collect();
    let own = braces_of(whose);
    let own = own.trim_start_matches('{').trim_end_matches('}');
    let comma = if own.is_empty() { "" } else { "," };
    let selector = format!("{{__name__=~\"{}\"{comma}{own}}}", one_of.join("|"));
    let (back, ago) = (format_duration_ms(BACK_MS), format_duration_ms(ago_ms.max(1_000)));
    Some(format!(
        "count(last_over_time({selector}[{back}] offset {ago}) unless on ({}) \
         last_over_time({selector}[{back}]))",
        on.join(", ")
    ))
}

/// A name as a pattern within a string of PromQL.
fn quoted(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if !(c.is_alphanumeric() || c == '_' || c == ':') {
            out.push_str("\\\\");
        }
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(series: &str, labels: &[(&str, &str)]) -> Stopped {
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Stopped { series: series.to_owned(), labels, since_ms: 0 }
    }

    #[test]
    fn what_is_gone_is_counted_by_name_and_all_labels() {
        let (a, b) = (stop("a", &[("device", "x"), ("instance", "h")]), stop("b.c", &[]));
        let whose = target(&a);
        let query = gone(&Seen::default(), &[&a, &b], &whose, 3_600_000).unwrap();
        assert_eq!(
            query,
            "count(last_over_time({__name__=~\"a|b\\\\.c\",instance=\"h\"}[10m] offset 1h) unless on \
             (__name__, device, instance) last_over_time({__name__=~\"a|b\\\\.c\",instance=\"h\"}[10m]))"
        );
        plimsoll_query::Query::parse(&query, &plimsoll_query::Features::default()).unwrap();
        let named =
            Seen { expressions: [("a".to_owned(), "1 - up".to_owned())].into(), ..Seen::default() };
        assert!(gone(&named, &[&a], &whose, 1).is_none(), "an expression has no selector");
        for odd in ["a\"b", "a\\b", "a{}", "µ", "a|b(c)*"] {
            let query = gone(&Seen::default(), &[&stop(odd, &[])], &[], 1).unwrap();
            let read = plimsoll_query::Query::parse(&query, &plimsoll_query::Features::default());
            assert!(read.is_ok(), "{odd}: {query}: {read:?}");
        }
    }
}
