//! The key figures of monitoring itself, as series: how well things are collected, analysed, answered,
//! and mended. Their definitions are in `docs/user/analysis.md`.

use plimsoll_model::{Labels, METRIC_NAME, MINUTE_MS, Timestamp};

use super::State;
use super::insight::InsightType;
use super::probe::Probe;
use super::recommend::{Recommendation, RecommendationState};
use crate::issue::Point;

/// Time between two samples, ms.
pub(crate) const EVERY_MS: i64 = MINUTE_MS;

/// Name, a label with its value, query.
type Figure = (&'static str, Option<(&'static str, &'static str)>, &'static str);

/// Figures that one query gives.
const ASKED: [Figure; 5] = [
    (
        "plimsoll_kpi_collection_samples_per_second",
        None,
        "sum(rate(plimsoll_store_samples_total[5m]))",
    ),
    ("plimsoll_kpi_collection_success_ratio", None, "avg(avg_over_time(up[5m]))"),
    (
        "plimsoll_kpi_response_seconds",
        Some(("stage", "notify")),
        "sum(increase(plimsoll_alert_delivery_seconds_sum[1d])) \
         / (sum(increase(plimsoll_alert_delivery_seconds_count[1d])) > 0)",
    ),
    (
        "plimsoll_kpi_response_seconds",
        Some(("stage", "acknowledge")),
        "sum(increase(plimsoll_alert_acknowledge_seconds_sum[1d])) \
         / (sum(increase(plimsoll_alert_acknowledge_seconds_count[1d])) > 0)",
    ),
    (
        "plimsoll_kpi_response_seconds",
        Some(("stage", "resolve")),
        "sum(increase(plimsoll_alert_resolve_seconds_sum[1d])) \
         / (sum(increase(plimsoll_alert_resolve_seconds_count[1d])) > 0)",
    ),
];

fn point(name: &str, label: Option<(&str, &str)>, value: f64) -> Point {
    let mut labels = Labels::empty().with(METRIC_NAME, name);
    if let Some((label, text)) = label {
        labels = labels.with(label, text);
    }
    Point { labels, value }
}

/// Figures that the store gives.
pub(crate) fn asked(probe: &Probe<'_>, now: Timestamp) -> Vec<Point> {
    let ask = |(name, label, query): &Figure| Some(point(name, *label, probe.number(query, now)?));
    ASKED.iter().filter_map(ask).collect()
}

/// Figures of what is kept here.
pub(crate) fn kept(state: &State) -> Vec<Point> {
    let mut points = Vec::new();
    for kind in InsightType::ALL {
        if let Some(share) = state.reliability.precision(kind) {
            let label = Some(("of", kind.as_str()));
            points.push(point("plimsoll_kpi_analysis_accuracy_ratio", label, share));
        }
    }
    for (horizon, share) in &state.coverage {
        let of = format!("forecast_{horizon}");
        points.push(point("plimsoll_kpi_analysis_accuracy_ratio", Some(("of", &of)), *share));
    }
    let applied = |r: &&Recommendation| r.applied_ms.is_some();
    let done: Vec<&Recommendation> = state.recommendations.all().filter(applied).collect();
    let count = |s| done.iter().filter(|r| r.state == s).count() as f64;
    let (verified, reverted) =
        (count(RecommendationState::Verified), count(RecommendationState::Reverted));
    if verified + reverted > 0.0 {
        let share = verified / (verified + reverted);
        points.push(point("plimsoll_kpi_recovery_effectiveness_ratio", None, share));
        points.push(point("plimsoll_kpi_recovery_reverted_ratio", None, 1.0 - share));
    }
    let times: Vec<f64> = done
        .iter()
        .filter(|r| r.state == RecommendationState::Verified)
        .filter_map(|r| Some((r.history.last()?.at_ms - r.applied_ms?) as f64 / 1e3))
        .collect();
    if !times.is_empty() {
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        points.push(point("plimsoll_kpi_recovery_seconds", None, mean));
    }
    points
}
