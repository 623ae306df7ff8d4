//! Where decisions are made: the router, with what it knows of own rules and of others, and what waits
//! to be written down.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use plimsoll_model::Timestamp;
use plimsoll_records::{BODY_BYTES_MAX, Change, Delivery, DeliveryState, Document, Event, Records};

use super::keep::Unsaved;
use super::states::put;
use crate::config::Config;
use crate::evidence::{Jobs, Studio, WITHIN};
use crate::forward::Forwarder;
use crate::history::{Episode, History, Incident, KeptHistory, Origin};
use crate::metrics::{Metrics, count};
use crate::notify::{Making, compose, key_of};
use crate::route::acknowledge::{AcknowledgeError, Acknowledged};
use crate::route::{
    Kept, Notice, Notification, Put, Router, Routing, Silence, SilenceState, fingerprint, packed,
    payload,
};
use crate::state::{Alert, AlertState, Transition};

/// How long a message waits for its evidence, ms.
const WITHIN_MS: i64 = WITHIN.as_millis() as i64;
/// Kind of the documents that hold alerts of the router.
const NOTICE: &str = "router_alert";
/// Kind of the documents that hold groups of the router.
const GROUP: &str = "router_group";
/// Kind of the documents that hold silences, and of the events that tell their changes.
pub const SILENCE: &str = "silence";
/// Kind of the documents that hold episodes of alerts.
pub const EPISODE: &str = "alert_episode";
/// Kind of the documents that hold incidents.
pub const INCIDENT: &str = "incident";
/// Kind of the events that tell who took care of what.
const ACKNOWLEDGEMENT: &str = "alert_acknowledgement";
/// How often it is found out which alerts of incidents are silenced, ms.
const SILENCES_MS: i64 = 60_000;
/// Kind of the documents in which an earlier version kept groups with their alerts.
const EARLIER_GROUP: &str = "alert_group";

/// The router and what it works with.
pub struct Desk {
    pub config: Config,
    pub router: Router,
    pub forwarder: Forwarder,
    pub history: History,
    pub unsaved: Unsaved,
    silences_at: Timestamp,
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
        restore_silences(records.documents(SILENCE)?, &mut router, &mut unsaved, now);
        for document in records.documents(NOTICE)? {
            match serde_json::from_str(&document.body) {
                Ok(notice) => router.restore_notice(notice, grace_ms, now),
                Err(e) => tracing::warn!(alert = document.id, error = %e, "alert not readable"),
            }
        }
        for document in records.documents(GROUP)? {
            match packed::read(&document.body) {
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
        let history = history(records, now)?;
        let (forwarder, serial, silences_at) = (Forwarder::default(), 0, 0);
        Ok(Self { config, router, forwarder, history, unsaved, silences_at, serial })
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
    pub fn moved(&mut self, origin: &Origin, step: &Transition, interval_ms: i64, now: Timestamp) {
        let ended = step.from == AlertState::Firing && step.to == AlertState::Inactive;
        let fp = if step.to == AlertState::Firing || ended {
            self.fires(&step.alert, &origin.expr, interval_ms, now)
        } else {
            self.fingerprint(&step.alert, now)
        };
        self.history.step(origin, step, fp);
    }

    /// Takes note that an alert of an own rule, which its rule calls `name`, is still there; its texts may
    /// have changed.
    pub fn seen(
        &mut self,
        origin: &Origin,
        name: &str,
        alert: &Alert,
        interval_ms: i64,
        now: Timestamp,
    ) {
        let fp = if alert.state == AlertState::Firing {
            self.fires(alert, &origin.expr, interval_ms, now)
        } else {
            let known = self.history.fingerprint(origin, name);
            known.unwrap_or_else(|| self.fingerprint(alert, now))
        };
        self.history.seen(origin, name, alert, fp);
    }

    /// The name of an alert of an own rule among all.
    fn fingerprint(&self, alert: &Alert, now: Timestamp) -> u64 {
        let notice = self.notice(alert, "", now);
        notice.map_or_else(|| fingerprint(&alert.labels), |n| n.fingerprint())
    }

    /// Takes note that an alert of an own rule fires, or is over. Its name among all.
    fn fires(&mut self, alert: &Alert, expr: &str, interval_ms: i64, now: Timestamp) -> u64 {
        let Some(notice) = self.notice(alert, expr, now) else { return fingerprint(&alert.labels) };
        let fp = notice.fingerprint();
        if !self.config.forward.alertmanagers.is_empty() {
            self.forwarder.note(&notice, interval_ms, now);
        }
        match self.router.put(notice, now) {
            Put::Refused => {
                tracing::debug!(alert = %alert.key(), "alert not routed: there are too many");
            }
            Put::New => {
                // It went on all the time if its episode did, and so does who takes care of it.
                if let Some(by) = self.history.acknowledged(fp).cloned() {
                    let _it_fires = self.router.acknowledge(fp, Some(by), now);
                }
            }
            Put::Changed | Put::Same => {}
        }
        fp
    }

    /// Takes note of an alert of others.
    pub fn post(&mut self, notice: Notice, now: Timestamp) -> Put {
        let fp = notice.fingerprint();
        let put = self.router.post(notice, now);
        if let Some(known) = self.router.notice(fp).filter(|_| put != Put::Refused) {
            self.history.posted(put, known, now);
        }
        put
    }

    /// Says who takes care of alerts, or that nobody does; `what` names them for people and in the log.
    pub fn care(
        &mut self,
        what: &str,
        fingerprints: &[u64],
        by: Option<&Acknowledged>,
        who: &str,
        now: Timestamp,
    ) -> Result<(), AcknowledgeError> {
        self.history.expire(now, |fp| self.router.notice(fp));
        let mut why = AcknowledgeError::NotFiring(what.to_owned());
        let mut n = 0;
        for fp in fingerprints {
            match self.router.acknowledge(*fp, by.cloned(), now) {
                Ok(()) => n += 1,
                Err(AcknowledgeError::Unknown(_)) if self.history.of(*fp).next().is_none() => {
                    why = AcknowledgeError::Unknown(what.to_owned());
                }
                Err(_) => {}
            }
        }
        n += self.history.acknowledge(fingerprints, by, who, now);
        if n == 0 {
            return Err(why);
        }
        let shown: Vec<String> = fingerprints.iter().map(|fp| format!("{fp:016x}")).collect();
        let body = serde_json::json!({
            "acknowledged": by.is_some(), "by": who, "note": by.map_or("", |b| b.note.as_str()),
            "alerts": shown,
        });
        let (kind, subject) = (ACKNOWLEDGEMENT.to_owned(), what.to_owned());
        let event = Event { seq: 0, time_ms: now, kind, subject, body: body.to_string() };
        self.unsaved.change(Change::Append(event));
        self.note_changes(now);
        Ok(())
    }

    /// Takes note in the incidents of what silences mute now; `by` and `text` tell who did it and why.
    pub fn note_silences(&mut self, by: Option<&str>, text: &str, now: Timestamp) {
        let router = &self.router;
        self.silences_at = now;
        self.history.silenced(|e| router.is_silenced(e.fingerprint, now), by, text, now);
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
            acknowledged: None,
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
        self.history.expire(now, |fp| self.router.notice(fp));
        self.history.settle(now);
        let (messages, next) = self.router.due(now);
        for heard in self.router.take_heard() {
            self.history.heard(&heard, now);
        }
        if now < self.silences_at || now - self.silences_at >= SILENCES_MS {
            self.note_silences(None, "", now);
        }
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
                    self.history.notified(message);
                    let kept = kept_message(&delivery, message, &self.config.routing, &making, now);
                    self.unsaved.change(Change::Enqueue(kept));
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
        for kept in self.history.take_changed(now) {
            self.unsaved.change(history_change(kept, now));
        }
    }

    /// Takes note of how a message went.
    pub fn went(&mut self, delivery: &Delivery, now: Timestamp) {
        match delivery.state {
            DeliveryState::Pending => {}
            DeliveryState::Delivered => self.router.delivered(key_of(delivery)),
            DeliveryState::Dead => self.router.refused(key_of(delivery), now),
        }
        if delivery.state != DeliveryState::Pending {
            let is_there = delivery.state == DeliveryState::Delivered;
            self.history.went(key_of(delivery), is_there, now);
        }
    }

    /// Shows sizes and counts.
    pub fn count(&mut self, now: Timestamp, metrics: &Metrics) {
        let [alerts, groups, silences] = self.router.sizes(now);
        metrics.router_alerts.store(alerts as u64, Relaxed);
        metrics.router_groups.store(groups as u64, Relaxed);
        metrics.silences_active.store(silences as u64, Relaxed);
        let counts = self.router.counts();
        metrics.refused_alerts.store(counts.refused, Relaxed);
        metrics.inhibited.store(counts.inhibited, Relaxed);
        metrics.silenced.store(counts.silenced, Relaxed);
        metrics.out_of_hours.store(counts.out_of_hours, Relaxed);
        let [open, kept, forgotten, missed, incidents] = self.history.sizes();
        metrics.episodes_open.store(open, Relaxed);
        metrics.episodes_kept.store(kept, Relaxed);
        metrics.episodes_forgotten.store(forgotten, Relaxed);
        metrics.episodes_missed.store(missed, Relaxed);
        metrics.incidents_open.store(incidents, Relaxed);
        if let Some(rows) = self.history.tally() {
            *metrics.tally.lock() = rows;
        }
        let (waiting, dropped) = self.forwarder.counts();
        metrics.forward_waiting.store(waiting as u64, Relaxed);
        metrics.forward_dropped.store(dropped, Relaxed);
    }
}

/// Takes silences from records; those that are over come last, so that they take no room from others.
///
/// What there is no room for, or what cannot be read (a later version may have written it), stays in
/// records: people wished for it, and at the next start there may be room. When it would be forgotten
/// anyway it is removed. One warning tells of all of them.
fn restore_silences(
    documents: Vec<Document>,
    router: &mut Router,
    unsaved: &mut Unsaved,
    now: Timestamp,
) {
    let mut left_out: Vec<(String, String)> = Vec::new();
    let mut read = Vec::new();
    for document in documents {
        match serde_json::from_str::<Silence>(&document.body) {
            Ok(silence) if silence.is_forgotten(now) => {
                let (kind, id) = (SILENCE.to_owned(), document.id);
                unsaved.change(Change::Remove { kind, id });
            }
            Ok(silence) => read.push(silence),
            Err(e) => left_out.push((document.id, e.to_string())),
        }
    }
    read.sort_by_key(|s| s.state(now) == SilenceState::Expired);
    for silence in read {
        let id = silence.id.clone();
        if let Err(e) = router.restore_silence(silence) {
            left_out.push((id, e.to_string()));
        }
    }
    if let Some((first, why)) = left_out.first() {
        tracing::warn!(
            silences = left_out.len(),
            first,
            why,
            "silences of records are left out and mute nothing; they stay there until they are over"
        );
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
        Kept::Group(id, g) => {
            vec![document(GROUP, id, g.map(|g| packed::text(&g, BODY_BYTES_MAX)))]
        }
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

/// A message as records hold it: when it is too large for them, with fewer texts, then with fewer alerts.
/// What is sent at once is the whole one; only after a restart it is the smaller one.
fn kept_message(
    whole: &Delivery,
    message: &Notification,
    routing: &Routing,
    making: &Making<'_>,
    now: Timestamp,
) -> Delivery {
    if whole.body.len() <= BODY_BYTES_MAX {
        return whole.clone();
    }
    let mut less = message.clone();
    less.alerts.iter_mut().for_each(|alert| alert.annotations.clear());
    loop {
        match compose(&less, routing, making, now) {
            Some(small) if small.body.len() <= BODY_BYTES_MAX => {
                return Delivery { body: small.body, ..whole.clone() };
            }
            _ if less.alerts.len() <= 1 => return whole.clone(),
            _ => less.alerts.truncate(less.alerts.len() / 2),
        }
    }
}

/// The history as records hold it.
fn history(records: &dyn Records, now: Timestamp) -> plimsoll_records::Result<History> {
    let mut history = History::default();
    for document in records.documents(EPISODE)? {
        match serde_json::from_str::<Episode>(&document.body) {
            Ok(episode) => history.restore_episode(episode, now),
            Err(e) => tracing::warn!(episode = document.id, error = %e, "episode not readable"),
        }
    }
    let mut incidents = Vec::new();
    for document in records.documents(INCIDENT)? {
        match serde_json::from_str::<Incident>(&document.body) {
            Ok(incident) => incidents.push(incident),
            Err(e) => tracing::warn!(incident = document.id, error = %e, "incident not readable"),
        }
    }
    history.restore_incidents(incidents, now);
    Ok(history)
}

fn history_change(kept: KeptHistory, now: Timestamp) -> Change {
    let (kind, id, body) = match kept {
        KeptHistory::Episode(id, e) => (EPISODE, id, e.map(|e| serde_json::to_string(&e))),
        KeptHistory::Incident(id, i) => (INCIDENT, id, i.map(|i| serde_json::to_string(&i))),
    };
    match body {
        Some(Ok(body)) => put(kind.to_owned(), id, now, body),
        _ => Change::Remove { kind: kind.to_owned(), id },
    }
}
