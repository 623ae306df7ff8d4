//! Straight lines through windows, and double exponential smoothing.

use plimsoll_model::Compensated;

use super::Window;

/// Slope per second.
pub(super) fn deriv(w: &Window<'_>) -> Option<f64> {
    (w.floats.len() >= 2).then(|| regression(w.times, w.floats, w.times[0]).0)
}

/// The line's value some seconds (the argument) after the evaluation.
pub(super) fn predict(w: &Window<'_>) -> Option<f64> {
    (w.floats.len() >= 2).then(|| {
        let (slope, intercept) = regression(w.times, w.floats, w.at);
        slope * w.args[0] + intercept
    })
}

/// Slope per second and value at `origin` of the least-squares line. Equal values make a flat line
/// exactly; equal infinities make none.
fn regression(times: &[i64], floats: &[f64], origin: i64) -> (f64, f64) {
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_x2] = [Compensated::default(); 4];
    for (t, y) in times.iter().zip(floats) {
        let x = (t - origin) as f64 / 1e3;
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_x2.add(x * x);
    }
    let first = floats[0];
    if floats.iter().all(|y| *y == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let n = floats.len() as f64;
    let (x, y) = (sum_x.value(), sum_y.value());
    let covariance = sum_xy.value() - x * y / n;
    let variance = sum_x2.value() - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// Level and trend, each smoothed by its factor (the two arguments).
pub(super) fn smooth(w: &Window<'_>) -> Option<f64> {
    let [level_factor, trend_factor] = w.args;
    let (first, second) = (w.floats.first()?, w.floats.get(1)?);
    let (mut before, mut level, mut trend) = (0.0, *first, second - first);
    for (i, v) in w.floats.iter().enumerate().skip(1) {
        if i > 1 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * v + (1.0 - level_factor) * (level + trend);
        (before, level) = (level, next);
    }
    Some(level)
}
