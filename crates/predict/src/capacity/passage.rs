//! When a limit is first reached, as a distribution over paths.
//!
//! Each model of [`super::model`], on the series and on its logarithm, is back-tested on the series' own past: how far
//! was the middle of its greatest values within a while from the truth? The weights of the models fall with the cube of
//! that error; their paths together are the distribution of the time to the limit. The same tests tell by how much the
//! room to the limit has to be spread so that nine in ten truths would have lain between the ends.
//!
//! Limits: [`PATHS`] paths per model, [`ORIGINS`] back-tests.

use super::grid::Grid;
use super::model::{KINDS, Kind, Model, Past, season};
use super::{DAY_MS, Limit, Method, Outlook, Passage};
use plimsoll_analyze::{calendar_periods, find_periods, median, normal_quantile};

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
/// Weight of a model: (least error / own error) to this power.
const POWER: i32 = 3;
/// A model with less than this share of the best one's weight is left out: it would only make the ends wider.
const KEPT_MIN: f64 = 0.25;
/// Spreads of the room that are tried, as deviations of its logarithm.
const SPREADS: [f64; 9] = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7];
/// Without back-tests.
const SPREAD_UNTESTED: f64 = 0.3;
/// Share of back-tests that shall lie between the ends.
const INSIDE: f64 = 0.94;
/// The ends, as shares of the paths.
const END: f64 = 0.05;

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
    let tests = tests(&models, &plain, limit);
    let weights = weights(models.len(), &tests);
    let deviations = deviations();
    let spread = spread(&weights, &tests, &deviations);
    let to_days = grid.step_ms as f64 / DAY_MS as f64;
    let mut samples: Vec<(f64, f64)> = Vec::with_capacity(PATHS * models.len());
    for (way, weight) in models.iter().zip(&weights).filter(|(_, weight)| **weight > 1e-4) {
        let of = |value| way.scale.of(value);
        let days = |j: usize| {
            let limit = now + (limit.value - now) * (spread * deviations[j]).exp();
            way.model.passage(j, of(now), of(limit)) * to_days
        };
        samples.extend((0..PATHS).map(|j| (days(j), weight / PATHS as f64)));
    }
    let passage = Passage::of(samples, limit.horizon_ms)?;
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

/// What the models said at an earlier time of the greatest value within a while, and what came. All as rises above
/// the value at that time.
struct Test {
    /// Per model the rises of its paths; empty when it could not speak.
    rises: Vec<Vec<f64>>,
    came: f64,
    weight: f64,
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

/// Shares of the models, by their errors. Who could not speak in a test has the worst error of it.
fn weights(count: usize, tests: &[Test]) -> Vec<f64> {
    let mut errors = vec![0.0; count];
    for test in tests {
        let missed: Vec<Option<f64>> =
            test.rises.iter().map(|r| Some((median(r)? - test.came).abs())).collect();
        let worst = missed.iter().flatten().copied().fold(0.0, f64::max);
        for (sum, error) in errors.iter_mut().zip(&missed) {
            *sum += test.weight * error.unwrap_or(worst);
        }
    }
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let weight = |error: &f64| if *error <= least { 1.0 } else { (least / error).powi(POWER) };
    let kept = |w: f64| if w >= KEPT_MIN { w } else { 0.0 };
    let all: Vec<f64> = errors.iter().map(|error| kept(weight(error))).collect();
    let sum: f64 = all.iter().sum();
    all.iter().map(|w| w / sum).collect()
}

/// The least spread of the room with which enough of what came lies between the ends.
fn spread(weights: &[f64], tests: &[Test], deviations: &[f64]) -> f64 {
    if tests.is_empty() {
        return SPREAD_UNTESTED;
    }
    let inside = |spread: f64| {
        let factors: Vec<f64> = deviations.iter().map(|z| (-spread * z).exp()).collect();
        let holds = |test: &&Test| {
            let (mut below, mut above, mut all) = (0.0, 0.0, 0.0);
            for (rises, weight) in test.rises.iter().zip(weights) {
                let each = weight / rises.len().max(1) as f64;
                for (rise, factor) in rises.iter().zip(&factors) {
                    let rise = rise * factor;
                    all += each;
                    below += if rise < test.came { each } else { 0.0 };
                    above += if rise > test.came { each } else { 0.0 };
                }
            }
            below <= (1.0 - END) * all && above <= (1.0 - END) * all
        };
        tests.iter().filter(holds).count() as f64 / tests.len() as f64
    };
    let fits = |spread: &&f64| inside(**spread) >= INSIDE;
    SPREADS.iter().find(fits).copied().unwrap_or(SPREADS[SPREADS.len() - 1])
}
