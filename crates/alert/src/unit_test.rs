//! Unit tests of rules, in the format and with the messages of `promtool test rules`.
//!
//! Each test has series of its own, which arrive as time goes on from `start_timestamp` (0): at each
//! multiple of `evaluation_interval` all groups are evaluated with the functions that run live, over
//! the samples up to then. The alerts that fire are compared with `alert_rule_test` at the evaluation at
//! or before their time; `promql_expr_test` is asked at the end. Where promtool differs: NaN equals NaN.
//! Reading files is the caller's part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_model::{
    Labels, MemorySource, ReadCx, SeriesSource, Snapshot, Timestamp, is_stale, stale_nan,
};
use plimsoll_query::{
    Engine, EngineConfig, Features, QueryError, SeriesValue, Value, format_duration, histogram_text,
};
use plimsoll_world::Workers;

use crate::evaluate::{Scene, evaluate};
use crate::rules::{Group, Rule};
use crate::state::{AlertState, RuleState};
use crate::template::Surroundings;

mod file;
mod text;

pub use file::{fuzz_unit_tests, read_unit_tests};

use text::{Told, go_duration, indented, quoted, sample_text, told_text};

/// A file of tests.
#[derive(Clone, Debug)]
pub struct UnitTests {
    /// Patterns of rule files, relative to the file.
    pub rule_files: Vec<String>,
    /// Time between evaluations, ms.
    pub interval_ms: i64,
    /// The tests.
    pub tests: Vec<UnitTest>,
    /// Names of groups in the order of their evaluation.
    order: Vec<String>,
    /// Whether neighbouring numbers are equal.
    fuzzy: bool,
}

/// One test.
#[derive(Clone, Debug)]
pub struct UnitTest {
    /// Its name; may be empty.
    pub name: String,
    interval_ms: i64,
    series: Vec<(Labels, Vec<SeriesValue>)>,
    alerts: Vec<AlertCase>,
    exprs: Vec<ExprCase>,
    surroundings: Surroundings,
    start_ms: Timestamp,
}

#[derive(Clone, Debug)]
struct AlertCase {
    at_ms: i64,
    name: String,
    /// Labels and annotations of alerts that fire.
    expected: Vec<Told>,
}

#[derive(Clone, Debug)]
struct ExprCase {
    at_ms: i64,
    expr: String,
    expected: Vec<Expected>,
}

/// A sample: a number, or a histogram as text.
#[derive(Clone, Debug)]
struct Expected {
    labels: Labels,
    value: f64,
    histogram: Option<String>,
}

impl UnitTest {
    /// What is asked of it: the names of alerts, and whether some must fire.
    pub fn looks_at(&self) -> impl Iterator<Item = (&str, bool)> {
        self.alerts.iter().map(|case| (case.name.as_str(), !case.expected.is_empty()))
    }

    /// The names of the metrics that it has series of.
    pub fn metrics(&self) -> BTreeSet<String> {
        self.series.iter().map(|(labels, _)| labels.metric().to_owned()).collect()
    }
}

impl UnitTests {
    /// Runs the tests that `wanted` wants by their names; what failed, in promtool's words. `groups`
    /// are those of the rule files.
    pub fn run(
        &self,
        groups: &[Group],
        features: Features,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let place = |g: &&Group| self.order.iter().position(|n| *n == g.name).unwrap_or(0);
        let mut groups: Vec<&Group> = groups.iter().collect();
        groups.sort_by_key(place);
        let config = EngineConfig {
            features,
            default_subquery_step_ms: self.interval_ms,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config, Arc::new(Workers::new(1)));
        let chosen = self.tests.iter().filter(|t| wanted(&t.name));
        chosen.flat_map(|test| self.one(test, &groups, &engine)).collect()
    }

    fn one(&self, test: &UnitTest, groups: &[&Group], engine: &Engine) -> Vec<String> {
        let mut stage = Stage::new(test, engine);
        let mut rules: Vec<(&Group, &Rule, RuleState)> = groups
            .iter()
            .flat_map(|g| g.rules.iter().map(|r| (*g, r, RuleState::default())))
            .collect();
        let mut times: Vec<i64> = test.alerts.iter().map(|a| a.at_ms).collect();
        times.sort_unstable();
        times.dedup();
        let ends = test.exprs.iter().map(|e| e.at_ms).chain(times.iter().copied());
        let end = ends.max().unwrap_or(0);
        let mut due = times.into_iter().peekable();
        let mut failures = Vec::new();
        let mut since = 0;
        while since <= end {
            let now = test.start_ms + since;
            stage.load(now);
            let mut failed = Vec::new();
            for (group, rule, state) in &mut rules {
                if let Err(why) = stage.evaluate(group, rule, state, now) {
                    let time = go_duration(now);
                    failed.push(format!("    rule: {}, time: {time}, err: {why}", rule.name));
                }
            }
            if !failed.is_empty() {
                failures.extend(failed);
                return failures;
            }
            while due.peek().is_some_and(|t| *t < since + self.interval_ms) {
                let at = due.next().unwrap_or_default();
                for case in test.alerts.iter().filter(|c| c.at_ms == at) {
                    failures.extend(check(test, case, &rules));
                }
            }
            since += self.interval_ms;
        }
        failures.extend(test.exprs.iter().filter_map(|case| stage.ask(case, self.fuzzy).err()));
        failures
    }
}

/// Compares the alerts that fire with those that should.
fn check(
    test: &UnitTest,
    case: &AlertCase,
    rules: &[(&Group, &Rule, RuleState)],
) -> Option<String> {
    let named = rules.iter().filter(|(_, r, _)| r.is_alert() && r.name == case.name);
    let active = named.flat_map(|(.., state)| state.active.values());
    let firing = active.filter(|a| a.state == AlertState::Firing);
    let mut got: Vec<Told> = firing.map(|a| (a.labels.clone(), a.annotations.clone())).collect();
    got.sort();
    let mut expected = case.expected.clone();
    expected.sort();
    if got == expected {
        return None;
    }
    let name = match test.name.as_str() {
        "" => String::new(),
        name => format!("    name: {name},\n"),
    };
    let twelve = " ".repeat(12);
    Some(format!(
        "{name}    alertname: {}, time: {}, \n        exp:{}, \n        got:{}",
        case.name,
        format_duration(case.at_ms),
        indented(&told_text(&expected), &twelve),
        indented(&told_text(&got), &twelve),
    ))
}

/// The series of a test while they arrive.
struct Stage<'t> {
    test: &'t UnitTest,
    engine: &'t Engine,
    memory: MemorySource,
    /// Values of each series that have arrived.
    arrived: Vec<usize>,
}

impl<'t> Stage<'t> {
    fn new(test: &'t UnitTest, engine: &'t Engine) -> Self {
        let arrived = vec![0; test.series.len()];
        Self { test, engine, memory: MemorySource::new(), arrived }
    }

    /// Lets arrive what is of `now` or before.
    fn load(&mut self, now: Timestamp) {
        for ((labels, values), arrived) in self.test.series.iter().zip(&mut self.arrived) {
            while let Some(value) = values.get(*arrived) {
                let time = self.test.start_ms + *arrived as i64 * self.test.interval_ms;
                if time > now {
                    break;
                }
                match value {
                    SeriesValue::Missing => {}
                    SeriesValue::Float(v) => {
                        self.memory.append(labels, time, *v);
                    }
                    SeriesValue::Histogram(h) => {
                        self.memory.append_sample(labels, time, stale_nan(), Some(h), 0);
                    }
                }
                *arrived += 1;
            }
        }
    }

    fn evaluate(
        &self,
        group: &Group,
        rule: &Rule,
        state: &mut RuleState,
        now: Timestamp,
    ) -> Result<(), String> {
        let view: Arc<dyn Snapshot> = self.memory.snapshot();
        let cx = ReadCx::with_budget(self.engine.budget());
        let scene = Scene {
            engine: self.engine,
            view: &view,
            at: group.evaluation_time(now),
            surroundings: &self.test.surroundings,
            cx: &cx,
        };
        let done = evaluate(rule, group.limit, state, &scene).map_err(|e| e.to_string())?;
        // A snapshot that lives would make each sample a copy of everything.
        drop(view);
        for s in done.samples {
            self.memory.append_sample(&s.labels, s.time, s.value, s.histogram.as_deref(), 0);
        }
        Ok(())
    }

    fn ask(&self, case: &ExprCase, fuzzy: bool) -> Result<(), String> {
        let head =
            format!("    expr: {}, time: {},", quoted(&case.expr), format_duration(case.at_ms));
        let mut got = self.samples(case).map_err(|e| format!("{head} err: {e}"))?;
        got.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut expected = case.expected.clone();
        expected.sort_by(|a, b| a.labels.cmp(&b.labels));
        let equal = |(a, b): (&Expected, &Expected)| {
            a.labels == b.labels
                && a.histogram == b.histogram
                && (a.histogram.is_some() || same(a.value, b.value, fuzzy))
        };
        if got.len() == expected.len() && expected.iter().zip(&got).all(equal) {
            return Ok(());
        }
        let (expected, got) = (sample_text(&expected), sample_text(&got));
        Err(format!("{head}\n        exp: {expected}\n        got: {got}"))
    }

    fn samples(&self, case: &ExprCase) -> Result<Vec<Expected>, String> {
        let query = self.engine.parse(&case.expr).map_err(|e| e.to_string())?;
        let (view, cx) = (self.memory.snapshot(), ReadCx::with_budget(self.engine.budget()));
        let at = self.test.start_ms + case.at_ms;
        let answer = self.engine.instant(&view, &query, at, &cx);
        match answer.map_err(|e: QueryError| e.to_string())?.value {
            Value::Vector(samples) => Ok(samples
                .into_iter()
                .map(|s| Expected {
                    histogram: s.histogram.as_deref().map(histogram_text),
                    labels: s.labels,
                    value: s.value,
                })
                .collect()),
            Value::Scalar(value) => {
                Ok(vec![Expected { labels: Labels::empty(), value, histogram: None }])
            }
            _ => Err("rule result is not a vector or scalar".to_owned()),
        }
    }
}

/// Equal, NaN included; with `fuzzy` also neighbours.
fn same(a: f64, b: f64, fuzzy: bool) -> bool {
    a == b
        || (a.is_nan() && b.is_nan() && is_stale(a) == is_stale(b))
        || (fuzzy && (a.next_up() == b || a.next_down() == b))
}

/// Names that stand more than once.
fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|n| !seen.insert(*n))
}

/// Labels or annotations.
type Pairs = BTreeMap<String, String>;
