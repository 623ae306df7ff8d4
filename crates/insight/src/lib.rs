//! What is watched, and when: anomaly scores, trends and the time until a resource is full.
//!
//! [`Insight::tick`] does what is due and says when to call it again; it belongs on a blocking thread.
//! It reads through the query engine and the series source, hands numbers to `analyze` and `predict`,
//! and writes results back as ordinary series, stamped with the time of issue:
//! `plimsoll_anomaly_score`, `plimsoll_trend_per_hour`, `plimsoll_time_to_limit_seconds`. Result
//! series are bounded and never watched themselves. [`Insight::resources`], [`Insight::anomalies`] and
//! [`Insight::trends`] show the state after the last tick and cost next to nothing.
//!
//! Limits: [`WATCHED_MAX`] watched series (7 KB each), [`RESOURCES_MAX`] resources (25 KB each at
//! most); one host stays below 3 MB.
//!
//! Not here: where configuration comes from, HTTP, alerting.

#![forbid(unsafe_code)]

mod capacity;
mod checkpoint;
pub mod config;
pub mod findings;
mod issue;
mod metrics;
mod owner;
mod scores;
mod trends;
mod watch;

pub use capacity::{Days, Forecast, ForecastState, RESOURCES_MAX, Resource};
pub use config::{Config, WATCHED_MAX};
pub use findings::Findings;
pub use issue::SERIES_FLOOR;
pub use metrics::{Metrics, Row};
pub use owner::{Insight, Setup};
pub use scores::Anomaly;
pub use trends::SeriesTrend;
