//! `POST /api/plimsoll/v1/analysis/forecast`: how the series of an expression go on.
//!
//! The body: `query`; `horizon` (`"6h"`); `step` (else the finest that reaches the horizon in [`STEPS_USUAL`] steps);
//! `season` (a duration; else the calendar periods that the series has); `level` (0.95); `history` (else as much as is
//! worth it: [`LOOK_BACK`] horizons, from two days to [`HISTORY_MAX_MS`]); `at` (the time from which is looked ahead, else
//! now; seconds or RFC 3339); `limit` (series; 20, at most [`SERIES_MAX`]).

use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::payload::rfc3339;
use plimsoll_model::{DAY_MS, Grid, HOUR_MS, MINUTE_MS, MatrixSeries, ReadCx, is_stale};
use plimsoll_predict::{Ahead, AheadOptions, Basis, HORIZON_MAX, POINTS_MAX, ahead};
use plimsoll_query::{Query, Value as Answer};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::params::{duration_ms, time_ms};
use crate::prom::ask;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Steps ahead, when no step is named.
const STEPS_USUAL: i64 = 200;
/// Series of an answer, when nothing is said, and at most.
const SERIES_USUAL: usize = 20;
const SERIES_MAX: usize = 100;
/// Points that are foretold in all.
const ANSWER_POINTS_MAX: usize = 100_000;
/// Horizons of the past that are looked at.
const LOOK_BACK: i64 = 30;
/// The past at most, ms: five weeks.
const HISTORY_MAX_MS: i64 = 35 * DAY_MS;
/// Points below which a series is not continued.
const POINTS_MIN: usize = 8;
/// Steps that divide a day.
const STEPS_MS: [i64; 12] = [
    1_000,
    5_000,
    15_000,
    30_000,
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    query: String,
    horizon: String,
    step: Option<String>,
    season: Option<String>,
    level: Option<f64>,
    history: Option<String>,
    at: Option<String>,
    limit: Option<usize>,
}

/// What is asked, checked.
struct Asked {
    query: Query,
    grid: Grid,
    options: AheadOptions,
    limit: usize,
}

/// Continues the series of an expression.
pub async fn forecast(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Wish = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is no question for a forecast: {e}")))?;
    let asked = asked(&app, &wish)?;
    ask(&app, &call.params, move |app, cx| answer(app, &asked, cx)).await
}

fn positive(name: &str, text: &str) -> Result<i64, Failure> {
    match duration_ms(text) {
        Ok(ms) if ms > 0 => Ok(ms),
        Ok(_) => Err(Failure::parameter(name, "must be above 0")),
        Err(e) => Err(Failure::parameter(name, e)),
    }
}

fn asked(app: &App, wish: &Wish) -> Result<Asked, Failure> {
    let query = Query::parse(&wish.query, &app.engine.config().features)
        .map_err(|e| Failure::parameter("query", e))?;
    let horizon_ms = positive("horizon", &wish.horizon)?;
    let step_ms = match &wish.step {
        Some(text) => positive("step", text)?,
        None => usual_step(horizon_ms),
    };
    let steps = (horizon_ms / step_ms).max(1);
    let horizon = usize::try_from(steps).ok().filter(|&steps| steps <= HORIZON_MAX);
    let horizon = horizon.ok_or_else(|| {
        let message =
            format!("is {steps} steps, at most {HORIZON_MAX} are allowed; use a coarser step");
        Failure::parameter("horizon", message)
    })?;
    let season = match &wish.season {
        Some(text) => usize::try_from(positive("season", text)? / step_ms).ok(),
        None => None,
    };
    let level = wish.level.unwrap_or(0.95);
    if !(0.5..=0.999).contains(&level) {
        return Err(Failure::parameter("level", "must be a share between 0.5 and 0.999"));
    }
    let history_ms = match &wish.history {
        Some(text) => positive("history", text)?,
        None => horizon_ms.saturating_mul(LOOK_BACK).clamp(2 * DAY_MS, HISTORY_MAX_MS),
    };
    let points = (history_ms / step_ms).clamp(1, POINTS_MAX as i64 - 1);
    let now = match &wish.at {
        Some(text) => time_ms(text).map_err(|e| Failure::parameter("at", e))?,
        None => app.now(),
    };
    let end = now.div_euclid(step_ms) * step_ms;
    let start = end.saturating_sub(points.saturating_mul(step_ms));
    let limit = wish.limit.unwrap_or(SERIES_USUAL);
    if limit == 0 || limit > SERIES_MAX {
        return Err(Failure::parameter("limit", format!("must lie between 1 and {SERIES_MAX}")));
    }
    let limit = limit.min((ANSWER_POINTS_MAX / horizon).max(1));
    let options = AheadOptions { horizon, step_ms: Some(step_ms), season, level };
    Ok(Asked { query, grid: Grid { start, end, step: step_ms }, options, limit })
}

/// The finest step that reaches the horizon in few steps.
fn usual_step(horizon_ms: i64) -> i64 {
    let reaches = |step: &i64| horizon_ms / step <= STEPS_USUAL;
    STEPS_MS.into_iter().find(reaches).unwrap_or(DAY_MS)
}

fn answer(app: &App, asked: &Asked, cx: &ReadCx) -> Result<Response, Failure> {
    let found = app.engine.range(&app.source.snapshot(), &asked.query, asked.grid, cx)?;
    let Answer::Matrix(matrix) = found.value else {
        return Err(Failure::parameter("query", "the expression gives no series of numbers"));
    };
    let truncated = matrix.len() > asked.limit;
    let mut series = Vec::with_capacity(matrix.len().min(asked.limit));
    for one in matrix.iter().take(asked.limit) {
        cx.cancel.check()?;
        series.push(continued(one, asked));
    }
    Ok(own(&json!({ "series": series, "truncated": truncated })))
}

fn continued(series: &MatrixSeries, asked: &Asked) -> Value {
    let labels: std::collections::BTreeMap<&str, &str> = series.labels.iter().collect();
    let samples = series.times.iter().copied().zip(series.floats.iter().copied());
    let (times, values): (Vec<i64>, Vec<f64>) =
        samples.filter(|(_, v)| v.is_finite() && !is_stale(*v)).unzip();
    let nothing = |reason: String| {
        json!({
            "labels": labels, "times": [], "mean": [], "lower": [], "upper": [],
            "step_seconds": asked.grid.step as f64 / 1e3, "seasons": [], "basis": null, "accuracy": null,
            "reason": reason,
        })
    };
    if times.len() < POINTS_MIN {
        return nothing(format!("needs {POINTS_MIN} points, has {}", times.len()));
    }
    match ahead(&times, &values, &asked.options) {
        Ok(ahead) => document(&labels, &ahead),
        Err(problem) => nothing(problem.to_string()),
    }
}

fn document(labels: &std::collections::BTreeMap<&str, &str>, ahead: &Ahead) -> Value {
    let path = &ahead.forecast;
    let step_s = ahead.step_ms as f64 / 1e3;
    let times: Vec<String> = (0..path.mean.len()).map(|k| rfc3339(ahead.time_ms(k))).collect();
    let seasons: Vec<f64> = path.periods.iter().map(|&period| period as f64 * step_s).collect();
    let accuracy = path.accuracy.map(|a| {
        let mase = Some(a.mase).filter(|m| m.is_finite());
        json!({ "coverage": a.coverage, "mase": mase, "n": a.points })
    });
    json!({
        "labels": labels,
        "times": times,
        "mean": path.mean,
        "lower": path.lower,
        "upper": path.upper,
        "step_seconds": step_s,
        "seasons": seasons,
        "basis": basis(path.basis),
        "accuracy": accuracy,
        "reason": ahead.reason(),
    })
}

const fn basis(of: Basis) -> &'static str {
    match of {
        Basis::Backtested => "backtested",
        Basis::Short => "short",
        Basis::Sparse => "sparse",
        Basis::Constant => "constant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_reach_the_horizon() {
        assert_eq!(usual_step(6 * HOUR_MS), 5 * MINUTE_MS);
        assert_eq!(usual_step(7 * DAY_MS), HOUR_MS);
        assert_eq!(usual_step(100), 1_000);
        assert_eq!(usual_step(i64::MAX), DAY_MS);
    }
}
