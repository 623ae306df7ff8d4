//! `/api/v1/write`: remote write 1.0.
//!
//! The gate of writes is passed before the body is read: bodies are the largest thing that a request
//! holds. Each series is judged alone: the good part of a request is stored, and 400 names the first bad
//! part; 4xx means "do not send this again", 503 "send it again later".

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, header};
use plimsoll_model::{Batch, Error, SourceId};
use plimsoll_wire::remote_write::{LabelFields, Limits, Request};

use crate::app::App;
use crate::metrics::count;
use crate::reply::{Failure, text};
use crate::routes::Call;

/// Takes samples.
pub async fn write(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    check_headers(&call)?;
    let limits = Limits { body_bytes: app.limits.write_bytes, samples: app.limits.write_samples };
    let mut request = Request::default();
    request.decode(&call.body, &limits).map_err(|e| match e {
        plimsoll_wire::Error::Limit { .. } => Failure {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            kind: "bad_data",
            message: e.to_string(),
        },
        _ => Failure::bad_data(e.to_string()),
    })?;
    let ticket = {
        let rows = request.rows();
        let source = SourceId::new("remote_write");
        let metadata = request.metadata();
        app.sink.submit(Batch { source: &source, decode: &LabelFields, rows: &rows, metadata })
    };
    let appended = ticket.await.map_err(|e| match e {
        Error::Unavailable(_) | Error::Io { .. } => Failure::unavailable(e.to_string()),
        _ => Failure::bad_data(e.to_string()),
    })?;
    count(&app.metrics.written_samples, appended.stored);
    count(&app.metrics.refused_samples, appended.duplicate + appended.refused);
    count(
        &app.metrics.skipped_histograms,
        (request.histograms() as u64).saturating_sub(appended.histograms),
    );
    count(
        &app.metrics.skipped_exemplars,
        (request.exemplars() as u64).saturating_sub(appended.exemplars),
    );
    let bad = appended.duplicate + appended.refused;
    if let Some((row, reason)) = appended.first_reason().filter(|_| bad > 0) {
        let stored = appended.stored;
        return Err(Failure::bad_data(format!(
            "series {row} of the request: {reason} ({stored} samples stored, {bad} not)"
        )));
    }
    Ok(text(StatusCode::NO_CONTENT, ""))
}

fn check_headers(call: &Call) -> Result<(), Failure> {
    let of = |name| call.parts.headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
    let unsupported = |message: String| {
        Err(Failure { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, kind: "bad_data", message })
    };
    let kind = of(header::CONTENT_TYPE).unwrap_or("application/x-protobuf");
    let mut parts = kind.split(';').map(str::trim);
    if parts.next() != Some("application/x-protobuf") {
        return unsupported(format!("content type {kind:?}; send application/x-protobuf"));
    }
    let proto = parts.find_map(|p| p.strip_prefix("proto="));
    if proto.is_some_and(|p| p != "prometheus.WriteRequest") {
        return unsupported(format!("{kind:?}; send remote write 1.0: prometheus.WriteRequest"));
    }
    match of(header::CONTENT_ENCODING) {
        None | Some("snappy") => Ok(()),
        Some(other) => unsupported(format!("content encoding {other:?}; send snappy")),
    }
}
