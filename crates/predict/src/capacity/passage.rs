//! When a limit is first reached, as a distribution over paths.
//!
//! Each model of [`super::model`], on the series and on its logarithm, is back-tested on the series' own past: how far
//! was the middle of its greatest values within a while from the truth? The weights of the models fall with the square of
//! that error; their paths together are the distribution of the time to the limit. The same tests tell by how much the
//! room to the limit has to be spread and how wide the distribution has to be so that nine in ten truths would have
//! lain between the ends (see [`super::score`]).
//!
//! Limits: [`PATHS`] paths per model, [`ORIGINS`] back-tests.

use super::grid::Grid;
use super::model::{KINDS, Kind, Model, Past, season};
use super::score::{Score, Test};
use super::{DAY_MS, Limit, Method, Outlook, Passage};
use plimsoll_analyze::{calendar_periods, find_periods, normal_quantile};

/// Past that is looked at, at least, ms; and at least so many horizons of it.
const BACK_MS: i64 = 28 * DAY_MS;
const BACK_HORIZONS: i64 = 4;
/// Paths per model.
const PATHS: usize = 96;
/// Paths per model in a back-test.
const TEST_PATHS: usize = 24;
/// Back-tests at most.
const ORIGINS: usize = 6;
/// Fewest cells.
const CELLS_MIN: usize = 48;
/// Weight of a back-test beside that of the next later one.
const OLDER: f64 = 0.7;

/// `None` when the past is too short or too full of gaps.
pub(super) fn outlook(times: &[i64], values: &[f64], limit: Limit) -> Option<Outlook> {
    let back = (BACK_HORIZONS.saturating_mul(limit.horizon_ms)).max(BACK_MS);
    let from = times.partition_point(|&t| t < times[times.len() - 1].saturating_sub(back));
    let (times, values) = (&times[from..], &values[from..]);
    let grid = Grid::of(times, values)?;
    let n = grid.len();
    if n < CELLS_MIN {
        return None;
    }
    let now = *values.last()?;
    let period = season(&grid, &find_periods(&grid.mean, &calendar_periods(grid.step_ms)));
    let logarithm = if now > 0.0 { grid.logarithm() } else { None };
    let plain = Past::of(&grid, period);
    let bent = logarithm.as_ref().map(|grid| Past::of(grid, period));
    let mut models = Models::of(&plain, Scale::Plain, n);
    if let Some(bent) = &bent {
        models.extend(Models::of(bent, Scale::Logarithm, n));
    }
    let deviations = deviations();
    let score = Score::of(models.len(), &tests(&models, &plain, limit), &deviations);
    let to_days = grid.step_ms as f64 / DAY_MS as f64;
    let mut samples: Vec<(f64, f64)> = Vec::with_capacity(PATHS * models.len());
    for (way, weight) in models.iter().zip(&score.weights).filter(|(_, weight)| **weight > 1e-4) {
        let of = |value| way.scale.of(value);
        let days = |j: usize| {
            let limit = now + (limit.value - now) * (score.spread * deviations[j]).exp();
            way.model.passage(j, of(now), of(limit)) * to_days
        };
        samples.extend((0..PATHS).map(|j| (days(j), weight / PATHS as f64)));
    }
    let passage = Passage::of(samples, limit.horizon_ms, score.width)?;
    let line = models.iter().find(|way| way.kind == Kind::Line);
    Some(Outlook {
        state: passage.state(limit.horizon_ms),
        passage,
        method: Method::Paths,
        per_day: line.map_or(0.0, |line| line.model.sure_slope / to_days),
        since_ms: times[0],
    })
}

/// On what scale a model sees the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Plain,
    Logarithm,
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Scale::Plain => value,
            Scale::Logarithm => value.ln(),
        }
    }

    fn back(self, value: f64) -> f64 {
        match self {
            Scale::Plain => value,
            Scale::Logarithm => value.exp(),
        }
    }
}

/// A model on a scale.
struct Way<'a> {
    kind: Kind,
    scale: Scale,
    past: &'a Past<'a>,
    model: Model<'a>,
}

struct Models;

impl Models {
    fn of<'a>(past: &'a Past<'a>, scale: Scale, end: usize) -> Vec<Way<'a>> {
        let way =
            |&kind: &Kind| Some(Way { kind, scale, past, model: Model::of(kind, past, end)? });
        KINDS.iter().filter_map(way).collect()
    }
}

/// Where each path lies in the spread of the room, in deviations.
fn deviations() -> Vec<f64> {
    const SILVER: f64 = 0.569_840_290_998_053_3;
    let share = |j: usize| ((j as f64 + 0.5) * SILVER).fract().clamp(0.01, 0.99);
    (0..PATHS).map(|j| normal_quantile(share(j))).collect()
}

fn tests(models: &[Way<'_>], plain: &Past<'_>, limit: Limit) -> Vec<Test> {
    let n = plain.grid.len();
    let ahead = (n / 8).min(plain.grid.cells(limit.horizon_ms)).max(4);
    let marks: Vec<usize> = vec![ahead / 4, ahead / 2, ahead];
    let mut all = Vec::new();
    for back in 1..=ORIGINS {
        let Some(end) = n.checked_sub(back * ahead).filter(|&end| end >= CELLS_MIN.max(n / 3))
        else {
            break;
        };
        let now = plain.grid.mean[end - 1];
        let tops: Vec<Vec<Vec<f64>>> = models
            .iter()
            .map(|way| {
                let Some(model) = Model::of(way.kind, way.past, end) else { return Vec::new() };
                (0..TEST_PATHS).map(|j| model.tops(j, &marks)).collect()
            })
            .collect();
        for (at, &mark) in marks.iter().enumerate() {
            let rise = |way: &Way<'_>, tops: &Vec<f64>| Some(way.scale.back(*tops.get(at)?) - now);
            let of = |(way, tops): (&Way<'_>, &Vec<Vec<f64>>)| {
                tops.iter().filter_map(|tops| rise(way, tops)).collect()
            };
            all.push(Test {
                rises: models.iter().zip(&tops).map(of).collect(),
                came: plain.peaks.most(end, mark) - now,
                weight: OLDER.powi(back as i32 - 1),
            });
        }
    }
    all
}
