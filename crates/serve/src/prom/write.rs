//! `/api/v1/write`: remote write 1.0 and 2.0, told apart by the content type's parameter `proto`.
//!
//! The gate of writes is passed before the body is read: bodies are the largest thing that a request
//! holds. Each series is judged alone: the good part of a request is stored, and 400 names the first bad
//! part; 4xx means "do not send this again", 503 "send it again later". Answers to version 2 count in
//! their headers what was stored, those of 400 too.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use plimsoll_model::{Appended, Batch, Error, SourceId};
use plimsoll_wire::remote_write::{LabelFields, Limits, Request, Version, labels_text};

use crate::app::App;
use crate::metrics::count;
use crate::reply::{Failure, text};
use crate::routes::Call;

/// What is told to senders of version 2: samples, histograms, exemplars that were written.
const WRITTEN: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

/// Takes samples.
pub async fn write(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let version = version_of(&call.parts.headers)?;
    let outcome = take(&app, version, &call.body).await;
    let (mut response, appended) = match outcome {
        Ok(appended) => (text(StatusCode::NO_CONTENT, ""), appended),
        Err((failure, appended)) => (failure.into_response(), appended),
    };
    if version == Version::Two {
        let floats = appended.stored.saturating_sub(appended.histograms);
        let written = [floats, appended.histograms, appended.exemplars];
        for (name, n) in WRITTEN.into_iter().zip(written) {
            response.headers_mut().insert(name, HeaderValue::from(n));
        }
    }
    Ok(response)
}

/// Stores what can be stored; a failure comes with what was stored all the same.
async fn take(app: &App, version: Version, body: &[u8]) -> Result<Appended, (Failure, Appended)> {
    let nothing = |failure| (failure, Appended::default());
    let limits = Limits { body_bytes: app.limits.write_bytes, samples: app.limits.write_samples };
    let mut request = Request::default();
    request.decode(version, body, &limits).map_err(|e| nothing(e.into()))?;
    let ticket = {
        let rows = request.rows();
        let source = SourceId::new("remote_write");
        let metadata = request.metadata();
        app.sink.submit(Batch { source: &source, decode: &LabelFields, rows: &rows, metadata })
    };
    let appended = ticket.await.map_err(|e| {
        nothing(match e {
            Error::Unavailable(_) | Error::Io { .. } => Failure::unavailable(e.to_string()),
            _ => Failure::bad_data(e.to_string()),
        })
    })?;
    let bad = appended.duplicate + appended.refused + request.refused().samples;
    count_all(app, &request, &appended, bad);
    match first_bad(&request, &appended) {
        None => Ok(appended),
        Some(why) => {
            let stored = appended.stored;
            let message = format!("{why} ({stored} samples stored, {bad} not)");
            Err((Failure::bad_data(message), appended))
        }
    }
}

fn count_all(app: &App, request: &Request, appended: &Appended, bad: u64) {
    count(&app.metrics.written_samples, appended.stored);
    count(&app.metrics.refused_samples, bad);
    count(
        &app.metrics.skipped_histograms,
        (request.histograms() as u64).saturating_sub(appended.histograms),
    );
    count(
        &app.metrics.skipped_exemplars,
        (request.exemplars() as u64).saturating_sub(appended.exemplars),
    );
}

/// The first series that was not stored as it was sent, and why.
fn first_bad(request: &Request, appended: &Appended) -> Option<String> {
    if let Some((number, why)) = &request.refused().first {
        return Some(format!("series {number} of the request: {why}"));
    }
    let (row, reason) = appended.first_reason()?;
    let name = request.rows().get(row).map(|r| labels_text(r.raw)).unwrap_or_default();
    Some(format!("series {name}: {reason}"))
}

/// Which message the body holds.
fn version_of(headers: &HeaderMap) -> Result<Version, Failure> {
    let of = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let unsupported = |message: String| Failure {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        kind: "bad_data",
        message,
    };
    let kind = of(header::CONTENT_TYPE).unwrap_or("application/x-protobuf");
    let mut parts = kind.split(';').map(str::trim);
    if !parts.next().is_some_and(|p| p.eq_ignore_ascii_case("application/x-protobuf")) {
        return Err(unsupported(format!("content type {kind:?}; send application/x-protobuf")));
    }
    match of(header::CONTENT_ENCODING) {
        None | Some("snappy" | "") => {}
        Some(other) => {
            return Err(unsupported(format!("content encoding {other:?}; send snappy")));
        }
    }
    let Some(proto) = parts.find_map(|p| p.strip_prefix("proto=")) else {
        return Ok(Version::One);
    };
    Version::of_message(proto.trim_matches('"')).ok_or_else(|| {
        unsupported(format!(
            "{kind:?}; send prometheus.WriteRequest or io.prometheus.write.v2.Request"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, encoding: &str, expected: Result<Version, u16>) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, encoding)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        let found = version_of(&headers).map_err(|f| f.status.as_u16());
        assert_eq!(found, expected, "{kind} {encoding}");
    }

    #[test]
    fn the_content_type_names_the_version() {
        let plain = "application/x-protobuf";
        check("", "", Ok(Version::One));
        check(plain, "snappy", Ok(Version::One));
        let one = format!("{plain};proto=prometheus.WriteRequest");
        check(&one, "snappy", Ok(Version::One));
        let two = format!("{plain}; proto=io.prometheus.write.v2.Request");
        check(&two, "snappy", Ok(Version::Two));
        check(&two, "gzip", Err(415));
        check(&format!("{plain};proto=io.prometheus.write.v9.Request"), "snappy", Err(415));
        check("application/json", "snappy", Err(415));
    }
}
