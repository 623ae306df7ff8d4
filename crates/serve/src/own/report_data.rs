//! Asks what a report needs to know: our own routes, in this process, and queries. What a report says is
//! therefore what the browser application is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use futures_util::StreamExt;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use plimsoll_model::{Grid, MatrixSeries};
use plimsoll_show::report::{Answer, Answers, Need, Series, What};
use serde_json::Value;

use super::frame::Element;
use super::panels::{self, Chart, aligned};
use crate::app::App;
use crate::params::Params;
use crate::prom::ask;
use crate::routes::{Call, Found, find};

/// Questions that are asked at once.
const AT_ONCE: usize = 4;
/// Bytes of an answer of a route.
const BYTES_MAX: usize = 16 << 20;

/// Asks all of them; what is not answered in time is told.
pub async fn gather(app: &Arc<App>, needs: Vec<Need>) -> Answers {
    let end = tokio::time::Instant::now() + app.limits.report_timeout;
    let asked = needs.into_iter().map(|Need { key, what }| async move {
        let answer = match tokio::time::timeout_at(end, one(app, what)).await {
            Ok(answer) => answer.unwrap_or_else(Answer::Failed),
            Err(_) => {
                let seconds = app.limits.report_timeout.as_secs();
                Answer::Failed(format!(
                    "not answered within the {seconds} s that a report may take"
                ))
            }
        };
        (key, answer)
    });
    let answers: BTreeMap<String, Answer> =
        futures_util::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    Answers(answers)
}

async fn one(app: &Arc<App>, what: What) -> Result<Answer, String> {
    match what {
        What::Route(path) => route(app, &path).await.map(Answer::Json),
        What::Query { expr, from, until, step_ms, series_max } => {
            let instant = from == until;
            let chart = Chart {
                id: String::new(),
                expr,
                kept: None,
                grid: if instant {
                    Grid::instant(until)
                } else {
                    aligned(from, until, step_ms.max(1))
                },
                element: if instant { Element::F64 } else { Element::F32 },
                max_series: series_max,
            };
            query(app, chart).await
        }
    }
}

/// The document of a route of ours.
async fn route(app: &Arc<App>, path: &str) -> Result<Value, String> {
    let uri: Uri = path.parse().map_err(|e| format!("{path}: {e}"))?;
    let Found::Route(found, captured) = find(&Method::GET, uri.path()) else {
        return Err(format!("there is no route {path}"));
    };
    let params = Params::read(uri.query(), None);
    let request = Request::builder().uri(uri).body(()).map_err(|e| e.to_string())?;
    let (parts, ()) = request.into_parts();
    let call = Call { parts, params, body: bytes::Bytes::new(), captured };
    let response = (found.handler)(Arc::clone(app), call).await.map_err(|e| e.message)?;
    json(response).await
}

async fn json(response: Response) -> Result<Value, String> {
    let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
    let bytes = body.map_err(|e| e.to_string())?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

async fn query(app: &Arc<App>, chart: Chart) -> Result<Answer, String> {
    let work = move |app: &App, cx: &plimsoll_model::ReadCx| {
        let query = panels::read(app, &chart)?;
        let (mut series, _) = panels::answer(app, &chart, &query, cx)?;
        let cut = series.len().saturating_sub(chart.max_series);
        series.truncate(chart.max_series);
        Ok((series, cut))
    };
    let (series, cut) = ask(app, &Params::default(), work).await.map_err(|e| e.message)?;
    Ok(Answer::Series(series.into_iter().map(converted).collect(), cut))
}

fn converted(series: MatrixSeries) -> Series {
    let labels = series.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let points = series.times.iter().copied().zip(series.floats.iter().copied());
    // A step without a sample is no point.
    Series { labels, points: points.filter(|(_, v)| !v.is_nan()).collect() }
}
