//! Where decisions are made: the router, with what it knows of own rules and of others, and what waits
//! to be written down.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Delivery, DeliveryState, Event, Records};

use super::keep::Unsaved;
use super::states::put;
use crate::config::Config;
use crate::evidence::{Jobs, Studio, WITHIN};
use crate::forward::Forwarder;
use crate::metrics::{Metrics, count};
use crate::notify::{Making, compose, key_of};
use crate::route::{Kept, Notice, Put, Router, Silence, payload};
use crate::state::{Alert, AlertState, Transition};

/// How long a message waits for its evidence, ms.
const WITHIN_MS: i64 = WITHIN.as_millis() as i64;
/// Kind of the documents that hold alerts of the router.
const NOTICE: &str = "router_alert";
/// Kind of the documents that hold groups of the router.
const GROUP: &str = "router_group";
/// Kind of the documents that hold silences, and of the events that tell their changes.
pub const SILENCE: &str = "silence";
/// Kind of the documents in which an earlier version kept groups with their alerts.
const EARLIER_GROUP: &str = "alert_group";

/// The router and what it works with.
pub struct Desk {
    pub config: Config,
    pub router: Router,
    pub forwarder: Forwarder,
    pub unsaved: Unsaved,
    /// Counts what needs a name of its own.
    pub serial: u64,
}

impl Desk {
    /// Starts from what is in records. Within `grace_ms` every rule is evaluated.
    pub fn open(
        records: &dyn Records,
        config: Config,
        grace_ms: i64,
        now: Timestamp,
    ) -> plimsoll_records::Result<Self> {
        let mut router = Router::new(Arc::clone(&config.routing));
        let mut unsaved = Unsaved::default();
        for document in records.documents(SILENCE)? {
            let read = serde_json::from_str::<Silence>(&document.body).map_err(|e| e.to_string());
            let put = read.and_then(|s| router.restore_silence(s).map_err(|e| e.to_string()));
            if let Err(why) = put {
                tracing::warn!(silence = document.id, why, "a silence of records is left out");
            }
        }
        for document in records.documents(NOTICE)? {
            match serde_json::from_str(&document.body) {
                Ok(notice) => router.restore_notice(notice, grace_ms, now),
                Err(e) => tracing::warn!(alert = document.id, error = %e, "alert not readable"),
            }
        }
        for document in records.documents(GROUP)? {
            match serde_json::from_str(&document.body) {
                Ok(group) => router.restore_group(document.id, group),
                Err(e) => tracing::warn!(group = document.id, error = %e, "group not readable"),
            }
        }
        for document in records.documents(EARLIER_GROUP)? {
            match serde_json::from_str(&document.body) {
                Ok(group) => router.restore_earlier(&config.routing, group, grace_ms, now),
                Err(e) => tracing::warn!(group = document.id, error = %e, "group not readable"),
            }
            let (kind, id) = (EARLIER_GROUP.to_owned(), document.id);
            unsaved.change(Change::Remove { kind, id });
        }
        router.set_routing(Arc::clone(&config.routing), now);
        Ok(Self { config, router, forwarder: Forwarder::default(), unsaved, serial: 0 })
    }

    /// Takes another configuration. Within `grace_ms` every rule is evaluated.
    pub fn set_config(&mut self, config: Config, grace_ms: i64, now: Timestamp) {
        let relabels = |c: &Config| c.forward.relabel.is_some();
        let same_labels = self.config.external_labels == config.external_labels;
        if !same_labels || relabels(&self.config) || relabels(&config) {
            self.router.doubt_own(grace_ms, now);
        }
        if !Arc::ptr_eq(&self.config.routing, &config.routing) {
            self.router.set_routing(Arc::clone(&config.routing), now);
        }
        if config.forward.alertmanagers.is_empty() {
            self.forwarder.clear();
        }
        self.config = config;
    }

    /// Takes note of a step of an alert of an own rule that is evaluated every `interval_ms`.
    pub fn moved(&mut self, step: &Transition, expr: &str, interval_ms: i64, now: Timestamp) {
        let ended = step.from == AlertState::Firing && step.to == AlertState::Inactive;
        if step.to == AlertState::Firing || ended {
            self.fires(&step.alert, expr, interval_ms, now);
        }
    }

    /// Takes note that an alert of an own rule fires, or is over.
    pub fn fires(&mut self, alert: &Alert, expr: &str, interval_ms: i64, now: Timestamp) {
        let Some(notice) = self.notice(alert, expr, now) else { return };
        if !self.config.forward.alertmanagers.is_empty() {
            self.forwarder.note(&notice, interval_ms, now);
        }
        if self.router.put(notice, now) == Put::Refused {
            tracing::debug!(alert = %alert.key(), "alert not routed: there are too many");
        }
    }

    /// An alert as others see it; `None` when relabelling drops it.
    fn notice(&self, alert: &Alert, expr: &str, now: Timestamp) -> Option<Notice> {
        let firing = alert.state == AlertState::Firing;
        let mut labels = alert.labels.clone();
        labels.retain(|_, value| !value.is_empty());
        for (name, value) in self.config.external_labels.iter() {
            if !labels.contains_key(name) {
                labels.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(relabel) = &self.config.forward.relabel {
            let kept = relabel(&mut labels);
            labels.retain(|_, value| !value.is_empty());
            if !kept || labels.is_empty() {
                return None;
            }
        }
        Some(Notice {
            labels,
            annotations: alert.annotations.clone(),
            starts_at: alert.fired_at.unwrap_or(alert.active_at),
            ends_at: if firing { None } else { Some(alert.resolved_at.unwrap_or(now)) },
            updated_at: now,
            by_timeout: false,
            generator_url: payload::link(&self.config.external_url, expr),
        })
    }

    /// Asks the router; its messages, and when to ask again. Those whose evidence is to be made by `studio`
    /// until then wait for it, and are in `jobs`.
    pub fn decide(
        &mut self,
        now: Timestamp,
        metrics: &Metrics,
        evidence: Option<(&Studio, Duration)>,
        jobs: &mut Jobs,
    ) -> (Vec<Delivery>, Option<Timestamp>) {
        self.forwarder.tick(now);
        let (messages, next) = self.router.due(now);
        let mut fresh = Vec::new();
        let external_url = &self.config.external_url;
        let making = Making { external_url, templates: &self.config.routing.named, exhibit: None };
        for message in &messages {
            count(&metrics.notifications, 1);
            match compose(message, &self.config.routing, &making, now) {
                Some(mut delivery) => {
                    if let Some((studio, until)) = evidence
                        && jobs.add(message, studio, until)
                    {
                        delivery.next_ms = now + WITHIN_MS;
                    }
                    self.unsaved.change(Change::Enqueue(delivery.clone()));
                    fresh.push(delivery);
                }
                None => self.router.delivered(&message.key),
            }
        }
        self.note_changes(now);
        (fresh, next)
    }

    /// Lets what changed in the router be written down.
    pub fn note_changes(&mut self, now: Timestamp) {
        for kept in self.router.take_changed() {
            self.unsaved.changes(changes(kept, now));
        }
    }

    /// Takes note of how a message went.
    pub fn went(&mut self, delivery: &Delivery, now: Timestamp) {
        match delivery.state {
            DeliveryState::Pending => {}
            DeliveryState::Delivered => self.router.delivered(key_of(delivery)),
            DeliveryState::Dead => self.router.refused(key_of(delivery), now),
        }
    }

    /// Shows sizes and counts.
    pub fn count(&self, now: Timestamp, metrics: &Metrics) {
        let [alerts, groups, silences] = self.router.sizes(now);
        metrics.router_alerts.store(alerts as u64, Relaxed);
        metrics.router_groups.store(groups as u64, Relaxed);
        metrics.silences_active.store(silences as u64, Relaxed);
        let counts = self.router.counts();
        metrics.refused_alerts.store(counts.refused, Relaxed);
        metrics.inhibited.store(counts.inhibited, Relaxed);
        metrics.silenced.store(counts.silenced, Relaxed);
        metrics.out_of_hours.store(counts.out_of_hours, Relaxed);
        let (waiting, dropped) = self.forwarder.counts();
        metrics.forward_waiting.store(waiting as u64, Relaxed);
        metrics.forward_dropped.store(dropped, Relaxed);
    }
}

/// A change of the router as changes of records; of a silence also what happened to it.
fn changes(kept: Kept, now: Timestamp) -> Vec<Change> {
    let document = |kind: &str, id: String, body: Option<serde_json::Result<String>>| match body {
        Some(Ok(body)) => put(kind.to_owned(), id, now, body),
        _ => Change::Remove { kind: kind.to_owned(), id },
    };
    match kept {
        Kept::Notice(id, n) => vec![document(NOTICE, id, n.map(|n| serde_json::to_string(&n)))],
        Kept::Group(id, g) => vec![document(GROUP, id, g.map(|g| serde_json::to_string(&g)))],
        Kept::Silence(id, silence) => {
            let body = silence.map(|s| serde_json::to_string(&s));
            let told = match &body {
                Some(Ok(body)) => body.clone(),
                _ => String::new(),
            };
            let (kind, subject) = (SILENCE.to_owned(), id.clone());
            let event = Event { seq: 0, time_ms: now, kind, subject, body: told };
            vec![document(SILENCE, id, body), Change::Append(event)]
        }
    }
}
