//! `/api/v1/query`, `query_range`, `format_query`, `query_exemplars`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_model::{Exemplar, Grid, Hint, Matcher, Scoped, SeriesExemplars, Snapshot as _};
use plimsoll_query::{Answer, Query, format_value, parse};
use serde::Serialize;
use serde_json::{Value, json as document_of};

use super::labels::{op, range_of};
use super::{ask, ask_quickly, json};
use crate::app::App;
use crate::params::{Params, duration_ms, time_ms};
use crate::reply::{Failure, Success, document};
use crate::routes::Call;

/// Exemplars of one answer at most.
const EXEMPLARS_MAX: usize = 10_000;

/// The query of a request, read.
pub(crate) fn query_of(app: &App, params: &Params) -> Result<Query, Failure> {
    let text = params.get("query").unwrap_or("");
    let expr = parse(text, &app.engine.config().features)
        .map_err(|e| Failure::parameter("query", e.to_string()))?;
    Ok(Query::new(text, expr))
}

pub(crate) fn time_of(params: &Params, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    time_ms(text).map(Some).map_err(|e| Failure::parameter(name, e))
}

/// The engine for a request; `lookback_delta` makes one of its own.
pub(crate) fn engine_of(
    app: &App,
    params: &Params,
) -> Result<Arc<plimsoll_query::Engine>, Failure> {
    let Some(text) = params.get("lookback_delta") else { return Ok(Arc::clone(&app.engine)) };
    let lookback_ms = duration_ms(text)
        .map_err(|e| Failure::bad_data(format!("error parsing lookback delta duration: {e}")))?;
    let lookback_ms = if lookback_ms > 0 { lookback_ms } else { app.engine.config().lookback_ms };
    let config = plimsoll_query::EngineConfig { lookback_ms, ..app.engine.config().clone() };
    Ok(Arc::new(plimsoll_query::Engine::new(config, Arc::clone(&app.workers))))
}

/// An instant query; without `time`, now.
pub async fn instant(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let at = time_of(&call.params, "time")?.unwrap_or_else(|| app.now());
    let limit = limit_of(&call.params)?;
    let query = query_of(&app, &call.params)?;
    let engine = engine_of(&app, &call.params)?;
    let timed = Timed::of(&app, &call.params);
    ask_quickly(&app, &call, move |app, cx| {
        let began = app.clock.mono();
        let mut answer = engine.instant(&app.source.snapshot(), &query, at, cx)?;
        let stats = timed.map(|t| t.stats(began, app.clock.mono(), &answer));
        cut(&mut answer, limit);
        Ok(reply(&answer, at, stats.as_deref()))
    })
    .await
}

/// The times of a range query.
pub(crate) fn grid_of(p: &Params) -> Result<Grid, Failure> {
    let needed = |name| {
        let missing = || Failure::parameter(name, "cannot parse \"\" to a valid timestamp");
        time_of(p, name)?.ok_or_else(missing)
    };
    let (start, end) = (needed("start")?, needed("end")?);
    if end < start {
        let message = "end timestamp must not be before start time";
        return Err(Failure::parameter("end", message));
    }
    let step =
        duration_ms(p.get("step").unwrap_or("")).map_err(|e| Failure::parameter("step", e))?;
    if step <= 0 {
        let message = "zero or negative query resolution step widths are not accepted. \
                       Try a positive integer";
        return Err(Failure::parameter("step", message));
    }
    if end.abs_diff(start) / step.unsigned_abs() > 11_000 {
        return Err(Failure::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. \
             Try decreasing the query resolution (?step=XX)",
        ));
    }
    Ok(Grid { start, end, step })
}

/// A range query.
pub async fn range(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let p = &call.params;
    let grid = grid_of(p)?;
    let limit = limit_of(p)?;
    let query = query_of(&app, p)?;
    let engine = engine_of(&app, p)?;
    let timed = Timed::of(&app, p);
    let anew = p.get("nocache") == Some("1");
    ask_quickly(&app, &call, move |app, cx| {
        let began = app.clock.mono();
        let snapshot = app.source.snapshot();
        let mut answer = if anew {
            engine.range(&snapshot, &query, grid, cx)?
        } else {
            app.results.range(&engine, &snapshot, &query, grid, app.now(), cx)?
        };
        let stats = timed.map(|t| t.stats(began, app.clock.mono(), &answer));
        cut(&mut answer, limit);
        Ok(reply(&answer, grid.end, stats.as_deref()))
    })
    .await
}

fn limit_of(params: &Params) -> Result<usize, Failure> {
    super::labels::limit(params)
}

/// Keeps the first `limit` series (0 = all), with Prometheus' warning.
fn cut(answer: &mut Answer, limit: usize) {
    use plimsoll_query::Value;
    let had = answer.stats.series;
    if limit == 0 || had <= limit {
        return;
    }
    match &mut answer.value {
        Value::Vector(samples) => samples.truncate(limit),
        Value::Matrix(series) => series.truncate(limit),
        Value::Scalar(_) | Value::String(_) => return,
    }
    answer.warnings.push("results truncated due to limit".to_owned());
}

fn reply(answer: &Answer, at: i64, stats: Option<&str>) -> Response {
    let mut success = Success::new();
    json::data(success.data(), answer, at, stats);
    success.finish(&answer.warnings, &answer.infos)
}

/// When a query that wants its statistics was asked, on the monotonic clock.
#[derive(Clone, Copy)]
struct Timed {
    asked: Duration,
}

impl Timed {
    /// With a parameter `stats`, whatever it says.
    fn of(app: &App, params: &Params) -> Option<Self> {
        params.get("stats").map(|_| Self { asked: app.clock.mono() })
    }

    /// Prometheus' document. What is read is held until the end: as many samples at most at once as
    /// in all.
    fn stats(self, began: Duration, ended: Duration, answer: &Answer) -> String {
        let seconds = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
        let evaluation = seconds(began, ended);
        let samples = answer.stats.samples;
        document_of!({
            "timings": {
                "evalTotalTime": evaluation,
                "resultSortTime": 0.0,
                "queryPreparationTime": 0.0,
                "innerEvalTime": evaluation,
                "execQueueTime": seconds(self.asked, began),
                "execTotalTime": seconds(self.asked, ended),
            },
            "samples": { "totalQueryableSamples": samples, "peakSamples": samples },
        })
        .to_string()
    }
}

/// A query in its canonical form.
pub async fn format(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let query = query_of(&app, &call.params)?;
    Ok(document(&query.expr().to_string()))
}

/// Exemplars of the series that the selectors of a query name.
pub async fn exemplars(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let text = call.params.get("query").unwrap_or("");
    let expr = parse(text, &app.engine.config().features)
        .map_err(|e| Failure::parameter("query", e.to_string()))?;
    let selectors = expr.selectors();
    let mut sets: Vec<Vec<Matcher>> = Vec::with_capacity(selectors.len());
    for selector in selectors {
        let matchers = selector.matchers.iter().map(|m| Matcher::new(op(m.op), &m.name, &m.value));
        let matchers: Result<Vec<_>, _> = matchers.collect();
        sets.push(matchers.map_err(|e| Failure::parameter("query", e))?);
    }
    let range = range_of(&call.params)?;
    ask(&app, &call.params, move |app, cx| {
        if sets.is_empty() {
            return Ok(document(&[(); 0]));
        }
        let snapshot = Scoped::new(app.source.snapshot());
        let borrowed: Vec<&[Matcher]> = sets.iter().map(Vec::as_slice).collect();
        let hint = Hint { limit: EXEMPLARS_MAX, ..Hint::range(range) };
        let found = snapshot.exemplars(&borrowed, &hint, cx)?;
        let found: Vec<_> = found.iter().map(Told::of).collect();
        Ok(document(&found))
    })
    .await
}

/// The exemplars of a series, fields in the order in which streaming clients need them.
#[derive(Serialize)]
struct Told<'e> {
    #[serde(rename = "seriesLabels")]
    series: BTreeMap<&'e str, &'e str>,
    exemplars: Vec<OneTold<'e>>,
}

#[derive(Serialize)]
struct OneTold<'e> {
    labels: BTreeMap<&'e str, &'e str>,
    value: String,
    timestamp: Value,
}

impl<'e> Told<'e> {
    fn of(found: &'e SeriesExemplars) -> Self {
        let one = |e: &'e Arc<Exemplar>| OneTold {
            labels: e.labels.iter().collect(),
            value: format_value(e.value),
            timestamp: if e.time % 1000 == 0 {
                Value::from(e.time / 1000)
            } else {
                Value::from(e.time as f64 / 1000.0)
            },
        };
        let exemplars = found.exemplars.iter().map(one).collect();
        Self { series: found.labels.iter().collect(), exemplars }
    }
}
