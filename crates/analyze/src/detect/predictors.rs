//! Five simple predictors of the next value and their recent errors: last value, fast and slow average, daily
//! profile of 48 half hours and weekly profile of 168 hours (UTC), each with an offset that follows the level.
//!
//! Seasonality switches itself on: a profile speaks only when it has been nearer than the others.

use super::Pace;

pub(super) const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
const HALF_HOUR_MS: i64 = 1_800_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAILY_CELLS: usize = 48;
pub(super) const WEEKLY_CELLS: usize = 168;

/// Step of the fast average at five-minute points.
const FAST: f64 = 0.089;
/// Step of the slow average, which stands for the usual level.
const SLOW: f64 = 0.0033;
/// Step of the predictors' error averages.
const ERROR: f64 = 0.013;
/// How far one visit (half an hour, an hour) moves a profile cell.
const VISIT: f64 = 0.23;

/// One prediction per predictor; `None` while it knows nothing.
pub(super) type Predictions = [Option<f64>; 5];

/// Where in the day and the week a time lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phase {
    /// Half hour of the day.
    pub daily: usize,
    /// Hour of the week.
    pub weekly: usize,
}

impl Phase {
    /// Hour of the day.
    pub fn hour(self) -> usize {
        self.daily / 2
    }

    pub fn of(time_ms: i64) -> Phase {
        let in_week = time_ms.rem_euclid(WEEK_MS);
        Phase {
            daily: (in_week % DAY_MS / HALF_HOUR_MS) as usize,
            weekly: (in_week / HOUR_MS) as usize,
        }
    }
}

/// Exponentially weighted mean that starts as a plain mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Ewma {
    pub mean: f64,
    pub n: u32,
}

impl Ewma {
    /// Takes a value with a fixed step; answers the new mean.
    pub fn push(&mut self, value: f64, step: f64) -> f64 {
        self.n = self.n.saturating_add(1);
        self.mean += step.max(1.0 / f64::from(self.n)) * (value - self.mean);
        self.mean
    }

    /// Takes a value with the step of a window of so many points.
    pub fn push_over(&mut self, value: f64, points: f64) -> f64 {
        self.push(value, 2.0 / (points + 1.0))
    }
}

/// Mean value per phase of a calendar period.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile<const CELLS: usize> {
    pub cells: [f32; CELLS],
    pub visits: [u8; CELLS],
    pub offset: Ewma,
}

impl<const CELLS: usize> Default for Profile<CELLS> {
    fn default() -> Self {
        Profile { cells: [0.0; CELLS], visits: [0; CELLS], offset: Ewma::default() }
    }
}

impl<const CELLS: usize> Profile<CELLS> {
    fn shape(&self, cell: usize) -> Option<f64> {
        (self.visits[cell] > 0).then(|| f64::from(self.cells[cell]))
    }

    fn expected(&self, cell: usize) -> Option<f64> {
        self.shape(cell).map(|shape| shape + self.offset.mean)
    }

    fn learn(&mut self, cell: usize, value: f64, step: f64, fast: f64) {
        if let Some(shape) = self.shape(cell) {
            self.offset.push(value - shape, fast);
        }
        self.visits[cell] = self.visits[cell].saturating_add(1);
        let step = step.max(1.0 / f64::from(self.visits[cell]));
        let shape = f64::from(self.cells[cell]);
        self.cells[cell] = (shape + step * (value - shape)) as f32;
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Predictors {
    pub last: Ewma,
    pub fast: Ewma,
    pub slow: Ewma,
    pub daily: Profile<DAILY_CELLS>,
    pub weekly: Profile<WEEKLY_CELLS>,
    pub errors: [Ewma; 5],
}

impl Predictors {
    pub fn last(&self) -> f64 {
        self.last.mean
    }

    /// The usual level: the slow average.
    pub fn usual(&self) -> f64 {
        self.slow.mean
    }

    /// The value, or the nearest within reach of the one before or of the usual level.
    pub fn tame(&self, value: f64, reach: f64) -> f64 {
        let (last, usual) = (self.last(), self.usual());
        value.clamp(last.min(usual) - reach, last.max(usual) + reach)
    }

    pub fn daily_profile(&self, phase: Phase) -> Option<f64> {
        self.daily.shape(phase.daily)
    }

    /// The prediction of whoever erred least; `None` before the first point.
    pub fn best(&self, all: &Predictions) -> Option<f64> {
        let tried = |k: usize| if self.errors[k].n > 0 { self.errors[k].mean } else { f64::MAX };
        (0..all.len())
            .filter(|&k| all[k].is_some())
            .min_by(|&a, &b| tried(a).total_cmp(&tried(b)))
            .and_then(|k| all[k])
    }

    /// What each says about the next point.
    pub fn all(&self, phase: Phase) -> Predictions {
        let seen = self.last.n > 0;
        [
            seen.then_some(self.last.mean),
            seen.then_some(self.fast.mean),
            seen.then_some(self.slow.mean),
            self.daily.expected(phase.daily),
            self.weekly.expected(phase.weekly),
        ]
    }

    /// Takes the point and what had been predicted for it.
    pub fn learn(&mut self, phase: Phase, value: f64, all: &Predictions, reach: f64, pace: &Pace) {
        let Pace { step_ms, stretch, .. } = *pace;
        let tame = self.tame(value, reach);
        for (error, prediction) in self.errors.iter_mut().zip(*all) {
            if let Some(prediction) = prediction {
                error.push((value - prediction).abs().min(reach), ERROR / stretch);
            }
        }
        let per_visit = |cell_ms: i64| VISIT / (cell_ms as f64 / step_ms as f64).max(1.0);
        let fast = FAST / stretch;
        self.daily.learn(phase.daily, tame, per_visit(HALF_HOUR_MS), fast);
        self.weekly.learn(phase.weekly, tame, per_visit(HOUR_MS), fast);
        self.last.push(value, 1.0);
        self.fast.push(tame, fast);
        self.slow.push(tame, SLOW / stretch);
    }

    /// After a gap: last value and fast average start from here.
    pub fn restart_recent(&mut self, value: f64) {
        self.last.mean = value;
        self.fast.mean = value;
    }
}
