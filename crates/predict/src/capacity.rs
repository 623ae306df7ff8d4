//! When does a filling resource reach its limit?
//!
//! Short history (below twenty minutes): the line of the last regime, found by splitting where one line stops fitting,
//! fitted by Theil–Sen, believed when Mann–Kendall says so. Longer history: a few hundred paths made of pieces of
//! the series' own past, from models that are weighed by back-tests (see `passage`); a line is never drawn through a
//! season. A fill that began within the last hour (of a short history: its last twelfth) and is faster than any time before
//! overrides the long view.
//!
//! The answer is the distribution of the time until a *sample* first reaches the limit, of which [`Passage`] holds
//! quantiles and the chances of a breach within an hour, a day, a week and a month. Between `p05_days` and `p95_days`
//! lie nine in ten chances, between `p10_days` and `p90_days` eight in ten. Only rising towards an upper limit is
//! looked at: for a falling resource pass negated values and limit.
//!
//! Limits: below [`LEARNING_MS`] of data the answer is *learning*; cost is bounded by thinning (some ten
//! milliseconds for any input length beyond one pass).

mod grid;
mod line;
mod model;
mod passage;
mod score;

use plimsoll_analyze::{normal_quantile, normal_tail};

/// Data needed before anything is said: five minutes.
pub const LEARNING_MS: i64 = 300_000;
/// History from which it is asked how it went on before.
const LONG_MS: i64 = HOUR_MS / 3;
/// Two-sided level at which a trend is believed.
const LEVEL: f64 = 0.02;
/// Fewest points a line is drawn through.
const POINTS_MIN: usize = 8;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// The times within which the chance of a breach is told: an hour, a day, a week, thirty days.
pub const RISK_SPANS_MS: [i64; 4] = [HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS];

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
    /// Paths made of pieces of the past.
    Paths,
}

/// The outlook of one resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Whether and when.
    pub state: State,
    /// The distribution behind it; all beyond the horizon while learning.
    pub passage: Passage,
    /// What it rests on.
    pub method: Method,
    /// Rise per day now, 0 where no trend was told from chance.
    pub per_day: f64,
    /// Start of the data the answer rests on, milliseconds.
    pub since_ms: i64,
}

/// The time until a limit is first reached, in days from the newest sample; infinite beyond the horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passage {
    /// One in twenty chances that it is sooner.
    pub p05_days: f64,
    /// One in ten chances that it is sooner.
    pub p10_days: f64,
    /// Even chances.
    pub p50_days: f64,
    /// One in ten chances that it is later.
    pub p90_days: f64,
    /// One in twenty chances that it is later.
    pub p95_days: f64,
    /// Chance of a breach within each of [`RISK_SPANS_MS`], 0..=1, rising. What lies beyond the horizon counts as none.
    pub within: [f64; 4],
}

impl Passage {
    /// Nothing within the horizon.
    pub const NEVER: Passage = Passage::at(f64::INFINITY, 0.0);
    /// Reached already.
    pub const NOW: Passage = Passage::at(0.0, 1.0);

    const fn at(days: f64, chance: f64) -> Passage {
        Passage {
            p05_days: days,
            p10_days: days,
            p50_days: days,
            p90_days: days,
            p95_days: days,
            within: [chance; 4],
        }
    }

    /// At a known time.
    pub fn certain(days: f64) -> Passage {
        let within = RISK_SPANS_MS.map(|ms| f64::from(u8::from(days * DAY_MS as f64 <= ms as f64)));
        Passage { within, ..Passage::at(days, 0.0) }
    }

    /// From weighted times in days; `None` without weight. `width` stretches the distribution about its middle, in
    /// deviates of levels: below 1 narrows.
    fn of(mut samples: Vec<(f64, f64)>, horizon_ms: i64, width: f64) -> Option<Passage> {
        let horizon = horizon_ms as f64 / DAY_MS as f64;
        for (days, _) in &mut samples {
            if days.is_nan() || *days > horizon {
                *days = f64::INFINITY;
            }
        }
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all: f64 = samples.iter().map(|s| s.1).sum();
        if all.is_nan() || all <= 0.0 {
            return None;
        }
        let quantile = |level: f64| {
            let q = stretched(level, width);
            let mut sum = 0.0;
            let reached = |s: &&(f64, f64)| {
                sum += s.1;
                sum >= q * all
            };
            samples.iter().find(reached).map_or(f64::INFINITY, |s| s.0)
        };
        let chance = |ms: i64| {
            let days = ms as f64 / DAY_MS as f64;
            let sum: f64 = samples.iter().filter(|s| s.0 <= days).map(|s| s.1).sum();
            stretched((sum / all).clamp(0.0, 1.0), 1.0 / width)
        };
        Some(Passage {
            p05_days: quantile(0.05),
            p10_days: quantile(0.1),
            p50_days: quantile(0.5),
            p90_days: quantile(0.9),
            p95_days: quantile(0.95),
            within: RISK_SPANS_MS.map(chance),
        })
    }

    fn state(&self, horizon_ms: i64) -> State {
        let Passage { p10_days, p50_days, p90_days, .. } = *self;
        if p50_days * DAY_MS as f64 > horizon_ms as f64 {
            return State::None;
        }
        State::Breach { p10_days, p50_days, p90_days }
    }
}

/// The level whose deviate is so many times that of this one; 0 and 1 stay.
fn stretched(level: f64, by: f64) -> f64 {
    match level > 0.0 && level < 1.0 && by != 1.0 {
        true => 1.0 - normal_tail(normal_quantile(level) * by),
        false => level,
    }
}

/// When a rising series reaches a limit. Times in milliseconds, ascending; non-finite values are gaps.
pub fn time_to_limit(times_ms: &[i64], values: &[f64], limit: Limit) -> Outlook {
    let (times, values): (Vec<i64>, Vec<f64>) = times_ms
        .iter()
        .copied()
        .zip(values.iter().copied())
        .filter(|point| point.1.is_finite())
        .unzip();
    let quiet = |state, passage| Outlook {
        state,
        passage,
        method: Method::Observed,
        per_day: 0.0,
        since_ms: times.first().copied().unwrap_or(0),
    };
    let none = || quiet(State::None, Passage::NEVER);
    let (Some(&first), Some(&last), Some(&now)) = (times.first(), times.last(), values.last())
    else {
        return quiet(State::Learning { ratio: 0.0 }, Passage::NEVER);
    };
    let span_ms = last.saturating_sub(first);
    if now >= limit.value {
        let state = State::Breach { p10_days: 0.0, p50_days: 0.0, p90_days: 0.0 };
        return quiet(state, Passage::NOW);
    }
    let by_time = span_ms.max(0) as f64 / LEARNING_MS as f64;
    let by_count = times.len() as f64 / POINTS_MIN as f64;
    if by_time.min(by_count) < 1.0 {
        return quiet(State::Learning { ratio: by_time.min(by_count) }, Passage::NEVER);
    }
    if !limit.value.is_finite() || values.iter().all(|v| *v == now) {
        return none();
    }
    if span_ms >= LONG_MS && times.is_sorted() {
        if let Some(sudden) = line::sudden(&times, &values, limit) {
            return sudden;
        }
        if let Some(found) = passage::outlook(&times, &values, limit) {
            return found;
        }
    }
    line::outlook(&times, &values, limit).unwrap_or_else(none)
}
