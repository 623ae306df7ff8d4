//! Answers of range queries from what was answered before.
//!
//! A dashboard asks the same again and again, each time a little later. The part of an answer that lies
//! in the past is kept, with the version of the data that it was made of
//! ([`Snapshot::version`]); next time only what is new is evaluated. The key is the text, the step and
//! its phase, the number of steps, the lookback and the scope of the reader: nobody gets what another may
//! see. Kept are answers without warnings, of expressions whose value at a time does not depend on the
//! other times of the query: no `@`, no negative offset, no lengths of time that are computed.
//!
//! Equal queries of equal scope over the same data are evaluated once: who comes second waits for the
//! first ([`flights`]). Memory is bounded in bytes; what was used least goes first.
//!
//! Remarks (infos) stay with the part that is kept, also when the sample that caused one has moved out
//! of the window.
//!
//! Limits: an entry has the bytes of its points and labels; one larger than a quarter of the cache is
//! not kept.

mod flights;
mod kept;
mod reach;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::{Grid, Matrix, ReadCx, Snapshot, TimeRange};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::engine::{Answer, Engine, Query, QueryResult, Value};
use flights::Flights;
use kept::{Kept, Usable};
use reach::reach_of;

/// Data that are younger than this are still on their way: no answer about them is kept, ms.
const SETTLE_MS: i64 = 60_000;
/// Answers are kept up to a multiple of this, so that data which come now are of later versions, ms.
const BORDER_MS: i64 = 300_000;
/// Entries that are expected: so few that the cache is not cut into shards, of which each could only
/// hold small ones.
const ENTRIES: usize = 16;
/// Bytes of an entry beside its series.
const OVERHEAD: u64 = 512;

/// What an answer depends on beside the data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    text: Arc<str>,
    step: i64,
    /// Start of the grid modulo the step.
    phase: i64,
    steps: usize,
    lookback_ms: i64,
    /// The alternatives of the reader's scope, written out.
    scope: Arc<str>,
}

impl Key {
    fn of(engine: &Engine, query: &Query, grid: Grid, cx: &ReadCx) -> Self {
        let mut scope = String::new();
        for alternative in &cx.scope.any_of {
            scope.push('|');
            for m in alternative {
                let [name, value] = [m.name(), m.value()];
                scope.push_str(&format!("{name:?}{}{value:?},", m.op().as_str()));
            }
        }
        Self {
            text: query.text().into(),
            step: grid.step,
            phase: grid.start.rem_euclid(grid.step),
            steps: grid.len(),
            lookback_ms: engine.config().lookback_ms,
            scope: scope.into(),
        }
    }

    fn bytes(&self) -> u64 {
        OVERHEAD + (self.text.len() + self.scope.len()) as u64
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Kept>> for ByBytes {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        key.bytes() + kept.bytes()
    }
}

/// How much a [`ResultCache`] did and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Queries that were answered in part or whole from what was kept.
    pub hits: u64,
    /// Queries that found nothing of use.
    pub misses: u64,
    /// Queries that got the answer of another one that ran already.
    pub shared: u64,
    /// Queries that cannot be kept.
    pub passed: u64,
    /// Entries held.
    pub entries: u64,
    /// Bytes held.
    pub bytes: u64,
}

/// Keeps answers of range queries. Shared by all threads that ask.
pub struct ResultCache {
    kept: Cache<Key, Arc<Kept>, ByBytes>,
    /// Bytes of an entry at most.
    entry_bytes: u64,
    flights: Flights,
    hits: AtomicU64,
    misses: AtomicU64,
    shared: AtomicU64,
    passed: AtomicU64,
}

impl ResultCache {
    /// A cache of at most so many bytes; 0 keeps nothing and shares still.
    pub fn new(bytes: u64) -> Self {
        let zero = AtomicU64::default;
        Self {
            kept: Cache::with_weighter(ENTRIES, bytes, ByBytes),
            entry_bytes: bytes / 4,
            flights: Flights::default(),
            hits: zero(),
            misses: zero(),
            shared: zero(),
            passed: zero(),
        }
    }

    /// What it did and holds.
    pub fn stats(&self) -> CacheStats {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        CacheStats {
            hits: of(&self.hits),
            misses: of(&self.misses),
            shared: of(&self.shared),
            passed: of(&self.passed),
            entries: self.kept.len() as u64,
            bytes: self.kept.weight(),
        }
    }

    /// [`Engine::range`], from what is kept where that is the same; `now_ms` since the epoch says what
    /// is past.
    ///
    /// # Errors
    /// Those of [`Engine::range`].
    pub fn range(
        &self,
        engine: &Engine,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        grid: Grid,
        now_ms: i64,
        cx: &ReadCx,
    ) -> QueryResult<Answer> {
        let reach = (grid.step > 0 && !grid.is_empty())
            .then(|| reach_of(query.expr(), engine.config()))
            .flatten();
        let Some(reach) = reach else {
            self.passed.fetch_add(1, Ordering::Relaxed);
            return engine.range(snapshot, query, grid, cx);
        };
        let ask = Ask { engine, snapshot, query, cx, reach };
        let key = Key::of(engine, query, grid, cx);
        let Some(version) = ask.version(grid) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return self.evaluate(&ask, &key, grid, now_ms);
        };
        let flight = (key.clone(), grid.start, version);
        let (answer, was_shared) =
            self.flights.one(flight, cx, || self.evaluate(&ask, &key, grid, now_ms))?;
        self.shared.fetch_add(u64::from(was_shared), Ordering::Relaxed);
        Ok(answer)
    }

    /// How many times of the grid [`ResultCache::range`] would answer from what is kept. Asking
    /// counts nothing and keeps nothing.
    pub fn kept_steps(
        &self,
        engine: &Engine,
        snapshot: &Arc<dyn Snapshot>,
        query: &Query,
        grid: Grid,
        cx: &ReadCx,
    ) -> usize {
        let asked = grid.step > 0 && !grid.is_empty();
        let reach = asked.then(|| reach_of(query.expr(), engine.config())).flatten();
        let Some(reach) = reach else { return 0 };
        let ask = Ask { engine, snapshot, query, cx, reach };
        let kept = self.kept.peek(&Key::of(engine, query, grid, cx));
        let usable = kept.and_then(|kept| kept.usable(grid, |from, to| ask.version_of(from, to)));
        usable.map_or(0, |u| Grid { start: u.from, end: u.to, ..grid }.len())
    }

    fn evaluate(&self, ask: &Ask<'_>, key: &Key, grid: Grid, now_ms: i64) -> QueryResult<Answer> {
        let version = |from, to| ask.version_of(from, to);
        let past = (now_ms - SETTLE_MS).div_euclid(BORDER_MS) * BORDER_MS - 1;
        let found = self.kept.get(key).and_then(|kept| {
            let usable = kept.usable(grid, version)?;
            Some((kept, usable))
        });
        let (answer, kept) = match found {
            Some((old, usable)) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                let answer = ask.complete(&old, usable, grid)?;
                if usable.from == grid.start && usable.to == grid.at(grid.len() - 1) {
                    return Ok(answer);
                }
                let kept = matrix_of(&answer)
                    .and_then(|m| old.grown(m, &answer.infos, grid, (past, usable.cut), version));
                (answer, kept)
            }
            None => {
                self.misses.fetch_add(1, Ordering::Relaxed);
                let answer = ask.engine.range(ask.snapshot, ask.query, grid, ask.cx)?;
                let kept = matrix_of(&answer)
                    .and_then(|m| Kept::of(m, &answer.infos, grid, past, version));
                (answer, kept)
            }
        };
        if let Some(kept) = kept.filter(|kept| kept.bytes() <= self.entry_bytes) {
            self.kept.insert(key.clone(), Arc::new(kept));
        }
        Ok(answer)
    }
}

/// What may be kept of an answer: with a warning, nothing.
fn matrix_of(answer: &Answer) -> Option<&Matrix> {
    match &answer.value {
        Value::Matrix(matrix) if answer.warnings.is_empty() => Some(matrix),
        _ => None,
    }
}

/// One question.
struct Ask<'q> {
    engine: &'q Engine,
    snapshot: &'q Arc<dyn Snapshot>,
    query: &'q Query,
    cx: &'q ReadCx,
    /// How far before an evaluation time samples are read, ms.
    reach: i64,
}

impl Ask<'_> {
    /// The version of all data that the values from one evaluation time to another are made of.
    fn version_of(&self, from: i64, to: i64) -> Option<u64> {
        self.snapshot.version(TimeRange::new(from.saturating_sub(self.reach), to))
    }

    fn version(&self, grid: Grid) -> Option<u64> {
        self.version_of(grid.start, grid.at(grid.len() - 1))
    }

    /// Evaluates what is not kept, and joins it to what is.
    fn complete(&self, kept: &Kept, usable: Usable, grid: Grid) -> QueryResult<Answer> {
        let last = grid.at(grid.len() - 1);
        let before = Grid { start: grid.start, end: usable.from - grid.step, step: grid.step };
        let after = Grid { start: usable.to + grid.step, end: last, step: grid.step };
        let run = |part: Grid| {
            (part.end >= part.start)
                .then(|| self.engine.range(self.snapshot, self.query, part, self.cx))
                .transpose()
        };
        let (before, after) = (run(before)?, run(after)?);
        kept.join(usable, before, after, self.cx)
    }
}
