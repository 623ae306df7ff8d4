//! PromQL functions of our own: what analysis and prediction make of a range.
//!
//! `query` knows neither; they are brought to it here and are always on. Each looks at the samples of
//! one series in one window. What has too few samples to say anything has no element, and never NaN.
//!
//! Limits, per window: `anomaly_score` looks at the newest [`SCORED_MAX`] samples; forecasts and
//! baselines put the range onto at most [`places::PLACES_MAX`] even places, means in them; `trend` and
//! `time_to_breach` thin what they look at themselves. Nothing is foreseen farther ahead than
//! [`REACH`] times the time between the first and the last sample.

mod places;
#[cfg(test)]
mod tests;

use places::Places;
use plimsoll_analyze::{
    Detector, DetectorConfig, calendar_periods, deseasonalise, find_periods, median, seasonal_means,
};
use plimsoll_predict::{Basis, Forecast, ForecastOptions, Limit, State, time_to_limit};
use plimsoll_query::{Extension, ExtensionError, ExtensionWindow, Extensions, Features};

/// Newest samples that `anomaly_score` looks at.
const SCORED_MAX: usize = 4_096;
/// Samples before which the detector says nothing.
const SCORED_MIN: usize = 31;
/// How far ahead is looked, in lengths of the past that is known.
const REACH: f64 = 30.0;
/// Share of future values between `forecast_lower` and `forecast_upper`.
const LEVEL: f64 = 0.95;

/// Our functions.
static OURS: [Extension; 7] = [
    Extension::new("anomaly_score", 0, "how unusual the newest sample is, 0 to 1", anomaly_score),
    Extension::new("forecast", 1, "value expected some seconds ahead", |w| {
        ahead(w, |forecast| &forecast.mean)
    }),
    Extension::new("forecast_lower", 1, "lower end of what is expected some seconds ahead", |w| {
        ahead(w, |forecast| &forecast.lower)
    }),
    Extension::new("forecast_upper", 1, "upper end of what is expected some seconds ahead", |w| {
        ahead(w, |forecast| &forecast.upper)
    }),
    Extension::new("seasonal_baseline", 0, "what is usual at this time", seasonal_baseline),
    Extension::new("time_to_breach", 1, "seconds until a limit is crossed", time_to_breach),
    Extension::new("trend", 0, "robust slope per second", trend),
];

/// Our functions, checked against the names of PromQL.
///
/// # Errors
/// A name that PromQL has; a test sees to it that there is none.
pub fn extensions() -> Result<Extensions, ExtensionError> {
    Extensions::new(&OURS)
}

/// The language without any switch, with our functions.
///
/// # Errors
/// As [`extensions`].
pub fn features() -> Result<Features, ExtensionError> {
    Ok(Features { extensions: extensions()?, ..Features::default() })
}

/// The detector's score of the newest sample, after all before it.
fn anomaly_score(w: &ExtensionWindow<'_>) -> Option<f64> {
    let from = w.times.len().saturating_sub(SCORED_MAX);
    let (times, floats) = (&w.times[from..], &w.floats[from..]);
    if floats.iter().filter(|v| v.is_finite()).count() < SCORED_MIN {
        return None;
    }
    let step_ms = places::usual_step(times)?;
    let mut detector = Detector::new(DetectorConfig { step_ms });
    let scores = times.iter().zip(floats).map(|(t, v)| detector.observe(*t, *v).score);
    scores.last()
}

/// The forecast at the moment `args[0]` seconds behind the evaluation, between its two places.
fn ahead(w: &ExtensionWindow<'_>, path: fn(&Forecast) -> &[f64]) -> Option<f64> {
    let horizon_s = w.args[0];
    if !horizon_s.is_finite() || horizon_s < 0.0 {
        return None;
    }
    let (first, last) = places::ends(w.times, w.floats)?;
    let beyond_ms = (w.at_ms as f64 - last as f64) + horizon_s * 1e3;
    if beyond_ms < 0.0 || beyond_ms > REACH * (last as f64 - first as f64) {
        return None;
    }
    let places = Places::of(w.times, w.floats, beyond_ms)?;
    let steps = beyond_ms / places.step_ms as f64;
    let horizon = (steps.ceil() as usize).max(1);
    let periods = find_periods(&places.values, &calendar_periods(places.step_ms));
    let options = ForecastOptions { horizon, periods, level: LEVEL };
    let forecast = plimsoll_predict::forecast(&places.values, &options).ok()?;
    if forecast.basis == Basis::Sparse {
        return None;
    }
    let path = path(&forecast);
    let before = match horizon {
        1 => places.values.last(),
        more => path.get(more - 2),
    };
    let (before, after) = (*before?, *path.get(horizon - 1)?);
    finite(before + (after - before) * (steps - (horizon - 1) as f64))
}

/// The season of this moment on top of the level of the last cycle; without a season the median.
fn seasonal_baseline(w: &ExtensionWindow<'_>) -> Option<f64> {
    let places = Places::of(w.times, w.floats, 0.0)?;
    let periods = find_periods(&places.values, &calendar_periods(places.step_ms));
    let Some(period) = periods.into_iter().max() else { return median(&places.values) };
    let season = seasonal_means(&places.values, period);
    let rest = deseasonalise(&places.values, period);
    let level = median(&rest[rest.len() - period..])?;
    let since = (w.at_ms as f64 - places.last_ms as f64) / places.step_ms as f64;
    let place = (places.values.len() as i64 - 1).saturating_add(since.round() as i64);
    let phase = usize::try_from(place.rem_euclid(period as i64)).ok()?;
    finite(level + season.get(phase)?)
}

/// Seconds from the evaluation until `args[0]` is reached, from the side on which the newest sample
/// is; infinite when that is not foreseen.
fn time_to_breach(w: &ExtensionWindow<'_>) -> Option<f64> {
    let limit = w.args[0];
    let (first, last) = places::ends(w.times, w.floats)?;
    let now = w.floats.iter().rev().copied().find(|v| v.is_finite())?;
    if limit.is_nan() {
        return None;
    }
    let horizon_ms = (REACH * (last as f64 - first as f64)) as i64;
    let falling: Vec<f64>;
    let (values, value) = if now > limit {
        falling = w.floats.iter().map(|v| -v).collect();
        (falling.as_slice(), -limit)
    } else {
        (w.floats, limit)
    };
    match time_to_limit(w.times, values, Limit { value, horizon_ms }).state {
        State::Learning { .. } => None,
        State::None => Some(f64::INFINITY),
        State::Breach { p50_days, .. } => {
            let passed_s = (w.at_ms as f64 - last as f64) / 1e3;
            Some((p50_days * 86_400.0 - passed_s).max(0.0))
        }
    }
}

/// Theil–Sen slope per second.
fn trend(w: &ExtensionWindow<'_>) -> Option<f64> {
    finite(plimsoll_analyze::trend(w.times, w.floats, None)?.slope_per_s)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
