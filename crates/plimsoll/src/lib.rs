//! Plimsoll: performance monitoring in one program, and the façade for those who embed it.
//!
//! The binary is a list of commands over this library: [`config`] turns what is written into what is
//! checked, [`run`] starts the parts and stops them, [`PerformanceMonitor`] is both for another
//! program. Nothing here computes: the parts do.
//!
//! ```
//! use plimsoll::{Options, PerformanceMonitor};
//!
//! # fn main() -> Result<(), plimsoll::Error> {
//! let data = std::env::temp_dir().join(format!("plimsoll-doc-{}", std::process::id()));
//! let mut options = Options::in_dir(&data);
//! options.listen = Some("127.0.0.1:0".to_owned()); // any free port
//! let monitor = PerformanceMonitor::start_monitoring(options)?;
//! let status = monitor.get_current_status();
//! println!("look at http://{}, {} series so far", status.address, status.series);
//! monitor.stop_monitoring()?;
//! # std::fs::remove_dir_all(&data).ok();
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod config;
mod error;
pub mod extensions;
mod monitor;
pub mod run;

pub use config::Options;
pub use error::Error;
pub use monitor::{
    AlertRouter, AnalyticsAgent, DataAggregator, MetricsCollector, PerformanceDashboard,
    PerformanceMonitor, PredictionIntelligence, Status,
};
