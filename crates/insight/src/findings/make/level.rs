//! Insights about the shape of series: changes of level, recurring days and weeks, what moves together.

use plimsoll_analyze::{last_regime, median};
use plimsoll_model::{
    DAY_MS, Grid, HOUR_MS, METRIC_NAME, MINUTE_MS, Timestamp, format_duration_ms,
};

use super::super::insight::{Check, Draft, Impact, InsightType};
use super::super::probe::{Probe, When};
use super::{EACH_MAX, Seen, called, median_over, shown, subject, unit_of};
use crate::scores::AnomalyLevel;

/// How far back a change is looked for, ms.
const WINDOW_MS: i64 = 6 * HOUR_MS;
/// A change must be so old to count as one that stayed, and at most so old to be news, ms.
const STAYED_MS: (i64, i64) = (20 * MINUTE_MS, 3 * HOUR_MS);
/// Least change in robust standard deviations of what was before.
const SIGMAS_MIN: f64 = 4.0;
/// Least change as a share of the level before.
const SHARE_MIN: f64 = 0.15;
/// Least correlation that is worth telling.
const CORRELATION_MIN: f64 = 0.8;
/// Anomalous series of one host that are compared with one another.
const TOGETHER_MAX: usize = 5;
/// Least correlation with itself a day or a week before.
const SEASON_MIN: f64 = 0.5;
/// Words in names of series of which more is worse.
const WORSE_UP: [&str; 8] =
    ["error", "latency", "duration", "pressure", "retransmit", "fail", "5xx", "drop"];

/// Series whose level changed and stayed: candidates are the unusual and the drifting ones.
pub(super) fn changes(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let unusual = seen.lately.iter().map(|(s, l)| (s, l));
    let drifting = seen.trends.iter().map(|t| (&t.series, &t.labels));
    let mut candidates: Vec<_> = unusual.chain(drifting).collect();
    candidates.sort();
    candidates.dedup();
    candidates.truncate(EACH_MAX);
    candidates.into_iter().filter_map(|(s, l)| change(seen, probe, s, l, now)).collect()
}

fn change(
    seen: &Seen,
    probe: &Probe<'_>,
    series: &str,
    labels: &[(String, String)],
    now: Timestamp,
) -> Option<Draft> {
    let query = seen.query_of(probe, series, labels);
    let to = now.div_euclid(MINUTE_MS) * MINUTE_MS;
    let matrix = probe.range(&query, Grid { start: to - WINDOW_MS, end: to, step: MINUTE_MS });
    let [one] = matrix.as_slice() else { return None };
    let began = last_regime(&one.times, &one.floats).filter(|r| r.changes > 0)?.start_ms;
    let began = began.div_euclid(MINUTE_MS) * MINUTE_MS;
    let age = to - began;
    if !(STAYED_MS.0..=STAYED_MS.1).contains(&age) {
        return None;
    }
    let cut = one.times.partition_point(|t| *t < began);
    let (old, new) = one.floats.split_at(cut);
    let level = median(old)?;
    let spread: Vec<f64> = old.iter().map(|v| (v - level).abs()).collect();
    let sigma = 1.4826 * median(&spread)?;
    let moved = median(new)? - level;
    if old.len() < 20 || moved.abs() < SIGMAS_MIN * sigma || moved.abs() < SHARE_MIN * level.abs() {
        return None;
    }
    let (name, unit) = (called(series, labels), unit_of(series));
    let before = began - one.times.first()?;
    let was = median_over(&query, before.min(WINDOW_MS), MINUTE_MS);
    let was = probe.evidence(was, When::at(began - MINUTE_MS), |v| {
        format!("{name} was {} before", shown(v, unit))
    })?;
    let is = median_over(&query, age, MINUTE_MS);
    let is = probe.evidence(is, When::at(to), |v| format!("it is {} since", shown(v, unit)))?;
    let chart = probe.evidence(query.clone(), When::before(to, WINDOW_MS), |v| {
        format!("the newest value is {}", shown(v, unit))
    })?;
    let old_query = format!(
        "quantile_over_time(0.5, ({query})[{}:{}] offset {})",
        format_duration_ms(before.min(WINDOW_MS)),
        format_duration_ms(MINUTE_MS),
        format_duration_ms(age + MINUTE_MS),
    );
    let by = format!("{} - {old_query}", is.query);
    let difference = probe.number(&by, to)?;
    let worse = difference > 0.0 && WORSE_UP.iter().any(|w| series.contains(w));
    let share = (difference / was.value.abs().max(1e-9)).abs();
    let kind = if worse { InsightType::Regression } else { InsightType::ChangePoint };
    let way = if difference > 0.0 { "up" } else { "down" };
    Some(Draft {
        kind,
        subject: format!("{} at {way}", subject(series, labels)),
        title: match kind {
            InsightType::Regression => format!("{name} became worse"),
            _ => format!("{name} changed its level"),
        },
        description: format!("{}; {}, {}", was.text, is.text, super::super::when(began)),
        labels: labels.to_vec(),
        claimed: above_share(old, new),
        impact: Impact {
            text: format!("{} {way}, {:.0} %", shown(difference.abs(), unit), share * 100.0),
            value: difference,
            unit: unit.to_owned(),
            query: by,
            at_ms: to,
            weight: (0.35 * share).min(0.7) + if worse { 0.2 } else { 0.0 },
        },
        // It stays when the level is still nearer to the new one.
        check: Some(Check {
            query: is.query.clone(),
            above: difference > 0.0,
            bound: 0.5 * (was.value + is.value),
        }),
        evidence: vec![was, is, chart],
        lasts_ms: 3 * HOUR_MS,
        level: AnomalyLevel::Notify,
        covers: Vec::new(),
    })
}

/// How clearly two samples lie apart: the absolute value of Cliff's delta, 0..=1.
fn above_share(a: &[f64], b: &[f64]) -> f64 {
    let mut delta = 0_i64;
    for x in a {
        for y in b {
            delta += i64::from(y > x) - i64::from(y < x);
        }
    }
    let pairs = (a.len() * b.len()).max(1) as f64;
    (delta as f64 / pairs).abs().min(0.999)
}

/// Pearson's correlation of two queries over a window, as one query.
fn correlation_query(x: &str, y: &str, window_ms: i64, step_ms: i64) -> String {
    let w = format!("[{}:{}]", format_duration_ms(window_ms), format_duration_ms(step_ms));
    let (x, y) = (format!("sum({x})"), format!("sum({y})"));
    format!(
        "(avg_over_time(({x} * {y}){w}) - avg_over_time({x}{w}) * avg_over_time({y}{w})) \
         / (stddev_over_time({x}{w}) * stddev_over_time({y}{w}))"
    )
}

/// Unusual series of one host that move together.
pub(super) fn correlations(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let whose = |labels: &[(String, String)]| labels.iter().find(|(n, _)| n == "instance").cloned();
    let mut hosts: Vec<_> = seen.anomalies.iter().filter_map(|a| whose(&a.labels)).collect();
    hosts.sort();
    hosts.dedup();
    let mut drafts = Vec::new();
    for host in hosts {
        let mut of_host: Vec<_> = seen
            .anomalies
            .iter()
            .filter(|a| whose(&a.labels).as_ref() == Some(&host))
            .take(TOGETHER_MAX)
            .map(|a| (a.series.as_str(), a.labels.as_slice()))
            .collect();
        of_host.sort();
        for (i, a) in of_host.iter().enumerate() {
            for b in &of_host[i + 1..] {
                if drafts.len() < EACH_MAX {
                    drafts.extend(together(seen, probe, (*a, *b), &host, now));
                }
            }
        }
    }
    drafts
}

type Named<'a> = (&'a str, &'a [(String, String)]);

fn together(
    seen: &Seen,
    probe: &Probe<'_>,
    (a, b): (Named<'_>, Named<'_>),
    host: &(String, String),
    now: Timestamp,
) -> Option<Draft> {
    let to = now.div_euclid(MINUTE_MS) * MINUTE_MS;
    let (x, y) = (seen.query_of(probe, a.0, a.1), seen.query_of(probe, b.0, b.1));
    let points = format!("min(count_over_time(({x})[1h:1m]))");
    if probe.number(&points, to)? < 30.0 {
        return None;
    }
    let query = correlation_query(&x, &y, HOUR_MS, MINUTE_MS);
    let r = probe.evidence(query.clone(), When::at(to), |v| {
        format!("their correlation over an hour is {v:.2}")
    })?;
    if r.value.abs() < CORRELATION_MIN || r.value.abs() > 1.01 {
        return None;
    }
    let (one, other) = (called(a.0, a.1), called(b.0, b.1));
    let chart = |query: String, name: &str, unit: &'static str| {
        let text = |v| format!("{name} is {}", shown(v, unit));
        probe.evidence(query, When::before(to, HOUR_MS), text)
    };
    let evidence = [Some(r.clone()), chart(x, &one, unit_of(a.0)), chart(y, &other, unit_of(b.0))];
    let against = if r.value < 0.0 { "against each other" } else { "together" };
    Some(Draft {
        kind: InsightType::Correlation,
        subject: format!("{} and {}", subject(a.0, a.1), subject(b.0, b.1)),
        title: format!("{one} and {other} move {against}"),
        description: format!("both are unusual, and {}", r.text),
        labels: vec![host.clone()],
        claimed: r.value.abs().min(0.99),
        impact: Impact {
            text: format!(
                "{:.0} % of the one's variance goes with the other",
                r.value.powi(2) * 100.0
            ),
            value: probe.number(&format!("({query}) ^ 2"), to)?,
            unit: "ratio".to_owned(),
            query: format!("({query}) ^ 2"),
            at_ms: to,
            weight: 0.1,
        },
        evidence: evidence.into_iter().flatten().collect(),
        lasts_ms: HOUR_MS,
        level: AnomalyLevel::Annotate,
        covers: Vec::new(),
        check: None,
    })
}

/// Watched series that repeat every day or week, from two cycles of history on.
pub(super) fn seasons(seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let to = now.div_euclid(HOUR_MS) * HOUR_MS;
    let mut drafts = Vec::new();
    for (series, expr) in &seen.expressions {
        // Which series have enough history for it.
        for (period_ms, word) in [(DAY_MS, "day"), (7 * DAY_MS, "week")] {
            let back = 2 * period_ms;
            let enough = back / HOUR_MS * 9 / 10;
            let window = format_duration_ms(back);
            let old = format!("count_over_time(({expr})[{window}:1h]) >= {enough}");
            for (labels, _) in probe.vector(&old, to).into_iter().take(EACH_MAX) {
                if drafts.len() >= EACH_MAX {
                    return drafts;
                }
                let labels = crate::scores::pairs(&labels.with(METRIC_NAME, ""));
                drafts.extend(season(seen, probe, (series, &labels), (period_ms, word), to));
            }
        }
    }
    drafts
}

fn season(
    seen: &Seen,
    probe: &Probe<'_>,
    (series, labels): Named<'_>,
    (period_ms, word): (i64, &str),
    to: Timestamp,
) -> Option<Draft> {
    // Means of an hour, against those of one period before.
    let own = seen.query_of(probe, series, labels);
    let period = format_duration_ms(period_ms);
    let hourly = format!("avg_over_time(({own})[1h:5m])");
    let before = format!("avg_over_time(({own})[1h:5m] offset {period})");
    let query = correlation_query(&hourly, &before, period_ms, HOUR_MS);
    let name = called(series, labels);
    let r = probe.evidence(query, When::at(to), |v| {
        format!("its correlation with the {word} before is {v:.2}")
    })?;
    if r.value < SEASON_MIN || r.value > 1.01 {
        return None;
    }
    let swing_query =
        format!("max_over_time({hourly}[{period}:1h]) - min_over_time({hourly}[{period}:1h])");
    let swing = probe.number(&swing_query, to)?;
    let unit = unit_of(series);
    Some(Draft {
        kind: InsightType::Seasonality,
        subject: format!("{} every {word}", subject(series, labels)),
        title: format!("{name} repeats every {word}"),
        description: format!("{}; hourly means swing by {}", r.text, shown(swing, unit)),
        labels: labels.to_vec(),
        claimed: r.value.min(0.99),
        impact: Impact {
            text: format!("swings by {} within a {word}", shown(swing, unit)),
            value: swing,
            unit: unit.to_owned(),
            query: swing_query,
            at_ms: to,
            weight: 0.05,
        },
        evidence: vec![r],
        lasts_ms: 2 * DAY_MS,
        level: AnomalyLevel::Annotate,
        covers: Vec::new(),
        check: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_apart_are_told_from_samples_alike() {
        assert!(above_share(&[1.0, 2.0, 3.0], &[4.0, 5.0]) > 0.99);
        assert_eq!(above_share(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(above_share(&[], &[f64::NAN]), 0.0);
    }
}
