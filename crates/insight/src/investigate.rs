//! Why did it happen: which series moved with a symptom and before it, what differs between two times,
//! what changed, when it was so before.
//!
//! [`Investigator`] reads the store through its snapshot, one series at a time per worker, and keeps only
//! the best: memory does not grow with the number of series. Questions of people and pages alike end at
//! their deadline with the best so far and the number of series looked at. A series that cannot be read is
//! set aside and named; the others go on. Questions are read in the background lane, and leave the threads to
//! others after every [`BATCH`] series: rules and dashboards wait for some milliseconds at most.
//!
//! Limits: a window of [`RANGE_MIN_MS`] to [`RANGE_MAX_MS`], [`CANDIDATES_MAX`] series, [`RESULTS_MAX`]
//! results, [`ASIDE_MAX`] named among those set aside. Nothing is kept between questions.

mod candidates;
mod changes;
mod drivers;
mod nature;
mod periods;
mod rank;
mod related;
mod screen;
mod shapes;
mod signal;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use plimsoll_model::{
    Budget, DAY_MS, Lane, MINUTE_MS, Matcher, MetricKind, ReadCx, SeriesSource, TimeRange,
};
use plimsoll_query::{Engine, MatchOp, Query, QueryError, ValueType, VectorSelector};
use plimsoll_world::Workers;

use crate::metrics::{Row, count};

pub use candidates::CANDIDATES_MAX;
pub use changes::{ChangeKind, ChangesAnswer, ChangesAsk, SeenChange};
pub use periods::{Difference, Period, PeriodsAnswer, PeriodsAsk, What};
pub use related::{Direction, FocusFound, Related, RelatedAnswer, RelatedAsk};
pub use shapes::{Match, Recurring, Season, SeasonalSeries, SeasonsAnswer, SeasonsAsk, SimilarAsk};
pub use signal::Reading;

/// Shortest window, ms.
pub const RANGE_MIN_MS: i64 = MINUTE_MS;
/// Longest window, ms.
pub const RANGE_MAX_MS: i64 = 7 * DAY_MS;
/// Results of one answer at most.
pub const RESULTS_MAX: usize = 200;
/// Series that are named among those set aside.
pub const ASIDE_MAX: usize = 20;
/// Sets of matchers of one question.
pub const SETS_MAX: usize = 8;
/// Series that are read between two looks at the clock, and before others may use the threads.
const BATCH: usize = 256;
/// Bytes that one question may hold.
const MEMORY_MAX: u64 = 256 << 20;
/// Samples that one question may read.
const SAMPLES_MAX: u64 = 1_000_000_000;

/// Labels of a series with why it was left out.
pub type Aside = (Vec<(String, String)>, String);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvestigateError {
    /// The question is wrong.
    #[error("{0}")]
    Invalid(String),
    /// What it is about has no samples.
    #[error("{0}")]
    NotFound(String),
    /// The focus cannot be evaluated.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The store cannot be read, or nobody waits for the answer any more.
    #[error(transparent)]
    Read(#[from] plimsoll_model::Error),
}

/// Answers questions about the past of the series of a source. Clones share what they count.
#[derive(Clone)]
pub struct Investigator {
    engine: Arc<Engine>,
    source: Arc<dyn SeriesSource>,
    workers: Arc<Workers>,
    counted: Arc<Counted>,
}

/// What questions cost and missed.
#[derive(Debug, Default)]
struct Counted {
    /// Whether analysis is switched off: then nobody is to ask without being asked by people.
    off: AtomicBool,
    questions: AtomicU64,
    looked_at: AtomicU64,
    left: AtomicU64,
    set_aside: AtomicU64,
}

impl Counted {
    fn note(&self, looked_at: usize, left: usize, set_aside: usize) {
        count(&self.questions, 1);
        count(&self.looked_at, looked_at as u64);
        count(&self.left, left as u64);
        count(&self.set_aside, set_aside as u64);
    }
}

impl Investigator {
    /// Reads from this source with these threads.
    pub fn new(engine: Arc<Engine>, source: Arc<dyn SeriesSource>, workers: Arc<Workers>) -> Self {
        Self { engine, source, workers, counted: Arc::default() }
    }

    /// Switches questions that no person asks, such as those of messages, on or off; they are on at first.
    /// What people ask is answered in any case.
    pub fn set_unasked(&self, on: bool) {
        self.counted.off.store(!on, Ordering::Relaxed);
    }

    /// Whether questions may be asked that no person asks.
    pub fn may_ask_unasked(&self) -> bool {
        !self.counted.off.load(Ordering::Relaxed)
    }

    /// What was asked and what was left out.
    pub fn rows(&self) -> Vec<Row> {
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed) as f64;
        let c = &self.counted;
        let row = |name, help, value| (name, help, MetricKind::Counter, get(value));
        vec![
            row(
                "plimsoll_analysis_questions_total",
                "Questions about the past answered.",
                &c.questions,
            ),
            row("plimsoll_analysis_questions_series_total", "Series read for them.", &c.looked_at),
            row(
                "plimsoll_analysis_questions_left_total",
                "Series left out for lack of time, or beyond the most that are read.",
                &c.left,
            ),
            row(
                "plimsoll_analysis_questions_set_aside_total",
                "Series that could not be read for them.",
                &c.set_aside,
            ),
        ]
    }

    /// Reads an expression, with the features of the engine.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(&self, text: &str) -> Result<Query, InvestigateError> {
        Ok(self.engine.parse(text)?)
    }

    /// The asker's context with the bounds of a question instead of those of a query.
    fn bounded(cx: &ReadCx) -> ReadCx {
        let budget = Arc::new(Budget::new(MEMORY_MAX, SAMPLES_MAX));
        ReadCx { budget, lane: Lane::Background, ..cx.clone() }
    }
}

/// Refuses a window that is too short or too long.
fn check_range(name: &str, range: TimeRange) -> Result<(), InvestigateError> {
    let length = range.end.saturating_sub(range.start);
    if length < RANGE_MIN_MS {
        let message = format!("{name}: a window of at least one minute is needed");
        return Err(InvestigateError::Invalid(message));
    }
    if length > RANGE_MAX_MS {
        let message = format!("{name}: a window of at most seven days can be looked at");
        return Err(InvestigateError::Invalid(message));
    }
    Ok(())
}

/// Refuses what gives no series.
fn check_query(query: &Query) -> Result<(), InvestigateError> {
    match query.expr().value_type() {
        ValueType::InstantVector => Ok(()),
        _ => Err(InvestigateError::Invalid("query: an instant vector is needed".to_owned())),
    }
}

/// Refuses too many sets of matchers.
fn check_sets(sets: &[Vec<Matcher>]) -> Result<(), InvestigateError> {
    if sets.len() > SETS_MAX {
        let message = format!("match: at most {SETS_MAX} selectors can be given");
        return Err(InvestigateError::Invalid(message));
    }
    Ok(())
}

/// Width of a cell for a window: about 240 cells, at least five seconds, whole seconds.
fn step_of(length_ms: i64) -> i64 {
    (length_ms / 240).max(5_000).div_euclid(1_000) * 1_000
}

/// The matchers of a selector in the model's terms; `None` when one is no matcher there.
fn matchers_of(selector: &VectorSelector) -> Option<Vec<Matcher>> {
    let op = |op| match op {
        MatchOp::Equal => plimsoll_model::MatchOp::Equal,
        MatchOp::NotEqual => plimsoll_model::MatchOp::NotEqual,
        MatchOp::Regex => plimsoll_model::MatchOp::Regex,
        MatchOp::NotRegex => plimsoll_model::MatchOp::NotRegex,
    };
    selector.matchers.iter().map(|m| Matcher::new(op(m.op), &m.name, &m.value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::MemorySource;
    use plimsoll_query::EngineConfig;

    #[test]
    fn questions_are_read_in_the_background_and_the_unasked_can_be_switched_off() {
        let cx = Investigator::bounded(&ReadCx::unlimited());
        assert_eq!(cx.lane, Lane::Background);
        let workers = Arc::new(Workers::new(1));
        let engine = Arc::new(Engine::new(EngineConfig::default(), Arc::clone(&workers)));
        let one = Investigator::new(engine, Arc::new(MemorySource::new()), workers);
        let other = one.clone();
        assert!(other.may_ask_unasked());
        one.set_unasked(false);
        assert!(!other.may_ask_unasked(), "clones share it");
    }
}
