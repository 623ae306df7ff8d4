//! What a reader carries: who asks, how much it may use, when it has to stop.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::{Error, Matcher, Result};

/// Distinct warnings that one query keeps; the rest is counted.
const WARNINGS_MAX: usize = 64;

/// What a user may see: alternatives of matchers. Empty means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// A series is visible when all matchers of one alternative pass.
    pub any_of: Vec<Vec<Matcher>>,
}

impl Scope {
    /// Everything.
    pub const fn everything() -> Self {
        Self { any_of: Vec::new() }
    }

    /// Whether nothing is hidden.
    pub fn is_everything(&self) -> bool {
        self.any_of.is_empty()
    }
}

/// Why a reader has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The client went away.
    Client,
    /// The query took longer than it may.
    Deadline,
    /// The process shuts down.
    Shutdown,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "query was canceled: the client went away",
            Self::Deadline => "query timed out in expression evaluation",
            Self::Shutdown => "query was canceled: the server is shutting down",
        })
    }
}

type Hook = Box<dyn FnOnce(Stop) + Send>;
type Over = Box<dyn Fn() -> bool + Send + Sync>;

/// A flag that stops a reader from outside. Clones share it. The first stop counts.
#[derive(Clone, Default)]
pub struct Cancel {
    inner: Arc<CancelInner>,
}

#[derive(Default)]
struct CancelInner {
    state: AtomicU8,
    hooks: Mutex<Vec<Hook>>,
    over: Option<Over>,
}

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that is also set, as [`Stop::Deadline`], when a check finds that `over` says so: for
    /// readers too short for a timer.
    pub fn when(over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let inner = CancelInner { over: Some(Box::new(over)), ..CancelInner::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Fails once somebody called [`Cancel::stop`]. One atomic load.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn check(&self) -> Result<()> {
        if self.inner.over.as_ref().is_some_and(|over| over()) {
            self.stop(Stop::Deadline);
        }
        self.stopped().map_or(Ok(()), |stop| Err(Error::Stopped(stop)))
    }

    /// Why it was stopped, if it was.
    pub fn stopped(&self) -> Option<Stop> {
        match self.inner.state.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Stop::Client),
            2 => Some(Stop::Deadline),
            _ => Some(Stop::Shutdown),
        }
    }

    /// Sets the flag and runs the hooks, once.
    pub fn stop(&self, why: Stop) {
        let code = match why {
            Stop::Client => 1,
            Stop::Deadline => 2,
            Stop::Shutdown => 3,
        };
        if self.inner.state.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire).is_err()
        {
            return;
        }
        let hooks = std::mem::take(&mut *self.inner.hooks.lock());
        for hook in hooks {
            hook(why);
        }
    }

    /// Runs `hook` when the flag is set, or at once when it already is.
    pub fn on_stop(&self, hook: impl FnOnce(Stop) + Send + 'static) {
        {
            let mut hooks = self.inner.hooks.lock();
            if self.stopped().is_none() {
                hooks.push(Box::new(hook));
                return;
            }
        }
        if let Some(why) = self.stopped() {
            hook(why);
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancel({:?})", self.stopped())
    }
}

/// When a query has to be over, on the monotonic clock of its server. Who starts the query arms a
/// timer that calls [`Cancel::stop`]; engines never read a clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline {
    /// Monotonic ms; `None` = no deadline.
    pub mono_ms: Option<u64>,
}

/// Which queue a query waits in: rules never wait for dashboards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Lane {
    /// Alerting and recording rules.
    Rules,
    /// People and their dashboards.
    #[default]
    Dashboards,
    /// Analysis, forecasts, reports: shed first.
    Background,
}

/// How much memory and how many samples a query may use; shared by its threads.
#[derive(Debug)]
pub struct Budget {
    bytes_max: u64,
    samples_max: u64,
    bytes: AtomicU64,
    samples: AtomicU64,
}

impl Budget {
    /// A budget of bytes held at once and samples read in total.
    pub const fn new(bytes_max: u64, samples_max: u64) -> Self {
        Self { bytes_max, samples_max, bytes: AtomicU64::new(0), samples: AtomicU64::new(0) }
    }

    /// No limit; for tests and jobs with limits of their own.
    pub const fn unlimited() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }

    /// Takes `bytes` of memory until [`Budget::release`].
    ///
    /// # Errors
    /// `Limit` naming `query.memory`.
    pub fn take(&self, bytes: u64) -> Result<()> {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.bytes_max {
            return Ok(());
        }
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Err(Error::Limit {
            limit: "query.memory",
            max: self.bytes_max,
            what: "query memory".to_owned(),
        })
    }

    /// Gives memory back.
    pub fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes held at this moment.
    pub fn held(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts samples that were read.
    ///
    /// # Errors
    /// `Limit` naming `query.max_samples`.
    pub fn count_samples(&self, samples: u64) -> Result<()> {
        let before = self.samples.fetch_add(samples, Ordering::Relaxed);
        if before.saturating_add(samples) <= self.samples_max {
            return Ok(());
        }
        Err(Error::Limit {
            limit: "query.max_samples",
            max: self.samples_max,
            what: "query processing would load too many samples into memory".to_owned(),
        })
    }

    /// Samples read so far.
    pub fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }
}

/// Warnings that a read collects for its answer, each text once.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    texts: Arc<Mutex<Vec<String>>>,
}

impl Warnings {
    /// Adds a text unless it is there; at 64 texts the rest is dropped.
    pub fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut texts = self.texts.lock();
        if texts.len() < WARNINGS_MAX && !texts.contains(&text) {
            texts.push(text);
        }
    }

    /// What was collected, in order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.texts.lock())
    }
}

/// What every read carries. Cheap to clone; clones share budget, flag and warnings.
#[derive(Clone, Debug)]
pub struct ReadCx {
    /// What the asker may see. Part of every cache key.
    pub scope: Scope,
    /// What the asker may use.
    pub budget: Arc<Budget>,
    /// Checked at least once per series and batch.
    pub cancel: Cancel,
    /// When the timer fires.
    pub deadline: Deadline,
    /// Which queue it waits in.
    pub lane: Lane,
    /// Whether it may wait for what another reader computes. One whose thread serves others may not.
    pub may_wait: bool,
    /// Collected on the way.
    pub warnings: Warnings,
}

impl ReadCx {
    /// A reader that sees everything, without limits.
    pub fn unlimited() -> Self {
        Self::with_budget(Budget::unlimited())
    }

    /// A reader that sees everything within `budget`.
    pub fn with_budget(budget: Budget) -> Self {
        Self {
            scope: Scope::everything(),
            budget: Arc::new(budget),
            cancel: Cancel::new(),
            deadline: Deadline::default(),
            lane: Lane::default(),
            may_wait: true,
            warnings: Warnings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stop_counts_and_hooks_run_once() {
        let cancel = Cancel::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let s = Arc::clone(&seen);
        cancel.on_stop(move |why| s.lock().push(why));
        assert!(cancel.check().is_ok());
        cancel.stop(Stop::Deadline);
        cancel.stop(Stop::Client);
        let s = Arc::clone(&seen);
        cancel.on_stop(move |why| s.lock().push(why));
        assert_eq!(*seen.lock(), [Stop::Deadline, Stop::Deadline]);
        assert!(matches!(cancel.check(), Err(Error::Stopped(Stop::Deadline))));
    }

    #[test]
    fn a_check_asks_whether_it_is_over() {
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let cancel = Cancel::when(move || clock.load(Ordering::Relaxed) > 5);
        assert!(cancel.check().is_ok());
        now.store(6, Ordering::Relaxed);
        assert!(matches!(cancel.check(), Err(Error::Stopped(Stop::Deadline))));
        assert_eq!(cancel.stopped(), Some(Stop::Deadline));
    }

    #[test]
    fn a_budget_refuses_and_recovers() {
        let budget = Budget::new(10, 5);
        budget.take(8).unwrap();
        assert!(budget.take(3).unwrap_err().to_string().contains("query.memory"));
        budget.release(8);
        budget.take(10).unwrap();
        budget.count_samples(5).unwrap();
        assert!(budget.count_samples(1).unwrap_err().to_string().contains("query.max_samples"));
    }
}
