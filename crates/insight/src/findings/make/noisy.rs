//! Insights about what tells too often: alerts that fire and end by themselves many times a day, series with
//! as many alarms. They cost attention.
//!
//! For an alert it is asked what would have been: were it kept firing over short pauses
//! (`keep_firing_for`), or did its condition have to hold longer (`for`). What leaves a third of the times
//! or fewer is told, the gentlest first.

use plimsoll_model::{DAY_MS, METRIC_NAME, MINUTE_MS, Timestamp, format_duration_ms};

use super::super::insight::{Draft, Impact, InsightType};
use super::super::probe::{Evidence, Probe, When, braces, braces_of};
use super::{EACH_MAX, Seen, called, lasting};
use crate::scores::{AnomalyLevel, pairs};

/// Times a day from which it is noise.
const OFTEN: f64 = 6.0;
/// What ends by itself within this time, on average, seconds.
const SHORT_S: f64 = 15.0 * 60.0;
/// Pauses over which an alert might be kept firing, and times that its condition might have to hold, ms.
const PAUSES_MS: [i64; 2] = [10 * MINUTE_MS, 30 * MINUTE_MS];
const PATIENCE_MS: [i64; 3] = [5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS];
/// A remedy leaves at most this share of the times.
const LEFT_MAX: f64 = 1.0 / 3.0;
/// Unusual series of which it is asked how often they were.
const SERIES_MAX: usize = 40;

/// Alerts and series that tell too often.
pub(super) fn noisy(_: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Draft> {
    let to = now.div_euclid(MINUTE_MS) * MINUTE_MS;
    let mut drafts = alerts(probe, to);
    drafts.extend(series(probe, to));
    drafts
}

/// How often within a day something began, as a query: it is there, and was not `step` before.
fn starts(now: &str, before: &str, step: &str) -> String {
    format!("count_over_time(({now} unless {before})[1d:{step}])")
}

fn alerts(probe: &Probe<'_>, to: Timestamp) -> Vec<Draft> {
    let firing = "ALERTS{alertstate=\"firing\"}";
    let often = starts(firing, &format!("{firing} offset 1m"), "1m");
    let often = format!("sum by (alertname) ({often}) >= {OFTEN}");
    let mut found = probe.vector(&often, to);
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let names = found.iter().filter_map(|(labels, _)| labels.get("alertname"));
    names.take(EACH_MAX).filter_map(|name| alert(probe, name, to)).collect()
}

fn alert(probe: &Probe<'_>, name: &str, to: Timestamp) -> Option<Draft> {
    let firing = format!("ALERTS{}", braces([("alertname", name), ("alertstate", "firing")]));
    let times = format!("sum({})", starts(&firing, &format!("{firing} offset 1m"), "1m"));
    let length = format!("60 * sum(count_over_time({firing}[1d:1m])) / {times}");
    let times =
        probe.evidence(times, When::at(to), |n| format!("{name} fired {n:.0} times in a day"))?;
    let length = probe.evidence(length, When::at(to), |s| {
        format!("it ended by itself after {} on average", lasting(s))
    })?;
    if times.value < OFTEN || length.value > SHORT_S {
        return None;
    }
    let remedy = remedy(probe, &firing, times.value, to);
    let left = remedy.as_ref().map_or_else(String::new, |e| format!("; {}", e.text));
    Some(Draft {
        kind: InsightType::Waste,
        subject: format!("noisy alert {name}"),
        title: format!("{name} fires often and ends by itself"),
        description: format!("{}; {}{left}", times.text, length.text),
        labels: vec![("alertname".to_owned(), name.to_owned())],
        claimed: 0.8,
        impact: Impact {
            text: times.text.clone(),
            value: times.value,
            unit: "times".to_owned(),
            query: times.query.clone(),
            at_ms: to,
            weight: (0.2 + times.value / 100.0).min(0.6),
        },
        evidence: [times, length].into_iter().chain(remedy).collect(),
        lasts_ms: DAY_MS,
        level: AnomalyLevel::Annotate,
        covers: Vec::new(),
        check: None,
    })
}

/// What would have made it a third as often, or less.
fn remedy(probe: &Probe<'_>, firing: &str, times: f64, to: Timestamp) -> Option<Evidence> {
    let kept = PAUSES_MS.iter().map(|ms| {
        let d = format_duration_ms(*ms);
        let held = |offset: &str| format!("max_over_time({firing}[{d}:1m]{offset})");
        (format!("keep_firing_for: {d}"), starts(&held(""), &held(" offset 1m"), "1m"))
    });
    let patient = PATIENCE_MS.iter().map(|ms| {
        let (d, n) = (format_duration_ms(*ms), ms / MINUTE_MS);
        let held = |offset: &str| format!("(count_over_time({firing}[{d}:1m]{offset}) >= {n})");
        (format!("{d} more of for"), starts(&held(""), &held(" offset 1m"), "1m"))
    });
    kept.chain(patient).find_map(|(what, query)| {
        let query = format!("sum({query}) or vector(0)");
        let text = |n| format!("with {what} it would have fired {n:.0} times");
        probe.evidence(query, When::at(to), text).filter(|e| e.value <= LEFT_MAX * times)
    })
}

fn series(probe: &Probe<'_>, to: Timestamp) -> Vec<Draft> {
    let alarmed = "max_over_time(plimsoll_anomaly_score{series!=\"\"}[1d]) >= 0.5";
    let mut found = probe.vector(alarmed, to);
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let found = found.into_iter().take(SERIES_MAX);
    found.filter_map(|(labels, _)| one(probe, &pairs(&labels), to)).take(EACH_MAX).collect()
}

fn one(probe: &Probe<'_>, labels: &[(String, String)], to: Timestamp) -> Option<Draft> {
    let score = format!("plimsoll_anomaly_score{}", braces_of(labels));
    let alarmed = |offset: &str| format!("(max_over_time({score}[10m]{offset}) >= 0.5)");
    let query = starts(&alarmed(""), &alarmed(" offset 5m"), "5m");
    let metric = labels.iter().find(|(n, _)| n == "series").map(|(_, v)| v.clone())?;
    let own: Vec<(String, String)> =
        labels.iter().filter(|(n, _)| n != "series").cloned().collect();
    let name = called(&metric, &own);
    let times = probe.evidence(query, When::at(to), |n| {
        format!("{name} had {n:.0} alarms in a day, all over by themselves")
    })?;
    if times.value < OFTEN {
        return None;
    }
    let selector = braces_of(&[vec![(METRIC_NAME.to_owned(), metric)], own.clone()].concat());
    Some(Draft {
        kind: InsightType::Waste,
        subject: format!("noisy series {selector}"),
        title: format!("{name} is unusual so often that it tells nothing"),
        description: times.text.clone(),
        labels: own,
        claimed: 0.6,
        impact: Impact {
            text: times.text.clone(),
            value: times.value,
            unit: "times".to_owned(),
            query: times.query.clone(),
            at_ms: to,
            weight: 0.15,
        },
        evidence: vec![times],
        lasts_ms: DAY_MS,
        level: AnomalyLevel::Annotate,
        covers: Vec::new(),
        check: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use plimsoll_model::{Labels, MemorySource, SeriesSource, stale_nan};
    use plimsoll_query::{Engine, EngineConfig};
    use plimsoll_world::Workers;

    const START: i64 = 1_750_000_000_000 / MINUTE_MS * MINUTE_MS;

    /// An alert that fires `on` minutes of every `every` over a day.
    fn fires(source: &MemorySource, name: &str, (on, every): (i64, i64)) {
        let pairs = [("__name__", "ALERTS"), ("alertname", name), ("alertstate", "firing")];
        let labels = Labels::new(pairs).unwrap();
        for minute in 0..24 * 60 {
            let at = START + minute * MINUTE_MS;
            match minute % every {
                m if m < on => source.append(&labels, at, 1.0),
                m if m == on => source.append(&labels, at, stale_nan()),
                _ => continue,
            };
        }
    }

    #[test]
    fn alerts_that_end_by_themselves_have_a_remedy_that_the_past_bears_out() {
        let source = MemorySource::new();
        // Short and far apart: patience. Short pauses: keep it firing. Long ones and rare ones are none.
        fires(&source, "Brief", (3, 60));
        fires(&source, "Flapping", (2, 6));
        fires(&source, "Long", (50, 120));
        fires(&source, "Rare", (2, 600));
        let score = Labels::new([("__name__", "plimsoll_anomaly_score"), ("series", "x")]).unwrap();
        for minute in 0..24 * 60 {
            let value = if minute % 120 < 3 { 0.8 } else { 0.0 };
            source.append(&score, START + minute * MINUTE_MS, value);
        }
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let probe = Probe::new(&engine, source.snapshot());
        let to = START + 24 * 60 * MINUTE_MS - MINUTE_MS;
        let drafts = noisy(&Seen::default(), &probe, to);
        let subjects: Vec<&str> = drafts.iter().map(|d| d.subject.as_str()).collect();
        let series = "noisy series {__name__=\"x\"}";
        assert_eq!(subjects, ["noisy alert Flapping", "noisy alert Brief", series]);
        let remedy = |i: usize| drafts[i].evidence.last().map(|e| (e.text.as_str(), e.value));
        let (text, left) = remedy(0).unwrap();
        assert!(text.contains("keep_firing_for: 10m") && left <= 1.0, "{text}");
        assert_eq!(remedy(1), Some(("with 5m more of for it would have fired 0 times", 0.0)));
        assert_eq!(drafts[1].impact.value, 24.0);
        assert_eq!(drafts[2].impact.value, 12.0);
        for e in drafts.iter().flat_map(|d| &d.evidence) {
            assert_eq!(probe.again(e), Some(e.value), "{}", e.query);
        }
    }
}
