//! What comes next: forecasts with intervals, and when a resource reaches its limit.
//!
//! Promises: pure functions on slices of `f64` and `i64` (times are milliseconds since the epoch, UTC) and, for the
//! command line, from CSV text to CSV text; no labels, no store, no clock, no input or output. Deterministic; no
//! input panics. Non-finite values are gaps.
//!
//! Limits: a forecast looks at no more than [`POINTS_MAX`] points and [`HORIZON_MAX`] steps ahead; CSV input has at
//! most [`CSV_ROWS_MAX`] rows.
#![forbid(unsafe_code)]

mod ahead;
mod capacity;
mod csv;
mod error;
mod forecast;
mod standing;

pub use ahead::{Ahead, AheadOptions, ahead};
pub use capacity::{
    LEARNING_MS, Limit, Method, Outlook, Passage, RISK_SPANS_MS, State, time_to_limit,
};
pub use csv::{CSV_ROWS_MAX, ForecastRequest, detect_csv, forecast_csv, read_csv};
pub use error::Error;
pub use forecast::{
    Accuracy, Basis, Forecast, ForecastOptions, HORIZON_MAX, POINTS_MAX, forecast,
    periods_of_season,
};
pub use standing::{Record, Rule, shares};
