//! `/api/v1/otlp/v1/metrics` and `/v1/metrics`: OpenTelemetry metrics over HTTP.
//!
//! Protobuf or JSON, plain or packed by gzip or zstd; answers are in the encoding of the request. The
//! good data points of a request are stored; if there were bad ones the answer is 200 with how many
//! were rejected and why the first one was (`partial_success`), so that an exporter does not send them
//! again. 400, 413 and 415 mean that nothing was stored, 503 that the request may come again.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use plimsoll_model::{Appended, Batch, Error, SourceId};
use plimsoll_wire::otlp::{Outcome, Settings, decode, from_json, response, status};
use plimsoll_wire::remote_write::{LabelFields, Limits, Request, labels_text};
use serde_json::json;

use super::blocking;
use crate::app::App;
use crate::metrics::count;
use crate::reply::Failure;
use crate::routes::Call;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// What became of the data points of a request.
struct Taken {
    rejected: u64,
    why: String,
}

/// Takes metrics.
pub async fn metrics(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let form = form_of(&call.parts.headers)?;
    Ok(match take(&app, form, call).await {
        Ok(taken) => form.answer(&taken),
        Err(failure) => form.failure(&failure),
    })
}

async fn take(app: &Arc<App>, form: Form, call: Call) -> Result<Taken, Failure> {
    let limits = Limits { body_bytes: app.limits.write_bytes, samples: app.limits.write_samples };
    let packing = packing_of(&call.parts.headers)?;
    let settings = app.control.otlp();
    let (request, outcome) = blocking(move || {
        let body = unpacked(packing, &call.body, limits.body_bytes)?;
        read(form, &body, &settings, &limits)
    })
    .await??;
    let ticket = {
        let rows = request.rows();
        let (source, metadata) = (SourceId::new("otlp"), request.metadata());
        app.sink.submit(Batch { source: &source, decode: &LabelFields, rows: &rows, metadata })
    };
    let appended = ticket.await.map_err(|e| match e {
        Error::Unavailable(_) | Error::Io { .. } => Failure::unavailable(e.to_string()),
        _ => Failure::bad_data(e.to_string()),
    })?;
    count(&app.metrics.written_samples, appended.stored);
    count(&app.metrics.refused_samples, appended.duplicate + appended.refused + outcome.rejected);
    count(
        &app.metrics.skipped_exemplars,
        (request.exemplars() as u64).saturating_sub(appended.exemplars),
    );
    Ok(judged(&request, &outcome, &appended))
}

fn read(
    form: Form,
    body: &[u8],
    settings: &Settings,
    limits: &Limits,
) -> Result<(Request, Outcome), Failure> {
    let mut request = Request::default();
    let outcome = match form {
        Form::Protobuf => decode(body, settings, limits, &mut request)?,
        Form::Json => decode(&from_json(body, limits.body_bytes)?, settings, limits, &mut request)?,
    };
    Ok((request, outcome))
}

/// Data points that could not be told in series, and those of which a sample was not kept.
fn judged(request: &Request, outcome: &Outcome, appended: &Appended) -> Taken {
    let mut lost: Vec<u32> = appended
        .rows
        .iter()
        .zip(&outcome.point_of)
        .filter(|(row, point)| row.reason.is_some() && **point != u32::MAX)
        .map(|(_, point)| *point)
        .collect();
    lost.dedup();
    let rejected = outcome.rejected + lost.len() as u64;
    let stored_not = || {
        let (row, reason) = appended.first_reason()?;
        let name = request.rows().get(row).map(|r| labels_text(r.raw)).unwrap_or_default();
        Some(format!("series {name}: {reason}"))
    };
    let why = outcome.why.clone().or_else(stored_not).filter(|_| rejected > 0);
    Taken { rejected, why: why.unwrap_or_default() }
}

impl Form {
    fn answer(self, taken: &Taken) -> Response {
        let Taken { rejected, why } = taken;
        match self {
            Self::Protobuf => self.body(StatusCode::OK, response(*rejected, why)),
            Self::Json if *rejected == 0 => self.body(StatusCode::OK, b"{}".to_vec()),
            Self::Json => {
                let partial =
                    json!({ "rejectedDataPoints": rejected.to_string(), "errorMessage": why });
                let doc = json!({ "partialSuccess": partial });
                self.body(StatusCode::OK, doc.to_string().into_bytes())
            }
        }
    }

    /// A `google.rpc.Status`.
    fn failure(self, failure: &Failure) -> Response {
        const INVALID_ARGUMENT: u32 = 3;
        const INTERNAL: u32 = 13;
        const UNAVAILABLE: u32 = 14;
        let code = match failure.status {
            StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
            status if status.is_server_error() => INTERNAL,
            _ => INVALID_ARGUMENT,
        };
        let body = match self {
            Self::Protobuf => status(code, &failure.message),
            Self::Json => {
                json!({ "code": code, "message": failure.message }).to_string().into_bytes()
            }
        };
        let mut response = self.body(failure.status, body);
        if failure.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    fn body(self, status: StatusCode, body: Vec<u8>) -> Response {
        let kind = match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

fn unsupported(message: String) -> Failure {
    Failure { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, kind: "bad_data", message }
}

fn form_of(headers: &HeaderMap) -> Result<Form, Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    match kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "application/x-protobuf" => Ok(Form::Protobuf),
        "application/json" => Ok(Form::Json),
        _ => Err(unsupported(format!(
            "content type {kind:?}; send application/x-protobuf or application/json"
        ))),
    }
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

fn packing_of(headers: &HeaderMap) -> Result<Packing, Failure> {
    let name = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    match name.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Packing::None),
        "gzip" | "x-gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(unsupported(format!("content encoding {name:?}; send gzip, zstd or none"))),
    }
}

/// The body as it was before it was packed, at most `max` bytes of it.
fn unpacked(packing: Packing, body: &[u8], max: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let limit = max as u64 + 1;
    let read = match packing {
        Packing::None => {
            out.extend_from_slice(body);
            Ok(0)
        }
        Packing::Gzip => flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut out),
        Packing::Zstd => zstd::stream::read::Decoder::new(body)
            .and_then(|decoder| decoder.take(limit).read_to_end(&mut out)),
    };
    read.map_err(|e| Failure::bad_data(format!("the body cannot be unpacked: {e}")))?;
    if out.len() > max {
        let message = format!("the body has more than {max} bytes unpacked; send less at once");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Failure { status, kind: "bad_data", message });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str, encoding: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
        headers
    }

    #[test]
    fn the_headers_say_how_the_body_is_written() {
        let h = headers("application/json; charset=utf-8", "GZIP");
        assert_eq!(
            (form_of(&h).ok(), packing_of(&h).ok()),
            (Some(Form::Json), Some(Packing::Gzip))
        );
        let h = headers("application/x-protobuf", "identity");
        assert_eq!(
            (form_of(&h).ok(), packing_of(&h).ok()),
            (Some(Form::Protobuf), Some(Packing::None))
        );
        let h = headers("text/plain", "br");
        assert_eq!(form_of(&h).unwrap_err().status, 415);
        assert_eq!(packing_of(&h).unwrap_err().status, 415);
        assert_eq!(form_of(&HeaderMap::new()).unwrap_err().status, 415);
    }

    #[test]
    fn bodies_are_unpacked_within_a_limit() {
        let plain = vec![7u8; 100_000];
        let zstd = zstd::bulk::compress(&plain, 1).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &plain).unwrap();
        let gzip = gzip.finish().unwrap();
        for (packing, body) in
            [(Packing::None, &plain), (Packing::Gzip, &gzip), (Packing::Zstd, &zstd)]
        {
            assert_eq!(unpacked(packing, body, 100_000).unwrap(), plain);
            assert_eq!(unpacked(packing, body, 99_999).unwrap_err().status, 413);
        }
        assert_eq!(unpacked(Packing::Gzip, &zstd, 1 << 20).unwrap_err().status, 400);
        assert_eq!(unpacked(Packing::Zstd, &gzip[..20], 1 << 20).unwrap_err().status, 400);
    }
}
