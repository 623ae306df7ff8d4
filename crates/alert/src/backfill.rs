//! Recording rules over the past: a rule that is new today gets the series that it would have written.
//!
//! The past is walked in windows, and in each the groups and their rules in order, so that a rule reads
//! what the rules before it wrote. Evaluation times are the multiples of the group's interval. A sample
//! that is there already stays as it is; where a series ends, a staleness marker follows, as live. The
//! walk stops between two windows when its time is over, and tells where to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use plimsoll_model::{
    Batch, Cancel, Canonical, Grid, Histogram, Labels, METRIC_NAME, MatrixSeries, ReadCx, Rows,
    SourceId, TimeRange, Timestamp, is_stale, stale_nan,
};
use plimsoll_query::Value;

use crate::owner::Alerting;
use crate::rules::{Group, Rule, RuleKind};

/// Evaluation times of a window, of the group that has the most.
const WINDOW_STEPS: i64 = 500;

/// What to evaluate, and when.
#[derive(Clone, Debug)]
pub struct BackfillAsk {
    /// Only the group of this name.
    pub group: Option<String>,
    /// Only rules that record this series.
    pub rule: Option<String>,
    /// First and last evaluation time, ms.
    pub range: TimeRange,
    /// No new window is begun after this.
    pub time: Duration,
}

/// What was written for one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backfilled {
    /// Its group.
    pub group: String,
    /// The series that it records.
    pub rule: String,
    /// Samples that were stored.
    pub stored: u64,
    /// Times at which another value stood already, which stays.
    pub duplicate: u64,
    /// Samples that the store refused; with the first reason.
    pub refused: u64,
    /// Why, if any was refused.
    pub reason: Option<String>,
}

/// How far a backfill came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillReport {
    /// By rule, in the order of evaluation.
    pub rules: Vec<Backfilled>,
    /// Where to go on; `None` when it is done.
    pub next: Option<Timestamp>,
}

/// Why a backfill stopped. What was written before stays.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// No rule is meant.
    #[error("no recording rule {0}; /api/v1/rules lists them")]
    Unknown(String),
    /// A rule failed.
    #[error("group {group:?}, rule {rule:?} at {from}: {why}")]
    Rule {
        /// Its group.
        group: String,
        /// The series that it records.
        rule: String,
        /// Start of the window, ms.
        from: Timestamp,
        /// What went wrong.
        why: String,
    },
}

impl Alerting {
    /// Evaluates recording rules over the past and writes their results. Blocks; `cancel` ends it.
    ///
    /// # Errors
    /// `Unknown` when the names fit no recording rule; `Rule` when a query fails, gives too many series
    /// or the store takes nothing.
    pub fn backfill(
        &self,
        ask: &BackfillAsk,
        cancel: &Cancel,
    ) -> Result<BackfillReport, BackfillError> {
        let groups = self.recording(ask);
        if groups.is_empty() {
            let names = [("of group ", &ask.group), ("that records ", &ask.rule)];
            let named =
                names.iter().filter_map(|(what, n)| n.as_ref().map(|n| format!("{what}{n:?}")));
            return Err(BackfillError::Unknown(named.collect::<Vec<_>>().join(" ")));
        }
        let widest = groups.iter().map(|g| g.interval_ms).max().unwrap_or(1);
        let began = self.clock().mono();
        let mut rules: BTreeMap<(usize, usize), Backfilled> = BTreeMap::new();
        let mut alive: BTreeMap<(usize, usize), BTreeSet<Labels>> = BTreeMap::new();
        let mut from = ask.range.start;
        while from <= ask.range.end {
            if from > ask.range.start && self.clock().mono().saturating_sub(began) >= ask.time {
                return Ok(BackfillReport {
                    rules: rules.into_values().collect(),
                    next: Some(from),
                });
            }
            let to =
                from.saturating_add(widest.saturating_mul(WINDOW_STEPS) - 1).min(ask.range.end);
            for (g, group) in groups.iter().enumerate() {
                let Some(grid) = grid_of(group.interval_ms, from, to) else { continue };
                for (r, rule) in group.rules.iter().enumerate() {
                    let done = rules.entry((g, r)).or_insert_with(|| Backfilled {
                        group: group.name.clone(),
                        rule: rule.name.clone(),
                        ..Backfilled::default()
                    });
                    let before = alive.entry((g, r)).or_default();
                    self.window(group, rule, grid, cancel, before, done).map_err(|why| {
                        let (group, rule) = (group.name.clone(), rule.name.clone());
                        BackfillError::Rule { group, rule, from, why }
                    })?;
                }
            }
            from = to.saturating_add(1);
        }
        Ok(BackfillReport { rules: rules.into_values().collect(), next: None })
    }

    /// The groups with those of their rules that are meant.
    fn recording(&self, ask: &BackfillAsk) -> Vec<Group> {
        let meant = |rule: &Rule| {
            matches!(rule.kind, RuleKind::Record)
                && ask.rule.as_ref().is_none_or(|n| *n == rule.name)
        };
        let mut groups = self.running_groups();
        groups.retain(|g| ask.group.as_ref().is_none_or(|n| *n == g.name));
        groups.iter_mut().for_each(|g| g.rules.retain(meant));
        groups.retain(|g| !g.rules.is_empty());
        groups
    }

    /// One rule over one window.
    fn window(
        &self,
        group: &Group,
        rule: &Rule,
        grid: Grid,
        cancel: &Cancel,
        alive: &mut BTreeSet<Labels>,
        done: &mut Backfilled,
    ) -> Result<(), String> {
        let engine = self.engine();
        let mut cx = ReadCx::with_budget(engine.budget());
        cx.cancel = cancel.clone();
        let answer = engine
            .range(&self.source().snapshot(), &rule.query, grid, &cx)
            .map_err(|e| e.to_string())?;
        let Value::Matrix(matrix) = answer.value else {
            return Err("rule result is not a vector or scalar".to_owned());
        };
        if group.limit > 0 && matrix.len() > group.limit {
            return Err(format!("exceeded limit of {} with {} series", group.limit, matrix.len()));
        }
        let mut all = Vec::with_capacity(matrix.len());
        let mut seen = BTreeSet::new();
        let mut next = BTreeSet::new();
        for series in matrix {
            let column = Column::of(recorded(rule, &series.labels), series, grid);
            if !seen.insert(column.labels.clone()) {
                return Err("vector contains metrics with the same labelset after applying rule \
                            labels"
                    .to_owned());
            }
            if column.lives(grid) {
                next.insert(column.labels.clone());
            }
            all.push(column);
        }
        for labels in alive.iter().filter(|l| !seen.contains(*l)) {
            all.push(Column::ended(labels.clone(), grid.start));
        }
        *alive = next;
        self.write(&all, done)
    }

    fn write(&self, all: &[Column], done: &mut Backfilled) -> Result<(), String> {
        let rows: Vec<Rows<'_>> = all.iter().flat_map(Column::rows).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let source = SourceId::new("rules_backfill");
        let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
        let told = self.sink().submit(batch).wait().map_err(|e| e.to_string())?;
        done.stored += told.stored;
        done.duplicate += told.duplicate;
        for (row, verdict) in rows.iter().zip(&told.rows) {
            let had = row.times.len() as u64;
            let taken = u64::from(verdict.stored) + u64::from(verdict.duplicate);
            done.refused += had.saturating_sub(taken);
        }
        if let Some((_, reason)) = told.first_reason().filter(|_| done.refused > 0) {
            done.reason.get_or_insert_with(|| reason.to_string());
        }
        Ok(())
    }
}

/// The multiples of an interval in a window.
fn grid_of(interval: i64, from: Timestamp, to: Timestamp) -> Option<Grid> {
    let start = from.saturating_add(interval - 1).div_euclid(interval) * interval;
    let end = to.div_euclid(interval) * interval;
    (start <= end).then_some(Grid { start, end, step: interval })
}

fn recorded(rule: &Rule, labels: &Labels) -> Labels {
    rule.labels.iter().fold(labels.with(METRIC_NAME, &rule.name), |l, (name, value)| {
        l.with(name, &value.to_string())
    })
}

/// What a rule gave for one series, with markers where it was gone.
struct Column {
    labels: Labels,
    times: Vec<Timestamp>,
    floats: Vec<f64>,
    histogram_times: Vec<Timestamp>,
    histograms: Vec<Histogram>,
}

impl Column {
    fn of(labels: Labels, series: MatrixSeries, grid: Grid) -> Self {
        let mut present: BTreeSet<Timestamp> = series.times.iter().copied().collect();
        present.extend(series.histograms.iter().map(|h| h.0));
        let gone = |t: &Timestamp| *t <= grid.end && !present.contains(t);
        let mut samples: BTreeMap<Timestamp, f64> =
            present.iter().map(|t| t + grid.step).filter(gone).map(|t| (t, stale_nan())).collect();
        samples.extend(series.times.into_iter().zip(series.floats));
        let (times, floats) = samples.into_iter().unzip();
        let (histogram_times, histograms) =
            series.histograms.into_iter().map(|(t, h)| (t, (*h).clone())).unzip();
        Self { labels, times, floats, histogram_times, histograms }
    }

    /// A series that had a value right before this time and has none now.
    fn ended(labels: Labels, at: Timestamp) -> Self {
        let (histogram_times, histograms) = (Vec::new(), Vec::new());
        Self { labels, times: vec![at], floats: vec![stale_nan()], histogram_times, histograms }
    }

    /// Whether it has a value at the end of a window.
    fn lives(&self, grid: Grid) -> bool {
        let float = self.times.last().zip(self.floats.last());
        float.is_some_and(|(t, v)| *t == grid.end && !is_stale(*v))
            || self.histogram_times.last() == Some(&grid.end)
    }

    fn rows(&self) -> impl Iterator<Item = Rows<'_>> {
        let raw = self.labels.as_ref().as_bytes();
        let fp = Some(self.labels.fp());
        let floats = Rows { fp, raw, times: &self.times, floats: &self.floats, ..Rows::default() };
        let histograms = Rows {
            fp,
            raw,
            times: &self.histogram_times,
            histograms: &self.histograms,
            ..Rows::default()
        };
        [floats, histograms].into_iter().filter(|r| !r.times.is_empty())
    }
}
