//! The engine against a slow, obvious evaluator, on random expressions over random data.
//!
//! A failure prints its seed; [`one`] runs a single one.

mod plain;
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::{Grid, Labels, MemorySource, ReadCx, SeriesSource};
use plimsoll_query::{Engine, EngineConfig, Features, Times, Value};
use plimsoll_world::{SimClock, Workers};

use plain::{Now, Plain, Tags};
use random::Dice;

/// Expressions that share their data.
const PER_DATA: u64 = 25;

/// Values of a series by time.
type Answer = BTreeMap<Tags, BTreeMap<i64, f64>>;

fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

fn tags_of(labels: &Labels) -> Tags {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn engine() -> Engine {
    let features = Features { experimental_functions: true, ..Features::default() };
    let config = EngineConfig { features, ..EngineConfig::default() };
    Engine::new(config, Arc::new(Workers::new(1)))
}

fn fast(engine: &Engine, source: &MemorySource, text: &str, grid: Grid) -> Result<Answer, String> {
    let query = engine.parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let (cx, clock, snapshot) = (ReadCx::unlimited(), SimClock::at(0), source.snapshot());
    let answer = engine.range(&snapshot, &query, grid, &cx).map_err(|e| e.to_string())?;
    // An explanation changes nothing but says where series came from.
    let told = engine.explain(&snapshot, &query, Times::Over(grid), &cx, &clock);
    let told = told.map_err(|e| e.to_string())?;
    assert_eq!(format!("{:?}", told.answer.value), format!("{:?}", answer.value), "{text}");
    assert_eq!(cx.budget.held(), 0, "{text}");
    let Value::Matrix(matrix) = answer.value else { panic!("{text}: no matrix") };
    let series = |s: plimsoll_model::MatrixSeries| {
        (tags_of(&s.labels), s.times.into_iter().zip(s.floats).collect())
    };
    Ok(matrix.into_iter().map(series).collect())
}

fn slow(plain: &Plain<'_>, text: &str, engine: &Engine, grid: Grid) -> Result<Answer, String> {
    let query = engine.parse(text).map_err(|e| e.to_string())?;
    let mut all = Answer::new();
    for i in 0..grid.len() {
        let t = grid.at(i);
        let now = match plain.at(query.expr(), t)? {
            Now::Vector(elements) => elements,
            Now::Scalar(v) => vec![(Tags::new(), v)],
            Now::Text(_) => panic!("{text}: a string"),
        };
        for (tags, v) in now {
            let before = all.entry(tags).or_default().insert(t, v);
            if before.is_some() {
                return Err("same labelset".to_owned());
            }
        }
    }
    Ok(all)
}

/// Values at each time without their labels.
fn values(answer: &Answer) -> BTreeMap<i64, Vec<f64>> {
    let mut all: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (t, v) in answer.values().flatten() {
        all.entry(*t).or_default().push(*v);
    }
    all.values_mut().for_each(|v| {
        v.sort_by(|a, b| a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(b)));
    });
    all
}

fn differ(fast: &Answer, slow: &Answer, by_value: bool) -> Option<String> {
    if by_value {
        let (a, b) = (values(fast), values(slow));
        let same = a.len() == b.len()
            && a.iter().zip(&b).all(|((t, a), (u, b))| {
                t == u && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
            });
        return (!same).then(|| format!("{a:?}\n{b:?}"));
    }
    for (tags, wanted) in slow {
        let Some(found) = fast.get(tags) else { return Some(format!("{tags:?} is missing")) };
        for (t, v) in wanted {
            match found.get(t) {
                Some(f) if near(*f, *v) => {}
                f => return Some(format!("{tags:?} at {t}: {f:?}, plainly {v}")),
            }
        }
        if let Some(t) = found.keys().find(|t| !wanted.contains_key(t)) {
            return Some(format!("{tags:?} at {t}: {}, plainly nothing", found[t]));
        }
    }
    fast.keys().find(|tags| !slow.contains_key(*tags)).map(|tags| format!("{tags:?} is too much"))
}

/// All expressions of one seed; the number of evaluations, and what differs first.
fn one(engine: &Engine, seed: u64) -> (u64, Option<String>) {
    let mut dice = Dice::new(seed);
    let data = random::data(&mut dice);
    let source = MemorySource::new();
    for (tags, samples) in &data {
        let labels =
            Labels::new(tags.iter().map(|(n, v)| (&**n, &**v))).expect("it works in tests");
        samples.iter().for_each(|(t, v)| {
            source.append(&labels, *t, *v);
        });
    }
    let mut evaluations = 0;
    for _ in 0..PER_DATA {
        let by_value = dice.below(15) == 0;
        let text = if by_value { random::chosen(&mut dice) } else { random::vector(&mut dice, 3) };
        let start = 300_000 + dice.below(900_000) as i64;
        let step = dice.of(&[15_000, 60_000, 47_000, 300_000]);
        let grid = Grid { start, end: start + step * dice.below(14) as i64, step };
        let plain = Plain { data: &data, start: grid.start, end: grid.end };
        evaluations += grid.len() as u64;
        let why = match (fast(engine, &source, &text, grid), slow(&plain, &text, engine, grid)) {
            (Ok(a), Ok(b)) => differ(&a, &b, by_value),
            (Err(_), Err(_)) => None,
            (Ok(_), Err(e)) => Some(format!("an answer, plainly an error: {e}")),
            // A subquery is evaluated over the whole grid at once, also between its windows.
            (Err(_), Ok(_)) if text.contains(':') => None,
            (Err(e), Ok(_)) => Some(format!("an error: {e}; plainly an answer")),
        };
        if let Some(why) = why {
            return (evaluations, Some(format!("seed {seed}, {grid:?}: {text}\n{why}")));
        }
    }
    (evaluations, None)
}

#[test]
fn the_engine_and_the_plain_evaluator_agree() {
    let wanted = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 1_000_000 } else { 20_000 };
    let (engine, mut done, mut differences) = (engine(), 0, Vec::new());
    for seed in 0.. {
        if done >= wanted || differences.len() >= 5 {
            break;
        }
        let (evaluations, differs) = one(&engine, seed);
        done += evaluations;
        differences.extend(differs);
    }
    assert!(differences.is_empty(), "in {done} evaluations:\n{}", differences.join("\n\n"));
}
