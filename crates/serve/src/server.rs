//! Leads each request to its route. What comes before: [`connections`]; what comes after: [`packing`].

mod connections;
mod packing;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, WebSocketUpgrade};
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use plimsoll_guard::Permission;
use tokio::net::TcpListener;

use crate::alertmanager;
use crate::app::App;
use crate::assets;
use crate::limits::Limits;
use crate::metrics::count;
use crate::own::live;
use crate::params::Params;
use crate::reply::{Failure, text};
use crate::routes::{BodyLimit, Call, Found, LIVE, find};
use connections::Bounds;
use packing::{Encoding, compressed};

/// Paths that pages of every origin may read.
const OPEN: &str = "/api/v1/";

/// What Prometheus tells pages besides.
const CORS: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "Accept, Authorization, Content-Type, Origin"),
    ("access-control-expose-headers", "Date"),
];

/// A body that is not there by then is not waited for: it would hold a place for ever.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until `app.stop` turns true; requests that are being answered then are finished.
///
/// # Errors
/// The listener's.
pub async fn serve(listener: TcpListener, app: Arc<App>) -> std::io::Result<()> {
    let bounds = Bounds { connections: app.limits.connections, head: app.limits.head_timeout };
    let counted = Arc::clone(&app.metrics);
    let refused = move || count(&counted.refused_connections, 1);
    let stop = app.stop.clone();
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let app = Arc::clone(&app);
        async move {
            let response = answer(app, request.map(axum::body::Body::new)).await;
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    connections::serve(listener, service, bounds, stop, refused).await
}

async fn answer(app: Arc<App>, request: Request<axum::body::Body>) -> Response {
    let began = app.clock.mono();
    let encoding = Encoding::of(request.headers());
    let is_head = request.method() == Method::HEAD;
    let is_open = request.uri().path().starts_with(OPEN);
    let from_page = request.headers().contains_key(header::ORIGIN);
    let mut response = dispatch(Arc::clone(&app), request).await;
    let took = app.clock.mono() - began;
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    app.metrics.answered(response.status().as_u16(), us);
    if is_head {
        *response.body_mut() = axum::body::Body::empty();
    } else if let Some(encoding) = encoding {
        response = compressed(response, encoding).await;
    }
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if is_open {
        headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    }
    if is_open && from_page {
        for (name, value) in CORS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

async fn dispatch(app: Arc<App>, request: Request<axum::body::Body>) -> Response {
    let path = request.uri().path().to_owned();
    if let Err(failure) = called_by_name(&app, &request) {
        return failure.into_response();
    }
    if path == LIVE {
        return live_stream(app, request).await;
    }
    match find(request.method(), &path) {
        Found::Route(route, captured) => {
            if let Err(denied) = app.identify().require(route.permission) {
                return forbidden(&denied);
            }
            if route.permission > Permission::Read
                && let Err(failure) = same_origin(request.headers())
            {
                return failure.into_response();
            }
            let gate = Arc::clone(&app);
            let _place = match route.body {
                BodyLimit::Write => gate.gates.writes.acquire().await.ok(),
                BodyLimit::Usual => None,
            };
            let call = match read(request, captured, route.body, &app.limits).await {
                Ok(call) => call,
                Err(response) => return response,
            };
            (route.handler)(app, call).await.unwrap_or_else(Failure::into_response)
        }
        // Browsers ask before they send; Prometheus' API is open to all origins for reading, as it is
        // there. What changes something refuses pages of other origins when they send.
        _ if *request.method() == Method::OPTIONS && path.starts_with(OPEN) => {
            text(StatusCode::NO_CONTENT, "")
        }
        Found::WrongMethod(allowed) if path.starts_with(alertmanager::PREFIX) => {
            alertmanager::wrong_method(request.method(), &allowed)
        }
        Found::Nothing if path.starts_with(alertmanager::PREFIX) => alertmanager::nothing(&path),
        Found::WrongMethod(allowed) => {
            let message = format!("{path} takes {}", allowed.join(" and "));
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, message);
            if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
                response.headers_mut().insert(header::ALLOW, value);
            }
            response
        }
        Found::Nothing if path.starts_with("/api/") || path.starts_with("/-/") => {
            Failure::not_found(format!("no such path: {path}")).into_response()
        }
        Found::Nothing => assets::answer(&app, &request),
    }
}

/// A name that is not ours is that of a page which points it at this machine.
fn called_by_name(app: &App, request: &Request<axum::body::Body>) -> Result<(), Failure> {
    let header = request.headers().get(header::HOST).and_then(|v| v.to_str().ok());
    let Some(host) = request.uri().host().or(header) else { return Ok(()) };
    if app.hosts.allows(host) {
        return Ok(());
    }
    let message = format!(
        "this server is not called {host:?}; add the name to serve.allowed_hosts, or use the address"
    );
    Err(Failure { status: StatusCode::FORBIDDEN, kind: "forbidden", message })
}

fn forbidden(denied: &plimsoll_guard::Denied) -> Response {
    let (kind, message) = ("forbidden", denied.to_string());
    Failure { status: StatusCode::FORBIDDEN, kind, message }.into_response()
}

async fn read(
    request: Request<axum::body::Body>,
    captured: Vec<String>,
    limit: BodyLimit,
    limits: &Limits,
) -> Result<Call, Response> {
    let (parts, body) = request.into_parts();
    let max = match limit {
        BodyLimit::Usual => limits.body_bytes,
        BodyLimit::Write => limits.write_body_bytes,
    };
    let reading = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max).collect());
    let body = match reading.await {
        Err(_) => {
            let message = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
            let status = StatusCode::REQUEST_TIMEOUT;
            return Err(Failure { status, kind: "timeout", message }.into_response());
        }
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => {
            let message = format!("the body has more than {max} bytes; send less at once");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Failure { status, kind: "bad_data", message }.into_response());
        }
        Ok(Err(e)) => {
            return Err(Failure::bad_data(format!("the body cannot be read: {e}")).into_response());
        }
    };
    let is_form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    let params = Params::read(parts.uri.query(), is_form.then_some(&body[..]));
    Ok(Call { parts, params, body, captured })
}

async fn live_stream(app: Arc<App>, request: Request<axum::body::Body>) -> Response {
    if let Err(denied) = app.identify().require(Permission::Read) {
        return forbidden(&denied);
    }
    let (mut parts, _) = request.into_parts();
    if let Err(failure) = same_origin(&parts.headers) {
        return failure.into_response();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => live::open(app, upgrade),
        Err(e) => Failure::bad_data(format!("this path is a WebSocket: {}", e.body_text()))
            .into_response(),
    }
}

/// Pages of other origins may neither open the live stream nor change anything: cookies and loopback
/// would let them in.
fn same_origin(headers: &http::HeaderMap) -> Result<(), Failure> {
    let of = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let (Some(origin), Some(host)) = (of(header::ORIGIN), of(header::HOST)) else { return Ok(()) };
    let from = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    if from == host {
        return Ok(());
    }
    let message = format!("the page comes from {origin}, this is {host}");
    Err(Failure { status: StatusCode::FORBIDDEN, kind: "forbidden", message })
}
