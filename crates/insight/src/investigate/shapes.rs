//! Patterns of an expression: the periods with which it repeats, and when a shape happened before.

use plimsoll_analyze::{autocorrelation, calendar_periods, find_periods, mean, robust_deviation};
use plimsoll_model::{
    DAY_MS, Grid, HOUR_MS, Lane, MINUTE_MS, MatrixSeries, ReadCx, TimeRange, Timestamp,
    show_duration_ms,
};
use plimsoll_query::{Query, Value};

use super::signal::Frame;
use super::{InvestigateError, Investigator, RANGE_MAX_MS, RANGE_MIN_MS, check_query};
use crate::scores::pairs;

/// Points that are looked at.
const POINTS_MAX: i64 = 4_000;
/// Series of one answer.
const SERIES_MAX: usize = 50;
/// Longest history, ms.
const HISTORY_MAX_MS: i64 = 90 * DAY_MS;
/// Points of a shape.
const SHAPE_POINTS: i64 = 60;
/// Points of a history in which a shape is looked for.
const STEPS_MAX: i64 = 11_000;
/// Matches of one answer.
const MATCHES_MAX: usize = 10;
/// Matches are at most so far, as a share of how far unrelated shapes are: 0 the same, 1 unrelated.
const DISTANCE_MAX: f64 = 0.5;

/// Which seasons are asked for.
#[derive(Clone, Debug)]
pub struct SeasonsAsk {
    /// What is looked at.
    pub query: Query,
    /// The history; at most 90 days.
    pub range: TimeRange,
}

/// A period with which a series repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Season {
    /// Its length, ms.
    pub period_ms: i64,
    /// Autocorrelation at that distance, 0 to 1.
    pub strength: f64,
}

/// Something that happens again and again at the same time of the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurring {
    /// Every so many ms.
    pub period_ms: i64,
    /// When it is due next.
    pub next: Timestamp,
    /// How long it lasts, ms.
    pub lasts_ms: i64,
    /// In a sentence.
    pub text: String,
}

/// A series with its patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonalSeries {
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its periods, the shortest first.
    pub periods: Vec<Season>,
    /// Peaks that come back.
    pub recurring: Vec<Recurring>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonsAnswer {
    /// By labels, as the expression gives them.
    pub series: Vec<SeasonalSeries>,
    /// Whether there were more series.
    pub truncated: bool,
}

/// Which shape is looked for.
#[derive(Clone, Debug)]
pub struct SimilarAsk {
    /// An expression that gives one series; of several the first is taken.
    pub query: Query,
    /// The shape.
    pub range: TimeRange,
    /// How far back; 50 times its length unless given, at most 90 days.
    pub since: Option<Timestamp>,
}

/// A time when it was alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// When.
    pub range: TimeRange,
    /// 0 the same shape, 1 an unrelated one.
    pub distance: f64,
}

impl Investigator {
    /// The periods of the series of an expression.
    ///
    /// # Errors
    /// `Invalid`: the window is too short or too long. `Query`: the expression cannot be evaluated.
    pub fn seasons(
        &self,
        ask: &SeasonsAsk,
        cx: &ReadCx,
    ) -> Result<SeasonsAnswer, InvestigateError> {
        let length = ask.range.end - ask.range.start;
        if !(HOUR_MS..=HISTORY_MAX_MS).contains(&length) {
            let message = "from, to: a history of one hour to 90 days is needed".to_owned();
            return Err(InvestigateError::Invalid(message));
        }
        let step = nice_step(length / POINTS_MAX);
        let frame = Frame::covering(ask.range.start, ask.range.end, step);
        let all = self.evaluated(&ask.query, frame, cx)?;
        let truncated = all.len() > SERIES_MAX;
        let series = all.iter().take(SERIES_MAX).map(|s| {
            let y = cells(s, frame);
            let periods = periods(&y, step);
            let recurring = periods.iter().filter_map(|p| recurring(&y, frame, p.period_ms));
            SeasonalSeries { labels: pairs(&s.labels), recurring: recurring.collect(), periods }
        });
        Ok(SeasonsAnswer { series: series.collect(), truncated })
    }

    /// When the shape of a window happened before, the most alike first.
    ///
    /// # Errors
    /// As [`Investigator::seasons`]; `NotFound`: there is no series, or no shape in it.
    pub fn similar(&self, ask: &SimilarAsk, cx: &ReadCx) -> Result<Vec<Match>, InvestigateError> {
        let length = ask.range.end - ask.range.start;
        if !(RANGE_MIN_MS..=RANGE_MAX_MS).contains(&length) {
            let message = "from, to: a window of one minute to seven days is needed".to_owned();
            return Err(InvestigateError::Invalid(message));
        }
        let earliest = ask.range.end - HISTORY_MAX_MS;
        let since = ask.since.unwrap_or((ask.range.start - 50 * length).max(earliest));
        let back = ask.range.end - since;
        if since >= ask.range.start || back > HISTORY_MAX_MS {
            let message = "since: must lie before from, at most 90 days before to".to_owned();
            return Err(InvestigateError::Invalid(message));
        }
        let step = (length / SHAPE_POINTS).max(back / STEPS_MAX + 1).max(1_000);
        let frame = Frame::covering(since, ask.range.end, step);
        let all = self.evaluated(&ask.query, frame, cx)?;
        let Some(one) = all.first() else {
            let message = format!("{} has no samples", ask.query.text());
            return Err(InvestigateError::NotFound(message));
        };
        let y = cells(one, frame);
        let points = usize::try_from(length / step).unwrap_or(1).max(1);
        let Some(shape) = standard(&y[y.len().saturating_sub(points)..]).filter(|s| s.len() >= 6)
        else {
            let message =
                "the window has no shape: it is constant, or has too few samples".to_owned();
            return Err(InvestigateError::NotFound(message));
        };
        let mut found: Vec<(f64, usize)> = Vec::new();
        for at in 0..y.len().saturating_sub(2 * points - 1) {
            if at % 256 == 0 {
                cx.cancel.check()?;
            }
            if let Some(other) = standard(&y[at..at + points]) {
                let apart: f64 = shape.iter().zip(&other).map(|(a, b)| (a - b).powi(2)).sum();
                let distance = (apart / (2.0 * points as f64)).sqrt();
                if distance <= DISTANCE_MAX {
                    found.push((distance, at));
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut matches: Vec<(f64, usize)> = Vec::new();
        for one in found {
            if matches.iter().all(|m| m.1.abs_diff(one.1) >= points) {
                matches.push(one);
            }
            if matches.len() == MATCHES_MAX {
                break;
            }
        }
        let told = matches.into_iter().map(|(distance, at)| {
            let start = frame.at(at) - step;
            Match { range: TimeRange::new(start, start + step * points as i64), distance }
        });
        Ok(told.collect())
    }

    fn evaluated(
        &self,
        query: &Query,
        frame: Frame,
        cx: &ReadCx,
    ) -> Result<Vec<MatrixSeries>, InvestigateError> {
        check_query(query)?;
        if frame.len == 0 {
            return Ok(Vec::new());
        }
        let grid = Grid { start: frame.at(0), end: frame.at(frame.len - 1), step: frame.step };
        let cx = ReadCx { lane: Lane::Background, ..cx.clone() };
        match self.engine.range(&self.source.snapshot(), query, grid, &cx)?.value {
            Value::Matrix(matrix) => Ok(matrix),
            _ => Err(InvestigateError::Invalid("query: give an instant vector".to_owned())),
        }
    }
}

/// A step that divides an hour or a day.
fn nice_step(least_ms: i64) -> i64 {
    const STEPS_S: [i64; 10] = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
    STEPS_S.iter().map(|s| s * 1_000).find(|s| *s >= least_ms).unwrap_or(DAY_MS)
}

fn cells(series: &MatrixSeries, frame: Frame) -> Vec<f64> {
    let mut y = vec![f64::NAN; frame.len];
    for (t, v) in series.times.iter().zip(&series.floats) {
        y[frame.cell(*t)] = *v;
    }
    y
}

fn periods(y: &[f64], step: i64) -> Vec<Season> {
    let found = find_periods(y, &calendar_periods(step));
    let strength = |period: usize| {
        autocorrelation(y, period).and_then(|r| r.get(period).copied()).unwrap_or(0.0)
    };
    let season =
        |p: usize| Season { period_ms: p as i64 * step, strength: strength(p).clamp(0.0, 1.0) };
    found.into_iter().map(season).collect()
}

/// A peak at the same phase of nearly every period: the profile's best stretch far above the rest.
fn recurring(y: &[f64], frame: Frame, period_ms: i64) -> Option<Recurring> {
    let period = usize::try_from(period_ms / frame.step).ok()?;
    let cycles = y.len() / period.max(1);
    if period < 6 || cycles < 3 {
        return None;
    }
    let recent = &y[y.len() - cycles * period..];
    let middle = |phase: usize| {
        let all: Vec<f64> = recent.iter().skip(phase).step_by(period).copied().collect();
        plimsoll_analyze::median(&all).unwrap_or(f64::NAN)
    };
    let profile: Vec<f64> = (0..period).map(middle).collect();
    let level = plimsoll_analyze::median(&profile)?;
    let noise = robust_deviation(&profile)?.max(0.02 * level.abs());
    let is_high = |v: f64| v - level > 6.0 * noise && noise > 0.0;
    let peak = (0..period).max_by(|a, b| profile[*a].total_cmp(&profile[*b]))?;
    if !is_high(profile[peak]) {
        return None;
    }
    let (mut from, mut lasts) = (peak, 1);
    while lasts < period && is_high(profile[(from + period - 1) % period]) {
        from = (from + period - 1) % period;
        lasts += 1;
    }
    let mut to = peak;
    while lasts < period && is_high(profile[(to + 1) % period]) {
        to = (to + 1) % period;
        lasts += 1;
    }
    // What is high most of the time is a wave, not something that happens.
    if lasts * 4 > period {
        return None;
    }
    let end = frame.at(frame.len - 1);
    let next = end + frame.step * from as i64;
    let lasts_ms = frame.step * lasts as i64;
    let text = format!(
        "every {} it is high for {}",
        show_duration_ms(period_ms),
        show_duration_ms(lasts_ms.max(MINUTE_MS))
    );
    Some(Recurring { period_ms, next, lasts_ms, text })
}

/// A shape with mean 0 and deviation 1; `None` when it is constant or has gaps of more than a fifth.
fn standard(y: &[f64]) -> Option<Vec<f64>> {
    let finite = y.iter().filter(|v| v.is_finite()).count();
    if finite * 5 < y.len() * 4 || finite < 2 {
        return None;
    }
    let middle = mean(y)?;
    let spread = y.iter().filter(|v| v.is_finite()).map(|v| (v - middle).powi(2)).sum::<f64>();
    let deviation = (spread / finite as f64).sqrt();
    if !(deviation.is_finite() && deviation > 1e-9 * middle.abs()) {
        return None;
    }
    Some(y.iter().map(|v| if v.is_finite() { (v - middle) / deviation } else { 0.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hourly_job_is_recurring_and_a_wave_is_not() {
        let frame = Frame { start: 0, step: 60_000, len: 600 };
        let job: Vec<f64> = (0..600)
            .map(|i| if i % 60 < 5 { 10.0 } else { 1.0 + 0.1 * f64::from(i * 7 % 5) })
            .collect();
        let seasons = periods(&job, 60_000);
        assert_eq!(seasons.first().map(|s| s.period_ms), Some(HOUR_MS));
        let found = recurring(&job, frame, HOUR_MS).unwrap();
        assert_eq!((found.lasts_ms, found.next), (5 * MINUTE_MS, 36_000_000));
        let wave: Vec<f64> =
            (0..600).map(|i| (std::f64::consts::TAU * f64::from(i) / 60.0).sin()).collect();
        assert!(recurring(&wave, frame, HOUR_MS).is_none());
        assert!(recurring(&[1.0; 600], frame, HOUR_MS).is_none());
        assert!(standard(&[1.0; 9]).is_none() && standard(&[f64::NAN; 9]).is_none());
    }
}
