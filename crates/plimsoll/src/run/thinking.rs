//! The thread on which analysis works, and who tells it what is read.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use plimsoll_alert::Alerting;
use plimsoll_insight::{Input, Insight, Reader, WatchSource};

use super::findings::News;
use crate::config::Config;
use crate::error::Error;

/// What rules read is watched.
pub struct RulesRead {
    alerting: Arc<Alerting>,
}

impl RulesRead {
    /// Of these rules.
    pub fn new(alerting: Arc<Alerting>) -> Self {
        Self { alerting }
    }
}

impl WatchSource for RulesRead {
    fn inputs(&self) -> Vec<Input> {
        let of = |input: plimsoll_alert::RuleInput| Input {
            reader: Reader::Rules,
            matchers: input.matchers,
            chosen: input.anomaly,
        };
        self.alerting.inputs().into_iter().map(of).collect()
    }
}

/// Ticks until stopped.
pub struct Thinking {
    insight: Arc<Insight>,
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Thinking {
    /// Starts the thread, which tells `news` of each tick; none when analysis is off.
    pub fn start(
        insight: &Arc<Insight>,
        news: Arc<News>,
        config: &Config,
    ) -> Result<Option<Self>, Error> {
        if !config.analysis.enabled {
            return Ok(None);
        }
        let stop = Arc::new(Stop::default());
        let (at_work, signal) = (Arc::clone(insight), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("analysis".to_owned())
            .spawn(move || tick_until(&at_work, &signal, &news))
            .map_err(|e| Error::Unavailable(format!("the analysis thread cannot start: {e}")))?;
        Ok(Some(Self { insight: Arc::clone(insight), stop, thread }))
    }

    /// Ends the thread after the tick that it is in, and keeps what was learned.
    pub fn stop(self) {
        *self.stop.asked.lock() = true;
        self.stop.changed.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the analysis thread panicked");
        }
        self.insight.checkpoint();
    }
}

fn tick_until(insight: &Insight, stop: &Stop, news: &News) {
    loop {
        let wait = insight.tick().max(Duration::from_millis(50));
        news.tell();
        let mut asked = stop.asked.lock();
        if *asked {
            return;
        }
        stop.changed.wait_for(&mut asked, wait);
        if *asked {
            return;
        }
    }
}
