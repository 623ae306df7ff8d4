//! The ledger of forecasts: what was foreseen is written down when it is, and graded when the truth is
//! there.
//!
//! For each resource and each expression that a job forecasts: one forecast an hour for each of
//! [`HORIZONS`] of which as much history is there as is looked ahead. What is kept is its end: mean,
//! interval at [`LEVEL`], and the value at the time of issue. When the end has come the query is asked
//! for that moment; no value there is no grade. Grades are kept by day for [`KEPT_DAYS`].
//!
//! - Coverage: the share of truths within the interval; well made intervals have [`LEVEL`].
//! - Error: the mean absolute error by that of "it stays as it is"; below 1 the forecast is of use.
//!
//! Limits: [`BOOKS_MAX`] series, [`ISSUED_AT_ONCE`] of them at a look; at most 200 open forecasts each.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_analyze::{calendar_periods, find_periods, median};
use plimsoll_model::{DAY_MS, Grid, HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, Timestamp};
use plimsoll_predict::{Basis, ForecastOptions, forecast};
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::issue::Point;

/// Series whose forecasts are graded, at most.
pub const BOOKS_MAX: usize = 400;
/// Days for which grades are kept.
pub const KEPT_DAYS: i64 = 35;
/// Share of truths that the intervals are to hold.
pub const LEVEL: f64 = 0.95;
/// Series that get a forecast at one look.
const ISSUED_AT_ONCE: usize = 5;
/// Open forecasts of one series: one an hour for a week, a day and an hour ahead, and some room.
const OPEN_MAX: usize = 200;
/// Where history was too short for any horizon, so much later is tried again, ms.
const AGAIN_MS: i64 = 10 * MINUTE_MS;
/// Late samples may come for so long before a truth is asked for, ms.
const LATE_MS: i64 = MINUTE_MS;
/// Time between two samples of a score, ms: within the lookback of queries.
const WRITTEN_EVERY_MS: i64 = 4 * MINUTE_MS;
/// Grades before a score is written as a series.
const GRADES_MIN: u64 = 5;
/// The greatest error that is told.
const ERROR_MAX: f64 = 100.0;

/// How far ahead: name, step, steps.
pub(crate) const HORIZONS: [(&str, i64, usize); 3] =
    [("1h", MINUTE_MS, 60), ("1d", 15 * MINUTE_MS, 96), ("1w", 2 * HOUR_MS, 84)];
/// Points of history for a forecast.
const POINTS: i64 = 1_400;

/// The end of a forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Foreseen {
    pub(crate) mean: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Makes a forecast: values, steps ahead, distance of values in ms.
pub(crate) type Model = fn(&[f64], usize, i64) -> Option<Foreseen>;

/// The ensemble of `predict`.
pub(crate) fn ensemble(values: &[f64], steps: usize, step_ms: i64) -> Option<Foreseen> {
    let periods = find_periods(values, &calendar_periods(step_ms));
    let options = ForecastOptions { horizon: steps, periods, level: LEVEL };
    let made = forecast(values, &options).ok().filter(|f| f.basis != Basis::Sparse)?;
    let end = |path: &[f64]| path.last().copied().filter(|v| v.is_finite());
    Some(Foreseen { mean: end(&made.mean)?, lower: end(&made.lower)?, upper: end(&made.upper)? })
}

/// A series whose forecasts are graded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    /// Its name: the id of a resource, or job and labels.
    pub(crate) series: String,
    pub(crate) labels: Vec<(String, String)>,
    /// Gives one element.
    pub(crate) query: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    due_ms: Timestamp,
    horizon: usize,
    mean: f64,
    lower: f64,
    upper: f64,
    naive: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Grades {
    n: u64,
    covered: u64,
    error: f64,
    naive: f64,
}

/// All forecasts of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    series: String,
    labels: Vec<(String, String)>,
    query: String,
    model: String,
    issued_ms: Option<Timestamp>,
    /// When to forecast next, ms.
    #[serde(default)]
    next_ms: Timestamp,
    seen_ms: Timestamp,
    open: Vec<Open>,
    /// By day since the epoch and horizon.
    grades: BTreeMap<String, Grades>,
    /// Truths that never came.
    missed: u64,
}

/// How the forecasts of one series did.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// 16 hexadecimal digits, made of the name.
    pub id: String,
    /// Its name.
    pub series: String,
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The query that is forecast.
    pub query: String,
    /// Which model.
    pub model: String,
    /// When the newest forecast was made, ms.
    pub issued_ms: Option<Timestamp>,
    /// By horizon, those with grades or open forecasts.
    pub horizons: Vec<HorizonScore>,
    /// Forecasts whose truth never came.
    pub missed: u64,
}

/// How forecasts of one horizon did within the last 35 days.
#[derive(Clone, Debug, PartialEq)]
pub struct HorizonScore {
    /// How far ahead, seconds.
    pub seconds: i64,
    /// Graded forecasts.
    pub n: u64,
    /// Share of truths within the interval; `None` without grades.
    pub coverage: Option<f64>,
    /// Error by that of "it stays as it is", at most 100; `None` without grades.
    pub error: Option<f64>,
    /// Mean absolute error, in the unit of the series; `None` without grades.
    pub mean_error: Option<f64>,
    /// That of "it stays as it is".
    pub naive_error: Option<f64>,
    /// Forecasts that wait for the truth.
    pub open: u64,
    /// The newest one that waits: due, mean, lower, upper.
    pub next: Option<(Timestamp, f64, f64, f64)>,
}

/// How the forecasts of one model and horizon did, over all series, within the last 35 days.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// Which model.
    pub model: String,
    /// How far ahead, seconds.
    pub seconds: i64,
    /// Series with grades.
    pub series: u64,
    /// Graded forecasts.
    pub n: u64,
    /// Share of truths within the interval.
    pub coverage: f64,
    /// Error by that of "it stays as it is", each series weighing as much as it has grades; at most 100.
    /// Series of which nothing ever moved have none; `None` when there are no others.
    pub error: Option<f64>,
    /// The median of the same by series.
    pub median: Option<f64>,
    /// Share of these series with an error below 1.
    pub better: Option<f64>,
    /// By day, the oldest first: those with grades.
    pub days: Vec<AccuracyDay>,
}

/// One day of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccuracyDay {
    /// When the day begins, ms since the epoch.
    pub at_ms: Timestamp,
    /// Graded forecasts.
    pub n: u64,
    /// Share of truths within the interval.
    pub coverage: f64,
    /// Error by that of "it stays as it is", as above.
    pub error: Option<f64>,
}

/// Sums over series of different units: errors in units of the series' own naive error.
#[derive(Clone, Debug, Default)]
struct Pool {
    n: u64,
    covered: u64,
    error: f64,
    naive: f64,
}

impl Pool {
    fn add(&mut self, grades: &Grades, unit: Option<f64>) {
        self.n += grades.n;
        self.covered += grades.covered;
        if let Some(unit) = unit {
            self.error += grades.error / unit;
            self.naive += grades.naive / unit;
        }
    }

    fn coverage(&self) -> f64 {
        self.covered as f64 / self.n.max(1) as f64
    }

    fn error(&self) -> Option<f64> {
        (self.naive > 0.0).then(|| (self.error / self.naive).min(ERROR_MAX))
    }
}

/// All books.
#[derive(Default)]
pub(crate) struct Ledger {
    books: BTreeMap<String, Book>,
    changed: BTreeSet<String>,
    gone: Vec<String>,
    written_ms: Timestamp,
    pub(crate) left_out: u64,
}

fn key(day: i64, horizon: usize) -> String {
    format!("{day}/{}", HORIZONS.get(horizon).map_or("", |h| h.0))
}

impl Book {
    fn new(subject: &Subject, now: Timestamp) -> Self {
        Self {
            series: subject.series.clone(),
            labels: subject.labels.clone(),
            query: subject.query.clone(),
            model: "ensemble".to_owned(),
            issued_ms: None,
            next_ms: now,
            seen_ms: now,
            open: Vec::new(),
            grades: BTreeMap::new(),
            missed: 0,
        }
    }

    /// Makes the forecasts of this hour from what `read` gives of a grid; gaps are NaN there.
    fn issue(&mut self, now: Timestamp, model: Model, read: impl Fn(Grid) -> Vec<f64>) {
        self.next_ms = now + AGAIN_MS;
        for (horizon, (_, step, steps)) in HORIZONS.into_iter().enumerate() {
            let end = now.div_euclid(step) * step;
            let values = read(Grid { start: end - (POINTS - 1) * step, end, step });
            let first = values.iter().position(|v| v.is_finite());
            let values = &values[first.unwrap_or(values.len())..];
            let Some(naive) = values.last().copied().filter(|v| v.is_finite()) else { continue };
            if values.len() < steps {
                continue;
            }
            let Some(Foreseen { mean, lower, upper }) = model(values, steps, step) else {
                continue;
            };
            let due_ms = end + steps as i64 * step;
            self.open.push(Open { due_ms, horizon, mean, lower, upper, naive });
            self.issued_ms = Some(now);
            self.next_ms = now + HOUR_MS;
        }
        let over = self.open.len().saturating_sub(OPEN_MAX);
        self.open.drain(..over);
    }

    /// Grades what is due; `truth` gives the value of a moment. Whether anything was.
    fn settle(&mut self, now: Timestamp, truth: impl Fn(Timestamp) -> Option<f64>) -> bool {
        let before = self.open.len();
        let (due, rest) = std::mem::take(&mut self.open)
            .into_iter()
            .partition::<Vec<Open>, _>(|o| o.due_ms.saturating_add(LATE_MS) <= now);
        self.open = rest;
        for open in due {
            let Some(value) = truth(open.due_ms).filter(|v| v.is_finite()) else {
                self.missed += 1;
                continue;
            };
            let day = key(open.due_ms.div_euclid(DAY_MS), open.horizon);
            let grades = self.grades.entry(day).or_default();
            grades.n += 1;
            grades.covered += u64::from((open.lower..=open.upper).contains(&value));
            grades.error += (value - open.mean).abs();
            grades.naive += (value - open.naive).abs();
        }
        let oldest = now.div_euclid(DAY_MS) - KEPT_DAYS;
        let day_of = |k: &str| k.split('/').next().and_then(|d| d.parse::<i64>().ok());
        self.grades.retain(|k, _| day_of(k).is_some_and(|d| d > oldest));
        self.open.len() != before
    }

    fn sums(&self, horizon: usize) -> Grades {
        let name = HORIZONS[horizon].0;
        let of = self.grades.iter().filter(|(k, _)| k.rsplit('/').next() == Some(name));
        of.fold(Grades::default(), |a, (_, b)| Grades {
            n: a.n + b.n,
            covered: a.covered + b.covered,
            error: a.error + b.error,
            naive: a.naive + b.naive,
        })
    }

    fn scored(&self, id: &str) -> Scored {
        let one = |(horizon, (_, step, steps)): (usize, &(&str, i64, usize))| {
            let sums = self.sums(horizon);
            let waiting: Vec<&Open> = self.open.iter().filter(|o| o.horizon == horizon).collect();
            let graded = sums.n > 0;
            HorizonScore {
                seconds: step * *steps as i64 / 1_000,
                n: sums.n,
                coverage: graded.then(|| sums.covered as f64 / sums.n as f64),
                error: graded.then(|| error_ratio(&sums)),
                mean_error: graded.then(|| sums.error / sums.n as f64),
                naive_error: graded.then(|| sums.naive / sums.n as f64),
                open: waiting.len() as u64,
                next: waiting.last().map(|o| (o.due_ms, o.mean, o.lower, o.upper)),
            }
        };
        Scored {
            id: id.to_owned(),
            series: self.series.clone(),
            labels: self.labels.clone(),
            query: self.query.clone(),
            model: self.model.clone(),
            issued_ms: self.issued_ms,
            horizons: HORIZONS
                .iter()
                .enumerate()
                .map(one)
                .filter(|h| h.n > 0 || h.open > 0)
                .collect(),
            missed: self.missed,
        }
    }
}

fn accuracy(model: &str, horizon: usize, books: &[&Book]) -> Option<Accuracy> {
    let (name, step, steps) = HORIZONS[horizon];
    let (mut all, mut days, mut ratios) = (Pool::default(), BTreeMap::new(), Vec::new());
    let mut series = 0;
    for book in books {
        let sums = book.sums(horizon);
        series += u64::from(sums.n > 0);
        let unit = Some(sums.naive / sums.n.max(1) as f64).filter(|u| *u > 0.0);
        ratios.extend(unit.map(|_| error_ratio(&sums)));
        all.add(&sums, unit);
        for (key, grades) in &book.grades {
            if let Some((day, of)) = key.split_once('/')
                && of == name
                && let Ok(day) = day.parse::<i64>()
            {
                days.entry(day).or_insert_with(Pool::default).add(grades, unit);
            }
        }
    }
    if all.n == 0 {
        return None;
    }
    let better = ratios.iter().filter(|r| **r < 1.0).count() as f64 / ratios.len().max(1) as f64;
    let day = |(day, pool): (i64, Pool)| AccuracyDay {
        at_ms: day.saturating_mul(DAY_MS),
        n: pool.n,
        coverage: pool.coverage(),
        error: pool.error(),
    };
    Some(Accuracy {
        model: model.to_owned(),
        seconds: step * steps as i64 / 1_000,
        series,
        n: all.n,
        coverage: all.coverage(),
        error: all.error(),
        median: median(&ratios),
        better: (!ratios.is_empty()).then_some(better),
        days: days.into_iter().map(day).collect(),
    })
}

fn error_ratio(sums: &Grades) -> f64 {
    if sums.naive > 0.0 {
        (sums.error / sums.naive).min(ERROR_MAX)
    } else if sums.error > 0.0 {
        ERROR_MAX
    } else {
        0.0
    }
}

impl Ledger {
    /// Grades what is due, forecasts what is, and forgets series that are gone for the time that grades
    /// are kept.
    pub(crate) fn work(&mut self, subjects: &[Subject], probe: &Probe<'_>, now: Timestamp) {
        for subject in subjects {
            let id = super::hashed(&["forecast", &subject.series]);
            if self.books.len() >= BOOKS_MAX && !self.books.contains_key(&id) {
                self.left_out += 1;
                continue;
            }
            let book = self.books.entry(id).or_insert_with(|| Book::new(subject, now));
            book.query.clone_from(&subject.query);
            book.seen_ms = now;
        }
        let old = |b: &Book| now.saturating_sub(b.seen_ms) > KEPT_DAYS * DAY_MS;
        let gone: Vec<String> =
            self.books.iter().filter(|(_, b)| old(b)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.books.remove(&id);
            self.changed.remove(&id);
            self.gone.push(id);
        }
        for (id, book) in &mut self.books {
            let query = book.query.clone();
            if book.settle(now, |at| probe.number(&query, at)) {
                self.changed.insert(id.clone());
            }
        }
        let due = |b: &Book| {
            // Also when the clock was set back.
            b.seen_ms == now && !(1..=HOUR_MS).contains(&(b.next_ms - now))
        };
        let waiting: Vec<String> = self
            .books
            .iter()
            .filter(|(_, b)| due(b))
            .map(|(id, _)| id.clone())
            .take(ISSUED_AT_ONCE)
            .collect();
        for id in waiting {
            if let Some(book) = self.books.get_mut(&id) {
                let query = book.query.clone();
                book.issue(now, ensemble, |grid| on_grid(probe, &query, grid));
                self.changed.insert(id);
            }
        }
    }

    /// The scores to write as series now.
    pub(crate) fn points(&mut self, now: Timestamp) -> Vec<Point> {
        if (0..WRITTEN_EVERY_MS).contains(&(now - self.written_ms)) {
            return Vec::new();
        }
        self.written_ms = now;
        let mut points = Vec::new();
        for book in self.books.values() {
            let pairs = book.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let Ok(labels) = Labels::new(pairs) else { continue };
            for (horizon, (name, ..)) in HORIZONS.into_iter().enumerate() {
                let sums = book.sums(horizon);
                if sums.n < GRADES_MIN {
                    continue;
                }
                let of = labels.with("series", &book.series).with("horizon", name);
                let metric = |m: &str| of.with(METRIC_NAME, m);
                let coverage = sums.covered as f64 / sums.n as f64;
                points.push(Point {
                    labels: metric("plimsoll_forecast_coverage_ratio"),
                    value: coverage,
                });
                let value = error_ratio(&sums);
                points.push(Point { labels: metric("plimsoll_forecast_error_ratio"), value });
            }
        }
        points
    }

    /// Share of all truths within their intervals, by horizon; those with grades.
    pub(crate) fn coverage(&self) -> Vec<(&'static str, f64)> {
        let of = |(horizon, (name, ..)): (usize, &(&'static str, i64, usize))| {
            let (n, covered) = self.books.values().fold((0, 0), |(n, c), b| {
                let sums = b.sums(horizon);
                (n + sums.n, c + sums.covered)
            });
            (n > 0).then(|| (*name, covered as f64 / n as f64))
        };
        HORIZONS.iter().enumerate().filter_map(of).collect()
    }

    /// The scoreboard: by model and horizon, those with grades.
    pub(crate) fn accuracy(&self) -> Vec<Accuracy> {
        let mut models: BTreeMap<(&str, usize), Vec<&Book>> = BTreeMap::new();
        for book in self.books.values() {
            for horizon in 0..HORIZONS.len() {
                models.entry((&book.model, horizon)).or_default().push(book);
            }
        }
        models.into_iter().filter_map(|((model, h), books)| accuracy(model, h, &books)).collect()
    }

    pub(crate) fn scored(&self) -> Vec<Scored> {
        self.books.iter().map(|(id, b)| b.scored(id)).collect()
    }

    pub(crate) fn take_changes(&mut self) -> (Vec<(String, Book)>, Vec<String>) {
        let ids = std::mem::take(&mut self.changed);
        let changed =
            ids.into_iter().filter_map(|id| Some((id.clone(), self.books.get(&id)?.clone())));
        (changed.collect(), std::mem::take(&mut self.gone))
    }

    pub(crate) fn not_written(&mut self, changed: &[(String, Book)], gone: Vec<String>) {
        self.changed.extend(changed.iter().map(|(id, _)| id.clone()));
        self.gone.extend(gone);
    }

    pub(crate) fn restore(&mut self, id: String, book: Book) {
        if self.books.len() < BOOKS_MAX {
            self.books.insert(id, book);
        }
    }
}

/// The values of a query on a grid; NaN where there is none.
pub(crate) fn on_grid(probe: &Probe<'_>, query: &str, grid: Grid) -> Vec<f64> {
    let mut values = vec![f64::NAN; grid.len()];
    let matrix = probe.range(query, grid);
    if let [one] = matrix.as_slice() {
        for (at, value) in one.times.iter().zip(&one.floats) {
            let place = usize::try_from((at - grid.start) / grid.step).unwrap_or(usize::MAX);
            if let Some(cell) = values.get_mut(place) {
                *cell = *value;
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same numbers each time, roughly normal.
    fn noise(at: i64) -> f64 {
        let mut x = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut sum = 0.0;
        for _ in 0..12 {
            x ^= x >> 29;
            x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x ^= x >> 32;
            sum += (x >> 11) as f64 / (1_u64 << 53) as f64;
        }
        sum - 6.0
    }

    fn steady(at: i64) -> f64 {
        10.0 + noise(at / MINUTE_MS)
    }

    /// Knows the truth: mean 10, deviation 1.
    fn honest(_: &[f64], _: usize, _: i64) -> Option<Foreseen> {
        Some(Foreseen { mean: 10.0, lower: 8.04, upper: 11.96 })
    }

    /// Sure of itself, and wrong.
    fn bad(values: &[f64], _: usize, _: i64) -> Option<Foreseen> {
        let mean = values.last()? + 3.0;
        Some(Foreseen { mean, lower: mean - 0.1, upper: mean + 0.1 })
    }

    fn after_days(model: Model, days: i64) -> Book {
        let subject = Subject { series: "s".into(), labels: Vec::new(), query: "q".into() };
        let mut book = Book::new(&subject, 0);
        let start = 1_750_000_000_000;
        for hour in 0..days * 24 {
            let now = start + hour * HOUR_MS;
            book.settle(now, |at| Some(steady(at)));
            book.issue(now, model, |grid| {
                (0..grid.len() as i64).map(|i| steady(grid.start + i * grid.step)).collect()
            });
            assert!(book.open.len() <= OPEN_MAX);
        }
        book
    }

    #[test]
    fn honest_intervals_cover_what_they_say() {
        let scored = after_days(honest, 30).scored("x");
        for h in &scored.horizons {
            let coverage = h.coverage.unwrap();
            assert!((0.93..=0.97).contains(&coverage), "{h:?}");
            // "As it is" errs by the square root of two more.
            assert!((h.error.unwrap() - 0.707).abs() < 0.06, "{h:?}");
        }
        assert_eq!(
            scored.horizons.iter().map(|h| h.seconds).collect::<Vec<_>>(),
            [3_600, 86_400, 604_800]
        );
        assert!(scored.horizons[0].n > 700 && scored.horizons[2].n > 540);
    }

    #[test]
    fn a_bad_model_has_a_bad_score() {
        for h in after_days(bad, 10).scored("x").horizons.iter().filter(|h| h.n > 0) {
            assert!(h.coverage.unwrap() < 0.1, "{h:?}");
            assert!(h.error.unwrap() > 2.0, "{h:?}");
        }
    }

    #[test]
    fn the_ensemble_covers_a_daily_wave() {
        let wave = |at: i64| {
            let day = (at.rem_euclid(DAY_MS)) as f64 / DAY_MS as f64;
            10.0 + 5.0 * (day * std::f64::consts::TAU).sin() + 0.5 * noise(at / MINUTE_MS)
        };
        let subject = Subject { series: "s".into(), labels: Vec::new(), query: "q".into() };
        let mut book = Book::new(&subject, 0);
        for i in 0..24 {
            let now = 1_750_000_000_000 + i * 7 * HOUR_MS;
            book.settle(now, |at| Some(wave(at)));
            book.issue(now, ensemble, |grid| {
                (0..grid.len() as i64).map(|i| wave(grid.start + i * grid.step)).collect()
            });
        }
        let scored = book.scored("x");
        let day = scored.horizons.iter().find(|h| h.seconds == 86_400).unwrap();
        assert!(day.n > 15 && day.coverage.unwrap() >= 0.85, "{day:?}");
    }

    #[test]
    fn the_scoreboard_pools_series_of_any_unit() {
        let mut ledger = Ledger::default();
        let mut large = after_days(honest, 10);
        for grades in large.grades.values_mut() {
            (grades.error, grades.naive) = (grades.error * 1e9, grades.naive * 1e9);
        }
        let flat = Grades { n: 5, covered: 5, ..Grades::default() };
        let mut still = after_days(honest, 1);
        still.grades = [(key(20_260, 0), flat)].into();
        for (id, book) in [("a", large), ("b", after_days(bad, 10)), ("c", still)] {
            ledger.restore(id.to_owned(), book);
        }
        let board = ledger.accuracy();
        assert_eq!(board.iter().map(|a| a.seconds).collect::<Vec<_>>(), [3_600, 86_400, 604_800]);
        let hour = &board[0];
        assert_eq!((hour.model.as_str(), hour.series), ("ensemble", 3));
        // One errs by 0.7, the other by more than 2; neither unit drowns the other.
        assert!((1.3..2.2).contains(&hour.error.unwrap()), "{hour:?}");
        assert!((0.45..0.6).contains(&hour.coverage) && hour.better == Some(0.5), "{hour:?}");
        assert_eq!(hour.n, hour.days.iter().map(|d| d.n).sum::<u64>());
        assert!(hour.days.windows(2).all(|d| d[0].at_ms < d[1].at_ms) && hour.days.len() >= 10);
        assert!(Ledger::default().accuracy().is_empty());
    }

    #[test]
    fn no_truth_is_no_grade_and_old_grades_leave() {
        let mut book = after_days(honest, 2);
        let open = book.open.len() as u64;
        assert!(book.settle(i64::MAX / 2, |_| None));
        assert_eq!((book.missed, book.open.len()), (open, 0));
        assert!(book.grades.is_empty(), "too old");
        let mut nothing =
            Book::new(&Subject { series: "s".into(), labels: vec![], query: "q".into() }, 0);
        for odd in [f64::NAN, f64::INFINITY] {
            nothing.issue(HOUR_MS, ensemble, |grid| vec![odd; grid.len()]);
            nothing.issue(HOUR_MS, ensemble, |_| Vec::new());
        }
        assert!(nothing.open.is_empty());
        let zero = Grades { n: 1, covered: 1, error: 0.0, naive: 0.0 };
        assert_eq!(error_ratio(&zero), 0.0);
        assert_eq!(error_ratio(&Grades { error: 1.0, ..zero }), ERROR_MAX);
    }

    #[test]
    fn a_book_comes_back_as_it_was() {
        let book = after_days(honest, 3);
        let text = serde_json::to_string(&book).unwrap();
        assert!(text.len() < 40_000, "{}", text.len());
        let back: Book = serde_json::from_str(&text).unwrap();
        assert_eq!((back.open.len(), back.grades.len()), (book.open.len(), book.grades.len()));
        let (a, b) = (back.scored("x"), book.scored("x"));
        assert!(
            a.horizons.iter().zip(&b.horizons).all(|(a, b)| (a.n, a.coverage) == (b.n, b.coverage))
        );
    }
}
