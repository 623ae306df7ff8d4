//! `/api/v1/admin/tsdb/…`: snapshots and deletions, as Prometheus has them.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::blocking;
use super::labels::asked;
use crate::app::App;
use crate::reply::{Failure, document, text};
use crate::routes::Call;

/// Makes a snapshot. `skip_head` is accepted and means nothing: the head is flushed first.
pub async fn snapshot(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let name = blocking(move || control.snapshot()).await?.map_err(Failure::unavailable)?;
    Ok(document(&json!({ "name": name })))
}

/// Deletes the samples of the selected series in the range; at least one `match[]`.
pub async fn delete_series(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    if call.params.all("match[]").next().is_none() {
        return Err(Failure::bad_data("no match[] parameter provided"));
    }
    let asked = asked(&call.params)?;
    let control = Arc::clone(&app.control);
    let delete = move || asked.sets.iter().try_for_each(|m| control.delete(m, asked.range));
    blocking(delete).await?.map_err(Failure::unavailable)?;
    Ok(text(StatusCode::NO_CONTENT, ""))
}

/// Rewrites what holds something deleted; answers when it is gone from the disk.
pub async fn clean_tombstones(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    blocking(move || control.clean_tombstones()).await?.map_err(Failure::unavailable)?;
    Ok(text(StatusCode::NO_CONTENT, ""))
}
