//! `/-/healthy`, `/-/ready`, `/-/reload`, `/metrics`.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::blocking;
use crate::app::App;
use crate::reply::{Failure, text};
use crate::routes::Call;

/// The process lives.
pub async fn healthy(_: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(text(StatusCode::OK, "Plimsoll is Healthy.\n"))
}

/// Everything is started.
pub async fn ready(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    if app.gates.is_ready() {
        return Ok(text(StatusCode::OK, "Plimsoll is Ready.\n"));
    }
    Ok(text(StatusCode::SERVICE_UNAVAILABLE, "Plimsoll is starting.\n"))
}

/// Reads the configuration again. The old one stays when the new one is wrong.
pub async fn reload(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    match blocking(move || control.reload()).await? {
        Ok(()) => Ok(text(StatusCode::OK, "")),
        Err(problems) => {
            let list = problems.join("\n");
            let message = format!("the configuration is not applied:\n{list}\n");
            Ok(text(StatusCode::INTERNAL_SERVER_ERROR, message))
        }
    }
}

/// Own metrics.
pub async fn metrics(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let body = blocking(move || control.exposition()).await?;
    let mut response = text(StatusCode::OK, body);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
