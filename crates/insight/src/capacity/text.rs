//! An outlook in words.

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS};
use plimsoll_predict::{LEARNING_MS, Outlook, State};

use super::{Days, Forecast, ForecastState};

/// The forecast that an outlook gives; none yet is learning.
pub(super) fn forecast(outlook: Option<&Outlook>, horizon_ms: i64) -> Forecast {
    let state = outlook.map_or(State::Learning { ratio: 0.0 }, |o| o.state);
    match state {
        State::Learning { ratio } => {
            let minutes = LEARNING_MS / MINUTE_MS;
            let seen = (ratio.clamp(0.0, 1.0) * minutes as f64).floor();
            Forecast {
                state: ForecastState::Learning,
                learned_ratio: ratio.clamp(0.0, 1.0),
                days: None,
                text: format!("learning: {seen:.0} m of {minutes} m"),
            }
        }
        State::None => Forecast {
            state: ForecastState::None,
            learned_ratio: 1.0,
            days: None,
            text: format!("no breach in {}", span(horizon_ms)),
        },
        State::Breach { p10_days, p50_days, p90_days } => Forecast {
            state: ForecastState::Ok,
            learned_ratio: 1.0,
            days: outlook.map(|o| Days::of(&o.passage)),
            text: full(p10_days, p50_days, p90_days),
        },
    }
}

/// A span in its largest fitting unit, rounded down.
fn span(ms: i64) -> String {
    match ms {
        ..HOUR_MS => format!("{} m", ms / MINUTE_MS),
        HOUR_MS..172_800_000 => format!("{} h", ms / HOUR_MS),
        _ => format!("{} d", ms / DAY_MS),
    }
}

fn full(p10: f64, p50: f64, p90: f64) -> String {
    if p50 <= 0.0 {
        return "full".to_owned();
    }
    let (unit, per_day) = match p50 {
        ..0.083 => ("m", 1_440.0),
        0.083..2.0 => ("h", 24.0),
        _ => ("d", 1.0),
    };
    let [low, middle, high] = [p10, p50, p90].map(|days| (days * per_day).round());
    if !high.is_finite() {
        return format!("full in {middle:.0} {unit} ({low:.0} or later)");
    }
    if low == high {
        return format!("full in {middle:.0} {unit}");
    }
    format!("full in {middle:.0} {unit} ({low:.0}-{high:.0})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forecasts_read_like_sentences() {
        assert_eq!(full(8.2, 11.0, 15.9), "full in 11 d (8-16)");
        assert_eq!(full(0.01, 0.014, 0.02), "full in 20 m (14-29)");
        assert_eq!(full(0.9, 1.0, f64::INFINITY), "full in 24 h (22 or later)");
        assert_eq!(full(5.0, 5.1, 5.2), "full in 5 d");
        assert_eq!(full(0.0, 0.0, 0.0), "full");
        let learning = forecast(None, 0);
        assert_eq!(learning.text, "learning: 0 m of 5 m");
        assert_eq!((span(90 * DAY_MS), span(HOUR_MS)), ("90 d".to_owned(), "1 h".to_owned()));
    }
}
