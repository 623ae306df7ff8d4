//! What series of numbers say about themselves and each other: is this point unusual, is there a trend, a season, a
//! change; do two samples differ, do two series move together, when did this shape happen before.
//!
//! Promises: pure functions and values on slices of `f64` and `i64` (times are milliseconds since the epoch, UTC);
//! no labels, no store, no clock, no input or output, no random numbers. The same input always gives the same
//! answer, and no input (empty, constant, NaN, infinite) panics. Non-finite values are gaps. Where telemetry is
//! tested, samples count as what they are worth under their autocorrelation.
//!
//! Limits: a [`Detector`] keeps at most 4 KB per series; [`trend`] looks at no more than [`TREND_POINTS_MAX`]
//! points, [`find_periods`] at [`SEASON_POINTS_MAX`], [`find_seasons`] at [`SEARCH_POINTS_MAX`], [`change_points`] at
//! [`CHANGE_POINTS_MAX`], [`drift`] at [`DRIFT_POINTS_MAX`]; the other functions are O(n log n).
#![forbid(unsafe_code)]

mod chance;
mod change;
mod compare;
mod correlate;
mod detect;
mod discovery;
mod drift;
mod error;
mod fourier;
mod gaps;
mod moments;
mod onset;
mod recurring;
mod robust;
mod season;
mod similar;
mod trend;

pub use chance::{fisher_tail, kolmogorov_tail, normal_quantile, normal_tail, student_tail};
pub use change::{
    CHANGE_POINTS_MAX, ChangeKind, ChangePoint, Regime, Shift, ShiftWatch, change_points,
    last_regime,
};
pub use compare::{
    Comparison, SAMPLE_MIN, Sample, Test, brown_forsythe, cliffs_delta, compare,
    kolmogorov_smirnov, mann_whitney, welch,
};
pub use correlate::{
    CLIP, Correlation, Focus, LAGS_MAX, Scratch, cross_correlation, pearson, spearman,
};
pub use detect::{ALARM_SCORE, Detector, DetectorConfig, STATE_BYTES_MAX, Score};
pub use discovery::{false_discovery, q_values};
pub use drift::{DRIFT_POINTS_MAX, Drift, drift};
pub use error::Error;
pub use fourier::periodogram;
pub use moments::{effective_size, mean};
pub use onset::{BASELINE_MIN, Onset, onset};
pub use recurring::{JOBS_MAX, Recurring, recurring};
pub use robust::{median, quantile, robust_deviation, thin};
pub use season::{
    PERIOD_MIN, SEARCH_POINTS_MAX, SEASON_POINTS_MAX, SEASONS_MAX, Season, autocorrelation,
    calendar_periods, deseasonalise, find_periods, find_seasons, is_seasonal, seasonal_means,
    without_seasons,
};
pub use similar::{MATCHES_MAX, Match, NEEDLE_MAX, NEEDLE_MIN, distance_profile, similar};
pub use trend::{TREND_POINTS_MAX, Trend, trend};
