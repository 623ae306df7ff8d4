//! The tasks that scrape, one per target.
//!
//! A task is a loop around a pure schedule ([`super::target::next_ms`]) and a [`Cache`]. A reload
//! keeps targets that did not change running with their caches; targets that are gone get staleness
//! markers, at shutdown none are written, because the restart continues.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use plimsoll_model::{LabelBuf, METRIC_NAME, SampleSink, SourceId};
use plimsoll_net::Client;
use plimsoll_wire::text::Format;
use plimsoll_world::Clock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::debug;

use super::cache::{Cache, Report, Terms};
use super::target::{Health, Target, TargetStatus, next_ms, targets_of};
use crate::config::ScrapeConfig;

/// Targets of all jobs.
pub const TARGETS_MAX: usize = 20_000;
/// Bodies above this many bytes are read off the async threads: that takes over a millisecond.
const INLINE_BYTES_MAX: usize = 128 << 10;

/// What tasks work with.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) client: Arc<dyn Client>,
    pub(crate) sink: Arc<dyn SampleSink>,
}

/// All targets and their tasks.
pub struct Pool {
    outside: Outside,
    runtime: tokio::runtime::Handle,
    running: Mutex<Vec<Running>>,
}

struct Running {
    target: Target,
    status: Arc<Mutex<TargetStatus>>,
    stop: watch::Sender<Order>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Run,
    /// The process ends.
    Leave,
    /// The target is gone.
    Retire,
}

/// Checked targets, ready to be applied.
pub struct Next {
    targets: Vec<Target>,
}

impl Next {
    /// Works out the targets of `jobs`.
    ///
    /// # Errors
    /// All that is wrong with targets after relabelling, and too many targets.
    pub fn of(jobs: &[ScrapeConfig]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut targets = Vec::new();
        for (i, job) in jobs.iter().enumerate() {
            if jobs[..i].iter().any(|j| j.job == job.job) {
                problems.push(format!("job_name {:?} occurs twice; rename one", job.job));
            }
            targets.extend(targets_of(&Arc::new(job.clone()), &mut problems));
        }
        if targets.len() > TARGETS_MAX {
            problems.push(format!("{} targets: at most {TARGETS_MAX} are allowed", targets.len()));
        }
        if problems.is_empty() { Ok(Self { targets }) } else { Err(problems) }
    }
}

impl Pool {
    /// A pool without targets. Must be called inside a tokio runtime.
    pub(crate) fn new(outside: Outside) -> Self {
        let runtime = tokio::runtime::Handle::current();
        Self { outside, runtime, running: Mutex::new(Vec::new()) }
    }

    /// Makes these the targets.
    pub fn apply(&self, next: Next) {
        let mut running = self.running.lock();
        let mut wanted = next.targets;
        running.retain(|r| {
            if let Some(at) = wanted.iter().position(|t| *t == r.target) {
                wanted.swap_remove(at);
                return !r.task.is_finished();
            }
            // A task that has ended already needs no order.
            let _ended = r.stop.send(Order::Retire);
            false
        });
        for target in wanted {
            running.push(self.start(target));
        }
    }

    /// The targets and how they are.
    pub fn status(&self) -> Vec<TargetStatus> {
        self.running.lock().iter().map(|r| r.status.lock().clone()).collect()
    }

    /// Ends all tasks, waiting at most `within`.
    pub async fn stop(&self, within: Duration) {
        let running = std::mem::take(&mut *self.running.lock());
        for r in &running {
            let _ended = r.stop.send(Order::Leave);
        }
        let aborts: Vec<_> = running.iter().map(|r| r.task.abort_handle()).collect();
        let all = async {
            for r in running {
                let _ended = r.task.await;
            }
        };
        if tokio::time::timeout(within, all).await.is_err() {
            aborts.iter().for_each(|a| a.abort());
        }
    }

    fn start(&self, target: Target) -> Running {
        let status = Arc::new(Mutex::new(target.status()));
        let (stop, orders) = watch::channel(Order::Run);
        let loops = Scraping {
            source: SourceId::new(&target.config.job),
            own: OwnSeries::new(&target.terms),
            target: target.clone(),
            outside: self.outside.clone(),
            status: Arc::clone(&status),
            cache: Cache::default(),
        };
        Running { target, status, stop, task: self.runtime.spawn(loops.run(orders)) }
    }
}

/// One target's loop.
struct Scraping {
    target: Target,
    source: SourceId,
    own: OwnSeries,
    outside: Outside,
    status: Arc<Mutex<TargetStatus>>,
    cache: Cache,
}

impl Scraping {
    async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let offset = self.target.offset_ms();
        loop {
            let now = self.outside.clock.wall_ms();
            let wait = next_ms(now, self.target.interval, offset) - now;
            let pause = tokio::time::sleep(Duration::from_millis(wait.unsigned_abs()));
            tokio::select! {
                () = pause => {}
                _ = orders.changed() => break,
            }
            tokio::select! {
                () = self.scrape() => {}
                _ = orders.changed() => break,
            }
        }
        if *orders.borrow() == Order::Retire {
            let now = self.outside.clock.wall_ms();
            self.cache.fail(now);
            let last = self.own.ended();
            let sink = &*self.outside.sink;
            let _lost_if_refused = self.cache.submit(now, &last, &self.source, sink).await;
        }
    }

    async fn scrape(&mut self) {
        let now = self.outside.clock.wall_ms();
        let began = self.outside.clock.mono();
        let outcome = match self.fetch().await {
            Ok((format, body)) => self.absorb(format, body, now).await,
            Err(why) => Err(why),
        };
        if outcome.is_err() {
            self.cache.fail(now);
        }
        let took = self.outside.clock.mono().saturating_sub(began);
        let report = outcome.as_ref().copied().unwrap_or_default();
        let extra = self.own.values(outcome.is_ok(), took, report);
        let ticket = self.cache.submit(now, &extra, &self.source, &*self.outside.sink);
        let stored = tokio::time::timeout(self.target.interval, ticket).await;
        let mut status = self.status.lock();
        status.health = if outcome.is_ok() { Health::Up } else { Health::Down };
        status.last_scrape_ms = now;
        status.last_duration = took;
        status.last_samples = report.scraped;
        status.last_error = match (outcome, stored) {
            (Err(why), _) => why,
            (_, Ok(Err(e))) => format!("not stored: {e}"),
            (_, Err(_)) => "not stored: the store did not answer in time".to_owned(),
            _ => String::new(),
        };
        if !status.last_error.is_empty() {
            debug!(job = %status.pool, url = %status.url, error = %status.last_error, "scrape");
        }
    }

    async fn fetch(&self) -> Result<(Format, Bytes), String> {
        let answer =
            self.outside.client.send(self.target.request()).await.map_err(|e| e.to_string())?;
        if answer.status != 200 {
            return Err(format!("server returned HTTP status {}", answer.status));
        }
        let format = Format::of(answer.header("content-type"), self.target.config.fallback);
        Ok((format.map_err(|e| e.to_string())?, answer.body))
    }

    async fn absorb(&mut self, format: Format, body: Bytes, now: i64) -> Result<Report, String> {
        if body.len() <= INLINE_BYTES_MAX {
            return self.cache.absorb(&body, format, now, &self.target.terms);
        }
        let mut cache = std::mem::take(&mut self.cache);
        let terms = self.target.terms.clone();
        let read = tokio::task::spawn_blocking(move || {
            let outcome = cache.absorb(&body, format, now, &terms);
            (cache, outcome)
        });
        match read.await {
            Ok((cache, outcome)) => {
                self.cache = cache;
                outcome
            }
            Err(_) => Err("reading the body was given up".into()),
        }
    }
}

/// The series that a scrape has about itself.
struct OwnSeries(Vec<LabelBuf>);

impl OwnSeries {
    const NAMES: [&str; 5] = [
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ];

    fn new(terms: &Terms) -> Self {
        let labels = Self::NAMES.iter().map(|name| {
            let own = terms.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let mut pairs: Vec<(&str, &str)> = own.filter(|(n, _)| *n != METRIC_NAME).collect();
            pairs.push((METRIC_NAME, name));
            let mut buf = LabelBuf::new();
            // Labels too large for a series leave these five out; the samples say why.
            if buf.set(&mut pairs).is_err() {
                buf.clear();
            }
            buf
        });
        Self(labels.filter(|l| !l.as_ref().is_empty()).collect())
    }

    fn values(&self, up: bool, took: Duration, report: Report) -> Vec<(LabelBuf, f64)> {
        let values = [
            f64::from(u8::from(up)),
            took.as_secs_f64(),
            report.scraped as f64,
            report.kept as f64,
            report.added as f64,
        ];
        self.0.iter().cloned().zip(values).collect()
    }

    fn ended(&self) -> Vec<(LabelBuf, f64)> {
        self.0.iter().map(|l| (l.clone(), plimsoll_model::stale_nan())).collect()
    }
}
