//! What a series of numbers says about itself: is this point unusual, is there a trend, is there a season.
//!
//! Promises: pure functions and values on slices of `f64` and `i64` (times are milliseconds since the epoch, UTC);
//! no labels, no store, no clock, no input or output, no random numbers. The same input always gives the same
//! answer, and no input (empty, constant, NaN, infinite) panics. Non-finite values are gaps.
//!
//! Limits: a [`Detector`] keeps less than 7 KB per series; [`trend`] looks at no more than
//! [`TREND_POINTS_MAX`] points, [`find_periods`] at no more than [`SEASON_POINTS_MAX`].
#![forbid(unsafe_code)]

mod chance;
mod change;
mod compare;
mod correlate;
mod detect;
mod discovery;
mod error;
mod moments;
mod onset;
mod robust;
mod season;
mod trend;

pub use chance::{fisher_tail, kolmogorov_tail, normal_quantile, normal_tail, student_tail};
pub use change::{Regime, last_regime};
pub use compare::{
    Comparison, SAMPLE_MIN, Sample, Test, brown_forsythe, cliffs_delta, compare,
    kolmogorov_smirnov, mann_whitney, welch,
};
pub use correlate::{
    CLIP, Correlation, Focus, LAGS_MAX, Scratch, cross_correlation, pearson, spearman,
};
pub use detect::{ALARM_SCORE, Detector, DetectorConfig, STATE_BYTES_MAX, Score};
pub use discovery::{false_discovery, q_values};
pub use error::Error;
pub use moments::{effective_size, mean};
pub use onset::{BASELINE_MIN, Onset, onset};
pub use robust::{median, quantile, robust_deviation, thin};
pub use season::{
    SEASON_POINTS_MAX, autocorrelation, calendar_periods, deseasonalise, find_periods, is_seasonal,
    seasonal_means,
};
pub use trend::{TREND_POINTS_MAX, Trend, trend};
