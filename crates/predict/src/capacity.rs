//! When does a filling resource reach its limit?
//!
//! Short history (below two days): the line of the last regime, found by splitting where one line stops fitting,
//! fitted by Theil–Sen, believed when Mann–Kendall says so. Longer history: hourly or coarser means, forecast by the
//! ensemble or, where a back-test finds it nearer, by a line through the series less its season; a
//! line is never drawn through a season. A fill that began within the last hour and is faster than any hour before
//! overrides the long view.
//!
//! The interval joins the confidence interval of the slope with the scatter about it. Only rising towards an upper
//! limit is looked at: for a falling resource pass negated values and limit.
//!
//! Limits: below [`LEARNING_MS`] of data the answer is *learning*; cost is bounded by thinning (some ten
//! milliseconds for any input length beyond one pass).

mod long;

use plimsoll_analyze::{Trend, last_regime, quantile, trend};

/// Data needed before anything is said: five minutes.
pub const LEARNING_MS: i64 = 300_000;
/// History from which roll-ups and seasons are used.
const LONG_MS: i64 = 2 * DAY_MS;
/// Two-sided level at which a trend is believed.
const LEVEL: f64 = 0.02;
/// Normal quantile of the 10 % and 90 % ends.
const Z_80: f64 = 1.2816;
/// Fewest points a line is drawn through.
const POINTS_MIN: usize = 8;
const DAY_MS: i64 = 86_400_000;

/// The limit and how far ahead it matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Value that must not be reached.
    pub value: f64,
    /// A breach later than this is *none*, milliseconds.
    pub horizon_ms: i64,
}

/// Whether and when the limit is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Not enough data yet; share of what is needed, 0..1.
    Learning {
        /// Share of the needed time span that is there.
        ratio: f64,
    },
    /// Not within the horizon: flat, falling, too slow, or no trend that could be told from chance.
    None,
    /// Reached, in days from the newest sample; 0 when it is reached already.
    Breach {
        /// Early end: one in ten chances that it comes sooner.
        p10_days: f64,
        /// The estimate; within the horizon.
        p50_days: f64,
        /// Late end; infinite when it may never come.
        p90_days: f64,
    },
}

/// What the answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Nothing yet, or the limit is reached already.
    Observed,
    /// Theil–Sen line of the last regime.
    Line,
    /// Theil–Sen line through roll-ups less their season.
    SeasonalLine,
    /// The forecasting ensemble on roll-ups.
    Ensemble,
}

/// The outlook of one resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Whether and when.
    pub state: State,
    /// What it rests on.
    pub method: Method,
    /// Rise per day now, 0 where no trend was told from chance.
    pub per_day: f64,
    /// Start of the data the answer rests on, milliseconds.
    pub since_ms: i64,
}

/// When a rising series reaches a limit. Times in milliseconds, ascending; non-finite values are gaps.
pub fn time_to_limit(times_ms: &[i64], values: &[f64], limit: Limit) -> Outlook {
    let (times, values): (Vec<i64>, Vec<f64>) = times_ms
        .iter()
        .copied()
        .zip(values.iter().copied())
        .filter(|point| point.1.is_finite())
        .unzip();
    let quiet = |state| Outlook {
        state,
        method: Method::Observed,
        per_day: 0.0,
        since_ms: times.first().copied().unwrap_or(0),
    };
    let (Some(&first), Some(&last), Some(&now)) = (times.first(), times.last(), values.last())
    else {
        return quiet(State::Learning { ratio: 0.0 });
    };
    let span_ms = last.saturating_sub(first);
    if now >= limit.value {
        return quiet(State::Breach { p10_days: 0.0, p50_days: 0.0, p90_days: 0.0 });
    }
    let by_time = span_ms.max(0) as f64 / LEARNING_MS as f64;
    let by_count = times.len() as f64 / POINTS_MIN as f64;
    if by_time.min(by_count) < 1.0 {
        return quiet(State::Learning { ratio: by_time.min(by_count) });
    }
    if !limit.value.is_finite() {
        return quiet(State::None);
    }
    if span_ms >= LONG_MS {
        return long::outlook(&times, &values, limit).unwrap_or_else(|| quiet(State::None));
    }
    line_outlook(&times, &values, limit).unwrap_or_else(|| quiet(State::None))
}

/// The line of the last regime, if it rises for sure.
fn line_outlook(times: &[i64], values: &[f64], limit: Limit) -> Option<Outlook> {
    let (from, line) = present_line(times, values)?;
    if !line.significant(LEVEL) || line.slope_per_s <= 0.0 {
        return None;
    }
    Some(Outlook {
        state: crossing(&line, &times[from..], &values[from..], limit)?,
        method: Method::Line,
        per_day: line.slope_per_s * 86_400.0,
        since_ms: line.start_ms,
    })
}

/// The line that describes the present and the index where it begins. A last regime too short to tell its own slope
/// from that of the whole does not stand against the whole.
fn present_line(times: &[i64], values: &[f64]) -> Option<(usize, Trend)> {
    let start_ms = last_regime(times, values)?.start_ms;
    let from = times.partition_point(|&t| t < start_ms);
    let whole = trend(times, values, None)?;
    let Some(part) = trend(&times[from..], &values[from..], None) else { return Some((0, whole)) };
    let alike = (part.slope_low..=part.slope_high).contains(&whole.slope_per_s);
    Some(if alike && !part.significant(LEVEL) { (0, whole) } else { (from, part) })
}

/// Where the line crosses the limit: `None` for a line without certain rise or a crossing of the estimate beyond the
/// horizon.
fn crossing(line: &Trend, times: &[i64], values: &[f64], limit: Limit) -> Option<State> {
    let now_ms = *times.last()?;
    let rests: Vec<f64> = times.iter().zip(values).map(|(&t, v)| v - line.at(t)).collect();
    let level = line.at(now_ms);
    let days = |room: f64, slope: f64| match (room <= 0.0, slope > 0.0) {
        (true, _) => 0.0,
        (false, true) => room / slope / 86_400.0,
        (false, false) => f64::INFINITY,
    };
    let (fast, slow) =
        (line.slope_per_s + Z_80 * line.slope_error, line.slope_per_s - Z_80 * line.slope_error);
    let room = |rest: f64| limit.value - level - rest;
    let p50_days = days(room(0.0), line.slope_per_s);
    if p50_days * DAY_MS as f64 > limit.horizon_ms as f64 {
        return None;
    }
    Some(State::Breach {
        p10_days: days(room(quantile(&rests, 0.9)?), fast).min(p50_days),
        p50_days,
        p90_days: days(room(quantile(&rests, 0.1)?), slow).max(p50_days),
    })
}
