//! The state of one watched series: a detector, what its reduction carries, and what of its scores is
//! shown and written.
//!
//! It is a fold: the state after a step depends on the samples up to it and on nothing else, so that a
//! state that was kept and taught what came since equals one that was never interrupted.

use plimsoll_analyze::{ALARM_SCORE, Detector, DetectorConfig};
use plimsoll_model::{Labels, MINUTE_MS, Timestamp};
use serde::Serialize;

use crate::reduce::{Carry, Reduced};
use crate::watch::Rank;
use crate::watch::names::Kind;

/// Scores below this count as 0.
const WORTH_WRITING: f64 = 0.1;
/// How long an anomaly is shown after its peak, ms.
pub(crate) const SHOWN_MS: i64 = 5 * MINUTE_MS;
/// Steps in a row whose samples are no numbers after which a series is set aside.
const WRONG_STEPS: u32 = 3;

/// What a watched series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// An element of a named expression.
    Named(&'static str),
    /// A series of the store.
    Raw(Kind),
}

/// How soon after its time a point was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// As it came.
    #[default]
    RealTime,
    /// Its samples were late.
    Delayed,
    /// Afterwards, from what is stored.
    Historical,
}

/// The most unusual point of the last minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Peak {
    pub(crate) score: f64,
    pub(crate) value: f64,
    pub(crate) expected: Option<f64>,
    pub(crate) at: Timestamp,
}

impl Peak {
    pub(crate) const NONE: Self = Self { score: 0.0, value: 0.0, expected: None, at: i64::MIN };
}

/// The state of one watched series. What is below the line is not part of the fold.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) origin: Origin,
    pub(crate) labels: Labels,
    /// Length of a step, ms.
    step: i64,
    pub(crate) detector: Detector,
    pub(crate) carry: Carry,
    /// Steps up to here are folded in.
    pub(crate) cursor: Timestamp,
    /// Time of the newest step with an alarm; [`i64::MIN`] = none.
    pub(crate) alarm_at: Timestamp,
    /// Longest time without a value between two values, ms.
    pub(crate) longest_gap: i64,
    /// Which of the steps before the newest value had one: bit k is k steps before it.
    pub(crate) recent: u64,
    /// Steps in a row whose samples were no numbers.
    pub(crate) wrong: u32,
    /// The score of the newest step as it would be written, in hundredths.
    pub(crate) newest: u8,
    pub(crate) peak: Peak,
    // --- derived
    pub(crate) rank: Rank,
    pub(crate) chosen: bool,
    pub(crate) basis: Basis,
    /// Time of the first value since it is in this process.
    pub(crate) first: Timestamp,
    /// The pass that read it last.
    pub(crate) pass: u64,
    /// The last written score, in hundredths.
    pub(crate) written: u8,
    /// Greatest score since the last one written.
    pending: f64,
    written_at: Timestamp,
}

impl Watched {
    pub(crate) fn new(origin: Origin, labels: Labels, step_ms: i64, cursor: Timestamp) -> Self {
        let detector = Detector::new(DetectorConfig { step_ms });
        Self::of((origin, labels), detector, step_ms, cursor)
    }

    pub(crate) fn of(
        (origin, labels): (Origin, Labels),
        detector: Detector,
        step: i64,
        cursor: Timestamp,
    ) -> Self {
        Self {
            origin,
            labels,
            step,
            detector,
            carry: Carry::NONE,
            cursor,
            alarm_at: i64::MIN,
            longest_gap: 0,
            recent: 0,
            wrong: 0,
            newest: 0,
            peak: Peak::NONE,
            rank: if matches!(origin, Origin::Named(_)) { Rank::Named } else { Rank::Rest },
            chosen: false,
            basis: Basis::default(),
            first: i64::MAX,
            pass: 0,
            written: 0,
            pending: 0.0,
            written_at: i64::MIN,
        }
    }

    /// What it is called: the expression or the metric.
    pub(crate) fn name(&self) -> &str {
        match self.origin {
            Origin::Named(name) => name,
            Origin::Raw(_) => self.labels.metric(),
        }
    }

    /// Time of the newest value; `None` before the first.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        (self.detector.points() > 0).then(|| self.detector.last_ms())
    }

    /// Time of the newest value at `limit` or before, as far as 64 steps before the newest tell.
    pub(crate) fn last_until(&self, limit: Timestamp) -> Option<Timestamp> {
        let (last, step) = (self.last()?, self.step);
        let at = |k: u32| last.saturating_sub(i64::from(k) * step);
        (0..64).filter(|k| (self.recent >> k) & 1 == 1).map(at).find(|at| *at <= limit)
    }

    /// Takes what a step has. `live`: it is news, else it was or would have been written already.
    pub(crate) fn fold(&mut self, at: Timestamp, reduced: Reduced, live: bool) {
        let Reduced::Value(value) = reduced else {
            self.wrong = self.wrong.saturating_add(1);
            return;
        };
        self.wrong = 0;
        if let Some(last) = self.last() {
            if at <= last {
                return;
            }
            self.longest_gap = self.longest_gap.max(at - last);
            let steps = u32::try_from((at - last) / self.step).unwrap_or(u32::MAX);
            self.recent = self.recent.checked_shl(steps).unwrap_or(0);
        }
        self.recent |= 1;
        self.first = self.first.min(at);
        let scored = self.detector.observe(at, value);
        if scored.score >= ALARM_SCORE {
            self.alarm_at = at;
        }
        if scored.score >= self.peak.score || at.saturating_sub(self.peak.at) > SHOWN_MS {
            self.peak = Peak { score: scored.score, value, expected: scored.expected, at };
        }
        self.newest = quantised(scored.score);
        if live {
            self.pending = self.pending.max(scored.score);
        } else {
            self.written = self.newest;
        }
    }

    /// The score to write now, if there is one.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<f64> {
        if now.saturating_sub(self.written_at) < MINUTE_MS {
            return None;
        }
        let score = quantised(self.pending);
        self.pending = 0.0;
        if score == 0 && self.written == 0 {
            return None;
        }
        self.written = score;
        self.written_at = now;
        Some(f64::from(score) / 100.0)
    }

    /// Whether its samples are no numbers.
    pub(crate) fn is_wrong(&self) -> bool {
        self.wrong >= WRONG_STEPS
    }

    /// Whether it had an alarm within five minutes before `at`.
    pub(crate) fn alarms(&self, at: Timestamp) -> bool {
        self.alarm_at > at.saturating_sub(SHOWN_MS)
    }

    /// Whether everything that a fold of the same samples must agree on is the same.
    #[cfg(test)]
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.origin == other.origin
            && self.labels == other.labels
            && self.detector == other.detector
            && self.carry == other.carry
            && self.cursor == other.cursor
            && self.alarm_at == other.alarm_at
            && self.longest_gap == other.longest_gap
            && self.recent == other.recent
            && self.wrong == other.wrong
            && self.newest == other.newest
            && self.peak == other.peak
    }
}

/// A score as it is written, in hundredths; small ones are 0.
fn quantised(score: f64) -> u8 {
    if score < WORTH_WRITING { 0 } else { (score * 100.0).round().clamp(0.0, 100.0) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        Watched::new(Origin::Named("load1"), Labels::empty(), 60_000, 0)
    }

    #[test]
    fn scores_are_written_once_a_minute_rounded_and_zero_once() {
        let mut watched = watched();
        assert_eq!(watched.due(0), None);
        watched.pending = 0.456_7;
        assert_eq!(watched.due(5_000), Some(0.46));
        watched.pending = 0.9;
        assert_eq!(watched.due(30_000), None);
        assert_eq!(watched.due(65_000), Some(0.9), "the peak in between is not lost");
        watched.pending = 0.05;
        assert_eq!(watched.due(130_000), Some(0.0));
        assert_eq!(watched.due(300_000), None);
    }

    #[test]
    fn a_series_of_no_numbers_is_wrong_until_it_has_one() {
        let mut watched = watched();
        for i in 1..=3 {
            assert!(!watched.is_wrong());
            watched.fold(i * 60_000, Reduced::NotANumber, true);
        }
        assert!(watched.is_wrong());
        watched.fold(300_000, Reduced::Value(1.0), true);
        assert!(!watched.is_wrong());
        assert_eq!(watched.last(), Some(300_000));
        watched.fold(240_000, Reduced::Value(9.0), true);
        assert_eq!(watched.detector.points(), 1, "what is over is not taken again");
        watched.fold(900_000, Reduced::Value(1.0), true);
        assert_eq!(watched.longest_gap, 600_000);
        assert_eq!(watched.last_until(i64::MAX), Some(900_000));
        assert_eq!(watched.last_until(899_999), Some(300_000));
        assert_eq!(watched.last_until(299_999), None);
    }
}
