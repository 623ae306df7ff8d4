//! Gets samples in: reads this host, scrapes targets, reports Plimsoll itself.
//!
//! Promise: no source harms another, whatever it does, and every source is bounded in time, bytes,
//! samples and series. What is submitted carries canonical labels and known fingerprints.
//! - [`Collector`]: starts, reloads and stops all sources, tells how they are.
//! - [`host`]: `/proc`, `/sys` and the own control group, every 5 s, with no configuration.
//! - [`scrape`]: Prometheus text and OpenMetrics targets; [`config`] has `scrape_configs`.
//! - [`own`]: Plimsoll's own metrics.

#![forbid(unsafe_code)]

mod collector;
pub mod config;
pub mod host;
pub mod own;
pub mod scrape;

pub use collector::{CollectConfig, Collector, Next, Parts, SourceStatus, Status};
