//! Evidence for messages: who makes it is given once; jobs are taken by blocking threads of the rim.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use plimsoll_model::Cancel;

use super::Alerting;
use crate::evidence::inquiry::{Inquiry, OwnRule, expression, together};
use crate::evidence::{Exhibit, Job, PictureKind, Shown, Studio, Symptom, WITHIN};
use crate::metrics::count;
use crate::notify::{Making, compose};
use crate::route::Notice;

/// How long evidence that somebody looks at may take.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// What is left for the picture and the message when causes are known.
const RESERVE: Duration = Duration::from_millis(400);

impl Alerting {
    /// Gives messages evidence from now on. The first one that is given stays.
    pub fn show_evidence(&self, studio: Studio) {
        let _as_before = self.studio.set(studio);
        self.count_pictures();
    }

    /// Who makes evidence, if anybody does.
    pub fn studio(&self) -> Option<&Studio> {
        self.studio.get()
    }

    /// Takes a message that waits for its evidence, makes that, and puts it in; `false` when none waits.
    /// Blocks for as long as it takes. Whatever goes wrong, the message goes out.
    pub fn illustrate_one(&self) -> bool {
        let Some(studio) = self.studio() else { return false };
        let Some(job) = studio.take() else { return false };
        let began = self.setup.clock.mono();
        let left = job.until.saturating_sub(began);
        if left.is_zero() {
            count(&self.metrics.evidence_late, job.notifications.len() as u64);
            return true;
        }
        let Some(first) = job.notifications.first() else { return true };
        let shown = self.inquire(studio, &first.alerts, left);
        let mut exhibit = shown.exhibit.clone();
        if self.setup.clock.mono() < job.until {
            exhibit.picture = studio.picture(&shown, self.now());
        }
        exhibit.at = first.at;
        self.put_in(&job, &exhibit);
        let took = self.setup.clock.mono().saturating_sub(began);
        count(&self.metrics.evidence_us, u64::try_from(took.as_micros()).unwrap_or(0));
        if let Some(gallery) = studio.gallery() {
            gallery.expire(self.now());
        }
        self.count_pictures();
        true
    }

    fn count_pictures(&self) {
        if let Some(gallery) = self.studio().and_then(Studio::gallery) {
            let (pictures, bytes) = gallery.size();
            self.metrics.evidence_pictures.store(pictures, Relaxed);
            self.metrics.evidence_bytes.store(bytes, Relaxed);
        }
    }

    /// Makes the messages of a job anew and lets them go.
    fn put_in(&self, job: &Job, exhibit: &Exhibit) {
        let routing = self.receivers();
        let external_url = self.external_url();
        let making = Making {
            external_url: &external_url,
            templates: &routing.named,
            exhibit: Some(exhibit),
        };
        let now = self.now();
        for n in &job.notifications {
            let in_time = compose(n, &routing, &making, now)
                .is_some_and(|delivery| self.outbox.enrich(delivery, now));
            let counter =
                if in_time { &self.metrics.evidence_made } else { &self.metrics.evidence_late };
            count(counter, 1);
        }
    }

    fn inquire(&self, studio: &Studio, alerts: &[Notice], within: Duration) -> Shown {
        self.with_inquiry(studio, alerts, within, |inquiry| inquiry.show(alerts))
    }

    fn with_inquiry<T>(
        &self,
        studio: &Studio,
        alerts: &[Notice],
        within: Duration,
        ask: impl FnOnce(&Inquiry<'_>) -> T,
    ) -> T {
        let cancel = Cancel::new();
        (self.setup.arm)(within, cancel.clone());
        let alike = together(alerts);
        let lead = alike.first();
        let expr = lead.and_then(expression).unwrap_or_default();
        let name = lead.and_then(|l| l.labels.get("alertname"));
        let rule = {
            let views = self.views.lock();
            let mut rules = views.values().flat_map(|g| &g.rules);
            let found = rules.find(|r| Some(&r.name) == name && r.query == expr);
            found.map(|r| OwnRule {
                for_ms: r.for_ms,
                labels: r.labels.iter().map(|(n, _)| n.clone()).collect(),
                thresholds: r.thresholds.clone(),
            })
        };
        let seen = self.surroundings();
        let inquiry = Inquiry {
            engine: &self.setup.engine,
            view: self.setup.source.snapshot(),
            records: &*self.setup.records,
            past: &studio.past,
            evidence: studio.evidence(),
            rule,
            external_labels: &seen.external_labels,
            external_url: &seen.external_url,
            now: self.now(),
            cancel,
            until: self.setup.clock.mono() + within.saturating_sub(RESERVE),
        };
        ask(&inquiry)
    }

    /// What an alert looks at; `None` when no alert has this fingerprint, the inner one when its link has no
    /// expression.
    pub fn symptom_of(&self, fingerprint: u64) -> Option<Option<Symptom>> {
        let notice = self.desk.lock().router.notice(fingerprint)?.clone();
        let none = Studio::default();
        let studio = self.studio().unwrap_or(&none);
        let alerts = [notice];
        Some(self.with_inquiry(studio, &alerts, LOOK_WITHIN, |i| i.symptom(&alerts[0])))
    }

    /// The evidence of an alert at this moment, its chart as SVG; `None` when no alert has this
    /// fingerprint. Blocks.
    pub fn evidence_of(&self, fingerprint: u64) -> Option<(Exhibit, Option<String>)> {
        let notice = self.desk.lock().router.notice(fingerprint)?.clone();
        let none = Studio::default();
        let studio = self.studio().unwrap_or(&none);
        let shown = self.inquire(studio, &[notice], LOOK_WITHIN);
        let svg = studio.svg(&shown);
        Some((shown.exhibit, svg))
    }

    /// The bytes of a picture that went out with a message; `None` when it is not kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn picture(&self, id: &str, kind: PictureKind) -> std::io::Result<Option<Vec<u8>>> {
        match self.studio().and_then(Studio::gallery) {
            Some(gallery) => gallery.get(id, kind),
            None => Ok(None),
        }
    }

    /// When evidence that is wanted now is too late.
    pub(super) fn evidence_until(&self) -> Duration {
        self.setup.clock.mono() + WITHIN
    }

    /// Waits until there may be evidence to make; for ever when nobody makes any.
    pub(crate) async fn evidence_wanted(self: &Arc<Self>) {
        match self.studio() {
            Some(studio) => studio.changed().await,
            None => std::future::pending().await,
        }
    }
}
