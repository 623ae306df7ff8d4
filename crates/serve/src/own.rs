//! Our own API: what the browser application and scripts ask for.

use std::sync::Arc;

use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

pub mod alerts;
pub mod anomalies;
pub mod assessments;
pub mod backfill;
pub mod backtest;
pub mod capacity;
pub mod dashboard_data;
pub mod dashboard_render;
pub mod dashboard_shelf;
pub mod dashboards;
pub mod evidence;
pub mod explain;
pub mod findings;
pub mod forecast;
mod frame;
pub mod incidents;
pub mod investigate;
pub mod language;
pub mod live;
pub mod metric_registry;
pub mod notifications;
pub mod overview;
pub mod panels;
pub mod receivers;
mod report_data;
pub mod report_sending;
pub mod reports;
pub mod rule_files;

/// Who this is and how it is.
pub async fn status(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let overview = overview::build(&app).await?;
    Ok(own(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "hostname": app.hostname,
        "started_at": app.started_ms,
        "now": app.now(),
        "ready": app.gates.is_ready(),
        "health": overview.health,
        "notes": app.notes,
    })))
}

/// Brings everything in memory into files; answers when it is there.
pub async fn flush(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    blocking(move || control.flush()).await?.map_err(Failure::unavailable)?;
    Ok(own(&json!({ "flushed": true })))
}

/// Merges what can be merged; answers when it is done.
pub async fn merge(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    blocking(move || control.merge()).await?.map_err(Failure::unavailable)?;
    Ok(own(&json!({ "merged": true })))
}
