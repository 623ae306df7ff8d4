//! The HTTP door: Prometheus' API, Alertmanager's, our own, the live stream, the browser application.
//!
//! One table ([`routes`]) says which path needs which permission, how large a body may be and who
//! answers. Only this crate knows status codes and the JSON shapes of answers. Limits are in
//! [`Limits`]; a body over its limit is 413, a query over the queue's is 503.
//! Not here: TLS, users (they come with their own work), the configuration file.

#![forbid(unsafe_code)]

mod alertmanager;
mod app;
mod assets;
mod habits;
mod limits;
mod metrics;
mod own;
mod params;
mod prom;
mod reply;
mod routes;
mod server;

pub use app::{App, Control, Gates, Outlook};
pub use limits::Limits;
pub use metrics::Metrics;
pub use own::capacity::{CapacityDays, CapacityDoc, Chances, WhatIfDoc};
pub use own::metric_registry::{MetricShelf, RuleName};
pub use own::overview::{AnomalyDoc, DaysDoc, ForecastDoc, ProcessDoc, ResourceDoc};
pub use own::receivers::{ReceiverShelf, ShelvedReceiver};
pub use own::report_sending::run as send_reports;
pub use own::rule_files::{FileShelf, RuleShelf, ShelvedRules};
pub use params::time_ms;
pub use routes::{Route, routes};
pub use server::serve;
