//! What is watched, and when: anomaly scores, groups, trends, series that stopped, and the time until a
//! resource is full.
//!
//! [`Insight::tick`] does what is due and says when to call it again; it belongs on a blocking thread.
//! It reads through the query engine and the series source, hands numbers to `analyze` and `predict`,
//! and writes results back as ordinary series, stamped with the time of issue:
//! `plimsoll_anomaly_score`, `plimsoll_anomaly_rate`, `plimsoll_trend_per_hour`,
//! `plimsoll_time_to_limit_seconds`. Result series are bounded and never watched themselves. Reading
//! calls ([`Insight::anomalies`], [`Insight::groups`], [`Insight::stopped`], [`Insight::trends`],
//! [`Insight::resources`], [`Insight::watching`]) show the state after the last tick and cost next to
//! nothing.
//!
//! Watching is a deterministic fold over what is stored: a checkpoint and a replay of what came since
//! give the state of a run that was never interrupted, to the bit.
//!
//! Limits: `analysis.memory` decides how many series are watched (about 5 KB each), `analysis.cpu_max`
//! what all of analysis may cost and who waits then; [`RESOURCES_MAX`] resources (25 KB each at most).
//!
//! Not here: where configuration comes from, HTTP, alerting.

#![forbid(unsafe_code)]

mod aside;
mod band;
mod capacity;
mod checkpoint;
pub mod config;
pub mod findings;
mod fold;
mod groups;
pub mod investigate;
mod issue;
mod metrics;
mod owner;
mod reduce;
mod room;
mod scores;
mod spend;
mod stopped;
mod trends;
mod watch;
mod watched;

pub use aside::Aside;
pub use band::{BAND_POINTS_MAX, BAND_SERIES_MAX, Band, bands};
pub use capacity::{
    Days, Driver, Forecast, ForecastState, LOAD_MAX, LOAD_MIN, RESOURCES_MAX, Resource, WhatIf,
    what_if,
};
pub use checkpoint::fuzz_checkpoint;
pub use config::{Config, WATCHED_MAX};
pub use findings::Findings;
pub use groups::{AnomalyGroup, GroupBy};
pub use issue::SERIES_FLOOR;
pub use metrics::{Metrics, Row};
pub use owner::{Insight, MarkOf, Place, Setup, Watching};
pub use scores::{Anomaly, AnomalyLevel, WORTH_SHOWING};
pub use stopped::Stopped;
pub use trends::SeriesTrend;
pub use watch::{Input, Reader, WatchSource};
pub use watched::Basis;
