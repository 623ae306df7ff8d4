//! Insights about resources and bounds: what runs full, what is likely to break, what is not used.

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};

use super::super::insight::{Check, Draft, Impact, InsightType};
use super::super::probe::{Evidence, Probe, When, braces, braces_of};
use super::super::risk;
use super::{EACH_MAX, Seen, lasting, shown, subject};
use crate::capacity::{Driver, Resource};
use crate::scores::AnomalyLevel;

/// A breach beyond this is not worth an insight yet, days.
const DAYS_MAX: f64 = 30.0;
/// An insight claims nothing beyond so many times the span that was seen: a load line may say "full in 15 days" after ten
/// minutes, with its interval, but nobody is to be told of it. Dates that are written somewhere are no forecasts.
const REACH: f64 = 24.0;
/// Use of a bound from which it is worth an insight.
const BOUND_SHARE: f64 = 0.8;
/// Below this use for nineteen twentieths of two weeks a host is too large.
const WASTE_SHARE: f64 = 0.2;
/// Probabilities of a breach within a day and a week from which there is a risk.
const RISKY: (f64, f64) = (0.1, 0.5);

/// The label of a resource.
pub(crate) fn label<'r>(r: &'r Resource, name: &str) -> Option<&'r str> {
    r.labels.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// The query that gives the share in use of a resource, for kinds whose metrics are known.
pub(crate) fn use_of(r: &Resource) -> Option<String> {
    let own: Vec<(&str, &str)> = r
        .labels
        .iter()
        .filter(|(n, _)| matches!(n.as_str(), "instance" | "device" | "mountpoint"))
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let of = braces(own);
    let free = |free: &str, all: &str| {
        // Two jobs that watch one host tell the same.
        format!("max(1 - {free}{of} / {all}{of})")
    };
    match label(r, "resource")? {
        "disk" => Some(free("node_filesystem_avail_bytes", "node_filesystem_size_bytes")),
        "inodes" => Some(free("node_filesystem_files_free", "node_filesystem_files")),
        "memory" => Some(free("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes")),
        "swap" => Some(free("node_memory_SwapFree_bytes", "node_memory_SwapTotal_bytes")),
        "files" => Some(format!("max(node_filefd_allocated{of} / node_filefd_maximum{of})")),
        // These have findings of their own.
        "certificate" | "store" | "cpu" => None,
        _ => Some(format!("max(({}) / ({}))", r.queries[0], r.queries[1])),
    }
}

fn weight_of(seconds: f64) -> f64 {
    match seconds {
        s if s <= 3_600.0 => 1.0,
        s if s <= 86_400.0 => 0.8,
        s if s <= 7.0 * 86_400.0 => 0.6,
        _ => 0.3,
    }
}

fn used(probe: &Probe<'_>, r: &Resource, now: Timestamp) -> Option<Evidence> {
    probe.evidence(use_of(r)?, When::before(now, 6 * HOUR_MS), |v| {
        format!("{} is {} full", r.title, shown(v, "ratio"))
    })
}

/// What runs full within a month, or is above its warning mark.
pub(super) fn capacity(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let near = |r: &&Resource| r.ratio >= r.warning || runs_full(r);
    let mut drafts: Vec<Draft> =
        seen.resources.iter().filter(near).filter_map(|r| full(probe, r, now)).collect();
    drafts.sort_by(|a, b| b.impact.weight.total_cmp(&a.impact.weight));
    drafts.truncate(EACH_MAX);
    drafts
}

/// Whether it is full within a month, as far as its history reaches.
fn runs_full(r: &Resource) -> bool {
    let reach = match r.driver {
        Driver::Date => DAYS_MAX,
        Driver::Stock | Driver::Load => (REACH * r.seen_ms as f64 / DAY_MS as f64).min(DAYS_MAX),
    };
    r.forecast.days.is_some_and(|d| d.p50 <= reach)
}

fn full(probe: &Probe<'_>, r: &Resource, now: Timestamp) -> Option<Draft> {
    let now_used = used(probe, r, now)?;
    let own = r.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let of = braces(own.chain([("quantile", "0.5")]));
    let query = format!("max(last_over_time(plimsoll_time_to_limit_seconds{of}[5m]))");
    let seconds = r.forecast.days.and_then(|_| {
        probe.evidence(query, When::at(now), |v| format!("it is full in {}", lasting(v)))
    });
    let above = r.ratio >= r.warning;
    let left = format!("1 - {}", now_used.query);
    let (impact, title) = match &seconds {
        Some(e) => {
            let weight = weight_of(e.value).max(if r.ratio >= r.critical { 0.9 } else { 0.0 });
            let impact = Impact {
                text: format!("full in {}", lasting(e.value)),
                value: e.value,
                unit: "seconds".to_owned(),
                query: e.query.clone(),
                at_ms: now,
                weight,
            };
            (impact, format!("{} runs full in {}", r.title, lasting(e.value)))
        }
        None if above => {
            let weight = if r.ratio >= r.critical { 0.9 } else { 0.5 };
            let value = probe.number(&left, now)?;
            let impact = Impact {
                text: format!("{} is left", shown(value, "ratio")),
                value,
                unit: "ratio".to_owned(),
                query: left,
                at_ms: now,
                weight,
            };
            (impact, format!("{} is nearly full", r.title))
        }
        None => return None,
    };
    // What is above its mark is so; a forecast is as sure as its interval is narrow.
    let claimed = match (above, r.forecast.days) {
        (true, _) => 0.99,
        (_, Some(d)) => match d.p90 {
            Some(p90) => (1.0 - 0.25 * ((p90 - d.p10) / d.p50.max(1e-3))).clamp(0.5, 0.95),
            None => 0.5,
        },
        _ => 0.5,
    };
    let description = match &seconds {
        Some(e) => format!("{}; {} ({})", now_used.text, e.text, r.forecast.text),
        None => now_used.text.clone(),
    };
    Some(Draft {
        kind: InsightType::Capacity,
        subject: subject("resource", &r.labels),
        title,
        description,
        labels: r.labels.clone(),
        claimed,
        impact,
        check: Some(Check {
            query: now_used.query.clone(),
            above: true,
            bound: if above { r.warning } else { now_used.value },
        }),
        evidence: [Some(now_used), seconds].into_iter().flatten().collect(),
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Page,
        covers: Vec::new(),
    })
}

/// What is likely to break soon: the head of the risk register, and targets that are down.
pub(super) fn risks(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = risk::register(&seen.resources, probe, now)
        .into_iter()
        .filter(|r| r.probability.day >= RISKY.0 || r.probability.week >= RISKY.1)
        .take(EACH_MAX)
        .filter_map(|r| risky(probe, &r, now))
        .collect();
    for (labels, _) in probe.vector("max_over_time(up[5m]) == 0", now).into_iter().take(EACH_MAX) {
        let labels = crate::scores::pairs(&labels);
        drafts.extend(down(probe, &labels, now));
    }
    drafts
}

fn risky(probe: &Probe<'_>, r: &risk::Risk, now: Timestamp) -> Option<Draft> {
    let value = probe.evidence(r.query.clone(), When::at(now), |v| {
        format!("{}: now {}", r.title, shown(v, r.unit))
    })?;
    Some(Draft {
        kind: InsightType::Risk,
        subject: r.resource.clone(),
        title: r.title.clone(),
        description: r.text.clone(),
        labels: r.labels.clone(),
        claimed: r.probability.week.clamp(0.0, 0.99),
        impact: Impact {
            text: r.text.clone(),
            value: value.value,
            unit: r.unit.to_owned(),
            query: r.query.clone(),
            at_ms: now,
            weight: r.score.clamp(0.0, 1.0),
        },
        evidence: vec![value],
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Page,
        covers: Vec::new(),
        check: None,
    })
}

fn down(probe: &Probe<'_>, labels: &[(String, String)], now: Timestamp) -> Option<Draft> {
    let query = format!("max_over_time(up{}[5m])", braces_of(labels));
    let of = |name: &str| labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v);
    let (instance, job) = (of("instance"), of("job"));
    let value = probe.evidence(query, When::before(now, HOUR_MS), |_| {
        format!("no scrape of {instance} succeeded for five minutes")
    })?;
    let share = format!("count(up{0} == 0) / count(up{0})", braces([("job", job)]));
    let lost = probe.number(&share, now)?;
    Some(Draft {
        kind: InsightType::Risk,
        subject: subject("up", labels),
        title: format!("{instance} of {job} cannot be seen"),
        description: format!("{}; {} of {job} are down", value.text, shown(lost, "ratio")),
        labels: labels.to_vec(),
        claimed: 0.99,
        impact: Impact {
            text: format!("{} of the targets of {job} are down", shown(lost, "ratio")),
            value: lost,
            unit: "ratio".to_owned(),
            query: share,
            at_ms: now,
            weight: (0.5 + 0.5 * lost).min(1.0),
        },
        evidence: vec![value],
        lasts_ms: 15 * MINUTE_MS,
        level: AnomalyLevel::Page,
        covers: Vec::new(),
        check: None,
    })
}

/// Bounds of Plimsoll itself that are nearly used up.
pub(super) fn budgets(_: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let bounds: [(&str, &str); 2] = [
        ("plimsoll_store_limit_used", "plimsoll_store_limit"),
        ("plimsoll_analysis_result_series", "plimsoll_analysis_result_series_max"),
    ];
    let mut drafts = Vec::new();
    for (part, whole) in bounds {
        let query = format!("{part} / ({whole} > 0) >= {BOUND_SHARE}");
        for (labels, _) in probe.vector(&query, now).into_iter().take(EACH_MAX) {
            drafts.extend(budget(probe, (part, whole), &crate::scores::pairs(&labels), now));
        }
    }
    drafts
}

fn budget(
    probe: &Probe<'_>,
    (part, whole): (&str, &str),
    labels: &[(String, String)],
    now: Timestamp,
) -> Option<Draft> {
    let of = braces_of(labels);
    let name = labels.iter().find(|(n, _)| n == "limit").map_or(part, |(_, v)| v).to_owned();
    let query = format!("{part}{of} / {whole}{of}");
    let share = probe.evidence(query.clone(), When::before(now, 6 * HOUR_MS), |v| {
        format!("{} of the limit {name} is used", shown(v, "ratio"))
    })?;
    Some(Draft {
        kind: InsightType::Budget,
        subject: subject(part, labels),
        title: format!("the limit {name} is nearly reached"),
        description: format!("{}; beyond it new series are refused", share.text),
        labels: labels.to_vec(),
        claimed: 0.99,
        impact: Impact {
            text: share.text.clone(),
            value: share.value,
            unit: "ratio".to_owned(),
            query: query.clone(),
            at_ms: now,
            weight: if share.value >= 1.0 { 0.9 } else { 0.5 },
        },
        check: Some(Check { query, above: true, bound: BOUND_SHARE }),
        evidence: vec![share],
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Page,
        covers: Vec::new(),
    })
}

/// Hosts whose CPUs and memory were nearly idle for two weeks.
pub(super) fn waste(_: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let to = now.div_euclid(HOUR_MS) * HOUR_MS;
    let cpu = "1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))";
    let memory = "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes";
    let mut drafts = Vec::new();
    for (what, title, expr) in [("cpu", "CPUs", cpu), ("memory", "memory", memory)] {
        // From two weeks on, gaps of a twentieth allowed.
        let query = format!(
            "quantile_over_time(0.95, ({expr})[14d:1h]) < {WASTE_SHARE} \
             and count_over_time(({expr})[14d:1h]) >= 319"
        );
        for (labels, _) in probe.vector(&query, to).into_iter().take(EACH_MAX) {
            let labels = crate::scores::pairs(&labels);
            drafts.extend(idle(probe, (what, title, expr), &labels, to));
        }
    }
    drafts
}

fn idle(
    probe: &Probe<'_>,
    (what, title, expr): (&str, &str, &str),
    labels: &[(String, String)],
    to: Timestamp,
) -> Option<Draft> {
    let own = probe.narrowed(expr, labels);
    let query = format!("quantile_over_time(0.95, ({own})[14d:1h])");
    let instance = labels.iter().find(|(n, _)| n == "instance").map_or("", |(_, v)| v);
    let most = probe.evidence(query.clone(), When::at(to), |v| {
        format!(
            "in 19 of 20 hours of two weeks at most {} of the {title} was used",
            shown(v, "ratio")
        )
    })?;
    let of = braces_of(labels);
    let (unused, unit, text) = match what {
        "cpu" => (
            format!("count(count by (cpu) (node_cpu_seconds_total{of})) * (1 - scalar({query}))"),
            "cores",
            "cores are not used",
        ),
        _ => (
            format!("sum(node_memory_MemTotal_bytes{of}) * (1 - scalar({query}))"),
            "bytes",
            "of memory are not used",
        ),
    };
    let value = probe.number(&unused, to)?;
    Some(Draft {
        kind: InsightType::Waste,
        subject: subject(what, labels),
        title: format!("{instance} has more {title} than it uses"),
        description: most.text.clone(),
        labels: labels.to_vec(),
        claimed: 0.8,
        impact: Impact {
            text: format!("{} {text}", shown(value, if unit == "bytes" { "bytes" } else { "" })),
            value,
            unit: unit.to_owned(),
            query: unused,
            at_ms: to,
            weight: 0.2,
        },
        check: Some(Check {
            query: format!("quantile_over_time(0.95, ({own})[7d:1h])"),
            above: false,
            bound: WASTE_SHARE,
        }),
        evidence: vec![most],
        lasts_ms: 2 * DAY_MS,
        level: AnomalyLevel::Annotate,
        covers: Vec::new(),
    })
}
