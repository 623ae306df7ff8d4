//! What follows from what analysis sees: insights, recommendations, risks, graded forecasts,
//! assessments, and the jobs that people write.
//!
//! [`Findings::tick`] looks at what [`Insight`] sees, asks the store for the numbers, and keeps what it
//! found in the records; it belongs on a blocking thread, after a tick of `Insight`. Every number of a
//! finding comes with the query that gives it again. Reading calls take a moment and never wait for a
//! look. Bounded CPU: after a look of length `t` the next one is due no sooner than nine times `t` later,
//! so findings take a tenth of one core at most; each look asks a bounded number of queries.
//!
//! Limits: [`INSIGHTS_MAX`], [`RECOMMENDATIONS_MAX`], [`RISKS_MAX`]; what is left out is counted.

mod assess;
mod insight;
pub mod jobs;
mod kept;
mod kpi;
mod ledger;
mod make;
mod probe;
mod recommend;
mod reliability;
mod risk;
mod rows;
mod views;
mod work;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::Timestamp;

use crate::owner::Insight;
use crate::scores::Anomaly;
use crate::spend::{ASK_AGAIN, Part};
use assess::Assessments;
use insight::{Insights, NOTE_BYTES_MAX};
use jobs::Job;
use ledger::{Ledger, Subject};
use make::{MAKERS, Seen};
use probe::Probe;
use recommend::Recommendations;

pub use assess::{
    Assessment, DataBasis, ENTRIES_MAX, GROUPS_MAX, Group, Health, INTERVAL_MS, REASONS_MAX, Reason,
};
pub use insight::{
    AnalyticsInsight, Check, INSIGHTS_MAX, Impact, InsightState, InsightType, PAGE_CONFIDENCE,
    Word, WordError,
};
pub use jobs::replay::{JobEpisode, JobReplay, replay};
pub use jobs::run::{JobResult, JobRun, SetAside};
pub use ledger::{Accuracy, AccuracyDay, BOOKS_MAX, HorizonScore, KEPT_DAYS, LEVEL, Scored};
pub use probe::Evidence;
pub use recommend::{
    Change as RecommendationChange, Outcome, RECOMMENDATIONS_MAX, Recommendation,
    RecommendationState,
};
pub use reliability::{BINS, Bin, Reliability};
pub use risk::{Probability, RISKS_MAX, Risk};
pub use rows::LabelledRow;

/// Time between looks when nothing says that there is news.
const EVERY: Duration = Duration::from_secs(60);
/// A look is followed by so many times its length without one.
const REST: u32 = 9;
/// Numbers of findings are those of so long ago: what is newer may still be on its way, ms.
const SETTLED_MS: i64 = 10_000;
/// How long it is remembered that a series was unusual, ms.
const LATELY_MS: i64 = 3 * 60 * 60_000;
/// Unusual series that are remembered.
const LATELY_MAX: usize = 100;
/// Makers that look seldom wait so long after the start, ms: until there is something to see.
const FIRST_SELDOM_MS: i64 = 10 * 60_000;
/// From this interval on a maker looks seldom, ms.
const SELDOM_MS: i64 = 60 * 60_000;

/// Finds, keeps, grades. Share it.
pub struct Findings {
    insight: Arc<Insight>,
    looking: Mutex<Looking>,
    state: Mutex<State>,
}

/// What looks need between them; held for the length of a look.
struct Looking {
    restored: bool,
    enabled: bool,
    /// When each maker is due, on the monotonic clock.
    next: Vec<Duration>,
    not_before: Duration,
    ledger: Ledger,
    jobs: Vec<Slot>,
    /// Job forecasts to be graded, by job.
    graded: BTreeMap<String, Vec<Subject>>,
    series_ms: Timestamp,
    /// Series that were unusual lately, and when.
    lately: BTreeMap<(String, Vec<(String, String)>), Timestamp>,
}

impl Looking {
    /// Keeps in mind what is unusual, for changes that turn out to stay.
    fn remember(&mut self, anomalies: &[Anomaly], now: Timestamp) {
        for a in anomalies {
            self.lately.insert((a.series.clone(), a.labels.clone()), now);
        }
        self.lately.retain(|_, at| (0..LATELY_MS).contains(&now.saturating_sub(*at)));
        while self.lately.len() > LATELY_MAX {
            let oldest = self.lately.iter().min_by_key(|(_, at)| **at).map(|(k, _)| k.clone());
            oldest.and_then(|key| self.lately.remove(&key));
        }
    }
}

/// A job and when it is due.
struct Slot {
    job: Job,
    next_ms: Timestamp,
}

/// A job, and what came of its last look.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// `waiting`, `ok`, `no data`, `resting` (its calendar says that this is no time for it).
    pub state: &'static str,
    /// When it looked last, ms.
    pub last_ms: Option<Timestamp>,
    /// When it looks next, ms.
    pub next_ms: Timestamp,
    /// How fresh its data were.
    pub basis: Option<DataBasis>,
    /// Series that were looked at.
    pub series: u64,
    /// What was found in them.
    pub findings: u64,
    /// Series that could not be analysed.
    pub set_aside: Vec<SetAside>,
    /// Series beyond the most that are looked at.
    pub left_out: u64,
    /// What is wrong, for people.
    pub problem: Option<String>,
}

/// What readers see; held for moments. Taken after `looking`, never before.
#[derive(Default)]
struct State {
    insights: Insights,
    recommendations: Recommendations,
    reliability: Reliability,
    reliability_changed: bool,
    risks: Vec<Risk>,
    assessments: Assessments,
    scored: Vec<Scored>,
    accuracy: Vec<Accuracy>,
    coverage: Vec<(&'static str, f64)>,
    books_left_out: u64,
    jobs: Vec<JobStatus>,
    job_runs: u64,
    looked_ms: Option<Timestamp>,
    looks: u64,
    queries: u64,
    busy: Duration,
    records_failures: u64,
    unreadable: u64,
}

/// 16 hexadecimal digits made of some texts.
pub(crate) fn hashed(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0xff);
    }
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// A time for people: `2026-03-01 12:00 UTC`.
pub(crate) fn when(at: Timestamp) -> String {
    let (days, ms) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    let minutes = ms / 60_000;
    // Days to a date of the proleptic Gregorian calendar: eras of 400 years that begin in March.
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

impl Findings {
    /// Ready to look; reads nothing yet.
    pub fn new(insight: Arc<Insight>, enabled: bool, jobs: Vec<Job>) -> Self {
        let start = insight.setup().clock.mono();
        let first = |m: &make::Maker| {
            start + if m.every_ms >= SELDOM_MS { after(FIRST_SELDOM_MS) } else { Duration::ZERO }
        };
        let next = MAKERS.iter().map(first).collect();
        let looking = Looking {
            restored: false,
            enabled,
            next,
            not_before: start,
            ledger: Ledger::default(),
            jobs: Vec::new(),
            graded: BTreeMap::new(),
            series_ms: i64::MIN,
            lately: BTreeMap::new(),
        };
        let new = Self { insight, looking: Mutex::new(looking), state: Mutex::default() };
        new.apply(enabled, jobs);
        new
    }

    /// Takes another configuration: whether to look at all, and the jobs. A job that did not change keeps
    /// its place in time.
    pub fn apply(&self, enabled: bool, jobs: Vec<Job>) {
        let now = self.insight.setup().clock.wall_ms();
        let mut looking = self.looking.lock();
        looking.enabled = enabled;
        let mut old: BTreeMap<String, Slot> = std::mem::take(&mut looking.jobs)
            .into_iter()
            .map(|s| (s.job.name.clone(), s))
            .collect();
        looking.jobs = jobs
            .into_iter()
            .map(|job| match old.remove(&job.name).filter(|s| s.job == job) {
                Some(slot) => slot,
                None => Slot { job, next_ms: now },
            })
            .collect();
        let names: BTreeSet<&str> = looking.jobs.iter().map(|s| s.job.name.as_str()).collect();
        let graded: Vec<String> =
            looking.graded.keys().filter(|n| !names.contains(n.as_str())).cloned().collect();
        graded.iter().for_each(|name| drop(looking.graded.remove(name)));
        let mut state = self.state.lock();
        let known = std::mem::take(&mut state.jobs);
        state.jobs = looking
            .jobs
            .iter()
            .map(|slot| {
                let status = known.iter().find(|s| s.name == slot.job.name).cloned();
                status.unwrap_or_else(|| JobStatus::waiting(&slot.job.name, slot.next_ms))
            })
            .collect();
    }

    /// Looks at what there is; gives the time until the next call. Belongs on a blocking thread. Called
    /// sooner than it said it looks only when its share of the CPU allows it.
    pub fn tick(&self) -> Duration {
        let setup = self.insight.setup();
        let started = setup.clock.mono();
        let mut looking = self.looking.lock();
        if !looking.enabled {
            return EVERY;
        }
        if started < looking.not_before {
            return looking.not_before - started;
        }
        if self.insight.spend().holds(Part::Findings, started) {
            return ASK_AGAIN;
        }
        let now = setup.clock.wall_ms();
        if !looking.restored {
            looking.restored = true;
            self.restore(&mut looking);
        }
        // Samples on their way are there by then: asked later, the queries give the same numbers.
        let at = now - SETTLED_MS;
        let anomalies = self.insight.anomalies();
        looking.remember(&anomalies, now);
        let seen = Seen {
            lately: looking.lately.keys().cloned().collect(),
            anomalies,
            groups: self.insight.groups(),
            stopped: self.insight.stopped(),
            trends: self.insight.trends(),
            resources: self.insight.resources(),
            expressions: self.insight.expressions(),
        };
        let snapshot = setup.source.snapshot();
        let probe = || Probe::new(&setup.engine, Arc::clone(&snapshot));
        let mut asked = self.make(&mut looking, &seen, &probe, started, (now, at));
        let general = probe();
        self.follow_up(&seen, &general, (now, at));
        let mut points = self.assess(&seen, &general, now);
        asked += general.asked();
        let jobs = self.run_jobs(&mut looking, started, now);
        let grading = probe();
        points.extend(self.grade(&mut looking, &seen, &grading, at));
        points.extend(self.figures(&mut looking, &grading, now));
        asked += grading.asked();
        if !points.is_empty() {
            self.insight.issue_findings(points, now);
        }
        self.keep(now, false);
        self.keep_ledger(&mut looking, now, false);
        let ended = setup.clock.mono();
        let busy = ended.saturating_sub(started);
        self.insight.spend().note(Part::Findings, busy.saturating_sub(jobs), ended);
        looking.not_before = started + busy + busy * REST;
        let mut state = self.state.lock();
        state.looked_ms = Some(now);
        state.looks += 1;
        state.queries += u64::from(asked);
        state.busy += busy;
        let next_job = looking.jobs.iter().map(|s| s.next_ms).min();
        let due = next_job.map_or(EVERY, |at| after(at.saturating_sub(now)));
        EVERY.min(due).max(busy * REST)
    }

    /// Lets the makers that are due make insights of the numbers of `at`; gives the queries asked.
    fn make<'e>(
        &self,
        looking: &mut Looking,
        seen: &Seen,
        probe: &dyn Fn() -> Probe<'e>,
        started: Duration,
        (now, at): (Timestamp, Timestamp),
    ) -> u32 {
        let mut asked = 0;
        for (maker, next) in MAKERS.iter().zip(&mut looking.next) {
            if started < *next {
                continue;
            }
            *next = started + after(maker.every_ms);
            let probe = probe();
            let drafts = (maker.make)(seen, &probe, at);
            asked += probe.asked();
            let mut state = self.state.lock();
            let State { insights, recommendations, reliability, .. } = &mut *state;
            for draft in drafts {
                let id = insights.take(draft, now, reliability);
                let advice = insights.get(&id).and_then(|i| recommendations.consider(i, now));
                if let Some(advice) = advice {
                    insights.led_to(&id, &advice);
                }
            }
        }
        asked
    }

    /// Expires, verifies, ranks risks.
    fn follow_up(&self, seen: &Seen, probe: &Probe<'_>, (now, at): (Timestamp, Timestamp)) {
        let risks = risk::register(&seen.resources, probe, at);
        let due = self.state.lock().recommendations.due(now);
        let measured: Vec<(String, Option<f64>)> =
            due.into_iter().map(|(id, check)| (id, probe.number(&check.query, now))).collect();
        let mut state = self.state.lock();
        state.risks = risks;
        for (id, value) in measured {
            state.recommendations.measured(&id, value, now);
        }
        state.recommendations.tidy(now);
        let State { insights, reliability, reliability_changed, .. } = &mut *state;
        let before = reliability.clone();
        insights.expire(now, reliability, |check| {
            probe.number(&check.query, now).map(|value| check.holds(value))
        });
        *reliability_changed |= before != *reliability;
    }

    /// Asks the queries of some evidence again, at the times that they name. Blocks.
    pub fn again(&self, evidence: &[Evidence]) -> Vec<Option<f64>> {
        let setup = self.insight.setup();
        let probe = Probe::new(&setup.engine, setup.source.snapshot());
        evidence.iter().map(|e| probe.again(e)).collect()
    }

    /// Takes a person's word on an insight: acknowledged or dismissed. Blocks until it is written.
    ///
    /// # Errors
    /// Every [`WordError`].
    pub fn say(
        &self,
        id: &str,
        to: InsightState,
        by: &str,
        note: &str,
    ) -> Result<AnalyticsInsight, WordError> {
        let word = self.word(by, note)?;
        let mut held = self.state.lock();
        let before = (held.insights.get(id).cloned(), held.reliability.clone());
        let State { insights, reliability, reliability_changed, .. } = &mut *held;
        insights.say(id, to, word, reliability)?;
        *reliability_changed = true;
        drop(held);
        if !self.keep(self.insight.setup().clock.wall_ms(), false) {
            let mut held = self.state.lock();
            before.0.into_iter().for_each(|i| held.insights.take_back(i));
            held.reliability = before.1;
            return Err(WordError::NotRecorded);
        }
        self.get(id).ok_or_else(|| WordError::Unknown(id.to_owned()))
    }

    /// Takes a person's word on a recommendation. Blocks until it is written.
    ///
    /// # Errors
    /// Every [`WordError`].
    pub fn decide(
        &self,
        id: &str,
        to: RecommendationState,
        by: &str,
        note: &str,
    ) -> Result<Recommendation, WordError> {
        let word = self.word(by, note)?;
        let setup = self.insight.setup();
        let before = self.recommendation(id);
        let before = before.ok_or_else(|| WordError::Unknown(id.to_owned()))?;
        let probe = Probe::new(&setup.engine, setup.source.snapshot());
        let now_is = probe.number(&before.verify.query, word.at_ms);
        self.state.lock().recommendations.say(id, to, &word, now_is)?;
        if !self.keep(word.at_ms, false) {
            self.state.lock().recommendations.take_back(before);
            return Err(WordError::NotRecorded);
        }
        self.recommendation(id).ok_or_else(|| WordError::Unknown(id.to_owned()))
    }

    fn word(&self, by: &str, note: &str) -> Result<Word, WordError> {
        if by.trim().is_empty() {
            return Err(WordError::Invalid("\"by\" is missing: who says so?".to_owned()));
        }
        if by.len() > NOTE_BYTES_MAX || note.len() > NOTE_BYTES_MAX {
            let message = format!("\"by\" and \"note\" have at most {NOTE_BYTES_MAX} bytes");
            return Err(WordError::Invalid(message));
        }
        self.ensure_restored();
        let at_ms = self.insight.setup().clock.wall_ms();
        Ok(Word { by: by.to_owned(), at_ms, note: note.to_owned() })
    }

    /// What was kept is there before somebody says something of it.
    fn ensure_restored(&self) {
        let mut looking = self.looking.lock();
        if !looking.restored {
            looking.restored = true;
            self.restore(&mut looking);
        }
    }
}

impl Slot {
    /// Whether it is time; also when the clock was set back.
    fn is_due(&self, now: Timestamp) -> bool {
        self.next_ms <= now || self.next_ms - now > self.job.interval_ms
    }
}

impl JobStatus {
    fn waiting(name: &str, next_ms: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            state: "waiting",
            last_ms: None,
            next_ms,
            basis: None,
            series: 0,
            findings: 0,
            set_aside: Vec::new(),
            left_out: 0,
            problem: None,
        }
    }

    fn of(run: &JobRun, next_ms: Timestamp) -> Self {
        let problem = match (run.basis, run.results.is_empty()) {
            _ if run.resting => None,
            (None, _) => Some("none of its metrics has data within a week".to_owned()),
            (Some(_), true) => Some("no series could be analysed".to_owned()),
            _ => None,
        };
        Self {
            name: run.job.clone(),
            state: match run.basis {
                _ if run.resting => "resting",
                Some(_) => "ok",
                None => "no data",
            },
            last_ms: Some(run.at_ms),
            next_ms,
            basis: run.basis,
            series: run.results.len() as u64,
            findings: run.found().count() as u64,
            set_aside: run.set_aside.clone(),
            left_out: run.left_out,
            problem,
        }
    }
}

fn after(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(when(0), "1970-01-01 00:00 UTC");
        assert_eq!(when(951_827_696_000), "2000-02-29 12:34 UTC");
        assert_eq!(when(1_750_000_000_000), "2025-06-15 15:06 UTC");
        assert_eq!(when(-1), "1969-12-31 23:59 UTC");
        assert!(!when(i64::MAX).is_empty() && !when(i64::MIN).is_empty());
        assert_eq!(hashed(&["a", "b"]), hashed(&["a", "b"]));
        assert_ne!(hashed(&["ab"]), hashed(&["a", "b"]));
    }
}
