//! Answers: Prometheus' envelope, errors with their status codes.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use plimsoll_query::QueryError;
use serde::Serialize;

/// The media type of JSON answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The media type of a JSON document a line.
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// An error as Prometheus' API tells it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status code.
    pub status: StatusCode,
    /// `bad_data`, `execution`, …
    pub kind: &'static str,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A parameter or body is wrong.
    pub fn bad_data(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_data", message: message.into() }
    }

    /// What was asked is right, and doing it failed.
    pub fn execution(message: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, kind: "execution", message: message.into() }
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "not_found", message: message.into() }
    }

    /// Not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, kind: "unavailable", message: message.into() }
    }

    /// Something of ours went wrong.
    pub fn internal(message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, kind: "internal", message: message.into() }
    }

    /// A parameter is wrong, in Prometheus' words.
    pub fn parameter(name: &str, message: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter \"{name}\": {message}"))
    }

    /// The answer.
    pub fn into_response(self) -> Response {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Doc<'a> {
            status: &'a str,
            error_type: &'a str,
            error: &'a str,
        }
        let doc = Doc { status: "error", error_type: self.kind, error: &self.message };
        let mut response = json(self.status, serde_json::to_vec(&doc).unwrap_or_default());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        let (status, kind) = match error {
            QueryError::Parse(e) => return Self::parameter("query", e),
            QueryError::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
            QueryError::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            QueryError::Timeout(_) => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            QueryError::Canceled(_) => {
                (StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST), "canceled")
            }
            QueryError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self { status, kind, message }
    }
}

impl From<plimsoll_wire::Error> for Failure {
    /// A body that cannot be read.
    fn from(error: plimsoll_wire::Error) -> Self {
        let status = match error {
            plimsoll_wire::Error::Limit { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            plimsoll_wire::Error::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        Self { status, kind: "bad_data", message: error.to_string() }
    }
}

impl From<plimsoll_model::Error> for Failure {
    fn from(error: plimsoll_model::Error) -> Self {
        QueryError::from(error).into()
    }
}

/// A JSON answer of these bytes.
pub fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// `{"status":"success","data":…}` with warnings and infos where there are any. `data` is written
/// where it will be sent from: answers may have megabytes.
pub struct Success {
    body: String,
}

impl Success {
    /// An answer whose data are not written yet.
    pub fn new() -> Self {
        let mut body = String::with_capacity(512);
        body.push_str("{\"status\":\"success\",\"data\":");
        Self { body }
    }

    /// Where the data are written, as JSON.
    pub const fn data(&mut self) -> &mut String {
        &mut self.body
    }

    /// The answer.
    pub fn finish(mut self, warnings: &[String], infos: &[String]) -> Response {
        for (name, texts) in [("warnings", warnings), ("infos", infos)] {
            if !texts.is_empty() {
                self.body.push_str(",\"");
                self.body.push_str(name);
                self.body.push_str("\":");
                self.body.push_str(&serde_json::to_string(texts).unwrap_or_default());
            }
        }
        self.body.push('}');
        json(StatusCode::OK, self.body.into_bytes())
    }
}

/// A successful answer of a document.
pub fn document(data: &impl Serialize) -> Response {
    match serde_json::to_string(data) {
        Ok(text) => {
            let mut answer = Success::new();
            answer.data().push_str(&text);
            answer.finish(&[], &[])
        }
        Err(e) => Failure::internal(e.to_string()).into_response(),
    }
}

/// A document without Prometheus' envelope: our own API.
pub fn own(data: &impl Serialize) -> Response {
    match serde_json::to_vec(data) {
        Ok(bytes) => json(StatusCode::OK, bytes),
        Err(e) => Failure::internal(e.to_string()).into_response(),
    }
}

/// A document a line, `first` on the first: for who reads long lists part by part.
pub fn lines(first: &serde_json::Value, rest: impl Iterator<Item = serde_json::Value>) -> Response {
    let mut body = String::new();
    for one in std::iter::once(first.clone()).chain(rest) {
        body.push_str(&one.to_string());
        body.push('\n');
    }
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, LINES);
    response
}

/// A line of text.
pub fn text(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
