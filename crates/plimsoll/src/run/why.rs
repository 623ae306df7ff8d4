//! What messages about alerts say of causes: related series, what changed, the forecast, what to do first.
//!
//! Bounded in time by what it is asked with: at the deadline it tells what is known by then. It reads the
//! hour before the alert and the hour before that; an alert that is over is not looked into again. Where
//! analysis is switched off (`analysis.enabled: false`, `--bare`) it tells nothing.

use std::sync::Arc;

use plimsoll_alert::evidence::{Asked, Cause, Evidence, Findings, Happened, Symptom};
use plimsoll_alert::payload::in_query;
use plimsoll_insight::investigate::{
    ChangeKind, ChangesAsk, Investigator, Related, RelatedAsk, SeenChange,
};
use plimsoll_insight::{ForecastState, Insight};
use plimsoll_model::{Cancel, HOUR_MS, MINUTE_MS, ReadCx, TimeRange};
use plimsoll_world::Clock;

/// How far back from the alert, ms.
const BACK_MS: i64 = HOUR_MS;
/// How long after its beginning an alert is looked at, ms.
const AFTER_MS: i64 = 30 * MINUTE_MS;
/// Causes of one message.
const CAUSES: usize = 5;
/// Changes of one message.
const CHANGES: usize = 5;
/// A cause below this is a guess and not told.
const SCORE_MIN: f64 = 0.1;
/// A change so long before an alert may still have caused it, ms.
const RECENT_MS: i64 = 30 * MINUTE_MS;

/// Looks into alerts.
pub struct Why {
    investigator: Investigator,
    insight: Arc<Insight>,
    clock: Arc<dyn Clock>,
}

impl Why {
    /// With these.
    pub fn new(investigator: Investigator, insight: Arc<Insight>, clock: Arc<dyn Clock>) -> Self {
        Self { investigator, insight, clock }
    }

    /// A reader that stops at the deadline, or when nobody waits.
    fn reader(&self, asked: &Asked<'_>) -> ReadCx {
        let (clock, until, outer) = (Arc::clone(&self.clock), asked.until, asked.cancel.clone());
        let mut cx = ReadCx::unlimited();
        cx.cancel = Cancel::when(move || clock.mono() >= until || outer.stopped().is_some());
        cx
    }

    fn related(&self, asked: &Asked<'_>, symptom: &Symptom, cx: &ReadCx) -> Vec<Related> {
        let Ok(query) = self.investigator.parse(&symptom.expr) else { return Vec::new() };
        let end = asked.now.min(symptom.since + AFTER_MS).max(symptom.since);
        let ask = RelatedAsk {
            query,
            labels: symptom.labels.clone(),
            since: Some(symptom.since),
            range: TimeRange::new(symptom.since - BACK_MS, end),
            baseline: None,
            sets: Vec::new(),
            limit: CAUSES,
        };
        match self.investigator.related(&ask, cx) {
            Ok(answer) => answer.related,
            Err(e) => {
                tracing::debug!(error = %e, query = symptom.expr, "no causes for an alert");
                Vec::new()
            }
        }
    }

    fn changes(&self, asked: &Asked<'_>, symptom: &Symptom, cx: &ReadCx) -> Vec<SeenChange> {
        let end = asked.now.min(symptom.since + AFTER_MS).max(symptom.since);
        let ask = ChangesAsk {
            range: TimeRange::new(symptom.since - BACK_MS, end),
            sets: Vec::new(),
            in_data: false,
            limit: CHANGES,
        };
        match self.investigator.changes(&ask, cx) {
            Ok(answer) => answer.changes,
            Err(e) => {
                tracing::debug!(error = %e, "what changed before an alert is not known");
                Vec::new()
            }
        }
    }

    /// When a bounded resource of the alert's place is full, if it is foreseen.
    fn forecast(&self, symptom: Option<&Symptom>) -> Option<String> {
        let symptom = symptom?;
        let fits = |labels: &[(String, String)]| {
            let same = |name: &str| match symptom.labels.get(name) {
                None => true,
                Some(value) => labels.iter().any(|(n, v)| n == name && v == value),
            };
            let asks = symptom.labels.contains_key("instance");
            asks && ["instance", "mountpoint", "job"].iter().all(|n| same(n))
        };
        let all = self.insight.resources();
        let mut found: Vec<_> = all
            .iter()
            .filter(|r| r.forecast.state == ForecastState::Ok && fits(&r.labels))
            .filter_map(|r| Some((r.forecast.days?.p50, r)))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found.first().map(|(_, r)| format!("{}: {}", r.title, r.forecast.text))
    }
}

impl Evidence for Why {
    fn findings(&self, asked: &Asked<'_>) -> Findings {
        if !self.investigator.may_ask_unasked() {
            return Findings::default();
        }
        let forecast = self.forecast(asked.symptom.as_ref());
        let open = asked.symptom.as_ref().filter(|s| s.until.is_none());
        let Some(symptom) = open else {
            return Findings { forecast, ..Findings::default() };
        };
        let cx = self.reader(asked);
        // What exporters say themselves is quick; ranking takes what time is left.
        let changes = self.changes(asked, symptom, &cx);
        let related = self.related(asked, symptom, &cx);
        let told: Vec<&Related> = related.iter().filter(|r| r.score >= SCORE_MIN).collect();
        let recommendation = recommend(&changes, &told, forecast.as_deref(), symptom);
        let cause = |r: &&Related| {
            let (from, to) = (r.range.start, r.range.end);
            let expr = in_query(&r.query);
            let url = format!("{}/explore?expr={expr}&from={from}&to={to}", asked.external_url);
            Cause { text: r.text.clone(), score: r.score, url }
        };
        Findings {
            causes: told.iter().map(cause).collect(),
            changes: changes.into_iter().map(|c| Happened { at: c.at, what: c.text }).collect(),
            forecast,
            recommendation,
        }
    }
}

/// What to do first: undo what was changed on purpose, else look where it began.
fn recommend(
    changes: &[SeenChange],
    related: &[&Related],
    forecast: Option<&str>,
    symptom: &Symptom,
) -> Option<String> {
    let is_near = |c: &&SeenChange| {
        let own = |name: &str| match symptom.labels.get(name) {
            None => false,
            Some(v) => c.labels.iter().any(|(n, have)| n == name && have == v),
        };
        let place = ["instance", "service", "app", "job", "pod", "node"];
        (symptom.since - c.at).abs() <= RECENT_MS && place.iter().any(|n| own(n))
    };
    let deployment = changes
        .iter()
        .filter(is_near)
        .rfind(|c| matches!(c.kind, ChangeKind::Deployment | ChangeKind::Configuration));
    if let Some(change) = deployment {
        return Some(format!("Roll back first: {}.", change.text));
    }
    if let Some(first) = related.first() {
        let name = first.text.split(", ").next().unwrap_or(&first.text);
        return Some(format!("Look first at this: {name}."));
    }
    forecast.map(|text| format!("Make room before it is full: {text}."))
}
