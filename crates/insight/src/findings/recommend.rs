//! Recommendations: what to do about an insight, and whether it helped.
//!
//! Few rules make them (see [`RULES`]); each names an action, the evidence, what to expect, and a query
//! with a condition that tells whether it worked. Life: proposed → accepted → applied → verified or
//! reverted; dismissed from every state before. Once applied, the query is asked by itself after the time
//! that the rule states: the condition holds → verified, otherwise the outcome is kept and it stays
//! applied until it holds, a person says so, or a week is over (then: reverted, "no effect"). One for each
//! rule and subject. Limit: [`RECOMMENDATIONS_MAX`]; beyond it those that are done leave first.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::insight::{AnalyticsInsight, Check, InsightType, Step, Word, WordError};
use super::make::shown;
use super::probe::{Evidence, braces};

/// Recommendations kept.
pub const RECOMMENDATIONS_MAX: usize = 500;
/// Steps kept of one.
const HISTORY_MAX: usize = 32;
/// How long after it was applied the last look is, ms.
const GIVEN_UP_MS: i64 = 7 * DAY_MS;
/// One that nobody took up leaves so long after its insight was seen last, ms.
const FORGOTTEN_MS: i64 = 7 * DAY_MS;
/// One that is done is remembered for so long, ms.
const DONE_MS: i64 = 90 * DAY_MS;

/// How far a recommendation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecommendationState {
    /// Made.
    Proposed,
    /// Somebody will do it.
    Accepted,
    /// It was done; not yet known whether it helped.
    Applied,
    /// It helped.
    Verified,
    /// It was taken back, or had no effect.
    Reverted,
    /// Nobody will do it.
    Dismissed,
}

impl RecommendationState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Proposed,
        Self::Accepted,
        Self::Applied,
        Self::Verified,
        Self::Reverted,
        Self::Dismissed,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Applied => "applied",
            Self::Verified => "verified",
            Self::Reverted => "reverted",
            Self::Dismissed => "dismissed",
        }
    }

    /// Whether nothing comes after it.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Verified | Self::Reverted | Self::Dismissed)
    }

    fn may_become(self, to: Self) -> bool {
        match to {
            Self::Proposed => false,
            Self::Accepted => self == Self::Proposed,
            Self::Applied => matches!(self, Self::Proposed | Self::Accepted),
            Self::Verified => self == Self::Applied,
            Self::Reverted => matches!(self, Self::Applied | Self::Verified),
            Self::Dismissed => matches!(self, Self::Proposed | Self::Accepted),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it was measured, ms.
    pub at_ms: Timestamp,
    /// What the query gave when it was applied.
    pub before: Option<f64>,
    /// What it gives now.
    pub after: f64,
    /// Whether the condition holds.
    pub holds: bool,
}

/// One step of its life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When, ms.
    pub at_ms: Timestamp,
    /// Who; `plimsoll` for what it measured itself.
    pub by: String,
    /// From which state.
    pub from: RecommendationState,
    /// To which.
    pub to: RecommendationState,
    /// What else they said.
    pub note: String,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// 16 hexadecimal digits, made of the rule and the subject.
    pub id: String,
    /// Which rule made it.
    pub rule: String,
    /// How far it has come.
    pub state: RecommendationState,
    /// What to do.
    pub action: String,
    /// The insight it rests on.
    pub insight: String,
    /// The numbers it rests on.
    pub evidence: Vec<Evidence>,
    /// A query that shows where to begin, if there is one.
    pub look_at: Option<String>,
    /// What will be better.
    pub expected_effect: String,
    /// Confidence of the insight, 0..=1.
    pub confidence: f64,
    /// What tells whether it worked.
    pub verify: Check,
    /// How long after it was applied that is asked, ms.
    pub verify_after_ms: i64,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What the query gave when it was applied.
    pub before: Option<f64>,
    /// When it was made, ms.
    pub at_ms: Timestamp,
    /// When its insight was last seen, ms.
    pub seen_ms: Timestamp,
    /// When it was applied, ms.
    pub applied_ms: Option<Timestamp>,
    /// When it is asked next whether it worked, ms.
    pub verify_ms: Option<Timestamp>,
    /// What happened to it, oldest first.
    pub history: Vec<Change>,
}

/// What a rule says.
pub(crate) struct Advice {
    pub(crate) rule: &'static str,
    pub(crate) action: String,
    pub(crate) look_at: Option<String>,
    pub(crate) expected_effect: String,
    pub(crate) verify: Check,
    pub(crate) verify_after_ms: i64,
}

type Rule = fn(&AnalyticsInsight) -> Option<Advice>;

/// All rules; the first that speaks for an insight wins.
const RULES: [Rule; 11] = [
    disk,
    inodes,
    memory,
    files,
    certificate,
    noisy_alert,
    noisy_series,
    oversized,
    lone_target,
    own_limit,
    stopped,
];

fn of<'i>(i: &'i AnalyticsInsight, label: &str) -> Option<&'i str> {
    i.labels.iter().find(|(n, _)| n == label).map(|(_, v)| v.as_str())
}

fn is_resource(i: &AnalyticsInsight, kind: &str) -> bool {
    i.kind == InsightType::Capacity && of(i, "resource") == Some(kind)
}

/// The share in use is to be below the warning mark again.
fn below_mark(i: &AnalyticsInsight) -> Option<Check> {
    let used = i.check.as_ref()?;
    let bound = if used.bound >= 0.8 { 0.8 } else { used.bound };
    Some(Check { query: used.query.clone(), above: false, bound })
}

fn host(i: &AnalyticsInsight) -> String {
    of(i, "instance").unwrap_or("the host").to_owned()
}

fn disk(i: &AnalyticsInsight) -> Option<Advice> {
    if !is_resource(i, "disk") {
        return None;
    }
    let place = of(i, "mountpoint").unwrap_or("/");
    let on = braces(of(i, "instance").map(|v| ("instance", v)));
    Some(Advice {
        rule: "disk_fills",
        action: format!(
            "make room on {place} of {}: rotate or compress logs, remove what is no longer needed, shorten \
             retention, or enlarge it",
            host(i)
        ),
        // What writes most is the first suspect for what grows.
        look_at: Some(format!(
            "topk(5, rate(plimsoll_process_io_write_bytes_total{on}[1h]) or rate(node_disk_written_bytes_total{on}[1h]))"
        )),
        expected_effect: format!("{place} falls below its warning mark"),
        verify: below_mark(i)?,
        verify_after_ms: HOUR_MS,
    })
}

fn inodes(i: &AnalyticsInsight) -> Option<Advice> {
    is_resource(i, "inodes").then_some(())?;
    let place = of(i, "mountpoint").unwrap_or("/");
    Some(Advice {
        rule: "inodes_run_out",
        action: format!(
            "remove many small files on {place} of {} (sessions, caches, mail queues), or make the file \
             system anew with more inodes",
            host(i)
        ),
        look_at: None,
        expected_effect: "inodes in use fall below their warning mark".to_owned(),
        verify: below_mark(i)?,
        verify_after_ms: HOUR_MS,
    })
}

fn memory(i: &AnalyticsInsight) -> Option<Advice> {
    (is_resource(i, "memory") || is_resource(i, "swap")).then_some(())?;
    let on = braces(of(i, "instance").map(|v| ("instance", v)));
    Some(Advice {
        rule: "memory_grows",
        action: format!(
            "restart what grows on {} in a quiet hour and give it a memory limit; if it was not a leak, add \
             memory",
            host(i)
        ),
        look_at: Some(format!(
            "topk(5, deriv(plimsoll_process_resident_memory_bytes{on}[1h]) or deriv(process_resident_memory_bytes{on}[1h]))"
        )),
        expected_effect: "memory in use falls below its warning mark and stays there".to_owned(),
        verify: below_mark(i)?,
        verify_after_ms: HOUR_MS,
    })
}

fn files(i: &AnalyticsInsight) -> Option<Advice> {
    is_resource(i, "files").then_some(())?;
    let on = braces(of(i, "instance").map(|v| ("instance", v)));
    Some(Advice {
        rule: "files_run_out",
        action: format!(
            "find what keeps files open on {} and restart it; raise fs.file-max and the limit of the service",
            host(i)
        ),
        look_at: Some(format!("topk(5, process_open_fds{on} / process_max_fds{on})")),
        expected_effect: "open files fall below their warning mark".to_owned(),
        verify: below_mark(i)?,
        verify_after_ms: 15 * MINUTE_MS,
    })
}

fn certificate(i: &AnalyticsInsight) -> Option<Advice> {
    (i.kind == InsightType::Risk && i.subject.starts_with("certificate")).then_some(())?;
    let by = super::when(i.impact.at_ms + ((i.impact.value - 86_400.0).max(0.0) * 1e3) as i64);
    Some(Advice {
        rule: "certificate_ends",
        action: format!("renew the certificate of {} by {by}", host(i)),
        look_at: None,
        expected_effect: "it is valid for more than a month".to_owned(),
        verify: Check { query: i.impact.query.clone(), above: true, bound: 30.0 * 86_400.0 },
        verify_after_ms: 5 * MINUTE_MS,
    })
}

fn oversized(i: &AnalyticsInsight) -> Option<Advice> {
    (i.kind == InsightType::Waste).then_some(())?;
    let unused =
        shown(i.impact.value, if i.impact.unit == "bytes" { "bytes" } else { &i.impact.unit });
    Some(Advice {
        rule: "right_size",
        action: format!(
            "give {} a smaller machine, or more to do: {unused} were not used in two weeks",
            host(i)
        ),
        look_at: None,
        expected_effect: "its busiest hours use at least a fifth of it".to_owned(),
        verify: Check { above: true, ..i.check.clone()? },
        verify_after_ms: 7 * DAY_MS,
    })
}

/// Half as often as it was: then it helped.
fn half_as_often(i: &AnalyticsInsight) -> Check {
    let query = format!("sum({}) or vector(0)", i.impact.query);
    Check { query, above: false, bound: i.impact.value / 2.0 }
}

fn noisy_alert(i: &AnalyticsInsight) -> Option<Advice> {
    let name = i.subject.strip_prefix("noisy alert ")?;
    let remedy = match i.evidence.get(2) {
        Some(e) => format!("give its rule a longer `for` or `keep_firing_for`: {}", e.text),
        None => "raise its threshold, or let it look at a mean over a longer time".to_owned(),
    };
    Some(Advice {
        rule: "noisy_alert",
        action: format!("make {name} calmer: {remedy}"),
        look_at: Some(format!("ALERTS{}", braces([("alertname", name)]))),
        expected_effect: "it fires half as often, or less".to_owned(),
        verify: half_as_often(i),
        verify_after_ms: DAY_MS,
    })
}

fn noisy_series(i: &AnalyticsInsight) -> Option<Advice> {
    let selector = i.subject.strip_prefix("noisy series ")?;
    Some(Advice {
        rule: "noisy_series",
        action: format!(
            "write {selector} into analysis.ignore if nobody needs to know, or let a rule record its mean over \
             a longer time and watch that"
        ),
        look_at: None,
        expected_effect: "it has half as many alarms, or fewer".to_owned(),
        verify: half_as_often(i),
        verify_after_ms: DAY_MS,
    })
}

fn stopped(i: &AnalyticsInsight) -> Option<Advice> {
    i.subject.strip_prefix("stopped ")?;
    let silence = i.evidence.first()?;
    Some(Advice {
        rule: "series_stopped",
        action: format!(
            "find out why {} exports them no more: what changed there, the log of its exporter; dismiss this \
             if they were taken out on purpose",
            host(i)
        ),
        look_at: Some(format!("up{}", super::probe::braces_of(&i.labels))),
        expected_effect: "there are samples again".to_owned(),
        verify: Check { query: silence.query.clone(), above: false, bound: 300.0 },
        verify_after_ms: 15 * MINUTE_MS,
    })
}

fn lone_target(i: &AnalyticsInsight) -> Option<Advice> {
    (i.kind == InsightType::Risk && i.subject.starts_with("up{")).then_some(())?;
    let first = i.evidence.first()?;
    Some(Advice {
        rule: "target_down",
        action: format!(
            "start {} again, or take it out of the targets if it is gone for good",
            host(i)
        ),
        look_at: None,
        expected_effect: "it is scraped again".to_owned(),
        verify: Check { query: first.query.clone(), above: true, bound: 0.5 },
        verify_after_ms: 5 * MINUTE_MS,
    })
}

fn own_limit(i: &AnalyticsInsight) -> Option<Advice> {
    (i.kind == InsightType::Budget).then_some(())?;
    Some(Advice {
        rule: "limit_near",
        action: "find the metric with most series and drop what nobody uses, or raise the limit"
            .to_owned(),
        look_at: Some("topk(10, count by (__name__) ({__name__!=\"\"}))".to_owned()),
        expected_effect: "the limit has room again".to_owned(),
        verify: Check { above: false, ..i.check.clone()? },
        verify_after_ms: HOUR_MS,
    })
}

/// All recommendations, by id.
#[derive(Default)]
pub(crate) struct Recommendations {
    all: BTreeMap<String, Recommendation>,
    changed: BTreeSet<String>,
    gone: BTreeSet<String>,
    steps: Vec<Step>,
    pub(crate) left_out: u64,
}

impl Recommendations {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Recommendation> {
        self.all.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Recommendation> {
        self.all.get(id)
    }

    pub(crate) fn len(&self, state: RecommendationState) -> usize {
        self.all.values().filter(|r| r.state == state).count()
    }

    /// What is to be done about an insight; the id of the recommendation, if a rule speaks.
    pub(crate) fn consider(
        &mut self,
        insight: &AnalyticsInsight,
        now: Timestamp,
    ) -> Option<String> {
        let advice = RULES.iter().find_map(|rule| rule(insight))?;
        let id = super::hashed(&[advice.rule, &insight.subject]);
        if let Some(known) = self.all.get_mut(&id) {
            known.seen_ms = now;
            let again = known.state.is_done()
                && known.state != RecommendationState::Dismissed
                && now - known.history.last().map_or(known.at_ms, |c| c.at_ms) > DAY_MS;
            if !again {
                return Some(id);
            }
        }
        let made = Recommendation {
            id: id.clone(),
            rule: advice.rule.to_owned(),
            state: RecommendationState::Proposed,
            action: advice.action,
            insight: insight.id.clone(),
            evidence: insight.evidence.clone(),
            look_at: advice.look_at,
            expected_effect: advice.expected_effect,
            confidence: insight.confidence,
            verify: advice.verify,
            verify_after_ms: advice.verify_after_ms,
            outcome: None,
            before: None,
            at_ms: now,
            seen_ms: now,
            applied_ms: None,
            verify_ms: None,
            history: Vec::new(),
        };
        self.gone.remove(&id);
        self.changed.insert(id.clone());
        self.all.insert(id.clone(), made);
        self.make_room();
        Some(id)
    }

    /// Takes a person's word; `now_is` is what the verify-query gives now.
    pub(crate) fn say(
        &mut self,
        id: &str,
        to: RecommendationState,
        word: &Word,
        now_is: Option<f64>,
    ) -> Result<(), WordError> {
        let r = self.all.get(id).ok_or_else(|| WordError::Unknown(id.to_owned()))?;
        if !r.state.may_become(to) {
            let (id, state) = (id.to_owned(), r.state.as_str());
            return Err(WordError::State { id, state, to: to.as_str() });
        }
        self.advance(id, to, (&word.by, &word.note), word.at_ms, now_is);
        Ok(())
    }

    fn advance(
        &mut self,
        id: &str,
        to: RecommendationState,
        (by, note): (&str, &str),
        now: Timestamp,
        now_is: Option<f64>,
    ) {
        let Some(r) = self.all.get_mut(id) else { return };
        let from = std::mem::replace(&mut r.state, to);
        match to {
            RecommendationState::Applied => {
                r.applied_ms = Some(now);
                r.before = now_is;
                r.verify_ms = Some(now + r.verify_after_ms);
            }
            RecommendationState::Verified | RecommendationState::Reverted => {
                r.verify_ms = None;
                if let Some(after) = now_is {
                    let holds = r.verify.holds(after);
                    r.outcome = Some(Outcome { at_ms: now, before: r.before, after, holds });
                }
            }
            _ => {}
        }
        if r.history.len() >= HISTORY_MAX {
            r.history.remove(0);
        }
        let (who, said) = (by.to_owned(), note.to_owned());
        r.history.push(Change { at_ms: now, by: who.clone(), from, to, note: said.clone() });
        self.steps.push(Step {
            id: id.to_owned(),
            at_ms: now,
            by: who,
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            note: said,
            title: r.action.clone(),
        });
        self.changed.insert(id.to_owned());
    }

    /// Those whose verify-query is to be asked now.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<(String, Check)> {
        let due = self.all.values().filter(|r| r.verify_ms.is_some_and(|at| at <= now));
        due.map(|r| (r.id.clone(), r.verify.clone())).collect()
    }

    /// Takes what a verify-query gave.
    pub(crate) fn measured(&mut self, id: &str, after: Option<f64>, now: Timestamp) {
        let Some(r) = self.all.get_mut(id).filter(|r| r.state == RecommendationState::Applied)
        else {
            return;
        };
        let given_up = r.applied_ms.is_none_or(|at| now - at >= r.verify_after_ms + GIVEN_UP_MS);
        let holds = after.is_some_and(|v| r.verify.holds(v));
        r.verify_ms = Some(now + r.verify_after_ms.clamp(MINUTE_MS, DAY_MS));
        if let Some(after) = after {
            r.outcome = Some(Outcome { at_ms: now, before: r.before, after, holds });
            self.changed.insert(id.to_owned());
        }
        if holds {
            let note = "the condition holds";
            self.advance(id, RecommendationState::Verified, ("plimsoll", note), now, after);
        } else if given_up {
            let note = "no effect within a week";
            self.advance(id, RecommendationState::Reverted, ("plimsoll", note), now, after);
        }
    }

    /// Lets old ones go.
    pub(crate) fn tidy(&mut self, now: Timestamp) {
        let old = |r: &&Recommendation| {
            let changed = r.history.last().map_or(r.at_ms, |c| c.at_ms);
            match r.state {
                RecommendationState::Proposed => now - r.seen_ms > FORGOTTEN_MS,
                s if s.is_done() => now - changed > DONE_MS,
                _ => false,
            }
        };
        let gone: Vec<String> = self.all.values().filter(old).map(|r| r.id.clone()).collect();
        gone.iter().for_each(|id| self.forget(id));
    }

    fn forget(&mut self, id: &str) {
        self.all.remove(id);
        self.changed.remove(id);
        self.gone.insert(id.to_owned());
    }

    fn make_room(&mut self) {
        while self.all.len() > RECOMMENDATIONS_MAX {
            let least = self.all.values().min_by_key(|r| (!r.state.is_done(), r.state, r.seen_ms));
            let Some(id) = least.map(|r| r.id.clone()) else { return };
            self.left_out += 1;
            self.forget(&id);
        }
    }

    pub(crate) fn take_changes(&mut self) -> (Vec<Recommendation>, Vec<String>, Vec<Step>) {
        let ids = std::mem::take(&mut self.changed);
        let changed = ids.iter().filter_map(|id| self.all.get(id).cloned()).collect();
        let gone = std::mem::take(&mut self.gone).into_iter().collect();
        (changed, gone, std::mem::take(&mut self.steps))
    }

    pub(crate) fn not_written(
        &mut self,
        changed: &[Recommendation],
        gone: Vec<String>,
        steps: Vec<Step>,
    ) {
        self.changed.extend(changed.iter().map(|r| r.id.clone()));
        self.gone.extend(gone);
        self.steps.splice(..0, steps);
        let over = self.steps.len().saturating_sub(RECOMMENDATIONS_MAX);
        self.steps.drain(..over);
    }

    /// Takes back what somebody said: it could not be written.
    pub(crate) fn take_back(&mut self, r: Recommendation) {
        if let Some(at) = self.steps.iter().rposition(|s| s.id == r.id) {
            self.steps.remove(at);
        }
        self.all.insert(r.id.clone(), r);
    }

    pub(crate) fn restore(&mut self, r: Recommendation) {
        if self.all.len() < RECOMMENDATIONS_MAX {
            self.all.insert(r.id.clone(), r);
        }
    }
}
