//! `/api/plimsoll/v1/dashboards/{id}/layouts/{user}` and `/api/plimsoll/v1/links…`: how a person has laid a dashboard out
//! for themselves; short links.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_show::dashboard::Layout;
use serde::Deserialize;
use serde_json::json;

use super::dashboards::refused;
use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, json as answer, own};
use crate::routes::Call;

fn names(call: &Call) -> (String, String) {
    let at = |i: usize| call.captured.get(i).cloned().unwrap_or_default();
    (at(0), at(1))
}

/// How somebody has laid a dashboard out; nothing when they have not.
pub async fn get_layout(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (id, user) = names(&call);
    Ok(match blocking(move || app.dashboards.layout(&id, &user)).await? {
        Ok(layout) => own(&layout.unwrap_or_default()),
        Err(e) => refused(&e),
    })
}

/// Keeps how somebody has laid a dashboard out.
pub async fn put_layout(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let layout: Layout = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"layout\": […]}}: {e}")))?;
    let (id, user) = names(&call);
    let kept = blocking(move || app.dashboards.keep_layout(&id, &user, &layout, app.now())).await?;
    Ok(match kept {
        Ok(()) => own(&json!({ "kept": true })),
        Err(e) => refused(&e),
    })
}

/// Forgets how somebody has laid a dashboard out.
pub async fn remove_layout(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (id, user) = names(&call);
    Ok(match blocking(move || app.dashboards.remove_layout(&id, &user)).await? {
        Ok(()) => own(&json!({ "removed": true })),
        Err(e) => refused(&e),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    url: String,
}

/// Keeps a link and gives it a short name; the same link has the same name.
pub async fn post_link(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Wish = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"url\": …}}: {e}")))?;
    let name = short(&wish.url);
    let doc = json!({ "id": name });
    let kept = blocking(move || app.dashboards.keep_link(&wish.url, &name, app.now())).await?;
    Ok(match kept {
        Ok(()) => answer(StatusCode::CREATED, serde_json::to_vec(&doc).unwrap_or_default()),
        Err(e) => refused(&e),
    })
}

/// Digits of short names: what nobody confuses.
const DIGITS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// The name of a link: 13 characters of what it leads to.
fn short(url: &str) -> String {
    let mut hash = xxhash_rust::xxh3::xxh3_64(url.as_bytes());
    let mut out = String::new();
    for _ in 0..13 {
        out.push(char::from(DIGITS[(hash % 32) as usize]));
        hash /= 32;
    }
    out
}

/// Where a short link leads.
pub async fn get_link(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let (name, _) = names(&call);
    let asked = name.clone();
    match blocking(move || app.dashboards.link(&asked)).await? {
        Ok(Some(url)) => Ok(own(&json!({ "url": url }))),
        Ok(None) => Err(Failure::not_found(format!("there is no link {name}"))),
        Err(e) => Ok(refused(&e)),
    }
}
