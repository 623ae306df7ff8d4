//! The pass over all watched series, once a step: what came since is read, reduced to a value a step and
//! given to the detectors.
//!
//! Everything here is a deterministic fold over what is stored. The *horizon* is the step up to which
//! passes went; each series has a *cursor*, the step up to which it is folded in. A step of a series is
//! folded when a sample after it is there, or [`LATE_MS`] after its end, when nothing is waited for any
//! more; until then the cursor stays. So samples that come in order and at most [`LATE_MS`] late make the
//! same states as if they had come in time, and a state that was kept and taught what came since equals
//! one that was never interrupted, whatever the number of steps in one pass.
//!
//! Every [`LOOK_STEPS`] steps, at multiples of them, a *look* decides who is watched ([`look`]). What is
//! new learns from the store, [`learn_ms`] back but not from before the first start.

mod look;
#[cfg(test)]
mod tests;

use std::time::Duration;

use plimsoll_model::{
    DAY_MS, Grid, HOUR_MS, Hint, Lane, MINUTE_MS, Matrix, ReadCx, Scratch, Selection, Snapshot,
    TimeRange, Timestamp,
};
use plimsoll_query::{Engine, Query, Value};
use plimsoll_world::Clock;
use std::sync::Arc;

use crate::aside::{Asides, Why};
use crate::checkpoint::State;
use crate::config::Config;
use crate::metrics::{Metrics, count};
use crate::reduce::{Reduced, reduce};
use crate::room::Room;
use crate::scores::Scores;
use crate::watch::named::{Named, table};
use crate::watch::{Input, Rank, Sets};
use crate::watched::{Basis, Origin, Watched};

/// How late samples may be, ms: five minutes, which a sender that was cut off for a moment needs, and at
/// least three steps.
const LATE_MS: i64 = 5 * MINUTE_MS;
/// Steps between two looks at what there is to be watched.
const LOOK_STEPS: i64 = 5;
/// How far back a replay reads at most, ms; older steps are a gap.
const REPLAY_MS: i64 = 7 * DAY_MS;
/// Steps that something new learns from at least.
const LEARN_STEPS: i64 = 400;
/// Steps that something new learns from, and that one block of a replay has, at most.
const LEARN_STEPS_MAX: i64 = 5_000;
/// Values that one block of a replay makes at most, about.
const BLOCK_VALUES: usize = 200_000;
/// Time after which a replay lets others have their turn.
const SLICE: Duration = Duration::from_millis(500);
/// A horizon so far ahead of the clock means that the clock was set back, ms.
const AHEAD_MS: i64 = 10 * MINUTE_MS;

/// What a pass works with.
pub(crate) struct Env<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) clock: &'e dyn Clock,
    pub(crate) metrics: &'e Metrics,
    pub(crate) config: &'e Config,
    /// What rules and dashboards read; asked at looks.
    pub(crate) inputs: &'e dyn Fn() -> Vec<Input>,
}

/// The watched series and how far they are.
pub(crate) struct Fold {
    pub(crate) step: i64,
    pub(crate) named: Vec<Named>,
    pub(crate) sets: Sets,
    pub(crate) scores: Scores,
    /// Passes went up to here; `None` before the first start.
    pub(crate) horizon: Option<Timestamp>,
    /// Nothing from before this time is learned from.
    pub(crate) origin: Timestamp,
    pub(crate) asides: Asides,
    pub(crate) room: Room,
    /// Series that found no place at the last look, and elements of named expressions at the last pass.
    left_out: usize,
    named_left_out: usize,
    /// Whether what there is to be watched is looked at before the time.
    pub(crate) look_soon: bool,
    /// Whether somebody found no place at the last look.
    tight: bool,
    pass: u64,
}

/// What is read at a pass.
#[derive(Clone, Copy)]
struct Span {
    /// The first step of the pass ends here.
    start: Timestamp,
    /// Its last step ends here.
    end: Timestamp,
    /// Steps up to here wait for nothing.
    settled: Timestamp,
    /// Samples are read up to here.
    read_to: Timestamp,
    now: Timestamp,
}

/// How late samples may be at this step, ms.
pub(crate) fn late_ms(step: i64) -> i64 {
    LATE_MS.max(3 * step)
}

/// How far back something new learns, ms: whole steps.
pub(crate) fn learn_ms(step: i64) -> i64 {
    let steps = (6 * HOUR_MS / step).clamp(LEARN_STEPS, LEARN_STEPS_MAX);
    (steps * step).min(REPLAY_MS / step * step)
}

/// How long after its end a step is first looked at, ms.
pub(crate) fn grace_ms(step: i64) -> i64 {
    (step / 6).min(10_000)
}

impl Fold {
    /// Goes on where a checkpoint of the same step left it.
    pub(crate) fn restore(&mut self, state: State) {
        (self.horizon, self.origin) = (Some(state.horizon), state.origin);
        for watched in state.series {
            match watched.origin {
                Origin::Named(name) => {
                    let key = (name, watched.labels.clone());
                    self.scores.named.insert(key, Box::new(watched));
                }
                Origin::Raw(_) => {
                    self.scores.raw.insert(watched.labels.fp(), Box::new(watched));
                }
            }
        }
        // The next look is where it would have been.
        (self.look_soon, self.tight) = (false, true);
    }

    /// Nothing watched yet.
    pub(crate) fn new(engine: &Engine, step: i64) -> Self {
        Self {
            step,
            named: table(engine, step),
            sets: Sets::default(),
            scores: Scores::default(),
            horizon: None,
            origin: i64::MIN,
            asides: Asides::default(),
            room: Room::default(),
            left_out: 0,
            named_left_out: 0,
            look_soon: true,
            tight: true,
            pass: 0,
        }
    }

    /// The last step that may be looked at now.
    pub(crate) fn target(&self, now: Timestamp) -> Timestamp {
        (now - grace_ms(self.step)).div_euclid(self.step) * self.step
    }

    /// Series that are not watched for want of room.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out + self.named_left_out + self.sets.left_out
    }

    /// Steps that wait to be gone through.
    pub(crate) fn behind(&self, now: Timestamp) -> i64 {
        self.horizon.map_or(0, |h| ((self.target(now) - h) / self.step).max(0))
    }

    /// Finds where to go on: after a first start, a long stop, or a clock that was set back.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Timestamp {
        let target = self.target(now);
        if self.horizon.is_some_and(|h| h > now.saturating_add(AHEAD_MS)) {
            tracing::warn!("the clock was set back; detectors learn anew from what is stored");
            self.scores = Scores::default();
            self.horizon = None;
        }
        let oldest = target - REPLAY_MS / self.step * self.step;
        let horizon = match self.horizon {
            None => {
                self.origin = target - learn_ms(self.step);
                self.look_soon = true;
                self.origin
            }
            Some(horizon) => horizon.max(oldest),
        };
        self.horizon = Some(horizon);
        horizon
    }

    /// Goes on, for [`SLICE`] at most but at least one block. Whether everything is gone through.
    pub(crate) fn advance(
        &mut self,
        env: &Env<'_>,
        snapshot: &Arc<dyn Snapshot>,
        now: Timestamp,
    ) -> bool {
        let started = env.clock.mono();
        if self.sets.all.is_empty() {
            self.sets.replace(&(env.inputs)(), env.config);
            self.sort_out();
        }
        let mut horizon = self.begin(now);
        let target = self.target(now);
        while horizon < target {
            let end = self.block_end(horizon, target);
            let settled = (now - late_ms(self.step)).div_euclid(self.step) * self.step;
            let read_to = if settled >= end { end } else { now };
            let span = Span { start: horizon + self.step, end, settled, read_to, now };
            self.pass += 1;
            self.fold_named(env, snapshot, span);
            self.fold_raw(env, snapshot, span);
            let every = LOOK_STEPS * self.step;
            let crossed = end.div_euclid(every) != horizon.div_euclid(every);
            if crossed || self.look_soon {
                self.look(env, &**snapshot, span, end % every == 0);
            }
            horizon = end;
            self.horizon = Some(end);
            if env.clock.mono().saturating_sub(started) >= SLICE {
                break;
            }
        }
        horizon >= target
    }

    /// Where the next block ends. As long as places are scarce, not beyond the next look.
    fn block_end(&self, horizon: Timestamp, target: Timestamp) -> Timestamp {
        let steps = (BLOCK_VALUES / self.scores.len().max(50)) as i64;
        let end = horizon + steps.clamp(1, learn_ms(self.step) / self.step) * self.step;
        let every = LOOK_STEPS * self.step;
        let look = (horizon.div_euclid(every) + 1) * every;
        let end = if self.tight { end.min(look) } else { end };
        end.min(target)
    }

    fn fold_named(&mut self, env: &Env<'_>, snapshot: &Arc<dyn Snapshot>, span: Span) {
        let grid = Grid { start: span.start, end: span.end, step: self.step };
        let (most, _) = self.room.most(env.config);
        self.named_left_out = 0;
        let named = std::mem::take(&mut self.named);
        for &Named { name, ref query } in &named {
            let Some(matrix) = read_query(env, snapshot, query, grid) else { continue };
            for given in matrix {
                let labels = given.labels.with(plimsoll_model::METRIC_NAME, "");
                let key = (name, labels);
                if !self.scores.named.contains_key(&key) && !self.make_room(most) {
                    self.named_left_out += 1;
                    continue;
                }
                let of_key = self.scores.named.entry(key);
                let step = self.step;
                let watched = of_key.or_insert_with_key(|(name, labels)| {
                    let origin = Origin::Named(name);
                    Box::new(Watched::new(origin, labels.clone(), step, span.start - step))
                });
                let points = given.times.iter().zip(&given.floats);
                for (&at, &value) in points {
                    watched.take(at, of_value(value), span.now, step);
                }
                watched.cursor = span.end;
                count(&env.metrics.points, given.times.len() as u64);
            }
        }
        self.named = named;
        for watched in self.scores.named.values_mut() {
            watched.cursor = watched.cursor.max(span.end);
        }
    }

    /// Room for one more named series: the last of the others gives way.
    fn make_room(&mut self, most: usize) -> bool {
        if self.scores.len() < most {
            return true;
        }
        let raw = self.scores.raw.iter();
        let last = raw.max_by(|a, b| (a.1.rank, &a.1.labels).cmp(&(b.1.rank, &b.1.labels)));
        let Some(fp) = last.map(|(fp, _)| *fp) else { return false };
        self.scores.raw.remove(&fp).is_some() && self.scores.len() < most
    }

    fn fold_raw(&mut self, env: &Env<'_>, snapshot: &Arc<dyn Snapshot>, span: Span) {
        if self.scores.raw.is_empty() {
            return;
        }
        let oldest = span.end - learn_ms(self.step) - late_ms(self.step);
        let least = self.scores.raw.values().map(|w| w.cursor).min().unwrap_or(span.end);
        let range = TimeRange::new(least.max(oldest) + 1, span.read_to);
        let cx = background();
        let (mut scratch, mut whole, mut points) = (Scratch::new(), true, 0);
        for set in &mut self.sets.all {
            let hint = again(range, &set.prepared);
            let selection = match snapshot.select(&set.matchers, &hint, &cx) {
                Ok(selection) => selection,
                Err(e) => {
                    whole = false;
                    count(&env.metrics.read_failures, 1);
                    tracing::warn!(error = %e, "watched series could not be selected");
                    continue;
                }
            };
            let kept = selection.prepared();
            for i in 0..selection.len() {
                let fp = selection.fp(i);
                let Some(watched) = self.scores.raw.get_mut(&fp) else { continue };
                if watched.pass == self.pass {
                    continue;
                }
                watched.pass = self.pass;
                watched.cursor = watched.cursor.max(oldest);
                match watched.read(&*selection, i, span, self.step, &mut scratch, &cx) {
                    Ok(n) => {
                        points += n;
                        let why = watched.is_wrong().then_some(Why::NotANumber);
                        self.asides.note(fp, watched, why, span.end);
                    }
                    Err(e) => {
                        whole = false;
                        count(&env.metrics.read_failures, 1);
                        let why = Why::Unreadable(e.to_string());
                        self.asides.note(fp, watched, Some(why), span.end);
                    }
                }
            }
            set.prepared = kept;
        }
        count(&env.metrics.points, points);
        // Who has no samples at all waits for them as long as any other.
        let quiet = span.end.min(span.settled);
        for watched in self.scores.raw.values_mut().filter(|w| w.pass != self.pass) {
            if whole || watched.cursor < oldest {
                watched.cursor = watched.cursor.max(quiet);
            }
        }
    }

    /// Keeps at most as many as there is room for now; the last go first.
    pub(crate) fn trim(&mut self, most: usize) {
        let over = self.scores.len().saturating_sub(most);
        if over == 0 {
            return;
        }
        let mut order: Vec<(Rank, plimsoll_model::Labels, plimsoll_model::Fp)> =
            self.scores.raw.iter().map(|(fp, w)| (w.rank, w.labels.clone(), *fp)).collect();
        order.sort();
        for (.., fp) in order.into_iter().rev().take(over) {
            self.scores.raw.remove(&fp);
            self.left_out += 1;
        }
    }
}

impl Watched {
    /// Folds in what is there of the steps up to the end of the span; gives the number of values.
    fn read(
        &mut self,
        selection: &dyn Selection,
        i: usize,
        span: Span,
        step: i64,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> plimsoll_model::Result<u64> {
        let Origin::Raw(kind) = self.origin else { return Ok(0) };
        let range = TimeRange::new(self.cursor + 1, span.read_to);
        let columns = selection.read(i, range, scratch, cx)?;
        // A step is whole when there is a sample after it.
        let newest = columns.times.last().map_or(i64::MIN, |t| (t - 1).div_euclid(step) * step);
        let until = span.end.min(span.settled.max(newest));
        if until <= self.cursor {
            return Ok(0);
        }
        let (mut carry, mut points) = (self.carry, 0);
        reduce(kind, &mut carry, &columns, (step, until), |at, reduced| {
            self.take(at, reduced, span.now, step);
            points += 1;
        });
        (self.carry, self.cursor) = (carry, until);
        Ok(points)
    }

    /// Folds in one step and notes how soon that was.
    fn take(&mut self, at: Timestamp, reduced: Reduced, now: Timestamp, step: i64) {
        let age = now.saturating_sub(at);
        self.basis = match age {
            _ if age <= (2 * step).max(2 * MINUTE_MS) => Basis::RealTime,
            _ if age <= late_ms(step) + 2 * step => Basis::Delayed,
            _ => Basis::Historical,
        };
        self.fold(at, reduced, self.basis != Basis::Historical);
    }
}

fn of_value(value: f64) -> Reduced {
    if value.is_finite() { Reduced::Value(value) } else { Reduced::NotANumber }
}

/// The question about a range again.
pub(crate) fn again<'h>(
    range: TimeRange,
    prepared: &'h Option<plimsoll_model::Prepared>,
) -> Hint<'h> {
    Hint { range: Some(range), again: prepared.as_ref(), keep: true, ..Hint::default() }
}

/// A reader of analysis. One series is read at a time, so what it holds is bounded by the range.
pub(crate) fn background() -> ReadCx {
    let mut cx = ReadCx::unlimited();
    cx.lane = Lane::Background;
    cx
}

/// What an expression gives over a grid; `None` where it fails, which is counted and said.
pub(crate) fn read_query(
    env: &Env<'_>,
    snapshot: &Arc<dyn Snapshot>,
    query: &Query,
    grid: Grid,
) -> Option<Matrix> {
    let mut cx = ReadCx::with_budget(env.engine.budget());
    cx.lane = Lane::Background;
    match env.engine.range(snapshot, query, grid, &cx) {
        Ok(answer) => match answer.value {
            Value::Matrix(matrix) => Some(matrix),
            _ => None,
        },
        Err(e) => {
            count(&env.metrics.read_failures, 1);
            tracing::warn!(error = %e, query = query.text(), "a watched expression failed");
            None
        }
    }
}
