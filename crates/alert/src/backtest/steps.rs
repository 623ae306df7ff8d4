//! Replay by steps: every evaluation as live, with the same function and the state that it keeps.

use std::collections::HashMap;

use plimsoll_model::Timestamp;
use plimsoll_query::QueryError;

use super::ledger::{Ledger, Open};
use super::outputs::Outputs;
use super::plan::Plan;
use super::{Give, KEYS_MAX, LabelMap, Replay, RuleBacktest, grid_of, stopped, told};
use crate::evaluate::{EvalError, Scene, evaluate};
use crate::rules::{Group, Rule, RuleKind};
use crate::state::{Alert, AlertState, RuleState};

/// A rule while it is replayed.
struct Running {
    ledger: Ledger,
    state: RuleState,
    /// By key of the alert.
    open: HashMap<String, Open>,
    groups: HashMap<String, u32>,
    /// Alerts that there were.
    known: std::collections::HashSet<String>,
}

/// A replay by steps.
pub struct Steps<'a> {
    replay: &'a Replay<'a>,
    plan: &'a Plan,
    outputs: Outputs,
    rules: Vec<Vec<Running>>,
    why: &'static str,
}

impl<'a> Steps<'a> {
    pub fn new(replay: &'a Replay<'a>, plan: &'a Plan, why: &'static str) -> Self {
        let running = |_: &Rule| Running {
            ledger: Ledger::new(replay.ask.episodes.min(super::EPISODES_MAX)),
            state: RuleState::default(),
            open: HashMap::new(),
            groups: HashMap::new(),
            known: std::collections::HashSet::new(),
        };
        let rules = replay.ask.groups.iter().map(|g| g.rules.iter().map(running).collect());
        let outputs = Outputs::new(&replay.below, plan);
        Self { replay, plan, outputs, rules: rules.collect(), why }
    }

    pub fn run(&mut self) -> Result<(), Give> {
        let ask = self.replay.ask;
        let next_of = |group: &Group, from: Timestamp| {
            grid_of(group, from, ask.range.end).map(|grid| grid.start)
        };
        let mut at = ask.range.start;
        loop {
            let Some(next) = ask.groups.iter().filter_map(|g| next_of(g, at)).min() else {
                return Ok(());
            };
            at = next;
            self.replay.go_on(at)?;
            self.outputs.trim(at.saturating_sub(ask.lag_ms));
            for (g, group) in ask.groups.iter().enumerate() {
                if next_of(group, at) != Some(at) {
                    continue;
                }
                for (r, rule) in group.rules.iter().enumerate() {
                    let is_idle = matches!(rule.kind, RuleKind::Record) && !self.plan.is_read(rule);
                    if !is_idle {
                        self.evaluate((g, r), group, rule, at)?;
                    }
                }
            }
            at += 1;
        }
    }

    fn evaluate(
        &mut self,
        (g, r): (usize, usize),
        group: &Group,
        rule: &Rule,
        at: Timestamp,
    ) -> Result<(), Give> {
        let replay = self.replay;
        let lag = replay.ask.lag_ms;
        let running = &mut self.rules[g][r];
        let view = self.outputs.view();
        let cx = replay.cx();
        let scene = Scene {
            engine: replay.engine,
            view: &view,
            at: at - lag,
            surroundings: replay.surroundings,
            cx: &cx,
        };
        let limit = if group.limit == 0 && rule.is_alert() { KEYS_MAX } else { group.limit };
        let result = evaluate(rule, limit, &mut running.state, &scene);
        drop(view);
        running.ledger.evaluations += 1;
        running.ledger.until = Some(at);
        match result {
            Ok(done) => {
                if let Some(e) = done.failure.as_deref() {
                    if let EvalError::Query(query) = e
                        && matches!(query, QueryError::Timeout(_) | QueryError::Canceled(_))
                    {
                        return Err(stopped(query.clone()));
                    }
                    running.ledger.failed(at, e.to_string());
                }
                for step in &done.transitions {
                    let from = (step.from, step.to);
                    running.step(from, &step.alert, at, lag, &replay.ask.group_by);
                }
                for (key, alert) in &running.state.active {
                    if alert.kept_since.is_none() {
                        running.open.entry(key.clone()).or_default().see(&[alert.value]);
                    }
                }
                running.ledger.pages.settle();
                self.outputs.put(done.samples)?;
                Ok(())
            }
            Err(EvalError::Query(e @ (QueryError::Timeout(_) | QueryError::Canceled(_)))) => {
                Err(stopped(e))
            }
            Err(e) => {
                running.ledger.failed(at, e.to_string());
                Ok(())
            }
        }
    }

    /// What became of the rules.
    pub fn finish(self) -> Vec<RuleBacktest> {
        let ask = self.replay.ask;
        let mut out = Vec::new();
        for (group, rules) in ask.groups.iter().zip(self.rules) {
            for (rule, mut running) in group.rules.iter().zip(rules) {
                if rule.is_alert() {
                    running.end(ask);
                    let no_curve = format!("replayed by steps: {}", self.why);
                    out.push(told((group, rule), running.ledger, ask, Err(no_curve)));
                }
            }
        }
        out
    }
}

impl Running {
    fn step(
        &mut self,
        moved: (AlertState, AlertState),
        alert: &Alert,
        at: Timestamp,
        lag: i64,
        group_by: &[String],
    ) {
        let key = alert.key();
        self.known.insert(key.clone());
        self.ledger.alerts = self.known.len();
        let group = match self.groups.get(&key) {
            Some(group) => *group,
            None => {
                let group = self.ledger.group_of(&alert.labels, group_by);
                self.groups.insert(key.clone(), group);
                group
            }
        };
        let open = self.open.entry(key.clone()).or_default();
        match moved {
            (_, AlertState::Firing) => {
                open.value = Some(alert.value);
                open.annotations.clone_from(&alert.annotations);
                self.ledger.pages.fire(at, group);
            }
            (from, AlertState::Inactive) => {
                let open = self.open.remove(&key).unwrap_or_default();
                if let (AlertState::Firing, Some(fired)) = (from, alert.fired_at) {
                    self.ledger.pages.resolve(fired + lag, at, group);
                }
                self.ledger.close(&alert.labels, open, late(alert, lag), Some(at));
            }
            _ => {}
        }
    }

    fn end(&mut self, ask: &super::BacktestAsk) {
        let until = self.ledger.until.unwrap_or(ask.range.start);
        for (key, alert) in std::mem::take(&mut self.state.active) {
            let open = self.open.remove(&key).unwrap_or_default();
            let cycle = late(&alert, ask.lag_ms);
            self.ledger.pages.firing_ms += cycle.fired_at.map_or(0, |fired| until - fired);
            let labels: &LabelMap = &alert.labels;
            self.ledger.close(labels, open, cycle, None);
        }
    }
}

/// When things happened, as somebody saw them who sees samples `lag` late.
fn late(alert: &Alert, lag: i64) -> crate::cycle::Cycle {
    let mut cycle = alert.cycle();
    cycle.active_at += lag;
    cycle.fired_at = cycle.fired_at.map(|t| t + lag);
    cycle
}
