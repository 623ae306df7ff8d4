//! When an outlook is made anew, and from how much of the past.

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use plimsoll_predict::{LEARNING_MS, Limit, Method, Outlook, Passage, State, time_to_limit};

use super::Tracked;
use super::kinds::Driver;

/// How far ahead a breach matters, ms.
const HORIZON_MS: i64 = 90 * DAY_MS;
/// What comes and goes by itself is believed for this many times the span that was seen.
const AHEAD: i64 = 12;
/// The same while less than [`LONG_MS`] were seen: a start looks like a trend.
const AHEAD_YOUNG: i64 = 4;
/// While so little is known each look counts, ms.
const YOUNG_MS: i64 = 15 * MINUTE_MS;
/// Time between two outlooks, ms.
const EVERY_MS: i64 = MINUTE_MS;
/// A past from which `predict` draws paths; such an outlook costs more.
const LONG_MS: i64 = 2 * HOUR_MS;
/// Time between two outlooks from a long past while nothing presses, ms.
const LONG_EVERY_MS: i64 = 10 * MINUTE_MS;
/// A breach nearer than this presses, in days.
const PRESSING_DAYS: f64 = 1.0;
/// The last hour alone calls for a new outlook when it says so: a breach within six hours.
const SUDDEN_DAYS: f64 = 0.25;

/// How far ahead is told from `span_ms` of history, ms.
fn horizon_ms(accumulates: bool, span_ms: i64) -> i64 {
    match (accumulates, span_ms < LONG_MS) {
        (true, _) => HORIZON_MS,
        (false, true) => span_ms.max(LEARNING_MS) * AHEAD_YOUNG,
        (false, false) => span_ms.saturating_mul(AHEAD).min(HORIZON_MS),
    }
}

impl Tracked {
    /// Makes the outlook anew where it is time to.
    pub(super) fn foresee(&mut self, now: Timestamp) {
        let span_ms = self.history.span_ms();
        let young = span_ms < YOUNG_MS || self.outlook.is_none();
        if !young && now.saturating_sub(self.made_at) < EVERY_MS {
            return;
        }
        self.made_at = now;
        if self.kind.row().driver == Driver::Date {
            self.horizon_ms = HORIZON_MS;
            self.outlook = Some(self.dated());
            return;
        }
        self.horizon_ms = horizon_ms(self.kind.accumulates(), span_ms);
        if self.history.is_flat()
            && span_ms >= LEARNING_MS
            && self.history.last_value() < self.limit
        {
            self.outlook = Some(self.unmoved());
            return;
        }
        if span_ms >= LONG_MS && !self.is_long_due(now) {
            return;
        }
        self.long_at = now;
        self.outlook = Some(self.look_back(i64::MIN));
    }

    fn look_back(&self, from: Timestamp) -> Outlook {
        let (times, values) = self.history.points(from);
        let limit = Limit { value: self.limit, horizon_ms: self.horizon_ms };
        time_to_limit(&times, &values, limit)
    }

    /// A date is known, not foreseen.
    fn dated(&self) -> Outlook {
        let left_ms = ((self.limit - self.history.last_value()) * 1e3).max(0.0);
        let left_ms = left_ms - self.history.age_ms(self.made_at) as f64;
        let passage = Passage::certain(left_ms.max(0.0) / DAY_MS as f64);
        let (p10_days, p50_days, p90_days) = (passage.p10_days, passage.p50_days, passage.p90_days);
        let near = left_ms <= HORIZON_MS as f64;
        Outlook {
            state: if near { State::Breach { p10_days, p50_days, p90_days } } else { State::None },
            passage,
            method: Method::Observed,
            per_day: 86_400.0,
            since_ms: self.history.last_at(),
        }
    }

    fn unmoved(&self) -> Outlook {
        Outlook {
            state: State::None,
            passage: Passage::NEVER,
            method: Method::Observed,
            per_day: 0.0,
            since_ms: self.history.last_at().saturating_sub(self.history.span_ms()),
        }
    }

    /// Whether to go through all of a long past again: it is time, a breach presses, or the last hour
    /// by itself sees one that the outlook does not.
    fn is_long_due(&self, now: Timestamp) -> bool {
        let known = self.breach().map_or(f64::INFINITY, |(_, p50, _)| p50);
        if now.saturating_sub(self.long_at) >= LONG_EVERY_MS || known < PRESSING_DAYS {
            return true;
        }
        let recent = self.look_back(self.history.last_at().saturating_sub(HOUR_MS));
        matches!(recent.state, State::Breach { p50_days, .. }
            if p50_days < SUDDEN_DAYS && p50_days < known / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_history_of_what_comes_and_goes_does_not_reach_far() {
        let reach = |span_ms| horizon_ms(false, span_ms) / MINUTE_MS;
        assert_eq!((reach(0), reach(10 * MINUTE_MS)), (20, 40));
        assert_eq!((reach(2 * HOUR_MS), reach(8 * DAY_MS)), (24 * 60, 90 * 24 * 60));
        assert_eq!(
            horizon_ms(true, 10 * MINUTE_MS),
            90 * DAY_MS,
            "a disk fills by somebody's hand"
        );
    }
}
