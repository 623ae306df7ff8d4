//! The streaming anomaly detector: one state per series, one constant-time step per point, looking only back.
//!
//! A point goes through four steps. *Predict*: five simple predictors (last value, two averages, a daily and a weekly
//! profile) compete, the one with the smallest recent error speaks. *Features*: how far the value is from what was
//! expected, its short average from the daily profile, its liveliness and its local pattern from the usual. *Surprise*: each feature's size is
//! compared with a histogram of its own past; the surprise is the negative decimal logarithm of its rarity.
//! *Combine and rest*: surprises are joined by a power mean; after a peak lesser ones are damped, so that one incident
//! raises one alarm and a worse one another, and so are those that earlier days or weeks had at the same time.
//!
//! Invariants: deterministic; strictly causal; a score is in 0..=1 and 0 for gaps and while learning; multiplying a
//! series by a power of two changes no score. Non-finite values and sizes beyond 1e36 are gaps.
//!
//! Limits: the serialised state is at most [`STATE_BYTES_MAX`] bytes, the live one about the same. Made for steps of
//! one minute to an hour; constants are in points of five minutes and stretched for finer steps up to fivefold, so at
//! finer steps than a minute the memory is shorter in time. What comes by the hour is weighed more than what comes by
//! the minute, so that the threshold means about as many alarms a day for both.

mod codec;
mod habit;
mod hours;
mod novelty;
mod predictors;
mod surprise;

use crate::error::Error;
use habit::Habit;
use hours::Hours;
use novelty::Novelty;
use predictors::{Ewma, Phase, Predictors};
use surprise::Histogram;

/// Upper bound of [`Detector::to_bytes`] and of the memory of a live detector: seven histograms of 48 `f32`, six
/// sketches of 128 bytes, profiles of 216 cells and hours of 24 cells of 5 bytes, habits of 216 bytes, and scalars.
pub const STATE_BYTES_MAX: usize = 4 * 1024;
const _: () = assert!(size_of::<State>() + size_of::<Detector>() <= STATE_BYTES_MAX);

/// The score that is an alarm at the shipped threshold.
pub const ALARM_SCORE: f64 = 0.5;

/// Combined surprise that is shown as [`ALARM_SCORE`]. Chosen for false alarms: on generated healthy telemetry (twelve
/// kinds, 28 days, one- and five-minute points) it raises about 0.03 alarms per series and day.
const THRESHOLD: f64 = 2.3;

/// Constants were found on five-minute data.
const BASE_STEP_MS: f64 = 300_000.0;
/// Finer steps stretch the constants by at most this.
const STRETCH_MAX: f64 = 5.0;
/// Steps outside this many base steps weigh as the nearest inside.
const SELDOM_RANGE: (f64, f64) = (0.2, 12.0);
/// Points that come seldom weigh more: an alarm costs by the day, not by the point.
const SELDOM: f64 = 0.1;
/// Short average, in points: four hours.
const SHORT: f64 = 48.0;
/// Long average, what is usual, in points: four days.
const LONG: f64 = 1152.0;
/// A peak is forgotten over this many points: three days.
const REST: f64 = 864.0;
/// Share of a lesser surprise that is let through while a peak is remembered.
const RESTING_SHARE: f64 = 0.4;
/// A surprise is habitual when this share of it was seen at the same time of an earlier day or week.
const HABITUAL: f64 = 0.7;
/// No scores at all for so many points.
const WARM_UP: u32 = 30;
/// Scores grow to full size until here: one day of five-minute points.
const LEARNED: u32 = 288;
/// Sizes enter the scale at most this many times the scale.
const SCALE_CAP: f64 = 8.0;
/// Points before sizes are capped.
const SCALE_KNOWN: u32 = 50;
/// The scale is at least this share of the mean level: smaller changes are nobody's concern.
const SCALE_FLOOR: f64 = 0.002;
/// A value this many usual deviations away from both the one before and the usual level is learnt as if it were just
/// that far: one wild value must not blind the detector for weeks. A second one like it is believed.
const WILD: f64 = 100.0;
/// Values larger than this are treated as gaps: profiles are `f32`.
const SIZE_MAX: f64 = 1e36;

/// Features in order: residual, distance of the short mean from the profile, liveliness, pattern novelty.
const FEATURES: usize = 4;
const WEIGHTS: [f64; FEATURES] = [0.8, 0.8, 0.9, 0.6];
/// Features with a scale of their own; liveliness and novelty are ratios already.
const SCALED: usize = 2;
/// Up and down sides have histograms of their own; novelty has no down side.
const SIDES: usize = 2 * FEATURES - 1;

/// What a detector needs to know before the first point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetectorConfig {
    /// Time between points in milliseconds; at least 1, taken as 1 if less.
    pub step_ms: i64,
}

/// What the detector says about one point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// How unusual, 0..=1; [`ALARM_SCORE`] and more is an alarm.
    pub score: f64,
    /// The combined surprise before it was brought into 0..=1 (decimal orders of rarity).
    pub combined: f64,
    /// What was expected for this point from the points before it; `None` for the first.
    pub expected: Option<f64>,
    /// Usual distance of a point from its expectation; 0 while unknown.
    pub spread: f64,
}

/// The detector of one series; its state is one block of memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector(Box<State>);

#[derive(Debug, Clone, PartialEq)]
struct State {
    pace: Pace,
    points: u32,
    last_ms: i64,
    peak: f64,
    predictors: Predictors,
    hours: Hours,
    seasonal: Ewma,
    lively_short: Ewma,
    lively_long: Ewma,
    scales: [Ewma; SCALED],
    novelty: Novelty,
    habit: Habit,
    histograms: [Histogram; SIDES],
}

/// What follows from the time between points.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    step_ms: i64,
    /// Factor of all constants that are in points.
    stretch: f64,
    /// Factor of the combined surprise.
    seldom: f64,
    /// What a step leaves of a peak.
    rest: f64,
}

impl Pace {
    fn of(step_ms: i64) -> Pace {
        let step_ms = step_ms.max(1);
        let steps = step_ms as f64 / BASE_STEP_MS;
        let stretch = (1.0 / steps).clamp(1.0, STRETCH_MAX);
        let seldom = steps.clamp(SELDOM_RANGE.0, SELDOM_RANGE.1).powf(SELDOM);
        Pace { step_ms, stretch, seldom, rest: (-1.0 / (REST * stretch)).exp() }
    }

    fn long(&self) -> f64 {
        LONG * self.stretch
    }

    fn short(&self) -> f64 {
        SHORT * self.stretch
    }
}

impl Detector {
    /// A detector that knows nothing yet.
    pub fn new(config: DetectorConfig) -> Detector {
        Detector(Box::new(State::new(config)))
    }

    /// Points seen so far (gaps left out), saturating.
    pub fn points(&self) -> u32 {
        self.0.points
    }

    /// Time of the newest point; 0 before the first.
    pub fn last_ms(&self) -> i64 {
        self.0.last_ms
    }

    /// Share of the learning time that has passed, 0..=1; scores are damped by it.
    pub fn learned(&self) -> f64 {
        self.0.learned()
    }

    /// Takes the next point and says how unusual it is. Times are expected to ascend; a time that does not is taken
    /// as the next step. A non-finite value is a gap: it scores 0 and changes nothing.
    pub fn observe(&mut self, time_ms: i64, value: f64) -> Score {
        if value.is_finite() && value.abs() <= SIZE_MAX {
            self.0.observe(time_ms, value)
        } else {
            Score::default()
        }
    }

    /// The state as bytes, little endian, version first; at most [`STATE_BYTES_MAX`].
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::write(&self.0)
    }

    /// Reads what [`Detector::to_bytes`] wrote. Any bytes give a state or [`Error::Corrupt`]; a state that is
    /// accepted is safe to use, and goes on exactly as the one that was written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Detector, Error> {
        codec::read(bytes).map(|state| Detector(Box::new(state)))
    }
}

impl State {
    fn new(config: DetectorConfig) -> State {
        State {
            pace: Pace::of(config.step_ms),
            points: 0,
            last_ms: 0,
            peak: 0.0,
            predictors: Predictors::default(),
            hours: Hours::default(),
            seasonal: Ewma::default(),
            lively_short: Ewma::default(),
            lively_long: Ewma::default(),
            scales: Default::default(),
            novelty: Novelty::default(),
            habit: Habit::default(),
            histograms: Default::default(),
        }
    }

    fn learned(&self) -> f64 {
        (f64::from(self.points) / f64::from(LEARNED)).min(1.0)
    }

    fn observe(&mut self, time_ms: i64, value: f64) -> Score {
        let phase = Phase::of(time_ms);
        let jumped = self.bridge_gap(time_ms, value);
        let predictions = self.predictors.all(phase);
        let expected = self.predictors.best(&predictions);
        let floor = SCALE_FLOOR * self.predictors.usual().abs();
        let reach = self.reach(floor);
        let features = self.features(phase, value, expected, jumped, reach);
        let combined = self.combine(&features, floor);
        self.predictors.learn(phase, value, &predictions, reach, &self.pace);
        self.points = self.points.saturating_add(1);
        self.last_ms = time_ms;
        let combined = self.rest(phase, combined);
        Score {
            score: (combined / (combined + THRESHOLD)).clamp(0.0, 1.0),
            combined,
            expected,
            spread: self.hours.whole.mean,
        }
    }

    /// After a gap of ten steps the recent past is not the past of this point; after a day old habits count half.
    fn bridge_gap(&mut self, time_ms: i64, value: f64) -> bool {
        if self.points == 0 {
            return false;
        }
        let gap = time_ms.saturating_sub(self.last_ms);
        let jumped = gap > self.pace.step_ms.saturating_mul(10);
        if jumped {
            self.predictors.restart_recent(value);
        }
        if jumped && gap > predictors::DAY_MS {
            self.histograms.iter_mut().for_each(|h| h.fade(0.5));
        }
        jumped
    }

    /// Distances above this are wild.
    fn reach(&self, floor: f64) -> f64 {
        let Ewma { mean, n } = self.hours.whole;
        let reach = WILD * (mean + floor);
        if n > SCALE_KNOWN && reach > 0.0 { reach } else { f64::MAX }
    }

    fn features(
        &mut self,
        phase: Phase,
        value: f64,
        expected: Option<f64>,
        jumped: bool,
        reach: f64,
    ) -> [Option<f64>; FEATURES] {
        let novelty = self.novelty.observe(value, self.pace.stretch, self.pace.long());
        let Some(expected) = expected else {
            return [None; FEATURES];
        };
        let short = self.pace.short();
        let tame = self.predictors.tame(value, reach);
        let seasonal = self
            .predictors
            .daily_profile(phase)
            .map(|profile| self.seasonal.push_over(tame - profile, short));
        if jumped {
            return [None, seasonal, None, novelty];
        }
        let residual = self.residual(phase, value - expected);
        [Some(residual), seasonal, Some(self.liveliness(value, reach)), novelty]
    }

    /// The residual in the measure of its hour of the day.
    fn residual(&mut self, phase: Phase, residual: f64) -> f64 {
        let measured = residual / self.hours.factor(phase);
        let Ewma { mean, n } = self.hours.whole;
        let size = residual.abs();
        let size = if n > SCALE_KNOWN { size.min(SCALE_CAP * mean) } else { size };
        self.hours.learn(phase, size, self.pace.step_ms, self.pace.long());
        measured
    }

    /// How much more (or less) the series moves than usual, exaggerated: bursts are positive, flat lines negative.
    fn liveliness(&mut self, value: f64, reach: f64) -> f64 {
        let moved = (value - self.predictors.last()).abs().min(reach);
        let short = self.lively_short.push_over(moved, self.pace.short());
        let long = self.lively_long.push_over(moved, self.pace.long());
        if long <= 0.0 {
            return 0.0;
        }
        // sign(l) (e^|l| - 1) of l = ln(ratio).
        let ratio = (short + 0.001 * long) / (1.001 * long);
        if ratio >= 1.0 { ratio - 1.0 } else { 1.0 - 1.0 / ratio }
    }

    /// Power mean of the weighted surprises; learns the sizes on the way.
    fn combine(&mut self, features: &[Option<f64>; FEATURES], floor: f64) -> f64 {
        let mut sum = 0.0;
        for (k, feature) in features.iter().enumerate() {
            let Some(feature) = *feature else { continue };
            // While the scale is not known yet, sizes say nothing and are not counted.
            let known = k >= SCALED || self.scales[k].n >= SCALE_KNOWN;
            let scale = if k < SCALED { self.scale(k, feature, floor) } else { 1.0 };
            if !known {
                continue;
            }
            let size = if scale > 0.0 { feature.abs() / scale } else { 0.0 };
            let side = (2 * k + usize::from(feature < 0.0)).min(SIDES - 1);
            let surprise = self.histograms[side].surprise_and_count(size, self.pace.stretch);
            sum += (WEIGHTS[k] * surprise).powi(4);
        }
        self.pace.seldom * sum.sqrt().sqrt()
    }

    /// Usual size of a feature before this point; then learns from the point, outliers capped.
    fn scale(&mut self, k: usize, feature: f64, floor: f64) -> f64 {
        let usual = self.scales[k].mean + floor;
        let known = self.scales[k].n >= SCALE_KNOWN;
        let size = feature.abs();
        let capped = if known { size.min(SCALE_CAP * usual) } else { size };
        self.scales[k].push_over(capped, self.pace.long());
        usual
    }

    /// Warm-up and rest after a peak.
    fn rest(&mut self, phase: Phase, combined: f64) -> f64 {
        self.peak *= self.pace.rest;
        if self.points <= WARM_UP {
            return 0.0;
        }
        let combined = combined * self.learned();
        let known = self.habit.known(phase, combined);
        if combined > self.peak && known < HABITUAL * combined {
            self.peak = combined;
            combined
        } else {
            combined * RESTING_SHARE
        }
    }
}
