//! The thread on which findings are made, and their metrics.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use plimsoll_collect::own::Expose;
use plimsoll_insight::Findings;
use plimsoll_wire::text::TextWriter;

use crate::config::Config;
use crate::error::Error;

/// Looks until stopped.
pub struct Looking {
    findings: Arc<Findings>,
    news: Arc<News>,
    thread: JoinHandle<()>,
}

/// Wakes the thread.
#[derive(Default)]
pub struct News {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Default)]
struct Said {
    stop: bool,
    news: bool,
}

impl News {
    /// Analysis has new results.
    pub fn tell(&self) {
        self.said.lock().news = true;
        self.changed.notify_all();
    }
}

impl Looking {
    /// Starts the thread; none when analysis is off.
    pub fn start(
        findings: &Arc<Findings>,
        news: &Arc<News>,
        config: &Config,
    ) -> Result<Option<Self>, Error> {
        if !config.analysis.enabled {
            return Ok(None);
        }
        let (at_work, told) = (Arc::clone(findings), Arc::clone(news));
        let thread = std::thread::Builder::new()
            .name("findings".to_owned())
            .spawn(move || look_until(&at_work, &told))
            .map_err(|e| Error::Unavailable(format!("the findings thread cannot start: {e}")))?;
        Ok(Some(Self { findings: Arc::clone(findings), news: Arc::clone(news), thread }))
    }

    /// Ends the thread after the look that it is in, and keeps what was found.
    pub fn stop(self) {
        self.news.said.lock().stop = true;
        self.news.changed.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the findings thread panicked");
        }
        self.findings.checkpoint();
    }
}

fn look_until(findings: &Findings, news: &News) {
    loop {
        let wait = findings.tick().max(Duration::from_millis(50));
        let mut said = news.said.lock();
        if !said.stop && !said.news {
            news.changed.wait_for(&mut said, wait);
        }
        if said.stop {
            return;
        }
        said.news = false;
    }
}

/// What findings tell about themselves.
pub struct FindingsMetrics(pub Arc<Findings>);

impl Expose for FindingsMetrics {
    fn expose(&self, out: &mut TextWriter) {
        let mut last = "";
        for (name, help, kind, labels, value) in self.0.rows() {
            if name != last {
                out.family(name, kind, help);
                last = name;
            }
            let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (*n, v.as_str())).collect();
            out.sample(name, &labels, value);
        }
    }
}
