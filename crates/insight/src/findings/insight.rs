//! Insights: what analysis found, each once, with its evidence, from new to expired.
//!
//! The same type about the same subject is the same insight: seen again it counts up and its numbers
//! are renewed. One that was dismissed stays dismissed while it is seen, for a week at most. What is
//! not seen for its time expires, and is forgotten a week later. Limits: [`INSIGHTS_MAX`]; beyond it the
//! expired leave first, then the least important; counted.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{DAY_MS, Labels, METRIC_NAME, MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::probe::Evidence;
use super::reliability::Reliability;
use crate::issue::Point;
use crate::scores::AnomalyLevel;

/// Insights kept, expired ones among them.
pub const INSIGHTS_MAX: usize = 1_000;
/// Insights that are written as series.
const SERIES_MAX: usize = 50;
/// Confidence from which an insight may page.
pub const PAGE_CONFIDENCE: f64 = 0.8;
/// How long a dismissal and an expired insight are remembered, ms.
const REMEMBERED_MS: i64 = 7 * DAY_MS;
/// A sighting alone is written down at most so often, ms.
const WRITTEN_EVERY_MS: i64 = 10 * MINUTE_MS;
/// For how long one that another tells is not made by itself, ms.
const COVERED_MS: i64 = 10 * MINUTE_MS;
/// Bytes of a note or a name that a person gives.
pub(crate) const NOTE_BYTES_MAX: usize = 4_096;

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsightType {
    /// A series rises or falls for hours.
    Trend,
    /// A series behaves unusually.
    Anomaly,
    /// The level of a series changed for good.
    ChangePoint,
    /// A series repeats itself.
    Seasonality,
    /// Two series move together.
    Correlation,
    /// A change for the worse that stayed.
    Regression,
    /// A resource runs full.
    Capacity,
    /// Something is likely to break soon.
    Risk,
    /// Something paid for is not used.
    Waste,
    /// One of Plimsoll's own bounds, or an objective, is nearly used up.
    Budget,
}

impl InsightType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Trend,
        Self::Anomaly,
        Self::ChangePoint,
        Self::Seasonality,
        Self::Correlation,
        Self::Regression,
        Self::Capacity,
        Self::Risk,
        Self::Waste,
        Self::Budget,
    ];

    /// Its name: `change_point`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Anomaly => "anomaly",
            Self::ChangePoint => "change_point",
            Self::Seasonality => "seasonality",
            Self::Correlation => "correlation",
            Self::Regression => "regression",
            Self::Capacity => "capacity",
            Self::Risk => "risk",
            Self::Waste => "waste",
            Self::Budget => "budget",
        }
    }
}

/// Insights written down before there were levels.
const fn page() -> AnomalyLevel {
    AnomalyLevel::Page
}

/// How far an insight has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InsightState {
    /// Nobody said anything yet.
    New,
    /// Somebody says that it is true and worth knowing.
    Acknowledged,
    /// Somebody says that it is not.
    Dismissed,
    /// Not seen any more.
    Expired,
}

impl InsightState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Dismissed => "dismissed",
            Self::Expired => "expired",
        }
    }
}

/// What it means, as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// For people.
    pub text: String,
    /// The number; finite.
    #[serde(with = "super::kept::exact")]
    pub value: f64,
    /// Its unit: `seconds`, `ratio`, `series`, …
    pub unit: String,
    /// The query that gives it at `at_ms`.
    pub query: String,
    /// When it was asked, ms.
    pub at_ms: Timestamp,
    /// How much it matters among all insights, 0..=1.
    pub weight: f64,
}

/// What will tell whether it was true: a query and the side of a bound on which its value is then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// PromQL that gives one element.
    pub query: String,
    /// True when above the bound; otherwise when below.
    pub above: bool,
    /// The bound.
    pub bound: f64,
}

impl Check {
    /// `> 0.9`
    pub fn condition(&self) -> String {
        format!("{} {}", if self.above { '>' } else { '<' }, self.bound)
    }

    /// Whether the value is on the side that was named.
    pub fn holds(&self, value: f64) -> bool {
        if self.above { value > self.bound } else { value < self.bound }
    }
}

/// Who said something of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: String,
    /// When, ms.
    pub at_ms: Timestamp,
    /// What else they said.
    pub note: String,
}

/// Something that analysis found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnalyticsInsight {
    /// 16 hexadecimal digits, made of type and subject.
    pub id: String,
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: InsightType,
    /// How far it has come.
    pub state: InsightState,
    /// What it is about, as one text.
    pub subject: String,
    /// In a few words.
    pub title: String,
    /// With value, unit and since when.
    pub description: String,
    /// Labels of what it is about, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The method's own probability, 0..=1.
    pub claimed: f64,
    /// The same, corrected by how often this type was right, 0..=1.
    pub confidence: f64,
    /// How much it may ask for: one series alone is never worth a page.
    #[serde(default = "page")]
    pub level: AnomalyLevel,
    /// What it means.
    pub impact: Impact,
    /// The numbers it rests on.
    pub evidence: Vec<Evidence>,
    /// Ids of recommendations that it led to.
    pub recommendations: Vec<String>,
    /// When it was seen first, ms.
    pub first_ms: Timestamp,
    /// When it was seen last, ms.
    pub last_ms: Timestamp,
    /// When it expires unless it is seen again, ms.
    pub expires_ms: Timestamp,
    /// How often it was seen.
    pub count: u64,
    /// Who acknowledged or dismissed it.
    pub word: Option<Word>,
    /// What will tell whether it was true.
    pub check: Option<Check>,
    /// Whether it was counted as right (true) or wrong, and at which claim.
    pub vote: Option<(bool, f64)>,
}

impl AnalyticsInsight {
    /// Impact × confidence: how insights are ranked.
    pub fn rank(&self) -> f64 {
        self.impact.weight * self.confidence
    }

    /// Whether it may lead to a page: of that level, live, and of enough confidence.
    pub fn may_page(&self) -> bool {
        self.level == AnomalyLevel::Page
            && self.confidence >= PAGE_CONFIDENCE
            && matches!(self.state, InsightState::New | InsightState::Acknowledged)
    }

    fn is_live(&self) -> bool {
        self.state != InsightState::Expired
    }
}

/// An insight as a maker gives it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) kind: InsightType,
    pub(crate) subject: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) claimed: f64,
    pub(crate) impact: Impact,
    pub(crate) evidence: Vec<Evidence>,
    /// How long it holds when it is not seen again, ms.
    pub(crate) lasts_ms: i64,
    /// How much it may ask for.
    pub(crate) level: AnomalyLevel,
    /// Subjects of the same type that it tells in their place.
    pub(crate) covers: Vec<String>,
    pub(crate) check: Option<Check>,
}

/// A step in the life of an insight or a recommendation, for the log of events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    #[serde(skip)]
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) at_ms: Timestamp,
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) note: String,
    pub(crate) title: String,
}

/// Why somebody's word was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// No such thing.
    #[error("{0:?} is not known; it may have been forgotten")]
    Unknown(String),
    /// It is not in a state from which this leads anywhere.
    #[error("{id} is {state}; that cannot become {to}")]
    State {
        /// The thing.
        id: String,
        /// What it is.
        state: &'static str,
        /// What it was to become.
        to: &'static str,
    },
    /// Who, or the note, is missing or too long.
    #[error("{0}")]
    Invalid(String),
    /// It could not be written down; nothing changed.
    #[error("it could not be recorded, and nothing changed; try again")]
    NotRecorded,
}

/// All insights, by id.
#[derive(Default)]
pub(crate) struct Insights {
    all: BTreeMap<String, AnalyticsInsight>,
    /// Changed in a way that is to be written at once.
    changed: BTreeSet<String>,
    /// Seen again only.
    seen: BTreeSet<String>,
    gone: BTreeSet<String>,
    steps: Vec<Step>,
    written_at: Timestamp,
    /// Those that another tells: by which, and until when; at most [`INSIGHTS_MAX`].
    covered: BTreeMap<String, (String, Timestamp)>,
    /// Left out for want of room, since the start.
    pub(crate) left_out: u64,
    /// Made since the start.
    pub(crate) made: u64,
}

/// The id of an insight: a hash of type and subject.
pub(crate) fn id_of(kind: InsightType, subject: &str) -> String {
    super::hashed(&[kind.as_str(), subject])
}

impl Insights {
    pub(crate) fn get(&self, id: &str) -> Option<&AnalyticsInsight> {
        self.all.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &AnalyticsInsight> {
        self.all.values()
    }

    pub(crate) fn len(&self, state: InsightState) -> usize {
        self.all.values().filter(|i| i.state == state).count()
    }

    /// Takes one that was found; its id.
    pub(crate) fn take(&mut self, draft: Draft, now: Timestamp, table: &Reliability) -> String {
        let id = id_of(draft.kind, &draft.subject);
        for subject in &draft.covers {
            self.cover(id_of(draft.kind, subject), &id, now);
        }
        if let Some((by, _)) = self.covered.get(&id).filter(|(_, until)| *until > now) {
            return by.clone();
        }
        let confidence = table.calibrated(draft.kind, draft.claimed);
        if let Some(known) = self.all.get_mut(&id).filter(|i| i.is_live()) {
            known.count += 1;
            known.last_ms = now;
            known.title = draft.title;
            known.description = draft.description;
            known.claimed = draft.claimed;
            known.confidence = confidence;
            known.level = draft.level;
            known.impact = draft.impact;
            known.evidence = draft.evidence;
            known.check = draft.check;
            let said = known.word.as_ref().map_or(now, |w| w.at_ms);
            let dismissed = known.state == InsightState::Dismissed;
            let until = if dismissed { said + REMEMBERED_MS } else { i64::MAX };
            known.expires_ms = (now + draft.lasts_ms).min(until);
            self.seen.insert(id.clone());
            return id;
        }
        self.made += 1;
        let insight = AnalyticsInsight {
            id: id.clone(),
            kind: draft.kind,
            state: InsightState::New,
            subject: draft.subject,
            title: draft.title,
            description: draft.description,
            labels: draft.labels,
            claimed: draft.claimed,
            confidence,
            level: draft.level,
            impact: draft.impact,
            evidence: draft.evidence,
            recommendations: Vec::new(),
            first_ms: now,
            last_ms: now,
            expires_ms: now + draft.lasts_ms,
            count: 1,
            word: None,
            check: draft.check,
            vote: None,
        };
        self.step(&insight, "", "new", String::new(), now);
        self.gone.remove(&id);
        self.changed.insert(id.clone());
        self.all.insert(id.clone(), insight);
        self.make_room();
        id
    }

    /// Ends one that another tells now, unless somebody said something of it, and lets it not be made for
    /// a while.
    fn cover(&mut self, id: String, by: &str, now: Timestamp) {
        match self.all.get_mut(&id) {
            Some(covered) if covered.state == InsightState::New => {
                covered.state = InsightState::Expired;
                covered.expires_ms = now;
                let covered = covered.clone();
                self.step(&covered, "new", "expired", format!("told by {by}"), now);
                self.changed.insert(id.clone());
            }
            // What has a word goes on by itself.
            Some(known) if known.is_live() => return,
            _ => {}
        }
        self.covered.insert(id, (by.to_owned(), now + COVERED_MS));
        self.covered.retain(|_, (_, until)| *until > now);
        while self.covered.len() > INSIGHTS_MAX {
            self.covered.pop_first();
        }
    }

    /// Those that may page, as series, the highest rank first, at most [`SERIES_MAX`]: what rules page on.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut found: Vec<&AnalyticsInsight> =
            self.all.values().filter(|i| i.may_page()).collect();
        found.sort_by(|a, b| b.rank().total_cmp(&a.rank()).then_with(|| a.id.cmp(&b.id)));
        let one = |i: &&AnalyticsInsight| {
            let mut labels = Labels::empty()
                .with(METRIC_NAME, "plimsoll_insight_rank")
                .with("insight", &i.id)
                .with("type", i.kind.as_str());
            for (name, value) in &i.labels {
                if matches!(name.as_str(), "instance" | "job") {
                    labels = labels.with(name, value);
                }
            }
            Point { labels, value: (i.rank() * 100.0).round() / 100.0 }
        };
        found.iter().take(SERIES_MAX).map(one).collect()
    }

    /// Notes that a recommendation came of an insight.
    pub(crate) fn led_to(&mut self, id: &str, recommendation: &str) {
        if let Some(insight) = self.all.get_mut(id)
            && !insight.recommendations.iter().any(|r| r == recommendation)
        {
            insight.recommendations.push(recommendation.to_owned());
            self.changed.insert(id.to_owned());
        }
    }

    /// Takes a person's word.
    pub(crate) fn say(
        &mut self,
        id: &str,
        to: InsightState,
        word: Word,
        table: &mut Reliability,
    ) -> Result<(), WordError> {
        let insight = self.all.get_mut(id).ok_or_else(|| WordError::Unknown(id.to_owned()))?;
        if !insight.is_live() || insight.state == to {
            let (id, state) = (id.to_owned(), insight.state.as_str());
            return Err(WordError::State { id, state, to: to.as_str() });
        }
        let right = to == InsightState::Acknowledged;
        if let Some((was, claimed)) = insight.vote.take() {
            table.unvote(insight.kind, claimed, was);
        }
        table.vote(insight.kind, insight.claimed, right);
        insight.vote = Some((right, insight.claimed));
        let from = insight.state.as_str();
        insight.state = to;
        let (by, note, at) = (word.by.clone(), word.note.clone(), word.at_ms);
        insight.word = Some(word);
        insight.confidence = table.calibrated(insight.kind, insight.claimed);
        let told = Step {
            id: id.to_owned(),
            at_ms: at,
            by,
            from: from.to_owned(),
            to: to.as_str().to_owned(),
            note,
            title: insight.title.clone(),
        };
        self.steps.push(told);
        self.changed.insert(id.to_owned());
        Ok(())
    }

    /// Lets those expire whose time is over; `truth` tells whether a check holds.
    pub(crate) fn expire(
        &mut self,
        now: Timestamp,
        table: &mut Reliability,
        truth: impl Fn(&Check) -> Option<bool>,
    ) {
        let over: Vec<String> = self
            .all
            .values()
            .filter(|i| i.is_live() && i.expires_ms <= now)
            .map(|i| i.id.clone())
            .collect();
        for id in over {
            let Some(mut insight) = self.all.remove(&id) else { continue };
            if insight.vote.is_none()
                && let Some(right) = insight.check.as_ref().and_then(&truth)
            {
                table.vote(insight.kind, insight.claimed, right);
                insight.vote = Some((right, insight.claimed));
            }
            let from = insight.state.as_str();
            insight.state = InsightState::Expired;
            self.step(&insight, from, "expired", String::new(), now);
            self.changed.insert(id.clone());
            self.all.insert(id, insight);
        }
        let old: Vec<String> = self
            .all
            .values()
            .filter(|i| !i.is_live() && now.saturating_sub(i.expires_ms) > REMEMBERED_MS)
            .map(|i| i.id.clone())
            .collect();
        old.iter().for_each(|id| self.forget(id));
    }

    fn forget(&mut self, id: &str) {
        self.all.remove(id);
        self.changed.remove(id);
        self.seen.remove(id);
        self.gone.insert(id.to_owned());
    }

    /// Keeps within the bound: the longest expired go, then the least important.
    fn make_room(&mut self) {
        while self.all.len() > INSIGHTS_MAX {
            let least = self.all.values().min_by(|a, b| {
                let order =
                    |i: &AnalyticsInsight| (i.is_live(), if i.is_live() { 0 } else { i.last_ms });
                order(a)
                    .cmp(&order(b))
                    .then_with(|| a.rank().total_cmp(&b.rank()))
                    .then_with(|| a.last_ms.cmp(&b.last_ms))
            });
            let Some(id) = least.map(|i| i.id.clone()) else { return };
            self.left_out += 1;
            self.forget(&id);
        }
    }

    fn step(&mut self, i: &AnalyticsInsight, from: &str, to: &str, note: String, now: Timestamp) {
        let (id, title) = (i.id.clone(), i.title.clone());
        let (from, to) = (from.to_owned(), to.to_owned());
        self.steps.push(Step { id, at_ms: now, by: "plimsoll".to_owned(), from, to, note, title });
    }

    /// What is to be written: documents that changed, ids that are gone, steps.
    pub(crate) fn take_changes(
        &mut self,
        now: Timestamp,
        everything: bool,
    ) -> (Vec<AnalyticsInsight>, Vec<String>, Vec<Step>) {
        let mut ids = std::mem::take(&mut self.changed);
        if everything || now.saturating_sub(self.written_at) >= WRITTEN_EVERY_MS {
            self.written_at = now;
            ids.append(&mut self.seen);
        }
        let changed = ids.iter().filter_map(|id| self.all.get(id).cloned()).collect();
        let gone = std::mem::take(&mut self.gone).into_iter().collect();
        (changed, gone, std::mem::take(&mut self.steps))
    }

    /// Puts back what could not be written.
    pub(crate) fn not_written(
        &mut self,
        changed: &[AnalyticsInsight],
        gone: Vec<String>,
        steps: Vec<Step>,
    ) {
        self.changed.extend(changed.iter().map(|i| i.id.clone()));
        self.gone.extend(gone);
        self.steps.splice(..0, steps);
        let over = self.steps.len().saturating_sub(INSIGHTS_MAX);
        self.steps.drain(..over);
    }

    /// Takes back what somebody said: it could not be written.
    pub(crate) fn take_back(&mut self, insight: AnalyticsInsight) {
        if let Some(at) = self.steps.iter().rposition(|s| s.id == insight.id) {
            self.steps.remove(at);
        }
        self.all.insert(insight.id.clone(), insight);
    }

    /// Puts one back after a restart.
    pub(crate) fn restore(&mut self, insight: AnalyticsInsight) {
        if self.all.len() < INSIGHTS_MAX {
            self.all.insert(insight.id.clone(), insight);
        }
    }
}

#[cfg(test)]
mod tests;
