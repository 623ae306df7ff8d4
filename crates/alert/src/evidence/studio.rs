//! Who makes evidence for messages: a short queue, and the few that work at it.
//!
//! A [`Job`] is one decision: the notifications that tell the same alerts to several receivers share its
//! evidence. The queue is bounded; who finds it full goes without. No clock of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::Timestamp;

use super::past::Past;
use super::{Evidence, Gallery, Illustrate, Picture, Shown, WAITING_MAX};
use crate::route::Notification;

/// What a studio works with.
#[derive(Clone, Default)]
pub struct StudioParts {
    /// Draws charts; without it there are figures only.
    pub illustrate: Option<Arc<dyn Illustrate>>,
    /// Knows of causes.
    pub evidence: Option<Arc<dyn Evidence>>,
    /// Keeps pictures; without it there are figures only.
    pub gallery: Option<Arc<Gallery>>,
}

/// Makes evidence.
pub struct Studio {
    parts: StudioParts,
    pub(crate) past: Past,
    waiting: Mutex<VecDeque<Job>>,
    changed: tokio::sync::Notify,
}

/// Evidence that is wanted.
#[derive(Debug)]
pub(crate) struct Job {
    /// The messages, all about the same alerts.
    pub notifications: Vec<Notification>,
    /// When it is too late, on the monotonic clock.
    pub until: Duration,
}

/// The jobs of one look at the groups.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub all: Vec<Job>,
    /// Messages that go without.
    pub left_out: u64,
}

impl Jobs {
    /// Adds a message; whether it is worth waiting for its evidence.
    pub fn add(&mut self, n: &Notification, studio: &Studio, until: Duration) -> bool {
        let is_same = |job: &&mut Job| {
            job.notifications
                .first()
                .is_some_and(|m| m.group_key == n.group_key && m.alerts == n.alerts)
        };
        if let Some(job) = self.all.iter_mut().find(is_same) {
            job.notifications.push(n.clone());
            return true;
        }
        if studio.len() + self.all.len() >= WAITING_MAX {
            self.left_out += 1;
            return false;
        }
        self.all.push(Job { notifications: vec![n.clone()], until });
        true
    }
}

impl Default for Studio {
    /// One that gives figures only.
    fn default() -> Self {
        Self::new(StudioParts::default())
    }
}

impl Studio {
    /// One that works with these.
    pub fn new(parts: StudioParts) -> Self {
        Self {
            parts,
            past: Past::default(),
            waiting: Mutex::default(),
            changed: tokio::sync::Notify::new(),
        }
    }

    /// Who knows of causes.
    pub(crate) fn evidence(&self) -> Option<&dyn Evidence> {
        self.parts.evidence.as_deref()
    }

    /// Where pictures are.
    pub fn gallery(&self) -> Option<&Arc<Gallery>> {
        self.parts.gallery.as_ref()
    }

    /// Jobs that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    pub(crate) fn put(&self, jobs: Vec<Job>) {
        let count = jobs.len();
        self.waiting.lock().extend(jobs);
        for _ in 0..count {
            self.changed.notify_one();
        }
    }

    pub(crate) fn take(&self) -> Option<Job> {
        self.waiting.lock().pop_front()
    }

    /// Waits until there may be a job.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The SVG of what is shown, not kept.
    pub(crate) fn svg(&self, shown: &Shown) -> Option<String> {
        Some(self.parts.illustrate.as_ref()?.draw(shown.chart.as_ref()?)?.svg)
    }

    /// Draws what is shown and keeps the picture; `None` when there is nothing to draw, or it cannot be
    /// drawn or kept.
    pub(crate) fn picture(&self, shown: &Shown, now: Timestamp) -> Option<Picture> {
        let chart = shown.chart.as_ref()?;
        let gallery = self.parts.gallery.as_ref()?;
        let drawing = self.parts.illustrate.as_ref()?.draw(chart)?;
        gallery
            .put(&drawing, now)
            .inspect_err(|e| tracing::warn!(error = %e, "the chart of a message is not kept"))
            .ok()
    }
}
