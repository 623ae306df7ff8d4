//! `POST /api/plimsoll/v1/panels/query`: many panels in one request, frames in one answer.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt;
use http::{HeaderValue, header};
use plimsoll_model::{Grid, MatrixSeries, ReadCx};
use plimsoll_query::{Query, QueryError, Value, parse};
use serde::Deserialize;

use super::frame::{self, Element, Frame, Kind};
use super::metric_registry;
use crate::app::App;
use crate::params::TIME_MS_MAX;
use crate::prom::ask;
use crate::reply::Failure;
use crate::routes::Call;

/// Queries of one batch.
const QUERIES_MAX: usize = 64;
/// Elements of one column.
const ELEMENTS_MAX: usize = 11_000;
/// Series of one frame at most, and when nothing is asked for.
const SERIES_MAX: usize = 1_000;
pub(super) const SERIES_USUAL: usize = 50;
/// Steps are multiples of this: how often the host is read.
const STEP_MS: i64 = 5_000;

#[derive(Deserialize)]
struct Batch {
    range: Range,
    #[serde(default = "usual_width")]
    width_px: usize,
    queries: Vec<Panel>,
}

#[derive(Clone, Copy, Deserialize)]
struct Range {
    from: i64,
    to: i64,
}

#[derive(Clone, Deserialize)]
struct Panel {
    id: String,
    expr: String,
    #[serde(default)]
    kind: PanelKind,
    max_series: Option<usize>,
    step_ms: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum PanelKind {
    #[default]
    Range,
    Instant,
}

const fn usual_width() -> usize {
    800
}

/// What a chart shows.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub id: String,
    pub expr: String,
    /// Where the expression is kept, read, when it is asked again and again.
    pub kept: Option<Arc<OnceLock<Query>>>,
    pub grid: Grid,
    pub element: Element,
    pub max_series: usize,
}

/// Answers a batch; each query has a place of its own in the queue, and a frame of its own.
pub async fn query(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let batch: Batch = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not a batch of panels: {e}")))?;
    if batch.queries.len() > QUERIES_MAX {
        let found = batch.queries.len();
        let message = format!("{found} queries; at most {QUERIES_MAX} in one batch, split it");
        return Err(Failure::bad_data(message));
    }
    if batch.range.from < -TIME_MS_MAX || batch.range.to > TIME_MS_MAX {
        return Err(Failure::bad_data("range is not in ms since the epoch"));
    }
    if batch.range.to < batch.range.from {
        return Err(Failure::bad_data("range.to is before range.from"));
    }
    let charts: Vec<Chart> = batch.queries.iter().map(|p| chart(p, &batch)).collect();
    let running = charts.into_iter().map(move |chart| {
        let (app, params) = (Arc::clone(&app), call.params.clone());
        async move {
            let id = chart.id.clone();
            let work = move |app: &App, cx: &ReadCx| Ok(evaluate(app, &chart, Kind::Full, cx));
            let bytes = match ask(&app, &params, work).await {
                Ok((bytes, _)) => bytes,
                Err(e) => frame::error(&id, e.kind, &e.message),
            };
            let mut message = u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes().to_vec();
            message.extend(bytes);
            Ok::<_, std::convert::Infallible>(message)
        }
    });
    let frames = futures_util::stream::iter(running).buffer_unordered(4);
    let mut response = Response::new(Body::from_stream(frames));
    let kind = HeaderValue::from_static("application/vnd.plimsoll.frame");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn chart(panel: &Panel, batch: &Batch) -> Chart {
    let Range { from, to } = batch.range;
    let grid = match panel.kind {
        PanelKind::Instant => Grid::instant(to),
        PanelKind::Range => {
            let step = panel.step_ms.filter(|s| *s > 0);
            let step = step.unwrap_or_else(|| step_for(to - from, batch.width_px));
            let least = (to - from) / ELEMENTS_MAX as i64 + 1;
            aligned(from, to, step.max(least).min(TIME_MS_MAX))
        }
    };
    let element = if panel.kind == PanelKind::Range { Element::F32 } else { Element::F64 };
    let max_series = panel.max_series.unwrap_or(SERIES_USUAL).clamp(1, SERIES_MAX);
    let (id, expr) = (panel.id.clone(), panel.expr.clone());
    Chart { id, expr, kept: None, grid, element, max_series }
}

/// The smallest multiple of the usual step that gives at most two elements a pixel.
fn step_for(span_ms: i64, width_px: usize) -> i64 {
    let elements = i64::try_from(width_px.clamp(16, 10_000)).unwrap_or(800) * 2;
    let steps = span_ms.max(0) / (elements * STEP_MS) + 1;
    steps * STEP_MS
}

/// A grid whose times are multiples of its step, so that charts do not jitter as time goes on.
pub(super) fn aligned(from: i64, to: i64, step: i64) -> Grid {
    Grid { start: from.div_euclid(step) * step, end: to.div_euclid(step) * step, step }
}

/// The frame of a chart, and its series' labels hashed: the same as long as the set is.
pub(super) fn evaluate(app: &App, chart: &Chart, kind: Kind, cx: &ReadCx) -> (Vec<u8>, u64) {
    let began = app.clock.mono();
    let answered = read(app, chart).and_then(|query| Ok((answer(app, chart, &query, cx)?, query)));
    match answered {
        Ok(((mut series, warnings), query)) => {
            let truncated = series.len().saturating_sub(chart.max_series);
            series.truncate(chart.max_series);
            let set: Vec<u128> = series.iter().map(|s| s.labels.fp().0).collect();
            let set = xxhash_rust::xxh3::xxh3_64(format!("{set:?}").as_bytes());
            let took = app.clock.mono() - began;
            let bytes = frame::encode(&Frame {
                id: &chart.id,
                kind,
                grid: chart.grid,
                element: chart.element,
                series: &series,
                truncated,
                warnings: &warnings,
                thresholds: thresholds(app, kind, &query, &series),
                samples: cx.budget.samples(),
                ms: took.as_secs_f64() * 1e3,
            });
            (bytes, set)
        }
        Err(e) => (frame::error(&chart.id, e.kind, &e.message), 0),
    }
}

/// What a chart says of native histograms.
const HISTOGRAMS_NOT_DRAWN: &str = "native histograms are not drawn; histogram_quantile, \
                                    histogram_avg or histogram_count make numbers of them";

/// The threshold lines of a chart; with what is added to one, none are sent again.
fn thresholds(
    app: &App,
    kind: Kind,
    query: &Query,
    series: &[MatrixSeries],
) -> Vec<serde_json::Value> {
    if kind != Kind::Full {
        return Vec::new();
    }
    let labels = series.iter().map(|s| s.labels.as_ref());
    metric_registry::lines(&app.metrics_kept.registry().lines(query.expr(), labels))
}

pub(super) fn read(app: &App, chart: &Chart) -> Result<Query, Failure> {
    let kept = chart.kept.as_deref();
    if let Some(query) = kept.and_then(OnceLock::get) {
        return Ok(query.clone());
    }
    let expr = parse(&chart.expr, &app.engine.config().features)
        .map_err(|e| Failure::bad_data(e.to_string()))?;
    let query = Query::new(&chart.expr, expr);
    Ok(kept.map_or(query.clone(), |kept| kept.get_or_init(|| app.engine.keep(&query)).clone()))
}

pub(super) fn answer(
    app: &App,
    chart: &Chart,
    query: &Query,
    cx: &ReadCx,
) -> Result<(Vec<MatrixSeries>, Vec<String>), Failure> {
    let snapshot = app.source.snapshot();
    let instant = chart.grid.start == chart.grid.end && chart.element == Element::F64;
    let answer = if instant {
        app.engine.instant(&snapshot, query, chart.grid.start, cx)?
    } else {
        app.results.range(&app.engine, &snapshot, query, chart.grid, app.now(), cx)?
    };
    let at = chart.grid.start;
    let one = |labels, value| MatrixSeries::new(labels, vec![at], vec![value]);
    // A histogram has no number to draw.
    let mut histograms = false;
    let series = match answer.value {
        Value::Matrix(mut series) => {
            histograms = series.iter().any(|s| !s.histograms.is_empty());
            series.retain(|s| !s.times.is_empty());
            series
        }
        Value::Vector(mut samples) => {
            histograms = samples.iter().any(|s| s.histogram.is_some());
            samples.retain(|s| s.histogram.is_none());
            samples.into_iter().map(|s| one(s.labels, s.value)).collect()
        }
        Value::Scalar(value) => vec![one(plimsoll_model::Labels::empty(), value)],
        Value::String(_) => {
            let text = "a string cannot be drawn".to_owned();
            return Err(QueryError::BadData(text).into());
        }
    };
    let mut warnings = answer.warnings;
    warnings.extend(answer.infos);
    if histograms {
        warnings.push(HISTOGRAMS_NOT_DRAWN.to_owned());
    }
    Ok((series, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gives_at_most_two_elements_a_pixel() {
        assert_eq!(step_for(3_600_000, 800), 5_000);
        assert_eq!(step_for(86_400_000, 800), 55_000);
        let grid = aligned(12_345, 99_999, 5_000);
        assert_eq!((grid.start, grid.end, grid.len()), (10_000, 95_000, 18));
    }
}
