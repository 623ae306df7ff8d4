//! `/api/plimsoll/v1/evidence/ID.png` and `.svg`: the chart that went out with a message.
//! `/api/plimsoll/v1/alerts/{fingerprint}/evidence` and `….svg`: what is known of an alert now.
//!
//! A picture never changes under its id, which cannot be guessed. What is made for one who looks takes a
//! place among the queries.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use plimsoll_alert::evidence::{Exhibit, PictureKind};
use plimsoll_alert::payload::rfc3339;
use serde_json::{Value, json};

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// How long a picture may be kept by who asked for it: it never changes.
const KEEP: HeaderValue = HeaderValue::from_static("private, max-age=2592000, immutable");
/// A chart of now is old at once.
const DO_NOT_KEEP: HeaderValue = HeaderValue::from_static("no-store");
/// What a browser may do with an SVG that it opens by itself: draw it.
const DRAW_ONLY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// A picture that went out with a message.
pub async fn picture(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let file = call.captured.first().cloned().unwrap_or_default();
    let missing =
        || Failure::not_found(format!("no picture is called {file:?}; they are kept for 30 days"));
    let (id, kind) = match file.rsplit_once('.') {
        Some((id, "png")) => (id.to_owned(), PictureKind::Png),
        Some((id, "svg")) => (id.to_owned(), PictureKind::Svg),
        _ => return Err(missing()),
    };
    let found = blocking(move || app.alerting.picture(&id, kind)).await?;
    let bytes = found.map_err(|e| Failure::unavailable(e.to_string()))?.ok_or_else(missing)?;
    Ok(image(bytes, kind, KEEP))
}

/// The chart of an alert as it is now.
pub async fn chart(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (_, svg) = look(app, &call).await?;
    let svg = svg.ok_or_else(|| Failure::not_found("there is nothing to draw for this alert"))?;
    Ok(image(svg.into_bytes(), PictureKind::Svg, DO_NOT_KEEP))
}

/// What is known of an alert now.
pub async fn of_alert(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let fingerprint = call.captured.first().cloned().unwrap_or_default();
    let (exhibit, svg) = look(app, &call).await?;
    Ok(own(&document(&exhibit, &fingerprint, svg.is_some())))
}

fn document(exhibit: &Exhibit, fingerprint: &str, has_chart: bool) -> Value {
    let mut out = exhibit.json("");
    let only = exhibit.readings.first();
    let url = format!("/api/plimsoll/v1/alerts/{fingerprint}/evidence.svg");
    out["chart_svg_url"] = has_chart.then_some(url).into();
    out["value"] = only.and_then(|r| r.value).into();
    out["day_ago"] = only.and_then(|r| r.day_ago).into();
    out["week_ago"] = only.and_then(|r| r.week_ago).into();
    out["since"] = only.map(|r| rfc3339(r.since)).into();
    out["until"] = only.and_then(|r| r.until).map(rfc3339).into();
    out["caption"] = json!(exhibit.caption);
    if let Value::Object(map) = &mut out {
        // Of messages, which have several alerts and a picture that is kept.
        map.remove("alerts");
        map.remove("chart_png_url");
    }
    out
}

async fn look(app: Arc<App>, call: &Call) -> Result<(Exhibit, Option<String>), Failure> {
    let text = call.captured.first().cloned().unwrap_or_default();
    let fingerprint = u64::from_str_radix(&text, 16).ok().filter(|_| text.len() == 16);
    let fingerprint = fingerprint.ok_or_else(|| {
        Failure::parameter("fingerprint", format!("{text:?} is not 16 hexadecimal digits"))
    })?;
    let at_work = Arc::clone(&app);
    let crowded = |_| Failure::unavailable("too many queries wait already; try again");
    let _place = app.gates.query().await.map_err(crowded)?;
    let found = blocking(move || at_work.alerting.evidence_of(fingerprint)).await?;
    found.ok_or_else(|| Failure::not_found(format!("no alert has the fingerprint {text}")))
}

fn image(bytes: Vec<u8>, kind: PictureKind, keep: HeaderValue) -> Response {
    let media = match kind {
        PictureKind::Png => HeaderValue::from_static("image/png"),
        PictureKind::Svg => HeaderValue::from_static("image/svg+xml"),
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CACHE_CONTROL, keep);
    headers.insert(header::CONTENT_SECURITY_POLICY, DRAW_ONLY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
