//! The rule time machine: every episode that alerting rules would have had over retained history.
//!
//! Evaluation times are those of a server that evaluates each group at the multiples of its interval.
//! Two methods give the same episodes. By *columns*: the expression is evaluated as range queries over
//! windows of time, and the life cycle ([`crate::cycle`]) runs over what each alert was present for.
//! By *steps*: every evaluation is done as live, with `evaluate` and the state that it keeps. Steps are
//! taken where columns cannot be the same: rules that read alerts or themselves, labels that depend on
//! the value, `@ start()`, `step()`, equal label sets, a group's limit.
//!
//! The past is read as it is stored now. Late arrival is modelled by `lag`: every sample is seen `lag`
//! after its time, so the expression is evaluated `lag` in the past. Series that the rules asked for
//! record are hidden in history and computed anew; groups see each other's at once.
//! Bounds: [`EPISODES_MAX`], [`KEYS_MAX`], [`CELLS_MAX`]; time, by the caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{
    Cancel, Hint, Lane, Matcher, ReadCx, Selection, Snapshot, TimeRange, Timestamp,
};
use plimsoll_query::{Engine, QueryError};
use plimsoll_world::Clock;
use serde::Serialize;

use crate::owner::Alerting;
use crate::rules::{Group, Rule, RuleKind};
use crate::template::Surroundings;

mod columns;
mod curve;
mod ledger;
mod outputs;
mod pages;
mod plan;
mod steps;

pub use curve::{Cell, Curve};
pub use ledger::Episode;
pub use pages::{Pages, poisson_interval};

use columns::Columns;
use ledger::Ledger;
use plan::Plan;

/// Episodes that are told of one rule; all are counted.
pub const EPISODES_MAX: usize = 100_000;
/// Alerts of different labels that one rule may give.
pub const KEYS_MAX: usize = 200_000;
/// Alerts times cells of a table; more, and there is no table.
pub const CELLS_MAX: usize = 4_000_000;

/// What to replay.
#[derive(Clone, Debug)]
pub struct BacktestAsk {
    /// The groups. Only their alerting rules are told of; recording rules are computed where they are
    /// read.
    pub groups: Vec<Group>,
    /// First and last evaluation time, ms.
    pub range: TimeRange,
    /// How long after its time a sample is seen, ms.
    pub lag_ms: i64,
    /// Whether to make the table of thresholds and `for`.
    pub curve: bool,
    /// Thresholds of the table beside the rule's; empty = chosen from the values.
    pub thresholds: Vec<f64>,
    /// Lengths of `for` beside the rule's, ms; empty = a few common ones.
    pub fors_ms: Vec<i64>,
    /// Labels by which alerts become one page; `...` alone means by all.
    pub group_by: Vec<String>,
    /// Probability of the interval of pages, between 0 and 1.
    pub level: f64,
    /// Episodes told of each rule, at most [`EPISODES_MAX`].
    pub episodes: usize,
    /// Whether every evaluation is done as live.
    pub by_steps: bool,
    /// No new window is begun after this.
    pub time: Duration,
}

/// How far a replay came. Times in ms.
#[derive(Clone, Debug, Serialize)]
pub struct BacktestReport {
    /// First evaluation time asked for.
    pub start: Timestamp,
    /// Last evaluation time asked for.
    pub end: Timestamp,
    /// Whether it got there; otherwise `until` of each rule says how far.
    pub complete: bool,
    /// The lag that was modelled.
    pub lag_ms: i64,
    /// `columns`, or `steps` and why.
    pub method: String,
    /// By alerting rule, in order.
    pub rules: Vec<RuleBacktest>,
}

/// What one alerting rule would have done.
#[derive(Clone, Debug, Serialize)]
pub struct RuleBacktest {
    /// Its group.
    pub group: String,
    /// The alert.
    pub rule: String,
    /// Its expression.
    pub expr: String,
    /// Time between evaluations, ms.
    pub interval_ms: i64,
    /// `for`, ms.
    pub for_ms: i64,
    /// `keep_firing_for`, ms.
    pub keep_firing_for_ms: i64,
    /// The last evaluation that was replayed.
    pub until: Option<Timestamp>,
    /// Evaluations.
    pub evaluations: u64,
    /// Evaluations that failed; its alerts stayed as they were.
    pub failures: u64,
    /// When the first one failed, and why.
    pub failure: Option<(Timestamp, String)>,
    /// Alerts of different labels.
    pub alerts: usize,
    /// Episodes, those that never fired included.
    pub episodes_total: u64,
    /// Pages and their rate.
    pub pages: Pages,
    /// The episodes, by when they began.
    pub episodes: Vec<Episode>,
    /// Other thresholds and `for` lengths.
    pub curve: Option<Curve>,
    /// Why there is no table.
    pub no_curve: Option<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Ask(String),
    /// Beyond a bound.
    #[error("{0}")]
    Limit(String),
    /// The client went away, or the server stops.
    #[error("{0}")]
    Stopped(QueryError),
}

/// Why a method gave up.
enum Give {
    /// Columns cannot be the same as live evaluation.
    Steps(&'static str),
    /// The time is over.
    Over,
    Error(BacktestError),
}

impl From<BacktestError> for Give {
    fn from(e: BacktestError) -> Self {
        Self::Error(e)
    }
}

/// What both methods work with.
struct Replay<'a> {
    ask: &'a BacktestAsk,
    engine: &'a Engine,
    below: Arc<dyn Snapshot>,
    surroundings: &'a Surroundings,
    cancel: &'a Cancel,
    clock: &'a dyn Clock,
    began: Duration,
    progress: &'a (dyn Fn(f64) + 'a),
}

impl Replay<'_> {
    fn cx(&self) -> ReadCx {
        let mut cx = ReadCx::with_budget(self.engine.budget());
        cx.lane = Lane::Background;
        cx.cancel = self.cancel.clone();
        cx
    }

    /// Stops when the time is over or somebody wants it; otherwise says how far it is.
    fn go_on(&self, at: Timestamp) -> Result<(), Give> {
        let range = self.ask.range;
        let share = (at - range.start) as f64 / (range.end - range.start).max(1) as f64;
        (self.progress)(share.clamp(0.0, 1.0));
        if let Err(e) = self.cancel.check() {
            return Err(stopped(e.into()));
        }
        let took = self.clock.mono().saturating_sub(self.began);
        if at > range.start && took >= self.ask.time { Err(Give::Over) } else { Ok(()) }
    }
}

/// The end that an error of the engine means, if it is no fault of the expression.
fn stopped(e: QueryError) -> Give {
    match e {
        QueryError::Timeout(_) => Give::Over,
        e => Give::Error(BacktestError::Stopped(e)),
    }
}

impl Alerting {
    /// Replays rules over the past. Blocks; `cancel` ends it, `progress` hears the part that is done.
    ///
    /// # Errors
    /// Nothing to replay, a bound, an end from outside. A rule that fails at some times is no error.
    pub fn backtest(
        &self,
        ask: &BacktestAsk,
        cancel: &Cancel,
        progress: &dyn Fn(f64),
    ) -> Result<BacktestReport, BacktestError> {
        let surroundings = self.surroundings();
        let replay = Replay {
            ask,
            engine: self.engine(),
            below: self.source().snapshot(),
            surroundings: &surroundings,
            cancel,
            clock: self.clock(),
            began: self.clock().mono(),
            progress,
        };
        replay.run()
    }

    /// The groups that run, as backtests want them: all, or by the names of group and alert.
    pub fn groups_to_replay(&self, group: Option<&str>, rule: Option<&str>) -> Vec<Group> {
        let mut groups = self.running_groups();
        groups.retain(|g| group.is_none_or(|n| n == g.name));
        for group in &mut groups {
            let named = |r: &Rule| !r.is_alert() || rule.is_none_or(|n| n == r.name);
            group.rules.retain(named);
        }
        groups.retain(|g| g.rules.iter().any(Rule::is_alert));
        groups
    }
}

impl Replay<'_> {
    fn run(mut self) -> Result<BacktestReport, BacktestError> {
        let (ask, range) = (self.ask, self.ask.range);
        if !ask.groups.iter().any(|g| g.rules.iter().any(Rule::is_alert)) {
            return Err(BacktestError::Ask("there is no alerting rule to replay".to_owned()));
        }
        if range.end < range.start {
            return Err(BacktestError::Ask("the end lies before the start".to_owned()));
        }
        if ask.lag_ms < 0 || !(ask.level > 0.0 && ask.level < 1.0) {
            let text = "the lag must not be negative, the level must lie between 0 and 1";
            return Err(BacktestError::Ask(text.to_owned()));
        }
        let plan = Plan::of(&ask.groups, self.engine.config().lookback_ms);
        if !plan.recorded.is_empty() {
            let names = plan.recorded.iter().cloned().collect();
            self.below = Arc::new(Without { below: Arc::clone(&self.below), names });
        }
        let forced = ask.by_steps.then_some("asked for");
        let mut why = forced.or(plan.by_steps);
        let mut over = false;
        let mut rules = Vec::new();
        if why.is_none() {
            let mut columns = Columns::new(&self, &plan);
            match columns.run() {
                Ok(()) => {}
                Err(Give::Over) => over = true,
                Err(Give::Steps(reason)) => why = Some(reason),
                Err(Give::Error(e)) => return Err(e),
            }
            if why.is_none() {
                rules = columns.finish();
            }
        }
        if let Some(reason) = why {
            let mut steps = steps::Steps::new(&self, &plan, reason);
            match steps.run() {
                Ok(()) => {}
                Err(Give::Over) => over = true,
                Err(Give::Steps(reason)) => {
                    return Err(BacktestError::Ask(reason.to_owned()));
                }
                Err(Give::Error(e)) => return Err(e),
            }
            rules = steps.finish();
        }
        Ok(BacktestReport {
            start: range.start,
            end: range.end,
            complete: !over,
            lag_ms: ask.lag_ms,
            method: why.map_or_else(|| "columns".to_owned(), |w| format!("steps: {w}")),
            rules,
        })
    }
}

/// A rule with its ledger, finished.
fn told(
    (group, rule): (&Group, &Rule),
    mut ledger: Ledger,
    ask: &BacktestAsk,
    curve: Result<Curve, String>,
) -> RuleBacktest {
    let (for_ms, keep_firing_for_ms) = match rule.kind {
        RuleKind::Record => (0, 0),
        RuleKind::Alert { for_ms, keep_firing_for_ms, .. } => (for_ms, keep_firing_for_ms),
    };
    ledger.episodes.sort_by(|a, b| {
        (a.pending_since, &a.labels, a.resolved_at)
            .partial_cmp(&(b.pending_since, &b.labels, b.resolved_at))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let covered = ledger.until.map_or(0, |until| until - ask.range.start + group.interval_ms);
    let (curve, no_curve) = match curve {
        Ok(curve) => (Some(curve), None),
        Err(why) => (None, Some(why)),
    };
    RuleBacktest {
        group: group.name.clone(),
        rule: rule.name.clone(),
        expr: rule.query.text().to_owned(),
        interval_ms: group.interval_ms,
        for_ms,
        keep_firing_for_ms,
        until: ledger.until,
        evaluations: ledger.evaluations,
        failures: ledger.failures,
        failure: ledger.failure,
        alerts: ledger.alerts,
        episodes_total: ledger.total,
        pages: ledger.pages.told(covered, ask.level),
        episodes: ledger.episodes,
        curve,
        no_curve,
    }
}

/// Evaluation times of a group from `from` to `to`.
fn grid_of(group: &Group, from: Timestamp, to: Timestamp) -> Option<plimsoll_model::Grid> {
    let (step, offset) = (group.interval_ms.max(1), group.offset_ms);
    let start = from.saturating_add(offset).saturating_add(step - 1).div_euclid(step) * step;
    let end = to.saturating_add(offset).div_euclid(step) * step;
    let grid = plimsoll_model::Grid { start: start - offset, end: end - offset, step };
    (start <= end).then_some(grid)
}

/// History without what the rules record.
struct Without {
    below: Arc<dyn Snapshot>,
    names: Vec<String>,
}

impl Snapshot for Without {
    fn caps(&self) -> plimsoll_model::Caps {
        plimsoll_model::Caps::default()
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> plimsoll_model::Result<Box<dyn Selection>> {
        let mut all = matchers.to_vec();
        for name in &self.names {
            let not = plimsoll_model::MatchOp::NotEqual;
            all.push(Matcher::new(not, plimsoll_model::METRIC_NAME, name)?);
        }
        self.below.select(&all, &Hint { again: None, keep: false, ..*hint }, cx)
    }

    fn metadata(
        &self,
        metric: Option<&str>,
        limit: usize,
        cx: &ReadCx,
    ) -> plimsoll_model::Result<Vec<plimsoll_model::Metadata>> {
        self.below.metadata(metric, limit, cx)
    }
}

/// Labels as a map that sorts and prints.
type LabelMap = BTreeMap<String, String>;
