//! `/api/plimsoll/v1/anomalies…` and `…/trends`: what behaves unusually, what was expected, what drifts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::payload::rfc3339;
use plimsoll_insight::{
    Anomaly, AnomalyGroup, Aside, Band, SeriesTrend, Stopped, WORTH_SHOWING, Watching, bands,
};
use plimsoll_model::{Grid, MINUTE_MS};
use serde_json::{Value, json};

use super::alerts::{at, limit};
use crate::app::App;
use crate::params::duration_ms;
use crate::prom::ask;
use crate::prom::query::{query_of, time_of};
use crate::reply::{Failure, own};
use crate::routes::Call;

/// How far back a band goes unless `from` says otherwise, ms: an hour.
const BAND_MS: i64 = 60 * MINUTE_MS;

/// What behaves unusually, the worst first: `min_score` (0.3), `limit`.
pub async fn list(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let least = match call.params.get("min_score").map(str::parse::<f64>) {
        None => WORTH_SHOWING,
        Some(Ok(score)) if (0.0..=1.0).contains(&score) => score,
        Some(_) => return Err(Failure::parameter("min_score", "a number from 0 to 1 is wanted")),
    };
    let limit = limit(&call.params)?;
    let mut found = app.outlook.unusual();
    found.retain(|a| a.score >= least);
    let truncated = found.len() > limit;
    let shown = found.iter().take(limit);
    let groups = app.outlook.groups();
    let stopped = app.outlook.stopped();
    Ok(own(&json!({
        "anomalies": shown.map(anomaly).collect::<Vec<_>>(),
        "groups": groups.iter().take(limit).map(group).collect::<Vec<_>>(),
        "stopped": stopped.iter().take(limit).map(stop).collect::<Vec<_>>(),
        "watched": watching(&app.outlook.watching(), limit),
        "truncated": truncated || groups.len() > limit || stopped.len() > limit,
    })))
}

/// What is drifting, the most important first: `limit`.
pub async fn trends(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = limit(&call.params)?;
    let found = app.outlook.trends();
    Ok(own(&json!({
        "trends": found.iter().take(limit).map(trend).collect::<Vec<_>>(),
        "truncated": found.len() > limit,
    })))
}

/// Values of a query with what was expected of them: `query`, `from`, `to` (now), `step` (1m).
pub async fn band(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let p = &call.params;
    let end = time_of(p, "to")?.unwrap_or_else(|| app.now());
    let start = time_of(p, "from")?.unwrap_or(end - BAND_MS);
    let step = p.get("step").map_or(Ok(MINUTE_MS), duration_ms);
    let step = step.map_err(|e| Failure::parameter("step", e))?;
    if step <= 0 {
        return Err(Failure::parameter("step", "a step above 0 is wanted"));
    }
    let query = query_of(&app, p)?;
    let grid = Grid { start, end, step };
    ask(&app, p, move |app, cx| {
        let (found, truncated) = bands(&app.engine, &app.source.snapshot(), &query, grid, cx)?;
        let series: Vec<Value> = found.iter().map(of_band).collect();
        Ok(own(&json!({ "series": series, "truncated": truncated })))
    })
    .await
}

fn map(labels: &[(String, String)]) -> BTreeMap<&str, &str> {
    labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

fn anomaly(a: &Anomaly) -> Value {
    json!({
        "series": a.series, "labels": map(&a.labels), "score": a.score, "value": a.value,
        "expected": a.expected, "at": rfc3339(a.at_ms), "level": a.level, "basis": a.basis,
    })
}

fn group(g: &AnomalyGroup) -> Value {
    json!({
        "by": g.by, "name": g.name, "rate": g.rate, "series": g.series,
        "anomalous": g.anomalous, "since": at(g.since_ms),
    })
}

fn stop(s: &Stopped) -> Value {
    json!({ "series": s.series, "labels": map(&s.labels), "since": rfc3339(s.since_ms) })
}

fn aside(a: &Aside) -> Value {
    json!({
        "series": a.series, "labels": map(&a.labels), "reason": a.reason,
        "since": rfc3339(a.since_ms),
    })
}

fn watching(w: &Watching, limit: usize) -> Value {
    json!({
        "series": w.series, "max": w.max, "bytes": w.bytes, "bytes_max": w.bytes_max,
        "left_out": w.left_out, "delayed": w.delayed, "cpu_ratio": w.cpu_ratio, "basis": w.basis, "until": at(w.until_ms),
        "set_aside": w.set_aside.iter().take(limit).map(aside).collect::<Vec<_>>(),
    })
}

fn trend(t: &SeriesTrend) -> Value {
    json!({
        "series": t.series, "labels": map(&t.labels), "per_hour": t.per_hour,
        "interval": [t.interval.0, t.interval.1], "since": rfc3339(t.since_ms), "share": t.share,
    })
}

fn of_band(b: &Band) -> Value {
    let labels: BTreeMap<&str, &str> = b.labels.iter().collect();
    json!({
        "labels": labels,
        "times": b.times.iter().map(|t| rfc3339(*t)).collect::<Vec<_>>(),
        "value": b.value, "expected": b.expected, "lower": b.lower, "upper": b.upper,
        "score": b.score,
    })
}
