//! `/api/v1/read`: remote read, samples at once or chunks frame by frame.
//!
//! Raw samples are handed out, staleness markers and native histograms included. Both forms count
//! against the budget of a query: samples read against `query.max_samples`, bytes of an answer that is
//! made at once against `query.memory`. A stream is made as fast as its reader takes it; one that takes
//! nothing for [`STALLED`] is ended, since it holds a place among the queries.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use plimsoll_model::{
    Error, Hint, LabelScratch, Labels, MatchOp, Matcher, ReadCx, Scoped, Scratch, Selection,
    Snapshot,
};
use plimsoll_wire::remote_read::{Form, Question, ReadRequest, ReadResponse, stream_series};
use tokio::sync::mpsc;

use super::ask;
use crate::app::App;
use crate::params::Params;
use crate::reply::Failure;
use crate::routes::Call;

/// Bytes of a request after decompression.
const REQUEST_BYTES: usize = 1 << 20;
/// Frames that wait for the reader of a stream.
const FRAMES_WAITING: usize = 4;
/// How long a reader may take nothing.
const STALLED: Duration = Duration::from_secs(30);

type Frame = Result<Bytes, Failure>;

/// Answers a remote read.
pub async fn read(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let request = ReadRequest::decode(&call.body, REQUEST_BYTES)?;
    for question in &request.questions {
        if question.range.is_empty() {
            return Err(Failure::bad_data("a query ends before it starts"));
        }
    }
    let ours = Arc::new(app.control.external_labels());
    let mut questions = request.questions;
    for question in &mut questions {
        for m in question.matchers.iter_mut().filter(|m| asks_for(m, &ours)) {
            *m = Matcher::new(MatchOp::Equal, m.name(), "")?;
        }
    }
    match request.form {
        Form::Samples => samples(app, call.params, questions, ours).await,
        Form::StreamedChunks => streamed(app, call.params, questions, ours).await,
    }
}

/// Whether a matcher asks for one of our own labels, which no series here should have: as Prometheus
/// does, series without it are taken.
fn asks_for(m: &Matcher, ours: &Labels) -> bool {
    m.op() == MatchOp::Equal && ours.get(m.name()).is_some_and(|value| value == m.value())
}

/// The labels of a series, with our own where it does not have them.
fn with_ours(labels: &Labels, ours: &Labels) -> Labels {
    let missing = ours.iter().filter(|(name, _)| labels.get(name).is_none());
    missing.fold(labels.clone(), |labels, (name, value)| labels.with(name, value))
}

async fn samples(
    app: Arc<App>,
    params: Params,
    questions: Vec<Question>,
    ours: Arc<Labels>,
) -> Result<Response, Failure> {
    let body = ask(&app, &params, move |app, cx| {
        let snapshot = Scoped::new(app.source.snapshot());
        let mut out = ReadResponse::new();
        let mut counted = 0;
        for question in &questions {
            each(&snapshot, question, &ours, cx, &mut |labels, columns| {
                out.series(labels.as_ref(), columns);
                let more = out.len().saturating_sub(counted) as u64;
                counted = out.len();
                Ok(cx.budget.take(more)?)
            })?;
            out.end_of_question();
        }
        Ok(out.finish()?)
    })
    .await?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/x-protobuf");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    Ok(response)
}

async fn streamed(
    app: Arc<App>,
    params: Params,
    questions: Vec<Question>,
    ours: Arc<Labels>,
) -> Result<Response, Failure> {
    let (send, mut frames) = mpsc::channel::<Frame>(FRAMES_WAITING);
    tokio::spawn(async move {
        let sender = send.clone();
        let made = ask(&app, &params, move |app, cx| {
            let snapshot = Scoped::new(app.source.snapshot());
            for (number, question) in questions.iter().enumerate() {
                each(&snapshot, question, &ours, cx, &mut |labels, columns| {
                    stream_series(number, labels.as_ref(), columns, &mut |frame| {
                        hand_over(&sender, frame)
                    })
                })?;
            }
            Ok(())
        });
        if let Err(failure) = made.await {
            let _reader_gone = send.send(Err(failure)).await;
        }
    });
    // What goes wrong before the first frame has a status of its own.
    let first = match frames.recv().await {
        Some(Err(failure)) => return Err(failure),
        Some(Ok(frame)) => Some(frame),
        None => None,
    };
    let rest = futures_util::stream::unfold(frames, async |mut frames| {
        let frame = frames.recv().await?;
        Some((frame.map_err(|f| std::io::Error::other(f.message)), frames))
    });
    let first = futures_util::stream::iter(first.map(Ok::<_, std::io::Error>));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let kind = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// Waits for the reader, but not for ever. Must run where blocking is allowed.
fn hand_over(send: &mpsc::Sender<Frame>, frame: Vec<u8>) -> Result<(), Failure> {
    let waiting = tokio::time::timeout(STALLED, send.send(Ok(frame.into())));
    match tokio::runtime::Handle::current().block_on(waiting) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Failure::unavailable("the reader went away")),
        Err(_) => Err(Failure::unavailable("the reader takes nothing")),
    }
}

/// Hands out the series of a question that have samples, in the order of their labels.
fn each(
    snapshot: &dyn Snapshot,
    question: &Question,
    ours: &Labels,
    cx: &ReadCx,
    take: &mut dyn FnMut(&Labels, &plimsoll_model::Columns<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let hint = Hint::range(question.range);
    let selection = snapshot.select(&question.matchers, &hint, cx)?;
    let order = sorted(&*selection, cx)?;
    let mut scratch = Scratch::default();
    for (labels, i) in &order {
        cx.cancel.check()?;
        let columns = selection.read(*i, question.range, &mut scratch, cx)?;
        if !columns.is_empty() {
            take(&with_ours(labels, ours), &columns)?;
        }
    }
    Ok(())
}

/// Labels and indices of a selection, sorted by labels.
pub(super) fn sorted(
    selection: &dyn Selection,
    cx: &ReadCx,
) -> Result<Vec<(Labels, usize)>, Error> {
    let mut scratch = LabelScratch::default();
    let mut order = Vec::with_capacity(selection.len());
    for i in 0..selection.len() {
        let labels = selection.labels(i, &mut scratch).to_labels();
        cx.budget.take(labels.as_ref().as_bytes().len() as u64 + 48)?;
        order.push((labels, i));
    }
    cx.cancel.check()?;
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(order)
}
