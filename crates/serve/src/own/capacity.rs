//! `GET /api/plimsoll/v1/capacity`: every bounded resource with its load line, and what more load would do.
//!
//! `load` (0.1 to 100) asks what if there were so many times the load; `kind` (several) and `limit` (1,000) choose.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Resources of an answer.
const LIMIT: usize = 1_000;

/// A bounded resource.
#[derive(Clone, Debug, Serialize)]
pub struct CapacityDoc {
    /// `disk:/`, `memory`, …
    pub id: String,
    /// `disk`, `memory`, …
    pub kind: String,
    /// For people.
    pub title: String,
    /// The unit of `used`, `limit`, `safe_load` and `headroom`.
    pub unit: String,
    /// What is used now.
    pub used: f64,
    /// What there is.
    pub limit: f64,
    /// `used / limit`.
    pub ratio: f64,
    /// The mark from which it is a warning, as a ratio.
    pub warning: f64,
    /// The mark from which it is critical, as a ratio.
    pub critical: f64,
    /// Whether nobody set the marks.
    pub defaults: bool,
    /// The load line.
    pub safe_load: f64,
    /// What is left up to it; below 0 beyond it.
    pub headroom: f64,
    /// `learning`, `ok` (a breach is foreseen), `none`.
    pub state: String,
    /// `safe`, `beyond` (the load line), `warning`, `critical`.
    pub level: &'static str,
    /// When it is full.
    pub days: Option<CapacityDays>,
    /// Chances that it is full within an hour, a day, a week, thirty days.
    pub probability: Option<Chances>,
    /// For people.
    pub text: String,
    /// What drives its use: `stock`, `load`, `date`.
    pub driver: &'static str,
    /// Labels of the result series but for the quantile.
    pub labels: BTreeMap<String, String>,
    /// PromQL that gives `used` and `limit`.
    pub queries: [String; 2],
    /// Under another load.
    pub what_if: Option<WhatIfDoc>,
}

/// Days until a resource is full; `null` where it may never be.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CapacityDays {
    /// One in twenty chances that it is sooner.
    pub p05: f64,
    /// One in ten.
    pub p10: f64,
    /// Even chances.
    pub p50: f64,
    /// One in ten that it is later.
    pub p90: Option<f64>,
    /// One in twenty that it is later.
    pub p95: Option<f64>,
}

/// Chances of a breach, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chances {
    /// Within an hour.
    pub hour: f64,
    /// Within a day.
    pub day: f64,
    /// Within seven days.
    pub week: f64,
    /// Within thirty days.
    pub month: f64,
}

/// A resource under another load.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WhatIfDoc {
    /// The factor.
    pub load: f64,
    /// What would be used.
    pub used: f64,
    /// `used / limit` then; may be above 1.
    pub ratio: f64,
    /// When it would be full.
    pub days: Option<CapacityDays>,
}

/// All bounded resources.
pub async fn capacity(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let load = match call.params.get("load") {
        None => None,
        Some(text) => {
            let load = text.parse::<f64>().ok().filter(|load| (0.1..=100.0).contains(load));
            let why = "must be a factor between 0.1 and 100";
            Some(load.ok_or_else(|| Failure::parameter("load", why))?)
        }
    };
    let limit = match call.params.get("limit").map(str::parse::<usize>) {
        None => LIMIT,
        Some(Ok(limit)) => limit.min(LIMIT),
        Some(Err(_)) => return Err(Failure::parameter("limit", "must be a whole number")),
    };
    let kinds: Vec<String> = call.params.all("kind").map(str::to_owned).collect();
    let mut resources = blocking(move || app.outlook.capacity(load)).await?;
    resources.retain(|r| kinds.is_empty() || kinds.contains(&r.kind));
    let truncated = resources.len() > limit;
    resources.truncate(limit);
    Ok(own(&json!({ "resources": resources, "truncated": truncated })))
}
