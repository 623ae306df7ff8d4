//! What is told to Alertmanagers of others, as Prometheus tells it: own alerts when they begin to fire,
//! again every [`RESEND_MS`] while they do, when they are over, and again for [`OVER_MS`] after that.
//!
//! A firing alert carries an end that lies ahead, so that it is over by itself when this server dies.
//! What waits to be sent is bounded by [`WAITING_MAX`]; the oldest falls out and is counted.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{MINUTE_MS, Timestamp};

use crate::config::http::HttpConfig;
use crate::route::{NOTICES_MAX, Notice};

/// Time between two words about an alert that goes on, ms.
pub const RESEND_MS: i64 = MINUTE_MS;
/// How long the end of an alert is repeated, ms.
pub const OVER_MS: i64 = 15 * MINUTE_MS;
/// Alerts that wait to be sent.
pub const WAITING_MAX: usize = 10_000;
/// Alerts in one request.
pub const BATCH_MAX: usize = 64;

/// Changes labels in place; false drops what has them.
pub type Relabel = Arc<dyn Fn(&mut BTreeMap<String, String>) -> bool + Send + Sync>;

/// To whom own alerts are forwarded, and what becomes of their labels first.
#[derive(Clone, Default)]
pub struct Forward {
    /// The others.
    pub alertmanagers: Vec<Alertmanager>,
    /// What `alert_relabel_configs` do, after the external labels are added. It holds for the own router
    /// too, so that routes see the same labels here as there.
    pub relabel: Option<Relabel>,
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("alertmanagers", &self.alertmanagers)
            .field("relabel", &self.relabel.is_some())
            .finish()
    }
}

/// An Alertmanager of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Alertmanager {
    /// `http://host:port/prefix/api/v2/alerts`
    pub url: String,
    /// How it is reached.
    pub http: HttpConfig,
    /// How long a request may take.
    pub timeout: Duration,
}

/// What was told, and what waits to be.
#[derive(Debug, Default)]
pub struct Forwarder {
    told: BTreeMap<u64, Told>,
    waiting: VecDeque<Notice>,
    dropped: u64,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    notice: Notice,
}

impl Forwarder {
    /// Takes note of an alert after its rule was evaluated; `interval_ms` is the rule's.
    pub fn note(&mut self, notice: &Notice, interval_ms: i64, now: Timestamp) {
        let fp = notice.fingerprint();
        let told = self.told.get(&fp);
        let over = notice.ends_at.is_some();
        let due = told.is_none_or(|t| {
            let changed = over != t.notice.is_resolved(now);
            changed || now - t.at >= RESEND_MS || now < t.at
        });
        if !due || (told.is_none() && self.told.len() >= NOTICES_MAX) {
            return;
        }
        let mut notice = notice.clone();
        if !over {
            notice.ends_at = Some(now + 4 * interval_ms.max(RESEND_MS));
        }
        self.push(notice.clone());
        self.told.insert(fp, Told { at: now, notice });
    }

    /// Repeats ends that are due to be, and forgets old ones.
    pub fn tick(&mut self, now: Timestamp) {
        let mut again = Vec::new();
        self.told.retain(|_, told| {
            let end = told.notice.ends_at.unwrap_or(now);
            if end > now {
                return true;
            }
            if now - told.at >= RESEND_MS {
                told.at = now;
                again.push(told.notice.clone());
            }
            now - end < OVER_MS
        });
        again.into_iter().for_each(|n| self.push(n));
    }

    fn push(&mut self, notice: Notice) {
        self.waiting.push_back(notice);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
    }

    /// Takes what is to be sent in one request.
    pub fn take(&mut self) -> Vec<Notice> {
        let n = self.waiting.len().min(BATCH_MAX);
        self.waiting.drain(..n).collect()
    }

    /// Forgets everything: there is nobody to tell.
    pub fn clear(&mut self) {
        self.told.clear();
        self.waiting.clear();
    }

    /// Alerts that wait, and those that fell out since the start.
    pub fn counts(&self) -> (usize, u64) {
        (self.waiting.len(), self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(ends_at: Option<Timestamp>) -> Notice {
        let labels = [("alertname".to_owned(), "A".to_owned())].into();
        Notice { labels, ends_at, ..Notice::default() }
    }

    fn ends(forwarder: &mut Forwarder) -> Vec<i64> {
        forwarder.take().iter().map(|n| n.ends_at.unwrap() / 1_000).collect()
    }

    #[test]
    fn an_alert_is_told_again_each_minute_and_its_end_for_a_while() {
        let mut f = Forwarder::default();
        for second in (0..=120).step_by(15) {
            f.note(&notice(None), 15_000, second * 1_000);
        }
        assert_eq!(ends(&mut f), [240, 300, 360]);
        f.note(&notice(Some(130_000)), 15_000, 130_000);
        assert_eq!(ends(&mut f), [130]);
        for second in 131..1_200 {
            f.tick(second * 1_000);
        }
        assert_eq!(ends(&mut f).len(), 15);
        f.note(&notice(None), 100_000, 1_300_000);
        assert_eq!(ends(&mut f), [1_700], "another episode");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut f = Forwarder::default();
        for i in 0..WAITING_MAX + 5 {
            let labels = [("i".to_owned(), i.to_string())].into();
            f.note(&Notice { labels, ..Notice::default() }, 1, 0);
        }
        assert_eq!(f.counts(), (WAITING_MAX, 5));
        assert_eq!(f.take()[0].labels["i"], "5");
    }
}
