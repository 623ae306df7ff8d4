//! What a series of numbers says about itself: is this point unusual, is there a trend, is there a season.
//!
//! Promises: pure functions and values on slices of `f64` and `i64` (times are milliseconds since the epoch, UTC);
//! no labels, no store, no clock, no input or output, no random numbers. The same input always gives the same
//! answer, and no input (empty, constant, NaN, infinite) panics. Non-finite values are gaps.
//!
//! Limits: a [`Detector`] keeps less than 7 KB per series; [`trend`] looks at no more than
//! [`TREND_POINTS_MAX`] points, [`find_periods`] at no more than [`SEASON_POINTS_MAX`].
#![forbid(unsafe_code)]

mod change;
mod detect;
mod error;
mod robust;
mod season;
mod trend;

pub use change::{Regime, last_regime};
pub use detect::{ALARM_SCORE, Detector, DetectorConfig, STATE_BYTES_MAX, Score};
pub use error::Error;
pub use robust::{median, normal_quantile, normal_tail, quantile, thin};
pub use season::{
    SEASON_POINTS_MAX, autocorrelation, calendar_periods, deseasonalise, find_periods, is_seasonal,
    seasonal_means,
};
pub use trend::{TREND_POINTS_MAX, Trend, trend};
