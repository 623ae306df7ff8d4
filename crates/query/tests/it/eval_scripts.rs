//! Runs evaluation scripts against the in-memory source: our own, of which every case passes, and
//! Prometheus' where they are at hand, of which at least as many pass per file as
//! `promqltest_scores.txt` says. That file is raised when more pass, never lowered.
//!
//! An instant case without an order is also evaluated as the middle of three steps.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::{
    Grid, Histogram, Labels, MemorySource, ReadCx, SeriesSource, Snapshot, Timestamp,
};
use plimsoll_query::{
    Answer, Engine, EngineConfig, Features, HistogramBucket, Query, QueryError, Value,
    histogram_buckets,
};
use plimsoll_world::Workers;

use crate::script::{Case, Command, Item, Text, parse};

/// A number, or a histogram: its count, its sum and its buckets.
#[derive(Clone, Debug)]
enum Point {
    Float(f64),
    Histogram(f64, f64, Vec<HistogramBucket>),
}

impl Point {
    fn of(h: &Histogram) -> Self {
        Self::Histogram(h.count(), h.sum, histogram_buckets(h))
    }

    fn is_near(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => almost(*a, *b),
            (Self::Histogram(a, b, c), Self::Histogram(x, y, z)) => {
                let bucket = |(p, q): (&HistogramBucket, &HistogramBucket)| {
                    p.ends == q.ends
                        && almost(p.lower, q.lower)
                        && almost(p.upper, q.upper)
                        && almost(p.count, q.count)
                };
                almost(*a, *x)
                    && almost(*b, *y)
                    && c.len() == z.len()
                    && c.iter().zip(z).all(bucket)
            }
            _ => false,
        }
    }
}

type Points = Vec<(Timestamp, Point)>;

/// A case that did not pass and why.
struct Failure {
    line: usize,
    expr: String,
    why: String,
}

struct Runner {
    engine: Engine,
    source: MemorySource,
}

impl Runner {
    fn new() -> Self {
        let config = EngineConfig { features: Features::PROMQLTEST, ..EngineConfig::default() };
        let engine = Engine::new(config, Arc::new(Workers::new(1)));
        Self { engine, source: MemorySource::new() }
    }

    /// How many cases of a script pass, and the others.
    fn run(&mut self, script: &str) -> Result<(usize, Vec<Failure>), String> {
        let (mut passed, mut failures) = (0, Vec::new());
        for command in parse(script)? {
            match command {
                Command::Clear => self.source = MemorySource::new(),
                Command::Load(series) => {
                    for (labels, samples) in series {
                        for s in samples {
                            let h = s.histogram.as_ref();
                            self.source.append_sample(&labels, s.time, s.value, h, s.start);
                        }
                    }
                }
                Command::Eval(case) => match self.check(&case) {
                    Ok(()) => passed += 1,
                    Err(why) => {
                        failures.push(Failure { line: case.line, expr: case.expr, why });
                    }
                },
            }
        }
        Ok((passed, failures))
    }

    fn ask(&self, case: &Case, grid: Grid, step: i64) -> Result<Answer, QueryError> {
        let snapshot: Arc<dyn Snapshot> = self.source.snapshot();
        let query: Query = self.engine.parse(&case.expr)?;
        let cx = ReadCx::unlimited();
        if step == 0 {
            self.engine.instant(&snapshot, &query, grid.start, &cx)
        } else {
            self.engine.range(&snapshot, &query, grid, &cx)
        }
    }

    fn check(&self, case: &Case) -> Result<(), String> {
        let grid = Grid { start: case.start, end: case.end, step: case.step.max(1) };
        let answer = match (self.ask(case, grid, case.step), &case.fail) {
            (Ok(answer), None) => answer,
            (Ok(answer), Some(_)) => return Err(format!("no error but {:?}", answer.value)),
            (Err(e), None) => return Err(e.to_string()),
            (Err(e), Some(text)) => return matches_text(text, &e.to_string()),
        };
        check_notes(case, &answer)?;
        compare(case, &answer.value)?;
        let context = ["start()", "end()", "range()", "step()"];
        let alone = case.ordered
            || case.step > 0
            || case.range_vector.is_some()
            || case.string.is_some()
            || context.iter().any(|c| case.expr.contains(c));
        if alone {
            return Ok(());
        }
        let around = Grid { start: case.start - 60_000, end: case.start + 60_000, step: 60_000 };
        let answer = self.ask(case, around, 60_000).map_err(|e| format!("as a range: {e}"))?;
        compare(case, &middle(answer.value, case)).map_err(|e| format!("as a range: {e}"))
    }
}

/// What a matrix has at the middle of three steps, as an instant query would answer.
fn middle(value: Value, case: &Case) -> Value {
    let Value::Matrix(matrix) = value else { return value };
    let at = |times: &[i64]| times.iter().position(|t| *t == case.start);
    if case.scalar.is_some() {
        let found = matrix.first().and_then(|s| at(&s.times).map(|i| s.floats[i]));
        return Value::Scalar(found.unwrap_or(f64::INFINITY));
    }
    let sample = |s: plimsoll_model::MatrixSeries| {
        let value = at(&s.times).map(|i| s.floats[i]);
        let found = s.histograms.into_iter().find(|(t, _)| *t == case.start);
        let histogram = found.map(|(_, h)| h);
        if value.is_none() && histogram.is_none() {
            return None;
        }
        let value = value.unwrap_or(f64::NAN);
        Some(plimsoll_query::Sample { value, histogram, labels: s.labels })
    };
    Value::Vector(matrix.into_iter().filter_map(sample).collect())
}

fn matches_text(text: &Text, found: &str) -> Result<(), String> {
    let ok = match text {
        Text::Any => true,
        Text::Exactly(t) => t == found || found.split(" (").next() == Some(t.as_str()),
        Text::Matching(t) => regex::Regex::new(t).map_err(|e| e.to_string())?.is_match(found),
    };
    if ok { Ok(()) } else { Err(format!("expected {text:?}, got {found:?}")) }
}

fn check_notes(case: &Case, answer: &Answer) -> Result<(), String> {
    let kinds = [
        (&case.warn, case.no_warn, &answer.warnings, "warning"),
        (&case.info, case.no_info, &answer.infos, "info"),
    ];
    for (wanted, none, found, kind) in kinds {
        if none && !found.is_empty() {
            return Err(format!("no {kind} expected, got {found:?}"));
        }
        let fits = |text: &Text| found.iter().any(|f| matches_text(text, f).is_ok());
        if !wanted.as_ref().is_none_or(fits) {
            return Err(format!("expected the {kind} {wanted:?}, got {found:?}"));
        }
    }
    Ok(())
}

fn compare(case: &Case, value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if case.string.as_ref() == Some(text) => Ok(()),
        Value::Scalar(v) => match case.scalar {
            Some(expected) if almost(expected, *v) => Ok(()),
            expected => Err(format!("expected {expected:?}, got the scalar {v}")),
        },
        Value::Vector(samples) if case.scalar.is_none() && case.string.is_none() => {
            let found: Vec<(Labels, Points)> =
                samples.iter().map(|s| (s.labels.clone(), vec![(case.start, point(s))])).collect();
            compare_series(case, &found)
        }
        Value::Matrix(matrix) => {
            let points = |s: &plimsoll_model::MatrixSeries| {
                let floats = s.floats.iter().map(|v| Point::Float(*v));
                let hists = s.histograms.iter().map(|(t, h)| (*t, Point::of(h)));
                let mut points: Points = s.times.iter().copied().zip(floats).chain(hists).collect();
                points.sort_by_key(|(t, _)| *t);
                points
            };
            let found: Vec<(Labels, Points)> =
                matrix.iter().map(|s| (s.labels.clone(), points(s))).collect();
            if !found.is_sorted_by(|a, b| a.0 <= b.0) {
                return Err("series are not in the order of their labels".to_owned());
            }
            match case.scalar {
                Some(v)
                    if found.len() == 1
                        && found[0].1.iter().all(|p| Point::Float(v).is_near(&p.1)) =>
                {
                    Ok(())
                }
                _ => compare_series(case, &found),
            }
        }
        other => Err(format!("not expected: {other:?}")),
    }
}

fn point(s: &plimsoll_query::Sample) -> Point {
    s.histogram.as_deref().map_or(Point::Float(s.value), Point::of)
}

fn compare_series(case: &Case, found: &[(Labels, Points)]) -> Result<(), String> {
    let (start, step) = case.range_vector.unwrap_or((case.start, case.step));
    let mut expected: HashMap<&Labels, (usize, Points)> = HashMap::new();
    for (i, (labels, items)) in case.series.iter().enumerate() {
        let times = (0..).map(|i| start + i * step);
        let mut points = Points::new();
        for (t, item) in times.zip(items) {
            match item {
                Item::Missing => {}
                Item::Float(v) => points.push((t, Point::Float(*v))),
                Item::Histogram(h) => points.push((t, Point::of(h))),
            }
        }
        if !points.is_empty() || step == 0 {
            expected.insert(labels, (i, points));
        }
    }
    for (i, (labels, points)) in found.iter().enumerate() {
        let Some((at, wanted)) = expected.remove(labels) else {
            return Err(format!("not expected: {labels} {points:?}"));
        };
        if case.ordered && at != i {
            return Err(format!("{labels} stands at {i}, expected at {at}"));
        }
        let same = wanted.len() == points.len()
            && wanted.iter().zip(points).all(|(w, p)| w.0 == p.0 && w.1.is_near(&p.1));
        if !same {
            return Err(format!("{labels}: expected {wanted:?}, got {points:?}"));
        }
    }
    match expected.keys().next() {
        None => Ok(()),
        Some(labels) => Err(format!("{labels} is missing")),
    }
}

/// Equal up to a relative error of 1e-6; NaN equals NaN.
fn almost(a: f64, b: f64) -> bool {
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < 1e-6 * f64::MIN_POSITIVE;
    }
    sum.is_finite() && diff / sum < 1e-6
        || sum == f64::INFINITY && a.is_finite() && b.is_finite() && diff / f64::MAX < 1e-6
}

fn scripts(folder: &Path) -> Option<BTreeMap<String, String>> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let scripts = entries.filter(|path| path.extension().is_some_and(|end| end == "test"));
    let read = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, std::fs::read_to_string(path).ok()?))
    };
    Some(scripts.filter_map(read).collect())
}

#[test]
fn our_scripts_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let scripts = scripts(&folder).expect("the scripts of this crate");
    assert!(!scripts.is_empty());
    for (name, script) in scripts {
        let (_, failures) = Runner::new().run(&script).expect("the script is well formed");
        for f in &failures {
            println!("{name}:{}: {}: {}", f.line, f.expr, f.why);
        }
        assert!(failures.is_empty(), "{} cases of {name} fail", failures.len());
    }
}

#[test]
fn prometheus_scripts_pass_as_far_as_noted() {
    let shared = PathBuf::from(std::env::var_os("PLIMSOLL_SHARED").unwrap_or_default());
    let Some(scripts) = scripts(&shared.join("promqltest")) else {
        println!("skipped: no folder promqltest below {}", shared.display());
        return;
    };
    let noted: HashMap<&str, usize> = include_str!("promqltest_scores.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, n)| (name, n.trim().parse().expect("a count")))
        .collect();
    let mut fell = Vec::new();
    let (mut all, mut sum) = (0, 0);
    for (name, script) in &scripts {
        let (passed, failures) = Runner::new().run(script).expect("the script is well formed");
        all += passed + failures.len();
        sum += passed;
        println!("{name} {passed} of {}", passed + failures.len());
        for f in &failures {
            println!("  {name}:{}: {}: {}", f.line, f.expr, f.why);
        }
        if passed < noted.get(name.as_str()).copied().unwrap_or(0) {
            fell.push(name);
        }
    }
    println!("all {sum} of {all}");
    assert!(fell.is_empty(), "fewer cases pass than noted in {fell:?}");
}
