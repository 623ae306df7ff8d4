//! Replay by columns: range queries over windows, and the life cycle over runs of steps.
//!
//! A *run* is a stretch of steps at which an alert's condition holds. Of the sights in a run only the
//! first, the one at which `for` is over, and the last are told to the cycle: the others change nothing
//! (see [`crate::cycle`]). A query that fails is asked again for halves of its times, down to single
//! evaluations, each of which fails by itself as it would live.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use plimsoll_model::{Grid, Labels, METRIC_NAME, Matrix, MatrixSeries, Snapshot, Timestamp};
use plimsoll_query::{Query, QueryError, Value};

use super::curve::{Curve, FORS_MAX, Making, THRESHOLDS_MAX};
use super::ledger::{Ledger, Open};
use super::outputs::{Outputs, with_markers};
use super::plan::Plan;
use super::{
    BacktestError, Give, KEYS_MAX, LabelMap, Replay, RuleBacktest, grid_of, stopped, told,
};
use crate::cycle::{Cycle, Holds};
use crate::evaluate::{Sample, Scene, alert_labels};
use crate::rules::kinds::only;
use crate::rules::{Comparison, Condition, Group, Rule, RuleKind};
use crate::state::{AlertState, map_of};
use crate::template::{Reached, Values};

/// Steps of the first window.
const WINDOW_FIRST: i64 = 64;
/// Steps of a window at most; the engine takes 11,001.
const WINDOW_MAX: i64 = 10_000;
/// Samples that a query of a window should read about.
const WINDOW_SAMPLES: f64 = 8e6;
/// Times at which values are looked at to choose thresholds from.
const LOOKS: i64 = 24;

/// Steps at which a condition holds, in a row; `pos` is where their values begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: usize,
    pub last: usize,
    pub pos: usize,
}

/// Evaluation times of a window.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub start: Timestamp,
    pub step: i64,
    pub len: usize,
}

impl Times {
    const fn at(self, i: usize) -> Timestamp {
        self.start + self.step * i as i64
    }
}

/// What happens to an alert in a window.
pub enum Step {
    /// Its condition held.
    Seen(Run),
    /// It began to fire: when, and where its value is.
    Fired { at: Timestamp, pos: usize },
    /// It is over, since when.
    Over(Cycle, Timestamp),
}

/// Moves an alert through a window.
pub fn walk(
    cycle: &mut Option<Cycle>,
    times: Times,
    runs: &[Run],
    (for_ms, keep_ms): (i64, i64),
    on: &mut impl FnMut(Step),
) {
    let holds = |i: usize| Holds { at: times.at(i), for_ms, keep_ms };
    let miss = |cycle: &mut Option<Cycle>, from: usize, to: usize, on: &mut dyn FnMut(Step)| {
        let Some(alive) = cycle else { return };
        for i in from..to {
            alive.missed(holds(i));
            if alive.is_over() {
                on(Step::Over(*alive, times.at(i)));
                *cycle = None;
                return;
            }
        }
    };
    let mut next = 0;
    for run in runs {
        miss(cycle, next, run.first, on);
        next = run.last + 1;
        let was = cycle.as_ref().map(|c| c.state);
        let alive = match cycle {
            Some(alive) => {
                alive.seen(holds(run.first));
                alive
            }
            None => cycle.insert(Cycle::begin(holds(run.first))),
        };
        let mut fired = (was != Some(AlertState::Firing) && alive.state == AlertState::Firing)
            .then_some(run.first);
        if alive.state == AlertState::Pending {
            let wait = (alive.active_at + for_ms - times.start).max(0);
            let due = usize::try_from((wait + times.step - 1) / times.step).unwrap_or(usize::MAX);
            if due <= run.last {
                let i = due.max(run.first);
                alive.seen(holds(i));
                fired = (alive.state == AlertState::Firing).then_some(i);
            }
        }
        on(Step::Seen(*run));
        if let Some(i) = fired {
            on(Step::Fired { at: times.at(i), pos: run.pos + (i - run.first) });
        }
    }
    miss(cycle, next, times.len, on);
}

/// What one alert was present with: values, and the steps that they are of.
#[derive(Default)]
struct Column {
    /// The step of the first value, where the values are of steps in a row.
    first: usize,
    /// The steps otherwise.
    at: Vec<u32>,
    values: Vec<f64>,
}

impl Column {
    fn of(series: MatrixSeries, grid: Grid) -> Self {
        let index = |t: Timestamp| ((t - grid.start) / grid.step) as u32;
        let MatrixSeries { times, floats, histograms, .. } = series;
        if !histograms.is_empty() {
            // An alert over a histogram has the value 0.
            let mut all: Vec<(u32, f64)> =
                times.iter().map(|t| index(*t)).zip(floats.iter().copied()).collect();
            all.extend(histograms.iter().map(|(t, _)| (index(*t), 0.0)));
            all.sort_by_key(|p| p.0);
            let (at, values) = all.into_iter().unzip();
            return Self { first: 0, at, values };
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Self::default();
        };
        let in_a_row = (last - first) / grid.step == times.len() as i64 - 1;
        let at = if in_a_row { Vec::new() } else { times.iter().map(|t| index(*t)).collect() };
        Self { first: index(*first) as usize, at, values: floats }
    }

    fn step_of(&self, pos: usize) -> usize {
        if self.at.is_empty() { self.first + pos } else { self.at[pos] as usize }
    }

    /// Puts another column between; `false` when both have a value at one step.
    fn merge(&mut self, other: &Self) -> bool {
        let all = |c: &Self| -> Vec<(u32, f64)> {
            (0..c.values.len()).map(|i| (c.step_of(i) as u32, c.values[i])).collect()
        };
        let mut both = [all(self), all(other)].concat();
        both.sort_by_key(|p| p.0);
        let apart = both.windows(2).all(|w| w[0].0 != w[1].0);
        (self.at, self.values) = both.into_iter().unzip();
        apart
    }

    /// The runs of values that pass.
    fn runs(&self, passes: impl Fn(f64) -> bool, out: &mut Vec<Run>) {
        out.clear();
        let mut open: Option<Run> = None;
        for (pos, value) in self.values.iter().enumerate() {
            if !passes(*value) {
                out.extend(open.take());
                continue;
            }
            let step = self.step_of(pos);
            match &mut open {
                Some(run) if step == run.last + 1 => run.last = step,
                _ => {
                    out.extend(open.take());
                    open = Some(Run { first: step, last: step, pos });
                }
            }
        }
        out.extend(open);
    }

    /// Least and greatest value; nothing when one is no number.
    fn bounds(&self) -> Option<(f64, f64)> {
        let (mut low, mut high, mut nan) = (f64::INFINITY, f64::NEG_INFINITY, false);
        for v in &self.values {
            low = low.min(*v);
            high = high.max(*v);
            nan |= v.is_nan();
        }
        (!nan && !self.values.is_empty()).then_some((low, high))
    }
}

/// A part of a window: what a query gave, or why one evaluation failed.
enum Piece {
    Columns(Grid, Matrix),
    Failed(Timestamp, String),
}

/// An alert of a rule.
struct Key {
    labels: LabelMap,
    group: u32,
    cycle: Option<Cycle>,
    open: Open,
}

/// A rule while it is replayed.
struct Running {
    ledger: Ledger,
    curve: Option<Making>,
    no_curve: String,
    /// By element of the expression.
    elements: HashMap<Labels, usize>,
    /// By labels of the alert.
    names: HashMap<Labels, usize>,
    keys: Vec<Key>,
    /// Recorded series that have a value at the end of the last window.
    lives: HashMap<Labels, bool>,
}

/// A replay by columns.
pub struct Columns<'a> {
    replay: &'a Replay<'a>,
    plan: &'a Plan,
    outputs: Outputs,
    rules: Vec<Vec<Running>>,
    /// Samples read by a step, by the query that read most.
    per_step: f64,
}

impl<'a> Columns<'a> {
    pub fn new(replay: &'a Replay<'a>, plan: &'a Plan) -> Self {
        let running = |rule: &Rule| Running {
            ledger: Ledger::new(replay.ask.episodes.min(super::EPISODES_MAX)),
            curve: None,
            no_curve: if rule.is_alert() && replay.ask.curve {
                "the expression is no comparison with a number by >, >=, < or <=".to_owned()
            } else {
                "not asked for".to_owned()
            },
            elements: HashMap::new(),
            names: HashMap::new(),
            keys: Vec::new(),
            lives: HashMap::new(),
        };
        let rules = replay.ask.groups.iter().map(|g| g.rules.iter().map(running).collect());
        let outputs = Outputs::new(&replay.below, plan);
        Self { replay, plan, outputs, rules: rules.collect(), per_step: 0.0 }
    }

    pub fn run(&mut self) -> Result<(), Give> {
        let (ask, plan) = (self.replay.ask, self.plan);
        self.curves()?;
        let finest = ask.groups.iter().map(|g| g.interval_ms.max(1)).min().unwrap_or(1);
        let (mut from, mut steps) = (ask.range.start, WINDOW_FIRST);
        while from <= ask.range.end {
            self.replay.go_on(from)?;
            let to = from.saturating_add(finest.saturating_mul(steps) - 1).min(ask.range.end);
            self.outputs.trim(from.saturating_sub(ask.lag_ms));
            for (g, group) in ask.groups.iter().enumerate() {
                let Some(grid) = grid_of(group, from, to) else { continue };
                for (r, rule) in group.rules.iter().enumerate() {
                    match rule.kind {
                        RuleKind::Record if !plan.is_read(rule) => {}
                        RuleKind::Record => self.record((g, r), group, rule, grid)?,
                        RuleKind::Alert { .. } => self.alerts((g, r), group, rule, grid)?,
                    }
                }
            }
            from = to.saturating_add(1);
            let fit = WINDOW_SAMPLES / self.per_step.max(1.0);
            steps = (fit as i64).clamp(WINDOW_FIRST, WINDOW_MAX).min(steps * 8);
        }
        Ok(())
    }

    /// Chooses thresholds for rules that compare with a number.
    fn curves(&mut self) -> Result<(), Give> {
        let ask = self.replay.ask;
        if ask.thresholds.len() > THRESHOLDS_MAX || ask.fors_ms.len() > FORS_MAX {
            let text = format!("at most {THRESHOLDS_MAX} thresholds and {FORS_MAX} lengths of for");
            return Err(BacktestError::Ask(text).into());
        }
        if !ask.curve {
            return Ok(());
        }
        for (g, group) in ask.groups.iter().enumerate() {
            for (r, rule) in group.rules.iter().enumerate() {
                let RuleKind::Alert { for_ms, keep_firing_for_ms, .. } = rule.kind else {
                    continue;
                };
                let Some(comparison) = Comparison::of(&rule.query) else { continue };
                let values = if ask.thresholds.is_empty() {
                    self.look(&comparison.left)?
                } else {
                    Vec::new()
                };
                let tried = (&ask.thresholds[..], &ask.fors_ms[..]);
                let own = (for_ms, keep_firing_for_ms);
                self.rules[g][r].curve = Some(Making::new(comparison, own, tried, values));
            }
        }
        Ok(())
    }

    /// Values of an expression at some times of the range.
    fn look(&self, query: &Query) -> Result<Vec<f64>, Give> {
        let range = self.replay.ask.range;
        let mut all = Vec::new();
        for i in 0..LOOKS {
            self.replay.go_on(range.start)?;
            let at = range.start + (range.end - range.start) / LOOKS * i;
            let cx = self.replay.cx();
            match self.replay.engine.instant(&self.outputs.view(), query, at, &cx) {
                Ok(answer) => {
                    if let Value::Vector(samples) = answer.value {
                        all.extend(
                            samples.iter().filter(|s| s.histogram.is_none()).map(|s| s.value),
                        );
                    }
                }
                Err(e @ (QueryError::Timeout(_) | QueryError::Canceled(_))) => {
                    return Err(stopped(e));
                }
                Err(_) => {}
            }
        }
        Ok(all)
    }

    /// Evaluates over the times of a grid, `lag` in the past.
    fn read(&mut self, query: &Query, grid: Grid, out: &mut Vec<Piece>) -> Result<(), Give> {
        let (lag, view) = (self.replay.ask.lag_ms, self.outputs.view());
        let mut todo = vec![grid];
        while let Some(grid) = todo.pop() {
            let past = Grid { start: grid.start - lag, end: grid.end - lag, step: grid.step };
            match self.one(&view, query, past) {
                Ok(matrix) => out.push(Piece::Columns(grid, matrix)),
                Err(e @ (QueryError::Timeout(_) | QueryError::Canceled(_))) => {
                    return Err(stopped(e));
                }
                Err(e) if grid.len() <= 1 => out.push(Piece::Failed(grid.start, e.to_string())),
                Err(_) => {
                    let middle = grid.at(grid.len() / 2);
                    todo.push(Grid { start: middle, ..grid });
                    todo.push(Grid { end: middle - grid.step, ..grid });
                }
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        view: &Arc<dyn Snapshot>,
        query: &Query,
        grid: Grid,
    ) -> Result<Matrix, QueryError> {
        let cx = self.replay.cx();
        let answer = self.replay.engine.range(view, query, grid, &cx)?;
        let read = answer.stats.samples as f64;
        let matrix = match answer.value {
            Value::Matrix(matrix) => matrix,
            _ => return Err(QueryError::Execution(NO_VECTOR.to_owned())),
        };
        let held: usize = matrix.iter().map(|s| s.times.len()).sum();
        self.per_step = self.per_step.max(read.max(held as f64) / grid.len() as f64);
        Ok(matrix)
    }

    /// A recording rule that somebody reads.
    fn record(
        &mut self,
        (g, r): (usize, usize),
        group: &Group,
        rule: &Rule,
        grid: Grid,
    ) -> Result<(), Give> {
        if group.limit > 0 {
            return Err(Give::Steps("a recording rule has a limit"));
        }
        let mut pieces = Vec::new();
        self.read(&rule.query, grid, &mut pieces)?;
        let lag = self.replay.ask.lag_ms;
        for piece in pieces {
            let Piece::Columns(grid, matrix) = piece else {
                return Err(Give::Steps("a recording rule fails at times"));
            };
            let past = Grid { start: grid.start - lag, end: grid.end - lag, step: grid.step };
            let before = std::mem::take(&mut self.rules[g][r].lives);
            let mut after = HashMap::new();
            for series in matrix {
                let mut labels = series.labels.with(METRIC_NAME, &rule.name);
                for (name, value) in &rule.labels {
                    labels = labels.with(name, &value.to_string());
                }
                let sample = |(t, v): (&i64, &f64)| Sample::new(labels.clone(), *t, *v);
                let mut samples: Vec<Sample> =
                    series.times.iter().zip(&series.floats).map(sample).collect();
                samples.extend(series.histograms.iter().map(|(t, h)| Sample {
                    labels: labels.clone(),
                    time: *t,
                    value: plimsoll_model::stale_nan(),
                    histogram: Some(Arc::clone(h)),
                }));
                let lived = before.contains_key(&labels);
                let (samples, lives) = with_markers(&labels, samples, past, lived);
                self.outputs.put(samples)?;
                if after.insert(labels, lives).is_some() {
                    return Err(Give::Steps("a recording rule gives equal label sets"));
                }
            }
            for labels in before.keys().filter(|l| !after.contains_key(*l)) {
                let stale = Sample::new(labels.clone(), past.start, plimsoll_model::stale_nan());
                self.outputs.put(vec![stale])?;
            }
            after.retain(|_, lives| *lives);
            self.rules[g][r].lives = after;
        }
        Ok(())
    }

    /// An alerting rule over a window.
    fn alerts(
        &mut self,
        (g, r): (usize, usize),
        group: &Group,
        rule: &Rule,
        grid: Grid,
    ) -> Result<(), Give> {
        let left = self.rules[g][r].curve.as_ref().map(|c| c.comparison.left.clone());
        let mut pieces = Vec::new();
        self.read(left.as_ref().unwrap_or(&rule.query), grid, &mut pieces)?;
        for piece in pieces {
            match piece {
                Piece::Columns(grid, matrix) => self.piece((g, r), group, rule, grid, matrix)?,
                Piece::Failed(at, why) => {
                    let ledger = &mut self.rules[g][r].ledger;
                    ledger.failed(at, why);
                    ledger.evaluations += 1;
                    ledger.until = Some(at);
                }
            }
        }
        let running = &mut self.rules[g][r];
        running.ledger.pages.settle();
        running.curve.iter_mut().for_each(Making::settle);
        Ok(())
    }

    fn piece(
        &mut self,
        (g, r): (usize, usize),
        group: &Group,
        rule: &Rule,
        grid: Grid,
        matrix: Matrix,
    ) -> Result<(), Give> {
        let RuleKind::Alert { for_ms, keep_firing_for_ms, annotations, .. } = &rule.kind else {
            return Ok(());
        };
        let (replay, view) = (self.replay, self.outputs.view());
        let lag = replay.ask.lag_ms;
        let past = Grid { start: grid.start - lag, end: grid.end - lag, step: grid.step };
        let times = Times { start: grid.start, step: grid.step, len: grid.len() };
        let cx = replay.cx();
        let scene = |at| Scene {
            engine: replay.engine,
            view: &view,
            at,
            surroundings: replay.surroundings,
            cx: &cx,
        };
        let running = &mut self.rules[g][r];
        let mut columns: HashMap<usize, (Labels, Column)> = HashMap::new();
        for series in matrix {
            let element = series.labels.clone();
            let key = running.key(rule, &element, &scene(past.start), replay.ask)?;
            let column = Column::of(series, past);
            match columns.entry(key) {
                Entry::Vacant(e) => {
                    e.insert((element, column));
                }
                Entry::Occupied(mut e) => {
                    if !e.get_mut().1.merge(&column) {
                        return Err(Give::Steps("elements become alerts with equal labels"));
                    }
                }
            }
        }
        let mut counts = vec![0i64; if group.limit > 0 { times.len + 1 } else { 0 }];
        let mut runs = Vec::new();
        let none = (Labels::empty(), Column::default());
        let Running { ledger, curve, keys, .. } = running;
        for (k, key) in keys.iter_mut().enumerate() {
            let (element, column) = columns.get(&k).unwrap_or(&none);
            let bounds = curve.as_ref().and_then(|_| column.bounds());
            if let Some(making) = curve.as_mut() {
                for nth in 0..making.thresholds().len() {
                    let threshold = making.thresholds()[nth];
                    let passes = |v: f64| making.comparison.passes(v, threshold);
                    select(column, bounds, passes, &mut runs);
                    making.alert(nth, k, key.group, times, &runs);
                }
            }
            match curve.as_ref() {
                Some(making) => {
                    let own = making.comparison.number;
                    let passes = |v: f64| making.comparison.passes(v, own);
                    select(column, bounds, passes, &mut runs);
                }
                None => column.runs(|_| true, &mut runs),
            }
            if group.limit > 0 {
                for run in &runs {
                    counts[run.first] += 1;
                    counts[run.last + 1] -= 1;
                }
            }
            if key.cycle.is_none() && runs.is_empty() {
                continue;
            }
            let Key { labels, group, cycle, open } = key;
            let (for_ms, keep_ms) = (*for_ms, *keep_firing_for_ms);
            walk(cycle, times, &runs, (for_ms, keep_ms), &mut |step| match step {
                Step::Seen(run) => {
                    open.see(&column.values[run.pos..=run.pos + (run.last - run.first)]);
                }
                Step::Fired { at, pos } => {
                    let value = column.values[pos];
                    open.value = Some(value);
                    ledger.pages.fire(at, *group);
                    if ledger.has_room() {
                        let scene = scene(at - lag);
                        let values = Values {
                            labels: element,
                            value,
                            at: scene.at,
                            surroundings: scene.surroundings,
                            queries: Some(&scene),
                            reached: reached(rule),
                        };
                        let show = |(n, t): &(String, crate::Template)| {
                            (n.clone(), t.show(&rule.name, &values))
                        };
                        open.annotations = annotations.iter().map(show).collect();
                    }
                }
                Step::Over(cycle, at) => {
                    if let Some(fired) = cycle.fired_at {
                        ledger.pages.resolve(fired, at, *group);
                    }
                    ledger.close(labels, std::mem::take(open), cycle, Some(at));
                }
            });
        }
        let mut elements = 0;
        for count in &counts {
            elements += count;
            if elements > group.limit as i64 {
                return Err(Give::Steps("the group's limit is exceeded at times"));
            }
        }
        ledger.alerts = keys.len();
        ledger.evaluations += times.len as u64;
        ledger.until = Some(grid.at(times.len.saturating_sub(1)));
        Ok(())
    }

    /// What became of the rules.
    pub fn finish(self) -> Vec<RuleBacktest> {
        let ask = self.replay.ask;
        let mut out = Vec::new();
        for (group, rules) in ask.groups.iter().zip(self.rules) {
            for (rule, running) in group.rules.iter().zip(rules) {
                if rule.is_alert() {
                    out.push(running.finish(group, rule, ask));
                }
            }
        }
        out
    }
}

/// The number that every alert of a rule crosses: columns are of rules with one at most.
fn reached(rule: &Rule) -> Option<Reached<'_>> {
    match rule.condition() {
        Some(Condition::Levels(levels)) => only(&levels.levels).map(Reached::of),
        _ => None,
    }
}

const NO_VECTOR: &str = "rule result is not a vector or scalar";

/// Runs of the values that pass; where all or none do, their bounds tell.
fn select(
    column: &Column,
    bounds: Option<(f64, f64)>,
    passes: impl Fn(f64) -> bool,
    runs: &mut Vec<Run>,
) {
    match bounds.map(|(low, high)| (passes(low), passes(high))) {
        Some((false, false)) => runs.clear(),
        Some((true, true)) => column.runs(|_| true, runs),
        _ => column.runs(passes, runs),
    }
}

impl Running {
    /// The alert that an element makes.
    fn key(
        &mut self,
        rule: &Rule,
        element: &Labels,
        scene: &Scene<'_>,
        ask: &super::BacktestAsk,
    ) -> Result<usize, Give> {
        if let Some(key) = self.elements.get(element) {
            return Ok(*key);
        }
        let values = Values {
            labels: element,
            value: 0.0,
            at: scene.at,
            surroundings: scene.surroundings,
            queries: Some(scene),
            reached: reached(rule),
        };
        let labels = alert_labels(rule, &values);
        let next = self.keys.len();
        let key = *self.names.entry(labels.clone()).or_insert(next);
        if key == next {
            if next >= KEYS_MAX {
                let text = format!(
                    "the rule {:?} gives more than {KEYS_MAX} alerts of different labels; narrow \
                     its expression or the range",
                    rule.name
                );
                return Err(BacktestError::Limit(text).into());
            }
            let labels = map_of(&labels);
            let group = self.ledger.group_of(&labels, &ask.group_by);
            self.keys.push(Key { labels, group, cycle: None, open: Open::default() });
        }
        self.elements.insert(element.clone(), key);
        Ok(key)
    }

    fn finish(mut self, group: &Group, rule: &Rule, ask: &super::BacktestAsk) -> RuleBacktest {
        let until = self.ledger.until.unwrap_or(ask.range.start);
        for key in &mut self.keys {
            if let Some(cycle) = key.cycle.take() {
                let fired = cycle.fired_at.map_or(0, |fired| until - fired);
                self.ledger.pages.firing_ms += fired;
                self.ledger.close(&key.labels, std::mem::take(&mut key.open), cycle, None);
            }
        }
        let covered = until - ask.range.start + group.interval_ms;
        let curve: Result<Curve, String> = match self.curve {
            Some(making) => making.finish(until, covered),
            None => Err(self.no_curve),
        };
        told((group, rule), self.ledger, ask, curve)
    }
}
