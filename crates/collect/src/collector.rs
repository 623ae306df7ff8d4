//! The handle to all sources: the host, the own metrics, the scraped targets.
//!
//! Each source has its own thread or task; none waits for another. A reload has two steps: what can
//! fail happens in [`Collector::prepare`], [`Collector::apply`] cannot.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::SampleSink;
use plimsoll_net::Client;
use plimsoll_world::Clock;
use tracing::{info, warn};

use crate::config::ScrapeConfig;
use crate::host::{Host, HostConfig};
use crate::own::{Own, OwnConfig, Registry};
use crate::scrape::Outside;
use crate::scrape::{Health, Next as Targets, Pool, TargetStatus};

/// What is collected.
#[derive(Clone, Default, PartialEq)]
pub struct CollectConfig {
    /// This host; `None` for not at all.
    pub host: Option<HostConfig>,
    /// Own metrics; `None` for not at all.
    pub own: Option<OwnConfig>,
    /// Scrape jobs.
    pub scrape: Vec<ScrapeConfig>,
}

/// What a collector works with.
#[derive(Clone)]
pub struct Parts {
    /// Tells the time of samples.
    pub clock: Arc<dyn Clock>,
    /// Asks targets.
    pub client: Arc<dyn Client>,
    /// Keeps samples.
    pub sink: Arc<dyn SampleSink>,
    /// Knows the own metrics.
    pub registry: Arc<Registry>,
}

/// A source other than a target, as status pages show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceStatus {
    /// `host` or `plimsoll`.
    pub name: &'static str,
    /// Whether the last collection was stored.
    pub health: Health,
    /// When it was collected last, ms.
    pub last_ms: i64,
    /// How long reading took.
    pub took: Duration,
    /// Samples of the last collection.
    pub samples: u64,
    /// Why the last collection was not stored; empty when it was.
    pub last_error: String,
    /// Parts of the host that this machine does not have.
    pub absent: Vec<&'static str>,
}

/// How collecting goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// The host and the own metrics, as far as they are collected.
    pub sources: Vec<SourceStatus>,
    /// Scraped targets.
    pub targets: Vec<TargetStatus>,
}

/// A checked configuration, ready to be applied.
pub struct Next {
    config: CollectConfig,
    targets: Targets,
}

/// Collects until stopped. Dropping it leaves the threads running until the process ends: stop it.
pub struct Collector {
    parts: Parts,
    pool: Pool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    config: CollectConfig,
    host: Option<Worker>,
    own: Option<Worker>,
}

/// A thread that repeats something.
struct Worker {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    status: Arc<Mutex<SourceStatus>>,
}

impl Collector {
    /// Begins to collect. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// All that is wrong with the targets; nothing was started then.
    pub fn start(config: CollectConfig, parts: Parts) -> Result<Self, Vec<String>> {
        let next = prepare(config)?;
        let outside = Outside {
            clock: Arc::clone(&parts.clock),
            client: Arc::clone(&parts.client),
            sink: Arc::clone(&parts.sink),
        };
        let collector = Self { pool: Pool::new(outside), parts, state: Mutex::default() };
        collector.apply(next);
        Ok(collector)
    }

    /// Checks a new configuration.
    ///
    /// # Errors
    /// All that is wrong with the targets; the old ones keep running.
    pub fn prepare(&self, config: CollectConfig) -> Result<Next, Vec<String>> {
        prepare(config)
    }

    /// Makes it the configuration. Sources and targets that did not change keep running.
    pub fn apply(&self, next: Next) {
        let mut state = self.state.lock();
        if state.config.host != next.config.host || state.host.is_none() {
            drop(state.host.take());
            state.host = next.config.host.as_ref().and_then(|c| self.start_host(c));
        }
        if state.config.own != next.config.own || state.own.is_none() {
            drop(state.own.take());
            state.own = next.config.own.as_ref().and_then(|c| self.start_own(c));
        }
        state.config = next.config;
        self.pool.apply(next.targets);
    }

    /// How collecting goes.
    pub fn status(&self) -> Status {
        let state = self.state.lock();
        let sources = [&state.host, &state.own].into_iter().flatten();
        Status {
            sources: sources.map(|w| w.status.lock().clone()).collect(),
            targets: self.pool.status(),
        }
    }

    /// Stops everything, waiting at most `within`; what is on its way by then is given up.
    pub async fn stop(&self, within: Duration) {
        let workers = {
            let mut state = self.state.lock();
            [state.host.take(), state.own.take()]
        };
        let threads: Vec<JoinHandle<()>> = workers.into_iter().flatten().map(Worker::end).collect();
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|t| drop(t.join()));
        });
        let both = async { tokio::join!(self.pool.stop(within), joined) };
        if tokio::time::timeout(within, both).await.is_err() {
            warn!("collectors did not stop in time");
        }
        info!("collecting stopped");
    }

    fn start_host(&self, config: &HostConfig) -> Option<Worker> {
        let mut host = Host::new(config, Arc::clone(&self.parts.clock));
        let sink = Arc::clone(&self.parts.sink);
        let clock = Arc::clone(&self.parts.clock);
        Worker::start("host", config.interval, clock, move |now| {
            let collected = host.collect(&*sink);
            SourceStatus {
                name: "host",
                last_ms: now,
                took: collected.took,
                samples: collected.samples as u64,
                last_error: collected
                    .ticket
                    .wait()
                    .err()
                    .map(|e| e.to_string())
                    .unwrap_or_default(),
                absent: collected.absent,
                health: Health::Unknown,
            }
        })
    }

    fn start_own(&self, config: &OwnConfig) -> Option<Worker> {
        let mut own = Own::new(Arc::clone(&self.parts.registry), config);
        let sink = Arc::clone(&self.parts.sink);
        let clock = Arc::clone(&self.parts.clock);
        Worker::start("plimsoll", config.interval, clock, move |now| {
            let stored = own.collect(now, &*sink).and_then(|t| t.wait().map_err(|e| e.to_string()));
            SourceStatus {
                name: "plimsoll",
                last_ms: now,
                samples: stored.as_ref().map_or(0, |a| a.stored),
                last_error: stored.err().unwrap_or_default(),
                ..SourceStatus::default()
            }
        })
    }
}

fn prepare(config: CollectConfig) -> Result<Next, Vec<String>> {
    let targets = Targets::of(&config.scrape)?;
    Ok(Next { config, targets })
}

impl Worker {
    /// Runs `step` now and then every `interval`; steps that come late are left out, not made up.
    fn start(
        name: &'static str,
        interval: Duration,
        clock: Arc<dyn Clock>,
        mut step: impl FnMut(i64) -> SourceStatus + Send + 'static,
    ) -> Option<Self> {
        let (stop, stopped) = channel();
        let status = Arc::new(Mutex::new(SourceStatus { name, ..SourceStatus::default() }));
        let shared = Arc::clone(&status);
        let run = move || {
            loop {
                let mut new = step(clock.wall_ms());
                new.health = if new.last_error.is_empty() { Health::Up } else { Health::Down };
                *shared.lock() = new;
                let pause = due_in(clock.mono(), interval);
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("plimsoll-{name}")).spawn(run);
        match thread {
            Ok(thread) => Some(Self { stop, thread, status }),
            Err(e) => {
                warn!(source = name, error = %e, "no thread: this source is not collected");
                None
            }
        }
    }

    /// Tells the thread to end after the step it is in.
    fn end(self) -> JoinHandle<()> {
        // An error means that the thread has ended already.
        let _ended = self.stop.send(());
        self.thread
    }
}

/// Time until the next whole multiple of `interval`.
fn due_in(mono: Duration, interval: Duration) -> Duration {
    let interval = interval.max(Duration::from_millis(100));
    let into = mono.as_nanos() % interval.as_nanos();
    interval - Duration::from_nanos(into as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stay_on_the_grid() {
        let s = Duration::from_secs;
        assert_eq!(due_in(s(0), s(5)), s(5));
        assert_eq!(due_in(s(12), s(5)), s(3));
        assert_eq!(due_in(s(1), Duration::ZERO), Duration::from_millis(100));
    }
}
